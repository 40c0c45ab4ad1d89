"""Scenarios of a run computed: the way is chosen by what each changes, and named; a change has its error.

* *simulate*: only the future changes. The same draws, and the same random numbers of every path.
* *reweight*: priors change. The likelihood and the soft constraint on chains of acts stay as they are, and
  every prior stands on the parameter that was sampled, so that the ratio of two posteriors is the ratio of
  the changed priors alone: the draws are weighted by it, Pareto smoothed. The futures stay, or are simulated
  as well.
* *refit*: past events are taken out, or the weights cannot be trusted.

A difference is taken draw by draw, and, where futures are simulated anew, path by path on the same random
numbers: what base and scenario share (the scatter of the draws, the luck of the paths) falls out of it.
Therefore a few paths a draw say as much on a difference as many do on a probability. The other members of
the forecast follow what the model's paths do (``forecast.runs.mixture``).

An assumed act that is one of a target's own acts meets it with its own probability: that part of a change is
arithmetic, says nothing of the model and is told apart. Acts are drawn independently of the futures, so with
q = P(no such act) before a day under the scenario and q₀ in the run, 1 − p = (1 − rest) q₀ gives the part
(1 − p)(1 − q / q₀).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config import Scenario
from forecast.inference.importance import (
    EFFECTIVE_DRAWS_MIN,
    PARETO_K_MAX,
    ImportanceWeights,
    importance_weights,
    monte_carlo_error,
)
from forecast.models.draws import Floats, StreamDraws, stream_draws
from forecast.panel import FutureAct, TargetRule
from forecast.priors import PriorSet, elements
from forecast.progress import Listener, StageProgress
from forecast.records.forecast import (
    ActAssumed,
    Difference,
    ExpectationChanged,
    FailedWeights,
    GateFailure,
    Headline,
    MethodReason,
    ScenarioForecast,
    ScenarioMethod,
    ScenarioMilestone,
    ScenarioReason,
    ScenarioTarget,
    TargetForecast,
)
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import DrawShares, Futures, Mixture, ModelAnswer, direct_answers, met_by_themselves
from forecast.runs.run import Run
from forecast.runs.summaries import curve_record, milestone_forecast, time_record
from forecast.scenarios.plan import ScenarioPlan, draw_effects, plan_scenarios
from forecast.simulation import ProbabilityCurve
from forecast.simulation.paths import (
    OtherFutures,
    SimulationOptions,
    act_keys,
    chance_before,
    futures_differ_since,
    meets,
    quiet_chance,
    simulate_first_passages,
)
from forecast.simulation.probabilities import FirstPassages, HitMoments, hit_moments, hit_share

SCENARIO_PATHS = 2
"""Paths a draw that are simulated anew for a paired difference, unless more are asked for."""
_DECIMALS = 5
"""Of curves: far below any Monte Carlo error, so that records of many scenarios stay small."""

Days = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is computed of a scenario that needs no new fit.

    ``paths`` a draw are simulated anew, at least 2 and never more than the run has, from ``every`` so many
    draws. Nothing is said of other targets than ``target``; of all when absent.
    """

    paths: int = SCENARIO_PATHS
    every: int = 1
    target: str | None = None


def compare_scenarios(
    base: Run,
    scenarios: Iterable[Scenario],
    *,
    refit: bool = True,
    paths: int = SCENARIO_PATHS,
    listen: Listener | None = None,
) -> tuple[ScenarioForecast, ...]:
    """Compute scenarios of a run, in their order.

    Parameters
    ----------
    base, scenarios
        From ``read_run`` (or a run in memory), and from ``load_scenario``.
    refit : bool
        Fit anew where that is needed; without it the numbers of such a scenario are withheld.
    paths : int
        Paths a draw that are simulated anew, at least 2; never more than the run has.
    listen : callable, optional
        Told of the progress.

    Raises
    ------
    ConfigError
        A scenario does not fit the run, before anything is computed.
    NotConvergedError
        A new fit could not be sampled at all; one that fails a gate is returned and says so.
    """
    plans = plan_scenarios(base.inputs, scenarios)
    results = []
    for done, plan in enumerate(plans):

        def tell(sampling: str, done: int = done, name: str = plan.scenario.name) -> None:
            if listen:
                note = f"{name}{sampling and ': '}{sampling}"
                listen(StageProgress("scenarios", done, len(plans), note))

        tell("")
        results.append(evaluate_plan(base, plan, refit=refit, effort=Effort(paths=paths), tell=tell))
    return tuple(results)


