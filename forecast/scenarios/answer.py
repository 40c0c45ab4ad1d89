"""The forecast of a run under a change, by the shortest way that what it changes allows.

* *exact*: the future changes. Chances follow from draws of the run with all acts summed out.
* *reweight*: priors change, or acts are seen. The likelihood stays as it is, so that the ratio of two
  posteriors is that of the priors alone: draws are weighted by it, Pareto smoothed. Where that leaves too
  few, parameters are carried to the same quantiles of their new priors and weighted by the ratio of the
  likelihoods there, which is even where the record tells nothing of them. An act that is seen weights
  each future of each draw by the chance that it gave to such an act in its window.
* *refit*: past events are taken out, a reaction is stated to acts that the record holds, or no weights can
  be trusted.

Where priors alone change, or acts are seen, all draws are weighted. Any other change is worked out on some of
them, evenly spaced, and carried over to the forecast of the run: S = S_run·S′_some / S_some. What it leaves
alone is exactly that of the run.

A reaction to acts that the record never held is known by its prior alone: each draw of the run takes a draw
of it, and only acts ahead of its class, or its occasion, set it off.

A belief multiplies the hazard that the forecast gives a target in a window [a, b): S′ = S·(S(b)/S(a))^(r − 1)
from its end on. A ratio of 0 switches the hazard off: S′ = S·S(a)/S(b). Chances before the window stay, and
those after it are what they are given none by its end; where it begins on the first day ahead, all are given
that. Targets that include it have as much more, or less; of those that it includes the hazard is lowered with
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.config.scenario import Belief, Change
from forecast.errors import NotConvergedError
from forecast.frames import Backend
from forecast.inference.importance import (
    EFFECTIVE_DRAWS_MIN,
    PARETO_K_MAX,
    ImportanceWeights,
    importance_weights,
    monte_carlo_error,
)
from forecast.models.draws import StreamDraws, log_likelihood, stream_draws
from forecast.models.survival import Chances, FurtherReaction, Survival
from forecast.phrases.notices import gate_texts
from forecast.priors import PriorSet, elements
from forecast.records.forecast import FailedWeights, GateFailure, MethodReason, ScenarioMethod, ScenarioReason
from forecast.records.table import Chance, frame_of
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import Curve, DirectAnswers, Mixture, NestedCurves, direct_answers
from forecast.runs.run import Run, chances_of, sampler_options, without_reactions
from forecast.scenarios.plan import Plan, plan_change
from forecast.targets import TargetRule

Floats = NDArray[np.float64]

SEEN_DRAWS_MIN = 100.0
"""Draws that acts seen must leave: the mean of so many errs by a tenth of their spread, 1–4 points."""
LEAST_SHARE = 0.125
"""Share of a run's draws that weights must be worth, where that is less than ``EFFECTIVE_DRAWS_MIN``."""
_TOLD = 0.06
"""Share of the draws by which a posterior has to differ from its prior to be another."""
_FURTHER_SEED = 7


class Way(NamedTuple):
    """How a change is computed, why, the weights of all draws of the run, and draws in place of some."""

    method: ScenarioMethod
    reason: ScenarioReason
    weights: ImportanceWeights | None = None
    draws: StreamDraws | None = None


