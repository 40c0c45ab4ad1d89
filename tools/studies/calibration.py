"""Simulation-based calibration: whether the sampler's posterior is the posterior of the model.

    python tools/studies/calibration.py --simulations 200 --size dense [--wrong]

Parameters are drawn from the prior and data from the parameters; if inference is right, the rank of each
true value among thinned posterior draws is uniform. Talts, Betancourt, Simpson, Vehtari and Gelman (2018),
"Validating Bayesian inference algorithms with simulation-based calibration", arXiv:1804.06788. Printed is one
JSON object, p-values with Bonferroni's correction. ``--wrong`` counts every act twice: the study must fail.

The model takes severities within a stream, and the shares of a rate's streams, from the record; here both are
even, in the truth and in the fit, so that data are drawn from the model itself.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.grid import DRIFT_KNOT_STEPS, HALF_SATURATION, STEP_DAYS, TimeGrid
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import PosteriorDensity, sample
from forecast.models import draws as model_draws
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, StreamDraws, stream_draws
from forecast.models.survival import Chances
from forecast.priors import PriorSet, PriorStatement, default_priors
from forecast.streams import NO_SIDE, Acts, StreamLayout, stream_layout
from forecast.targets import TargetRule
from tools.studies.simulator import Simulator

Floats, Ints = NDArray[np.float64], NDArray[np.int64]
N_RANKED, HORIZON_DAYS = 99, 90
"""Thinned draws a simulation, so that ranks run from 0 to 99; and of the probabilities that are ranked."""
LATENT = (INNOVATIONS, DRIFT_INNOVATIONS)
"""Variables of which only what they come to at the end of the record is ranked: they are many."""
DYAD = DyadRule(("A",), ("B",))
TARGETS = (
    TargetRule("major", CONFLICTUAL, 4),
    TargetRule("military", ("military_incident", "military_posture"), 4),
    TargetRule("lethal", ("military_incident",), 5),
)
SIZES = {"sparse": (520, 30), "dense": (338, 850)}
"""Weeks and events: thirty in ten years, and the worked case's size."""
RATE_SIGMA, SWELLING = 0.5, 1.25
"""Spread of base rates, and median acts of a data set over theirs: answers add the rest."""
LARGEST = 6
"""A data set of more times its size is left out, with its truth: no dyad has one."""
STUDY_PRIORS: dict[str, PriorStatement] = {
    "tension.scale": "LogNormal(mu=-0.5, sigma=0.3)",
    "tension.persistence": "LogNormal(mu=4.8, sigma=0.4)",
    "drift.scale": "LogNormal(mu=-0.7, sigma=0.3)",
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


class StudyActs(Acts):
    """Acts with even severities and shares of streams, whatever they are."""

    @cached_property
    def mix(self) -> Floats:
        """Even shares of the severities that a stream can hold, shape (k, s)."""
        mix = np.zeros((len(self.layout.kinds), len(SEVERITIES)))
        for k, held in enumerate(self.layout.held.values()):
            mix[k, [one - 1 for one in held]] = 1 / len(held)
        return mix

    @cached_property
    def gravity(self) -> Floats:
        """Mean of the severities that a stream can hold, shape (k,)."""
        return np.asarray(self.mix @ np.array(SEVERITIES, dtype=np.float64))

    @cached_property
    def rate_shares(self) -> Floats:
        """Even shares of the streams of a rate, shape (k,)."""
        return np.asarray(1 / np.bincount(self.layout.rate_of)[self.layout.rate_of])


def study_priors(size: str) -> PriorSet:
    """Return ``STUDY_PRIORS`` and base rates of a record of this size, halved with each further target."""
    layout, (n_weeks, n_events) = stream_layout(TARGETS, DYAD), SIZES[size]
    targets = dict.fromkeys(rate for k, rate in enumerate(layout.rate_of.tolist()) if layout.kinds[k].cell)
    shares = np.ones(len(layout.rates))
    shares[list(targets)] = [0.5**n for n in range(len(targets))]
    stated = dict(STUDY_PRIORS)
    for name, share in zip(layout.rates, shares / shares.sum(), strict=True):
        median = math.log(share * n_events / (SWELLING * n_weeks))
        stated[f"baseline.weekly_rate.{name}"] = f"LogNormal(mu={median:.6g}, sigma={RATE_SIGMA})"
    return default_priors(layout).changed(stated, "config")


def rank_study(
    priors: PriorSet,
    n_simulations: int,
    *,
    n_weeks: int,
    most_acts: int,
    seed: int,
    sampler: SamplerOptions,
    wrong: bool,
) -> Ranks:
    """Draw truths and data from ``priors``, fit the data with the same, and rank the truths among the draws.

    The last week of the data is cut short by two days.
    """
    start = date(2000, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=7 * n_weeks - 2))
    ranks: dict[str, list[int]] = {}
    for child in np.random.SeedSequence(seed).spawn(n_simulations):
        rng = np.random.default_rng(child)
        truth, data = draw_truth(priors, grid, most_acts, rng)
        if wrong:
            data = study_acts(
                priors.layout, grid, *np.repeat([data.day, data.stream, data.severity], 2, axis=1)
            )
        options = SamplerOptions(
            seed=int(rng.integers(2**31)), draws=sampler.draws, tune=sampler.tune, chains=sampler.chains
        )
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


