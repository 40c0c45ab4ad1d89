"""Rows that may be one event: coded twice in a file, or by several coders, whose files become one.

Two rows of different files may be one event when they share the two actors (either way round) and lie at
most ``WINDOW_DAYS`` apart. What speaks for it is added up; each row of a file is given to at most one row of
another, so that the sum over all pairs is greatest. How far coders agree is Krippendorff's alpha (*Content
Analysis*, 4th ed. 2019, chapter 12): 1 − observed / expected disagreement.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import count as numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CATEGORIES, actor_title
from forecast.events.table import COLUMNS, Event, EventTable
from forecast.storage import csv_text

Floats = NDArray[np.float64]
RESAMPLES = 1000

MAX_COMPARISONS = 500_000
"""Pairs of summaries compared word by word; those beyond are counted as not compared."""
NEAR_IDENTICAL = 0.8
"""Least share of words in common of summaries that are likely one event on one day."""
TELLING_WORDS = 3
"""Words from which a summary can tell two acts of one kind and day apart; machine coding gives one or two."""

_WORD = re.compile(r"\w{3,}")

# What each likeness of two rows is worth; rows whose sum is below LEAST are not one event.
SAME_DAY = 1.0  # falls to nothing at one day beyond the window
SAME_INITIATOR, SAME_CATEGORY = 0.5, 1.0
SAME_WORDS, WORDS_BY_CHANCE = 3.0, 0.15  # in proportion to the words in common, when both have a summary
SAME_PAGE, SAME_ID = 2.0, 4.0  # the same id: coders who were given a list of events
LEAST = 1.5
WINDOW_DAYS = 1
"""Days by which coders may date an event apart."""

OWN_COLUMNS = ("x_coders", "x_rows", "x_resolved")
"""Columns that say where a merged row comes from: coders who have it, their ids, what was resolved."""
RELIABLE, TENTATIVE = 0.8, 0.667
"""Krippendorff's own bounds: from 0.8 on conclusions are safe, from 0.667 tentative, below they are not."""
_MADE_ID = re.compile(rf"\d{{4}}-\d\d-\d\d-(?:{'|'.join(CATEGORIES)})(?:-\d+)?", re.ASCII)
"""Ids that the reader made of day and category; they say nothing more of the event."""
# What coders may disagree on.
_FIELDS = {
    "date": ("date", "end_date", "known_date"),
    "actors": ("initiator", "recipient"),
    "category": ("category",),
    "severity": ("severity",),
}
_PAGE = ("source_outlet", "source_title", "source_url", "source_date", "verified")
Unit = dict[int, Event]
"""One event as the coders have it: row of each coder who has it, by position of the coder."""


@dataclass(frozen=True)
class DuplicateGroup:
    """Rows that may be one event: their ids, lines in the file (or 0), and why.

    ``likeness`` is the share of words in common (Jaccard index) of the least alike pair that links the group.
    """

    ids: tuple[str, ...]
    lines: tuple[int, ...]
    likeness: float
    reason: str
    telling: bool
    """Whether a summary has ``TELLING_WORDS``."""


def find_duplicates(
    table: EventTable, *, window_days: int = WINDOW_DAYS, likeness: float = 0.5, either_way: bool = True
) -> tuple[tuple[DuplicateGroup, ...], int]:
    """Find rows of the same actors and category, close in time, with like summaries.

    Actors may stand either way round (``either_way``), or where a summary names one of them: it cannot be
    true of both ways. Returned are the groups in order of date, and how many pairs of summaries were left
    uncompared. Dates may differ by ``window_days``; ``likeness`` in (0, 1] is the least share of words in
    common. Rows without summaries are alike when day, severity and subcategory are the same.
    """
    day = table.date.astype(np.int64)
    days, severity, subcategory = day.tolist(), table.severity.tolist(), table.subcategory.tolist()
    summaries = [" ".join(text.lower().split()) for text in table.summary.tolist()]
    blocks: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    initiators, recipients = table.initiator.tolist(), table.recipient.tolist()
    for row, (initiator, recipient, category) in enumerate(
        zip(initiators, recipients, table.category.tolist(), strict=True)
    ):
        swap = recipient < initiator and (either_way or _naming(initiator, recipient).search(summaries[row]))
        first, second = (recipient, initiator) if swap else (initiator, recipient)
        blocks[first, second, category].append(row)
    alike: list[tuple[int, int, float]] = []
    budget, left = MAX_COMPARISONS, 0
    for rows in blocks.values():
        ends = np.searchsorted(day[rows], day[rows] + window_days, side="right").tolist()
        last: dict[object, int] = {}
        for place, (row, end) in enumerate(zip(rows, ends, strict=True), start=1):
            # Without a summary, day and coding must agree too.
            key = summaries[row] or (days[row], severity[row], subcategory[row], initiators[row])
            before = last.get(key)
            if before is not None and days[row] - days[before] <= window_days:
                alike.append((before, row, 1.0))
            last[key] = row
            if not _WORD.search(summaries[row]):
                continue
            if budget <= 0:
                left += end - place
                continue
            words = words_in(summaries[row])
            for other in rows[place:end]:
                if summaries[row] != summaries[other] and (theirs := words_in(summaries[other])):
                    shared = len(words & theirs) / len(words | theirs)
                    alike += [(row, other, shared)] if shared >= likeness else []
            budget -= end - place
    return tuple(_groups(alike, table)), left


