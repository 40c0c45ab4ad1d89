"""Scenarios of a run as records: each chance, its change from the run with its error, and days after an act.

An assumed act that is one of a target's own acts meets it with its own probability: that part of a change is
arithmetic, says nothing of the model and is told apart. Acts are independent of all else, so with q = P(no
such act) before a day under the scenario and q₀ in the run, 1 − p = (1 − rest) q₀ gives (1 − p)(1 − q / q₀).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import Scenario
from forecast.config.scenario import UNNAMED
from forecast.config.schema import LEARNED
from forecast.events.codebook import COOPERATIVE, SEVERITIES, actor_in_sentence, category_label, code_in_words
from forecast.precedents import is_followed
from forecast.priors import chance_prior
from forecast.progress import Listener, StageProgress
from forecast.records.forecast import (
    ActAssumed,
    AfterAct,
    BeliefStated,
    Difference,
    ExpectationChanged,
    ScenarioForecast,
    ScenarioMethod,
    ScenarioMilestone,
    ScenarioTarget,
    TargetForecast,
)
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import Curve, meets, quiet_chance
from forecast.runs.run import Run
from forecast.runs.summaries import chance_table, milestone_forecast
from forecast.scenarios.answer import Answer, answered, is_told, moved_by, way_of
from forecast.scenarios.plan import Plan, belief_words, change_in_words, plan_scenarios
from forecast.targets import ActClass, FutureAct, Reaction, TargetRule
from forecast.wording import count, interval_percent, percent, small_number, title_in_sentence

AFTER_DAYS = (7, 14, 30)
"""Days after the first assumed act for which the chance of each target is told."""
LEAST_SHOWN = 0.0005
"""A twentieth of a point: a smaller change is none."""
NOT_CARRIED = (
    "A belief on one event moves that event and those that include it or, if it is less likely, lie in it; "
    "others keep their forecast."
)

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
    named = (
        one.model_copy(update={"label": one.label or change_in_words(one, base.inputs.config)})
        if one.name in UNNAMED
        else one
        for one in scenarios
    )
    asked = [each for one in named for each in seen_and_done(one)]
    plans = plan_scenarios(base.inputs, asked)
    # In one pass what any of them needs.
    base.thinned_process.prepare(
        act
        for plan in plans
        if plan.changes_future and not plan.changes_reactions
        for act in plan.inputs.calendar
    )
    results = []
    for done, (scenario, plan) in enumerate(zip(asked, plans, strict=True)):

        def tell(sampling: str, done: int = done, name: str = scenario.name) -> None:
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
    plan: Plan,
    *,
    refit: bool = True,
    tell: Callable[[str], None] = lambda note: None,
    targets: Container[str] | None = None,
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
        failures=found.failures if found else (),
        withheld=None if found else "no_refit",
        priors=tuple(scenario.priors),
        beliefs=tuple(
            BeliefStated(target=one.target, first_day=one.window[0], last_day=one.window[1], ratio=one.ratio)
            for one in scenario.beliefs
        ),
        reactions=tuple(one.label for one in plan.inputs.reactions if one.name in scenario.reactions),
        taken_out=plan.taken_out,
        targets=told,
        rests_on=rests_on(base, plan, way.method),
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
        question = (asked.name, asked.label, asked.date)
        worded = {"grave": known.grave, "thin": base.forecast.too_little is not None}
        now = milestone_forecast(question, origin, curve, error, asked.baseline, **worded)
        change = now.probability - float(before.mean[day])
        assumed = _met_by_assumption(plan, base.inputs, rule, asked.date, now.probability - change)
        difference = Difference(value=change, mcse=change_error)
        what = {"difference": difference, "by_assumption": assumed, "carried": carried}
        milestones.append(ScenarioMilestone.model_validate({**dict(now), **what}))
    moved: dict[str, object] = {
        "cases": (),
        "milestones": tuple(milestones),
        "after": tuple(_after(plan, base, curve, before)),
        "chances": chance_table(curve, origin, None if whole else days),
    }
    return ScenarioTarget.model_validate({**dict(known), **moved})


def _beliefs_alone(plan: Plan, inputs: Inputs) -> bool:
    """Whether a scenario states beliefs and nothing else."""
    change = plan.change
    other = plan.taken_out or plan.seen or change.priors or change.reactions or _moved(plan, inputs)
    return bool(change.beliefs and not other)


def _added(plan: Plan, inputs: Inputs) -> tuple[FutureAct, ...]:
    """Acts that a scenario adds to the calendar, by their day."""
    before = {replace(act, probability=0.0) for act in inputs.calendar}
    added = [act for act in plan.inputs.calendar if replace(act, probability=0.0) not in before]
    return tuple(sorted(added, key=lambda act: (act.date, act.until or act.date)))


def _moved(plan: Plan, inputs: Inputs) -> tuple[FutureAct, ...]:
    """Acts ahead that a scenario adds, takes away, or makes more or less likely, by their day."""
    ahead, known = plan.inputs.calendar, inputs.calendar
    kept = {replace(act, probability=0.0) for act in ahead}
    gone = [act for act in known if replace(act, probability=0.0) not in kept]
    return tuple(sorted([*(set(ahead) - set(known)), *gone], key=lambda act: (act.date, act.label)))


def _after(plan: Plan, base: Run, curve: Curve, before: Curve) -> Iterator[AfterAct]:
    """Yield the chances on the days after the first assumed act, as far as days are forecast."""
    acts = _added(plan, base.inputs)
    first = (acts[0].date - base.inputs.data.grid.origin).days if acts else 0
    for days in AFTER_DAYS if acts else ():
        end = first + days + 1
        if end < len(curve.mean):
            new, old = (1 - (1 - one.mean[end]) / max(1 - one.mean[first], 1e-12) for one in (curve, before))
            day = acts[0].date + timedelta(days=days)
            yield AfterAct(days=days, date=day, probability=float(new), base=float(old))


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
            for act in _added(plan, inputs)
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


def rests_on(base: Run, plan: Plan, method: ScenarioMethod) -> str:
    """Say in sentences what the answer to a scenario rests on: past cases, a prior, an assumption."""
    inputs, change = plan.inputs, plan.change
    parts = [f"Assumed {belief_words(one, inputs.config)}." for one in change.beliefs]
    if plan.taken_out:
        parts.append(f"A new fit without {count(plan.taken_out, 'past event')}.")
    headline = inputs.config.headline.target
    rules = {rule.name: rule for rule in inputs.rules}
    told, assumed = {}, {}
    for act in _added(plan, base.inputs) or _moved(plan, base.inputs):
        if met := [name for name, rule in rules.items() if meets(act, rule)]:
            title = title_in_sentence(inputs.config.target_title(met[0]))
            events = title if len(met) == 1 else f"{len(met)} of the {len(rules)} events"
            assumed[met[0]] = f"The act itself counts as {events}."
        if headline in met:
            continue
        sign = act.category, act.subcategory, act.severity, act.by
        cause = next((one for one in inputs.reactions if one.when and one.when.holds(*sign)), None)
        if cause:
            told[cause.name] = _of_reaction(plan, cause, act.severity)
        else:
            told[act.category] = _of_kind(base, plan, act, rules[headline])
    for cause in inputs.reactions:
        if cause.name in change.reactions and cause.name not in told:
            told[cause.name] = _of_reaction(plan, cause)
    # What moves the headline first.
    parts += [*told.values(), *assumed.values(), *_of_priors(base, plan, method)]
    return " ".join(parts)


def _of_priors(base: Run, plan: Plan, method: ScenarioMethod) -> Iterator[str]:
    """Say whether the record moves the estimates of which a scenario states the priors."""
    known = [name for name in plan.change.priors if name in base.inputs.priors.priors]
    untold = [name for name in known if not is_told(base, name)]
    these, at = ("this estimate", "its prior") if len(known) == 1 else ("these estimates", "their priors")
    if known and untold and method != "refit":
        if len(known) > 1:
            these = f"{small_number(len(untold))} of {len(known)} estimates"
        acts = int((plan.inputs.events.category == untold[0].removeprefix("ballast.")).sum())
        who = f"The {acts} acts of this category on record leave" if acts > 1 else "The record leaves"
        yield f"{who} {these} at {at}."
    elif known and method != "refit":
        yield f"Prior and record both shape {these}."
    for name in plan.change.priors:
        if whole := plan.inputs.priors.whole_rate(name):
            yield f"{name} moves one part of the target; {whole} moves all of it."


def _of_reaction(plan: Plan, reaction: Reaction, severity: int | None = None) -> str:
    """What a reaction rests on: the chance stated, and what followed its cases, those as grave too."""
    days, when, found = reaction.days, reaction.when, []
    cases, followed, _ = _followed(plan, reaction, days)
    if prior := chance_prior(reaction.chance):
        low, middle, high = prior.quantile([0.05, 0.5, 0.95]).tolist()
        before = ", before the record" if cases and reaction.use_record else ""
        found.append(f"its chance is stated as {percent(middle)} ({interval_percent((low, high))}){before}")
    if cases:
        answer = " or ".join(map(code_in_words, reaction.then)) or "conflict"
        if reaction.by:
            actors = plan.inputs.config.dyad.rule.acting_for(reaction.by, plan.inputs.events, reaction.then)
            answer += f" by {' or '.join(map(actor_in_sentence, actors))}"
        if reaction.target:
            answer = title_in_sentence(plan.inputs.config.target_title(reaction.target))
        found.append(_counted(cases, followed, "case", "cases", days, answer))
    if cases and when and severity and severity > min(when.severities):
        as_grave = tuple(one for one in when.severities if one >= severity)
        grave, after, _ = _followed(plan, replace(reaction, when=replace(when, severities=as_grave)), days)
        of = f"of severity {severity}" + (" or more" if severity < as_grave[-1] else "")
        said = f"{after} of the {grave} {of}" if grave else f"none of them was {of}"
        found.append(f"the one {of} was{'' if after else ' not'}" if grave == 1 else said)
    if severity and not followed:
        found.append("the change includes what any act so grave brings about")
    return f"“{reaction.label}”: {'; '.join(found)}."


def _followed(
    plan: Plan, reaction: Reaction, days: int, apart: Sequence[ActClass] = ()
) -> tuple[int, int, int]:
    """Count days with a trigger, or occasions: with so many days of record after them, answered, and all.

    Acts of the classes ``apart`` are no triggers.
    """
    inputs, grid = plan.inputs, plan.inputs.data.grid
    events, n_days = inputs.events.between(grid.start, inputs.config.as_of), (grid.origin - grid.start).days
    day = (events.date - np.datetime64(grid.start, "D")).astype(np.int64)
    answers = np.unique(day[inputs.data.layout.answering(reaction)[inputs.data.layout.assign(events)]])
    cases = np.array([(one - grid.start).days for one in reaction.past], dtype=np.int64)
    if reaction.when is not None:
        triggers = reaction.when.mask(events)
        for other in apart:
            triggers &= ~other.mask(events)
        cases = np.unique(day[triggers])
    met = is_followed(answers, n_days, days)
    over = cases[cases < len(met)]
    return len(over), int(met[over].sum()), len(cases)


def _counted(cases: int, followed: int, case: str, several: str, days: int, answer: str) -> str:
    then = f"followed within {days} days by {answer}"
    if cases == 1:
        return f"the one past {case} was {'' if followed else 'not '}{then}"
    found = f"{small_number(followed) if followed else 'none'} {'were' if followed > 1 else 'was'}"
    return f"of {cases} past {several}, {found} {then}"


def _of_kind(base: Run, plan: Plan, act: FutureAct, target: TargetRule) -> str:
    """How often acts of a kind, as grave or graver and of no named class, were followed by a target."""
    by = (act.by,) if act.by else ()
    alike = ActClass(act.category, (), tuple(range(act.severity, 6)), by)
    days = AFTER_DAYS[1]
    trigger = Reaction("", "", alike, (), (), target.name, days, LEARNED)
    # The model takes acts that a reaction names for another kind.
    named = [one.when for one in plan.inputs.reactions if one.when]
    cases, followed, every = _followed(plan, trigger, days, named)
    outside = " outside the named reactions" if _followed(plan, trigger, days)[2] > every else ""
    who = f", by {actor_in_sentence(act.by)}" if act.by else ""
    graver = " or more" if act.severity < SEVERITIES[-1] else ""
    kind = f"act{outside} ({category_label(act.category).lower()}, severity {act.severity}{graver}{who})"
    title = title_in_sentence(plan.inputs.config.target_title(target.name))
    counted = _counted(cases, followed, f"day with such an {kind}", f"days with such an {kind}", days, title)
    said = f"{counted[:1].upper()}{counted[1:]}."
    if not cases:
        said = f"The record holds no such {kind}{' of which the days are over' if every else ''}."
    prior = f"ballast.{act.category}"
    if act.category not in COOPERATIVE:
        return f"{said} The model answers such acts as often as any act of conflict as grave."
    if prior in plan.change.priors:
        return said
    if prior not in base.inputs.priors.priors:
        return f"{said} The model knows no effect of such acts here."
    source = "is estimated from a prior and the record" if is_told(base, prior) else "rests on a prior alone"
    return f"{said} How far such acts calm {source}."


def no_effect(base: Run, plan: Plan, targets: Sequence[ScenarioTarget]) -> str | None:
    """Say in one sentence why a scenario hardly moves the headline; ``None`` where it does."""
    asked, change = base.forecast.headline, plan.change
    known = {(target.name, one.name): one for target in targets for one in target.milestones}
    found = known.get((asked.target, asked.milestone))
    if found is None:
        return None
    moved, error = abs(found.difference.value), found.difference.mcse
    if moved >= max(LEAST_SHOWN, 2 * error):
        return None
    acts = _moved(plan, base.inputs)
    if acts and all(act.date >= found.date for act in acts):
        return f"The {'act falls' if len(acts) == 1 else 'acts fall'} after the milestone of the headline."
    if not found.carried:
        return NOT_CARRIED
    if moved >= LEAST_SHOWN:
        return "The change cannot be told from its Monte Carlo error."
    if not acts:
        what = "these priors" if change.priors else "what is changed"
        return f"The headline does not depend on {what}."
    if all(act.category in COOPERATIVE for act in acts):
        return "The change is below 0.1 points: the model gives such acts little effect."
    return "The change is below 0.1 points: the model expects few answers before the milestone."
