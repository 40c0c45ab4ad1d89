"""The typefaces of the report: their files, their glyphs, and which one is in use.

Source Sans 3 (SIL Open Font License, see ``fonts/OFL.txt``) is shipped and sets all that it can: Latin,
Greek and Cyrillic. DejaVu Sans, which Matplotlib carries, follows for Arabic, Hebrew, Armenian, Georgian and
many signs, then the fonts of the config, e.g. one with Chinese.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import matplotlib as mpl
from matplotlib.ft2font import FT2Font

from forecast.errors import ForecastError, InputError

FAMILY = "Source Sans 3"
_STYLES = ("Light", "Regular", "It", "Semibold", "Bold")
_FALLBACK_FILES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")


@dataclass(frozen=True)
class Typeface:
    """Families in the order in which a sign is looked for, their files, and the code points they can show."""

    families: tuple[str, ...]
    files: tuple[Path, ...]
    glyphs: frozenset[int]


@cache
def font_files() -> tuple[Path, ...]:
    """Return every font file of Source Sans 3.

    Raises
    ------
    ForecastError
        A font file is missing from the installed package.
    """
    folder = Path(str(files("forecast.report") / "fonts"))
    return _present(tuple(folder / f"SourceSans3-{style}.otf" for style in _STYLES), "forecast/report/fonts")


@cache
def typeface(extra: tuple[Path, ...] = ()) -> Typeface:
    """Return the typeface of a report.

    Parameters
    ----------
    extra : tuple of Path
        Font files (TTF, OTF, TTC) for signs that the others lack.

    Raises
    ------
    InputError
        A file of ``extra`` cannot be read as a font.
    ForecastError
        A font file is missing from the installed packages.
    """
    own = font_files()
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    fallback = _present(tuple(folder / name for name in _FALLBACK_FILES), str(folder))
    groups = (own, fallback, *((path,) for path in extra))
    families = dict.fromkeys(_open(group[0]).family_name for group in groups)
    glyphs = (frozenset.intersection(*(_code_points(path) for path in group)) for group in groups)
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


def _code_points(path: Path) -> frozenset[int]:
    return frozenset(_open(path).get_charmap())


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
