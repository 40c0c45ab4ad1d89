"""Scenarios of a run as records: each chance, its change from the run with its error, and days after an act.

An assumed act that is one of a target's own acts meets it with its own probability: that part of a change is
arithmetic, says nothing of the model and is told apart. Acts are independent of all else, so with q = P(no
such act) before a day under the scenario and q₀ in the run, 1 − p = (1 − rest) q₀ gives (1 − p)(1 − q / q₀).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config import Scenario
from forecast.inference.importance import monte_carlo_error
from forecast.panel import FutureAct, TargetRule
from forecast.progress import Listener, StageProgress
from forecast.records.forecast import (
    ActAssumed,
    AfterAct,
    BeliefStated,
    Curve,
    Difference,
    ExpectationChanged,
    Headline,
    ScenarioForecast,
    ScenarioMilestone,
    ScenarioTarget,
    TargetForecast,
)
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import ProbabilityCurve, meets, quiet_chance
from forecast.runs.run import Run
from forecast.runs.summaries import curve_record, milestone_forecast, time_record
from forecast.scenarios.answer import Answer, Way, answered, milestone_day, parameter_draws, way_of
from forecast.scenarios.plan import ScenarioPlan, plan_scenarios

__all__ = ["by_effect", "compare_scenarios", "evaluate_plan", "milestone_day", "parameter_draws"]

AFTER_DAYS = (7, 14, 30)
"""Days after the first assumed act for which the chance of each target is told."""
_DECIMALS = 5
"""Of curves, so that records of many scenarios stay small."""

Floats = NDArray[np.float64]


def compare_scenarios(
    base: Run, scenarios: Iterable[Scenario], *, refit: bool = True, listen: Listener | None = None
) -> tuple[ScenarioForecast, ...]:
    """Compute scenarios of a run, in their order; after one with acts that are seen, what doing them does.

    Parameters
    ----------
    base, scenarios
        From ``read_run`` (or a run in memory), and from ``load_scenario``.
    refit : bool
        Fit anew where that is needed; without it the numbers of such a scenario are withheld.
    listen : callable, optional
        Told of the progress.

    Raises
    ------
    ConfigError
        A scenario does not fit the run, before anything is computed.
    NotConvergedError
        A new fit could not be sampled at all; one that fails a gate is returned and says so.
    """
    plans = plan_scenarios(base.inputs, (each for one in scenarios for each in seen_and_done(one)))
    base.chances.prepare(act for plan in plans if not plan.changes_reactions for act in plan.acts)
    results = []
    for done, plan in enumerate(plans):

        def tell(sampling: str, done: int = done, name: str = plan.scenario.name) -> None:
            if listen:
                note = f"{name}{sampling and ': '}{sampling}"
                listen(StageProgress("scenarios", done, len(plans), note))

        tell("")
        results.append(evaluate_plan(base, plan, refit=refit, tell=tell))
    return tuple(results)


def seen_and_done(scenario: Scenario) -> Iterator[Scenario]:
    """Yield a scenario; and, where it has acts that are seen, the same with these acts done."""
    yield scenario
    if any(act.seen for act in scenario.events):
        acts = tuple(act.model_copy(update={"seen": False}) for act in scenario.events)
        told = {"name": f"{scenario.name}-done", "label": f"{scenario.title}, done"}
        yield scenario.model_copy(update={"events": acts, **told})


def evaluate_plan(
    base: Run,
    plan: ScenarioPlan,
    *,
    refit: bool = True,
    tell: Callable[[str], None] = lambda note: None,
    targets: Container[str] | None = None,
    way: Way | None = None,
) -> ScenarioForecast:
    """Compute one scenario that was put upon the run; ``tell`` hears of a new fit how far it is.

    Of all targets, or of these ``targets`` alone; by another ``way`` than that of the run where one is given.
    """
    way = way or way_of(base, plan)
    asked = (one for one in base.forecast.targets if targets is None or one.name in targets)
    found = answered(base, plan, way, tell) if refit or way.method != "refit" else None
    weights = found.weights or way.weights if found else way.weights
    return ScenarioForecast(
        name=plan.scenario.name,
        label=plan.scenario.title,
        rationale=plan.scenario.rationale,
        method=way.method,
        reason=way.reason,
        pareto_k=weights.tail if weights else None,
        effective_draws=weights.effective_draws if weights else None,
        failures=found.failures if found else (),
        withheld=None if found else "no_refit",
        priors=tuple(plan.scenario.priors),
        beliefs=tuple(
            BeliefStated(target=one.target, first_day=one.window[0], last_day=one.window[1], ratio=one.ratio)
            for one in plan.beliefs
        ),
        reactions=tuple(one.label for one in plan.inputs.reactions if one.name in plan.scenario.reactions),
        taken_out=plan.taken_out,
        targets=tuple(_target(base, plan, known, found) for known in asked) if found else (),
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


def _target(base: Run, plan: ScenarioPlan, known: TargetForecast, found: Answer) -> ScenarioTarget:
    origin = base.inputs.data.grid.origin
    rule = next(one for one in base.inputs.rules if one.name == known.name)
    curve, before = found.mixture.curves[known.name], base.mixture.curves[known.name]
    milestones = []
    for asked in known.milestones:
        day = (asked.date - origin).days
        error, change_error = _errors(base, found, known.name, day)
        question = (asked.name, asked.label, asked.date)
        now = milestone_forecast(question, origin, curve, error, asked.baseline, grave=known.grave)
        change = now.probability - float(before.probability[day])
        assumed = _met_by_assumption(plan, base.inputs, rule, asked.date, now.probability - change)
        difference = Difference(value=change, mcse=change_error)
        milestones.append(ScenarioMilestone(**dict(now), difference=difference, by_assumption=assumed))
    moved: dict[str, object] = {
        "cases": (),
        "milestones": tuple(milestones),
        "after": tuple(_after(plan, base, curve, before)),
        "curve": _rounded(curve_record(curve, origin), known.curve),
        "time_to_event_days": time_record(curve),
    }
    return ScenarioTarget.model_validate({**dict(known), **moved})


def _rounded(curve: Curve, known: Curve) -> Curve:
    """Return a curve with few decimals, but for what is exactly that of the run."""
    parts: dict[str, object] = {"date": curve.date}
    for name in ("probability", "lower90", "upper90"):
        pairs = zip(getattr(curve, name), getattr(known, name), strict=True)
        parts[name] = tuple(new if new == old else round(new, _DECIMALS) for new, old in pairs)
    return Curve.model_validate(parts)


class Errors(NamedTuple):
    """Monte Carlo errors of a probability under a scenario, and of its difference from the run's."""

    probability: float
    difference: float


