"""Forecasts at past as-of dates, put on record as the hindcasts they are.

Each is what ``forecast run`` would have said on that day: the whole pipeline, on what was known then. What is
on record already is not fitted again, so that stopped work goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from forecast import __version__
from forecast.config import Config, HeadlineConfig, MilestoneConfig, config_hash
from forecast.config.schema import LONGEST_HORIZON
from forecast.errors import InputError, StoppedError
from forecast.ledger.store import refuse_unusable
from forecast.progress import Listener, StageProgress
from forecast.runs.cautions import too_little, without_warnings
from forecast.runs.inputs import read_inputs
from forecast.workflows.forecast import fit, put_on_record


class Hindcasts(NamedTuple):
    """Forecasts that were not on record before, days that were, and those without a forecast, by why."""

    added: int
    skipped: int
    unconverged: tuple[date, ...]
    too_little: tuple[date, ...]


def hindcast(
    config: Config,
    days: Sequence[date],
    ahead_days: Sequence[int] | None,
    ledger: Path,
    listen: Listener | None = None,
) -> Hindcasts:
    """Forecast as of every day, for windows of these lengths, and put the forecasts on record.

    The config's calendar and scenarios, of another day, are not used. Windows of ``ahead_days`` days begin on
    the day after the as-of date; ``None`` asks about the config's own milestones.

    Raises ``InputError``: a day leaves no data to learn from or no day before a milestone, a length is out of
    range, or the ledger cannot be used; ``NotConvergedError``: the sampler could not run at all;
    ``StoppedError``: Ctrl-C was pressed.
    """
    longest = LONGEST_HORIZON.days - 1
    wrong = [length for length in ahead_days or () if not 1 <= length <= longest]
    if wrong:
        raise InputError(f"--ahead: {wrong[0]} days cannot be forecast. Allowed: 1 to {longest:,} days")
    recorded = refuse_unusable(ledger).forecasts
    on_record = {(entry.config_sha256, entry.data_sha256, entry.code_version) for entry in recorded}
    inputs = [read_inputs(_case(config, day, ahead_days)) for day in days]
    thin = tuple(case.config.as_of for case in inputs if any(too_little(case)))
    enough = [case for case in inputs if case.config.as_of not in thin]
    waiting = [
        case
        for case in enough
        if (config_hash(case.config), case.events.sha256, __version__) not in on_record
    ]

    added, unconverged = 0, []
    try:
        for place, case in enumerate(waiting):
            as_of = case.config.as_of

            def tell(progress: StageProgress, done: int = place, day: date = as_of) -> None:
                if listen:
                    listen(StageProgress("backtest", done, len(waiting), f"{day}: {progress.stage}"))

            with without_warnings():  # ``unconverged`` has them
                run = fit(None, case.config, tell, drivers=False)
            added += put_on_record(run, ledger, None)
            unconverged += [] if run.forecast.converged else [as_of]
    except KeyboardInterrupt:
        raise StoppedError(
            f"interrupted; finished quarters are on record in {ledger}. The same command goes on."
        ) from None
    return Hindcasts(added, len(enough) - len(waiting), tuple(unconverged), thin)


def _case(config: Config, day: date, ahead_days: Sequence[int] | None) -> Config:
    if ahead_days is None:
        tomorrow = day + timedelta(days=1)
        milestones = tuple(milestone for milestone in config.milestones if milestone.date > tomorrow)
        if not milestones:
            last = max(milestone.date for milestone in config.milestones)
            raise InputError(
                f"--to: no day lies between {day} and the last milestone, {last}. Give an earlier day"
            )
    else:
        milestones = tuple(
            MilestoneConfig(
                name=f"in-{length}-days", label=f"within {length} days", date=day + timedelta(days=length + 1)
            )
            for length in dict.fromkeys(ahead_days)
        )
    asked = {milestone.name for milestone in milestones} & {config.headline.milestone}
    headline = HeadlineConfig(target=config.headline.target, milestone=min(asked, default=milestones[0].name))
    changed = {"as_of": day, "milestones": milestones, "headline": headline}
    return config.model_copy(update={**changed, "calendar": (), "scenarios": ()})
