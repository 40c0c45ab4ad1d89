"""A scenario as types: a named diff of a run with its reason.

What can be said without knowing the run is checked here; what refers to it (names of priors, ids of past
events, days after its as-of date) is checked when a scenario is put upon a run (``forecast.scenarios``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date as Date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from forecast.config.cross_checks import CROSS_FAULT
from forecast.config.faults import Fault, SourceMap, dotted_path
from forecast.config.field_types import (
    EMPTY_LIST,
    EMPTY_MAPPING,
    Category,
    Day,
    FolderName,
    KeyName,
    LongText,
    PriorName,
    PriorValue,
    Probability,
    Severity,
    Text,
)
from forecast.config.scenario_checks import scenario_faults
from forecast.config.schema import Section, title_of
from forecast.errors import ConfigError


class AssumedAct(Section):
    """A future act that the scenario assumes: on a day, or some time within a window."""

    date: Day | None = Field(default=None, description="its day; give either date or window")
    window: tuple[Day, Day] | None = Field(
        default=None, description="[first day, last day]: it happens once within, any day as likely"
    )
    category: KeyName = Field(description="category of the codebook, or a type declared under types")
    severity: Severity = Field(description="severity it would be coded with, 1 to 5")
    probability: Probability = Field(default=1.0, description="probability that it happens, 0 to 1")
    label: Text | None = Field(default=None, description="what it is, in a few words")

    @property
    def first_day(self) -> Date:
        """Its day, or the first of its window."""
        day = self.window[0] if self.window else self.date
        assert day is not None  # the checks of the scenario have seen to it
        return day

    @property
    def last_day(self) -> Date | None:
        """The last day of its window; ``None`` for an act with a day of its own."""
        return self.window[1] if self.window else None


def _by_id(value: object) -> object:
    return {"id": value} if isinstance(value, str) else value


class PastEvents(Section):
    """Past events taken out: one by its id, or all that a description fits."""

    id: Text | None = Field(default=None, description="id of one event, as in events.csv")
    category: Category | None = Field(default=None, description="only events of this category")
    from_: Day | None = Field(default=None, alias="from", description="only events from this day on")
    to: Day | None = Field(default=None, description="only events up to this day")
    min_severity: Severity | None = Field(default=None, description="only events at least this severe")


class CalendarChange(Section):
    """Another calendar than that of the config."""

    replace: tuple[AssumedAct, ...] | None = Field(
        default=None, description="acts in place of the whole calendar; [] for none at all"
    )
    extend: Annotated[tuple[AssumedAct, ...], EMPTY_LIST] = Field(
        default=(), description="acts beside those of the calendar"
    )
    probability: Annotated[Mapping[Text, Probability], EMPTY_MAPPING] = Field(
        default_factory=dict, description="other probabilities of acts of the calendar, by their label"
    )


class NewType(Section):
    """A type of act that was never seen, and what one such act would do: its prior."""

    excites: Annotated[Mapping[Category, PriorValue], EMPTY_MAPPING] = Field(
        default_factory=dict,
        description="by category: how many further acts of it one such act brings about (a prior, above 0)",
    )
    calms: PriorValue | None = Field(
        default=None,
        description="how much one such act lowers the log rate of conflictual acts at first (a prior)",
    )
    half_life_days: PriorValue = Field(description="days after which half of its effect is gone (a prior)")
    counts_as: Category | None = Field(
        default=None, description="category whose targets it meets, at its severity; none when absent"
    )
    rationale: LongText = Field(description="why the effect should be so large")


class Scenario(Section):
    """A named diff of a run: other beliefs, another future, or another past, with the reason for it."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of this format")
    name: FolderName = Field(description="short name, unique among the scenarios of a run")
    label: Text | None = Field(
        default=None, description="name in tables; made from the short name when absent"
    )
    rationale: LongText = Field(description="why it is worth asking, and where its numbers come from")
    priors: Annotated[Mapping[PriorName, PriorValue], EMPTY_MAPPING] = Field(
        default_factory=dict, description="word, distribution or quantiles by prior name"
    )
    events: Annotated[tuple[AssumedAct, ...], EMPTY_LIST] = Field(
        default=(), description="future acts that the scenario assumes"
    )
    without: Annotated[tuple[Annotated[PastEvents, BeforeValidator(_by_id)], ...], EMPTY_LIST] = Field(
        default=(), description="past events taken out: ids, or descriptions of several"
    )
    calendar: CalendarChange | None = Field(default=None, description="changes of the config's calendar")
    types: Annotated[Mapping[KeyName, NewType], EMPTY_MAPPING] = Field(
        default_factory=dict, description="types of acts that were never seen, with priors of their effect"
    )

    _source: SourceMap = PrivateAttr(default_factory=lambda: SourceMap("scenario"))
    _source_path: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _settings_agree(self) -> Scenario:
        faults = scenario_faults(self.model_dump(by_alias=True))
        if faults:
            lines = [f"{dotted_path(fault.path)}: {fault.message}" for fault in faults]
            raise PydanticCustomError(CROSS_FAULT, "{lines}", {"lines": "\n".join(lines)})
        return self

    # Two scenarios are equal when they ask the same, wherever they were read from.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    @property
    def title(self) -> str:
        """The label, or the short name as words."""
        return self.label or title_of(self.name)

    @property
    def source_path(self) -> Path | None:
        """The file that was read; ``None`` for a scenario made of options or in Python."""
        return self._source_path

    def error(self, faults: Iterable[Fault]) -> ConfigError:
        """Return (not raise) one error about several keys, each with its place in the file."""
        return self._source.error(faults)
