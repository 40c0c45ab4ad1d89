"""Files as published → batches of clean rows → candidates on disk, entered in the journal.

A file that cannot be unpacked is named and set aside. Rows are unpacked in a thread while the engine works.
Small files share a batch, so that thousands of quarter-hour files cost one statement; a large file spans
several, and counts only when its end was read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import duckdb

from forecast.errors import EventError, shown
from forecast.events.rows import literal_path
from forecast.feeds.clean_rows import Block, Faults, RowCleaner, Rows, WrongFormatError
from forecast.feeds.engine import Engine, Tally
from forecast.feeds.fates import KEPT, Part
from forecast.feeds.layout import Layout
from forecast.feeds.output import FileRecord, Journal
from forecast.feeds.unpacking import CorruptFileError, is_parquet, most_unpacked, read_blocks

ROW_BYTES = 20
"""Of the shortest row of a feed, about."""

BATCH_BYTES = 128_000_000
BATCH_FILES = 400
PARQUET_GROWTH = 4
"""Size of rows as text over that of their Parquet file, about."""
READ_AHEAD = 2
LISTED = 3
Listener = Callable[[int, int], None]
"""Told how many files are read, of how many."""
Growing = dict[str, tuple[Tally, list[str]]]
"""Files that are not read to their end yet: key → fates so far, and names of the parts."""


def read_files(
    paths: Mapping[str, Path], journal: Journal, engine: Engine, listen: Listener, *, strict: bool
) -> list[Failed]:
    """Read the files (key → path) that the journal lacks, enter them there; return those that failed.

    Raises
    ------
    EventError
        The first file is of another format; with ``strict`` any file that cannot be used.
    """
    todo = [(key, path) for key, path in paths.items() if key not in journal.records]
    failures: list[Failed] = []
    growing: Growing = {}
    done = len(paths) - len(todo)
    listen(done, len(paths))
    text = engine.folder / "rows"
    text.mkdir()
    with closing(_read_ahead(make_batches(todo, engine.options.layout, text))) as batches:
        for batch in batches:
            for failure in batch.failed:
                if strict or (failure.wrong_format and not journal.records and not batch.finished):
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
        named = ", ".join(sorted({str(part.path) for part in parts})[:LISTED])
        said = shown(str(error).splitlines()[0], 200)
        raise EventError(f"{named}: a row holds a value that cannot be read ({said})") from error
    except duckdb.OutOfMemoryException as error:
        raise EventError(
            f"the engine needs more than {engine.options.memory_mb:,} MB: allow it more with --memory"
        ) from error
    for key, tally in tallies.items():
        held, names = growing.setdefault(key, (Tally(), []))
        held.add(tally)
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
                _refuse_parquet_bomb(path)
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


def _refuse_parquet_bomb(path: Path) -> None:
    """Refuse a Parquet file of far more rows than a file of its size can hold."""
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            query = "SELECT sum(num_rows) FROM parquet_file_metadata(?)"
            (rows,) = connection.execute(query, [literal_path(path)]).fetchone() or (0,)
    except duckdb.Error:
        return  # the engine says what is wrong with it
    if ROW_BYTES * (rows or 0) > (most := most_unpacked(path.stat().st_size)):
        raise CorruptFileError(
            f"it holds {rows:,} rows, more than {most:,} bytes, which no feed of its size does"
        )