def likely_repeats(table: EventTable) -> tuple[DuplicateGroup, ...]:
    """Return rows that are likely one event: one day, pair and category, like summaries."""
    return find_duplicates(table, window_days=0, likeness=NEAR_IDENTICAL, either_way=False)[0]


@cache
def _naming(*actors: str) -> re.Pattern[str]:
    """What finds some actors in a summary in lower case: by their codes, or a word of their titles."""
    named = words_in(" ".join(f"{actor} {actor_title(actor)}" for actor in actors))
    return re.compile(rf"\b(?:{'|'.join(named - {'the', 'and', 'united'}) or '(?!)'})\b")


@lru_cache(maxsize=4_096)
def words_in(summary: str) -> frozenset[str]:
    """Return the words of three letters or more of a summary, in lower case."""
    return frozenset(_WORD.findall(summary.lower()))


def _groups(alike: Sequence[tuple[int, int, float]], table: EventTable) -> Iterator[DuplicateGroup]:
    """Yield the groups that pairs of rows make, each with the likeness of its least alike pair."""
    members: dict[int, set[int]] = {}
    for first, second, _ in alike:
        small, large = sorted((members.get(first, {first}), members.get(second, {second})), key=len)
        if small is not large:
            large |= small
            members |= dict.fromkeys((first, second, *small), large)
    groups = {id(rows): rows for rows in members.values()}
    least = dict.fromkeys(groups, 1.0)
    for first, _, likeness in alike:
        least[id(members[first])] = min(least[id(members[first])], likeness)
    # Lists, since there may be groups by the hundred thousand, and rows of an array cost more to take.
    names = "date", "initiator", "severity", "summary", "line", "id"
    days, initiators, severities, summaries, lines, ids = (getattr(table, name).tolist() for name in names)
    for picked in sorted(map(sorted, groups.values())):
        weakest = least[id(members[picked[0]])]
        span = (days[picked[-1]] - days[picked[0]]).days
        text = "same summary" if summaries[picked[0]] else "no summary to tell them apart"
        reasons = [
            "same day" if span == 0 else f"{span} day{'s' if span > 1 else ''} apart",
            "same category",
            text if weakest == 1 else f"summaries {weakest:.0%} alike",
        ]
        if len({initiators[row] for row in picked}) > 1:
            reasons.append("actors the other way round")
        if len({severities[row] for row in picked}) > 1:
            reasons.append("severities differ")
        yield DuplicateGroup(
            ids=tuple(ids[row] for row in picked),
            lines=tuple(sorted(lines[row] for row in picked)),
            likeness=weakest,
            reason=", ".join(reasons),
            telling=any(len(words_in(summaries[row])) >= TELLING_WORDS for row in picked),
        )


# Several coders


def match_events(tables: Sequence[EventTable]) -> list[Unit]:
    """Match the events of several coders, one table each, in order of day; each row is in one unit."""
    pairs: defaultdict[tuple[str, str], list[Unit]] = defaultdict(list)
    for coder, table in enumerate(tables):
        rows: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in table.rows():
            rows[min(event.initiator, event.recipient), max(event.initiator, event.recipient)].append(event)
        for pair, events in rows.items():
            _join(pairs[pair], events, coder)
    units = [unit for units in pairs.values() for unit in units]
    return sorted(units, key=lambda unit: (unit[min(unit)].date, unit[min(unit)].id))


