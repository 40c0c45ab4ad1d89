"""Tables of a forecast as columns, for data frames: a row a milestone, a day, a scenario or a driver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from forecast.errors import InputError, shown

if TYPE_CHECKING:
    from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast

Content = Literal["milestones", "curves", "scenarios", "drivers"]
CONTENTS: tuple[Content, ...] = ("milestones", "curves", "scenarios", "drivers")


def forecast_columns(forecast: Forecast, content: Content) -> dict[str, list[Any]]:
    """Return a table of a forecast by column.

    Raises
    ------
    InputError
        The content is none of ``CONTENTS``.
    """
    match content:
        case "milestones":
            return _columns(
                _MILESTONE,
                (_milestone(target, one) for target in forecast.targets for one in target.milestones),
            )
        case "curves":
            curves = ((target.name, target.curve) for target in forecast.targets)
            rows: Iterable[tuple[Any, ...]] = (
                (name, *row)
                for name, curve in curves
                for row in zip(curve.date, curve.probability, curve.lower90, curve.upper90, strict=True)
            )
            return _columns(("target", "date", "probability", "lower90", "upper90"), rows)
        case "scenarios":
            rows = (
                (
                    *(scenario.name, scenario.label, scenario.method),
                    *_milestone(target, one),
                    *(one.difference.value, one.difference.mcse, one.by_assumption),
                )
                for scenario in forecast.scenarios
                for target in scenario.targets
                for one in target.milestones
            )
            change = ("difference", "difference_mcse", "by_assumption")
            return _columns(("scenario", "scenario_label", "method", *_MILESTONE, *change), rows)
        case "drivers":
            names = ("event_id", "date", "category", "severity", "summary", "source", "change", "mcse")
            rows = (tuple(getattr(one, name) for name in names) for one in forecast.drivers)
            return _columns(names, rows)
    raise InputError(f"content: got {shown(repr(content))}; expected one of {', '.join(CONTENTS)}")


_MILESTONE = (
    *("target", "target_label", "milestone", "milestone_label", "date"),
    *("probability", "mcse", "lower90", "upper90", "words"),
    *("past_windows", "constant_rate", "rests_on", "observed_before"),
)


def _milestone(target: TargetForecast, one: MilestoneForecast) -> tuple[Any, ...]:
    return (
        *(target.name, target.label, one.name, one.label, one.date),
        *(one.probability, one.mcse, *one.interval90, one.words),
        *(one.baseline.probability, one.constant_rate, one.rests_on, target.observed_before),
    )


def _columns(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    whole = list(rows)
    return {name: [row[place] for row in whole] for place, name in enumerate(names)}
