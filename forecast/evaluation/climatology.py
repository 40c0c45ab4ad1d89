"""Baselines 1 and 2: how often past windows held a target event, plain and given the last window.

Past windows begin on every day of the record. Windows that overlap are not separate evidence, so their
number is counted in *distinct* windows: days of the record / horizon. Priors are stated in the same unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.history import PastEvents
from forecast.evaluation.windows import Horizons

Floats = NDArray[np.float64]

PRIOR_HITS = 0.5
"""Beta(½, ½) prior on the share (Jeffreys): half a distinct window with, half one without."""
BORROWED_WINDOWS = 2.0
"""Distinct windows of climatology that the conditional share starts from."""


def share_of_windows(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Share of past windows that held a target event (expanding: all of the record, equal weight).

    Parameters
    ----------
    past : PastEvents
        What is known at the origin.
    horizon_days : ndarray of int64, shape (horizon,)

    Returns
    -------
    ndarray of float64, shape (horizon,)
        (hits + ½) / (windows + 1), both in distinct windows; ½ where the record is shorter than the horizon.
    """
    return np.array([_share(past.window_hits(int(days)), int(days)) for days in horizon_days])


def share_after_alike(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Share of past windows with a target event, among those that followed a window like the last one.

    The last ``H`` days before the origin either held a target event or did not; the probability for the next
    ``H`` days is the share of hits after past windows of the same kind, shrunk towards climatology by
    ``BORROWED_WINDOWS`` distinct windows.

    Returns
    -------
    ndarray of float64, shape (horizon,)
        ``share_of_windows`` where the record is shorter than two horizons.
    """
    return np.array([_share_after(past.window_hits(int(days)), int(days)) for days in horizon_days])


def _share(hits: NDArray[np.bool_], days: int) -> float:
    windows = len(hits) / days
    return float((hits.sum() / days + PRIOR_HITS) / (windows + 2 * PRIOR_HITS))


def _share_after(hits: NDArray[np.bool_], days: int) -> float:
    plain = _share(hits, days)
    if len(hits) <= days:
        return plain
    # Entry w of `hits` ends where entry w + days begins; the last entry is the window before the origin.
    alike = hits[:-days] == hits[-1]
    followed = hits[days:][alike]
    windows = len(followed) / days
    return float((followed.sum() / days + BORROWED_WINDOWS * plain) / (windows + BORROWED_WINDOWS))
