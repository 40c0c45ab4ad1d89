"""The order of an update: list → files → rows → reports of the pairs asked for → acts by month → notes.

One update of a store runs at a time. Files are fetched, read and kept in batches; what a batch brought is on
disk, acts first and then the notes of its files, before the next begins. So an update that is killed loses a
batch at most, and the same update again makes the same store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from pathlib import Path
from types import MappingProxyType
from typing import Any

from forecast.errors import EventError, InputError, StoppedError, did_you_mean
from forecast.events.stores import ACTS, SOURCE, connect, pair_key, read_state, reader_of
from forecast.feeds.importing import FAULTS
from forecast.feeds.options import feed_options
from forecast.feeds.reading import KEPT, Engine
from forecast.progress import Listener, StageProgress
from forecast.storage import locked, scratch_folder
from forecast.store.fetching import Fetcher, FetchError, FetchOptions
from forecast.store.folder import Folder, open_store, write_source, write_store
from forecast.store.gdelt2 import GDELT2
from forecast.store.reports import Origin, reports_of, write_reports
from forecast.store.source import Piece, Source, Wanted, checked_address

SOURCES: Mapping[str, Source] = MappingProxyType({one.name: one for one in (GDELT2,)})
"""Sources by name, in the order in which they are updated."""
BATCH = 192
"""Files fetched and read at once: two days of quarter hours."""
RETRY_DAYS = 30
"""For so long after its first day a file that is missing or wrong is asked for at every update."""
LIVE_DAYS = 3
"""A file missed within so many days of its publication was missed as it came; its acts were seen later."""
SHOWN = 20
"""Files that are missing or wrong named in the report of an update; ``status`` names all."""


@dataclass(frozen=True, kw_only=True)
class UpdateOptions:
    """What to update. Pairs and addresses that are not given are those of the store.

    Without ``since`` an update goes on from the day of the last; without ``until`` it goes up to today.
    """

    sources: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    since: date | None = None
    until: date | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    fetch: FetchOptions = field(default_factory=FetchOptions)


@dataclass
class SourceReport:
    """What became of one source: acts and reports, rows that are wrong in themselves, files by fate.

    ``open_files`` are those that are missing or wrong, by name, with the reason; ``failure`` is why nothing
    could be listed, if so.
    """

    source: str
    added: int = 0
    repeated: int = 0
    refused: int = 0
    read: int = 0
    unlisted: int = 0
    newest: date | None = None
    open_files: dict[str, tuple[str, str]] = field(default_factory=dict)
    failure: str = ""

    def count(self, state: str) -> int:
        """Return how many files are ``missing`` or ``wrong``."""
        return sum(held == state for held, _ in self.open_files.values())

    @property
    def whole(self) -> bool:
        """Whether all files that are listed were read."""
        return not self.open_files and not self.failure

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return {
            "added": self.added,
            "repeated": self.repeated,
            "refused": self.refused,
            "newest": self.newest.isoformat() if self.newest else None,
            "files": {
                "read": self.read,
                "missing": self.count("missing"),
                "wrong": self.count("wrong"),
                "unlisted": self.unlisted,
            },
            "open": {
                name: f"{state}: {reason}" for name, (state, reason) in list(self.open_files.items())[:SHOWN]
            },
            "failure": self.failure or None,
        }


def update_store(place: Path, options: UpdateOptions, listen: Listener) -> list[SourceReport]:
    """Bring a store up to date; a source that cannot be had does not keep the others from it.

    Raises
    ------
    InputError
        A source, address, day or pair that is not usable; nothing is changed.
    BusyError
        Another update of this store runs.
    EventError
        The store is of another version, or cannot be written.
    StoppedError
        The user stopped it; the same update goes on.
    """
    today = datetime.now(UTC).date()
    try:
        with locked(place.resolve()):
            held = open_store(place)
            pairs = sorted({*held, *map(pair_key, options.pairs)})
            if not pairs:
                raise InputError("--pair is missing: the store is for no pair yet. Give e.g. --pair USA,CHN")
            plans = [_plan(place, source, options, today) for source in _sources(place, options)]
            for plan in plans:
                feed_options(plan.source.name, pairs)
            if pairs != held:
                write_store(place, pairs)
            return [_update(plan, pairs, today, options.fetch, listen) for plan in plans]
    except KeyboardInterrupt as stop:
        raise StoppedError("interrupted. The same command goes on from there") from stop
    except OSError as error:
        raise EventError(
            f"{place}: cannot be written: {error.strerror or error}. What was stored before is whole; the "
            "same command goes on when this is put right"
        ) from error


@dataclass(frozen=True)
class _Plan:
    """A source to be updated, where it is kept, and the days asked for."""

    source: Source
    place: Path
    address: str
    told: dict[str, Any]
    since: date
    until: date


def _sources(place: Path, options: UpdateOptions) -> list[Source]:
    held = [path.parent.name for path in sorted(place.glob(f"*/{SOURCE}"))]
    names = options.sources or tuple(held)
    if not names:
        raise InputError(f"--source is missing. Allowed: {', '.join(SOURCES)}")
    for name in names:
        if name not in SOURCES:
            hint = did_you_mean(name, SOURCES)
            raise InputError(f"--source {name}: no such source.{hint} Allowed: {', '.join(SOURCES)}")
    for name in options.addresses:
        if name not in names:
            raise InputError(f"--address {name}: this source is not updated. Updated: {', '.join(names)}")
    return [SOURCES[name] for name in SOURCES if name in names]


def _plan(place: Path, source: Source, options: UpdateOptions, today: date) -> _Plan:
    told: dict[str, Any] = {}
    if (place / source.name / SOURCE).is_file():
        told = read_state(place / source.name / SOURCE)
    last = date.fromisoformat(told["updated"]) if told.get("updated") else None
    if last and last > today:
        raise InputError(
            f"the clock says {today}, but {source.name} was updated on {last}: set the clock. The store "
            "keeps the day on which each act was first seen"
        )
    until = options.until or today
    # A day back, for files that the list gets late.
    before = date.fromisoformat(told["until"]) - timedelta(days=1) if told.get("until") else None
    since = options.since or before
    if since is None:
        raise InputError(
            f"--since is missing: the store has nothing of {source.name} yet. Give the first day, e.g. "
            f"--since {today - timedelta(days=30)}"
        )
    if since > until:
        raise InputError(f"--since {since}: after --until {until}. Give an earlier day")
    if until > today:
        raise InputError(f"--until {until}: in the future. Allowed: up to {today}")
    address = options.addresses.get(source.name) or told.get("address") or source.address
    since = max(since, source.first)
    return _Plan(source, place / source.name, checked_address(address), told, since, until)


def _update(
    plan: _Plan, pairs: Sequence[str], today: date, fetch: FetchOptions, listen: Listener
) -> SourceReport:
    source, report = plan.source, SourceReport(plan.source.name)
    folder = Folder.at(plan.place)
    told = {
        "address": plan.address,
        "pace_days": source.pace_days,
        "updated": plan.told.get("updated"),
        "until": plan.told.get("until") or plan.since.isoformat(),
        "watched": plan.told.get("watched", {}),
    }
    still_open = folder.still_open(today - timedelta(days=RETRY_DAYS))
    wanted = Wanted(
        since=plan.since,
        until=plan.until,
        read=folder.read_for(pairs),
        still_open=still_open,
        folder=plan.place,
    )
    with Fetcher(fetch) as fetcher:
        try:
            fetcher.headers = source.log_in(fetcher, plan.address)
            listing = source.list_pieces(fetcher, plan.address, wanted)
        except FetchError as error:
            asked = f"the list of files cannot be had from {plan.address}"
            report.failure = f"{source.name}: {asked}: {error.reason}"
            listing = None
        if listing is not None:
            write_source(plan.place, told)
            report.unlisted = listing.unlisted
            absent = dict.fromkeys(listing.absent, ("missing", "not in the list, unlike those around it"))
            report.open_files |= absent
            for name in still_open.keys() - {piece.name for piece in listing.pieces}:
                report.open_files[name] = "missing", "no longer listed"
            work = _Work(plan, pairs, today, folder, report, fetcher)
            done = 0
            listen(StageProgress("update", 0, len(listing.pieces), source.name))
            for batch in batched(listing.pieces, BATCH):
                for piece in work.run(batch):
                    done += 1
                    listen(StageProgress("update", done, len(listing.pieces), piece.name))
            told |= {
                "updated": today.isoformat(),
                "until": max(plan.until.isoformat(), told["until"]),
                "watched": dict.fromkeys(pairs, today.isoformat()) | told["watched"],
            }
            write_source(plan.place, told)
    report.newest = _newest(plan.place)
    return report


@dataclass
class _Work:
    """The batches of one source."""

    plan: _Plan
    pairs: Sequence[str]
    today: date
    folder: Folder
    report: SourceReport
    fetcher: Fetcher

    def run(self, batch: Sequence[Piece]) -> Iterator[Piece]:
        """Fetch, read and keep the pieces of a batch; yields each when it has been fetched."""
        with scratch_folder("update") as scratch:
            paths: dict[str, Path] = {}
            failures: dict[str, tuple[str, str]] = {}
            for piece, path, error in self._fetch(batch, scratch):
                if error is None:
                    paths[piece.name] = path
                else:
                    failures[piece.name] = "wrong" if error.wrong else "missing", error.reason
                yield piece
            self._keep(batch, paths, failures, scratch)

    def _fetch(
        self, batch: Sequence[Piece], scratch: Path
    ) -> Iterator[tuple[Piece, Path, FetchError | None]]:
        def get(piece: Piece, path: Path) -> FetchError | None:
            try:
                self.plan.source.fetch(self.fetcher, self.plan.address, piece, path)
            except FetchError as error:
                return error
            return None

        with ThreadPoolExecutor(self.fetcher.options.parallel, "fetch") as pool:
            places = {piece: scratch / f"{number:06d}" for number, piece in enumerate(batch)}
            waiting = {pool.submit(get, piece, path): piece for piece, path in places.items()}
            try:
                while waiting:
                    for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                        piece = waiting.pop(future)
                        yield piece, places[piece], future.result()
            finally:
                if waiting:
                    self.fetcher.stop.set()
                pool.shutdown(cancel_futures=True)

    def _keep(
        self,
        batch: Sequence[Piece],
        paths: Mapping[str, Path],
        failures: dict[str, tuple[str, str]],
        scratch: Path,
    ) -> None:
        pieces = {piece.name: piece for piece in batch}
        options = feed_options(self.plan.source.name, self.pairs)
        with Engine(options) as engine:
            for _ in engine.read(paths):
                pass
            read = engine.tallies
            failures |= {name: ("wrong", str(error)) for name, error in engine.failures.items()}
            if any(tally.fates[KEPT] for tally in read.values()):
                rows = reports_of(
                    engine.connection, options.layout, lambda key, row: self._origin(pieces[key], row)
                )
                write_reports(rows, scratch / "reports.csv")
                added = self.folder.add(scratch / "reports.csv", self.plan.source.story_hours, scratch)
                self.report.added += added.acts
                self.report.repeated += added.repeats
        for name, tally in read.items():
            faults = sum(tally.fates[fate] for fate in FAULTS)
            piece = pieces[name]
            self.report.refused += faults
            entry = {"day": piece.stamp.date().isoformat(), "rows": tally.rows, "refused": faults}
            entry["newest"] = max(tally.volumes, default=None)
            self.folder.month(piece.stamp).note_read(name, self.pairs, entry | {"settled": piece.settled})
        for name, (state, reason) in failures.items():
            self.folder.month(pieces[name].stamp).note_open(name, state, reason, self.today)
        for month in {f"{piece.stamp:%Y-%m}": self.folder.month(piece.stamp) for piece in batch}.values():
            month.write()
        self.report.read += len(read)
        self.report.open_files |= failures

    def _origin(self, piece: Piece, row: Mapping[str, Any]) -> Origin:
        """Return where a report comes from, and since when its act is known.

        An act that the store saw come counts from the day it was seen. One that is loaded afterwards counts
        from the day that its row states, or that its source released the piece; never from a day ahead.
        """
        source, today = self.plan.source, self.today
        missed = self.folder.month(piece.stamp).still_open.get(piece.name, {}).get("since")
        if missed:
            seen = date.fromisoformat(missed) - piece.stamp.date() <= timedelta(days=LIVE_DAYS)
        elif source.dated:
            seen = False
        else:
            before = self.plan.told.get("watched", {}).get(pair_key((row["a"], row["b"])))
            seen = before is not None and piece.stamp.date() >= date.fromisoformat(before)
        published = row["known"] if source.dated else piece.stamp.date()
        known = today if seen else min(published, today)
        by = "seen" if seen else "row" if source.dated else "release"
        return Origin(source.name, piece.name, piece.stamp, today, max(known, row["day"]), by)


def _newest(place: Path) -> date | None:
    """Return the day of the newest act that a source holds."""
    paths = sorted((place / ACTS).glob("*.parquet"))
    if not paths:
        return None
    with connect() as connection:
        (row,) = connection.execute(f"SELECT max(date) FROM {reader_of(paths[-1:])}").fetchall()
    newest: date = row[0]
    return newest
