"""Files → their candidates on disk, entered in the journal; what could not be used is returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb

from forecast.errors import EventError
from forecast.feeds.batches import Batch, Failed, Finished, make_batches, read_ahead
from forecast.feeds.clean_rows import WrongFormatError
from forecast.feeds.engine import Engine, Tally
from forecast.feeds.fates import KEPT
from forecast.feeds.journal import FileRecord, Journal
from forecast.feeds.statement import Part

Listener = Callable[[int, int], None]
"""Told how many files are read, of how many."""
Growing = dict[str, tuple[Tally, list[str]]]
"""Files that are not read to their end yet: key → fates so far, and names of the parts."""


def read_files(
    paths: Mapping[str, Path], journal: Journal, engine: Engine, listen: Listener, *, strict: bool
) -> list[Failed]:
    """Read what the journal lacks, and enter it there.

    Parameters
    ----------
    paths : mapping of str to Path
        Key → file.
    journal : Journal
    engine : Engine
    listen : callable
        Told the progress.
    strict : bool
        Whether a file that cannot be used is an error.

    Returns
    -------
    list of Failed
        Files that could not be used.

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
    with read_ahead(make_batches(todo, engine.options.layout, text)) as batches:
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
    for part in batch.parts:
        if part.columns is None:
            (key,) = part.files.values()
            reason = None
            try:
                _judge_parts([part], journal, engine, growing)
            except WrongFormatError as error:
                if not journal.records:
                    raise EventError(f"{part.path}: {error}") from error
                reason = str(error)
            except duckdb.Error as error:
                reason = f"the Parquet file cannot be read ({str(error).splitlines()[0][:120]})"
            if reason is not None:
                growing.pop(key, None)
                failures.append(Failed(key, part.path, reason, wrong_format=False))
    return failures


def _judge_parts(parts: Sequence[Part], journal: Journal, engine: Engine, growing: Growing) -> None:
    target = journal.next_part()
    try:
        tallies = engine.judge(parts, target)
    except duckdb.OutOfMemoryException as error:
        raise EventError(
            f"the engine needs more than {engine.options.memory_mb:,} MB: allow it more with --memory"
        ) from error
    for key, tally in tallies.items():
        held, names = growing.setdefault(key, (Tally(), []))
        held.add(tally)
        if tally.fates.get(KEPT):
            names.append(target.name)
    if not any(tally.fates.get(KEPT) for tally in tallies.values()):
        target.unlink()


def _record(end: Finished, growing: Growing) -> FileRecord:
    tally, parts = growing.pop(end.key)
    for reason, rows in end.faults.counts.items():
        tally.fates[reason] = tally.fates.get(reason, 0) + rows
        tally.rows += rows
        tally.examples[reason] = end.faults.examples[reason]
    lines = end.lines or tally.rows
    return FileRecord(end.key, str(end.path), lines, tally, tuple(parts), end.faults.mended)
