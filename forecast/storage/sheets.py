"""Small CSV sheets that people fill in: rows with their lines, and faults by line and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forecast.errors import InputError, did_you_mean, shown
from forecast.storage.reading import content_of, read_plain

MAX_SHEET_BYTES = 100_000_000
_MOST_FAULTS = 20
_CHANCE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)", re.ASCII)
_OPTION = re.compile(r"--([a-z-]+)(?=:)")


@dataclass(frozen=True)
class Row:
    """Stripped cells by column, and where they stand; those of optional columns that lack are empty."""

    path: Path
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Return a cell."""
        return self.cells[column]

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"

    def fault(self, column: str, expected: str) -> InputError:
        """Return the error of a cell; ``expected`` ends with what to do."""
        return InputError(f"{self.place}: {column}: got '{shown(self[column])}'; expected {expected}")


def read_rows(path: Path, required: Sequence[str], optional: Sequence[str] = (), *, help: str) -> list[Row]:
    """Read the rows of a CSV file in UTF-8, columns in any order.

    ``InputError`` names file and line: no text, a column that is unknown, missing or twice there, a row with
    other cells than the header, no row at all. ``help`` says what to do.
    """
    try:
        text = read_plain(path, MAX_SHEET_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text. Save it as CSV in UTF-8") from error
    columns = (*required, *optional)
    also = f", and if you like {','.join(optional)}" if optional else ""
    advice = f"Expected: {','.join(required)}{also}. {help}"
    with content_of(path, InputError, help):
        reader = csv.DictReader(io.StringIO(text, newline=""))
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        for name in header:
            if name not in columns:
                raise InputError(
                    f"{path}:1: unknown column '{shown(name)}'.{did_you_mean(name, columns)} {advice}"
                )
            if header.count(name) > 1:
                raise InputError(f"{path}:1: the column '{name}' appears twice. Keep one")
        if missing := [name for name in required if name not in header]:
            raise InputError(f"{path}:1: the column '{missing[0]}' is missing. {advice}")
        rows = []
        for row in reader:
            if not any(row.values()):
                continue
            if None in row or None in row.values():
                place = f"{path}:{reader.line_num}"
                raise InputError(f"{place}: does not have the {len(header)} cells of the header. {advice}")
            cells = dict.fromkeys(columns, "") | {name: cell.strip() for name, cell in row.items()}
            rows.append(Row(path, reader.line_num, cells))
    if not rows:
        raise InputError(f"{path}: holds no row. {help}")
    return rows


def check_rows[T](rows: Sequence[Row], check: Callable[[Row], T]) -> list[T]:
    """Check every row before anything is done with one (``InputError`` lists the first faults by line).

    Where an error names an option, the column of that name is meant.
    """
    checked, faults = [], []
    for row in rows:
        try:
            checked.append(check(row))
        except InputError as error:
            said = _OPTION.sub(lambda option: option[1].replace("-", "_"), str(error), count=1)
            faults.append(said if said.startswith(row.place) else f"{row.place}: {said}")
    if faults:
        more = [f"… and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise InputError("\n".join(faults[:_MOST_FAULTS] + more))
    return checked


def read_chance(text: str, name: str, *, certain: bool = False) -> float:
    """Return a probability from ``40%`` or ``0.4``; ``name`` is for the error.

    It lies between 0 and 1, and is neither of them unless it may be ``certain``.
    """
    found = _CHANCE.fullmatch(text.strip())
    value = float(found[1]) / (100 if found[2] else 1) if found else -1.0
    if 0.0 < value < 1.0 or (certain and value in (0.0, 1.0)):
        return value
    why = ""
    if found and value in (0.0, 1.0):
        why = ". Nothing is certain: give a number above 0 and below 1"
    elif found and not found[2] and 1 < value <= 100:
        why = f". Write {text.strip()} percent as {text.strip()}%"
    raise InputError(f"{name}: got '{shown(text)}'; expected a probability such as 40% or 0.4{why}")
