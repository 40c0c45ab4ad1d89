"""The config as types: what can be set, its defaults, what each setting means, and which must agree.

Every model is frozen and refuses unknown keys. Defaults are written here only; ``forecast schema config``
prints them as JSON Schema and ``docs/config.md`` explains them.
Checks between settings follow where each by itself is sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    ONE_OR_MORE,
    PERCENT_SCHEMA,
    SEVERITY_SCHEMA,
    Actor,
    Actors,
    Categories,
    Category,
    Colour,
    Cost,
    Day,
    DayOrYear,
    FolderName,
    Groups,
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
    Window,
    as_share,
    distinct,
    read_statement,
    unknown_actor,
)
from forecast.config.settings_file import (
    Fault,
    KeyPath,
    Settings,
    SettingsFile,
    load_settings,
    optional,
    refusal,
    several,
    shown_value,
)
from forecast.errors import PriorError, did_you_mean
from forecast.events.cells import BUNDLED_PREFIX, FIRST_YEAR, LAST_YEAR, DateOrder, Use
from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    COOPERATIVE,
    SEVERITIES,
    acted,
    country_code,
    is_way,
    may_be,
    pair_title,
    parties,
    way,
    ways,
)
from forecast.records.forecast import ActsNamed, AnswerNamed, OccasionNamed, ReactionStated
from forecast.wording import BANDS, USUAL_HORIZONS, USUAL_IN_WORDS, listing

if TYPE_CHECKING:
    from forecast.events.dyads import DyadRule
    from forecast.events.table import EventTable

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


def _one_or_more(entry: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [entry, {"type": "array", "items": entry}]})


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
    ONE_OR_MORE,
    AfterValidator(distinct),
    _one_or_more({"type": "string", "enum": [*CATEGORIES]}),
]
_Texts = Annotated[tuple[Text, ...], ONE_OR_MORE, AfterValidator(distinct), _one_or_more({"type": "string"})]
_Severities = Annotated[
    tuple[Severity, ...],
    ONE_OR_MORE,
    AfterValidator(lambda values: tuple(sorted(distinct(values)))),
    _one_or_more(SEVERITY_SCHEMA),
]


class TriggerConfig(Settings):
    """What sets a reaction off: acts of a class, or an occasion."""

    category: Category | None = optional("category of the acts; or give milestone, or calendar")
    subcategory: _Texts = several("only these subcategories, with * for any text; any when absent")
    severity: _Severities = several("only these severities; any when absent")
    by: Actors = several("only acts of these actors; acts of anybody when absent")
    towards: Actors = several("only acts towards these actors; towards anybody when absent")
    between: Groups = several("only acts between these two actors or lists of them, either way")
    milestone: Text | None = optional("an occasion: name of a milestone")
    calendar: Text | None = optional("an occasion: label of an act of the calendar")

    @property
    def acting(self) -> tuple[str, ...]:
        """Who acts, or who towards whom (``ISR>IRN``); empty: anybody towards anybody."""
        return ways(self.by, self.towards, self.between)


class AnswerConfig(Settings):
    """What follows: acts of conflict, or an act that meets a target."""

    category: _Categories = several("categories of the answer; any of conflict when absent")
    by: Actors = several("actors of the two sides who answer; either side when absent")
    towards: Actors = several("only answers towards these actors; towards anybody when absent")
    target: Text | None = optional("name of a target that the answer meets, in place of the others")

    @property
    def acting(self) -> tuple[str, ...]:
        """Who acts, or who towards whom (``ISR>IRN``); empty: anybody towards anybody."""
        return ways(self.by, self.towards)


class ReactionConfig(Settings):
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


def reaction_faults(reactions: Mapping[str, ReactionConfig]) -> Iterator[Fault]:
    """Yield what is wrong with reactions in themselves."""
    for name, reaction in reactions.items():
        for faults in (_trigger_faults, _answer_faults, _chance_faults):
            for key, message in faults(reaction):
                yield Fault(("reactions", name, *key), message)
    yield from same_reactions(reactions)


def _trigger_faults(reaction: ReactionConfig) -> Iterator[tuple[KeyPath, str]]:
    when = reaction.when
    given = [key for key in ("category", "milestone", "calendar") if getattr(when, key) is not None]
    if len(given) != 1:
        what = f"{listing(given)} are given" if given else "says nothing"
        yield ("when",), f"{what}; give one of category, milestone, calendar"
    of_acts = ("subcategory", "severity", "by", "towards", "between")
    for key in of_acts if given and "category" not in given else ():
        if getattr(when, key):
            yield ("when", key), f"would have no effect: a {given[0]} is an occasion, and no act; remove it"
    if reaction.past and given == ["category"]:
        yield ("past",), "would have no effect: the record holds earlier acts of the class; remove it"
    if twice := sorted({str(day) for day in reaction.past if reaction.past.count(day) > 1}):
        yield ("past",), f"named twice: {', '.join(twice)}; keep one of each"


def _answer_faults(reaction: ReactionConfig) -> Iterator[tuple[KeyPath, str]]:
    then = reaction.then
    given = [key for key in ("category", "by", "towards", "target") if getattr(then, key)]
    if not given:
        yield ("then",), "says nothing; give category, by, towards or target"
    if "target" in given and len(given) > 1:
        yield ("then", given[0]), "the target says it already; remove it, or target"
    for category in then.category:
        if category in COOPERATIVE:
            message = f"'{category}' is cooperation; an answer is conflict. Allowed: {', '.join(CONFLICTUAL)}"
            yield ("then", "category"), message
    if given and then.target is None and _is_own_answer(reaction):
        yield ("then",), _OVERLAP


_OVERLAP = (
    "an act of the class would be its own answer; tell the two apart by category, by actors (by), or by "
    "severity and a target"
)


def _is_own_answer(reaction: ReactionConfig, target: TargetConfig | None = None) -> bool:
    """Whether acts of a class can be its answer: a target, or what the reaction itself says follows."""
    when, kinds, least, by = reaction.when, reaction.then.category or CONFLICTUAL, 1, reaction.then.acting
    if target is not None:
        kinds, least, by = target.any_of, target.min_severity, target.acting
    if when.category not in kinds or max(when.severity or SEVERITIES) < least:
        return False
    if when.acting and by:
        return any(may_be(one, by) for one in when.acting)
    return not (when.subcategory and by)


def _chance_faults(reaction: ReactionConfig) -> Iterator[tuple[KeyPath, str]]:
    when, learned, ignored = reaction.when, reaction.chance == LEARNED, reaction.record == "ignore"
    if learned and ignored:
        yield ("record",), "a chance that is learned needs the record; state a chance, or leave this out"
    elif (when.milestone or when.calendar) and not (when.category or reaction.past):
        if learned:
            no_record = "an occasion without past days has no record to learn from"
            yield ("chance",), f"{no_record}; state a chance, or give past"
        elif ignored:
            yield ("record",), "would have no effect: the occasion has no past days; leave it out"


def same_reactions(reactions: Mapping[str, ReactionConfig]) -> Iterator[Fault]:
    """Yield reactions whose class and answer an earlier one has too."""
    first: dict[object, str] = {}
    for name, reaction in reactions.items():
        when, then = reaction.when, reaction.then
        several = (when.subcategory, when.severity, when.acting, then.category, then.acting)
        class_and_answer = when.category, when.milestone, when.calendar, then.target, *map(frozenset, several)
        if (same := first.setdefault(class_and_answer, name)) != name:
            yield Fault(("reactions", name), f"'{same}' has the same class and answer; keep one of the two")


def setting_faults(
    reactions: Mapping[str, ReactionConfig], config: Config, calendar: Sequence[tuple[str, date]]
) -> Iterator[Fault]:
    """Yield what does not fit among some reactions, given their config and the labelled acts ahead."""
    sides, theatre = [*config.dyad.side_a, *config.dyad.side_b], config.dyad.theatre
    dated = [(milestone.name, milestone.date) for milestone in config.milestones]
    occasions, last = {"milestone": dated, "calendar": calendar}, max(day for _, day in dated)
    for name, reaction in reactions.items():
        path, when, then = ("reactions", name), reaction.when, reaction.then
        for key, message in _acting_faults(when, config.dyad, [*sides, *theatre]):
            yield Fault((*path, "when", key), message)
        for key, message in _acting_faults(then, config.dyad, [*sides, *theatre]):
            if key != "by":
                yield Fault((*path, "then", key), message)
        for actor in then.by:
            if actor in theatre:
                message = f"'{actor}' is a third party (dyad.theatre); a side answers. Allowed: "
                yield Fault((*path, "then", "by"), message + ", ".join(sides))
            elif actor not in sides:
                yield Fault((*path, "then", "by"), unknown_actor(actor, sides))
        if set(then.by) == set(sides):
            message = "names both sides, so it leaves out nobody; remove it"
            yield Fault((*path, "then", "by"), message)
        if then.target is not None:
            if then.target not in config.targets:
                message = _no_such("target", then.target, [*config.targets])
                yield Fault((*path, "then", "target"), message)
            elif _is_own_answer(reaction, config.targets[then.target]):
                yield Fault((*path, "then", "target"), _OVERLAP)
        for kind in ("milestone", "calendar"):
            occasion = None if when.category else getattr(when, kind)
            if occasion and (message := _occasion_fault(kind, occasion, occasions[kind], last)):
                yield Fault((*path, "when", kind), message)
        for place, day in enumerate(reaction.past):
            if day > config.as_of:
                message = f"{day} is after as_of ({config.as_of}); only days up to it are past"
                yield Fault((*path, "past", place), message)


def _occasion_fault(kind: str, name: str, named: Sequence[tuple[str, date]], last: date) -> str:
    days = [day for known, day in named if known == name]
    if not days:
        what = "milestone" if kind == "milestone" else "act of the calendar"
        return _no_such(what, name, list(dict.fromkeys(known for known, _ in named)))
    if len(days) > 1 and kind == "calendar":
        return f"{len(days)} acts of the calendar have this label; tell them apart by their labels"
    if (last - days[0]).days <= 1:
        return (
            f"no day lies between {days[0]} and the last milestone ({last}), so that no answer could count; "
            "add a later milestone, or remove the reaction"
        )
    return ""


def _no_such(what: str, name: str, known: Sequence[str]) -> str:
    allowed = f"Allowed: {', '.join(known)}" if known else "There is none"
    return f"no {what} is named '{name}'.{did_you_mean(name, known)} {allowed}"


GRAVE = 4
"""Least severity of a target that is of high impact without its author saying so."""
UNNAMED = "forecast"
"""Name of a config that has none, and no file whose name could be its own."""
LONGEST_HORIZON = timedelta(days=3653)  # ten years
PACKAGED_POPULATIONS = ("shipped", "none")
SHIPPED_HAZARD = "shipped"
DEFAULT_FAMILY = "combined"
"""The family that is shipped as the default; ``docs/validation.md`` has the rule that chose it."""


class DyadConfig(Settings):
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
    def rule(self) -> DyadRule:
        """Which acts count."""
        from forecast.events.dyads import DyadRule  # which loads NumPy

        return DyadRule(self.side_a, self.side_b, self.theatre)

    @property
    def names(self) -> tuple[str, str]:
        """Both sides as text, e.g. ``("USA+NAT", "SER")``."""
        return "+".join(self.side_a), "+".join(self.side_b)

    @property
    def title(self) -> str:
        """The label, or the actors, countries by name: ``Russia – Ukraine``."""
        return self.label or pair_title(self.side_a, self.side_b)


class DelayConfig(Settings):
    """How late acts become known, where the events do not record it."""

    same_day: Number = Field(gt=0.0, lt=1.0, description="share of acts known on the day itself")
    mean_days: Number = Field(ge=1.0, le=90.0, description="mean delay of the others, in days")


# Tags in brackets are no keys, so that faults name the setting as it is written.
ReportingDelay = Annotated[
    Annotated[Literal["none", "estimated"], Tag("[word]")] | Annotated[DelayConfig, Tag("[stated]")],
    Discriminator(lambda value: "[stated]" if isinstance(value, (Mapping, DelayConfig)) else "[word]"),
]


class EventsConfig(Settings):
    """The coded events that the model learns from."""

    # A store is a source too, so that whoever reads events reads either.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("required", None))

    source: Text = Field(
        description="'bundled:us-china', or a CSV, Parquet or .xlsx file, from the folder of the config; or "
        "give store"
    )
    store: Text | None = optional("a folder that 'forecast events update' fills, in place of source")
    use: Use | None = optional("what the forecast is for: acts whose terms bar that use are refused")
    licensed: Texts = several("sources of which you hold a licence for this use, e.g. [acled]")
    start: Day | None = optional("first day used; the first event of the file when absent")
    dates: DateOrder = Field(
        default="iso", description="how the file writes days: iso 2020-02-13, dmy 13/02/2020, mdy 02/13/2020"
    )
    coding_complete: Window | None = optional(
        "[first day, last day] of which you know that acts are coded as fully as before"
    )
    new_subcategories: Texts = several("subcategories of calendar and reactions that the events do not have")
    format: Literal["coded"] = Field(default="coded", description="columns of the file: our codebook's")
    reported_by: Text | None = Field(
        default=None,
        description="whose reports settle a question, e.g. 'Reuters or AP'; when absent the sources that the "
        "events name, or who coded them",
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


class TargetConfig(Settings):
    """An escalation to be forecast: any act of these categories, at least this severe, by these actors."""

    label: Text | None = optional("title of the question; made from the key when absent")
    any_of: Categories = Field(description="categories of which one act is enough")
    min_severity: Severity = Field(description="least severity that counts, 1 (routine) to 5 (extreme)")
    by: Actors = several("actors of the two sides whose acts count; acts of everybody when absent")
    towards: Actors = several("only acts towards these actors count; towards everybody when absent")
    between: Groups = several("only acts between these two actors or lists of them count, either way")
    last_seen: Day | None = optional("day of the last case before the data begin; from then on none came")
    never_since: DayOrYear | None = optional("day or year before the data begin, since when none came")
    counts: Text | None = optional("what counts, in one line; the anchors of the scale when absent")
    does_not_count: Text | None = optional(
        "what comes close and does not count; the anchors below when absent"
    )
    edge_cases: Texts = several("doubtful cases and how each is decided, one line each")

    @property
    def acting(self) -> tuple[str, ...]:
        """Who acts, or who towards whom (``ISR>IRN``); empty: anybody towards anybody."""
        return ways(self.by, self.towards, self.between)

    @model_validator(mode="after")
    def _one_silence(self) -> TargetConfig:
        if self.last_seen and self.never_since:
            raise refusal("last_seen and never_since are both given; keep the one that is known")
        return self


class MilestoneConfig(Settings):
    """A dated point ahead; the forecast is the probability that a target is met before that day."""

    name: KeyName = Field(description="short name, unique in the list")
    label: Text | None = optional("name in the report; made from the short name when absent")
    date: Day = Field(description="the day itself; it must come after as_of, within ten years")

    @property
    def title(self) -> str:
        """The label, or the short name as words."""
        return self.label or title_of(self.name)


class HeadlineConfig(Settings):
    """The question answered first, on page 1 and at the end of a run."""

    target: str = Field(description="key of one of the targets")
    milestone: str = Field(description="name of one of the milestones")


class DecisionConfig(Settings):
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


class CalendarAct(Settings):
    """An act known or expected ahead; it happens with its probability."""

    date: Day = Field(description="expected day, after as_of and not after the last milestone")
    category: Category = Field(description="category of the act in the codebook")
    subcategory: Subcategory | None = optional("what kind of act of its category, as event files name it")
    severity: Severity = Field(description="severity it would be coded with, 1 to 5")
    by: Actor | None = optional("who acts; required where a target counts such acts of some actors only")
    towards: Actor | None = optional("towards whom; required where a target counts such acts by that")
    probability: Probability = Field(description="probability that it happens, 0 to 1")
    label: Text = Field(description="what it is, in a few words")


class ModelConfig(Settings):
    """The model family, and the priors: where their defaults come from, and which differ from them."""

    family: str = Field(
        default=DEFAULT_FAMILY,
        description="model, pooled_hazard or combined; see docs/model.md",
        examples=["model", "pooled_hazard", "combined"],
    )
    population: Text = Field(
        default="shipped",
        description="where default priors come from: 'shipped' (learned from other dyads), 'none' "
        "(documented ones), or a file made by tools/learn, from the folder of the config",
        examples=list(PACKAGED_POPULATIONS),
    )
    hazard: Text = Field(
        default=SHIPPED_HAZARD,
        description="coefficients of the pooled hazard: 'shipped', or a file made by tools/learn, "
        "from the folder of the config; used by the families pooled_hazard and combined",
        examples=[SHIPPED_HAZARD],
    )
    priors: Annotated[Mapping[PriorName, PriorValue], EMPTY_MAPPING] = Field(
        default_factory=dict,
        description="word, distribution or quantiles by prior name; 'forecast priors' lists them",
    )


class SamplerConfig(Settings):
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


class ImpactConfig(Settings):
    """How grave a target would be for the reader, as judged by the author of the report."""

    level: Literal["negligible", "minor", "moderate", "major", "severe"] = Field(
        description="gravity if it happens; printed beside the event"
    )
    rationale: Text = Field(description="why, in one sentence; printed beside what counts as the event")


ReportSection = Literal[
    "brief", "milestones", "sources", "assumptions", "scenarios", "track-record", "data", "method"
]
"""Parts of the report: page 1, then those that defend it, each with its tables in ``report.html``."""


class ReportConfig(Settings):
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
    """Return milestones with so many days between them and the as-of date."""
    return tuple(
        # Cut at the end of the calendar, where it is refused as not after the as-of date.
        MilestoneConfig(
            name=f"days_{days}",
            label=f"within {days} days",
            date=as_of + min(timedelta(days + 1), date.max - as_of),
        )
        for days in horizons
    )


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
        description=f"the dates to forecast up to; those that end {USUAL_IN_WORDS} days when absent",
    )
    headline: HeadlineConfig = Field(
        default_factory=lambda fields: HeadlineConfig(
            target=next(iter(fields["targets"])), milestone=fields["milestones"][-1].name
        ),
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
    outcome: Literal["hide", "show"] = Field(
        default="hide",
        description="show: a box of the report tells what the event file knows of later days",
    )

    def disagreements(self) -> Iterator[Fault]:
        """Yield every disagreement between settings."""
        yield from target_faults(self.targets)
        yield from by_faults(self.targets, self.dyad)
        yield from dyad_faults(self.dyad)
        yield from _event_faults(self.events, self.as_of)
        yield from milestone_faults(self.milestones, self.as_of)
        yield from unknown_names(self.headline, self.targets, self.milestones)
        for name in self.report.impact:
            if name not in self.targets:
                yield Fault(("report", "impact", name), _no_such("target", name, [*self.targets]))
        yield from self._calendar_faults()
        yield from reaction_faults(self.reactions)
        yield from setting_faults(self.reactions, self, [(act.label, act.date) for act in self.calendar])

    def _calendar_faults(self) -> Iterator[Fault]:
        last, dyad = max(milestone.date for milestone in self.milestones), self.dyad
        actors = [*dyad.side_a, *dyad.side_b, *dyad.theatre]
        first: dict[object, int] = {}
        for index, act in enumerate(self.calendar):
            if act.date <= self.as_of:
                advice = "past acts belong in the event file; remove it here"
                message = f"{act.date} is not after as_of ({self.as_of}); {advice}"
                yield Fault(("calendar", index, "date"), message)
            if act.date > last:
                message = f"{act.date} is after the last milestone ({last}), so it would change nothing; "
                yield Fault(("calendar", index, "date"), f"{message}remove it")
            same = act.model_dump(exclude={"probability"})
            if first.setdefault(tuple(same.values()), index) != index:
                message = f"the same act as calendar[{first[tuple(same.values())]}]; "
                yield Fault(("calendar", index), f"{message}it would be counted twice, remove one")
            for key, actor in (("by", act.by), ("towards", act.towards)):
                if actor is not None and actor not in actors:
                    yield Fault(("calendar", index, key), unknown_actor(actor, actors))
            acting = way(act.by or "", act.towards or "")
            for name, target in self.targets.items():
                met = act.category in target.any_of and act.severity >= target.min_severity
                if met and may_be(acting, target.acting) and not is_way(acting, target.acting):
                    yield Fault(("calendar", index), actor_missing(name, target.acting))
                    break

    def coding_complete(self, day: date) -> bool:
        """Whether acts of a day are coded as fully as before, by the author's word."""
        first, last = self.events.coding_complete or (date.max, date.min)
        return first <= day <= last

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
        return None if self.model.hazard == SHIPPED_HAZARD else self._resolved(self.model.hazard)

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


