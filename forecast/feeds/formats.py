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

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from forecast.events.cells import clean_text

System = Literal["cameo", "weis", "plover", "acled", "ucdp", "own"]
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
    """A published format: its columns, its syntax, and how each field is read from them.

    ``origin`` says where the columns are defined, and whether we tested on real rows. ``columns`` are the
    published ones in their order; in formats with a ``header``, which names at least those ``required``, the
    set that is used. ``fields`` maps a field to an SQL expression on the columns (see ``FIELDS``). ``widths``
    are the numbers of columns of a row without a header; short rows are filled up. ``named_countries``:
    actors are given as country names, not codes. ``known_date`` is the column of the day a row became known;
    without one the day of the act stands in. ``lists`` are the columns of initiators, recipients and events
    that hold lists: one row becomes one for each pair of actors and each event. ``delimiter`` separates
    sectors in a cell.
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


def _gdelt(name: str, origin: str, without: str, widths: tuple[int, ...]) -> Layout:
    """Return the layout of a version, whose places lack a column."""
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
        syntax="tabs",
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
        widths=widths,
        required=("SQLDATE", "Actor1CountryCode", "Actor2CountryCode", "EventCode", "DATEADDED"),
        fields=fields,
        known_date="DATEADDED",
    )


GDELT1 = _gdelt(
    "gdelt1", "GDELT Data Format Codebook 1.03; tested on real rows of both layouts", "ADM2Code", (58, 57)
)
GDELT2 = _gdelt("gdelt2", "GDELT Event Codebook 2.0; tested on real rows", "", (61,))

# ICEWS


def _unquoted(column: str) -> str:
    """Return the cell without the quotation marks that some exports put round it; NA means nothing."""
    return f"""nullif(trim("{column}", '"'), 'NA')"""


_ICEWS_CODE = _unquoted("CAMEO Code")
ICEWS = Layout(
    name="icews",
    origin="ICEWS Coded Event Data Read Me; tested on real rows",
    system="cameo",
    syntax="tabs",
    columns=_names(
        "Event ID, Event Date, Source Name, Source Sectors, Source Country, Event Text, CAMEO Code, "
        "Intensity, Target Name, Target Sectors, Target Country, Story ID, Sentence Number, Publisher, "
        "City, District, Province, Country, Latitude, Longitude"
    ),
    header=True,
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


def _plover(name: str, origin: str, syntax: Syntax, columns: Mapping[str, str]) -> Layout:
    """Return a layout from field → column."""
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
        syntax=syntax,
        columns=tuple(columns.values()),
        header=True,
        required=tuple(columns[field] for field in ("event_id", "day", "code", "actor_a", "actor_b")),
        lists=(columns["actor_a"], columns["actor_b"], columns["code"]),
        known_date=columns["added"],
        fields=fields,
    )


POLECAT = _plover(
    "polecat",
    "POLECAT column list; built from the published definitions",
    "csv",
    pairs(
        "event_id: Event ID, day: Event Date, code: Event Type, mode: Event Mode, contexts: Contexts, "
        "name_a: Actor Name, actor_a: Actor Country, sectors_a: Actor Sectors, name_b: Recipient Name, "
        "actor_b: Recipient Country, sectors_b: Recipient Sectors, place: Placename, outlet: Source, "
        "added: Publication Date, title: Headline"
    ),
)
PLOVER = _plover(
    "plover",
    "PLOVER manual, draft of 2021; built from the published definitions",
    "json",
    pairs(
        "event_id: id, day: date, actor_a: source, sectors_a: source_sector, actor_b: recipient, "
        "sectors_b: recipient_sector, code: event, mode: mode, contexts: context, added: coded_date, "
        "title: text"
    ),
)

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
    syntax="csv",
    columns=_names(
        "event_id_cnty, event_date, event_type, sub_event_type, actor1, actor2, country, location, "
        "source, notes, fatalities, timestamp"
    ),
    header=True,
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
    syntax="csv",
    columns=_names(
        "id, type_of_violence, side_a, side_b, date_start, best, where_coordinates, country, source_article, "
        "source_headline"
    ),
    header=True,
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

KEDS_LINE = re.compile(r"^\s*(\d{6}|\d{8})\s+(\S{2,})\s+(\S{2,})\s+([0-9]{2,4})(?:\s+(.*))?$")
"""One event, 'date actor target code'; what follows the code is its label or text."""
KEDS_WEIS = Layout(
    name="keds",
    origin="KEDS data sets, WEIS codes; the mapping is tested on the Balkans set",
    system="weis",
    syntax="keds",
    columns=("date", "actor", "target", "code", "label"),
    fields={
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

# What a file looks like


def looks_like(lines: Sequence[str]) -> str | None:
    """Return the format that the first lines of a text look like, if any; ``coded`` for our own columns."""
    filled = [line for line in lines if line.strip()]
    if not filled:
        return None
    head = folded(filled[0].replace('"', ""))
    named = (layout for layout in LAYOUTS.values() if layout.header and layout.syntax != "json")
    for layout in named:
        if all(folded(name) in head for name in layout.required):
            return layout.name
    widths = [line.count("\t") + 1 for line in filled]
    for layout in (GDELT2, GDELT1):
        fitting = sum(width in layout.widths for width in widths)
        if fitting > len(widths) / 2 and filled[0].split("\t", 1)[0].isdigit():
            return layout.name
    if head.startswith("{") and "date" in head and "event" in head:
        return "plover"
    if sum(KEDS_LINE.match(line) is not None for line in filled) > len(filled) / 2:
        return "keds"
    if all(name in head for name in ("date", "initiator", "target", "category", "severity")):
        return "coded"
    return None


def wrong_format(announced: str, lines: Sequence[str], reason: str) -> str:
    """Return the message for a file that is not of the announced format, without the file's name."""
    found = looks_like(lines)
    wrong = f"not {announced} rows ({reason})"
    if found == "coded":
        return f"{wrong}. The file is coded already: name it as events.source"
    if found is not None and (found == "keds" or found != announced):
        text = "keds text" if found == "keds" else found
        return f"{wrong}. The file looks like {text}: --format {found}"
    first = lines[0] if lines else ""
    width = first.count("\t") + 1
    shown = f"{width} tab-separated columns" if width > 1 else f"lines such as '{clean_text(first[:60])}'"
    return (
        f"{wrong}. The file has {shown} and looks like none of {', '.join(LAYOUTS)}; "
        "a table with a header can be read with --format csv"
    )
