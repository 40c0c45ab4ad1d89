"""A scale of severity: what an act of each category and severity looks like, in one object that all quote."""

from __future__ import annotations

from pydantic import Field

from forecast.records.base import Record

ANY = "any"
"""The row of anchors that holds for acts of every category."""


class Scale(Record):
    """Anchors by category (and ``any``) and severity, under a name."""

    name: str = Field(description="standard or armed")
    anchors: dict[str, dict[int, str]] = Field(
        description="by category, and for any act, what each severity looks like"
    )

    def anchor(self, category: str, severity: int) -> str:
        """What an act of this category and severity looks like."""
        return self.anchors[category][severity]


STANDARD, ARMED = "standard", "armed"
