"""A scenario put upon what a run has read: checked names, the future acts, the events taken out.

All faults are found before anything is computed, each with its place in the scenario's file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.config import AssumedAct, PastEvents, Scenario
from forecast.config.field_types import unknown_actor
from forecast.config.reactions import LEARNED, same_reactions, setting_faults
from forecast.config.schema import actor_missing
from forecast.config.settings_file import Fault, KeyPath
from forecast.errors import ConfigError, PriorError, did_you_mean
from forecast.events.table import EventTable
from forecast.panel import EventCounts, FutureAct, Reaction, StreamLayout, count_events, is_named
from forecast.priors import PriorSet, PriorStatement
from forecast.runs.inputs import (
    Inputs,
    chance_faults,
    known_subcategories,
    priors_of,
    record_faults,
    scenario_reactions,
)
from forecast.simulation import NewTypeEffect
from forecast.wording import count, listing, long_day

_TYPO = 0.8
"""How alike a subcategory never seen and one that was are, from which on the first is taken for a slip."""


@dataclass(frozen=True)
class ScenarioPlan:
    """What a scenario changes, ready to be computed.

    ``priors`` are all priors, ``acts`` all future acts, ``reactions`` all reactions, ``events`` what is known
    under the scenario and ``data`` their counts; ``taken_out`` counts the past events that it leaves out.
    ``changes_priors`` and ``changes_future`` say whether it states other priors and other future acts than
    the run.
    """

    scenario: Scenario
    priors: PriorSet
    acts: tuple[FutureAct, ...]
    reactions: tuple[Reaction, ...]
    types: Mapping[str, NewTypeEffect]
    events: EventTable
    data: EventCounts
    changes_priors: bool
    changes_future: bool
    taken_out: int

    @property
    def changes_past(self) -> bool:
        """Whether past events are taken out."""
        return self.taken_out > 0

    @property
    def in_words(self) -> str:
        """What it changes, e.g. ``3 assumed acts and 1 prior``."""
        scenario, parts = self.scenario, []
        if scenario.events:
            parts.append(count(len(scenario.events), "assumed act"))
        if scenario.calendar is not None:
            parts.append("another calendar")
        if scenario.priors:
            parts.append(count(len(scenario.priors), "prior"))
        if scenario.reactions:
            parts.append(count(len(scenario.reactions), "reaction"))
        if self.taken_out:
            parts.append(f"{count(self.taken_out, 'past event')} taken out")
        return listing(tuple(parts))


def plan_scenario(inputs: Inputs, scenario: Scenario) -> ScenarioPlan:
    """Put a scenario upon the inputs of a run.

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
        data = count_events(events, data.grid, data.layout, data.completeness)
        # Priors are centred on the record, and move with it.
        known = priors_of(inputs.config, data, inputs.population)
    priors = _priors(known, scenario, faults)
    acts = _acts(inputs, scenario, faults)
    reactions = _reactions(inputs, scenario, acts, faults)
    if faults:
        raise scenario.errors(faults)
    moved = (prior.distribution != known.priors[name].distribution for name, prior in priors.priors.items())
    return ScenarioPlan(
        scenario,
        priors,
        acts,
        reactions,
        {},
        events,
        data,
        changes_priors=any(moved),
        changes_future=acts != inputs.calendar,
        taken_out=int((~left).sum()),
    )


def plan_scenarios(inputs: Inputs, scenarios: Iterable[Scenario]) -> tuple[ScenarioPlan, ...]:
    """Put several scenarios upon the inputs of a run.

    Raises
    ------
    ConfigError
        Once, with the faults of all of them.
    """
    plans, faults = [], []
    for scenario in scenarios:
        try:
            plans.append(plan_scenario(inputs, scenario))
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
    return tuple(plans)


def _priors(known: PriorSet, scenario: Scenario, faults: list[Fault]) -> PriorSet:
    sound: dict[str, PriorStatement] = {}
    for name, statement in scenario.priors.items():
        try:
            known.changed({name: statement}, "scenario")
            sound[name] = statement
        except PriorError as error:
            faults.append(Fault(("priors", name), str(error).removeprefix(f"{name}: ")))
    return known.changed(sound, "scenario")


