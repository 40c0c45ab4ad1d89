"""Content set in type: fonts, text from data cut to signs that can be shown, PDF by typst, HTML page."""

from __future__ import annotations

import base64
import colorsys
import json
import logging
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

from forecast.blocks import Block, as_content
from forecast.config.field_types import relative_luminance
from forecast.config.writing import Logo
from forecast.errors import ForecastError, InputError
from forecast.report.palette import ACCENT
from forecast.storage import read_plain, scratch_folder

_LOGGER = logging.getLogger(__name__)
TEMPLATE = "report.typ"
_MAX_TEMPLATE_BYTES = 5_000_000
_STYLES = ("Light", "Regular", "It", "Semibold", "Bold")
_FALLBACK_FILES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
MISSING = "□"
"""Stands for a sign that the typeface lacks."""
_LONG_WORD = re.compile(r"\S{36,}")
_NOT_SHOWN = frozenset({"url", "colour", "swatch", "path", "name", "kind"})


@dataclass(frozen=True)
class Typeface:
    """Families in the order in which a sign is looked for, their files, and the code points they can show."""

    families: tuple[str, ...]
    files: tuple[Path, ...]
    glyphs: frozenset[int]


@cache
def typeface(extra: tuple[Path, ...] = ()) -> Typeface:
    """Return the typeface of a report; ``extra`` are font files (TTF, OTF, TTC) for signs that others lack.

    Raises
    ------
    InputError
        A file of ``extra`` cannot be read as a font.
    ForecastError
        A font file is missing from the installed packages.
    """
    shipped = Path(str(files("forecast.report") / "fonts"))
    own = _present(tuple(shipped / f"SourceSans3-{style}.otf" for style in _STYLES), "forecast/report/fonts")
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    fallback = _present(tuple(folder / name for name in _FALLBACK_FILES), str(folder))
    groups = (own, fallback, *((path,) for path in extra))
    families = dict.fromkeys(_open(group[0]).family_name for group in groups)
    glyphs = (
        frozenset.intersection(*(frozenset(_open(path).get_charmap()) for path in group)) for group in groups
    )
    return Typeface(tuple(families), (*own, *fallback, *extra), frozenset().union(*glyphs))


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


def _open(path: Path) -> FT2Font:
    try:
        return FT2Font(str(path))
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{path}: cannot be read as a font ({error}). Give a TTF, OTF or TTC file, or leave it out of "
            "report.fonts."
        ) from error


def _present(paths: tuple[Path, ...], place: str) -> tuple[Path, ...]:
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise ForecastError(
            f"{place}: {', '.join(missing)} missing: the installation is damaged. Reinstall the package."
        )
    return paths


def visible(text: str) -> str:
    """Return the text with single spaces and nothing invisible that could make it read otherwise than it is.

    Halves of surrogate pairs, which no file can hold, show as ``□``.
    """
    spaced = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
    kept = (sign for sign in spaced if unicodedata.category(sign) not in ("Cc", "Cf"))
    return "".join(MISSING if unicodedata.category(sign) == "Cs" else sign for sign in kept)


def printable(text: str, glyphs: AbstractSet[int]) -> str:
    """Return the visible text; signs whose code points are not in ``glyphs`` show as ``□``."""
    return "".join(sign if ord(sign) in glyphs else MISSING for sign in visible(text))


def breakable(text: str) -> str:
    """Return the text with invisible break points in words too long for a table cell."""
    return _LONG_WORD.sub(lambda word: "\u200b".join(re.findall(r".{1,6}", word.group())), text)


def printable_content(content: Any, glyphs: AbstractSet[int]) -> Any:  # noqa: ANN401 - any JSON value
    """Apply ``printable`` and ``breakable`` to every shown text of a JSON-like value, not to an ``url``."""
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


def first_clauses(text: str, length: int) -> str:
    """Return whole clauses of a text up to a length; a longer first clause is cut at a word."""
    if len(text) <= length:
        return text
    ends = [place for place in range(1, length) if text[place] in ",;:." and text[place + 1] == " "]
    return text[: ends[-1]] if ends and ends[-1] > length // 3 else shorten(text, length)


def web_address(text: str) -> str | None:
    """Return the text when it is a plain http(s) address that may be linked, else ``None``."""
    return text if re.fullmatch(r"https?://[!-~]{4,2000}", text) else None


