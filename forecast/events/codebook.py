"""The codebook as data: categories, scales of severity, CAMEO codes with their coding, names of countries.

The texts live in ``data/*.csv``; ``docs/codebook.md`` explains them. No NumPy here: the config reader
needs the category names and must start fast.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from forecast.errors import did_you_mean, nearest

if TYPE_CHECKING:
    from forecast.records.base import Scale

Kind = Literal["cooperative", "conflictual"]


@cache
def packaged_rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of one of the codebook's tables."""
    text = (files("forecast.events") / "data" / name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


_CATEGORIES = {row["name"]: row for row in packaged_rows("categories.csv")}
COOPERATIVE = tuple(name for name, row in _CATEGORIES.items() if row["kind"] == "cooperative")
"""Categories that warm the relation; their severity is the weight of the cooperative act."""
CONFLICTUAL = tuple(name for name, row in _CATEGORIES.items() if row["kind"] == "conflictual")
"""Categories that strain the relation."""
CATEGORIES: tuple[str, ...] = COOPERATIVE + CONFLICTUAL
"""All categories, in the fixed order of every array with a category axis."""
SEVERITIES: tuple[int, ...] = (1, 2, 3, 4, 5)
"""Severities, from routine to extreme."""


@dataclass(frozen=True)
class Coding:
    """What a code of CAMEO (two to four digits, the leading zero included) or of a feed means here.

    ``mode`` is that of the code, where the scheme has modes (empty: any). ``category`` and ``severity`` are
    ``None`` for acts that the codebook does not count (statements, appeals, protest).
    """

    code: str
    mode: str
    label: str
    category: str | None
    severity: int | None

    @classmethod
    def of_row(cls, row: Mapping[str, str]) -> Coding:
        """Read a row of a packaged table."""
        severity = int(row["severity"]) if row["severity"] else None
        return cls(row["code"], row.get("mode", ""), row["label"], row["category"] or None, severity)


@cache
def cameo_codes() -> Mapping[str, Coding]:
    """Return every CAMEO code known, in ascending order of the text."""
    return MappingProxyType({row["code"]: Coding.of_row(row) for row in packaged_rows("cameo.csv")})


@cache
def countries() -> Mapping[str, str]:
    """Return the ISO 3166-1 codes: three letters → two letters."""
    return MappingProxyType({row["alpha3"]: row["alpha2"] for row in packaged_rows("countries.csv")})


# Categories


@cache
def _meant() -> Mapping[str, str]:
    """Words of questions → the first category that holds such acts."""
    rows = [row for row in packaged_rows("question_words.csv") if row["categories"]]
    return {word: row["categories"].split()[0] for row in rows for word in row["words"].split("|")}


def category_named(text: str) -> str:
    """Return the category that a text spells in its way (``Channel Closure``), or the text as it is."""
    name = "_".join(text.casefold().replace("-", " ").replace("_", " ").split())
    return name if name in CATEGORIES else text


def category_fault(given: str) -> str:
    """Return the message for a category that is not in the codebook."""
    words = given.casefold().replace("-", " ").replace("_", " ").split()
    meant = next(filter(None, map(_meant().get, (one for word in words for one in (word, word[:-1])))), None)
    hint = f" Did you mean '{meant}'?" if meant else did_you_mean(given, CATEGORIES, cutoff=0.7)
    if {*words} & {"election", "elections", "referendum", "vote"}:
        hint = " It is no act of one side towards the other; a config can have its day as a milestone."
    return f"unknown category '{given}'.{hint} Allowed: {', '.join(CATEGORIES)}"


def category_label(name: str) -> str:
    """Return a category as readers see it, ``"Military incident"``; one that is not known by its own name."""
    return _CATEGORIES[name]["label"] if name in _CATEGORIES else name.replace("_", " ").capitalize()


def category_meaning(name: str) -> str:
    """Return which acts the category holds, in one or two sentences."""
    return _CATEGORIES[name]["meaning"]


def category_colour(name: str) -> str:
    """Return the colour of the category in charts, ``#RRGGBB``."""
    return _CATEGORIES[name]["colour"]


def category_kind(name: str) -> Kind:
    """Return whether acts of the category warm or strain the relation."""
    return "cooperative" if name in COOPERATIVE else "conflictual"


# Severities

SEVERITY_WORDS: Mapping[str, int] = MappingProxyType(
    {row["word"]: int(row["severity"]) for row in packaged_rows("severity.csv")}
)
"""Word → severity: routine, notable, serious, major, extreme."""


def severity_word(severity: int) -> str:
    """Return the word of a severity."""
    return next(word for word, number in SEVERITY_WORDS.items() if number == severity)


def severity_named(value: object) -> object:
    """Return the severity that a word stands for: 2 for ``notable``; anything else as it is."""
    return SEVERITY_WORDS.get(value.casefold(), value) if isinstance(value, str) else value


@cache
def packaged_scale(name: str) -> Scale:
    """Return the scale ``standard``, or ``armed``, which has its anchors where it says nothing else."""
    from forecast.records.base import Scale

    anchors = {} if name == "standard" else dict(packaged_scale("standard").anchors)
    own: dict[str, dict[int, str]] = {}
    for row in packaged_rows({"standard": "severity.csv", "armed": "severity_armed.csv"}[name]):
        own.setdefault(row["category"], {})[int(row["severity"])] = row["anchor"]
    return Scale(name=name, anchors=anchors | own)


def standard_scale() -> Scale:
    """Return the scale of the codebook."""
    return packaged_scale("standard")


def armed_scale() -> Scale:
    """Return the scale for relations with routine fire."""
    return packaged_scale("armed")


def codebook_facts(category: str | None, scale: Scale) -> dict[str, object]:
    """Return categories with kind, meaning, anchors of a scale and CAMEO codes; of one or of all."""
    return {
        "scale": scale.name,
        "categories": {
            name: {
                "label": category_label(name),
                "kind": category_kind(name),
                "meaning": category_meaning(name),
                "severities": {str(grade): scale.anchor(name, grade) for grade in SEVERITIES},
                "cameo": {
                    coding.code: coding.label for coding in cameo_codes().values() if coding.category == name
                },
            }
            for name in ([category] if category else CATEGORIES)
        },
    }


def own_categories(scale: Scale) -> tuple[str, ...]:
    """Return the categories whose anchors differ from the standard, in the order of the codebook."""
    standard = standard_scale().anchors
    return tuple(name for name in CATEGORIES if scale.anchors[name] != standard[name])


# CAMEO


def cameo_fault(code: str) -> str | None:
    """Return why a text is not a CAMEO code, or ``None`` when it is one; spreadsheets drop a leading zero."""
    if code in cameo_codes():
        return None
    whole = cameo_codes().get(f"0{code}")
    hint = f" Did you mean '0{code}' ({whole.label})? Keep the column as text." if whole else ""
    return f"unknown CAMEO code '{code}'.{hint} Allowed: 2 to 4 digits such as '042', from 01 to 2042"


# Outlets


@cache
def _weak_outlets() -> Mapping[str, str]:
    return {row["domain"]: row["kind"] for row in packaged_rows("outlets.csv")}


def weak_kind(url: str) -> str | None:
    """Return the kind of outlet behind an address that needs a second source: blog, partisan, state media, ….

    The list is the coder's judgement of outlets that the bundled events cite; others are not vouched for. A
    domain counts, or one above it.
    """
    try:
        host = (urlsplit(url.strip()).hostname or "").rstrip(".")
    except ValueError:  # brackets that are no address of version 6
        return None
    labels = host.split(".")
    above = (".".join(labels[place:]) for place in range(len(labels)))
    return next((_weak_outlets()[name] for name in above if name in _weak_outlets()), None)


_SHARED = {
    "korea": "KOR (South Korea) or PRK (North Korea)",
    "congo": "COD (Democratic Republic) or COG (Republic)",
    "virgin islands": "VGB (British) or VIR (United States)",
}
_OTHER_CODES = {row["other"]: row["alpha3"] for row in packaged_rows("countries.csv") if row["other"]}
"""Three letters that are often written for a country and are the ISO code of none."""
_ARTICLE = {name: f"the {name}" for name in ("United States", "United Kingdom", "Netherlands", "Philippines")}
"""Countries whose name has an article within a sentence."""
_LEAST_LETTERS = 4
"""Shorter names (US, UK) are known only as written: folded, they could be another word or code."""
_LEAST_NEAR, _LEAST_ALIKE = 5, 0.83


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


@cache
def _iso_codes() -> Mapping[str, str]:
    """Codes of two and three letters → of three."""
    return {code: three for three, two in countries().items() for code in (three, two) if code}


def actor_code(text: str) -> str | None:
    """Return the code of a country that is given by its name or its ISO letters, in any case."""
    return country_code(text) or _iso_codes().get(text.upper())


def actor_named(name: str) -> str:
    """Return the code of a country, or a name that is no country's as it is."""
    return actor_code(name) or name


@cache
def _titles() -> Mapping[str, str]:
    """Code → the shortest of the country's names that is neither inverted nor abbreviated."""
    shortest: dict[str, str] = {}
    for name, code in country_names().items():
        plain = len(name) >= _LEAST_LETTERS and not set(name) & set(",(.")
        if plain and len(name) < len(shortest.get(code, name + " ")):
            shortest[code] = name
    usual = {row["alpha3"]: row["title"] for row in packaged_rows("countries.csv") if row["title"]}
    return MappingProxyType({**shortest, **usual})


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
    return re.sub(r"[a-z]+", lambda word: _lower_names().get(word[0], word[0]), code.replace("_", " "))


def actor_in_sentence(actor: str) -> str:
    """Return how a sentence names an actor: ``the United States`` for ``USA``; or who acts towards whom."""
    by, towards = parties(actor)
    if towards:
        return f"{actor_in_sentence(by) if by else 'anybody'} towards {actor_in_sentence(towards)}"
    return _ARTICLE.get(name := actor_title(actor), name)


def whose_acts(acting: Collection[str]) -> str:
    """Return the sentence on whose acts count: ``Only China's acts count.``; empty where anybody's do."""
    if any(towards for _, towards in map(parties, acting)):
        return f"Only acts{acted(acting, actor_in_sentence)} count."
    names = [*map(actor_in_sentence, acting)]
    owners = [f"{name}'" if name.endswith("s") else f"{name}'s" for name in names]
    return f"Only {' or '.join(owners)} acts count." if owners else ""


# Who acts towards whom, as one text: ``ISR``, ``ISR>IRN``, ``>IRN``; empty: anybody towards anybody


def way(by: str = "", towards: str = "") -> str:
    """Return who acts towards whom as one text."""
    return f"{by}>{towards}" if towards else by


def ways(by: Sequence[str], towards: Sequence[str], between: Sequence[Sequence[str]] = ()) -> tuple[str, ...]:
    """Return every way of acting that is stated: by some, towards some, or between two groups either way."""
    if between:
        pairs = [*product(*between), *product(*reversed(between))]
    else:
        pairs = [*product(by or ("",), towards or ("",))]
    return tuple(filter(None, (way(*pair) for pair in pairs)))


def parties(acting: str) -> tuple[str, str]:
    """Return who acts, and towards whom; empty: anybody."""
    by, _, towards = acting.partition(">")
    return by, towards


def is_way(acting: str, stated: Collection[str]) -> bool:
    """Whether an act is of the ways that are stated; anybody's towards anybody without any."""
    by, towards = parties(acting)
    return not stated or any(a in ("", by) and b in ("", towards) for a, b in map(parties, stated))


def may_be(acting: str, stated: Collection[str]) -> bool:
    """Whether an act of which not all is said may be of the ways that are stated."""
    by, towards = parties(acting)
    pairs = [*map(parties, stated)]
    return not stated or any(
        (a == by or not (a and by)) and (b == towards or not (b and towards)) for a, b in pairs
    )


def act_parties(acting: str) -> dict[str, str]:
    """Return ``by`` and ``towards`` of an act as its settings have them."""
    return {key: name for key, name in zip(("by", "towards"), parties(acting), strict=True) if name}


def acted(acting: Collection[str], named: Callable[[str], str] = str) -> str:
    """Return whose acts in words: `` by A or B``, `` by A towards B``, `` between A and B``."""
    if not acting:
        return ""
    pairs = [*map(parties, acting)]
    by, towards = (dict.fromkeys(filter(None, column)) for column in zip(*pairs, strict=True))
    if all(one and (other, one) in pairs for one, other in pairs):
        towards = dict.fromkeys(other for one, other in pairs if one == pairs[0][0])
        by = dict.fromkeys(one for one, other in pairs if other == pairs[0][1])
        return f" between {' or '.join(map(named, by))} and {' or '.join(map(named, towards))}"
    who = (("by", by), ("towards", towards))
    return "".join(f" {word} {' or '.join(map(named, actors))}" for word, actors in who if actors)


def pair_title(a: Collection[str], b: Collection[str]) -> str:
    """Return two sides as every title has them: ``Russia – Ukraine``; actors of a side joined by a plus."""
    return " – ".join(" + ".join(map(actor_title, side)) for side in (a, b))


def pair_named(text: str) -> tuple[str, ...]:
    """Return the actors of a pair in one word, as codes: ``("RUS", "UKR")`` for ``Russia-Ukraine``."""
    whole = text.replace(",", "-").replace("–", "-").split("-")
    return tuple(actor_named(part.strip()) for part in whole)


def shared_name(name: str) -> str | None:
    """Return which countries a name may mean, e.g. ``KOR (South Korea) or PRK (North Korea)``."""
    return _SHARED.get(_folded(name))


def near_country(actor: str, beside: Collection[str] = ()) -> str | None:
    """Return the country that an actor's name may be meant for, e.g. ``PAK (Pakistan)`` for ``Pakistn``.

    It has most letters of the country's name, is another code in use for it, or shares two of three letters
    with the code of a country ``beside`` it.
    """
    code, folded, near = _OTHER_CODES.get(actor), _folded(actor), list[str]()
    if actor in countries() or country_code(actor) or folded in _SHARED:
        return None
    if code is None and len(folded) >= _LEAST_NEAR:
        near = get_close_matches(folded, _by_folded(), 1, _LEAST_ALIKE)
        code = country_names()[_by_folded()[near[0]]] if near else None
    elif code is None and re.fullmatch("[A-Z]{3}", actor):
        code = next(iter(get_close_matches(actor, {*beside} & {*countries()}, 1, 0.66)), None)
    return f"{code} ({actor_title(code)})" if code else None


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
