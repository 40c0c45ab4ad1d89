"""Learn a population of priors: fit every dyad of a folder, and pool what the fits say.

    python tools/learn/population.py DIR --out population.yaml --source "origin and terms"

About forty minutes for thirty dyads. Each is fitted alone under the documented priors, with the acts cut as
for three nested targets. What the data add to the prior of a parameter, a normal likelihood on the scale on
which it is normal, is pooled over dyads by a random-effects model (DerSimonian and Laird 1986,
doi:10.1016/0197-2456(86)90046-2; here by maximum likelihood). Baselines keep their documented spread: they
are centred on the record that the likelihood counts, too; a spread learned from fits would count it twice.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from forecast import __version__
from forecast.bench.accuracy import read_dyads
from forecast.config.writing import as_yaml
from forecast.errors import ForecastError, InputError, NotConvergedError
from forecast.evaluation.study import KeptRows, Task, row_key, run_study
from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.events.reading import write_whole
from forecast.events.table import EventTable
from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import check_gates, sample
from forecast.panel import TargetRule, TimeGrid, count_events, stream_layout
from forecast.priors import PriorSet, elements, parameter_groups
from forecast.priors.population import (
    LEARNED,
    NORMAL_SCALES,
    OF_THE_CODER,
    Further,
    Population,
    Provenance,
    Spread,
    record_priors,
    stream_class,
)

Floats = NDArray[np.float64]
TARGETS = (
    TargetRule("grave", CONFLICTUAL, 4),
    TargetRule("military", ("military_incident", "military_posture"), 4),
    TargetRule("force", ("military_incident",), 5),
)
"""Cells of the records that are learned from."""
USUAL_DAYS, MOST_DAYS = 8 * 365, 20 * 365
"""Longer records are cut at random to a stretch of the first length, or, where they are sparse, of up to the
second."""
ENOUGH_EVENTS, LEAST_EVENTS = 60, 12
"""Events from which a stretch need be no longer; thinner records are not fitted."""
LEAST_INFORMATION = 0.05
"""Least precision that the data add, in units of the prior's, for a value to count."""
TOLERATED_RHAT = 1.05
"""Of short fits whose means and spreads alone are used."""


class Estimate(NamedTuple):
    """What one fit says of one parameter beyond its prior: a normal likelihood."""

    mean: float
    variance: float


class Step(NamedTuple):
    """Acts of one kind in one dyad that reached a severity, and those of them that went one further."""

    reached: int
    further: int


Fit = Sequence[tuple[str, str, Estimate]]
"""What one record says: estimates by group and class of streams."""


def learn_population(
    dyads: Mapping[str, EventTable], sampler: SamplerOptions, source: str, command: str, keep: Path | None
) -> Population:
    """Fit every dyad, and pool.

    Finished fits are kept in the folder ``keep``, and those that it holds of the same events, settings, code
    and versions are not done again. ``InputError`` when fewer than three dyads have records that can be
    fitted, no fit converged, or ``keep`` cannot be used; ``StoppedError`` for Ctrl-C when fits are kept.
    """
    records = stretches(dyads, sampler.seed)
    if len(records) < 3:
        raise InputError(
            f"a population needs at least 3 dyads of {LEAST_EVENTS} events or more; the folder holds "
            f"{len(records)} of {len(dyads)} files"
        )
    tasks = [
        Task(row_key(events.sha256, repr(sampler), str(seed)), f"record {number}", (events, sampler, seed))
        for number, (seed, events) in enumerate(records, start=1)
    ]
    kept = KeptRows(keep) if keep else None
    study = run_study(_learn_from, tasks, read_fits, rows=kept, strict=True, listen=told(len(tasks)))
    fits = [fit for found in study.results.values() for fit in found]
    if not fits:
        raise InputError(
            "no fit of these dyads converged, so there is nothing to pool. Give more or denser records"
        )
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
    return pool_fits(fits, steps_of(tables), provenance)


def read_fits(task: Task, row: Mapping[str, Any]) -> list[Fit]:
    """Read what ``json`` makes of fits: lists in place of tuples."""
    return [[(group, kind, Estimate(*estimate)) for group, kind, estimate in fit] for fit in row["fits"]]


def told(planned: int) -> Callable[[Task], None]:
    """Return a listener that counts on standard error."""
    done = count(1)

    def tell(task: Task) -> None:
        print(f"\r{next(done)} of {planned}", end="", file=sys.stderr)

    return tell


def pool_fits(fits: Sequence[Fit], steps: Sequence[Step], provenance: Provenance) -> Population:
    """Pool what the fits say, by group and class of streams.

    A class of which the population knows less than the documented default says is left out.
    """
    found: dict[tuple[str, str], list[Estimate]] = defaultdict(list)
    for fit in fits:
        for group, kind, estimate in fit:
            found[group, kind].append(estimate)
    groups: dict[str, dict[str, Spread]] = defaultdict(dict)
    documented = {group.name: group.default.values[1] for group in parameter_groups()}
    for (group, kind), estimates in sorted(found.items()):
        pooled = pool(estimates)
        if pooled.spread <= documented[group]:
            groups[group][kind] = pooled
    return Population(schema=2, provenance=provenance, further=pool_steps(steps), groups=groups)


