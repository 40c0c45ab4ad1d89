"""Learn a population of priors: fit many dyads, each by itself, and pool what the fits say.

    python -m tools.learn.population --bed panel --bed mid --data DIR --out population.yaml --source "terms"

Each dyad is fitted alone under the documented priors, widened, with the acts cut as for three nested targets
and by side. Its draws, divided by the prior, are its likelihood. Parameters are normal over dyads; centre and
spread have the highest likelihood of all dyads together (hierarchical inference by importance: Hogg, Myers
and Bovy 2010, doi:10.1088/0004-637X/725/2/2166), with a spread kept off zero (Chung, Rabe-Hesketh, Dorie,
Gelman and Liu 2013, doi:10.1007/s11336-013-9328-2). Baselines keep their documented spread: they are centred
on the record that the likelihood counts, too; a spread learned from fits would count it twice.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy import optimize, special, stats

from forecast import __version__
from forecast.config.writing import as_yaml
from forecast.errors import ForecastError, InputError, NotConvergedError, UnfinishedError
from forecast.evaluation.study import KeptRows, Task, row_key, run_study
from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.events.reading import write_whole
from forecast.events.table import EventTable
from forecast.grid import TimeGrid
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import PosteriorDensity, sample
from forecast.priors import PriorSet, elements, parameter_groups
from forecast.priors.distributions import Distribution
from forecast.priors.named import NORMAL_FAMILY
from forecast.priors.population import (
    LEARNED,
    SCHEMA,
    Further,
    Population,
    Provenance,
    Spread,
    element_class,
    record_priors,
)
from forecast.streams import acts_of, stream_layout
from forecast.targets import TargetRule
from tools.bench import find_bed, read_bed_files, read_dyads, sides_of

Floats = NDArray[np.float64]
TARGETS = (
    TargetRule("grave", CONFLICTUAL, 4),
    TargetRule("military", ("military_incident", "military_posture"), 4),
    TargetRule("force", ("military_incident",), 5),
)
"""Cells of the records that are learned from."""
OF_THE_CODER = (("tension.loading", "cooperative"),)
"""Whether cooperation follows tension is as much the coder's as the dyad's, and is not learned."""
USUAL_DAYS, MOST_DAYS = 8 * 365, 20 * 365
"""Longer records are cut at random to a stretch of the first length, or, where they are sparse, of up to the
second."""
ENOUGH_EVENTS, LEAST_EVENTS = 60, 12
"""Events from which a stretch need be no longer; thinner records are not fitted."""
WIDENED = 2.0
"""How many times as wide as documented the priors of a fit are."""
LOG_SPREADS = (math.log(0.02), math.log(5.0))
"""Bounds of the logarithm of a spread over dyads."""
TOLERATED_RHAT = 1.05
"""Of the parameters that are learned: of short fits whose means and spreads alone are used."""


class Estimate(NamedTuple):
    """What one fit says of one parameter: draws on the scale on which it is normal, and the prior there."""

    group: str
    kind: str
    prior: tuple[float, float]
    draws: Floats


class Step(NamedTuple):
    """Acts of one kind in one dyad that reached a severity, and those of them that went one further."""

    reached: int
    further: int


class Record(NamedTuple):
    """A stretch of a dyad's acts, from ``start`` to the day before ``origin``, and the seed of its fit."""

    events: EventTable
    sides: DyadRule
    start: date
    origin: date
    seed: int


Fit = Sequence[Estimate]
"""What one record says."""


