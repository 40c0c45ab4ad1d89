"""The order of an import: files → candidates → rows kept → an event file and an account of every row.

**Repeats.** Rows come in the order in which they became known, so that a later report never displaces an
earlier one: what was kept up to a day does not depend on what came after it.

The event file is written last, whole or not at all.
"""

from __future__ import annotations

import csv
import re
import time
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from forecast.blocks import Block, Bullets, Entry, Prose, paired, plain_table, right
from forecast.errors import EventError, clean_text
from forecast.events.cells import MAX_CELL_CHARS
from forecast.events.codebook import cameo_codes, near_actor
from forecast.events.table import COLUMNS
from forecast.feeds.candidates import (
    SHOWN,
    FeedReader,
    ImportOptions,
    Layout,
    Tally,
    data_rows,
)
from forecast.storage import copy_file, locked
from forecast.wording import count

MAX_TITLE = 300
ROWS_AT_ONCE = 20_000
MIRROR_DAYS = 1
"""Days within which the two sides of an act may be dated."""
LISTED = 20
"""Corrupt files named on the terminal; the JSON report names all."""
SHOWN_ACTORS = 10
BULK_SHARE, BULK_DAYS = 0.2, 30
"""Share of the kept rows that one day of publication must hold to look like a back-file, and days of acts."""
MANY_FAULTS = 0.01
_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_ORDER = (
    "known, severity DESC, mentions DESC NULLS LAST, day, event_id, a, b, code, mode, category, place, url, "
    "title, note, swapped, name_a, name_b, outlet, sources"
)
"""Order in which rows count: as they became known; of those of one day the gravest first. It names all
columns that tell rows apart, so that the same files give the same account in every run."""
SWITCHES = ("root_only", "min_sources", "repeat_days", "known_date")
"""Options that say how noise is handled."""
Whole = NDArray[np.int64]
Fates = NDArray[np.int8]
SOUND, REPEATED, MIRRORED, SAME_ID = range(4)
_BY_CODE = dict(enumerate(("repeated", "mirrored", "same_id"), start=REPEATED))


