"""Simulation-based calibration: whether the sampler's posterior is the posterior of the model.

Parameters are drawn from the prior and data from the parameters; if inference is right, the rank of each
true value among thinned posterior draws is uniform. Talts, Betancourt, Simpson, Vehtari and Gelman (2018),
"Validating Bayesian inference algorithms with simulation-based calibration", arXiv:1804.06788.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecast.blocks import Block, Bullets, Entry, Prose, plain_table, right
from forecast.evaluation.study import Task, counted, run_study
from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import sample
from forecast.models.density import CHAIN_SLOPE, CHAIN_STEEPNESS
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    StreamDraws,
    linear_between,
    prior_draws,
    stream_draws,
    tension_at_steps,
)
from forecast.panel import (
    DRIFT_KNOT_STEPS,
    HALF_SATURATION,
    EventCounts,
    TargetRule,
    TimeGrid,
    decay_per_step,
    severity_mix,
    stream_layout,
)
from forecast.priors import PriorSet, PriorStatement, default_priors
from forecast.simulation import SimulationOptions, simulate_first_passages
from forecast.simulation.probabilities import hit_shares

Floats = NDArray[np.float64]
Variables = Mapping[str, Floats]
N_RANKED = 99
"""Thinned draws a simulation: ranks run from 0 to 99."""
HORIZON_DAYS = 90
_LEVELS = (0.5, 0.9)
"""Of the intervals whose coverage is told."""
_WORST = 5
"""Quantities of which the p-value is printed."""
_PATHS = 20
LATENT = (INNOVATIONS, DRIFT_INNOVATIONS)
"""Variables of which only what they come to at the end of the record is ranked: they are many."""
MOST_ACTS = 1000
"""Data with more acts of a stream in one step are not taken."""
_CANDIDATES = 50
"""Data sets out of which one is taken (see ``draw_truth``)."""
_PILOTS = 2

TARGETS = (
    TargetRule("major", CONFLICTUAL, 4),
    TargetRule("military", ("military_incident", "military_posture"), 4),
    TargetRule("lethal", ("military_incident",), 5),
)
"""Those of the worked case, nested."""
Size = Literal["sparse", "dense"]
SIZES: Mapping[Size, tuple[int, int]] = {"sparse": (520, 30), "dense": (338, 850)}
"""Weeks and events: thirty in ten years, and the worked case's size."""
_RATE_SIGMA = 0.5
_SWELLING = 1.25
"""Median acts of a data set over those of the median base rates: own excitation adds the rest."""
STUDY_PRIORS: dict[str, PriorStatement] = {
    "tension.scale": "LogNormal(mu=-0.5, sigma=0.3)",
    "tension.persistence": "LogNormal(mu=4.8, sigma=0.4)",
    "drift.scale": "LogNormal(mu=-0.7, sigma=0.3)",
    "overdispersion.shape": "LogNormal(mu=1, sigma=0.5)",
    "ballast": "Normal(0, 0.3)",
}
"""Narrower than the defaults, whose tails make data of a size that no dyad has; of ballast wider."""

DataChange = Callable[[EventCounts], EventCounts]


def doubled(data: EventCounts) -> EventCounts:
    """Count every act twice: wrong on purpose, since rates are taken for double."""
    return replace(data, counts=2 * data.counts, graded=2 * data.graded)