def stretches(dyads: Mapping[str, EventTable], seed: int) -> list[tuple[int, EventTable]]:
    """A stretch of every dyad that holds enough events, with a seed of its own."""
    records = []
    for position, events in enumerate(dyads.values()):
        rng = np.random.default_rng([seed, position])
        stretch = _stretch(events, rng)
        if len(stretch) >= LEAST_EVENTS:
            records.append((int(rng.integers(2**31)), stretch))
    return records


def _stretch(events: EventTable, rng: np.random.Generator) -> EventTable:
    first, last = events.date.min().item(), events.date.max().item()
    whole = (last - first).days
    days = int(np.clip(whole * ENOUGH_EVENTS / len(events), USUAL_DAYS, MOST_DAYS))
    if whole <= days:
        return events
    begins = first + timedelta(days=int(rng.integers(whole - days + 1)))
    return events.between(begins, begins + timedelta(days=days))


def _learn_from(events: EventTable, sampler: SamplerOptions, seed: int) -> dict[str, list[Fit]]:
    """Fit one record; ``fits`` is empty where the fit fails."""
    grid = TimeGrid(events.date.min().item(), events.date.max().item() + timedelta(days=1))
    panel = count_events(events, grid, stream_layout(TARGETS))
    density = PosteriorDensity.of(panel, record_priors(panel, None))
    longer = SamplerOptions(seed=seed + 1, draws=sampler.draws, tune=2 * sampler.tune, target_accept=0.95)
    for attempt in (SamplerOptions(seed=seed, draws=sampler.draws, tune=sampler.tune), longer):
        try:
            posterior = Posterior(sample(density, attempt), attempt.target_accept, attempt.tune)
        except NotConvergedError:
            continue
        if check_gates(posterior).rhat_max <= TOLERATED_RHAT:
            return {"fits": [_beyond_the_prior(posterior.variables, density.priors)]}
    return {"fits": []}


def _beyond_the_prior(variables: Mapping[str, Floats], priors: PriorSet) -> list[tuple[str, str, Estimate]]:
    found = []
    for group in priors.groups:
        if group.name not in LEARNED:
            continue
        own = priors.of_group(group)
        draws = variables[group.variable].reshape(-1, max(len(elements(group, priors.layout)), 1))
        for column, prior in enumerate(own):
            kind = stream_class(priors.layout, prior.element)
            if (group.name, kind) in OF_THE_CODER:
                continue
            values = _normal_scale(draws[:, column], prior.group.support)
            centre, width = prior.distribution.values
            variance = float(values.var())
            information = 1 / variance - 1 / width**2
            if information * width**2 < LEAST_INFORMATION:
                continue
            mean = (float(values.mean()) / variance - centre / width**2) / information
            found.append((group.name, kind, Estimate(mean, 1 / information)))
    return found


def _normal_scale(values: Floats, support: str) -> Floats:
    match NORMAL_SCALES[support]:
        case "LogNormal":
            return np.log(values)
        case "LogitNormal":
            return np.asarray(special.logit(values))
    return values


def pool(estimates: Sequence[Estimate]) -> Spread:
    """Random effects by maximum likelihood: a centre and a spread.

    A value y of variance v is Normal(centre, v + τ²). The spread is that of a new dyad: τ² and the error of
    the centre together.
    """
    y, v = (np.array(column) for column in zip(*estimates, strict=True))

    def loss(log_tau: float) -> float:
        weight = 1 / (v + math.exp(2 * log_tau))
        centre = (weight @ y) / weight.sum()
        return float(weight @ (y - centre) ** 2 - np.log(weight).sum() + math.log(weight.sum()))

    log_tau = optimize.minimize_scalar(loss, bounds=(math.log(0.02), math.log(5.0)), method="bounded").x
    weight = 1 / (v + math.exp(2 * log_tau))
    spread = math.sqrt(math.exp(2 * log_tau) + 1 / weight.sum())
    centre = float(weight @ y / weight.sum())
    return Spread(centre=_rounded(centre), spread=_rounded(spread), values=len(y))


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
    parser.add_argument("folder", type=Path, help="coded event files, one dyad a file")
    parser.add_argument("--out", type=Path, required=True, help="file to write, for model.population")
    parser.add_argument("--source", default="not stated", help="origin and terms of the events, for the file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder of finished fits, to go on from")
    asked = parser.parse_args(arguments)
    command = f"tools/learn/population.py {asked.folder.name} --out {asked.out.name} --seed {asked.seed}"
    sampler = SamplerOptions(seed=asked.seed, draws=300, tune=300)
    try:
        learned = learn_population(read_dyads(asked.folder), sampler, asked.source, command, asked.keep)
    except ForecastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_whole(asked.out, as_yaml(learned.model_dump(mode="json", by_alias=True)).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
