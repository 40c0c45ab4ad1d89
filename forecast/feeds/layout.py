"""What a format looks like: its columns, its syntax, and how each field is read from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

System = Literal["cameo", "weis", "plover", "acled", "own"]
"""Which crosswalk gives a code its meaning."""
Actors = Literal["codes", "names"]
"""Whether actors are given as country codes or as country names."""
Cells = Sequence[str]
Syntax = Literal["tabs", "csv", "json", "keds"]
"""``tabs``: one row a line, no quoting; ``csv``: quoted cells, separator found out; ``json``: one object a
line; ``keds``: one event a line, as text."""

FIELDS: Mapping[str, str] = {
    "event_id": "VARCHAR",
    "day": "DATE",
    "added": "DATE",
    "actor_a": "VARCHAR",
    "actor_b": "VARCHAR",
    "code": "VARCHAR",
    "mode": "VARCHAR",
    "root": "BOOLEAN",
    "mentions": "INTEGER",
    "sources": "INTEGER",
    "sectors_a": "VARCHAR",
    "sectors_b": "VARCHAR",
    "name_a": "VARCHAR",
    "name_b": "VARCHAR",
    "contexts": "VARCHAR",
    "place": "VARCHAR",
    "url": "VARCHAR",
    "outlet": "VARCHAR",
    "title": "VARCHAR",
    "note": "VARCHAR",
    "given_category": "VARCHAR",
    "given_severity": "VARCHAR",
    "given_score": "DOUBLE",
    "shown_day": "VARCHAR",
    "shown_added": "VARCHAR",
}
"""Fields that the engine knows, with their types; a layout that says nothing of one has none of it."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A published format.

    Parameters
    ----------
    name, label : str
        As in ``--format``, and for readers.
    origin : str
        Where the columns are defined, and whether we tested on real rows.
    system : str
        Crosswalk that reads the codes.
    syntax : str
        How rows are written.
    columns : tuple of str
        Published columns in their order. In formats with a header this is the set that is used.
    widths : tuple of int
        Numbers of columns a row may have, for formats without a header; short ones are filled up.
    header : bool
        Whether the first line names the columns.
    required : tuple of str
        Columns a header must have.
    fields : mapping of str to str
        Field → SQL expression on the published columns (see ``FIELDS``).
    actors : str
        Whether actor fields hold codes or names.
    known_date : str
        What the day a row became known is taken from, in words; empty when the format has none, and the day
        of the act stands in.
    spread : callable or None
        Turns one row into several, where a row may name several actors or events.
    delimiter : str
        Separator of cells that hold lists (sectors, contexts).
    """

    name: str
    label: str
    origin: str
    system: System
    syntax: Syntax
    columns: tuple[str, ...]
    fields: Mapping[str, str]
    widths: tuple[int, ...] = ()
    header: bool = False
    required: tuple[str, ...] = ()
    actors: Actors = "codes"
    known_date: str = ""
    spread: Callable[[Mapping[str, str]], Iterator[dict[str, str]]] | None = field(default=None)
    delimiter: str = ";"

    def has(self, name: str) -> bool:
        """Whether the format carries a field."""
        return name in self.fields


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