def target_faults(targets: Mapping[str, TargetConfig]) -> Iterator[Fault]:
    """Yield targets that the same acts meet."""
    first: dict[object, str] = {}
    for name, target in targets.items():
        acts = frozenset(target.any_of), target.min_severity, frozenset(target.acting)
        if (same := first.setdefault(acts, name)) != name:
            yield Fault(("targets", name), f"the same acts meet '{same}'; keep one of the two")


def by_faults(targets: Mapping[str, TargetConfig], dyad: DyadConfig) -> Iterator[Fault]:
    """Yield targets whose actors are not of the dyad, never act so, or leave nobody out."""
    sides = [*dyad.side_a, *dyad.side_b]
    for name, target in targets.items():
        for key, message in _acting_faults(target, dyad, [*sides, *dyad.theatre]):
            if key != "by":
                yield Fault(("targets", name, key), message)
        for actor in target.by:
            if actor not in sides:
                what = "a third party (dyad.theatre)" if actor in dyad.theatre else "on neither side"
                message = f"'{actor}' is {what}; only acts of the two sides can count. Allowed: "
                yield Fault(("targets", name, "by"), message + ", ".join(sides))
        if not dyad.theatre and set(target.by) == set(sides) and not target.towards:
            yield Fault(("targets", name, "by"), "names both sides, so it leaves out nobody; remove it")


