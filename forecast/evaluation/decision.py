"""When to act on a probability, and what the forecasts of a backtest were worth to who acts on them.

The cost–loss model (Murphy 1977, doi:10.1175/1520-0493(1977)105<0803:TVOCCA>2.0.CO;2; Richardson 2000,
doi:10.1002/qj.49712656313): acting costs C whatever comes, being surprised costs L; acting pays when the
probability is above C / L.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.baselines import REFERENCE
from forecast.config import Config
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.metrics import block_length, skill_estimate
from forecast.records.forecast import Decision, DecisionValue
from forecast.runs.mixture import Mixture

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CostLoss:
    """What acting costs and what being surprised costs, both as (least, most) in one unit."""

    act: tuple[float, float]
    surprised: tuple[float, float]

    @property
    def threshold_range(self) -> tuple[float, float]:
        """Least and greatest probability from which acting pays."""
        return self.act[0] / self.surprised[1], min(self.act[1] / self.surprised[0], 1.0)

    @property
    def threshold(self) -> float:
        """The probability from which acting pays at the geometric middle of both ranges."""
        cost, loss = self._middle
        return min(cost / loss, 1.0)

    @property
    def _middle(self) -> tuple[float, float]:
        return math.sqrt(self.act[0] * self.act[1]), math.sqrt(self.surprised[0] * self.surprised[1])

    def expense(self, probability: ArrayLike, outcome: ArrayLike) -> Floats:
        """What each window costs who acts from the threshold on, at the middle of both ranges."""
        cost, loss = self._middle
        return np.where(np.asarray(probability) >= self.threshold, cost, loss * np.asarray(outcome))


def costs_of(config: Config) -> CostLoss | None:
    """The costs that a config states; ``None`` where it states none."""
    stated = config.decision
    return None if stated is None else CostLoss(stated.act, stated.surprised)


def decision_of(mixture: Mixture) -> Decision | None:
    """Say whether the headline of a forecast is a reason to act; ``None`` where no costs are stated."""
    inputs = mixture.inputs
    costs = costs_of(inputs.config)
    if costs is None:
        return None
    target = inputs.config.headline.target
    day = (inputs.config.headline_milestone.date - inputs.data.grid.origin).days
    probability = mixture.probability(target, day)
    low, high = costs.threshold_range
    return Decision(
        act=costs.act,
        surprised=costs.surprised,
        threshold=costs.threshold,
        threshold_range=(low, high),
        advice="act" if probability >= high else "wait" if probability < low else "depends",
        chance_above=mixture.chance_above(target, day, costs.threshold),
    )


def decision_value(
    forecasts: ForecastTable, model: str, target: str, horizon_days: int, costs: CostLoss, *, seed: int
) -> DecisionValue | None:
    """Say what acting on a model's forecasts would have cost, beside four ways to do without it.

    ``base_rate`` acts on the share of past windows that was known at each origin. ``value`` is
    (E_base − E_forecast) / (E_base − E_perfect): 1 for a perfect forecast, 0 for one worth no more than the
    base rate; ``None`` where perfect knowledge would have saved nothing. ``None`` when the two did not
    forecast the same windows.
    """
    ours, base = (
        forecasts.select(target=target, horizon_days=horizon_days, model=name) for name in (model, REFERENCE)
    )
    if not len(ours) or not np.array_equal(ours.origin, base.origin):
        return None
    outcome = ours.outcome.astype(np.float64)
    said, known = (costs.expense(rows.probability, outcome) for rows in (ours, base))
    always, never, perfect = (
        costs.expense(each, outcome) for each in (np.ones(len(ours)), 0.0 * outcome, outcome)
    )
    block = block_length(np.unique(ours.origin), horizon_days)
    # The skill of expenses above those of perfect knowledge.
    value = skill_estimate(said - perfect, known - perfect, block, seed)
    defined = math.isfinite(value.value)
    return DecisionValue(
        target=target,
        horizon_days=horizon_days,
        windows=len(ours),
        held=int(outcome.sum()),
        acted=int((ours.probability >= costs.threshold).sum()),
        forecast=float(said.mean()),
        base_rate=float(known.mean()),
        always=float(always.mean()),
        never=float(never.mean()),
        perfect=float(perfect.mean()),
        value=value.value if defined else None,
        value_se=value.se if defined and math.isfinite(value.se) else None,
    )
