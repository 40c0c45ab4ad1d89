"""What a run reads, checked as a whole before any work: events, priors, rules, calendar, scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from forecast.config import Config, ReactionConfig, Scenario, load_config, load_scenarios
from forecast.config.scenario import Change
from forecast.config.schema import LEARNED, PACKAGED_POPULATIONS, title_of
from forecast.config.settings_file import Fault, KeyPath, SourceMap
from forecast.config.writing import read_logo, refuse_no_font
from forecast.errors import EventError, InputError, PriorError, did_you_mean
from forecast.events.cells import BUNDLED_PREFIX
from forecast.events.codebook import (
    CONFLICTUAL,
    SEVERITIES,
    acted,
    packaged_scale,
    parties,
    standard_scale,
    way,
    ways,
)
from forecast.events.dyads import DyadRule, PairRows, actors_of, main_pairs, near_actors, pairs_in_words
from forecast.events.reading import events_of_frame, is_store, load_events, refuse_barred
from forecast.events.summary import Feed, feed_faults
from forecast.events.table import EventTable
from forecast.families import Family, family_named
from forecast.grid import DelayCurve, TimeGrid, completeness_of, estimate_delay, stated_delay
from forecast.outside_view import outside_view, shipped_cases
from forecast.pooled_hazard import PooledHazard, read_hazard, shipped_hazard
from forecast.priors import PriorSet, chance_prior
from forecast.priors.population import Population, read_population, record_priors, shipped_population
from forecast.records.analysis import Outcome
from forecast.records.base import Scale
from forecast.records.forecast import OutsideView, Reporter
from forecast.records.notices import FeedFault
from forecast.runs.files import FORECASTS, SCORES
from forecast.streams import Acts, acts_of, stream_layout
from forecast.targets import ActClass, FutureAct, Reaction, TargetRule, is_named
from forecast.wording import count

_SHOWN_NAMES = 8
"""Names of subcategories that a message lists at most."""


@dataclass(frozen=True, repr=False)
class Inputs:
    """Everything a run reads, checked: what is known at the as-of date, counted, and the priors.

    ``data`` are the acts that the model is fitted to. ``later`` are the days on which rows of the dyad became
    known that were left out since nobody knew them at the as-of date; ``feed`` is what is wrong with the file
    as a whole.
    """

    config: Config
    events: EventTable
    family: Family
    data: Acts
    priors: PriorSet
    rules: tuple[TargetRule, ...]
    calendar: tuple[FutureAct, ...]
    reactions: tuple[Reaction, ...] = ()
    scale: Scale = field(default_factory=standard_scale)
    population: Population | None = None
    hazard: PooledHazard = field(default_factory=shipped_hazard)
    scenarios: tuple[Scenario, ...] = ()
    delay: DelayCurve | None = None
    left_out: tuple[PairRows, ...] = ()
    later: tuple[date, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    """What a file that reaches beyond the as-of date says of the targets; for the report alone."""
    feed: tuple[FeedFault, ...] = ()

    def __repr__(self) -> str:
        return f"Inputs({self.config.name}, as_of={self.config.as_of}, {len(self.events)} events)"

    @property
    def reporter(self) -> Reporter:
        """Whose reports settle the questions."""
        return reporter_of(self.config, self.events)

    @property
    def dyad(self) -> DyadRule:
        """Whose acts the events are."""
        return self.config.dyad.rule

    def who_acts(self, category: str, severity: int) -> str | None:
        """Who acts in an act that the program tries, of side a; ``None`` if no target asks."""
        if not (directed := self.data.layout.directed(category, severity)):
            return None
        whom = any(parties(acting)[1] for one in directed for acting in one.by)
        return way(self.dyad.a[0], self.dyad.b[0] if whom else "")

    def outside(self, rule: TargetRule) -> OutsideView:
        """Return what followed where other pairs stood as this one does."""
        return outside_view(shipped_cases(), self.events, rule, self.data.grid.origin)

    @property
    def rows_left_out(self) -> int:
        """Rows known at the as-of date that are no acts of the dyad."""
        return sum(pair.rows for pair in self.left_out)


def inputs_from(
    events: EventTable | str | Path | object | None,
    config: Config | str | Path | Mapping[str, object] | Inputs,
) -> Inputs:
    """Read what ``forecast.fit`` is given; ``events``, if any, take the place of those of the config."""
    if isinstance(config, Inputs):
        if events is None:
            return config
        config = config.config
    elif isinstance(config, str | Path):
        config = load_config(config)
    elif not isinstance(config, Config):
        unnamed = {} if events is None else {"events": "frame"}
        config = Config.checked({**unnamed, **config}, SourceMap("config", {(): "config"}))
    if events is None:
        return read_inputs(config)
    table = None
    if isinstance(events, str | Path):
        bundled = str(events).startswith(BUNDLED_PREFIX)
        source = str(events) if bundled else str(Path(events).absolute())
    else:
        if not isinstance(events, EventTable):
            events = events_of_frame(events, dates=config.events.dates)
        table, source = events, events.source
    named = config.events.model_copy(update={"source": source, "store": None})
    return read_inputs(config.model_copy(update={"events": named}), table)


def reporter_of(config: Config, events: EventTable) -> Reporter:
    """Return whose reports settle the questions of a config."""
    source = config.events.source
    name = source if source.startswith(BUNDLED_PREFIX) else Path(source).name
    return Reporter(stated=config.events.reported_by, events=name, sourced=bool(events.sourced))


def read_inputs(config: Config, events: EventTable | None = None) -> Inputs:
    """Read events, unless they are given, and scenarios, and resolve priors; nothing is fitted.

    Raises ``ConfigError``, ``EventError``.
    """
    _refuse_bad_looks(config)
    return replace(read_data(config, events), scenarios=load_scenarios(config))


def read_data(config: Config, events: EventTable | None = None) -> Inputs:
    """Read events and resolve priors, as ``read_inputs`` but for scenarios and the looks of the report."""
    everything, rule = load_config_events(config) if events is None else events, config.dyad.rule
    sides = replace(rule, theatre=())
    if not sides.mask(everything).any():
        hint = near_actors(sides.actors, actors_of(everything))
        raise config.error(
            ("dyad",),
            f"{config.events.source} holds no {sides.in_words()}.{hint} It holds "
            f"{pairs_in_words(main_pairs(everything))}",
        )
    acts = everything.select(rule.mask(everything))
    inputs = inputs_of(config, acts)
    for found in (_unseen_of(config, acts), record_faults(inputs, inputs.reactions, acts)):
        if faults := [*found]:
            raise config.errors(faults)
    feed = Feed.of_table(everything, store=path if (path := config.events_path) and is_store(path) else None)
    if config.events.use is not None:
        with _told_at(config, "events", "use"):
            refuse_barred(inputs.events, config.events.use, config.events.licensed)
    return replace(
        inputs,
        left_out=rule.left_out(everything.known_by(config.as_of)),
        feed=feed_faults((feed,), config.as_of),
    )


def _outcomes(config: Config, rules: Sequence[TargetRule], everything: EventTable) -> Iterator[Outcome]:
    """Yield what a file that reaches beyond the as-of date says of each target."""
    ahead = everything.select(everything.date > np.datetime64(config.as_of, "D"))
    through = everything.known_date.max().item()
    for rule in rules:
        met = ahead.date[rule.mask(ahead)]
        yield Outcome(target=rule.name, came_on=met.min().item() if len(met) else None, through=through)


def inputs_of(config: Config, everything: EventTable) -> Inputs:
    """Check a config with ``everything``, all acts of its dyad, whatever events it names (``ConfigError``).

    A run folder keeps no other acts. A target may be of categories that the dyad has no act of.
    """
    events = everything.known_by(config.as_of)
    if not len(events):
        first = everything.known_date.min() if len(everything) else "never"
        raise config.error(
            ("as_of",), f"nothing was known on {config.as_of}: the first event became known on {first}"
        )
    start = config.events.start or events.date.min().astype(object)
    used = events.between(start, config.as_of)
    if not len(used):
        raise config.error(("events", "start"), f"no event lies between {start} and {config.as_of}")
    if faults := [*silence_faults(config, events, start)]:
        raise config.errors(faults)
    rules = target_rules(config)
    scale = packaged_scale(config.scale)
    grid = TimeGrid(start, config.as_of + timedelta(days=1))
    delay = reporting_delay(config, events)
    completeness = None if delay is None else completeness_of(delay, grid)
    hazard = load_hazard(config)
    family = family_of(config, hazard)
    if family.pooled:
        with _told_at(config, "model", "hazard"):
            hazard.mean_for(events, grid.origin)
    if faults := [*chance_faults(config.reactions)]:
        raise config.errors(faults)
    calendar, reactions = scheduled_acts(config), reaction_rules(config)
    layout = stream_layout(rules, config.dyad.rule, reactions, events, calendar)
    data = acts_of(events, grid, layout, completeness)
    population, known = load_population(config), everything.known_date
    return Inputs(
        config=config,
        events=events,
        family=family,
        data=data,
        priors=priors_of(config, data, population),
        scale=scale,
        population=population,
        hazard=hazard,
        delay=delay,
        outcomes=tuple(_outcomes(config, rules, everything)) if config.outcome == "show" else (),
        later=tuple(known[known > np.datetime64(config.as_of, "D")].tolist()),
        rules=rules,
        calendar=calendar,
        reactions=reactions,
    )


def reporting_delay(config: Config, events: EventTable) -> DelayCurve | None:
    """Return how late events become known, if asked for (``ConfigError``: the events do not record it)."""
    asked = config.events.reporting_delay
    if asked == "none":
        return None
    if asked != "estimated":
        return stated_delay(asked.same_day, asked.mean_days)
    with _told_at(config, "events", "reporting_delay"):
        return estimate_delay(events, config.as_of)


def _refuse_bad_looks(config: Config) -> None:
    if config.logo_path is not None:
        with _told_at(config, "report", "logo"):
            read_logo(config.logo_path)
    record = config.track_record_path
    for name in (SCORES, FORECASTS):
        if record is not None and not (record / name).is_file():
            raise config.error(
                ("report", "track_record"),
                f"{record} holds no {name}. Give a folder that 'forecast backtest' made, or none",
            )
    for place, path in enumerate(config.font_paths):
        with _told_at(config, "report", "fonts", place):
            refuse_no_font(path)


def load_config_events(config: Config) -> EventTable:
    """Return all events of the source that a config names (``ConfigError`` or ``EventError``)."""
    events, pairs = config.events, config.dyad.rule.pairs
    try:
        return load_events(events.source, config.base_folder, dates=events.dates, pairs=pairs)
    except EventError as error:
        if config.events_path is None or not config.events_path.is_file():
            key = "store" if config.events.store else "source"
            raise config.error(("events", key), str(error)) from error
        raise


def target_rules(config: Config) -> tuple[TargetRule, ...]:
    """Return which events count as each target of a config."""
    stated = [
        TargetRule(
            name,
            tuple(target.any_of),
            target.min_severity,
            target.acting,
            target.last_seen or target.never_since,
            target.last_seen is not None,
        )
        for name, target in config.targets.items()
    ]
    return tuple(_as_silent_as_wider(rule, stated) for rule in stated)


def _as_silent_as_wider(rule: TargetRule, stated: Sequence[TargetRule]) -> TargetRule:
    """Return a target that was silent for as long as any that includes it."""
    longest = min(
        (one for one in stated if one.silent_since and one.includes(rule)),
        key=lambda one: (one.silent_since, one.name != rule.name),
        default=rule,
    )
    if longest is rule or longest.silent_since == rule.silent_since:
        return rule
    return replace(rule, silent_since=longest.silent_since, seen_then=False)


def silence_faults(config: Config, events: EventTable, start: date) -> Iterator[Fault]:
    """Yield what the file says against targets that are stated not to have come before the record."""
    for rule in target_rules(config):
        own = config.targets[rule.name]
        key = "last_seen" if own.last_seen else "never_since"
        since, path = own.last_seen or own.never_since, ("targets", rule.name, key)
        if since is None:
            continue
        if since >= start:
            message = (
                f"{since} does not lie before the record, which begins on {start}; its rows tell the rest. "
            )
            yield Fault(path, f"{message}Give an earlier day, or leave it out")
            continue
        after = (
            (events.date > np.datetime64(since)) if own.last_seen else (events.date >= np.datetime64(since))
        )
        came = events.date[after & (events.date < np.datetime64(start)) & rule.mask(events)]
        if len(came):
            message = f"the file holds one on {came.min()}, before the record begins on {start}. "
            yield Fault(path, f"{message}Give a day after it as never_since, or an earlier events.start")


def scheduled_acts(config: Config) -> tuple[FutureAct, ...]:
    """Return the acts of a config's calendar."""
    return tuple(
        FutureAct(
            act.date,
            act.category,
            act.severity,
            act.probability,
            label=act.label,
            by=way(act.by or "", act.towards or ""),
            subcategory=act.subcategory or "",
        )
        for act in config.calendar
    )