def _reactions(
    inputs: Inputs, scenario: Scenario, acts: Sequence[FutureAct], faults: list[Fault]
) -> tuple[Reaction, ...]:
    config = inputs.config
    stated = {name: said.model_dump() for name, said in scenario.reactions.items()}
    labelled = [{"label": act.label, "date": act.date} for act in acts if act.label]
    found = [
        *setting_faults({"reactions": stated}, {**config.model_dump(by_alias=True), "calendar": labelled}),
        *same_reactions({name: said.model_dump() for name, said in config.reactions.items()} | stated),
        *chance_faults(scenario.reactions),
    ]
    faults += found
    reactions = scenario_reactions(config, scenario, acts)
    if not found:
        own = [one for one in reactions if one.name in stated]
        faults += record_faults(inputs, own, inputs.events)
        for name, when in ((one.name, one.when) for one in own if one.chance != LEARNED):
            for kind in when.subcategory if when else ():
                if when and (near := _near_subcategory(inputs, when.category, kind)):
                    faults.append(Fault(("reactions", name, "when", "subcategory"), near))
    return reactions


def _near_subcategory(inputs: Inputs, category: str, name: str) -> str:
    """Say that a subcategory was never seen where it looks like one that was; else nothing."""
    known = known_subcategories(inputs.events, category)
    near = "" if any(is_named(one, name) for one in known) else did_you_mean(name, known, cutoff=_TYPO)
    return near and f"no {category} in the data is of subcategory '{name}'.{near}"


def _acts(inputs: Inputs, scenario: Scenario, faults: list[Fault]) -> tuple[FutureAct, ...]:
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
            assumed.by or "",
            assumed.subcategory or "",
        )
        faults += _act_faults(inputs, path, assumed, scenario)
        if any(replace(one, probability=act.probability) == act for one in kept):
            message = "is in the calendar already; use calendar.probability to make it more or less likely"
            faults.append(Fault(path, message))
        acts.append(act)
    return tuple(acts)


def _label_faults(probabilities: Iterable[str], labels: list[str]) -> Iterator[Fault]:
    for label in probabilities:
        if label not in labels:
            known = f"Known: {'; '.join(labels)}" if labels else "The calendar is empty"
            message = f"the calendar has no act of this label.{did_you_mean(label, labels)} {known}"
            yield Fault(("calendar", "probability", label), message)


def _act_faults(inputs: Inputs, path: KeyPath, act: AssumedAct, scenario: Scenario) -> Iterator[Fault]:
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
    if act.by and act.by not in actors:
        yield Fault((*path, "by"), unknown_actor(act.by, actors))
    elif not act.by and (directed := layout.directed(act.category, act.severity)):
        title = inputs.config.target_title(directed[0].name)
        yield Fault(path, actor_missing(title, directed[0].by))
    stated = [said.when for said in (*inputs.config.reactions.values(), *scenario.reactions.values())]
    named = [name for when in stated if when.category == act.category for name in when.subcategory]
    # What a reaction names is meant, however near it comes to another name.
    if (
        act.subcategory
        and not any(is_named(act.subcategory, name) for name in named)
        and (near := _near_subcategory(inputs, act.category, act.subcategory))
    ):
        yield Fault((*path, "subcategory"), near)


def _left(inputs: Inputs, scenario: Scenario, faults: list[Fault]) -> NDArray[np.bool_]:
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
        if not (rule.mask_kind(events) & counted & left).any():
            message = (
                f"no event of {' or '.join(rule.any_of)} would be left, so target "
                f"'{inputs.config.target_title(rule.name)}' could not be forecast; take fewer out"
            )
            faults.append(Fault(("without",), message))
    return left


def _fitting(events: EventTable, past: PastEvents) -> NDArray[np.bool_]:
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


def _none_fits(inputs: Inputs, past: PastEvents, fitting: NDArray[np.bool_]) -> str:
    start, as_of = long_day(inputs.data.grid.start), long_day(inputs.config.as_of)
    if fitting.any():
        return f"lies before {start}, the first day that the model uses, so taking it out changes nothing"
    if past.id is None:
        return f"no event fits this description among those known on {as_of}"
    hint = did_you_mean(past.id, [str(known) for known in inputs.events.id])
    return f"no event has the id '{past.id}' among those known on {as_of}.{hint}"


def draw_effects(
    types: Mapping[str, NewTypeEffect], events: EventTable, layout: StreamLayout, n_draws: int, seed: int
) -> dict[str, NewTypeEffect]:
    """Return no effect: acts are of categories of the codebook."""
    return {}
