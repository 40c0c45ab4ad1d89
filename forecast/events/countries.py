"""Names of countries → ISO 3166-1 codes and back; names that two countries share, or that are mistyped.

The names live in ``data/country_names.csv``. Actors are free text, so a name that is no country's stays as it
is. No NumPy here: the config reader needs the names too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType

from forecast.errors import nearest
from forecast.events.codebook import countries, packaged_rows

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
_TITLES = MappingProxyType(
    {
        **{"BIH": "Bosnia and Herzegovina", "COD": "DR Congo", "GBR": "United Kingdom"},
        **{"MKD": "North Macedonia", "MMR": "Myanmar", "PRK": "North Korea", "TLS": "Timor-Leste"},
    }
)
"""Countries whose shortest name is not the usual one."""
_ARTICLE = {name: f"the {name}" for name in ("United States", "United Kingdom", "Netherlands", "Philippines")}
"""Countries whose name has an article within a sentence."""
_LEAST_LETTERS = 4
"""Shorter names (US, UK) are known only as written: folded, they could be another word or code."""
_LEAST_NEAR = 5


@cache
def country_names() -> Mapping[str, str]:
    """Return country names as ISO, ICEWS, ACLED and newspapers write them → three-letter code."""
    return MappingProxyType({row["name"]: row["alpha3"] for row in packaged_rows("country_names.csv")})


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


@cache
def _titles() -> Mapping[str, str]:
    """Code → the shortest of the country's names that is neither inverted nor abbreviated."""
    shortest: dict[str, str] = {}
    for name, code in country_names().items():
        plain = len(name) >= _LEAST_LETTERS and not set(name) & set(",(.")
        if plain and len(name) < len(shortest.get(code, name + " ")):
            shortest[code] = name
    return MappingProxyType({**shortest, **_TITLES})


def actor_title(actor: str) -> str:
    """Return how a title names an actor: ``Russia`` for ``RUS`` or ``russia``; what is no code or name stays.

    A name that is spelt as a country's is kept: ``Türkiye``.
    """
    if actor in country_names():
        return actor
    return _titles().get(actor) or _by_folded().get(_folded(actor), actor)


@cache
def _lower_names() -> Mapping[str, str]:
    """Names of one word, in small letters → as they are spelt: ``taiwan`` → ``Taiwan``."""
    return {name.lower(): name for name in country_names() if name.istitle() and name.isalpha()}


def code_in_words(code: str) -> str:
    """Return a key or code as words, countries with their capital: ``taiwan_visit`` → ``Taiwan visit``."""
    return " ".join(_lower_names().get(word, word) for word in code.replace("_", " ").split(" "))


def whose_acts(actors: Collection[str]) -> str:
    """Return the sentence on whose acts count: ``Only China's acts count.``; empty where anybody's do."""
    names = [_ARTICLE.get(name := actor_title(actor), name) for actor in actors]
    owners = [f"{name}'" if name.endswith("s") else f"{name}'s" for name in names]
    return f"Only {' or '.join(owners)} acts count." if owners else ""


def pair_title(a: Collection[str], b: Collection[str]) -> str:
    """Return two sides as every title has them: ``Russia – Ukraine``; actors of a side joined by a plus."""
    return " – ".join(" + ".join(map(actor_title, side)) for side in (a, b))


def pair_named(text: str) -> tuple[str, ...]:
    """Return the actors of a pair in one word, as codes: ``("RUS", "UKR")`` for ``Russia-Ukraine``."""
    whole = text.replace(",", "-").replace("–", "-").split("-")
    return tuple(actor_named(part.strip()) for part in whole)


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


def near_actor(actor: str, known: Collection[str]) -> str | None:
    """Return which of the known actors one is meant for, e.g. ``'Russia' (RUS)`` for ``Rusia``, or ``'USA'``.

    Codes and names are both compared, by the letters in common. A code of a country is meant for another only
    where it has the same letters (IDN, IND).
    """
    if actor in countries():
        known = [code for code in known if sorted(code) == sorted(actor)]
    if (code := _OTHER_CODES.get(actor)) in known:
        return f"'{actor_title(str(code))}' ({code})"
    folded, ways = _folded(actor), dict(_ways_to_write(known))
    if matches := get_close_matches(folded, ways, 1, 0.75 if len(folded) > 3 else 0.6):
        return ways[matches[0]]
    # Of longer names some words may be missing; a code has nothing in common with those.
    words = nearest(actor, [name for name in known if len(name) >= _LEAST_LETTERS])
    return f"'{words}'" if words and len(folded) >= _LEAST_LETTERS else None


def _ways_to_write(known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each known actor, and each name of those that are countries, folded; and how a message names it."""
    for actor in known:
        yield _folded(actor), f"'{actor}'"
    for folded, name in _by_folded().items():
        if (code := country_names()[name]) in known:
            yield folded, f"'{name}' ({code})"
