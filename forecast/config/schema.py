"""The config as types: what can be set, its defaults, what each setting means, and which must agree.

Every model is frozen and refuses unknown keys. Defaults are written here only; ``forecast schema config``
prints them as JSON Schema and ``docs/config.md`` explains them. Checks between settings read them as they
came (days as text or ``date``), so that a file with a wrong type in one place has its other faults told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from forecast.config.field_types import (
    EMPTY_LIST,
    EMPTY_MAPPING,
    PERCENT_SCHEMA,
    Actor,
    Actors,
    Categories,
    Category,
    Colour,
    Cost,
    Day,
    FolderName,
    KeyName,
    LongText,
    Number,
    PriorName,
    PriorValue,
    Probability,
    Severity,
    Side,
    Subcategory,
    Text,
    Texts,
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
    SettingsFile,
    day_in,
    load_settings,
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
    actor_named,
    country_code,
    pair_title,
)
from forecast.wording import BANDS, USUAL_HORIZONS, USUAL_IN_WORDS, listing

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


BUNDLED_PREFIX = "bundled:"
Use = Literal["client", "internal"]
DateOrder = Literal["iso", "dmy", "mdy"]
GRAVE = 4
"""Least severity of a target that is of high impact without its author saying so."""
_ALIKE = ("date", "category", "subcategory", "severity", "by", "label")
"""What two acts of the calendar share if they are the same."""
UNNAMED = "forecast"
"""Name of a config that has none, and no file whose name could be its own."""
LONGEST_HORIZON = timedelta(days=3653)  # ten years
PACKAGED_POPULATIONS = ("shipped", "none")
SHIPPED_HAZARD = "shipped"
DEFAULT_FAMILY = "combined"
"""The family that is shipped as the default; ``docs/validation.md`` has the rule that chose it."""


class DyadConfig(Section):
    """The two sides whose relationship is forecast, and whose acts count."""

    a: Side = Field(description="first side: an actor as the event file names it, or a list of actors")
    b: Side = Field(description="second side")
    theatre: Actors = several("third parties: acts between one of them and a side count as well")
    label: Text | None = optional("how the report names the pair; the actors when absent, countries by name")

    @model_validator(mode="before")
    @classmethod
    def _label_as_written(cls, stated: object) -> object:
        """Keep names of countries, which become codes, as the label of the pair."""
        if not isinstance(stated, Mapping) or stated.get("label") is not None:
            return stated
        written = [stated.get(key) for key in ("a", "b")]
        a, b = [list(side) if isinstance(side, (list, tuple)) else [side] for side in written]
        if not any(country_code(str(name)) for name in (*a, *b)):
            return stated
        return {**stated, "label": pair_title([*map(str, a)], [*map(str, b)])}

    @property
    def side_a(self) -> tuple[str, ...]:
        """Actors of the first side."""
        return (self.a,) if isinstance(self.a, str) else self.a

    @property
    def side_b(self) -> tuple[str, ...]:
        """Actors of the second side."""
        return (self.b,) if isinstance(self.b, str) else self.b

    @property
    def names(self) -> tuple[str, str]:
        """Both sides as text, e.g. ``("USA+NAT", "SER")``."""
        return "+".join(self.side_a), "+".join(self.side_b)

    @property
    def title(self) -> str:
        """The label, or the actors, countries by name: ``Russia – Ukraine``."""
        return self.label or pair_title(self.side_a, self.side_b)


class DelayConfig(Section):
    """How late acts become known, where the events do not record it."""

    same_day: Number = Field(gt=0.0, lt=1.0, description="share of acts known on the day itself")
    mean_days: Number = Field(ge=1.0, le=90.0, description="mean delay of the others, in days")


def _kind_of_delay(value: object) -> str:
    return "[stated]" if isinstance(value, (Mapping, DelayConfig)) else "[word]"


# Tags in brackets are no keys, so that faults name the setting as it is written.
ReportingDelay = Annotated[
    Annotated[Literal["none", "estimated"], Tag("[word]")] | Annotated[DelayConfig, Tag("[stated]")],
    Discriminator(_kind_of_delay),
]


class EventsConfig(Section):
    """The coded events that the model learns from."""

    # A store is a source too, so that whoever reads events reads either.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("required", None))

    source: Text = Field(
        description="'bundled:us-china', or a CSV, Parquet or .xlsx file, from the folder of the config; or "
        "give store"
    )
    store: Text | None = optional("a folder that 'forecast events update' fills, in place of source")
    use: Literal["client", "internal"] | None = optional(
        "what the forecast is for: acts whose terms bar that use are refused"
    )
    licensed: Texts = several("sources of which you hold a licence for this use, e.g. [acled]")
    start: Day | None = optional("first day used; the first event of the file when absent")
    dates: DateOrder = Field(
        default="iso",
        description="how the file writes days: iso 2020-02-13, dmy 13/02/2020, mdy 02/13/2020",
    )
    format: Literal["coded"] = Field(default="coded", description="columns of the file: our codebook's")
    reported_by: Text | None = Field(
        default=None,
        description="whose reports settle a question, e.g. 'Reuters or AP'; the sources that the events name "
        "when absent",
    )
    reporting_delay: ReportingDelay = Field(
        default="none",
        description="correct recent weeks for acts not yet known: none, estimated (from known_date), or "
        "{same_day, mean_days}",
    )

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, stated: object) -> object:
        if isinstance(stated, str):
            return {"source": stated}
        if isinstance(stated, Mapping) and stated.get("store") and "source" not in stated:
            return {**stated, "source": stated["store"]}
        return stated


class TargetConfig(Section):
    """An escalation to be forecast: any act of these categories, at least this severe, by these actors."""

    label: Text | None = optional("title of the question; made from the key when absent")
    any_of: Categories = Field(description="categories of which one act is enough")
    min_severity: Severity = Field(description="least severity that counts, 1 (routine) to 5 (extreme)")
    by: Actors = several("actors of the two sides whose acts count; acts of everybody when absent")
    counts: Text | None = optional("what counts, in one line; the anchors of the scale when absent")
    does_not_count: Text | None = optional(
        "what comes close and does not count; the anchors below when absent"
    )
    edge_cases: Texts = several("doubtful cases and how each is decided, one line each")


class MilestoneConfig(Section):
    """A dated point ahead; the forecast is the probability that a target is met before that day."""

    name: KeyName = Field(description="short name, unique in the list")
    label: Text | None = optional("name in the report; made from the short name when absent")
    date: Day = Field(description="the day itself; it must come after as_of, within ten years")

    @property
    def title(self) -> str:
        """The label, or the short name as words."""
        return self.label or title_of(self.name)


class HeadlineConfig(Section):
    """The question answered first, on page 1 and at the end of a run."""

    target: str = Field(description="key of one of the targets")
    milestone: str = Field(description="name of one of the milestones")


class DecisionConfig(Section):
    """What acting on the headline costs, and what being surprised by it costs; both in one unit."""

    act: Cost = Field(description="cost of acting, whatever comes; a number or [least, most]")
    surprised: Cost = Field(description="cost when it happens and nobody acted; a number or [least, most]")

    @model_validator(mode="after")
    def _acting_can_pay(self) -> DecisionConfig:
        if self.act[0] >= self.surprised[1]:
            raise refusal(
                f"acting costs {self.act[0]:g} or more and being surprised at most {self.surprised[1]:g}, so "
                "acting never pays; give costs of which act is the lower"
            )
        return self


class CalendarAct(Section):
    """An act known or expected ahead; it happens with its probability."""

    date: Day = Field(description="expected day, after as_of and not after the last milestone")
    category: Category = Field(description="category of the act in the codebook")
    subcategory: Subcategory | None = optional("what kind of act of its category, as event files name it")
    severity: Severity = Field(description="severity it would be coded with, 1 to 5")
    by: Actor | None = optional("who acts; required where a target counts such acts of some actors only")
    probability: Probability = Field(description="probability that it happens, 0 to 1")
    label: Text = Field(description="what it is, in a few words")


class ModelConfig(Section):
    """The model family, and the priors: where their defaults come from, and which differ from them."""

    family: str = Field(
        default=DEFAULT_FAMILY,
        description="model, panel or combined; see docs/model.md",
        examples=["model", "panel", "combined"],
    )
    population: Text = Field(
        default="shipped",
        description="where default priors come from: 'shipped' (learned from other dyads), 'none' "
        "(documented ones), or a file made by tools/learn, from the folder of the config",
        examples=list(PACKAGED_POPULATIONS),
    )
    panel: Text = Field(
        default=SHIPPED_HAZARD,
        description="coefficients of the pooled hazard: 'shipped', or a file made by tools/learn, "
        "from the folder of the config; used by the families panel and combined",
        examples=[SHIPPED_HAZARD],
    )
    priors: Annotated[Mapping[PriorName, PriorValue], EMPTY_MAPPING] = Field(
        default_factory=dict,
        description="word, distribution or quantiles by prior name; 'forecast priors' lists them",
    )


class SamplerConfig(Section):
    """How long to sample, and from which seed."""

    draws: Whole = Field(default=800, ge=10, le=100_000, description="kept draws of each chain")
    tune: Whole = Field(default=150, ge=10, le=100_000, description="warm-up steps of each chain, not kept")
    chains: Whole = Field(default=4, ge=2, le=64, description="chains; convergence cannot be judged from one")
    seed: Whole = Field(default=1, ge=0, le=2**63 - 1, description="same config and seed, same numbers")
    target_accept: Number = Field(
        default=0.9, gt=0.5, lt=1.0, description="target acceptance rate of the sampler"
    )
    max_minutes: Number = Field(
        default=240.0,
        gt=0,
        le=100_000,
        description="minutes after which a sampling that has not ended is stopped; changes no number",
    )


class ImpactConfig(Section):
    """How grave a target would be for the reader, as judged by the author of the report."""

    level: Literal["negligible", "minor", "moderate", "major", "severe"] = Field(
        description="gravity if it happens; printed beside the event"
    )
    rationale: Text = Field(description="why, in one sentence; printed beside what counts as the event")


ReportSection = Literal[
    "brief",
    "milestones",
    "sources",
    "assumptions",
    "scenarios",
    "track-record",
    "data",
    "method",
]
"""Parts of the report: page 1, then those that defend it, each with its tables in ``report.html``."""


class ReportConfig(Section):
    """What the report shows of its maker, how it looks, and how grave each target would be."""

    paper: Literal["a4", "us-letter"] = Field(default="a4", description="paper size of the PDF")
    title: Text | None = optional("title on page 1; the pair when absent")
    author: Text | None = optional("printed on page 1")
    organisation: Text | None = optional("printed on page 1")
    logo: Text | None = optional("SVG or PNG file, from the folder of the config; printed on page 1")
    classification: Text | None = optional("line at the head and foot of every page, e.g. 'Internal'")
    accent: Colour | None = optional("colour of headings and rules, e.g. '#0B3C6F'")
    fonts: Texts = Field(
        default=(),
        max_length=8,
        description="TTF, OTF or TTC files for signs that the report's typeface lacks, e.g. Chinese",
    )
    sections: tuple[ReportSection, ...] | None = Field(
        default=None,
        min_length=1,
        description="parts of the report to show, in the report's own order; all when absent. brief.pdf is "
        "always written",
    )
    track_record: Text | None = Field(
        default=None,
        description="folder that 'forecast backtest' made for this config, from the folder of the config; "
        "read where no backtest lies beside the run",
    )
    impact: Annotated[Mapping[KeyName, ImpactConfig], EMPTY_MAPPING] = Field(
        default_factory=dict, description="gravity by target; the report prints it beside the event"
    )


def milestones_after(as_of: date, horizons: Sequence[int] = USUAL_HORIZONS) -> tuple[MilestoneConfig, ...]:
    """Return milestones so many days after the as-of date."""
    return tuple(
        # Cut at the end of the calendar, where it is refused as not after the as-of date.
        MilestoneConfig(
            name=f"days_{days}",
            label=f"{days} days ahead",
            date=as_of + min(timedelta(days), date.max - as_of),
        )
        for days in horizons
    )


def default_headline(fields: dict[str, Any]) -> HeadlineConfig:
    """Return the first target before the last listed milestone."""
    return HeadlineConfig(target=next(iter(fields["targets"])), milestone=fields["milestones"][-1].name)


class Config(SettingsFile):
    """Everything a run needs to know, checked as a whole."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of this format")
    name: FolderName = Field(
        default=UNNAMED,
        description="name of the forecast; its runs go to reports/<name>/<as_of>/; the file's when absent",
    )
    dyad: DyadConfig
    as_of: Day = Field(description="day of the forecast; nothing that became known later is read")
    events: EventsConfig = Field(description="the event file, or a mapping of the keys below")
    scale: Literal["standard", "armed"] = Field(
        default="standard",
        description="what severities mean: standard, or armed (relations with routine fire)",
    )
    step: Literal["week"] = Field(default="week", description="length of a time step of the model")
    targets: Mapping[KeyName, TargetConfig] = Field(min_length=1, description="the escalations to forecast")
    milestones: tuple[MilestoneConfig, ...] = Field(
        default_factory=lambda fields: milestones_after(fields["as_of"]),
        min_length=1,
        description=f"the dates to forecast up to; {USUAL_IN_WORDS} days after as_of when absent",
    )
    headline: HeadlineConfig = Field(
        default_factory=default_headline,
        description="the bottom line; first target and last listed milestone when absent",
    )
    decision: DecisionConfig | None = optional("costs of acting and of surprise")
    calendar: Annotated[tuple[CalendarAct, ...], EMPTY_LIST] = several("acts expected ahead")
    reactions: Annotated[Mapping[KeyName, ReactionConfig], EMPTY_MAPPING] = Field(
        default_factory=dict, description="what answers a class of acts, or follows an occasion, by name"
    )
    model: Annotated[ModelConfig, EMPTY_MAPPING] = Field(default=ModelConfig())
    scenarios: Texts = several("scenario files to be compared with the forecast, from the config's folder")
    sampler: Annotated[SamplerConfig, EMPTY_MAPPING] = Field(default=SamplerConfig())
    report: Annotated[ReportConfig, EMPTY_MAPPING] = Field(default=ReportConfig())

    @staticmethod
    def disagreements(settings: Mapping[str, object]) -> list[Fault]:
        """Return every disagreement between settings; see ``cross_checks``."""
        return cross_faults(settings)

    @property
    def events_path(self) -> Path | None:
        """The event file or store, resolved against ``base_folder``; ``None`` for a bundled data set."""
        if self.events.source.startswith(BUNDLED_PREFIX):
            return None
        return self.base_folder / Path(self.events.source).expanduser()

    @property
    def population_path(self) -> Path | None:
        """The file of default priors, resolved against ``base_folder``; ``None`` for those of the package."""
        asked = self.model.population
        return None if asked in PACKAGED_POPULATIONS else self._resolved(asked)

    @property
    def hazard_path(self) -> Path | None:
        """The file of the pooled hazard, resolved against ``base_folder``; ``None`` for the shipped one."""
        return None if self.model.panel == SHIPPED_HAZARD else self._resolved(self.model.panel)

    @property
    def logo_path(self) -> Path | None:
        """The logo of the report, resolved against ``base_folder``; ``None`` without one."""
        return self._resolved(self.report.logo)

    @property
    def track_record_path(self) -> Path | None:
        """The folder of a backtest that comes with the config, resolved against ``base_folder``."""
        return self._resolved(self.report.track_record)

    @property
    def font_paths(self) -> tuple[Path, ...]:
        """Further fonts of the report, resolved against ``base_folder``."""
        return tuple(self.base_folder / Path(font).expanduser() for font in self.report.fonts)

    def _resolved(self, path: str | None) -> Path | None:
        return None if path is None else self.base_folder / Path(path).expanduser()

    @property
    def headline_milestone(self) -> MilestoneConfig:
        """The milestone of the headline question."""
        return self.milestone(self.headline.milestone)

    def milestone(self, name: str) -> MilestoneConfig:
        """Return the milestone of that name (``KeyError`` when there is none)."""
        return {milestone.name: milestone for milestone in self.milestones}[name]

    def target_title(self, name: str) -> str:
        """Return the label of a target, or its key as words (``KeyError`` when there is none)."""
        return self.targets[name].label or title_of(name)

    @property
    def target_titles(self) -> dict[str, str]:
        """Titles of all targets, by name."""
        return {name: self.target_title(name) for name in self.targets}

    def is_grave(self, name: str) -> bool:
        """Whether a target is of high impact: so the author judges, or it is the most severe of all."""
        impact = self.report.impact.get(name)
        if impact is not None:
            return impact.level in ("major", "severe")
        severities = [target.min_severity for target in self.targets.values()]
        return self.targets[name].min_severity == max(severities) >= GRAVE