_REASONS = [*data_rows("fates.csv")]
FATES: Mapping[str, str] = {row["fate"]: row["words"] for row in _REASONS}
"""Why rows are dropped, in words that follow a number of rows, in the order in which it is asked."""
FAULTS: tuple[str, ...] = tuple(row["fate"] for row in _REASONS if row["kind"] == "fault")
"""Those of rows that are wrong in themselves; others are not asked for, noise by a switch, or repeats."""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did; ``fates`` are rows dropped, by reason."""

    format: str
    output: str
    files: int
    set_aside: dict[str, str]
    lines: int
    rows: int
    kept: int
    fates: dict[str, int]
    examples: dict[str, list[str]]
    codes_with_zero_restored: int
    lines_not_utf8: int
    by_dyad: dict[str, int]
    by_category: dict[str, int]
    first: date
    last: date
    last_known: date
    switches: dict[str, Any]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        facts = dict(vars(self))
        kinds = {row["fate"]: row["kind"] for row in _REASONS}
        facts["dropped"] = {
            name: {"rows": rows, "reason": FATES[name], "kind": kinds[name]}
            for name, rows in facts.pop("fates").items()
        }
        facts |= {name: facts[name].isoformat() for name in ("first", "last", "last_known")}
        return facts | {"warnings": list(self.warnings), "seconds": round(self.seconds, 3)}

    def blocks(self) -> Iterator[Block]:
        """Yield what was read, what became of every row, what is written, and what to bear in mind."""
        read = f"{count(self.files, 'file')} read: {count(self.rows, 'row')}."
        if self.rows > self.lines:
            read += f" They come from {count(self.lines, 'line')}: some name several actors or events."
        yield Prose(read)
        if self.set_aside:
            hidden = len(self.set_aside) - LISTED
            aside = [f"{name}: {reason}" for name, reason in self.set_aside.items()][:LISTED]
            more = [f"and {hidden:,} more. All of them: --json"] if hidden > 0 else []
            head = f"{count(len(self.set_aside), 'file')} set aside, no row of which is used"
            yield Entry(head, (Bullets((*aside, *more)),))
        fates = []
        for name, number in self.fates.items():
            fates.append((f"{number:,}", FATES[name]))
            fates += [("", example) for example in self.examples.get(name, [])]
        yield plain_table((right(""), ""), [*fates, (f"{self.kept:,}", "are written")])
        if codes := self.codes_with_zero_restored:
            yield Prose(f"{count(codes, 'code')} had lost the leading zero, which was restored.")
        if self.lines_not_utf8:
            yield Prose(f"{count(self.lines_not_utf8, 'line')} not in UTF-8 were read as Windows-1252.")
        dyads = ", ".join(f"{name} {number:,}" for name, number in self.by_dyad.items())
        yield Prose(f"Dyads: {dyads}. Acts from {self.first} to {self.last}, known by {self.last_known}.")
        acts = ", ".join(f"{name} {number:,}" for name, number in self.by_category.items())
        yield Prose(f"Categories: {acts}.")
        for warning in self.warnings:
            yield Prose(warning, lead="Note:", tone="warning")
        yield paired((("Written", f"{self.output}, {count(self.kept, 'event')}"),))


def import_feed(
    files: Sequence[Path],
    options: ImportOptions,
    output: Path,
    *,
    listen: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Turn files of a feed, as published, into an event file; ``listen`` is told files read, and of how many.

    Raises ``EventError``: no usable file, a file of another format, or no row left; nothing is written then.
    """
    began = time.perf_counter()
    paths = _checked(files, output)
    with ExitStack() as ends:
        try:
            ends.enter_context(locked(output.resolve()))
        except OSError as error:
            raise EventError(f"-o {output}: cannot be written: {error.strerror or error}") from error
        reader = ends.enter_context(FeedReader(options))
        ends.enter_context(_named_ends(reader))
        total = _read(reader, paths, listen or (lambda done, files: None))
        dropped, examples = _choose_rows(reader)
        every = total.fates + dropped
        fates = {name: every[name] for name in FATES if every[name]}
        daily = dict(reader.execute("SELECT known, count(*) FROM kept GROUP BY ALL"))
        if not daily:
            raise EventError(_nothing_kept(reader, paths, total.rows, fates))
        ((rows, first, last),) = reader.execute("SELECT count(*), min(day), max(day) FROM kept")
        dyads = reader.execute("SELECT least(a, b), greatest(a, b), count(*) FROM kept GROUP BY ALL")
        by_dyad = {(low, high): number for low, high, number in dyads}
        kinds = "SELECT category, count(*) AS n FROM kept GROUP BY ALL ORDER BY n DESC, category"
        report = ImportReport(
            format=options.layout.name,
            output=str(output),
            files=len(reader.tallies),
            set_aside={str(paths[key]): str(error) for key, error in reader.failures.items()},
            lines=total.lines,
            rows=total.rows,
            kept=rows,
            fates=fates,
            examples=dict(total.examples) | examples,
            codes_with_zero_restored=total.restored,
            lines_not_utf8=total.mended,
            by_dyad={",".join(dyad): by_dyad.get((min(dyad), max(dyad)), 0) for dyad in options.pairs},
            by_category=dict(reader.execute(kinds)),
            first=first,
            last=last,
            last_known=max(daily),
            switches={name: getattr(options, name) for name in SWITCHES},
        )
        warnings = tuple(_warn_of(options, report, daily, len(total.volumes)))
        report = replace(report, warnings=warnings, seconds=time.perf_counter() - began)
        try:
            copy_file(_written_events(reader), output)
        except OSError as error:
            raise EventError(f"{output}: cannot be written: {error.strerror or error}") from error
    return report


def _checked(files: Sequence[Path], output: Path) -> dict[str, Path]:
    """Return the files by key, each once, where they and the output can be used."""
    if output.suffix != ".csv":
        raise EventError(f"-o {output}: unknown kind of file. Allowed: a name that ends in .csv")
    if not output.parent.is_dir():
        raise EventError(f"-o {output}: there is no folder {output.parent}")
    if output.exists():
        raise EventError(f"-o {output}: exists. Give the name of a new file, or remove it first")
    if not files:
        raise EventError("no files: name those to import")
    for path in files:
        if not path.exists():
            raise EventError(f"{path}: no such file. Check the path")
        if not path.is_file():
            raise EventError(f"{path}: not a file. Name the files inside it, such as {path}/*.zip")
    return {str(path.resolve()): path for path in files}


@contextmanager
def _named_ends(reader: FeedReader) -> Iterator[None]:
    """Name a full disk, and Ctrl-C, which the engine reports during a statement as an error of its own."""
    try:
        yield
    except RuntimeError as stop:
        if "interrupted" not in str(stop).lower():
            raise
        raise KeyboardInterrupt from stop
    except OSError as error:
        raise EventError(
            f"{error.filename or reader.folder}: {error.strerror or error}. Rows being read are held there: "
            "set TMPDIR to a folder with room"
        ) from error


