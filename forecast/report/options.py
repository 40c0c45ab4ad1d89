"""How a report is set, and whose name it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from forecast.config import Config
from forecast.config.looks import Logo, read_logo

IMPACT_LEVELS = ("negligible", "minor", "moderate", "major", "severe")
"""From the least grave to the gravest."""


@dataclass(frozen=True, kw_only=True)
class Impact:
    """How grave a target would be (one of ``IMPACT_LEVELS``), and why."""

    level: str
    rationale: str


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How the report is set, and whose name it carries.

    ``accent`` is ``#RRGGBB`` (``None``: the report's own), ``impact`` is by name of the target, ``fonts``
    are files for signs that the report's typeface lacks, and ``template`` is a typst file in place of the
    package's frame.
    """

    paper: Literal["a4", "us-letter"] = "a4"
    title: str | None = None
    author: str | None = None
    organisation: str | None = None
    logo: Logo | None = None
    classification: str | None = None
    accent: str | None = None
    impact: Mapping[str, Impact] = field(default_factory=dict)
    fonts: tuple[Path, ...] = ()
    template: Path | None = None


def report_options(config: Config) -> ReportOptions:
    """Report settings of a config, its logo read.

    Raises
    ------
    InputError
        The logo cannot be read or is no image.
    """
    chosen = config.report
    return ReportOptions(
        paper=chosen.paper,
        title=chosen.title,
        author=chosen.author,
        organisation=chosen.organisation,
        logo=read_logo(config.logo_path) if config.logo_path else None,
        classification=chosen.classification,
        accent=chosen.accent,
        fonts=config.font_paths,
        impact={
            name: Impact(level=one.level, rationale=one.rationale) for name, one in chosen.impact.items()
        },
    )
