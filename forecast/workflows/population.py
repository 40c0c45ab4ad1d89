"""Learn a population: fit every dyad of a folder at several densities, and pool what the fits say.

Each dyad is fitted alone under the documented priors, whole and thinned at random: a thin record shows less
of every cluster, so that its parameters differ. What the data add to the prior, a normal likelihood on the
scale on which the parameter is normal, is pooled over dyads by a random-effects meta-regression on the log
of acts a month (DerSimonian and Laird 1986, doi:10.1016/0197-2456(86)90046-2; here by maximum likelihood).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from forecast.config.writing import as_yaml
from forecast.errors import InputError, NotConvergedError, StoppedError
from forecast.evaluation.unit_store import decisive_versions
from forecast.events.table import EventTable
from forecast.families import FAMILIES
from forecast.families.family import EventModel
from forecast.inference.compile_cache import Compiled, compile_model
from forecast.inference.gates import check_gates
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import sample
from forecast.panel.panel import TimeGrid, count_events
from forecast.panel.streams import stream_layout
from forecast.priors import PriorSet, default_priors, elements, parameter_groups
from forecast.priors.population import (
    BASELINE,
    LEARNED,
    NORMAL_SCALES,
    SCHEMA,
    WEEKS_A_MONTH,
    Population,
    Provenance,
    Spread,
    stream_class,
)
from forecast.storage.kept_rows import KeptRows

Floats = NDArray[np.float64]
THINNINGS = (1.0, 0.3, 0.1, 0.03)
"""Shares of a record's events that are kept, at random."""
MOST_DAYS = 8 * 365
"""Longer records are cut to a stretch of this length, at random: what users have, and fast to fit."""
LEAST_EVENTS = 15
"""Thinner records are not fitted."""
LEAST_INFORMATION = 0.05
"""Least precision that the data add, in units of the prior's, for a value to count."""
SLOPE_SCALE = 0.3
"""Standard deviation of a slope before the data: small, since it carries priors to other densities."""
TOLERATED_RHAT = 1.05
"""Of short fits whose means and spreads alone are used."""


class Estimate(NamedTuple):
    """What one fit says of one parameter beyond its prior: a normal likelihood, at a density of acts."""

    mean: float
    variance: float
    log_acts: float


class Fit(NamedTuple):
    """What one record says: the log of its acts a month; estimates by group and class of streams."""

    log_acts: float
    estimates: tuple[tuple[str, str, Estimate], ...]

    @classmethod
    def of_json(cls, content: Sequence[Any]) -> Fit:
        """Read what ``json`` makes of a fit: lists in place of tuples."""
        log_acts, estimates = content
        return cls(log_acts, tuple((group, kind, Estimate(*one)) for group, kind, one in estimates))


@dataclass(frozen=True, kw_only=True)
class LearningOptions:
    """At which thinnings to learn, and how long each fit is."""

    thinnings: tuple[float, ...] = THINNINGS
    sampler: SamplerOptions = field(default_factory=lambda: SamplerOptions(seed=1, draws=300, tune=300))
    source: str = "not stated"
    command: str = "forecast priors learn"


def learn_population(
    dyads: Mapping[str, EventTable],
    options: LearningOptions,
    listen: Callable[[int, int], None] | None = None,
    *,
    keep: Path | None = None,
) -> Population:
    """Fit every dyad at every thinning, and pool.

    ``listen`` is told how many fits are done and planned. Finished fits are kept in the folder ``keep``, and
    those that it holds of the same events, settings, code and versions are not done again.

    Raises
    ------
    InputError
        Fewer than three dyads have records that can be fitted, no fit converged, or ``keep`` cannot be used.
    StoppedError
        Ctrl-C was pressed, and fits are kept.
    """
    records = thinned_records(dyads, options)
    if len({dyad for dyad, _, _ in records}) < 3:
        raise InputError(
            f"a population needs at least 3 dyads of {LEAST_EVENTS} events or more; the folder holds "
            f"{len({dyad for dyad, _, _ in records})} of {len(dyads)} files"
        )
    kept = KeptRows(keep) if keep else None
    fits: list[Fit] = []
    done = 0
    try:
        for done, found in enumerate(_fit_all(records, options, kept), start=1):
            fits += found
            if listen:
                listen(done, len(records))
    except KeyboardInterrupt as stop:
        if kept is None:
            raise
        raise StoppedError(
            f"stopped; {done} of {len(records)} fits are kept in {keep}. The same command goes on"
        ) from stop
    if not fits:
        raise InputError(
            "no fit of these dyads converged, so there is nothing to pool. Give more or denser records"
        )
    return pool_fits(fits, _provenance(dyads, options))


