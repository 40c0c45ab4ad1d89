"""What an import leaves on disk: the event file, whole or not at all, and a folder of what was read.

The event file, CSV or Parquet, has our columns and two more, which the reader of events passes over:
``x_score``, the scale value, and ``x_mentions``, the number of mentions. The folder is a cache, so that an
import can be stopped, resumed and extended by new files. It holds the candidate rows of each file and what
happened to the others; a change of the files, of the dyads or of a switch that concerns single rows voids it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

from forecast.errors import EventError
from forecast.events.cells import MAX_CELL_CHARS, clean_text
from forecast.events.codebook import cameo_codes
from forecast.events.rows import literal_path
from forecast.events.table import COLUMNS, csv_text
from forecast.feeds.crosswalk import crosswalk_csv
from forecast.feeds.engine import CANDIDATE, Tally, quoted
from forecast.feeds.formats import Layout
from forecast.feeds.keeping import Kept, kept_rows
from forecast.feeds.options import ImportOptions
from forecast.storage import (
    copy_file,
    new_text,
    remove_stale,
    scratch_folder,
    sync_file,
    write_file,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VERSION = 3
SETTINGS, JOURNAL, REPORT, VOLUMES = "settings.json", "journal.jsonl", "report.json", "volumes.csv"
MADE = "made-by-import"
"""Marks that the output beside the folder is an import's, and may be replaced by the next."""
WRITTEN = (*COLUMNS, "x_score", "x_mentions")
PARQUET = ".parquet"
MAX_TITLE = 300

_PUNCTUATION = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class FileRecord:
    """What became of one file: its key is that of ``file_key``, its parts in the folder hold its candidates.

    Lines are those with content, without the header; ``mended`` those that were not UTF-8.
    """

    key: str
    path: str
    lines: int
    tally: Tally
    parts: tuple[str, ...]
    mended: int = 0


def _journal_line(record: FileRecord) -> str:
    content = asdict(record)
    content["tally"]["actors"] = sorted(record.tally.actors)
    return json.dumps(content) + "\n"


@dataclass
class Journal:
    """The folder beside the output, and the files read so far under the same settings."""

    folder: Path
    records: dict[str, FileRecord] = field(default_factory=dict)
    renewed: bool = False
    """Whether an older folder was void because the settings changed."""

    def add(self, records: Sequence[FileRecord]) -> None:
        """Enter files whose candidates are written; from then on they are not read again."""
        for name in {name for record in records for name in record.parts}:
            sync_file(self.folder / name)
        sync_file(self.folder)
        with (self.folder / JOURNAL).open("a", encoding="utf-8") as stream:
            for record in records:
                stream.write(_journal_line(record))
                self.records[record.key] = record
            stream.flush()
            os.fsync(stream.fileno())

    def discard_if_empty(self) -> None:
        """Remove the folder of an import that came to nothing before it read a file."""
        if not self.records and not (self.folder / MADE).exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    def next_part(self) -> Path:
        """Return the path of a part that does not exist yet."""
        used = [int(path.stem.removeprefix("part-")) for path in self.folder.glob("part-*.parquet")]
        return self.folder / f"part-{max(used, default=0) + 1:06d}.parquet"


def journal_folder(output: Path) -> Path:
    """Return the folder that belongs to an output file."""
    return output.with_name(output.name + ".import")


