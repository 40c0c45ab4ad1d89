"""Simulation-based calibration: whether the sampler's posterior is the posterior of the model.

Parameters are drawn from the prior and data from the parameters; if inference is right, the rank of each
true value among thinned posterior draws is uniform. Talts, Betancourt, Simpson, Vehtari and Gelman (2018),
"Validating Bayesian inference algorithms with simulation-based calibration", arXiv:1804.06788.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecast.events.codebook import CONFLICTUAL
from forecast.inference.compile_cache import compile_model
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import sample
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    StreamDraws,
    linear_between,
    prior_draws,
    stream_draws,
    tension_at_steps,
)
from forecast.models.likelihood import likelihood_data
from forecast.models.streams import build_model
from forecast.panel.panel import (
    DRIFT_KNOT_STEPS,
    HALF_SATURATION,
    SEVERE,
    SEVERE_HALF_LIFE_DAYS,
    Panel,
    TimeGrid,
    decay_per_step,
    decayed_before,
    recent_severe_term,
)
from forecast.panel.streams import Family, TargetRule, stream_layout
from forecast.priors import PriorSet, PriorStatement, default_priors
from forecast.simulation import SimulationOptions, simulate_first_passages
from forecast.simulation.probabilities import hit_shares

N_RANKED = 99
"""Thinned draws a simulation: ranks run from 0 to 99."""
HORIZON_DAYS = 90
_PATHS = 20
LATENT = (INNOVATIONS, DRIFT_INNOVATIONS)
"""Variables whose ranks are not counted: they are many, and enter every quantity that is."""
MOST_ACTS = 1000
"""Data with more acts of a stream in one step are drawn anew (see ``draw_truth``)."""

_RATE_SIGMA = 0.5
_SWELLING = 2.0
"""Median acts of a data set over those of the median base rates: excitation and tension add the rest."""
STUDY_PRIORS: dict[str, PriorStatement] = {
    "baseline.weekly_rate": f"LogNormal(mu=-0.7, sigma={_RATE_SIGMA})",
    "tension.scale": "LogNormal(mu=-0.5, sigma=0.3)",
    "tension.persistence": "LogNormal(mu=4.8, sigma=0.4)",
    "drift.scale": "LogNormal(mu=-1.2, sigma=0.3)",
    "excitation.cross": "LogNormal(mu=-3.5, sigma=0.6)",
    "overdispersion.shape": "LogNormal(mu=1, sigma=0.5)",
}
"""Narrower than the defaults, whose tails make data of a size that no dyad has."""

DataChange = Callable[[Panel], Panel]


def doubled(data: Panel) -> Panel:
    """Count every act twice: wrong on purpose, since rates are taken for double."""
    return replace(data, counts=2 * data.counts, reach=2 * data.reach)


@dataclass(frozen=True)
class RankStudy:
    """Ranks, in 0 … ``N_RANKED``, of true values among posterior draws: by quantity, shape (simulation,).

    Quantities are parameters by name and element, and the probability of each target within ``HORIZON_DAYS``.
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


def default_study(
    family: Family,
    n_simulations: int,
    *,
    n_weeks: int = 78,
    n_events: int | None = None,
    seed: int,
    wrong: bool = False,
    listen: Callable[[int, int], None] | None = None,
) -> RankStudy:
    """Run the study of a family with ``STUDY_PRIORS`` and short fits, on severe acts of any or one kind.

    With ``n_events`` the prior of the base rates is that of a record of about so many events, in place of the
    one in ``STUDY_PRIORS``. ``wrong`` counts every act twice; the other parameters are those of
    ``rank_study``.
    """
    military = TargetRule("military", ("military_incident",), SEVERE)
    anything = TargetRule("major", CONFLICTUAL, SEVERE)
    layout = stream_layout(family, None if family == "joint" else military)
    stated = dict(STUDY_PRIORS)
    if n_events is not None:
        median = math.log(n_events / (_SWELLING * n_weeks * len(layout.streams)))
        stated["baseline.weekly_rate"] = f"LogNormal(mu={median:.6g}, sigma={_RATE_SIGMA})"
    return rank_study(
        default_priors(layout).changed(stated, "config"),
        (anything, military) if family == "joint" else (military,),
        n_simulations,
        n_weeks=n_weeks,
        seed=seed,
        sampler=SamplerOptions(seed=0, draws=300, tune=300),
        change=doubled if wrong else None,
        listen=listen,
    )


