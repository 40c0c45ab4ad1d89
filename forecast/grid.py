"""The grid of a record: its days, weeks and knots; and its completeness, by how late acts surface.

The grid starts on a fixed day and runs to the origin (00:00 of the first day that is not known). Tension and
drift move by weeks, of which the last may be cut short by the origin.

At the origin an act is in the data only if it became known by then, so recent acts with long delays are
missing (right truncation), and a plain histogram of delays would be too short. The estimator conditions on
that: going down from the longest delay, the reverse hazard g(d) = P(D = d | D ≤ d) is the share of delay d
among the acts with a delay of at most d that happened at least d days before the origin; then
F(d − 1) = F(d)·(1 − g(d)). Kalbfleisch & Lawless (1991), Statistica Sinica 1, 19–32; Lawless (1994),
Canadian Journal of Statistics 22, 15–31; in insurance the chain ladder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.errors import EventError, InputError
from forecast.events.table import EventTable

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
HALF_SATURATION = 5.0
"""Recent cooperative acts of one kind (decayed count) that give half of their full ballast."""

LONGEST_DAYS = 180
"""Delays are conditioned on being at most this long; acts that surface later are history, not news."""
LEAST_DELAYED = 50
"""Acts with a delay below which no curve is estimated."""
LEAST_DELAYED_SHARE = 0.1
"""Share of acts with a delay below which the file is taken not to record delays at all."""
LEAST_AT_RISK = 10
"""Acts at risk below which a reverse hazard is too uncertain; the curve then ends at a shorter delay."""


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
            f"known on {as_of} and within {longest_days} days have a known_date after their date; "
            f"{LEAST_DELAYED} and {LEAST_DELAYED_SHARE:.0%} are needed. Where known_date was not recorded, "
            "state the delay, e.g. {same_day: 0.6, mean_days: 20}, or set it to none"
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
    """Share of each day's acts that is known at the end of the grid, shape (day,).

    1 where less than a thousandth is still to come.
    """
    days = (grid.origin - grid.start).days
    share = curve.after(days - 1 - np.arange(days))
    return np.where(share > 0.999, 1.0, share)


def _shortened(known: Floats) -> Floats:
    """Cut the part of the curve in which all is known."""
    whole = np.flatnonzero(known >= 1.0)
    return known[: int(whole[0]) + 1] if len(whole) else known
