"""Triggers: named thresholds with hysteresis, so that a probability near one does not switch it every day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray


def trigger_state(
    probability: float, triggers: Mapping[str, float], hysteresis: float, before: str | None
) -> str | None:
    """Return the highest trigger that holds, ``None`` for none.

    A trigger begins at its threshold, and ends only below threshold × (1 − hysteresis).

    Parameters
    ----------
    probability : float
    triggers : mapping of str to float
        Name → threshold, rising.
    hysteresis : float
        In [0, 1).
    before : str or None
        The state of the watch before; a name that is no trigger any more counts as none.
    """
    names = list(triggers)
    held = names.index(before) if before in names else -1
    state = None
    for place, (name, threshold) in enumerate(triggers.items()):
        bound = threshold * (1 - hysteresis) if place <= held else threshold
        if probability >= bound:
            state = name
    return state


def trigger_rates(
    probability: NDArray[np.float64], outcome: NDArray[np.int8], threshold: float
) -> tuple[float | None, float | None]:
    """Return false-alarm and miss rate of a threshold; ``None`` where nothing could go wrong so.

    The false-alarm rate is the share of windows with the trigger on that stayed quiet; the miss rate that of
    windows with the target in which it was off.
    """
    on, hit = probability >= threshold, outcome == 1
    false_alarms = float(np.mean(~hit[on])) if on.any() else None
    misses = float(np.mean(~on[hit])) if hit.any() else None
    return false_alarms, misses


def states_over_time(
    probabilities: Iterable[float], triggers: Mapping[str, float], hysteresis: float
) -> list[str | None]:
    """Return the state after each of several watches in order."""
    found: list[str | None] = []
    for probability in probabilities:
        found.append(trigger_state(probability, triggers, hysteresis, found[-1] if found else None))
    return found
