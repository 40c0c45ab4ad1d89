"""PLOVER records (JSON lines or a table) and the POLECAT files that are coded after it.

Columns: PLOVER manual, draft of 2021, chapter "JSON Data Fields"; POLECAT files of Harvard Dataverse
(doi 10.7910/DVN/AJGVIT), 39 named columns. Built from these definitions, not tested on real files.

A row may name several actors a side, several events, or, for a meeting, several sources and no recipient:
it becomes one row for each pair of countries. Contexts say whether an act is future, hypothetical,
historical or negated; such rows are no acts of their day and are dropped with that reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import combinations, product

from forecast.feeds.layout import Layout, iso_day

_NOTHING = {"", "none", "na", "null", "nan"}


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip().lower() not in _NOTHING]


def _spread(row: Mapping[str, str], actor: str, recipient: str, event: str) -> Iterator[dict[str, str]]:
    """Yield a row for each pair of countries and each event."""
    sources, recipients = _listed(row[actor]), _listed(row[recipient])
    events = _listed(row[event]) or [""]
    # Without a recipient all who met are named as sources: each pair of them consulted.
    pairs = list(product(sources, recipients)) if recipients else list(combinations(sources, 2))
    for one, other in pairs or [(";".join(sources), ";".join(recipients))]:
        for name in events:
            yield {**row, actor: one, recipient: other, event: name}


def spread_polecat(row: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield a POLECAT row for each pair of countries and each event."""
    return _spread(row, "Actor Country", "Recipient Country", "Event Type")


def spread_plover(row: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield a PLOVER row for each pair of countries and each event."""
    return _spread(row, "source", "recipient", "event")


def plover_object(line: str) -> dict[str, str]:
    """Return a JSON record as cells: lists joined by semicolons, actors by code and sector.

    Raises
    ------
    ValueError
        The line is not a JSON object.
    """
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    cells = {name: _joined(content.get(name)) for name in ("id", "date", "event", "mode", "context", "text")}
    for side in ("source", "recipient"):
        # Drafts before 2020 call the recipient target.
        actors = content.get(side, content.get("target") if side == "recipient" else None) or []
        actors = actors if isinstance(actors, list) else [actors]
        named = [actor if isinstance(actor, dict) else {"code": actor} for actor in actors]
        cells[side] = ";".join(str(actor.get("code") or "") for actor in named)
        cells[f"{side}_sector"] = ";".join(str(actor.get("sector") or "") for actor in named)
    cells["coded_date"] = _joined(content.get("coded_date"))
    return cells


def _joined(value: object) -> str:
    if isinstance(value, list):
        return ";".join(str(part) for part in value)
    return "" if value is None else str(value)


def _text(column: str) -> str:
    return f"""nullif(nullif(trim("{column}", '" '), 'None'), '')"""


def _first(column: str) -> str:
    return f"lower(trim(split_part({_text(column)}, ';', 1)))"


POLECAT = Layout(
    name="polecat",
    label="POLECAT",
    origin="POLECAT column list; built from the published definitions",
    system="plover",
    syntax="csv",
    columns=(
        "Event ID",
        "Event Date",
        "Event Type",
        "Event Mode",
        "Contexts",
        "Actor Name",
        "Actor Country",
        "Actor Sectors",
        "Recipient Name",
        "Recipient Country",
        "Recipient Sectors",
        "Placename",
        "Source",
        "Publication Date",
        "Headline",
    ),
    header=True,
    required=("Event ID", "Event Date", "Event Type", "Actor Country", "Recipient Country"),
    spread=spread_polecat,
    known_date="Publication Date",
    fields={
        "event_id": _text("Event ID"),
        "day": iso_day('"Event Date"'),
        "added": iso_day('"Publication Date"'),
        "actor_a": _text("Actor Country"),
        "actor_b": _text("Recipient Country"),
        "code": f"upper({_text('Event Type')})",
        "mode": f"coalesce({_first('Event Mode')}, '')",
        "contexts": _text("Contexts"),
        "sectors_a": _text("Actor Sectors"),
        "sectors_b": _text("Recipient Sectors"),
        "name_a": _text("Actor Name"),
        "name_b": _text("Recipient Name"),
        "place": _text("Placename"),
        "outlet": _text("Source"),
        "title": _text("Headline"),
        "shown_day": '"Event Date"',
        "shown_added": '"Publication Date"',
    },
)
PLOVER = Layout(
    name="plover",
    label="PLOVER records",
    origin="PLOVER manual, draft of 2021; built from the published definitions",
    system="plover",
    syntax="json",
    columns=(
        "id",
        "date",
        "source",
        "source_sector",
        "recipient",
        "recipient_sector",
        "event",
        "mode",
        "context",
        "coded_date",
        "text",
    ),
    header=True,
    required=("date", "source", "recipient", "event"),
    spread=spread_plover,
    known_date="coded_date",
    fields={
        "event_id": _text("id"),
        "day": iso_day('"date"'),
        "added": iso_day(_text("coded_date")),
        "actor_a": _text("source"),
        "actor_b": _text("recipient"),
        "code": f"upper({_text('event')})",
        "mode": f"coalesce({_first('mode')}, '')",
        "contexts": _text("context"),
        "sectors_a": _text("source_sector"),
        "sectors_b": _text("recipient_sector"),
        "title": _text("text"),
        "shown_day": '"date"',
        "shown_added": '"coded_date"',
    },
)