def load_config(
    path: str | Path,
    overrides: Sequence[str] = (),
    as_of: date | None = None,
    seed: int | None = None,
    text: str | None = None,
) -> Config:
    """Read, override and check a config; nothing but this one file is opened.

    Relative paths inside the file start from its folder. ``overrides`` are ``key.path=value`` as after
    ``--set``, e.g. ``"sampler.draws=2000"`` or ``"milestones.us-election-2024.date=2024-11-06"``; later ones
    win, and ``as_of`` and ``seed`` (``--as-of``, ``--seed``) win over them. ``text`` stands for the content
    of the file, which may then be absent.

    Raises ``ConfigError`` once, with every fault: ``file:line:column: key.path: got …; expected …``.
    """
    other = ("dyads", "dyad", f"is of a watchlist; use it with 'forecast watch {path}'")
    return load_settings(Config, Path(path), overrides, as_of=as_of, seed=seed, other=other, text=text)


def title_of(name: str) -> str:
    """Return a key as words with a capital, e.g. ``Major escalation`` for ``major_escalation``."""
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def cross_faults(settings: Mapping[str, object]) -> list[Fault]:
    """Return every disagreement between settings; what cannot be read is left to the type checks."""
    as_of, dyad = day_in(settings.get("as_of")), mapping_in(settings.get("dyad"))
    targets, events = mapping_in(settings.get("targets")), mapping_in(settings.get("events"))
    named = settings.get("milestones")
    if "milestones" not in settings and as_of:
        named = [milestone.model_dump() for milestone in milestones_after(as_of)]
    milestones = [*map(mapping_in, sequence_in(named))]
    acts = [*map(mapping_in, sequence_in(settings.get("calendar")))]
    return [
        *_target_faults(targets),
        *by_faults(targets, dyad),
        *_dyad_faults(dyad),
        *_event_faults(events, as_of),
        *_milestone_faults(milestones, as_of),
        *_unknown_names(settings, targets, milestones),
        *_calendar_faults(acts, as_of, milestones),
        *_actor_faults(acts, dyad, targets),
        *reaction_faults(settings),
        *setting_faults(settings, settings),
    ]


