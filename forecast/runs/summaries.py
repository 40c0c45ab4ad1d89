"""From draws and paths to the records of a run: probabilities in words, parameters, tension, data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast import wording
from forecast.events.codebook import CATEGORIES
from forecast.events.dyads import Direction, DyadRule, PairRows
from forecast.events.reading import source_limits
from forecast.events.table import EventTable
from forecast.inference.importance import monte_carlo_error
from forecast.inference.posterior import Posterior
from forecast.models.draws import tension_at_steps
from forecast.panel.panel import TimeGrid
from forecast.priors import NamedPrior, PriorSet
from forecast.records.analysis import (
    Analysis,
    CalendarAct,
    CappedRates,
    DataSummary,
    DriftNow,
    DyadActs,
    InfluentialEvents,
    LateReports,
    LearnedFrom,
    PairLeftOut,
    ParameterSummary,
    RunWarning,
    SamplerSummary,
    TensionSeries,
)
from forecast.records.forecast import (
    Baseline,
    Curve,
    MilestoneForecast,
    TimeToEvent,
)
from forecast.runs.inputs import Inputs
from forecast.runs.run import Run
from forecast.simulation.play import RATE_CAP
from forecast.simulation.probabilities import ProbabilityCurve, time_to_event

Floats = NDArray[np.float64]

STORED_PAIRS = 50
"""Pairs left out that are kept by name."""
NEGLIGIBLE_SHARE = 1e-6
"""Share of capped intensities from which a reader is told: below it no shown probability can change."""
STRAINED_FROM = 0.5
CRISIS_FROM = 1.5
"""Regimes are readings of tension, in its standard deviations: of its mean, or of each draw."""


def analysis_of(run: Run, seconds: float, withheld: int) -> Analysis:
    """What the report shows beside the forecast, but for robustness; ``seconds`` are those of the fit."""
    inputs, posterior, config = run.inputs, run.fit, run.inputs.config
    warnings = capped_warnings(run.hits.capped_share)
    if inputs.delay is not None:
        warnings.append(
            LateReports(
                origin=inputs.delay.origin,
                mean_days=inputs.delay.mean_days,
                known_share=inputs.data.completeness[0, -1],
            )
        )
    if withheld:
        warnings.append(InfluentialEvents(number=withheld))
    tension = tension_at_steps(run.draws.knots[:, 0], inputs.data.grid.n_steps)
    return Analysis(
        schema=4,
        tension=tension_series(tension, inputs.data.grid),
        drift=drift_now(run.draws.level(inputs.data)),
        parameters=parameter_summaries(inputs.priors, posterior),
        data=data_summary(inputs.events, inputs.data.grid, inputs.dyad, inputs.left_out),
        calendar=tuple(
            CalendarAct(
                date=act.date,
                category=act.category,
                severity=act.severity,
                probability=act.probability,
                label=act.label,
            )
            for act in config.calendar
        ),
        sampler=SamplerSummary(
            chains=posterior.n_chains,
            draws=posterior.n_draws // posterior.n_chains,
            tune=posterior.tune,
            target_accept=posterior.target_accept,
            seed=config.sampler.seed,
            reruns=posterior.reruns,
            paths_per_draw=config.sampler.paths_per_draw,
            seconds=seconds,
        ),
        warnings=tuple(warnings),
        learned=learned_from(inputs),
    )


def learned_from(inputs: Inputs) -> tuple[LearnedFrom, ...]:
    """Name the pairs that priors and pooled hazard of a run were learned from."""
    found = []
    if inputs.population is not None:
        told = inputs.population.provenance
        clause = f"{wording.count(len(told.dyads), 'pair')}, {told.first[:4]}–{told.last[:4]}"
        found.append(
            LearnedFrom(part="priors", clause=clause, pairs=(", ".join(told.dyads),), source=told.source)
        )
    if inputs.family.uses_panel:
        known = inputs.hazard.provenance
        found.append(
            LearnedFrom(
                part="pooled hazard",
                clause=known.in_words(),
                pairs=tuple(known.listed()),
                source=known.source,
                own_left_out=tuple(one.name for one in inputs.hazard.left_out(inputs.events)),
            )
        )
    return tuple(found)


def capped_warnings(share: float) -> list[RunWarning]:
    """What a reader is told of the share of simulated intensities that were cut; nothing if negligible."""
    return [] if share < NEGLIGIBLE_SHARE else [CappedRates(share=share, cap=RATE_CAP)]


def drift_now(log_level: Floats) -> DriftNow:
    """Drift at the end of the record as a factor on rates, from its logarithm, shape (draw,)."""
    level = np.exp(log_level)
    lower, upper = np.quantile(level, [0.05, 0.95])
    return DriftNow(
        mean=round(float(level.mean()), 4), interval90=(round(float(lower), 4), round(float(upper), 4))
    )


def tension_series(steps: Floats, grid: TimeGrid) -> TensionSeries:
    """Posterior of the latent tension by step, shape (draw, step): mean, 90% band and regime."""
    mean = steps.mean(axis=0)
    lower, upper = np.quantile(steps, [0.05, 0.95], axis=0)
    crisis = np.round((steps >= CRISIS_FROM).mean(axis=0), 5)
    strained = np.round((steps >= STRAINED_FROM).mean(axis=0) - crisis, 5)
    return TensionSeries(
        date=tuple(grid.first_day(step) for step in range(grid.n_steps)),
        mean=_floats(mean),
        lower90=_floats(lower),
        upper90=_floats(upper),
        regime=tuple(_regime(value) for value in mean),
        strained_from=STRAINED_FROM,
        crisis_from=CRISIS_FROM,
        chance_strained=_floats(strained),
        chance_crisis=_floats(crisis),
    )


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.tolist())


def _regime(tension: float) -> Literal["calm", "strained", "crisis"]:
    if tension < STRAINED_FROM:
        return "calm"
    return "strained" if tension < CRISIS_FROM else "crisis"


def parameter_summaries(priors: PriorSet, posterior: Posterior) -> tuple[ParameterSummary, ...]:
    """Prior and posterior of every named parameter, in the order of the catalogue."""
    summaries = []
    for group in priors.groups:
        for column, prior in enumerate(priors.of_group(group)):
            values = posterior.variables[group.variable].reshape(posterior.n_draws, -1)
            summaries.append(_parameter(prior, values[:, column], posterior.n_chains))
    return tuple(summaries)


def _parameter(prior: NamedPrior, values: NDArray[np.float64], n_chains: int) -> ParameterSummary:
    # Here, since scenarios use this module too and are to answer before ArviZ is loaded.
    from arviz_stats.base import array_stats

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


def data_summary(
    events: EventTable, grid: TimeGrid, dyad: DyadRule, left_out: Sequence[PairRows]
) -> DataSummary:
    """What the forecast was made from, and what it left out; both as known at the origin."""
    _, forth, back, theatre = np.bincount(dyad.directions(events), minlength=len(Direction)).tolist()
    fitted = (events.date >= np.datetime64(grid.start, "D")) & (events.date < np.datetime64(grid.origin, "D"))
    return DataSummary(
        source=events.source,
        sha256=events.sha256,
        rows=len(events),
        rows_fitted=int(fitted.sum()),
        first_date=events.date.min().astype(object),
        last_date=events.date.max().astype(object),
        start=grid.start,
        verified_share=float(events.verified.mean()) if events.has_verified else None,
        counts_by_category={name: int((events.category == name).sum()) for name in CATEGORIES},
        limits=source_limits(events.source),
        dyad=DyadActs(
            a=dyad.a,
            b=dyad.b,
            theatre=dyad.theatre,
            rows_a_to_b=forth,
            rows_b_to_a=back,
            rows_theatre=theatre,
        ),
        rows_left_out=sum(one.rows for one in left_out),
        left_out=tuple(PairLeftOut(**one._asdict()) for one in left_out[:STORED_PAIRS]),
    )


def milestone_forecast(
    asked: tuple[str, str, date],
    origin: date,
    curve: ProbabilityCurve,
    mcse: float,
    baseline: Baseline,
    *,
    grave: bool = False,
) -> MilestoneForecast:
    """Read one milestone (name, label, day) off the curve; a ``grave`` one has no word below 5%."""
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
        words=wording.chance_words(probability, interval[1], grave=grave),
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