def file_key(path: Path) -> str:
    """Return the identity of a file: path, size and time of its last change."""
    status = path.stat()
    text = f"{path.resolve()}\x1f{status.st_size}\x1f{status.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def open_journal(output: Path, options: ImportOptions, *, fresh: bool) -> Journal:
    """Return the journal of an output, with what was read before under the same settings.

    Raises
    ------
    EventError
        The output is there and no import's, or the folder cannot be made or is not one of ours.
    """
    folder, settings = journal_folder(output), _settings(options)
    made = (folder / MADE).is_file()
    if output.exists() and not made:
        raise EventError(f"-o {output}: is there already, and not made by an import. Choose another name")
    try:
        held = _read_settings(folder)
        renewed = held is not None and held != settings
        if held is not None and (fresh or renewed):
            # The mark stays until the end, or an output of ours would no longer be known.
            for path in folder.iterdir():
                if path.name != MADE:
                    path.unlink() if not path.is_dir() else shutil.rmtree(path)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / SETTINGS).exists():
            write_file(folder / SETTINGS, json.dumps(settings))
        remove_stale(folder)
        records = _read_records(folder)
        _remove_orphans(folder, records)
    except OSError as error:
        raise EventError(f"{folder}: cannot be used: {error.strerror or error}") from error
    return Journal(folder, records, renewed=renewed and not fresh)


def _remove_orphans(folder: Path, records: Mapping[str, FileRecord]) -> None:
    """Remove the parts of files that were not read to their end, and lines that a crash cut short."""
    used = {name for record in records.values() for name in record.parts}
    for path in folder.glob("part-*.parquet"):
        if path.name not in used:
            path.unlink()
    journal = folder / JOURNAL
    lines = "".join(_journal_line(record) for record in records.values())
    if journal.is_file() and journal.read_text(encoding="utf-8", errors="replace") != lines:
        write_file(journal, lines)


def _read_settings(folder: Path) -> dict[str, Any] | None:
    if not folder.exists():
        return None
    path = folder / SETTINGS
    if not path.is_file():
        # An import that died before it had its settings may have left a temporary file.
        remove_stale(folder)
        if any(folder.iterdir()):
            raise EventError(f"{folder}: not made by an import, and in the way of one. Move it away")
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return content


def _read_records(folder: Path) -> dict[str, FileRecord]:
    path = folder / JOURNAL
    records: dict[str, FileRecord] = {}
    if not path.is_file():
        return records
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            content = json.loads(line)
            held = content.pop("tally")
            tally = Tally(**{**held, "actors": set(held["actors"])})
            record = FileRecord(tally=tally, **{**content, "parts": tuple(content["parts"])})
        except (ValueError, KeyError, TypeError):
            continue  # the line that a crash cut short: its file is read again
        if all((folder / name).is_file() for name in record.parts):
            records[record.key] = record
    return records


def _settings(options: ImportOptions) -> dict[str, Any]:
    """Return what a row's fate depends on; switches of the last stage can change without reading again."""
    layout, switches = options.layout, options.switches.to_dict()
    for name in ("repeat_days", "ignore_place", "cap_per_day", "normalise", "seed"):
        switches.pop(name)
    content = json.dumps([layout.name, layout.system, layout.columns, dict(layout.fields)])
    return {
        "version": VERSION,
        "layout": hashlib.sha256(content.encode()).hexdigest(),
        "crosswalk": hashlib.sha256(crosswalk_csv(options.crosswalk).encode()).hexdigest(),
        "dyads": sorted(sorted(dyad) for dyad in options.dyads),
        "switches": switches,
    }


@dataclass(frozen=True)
class Written:
    """The rows written, counted: in all, by dyad (in order of name) and by category, most frequent first."""

    rows: int
    first: date
    last: date
    last_known: date
    by_dyad: dict[tuple[str, str], int]
    by_category: dict[str, int]


