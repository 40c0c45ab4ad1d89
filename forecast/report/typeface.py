"""The shipped typeface, Source Sans 3 (SIL Open Font License, see ``fonts/OFL.txt``): files and glyphs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from matplotlib.ft2font import FT2Font

from forecast.errors import ForecastError

FAMILY = "Source Sans 3"
_STYLES = ("Light", "Regular", "It", "Semibold", "Bold")


def font_folder() -> Path:
    """Folder with the font files of the package."""
    return Path(str(files("forecast.report") / "fonts"))


@cache
def font_files() -> tuple[Path, ...]:
    """Return every font file of the typeface.

    Raises
    ------
    ForecastError
        A font file is missing from the installed package.
    """
    paths = tuple(font_folder() / f"SourceSans3-{style}.otf" for style in _STYLES)
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise ForecastError(
            f"forecast/report/fonts: {', '.join(missing)} missing: the installation is damaged. "
            "Reinstall the package."
        )
    return paths


@cache
def glyphs() -> frozenset[int]:
    """Code points that every style of the typeface can show."""
    return frozenset.intersection(*(frozenset(FT2Font(str(path)).get_charmap()) for path in font_files()))
