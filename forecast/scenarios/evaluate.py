"""Changed probabilities with paired differences: what a scenario adds to, or takes from, the run.

Changed priors give weights of the draws: the likelihood and the soft constraint on chains of acts stay as
they are, and every prior stands on the parameter that was sampled, so that the ratio of two posteriors is
the ratio of the changed priors alone, up to a constant that the weights do not see.

A difference is taken draw by draw, and, where futures are simulated anew, path by path on the same random
numbers: what base and scenario share (the scatter of the draws, the luck of the paths) falls out of it.
Therefore a few paths a draw say as much on a difference as many do on a probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.inference.importance import ImportanceWeights, importance_weights, monte_carlo_error
from forecast.models.draws import Floats
from forecast.priors import PriorSet, elements
from forecast.runs.run import Run
from forecast.simulation.probabilities import (
    HitMoments,
    ProbabilityCurve,
    curve_from_moments,
    hit_moments,
    hit_share,
)

Days = NDArray[np.int32]


@dataclass(frozen=True)
class ChangedProbability:
    """Probability of a target before a milestone under a scenario, and that minus the run's.

    Each with its Monte Carlo error; that of the difference is of the paired difference.
    """

    probability: float
    mcse: float
    difference: float
    difference_mcse: float


@dataclass(frozen=True)
class ScenarioDraws:
    """What stands for the posterior and the futures of one target under a scenario.

    Parameters
    ----------
    base_days : ndarray of int32, shape (draw, path)
        First days in the run.
    weights : ndarray, shape (draw,)
        Of the draws of the run, summing to one; 1/n where the posterior is the run's.
    horizon_days : int
    new_days : ndarray of int32, shape (draw, some paths), optional
        First days under the scenario, on the first paths of the same draws; ``None``: as in the run.
    """

    base_days: Days
    weights: Floats
    horizon_days: int
    new_days: Days | None = None

    @property
    def simulated_anew(self) -> tuple[Days, Days] | None:
        """First days under the scenario and in the run on the same paths; ``None`` where none differs."""
        if self.new_days is None:
            return None
        old = self.base_days[:, : self.new_days.shape[1]]
        return None if np.array_equal(self.new_days, old) else (self.new_days, old)

    @property
    def unchanged_days(self) -> int:
        """How many days from the origin on the curve is exactly that of the run."""
        if np.ptp(self.weights) > 0:
            return 0
        both = self.simulated_anew
        if both is None:
            return self.horizon_days + 1
        other = both[0] != both[1]
        return int(min(days[other].min() for days in both)) + 1

    @cached_property
    def kept_share(self) -> Floats:
        """How much of the run's luck to take over by day, shape (horizon_days + 1,), in [0, 1].

        The paths simulated anew are a part of the run's, whose luck all paths of the run correct. The
        correction pays as far as the new futures go with the old ones: this is the regression coefficient of
        the new on the old within draws (a control variate), 1 where little changes and 0 where all does.
        """
        both = self.simulated_anew
        if both is None:
            return np.ones(self.horizon_days + 1)
        new, old = both
        n_paths = new.shape[1]

        def share(days: Days) -> Floats:
            return hit_share(days.reshape(len(days), -1), self.horizon_days, self.weights)

        def within(same: Floats, any_pair: Floats) -> Floats:
            other = (n_paths * any_pair - same) / (n_paths - 1)  # of two different paths of a draw
            return np.asarray(same - other)

        covariance = within(share(np.maximum(new, old)), share(np.maximum(new[:, :, None], old[:, None, :])))
        variance = within(share(old), share(np.maximum(old[:, :, None], old[:, None, :])))
        known = variance > 1e-12
        share_kept = np.where(known, covariance / np.where(known, variance, 1.0), 0.0)
        return np.asarray(np.clip(share_kept, 0.0, 1.0))

    def shares_before(self, day: int) -> tuple[Floats, Floats]:
        """Share of each draw's paths hit before a day, in the run and under the scenario.

        Under the scenario the share is corrected by what all paths of the run say on the luck of the few, so
        it can leave [0, 1] in single draws; its mean is not biased by that.
        """
        base = hit_shares_before(self.base_days, day)
        both = self.simulated_anew
        if both is None:
            return base, base
        new, old = (hit_shares_before(days, day) for days in both)
        return base, new + self.kept_share[day] * (base - old)


def milestone_day(base: Run, milestone: str) -> int:
    """Days from the origin of a run to a milestone (``KeyError`` when there is none of that name)."""
    config = base.inputs.config
    return (config.milestone(milestone).date - base.inputs.data.grid.origin).days


def base_shares(base: Run, target: str, milestone: str) -> Floats:
    """Share of each draw's paths on which the run hits a target before a milestone, shape (draw,)."""
    return hit_shares_before(base.first_day[target], milestone_day(base, milestone))


