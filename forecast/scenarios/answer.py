"""The forecast under a change, as a mixture, by the shortest way that what it changes allows.

* *exact*: the future changes. Chances follow from the draws of the run with all acts summed out, so that a
  difference has no error but that of the draws, and none where nothing changed.
* *reweight*: priors change, or acts are seen. The likelihood stays as it is, so that the ratio of two
  posteriors is that of the priors alone: draws are weighted by it, Pareto smoothed. An act that is seen
  weights each draw by the chance that it gave to such an act in its window.
* *refit*: past events are taken out, a reaction is stated to acts that the record holds, or weights cannot
  be trusted.

A reaction to acts that the record never held is known by its prior alone: each draw of the run takes a draw
of it, and only acts ahead of its class, or its occasion, set it off.

A belief multiplies the hazard that the forecast gives a target in a window [a, b): S′ = S·(S(b)/S(a))^(r − 1)
from its end on, by the S of the forecast for a ratio above one, which adds the same hazard to every draw of
every member, and by that of each draw for one below. Targets that include it have as much more, or less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config.scenario import Belief
from forecast.events.codebook import COOPERATIVE
from forecast.inference.importance import (
    EFFECTIVE_DRAWS_MIN,
    PARETO_K_MAX,
    ImportanceWeights,
    importance_weights,
)
from forecast.models.survival import Chances, FurtherReaction, Survival, window_of
from forecast.panel import FutureAct
from forecast.priors import PriorSet, elements
from forecast.records.forecast import (
    FailedWeights,
    GateFailure,
    MethodReason,
    ScenarioMethod,
    ScenarioReason,
)
from forecast.runs.mixture import DirectAnswers, Mixture, direct_answers
from forecast.runs.run import Run, chances_of, sampler_options
from forecast.scenarios.plan import ScenarioPlan

Floats = NDArray[np.float64]

LEAST_SHARE = 0.125
"""Share of a run's draws that weights must be worth, where that is less than ``EFFECTIVE_DRAWS_MIN``."""
_LEAST = 1e-300
_FURTHER_SEED = 7


class Way(NamedTuple):
    """How a scenario is to be computed, why, and the weights for its priors."""

    method: ScenarioMethod
    reason: ScenarioReason
    weights: ImportanceWeights | None = None


@dataclass(frozen=True)
class Answer:
    """The forecast under a scenario; ``failures`` are gates that a new fit failed."""

    mixture: Mixture
    way: Way
    weights: ImportanceWeights | None = None
    failures: tuple[GateFailure, ...] = ()


def answer(base: Run, plan: ScenarioPlan | None = None) -> Mixture:
    """Return the forecast of a run, under a scenario where one is given; fitted anew where it must be."""
    return base.mixture if plan is None else answered(base, plan, way_of(base, plan)).mixture


def least_draws(base: Run) -> float:
    """Effective draws that weighted draws of a run must at least be worth."""
    return min(EFFECTIVE_DRAWS_MIN, base.n_draws * LEAST_SHARE)


def way_of(base: Run, plan: ScenarioPlan) -> Way:
    """Return how a scenario is to be computed."""
    if plan.changes_past:
        return Way("refit", MethodReason(code="past_taken_out"))
    if plan.changes_reactions:
        return Way("refit", MethodReason(code="reactions_of_record"))
    if not plan.changes_priors:
        if plan.seen:
            return Way("reweight", MethodReason(code="acts_seen"))
        return Way("exact", MethodReason(code="only_future"))
    weights = importance_weights(log_prior_ratio(base, plan.inputs.priors))
    k, draws = weights.pareto_k, weights.effective_draws
    if k > PARETO_K_MAX:
        return Way("refit", FailedWeights(code="weights_not_trusted", value=k, limit=PARETO_K_MAX), weights)
    least = least_draws(base)
    if draws < least:
        return Way("refit", FailedWeights(code="too_few_effective_draws", value=draws, limit=least), weights)
    future = plan.changes_future or plan.beliefs
    return Way("reweight", MethodReason(code="priors_and_future" if future else "only_priors"), weights)