def _fit_all(
    records: Sequence[tuple[str, int, EventTable]], options: LearningOptions, kept: KeptRows | None
) -> Iterator[list[Fit]]:
    (model,) = FAMILIES["joint"].models(())
    compiled = None
    for _, seed, events in records:
        key = _fit_key(events, options, seed)
        row = kept.row(key) if kept is not None else None
        if row is not None:
            yield [Fit.of_json(one) for one in row["fits"]]
            continue
        if compiled is None:
            compiled = _compiled(model)
        fits = _learn_from(model, compiled, events, options, seed)
        if kept is not None:
            kept.keep(key, {"fits": fits})
        yield fits


def _fit_key(events: EventTable, options: LearningOptions, seed: int) -> str:
    """Hash of all that a fit depends on."""
    parts = decisive_versions(), events.sha256, repr(options.sampler), str(seed)
    return sha256("\n".join(parts).encode()).hexdigest()[:20]


def pool_fits(fits: Sequence[Fit], provenance: Provenance) -> Population:
    """Pool what the fits say, by group and class of streams.

    A class of which the population knows less than the documented default says is left out.
    """
    densities = [fit.log_acts for fit in fits]
    centre = float(np.mean(densities))
    found: dict[tuple[str, str], list[Estimate]] = defaultdict(list)
    for fit in fits:
        for group, kind, estimate in fit.estimates:
            found[group, kind].append(estimate)
    groups: dict[str, dict[str, Spread]] = defaultdict(dict)
    documented = {group.name: group.default.values[1] for group in parameter_groups(stream_layout("joint"))}
    for (group, kind), estimates in sorted(found.items()):
        pooled = pool(estimates, centre)
        if group == BASELINE or pooled.spread <= documented[group]:
            groups[group][kind] = pooled
    return Population.model_validate(
        {
            "schema": SCHEMA,
            "provenance": provenance,
            "acts_a_month": _rounded(math.exp(centre)),
            "least_acts_a_month": _rounded(math.exp(min(densities))),
            "most_acts_a_month": _rounded(math.exp(max(densities))),
            "groups": groups,
        }
    )


def thinned_records(
    dyads: Mapping[str, EventTable], options: LearningOptions
) -> list[tuple[str, int, EventTable]]:
    """A stretch of every dyad, whole and thinned, with a seed of its own, where enough is left."""
    records = []
    for position, (dyad, events) in enumerate(dyads.items()):
        for number, share in enumerate(options.thinnings):
            rng = np.random.default_rng([options.sampler.seed, position, number])
            stretch = _stretch(events, rng)
            kept = stretch if share == 1.0 else stretch.select(rng.random(len(stretch)) < share)
            if len(kept) >= LEAST_EVENTS:
                records.append((dyad, int(rng.integers(2**31)), kept))
    return records


def _stretch(events: EventTable, rng: np.random.Generator) -> EventTable:
    first, last = events.date.min().item(), events.date.max().item()
    spare = (last - first).days - MOST_DAYS
    if spare <= 0:
        return events
    begins = first + timedelta(days=int(rng.integers(spare + 1)))
    return events.between(begins, begins + timedelta(days=MOST_DAYS))


def _compiled(model: EventModel) -> Compiled:
    """Compile for the longest stretch; shorter ones are data of the same model."""
    grid = TimeGrid(date(2000, 1, 1), date(2000, 1, 1) + timedelta(days=MOST_DAYS + 1))
    panel = count_events(EventTable.from_events([], "nothing"), grid, model.layout)
    return compile_model(model.build(panel, default_priors(model.layout)))


