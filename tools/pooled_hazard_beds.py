"""Score the pooled hazard beside the gamma–Poisson rate, dyads and coders left out; print Markdown tables.

    python tools/pooled_hazard_beds.py --data DATA [--file coefficients.json] [--bed NAME ...]

``DATA`` holds the folders ``panel``, ``mid`` and ``balkans``, ``us-china-2017-2023.csv`` and ``ends.csv``.
Every dyad is forecast by coefficients that were learned without it; then once more by those of each coder
alone.
Differences are log scores of the pooled hazard less those of the gamma–Poisson rate, with block-bootstrap
errors, dyads taken as independent.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from forecast.baselines import (
    Days,
    discounted_rate,
    find_record_start,
    monthly_origins,
    observe_outcomes,
    pasts_by_origin,
)
from forecast.bench.accuracy import read_dyads
from forecast.errors import ForecastError, InputError
from forecast.evaluation.forecast_table import ForecastTable, join_forecasts, make_forecasts
from forecast.evaluation.metrics import (
    N_LINE_RESAMPLES,
    PooledCalibration,
    calibration_line,
    log_score,
    pool_calibration,
    resampled_lines,
    with_interval,
)
from forecast.evaluation.score_table import compare_models
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.panel import TargetRule
from forecast.pooled_hazard.coefficients import PooledHazard, read_hazard, shipped_hazard
from forecast.pooled_hazard.hazard import forecast_origins
from forecast.records.base import HORIZONS

SEED = 20230710
HAZARD, ANCHOR = "pooled hazard", "gamma_poisson"
MILITARY = ("military_incident", "military_posture")
ESCALATION = ("sanction", "channel_closure", "military_incident", "military_posture", "dispute")


@dataclass(frozen=True)
class Bed:
    """Records, a target and origins: ``step`` takes every so many-th month from ``first`` on.

    ``coder`` coded the records; ``rows`` and ``early`` are the least rows of a record, in all and before the
    first origin.
    """

    data: str
    coder: str
    target: TargetRule
    first: date
    step: int = 1
    rows: int = 0
    early: int = 0
    until: date | None = None


BEDS = {
    "panel": Bed("panel", "KEDS", TargetRule("force", ("military_incident",), 5), date(1984, 1, 1)),
    "mid": Bed("mid", "MID", TargetRule("force", ("military_incident",), 4), date(1970, 1, 1), 1, 8, 2),
    "balkans": Bed("balkans", "KEDS", TargetRule("force", ("military_incident",), 5), date(1993, 1, 1)),
    **{
        f"us-china, {name}": Bed(
            "us-china-2017-2023.csv",
            "",
            TargetRule("target", kinds, severity),
            date(2019, 1, 1),
            step=3,
            until=date(2023, 7, 10),
        )
        for name, kinds, severity in (
            ("major", ESCALATION, 4),
            ("military", MILITARY, 3),
            ("large drills", MILITARY, 4),
        )
    },
}


def bed_records(bed: Bed, data: Path) -> dict[str, tuple[EventTable, date]]:
    """Events and last observed day of the dyads of a bed."""
    place = data / bed.data
    if not place.is_dir():
        return {place.stem: (read_events(place), bed.until or date.max)}
    rows = csv.DictReader((data / "ends.csv").read_text(encoding="utf-8").splitlines())
    ends = {row["file"]: date.fromisoformat(row["observed_until"]) for row in rows}
    found = {}
    for name, events in read_dyads(place).items():
        early = int((events.date < np.datetime64(bed.first)).sum())
        if len(events) >= bed.rows and early >= max(bed.early, 1):
            found[name] = events, ends[f"{bed.data}/{name}.csv"]
    return found


def forecast_dyad(hazard: PooledHazard, bed: Bed, events: EventTable, until: date) -> ForecastTable:
    """Forecast one dyad at the origins of a bed by the pooled hazard and the gamma–Poisson rate."""
    origins: Days = monthly_origins(bed.first, until)[:: bed.step]
    start = find_record_start(events, origins[0].item())
    horizons = np.array(HORIZONS)
    outcomes = observe_outcomes(events, bed.target, origins, horizons, until)
    said = forecast_origins(hazard, events, [bed.target], origins, start, horizons)[bed.target.name]
    pasts = pasts_by_origin(events, bed.target, origins, start)
    anchor = np.concatenate([discounted_rate(past, horizons) for past in pasts])
    answered = np.where(np.isnan(said), np.nan, outcomes.outcome)
    kept = replace(outcomes, outcome=answered)
    return join_forecasts(
        [make_forecasts(kept, said, model=HAZARD), make_forecasts(kept, anchor, model=ANCHOR)]
    )


def of_coder(hazard: PooledHazard, coder: str) -> PooledHazard:
    """Return the part of a hazard that was learned from one coder."""
    dyads = tuple(one for one in hazard.provenance.dyads if one.coder == coder)
    return hazard.model_copy(
        update={
            "coders": tuple(one for one in hazard.coders if one.coder == coder),
            "provenance": hazard.provenance.model_copy(update={"dyads": dyads}),
        }
    )


def score_lines(name: str, tables: Mapping[str, ForecastTable]) -> Iterator[str]:
    """Rows of the Markdown table: both scores, their difference and the calibration slope by horizon."""
    ours, theirs, gaps, slopes = [], [], [], []
    for days in HORIZONS:
        some = [rows for one in tables.values() if len(rows := one.select(horizon_days=days))]
        ours.append(np.mean([mean_log(one, HAZARD) for one in some]))
        theirs.append(np.mean([mean_log(one, ANCHOR) for one in some]))
        found = [compare_models(one, HAZARD, ANCHOR, seed=SEED) for one in some]
        error = math.sqrt(sum(one.se**2 for one in found)) / len(found)
        gaps.append((float(np.mean([one.value for one in found])), error))
        # Two dyads are too few to resample: then it is their origins.
        pooled = (
            pool_dyads(some, HAZARD, SEED)
            if len(some) > 2
            else pool_calibration(join_forecasts(map(told_apart, some, "AB")), HAZARD, SEED)
        )
        slopes.append(f"{pooled.slope.value:.2f} ± {pooled.slope.se:.2f}")
    yield table_row(f"{name}: pooled hazard", [short(one) for one in ours])
    yield table_row("gamma–Poisson", [short(one) for one in theirs])
    yield table_row("difference", [f"{signed(value)} ± {short(error)}" for value, error in gaps])
    yield table_row("calibration slope", slopes)


def pool_dyads(
    tables: Sequence[ForecastTable], model: str, seed: int, n_resamples: int = N_LINE_RESAMPLES
) -> PooledCalibration:
    """Fit the calibration line of one model over several dyads; whole dyads are resampled.

    Errors are NaN for a single dyad: ``pool_calibration`` has those of its origins.
    """
    rows = [table.select(model=model) for table in tables]
    probability = np.concatenate([row.probability for row in rows])
    outcome = np.concatenate([row.outcome for row in rows])
    dyad = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    line = calibration_line(probability, outcome)
    spread = np.full(2, np.nan)
    if len(rows) > 1:
        drawn = np.random.default_rng(seed).integers(len(rows), size=(n_resamples, len(rows)))
        times = np.stack([np.bincount(places, minlength=len(rows)) for places in drawn]).astype(np.float64)
        lines = resampled_lines(probability, outcome, dyad, times)
        # A resample of dyads that all ended alike has no line.
        known = lines[~np.isnan(lines).any(axis=1)]
        if len(known) > 1:
            spread = np.std(known, axis=0, ddof=1)
    return PooledCalibration(
        model,
        with_interval(line.intercept, float(spread[0]), len(rows)),
        with_interval(line.slope, float(spread[1]), len(rows)),
    )


def told_apart(table: ForecastTable, target: str) -> ForecastTable:
    """Return the table of a dyad with its target renamed, so that two can be joined."""
    return replace(table, target=np.full(len(table), target, dtype=np.object_))


def mean_log(table: ForecastTable, model: str) -> float:
    """Mean log score of a model."""
    rows = table.select(model=model)
    return float(log_score(rows.probability, rows.outcome).mean())


def short(value: float) -> str:
    """``0.357`` as ``.357``."""
    return f"{value:.3f}".removeprefix("0")


def signed(value: float) -> str:
    """``-0.012`` as ``−.012``."""
    return ("−" if value < 0 else "+") + short(abs(value))


def table_row(name: str, cells: Sequence[str]) -> str:
    """One row of a Markdown table."""
    return f"| {name} | {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--file", type=Path, help="coefficients; default: those shipped")
    parser.add_argument("--bed", action="append", choices=sorted(BEDS), help="default: all")
    asked = parser.parse_args(arguments)
    try:
        print_tables(
            asked.data, read_hazard(asked.file) if asked.file else shipped_hazard(), asked.bed or BEDS
        )
    except ForecastError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def print_tables(data: Path, hazard: PooledHazard, beds: Sequence[str] | Mapping[str, Bed]) -> None:
    """Print a table of all coders, each dyad left out, and one of each coder alone on the others' records."""
    if not (data / "ends.csv").is_file():
        raise InputError(f"--data: {data} has no ends.csv. Give the folder of panel, mid and balkans")
    header = [
        table_row("log score", [f"{days} d" for days in HORIZONS]),
        table_row("---", ["---"] * len(HORIZONS)),
    ]
    views = {"all coders, the dyad left out": hazard}
    views |= {f"learned on {one.coder} alone": of_coder(hazard, one.coder) for one in hazard.coders}
    for title, view in views.items():
        only = view.coders[0].coder if len(view.coders) < len(hazard.coders) else None
        print(f"\n**{title[0].upper()}{title[1:]}**\n", *header, sep="\n")
        began, n_origins = time.process_time(), 0
        for name in beds:
            bed = BEDS[name]
            # Its own coder's records alone tell of a bed what all coders do.
            if only is not None and only == bed.coder and bed.data in ("panel", "mid"):
                continue
            tables = {
                dyad: forecast_dyad(view, bed, events, until)
                for dyad, (events, until) in bed_records(bed, data).items()
            }
            n_origins += sum(len(np.unique(one.origin)) for one in tables.values())
            print(*score_lines(name, tables), sep="\n", flush=True)
        spent = (time.process_time() - began) / max(n_origins, 1)
        print(f"\n{1000 * spent:.1f} ms of the processor an origin, both and scores together.")


if __name__ == "__main__":
    sys.exit(main())
