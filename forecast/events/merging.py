"""Several coders' files → one: rows that are one event are matched, and made one row by a stated rule.

Two rows of different files may be one event when they share the two actors (either way round) and lie at
most ``window_days`` apart. What speaks for it is added up; each row of a file is given to at most one row of
another, so that the sum over all pairs is greatest (assignment problem).

How far the coders agree is measured by Krippendorff's alpha, with its error: 1 − observed / expected
disagreement, 1 when all agree, 0 when they agree as chance would have it (Krippendorff, *Content Analysis*,
4th ed. 2019, chapter 12). Units that one coder alone has say nothing. NLTK, which has alpha too, would take
minutes for the bootstrap: tests compare with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CATEGORIES
from forecast.events.duplicates import words_in
from forecast.events.table import COLUMNS, Event, EventTable, csv_text

# What each likeness of two rows is worth; rows whose sum is below LEAST are not one event.
SAME_DAY = 1.0  # falls to nothing at one day beyond the window
SAME_INITIATOR, SAME_CATEGORY = 0.5, 1.0
SAME_WORDS, WORDS_BY_CHANCE = 3.0, 0.15  # in proportion to the words in common, when both have a summary
SAME_PAGE, SAME_ID = 2.0, 4.0  # the same id: coders who were given a list of events
LEAST = 1.5

_MADE_ID = "row-"
"""Ids that the reader made of the row begin so; they say nothing of the event."""

Rule = Literal["first", "majority"]

RULES: dict[Rule, str] = {
    "first": "the first file given that holds the event",
    "majority": "what most coders gave; the first file of the most frequent when as many gave another",
}
OWN_COLUMNS = ("x_coders", "x_rows", "x_resolved")
"""Columns that say where a merged row comes from: coders who have it, their ids, what was resolved."""
RELIABLE, TENTATIVE = 0.8, 0.667
"""Krippendorff's own bounds: from 0.8 on conclusions are safe, from 0.667 tentative, below they are not."""
RESAMPLES = 1000

Floats = NDArray[np.float64]
Level = Literal["nominal", "ordinal"]
Ratings = Sequence[dict[int, Hashable]]
"""One mapping a unit: coder → value."""
_Value = Callable[[Event], Hashable]

# Days, and the two actors, are resolved together: taken one by one they could contradict each other.
_PROPERTIES: dict[str, _Value] = {
    "date": lambda row: (row.date, row.end_date, row.known_date),
    "actors": lambda row: (row.initiator, row.recipient),
    "category": lambda row: row.category,
    "severity": lambda row: row.severity,
}


@dataclass(frozen=True)
class Unit:
    """One event as the coders have it: row of each coder who has it, by position of the coder."""

    rows: dict[int, Event]


class CoderCount(NamedTuple):
    """How many events a coder has, and how many no other coder has."""

    coder: str
    events: int
    alone: int


def coder_counts(coders: Sequence[str], units: Sequence[Unit]) -> list[CoderCount]:
    """Count the events of each coder."""
    held = [set(unit.rows) for unit in units]
    counts = ((sum(place in one for one in held), held.count({place})) for place in range(len(coders)))
    return [CoderCount(coder, *count) for coder, count in zip(coders, counts, strict=True)]


def match_events(tables: Sequence[EventTable], *, window_days: int = 1) -> list[Unit]:
    """Match the events of several coders, one table each, in order of day.

    ``window_days`` is by how much the dates of one event may differ between coders. Every row of every table
    is in exactly one unit.
    """
    pairs: defaultdict[tuple[str, str], list[Unit]] = defaultdict(list)
    for coder, table in enumerate(tables):
        rows: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in table.rows():
            rows[min(event.initiator, event.recipient), max(event.initiator, event.recipient)].append(event)
        for pair, events in rows.items():
            _join(pairs[pair], events, coder, window_days)

    def first_row(unit: Unit) -> tuple[date, str]:
        first = unit.rows[min(unit.rows)]
        return first.date, first.id

    return sorted((unit for found in pairs.values() for unit in found), key=first_row)


