"""From what an analyst can say (a median and two quantiles) to a distribution, with what it achieves.

Two numbers fix a two-parameter family exactly; with more, the parameters minimise the squared distance
between stated and implied quantiles, relative to the stated spread. The result carries stated and achieved
quantiles side by side, and a statement that no family fits is refused and not silently bent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from forecast.config.field_types import level_of, read_quantiles, read_statement
from forecast.errors import PriorError
from forecast.priors.distributions import Distribution, Floats, Support
from forecast.priors.human_scale import HumanScale

TOLERATED_MISS = 0.25
"""Largest accepted difference of a quantile, as a share of the stated range."""

_FAMILY_OF: dict[Support, str] = {"real": "Normal", "positive": "LogNormal", "unit": "LogitNormal"}


@dataclass(frozen=True)
class Quantile:
    """One stated quantile and what the fitted distribution has there, both on the stated scale."""

    name: str
    stated: float
    achieved: float


@dataclass(frozen=True)
class Elicited:
    """A distribution fitted to quantiles.

    Parameters
    ----------
    quantiles : tuple of Quantile
        In the order of their probability.
    scale : HumanScale or None
        The scale they were stated on; ``None`` for the parameter's own unit.
    """

    distribution: Distribution
    quantiles: tuple[Quantile, ...]
    scale: HumanScale | None = None

    @property
    def exact(self) -> bool:
        """Whether every quantile is met to a thousandth of the stated range."""
        values = [one.stated for one in self.quantiles]
        room = 1e-3 * (max(values) - min(values))
        return all(abs(one.stated - one.achieved) <= room for one in self.quantiles)


def elicit(statement: Mapping[str, object], support: Support, scale: HumanScale) -> Elicited:
    """Fit a distribution to quantiles in the parameter's own unit, or on its human scale.

    The first are written ``{median: 0.8, q95: 1.1}``, the second ``{effect: {median: -50%, q95: 0%}}``.

    Raises ``PriorError``: quantiles that cannot be read, a scale of another parameter, a quantile outside the
    support, or no member of the family within ``TOLERATED_MISS``.
    """
    read = read_statement(statement)
    name, inner = next(iter(read.items()))
    if not isinstance(inner, Mapping):
        stated = {key: float(value) for key, value in read.items() if not isinstance(value, Mapping)}
        fitted = fit_quantiles(stated, support)
        return Elicited(fitted, _achieved(stated, fitted, None))
    if name != scale.name:
        raise PriorError(f"unknown scale '{name}'; this parameter is stated as such or on '{scale.name}'")
    low, high = min(inner.values()), max(inner.values())
    if low <= scale.lowest or high >= scale.highest:
        raise PriorError(
            f"{name}: quantiles must lie {scale.between} ({scale.meaning}), got "
            f"{scale.short(low)} … {scale.short(high)}"
        )
    own_unit = {_mirrored(key) if scale.falls else key: scale.to_parameter(v) for key, v in inner.items()}
    fitted = fit_quantiles(own_unit, support)
    return Elicited(fitted, _achieved(inner, fitted, scale), scale)


def fit_quantiles(statement: Mapping[str, object], support: Support) -> Distribution:
    """Fit the standard family of a support (Normal, LogNormal, LogitNormal) to stated quantiles.

    Raises ``PriorError``: a quantile outside the support, or no member of the family within
    ``TOLERATED_MISS``.
    """
    stated = read_quantiles(statement)
    quantiles = dict(sorted((level_of(name) or 0.0, value) for name, value in stated.items()))
    probability, value = np.array(list(quantiles)), np.array(list(quantiles.values()))
    if support != "real" and (value.min() <= 0 or (support == "unit" and value.max() >= 1)):
        allowed = "between 0 and 1" if support == "unit" else "above 0"
        raise PriorError(
            f"quantiles must lie {allowed} for this parameter, got {value.min():g} … {value.max():g}"
        )
    link = {"real": np.asarray, "positive": np.log, "unit": special.logit}[support]
    # On the link scale all three families are normal: least squares is a line through (z, link(value)).
    sigma, mu = (float(one) for one in np.polyfit(special.ndtri(probability), link(value), 1))
    family = _FAMILY_OF[support]
    if len(value) > 2 and support != "real":
        mu, sigma = _closest(family, probability, value, mu, sigma)
    fitted = Distribution(family, (mu, sigma))
    miss = np.abs(fitted.quantile(probability) - value).max() / (value.max() - value.min())
    if miss > TOLERATED_MISS:
        raise PriorError(
            f"no {family} comes near these quantiles; they are too lopsided: widen them or state a "
            "distribution yourself"
        )
    return fitted


def _closest(family: str, probability: Floats, value: Floats, mu: float, sigma: float) -> tuple[float, float]:
    """Parameters that meet the quantiles themselves best, and not those on the link scale."""
    # Imported where it is needed: it would double the time in which a config is read.
    from scipy import optimize

    # Log-normal quantiles are taken as multiples of their middle, so that their unit does not matter.
    unit = np.exp(mu) if family == "LogNormal" else 1.0
    offset = mu if family == "LogNormal" else 0.0
    wanted = value / unit
    spread = wanted.max() - wanted.min()

    def miss(parameters: Floats) -> Floats:
        member = Distribution(family, (float(parameters[0]), float(np.exp(parameters[1]))))
        return np.asarray((member.quantile(probability) - wanted) / spread)

    found = optimize.least_squares(miss, np.array([mu - offset, np.log(sigma)])).x
    return float(found[0]) + offset, float(np.exp(found[1]))


def _achieved(
    stated: Mapping[str, float], fitted: Distribution, scale: HumanScale | None
) -> tuple[Quantile, ...]:
    def achieved(level: float) -> float:
        if scale is None:
            return float(fitted.quantile(level))
        return scale.of(float(fitted.quantile(1 - level if scale.falls else level)))

    levels = sorted((level_of(name) or 0.0, name) for name in stated)
    return tuple(Quantile(name, stated[name], achieved(level)) for level, name in levels)


def _mirrored(name: str) -> str:
    """Name of the quantile as far from the other end: q05 → q95, q025 → q975."""
    if name == "median":
        return name
    digits = len(name) - 1
    return f"q{10**digits - int(name[1:]):0{digits}d}"
