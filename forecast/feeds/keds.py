"""KEDS text: one event a line, 'date actor target code (label)', separated by tabs or blanks.

Columns: KEDS project data sets (Kansas, later Penn State), WEIS or CAMEO codes, six- or eight-digit dates.
Built from the published definition; the mapping is tested against the Balkans set. Actor codes of more
than three letters carry the role after the country (``SERMIL``): the first three letters are the country.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from forecast.feeds.layout import Layout, iso_day

LINE = re.compile(r"^\s*(\d{6}|\d{8})\s+(\S{2,})\s+(\S{2,})\s+([0-9]{2,4})(?:\s+(.*))?$")
"""One event; what follows the code is its label or text."""
CENTURY_TURN = 30
"""Two-digit years below this are of the twenty-first century: the data begin in 1979 at the earliest."""


def keds_cells(line: str) -> dict[str, str]:
    """Return the cells of a line.

    Raises
    ------
    ValueError
        The line is not 'date actor target code'.
    """
    match = LINE.match(line)
    if match is None:
        raise ValueError("not 'date actor target code'")
    date, actor, target, code, label = match.groups()
    if len(date) == 6:
        date = ("20" if int(date[:2]) < CENTURY_TURN else "19") + date
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return {"date": day, "actor": actor, "target": target, "code": code, "label": (label or "").strip("() ")}


def _layout(system: str, origin: str) -> Layout:
    fields: Mapping[str, str] = {
        "day": iso_day('"date"'),
        "actor_a": 'upper(left("actor", 3))',
        "actor_b": 'upper(left("target", 3))',
        "code": '"code"',
        "sectors_a": 'upper(substr("actor", 4, 3))',
        "sectors_b": 'upper(substr("target", 4, 3))',
        "name_a": '"actor"',
        "name_b": '"target"',
        "shown_day": '"date"',
    }
    return Layout(
        name="keds",
        label=f"KEDS text with {system.upper()} codes",
        origin=origin,
        system="weis" if system == "weis" else "cameo",
        syntax="keds",
        columns=("date", "actor", "target", "code", "label"),
        fields=fields,
    )


KEDS_WEIS = _layout("weis", "KEDS data sets, WEIS codes; the mapping is tested on the Balkans set")
KEDS_CAMEO = _layout("cameo", "KEDS data sets, CAMEO codes; built from the published definitions")
