"""Kept rows → an event file of our columns, CSV or Parquet; whole or not at all.

Two columns of our own go with them, which the reader of events passes over: ``x_score``, the scale value, and
``x_mentions``, the number of mentions.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from forecast.errors import EventError
from forecast.events.cells import MAX_CELL_CHARS, clean_text
from forecast.events.codebook import cameo_codes
from forecast.events.rows import literal_path
from forecast.events.table import COLUMNS
from forecast.feeds.fates import CANDIDATE, quoted
from forecast.feeds.journal import MADE, VOLUMES, Journal
from forecast.feeds.keeping import Kept, kept_rows
from forecast.feeds.layout import Layout

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WRITTEN = (*COLUMNS, "x_score", "x_mentions")
PARQUET = ".parquet"
MAX_TITLE = 300

_PUNCTUATION = re.compile(r"[^a-z0-9]+")


@dataclass
class Written:
    """What was written, counted on the way."""

    rows: int = 0
    first: date | None = None
    last: date | None = None
    last_known: date | None = None
    by_dyad: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_category: Counter[str] = field(default_factory=Counter)


def write_output(
    connection: DuckDBPyConnection,
    journal: Journal,
    output: Path,
    layout: Layout,
    volumes: Mapping[date, int],
    kept: Kept,
) -> Written:
    """Write the rows kept as the event file, and the archive's volume by day into the journal's folder.

    Raises
    ------
    EventError
        The file cannot be written.
    """
    half = output.with_name(f".{output.name}.half")
    try:
        written = write_rows(kept_rows(connection), half, layout)
        if output.suffix == PARQUET:
            packed = output.with_name(f".{output.name}.packed")
            texts = ", ".join(f"'{name}': 'VARCHAR'" for name in WRITTEN)
            connection.execute(
                f"COPY (SELECT * FROM read_csv({quoted(literal_path(half))}, columns={{{texts}}}, "
                f"header=true, auto_detect=false, delim=',', quote='\"', escape='\"', nullstr='\\0')) "
                f"TO {quoted(str(packed))} (FORMAT parquet, COMPRESSION zstd)"
            )
            os.replace(packed, half)
        (journal.folder / MADE).touch()
        os.replace(half, output)
    finally:
        half.unlink(missing_ok=True)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("day", "world", "kept"))
    writer.writerows(
        (day.isoformat(), volumes.get(day, 0), kept.daily.get(day, 0)) for day in sorted(volumes)
    )
    replace_text(journal.folder / VOLUMES, buffer.getvalue())
    return written


def replace_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, encoding="utf-8", newline="")
    os.replace(half, path)


def write_rows(bundles: Iterator[list[tuple[Any, ...]]], path: Path, layout: Layout) -> Written:
    """Write rows, as ``kept_rows`` yields them, as a CSV file of events; the caller moves it into place."""
    written = Written()
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(WRITTEN)
            for bundle in bundles:
                for values in bundle:
                    row = dict(zip((*CANDIDATE, "id"), values, strict=True))
                    writer.writerow(_event_cells(row, layout))
                    _count(written, row)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise EventError(f"{path}: cannot be written: {error.strerror or error}") from error
    return written


def _event_cells(row: Mapping[str, Any], layout: Layout) -> list[str]:
    """Return the cells of an event, in the order of ``WRITTEN``."""
    cameo = row["code"] if layout.system == "cameo" and row["code"] in cameo_codes() else ""
    url = clean_text(row["url"] or "")
    linked = url.lower().startswith(("http://", "https://")) and len(url) <= MAX_CELL_CHARS
    title = clean_text(row["title"] or ("" if linked else url))[:MAX_TITLE]
    outlet = clean_text(row["outlet"] or (_host(url) if linked else ""))
    known = row["known"].isoformat()
    cells = {
        "id": f"{layout.name}-{clean_text(row['id'])}",
        "date": row["day"].isoformat(),
        "known_date": known,
        "initiator": row["a"],
        "target": row["b"],
        "category": row["category"],
        "subcategory": _subcategory(row, layout),
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


def _subcategory(row: Mapping[str, Any], layout: Layout) -> str:
    if layout.system == "own":
        return ""
    text = f"{layout.system} {row['code']} {row['mode'] or ''}".lower()
    return _PUNCTUATION.sub("_", text).strip("_")


def _summary(row: Mapping[str, Any]) -> str:
    if row["note"]:
        return clean_text(row["note"])[:MAX_CELL_CHARS]
    actors = " to ".join(
        clean_text(row[name] or row[side]) for name, side in (("name_a", "a"), ("name_b", "b"))
    )
    place = clean_text(row["place"] or "")
    where = f" ({place})" if place else ""
    return f"{actors}: {row['label'] or row['category']}{where}"[:MAX_CELL_CHARS]


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _count(written: Written, row: Mapping[str, Any]) -> None:
    written.rows += 1
    written.first = written.first or row["day"]
    written.last = row["day"]
    written.last_known = max(written.last_known or row["known"], row["known"])
    written.by_dyad[min(row["a"], row["b"]), max(row["a"], row["b"])] += 1
    written.by_category[row["category"]] += 1
