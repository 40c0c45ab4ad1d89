"""A store of events that updates itself: what GDELT 2 publishes, fetched, checked, merged and kept by month.

Archives are fetched, read and kept in batches; what a batch brought is on disk, acts first and then the notes
of its files, before the next begins. So the same update again makes the same store: an id counts once.

A report repeats an earlier one (its *story*) where actors (either way round for acts without direction),
code, day of the act, and place or web address are the same, and it came within ``STORY_HOURS``. Acts lie in
the month of the act, so that all reports of a story lie in one file.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx
import numpy as np
from numpy.typing import NDArray

from forecast import __version__
from forecast.errors import EventError, InputError, StoppedError, shown
from forecast.events import reading
from forecast.events.table import COLUMNS
from forecast.feeds.importing import FAULTS, KEPT, FeedReader, ImportOptions, Layout, event_cells
from forecast.progress import Listener, StageProgress
from forecast.storage import copy_file, locked, remove_stale, scratch_folder, write_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ADDRESS = "http://data.gdeltproject.org/gdeltv2"
FIRST = date(2015, 2, 18)
"""Before this day the feed has no file."""
QUARTER = timedelta(minutes=15)
STORY_HOURS = 24
ALL, LAST = "masterfilelist.txt", "lastupdate.txt"
PARALLEL, ATTEMPTS, PAUSE_S = 4, 3, 1.0
"""Requests at once; how often each is made, and the pause between, which doubles."""
TIMEOUT_S, FILE_S = 30.0, 300.0
"""Seconds without a byte, and in all, that end an attempt."""
MAX_BYTES = 400_000_000
BATCH = 192
"""Archives fetched and read at once: two days of quarter hours."""
RETRY_DAYS = 30
"""For so long after its first day a file that is missing or wrong is asked for at every update."""
LIVE_DAYS = 3
"""A file missed within so many days of its publication was missed as it came; its acts were seen later."""
ROWS_A_GROUP = 50_000
"""Of a Parquet file: a pair is found without reading the others."""
ORIGIN = ("pair", "first_seen", "known_by", "stamp", "file")
AS_READ = ("counts_as", "mutual", "place")
"""Columns of a report beside those of an event: where it is from, and what it was merged by."""
_TYPES = {"severity": "TINYINT", "stamp": "TIMESTAMP", "mutual": "BOOLEAN"}
_TYPES |= dict.fromkeys(("date", "known_date", "source_date", "first_seen"), "DATE")
WRITTEN = {name: _TYPES.get(name, "VARCHAR") for name in (*reading.HELD, *ORIGIN, *AS_READ)}
"""Columns of a report, with their types; a store adds ``story`` and ``reports``."""

_MOMENT = rb"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
_LINE = re.compile(
    rb"^(\d{1,12})[ \t]+([0-9a-fA-F]{32})[ \t]+\S*?(" + _MOMENT + rb"\.export\.CSV\.zip)\s*$", re.MULTILINE
)


# Requests


class FetchError(Exception):
    """A file that could not be had, and why, not in the server's words; ``wrong``: it is not as announced."""

    def __init__(self, reason: str, *, wrong: bool = False) -> None:
        super().__init__(reason)
        self.state = "wrong" if wrong else "missing"


