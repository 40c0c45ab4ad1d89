"""Simulation-based calibration: whether the sampler's posterior is the posterior of the model.

Parameters are drawn from the prior and data from the parameters; if inference is right, the rank of each
true value among thinned posterior draws is uniform. Talts, Betancourt, Simpson, Vehtari and Gelman (2018),
"Validating Bayesian inference algorithms with simulation-based calibration", arXiv:1804.06788.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecast.evaluation.simulated_data import draw_truth
from forecast.events.codebook import CONFLICTUAL
from forecast.inference.sampling import SamplerOptions, compile_model, sample
from forecast.models import build_model
from forecast.models.draws import stream_draws
from forecast.models.likelihood import likelihood_data
from forecast.panel.panel import SEVERE, Panel, TimeGrid
from forecast.panel.streams import Family, TargetRule, stream_layout
from forecast.priors import PriorSet, PriorStatement, default_priors
from forecast.simulation import SimulationOptions, simulate_first_hits
from forecast.simulation.probabilities import hit_shares

N_RANKED = 99
"""Thinned draws a simulation: ranks run from 0 to 99."""
HORIZON_DAYS = 90
_PATHS = 20

STUDY_PRIORS: dict[str, PriorStatement] = {
    "baseline.weekly_rate": "LogNormal(mu=-0.7, sigma=0.5)",
    "tension.scale": "LogNormal(mu=-0.5, sigma=0.3)",
    "tension.persistence": "LogNormal(mu=4.8, sigma=0.4)",
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
    """Ranks of true values among posterior draws.

    Parameters
    ----------
    ranks : dict of str to ndarray of int64, shape (simulation,)
        Quantity → ranks in 0 … ``N_RANKED``. Parameters by name and element, and the probability of each
        target within ``HORIZON_DAYS``.
    """

    ranks: dict[str, NDArray[np.int64]]

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
    seed: int,
    wrong: bool = False,
    listen: Callable[[int, int], None] | None = None,
) -> RankStudy:
    """Run the study of a family with ``STUDY_PRIORS`` and short fits, on severe acts of any or one kind.

    ``wrong`` counts every act twice; the other parameters are those of ``rank_study``.
    """
    military = TargetRule("military", ("military_incident",), SEVERE)
    anything = TargetRule("major", CONFLICTUAL, SEVERE)
    layout = stream_layout(family, None if family == "joint" else military)
    return rank_study(
        default_priors(layout).changed(STUDY_PRIORS, "config"),
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

    Parameters
    ----------
    priors : PriorSet
        Priors that data are drawn from and inference uses; narrow enough for data of a sane size.
    targets : tuple of TargetRule
        Whose probabilities within ``HORIZON_DAYS`` are ranked too.
    n_simulations : int
    n_weeks : int
        Length of the simulated past; its last week is cut short by two days.
    seed : int
    sampler : SamplerOptions
        Of each fit; ``seed`` is replaced.
    change : callable, optional
        Spoils the data on purpose, to show that the study sees a wrong model.
    listen : callable, optional
        Called with (done, all).
    """
    start = date(2000, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=7 * n_weeks - 2))
    ranks: dict[str, list[int]] = {}
    compiled = None
    for number, child in enumerate(np.random.SeedSequence(seed).spawn(n_simulations)):
        rng = np.random.default_rng(child)
        truth, data = draw_truth(priors, grid, rng)
        data = change(data) if change else data
        if compiled is None:
            compiled = compile_model(build_model(data, priors))
        options = replace(sampler, seed=int(rng.integers(2**31)))
        posterior = sample(compiled.with_data(**vars(likelihood_data(data))), options)["posterior"]
        kept = {
            str(name): _thinned(values.values, rng)
            for name, values in posterior.to_dataset().data_vars.items()
        }
        pairs = {name: (truth[name][0], kept[name]) for name in kept if name != "tension_innovations"}
        pairs |= _probability_pairs(data, priors, targets, truth, kept, int(rng.integers(2**31)))
        for name, (true, draws) in pairs.items():
            for index in np.ndindex(np.shape(true)):
                label = f"{name}[{','.join(map(str, index))}]" if index else name
                ranks.setdefault(label, []).append(
                    _rank(float(true[index]), draws[(slice(None), *index)], rng)
                )
        if listen:
            listen(number + 1, n_simulations)
    return RankStudy({name: np.array(values) for name, values in ranks.items()})


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
    together = {name: np.concatenate([truth[name], kept[name]]) for name in kept}
    options = SimulationOptions(seed=seed, horizon_days=HORIZON_DAYS, paths_per_draw=_PATHS)
    hits = simulate_first_hits(data, stream_draws(priors.layout, together), targets, options)
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