def _quantities(data: Acts, priors: PriorSet, together: Mapping[str, Floats], seed: int) -> dict[str, Floats]:
    """Parameters, tension and drift at the end, and P(target), by name, each of shape (1 + draws,)."""
    found: dict[str, Floats] = {}
    for name, values in together.items():
        for index in np.ndindex(values.shape[1:]) if name not in LATENT else ():
            found[f"{name}[{','.join(map(str, index))}]" if index else name] = values[:, *index]
    draws = stream_draws(priors.layout, together, priors)
    found["tension now"] = model_draws.tension_at_steps(draws.knots, data.grid.n_steps)[:, -1]
    found["drift now"] = draws.level(data)
    # Tension and drift ahead are drawn for each by itself: their noise included, ranks stay uniform.
    ahead = Chances(data, priors, draws, HORIZON_DAYS, seed).survival()
    return found | {f"P({name})": 1 - ahead.of(name)[:, -1] for name in ahead.targets}


def draw_truth(
    priors: PriorSet, grid: TimeGrid, most_acts: int, rng: np.random.Generator
) -> tuple[dict[str, Floats], Acts]:
    """Draw parameters, of shape (1, …), and data of at most so many acts from them."""
    while True:
        variables = model_draws.prior_draws(priors, 1, grid.n_knots, rng)
        draws = stream_draws(priors.layout, variables, priors)
        data = _play(draws, priors, grid, most_acts, rng)
        if len(data) <= most_acts:
            return variables, data


def study_acts(layout: StreamLayout, grid: TimeGrid, day: Ints, stream: Ints, severity: Ints) -> StudyActs:
    """Return acts in order, all known."""
    order = np.lexsort((severity, stream, day))
    known = np.ones((grid.origin - grid.start).days)
    return StudyActs(grid, layout, day[order], stream[order], severity[order], known)


def _play(
    draws: StreamDraws, priors: PriorSet, grid: TimeGrid, most_acts: int, rng: np.random.Generator
) -> StudyActs:
    """Play the record of one draw: cooperation first, which calms, then conflict, and what answers them.

    It ends with the first act above ``most_acts``.
    """
    layout, own = draws.streams, {name: values[0] for name, values in draws.variables.items()}
    nothing = np.empty(0, dtype=np.int64)
    empty = study_acts(layout, grid, nothing, nothing, nothing)
    n_days, steps = len(empty.completeness), np.arange(grid.n_steps)
    answering = Simulator(Chances(empty, priors, draws, n_days, 0), 0)
    tension = model_draws.tension_at_steps(draws.knots, grid.n_steps)[0]
    drift = model_draws.linear_between(draws.drift, steps, DRIFT_KNOT_STEPS)[0]
    weights = empty.exposure
    weekly = own["baseline.weekly_rate"][layout.rate_of] * empty.rate_shares
    keep = 2.0 ** (-STEP_DAYS / own["ballast.half_life_days"])

    calm, found = np.ones(grid.n_steps), list[tuple[int, int, int]]()
    for cooperation in (True, False):
        waiting = []
        for k, kind in enumerate(layout.kinds):
            if (kind.side == NO_SIDE) != cooperation:
                continue
            loading = own["tension.loading"][layout.categories.index(kind.category)] * own["tension.scale"]
            moved = np.exp(loading * tension + (0.0 if cooperation else drift))
            moved /= moved @ weights / weights.sum()
            mean = weekly[k] * moved * weights * (1.0 if cooperation else calm)
            for t, number in enumerate(rng.poisson(mean)):
                days = STEP_DAYS * t + rng.integers(min(STEP_DAYS, n_days - STEP_DAYS * t), size=number)
                waiting += [(int(day), k, answering.severity(k, rng)) for day in days]
        while waiting and len(found) <= most_acts:
            act = waiting.pop()
            found.append(act)
            day, stream, severity = act
            waiting += answering.answers(day, stream, severity, rng)
        if cooperation:
            calm = _calm(layout, found, own["ballast"], keep, grid.n_steps)
    acts = np.array(found, dtype=np.int64).reshape(-1, 3)
    return study_acts(layout, grid, *acts.T)


def _calm(
    layout: StreamLayout, acts: Sequence[tuple[int, int, int]], ballast: Floats, keep: float, n_steps: int
) -> Floats:
    """What recent cooperation leaves of conflict, shape (t,)."""
    counts = np.zeros((n_steps, len(layout.calming)))
    for day, k, _ in acts:
        counts[day // STEP_DAYS, layout.calming.index(layout.kinds[k].category)] += 1
    exponent, recent = np.zeros(n_steps), np.zeros(len(layout.calming))
    for t in range(n_steps):
        exponent[t] = -(ballast * recent / (recent + HALF_SATURATION)).sum()
        recent = keep * (recent + counts[t])
    return np.exp(exponent)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print p-values of uniformity, coverage and ranks as JSON; 1 where ranks are not uniform."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--size", choices=SIZES, default="dense")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--wrong", action="store_true", help="count every act twice")
    asked = parser.parse_args(arguments)
    n_weeks, n_events = SIZES[asked.size]
    ranks = rank_study(
        study_priors(asked.size),
        asked.simulations,
        n_weeks=n_weeks,
        most_acts=LARGEST * n_events,
        seed=asked.seed,
        sampler=SamplerOptions(seed=0, draws=300, tune=300, chains=2),
        wrong=asked.wrong,
    )
    smallest = min(1.0, min(p_values(ranks).values()) * len(ranks))
    covered = {level: coverage(ranks, level) for level in (0.5, 0.9)}
    facts = {"smallest_p_value_corrected": smallest, "p_values": p_values(ranks), "coverage": covered}
    print(json.dumps(facts, indent=1))
    return int(smallest < 0.01)


if __name__ == "__main__":
    sys.exit(main())
