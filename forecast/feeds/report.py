"""What happened to every row, as values, as JSON and in words; what to know of the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from forecast.blocks import Block, Bullets, Entry, Pairs, Prose, plain_table, right
from forecast.feeds.engine import Tally
from forecast.feeds.keeping import Kept
from forecast.feeds.options import ImportOptions
from forecast.feeds.output import Written
from forecast.wording import count, percent

LISTED = 20
"""Corrupt files named on the terminal; the JSON report names all."""
BULK_SHARE = 0.2
"""Share of the kept rows that one day of publication must hold to look like a back-file."""
BULK_DAYS = 30
"""Days of acts that such a day must hold at least."""
MANY_FAULTS = 0.01


class Fate(NamedTuple):
    """Why rows are dropped.

    ``kind`` is ``fault`` (the row itself is wrong), ``outside`` (not asked for), ``noise`` (a switch) or
    ``repeat``; ``words`` follow a number of rows.
    """

    kind: str
    words: str


FATES: Mapping[str, Fate] = {
    "width": Fate("fault", "cannot be read: wrong number of columns, or not a record"),
    "unreadable": Fate("fault", "cannot be read by the engine"),
    "day": Fate("fault", "have an impossible date"),
    "added": Fate("fault", "have an impossible date of publication"),
    "future": Fate("fault", "are dated after the day on which they were published"),
    "code": Fate("fault", "have a code that the coding scheme does not know"),
    "severity": Fate("fault", "have a severity that is not 1 to 5"),
    "actorless": Fate("outside", "lack the country of an actor"),
    "domestic": Fate("outside", "are within one country"),
    "others": Fate("outside", "are between other actors"),
    "vintage": Fate("outside", "became known after the vintage"),
    "no_act": Fate("outside", "are future, hypothetical, historical or negated by their context"),
    "uncounted": Fate(
        "outside", "are of a kind that the codebook does not count (statements, appeals, protest)"
    ),
    "not_root": Fate("noise", "are not the root event of their text (--root-only)"),
    "mentions": Fate("noise", "have too few mentions (--min-mentions)"),
    "sources": Fate("noise", "have too few sources (--min-sources)"),
    "excluded": Fate("noise", "are of an excluded group of actors (--exclude)"),
    "late": Fate("noise", "were reported too long after the act (--max-delay)"),
    "same_id": Fate("repeat", "were in another file already (same id)"),
    "mirrored": Fate("repeat", "are the other side of an act that is kept (--keep-mirrored keeps them)"),
    "repeated": Fate("repeat", "report again an act that is kept (--repeat-days)"),
    "over_cap": Fate("repeat", "are beyond the number allowed a day (--cap-per-day)"),
    "thinned": Fate("noise", "fall to the growth of the archive's volume (--normalise)"),
}
"""Reasons by name, in the order in which they are asked."""
FAULTS: tuple[str, ...] = tuple(name for name, fate in FATES.items() if fate.kind == "fault")


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did.

    ``files`` were used, ``files_reused`` of them read by an earlier, interrupted or smaller import;
    ``set_aside`` says of those not used why. ``lines`` have content, ``rows`` are made of them (more where a
    line names several pairs of actors); ``fates`` are rows dropped, by reason, with the first three of each
    as ``examples`` (not of other actors); ``kept`` the events written, ``rows`` less the sum of ``fates``.
    ``restored`` are codes whose leading zero was restored, ``mended`` lines that were not UTF-8.
    ``lowest_probability`` is the least share kept of a day by the normalisation; 1 without it.
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

    def blocks(self) -> Iterator[Block]:
        """Yield what was read, what became of every row, what is written, and what to bear in mind."""
        reused = f" ({self.files_reused:,} of them by an earlier run)" if self.files_reused else ""
        read = f"{count(self.files, 'file')} read{reused}: {count(self.rows, 'row')}."
        if self.rows > self.lines:
            read += f" They come from {count(self.lines, 'line')}: some name several actors or events."
        yield Prose(read)
        if self.set_aside:
            hidden = len(self.set_aside) - LISTED
            aside = [f"{name}: {reason}" for name, reason in self.set_aside.items()][:LISTED]
            more = [f"and {hidden:,} more. All of them: --json"] if hidden > 0 else []
            head = f"{count(len(self.set_aside), 'file')} set aside, no row of which is used"
            yield Entry(head, (Bullets((*aside, *more)),))
        fates = []
        for name, number in ordered(self.fates).items():
            fates.append((f"{number:,}", FATES[name].words))
            fates += [("", example) for example in self.examples.get(name, [])]
        yield plain_table((right(""), ""), [*fates, (f"{self.kept:,}", "are written")])
        if self.restored:
            yield Prose(f"{count(self.restored, 'code')} had lost the leading zero, which was restored.")
        if self.mended:
            yield Prose(f"{count(self.mended, 'line')} not in UTF-8 were read as Windows-1252.")
        dyads = ", ".join(f"{name} {number:,}" for name, number in self.by_dyad.items())
        yield Prose(f"Dyads: {dyads}. Acts from {self.first} to {self.last}, known by {self.last_known}.")
        acts = ", ".join(f"{name} {number:,}" for name, number in self.by_category.items())
        yield Prose(f"Categories: {acts}.")
        if self.lowest_probability < 1:
            share = percent(self.lowest_probability)
            yield Prose(f"Normalised: on the fullest day {share} of the rows were kept.")
        for warning in self.warnings:
            yield Prose(warning, lead="Note:", tone="warning")
        yield Pairs((("Written", f"{self.output}, {count(self.kept, 'event')}"),))


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
    elif switches.known_date == "published" and kept.daily:
        day, rows = max(kept.daily.items(), key=lambda item: item[1])
        span = (written.last - written.first).days
        if rows > BULK_SHARE * written.rows and span > BULK_DAYS and rows > BULK_DAYS:
            notes.append(
                f"{rows:,} of {written.rows:,} events were published on {day}: a back-file loaded at once. "
                "Before that day a forecast knows none of them; --known-date act takes their own days."
            )
    absent = (dyad for dyad in options.dyads if (min(dyad), max(dyad)) not in written.by_dyad)
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


def nothing_kept(dyads: Sequence[tuple[str, str]], rows: int, fates: Mapping[str, int]) -> str:
    """Return the message for rows of which none is kept, though all actors occur."""
    if not rows:
        return "no event rows: the files hold none"
    elsewhere = {*FAULTS, "actorless", "domestic", "others"}
    between = {name: number for name, number in ordered(fates).items() if name not in elsewhere}
    named = " or ".join("–".join(dyad) for dyad in dyads)
    if not between:
        return f"no event is left: both actors occur, but no row is between {named}"
    reasons = "; ".join(f"{number:,} {FATES[name].words}" for name, number in between.items())
    return f"no event is left: of the rows between {named}, {reasons}"
