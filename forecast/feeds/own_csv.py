"""Any other table with a header: the user says which column is what, and which codes it uses.

A coded file of our own columns needs no import; this format is for tables of others' codes, or for tables
that name our categories under other column names.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from forecast.errors import InputError
from forecast.feeds.layout import Layout, System, iso_day

OWN_FIELDS: Mapping[str, str] = {
    "id": "event_id",
    "date": "day",
    "known_date": "added",
    "initiator": "actor_a",
    "target": "actor_b",
    "code": "code",
    "mode": "mode",
    "category": "given_category",
    "severity": "given_severity",
    "score": "given_score",
    "mentions": "mentions",
    "sources": "sources",
    "place": "place",
    "url": "url",
    "outlet": "outlet",
    "title": "title",
    "summary": "note",
}
"""Names for ``--column NAME=HEADER``, and the field that each fills."""
ALWAYS = ("date", "initiator", "target")


def own_layout(columns: Mapping[str, str], system: System, *, actors: str = "codes") -> Layout:
    """Return the layout of a table whose columns the user named.

    Parameters
    ----------
    columns : mapping of str to str
        Name in ``OWN_FIELDS`` → header of the file; what is not named is looked for under its own name.
    system : str
        Meaning of the codes; ``own`` when the table gives category and severity.
    actors : str
        ``codes`` or ``names``.

    Raises
    ------
    InputError
        A name that does not exist.
    """
    for name in columns:
        if name not in OWN_FIELDS:
            near = difflib.get_close_matches(name, OWN_FIELDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise InputError(f"--column {name}: no such column.{hint} Allowed: {', '.join(OWN_FIELDS)}")
    headers = {name: columns.get(name, name) for name in OWN_FIELDS}
    cells = {name: 'nullif("' + header.replace('"', '""') + "\", '')" for name, header in headers.items()}
    fields = {}
    for name, target in OWN_FIELDS.items():
        cell = cells[name]
        if target in ("day", "added"):
            fields[target] = iso_day(cell)
        elif target in ("mentions", "sources"):
            fields[target] = f"TRY_CAST({cell} AS INTEGER)"
        elif target == "given_score":
            fields[target] = f"TRY_CAST({cell} AS DOUBLE)"
        elif target == "mode":
            fields[target] = f"coalesce(lower({cell}), '')"
        else:
            fields[target] = cell
    fields["shown_day"], fields["shown_added"] = cells["date"], cells["known_date"]
    coding = ("category", "severity") if system == "own" else ("code",)
    return Layout(
        name="csv",
        label="table",
        origin="columns named by the user",
        system=system,
        syntax="csv",
        columns=tuple(headers.values()),
        header=True,
        required=tuple(headers[name] for name in (*ALWAYS, *coding)),
        actors="names" if actors == "names" else "codes",
        known_date=headers["known_date"],
        fields=fields,
    )