class Fetcher:
    """Requests to a server that may be slow, down, or answer with a page in place of data."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        """Set to end all waiting, when the user stops the update."""
        limits = httpx.Limits(max_connections=PARALLEL)
        agent = {"User-Agent": f"dyad-forecast/{__version__}"}
        self.client = httpx.Client(timeout=TIMEOUT_S, limits=limits, headers=agent)

    def content(self, url: str, check: Callable[[bytes], None]) -> bytes:
        """Return what is at an address (``FetchError``: not to be had, or wrong twice by ``check``)."""
        failure = FetchError("not asked")
        for attempt in range(ATTEMPTS):
            if attempt and self.stopped.wait(PAUSE_S * 2**attempt * random.uniform(0.5, 1.0)):
                raise FetchError("stopped")
            try:
                with self.client.stream("GET", url) as answer:
                    code = answer.status_code
                    if code in (408, 425, 429, 500, 502, 503, 504):
                        failure = FetchError(f"the server answered {code}")
                        continue
                    if code in (404, 410):
                        raise FetchError(f"not on the server ({code})")
                    if answer.is_redirect:
                        raise FetchError(f"sent elsewhere ({code}): give the address that it is sent to")
                    if code != httpx.codes.OK:
                        raise FetchError(f"the server answered {code}")
                    content = self._body(answer)
                if content[:64].lstrip().lower().startswith((b"<!doctype html", b"<html")):
                    raise FetchError("a web page in place of data", wrong=True)
                check(content)
                return content
            except httpx.InvalidURL as error:
                raise FetchError("the address is not valid", wrong=True) from error
            except httpx.TimeoutException:
                failure = FetchError(f"no answer for {TIMEOUT_S:g} seconds")
            except httpx.HTTPError as error:
                failure = FetchError(f"the connection failed ({type(error).__name__})")
            except FetchError as error:
                # A wrong file is asked for once more, since it may have been cut short on the way.
                if error.state == "missing" or attempt:
                    raise
                failure = error
        raise failure

    def _body(self, answer: httpx.Response) -> bytes:
        until, total, pieces = time.monotonic() + FILE_S, 0, []
        for piece in answer.iter_bytes():
            total += len(piece)
            pieces.append(piece)
            if total > MAX_BYTES:
                raise FetchError(f"more than {MAX_BYTES:,} bytes", wrong=True)
            if time.monotonic() > until:
                raise FetchError(f"not whole after {FILE_S:g} seconds")
            if self.stopped.is_set():
                raise FetchError("stopped")
        return b"".join(pieces)


# The lists of GDELT 2
#
# ``masterfilelist.txt`` names every file since 18 February 2015, ``lastupdate.txt`` those of the last quarter
# hour. A mirror's list may name another host: names are taken from it, files from the address that was given.


class Archive(NamedTuple):
    """Size in bytes and MD5 of a file, as listed."""

    size: int
    md5: str

    def check(self, content: bytes) -> None:
        """Raise ``FetchError`` where the content is not as listed."""
        if len(content) != self.size:
            raise FetchError(f"{len(content):,} bytes, not {self.size:,} as listed", wrong=True)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if digest != self.md5:
            raise FetchError(f"MD5 {digest}, not {self.md5} as listed", wrong=True)


def list_archives(
    fetcher: Fetcher, address: str, span: tuple[date, date], read: set[str], still_open: set[str]
) -> dict[str, Archive]:
    """Return the archives of a span, and those ``still_open``, without those that were ``read``."""
    last: dict[str, Archive] = {}
    with suppress(FetchError):
        last = _listed(fetcher.content(f"{address}/{LAST}", _check_list))
    newest = min(map(_stamp, last), default=datetime.now(UTC))
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in span)
    clock = (begin + number * QUARTER for number in range((end - begin) // QUARTER + 96))
    due = {f"{stamp:%Y%m%d%H%M%S}.export.CSV.zip" for stamp in clock if stamp <= newest}
    due |= {name for name in last if begin.date() <= _stamp(name).date() <= end.date()}
    listed = last
    # The long list is asked for only where the short one does not do.
    if not due - read | still_open <= last.keys():
        listed = _listed(fetcher.content(f"{address}/{ALL}", _check_list)) | last
    first, beyond = f"{begin:%Y%m%d}", f"{end + timedelta(1):%Y%m%d}"
    chosen = {name for name in listed if first <= name < beyond} | still_open & listed.keys()
    return {name: listed[name] for name in sorted(chosen - read)}


def _stamp(name: str) -> datetime:
    return datetime.strptime(name[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _check_list(content: bytes) -> None:
    if content.strip() and not _LINE.search(content):
        first = shown(content.strip().split(b"\n")[0].decode("utf-8", errors="replace"))
        raise FetchError(f"a list that names no file of events: it begins '{first}'", wrong=True)


def _listed(content: bytes) -> dict[str, Archive]:
    listed = {}
    for size, md5, name in _LINE.findall(content):
        listed[name.decode()] = Archive(int(size), md5.decode().lower())
    return listed


# The store on disk


@dataclass
class Month:
    """Files published in a month: those that were read, and those that are still to come, with the reason."""

    path: Path
    pairs: list[list[str]] = field(default_factory=list)
    """Sets of pairs that files were read for; a file names its own by place."""
    read: dict[str, dict[str, Any]] = field(default_factory=dict)
    still_open: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path) -> Month:
        """Read the notes of a month."""
        notes = reading.read_state(path)
        return cls(path, notes.get("pairs", []), notes.get("read", {}), notes.get("open", {}))

    def note_read(self, name: str, pairs: Sequence[str], entry: dict[str, Any]) -> None:
        """Note a file that was read for some pairs."""
        asked = sorted({*pairs, *(self.pairs[self.read[name]["pairs"]] if name in self.read else ())})
        if asked not in self.pairs:
            self.pairs.append(asked)
        self.read[name] = entry | {"pairs": self.pairs.index(asked)}
        self.still_open.pop(name, None)

    def read_for(self, pairs: Sequence[str]) -> set[str]:
        """Return the names of files that were read for all these pairs."""
        whole = {place for place, held in enumerate(self.pairs) if {*pairs} <= {*held}}
        return {name for name, entry in self.read.items() if entry["pairs"] in whole}

    def write(self) -> None:
        """Write the notes, whole or not at all."""
        notes = {"pairs": self.pairs, "read": dict(sorted(self.read.items())), "open": self.still_open}
        write_file(self.path, json.dumps(notes, separators=(",", ":")) + "\n")


def add_reports(place: Path, reports: Sequence[Sequence[str]], scratch: Path) -> tuple[int, int]:
    """Add reports (cells of ``WRITTEN``) to their months; return new acts, and repeats."""
    acts = added = 0
    with reading.connect() as connection:
        columns = zip(WRITTEN, zip(*reports, strict=True), strict=True)
        connection.register("given", {name: np.array(cells, np.object_) for name, cells in columns})
        typed = (
            f'"{name}"' if kind == "VARCHAR" else f'CAST(nullif("{name}", \'\') AS {kind}) AS "{name}"'
            for name, kind in WRITTEN.items()
        )
        connection.execute(f"CREATE TABLE fresh AS SELECT {', '.join(typed)} FROM given")
        months = connection.execute(
            "SELECT strftime(date, '%Y-%m'), count(*) FROM fresh GROUP BY 1 ORDER BY 1"
        )
        for month, fresh in months.fetchall():
            acts += _write_month(
                connection, place / reading.ACTS / f"{month}.parquet", scratch / "month.parquet"
            )
            added += fresh
    return acts, added - acts


def _write_month(connection: DuckDBPyConnection, path: Path, made: Path) -> int:
    """Write a month with its fresh reports; return how many acts are new."""
    columns = ", ".join(f'"{name}"' for name in WRITTEN)
    every = f"SELECT {columns}, 1 AS age FROM fresh WHERE strftime(date, '%Y-%m') = '{path.stem}'"
    if path.is_file():
        every += f" UNION ALL SELECT {columns}, 0 AS age FROM {reading.reader_of([path])}"
    # What was seen first stays as it was seen: a later version of a row must not change the past.
    connection.execute(
        f"CREATE OR REPLACE TABLE month AS SELECT * EXCLUDE (age, copy), row_number() OVER (ORDER BY "
        "known_date, stamp, id) - 1 AS turn FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY "
        f"age, known_date, stamp, file) AS copy FROM ({every})) WHERE copy = 1"
    )
    leads = _leads(connection)
    connection.register("stories", {"turn": np.arange(len(leads)), "lead": leads})
    chosen = ", ".join(f'm."{name}"' for name in WRITTEN)
    connection.execute(
        f"COPY (SELECT {chosen}, l.id AS story, count(*) OVER (PARTITION BY l.id) AS reports "
        "FROM month m JOIN stories s USING (turn) JOIN month l ON l.turn = s.lead "
        f"ORDER BY m.pair, m.date, m.id) "
        f"TO {reading.quoted(str(made))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_A_GROUP})"
    )
    connection.unregister("stories")
    after, before = (
        connection.execute(f"SELECT count(*) FROM {reading.reader_of([file])} WHERE story = id").fetchall()[
            0
        ][0]
        if file.is_file()
        else 0
        for file in (made, path)
    )
    copy_file(made, path)
    made.unlink()
    return int(after - before)


def _leads(connection: DuckDBPyConnection) -> NDArray[np.int64]:
    """Return the first report of the story of each report, both by turn, shape (report,)."""
    low = "CASE WHEN mutual THEN least(initiator, target) ELSE initiator END"
    high = "CASE WHEN mutual THEN greatest(initiator, target) ELSE target END"

    def earlier(key: str, known: str) -> str:
        window = f"OVER (PARTITION BY {low}, {high}, counts_as, date, {key} ORDER BY turn)"
        near = f"abs(epoch(stamp) - epoch(lag(stamp) {window})) <= {STORY_HOURS * 3600}"
        return f"CASE WHEN {known} AND {near} THEN lag(turn) {window} END"

    by_place = earlier("coalesce(place, '')", "true")
    by_address = earlier("source_url", "source_url <> ''")
    before = connection.execute(
        f"SELECT coalesce(least({by_place}, {by_address}), turn) AS before FROM month ORDER BY turn"
    ).fetchnumpy()["before"]
    leads: NDArray[np.int64] = np.asarray(before, dtype=np.int64)
    # Each step halves what is left of the longest chain of reports.
    while len(leads) and np.any(leads[leads] != leads):
        leads = leads[leads]
    return leads


def write_store(place: Path, pairs: Sequence[str]) -> None:
    """Write which pairs a store is for."""
    place.mkdir(parents=True, exist_ok=True)
    write_file(
        place / reading.STORE,
        json.dumps({"version": reading.VERSION, "pairs": sorted(pairs)}, indent=1) + "\n",
    )


# The update


def update_store(
    place: Path,
    listen: Listener,
    pairs: Collection[tuple[str, str]] = (),
    since: date | None = None,
    until: date | None = None,
    address: str = "",
) -> StoreUpdate:
    """Bring a store up to date, from the day of the last update to today, with its pairs and address.

    Raises ``InputError``: an option is not usable; ``BusyError``; ``EventError``: it cannot be written.
    """
    today = datetime.now(UTC).date()
    try:
        with locked(place.resolve()):
            held = reading.read_pairs(place) if reading.is_store(place) else []
            keys = sorted({*held, *map(reading.pair_key, pairs)})
            if not keys:
                raise InputError("--pair is missing: the store is for no pair yet. Give e.g. --pair USA,CHN")
            state = reading.read_state(place / reading.STATE) if (place / reading.STATE).is_file() else {}
            span = _span(since, until, state, today)
            checked = _checked_address(address or state.get("address") or ADDRESS)
            ImportOptions(reading.FEED, keys)
            if keys != held:
                write_store(place, keys)
            return StoreUpdate(place, keys, today, checked).run(span, state, listen)
    except KeyboardInterrupt as stop:
        raise StoppedError("interrupted. The same command goes on from there") from stop
    except OSError as error:
        raise EventError(
            f"{place}: cannot be written: {error.strerror or error}. What was stored before is whole; the "
            "same command goes on when this is put right"
        ) from error


def _span(since: date | None, until: date | None, state: Mapping[str, Any], today: date) -> tuple[date, date]:
    if (last := state.get("updated")) and date.fromisoformat(last) > today:
        raise InputError(
            f"the clock says {today}, but {reading.FEED} was updated on {last}: set the clock. The store "
            "keeps the day on which each act was first seen"
        )
    until = until or today
    if since is None and state.get("until"):
        # A day back, for files that the list gets late.
        since = date.fromisoformat(state["until"]) - timedelta(days=1)
    if since is None:
        raise InputError(
            f"--since is missing: the store has nothing yet. Give the first day, e.g. --since "
            f"{today - timedelta(days=30)}"
        )
    if since > until:
        raise InputError(f"--since {since}: after --until {until}. Give an earlier day")
    if until > today:
        raise InputError(f"--until {until}: in the future. Allowed: up to {today}")
    return max(since, FIRST), until


def _checked_address(address: str) -> str:
    """Return an address without its last slash (``InputError``: it is none, or holds a key)."""
    with suppress(httpx.InvalidURL):
        url = httpx.URL(address)
        if url.scheme in ("http", "https") and url.host and not url.userinfo and not url.query:
            return address.rstrip("/")
    raise InputError(
        "--address: expected one that begins with http:// or https:// and holds no user, password or query, "
        "since it is kept in the store, e.g. https://mirror.example.org/gdeltv2"
    )


@dataclass
class StoreUpdate:
    """One update of a store: what it brought, which files are missing or wrong, why nothing was listed."""

    place: Path
    pairs: Sequence[str]
    today: date
    address: str
    added: int = 0
    repeated: int = 0
    refused: int = 0
    read: int = 0
    newest: date | None = None
    open_files: dict[str, tuple[str, str]] = field(default_factory=dict)
    failure: str = ""
    fetcher: Fetcher = field(default_factory=Fetcher, repr=False)

    def __post_init__(self) -> None:
        for folder in (self.place / reading.FEED, self.place / reading.ACTS, self.place / reading.FILES):
            folder.mkdir(parents=True, exist_ok=True)
            remove_stale(folder)
        self.months = {
            path.stem: Month.at(path) for path in sorted((self.place / reading.FILES).glob("*.json"))
        }

    @property
    def whole(self) -> bool:
        """Whether all files that are listed were read."""
        return not self.open_files and not self.failure

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        states = [state for state, _ in self.open_files.values()]
        opened = [(name, f"{state}: {reason}") for name, (state, reason) in self.open_files.items()]
        return {
            "added": self.added,
            "repeated": self.repeated,
            "refused": self.refused,
            "newest": self.newest.isoformat() if self.newest else None,
            "files": {"read": self.read, "missing": states.count("missing"), "wrong": states.count("wrong")},
            "open": dict(opened),
            "failure": self.failure or None,
        }

    def run(self, span: tuple[date, date], state: Mapping[str, Any], listen: Listener) -> Self:
        """Read what is listed, in batches."""
        earliest = (self.today - timedelta(days=RETRY_DAYS)).isoformat()
        still_open = {
            name
            for month in self.months.values()
            for name, entry in month.still_open.items()
            if entry["since"] >= earliest
        }
        read = {name for month in self.months.values() for name in month.read_for(self.pairs)}
        # Opened also where there is nothing to read: what a dead process left beside it goes.
        with self.fetcher.client, scratch_folder("update") as scratch:
            try:
                archives = list_archives(self.fetcher, self.address, span, read, still_open)
            except FetchError as error:
                asked = f"the list of files cannot be had from {self.address}"
                self.failure = f"{reading.FEED}: {asked}: {error}"
            else:
                state = {"updated": state.get("updated"), "until": state.get("until") or span[0].isoformat()}
                self._write_state(state)
                gone = sorted(still_open - archives.keys())
                self.open_files |= dict.fromkeys(gone, ("missing", "no longer listed"))
                done, total = 0, len(archives)
                listen(StageProgress("update", 0, total, reading.FEED))
                for batch in batched(archives.items(), BATCH):
                    for name in self._read(dict(batch), scratch):
                        done += 1
                        listen(StageProgress("update", done, total, name))
                until = max(span[1].isoformat(), state["until"])
                self._write_state({"updated": self.today.isoformat(), "until": until})
        if files := reading.act_files(self.place):
            with reading.connect() as connection:
                query = f"SELECT max(date) FROM {reading.reader_of(files[-1:])}"
                self.newest = connection.execute(query).fetchall()[0][0]
        return self

    def _write_state(self, state: Mapping[str, Any]) -> None:
        write_file(
            self.place / reading.STATE, json.dumps({"address": self.address, **state}, indent=1) + "\n"
        )

    def _read(self, batch: Mapping[str, Archive], above: Path) -> Iterator[str]:
        """Fetch, read and keep the archives of a batch; yields each name when it has been fetched."""
        paths: dict[str, Path] = {}
        failures: dict[str, tuple[str, str]] = {}
        with TemporaryDirectory(dir=above) as folder:
            scratch = Path(folder)
            places = {name: scratch / f"{number:06d}" for number, name in enumerate(batch)}

            def fetch(name: str) -> None:
                write_file(places[name], self.fetcher.content(f"{self.address}/{name}", batch[name].check))

            with ThreadPoolExecutor(PARALLEL, "fetch") as pool:
                futures = {pool.submit(fetch, name): name for name in batch}
                try:
                    for future in as_completed(futures):
                        name = futures[future]
                        try:
                            future.result()
                            paths[name] = places[name]
                        except FetchError as error:
                            failures[name] = error.state, str(error)
                        yield name
                except BaseException:
                    self.fetcher.stopped.set()
                    pool.shutdown(cancel_futures=True)
                    raise
            self._keep({name: paths[name] for name in batch if name in paths}, failures, scratch)

    def _keep(self, paths: Mapping[str, Path], failures: dict[str, tuple[str, str]], scratch: Path) -> None:
        options = ImportOptions(reading.FEED, self.pairs)
        with FeedReader(options) as reader:
            for _ in reader.read(paths):
                pass
            failures |= {name: ("wrong", str(error)) for name, error in reader.failures.items()}
            if any(tally.fates[KEPT] for tally in reader.tallies.values()):
                reports = [*self._reports(reader.connection, options.layout)]
                acts, repeats = add_reports(self.place, reports, scratch)
                self.added += acts
                self.repeated += repeats
        touched = set()
        for name, tally in reader.tallies.items():
            faults = sum(tally.fates[fate] for fate in FAULTS)
            entry = {"day": _stamp(name).date().isoformat(), "rows": tally.rows, "refused": faults}
            entry["newest"] = max(tally.days, default=None)
            month = self._month(name)
            month.note_read(name, self.pairs, entry)
            touched.add(month.path.stem)
            self.refused += faults
        for name, (state, reason) in failures.items():
            month = self._month(name)
            since = month.still_open.get(name, {}).get("since", self.today.isoformat())
            month.still_open[name] = {"state": state, "reason": reason, "since": since}
            touched.add(month.path.stem)
        for stem in sorted(touched):
            self.months[stem].write()
        self.read += len(reader.tallies)
        self.open_files |= failures

    def _month(self, name: str) -> Month:
        stem = f"{name[:4]}-{name[4:6]}"
        return self.months.setdefault(stem, Month(self.place / reading.FILES / f"{stem}.json"))

    def _reports(self, connection: DuckDBPyConnection, layout: Layout) -> Iterator[list[str]]:
        """Yield the candidates of a batch as cells of ``WRITTEN``."""
        today = self.today
        cursor = connection.execute("SELECT *, event_id AS id FROM candidates")
        names = [column[0] for column in cursor.description]
        for values in cursor.fetchall():
            row: dict[str, Any] = dict(zip(names, values, strict=True))
            file, stamp = row["key"], _stamp(row["key"])
            missed = self._month(file).still_open.get(file, {}).get("since")
            late = (date.fromisoformat(missed) - stamp.date()).days if missed else LIVE_DAYS + 1
            seen = late <= LIVE_DAYS
            # Another act counts from the day that its row states, never from a day ahead.
            row["known"] = max(today if seen else min(row["known"], today), row["day"])
            held = dict(zip(COLUMNS, event_cells(row, layout), strict=True))
            held |= {
                "pair": reading.pair_key((row["a"], row["b"])),
                "first_seen": today.isoformat(),
                "known_by": "seen" if seen else "row",
                "stamp": f"{stamp:%Y-%m-%d %H:%M:%S}",
                "file": file,
                "counts_as": row["counts_as"],
                "mutual": str(row["mutual"]),
                "place": row["place"] or "",
            }
            yield [held[name] for name in WRITTEN]