class Attachment(NamedTuple):
    """A CSV file that a PDF carries."""

    name: str
    text: str
    description: str


def compile_pdf(
    content: Mapping[str, Any],
    figures: tuple[Path, ...],
    attached: Sequence[Attachment],
    as_of: date,
    *,
    logo: Logo | None = None,
    template: Path | None = None,
) -> bytes:
    """Compile the template with the content as data; the same input gives the same bytes.

    ``content`` holds the JSON values of ``Content.as_json``, and ``as_of`` becomes the creation date.
    ``template`` takes the place of ``report.typ`` and can import the parts beside that one.

    Raises
    ------
    InputError
        The template cannot be read, or typst refused it; the message is typst's own, with its place.
    ForecastError
        typst refused the package's template or its data.
    """
    # typst reads below its root only, so the root holds nothing but what the report needs.
    with scratch_folder("report") as root:
        fonts = root / "fonts"
        fonts.mkdir()
        for font in current_typeface().files:
            shutil.copyfile(font, fonts / font.name)
        (root / "figures").mkdir()
        for figure in figures:
            shutil.copyfile(figure, root / "figures" / figure.name)
        for part in sorted(Path(str(files("forecast.report") / "template")).glob("*.typ")):
            shutil.copyfile(part, root / part.name)
        if template is not None:
            (root / TEMPLATE).write_text(_read_template(template), encoding="utf-8")
        if logo is not None:
            (root / f"logo{logo.path.suffix.lower()}").write_bytes(logo.content)
        (root / "attached").mkdir()
        for one in attached:
            (root / "attached" / one.name).write_text(one.text, encoding="utf-8", newline="")
        known = {"attachments": [{"name": one.name, "description": one.description} for one in attached]}
        (root / "content.json").write_text(json.dumps({**content, **known}, ensure_ascii=False), "utf-8")
        try:
            pdf, warnings = typst.compile_with_warnings(
                str(root / TEMPLATE),
                root=str(root),
                font_paths=[str(fonts)],
                ignore_system_fonts=True,
                pdf_standards=["ua-1", "a-3a"],
                timestamp=int(datetime.combine(as_of, time(), UTC).timestamp()),
            )
        except typst.TypstError as error:
            kind = ForecastError if template is None else InputError
            raise kind(_explain(error, str(root), template)) from error
    for warning in warnings:
        _LOGGER.warning("report template: %s", warning.message)
    return bytes(pdf)


