"""How fast feeds are read: a whole import from zipped text and from Parquet, beside pandas reading the same.

Each measurement runs in a process of its own, so that its peak of memory is its own. pandas does less: it
reads the columns needed and picks the rows of the dyad, where the import judges every row, counts reasons,
takes repeats out and writes events. Both must find the same rows of the dyad.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from forecast.bench.stages import peak_mebibytes
from forecast.blocks import Block, Prose, plain_table, right
from forecast.errors import EventError
from forecast.events.codebook import cameo_codes, countries
from forecast.events.rows import literal_path
from forecast.feeds.engine import quoted
from forecast.feeds.formats import GDELT2

DYAD = ("USA", "CHN")
MEMORY_MB = 600
CHUNK_ROWS = 200_000
_ASKED = {*GDELT2.required, "IsRootEvent", "NumMentions", "NumSources"}
_NEEDED = [name for name in GDELT2.columns if name in _ASKED]
FIRST_DAY = date(2020, 1, 1)
ROWS_A_DAY = 200_000
"""About what GDELT 2.0 publishes a day."""
TEMPLATE_ROWS = 4_000
COMPRESSION = 6
"""Level at which the archive's own files are packed."""

_ID, _DAY, _ADDED = (GDELT2.columns.index(name) for name in ("GLOBALEVENTID", "SQLDATE", "DATEADDED"))
_OUTSIDE = ("actorless", "domestic", "others")
Outcome = tuple[int, int]
"""Rows read, and rows of the dyad among them."""
Reader = Callable[[Sequence[Path], Path, int], Outcome]


@dataclass(frozen=True)
class IngestRun:
    """One way of reading the rows: by ``import`` or ``pandas``, from ``zipped text`` or ``Parquet``.

    ``processor_seconds`` are of all processors together; the peak of memory counts Python and libraries too.
    """

    reader: str
    source: str
    rows: int
    dyad_rows: int
    seconds: float
    processor_seconds: float
    peak_mebibytes: float

    @property
    def rows_per_second(self) -> float:
        """Rows a second on the clock."""
        return self.rows / self.seconds


@dataclass(frozen=True)
class IngestReport:
    """What was read, and what was measured.

    ``load`` is that of the machine in the minute before: above zero, others took part.
    """

    rows: int
    files: int
    text_bytes: int
    processors: int
    load: float
    runs: list[IngestRun]

    def blocks(self) -> Iterator[Block]:
        """Yield what was read, how fast, and on what machine."""
        size = self.text_bytes / 1e6
        rows = (
            (
                f"{run.reader}, {run.source}",
                f"{run.rows_per_second:,.0f}",
                f"{run.seconds:.1f}",
                f"{run.processor_seconds:.1f}",
                f"{run.peak_mebibytes:,.0f}",
                f"{run.dyad_rows:,}",
            )
            for run in self.runs
        )
        title = f"{self.rows:,} GDELT 2.0 rows of {self.files:,} days ({size:,.0f} MB as text), one dyad"
        heads = map(right, ("rows/s", "seconds", "processor s", "peak MiB", "of dyad"))
        yield plain_table(("", *heads), rows, title)
        yield Prose(f"{self.processors} processors; load {self.load:.1f} when it began.")
        if not any(run.reader == "pandas" for run in self.runs):
            yield Prose("pandas left out: not installed.")


def measure_ingest(
    rows: int, tell: Callable[[str], None], *, threads: int = 2, seed: int = 0, sample: Path | None = None
) -> IngestReport:
    """Make rows (see ``make_feed``) and read them in every way that is installed.

    A million take about 450 MB as text, 60 MB zipped. ``tell`` hears what is being done.
    """
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="forecast-bench-") as name:
        folder = Path(name)
        tell(f"make {rows:,} rows")
        feed = make_feed(folder, rows, seed=seed, sample=sample)
        readers: list[tuple[str, Reader]] = [("import", _import)]
        if importlib.util.find_spec("pandas") is not None:
            readers.append(("pandas", _pandas))
        runs = []
        for source, files in (("zipped text", feed.zipped), ("Parquet", feed.parquet)):
            for reader, read in readers:
                tell(f"{reader}, {source}")
                runs.append(_alone(reader, source, read, files, folder, threads))
    return IngestReport(feed.rows, len(feed.zipped), feed.text_bytes, os.cpu_count() or 1, load, runs)


