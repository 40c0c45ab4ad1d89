"""What the codes of a feed tell: coded another way of late, or under another name for an actor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CATEGORIES, SEVERITIES
from forecast.events.table import EventTable
from forecast.records.feeds import FeedFault
from forecast.wording import count, long_day, number, percent

RENAMED_MONTHS = 12
RENAMED_ROWS, RENAMED_BEFORE, RENAMED_CHANCE = 3, 10, 0.01
"""An actor is renamed that was seen on so many days and whose silence has so small a chance, as another
appears with so many rows."""
CODING_MONTHS, CODING_BEFORE = 3, 24
CODING_ROWS = 30
CODING_FACTOR, CODING_LEAST = 1.25, 0.3
"""Coding has changed where the mixture of categories of the last months is further from that of the months
before than any earlier span was, by this factor, and by so much at least."""
CODING_MOST = 120
"""Months of the past that coding is compared with."""
NEW_ROWS, NEW_MONTHS, NEW_SHARE = 5, 12, 0.2
"""Coding has changed where of the rows of the last months, so many at least, this share has a code that was
not in use a year ago, and more than at any earlier time, by the same factor."""
STREAK_FACTOR, STREAK_CHANCE = 1.25, 0.001
"""The same where the last rows are of one kind, more than ever by this factor, beyond such a chance."""

_DAY, _MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def renamed_actors(source: str, table: EventTable, as_of: np.datetime64) -> Iterator[FeedFault]:
    """Find an actor that falls silent, against its own pace, as another takes up its counterparts."""
    days: dict[str, list[Any]] = {}
    partners: dict[str, set[str]] = {}
    for day, one, other in zip(
        table.date.tolist(), table.initiator.tolist(), table.recipient.tolist(), strict=True
    ):
        for name, partner in ((one, other), (other, one)):
            days.setdefault(name, []).append(day)
            partners.setdefault(name, set()).add(partner)
    since = (as_of.astype("datetime64[M]") - RENAMED_MONTHS * _MONTH).astype("datetime64[D]")
    if not len(table) or table.date[0] > since:
        return
    new = {name for name, on in days.items() if on[0] >= since.item() and len(on) >= RENAMED_ROWS}
    for name in sorted(new):
        for gone, on in sorted(days.items()):
            last = on[-1]
            if last >= days[name][0] or not partners[name] & partners[gone] or len(set(on)) < RENAMED_BEFORE:
                continue
            span = (last - on[0]).days
            gap = (as_of.item() - last).days
            chance = (span / (span + gap)) ** (len(set(on)) - 1)
            if chance < RENAMED_CHANCE:
                yield FeedFault(
                    code="renamed_actor",
                    feed=source,
                    first=days[name][0],
                    last=as_of.item(),
                    value=chance,
                    limit=RENAMED_CHANCE,
                    text=f"{source}: {gone} has no row since {long_day(last)}, and {name}, new on "
                    f"{long_day(days[name][0])}, has {count(len(days[name]), 'row')} with the same "
                    "counterparts; one may stand for the other.",
                )


def changed_coding(source: str, table: EventTable, as_of: np.datetime64) -> Iterator[FeedFault]:
    """Find another way of coding in the last months: other mixtures, codes never used before, or one kind."""
    if not len(table):
        return
    last = (as_of + _DAY).astype("datetime64[M]")
    month = ((last - table.date.astype("datetime64[M]")) / _MONTH).astype(np.int64) - 1
    inside = (month >= 0) & (month < CODING_MOST)
    if not inside.any():
        return
    month, table = month[inside], table.select(inside)
    category = np.searchsorted(np.sort(CATEGORIES), table.category.astype(str))
    severity = table.severity.astype(np.int64) - 1
    both = category * len(SEVERITIES) + severity
    first = (last - CODING_MONTHS * _MONTH).astype("datetime64[D]").item()

    def fault(value: float, limit: float, said: str) -> FeedFault:
        text = f"{source}: {said}; the coding may have changed."
        return FeedFault(
            code="changed_coding",
            feed=source,
            first=first,
            last=as_of.item(),
            value=value,
            limit=limit,
            text=text,
        )

    mixtures = {"kinds of act": (category, len(CATEGORIES)), "severities": (severity, len(SEVERITIES))}
    for what, (kind, size) in mixtures.items():
        counts = np.zeros((int(month.max()) + 1, size))
        np.add.at(counts, (month, kind), 1)
        changed = _change_of(counts)
        if changed is not None:
            distance, before, limit = changed
            yield fault(
                distance,
                limit,
                f"the {what} coded since {first:%B %Y} differ from those of the two years before more than "
                f"ever ({number(distance, 2)}, at most {number(before, 2)} earlier)",
            )
            return
    codes = np.array([f"{sub}/{code}" for sub, code in zip(table.subcategory, both.tolist(), strict=True)])
    every = {"a kind and severity": both.astype(str), "a subcategory, kind and severity": codes}
    for what, keys in every.items():
        found = _new_codes(keys, month)
        if found is not None:
            share, limit = found
            yield fault(
                share,
                limit,
                f"{percent(share)} of the rows since {first:%B %Y} have {what} that no earlier row has",
            )
            return
    streak = _streak(category)
    if streak is not None:
        now, before = streak
        yield fault(now, before, f"the last {now} rows are all of one kind, at most {before} were earlier")


def _new_codes(keys: NDArray[np.str_], month: Integers) -> tuple[float, float] | None:
    """Return the share of rows of the last months with a new code, and the limit, where it is beyond."""
    shares = []
    for back in range(0, int(month.max()) + 1 - CODING_BEFORE, CODING_MONTHS):
        now = (month >= back) & (month < back + CODING_MONTHS)
        before = keys[month >= back + CODING_MONTHS]
        if now.sum() >= NEW_ROWS:
            # A code that came into use within the year before is still new.
            old = keys[month >= back + NEW_MONTHS]
            shares.append(float((~np.isin(keys[now], old)).mean()) if len(before) else 0.0)
        elif not back:
            return None
    if len(shares) < 4:
        return None
    limit = max(NEW_SHARE, CODING_FACTOR * max(shares[1:]))
    return (shares[0], limit) if shares[0] > limit else None


def _streak(kind: Integers) -> tuple[int, int] | None:
    """Return the length of the last run of one kind, and of the longest before, where it is beyond chance."""
    ends = np.flatnonzero(np.diff(kind))
    if not len(ends):
        return None
    lengths = np.diff(np.concatenate([[-1], ends]))
    now, before = len(kind) - 1 - int(ends[-1]), int(lengths.max())
    usual = float((kind[: ends[-1] + 1] == kind[-1]).mean())
    beyond = now > STREAK_FACTOR * before and len(kind) * usual**now < STREAK_CHANCE
    return (now, before) if beyond else None


def _change_of(counts: Floats) -> tuple[float, float, float] | None:
    """Return distance, largest earlier one and limit where the last months differ; the last month first."""
    starts = range(0, len(counts) - 2 * CODING_MONTHS, CODING_MONTHS)
    distances = [
        _distance(
            counts[back : back + CODING_MONTHS],
            counts[back + CODING_MONTHS : back + CODING_MONTHS + CODING_BEFORE],
        )
        for back in starts
    ]
    if not distances or distances[0] is None:
        return None
    earlier = [one for one in distances[1:] if one is not None]
    limit = max(CODING_LEAST, CODING_FACTOR * max(earlier, default=1.0))
    if len(earlier) < 3 or distances[0] <= limit:
        return None
    return distances[0], max(earlier), limit


def _distance(now: Floats, before: Floats) -> float | None:
    """Total variation distance of two mixtures; ``None`` where either has too few rows."""
    one, other = now.sum(axis=0), before.sum(axis=0)
    if one.sum() < CODING_ROWS or other.sum() < CODING_ROWS:
        return None
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)