def evaluate_plan(
    base: Run,
    plan: ScenarioPlan,
    *,
    refit: bool = True,
    effort: Effort | None = None,
    tell: Callable[[str], None] = lambda note: None,
) -> ScenarioForecast:
    """Compute one scenario that was put upon the run; ``tell`` hears of a new fit how far it is."""
    weights = importance_weights(log_prior_ratio(base, plan.priors)) if plan.changes_priors else None
    method, reason = _way(plan, weights)
    targets: Iterable[ScenarioTarget] = ()
    failures: tuple[GateFailure, ...] = ()
    if method != "refit":
        targets = _same_draws(base, plan, weights, effort or Effort())
    elif refit:
        variables, failures = fit_anew(base, plan, tell)
        targets = _new_draws(base, plan, variables)
    return ScenarioForecast(
        name=plan.scenario.name,
        label=plan.scenario.title,
        rationale=plan.scenario.rationale,
        method=method,
        reason=reason,
        pareto_k=weights.pareto_k if weights else None,
        effective_draws=weights.effective_draws if weights else None,
        failures=failures,
        withheld="no_refit" if method == "refit" and not refit else None,
        priors=tuple(plan.scenario.priors),
        taken_out=plan.taken_out,
        targets=tuple(targets),
        **_acts_assumed(plan, base.inputs),
    )


def by_effect(scenarios: Iterable[ScenarioForecast], headline: Headline) -> tuple[ScenarioForecast, ...]:
    """Order scenarios by what the model adds to the headline, the largest change either way first.

    What an assumed act does by meeting the target itself is no finding and does not count. Scenarios whose
    numbers are withheld come last.
    """

    def size(one: ScenarioForecast) -> float:
        if not one.targets:
            return -1.0
        asked = one.target(headline.target).milestones
        found = next(milestone for milestone in asked if milestone.name == headline.milestone)
        return abs(found.difference.value - (found.by_assumption or 0.0))

    return tuple(sorted(scenarios, key=size, reverse=True))


def _way(plan: ScenarioPlan, weights: ImportanceWeights | None) -> tuple[ScenarioMethod, ScenarioReason]:
    if plan.changes_past:
        return "refit", MethodReason(code="past_taken_out")
    if weights is None:
        return "simulate", MethodReason(code="only_future")
    k, draws = weights.pareto_k, weights.effective_draws
    if k > PARETO_K_MAX:
        return "refit", FailedWeights(code="weights_not_trusted", value=k, limit=PARETO_K_MAX)
    if draws < EFFECTIVE_DRAWS_MIN:
        return "refit", FailedWeights(code="too_few_effective_draws", value=draws, limit=EFFECTIVE_DRAWS_MIN)
    if not plan.changes_future:
        return "reweight", MethodReason(code="only_priors")
    return "reweight and simulate", MethodReason(code="priors_and_future")


def milestone_day(base: Run, milestone: str) -> int:
    """Days from the origin of a run to a milestone (``KeyError`` when there is none of that name)."""
    config = base.inputs.config
    return (config.milestone(milestone).date - base.inputs.data.grid.origin).days


def parameter_draws(base: Run, name: str) -> Floats:
    """Posterior draws of one named parameter, shape (draw,) (``KeyError`` when there is none)."""
    prior = base.inputs.priors.priors[name]
    values = base.variables[prior.group.variable]
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


