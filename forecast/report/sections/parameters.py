"""Prior and posterior of every parameter, side by side, grouped by what they mean."""

from __future__ import annotations

from itertools import groupby

from forecast import wording
from forecast.records.analysis import ParameterSummary
from forecast.report.blocks import Cell, Column, Group, Prose, Section, Spans, Table
from forecast.report.run_records import RunRecords

_READING = (
    "Each parameter with its mean and 90% interval before (prior) and after (posterior) the data. In the "
    "bars the wide grey span is the prior, the thin blue one the posterior with its mean. A prior set by the "
    "config is marked with a star."
)


def parameters_section(run: RunRecords) -> Section | None:
    """Table of what was assumed and what the data say; nothing for a run without named parameters."""
    if not run.analysis.parameters:
        return None
    keyed = groupby(run.analysis.parameters, key=lambda one: (_group_name(one), one.meaning, one.unit))
    table = Table(
        name="parameters",
        title="Prior and posterior of every parameter",
        columns=(
            Column("Parameter", 26),
            Column("Prior"),
            Column("Mean", 12, "right"),
            Column("90% interval", 23),
            Column("After data", 15, "right"),
            Column("90% interval", 23),
            Column("Before and after", 21),
            Column("R-hat", 10, "right"),
        ),
        groups=tuple(
            Group(label=meaning, note=f"({unit}) · {name}", rows=tuple(_cells(one, name) for one in members))
            for (name, meaning, unit), members in keyed
        ),
        size="tiny",
        lines=False,
    )
    return Section("parameters", "What was assumed and what the data say", (Prose(_READING), table))


def _cells(one: ParameterSummary, group: str) -> tuple[Cell, ...]:
    element = one.name.removeprefix(group).lstrip(".")
    return (
        Cell(element.replace("_", " ") if element else "all"),
        Cell(one.prior + ("" if one.prior_origin == "default" else "*"), tone="fine"),
        Cell(wording.number(one.prior_mean)),
        Cell(_interval(one.prior_interval90)),
        Cell(wording.number(one.posterior_mean), weight="semibold"),
        Cell(_interval(one.posterior_interval90)),
        Cell(mark=_spans(one)),
        Cell(wording.number(one.rhat, 3), tone="fine"),
    )


def _spans(one: ParameterSummary) -> Spans:
    """Both 90% intervals and means on one track from 0 to 1: what the data changed, whatever the unit."""
    before = (*one.prior_interval90, one.prior_mean)
    after = (*one.posterior_interval90, one.posterior_mean)
    low, high = min(*before, *after), max(*before, *after)
    width = (high - low) or 1.0

    def place(value: float) -> float:
        return round((value - low) / width, 4)

    return Spans(
        before=(place(before[0]), place(before[1]), place(before[2])),
        after=(place(after[0]), place(after[1]), place(after[2])),
    )


def _group_name(one: ParameterSummary) -> str:
    # ``excitation.branching.visit`` is the element 'visit' of the group 'excitation.branching'.
    return ".".join(one.name.split(".")[:2])


def _interval(interval: tuple[float, float]) -> str:
    return f"{wording.number(interval[0])} to {wording.number(interval[1])}"