def rank_study(
    priors: PriorSet,
    targets: tuple[TargetRule, ...],
    n_simulations: int,
    *,
    n_weeks: int = 104,
    seed: int,
    sampler: SamplerOptions,
    change: DataChange | None = None,
    listen: Callable[[int, int], None] | None = None,
) -> RankStudy:
    """Run a calibration study.

    Data are drawn from ``priors``, which inference uses too: narrow enough for data of a sane size. The
    probabilities of the targets within ``HORIZON_DAYS`` are ranked as well. The last week of the simulated
    past is cut short by two days. The seed of the sampler is replaced; ``change`` spoils the data on purpose,
    to show that the study sees a wrong model; ``listen`` is called with (done, all).
    """
    start = date(2000, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=7 * n_weeks - 2))
    ranks: dict[str, list[int]] = {}
    events = np.zeros(n_simulations, dtype=np.int64)
    compiled = None
    for number, child in enumerate(np.random.SeedSequence(seed).spawn(n_simulations)):
        rng = np.random.default_rng(child)
        truth, data = draw_truth(priors, grid, rng)
        events[number] = data.counts.sum()
        data = change(data) if change else data
        if compiled is None:
            compiled = compile_model(build_model(data, priors))
        options = replace(sampler, seed=int(rng.integers(2**31)))
        posterior = sample(compiled.with_data(**vars(likelihood_data(data))), options)["posterior"]
        variables = posterior.to_dataset().data_vars
        kept = {str(name): _thinned(values.values, rng) for name, values in variables.items()}
        pairs = {name: (truth[name][0, 0], kept[name]) for name in kept if name not in LATENT}
        pairs |= _probability_pairs(data, priors, targets, truth, kept, int(rng.integers(2**31)))
        for name, (true, draws) in pairs.items():
            for index in np.ndindex(np.shape(true)):
                label = f"{name}[{','.join(map(str, index))}]" if index else name
                ranks.setdefault(label, []).append(
                    _rank(float(true[index]), draws[(slice(None), *index)], rng)
                )
        if listen:
            listen(number + 1, n_simulations)
    return RankStudy({name: np.array(values) for name, values in ranks.items()}, events)


def draw_truth(
    priors: PriorSet, grid: TimeGrid, rng: np.random.Generator
) -> tuple[dict[str, NDArray[np.float64]], Panel]:
    """Draw parameters from the prior, with the model's soft constraint on chains, and data from them.

    The constraint multiplies the prior density by (1+e^{20(r−1)})^{−10} of the chain strength r; it is at
    most one, so it is sampled by rejection.

        variables = posterior.to_dataset().data_vars
        kept = {str(name): _thinned(values.values, rng) for name, values in variables.items()}
        pairs = {name: (truth[name][0, 0], kept[name]) for name in kept if name not in LATENT}
    """
    layout = priors.layout
    while True:
        variables = prior_draws(priors, 1, grid.n_knots, rng)
        own = variables["excitation_branching"][0, 0, layout.conflict_index]
        strength = (variables["excitation_cross"][0, 0] / (1 - own)).sum()
        if np.log(rng.uniform()) >= -10 * np.logaddexp(0.0, 20 * (strength - 1)):
            continue
        # Whether data are drawn anew hangs on the data alone, so that ranks stay uniform.
        data = _simulate_data(stream_draws(layout, variables), priors, grid, rng)
        if data is not None:
            return variables, data


