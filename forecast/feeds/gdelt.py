"""GDELT event files: version 1.0 (57 columns before April 2013, 58 since) and 2.0 (61 columns).

Columns: "The GDELT Event Database Data Format Codebook", version 1.03 (2013) and 2.0 (2015). Rows are
tab-separated, without header or quoting. A row's id is unique in the archive. The day a row was added is the
day it became known; rows of the back-files of 1979–2013 were all added in 2013, whatever their date.
"""

from __future__ import annotations

from forecast.feeds.layout import Layout, compact_day

_ACTOR = (
    "Code",
    "Name",
    "CountryCode",
    "KnownGroupCode",
    "EthnicCode",
    "Religion1Code",
    "Religion2Code",
    "Type1Code",
    "Type2Code",
    "Type3Code",
)
_ACTION = (
    "IsRootEvent",
    "EventCode",
    "EventBaseCode",
    "EventRootCode",
    "QuadClass",
    "GoldsteinScale",
    "NumMentions",
    "NumSources",
    "NumArticles",
    "AvgTone",
)
_GEO_1 = ("Type", "FullName", "CountryCode", "ADM1Code", "Lat", "Long", "FeatureID")
_GEO_2 = ("Type", "FullName", "CountryCode", "ADM1Code", "ADM2Code", "Lat", "Long", "FeatureID")


def _columns(geography: tuple[str, ...]) -> tuple[str, ...]:
    return (
        "GLOBALEVENTID",
        "SQLDATE",
        "MonthYear",
        "Year",
        "FractionDate",
        *(f"Actor1{name}" for name in _ACTOR),
        *(f"Actor2{name}" for name in _ACTOR),
        *_ACTION,
        *(f"{place}Geo_{name}" for place in ("Actor1", "Actor2", "Action") for name in geography),
        "DATEADDED",
        "SOURCEURL",
    )


def _actor(side: int) -> str:
    # Alliances and organisations have no country; their group code stands in, so that NAT,RUS is a dyad.
    return f"""coalesce(nullif("Actor{side}CountryCode", ''), nullif("Actor{side}KnownGroupCode", ''))"""


def _sectors(side: int) -> str:
    return f"""concat_ws(';', "Actor{side}Type1Code", "Actor{side}Type2Code", "Actor{side}Type3Code")"""


_FIELDS = {
    "event_id": '"GLOBALEVENTID"',
    "day": compact_day('"SQLDATE"'),
    "added": compact_day('"DATEADDED"'),
    "actor_a": _actor(1),
    "actor_b": _actor(2),
    # A root code of one digit shows that the file went through software that drops leading zeros.
    "code": """CASE WHEN length("EventRootCode") = 1 THEN '0' || "EventCode" ELSE "EventCode" END""",
    "root": """"IsRootEvent" = '1'""",
    "mentions": 'TRY_CAST("NumMentions" AS INTEGER)',
    "sources": 'TRY_CAST("NumSources" AS INTEGER)',
    "sectors_a": _sectors(1),
    "sectors_b": _sectors(2),
    "name_a": '"Actor1Name"',
    "name_b": '"Actor2Name"',
    "place": '"ActionGeo_FullName"',
    "url": '"SOURCEURL"',
    "shown_day": '"SQLDATE"',
    "shown_added": '"DATEADDED"',
}

_REQUIRED = ("SQLDATE", "Actor1CountryCode", "Actor2CountryCode", "EventCode", "DATEADDED")

GDELT1 = Layout(
    name="gdelt1",
    label="GDELT 1.0",
    origin="GDELT Data Format Codebook 1.03; tested on real rows of both layouts",
    system="cameo",
    syntax="tabs",
    columns=_columns(_GEO_1),
    widths=(58, 57),
    required=_REQUIRED,
    fields=_FIELDS,
    known_date="DATEADDED",
)
GDELT2 = Layout(
    name="gdelt2",
    label="GDELT 2.0",
    origin="GDELT Event Codebook 2.0; tested on real rows",
    system="cameo",
    syntax="tabs",
    columns=_columns(_GEO_2),
    widths=(61,),
    required=_REQUIRED,
    fields=_FIELDS,
    known_date="DATEADDED",
)
