"""The published formats, and what a file looks like when it is not of the one announced.

GDELT
    "The GDELT Event Database Data Format Codebook", version 1.03 (2013; 57 columns before April 2013, 58
    since) and 2.0 (2015; 61 columns). Without header or quoting. The day a row was added is the day it became
    known; rows of the back-files of 1979–2013 were all added in 2013, whatever their date.
ICEWS
    "ICEWS Coded Event Data Read Me" (Harvard Dataverse, doi 10.7910/DVN/28075). Actors are persons or bodies;
    their country stands in a column of its own, which is what is used. The event date is that of the report.
PLOVER, POLECAT
    PLOVER manual, draft of 2021, chapter "JSON Data Fields"; POLECAT files of Harvard Dataverse (doi
    10.7910/DVN/AJGVIT). Not tested on real files. Contexts say whether an act is future, hypothetical,
    historical or negated; such rows are no acts of their day and are dropped with that reason.
ACLED
    ACLED Codebook, and "Guide to 2023 ACLED Column Changes". Not tested on real files (their terms forbid
    passing rows on). The country is read from an actor's name. ACLED does not say who acted on whom, and the
    time stamp is that of the row's last change: what was known earlier may be older than it says.
UCDP
    UCDP Georeferenced Event Dataset Codebook, version 25.1; candidate events have the same columns. Built
    from the published definitions. An event is one of deaths, between two sides; a state is "Government of
    X". It does not say who acted on whom, nor when it became known.
KEDS
    Data sets of the KEDS project (Kansas, later Penn State). The first three letters of an actor code are the
    country, the next three the role (``SERMIL``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

from forecast.events.cells import clean_text

System = Literal["cameo", "weis", "plover", "acled", "ucdp", "own"]
"""Which crosswalk gives a code its meaning; ``own``: rows that give category and severity themselves."""
MAX_COLUMNS = 5_000
FIRST_LINES = 1_000
"""Lines at the beginning of a text by which its format is judged."""
LINE = "line"
"""The column of a text that is read by lines."""

_FIELDS = (
    "broken event_id day added actor_a actor_b code mode root mentions sources sectors_a sectors_b name_a "
    "name_b contexts place url outlet title note given_category given_severity given_scale shown_day "
    "shown_added"
)
_TYPES = dict.fromkeys(("day", "added"), "DATE") | dict.fromkeys(("mentions", "sources"), "INTEGER")
_TYPES |= {"root": "BOOLEAN", "given_scale": "DOUBLE"}
FIELDS: Mapping[str, str] = {name: _TYPES.get(name, "VARCHAR") for name in _FIELDS.split()}
"""What is read of a row, with its type; a layout that says nothing of a field has none of it.

``broken`` says what is wrong with a row that is none of the format.
"""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A published format: its columns, how a text is cut into them, and how each field is read from them.

    ``origin`` says where the columns are defined, and whether we tested on real rows. ``syntax``: ``rows`` of
    tab-separated cells without a header; ``table`` with a header, which names at least the columns
    ``required``, its separator found out, cells quoted unless that is a tab; ``lines``, from each of which
    ``columns`` are made by the SQL expressions ``made``, and which look like ``record``. ``fields`` maps a
    field to an SQL expression on the columns (see ``FIELDS``). A row may lack ``optional`` cells at its end.
    ``named_countries``: actors are given as country names, not codes. ``known_date`` is the column of the day
    a row became known; without one the day of the act stands in. ``lists`` are the columns of initiators,
    recipients and events that hold lists: one row becomes one for each pair of actors and each event.
    ``delimiter`` separates sectors in a cell.
    """

    name: str
    origin: str
    system: System
    syntax: Literal["rows", "table", "lines"]
    columns: tuple[str, ...]
    fields: Mapping[str, str]
    required: tuple[str, ...] = ()
    optional: int = 0
    made: Mapping[str, str] = field(default_factory=dict)
    record: re.Pattern[str] | None = None
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
    return {name.strip(): other.strip() for name, other in split}


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


