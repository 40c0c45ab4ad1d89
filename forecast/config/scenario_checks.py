"""Checks between the settings of a scenario that need no run; they read the settings as they came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from forecast.config.faults import Fault, KeyPath, suggestion
from forecast.config.raw_values import day_in, mapping_in, sequence_in
from forecast.events.codebook import CATEGORIES

_CHANGES = ("priors", "events", "without", "calendar")


def scenario_faults(settings: Mapping[str, object]) -> list[Fault]:
    """Return every disagreement between settings; what cannot be read is left to the type checks."""
    types = [str(name) for name in mapping_in(settings.get("types"))]
    acts = [*_acts(settings)]
    return [
        *_empty_faults(settings),
        *_type_faults(mapping_in(settings.get("types")), {str(act.get("category")) for _, act in acts}),
        *(fault for path, act in acts for fault in _act_faults(path, act, types)),
        *_repeated_faults(acts),
        *_calendar_faults(mapping_in(settings.get("calendar"))),
        *_past_faults(sequence_in(settings.get("without"))),
    ]


def _acts(settings: Mapping[str, object]) -> Iterator[tuple[KeyPath, Mapping[str, object]]]:
    calendar = mapping_in(settings.get("calendar"))
    lists: tuple[tuple[KeyPath, object], ...] = (
        (("events",), settings.get("events")),
        (("calendar", "replace"), calendar.get("replace")),
        (("calendar", "extend"), calendar.get("extend")),
    )
    for path, entries in lists:
        for index, entry in enumerate(sequence_in(entries)):
            yield (*path, index), mapping_in(entry)


def _empty_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    calendar = mapping_in(settings.get("calendar"))
    replaced = calendar.get("replace") is not None
    changes = [settings.get(key) for key in ("priors", "events", "without")]
    if not any(changes) and not replaced and not calendar.get("extend") and not calendar.get("probability"):
        yield Fault((), f"the scenario changes nothing; give at least one of {', '.join(_CHANGES)}")


def _type_faults(types: Mapping[str, object], used: set[str]) -> Iterator[Fault]:
    for name, entry in types.items():
        declared = mapping_in(entry)
        if name in CATEGORIES:
            message = "is a category of the codebook; a new type needs a name of its own"
            yield Fault(("types", name), message)
        elif name not in used:
            message = "no act of the scenario is of this type, so it would change nothing; remove it"
            yield Fault(("types", name), message)
        if declared and not declared.get("excites") and declared.get("calms") is None:
            message = "its acts would have no effect; give excites, calms or both"
            yield Fault(("types", name), message)


def _act_faults(path: KeyPath, act: Mapping[str, object], types: Sequence[str]) -> Iterator[Fault]:
    if act and (act.get("date") is None) == (act.get("window") is None):
        given = "both are given" if act.get("date") is not None else "neither is given"
        yield Fault(path, f"an act needs either date or window; {given}")
    window = [day_in(day) for day in sequence_in(act.get("window"))]
    if len(window) == 2 and window[0] and window[1] and window[0] > window[1]:
        yield Fault((*path, "window"), f"{window[0]} is after {window[1]}; write [first day, last day]")
    category = act.get("category")
    if isinstance(category, str) and category not in (*CATEGORIES, *types):
        hint = suggestion(category, (*CATEGORIES, *types))
        advice = "declare it under types to use a type that was never seen"
        message = (
            f"unknown category '{category}'.{hint} Allowed: {', '.join((*CATEGORIES, *types))}; {advice}"
        )
        yield Fault((*path, "category"), message)


def _repeated_faults(acts: Sequence[tuple[KeyPath, Mapping[str, object]]]) -> Iterator[Fault]:
    seen: dict[tuple[str, ...], KeyPath] = {}
    for path, act in acts:
        same = tuple(str(act.get(key)) for key in ("date", "window", "category", "severity", "label"))
        if act and seen.setdefault(same, path) != path:
            earlier = ".".join(map(str, seen[same]))
            message = f"the same act as {earlier}; remove one, or tell them apart by their labels"
            yield Fault(path, message)


def _calendar_faults(calendar: Mapping[str, object]) -> Iterator[Fault]:
    for key in ("extend", "probability"):
        if calendar.get("replace") is not None and calendar.get(key):
            message = "is for the config's calendar, which 'replace' takes away; put it into replace"
            yield Fault(("calendar", key), message)


def _past_faults(entries: Sequence[object]) -> Iterator[Fault]:
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            continue  # an id by itself, or a fault of type
        described = [key for key in ("category", "from", "to", "min_severity") if entry.get(key) is not None]
        if entry.get("id") is not None and described:
            message = f"an id names one event, so {described[0]} would be ignored; remove one of them"
            yield Fault(("without", index), message)
        if entry.get("id") is None and not described:
            yield Fault(
                ("without", index), "describes no event; give an id, or category, from, to, min_severity"
            )
        first, last = day_in(entry.get("from")), day_in(entry.get("to"))
        if first and last and first > last:
            yield Fault(("without", index, "to"), f"{last} is before {first}, so no event fits")
