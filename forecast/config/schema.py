"""The config as types: what can be set, its defaults, what each setting means, and which must agree.

Every model is frozen and refuses unknown keys. Defaults are written here only; ``forecast schema config``
prints them as JSON Schema and ``docs/config.md`` explains them. Checks between settings read them as they
came (days as text or ``date``), so that a file with a wrong type in one place has its other faults told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from forecast.config.field_types import (
    EMPTY_LIST,
    EMPTY_MAPPING,
    Actor,
    Actors,
    Categories,
    Category,
    Colour,
    Cost,
    Day,
    FolderName,
    KeyName,
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
    unknown_actor,
)
from forecast.config.reactions import ReactionConfig, reaction_faults, setting_faults
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
)
from forecast.errors import did_you_mean
from forecast.events.countries import actor_named, country_code, pair_title
from forecast.records.base import USUAL_HORIZONS, USUAL_IN_WORDS

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
