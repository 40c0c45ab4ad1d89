"""Content and figures → PDF bytes, with typst."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from forecast.config.looks import Logo
from forecast.errors import ForecastError, InputError
from forecast.report.typeface import current_typeface
from forecast.storage import read_plain, scratch_folder

_LOGGER = logging.getLogger(__name__)
TEMPLATE = "report.typ"
_MAX_TEMPLATE_BYTES = 5_000_000


def compile_pdf(
    content: Mapping[str, Any],
    figures: tuple[Path, ...],
    events_csv: str,
    as_of: date,
    *,
    logo: Logo | None = None,
    template: Path | None = None,
) -> bytes:
    """Compile the template with the content as data; the same input gives the same bytes.

    ``content`` holds the JSON values of ``Content.as_json``. The events are attached, ``as_of`` becomes the
    creation date. ``template`` takes the place of ``report.typ`` and can import the parts beside that one.

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
        (root / "content.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        (root / "events.csv").write_text(events_csv, encoding="utf-8")
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
