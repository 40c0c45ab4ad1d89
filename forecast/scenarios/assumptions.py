"""What a scenario assumes, and how much of its change is met by the assumption alone.

An assumed act that is one of a target's own acts meets it with its own probability: that part is arithmetic
and says nothing of the model. Acts are drawn independently of the futures, so with q = P(no such act) before
a day under the scenario and q₀ in the run, 1 − p = (1 − rest) q₀ gives the part (1 − p)(1 − q / q₀).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

import numpy as np

from forecast.panel.streams import FutureAct, TargetRule
from forecast.records.forecast import ActAssumed, ExpectationChanged, ScenarioForecast
from forecast.runs.inputs import Inputs
from forecast.scenarios.plan import NewTypePriors, ScenarioPlan
from forecast.simulation.acts import act_keys, chance_before, meets, quiet_chance


def with_assumptions(found: ScenarioForecast, plan: ScenarioPlan, inputs: Inputs) -> ScenarioForecast:
    """Return the scenario with what it assumes, and each change split."""
    rules = {rule.name: rule for rule in inputs.rules}
    before = {_without_chance(act): act.probability for act in inputs.calendar}
    kept = [act for act in plan.acts if _without_chance(act) in before]
    new = [act for act in plan.acts if _without_chance(act) not in before]
    left = {_without_chance(act) for act in kept}
    changed = [(act.label, before[_without_chance(act)], act.probability) for act in kept]
    changed += [
        (act.label, act.probability, 0.0) for act in inputs.calendar if _without_chance(act) not in left
    ]
    return found.model_copy(
        update={
            "acts": tuple(_record(act, plan.types, inputs.rules) for act in new),
            "expectations": tuple(
                ExpectationChanged(label=label, before=old, after=now)
                for label, old, now in changed
                if now != old
            ),
            "priors": tuple(plan.scenario.priors),
            "taken_out": plan.taken_out,
            "targets": tuple(
                target.model_copy(
                    update={
                        "milestones": tuple(
                            one.model_copy(
                                update={
                                    "by_assumption": met_by_assumption(
                                        plan,
                                        inputs,
                                        rules[target.name],
                                        one.date,
                                        one.probability - one.difference.value,
                                    )
                                }
                            )
                            for one in target.milestones
                        )
                    }
                )
                for target in found.targets
            ),
        }
    )


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


def _record(act: FutureAct, types: Mapping[str, NewTypePriors], rules: Iterable[TargetRule]) -> ActAssumed:
    return ActAssumed(
        label=act.label,
        first_day=act.date,
        last_day=act.until or act.date,
        category=act.category,
        severity=act.severity,
        by=act.by,
        probability=act.probability,
        meets=tuple(rule.name for rule in rules if meets(act, rule, types)),
    )
