"""A fault in an event file, and the one message that lists them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN = 20
"""Faults written out in an error message; the rest are counted."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an event file.

    Parameters
    ----------
    line : int or None
        Physical line, counted from 1, on which the row begins; ``None`` for the file as a whole.
    column : str
        Name of the column, or an empty text for the whole row or file.
    message : str
        What came, what is allowed, and what to do.
    """

    line: int | None
    column: str
    message: str

    def located(self, source: str) -> str:
        """Return ``source:line: column: message``, without the parts that do not apply."""
        place = source if self.line is None else f"{source}:{self.line}"
        return ": ".join(part for part in (place, self.column, self.message) if part)


def faults_message(source: str, faults: Sequence[Fault], shown: int = SHOWN) -> str:
    """Return one line a fault, the first ``shown`` of them, and how many are left."""
    lines = [fault.located(source) for fault in faults[:shown]]
    left = len(faults) - len(lines)
    if left:
        lines.append(
            f"{source}: and {left:,} more {'fault' if left == 1 else 'faults'}. "
            f"All of them: forecast events validate {source}"
        )
    return "\n".join(lines)
