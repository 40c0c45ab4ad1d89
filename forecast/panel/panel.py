"""Coded events of a pair counted in time steps: the data of every fit; and how late acts become known.

The grid starts on a fixed day and runs to the origin (00:00 of the first day that is not known). Its last
step may be cut short by the origin and then has an exposure below one. Axes: step t, stream k.

At the origin an act is in the data only if it became known by then, so recent acts with long delays are
missing (right truncation), and a plain histogram of delays would be too short. The estimator conditions on
that: going down from the longest delay, the reverse hazard g(d) = P(D = d | D ≤ d) is the share of delay d
among the acts with a delay of at most d that happened at least d days before the origin; then
F(d − 1) = F(d)·(1 − g(d)). Kalbfleisch & Lawless (1991), Statistica Sinica 1, 19–32; Lawless (1994),
Canadian Journal of Statistics 22, 15–31; in insurance the chain ladder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.errors import EventError, InputError
from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.events.table import EventTable
from forecast.panel.streams import StreamLayout

Floats = NDArray[np.float64]

STEP_DAYS = 7
DAYS_A_MONTH = 365.25 / 12
KNOT_STEPS = 4
"""Steps between the knots of the latent tension; linear in between."""
DRIFT_KNOT_STEPS = 6 * KNOT_STEPS
"""Steps between the knots of drift; linear in between. Each is a knot of tension, too."""
DRIFT_PERSISTENCE_DAYS = 4 * 365.25
"""Days after which a swing of drift has faded to 37%: years, where tension lasts months."""
DRIFT_DECAY = math.exp(-STEP_DAYS * DRIFT_KNOT_STEPS / DRIFT_PERSISTENCE_DAYS)
"""Autocorrelation of drift from knot to knot."""
DRIFT_NOISE = math.sqrt(1 - DRIFT_DECAY**2)
"""Scale of its innovations, so that it has unit variance."""
LEAST_COMPLETENESS = 0.25
"""Least share of a step's events taken to be known, where the others are added for their after-effects."""
HALF_SATURATION = 5.0
"""Recent cooperative acts of one kind (decayed count) that give half of their full ballast."""


