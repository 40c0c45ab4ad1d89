"""Articles to draft from: files of text or HTML, or pages by address, with title, outlet and day."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

from forecast.drafts.endpoint import RefusedError, fetch_page
from forecast.errors import InputError, shown
from forecast.events.cells import CellFault, Fault, clean_text, latest_day, parse_day
from forecast.events.rows import decode
from forecast.storage import read_plain

MAX_ARTICLES = 500
MAX_FILE_BYTES = 5_000_000
MAX_ARTICLE_CHARS = 100_000
MAX_DEPTH = 2_000
HEAD = ("title", "outlet", "url", "date")
"""Lines such as ``date: 2023-02-04`` that may stand above the text of a file, up to an empty line."""

_HEAD_LINE = re.compile(rf"({'|'.join(HEAD)})[ \t]*:[ \t]*(\S.*)", re.IGNORECASE)
_WEB = re.compile(r"https?://\S+", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNSEEN = {"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "textarea", "select"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_INLINE = {
    "a",
    "abbr",
    "b",
    "cite",
    "em",
    "i",
    "mark",
    "q",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "time",
    "u",
}
_META = {
    "og:title": "title",
    "og:site_name": "outlet",
    "article:published_time": "date",
    "datepublished": "date",
}


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


def named_articles(given: Iterable[str]) -> list[str]:
    """Return paths and addresses; a file that holds nothing but addresses stands for these.

    Raises ``InputError``: there are too many, or one is given twice.
    """
    names: list[str] = []
    for name in given:
        names += [name] if _WEB.fullmatch(name) else _addresses(Path(name)) or [name]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{twice}: given twice. Give each article once")
    if len(names) > MAX_ARTICLES:
        raise InputError(f"{len(names):,} articles. Allowed: at most {MAX_ARTICLES} at a time")
    return names


def _addresses(path: Path) -> list[str]:
    lines = [line.strip() for line in _file_text(path).splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return lines if all(_WEB.fullmatch(line) for line in lines) else []


def read_article(name: str, published: date | None, seconds: float) -> Article:
    """Read a file, or fetch a page; ``published`` is the day for those that do not say theirs.

    Raises
    ------
    InputError
        The file cannot be read.
    RefusedError
        The page cannot be had; there is no text, too much of it, or no day of publication.
    """
    if _WEB.fullmatch(name):
        text, kind = fetch_page(name, seconds)
        article = Article(name, text, url=name)
    else:
        text = _file_text(Path(name))
        kind = "text/html" if Path(name).suffix.lower() in (".html", ".htm") else ""
        article = Article(name, text)
    article = _of_page(article) if kind.endswith("html") or kind.endswith("xml") else _of_text(article)
    if not article.text:
        raise RefusedError("no text", "holds no text")
    if len(article.text) > MAX_ARTICLE_CHARS:
        found = f"{len(article.text):,} characters. Allowed: at most {MAX_ARTICLE_CHARS:,}; cut it into parts"
        raise RefusedError("too large", found)
    article = replace(article, published=article.published or published)
    if article.published is None:
        raise RefusedError(
            "no day",
            "has no day of publication. Begin the file with 'date: YYYY-MM-DD', or give --published",
        )
    if article.published > latest_day():
        raise RefusedError("no day", f"published on {article.published}, which is ahead")
    return article


def _file_text(path: Path) -> str:
    try:
        raw = read_plain(path, MAX_FILE_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    text = decode(raw)
    if isinstance(text, Fault):
        raise InputError(f"{text.located(str(path))}. An article is a file of text or HTML")
    return text


def _of_text(article: Article) -> Article:
    lines = article.text.splitlines()
    head: dict[str, str] = {}
    for place, line in enumerate(lines):
        found = _HEAD_LINE.fullmatch(line.strip())
        if found is None:
            # A head ends with an empty line; what only looks like one is text.
            if head and not line.strip():
                return _with_head(replace(article, text=_text_of(lines[place:])), head)
            break
        head[found[1].lower()] = clean_text(found[2])
    return replace(article, text=_text_of(lines))


def _of_page(article: Article) -> Article:
    page = _Page()
    page.feed(article.text)
    page.close()
    text = _text_of("".join(page.parts).splitlines())
    return _with_head(replace(article, text=text), page.head)


def _with_head(article: Article, head: dict[str, str]) -> Article:
    published = None
    # The time of day of a page is cut off.
    if (day := head.get("date")) and (found := _DAY.match(day)):
        try:
            published = parse_day(found[0])
        except CellFault as fault:
            raise RefusedError("no day", f"date: {fault}") from fault
    elif day:
        raise RefusedError("no day", f"date: got '{shown(day)}'; expected YYYY-MM-DD")
    url = article.url or head.get("url", "")
    return replace(
        article,
        title=head.get("title", "")[:300],
        outlet=head.get("outlet", "")[:100],
        url=url if _WEB.fullmatch(url) else "",
        published=published,
    )


def _text_of(lines: Iterable[str]) -> str:
    return "\n".join(_paragraphs(lines))


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if words := " ".join(clean_text(line).split()):
            yield words


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
        if tag == "title":
            self._title = True
        if tag not in _INLINE:
            self.parts.append("\n")
        if tag not in _VOID:
            style = given.get("style", "").replace(" ", "").lower()
            hidden = tag in _UNSEEN or "hidden" in given or given.get("aria-hidden") == "true"
            hidden |= "display:none" in style or "visibility:hidden" in style or "font-size:0" in style
            self._open.append((tag, hidden))
            if len(self._open) > MAX_DEPTH:
                raise RefusedError("too large", f"elements are nested more than {MAX_DEPTH:,} deep")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._title = False
        places = [place for place, (name, _) in enumerate(self._open) if name == tag]
        if places:
            del self._open[places[-1] :]
        if tag not in _INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._title and data.strip():
            self.head.setdefault("title", clean_text(data))
        elif not any(hidden for _, hidden in self._open):
            # Line ends of the source are no paragraphs.
            self.parts.append(re.sub(r"\s+", " ", data))
