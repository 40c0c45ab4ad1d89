"""What a forecast is of: targets, acts ahead, reactions; the grid of a record; and how late acts surface.

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

import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from datetime import date as Date

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import LEARNED
from forecast.errors import EventError, InputError
from forecast.events.codebook import SEVERITIES
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
LEAST_COMPLETENESS = 0.25
"""Least share of a step's events taken to be known, where the others are added for their after-effects."""
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
class TargetRule:
    """Which events count as the target: any of these categories at this severity or above.

    With ``by`` only acts of these actors count; empty: acts of anybody.
    """

    name: str
    any_of: tuple[str, ...]
    min_severity: int
    by: tuple[str, ...] = ()

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event of the table meets the rule."""
        return self.mask_kind(events) & (events.severity >= self.min_severity)

    def mask_kind(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event of the table would meet the rule, were it severe enough."""
        kind = np.isin(events.category, self.any_of)
        return kind & np.isin(events.initiator, self.by) if self.by else kind

    def meets(self, category: str, severity: int, by: str = "") -> bool:
        """Whether an act counts as the target; ``by`` is who acts, empty for nobody that a target names."""
        return category in self.any_of and severity >= self.min_severity and (not self.by or by in self.by)

    def includes(self, other: TargetRule) -> bool:
        """Whether every act that meets the other rule meets this one."""
        wider = not self.by or bool(other.by and set(other.by) <= set(self.by))
        return wider and set(other.any_of) <= set(self.any_of) and other.min_severity >= self.min_severity

    def to_dict(self) -> dict[str, object]:
        """Return the rule as plain values, without its name."""
        plain: dict[str, object] = {"any_of": [*self.any_of], "min_severity": self.min_severity}
        return plain | {"by": [*self.by]} if self.by else plain


def raised_to_included(values: Mapping[str, Floats], rules: Sequence[TargetRule]) -> dict[str, Floats]:
    """Raise what is said of each target to what is said of every target that it includes; NaN stays."""
    raised = dict(values)
    for wide in rules:
        for narrow in rules:
            if wide.includes(narrow):
                known = np.where(np.isnan(values[narrow.name]), -np.inf, values[narrow.name])
                raised[wide.name] = np.maximum(raised[wide.name], known)
    return raised


@dataclass(frozen=True)
class ActClass:
    """Acts that a reaction names: of a category and, where stated, of subcategories, severities and actors.

    Parameters
    ----------
    category : str
    subcategory : tuple of str
        Names, with ``*`` for any text; empty: any, and none.
    severities : tuple of int
    by : tuple of str
        Actors who act; empty: anybody.
    """

    category: str
    subcategory: tuple[str, ...] = ()
    severities: tuple[int, ...] = SEVERITIES
    by: tuple[str, ...] = ()

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return which rows belong to the class, shape (event,)."""
        chosen = (events.category == self.category) & np.isin(events.severity, self.severities)
        if self.by:
            chosen &= np.isin(events.initiator, self.by)
        if self.subcategory:
            named = [name for name in {*events.subcategory.tolist()} if self._named(name)]
            chosen &= np.isin(events.subcategory.astype(np.str_), named)
        return np.asarray(chosen, dtype=np.bool_)

    def holds(self, category: str, subcategory: str, severity: int, by: str) -> bool:
        """Whether an act belongs to the class; ``by`` is who acts."""
        return (
            category == self.category
            and severity in self.severities
            and (not self.by or by in self.by)
            and (not self.subcategory or self._named(subcategory))
        )

    def _named(self, subcategory: str) -> bool:
        return any(is_named(subcategory, name) for name in self.subcategory)


def is_named(subcategory: str, name: str) -> bool:
    """Whether a subcategory has a name, in which ``*`` stands for any text."""
    # Of the signs that fnmatch knows the star alone has a meaning here.
    return fnmatch.fnmatchcase(subcategory, name.replace("[", "[[]").replace("?", "[?]"))


Chance = str | float | Mapping[str, float]
"""A chance as stated: ``"learned"``, a word, a share, a distribution (``"Beta(3, 2)"``), or quantiles."""


@dataclass(frozen=True)
class Reaction:
    """Acts of a class, or an occasion, are followed by an answer within days with a chance.

    Parameters
    ----------
    name, label : str
    when : ActClass or None
        The acts that are answered; ``None``: an occasion, with days in ``past`` and ``ahead``.
    then : tuple of str
        Categories of the answer; empty: any of conflict.
    by : tuple of str
        Actors who answer; empty: either side.
    target : str or None
        Name of a target that the answer meets, in place of ``then`` and ``by``.
    days : int
        Days within which it follows, 1 to 365.
    chance : Chance
        That at least one answer follows: an act of severity 4, or an occasion.
    use_record : bool
        Whether the record updates a stated chance.
    past : tuple of date
        Earlier days of an occasion.
    ahead : date or None
        Its day to come.
    ahead_probability : float
        Probability that it takes place then.
    rationale : str
    """

    name: str
    label: str
    when: ActClass | None
    then: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    target: str | None = None
    days: int = 14
    chance: Chance = LEARNED
    use_record: bool = True
    past: tuple[Date, ...] = ()
    ahead: Date | None = None
    ahead_probability: float = 1.0
    rationale: str = ""


@dataclass(frozen=True)
class FutureAct:
    """An act ahead that happens with a probability.

    Its day is ``date``, or any of those to ``until``, all as likely. A ``label`` tells acts apart that are
    alike otherwise. ``by`` is who acts and ``subcategory`` what kind of act of its category it is, where
    they are stated.
    """

    date: date
    category: str
    severity: int
    probability: float
    until: Date | None = None
    label: str = ""
    by: str = ""
    subcategory: str = ""


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
