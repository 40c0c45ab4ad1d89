"""Text and content set in type: fonts, text from data cut to signs that can be shown, and the PDF by typst.

Source Sans 3 (SIL Open Font License, see ``fonts/OFL.txt``) is shipped and sets all that it can: Latin,
Greek and Cyrillic. DejaVu Sans, which Matplotlib carries, follows for Arabic, Hebrew, Armenian, Georgian and
many signs, then the fonts of the config, e.g. one with Chinese.
"""

from __future__ import annotations

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
from matplotlib.ft2font import FT2Font

from forecast.config.named_files import Logo
from forecast.errors import ForecastError, InputError
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
