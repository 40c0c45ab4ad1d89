"""Which cautions a run carries, and what a finished run is worth: its warnings, or an error.

Each caution is asked with the numbers of the run's inputs (``records.cautions``).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from forecast.errors import CautionWarning, NotConvergedError, NotConvergedWarning
from forecast.events.feed_faults import stale_gap
from forecast.events.summary import find_breaks, saturated
from forecast.events.table import EventTable
from forecast.panel import STEP_DAYS, EventCounts, TargetRule
from forecast.priors import PriorSet
from forecast.records.cautions import (
    HEAD,
    Caution,
    CodingErrorsFound,
    FarFromBaseline,
    FewTargetEvents,
    KindNotLearned,
    LearnedLater,
    LongerThanLearned,
    NotConverged,
    Part,
    PriorFarFromData,
    TargetSaturated,
    caution_lines,
)
from forecast.records.event_cautions import (
    DamagedFeed,
    DensityBreak,
    DensityChanges,
    EventsAfterAsOf,
    FewEvents,
    LateStart,
    OneEpisode,
    StaleEvents,
)
from forecast.records.forecast import Diagnostics, Forecast, TargetForecast
from forecast.runs.inputs import Inputs

if TYPE_CHECKING:
    from forecast.runs.run import Run

BASE_RATE = "baseline.weekly_rate"
WEEKS_A_MONTH = 365.25 / 12 / 7
DAYS_A_YEAR = 365.25

Days = NDArray[np.datetime64]


def cautions_of(inputs: Inputs) -> tuple[Caution, ...]:
    """Return the cautions of a run's inputs; the gravest first."""
    return tuple(caution for caution in _asked(inputs) if caution is not None)


def not_converged(diagnostics: Diagnostics) -> tuple[Caution, ...]:
    """Return the caution that a fit failed its gates; nothing if it did not."""
    return () if diagnostics.converged else (NotConverged(failures=len(diagnostics.failures)),)


def far_from_baseline(targets: Sequence[TargetForecast]) -> tuple[Caution, ...]:
    """Return a caution for each target whose odds are far from those of its baseline."""
    due = (
        FarFromBaseline.due(
            target.name,
            target.label,
            [
                (milestone.name, milestone.date, milestone.probability, milestone.baseline.probability)
                for milestone in target.milestones
            ],
        )
        for target in targets
    )
    return tuple(caution for caution in due if caution is not None)


def _asked(inputs: Inputs) -> Iterator[Caution | None]:
    grid, as_of, title = inputs.data.grid, inputs.config.as_of, inputs.config.target_title
    used = inputs.events.between(grid.start, as_of)
    pooled = inputs.hazard.provenance.dyads if inputs.family.pooled else ()
    yield _coding_errors(inputs)
    yield FewEvents.due(len(used))
    for rule in inputs.rules:
        yield FewTargetEvents.due(rule.name, title(rule.name), used.date[rule.mask(used)].tolist())
        if pooled and not inputs.hazard.knows_kind(rule):
            yield KindNotLearned(target=rule.name, label=title(rule.name))
    last: dict[Part, date] = {}
    if inputs.population is not None:
        last["priors"] = date.fromisoformat(inputs.population.provenance.last)
    if pooled:
        longest = max((dyad.last - dyad.first).days for dyad in pooled)
        yield LongerThanLearned.due((grid.origin - grid.start).days / DAYS_A_YEAR, longest / DAYS_A_YEAR)
        last["pooled hazard"] = max(dyad.last for dyad in pooled)
    yield LearnedLater.due(last, as_of)
    stale = stale_events(used.date, np.datetime64(as_of, "D"))
    yield stale
    for fault in inputs.feed:
        if fault.code != "stale_feed" or stale is None:
            yield DamagedFeed(fault=fault)
    yield OneEpisode.due(used.date.tolist(), (grid.origin - grid.start).days)
    for rule in inputs.rules:
        yield _target_saturated(rule, title(rule.name), used, inputs.data)
    yield saturated(used, inputs.scale)
    yield from _priors_far_from_data(inputs)
    yield _density_changes(used.date, np.datetime64(grid.start, "D"), np.datetime64(as_of, "D"))
    if early := int((inputs.events.date < np.datetime64(grid.start, "D")).sum()):
        yield LateStart(start=grid.start, first_date=inputs.events.date[0].item(), rows=early)
    if inputs.later is not None:
        yield EventsAfterAsOf(**inputs.later._asdict())


def _coding_errors(inputs: Inputs) -> CodingErrorsFound | None:
    audit = inputs.audit
    if audit is None or not audit.overall.wrong:
        return None
    rates = audit.overall
    return CodingErrorsFound(
        audited=rates.audited, wrong=rates.wrong, rate=rates.rate, interval90=rates.interval90
    )


def stale_events(days: Days, as_of: np.datetime64) -> StaleEvents | None:
    """Return the caution that the last event lies too long back for the pace of its own record.

    The rule is that of feeds (``forecast.events.feed_faults.stale_gap``).
    """
    gap = stale_gap(days, as_of)
    if gap is None:
        return None
    return StaleEvents(
        last_date=gap.last.item(),
        as_of=as_of.item(),
        gap_days=gap.days,
        longest_gap_days=gap.longest,
        probability=gap.chance,
    )


