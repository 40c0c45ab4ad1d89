"""Which cautions a run carries, and what a finished run is worth: its warnings, or an error."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.errors import CautionWarning, NotConvergedError, NotConvergedWarning
from forecast.events.summary import saturated, stale_gap
from forecast.events.table import EventTable
from forecast.grid import STEP_DAYS
from forecast.phrases.notices import HEAD, caution_lines, notice_text, unconverged_text
from forecast.priors import PriorSet
from forecast.records.forecast import Diagnostics, Forecast, TargetForecast
from forecast.records.notices import Notice, notice, thin_record
from forecast.runs.inputs import Inputs
from forecast.streams import Acts
from forecast.targets import TargetRule

if TYPE_CHECKING:
    from forecast.runs.run import Run

FEWEST_EVENTS = 30
FEWEST_TARGET_DAYS = 3
"""Days with a target event below which the cases fix its figures poorly."""
EPISODE_DAYS, EPISODE_PART = 31, 0.02
"""An episode lasts so many days, or this part of the record, whichever is longer."""
EPISODE_SHARE = 0.5
"""Share of the events within one episode from which on the record tells of little else."""
SATURATED_SHARE = 0.9
FEWEST_UNITS = {"week": 26, "month": 12}
"""Weeks and months that a share of them needs to mean anything."""
FAR_LONGER = 1.5
"""How many times as long as those learned from a record may be."""
FAR_FACTOR = 10.0
FAR_ODDS = 20.0
LEAST_CHANCE = 0.005
"""What rounds to 0% or 100% is not known to more than that."""
BASE_RATE = "baseline.weekly_rate"
WEEKS_A_MONTH = 365.25 / 12 / 7
DAYS_A_YEAR = 365.25

Days = NDArray[np.datetime64]


def too_little(inputs: Inputs) -> Iterator[Notice]:
    """Yield that the record is too little for a forecast; nothing where it is enough."""
    start, as_of = inputs.data.grid.start, inputs.config.as_of
    yield from thin_record(len(inputs.events.between(start, as_of)), (as_of - start).days + 1)


def not_converged(diagnostics: Diagnostics) -> tuple[Notice, ...]:
    """Return the caution that a fit failed its gates; nothing if it did not."""
    failed = len(diagnostics.failures)
    return () if diagnostics.converged else (notice("not_converged", failures=failed),)


def far_from_baseline(targets: Sequence[TargetForecast]) -> tuple[Notice, ...]:
    """Return a caution for each target whose odds are ``FAR_ODDS`` times those of its baseline, where told.

    A calm or a crisis can move a forecast by much; odds of another order are rather due to a prior, of
    whatever parameter, that rules out what was seen.
    """

    def log_odds(probability: float) -> float:
        inside = min(max(probability, LEAST_CHANCE), 1 - LEAST_CHANCE)
        return math.log(inside / (1 - inside))

    cautions = []
    for target in targets:
        apart = {
            abs(log_odds(asked.probability) - log_odds(asked.baseline.shown)): asked
            for asked in target.milestones
            if asked.baseline.shown is not None
        }
        if max(apart, default=0.0) > math.log(FAR_ODDS):
            worst = apart[max(apart)]
            cautions.append(
                notice(
                    "far_from_baseline",
                    target=target.name,
                    label=target.label,
                    milestone=worst.name,
                    date=worst.date,
                    probability=worst.probability,
                    baseline=worst.baseline.probability,
                    factor=FAR_ODDS,
                )
            )
    return tuple(cautions)


def cautions_of(inputs: Inputs) -> Iterator[Notice]:
    """Yield the cautions of a run's inputs; the gravest first."""
    grid, as_of, title = inputs.data.grid, inputs.config.as_of, inputs.config.target_title
    start, today = np.datetime64(grid.start, "D"), np.datetime64(as_of, "D")
    record_days = (grid.origin - grid.start).days
    used = inputs.events.between(grid.start, as_of)
    pooled = inputs.hazard.provenance.dyads if inputs.family.pooled else ()
    yield from too_little(inputs)
    if len(used) < FEWEST_EVENTS:
        yield notice("few_events", events=len(used), needed=FEWEST_EVENTS)
    for rule in inputs.rules:
        label, seen = title(rule.name), used.date[rule.mask(used)].tolist()
        if (days := len(set(seen))) < FEWEST_TARGET_DAYS:
            needed = FEWEST_TARGET_DAYS
            yield notice(
                "few_target_events", target=rule.name, label=label, events=len(seen), days=days, needed=needed
            )
        if inputs.family.fitted and not rule.mask_kind(used).any():
            yield _kind_never_seen(inputs, rule, label)
        if pooled and not inputs.hazard.knows_kind(rule):
            yield notice("kind_not_learned", target=rule.name, label=label)
    last: dict[str, date] = {}
    if inputs.population is not None:
        last["priors"] = date.fromisoformat(inputs.population.provenance.last)
    if pooled:
        reach = as_of + timedelta(days=(inputs.family.furthest_days or 0) + 1)
        if inputs.family.furthest_days and (
            further := [asked.date for asked in inputs.config.milestones if asked.date > reach]
        ):
            yield notice("beyond_pooled_hazard", reach=reach, milestones=tuple(sorted(further)))
        last["pooled hazard"] = max(dyad.last for dyad in pooled)
        years = record_days / DAYS_A_YEAR
        longest = max((dyad.last - dyad.first).days for dyad in pooled) / DAYS_A_YEAR
        if years > FAR_LONGER * longest:
            yield notice("longer_than_learned", years=round(years, 1), longest=round(longest, 1))
    if later := {part: day for part, day in last.items() if day > as_of}:
        yield notice("learned_later", parts=tuple(later), last=max(later.values()))
    stale = stale_events(used.date, today)
    if stale:
        yield stale
    for fault in inputs.feed:
        if stale is None or not fault.stale:
            yield notice("feed_fault", fault=fault)
    if episode := one_episode(used.date, record_days):
        yield episode
    for rule in inputs.rules:
        yield from _target_saturated(rule, title(rule.name), used, inputs.data)
    if alike := saturated(used, inputs.scale):
        yield alike
    yield from _priors_far_from_data(inputs)
    stated = inputs.config.model.priors
    for name in stated:
        if (whole := inputs.priors.whole_rate(name)) and whole not in stated:
            yield notice("prior_of_one_part", prior=name, whole=whole)
    if early := int((inputs.events.date < start).sum()):
        yield notice("late_start", start=grid.start, first_date=inputs.events.date[0].item(), rows=early)
    if inputs.later:
        first, last_day = min(inputs.later), max(inputs.later)
        yield notice("events_after_as_of", rows=len(inputs.later), first=first, last=last_day)


