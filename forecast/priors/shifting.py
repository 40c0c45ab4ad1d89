"""A prior moved by steps of its own spread: the same belief, held about larger or smaller values.

One step moves the median to where the prior has its 84% quantile (for the normal families exactly: one
standard deviation of the value, its logarithm or its logit), so that steps compare between parameters.
"""

from __future__ import annotations

import math

from scipy import special

from forecast.priors.distributions import Distribution

_ONE_STEP = float(special.ndtr(1.0))


def shifted(distribution: Distribution, steps: float) -> Distribution:
    """Return the prior moved up (or, for negative ``steps``, down); the same one for zero.

    The normal families keep their spread on the scale of their own; ``Gamma``, ``Exponential`` and
    ``HalfNormal`` are stretched; ``Beta`` keeps its sum of parameters while the logit of its mean moves.
    """
    if steps == 0.0:
        return distribution
    family, values = distribution.family, distribution.values
    match family:
        case "Normal" | "LogNormal" | "LogitNormal":
            return Distribution(family, (values[0] + steps * values[1], values[1]))
        case "Beta":
            mean, total = values[0] / sum(values), sum(values)
            odds = _step(distribution, special.logit)
            moved = float(special.expit(special.logit(mean) + steps * odds))
            return Distribution(family, (moved * total, (1 - moved) * total))
        case "Gamma":
            return Distribution(family, (values[0], values[1] / _factor(distribution, steps)))
        case "Exponential":
            return Distribution(family, (values[0] / _factor(distribution, steps),))
        case "HalfNormal":
            return Distribution(family, (values[0] * _factor(distribution, steps),))
    raise ValueError(f"no shift is known for {family}")


def _factor(distribution: Distribution, steps: float) -> float:
    return math.exp(steps * _step(distribution, math.log))


def _step(distribution: Distribution, link: object) -> float:
    middle, high = distribution.quantile([0.5, _ONE_STEP]).tolist()
    return float(link(high) - link(middle))  # type: ignore[operator]
