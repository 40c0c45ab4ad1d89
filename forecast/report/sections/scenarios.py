"""What other beliefs, another future or another past would change: scenarios side by side."""

from __future__ import annotations

from forecast import wording
from forecast.records.forecast import Forecast, ScenarioForecast, TargetForecast
from forecast.report.blocks import Block, Cell, Chart, Column, Prose, Section, Table, one_group
from forecast.report.front_page import headline_pair, shown_error
from forecast.report.printable import shorten
from forecast.report.run_records import RunRecords
from forecast.report.scenarios_figure import MOST_DRAWN, draw_scenarios, drawn_scenarios

_MOST_TARGETS = 3
_READING = (
    "Change: percentage points against this forecast, ± Monte Carlo error, taken draw by draw and future by "
    "future. An assumed act does what the fitted model says of such acts and nothing else; answers to it "
    "that are expected for other reasons are assumed too."
)


def scenarios_section(run: RunRecords) -> Section | None:
    """Chart of the headline and a table of the targets under each scenario; nothing without scenarios."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    target, milestone = headline_pair(forecast)
    intro = (
        f"{wording.count(len(forecast.scenarios), 'scenario').capitalize()}, each a named change of this "
        f"forecast with its reason, for the time before {wording.long_day(milestone.date)}."
    )
    blocks: list[Block] = [Prose(text=intro)]
    drawn = drawn_scenarios(forecast, forecast.scenarios)
    if drawn:
        left_out = len(forecast.scenarios) - len(drawn)
        more = f" Left out: {wording.count(left_out, 'scenario')} that moves it less." if left_out else ""
        blocks.append(
            Chart(
                name="scenarios",
                alt=_alt(forecast, drawn),
                caption=f"Chance of {target.label} under each scenario, with its 90% interval; dashed: this "
                f"forecast.{more}",
                draw=lambda: draw_scenarios(forecast, drawn),
            )
        )
    targets = _shown_targets(forecast)
    blocks.append(_table(forecast, targets))
    blocks.append(Prose(text=_READING, tone="fine"))
    return Section(name="scenarios", title="What if", blocks=tuple(blocks))


def _shown_targets(forecast: Forecast) -> tuple[TargetForecast, ...]:
    """Targets of the table: that of the headline first, then the next ones in their order."""
    asked = forecast.headline.target
    ordered = sorted(forecast.targets, key=lambda target: target.name != asked)
    return tuple(ordered[:_MOST_TARGETS])


def _table(forecast: Forecast, targets: tuple[TargetForecast, ...]) -> Table:
    columns = [
        Column(head="Scenario"),
        Column(head="How it was found", width=36),
        *(Column(head=shorten(target.label, 26), width=27, align="right") for target in targets),
    ]
    asked = forecast.headline.milestone
    known = []
    for target in targets:
        one = next(one for one in target.milestones if one.name == asked)
        known.append(Cell(text=wording.percent(one.probability), value=one.probability, weight="semibold"))
    rows = [(Cell(text="This forecast", weight="semibold"), Cell(), *known)]
    rows += [_row(scenario, targets, asked) for scenario in forecast.scenarios]
    return Table(
        name="scenarios",
        title="Chances under each scenario, and their change",
        columns=tuple(columns),
        groups=one_group(tuple(rows)),
    )


def _row(scenario: ScenarioForecast, targets: tuple[TargetForecast, ...], asked: str) -> tuple[Cell, ...]:
    cells = [Cell(text=shorten(scenario.label, 90)), Cell(text=_how(scenario), tone="fine")]
    for target in targets:
        if scenario.withheld:
            cells.append(Cell(text="withheld", tone="fine"))
            continue
        one = next(one for one in scenario.target(target.name).milestones if one.name == asked)
        change = f"{wording.signed_points(one.difference.value)} {shown_error(one.difference.mcse)}"
        cells.append(
            Cell(
                text=wording.percent(one.probability), note=change.replace(" <", " ±<"), value=one.probability
            )
        )
    return tuple(cells)


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


def _alt(forecast: Forecast, drawn: tuple[ScenarioForecast, ...]) -> str:
    target, milestone = headline_pair(forecast)
    parts = []
    for scenario in drawn:
        one = next(one for one in scenario.target(target.name).milestones if one.name == milestone.name)
        change = wording.signed_points(one.difference.value)
        parts.append(
            f"{shorten(scenario.label, 60)}: {wording.percent(one.probability)} (90% interval "
            f"{wording.interval_percent(one.interval90)}; {change} points)"
        )
    return (
        f"Dot chart of the chance of {shorten(target.label, 80)} before "
        f"{wording.long_day(milestone.date)}: {wording.percent(milestone.probability)} (90% interval "
        f"{wording.interval_percent(milestone.interval90)}) in this forecast. {'; '.join(parts)}. "
        f"At most {MOST_DRAWN} are drawn."
    )