def _target_faults(targets: Mapping[str, object]) -> Iterator[Fault]:
    first: dict[object, str] = {}
    for name, target in targets.items():
        rule = mapping_in(target)
        categories = tuple(sorted(map(str, sequence_in(rule.get("any_of")))))
        acts = categories, rule.get("min_severity"), tuple(sorted(actors_in(rule.get("by"))))
        if categories and (same := first.setdefault(acts, name)) != name:
            yield Fault(("targets", name), f"the same acts meet '{same}'; keep one of the two")


def by_faults(targets: Mapping[str, object], dyad: Mapping[str, object]) -> Iterator[Fault]:
    """Yield targets whose ``by`` names no actor of the two sides, or leaves nobody out."""
    sides, theatre = [*actors_in(dyad.get("a")), *actors_in(dyad.get("b"))], actors_in(dyad.get("theatre"))
    for name, target in targets.items() if sides else ():
        by = actors_in(mapping_in(target).get("by"))
        for actor in by:
            if actor not in sides:
                what = "a third party (dyad.theatre)" if actor in theatre else "on neither side"
                message = f"'{actor}' is {what}; only acts of the two sides can count. Allowed: "
                yield Fault(("targets", name, "by"), message + ", ".join(sides))
        if by and not theatre and set(by) == set(sides):
            yield Fault(("targets", name, "by"), "names both sides, so it leaves out nobody; remove it")