def _same_draws(
    base: Run, plan: ScenarioPlan, weights: ImportanceWeights | None, effort: Effort
) -> Iterator[ScenarioTarget]:
    draws = scenario_draws(base, plan, weights, effort)
    mixture = replace(base.mixture, acts=plan.acts, types=plan.types)
    by_day = np.arange(base.simulation.horizon_days + 1.0)
    curves = mixture.curves_of({name: one.answer(mixture.quiet(name, by_day)) for name, one in draws.items()})
    for known in base.forecast.targets:
        name = known.name
        if effort.target not in (None, name):
            continue
        one = draws[name]
        same = min(one.unchanged_days, mixture.unchanged_days(name, base.mixture))

        def errors(day: int, name: str = name, one: ScenarioDraws = one) -> Errors:
            old = base.mixture.mixing(name, day).by_draw(base.mixture.shares(name, day))
            new = mixture.mixing(name, day).by_draw(one.shares(day))
            of_new, of_difference = paired_errors(new, old, base.n_chains)
            # The draws of other members are those of the run: their luck is not in the difference.
            return Errors(float(np.hypot(of_new, mixture.direct_error(name, day))), of_difference)

        def at_most(day: date, one: ScenarioDraws = one) -> float | None:
            # Of n paths none differs: below 3/n with 95% confidence; and no path differs without other acts.
            chance = _chance_of_other_acts(plan, base.inputs, day) if plan.changes_future else 0.0
            return min(3 / one.paths_anew, chance) if chance else None

        yield _target(base, plan, known, _joined(known, same, _rounded(curves[name])), errors, at_most)


def _new_draws(base: Run, plan: ScenarioPlan, variables: Mapping[str, Floats]) -> Iterator[ScenarioTarget]:
    mixture = refitted(base, plan, variables)
    for known in base.forecast.targets:

        def errors(day: int, name: str = known.name) -> Errors:
            # Draws of two fits are independent, so that nothing falls out of the error.
            by_draw = (one.by_draw(name, day) for one in (mixture, base.mixture))
            new, old = (monte_carlo_error(each, base.n_chains) for each in by_draw)
            return Errors(mixture.error(name, day, base.n_chains), float(np.hypot(new, old)))

        yield _target(base, plan, known, _rounded(mixture.curves[known.name]), errors)


def _joined(known: TargetForecast, days: int, curve: ProbabilityCurve) -> ProbabilityCurve:
    """Take the first days from the run, where they are the same: exactly, and not up to rounding."""

    def join(before: Sequence[float], after: Floats) -> Floats:
        # What was simulated anew may start a little lower than the run ends, by its Monte Carlo error.
        return np.maximum.accumulate(np.concatenate([np.array(before[:days]), after[days:]]))

    probability = join(known.curve.probability, curve.probability)
    lower = np.minimum(join(known.curve.lower90, curve.lower90), probability)
    upper = np.maximum(join(known.curve.upper90, curve.upper90), probability)
    return ProbabilityCurve(probability, lower, upper, curve.per_draw)


def _rounded(curve: ProbabilityCurve) -> ProbabilityCurve:
    parts = (curve.probability, curve.lower90, curve.upper90)
    probability, lower, upper = (np.round(part, _DECIMALS) for part in parts)
    return ProbabilityCurve(probability, lower, upper, curve.per_draw)


def _target(
    base: Run,
    plan: ScenarioPlan,
    known: TargetForecast,
    curve: ProbabilityCurve,
    errors: Callable[[int], Errors],
    at_most: Callable[[date], float | None] = lambda day: None,
) -> ScenarioTarget:
    origin = base.inputs.data.grid.origin
    rule = next(one for one in base.inputs.rules if one.name == known.name)
    milestones = []
    for before in known.milestones:
        mcse, change_mcse = errors((before.date - origin).days)
        asked = (before.name, before.label, before.date)
        now = milestone_forecast(asked, origin, curve, mcse, before.baseline, grave=known.grave)
        # From the numbers that are shown: the curve must not fall, which can move a milestone by its error.
        change = now.probability - before.probability
        bound = at_most(before.date) if change == 0.0 == change_mcse else None
        difference = Difference(value=change, mcse=change_mcse, at_most=bound)
        assumed = _met_by_assumption(plan, base.inputs, rule, before.date, now.probability - change)
        milestones.append(ScenarioMilestone(**dict(now), difference=difference, by_assumption=assumed))
    moved: dict[str, object] = {
        "cases": (),
        "milestones": tuple(milestones),
        "curve": curve_record(curve, origin),
        "time_to_event_days": time_record(curve),
    }
    return ScenarioTarget.model_validate({**dict(known), **moved})


