"""Text from data → text that the shipped typeface can show, with nothing hidden in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

MISSING = "□"
_LONGEST_WORD = 36
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD},}}")
_NOT_SHOWN = frozenset({"url", "colour", "swatch", "path", "name", "kind"})
# Where a long word may break: after punctuation, else anywhere.
_BREAK = "\u200b"


def visible(text: str) -> str:
    """Return the text without control and format characters, its white space as single spaces.

    Bidirectional overrides, zero-width and other invisible characters could make a text read otherwise
    than it is, so they go. So do halves of surrogate pairs, which no file can hold: they show as ``□``.
    """
    composed = unicodedata.normalize("NFC", text)
    spaced = re.sub(r"\s+", " ", composed).strip()
    kept = (sign for sign in spaced if unicodedata.category(sign) not in ("Cc", "Cf"))
    return "".join(MISSING if unicodedata.category(sign) == "Cs" else sign for sign in kept)


def printable(text: str, glyphs: AbstractSet[int]) -> str:
    """Return the visible text, characters that the typeface lacks shown as ``□``.

    Parameters
    ----------
    text : str
        Any text.
    glyphs : set of int
        Code points that the typeface has.
    """
    return "".join(sign if ord(sign) in glyphs else MISSING for sign in visible(text))


def breakable(text: str) -> str:
    """Return the text with invisible break points in words too long for a table cell."""
    return _LONG_WORD.sub(lambda word: _BREAK.join(re.findall(r".{1,6}", word.group())), text)


def printable_content(content: Any, glyphs: AbstractSet[int]) -> Any:  # noqa: ANN401 - any JSON value
    """Apply ``printable`` and ``breakable`` to every text of a JSON-like value, keys untouched.

    Texts under a key such as ``url`` or ``colour`` are left as they are: they are not shown.
    """
    return _each_text(content, lambda text: breakable(printable(text, glyphs)))


def visible_content(content: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Apply ``visible`` to every text of a JSON-like value, as ``printable_content`` does."""
    return _each_text(content, visible)


def _each_text(content: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(content, str):
        return change(content)
    if isinstance(content, dict):
        return {
            key: value if key in _NOT_SHOWN else _each_text(value, change) for key, value in content.items()
        }
    if isinstance(content, list | tuple):
        return [_each_text(item, change) for item in content]
    return content


def shorten(text: str, length: int) -> str:
    """Return the text cut at a word and ended with ``…`` when it is longer than ``length`` signs."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    head = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return head.rstrip(" ,;:.–-(") + "…"


def web_address(text: str) -> str | None:
    """Return the text when it is a plain http(s) address that may be linked, else ``None``."""
    return text if re.fullmatch(r"https?://[!-~]{4,2000}", text) else None
