"""Scenarios of a run as records: each chance, its change from the run with its error, and days after an act.

An assumed act that is one of a target's own acts meets it with its own probability: that part of a change is
arithmetic, says nothing of the model and is told apart. Acts are independent of all else, so with q = P(no
such act) before a day under the scenario and q₀ in the run, 1 − p = (1 − rest) q₀ gives (1 − p)(1 − q / q₀).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast.config import Scenario
from forecast.config.scenario import UNNAMED
from forecast.phrases.scenarios import change_title
from forecast.progress import Listener, StageProgress
from forecast.records.forecast import (
    ActAssumed,
    AfterAct,
    Difference,
    ExpectationChanged,
    ScenarioForecast,
    ScenarioMilestone,
    ScenarioTarget,
    TargetForecast,
)
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import Curve, meets, quiet_chance
from forecast.runs.run import Run
from forecast.runs.summaries import chance_before, chance_table
from forecast.scenarios.answer import Answer, answered, moved_by, way_of
from forecast.scenarios.basis import added_acts, basis_of, moved_acts, no_effect
from forecast.scenarios.plan import Plan, plan_scenarios
from forecast.targets import TargetRule

AFTER_DAYS = (7, 14, 30)
"""Days after the first assumed act for which the chance of each target is told."""

Floats = NDArray[np.float64]


def compare_scenarios(
    base: Run,
    scenarios: Iterable[Scenario],
    *,
    refit: bool = True,
    allow_unconverged: bool = False,
    listen: Listener | None = None,
) -> tuple[ScenarioForecast, ...]:
    """Compute scenarios of a run, in their order; after one with acts that are seen, what doing them does.

    Parameters
    ----------
    base, scenarios
        From ``read_run`` (or a run in memory), and from ``load_scenario``.
    refit : bool
        Fit anew where that is needed; without it the numbers of such a scenario are withheld.
    allow_unconverged : bool
        Give numbers that rest on too few draws all the same.
    listen : callable, optional
        Told of the progress.

    Raises
    ------
    ConfigError
        A scenario does not fit the run, before anything is computed.
    NotConvergedError
        A new fit could not be sampled at all; one that fails a gate is returned and says so.
    """
    named = (
        one.model_copy(update={"label": one.label or change_title(one, base.inputs.config)})
        if one.name in UNNAMED
        else one
        for one in scenarios
    )
    asked = [each for one in named for each in seen_and_done(one)]
    plans = plan_scenarios(base.inputs, asked)
    results = []
    for done, (scenario, plan) in enumerate(zip(asked, plans, strict=True)):

        def tell(sampling: str, done: int = done, name: str = scenario.name) -> None:
            if listen:
                note = f"{name}{sampling and ': '}{sampling}"
                listen(StageProgress("scenarios", done, len(plans), note))

        tell("")
        results.append(evaluate_plan(base, plan, refit=refit, tell=tell, allow_unconverged=allow_unconverged))
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
    plan: Plan,
    *,
    refit: bool = True,
    tell: Callable[[str], None] = lambda note: None,
    targets: Container[str] | None = None,
    allow_unconverged: bool = False,
) -> ScenarioForecast:
    """Compute one scenario that was put upon the run; ``tell`` hears of a new fit how far it is.

    Of all targets, the headline alone by day; or by day of these ``targets`` alone.
    """
    scenario, way = plan.scenario, way_of(base, plan)
    asked = (one for one in base.forecast.targets if targets is None or one.name in targets)
    found = answered(base, plan, way, tell) if refit or way.method != "refit" else None
    weights = way.weights
    if found and found.weights and (weights is None or plan.seen):
        weights = found.weights
    failures = found.failures if found else ()
    withheld: Literal["no_refit", "too_few_draws"] | None = None if found else "no_refit"
    if plan.seen and failures and not allow_unconverged:
        found, withheld = None, "too_few_draws"
    whole = targets or (base.forecast.headline.target,)
    told = tuple(_target(base, plan, known, found, whole=known.name in whole) for known in asked if found)
    return ScenarioForecast(
        name=scenario.name,
        label=scenario.title,
        rationale=scenario.rationale,
        method=way.method,
        reason=way.reason,
        pareto_k=weights.tail if weights else None,
        effective_draws=weights.effective_draws if weights else None,
        failures=failures,
        withheld=withheld,
        priors=tuple(scenario.priors),
        beliefs=tuple(one.stated(base.inputs.config.as_of) for one in scenario.beliefs),
        reactions=tuple(one.label for one in plan.inputs.reactions if one.name in scenario.reactions),
        taken_out=plan.taken_out,
        targets=told,
        basis=basis_of(base, plan, found),
        no_effect=no_effect(base, plan, told),
        **_acts_assumed(plan, base.inputs),
    )


def _target(base: Run, plan: Plan, known: TargetForecast, found: Answer, *, whole: bool) -> ScenarioTarget:
    """Return what a scenario does to a target; by day where the ``whole`` of it is asked for."""
    origin = base.inputs.data.grid.origin
    rule = next(one for one in base.inputs.rules if one.name == known.name)
    curve, before = found.curves[known.name], base.curves[known.name]
    carried = not _beliefs_alone(plan, base.inputs) or any(
        known.name in names for one in plan.change.beliefs for names in moved_by(one, base.inputs.rules)
    )
    milestones, days = [], [(one.date - origin).days for one in known.milestones]
    for asked, day in zip(known.milestones, days, strict=True):
        error, change_error = found.errors(known.name, day, asked.mcse)
        now = chance_before(curve, origin, asked.date)
        change = now["probability"] - float(before.mean[day])
        milestones.append(
            ScenarioMilestone(
                name=asked.name,
                label=asked.label,
                mcse=error,
                difference=Difference(value=change, mcse=change_error),
                by_assumption=_met_by_assumption(
                    plan, base.inputs, rule, asked.date, now["probability"] - change
                ),
                carried=carried,
                **now,
            )
        )
    return ScenarioTarget(
        name=known.name,
        milestones=tuple(milestones),
        chances=chance_table(curve, origin, None if whole else days),
        after=tuple(_after(plan, base, curve, before)),
    )


def _beliefs_alone(plan: Plan, inputs: Inputs) -> bool:
    """Whether a scenario states beliefs and nothing else."""
    change = plan.change
    other = plan.taken_out or plan.seen or change.priors or change.reactions or moved_acts(plan, inputs)
    return bool(change.beliefs and not other)


def _after(plan: Plan, base: Run, curve: Curve, before: Curve) -> Iterator[AfterAct]:
    """Yield the chances on the days after the first assumed act, as far as days are forecast."""
    acts = added_acts(plan, base.inputs)
    first = (acts[0].date - base.inputs.data.grid.origin).days if acts else 0
    for days in AFTER_DAYS if acts else ():
        end = first + days + 1
        if end < len(curve.mean):
            new, old = (chance_after(one.mean, first, end) for one in (curve, before))
            yield AfterAct(days=days, date=acts[0].date + timedelta(days=days), probability=new, base=old)


def chance_after(mean: Sequence[float] | Floats, first: int, end: int) -> float:
    """Chance before the day ``end``, given none before ``first``, of the chance before each day."""
    return float(1 - (1 - mean[end]) / max(1 - mean[first], 1e-12))


def _acts_assumed(plan: Plan, inputs: Inputs) -> dict[str, Any]:
    """Return acts that a scenario adds, and those of the calendar that it makes more or less likely."""
    after = {replace(act, probability=0.0): act.probability for act in plan.inputs.calendar}
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
            for act in added_acts(plan, inputs)
        ),
        "expectations": tuple(
            ExpectationChanged(label=label, before=old, after=new)
            for label, old, new in chances
            if new != old
        ),
    }


def _met_by_assumption(
    plan: Plan, inputs: Inputs, rule: TargetRule, day: date, probability: float
) -> float | None:
    """Change of the run's probability that assumed acts make by meeting the target themselves before a day.

    ``None`` where more than acts is stated, since no part of the change is theirs alone then.
    """
    change = plan.change
    if plan.taken_out or change.beliefs or change.priors or change.reactions:
        return None
    origin = inputs.data.grid.origin
    ahead = np.array(float((day - origin).days))
    quiet, before = (
        float(quiet_chance(acts, rule, origin, ahead)) for acts in (plan.inputs.calendar, inputs.calendar)
    )
    return (1 - probability) * (1 - quiet / before) if before else 0.0
