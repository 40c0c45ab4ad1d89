"""What a run shows of its posterior: targets, tension, parameters, data, the risk by month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import special

from forecast import wording
from forecast.baselines import climatology, past_events
from forecast.config.describe import target_facts
from forecast.events.codebook import CATEGORIES
from forecast.events.dyads import Direction, DyadRule, PairRows
from forecast.events.reading import source_limits, terms_of
from forecast.events.table import EventTable
from forecast.grid import TimeGrid
from forecast.inference.importance import mixing, monte_carlo_error, ratio_by_draw
from forecast.inference.posterior import Posterior
from forecast.models.draws import Floats, prior_draws, stream_draws, tension_at_steps
from forecast.models.intensity import Simulator
from forecast.models.survival import Chances
from forecast.priors import NamedPrior, PriorSet
from forecast.records.analysis import (
    MATERIAL,
    STANDARD_DAYS,
    Analysis,
    CalendarAct,
    DataSummary,
    DatedEvent,
    DriftNow,
    DyadActs,
    LearnedFrom,
    LearnedPair,
    MonthlyRisk,
    MonthRisk,
    PairLeftOut,
    ParameterSummary,
    SamplerSummary,
    ScheduledEffect,
    TensionSeries,
    months_before,
)
from forecast.records.forecast import (
    Baseline,
    ChanceTable,
    MilestoneForecast,
    PastCase,
    TargetForecast,
)
from forecast.records.notices import Notice, notice
from forecast.runs.cautions import too_little
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import Curve, Mixture
from forecast.runs.run import Run
from forecast.targets import TargetRule

MOST_CASES = 10
"""Cases kept by name, the last ones."""
STORED_PAIRS = 50
"""Pairs left out that are kept by name."""
STRAINED_FROM, CRISIS_FROM = 0.5, 1.5
"""Regimes are readings of tension, in its standard deviations: of its mean, or of each draw."""
DAYS = 364
_DRAWS = 400
LEVEL = 0.05
"""Chance that any month, or pair of months, is called different by luck."""
_WHOLE_DAYS = 28
"""From so many days on a month is compared with others."""
_FEWEST_DAYS = 20
"""Days below which a part of a month joins its neighbour."""


def past_cases(events: EventTable, rule: TargetRule, origin: date, start: date) -> tuple[PastCase, ...]:
    """Return the last cases of the record, in their order: of each day with a target event the gravest.

    ``origin`` is the first day that is not known, ``start`` the first that counts as observed.
    """
    inside = (events.date >= np.datetime64(start, "D")) & (events.date < np.datetime64(origin, "D"))
    met = events.select(np.asarray(inside & rule.mask(events)))
    gravest: dict[date, PastCase] = {}
    for event in sorted(met.rows(), key=lambda event: -event.severity):
        gravest.setdefault(event.date, PastCase(event_id=event.id, date=event.date))
    return tuple(gravest[day] for day in sorted(gravest))[-MOST_CASES:]


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
    """Forecast one target at all its milestones, by day: these and the curve are read from the same array."""
    inputs, name = mixture.inputs, rule.name
    config, grid, curve = inputs.config, inputs.data.grid, mixture.curves[rule.name]
    dated = sorted(config.milestones, key=lambda milestone: milestone.date)
    horizons = [max((milestone.date - grid.origin).days, 0) for milestone in dated]
    windows = climatology(inputs.events, rule, grid.origin, grid.start, horizons)
    milestones: list[MilestoneForecast] = []
    worded = {"grave": config.is_grave(name), "thin": any(too_little(inputs))}
    for milestone, days, share in zip(dated, horizons, windows, strict=True):
        error = mixture.error(name, days, n_chains)
        periods = (grid.origin - grid.start).days // max(days, 1)
        baseline = Baseline(name="climatology", probability=float(share), periods=periods)
        asked = (milestone.name, milestone.title, milestone.date)
        beside = {
            "constant_rate": constant_rate(inputs.events, rule, grid.origin, grid.start, days),
            "members": mixture.member_forecasts(name, days) or None,
        }
        read = milestone_forecast(asked, grid.origin, curve, error, baseline, **worded)
        milestones.append(read.model_copy(update=beside))
    return TargetForecast(
        **target_facts(config, name, inputs.scale),
        observed_before=int(past_events(inputs.events, rule, grid.origin, grid.start).first_of_day().sum()),
        cases=past_cases(inputs.events, rule, grid.origin, grid.start),
        milestones=tuple(milestones),
        chances=chance_table(curve, grid.origin),
    )


def analysis_of(run: Run, seconds: float, warnings: Sequence[Notice] = ()) -> Analysis:
    """What the report shows beside the forecast, but for sensitivity; ``seconds`` are those of the fit."""
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
    return Analysis(
        schema=8,
        tension=tension_series(tension, inputs.data.grid),
        drift=drift_now(run.draws.level(inputs.data)),
        parameters=parameter_summaries(inputs.priors, posterior),
        data=data_summary(inputs.events, inputs.data.grid, inputs.dyad, inputs.left_out),
        calendar=tuple(
            CalendarAct(**act.model_dump(exclude={"by", "subcategory"}), subcategory=act.subcategory or "")
            for act in config.calendar
        ),
        sampler=SamplerSummary(
            chains=posterior.n_chains,
            draws=posterior.n_draws // posterior.n_chains,
            tune=posterior.tune,
            target_accept=posterior.target_accept,
            seed=config.sampler.seed,
            reruns=posterior.reruns,
            seconds=seconds,
        ),
        warnings=tuple(warnings),
        learned=learned_from(inputs),
    )


def learned_from(inputs: Inputs) -> tuple[LearnedFrom, ...]:
    """Name the pairs that priors and pooled hazard of a run were learned from."""
    sources = []
    if inputs.population is not None:
        known = inputs.population.provenance
        first, last = map(date.fromisoformat, (known.first, known.last))
        pairs = tuple(LearnedPair(name=name, first=first, until=last) for name in known.dyads)
        sources.append(LearnedFrom(part="priors", pairs=pairs, source=known.source))
    if inputs.family.pooled:
        learned = inputs.hazard.provenance
        pairs = tuple(
            LearnedPair(name=dyad.name, coder=dyad.coder, first=dyad.first, until=dyad.until)
            for dyad in learned.dyads
        )
        sources.append(
            LearnedFrom(
                part="pooled hazard",
                pairs=pairs,
                kinds=learned.targets,
                source=learned.source,
                own_left_out=tuple(dyad.name for dyad in inputs.hazard.left_out(inputs.events)),
            )
        )
    return tuple(sources)


def drift_now(log_level: Floats) -> DriftNow:
    """Drift at the end of the record as a factor on rates, from its logarithm, shape (draw,)."""
    level = np.exp(log_level)
    lower, upper = np.quantile(level, [0.05, 0.95])
    return DriftNow(
        mean=round(float(level.mean()), 4), interval90=(round(float(lower), 4), round(float(upper), 4))
    )


def tension_series(steps: Floats, grid: TimeGrid) -> TensionSeries:
    """Posterior of the latent tension by step, shape (draw, step): mean and 90% band."""
    mean = steps.mean(axis=0)
    lower, upper = np.quantile(steps, [0.05, 0.95], axis=0)
    crisis = np.round((steps >= CRISIS_FROM).mean(axis=0), 5)
    strained = np.round((steps >= STRAINED_FROM).mean(axis=0) - crisis, 5)
    return TensionSeries(
        date=tuple(grid.first_day(step) for step in range(grid.n_steps)),
        mean=tuple(mean.tolist()),
        lower90=tuple(lower.tolist()),
        upper90=tuple(upper.tolist()),
        strained_from=STRAINED_FROM,
        crisis_from=CRISIS_FROM,
        chance_strained=tuple(strained.tolist()),
        chance_crisis=tuple(crisis.tolist()),
    )


def parameter_summaries(priors: PriorSet, posterior: Posterior) -> tuple[ParameterSummary, ...]:
    """Prior and posterior of every named parameter, in the order of the catalogue."""
    summaries = []
    for group in priors.groups:
        for column, prior in enumerate(priors.of_group(group)):
            values = posterior.variables[group.name].reshape(posterior.n_draws, -1)
            summaries.append(_parameter(prior, values[:, column], posterior.n_chains))
    return tuple(summaries)


def _parameter(prior: NamedPrior, values: Floats, n_chains: int) -> ParameterSummary:
    rhat, ess_bulk, _ = mixing(values.reshape(n_chains, -1), tails=False)
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
        rhat=rhat,
        ess_bulk=ess_bulk,
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
        rows_sourced=events.sourced,
        verified_share=float(events.verified.mean()) if events.has_verified else None,
        counts_by_category={name: int((events.category == name).sum()) for name in CATEGORIES},
        limits=source_limits(events.source),
        dyad=DyadActs(**vars(dyad), rows_a_to_b=forth, rows_b_to_a=back, rows_theatre=theatre),
        rows_left_out=sum(pair.rows for pair in left_out),
        left_out=tuple(PairLeftOut(**pair._asdict()) for pair in left_out[:STORED_PAIRS]),
        sources=terms_of(events),
    )


def milestone_forecast(
    asked: tuple[str, str, date],
    origin: date,
    curve: Curve,
    mcse: float,
    baseline: Baseline,
    *,
    grave: bool = False,
    thin: bool = False,
) -> MilestoneForecast:
    """Read one milestone (name, label, day) off the curve; a ``grave`` one has no word below 5%.

    Of a ``thin`` record nothing is said in words of probability.
    """
    name, label, day = asked
    t = (day - origin).days
    probability, *interval = (float(part[t]) for part in (curve.mean, curve.low, curve.high))
    return MilestoneForecast(
        name=name,
        label=label,
        date=day,
        probability=probability,
        mcse=mcse,
        interval90=(interval[0], interval[1]),
        words=wording.NO_FORECAST if thin else wording.chance_words(probability, interval[1], grave=grave),
        frequency=wording.frequency(probability),
        baseline=baseline,
    )


def chance_table(curve: Curve, origin: date, days: Sequence[int] | None = None) -> ChanceTable:
    """Return a curve with its days; those of ``days`` alone, where they are given."""
    chosen = range(len(curve.mean)) if days is None else days
    return ChanceTable(
        day=tuple(origin + timedelta(days=t) for t in chosen),
        **{name: tuple(part[[*chosen]].tolist()) for name, part in vars(curve).items()},
    )


def chances_within_a_year(inputs: Inputs, seed: int) -> dict[str, float]:
    """Chance of at least one act of each target in the year after the record, by the priors alone.

    Parameters under which chains of answers would not end are left out, as in the fit.
    """
    data, rng = inputs.data, np.random.default_rng(seed)
    variables = prior_draws(inputs.priors, _DRAWS, data.grid.n_knots, rng)
    draws = stream_draws(data.layout, variables, inputs.priors)
    chances = Chances(data, inputs.priors, draws, DAYS, seed)
    ending = [draw for draw in range(_DRAWS) if Simulator(chances, draw).expected(rng) is not None]
    hit = 1 - chances.survival().values[ending, :, -1].mean(axis=0)
    return dict(zip((target.name for target in data.layout.targets), hit.tolist(), strict=True))


class Month(NamedTuple):
    """A calendar month or a part of it, or one with a stub beside it; both days belong to it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def months_ahead(first: date, end: date) -> list[Month]:
    """Calendar months from a day to the day before ``end``; the first and the last may be cut.

    One of few days joins its neighbour: no rate of 30 days is told from a week.
    """
    found: list[Month] = []
    while first < end:
        next_month = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
        found.append(Month(first, min(next_month, end) - timedelta(days=1)))
        first = next_month
        if len(found) > 1 and min(one.days for one in found[-2:]) < _FEWEST_DAYS:
            found[-2:] = [Month(found[-2].first, found[-1].last)]
    return found


