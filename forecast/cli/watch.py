"""``forecast watch``: many dyads at once, ranked, with what moved them and what the list may bring."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

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
from forecast.cli.terminal import BLANK, Part, Table, left, line, listening, right, text
from forecast.errors import InputError, StoppedError, UnfinishedError

if TYPE_CHECKING:
    from forecast.records.watch import DyadEntry, ListMilestone, Watch

LIST = argument("LIST", "Watchlist (YAML).")
_ARROWS = {"up": "▲", "down": "▼", None: ""}


@takes_options
def watch(
    list_file: Path = LIST,
    overrides: list[str] | None = option(
        None, "--set", "Change a setting for this watch, e.g. model.family=panel. Repeatable.", "KEY=VALUE"
    ),
    events: list[str] | None = option(
        None, "--events", "Event file or pattern, in place of those of the list. Repeatable.", "FILE"
    ),
    as_of: datetime | None = day_option(None, "--as-of", "Day of the watch, in place of as_of."),
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
    from forecast.config.watchlist import load_watchlist

    if ledger and no_ledger:
        raise InputError("--ledger names a ledger and --no-ledger uses none: give one of them")
    changes = [*(overrides or ())]
    if events:
        # From the folder of the caller, and not from that of the list.
        changes.append(f"events={json.dumps([str(Path(one).absolute()) for one in events])}")
    loaded = load_watchlist(list_file, changes, as_of=day(as_of))
    place = None if no_ledger else ledger_place(ledger, out)
    with listening(shown=output.for_people) as listen:
        from forecast.watchlist.watch import WatchOptions, run_watch

        options = WatchOptions(
            out=out,
            strict=strict,
            processes=jobs,
            cluster=cluster,
            report=not no_report,
            ledger=place,
        )
        try:
            found, folder = run_watch(loaded, options, listen)
        except KeyboardInterrupt:
            kept = len(list((out / loaded.name / loaded.as_of.isoformat()).glob("*/dyad.json")))
            raise StoppedError(
                f"interrupted; {wording.count(kept, 'dyad')} finished. The same command goes on from there."
            ) from None
    if output.json:
        import typer

        typer.echo((folder / "watch.json").read_text(encoding="utf-8"), nl=False)
    elif output.for_people:
        output.print({}, (*watch_table(found), line(f"Files: {folder}")))
    if not any(one.targets for one in found.dyads):
        reasons = "\n".join(f"  {one.name}: {one.failure.text}" for one in found.dyads if one.failure)
        raise UnfinishedError(f"no dyad of the list has a number.\n{reasons}")
    silent = [one for one in found.dyads if one.failure and one.failure.code == "no_events"]
    if silent:
        raise UnfinishedError(
            f"{wording.count(len(silent), 'dyad')} of {len(found.dyads):,} without a number, as the event "
            "files hold no act known by then. The others are done. --strict refuses such a list"
        )


def watch_table(watch: Watch) -> Iterator[Part]:
    """Yield the ranked table, the outlook of the list, and what must be known of either."""
    from forecast.watchlist.wording import change_sentences, question_sentence, state_sentence

    yield text(
        f"Watchlist {watch.name}, as of {wording.long_day(watch.as_of)}. {state_sentence(watch)}", "bold"
    )
    if asked := question_sentence(watch):
        yield text(asked)
    yield BLANK
    columns = (
        right("#", 3),
        left("Dyad", 18),
        right("Chance", 6),
        right("90%", 13),
        right("Base", 6),
        right("Change", 6),
        left("Trigger", 7),
        left("State", 8),
    )
    yield Table(columns, map(_row, watch.dyads), map(_style, watch.dyads), gap=1, indent=0)
    yield BLANK
    if watch.since:
        since = wording.long_day(watch.since)
        yield text(f"Change since {since}, in points; an arrow where it is beyond twice its error.", "dim")
        yield from (text(f"- {one}", hang=2) for one in change_sentences(watch))
    titles = {target.name: target.label for one in watch.dyads for target in one.targets}
    for name, milestones in watch.list.items():
        yield text(f"The list as a whole: {titles[name]}", "bold")
        rows = (_list_row(one) for one in milestones)
        yield Table(
            (left("Before", 12), right("any", 6), right("two+", 6), right("expected", 8), right("90%", 6)),
            rows,
        )
    yield from _warnings(watch)


def _row(one: DyadEntry) -> tuple[str, ...]:
    milestone, change = one.milestone, one.change
    if milestone is None:
        return "", one.label, "–", "", "", "", one.trigger or "", one.state
    moved = wording.signed_points(change.change, 0) if change else ""
    arrow = _ARROWS[change.arrow] if change else ""
    mark = " !" if one.feed_faults and one.state != "stale" else ""
    return (
        str(one.rank),
        one.label,
        wording.percent(milestone.probability),
        wording.interval_percent(milestone.interval90),
        wording.percent(milestone.baseline.probability),
        f"{moved} {arrow}".strip(),
        one.trigger or "",
        one.state + mark,
    )


def _style(one: DyadEntry) -> str:
    return {"failed": "red", "stale": "yellow"}.get(one.state, "")


def _list_row(one: ListMilestone) -> tuple[str, ...]:
    from forecast.watchlist.wording import number_range

    return (
        wording.short_day(one.date),
        wording.percent(one.any),
        wording.percent(one.at_least_two),
        wording.number(one.expected, 1),
        number_range(one),
    )


def _warnings(watch: Watch) -> Iterator[Part]:
    for one in watch.dyads:
        for fault in one.feed_faults:
            yield text(f"- {one.label}: {fault.text}", "yellow", hang=2)
        if one.failure:
            yield text(f"- {one.label}: {one.failure.text}", "red", hang=2)
    for note in watch.notes:
        yield text(f"- {note.text}", "yellow", hang=2)
