"""Parquet files of events: their cells as text, for the checks that a CSV file goes through."""

from __future__ import annotations

from pathlib import Path

from forecast.events.rows import MAX_COLUMNS, MAX_ROWS, Fault, Row, Sheet, literal_path

_FREE_BYTES, _MAX_EXPANSION = 100_000_000, 200
"""A file is refused that takes more memory than this, and so many times its size; events take 10 to 90."""
_CELL_BYTES = 60
"""Memory of a cell beside its letters, about."""


def read_parquet(path: Path) -> Sheet:
    """Return header and rows of a Parquet file; the line of a row is its number.

    Cells become text, so that a file of ours (all text) and one of others (days as dates, severity as
    numbers, verified as true or false) are checked alike.
    """
    import duckdb

    where = literal_path(path)
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            # Else DuckDB takes a folder named severity=5 for a column.
            source = "read_parquet(?, hive_partitioning=false)"
            described = connection.execute(f"DESCRIBE SELECT * FROM {source}", [where]).fetchall()
            names = [str(row[0]) for row in described]
            number = _first_number(connection.execute(f"SELECT count(*) FROM {source}", [where]).fetchall())
            if fault := _too_many(len(names), number):
                return Sheet(faults=[fault])
            cells = [_text_of(name, str(row[1])) for name, row in zip(names, described, strict=True)]
            lengths = " + ".join(f"sum(strlen({cell}))" for cell in cells)
            asked = connection.execute(f"SELECT {lengths} FROM {source}", [where]).fetchall()
            if fault := _too_large(path, _first_number(asked) + _CELL_BYTES * number * len(names)):
                return Sheet(faults=[fault])
            rows = connection.execute(f"SELECT {', '.join(cells)} FROM {source}", [where]).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0][:200]
        return Sheet(faults=[Fault(None, "", f"the Parquet file cannot be read: {reason}")])
    return Sheet(
        [
            Row(0, names),
            *(
                Row(number, ["" if cell is None else str(cell) for cell in row])
                for number, row in enumerate(rows, start=1)
            ),
        ]
    )


def _first_number(rows: list[tuple[object, ...]]) -> int:
    found = rows[0][0] if rows else 0
    return int(found) if isinstance(found, (int, float)) else 0


def _too_many(columns: int, rows: int) -> Fault | None:
    if columns > MAX_COLUMNS:
        return Fault(None, "", f"{columns:,} columns. Allowed: at most {MAX_COLUMNS:,}")
    if rows > MAX_ROWS:
        return Fault(None, "", f"{rows:,} rows. Allowed: at most {MAX_ROWS:,}. Split the file by year")
    return None


def _too_large(path: Path, memory: int) -> Fault | None:
    """Refuse what would take far more memory than events do: a few values, repeated without end."""
    size = path.stat().st_size
    if memory <= max(_FREE_BYTES, _MAX_EXPANSION * size):
        return None
    return Fault(
        None,
        "",
        f"{size:,} bytes that unpack to about {memory:,}, which no events do. Save them as CSV (UTF-8)",
    )


def _text_of(name: str, kind: str) -> str:
    """SQL that turns a column of some type into the text of our cells."""
    column = '"' + name.replace('"', '""') + '"'
    if kind == "BOOLEAN":
        column = f"CASE WHEN {column} THEN 'yes' WHEN NOT {column} THEN 'no' END"
    elif kind.startswith("TIMESTAMP"):
        # A day that software stored as its midnight.
        text, day = f"CAST({column} AS VARCHAR)", f"CAST({column} AS DATE)"
        column = f"CASE WHEN {column} = {day} THEN CAST({day} AS VARCHAR) ELSE {text} END"
    return f"coalesce(CAST({column} AS VARCHAR), '')"