def measure_monthly_risk(base: Run) -> tuple[MonthlyRisk, ...]:
    """Measure the risk of every target by month, that of the headline first."""
    config = base.inputs.config
    rules = sorted(base.inputs.rules, key=lambda rule: rule.name != config.headline.target)
    months = months_ahead(base.inputs.data.grid.origin, max(one.date for one in config.milestones))
    return tuple(_risk(base, rule, months) for rule in rules) if months else ()


def _risk(base: Run, rule: TargetRule, months: list[Month]) -> MonthlyRisk:
    inputs, origin = base.inputs, base.inputs.data.grid.origin
    ends = [0, *((one.last - origin).days + 1 for one in months)]
    hazards, firsts = _by_month(base.mixture, rule.name, ends)
    scheduled = [np.zeros_like(hazards[0])] * len(months)
    if base.mixture.plain is not None:
        before = _by_month(base.mixture.without_acts, rule.name, ends)[0]
        scheduled = [a - b for a, b in zip(hazards, before, strict=True)]
    lengths, start = sorted({one.days for one in months}), inputs.data.grid.start
    past = dict(zip(lengths, climatology(inputs.events, rule, origin, start, lengths), strict=True))
    rate = {days: constant_rate(inputs.events, rule, origin, start, days) for days in lengths}
    direct = [base.mixture.direct_error(rule.name, day) for day in ends]
    found = []
    for at, month in enumerate(months):
        # The draws of other members move the whole curve, so its steps share their luck.
        luck = abs(direct[at + 1] - direct[at])
        left = 1 - base.mixture.probability(rule.name, ends[at])
        found.append(
            MonthRisk(
                first_day=month.first,
                last_day=month.last,
                days=month.days,
                hazard=_inside(hazards[at]),
                hazard_mcse=float(np.hypot(_error(base, hazards[at]), luck / max(left, 1e-12))),
                in_30_days=_in_30_days(_inside(hazards[at]), month.days),
                probability=_inside(firsts[at]),
                mcse=float(np.hypot(_error(base, firsts[at]), luck)),
                past_windows=float(past[month.days]),
                constant_rate=rate[month.days],
                scheduled=float(scheduled[at].mean()),
                scheduled_mcse=_error(base, scheduled[at]),
                dated=tuple(_dated(base, month)),
            )
        )
    return _compared(base, rule.name, found, hazards)