def _shown_line(expected: str) -> str:
    return f"'''' || left({LINE}, 60) || ''' is not {expected}'"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


# GDELT

_ACTOR = _names(
    "Code, Name, CountryCode, KnownGroupCode, EthnicCode, Religion1Code, Religion2Code, Type1Code, "
    "Type2Code, Type3Code"
)
_GEOGRAPHY = _names("Type, FullName, CountryCode, ADM1Code, ADM2Code, Lat, Long, FeatureID")
_ACTION = _names(
    "IsRootEvent, EventCode, EventBaseCode, EventRootCode, QuadClass, GoldsteinScale, NumMentions, "
    "NumSources, NumArticles, AvgTone"
)


def _gdelt(name: str, origin: str, without: str, optional: int) -> Layout:
    """Return the layout of a version, whose places lack a column, and its rows cells at their end."""
    fields = {
        "event_id": '"GLOBALEVENTID"',
        "day": compact_day('"SQLDATE"'),
        "added": compact_day('"DATEADDED"'),
    }
    for side, actor in (("a", "Actor1"), ("b", "Actor2")):
        # Alliances and organisations have no country; their group code stands in, so that NAT,RUS is a dyad.
        country, group = f"nullif(\"{actor}CountryCode\", '')", f"nullif(\"{actor}KnownGroupCode\", '')"
        fields[f"actor_{side}"] = f"coalesce({country}, {group})"
    fields |= {
        # A root code of one digit shows that the file went through software that drops leading zeros.
        "code": """CASE WHEN length("EventRootCode") = 1 THEN '0' || "EventCode" ELSE "EventCode" END""",
        "root": """"IsRootEvent" = '1'""",
        "mentions": 'TRY_CAST("NumMentions" AS INTEGER)',
        "sources": 'TRY_CAST("NumSources" AS INTEGER)',
        "sectors_a": """concat_ws(';', "Actor1Type1Code", "Actor1Type2Code", "Actor1Type3Code")""",
        "sectors_b": """concat_ws(';', "Actor2Type1Code", "Actor2Type2Code", "Actor2Type3Code")""",
        "name_a": '"Actor1Name"',
        "name_b": '"Actor2Name"',
        "place": '"ActionGeo_FullName"',
        "url": '"SOURCEURL"',
        "shown_day": '"SQLDATE"',
        "shown_added": '"DATEADDED"',
    }
    return Layout(
        name=name,
        origin=origin,
        system="cameo",
        syntax="rows",
        columns=(
            *_names("GLOBALEVENTID, SQLDATE, MonthYear, Year, FractionDate"),
            *(f"{actor}{column}" for actor in ("Actor1", "Actor2") for column in _ACTOR),
            *_ACTION,
            *(
                f"{place}Geo_{column}"
                for place in ("Actor1", "Actor2", "Action")
                for column in _GEOGRAPHY
                if column != without
            ),
            "DATEADDED",
            "SOURCEURL",
        ),
        optional=optional,
        required=("SQLDATE", "Actor1CountryCode", "Actor2CountryCode", "EventCode", "DATEADDED"),
        fields=fields,
        known_date="DATEADDED",
    )


GDELT1 = _gdelt(
    "gdelt1", "GDELT Data Format Codebook 1.03; tested on real rows of both layouts", "ADM2Code", 1
)
GDELT2 = _gdelt("gdelt2", "GDELT Event Codebook 2.0; tested on real rows", "", 0)

# ICEWS


def _unquoted(column: str) -> str:
    """Return the cell without the quotation marks that some exports put round it; NA means nothing."""
    return f"""nullif(trim("{column}", '"'), 'NA')"""


