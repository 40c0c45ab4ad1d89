"""The runs below a folder, newest first, with the history of each: what ``forecast app reports/`` shows."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

from forecast.app.engine import Engine
from forecast.app.opening import open_engine
from forecast.app.state import StateError
from forecast.errors import ForecastError, RunFolderError
from forecast.records.base import Record
from forecast.records.forecast import Forecast
from forecast.report.judgement import headline_pair, question_sentence
from forecast.runs import files
from forecast.runs.folder import read_record, run_folders

_MOST_OPEN = 4
"""Runs kept in memory; each takes some hundred megabytes."""


class ListedHeadline(Record):
    """The bottom line of a run."""

    target: str
    milestone: str
    label: str
    date: date
    probability: float
    low: float
    high: float
    words: str
    sentence: str


class ListedRun(Record):
    """A run of the list; ``page`` is the address of its page, ``reason`` why it has none.

    Runs of one ``name`` ask about the same relation as of different days: they are its history.
    """

    n: int
    name: str
    title: str
    run_id: str
    as_of: date
    converged: bool
    headline: ListedHeadline | None
    page: str | None
    reason: str | None


class Listing(Record):
    """All runs, by name, the newest first."""

    folder: str
    runs: tuple[ListedRun, ...]


class RunList:
    """The runs below a folder; numbers are given when the server starts and stay."""

    def __init__(self, folder: Path) -> None:
        self._name = folder.resolve().name
        self.folders = tuple(run_folders(folder))
        if not self.folders:
            raise RunFolderError(
                f"{folder}: holds no run. Give a run folder, or one with runs below it, e.g. reports; "
                "'forecast run' makes them"
            )
        self._open: dict[int, Engine] = {}
        self._lock = threading.Lock()

    def engine(self, number: int) -> Engine:
        """Return the engine of a run, read when it is first asked for; those asked for last are kept."""
        if not 0 <= number < len(self.folders):
            raise StateError(f"there is no run of number {number}")
        with self._lock:
            found = self._open.pop(number, None)
            while len(self._open) >= _MOST_OPEN:
                del self._open[next(iter(self._open))]
            self._open[number] = found or open_engine(self.folders[number])
            return self._open[number]

    @property
    def open(self) -> frozenset[int]:
        """Numbers of the runs that are kept."""
        return frozenset(self._open)

    def listing(self, token: str) -> Listing:
        """Read the bottom line of every run; one that cannot be read says why."""
        runs = [self._listed(number, folder, token) for number, folder in enumerate(self.folders)]
        runs.sort(key=lambda one: one.as_of, reverse=True)
        runs.sort(key=lambda one: one.name)
        return Listing(folder=self._name, runs=tuple(runs))

    def _listed(self, number: int, folder: Path, token: str) -> ListedRun:
        try:
            forecast = read_record(folder / files.FORECAST, Forecast)
        except ForecastError as error:
            return ListedRun(
                n=number,
                name=folder.parent.name,
                title=folder.name,
                run_id="",
                as_of=date.min,
                converged=False,
                headline=None,
                page=None,
                reason=str(error),
            )
        target, milestone = headline_pair(forecast)
        whole = (folder / files.POSTERIOR).is_file()
        return ListedRun(
            n=number,
            name=forecast.name,
            title=forecast.dyad.label,
            run_id=forecast.run_id,
            as_of=forecast.as_of,
            converged=forecast.converged,
            headline=ListedHeadline(
                target=target.name,
                milestone=milestone.name,
                label=target.label,
                date=milestone.date,
                probability=milestone.probability,
                low=milestone.interval90[0],
                high=milestone.interval90[1],
                words=milestone.words,
                sentence=question_sentence(target, milestone),
            ),
            page=f"runs/{number}/?token={token}" if whole else None,
            reason=None if whole else f"kept without its draws ({files.POSTERIOR})",
        )
