"""Changed probabilities with paired differences: what a scenario adds to, or takes from, the run.

Changed priors give weights of the draws: the likelihood and the soft constraint on chains of acts stay as
they are, and every prior stands on the parameter that was sampled, so that the ratio of two posteriors is
the ratio of the changed priors alone, up to a constant that the weights do not see.

A difference is taken draw by draw, and, where futures are simulated anew, path by path on the same random
numbers: what base and scenario share (the scatter of the draws, the luck of the paths) falls out of it.
Therefore a few paths a draw say as much on a difference as many do on a probability. Where the paths of the
run have weights, each keeps its own under the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.inference.importance import (
    ImportanceWeights,
    importance_weights,
    joint_weights,
    monte_carlo_error,
)
from forecast.models.draws import Floats
from forecast.priors import PriorSet, elements
from forecast.runs.run import Run
from forecast.simulation.first_passages import FirstPassages, dispersed_curve
from forecast.simulation.probabilities import (
    HitMoments,
    ProbabilityCurve,
    curve_from_moments,
    hit_moments,
    hit_share,
    probability_curve,
    share_by_draw,
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
    path_weights : ndarray, shape (draw, path), optional
        Of the paths of the run, summing to one; ``None``: all alike.
    dispersion : ndarray, shape (horizon_days + 1,), optional
        Beside path weights: variance of the run's probability by day over p(1 − p).
    every : int
        ``new_days`` are of every so many draws.
    """

    base_days: Days
    weights: Floats
    horizon_days: int
    new_days: Days | None = None
    path_weights: Floats | None = None
    dispersion: Floats | None = None
    every: int = 1

    @cached_property
    def joint_weights(self) -> Floats | None:
        """Of the paths under the scenario, shape (draw, path), summing to one; ``None``: all alike."""
        if np.ptp(self.weights) == 0.0:
            return self.path_weights
        if self.path_weights is None:
            n_paths = self.base_days.shape[1]
            return np.repeat(self.weights[:, None] / n_paths, n_paths, axis=1)
        return joint_weights(self.weights[:, None], self.path_weights)

    @property
    def draw_weights(self) -> Floats:
        """Weights of the draws under the scenario, each with all its paths, shape (draw,), summing to one."""
        if self.path_weights is None or self.joint_weights is None:
            return self.weights
        return np.asarray(self.joint_weights.sum(axis=1))

    def first_weights(self, n_paths: int) -> Floats | None:
        """Weights of the first paths of each draw played anew, shape (draw, n_paths), summing to one."""
        if self.joint_weights is None:
            return None
        first = self.joint_weights[:: self.every, :n_paths]
        return np.asarray(first / first.sum())

    @property
    def _anew_weights(self) -> Floats:
        """Weights of the draws that are played anew, shape (some draws,), summing to one."""
        some = self.draw_weights[:: self.every]
        return some if self.every == 1 else np.asarray(some / some.sum())

    @property
    def simulated_anew(self) -> tuple[Days, Days] | None:
        """First days under the scenario and in the run on the same paths; ``None`` where none differs."""
        if self.new_days is None:
            return None
        old = self.base_days[:: self.every, : self.new_days.shape[1]]
        return None if np.array_equal(self.new_days, old) else (self.new_days, old)

    @property
    def paths_anew(self) -> float:
        """How many paths of the same weight those played anew are worth."""
        if self.new_days is None:
            return 0.0
        weights = self.first_weights(self.new_days.shape[1])
        return float(self.new_days.size if weights is None else 1 / np.sum(weights**2))

    @property
    def unchanged_days(self) -> int:
        """How many days from the origin on the curve is exactly that of the run."""
        if np.ptp(self.weights) > 0:
            return 0
        return self._first_difference + 1

    @cached_property
    def _first_difference(self) -> int:
        """First day on which a target is met in one of the futures alone; the horizon where there is none."""
        both = self.simulated_anew
        if both is None:
            return self.horizon_days
        other = both[0] != both[1]
        return int(min(days[other].min() for days in both))

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
            # Any coefficient is right on average, so the weights of single paths need not enter here.
            return hit_share(days.reshape(len(days), -1), self.horizon_days, self._anew_weights)

        def within(same: Floats, any_pair: Floats) -> Floats:
            other = (n_paths * any_pair - same) / (n_paths - 1)  # of two different paths of a draw
            return np.asarray(same - other)

        covariance = within(share(np.maximum(new, old)), share(np.maximum(new[:, :, None], old[:, None, :])))
        variance = within(share(old), share(np.maximum(old[:, :, None], old[:, None, :])))
        known = variance > 1e-12
        share_kept = np.where(known, covariance / np.where(known, variance, 1.0), 0.0)
        return np.asarray(np.clip(share_kept, 0.0, 1.0))

    def by_draw(self, day: int) -> tuple[Floats, Floats]:
        """What each draw says of the probability before a day, in the run and under the scenario.

        Both of shape (draw,); their plain means are the probabilities, and have their errors. Under the
        scenario the shares of the few paths are corrected by what all paths of the run say on the luck of the
        few, so they can leave [0, 1] in single draws; their mean is not biased by that. Where only some draws
        are played anew, what these add stands with them, and its mean with the others: its error is theirs.
        """
        hit = self.base_days < day
        base, same = (share_by_draw(hit, one) for one in (self.path_weights, self.joint_weights))
        both = self.simulated_anew
        if both is None or day <= self._first_difference:
            # Exactly, and not up to the rounding of the correction.
            return base, same
        first = self.first_weights(both[0].shape[1])
        new, old = (share_by_draw(days < day, first) for days in both)
        kept = self.kept_share[day]
        if self.every == 1:
            return base, new + kept * (same - old)
        anew = new - kept * old
        added = np.full(len(base), anew.mean())
        added[:: self.every] += len(base) / len(anew) * (anew - anew.mean())
        return base, kept * same + added