def reaction_rules(config: Config) -> tuple[Reaction, ...]:
    """Return the reactions of a config, in its order."""
    return _reactions(config, config.reactions, scheduled_acts(config))


def scenario_reactions(config: Config, scenario: Change, acts: Sequence[FutureAct]) -> tuple[Reaction, ...]:
    """Return the reactions under a scenario; labels among all future ``acts`` under it name occasions."""
    return _reactions(config, {**config.reactions, **scenario.reactions}, acts)


def _reactions(
    config: Config, stated: Mapping[str, ReactionConfig], acts: Sequence[FutureAct]
) -> tuple[Reaction, ...]:
    # A milestone or an act may be absent where a config asks for another day than its own.
    days = {("milestone", milestone.name): (milestone.date, 1.0) for milestone in config.milestones}
    days |= {("calendar", act.label): (act.date, act.probability) for act in reversed(acts)}
    reactions = []
    for name, own in stated.items():
        when, then = own.when, own.then
        occasion = ("milestone", when.milestone) if when.milestone else ("calendar", when.calendar or "")
        ahead, probability = (None, 1.0) if when.category else days.get(occasion, (None, 1.0))
        reactions.append(
            Reaction(
                name,
                own.label or title_of(name),
                ActClass(when.category, when.subcategory, when.severity or SEVERITIES, when.acting)
                if when.category
                else None,
                then.category,
                then.by,
                then.target,
                own.days,
                own.chance,
                use_record=own.record == "use",
                past=tuple(sorted(day for day in own.past if day <= config.as_of)),
                ahead=ahead,
                ahead_probability=probability,
                rationale=own.rationale or "",
                towards=then.towards,
            )
        )
    return tuple(reactions)


