"""``forecast events update`` and ``status``: a store of events brought up to date, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.blocks import Block, Entry, Prose, plain_table, right
from forecast.cli.options import Answer, Output, day, day_option, option, parts_of, takes_options
from forecast.cli.terminal import listening
from forecast.errors import InputError, UnfinishedError
from forecast.wording import count, long_day

if TYPE_CHECKING:
    from forecast.store.status import SourceStatus, StoreStatus
    from forecast.store.update import SourceReport, UpdateOptions

STORE = option(..., "--store", "Folder of the store; made where it is missing.", "DIR")
MOST_MERGED = 50


@dataclass(frozen=True, kw_only=True)
class UpdateChoices:
    """What to update, and from where."""

    store: Path = STORE
    source: str | None = option(None, "--source", "gdelt2; those of the store when absent.", "NAMES")
    pair: list[str] | None = option(
        None, "--pair", "Two actors, e.g. USA,CHN; kept with the store. Repeatable.", "A,B"
    )
    since: datetime | None = day_option(
        None, "--since", "First day of publication; where the last update ended when absent."
    )
    until: datetime | None = day_option(None, "--until", "Last day of publication; today when absent.")
    address: list[str] | None = option(
        None, "--address", "Where a source is, e.g. a mirror; kept with the store.", "[SOURCE=]URL"
    )
    parallel: int = option(4, "--parallel", "Files fetched at once.", "N", min=1, max=16)
    attempts: int = option(3, "--attempts", "How often a file is asked for.", "N", min=1, max=10)
    timeout: float = option(30.0, "--timeout", "Seconds without a byte after which an attempt ends.", "S")

    def checked(self) -> UpdateOptions:
        """Return the choices as options of an update."""
        from forecast.store.fetching import FetchOptions
        from forecast.store.update import UpdateOptions

        names = parts_of(self.source or "")
        if not 0 < self.timeout <= 3600:
            raise InputError(f"--timeout {self.timeout:g}: expected more than 0 seconds, up to 3600")
        return UpdateOptions(
            sources=names,
            pairs=tuple(map(_pair, self.pair or ())),
            since=day(self.since),
            until=day(self.until),
            addresses=dict(_address(text, names) for text in self.address or ()),
            fetch=FetchOptions(parallel=self.parallel, attempts=self.attempts, timeout_s=self.timeout),
        )


def _pair(text: str) -> tuple[str, str]:
    from forecast.events.cells import CellFault, parse_actor

    try:
        sides = [parse_actor(side) for side in parts_of(text)]
    except CellFault as fault:
        raise InputError(f"--pair {text}: {fault}") from fault
    if len(sides) != 2 or sides[0] == sides[1]:
        raise InputError(f"--pair {text}: expected two actors with a comma between, e.g. USA,CHN")
    return min(sides), max(sides)


def _address(text: str, names: tuple[str, ...]) -> tuple[str, str]:
    source, equals, address = text.partition("=")
    if equals and "/" not in source:
        return source, address
    if len(names) != 1:
        raise InputError("--address: say of which source, e.g. gdelt2=http://mirror.example.org/gdeltv2")
    return names[0], text


@takes_options
def update(choices: UpdateChoices, *, output: Output) -> None:
    """Fetch what a source published since the last update, and add the acts of your pairs to a store.

    Exit code 0: all files were read; 1: some are missing or wrong, and will be asked for again; 2: bad input.
    """
    options = choices.checked()
    with listening(shown=output.for_people) as listen:
        from forecast.store.update import update_store

        reports = update_store(choices.store, options, listen)
    output.print(_facts(reports), _told(choices.store, reports))
    if failed := [one.failure for one in reports if one.failure]:
        raise UnfinishedError("\n".join(failed))
    if not all(one.whole for one in reports):
        files = sum(len(one.open_files) for one in reports)
        raise UnfinishedError(
            f"{count(files, 'file')} missing or wrong; the next update asks again. 'forecast events status "
            f"--store {choices.store}' names them"
        )


def _facts(reports: Iterable[SourceReport]) -> dict[str, object]:
    """Return the sums over all sources, and each of them."""
    facts = {one.source: one.to_dict() for one in reports}
    every = list(facts.values())
    newest = max((one["newest"] for one in every if one["newest"]), default=None)
    sums = {name: sum(one[name] for one in every) for name in ("added", "repeated", "refused")}
    files = {name: sum(one["files"][name] for one in every) for name in ("read", "missing", "wrong")}
    return {**sums, "newest": newest, "files": files, "sources": facts}


def _told(store: Path, reports: Iterable[SourceReport]) -> Iterator[Block]:
    reports = list(reports)
    rows = [
        (
            one.source,
            f"{one.added:,}",
            f"{one.repeated:,}",
            f"{one.refused:,}",
            f"{one.read:,}",
            f"{one.count('missing'):,}",
            f"{one.count('wrong'):,}",
            one.newest.isoformat() if one.newest else "–",
        )
        for one in reports
    ]
    heads = ("Source", right("New acts"), right("Repeats"), right("Refused rows"), right("Files read"))
    yield plain_table((*heads, right("Missing"), right("Wrong"), right("Newest act")), rows, f"{store}")
    for one in reports:
        for name, (state, reason) in list(one.open_files.items())[:5]:
            yield Prose(f"{name}: {state}: {reason}.", tone="warning")
        if one.unlisted:
            quarters = count(one.unlisted, "quarter of an hour", "quarters of an hour")
            yield Prose(f"{one.source}: its list names no file for {quarters} of the span.", tone="fine")


@takes_options
def status(
    store: Path = option(..., "--store", "Folder of the store.", "DIR"),
    as_of: datetime | None = day_option(None, "--as-of", "Day by which it is judged; today when absent."),
    merged: bool = option(
        False, "--merged", f"List the reports that were merged, the newest {MOST_MERGED} acts."
    ),
    fail_stale: bool = option(
        False, "--fail-stale", "End with code 1 where a source is stale or files are open, for monitoring."
    ),
    *,
    answer: Answer,
) -> None:
    """Tell how fresh and whole each source of a store is, and on what terms its acts may be used.

    A source is judged by the age of its newest act at its own pace, not by whether the update ran.
    """
    from forecast.store.status import merged_reports, store_status

    found = store_status(store, day(as_of) or datetime.now(UTC).date())
    listed = merged_reports(store, MOST_MERGED) if merged else []
    facts = found.to_dict() | ({"merged": listed} if merged else {})
    answer.print(facts, (*_status(found), *_merged(listed)))
    late = [one for one in found.sources if one.fresh.stale or one.still_open]
    if fail_stale and late:
        raise UnfinishedError(f"stale, or with files still open: {', '.join(one.state.name for one in late)}")


def _status(found: StoreStatus) -> Iterator[Block]:
    yield Prose(f"{found.place}, as of {long_day(found.as_of)}, for {'; '.join(found.pairs)}.")
    for one in found.sources:
        yield Entry(one.state.name, (plain_table(("", ""), _source(one)),))
        for name, entry in list(one.still_open.items())[:5]:
            yield Prose(
                f"{name}: {entry['state']} since {entry['since']}: {entry['reason']}.", tone="warning"
            )
        if len(one.still_open) > 5:
            yield Prose(f"and {len(one.still_open) - 5:,} more files. All of them: --json", tone="fine")


def _source(one: SourceStatus) -> Iterator[tuple[str, str]]:
    told = f"{count(one.acts, 'act')} from {count(one.reports, 'report')}"
    yield "Acts", f"{told}, {one.first} to {one.newest}" if one.first else told
    if one.fresh.newest is None:
        yield "Freshness", "nothing was read yet"
    else:
        age = (
            f"newest act of the source {long_day(one.fresh.newest)}, {count(one.fresh.days or 0, 'day')} old"
        )
        pace = f"{count(one.fresh.pace_days, 'day')} are usual"
        yield "Freshness", f"{'STALE: ' if one.fresh.stale else ''}{age}; up to {pace}"
    yield "Known day", f"{one.acts - one.loaded:,} seen as they came, {one.loaded:,} loaded afterwards"
    yield "Files", f"{one.files:,} read, {len(one.still_open):,} missing or wrong"
    yield "Terms", f"{one.terms.licence}: {one.terms.terms}"
    if one.terms.bars:
        yield "Bars", f"{', '.join(one.terms.bars)} (as known on {long_day(one.terms.known_on)})"
    yield "Address", one.state.address


def _merged(listed: list[dict[str, object]]) -> Iterator[Block]:
    if listed:
        rows = [
            (str(one["date"]), str(one["pair"]), str(one["kind"]), str(one["act"]), f"{one['reports']:,}")
            for one in listed
        ]
        heads = ("Day", "Pair", "Kind", "Act", right("Reports"))
        yield plain_table(heads, rows, "Acts that were reported more than once, newest first")
