"""How strongly dyads go together beyond what their forecasts say, learned from a panel of records.

Forecasts of all dyads at the same origins, from the past only, stand beside what happened. The latent scores
of two dyads (``joint_paths``) have a correlation, found by the likelihood of the two outcomes given the two
probabilities: pairs without a common actor tell everybody's shock, pairs with one the actors' shock besides.
Summed over pairs this is a composite likelihood (Varin, Reid and Firth 2011, Statistica Sinica 21, 5–42); its
errors come from a block bootstrap over time, since pairs are not independent and windows overlap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from forecast.errors import InputError
from forecast.evaluation.metrics import draw_blocks
from forecast.records.watch import SharedShockRecord
from forecast.storage import read_json
from forecast.watchlist.joint_paths import SharedShock

Floats = NDArray[np.float64]

SHIPPED = "shared_shock.json"
GRID: Floats = np.round(np.arange(-0.2, 0.9001, 0.01), 2)
"""Correlations that are tried."""
N_RESAMPLES = 400
ERRORS = 2.0
"""A shock is used only where it is more than so many standard errors above none."""
FEWEST_PAIRS = 10
UNKNOWN = 1.0
"""Error of a correlation of which fewer pairs tell."""
MOST_SHARED = 0.9
"""Share of the variance that dyads may share at most: each keeps something of its own."""
_CLIP = 1e-3


@dataclass(frozen=True)
class Correlation:
    """A correlation of latent scores with its block-bootstrap standard error, from so many pairs."""

    value: float
    se: float
    pairs: int


@dataclass(frozen=True)
class LearnedShock:
    """What a panel says of one horizon.

    ``apart`` and ``sharing`` are correlations of pairs without and with a common actor; ``residual_apart``
    and ``residual_sharing`` those of the standardised residuals (y − p) / √(p (1 − p)), which need no model.
    """

    horizon_days: int
    origins: int
    dyads: int
    apart: Correlation
    sharing: Correlation
    residual_apart: Correlation
    residual_sharing: Correlation


def learn_shock(
    probability: Floats, outcome: Floats, sharing: NDArray[np.bool_], horizon_days: int, block: int, seed: int
) -> LearnedShock:
    """Learn the correlations of one horizon.

    Parameters
    ----------
    probability, outcome : ndarray, shape (origin, dyad)
        NaN where there is no forecast.
    sharing : ndarray of bool, shape (dyad, dyad)
        Which pairs have a common actor.
    horizon_days : int
    block : int
        Successive origins of a block of the bootstrap.
    seed : int
    """
    n_origins, n_dyads = probability.shape
    first, second = np.triu_indices(n_dyads, 1)
    together = sharing[first, second]
    rows = draw_blocks(n_origins, block, seed, N_RESAMPLES)
    found = {}
    for name, chosen in (("apart", ~together), ("sharing", together)):
        pairs = first[chosen], second[chosen]
        by_origin = _log_likelihood(probability, outcome, *pairs)
        found[name] = _estimate(by_origin, rows, int(chosen.sum()))
        found[f"residual_{name}"] = _residuals(probability, outcome, pairs, rows)
    return LearnedShock(horizon_days, n_origins, n_dyads, **found)


def _log_likelihood(
    probability: Floats, outcome: Floats, first: NDArray[np.int64], second: NDArray[np.int64]
) -> Floats:
    """Composite log likelihood of each origin at each correlation of the grid, shape (origin, grid)."""
    p = np.clip(probability, _CLIP, 1 - _CLIP)
    found = np.zeros((len(p), len(GRID)))
    for origin, (chance, happened) in enumerate(zip(p, outcome, strict=True)):
        known = ~np.isnan(chance[first]) & ~np.isnan(chance[second])
        a, b = first[known], second[known]
        both = both_below(ndtri(chance[a]), ndtri(chance[b]))
        pa, pb = chance[a][:, None], chance[b][:, None]
        ya, yb = happened[a][:, None] == 1, happened[b][:, None] == 1
        law = np.where(ya, np.where(yb, both, pa - both), np.where(yb, pb - both, 1 - pa - pb + both))
        found[origin] = np.log(np.maximum(law, 1e-12)).sum(axis=0)
    return found


def both_below(h: Floats, k: Floats) -> Floats:
    """P(both standard normal scores below h and k) at each correlation of the grid, shape (pair, grid).

    By Plackett's identity its derivative in the correlation is the bivariate density at (h, k): summed from
    no correlation by Simpson's rule.
    """
    step = float(GRID[1] - GRID[0])
    fine = np.arange(GRID[0], GRID[-1] + step / 4, step / 2)
    rest = 1 - fine**2
    quadratic = h[:, None] ** 2 - 2 * fine * (h * k)[:, None] + k[:, None] ** 2
    density = np.exp(-quadratic / (2 * rest)) / (2 * np.pi * np.sqrt(rest))
    parts = step / 6 * (density[:, :-2:2] + 4 * density[:, 1::2] + density[:, 2::2])
    summed = np.concatenate([np.zeros((len(h), 1)), np.cumsum(parts, axis=1)], axis=1)
    zero = int(np.argmin(np.abs(GRID)))
    return np.asarray((ndtr(h) * ndtr(k))[:, None] + summed - summed[:, zero : zero + 1])


def _estimate(by_origin: Floats, rows: NDArray[np.int64], pairs: int) -> Correlation:
    if pairs < FEWEST_PAIRS:
        return Correlation(0.0, UNKNOWN, pairs)
    times = np.stack([np.bincount(row, minlength=len(by_origin)) for row in rows])
    resampled = GRID[np.argmax(times @ by_origin, axis=1)]
    value = float(GRID[np.argmax(by_origin.sum(axis=0))])
    # Finer than the grid nothing is known.
    return Correlation(value, max(float(resampled.std(ddof=1)), float(GRID[1] - GRID[0])), pairs)


def _residuals(
    probability: Floats,
    outcome: Floats,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    rows: NDArray[np.int64],
) -> Correlation:
    p = np.clip(probability, _CLIP, 1 - _CLIP)
    residual = np.nan_to_num((outcome - p) / np.sqrt(p * (1 - p)))
    first, second = pairs
    if len(first) < FEWEST_PAIRS:
        return Correlation(0.0, UNKNOWN, len(first))
    product = (residual[:, first] * residual[:, second]).sum(axis=1)
    size = np.sqrt((residual[:, first] ** 2).sum(axis=1) * (residual[:, second] ** 2).sum(axis=1))
    resampled = product[rows].sum(axis=1) / size[rows].sum(axis=1)
    return Correlation(float(product.sum() / size.sum()), float(resampled.std(ddof=1)), len(first))


@dataclass(frozen=True)
class PooledShock:
    """Correlations of pairs without and with a common actor, over horizons, and the shock that follows."""

    apart: Correlation
    sharing: Correlation

    @property
    def everyone(self) -> float:
        """Share of everybody's shock: none unless it is clear of its error."""
        return self.apart.value if self.apart.value > ERRORS * self.apart.se else 0.0

    @property
    def actors(self) -> float:
        """Share of the actors' shocks: two dyads with one of two sides in common share half of it."""
        above = self.sharing.value - self.everyone
        return min(2 * above, MOST_SHARED - self.everyone) if above > ERRORS * self.sharing.se else 0.0

    @property
    def shock(self) -> SharedShock:
        """What a list is played with."""
        return SharedShock(self.everyone, self.actors)


