"""Rows that may be one event coded twice. Nothing is dropped: the report is for a person to judge."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast.events.table import EventTable
from forecast.wording import count, listing

MAX_COMPARISONS = 500_000
"""Pairs of summaries compared word by word; those beyond are counted as not compared."""
NEAR_IDENTICAL = 0.8
"""Least share of words in common of summaries that are likely one event on one day."""
TELLING_WORDS = 3
"""Words from which a summary can tell two acts of one kind and day apart; machine coding gives one or two."""

_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True)
class DuplicateGroup:
    """Rows that may be one event: their positions in the table, ascending, their ids, lines, and why.

    ``lines`` are those of the file that the table was read from, ascending; 0 without one.
    ``likeness`` is the share of words in common (Jaccard index) of the least alike pair that links the group;
    1 when the summaries are the same, or all empty. ``telling`` is whether a summary has ``TELLING_WORDS``.
    """

    rows: tuple[int, ...]
    ids: tuple[str, ...]
    lines: tuple[int, ...]
    likeness: float
    reason: str
    telling: bool


@dataclass(frozen=True)
class DuplicateReport:
    """Suspicious groups in order of date, and how many pairs of summaries were left uncompared."""

    groups: tuple[DuplicateGroup, ...]
    not_compared: int


class _Link(NamedTuple):
    first: int
    second: int
    likeness: float


def find_duplicates(
    table: EventTable, *, window_days: int = 1, likeness: float = 0.5, either_way: bool = True
) -> DuplicateReport:
    """Find rows of the same actors and category, close in time, with like summaries.

    With ``either_way`` rows with the actors the other way round are compared, too. ``window_days`` is by how
    much the dates of two rows may differ, ``likeness`` in (0, 1] the least share of words in common. Rows
    without summaries are alike when day, severity and subcategory are the same.
    """
    if window_days < 0 or not 0 < likeness <= 1:
        raise ValueError(f"window_days {window_days} must be ≥ 0 and likeness {likeness} in (0, 1]")
    days = table.date.astype(np.int64).tolist()
    summaries = [" ".join(text.lower().split()) for text in table.summary.tolist()]
    words = [words_in(text) for text in summaries]
    links: list[_Link] = []
    budget = MAX_COMPARISONS
    left = 0
    for rows in _blocks(table, either_way=either_way):
        links += _same_text(rows, days, summaries, window_days, table)
        block_days = [days[row] for row in rows]
        for position, first in enumerate(rows):
            end = bisect_right(block_days, days[first] + window_days)
            if budget <= 0:
                left += end - position - 1
                continue
            budget -= end - position - 1
            for second in rows[position + 1 : end]:
                if summaries[first] == summaries[second] or not words[first] or not words[second]:
                    continue
                shared = len(words[first] & words[second]) / len(words[first] | words[second])
                if shared >= likeness:
                    links.append(_Link(first, second, shared))
    return DuplicateReport(tuple(_groups(links, table)), left)


def likely_repeats(table: EventTable) -> tuple[DuplicateGroup, ...]:
    """Return rows that are likely one event: one day, initiator, target and category, like summaries."""
    return find_duplicates(table, window_days=0, likeness=NEAR_IDENTICAL, either_way=False).groups


def repeats_in_words(groups: Sequence[DuplicateGroup], source: str, shown: int = 5) -> Iterator[str]:
    """Yield a sentence for each telling group, with the file and the lines, and what is left as counts."""
    telling = [group for group in groups if group.telling]
    for group in telling[:shown]:
        what, named = ("lines", group.lines) if all(group.lines) else ("ids", group.ids)
        rows = f"{what} {listing(tuple(map(str, named)))}"
        yield f"{source}: {rows} are likely one event ({group.reason}); each counts"
    everything = f"each counts. All of them: forecast events validate {source} --json"
    if left := _repeating(telling[shown:]):
        verb = "repeats" if left == 1 else "repeat"
        yield f"{source}: {count(left, 'more row')} likely {verb} another; {everything}"
    if alike := _repeating([group for group in groups if not group.telling]):
        verb = "is coded as another is" if alike == 1 else "are coded as others are"
        yield (
            f"{source}: {count(alike, 'row')} {verb} on the same day, without a summary of {TELLING_WORDS} "
            f"words to tell them apart; {everything}"
        )


def _repeating(groups: Sequence[DuplicateGroup]) -> int:
    return sum(len(group.rows) - 1 for group in groups)


def words_in(summary: str) -> frozenset[str]:
    """Return the words of three letters or more of a summary, in lower case."""
    return frozenset(_WORD.findall(summary.lower()))


def _blocks(table: EventTable, *, either_way: bool) -> Iterator[list[int]]:
    """Positions that share actors and category, in order of date."""
    blocks: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    columns = zip(table.initiator.tolist(), table.recipient.tolist(), table.category.tolist(), strict=True)
    for row, (initiator, recipient, category) in enumerate(columns):
        pair = (initiator, recipient)
        first, second = sorted(pair) if either_way else pair
        blocks[(first, second, category)].append(row)
    return (rows for rows in blocks.values() if len(rows) > 1)


def _same_text(
    rows: list[int], days: list[int], summaries: list[str], window_days: int, table: EventTable
) -> Iterator[_Link]:
    """Links between neighbours with the same summary; without one, day and coding must agree too."""
    last: dict[tuple[object, ...], int] = {}
    key: tuple[object, ...]
    for row in rows:
        key = (summaries[row],)
        if not summaries[row]:
            key = ("", days[row], int(table.severity[row]), table.subcategory[row], table.initiator[row])
        if key in last and days[row] - days[last[key]] <= window_days:
            yield _Link(last[key], row, 1.0)
        last[key] = row


def _groups(links: list[_Link], table: EventTable) -> Iterator[DuplicateGroup]:
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        parent.setdefault(row, row)
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for first, second, _ in links:
        parent[root(second)] = root(first)
    members: defaultdict[int, set[int]] = defaultdict(set)
    weakest: dict[int, float] = {}
    for first, second, likeness in links:
        top = root(first)
        members[top] |= {first, second}
        weakest[top] = min(weakest.get(top, 1.0), likeness)
    for rows, top in sorted((tuple(sorted(rows)), top) for top, rows in members.items()):
        ids = tuple(str(table.id[row]) for row in rows)
        lines = tuple(sorted(table.line[list(rows)].tolist()))
        telling = any(len(words_in(table.summary[row])) >= TELLING_WORDS for row in rows)
        yield DuplicateGroup(rows, ids, lines, weakest[top], _reason(rows, weakest[top], table), telling)


def _reason(rows: tuple[int, ...], likeness: float, table: EventTable) -> str:
    picked = list(rows)
    span = int((table.date[picked].max() - table.date[picked].min()).astype(np.int64))
    when = "same day" if span == 0 else f"{span} day{'s' if span > 1 else ''} apart"
    if likeness < 1:
        text = f"summaries {likeness:.0%} alike"
    else:
        text = "same summary" if table.summary[picked[0]] else "no summary to tell them apart"
    parts = [when, "same category", text]
    if len(set(table.initiator[picked].tolist())) > 1:
        parts.append("actors the other way round")
    if len(set(table.severity[picked].tolist())) > 1:
        parts.append("severities differ")
    return ", ".join(parts)
