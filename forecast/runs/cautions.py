"""What must be said of the inputs of a run before anybody trusts its numbers.

A caution is no fault: the forecast is made. Each says that the data are few, old, uneven or far from the
priors, with the numbers it rests on. All limits are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.events.feed_faults import stale_gap
from forecast.events.summary import find_breaks, saturated
from forecast.events.table import EventTable
from forecast.panel.panel import STEP_DAYS, Panel
from forecast.panel.streams import TargetRule
from forecast.priors import PriorSet
from forecast.records.cautions import (
    Caution,
    DamagedFeed,
    DensityBreak,
    DensityChanges,
    EventsAfterAsOf,
    FarFromBaseline,
    FewEvents,
    FewTargetEvents,
    KindNotLearned,
    LateStart,
    LearnedLater,
    LongerThanLearned,
    NotConverged,
    OneEpisode,
    PriorFarFromData,
    StaleEvents,
    TargetSaturated,
)
from forecast.records.forecast import Diagnostics, TargetForecast
from forecast.runs.inputs import Inputs
from forecast.wording.cautions import caution_sentence

FEWEST_EVENTS = 30
FEWEST_TARGET_DAYS = 3
EPISODE_DAYS, EPISODE_PART = 31, 0.02
"""An episode lasts so many days, or this part of the record, whichever is longer."""
EPISODE_SHARE = 0.5
"""Share of the events within one episode from which on the record tells of little else."""
LEAST_DENSITY_FACTOR = 2.0
SATURATED_SHARE = 0.9
FEWEST_UNITS = {"week": 26, "month": 12}
"""Weeks and months that a share of them needs to mean anything."""
FAR_FACTOR = 10.0
FAR_ODDS = 20.0
LEAST_CHANCE = 0.005
BASE_RATE = "baseline.weekly_rate"
WEEKS_A_MONTH = 365.25 / 12 / 7
DAYS_A_YEAR = 365.25
FAR_LONGER = 1.5
"""How many times as long as those learned from a record may be."""

Days = NDArray[np.datetime64]


def cautions_of(inputs: Inputs) -> tuple[Caution, ...]:
    """Return the cautions of a run's inputs, each with its sentence; the gravest first."""
    return tuple(map(_with_text, _found(inputs)))


def not_converged(diagnostics: Diagnostics) -> tuple[Caution, ...]:
    """Return the caution that a fit failed its gates; nothing if it did not."""
    if diagnostics.converged:
        return ()
    return (_with_text(NotConverged(failures=len(diagnostics.failures))),)


def far_from_baseline(targets: Sequence[TargetForecast]) -> tuple[Caution, ...]:
    """Return a caution for each target whose odds and those of its baseline are ``FAR_ODDS`` times apart.

    A calm or a crisis can move a forecast by much; odds of another order are rather due to a prior that rules
    out what was seen, of whatever parameter, so that no look at a single prior finds it.
    """
    found = []
    for target in targets:
        apart = [
            abs(_log_odds(one.probability) - _log_odds(one.baseline.probability)) for one in target.milestones
        ]
        farthest = int(np.argmax(apart))
        if apart[farthest] > np.log(FAR_ODDS):
            one = target.milestones[farthest]
            found.append(
                FarFromBaseline(
                    target=target.name,
                    label=target.label,
                    milestone=one.name,
                    date=one.date,
                    probability=one.probability,
                    baseline=one.baseline.probability,
                    factor=FAR_ODDS,
                )
            )
    return tuple(map(_with_text, found))


def _log_odds(probability: float) -> float:
    # What rounds to 0% or 100% is not known to more than that.
    inside = min(max(probability, LEAST_CHANCE), 1 - LEAST_CHANCE)
    return float(np.log(inside / (1 - inside)))


def _with_text(caution: Caution) -> Caution:
    return caution.model_copy(update={"text": caution_sentence(caution)})


