"""When to act, by the costs that the config states, and what the events would cost.

``forecast run`` and ``forecast stress`` answer with the same blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from forecast.blocks import Block, Cell, Prose, Section, plain_table, right
from forecast.records.costs import Decision, DecisionValue, Stress
from forecast.records.forecast import Forecast
from forecast.report.judgement import headline_pair, shown_days
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import shorten
from forecast.wording import count, long_day, number, percent, short_day

_MOST_SHOWN = 12
_LEAST_SHOWN = 0.0005
_RAKED = (
    "Quantile: the least loss that is not exceeded with this probability. Events come together as on the "
    "model's paths, raked to the forecast's probability of each."
)


def costs_section(run: RunRecords) -> Section | None:
    """Whether to act on the headline, and what is at stake; nothing where the config states no costs."""
    blocks = [*decision_blocks(run.forecast)]
    if run.analysis.stress:
        blocks += stress_blocks(run.forecast, run.analysis.stress)
    elif run.options.exposed:
        blocks.append(
            Prose("What the events would cost was not measured in this run: see ‘forecast stress’.")
        )
    return Section("costs", "When to act, and what is at stake", tuple(blocks)) if blocks else None


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


def stress_blocks(forecast: Forecast, stress: Stress) -> Iterator[Block]:
    """Losses by milestone, and the combinations that cost more than is stated."""
    labels = {target.name: shorten(target.label, 80) for target in forecast.targets}
    days = {one.name: one.date for one in forecast.targets[0].milestones}
    last = stress.milestones[-1]
    heads = [right(f"{100 * float(level):g}%") for level in last.quantiles]
    over = () if stress.stated_loss is None else (right(f"Over {stress.stated_loss:g}"),)
    rows = [
        (
            short_day(days[one.milestone]),
            Cell(f"{number(one.expected)} ± {number(one.expected_mcse)}", value=one.expected),
            *(f"{value:g}" for value in one.quantiles.values()),
            *(() if one.above is None else (Cell(percent(one.above), value=one.above),)),
        )
        for one in stress.milestones
    ]
    title = "Loss, in the unit of the exposures"
    yield plain_table((right("Before"), right("Expected"), *heads, *over), rows, title, "losses")
    before = f"before {long_day(days[last.milestone])}"
    if len(last.by_position) > 1:
        parts = sorted(last.by_position.items(), key=lambda one: -one[1])
        rows = [(name, Cell(number(loss), value=loss)) for name, loss in parts]
        yield plain_table(("Position", right("Loss")), rows, f"Expected by position, {before}", "positions")
    if last.combinations:
        told = [
            (
                " + ".join(labels[name] for name in one.targets),
                f"{one.loss:g}",
                Cell(percent(one.probability), value=one.probability),
            )
            for one in last.combinations[:_MOST_SHOWN]
            if one.probability >= _LEAST_SHOWN
        ]
        limit = "anything" if stress.stated_loss is None else f"more than {stress.stated_loss:g}"
        heads = [right("Loss", 18), right("Chance", 18)]
        yield plain_table(
            ("These happen, the others do not", *heads),
            told,
            f"What would cost {limit}, {before}",
            "reverse-stress",
        )
    yield Prose(_RAKED, tone="fine")