def _read(reader: FeedReader, paths: Mapping[str, Path], listen: Callable[[int, int], None]) -> Tally:
    """Return what happened to the rows of all files."""
    listen(0, len(paths))
    for done in reader.read(paths):
        for key, error in reader.failures.items():
            if error.another_format and not reader.tallies:
                raise EventError(f"{paths[key]}: {error}")
        listen(done, len(paths))
    if not reader.tallies:
        failures = [f"\n  {paths[key]}: {error}" for key, error in reader.failures.items()]
        raise EventError(f"none of {len(paths):,} files could be read:{''.join(failures[:LISTED])}")
    total = Tally()
    for tally in (reader.tallies[key] for key in paths if key in reader.tallies):
        total.add(tally)
    return total


# Candidates → rows kept


def _choose_rows(reader: FeedReader) -> tuple[Counter[str], dict[str, list[str]]]:
    """Leave what is kept in the view ``kept``; return how many rows are dropped by fate, and the first."""
    reader.execute(
        f"""CREATE TABLE rows AS
SELECT *, event_id IS NOT NULL
    AND row_number() OVER (PARTITION BY event_id, a, b, code ORDER BY turn) > 1 AS again
FROM (SELECT *, row_number() OVER (ORDER BY {_ORDER}) - 1 AS turn FROM candidates)"""
    )
    # Rows of one group could be one act: same actors (either way round where it is mutual), code and place.
    narrow = reader.connection.execute(
        """SELECT CAST(date_diff('day', DATE '1970-01-01', day) AS BIGINT) AS day,
  CAST(dense_rank() OVER (ORDER BY CASE WHEN mutual THEN least(a, b) ELSE a END,
    CASE WHEN mutual THEN greatest(a, b) ELSE b END, counts_as,
    coalesce(place, '')) AS BIGINT) AS grp,
  (CASE WHEN mutual THEN a < b ELSE NOT swapped END) AS forward,
  again
FROM rows ORDER BY turn"""
    ).fetchnumpy()
    columns: dict[str, Any] = {name: np.asarray(values) for name, values in narrow.items()}
    fates = np.where(columns["again"], np.int8(SAME_ID), np.int8(SOUND))
    alive = np.flatnonzero(fates == SOUND)
    acts = (columns[name][alive] for name in ("day", "grp", "forward"))
    fates[alive] = mark_repeats(*acts, repeat_days=reader.options.repeat_days)
    reader.connection.register("verdicts", {"turn": np.arange(len(fates)), "fate": fates})
    reader.execute("CREATE TABLE decided AS SELECT rows.*, fate FROM rows JOIN verdicts USING (turn)")
    reader.execute(f"CREATE VIEW kept AS SELECT * FROM decided WHERE fate = {SOUND}")
    examples: dict[str, list[str]] = defaultdict(list)
    for fate, *act in reader.execute(
        f"SELECT fate, coalesce(event_id, ''), day, a, b, code FROM decided WHERE fate <> {SOUND} "
        f"QUALIFY row_number() OVER (PARTITION BY fate ORDER BY turn) <= {SHOWN} ORDER BY turn"
    ):
        examples[_BY_CODE[fate]].append(clean_text("row {}: {} {} to {}, code {}".format(*act)))
    dropped = Counter(_BY_CODE[fate] for fate in fates[fates != SOUND].tolist())
    return dropped, examples


def mark_repeats(day: Whole, group: Whole, forward: NDArray[np.bool_], *, repeat_days: int) -> Fates:
    """Mark the rows, shape (row,), in the order in which they became known, that report an act again.

    Rows of one ``group`` could be one act. Those of one direction (``forward``) are when their days differ by
    at most ``repeat_days``, those of opposite direction when by at most ``MIRROR_DAYS`` or it.
    """
    fates = np.zeros(len(day), dtype=np.int8)
    kept: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    other_days = max(MIRROR_DAYS, repeat_days)
    rows = zip(day.tolist(), group.tolist(), forward.tolist(), strict=True)
    for row, (when, which, side) in enumerate(rows):
        if _near(kept[which, side], when, repeat_days):
            fates[row] = REPEATED
        elif _near(kept[which, not side], when, other_days):
            fates[row] = MIRRORED
        else:
            insort(kept[which, side], when)
    return fates


def _near(days: list[int], when: int, window: int) -> bool:
    at = bisect_left(days, when - window)
    return at < len(days) and days[at] <= when + window


# Rows kept → an event file


