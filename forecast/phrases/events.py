"""The rows of an event file: whose acts were left out, what looks odd, and which rows may be one event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecast.events.duplicates import TELLING_WORDS, DuplicateGroup
from forecast.events.dyads import (
    FEW_SHARE,
    SHOWN_PAIRS,
    DyadRule,
    PairRows,
    actors_of,
    either_way,
    near_actors,
    pairs_in_words,
    rows_in_words,
)
from forecast.events.table import EventTable
from forecast.wording import count, listing


def left_out_in_words(left_out: Sequence[PairRows], rows: int, shown: int = SHOWN_PAIRS) -> str:
    """Return pairs, e.g. ``IND to PAK (812 rows) and other pairs (17)``; ``rows`` are those of all pairs."""
    named = [(f"{pair.initiator} to {pair.recipient}", pair.rows) for pair in left_out[:shown]]
    return rows_in_words(named, rows)


def selection_notes(rule: DyadRule, events: EventTable, left_out: Sequence[PairRows]) -> Iterator[str]:
    """Yield what should be looked at: few rows of a file chosen, or an actor named that never appears.

    ``events`` are the acts of the dyad, ``left_out`` the pairs of the others.
    """
    rows = len(events) + sum(pair.rows for pair in left_out)
    if len(events) < FEW_SHARE * rows:
        yield (
            f"only {len(events):,} of {rows:,} rows are {rule.in_words()}. The file also holds "
            f"{pairs_in_words(either_way(left_out))}."
        )
    known = actors_of(events).union(*((pair.initiator, pair.recipient) for pair in left_out))
    unseen = tuple(actor for actor in rule.actors if actor not in known)
    if unseen:
        yield f"no row names {listing(unseen)}.{near_actors(unseen, known)}"


def repeats_in_words(groups: Sequence[DuplicateGroup], source: str, shown: int = 5) -> Iterator[str]:
    """Yield a sentence for each telling group, with the file and the lines, and what is left as counts."""
    telling = [group for group in groups if group.telling]
    for group in telling[:shown]:
        what, named = ("lines", group.lines) if all(group.lines) else ("ids", group.ids)
        rows = f"{what} {listing(tuple(map(str, named)))}"
        yield f"{source}: {rows} are likely one event ({group.reason}); each counts"
    everything = f"each counts. All of them: forecast events validate {source} --json"
    if left := _repeated_rows(telling[shown:]):
        verb = "repeats" if left == 1 else "repeat"
        yield f"{source}: {count(left, 'more row')} likely {verb} another; {everything}"
    if alike := _repeated_rows([group for group in groups if not group.telling]):
        verb = "is coded as another is" if alike == 1 else "are coded as others are"
        yield (
            f"{source}: {count(alike, 'row')} {verb} on the same day, without a summary of {TELLING_WORDS} "
            f"words to tell them apart; {everything}"
        )


def _repeated_rows(groups: Sequence[DuplicateGroup]) -> int:
    return sum(len(group.ids) - 1 for group in groups)