_ICEWS_CODE = _unquoted("CAMEO Code")
ICEWS = Layout(
    name="icews",
    origin="ICEWS Coded Event Data Read Me; tested on real rows",
    system="cameo",
    syntax="table",
    columns=_names(
        "Event ID, Event Date, Source Name, Source Sectors, Source Country, Event Text, CAMEO Code, "
        "Intensity, Target Name, Target Sectors, Target Country, Story ID, Sentence Number, Publisher, "
        "City, District, Province, Country, Latitude, Longitude"
    ),
    required=("Event ID", "Event Date", "Source Country", "CAMEO Code", "Target Country"),
    named_countries=True,
    fields={
        "event_id": _unquoted("Event ID"),
        "day": iso_day(_unquoted("Event Date")),
        "actor_a": _unquoted("Source Country"),
        "actor_b": _unquoted("Target Country"),
        # Codes 10 to 20 are roots, or 010 to 020 that lost their zero. The published intensity tells: no
        # statement or appeal is below −0.4, and no root from 10 on is above −2.
        "code": (
            f"CASE WHEN length({_ICEWS_CODE}) = 2 AND {_ICEWS_CODE} BETWEEN '10' AND '20' "
            f"AND TRY_CAST({_unquoted('Intensity')} AS DOUBLE) > -1 "
            f"THEN '0' || {_ICEWS_CODE} ELSE {_ICEWS_CODE} END"
        ),
        "sectors_a": _unquoted("Source Sectors"),
        "sectors_b": _unquoted("Target Sectors"),
        "name_a": _unquoted("Source Name"),
        "name_b": _unquoted("Target Name"),
        "place": (
            f"concat_ws(', ', {_unquoted('City')}, nullif({_unquoted('Province')}, {_unquoted('City')}), "
            f"{_unquoted('Country')})"
        ),
        "outlet": _unquoted("Publisher"),
        "shown_day": '"Event Date"',
    },
    delimiter=",",
)

# PLOVER and POLECAT


def _plover(name: str, origin: str, columns: Mapping[str, str]) -> Layout:
    """Return the layout of a table from field → column."""
    fields = {
        field: f"""nullif(nullif(trim("{column}", '" '), 'None'), '')""" for field, column in columns.items()
    }
    fields |= {
        "day": iso_day(f'"{columns["day"]}"'),
        "added": iso_day(fields["added"]),
        "code": f"upper({fields['code']})",
        "mode": f"coalesce(lower(trim(split_part({fields['mode']}, ';', 1))), '')",
        "shown_day": f'"{columns["day"]}"',
        "shown_added": f'"{columns["added"]}"',
    }
    return Layout(
        name=name,
        origin=origin,
        system="plover",
        syntax="table",
        columns=tuple(columns.values()),
        required=tuple(columns[field] for field in ("event_id", "day", "code", "actor_a", "actor_b")),
        optional=1,
        lists=(columns["actor_a"], columns["actor_b"], columns["code"]),
        known_date=columns["added"],
        fields=fields,
    )


POLECAT = _plover(
    "polecat",
    "POLECAT column list; built from the published definitions",
    pairs(
        "event_id: Event ID, day: Event Date, code: Event Type, mode: Event Mode, contexts: Contexts, "
        "name_a: Actor Name, actor_a: Actor Country, sectors_a: Actor Sectors, name_b: Recipient Name, "
        "actor_b: Recipient Country, sectors_b: Recipient Sectors, place: Placename, outlet: Source, "
        "added: Publication Date, title: Headline"
    ),
)
_OBJECT = f"CASE WHEN json_valid({LINE}) THEN {LINE} END"


def _members(name: str) -> str:
    """Return the expression for what a key of a record holds, as a list."""
    value = f"json_extract({_OBJECT}, '$.{name}')"
    return f"CASE json_type({value}) WHEN 'ARRAY' THEN json_extract({value}, '$[*]') ELSE [{value}] END"


def _joined(members: str, key: str = "$") -> str:
    return f"array_to_string([json_extract_string(m, '{key}') FOR m IN {members}], ';')"


