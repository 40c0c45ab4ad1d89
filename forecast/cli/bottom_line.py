"""The end of a run on the terminal: bottom line, milestone table, where the files are.

Every row of the table is one line of at most 80 signs: milestones are named once, above it, and known by
their day in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from forecast import wording
from forecast.cli.scenario_lines import headline_lines
from forecast.cli.wrapping import Line, wrapped
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.wording.sensitivity import LABEL_WORDS


def print_bottom_line(forecast: Forecast, folder: Path) -> None:
    """Print the headline in words and numbers, every target × milestone, and the files."""
    console = print_lines(forecast)
    console.print(f"Report   {folder / 'report.pdf'}")
    console.print(f"Numbers  {folder / 'forecast.json'}")


def print_lines(forecast: Forecast) -> Console:
    """Print the headline and every target × milestone; return where more can be printed."""
    # Labels come from a config: they are printed as they are, without markup.
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for text, style in bottom_line(forecast):
        console.print(text, style=style)
    return console


def bottom_line(forecast: Forecast) -> Iterator[Line]:
    """Yield the lines of the bottom line and the table, none wider than ``WIDTH``."""
    if not forecast.converged:
        yield "DID NOT CONVERGE – do not use these numbers.", "bold red"
        for failure in forecast.diagnostics.failures:
            yield from wrapped(failure, "red", indent="  ")
        yield "", ""
    yield from _headline(forecast)
    yield "", ""
    yield from wrapped(f"{forecast.dyad.label}, as of {wording.long_day(forecast.as_of)}. Milestones:", "")
    for milestone in forecast.targets[0].milestones:
        yield from wrapped(f"  {wording.short_day(milestone.date):>11}  {milestone.label}", "", hang=" " * 15)
    yield "", ""
    yield f"  {'Before':>11}  {'Chance':>6}  {'90% range':>9}  {'Base':>4}  In words", "bold"
    for target in forecast.targets:
        yield from _group(forecast, target)
    yield "", ""
    base = forecast.targets[0].milestones[0].baseline.name
    yield from wrapped(
        f"Range: of the chance, over what the data leave open. Base: the simple baseline ({base}).", "dim"
    )
    yield from headline_lines(forecast)


def _headline(forecast: Forecast) -> Iterator[Line]:
    target = forecast.target(forecast.headline.target)
    milestone = next(one for one in target.milestones if one.name == forecast.headline.milestone)
    chance = wording.predicate(milestone.probability, milestone.interval90)
    yield from wrapped(
        f"{target.label} {chance} before {wording.long_day(milestone.date)} ({milestone.label}).", "bold"
    )
    yield from wrapped(
        f"{wording.percent(milestone.probability)}, 90% interval "
        f"{wording.interval_percent(milestone.interval90)}: it happens in {milestone.frequency} simulated "
        f"futures. The base rate is {wording.percent(milestone.baseline.probability)}.",
        "",
    )
    if milestone.rests_on:
        yield from wrapped(f"{LABEL_WORDS[milestone.rests_on]} ('forecast sensitivity').", "")
    if not target.observed_before:
        yield "Never observed in the data: the prior speaks.", "yellow"


def _group(forecast: Forecast, target: TargetForecast) -> Iterator[Line]:
    seen = target.observed_before
    record = f"seen {wording.times(seen)}" if seen else "never observed: the prior speaks"
    yield from wrapped(f"{target.label} ({record})", "bold" if seen else "bold yellow")
    yield from wrapped(target.definition, "dim", indent="  ")
    for milestone in target.milestones:
        asked = (target.name, milestone.name) == (forecast.headline.target, forecast.headline.milestone)
        yield _row(milestone), "bold" if asked else ""


def _row(milestone: MilestoneForecast) -> str:
    return (
        f"  {wording.short_day(milestone.date):>11}  {wording.percent(milestone.probability):>6}  "
        f"{wording.interval_percent(milestone.interval90):>9}  "
        f"{wording.percent(milestone.baseline.probability):>4}  {milestone.words}"
    )
