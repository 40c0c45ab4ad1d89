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
"""As they stand in a file, whose ``target`` is the recipient of the act."""
FIELDS: tuple[str, ...] = tuple("recipient" if name == "target" else name for name in COLUMNS)
"""The same columns as attributes of ``Event`` and ``EventTable``: *target* in code is what is forecast."""
REQUIRED: tuple[str, ...] = ("date", "initiator", "target", "category", "severity")
DATES: tuple[str, ...] = ("date", "end_date", "known_date", "source_date")
TEXTS: tuple[str, ...] = tuple(name for name in FIELDS if name not in {*DATES, "severity", "verified"})
"""Fields held as text, empty where nothing is given."""
OWN_PREFIX = "x_"
"""Columns that begin so are the user's own: accepted, not read, not written."""
CONFIDENCES: tuple[str, ...] = ("high", "medium", "low")
