"""Parts of settings that may still be wrong, for checks that run beside those of their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date


def day_in(value: object) -> date | None:
    """Return a day, or ``None`` where the value is none."""
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def mapping_in(value: object) -> Mapping[str, object]:
    """Return a mapping, empty where the value is none."""
    return value if isinstance(value, Mapping) else {}


def sequence_in(value: object) -> Sequence[object]:
    """Return a sequence, empty where the value is none."""
    return value if isinstance(value, (list, tuple)) else ()
