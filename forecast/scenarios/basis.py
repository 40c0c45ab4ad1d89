"""What the answer to a scenario rests on, as facts: past cases, priors, and why it moves nothing.

Of several reactions and kinds of acts that a scenario touches the one that carries the change is found by
asking again without each: its part is what the change of the headline loses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, Literal

import numpy as np

from forecast.config.schema import LEARNED, reaction_stated
from forecast.events.codebook import COOPERATIVE, SEVERITIES
from forecast.models.draws import stream_draws
from forecast.models.survival import Chances
from forecast.precedents import is_followed
from forecast.priors import chance_prior
from forecast.records.forecast import (
    Basis,
    EventBasis,
    KindBasis,
    NoEffect,
    PriorBasis,
    RateBasis,
    ReactionBasis,
    ScenarioTarget,
)
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import meets
from forecast.runs.run import Run
from forecast.scenarios.answer import Answer, is_updated, milestone_day
from forecast.scenarios.plan import Plan
from forecast.targets import ActClass, FutureAct, Reaction, TargetRule

Cause = tuple[Literal["reaction", "kind"], str]
"""A reaction by its name, or acts of a category."""
LEAST_SHOWN = 0.0005
"""A twentieth of a point: a smaller change is none."""
_KIND_DAYS = 14
"""Days within which acts of a kind are looked at for what followed."""
_ASKED_AGAIN = 5
"""Of so many draws one tells which reaction or kind carries a change."""
_LEAST_PART = 0.1
"""Part of the largest part below which a reaction or kind is not named beside it."""


def added_acts(plan: Plan, inputs: Inputs) -> tuple[FutureAct, ...]:
    """Acts that a scenario adds to the calendar, by their day."""
    before = {replace(act, probability=0.0) for act in inputs.calendar}
    added = [act for act in plan.inputs.calendar if replace(act, probability=0.0) not in before]
    return tuple(sorted(added, key=lambda act: (act.date, act.until or act.date)))


def moved_acts(plan: Plan, inputs: Inputs) -> tuple[FutureAct, ...]:
    """Acts ahead that a scenario adds, takes away, or makes more or less likely, by their day."""
    ahead, known = plan.inputs.calendar, inputs.calendar
    kept = {replace(act, probability=0.0) for act in ahead}
    gone = [act for act in known if replace(act, probability=0.0) not in kept]
    return tuple(sorted([*(set(ahead) - set(known)), *gone], key=lambda act: (act.date, act.label)))


def basis_of(base: Run, plan: Plan, found: Answer | None) -> tuple[Basis, ...]:
    """Return what the answer to a scenario rests on, what carries the change first."""
    inputs, rules = plan.inputs, {rule.name: rule for rule in plan.inputs.rules}
    headline = rules[inputs.config.headline.target]
    acts, counts = added_acts(plan, base.inputs) or moved_acts(plan, base.inputs), dict[str, EventBasis]()
    indirect = []
    for act in acts:
        if met := [name for name, rule in rules.items() if meets(act, rule)]:
            counts[met[0]] = EventBasis(targets=tuple(met))
        if headline.name not in met:
            indirect.append(act)
    causes = _causes(base, plan, headline, indirect)
    if found and found.way.method != "refit" and len(causes) > 1:
        parts = _parts(found, headline.name, indirect, causes)
        least = _LEAST_PART * max(map(abs, parts.values()))
        order = sorted(causes, key=lambda cause: -abs(parts[cause]))
        causes = {
            cause: causes[cause].model_copy(update={"part": parts[cause]})
            for cause in order
            if abs(parts[cause]) >= least
        }
    method = found.way.method if found else "refit"
    return (*causes.values(), *counts.values(), *_of_priors(base, plan, refit=method == "refit"))


def _causes(
    base: Run, plan: Plan, headline: TargetRule, acts: Sequence[FutureAct]
) -> dict[Cause, ReactionBasis | KindBasis]:
    """Reactions that the acts set off or the scenario states, and the kinds of acts, by name."""
    inputs = plan.inputs
    found: dict[Cause, ReactionBasis | KindBasis] = {}
    for act in acts:
        sign = act.category, act.subcategory, act.severity, act.by
        for cause in inputs.reactions:
            if cause.when and cause.when.holds(*sign):
                found[("reaction", cause.name)] = _of_reaction(base, plan, cause, act.severity)
    for cause in inputs.reactions:
        if cause.name in plan.change.reactions and ("reaction", cause.name) not in found:
            found[("reaction", cause.name)] = _of_reaction(base, plan, cause)
    for act in acts:
        found["kind", act.category] = _of_kind(base, plan, act, headline)
    return found


def _parts(
    found: Answer, target: str, acts: Sequence[FutureAct], causes: Collection[Cause]
) -> dict[Cause, float]:
    """What the change of the headline loses without each reaction or kind of act, on some of the draws."""
    inputs, chances = found.mixture.inputs, found.mixture.process
    assert chances is not None
    day = milestone_day(found.base, inputs.config.headline.milestone)
    new = [one.reaction.name for one in chances.further]

    silenced = cache(partial(_silenced, chances))

    @cache
    def quiet(calendar: tuple[FutureAct, ...], silent: frozenset[str]) -> float:
        return float(silenced(silent).survival(calendar).of(target)[:, day].mean())

    def change(silent: Sequence[str], left_out: str | None = None) -> float:
        """Change of the model's chance where these reactions are silent, and without acts of one kind."""
        before = found.base.inputs.calendar
        ahead = [act for act in inputs.calendar if act not in acts or act.category != left_out]
        ahead += [act for act in before if act.category == left_out and act not in ahead]
        return quiet(tuple(before), frozenset({*silent, *new})) - quiet(tuple(ahead), frozenset(silent))

    reactions = [name for code, name in causes if code == "reaction"]
    whole, bare = change(()), change(reactions)
    return {
        (code, name): whole - change((name,)) if code == "reaction" else bare - change(reactions, name)
        for code, name in causes
    }