def _found(inputs: Inputs) -> Iterator[Caution]:
    grid, as_of = inputs.data.grid, inputs.config.as_of
    used = inputs.events.between(grid.start, as_of)
    if len(used) < FEWEST_EVENTS:
        yield FewEvents(events=len(used), needed=FEWEST_EVENTS)
    for rule in inputs.rules:
        yield from few_target_events(rule, inputs.config.target_title(rule.name), used)
        if _asks_panel(inputs) and not inputs.hazard.knows_kind(rule):
            yield KindNotLearned(target=rule.name, label=inputs.config.target_title(rule.name))
    yield from _longer_than_learned(inputs)
    yield from _learned_later(inputs)
    stale = tuple(stale_events(used.date, np.datetime64(as_of, "D")))
    yield from stale
    for fault in inputs.feed:
        if fault.code != "stale_feed" or not stale:
            yield DamagedFeed(fault=fault)
    yield from one_episode(used.date, (grid.origin - grid.start).days)
    for rule in inputs.rules:
        yield from target_saturated(rule, inputs.config.target_title(rule.name), used, inputs.data)
    if found := saturated(used, inputs.scale):
        yield found
    yield from prior_far_from_data(inputs)
    yield from density_changes(used.date, np.datetime64(grid.start, "D"), np.datetime64(as_of, "D"))
    early = int((inputs.events.date < np.datetime64(grid.start, "D")).sum())
    if early:
        yield LateStart(start=grid.start, first_date=inputs.events.date[0].item(), rows=early)
    if inputs.later is not None:
        yield EventsAfterAsOf(**inputs.later._asdict())


def _longer_than_learned(inputs: Inputs) -> Iterator[LongerThanLearned]:
    """Yield a caution for a record of decades: the pooled hazard knows no records of that age."""
    years = (inputs.data.grid.origin - inputs.data.grid.start).days / DAYS_A_YEAR
    longest = max((one.last - one.first).days for one in inputs.hazard.provenance.dyads) / DAYS_A_YEAR
    if _asks_panel(inputs) and years > FAR_LONGER * longest:
        yield LongerThanLearned(years=round(years, 1), longest=round(longest, 1))


def _asks_panel(inputs: Inputs) -> bool:
    """Whether the pooled hazard is a member of the run's model."""
    return inputs.family.uses_panel


def _learned_later(inputs: Inputs) -> Iterator[LearnedLater]:
    """Yield a caution where priors or coefficients of other pairs rest on days after the as-of date."""
    last: dict[Literal["priors", "pooled hazard"], date] = {}
    if inputs.population is not None:
        last["priors"] = date.fromisoformat(inputs.population.provenance.last)
    if _asks_panel(inputs):
        last["pooled hazard"] = max(one.last for one in inputs.hazard.provenance.dyads)
    later = {part: day for part, day in last.items() if day > inputs.config.as_of}
    if later:
        yield LearnedLater(parts=tuple(later), last=max(later.values()))


def few_target_events(rule: TargetRule, label: str, used: EventTable) -> Iterator[FewTargetEvents]:
    """Yield a caution for a target seen on fewer than ``FEWEST_TARGET_DAYS`` days."""
    seen = used.date[rule.mask(used)]
    days = len(np.unique(seen))
    if days < FEWEST_TARGET_DAYS:
        yield FewTargetEvents(
            target=rule.name, label=label, events=len(seen), days=days, needed=FEWEST_TARGET_DAYS
        )


def stale_events(days: Days, as_of: np.datetime64) -> Iterator[StaleEvents]:
    """Yield a caution where the last event lies too long back for the pace of its own record.

    The rule is that of feeds (``forecast.events.feed_faults.stale_gap``).
    """
    one = stale_gap(days, as_of)
    if one is not None:
        yield StaleEvents(
            last_date=one.last.item(),
            as_of=as_of.item(),
            gap_days=one.days,
            longest_gap_days=one.longest,
            probability=one.chance,
        )


def one_episode(days: Days, record_days: int) -> Iterator[OneEpisode]:
    """Yield a caution where half of two or more events lie within one episode.

    Parameters
    ----------
    days : ndarray of datetime64[D], shape (event,)
        Days of the events used, in order, at least one.
    record_days : int
        Length of the record.
    """
    span = max(EPISODE_DAYS, int(EPISODE_PART * record_days))
    # Events from each one on that lie within the span that begins with it.
    ends = np.searchsorted(days, days + np.timedelta64(span, "D"))
    within = ends - np.arange(len(days))
    busiest = int(within.argmax())
    if within[busiest] >= max(2, EPISODE_SHARE * len(days)):
        yield OneEpisode(
            events=int(within[busiest]),
            of=len(days),
            first=days[busiest].item(),
            last=days[ends[busiest] - 1].item(),
        )