def milestone_day(base: Run, milestone: str) -> int:
    """Days from the origin of a run to a milestone (``KeyError`` when there is none of that name)."""
    config = base.inputs.config
    return (config.milestone(milestone).date - base.inputs.data.grid.origin).days


def base_shares(base: Run, target: str, milestone: str) -> Floats:
    """Share of each draw's paths on which the run hits a target before a milestone, shape (draw,)."""
    return base.hits.shares_before(target, milestone_day(base, milestone))


def hit_shares_before(first_day: Days, day: int) -> Floats:
    """Share of each draw's paths hit before a day, shape (draw,); ``first_day`` has shape (draw, path)."""
    return np.asarray((first_day < day).mean(axis=1))


def changed_probability(new: Floats, base: Floats, n_chains: int) -> ChangedProbability:
    """Change a probability; ``new`` and ``base`` are what each draw says of it, shape (draw,)."""
    if np.array_equal(new, base):
        # Nothing changed: exactly, and not up to rounding.
        return ChangedProbability(float(base.mean()), monte_carlo_error(base, n_chains), 0.0, 0.0)
    probability = float(new.mean())
    return ChangedProbability(
        min(max(probability, 0.0), 1.0),
        monte_carlo_error(new, n_chains),
        probability - float(base.mean()),
        monte_carlo_error(new - base, n_chains),
    )


def scenario_curve(draws: ScenarioDraws) -> ProbabilityCurve:
    """Probability by day under a scenario, with its 90% interval; ``per_draw`` stays empty.

    The interval is over draws; with path weights it has the dispersion of the run.
    """
    if draws.path_weights is not None:
        return _weighted_curve(draws)
    moments = hit_moments(draws.base_days, draws.horizon_days, draws.weights)
    both = draws.simulated_anew
    if both is not None:
        some = draws.weights[:: draws.every]
        some = some if draws.every == 1 else some / some.sum()
        new, old = (hit_moments(days, draws.horizon_days, some) for days in both)
        kept = draws.kept_share
        moments = HitMoments(
            new.mean + kept * (moments.mean - old.mean),
            # A variance is found from pairs of paths, so its luck is shared twice.
            new.variance + kept**2 * (moments.variance - old.variance),
        )
    return curve_from_moments(moments, np.empty((0, draws.horizon_days + 1)))