def _read_template(path: Path) -> str:
    try:
        return read_plain(path, _MAX_TEMPLATE_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is not UTF-8 text: {error}"
        raise InputError(
            f"{path}: the template cannot be read ({reason}). Give a typst file; "
            "docs/report.md says what it can use."
        ) from error


def _explain(error: typst.TypstError, root: str, template: Path | None) -> str:
    place = str(getattr(error, "diagnostic", "") or "").replace(f"{root}/", "")
    place = place.replace(TEMPLATE, template.name) if template else place
    hints = "".join(f" Hint: {hint}." for hint in getattr(error, "hints", None) or ())
    subject = template or "report.pdf"
    return (
        f"{subject}: typst could not set the report: {error.message}.{hints} "
        f"No report was written; the run itself is whole.\n{place}"
    ).rstrip()


_ID = re.compile(r'(\bid="|xlink:href="#|url\(#)')
_BEFORE_SVG = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"| height="[^"]*"')
_WIDE = re.compile(r'viewBox="0 0 ([\d.]+)')
_SMALLEST_POINTS, _LEAST_PIXELS = 8, 12
"""Smallest type of a figure, and how large it has to be on a screen."""
DARK_GROUND = "#12181F"
_LEAST_CONTRAST = 5.0
_TEXT_CONTRAST = 12.0
_GREY_BELOW = 0.35
_GROUND_FROM = 0.55
"""Relative luminance from which a colour is a ground or a hairline, and not a line, a dot or a text."""
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\b")


def render_content(
    content: Mapping[str, Any], drawn: Mapping[str, str], *, extension: str | None = None, **values: object
) -> str:
    """Return content as a page; all but our figures (SVG by name) is escaped by the template engine.

    ``extension`` is a template that extends ``page.html``; ``values`` are what it shows beside the content.
    """
    shown = visible_content(content)
    charts = {name: _inline_svg(text, name) for name, text in drawn.items()}
    frame = {"ground": "#ffffff", "box": "#eef2f6"} | {
        name: value["colour"] for name, value in content["colours"].items()
    }
    colours = {one.lower() for one in frame.values()} | set(_colours_of(shown["sections"]))
    colours |= {found.lower() for text in drawn.values() for found in _COLOUR.findall(text)}
    environment = _environment()
    template = environment.from_string(extension) if extension else environment.get_template("page.html")
    return template.render(
        **shown,
        charts=charts,
        least={name: _least_width(text) for name, text in drawn.items()},
        frame={name: Markup(variable(value)) for name, value in frame.items()},
        light=Markup(definitions(colours, dark=False)),
        dark=Markup(definitions(colours - {"#ffffff"}, dark=True) + f"--c-ffffff:{DARK_GROUND};"),
        **values,
    )


def render_blocks(blocks: Iterable[Block]) -> str:
    """Return blocks without charts as an element without styles or scripts, e.g. for a notebook."""
    frame = {"rule": "currentColor", "accent": ACCENT}
    module = _environment(paint=str).get_template("blocks.html").make_module({"frame": frame})
    shown = visible_content(as_content(tuple(blocks)))
    return f"<div>{''.join(module.block(block) for block in shown)}</div>"  # type: ignore[attr-defined]


def _colours_of(content: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Every colour that a block or a cell names."""
    if isinstance(content, list):
        for one in content:
            yield from _colours_of(one)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key in ("colour", "swatch") and value is not None:
                yield value.lower()
            else:
                yield from _colours_of(value)


def _environment(paint: Callable[[str], str] = lambda colour: variable(colour)) -> Environment:
    environment = Environment(
        loader=PackageLoader("forecast.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["paint"] = lambda colour: Markup(paint(colour))
    return environment


def _inline_svg(text: str, name: str) -> Markup:
    """Return a figure as an element of the page: ids of its own, colours that follow the screen."""
    body = _LEFT_OUT.sub("", _BEFORE_SVG.sub("", text))
    sized = _SIZE.sub(lambda found: found.group(1) or "", body, count=2)
    named = _ID.sub(lambda found: f"{found.group()}{name}-", sized)
    hidden = named.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
    return Markup(_COLOUR.sub(lambda found: variable(found.group()), hidden))


def _least_width(text: str) -> int:
    """Pixels that a figure must be wide for its smallest type to be readable on a phone."""
    found = _WIDE.search(text)
    return round(float(found[1]) * _LEAST_PIXELS / _SMALLEST_POINTS) if found else 0


def data_address(content: bytes, media_type: str) -> str:
    """Address that holds its content itself."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def dark_colour(colour: str) -> str:
    """Return the colour of the same hue that takes the place of ``#RRGGBB`` on the dark ground.

    Lines, dots and texts get lighter until they stand out (WCAG 2.2 AA: contrast 4.5), light grounds darker.
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*(one / 255 for one in bytes.fromhex(colour[1:])))
    # Text is nearly grey and keeps the contrast it has on white; colours need no more than to stand out.
    wanted = min(contrast(colour, "#FFFFFF"), _TEXT_CONTRAST) if saturation < _GREY_BELOW else _LEAST_CONTRAST
    if relative_luminance(colour) >= _GROUND_FROM:
        return _hex(hue, 0.13 + 0.9 * (1 - lightness) * 0.6, 0.7 * saturation)
    while contrast(_hex(hue, lightness, saturation), DARK_GROUND) < wanted and lightness < 1:
        lightness = min(1.0, lightness + 0.02)
    return _hex(hue, lightness, saturation)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def variable(colour: str) -> str:
    """CSS value that is this colour on a light screen and its counterpart on a dark one."""
    return f"var(--c-{colour[1:].lower()})"


def definitions(colours: set[str], *, dark: bool) -> str:
    """CSS declarations of the variables of these colours."""
    return "".join(f"--c-{one[1:]}:{dark_colour(one) if dark else one};" for one in sorted(colours))


def _hex(hue: float, lightness: float, saturation: float) -> str:
    shares = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(255 * share):02x}" for share in shares)
