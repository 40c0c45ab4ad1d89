"""What all records of a run share: frozen, no unknown keys, a short ``repr``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from forecast.errors import did_you_mean

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Interval = tuple[float, float]
Names = tuple[str, ...]
_MOST_ITEMS, _MOST_SIGNS = 4, 60


class Record(BaseModel):
    """Base of the record types: frozen, no unknown keys.

    ``repr`` shows the fields ``in_short`` (all, when it is empty), long texts and collections by their length
    alone: a run holds a megabyte of numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)
    in_short: ClassVar[Names] = ()

    def __repr__(self) -> str:
        names = self.in_short or type(self).model_fields
        return (
            f"{type(self).__name__}({', '.join(f'{name}={_short(getattr(self, name))}' for name in names)})"
        )


class LearnedRecord(Record):
    """Base of what was learned from other pairs, known by the hash of its content."""

    def __hash__(self) -> int:
        return hash(self.sha256)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content."""
        return sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()


def _short(value: object) -> str:
    match value:
        case bool():
            return repr(value)
        case float():
            return f"{value:.4g}"
        case date():
            return value.isoformat()
        case str() if len(value) > _MOST_SIGNS:
            return repr(f"{value[:_MOST_SIGNS]}…")
        case tuple() | list() | Mapping():
            plain = all(isinstance(item, str | int | float) for item in value)
            if plain and not isinstance(value, Mapping) and 0 < len(value) <= _MOST_ITEMS:
                return f"({', '.join(map(_short, value))}{',' if len(value) == 1 else ''})"
            return f"<{len(value)} items>"
    return repr(value)


def one_named[T](entries: Iterable[T], kind: str, name: str) -> T:
    """Return the entry of a name (``KeyError``, with the names that there are, when there is none)."""
    known = {str(getattr(entry, "name")): entry for entry in entries}  # noqa: B009
    if name not in known:
        hint = did_you_mean(name, known)
        raise KeyError(f"no {kind} is named '{name}'.{hint} There are: {', '.join(known) or 'none'}")
    return known[name]


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