def actor_missing(target: str, by: Sequence[str]) -> str:
    """Return the message for an act that meets a target or not by who acts, and does not say it."""
    who = " or ".join(by)
    return f"the target '{target}' counts such acts by {who} alone; say who acts, e.g. by: {by[0]}"


def _actor_faults(
    acts: Sequence[Mapping[str, object]], dyad: Mapping[str, object], targets: Mapping[str, object]
) -> Iterator[Fault]:
    """Yield scheduled acts of actors that the dyad does not name, or that should name one."""
    actors = [name for key in ("a", "b", "theatre") for name in actors_in(dyad.get(key))]
    for index, act in enumerate(acts):
        who, severity = act.get("by"), act.get("severity")
        if isinstance(who, str) and actors and actor_named(who) not in actors:
            yield Fault(("calendar", index, "by"), unknown_actor(who, actors))
        for name, rule in targets.items() if who is None and type(severity) is int else ():
            target = mapping_in(rule)
            least, by = target.get("min_severity"), actors_in(target.get("by"))
            kinds = sequence_in(target.get("any_of"))
            if by and type(least) is int and severity >= least and act.get("category") in kinds:  # type: ignore[operator]
                yield Fault(("calendar", index), actor_missing(name, by))
                break


def _dyad_faults(dyad: Mapping[str, object]) -> Iterator[Fault]:
    place: dict[object, str] = {}
    for key in ("a", "b", "theatre"):
        for actor in actors_in(dyad.get(key)):
            if place.setdefault(actor, key) != key:
                message = f"'{actor}' is in dyad.{place[actor]} already; an actor has one place"
                yield Fault(("dyad", key), message)


