"""Simulation-based calibration: whether the sampler's posterior is the posterior of the model.

    python tools/studies/calibration.py --simulations 200 --size dense [--wrong]

Parameters are drawn from the prior and data from the parameters; if inference is right, the rank of each
true value among thinned posterior draws is uniform. Talts, Betancourt, Simpson, Vehtari and Gelman (2018),
"Validating Bayesian inference algorithms with simulation-based calibration", arXiv:1804.06788. Printed is one
JSON object, p-values with Bonferroni's correction. ``--wrong`` counts every act twice: the study must fail.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from forecast.simulation import SimulationOptions, simulate_first_passages
from forecast.simulation.probabilities import hit_shares
from numpy.typing import NDArray
from scipy import stats

from forecast import panel
from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import sample
from forecast.models import draws as model_draws
from forecast.models.density import CHAIN_SLOPE, CHAIN_STEEPNESS
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, StreamDraws, stream_draws
from forecast.panel import EventCounts, TargetRule, TimeGrid, decay_per_step, severity_mix, stream_layout
from forecast.priors import PriorSet, PriorStatement, default_priors

Floats = NDArray[np.float64]
N_RANKED, HORIZON_DAYS, PATHS = 99, 90, 20
"""Thinned draws a simulation, so that ranks run from 0 to 99; and of the probabilities that are ranked."""
LATENT = (INNOVATIONS, DRIFT_INNOVATIONS)
"""Variables of which only what they come to at the end of the record is ranked: they are many."""
MOST_ACTS, CANDIDATES, PILOTS = 1000, 50, 2
"""Of a stream in one step of data; data sets out of which one is taken, and records played before them."""
TARGETS = (
    TargetRule("major", CONFLICTUAL, 4),
    TargetRule("military", ("military_incident", "military_posture"), 4),
    TargetRule("lethal", ("military_incident",), 5),
)
SIZES = {"sparse": (520, 30), "dense": (338, 850)}
"""Weeks and events: thirty in ten years, and the worked case's size."""
RATE_SIGMA, SWELLING = 0.5, 1.25
"""Spread of base rates, and median acts of a data set over theirs: own excitation adds the rest."""
STUDY_PRIORS: dict[str, PriorStatement] = {
    "tension.scale": "LogNormal(mu=-0.5, sigma=0.3)",
    "tension.persistence": "LogNormal(mu=4.8, sigma=0.4)",
    "drift.scale": "LogNormal(mu=-0.7, sigma=0.3)",
    "overdispersion.shape": "LogNormal(mu=1, sigma=0.5)",
    "ballast": "Normal(0, 0.3)",
}
"""Narrower than the defaults, whose tails make data of a size that no dyad has; of ballast wider."""
Ranks = Mapping[str, NDArray[np.int64]]
"""Ranks, in 0 … ``N_RANKED``, of true values among posterior draws: by quantity, shape (simulation,)."""