@dataclass(frozen=True)
class Answer:
    """The forecast of a run under a change: ``mixture`` with it and ``before`` without, on the same draws.

    ``weights`` are of the draws of the mixture, ``None`` where all count alike. ``failures`` are gates that a
    new fit failed, or the weights of what is seen: then no number may be used. ``quiet``, shape (day,), is by
    target the mean chance that nothing happens before each day, where beliefs state it. ``changed``: whether
    anything is asked but the forecast of the run.
    """

    base: Run
    mixture: Mixture
    before: Mixture
    way: Way
    weights: ImportanceWeights | None = None
    failures: tuple[GateFailure, ...] = ()
    quiet: Mapping[str, Floats] | None = None
    changed: bool = True

    @property
    def survival(self) -> Survival:
        """Chance that no target has happened, by draw of the model, target and day from the origin."""
        return self.mixture.survival

    @property
    def draw_weights(self) -> Floats:
        """Weights of these draws, shape (draw,), which sum to one."""
        n_draws = len(self.survival.values)
        return np.full(n_draws, 1 / n_draws) if self.mixture.weights is None else self.mixture.weights

    @cached_property
    def curves(self) -> Mapping[str, Curve]:
        """Probability of every target by day, with its interval."""
        runs = [self.base.curves, self.mixture.curves, self.before.curves]

        def alone(target: str) -> list[Floats]:
            parts = [[*vars(one[target]).values()] for one in runs if target in one]
            found = [*vars(self.mixture.curves[target]).values()]
            if self.way.method != "refit" and len(parts) == len(runs):
                found = [_moved(*each) for each in zip(*parts, strict=True)]
            if self.quiet is not None:
                before, after = 1 - found[0], self.quiet[target]
                factor = np.where(after == before, 1.0, after / np.maximum(before, 1e-12))
                found = [np.clip(part + (1 - part) * (1 - factor), 0.0, 1.0) for part in found]
                found[0] = np.where(after == before, found[0], 1 - after)
                # Of a ratio near 0 a few draws can carry the mean beyond the quantiles of all.
                found[1:] = [np.minimum(found[1], found[0]), np.maximum(found[2], found[0])]
            return found

        known = [rule for rule in self.mixture.inputs.rules if rule.name in self.mixture.curves]
        return NestedCurves(known, alone)

    def errors(self, target: str, day: int, error: float) -> tuple[float, float]:
        """Monte Carlo errors of the chance before a day and of its change; ``error``: that of the run."""
        chains = self.base.n_chains
        new, old = (one.by_draw(target, day) for one in (self.mixture, self.before))
        if self.way.method == "refit":
            # Draws of two fits are independent, so that nothing falls out of the error.
            apart = float(np.hypot(monte_carlo_error(new, chains), monte_carlo_error(old, chains)))
            return self.mixture.error(target, day, chains), apart
        apart = 0.0 if np.array_equal(new, old) else monte_carlo_error(new - old, chains)
        # What is stated, and alike in all draws, has no error.
        return 0.0 if np.ptp(new) < 1e-12 else float(np.hypot(error, apart)), apart

    def rows(self) -> Iterator[Chance]:
        """Yield the chances of the run, ``forecast``, and under a change, ``change``, at every milestone."""
        for target in self.base.forecast.targets:
            for one in target.milestones:
                at = (one.date - self.survival.origin).days
                known = self.base.curves[target.name], one.mcse
                now = self.curves[target.name], self.errors(target.name, at, one.mcse)[0]
                told = (("forecast", *known), ("change", *now)) if self.changed else (("forecast", *known),)
                for source, curve, error in told:
                    mean, low, high = (float(part[at]) for part in vars(curve).values())
                    yield Chance(source, target.name, one.date, mean, low, high, error)

    def chances(self, backend: Backend = "pandas") -> Any:  # noqa: ANN401
        """Return the rows as a data frame, with the columns of ``Run.chances``."""
        return frame_of(self.rows(), backend)


def _moved(run: Floats, now: Floats, before: Floats) -> Floats:
    """Probabilities of the run, moved as some draws move theirs, by the chance that nothing happens."""
    quiet = (1 - run) * (1 - now) / np.maximum(1 - before, 1e-12)
    # Exactly the run's own where nothing is moved, one where it is certain and zero where it cannot happen.
    chance = np.where(now > 1 - 1e-12, 1.0, np.where(now < 1e-12, 0.0, np.clip(1 - quiet, 0.0, 1.0)))
    return np.asarray(np.where(now == before, run, chance))


def answer(
    run: Run, change: Change | Mapping[str, object] | None = None, *, allow_unconverged: bool = False
) -> Answer:
    """Answer a question of a run: see ``Run.answer``."""
    if not isinstance(change, Change):
        change = Change.of(change or {})
    plan = plan_change(run.inputs, change)
    found = answered(run, plan, way_of(run, plan))
    if plan.seen and found.failures and not allow_unconverged:
        raise NotConvergedError("; ".join(gate_texts(found.failures)))
    return replace(found, changed=change != Change())


def least_draws(base: Run) -> float:
    """Effective draws that weighted draws of a run must at least be worth."""
    return min(EFFECTIVE_DRAWS_MIN, base.n_draws * LEAST_SHARE)


def way_of(base: Run, plan: Plan) -> Way:
    """Return how a change is to be computed."""
    if plan.taken_out:
        return Way("refit", MethodReason(code="past_taken_out"))
    if plan.changes_reactions:
        return Way("refit", MethodReason(code="reactions_of_record"))
    if not plan.changes_priors:
        if plan.seen:
            return Way("reweight", MethodReason(code="acts_seen"))
        return Way("exact", MethodReason(code="only_future"))
    weights, least = importance_weights(log_prior_ratio(base, plan.inputs.priors)), least_draws(base)
    k, worth = weights.pareto_k, weights.effective_draws
    if k <= PARETO_K_MAX and worth >= least:
        future = plan.changes_future or plan.change.beliefs
        return Way("reweight", MethodReason(code="priors_and_future" if future else "only_priors"), weights)
    draws, told = _carried_draws(base, plan.inputs.priors)
    if told.pareto_k <= PARETO_K_MAX and told.effective_draws >= least * len(draws) / base.n_draws:
        return Way("reweight", MethodReason(code="draws_moved"), told, draws)
    if k > PARETO_K_MAX:
        return Way("refit", FailedWeights(code="weights_not_trusted", value=k, limit=PARETO_K_MAX), weights)
    return Way("refit", FailedWeights(code="too_few_effective_draws", value=worth, limit=least), weights)