def _event_faults(events: Mapping[str, object], as_of: date | None) -> Iterator[Fault]:
    start, source, store = day_in(events.get("start")), events.get("source"), events.get("store")
    is_iso = events.get("dates", "iso") == "iso"
    bundled = isinstance(source, str) and source.startswith(BUNDLED_PREFIX)
    faults = {
        "start": start
        and as_of
        and start >= as_of
        and f"{start} is not before as_of ({as_of}); no event would be left to learn from",
        "store": store and source not in (None, "", store) and "source is given as well; keep one of the two",
        "dates": not is_iso
        and (store or bundled)
        and f"would have no effect: {source if bundled else 'a store'} has days as YYYY-MM-DD",
        "licensed": events.get("licensed")
        and not events.get("use")
        and "would have no effect without use: client or internal",
    }
    yield from (Fault(("events", key), str(message)) for key, message in faults.items() if message)


def _milestone_faults(milestones: Sequence[Mapping[str, object]], as_of: date | None) -> Iterator[Fault]:
    first_named: dict[object, int] = {}
    first_on: dict[date, int] = {}
    for index, milestone in enumerate(milestones):
        name, day = milestone.get("name"), day_in(milestone.get("date"))
        place: KeyPath = ("milestones", index, "date")
        if isinstance(name, str) and first_named.setdefault(name, index) != index:
            yield Fault(("milestones", index, "name"), f"'{name}' names an earlier milestone too; rename one")
        if day is None:
            continue
        if (same := first_on.setdefault(day, index)) != index:
            for milestone_index, other in ((same, index), (index, same)):
                message = f"{day} is the day of milestones.{other} as well; keep one, or change its day"
                yield Fault(("milestones", milestone_index, "date"), message)
        ahead = (day - as_of).days if as_of else 2
        if ahead <= 0:
            yield Fault(place, f"{day} is not after as_of ({as_of}); give a later day or remove it")
        elif ahead == 1:
            yield Fault(
                place, f"no day lies between as_of ({as_of}) and {day}; give a later day or remove it"
            )
        elif ahead > LONGEST_HORIZON.days:
            message = f"{day} is more than ten years after as_of ({as_of}); no model of events reaches so far"
            yield Fault(place, message)


