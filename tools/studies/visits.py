"""What came after visits, opened channels and agreements, beside what the pair's record led one to expect.

    python -m tools.studies.visits --coder KEDS FOLDER FOLDER --coder ICEWS FOLDER --ends ends.csv --json

A case is a day with an act of the category after ``APART`` days without one. Whether an act of conflict of
severity 3 or above comes in a window of days is a logistic regression on the pair's own level, what it saw
of conflict and of cooperation over the past 2 to 365 days and on that day, and the case; one regression a
coder and window, errors clustered by pair, or by quarter where there are few pairs (Liang and Zeger 1986,
doi:10.1093/biomet/73.1.13). Printed is the ratio of what came after the cases to what was expected of them.
Visits come when there is trouble, and trouble is reported with its visits: the same ratio in windows
*before* the case, given what came before those, shows how much of it is the calendar.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special, stats

from forecast.baselines import DAY
from forecast.errors import ForecastError, InputError
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.events.table import EventTable
from tools.bench import read_dyads

Floats = NDArray[np.float64]
APART = 14
"""Days without an act of the category before a case."""
WINDOWS = ((-30, -8), (-7, -1), (1, 7), (8, 30), (31, 90))
"""First and last day, counted from the case."""
SERIOUS = 3
HALF_LIVES = (2, 7, 30, 90, 365)
BURN_IN = 60
"""Days at the start of a record that only make a past."""
RIDGE = 0.05
"""Precision of a pair's level and of each coefficient around 0, on standardised columns."""
FEW_PAIRS, QUARTER = 10, 91
"""Below so many pairs, errors are clustered by stretches of so many days."""
WIDTH = float(stats.norm.ppf(0.95))


class Days(NamedTuple):
    """Acts of a pair by day: ``serious`` and ``mild`` conflict, and cooperation by category, each (day,)."""

    pair: str
    serious: Floats
    mild: Floats
    cooperation: Mapping[str, Floats]


def count_days(pair: str, events: EventTable, end: np.datetime64) -> Days:
    """Count acts by day from the first to ``end``; later ones do not count."""
    first, n = events.date.min(), int((end - events.date.min()) / DAY) + 1
    at = ((events.date - first) / DAY).astype(np.int64)
    conflict = np.isin(events.category, CONFLICTUAL) & (at < n)

    def counted(which: NDArray[np.bool_]) -> Floats:
        return np.bincount(at[which], minlength=n).astype(np.float64)

    return Days(
        pair,
        counted(conflict & (events.severity >= SERIOUS)),
        counted(conflict & (events.severity < SERIOUS)),
        {name: counted((events.category == name) & (at < n)) for name in COOPERATIVE},
    )


def recent(acts: Floats, half_life: float) -> Floats:
    """Log of the discounted mean of acts a day before each day, with half an act a year added."""
    kept, found = 2 ** (-1 / half_life), np.zeros(len(acts))
    for day in range(1, len(acts)):
        found[day] = kept * found[day - 1] + (1 - kept) * acts[day - 1]
    return np.log(found + 0.5 / 365)


def cases_of(acts: Floats) -> Floats:
    """1 on the days with an act after ``APART`` days without one."""
    days = np.flatnonzero(acts)
    found = np.zeros(len(acts))
    found[days[np.diff(days, prepend=-APART - 1) > APART]] = 1.0
    return found


def rows_of(days: Days, window: tuple[int, int]) -> tuple[Floats, Floats]:
    """Whether serious conflict came in the window of each day, (row,), and the columns, cases first."""
    first, last = window
    n = len(days.serious)
    day = np.arange(max(BURN_IN, -first), n - max(last, 0))
    seen = np.concatenate([[0.0], np.cumsum(days.serious > 0)])
    came = seen[day + last + 1] > seen[day + first]
    past = [recent(acts, half_life) for acts in (days.serious, days.mild) for half_life in HALF_LIVES]
    past += [recent(acts, 30) for acts in days.cooperation.values()]
    # Of a window before the case, what came before the window is the past.
    known = day + min(first, 0)
    columns = [cases_of(acts)[day] for acts in days.cooperation.values()]
    columns += [column[known] for column in past]
    if first > 0:
        columns += [(acts > 0).astype(np.float64)[day] for acts in (days.serious, days.mild)]
    return came.astype(np.float64), np.column_stack(columns)