def _join(units: list[Unit], events: list[Event], coder: int, window_days: int) -> None:
    """Give each event of a coder to the unit it fits best, or to a new one."""
    days = np.array([event.date for event in events], dtype="datetime64[D]")
    words = [words_in(event.summary) for event in events]
    window = np.timedelta64(window_days, "D")
    gain: dict[tuple[int, int], float] = {}
    for place, unit in enumerate(units):
        for other in unit.rows.values():
            first = np.searchsorted(days, np.datetime64(other.date, "D") - window)
            last = np.searchsorted(days, np.datetime64(other.date, "D") + window, side="right")
            for position in range(int(first), int(last)):
                likeness = _likeness(events[position], words[position], other, window_days)
                if likeness >= LEAST:
                    gain[place, position] = max(gain.get((place, position), 0.0), likeness)
    taken = _assign(gain)
    units += [Unit({coder: event}) for position, event in enumerate(events) if position not in taken]
    for position, place in taken.items():
        units[place].rows[coder] = events[position]


def _assign(gain: dict[tuple[int, int], float]) -> dict[int, int]:
    """Event → unit of the pairs with the greatest sum of gains, one unit an event and one event a unit."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not gain:
        return {}
    units, events = (np.array(places) for places in zip(*gain, strict=True))
    n_units, n_events = int(units.max()) + 1, int(events.max()) + 1
    size = n_units + n_events
    graph = coo_array((np.ones(len(units)), (units, n_units + events)), shape=(size, size))
    # Pairs that share no row with one another are apart: small problems, where one of all rows would take
    # memory with the square of the file.
    label = connected_components(graph, directed=False)[1][units]
    values = np.array(list(gain.values()))
    taken: dict[int, int] = {}
    for chosen in np.split(np.argsort(label, kind="stable"), np.flatnonzero(np.diff(np.sort(label))) + 1):
        rows, row_of = np.unique(units[chosen], return_inverse=True)
        columns, column_of = np.unique(events[chosen], return_inverse=True)
        table = np.zeros((len(rows), len(columns)))
        table[row_of, column_of] = values[chosen]
        for row, column in zip(*linear_sum_assignment(table, maximize=True), strict=True):
            if table[row, column] > 0.0:
                taken[int(columns[column])] = int(rows[row])
    return taken


def _likeness(event: Event, words: frozenset[str], other: Event, window_days: int) -> float:
    apart = abs((event.date - other.date).days)
    total = SAME_DAY * (1 - apart / (window_days + 1))
    total += SAME_INITIATOR * (event.initiator == other.initiator)
    total += SAME_CATEGORY * (event.category == other.category)
    theirs = words_in(other.summary)
    if words and theirs:
        total += SAME_WORDS * (len(words & theirs) / len(words | theirs) - WORDS_BY_CHANCE)
    total += SAME_PAGE * bool(event.source_url and event.source_url == other.source_url)
    return total + SAME_ID * (event.id == other.id and not event.id.startswith(_MADE_ID))


def nearest_acts(event: Event, table: EventTable, most: int = 3, days: int = 30) -> list[Event]:
    """Return the acts between the same two actors that are most like an event, the likest first."""
    words, pair, window = words_in(event.summary), {event.initiator, event.recipient}, timedelta(days)
    near = table.between(event.date - window, event.date + window).rows()
    rows = (other for other in near if {other.initiator, other.recipient} == pair)
    return sorted(rows, key=lambda other: -_likeness(event, words, other, days))[:most]


@dataclass(frozen=True)
class Disagreement:
    """What the coders of an event (id of the merged row) gave for a property, and what was taken."""

    event: str
    property: str
    values: dict[str, str]
    taken: str


@dataclass(frozen=True)
class Merged:
    """One table of several coders, with what was resolved, in order of day.

    ``coders`` are those who have each event, by id of the merged row; ``rows`` their ids of it.
    """

    table: EventTable
    coders: dict[str, tuple[str, ...]]
    rows: dict[str, tuple[str, ...]]
    disagreements: tuple[Disagreement, ...]

    def csv_text(self) -> str:
        """Return the rows as CSV, with ``OWN_COLUMNS`` after those of the codebook."""
        resolved: dict[str, list[str]] = {}
        for disagreement in self.disagreements:
            given = " | ".join(f"{coder}: {value}" for coder, value in disagreement.values.items())
            resolved.setdefault(disagreement.event, []).append(
                f"{disagreement.property} = {disagreement.taken} ({given})"
            )
        own = ((self.coders[name], self.rows[name], resolved.get(name, ())) for name in self.table.id)
        rows = zip(zip(*self.table.texts().values(), strict=True), own, strict=True)
        joined = ([*cells, *map("; ".join, given)] for cells, given in rows)
        return csv_text([[*COLUMNS, *OWN_COLUMNS], *joined])


def merge_units(
    units: Sequence[Unit],
    coders: Sequence[str],
    *,
    rule: Rule = "first",
    least_coders: int = 1,
    has_verified: bool = True,
) -> Merged:
    """Make one row of each event that ``least_coders`` have; ``coders`` are their names, by position.

    All that is not judged (texts, sources) comes from the coder whose judgement was taken, and what that one
    left empty from the next.
    """
    events: list[Event] = []
    who: dict[str, tuple[str, ...]] = {}
    rows: dict[str, tuple[str, ...]] = {}
    disagreements: list[Disagreement] = []
    for unit in units:
        if len(unit.rows) < least_coders:
            continue
        ordered = dict(sorted(unit.rows.items()))
        event = _resolve(list(ordered.values()), rule)
        name, number = event.id, 2
        while name in who:
            name, number = f"{event.id}-{number}", number + 1
        event = replace(event, id=name)
        events.append(event)
        who[event.id] = tuple(coders[coder] for coder in ordered)
        rows[event.id] = tuple(row.id for row in ordered.values())
        for quality, value in _PROPERTIES.items():
            given = {coders[coder]: value(row) for coder, row in ordered.items()}
            if len(set(given.values())) > 1:
                shown = {coder: _shown(value) for coder, value in given.items()}
                disagreements.append(Disagreement(event.id, quality, shown, _shown(value(event))))
    table = EventTable.from_events(events, "merged", has_verified=has_verified)
    return Merged(table, who, rows, tuple(disagreements))


def _resolve(rows: list[Event], rule: Rule) -> Event:
    """One row of the coders' rows of one event, in the order of the files."""
    judged = {name: _winner(rows, value, rule) for name, value in _PROPERTIES.items()}
    lead = judged["category"]
    # Sub-category and code belong to the category: another's would contradict it.
    same = [row for row in rows if row.category == lead.category]
    texts = {
        field: next((text for row in (lead, *those) if (text := getattr(row, field))), "")
        for those, fields in ((same, ("subcategory", "cameo")), (rows, ("summary", "confidence")))
        for field in fields
    }
    # Outlet, title, page, day and check of one row: those of two coders are two pages.
    page = next((row for row in (lead, *rows) if row.source_url or row.source_outlet), lead)
    taken = (
        (judged["date"], ("date", "end_date", "known_date")),
        (judged["actors"], ("initiator", "recipient")),
        (lead, ("category",)),
        (judged["severity"], ("severity",)),
        (page, ("source_outlet", "source_title", "source_url", "source_date", "verified")),
    )
    whole: dict[str, Any] = {field: getattr(row, field) for row, fields in taken for field in fields}
    return replace(rows[0], **whole | texts)