def _plover_records() -> Layout:
    """Return the layout of JSON records, one a line."""
    table = _plover(
        "plover",
        "PLOVER manual, draft of 2021; built from the published definitions",
        pairs(
            "event_id: id, day: date, actor_a: source, sectors_a: source_sector, actor_b: recipient, "
            "sectors_b: recipient_sector, code: event, mode: mode, contexts: context, added: coded_date, "
            "title: text"
        ),
    )
    made = {name: _joined(_members(name)) for name in table.columns}
    # Drafts before 2020 call the recipient target.
    recipients = f"CASE WHEN json_exists({_OBJECT}, '$.recipient') THEN {_members('recipient')} "
    recipients += f"ELSE {_members('target')} END"
    for side, actors in (("source", _members("source")), ("recipient", recipients)):
        # An actor is an object of code and sector, or its code alone.
        codes = (
            f"[CASE json_type(m) WHEN 'OBJECT' THEN json_extract(m, '$.code') ELSE m END FOR m IN {actors}]"
        )
        made |= {side: _joined(codes), f"{side}_sector": _joined(actors, "$.sector")}
    known = f"list_has_any(json_keys({_OBJECT}), ['date', 'event', 'source'])"
    wrong = _shown_line("a JSON object with date, event or source")
    made["broken"] = f"CASE WHEN NOT coalesce({known}, false) THEN {wrong} END"
    return replace(
        table,
        syntax="lines",
        optional=0,
        made=made,
        record=re.compile(r'\s*\{.*"(date|event|source)"\s*:.*\}\s*'),
        fields={**table.fields, "broken": "broken"},
    )


PLOVER = _plover_records()

# ACLED


def _country(column: str) -> str:
    """Return the expression for the country in an actor's name: '… of X (years)', or '… (X)'."""
    state = rf"""regexp_extract("{column}", ' of (?:the )?([^()]+?) \(\d{{4}}', 1)"""
    group = rf"""regexp_extract("{column}", '\(([^()\d]+)\)\s*(?:[^()]*)$', 1)"""
    return f"coalesce(nullif({state}, ''), nullif({group}, ''))"


ACLED = Layout(
    name="acled",
    origin="ACLED Codebook and column guide of 2023; built from the published definitions",
    system="acled",
    syntax="table",
    optional=1,
    columns=_names(
        "event_id_cnty, event_date, event_type, sub_event_type, actor1, actor2, country, location, "
        "source, notes, fatalities, timestamp"
    ),
    required=("event_id_cnty", "event_date", "event_type", "sub_event_type", "actor1", "actor2"),
    named_countries=True,
    known_date="timestamp",
    fields={
        "event_id": '"event_id_cnty"',
        "day": (
            'coalesce(TRY_CAST("event_date" AS DATE), '
            "TRY_CAST(try_strptime(\"event_date\", ['%d %B %Y', '%d-%b-%Y', '%d/%m/%Y']) AS DATE))"
        ),
        "added": 'TRY_CAST(TRY(to_timestamp(TRY_CAST("timestamp" AS BIGINT))) AS DATE)',
        "actor_a": _country("actor1"),
        "actor_b": _country("actor2"),
        # The code book of before 2019 and after differ in one spelling.
        "code": "\"event_type\" || ': ' || replace(\"sub_event_type\", 'protestors', 'protesters')",
        "mode": "CASE WHEN TRY_CAST(\"fatalities\" AS INTEGER) > 0 THEN 'fatal' ELSE '' END",
        "name_a": '"actor1"',
        "name_b": '"actor2"',
        "place": 'concat_ws(\', \', "location", "country")',
        "outlet": '"source"',
        "note": '"notes"',
        "shown_day": '"event_date"',
        "shown_added": '"timestamp"',
    },
)

# UCDP


def _government(column: str) -> str:
    """Return the expression for a state; its former names stand in brackets: 'Government of X (Y)'."""
    return rf"""nullif(regexp_extract("{column}", '^Government of (?:the )?([^()]+?)(?: \(.*)?$', 1), '')"""


