"""Content set in type: fonts, text from data cut to signs that can be shown, PDF by typst, HTML page.

Source Sans 3 (SIL Open Font License, see ``fonts/OFL.txt``) is shipped and sets all that it can: Latin,
Greek and Cyrillic. DejaVu Sans, which Matplotlib carries, follows for Arabic, Hebrew, Armenian, Georgian and
many signs, then the fonts of the config, e.g. one with Chinese. The page needs nothing else, neither network
nor script.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import typst
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.ft2font import FT2Font

from forecast.config.writing import Logo
from forecast.errors import ForecastError, InputError
from forecast.storage import scratch_folder

_LOGGER = logging.getLogger(__name__)
_TEMPLATE = "report.typ"
_STYLES = ("Light", "Regular", "It", "Semibold", "Bold")
_FALLBACK_FILES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
_MISSING = "□"
"""Stands for a sign that the typeface lacks."""
_LONG_WORD, _PART = re.compile(r"\S{36,}"), re.compile(r"[^._+/]{1,14}[._+/]*|[._+/]{1,14}")
_NOT_SHOWN = frozenset({"url", "colour", "swatch", "path", "name", "kind"})
TIP = "tip:"
"""Begins the id of what says a text under the pointer; the text follows."""
_TIP = re.compile(rf'<g id="{TIP}([^"]*)">')
_ID = re.compile(r'(\bid="|xlink:href="#|url\(#)')
_BEFORE_SVG = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"| height="[^"]*"')


# Fonts


@dataclass(frozen=True)
class Typeface:
    """Families in the order in which a sign is looked for, their files, and the code points they can show."""

    families: tuple[str, ...]
    files: tuple[Path, ...]
    glyphs: frozenset[int]


@cache
def typeface(extra: tuple[Path, ...] = ()) -> Typeface:
    """Return the typeface of a report; ``extra`` are font files (TTF, OTF, TTC) for signs that others lack.

    ``InputError``: one of them cannot be read; ``ForecastError``: a font file of the installation is missing.
    """
    shipped = Path(str(files("forecast.report") / "fonts"))
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    own = tuple(shipped / f"SourceSans3-{style}.otf" for style in _STYLES)
    fallback = tuple(folder / name for name in _FALLBACK_FILES)
    if missing := [str(path) for path in (*own, *fallback) if not path.is_file()]:
        raise ForecastError(
            f"{', '.join(missing)}: missing: the installation is damaged. Reinstall the package."
        )
    groups = (own, fallback, *((path,) for path in extra))
    families = dict.fromkeys(_open(group[0]).family_name for group in groups)
    glyphs = (
        frozenset.intersection(*(frozenset(_open(path).get_charmap()) for path in group)) for group in groups
    )
    return Typeface(tuple(families), (*own, *fallback, *extra), frozenset().union(*glyphs))


def _open(path: Path) -> FT2Font:
    try:
        return FT2Font(str(path))
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{path}: cannot be read as a font ({error}). Give a TTF, OTF or TTC file, or leave it out of "
            "report.fonts."
        ) from error


_IN_USE: ContextVar[Typeface | None] = ContextVar("typeface of the report", default=None)


def current_typeface() -> Typeface:
    """Return the typeface in use: the shipped one outside of ``using_typeface``."""
    return _IN_USE.get() or typeface()


@contextmanager
def using_typeface(chosen: Typeface) -> Iterator[None]:
    """Draw and set with this typeface."""
    token = _IN_USE.set(chosen)
    try:
        yield
    finally:
        _IN_USE.reset(token)


# Text from data


def visible(text: str) -> str:
    """Return the text with single spaces and nothing invisible that could make it read otherwise than it is.

    Halves of surrogate pairs, which no file can hold, show as ``□``.
    """
    spaced = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
    kept = (sign for sign in spaced if unicodedata.category(sign) not in ("Cc", "Cf"))
    return "".join(_MISSING if unicodedata.category(sign) == "Cs" else sign for sign in kept)


def printable(text: str, glyphs: AbstractSet[int]) -> str:
    """Return the visible text; signs whose code points are not in ``glyphs`` show as ``□``."""
    return "".join(sign if ord(sign) in glyphs else _MISSING for sign in visible(text))


def breakable(text: str) -> str:
    """Return the text with break points in words too long for a cell, which are not copied."""
    return _LONG_WORD.sub(lambda word: "\u200b".join(_PART.findall(word.group())), text)


def _each_text(content: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON value
    """Apply a change to every shown text of a JSON-like value, not to an ``url``."""
    if isinstance(content, str):
        return change(content)
    if isinstance(content, dict):
        return {
            key: value if key in _NOT_SHOWN else _each_text(value, change) for key, value in content.items()
        }
    if isinstance(content, list | tuple):
        return [_each_text(item, change) for item in content]
    return content


def web_address(text: str) -> str | None:
    """Return the text when it is a plain http(s) address that may be linked, else ``None``."""
    return text if re.fullmatch(r"https?://[!-~]{4,2000}", text) else None


# PDF


class Attachment(NamedTuple):
    """A CSV file that a PDF carries."""

    name: str
    text: str
    description: str


def compile_pdf(
    content: Mapping[str, Any],
    figures: tuple[Path, ...],
    attached: Sequence[Attachment],
    made_on: date,
    *,
    logo: Logo | None = None,
) -> bytes:
    """Compile the template with the content as data; the same input gives the same bytes.

    ``content`` holds the JSON values of ``Content.as_json``, and ``made_on`` becomes the creation date.
    ``ForecastError`` where typst refuses the data.
    """
    chosen = current_typeface()
    shown = _each_text(dict(content), lambda text: breakable(printable(text, chosen.glyphs)))
    shown["attachments"] = [{"name": one.name, "description": one.description} for one in attached]
    # typst reads below its root only, so the root holds nothing but what the report needs.
    with scratch_folder("report") as root:
        parts = sorted(Path(str(files("forecast.report") / "template")).glob("*.typ"))
        for folder, sources in (("fonts", chosen.files), ("figures", figures), (".", parts)):
            (root / folder).mkdir(exist_ok=True)
            for source in sources:
                shutil.copyfile(source, root / folder / source.name)
        if logo is not None:
            (root / f"logo{logo.path.suffix.lower()}").write_bytes(logo.content)
        (root / "attached").mkdir()
        for one in attached:
            (root / "attached" / one.name).write_text(one.text, encoding="utf-8", newline="")
        (root / "content.json").write_text(json.dumps(shown, ensure_ascii=False), "utf-8")
        try:
            pdf, warnings = typst.compile_with_warnings(
                str(root / _TEMPLATE),
                root=str(root),
                font_paths=[str(root / "fonts")],
                ignore_system_fonts=True,
                pdf_standards=["ua-1", "a-3a"],
                timestamp=int(datetime.combine(made_on, time(), UTC).timestamp()),
            )
        except typst.TypstError as error:
            place = str(getattr(error, "diagnostic", "") or "").replace(f"{root}/", "")
            raise ForecastError(
                f"report.pdf: typst could not set the report: {error.message}. No report was written; the "
                f"run itself is whole.\n{place}".rstrip()
            ) from error
    for warning in warnings:
        _LOGGER.warning("report template: %s", warning.message)
    return bytes(pdf)


# HTML


def render_content(
    content: Mapping[str, Any], drawn: Mapping[str, str], *, extension: str | None = None, **values: object
) -> str:
    """Return content as a page, all but our figures escaped; ``extension`` extends ``page.html``."""
    environment = Environment(
        loader=PackageLoader("forecast.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.from_string(extension) if extension else environment.get_template("page.html")
    return template.render(
        **_each_text(dict(content), visible),
        charts={name: _inline_svg(text, name) for name, text in drawn.items()},
        frame={name: value["colour"] for name, value in content["colours"].items()},
        **values,
    )


def _inline_svg(text: str, name: str) -> Markup:
    """Return a figure as an element of the page, with ids of its own."""
    body = _LEFT_OUT.sub("", _BEFORE_SVG.sub("", text))
    sized = _SIZE.sub(lambda found: found.group(1) or "", body, count=2)
    sized = _TIP.sub(r'<g class="tip"><title>\1</title>', sized)
    named = _ID.sub(lambda found: f"{found.group()}{name}-", sized)
    return Markup(named.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1))


def data_address(content: bytes, media_type: str) -> str:
    """Address that holds its content itself."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
