"""Which weight of the pooled hazard beside the model: learned bed by bed, and tried on beds it never saw.

    python -m tools.studies.weight --data DATA mid=KEPT panel=KEPT us-china=FOLDER/forecasts.csv

A bed is a name of ``tools/bench.py`` with the folder that its ``--keep`` filled, by whatever version
(dyads that are not there yet are left out), or any name with the ``forecasts.csv`` of a backtest. Dyads,
targets and horizons have the same weight within a bed, beds among themselves. Printed is, by horizon and over
all: the weight of lowest log score on the bed, with its block-bootstrap error over origins; the weight
learned on the other beds; and the log score at that weight less that at one half, with its error.
``--scores FOLDER`` writes what ``tools/bench.py --json`` would say of the rows kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.errors import ForecastError, InputError
from forecast.evaluation.metrics import log_score, with_interval
from forecast.evaluation.past_forecasts import BacktestPlan, Unit, UnitResult, collect, read_unit
from forecast.evaluation.score_table import ForecastTable, join_forecasts, read_forecasts, score_by
from forecast.evaluation.study import KeptRows
from forecast.events.table import EventTable
from tools.bench import open_bed, plan_dyads, score_benchmark

Floats = NDArray[np.float64]
SEED = 20230710
WEIGHTS: Floats = np.linspace(0, 1, 101)
"""Of the pooled hazard; the rest is the model's."""
EQUAL = ("what", "target", "horizon_days")


@dataclass(frozen=True)
class KeptBed:
    """The part of a bed whose dyads have all their rows."""

    plans: dict[str, BacktestPlan]
    events: dict[str, EventTable]
    results: dict[str, list[UnitResult]]

    @classmethod
    def read(cls, name: str, data: Path | None, folder: Path) -> KeptBed:
        """Read a bed and the rows in a folder; ``InputError`` where no dyad has any."""
        bed, events, ends = open_bed(name, data)
        plans, results = {}, dict[str, list[UnitResult]]()
        for dyad, plan in plan_dyads(bed, events, ends)[0].items():
            kept = KeptRows(folder).by_key.values()
            rows = [row for row in kept if row["unit"].startswith(f"{dyad}-0000-")]
            for row in rows[-1:]:
                origins = tuple(date for date in plan.origins if date.isoformat() in row["origins"])
                unit = Unit(dyad, 0, len(origins) - 1)
                plans[dyad] = replace(plan, origins=origins)
                results[dyad] = [read_unit(unit, row)]
        if not plans:
            raise InputError(f"{folder}: holds no row of the bed {name}")
        return cls(plans, events, results)

    @property
    def table(self) -> ForecastTable:
        """All forecasts beside the outcomes."""
        return join_forecasts(
            collect(plan, self.events[dyad], self.results[dyad]) for dyad, plan in self.plans.items()
        )


class BedWeights:
    """Log scores of a bed, or one horizon of it, at every weight: in all, and in resamples of its origins."""

    def __init__(self, table: ForecastTable) -> None:
        scores = score_by(table, "who", seed=SEED, equal=EQUAL)
        both = None
        if {("model",), ("pooled_hazard",)} <= set(scores):
            both = scores["model",].beside(scores["pooled_hazard",])
        if not both:
            raise InputError("model and pooled hazard forecast no window in common: nothing to weigh")
        model, hazard = both
        self.n_dyads = len(set(model.what.tolist()))
        self._blocks = scores["model",].blocks_of(model)
        mixed = ((1 - weight) * model.chance + weight * hazard.chance for weight in WEIGHTS)
        self._by_row = [log_score(chance, model.outcome) for chance in mixed]
        found = [self._blocks.resampled(scores) for scores in self._by_row]
        self.log = np.array([value for value, _ in found])
        self._drawn = np.stack([drawn for _, drawn in found])

    @property
    def best(self) -> tuple[float, float]:
        """The weight of lowest score, and its standard deviation over resamples."""
        drawn = WEIGHTS[self._drawn.argmin(axis=0)]
        n_blocks = self._blocks.n_blocks
        return float(WEIGHTS[self.log.argmin()]), with_interval(0.0, float(drawn.std(ddof=1)), n_blocks).se

    def beside_half(self, weight: float) -> tuple[float, float]:
        """Log score at a weight less that at one half, and its error."""
        place = int(np.abs(WEIGHTS - weight).argmin())
        found = self._blocks.mean(self._by_row[place] - self._by_row[len(WEIGHTS) // 2])
        return found.value, found.se


def lines(tables: Mapping[str, ForecastTable]) -> Iterator[str]:
    """Rows of a Markdown table by horizon, all horizons last."""
    yield "| days | bed | dyads | best weight | log there | at ½ | weight of the others | less ½ |"
    yield "|---|---|---|---|---|---|---|---|"
    horizons = sorted({days for table in tables.values() for days in table.horizons})
    for days in (*horizons, None):
        found = {}
        for name, table in tables.items():
            own = table if days is None else table.select(horizon_days=days)
            if len(own):
                found[name] = BedWeights(own)
        for name, bed in found.items():
            best, error = bed.best
            others = [other.log for key, other in found.items() if key != name]
            told = "– | –"
            if others:
                weight = float(WEIGHTS[np.mean(others, axis=0).argmin()])
                gap, gap_error = bed.beside_half(weight)
                told = f"{weight:.2f} | {gap:+.4f} ± {gap_error:.4f}"
            half = bed.log[len(WEIGHTS) // 2]
            yield (
                f"| {days or 'all'} | {name} | {bed.n_dyads} | {best:.2f} ± {error:.2f} | "
                f"{bed.log.min():.4f} | {half:.4f} | {told} |"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 2 for bad input."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("beds", nargs="+", metavar="NAME=PLACE")
    parser.add_argument("--data", type=Path, help="folder of the data of the beds")
    parser.add_argument("--scores", type=Path, help="folder for the scores of each bed as JSON")
    asked = parser.parse_args(arguments)
    try:
        tables = {}
        for name, _, place in (bed.partition("=") for bed in asked.beds):
            if place.endswith(".csv"):
                tables[name] = read_forecasts(place)
                continue
            began = time.perf_counter()
            bed = KeptBed.read(name, asked.data, Path(place))
            tables[name] = bed.table
            if asked.scores:
                scored = score_benchmark(bed.plans, {}, bed.events, bed.results, began)
                content = {"bed": name, **scored.to_dict()}
                asked.scores.mkdir(parents=True, exist_ok=True)
                (asked.scores / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        print(*lines(tables), sep="\n")
    except ForecastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
