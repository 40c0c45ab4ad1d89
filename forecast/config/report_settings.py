"""What a config says of the report: its parts, its looks, whose name it carries, how grave each target is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from forecast.config.faults import Section
from forecast.config.field_types import EMPTY_LIST, EMPTY_MAPPING, Colour, KeyName, Text


class ImpactConfig(Section):
    """How grave a target would be for the reader, as judged by the author of the report."""

    level: Literal["negligible", "minor", "moderate", "major", "severe"] = Field(
        description="gravity if it happens; printed beside the event"
    )
    rationale: Text = Field(description="why, in one sentence; printed beside what counts as the event")


ReportSection = Literal[
    "brief",
    "milestones",
    "sources",
    "assumptions",
    "scenarios",
    "costs",
    "track-record",
    "data",
    "method",
]
"""Parts of the report: page 1, then those that defend it, each with its tables in ``report.html``."""


class ReportConfig(Section):
    """What the report shows of its maker, how it looks, and how grave each target would be."""

    paper: Literal["a4", "us-letter"] = Field(default="a4", description="paper size of the PDF")
    title: Text | None = Field(default=None, description="title on page 1; the pair when absent")
    author: Text | None = Field(default=None, description="printed on page 1")
    organisation: Text | None = Field(default=None, description="printed on page 1")
    logo: Text | None = Field(
        default=None, description="SVG or PNG file, from the folder of the config; printed on page 1"
    )
    classification: Text | None = Field(
        default=None, description="line at the head and foot of every page, e.g. 'Internal'"
    )
    accent: Colour | None = Field(default=None, description="colour of headings and rules, e.g. '#0B3C6F'")
    fonts: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(),
        max_length=8,
        description="TTF, OTF or TTC files for signs that the report's typeface lacks, e.g. Chinese",
    )
    sections: tuple[ReportSection, ...] | None = Field(
        default=None,
        min_length=1,
        description="parts of the report to show, in the report's own order; all when absent. brief.pdf is "
        "always written",
    )
    track_record: Text | None = Field(
        default=None,
        description="folder that 'forecast backtest' made for this config, from the folder of the config; "
        "read where no backtest lies beside the run",
    )
    impact: Annotated[Mapping[KeyName, ImpactConfig], EMPTY_MAPPING] = Field(
        default_factory=dict, description="gravity by target; the report prints it beside the event"
    )
