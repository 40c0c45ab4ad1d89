"""A bed: what forecasts are scored on, as it is read: data, targets, span, each dyad's own end.

It says where its files are looked for; ``forecast.bench.bed_files`` finds and reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, ValidationError, WithJsonSchema

from forecast.config.cross_checks import LONGEST_HORIZON, day_in, mapping_in, sequence_in
from forecast.config.faults import Fault, KeyPath, field_faults, refusal, shown
from forecast.config.field_types import EMPTY_LIST, Day, FolderName, KeyName, LongText, Text, Whole
from forecast.config.schema import TargetConfig
from forecast.config.settings_file import Section, SettingsFile
from forecast.config.yaml_source import read_yaml
from forecast.errors import ConfigError, did_you_mean

SPACINGS = ("quarterly", "monthly", "weekly")


def _origins(value: object) -> str | tuple[date, ...]:
    """Read how origins are spaced, or the days of them."""
    if isinstance(value, str) and value in SPACINGS:
        return value
    days = sequence_in(value)
    read = tuple(map(day_in, days))
    wrong = next((day for day, known in zip(days, read, strict=True) if known is None), value)
    if read and wrong is value:
        return tuple(day for day in read if day)
    hint = did_you_mean(wrong, SPACINGS) if isinstance(wrong, str) else ""
    allowed = f"{', '.join(SPACINGS)}, or a list of days as [2021-01-01, 2021-07-01]"
    raise refusal(f"got {shown(wrong)}; expected {allowed}.{hint}")


Origins = Annotated[
    Literal["quarterly", "monthly", "weekly"] | tuple[date, ...],
    PlainValidator(_origins),
    WithJsonSchema({"anyOf": [{"enum": [*SPACINGS]}, {"type": "array", "items": {"format": "date"}}]}),
]


class BedSource(Section):
    """Some event files with one end of observation."""

    data: Text = Field(description="folder of event files, one dyad a file; one event file; or bundled:NAME")
    until: Day = Field(description="last day on which these dyads were observed; later days count as unknown")
    dyads: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="names of the files without .csv; every file of the folder when absent"
    )


class Bed(SettingsFile):
    """A bed as it was read; its paths start from ``--data``, its own folder, or the working folder."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of the format of this file")
    name: FolderName = Field(description="short name, as the output and the manual call it")
    about: LongText | None = Field(default=None, description="what the records are, and where they come from")
    sources: tuple[BedSource, ...] = Field(min_length=1, description="event files and until when they count")
    targets: Mapping[KeyName, TargetConfig] = Field(min_length=1, description="what is forecast")
    first: Day = Field(alias="from", description="first origin")
    origins: Origins = Field(
        default="monthly",
        description="quarterly, monthly or weekly from the first origin on, or a list of days",
    )
    horizons: tuple[Whole, ...] | None = Field(
        default=None, min_length=1, description="days ahead; the usual ones when absent"
    )

    def _disagreements(self, settings: Mapping[str, object]) -> list[Fault]:
        return bed_faults(settings)

    @property
    def place(self) -> Path:
        """Folder of the file."""
        return self._source_path.parent if self._source_path else Path()

    def error(self, path: KeyPath, message: str) -> ConfigError:
        """Return (not raise) an error about one key."""
        return self._source.error([Fault(path, message)])


def read_bed(path: Path) -> Bed:
    """Read and check the file of a bed; nothing else is opened.

    Raises ``ConfigError`` once, with every fault: ``file:line:column: key: got …; expected …``.
    """
    written, source = read_yaml(path)
    try:
        found = Bed.model_validate(written)
    except ValidationError as error:
        raise source.error([*field_faults(error, Bed), *bed_faults(written)]) from error
    found._source, found._source_path = source, path
    return found


def bed_faults(settings: Mapping[str, object]) -> list[Fault]:
    """Return every disagreement between settings; what cannot be read is left to the type checks."""
    return [*_horizon_faults(settings), *_source_faults(settings), *_origin_faults(settings)]


def _horizon_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    days = sequence_in(settings.get("horizons"))
    for place, ahead in enumerate(days):
        if type(ahead) is not int:
            continue
        if not 1 <= ahead <= LONGEST_HORIZON.days:
            message = f"got {ahead}; expected 1 to {LONGEST_HORIZON.days} days, ten years"
            yield Fault(("horizons", place), message)
        elif ahead in days[:place]:
            yield Fault(("horizons", place), f"{ahead} is given twice; keep one")


def _source_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    first = _first(settings)
    seen: dict[object, int] = {}
    for place, source in enumerate(map(mapping_in, sequence_in(settings.get("sources")))):
        until = day_in(source.get("until"))
        if first and until and until < first:
            yield Fault(("sources", place, "until"), f"{until} is before the first origin, {first}")
        for row, name in enumerate(sequence_in(source.get("dyads"))):
            earlier = seen.setdefault(name, place)
            if earlier != place or name in sequence_in(source.get("dyads"))[:row]:
                message = f"{name} stands in sources.{earlier}, too; keep one"
                yield Fault(("sources", place, "dyads", row), message)


def _origin_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    first = _first(settings)
    days = [day_in(one) for one in sequence_in(settings.get("origins"))]
    for place, day in enumerate(days):
        if first and day and day < first:
            yield Fault(("origins", place), f"{day} is before the first origin, {first}")
        elif day and day in days[:place]:
            yield Fault(("origins", place), f"{day} is given twice; keep one")


def _first(settings: Mapping[str, object]) -> date | None:
    return day_in(settings.get("from", settings.get("first")))
