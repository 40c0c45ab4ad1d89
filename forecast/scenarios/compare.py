"""Scenarios of a run computed: the way is chosen by what each changes, and named.

* *simulate*: only the future changes. The same draws, and the same random numbers of every path.
* *reweight*: priors change. The draws are weighted by the ratio of priors, Pareto smoothed; the futures
  stay, or are simulated as well.
* *refit*: past events are taken out, or the weights cannot be trusted.

An assumed act that is one of a target's own acts meets it with its own probability: that part of a change is
arithmetic, says nothing of the model and is told apart. Acts are drawn independently of the futures, so with
q = P(no such act) before a day under the scenario and q₀ in the run, 1 − p = (1 − rest) q₀ gives the part
(1 − p)(1 − q / q₀).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from forecast.config import Scenario
from forecast.inference.importance import (
    EFFECTIVE_DRAWS_MIN,
    PARETO_K_MAX,
    ImportanceWeights,
    monte_carlo_error,
)
from forecast.models.draws import Floats
from forecast.panel import FutureAct, TargetRule
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
from forecast.runs.run import Run
from forecast.runs.summaries import curve_record, milestone_forecast, time_record
from forecast.scenarios.evaluate import (
    SCENARIO_PATHS,
    ChangedProbability,
    Effort,
    ScenarioDraws,
    changed_probability,
    refitted,
    scenario_draws,
    weights_for,
)
from forecast.scenarios.plan import ScenarioPlan, plan_scenarios
from forecast.simulation import ProbabilityCurve
from forecast.simulation.paths import act_keys, chance_before, meets, quiet_chance

_DECIMALS = 5


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
    return evaluate_plans(
        base, plan_scenarios(base.inputs, scenarios), refit=refit, paths=paths, listen=listen
    )


def evaluate_plans(
    base: Run,
    plans: Sequence[ScenarioPlan],
    *,
    refit: bool = True,
    paths: int = SCENARIO_PATHS,
    listen: Listener | None = None,
) -> tuple[ScenarioForecast, ...]:
    """Compute scenarios that were put upon the run; see ``compare_scenarios``."""
    results = []
    effort = Effort(paths=paths)
    for done, plan in enumerate(plans):

        def tell(sampling: str, done: int = done, name: str = plan.scenario.name) -> None:
            if listen:
                note = f"{name}{sampling and ': '}{sampling}"
                listen(StageProgress("scenarios", done, len(plans), note))

        tell("")
        results.append(evaluate_plan(base, plan, refit=refit, effort=effort, tell=tell))
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
    effort = effort or Effort()
    weights = weights_for(base, plan.priors) if plan.changes_priors else None
    reason = _refit_reason(plan, weights)
    method: ScenarioMethod = "refit"
    targets: tuple[ScenarioTarget, ...] = ()
    failures: tuple[GateFailure, ...] = ()
    if reason is None:
        method, reason = _way(plan, weights)
        targets = _same_draws(base, plan, weights, effort)
    elif refit:
        targets, failures = _new_draws(base, plan, tell)
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
        targets=targets,
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


def _refit_reason(plan: ScenarioPlan, found: ImportanceWeights | None) -> ScenarioReason | None:
    if plan.changes_past:
        return MethodReason(code="past_taken_out")
    if found is None or found.trusted:
        return None
    if found.pareto_k > PARETO_K_MAX:
        return FailedWeights(code="weights_not_trusted", value=found.pareto_k, limit=PARETO_K_MAX)
    return FailedWeights(
        code="too_few_effective_draws", value=found.effective_draws, limit=EFFECTIVE_DRAWS_MIN
    )


def _way(plan: ScenarioPlan, weights: ImportanceWeights | None) -> tuple[ScenarioMethod, MethodReason]:
    if not weights:
        return "simulate", MethodReason(code="only_future")
    if not plan.changes_future:
        return "reweight", MethodReason(code="only_priors")
    return "reweight and simulate", MethodReason(code="priors_and_future")


def _same_draws(
    base: Run, plan: ScenarioPlan, weights: ImportanceWeights | None, effort: Effort
) -> tuple[ScenarioTarget, ...]:
    draws = scenario_draws(base, plan, weights, effort)
    mixture = replace(base.mixture, acts=plan.acts, types=plan.types)
    by_day = np.arange(base.simulation.horizon_days + 1.0)
    curves = mixture.curves_of({name: one.answer(mixture.quiet(name, by_day)) for name, one in draws.items()})
    targets = []
    for known in base.forecast.targets:
        if effort.target not in (None, known.name):
            continue
        one = draws[known.name]
        same = min(one.unchanged_days, mixture.unchanged_days(known.name, base.mixture))
        curve = _joined(known, same, _rounded(curves[known.name]))

        def change(day: int, name: str = known.name, one: ScenarioDraws = one) -> ChangedProbability:
            old = base.mixture.mixing(name, day).by_draw(base.mixture.shares(name, day))
            new = mixture.mixing(name, day).by_draw(one.shares(day))
            changed = changed_probability(new, old, base.n_chains)
            # The draws of other members are those of the run: their luck is not in the difference.
            return replace(changed, mcse=float(np.hypot(changed.mcse, mixture.direct_error(name, day))))

        def at_most(day: date, one: ScenarioDraws = one) -> float | None:
            # Of n paths none differs: below 3/n with 95% confidence; and no path differs without other acts.
            chance = chance_of_other_acts(plan, base.inputs, day) if plan.changes_future else 0.0
            return min(3 / one.paths_anew, chance) if chance else None

        targets.append(_target(base, plan, known, curve, change, at_most))
    return tuple(targets)


def _new_draws(
    base: Run, plan: ScenarioPlan, tell: Callable[[str], None]
) -> tuple[tuple[ScenarioTarget, ...], tuple[GateFailure, ...]]:
    variables, failures = refit(base, plan, tell)
    mixture = refitted(base, plan, variables)
    targets = []
    for known in base.forecast.targets:

        def change(day: int, name: str = known.name) -> ChangedProbability:
            new, old = (one.by_draw(name, day) for one in (mixture, base.mixture))
            of_new, of_old = (monte_carlo_error(one, base.n_chains) for one in (new, old))
            # Draws of two fits are independent, so that nothing falls out of the error.
            difference = float(new.mean() - old.mean()), float(np.hypot(of_new, of_old))
            error = mixture.error(name, day, base.n_chains)
            return ChangedProbability(float(new.mean()), error, *difference)

        targets.append(_target(base, plan, known, _rounded(mixture.curves[known.name]), change))
    return tuple(targets), failures


def refit(
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


def _rounded(curve: ProbabilityCurve) -> ProbabilityCurve:
    """Round to what is far below any Monte Carlo error: records of many scenarios stay small."""
    return replace(
        curve,
        probability=np.round(curve.probability, _DECIMALS),
        lower90=np.round(curve.lower90, _DECIMALS),
        upper90=np.round(curve.upper90, _DECIMALS),
    )


def _joined(known: TargetForecast, days: int, curve: ProbabilityCurve) -> ProbabilityCurve:
    """Take the first days from the run, where they are the same: exactly, and not up to rounding."""

    def join(before: Sequence[float], after: Floats) -> Floats:
        # What was simulated anew may start a little lower than the run ends, by its Monte Carlo error.
        joined = np.concatenate([np.asarray(before[:days], dtype=np.float64), after[days:]])
        return np.maximum.accumulate(joined)

    probability = join(known.curve.probability, curve.probability)
    return replace(
        curve,
        probability=probability,
        lower90=np.minimum(join(known.curve.lower90, curve.lower90), probability),
        upper90=np.maximum(join(known.curve.upper90, curve.upper90), probability),
    )


def _target(
    base: Run,
    plan: ScenarioPlan,
    known: TargetForecast,
    curve: ProbabilityCurve,
    change: Callable[[int], ChangedProbability],
    at_most: Callable[[date], float | None] = lambda day: None,
) -> ScenarioTarget:
    origin = base.inputs.data.grid.origin
    rule = next(one for one in base.inputs.rules if one.name == known.name)
    milestones = []
    for before in known.milestones:
        changed = change((before.date - origin).days)
        asked = (before.name, before.label, before.date)
        read = milestone_forecast(asked, origin, curve, changed.mcse, before.baseline, grave=known.grave)
        # From the numbers that are shown: the curve must not fall, which can move a milestone by its error.
        shown = read.probability - before.probability
        bound = at_most(before.date) if shown == 0.0 == changed.difference_mcse else None
        difference = Difference(value=shown, mcse=changed.difference_mcse, at_most=bound)
        by_assumption = met_by_assumption(plan, base.inputs, rule, before.date, read.probability - shown)
        milestones.append(ScenarioMilestone(**dict(read), difference=difference, by_assumption=by_assumption))
    other: dict[str, object] = {
        "cases": (),
        "milestones": tuple(milestones),
        "curve": curve_record(curve, origin),
        "time_to_event_days": time_record(curve),
    }
    return ScenarioTarget.model_validate({**dict(known), **other})


def _acts_assumed(plan: ScenarioPlan, inputs: Inputs) -> dict[str, Any]:
    """Return acts that a scenario adds, and those of the calendar that it makes more or less likely."""
    scheduled = {_without_chance(act): act for act in inputs.calendar}
    acts = {_without_chance(act): act for act in plan.acts}
    kept = [(act, one.probability) for act, one in acts.items() if act in scheduled]
    gone = [(act, 0.0) for act in scheduled if act not in acts]
    changed = [(act.label, scheduled[act].probability, now) for act, now in (*kept, *gone)]
    return {
        "acts": tuple(
            _record(act, plan, inputs)
            for act in sorted(plan.acts, key=lambda one: (one.date, one.until or one.date))
            if _without_chance(act) not in scheduled
        ),
        "expectations": tuple(
            ExpectationChanged(label=label, before=old, after=now)
            for label, old, now in changed
            if now != old
        ),
    }


def met_by_assumption(
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


def chance_of_other_acts(plan: ScenarioPlan, inputs: Inputs, day: date) -> float:
    """Probability that the acts of a future before a day are not those of the run on the same luck."""
    before, after = (dict(zip(act_keys(acts), acts, strict=True)) for acts in (inputs.calendar, plan.acts))
    origin, same = inputs.data.grid.origin, 1.0
    ahead = np.array(float((day - origin).days))
    for key, act in {**before, **after}.items():
        old, new = (acts[key].probability if key in acts else 0.0 for acts in (before, after))
        same *= 1 - float(chance_before(replace(act, probability=abs(new - old)), origin, ahead))
    return 1 - same


def _without_chance(act: FutureAct) -> FutureAct:
    return replace(act, probability=0.0)


def _record(act: FutureAct, plan: ScenarioPlan, inputs: Inputs) -> ActAssumed:
    return ActAssumed(
        label=act.label,
        first_day=act.date,
        last_day=act.until or act.date,
        category=act.category,
        severity=act.severity,
        by=act.by,
        probability=act.probability,
        meets=tuple(rule.name for rule in inputs.rules if meets(act, rule, plan.types)),
    )
