"""A scale of severity: what an act of each category and severity looks like, in one object that all quote."""

from __future__ import annotations

import hashlib
import json

from pydantic import Field

from forecast.records.base import Record

ANY = "any"
"""The row of anchors that holds for acts of every category."""


class Scale(Record):
    """Anchors by category (and ``any``) and severity, under a name.

    A category of a scale of one's own may begin above severity 1 or end below 5: no act is coded beyond.
    """

    name: str = Field(description="standard, armed, or the name of a file of anchors")
    anchors: dict[str, dict[int, str]] = Field(
        description="by category, and for any act, what each severity looks like"
    )

    def anchor(self, category: str, severity: int) -> str | None:
        """What an act of this category and severity looks like; ``None`` where the scale has none."""
        return self.anchors.get(category, {}).get(severity)

    def least(self, category: str) -> int:
        """Least severity of a category."""
        return min(self.anchors[category])

    def greatest(self, category: str) -> int:
        """Greatest severity of a category."""
        return max(self.anchors[category])

    @property
    def key(self) -> str:
        """What tells it from other scales: its name, and for one of a file the start of a hash of it."""
        if self.name in PACKAGED:
            return self.name
        text = json.dumps(self.anchors, sort_keys=True, ensure_ascii=False)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


STANDARD, ARMED = "standard", "armed"
PACKAGED = (STANDARD, ARMED)
"""Scales of the package; no file of anchors may have such a name."""
