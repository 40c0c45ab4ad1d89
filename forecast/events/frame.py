"""A data frame of events → ``EventTable``, by the rules that a file is read by."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from forecast.errors import EventError, InputError
from forecast.events.cells import DateOrder
from forecast.events.reading import inspect_sheet
from forecast.events.rows import Row, Sheet
from forecast.events.table import EventTable
from forecast.frames import columns_of

_MOST_SHOWN = 20


def events_of_frame(frame: object, *, source: str = "frame", dates: DateOrder = "iso") -> EventTable:
    """Return the events of a data frame, its rows counted from 1; see ``EventTable.from_frame``."""
    try:
        columns = columns_of(frame)
    except InputError as error:
        raise EventError(f"{source}: {error}") from error
    cells = [[_text(value) for value in column] for column in columns.values()]
    rows = [Row(number, list(row)) for number, row in enumerate(zip(*cells, strict=True), start=1)]
    table, faults = inspect_sheet(Sheet([Row(0, [str(name) for name in columns]), *rows]), source, dates)
    if table is None:
        # The names of the columns are in no row.
        lines = [replace(fault, line=fault.line or None).located(source) for fault in faults[:_MOST_SHOWN]]
        more = (
            [f"{source}: and {len(faults) - _MOST_SHOWN:,} more faults"] if len(faults) > _MOST_SHOWN else []
        )
        raise EventError("\n".join((*lines, *more)))
    return table


def _text(value: Any) -> str:  # noqa: ANN401 - a cell of any type
    """Cell as a file would have it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return f"{value:.0f}"
    return str(value)