def chance_faults(stated: Mapping[str, ReactionConfig]) -> Iterator[Fault]:
    """Yield chances of reactions that no distribution has."""
    for name, reaction in stated.items():
        try:
            chance_prior(reaction.chance)
        except PriorError as error:
            yield Fault(("reactions", name, "chance"), str(error))


def record_faults(inputs: Inputs, reactions: Iterable[Reaction], acts: EventTable) -> Iterator[Fault]:
    """Yield what the record says against reactions; ``acts`` are all of the dyad, whenever they are known."""
    start, rules = inputs.data.grid.start, {rule.name: rule for rule in inputs.rules}
    for reaction in reactions:
        path = ("reactions", reaction.name)
        if reaction.past and reaction.past[0] < start:
            message = f"{reaction.past[0]} is before the record, which begins on {start}; remove it"
            yield Fault((*path, "past"), message)
        if reaction.when is None:
            continue
        triggers = reaction.when.mask(acts)
        if reaction.chance == LEARNED and not triggers.any():
            message = f"{_no_act_of(reaction.when, acts)} State a chance, or correct the class"
            yield Fault((*path, "when"), message)
        answer = TargetRule("", reaction.then or CONFLICTUAL, 1, ways(reaction.by, reaction.towards))
        own = triggers & (rules[reaction.target] if reaction.target else answer).mask(acts)
        if reaction.when.subcategory and own.any():
            first = acts.date[own][0]
            message = (
                f"{count(int(own.sum()), 'act')} of the class, the first on {first}, would be an answer; say "
                "who sets it off (by), or name fewer subcategories"
            )
            yield Fault((*path, "when", "subcategory"), message)


