"""Volume normalisation: the growth of the archive taken out of a dyad's counts.

When the whole archive doubles, a dyad's rows double without any change between the two countries. Each row
of a day is therefore kept with probability min(1, V₀ / V), where V is the archive's mean volume of the last
``WINDOW`` days that have rows and V₀ that of its first ``WINDOW``. A Poisson stream thinned so is a Poisson
stream at the rate it would have at the volume V₀. Both means look back only, and whether a row is kept
depends on its id and the seed alone, so a later import changes nothing of the past. A volume that falls below
V₀ cannot be made up for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date

WINDOW = 28
"""Days of the moving mean: four whole weeks, since archives are thinner at weekends."""


def keep_probabilities(volumes: Mapping[date, int]) -> dict[date, float]:
    """Return the probability with which a row published on each day is kept.

    Parameters
    ----------
    volumes : mapping of date to int
        Rows of the whole archive by day of publication.
    """
    days = sorted(day for day, volume in volumes.items() if volume > 0)
    if not days:
        return {}
    first = [volumes[day] for day in days[:WINDOW]]
    reference = sum(first) / len(first)
    kept = {}
    for place, day in enumerate(days):
        recent = [volumes[past] for past in days[max(place + 1 - WINDOW, 0) : place + 1]]
        # Within the first window the mean of less than a window would be noise, not growth.
        mean = reference if place < WINDOW else sum(recent) / len(recent)
        kept[day] = min(1.0, reference / mean)
    return kept


def lot(event_id: str, seed: int) -> float:
    """Return a number in [0, 1) that belongs to a row for good: uniform over ids."""
    digest = hashlib.blake2b(f"{seed}\x1f{event_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