def answered(
    base: Run, plan: ScenarioPlan, way: Way, tell: Callable[[str], None] = lambda note: None
) -> Answer:
    """Compute a scenario by a way; ``tell`` hears of a new fit how far it is.

    Raises ``NotConvergedError``: a new fit could not be sampled at all.
    """
    chances, failures, weights = base.chances, tuple[GateFailure, ...](), way.weights
    direct, plain = base.mixture.direct, base.mixture.without_acts.survival
    if way.method == "refit":
        chances, failures = fitted_anew(plan, tell)
        plain, weights = chances.survival(occasions=False), None
        if plan.changes_past:
            direct = direct_answers(plan.inputs, plan.inputs.events, chances.n_days, plain)
    if chances is base.chances and _only_conflict_added(base, plan):
        # In the same order of memory, so that sums over draws are the same to the last digit.
        values = base.survival.values.copy(order="K")
        for act in plan.acts[len(base.inputs.calendar) :]:
            values *= chances.factor(act)
        ahead = replace(base.survival, values=values)
    else:
        chances = chances.with_further([*_further(plan, len(chances.draws))])
        known = plan.inputs.reactions[: len(chances.data.layout.reactions)]
        ahead = chances.survival(plan.acts, reactions=known)
    own = weights.weights if weights and np.ptp(weights.weights) > 0 else None
    if plan.seen:
        if own is None:
            own = np.full(len(chances.draws), 1 / len(chances.draws))
        # The members that know no acts are moved by what was seen as by what is done.
        plain = replace(plain, values=np.tile(np.tensordot(own, plain.values, axes=1), (len(own), 1, 1)))
        own = own * np.exp(log_chance_of(chances, plan.seen))
        own /= own.sum()
        weights = ImportanceWeights(own, weights.pareto_k if weights else -np.inf)
    same = np.array_equal(ahead.values, plain.values)
    mixture = Mixture(plan.inputs, direct, ahead, None if same else plain, own)
    return Answer(believed(mixture, plan.beliefs), way, weights, failures)


def _only_conflict_added(base: Run, plan: ScenarioPlan) -> bool:
    """Whether the future is that of the run with more conflict: acts that multiply its S."""
    n = len(base.inputs.calendar)
    added = [act.category for act in plan.acts[n:]]
    same = plan.acts[:n] == base.inputs.calendar and plan.inputs.reactions == base.inputs.reactions
    return same and not any(category in COOPERATIVE for category in added)


def _further(plan: ScenarioPlan, n_draws: int) -> Sequence[FurtherReaction]:
    """Further reactions with a draw of their prior to each draw, the same on every run."""
    priors = plan.inputs.priors.priors
    found = []
    for place, one in enumerate(plan.further):
        rng = np.random.default_rng([plan.inputs.config.sampler.seed, _FURTHER_SEED, place])
        parameters = (
            priors[f"reaction.{name}.{one.name}"].distribution.draw(rng, n_draws)
            for name in ("number", "half_life_days", "severity", "gravity")
        )
        found.append(FurtherReaction(one, *parameters))
    return found


def log_chance_of(chances: Chances, seen: Sequence[FutureAct]) -> Floats:
    """Log of the chance that each draw gave to at least one such act in each window, shape (draw,).

    It is that of an act in the window given none before it, without the acts that are ahead.
    """
    total = np.zeros(len(chances.draws))
    for act in seen:
        also = np.zeros(chances.record.mix.shape, dtype=bool)
        for stream, _ in chances.data.streams_of(act):
            also[stream, act.severity - 1] = True
        first, length = window_of(act, chances.data.grid.origin)
        before, after = (
            chances.without_sign(also, min(day, chances.n_days)) for day in (first, first + length)
        )
        total += np.log(np.maximum(1 - after / before, _LEAST))
    return total


