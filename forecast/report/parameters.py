"""Prior and posterior of every parameter, side by side, grouped by what they mean."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from forecast import wording
from forecast.records.analysis import Analysis, ParameterSummary


def parameter_groups(analysis: Analysis) -> list[dict[str, Any]]:
    """One group a meaning, with one row a parameter.

    ``prior_span`` and ``posterior_span`` place both 90% intervals and means on one track from 0 to 1, so
    that a row shows what the data changed, whatever the unit.
    """
    keyed = groupby(analysis.parameters, key=lambda one: (_group_name(one), one.meaning, one.unit))
    return [
        {"name": name, "meaning": meaning, "unit": unit, "rows": [_row(one, name) for one in members]}
        for (name, meaning, unit), members in keyed
    ]


def _group_name(one: ParameterSummary) -> str:
    # ``excitation.branching.visit`` is the element 'visit' of the group 'excitation.branching'.
    return ".".join(one.name.split(".")[:2])


def _row(one: ParameterSummary, group: str) -> dict[str, Any]:
    element = one.name.removeprefix(group).lstrip(".")
    spans = (*one.prior_interval90, *one.posterior_interval90, one.prior_mean, one.posterior_mean)
    low, high = min(spans), max(spans)
    width = (high - low) or 1.0

    def place(*values: float) -> list[float]:
        return [round((value - low) / width, 4) for value in values]

    return {
        "label": element.replace("_", " ") if element else "all",
        "prior": one.prior,
        "changed": one.prior_origin != "default",
        "prior_mean": wording.number(one.prior_mean),
        "prior_interval": _interval(one.prior_interval90),
        "posterior_mean": wording.number(one.posterior_mean),
        "posterior_interval": _interval(one.posterior_interval90),
        "rhat": wording.number(one.rhat, 3),
        "ess": wording.number(one.ess_bulk, 0),
        "prior_span": place(*one.prior_interval90, one.prior_mean),
        "posterior_span": place(*one.posterior_interval90, one.posterior_mean),
    }


def _interval(interval: tuple[float, float]) -> str:
    return f"{wording.number(interval[0])} to {wording.number(interval[1])}"
