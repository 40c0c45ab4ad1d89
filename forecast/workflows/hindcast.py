"""Forecasts at past as-of dates, put on record as the hindcasts they are.

Each is what ``forecast run`` would have said on that day: the whole pipeline, on what was known then. What is
on record already is not fitted again, so that stopped work goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from forecast import __version__
from forecast.config import Config, HeadlineConfig, MilestoneConfig, config_hash
from forecast.config.cross_checks import LONGEST_HORIZON
from forecast.errors import InputError, StoppedError
from forecast.evaluation.study import Task, run_study
from forecast.ledger.store import refuse_unusable
from forecast.runs.cautions import without_warnings
from forecast.runs.inputs import Inputs, read_inputs
from forecast.workflows.forecast import Listener, StageProgress, make_forecast, put_on_record


@dataclass(frozen=True)
class Hindcasts:
    """Forecasts that were not on record before, days that were, and the days whose fit did not converge."""

    added: int
    skipped: int
    unconverged: tuple[date, ...]


def hindcast(
    config: Config,
    days: Sequence[date],
    ahead_days: Sequence[int] | None,
    ledger: Path,
    listen: Listener | None = None,
) -> Hindcasts:
    """Forecast as of every day, for windows of these lengths, and put the forecasts on record.

    The calendar and the scenarios of the config are of another day and are not used. Windows of
    ``ahead_days`` days, each at least 1, begin on the day after the as-of date; ``None`` asks about the
    config's own milestones instead, which gives the history of its numbers. ``listen`` is told of stage
    ``backtest``, in as-of dates.

    Raises
    ------
    InputError
        A day leaves no data to learn from or is after every milestone, a length is out of range, or the
        ledger cannot be used.
    NotConvergedError
        The sampler could not run at all.
    StoppedError
        Ctrl-C was pressed.
    """
    longest = LONGEST_HORIZON.days - 1
    wrong = [length for length in ahead_days or () if not 1 <= length <= longest]
    if wrong:
        raise InputError(f"--ahead: {wrong[0]} days cannot be forecast. Allowed: 1 to {longest:,} days")
    book = _HindcastRows(ledger)
    cases = [_case(config, day, ahead_days) for day in days]
    inputs = {_key(one): one for one in map(read_inputs, cases)}
    waiting = [key for key in inputs if book.row(key) is None]

    def work(inputs: Inputs) -> dict[str, Any]:
        day = inputs.config.as_of
        tell = _forwarded(listen, waiting.index(_key(inputs)), len(waiting), day)
        with without_warnings():  # told below
            run = make_forecast(inputs.config, tell, drivers=False)
        recorded = put_on_record(run, ledger, None)
        return {"added": recorded.added, "unconverged": None if run.forecast.converged else day.isoformat()}

    tasks = [Task(key, str(one.config.as_of), (one,)) for key, one in inputs.items()]
    study = run_study(work, tasks, lambda task, row: row, rows=book, strict=True)
    rows = list(study.results.values())
    unconverged = tuple(date.fromisoformat(day) for row in rows if (day := row["unconverged"]))
    return Hindcasts(sum(row["added"] for row in rows), len(days) - len(waiting), unconverged)


class _HindcastRows:
    """The ledger as the store of a study: a day is done once its forecasts are on record."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        recorded = refuse_unusable(ledger).forecasts
        self._keys = {(one.config_sha256, one.data_sha256, one.code_version) for one in recorded}

    def row(self, key: str) -> Any | None:  # noqa: ANN401 - a row
        """Return an empty row for a day that is on record."""
        return {"added": 0, "unconverged": None} if tuple(key.split()) in self._keys else None

    def keep(self, key: str, row: Any) -> None:  # noqa: ANN401 - a row
        """Do nothing: the work puts its forecasts on record."""

    def damaged(self, key: str, name: str, error: Exception) -> InputError:
        """Return the refusal of an entry that cannot be read."""
        return InputError(f"{self._ledger}: the entry of {name} cannot be read ({error})")

    def stopped(self, done: int, planned: int) -> StoppedError:
        """Return what is said when the work is stopped."""
        return StoppedError(
            f"interrupted; {done} of {planned} days are on record in {self._ledger}. The same command goes "
            "on."
        )


def quarter_days(first: date, last: date) -> list[date]:
    """First days of the quarters in a span, both ends included (``InputError`` when there is none)."""
    years = range(first.year, last.year + 1)
    days = [date(year, month, 1) for year in years for month in (1, 4, 7, 10)]
    found = [day for day in days if first <= day <= last]
    if not found:
        raise InputError(f"no quarter begins between {first} and {last}. Give a longer span")
    return found


def _case(config: Config, day: date, ahead_days: Sequence[int] | None) -> Config:
    if ahead_days is None:
        milestones = tuple(one for one in config.milestones if one.date > day)
        if not milestones:
            last = max(one.date for one in config.milestones)
            raise InputError(f"--to: {day} is not before the last milestone, {last}. Give an earlier day")
    else:
        milestones = tuple(
            MilestoneConfig(
                name=f"in-{length}-days", label=f"within {length} days", date=day + timedelta(days=length + 1)
            )
            for length in dict.fromkeys(ahead_days)
        )
    asked = {one.name for one in milestones} & {config.headline.milestone}
    headline = HeadlineConfig(target=config.headline.target, milestone=min(asked, default=milestones[0].name))
    changed = {"as_of": day, "milestones": milestones, "headline": headline}
    return config.model_copy(update={**changed, "calendar": (), "scenarios": ()})


def _key(inputs: Inputs) -> str:
    """What tells one hindcast from another: its config, its data, the version of the code."""
    return f"{config_hash(inputs.config)} {inputs.events.sha256} {__version__}"


def _forwarded(listen: Listener | None, done: int, planned: int, day: date) -> Listener:
    def tell(progress: StageProgress) -> None:
        if listen:
            listen(StageProgress("backtest", done, planned, f"{day}: {progress.stage}"))

    return tell