@dataclass(frozen=True)
class RankStudy:
    """Ranks, in 0 … ``N_RANKED``, of true values among posterior draws: by quantity, shape (simulation,).

    Quantities are parameters by name and element, tension and drift at the end of the record, and the
    probability of each target within ``HORIZON_DAYS``.
    ``events`` are the acts of each data set, shape (simulation,); empty where they were not counted.
    """

    ranks: dict[str, NDArray[np.int64]]
    events: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def p_values(self, n_bins: int = 10) -> dict[str, float]:
        """Chi-square test of uniformity of each quantity's ranks."""
        return {name: _uniformity(ranks, n_bins) for name, ranks in self.ranks.items()}

    def coverage(self, level: float) -> float:
        """Share of all true values that lie in their central posterior interval of this level."""
        ranks = np.concatenate(list(self.ranks.values()))
        return float((np.abs(ranks - N_RANKED / 2) < level * (N_RANKED + 1) / 2).mean())

    def smallest(self) -> tuple[str, float]:
        """The quantity with the smallest p-value, and that value after Bonferroni's correction."""
        p_values = self.p_values()
        name = min(p_values, key=lambda key: p_values[key])
        return name, min(1.0, p_values[name] * len(p_values))

    @property
    def n_simulations(self) -> int:
        """How many data sets were simulated."""
        return len(next(iter(self.ranks.values())))

    def facts(self) -> dict[str, object]:
        """Return what programs get."""
        return {
            "simulations": self.n_simulations,
            "events": self.events.tolist(),
            "p_values": self.p_values(),
            "smallest_p_value_corrected": self.smallest()[1],
            "coverage": {str(level): self.coverage(level) for level in _LEVELS},
            "ranks": {name: ranks.tolist() for name, ranks in self.ranks.items()},
        }

    def blocks(self) -> Iterator[Block]:
        """Yield how large the data sets are, coverage, the least uniform ranks, and the verdict."""
        p_values, n = self.p_values(), self.n_simulations
        low, median, high = np.quantile(self.events, (0.05, 0.5, 0.95))
        yield Prose(
            f"{n} simulated data sets, {len(p_values)} quantities ranked among posterior draws. Events of a "
            f"data set: median {median:,.0f}, nine in ten from {low:,.0f} to {high:,.0f}."
        )
        # Quantities of one data set are not independent: the error is that of the data sets alone.
        covered = (
            f"{level:.0%} interval: {self.coverage(level):.1%} (at most "
            f"{(level * (1 - level) / n) ** 0.5:.1%} standard error)"
            for level in _LEVELS
        )
        yield Entry("Truths inside their central interval", (Bullets(tuple(covered)),))
        worst = sorted(p_values, key=lambda key: p_values[key])[:_WORST]
        probabilities = [quantity for quantity in p_values if quantity.startswith("P(")]
        rows = ((quantity, f"{p_values[quantity]:.2g}") for quantity in (*worst, *probabilities))
        title = "Uniformity of ranks (chi-square, ten bins), the least uniform first"
        yield plain_table(("", right("p")), rows, title)
        name, corrected = self.smallest()
        yield Prose(f"Smallest p times {len(p_values)} quantities: {corrected:.2g} ({name}).")
        wrong = "Ranks are not uniform: inference is wrong."
        yield Prose(wrong, tone="warning") if corrected < 0.01 else Prose("No fault was found.")


def study_priors(size: Size) -> PriorSet:
    """Return the priors of a study: ``STUDY_PRIORS``, and base rates of a record of its size."""
    layout = stream_layout(TARGETS)
    n_weeks, n_events = SIZES[size]
    # Each further target is met by half as many acts.
    shares = np.array([1.0] * len(layout.ordinary) + [0.5**n for n in range(len(layout.cells))])
    stated = dict(STUDY_PRIORS)
    for name, share in zip(layout.streams, shares / shares.sum(), strict=True):
        median = math.log(share * n_events / (_SWELLING * n_weeks))
        stated[f"baseline.weekly_rate.{name}"] = f"LogNormal(mu={median:.6g}, sigma={_RATE_SIGMA})"
    return default_priors(layout).changed(stated, "config")


def default_study(
    size: Size,
    n_simulations: int,
    *,
    seed: int,
    wrong: bool = False,
    listen: Callable[[int, int], None] | None = None,
) -> RankStudy:
    """Run the study of one of ``SIZES`` with short fits; ``wrong`` counts every act twice."""
    return rank_study(
        study_priors(size),
        n_simulations,
        n_weeks=SIZES[size][0],
        seed=seed,
        sampler=SamplerOptions(seed=0, draws=300, tune=300),
        change=doubled if wrong else None,
        listen=listen,
    )


def rank_study(
    priors: PriorSet,
    n_simulations: int,
    *,
    n_weeks: int,
    seed: int,
    sampler: SamplerOptions,
    change: DataChange | None = None,
    listen: Callable[[int, int], None] | None = None,
) -> RankStudy:
    """Run a calibration study.

    Data are drawn from ``priors``, which inference uses too: narrow enough for data of a sane size. The
    last week of the simulated past is cut short by two days. The seed of the sampler is replaced; ``change``
    spoils the data on purpose, to show that the study sees a wrong model; ``listen`` is called with
    (done, all).
    """
    start = date(2000, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=7 * n_weeks - 2))
    tasks = [
        Task(str(number), f"simulation {number}", (priors, grid, sampler, change, child))
        for number, child in enumerate(np.random.SeedSequence(seed).spawn(n_simulations), start=1)
    ]
    heard = counted(listen, n_simulations)
    study = run_study(_ranks, tasks, lambda task, row: row, strict=True, listen=heard)
    rows = list(study.results.values())
    ranks = {name: np.array([row["ranks"][name] for row in rows]) for name in rows[0]["ranks"]}
    return RankStudy(ranks, np.array([row["events"] for row in rows], dtype=np.int64))


