"""Re-reports, mirrored rows and the cap a day: which of the candidates are one act.

Rows come in the order in which they became known, so that a later report never displaces an earlier one:
what was kept up to a day does not depend on what came after it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

KEPT, REPEATED, MIRRORED, OVER_CAP = 0, 1, 2, 3
MIRROR_DAYS = 1
"""Days within which the two sides of an act may be dated."""

Whole = NDArray[np.int64]
Fates = NDArray[np.int8]


def mark_repeats(
    day: Whole, group: Whole, forward: NDArray[np.bool_], *, repeat_days: int | None, mirrored: bool
) -> Fates:
    """Mark the rows that report again an act that an earlier row reports.

    Parameters
    ----------
    day : ndarray of int, shape (row,)
        Day of the act, in the order in which the rows became known.
    group : ndarray of int, shape (row,)
        Rows of one group could be one act: same actors (either way round where the act is mutual), code and
        place.
    forward : ndarray of bool, shape (row,)
        Direction of the row within its group.
    repeat_days : int or None
        Rows of one direction are one act when their days differ by at most this; ``None``: never.
    mirrored : bool
        Whether rows of opposite direction are one act, when their days differ by at most ``MIRROR_DAYS`` (or
        ``repeat_days``, if that is more).

    Returns
    -------
    ndarray of int8, shape (row,)
        ``KEPT``, ``REPEATED`` or ``MIRRORED``.
    """
    fates = np.zeros(len(day), dtype=np.int8)
    kept: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    other_days = max(MIRROR_DAYS, repeat_days or 0)
    rows = zip(day.tolist(), group.tolist(), forward.tolist(), strict=True)
    for row, (when, which, side) in enumerate(rows):
        if repeat_days is not None and _near(kept[which, side], when, repeat_days):
            fates[row] = REPEATED
        elif mirrored and _near(kept[which, not side], when, other_days):
            fates[row] = MIRRORED
        else:
            insort(kept[which, side], when)
    return fates


def mark_over_cap(day: Whole, stream: Whole, fates: Fates, cap: int) -> Fates:
    """Mark the rows beyond the first ``cap`` of a stream (direction and category) on a day.

    Parameters
    ----------
    day, stream : ndarray of int, shape (row,)
        In the order in which the rows became known.
    fates : ndarray of int8, shape (row,)
        Rows that are not kept do not count.
    cap : int
        Most rows of a stream and day.
    """
    marked = fates.copy()
    seen: defaultdict[tuple[int, int], int] = defaultdict(int)
    for row, (when, which, fate) in enumerate(
        zip(day.tolist(), stream.tolist(), fates.tolist(), strict=True)
    ):
        if fate == KEPT:
            seen[when, which] += 1
            if seen[when, which] > cap:
                marked[row] = OVER_CAP
    return marked


def _near(days: list[int], when: int, window: int) -> bool:
    at = bisect_left(days, when - window)
    return at < len(days) and days[at] <= when + window