def _learn_from(
    model: EventModel,
    compiled: Compiled,
    events: EventTable,
    options: LearningOptions,
    seed: int,
) -> list[Fit]:
    """Fit one record; empty where it is too thin, or the fit fails."""
    grid = TimeGrid(events.date.min().item(), events.date.max().item() + timedelta(days=1))
    panel = count_events(events, grid, model.layout)
    if panel.acts_a_month * panel.months < LEAST_EVENTS:
        return []
    priors = default_priors(model.layout)
    kept = options.sampler
    longer = SamplerOptions(seed=seed + 1, draws=kept.draws, tune=2 * kept.tune, target_accept=0.95)
    ready = compiled.with_data(**model.arrays(panel, priors))
    for attempt in (SamplerOptions(seed=seed, draws=kept.draws, tune=kept.tune), longer):
        try:
            posterior = Posterior(sample(ready, attempt), attempt.target_accept, attempt.tune)
        except NotConvergedError:
            continue
        if check_gates(posterior).rhat_max <= TOLERATED_RHAT:
            break
    else:
        return []
    log_acts = math.log(panel.acts_a_month)
    return [Fit(log_acts, tuple(_beyond_the_prior(posterior.variables, priors, log_acts)))]


def _beyond_the_prior(
    variables: Mapping[str, Floats], priors: PriorSet, log_acts: float
) -> list[tuple[str, str, Estimate]]:
    found = []
    for group in priors.groups:
        if group.name not in LEARNED:
            continue
        own = priors.of_group(group)
        draws = variables[group.variable][:, 0].reshape(-1, max(len(elements(group, priors.layout)), 1))
        for column, prior in enumerate(own):
            values = _normal_scale(draws[:, column], prior.group.support)
            centre, width = prior.distribution.values
            variance = float(values.var())
            information = 1 / variance - 1 / width**2
            if information * width**2 < LEAST_INFORMATION:
                continue
            mean = (float(values.mean()) / variance - centre / width**2) / information
            if group.name == BASELINE:
                mean -= log_acts - math.log(WEEKS_A_MONTH)
            kind = stream_class(priors.layout, prior.element)
            found.append((group.name, kind, Estimate(mean, 1 / information, log_acts)))
    return found


def _normal_scale(values: Floats, support: str) -> Floats:
    match NORMAL_SCALES[support]:
        case "LogNormal":
            return np.log(values)
        case "LogitNormal":
            return np.asarray(special.logit(values))
    return values


def pool(estimates: Sequence[Estimate], centre: float) -> Spread:
    """Random-effects meta-regression by maximum likelihood: a centre, a slope in log acts, a spread.

    A value y of variance v is Normal(centre + slope·x, v + τ²), x the log of acts a month less ``centre``;
    the slope has a Normal(0, ``SLOPE_SCALE``) prior. The spread is that of a new dyad: τ² and the error of
    the centre together.
    """
    y, v, log_acts = (np.array(column) for column in zip(*estimates, strict=True))
    x = np.column_stack([np.ones(len(y)), log_acts - centre])
    prior = np.diag([0.0, SLOPE_SCALE**-2])

    def solve(log_tau: float) -> tuple[Floats, Floats, Floats]:
        weight = 1 / (v + math.exp(2 * log_tau))
        information = (x * weight[:, None]).T @ x + prior
        return np.linalg.solve(information, x.T @ (weight * y)), information, weight

    def loss(log_tau: float) -> float:
        coefficients, information, weight = solve(log_tau)
        residual = y - x @ coefficients
        fit = (weight * residual**2).sum() - np.log(weight).sum() + coefficients @ prior @ coefficients
        return float(fit + np.linalg.slogdet(information)[1])

    log_tau = optimize.minimize_scalar(loss, bounds=(math.log(0.02), math.log(5.0)), method="bounded").x
    coefficients, information, _ = solve(float(log_tau))
    spread = math.sqrt(math.exp(2 * log_tau) + np.linalg.inv(information)[0, 0])
    centred, slope = coefficients.tolist()
    return Spread(centre=_rounded(centred), slope=_rounded(slope), spread=_rounded(spread), values=len(y))


def population_yaml(population: Population) -> str:
    """Return a population as the file that ``read_population`` reads."""
    return as_yaml(population.model_dump(mode="json", by_alias=True))


def _provenance(dyads: Mapping[str, EventTable], options: LearningOptions) -> Provenance:
    from forecast import __version__

    tables = dyads.values()
    return Provenance(
        dyads=tuple(dyads),
        events=sum(len(events) for events in tables),
        first=str(min(events.date.min() for events in tables)),
        last=str(max(events.date.max() for events in tables)),
        thinnings=options.thinnings,
        seed=options.sampler.seed,
        source=options.source,
        command=options.command,
        version=__version__,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
