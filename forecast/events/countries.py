"""Names of countries → ISO 3166-1 codes; names that two countries share, and names that nearly are one.

The names live in ``data/country_names.csv``. Actors are free text, so a name that is no country's stays as it
is. No NumPy here: the config reader needs the names too.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from forecast.events.codebook import countries

_SHARED = MappingProxyType(
    {
        "korea": (("KOR", "South Korea"), ("PRK", "North Korea")),
        "congo": (("COD", "Democratic Republic"), ("COG", "Republic")),
        "virgin islands": (("VGB", "British"), ("VIR", "United States")),
    }
)
_OTHER_CODES = MappingProxyType(
    {"DRC": "COD", "GER": "DEU", "KSA": "SAU", "PRC": "CHN", "ROK": "KOR", "RSA": "ZAF", "UAE": "ARE"}
)
"""Three letters that are often written for a country and are the ISO code of none."""
_LEAST_LETTERS = 4
"""Shorter names (US, UK) are known only as written: folded, they could be another word or code."""
_LEAST_NEAR = 5


@cache
def country_names() -> Mapping[str, str]:
    """Return country names as ISO, ICEWS, ACLED and newspapers write them → three-letter code."""
    text = (files("forecast.events") / "data/country_names.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["name"]: row["alpha3"] for row in csv.DictReader(text.splitlines())})


@cache
def _by_folded() -> Mapping[str, str]:
    """Folded name → name, for those that can be folded."""
    return {folded: name for name in country_names() if len(folded := _folded(name)) >= _LEAST_LETTERS}


def _folded(name: str) -> str:
    """Return a name without capitals, accents, punctuation, and articles."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    signs = (sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign))
    words = "".join(signs).split()
    return " ".join("saint" if word == "st" else word for word in words if word != "the")


def country_code(name: str) -> str | None:
    """Return the code of the country that goes by a name, ``None`` where none does or two do."""
    folded = _folded(name)
    if folded in _SHARED:
        return None
    return country_names().get(name) or country_names().get(_by_folded().get(folded, ""))


def actor_named(name: str) -> str:
    """Return the code of a country, or a name that is no country's as it is."""
    return country_code(name) or name


def shared_name(name: str) -> str | None:
    """Return which countries a name may mean, e.g. ``KOR (South Korea) or PRK (North Korea)``."""
    meant = _SHARED.get(_folded(name))
    return " or ".join(f"{code} ({which})" for code, which in meant) if meant else None


def near_country(actor: str) -> str | None:
    """Return the country that an actor's name may be meant for, e.g. ``PAK (Pakistan)`` for ``Pakistn``.

    It is one letter away from the country's name, or another code in use for the country.
    """
    if actor in _OTHER_CODES:
        code = _OTHER_CODES[actor]
        return f"{code} ({next(name for name, known in country_names().items() if known == code)})"
    folded = _folded(actor)
    if actor in countries() or len(folded) < _LEAST_NEAR or country_code(actor) or folded in _SHARED:
        return None
    near = next((name for part in _less_a_letter(folded) if (name := _shortened_names().get(part))), None)
    return f"{country_names()[near]} ({near})" if near else None


@cache
def _shortened_names() -> Mapping[str, str]:
    """Each name, whole and less one letter → the name: texts that share a form are about a letter apart."""
    names = {folded: name for folded, name in _by_folded().items() if len(folded) >= _LEAST_NEAR}
    return {part: name for folded, name in names.items() for part in _less_a_letter(folded)}


def _less_a_letter(folded: str) -> list[str]:
    return [folded, *(folded[:place] + folded[place + 1 :] for place in range(len(folded)))]
