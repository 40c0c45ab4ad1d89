"""What a file looks like, for the message when it is not what was announced."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.events.cells import clean_text
from forecast.feeds.formats import LAYOUTS
from forecast.feeds.keds import LINE
from forecast.feeds.layout import folded


def looks_like(lines: Sequence[str]) -> str | None:
    """Return the name of the format that the first lines of a text look like, if any does.

    Parameters
    ----------
    lines : sequence of str
        The first lines, of which some may be blank.
    """
    filled = [line for line in lines if line.strip()]
    if not filled:
        return None
    head = folded(filled[0].replace('"', ""))
    for layout in LAYOUTS.values():
        named = layout.header and layout.syntax != "json"
        if named and all(folded(name) in head for name in layout.required):
            return layout.name
    widths = [line.count("\t") + 1 for line in filled]
    for name in ("gdelt2", "gdelt1"):
        layout = LAYOUTS[name]
        fitting = sum(width in layout.widths for width in widths)
        if fitting > len(widths) / 2 and filled[0].split("\t", 1)[0].isdigit():
            return name
    if head.startswith("{") and "date" in head and "event" in head:
        return "plover"
    if sum(LINE.match(line) is not None for line in filled) > len(filled) / 2:
        return "keds"
    if all(name in head for name in ("date", "initiator", "target", "category", "severity")):
        return "coded"
    return None


def wrong_format(announced: str, lines: Sequence[str], reason: str) -> str:
    """Return the message for a file that is not of the announced format, without the file's name."""
    found = looks_like(lines)
    width = lines[0].count("\t") + 1 if lines else 0
    if found == "coded":
        return f"not {announced} rows ({reason}). The file is coded already: name it as events.source"
    if found == "keds":
        return f"not {announced} rows ({reason}). The file looks like keds text: --format keds"
    if found is not None and found != announced:
        return f"not {announced} rows ({reason}). The file looks like {found}: --format {found}"
    shown = (
        f"{width} tab-separated columns"
        if width > 1
        else f"lines such as '{clean_text((lines or [''])[0][:60])}'"
    )
    return (
        f"not {announced} rows ({reason}). The file has {shown} and looks like none of "
        f"{', '.join(LAYOUTS)}; a table with a header can be read with --format csv"
    )