def _unknown_names(
    settings: Mapping[str, object], targets: Mapping[str, object], milestones: Sequence[Mapping[str, object]]
) -> Iterator[Fault]:
    headline = mapping_in(settings.get("headline"))
    dated = list(dict.fromkeys(name for entry in milestones if isinstance(name := entry.get("name"), str)))
    impact = mapping_in(mapping_in(settings.get("report")).get("impact"))
    named: list[tuple[KeyPath, str, object, Sequence[str]]] = [
        (("headline", "target"), "target", headline.get("target"), [*targets]),
        (("headline", "milestone"), "milestone", headline.get("milestone"), dated),
        *((("report", "impact", name), "target", name, [*targets]) for name in impact),
    ]
    for path, kind, name, known in named:
        if isinstance(name, str) and known and name not in known:
            hint = did_you_mean(name, known)
            yield Fault(path, f"no {kind} is named '{name}'.{hint} Allowed: {', '.join(known)}")


def _calendar_faults(
    acts: Sequence[Mapping[str, object]], as_of: date | None, milestones: Sequence[Mapping[str, object]]
) -> Iterator[Fault]:
    last = max((day for entry in milestones if (day := day_in(entry.get("date")))), default=None)
    first: dict[tuple[str, ...], int] = {}
    for index, act in enumerate(acts):
        day = day_in(act.get("date"))
        if day and as_of and day <= as_of:
            advice = "past acts belong in the event file; remove it here"
            yield Fault(("calendar", index, "date"), f"{day} is not after as_of ({as_of}); {advice}")
        if day and last and day > last:
            message = f"{day} is after the last milestone ({last}), so it would change nothing; remove it"
            yield Fault(("calendar", index, "date"), message)
        same = tuple(str(act.get(key)) for key in _ALIKE)
        if act and first.setdefault(same, index) != index:
            message = f"the same act as calendar.{first[same]}; it would be counted twice, remove one"
            yield Fault(("calendar", index), message)
