"""Checks between settings: days in order, names that exist, nothing that would be ignored.

They read the settings as they came (days as text or ``date``), so that a file with a wrong type in one
place still has its other faults reported in the same message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from forecast.config.faults import Fault, KeyPath
from forecast.errors import did_you_mean
from forecast.events.countries import actor_named
from forecast.records.horizons import USUAL_HORIZONS

LONGEST_HORIZON = timedelta(days=3653)  # ten years


class DatedMilestone(NamedTuple):
    """A milestone so many days ahead."""

    name: str
    label: str
    date: date


def usual_milestones(as_of: date, horizons: Sequence[int] = USUAL_HORIZONS) -> tuple[DatedMilestone, ...]:
    """Return the milestones of a config that names none: ``days_30`` and so on."""
    return tuple(
        # Cut at the end of the calendar, where it is refused as not after the as-of date.
        DatedMilestone(f"days_{days}", f"{days} days ahead", as_of + min(timedelta(days), date.max - as_of))
        for days in horizons
    )


def cross_faults(settings: Mapping[str, object]) -> list[Fault]:
    """Return every disagreement between settings; what cannot be read is left to the type checks."""
    as_of = day_in(settings.get("as_of"))
    named = settings.get("milestones")
    if "milestones" not in settings and as_of:
        named = [milestone._asdict() for milestone in usual_milestones(as_of)]
    milestones = [(index, mapping_in(entry)) for index, entry in enumerate(sequence_in(named))]
    return [
        *_target_faults(mapping_in(settings.get("targets"))),
        *by_faults(mapping_in(settings.get("targets")), mapping_in(settings.get("dyad"))),
        *_dyad_faults(mapping_in(settings.get("dyad"))),
        *_start_faults(mapping_in(settings.get("events")), as_of),
        *_dates_faults(mapping_in(settings.get("events"))),
        *_store_faults(mapping_in(settings.get("events"))),
        *_milestone_faults(milestones, as_of),
        *_unknown_names(settings, [entry.get("name") for _, entry in milestones]),
        *_calendar_faults(sequence_in(settings.get("calendar")), as_of, milestones),
        *_actor_faults(settings),
    ]


def _target_faults(targets: Mapping[str, object]) -> Iterator[Fault]:
    first: dict[object, str] = {}
    for name, target in targets.items():
        asked = mapping_in(target)
        categories = tuple(sorted(map(str, sequence_in(asked.get("any_of")))))
        rule = categories, asked.get("min_severity"), tuple(sorted(_named(asked.get("by"))))
        if categories and (same := first.setdefault(rule, name)) != name:
            yield Fault(("targets", name), f"the same acts meet '{same}'; keep one of the two")


def by_faults(targets: Mapping[str, object], dyad: Mapping[str, object]) -> Iterator[Fault]:
    """Yield targets whose ``by`` names no actor of the two sides, or leaves nobody out."""
    sides = [*_named(dyad.get("a")), *_named(dyad.get("b"))]
    theatre = _named(dyad.get("theatre"))
    for name, target in targets.items() if sides else ():
        by = _named(mapping_in(target).get("by"))
        for actor in by:
            if actor not in sides:
                what = "a third party (dyad.theatre)" if actor in theatre else "on neither side"
                message = f"'{actor}' is {what}; only acts of the two sides can count. Allowed: "
                yield Fault(("targets", name, "by"), message + ", ".join(sides))
        if by and not theatre and set(by) == set(sides):
            yield Fault(("targets", name, "by"), "names both sides, so it leaves out nobody; remove it")


def _named(actors: object) -> list[str]:
    """Return actors as the events name them, whatever way a setting lists them."""
    named = sequence_in(actors) or (actors,)
    return list(dict.fromkeys(actor_named(name) for name in named if isinstance(name, str)))


def unknown_actor(actor: str, actors: Sequence[str]) -> str:
    """Return the message for an act by somebody whom the dyad does not name."""
    return f"'{actor}' is no actor of the dyad. Allowed: {', '.join(actors)}"


def actor_missing(target: str, by: Sequence[str]) -> str:
    """Return the message for an act that meets a target or not by who acts, and does not say it."""
    return (
        f"the target '{target}' counts such acts by {' or '.join(by)} alone; say who acts, e.g. by: {by[0]}"
    )


def _actor_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    """Yield scheduled acts of actors that the dyad does not name, or that should name one."""
    dyad = mapping_in(settings.get("dyad"))
    actors = [name for key in ("a", "b", "theatre") for name in _named(dyad.get(key))]
    targets = [(name, mapping_in(target)) for name, target in mapping_in(settings.get("targets")).items()]
    for index, act in enumerate(map(mapping_in, sequence_in(settings.get("calendar")))):
        who, severity = act.get("by"), act.get("severity")
        if isinstance(who, str) and actors and actor_named(who) not in actors:
            yield Fault(("calendar", index, "by"), unknown_actor(who, actors))
        for name, target in targets if who is None and type(severity) is int else ():
            least, by = target.get("min_severity"), _named(target.get("by"))
            kinds = sequence_in(target.get("any_of"))
            if by and type(least) is int and severity >= least and act.get("category") in kinds:  # type: ignore[operator]
                yield Fault(("calendar", index), actor_missing(name, by))
                break


def _dyad_faults(dyad: Mapping[str, object]) -> Iterator[Fault]:
    place: dict[object, str] = {}
    for key in ("a", "b", "theatre"):
        for actor in _named(dyad.get(key)):
            if place.setdefault(actor, key) != key:
                message = f"'{actor}' is in dyad.{place[actor]} already; an actor has one place"
                yield Fault(("dyad", key), message)


def _start_faults(events: Mapping[str, object], as_of: date | None) -> Iterator[Fault]:
    start = day_in(events.get("start"))
    if start and as_of and start >= as_of:
        message = f"{start} is not before as_of ({as_of}); no event would be left to learn from"
        yield Fault(("events", "start"), message)


def _dates_faults(events: Mapping[str, object]) -> Iterator[Fault]:
    source, order = events.get("source"), events.get("dates", "iso")
    if order != "iso" and isinstance(source, str) and source.startswith("bundled:"):
        yield Fault(("events", "dates"), f"'{order}' would have no effect: {source} has days as YYYY-MM-DD")


def _store_faults(events: Mapping[str, object]) -> Iterator[Fault]:
    source, store = events.get("source"), events.get("store")
    if store and source and source != store:
        yield Fault(("events", "store"), "source is given as well; keep one of the two")
    if store and events.get("dates", "iso") != "iso":
        yield Fault(("events", "dates"), "would have no effect: a store has days as YYYY-MM-DD")
    if events.get("sources") and not store:
        yield Fault(("events", "sources"), "would have no effect: it chooses among the sources of a store")
    if events.get("licensed") and not events.get("use"):
        yield Fault(("events", "licensed"), "would have no effect without use: client or internal")


def _milestone_faults(
    milestones: Sequence[tuple[int, Mapping[str, object]]], as_of: date | None
) -> Iterator[Fault]:
    first_index: dict[object, int] = {}
    first_on: dict[date, int] = {}
    for index, milestone in milestones:
        name, day = milestone.get("name"), day_in(milestone.get("date"))
        if isinstance(name, str) and first_index.setdefault(name, index) != index:
            yield Fault(("milestones", index, "name"), f"'{name}' names an earlier milestone too; rename one")
        if day and (same := first_on.setdefault(day, index)) != index:
            for one, other in ((same, index), (index, same)):
                message = f"{day} is the day of milestones.{other} as well; keep one, or change its day"
                yield Fault(("milestones", one, "date"), message)
        yield from _after_as_of(("milestones", index, "date"), day, as_of, "give a later day or remove it")
        if day and as_of and (day - as_of).days == 1:
            message = f"no day lies between as_of ({as_of}) and {day}; give a later day or remove it"
            yield Fault(("milestones", index, "date"), message)
        if day and as_of and day - as_of > LONGEST_HORIZON:
            message = f"{day} is more than ten years after as_of ({as_of}); no model of events reaches so far"
            yield Fault(("milestones", index, "date"), message)


def _unknown_names(settings: Mapping[str, object], milestones: Sequence[object]) -> Iterator[Fault]:
    headline, targets = mapping_in(settings.get("headline")), list(mapping_in(settings.get("targets")))
    dated = list(dict.fromkeys(name for name in milestones if isinstance(name, str)))
    impact = mapping_in(mapping_in(settings.get("report")).get("impact"))
    named: list[tuple[KeyPath, str, object, Sequence[str]]] = [
        (("headline", "target"), "target", headline.get("target"), targets),
        (("headline", "milestone"), "milestone", headline.get("milestone"), dated),
        *((("report", "impact", name), "target", name, targets) for name in impact),
    ]
    for path, kind, name, known in named:
        if isinstance(name, str) and known and name not in known:
            hint = did_you_mean(name, known)
            yield Fault(path, f"no {kind} is named '{name}'.{hint} Allowed: {', '.join(known)}")


def _calendar_faults(
    calendar: Sequence[object], as_of: date | None, milestones: Sequence[tuple[int, Mapping[str, object]]]
) -> Iterator[Fault]:
    last = max((day for _, entry in milestones if (day := day_in(entry.get("date")))), default=None)
    seen: dict[tuple[str, ...], int] = {}
    for index, act in enumerate(map(mapping_in, calendar)):
        day = day_in(act.get("date"))
        advice = "past acts belong in the event file; remove it here"
        yield from _after_as_of(("calendar", index, "date"), day, as_of, advice)
        if day and last and day > last:
            message = f"{day} is after the last milestone ({last}), so it would change nothing; remove it"
            yield Fault(("calendar", index, "date"), message)
        same = tuple(str(act.get(key)) for key in ("date", "category", "severity", "by", "label"))
        if act and seen.setdefault(same, index) != index:
            message = f"the same act as calendar.{seen[same]}; it would be counted twice, remove one"
            yield Fault(("calendar", index), message)


def _after_as_of(path: KeyPath, day: date | None, as_of: date | None, advice: str) -> Iterator[Fault]:
    if day and as_of and day <= as_of:
        yield Fault(path, f"{day} is not after as_of ({as_of}); {advice}")


def day_in(value: object) -> date | None:
    """Return a day, or ``None`` where the value is none."""
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def mapping_in(value: object) -> Mapping[str, object]:
    """Return a mapping, empty where the value is none."""
    return value if isinstance(value, Mapping) else {}


def sequence_in(value: object) -> Sequence[object]:
    """Return a sequence, empty where the value is none."""
    return value if isinstance(value, (list, tuple)) else ()