def hit_shares_before(first_day: Days, day: int) -> Floats:
    """Share of each draw's paths hit before a day, shape (draw,); ``first_day`` has shape (draw, path)."""
    return np.asarray((first_day < day).mean(axis=1))


def changed_probability(shares: Floats, base: Floats, weights: Floats, n_chains: int) -> ChangedProbability:
    """Change a probability by weights of the draws, by other futures of the same draws, or by both.

    ``shares`` and ``base`` are the share of each draw's paths that are hit under the scenario and in the run,
    the same array where only weights differ; ``weights`` sum to one, 1/n where the posterior is the run's.
    """
    relative = len(weights) * weights
    new, old = float(relative @ shares / len(shares)), float(base.mean())
    if np.array_equal(shares, base) and np.ptp(weights) == 0.0:
        # Nothing changed: exactly, and not up to rounding.
        return ChangedProbability(old, monte_carlo_error(base, n_chains), 0.0, 0.0)
    own = relative * (shares - new)
    return ChangedProbability(
        min(max(new, 0.0), 1.0),
        monte_carlo_error(own, n_chains),
        new - old,
        monte_carlo_error(own - (base - old), n_chains),
    )


def scenario_curve(draws: ScenarioDraws) -> ProbabilityCurve:
    """Probability by day under a scenario, with its 90% interval over draws; ``per_draw`` stays empty."""
    moments = hit_moments(draws.base_days, draws.horizon_days, draws.weights)
    both = draws.simulated_anew
    if both is not None:
        new, old = (hit_moments(days, draws.horizon_days, draws.weights) for days in both)
        kept = draws.kept_share
        moments = HitMoments(
            new.mean + kept * (moments.mean - old.mean),
            # A variance is found from pairs of paths, so its luck is shared twice.
            new.variance + kept**2 * (moments.variance - old.variance),
        )
    return curve_from_moments(moments, np.empty((0, draws.horizon_days + 1)))


def parameter_draws(base: Run, name: str) -> Floats:
    """Posterior draws of one named parameter, shape (draw,).

    Raises
    ------
    KeyError
        No parameter has this name.
    """
    prior = base.inputs.priors.priors[name]
    values = base.variables[prior.group.variable][:, 0]
    if prior.element is None:
        return values
    return values[:, elements(prior.group, base.inputs.data.layout).index(prior.element)]


def changed_priors(base: Run, priors: PriorSet) -> tuple[str, ...]:
    """Names of the parameters whose prior is another distribution than in the run."""
    before = base.inputs.priors.priors
    return tuple(
        name for name, prior in priors.priors.items() if prior.distribution != before[name].distribution
    )


def log_prior_ratio(base: Run, priors: PriorSet) -> Floats:
    """Log of new over old prior density at each draw, shape (draw,); exactly zero where nothing changed.

    −inf where the new priors rule a draw out.
    """
    ratio = np.zeros(base.n_draws)
    for name in changed_priors(base, priors):
        values = parameter_draws(base, name)
        old = base.inputs.priors.priors[name].distribution.log_density(values)
        ratio += priors.priors[name].distribution.log_density(values) - old
    return ratio


def weights_for(base: Run, priors: PriorSet) -> ImportanceWeights:
    """Weights that make the draws of the run stand for the posterior under other priors.

    With unchanged priors all weights are exactly the same.
    """
    return importance_weights(log_prior_ratio(base, priors))
