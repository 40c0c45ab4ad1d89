"""Futures under a scenario, and changed probabilities with paired differences to the run.

Changed priors give weights of the draws: the likelihood and the soft constraint on chains of acts stay as
they are, and every prior stands on the parameter that was sampled, so that the ratio of two posteriors is
the ratio of the changed priors alone, up to a constant that the weights do not see.

A difference is taken draw by draw, and, where futures are simulated anew, path by path on the same random
numbers: what base and scenario share (the scatter of the draws, the luck of the paths) falls out of it.
Therefore a few paths a draw say as much on a difference as many do on a probability. The other members of
the forecast follow what the model's paths do (``forecast.runs.mixture``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.inference.importance import ImportanceWeights, importance_weights, monte_carlo_error
from forecast.models.draws import Floats, stream_draws
from forecast.panel import FutureAct
from forecast.priors import PriorSet, elements
from forecast.runs.mixture import DrawShares, Futures, Mixture, ModelAnswer, direct_answers, met_by_themselves
from forecast.runs.run import Run
from forecast.scenarios.plan import ScenarioPlan, draw_effects
from forecast.simulation.paths import OtherFutures, futures_differ_since, simulate_first_passages
from forecast.simulation.probabilities import FirstPassages, HitMoments, hit_moments, hit_share

SCENARIO_PATHS = 2
"""Paths a draw that are simulated anew for a paired difference, unless more are asked for."""

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
    weights : ndarray, shape (draw,)
        Of the draws of the run, summing to one; 1/n where the posterior is the run's.
    horizon_days : int
    base : Futures
        Of the run.
    new : Futures, optional
        Under the scenario, on the first paths of the same draws; ``None``: as in the run.
    every : int
        ``new`` is of every so many draws.
    """

    weights: Floats
    horizon_days: int
    base: Futures
    new: Futures | None = None
    every: int = 1

    @property
    def _anew_weights(self) -> Floats:
        """Weights of the draws that are played anew, shape (some draws,), summing to one."""
        some = self.weights[:: self.every]
        return some if self.every == 1 else np.asarray(some / some.sum())

    @property
    def simulated_anew(self) -> tuple[Futures, Futures] | None:
        """Futures under the scenario and in the run on the same paths; ``None`` where none differs."""
        if self.new is None:
            return None
        old = self.base.part(self.every, self.new.first.shape[1])
        return None if np.array_equal(self.new.first, old.first) else (self.new, old)

    @property
    def paths_anew(self) -> float:
        """How many paths of the same weight those played anew are worth."""
        if self.new is None:
            return 0.0
        return float(self.new.first.shape[1] / np.sum(self._anew_weights**2))

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
        days = tuple(one.first for one in both)
        other = days[0] != days[1]
        return int(min(one[other].min() for one in days))

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
        new, old = (one.first for one in both)
        n_paths = new.shape[1]

        def share(days: Days) -> Floats:
            return hit_share(days.reshape(len(days), -1), self.horizon_days, self._anew_weights)

        def within(same: Floats, any_pair: Floats) -> Floats:
            other = (n_paths * any_pair - same) / (n_paths - 1)  # of two different paths of a draw
            return np.asarray(same - other)

        covariance = within(share(np.maximum(new, old)), share(np.maximum(new[:, :, None], old[:, None, :])))
        variance = within(share(old), share(np.maximum(old[:, :, None], old[:, None, :])))
        known = variance > 1e-12
        share_kept = np.where(known, covariance / np.where(known, variance, 1.0), 0.0)
        return np.asarray(np.clip(share_kept, 0.0, 1.0))

    def shares(self, day: int) -> DrawShares:
        """What each draw says of the target before a day under the scenario.

        The shares of the few paths are corrected by what all paths of the run say on the luck of the few, so
        they can leave [0, 1] in single draws; their mean is not biased by that. Where only some draws are
        played anew, what these add stands with them, and its mean with the others: its error is theirs.
        """
        same = self.base.shares(day).weighted(self.weights)
        both = self.simulated_anew
        if both is None or day <= self._first_difference:
            # Exactly, and not up to the rounding of the correction.
            return same
        new, old = (one.shares(day).weighted(self._anew_weights) for one in both)
        kept = float(self.kept_share[day])

        def corrected(same: Floats, new: Floats, old: Floats) -> Floats:
            if self.every == 1:
                return np.asarray(new + kept * (same - old))
            anew = new - kept * old
            added = np.full(len(same), anew.mean())
            added[:: self.every] += len(same) / len(anew) * (anew - anew.mean())
            return np.asarray(kept * same + added)

        return same.with_each(corrected, new, old)

    def answer(self, quiet: Floats) -> ModelAnswer:
        """What the model says by day; ``quiet`` is the chance that no act ahead has met the target itself."""
        moments = hit_moments(self.base.first, self.horizon_days, self.weights)
        shares = self.base.shares_by_day(self.horizon_days, self.weights)
        both = self.simulated_anew
        if both is not None:
            kept, some = self.kept_share, self._anew_weights
            of_new, of_old = (hit_moments(one.first, self.horizon_days, some) for one in both)
            moments = HitMoments(
                of_new.mean + kept * (moments.mean - of_old.mean),
                # A variance is found from pairs of paths, so its luck is shared twice.
                of_new.variance + kept**2 * (moments.variance - of_old.variance),
            )
            new, old = (one.shares_by_day(self.horizon_days, some) for one in both)
            shares = shares.with_each(lambda same, new, old: new + kept * (same - old), new, old)
        return ModelAnswer(moments, shares.acts(quiet, 0.5 / self.base.first.size))