@dataclass(frozen=True)
class TimeGrid:
    """Steps of ``STEP_DAYS`` from ``start`` to ``origin``, the first day not known, which is later."""

    start: date
    origin: date

    def __post_init__(self) -> None:
        if self.origin <= self.start:
            window = f"it starts {self.start} and ends before {self.origin}"
            raise InputError(f"the data window is empty: {window}")

    @property
    def n_steps(self) -> int:
        """Number of steps begun before the origin."""
        return -(-(self.origin - self.start).days // STEP_DAYS)

    @property
    def last_exposure(self) -> float:
        """Share of the last step that lies before the origin, in (0, 1]."""
        return ((self.origin - self.start).days - STEP_DAYS * (self.n_steps - 1)) / STEP_DAYS

    @property
    def n_knots(self) -> int:
        """Knots of the latent tension that the steps need."""
        return knots_for(self.n_steps)

    def first_day(self, step: int) -> date:
        """First day of a step."""
        return self.start + timedelta(days=STEP_DAYS * step)


def knots_for(n_steps: int) -> int:
    """Knots needed for linear interpolation over ``n_steps`` steps."""
    return (n_steps - 1) // KNOT_STEPS + 2


def drift_knots_for(n_knots: int) -> int:
    """Knots of drift that reach as far as so many knots of tension."""
    return -(-(n_knots - 1) * KNOT_STEPS // DRIFT_KNOT_STEPS) + 1


@dataclass(frozen=True)
class EventCounts:
    """Counts of a pair's events on a grid.

    Parameters
    ----------
    grid : TimeGrid
    layout : StreamLayout
    counts : ndarray of int64, shape (step, stream)
        Events of each stream in each step.
    graded : ndarray of int64, shape (step, severity)
        Counted conflictual acts by severity, from 1 on.
    mix : ndarray, shape (stream, severity)
        Share of conflict of each severity among a stream's acts, to which half an act is added, spread
        evenly over the kinds of act that the stream can hold.
    completeness : ndarray, shape (step,)
        Share of each step's events that is in the data, in (0, 1]: below one in recent steps when events
        are reported late.
    """

    grid: TimeGrid
    layout: StreamLayout
    counts: NDArray[np.int64]
    graded: NDArray[np.int64] = field(repr=False)
    mix: Floats = field(repr=False)
    completeness: Floats = field(repr=False)

    @property
    def exposure(self) -> Floats:
        """Share of each step that was observed, shape (step,): ones, but for the last."""
        exposure = np.ones(self.grid.n_steps)
        exposure[-1] = self.grid.last_exposure
        return exposure

    @property
    def felt_counts(self) -> Floats:
        """Events of each step as later steps feel them, reported late or not, shape (step, stream).

        Known events over their completeness, which has the right mean; completeness is taken to be at
        least ``LEAST_COMPLETENESS``, so that one event of the last days does not stand for dozens.
        """
        return self._felt(self.counts)

    @property
    def felt_graded(self) -> Floats:
        """The same of conflictual acts by severity, shape (step, severity)."""
        return self._felt(self.graded)

    def _felt(self, counts: NDArray[np.int64]) -> Floats:
        return np.asarray(counts / np.maximum(self.completeness, LEAST_COMPLETENESS)[..., None])

    @property
    def weeks(self) -> float:
        """Length of the record."""
        return float(self.exposure.sum())

    @property
    def months(self) -> float:
        """Length of the record."""
        return self.weeks * STEP_DAYS / DAYS_A_MONTH


def count_events(
    events: EventTable, grid: TimeGrid, layout: StreamLayout, completeness: Floats | None = None
) -> EventCounts:
    """Count what is known of a pair at the origin; events outside the grid are left out.

    A cell of targets counts once a day, the gravest act: whether a target happens is the question, and one
    clash coded as several acts of a day says little about the next. ``completeness``, shape (step,), is one
    when absent.
    """
    day = (events.date - np.datetime64(grid.start, "D")).astype(np.int64)
    stream = layout.assign(events)
    used = np.flatnonzero((day >= 0) & (day < (grid.origin - grid.start).days))
    used = used[np.argsort(-events.severity[used], kind="stable")]
    once = stream[used] >= len(layout.ordinary)
    _, gravest = np.unique(np.column_stack([day[used], stream[used]])[once], axis=0, return_index=True)
    used = np.concatenate([used[~once], used[once][gravest]])
    step, own, severity = day[used] // STEP_DAYS, stream[used], events.severity[used].astype(np.int64) - 1
    counts = np.zeros((grid.n_steps, len(layout.streams)), dtype=np.int64)
    np.add.at(counts, (step, own), 1)
    # A cell may hold cooperation, too, which is no conflict however severe.
    conflict = np.isin(events.category[used], CONFLICTUAL)
    graded = np.zeros((grid.n_steps, len(SEVERITIES)), dtype=np.int64)
    np.add.at(graded, (step[conflict], severity[conflict]), 1)
    by_severity = np.zeros((len(layout.streams), len(SEVERITIES)), dtype=np.int64)
    np.add.at(by_severity, (own[conflict], severity[conflict]), 1)
    mix = severity_mix(layout, by_severity, counts.sum(axis=0))
    known = np.ones(grid.n_steps) if completeness is None else completeness
    return EventCounts(grid, layout, counts, graded, mix, known)


def severity_mix(layout: StreamLayout, by_severity: NDArray[np.int64], acts: NDArray[np.int64]) -> Floats:
    """Return ``EventCounts.mix`` from conflict, (stream, severity), and all acts, (stream,)."""
    return np.asarray((by_severity + 0.5 * layout.severities) / (acts[:, None] + 0.5))


def decay_per_step(half_life_days: float | Floats) -> Floats:
    """Factor left after one step of exponential decay with this half-life."""
    return np.asarray(np.exp2(-STEP_DAYS / np.asarray(half_life_days, dtype=np.float64)))


LONGEST_DAYS = 180
"""Delays are conditioned on being at most this long; acts that surface later are history, not news."""
LEAST_DELAYED = 50
"""Acts with a delay below which no curve is estimated."""
LEAST_DELAYED_SHARE = 0.1
"""Share of acts with a delay below which the file is taken not to record delays at all."""
LEAST_AT_RISK = 10
"""Acts at risk below which a reverse hazard is too uncertain; the curve then ends at a shorter delay."""


@dataclass(frozen=True)
class DelayCurve:
    """Share of acts known so many days after they happened.

    ``known[d]`` is the share known at the end of day d after the act; it never falls, and all are known after
    the last. ``origin`` is ``estimated`` or ``stated``; ``acts`` it was estimated from, 0 when stated.
    """

    known: Floats
    origin: str
    acts: int

    def after(self, days: NDArray[np.int64]) -> Floats:
        """Share known this many days after the act; 0 before it."""
        inside = np.clip(days, 0, len(self.known) - 1)
        share = np.where(days >= len(self.known), 1.0, self.known[inside])
        return np.where(days < 0, 0.0, share)

    @property
    def mean_days(self) -> float:
        """Mean delay, in days."""
        return float((1.0 - self.known).sum())


def estimate_delay(events: EventTable, as_of: date, *, longest_days: int = LONGEST_DAYS) -> DelayCurve:
    """Estimate the curve from the events known on a day, with delays of at most ``longest_days``.

    Raises ``EventError``: hardly any act has a ``known_date`` after its ``date``: the file does not record
    delays.
    """
    delay = (events.known_date - events.date).astype(np.int64)
    age = (np.datetime64(as_of, "D") - events.date).astype(np.int64)
    used = (delay <= age) & (delay <= longest_days)
    delay, age = delay[used], age[used]
    delayed = int((delay > 0).sum())
    share = delayed / len(delay) if len(delay) else 0.0
    if delayed < LEAST_DELAYED or share < LEAST_DELAYED_SHARE:
        raise EventError(
            f"{events.source}: the delay of reporting cannot be estimated: {delayed} of {len(delay):,} acts "
            f"known on {as_of} have a known_date after their date, and at least {LEAST_DELAYED} and "
            f"{LEAST_DELAYED_SHARE:.0%} are needed. Where known_date was not recorded, state the delay, e.g. "
            "{same_day: 0.6, mean_days: 20}, or set it to none"
        )
    number = np.bincount(delay, minlength=longest_days + 1).astype(np.float64)
    known = np.ones(longest_days + 1)
    for d in range(longest_days, 0, -1):
        at_risk = int(((delay <= d) & (age >= d)).sum())
        hazard = number[d] / at_risk if at_risk >= LEAST_AT_RISK else 0.0
        known[d - 1] = known[d] * (1.0 - hazard)
    return DelayCurve(_shortened(known), "estimated", len(delay))


def stated_delay(same_day: float, mean_days: float) -> DelayCurve:
    """Return the curve of a stated delay: ``same_day``, in (0, 1], is known on the day itself.

    The delay of the others falls off geometrically, with a mean of ``mean_days``, at least 1 day.
    """
    stay = 1.0 - 1.0 / mean_days
    days = np.arange(LONGEST_DAYS + 1)
    later = 1.0 - stay**days
    # Conditioned, as the estimate, on being known after the longest delay.
    return DelayCurve(_shortened(same_day + (1 - same_day) * later / later[-1]), "stated", 0)


def completeness_of(curve: DelayCurve, grid: TimeGrid) -> Floats:
    """Share of each step's acts that is known at the end of the grid, shape (step,).

    The mean over the step's days before the origin; 1 where less than a thousandth is still to come.
    """
    days_ago = (grid.origin - grid.start).days - 1 - np.arange((grid.origin - grid.start).days)
    by_day = curve.after(days_ago)
    step = np.arange(len(by_day)) // STEP_DAYS
    share = np.bincount(step, by_day) / np.bincount(step)
    return np.where(share > 0.999, 1.0, share)


def _shortened(known: Floats) -> Floats:
    """Cut the part of the curve in which all is known."""
    whole = np.flatnonzero(known >= 1.0)
    return known[: int(whole[0]) + 1] if len(whole) else known
