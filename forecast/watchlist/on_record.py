"""The forecasts of a watch on record: one a dyad, target and milestone, in one piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from forecast import __version__
from forecast.config import config_hash
from forecast.config.describe import reported_by
from forecast.ledger.recording import RunOrigin, forecast_entries
from forecast.ledger.store import write_ledger
from forecast.records.forecast import Diagnostics, DyadRecord, Forecast
from forecast.records.watch import DyadEntry
from forecast.runs.inputs import config_scale, dyad_rule, target_rules
from forecast.runs.run import run_id
from forecast.watchlist.dyad_runs import Job

NOT_SAMPLED = Diagnostics(
    rhat_max=float("nan"),
    ess_bulk_min=float("nan"),
    ess_tail_min=float("nan"),
    divergences=0,
    bfmi_min=float("nan"),
    failures=(),
)
"""Diagnostics where the record of a dyad was all that was at hand: nothing failed."""


def put_watch_on_record(
    ledger: Path, entries: Sequence[DyadEntry], jobs: Mapping[str, Job], folder: Path
) -> int:
    """Put the forecasts of a watch into a ledger; what is there already stays as it was.

    Dyads without numbers are not recorded.

    Parameters
    ----------
    ledger : Path
    entries : sequence of DyadEntry
    jobs : mapping of str to Job
        By the name of the dyad.
    folder : Path
        Of the watch.

    Returns
    -------
    int
        How many forecasts were added.

    Raises
    ------
    LedgerError
        The ledger cannot be used.
    """
    every = []
    for one in entries:
        if one.targets:
            job = jobs[one.name]
            origin = RunOrigin(
                dyad=dyad_rule(job.config),
                config_sha256=config_hash(job.config),
                data_sha256=job.events.sha256,
                code_version=__version__,
                made_on=datetime.now(UTC),
                run_folder=folder / one.name,
            )
            every += forecast_entries(_forecast(one, job), target_rules(job.config), origin)
    with write_ledger(ledger) as book:
        return sum([book.append(entry) for entry in every])


def _forecast(one: DyadEntry, job: Job) -> Forecast:
    return Forecast(
        schema=4,
        run_id=run_id(job.config, job.events),
        name=job.config.name,
        dyad=DyadRecord(a=one.a, b=one.b, label=one.label),
        as_of=job.config.as_of,
        model=one.model or job.config.model.family,
        converged=True,
        fits=(NOT_SAMPLED,),
        targets=one.targets,
        headline=one.question,
        scale=config_scale(job.config),
        reported_by=reported_by(job.config),
        drivers=(),
        timings_s={},
        versions={},
    )
