"""What all records of a run share: frozen, no unknown keys, a short ``repr``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, ClassVar, Protocol

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

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        for name in self.in_short or type(self).model_fields:
            yield name, _Written(_short(getattr(self, name)))


class _Written(str):
    """A text that is its own ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


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
            plain = all(isinstance(one, str | int | float) for one in value)
            if plain and not isinstance(value, Mapping) and 0 < len(value) <= _MOST_ITEMS:
                return f"({', '.join(map(_short, value))}{',' if len(value) == 1 else ''})"
            return f"<{len(value)} items>"
    return repr(value)


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


def one_named[T: _HasName](entries: Sequence[T], kind: str, name: str) -> T:
    """Return the entry of a name (``KeyError``, with the names that there are, when there is none)."""
    found = next((one for one in entries if one.name == name), None)
    if found is None:
        known = [one.name for one in entries]
        hint = did_you_mean(name, known)
        raise KeyError(f"no {kind} is named '{name}'.{hint} There are: {', '.join(known) or 'none'}")
    return found
