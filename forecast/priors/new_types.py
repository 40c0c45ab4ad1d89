"""Parameters of a type of act that was never seen: nothing but its prior can tell what it does."""

from __future__ import annotations

import math

from forecast.priors import human_scale as scales
from forecast.priors.catalogue import ParameterGroup
from forecast.priors.distributions import Distribution


def _log_normal(median: float, sigma: float) -> Distribution:
    return Distribution("LogNormal", (math.log(median), sigma))


def _normal(mu: float, sigma: float) -> Distribution:
    return Distribution("Normal", (mu, sigma))


_EXCITES = ParameterGroup(
    "excites",
    "Further acts of a category that one act of the new type brings about, on average",
    "acts an act",
    "positive",
    _log_normal(1, 0.7),
    "There is no default: a type that was never seen needs a statement of its own.",
    scales.CROSS_PER_HUNDRED,
    {"weak": _log_normal(0.3, 0.7), "medium": _log_normal(1, 0.7), "strong": _log_normal(3, 0.7)},
)
_CALMS = ParameterGroup(
    "calms",
    "How much one act of the new type lowers the log rate of conflictual acts at first (negative: raises it)",
    "log rate",
    "real",
    _normal(0.4, 0.2),
    "There is no default: a type that was never seen needs a statement of its own.",
    scales.EFFECT,
    {
        "slightly": _normal(0.1, 0.05),
        "calms": _normal(0.4, 0.2),
        "calms strongly": _normal(0.8, 0.2),
        "provokes": _normal(-0.4, 0.2),
    },
)
_HALF_LIFE = ParameterGroup(
    "half_life_days",
    "Days after which half of the effect of an act of the new type is gone",
    "days",
    "positive",
    _log_normal(56, 0.5),
    "There is no default: a type that was never seen needs a statement of its own.",
    scales.WEEKS,
    {"short": _log_normal(14, 0.4), "medium": _log_normal(56, 0.5), "long": _log_normal(365, 0.5)},
)

NEW_TYPE_PARAMETERS = {group.name: group for group in (_EXCITES, _CALMS, _HALF_LIFE)}
"""By the key that states them in a scenario."""
