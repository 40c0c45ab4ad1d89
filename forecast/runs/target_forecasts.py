"""From first days to the record of one target: probabilities at its milestones, in numbers and words.

Apart from ``results``, so that scenarios can use it without loading what a fit needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast import wording
from forecast.inference.importance import monte_carlo_error
from forecast.records.forecast import Baseline, Curve, MilestoneForecast, TargetForecast, TimeToEvent
from forecast.simulation import FirstHits, ProbabilityCurve, probability_curve, time_to_event

Floats = NDArray[np.float64]


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
) -> tuple[TargetForecast, dict[str, Floats]]:
    """Forecast one target at all its milestones.

    Returns
    -------
    TargetForecast
        Milestones and curve read from the same array.
    dict
        Milestone name → share of hit paths of each draw, shape (draw,): what the gates monitor.
    """
    curve = probability_curve(hits.of(question.name), hits.horizon_days)
    shares = {name: curve.per_draw[:, (day - hits.origin).days] for name, _, day in question.milestones}
    milestones = tuple(
        milestone_forecast(
            (name, label, day), hits.origin, curve, monte_carlo_error(shares[name], n_chains), baselines[name]
        )
        for name, label, day in question.milestones
    )
    forecast = TargetForecast(
        name=question.name,
        label=question.label,
        definition=question.definition,
        observed_before=observed_before,
        milestones=milestones,
        curve=curve_record(curve, hits.origin),
        time_to_event_days=time_record(curve),
    )
    return forecast, shares


def milestone_forecast(
    asked: tuple[str, str, date], origin: date, curve: ProbabilityCurve, mcse: float, baseline: Baseline
) -> MilestoneForecast:
    """Read one milestone (name, label, day) off the curve."""
    name, label, day = asked
    t = (day - origin).days
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


def curve_record(curve: ProbabilityCurve, origin: date) -> Curve:
    """Return a curve with its days."""
    return Curve(
        date=tuple(origin + timedelta(days=t) for t in range(len(curve.probability))),
        probability=tuple(curve.probability.tolist()),
        lower90=tuple(curve.lower90.tolist()),
        upper90=tuple(curve.upper90.tolist()),
    )


def time_record(curve: ProbabilityCurve) -> TimeToEvent:
    """Return the quantiles of the time to the event."""
    q10, q50, q90 = (time_to_event(curve.probability, level) for level in (0.1, 0.5, 0.9))
    return TimeToEvent(q10=q10, q50=q50, q90=q90)