def _winner(rows: list[Event], value: _Value, rule: Rule) -> Event:
    if rule == "first":
        return rows[0]
    votes = Counter(value(row) for row in rows)
    most = max(votes.values())
    return next(row for row in rows if votes[value(row)] == most)


def _shown(value: Hashable) -> str:
    if isinstance(value, tuple):
        return " ".join(str(part) for part in value if part is not None)
    return str(value)


# Agreement


@dataclass(frozen=True)
class Agreement:
    """Agreement on one property, such as ``category: sanction``, over the units that two coders or more have.

    ``equal`` is the share of pairs of judgements that are the same, ``None`` without units; ``alpha`` is
    ``None`` where it is not defined, without units or where everybody gave one value; ``interval90`` comes
    from a bootstrap over units.
    """

    name: str
    level: Level
    units: int
    equal: float | None
    alpha: float | None
    interval90: tuple[float, float] | None


def measure_agreement(units: Sequence[Unit], seed: int = 0) -> tuple[Agreement, ...]:
    """Measure agreement on category, severity, initiator, date, and on each category against all others."""
    shared = [unit for unit in units if len(unit.rows) > 1]
    rng = np.random.default_rng(seed)
    judged: dict[str, tuple[Level, _Value]] = {
        "category": ("nominal", lambda row: row.category),
        "severity": ("ordinal", lambda row: row.severity),
        "initiator": ("nominal", lambda row: row.initiator),
        "date": ("nominal", lambda row: row.date),
    }
    seen = {row.category for unit in shared for row in unit.rows.values()}
    for category in (name for name in CATEGORIES if name in seen):
        judged[f"category: {category}"] = ("nominal", partial(_is_of, category))
    made = []
    for name, (level, value) in judged.items():
        ratings: Ratings = [{coder: value(row) for coder, row in unit.rows.items()} for unit in shared]
        made.append(_agreement(name, level, ratings, rng))
    return tuple(made)