def _ranks(
    priors: PriorSet,
    grid: TimeGrid,
    sampler: SamplerOptions,
    change: DataChange | None,
    seeds: np.random.SeedSequence,
) -> dict[str, Any]:
    """Draw a truth and its data, fit them, and rank the truth: acts of the data, and ranks by quantity."""
    rng = np.random.default_rng(seeds)
    truth, data = draw_truth(priors, grid, rng)
    events = int(data.counts.sum())
    data = change(data) if change else data
    options = replace(sampler, seed=int(rng.integers(2**31)))
    tree = sample(PosteriorDensity.of(data, priors), options)
    draws = Posterior(tree, options.target_accept, options.tune).variables
    chosen = np.linspace(0, len(draws[INNOVATIONS]) - 1, N_RANKED).round().astype(int)
    # The truth first. It and the draws are treated alike: exchangeable, if inference is right.
    together = {name: np.concatenate([truth[name], draws[name][chosen]]) for name in truth}
    quantities = _quantities(data, priors, together, int(rng.integers(2**31)))
    return {
        "events": events,
        "ranks": {name: _rank(values[0], values[1:], rng) for name, values in quantities.items()},
    }


def _quantities(data: EventCounts, priors: PriorSet, together: Variables, seed: int) -> dict[str, Floats]:
    """What is ranked, by name, each of shape (1 + draws,)."""
    found: dict[str, Floats] = {}
    for name, values in together.items():
        if name not in LATENT:
            for index in np.ndindex(values.shape[1:]):
                label = f"{name}[{','.join(map(str, index))}]" if index else name
                found[label] = values[:, *index]
    draws = stream_draws(priors.layout, together, priors)
    found["tension now"] = tension_at_steps(draws.knots, data.grid.n_steps)[:, -1]
    found["drift now"] = draws.level(data)
    # With as many paths and random numbers of their own, path noise included, ranks stay uniform.
    options = SimulationOptions(seed=seed, horizon_days=HORIZON_DAYS, paths_per_draw=_PATHS)
    hits = simulate_first_passages(data, draws, options)
    for target in hits.targets:
        found[f"P({target})"] = hit_shares(hits.of(target), HORIZON_DAYS)[:, -1]
    return found


def draw_truth(
    priors: PriorSet, grid: TimeGrid, rng: np.random.Generator
) -> tuple[dict[str, Floats], EventCounts]:
    """Draw parameters and data from the distribution that the posterior is conditioned in.

    The model takes conflict relative to its mean over the whole record, and the soft bound on chains knows
    the data, too, so that data cannot be drawn week by week. Many data sets are drawn, with the mean of a
    record played before in place of their own, and one is taken by its weight: its density under the model
    over that under which it was drawn (sampling-importance resampling; Rubin 1987). Severities are drawn
    evenly; they tell nothing of parameters. Returns variables of shape (1, …).
    """
    layout = priors.layout
    while True:
        variables = prior_draws(priors, _CANDIDATES, grid.n_knots, rng)
        draws = stream_draws(layout, variables, priors)
        mean = (variables["baseline_weekly_rate"][:, layout.conflict_index]).sum(axis=1)
        for _ in range(_PILOTS):
            mean = _play(draws, grid, mean, rng).mean_pull
        found = _play(draws, grid, mean, rng)
        by_severity = found.acts.sum(axis=0) * np.array(layout.conflictual)[:, None]
        acts = found.acts.sum(axis=(0, 3))
        mix = [severity_mix(layout, *pair) for pair in zip(by_severity, acts, strict=True)]
        weight = found.log_likelihood(found.mean_pull) - found.log_likelihood(mean)
        weight += _bound_on_chains(draws, found, np.stack(mix))
        possible = (found.acts.sum(axis=-1).max(axis=(0, 2)) <= MOST_ACTS) & np.isfinite(weight)
        if not possible.any():
            continue
        share = np.where(possible, np.exp(weight - weight[possible].max()), 0.0)
        one = int(rng.choice(_CANDIDATES, p=share / share.sum()))
        chosen = found.acts[:, one]
        panel = EventCounts(
            grid,
            layout,
            chosen.sum(axis=-1),
            chosen[:, layout.conflict_index].sum(axis=1),
            mix[one],
            np.ones(grid.n_steps),
        )
        return {name: values[one : one + 1] for name, values in variables.items()}, panel


class _Played(NamedTuple):
    """Data under each draw: axes step t, draw d, stream k, severity s."""

    acts: NDArray[np.int64]  # (t, d, k, s)
    weight: Floats  # (d, s): of conflict by severity
    mean_pull: Floats  # (d): mean over the record of the weight of conflict in a step
    steady: Floats  # (t, d, k): rate without what conflict pulls
    pulled: Floats  # (t, d, k): that, times the mean
    shape: Floats  # (d, k)
    exposure: Floats  # (t)

    def log_likelihood(self, mean: Floats) -> Floats:
        """Log probability of the counts, with what is pulled relative to this mean, (d,)."""
        rate = self.steady + self.pulled / mean[:, None]
        size = self.shape * self.exposure[:, None, None]
        counts = self.acts.sum(axis=-1)
        found = stats.nbinom.logpmf(counts, size, self.shape / (self.shape + rate))
        return np.asarray(found.sum(axis=(0, 2)))


