"""The config as types: what can be set, its defaults, and what each setting means.

Every model is frozen and refuses unknown keys. Defaults are written here only; ``forecast schema config``
prints them as JSON Schema and ``docs/config.md`` explains them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from forecast.config.cross_checks import cross_faults, usual_milestones
from forecast.config.event_settings import EventsConfig
from forecast.config.faults import Fault, Section, SettingsFile, refusal
from forecast.config.field_types import (
    EMPTY_LIST,
    EMPTY_MAPPING,
    Actor,
    Actors,
    Categories,
    Category,
    Cost,
    Day,
    FolderName,
    KeyName,
    Number,
    PriorName,
    PriorValue,
    Probability,
    Severity,
    Share,
    Side,
    Text,
    Whole,
)
from forecast.config.report_settings import ImpactConfig as ImpactConfig
from forecast.config.report_settings import ReportConfig
from forecast.events.countries import country_code, pair_title
from forecast.records.horizons import USUAL_HORIZONS, USUAL_IN_WORDS
from forecast.records.scale import PACKAGED, STANDARD

BUNDLED_PREFIX = "bundled:"
GRAVE = 4
"""Least severity of a target that is of high impact without its author saying so."""
UNNAMED = "forecast"
"""Name of a config that has none, and no file whose name could be its own."""


class DyadConfig(Section):
    """The two sides whose relationship is forecast, and whose acts count."""

    a: Side = Field(description="first side: an actor as the event file names it, or a list of actors")
    b: Side = Field(description="second side")
    theatre: Actors = Field(
        default=(), description="third parties: acts between one of them and a side count as well"
    )
    label: Text | None = Field(
        default=None, description="how the report names the pair; the actors when absent, countries by name"
    )

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


class TargetConfig(Section):
    """An escalation to be forecast: any act of these categories, at least this severe, by these actors."""

    label: Text | None = Field(
        default=None, description="title of the question; made from the key when absent"
    )
    any_of: Categories = Field(description="categories of which one act is enough")
    min_severity: Severity = Field(description="least severity that counts, 1 (routine) to 5 (extreme)")
    by: Actors = Field(
        default=(), description="actors of the two sides whose acts count; acts of everybody when absent"
    )
    counts: Text | None = Field(
        default=None, description="what counts, in one line; the anchors of the scale when absent"
    )
    does_not_count: Text | None = Field(
        default=None, description="what comes close and does not count; the anchors just below when absent"
    )
    edge_cases: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="doubtful cases and how each is decided, one line each"
    )


class MilestoneConfig(Section):
    """A dated point ahead; the forecast is the probability that a target is met before that day."""

    name: KeyName = Field(description="short name, unique in the list")
    label: Text | None = Field(
        default=None, description="name in the report; made from the short name when absent"
    )
    date: Day = Field(description="the day itself; it must come after as_of, within ten years")

    @property
    def title(self) -> str:
        """The label, or the short name as words."""
        return self.label or title_of(self.name)


class HeadlineConfig(Section):
    """The question answered first, on page 1 and at the end of a run."""

    target: str = Field(description="key of one of the targets")
    milestone: str = Field(description="name of one of the milestones")
    threshold: Share | None = Field(
        default=None, description="a probability whose crossing would change what you do; break-evens name it"
    )


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
    """An act known or expected ahead; it enters the simulation with its probability."""

    date: Day = Field(description="expected day, after as_of and not after the last milestone")
    category: Category = Field(description="category of the act in the codebook")
    severity: Severity = Field(description="severity it would be coded with, 1 to 5")
    by: Actor | None = Field(
        default=None, description="who acts; required where a target counts such acts of some actors only"
    )
    probability: Probability = Field(description="probability that it happens, 0 to 1")
    label: Text = Field(description="what it is, in a few words")


PACKAGED_POPULATIONS = ("shipped", "none")
SHIPPED_HAZARD = "shipped"
DEFAULT_FAMILY = "combined"
"""The family that is shipped as the default; ``docs/validation.md`` has the rule that chose it."""


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
        "(documented ones), or a file made by 'forecast priors learn', from the folder of the config",
        examples=list(PACKAGED_POPULATIONS),
    )
    panel: Text = Field(
        default=SHIPPED_HAZARD,
        description="coefficients of the pooled hazard: 'shipped', or a file made by 'forecast panel learn', "
        "from the folder of the config; used by the families panel and combined",
        examples=[SHIPPED_HAZARD],
    )
    priors: Annotated[Mapping[PriorName, PriorValue], EMPTY_MAPPING] = Field(
        default_factory=dict,
        description="word, distribution or quantiles by prior name; 'forecast priors' lists them",
    )


class SamplerConfig(Section):
    """How long to sample, how many futures to draw, and from which seed."""

    draws: Whole = Field(default=1000, ge=10, le=100_000, description="kept draws of each chain")
    tune: Whole = Field(default=400, ge=10, le=100_000, description="warm-up steps of each chain, not kept")
    chains: Whole = Field(default=4, ge=2, le=64, description="chains; convergence cannot be judged from one")
    seed: Whole = Field(default=1, ge=0, le=2**63 - 1, description="same config and seed, same numbers")
    target_accept: Number = Field(
        default=0.9, gt=0.5, lt=1.0, description="target acceptance rate of the sampler"
    )
    paths_per_draw: Whole = Field(
        default=16, ge=2, le=10_000, description="simulated futures a posterior draw"
    )
    engine: Literal["core", "pymc"] = Field(
        default="core",
        description="what samples: core (compiled code), or pymc (the definition in PyMC, slow)",
    )
    max_minutes: Number = Field(
        default=240.0,
        gt=0,
        le=100_000,
        description="minutes after which a sampling that has not ended is stopped; changes no number",
    )


def milestones_after(as_of: date, horizons: Sequence[int] = USUAL_HORIZONS) -> tuple[MilestoneConfig, ...]:
    """Return milestones so many days after the as-of date."""
    return tuple(MilestoneConfig(**milestone._asdict()) for milestone in usual_milestones(as_of, horizons))


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
    events: EventsConfig
    scale: Text = Field(
        default=STANDARD,
        description="what severities mean: standard, armed (relations with routine fire), or a file of "
        "anchors from the folder of the config",
        examples=[*PACKAGED],
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
    decision: DecisionConfig | None = Field(default=None, description="costs of acting and of surprise")
    calendar: Annotated[tuple[CalendarAct, ...], EMPTY_LIST] = Field(
        default=(), description="acts expected ahead"
    )
    model: Annotated[ModelConfig, EMPTY_MAPPING] = Field(default=ModelConfig())
    scenarios: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="scenario files to be compared with the forecast, from the config's folder"
    )
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
    def audit_path(self) -> Path | None:
        """The audit of the events, resolved against ``base_folder``; ``None`` without one."""
        return self._resolved(self.events.audit)

    @property
    def population_path(self) -> Path | None:
        """The file of default priors, resolved against ``base_folder``; ``None`` for those of the package."""
        asked = self.model.population
        return None if asked in PACKAGED_POPULATIONS else self._resolved(asked)

    @property
    def scale_path(self) -> Path | None:
        """The file of anchors, resolved against ``base_folder``; ``None`` for a scale of the package."""
        return None if self.scale in PACKAGED else self._resolved(self.scale)

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


def title_of(name: str) -> str:
    """Return a key as words with a capital, e.g. ``Major escalation`` for ``major_escalation``."""
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]
