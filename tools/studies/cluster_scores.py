r"""Score the cluster model at past origins, each seeing what was known then, beside the gamma–Poisson rate.

    python tools/studies/cluster_scores.py usa-ser.csv --pair USA,SER --target military_incident:5 \\
        --origins 1993-01-01,2003-01-01,12 --until 2003-07-31

prints for every target and horizon the mean log score of both and the standard error of their difference over
origins (windows overlap, so it is too small). Priors are the documented ones; every record is fitted alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cluster_model.fit import documented_priors, fit
from cluster_model.streams import ActClass, Reaction, Streams, acts_of
from cluster_model.survival import survival

from forecast.events.dyads import DyadRule
from forecast.events.reading import load_events
from forecast.events.table import EventTable
from forecast.panel import TargetRule

LEAST = 1e-6


class Row(NamedTuple):
    """A forecast of both and what came; probabilities in (0, 1)."""

    origin: str
    target: str
    horizon_days: int
    cluster: float
    gamma_poisson: float
    outcome: bool


def rows_of(
    events: EventTable,
    streams: Streams,
    start: date,
    origin: date,
    until: date,
    horizons: tuple[int, ...],
    seed: int,
) -> Iterator[Row]:
    """Fit what was known on the day before an origin; yield a row for each window observed to its end."""
    known = events.known_by(origin - timedelta(days=1))
    acts = acts_of(known, streams, start, origin)
    priors = documented_priors(acts)
    began = time.monotonic()
    found = fit(acts, priors, seed=seed, draws=300, tune=350, chains=2)
    chances = survival(found.values, priors, acts, horizons, np.random.default_rng(seed))
    worth = f"R-hat {found.rhat:.3f}, ESS {found.ess:.0f}, {found.divergences} divergent"
    print(f"# {origin} {len(acts.record.day)} acts {time.monotonic() - began:.0f} s {worth}", flush=True)
    days = (origin - start).days
    for q, target in enumerate(streams.targets):
        dates = np.unique(events.date[target.mask(events)])
        past = int((np.unique(known.date[target.mask(known)]) >= np.datetime64(start)).sum())
        for horizon in horizons:
            end = origin + timedelta(days=horizon)
            if end <= until + timedelta(days=1):
                ahead = (dates >= np.datetime64(origin)) & (dates < np.datetime64(end))
                rate = (days / (days + horizon)) ** (past + 0.5)
                chance = float(1 - chances.at(horizon)[:, q].mean())
                yield Row(str(origin), target.name, horizon, chance, 1 - rate, bool(ahead.any()))


def log_score(chance: float, outcome: bool) -> float:
    """Return −log of the probability that was given to what came."""
    return float(-np.log(np.clip(chance if outcome else 1 - chance, LEAST, 1)))


def main() -> None:
    """Read the arguments, score, print the table, and write the rows where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("events", help="event file, or bundled:us-china")
    parser.add_argument(
        "--pair", required=True, metavar="A,B", help="the two sides; actors of one joined by +"
    )
    parser.add_argument("--theatre", default="", metavar="ACTORS", help="third parties, with commas")
    parser.add_argument("--target", action="append", required=True, metavar="CATEGORY+…:SEVERITY[:BY]")
    parser.add_argument(
        "--reaction", action="append", default=[], metavar="CATEGORY/SUBCATEGORY+…>CATEGORY:SIDE"
    )
    parser.add_argument(
        "--origins", required=True, metavar="FIRST,LAST,MONTHS", help="2019-01-01,2023-04-01,3"
    )
    parser.add_argument("--until", required=True, type=date.fromisoformat, help="last day that was observed")
    parser.add_argument("--horizons", default="30,90,180,365")
    parser.add_argument(
        "--start", type=date.fromisoformat, help="first day of the record; its first act when absent"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="file to write every forecast to, as JSON")
    given = parser.parse_args()
    dyad = DyadRule(
        *(tuple(side.split("+")) for side in given.pair.split(",")),
        tuple(filter(None, given.theatre.split(","))),
    )
    everything = load_events(given.events, Path())
    events = everything.select(dyad.mask(everything))
    targets = []
    for text in given.target:
        categories, severity, *by = text.split(":")
        targets.append(
            TargetRule(text.replace(":", "_"), tuple(categories.split("+")), int(severity), tuple(by))
        )
    reactions = []
    for text in given.reaction:
        when, then = text.split(">")
        category, _, names = when.partition("/")
        answer, side = then.split(":")
        reactions.append(
            Reaction(text, ActClass(category, tuple(names.split("+"))), then=(answer,), by=int(side))
        )
    streams = Streams(tuple(targets), dyad, tuple(reactions))
    first, last, months = given.origins.split(",")
    origin, rows = date.fromisoformat(first), list[Row]()
    start = given.start or events.date.min().item()
    while origin <= date.fromisoformat(last):
        horizons = tuple(map(int, given.horizons.split(",")))
        rows += rows_of(events, streams, start, origin, given.until, horizons, given.seed)
        month = origin.month - 1 + int(months)
        origin = date(origin.year + month // 12, month % 12 + 1, 1)
    if given.rows:
        given.rows.write_text(json.dumps([row._asdict() for row in rows]), encoding="utf-8")
    print("target, days, windows, with the target, cluster, gamma-Poisson, difference ± error")
    for key in sorted({(row.target, row.horizon_days) for row in rows}):
        chosen = [row for row in rows if (row.target, row.horizon_days) == key]
        ours = np.array([log_score(row.cluster, row.outcome) for row in chosen])
        theirs = np.array([log_score(row.gamma_poisson, row.outcome) for row in chosen])
        error = (ours - theirs).std() / np.sqrt(len(chosen))
        came = sum(row.outcome for row in chosen)
        means = f"{ours.mean():.3f}, {theirs.mean():.3f}, {(ours - theirs).mean():+.3f} ± {error:.3f}"
        print(f"{key[0]}, {key[1]}, {len(chosen)}, {came}, {means}")


if __name__ == "__main__":
    main()
