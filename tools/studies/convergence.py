"""Whether forecasts converge and are sensible, on many dyads, dense and thinned, from short and long records.

    python -m tools.studies.convergence --data DIR --any-of military_incident --min-severity 5 --keep FOLDER

Each forecast is a cell: a dyad, a share of its events, so many years of record before one origin, made as
``forecast run`` makes it, gates and rerun included. The whole file is thinned: what is forecast is what the
thinner record would have held. Printed is one JSON object: ``summary`` by share of events, ``rows`` (one a
cell) and ``skipped``. ``log_behind`` is the log score of the model less that of climatology, mean over dyads
of equal weight; ``outside`` the share of forecasts more than ``OUTSIDE`` from the range of baselines.

With ``--records LIST`` a cell is a record as it stands, from its first to its last act or between two days,
with three targets, and nothing is scored: printed is a table of which gates failed, by how much, how often
it was sampled, and processor seconds. A line of the list is ``FILE [FIRST LAST]``, under ``--data``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from forecast.baselines import METHODS, observe_outcomes, past_events
from forecast.config import Config, config_hash
from forecast.config.schema import load_config
from forecast.errors import ForecastError, InputError, UnfinishedError
from forecast.evaluation.metrics import log_score
from forecast.evaluation.past_forecasts import model_columns
from forecast.evaluation.score_table import without_nan
from forecast.evaluation.study import KeptRows, Task, Workers, row_key, run_study
from forecast.events.dyads import main_pairs
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.runs.cautions import without_warnings
from forecast.runs.inputs import inputs_of
from forecast.targets import TargetRule
from forecast.wording import USUAL_HORIZONS as HORIZONS
from forecast.workflows.forecast import fit_and_judge
from tools.bench import find_record_start, read_dyads

MODEL, TARGET = "model", "target"
BASELINES = {name: METHODS[name] for name in ("climatology", "constant_rate", "gamma_poisson")}
"""Further than ``OUTSIDE`` from these a forecast needs a reason in the data."""
OUTSIDE = 0.1
FEWEST_EVENTS, ORIGINS = 5, 2
"""Of a cell; and of each dyad, share and length."""
TARGETS = {
    "force": {"any_of": ["military_incident"], "min_severity": 5},
    "incident": {"any_of": ["military_incident"], "min_severity": 3},
    "coercion": {"any_of": ["sanction", "channel_closure"], "min_severity": 3},
}
"""Of a record as it stands."""
DAYS_A_YEAR = 364
"""52 weeks, so that records of equal length have equally many steps."""
STEP_DAYS, LEAST_SHARE = 182, 0.75
"""A record shorter than asked for is cut to whole half years; below this share of them it has no cell."""


class Cell(NamedTuple):
    """A forecast: the record begins on ``start`` and ends before ``origin``."""

    dyad: str
    share: float
    years: int
    origin: date
    start: date


def thin(events: EventTable, share: float, seed: int, dyad: str) -> EventTable:
    """Keep each event with this probability; a smaller share keeps a part of what a larger one keeps."""
    digest = int.from_bytes(sha256(f"{seed}/{dyad}".encode()).digest()[:8], "big")
    return events.select(np.random.default_rng(digest).random(len(events)) < share)


def cells_of(dyad: str, events: EventTable, asked: argparse.Namespace) -> Iterator[Cell]:
    """Spread the origins of a dyad over its record, from where it is dense to its last event.

    Origins of one length lie in the middle of equal parts of the span in which the record before them is long
    enough and the longest horizon after them observed. Where none is, the last has what record there is.
    """
    end: date = events.date.max().item()
    first, latest = find_record_start(events, end), end - timedelta(days=max(HORIZONS) - 1)
    for years in asked.years:
        length = timedelta(days=DAYS_A_YEAR * years)
        room = (latest - first - length).days
        origins = [
            first + length + timedelta(days=int(room * (k + 0.5) / ORIGINS))
            for k in range(ORIGINS if room >= 0 else 0)
        ]
        if room < 0:
            wanted, length = length, timedelta(days=(latest - first).days // STEP_DAYS * STEP_DAYS)
            origins = [latest] if length >= LEAST_SHARE * wanted else []
        for share in asked.thinnings:
            for origin in dict.fromkeys(origins):
                yield Cell(dyad, share, years, origin, origin - length)


def plan_study(
    dyads: Mapping[str, EventTable], asked: argparse.Namespace
) -> tuple[list[tuple[Cell, Config, EventTable]], list[list[str]]]:
    """Return cells with config and thinned events, and the cells that hold too little."""
    jobs, skipped = [], []
    for dyad, events in dyads.items():
        thinned = {share: thin(model_columns(events), share, asked.seed, dyad) for share in asked.thinnings}
        for cell in cells_of(dyad, events, asked):
            observed = thinned[cell.share].between(cell.start, cell.origin + timedelta(days=max(HORIZONS)))
            used = observed.select(observed.date < np.datetime64(cell.origin))
            if len(used) < FEWEST_EVENTS or not np.isin(used.category, asked.any_of).any():
                skipped.append(list(map(str, cell)))
            else:
                jobs.append((cell, cell_config(cell, events, asked), observed))
    return jobs, skipped


def cell_config(cell: Cell, events: EventTable, asked: argparse.Namespace) -> Config:
    """Return the config of a forecast: defaults, but for what the cell and the options say."""
    sides = next(iter(main_pairs(events)), ("A", "B"))
    digest = sha256(f"{asked.seed}/{cell.dyad}/{cell.share}/{cell.years}/{cell.origin}".encode()).digest()
    one = {TARGET: {"any_of": [*(asked.any_of or ())], "min_severity": asked.min_severity}}
    settings = {
        "name": "convergence",
        "dyad": dict(zip(("a", "b"), sides, strict=True)),
        "as_of": (cell.origin - timedelta(days=1)).isoformat(),
        "events": {"source": f"{Path(cell.dyad).stem}.csv", "start": cell.start.isoformat()},
        "targets": TARGETS if asked.records else one,
        "milestones": [
            {"name": f"days_{days}", "date": (cell.origin + timedelta(days=days)).isoformat()}
            for days in HORIZONS
        ],
        "model": {"family": MODEL},
        "sampler": {"seed": int.from_bytes(digest[:4], "big")},
    }
    return load_config(Path(f"{cell.dyad}.yaml"), tuple(asked.set), text=json.dumps(settings))


def read_records(asked: argparse.Namespace) -> Iterator[tuple[Cell, Config, EventTable]]:
    """Yield the records of the list, each thinned by every share, but for those left with few events."""
    for line in asked.records.read_text(encoding="utf-8").splitlines():
        if not line.split("#")[0].strip():
            continue
        name, *days = line.split("#")[0].split()
        events = model_columns(read_events(asked.data / name, dates="dmy" if "india" in name else "iso"))
        ends = events.date.min().item(), events.date.max().item()
        first, last = map(date.fromisoformat, days) if days else ends
        for share in asked.thinnings:
            kept = thin(events, share, asked.seed, name).between(first, last + timedelta(days=1))
            cell = Cell(name, share, 0, last + timedelta(days=1), first)
            if len(kept) >= FEWEST_EVENTS:
                yield cell, cell_config(cell, kept, asked), kept


def fit_record(cell: Cell, config: Config, events: EventTable) -> dict[str, Any]:
    """Fit a record as ``forecast run`` would; return whether it converged, and what failed by how much."""
    began, begun = time.monotonic(), time.process_time()
    row: dict[str, Any] = {"record": cell.dyad, "share": cell.share, "start": cell.start.isoformat()}
    row |= {"events": len(events), "converged": False, "reruns": 0}
    try:
        with without_warnings():
            judged = fit_and_judge(inputs_of(config, events))
    except (ForecastError, ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        row |= {"failures": [f"{error!r}"]}
    else:
        row |= {"converged": judged.gates.converged, "reruns": judged.samples.reruns}
        failures = judged.gates.failures
        row |= {"failures": [f"{one.code} {one.quantity or ''} {one.value:.4g}" for one in failures]}
    row |= {"seconds": time.monotonic() - began, "processor": time.process_time() - begun}
    return row


def run_records(asked: argparse.Namespace) -> str:
    """Fit the records of a list; return a table of Markdown, and how many passed."""
    tasks = [
        Task(row_key(config_hash(config), events.sha256, repr(cell)), str(cell), (cell, config, events))
        for cell, config, events in read_records(asked)
    ]
    kept = KeptRows(asked.keep) if asked.keep else None
    results, failures = run_study(
        fit_record, tasks, lambda _, row: row, rows=kept, workers=Workers(asked.workers)
    )
    rows = list(results.values())
    lines = ["| record | share | acts | passes | times sampled | processor s | failed |", f"|{7 * '---|'}"]
    for row in rows:
        said = row["record"], f"{row['share']:g}", row["events"], "yes" if row["converged"] else "no"
        told = *said, 1 + row["reruns"], f"{row['processor']:.0f}", "; ".join(row["failures"])
        lines.append(f"| {' | '.join(map(str, told))} |")
    passed = sum(row["converged"] for row in rows)
    return "\n".join((*lines, f"\n{passed} of {len(rows)} pass.", *failures))


def forecast_cell(cell: Cell, config: Config, events: EventTable) -> dict[str, Any]:
    """Forecast a cell as ``forecast run`` would; return it beside the baselines and what happened.

    Numbers by horizon are in the order of ``HORIZONS``; ``probability`` is empty where the sampler could not
    run. ``reasons`` say which gates failed.
    """
    rule = TargetRule(TARGET, tuple(config.targets[TARGET].any_of), config.targets[TARGET].min_severity)
    horizons, end = np.array(HORIZONS), cell.origin + timedelta(days=max(HORIZONS) - 1)
    past = past_events(events, rule, cell.origin, cell.start)
    happened = observe_outcomes(events, rule, np.array([cell.origin], "datetime64[D]"), horizons, end)
    row = cell._asdict() | {
        "origin": cell.origin.isoformat(),
        "start": cell.start.isoformat(),
        "events": len(events.known_by(config.as_of).between(cell.start, config.as_of)),
        "outcome": happened.outcome[0].astype(int).tolist(),
        "baselines": {name: method(past, horizons)[0].tolist() for name, method in BASELINES.items()},
    }
    try:
        with without_warnings():
            judged = fit_and_judge(inputs_of(config, events))
    except (ForecastError, ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        row |= {"converged": False, "reruns": 0, "probability": [], "reasons": [f"{error!r}"]}
    else:
        chances = [judged.mixture.probability(TARGET, days) for days in HORIZONS]
        reasons = [f"{gate.code} {gate.quantity or ''}".strip() for gate in judged.gates.failures]
        row |= {"converged": judged.gates.converged, "reruns": judged.samples.reruns}
        row |= {"probability": chances, "reasons": reasons}
    return row


def run_convergence(dyads: Mapping[str, EventTable], asked: argparse.Namespace) -> dict[str, Any]:
    """Forecast the cells of a study, and summarise; rows do not depend on the number of workers."""
    jobs, skipped = plan_study(dyads, asked)
    if not jobs:
        raise InputError("no cell can be forecast. Give other --years, --thinnings or --any-of")
    tasks = [
        Task(row_key(config_hash(config), events.sha256, repr(cell)), str(cell), (cell, config, events))
        for cell, config, events in jobs
    ]
    kept = KeptRows(asked.keep) if asked.keep else None
    workers = Workers(asked.workers)
    results, failures = run_study(forecast_cell, tasks, lambda _, row: row, rows=kept, workers=workers)
    if failures:
        raise UnfinishedError("\n".join((*failures, "Give fewer --workers")))
    rows = list(results.values())
    return {"summary": summarise(rows), "rows": rows, "skipped": skipped}


def summarise(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Summarise each share of events, the largest first, and all rows together (``share`` is ``None``)."""
    shares = sorted({row["share"] for row in rows}, reverse=True)
    summaries = []
    for share in (*shares, None):
        some = [row for row in rows if share in (None, row["share"])]
        scored = [row for row in some if row["probability"]]
        outcome = np.array([row["outcome"] for row in scored], dtype=float)
        model = np.array([row["probability"] for row in scored])
        simple = {name: np.array([row["baselines"][name] for row in scored]) for name in BASELINES}
        logs = {name: log_score(said, outcome) for name, said in {MODEL: model, **simple}.items()}
        ends = np.array([np.max([*simple.values()], axis=0), -np.min([*simple.values()], axis=0)])
        outside = (np.array([model, -model]) > ends + OUTSIDE).any(axis=0)
        gap = (logs[MODEL] - logs["climatology"]).mean(axis=1) if scored else np.zeros(0)
        _, place, n_rows = np.unique([r["dyad"] for r in scored], return_inverse=True, return_counts=True)
        by_dyad = np.bincount(place, gap) / n_rows
        spread = np.sqrt(by_dyad.var() / (len(by_dyad) - 1)) if len(by_dyad) > 1 else np.nan
        summaries.append(
            {
                "share": share,
                "rows": len(some),
                "converged": float(np.mean([row["converged"] for row in some])),
                "reruns": sum(row["reruns"] > 0 for row in some),
                "log": {name: float(values.mean()) if scored else None for name, values in logs.items()},
                "log_behind": {"value": float(by_dyad.mean()), "se": float(spread)} if scored else None,
                "outside": float(outside.mean()) if scored else None,
            }
        )
    return summaries


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of event files, one dyad a file")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--any-of", nargs="+", help="categories that count as the target")
    what.add_argument("--records", type=Path, help="list of records to fit as they stand, one a line")
    parser.add_argument("--min-severity", type=int, default=1)
    parser.add_argument("--thinnings", nargs="+", type=float, default=(1.0, 0.3, 0.1, 0.03))
    parser.add_argument("--years", nargs="+", type=int, default=(3, 8, 20), help="of record before an origin")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", nargs="+", default=(), help="settings of model and sampler, KEY=VALUE")
    parser.add_argument("--workers", type=int, default=1, help="forecasts made side by side")
    parser.add_argument("--keep", type=Path, help="folder of finished forecasts, to go on from")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the study as JSON; 2 for bad input."""
    asked = read_arguments(arguments)
    try:
        if asked.records:
            print(run_records(asked))
            return 0
        study = run_convergence(read_dyads(asked.data), asked)
    except ForecastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(without_nan(study), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
