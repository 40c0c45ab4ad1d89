"""The columns of an event file, in canonical order."""

from __future__ import annotations

COLUMNS: tuple[str, ...] = (
    "id",
    "date",
    "end_date",
    "known_date",
    "initiator",
    "target",
    "category",
    "subcategory",
    "cameo",
    "severity",
    "summary",
    "source_outlet",
    "source_title",
    "source_url",
    "source_date",
    "verified",
    "confidence",
)
REQUIRED: tuple[str, ...] = ("date", "initiator", "target", "category", "severity")
DATES: tuple[str, ...] = ("date", "end_date", "known_date", "source_date")
TEXTS: tuple[str, ...] = tuple(name for name in COLUMNS if name not in {*DATES, "severity", "verified"})
"""Columns held as text, empty where nothing is given."""
OWN_PREFIX = "x_"
"""Columns that begin so are the user's own: accepted, not read, not written."""
CONFIDENCES: tuple[str, ...] = ("high", "medium", "low")
