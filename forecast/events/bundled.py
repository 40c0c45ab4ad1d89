"""Event sets by name: those shipped with the package, or a file of the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from types import MappingProxyType

from forecast.errors import EventError, did_you_mean
from forecast.events.cells import DateOrder
from forecast.events.reading import inspect_events, read_events
from forecast.events.rows import Fault
from forecast.events.table import EventTable

PREFIX = "bundled:"


@dataclass(frozen=True)
class BundledSet:
    """A data set shipped with the package: its file, and known limits to be stated wherever it is shown."""

    file: str
    limits: tuple[str, ...]


BUNDLED: Mapping[str, BundledSet] = MappingProxyType(
    {
        # Coded by hand from public sources; CC BY 4.0, see LICENSE-DATA.
        "us-china": BundledSet(
            file="us-china-2017-2023.csv",
            limits=(
                "Reporting and coding grow denser over time (about 9 events a month in 2017–19, 12 in "
                "2020–22, 15 in 2023), so levels drift for reasons that are not tension.",
                "242 of 849 rows are from general knowledge (verified = no), 11 of the 607 verified rows "
                "do not give the address of the page, and about 5% of the days may be off by one.",
                "Contacts below cabinet rank, small Treasury listings and PLA activity below 25 aircraft "
                "are under-covered.",
                "Severity is a judgement: a second coder gave the same to 66% of the 182 acts first coded 3 "
                "or 4, where alpha is 0.47; the differences were settled by the anchors.",
                "An act disclosed later counts from the day it became public (known_date).",
            ),
        )
    }
)
"""Data sets shipped with the package, by name."""


def load_events(source: str, base: Path, *, dates: DateOrder = "iso") -> EventTable:
    """Return the events of ``bundled:<name>``, or of a coded file whose path starts from the folder ``base``.

    ``dates`` is how a file writes its days (see ``read_events``); a bundled set needs none.

    Raises ``EventError``: no such bundled set, or the file cannot be read or has faults.
    """
    if not source.startswith(PREFIX):
        return read_events(base / Path(source).expanduser(), source=source, dates=dates)
    with as_file(files("forecast.events") / "data" / _bundled(source).file) as path:
        return read_events(path, source=source)


def inspect_source(
    source: str, base: Path, *, dates: DateOrder = "iso"
) -> tuple[EventTable | None, list[Fault]]:
    """Return the table of a source and no fault, or no table and every fault (see ``load_events``)."""
    if source.startswith(PREFIX):
        return load_events(source, base), []
    return inspect_events(base / Path(source).expanduser(), source=source, dates=dates)


def source_limits(source: str) -> tuple[str, ...]:
    """Return the known limits of a source; none are known of a user's own file."""
    return _bundled(source).limits if source.startswith(PREFIX) else ()


def _bundled(source: str) -> BundledSet:
    name = source.removeprefix(PREFIX)
    if name not in BUNDLED:
        allowed = [PREFIX + known for known in BUNDLED]
        raise EventError(
            f"{source}: no such bundled data set.{did_you_mean(source, allowed, cutoff=0.75)} "
            f"Allowed: {', '.join(allowed)}, or a CSV or Parquet file"
        )
    return BUNDLED[name]
