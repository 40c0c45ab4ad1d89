"""What a run reads, checked as a whole before any work: events, priors, rules, calendar, scenarios."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from forecast.config import Config, Scenario, load_scenarios
from forecast.config.font_file import refuse_no_font
from forecast.config.logo import read_logo
from forecast.errors import ConfigError, EventError, InputError, PriorError
from forecast.events.bundled import load_events
from forecast.events.table import EventTable
from forecast.panel.panel import Panel, TimeGrid, count_events
from forecast.panel.reporting_delay import DelayCurve, estimate_delay, known_share, stated_delay
from forecast.panel.streams import FutureAct, TargetRule, stream_layout
from forecast.priors import PriorSet, default_priors


@dataclass(frozen=True)
class Inputs:
    """Everything a run reads, checked: what is known at the as-of date, counted, and the priors."""

    config: Config
    events: EventTable
    data: Panel
    priors: PriorSet
    rules: tuple[TargetRule, ...]
    calendar: tuple[FutureAct, ...]
    scenarios: tuple[Scenario, ...] = ()
    delay: DelayCurve | None = None


def read_inputs(config: Config) -> Inputs:
    """Read events and scenarios, and resolve priors; nothing is fitted.

    Raises
    ------
    ConfigError
        No event file or bundled set of that name, no events at the as-of date, no event of a target's
        categories, a prior or a scenario file that is not valid, or a logo or font that is none; with the
        line.
    EventError
        The event file is not valid.
    """
    _refuse_bad_looks(config)
    scenarios = load_scenarios(config)
    return replace(inputs_of(config, load_config_events(config)), scenarios=scenarios)


def inputs_of(config: Config, everything: EventTable) -> Inputs:
    """Check a config with these events; ``read_inputs`` for the events that the config names.

    Raises
    ------
    ConfigError
        As ``read_inputs``.
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
    rules = tuple(
        TargetRule(name, tuple(target.any_of), target.min_severity) for name, target in config.targets.items()
    )
    for rule in rules:
        if not np.isin(used.category, rule.any_of).any():
            raise config.error(
                ("targets", rule.name, "any_of"),
                f"the data hold no event of {' or '.join(rule.any_of)} in {start} … {config.as_of}; a target "
                "needs a category that was seen at least once, of any severity",
            )
    layout = stream_layout(config.model.family)
    grid = TimeGrid(start, config.as_of + timedelta(days=1))
    delay = reporting_delay(config, events)
    return Inputs(
        config=config,
        events=events,
        data=count_events(events, grid, layout, None if delay is None else known_share(delay, grid)),
        delay=delay,
        priors=resolve_priors(config),
        rules=rules,
        calendar=tuple(
            FutureAct(act.date, act.category, act.severity, act.probability, label=act.label)
            for act in config.calendar
        ),
    )


def reporting_delay(config: Config, events: EventTable) -> DelayCurve | None:
    """Return how late events become known, if the config asks for it.

    Raises
    ------
    ConfigError
        It is to be estimated, and the events do not record delays; with the line of the config.
    """
    asked = config.events.reporting_delay
    if asked == "none":
        return None
    if asked != "estimated":
        return stated_delay(asked.same_day, asked.mean_days)
    try:
        return estimate_delay(events, config.as_of)
    except EventError as error:
        raise config.error(("events", "reporting_delay"), str(error)) from error


def _refuse_bad_looks(config: Config) -> None:
    if config.logo_path is not None:
        try:
            read_logo(config.logo_path)
        except InputError as error:
            raise config.error(("report", "logo"), str(error)) from error
    for place, path in enumerate(config.font_paths):
        try:
            refuse_no_font(path)
        except InputError as error:
            raise config.error(("report", "fonts", place), str(error)) from error


def load_config_events(config: Config) -> EventTable:
    """Return all events of the source that a config names.

    Raises
    ------
    ConfigError, EventError
        As ``read_inputs``.
    """
    try:
        return load_events(config.events.source, config.base_folder)
    except EventError as error:
        if config.events_path is None or not config.events_path.is_file():
            raise config.error(("events", "source"), str(error)) from error
        raise


def resolve_priors(config: Config) -> PriorSet:
    """Return the default priors of the config's family, changed by what it states.

    Raises
    ------
    ConfigError
        Lists every prior that is not valid, each with its line.
    """
    priors = default_priors(stream_layout(config.model.family))
    faults = []
    for name, statement in config.model.priors.items():
        try:
            priors.changed({name: statement}, "config")
        except PriorError as error:
            faults.append(str(config.error(("model", "priors", name), str(error).removeprefix(f"{name}: "))))
    if faults:
        raise ConfigError("\n".join(faults))
    return priors.changed(config.model.priors, "config")