def _carried_draws(base: Run, priors: PriorSet) -> tuple[StreamDraws, ImportanceWeights]:
    """Some draws with parameters at the same quantiles of their new priors, and what these are worth.

    The density of the change of variables is that of the priors, so that the likelihoods alone are left.
    """
    some = base.draws.rows(base.thinned_rows)
    variables = {name: values.copy() for name, values in some.variables.items()}
    for group in priors.groups:
        for k, new in enumerate(priors.of_group(group)):
            old = base.inputs.priors.priors[new.name].distribution
            if new.distribution != old:
                column = variables[group.name]
                at = ... if new.element is None else (slice(None), k)
                column[at] = old.carried(column[at], new.distribution)
    moved, data = stream_draws(some.streams, variables, priors), base.inputs.data
    # Where the new priors lead far away, chances of acts and tails of weights leave what a number can hold.
    with np.errstate(all="ignore"):
        ratio = log_likelihood(data, moved, priors) - log_likelihood(data, some, base.inputs.priors)
        return moved, importance_weights(np.where(np.isnan(ratio), -np.inf, ratio))


def answered(base: Run, plan: Plan, way: Way, tell: Callable[[str], None] = lambda note: None) -> Answer:
    """Compute a change by a way; ``tell`` hears of a new fit how far it is.

    Raises ``NotConvergedError``: a new fit could not be sampled at all.
    """
    failures, weights = tuple[GateFailure, ...](), way.weights
    same_future = not (plan.seen or plan.changes_future) and plan.inputs.reactions == base.inputs.reactions
    if way.method == "reweight" and weights and way.draws is None and same_future:
        own = weights.weights if np.ptp(weights.weights) else None
        mixture = replace(base.mixture, inputs=plan.inputs, weights=own)
        return _with_beliefs(Answer(base, mixture, base.mixture, way, weights), plan)
    # A few draws tell too well of themselves how many of them fit what is seen.
    whole = way.method == "refit" or (bool(plan.seen) and way.draws is None)
    before = base.mixture if whole else base.thinned
    direct, plain, known = before.direct, before.without_acts.survival, before.known
    if before.process is None:
        raise ValueError("no model was fitted")
    chances = replace(before.process) if whole else before.process
    if way.method == "refit":
        chances, failures = fitted_anew(plan.inputs, tell)
        plain, known = chances.survival(occasions=False), without_reactions(plan.inputs, chances)
        weights = None
        if plan.taken_out:
            direct = direct_answers(plan.inputs, plan.inputs.events, chances.n_days, plain)
    elif way.draws is not None:
        chances = replace(chances, draws=way.draws, priors=plan.inputs.priors)
        plain, known = chances.survival(occasions=False), without_reactions(plan.inputs, chances)
    chances = chances.under(_further(plan, len(chances.draws)), plan.seen)
    learned = plan.inputs.reactions[: len(chances.data.layout.reactions)]
    ahead = chances.survival(plan.inputs.calendar, reactions=learned)
    own = None
    if weights:
        own = weights.weights
        if way.draws is None and not whole:
            own = of_rows(own, base.thinned_rows)
    if plan.seen:
        if own is None:
            own = np.full(len(chances.draws), 1 / len(chances.draws))
        # The pooled hazard is scaled alike for observed and assumed acts.
        plain, known = _mean_in_each(plain, own), known and _mean_in_each(known, own)
        told = special.logsumexp(chances.log_chance_of_seen, axis=1)
        own = own * np.exp(told - told.max())
        own /= own.sum()
        weights = ImportanceWeights(own, weights.pareto_k if weights else -np.inf)
        if (left := weights.effective_draws) < SEEN_DRAWS_MIN:
            failures += (GateFailure(code="seen_draws", value=left, limit=SEEN_DRAWS_MIN),)
    same = np.array_equal(ahead.values, plain.values)
    mixture = Mixture(plan.inputs, direct, ahead, None if same else plain, own, chances, known)
    return _with_beliefs(Answer(base, mixture, before, way, weights, failures), plan)


def _mean_in_each(one: Survival, weights: Floats) -> Survival:
    """Return S with its weighted mean in the place of every draw."""
    mean = np.tensordot(weights, one.values, axes=1)
    return replace(one, values=np.broadcast_to(mean, one.values.shape))


