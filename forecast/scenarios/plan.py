"""A scenario put upon what a run has read: checked names, the future acts, the events taken out.

All faults are found before anything is computed, each with its place in the scenario's file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.config import AssumedAct, LeftOutEvents, Scenario
from forecast.config.field_types import unknown_actor
from forecast.config.scenario import Change
from forecast.config.schema import actor_missing, same_reactions, setting_faults
from forecast.config.settings_file import Fault, KeyPath
from forecast.errors import ConfigError, did_you_mean
from forecast.events.codebook import way
from forecast.events.table import EventTable
from forecast.priors import PriorSet
from forecast.runs.inputs import (
    Inputs,
    chance_faults,
    named_by_reactions,
    priors_of,
    record_faults,
    scenario_reactions,
    unseen_subcategories,
)
from forecast.runs.mixture import meets
from forecast.streams import acts_of, stream_layout
from forecast.targets import FutureAct, Reaction
from forecast.wording import long_day


@dataclass(frozen=True)
class Plan:
    """A change that was put upon a run, ready to be computed.

    ``inputs`` are those of the run under the change; ``seen`` are acts of the calendar that are seen, not
    done; ``further`` are reactions of which the record holds no trigger; ``taken_out`` past events are left
    out.
    """

    change: Change
    inputs: Inputs
    seen: tuple[FutureAct, ...]
    further: tuple[Reaction, ...]
    changes_priors: bool
    changes_future: bool
    changes_reactions: bool
    taken_out: int

    @property
    def scenario(self) -> Scenario:
        """The change as a scenario, where it is one."""
        assert isinstance(self.change, Scenario)
        return self.change


def plan_change(inputs: Inputs, scenario: Change) -> Plan:
    """Put a change upon the inputs of a run.

    Raises
    ------
    ConfigError
        Once, with every fault: an unknown prior or one that cannot be, a day that is not ahead, a calendar
        act or a past event that is not there, a removal that leaves a target without data.
    """
    faults: list[Fault] = []
    data, known, events = inputs.data, inputs.priors, inputs.events
    left = _left(inputs, scenario, faults)
    if not left.all():
        events = events.select(left)
        data = acts_of(events, data.grid, data.layout, data.completeness)
        # Priors are centred on the record, and move with it.
        known = priors_of(inputs.config, data, inputs.population)
    acts, seen = _acts(inputs, scenario, faults)
    reactions = _reactions(inputs, scenario, acts, faults)
    _belief_faults(inputs, scenario, acts, faults)
    if faults:
        if not scenario.reactions:
            _priors(known, scenario, faults)
        raise scenario.errors(faults)
    layout = stream_layout(inputs.rules, inputs.dyad, reactions, events, acts)
    stated = {one.name: one for one in inputs.reactions}
    moved = [one for one in reactions if _learning(one) != _learning(stated.get(one.name))]
    # Answers towards some actors cut the record's acts anew, though no trigger was ever seen.
    further = tuple(
        one for one in moved if one.name not in stated and not _is_told(one, events) and not one.towards
    )
    again = [one for one in moved if one not in further]
    if reactions != inputs.reactions:
        full = priors_of(
            inputs.config, acts_of(events, data.grid, layout, data.completeness), inputs.population
        )
        own = {name: prior for name, prior in full.priors.items() if name.startswith("reaction.")}
        if again:
            # Classes of the record cut cells anew; what stays keeps its prior.
            kept = {name: known.priors.get(name, prior) for name, prior in full.priors.items()}
            known = replace(full, priors=kept | own)
        else:
            # A class that was never seen has no rate of its own.
            known = replace(known, priors=dict(known.priors) | own)
    changed = _priors(known, scenario, faults)
    if not again and not further:
        # Also where labels alone, or days to come, are not those of the run.
        data = replace(data, layout=replace(data.layout, reactions=reactions))
    elif again:
        data = acts_of(events, data.grid, layout, data.completeness)
    if not faults and not again:
        faults += _joint_faults(inputs, acts, scenario)
    if faults:
        raise scenario.errors(faults)
    before = inputs.priors if left.all() else known
    return Plan(
        scenario,
        replace(inputs, events=events, data=data, priors=changed, calendar=acts, reactions=reactions),
        seen,
        further,
        changes_priors=not again
        and any(
            changed.priors[name].distribution != prior.distribution for name, prior in before.priors.items()
        ),
        changes_future=acts != inputs.calendar or bool(further),
        changes_reactions=bool(again),
        taken_out=int((~left).sum()),
    )


def _learning(one: Reaction | None) -> object:
    """What of a reaction the likelihood sees: all but its chance, its days and how it is told."""
    return one and (one.when, one.then, one.by, one.towards, one.target, one.use_record, one.past)


def _is_told(one: Reaction, events: EventTable) -> bool:
    """Whether the record holds a trigger of a reaction."""
    return bool(one.past) if one.when is None else bool(one.when.mask(events).any())


def _belief_faults(inputs: Inputs, scenario: Change, acts: Sequence[FutureAct], faults: list[Fault]) -> None:
    """Targets and days that are not there, and beliefs that contradict acts ahead or one another."""
    config, rules = inputs.config, {rule.name: rule for rule in inputs.rules}
    last = max(milestone.date for milestone in config.milestones) - timedelta(days=1)
    for index, belief in enumerate(scenario.beliefs):
        first, end = belief.window
        if belief.target not in rules:
            hint = did_you_mean(belief.target, rules)
            message = f"the run has no target '{belief.target}'.{hint} It has: {', '.join(rules)}"
            faults.append(Fault(("beliefs", index, "target"), message))
            continue
        if first <= config.as_of or end > last:
            message = (
                f"{first} … {end} is not within the days that are forecast "
                f"({config.as_of + timedelta(days=1)} … {last})"
            )
            faults.append(Fault(("beliefs", index, "window"), message))
        if belief.ratio > 0:
            continue
        certain = (act for act in acts if act.probability == 1.0 and meets(act, rules[belief.target]))
        for act in certain:
            if first <= act.date and (act.until or act.date) <= end:
                message = (
                    f"nothing can happen there, but an act of {act.date} that is certain meets the target"
                )
                faults.append(Fault(("beliefs", index, "ratio"), message))
        for place, other in enumerate(scenario.beliefs):
            inside = other.target in rules and rules[belief.target].includes(rules[other.target])
            overlap = other.window[0] <= end and first <= other.window[1]
            if place != index and inside and overlap and other.ratio > 0 and other.target != belief.target:
                message = f"contradicts beliefs[{index}], by which not even '{belief.target}' happens then"
                faults.append(Fault(("beliefs", place, "ratio"), message))


def _joint_faults(inputs: Inputs, acts: Sequence[FutureAct], scenario: Change) -> Iterator[Fault]:
    """Acts that belong to several classes at once, of which the record holds no act."""
    layout = inputs.data.layout
    known = {stream.classes for stream in layout.kinds}
    for act in acts:
        classes = layout.classes_of(act.category, act.subcategory, act.severity, act.by)
        if classes not in known:
            names = " and ".join(layout.reactions[i].name for i in classes)
            message = f"{act.date}: such an act sets off {names} at once, which no act of the record does"
            yield Fault(("events",) if scenario.events else ("calendar",), message)


def plan_scenarios(inputs: Inputs, scenarios: Iterable[Scenario]) -> tuple[Plan, ...]:
    """Put several scenarios upon the inputs of a run.

    Raises
    ------
    ConfigError
        Once, with the faults of all of them.
    """
    plans, faults = [], []
    for scenario in scenarios:
        try:
            plans.append(plan_change(inputs, scenario))
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
    return tuple(plans)


def _priors(known: PriorSet, scenario: Change, faults: list[Fault]) -> PriorSet:
    refused = known.refused(scenario.priors, "scenario")
    faults += (Fault(("priors", name), why) for name, why in refused.items())
    sound = {name: stated for name, stated in scenario.priors.items() if name not in refused}
    return known.changed(sound, "scenario")


def _reactions(
    inputs: Inputs, scenario: Change, acts: Sequence[FutureAct], faults: list[Fault]
) -> tuple[Reaction, ...]:
    config = inputs.config
    stated = scenario.reactions
    labelled = [(act.label, act.date) for act in acts if act.label]
    found = [
        *setting_faults(stated, config, labelled),
        *same_reactions({**config.reactions, **stated}),
        *chance_faults(scenario.reactions),
    ]
    faults += found
    reactions = scenario_reactions(config, scenario, acts)
    if not found:
        own = [one for one in reactions if one.name in stated]
        unseen = [*_unseen(inputs, scenario, named_by_reactions(stated))]
        faults += unseen or record_faults(inputs, own, inputs.events)
    return reactions


def _unseen(inputs: Inputs, scenario: Change, asked: Iterable[tuple[KeyPath, str, str]]) -> Iterator[Fault]:
    """Yield subcategories that neither the record, a reaction nor a list of new ones knows."""
    named = [*named_by_reactions(inputs.config.reactions), *named_by_reactions(scenario.reactions)]
    new = (*inputs.config.events.new_subcategories, *scenario.new_subcategories)
    where = "new_subcategories (`new_subcategory`)"
    return unseen_subcategories(asked, inputs.events, named, new, where)


def _acts(
    inputs: Inputs, scenario: Change, faults: list[Fault]
) -> tuple[tuple[FutureAct, ...], tuple[FutureAct, ...]]:
    """All acts ahead, and those of them that are seen."""
    seen: list[FutureAct] = []
    change = scenario.calendar
    kept: Sequence[FutureAct] = inputs.calendar
    added: list[tuple[KeyPath, AssumedAct]] = []
    if change is not None:
        if change.replace is not None:
            kept = ()
            added += ((("calendar", "replace", index), act) for index, act in enumerate(change.replace))
        added += ((("calendar", "extend", index), act) for index, act in enumerate(change.extend))
        faults += _label_faults(change.probability, [act.label for act in kept])
        kept = [replace(act, probability=change.probability.get(act.label, act.probability)) for act in kept]
    added += ((("events", index), act) for index, act in enumerate(scenario.events))
    acts = list(kept)
    for path, assumed in added:
        act = FutureAct(
            assumed.first_day,
            assumed.category,
            assumed.severity,
            assumed.probability,
            assumed.last_day,
            assumed.label or "",
            way(assumed.by or "", assumed.towards or ""),
            assumed.subcategory or "",
        )
        faults += _act_faults(inputs, path, assumed, scenario)
        if any(replace(one, probability=act.probability) == act for one in kept):
            message = "is in the calendar already; use calendar.probability to make it more or less likely"
            faults.append(Fault(path, message))
        acts.append(act)
        if assumed.seen:
            seen.append(act)
    return tuple(acts), tuple(seen)


def _label_faults(probabilities: Iterable[str], labels: list[str]) -> Iterator[Fault]:
    for label in probabilities:
        if label not in labels:
            known = f"Known: {'; '.join(labels)}" if labels else "The calendar is empty"
            message = f"the calendar has no act of this label.{did_you_mean(label, labels)} {known}"
            yield Fault(("calendar", "probability", label), message)


def _act_faults(inputs: Inputs, path: KeyPath, act: AssumedAct, scenario: Change) -> Iterator[Fault]:
    """Days that are not ahead, and actors that are missing or unknown."""
    as_of, where = inputs.config.as_of, (*path, "window" if act.window else "date")
    last = max(milestone.date for milestone in inputs.config.milestones)
    if act.first_day <= as_of:
        advice = "past events belong in the event file; a scenario can only take them out, with 'without'"
        yield Fault(where, f"{act.first_day} is not after the as-of date ({as_of}); {advice}")
    elif act.first_day > last:
        message = f"{act.first_day} is after the last milestone ({last}), so it would change nothing"
        yield Fault(where, message)
    layout, actors = inputs.data.layout, inputs.dyad.actors
    unknown = [(key, name) for key in ("by", "towards") if (name := getattr(act, key)) and name not in actors]
    yield from (Fault((*path, key), unknown_actor(name, actors)) for key, name in unknown)
    acting = way(act.by or "", act.towards or "")
    if not unknown and (directed := layout.directed(act.category, act.severity, acting)):
        title = inputs.config.target_title(directed[0].name)
        yield Fault(path, actor_missing(title, directed[0].by))
    if act.subcategory:
        yield from _unseen(inputs, scenario, [((*path, "subcategory"), act.category, act.subcategory)])


def _left(inputs: Inputs, scenario: Change, faults: list[Fault]) -> NDArray[np.bool_]:
    """Where an event stays, shape (event,)."""
    events, grid = inputs.events, inputs.data.grid
    left = np.ones(len(events), dtype=bool)
    counted = (events.date >= np.datetime64(grid.start, "D")) & (
        events.date < np.datetime64(grid.origin, "D")
    )
    for index, past in enumerate(scenario.without):
        fitting = _fitting(events, past)
        if not (fitting & counted).any():
            faults.append(Fault(("without", index), _none_fits(inputs, past, fitting)))
        left &= ~fitting
    for rule in inputs.rules if not left.all() else ():
        kind = rule.mask_kind(events) & counted
        if kind.any() and not (kind & left).any():
            message = (
                f"no event of {' or '.join(rule.any_of)} would be left, so target "
                f"'{inputs.config.target_title(rule.name)}' could not be forecast; take fewer out"
            )
            faults.append(Fault(("without",), message))
    return left


def _fitting(events: EventTable, past: LeftOutEvents) -> NDArray[np.bool_]:
    if past.id is not None:
        return np.asarray(events.id == past.id)
    fitting = np.ones(len(events), dtype=bool)
    if past.category is not None:
        fitting &= events.category == past.category
    if past.from_ is not None:
        fitting &= events.date >= np.datetime64(past.from_, "D")
    if past.to is not None:
        fitting &= events.date <= np.datetime64(past.to, "D")
    if past.min_severity is not None:
        fitting &= events.severity >= past.min_severity
    return fitting


def _none_fits(inputs: Inputs, past: LeftOutEvents, fitting: NDArray[np.bool_]) -> str:
    start, as_of = long_day(inputs.data.grid.start), long_day(inputs.config.as_of)
    if fitting.any():
        return f"lies before {start}, the first day that the model uses, so taking it out changes nothing"
    if past.id is None:
        return f"no event fits this description among those known on {as_of}"
    hint = did_you_mean(past.id, [str(known) for known in inputs.events.id])
    return f"no event has the id '{past.id}' among those known on {as_of}.{hint}"