def p_values(ranks: Ranks, n_bins: int = 10) -> dict[str, float]:
    """Chi-square test of uniformity of each quantity's ranks."""
    counts = (np.bincount(found * n_bins // (N_RANKED + 1), minlength=n_bins) for found in ranks.values())
    return {name: float(stats.chisquare(n).pvalue) for name, n in zip(ranks, counts, strict=True)}


def coverage(ranks: Ranks, level: float) -> float:
    """Share of all true values that lie in their central posterior interval of this level."""
    every = np.concatenate(list(ranks.values()))
    return float((np.abs(every - N_RANKED / 2) < level * (N_RANKED + 1) / 2).mean())


def study_priors(size: str) -> PriorSet:
    """Return ``STUDY_PRIORS`` and base rates of a record of this size, halved with each further target."""
    layout, (n_weeks, n_events) = stream_layout(TARGETS), SIZES[size]
    shares = np.array([1.0] * len(layout.ordinary) + [0.5**n for n in range(len(layout.cells))])
    stated = dict(STUDY_PRIORS)
    for name, share in zip(layout.streams, shares / shares.sum(), strict=True):
        median = math.log(share * n_events / (SWELLING * n_weeks))
        stated[f"baseline.weekly_rate.{name}"] = f"LogNormal(mu={median:.6g}, sigma={RATE_SIGMA})"
    return default_priors(layout).changed(stated, "config")


def rank_study(
    priors: PriorSet, n_simulations: int, *, n_weeks: int, seed: int, sampler: SamplerOptions, wrong: bool
) -> Ranks:
    """Draw truths and data from ``priors``, fit the data with the same, and rank the truths among the draws.

    The last week of the data is cut short by two days.
    """
    start = date(2000, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=7 * n_weeks - 2))
    ranks: dict[str, list[int]] = {}
    for child in np.random.SeedSequence(seed).spawn(n_simulations):
        rng = np.random.default_rng(child)
        truth, data = draw_truth(priors, grid, rng)
        if wrong:
            data = replace(data, counts=2 * data.counts, graded=2 * data.graded)
        options = replace(sampler, seed=int(rng.integers(2**31)))
        tree = sample(PosteriorDensity.of(data, priors), options)
        draws = Posterior(tree, options.target_accept, options.tune).variables
        chosen = np.linspace(0, len(draws[INNOVATIONS]) - 1, N_RANKED).round().astype(int)
        # The truth first. It and the draws are treated alike: exchangeable, if inference is right.
        together = {name: np.concatenate([truth[name], draws[name][chosen]]) for name in truth}
        for name, values in _quantities(data, priors, together, int(rng.integers(2**31))).items():
            ties = int((values[1:] == values[0]).sum())
            rank = int((values[1:] < values[0]).sum()) + int(rng.integers(ties + 1))
            ranks.setdefault(name, []).append(rank)
    return {name: np.array(found) for name, found in ranks.items()}


def _quantities(
    data: EventCounts, priors: PriorSet, together: Mapping[str, Floats], seed: int
) -> dict[str, Floats]:
    """Parameters, tension and drift at the end, and P(target), by name, each of shape (1 + draws,)."""
    found: dict[str, Floats] = {}
    for name, values in together.items():
        for index in np.ndindex(values.shape[1:]) if name not in LATENT else ():
            found[f"{name}[{','.join(map(str, index))}]" if index else name] = values[:, *index]
    draws = stream_draws(priors.layout, together, priors)
    found["tension now"] = model_draws.tension_at_steps(draws.knots, data.grid.n_steps)[:, -1]
    found["drift now"] = draws.level(data)
    # With as many paths and random numbers of their own, path noise included, ranks stay uniform.
    options = SimulationOptions(seed=seed, horizon_days=HORIZON_DAYS, paths_per_draw=PATHS)
    hits = simulate_first_passages(data, draws, options)
    return found | {f"P({name})": hit_shares(hits.of(name), HORIZON_DAYS)[:, -1] for name in hits.targets}


def draw_truth(
    priors: PriorSet, grid: TimeGrid, rng: np.random.Generator
) -> tuple[dict[str, Floats], EventCounts]:
    """Draw parameters, of shape (1, …), and data from the distribution that the posterior is conditioned in.

    The model takes conflict relative to its mean over the whole record, and the soft bound on chains knows
    the data, too, so that data cannot be drawn week by week. Many data sets are drawn, with the mean of a
    record played before in place of their own, and one is taken by its weight: its density under the model
    over that under which it was drawn (sampling-importance resampling; Rubin 1987). Severities are drawn
    evenly; they tell nothing of parameters.
    """
    layout = priors.layout
    while True:
        variables = model_draws.prior_draws(priors, CANDIDATES, grid.n_knots, rng)
        draws = stream_draws(layout, variables, priors)
        mean = (variables["baseline_weekly_rate"][:, layout.conflict_index]).sum(axis=1)
        for _ in range(PILOTS):
            mean = _play(draws, grid, mean, rng).mean_pull
        played = _play(draws, grid, mean, rng)
        by_severity = played.acts.sum(axis=0) * np.array(layout.conflictual)[:, None]
        acts = played.acts.sum(axis=(0, 3))
        mix = [severity_mix(layout, *pair) for pair in zip(by_severity, acts, strict=True)]
        weight = played.log_likelihood(played.mean_pull) - played.log_likelihood(mean)
        weight += _bound_on_chains(draws, played, np.stack(mix))
        possible = (played.acts.sum(axis=-1).max(axis=(0, 2)) <= MOST_ACTS) & np.isfinite(weight)
        if possible.any():
            break
    share = np.where(possible, np.exp(weight - weight[possible].max()), 0.0)
    place = int(rng.choice(CANDIDATES, p=share / share.sum()))
    chosen = played.acts[:, place]
    graded = chosen[:, layout.conflict_index].sum(axis=1)
    data = EventCounts(grid, layout, chosen.sum(axis=-1), graded, mix[place], np.ones(grid.n_steps))
    return {name: values[place : place + 1] for name, values in variables.items()}, data


class _Played(NamedTuple):
    """Data under each draw: axes step t, draw d, stream k, severity s.

    ``mean_pull`` is the mean over steps of the ``weight`` of conflict; ``pulled`` is what it adds to the
    ``steady`` rate, times that mean.
    """

    acts: NDArray[np.int64]  # (t, d, k, s)
    weight: Floats  # (d, s)
    mean_pull: Floats  # (d)
    steady: Floats  # (t, d, k)
    pulled: Floats  # (t, d, k)
    shape: Floats  # (d, k)
    exposure: Floats  # (t)

    def log_likelihood(self, mean: Floats) -> Floats:
        """Log probability of the counts, with what is pulled relative to this mean, (d,)."""
        rate = self.steady + self.pulled / mean[:, None]
        size = self.shape * self.exposure[:, None, None]
        likelihood = stats.nbinom.logpmf(self.acts.sum(axis=-1), size, self.shape / (self.shape + rate))
        return np.asarray(likelihood.sum(axis=(0, 2)))


def _play(draws: StreamDraws, grid: TimeGrid, mean: Floats, rng: np.random.Generator) -> _Played:
    """Play records under draws with the pull of conflict relative to given means, (d,)."""
    layout, own = draws.streams, draws.variables
    conflict, calming = layout.conflict_index, layout.calming_index
    n_draws, n_streams, n_steps = len(draws), len(layout.streams), grid.n_steps
    share = draws.by_stream("excitation_cross", conflict)
    ballast = draws.by_stream("ballast", calming)
    loading = own["tension_loading"] * own["tension_scale"][:, None]
    branching, rate, shape = draws.own, own["baseline_weekly_rate"], own["overdispersion_shape"]
    keep_own, keep_pull, keep_calm = (
        decay_per_step(own[name])[:, None]
        for name in ("excitation_half_life_days", "excitation_cross_half_life_days", "ballast_half_life_days")
    )
    weight = np.exp(own["excitation_severity"][:, None] * (np.array(SEVERITIES) - 2.0))
    tension = model_draws.tension_at_steps(draws.knots, n_steps)
    drift = model_draws.linear_between(draws.drift, np.arange(n_steps), panel.DRIFT_KNOT_STEPS)
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
        log_calm = -(ballast * recent / (recent + panel.HALF_SATURATION)).sum(axis=1)
        calm[:, conflict] = np.exp(log_calm)[:, None]
        ordinary = rate * (1 - share) * np.exp(loading * tension[:, t, None] - loading**2 / 2)
        ordinary[:, conflict] *= level[:, t, None]
        steady[t] = (ordinary + branching * excitation) * calm
        pulled[t] = rate * share * pull * calm
        size = shape * exposure[t]
        expected = np.minimum((steady[t] + pulled[t] / mean[:, None]) * exposure[t], 100.0 * MOST_ACTS)
        counts = rng.poisson(rng.gamma(size, expected / size))
        acts[t, :, calming, 0] = counts[:, calming].T
        acts[t][:, conflict] = rng.multinomial(counts[:, conflict], even)
        excitation = keep_own * excitation + (1 - keep_own) * counts
        now = (acts[t][:, conflict].sum(axis=1) * weight).sum(axis=1, keepdims=True)
        pull = keep_pull * pull + (1 - keep_pull) * now
        recent = keep_calm * (recent + counts)
    total = (acts[:, :, conflict].sum(axis=(0, 2)) * weight).sum(axis=1)
    return _Played(acts, weight, (0.5 + total) / exposure.sum(), steady, pulled, shape, exposure)


def _bound_on_chains(draws: StreamDraws, played: _Played, mix: Floats) -> Floats:
    """Log of the soft bound that keeps chains of conflict finite, (d,); ``mix`` by draw, (d, k, s)."""
    variables, conflict = draws.variables, draws.streams.conflict_index
    brought = variables["baseline_weekly_rate"][:, conflict] * variables["excitation_cross"]
    weight = np.einsum("dks,ds->dk", mix[:, conflict], played.weight)
    strength = (weight * brought).sum(axis=1) / played.mean_pull
    strength /= 1 - variables["excitation_branching"][:, 0]
    return np.asarray(-CHAIN_SLOPE * np.logaddexp(0.0, CHAIN_STEEPNESS * (strength - 1)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print p-values of uniformity, coverage and ranks as JSON; 1 where ranks are not uniform."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--size", choices=SIZES, default="dense")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--wrong", action="store_true", help="count every act twice")
    asked = parser.parse_args(arguments)
    n_weeks, sampler = SIZES[asked.size][0], SamplerOptions(seed=0, draws=300, tune=300)
    study = study_priors(asked.size), asked.simulations
    ranks = rank_study(*study, n_weeks=n_weeks, seed=asked.seed, sampler=sampler, wrong=asked.wrong)
    smallest = min(1.0, min(p_values(ranks).values()) * len(ranks))
    covered = {level: coverage(ranks, level) for level in (0.5, 0.9)}
    facts = {"smallest_p_value_corrected": smallest, "p_values": p_values(ranks), "coverage": covered}
    print(json.dumps(facts, indent=1))
    return int(smallest < 0.01)


if __name__ == "__main__":
    sys.exit(main())
