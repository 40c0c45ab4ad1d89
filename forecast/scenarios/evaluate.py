"""Changed probabilities with paired differences: what a scenario adds to, or takes from, the run.

A difference is taken draw by draw, so that what base and scenario share (the draws' scatter, the luck of
the paths) falls out of its error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.draws import Floats
from forecast.monte_carlo import monte_carlo_error
from forecast.scenarios.base_run import BaseRun
from forecast.simulation.probabilities import ProbabilityCurve, probability_curve


@dataclass(frozen=True)
class ChangedProbability:
    """Probability of a target before a milestone, and its change against the run.

    Parameters
    ----------
    probability, mcse : float
        Under the scenario, with its Monte Carlo error.
    difference, difference_mcse : float
        Minus the probability in the run; the error is that of the paired difference.
    """

    probability: float
    mcse: float
    difference: float
    difference_mcse: float


def milestone_day(base: BaseRun, milestone: str) -> int:
    """Days from the origin of a run to a milestone (``KeyError`` when there is none of that name)."""
    config = base.inputs.config
    return (config.milestone(milestone).date - base.inputs.data.grid.origin).days


def base_shares(base: BaseRun, target: str, milestone: str) -> Floats:
    """Share of each draw's paths on which the run hits a target before a milestone, shape (draw,)."""
    return hit_shares_before(base.first_day[target], milestone_day(base, milestone))


def hit_shares_before(first_day: NDArray[np.int32], day: int) -> Floats:
    """Share of each draw's paths hit before a day, shape (draw,); ``first_day`` has shape (draw, path)."""
    return np.asarray((first_day < day).mean(axis=1))


def reweighted_probability(
    base: BaseRun, shares: Floats, weights: Floats, old: Floats | None = None
) -> ChangedProbability:
    """Change a probability by weights of the draws, or by other paths of the same draws, or by both.

    Parameters
    ----------
    base : BaseRun
    shares : ndarray, shape (draw,)
        Share of each draw's paths that are hit under the scenario.
    weights : ndarray, shape (draw,)
        Weights that sum to one; 1/n where the posterior is that of the run.
    old : ndarray, shape (draw,), optional
        The same shares in the run, where the scenario has other paths than the run.
    """
    before = shares if old is None else old
    relative = len(weights) * weights
    new_mean, old_mean = float(weights @ shares), float(before.mean())
    own = relative * (shares - new_mean)
    return ChangedProbability(
        new_mean,
        monte_carlo_error(own, base.n_chains),
        # Exactly zero where nothing changed: equal weights times equal shares may differ in rounding.
        0.0 if _same(before, shares, relative) else new_mean - old_mean,
        monte_carlo_error(own - (before - old_mean), base.n_chains),
    )


def _same(before: Floats, shares: Floats, relative: Floats) -> bool:
    return bool(np.array_equal(before, shares) and np.all(relative == relative[0]))


def base_curve(base: BaseRun, target: str, weights: Floats | None = None) -> ProbabilityCurve:
    """Probability curve of a target on the paths of the run, under weights of its draws."""
    return probability_curve(base.first_day[target], base.simulation.horizon_days, weights)
