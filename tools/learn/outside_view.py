"""Count, over pairs and coders, how often targets followed crises and quiet months.

    python -m tools.learn.outside_view panel balkans --coder KEDS KEDS --ends ends.csv --out outside_view.json

Seconds. A case lies in the record of a pair: ``QUIET_DAYS`` after its first act or later, and counts for a
horizon that was observed to its end. The spread between coders is that of highest likelihood of their logits
at 30 days, over all kinds and situations that more than one coder was in.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logit

from forecast import __version__
from forecast.crises import DAY, Days, crisis_origins, days_since
from forecast.errors import ForecastError, InputError
from forecast.events.reading import write_whole
from forecast.outside_view import (
    APART_DAYS,
    CRISIS_DAYS,
    HORIZONS,
    QUIET_DAYS,
    CasesOfPairs,
    CountedCases,
    CountedKind,
    CountedPair,
)
from forecast.pooled_hazard import LearnedDyad, first_day_after
from forecast.targets import TargetRule
from tools.bench import before_first, read_dyads
from tools.learn.pooled_hazard import LEAST_ACTS, TARGETS, Records, records_of

_SAME = {"war": (("military_incident", "military_posture"),)}
"""Further categories of a kind that are the same acts, since no coder grades a posture 5."""
_SPREAD_DAYS = 30


def count_record(records: Records, name: str, kinds: Mapping[int, TargetRule]) -> tuple[CountedCases, ...]:
    """Count the cases of one record, by kind of target, in crisis or quiet, first times or not."""
    events = records.dyads[name]
    start, until = events.date.min(), np.datetime64(records.end(name), "D") + DAY
    found = []
    for place, target in kinds.items():
        came = np.unique(events.date[target.mask(events)])
        begun = crisis_origins(events, target)
        begun = begun[(begun >= start + QUIET_DAYS * DAY) & (begun < until)]
        for crisis, origins in ((True, begun), (False, quiet_months(begun, came, start, until))):
            never = before_first(origins, came)
            for first, chosen in ((True, never), (False, np.setdiff1d(origins, never))):
                days = ((chosen - start) // DAY).astype(np.int64)
                wait = first_day_after(((came - start) // DAY).astype(np.int64), days)
                seen = chosen[:, None] + HORIZONS * DAY <= until
                hit = seen & (wait[:, None] < HORIZONS)
                if seen.any():
                    cases, followed = (tuple(flags.sum(axis=0).tolist()) for flags in (seen, hit))
                    found.append(
                        CountedCases(kind=place, crisis=crisis, first=first, cases=cases, followed=followed)
                    )
    return tuple(found)


def quiet_months(begun: Days, came: Days, start: np.datetime64, until: np.datetime64) -> Days:
    """Origins ``APART_DAYS`` apart in quiet and outside crises, from ``QUIET_DAYS`` after the start on."""
    months = np.arange(start + QUIET_DAYS * DAY, until, APART_DAYS * DAY)
    # A crisis begins on its origin: on that day it is 0 days old.
    calm = days_since(begun, np.asarray(months + DAY)) > CRISIS_DAYS
    return np.asarray(months[calm & (days_since(came, months) > QUIET_DAYS)])


def coder_spread(pairs: Sequence[CountedPair]) -> float:
    """Standard deviation between coders of the logit of a share, of highest likelihood (0 to 3)."""
    place = HORIZONS.tolist().index(_SPREAD_DAYS)
    totals: dict[tuple[int, bool, bool], dict[str, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0])
    )
    for pair in pairs:
        for case in pair.counted:
            total = totals[case.kind, case.crisis, case.first][pair.dyad.coder]
            total[0] += case.followed[place]
            total[1] += case.cases[place]
    groups = [np.array([*by_coder.values()]) for by_coder in totals.values()]
    groups = [group[group[:, 1] > 0] for group in groups if (group[:, 1] > 0).sum() > 1]

    def misfit(spread: float) -> float:
        lost = 0.0
        for followed, cases in (group.T for group in groups):
            own = logit((followed + 0.5) / (cases + 1.0))
            variance = 1 / (followed + 0.5) + 1 / (cases - followed + 0.5) + spread**2
            middle = (own / variance).sum() / (1 / variance).sum()
            # The mean is not known either: restricted likelihood.
            lost += (np.log(variance) + (own - middle) ** 2 / variance).sum() + np.log((1 / variance).sum())
        return float(lost)

    return float(f"{minimize_scalar(misfit, bounds=(0.0, 3.0), method='bounded').x:.3g}") if groups else 0.0


def count_pairs(
    records: Sequence[Records], *, least_acts: int = LEAST_ACTS, source: str = "not stated", command: str = ""
) -> CasesOfPairs:
    """Count the cases of all pairs; of a kind only in records of coders that note ``least_acts`` of it."""
    acts: dict[str, list[int]] = defaultdict(lambda: [0] * len(TARGETS))
    for record in records:
        for events in record.dyads.values():
            for place, target in enumerate(TARGETS):
                acts[record.coder][place] += int(target.mask(events).sum())
    pairs = []
    for record in records:
        noted = {
            place: TARGETS[place] for place, number in enumerate(acts[record.coder]) if number >= least_acts
        }
        for name, events in record.dyads.items():
            dyad = LearnedDyad.of(name, events, coder=record.coder, until=record.end(name))
            if counted := count_record(record, name, noted):
                pairs.append(CountedPair(dyad=dyad, counted=counted))
    if not pairs:
        raise InputError(
            f"no record holds a case: none is longer than {QUIET_DAYS} days and notes {least_acts} acts of a "
            "kind of target. Give longer records, or a lower --least-acts"
        )
    kinds = tuple(
        CountedKind(any_of=(target.any_of, *_SAME.get(target.name, ())), min_severity=target.min_severity)
        for target in TARGETS
    )
    spread = coder_spread(pairs)
    return CasesOfPairs(
        schema=1,
        kinds=kinds,
        coder_spread=spread,
        pairs=tuple(pairs),
        source=source,
        command=command,
        version=__version__,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="coded event files, one dyad a file")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument(
        "--ends", type=Path, help="CSV: file, observed_until; else a record ends with its last act"
    )
    parser.add_argument("--coder", nargs="+", help="name of each folder's coder; else the folders' own")
    parser.add_argument("--least-acts", type=int, default=LEAST_ACTS, help="of a kind of target, by coder")
    parser.add_argument("--source", default="not stated", help="origin and terms of the events, for the file")
    asked = parser.parse_args(arguments)
    coders = asked.coder or [folder.resolve().name for folder in asked.folders]
    command = ["tools/learn/outside_view.py", *(folder.name for folder in asked.folders)]
    command += ["--out", asked.out.name, *(["--ends", asked.ends.name] if asked.ends else [])]
    command += [*(["--coder", *asked.coder] if asked.coder else []), "--least-acts", str(asked.least_acts)]
    try:
        if len(coders) != len(asked.folders):
            raise InputError(f"--coder: got {', '.join(coders)}. Give one for each folder")
        records = []
        for coder, folder in zip(coders, asked.folders, strict=True):
            records += records_of({coder: (folder, read_dyads(folder))}, asked.ends)
        counted = count_pairs(
            records, least_acts=asked.least_acts, source=asked.source, command=shlex.join(command)
        )
    except ForecastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_whole(asked.out, (counted.model_dump_json(by_alias=True) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
