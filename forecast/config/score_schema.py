"""The structure of a config of weekly scores: a dyad known by a number a week instead of coded acts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from forecast.config.cross_checks import CROSS_FAULT, score_cross_faults
from forecast.config.faults import Fault, KeyPath, SourceMap, dotted_path
from forecast.config.field_types import (
    EMPTY_MAPPING,
    Day,
    FolderName,
    KeyName,
    Number,
    PriorName,
    PriorValue,
    Text,
)
from forecast.config.schema import (
    DyadConfig,
    HeadlineConfig,
    MilestoneConfig,
    SamplerConfig,
    Section,
    default_headline,
    title_of,
)
from forecast.errors import ConfigError


class ScoresSection(Section):
    """The weekly scores that the model learns from."""

    source: Text = Field(description="CSV file of weekly scores, from the folder of the config")
    start: Day | None = Field(
        default=None, description="weeks that begin earlier are left out; the first of the file when absent"
    )


class ScoreTarget(Section):
    """A turn of the relation: a week whose score falls below a bound."""

    label: Text | None = Field(default=None, description="name in the results; made from the key when absent")
    direction: Literal["a_to_b", "b_to_a", "both"] = Field(
        default="both", description="whose acts: of a towards b, of b towards a, or the sum of both"
    )
    score_below: Number = Field(description="the target is met by a week with a score below this")


class ScoreModelSection(Section):
    """The priors that differ from their documented defaults."""

    priors: Annotated[Mapping[PriorName, PriorValue], EMPTY_MAPPING] = Field(
        default_factory=dict, description="distribution or quantiles by prior name, see docs/scores.md"
    )


class ScoreConfig(Section):
    """Everything a forecast from weekly scores needs to know, checked as a whole.

    Raises
    ------
    pydantic.ValidationError
        When built directly from values that do not fit. ``load_score_config`` raises ``ConfigError``
        instead, with the line of every fault.
    """

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of this format")
    name: FolderName = Field(description="name of the forecast; its runs go to reports/<name>/<as_of>/")
    dyad: DyadConfig
    as_of: Day = Field(description="day of the forecast; nothing that became known later is read")
    scores: ScoresSection
    targets: Mapping[KeyName, ScoreTarget] = Field(min_length=1, description="the turns to forecast")
    milestones: tuple[MilestoneConfig, ...] = Field(min_length=1, description="the dates to forecast up to")
    headline: HeadlineConfig = Field(
        default_factory=default_headline,
        description="the bottom line; first target and last listed milestone when absent",
    )
    model: Annotated[ScoreModelSection, EMPTY_MAPPING] = Field(default=ScoreModelSection())
    sampler: SamplerConfig

    _source: SourceMap = PrivateAttr(default_factory=lambda: SourceMap("config"))
    _source_path: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _settings_agree(self) -> ScoreConfig:
        faults = score_cross_faults(self.model_dump(by_alias=True))
        if faults:
            lines = [f"{dotted_path(fault.path)}: {fault.message}" for fault in faults]
            raise PydanticCustomError(CROSS_FAULT, "{lines}", {"lines": "\n".join(lines)})
        return self

    @property
    def scores_path(self) -> Path:
        """The file of scores, resolved against the folder of the config."""
        base = self._source_path.parent if self._source_path else Path()
        return base / Path(self.scores.source).expanduser()

    def target_title(self, name: str) -> str:
        """Return the label of a target, or its key as words (``KeyError`` when there is none)."""
        return self.targets[name].label or title_of(name)

    def error(self, key_path: KeyPath, message: str) -> ConfigError:
        """Return (not raise) an error about one key, with its place in the file."""
        return self._source.error([Fault(key_path, message)])