def milestone_day(base: Run, milestone: str) -> int:
    """Days from the origin of a run to a milestone (``KeyError`` when there is none of that name)."""
    config = base.inputs.config
    return (config.milestone(milestone).date - base.inputs.data.grid.origin).days


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


def parameter_draws(base: Run, name: str) -> Floats:
    """Posterior draws of one named parameter, shape (draw,).

    Raises
    ------
    KeyError
        No parameter has this name.
    """
    prior = base.inputs.priors.priors[name]
    values = base.variables[prior.group.variable]
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


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is computed of a scenario that needs no new fit.

    Parameters
    ----------
    paths : int
        Paths a draw that are simulated anew, at least 2; never more than the run has.
    every : int
        They are simulated from every so many draws.
    target : str, optional
        Nothing is said of other targets; of all when absent.
    """

    paths: int = SCENARIO_PATHS
    every: int = 1
    target: str | None = None


def simulate_plan(base: Run, plan: ScenarioPlan, effort: Effort) -> dict[str, Days]:
    """First days of each target under a scenario, on the draws and the random numbers of the run.

    A path of the run on which the acts ahead come to the same is the run's.
    """
    data = plan.data
    options = replace(base.simulation, first_paths=effort.paths, every=effort.every)
    since = futures_differ_since(data, base.n_draws, options, base.inputs.calendar, plan.acts)
    options = replace(options, other=OtherFutures(since, effort.target))
    past = plan.events.between(data.grid.start, base.inputs.config.as_of)
    effects = draw_effects(plan.types, past, data.layout, base.n_draws, options.seed)
    hits = simulate_first_passages(data, base.draws, options, plan.acts, effects)
    run = {name: base.hits.of(name)[:: options.every, : effort.paths] for name in hits.targets}
    # A target that was met before nothing else can meet earlier.
    return {name: np.where(since <= days, hits.of(name), days) for name, days in run.items()}


def refitted(base: Run, plan: ScenarioPlan, variables: Mapping[str, Floats]) -> Mixture:
    """Return the forecast of a scenario from the draws of a new fit."""
    inputs, horizon = base.inputs, base.simulation.horizon_days
    hits = _simulated(base, plan, variables, plan.acts)
    direct = base.mixture.direct if not plan.changes_past else direct_answers(inputs, plan.events, horizon)
    if not (plan.acts and inputs.family.direct):
        return Mixture(inputs, direct, hits, acts=plan.acts, types=plan.types)
    plain = _simulated(base, plan, variables, ())
    n_draws = hits.day.shape[1]
    met = met_by_themselves(inputs, plan.acts, plan.types, n_draws, base.simulation)
    return Mixture(inputs, direct, hits, plain, met, plan.acts, plan.types)


def _simulated(
    base: Run, plan: ScenarioPlan, variables: Mapping[str, Floats], acts: Sequence[FutureAct]
) -> FirstPassages:
    layout = plan.data.layout
    draws = stream_draws(layout, variables, plan.priors)
    past = plan.events.between(plan.data.grid.start, base.inputs.config.as_of)
    effects = draw_effects(plan.types, past, layout, len(draws), base.simulation.seed)
    return simulate_first_passages(plan.data, draws, base.simulation, acts, effects if acts else {})


def scenario_draws(
    base: Run, plan: ScenarioPlan, found: ImportanceWeights | None, effort: Effort
) -> dict[str, ScenarioDraws]:
    """Put draws, weights and futures of each target under a scenario of the same draws together.

    With a target asked for, that of targets that it includes comes along: it is never less likely.
    """
    paths = min(effort.paths, base.simulation.paths_per_draw)
    rules = {rule.name: rule for rule in base.inputs.rules}
    asked = [
        name for name, rule in rules.items() if effort.target is None or rules[effort.target].includes(rule)
    ]
    effort = replace(effort, paths=paths, target=asked[0] if len(asked) == 1 else None)
    new_days = simulate_plan(base, plan, effort) if plan.changes_future else {}
    inputs, mixture = base.inputs, base.mixture
    told = bool(inputs.family.direct and (inputs.calendar or plan.acts))
    plain = mixture.plain or mixture.paths
    met: Mapping[str, Days] = {}
    if told:
        some = replace(base.simulation, first_paths=paths, every=effort.every)
        met = met_by_themselves(inputs, plan.acts, plan.types, base.n_draws, some)
        never = mixture.met or met_by_themselves(inputs, (), {}, base.n_draws, base.simulation)
        mixture = replace(mixture, plain=plain, met=never)
    run = {name: mixture.futures(name) for name in asked}
    weights = found.weights if found else np.full(base.n_draws, 1 / base.n_draws)
    return {
        name: ScenarioDraws(
            weights,
            base.simulation.horizon_days,
            run[name],
            run[name].part(effort.every, paths)._replace(first=new_days[name], met=met.get(name))
            if name in new_days
            else None,
            effort.every,
        )
        for name in asked
    }
