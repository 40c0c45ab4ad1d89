"""From what an analyst can say (a median and two quantiles) to a distribution.

Two numbers fix a two-parameter family exactly; with more, the parameters minimise the squared distance
between stated and implied quantiles, relative to the stated spread. The result carries the largest miss,
so that a statement that no family fits is refused and not silently bent.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from scipy import special

from forecast.errors import PriorError
from forecast.priors.distributions import Distribution, Floats, Support

TOLERATED_MISS = 0.25
"""Largest accepted difference of a quantile, as a share of the stated range."""

_FAMILY_OF: dict[Support, str] = {"real": "Normal", "positive": "LogNormal", "unit": "LogitNormal"}


def read_quantiles(statement: Mapping[str, object]) -> dict[float, float]:
    """Read ``{median: 0.8, q05: 0.5, q95: 1.1}`` into probability → value, sorted by probability.

    Raises
    ------
    PriorError
        Fewer than two quantiles, a name that is no quantile, or values out of order.
    """
    quantiles: dict[float, float] = {}
    for key, value in statement.items():
        match = re.fullmatch(r"q(\d{2}(?:\d)?)", str(key))
        if key == "median":
            probability = 0.5
        elif match and int(match[1]) > 0:
            probability = int(match[1]) / 10 ** len(match[1])
        else:
            raise PriorError(f"{key!r} is no quantile; allowed are median and q01 … q99 (e.g. q05, q95)")
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise PriorError(f"{key} must be a number, got {value!r}")
        if probability in quantiles:
            raise PriorError(f"{key} is given twice")
        quantiles[probability] = float(value)
    if len(quantiles) < 2:
        raise PriorError("give at least two quantiles, e.g. {median: 0.8, q05: 0.5, q95: 1.1}")
    ordered = dict(sorted(quantiles.items()))
    values = list(ordered.values())
    if any(low >= high for low, high in pairwise(values)):
        shown = ", ".join(f"q{100 * p:02.0f}={v:g}" for p, v in ordered.items())
        raise PriorError(f"quantiles must rise with their probability, got {shown}")
    return ordered


def _is_finite(value: float) -> bool:
    # A whole number may be too large to be a float, which NumPy and math refuse to look at.
    return abs(value) <= sys.float_info.max


def fit_quantiles(statement: Mapping[str, object], support: Support) -> Distribution:
    """Fit the standard family of a support (Normal, LogNormal, LogitNormal) to stated quantiles.

    Raises
    ------
    PriorError
        A quantile outside the support, or no member of the family within ``TOLERATED_MISS``.
    """
    quantiles = read_quantiles(statement)
    probability = np.array(list(quantiles))
    value = np.array(list(quantiles.values()))
    if support != "real" and (value.min() <= 0 or (support == "unit" and value.max() >= 1)):
        allowed = "between 0 and 1" if support == "unit" else "above 0"
        raise PriorError(
            f"quantiles must lie {allowed} for this parameter, got {value.min():g} … {value.max():g}"
        )
    link = {"real": np.asarray, "positive": np.log, "unit": special.logit}[support]
    z = special.ndtri(probability)
    # On the link scale all three families are normal: least squares is a line through (z, link(value)).
    sigma, mu = np.polyfit(z, link(value), 1)
    family = _FAMILY_OF[support]
    spread = value.max() - value.min()

    def member(parameters: Floats) -> Distribution:
        return Distribution(family, (float(parameters[0]), float(np.exp(parameters[1]))))

    def miss(parameters: Floats) -> Floats:
        return np.asarray((member(parameters).quantile(probability) - value) / spread)

    fitted = np.array([mu, np.log(sigma)])
    if len(value) > 2:
        # Imported where it is needed: it would double the time in which a config is read.
        from scipy import optimize

        fitted = optimize.least_squares(miss, fitted).x
    if np.abs(miss(fitted)).max() > TOLERATED_MISS:
        raise PriorError(
            f"no {family} comes near these quantiles; they are too lopsided: widen them or state a "
            "distribution yourself"
        )
    return member(fitted)
