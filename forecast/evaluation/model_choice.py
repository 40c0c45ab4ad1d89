"""Which model to ship: the simplest that is within two standard errors of the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from forecast.evaluation.comparison import compare_models
from forecast.evaluation.forecast_table import ForecastTable

SIMPLEST_FIRST = ("joint", "target", "focused", "ensemble")
"""By what a forecast takes: one fit for all targets, categories and scenarios; a fit a target on one stream,
and on four; all of these."""
TOLERANCE = 2.0
"""Standard errors of the difference in log score."""


@dataclass(frozen=True)
class Gap:
    """Mean log score of a model minus that of the best one, in nats, and its block-bootstrap error."""

    value: float
    se: float


@dataclass(frozen=True)
class ModelChoice:
    """Outcome of the rule.

    Parameters
    ----------
    best : str
        The model with the lowest mean log score.
    gaps : dict of str to Gap
        Of every model, the best included (0, error 0).
    chosen : str
        The first of ``SIMPLEST_FIRST`` within ``TOLERANCE`` errors of the best.
    """

    best: str
    gaps: dict[str, Gap]
    chosen: str


def choose_model(tables: Sequence[ForecastTable], *, seed: int) -> ModelChoice | None:
    """Apply the rule to the forecasts of one or more dyads, all of the same weight.

    Targets and horizons have the same weight within a dyad; dyads count as independent, which makes errors
    too small where neighbours share wars.

    Returns
    -------
    ModelChoice or None
        ``None`` when the tables hold none of the models.
    """
    models = [name for name in SIMPLEST_FIRST if all(name in table.models for table in tables)]
    if not models:
        return None
    gaps = {name: _gap(tables, name, models[0], seed) for name in models}
    best = min(models, key=lambda name: gaps[name].value)
    gaps = {name: _gap(tables, name, best, seed) for name in models}
    chosen = next(name for name in models if gaps[name].value <= TOLERANCE * gaps[name].se)
    return ModelChoice(best, gaps, chosen)


def _gap(tables: Sequence[ForecastTable], model: str, other: str, seed: int) -> Gap:
    if model == other:
        return Gap(0.0, 0.0)
    found = [compare_models(table, model, other, seed=seed) for table in tables]
    value = sum(one.value for one in found) / len(found)
    return Gap(value, math.sqrt(sum(one.se**2 for one in found)) / len(found))