def _alone(
    reader: str, source: str, read: Reader, files: Sequence[Path], folder: Path, threads: int
) -> IngestRun:
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as pool:
        return IngestRun(reader, source, *pool.submit(_measured, read, files, folder, threads).result())


def _measured(
    read: Reader, files: Sequence[Path], folder: Path, threads: int
) -> tuple[int, int, float, float, float]:
    began, worked = time.perf_counter(), time.process_time()
    rows, dyad_rows = read(files, folder, threads)
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - worked
    return rows, dyad_rows, seconds, processor_seconds, _peak()


def _peak() -> float:
    """Most memory of this process alone, in MiB; the resource module would count the parent's before it."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return peak_mebibytes()


def _import(files: Sequence[Path], folder: Path, threads: int) -> Outcome:
    # Here, so that the processes of pandas do not hold the engine.
    from forecast.feeds.importing import import_feed
    from forecast.feeds.options import feed_options

    options = feed_options("gdelt2", [",".join(DYAD)], memory_mb=MEMORY_MB, threads=threads)
    report = import_feed(files, options, folder / "events.csv", fresh=True)
    return report.rows, report.rows - sum(report.fates.get(name, 0) for name in _OUTSIDE)


def _pandas(files: Sequence[Path], folder: Path, threads: int) -> Outcome:
    import pandas as pd

    rows = dyad_rows = 0
    as_text: dict[str, Any] = {
        "sep": "\t",
        "header": None,
        "dtype": str,
        "keep_default_na": False,
        "quoting": 3,
    }
    columns = [GDELT2.columns.index(name) for name in _NEEDED]
    for path in files:
        if path.suffix == ".parquet":
            frames = iter([pd.read_parquet(path, columns=_NEEDED)])
        else:
            frames = pd.read_csv(path, names=_NEEDED, usecols=columns, chunksize=CHUNK_ROWS, **as_text)
        for frame in frames:
            first, second = frame["Actor1CountryCode"], frame["Actor2CountryCode"]
            forth = (first == DYAD[0]) & (second == DYAD[1])
            back = (first == DYAD[1]) & (second == DYAD[0])
            rows += len(frame)
            dyad_rows += int((forth | back).sum())
    return rows, dyad_rows


@dataclass(frozen=True)
class MadeFeed:
    """Files, one a day, that hold the same rows twice; ``text_bytes`` is the size of the text, unpacked."""

    rows: int
    text_bytes: int
    zipped: tuple[Path, ...]
    parquet: tuple[Path, ...]


def make_feed(folder: Path, rows: int, *, seed: int = 0, sample: Path | None = None) -> MadeFeed:
    """Write GDELT 2.0 rows as zipped text and as Parquet, as many a day as GDELT publishes.

    They are made up, or those of the sample with fresh ids and dates.

    Raises
    ------
    EventError
        The sample holds no GDELT 2.0 rows.
    """
    template = _sampled(sample) if sample is not None else list(_made_up(Random(seed)))
    zipped, parquet, size, made = [], [], 0, 0
    for number in range(-(-rows // ROWS_A_DAY)):
        day = f"{FIRST_DAY + timedelta(days=number):%Y%m%d}"
        count = min(ROWS_A_DAY, rows - made)
        text = folder / f"{day}.export.CSV"
        size += _write_day(text, template, day, first_id=1 + made, count=count)
        packed = text.with_suffix(".CSV.zip")
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
            archive.write(text, text.name)
        parquet.append(_as_parquet(text))
        text.unlink()
        zipped.append(packed)
        made += count
    return MadeFeed(made, size, tuple(zipped), tuple(parquet))


def _write_day(path: Path, template: list[list[str]], day: str, *, first_id: int, count: int) -> int:
    """Write the rows of a day; return their size in bytes."""
    dated = []
    for cells in template:
        row = list(cells)
        row[_DAY], row[_ADDED] = day, f"{day}000000"
        dated.append("\t".join(row[1:]))
    size = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        for begin in range(0, count, len(dated)):
            picked = dated[: count - begin]
            lines = (f"{first_id + begin + at}\t{row}\n" for at, row in enumerate(picked))
            size += stream.write("".join(lines))
    return size


def _as_parquet(text: Path) -> Path:
    import duckdb

    parquet = text.with_suffix(".parquet")
    names = ", ".join(f"'{name}': 'VARCHAR'" for name in GDELT2.columns)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv({quoted(literal_path(text))}, columns={{{names}}}, delim='\\t', "
            f"quote='', escape='', header=false, auto_detect=false, hive_partitioning=false)) "
            f"TO {quoted(str(parquet))} (FORMAT parquet, COMPRESSION zstd)"
        )
    return parquet


def _sampled(sample: Path) -> list[list[str]]:
    try:
        lines = sample.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EventError(f"{sample}: cannot be read: {error}") from error
    rows = [line.split("\t") for line in lines]
    if not rows or any(len(row) != len(GDELT2.columns) for row in rows):
        raise EventError(f"{sample}: expected GDELT 2.0 rows of {len(GDELT2.columns)} tab-separated columns")
    return rows


def _made_up(chance: Random) -> Iterator[list[str]]:
    """Yield rows as wide as real ones: two in three with both countries, five hundred addresses."""
    names = sorted(countries())
    # The great powers take part in a third of all rows, as they do in the archive.
    weights = [40 if name in ("USA", "CHN", "RUS", "GBR") else 1 for name in names]
    codes = [code for code in cameo_codes() if len(code) >= 3]
    for _ in range(TEMPLATE_ROWS):
        code = chance.choice(codes)
        sides = chance.choices(names, weights, k=2)
        place = f"Place number {chance.randrange(10_000)}, Province {chance.randrange(300)}, Some Country"
        cells = {
            "MonthYear": "202001",
            "Year": "2020",
            "FractionDate": "2020.0027",
            "IsRootEvent": chance.choice("01"),
            "EventCode": code,
            "EventBaseCode": code[:3],
            "EventRootCode": code[:2],
            "QuadClass": chance.choice("1234"),
            "GoldsteinScale": f"{cameo_codes()[code].goldstein}",
            "NumMentions": str(chance.randrange(1, 40)),
            "NumSources": str(chance.randrange(1, 5)),
            "NumArticles": str(chance.randrange(1, 40)),
            "AvgTone": f"{chance.uniform(-10, 10):.14f}",
            "SOURCEURL": f"https://www.paper-{chance.randrange(500)}.example/world/{chance.randrange(10**9)}/story",
        }
        for number, side in enumerate(sides, start=1):
            if chance.random() < 0.8:
                cells |= {f"Actor{number}Code": side, f"Actor{number}CountryCode": side}
            cells[f"Actor{number}Name"] = f"ACTOR OF {side}"
            cells[f"Actor{number}Type1Code"] = chance.choice(["GOV", "MIL", "", "", "MED", "BUS"])
        for geography in ("Actor1Geo", "Actor2Geo", "ActionGeo"):
            cells |= {
                f"{geography}_Type": "4",
                f"{geography}_FullName": place,
                f"{geography}_CountryCode": "XX",
                f"{geography}_ADM1Code": "XX01",
                f"{geography}_Lat": f"{chance.uniform(-60, 60):.4f}",
                f"{geography}_Long": f"{chance.uniform(-180, 180):.3f}",
                f"{geography}_FeatureID": str(-chance.randrange(10**7)),
            }
        yield [cells.get(name, "") for name in GDELT2.columns]