def _in_30_days(hazard: float, days: int) -> float:
    """Chance within 30 days at the rate that gives a chance within so many."""
    return float(-np.expm1(np.log1p(-min(hazard, 1 - 1e-12)) * STANDARD_DAYS / days))


def _inside(by_draw: Floats) -> float:
    return min(max(float(by_draw.mean()), 0.0), 1.0)


def _error(base: Run, by_draw: Floats) -> float:
    return monte_carlo_error(by_draw, base.n_chains)


def _by_month(mixture: Mixture, target: str, ends: list[int]) -> tuple[list[Floats], list[Floats]]:
    """Hazard and probability of each month by draw; a hazard is 1 where the target is certain before."""
    curves = [*mixture.by_draw_at(target, np.array(ends)).T]
    firsts = [later - sooner for sooner, later in pairwise(curves)]
    hazards = [
        ratio_by_draw(first, 1 - sooner) if sooner.mean() < 1 - 1e-9 else np.ones_like(first)
        for sooner, first in zip(curves[:-1], firsts, strict=True)
    ]
    return hazards, firsts


def _dated(base: Run, month: Month) -> Iterator[DatedEvent]:
    config = base.inputs.config
    days = [DatedEvent(kind="milestone", date=one.date, label=one.title) for one in config.milestones]
    days += [
        DatedEvent(kind="scheduled", date=one.date, label=one.label, probability=one.probability)
        for one in config.calendar
    ]
    last = max(one.date for one in config.milestones)
    for one in sorted(days, key=lambda one: one.date):
        # The last milestone ends the window and is no day of it; it stands on the month that it closes.
        if month.first <= one.date <= month.last or (one.date == last == month.last + timedelta(days=1)):
            yield one


