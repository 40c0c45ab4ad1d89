"""What can be seen before the headline milestone, and what the chance would be then."""

from __future__ import annotations

from forecast import wording
from forecast.blocks import Cell, Column, Prose, Section, Table, one_group
from forecast.records.forecast import Forecast, Indicator
from forecast.report.palette import name_category
from forecast.report.questions import headline_pair, shown_error, stands_out
from forecast.report.run_records import RunRecords
from forecast.wording.judgement import in_sentence

_MOST_ON_PAGE_1 = 4
_READING = (
    "“Nothing of the kind” and “nothing of the kind, but …” are read off the run's own futures: the share "
    "that still "
    "meet "
    "the headline event by its milestone, among those in which the condition holds. “One more act” puts "
    "one act "
    "of that kind and severity into every future, on any day before the one named. A change within twice its "
    "Monte Carlo error is shown as a dash."
)


def indicators_section(run: RunRecords) -> Section | None:
    """Every indicator with its day, the chance then, and its change; nothing where none was measured."""
    forecast = run.forecast
    if not forecast.indicators:
        return None
    target, milestone = headline_pair(forecast)
    table = Table(
        name="indicators",
        title=f"{target.label} before {wording.long_day(milestone.date)}: the chance once this is seen",
        columns=(
            Column("What is seen"),
            Column("Before", 24),
            Column("Chance then", 22, "right"),
            Column("Change", 18, "right"),
            Column("Error", 14, "right"),
        ),
        groups=one_group(
            (
                Cell(what_is_seen(forecast, one)),
                Cell(wording.short_day(one.by)),
                Cell(wording.percent(one.probability), weight="semibold", value=one.probability),
                Cell(wording.signed_points(one.change) if is_clear(one) else "–", value=one.change),
                Cell(shown_error(one.mcse), tone="fine", value=one.mcse),
            )
            for one in forecast.indicators
        ),
    )
    return Section("indicators", "What would change the number", (table, Prose(_READING, tone="fine")))


def is_clear(one: Indicator) -> bool:
    """Whether the change is more than twice its error."""
    return stands_out(one.change, one.mcse)


def what_is_seen(forecast: Forecast, one: Indicator) -> str:
    """What the indicator watches, without its day."""
    if one.code == "quiet":
        return "Nothing of the kind so far"
    if one.code == "other_target":
        return f"Nothing of the kind, but {in_sentence(forecast.target(one.target or '').label)}"
    return f"One more {name_category(one.category or '').lower()} of severity {one.severity}"


def chosen_indicators(forecast: Forecast) -> tuple[Indicator, ...]:
    """Those of page 1: quiet until the next milestones, another event met, the act that moves most."""
    quiet = [one for one in forecast.indicators if one.code == "quiet"][:2]
    others = [one for one in forecast.indicators if one.code == "other_target"][:1]
    acts = sorted((one for one in forecast.indicators if one.code == "act"), key=lambda one: -abs(one.change))
    return tuple([*quiet, *others, *acts][:_MOST_ON_PAGE_1])


def indicator_sentence(forecast: Forecast, one: Indicator) -> str:
    """What is seen by when, and the chance then."""
    day, then = wording.long_day(one.by), wording.percent(one.probability)
    if one.code == "quiet":
        return f"No such event before {day}: {then}."
    if one.code == "other_target":
        return f"{forecast.target(one.target or '').label} but no such event before {day}: {then}."
    said = f"One more {name_category(one.category or '').lower()} of severity {one.severity} before {day}"
    if not is_clear(one):
        return f"{said}: no measurable change."
    return f"{said}: {wording.signed_points(one.change)} points, to {then}."
