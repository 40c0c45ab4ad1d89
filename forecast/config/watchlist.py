"""A watchlist: many dyads, one set of event files, targets, horizons and triggers; read and checked.

All faults of a list are named at once, with their lines. What holds for a config holds for a list too: no
unknown keys, settings that agree, relative paths from the folder of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from forecast.config.field_types import (
    EMPTY_LIST,
    EMPTY_MAPPING,
    ONE_OR_MORE,
    PERCENT_SCHEMA,
    Day,
    FolderName,
    KeyName,
    Text,
    Whole,
    as_share,
)
from forecast.config.schema import (
    LONGEST_HORIZON,
    UNNAMED,
    Config,
    DyadConfig,
    HeadlineConfig,
    MilestoneConfig,
    ModelConfig,
    SamplerConfig,
    TargetConfig,
    by_faults,
    cross_faults,
    day_in,
    mapping_in,
    milestones_after,
    sequence_in,
    title_of,
)
from forecast.config.settings_file import (
    Fault,
    KeyPath,
    Position,
    Section,
    SettingsFile,
    SourceMap,
    folder_name,
    load_settings,
    read_yaml,
    refusal,
    shown_value,
)
from forecast.events.dyads import DyadRule
from forecast.records.base import USUAL_HORIZONS, USUAL_IN_WORDS
from forecast.records.scale import PACKAGED, STANDARD

MOST_DYADS = 10_000
LEAST_STEP = 0.01


def _threshold(value: object) -> float:
    """Read a trigger: a share, a percent, or cost and loss, whose ratio is the threshold."""
    threshold = as_share(value)
    if isinstance(value, Mapping):
        if set(value) != {"cost", "loss"}:
            raise refusal("a trigger by cost and loss needs both and no other key: {cost: 1, loss: 5}")
        cost, loss = value["cost"], value["loss"]
        if all(type(amount) in (int, float) and amount > 0 for amount in (cost, loss)):
            threshold = cost / loss
    if isinstance(threshold, float) and 0.0 < threshold < 1.0:
        return threshold
    raise refusal(
        f"got {shown_value(value)}; expected a probability between 0 and 1, a percent such as 35%, or "
        "{cost: 1, loss: 5} (acting pays from cost / loss on)"
    )


def _step(value: object) -> float:
    step = as_share(value)
    if isinstance(step, float) and LEAST_STEP <= step < 1.0:
        return step
    raise refusal(
        f"got {shown_value(value)}; expected a change of a probability from 1% to below 100%, e.g. 10%"
    )


_COST_AND_LOSS = {
    "type": "object",
    "properties": {"cost": {"type": "number"}, "loss": {"type": "number"}},
    "required": ["cost", "loss"],
    "additionalProperties": False,
}
_SHARE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
Threshold = Annotated[
    float,
    BeforeValidator(_threshold),
    WithJsonSchema({"anyOf": [_SHARE, PERCENT_SCHEMA, _COST_AND_LOSS]}),
]
Step = Annotated[
    float,
    BeforeValidator(_step),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": LEAST_STEP, "maximum": 1}, PERCENT_SCHEMA]}),
]


class WatchedDyad(DyadConfig):
    """One entry of the list: two sides, and what differs from the rest of the list."""

    name: FolderName | None = Field(
        default=None, description="name of the entry and of its folder; made from the sides when absent"
    )
    targets: Mapping[KeyName, TargetConfig] | None = Field(
        default=None, min_length=1, description="targets of this dyad alone; those of the list when absent"
    )

    @property
    def key(self) -> str:
        """Its name, e.g. ``usa-irq``."""
        return self.name or folder_name("-".join((*self.side_a, *self.side_b))) or "dyad"

    @property
    def rule(self) -> DyadRule:
        """Which acts count."""
        return DyadRule(self.side_a, self.side_b, self.theatre)


class ListModelConfig(ModelConfig):
    """The model of a list: as in a config, but for a default family that needs no fit."""

    family: str = Field(
        default="panel",
        description="panel (no sampling), or model or combined, fitted for each dyad; see docs/model.md",
        examples=["panel", "combined", "model"],
    )


class OnChange(Section):
    """What is called when dyads change; nothing unless configured."""

    step: Step | None = Field(
        default=None,
        description="also tell when the headline has moved by this since it was last told; only changes of "
        "trigger when absent",
    )
    command: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="program and its arguments; gets the changes as JSON on standard input"
    )


class Watchlist(SettingsFile):
    """Everything a watch needs to know, checked as a whole."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of this format")
    name: FolderName = Field(
        default=UNNAMED, description="name of the list; its watches go to reports/<name>/<as_of>/"
    )
    as_of: Day = Field(description="day of the watch; nothing that became known later is read")
    events: Annotated[tuple[Text, ...], ONE_OR_MORE, Field(min_length=1)] = Field(
        description="event files, patterns or stores from the folder of the list, one dyad or many in each; "
        "'bundled:us-china' is one too"
    )
    dates: Literal["iso", "dmy", "mdy"] = Field(default="iso", description="how the files write days")
    use: Literal["client", "internal"] | None = Field(
        default=None, description="what the watch is for: acts whose terms bar that use are refused"
    )
    licensed: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="sources of which you hold a licence for this use, e.g. [acled]"
    )
    start: Day | None = Field(default=None, description="first day used; a dyad's first event when absent")
    scale: Text = Field(
        default=STANDARD,
        description="what severities mean: standard, armed, or a file of anchors from the folder of the list",
        examples=[*PACKAGED],
    )
    targets: Mapping[KeyName, TargetConfig] = Field(min_length=1, description="the escalations to forecast")
    horizons: Annotated[tuple[Whole, ...], Field(min_length=1)] | None = Field(
        default=None, description=f"days ahead; {USUAL_IN_WORDS} when neither these nor milestones are given"
    )
    milestones: tuple[MilestoneConfig, ...] | None = Field(
        default=None, min_length=1, description="dates to forecast up to, in place of horizons"
    )
    headline: HeadlineConfig | None = Field(
        default=None,
        description="what dyads are ranked by and triggers watch; first target, last milestone when absent",
    )
    dyads: tuple[WatchedDyad, ...] = Field(
        min_length=1, max_length=MOST_DYADS, description="the pairs to watch"
    )
    triggers: Annotated[Mapping[KeyName, Threshold], EMPTY_MAPPING] = Field(
        default_factory=dict,
        description="name → probability from which it holds, rising; or {cost, loss}, whose ratio it is",
    )
    hysteresis: Annotated[float, Field(strict=True, ge=0.0, lt=1.0, allow_inf_nan=False)] = Field(
        default=0.2, description="a trigger ends only below its threshold × (1 − this)"
    )
    on_change: Annotated[OnChange, EMPTY_MAPPING] = Field(
        default=OnChange(), description="what to call when dyads change"
    )
    stale: Literal["stamp", "refuse"] = Field(
        default="stamp",
        description="what becomes of a dyad whose feed is old for its own pace: its forecast is stamped, or "
        "not made",
    )
    model: Annotated[ListModelConfig, EMPTY_MAPPING] = Field(default=ListModelConfig())
    sampler: Annotated[SamplerConfig, EMPTY_MAPPING] = Field(default=SamplerConfig())
    paper: Literal["a4", "us-letter"] = Field(default="a4", description="paper size of the PDF")

    @staticmethod
    def disagreements(settings: Mapping[str, object]) -> list[Fault]:
        """Return every disagreement between settings; those shared with a config are found as there."""
        return _watchlist_faults(settings)

    @property
    def shared_milestones(self) -> tuple[MilestoneConfig, ...]:
        """The milestones of every dyad."""
        return self.milestones or milestones_after(self.as_of, self.horizons or USUAL_HORIZONS)

    @property
    def asked(self) -> HeadlineConfig:
        """The question that dyads are ranked by: a target and a milestone."""
        last = self.shared_milestones[-1].name
        return self.headline or HeadlineConfig(target=next(iter(self.targets)), milestone=last)

    def targets_of(self, dyad: WatchedDyad) -> Mapping[str, TargetConfig]:
        """Targets of one dyad."""
        return dyad.targets or self.targets

    @property
    def target_titles(self) -> dict[str, str]:
        """Titles of the targets of all dyads, by name; the list's own come before a dyad's."""
        every = [*(self.targets_of(dyad) for dyad in self.dyads), self.targets]
        return {name: target.label or title_of(name) for targets in every for name, target in targets.items()}

    def headline_of(self, dyad: WatchedDyad) -> HeadlineConfig:
        """The question of the list, about the dyad's own first target where it has not that of the list."""
        asked, own = self.asked, self.targets_of(dyad)
        return asked if asked.target in own else asked.model_copy(update={"target": next(iter(own))})

    def config_of(self, position: int, source: str) -> Config:
        """Return the config of one dyad, with ``source`` as the file of its events.

        Errors about it name its line in the list.
        """
        dyad = self.dyads[position]
        events = self.model_dump(include={"dates", "start", "use", "licensed"}) | {"source": source}
        if source.startswith("bundled:"):
            events["dates"] = "iso"
        config = Config.model_validate(
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
        place = self._source.origin(("dyads", position))
        here: dict[KeyPath, Position | str] = {} if isinstance(place, str) else {(): place}
        config._source = SourceMap(self._source.file, here)
        config._source_path = self._source_path
        return config


def is_watchlist(path: str | Path) -> bool:
    """Whether a YAML file is a list of dyads, and not the config of one (``ConfigError``: it is no YAML)."""
    return "dyads" in read_yaml(Path(path))[0]


def load_watchlist(path: str | Path, overrides: Sequence[str] = (), as_of: date | None = None) -> Watchlist:
    """Read, override and check a watchlist; nothing but this one file is opened.

    Raises ``ConfigError`` once, with every fault.
    """
    other = ("dyad", "dyads", f"is of a config of one dyad; use it with 'forecast run {path}', or give dyads")
    return load_settings(Watchlist, Path(path), overrides, as_of=as_of, other=other)


def _watchlist_faults(settings: Mapping[str, object]) -> list[Fault]:
    shared: dict[str, Any] = {
        key: settings[key] for key in ("as_of", "targets", "milestones", "headline") if settings.get(key)
    }
    days = sequence_in(settings.get("horizons"))
    if days:
        shared["milestones"] = [{"name": f"days_{ahead}"} for ahead in days]
    faults = [*_horizon_faults(settings), *cross_faults(shared)]
    # The milestones of horizons stand nowhere in the file: their faults are those of the horizons.
    faults = [fault for fault in faults if fault.path[:1] != ("milestones",) or settings.get("milestones")]
    told = mapping_in(settings.get("on_change"))
    if told.get("step") and not told.get("command"):
        faults.append(Fault(("on_change", "step"), "nobody is told; add command, or leave it out"))
    return [*faults, *_dyad_faults(settings), *_trigger_faults(settings)]


def _horizon_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    if settings.get("horizons") and settings.get("milestones"):
        yield Fault(("milestones",), "horizons are given as well; keep one of the two")
    days = [ahead if type(ahead) is int else 0 for ahead in sequence_in(settings.get("horizons"))]
    for place, ahead in enumerate(days):
        if ahead and not 2 <= ahead <= LONGEST_HORIZON.days:
            yield Fault(("horizons", place), f"got {ahead}; expected 2 to {LONGEST_HORIZON.days} days")
        elif ahead and place and ahead <= days[place - 1]:
            message = f"{ahead} is not after {days[place - 1]}; give them in rising order, each once"
            yield Fault(("horizons", place), message)
    start, as_of = day_in(settings.get("start")), day_in(settings.get("as_of"))
    if start and as_of and start >= as_of:
        yield Fault(("start",), f"{start} is not before as_of ({as_of}); no event would be left")


def _dyad_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    names: dict[str, int] = {}
    entries: dict[object, int] = {}
    for place, stated in enumerate(sequence_in(settings.get("dyads"))):
        entry = mapping_in(stated)
        sides = {key: value for key, value in entry.items() if key not in ("name", "targets")}
        if not sides.get("a") or not sides.get("b"):
            continue
        for fault in cross_faults({"dyad": sides}):
            yield Fault(("dyads", place, *fault.path[1:]), fault.message)
        if entry.get("targets"):
            for fault in by_faults(mapping_in(entry["targets"]), sides):
                yield Fault(("dyads", place, *fault.path), fault.message)
        else:
            for fault in by_faults(mapping_in(settings.get("targets")), sides):
                yield Fault(fault.path, f"{fault.message} (dyads.{place})")
        try:
            dyad = WatchedDyad.model_validate({**sides, "name": entry.get("name")})
        except ValidationError:
            continue
        both = frozenset((frozenset(dyad.side_a), frozenset(dyad.side_b)))
        first = entries.setdefault((both, frozenset(dyad.theatre), repr(entry.get("targets"))), place)
        namesake = names.setdefault(dyad.key, place)
        if first != place:
            yield Fault(("dyads", place), f"the same dyad as dyads.{first}; remove one")
        elif namesake != place:
            message = f"'{dyad.key}' is the name of dyads.{namesake} too; name one of them"
            yield Fault(("dyads", place), message)


def _trigger_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    before: tuple[str, float] | None = None
    for name, value in mapping_in(settings.get("triggers")).items():
        try:
            threshold = _threshold(value)
        except ValueError:
            continue
        if before and threshold <= before[1]:
            message = f"{threshold:g} is not above '{before[0]}' ({before[1]:g}); triggers must rise"
            yield Fault(("triggers", name), message)
        before = (name, threshold)
