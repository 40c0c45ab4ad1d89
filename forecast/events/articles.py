"""Articles to draft events from: files of text or HTML, with title, outlet and day of publication."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

from forecast.errors import InputError, shown
from forecast.events.cells import CellFault, Fault, clean_text, latest_day, parse_day
from forecast.events.rows import decode
from forecast.storage import read_plain

MAX_BYTES, MAX_CHARS = 5_000_000, 100_000
"""Of a file, and of the text in it."""
MAX_ARTICLES = 500
MAX_DEPTH = 2_000
HEAD = ("title", "outlet", "url", "date")
"""Lines such as ``date: 2023-02-04`` that may stand above the text of a file, up to an empty line."""

_HEAD_LINE = re.compile(rf"({'|'.join(HEAD)})[ \t]*:[ \t]*(\S.*)", re.IGNORECASE)
_WEB = re.compile(r"https?://\S+", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNSEEN = re.compile("script|style|noscript|template|svg|head|iframe|object|textarea|select")
_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
_INLINE = re.compile("a|abbr|b|cite|em|i|mark|q|small|span|strong|sub|sup|time|u")
_META = {
    "og:title": "title",
    "og:site_name": "outlet",
    "article:published_time": "date",
    "datepublished": "date",
}


class RefusedError(Exception):
    """An article or an answer cannot be used: ``kind`` is counted, the message says what came."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Article:
    """A text and where it is from; ``published`` is ``None`` where nothing says it. ``name`` is as given."""

    name: str
    text: str
    title: str = ""
    outlet: str = ""
    url: str = ""
    published: date | None = None

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_article(path: Path, published: date | None) -> Article:
    """Read a file of text or HTML; ``published`` is the day of one that does not say its own.

    Raises
    ------
    InputError
        The file cannot be read, or is no text.
    RefusedError
        There is no text, too much of it, or no day of publication.
    """
    try:
        content = decode(read_plain(path, MAX_BYTES))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    if isinstance(content, Fault):
        raise InputError(f"{content.located(str(path))}. An article is a file of text or HTML")
    is_page = path.suffix.lower() in (".html", ".htm")
    text, head = _of_page(content) if is_page else _of_text(content)
    if not text:
        raise RefusedError("no text", "holds no text")
    if len(text) > MAX_CHARS:
        told = f"{len(text):,} characters. Allowed: at most {MAX_CHARS:,}; cut it into parts"
        raise RefusedError("too large", told)
    day = _day(head.get("date", "")) or published
    if day is None:
        advice = "Begin the file with 'date: YYYY-MM-DD', or give --published"
        raise RefusedError("no day", f"has no day of publication. {advice}")
    if day > latest_day():
        raise RefusedError("no day", f"published on {day}, which is ahead")
    url = head.get("url", "")
    title, outlet = head.get("title", "")[:300], head.get("outlet", "")[:100]
    return Article(str(path), text, title, outlet, url if _WEB.fullmatch(url) else "", day)


def _of_text(content: str) -> tuple[str, dict[str, str]]:
    lines, head = content.splitlines(), dict[str, str]()
    for place, line in enumerate(lines):
        if found := _HEAD_LINE.fullmatch(line.strip()):
            head[found[1].lower()] = clean_text(found[2])
        elif head and not line.strip():
            return _paragraphs(lines[place:]), head
        else:
            break
    # A head ends with an empty line; what only looks like one is text.
    return _paragraphs(lines), {}


def _of_page(content: str) -> tuple[str, dict[str, str]]:
    page = _Page()
    page.feed(content)
    page.close()
    return _paragraphs("".join(page.parts).splitlines()), page.head


def _day(text: str) -> date | None:
    if not text:
        return None
    # The time of day of a page is cut off.
    found = _DAY.match(text)
    if found is None:
        raise RefusedError("no day", f"date: got '{shown(text)}'; expected YYYY-MM-DD")
    try:
        return parse_day(found[0])
    except CellFault as fault:
        raise RefusedError("no day", f"date: {fault}") from fault


def _paragraphs(lines: Iterable[str]) -> str:
    return "\n".join(filter(None, (" ".join(clean_text(line).split()) for line in lines)))


class _Page(HTMLParser):
    """What a reader of a page sees, and what its head says; hidden elements are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.head: dict[str, str] = {}
        self._open: list[tuple[str, bool]] = []
        self._title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta":
            key = _META.get((given.get("property") or given.get("name") or given.get("itemprop", "")).lower())
            if key and given.get("content"):
                self.head[key] = clean_text(given["content"])
        self._title |= tag == "title"
        if not _INLINE.fullmatch(tag):
            self.parts.append("\n")
        if not _VOID.fullmatch(tag):
            style = given.get("style", "").replace(" ", "").lower()
            hidden = bool(_UNSEEN.fullmatch(tag)) or "hidden" in given or given.get("aria-hidden") == "true"
            hidden |= any(way in style for way in ("display:none", "visibility:hidden", "font-size:0"))
            self._open.append((tag, hidden))
            if len(self._open) > MAX_DEPTH:
                raise RefusedError("too large", f"elements are nested more than {MAX_DEPTH:,} deep")

    def handle_endtag(self, tag: str) -> None:
        self._title &= tag != "title"
        places = [place for place, (name, _) in enumerate(self._open) if name == tag]
        if places:
            del self._open[places[-1] :]
        if not _INLINE.fullmatch(tag):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._title and data.strip():
            self.head.setdefault("title", clean_text(data))
        elif not any(hidden for _, hidden in self._open):
            # Line ends of the source are no paragraphs.
            self.parts.append(re.sub(r"\s+", " ", data))
