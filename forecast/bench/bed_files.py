"""From the name of a bed to its event files: which are shipped, where data are looked for, what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

from forecast.bench.accuracy import BenchmarkOptions, read_dyads, without_target
from forecast.config.bed import Bed, read_bed
from forecast.errors import EventError, InputError, did_you_mean, shown
from forecast.events.reading import PREFIX, load_events, read_events
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule

_SHIPPED = files("forecast.bench") / "beds"


def shipped_beds() -> tuple[str, ...]:
    """Names of the beds that come with the package."""
    return tuple(
        sorted(one.name.removesuffix(".yaml") for one in _SHIPPED.iterdir() if one.name[-5:] == ".yaml")
    )


def find_bed(name: str) -> Bed:
    """Read a shipped bed by its name, or a file.

    Raises
    ------
    InputError
        There is no such bed and no such file, or the file has faults.
    """
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

    Raises
    ------
    ConfigError
        A folder, or the file of a dyad, is not there, or two files name one dyad; with the line of the bed.
    EventError
        A file has faults.
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


def bed_options(bed: Bed, ends: Mapping[str, date]) -> BenchmarkOptions:
    """Return what a bed asks of its dyads."""
    return BenchmarkOptions(
        targets=tuple(TargetRule(name, one.any_of, one.min_severity) for name, one in bed.targets.items()),
        first=bed.first,
        data_end=max(ends.values()),
        ends=ends,
        horizons=bed.horizons,
        origins=bed.origins,
    )


def refuse_without_target(bed: Bed, events: Mapping[str, EventTable], options: BenchmarkOptions) -> None:
    """Raise ``ConfigError`` for a bed in whose data no target ever happened."""
    if len(without_target(events, options)) == len(options.targets):
        message = "no target ever happened in the data of this bed, so that there is nothing to forecast"
        raise bed.error(("targets",), f"{message}. Give other categories, or a lower min_severity")


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
                hint = did_you_mean(name, (one.stem for one in found.glob("*.csv")))
                raise bed.error(("sources", place, "dyads", row), f"{found} holds no {name}.csv.{hint}")
        yield from read_dyads(found, source.dyads or None).items()
    else:
        yield found.stem, read_events(found)


def _find(bed: Bed, place: int, data: Path | None) -> Path:
    stated = Path(bed.sources[place].data).expanduser()
    roots = [*([data] if data else []), bed.place, Path.cwd()]
    for root in roots:
        if (root / stated).exists():
            return root / stated
    looked = ", ".join(dict.fromkeys(str(root / stated) for root in roots))
    message = (
        f"no such folder or file; looked for {looked}. Give the folder that holds '{stated}': --data FOLDER"
    )
    raise bed.error(("sources", place, "data"), message)