def _with_beliefs(found: Answer, plan: Plan) -> Answer:
    for belief in plan.change.beliefs:
        found = _believed(found, belief)
    return found


def of_rows(weights: Floats | None, rows: NDArray[np.int64]) -> Floats | None:
    """Weights of some of all draws, which sum to one; all alike where none of these has any."""
    if weights is None or not np.ptp(weights):
        return None
    total = weights[rows].sum()
    return np.asarray(weights[rows] / total if total > 0 else np.full(len(rows), 1 / len(rows)))


def _further(plan: Plan, n_draws: int) -> Sequence[FurtherReaction]:
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


def moved_by(belief: Belief, rules: Sequence[TargetRule]) -> tuple[set[str], set[str]]:
    """Targets that a belief moves: its own with those that include it, and those that lie in it."""
    own = next(rule for rule in rules if rule.name == belief.target)
    wider = {rule.name for rule in rules if rule.includes(own)}
    return wider, {rule.name for rule in rules if belief.ratio < 1 and own.includes(rule)} - wider


def _believed(found: Answer, belief: Belief) -> Answer:
    """Return an answer with the hazard of a target multiplied in a window."""
    origin, mixture, power = found.survival.origin, found.mixture, belief.ratio - 1
    first, end = ((day - origin).days for day in belief.window)
    days = np.clip(np.arange(mixture.horizon_days + 1), first, end + 1)
    rules = {rule.name: rule for rule in mixture.inputs.rules}
    own = rules[belief.target]
    wider, narrower = moved_by(belief, mixture.inputs.rules)

    def factor(by: Floats) -> Floats:
        by = np.maximum(by, 1e-12)
        return np.asarray((by[..., days] / by[..., [first]]) ** power)

    def moved(quiet: Mapping[str, Floats], common: Floats | None = None) -> dict[str, Floats]:
        common = factor(quiet[own.name]) if common is None and own.name in quiet else common
        found = dict(quiet)
        for name, values in quiet.items():
            if name in wider and common is not None:
                found[name] = np.minimum(values * common, 1.0)
            elif name in narrower:
                found[name] = values * factor(values)
        return found

    def survival_of(one: Survival, common: Floats | None = None) -> Survival:
        new = moved({name: one.of(name) for name in one.targets}, common)
        return replace(one, values=np.stack([*new.values()], axis=1))

    quiet = {name: 1 - curve.mean for name, curve in found.curves.items()}
    if power > 0:
        ahead = survival_of(mixture.survival, factor(quiet[own.name]))
        mixture = replace(mixture, ahead=ahead, plain=mixture.without_acts.survival)
    elif power < 0:
        # What is taken from all draws alike would be more than some have.
        direct = {}
        for member, said in mixture.direct.by_member.items():
            left = moved({name: 1 - values for name, values in said.items()})
            direct[member] = {name: 1 - values for name, values in left.items()}
        ahead = survival_of(mixture.survival)
        plain, known = (one and survival_of(one) for one in (mixture.plain, mixture.known))
        mixture = replace(mixture, ahead=ahead, plain=plain, known=known, direct=DirectAnswers(direct))
    return replace(found, mixture=mixture, quiet=moved(quiet))


def fitted_anew(
    inputs: Inputs, tell: Callable[[str], None] = lambda note: None
) -> tuple[Chances, tuple[GateFailure, ...]]:
    """Sample a posterior with the settings and the seed of the run; gates that failed."""
    # Imported where it is needed: loading the sampler takes longer than any other change.
    from forecast.inference.sampling import PosteriorDensity, SamplingProgress, check_gates, fit

    def listen(progress: SamplingProgress) -> None:
        again = ", again and longer as a check failed" if progress.rerun else ""
        tell(f"fitted anew{again}, {progress.finished:,} of {progress.planned:,} draws")

    tell("fitted anew")
    # Further reactions are none of the record's.
    inputs = replace(inputs, priors=replace(inputs.priors, layout=inputs.data.layout))
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
    values = base.draws.variables[prior.group.name]
    if prior.element is None:
        return values
    return values[:, elements(prior.group, base.inputs.data.layout).index(prior.element)]


def is_updated(base: Run, name: str) -> bool:
    """Whether the record tells of a parameter: its posterior lies elsewhere or is narrower."""
    values, prior = parameter_draws(base, name), base.inputs.priors.priors[name].distribution
    low, middle, high = prior.quantile([0.16, 0.5, 0.84]).tolist()
    below = float((values < middle).mean())
    inside = float(((values > low) & (values < high)).mean())
    return abs(below - 0.5) > _TOLD or inside - 0.68 > _TOLD


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
