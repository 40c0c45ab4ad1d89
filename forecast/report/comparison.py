"""Two runs of the same questions → what the earlier one said, as the later one's ``previous_run.json``."""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta

import numpy as np

from forecast.events.table import EventTable
from forecast.records.analysis import Analysis
from forecast.records.forecast import Curve, Forecast, TargetForecast
from forecast.records.history import MilestoneChange, PreviousRun


class ComparisonError(ValueError):
    """The earlier run is no earlier answer to the same questions; the message says why."""


def compare_runs(
    earlier: Forecast,
    earlier_analysis: Analysis,
    later: Forecast,
    later_analysis: Analysis,
    events: EventTable,
) -> PreviousRun:
    """Return what the earlier run said about the questions of the later one.

    Parameters
    ----------
    earlier, earlier_analysis : Forecast, Analysis
        Records of the earlier run.
    later, later_analysis : Forecast, Analysis
        Records of the later run.
    events : EventTable
        Events of the later run.

    Raises
    ------
    ComparisonError
        The earlier run is about another pair, is not earlier, did not converge, or has no question in common.
    """
    if (earlier.dyad.a, earlier.dyad.b) != (later.dyad.a, later.dyad.b):
        raise ComparisonError(
            f"the run {earlier.run_id} is about {earlier.dyad.a} and {earlier.dyad.b}, this one about "
            f"{later.dyad.a} and {later.dyad.b}. Give a run of the same pair."
        )
    if earlier.as_of > later.as_of or earlier.run_id == later.run_id:
        raise ComparisonError(
            f"the run {earlier.run_id} is as of {earlier.as_of}, which is not before {later.as_of}. "
            "Give an earlier run."
        )
    if not earlier.converged:
        raise ComparisonError(
            f"the run {earlier.run_id} did not converge, so its numbers must not be used. Give another run."
        )
    same_start = earlier_analysis.data.first_date == later_analysis.data.first_date
    known = {target.name: target for target in earlier.targets}
    changes = [
        change
        for target in later.targets
        if target.name in known and known[target.name].definition == target.definition
        for change in _changes(known[target.name], target, later, same_start=same_start)
    ]
    if not changes:
        raise ComparisonError(
            f"the run {earlier.run_id} asks none of this run's questions (same target, same definition, same "
            "milestone and day). Give another run."
        )
    since = events.between(earlier.as_of + timedelta(days=1), later.as_of)
    kinds, counts = np.unique(since.category.astype(str), return_counts=True)
    return PreviousRun(
        schema=1,
        run_id=earlier.run_id,
        as_of=earlier.as_of,
        code_version=earlier.versions.get("forecast", ""),
        new_events=dict(zip(kinds.tolist(), counts.tolist(), strict=True)),
        changed_priors=_changed_priors(earlier_analysis, later_analysis),
        other_model=earlier.model != later.model
        or earlier.versions.get("forecast") != later.versions.get("forecast"),
        changes=tuple(changes),
    )


def _changes(
    before: TargetForecast, now: TargetForecast, later: Forecast, *, same_start: bool
) -> list[MilestoneChange]:
    said = {(one.name, one.date): one for one in before.milestones}
    happened = now.observed_before - before.observed_before if same_start else None
    if happened is not None and happened < 0:
        happened = None  # the earlier data held more: the counts cannot be compared
    made = []
    for milestone in now.milestones:
        one = said.get((milestone.name, milestone.date))
        if one is None:
            continue
        made.append(
            MilestoneChange(
                target=now.name,
                milestone=one.name,
                date=one.date,
                probability=one.probability,
                mcse=one.mcse,
                interval90=one.interval90,
                quiet=_quiet_chance(before.curve, one.probability, later),
                happened_since=happened,
            )
        )
    return made


def _quiet_chance(curve: Curve, probability: float, later: Forecast) -> float:
    """P(by the milestone | not by the later as-of day) on the earlier paths."""
    place = bisect_left(curve.date, later.as_of + timedelta(days=1))
    if place >= len(curve.date) or curve.date[0] > later.as_of:
        return probability
    gone = curve.probability[place]
    return probability if gone >= 1 else max(0.0, (probability - gone) / (1 - gone))


def _changed_priors(earlier: Analysis, later: Analysis) -> tuple[str, ...]:
    before = {one.name: one.prior for one in earlier.parameters}
    now = {one.name: one.prior for one in later.parameters}
    return tuple(sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)))
