"""What a call rests on, on the terminal: labels, effects of assumptions, break-evens; 80 signs a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecast import wording
from forecast.cli.wrapping import Line, cut, wrapped
from forecast.records.analysis import NumberSensitivity, Robustness, ShiftEnd
from forecast.records.forecast import Forecast
from forecast.wording.sensitivity import (
    REASON_WORDS,
    assumed_text,
    assumption_label,
    break_even_sentence,
    change_with_error,
    crossing_first,
    note_sentence,
    rest_sentence,
)

_MOST_BARS = 14
_MOST_CROSSINGS = 6
_LABEL = 40


def sensitivity_lines(forecast: Forecast, found: Robustness) -> Iterator[Line]:
    """Yield all there is to say."""
    if not forecast.converged:
        yield "DID NOT CONVERGE – do not use these numbers.", "bold"
        yield "", ""
    yield from _labels(forecast, found.sensitivities)
    yield "", ""
    yield from _tornado(forecast, found)
    yield "", ""
    yield from _break_evens(forecast, found)
    for note in found.notes:
        yield "", ""
        yield from wrapped(note_sentence(note, forecast), "")


def _labels(forecast: Forecast, sensitivities: Sequence[NumberSensitivity]) -> Iterator[Line]:
    yield "What each number rests on", "bold"
    yield f"  {'Before':>11}  {'Chance':>6}  {'Rests on':<12}  {'Priors ×2':>12}  {'Data ×2':>12}", "bold"
    for target in forecast.targets:
        yield from wrapped(target.label, "bold")
        known = {one.milestone: one for one in sensitivities if one.target == target.name}
        for milestone in target.milestones:
            one = known.get(milestone.name)
            if one is None:
                continue
            yield (
                f"  {wording.short_day(milestone.date):>11}  {wording.percent(milestone.probability):>6}  "
                f"{one.rests_on:<12}  {change_with_error(one.priors.change, one.priors.mcse):>12}  "
                f"{change_with_error(one.data.change, one.data.mcse):>12}",
                "",
            )
        reasons = {one.reason: one for one in known.values()}
        for reason, one in reasons.items():
            strongest = one.groups[0].name
            text = f"{one.rests_on}: {REASON_WORDS[reason]} (strongest priors: {strongest})."
            yield from wrapped(text, "dim", "  ")
    yield from wrapped(
        "×2: change in points if priors or data had twice the weight, at the present rate, ± Monte Carlo "
        "error.",
        "dim",
    )


def _tornado(forecast: Forecast, found: Robustness) -> Iterator[Line]:
    target = forecast.target(found.target)
    milestone = next(one for one in target.milestones if one.name == found.milestone)
    yield from wrapped(
        f"What each assumption does to {target.label} before {wording.long_day(milestone.date)} "
        f"({wording.percent(milestone.probability)})",
        "bold",
    )
    yield f"  {'Assumption (now)':<{_LABEL}}  {'one step down':>17}  {'one step up':>17}", "bold"
    for bar in found.tornado[:_MOST_BARS]:
        label = cut(assumption_label(bar.name, bar.act), _LABEL)
        yield f"  {label:<{_LABEL}}  {_end(bar.lower):>17}  {_end(bar.upper):>17}", ""
        now = f"{cut(assumed_text(bar.now), _LABEL - 2):<{_LABEL - 2}}"
        low, high = (assumed_text(end.assumed) for end in (bar.lower, bar.upper))
        yield f"    {now}  {low:>17}  {high:>17}", "dim"
    left = len(found.tornado) - _MOST_BARS
    more = f" {left} more with smaller effects: --json." if left > 0 else ""
    yield from wrapped(
        "Change in points ± Monte Carlo error. A step moves the middle of the prior to its 16% or 84% "
        f"quantile; an act ahead surely fails to happen, or surely happens.{more}",
        "dim",
    )


def _break_evens(forecast: Forecast, found: Robustness) -> Iterator[Line]:
    yield "What would change the words", "bold"
    for target in forecast.targets:
        mine = [one for one in found.break_evens if one.target == target.name]
        if not mine:
            continue
        for milestone in target.milestones:
            here = [one for one in mine if one.milestone == milestone.name]
            crossing = crossing_first(here, target.name, milestone.name)
            yield from wrapped(
                f"{target.label} before {wording.long_day(milestone.date)} "
                f"({wording.percent(milestone.probability)})",
                "bold",
                "  ",
            )
            for one in crossing[:_MOST_CROSSINGS]:
                yield from wrapped(f"– {break_even_sentence(one)}", "", "    ", "      ")
            yield from wrapped(rest_sentence(here, min(len(crossing), _MOST_CROSSINGS)), "dim", "    ")


def _end(end: ShiftEnd) -> str:
    if end.change is None or end.mcse is None:
        return "needs a refit"
    return change_with_error(end.change, end.mcse)
