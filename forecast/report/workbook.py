"""``numbers.xlsx``: every number of a run as it stands in the JSON files, to 16 digits, one sheet a table."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from forecast.errors import InputError, install_command
from forecast.records.analysis import Analysis
from forecast.records.base import Record
from forecast.records.forecast import COLUMNS, Forecast, frame_rows

MOST_ROWS = 1_048_575
"""Rows below the header that a sheet holds."""
_LEFT_OUT = frozenset({"targets", "scenarios", "drivers"})
"""Fields of a forecast that the sheets of its frames hold already."""


def workbook(forecast: Forecast, analysis: Analysis) -> bytes:
    """Return the workbook; dates are dates, probabilities and changes are parts of one.

    Raises ``InputError`` where openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font
    except ImportError as error:
        raise InputError(f"--xlsx needs openpyxl. Install it: {install_command('excel')}") from error
    book = Workbook(write_only=True)
    for name, (header, rows) in _sheets(forecast, analysis).items():
        sheet = book.create_sheet(name[:31])
        sheet.freeze_panes = "A2"
        heads = [WriteOnlyCell(sheet, value=head) for head in header]
        for head in heads:
            head.font = Font(bold=True)
        sheet.append(heads)
        for row in rows[:MOST_ROWS]:
            sheet.append([_value(value) for value in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _sheets(
    forecast: Forecast, analysis: Analysis
) -> dict[str, tuple[Sequence[str], Sequence[Sequence[object]]]]:
    sheets: dict[str, tuple[Sequence[str], Sequence[Sequence[object]]]] = {}
    facts = forecast.model_dump(by_alias=True, exclude={*_LEFT_OUT})
    single = {name: value for name, value in _flat(facts) if not isinstance(value, list | tuple)}
    sheets["run"] = ("name", "value"), [*single.items()]
    for content, header in COLUMNS.items():
        if rows := [*frame_rows(forecast, content)]:
            sheets[content] = header, rows
    for record in (forecast, analysis):
        for name, records in _lists(record):
            if name not in _LEFT_OUT and name not in sheets:
                sheets[name] = _table(records)
    tension = analysis.tension.model_dump()
    columns = {name: values for name, values in tension.items() if isinstance(values, list | tuple)}
    sheets["tension"] = tuple(columns), [*zip(*columns.values(), strict=True)]
    return sheets


def _lists(record: Record, prefix: str = "") -> Iterator[tuple[str, Sequence[Record]]]:
    """Lists of records in a record, those within a single record by ``its.name``."""
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, tuple) and value and all(isinstance(one, Record) for one in value):
            yield prefix + name, value
        elif isinstance(value, Record):
            yield from _lists(value, f"{prefix}{name}.")


def _table(records: Sequence[Record]) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    rows = [dict(_flat(record.model_dump(by_alias=True))) for record in records]
    header = list(dict.fromkeys(name for row in rows for name in row))
    return header, [[row.get(name) for name in header] for row in rows]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _value(value: object) -> object:
    """What a cell holds; an apostrophe keeps a text from being taken for a formula."""
    if value is None or isinstance(value, bool | int | float | date):
        return value
    if isinstance(value, list | tuple):
        return "; ".join(str(_value(one)) for one in value)
    text = str(value)[:32_767]
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