def target_saturated(
    rule: TargetRule, label: str, used: EventTable, panel: Panel
) -> Iterator[TargetSaturated]:
    """Yield a caution for a target met in ``SATURATED_SHARE`` of the weeks, or else of the whole months."""
    grid, seen = panel.grid, used.date[rule.mask(used)]
    start, end = np.datetime64(grid.start, "D"), np.datetime64(grid.origin, "D")
    weeks = len(np.unique((seen - start) // np.timedelta64(STEP_DAYS, "D")))
    months = _whole_months(start, end)
    counts: tuple[tuple[Literal["week", "month"], int, int], ...] = (
        ("week", weeks, grid.n_steps),
        ("month", int(np.isin(months, seen.astype("datetime64[M]")).sum()), len(months)),
    )
    for unit, met, of in counts:
        if of >= FEWEST_UNITS[unit] and met >= SATURATED_SHARE * of:
            yield TargetSaturated(target=rule.name, label=label, unit=unit, met=met, of=of)
            return


def acts_a_month(panel: Panel, priors: PriorSet) -> dict[str, tuple[float, float]]:
    """Acts a month by stream: as the base rates of the priors imply (medians), and in the data.

    Ballast and after-effects come on top: the two need not agree, but should be of one order.
    """
    group = next(one for one in priors.groups if one.name == BASE_RATE)
    rates = [float(prior.distribution.quantile(0.5)) for prior in priors.of_group(group)]
    weeks = float(panel.exposure.sum())
    counted = panel.counts.sum(axis=(0, 1)) / weeks
    return {
        stream: (WEEKS_A_MONTH * rate, WEEKS_A_MONTH * float(seen))
        for stream, rate, seen in zip(panel.layout.streams, rates, counted, strict=True)
    }


def prior_far_from_data(inputs: Inputs) -> Iterator[PriorFarFromData]:
    """Yield a caution where acts a month of priors and data are more than ``FAR_FACTOR`` apart.

    All streams together, and each stream whose own base rate the config states. Data without an
    act count as if they had one, so that a rare act may have a small prior.
    """
    by_stream = acts_a_month(inputs.data, inputs.priors)
    least = WEEKS_A_MONTH / inputs.data.weeks
    stated = [stream for stream in by_stream if f"{BASE_RATE}.{stream}" in inputs.config.model.priors]
    prior, data = (sum(column) for column in zip(*by_stream.values(), strict=True))
    for stream, implied, seen in ((None, prior, data), *((stream, *by_stream[stream]) for stream in stated)):
        ratio = implied / max(seen, least)
        if not 1 / FAR_FACTOR <= ratio <= FAR_FACTOR:
            yield PriorFarFromData(
                stream=stream, prior_acts_a_month=implied, data_acts_a_month=seen, factor=FAR_FACTOR
            )


def density_changes(days: Days, start: np.datetime64, as_of: np.datetime64) -> Iterator[DensityChanges]:
    """Yield a caution where acts a month change their level by ``LEAST_DENSITY_FACTOR`` at least.

    The breaks are those of ``forecast.events.summary``, over the whole months of the record. Acts of all
    kinds count together: denser coding raises them all, though a crisis can look the same.

    Parameters
    ----------
    days : ndarray of datetime64[D], shape (event,)
    start, as_of : datetime64[D]
        First and last day of the record.
    """
    months = _whole_months(start, as_of + np.timedelta64(1, "D"))
    found, counted = np.unique(days.astype("datetime64[M]"), return_counts=True)
    counts = dict(zip(found.tolist(), counted.tolist(), strict=True))
    series = np.array([counts.get(month, 0) for month in months.tolist()], dtype=np.float64)
    breaks = tuple(
        DensityBreak(month=str(months[one.position]), before=one.before, after=one.after)
        for one in find_breaks(series)
        if max(one.before, one.after) >= LEAST_DENSITY_FACTOR * min(one.before, one.after)
    )
    if breaks:
        yield DensityChanges(breaks=breaks)


def _whole_months(start: np.datetime64, end: np.datetime64) -> Days:
    """Return the months that lie within [start, end)."""
    first, last = start.astype("datetime64[M]"), end.astype("datetime64[M]")
    if first.astype("datetime64[D]") < start:
        first += np.timedelta64(1, "M")
    steps = np.arange(int((last - first) / np.timedelta64(1, "M")))
    months: Days = first + steps.astype("timedelta64[M]")
    return months