def learn_population(
    dyads: Mapping[str, EventTable],
    ends: Mapping[str, date],
    sampler: SamplerOptions,
    source: str,
    command: str,
    keep: Path | None,
    left_out: Sequence[str] = (),
) -> Population:
    """Fit every dyad, and pool; one that ``ends`` does not name was observed to its last act.

    Groups ``left_out`` keep their documented priors.

    Finished fits are kept in the folder ``keep``, and those that it holds of the same events, settings, code
    and versions are not done again. ``InputError`` when fewer than three dyads have records that can be
    fitted, no fit converged, or ``keep`` cannot be used; ``StoppedError`` for Ctrl-C when fits are kept.
    """
    records = stretches(dyads, ends, sampler.seed)
    if len(records) < 3:
        raise InputError(
            f"a population needs at least 3 dyads of {LEAST_EVENTS} events or more; the folder holds "
            f"{len(records)} of {len(dyads)} files"
        )
    tasks = [
        Task(row_key(one.events.sha256, repr(sampler), repr(one[1:])), name, (name, one, sampler))
        for name, one in records.items()
    ]
    kept = KeptRows(keep) if keep else None
    results, failures = run_study(_learn_from, tasks, read_fits, rows=kept, listen=told(len(tasks)))
    if failures:
        raise UnfinishedError("\n".join(failures))
    fits = [fit for found in results.values() for fit in found]
    if not fits:
        raise InputError(
            "no fit of these dyads converged, so there is nothing to pool. Give more or denser records"
        )
    # Shares of acts that go further are counted in all dyads.
    tables = dyads.values()
    provenance = Provenance(
        dyads=tuple(dyads),
        events=sum(map(len, tables)),
        first=str(min(events.date.min() for events in tables)),
        last=str(max(events.date.max() for events in tables)),
        seed=sampler.seed,
        source=source,
        command=command,
        version=__version__,
    )
    return pool_fits(fits, steps_of(tables), provenance, left_out)


def read_fits(task: Task, row: Mapping[str, Any]) -> list[Fit]:
    """Read what ``json`` makes of fits: lists in place of tuples."""
    return [
        [Estimate(group, kind, tuple(prior), np.array(draws)) for group, kind, prior, draws in fit]
        for fit in row["fits"]
    ]


def told(planned: int) -> Callable[[Task], None]:
    """Return a listener that counts on standard error."""
    done = count(1)

    def tell(task: Task) -> None:
        print(f"\r{next(done)} of {planned}", end="", file=sys.stderr)

    return tell


def pool_fits(
    fits: Sequence[Fit], steps: Sequence[Step], provenance: Provenance, left_out: Sequence[str] = ()
) -> Population:
    """Pool what the fits say, by group and class of streams.

    A class of which the population knows less than the documented default says is left out.
    """
    found: dict[tuple[str, str], list[Estimate]] = defaultdict(list)
    for fit in fits:
        for estimate in (one for one in fit if one.group not in left_out):
            found[estimate.group, estimate.kind].append(estimate)
    groups: dict[str, dict[str, Spread]] = defaultdict(dict)
    documented = {group.name: group.default.values[1] for group in parameter_groups()}
    for (group, kind), estimates in sorted(found.items()):
        pooled = pool(estimates)
        if pooled.spread <= documented[group]:
            groups[group][kind] = pooled
    return Population(schema=SCHEMA, provenance=provenance, further=pool_steps(steps), groups=groups)


def stretches(dyads: Mapping[str, EventTable], ends: Mapping[str, date], seed: int) -> dict[str, Record]:
    """A stretch of every dyad that holds enough events, with a seed of its own."""
    records = {}
    for position, (name, events) in enumerate(dyads.items()):
        rng = np.random.default_rng([seed, position])
        first, last = events.date.min().item(), events.date.max().item()
        end = ends.get(name, last) + timedelta(days=1)
        sides = sides_of(name, events, last + timedelta(days=1))
        start, origin = _stretch(len(events), first, end, rng)
        own = events.select(sides.mask(events)).between(start, origin)
        if len(own) >= LEAST_EVENTS:
            records[name] = Record(own, sides, start, origin, int(rng.integers(2**31)))
    return records


def _stretch(n_events: int, first: date, end: date, rng: np.random.Generator) -> tuple[date, date]:
    """First day of a stretch, and the day after its last."""
    whole = (end - first).days
    days = int(np.clip(whole * ENOUGH_EVENTS / n_events, USUAL_DAYS, MOST_DAYS))
    if whole <= days:
        return first, end
    begins = first + timedelta(days=int(rng.integers(whole - days + 1)))
    return begins, begins + timedelta(days=days)


