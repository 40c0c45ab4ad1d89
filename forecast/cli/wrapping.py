"""Lines with their style, none wider than a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

WIDTH = 80
"""Columns of every table and text on the terminal."""
Line = tuple[str, str]
"""Text and its style."""


def wrapped(text: str, style: str, indent: str = "", hang: str | None = None) -> Iterator[Line]:
    """Yield the lines of a text; ``hang`` indents all but the first, ``indent`` where it is absent."""
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if hang is None else hang,
        break_on_hyphens=False,
    )
    for line in lines:
        yield line, style


def cut(text: str, width: int) -> str:
    """Return a text of at most ``width`` signs; an ellipsis stands for what is left out."""
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
