"""The order of an import: files → batches of clean rows → fates → kept rows → an event file and a report.

A file that cannot be unpacked is named and set aside. Rows are unpacked in a thread while the engine works.
Small files share a batch, so that thousands of quarter-hour files cost one statement; a large file spans
several, and counts only when its end was read.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from forecast.errors import EventError, StoppedError, shown
from forecast.events.countries import near_actor
from forecast.feeds.clean_rows import Block, Faults, RowCleaner, Rows, WrongFormatError
from forecast.feeds.engine import KEPT, Engine, Part, Tally
from forecast.feeds.formats import Layout
from forecast.feeds.keeping import choose_rows
from forecast.feeds.options import ImportOptions, check_switches
from forecast.feeds.output import PARQUET, REPORT, FileRecord, Journal, file_key, open_journal, write_output
from forecast.feeds.report import LISTED, ImportReport, faults_text, nothing_kept, warn_of
from forecast.feeds.unpacking import CorruptFileError, is_parquet, read_blocks, refuse_parquet_bomb
from forecast.storage import locked, write_file

BATCH_BYTES = 128_000_000
BATCH_FILES = 400
SHOWN_ACTORS = 10
PARQUET_GROWTH = 4
"""Size of rows as text over that of their Parquet file, about."""
READ_AHEAD = 2
Listener = Callable[[int, int], None]
"""Told how many files are read, of how many."""
Growing = dict[str, tuple[Tally, list[str]]]
"""Files that are not read to their end yet: key → fates so far, and names of the parts."""


def import_feed(
    files: Sequence[Path],
    options: ImportOptions,
    output: Path,
    *,
    strict: bool = False,
    fresh: bool = False,
    listen: Listener | None = None,
) -> ImportReport:
    """Turn files of a feed into an event file.

    Parameters
    ----------
    files : sequence of Path
        Files as published.
    options : ImportOptions
        Format, dyads and switches.
    output : Path
        Event file to write: ``.csv`` or ``.parquet``. A folder ``<output>.import`` beside it keeps what was
        read, so that the same call goes on after an interruption, and reads only new files later.
    strict, fresh : bool
        Fail on the first corrupt file or wrong row instead of counting it; forget what was read before.
    listen : callable, optional
        Told the progress.

    Raises
    ------
    EventError
        No usable file, a file of another format, no row left, or with ``strict`` any fault. Nothing is
        written then.
    StoppedError
        The user stopped it; the same call goes on.
    """
    began = time.perf_counter()
    check_switches(options.switches, options.layout)
    paths = _checked(files, output)
    with ExitStack() as ends:
        try:
            ends.enter_context(locked(output.resolve()))
        except OSError as error:
            raise EventError(f"-o {output}: cannot be written: {error.strerror or error}") from error
        journal = open_journal(output, options, fresh=fresh)
        engine = ends.enter_context(Engine(options))
        ends.enter_context(_named_ends(paths, journal, engine))
        reused = len(journal.records.keys() & paths.keys())
        failures = read_files(paths, journal, engine, listen or (lambda done, total: None), strict=strict)
        records = [journal.records[key] for key in paths if key in journal.records]
        if not records:
            named = [f"\n  {failure.path}: {failure.reason}" for failure in failures[:LISTED]]
            raise EventError(f"none of {len(failures):,} files could be read:{''.join(named)}")
        total = Tally()
        for record in records:
            total.add(record.tally)
        if strict and (wrong := faults_text(total.fates, total.examples)):
            raise EventError(f"--strict: rows are wrong, nothing is written:\n{wrong}")
        until = (options.switches.vintage or date.max).isoformat()
        volumes = {date.fromisoformat(day): rows for day, rows in total.volumes.items() if day <= until}
        parts = [
            journal.folder / name for name in sorted({part for record in records for part in record.parts})
        ]
        keys = [record.key for record in records]
        kept = choose_rows(engine.connection, parts, keys, options.switches, volumes)
        fates = {name: rows for name, rows in total.fates.items() if name != KEPT}
        for name, rows in kept.fates.items():
            fates[name] = fates.get(name, 0) + rows
        if not kept.count:
            raise EventError(_nothing_kept(engine, total, fates, next(iter(paths.values()))))
        written = write_output(engine.connection, journal, output, options.layout, volumes, kept)
    report = ImportReport(
        source_format=options.layout.name,
        output=str(output),
        files=len(records),
        files_reused=reused,
        set_aside={str(failure.path): failure.reason for failure in failures},
        lines=sum(record.lines for record in records),
        rows=total.rows,
        fates=fates,
        examples={**total.examples, **kept.examples},
        kept=written.rows,
        restored=total.restored,
        mended=sum(record.mended for record in records),
        by_dyad={",".join(dyad): written.by_dyad.get((min(dyad), max(dyad)), 0) for dyad in options.dyads},
        by_category=written.by_category,
        first=written.first,
        last=written.last,
        last_known=written.last_known,
        lowest_probability=kept.lowest_probability,
        warnings=warn_of(options, total, kept, written, renewed=journal.renewed),
        seconds=time.perf_counter() - began,
        switches=options.switches.to_dict(),
    )
    write_file(journal.folder / REPORT, json.dumps(report.to_dict(), indent=1) + "\n")
    return report


def _nothing_kept(engine: Engine, total: Tally, fates: Mapping[str, int], first: Path) -> str:
    """Return the message for rows of which none is kept: an actor that does not occur, or the reasons."""
    dyads = engine.options.dyads
    absent = next((actor for dyad in dyads for actor in dyad if actor not in total.actors), None)
    if absent is None or not total.rows:
        return nothing_kept(dyads, total.rows, fates)
    folder = engine.folder / "again"
    folder.mkdir()
    batch = next(make_batches([("first", first)], engine.options.layout, folder), None)
    seen = engine.actors_of(batch.parts) if batch is not None and batch.parts else []
    near = near_actor(absent, seen)
    hint = f" Did you mean {near}?" if near else ""
    return (
        f"no event is left: no actor {absent} occurs in these {total.rows:,} rows.{hint} "
        f"Most frequent in {first.name}: {', '.join(seen[:SHOWN_ACTORS])}"
    )


@contextmanager
def _named_ends(paths: dict[str, Path], journal: Journal, engine: Engine) -> Iterator[None]:
    """Turn Ctrl-C and a full disk into one message each, which says how to go on; leave no empty folder."""
    try:
        yield
    except EventError:
        journal.discard_if_empty()
        raise
    except (KeyboardInterrupt, RuntimeError) as stop:
        # The engine reports Ctrl-C during a statement as an error of its own.
        if isinstance(stop, RuntimeError) and "interrupted" not in str(stop).lower():
            raise
        done = len(journal.records.keys() & paths.keys())
        raise StoppedError(
            f"interrupted: {done:,} of {len(paths):,} files are read. The same command goes on from there"
        ) from stop
    except OSError as error:
        raise EventError(
            f"{error.filename or engine.folder}: {error.strerror or error}. Rows being read are held there: "
            "set TMPDIR to a folder with room"
        ) from error


def _checked(files: Sequence[Path], output: Path) -> dict[str, Path]:
    """Return key → path of files and output that can be used; the same file given twice is read once."""
    if output.suffix not in (".csv", PARQUET):
        raise EventError(f"-o {output}: unknown kind of file. Allowed: a name that ends in .csv or .parquet")
    if not output.parent.is_dir():
        raise EventError(f"-o {output}: there is no folder {output.parent}")
    if output.is_dir():
        raise EventError(f"-o {output}: this is a folder")
    if not files:
        raise EventError("no files: name those to import")
    for path in files:
        if not path.exists():
            raise EventError(f"{path}: no such file. Check the path")
        if not path.is_file():
            raise EventError(f"{path}: not a file. Name the files inside it, such as {path}/*.zip")
    return {file_key(path): path for path in files}


# Reading


def read_files(
    paths: Mapping[str, Path], journal: Journal, engine: Engine, listen: Listener, *, strict: bool | None
) -> list[Failed]:
    """Read the files (key → path) that the journal lacks, enter them there; return those that failed.

    Raises ``EventError``: the first file is of another format, unless ``strict`` is ``None``; where it is
    true any file that cannot be used.
    """
    todo = [(key, path) for key, path in paths.items() if key not in journal.records]
    failures: list[Failed] = []
    growing: Growing = {}
    done = len(paths) - len(todo)
    listen(done, len(paths))
    text = engine.folder / "rows"
    text.mkdir(exist_ok=True)
    with closing(_read_ahead(make_batches(todo, engine.options.layout, text))) as batches:
        for batch in batches:
            for failure in batch.failed:
                first = failure.wrong_format and not journal.records and not batch.finished
                if strict or (first and strict is not None):
                    raise EventError(f"{failure.path}: {failure.reason}")
            failures += batch.failed
            unreadable = _judge(batch, journal, engine, growing)
            if strict and unreadable:
                raise EventError(f"{unreadable[0].path}: {unreadable[0].reason}")
            failures += unreadable
            for failure in batch.failed:
                growing.pop(failure.key, None)
            journal.add([_record(end, growing) for end in batch.finished if end.key in growing])
            done += len(batch.finished) + len(batch.failed)
            listen(done, len(paths))
    return failures


def _judge(batch: Batch, journal: Journal, engine: Engine, growing: Growing) -> list[Failed]:
    """Judge the rows of a batch; return the Parquet files that could not be read."""
    for end in batch.finished:
        growing.setdefault(end.key, (Tally(), []))
    failures = []
    text = [part for part in batch.parts if part.columns is not None]
    if text:
        _judge_parts(text, journal, engine, growing)
    for part in text:
        part.path.unlink()
    for part in (part for part in batch.parts if part.columns is None):
        try:
            _judge_parts([part], journal, engine, growing)
            continue
        except WrongFormatError as error:
            if not journal.records:
                raise EventError(f"{part.path}: {error}") from error
            reason = str(error)
        except duckdb.Error as error:
            reason = f"the Parquet file cannot be read ({str(error).splitlines()[0][:120]})"
        (key,) = part.files.values()
        growing.pop(key, None)
        failures.append(Failed(key, part.path, reason, wrong_format=False))
    return failures


def _judge_parts(parts: Sequence[Part], journal: Journal, engine: Engine, growing: Growing) -> None:
    path = journal.next_part()
    try:
        tallies = engine.judge(parts, path)
    except duckdb.DataError as error:
        named = ", ".join(sorted({str(part.path) for part in parts})[:3])
        said = shown(str(error).splitlines()[0], 200)
        raise EventError(f"{named}: a row holds a value that cannot be read ({said})") from error
    except duckdb.OutOfMemoryException as error:
        raise EventError(
            f"the engine needs more than {engine.options.memory_mb:,} MB: allow it more with --memory"
        ) from error
    for key, tally in tallies.items():
        before, names = growing.setdefault(key, (Tally(), []))
        before.add(tally)
        if tally.fates.get(KEPT):
            names.append(path.name)
    if not any(tally.fates.get(KEPT) for tally in tallies.values()):
        path.unlink()


def _record(end: Finished, growing: Growing) -> FileRecord:
    tally, parts = growing.pop(end.key)
    for reason, rows in end.faults.counts.items():
        tally.fates[reason] = tally.fates.get(reason, 0) + rows
        tally.rows += rows
        tally.examples[reason] = end.faults.examples[reason]
    lines = end.lines or tally.rows
    return FileRecord(end.key, str(end.path), lines, tally, tuple(parts), end.faults.mended)


class Finished(NamedTuple):
    """A file that was read to its end."""

    key: str
    path: Path
    lines: int
    faults: Faults


class Failed(NamedTuple):
    """A file that could not be read to its end, or is of another format."""

    key: str
    path: Path
    reason: str
    wrong_format: bool


@dataclass
class Batch:
    """Rows to judge at once, and the files that end (or fail) with them; ``number`` names its texts."""

    number: int
    parts: list[Part] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        """Whether the engine should have it now."""
        return self.size >= BATCH_BYTES or len(self.finished) + len(self.failed) >= BATCH_FILES

    def add_rows(self, rows: Rows, key: str, tag: str, folder: Path) -> None:
        """Write rows of a file into the text that holds all rows of their columns."""
        part = next((held for held in self.parts if held.columns == rows.columns), None)
        if part is None:
            part = Part(folder / f"rows-{self.number}-{len(self.parts)}.tsv", rows.columns, {}, {})
            self.parts.append(part)
        content = rows.content.replace(b"\n", f"\t{tag}\n".encode())
        with part.path.open("ab") as stream:
            stream.write(content)
        part.files[tag] = key
        part.rows[key] = part.rows.get(key, 0) + rows.count
        self.size += len(content)


def make_batches(files: Sequence[tuple[str, Path]], layout: Layout, folder: Path) -> Iterator[Batch]:
    """Yield batches of rows of files (key, path); whoever takes one deletes its rows from the folder."""
    batch = Batch(0)
    for place, (key, path) in enumerate(files):
        tag = str(place)
        try:
            if is_parquet(path):
                if layout.lists or layout.syntax == "keds":
                    raise CorruptFileError(f"{layout.name} files are read as published text, not as Parquet")
                refuse_parquet_bomb(path)
                batch.parts.append(Part(path, None, {tag: key}, {}))
                batch.finished.append(Finished(key, path, 0, Faults()))
                batch.size += path.stat().st_size * PARQUET_GROWTH
            else:
                cleaner, lines = RowCleaner(layout, str(path)), 0
                for block, last in _with_last(read_blocks(path)):
                    rows = cleaner.clean(block, last=last)
                    lines += rows.lines
                    if rows.count:
                        batch.add_rows(rows, key, tag, folder)
                    if batch.full and not last:
                        yield batch
                        batch = Batch(batch.number + 1)
                batch.finished.append(Finished(key, path, lines, cleaner.faults))
        except (CorruptFileError, WrongFormatError) as error:
            # Rows that were written before the damage are judged with the others and then left out.
            batch.failed.append(Failed(key, path, str(error), isinstance(error, WrongFormatError)))
        if batch.full:
            yield batch
            batch = Batch(batch.number + 1)
    if batch.finished or batch.failed:
        yield batch


def _read_ahead(batches: Iterator[Batch]) -> Generator[Batch]:
    """Yield batches that a thread makes while earlier ones are used; the thread ends when this is closed."""
    with ThreadPoolExecutor(1, "unpack") as maker:
        waiting = deque(maker.submit(next, batches, None) for _ in range(READ_AHEAD))
        try:
            while (batch := waiting.popleft().result()) is not None:
                waiting.append(maker.submit(next, batches, None))
                yield batch
        finally:
            maker.shutdown(cancel_futures=True)


def _with_last(blocks: Iterator[Block]) -> Iterator[tuple[Block, bool]]:
    """Yield each block, and whether it is the last of its text."""
    held: Block | None = None
    for block in blocks:
        if held is not None:
            yield held, block.text != held.text
        held = block
    if held is None:
        raise CorruptFileError("the file is empty")
    yield held, True
