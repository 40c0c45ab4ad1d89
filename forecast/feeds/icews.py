"""ICEWS coded events: tab-separated, 20 columns, with a header.

Columns: "ICEWS Coded Event Data Read Me" (Harvard Dataverse, doi 10.7910/DVN/28075). No actor is called
"United States": an actor is a person or body, and its country stands in a column of its own, which is what
is used. The event date is that of the report, so it is also the day the act became known.
"""

from __future__ import annotations

from forecast.feeds.layout import Layout, iso_day

COLUMNS = (
    "Event ID",
    "Event Date",
    "Source Name",
    "Source Sectors",
    "Source Country",
    "Event Text",
    "CAMEO Code",
    "Intensity",
    "Target Name",
    "Target Sectors",
    "Target Country",
    "Story ID",
    "Sentence Number",
    "Publisher",
    "City",
    "District",
    "Province",
    "Country",
    "Latitude",
    "Longitude",
)


def _text(column: str) -> str:
    """Return the cell without the quotation marks that some exports put round it; NA means nothing."""
    return f"""nullif(trim("{column}", '"'), 'NA')"""


_CODE = _text("CAMEO Code")
# Codes 10 to 20 are roots, or 010 to 020 that lost their zero. The published intensity tells: no statement
# or appeal is below −0.4, and no root from 10 on is above −2.
_RESTORED = (
    f"CASE WHEN length({_CODE}) = 2 AND {_CODE} BETWEEN '10' AND '20' "
    f"AND TRY_CAST({_text('Intensity')} AS DOUBLE) > -1 THEN '0' || {_CODE} ELSE {_CODE} END"
)

ICEWS = Layout(
    name="icews",
    label="ICEWS",
    origin="ICEWS Coded Event Data Read Me; tested on real rows",
    system="cameo",
    syntax="tabs",
    columns=COLUMNS,
    header=True,
    required=("Event ID", "Event Date", "Source Country", "CAMEO Code", "Target Country"),
    actors="names",
    fields={
        "event_id": _text("Event ID"),
        "day": iso_day(_text("Event Date")),
        "actor_a": _text("Source Country"),
        "actor_b": _text("Target Country"),
        "code": _RESTORED,
        "sectors_a": _text("Source Sectors"),
        "sectors_b": _text("Target Sectors"),
        "name_a": _text("Source Name"),
        "name_b": _text("Target Name"),
        "place": (
            f"concat_ws(', ', {_text('City')}, nullif({_text('Province')}, {_text('City')}), "
            f"{_text('Country')})"
        ),
        "outlet": _text("Publisher"),
        "shown_day": '"Event Date"',
    },
    delimiter=",",
)
