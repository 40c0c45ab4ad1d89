"""Every chance of a run as one table: the forecast, scenarios, drivers, steps, assumptions, months.

``what`` says under what, by parts that a colon joins:

* ``forecast``: the forecast itself, and beside it what each member (``who``) and each base rate says;
* ``scenario:NAME``, and ``scenario:NAME:after`` from the first day of its first act on, given none before,
  with ``scenario:NAME:base`` for the same days of the forecast;
* ``without:EVENT``: had a past event not been;
* ``step:STEP``: with the sources of the headline up to this one;
* ``prior:NAME:lower`` and ``:upper``: one assumption moved one step down, or up;
* ``month``: that it first happens in the month that ends on ``day``;
* ``reaction:NAME:DAYS`` and ``…:base``: after a trigger, and without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date as Date
from typing import TYPE_CHECKING

from pydantic import Field

from forecast.records.base import Probability, Record

if TYPE_CHECKING:
    from forecast.records.analysis import Analysis
    from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast


class Row(Record):
    """One chance; ``low``, ``high`` and ``error`` are ``None`` where they were not measured."""

    what: str = Field(description="under what: see docs/json.md")
    target: str
    day: Date = Field(description="the target happens before this day; of 'month', its last day")
    who: str = Field(description="the forecast, one of its members or a base rate")
    chance: Probability
    low: Probability | None = Field(default=None, description="5% quantile over draws")
    high: Probability | None = Field(default=None, description="95% quantile over draws")
    error: float | None = Field(
        default=None,
        ge=0.0,
        description="Monte Carlo standard error; of 'without', 'step' and 'prior' that of the change",
    )


COLUMNS = tuple(Row.model_fields)
FORECAST = "forecast"
"""Who says the number that is shown and scored."""


def rows_of(forecast: Forecast, analysis: Analysis | None = None) -> Iterator[Row]:
    """Yield every chance of a run, the milestones of the forecast first."""
    for target in forecast.targets:
        yield from _milestones(FORECAST, target)
        for one in target.milestones:
            yield from _beside(target.name, one)
    for scenario in forecast.scenarios:
        what = f"scenario:{scenario.name}"
        for target in scenario.targets:
            yield from _milestones(what, target)
            for after in target.after:
                yield _row(f"{what}:after", target.name, after.date, after.probability)
                yield _row(f"{what}:base", target.name, after.date, after.base)
    asked = forecast.headline
    if asked.target not in {target.name for target in forecast.targets}:
        return
    (headline,) = (one for one in forecast.target(asked.target).milestones if one.name == asked.milestone)

    def row(what: str, chance: float | None, error: float | None = None) -> Iterator[Row]:
        if chance is not None:
            # Changes that are estimated on fewer draws may lead a hair out of the range.
            inside = min(max(chance, 0.0), 1.0)
            yield _row(what, asked.target, headline.date, inside, error=error)

    for driver in forecast.drivers:
        yield from row(f"without:{driver.event_id}", headline.probability - driver.change, driver.mcse)
    for step in forecast.waterfall:
        yield from row(f"step:{step.step}", step.probability, step.error)
    if analysis is None:
        return
    for bar in analysis.sensitivity.assumptions if analysis.sensitivity else ():
        yield from row(f"prior:{bar.name}:lower", bar.lower.probability, bar.lower.mcse)
        yield from row(f"prior:{bar.name}:upper", bar.upper.probability, bar.upper.mcse)
    for by_month in analysis.monthly_risk:
        for month in by_month.months:
            yield _row("month", by_month.target, month.last_day, month.probability, error=month.mcse)
    for reaction in analysis.reactions:
        for effect in reaction.effects:
            name = f"reaction:{reaction.name}" + ("" if effect.days is None else f":{effect.days}")
            yield _row(name, reaction.target, effect.date, effect.probability)
            yield _row(f"{name}:base", reaction.target, effect.date, effect.base)


def curve_rows(forecast: Forecast) -> Iterator[Row]:
    """Yield the chance of each target before each day."""
    for target in forecast.targets:
        for day, chance, *span in zip(*(values for _, values in target.curve), strict=True):
            yield _row(FORECAST, target.name, day, chance, span)


def _milestones(what: str, target: TargetForecast) -> Iterator[Row]:
    for one in target.milestones:
        yield _row(what, target.name, one.date, one.probability, one.interval90, error=one.mcse)


def _beside(target: str, one: MilestoneForecast) -> Iterator[Row]:
    for member in one.members or ():
        said = member.probability, member.interval90
        yield _row(FORECAST, target, one.date, *said, who=member.name)
    rates = (one.baseline.name, one.baseline.told), ("constant_rate", one.constant_rate)
    for who, chance in rates:
        if chance is not None:
            yield _row(FORECAST, target, one.date, chance, who=who)


def _row(
    what: str,
    target: str,
    day: Date,
    chance: float,
    span: Sequence[float | None] = (None, None),
    *,
    who: str = FORECAST,
    error: float | None = None,
) -> Row:
    low, high = span
    return Row(what=what, target=target, day=day, who=who, chance=chance, low=low, high=high, error=error)
