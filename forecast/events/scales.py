"""The scales of severity that the package holds; ``forecast.config.scale_file`` reads those of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np

from forecast.events.codebook import CATEGORIES, SEVERITIES, packaged_rows
from forecast.events.table import EventTable
from forecast.records.cautions import SaturatedScale
from forecast.records.scale import ANY, ARMED, STANDARD, Scale
from forecast.wording.cautions import caution_sentence

FEWEST_DEADLY = 3
"""Incidents below the highest severity with people killed, from which on they were coded by that number."""
_DEADLY = re.compile(r"\b(kill(s|ed|ing)?|dead|deaths?|died|dies|fatal(ly|ities)?)\b", re.IGNORECASE)
_NONE_DEAD = re.compile(r"\b(no|nobody|none|without)\b[^.;]{0,20}\b(kill|dead|death|died)", re.IGNORECASE)
FEWEST_INCIDENTS = 5
"""Military incidents below which nothing is said of how they spread over the scale."""
TOP_SHARE, ANY_SHARE = 1 / 3, 0.9
"""Share of incidents of the highest severity, and of any one, above which it hardly tells them apart."""


@cache
def standard_scale() -> Scale:
    """Return the scale of the codebook."""
    return _with_own(STANDARD, {}, _anchors("severity.csv"))


@cache
def armed_scale() -> Scale:
    """Return the scale for relations with routine fire."""
    return _with_own(ARMED, _anchors("severity_armed.csv"), standard_scale().anchors)


def packaged_scale(name: str) -> Scale:
    """Return the scale of that name (``KeyError`` where the package has none)."""
    return {STANDARD: standard_scale, ARMED: armed_scale}[name]()


def own_scale(name: str, anchors: Mapping[str, Mapping[int, str]]) -> Scale:
    """Return a scale with anchors of its own; categories that it leaves out have those of the standard."""
    return _with_own(name, anchors, standard_scale().anchors)


def own_categories(scale: Scale) -> tuple[str, ...]:
    """Return the categories whose anchors differ from the standard, in the order of the codebook."""
    standard = standard_scale().anchors
    return tuple(name for name in CATEGORIES if scale.anchors[name] != standard[name])


def saturated(events: EventTable, scale: Scale) -> SaturatedScale | None:
    """Return the caution that severity hardly tells military incidents apart, if so."""
    severities = events.severity[events.category == "military_incident"]
    if len(severities) < FEWEST_INCIDENTS:
        return None
    counts = np.bincount(severities.astype(np.int64), minlength=SEVERITIES[-1] + 1)
    top = scale.greatest("military_incident")
    severity = top if counts[top] > TOP_SHARE * len(severities) else int(counts.argmax())
    if severity != top and counts[severity] < ANY_SHARE * len(severities):
        return None
    found = SaturatedScale(
        scale=scale.name, severity=severity, events=int(counts[severity]), of=len(severities)
    )
    return found.model_copy(update={"text": caution_sentence(found)})


def scale_of(events: EventTable) -> tuple[Scale, str]:
    """Return the scale of the package by which events seem to be coded, and the reason in a clause.

    By the standard scale every clash with deaths is of the highest severity, so incidents below it that tell
    of people killed were coded by the number killed.
    """
    lesser = (events.category == "military_incident") & (events.severity < SEVERITIES[-1])
    deadly = sum(
        bool(_DEADLY.search(said)) and not _NONE_DEAD.search(said)
        for said in map(str, events.summary[lesser])
    )
    if deadly >= FEWEST_DEADLY:
        said = f"{deadly} military incidents below severity {SEVERITIES[-1]} tell of people killed"
        return armed_scale(), said
    return standard_scale(), "the codebook's own; armed is for relations with routine fire"


def _with_own(
    name: str, own: Mapping[str, Mapping[int, str]], others: Mapping[str, Mapping[int, str]]
) -> Scale:
    return Scale(name=name, anchors={one: dict(own.get(one, others[one])) for one in (ANY, *CATEGORIES)})


def _anchors(file: str) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for row in packaged_rows(file):
        found.setdefault(row["category"], {})[int(row["severity"])] = row["anchor"]
    return found
