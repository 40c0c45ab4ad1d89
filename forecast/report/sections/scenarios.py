"""What other beliefs, another future or another past would change, and how much of it is assumed."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast import wording
from forecast.blocks import Cell, Column, Prose, Section, Table, one_group
from forecast.records.forecast import (
    Forecast,
    ScenarioForecast,
    ScenarioMilestone,
    TargetForecast,
)
from forecast.report.drawing import blank_figure, name_rows, note, one_line, report_style, wrap_label
from forecast.report.judgement import headline_pair, named, shown_change
from forecast.report.palette import ACCENT, INK, MUTED, RULE
from forecast.report.run_records import RunRecords
from forecast.report.scenario_words import LEAST_SHOWN, by_effect, split_cells, what_it_assumes
from forecast.report.typesetting import shorten

_LABEL_SIGNS = 34
_MOST_TARGETS = 6
_MOST_ACTS = 4
_READING = (
    "Acts marked ● are themselves what is forecast: the points that they bring are met by assumption, and "
    "are no finding. “Model adds” is the rest, with its Monte Carlo error. ≈ is a change of less than a "
    "point; – is none that can be measured."
)


def scenarios_section(run: RunRecords) -> Section:
    """Table of all targets under each scenario, the largest effect on the headline first."""
    forecast = run.forecast
    if not forecast.scenarios:
        return Section("scenarios", "What if", (Prose("This run compares no scenarios."),))
    blocks = (Prose(_READING), scenario_table(run, "scenarios", _MOST_ACTS))
    return Section("scenarios", "What if", blocks)


def rationales_section(run: RunRecords) -> Section | None:
    """For the page alone: all that each scenario assumes, how it was computed, and why it is worth asking."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    blocks = [
        Prose(
            f"{one.rationale} It assumes: {what_it_assumes(one, forecast.headline.target, len(one.acts))}. "
            f"Computed by {_how(one)}.",
            lead=f"{one.label}.",
        )
        for one in by_effect(forecast, forecast.scenarios)
    ]
    return Section("rationales", "Why each scenario is worth asking", tuple(blocks), printed=False)


def scenario_table(run: RunRecords, name: str, most_acts: int) -> Table:
    """Headline split into assumption and model; then the other targets with their change."""
    forecast = run.forecast
    target, milestone = headline_pair(forecast)
    others = [one for one in forecast.targets if one.name != target.name][: _MOST_TARGETS - 1]
    known = [named(one.milestones, milestone.name).probability for one in (target, *others)]
    first, *rest = (Cell(wording.percent(one), value=one, weight="semibold") for one in known)
    rows = [(Cell("This forecast", weight="semibold"), first, Cell(), Cell(), *rest)]
    rows += [
        _scenario_row(one, target, others, milestone.name, most_acts)
        for one in by_effect(forecast, forecast.scenarios)
    ]
    return Table(
        name=name,
        title=f"Before {wording.long_day(milestone.date)} under each scenario, the largest effect first",
        columns=(
            Column("Scenario, and what it assumes"),
            Column(shorten(target.label, 40), 19, "right"),
            Column("Met by assumption", 20, "right"),
            Column("Model adds", 17, "right"),
            *(Column(shorten(one.label, 40), 19, "right") for one in others),
        ),
        groups=one_group(rows),
    )


def _scenario_row(
    scenario: ScenarioForecast,
    target: TargetForecast,
    others: Sequence[TargetForecast],
    asked: str,
    most_acts: int,
) -> tuple[Cell, ...]:
    name = Cell(scenario.label, note=what_it_assumes(scenario, target.name, most_acts), weight="semibold")
    if scenario.withheld:
        return name, *(Cell("needs a new fit", tone="fine") for _ in range(3 + len(others)))
    cells = (_moved(_asked(scenario, one.name, asked)) for one in others)
    return name, *split_cells(_asked(scenario, target.name, asked)), *cells


def _moved(found: ScenarioMilestone) -> Cell:
    """Chance of another target with its change; no finding where that is assumed, or under a point."""
    change, value = found.difference.value, found.probability
    if abs(change) < LEAST_SHOWN:
        return Cell("≈", tone="fine", value=value)
    if abs(change - (found.by_assumption or 0.0)) < LEAST_SHOWN:
        return Cell("●", note="assumed", value=value)
    return Cell(wording.percent(value), note=shown_change(change, found.difference.mcse), value=value)


def _how(scenario: ScenarioForecast) -> str:
    if scenario.withheld:
        return "needs a new fit"
    if scenario.method == "refit":
        return "new fit, which did not converge" if scenario.failures else "new fit"
    if scenario.pareto_k is None:
        return "other futures"
    futures = " and other futures" if "simulate" in scenario.method else ""
    return (
        f"weights{futures}; Pareto k {wording.number(scenario.pareto_k)}, "
        f"{wording.number(scenario.effective_draws or 0.0, 0)} effective draws"
    )


def draw_scenarios(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Figure:
    """Draw 90% interval, chance and change of each scenario with numbers, the highest chance on top."""
    target, milestone = forecast.headline.target, forecast.headline.milestone
    base = named(forecast.target(target).milestones, milestone)
    found = [(one, _asked(one, target, milestone)) for one in scenarios if not one.withheld]
    found.sort(key=lambda pair: pair[1].probability)
    with report_style():
        figure = blank_figure(0.7 + 0.3 * (len(found) + 1))
        axes = figure.add_subplot()
        places = [float(place) for place in range(len(found) + 1)]
        every = [*(one for _, one in found), base]
        chances = [100 * one.probability for one in every]
        lows, highs = ([100 * one.interval90[end] for one in every] for end in (0, 1))
        low, edge = min(lows), max(highs)
        axes.axvline(chances[-1], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.hlines(places, lows, highs, color=RULE, linewidth=3, gid="intervals")
        axes.plot(chances[:-1], places[:-1], "o", color=ACCENT, markersize=5, linestyle="none", gid="chances")
        axes.plot(chances[-1:], places[-1:], "D", color=INK, markersize=5, gid="run")
        changes = [f"  ({wording.signed_points(one.difference.value)})" for _, one in found]
        for place, one, change in zip(places, every, [*changes, ""], strict=True):
            note(axes, f"{wording.percent(one.probability)}{change}", (edge, place), (6, 0))
        axes.set_ylim(-0.6, places[-1] + 0.6)
        names = [wrap_label(one.label, _LABEL_SIGNS) for one, _ in found]
        name_rows(axes, places, [*names, "This forecast"])
        axes.set_xlim(max(0.0, low - 2), edge + 0.28 * (edge - low))
        ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, edge)
        axes.set_xticks([tick for tick in ticks if 0 <= tick <= 100])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}%")
        label, day = forecast.target(target).label, wording.long_day(base.date)
        axes.set_xlabel(f"{one_line(label, 60)} before {day}: chance with its plausible range")
    return figure


def _asked(scenario: ScenarioForecast, target: str, milestone: str) -> ScenarioMilestone:
    return named(scenario.target(target).milestones, milestone)
