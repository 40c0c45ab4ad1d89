"""Every chance of a run as one tidy table: source × target × day.

``source`` says who says it, and under what:

* ``forecast``: the forecast itself, before each day; with its error where a milestone asks for it;
* ``member:NAME``: what a member of the forecast says, without the scheduled acts;
* ``base_rate:NAME``: a simple forecast of the same question;
* ``scenario:NAME``: under a scenario, before each day of the headline target and each milestone of others;
* ``scenario:NAME:after`` and ``…:base``: from its first act on, given none before, and the same without it;
* ``without:EVENT``: had a past event not been;
* ``step:STEP``: with the sources of the headline up to this one;
* ``prior:NAME:lower`` and ``…:upper``: one assumption moved one step down, or up;
* ``reaction:NAME:DAYS`` and ``…:base``: after a trigger, and without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from forecast.frames import Backend, make_frame
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast, ScenarioTarget, TargetForecast

Table = Literal["chances", "counts"]


class Count(NamedTuple):
    """How often a target happens before a day: mean, 90% range, and the chance of none, and of so many."""

    target: str
    day: date
    expected: float
    low: int
    high: int
    none: float
    at_least_1: float
    at_least_2: float
    at_least_3: float
    at_least_5: float
    at_least_10: float


class Chance(NamedTuple):
    """One row; ``low``, ``high`` (90%) and ``error`` (Monte Carlo) are ``None`` where they were not measured.

    The error of ``without``, ``step`` and ``prior`` is that of the change.
    """

    source: str
    target: str
    day: date
    mean: float
    low: float | None = None
    high: float | None = None
    error: float | None = None


def frame_of[Row: (Chance, Count)](
    rows: Iterable[Row],
    backend: Backend = "pandas",
    fields: Sequence[str] = Chance._fields,
) -> Any:  # noqa: ANN401
    """Return chances, or counts, as a data frame."""
    columns = [*zip(*rows, strict=True)] or [()] * len(fields)
    return make_frame(dict(zip(fields, map(list, columns), strict=True)), backend)


def all_counts(forecast: Forecast) -> Iterator[Count]:
    """Yield how often each target happens before each milestone."""
    for target in forecast.targets:
        for asked in target.milestones:
            if (number := asked.number) is not None:
                told = dict(enumerate(number.at_least, start=1))
                above = (told.get(k, 0.0) for k in (1, 2, 3, 5, 10))
                ends = number.interval90
                yield Count(target.name, asked.date, number.expected, *ends, 1 - number.at_least[0], *above)


def all_chances(forecast: Forecast, analysis: Analysis | None = None) -> Iterator[Chance]:
    """Yield every chance of a run, the forecast first."""
    for target in forecast.targets:
        yield from _by_day("forecast", target)
    for target in forecast.targets:
        for asked in target.milestones:
            for member in asked.members or ():
                yield Chance(
                    f"member:{member.name}", target.name, asked.date, member.probability, *member.interval90
                )
            base_rates = {asked.baseline.name: asked.baseline.shown, "constant_rate": asked.constant_rate}
            for name, rate in base_rates.items():
                if rate is not None:
                    yield Chance(f"base_rate:{name}", target.name, asked.date, rate)
    for scenario in forecast.scenarios:
        source = f"scenario:{scenario.name}"
        for moved in scenario.targets:
            yield from _by_day(source, moved)
            for after in moved.after:
                yield Chance(f"{source}:after", moved.name, after.date, after.probability)
                yield Chance(f"{source}:base", moved.name, after.date, after.base)
    yield from _of_headline(forecast, analysis)
    for reaction in analysis.reactions if analysis else ():
        for effect in reaction.effects:
            source = f"reaction:{reaction.name}" + ("" if effect.days is None else f":{effect.days}")
            yield Chance(source, reaction.target, effect.date, effect.probability)
            yield Chance(f"{source}:base", reaction.target, effect.date, effect.base)


def _by_day(source: str, target: TargetForecast | ScenarioTarget) -> Iterator[Chance]:
    errors = {milestone.date: milestone.mcse for milestone in target.milestones}
    table = target.chances
    for day, mean, low, high in zip(table.day, table.mean, table.low, table.high, strict=True):
        yield Chance(source, target.name, day, mean, low, high, errors.get(day))


def _of_headline(forecast: Forecast, analysis: Analysis | None) -> Iterator[Chance]:
    asked, headline = forecast.headline, forecast.headline_milestone
    for driver in forecast.drivers:
        # A change that is estimated on fewer draws may lead a hair out of the range.
        without = min(max(headline.probability - driver.change, 0.0), 1.0)
        yield Chance(f"without:{driver.event_id}", asked.target, headline.date, without, error=driver.mcse)
    for moved in analysis.sensitivity.assumptions if analysis and analysis.sensitivity else ():
        for end, shifted in (("lower", moved.lower), ("upper", moved.upper)):
            if shifted.probability is not None:
                yield Chance(
                    f"prior:{moved.name}:{end}",
                    asked.target,
                    headline.date,
                    shifted.probability,
                    error=shifted.mcse,
                )
    for step in forecast.waterfall:
        yield Chance(f"step:{step.step}", asked.target, headline.date, step.probability, error=step.error)
