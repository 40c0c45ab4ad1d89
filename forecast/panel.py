"""Coded events of a pair counted in time steps by stream: the data of every fit; and how late acts surface.

Targets cut the acts into cells; acts that meet no target are counted by category. The grid starts on a fixed
day and runs to the origin (00:00 of the first day that is not known). Its last step may be cut short by the
origin and then has an exposure below one. Axes: step t, stream k.

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
from dataclasses import dataclass, field
from datetime import date, timedelta
from datetime import date as Date
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from forecast.config.reactions import LEARNED
from forecast.errors import EventError, InputError
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, SEVERITIES
from forecast.events.table import EventTable

Floats = NDArray[np.float64]
Kind = tuple[str, int, str]
"""What targets tell acts apart by: category, severity, and who acts (see ``StreamLayout.sources``)."""
_TAKEN = (*CATEGORIES, "conflict")
"""Names that parameters of streams and sides have."""

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
class StreamLayout:
    """The streams that a model counts: cells of acts that meet the same targets, and the acts that meet none.

    Parameters
    ----------
    targets : tuple of TargetRule
    ordinary : tuple of str
        Categories with acts that meet no target; each is a stream, in the order of the codebook.
    cells : tuple of tuple of int
        For each further stream, the positions of the targets that its acts meet, from the fewest on.
    """

    targets: tuple[TargetRule, ...]
    ordinary: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """Names, in the order of the last axis of all counts.

        A cell has the name of the narrowest target that it meets, or those of several with ``+``.
        """
        names = ("+".join(self.targets[q].name for q in self.narrowest(cell)) for cell in self.cells)
        # No target has a name with a dot, so that these stay distinct.
        return (*self.ordinary, *(f"{name}.target" if name in _TAKEN else name for name in names))

    def narrowest(self, cell: tuple[int, ...]) -> tuple[int, ...]:
        """Targets among those of a cell that include no other of them; they tell cells apart."""
        held = {q: self.acts_of[q] for q in cell}
        return tuple(q for q in cell if not any(held[other] < held[q] for other in cell))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Actors by which some target tells acts apart; the first, empty, stands for all others."""
        return _sources(self.targets)

    @cached_property
    def acts_of(self) -> tuple[frozenset[Kind], ...]:
        """Kinds of act that meet each target."""
        kinds = _kinds(self.sources)
        return tuple(frozenset(kind for kind in kinds if target.meets(*kind)) for target in self.targets)

    @cached_property
    def _stream(self) -> Mapping[Kind, int]:
        places = {name: k for k, name in enumerate(self.ordinary)}
        cells = {cell: len(self.ordinary) + k for k, cell in enumerate(self.cells)}
        met = {kind: self.targets_met(*kind) for kind in _kinds(self.sources)}
        return {kind: cells[cell] if cell else places[kind[0]] for kind, cell in met.items()}

    def targets_met(self, category: str, severity: int, by: str = "") -> tuple[int, ...]:
        """Positions of the targets that an act meets."""
        return tuple(q for q, target in enumerate(self.targets) if target.meets(category, severity, by))

    def stream_of(self, category: str, severity: int, by: str = "") -> int:
        """Position of the stream of an act."""
        return self._stream[category, severity, by if by in self.sources else ""]

    def directed(self, category: str, severity: int) -> tuple[TargetRule, ...]:
        """Targets that an act meets or not by who acts."""
        return tuple(
            target for target in self.targets if target.by and target.meets(category, severity, target.by[0])
        )

    def acts_in_words(self, stream: int) -> tuple[str, ...]:
        """Categories of a stream with severities and actors: ``"sanction of severity 4 or 5 by CHN"``."""
        alike: dict[tuple[tuple[int, ...], tuple[str, ...]], list[str]] = {}
        for category in CATEGORIES:
            held: dict[tuple[int, ...], list[str]] = {}
            for by in self.sources:
                severities = tuple(
                    severity for severity in SEVERITIES if self.stream_of(category, severity, by) == stream
                )
                held.setdefault(severities, []).append(by)
            held.pop((), None)
            for severities, sources in held.items():
                alike.setdefault((severities, tuple(sources)), []).append(category.replace("_", " "))
        return tuple(
            f"{', '.join(of)} of {_severities(severities)}{self._by(sources)}"
            for (severities, sources), of in alike.items()
        )

    def _by(self, sources: tuple[str, ...]) -> str:
        if sources == self.sources:
            return ""
        return f" by {' or '.join(source or 'others' for source in sorted(sources, reverse=True))}"

    @cached_property
    def severities(self) -> Floats:
        """Share of each severity of conflict among a stream's kinds of act, shape (stream, severity)."""
        kinds = np.zeros((len(self.streams), 2, len(SEVERITIES)))
        for (category, severity, _), stream in self._stream.items():
            kinds[stream, int(category in CONFLICTUAL), severity - 1] += 1
        return np.asarray(kinds[:, 1] / kinds.sum(axis=(1, 2))[:, None])

    @cached_property
    def meets(self) -> NDArray[np.bool_]:
        """Streams whose acts meet each target, shape (target, stream)."""
        met = np.zeros((len(self.targets), len(self.streams)), dtype=bool)
        for k, cell in enumerate(self.cells):
            met[list(cell), len(self.ordinary) + k] = True
        return met

    def _holds(self, categories: Sequence[str]) -> tuple[bool, ...]:
        held = {stream for (category, _, _), stream in self._stream.items() if category in categories}
        return tuple(k in held for k in range(len(self.streams)))

    @cached_property
    def conflictual(self) -> tuple[bool, ...]:
        """Streams that hold acts of conflict: they excite one another, drift, and are calmed by ballast."""
        return self._holds(CONFLICTUAL)

    @cached_property
    def calming(self) -> tuple[bool, ...]:
        """Streams whose recent acts are ballast: all others."""
        return tuple(not conflict for conflict in self.conflictual)

    @cached_property
    def wider(self) -> tuple[tuple[int, ...], ...]:
        """For each stream those that hold the same categories one severity lower; empty for severity 1."""
        least: dict[tuple[int, str, str], int] = {}
        for (category, severity, by), stream in self._stream.items():
            least[stream, category, by] = min(severity, least.get((stream, category, by), severity))
        wider: list[set[int]] = [set() for _ in self.streams]
        for (stream, category, by), severity in least.items():
            if severity > SEVERITIES[0]:
                wider[stream].add(self._stream[category, severity - 1, by])
        return tuple(tuple(sorted(streams - {k})) for k, streams in enumerate(wider))

    @property
    def conflict_index(self) -> NDArray[np.int64]:
        """Positions of the conflictual streams."""
        return np.flatnonzero(self.conflictual)

    @property
    def cooperative(self) -> tuple[str, ...]:
        """Names of the cooperative streams."""
        return tuple(self.streams[k] for k in self.calming_index)

    @property
    def calming_index(self) -> NDArray[np.int64]:
        """Positions of the calming streams."""
        return np.flatnonzero(self.calming)

    def assign(self, events: EventTable) -> NDArray[np.int64]:
        """Position of each event's stream, shape (event,)."""
        kinds = zip(events.category, events.severity, events.initiator, strict=True)
        return np.array(
            [self.stream_of(str(name), int(grade), str(by)) for name, grade, by in kinds], np.int64
        )


def _sources(targets: Sequence[TargetRule]) -> tuple[str, ...]:
    return ("", *sorted({actor for target in targets for actor in target.by}))


def _kinds(sources: Sequence[str]) -> tuple[Kind, ...]:
    return tuple(product(CATEGORIES, SEVERITIES, sources))


def _severities(held: tuple[int, ...]) -> str:
    if held == SEVERITIES:
        return "any severity"
    first, last = held[0], held[-1]
    whole = len(held) > 2 and len(held) == last - first + 1
    return "severity " + (f"{first} to {last}" if whole else " or ".join(map(str, held)))


def stream_layout(targets: Sequence[TargetRule]) -> StreamLayout:
    """Cut the acts of the codebook into streams by the targets that they meet."""
    kinds = _kinds(_sources(targets))
    met = {kind: tuple(q for q, target in enumerate(targets) if target.meets(*kind)) for kind in kinds}
    ordinary = tuple(name for name in CATEGORIES if any(not met[kind] for kind in kinds if kind[0] == name))
    cells = sorted({cell for cell in met.values() if cell}, key=lambda cell: (len(cell), cell))
    return StreamLayout(tuple(targets), ordinary, tuple(cells))


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
