"""What a format looks like: its columns, its syntax, and how each field is read from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

System = Literal["cameo", "weis", "plover", "acled", "own"]
"""Which crosswalk gives a code its meaning; ``own``: rows that give category and severity themselves."""
Syntax = Literal["tabs", "csv", "json", "keds"]
"""``tabs``: one row a line, no quoting; ``csv``: quoted cells, separator found out; ``json``: one object a
line; ``keds``: one event a line, as text."""

_FIELDS = (
    "event_id day added actor_a actor_b code mode root mentions sources sectors_a sectors_b name_a name_b "
    "contexts place url outlet title note given_category given_severity given_scale shown_day shown_added"
)
_TYPES = dict.fromkeys(("day", "added"), "DATE") | dict.fromkeys(("mentions", "sources"), "INTEGER")
_TYPES |= {"root": "BOOLEAN", "given_scale": "DOUBLE"}
FIELDS: Mapping[str, str] = {name: _TYPES.get(name, "VARCHAR") for name in _FIELDS.split()}
"""Fields that the engine knows, with their types; a layout that says nothing of one has none of it."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A published format.

    Parameters
    ----------
    name, origin : str
        As in ``--format``; where the columns are defined, and whether we tested on real rows.
    system, syntax : str
        Crosswalk that reads the codes; how rows are written.
    columns : tuple of str
        Published columns in their order. In formats with a header this is the set that is used.
    fields : mapping of str to str
        Field → SQL expression on the published columns (see ``FIELDS``).
    widths : tuple of int
        Numbers of columns a row may have, for formats without a header; short ones are filled up.
    header, required
        Whether the first line names the columns, and which it must name.
    named_countries : bool
        Whether actors are given as country names, not codes.
    known_date : str
        Column of the day a row became known; empty when there is none, and the day of the act stands in.
    lists : tuple of str
        Columns of initiators, recipients and events that hold lists: one row becomes one for each pair of
        actors and each event. Empty for formats whose rows name one of each.
    delimiter : str
        Separator of cells that hold sectors.
    """

    name: str
    origin: str
    system: System
    syntax: Syntax
    columns: tuple[str, ...]
    fields: Mapping[str, str]
    widths: tuple[int, ...] = ()
    header: bool = False
    required: tuple[str, ...] = ()
    named_countries: bool = False
    known_date: str = ""
    lists: tuple[str, ...] = ()
    delimiter: str = ";"

    def has(self, name: str) -> bool:
        """Whether the format carries a field."""
        return name in self.fields


def pairs(text: str) -> dict[str, str]:
    """Return ``one: other, …`` as a mapping."""
    split = (pair.split(":") for pair in text.split(","))
    return {one.strip(): other.strip() for one, other in split}


def folded(name: str) -> str:
    """Return a column's name as compared: files differ in capitals and underscores."""
    return name.strip().lower().replace("_", " ")


def iso_day(column: str) -> str:
    """Return the expression that reads a day that begins as YYYY-MM-DD."""
    return f"TRY_CAST(left({column}, 10) AS DATE)"


def compact_day(column: str) -> str:
    """Return the expression that reads a day that begins as YYYYMMDD."""
    text = f"left({column}, 4) || '-' || substr({column}, 5, 2) || '-' || substr({column}, 7, 2)"
    return f"TRY_CAST({text} AS DATE)"
