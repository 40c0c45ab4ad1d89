"""What happened to every row, as values, as JSON and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from forecast.feeds.fates import FATES, FAULTS

LISTED = 20
"""Corrupt files named on the terminal; the JSON report names all."""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did.

    Parameters
    ----------
    source_format : str
    output : str
    files, files_reused : int
        Files used, and how many of them were read by an earlier, interrupted or smaller import.
    set_aside : dict of str to str
        Files that were not used → why.
    lines, rows : int
        Lines with content, and rows made of them (more where a line names several pairs of actors).
    fates : dict of str to int
        Rows dropped, by reason.
    examples : dict of str to list of str
        First three rows of each reason, but for rows of other actors.
    kept : int
        Events written. ``rows`` is the sum of ``fates`` and ``kept``.
    restored, mended : int
        Codes whose leading zero was restored; lines that were not UTF-8.
    by_dyad, by_category : dict of str to int
        Events written.
    first, last, last_known : date or None
        Span of the acts, and the last day on which one became known.
    lowest_probability : float
        Least share kept of a day by the normalisation; 1 without it.
    actors : dict of str to int
        Countries that occur, most frequent first.
    warnings : tuple of str
        What the user should know before using the events.
    seconds : float
        Time taken.
    """

    source_format: str
    output: str
    files: int
    files_reused: int
    set_aside: dict[str, str]
    lines: int
    rows: int
    fates: dict[str, int]
    examples: dict[str, list[str]]
    kept: int
    restored: int
    mended: int
    by_dyad: dict[str, int]
    by_category: dict[str, int]
    first: date | None
    last: date | None
    last_known: date | None
    lowest_probability: float
    warnings: tuple[str, ...]
    seconds: float
    switches: dict[str, Any]
    actors: dict[str, int] = field(repr=False)

    @property
    def faults(self) -> int:
        """Rows that are wrong in themselves."""
        return sum(self.fates.get(name, 0) for name in FAULTS)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        days = {name: getattr(self, name) for name in ("first", "last", "last_known")}
        return {
            "format": self.source_format,
            "output": self.output,
            "files": self.files,
            "files_reused": self.files_reused,
            "set_aside": self.set_aside,
            "lines": self.lines,
            "rows": self.rows,
            "kept": self.kept,
            "dropped": {
                name: {"rows": count, "reason": FATES[name].words, "kind": FATES[name].kind}
                for name, count in ordered(self.fates).items()
            },
            "examples": self.examples,
            "codes_with_zero_restored": self.restored,
            "lines_not_utf8": self.mended,
            "by_dyad": self.by_dyad,
            "by_category": self.by_category,
            **{name: None if day is None else day.isoformat() for name, day in days.items()},
            "lowest_probability_kept": self.lowest_probability,
            "switches": self.switches,
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 3),
        }

    def lines_of_text(self) -> Iterator[str]:
        """Yield the report in plain English, for a terminal."""
        reused = f" ({self.files_reused:,} of them by an earlier run)" if self.files_reused else ""
        yield f"{_count(self.files, 'file')} read{reused}: {_count(self.rows, 'row')}."
        if self.rows != self.lines - self.fates.get("width", 0) and self.rows > self.lines:
            yield f"They come from {_count(self.lines, 'line')}: some name several actors or events."
        yield from self._aside()
        for name, number in ordered(self.fates).items():
            yield f"  {number:>12,}  {FATES[name].words}"
            for example in self.examples.get(name, []):
                yield f"  {'':>12}    {example}"
        yield f"  {self.kept:>12,}  are written to {self.output}"
        if self.restored:
            yield f"{_count(self.restored, 'code')} had lost the leading zero, which was restored."
        if self.mended:
            yield f"{_count(self.mended, 'line')} not in UTF-8 were read as Windows-1252."
        dyads = ", ".join(f"{name} {number:,}" for name, number in self.by_dyad.items())
        yield f"Dyads: {dyads}. Acts from {self.first} to {self.last}, known by {self.last_known}."
        yield f"Categories: {', '.join(f'{name} {number:,}' for name, number in self.by_category.items())}."
        if self.lowest_probability < 1:
            yield f"Normalised: on the fullest day {self.lowest_probability:.0%} of the rows were kept."
        for warning in self.warnings:
            yield f"Note: {warning}"

    def _aside(self) -> Iterator[str]:
        if not self.set_aside:
            return
        yield f"{_count(len(self.set_aside), 'file')} set aside, no row of which is used:"
        for place, (name, reason) in enumerate(self.set_aside.items()):
            if place == LISTED:
                yield f"  and {len(self.set_aside) - LISTED:,} more. All of them: --json"
                break
            yield f"  {name}: {reason}"


def ordered(fates: Mapping[str, int]) -> dict[str, int]:
    """Return the reasons in the order in which they were asked, those that dropped nothing left out."""
    return {name: fates[name] for name in FATES if fates.get(name)}


def faults_text(fates: Mapping[str, int], examples: Mapping[str, list[str]]) -> str:
    """Return the rows that are wrong, by reason with examples; empty when none is."""
    lines = []
    for name in FAULTS:
        if fates.get(name):
            lines.append(f"{_count(fates[name], 'row')} {FATES[name].words}")
            lines += [f"  {example}" for example in examples.get(name, [])]
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