def _no_act_of(acts_of: ActClass, acts: EventTable) -> str:
    """Say that a class has no act in the record."""
    kinds = f"/{' or '.join(acts_of.subcategory)}" if acts_of.subcategory else ""
    by = acted(acts_of.by)
    grades = (
        "" if acts_of.severities == SEVERITIES else f" of severity {acts_of.severities}".replace(",)", ")")
    )
    return f"the data hold no act of {acts_of.category}{kinds}{grades}{by}."


def named_by_reactions(reactions: Mapping[str, ReactionConfig]) -> Iterator[tuple[KeyPath, str, str]]:
    """Yield the subcategories that reactions name, each with its key and its category."""
    for name, reaction in reactions.items():
        for kind in reaction.when.subcategory:
            yield ("reactions", name, "when", "subcategory"), reaction.when.category or "", kind


def _unseen_of(config: Config, acts: EventTable) -> Iterator[Fault]:
    """Yield subcategories of a config's calendar and reactions that no act of the record has."""
    named = [*named_by_reactions(config.reactions)]
    ahead = [
        (("calendar", place, "subcategory"), act.category, act.subcategory)
        for place, act in enumerate(config.calendar)
        if act.subcategory
    ]
    new = config.events.new_subcategories
    return unseen_subcategories([*ahead, *named], acts, named, new, "events.new_subcategories")