def _join(units: list[Unit], events: list[Event], coder: int) -> None:
    """Give each event of a coder to the unit it fits best, or to a new one."""
    on_day: defaultdict[date, list[int]] = defaultdict(list)
    for position, event in enumerate(events):
        for apart in range(-WINDOW_DAYS, WINDOW_DAYS + 1):
            on_day[event.date + timedelta(apart)].append(position)
    words = [words_in(event.summary) for event in events]
    gain: dict[tuple[int, int], float] = {}
    for place, unit in enumerate(units):
        for other in unit.values():
            for position in on_day[other.date]:
                likeness = _likeness(events[position], words[position], other, WINDOW_DAYS)
                if likeness >= LEAST:
                    gain[place, position] = max(gain.get((place, position), 0.0), likeness)
    taken = _greatest_sum(gain) if gain else {}
    units += [{coder: event} for position, event in enumerate(events) if position not in taken]
    for position, place in taken.items():
        units[place][coder] = events[position]


def _greatest_sum(gain: dict[tuple[int, int], float]) -> dict[int, int]:
    """Event → unit of the pairs with the greatest sum of gains, one unit an event and one event a unit."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    units, events = np.array([*gain]).T
    n_units, n_events = int(units.max()) + 1, int(events.max()) + 1
    # Each unit may also go to a place of its own, which adds nothing: all gains are raised by one.
    alone = np.arange(n_units)
    values = np.concatenate([np.array([*gain.values()]) + 1, np.ones(n_units)])
    places = np.concatenate([units, alone]), np.concatenate([events, n_events + alone])
    chosen = csr_array((values, places), shape=(n_units, n_events + n_units))
    pairs = zip(*min_weight_full_bipartite_matching(chosen, maximize=True), strict=True)
    return {int(event): int(unit) for unit, event in pairs if event < n_events}


def _likeness(event: Event, words: frozenset[str], other: Event, window_days: int) -> float:
    apart = abs((event.date - other.date).days)
    total = SAME_DAY * (1 - apart / (window_days + 1))
    total += SAME_INITIATOR * (event.initiator == other.initiator)
    total += SAME_CATEGORY * (event.category == other.category)
    theirs = words_in(other.summary)
    if words and theirs:
        total += SAME_WORDS * (len(words & theirs) / len(words | theirs) - WORDS_BY_CHANCE)
    total += SAME_PAGE * bool(event.source_url and event.source_url == other.source_url)
    return total + SAME_ID * (event.id == other.id and not _MADE_ID.fullmatch(event.id))


def nearest_acts(event: Event, table: EventTable) -> list[Event]:
    """Return the three acts between the same actors within a month that are most like an event."""
    words, pair, window = words_in(event.summary), {event.initiator, event.recipient}, timedelta(30)
    near = table.between(event.date - window, event.date + window).rows()
    rows = (other for other in near if {other.initiator, other.recipient} == pair)
    return sorted(rows, key=lambda other: -_likeness(event, words, other, window.days))[:3]


def merge_units(
    units: Sequence[Unit], coders: Sequence[str], *, has_verified: bool = True
) -> tuple[list[dict[str, Any]], str]:
    """Make one row of each event, as the first of ``coders`` who has it gave it.

    Returned are the disagreements, and the rows as CSV with ``OWN_COLUMNS`` after those of the codebook.
    """
    events: dict[str, Event] = {}
    rows: dict[str, dict[str, str]] = {}
    disagreements: list[dict[str, Any]] = []
    for unit in units:
        given = {coders[coder]: row for coder, row in sorted(unit.items())}
        event = _completed(list(given.values()))
        numbered = (event.id if number == 1 else f"{event.id}-{number}" for number in numbers(1))
        event = replace(event, id=next(name for name in numbered if name not in events))
        events[event.id] = event
        rows[event.id] = {coder: row.id for coder, row in given.items()}
        for name in _FIELDS:
            texts = {coder: _in_words(row, name) for coder, row in given.items()}
            if len({*texts.values()}) > 1:
                taken = _in_words(event, name)
                disagreements.append({"event": event.id, "property": name, "values": texts, "taken": taken})
    table = EventTable.from_events(events.values(), "merged", has_verified=has_verified)
    resolved: defaultdict[str, list[str]] = defaultdict(list)
    for item in disagreements:
        given_by = " | ".join(f"{coder}: {value}" for coder, value in item["values"].items())
        resolved[item["event"]].append(f"{item['property']} = {item['taken']} ({given_by})")
    lines = [[*COLUMNS, *OWN_COLUMNS]]
    for name, *cells in zip(table.id, *table.texts().values(), strict=True):
        lines.append([*cells, *map("; ".join, (rows[name], rows[name].values(), resolved[name]))])
    return disagreements, csv_text(lines)


def _completed(rows: list[Event]) -> Event:
    """The first of some coders' rows of one event, with what it leaves empty."""
    first = rows[0]
    # Outlet, title, page, day and check of one row: those of two coders are two pages.
    page = next((row for row in rows if row.source_url or row.source_outlet), first)
    values = {field: getattr(page, field) for field in _PAGE}
    # Sub-category and code belong to the category: another's would contradict it.
    same = [row for row in rows if row.category == first.category]
    for those, fields in ((same, ("subcategory", "cameo")), (rows, ("summary", "confidence"))):
        for field in fields:
            values[field] = next(filter(None, (getattr(row, field) for row in those)), "")
    return replace(first, **values)


