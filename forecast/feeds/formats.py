"""The published formats: columns, what codes and actors mean here, what a file looks like, what can be asked.

All of it is data. ``data/formats.toml`` has the layouts. The CAMEO codes are the codebook's
(``forecast/events/data/cameo.csv``); the other schemes, names of countries and groups of actors stand in
``data/``.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple, cast, get_args

from forecast.errors import InputError, did_you_mean
from forecast.events.cells import CellFault, clean_text, parse_actor
from forecast.events.codebook import Coding, cameo_codes
from forecast.events.countries import country_names

System = Literal["cameo", "plover", "acled", "ucdp"]
"""Which crosswalk gives a code its meaning."""
SYSTEMS: tuple[System, ...] = get_args(System)
MAX_COLUMNS = 5_000
FIRST_LINES = 1_000
"""Lines at the beginning of a text by which its format is judged."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A published format: its columns, how a text is cut into them, and how each field is read from them.

    ``origin`` says where the columns are defined, and whether we tested on real rows. ``fields`` maps a field
    of ``FIELDS`` to an SQL expression on the ``columns``. The other values are explained in
    ``data/formats.toml``.
    """

    name: str
    origin: str
    system: System
    syntax: Literal["rows", "table"]
    columns: tuple[str, ...]
    fields: Mapping[str, str]
    required: tuple[str, ...] = ()
    optional: int = 0
    named_countries: bool = False
    known_date: str = ""
    lists: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether the format carries a field."""
        return name in self.fields


def folded(name: str) -> str:
    """Return a column's name as compared: files differ in capitals and underscores."""
    return name.strip('" ').lower().replace("_", " ")


def data_text(name: str) -> str:
    """Return a file of the package's data."""
    return (files("forecast.feeds") / "data" / name).read_text(encoding="utf-8")


def data_rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table of the package's data."""
    yield from csv.DictReader(data_text(name).splitlines())


def _layouts(tables: dict[str, dict[str, Any]]) -> dict[str, Layout]:
    layouts = {}
    for name, table in tables.items():
        values = tables.get(table.get("like", ""), {}) | table | {"name": name}
        values.pop("like", None)
        names = {key: values[key].split(",") for key in ("columns", "required", "lists") if key in values}
        values |= {key: tuple(column.strip() for column in columns) for key, columns in names.items()}
        layouts[name] = Layout(**values)
    return layouts


_TABLES = tomllib.loads(data_text("formats.toml"))
FIELDS, JOINED, MACROS = (cast("dict[str, str]", _TABLES.pop(name)) for name in ("fields", "codes", "macros"))
"""Fields of a row and columns of the table of codes, with their types; SQL functions, with their bodies."""
LAYOUTS = _layouts(_TABLES)
"""Formats whose columns are published, by name."""


# Which format a text is of


class WrongFormatError(Exception):
    """A file does not hold rows of the format; the message says what it holds instead of what."""


class Shape(NamedTuple):
    """How a text is cut into cells: its columns, those of the layout under their names, and its separator."""

    columns: tuple[str, ...]
    separator: str = "\t"
    header: bool = False

    @property
    def quote(self) -> str | None:
        """The mark round cells; between tabs a stray one must not swallow lines."""
        return '"' if self.separator in ",;|" else None

    def rows(self, lines: Sequence[str]) -> Iterator[list[str]]:
        """Yield the cells of the rows of some lines, up to one that cannot be read."""
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE
        with suppress(csv.Error):
            yield from (
                row for row in csv.reader(lines, delimiter=self.separator, quoting=quoting) if any(row)
            )


