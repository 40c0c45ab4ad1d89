"""The end of a run on the terminal: bottom line, milestone table, where the files are."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forecast import wording
from forecast.record import Forecast


def print_bottom_line(forecast: Forecast, folder: Path) -> None:
    """Print the headline in words and numbers, every target × milestone, and the files."""
    console = Console(highlight=False)
    target = forecast.target(forecast.headline.target)
    milestone = next(one for one in target.milestones if one.name == forecast.headline.milestone)
    if not forecast.converged:
        console.print("DID NOT CONVERGE – do not use these numbers.", style="bold red")
        for failure in forecast.diagnostics.failures:
            console.print(f"  {failure}", style="red")
    headline = Text.assemble(
        (f"{target.label} before {wording.long_day(milestone.date)} ({milestone.label}): ", ""),
        (f"{milestone.words}, {wording.percent(milestone.probability)}", "bold"),
        f" (90% interval {wording.interval_percent(milestone.interval90)}; {milestone.frequency} futures).",
    )
    console.print(headline)
    if not target.observed_before:
        console.print("Never observed in the data: the prior speaks.", style="yellow")
    console.print(_table(forecast))
    console.print(f"{forecast.dyad.label}, as of {wording.long_day(forecast.as_of)}. Report: {folder / 'report.pdf'}")
    console.print(f"Numbers: {folder / 'forecast.json'}")


def _table(forecast: Forecast) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Target", "Before", "Probability", "90% interval", "Words", "Base rate"):
        table.add_column(heading, justify="right" if heading in ("Probability", "Base rate") else "left")
    for target in forecast.targets:
        for position, milestone in enumerate(target.milestones):
            table.add_row(
                target.label if position == 0 else "",
                f"{milestone.date.isoformat()} {milestone.name}",
                wording.percent(milestone.probability),
                wording.interval_percent(milestone.interval90),
                milestone.words,
                wording.percent(milestone.baseline.probability),
                end_section=position == len(target.milestones) - 1,
            )
    return table
