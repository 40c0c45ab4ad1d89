"""What other beliefs, another future or another past would change, and how much of it is assumed."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast import wording
from forecast.blocks import Block, Cell, Chart, Column, Heading, Prose, Section, Table, one_group
from forecast.records.forecast import (
    Forecast,
    ScenarioForecast,
    ScenarioMilestone,
    TargetForecast,
)
from forecast.report.drawing import blank_figure, name_rows, note, one_line, report_style, wrap_label
from forecast.report.judgement import chance, headline_pair, named, shown_change
from forecast.report.palette import ACCENT, INK, MUTED, RULE
from forecast.report.run_records import RunRecords
from forecast.report.scenario_words import split_cells, what_it_assumes
from forecast.report.typesetting import shorten
from forecast.wording import in_sentence

MOST_DRAWN = 12
"""Scenarios that a chart in a report shows; more would not fit a page."""
_LABEL_SIGNS = 34
_MOST_TARGETS = 3
_MOST_ACTS = 12
_SCENARIOS_READING = (
    "Acts marked ● are themselves what is forecast: their part of the change is met by assumption. “Model "
    "adds” "
    "is the rest, in percentage points with its Monte Carlo error; a dash means none that can be measured. "
    "An "
    "assumed act does what the fitted model says of such acts and nothing else: answers that are expected "
    "for "
    "other reasons are assumed too."
)


def scenarios_section(run: RunRecords) -> Section | None:
    """Chart of the headline and a table of the targets under each scenario; nothing without scenarios."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    target, milestone = headline_pair(forecast)
    intro = (
        f"{wording.small_number(len(forecast.scenarios)).capitalize()} "
        f"{'scenario' if len(forecast.scenarios) == 1 else 'scenarios'}, each a named change of this "
        "forecast with "
        f"its reason, for the time before {wording.long_day(milestone.date)}."
    )
    blocks: list[Block] = [Prose(intro)]
    drawn = drawn_scenarios(forecast, forecast.scenarios)
    if drawn:
        left_out = len(forecast.scenarios) - len(drawn)
        more = f" Left out: {wording.count(left_out, 'scenario')} that moves it less." if left_out else ""
        blocks.append(
            Chart(
                name="scenarios",
                headline=_headline(forecast, drawn),
                alt=_alt(forecast, drawn),
                caption=f"Chance of {in_sentence(target.label)} under each scenario, with its plausible "
                f"range; dashed: this forecast.{more}",
                draw=lambda: draw_scenarios(forecast, drawn),
            )
        )
    blocks += [_scenario_table(run), Prose(_SCENARIOS_READING, tone="fine")]
    blocks.append(Heading("Why each scenario is worth asking"))
    blocks += [Prose(one.rationale, lead=f"{one.label}.") for one in forecast.scenarios]
    return Section("scenarios", "What if", tuple(blocks))


def _scenario_table(run: RunRecords) -> Table:
    """Headline split into assumption and model; then the next targets with their change."""
    forecast = run.forecast
    target, milestone = headline_pair(forecast)
    others = [one for one in forecast.targets if one.name != target.name][: _MOST_TARGETS - 1]
    known = [named(one.milestones, milestone.name).probability for one in (target, *others)]
    first, *rest = (Cell(wording.percent(one), value=one, weight="semibold") for one in known)
    rows = [(Cell("This forecast", weight="semibold"), Cell(), first, Cell(), Cell(), *rest)]
    rows += [_scenario_row(one, target, others, milestone.name) for one in forecast.scenarios]
    return Table(
        name="scenarios",
        title=f"Each scenario: what it assumes, the chance of {in_sentence(target.label)}, and other events",
        columns=(
            Column("Scenario", 30),
            Column("What it assumes"),
            Column("Chance", 13, "right"),
            Column("By assumption", 17, "right"),
            Column("Model adds", 17, "right"),
            *(Column(shorten(one.label, 60), 20, "right") for one in others),
        ),
        groups=one_group(rows),
    )


def _scenario_row(
    scenario: ScenarioForecast, target: TargetForecast, others: Sequence[TargetForecast], asked: str
) -> tuple[Cell, ...]:
    name = Cell(scenario.label, note=_how(scenario))
    assumes = Cell(what_it_assumes(scenario, target.name, _MOST_ACTS))
    if scenario.withheld:
        return name, assumes, *(Cell("withheld", tone="fine") for _ in range(3 + len(others)))
    cells = []
    for one in others:
        found = _asked(scenario, one.name, asked)
        cells.append(
            Cell(
                wording.percent(found.probability),
                note=shown_change(found.difference.value, found.difference.mcse, found.difference.at_most),
                value=found.probability,
            )
        )
    return name, assumes, *split_cells(_asked(scenario, target.name, asked)), *cells


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


def _headline(forecast: Forecast, drawn: tuple[ScenarioForecast, ...]) -> str:
    """Say which scenario takes the chance highest, and which lowest."""
    target, milestone = headline_pair(forecast)
    found = sorted(drawn, key=lambda one: _asked(one, target.name, milestone.name).probability)
    low, high = (
        wording.percent(_asked(one, target.name, milestone.name).probability) for one in (found[0], found[-1])
    )
    now = wording.percent(milestone.probability)
    return f"The scenarios take the chance of {now} to between {low} and {high}, mostly by what they assume"


def _alt(forecast: Forecast, drawn: tuple[ScenarioForecast, ...]) -> str:
    target, milestone = headline_pair(forecast)
    parts = []
    for scenario in drawn:
        one = _asked(scenario, target.name, milestone.name)
        change = wording.signed_points(one.difference.value)
        parts.append(f"{shorten(scenario.label, 60)}: {chance(one)[:-1]}; {change} points)")
    return (
        f"Dot chart of the chance of {shorten(target.label, 80)} before {wording.long_day(milestone.date)}: "
        f"{chance(milestone)} in this forecast. {'; '.join(parts)}. At most {MOST_DRAWN} are drawn."
    )


def drawn_scenarios(
    forecast: Forecast, scenarios: Sequence[ScenarioForecast], most: int = MOST_DRAWN
) -> tuple[ScenarioForecast, ...]:
    """Scenarios that have numbers; where they are many, those that move the headline most."""
    target, milestone = forecast.headline.target, forecast.headline.milestone
    known = [one for one in scenarios if not one.withheld]
    known.sort(key=lambda one: -abs(_asked(one, target, milestone).difference.value))
    return tuple(known[:most])


def scenarios_height(count: int) -> float:
    """Inches that the chart of so many scenarios needs."""
    return 0.7 + 0.3 * (count + 1)


def draw_scenarios(
    forecast: Forecast, scenarios: Sequence[ScenarioForecast], figure: Figure | None = None
) -> Figure:
    """Draw 90% interval, chance and change of each scenario with numbers, the highest chance on top."""
    target, milestone = forecast.headline.target, forecast.headline.milestone
    base = named(forecast.target(target).milestones, milestone)
    found = [(one, _asked(one, target, milestone)) for one in scenarios if not one.withheld]
    found.sort(key=lambda pair: pair[1].probability)
    with report_style():
        figure = figure or blank_figure(scenarios_height(len(found)))
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