def pool_horizons(learned: Sequence[LearnedShock]) -> PooledShock:
    """Average the horizons by their precision: one path answers all of them, so it has one strength.

    Horizons are of the same events, so that the error of the mean is the mean of the errors.
    """
    found = []
    for kind in ("apart", "sharing"):
        every = [getattr(one, kind) for one in learned]
        weight = np.array([1 / one.se**2 for one in every])
        weight /= weight.sum()
        value = float(weight @ [one.value for one in every])
        found.append(Correlation(value, float(weight @ [one.se for one in every]), every[0].pairs))
    return PooledShock(*found)


def shock_content(learned: Sequence[LearnedShock], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was learned as JSON values, with where it comes from."""
    pooled = pool_horizons(learned)
    return {
        "schema": 1,
        "provenance": dict(provenance),
        "pooled": asdict(pooled),
        "horizons": [asdict(one) for one in learned],
    }


@dataclass(frozen=True)
class SourcedShock:
    """A shock that was learned, and what from, in words."""

    pooled: PooledShock
    source: str

    @property
    def record(self) -> SharedShockRecord:
        """What ``watch.json`` says of it."""
        return SharedShockRecord(
            everyone=self.pooled.everyone,
            everyone_se=self.pooled.apart.se,
            actors=self.pooled.actors,
            actors_se=2 * self.pooled.sharing.se,
            source=self.source,
        )


@cache
def shipped_shock() -> SourcedShock:
    """Return the shock that ships with the package."""
    return _shock_of((files("forecast.watchlist") / "data" / SHIPPED).read_text(encoding="utf-8"))


def read_shock(path: Path) -> SourcedShock:
    """Return the shock that the backtest of a list learned (``InputError`` where there is none)."""
    try:
        return _shock_of(read_json(path).decode())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: no shared shock of this list ({error}). Make one with 'forecast backtest LIST', or use "
            "shock: shipped"
        ) from error


def _shock_of(text: str) -> SourcedShock:
    content = json.loads(text)
    parts = {name: Correlation(**value) for name, value in content["pooled"].items()}
    return SourcedShock(PooledShock(**parts), str(content["provenance"]["source"]))
