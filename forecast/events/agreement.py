"""How far coders agree: Krippendorff's alpha with its error, by NLTK (the optional extra ``coding``).

Alpha is 1 − observed / expected disagreement: 1 when all agree, 0 when they agree as chance would have it
(Krippendorff, *Content Analysis*, 4th ed. 2019, chapter 12). Units that one coder alone has say nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.errors import EventError, install_command
from forecast.events.codebook import CATEGORIES, SEVERITIES
from forecast.events.merging import Unit

RELIABLE, TENTATIVE = 0.8, 0.667
"""Krippendorff's own bounds: from 0.8 on conclusions are safe, from 0.667 tentative, below they are not."""
RESAMPLES = 1000
_JUDGED: dict[str, Level] = {
    "category": "nominal",
    "severity": "ordinal",
    "initiator": "nominal",
    "date": "nominal",
}

Floats = NDArray[np.float64]
Level = Literal["nominal", "ordinal"]
Ratings = Sequence[dict[int, Hashable]]
"""One mapping a unit: coder → value."""


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
    made = []
    for field, level in _JUDGED.items():
        judged = [{coder: getattr(row, field) for coder, row in unit.rows.items()} for unit in shared]
        made.append(_agreement(field, level, judged, rng))
    for category in CATEGORIES:
        ratings: Ratings = [
            {coder: row.category == category for coder, row in unit.rows.items()} for unit in shared
        ]
        if any(any(one.values()) for one in ratings):
            made.append(_agreement(f"category: {category}", "nominal", ratings, rng))
    return tuple(made)


def krippendorff_alpha(ratings: Ratings, level: Level = "nominal") -> float | None:
    """Return alpha of the ratings, or ``None`` when it is not defined; units with one judgement do not count.

    ``level`` is ``nominal`` or ``ordinal``: ordinal values are numbers, as far apart as the number of
    judgements between them.

    Raises ``EventError``: NLTK is not installed.
    """
    try:
        from nltk.metrics.agreement import AnnotationTask
    except ImportError as error:
        raise EventError(
            "agreement is measured with NLTK, which is not installed. Install it: "
            f"{install_command('coding')}"
        ) from error
    paired = [unit for unit in ratings if len(unit) > 1]
    seen = Counter(value for unit in paired for value in unit.values())
    if len(seen) < 2:
        return None
    distance = _ordinal_distance(seen) if level == "ordinal" else lambda one, other: float(one != other)
    triples = [
        (str(coder), place, value) for place, unit in enumerate(paired) for coder, value in unit.items()
    ]
    return float(AnnotationTask(triples, distance).alpha())


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

    For the bootstrap, in which NLTK would take minutes; with weights of one it is NLTK's figure. Every unit
    has two judgements or more; ``weights`` has shape (resample, unit).
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


def _ordinal_distance(seen: Counter[Hashable]) -> Callable[[int, int], float]:
    """Squared number of judgements between two values, the ends counted half (Krippendorff 2011)."""
    values = sorted({*SEVERITIES, *(value for value in seen if isinstance(value, int))})
    before = dict(zip(values, np.cumsum([seen[value] for value in values]), strict=True))

    def distance(one: int, other: int) -> float:
        low, high = min(one, other), max(one, other)
        between = before[high] - before[low] + seen[low]
        return float((between - (seen[low] + seen[high]) / 2) ** 2)

    return distance
