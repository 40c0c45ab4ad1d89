"""Forecasts at past as-of dates, put on record as the hindcasts they are.

Each is what ``forecast run`` would have said on that day: the whole pipeline, on what was known then. What is
on record already is not fitted again, so that stopped work goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from forecast import __version__
from forecast.config import Config, HeadlineConfig, MilestoneConfig, config_hash
from forecast.config.cross_checks import LONGEST_HORIZON
from forecast.errors import InputError
from forecast.ledger.book import Book
from forecast.ledger.recording import Recorded
from forecast.ledger.store import refuse_unusable
from forecast.runs.inputs import Inputs, read_inputs
from forecast.workflows.forecast import Listener, StageProgress, make_forecast, put_on_record
from forecast.workflows.verdict import without_warnings


@dataclass(frozen=True)
class Hindcasts:
    """What was put on record, and the as-of dates whose fit did not converge."""

    recorded: tuple[Recorded, ...]
    skipped: int
    unconverged: tuple[date, ...]

    @property
    def added(self) -> int:
        """Forecasts that were not on record before."""
        return sum(one.added for one in self.recorded)


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
    """
    longest = LONGEST_HORIZON.days - 1
    wrong = [length for length in ahead_days or () if not 1 <= length <= longest]
    if wrong:
        raise InputError(f"--ahead: {wrong[0]} days cannot be forecast. Allowed: 1 to {longest:,} days")
    book = refuse_unusable(ledger)
    cases = [_case(config, day, ahead_days) for day in days]
    inputs = [read_inputs(case) for case in cases]
    recorded, unconverged = [], []
    waiting = [one for one in inputs if not _on_record(book, one)]
    for done, one in enumerate(waiting):
        tell = _forwarded(listen, done, len(waiting), one.config.as_of)
        with without_warnings():  # told below
            run = make_forecast(one.config, tell, drivers=False)
        if not run.forecast.converged:
            unconverged.append(one.config.as_of)
        recorded.append(put_on_record(run, ledger, None))
    return Hindcasts(tuple(recorded), len(inputs) - len(waiting), tuple(unconverged))


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


def _on_record(book: Book, inputs: Inputs) -> bool:
    made_from = (config_hash(inputs.config), inputs.events.sha256, __version__)
    return any(
        (entry.config_sha256, entry.data_sha256, entry.code_version) == made_from for entry in book.forecasts
    )


def _forwarded(listen: Listener | None, done: int, planned: int, day: date) -> Listener:
    def tell(progress: StageProgress) -> None:
        if listen:
            listen(StageProgress("backtest", done, planned, f"{day}: {progress.stage}"))

    return tell