def _acting_faults(
    stated: TargetConfig | TriggerConfig | AnswerConfig, dyad: DyadConfig, actors: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield actors that the dyad does not name, and ways of acting that none of its acts has, or all."""
    groups = () if isinstance(stated, AnswerConfig) else stated.between
    between = tuple(actor for group in groups for actor in group)
    for key, named in (("by", stated.by), ("towards", stated.towards), ("between", between)):
        unknown = [actor for actor in named if actor not in actors]
        yield from ((key, unknown_actor(actor, actors)) for actor in unknown)
        if unknown:
            return
    if groups and (stated.by or stated.towards):
        yield "between", "says who acts towards whom already; remove it, or by and towards"
    elif groups and (len(groups) != 2 or {*groups[0]} & {*groups[1]}):
        yield "between", "expected two different actors or lists of actors, e.g. [ISR, IRN]"
    elif groups or stated.towards:
        key = "between" if groups else "towards"
        third = [(side, other) for side in (*dyad.side_a, *dyad.side_b) for other in dyad.theatre]
        pairs = [*((a, b) for a in dyad.side_a for b in dyad.side_b), *third]
        every = [way(*pair) for one in pairs for pair in (one, one[::-1])]
        if not (acts := [one for one in every if is_way(one, stated.acting)]):
            message = "a side and the other, or the theatre, act towards each other"
            yield key, f"no act of the dyad is{acted(stated.acting)}; {message}"
        elif len(acts) == len(every):
            yield key, "leaves out nobody; remove it"


def actor_missing(target: str, acting: Sequence[str]) -> str:
    """Return the message for an act that does not say by whom, or towards whom, where a target asks."""
    alone = f"the target '{target}' counts such acts{acted(acting)} alone"
    by, towards = parties(acting[0])
    if towards:
        return f"{alone}; say who acts towards whom, e.g. by: {by or '…'}, towards: {towards}"
    return f"{alone}; say who acts, e.g. by: {acting[0]}"


def dyad_faults(dyad: DyadConfig) -> Iterator[Fault]:
    """Yield actors that stand on both sides, or in a side and the theatre."""
    place: dict[str, str] = {}
    for key, actors in (("a", dyad.side_a), ("b", dyad.side_b), ("theatre", dyad.theatre)):
        for actor in actors:
            if place.setdefault(actor, key) != key:
                message = f"'{actor}' is in dyad.{place[actor]} already; an actor has one place"
                yield Fault(("dyad", key), message)


def _event_faults(events: EventsConfig, as_of: date) -> Iterator[Fault]:
    bundled = events.source.startswith(BUNDLED_PREFIX)
    if not FIRST_YEAR <= as_of.year <= LAST_YEAR:
        yield Fault(("as_of",), f"year {as_of.year} is out of range; allowed: {FIRST_YEAR} to {LAST_YEAR}")
    if events.start and events.start >= as_of:
        message = f"{events.start} is not before as_of ({as_of}); no event would be left to learn from"
        yield Fault(("events", "start"), message)
    if events.store and events.source != events.store:
        yield Fault(("events", "store"), "source is given as well; keep one of the two")
    if events.dates != "iso" and (events.store or bundled):
        what = events.source if bundled else "a store"
        yield Fault(("events", "dates"), f"would have no effect: {what} has days as YYYY-MM-DD")
    if events.licensed and not events.use:
        message = "would have no effect without use: client or internal"
        yield Fault(("events", "licensed"), message)


def milestone_faults(milestones: Sequence[MilestoneConfig], as_of: date) -> Iterator[Fault]:
    """Yield milestones of one name or day, and those that are not ahead or too far."""
    first_named: dict[str, int] = {}
    first_on: dict[date, int] = {}
    for index, milestone in enumerate(milestones):
        name, day, place = milestone.name, milestone.date, ("milestones", index, "date")
        if first_named.setdefault(name, index) != index:
            yield Fault(("milestones", index, "name"), f"'{name}' names an earlier milestone too; rename one")
        if (same := first_on.setdefault(day, index)) != index:
            for milestone_index, other in ((same, index), (index, same)):
                message = f"{day} is the day of milestones[{other}] as well; keep one, or change its day"
                yield Fault(("milestones", milestone_index, "date"), message)
        ahead, advice = (day - as_of).days, "give a later day or remove it"
        if ahead <= 0:
            yield Fault(place, f"{day} is not after as_of ({as_of}); {advice}")
        elif ahead == 1:
            yield Fault(place, f"no day lies between as_of ({as_of}) and {day}; {advice}")
        elif ahead > LONGEST_HORIZON.days:
            message = f"{day} is more than ten years after as_of ({as_of}); no model of events reaches so far"
            yield Fault(place, message)


def unknown_names(
    headline: HeadlineConfig, targets: Mapping[str, TargetConfig], milestones: Sequence[MilestoneConfig]
) -> Iterator[Fault]:
    """Yield what a headline names and is not there."""
    dated = list(dict.fromkeys(milestone.name for milestone in milestones))
    for kind, known in (("target", [*targets]), ("milestone", dated)):
        if (name := getattr(headline, kind)) not in known:
            yield Fault(("headline", kind), _no_such(kind, name, known))


def reaction_stated(
    name: str, reaction: ReactionConfig, config: Config, events: EventTable | None = None
) -> ReactionStated:
    """Return the facts of a reaction; who answers includes those of the theatre where events are known."""
    when, then = reaction.when, reaction.then
    trigger: ActsNamed | OccasionNamed
    if when.category:
        severities = tuple(when.severity) or SEVERITIES
        trigger = ActsNamed(
            category=when.category, subcategory=when.subcategory, severities=severities, by=when.acting
        )
    else:
        label = config.milestone(when.milestone).title if when.milestone else when.calendar or ""
        trigger = OccasionNamed(label=label, past=reaction.past)
    by = config.dyad.rule.acting_for(then.by, events, then.category) if then.by else ()
    return ReactionStated(
        name=name,
        label=reaction.label or "",
        trigger=trigger,
        answer=AnswerNamed(target=then.target, categories=then.category, by=tuple(by), towards=then.towards),
        days=reaction.days,
        chance=reaction.chance if isinstance(reaction.chance, str | float) else dict(reaction.chance),
        uses_record=reaction.record == "use",
    )
