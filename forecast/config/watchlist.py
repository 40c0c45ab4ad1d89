"""A watchlist: many dyads, one set of event files, targets, horizons and triggers; read and checked.

All faults of a list are named at once, with their lines. What holds for a config holds for a list too: no
unknown keys, settings that agree, relative paths from the folder of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from forecast.config import schema
from forecast.config.field_types import (
    EMPTY_MAPPING,
    ONE_OR_MORE,
    Day,
    FolderName,
    KeyName,
    Share,
    Text,
    Texts,
    Whole,
)
from forecast.config.settings_file import (
    Fault,
    KeyPath,
    Place,
    Settings,
    SettingsFile,
    SourceMap,
    folder_name,
    load_settings,
    optional,
    read_yaml,
    refusal,
    several,
)
from forecast.events.cells import BUNDLED_PREFIX, DateOrder, Use
from forecast.wording import USUAL_HORIZONS, USUAL_IN_WORDS

MOST_DYADS = 10_000
SHARED_KEYS = (("model", "family"), ("model", "hazard"), ("model", "population"))


def _rising[T: (Mapping[str, float], tuple[int, ...])](values: T) -> T:
    """Refuse numbers that do not rise."""
    for before, after in pairwise(values.values() if isinstance(values, Mapping) else values):
        if after <= before:
            raise refusal(f"{after:g} is not above {before:g}; give them in rising order, each once")
    return values


DaysAhead = Annotated[Whole, Field(ge=1, lt=schema.LONGEST_HORIZON.days)]


class WatchedDyad(schema.DyadConfig):
    """One entry of the list: two sides, and what differs from the rest of the list."""

    name: FolderName | None = optional("name of the entry and of its folder; made from the sides when absent")
    targets: Mapping[KeyName, schema.TargetConfig] | None = Field(
        default=None, min_length=1, description="targets of this dyad alone; those of the list when absent"
    )

    @property
    def key(self) -> str:
        """Its name, e.g. ``usa-irq``."""
        return self.name or folder_name("-".join((*self.side_a, *self.side_b))) or "dyad"


class ListModelConfig(schema.ModelConfig):
    """The model of a list: as in a config, but for a default family that needs no fit."""

    family: str = Field(
        default="pooled_hazard",
        description="pooled_hazard (no sampling), model or combined, fitted for each dyad; see docs/model.md",
        examples=["pooled_hazard", "combined", "model"],
    )


class OnChange(Settings):
    """What is called when dyads change; nothing unless configured."""

    step: Share | None = Field(
        default=None,
        description="also tell when the headline has moved by this since it was last told; only changes of "
        "trigger when absent",
    )
    command: Texts = several("program and its arguments; gets the changes as JSON on standard input")


class Watchlist(SettingsFile):
    """Everything a watch needs to know, checked as a whole."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of this format")
    name: FolderName = Field(
        default=schema.UNNAMED, description="name of the list; its watches go to reports/<name>/<as_of>/"
    )
    as_of: Day = Field(description="day of the watch; nothing that became known later is read")
    events: Annotated[tuple[Text, ...], ONE_OR_MORE, Field(min_length=1)] = Field(
        description="event files, patterns or stores from the folder of the list, one dyad or many in each; "
        "'bundled:us-china' is one too"
    )
    dates: DateOrder = Field(default="iso", description="how the files write days")
    use: Use | None = optional("what the watch is for: acts whose terms bar that use are refused")
    licensed: Texts = several("sources of which you hold a licence for this use, e.g. [acled]")
    start: Day | None = optional("first day used; a dyad's first event when absent")
    scale: Literal["standard", "armed"] = Field(
        default="standard", description="what severities mean: standard, or armed (routine fire)"
    )
    targets: Mapping[KeyName, schema.TargetConfig] = Field(
        min_length=1, description="the escalations to forecast"
    )
    horizons: Annotated[tuple[DaysAhead, ...], Field(min_length=1), AfterValidator(_rising)] | None = (
        optional(f"days that count; {USUAL_IN_WORDS} when neither these nor milestones are given")
    )
    milestones: tuple[schema.MilestoneConfig, ...] | None = Field(
        default=None, min_length=1, description="dates to forecast up to, in place of horizons"
    )
    headline: schema.HeadlineConfig | None = optional(
        "what dyads are ranked by; first target, last milestone when absent"
    )
    dyads: tuple[WatchedDyad, ...] = Field(
        min_length=1, max_length=MOST_DYADS, description="the pairs to watch"
    )
    triggers: Annotated[Mapping[KeyName, Share], EMPTY_MAPPING, AfterValidator(_rising)] = Field(
        default_factory=dict, description="name → probability from which it holds, rising"
    )
    hysteresis: Annotated[float, Field(strict=True, ge=0.0, lt=1.0, allow_inf_nan=False)] = Field(
        default=0.2, description="a trigger ends only below its threshold × (1 − this)"
    )
    on_change: Annotated[OnChange, EMPTY_MAPPING] = Field(
        default=OnChange(), description="what to call when dyads change"
    )
    track_record: Text | None = optional(
        "folder that 'forecast backtest' made for this list, from the folder of the list; read where none "
        "lies in reports/<name>/backtest"
    )
    model: Annotated[ListModelConfig, EMPTY_MAPPING] = Field(default=ListModelConfig())
    sampler: Annotated[schema.SamplerConfig, EMPTY_MAPPING] = Field(default=schema.SamplerConfig())
    paper: Literal["a4", "us-letter"] = Field(default="a4", description="paper size of the PDF")

    def disagreements(self) -> Iterator[Fault]:
        """Yield every disagreement between settings; those shared with a config are found as there."""
        yield from schema.target_faults(self.targets)
        yield from schema.milestone_faults(self.milestones or (), self.as_of)
        yield from schema.unknown_names(self.asked, self.targets, self.shared_milestones)
        if self.horizons and self.milestones:
            yield Fault(("milestones",), "horizons are given as well; keep one of the two")
        if self.start and self.start >= self.as_of:
            message = f"{self.start} is not before as_of ({self.as_of}); no event would be left"
            yield Fault(("start",), message)
        if self.on_change.step and not self.on_change.command:
            yield Fault(("on_change", "step"), "nobody is told; add command, or leave it out")
        names: dict[str, int] = {}
        entries: dict[object, int] = {}
        for place, dyad in enumerate(self.dyads):
            for fault in schema.dyad_faults(dyad):
                yield Fault(("dyads", place, *fault.path[1:]), fault.message)
            for fault in schema.by_faults(self.targets_of(dyad), dyad):
                own = dyad.targets is not None
                there = ("dyads", place, *fault.path) if own else fault.path
                yield Fault(there, fault.message if own else f"{fault.message} (dyads[{place}])")
            both = frozenset((frozenset(dyad.side_a), frozenset(dyad.side_b)))
            first = entries.setdefault((both, frozenset(dyad.theatre), repr(dyad.targets)), place)
            namesake = names.setdefault(dyad.key, place)
            if first != place:
                yield Fault(("dyads", place), f"the same dyad as dyads[{first}]; remove one")
            elif namesake != place:
                message = f"'{dyad.key}' is the name of dyads[{namesake}] too; name one of them"
                yield Fault(("dyads", place), message)

    @property
    def shared_milestones(self) -> tuple[schema.MilestoneConfig, ...]:
        """The milestones of every dyad."""
        return self.milestones or schema.milestones_after(self.as_of, self.horizons or USUAL_HORIZONS)

    @property
    def days_ahead(self) -> dict[str, int]:
        """Days after the as-of date and before each milestone, by its name."""
        return {dated.name: (dated.date - self.as_of).days - 1 for dated in self.shared_milestones}

    @property
    def asked(self) -> schema.HeadlineConfig:
        """The question that dyads are ranked by: a target and a milestone."""
        last = self.shared_milestones[-1].name
        return self.headline or schema.HeadlineConfig(target=next(iter(self.targets)), milestone=last)

    def targets_of(self, dyad: WatchedDyad) -> Mapping[str, schema.TargetConfig]:
        """Targets of one dyad."""
        return dyad.targets or self.targets

    @property
    def target_titles(self) -> dict[str, str]:
        """Titles of the targets of all dyads, by name; the list's own come before a dyad's."""
        every = [*(self.targets_of(dyad) for dyad in self.dyads), self.targets]
        return {
            name: target.label or schema.title_of(name)
            for targets in every
            for name, target in targets.items()
        }

    def headline_of(self, dyad: WatchedDyad) -> schema.HeadlineConfig:
        """The question of the list, about the dyad's own first target where it has not that of the list."""
        asked, own = self.asked, self.targets_of(dyad)
        return asked if asked.target in own else asked.model_copy(update={"target": next(iter(own))})

    def config_of(self, position: int, source: str) -> schema.Config:
        """Return the config of one dyad, of the events ``source``; errors name its line in the list."""
        dyad = self.dyads[position]
        events = self.model_dump(include={"dates", "start", "use", "licensed"}) | {"source": source}
        if source.startswith(BUNDLED_PREFIX):
            events["dates"] = "iso"
        config = schema.Config.model_validate(
            self.model_dump(include={"as_of", "scale", "model", "sampler"})
            | {
                "name": dyad.key,
                "dyad": dyad.model_dump(exclude={"name", "targets"}),
                "events": events,
                "targets": {name: target.model_dump() for name, target in self.targets_of(dyad).items()},
                "milestones": [milestone.model_dump() for milestone in self.shared_milestones],
                "headline": self.headline_of(dyad).model_dump(),
            }
        )
        # What all dyads share is named by its own line, anything else by that of the dyad.
        line = self._source.origin
        dates = "milestones" if self.milestones else "horizons"
        places: dict[KeyPath, Place] = {(): line(("dyads", position))}
        places |= {(key, name): line((key, name)) for key, name in SHARED_KEYS}
        places |= {("milestones", place): line((dates, place)) for place in range(len(config.milestones))}
        config._source = SourceMap(self._source.file, places)
        config._source_path = self._source_path
        return config


def is_watchlist(path: str | Path) -> bool:
    """Whether a YAML file is a list of dyads, and not the config of one (``ConfigError``: it is no YAML)."""
    return "dyads" in read_yaml(Path(path))[0]


def load_watchlist(path: str | Path, overrides: Sequence[str] = (), as_of: date | None = None) -> Watchlist:
    """Read, override and check a watchlist (``ConfigError``, once, with every fault)."""
    other = ("dyad", "dyads", f"is of a config of one dyad; use it with 'forecast run {path}', or give dyads")
    return load_settings(Watchlist, Path(path), overrides, as_of=as_of, other=other)