class Errors(NamedTuple):
    """Monte Carlo errors of a probability under a scenario, and of its difference from the run's."""

    probability: float
    difference: float


def paired_errors(new: Floats, base: Floats, n_chains: int) -> Errors:
    """Errors of a change; ``new`` and ``base`` are what each draw says of the probability, shape (draw,)."""
    if np.array_equal(new, base):
        # Nothing changed: exactly, and not up to rounding.
        return Errors(monte_carlo_error(base, n_chains), 0.0)
    return Errors(monte_carlo_error(new, n_chains), monte_carlo_error(new - base, n_chains))


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


def scenario_draws(
    base: Run, plan: ScenarioPlan, weights: ImportanceWeights | None, effort: Effort
) -> dict[str, ScenarioDraws]:
    """Put draws, weights and futures of each target under a scenario of the same draws together.

    With a target asked for, that of targets that it includes comes along: it is never less likely.
    """
    inputs, mixture, n_draws = base.inputs, base.mixture, base.n_draws
    paths = min(effort.paths, base.simulation.paths_per_draw)
    rules = {rule.name: rule for rule in inputs.rules}
    asked = [
        name for name, rule in rules.items() if effort.target is None or rules[effort.target].includes(rule)
    ]
    effort = replace(effort, paths=paths, target=asked[0] if len(asked) == 1 else None)
    new_days = simulate_plan(base, plan, effort) if plan.changes_future else {}
    met: Mapping[str, Days] = {}
    if inputs.family.direct and (inputs.calendar or plan.acts):
        some = replace(base.simulation, first_paths=paths, every=effort.every)
        met = met_by_themselves(inputs, plan.acts, plan.types, n_draws, some)
        never = mixture.met or met_by_themselves(inputs, (), {}, n_draws, base.simulation)
        mixture = replace(mixture, plain=mixture.plain or mixture.paths, met=never)
    by_draw = weights.weights if weights else np.full(n_draws, 1 / n_draws)
    draws = {}
    for name in asked:
        old, new = mixture.futures(name), None
        if name in new_days:
            new = old.part(effort.every, paths)._replace(first=new_days[name], met=met.get(name))
        draws[name] = ScenarioDraws(by_draw, base.simulation.horizon_days, old, new, effort.every)
    return draws


def simulate_plan(base: Run, plan: ScenarioPlan, effort: Effort) -> dict[str, Days]:
    """First days of each target under a scenario, on the draws and the random numbers of the run.

    A path of the run on which the acts ahead come to the same is the run's.
    """
    options = replace(base.simulation, first_paths=effort.paths, every=effort.every)
    since = futures_differ_since(plan.data, base.n_draws, options, base.inputs.calendar, plan.acts)
    options = replace(options, other=OtherFutures(since, effort.target))
    hits = _simulated(base, plan, base.draws, plan.acts, options)
    run = {name: base.hits.of(name)[:: options.every, : effort.paths] for name in hits.targets}
    # A target that was met before nothing else can meet earlier.
    return {name: np.where(since <= days, hits.of(name), days) for name, days in run.items()}


def _simulated(
    base: Run, plan: ScenarioPlan, draws: StreamDraws, acts: Sequence[FutureAct], options: SimulationOptions
) -> FirstPassages:
    past = plan.events.between(plan.data.grid.start, base.inputs.config.as_of)
    effects = draw_effects(plan.types, past, plan.data.layout, len(draws), options.seed) if acts else {}
    return simulate_first_passages(plan.data, draws, options, acts, effects)


