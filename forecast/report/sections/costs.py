"""When to act, by the costs that the config states."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.blocks import Block, Cell, Prose, Section, plain_table, right
from forecast.records.costs import Decision, DecisionValue
from forecast.records.forecast import Forecast
from forecast.report.judgement import headline_pair, shown_days
from forecast.report.run_records import RunRecords
from forecast.wording import count, number, percent


def costs_section(run: RunRecords) -> Section | None:
    """Whether to act on the headline; nothing where the config states no costs."""
    blocks = tuple(decision_blocks(run.forecast))
    return Section("costs", "When to act", blocks) if blocks else None


def decision_blocks(forecast: Forecast) -> Iterator[Block]:
    """Yield the threshold, on which side of it the headline lies, and what acting on forecasts was worth."""
    decision = forecast.decision
    if decision is None:
        return
    stated = (
        f"Acting costs {_span(decision.act)} and being surprised {_span(decision.surprised)} (one unit). "
    )
    probability = headline_pair(forecast)[1].probability
    yield Prose(stated + decision.sentence(probability), lead="When to act:")
    if decision.value is None:
        yield Prose("No backtest at such a distance says what acting on these forecasts is worth.")
        return
    yield from _worth(forecast, decision, decision.value)


def act_sentence(forecast: Forecast) -> Iterator[Prose]:
    """Yield whether the headline is a reason to act, in one sentence; nothing where no costs are stated."""
    if forecast.decision:
        probability = headline_pair(forecast)[1].probability
        yield Prose(forecast.decision.sentence(probability), lead="When to act:")


def _worth(forecast: Forecast, decision: Decision, value: DecisionValue) -> Iterator[Block]:
    days = f"{shown_days(forecast, value.horizon_days):,} days ahead"
    ways = {
        f"By the forecast, from {percent(decision.threshold)} on": value.forecast,
        "By the base rate known then": value.base_rate,
        "Always act": value.always,
        "Never act": value.never,
        "With perfect knowledge": value.perfect,
    }
    yield plain_table(
        ("Way of acting", right("Cost")),
        [(way, Cell(number(cost), value=cost)) for way, cost in ways.items()],
        f"Mean cost of a past window, {days} ({count(value.windows, 'window')}, the event in {value.held:,}; "
        f"the forecast said to act in {value.acted:,})",
        "decision",
    )
    if value.value is None:
        said = "Perfect knowledge would have saved nothing, so no forecast could"
    else:
        error = "" if value.value_se is None else f" ± {number(value.value_se)}"
        said = f"Value of the forecast: {number(value.value)}{error} (0: the base rate; 1: perfect knowledge)"
    yield Prose(f"{said}.", tone="fine")


def _span(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