def _weighted_curve(draws: ScenarioDraws) -> ProbabilityCurve:
    assert draws.joint_weights is not None  # it holds the path weights
    assert draws.dispersion is not None
    mean = hit_share(draws.base_days, draws.horizon_days, draws.joint_weights)
    both = draws.simulated_anew
    if both is not None:
        first = draws.first_weights(both[0].shape[1])
        assert first is not None
        new, old = (hit_share(days, draws.horizon_days, first) for days in both)
        mean = new + draws.kept_share * (mean - old)
    return dispersed_curve(np.clip(mean, 0.0, 1.0), draws.dispersion)


@dataclass(frozen=True)
class TwoFits:
    """A target under a new fit beside the run's, whose draws have nothing to do with each other.

    Weights of the run's paths are of its own draws and say nothing of the new ones. The change that the refit
    makes to the model's own probability, on the scale of log odds, is then put upon the weighted one.

    Parameters
    ----------
    hits : FirstPassages
        Of the run.
    target : str
    new_days : ndarray of int32, shape (draw, path)
        First days of the target under the new fit.
    n_chains : int
    """

    hits: FirstPassages
    target: str
    new_days: Days
    n_chains: int

    @property
    def curve(self) -> ProbabilityCurve:
        """Probability by day under the new fit, with its 90% interval."""
        horizon = self.hits.horizon_days
        if self.hits.weights is None or self.hits.dispersion is None:
            return probability_curve(self.new_days, horizon)
        days = self.hits.of(self.target)
        equal = np.full(len(days), 1 / len(days))
        new, old = (hit_share(one, horizon, equal) for one in (self.new_days, days))
        shown = self.hits.curve(self.target).probability
        mean = np.array([self._put_upon(*each) for each in zip(shown, new, old, strict=True)])
        return dispersed_curve(mean, self.hits.dispersion[self.target])

    def change(self, day: int) -> ChangedProbability:
        """Probability before a day under the new fit, and that minus the run's."""
        new, old = (hit_shares_before(one, day) for one in (self.new_days, self.hits.of(self.target)))
        error_new, error_old = (monte_carlo_error(shares, self.n_chains) for shares in (new, old))
        # Draws of two fits are independent, so that nothing falls out of the error.
        if self.hits.weights is None:
            error = float(np.hypot(error_new, error_old))
            return ChangedProbability(float(new.mean()), error_new, float(new.mean() - old.mean()), error)
        by_draw = self.hits.by_draw(self.target, day)
        shown, error_shown = float(by_draw.mean()), monte_carlo_error(by_draw, self.n_chains)
        p_new, p_old = float(new.mean()), float(old.mean())
        probability = self._put_upon(shown, p_new, p_old)
        # Errors of log odds are those of the probability over p(1 − p).
        moved = np.hypot(error_new / self._room(p_new), error_old / self._room(p_old))
        slope = probability * (1 - probability)
        kept = slope / self._room(shown)
        return ChangedProbability(
            probability,
            float(np.hypot(slope * moved, kept * error_shown)),
            probability - shown,
            float(np.hypot(slope * moved, (kept - 1) * error_shown)),
        )

    @property
    def _least(self) -> float:
        """Half a path: what a share that is zero may be."""
        return 0.5 / self.new_days.size

    def _room(self, probability: float) -> float:
        return max(probability * (1 - probability), self._least)

    def _put_upon(self, shown: float, new: float, old: float) -> float:
        if new == old:
            return shown
        if new in (0.0, 1.0):  # no path, or every path: as sure as can be told
            return new
        inside = np.clip([shown, new, old], self._least, 1 - self._least)
        of_shown, of_new, of_old = special.logit(inside)
        return float(special.expit(of_shown + of_new - of_old))


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
    return importance_weights(log_prior_ratio(base, priors), base.hits.draw_weights)
