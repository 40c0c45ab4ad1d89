"""``forecast watch``: many dyads at once, ranked, with what moved them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from forecast import wording
from forecast.cli.options import (
    LEDGER,
    RUNS,
    Output,
    argument,
    day,
    day_option,
    ledger_place,
    option,
    takes_options,
)
from forecast.cli.terminal import listening
from forecast.errors import InputError, StoppedError, UnfinishedError

if TYPE_CHECKING:
    from forecast.config.watchlist import Watchlist


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A list, and what is changed of it for this time."""

    list_file: Path = argument("LIST", "Watchlist (YAML).")
    overrides: list[str] | None = option(
        None, "--set", "Change a setting for this watch, e.g. model.family=panel. Repeatable.", "KEY=VALUE"
    )
    events: list[str] | None = option(
        None, "--events", "Event file, pattern or store, in place of those of the list. Repeatable.", "FILE"
    )
    as_of: datetime | None = day_option(None, "--as-of", "Day of the watch, in place of as_of.")
    use: Literal["client", "internal"] | None = option(
        None, "--use", "What the watch is for, in place of use: acts whose terms bar it are refused."
    )
    update: bool = option(
        False, "--update", "First bring the stores among its events up to date, for the pairs of the list."
    )

    def load(self) -> Watchlist:
        """Read the list."""
        from forecast.config.watchlist import load_watchlist

        changes = [*(self.overrides or ()), *([f"use={self.use}"] if self.use else ())]
        if self.events:
            # From the folder of the caller, and not from that of the list.
            changes.append(f"events={json.dumps([str(Path(one).absolute()) for one in self.events])}")
        return load_watchlist(self.list_file, changes, as_of=day(self.as_of))


@takes_options
def watch(
    watched: Watched,
    out: Path = option(RUNS, "--out", "Folder of the lists; this one goes to DIR/<name>/<as_of>.", "DIR"),
    strict: bool = option(False, "--strict", "Write nothing where the event files hold no act of a dyad."),
    jobs: int = option(1, "--jobs", "Processes to use.", "N", min=1, max=256),
    cluster: str | None = option(
        None, "--cluster", "Run on Dask: local, or a scheduler as tcp://host:port.", "WHERE"
    ),
    no_report: bool = option(False, "--no-report", "Make no page and no PDF."),
    ledger: Path | None = LEDGER,
    no_ledger: bool = option(False, "--no-ledger", "Leave this watch off the record, e.g. a trial."),
    *,
    output: Output,
) -> None:
    """Forecast every dyad of a list, rank them, and tell what moved; unchanged ones are not fitted again."""
    if ledger and no_ledger:
        raise InputError("--ledger names a ledger and --no-ledger uses none: give one of them")
    loaded, late = watched.load(), []
    place = None if no_ledger else ledger_place(ledger, out)
    with listening(shown=output.for_people) as listen:
        from forecast.watchlist.dyads import DYAD, update_stores
        from forecast.watchlist.watch import WATCH, run_watch, tell_changes, watch_place

        if watched.update:
            # What could not be had makes the forecast older, and not impossible.
            late = [update for update in update_stores(loaded, listen) if not update.whole]
        try:
            made, folder = run_watch(
                loaded,
                out=out,
                strict=strict,
                processes=jobs,
                cluster=cluster,
                report=not no_report,
                ledger=place,
                listen=listen,
            )
        except KeyboardInterrupt:
            kept = len(list(watch_place(loaded, out).glob(f"*/{DYAD}")))
            raise StoppedError(
                f"interrupted; {wording.count(kept, 'dyad')} finished. The same command goes on from there."
            ) from None
        problem = tell_changes(loaded, made, folder)
    if output.json:
        import typer

        typer.echo((folder / WATCH).read_text(encoding="utf-8"), nl=False)
    elif output.for_people:
        from forecast.watchlist.page import watch_answer

        output.print({}, watch_answer(made, folder))
    if not any(dyad.targets for dyad in made.dyads):
        reasons = "\n".join(f"  {dyad.name}: {dyad.failure.text}" for dyad in made.dyads if dyad.failure)
        raise UnfinishedError(f"no dyad of the list has a number.\n{reasons}")
    silent = [dyad for dyad in made.dyads if dyad.failure and dyad.failure.code == "no_events"]
    undone = []
    if silent:
        undone.append(
            f"{wording.count(len(silent), 'dyad')} of {len(made.dyads):,} without a number, as the event "
            "files hold no act known by then. The others are done. --strict refuses such a list"
        )
    if late:
        reasons = "\n".join(f"  {one.failure or f'{one.source}: files missing or wrong'}" for one in late)
        undone.append(f"the watch is done, but its stores are not up to date:\n{reasons}")
    if problem:
        undone.append(f"the watch is done, but on_change.command was not: {problem}")
    if undone:
        raise UnfinishedError("\n".join(undone))
