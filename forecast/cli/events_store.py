"""``forecast events update`` and ``status``: a store of events brought up to date, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.blocks import Block, Entry, Prose, plain_table, right
from forecast.cli.options import Answer, Output, day, day_option, option, read_pair, takes_options
from forecast.cli.terminal import listening
from forecast.errors import InputError, UnfinishedError
from forecast.wording import count, long_day

if TYPE_CHECKING:
    from forecast.store import UpdateReport

STORE = option(..., "--store", "Folder of the store; made where it is missing.", "DIR")
SHOWN = 5


@takes_options
def update(
    store: Path = STORE,
    source: str = option("gdelt2", "--source", "The feed: gdelt2.", "NAME"),
    pair: list[str] | None = option(
        None, "--pair", "Two actors, e.g. USA,CHN; kept with the store. Repeatable.", "A,B"
    ),
    since: datetime | None = day_option(
        None, "--since", "First day of publication; where the last update ended when absent."
    ),
    until: datetime | None = day_option(None, "--until", "Last day of publication; today when absent."),
    address: str | None = option(None, "--address", "A mirror of the feed; kept with the store.", "URL"),
    *,
    output: Output,
) -> None:
    """Fetch what GDELT 2 published since the last update, and add the acts of your pairs to a store.

    Exit code 0: all files were read; 1: some are missing or wrong, and will be asked for again; 2: bad input.
    """
    if source != "gdelt2":
        raise InputError(f"--source {source}: no such source. Allowed: gdelt2")
    pairs = tuple(map(read_pair, pair or ()))
    with listening(shown=output.for_people) as listen:
        from forecast.store import update_store

        span = {"since": day(since), "until": day(until)}
        report = update_store(store, listen, pairs=pairs, address=address or "", **span)
    output.print(report.to_dict(), _report(store, report))
    if report.failure:
        raise UnfinishedError(report.failure)
    if report.open_files:
        raise UnfinishedError(
            f"{count(len(report.open_files), 'file')} missing or wrong; the next update asks again. "
            f"'forecast events status --store {store}' names them"
        )


def _report(store: Path, report: UpdateReport) -> Iterator[Block]:
    facts = report.to_dict()
    numbers = [facts["added"], facts["repeated"], facts["refused"], *facts["files"].values()]
    heads = ("New acts", "Repeats", "Refused rows", "Files read", "Missing", "Wrong")
    row = [*(f"{number:,}" for number in numbers), facts["newest"] or "–"]
    yield plain_table((*map(right, heads), right("Newest act")), [row], f"{store}")
    for name, (state, reason) in list(report.open_files.items())[:SHOWN]:
        yield Prose(f"{name}: {state}: {reason}.", tone="warning")
    if report.unlisted:
        quarters = count(report.unlisted, "quarter of an hour", "quarters of an hour")
        yield Prose(f"The list names no file for {quarters} of the span.", tone="fine")


@takes_options
def status(
    store: Path = option(..., "--store", "Folder of the store.", "DIR"),
    as_of: datetime | None = day_option(None, "--as-of", "Day by which it is judged; today when absent."),
    fail_stale: bool = option(
        False, "--fail-stale", "End with code 1 where the store is stale or files are open, for monitoring."
    ),
    *,
    answer: Answer,
) -> None:
    """Tell how fresh and whole a store is, and on what terms its acts may be used.

    It is judged by the age of its newest act at the pace of its feed, not by whether the update ran.
    """
    from forecast.events.stores import store_status

    facts = store_status(store, day(as_of) or datetime.now(UTC).date())
    answer.print(facts, _status(facts))
    late = [name for name, source in facts["sources"].items() if source["stale"] or source["open"]]
    if fail_stale and late:
        raise UnfinishedError(f"stale, or with files still open: {', '.join(late)}")


def _status(facts: dict[str, Any]) -> Iterator[Block]:
    as_of = long_day(date.fromisoformat(facts["as_of"]))
    yield Prose(f"{facts['store']}, as of {as_of}, for {'; '.join(facts['pairs'])}.")
    for name, source in facts["sources"].items():
        yield Entry(name, (plain_table(("", ""), _source(source)),))
        opened = list(source["open"].items())
        for file, entry in opened[:SHOWN]:
            reason = f"{entry['state']} since {entry['since']}: {entry['reason']}"
            yield Prose(f"{file}: {reason}.", tone="warning")
        if len(opened) > SHOWN:
            yield Prose(f"and {len(opened) - SHOWN:,} more files. All of them: --json", tone="fine")


def _source(source: dict[str, Any]) -> Iterator[tuple[str, str]]:
    acts = f"{count(source['acts'], 'act')} from {count(source['reports'], 'report')}"
    yield "Acts", f"{acts}, {source['first']} to {source['newest']}" if source["first"] else acts
    if source["newest_of_source"] is None:
        yield "Freshness", "nothing was read yet"
    else:
        newest = long_day(date.fromisoformat(source["newest_of_source"]))
        age = f"newest act of the source {newest}, {count(source['age_days'], 'day')} old"
        pace = f"up to {count(source['pace_days'], 'day')} are usual"
        yield "Freshness", f"{'STALE: ' if source['stale'] else ''}{age}; {pace}"
    loaded = source["loaded_afterwards"]
    yield "Known day", f"{source['acts'] - loaded:,} seen as they came, {loaded:,} loaded afterwards"
    yield "Files", f"{source['files']['read']:,} read, {len(source['open']):,} missing or wrong"
    yield "Terms", f"{source['licence']}: {source['terms']}"
    if source["bars"]:
        known = long_day(date.fromisoformat(source["terms_known_on"]))
        yield "Bars", f"{', '.join(source['bars'])} (as known on {known})"
    yield "Address", source["address"]