def _kind_never_seen(inputs: Inputs, rule: TargetRule, label: str) -> Notice:
    """Return the caution that a target rests on the prior of a rate alone, and which."""
    layout, place = inputs.data.layout, inputs.rules.index(rule)
    rates = {
        layout.rates[rate]
        for rate, kind in zip(layout.rate_of, layout.kinds, strict=True)
        if place in kind.cell
    }
    names = tuple(f"{BASE_RATE}.{name}" for name in sorted(rates))
    weekly = [inputs.priors.priors[name].distribution.quantile(np.array([0.05, 0.95])) for name in names]
    low, high = (np.max(weekly, axis=0) * DAYS_A_YEAR / STEP_DAYS).tolist()
    return notice(
        "kind_never_seen",
        target=rule.name,
        label=label,
        kinds=tuple(rule.any_of),
        by=tuple(rule.by),
        priors=names,
        acts_a_year=(low, high),
        pooled=inputs.family.pooled,
    )


def stale_events(days: Days, as_of: np.datetime64) -> Notice | None:
    """Return the caution that the last event lies too long back for the pace of its own record."""
    gap = stale_gap(days, as_of)
    if gap is None:
        return None
    return notice(
        "stale_events",
        last_date=gap.last.item(),
        as_of=as_of.item(),
        gap_days=gap.days,
        longest_gap_days=gap.longest,
        probability=gap.chance,
    )


def one_episode(days: Days, record_days: int) -> Notice | None:
    """Return the caution that half of two or more events lie within one episode; ``days`` are in order."""
    span = np.timedelta64(max(EPISODE_DAYS, int(EPISODE_PART * record_days)), "D")
    # Events from each one on that lie within the span that begins with it.
    within = np.searchsorted(days, days + span) - np.arange(len(days))
    most = int(within.max())
    if most < max(2, EPISODE_SHARE * len(days)):
        return None
    first = int(within.argmax())
    begun, ended = days[[first, first + most - 1]].tolist()
    return notice("one_episode", events=most, of=len(days), first=begun, last=ended)