def _written_events(reader: FeedReader) -> Path:
    """Write the rows kept in order of day and id into the folder of the reader."""
    # Rows without an id of their own are named by day and category, and numbered.
    cursor = reader.connection.execute(
        """WITH named AS (SELECT *, coalesce(event_id, day || '-' || category) AS base FROM kept),
numbered AS (SELECT *, row_number() OVER (PARTITION BY base ORDER BY turn) AS copy FROM named)
SELECT *, base || CASE WHEN copy = 1 THEN '' ELSE '-' || copy END AS id FROM numbered ORDER BY day, id"""
    )
    names = [column[0] for column in cursor.description]
    path = reader.folder / "events.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            cells = (dict(zip(names, row, strict=True)) for row in rows)
            table.writerows(event_cells(row, reader.options.layout) for row in cells)
    return path


def event_cells(row: Mapping[str, Any], layout: Layout) -> list[str]:
    """Return the cells of an event, in the order of ``COLUMNS``, from a candidate and its ``id``."""
    url = clean_text(row["url"] or "")
    linked = url.lower().startswith(("http://", "https://")) and len(url) <= MAX_CELL_CHARS
    known = row["known"].isoformat()
    summary = row["note"]
    if not summary:
        actors = " to ".join(clean_text(row[f"name_{side}"] or row[side]) for side in ("a", "b"))
        place = clean_text(row["place"] or "")
        where = f" ({place})" if place else ""
        summary = f"{actors}: {row['label'] or row['category']}{where}"
    cells = {
        "id": f"{layout.name}-{clean_text(row['id'])}",
        "date": row["day"].isoformat(),
        "known_date": known,
        "initiator": row["a"],
        "target": row["b"],
        "category": row["category"],
        "subcategory": _PUNCTUATION.sub(
            "_", f"{layout.system} {row['code']} {row['mode'] or ''}".lower()
        ).strip("_"),
        "cameo": row["code"] if layout.system == "cameo" and row["code"] in cameo_codes() else "",
        "severity": str(row["severity"]),
        "summary": clean_text(summary)[:MAX_CELL_CHARS],
        "source_outlet": clean_text(row["outlet"] or (_host(url) if linked else ""))[:MAX_TITLE],
        "source_title": clean_text(row["title"] or ("" if linked else url))[:MAX_TITLE],
        "source_url": url if linked else "",
        "source_date": known if layout.known_date else "",
    }
    return [cells.get(name, "") for name in COLUMNS]


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


# What to know of the result


def _warn_of(
    options: ImportOptions, report: ImportReport, daily: Mapping[date, int], days: int
) -> Iterator[str]:
    """Yield what to know; ``daily`` are events by day of publication, ``days`` how many the archive has."""
    layout = options.layout
    if not layout.known_date:
        yield f"{layout.name} files have no date of publication; an act counts as known on its own day."
    elif options.known_date == "published":
        day = max(sorted(daily), key=daily.__getitem__)
        span = (report.last - report.first).days
        if daily[day] > max(BULK_SHARE * report.kept, BULK_DAYS) and span > BULK_DAYS:
            yield (
                f"{daily[day]:,} of {report.kept:,} events were published on {day}: a back-file loaded at "
                "once. Before that day a forecast knows none of them; --known-date act takes their own days."
            )
    yield from (f"no event of {dyad} is left." for dyad, number in report.by_dyad.items() if not number)
    wrong = sum(report.fates.get(name, 0) for name in FAULTS)
    if wrong > MANY_FAULTS * report.rows:
        yield f"{wrong / report.rows:.1%} of the rows are wrong in themselves; see the reasons above."
    if days > 2 * 365:
        yield "the archive's volume may grow over the years: part of a rise is reporting."


def _nothing_kept(reader: FeedReader, paths: Mapping[str, Path], rows: int, fates: Mapping[str, int]) -> str:
    """Return the message for rows of which none is kept: an actor that does not occur, or the reasons."""
    if not rows:
        return "no event rows: the files hold none"
    dyads = reader.options.pairs
    read, actors = reader.actors(paths)
    absent = next((actor for dyad in dyads for actor in dyad if actor not in actors), None)
    if absent is not None:
        near = near_actor(absent, actors)
        hint = f" Did you mean {near}?" if near else ""
        span = f"{'the' if read == rows else 'the first'} {count(read, 'row')}"
        frequent = ", ".join(actors[:SHOWN_ACTORS]) or "none"
        return f"no event is left: no actor {absent} occurs in {span}.{hint} Most frequent: {frequent}"
    between = {name for name in fates if name not in {*FAULTS, "actorless", "domestic", "others"}}
    named = " or ".join("–".join(dyad) for dyad in dyads)
    if not between:
        return f"no event is left: no row is between {named}"
    reasons = "; ".join(f"{number:,} {FATES[name]}" for name, number in fates.items() if name in between)
    return f"no event is left: of the rows between {named}, {reasons}"