def _errors(base: Run, found: Answer, target: str, day: int) -> Errors:
    chains = base.n_chains
    new, old = (one.by_draw(target, day) for one in (found.mixture, base.mixture))
    error = found.mixture.error(target, day, chains)
    if np.array_equal(new, old):
        return Errors(error, 0.0)
    if found.way.method == "refit":
        # Draws of two fits are independent, so that nothing falls out of the error.
        apart = np.hypot(monte_carlo_error(new, chains), monte_carlo_error(old, chains))
        return Errors(error, float(apart))
    return Errors(error, monte_carlo_error(new - old, chains))


def _added(plan: ScenarioPlan, inputs: Inputs) -> tuple[FutureAct, ...]:
    """Acts that a scenario adds to the calendar, by their day."""
    before = {replace(act, probability=0.0) for act in inputs.calendar}
    added = [act for act in plan.acts if replace(act, probability=0.0) not in before]
    return tuple(sorted(added, key=lambda act: (act.date, act.until or act.date)))


def _after(
    plan: ScenarioPlan, base: Run, curve: ProbabilityCurve, before: ProbabilityCurve
) -> Iterator[AfterAct]:
    """Yield the chances on the days after the first assumed act, as far as days are forecast."""
    acts = _added(plan, base.inputs)
    first = (acts[0].date - base.inputs.data.grid.origin).days if acts else 0
    for days in AFTER_DAYS if acts else ():
        end = first + days + 1
        if end < len(curve.probability):
            new, old = (
                1 - (1 - one.probability[end]) / max(1 - one.probability[first], 1e-12)
                for one in (curve, before)
            )
            day = acts[0].date + timedelta(days=days)
            yield AfterAct(days=days, date=day, probability=float(new), base=float(old))


def _acts_assumed(plan: ScenarioPlan, inputs: Inputs) -> dict[str, Any]:
    """Return acts that a scenario adds, and those of the calendar that it makes more or less likely."""
    after = {replace(act, probability=0.0): act.probability for act in plan.acts}
    chances = (
        (act.label, act.probability, after.get(replace(act, probability=0.0), 0.0)) for act in inputs.calendar
    )
    return {
        "acts": tuple(
            ActAssumed(
                label=act.label,
                first_day=act.date,
                last_day=act.until or act.date,
                category=act.category,
                subcategory=act.subcategory,
                severity=act.severity,
                by=act.by,
                probability=act.probability,
                seen=act in plan.seen,
                meets=tuple(rule.name for rule in inputs.rules if meets(act, rule)),
            )
            for act in _added(plan, inputs)
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

    ``None`` where past events are taken out, since the run's chances are not those of the scenario then.
    """
    if plan.changes_past:
        return None
    origin = inputs.data.grid.origin
    ahead = np.array(float((day - origin).days))
    quiet, before = (float(quiet_chance(acts, rule, origin, ahead)) for acts in (plan.acts, inputs.calendar))
    return (1 - probability) * (1 - quiet / before) if before else 0.0