def fit_anew(
    base: Run, plan: ScenarioPlan, tell: Callable[[str], None]
) -> tuple[Mapping[str, Floats], tuple[GateFailure, ...]]:
    """Sample the posterior of a scenario with the settings and the seed of the run.

    Returns the draws by variable, and the gates that failed.
    """
    # Imported where it is needed: loading the sampler takes longer than any other scenario.
    from forecast.inference.density import PosteriorDensity
    from forecast.inference.sampling import SamplingProgress, check_gates, fit
    from forecast.runs.run import sampler_options

    def listen(progress: SamplingProgress) -> None:
        tell(f"fitted anew, {progress.finished:,} of {progress.planned:,} draws")

    tell("fitted anew")
    config = base.inputs.config
    posterior = fit(PosteriorDensity.of(plan.data, plan.priors), sampler_options(config), listen)
    return posterior.variables, check_gates(posterior).failures


def refitted(base: Run, plan: ScenarioPlan, variables: Mapping[str, Floats]) -> Mixture:
    """Return the forecast of a scenario from the draws of a new fit."""
    inputs, options = base.inputs, base.simulation
    draws = stream_draws(plan.data.layout, variables, plan.priors)
    hits = _simulated(base, plan, draws, plan.acts, options)
    direct = base.mixture.direct
    if plan.changes_past:
        direct = direct_answers(inputs, plan.events, options.horizon_days)
    plain, met = None, None
    if plan.acts and inputs.family.direct:
        plain = _simulated(base, plan, draws, (), options)
        met = met_by_themselves(inputs, plan.acts, plan.types, len(draws), options)
    return Mixture(inputs, direct, hits, plain, met, plan.acts, plan.types)


def _acts_assumed(plan: ScenarioPlan, inputs: Inputs) -> dict[str, Any]:
    """Return acts that a scenario adds, and those of the calendar that it makes more or less likely."""
    before, after = (
        {replace(act, probability=0.0): act for act in acts} for acts in (inputs.calendar, plan.acts)
    )
    added = [act for act in plan.acts if replace(act, probability=0.0) not in before]
    chances = (
        (act.label, act.probability, after[key].probability if key in after else 0.0)
        for key, act in before.items()
    )
    return {
        "acts": tuple(
            ActAssumed(
                label=act.label,
                first_day=act.date,
                last_day=act.until or act.date,
                category=act.category,
                severity=act.severity,
                by=act.by,
                probability=act.probability,
                meets=tuple(rule.name for rule in inputs.rules if meets(act, rule, plan.types)),
            )
            for act in sorted(added, key=lambda act: (act.date, act.until or act.date))
        ),
        "expectations": tuple(
            ExpectationChanged(label=label, before=old, after=new)
            for label, old, new in chances
            if new != old
        ),
    }


def _met_by_assumption(
    plan: ScenarioPlan, inputs: Inputs, rule: TargetRule, day: date, probability: float
) -> float | None:
    """Change of the run's probability that assumed acts make by meeting the target themselves before a day.

    ``None`` where past events are taken out, since the run's futures are not those of the scenario then.
    """
    if plan.changes_past:
        return None
    origin = inputs.data.grid.origin
    ahead = np.array(float((day - origin).days))
    quiet = float(quiet_chance(plan.acts, rule, origin, ahead, plan.types))
    before = float(quiet_chance(inputs.calendar, rule, origin, ahead, {}))
    return (1 - probability) * (1 - quiet / before) if before else 0.0


def _chance_of_other_acts(plan: ScenarioPlan, inputs: Inputs, day: date) -> float:
    """Probability that the acts of a future before a day are not those of the run on the same luck."""
    before, after = (dict(zip(act_keys(acts), acts, strict=True)) for acts in (inputs.calendar, plan.acts))
    origin, same = inputs.data.grid.origin, 1.0
    ahead = np.array(float((day - origin).days))
    for key, act in {**before, **after}.items():
        old, new = (acts[key].probability if key in acts else 0.0 for acts in (before, after))
        same *= 1 - float(chance_before(replace(act, probability=abs(new - old)), origin, ahead))
    return 1 - same
