"""The codebook as data: categories, scales of severity, CAMEO codes with their default coding, weak outlets.

The texts live in ``data/*.csv``; ``docs/codebook.md`` explains them. No NumPy here: the config reader
needs the category names and must start fast.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from forecast.errors import EventError, did_you_mean
from forecast.records.scale import ARMED, STANDARD, Scale

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


_MEANT: Mapping[str, str] = {
    word: category
    for category, words in {
        "visit": "summit meeting talks trip",
        "channel_opening": "call hotline dialogue",
        "cooperation": "agreement treaty ceasefire truce release",
        "channel_closure": "expulsion suspension cancellation",
        "sanction": "tariff tariffs embargo ban controls",
        "military_incident": "clash incident skirmish attack shelling collision intrusion firefight",
        "military_posture": "exercise exercises drill drills deployment mobilisation missile",
        "dispute": "protest accusation threat statement arrest",
    }.items()
    for word in words.split()
}
"""Words that a category of one's own may hold, and the category that holds such acts."""


def category_named(text: str) -> str:
    """Return the category that a text spells in its way (``Channel Closure``), or the text as it is."""
    name = "_".join(text.casefold().replace("-", " ").replace("_", " ").split())
    return name if name in CATEGORIES else text


def category_fault(given: str) -> str:
    """Return the message for a category that is not in the codebook."""
    words = given.casefold().replace("-", " ").replace("_", " ").split()
    meant = next((_MEANT[word] for word in words if word in _MEANT), None)
    hint = f" Did you mean '{meant}'?" if meant else did_you_mean(given, CATEGORIES, cutoff=0.7)
    if {*words} & {"election", "elections", "referendum", "vote"}:
        hint = " It is no act of one side towards the other; a config can have its day as a milestone."
    return f"unknown category '{given}'.{hint} Allowed: {', '.join(CATEGORIES)}"


def _known_category(name: str) -> str:
    if name not in CATEGORIES:
        raise EventError(category_fault(name))
    return name


def category_label(name: str) -> str:
    """Return the category's name for readers, such as ``"Military incident"``, or raise ``EventError``."""
    return _CATEGORIES[_known_category(name)]["label"]


def category_meaning(name: str) -> str:
    """Return which acts the category holds, in one or two sentences, or raise ``EventError``."""
    return _CATEGORIES[_known_category(name)]["meaning"]


def category_colour(name: str) -> str:
    """Return the colour of the category in charts, ``#RRGGBB``, or raise ``EventError``."""
    return _CATEGORIES[_known_category(name)]["colour"]


def category_kind(name: str) -> Kind:
    """Return whether acts of the category warm or strain the relation, or raise ``EventError``."""
    return "cooperative" if _known_category(name) in COOPERATIVE else "conflictual"


# Severities


def severity_word(severity: int) -> str:
    """Return the word of a severity (routine, notable, serious, major, extreme), or raise ``EventError``."""
    if severity not in SEVERITIES:
        raise EventError(f"severity {severity} is not on the scale. Allowed: 1 (routine) to 5 (extreme)")
    return next(row["word"] for row in packaged_rows("severity.csv") if row["severity"] == str(severity))


@cache
def packaged_scale(name: str) -> Scale:
    """Return the codebook's scale of that name, ``standard`` or ``armed`` (``KeyError`` for another).

    Categories of which ``armed`` says nothing have the standard anchors.
    """
    anchors = {} if name == STANDARD else dict(packaged_scale(STANDARD).anchors)
    own: dict[str, dict[int, str]] = {}
    for row in packaged_rows({STANDARD: "severity.csv", ARMED: "severity_armed.csv"}[name]):
        own.setdefault(row["category"], {})[int(row["severity"])] = row["anchor"]
    return Scale(name=name, anchors=anchors | own)


def standard_scale() -> Scale:
    """Return the scale of the codebook."""
    return packaged_scale(STANDARD)


def armed_scale() -> Scale:
    """Return the scale for relations with routine fire."""
    return packaged_scale(ARMED)


def codebook_facts(category: str | None, scale: Scale) -> dict[str, object]:
    """Return categories with kind, meaning, anchors of a scale and CAMEO codes; of one or of all."""
    return {
        "scale": scale.name,
        "categories": {
            name: {
                "label": category_label(name),
                "kind": category_kind(name),
                "meaning": category_meaning(name),
                "severities": {str(one): scale.anchor(name, one) for one in SEVERITIES},
                "cameo": {one.code: one.label for one in cameo_codes().values() if one.category == name},
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
    """Return why a text is not a CAMEO code, or ``None`` when it is one."""
    if code in cameo_codes():
        return None
    if code.isascii() and code.isdigit() and "0" + code in cameo_codes():
        label = cameo_codes()["0" + code].label
        return (
            f"unknown CAMEO code '{code}'. Its leading zero seems lost (spreadsheets drop it): "
            f"did you mean '0{code}' ({label})? Keep the column as text"
        )
    parent = next((code[:n] for n in (3, 2) if n < len(code) and code[:n] in cameo_codes()), None)
    if parent is not None and code.isdigit():
        return f"unknown CAMEO code '{code}'. Its parent '{parent}' ({cameo_codes()[parent].label}) is known"
    return f"unknown CAMEO code '{code}'. Allowed: 2 to 4 digits such as '042', from 01 to 2042"


# Outlets


@cache
def weak_outlets() -> Mapping[str, str]:
    """Return domain → kind of outlets that need a second source: blog, partisan, state media, ….

    The list is the coder's judgement of outlets that the bundled events cite; others are not vouched for.
    """
    return MappingProxyType({row["domain"]: row["kind"] for row in packaged_rows("outlets.csv")})


def weak_kind(url: str) -> str | None:
    """Return the kind of weak outlet behind an address (its domain, or one above it); ``None`` for others."""
    try:
        host = (urlsplit(url.strip()).hostname or "").rstrip(".")
    except ValueError:  # brackets that are no address of version 6
        return None
    labels = host.split(".")
    above = (".".join(labels[place:]) for place in range(len(labels)))
    return next((weak_outlets()[name] for name in above if name in weak_outlets()), None)