def shape_of(layout: Layout, lines: Sequence[str]) -> Shape:
    """Return how a text is read, by its first lines (``WrongFormatError``: they are not of the format)."""
    shape = Shape(layout.columns)
    if layout.syntax == "table":
        separator = max(",;\t|", key=lines[0].count)
        names = next(Shape((), separator).rows(lines[:1]), [])
        shape = Shape(_named_columns(layout, names, lines), separator, header=True)
    most = len(shape.columns)
    fits = [
        len(cells) >= most - layout.optional and not any(map(str.strip, cells[most:]))
        for cells in shape.rows(lines[shape.header :])
    ]
    if sum(fits) < len(fits) / 2:
        wrong = f"{len(fits) - sum(fits):,} of the first {len(fits):,} rows are not of its form"
        raise _wrong_format(layout.name, lines, wrong)
    return shape


def _named_columns(layout: Layout, names: Sequence[str], lines: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a header: those of the layout by its names, each once, others by number."""
    if len(names) > MAX_COLUMNS:
        reason = f"the header has {len(names):,} columns, more than {MAX_COLUMNS:,}"
        raise _wrong_format(layout.name, lines, reason)
    places = {folded(name): place for place, name in reversed([*enumerate(names)])}
    absent = [repr(name) for name in layout.required if folded(name) not in places]
    if absent:
        raise _wrong_format(layout.name, lines, f"the header has no column {', '.join(absent)}")
    named = {places[folded(name)]: name for name in layout.columns if folded(name) in places}
    return tuple(named.get(place, f"_{place}") for place in range(len(names)))


def looks_like(lines: Sequence[str]) -> str | None:
    """Return the format that the first lines of a text look like, if any; ``coded`` for our own columns."""
    lines = [line for line in lines if line.strip()]
    head = folded(lines[0].replace('"', "")) if lines else ""
    for name, layout in reversed([*LAYOUTS.items()]):
        most = len(layout.columns)
        if layout.syntax == "table":
            fitting = len(lines) * all(folded(column) in head for column in layout.required)
        else:
            widths = [line.count("\t") + 1 for line in lines if line.split("\t", 1)[0].isdigit()]
            fitting = sum(most - layout.optional <= width <= most for width in widths)
        if fitting > len(lines) / 2:
            return name
    coded = ("date", "initiator", "target", "category", "severity")
    return "coded" if all(name in head for name in coded) else None


def _wrong_format(announced: str, lines: Sequence[str], reason: str) -> WrongFormatError:
    """Return the error for a file that is not of the announced format, without the file's name."""
    alike, wrong = looks_like(lines[:20]), f"not {announced} rows ({reason})"
    if alike == "coded":
        return WrongFormatError(f"{wrong}. The file is coded already: name it as events.source")
    if alike not in (None, announced):
        return WrongFormatError(f"{wrong}. The file looks like {alike}: --format {alike}")
    width = lines[0].count("\t") + 1
    form = f"{width} tab-separated columns" if width > 1 else f"lines such as '{clean_text(lines[0][:60])}'"
    return WrongFormatError(f"{wrong}. The file has {form} and looks like none of {', '.join(LAYOUTS)}")


# What a code means


Crosswalk = Mapping[tuple[str, str], Coding]
"""Codings by code and mode."""


@cache
def shipped_crosswalk(system: System) -> Crosswalk:
    """Return the coding of every code of a scheme."""
    rows = map(Coding.of_row, data_rows(f"{system}.csv"))
    codings = cameo_codes().values() if system == "cameo" else rows
    return {(coding.code, coding.mode): coding for coding in codings}


@cache
def mirrors(system: System) -> Mapping[tuple[str, str], tuple[str, bool]]:
    """Return what a code counts as that tells an act from its other side, or (true) without direction."""
    return {
        (row["code"], row["mode"]): (row["counts_as"], row["mutual"] == "yes")
        for row in data_rows("mirrors.csv")
        if row["system"] == system
    }


def joined_rows(crosswalk: Crosswalk, system: System) -> list[list[object]]:
    """Return a crosswalk as rows of ``JOINED``; both sides of one act are one code."""
    sides = mirrors(system)
    rows: list[list[object]] = []
    for (code, mode), coding in crosswalk.items():
        counts_as, mutual = sides.get((code, mode), (code, False))
        # A row that tells an act from its other side is written as the act itself.
        swapped = (code, mode) in sides and not mutual
        act = crosswalk.get((counts_as, mode), coding) if swapped else coding
        row = [act.code, act.label, act.category, act.severity, f"{counts_as} {mode}".strip()]
        rows.append([len(rows), code, mode, *row, mutual, swapped, False])
        short = code[1:]
        if system == "cameo" and code.startswith("0") and (short, "") not in crosswalk:
            rows.append([len(rows), short, mode, *row, mutual, swapped, True])
    return rows


# Who an actor is


def renamed_actors(layout: Layout) -> Mapping[str, str]:
    """Return how a format writes countries → our code. Codes that are not listed stay as they are."""
    rows = data_rows("cameo_countries.csv")
    codes = {row["code"]: row["alpha3"] for row in rows}
    return country_names() if layout.named_countries else codes


# What is asked for


@dataclass(frozen=True, kw_only=True)
class Switches:
    """How noise is handled.

    ``root_only`` keeps root events alone (GDELT: those of the lead of a text), ``min_sources`` those that so
    many sources report. An act (actors, code, place) reported again within ``repeat_days`` counts once, and
    so do both sides of one act (visit and hosting; consultation either way). ``known_date``: an act is known
    from the day the file gives (``published``), or from its own day (``act``), for back-files.
    """

    root_only: bool = False
    min_sources: int = 0
    repeat_days: int = 1
    known_date: Literal["published", "act"] = "published"


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What to import, and how."""

    layout: Layout
    crosswalk: Crosswalk
    dyads: tuple[tuple[str, str], ...]
    switches: Switches


def feed_options(source_format: str, dyads: Sequence[str], switches: Switches | None = None) -> ImportOptions:
    """Return the options of an import: a name of ``LAYOUTS``, pairs such as ``USA,CHN``, switches.

    Raises ``InputError``: an option is wrong, or would have no effect.
    """
    if source_format not in LAYOUTS:
        hint = did_you_mean(source_format, LAYOUTS, cutoff=0.5)
        raise InputError(f"--format {source_format}: no such format.{hint} Allowed: {', '.join(LAYOUTS)}")
    layout = LAYOUTS[source_format]
    chosen = switches or Switches()
    check_switches(chosen, layout)
    crosswalk = shipped_crosswalk(layout.system)
    return ImportOptions(layout=layout, crosswalk=crosswalk, dyads=_dyads(dyads), switches=chosen)


def check_switches(switches: Switches, layout: Layout) -> None:
    """Refuse a switch that the format would ignore, or a number that makes no sense (``InputError``)."""
    needs = (
        ("--root-only", switches.root_only, "root", "which events are root events"),
        ("--min-sources", switches.min_sources > 0, "sources", "how many sources report an event"),
        ("--known-date act", switches.known_date == "act", "added", "when an event was published"),
    )
    for option, used, name, what in needs:
        if used and not layout.has(name):
            raise InputError(f"{option}: {layout.name} files do not say {what}. Leave the option out")
    for option, number in (("--min-sources", switches.min_sources), ("--repeat-days", switches.repeat_days)):
        if number < 0:
            raise InputError(f"{option} {number}: expected 0 or more")


def _dyads(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    dyads: list[tuple[str, str]] = []
    for text in texts:
        parts = text.split(",")
        if len(parts) != 2:
            raise InputError(f"--dyad {text}: expected two actors with a comma between, such as USA,CHN")
        try:
            one, other = (parse_actor(part.strip()) for part in parts)
        except CellFault as fault:
            raise InputError(f"--dyad {text}: {fault}") from fault
        if one == other:
            raise InputError(f"--dyad {text}: a dyad is between two different actors")
        if (one, other) in dyads or (other, one) in dyads:
            raise InputError(f"--dyad {text}: given twice (either way round is the same dyad)")
        dyads.append((one, other))
    if not dyads:
        raise InputError("--dyad is missing: name the two actors, such as --dyad USA,CHN (repeatable)")
    return tuple(dyads)
