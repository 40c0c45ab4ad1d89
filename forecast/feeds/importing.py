"""The order of an import: files → fates → candidates → kept rows → an event file and a report beside it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

from forecast.errors import EventError, StoppedError
from forecast.feeds.engine import Engine, Tally
from forecast.feeds.fates import KEPT
from forecast.feeds.keeping import choose_rows
from forecast.feeds.options import ImportOptions, check_switches
from forecast.feeds.output import (
    PARQUET,
    REPORT,
    Journal,
    file_key,
    open_journal,
    write_output,
)
from forecast.feeds.reading import Listener, read_files
from forecast.feeds.report import LISTED, ImportReport, faults_text, nothing_kept, warn_of
from forecast.storage import locked, write_file


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
    _check_output(output)
    paths = _distinct(files)
    with _claimed(output):
        return _imported(paths, options, output, strict=strict, fresh=fresh, began=began, listen=listen)


def _imported(
    paths: dict[str, Path],
    options: ImportOptions,
    output: Path,
    *,
    strict: bool,
    fresh: bool,
    began: float,
    listen: Listener | None,
) -> ImportReport:
    journal = open_journal(output, options, fresh=fresh)
    with Engine(options) as engine, _named_ends(paths, journal, engine):
        reused = len(journal.records.keys() & paths.keys())
        failures = read_files(paths, journal, engine, listen or (lambda done, total: None), strict=strict)
        records = [journal.records[key] for key in paths if key in journal.records]
        if not records:
            shown = "\n".join(f"  {failure.path}: {failure.reason}" for failure in failures[:LISTED])
            raise EventError(f"none of {len(failures):,} files could be read:\n{shown}")
        total = Tally()
        for record in records:
            total.add(record.tally)
        if strict and (wrong := faults_text(total.fates, total.examples)):
            raise EventError(f"--strict: rows are wrong, nothing is written:\n{wrong}")
        until = options.switches.vintage or date.max
        by_day = {date.fromisoformat(day): rows for day, rows in total.volumes.items()}
        volumes = {day: rows for day, rows in by_day.items() if day <= until}
        parts = [journal.folder / name for name in sorted({name for one in records for name in one.parts})]
        keys = [record.key for record in records]
        kept = choose_rows(engine.connection, parts, keys, options.switches, volumes)
        fates = Counter({name: rows for name, rows in total.fates.items() if name != KEPT})
        fates.update(kept.fates)
        if not kept.count:
            raise EventError(nothing_kept(engine, total, dict(fates), list(paths.values())))
        written = write_output(engine.connection, journal, output, options.layout, volumes, kept)
    report = ImportReport(
        source_format=options.layout.name,
        output=str(output),
        files=len(records),
        files_reused=reused,
        set_aside={str(failure.path): failure.reason for failure in failures},
        lines=sum(record.lines for record in records),
        rows=total.rows,
        fates=dict(fates),
        examples={**total.examples, **kept.examples},
        kept=written.rows,
        restored=total.restored,
        mended=sum(record.mended for record in records),
        by_dyad={",".join(dyad): written.by_dyad[min(dyad), max(dyad)] for dyad in options.dyads},
        by_category=dict(written.by_category.most_common()),
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


@contextmanager
def _claimed(output: Path) -> Iterator[None]:
    """Hold the output and its journal while the import lasts (``BusyError``)."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(output.resolve()))
        except OSError as error:
            raise EventError(f"-o {output}: cannot be written: {error.strerror or error}") from error
        yield


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


def _check_output(output: Path) -> None:
    if output.suffix not in (".csv", PARQUET):
        raise EventError(f"-o {output}: unknown kind of file. Allowed: a name that ends in .csv or .parquet")
    if not output.parent.is_dir():
        raise EventError(f"-o {output}: there is no folder {output.parent}")
    if output.is_dir():
        raise EventError(f"-o {output}: this is a folder")


def _distinct(files: Sequence[Path]) -> dict[str, Path]:
    """Key → path; the same file given twice is read once."""
    if not files:
        raise EventError("no files: name those to import")
    paths: dict[str, Path] = {}
    for path in files:
        if not path.exists():
            raise EventError(f"{path}: no such file. Check the path")
        if not path.is_file():
            raise EventError(f"{path}: not a file. Name the files inside it, such as {path}/*.zip")
        paths[file_key(path)] = path
    return paths