def _target_saturated(rule: TargetRule, label: str, used: EventTable, data: Acts) -> Iterator[Notice]:
    """Ask of the weeks, and then of the whole months."""
    grid, seen = data.grid, used.date[rule.mask(used)]
    start, end = np.datetime64(grid.start, "D"), np.datetime64(grid.origin, "D")
    months = _whole_months(start, end)
    for unit, met, of in (
        ("week", len(np.unique((seen - start) // np.timedelta64(STEP_DAYS, "D"))), grid.n_steps),
        ("month", int(np.isin(months, seen.astype("datetime64[M]")).sum()), len(months)),
    ):
        if of >= FEWEST_UNITS[unit] and met >= SATURATED_SHARE * of:
            yield notice("target_saturated", target=rule.name, label=label, unit=unit, met=met, of=of)
            return


def acts_a_month(data: Acts, priors: PriorSet) -> dict[str, tuple[float, float]]:
    """Acts a month by rate: as the base rates of the priors imply (medians), and in the data.

    Ballast and after-effects come on top: the two need not agree, but should be of one order.
    """
    group = next(group for group in priors.groups if group.name == BASE_RATE)
    rates = [float(prior.distribution.quantile(0.5)) for prior in priors.of_group(group)]
    counted = np.bincount(data.layout.rate_of, data.by_stream) / data.weeks
    return {
        name: (WEEKS_A_MONTH * rate, WEEKS_A_MONTH * float(seen))
        for name, rate, seen in zip(data.layout.rates, rates, counted, strict=True)
    }


def _priors_far_from_data(inputs: Inputs) -> Iterator[Notice]:
    """Ask of all streams together, and of each stream whose own base rate the config states."""
    by_stream = acts_a_month(inputs.data, inputs.priors)
    # Data without an act count as if they had one.
    least = WEEKS_A_MONTH / inputs.data.weeks
    prior, data = (sum(column) for column in zip(*by_stream.values(), strict=True))
    stated = inputs.config.model.priors
    paces: list[tuple[str | None, tuple[float, float]]] = [(None, (prior, data))]
    paces += [(stream, pace) for stream, pace in by_stream.items() if f"{BASE_RATE}.{stream}" in stated]
    for stream, (implied, seen) in paces:
        if not 1 / FAR_FACTOR <= implied / max(seen, least) <= FAR_FACTOR:
            yield notice(
                "prior_far_from_data",
                stream=stream,
                prior_acts_a_month=implied,
                data_acts_a_month=seen,
                factor=FAR_FACTOR,
            )


def _whole_months(start: np.datetime64, end: np.datetime64) -> Days:
    """Return the months that lie within [start, end)."""
    first, last = start.astype("datetime64[M]"), end.astype("datetime64[M]")
    if first.astype("datetime64[D]") < start:
        first += np.timedelta64(1, "M")
    steps = np.arange(int((last - first) / np.timedelta64(1, "M")))
    months: Days = first + steps.astype("timedelta64[M]")
    return months


def warn_of(run: Run, *, stacklevel: int) -> None:
    """Warn of a run in Python's way, the gravest first, in the name of the caller so many calls up."""
    if not run.forecast.converged:
        text = unconverged_text(run.forecast.diagnostics.failures)
        warnings.warn(text, NotConvergedWarning, stacklevel=stacklevel)
    of_analysis = run.analysis.warnings if run.analysis else ()
    for text in (*_lines(run.forecast), *map(notice_text, of_analysis)):
        warnings.warn(text, CautionWarning, stacklevel=stacklevel)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Leave out the warnings of ``fit``, for whoever says the same by other means."""
    with warnings.catch_warnings():
        for kind in (NotConvergedWarning, CautionWarning):
            warnings.simplefilter("ignore", kind)
        yield


def require_converged(forecast: Forecast, folder: Path, ledger: Path | None = None) -> None:
    """Refuse (``NotConvergedError``) a forecast that failed a gate; it is in ``folder`` and ``ledger``."""
    if forecast.converged:
        return
    cautions = _lines(forecast)
    lines = [unconverged_text(forecast.diagnostics.failures)]
    lines += [f"{HEAD}:", *(f"  {caution}" for caution in cautions)] if cautions else []
    record = f" Its forecasts are on record as failed in {ledger}." if ledger else ""
    lines.append(
        f"The run, with a stamped report, is in {folder}.{record} `allow_unconverged` ends with code 0 all "
        "the same."
    )
    raise NotConvergedError("\n".join(lines))


def _lines(forecast: Forecast) -> list[str]:
    # That the fit failed is stated with its gates.
    return caution_lines(forecast.cautions, without=("not_converged",))
