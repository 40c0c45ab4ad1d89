"""The questions of a forecast as every section shows them: the headline, chosen milestones, errors."""

from __future__ import annotations

from datetime import date

from forecast import wording
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.wording.judgement import in_sentence
from forecast.wording.sensitivity import bound_in_points

MOST_IN_CHART = 12
"""Milestones that a chart can name and number."""


def headline_pair(forecast: Forecast) -> tuple[TargetForecast, MilestoneForecast]:
    """Return the target and the milestone of the bottom line (``KeyError`` where there is none)."""
    target = forecast.target(forecast.headline.target)
    return target, named(target.milestones, forecast.headline.milestone)


def named[M: MilestoneForecast](milestones: tuple[M, ...], name: str) -> M:
    """Return the milestone of that name (``KeyError`` when there is none)."""
    return {one.name: one for one in milestones}[name]


def chosen_milestones(
    milestones: tuple[MilestoneForecast, ...], always: str, most: int
) -> tuple[MilestoneForecast, ...]:
    """Return at most ``most`` (≥ 3) milestones in order: first, last, the one ``always``, others evenly."""
    if len(milestones) <= most:
        return milestones
    places = {round(k * (len(milestones) - 1) / (most - 1)) for k in range(most)}
    named = next((k for k, one in enumerate(milestones) if one.name == always), None)
    if named is not None and named not in places:
        inner = places - {0, len(milestones) - 1}
        places.remove(min(inner, key=lambda place: abs(place - named)))
        places.add(named)
    return tuple(one for place, one in enumerate(milestones) if place in places)


def what_counts(target: TargetForecast) -> str:
    """What meets the target: the author's rule, or the anchors of the scale; and whose acts."""
    by = f" Only acts by {' or '.join(target.by)}." if target.by else ""
    return f"{target.counts.rstrip('.')}.{by}"


def what_does_not(target: TargetForecast) -> str:
    """What comes close to the target and does not count, and how doubtful cases are decided."""
    cases = "".join(f" {one.rstrip('.')}." for one in target.edge_cases)
    return f"Does not count: {in_sentence(target.does_not_count.rstrip('.'))}.{cases}"


def seen_before(target: TargetForecast) -> str:
    """How often the target was seen in the data; says so where it never was."""
    if target.observed_before == 0:
        return "never observed"
    return f"seen {wording.times(target.observed_before)} in the data"


def cases_marked(target: TargetForecast, first: date) -> str:
    """Which past cases a chart from a day on marks: ``past cases``, or ``the last 10 of 18 past cases``."""
    shown = sum(one.date >= first for one in target.cases)
    if target.observed_before == len(target.cases) or shown < len(target.cases):
        return "past cases"
    return f"the last {shown} of {target.observed_before:,} past cases"


def chance(one: MilestoneForecast) -> str:
    """Chance with its interval, e.g. ``"49% (plausible range 21–77%)"``."""
    return f"{wording.percent(one.probability)} (plausible range {wording.interval_percent(one.interval90)})"


def shown_error(mcse: float) -> str:
    """Monte Carlo error in percentage points, e.g. ``"±0.4"``; ``"<0.1"`` where that would show nothing."""
    shown = wording.points(mcse).split(" ")[0]
    return "<0.1" if shown == "0.0" else f"±{shown}"


def shown_change(change: float, mcse: float, at_most: float | None = None) -> str:
    """Change in percentage points with its error, e.g. ``"+1.2 ±0.4"``; alone where that is under 0.05.

    Where no path shows a change, the bound on its size stands in place of the error: ``"0.0 (<0.04)"``.
    """
    if at_most is not None:
        return f"{wording.signed_points(change)} (<{bound_in_points(at_most)})"
    error = shown_error(mcse)
    return f"{wording.signed_points(change)}{f' {error}' if error.startswith('±') else ''}"


def stands_out(change: float, mcse: float) -> bool:
    """Whether a change is more than twice its Monte Carlo error, and shows."""
    return abs(change) > 2 * mcse and wording.signed_points(change) != "0.0"