def _play(draws: StreamDraws, grid: TimeGrid, mean: Floats, rng: np.random.Generator) -> _Played:
    """Play records under draws with the pull of conflict relative to given means, (d,)."""
    layout, own = draws.streams, draws.variables
    conflict, calming = layout.conflict_index, layout.calming_index
    n_draws, n_streams, n_steps = len(draws), len(layout.streams), grid.n_steps
    share = draws.by_stream("excitation_cross", conflict)
    ballast = draws.by_stream("ballast", calming)
    loading = own["tension_loading"] * own["tension_scale"][:, None]
    branching, rate = draws.own, own["baseline_weekly_rate"]
    keep_own, keep_pull, keep_calm = (
        decay_per_step(own[name])[:, None]
        for name in ("excitation_half_life_days", "excitation_cross_half_life_days", "ballast_half_life_days")
    )
    weight = np.exp(own["excitation_severity"][:, None] * (np.array(SEVERITIES) - 2.0))
    tension = tension_at_steps(draws.knots, n_steps)
    drift = linear_between(draws.drift, np.arange(n_steps), DRIFT_KNOT_STEPS)
    exposure = np.ones(n_steps)
    exposure[-1] = grid.last_exposure
    level = np.exp(drift) / (np.exp(drift) @ exposure / exposure.sum())[:, None]
    even = layout.severities[conflict] / layout.severities[conflict].sum(axis=1, keepdims=True)

    acts = np.zeros((n_steps, n_draws, n_streams, len(SEVERITIES)), dtype=np.int64)
    steady, pulled = np.zeros((2, n_steps, n_draws, n_streams))
    excitation, recent = np.zeros((2, n_draws, n_streams))
    pull = np.zeros((n_draws, 1))
    for t in range(n_steps):
        calm = np.ones((n_draws, n_streams))
        log_calm = -(ballast * recent / (recent + HALF_SATURATION)).sum(axis=1)
        calm[:, conflict] = np.exp(log_calm)[:, None]
        ordinary = rate * (1 - share) * np.exp(loading * tension[:, t, None] - loading**2 / 2)
        ordinary[:, conflict] *= level[:, t, None]
        steady[t] = (ordinary + branching * excitation) * calm
        pulled[t] = rate * share * pull * calm
        size = own["overdispersion_shape"] * exposure[t]
        expected = np.minimum((steady[t] + pulled[t] / mean[:, None]) * exposure[t], 100.0 * MOST_ACTS)
        counts = rng.poisson(rng.gamma(size, expected / size))
        acts[t, :, calming, 0] = counts[:, calming].T
        acts[t][:, conflict] = rng.multinomial(counts[:, conflict], even)
        excitation = keep_own * excitation + (1 - keep_own) * counts
        now = (acts[t][:, conflict].sum(axis=1) * weight).sum(axis=1, keepdims=True)
        pull = keep_pull * pull + (1 - keep_pull) * now
        recent = keep_calm * (recent + counts)
    total = (acts[:, :, conflict].sum(axis=(0, 2)) * weight).sum(axis=1)
    mean_pull = (0.5 + total) / exposure.sum()
    return _Played(acts, weight, mean_pull, steady, pulled, own["overdispersion_shape"], exposure)


def _bound_on_chains(draws: StreamDraws, found: _Played, mix: Floats) -> Floats:
    """Log of the soft bound that keeps chains of conflict finite, (d,); ``mix`` by draw, (d, k, s)."""
    variables, conflict = draws.variables, draws.streams.conflict_index
    brought = variables["baseline_weekly_rate"][:, conflict] * variables["excitation_cross"]
    weight = np.einsum("dks,ds->dk", mix[:, conflict], found.weight)
    strength = (weight * brought).sum(axis=1) / found.mean_pull
    strength /= 1 - variables["excitation_branching"][:, 0]
    return np.asarray(-CHAIN_SLOPE * np.logaddexp(0.0, CHAIN_STEEPNESS * (strength - 1)))


def _rank(true: float, draws: NDArray[np.float64], rng: np.random.Generator) -> int:
    ties = int((draws == true).sum())
    return int((draws < true).sum()) + int(rng.integers(ties + 1))


def _uniformity(ranks: NDArray[np.int64], n_bins: int) -> float:
    counts = np.bincount(ranks * n_bins // (N_RANKED + 1), minlength=n_bins)
    return float(stats.chisquare(counts).pvalue)