UCDP = Layout(
    name="ucdp",
    origin="UCDP GED Codebook 25.1; built from the published definitions",
    system="ucdp",
    syntax="table",
    optional=1,
    columns=_names(
        "id, type_of_violence, side_a, side_b, date_start, best, where_coordinates, country, source_article, "
        "source_headline"
    ),
    required=("id", "type_of_violence", "side_a", "side_b", "date_start", "best"),
    named_countries=True,
    fields={
        "event_id": '"id"',
        "day": iso_day('"date_start"'),
        "actor_a": _government("side_a"),
        "actor_b": _government("side_b"),
        "code": '"type_of_violence"',
        "mode": "CASE WHEN TRY_CAST(\"best\" AS DOUBLE) > 0 THEN 'fatal' ELSE '' END",
        "name_a": '"side_a"',
        "name_b": '"side_b"',
        "place": "concat_ws(', ', nullif(\"where_coordinates\", ''), \"country\")",
        "outlet": '"source_article"',
        "title": '"source_headline"',
        "shown_day": '"date_start"',
    },
)

# KEDS

_KEDS = r"^\s*(\d{6}|\d{8})\s+(\S{2,})\s+(\S{2,})\s+([0-9]{2,4})(?:\s+(.*))?$"
"""One event, 'date actor target code'; what follows the code is its label or text."""
_CENTURY_TURN = "30"
"""Two-digit years below this are of the twenty-first century: the data begin in 1979 at the earliest."""


def _keds_part(number: int) -> str:
    return f"regexp_extract({LINE}, '{_KEDS}', {number})"


KEDS_WEIS = Layout(
    name="keds",
    origin="KEDS data sets, WEIS codes; the mapping is tested on the Balkans set",
    system="weis",
    syntax="lines",
    columns=("date", "actor", "target", "code"),
    made={
        "date": (
            f"regexp_replace(CASE WHEN length({_keds_part(1)}) = 8 THEN '' "
            f"WHEN {_keds_part(1)} < '{_CENTURY_TURN}' THEN '20' ELSE '19' END || {_keds_part(1)}, "
            r"'^(....)(..)(..)$', '\1-\2-\3')"
        ),
        "actor": _keds_part(2),
        "target": _keds_part(3),
        "code": _keds_part(4),
        "broken": f"CASE WHEN {_keds_part(1)} = '' THEN {_shown_line('date, actor, target and code')} END",
    },
    record=re.compile(_KEDS),
    fields={
        "broken": "broken",
        "day": iso_day('"date"'),
        "actor_a": 'upper(left("actor", 3))',
        "actor_b": 'upper(left("target", 3))',
        "code": '"code"',
        "sectors_a": 'upper(substr("actor", 4, 3))',
        "sectors_b": 'upper(substr("target", 4, 3))',
        "name_a": '"actor"',
        "name_b": '"target"',
        "shown_day": '"date"',
    },
)
KEDS_CAMEO = replace(
    KEDS_WEIS, origin="KEDS data sets, CAMEO codes; built from the published definitions", system="cameo"
)

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {layout.name: layout for layout in (GDELT1, GDELT2, ICEWS, PLOVER, POLECAT, ACLED, UCDP, KEDS_WEIS)}
)
"""Formats whose columns are published; ``csv`` is made from what the user says of it."""

# Which format a text is of


class WrongFormatError(Exception):
    """A file does not hold rows of the format; the message says what it holds instead of what."""


class Shape(NamedTuple):
    """How a text is cut into cells: its columns, those of the layout under their names, and its separator."""

    columns: tuple[str, ...]
    separator: str = "\t"
    header: bool = False

    @property
    def quoted(self) -> bool:
        """Whether cells may be quoted; between tabs a stray mark must not swallow lines."""
        return self.separator in ",;|"

    def rows(self, lines: Sequence[str]) -> Iterator[list[str]]:
        """Yield the cells of the rows of some lines, up to one that cannot be read."""
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        with suppress(csv.Error):
            yield from (
                row for row in csv.reader(lines, delimiter=self.separator, quoting=quoting) if any(row)
            )

    def fitted(self, cells: Sequence[str], optional: int) -> list[str] | None:
        """Return the cells of a row of this width; some may lack at its end, and empty ones be too many."""
        width = len(self.columns)
        if any(cell.strip() for cell in cells[width:]) or len(cells) < width - optional:
            return None
        return [*cells[:width], *[""] * (width - len(cells))]