def _compared(base: Run, target: str, months: list[MonthRisk], hazards: list[Floats]) -> MonthlyRisk:
    """Compare the months before the milestone of the headline, beside which they stand."""
    config = base.inputs.config
    (end,) = (one.date for one in config.milestones if one.name == config.headline.milestone)
    near = months_before(months, end)
    whole = [at for at, one in enumerate(near) if one.days >= _WHOLE_DAYS] or [*range(len(near))]
    # Rounding may bring a month that is certain above 1.
    even = {at: 1 - np.clip(1 - hazards[at], 0, 1) ** (STANDARD_DAYS / months[at].days) for at in whole}
    high = max(whole, key=lambda at: even[at].mean())
    low = min(whole, key=lambda at: even[at].mean())
    apart = even[high] - even[low]
    difference, mcse = float(apart.mean()), _error(base, apart)
    pairs = len(whole) * (len(whole) - 1) // 2
    differ = bool(pairs) and difference > _limit(pairs) * mcse and difference > 0
    moved = [
        one
        for one in near
        if abs(one.scheduled) > _limit(len(near)) * one.scheduled_mcse
        and abs(one.scheduled) >= MATERIAL * max(one.hazard, one.hazard - one.scheduled)
        and one.scheduled
    ]
    effect = None
    if moved:
        day = (end - base.inputs.data.grid.origin).days
        most = max(moved, key=lambda month: abs(month.scheduled))
        effect = ScheduledEffect(
            month=most.first_day,
            added=most.in_30_days - _in_30_days(most.hazard - most.scheduled, most.days),
            before=end,
            chance=base.mixture.probability(target, day),
            without=base.mixture.without_acts.probability(target, day),
        )
    return MonthlyRisk(
        target=target,
        months=tuple(months),
        highest=months[high].first_day,
        lowest=months[low].first_day,
        difference=difference,
        difference_mcse=mcse,
        months_differ=differ,
        highest_risk=float(even[high].mean()),
        lowest_risk=float(even[low].mean()),
        effect=effect,
    )


def _limit(comparisons: int) -> float:
    """Standard errors that one of so many comparisons passes by luck with probability ``LEVEL``."""
    return float(-special.ndtri(LEVEL / 2 / comparisons))