def _is_of(category: str, row: Event) -> bool:
    return row.category == category


def krippendorff_alpha(ratings: Ratings, level: Level = "nominal") -> float | None:
    """Return alpha of the ratings, or ``None`` when it is not defined; units with one judgement do not count.

    ``level`` is ``nominal`` or ``ordinal``: ordinal values are numbers, as far apart as the number of
    judgements between them.
    """
    paired = [unit for unit in ratings if len(unit) > 1]
    alpha = float(resampled_alphas(paired, level, np.ones((1, len(paired))))[0])
    return alpha if np.isfinite(alpha) else None


def _agreement(name: str, level: Level, ratings: Ratings, rng: np.random.Generator) -> Agreement:
    alpha = krippendorff_alpha(ratings, level)
    interval = None
    if alpha is not None:
        n_units = len(ratings)
        weights = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=RESAMPLES)
        again = resampled_alphas(ratings, level, weights.astype(np.float64))
        defined = again[np.isfinite(again)]
        if len(defined) > RESAMPLES // 2:
            low, high = np.quantile(defined, [0.05, 0.95])
            interval = (float(low), float(high))
    return Agreement(name, level, len(ratings), _share_equal(ratings), alpha, interval)


def resampled_alphas(ratings: Ratings, level: Level, weights: Floats) -> Floats:
    """Return alpha when each unit counts as often as its weight says; NaN where it is not defined.

    Every unit has two judgements or more; ``weights`` has shape (resample, unit). Two ordinal values are as
    far apart as the square of the judgements between them, the ends counted half (Krippendorff 2011).
    """
    values = sorted({value for unit in ratings for value in unit.values()})  # type: ignore[type-var]
    place = {value: number for number, value in enumerate(values)}
    counts = np.zeros((len(ratings), len(values)))
    for row, unit in enumerate(ratings):
        for value in unit.values():
            counts[row, place[value]] += 1
    judged = counts.sum(axis=1)
    unlike = (judged**2 - (counts**2).sum(axis=1)) / (judged - 1)
    result = np.full(len(weights), np.nan)
    for number, weight in enumerate(weights):
        seen = weight @ counts
        total = seen.sum()
        expected = (total**2 - seen @ seen) / (total - 1)
        if level == "ordinal":
            middle = np.cumsum(seen) - seen / 2
            apart = (middle[:, None] - middle) ** 2
            expected = seen @ apart @ seen / (total - 1)
            unlike = ((counts @ apart) * counts).sum(axis=1) / (judged - 1)
        if expected > 0:
            result[number] = 1 - weight @ unlike / expected
    return result


def _share_equal(ratings: Ratings) -> float | None:
    """Share of equal pairs, each unit weighted by its number of judgements, as alpha does."""
    equal, total = 0.0, 0
    for unit in ratings:
        n = len(unit)
        same = sum(times * (times - 1) for times in Counter(unit.values()).values())
        equal += same / (n - 1)
        total += n
    return equal / total if total else None
