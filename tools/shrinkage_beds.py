"""Shrink the pooled hazard towards a base rate: learn how much on one bed, score it on the others.

    python tools/shrinkage_beds.py --data DATA

``DATA`` as for ``pooled_hazard_beds.py``, every third month of ``panel`` and ``mid``. At each horizon one
factor s is learned that minimises the log score of logit q = logit b + s (logit p − logit b), where p is the
hazard's forecast and b the base rate. Printed is s, and the log score of q less that of p on the other beds:
the mean over dyads with its bootstrap error over dyads (below 0: shrinking pays).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pooled_hazard_beds import BEDS, HAZARD, SEED, Bed, bed_records, signed, table_row
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from forecast.baselines import METHODS, find_record_start, monthly_origins, observe_outcomes, pasts_by_origin
from forecast.errors import ForecastError
from forecast.evaluation.metrics import log_score
from forecast.events.table import EventTable
from forecast.pooled_hazard.coefficients import shipped_hazard
from forecast.pooled_hazard.hazard import forecast_origins
from forecast.records.horizons import HORIZONS

EVEN = "even odds"
TOWARDS = ("climatology", "gamma_poisson", EVEN)
LEARNED_ON = {"panel": ("mid", "balkans"), "mid": ("panel", "balkans")}
FLOOR = 1e-3
RESAMPLES = 2000

# By model and horizon: probabilities and outcomes of one dyad, shape (origin,).
Windows = dict[str, np.ndarray]


def dyad_windows(bed: Bed, events: EventTable, until: object) -> list[Windows]:
    """Forecasts, base rates and outcomes of one dyad, one entry a horizon; the hazard learned without it."""
    origins = monthly_origins(bed.first, until)[:: bed.step]
    start = find_record_start(events, origins[0].item())
    horizons = np.array(HORIZONS)
    shape = (len(origins), len(horizons))
    outcome = np.asarray(observe_outcomes(events, bed.target, origins, horizons, until).outcome, float)
    said = forecast_origins(shipped_hazard(), events, [bed.target], origins, start, horizons)
    pasts = list(pasts_by_origin(events, bed.target, origins, start))
    columns = {"outcome": outcome.reshape(shape), HAZARD: said[bed.target.name].reshape(shape)}
    for name in ("climatology", "gamma_poisson"):
        columns[name] = np.concatenate([METHODS[name](past, horizons) for past in pasts]).reshape(shape)
    columns[EVEN] = np.full(shape, 0.5)
    seen = ~np.isnan(columns["outcome"] + columns[HAZARD])
    return [
        {name: column[seen[:, place], place] for name, column in columns.items()}
        for place in range(len(horizons))
    ]


def shrunk(windows: Windows, towards: str, factor: float) -> np.ndarray:
    """Forecasts moved towards a base rate on the scale of log odds."""
    base, said = (logit(np.clip(windows[name], FLOOR, 1 - FLOOR)) for name in (towards, HAZARD))
    return np.asarray(expit(base + factor * (said - base)))


def gains(dyads: Sequence[Windows], towards: str, factor: float) -> np.ndarray:
    """Log score of the shrunk forecasts less that of the hazard, by dyad."""
    return np.array(
        [
            np.mean(
                log_score(shrunk(one, towards, factor), one["outcome"])
                - log_score(one[HAZARD], one["outcome"])
            )
            for one in dyads
            if len(one["outcome"])
        ]
    )


def best_factor(dyads: Sequence[Windows], towards: str) -> float:
    """Return the factor of the best mean log score."""
    found = minimize_scalar(
        lambda factor: gains(dyads, towards, factor).mean(), bounds=(0, 2), method="bounded"
    )
    return float(found.x)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one table a base rate; 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    asked = parser.parse_args(arguments)
    try:
        beds = {}
        for name in ("panel", "mid", "balkans"):
            bed = replace(BEDS[name], step=1 if name == "balkans" else 3)
            records = bed_records(bed, asked.data).values()
            beds[name] = [dyad_windows(bed, events, until) for events, until in records]
    except ForecastError as error:
        print(error, file=sys.stderr)
        return 2
    rng = np.random.default_rng(SEED)
    print(table_row("towards, learned on, scored on", [f"{days} d" for days in HORIZONS]))
    print(table_row("---", ["---"] * len(HORIZONS)))
    for towards in TOWARDS:
        for learned, others in LEARNED_ON.items():
            factors, cells = [], {name: [] for name in others}
            for place in range(len(HORIZONS)):
                factor = best_factor([one[place] for one in beds[learned]], towards)
                factors.append(f"{factor:.2f}")
                for name in others:
                    change = gains([one[place] for one in beds[name]], towards, factor)
                    error = rng.choice(change, (RESAMPLES, len(change))).mean(axis=1).std()
                    cells[name].append(f"{signed(change.mean())} ± {error:.3f}".replace(" 0.", " ."))
            print(table_row(f"{towards}, {learned}: factor", factors))
            for name in others:
                print(table_row(f"scored on {name}", cells[name]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