def compare(records: Sequence[Days], window: tuple[int, int]) -> dict[str, dict[str, Any]]:
    """Cases, what was expected of them and what came, with the ratio and its 90% interval, by category."""
    rows = [(days.pair, *rows_of(days, window)) for days in records if len(days.serious) > BURN_IN + 100]
    rows = [row for row in rows if 0 < row[1].mean() < 1]
    if not rows:
        return {}
    sizes = [len(came) for _, came, _ in rows]
    record = np.repeat(np.arange(len(rows)), sizes)
    pairs = np.array([row[0] for row in rows])[record]
    quarter = np.concatenate([np.arange(size) // QUARTER for size in sizes])
    few = len(set(pairs)) < FEW_PAIRS
    _, cluster = np.unique(np.char.add(pairs, quarter.astype(str)) if few else pairs, return_inverse=True)
    came, columns = np.concatenate([row[1] for row in rows]), np.vstack([row[2] for row in rows])
    n_cases = len(COOPERATIVE)
    columns[:, n_cases:] -= columns[:, n_cases:].mean(axis=0)
    columns[:, n_cases:] /= np.maximum(columns[:, n_cases:].std(axis=0), 1e-9)
    level = sparse.csr_matrix((np.ones(len(came)), (np.arange(len(came)), record)))
    design = sparse.hstack([sparse.csr_matrix(columns), level]).tocsr()
    point = np.zeros(design.shape[1])
    for _ in range(50):
        fitted = special.expit(design @ point)
        weighted = design.multiply((fitted * (1 - fitted))[:, None])
        curvature = (design.T @ weighted).toarray() + RIDGE * np.eye(len(point))
        step = np.linalg.solve(curvature, design.T @ (came - fitted) - RIDGE * point)
        point += step
        if np.abs(step).max() < 1e-8:
            break
    clusters = sparse.csr_matrix((np.ones(len(came)), (cluster, np.arange(len(came)))))
    scores = (clusters @ design.multiply((came - special.expit(design @ point))[:, None])).toarray()
    inverse = np.linalg.inv(curvature)
    errors = np.sqrt(np.diag(inverse @ (scores.T @ scores) @ inverse))
    found = {}
    for place, name in enumerate(COOPERATIVE):
        own = columns[:, place] > 0
        if not own.any():
            continue
        score = design[np.flatnonzero(own)] @ point - point[place]
        expected = float(special.expit(score).mean())
        shares = [
            float(special.expit(score + point[place] + z * errors[place]).mean() / expected)
            for z in (-WIDTH, 0.0, WIDTH)
        ]
        found[name] = {
            "cases": int(own.sum()),
            "pairs": len(np.unique(pairs[own])),
            "expected": expected,
            "came": float(came[own].mean()),
            "low": shares[0],
            "ratio": shares[1],
            "high": shares[2],
        }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the ratios by coder, window and category; 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--coder", nargs="+", action="append", required=True, help="name, then its folders")
    parser.add_argument("--ends", type=Path, required=True, help="CSV of folder/file and observed_until")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        ends = read_ends(asked.ends)
        found: dict[str, dict[str, Any]] = {}
        for coder, *folders in asked.coder:
            records = []
            for folder in map(Path, folders):
                for name, events in read_dyads(folder).items():
                    last = np.datetime64(ends.get(f"{folder.name}/{name}.csv", events.date.max()))
                    records.append(count_days(name, events, last))
            found[coder] = {f"{window[0]} to {window[1]}": compare(records, window) for window in WINDOWS}
    except ForecastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(found, indent=1) if asked.json else "\n".join(table(found)))
    return 0


def read_ends(path: Path) -> dict[str, str]:
    """Last day on which each file was observed, by folder and file (``InputError``: it cannot be read)."""
    try:
        with path.open(encoding="utf-8") as file:
            return {row["file"]: row["observed_until"] for row in csv.DictReader(file)}
    except (OSError, KeyError) as error:
        message = f"--ends: {path}: {error}. Give a CSV file with the columns file and observed_until"
        raise InputError(message) from error


def table(found: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield "| coder | days | category | cases | pairs | expected | came | ratio (90%) |"
    yield "|---" * 8 + "|"
    for coder, windows in found.items():
        for window, rows in windows.items():
            for name, row in rows.items():
                counts = f"{row['cases']:,} | {row['pairs']} | {row['expected']:.1%} | {row['came']:.1%}"
                ratio = f"{row['ratio']:.2f} ({row['low']:.2f}–{row['high']:.2f})"
                yield f"| {coder} | {window} | {name} | {counts} | {ratio} |"


if __name__ == "__main__":
    sys.exit(main())
