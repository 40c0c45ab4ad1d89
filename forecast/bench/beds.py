"""Beds, on which forecasts are scored: event files of many dyads, targets, span, each dyad's own end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from forecast.config.field_types import EMPTY_LIST, Day, FolderName, KeyName, LongText, Text, Whole
from forecast.config.schema import LONGEST_HORIZON, TargetConfig, day_in, mapping_in, sequence_in
from forecast.config.settings_file import Fault, Section, SettingsFile, read_yaml, refusal, shown_value
from forecast.errors import EventError, InputError, did_you_mean, shown
from forecast.evaluation.backtest import SPACED, Spacing
from forecast.events.reading import PREFIX, load_events, read_events
from forecast.events.table import EventTable


def _origins(value: object) -> str | tuple[date, ...]:
    """Read how origins are spaced, or the days of them."""
    if isinstance(value, str) and value in SPACED:
        return value
    days = sequence_in(value)
    read = tuple(map(day_in, days))
    wrong = next((day for day, known in zip(days, read, strict=True) if known is None), value)
    if read and wrong is value:
        return tuple(day for day in read if day)
    hint = did_you_mean(wrong, SPACED) if isinstance(wrong, str) else ""
    allowed = f"{', '.join(SPACED)}, or a list of days as [2021-01-01, 2021-07-01]"
    raise refusal(f"got {shown_value(wrong)}; expected {allowed}.{hint}")


Origins = Annotated[
    Spacing | tuple[date, ...],
    PlainValidator(_origins),
    WithJsonSchema({"anyOf": [{"enum": [*SPACED]}, {"type": "array", "items": {"format": "date"}}]}),
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

    @staticmethod
    def disagreements(settings: Mapping[str, object]) -> list[Fault]:
        """Return every disagreement between settings."""
        return [*_horizon_faults(settings), *_source_faults(settings), *_origin_faults(settings)]


def read_bed(path: Path) -> Bed:
    """Read and check the file of a bed; nothing else is opened.

    Raises ``ConfigError`` once, with every fault: ``file:line:column: key: got …; expected …``.
    """
    settings, source = read_yaml(path)
    return Bed.checked(settings, source, path)


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
    days = [day_in(day) for day in sequence_in(settings.get("origins"))]
    for place, day in enumerate(days):
        if first and day and day < first:
            yield Fault(("origins", place), f"{day} is before the first origin, {first}")
        elif day and day in days[:place]:
            yield Fault(("origins", place), f"{day} is given twice; keep one")


def _first(settings: Mapping[str, object]) -> date | None:
    return day_in(settings.get("from", settings.get("first")))


def read_dyads(folder: Path, names: Sequence[str] | None = None) -> dict[str, EventTable]:
    """Read every event file of a folder, or those of some dyads; a file's name names the dyad.

    ``EventError`` without any; ``InputError`` for a name that no file has.
    """
    if not folder.is_dir():
        raise EventError(f"{folder}: no such folder. Give a folder of event files, one dyad a file")
    paths = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() == ".csv" and path.is_file())
    if not paths:
        raise EventError(f"{folder}: holds no CSV file. Give a folder of event files, one dyad a file")
    by_name: dict[str, Path] = {}
    for path in paths:
        if by_name.setdefault(path.stem, path) != path:
            raise EventError(f"{path}: {by_name[path.stem].name} names the same dyad. Rename one of them")
    for name in names or ():
        if name not in by_name:
            raise InputError(
                f"{folder}: holds no {name}.csv.{did_you_mean(name, by_name)} It holds {', '.join(by_name)}"
            )
    return {name: read_events(path) for name, path in by_name.items() if names is None or name in names}


_SHIPPED = files("forecast.bench") / "beds"


def shipped_beds() -> tuple[str, ...]:
    """Names of the beds that come with the package."""
    return tuple(
        sorted(path.name.removesuffix(".yaml") for path in _SHIPPED.iterdir() if path.name[-5:] == ".yaml")
    )


def find_bed(name: str) -> Bed:
    """Read a shipped bed by its name, or a file (``InputError`` when there is neither, or it has faults)."""
    if name in shipped_beds():
        with as_file(_SHIPPED / f"{name}.yaml") as path:
            return read_bed(path)
    path = Path(name).expanduser()
    if path.suffix.lower() in (".yaml", ".yml") or path.exists():
        return read_bed(path)
    hint = did_you_mean(name, shipped_beds())
    allowed = f"{', '.join(shipped_beds())}, or the path of a YAML file"
    raise InputError(f"--bed: no bed {shown(name)!r}.{hint} Allowed: {allowed}")


def read_bed_files(bed: Bed, data: Path | None) -> tuple[dict[str, EventTable], dict[str, date]]:
    """Read the events of every dyad of a bed, and until when each was observed.

    Relative paths start from ``data``, else from the folder of the bed, else from the working folder.
    ``ConfigError``, with the line of the bed, when a folder or file is not there or two files name one dyad;
    ``EventError`` when a file has faults.
    """
    if data is not None and not data.is_dir():
        raise InputError(f"--data: {data} is no folder. Give the folder that holds the data of the bed")
    events: dict[str, EventTable] = {}
    ends: dict[str, date] = {}
    for place, source in enumerate(bed.sources):
        for dyad, table in _read_source(bed, place, data):
            if dyad in events:
                message = f"{dyad} is in another source, too. List the dyads of each source"
                raise bed.error(("sources", place, "data"), message)
            events[dyad], ends[dyad] = table, source.until
    return events, ends


def _read_source(bed: Bed, place: int, data: Path | None) -> Iterator[tuple[str, EventTable]]:
    source = bed.sources[place]
    bundled = source.data.startswith(PREFIX)
    found = Path() if bundled else _find(bed, place, data)
    if source.dyads and not found.is_dir():
        raise bed.error(("sources", place, "dyads"), "only a folder has dyads to choose from. Leave them out")
    if bundled:
        try:
            yield source.data.removeprefix(PREFIX), load_events(source.data, Path())
        except EventError as error:
            raise bed.error(("sources", place, "data"), str(error)) from error
    elif found.is_dir():
        for row, name in enumerate(source.dyads):
            if not (found / f"{name}.csv").is_file():
                hint = did_you_mean(name, (path.stem for path in found.glob("*.csv")))
                raise bed.error(("sources", place, "dyads", row), f"{found} holds no {name}.csv.{hint}")
        yield from read_dyads(found, source.dyads or None).items()
    else:
        yield found.stem, read_events(found)


def _find(bed: Bed, place: int, data: Path | None) -> Path:
    stated = Path(bed.sources[place].data).expanduser()
    roots = [*([data] if data else []), bed.base_folder, Path.cwd()]
    for root in roots:
        if (root / stated).exists():
            return root / stated
    looked = ", ".join(dict.fromkeys(str(root / stated) for root in roots))
    message = (
        f"no such folder or file; looked for {looked}. Give the folder that holds '{stated}': --data FOLDER"
    )
    raise bed.error(("sources", place, "data"), message)
