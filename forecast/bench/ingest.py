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
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from forecast.bench.made_feed import make_feed

DYAD = ("USA", "CHN")
MEMORY_MB = 600
CHUNK_ROWS = 200_000
_NEEDED = {
    "SQLDATE": 1,
    "Actor1CountryCode": 7,
    "Actor2CountryCode": 17,
    "IsRootEvent": 25,
    "EventCode": 26,
    "NumMentions": 31,
    "NumSources": 32,
    "DATEADDED": 59,
}
_OUTSIDE = ("actorless", "domestic", "others")
Outcome = tuple[int, int]
"""Rows read, and rows of the dyad among them."""


@dataclass(frozen=True)
class IngestRun:
    """One way of reading the rows.

    Parameters
    ----------
    reader : str
        ``import`` or ``pandas``.
    source : str
        ``zipped text`` or ``Parquet``.
    rows, dyad_rows : int
    seconds, processor_seconds : float
        On the clock, and of all processors together.
    peak_mebibytes : float
        Most memory of the process, Python and libraries included.
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
    """What was measured.

    Parameters
    ----------
    rows, files, text_bytes : int
        What was read.
    processors : int
    load : float
        Load of the machine over the last minute, when the measurements began: above zero, others took part.
    runs : list of IngestRun
    """

    rows: int
    files: int
    text_bytes: int
    processors: int
    load: float
    runs: list[IngestRun]


def measure_ingest(
    rows: int, tell: Callable[[str], None], *, threads: int = 2, seed: int = 0, sample: Path | None = None
) -> IngestReport:
    """Make rows and read them in every way that is installed.

    Parameters
    ----------
    rows : int
        How many; a million take about 450 MB as text, 60 MB zipped.
    tell : callable
        Told what is being done.
    threads : int
        Threads of the engine.
    seed : int
        Of the made-up rows.
    sample : Path, optional
        GDELT 2.0 rows to repeat instead of made-up ones.
    """
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="forecast-bench-") as name:
        folder = Path(name)
        tell(f"make {rows:,} rows")
        feed = make_feed(folder, rows, seed=seed, sample=sample)
        readers: list[tuple[str, Callable[[Sequence[Path], Path, int], Outcome]]] = [("import", _import)]
        if importlib.util.find_spec("pandas") is not None:
            readers.append(("pandas", _pandas))
        runs = []
        for source, files in (("zipped text", feed.zipped), ("Parquet", feed.parquet)):
            for reader, read in readers:
                tell(f"{reader}, {source}")
                runs.append(_alone(reader, source, read, files, folder, threads))
    return IngestReport(feed.rows, len(feed.zipped), feed.text_bytes, os.cpu_count() or 1, load, runs)


def _alone(
    reader: str,
    source: str,
    read: Callable[[Sequence[Path], Path, int], Outcome],
    files: Sequence[Path],
    folder: Path,
    threads: int,
) -> IngestRun:
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as pool:
        rows, dyad_rows, *measured = pool.submit(_measured, read, files, folder, threads).result()
    return IngestRun(reader, source, int(rows), int(dyad_rows), *measured)


def _measured(
    read: Callable[[Sequence[Path], Path, int], Outcome], files: Sequence[Path], folder: Path, threads: int
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
    from forecast.bench.stages import peak_mebibytes

    return peak_mebibytes()


def _import(files: Sequence[Path], folder: Path, threads: int) -> Outcome:
    from forecast.feeds.importing import import_feed
    from forecast.feeds.options import feed_options

    options = feed_options("gdelt2", [",".join(DYAD)], memory_mb=MEMORY_MB, threads=threads)
    report = import_feed(files, options, folder / "events.csv", fresh=True)
    return report.rows, report.rows - sum(report.fates.get(name, 0) for name in _OUTSIDE)


def _pandas(files: Sequence[Path], folder: Path, threads: int) -> Outcome:
    import pandas as pd

    rows = dyad_rows = 0
    names = list(_NEEDED)
    for path in files:
        if path.suffix == ".parquet":
            frames = iter([pd.read_parquet(path, columns=names)])
        else:
            frames = pd.read_csv(
                path,
                sep="\t",
                header=None,
                names=names,
                usecols=list(_NEEDED.values()),
                dtype=str,
                keep_default_na=False,
                quoting=3,
                chunksize=CHUNK_ROWS,
            )
        for frame in frames:
            first, second = frame["Actor1CountryCode"], frame["Actor2CountryCode"]
            forth = (first == DYAD[0]) & (second == DYAD[1])
            back = (first == DYAD[1]) & (second == DYAD[0])
            rows += len(frame)
            dyad_rows += int((forth | back).sum())
    return rows, dyad_rows
