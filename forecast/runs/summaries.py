"""From draws and paths to the records of a run: probabilities, past cases, parameters, tension, data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast import wording
from forecast.baselines import climatology, past_events
from forecast.config.describe import target_facts
from forecast.events.codebook import CATEGORIES
from forecast.events.dyads import Direction, DyadRule, PairRows
from forecast.events.reading import source_limits
from forecast.events.table import EventTable
from forecast.events.terms import terms_of
from forecast.inference.importance import monte_carlo_error
from forecast.inference.posterior import Posterior
from forecast.models.draws import prior_draws, stream_draws, tension_at_steps
from forecast.panel import DAYS_A_MONTH, TargetRule, TimeGrid
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
from forecast.records.explained import Missing, MissingPart
from forecast.records.forecast import (
    Baseline,
    Curve,
    MilestoneForecast,
    PastCase,
    TargetForecast,
    TimeToEvent,
)
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import Mixture
from forecast.runs.run import Run
from forecast.simulation import NEVER, SimulationOptions, simulate_first_passages
from forecast.simulation.play import RATE_CAP
from forecast.simulation.probabilities import ProbabilityCurve, time_to_event

MOST_CASES = 10
"""Cases kept by name, the last ones."""


def past_cases(events: EventTable, rule: TargetRule, origin: date, start: date) -> tuple[PastCase, ...]:
    """Return the last events of the record that met a target, in their order.

    ``origin`` is the first day that is not known, ``start`` the first that counts as observed.
    """
    inside = (events.date >= np.datetime64(start, "D")) & (events.date < np.datetime64(origin, "D"))
    met = events.select(np.asarray(inside & rule.mask(events)))
    return tuple(PastCase(event_id=event.id, date=event.date) for event in met.rows())[-MOST_CASES:]


def constant_rate(
    events: EventTable, rule: TargetRule, origin: date, start: date, horizon_days: int
) -> float | None:
    """Probability of a target event within the horizon, had it the same rate on every day.

    1 − exp(−n h / T): n days with a target event in T days of record. Nothing is added to n, so that a reader
    can check it by hand; ``None`` where n is 0.
    """
    past = past_events(events, rule, origin, start)
    days = int(past.first_of_day().sum())
    return float(-np.expm1(-days * horizon_days / past.n_days)) if days else None


def target_forecasts(mixture: Mixture, n_chains: int = 1) -> tuple[TargetForecast, ...]:
    """Read the forecast of all targets at their milestones."""
    return tuple(_forecast(mixture, rule, n_chains) for rule in mixture.inputs.rules)


def _forecast(mixture: Mixture, rule: TargetRule, n_chains: int) -> TargetForecast:
    """Forecast one target at all its milestones: these and the curve are read from the same array."""
    inputs, name = mixture.inputs, rule.name
    config, grid, curve = inputs.config, inputs.data.grid, mixture.curves[rule.name]
    horizons = [max((milestone.date - grid.origin).days, 0) for milestone in config.milestones]
    windows = climatology(inputs.events, rule, grid.origin, grid.start, horizons)
    milestones: list[MilestoneForecast] = []
    for milestone, days, share in zip(config.milestones, horizons, windows, strict=True):
        error = mixture.error(name, days, n_chains)
        baseline = Baseline(name="climatology", probability=float(share))
        asked = (milestone.name, milestone.title, milestone.date)
        beside = {
            "constant_rate": constant_rate(inputs.events, rule, grid.origin, grid.start, days),
            "members": mixture.member_forecasts(name, days) or None,
        }
        read = milestone_forecast(asked, grid.origin, curve, error, baseline, grave=config.is_grave(name))
        milestones.append(read.model_copy(update=beside))
    return TargetForecast(
        **target_facts(config, name, inputs.scale),
        observed_before=int(rule.mask(inputs.events.between(grid.start, config.as_of)).sum()),
        cases=past_cases(inputs.events, rule, grid.origin, grid.start),
        milestones=tuple(milestones),
        curve=curve_record(curve, grid.origin),
        time_to_event_days=time_record(curve),
    )


Floats = NDArray[np.float64]

STORED_PAIRS = 50
"""Pairs left out that are kept by name."""
NEGLIGIBLE_SHARE = 1e-6
"""Share of capped intensities from which a reader is told: below it no shown probability can change."""
STRAINED_FROM = 0.5
CRISIS_FROM = 1.5
_MEASURED: tuple[MissingPart, ...] = ("waterfall", "monthly_risk", "signs")
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
                known_share=inputs.data.completeness[-1],
            )
        )
    if withheld:
        warnings.append(InfluentialEvents(number=withheld))
    tension = tension_at_steps(run.draws.knots, inputs.data.grid.n_steps)
    return Analysis(
        schema=5,
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
        missing=tuple(Missing.of(part, "not_measured") for part in _MEASURED),
    )


def learned_from(inputs: Inputs) -> tuple[LearnedFrom, ...]:
    """Name the pairs that priors and pooled hazard of a run were learned from."""
    sources = []
    if inputs.population is not None:
        provenance = inputs.population.provenance
        clause = (
            f"{wording.count(len(provenance.dyads), 'pair')}, {provenance.first[:4]}–{provenance.last[:4]}"
        )
        sources.append(
            LearnedFrom(
                part="priors", clause=clause, pairs=(", ".join(provenance.dyads),), source=provenance.source
            )
        )
    if inputs.family.pooled:
        known = inputs.hazard.provenance
        sources.append(
            LearnedFrom(
                part="pooled hazard",
                clause=known.in_words(),
                pairs=tuple(known.listed()),
                source=known.source,
                own_left_out=tuple(dyad.name for dyad in inputs.hazard.left_out(inputs.events)),
            )
        )
    return tuple(sources)


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
        rows_left_out=sum(pair.rows for pair in left_out),
        left_out=tuple(PairLeftOut(**pair._asdict()) for pair in left_out[:STORED_PAIRS]),
        sources=terms_of(events),
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


DAYS = 364
_DRAWS = 400
_PATHS = 1


@dataclass(frozen=True)
class PriorPredictive:
    """Simulated years ahead of the record, from parameters that have not seen it but through the priors.

    Acts a month by stream, and ``all`` for their sum: (5%, 50%, 95%) quantiles, and the observed mean; the
    probability of at least one target event within a year by target, with its Monte Carlo error.
    """

    acts_a_month: dict[str, tuple[float, float, float]]
    observed_a_month: dict[str, float]
    target_within_year: dict[str, float]
    mcse: dict[str, float]


def prior_predictive(inputs: Inputs, seed: int) -> PriorPredictive:
    """Simulate the year ahead with parameters from the prior, which are relative to the record."""
    panel, layout = inputs.data, inputs.data.layout
    options = SimulationOptions(seed=seed, horizon_days=DAYS, paths_per_draw=_PATHS)
    variables = prior_draws(inputs.priors, _DRAWS, panel.grid.n_knots, np.random.default_rng(seed))
    hits = simulate_first_passages(panel, stream_draws(layout, variables, inputs.priors), options)
    a_month = np.asarray(hits.acts).reshape(-1, len(layout.streams)) / (DAYS / DAYS_A_MONTH)
    by_stream = dict(zip(layout.streams, a_month.T, strict=True)) | {"all": a_month.sum(axis=1)}
    counted = panel.counts.sum(axis=0) / panel.months
    shares = {name: (hits.of(name) != NEVER).mean(axis=1) for name in hits.targets}
    return PriorPredictive(
        {name: tuple(np.quantile(some, [0.05, 0.5, 0.95]).tolist()) for name, some in by_stream.items()},
        {**dict(zip(layout.streams, counted.tolist(), strict=True)), "all": float(counted.sum())},
        {name: float(share.mean()) for name, share in shares.items()},
        {name: float(share.std(ddof=1) / np.sqrt(_DRAWS)) for name, share in shares.items()},
    )
