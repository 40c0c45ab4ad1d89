"""What a run shows of its posterior: targets, tension, parameters, data, the risk by month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from forecast.baselines import PastEvents, past_events, share_of_windows
from forecast.config import Config
from forecast.config.schema import MilestoneConfig
from forecast.events.codebook import CATEGORIES
from forecast.events.dyads import Direction, DyadRule, PairRows
from forecast.events.reading import source_limits, terms_of
from forecast.events.table import EventTable
from forecast.grid import TimeGrid
from forecast.inference.importance import mixing, monte_carlo_error
from forecast.inference.posterior import Posterior
from forecast.models.draws import Floats, tension_at_steps
from forecast.priors import NamedPrior, PriorSet
from forecast.records import analysis
from forecast.records.forecast import (
    FEWEST_PERIODS,
    Baseline,
    ChanceTable,
    MilestoneForecast,
    NumberOfEvents,
    TargetCase,
    TargetForecast,
)
from forecast.records.notices import Notice, notice
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import Curve, Mixture
from forecast.runs.run import Run
from forecast.targets import TargetRule

MOST_CASES = 10
"""Cases kept by name, the last ones."""
STORED_PAIRS = 50
"""Pairs left out that are kept by name."""


def past_cases(events: EventTable, rule: TargetRule, origin: date, start: date) -> tuple[TargetCase, ...]:
    """Return the last cases of the record, in their order: of each day with a target event the gravest.

    ``origin`` is the first day that is not known, ``start`` the first that counts as observed.
    """
    inside = (events.date >= np.datetime64(start, "D")) & (events.date < np.datetime64(origin, "D"))
    met = events.select(np.asarray(inside & rule.mask(events)))
    gravest: dict[date, TargetCase] = {}
    for event in sorted(met.rows(), key=lambda event: -event.severity):
        gravest.setdefault(event.date, TargetCase(event_id=event.id, date=event.date))
    return tuple(gravest[day] for day in sorted(gravest))[-MOST_CASES:]


def constant_rate(past: PastEvents, horizon_days: int) -> float | None:
    """Probability of a target event within the horizon, had it the same rate on every day.

    1 − exp(−n h / T): n days with a target event in T days of record. Nothing is added to n, so that a reader
    can check it by hand; ``None`` where n is 0.
    """
    days = int(past.first_of_day().sum())
    seen = past.n_days + past.days_before
    return float(-np.expm1(-days * horizon_days / seen)) if days else None


def target_forecasts(mixture: Mixture, n_chains: int = 1) -> tuple[TargetForecast, ...]:
    """Read the forecast of all targets at their milestones."""
    config, origin = mixture.inputs.config, mixture.inputs.data.grid.origin
    dated = sorted(config.milestones, key=lambda milestone: milestone.date)
    horizons = [(milestone.date - origin).days for milestone in dated]
    counts = mixture.counts(horizons)
    return tuple(
        _forecast(mixture, rule, n_chains, dated, [*map(number_of_events, counts[rule.name])])
        for rule in mixture.inputs.rules
    )


def number_of_events(chances: Floats) -> NumberOfEvents:
    """Read a number off the chances of 0, 1, … events, shape (n,)."""
    above = np.clip(np.cumsum(chances[::-1])[::-1][1:], 0.0, 1.0)
    low, high = (int((1 - above < level).sum()) for level in (0.05, 0.95))
    told = above[: max(int((above >= 0.001).sum()), 1)]
    return NumberOfEvents(expected=float(above.sum()), interval90=(low, high), at_least=tuple(told.tolist()))


def _forecast(
    mixture: Mixture,
    rule: TargetRule,
    n_chains: int,
    dated: Sequence[MilestoneConfig],
    numbers: Sequence[NumberOfEvents],
) -> TargetForecast:
    """Forecast one target at all its milestones, by day: these and the curve are read from the same array."""
    inputs, name = mixture.inputs, rule.name
    config, grid, curve = inputs.config, inputs.data.grid, mixture.curves[rule.name]
    horizons = [(milestone.date - grid.origin).days for milestone in dated]
    past = past_events(inputs.events, rule, grid.origin, grid.start)
    windows = share_of_windows(past, np.array(horizons))[0]
    milestones: list[MilestoneForecast] = []
    for milestone, days, share, number in zip(dated, horizons, windows, numbers, strict=True):
        error = mixture.error(name, days, n_chains)
        periods = (past.n_days + past.days_before) // days
        counted = None
        if periods >= FEWEST_PERIODS:
            counted = float(share_of_windows(past, np.array([days]), prior_hits=0.0)[0, 0])
        baseline = Baseline(name="climatology", probability=float(share), periods=periods, counted=counted)
        milestones.append(
            MilestoneForecast(
                name=milestone.name,
                label=milestone.title,
                mcse=error,
                baseline=baseline,
                constant_rate=constant_rate(past, days),
                members=mixture.member_forecasts(name, days) or None,
                number=number,
                **chance_before(curve, grid.origin, milestone.date),
            )
        )
    return TargetForecast(
        **_stated(config, name),
        silent_since=rule.silent_since,
        seen_then=rule.seen_then,
        observed_before=int(past.first_of_day().sum()),
        cases=past_cases(inputs.events, rule, grid.origin, grid.start),
        outside=inputs.outside(rule),
        milestones=tuple(milestones),
        chances=chance_table(curve, grid.origin),
    )


def _stated(config: Config, name: str) -> dict[str, Any]:
    """What a config states of a target, as the fields of ``TargetForecast``."""
    target = config.targets[name]
    own = ("any_of", "min_severity", "counts", "does_not_count", "edge_cases")
    stated: dict[str, Any] = {key: getattr(target, key) for key in own} | {"by": target.acting}
    return stated | {"name": name, "label": config.target_title(name), "grave": config.is_grave(name)}


def analysis_of(
    run: Run,
    warnings: Sequence[Notice] = (),
    sensitivity: analysis.Sensitivity | None = None,
    reactions: tuple[analysis.ReactionFacts, ...] = (),
) -> analysis.Analysis:
    """What the report shows beside the forecast."""
    inputs, posterior, config = run.inputs, run.samples, run.inputs.config
    if inputs.delay is not None:
        late = notice(
            "late_reports",
            origin=inputs.delay.origin,
            mean_days=inputs.delay.mean_days,
            known_share=float(inputs.data.weekly_completeness[-1]),
        )
        warnings = (late, *warnings)
    tension = tension_at_steps(run.draws.knots, inputs.data.grid.n_steps)
    return analysis.Analysis(
        schema=8,
        tension=tension_series(tension, inputs.data.grid),
        drift=drift_now(run.draws.level(inputs.data)),
        parameters=parameter_summaries(inputs.priors, posterior),
        data=data_summary(inputs.events, inputs.data.grid, inputs.dyad, inputs.left_out).model_copy(
            update={"coding_complete": config.coding_complete(config.as_of)}
        ),
        calendar=tuple(
            analysis.ScheduledAct(
                **act.model_dump(exclude={"by", "towards", "subcategory"}), subcategory=act.subcategory or ""
            )
            for act in config.calendar
        ),
        sampler=analysis.SamplerSummary(
            chains=posterior.n_chains,
            draws=posterior.n_draws // posterior.n_chains,
            tune=posterior.tune,
            target_accept=posterior.target_accept,
            seed=config.sampler.seed,
            reruns=posterior.reruns,
        ),
        warnings=tuple(warnings),
        learned=learned_from(inputs),
        outcomes=inputs.outcomes,
        sensitivity=sensitivity,
        reactions=reactions,
    )


def learned_from(inputs: Inputs) -> tuple[analysis.LearnedFrom, ...]:
    """Name the pairs that priors and pooled hazard of a run were learned from."""
    sources = []
    if inputs.population is not None:
        known = inputs.population.provenance
        first, last = map(date.fromisoformat, (known.first, known.last))
        pairs = tuple(analysis.LearnedPair(name=name, first=first, until=last) for name in known.dyads)
        sources.append(analysis.LearnedFrom(part="priors", pairs=pairs, source=known.source))
    if inputs.family.pooled:
        learned = inputs.hazard.provenance
        pairs = tuple(
            analysis.LearnedPair(name=dyad.name, coder=dyad.coder, first=dyad.first, until=dyad.until)
            for dyad in learned.dyads
        )
        sources.append(
            analysis.LearnedFrom(
                part="pooled hazard",
                pairs=pairs,
                kinds=learned.targets,
                source=learned.source,
                own_left_out=tuple(dyad.name for dyad in inputs.hazard.left_out(inputs.events)),
            )
        )
    return tuple(sources)


def drift_now(log_level: Floats) -> analysis.DriftNow:
    """Drift at the end of the record as a factor on rates, from its logarithm, shape (draw,)."""
    level = np.exp(log_level)
    lower, upper = np.quantile(level, [0.05, 0.95])
    return analysis.DriftNow(
        mean=round(float(level.mean()), 4), interval90=(round(float(lower), 4), round(float(upper), 4))
    )


def tension_series(steps: Floats, grid: TimeGrid) -> analysis.TensionSeries:
    """Posterior of the latent tension by step, shape (draw, step): mean and 90% band."""
    mean = steps.mean(axis=0)
    lower, upper = np.quantile(steps, [0.05, 0.95], axis=0)
    return analysis.TensionSeries(
        date=tuple(grid.first_day(step) for step in range(grid.n_steps)),
        mean=tuple(mean.tolist()),
        lower90=tuple(lower.tolist()),
        upper90=tuple(upper.tolist()),
    )


def parameter_summaries(priors: PriorSet, posterior: Posterior) -> tuple[analysis.ParameterSummary, ...]:
    """Prior and posterior of every named parameter, in the order of the catalogue."""
    summaries = []
    for group in priors.groups:
        for column, prior in enumerate(priors.of_group(group)):
            values = posterior.variables[group.name].reshape(posterior.n_draws, -1)
            summaries.append(_parameter(prior, values[:, column], posterior.n_chains))
    return tuple(summaries)


def _parameter(prior: NamedPrior, values: Floats, n_chains: int) -> analysis.ParameterSummary:
    rhat, ess_bulk, _ = mixing(values.reshape(n_chains, -1), tails=False)
    lower, upper = np.quantile(values, [0.05, 0.95])
    prior_lower, prior_upper = prior.distribution.quantile([0.05, 0.95])
    return analysis.ParameterSummary(
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
        rhat=rhat,
        ess_bulk=ess_bulk,
    )


def data_summary(
    events: EventTable, grid: TimeGrid, dyad: DyadRule, left_out: Sequence[PairRows]
) -> analysis.DataSummary:
    """What the forecast was made from, and what it left out; both as known at the origin."""
    _, forth, back, theatre = np.bincount(dyad.directions(events), minlength=len(Direction)).tolist()
    return analysis.DataSummary(
        source=events.source,
        sha256=events.sha256,
        rows=len(events),
        rows_fitted=len(events.between(grid.start, grid.origin - timedelta(days=1))),
        first_date=events.date.min().astype(object),
        last_date=events.date.max().astype(object),
        start=grid.start,
        rows_sourced=events.sourced,
        verified_share=float(events.verified.mean()) if events.has_verified else None,
        counts_by_category={name: int((events.category == name).sum()) for name in CATEGORIES},
        limits=source_limits(events.source),
        dyad=analysis.DyadActs(**vars(dyad), rows_a_to_b=forth, rows_b_to_a=back, rows_theatre=theatre),
        rows_left_out=sum(pair.rows for pair in left_out),
        left_out=tuple(analysis.PairLeftOut(**pair._asdict()) for pair in left_out[:STORED_PAIRS]),
        sources=terms_of(events),
    )


def chance_before(curve: Curve, origin: date, day: date) -> dict[str, Any]:
    """Return day, probability and interval of a milestone, read off the curve."""
    probability, low, high = (float(part[(day - origin).days]) for part in vars(curve).values())
    return {"date": day, "probability": probability, "interval90": (low, high)}


def chance_table(curve: Curve, origin: date, days: Sequence[int] | None = None) -> ChanceTable:
    """Return a curve with its days; those of ``days`` alone, where they are given."""
    chosen = range(len(curve.mean)) if days is None else days
    return ChanceTable(
        day=tuple(origin + timedelta(days=t) for t in chosen),
        **{name: tuple(part[[*chosen]].tolist()) for name, part in vars(curve).items()},
    )
