"""What happened to every row, as values, as JSON and in words; what to know of the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from forecast.events.countries import near_actor
from forecast.feeds.engine import Engine, Tally
from forecast.feeds.fates import FATES, FAULTS
from forecast.feeds.keeping import Kept
from forecast.feeds.options import ImportOptions
from forecast.feeds.output import Written
from forecast.feeds.reading import make_batches
from forecast.wording import count, percent

LISTED = 20
"""Corrupt files named on the terminal; the JSON report names all."""
SHOWN_ACTORS = 10
BULK_SHARE = 0.2
"""Share of the kept rows that one day of publication must hold to look like a back-file."""
BULK_DAYS = 30
"""Days of acts that such a day must hold at least."""
MANY_FAULTS = 0.01


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did.

    Parameters
    ----------
    files, files_reused : int
        Files used, and how many of them were read by an earlier, interrupted or smaller import.
    set_aside : dict of str to str
        Files that were not used → why.
    lines, rows : int
        Lines with content, and rows made of them (more where a line names several pairs of actors).
    fates, examples
        Rows dropped, by reason; the first three of each, but for rows of other actors.
    kept, by_dyad, by_category
        Events written. ``rows`` is the sum of ``fates`` and ``kept``.
    restored, mended : int
        Codes whose leading zero was restored; lines that were not UTF-8.
    first, last, last_known : date or None
        Span of the acts, and the last day on which one became known.
    lowest_probability : float
        Least share kept of a day by the normalisation; 1 without it.
    warnings : tuple of str
        What the user should know before using the events.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        asked = ("output", "files", "files_reused", "set_aside", "lines", "rows", "kept")
        days = {name: getattr(self, name) for name in ("first", "last", "last_known")}
        return {
            "format": self.source_format,
            **{name: getattr(self, name) for name in asked},
            "dropped": {
                name: {"rows": rows, "reason": FATES[name].words, "kind": FATES[name].kind}
                for name, rows in ordered(self.fates).items()
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
        yield f"{count(self.files, 'file')} read{reused}: {count(self.rows, 'row')}."
        if self.rows > self.lines:
            yield f"They come from {count(self.lines, 'line')}: some name several actors or events."
        if self.set_aside:
            yield f"{count(len(self.set_aside), 'file')} set aside, no row of which is used:"
            yield from (f"  {name}: {reason}" for name, reason in list(self.set_aside.items())[:LISTED])
        if len(self.set_aside) > LISTED:
            yield f"  and {len(self.set_aside) - LISTED:,} more. All of them: --json"
        for name, number in ordered(self.fates).items():
            yield f"  {number:>12,}  {FATES[name].words}"
            for example in self.examples.get(name, []):
                yield f"  {'':>12}    {example}"
        yield f"  {self.kept:>12,}  are written to {self.output}"
        if self.restored:
            yield f"{count(self.restored, 'code')} had lost the leading zero, which was restored."
        if self.mended:
            yield f"{count(self.mended, 'line')} not in UTF-8 were read as Windows-1252."
        dyads = ", ".join(f"{name} {number:,}" for name, number in self.by_dyad.items())
        yield f"Dyads: {dyads}. Acts from {self.first} to {self.last}, known by {self.last_known}."
        yield f"Categories: {', '.join(f'{name} {number:,}' for name, number in self.by_category.items())}."
        if self.lowest_probability < 1:
            yield f"Normalised: on the fullest day {percent(self.lowest_probability)} of the rows were kept."
        for warning in self.warnings:
            yield f"Note: {warning}"


def ordered(fates: Mapping[str, int]) -> dict[str, int]:
    """Return the reasons in the order in which they were asked, those that dropped nothing left out."""
    return {name: fates[name] for name in FATES if fates.get(name)}


def faults_text(fates: Mapping[str, int], examples: Mapping[str, list[str]]) -> str:
    """Return the rows that are wrong, by reason with examples; empty when none is."""
    lines = []
    for name in FAULTS:
        if fates.get(name):
            lines.append(f"{count(fates[name], 'row')} {FATES[name].words}")
            lines += [f"  {example}" for example in examples.get(name, [])]
    return "\n".join(lines)


def warn_of(
    options: ImportOptions, total: Tally, kept: Kept, written: Written, *, renewed: bool
) -> tuple[str, ...]:
    """Return one sentence for each thing that would otherwise be found out late."""
    layout, switches = options.layout, options.switches
    notes = []
    if renewed:
        notes.append("dyads, mapping, switches or this program have changed, so every file was read again.")
    if not layout.known_date:
        notes.append(
            f"{layout.name} files have no date of publication; an act counts as known on its own day."
        )
    elif switches.known_date == "published" and kept.daily and written.first and written.last:
        day, rows = max(kept.daily.items(), key=lambda item: item[1])
        span = (written.last - written.first).days
        if rows > BULK_SHARE * written.rows and span > BULK_DAYS and rows > BULK_DAYS:
            notes.append(
                f"{rows:,} of {written.rows:,} events were published on {day}: a back-file loaded at once. "
                "Before that day a forecast knows none of them; --known-date act takes their own days."
            )
    absent = (dyad for dyad in options.dyads if not written.by_dyad[min(dyad), max(dyad)])
    notes += [f"no event of {','.join(dyad)} is left." for dyad in absent]
    wrong = sum(total.fates.get(name, 0) for name in FAULTS)
    if wrong > MANY_FAULTS * total.rows:
        notes.append(f"{wrong / total.rows:.1%} of the rows are wrong in themselves; see the reasons above.")
    if layout.system != "own" and total.restored and layout.name not in ("gdelt1", "gdelt2", "icews"):
        notes.append(
            "two-digit codes 10 to 20 may be 010 to 020 without their zero; they were read as 10 to 20."
        )
    if not switches.normalise and len(total.volumes) > 2 * 365:
        notes.append("the archive's volume grows over the years; --normalise takes that out of the counts.")
    return tuple(notes)


def nothing_kept(engine: Engine, total: Tally, fates: Mapping[str, int], paths: Sequence[Path]) -> str:
    """Return the message for rows of which none is kept: an actor that does not occur, or the reasons."""
    if not total.rows:
        return "no event rows: the files hold none"
    dyads = engine.options.dyads
    for actor in dict.fromkeys(actor for dyad in dyads for actor in dyad):
        if actor not in total.actors:
            folder = engine.folder / "again"
            folder.mkdir()
            batch = next(make_batches([("first", paths[0])], engine.options.layout, folder), None)
            seen = engine.actors_of(batch.parts) if batch is not None and batch.parts else []
            near = near_actor(actor, seen)
            hint = f" Did you mean {near}?" if near else ""
            return (
                f"no event is left: no actor {actor} occurs in these {total.rows:,} rows.{hint} "
                f"Most frequent in {paths[0].name}: {', '.join(seen[:SHOWN_ACTORS])}"
            )
    elsewhere = {*FAULTS, "actorless", "domestic", "others"}
    between = {name: rows for name, rows in ordered(fates).items() if name not in elsewhere}
    named = " or ".join("–".join(dyad) for dyad in dyads)
    if not between:
        return f"no event is left: both actors occur, but no row is between {named}"
    reasons = "; ".join(f"{rows:,} {FATES[name].words}" for name, rows in between.items())
    return f"no event is left: of the rows between {named}, {reasons}"