def believed(mixture: Mixture, beliefs: Sequence[Belief]) -> Mixture:
    """Return a forecast with the hazard of targets multiplied in windows."""
    origin, targets = mixture.inputs.data.grid.origin, {rule.name: rule for rule in mixture.inputs.rules}
    for belief in beliefs:
        first, end = (belief.window[0] - origin).days, (belief.window[1] - origin).days + 1
        wider = {name for name, rule in targets.items() if rule.includes(targets[belief.target])}

        def moved(
            quiet: Mapping[str, Floats],
            by: Floats,
            first: int = first,
            end: int = end,
            power: float = belief.ratio - 1,
            wider: Set[str] = wider,
        ) -> dict[str, Floats]:
            by = np.maximum(by, _LEAST)
            factor = (by[..., np.clip(np.arange(by.shape[-1]), first, end)] / by[..., [first]]) ** power
            return {
                name: np.minimum(one * factor, 1.0) if name in wider else one for name, one in quiet.items()
            }

        def of(survival: Survival, by: Floats) -> Survival:
            new = moved({name: survival.of(name) for name in survival.targets}, by)
            return replace(survival, values=np.stack([*new.values()], axis=1))

        ahead, plain, name = mixture.survival, mixture.plain, belief.target
        if belief.ratio > 1:
            ahead = of(ahead, 1 - mixture.curves[name].probability)
            mixture = replace(mixture, ahead=ahead, plain=plain or mixture.survival)
        elif belief.ratio < 1:
            # What is taken from all draws alike would be more than some have.
            direct = {}
            for member, said in mixture.direct.by_member.items():
                quiet = {one: 1 - draws for one, draws in said.items()}
                quiet = moved(quiet, quiet[name]) if name in said else quiet
                direct[member] = {one: 1 - draws for one, draws in quiet.items()}
            mixture = replace(
                mixture,
                ahead=of(ahead, ahead.of(name)),
                plain=plain and of(plain, plain.of(name)),
                direct=DirectAnswers(direct),
            )
    return mixture


def fitted_anew(
    plan: ScenarioPlan, tell: Callable[[str], None] = lambda note: None
) -> tuple[Chances, tuple[GateFailure, ...]]:
    """Sample the posterior of a scenario with the settings and the seed of the run; gates that failed."""
    # Imported where it is needed: loading the sampler takes longer than any other scenario.
    from forecast.inference.density import PosteriorDensity
    from forecast.inference.sampling import SamplingProgress, check_gates, fit

    def listen(progress: SamplingProgress) -> None:
        tell(f"fitted anew, {progress.finished:,} of {progress.planned:,} draws")

    tell("fitted anew")
    # Further reactions are none of the record's.
    inputs = replace(plan.inputs, priors=replace(plan.inputs.priors, layout=plan.inputs.data.layout))
    density = PosteriorDensity.of(inputs.data, inputs.priors)
    posterior = fit(density, sampler_options(inputs.config), listen)
    return chances_of(inputs, posterior), check_gates(posterior).failures


def milestone_day(base: Run, milestone: str) -> int:
    """Days from the origin of a run to a milestone (``KeyError`` when there is none of that name)."""
    config = base.inputs.config
    return (config.milestone(milestone).date - base.inputs.data.grid.origin).days


def parameter_draws(base: Run, name: str) -> Floats:
    """Posterior draws of one named parameter, shape (draw,) (``KeyError`` when there is none)."""
    prior = base.inputs.priors.priors[name]
    values = base.draws.variables[prior.group.variable]
    if prior.element is None:
        return values
    return values[:, elements(prior.group, base.inputs.data.layout).index(prior.element)]


def log_prior_ratio(base: Run, priors: PriorSet) -> Floats:
    """Log of new over old prior density at each draw, shape (draw,); exactly zero where nothing changed.

    −inf where the new priors rule a draw out.
    """
    ratio = np.zeros(base.n_draws)
    for name, known in base.inputs.priors.priors.items():
        old, new = known.distribution, priors.priors[name].distribution
        if new != old:
            values = parameter_draws(base, name)
            ratio += new.log_density(values) - old.log_density(values)
    return ratio