def _learn_from(name: str, record: Record, sampler: SamplerOptions) -> dict[str, Any]:
    """Fit one record; ``fits`` is empty where the fit fails."""
    layout = stream_layout(TARGETS, record.sides)
    data = acts_of(record.events, TimeGrid(record.start, record.origin), layout)
    density = PosteriorDensity.of(data, widened(record_priors(data, None)))
    first = replace(sampler, seed=record.seed)
    longer = replace(first, seed=record.seed + 1, tune=2 * sampler.tune, target_accept=0.95)
    for attempt in (first, longer):
        try:
            posterior = Posterior(sample(density, attempt), attempt.target_accept, attempt.tune)
        except NotConvergedError:
            continue
        if _worst_rhat(posterior, density.priors) <= TOLERATED_RHAT:
            fit = _learned(posterior.variables, density.priors)
            return {"dyad": name, "acts": len(data), "fits": [fit]}
    return {"dyad": name, "acts": len(data), "fits": []}


def _worst_rhat(posterior: Posterior, priors: PriorSet) -> float:
    """R-hat of the learned parameter that has the largest."""
    learned = {group.name for group in priors.groups if group.name in LEARNED}
    chains = [
        values.reshape(posterior.n_chains, -1, *values.shape[1:])
        for name, values in posterior.variables.items()
        if name in learned
    ]
    return max(float(np.max(array_stats.rhat(one, chain_axis=0, draw_axis=1))) for one in chains if one.size)


def widened(priors: PriorSet) -> PriorSet:
    """Return the priors, those of what is learned ``WIDENED`` times as wide, so that the record decides."""
    changed = dict(priors.priors)
    for name, prior in priors.priors.items():
        if prior.group.name in LEARNED:
            centre, width = prior.distribution.values
            wide = Distribution(prior.distribution.family, (centre, WIDENED * width))
            changed[name] = replace(prior, distribution=wide)
    return replace(priors, priors=changed)


def _learned(
    variables: Mapping[str, Floats], priors: PriorSet
) -> list[tuple[str, str, tuple[float, float], list[float]]]:
    """Group, class, prior and draws of what is learned, on the scale on which it is normal."""
    found = []
    for group in priors.groups:
        if group.name not in LEARNED:
            continue
        draws = variables[group.name].reshape(-1, max(len(elements(group, priors.layout)), 1))
        for column, prior in enumerate(priors.of_group(group)):
            kind = element_class(prior.element)
            if (group.name, kind) not in OF_THE_CODER:
                values = _normal_scale(draws[:, column], prior.group.support)
                found.append((group.name, kind, prior.distribution.values, values.round(4).tolist()))
    return found


def _normal_scale(values: Floats, support: str) -> Floats:
    match NORMAL_FAMILY[support]:
        case "LogNormal":
            return np.log(values)
        case "LogitNormal":
            return np.asarray(special.logit(values))
    return values


def pool(estimates: Sequence[Estimate]) -> Spread:
    """Centre and spread over dyads of highest likelihood.

    The spread is that of a new dyad: between dyads, net of the error of each, and the error of the centre.
    The centre has the prior of the fits: of a parameter near zero in all dyads, no data say how near it is.
    """
    draws = np.stack([one.draws for one in estimates])
    centres, widths = np.array([one.prior for one in estimates]).T[..., None]
    log_prior = -(((draws - centres) / widths) ** 2) / 2

    def loss(point: Floats) -> float:
        log_ratio = -(((draws - point[0]) * math.exp(-point[1])) ** 2) / 2 - log_prior
        most = log_ratio.max(axis=1, keepdims=True)
        likelihood = float((np.log(np.exp(log_ratio - most).sum(axis=1)) + most[:, 0] - point[1]).sum())
        return -likelihood - point[1] - float(stats.norm.logpdf(point[0], centres[0, 0], widths[0, 0]))

    start = np.array([draws.mean(), math.log(max(draws.mean(axis=1).std(), 0.1))])
    found = optimize.minimize(loss, start, method="Nelder-Mead", bounds=((None, None), LOG_SPREADS)).x
    centre, log_spread = found.tolist()
    step = 0.1 * math.exp(log_spread)
    around = [loss(np.array([centre + move, log_spread])) for move in (-step, 0.0, step)]
    curvature = (around[0] - 2 * around[1] + around[2]) / step**2
    error = 1 / math.sqrt(curvature) if curvature > 0 else math.inf
    return Spread(
        centre=_rounded(centre),
        spread=_rounded(min(math.hypot(math.exp(log_spread), error), math.exp(LOG_SPREADS[1]))),
        values=len(estimates),
    )


