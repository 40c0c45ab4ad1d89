"""Scenarios on the terminal: what each changes, how it was found, and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecast import wording
from forecast.cli.wrapping import Line, cut, wrapped
from forecast.records.forecast import Forecast, MilestoneForecast, ScenarioForecast, ScenarioMilestone

_NAME = 45


def scenario_lines(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Iterator[Line]:
    """Yield a table for each scenario: target × milestone, run, scenario, change, words."""
    yield from _stamp(forecast)
    for scenario in scenarios:
        yield from wrapped(scenario.label, "bold")
        yield from wrapped(scenario.rationale, "dim", indent="  ")
        yield from _how_lines(scenario)
        if not scenario.withheld:
            yield "", ""
            yield f"  {'Before':>11}  {'Run':>5}  {'Then':>5}  {'Change':>13}  In words", "bold"
            for target in scenario.targets:
                yield from wrapped(target.label, "bold")
                known = {one.name: one for one in forecast.target(target.name).milestones}
                for milestone in target.milestones:
                    yield from _row(known[milestone.name], milestone)
        yield "", ""
    yield from _note(scenarios)


def comparison_lines(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Iterator[Line]:
    """Yield one table across scenarios for each target, at the milestone of the headline."""
    yield from _stamp(forecast)
    asked = forecast.headline.milestone
    first = next(one for one in forecast.targets[0].milestones if one.name == asked)
    yield from wrapped(f"Before {wording.long_day(first.date)} ({first.label})", "")
    for target in sorted(forecast.targets, key=lambda target: target.name != forecast.headline.target):
        yield "", ""
        yield _compared_head(target.label), "bold"
        base = next(one for one in target.milestones if one.name == asked)
        yield _compared_row("The run", base, ""), ""
        for scenario in scenarios:
            yield _compared(scenario, target.name, asked), ""
    yield "", ""
    by_how: dict[str, list[str]] = {}
    for scenario in scenarios:
        by_how.setdefault(_how(scenario), []).append(scenario.label)
    for how, labels in by_how.items():
        yield from wrapped(f"{'; '.join(labels)}: {how}", "dim", hang="  ")
    yield from _note(scenarios)


def headline_lines(forecast: Forecast) -> Iterator[Line]:
    """Yield the short table at the end of a run: what the scenarios do to the headline."""
    if not forecast.scenarios:
        return
    yield "", ""
    yield _compared_head("Scenarios (of the headline)"), "bold"
    for scenario in forecast.scenarios:
        yield _compared(scenario, forecast.headline.target, forecast.headline.milestone), ""
    yield from _note(forecast.scenarios)


def change_text(milestone: ScenarioMilestone) -> str:
    """Change with its error in percentage points, e.g. ``"+2.8 ± 0.3"``."""
    value = wording.signed_points(milestone.difference.value)
    error = wording.signed_points(milestone.difference.mcse).lstrip("+")
    return f"{value} ± {error}"


def _compared_head(label: str) -> str:
    return f"{cut(label, _NAME):<{_NAME}}  {'Chance':>6}  {'90% range':>9}  {'Change':>13}"


def _compared(scenario: ScenarioForecast, target: str, milestone: str) -> str:
    if scenario.withheld:
        return f"{cut(scenario.label, _NAME):<{_NAME}}  withheld: needs a new fit"
    found = next(one for one in scenario.target(target).milestones if one.name == milestone)
    return _compared_row(scenario.label, found, change_text(found))


def _compared_row(label: str, found: MilestoneForecast, change: str) -> str:
    return (
        f"{cut(label, _NAME):<{_NAME}}  {wording.percent(found.probability):>6}  "
        f"{wording.interval_percent(found.interval90):>9}  {change:>13}"
    ).rstrip()


def _row(base: MilestoneForecast, milestone: ScenarioMilestone) -> Iterator[Line]:
    yield (
        f"  {wording.short_day(milestone.date):>11}  {wording.percent(base.probability):>5}  "
        f"{wording.percent(milestone.probability):>5}  {change_text(milestone):>13}  {milestone.words}",
        "",
    )


def _how_lines(scenario: ScenarioForecast) -> Iterator[Line]:
    yield from wrapped(f"Method: {_how(scenario)}", "", indent="  ")
    if scenario.withheld:
        yield from wrapped(f"Withheld: {scenario.withheld}", "bold", indent="  ")
    for failure in scenario.failures:
        yield from wrapped(f"The new fit did not converge: {failure}", "bold", indent="  ")


def _how(scenario: ScenarioForecast) -> str:
    text = f"{scenario.method}. {scenario.reason}"
    if scenario.method.startswith("reweight") and scenario.pareto_k is not None:
        text += (
            f" Pareto k {wording.number(scenario.pareto_k)}, "
            f"{wording.number(scenario.effective_draws or 0.0, 0)} effective draws."
        )
    return text


def _stamp(forecast: Forecast) -> Iterator[Line]:
    if not forecast.converged:
        yield "THE RUN DID NOT CONVERGE – do not use these numbers.", "bold"
        yield "", ""


def _note(scenarios: Sequence[ScenarioForecast]) -> Iterator[Line]:
    text = "Change: percentage points against the run, ± its Monte Carlo standard error."
    if any(one.method != "refit" for one in scenarios):
        text += " It is taken draw by draw, so its error is far below that of the chances"
        refitted = any(one.method == "refit" for one in scenarios)
        text += ", but for a new fit." if refitted else "."
    yield from wrapped(text, "dim")
