"""Records of schema 1, which held texts, read as schema 2, which holds what they were made from.

Sentences that cannot be taken apart are kept as they are, to be shown so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

Json = dict[str, Any]

_REASONS = {
    "it was never observed, so the priors speak on what the data never showed": "never observed",
    "the draws are too few to tell": "too few draws",
    "more or less weight on the priors moves it little": "priors move it little",
    "what moves it is within the noise of the draws; take more draws": "within the noise",
    "neither more nor less weight on the priors moves it": "nothing moves it",
    "it moves with the weight of the priors, and not with that of the data": "data do not move it",
    "priors and data pull apart: the priors lower it against the data": "priors lower it against the data",
    "priors and data pull apart: the priors raise it against the data": "priors raise it against the data",
    "it moves more with the weight of the priors than with that of the data": "priors move it more",
    "it moves more with the weight of the data than with that of the priors": "data move it more",
}
_METHODS = {
    text: {"code": code}
    for code, text in (
        (
            "only_future",
            "Only the future changes: the same draws, with other futures on the same random numbers.",
        ),
        ("only_priors", "Only priors change: the draws of the run are weighted by the ratio of the priors."),
        (
            "priors_and_future",
            "Priors and the future change: the draws of the run are weighted by the ratio of the priors.",
        ),
        ("past_taken_out", "Past events are taken out, so the model must be fitted again."),
    )
}
_UNITS = (("%", "chance", 100.0), ("×", "times", 1.0), (" a year", "a_year", 1.0), (" weeks", "weeks", 1.0))
_OF_ACTS = {"surely": 1.0, "surely not": 0.0, "<1%": 0.005, ">99%": 0.995}


def _upgrade(made: Callable[[Json], Json]) -> Callable[[object], object]:
    """Leave content of another schema as it is; what is not whole is a ``ValueError``, for pydantic."""

    @wraps(made)
    def upgraded(content: object) -> object:
        if not (isinstance(content, dict) and content.get("schema") == 1):
            return content
        try:
            return made(content)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise ValueError(f"not a whole record of schema 1 ({error})") from error

    return upgraded


@_upgrade
def forecast_of_schema_1(content: Json) -> Json:
    """Return the content of a ``forecast.json`` of schema 1 as that of schema 2."""
    found: Json = content["diagnostics"]
    return content | {
        "schema": 2,
        "diagnostics": found | {"failures": _written(found["failures"])},
        "scenarios": [
            one
            | {
                "reason": _METHODS.get(one["reason"], {"code": "text", "text": one["reason"]}),
                "failures": _written(one["failures"]),
                "withheld": one["withheld"] and "no_refit",
            }
            for one in content.get("scenarios", ())
        ],
    }


@_upgrade
def track_record_of_schema_1(content: Json) -> Json:
    """Return the content of a ``track_record.json`` of schema 1 as that of schema 2."""
    return content | {"schema": 2, "warnings": _written(content["warnings"])}


@_upgrade
def analysis_of_schema_1(content: Json) -> Json:
    """Return the content of an ``analysis.json`` of schema 1 as that of schema 2."""
    made = content | {"schema": 2, "warnings": _written(content["warnings"])}
    if content.get("robustness"):
        found: Json = content["robustness"]
        made["robustness"] = found | {
            "sensitivities": [
                one | {"reason": _REASONS.get(one["reason"], one["reason"])} for one in found["sensitivities"]
            ],
            "tornado": [_bar(one) for one in found["tornado"]],
            "break_evens": [_break_even(one) for one in found["break_evens"]],
            "notes": _written(found.get("notes", ())),
        }
    return made


def _written(texts: list[str]) -> list[Json]:
    return [{"code": "text", "text": text} for text in texts]


def _bar(old: Json) -> Json:
    name = old["name"]
    ends = {
        side: old[side] | {"assumed": _assumed(name, old[side]["assumed"])} for side in ("lower", "upper")
    }
    return _without(old, "label") | _act(old) | {"now": _assumed(name, old["now"])} | ends


def _break_even(old: Json) -> Json:
    made = _without(old, "label", "text") | _act(old) | {"probability": None, "now": None}
    if old["outcome"] == "crosses":
        made |= {
            "becomes": old["becomes"] if old["kind"] == "word" else None,
            "assumed": _assumed(old["name"], old["assumed"]),
            "assumed_mcse": [_assumed(old["name"], text) for text in old["assumed_mcse"]],
            "written": old["text"],
        }
    return made


def _without(old: Json, *keys: str) -> Json:
    return {key: value for key, value in old.items() if key not in keys}


def _act(old: Json) -> Json:
    return {"act": old["label"].removeprefix("Ahead: ") if old["name"].startswith("calendar.") else None}


def _assumed(name: str, text: str) -> Json:
    """Read a shown value back: written again, it gives the same text."""
    if name.startswith("calendar."):
        value = _OF_ACTS.get(text)
        return _quantity(float(text.rstrip("%")) / 100 if value is None else value, "probability")
    if text == "none":
        return _quantity(0.0, "effect")
    number = float(re.sub(r"[^\d.]", "", text) or "inf") * (-1 if text.startswith("−") else 1)
    if text.endswith("%") and text[0] in "+−":
        return _quantity(number / 100, "effect")
    for unit, scale, times in _UNITS:
        if text.endswith(unit):
            return _quantity(number / times, scale)
    return _quantity(float(re.sub(r"[^\d.]", "", text.removesuffix(" per 100"))), "per_hundred")


def _quantity(value: float, scale: str) -> Json:
    return {"parameter": None, "value": value, "scale": scale}