def unseen_subcategories(
    asked: Iterable[tuple[KeyPath, str, str]],
    acts: EventTable,
    named: Sequence[tuple[KeyPath, str, str]],
    new: Sequence[str],
    where: str,
) -> Iterator[Fault]:
    """Yield subcategories that no act has, and neither a reaction (``named``) nor a list of ``new`` ones.

    ``where`` says to which list a new one is added. Names of reactions are checked against acts alone.
    """
    for path, category, name in asked:
        known = known_subcategories(acts, category)
        meant = [one for _, of, one in named if of == category and path[0] != "reactions"]
        # Where no act of the category has one, there is nothing that an act could be misspelt for.
        free = not known and path[0] != "reactions"
        if (
            free
            or any(is_named(name, one) for one in (*new, *meant))
            or any(is_named(one, name) for one in known)
        ):
            continue
        held = f"They have: {', '.join(known[:_SHOWN_NAMES])}" if known else "They name none"
        message = f"no {category} of the data is of subcategory '{name}'.{did_you_mean(name, known)} {held}. "
        yield Fault(path, f"{message}If it is new, name it in {where}")


def known_subcategories(acts: EventTable, category: str) -> tuple[str, ...]:
    """Subcategories of the acts of a category, the most frequent first."""
    named = Counter(filter(None, acts.subcategory[acts.category == category].tolist()))
    return tuple(name for name, _ in named.most_common())


@contextmanager
def _told_at(config: Config, *key: str | int, hint: str = "") -> Iterator[None]:
    """Tell a fault of what a key of the config asks for with the line of that key."""
    try:
        yield
    except InputError as error:
        raise config.error(key, f"{error}{hint}") from error


def load_population(config: Config) -> Population | None:
    """Return the population that priors come from; ``None``: documented defaults (``ConfigError``)."""
    asked = config.model.population
    if config.population_path is None:
        return shipped_population() if asked == "shipped" else None
    with _told_at(config, "model", "population", hint=did_you_mean(asked, PACKAGED_POPULATIONS)):
        return read_population(config.population_path)


def load_hazard(config: Config) -> PooledHazard:
    """Return the coefficients of the pooled hazard (``ConfigError``, with the line, for a file of none)."""
    if config.hazard_path is None:
        return shipped_hazard()
    with _told_at(config, "model", "hazard"):
        return read_hazard(config.hazard_path)


def family_of(config: Config, hazard: PooledHazard | None = None) -> Family:
    """Return the family of a config, with its pooled hazard (``ConfigError``: it cannot be asked this)."""
    with _told_at(config, "model", "family"):
        family = family_named(config.model.family)
    if not family.pooled and config.hazard_path is not None:
        raise config.error(
            ("model", "hazard"),
            f"model.family {family.name!r} does not use the pooled hazard, so this would change nothing. Use "
            "combined or pooled_hazard, or leave the key out",
        )
    if family.pooled:
        family = family.with_hazard(hazard or load_hazard(config))
    for position, milestone in enumerate(config.milestones):
        days = (milestone.date - config.as_of).days
        if not family.fitted and family.furthest_days is not None and days > family.furthest_days + 1:
            raise config.error(
                ("milestones", position, "date"),
                f"{milestone.date} is too far ahead for model.family: {family.name}. Give a day up to "
                f"{config.as_of + timedelta(days=family.furthest_days + 1)}, or model.family: combined",
            )
    return family


def priors_of(config: Config, data: Acts, population: Population | None) -> PriorSet:
    """Return the priors of a record, changed by the config (``ConfigError``: every one that is not valid)."""
    priors, stated = record_priors(data, population), config.model.priors
    if refused := priors.refused(stated, "config"):
        raise config.errors(Fault(("model", "priors", name), why) for name, why in refused.items())
    return priors.changed(stated, "config")