def write_output(
    connection: DuckDBPyConnection,
    journal: Journal,
    output: Path,
    layout: Layout,
    volumes: Mapping[date, int],
    kept: Kept,
) -> Written:
    """Write the rows kept, one at least, as the event file, and the archive's volume by day beside it.

    Raises ``EventError`` where the file cannot be written.
    """
    try:
        # The mark first, so that no output of ours is ever taken for somebody else's.
        write_file(journal.folder / MADE, "")
        if output.suffix == PARQUET:
            _write_parquet(connection, output, layout)
        else:
            with new_text(output) as stream:
                write_rows(kept_rows(connection), stream, layout)
    except OSError as error:
        raise EventError(f"{output}: cannot be written: {error.strerror or error}") from error
    days = ((day.isoformat(), str(volumes[day]), str(kept.daily.get(day, 0))) for day in sorted(volumes))
    write_file(journal.folder / VOLUMES, csv_text([("day", "world", "kept"), *days]))

    def counted(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"SELECT {query}").fetchall()

    ((rows, first, last, known),) = counted("count(*), min(day), max(day), max(known) FROM kept")
    dyads = counted("least(a, b), greatest(a, b), count(*) FROM kept GROUP BY ALL")
    kinds = counted("category, count(*) AS number FROM kept GROUP BY ALL ORDER BY number DESC, category")
    by_dyad = {(low, high): number for low, high, number in dyads}
    return Written(rows, first, last, known, by_dyad, dict(kinds))


def _write_parquet(connection: DuckDBPyConnection, output: Path, layout: Layout) -> None:
    with scratch_folder("import") as folder:
        rows, packed = folder / "rows.csv", folder / "rows.parquet"
        with rows.open("w", encoding="utf-8", newline="") as stream:
            write_rows(kept_rows(connection), stream, layout)
        texts = ", ".join(f"'{name}': 'VARCHAR'" for name in WRITTEN)
        connection.execute(
            f"COPY (SELECT * FROM read_csv({quoted(literal_path(rows))}, columns={{{texts}}}, "
            f"header=true, auto_detect=false, delim=',', quote='\"', escape='\"', nullstr='\\0', "
            f"hive_partitioning=false)) TO {quoted(str(packed))} (FORMAT parquet, COMPRESSION zstd)"
        )
        copy_file(packed, output)


def write_rows(bundles: Iterator[list[tuple[Any, ...]]], stream: TextIO, layout: Layout) -> None:
    """Write rows, as ``kept_rows`` yields them, as a CSV file of events."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(WRITTEN)
    for bundle in bundles:
        named = (dict(zip((*CANDIDATE, "id"), values, strict=True)) for values in bundle)
        writer.writerows(event_cells(row, layout) for row in named)


def event_cells(row: Mapping[str, Any], layout: Layout) -> list[str]:
    """Return the cells of an event, in the order of ``WRITTEN``."""
    cameo = row["code"] if layout.system == "cameo" and row["code"] in cameo_codes() else ""
    url = clean_text(row["url"] or "")
    linked = url.lower().startswith(("http://", "https://")) and len(url) <= MAX_CELL_CHARS
    title = clean_text(row["title"] or ("" if linked else url))[:MAX_TITLE]
    outlet = clean_text(row["outlet"] or (_host(url) if linked else ""))
    known = row["known"].isoformat()
    kind = f"{layout.system} {row['code']} {row['mode'] or ''}"
    cells = {
        "id": f"{layout.name}-{clean_text(row['id'])}",
        "date": row["day"].isoformat(),
        "known_date": known,
        "initiator": row["a"],
        "target": row["b"],
        "category": row["category"],
        "subcategory": "" if layout.system == "own" else _PUNCTUATION.sub("_", kind.lower()).strip("_"),
        "cameo": cameo,
        "severity": str(row["severity"]),
        "summary": _summary(row),
        "source_outlet": outlet[:MAX_TITLE],
        "source_title": title,
        "source_url": url if linked else "",
        "source_date": known if layout.known_date else "",
        "x_score": "" if row["scale"] is None else f"{row['scale']:g}",
        "x_mentions": "" if row["mentions"] is None else str(row["mentions"]),
    }
    return [cells.get(name, "") for name in WRITTEN]


def _summary(row: Mapping[str, Any]) -> str:
    if row["note"]:
        return clean_text(row["note"])[:MAX_CELL_CHARS]
    actors = " to ".join(clean_text(row[f"name_{side}"] or row[side]) for side in ("a", "b"))
    place = clean_text(row["place"] or "")
    where = f" ({place})" if place else ""
    return f"{actors}: {row['label'] or row['category']}{where}"[:MAX_CELL_CHARS]


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
