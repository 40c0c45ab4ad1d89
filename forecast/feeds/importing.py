"""The order of an import: files → candidates → rows kept → an event file and an account of every row.

**Repeats.** Rows come in the order in which they became known, so that a later report never displaces an
earlier one: what was kept up to a day does not depend on what came after it.

**Thinning** takes the growth of the archive out of a dyad's counts: when the whole archive doubles, a dyad's
rows double without any change between the two countries. Each row of a day is therefore kept with probability
min(1, V₀ / V), where V is the archive's mean volume of the last ``WINDOW`` days that have rows and V₀ that of
its first ``WINDOW``. A Poisson stream thinned so is a Poisson stream at the rate it would have at the volume
V₀. Both means look back only, and whether a row is kept depends on its id and the seed alone, so that files
that are added change nothing of the past. A volume that falls below V₀ cannot be made up for.

**Output.** The event file has our columns and two more, which the reader of events passes over: ``x_score``,
the scale value, and ``x_mentions``, the number of mentions. It is written last, whole or not at all; the
folder ``<output>.import`` beside it has the report and the archive's volume by day.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import time
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from forecast.blocks import Block, Bullets, Entry, Pairs, Prose, plain_table, right
from forecast.errors import EventError, StoppedError
from forecast.events.cells import MAX_CELL_CHARS, clean_text
from forecast.events.codebook import cameo_codes
from forecast.events.countries import near_actor
from forecast.events.rows import literal_path
from forecast.events.table import COLUMNS, csv_text
from forecast.feeds.formats import Layout, WrongFormatError
from forecast.feeds.options import ImportOptions, check_switches
from forecast.feeds.reading import CANDIDATE, KEPT, SHOWN, Engine, Tally, quoted
from forecast.storage import copy_file, locked, new_text, write_file
from forecast.wording import count, percent

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PARQUET = ".parquet"
REPORT, VOLUMES = "report.json", "volumes.csv"
WRITTEN = (*COLUMNS, "x_score", "x_mentions")
MAX_TITLE = 300
ROWS_AT_ONCE = 20_000
MIRROR_DAYS = 1
"""Days within which the two sides of an act may be dated."""
WINDOW = 28
"""Days of the moving mean: four whole weeks, since archives are thinner at weekends."""
LISTED = 20
"""Corrupt files named on the terminal; the JSON report names all."""
BULK_SHARE, BULK_DAYS = 0.2, 30
"""Share of the kept rows that one day of publication must hold to look like a back-file, and days of acts."""
MANY_FAULTS = 0.01
SHOWN_ACTORS = 10
_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_ORDER = (
    "known, severity DESC, mentions DESC NULLS LAST, day, event_id, a, b, code, mode, category, place, url, "
    "title, note, swapped, name_a, name_b, outlet, sources"
)
"""Order in which rows count: as they became known; of those of one day the gravest first. It names all
columns that tell rows apart, so that the same files give the same account in every run."""
Whole = NDArray[np.int64]
Fates = NDArray[np.int8]
SOUND, REPEATED, MIRRORED, OVER_CAP, THINNED, SAME_ID = range(6)
_BY_CODE = dict(enumerate(("repeated", "mirrored", "over_cap", "thinned", "same_id"), start=REPEATED))


class Fate(NamedTuple):
    """Why rows are dropped.

    ``kind`` is ``fault`` (the row itself is wrong), ``outside`` (not asked for), ``noise`` (a switch) or
    ``repeat``; ``words`` follow a number of rows.
    """

    kind: str
    words: str


FATES: Mapping[str, Fate] = {
    "width": Fate("fault", "cannot be read: wrong number of columns, or not a record"),
    "day": Fate("fault", "have an impossible date"),
    "added": Fate("fault", "have an impossible date of publication"),
    "future": Fate("fault", "are dated after the day on which they were published"),
    "code": Fate("fault", "have a code that the coding scheme does not know"),
    "severity": Fate("fault", "have a severity that is not 1 to 5"),
    "actorless": Fate("outside", "lack the country of an actor"),
    "domestic": Fate("outside", "are within one country"),
    "others": Fate("outside", "are between other actors"),
    "vintage": Fate("outside", "became known after the vintage"),
    "no_act": Fate("outside", "are future, hypothetical, historical or negated by their context"),
    "uncounted": Fate(
        "outside", "are of a kind that the codebook does not count (statements, appeals, protest)"
    ),
    "not_root": Fate("noise", "are not the root event of their text (--root-only)"),
    "mentions": Fate("noise", "have too few mentions (--min-mentions)"),
    "sources": Fate("noise", "have too few sources (--min-sources)"),
    "excluded": Fate("noise", "are of an excluded group of actors (--exclude)"),
    "late": Fate("noise", "were reported too long after the act (--max-delay)"),
    "same_id": Fate("repeat", "were in another file already (same id)"),
    "mirrored": Fate("repeat", "are the other side of an act that is kept (--keep-mirrored keeps them)"),
    "repeated": Fate("repeat", "report again an act that is kept (--repeat-days)"),
    "over_cap": Fate("repeat", "are beyond the number allowed a day (--cap-per-day)"),
    "thinned": Fate("noise", "fall to the growth of the archive's volume (--normalise)"),
}
"""Reasons by name, in the order in which they are asked."""
FAULTS: tuple[str, ...] = tuple(name for name, fate in FATES.items() if fate.kind == "fault")


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did.

    ``files`` were used; ``set_aside`` says of those not used why. ``lines`` have content, ``rows`` are made
    of them (more where a line names several pairs); ``kept`` events are written, ``fates`` are rows dropped,
    by reason, with the first three of each as ``examples`` (not of other actors). ``restored`` are codes
    whose leading zero was restored, ``mended`` lines that were not UTF-8. ``lowest_probability`` is the least
    share kept of a day by the normalisation; 1 without it.
    """

    source_format: str
    output: str
    files: int
    set_aside: dict[str, str]
    lines: int
    rows: int
    kept: int
    fates: dict[str, int]
    examples: dict[str, list[str]]
    restored: int
    mended: int
    by_dyad: dict[str, int]
    by_category: dict[str, int]
    first: date
    last: date
    last_known: date
    lowest_probability: float
    switches: dict[str, Any]
    warnings: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        names = {
            "source_format": "format",
            "fates": "dropped",
            "restored": "codes_with_zero_restored",
            "mended": "lines_not_utf8",
            "lowest_probability": "lowest_probability_kept",
        }
        facts = {names.get(name, name): value for name, value in vars(self).items()}
        facts["dropped"] = {
            name: {"rows": rows, "reason": FATES[name].words, "kind": FATES[name].kind}
            for name, rows in ordered(self.fates).items()
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
        for name, number in ordered(self.fates).items():
            fates.append((f"{number:,}", FATES[name].words))
            fates += [("", example) for example in self.examples.get(name, [])]
        yield plain_table((right(""), ""), [*fates, (f"{self.kept:,}", "are written")])
        if self.restored:
            yield Prose(f"{count(self.restored, 'code')} had lost the leading zero, which was restored.")
        if self.mended:
            yield Prose(f"{count(self.mended, 'line')} not in UTF-8 were read as Windows-1252.")
        dyads = ", ".join(f"{name} {number:,}" for name, number in self.by_dyad.items())
        yield Prose(f"Dyads: {dyads}. Acts from {self.first} to {self.last}, known by {self.last_known}.")
        acts = ", ".join(f"{name} {number:,}" for name, number in self.by_category.items())
        yield Prose(f"Categories: {acts}.")
        if self.lowest_probability < 1:
            share = percent(self.lowest_probability)
            yield Prose(f"Normalised: on the fullest day {share} of the rows were kept.")
        for warning in self.warnings:
            yield Prose(warning, lead="Note:", tone="warning")
        yield Pairs((("Written", f"{self.output}, {count(self.kept, 'event')}"),))


def ordered(fates: Mapping[str, int]) -> dict[str, int]:
    """Return the reasons in the order in which they were asked, those that dropped nothing left out."""
    return {name: fates[name] for name in FATES if fates.get(name)}


def import_feed(
    files: Sequence[Path],
    options: ImportOptions,
    output: Path,
    *,
    strict: bool = False,
    listen: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Turn files of a feed into an event file.

    Parameters
    ----------
    files : sequence of Path
        Files as published.
    options : ImportOptions
        Format, dyads and switches.
    output : Path
        Event file to write: ``.csv`` or ``.parquet``.
    strict : bool
        Fail on the first corrupt file or wrong row instead of counting it.
    listen : callable, optional
        Told how many files are read, of how many.

    Raises
    ------
    EventError
        No usable file, a file of another format, no row left, or with ``strict`` any fault. Nothing is
        written then.
    StoppedError
        The user stopped it; nothing is written.
    """
    began = time.perf_counter()
    check_switches(options.switches, options.layout)
    paths = _checked(files, output)
    folder = output.with_name(output.name + ".import")
    with ExitStack() as ends:
        try:
            ends.enter_context(locked(output.resolve()))
        except OSError as error:
            raise EventError(f"-o {output}: cannot be written: {error.strerror or error}") from error
        if output.exists() and not (folder / REPORT).is_file():
            raise EventError(f"-o {output}: is there already, and not made by an import. Choose another name")
        engine = ends.enter_context(Engine(options))
        ends.enter_context(_named_ends(engine))
        total = _read(engine, paths, strict=strict, listen=listen or (lambda done, files: None))
        until = (options.switches.vintage or date.max).isoformat()
        volumes = {date.fromisoformat(day): rows for day, rows in total.volumes.items() if day <= until}
        chosen = _choose_rows(engine.connection, options, volumes)
        fates = Counter({name: rows for name, rows in total.fates.items() if name != KEPT}) + chosen.fates
        if not chosen.rows:
            raise EventError(_nothing_kept(engine, paths, total.rows, fates))
        report = ImportReport(
            source_format=options.layout.name,
            output=str(output),
            files=len(engine.tallies),
            set_aside={str(paths[key]): str(error) for key, error in engine.failures.items()},
            lines=total.lines,
            rows=total.rows,
            kept=chosen.rows,
            fates=dict(fates),
            examples={name: shown for name, shown in {**total.examples, **chosen.examples}.items() if shown},
            restored=total.restored,
            mended=total.mended,
            by_dyad={",".join(dyad): chosen.by_dyad.get((min(dyad), max(dyad)), 0) for dyad in options.dyads},
            by_category=chosen.by_category,
            first=chosen.first,
            last=chosen.last,
            last_known=max(chosen.daily),
            lowest_probability=chosen.lowest_probability,
            switches=options.switches.to_dict(),
            warnings=tuple(_warn_of(options, total, chosen)),
            seconds=time.perf_counter() - began,
        )
        days = ((day.isoformat(), str(volumes[day]), str(chosen.daily[day])) for day in sorted(volumes))
        try:
            folder.mkdir(exist_ok=True)
            write_file(folder / VOLUMES, csv_text([("day", "world", "kept"), *days]))
            write_file(folder / REPORT, json.dumps(report.to_dict(), indent=1) + "\n")
            _write_events(engine, output)
        except OSError as error:
            raise EventError(f"{output}: cannot be written: {error.strerror or error}") from error
    return report


def _checked(files: Sequence[Path], output: Path) -> dict[str, Path]:
    """Return the files by key, each once, where they and the output can be used."""
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
    return {str(path.resolve()): path for path in files}


@contextmanager
def _named_ends(engine: Engine) -> Iterator[None]:
    """Turn Ctrl-C and a full disk into one message each."""
    try:
        yield
    except (KeyboardInterrupt, RuntimeError) as stop:
        # The engine reports Ctrl-C during a statement as an error of its own.
        if isinstance(stop, RuntimeError) and "interrupted" not in str(stop).lower():
            raise
        raise StoppedError("interrupted: nothing is written") from stop
    except OSError as error:
        raise EventError(
            f"{error.filename or engine.folder}: {error.strerror or error}. Rows being read are held there: "
            "set TMPDIR to a folder with room"
        ) from error


def _read(
    engine: Engine, paths: Mapping[str, Path], *, strict: bool, listen: Callable[[int, int], None]
) -> Tally:
    """Return what happened to the rows of all files."""
    listen(0, len(paths))
    for done in engine.read(paths):
        for key, error in engine.failures.items():
            if strict or (isinstance(error, WrongFormatError) and not engine.tallies):
                raise EventError(f"{paths[key]}: {error}")
        listen(done, len(paths))
    if not engine.tallies:
        failures = [f"\n  {paths[key]}: {error}" for key, error in engine.failures.items()]
        raise EventError(f"none of {len(paths):,} files could be read:{''.join(failures[:LISTED])}")
    total = Tally()
    for key in paths:
        if key in engine.tallies:
            total.add(engine.tallies[key])
    if strict and any(total.fates[name] for name in FAULTS):
        wrong = [
            f"\n{count(total.fates[name], 'row')} {FATES[name].words}"
            + "".join(f"\n  {example}" for example in total.examples[name])
            for name in FAULTS
            if total.fates[name]
        ]
        raise EventError(f"--strict: rows are wrong, nothing is written:{''.join(wrong)}")
    return total


# Candidates → rows kept


@dataclass(frozen=True)
class _Chosen:
    """The rows kept, counted, by dyad in order of name and by day of publication; those dropped by fate."""

    fates: Counter[str]
    examples: dict[str, list[str]]
    rows: int
    lowest_probability: float
    daily: Counter[date]
    by_dyad: dict[tuple[str, str], int]
    by_category: dict[str, int]
    first: date
    last: date


def _choose_rows(
    connection: DuckDBPyConnection, options: ImportOptions, volumes: Mapping[date, int]
) -> _Chosen:
    """Decide which candidates are kept, and leave them in the table ``kept`` of the connection.

    ``volumes`` are the rows of the whole archive by day of publication.
    """
    switches = options.switches
    connection.execute(
        f"""CREATE TABLE rows AS
SELECT *, event_id IS NOT NULL
    AND row_number() OVER (PARTITION BY event_id, a, b, code ORDER BY turn) > 1 AS again
FROM (SELECT *, row_number() OVER (ORDER BY {_ORDER}) - 1 AS turn FROM candidates)"""
    )
    place = "''" if switches.ignore_place else "coalesce(place, '')"
    # Rows of one group could be one act: same actors (either way round where it is mutual), code and place.
    actors = [
        f"CASE WHEN mutual THEN {end}(a, b) ELSE {side} END"
        for end, side in (("least", "a"), ("greatest", "b"))
    ]
    columns: dict[str, Any] = connection.execute(
        f"""SELECT CAST(date_diff('day', DATE '1970-01-01', day) AS BIGINT) AS day,
  CAST(date_diff('day', DATE '1970-01-01', known) AS BIGINT) AS known,
  CAST(dense_rank() OVER (ORDER BY {", ".join(actors)}, counts_as, {place}) AS BIGINT) AS grp,
  CAST(dense_rank() OVER (ORDER BY a, b, category) AS BIGINT) AS stream,
  (CASE WHEN mutual THEN a < b ELSE NOT swapped END) AS forward,
  again
FROM rows ORDER BY turn"""
    ).fetchnumpy()
    columns = {name: np.asarray(values) for name, values in columns.items()}
    fates = np.where(columns["again"], np.int8(SAME_ID), np.int8(SOUND))
    alive = np.flatnonzero(fates == SOUND)
    fates[alive] = mark_repeats(
        *(columns[name][alive] for name in ("day", "grp", "forward")),
        repeat_days=switches.repeat_days,
        mirrored=switches.merge_mirrored,
    )
    if switches.cap_per_day is not None:
        fates = mark_over_cap(columns["day"], columns["stream"], fates, switches.cap_per_day)
    lowest = 1.0
    if switches.normalise:
        kept = keep_probabilities(volumes)
        chances = [kept.get(day, 1.0) for day in columns["known"].astype("datetime64[D]").tolist()]
        names = connection.execute(
            "SELECT coalesce(event_id, concat_ws('|', day, a, b, code, turn)) FROM rows ORDER BY turn"
        ).fetchall()
        for row, (name,) in enumerate(names):
            if fates[row] == SOUND and lot(name, switches.seed) >= chances[row]:
                fates[row] = THINNED
        lowest = min(chances, default=1.0)
    connection.register("verdicts", {"turn": np.arange(len(fates)), "fate": fates})
    connection.execute("CREATE TABLE decided AS SELECT rows.*, fate FROM rows JOIN verdicts USING (turn)")
    connection.execute(f"CREATE VIEW kept AS SELECT * FROM decided WHERE fate = {SOUND}")

    def counted(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"SELECT {query}").fetchall()

    examples: dict[str, list[str]] = defaultdict(list)
    for fate, *act in counted(
        f"fate, coalesce(event_id, ''), day, a, b, code FROM decided WHERE fate <> {SOUND} "
        f"QUALIFY row_number() OVER (PARTITION BY fate ORDER BY turn) <= {SHOWN} ORDER BY turn"
    ):
        examples[_BY_CODE[fate]].append(clean_text("row {}: {} {} to {}, code {}".format(*act)))
    ((rows, first, last),) = counted("count(*), min(day), max(day) FROM kept")
    return _Chosen(
        fates=Counter(
            {
                _BY_CODE[code]: number
                for code, number in counted("fate, count(*) FROM decided WHERE fate > 0 GROUP BY ALL")
            }
        ),
        examples=examples,
        rows=rows,
        lowest_probability=lowest,
        daily=Counter(dict(counted("known, count(*) FROM kept GROUP BY ALL"))),
        by_dyad={
            (low, high): number
            for low, high, number in counted("least(a, b), greatest(a, b), count(*) FROM kept GROUP BY ALL")
        },
        by_category=dict(
            counted("category, count(*) AS number FROM kept GROUP BY ALL ORDER BY number DESC, category")
        ),
        first=first,
        last=last,
    )


def mark_repeats(
    day: Whole, group: Whole, forward: NDArray[np.bool_], *, repeat_days: int | None, mirrored: bool
) -> Fates:
    """Mark the rows that report again an act that an earlier row reports.

    Parameters
    ----------
    day, group, forward : ndarray, shape (row,)
        Day of the act, in the order in which the rows became known; rows of one group could be one act;
        direction of the row within its group.
    repeat_days : int or None
        Rows of one direction are one act when their days differ by at most this; ``None``: never.
    mirrored : bool
        Whether rows of opposite direction are one act, when their days differ by at most ``MIRROR_DAYS`` (or
        ``repeat_days``, if that is more).
    """
    fates = np.zeros(len(day), dtype=np.int8)
    kept: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    other_days = max(MIRROR_DAYS, repeat_days or 0)
    rows = zip(day.tolist(), group.tolist(), forward.tolist(), strict=True)
    for row, (when, which, side) in enumerate(rows):
        if repeat_days is not None and _near(kept[which, side], when, repeat_days):
            fates[row] = REPEATED
        elif mirrored and _near(kept[which, not side], when, other_days):
            fates[row] = MIRRORED
        else:
            insort(kept[which, side], when)
    return fates


def _near(days: list[int], when: int, window: int) -> bool:
    at = bisect_left(days, when - window)
    return at < len(days) and days[at] <= when + window


def mark_over_cap(day: Whole, stream: Whole, fates: Fates, cap: int) -> Fates:
    """Mark the rows beyond the first ``cap`` of a stream (direction and category) on a day.

    Arrays as in ``mark_repeats``; rows that are not kept do not count.
    """
    marked = fates.copy()
    seen: Counter[tuple[int, int]] = Counter()
    for row in np.flatnonzero(fates == SOUND).tolist():
        key = int(day[row]), int(stream[row])
        seen[key] += 1
        if seen[key] > cap:
            marked[row] = OVER_CAP
    return marked


def keep_probabilities(volumes: Mapping[date, int]) -> dict[date, float]:
    """Return the probability with which a row published on each day is kept, from the archive's volumes."""
    days = sorted(day for day, volume in volumes.items() if volume > 0)
    first = [volumes[day] for day in days[:WINDOW]]
    # Within the first window the mean of less than a window would be noise, not growth.
    kept = dict.fromkeys(days[:WINDOW], 1.0)
    for place in range(WINDOW, len(days)):
        recent = [volumes[past] for past in days[place + 1 - WINDOW : place + 1]]
        kept[days[place]] = min(1.0, (sum(first) / len(first)) / (sum(recent) / len(recent)))
    return kept


def lot(event_id: str, seed: int) -> float:
    """Return a number in [0, 1) that belongs to a row for good: uniform over ids."""
    digest = hashlib.blake2b(f"{seed}\x1f{event_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


# Rows kept → an event file


def _write_events(engine: Engine, output: Path) -> None:
    """Write the rows kept in order of day and id."""
    layout = engine.options.layout
    if output.suffix != PARQUET:
        with new_text(output) as stream:
            _write_rows(engine.connection, stream, layout)
        return
    rows, packed = engine.folder / "rows.csv", engine.folder / "rows.parquet"
    with rows.open("w", encoding="utf-8", newline="") as stream:
        _write_rows(engine.connection, stream, layout)
    engine.connection.execute(
        f"COPY (SELECT * FROM read_csv({quoted(literal_path(rows))}, header=true, all_varchar=true, "
        f"delim=',', quote='\"', escape='\"', nullstr='\\0', hive_partitioning=false)) "
        f"TO {quoted(str(packed))} (FORMAT parquet, COMPRESSION zstd)"
    )
    copy_file(packed, output)


def _write_rows(connection: DuckDBPyConnection, stream: TextIO, layout: Layout) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(WRITTEN)
    # Rows without an id of their own get one from their content; acts coded alike are numbered.
    content = (
        "translate(concat_ws('|', day, a, b, code, mode, place, title, note, url), chr(9) || chr(10), '  ')"
    )
    cursor = connection.execute(
        f"""WITH named AS (SELECT *, coalesce(event_id, left(md5({content}), 16)) AS base FROM kept),
numbered AS (SELECT *, row_number() OVER (PARTITION BY base ORDER BY turn) AS copy FROM named)
SELECT {", ".join(CANDIDATE)}, base || CASE WHEN copy = 1 THEN '' ELSE '-' || copy END AS id
FROM numbered ORDER BY day, id"""
    )
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        writer.writerows(event_cells(dict(zip((*CANDIDATE, "id"), row, strict=True)), layout) for row in rows)


def event_cells(row: Mapping[str, Any], layout: Layout) -> list[str]:
    """Return the cells of an event, in the order of ``WRITTEN``, from a candidate and its ``id``."""
    cameo = row["code"] if layout.system == "cameo" and row["code"] in cameo_codes() else ""
    url = clean_text(row["url"] or "")
    linked = url.lower().startswith(("http://", "https://")) and len(url) <= MAX_CELL_CHARS
    title = clean_text(row["title"] or ("" if linked else url))[:MAX_TITLE]
    outlet = clean_text(row["outlet"] or (_host(url) if linked else ""))
    known = row["known"].isoformat()
    kind = f"{layout.system} {row['code']} {row['mode'] or ''}"
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
        "subcategory": "" if layout.system == "own" else _PUNCTUATION.sub("_", kind.lower()).strip("_"),
        "cameo": cameo,
        "severity": str(row["severity"]),
        "summary": clean_text(summary)[:MAX_CELL_CHARS],
        "source_outlet": outlet[:MAX_TITLE],
        "source_title": title,
        "source_url": url if linked else "",
        "source_date": known if layout.known_date else "",
        "x_score": "" if row["scale"] is None else f"{row['scale']:g}",
        "x_mentions": "" if row["mentions"] is None else str(row["mentions"]),
    }
    return [cells.get(name, "") for name in WRITTEN]


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


# What to know of the result


def _warn_of(options: ImportOptions, total: Tally, chosen: _Chosen) -> Iterator[str]:
    """Yield one sentence for each thing that would otherwise be found out late."""
    layout, switches = options.layout, options.switches
    if not layout.known_date:
        yield f"{layout.name} files have no date of publication; an act counts as known on its own day."
    elif switches.known_date == "published":
        day, rows = max(sorted(chosen.daily.items()), key=lambda item: item[1])
        span = (chosen.last - chosen.first).days
        if rows > BULK_SHARE * chosen.rows and span > BULK_DAYS and rows > BULK_DAYS:
            yield (
                f"{rows:,} of {chosen.rows:,} events were published on {day}: a back-file loaded at once. "
                "Before that day a forecast knows none of them; --known-date act takes their own days."
            )
    for dyad in options.dyads:
        if (min(dyad), max(dyad)) not in chosen.by_dyad:
            yield f"no event of {','.join(dyad)} is left."
    wrong = sum(total.fates[name] for name in FAULTS)
    if wrong > MANY_FAULTS * total.rows:
        yield f"{wrong / total.rows:.1%} of the rows are wrong in themselves; see the reasons above."
    if total.restored and layout.name not in ("gdelt1", "gdelt2", "icews"):
        yield "two-digit codes 10 to 20 may be 010 to 020 without their zero; they were read as 10 to 20."
    if not switches.normalise and len(total.volumes) > 2 * 365:
        yield "the archive's volume grows over the years; --normalise takes that out of the counts."


def _nothing_kept(engine: Engine, paths: Mapping[str, Path], rows: int, fates: Mapping[str, int]) -> str:
    """Return the message for rows of which none is kept: an actor that does not occur, or the reasons."""
    if not rows:
        return "no event rows: the files hold none"
    dyads = engine.options.dyads
    read, actors = engine.actors(paths)
    absent = next((actor for dyad in dyads for actor in dyad if actor not in actors), None)
    if absent is not None:
        near = near_actor(absent, actors)
        hint = f" Did you mean {near}?" if near else ""
        span = "these" if read == rows else "the first"
        named = ", ".join(actors[:SHOWN_ACTORS])
        return (
            f"no event is left: no actor {absent} occurs in {span} {read:,} rows.{hint} "
            f"Most frequent: {named}"
        )
    elsewhere = {*FAULTS, "actorless", "domestic", "others"}
    between = {name: number for name, number in ordered(fates).items() if name not in elsewhere}
    named = " or ".join("–".join(dyad) for dyad in dyads)
    if not between:
        return f"no event is left: no row is between {named}"
    reasons = "; ".join(f"{number:,} {FATES[name].words}" for name, number in between.items())
    return f"no event is left: of the rows between {named}, {reasons}"