def steps_of(dyads: Iterable[EventTable]) -> list[Step]:
    """How many acts of conflict reached each severity and the next, by dyad and category.

    A severity that is never given to a kind of act is the coder's choice: a step before which none stayed is
    left out.
    """
    found = []
    for events in dyads:
        for category in CONFLICTUAL:
            severity = events.severity[events.category == category]
            reached = [int((severity >= one).sum()) for one in SEVERITIES]
            found += [Step(*pair) for pair in pairwise(reached) if pair[0] > pair[1]]
    return found


def pool_steps(steps: Sequence[Step]) -> Further:
    """Beta distribution of the share of acts that go one severity further, by maximum likelihood."""
    reached, further = (np.array(column, dtype=np.float64) for column in zip(*steps, strict=True))

    def loss(point: Floats) -> float:
        alpha, beta = np.exp(point)
        found = special.betaln(alpha + further, beta + reached - further) - special.betaln(alpha, beta)
        return -float(found.sum())

    alpha, beta = np.exp(optimize.minimize(loss, np.log([0.5, 2.0]), method="Nelder-Mead").x).tolist()
    return Further(alpha=_rounded(alpha), beta=_rounded(beta), values=len(steps))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", help="coded event files, one dyad a file")
    parser.add_argument("--bed", action="append", default=[], help="a bed of tools/bench.py, with its ends")
    parser.add_argument("--data", type=Path, help="folder that holds the data of the beds")
    parser.add_argument("--out", type=Path, required=True, help="file to write, for model.population")
    parser.add_argument("--source", default="not stated", help="origin and terms of the events, for the file")
    parser.add_argument(
        "--leave-out", nargs="+", default=[], choices=LEARNED, help="groups that keep their documented priors"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder of finished fits, to go on from")
    asked = parser.parse_args(arguments)
    command = ["tools/learn/population.py", *(folder.name for folder in asked.folders)]
    command += [word for bed in asked.bed for word in ("--bed", bed)]
    command += ["--out", asked.out.name, "--seed", str(asked.seed)]
    command += ["--leave-out", *asked.leave_out] if asked.leave_out else []
    sampler = SamplerOptions(seed=asked.seed, draws=250, tune=250, chains=2)
    try:
        dyads, ends = read_records(asked.folders, asked.bed, asked.data)
        learned = learn_population(
            dyads, ends, sampler, asked.source, shlex.join(command), asked.keep, asked.leave_out
        )
    except ForecastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_whole(asked.out, as_yaml(learned.model_dump(mode="json", by_alias=True)).encode())
    return 0


def read_records(
    folders: Sequence[Path], beds: Sequence[str], data: Path | None
) -> tuple[dict[str, EventTable], dict[str, date]]:
    """Read the dyads of folders and beds, named after both, and until when those of beds were observed."""
    dyads, ends = dict[str, EventTable](), dict[str, date]()
    for folder in folders:
        dyads |= {f"{folder.name}/{name}": events for name, events in read_dyads(folder).items()}
    for bed in beds:
        events, until = read_bed_files(find_bed(bed), data)
        dyads |= {f"{bed}/{name}": own for name, own in events.items()}
        ends |= {f"{bed}/{name}": day for name, day in until.items()}
    return dyads, ends


if __name__ == "__main__":
    sys.exit(main())
