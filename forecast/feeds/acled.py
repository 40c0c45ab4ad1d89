"""ACLED exports: CSV with a header, one row an event of political violence or protest.

Columns: ACLED Codebook, and "Guide to 2023 ACLED Column Changes". Built from these definitions, not tested
on real files (their terms forbid passing rows on). Actors are named in words, such as "Military Forces of
China (2012-)" or "Protesters (India)"; their country is read from the name. ACLED does not say who of the
two acted on whom. The time stamp is the day of the row's last change: what became known later is right,
what was known earlier may be older than it says.
"""

from __future__ import annotations

from forecast.feeds.layout import Layout


def _country(column: str) -> str:
    """Return the expression for the country in an actor's name: '… of X (years)', or '… (X)'."""
    state = rf"""regexp_extract("{column}", ' of (?:the )?([^()]+?) \(\d{{4}}', 1)"""
    group = rf"""regexp_extract("{column}", '\(([^()\d]+)\)\s*(?:[^()]*)$', 1)"""
    return f"coalesce(nullif({state}, ''), nullif({group}, ''))"


_DAY = (
    'coalesce(TRY_CAST("event_date" AS DATE), '
    "TRY_CAST(try_strptime(\"event_date\", ['%d %B %Y', '%d-%b-%Y', '%d/%m/%Y']) AS DATE))"
)

ACLED = Layout(
    name="acled",
    label="ACLED export",
    origin="ACLED Codebook and column guide of 2023; built from the published definitions",
    system="acled",
    syntax="csv",
    columns=(
        "event_id_cnty",
        "event_date",
        "event_type",
        "sub_event_type",
        "actor1",
        "actor2",
        "country",
        "location",
        "source",
        "notes",
        "fatalities",
        "timestamp",
    ),
    header=True,
    required=("event_id_cnty", "event_date", "event_type", "sub_event_type", "actor1", "actor2"),
    actors="names",
    known_date="timestamp",
    fields={
        "event_id": '"event_id_cnty"',
        "day": _DAY,
        "added": 'TRY_CAST(to_timestamp(TRY_CAST("timestamp" AS BIGINT)) AS DATE)',
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
