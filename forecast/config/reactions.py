"""A reaction as a file states it: acts of a class, or an occasion, are followed by an answer within days.

What can be said without the record is checked here: the form of a reaction, and what it names in its config.
Checks read settings as they came, so that a file with a wrong type in one place has its other faults told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from forecast.config.field_types import (
    EMPTY_LIST,
    PERCENT_SCHEMA,
    Actors,
    Category,
    Day,
    LongText,
    Severity,
    Text,
    Whole,
    actors_in,
    as_share,
    distinct,
    read_statement,
    unknown_actor,
)
from forecast.config.settings_file import (
    Fault,
    KeyPath,
    Section,
    day_in,
    mapping_in,
    optional,
    refusal,
    sequence_in,
    several,
    shown_value,
)
from forecast.errors import PriorError, did_you_mean
from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    COOPERATIVE,
    SEVERITIES,
)
from forecast.wording import BANDS, listing

LEARNED = "learned"
WORDS: tuple[str, ...] = tuple(word for word, _, _ in BANDS)
"""Words that state a chance."""
LONGEST_DAYS = 365
_WAYS = (
    f"{LEARNED}, 60%, a word, 'Beta(3, 2)', or {{q05: 20%, median: 50%, q95: 80%}}. Words: {', '.join(WORDS)}"
)
_CERTAIN = "nothing is certain: a chance lies above 0 and below 1, e.g. 99%, or 'almost certain'"


def _chance(value: object) -> str | float | Mapping[str, float]:
    if isinstance(value, Mapping):
        return _quantiles(value)
    share = as_share(value)
    if isinstance(share, int | float) and not isinstance(share, bool):
        if 0.0 < share < 1.0:
            return float(share)
        raise refusal(f"got {shown_value(value)}; {_CERTAIN}")
    text = value.strip() if isinstance(value, str) else ""
    # A distribution is read with the priors.
    if text in (LEARNED, *WORDS) or "(" in text:
        return text
    hint = did_you_mean(text, (LEARNED, *WORDS)) if text else ""
    raise refusal(f"got {shown_value(value)}.{hint} Expected {_WAYS}")


def _quantiles(value: Mapping[Any, object]) -> Mapping[str, float]:
    try:
        read = read_statement(value)
    except PriorError as error:
        raise refusal(str(error)) from error
    quantiles = {name: number for name, number in read.items() if isinstance(number, float)}
    if len(quantiles) < len(read):
        raise refusal(f"a chance has no scale '{next(iter(read))}'. Expected {_WAYS}")
    for name, number in quantiles.items():
        if not 0.0 < number < 1.0:
            raise refusal(f"quantile '{name}': got {number:g}; {_CERTAIN}")
    return quantiles


def _several(value: object) -> Sequence[object]:
    return () if value is None else value if isinstance(value, list | tuple) else (value,)


def _several_given(value: object) -> tuple[object, ...]:
    return tuple(_several(value))


def _one_or_more(one: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one}]})


Chance = Annotated[
    str | float | Mapping[str, float],
    BeforeValidator(_chance),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [LEARNED, *WORDS]},
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                PERCENT_SCHEMA,
                {"type": "string", "pattern": r"\("},
                {"type": "object", "minProperties": 2},
            ]
        }
    ),
]
_Categories = Annotated[
    tuple[Category, ...],
    BeforeValidator(_several_given),
    AfterValidator(distinct),
    _one_or_more({"type": "string", "enum": [*CATEGORIES]}),
]
_Texts = Annotated[
    tuple[Text, ...],
    BeforeValidator(_several_given),
    AfterValidator(distinct),
    _one_or_more({"type": "string"}),
]
_Severities = Annotated[
    tuple[Severity, ...],
    BeforeValidator(_several_given),
    AfterValidator(lambda values: tuple(sorted(distinct(values)))),
    _one_or_more({"type": "integer", "minimum": 1, "maximum": 5}),
]


class TriggerConfig(Section):
    """What sets a reaction off: acts of a class, or an occasion."""

    category: Category | None = optional("category of the acts; or give milestone, or calendar")
    subcategory: _Texts = several("only these subcategories, with * for any text; any when absent")
    severity: _Severities = several("only these severities; any when absent")
    by: Actors = several("only acts of these actors; acts of anybody when absent")
    milestone: Text | None = optional("an occasion: name of a milestone")
    calendar: Text | None = optional("an occasion: label of an act of the calendar")


class AnswerConfig(Section):
    """What follows: acts of conflict, or an act that meets a target."""

    category: _Categories = several("categories of the answer; any of conflict when absent")
    by: Actors = several("actors of the two sides who answer; either side when absent")
    target: Text | None = optional("name of a target that the answer meets, in place of category and by")


class ReactionConfig(Section):
    """Acts of a class, or an occasion, are followed by an answer within days, with a chance."""

    label: Text | None = optional("name in the report; made from the short name when absent")
    when: TriggerConfig = Field(description="what is answered: acts of a class, or an occasion")
    past: Annotated[tuple[Day, ...], EMPTY_LIST] = several("earlier days of an occasion")
    then: AnswerConfig = Field(description="the answer")
    days: Whole = Field(default=14, ge=1, le=LONGEST_DAYS, description="days within which the answer follows")
    chance: Chance = Field(
        default=LEARNED,
        description="that at least one answer follows an act of severity 4, or the occasion: learned from "
        "the record, a word, a share, a distribution or quantiles",
    )
    record: Literal["use", "ignore"] = Field(
        default="use", description="whether the record updates a stated chance"
    )
    rationale: LongText | None = optional("why the answer is expected")


class _Stated(NamedTuple):
    """A reaction as it came, with what cannot be read left out."""

    category: str | None
    subcategory: tuple[str, ...]
    severity: tuple[int, ...]
    by: tuple[str, ...]
    occasion: tuple[str, str] | None
    then: tuple[str, ...]
    then_by: tuple[str, ...]
    target: str | None


def _stated(entry: object) -> _Stated:
    when, then = (mapping_in(mapping_in(entry).get(key)) for key in ("when", "then"))
    named = ((key, when.get(key)) for key in ("milestone", "calendar"))
    category, target = when.get("category"), then.get("target")
    return _Stated(
        category if isinstance(category, str) else None,
        tuple(sorted({str(one) for one in _several(when.get("subcategory"))})),
        tuple(sorted({one for one in _several(when.get("severity")) if type(one) is int})),
        tuple(sorted(actors_in(when.get("by")))),
        next(((key, name) for key, name in named if isinstance(name, str) and category is None), None),
        tuple(sorted({str(one) for one in _several(then.get("category"))})),
        tuple(sorted(actors_in(then.get("by")))),
        target if isinstance(target, str) else None,
    )


def reaction_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    """Yield what is wrong with the reactions of a file in themselves."""
    reactions = mapping_in(settings.get("reactions"))
    for name, entry in reactions.items():
        path: KeyPath = ("reactions", name)
        for key, message in (*_trigger_faults(entry), *_answer_faults(entry), *_chance_faults(entry)):
            yield Fault((*path, *key), message)
    yield from same_reactions(reactions)


def _trigger_faults(entry: object) -> Iterator[tuple[KeyPath, str]]:
    stated, when = mapping_in(entry), mapping_in(mapping_in(entry).get("when"))
    given = [key for key in ("category", "milestone", "calendar") if when.get(key) is not None]
    if len(given) != 1 and isinstance(stated.get("when"), Mapping):
        what = f"{listing(given)} are given" if given else "says nothing"
        yield ("when",), f"{what}; give one of category, milestone, calendar"
    for key in ("subcategory", "severity", "by") if given and "category" not in given else ():
        if _several(when.get(key)):
            yield ("when", key), f"would have no effect: a {given[0]} is an occasion, and no act; remove it"
    past = [str(day) for day in sequence_in(stated.get("past"))]
    if past and given == ["category"]:
        yield ("past",), "would have no effect: the record holds earlier acts of the class; remove it"
    if twice := sorted({day for day in past if past.count(day) > 1}):
        yield ("past",), f"named twice: {', '.join(twice)}; keep one of each"


def _answer_faults(entry: object) -> Iterator[tuple[KeyPath, str]]:
    reaction, then = _stated(entry), mapping_in(mapping_in(entry).get("then"))
    given = [key for key in ("category", "by", "target") if _several(then.get(key))]
    if not given and isinstance(mapping_in(entry).get("then"), Mapping):
        yield ("then",), "says nothing; give category, by or target"
    if "target" in given and len(given) > 1:
        yield ("then", given[0]), "the target says it already; remove it, or target"
    for category in reaction.then:
        if category in COOPERATIVE:
            message = f"'{category}' is cooperation; an answer is conflict. Allowed: {', '.join(CONFLICTUAL)}"
            yield ("then", "category"), message
    if given and reaction.target is None and is_own_answer(reaction):
        yield ("then",), _OVERLAP


_OVERLAP = (
    "an act of the class would be its own answer; tell the two apart by category, by actors (by), or by "
    "severity and a target"
)


def is_own_answer(reaction: _Stated, target: Mapping[str, object] | None = None) -> bool:
    """Whether acts of a class can be its answer: a target, or what the reaction itself says follows.

    Where only subcategories could tell them apart the record has to (``forecast.runs.inputs``).
    """
    if target is None:
        kinds, least, by = reaction.then or CONFLICTUAL, 1, reaction.then_by
    else:
        kinds = tuple(map(str, sequence_in(target.get("any_of"))))
        stated = target.get("min_severity")
        least, by = stated if type(stated) is int else 1, tuple(actors_in(target.get("by")))
    if reaction.category not in kinds or max(reaction.severity or SEVERITIES) < least:
        return False
    if reaction.by and by:
        return bool({*reaction.by} & {*by})
    return not (reaction.subcategory and by)


def _chance_faults(entry: object) -> Iterator[tuple[KeyPath, str]]:
    stated = mapping_in(entry)
    learned = stated.get("chance", LEARNED) in (LEARNED, None)
    ignored, occasion = stated.get("record") == "ignore", _stated(entry).occasion
    if learned and ignored:
        yield ("record",), "a chance that is learned needs the record; state a chance, or leave this out"
    elif occasion and not sequence_in(stated.get("past")):
        if learned:
            message = (
                "an occasion without past days has no record to learn from; state a chance, or give past"
            )
            yield ("chance",), message
        elif ignored:
            yield ("record",), "would have no effect: the occasion has no past days; leave it out"


def same_reactions(reactions: Mapping[str, object]) -> Iterator[Fault]:
    """Yield reactions whose class and answer an earlier one has too."""
    first: dict[_Stated, str] = {}
    for name, entry in reactions.items():
        stated = _stated(entry)
        said = stated.category or stated.occasion
        if said and (same := first.setdefault(stated, name)) != name:
            message = f"'{same}' has the same class and answer; keep one of the two"
            yield Fault(("reactions", name), message)


def setting_faults(settings: Mapping[str, object], config: Mapping[str, object]) -> Iterator[Fault]:
    """Yield what does not fit among the reactions of a file, given the settings of its config.

    Actors, targets, milestones and labels that the config does not name, days that are not past, occasions
    after which nothing is forecast, and a class that meets the target that answers it.
    """
    dyad, as_of = mapping_in(config.get("dyad")), day_in(config.get("as_of"))
    sides = [name for key in ("a", "b") for name in actors_in(dyad.get(key))]
    theatre = actors_in(dyad.get("theatre"))
    targets = mapping_in(config.get("targets"))
    occasions = _occasions(config)
    last = max((day for _, day in occasions["milestone"]), default=None)
    for name, entry in mapping_in(settings.get("reactions")).items():
        reaction, path = _stated(entry), ("reactions", name)
        for key, by, allowed in (
            ("when", reaction.by, [*sides, *theatre]),
            ("then", reaction.then_by, sides),
        ):
            for actor in by if sides else ():
                if actor in theatre and key == "then":
                    message = f"'{actor}' is a third party (dyad.theatre); a side answers. Allowed: "
                    yield Fault((*path, key, "by"), message + ", ".join(sides))
                elif actor not in allowed:
                    yield Fault((*path, key, "by"), unknown_actor(actor, allowed))
        if sides and set(reaction.then_by) == set(sides):
            message = "names both sides, so it leaves out nobody; remove it"
            yield Fault((*path, "then", "by"), message)
        if reaction.target is not None and targets:
            if reaction.target not in targets:
                yield Fault((*path, "then", "target"), _no_such("target", reaction.target, [*targets]))
            elif is_own_answer(reaction, mapping_in(targets[reaction.target])):
                yield Fault((*path, "then", "target"), _OVERLAP)
        if reaction.occasion:
            yield from _occasion_faults(path, reaction.occasion, occasions, last)
        for place, day in enumerate(map(day_in, sequence_in(mapping_in(entry).get("past")))):
            if day and as_of and day > as_of:
                message = f"{day} is after as_of ({as_of}); only days up to it are past"
                yield Fault((*path, "past", place), message)


def _occasions(config: Mapping[str, object]) -> dict[str, list[tuple[str, date]]]:
    """Days of milestones and of acts of the calendar, with their names and labels."""
    named = {"milestone": ("milestones", "name"), "calendar": ("calendar", "label")}
    return {
        kind: [
            (str(entry[name]), day)
            for entry in map(mapping_in, sequence_in(config.get(key)))
            if entry.get(name) is not None and (day := day_in(entry.get("date")))
        ]
        for kind, (key, name) in named.items()
    }


def _occasion_faults(
    path: KeyPath,
    occasion: tuple[str, str],
    occasions: Mapping[str, Sequence[tuple[str, date]]],
    last: date | None,
) -> Iterator[Fault]:
    kind, name = occasion
    days = [day for known, day in occasions[kind] if known == name]
    where = (*path, "when", kind)
    if not days and last:
        known = list(dict.fromkeys(known for known, _ in occasions[kind]))
        what = "milestone" if kind == "milestone" else "act of the calendar"
        yield Fault(where, _no_such(what, name, known))
    elif len(days) > 1 and kind == "calendar":
        yield Fault(
            where, f"{len(days)} acts of the calendar have this label; tell them apart by their labels"
        )
    elif days and last and (last - days[0]).days <= 1:
        message = (
            f"no day lies between {days[0]} and the last milestone ({last}), so that no answer could count; "
            "add a later milestone, or remove the reaction"
        )
        yield Fault(where, message)


def _no_such(what: str, name: str, known: Sequence[str]) -> str:
    allowed = f"Allowed: {', '.join(known)}" if known else "There is none"
    return f"no {what} is named '{name}'.{did_you_mean(name, known)} {allowed}"
