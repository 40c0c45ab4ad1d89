"""From draws and paths to the records of a run: probabilities in words, parameters, tension, data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from forecast import wording
from forecast.draws import StreamDraws, tension_at_steps
from forecast.events.bundled import source_limits
from forecast.events.codebook import CATEGORIES
from forecast.events.table import EventTable
from forecast.inference import Posterior
from forecast.monte_carlo import monte_carlo_error
from forecast.priors import NamedPrior, PriorSet
from forecast.record import (
    Baseline,
    Curve,
    DataSummary,
    MilestoneForecast,
    ParameterSummary,
    TargetForecast,
    TensionSeries,
    TimeToEvent,
)
from forecast.series import TimeGrid
from forecast.simulation import FirstHits, ProbabilityCurve, probability_curve, time_to_event

STRAINED_FROM = 0.5
CRISIS_FROM = 1.5
"""Regimes are readings of the posterior mean of tension, in its standard deviations."""


@dataclass(frozen=True)
class Question:
    """A target with the milestones asked about, in the words of the config."""

    name: str
    label: str
    definition: str
    milestones: tuple[tuple[str, str, date], ...]  # name, label, day


def target_forecast(
    question: Question,
    hits: FirstHits,
    n_chains: int,
    observed_before: int,
    baselines: Mapping[str, Baseline],
) -> tuple[TargetForecast, dict[str, NDArray[np.float64]]]:
    """Forecast one target at all its milestones.

    Returns
    -------
    TargetForecast
        Milestones and curve read from the same array.
    dict
        Milestone name → share of hit paths of each draw, shape (draw,): what the gates monitor.
    """
    origin = hits.origin
    first_day = hits.of(question.name)
    curve = probability_curve(first_day, hits.horizon_days)
    monitored = {}
    milestones = []
    for name, label, day in question.milestones:
        t = (day - origin).days
        monitored[name] = curve.per_draw[:, t]
        milestones.append(
            _milestone(
                name, label, day, curve, t, monte_carlo_error(monitored[name], n_chains), baselines[name]
            )
        )
    days = tuple(origin + timedelta(days=t) for t in range(hits.horizon_days + 1))
    quantiles = (time_to_event(first_day, q) for q in (0.1, 0.5, 0.9))
    forecast = TargetForecast(
        name=question.name,
        label=question.label,
        definition=question.definition,
        observed_before=observed_before,
        milestones=tuple(milestones),
        curve=Curve(
            date=days,
            probability=_floats(curve.probability),
            lower90=_floats(curve.lower90),
            upper90=_floats(curve.upper90),
        ),
        time_to_event_days=TimeToEvent(**dict(zip(("q10", "q50", "q90"), quantiles, strict=True))),
    )
    return forecast, monitored


def _milestone(
    name: str, label: str, day: date, curve: ProbabilityCurve, t: int, mcse: float, baseline: Baseline
) -> MilestoneForecast:
    probability = float(curve.probability[t])
    interval = (float(curve.lower90[t]), float(curve.upper90[t]))
    return MilestoneForecast(
        name=name,
        label=label,
        date=day,
        probability=probability,
        mcse=mcse,
        interval90=interval,
        words=wording.words(probability, interval),
        frequency=wording.frequency(probability),
        baseline=baseline,
    )


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.tolist())


def tension_series(draws: StreamDraws, grid: TimeGrid) -> TensionSeries:
    """Posterior of the latent tension by step: mean, 90% band and regime."""
    steps = tension_at_steps(draws.knots, grid.n_steps)
    mean = steps.mean(axis=0)
    lower, upper = np.quantile(steps, [0.05, 0.95], axis=0)
    return TensionSeries(
        date=tuple(grid.first_day(step) for step in range(grid.n_steps)),
        mean=_floats(mean),
        lower90=_floats(lower),
        upper90=_floats(upper),
        regime=tuple(_regime(value) for value in mean),
    )


def _regime(tension: float) -> Literal["calm", "strained", "crisis"]:
    if tension < STRAINED_FROM:
        return "calm"
    return "strained" if tension < CRISIS_FROM else "crisis"


def parameter_summaries(priors: PriorSet, posterior: Posterior) -> tuple[ParameterSummary, ...]:
    """Prior and posterior of every named parameter, in the order of the catalogue."""
    summaries = []
    for group in priors.groups:
        values = posterior.variables[group.variable].reshape(posterior.n_draws, -1)
        for column, prior in enumerate(priors.of_group(group)):
            summaries.append(_parameter(prior, values[:, column], posterior.n_chains))
    return tuple(summaries)


def _parameter(prior: NamedPrior, values: NDArray[np.float64], n_chains: int) -> ParameterSummary:
    chains = values.reshape(n_chains, -1)
    lower, upper = np.quantile(values, [0.05, 0.95])
    prior_lower, prior_upper = prior.distribution.quantile([0.05, 0.95])
    return ParameterSummary(
        name=prior.name,
        meaning=prior.group.meaning,
        unit=prior.group.unit,
        prior=str(prior.distribution),
        prior_origin=prior.origin,
        prior_mean=prior.distribution.mean,
        prior_interval90=(float(prior_lower), float(prior_upper)),
        posterior_mean=float(values.mean()),
        posterior_interval90=(float(lower), float(upper)),
        mcse=monte_carlo_error(values, n_chains),
        rhat=float(array_stats.rhat(chains, chain_axis=0, draw_axis=1)),
        ess_bulk=float(array_stats.ess(chains, chain_axis=0, draw_axis=1, method="bulk")),
    )


def data_summary(events: EventTable, grid: TimeGrid) -> DataSummary:
    """What the forecast was made from; ``events`` is what was known at the origin."""
    fitted = (events.date >= np.datetime64(grid.start, "D")) & (events.date < np.datetime64(grid.origin, "D"))
    return DataSummary(
        source=events.source,
        sha256=events.sha256,
        rows=len(events),
        rows_fitted=int(fitted.sum()),
        first_date=events.date.min().astype(object),
        last_date=events.date.max().astype(object),
        verified_share=float(events.verified.mean()) if events.has_verified else None,
        counts_by_category={name: int((events.category == name).sum()) for name in CATEGORIES},
        limits=source_limits(events.source),
    )
