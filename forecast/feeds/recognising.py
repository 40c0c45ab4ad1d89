"""Which published format a text looks like, for the message about a file that is not of the one announced."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.events.cells import clean_text
from forecast.feeds.formats import GDELT1, GDELT2, KEDS_LINE, LAYOUTS, folded


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