def _in_words(row: Event, name: str) -> str:
    return " ".join(str(part) for field in _FIELDS[name] if (part := getattr(row, field)) is not None)


def measure_agreement(units: Sequence[Unit]) -> list[dict[str, Any]]:
    """Measure agreement on category, severity, initiator and date over the ``units`` that two coders have.

    ``equal`` is the share of equal pairs of judgements, ``alpha`` Krippendorff's, ordinal for severity,
    ``interval90`` its bootstrap interval over units; ``None`` where it is not defined.
    """
    shared = [[*unit.values()] for unit in units if len(unit) > 1]
    found = []
    for name in ("category", "severity", "initiator", "date"):
        ratings = [[getattr(row, name) for row in rows] for rows in shared]
        equal, alpha, interval = krippendorff_alpha(ratings, ordinal=name == "severity")
        found.append(
            {"name": name, "units": len(ratings), "equal": equal, "alpha": alpha, "interval90": interval}
        )
    return found


def krippendorff_alpha(
    ratings: Sequence[Sequence[Hashable]], *, ordinal: bool = False
) -> tuple[float | None, float | None, tuple[float, float] | None]:
    """Return the share of equal pairs of judgements, alpha, and its 90% bootstrap interval over units.

    Each is ``None`` where it is not defined. Two ordinal values are as far apart as the square of the
    judgements between them, the ends counted half (Krippendorff 2011).
    """
    paired = [unit for unit in ratings if len(unit) > 1]
    if not paired:
        return None, None, None
    values = sorted({value for unit in paired for value in unit})  # type: ignore[type-var]
    counts = np.array([[unit.count(value) for value in values] for unit in paired], dtype=np.float64)
    equal, alpha = _agreement(counts, ordinal)
    if alpha is None:
        return equal, None, None
    samples = np.random.default_rng(0).integers(len(counts), size=(RESAMPLES, len(counts)))
    again = [drawn for rows in samples if (drawn := _agreement(counts[rows], ordinal)[1]) is not None]
    low, high = np.quantile(again, (0.05, 0.95))
    return equal, alpha, (float(low), float(high))


def _agreement(counts: Floats, ordinal: bool) -> tuple[float, float | None]:
    """Share of equal pairs, and alpha, of judgements by unit and value, values in order."""
    judged, seen = counts.sum(axis=1), counts.sum(axis=0)
    total = seen.sum()
    middle = np.cumsum(seen) - seen / 2
    apart = (middle[:, None] - middle) ** 2 if ordinal else 1 - np.eye(len(seen))
    expected = seen @ apart @ seen / (total - 1)
    unlike = (((counts @ apart) * counts).sum(axis=1) / (judged - 1)).sum()
    # Each unit is weighted by its number of judgements, as alpha does.
    equal = ((counts * (counts - 1)).sum(axis=1) / (judged - 1)).sum() / total
    return float(equal), float(1 - unlike / expected) if expected > 0 else None