def _simulate_data(
    draw: StreamDraws, priors: PriorSet, grid: TimeGrid, rng: np.random.Generator
) -> Panel | None:
    """Return data under one draw; ``None`` with more than ``MOST_ACTS``."""
    layout, draw = priors.layout, draw.of_dyad(0)
    n_streams = len(layout.streams)
    conflict = np.array(layout.conflictual)
    tension = tension_at_steps(draw.knots, grid.n_steps)[0]
    drift = linear_between(draw.drift, np.arange(grid.n_steps), DRIFT_KNOT_STEPS)[0]
    drift = drift - drift.mean()
    counts = np.zeros((grid.n_steps, n_streams), dtype=np.int64)
    reach = np.zeros((grid.n_steps, n_streams, 5), dtype=np.int64)
    own, calm, cross, severe = np.zeros(n_streams), np.zeros(n_streams), 0.0, 0.0
    severe_decay = float(decay_per_step(SEVERE_HALF_LIFE_DAYS))
    for step in range(grid.n_steps):
        rate = np.exp(draw.log_rate[0] + draw.loading[0] * tension[step] + conflict * drift[step])
        rate = rate + draw.own[0] * own + draw.cross[0] * cross
        rate[conflict] *= np.exp(-(draw.ballast[0] * calm / (calm + HALF_SATURATION)).sum())
        exposure = grid.last_exposure if step == grid.n_steps - 1 else 1.0
        shape = draw.shape[0] * exposure
        counts[step] = rng.poisson(rng.gamma(shape, rate * exposure / shape))
        if counts[step].max() > MOST_ACTS:
            return None
        if layout.marked:
            shift = draw.mark_tension[0] * tension[step]
            shift = shift + draw.mark_recent[0] * recent_severe_term(np.array(severe))
            shift = shift + draw.mark_drift[0] * drift[step]
            reach[step, :, 0] = counts[step]
            for level in range(4):
                kind = draw.severity_shift(level + 2)[0]
                odds = np.exp(draw.level[0, level] + kind + shift)
                reach[step, :, level + 1] = rng.binomial(reach[step, :, level], odds / (1 + odds))
        own = draw.own_decay[0] * own + (1 - draw.own_decay[0]) * counts[step]
        cross = draw.cross_decay[0] * cross + (1 - draw.cross_decay[0]) * counts[step, conflict].sum()
        calm = draw.ballast_decay[0] * (calm + counts[step] * np.array(layout.calming))
        severe = severe_decay * (severe + reach[step, :, SEVERE - 1].sum())
    recent = decayed_before(reach[:, :, SEVERE - 1].sum(axis=1), SEVERE_HALF_LIFE_DAYS)
    known, first = np.ones((1, grid.n_steps)), np.zeros(1, dtype=np.int64)
    return Panel(("simulated",), grid, layout, counts[None], reach[None], recent[None], known, first)


def _probability_pairs(
    data: Panel,
    priors: PriorSet,
    targets: tuple[TargetRule, ...],
    truth: dict[str, NDArray[np.float64]],
    kept: dict[str, NDArray[np.float64]],
    seed: int,
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    # Truth and draws are simulated alike, with as many paths and random numbers of their own: given the data
    # they are exchangeable, path noise included, so ranks are uniform whatever the number of paths.
    together = {name: np.concatenate([truth[name], kept[name][:, None]]) for name in kept}
    options = SimulationOptions(seed=seed, horizon_days=HORIZON_DAYS, paths_per_draw=_PATHS)
    hits = simulate_first_passages(data, stream_draws(priors.layout, together), targets, options)
    shares = {target.name: hit_shares(hits.of(target.name), HORIZON_DAYS)[:, -1] for target in targets}
    return {f"P({name})": (np.asarray(share[0]), share[1:]) for name, share in shares.items()}


def _thinned(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    flat = values.reshape(-1, *values.shape[2:])
    return np.asarray(flat[np.linspace(0, len(flat) - 1, N_RANKED).round().astype(int)], dtype=np.float64)


def _rank(true: float, draws: NDArray[np.float64], rng: np.random.Generator) -> int:
    ties = int((draws == true).sum())
    return int((draws < true).sum()) + int(rng.integers(ties + 1))


def _uniformity(ranks: NDArray[np.int64], n_bins: int) -> float:
    counts = np.bincount(ranks * n_bins // (N_RANKED + 1), minlength=n_bins)
    return float(stats.chisquare(counts).pvalue)