def _target_saturated(
    rule: TargetRule, label: str, used: EventTable, data: EventCounts
) -> TargetSaturated | None:
    """Ask of the weeks, and then of the whole months."""
    grid, seen = data.grid, used.date[rule.mask(used)]
    start, end = np.datetime64(grid.start, "D"), np.datetime64(grid.origin, "D")
    months = _whole_months(start, end)
    counts: tuple[tuple[Literal["week", "month"], int, int], ...] = (
        ("week", len(np.unique((seen - start) // np.timedelta64(STEP_DAYS, "D"))), grid.n_steps),
        ("month", int(np.isin(months, seen.astype("datetime64[M]")).sum()), len(months)),
    )
    asked = (TargetSaturated.due(rule.name, label, unit, met, of) for unit, met, of in counts)
    return next((caution for caution in asked if caution is not None), None)


def acts_a_month(data: EventCounts, priors: PriorSet) -> dict[str, tuple[float, float]]:
    """Acts a month by stream: as the base rates of the priors imply (medians), and in the data.

    Ballast and after-effects come on top: the two need not agree, but should be of one order.
    """
    group = next(group for group in priors.groups if group.name == BASE_RATE)
    rates = [float(prior.distribution.quantile(0.5)) for prior in priors.of_group(group)]
    counted = data.counts.sum(axis=0) / float(data.exposure.sum())
    return {
        stream: (WEEKS_A_MONTH * rate, WEEKS_A_MONTH * float(seen))
        for stream, rate, seen in zip(data.layout.streams, rates, counted, strict=True)
    }


def _priors_far_from_data(inputs: Inputs) -> Iterator[PriorFarFromData | None]:
    """Ask of all streams together, and of each stream whose own base rate the config states."""
    by_stream = acts_a_month(inputs.data, inputs.priors)
    # Data without an act count as if they had one.
    least = WEEKS_A_MONTH / inputs.data.weeks
    prior, data = (sum(column) for column in zip(*by_stream.values(), strict=True))
    yield PriorFarFromData.due(None, prior, data, least)
    for stream, (implied, seen) in by_stream.items():
        if f"{BASE_RATE}.{stream}" in inputs.config.model.priors:
            yield PriorFarFromData.due(stream, implied, seen, least)


def _density_changes(days: Days, start: np.datetime64, as_of: np.datetime64) -> DensityChanges | None:
    """Ask of the breaks of ``forecast.events.summary``, over the whole months from ``start`` to ``as_of``.

    Acts of all kinds count together: denser coding raises them all, though a crisis can look the same.
    """
    months = _whole_months(start, as_of + np.timedelta64(1, "D"))
    acts = days.astype("datetime64[M]")
    counts = np.searchsorted(acts, months, "right") - np.searchsorted(acts, months, "left")
    return DensityChanges.due(
        DensityBreak(month=str(months[level.position]), before=level.before, after=level.after)
        for level in find_breaks(counts.astype(np.float64))
    )


def _whole_months(start: np.datetime64, end: np.datetime64) -> Days:
    """Return the months that lie within [start, end)."""
    first, last = start.astype("datetime64[M]"), end.astype("datetime64[M]")
    if first.astype("datetime64[D]") < start:
        first += np.timedelta64(1, "M")
    steps = np.arange(int((last - first) / np.timedelta64(1, "M")))
    months: Days = first + steps.astype("timedelta64[M]")
    return months


def run_warnings(run: Run) -> list[tuple[str, type[UserWarning]]]:
    """Return what a run has to be warned of, the gravest first: sentence and kind."""
    forecast = run.forecast
    unconverged: list[tuple[str, type[UserWarning]]] = []
    if not forecast.converged:
        unconverged.append((unconverged_sentence(forecast), NotConvergedWarning))
    of_analysis = run.analysis.warnings if run.analysis else ()
    sentences = (*_lines(forecast), *(warning.sentence for warning in of_analysis))
    return [*unconverged, *((sentence, CautionWarning) for sentence in sentences)]


def warn_of(run: Run, *, stacklevel: int) -> None:
    """Warn of a run in Python's way, in the name of the caller so many calls up."""
    for said, kind in run_warnings(run):
        warnings.warn(said, kind, stacklevel=stacklevel)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Leave out the warnings of ``make_forecast``, for whoever says the same by other means."""
    with warnings.catch_warnings():
        for kind in (NotConvergedWarning, CautionWarning):
            warnings.simplefilter("ignore", kind)
        yield


def require_converged(forecast: Forecast, folder: Path, ledger: Path | None = None) -> None:
    """Refuse a forecast that failed a gate; ``folder`` is where it is kept, ``ledger`` where it is on record.

    Raises
    ------
    NotConvergedError
        Names every gate that failed and what to try, and what to bear in mind of the data.
    """
    if forecast.converged:
        return
    cautions = _lines(forecast)
    said = [unconverged_sentence(forecast)]
    said += [f"{HEAD}:", *(f"  {caution}" for caution in cautions)] if cautions else []
    record = f" Its forecasts are on record as failed in {ledger}." if ledger else ""
    said.append(
        f"The run, with a stamped report, is in {folder}.{record} --allow-unconverged ends with code 0 all "
        "the same."
    )
    raise NotConvergedError("\n".join(said))


def unconverged_sentence(forecast: Forecast) -> str:
    """Say that a forecast did not converge, with every gate that failed."""
    failures = (f"\n  {failure.sentence}" for failure in forecast.diagnostics.failures)
    return f"the fit did not converge; do not use its numbers.{''.join(failures)}"


def _lines(forecast: Forecast) -> list[str]:
    # That the fit failed is told with its gates.
    return caution_lines([caution for caution in forecast.cautions if caution.code != "not_converged"])
