"""Event tables as Parquet: read through the same checks as CSV, written with the same columns.

Cells become text on reading, so that a file of ours (all text) and one of others (days as dates, severity as
numbers, verified as true or false) are checked alike. In messages the line is the number of the row.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from forecast.errors import EventError
from forecast.events.columns import COLUMNS
from forecast.events.csv_source import Row
from forecast.events.faults import Fault
from forecast.events.table import EventTable

MARK = b"PAR1"
SUFFIX = ".parquet"
_MOMENTS = ("TIMESTAMP",)


def parquet_rows(path: Path) -> tuple[list[Row], list[Fault]]:
    """Return header and rows of a Parquet file as cells of text, or the fault that prevents it."""
    import duckdb

    where = literal_path(path)
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [where]).fetchall()
            names = [str(row[0]) for row in described]
            cells = ", ".join(_cell(name, str(row[1])) for name, row in zip(names, described, strict=True))
            rows = connection.execute(f"SELECT {cells} FROM read_parquet(?)", [where]).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0][:200]
        return [], [Fault(None, "", f"the Parquet file cannot be read: {reason}")]
    return [Row(0, names), *(Row(number, list(row)) for number, row in enumerate(rows, start=1))], []


def write_parquet(table: EventTable, path: Path) -> None:
    """Write a table as Parquet; reading it back gives the same rows and the same ``sha256``.

    Raises
    ------
    EventError
        The file cannot be written.
    """
    import csv
    import io

    import duckdb

    cells = list(zip(*csv.reader(io.StringIO(table.canonical_csv(), newline="")), strict=True))
    columns = {name: np.array(cells[place][1:], dtype=np.object_) for place, name in enumerate(COLUMNS)}
    half = path.with_name(f".{path.name}.half")
    try:
        with duckdb.connect() as connection:
            connection.register("columns", columns)
            target = str(half).replace("'", "''")
            texts = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in columns)
            connection.execute(f"COPY (SELECT {texts} FROM columns) TO '{target}' (FORMAT parquet)")
        os.replace(half, path)
    except (duckdb.Error, OSError) as error:
        raise EventError(f"{path}: cannot be written: {str(error).splitlines()[0]}") from error
    finally:
        half.unlink(missing_ok=True)


def literal_path(path: Path) -> str:
    """Return a path as DuckDB reads it: signs that would stand for other files are written as themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def _cell(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind == "BOOLEAN":
        column = f"CASE WHEN {column} THEN 'yes' WHEN NOT {column} THEN 'no' END"
    elif kind.startswith(_MOMENTS):
        # A day that software stored as its midnight.
        text, day = f"CAST({column} AS VARCHAR)", f"CAST({column} AS DATE)"
        column = f"CASE WHEN {column} = {day} THEN CAST({day} AS VARCHAR) ELSE {text} END"
    return f"coalesce(CAST({column} AS VARCHAR), '')"