def shape_of(layout: Layout, lines: Sequence[str]) -> Shape:
    """Return how a text is read, by its first lines (``WrongFormatError``: they are not of the format)."""
    if layout.record:
        shape = Shape((LINE,), "\x01")
        fits = [layout.record.fullmatch(line) is not None for line in lines if line.strip()]
    else:
        shape = Shape(layout.columns)
        if layout.syntax == "table":
            separator = max(",;\t|", key=lines[0].count)
            names = next(Shape((), separator).rows(lines[:1]), [])
            shape = Shape(_named_columns(layout, names, lines), separator, header=True)
        rows = shape.rows(lines[shape.header :])
        fits = [shape.fitted(cells, layout.optional) is not None for cells in rows]
    if sum(fits) < len(fits) / 2:
        wrong = f"{len(fits) - sum(fits):,} of the first {len(fits):,} rows are not of its form"
        raise _wrong_format(layout.name, lines, wrong)
    return shape


def _named_columns(layout: Layout, names: Sequence[str], lines: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a header: those of the layout by its names, each once, others by number."""
    if len(names) > MAX_COLUMNS:
        reason = f"the header has {len(names):,} columns, more than {MAX_COLUMNS:,}"
        raise _wrong_format(layout.name, lines, reason)
    places = {folded(name.strip('" ')): place for place, name in reversed([*enumerate(names)])}
    absent = [repr(name) for name in layout.required if folded(name) not in places]
    if absent:
        raise _wrong_format(layout.name, lines, f"the header has no column {', '.join(absent)}")
    named = {places[folded(name)]: name for name in layout.columns if folded(name) in places}
    return tuple(named.get(place, f"_{place}") for place in range(len(names)))


def looks_like(lines: Sequence[str]) -> str | None:
    """Return the format that the first lines of a text look like, if any; ``coded`` for our own columns."""
    filled = [line for line in lines if line.strip()]
    if not filled:
        return None
    head = folded(filled[0].replace('"', ""))
    for layout in LAYOUTS.values():
        if layout.syntax == "table" and all(folded(name) in head for name in layout.required):
            return layout.name
    for layout in (GDELT2, GDELT1):
        most = len(layout.columns)
        fitting = sum(most - layout.optional <= line.count("\t") + 1 <= most for line in filled)
        if fitting > len(filled) / 2 and filled[0].split("\t", 1)[0].isdigit():
            return layout.name
    for layout in (PLOVER, KEDS_WEIS):
        fitting = sum(layout.record.fullmatch(line) is not None for line in filled if layout.record)
        if fitting > len(filled) / 2:
            return layout.name
    if all(name in head for name in ("date", "initiator", "target", "category", "severity")):
        return "coded"
    return None


def _wrong_format(announced: str, lines: Sequence[str], reason: str) -> WrongFormatError:
    """Return the error for a file that is not of the announced format, without the file's name."""
    alike, wrong = looks_like(lines[:20]), f"not {announced} rows ({reason})"
    if alike == "coded":
        return WrongFormatError(f"{wrong}. The file is coded already: name it as events.source")
    if alike is not None and (alike == "keds" or alike != announced):
        text = "keds text" if alike == "keds" else alike
        return WrongFormatError(f"{wrong}. The file looks like {text}: --format {alike}")
    width = lines[0].count("\t") + 1
    shown = f"{width} tab-separated columns" if width > 1 else f"lines such as '{clean_text(lines[0][:60])}'"
    return WrongFormatError(
        f"{wrong}. The file has {shown} and looks like none of {', '.join(LAYOUTS)}; "
        "a table with a header can be read with --format csv"
    )