def _silenced(chances: Chances, names: Collection[str]) -> Chances:
    """Chances on some of the draws, in which these reactions bring about nothing."""
    rows = np.arange(0, len(chances.draws), _ASKED_AGAIN)
    draws, known = chances.draws.rows(rows), [one.name for one in chances.data.layout.reactions]
    if silent := [known.index(name) for name in names if name in known]:
        number = draws.variables["reaction.number"].copy()
        number[:, silent] = 0.0
        draws = stream_draws(draws.streams, {**draws.variables, "reaction.number": number}, chances.priors)
    further = [
        replace(one.rows(rows), number=one.number[rows] * (one.reaction.name not in names))
        for one in chances.further
    ]
    return replace(chances, draws=draws, further=(), seen=()).under(further)


def _of_reaction(base: Run, plan: Plan, reaction: Reaction, severity: int | None = None) -> ReactionBasis:
    """What followed the cases of a reaction, those as grave too, and the chance stated."""
    inputs, when, headline = plan.inputs, reaction.when, plan.inputs.config.headline.target
    of_target = replace(reaction, then=(), by=(), target=headline)
    cases, followed, _ = _followed(plan, reaction, reaction.days)
    grave: dict[str, Any] = {}
    if cases and when and severity and severity > min(when.severities):
        as_grave = tuple(grade for grade in when.severities if grade >= severity)
        alike = replace(of_target, when=replace(when, severities=as_grave))
        grave_cases, grave_followed, _ = _followed(plan, alike, reaction.days)
        grave = {"severity": severity, "grave_cases": grave_cases, "grave_followed": grave_followed}
    chance = chance_prior(reaction.chance)
    config = inputs.config
    stated = {**config.reactions, **plan.change.reactions}[reaction.name]
    return ReactionBasis(
        reaction=reaction_stated(reaction.name, stated, config, inputs.events),
        cases=cases,
        followed=followed,
        target=headline,
        target_followed=_followed(plan, of_target, reaction.days)[1],
        chance90=tuple(chance.quantile([0.05, 0.5, 0.95]).tolist()) if chance else None,
        of_act=severity is not None,
        **grave,
    )


def _of_kind(base: Run, plan: Plan, act: FutureAct, target: TargetRule) -> KindBasis:
    """How often acts of a kind, as grave or graver and of no named class, were followed by a target."""
    by = (act.by,) if act.by else ()
    alike = ActClass(act.category, (), tuple(range(act.severity, SEVERITIES[-1] + 1)), by)
    trigger = Reaction("", "", alike, (), (), target.name, _KIND_DAYS, LEARNED)
    # The model takes acts that a reaction names for another kind.
    named = [reaction.when for reaction in plan.inputs.reactions if reaction.when]
    cases, followed, seen = _followed(plan, trigger, _KIND_DAYS, named)
    calming: Literal["record", "prior", "none"] | None = None
    prior = f"ballast.{act.category}"
    if act.category in COOPERATIVE and prior not in plan.change.priors:
        known = prior in base.inputs.priors.priors
        calming = ("record" if is_updated(base, prior) else "prior") if known else "none"
    return KindBasis(
        category=act.category,
        severity=act.severity,
        by=act.by,
        target=target.name,
        days=_KIND_DAYS,
        cases=cases,
        followed=followed,
        seen=seen,
        beside_named=_followed(plan, trigger, _KIND_DAYS)[2] > seen,
        conflict=act.category not in COOPERATIVE,
        calming=calming,
    )


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
    cases = np.array([(on - grid.start).days for on in reaction.past], dtype=np.int64)
    if reaction.when is not None:
        triggers = reaction.when.mask(events)
        for other in apart:
            triggers &= ~other.mask(events)
        cases = np.unique(day[triggers])
    met = is_followed(answers, n_days, days)
    over = cases[cases < len(met)]
    return len(over), int(met[over].sum()), len(cases)


def _of_priors(base: Run, plan: Plan, *, refit: bool) -> Iterator[PriorBasis | RateBasis]:
    """Whether the record moves the estimates of which a scenario states the priors."""
    known = tuple(name for name in plan.change.priors if name in base.inputs.priors.priors)
    if known and not refit:
        at_prior = tuple(name for name in known if not is_updated(base, name))
        acts = 0
        if at_prior:
            category = at_prior[0].removeprefix("ballast.")
            acts = int((plan.inputs.events.category == category).sum())
        yield PriorBasis(names=known, at_prior=at_prior, acts=acts)
    for name in plan.change.priors:
        if whole := plan.inputs.priors.whole_rate(name):
            yield RateBasis(prior=name, whole=whole)


def no_effect(base: Run, plan: Plan, targets: Sequence[ScenarioTarget]) -> NoEffect | None:
    """Return why a scenario hardly moves the headline; ``None`` where it does."""
    asked, change = base.forecast.headline, plan.change
    known = {(target.name, one.name): one for target in targets for one in target.milestones}
    found = known.get((asked.target, asked.milestone))
    if found is None:
        return None
    size, error = abs(found.difference.value), found.difference.mcse
    if size >= max(LEAST_SHOWN, 2 * error):
        return None
    acts = moved_acts(plan, base.inputs)
    if acts and all(act.date >= found.date for act in acts):
        return "after_milestone"
    if not found.carried:
        return "not_carried"
    if size >= LEAST_SHOWN:
        return "within_error"
    if not acts:
        return "no_dependence_on_priors" if change.priors else "no_dependence"
    return "cooperation" if all(act.category in COOPERATIVE for act in acts) else "few_answers"
