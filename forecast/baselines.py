"""Origins, what is known before each, and six simple forecasts from it: what a model has to beat.

An origin is 00:00 of its day: what became public before that day is known. The window of ``H`` days is
[origin, origin + H), the origin's day included. The outcome is 1 when any target event lies in the window
by its own date, whenever it became public. A window that ends after the data is left out, never guessed.

All baselines are deterministic, and none can see the future: each works on ``PastEvents``, already cut to
what was public before the origin; where these have several origins, each reads the days before it. Past
windows begin on every day of the record. Windows that overlap are not separate evidence, so their number is
counted in *distinct* windows: days of the record / horizon. Priors are stated in the same unit.

The logistic regression is not taken from scikit-learn, which has one penalty for all coefficients, gives no
sign when outcomes are separated, and stops at other last digits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from importlib.resources import files
from typing import Any, Literal, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from forecast.errors import InputError
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.events.table import EventTable
from forecast.targets import TargetRule

Days = NDArray[np.datetime64]
Horizons = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY = np.timedelta64(1, "D")

PRIOR_HITS = 0.5
"""Beta(½, ½) prior on a share (Jeffreys): half a distinct window with, half one without."""
BORROWED_WINDOWS = 2.0
"""Distinct windows of climatology that the share after a like window starts from."""

RATE_HALF_LIVES_DAYS = (np.inf, 960.0, 480.0, 240.0, 120.0, 60.0, 30.0)
"""Longest first, one that forgets nothing: the rate of each is the prior mean of the next."""
FIRST_PRIOR_EVENTS = 0.5
"""Jeffreys prior, Gamma(½, 0), of the rate that forgets nothing."""
PRIOR_EVENTS = 1.0
"""Event-days that the prior of every other rate is worth."""
FLOOR = 1e-3
"""Past probabilities are clipped to [FLOOR, 1 − FLOOR] when half-lives are weighed."""

LINE_FLOOR = 1e-5
"""Chances are clipped to [LINE_FLOOR, 1 − LINE_FLOOR] in the pooled line."""
COUNT_HALF_LIVES_DAYS = (30.0, 120.0)
STEP_DAYS = 7
"""Days between the past windows that the regression is fitted to."""
PENALTY = 10.0
"""Prior precision of each standardised coefficient: two thirds of a standard deviation is a large effect."""
PRIOR_ROWS = 1.0
"""Weight of one row at outcome ½ and average covariates, so that the intercept is finite."""

MAX_STEPS = 100
TOLERANCE = 1e-9
FLAT = 1e-8
"""Curvature, as a share of that of the squared covariates, below which the likelihood is flat."""


def as_day(day: date | np.datetime64) -> np.datetime64:
    """Return a day as ``datetime64[D]``."""
    return np.datetime64(day, "D")


Spacing = Literal["quarterly", "monthly", "weekly"]
SPACINGS: tuple[Spacing, ...] = get_args(Spacing)


def origins_of(spacing: Spacing | Sequence[date], first: date = date.min, last: date = date.max) -> Days:
    """Return origins, ascending: first days of quarters or months in [first, last], weeks, or days listed.

    Weeks begin on ``first``. ``InputError`` where there is no origin, or one is listed twice.
    """
    if not isinstance(spacing, str):
        origins = np.sort(np.array(spacing, dtype="datetime64[D]"))
        if not len(origins):
            raise InputError(
                f"origins: the list is empty. Give at least one day, or one of {', '.join(SPACINGS)}"
            )
        twice = origins[1:][origins[1:] == origins[:-1]]
        if len(twice):
            raise InputError(f"origins: {twice[0]} appears twice. Give each day once")
        return origins
    if spacing not in SPACINGS:
        raise InputError(f"origins: got {spacing!r}; expected one of {', '.join(SPACINGS)}, or days")
    days = np.arange(as_day(first), as_day(last) + DAY, (7 if spacing == "weekly" else 1) * DAY)
    if spacing != "weekly":
        month = days.astype("datetime64[M]")
        days = days[(days == month) & (month.astype(np.int64) % (3 if spacing == "quarterly" else 1) == 0)]
    if not len(days):
        nothing = f"no {spacing.removesuffix('ly')} begins between {first} and {last}"
        raise InputError(f"origins: {nothing}. Give a longer span")
    return days


def horizon_lengths(days: Sequence[int]) -> Horizons:
    """Return horizons in days, ascending (``InputError`` for none, one twice, or one shorter than a day)."""
    horizons = np.sort(np.array(days, dtype=np.int64))
    if not len(horizons):
        raise InputError("horizons: the list is empty. Give lengths in days, e.g. 30,90,180")
    if horizons[0] < 1:
        raise InputError(f"horizons: {horizons[0]} days is too short. Allowed: 1 day or more")
    twice = horizons[1:][horizons[1:] == horizons[:-1]]
    if len(twice):
        raise InputError(f"horizons: {twice[0]} days appears twice. Give each length once")
    return horizons


@dataclass(frozen=True)
class BinaryOutcomes:
    """Whether the target happened in each window: ``outcome``, shape (origin, horizon), is 1 or 0.

    It is NaN where the window ends after the data.
    """

    target: str
    origin: Days
    horizon_days: Horizons
    outcome: Floats

    @property
    def complete(self) -> Flags:
        """True where the window lies within the data, shape (origin, horizon)."""
        return ~np.isnan(self.outcome)


def observe_outcomes(
    events: EventTable, target: TargetRule, origins: Days, horizons: Horizons, data_end: date
) -> BinaryOutcomes:
    """Look up whether the target happened in each window.

    ``events`` are everything known by now, not cut at the origins, and cover days up to ``data_end``; origins
    and horizons ascend. ``InputError`` when a horizon has no complete window: even the first origin's ends
    after the data.
    """
    end = as_day(data_end)
    longest = int((end - origins[0]).astype(np.int64)) + 1
    if horizons[-1] > longest:
        allowed = f"Allowed: up to {longest} days" if longest > 0 else "Begin earlier"
        raise InputError(
            f"horizons: no window of {horizons[-1]} days is complete: the first origin is {origins[0]} and "
            f"the data end on {data_end}. {allowed}"
        )
    hit_days = np.sort(events.date[target.mask(events)])
    last = origins[:, None] + (horizons * DAY)[None, :] - DAY
    before_start = np.searchsorted(hit_days, origins, side="left")[:, None]
    through_last = np.searchsorted(hit_days, last, side="right")
    outcome = (through_last > before_start).astype(np.float64)
    outcome[last > end] = np.nan
    return BinaryOutcomes(target.name, origins, horizons, outcome)


@dataclass(frozen=True)
class PastEvents:
    """Events known before an origin that happened on or after ``start``; with earlier origins to forecast at.

    ``n_days`` are the days from ``start`` to the origin, at least 1. ``day`` of the act and ``known_day``,
    when it became public, count from ``start`` and are below ``n_days``; arrays are of shape (event,).
    ``origin_days``, shape (origin,), are the days to forecast at, ascending; the last is ``n_days``. Where
    there are several, every event was known on its day. On ``days_before`` days that end where the record
    begins no target came.
    """

    n_days: int
    origin_days: NDArray[np.int64]
    day: NDArray[np.int64]
    known_day: NDArray[np.int64]
    category: NDArray[np.object_]
    is_target: Flags
    days_before: int = 0

    def window_hits(self, horizon_days: int, before: int = 0) -> Flags:
        """Whether each complete window [w, w + horizon_days), w ≥ −``before``, holds a target event."""
        so_far = _so_far(np.bincount(self.day[self.is_target] + before, minlength=self.n_days + before))
        return np.asarray(so_far[horizon_days:] > so_far[:-horizon_days])

    def decayed_count(self, chosen: Flags, half_life_days: float) -> Floats:
        """Exponentially decayed number of the chosen events known before each day; ``inf`` for a plain count.

        Entry ``t``, shape (n_days + 1,): sum over events with known_day < t of 2^(−(t − 1 − day) /
        half-life); the last is that at the origin. An act disclosed late enters late, already aged.
        """
        decay = 2.0 ** (-1.0 / half_life_days)
        lag = self.known_day[chosen] - self.day[chosen]
        entering = np.bincount(self.known_day[chosen], weights=decay**lag, minlength=self.n_days)
        # From one day with events to the next; SciPy's filter takes a second to load.
        days, total = np.flatnonzero(entering), [0.0]
        for kept, came in zip((decay ** np.diff(days, prepend=0)).tolist(), entering[days], strict=True):
            total.append(total[-1] * kept + came)
        since = np.zeros(self.n_days, dtype=np.int64)
        since[days] = days
        age = np.arange(self.n_days) - np.maximum.accumulate(since)
        found = np.array(total)[np.cumsum(entering > 0)] * decay**age
        return np.concatenate([[0.0], found])

    def first_of_day(self) -> Flags:
        """True for one target event of each day that has any, the first to be known, shape (event,)."""
        targets = np.flatnonzero(self.is_target)
        targets = targets[np.argsort(self.known_day[targets], kind="stable")]
        _, first = np.unique(self.day[targets], return_index=True)
        kept = np.zeros_like(self.is_target)
        kept[targets[first]] = True
        return kept


def past_events(
    events: EventTable, target: TargetRule, origin: date | np.datetime64, start: date
) -> PastEvents:
    """Cut the events to what was public before the origin (``InputError`` unless it is after the start)."""
    return _cut(events, target, np.array([as_day(origin)]), start)


def pasts_by_origin(events: EventTable, target: TargetRule, origins: Days, start: date) -> list[PastEvents]:
    """Cut the events to what was public before each origin; together they have all origins, in their order.

    One serves all origins where every event was known on its day. An act disclosed late changes the past of
    earlier days: then each origin has its own. ``origins`` ascend; ``InputError`` unless the first is after
    the start.
    """
    if np.array_equal(events.known_date, events.date):
        return [_cut(events, target, origins, start)]
    return [past_events(events, target, origin, start) for origin in origins]


def _cut(events: EventTable, target: TargetRule, origins: Days, start: date) -> PastEvents:
    first = as_day(start)
    origin_days = (origins - first).astype(np.int64)
    if origin_days[0] < 1:
        raise InputError(
            f"origin {origins[0]}: nothing is known before it, the data start {start}. Begin later"
        )
    known = (events.known_date < origins[-1]) & (events.date >= first)
    return PastEvents(
        int(origin_days[-1]),
        origin_days,
        ((events.date[known] - first) // DAY).astype(np.int64),
        ((events.known_date[known] - first) // DAY).astype(np.int64),
        events.category[known],
        target.mask(events)[known],
        target.days_before(start),
    )


class LogisticFitError(ArithmeticError):
    """The likelihood has no maximum (separated outcomes without a penalty) or Newton did not settle."""


def fit_logistic(design: Floats, outcome: Floats, *, weight: Floats, penalty: Floats) -> Floats:
    """Maximise the weighted Bernoulli log likelihood minus half the penalised sum of squares.

    ``design`` has shape (row, column), an intercept included where one is wanted; ``outcome`` (0 to 1) and
    ``weight`` (not negative) have shape (row,). ``penalty``, shape (column,), is the precision of the normal
    prior of each coefficient. ``LogisticFitError`` when there is no finite maximum.
    """
    beta, linear = np.zeros(design.shape[1]), np.zeros(len(design))
    value = _objective(beta, linear, outcome, weight, penalty)
    for _ in range(MAX_STEPS):
        fitted = scipy.special.expit(linear)
        gradient = (weight * (outcome - fitted)) @ design - penalty * beta
        curvature = (design.T * (weight * fitted * (1.0 - fitted))) @ design + np.diag(penalty)
        try:
            np.linalg.cholesky(curvature)
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError as error:
            raise LogisticFitError("the curvature is singular: outcomes are separated") from error
        # Newton's gain in the objective is half this product; below the tolerance the maximum is reached.
        gain = float(gradient @ step)
        if gain < TOLERANCE:
            # On separated outcomes Newton walks to infinity, and the curvature behind it goes to nothing.
            if np.linalg.eigvalsh(curvature)[0] < FLAT * float(weight @ (design**2).sum(axis=1)):
                raise LogisticFitError("the likelihood has no maximum: outcomes are separated")
            return np.asarray(beta + step)
        ahead = design @ step
        for size in 0.5 ** np.arange(34):
            there = beta + size * step, linear + size * ahead
            trial = _objective(*there, outcome, weight, penalty)
            if trial >= value:
                break
        else:
            raise LogisticFitError("no step improves the likelihood")
        (beta, linear), value = there, trial
    raise LogisticFitError(f"not settled after {MAX_STEPS} Newton steps: outcomes may be separated")


def _objective(beta: Floats, linear: Floats, outcome: Floats, weight: Floats, penalty: Floats) -> float:
    log_likelihood = weight @ (outcome * linear - np.logaddexp(0.0, linear))
    return float(log_likelihood - 0.5 * penalty @ beta**2)


Method = Callable[[PastEvents, Horizons], Floats]
"""From the past and horizons of a day or more to probabilities, shape (origin, horizon)."""


def share_of_windows(past: PastEvents, horizon_days: Horizons, prior_hits: float = PRIOR_HITS) -> Floats:
    """Share of past windows that held a target event (expanding: all of the record, equal weight).

    (hits + ½) / (windows + 1), both in distinct windows; ½ where the record is shorter than the horizon.
    Without ``prior_hits`` it is the plain share, for which the record must hold a window.
    """
    shares = np.empty((len(past.origin_days), len(horizon_days)))
    for place, days in enumerate(horizon_days.tolist()):
        complete = _complete(past, days, past.days_before)
        hits = _so_far(past.window_hits(days, past.days_before))[complete]
        shares[:, place] = (hits / days + prior_hits) / (complete / days + 2 * prior_hits)
    return shares


def share_after_alike(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Share of past windows with a target event, among those that followed a window like the last one.

    The last ``H`` days before the origin either held a target event or did not; the probability for the next
    ``H`` days is the share of hits after past windows of the same kind, shrunk towards climatology by
    ``BORROWED_WINDOWS`` distinct windows; climatology where the record is shorter than two horizons.
    """
    shares = share_of_windows(past, horizon_days)
    for place, days in enumerate(horizon_days.tolist()):
        hits = past.window_hits(days)
        # Entry w of `hits` ends where entry w + days begins; the last complete one is that before the origin.
        before, after = hits[:-days], hits[days:]
        pairs = _complete(past, days) - days
        long = np.flatnonzero(pairs > 0)
        for kind in (True, False):
            some = long[hits[pairs[long] + days - 1] == kind]
            followed = _so_far(before == kind)[pairs[some]] / days
            hit = _so_far((before == kind) & after)[pairs[some]] / days
            borrowed = BORROWED_WINDOWS * shares[some, place]
            shares[some, place] = (hit + borrowed) / (followed + BORROWED_WINDOWS)
    return shares


def _complete(past: PastEvents, days: int, before: int = 0) -> NDArray[np.int64]:
    """Number of windows of so many days that are complete before each origin."""
    return np.asarray(np.maximum(past.origin_days + before - days + 1, 0))


def _so_far(counts: NDArray[np.int64] | Flags) -> NDArray[np.int64]:
    """Sum of the first n counts, or number of flags set among them, n = 0 … all."""
    return np.concatenate([[0], np.cumsum(counts)])


def discounted_rate(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Probability of a target event from a discounted gamma–Poisson rate, averaged over half-lives.

    Days with a target event are counted (several events of one day are one flare-up), older ones discounted
    by 2^(−age / half-life): Harvey & Fernandes (1989), doi:10.1080/07350015.1989.10509750. With a gamma prior
    on the rate P(none in H days) = (b / (b + H))^a. Half-lives are weighted by exp(sum of log scores /
    horizon) of what each would have said of the windows complete before the origin: one unit of evidence a
    distinct window, since windows begin on every day.
    """
    _, ahead, weight = _by_half_life(past, horizon_days)
    return np.asarray((weight * ahead).sum(axis=0) / weight.sum(axis=0))


def log_rate_variance(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Variance of the log of the rate of ``discounted_rate`` given its half-life, shape (origin, horizon).

    That of the log of a gamma variable is the trigamma function of its shape. Half-lives are averaged by
    their weights; how far apart their rates are is left out.
    """
    shape, _, weight = _by_half_life(past, horizon_days)
    spread = scipy.special.polygamma(1, shape[..., None])
    return np.asarray((weight * spread).sum(axis=0) / weight.sum(axis=0))


def constant_rate(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Probability of a target event from one constant rate, gamma–Poisson with the Jeffreys prior.

    Days with a target event are counted, as in ``discounted_rate``, whose longest half-life this is.
    """
    shape = past.decayed_count(past.first_of_day(), np.inf)[past.origin_days] + FIRST_PRIOR_EVENTS
    seen = past.origin_days[:, None] + past.days_before
    return np.asarray(-np.expm1(-shape[:, None] * np.log1p(horizon_days / seen)))


def pooled_line(past: PastEvents, horizon_days: Horizons, pair: str = "") -> Floats:
    """Probability from the gamma–Poisson and the constant rate, by a line that other dyads taught.

    logit p = α + β₁ logit(gamma–Poisson) + β₂ logit(constant rate) at the horizons learned; between them −log
    of the chance of none is linear in days, after the last it grows as it did on average up to there, and it
    never falls. The dyad of two actors, ``pair``, is forecast by the line learned without it.
    """
    line = _shipped_line()
    knots = np.array(line["horizons_days"])
    design = line_design(past, knots)
    chance = scipy.special.expit((design * line["without"].get(pair, line["line"])).sum(axis=-1))
    quiet = np.maximum.accumulate(-np.log1p(-chance), axis=1)
    far = int(max(horizon_days.max(), knots[-1])) + 1
    days = np.array([0, *knots, far])
    rows = np.column_stack([np.zeros(len(quiet)), quiet, quiet[:, -1] * far / knots[-1]])
    return np.stack([-np.expm1(-np.interp(horizon_days, days, row)) for row in rows])


def line_design(past: PastEvents, horizon_days: Horizons) -> Floats:
    """1 and the logits of the gamma–Poisson and the constant rate, shape (origin, horizon, 3)."""
    chances = np.stack([method(past, horizon_days) for method in (discounted_rate, constant_rate)], axis=-1)
    logits = scipy.special.logit(np.clip(chances, LINE_FLOOR, 1 - LINE_FLOOR))
    return np.concatenate([np.ones_like(logits[..., :1]), logits], axis=-1)


@cache
def _shipped_line() -> Mapping[str, Any]:
    """What ``tools/learn/pooled_hazard.py --line`` wrote."""
    line: Mapping[str, Any] = json.loads((files("forecast") / "pooled_line.json").read_bytes())
    return line


def pair_of(events: EventTable) -> str:
    """The two codes that most acts of a record name, in order, as ``CHN USA``."""
    codes, counts = np.unique(np.concatenate([events.initiator, events.recipient]), return_counts=True)
    return " ".join(sorted(map(str, codes[np.argsort(-counts, kind="stable")[:2]])))


def _rates_by_half_life(past: PastEvents) -> tuple[Floats, Floats]:
    """Shape and rate of the gamma posterior as seen on days 1 … n_days, each of shape (half_life, day)."""
    day = np.arange(1, past.n_days + 1, dtype=np.float64)
    chosen = past.first_of_day()
    shapes = [past.decayed_count(chosen, np.inf)[1:] + FIRST_PRIOR_EVENTS]
    rates = [day + past.days_before]
    for half_life in RATE_HALF_LIVES_DAYS[1:]:
        decay = 2.0 ** (-1.0 / half_life)
        observed = (1.0 - decay**day) / (1.0 - decay)
        rates.append(observed + PRIOR_EVENTS * rates[-1] / shapes[-1])
        shapes.append(past.decayed_count(chosen, half_life)[1:] + PRIOR_EVENTS)
    return np.stack(shapes), np.stack(rates)


def _by_half_life(past: PastEvents, horizon_days: Horizons) -> tuple[Floats, Floats, Floats]:
    """At origins, (half_life, origin, …): shape of the rate; P(target) by horizon; weights, the largest 1."""
    shape, rate = _rates_by_half_life(past)
    ahead = -np.expm1(-shape[..., None] * np.log1p(horizon_days / rate[..., None]))
    weight = np.empty((len(ahead), len(past.origin_days), len(horizon_days)))
    for place, days in enumerate(horizon_days.tolist()):
        # Windows begin on day 1 or later: on day 0 nothing has been observed.
        hits = past.window_hits(days)[1:]
        tried = np.clip(ahead[:, : len(hits), place], FLOOR, 1 - FLOOR)
        score = np.zeros((len(ahead), len(hits) + 1))
        np.cumsum(np.log(np.where(hits, tried, 1 - tried)), axis=1, out=score[:, 1:])
        score = score[:, np.maximum(_complete(past, days) - 1, 0)] / days
        weight[:, :, place] = np.exp(score - score.max(axis=0))
    return shape[:, past.origin_days - 1], ahead[:, past.origin_days - 1], weight


def logistic_on_decayed_counts(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Probability of a target event from a logistic regression refitted at the origin.

    Covariates: log(1 + decayed count) of target events, conflictual acts and cooperative acts, each at two
    half-lives, standardised over the fitted windows. Fitted windows begin every ``STEP_DAYS`` days and are
    complete before the origin; each has weight step / horizon, so that overlapping ones count once.
    Climatology where fewer than two past windows are complete.
    """
    kinds = past.is_target, np.isin(past.category, CONFLICTUAL), np.isin(past.category, COOPERATIVE)
    columns = [past.decayed_count(kind, half_life) for kind in kinds for half_life in COUNT_HALF_LIVES_DAYS]
    covariates = np.log1p(np.stack(columns, axis=1))
    chances = share_of_windows(past, horizon_days)
    for place, days in enumerate(horizon_days.tolist()):
        hits = past.window_hits(days).astype(np.float64)
        weight = min(STEP_DAYS / days, 1.0)
        for row, complete in enumerate(_complete(past, days)):
            # Counted back from the origin, so that the newest complete window is always among them.
            begins = slice((complete - 1) % STEP_DAYS, complete, STEP_DAYS)
            if complete > STEP_DAYS:
                now = covariates[past.origin_days[row]]
                chances[row, place] = _fit_and_predict(covariates[begins], hits[begins], weight, now)
    return chances


def _fit_and_predict(fitted: Floats, hits: Floats, weight: float, now: Floats) -> float:
    mean, spread = fitted.mean(axis=0), fitted.std(axis=0)
    # A covariate that never moved says nothing: it is centred to zero and left unscaled.
    spread[spread < 1e-9] = 1.0
    design = np.zeros((len(fitted) + 1, 1 + fitted.shape[1]))
    design[:, 0] = 1.0
    design[:-1, 1:] = (fitted - mean) / spread
    weights = np.append(np.full(len(fitted), weight), PRIOR_ROWS)
    penalty = np.append(0.0, np.full(fitted.shape[1], PENALTY))
    coefficients = fit_logistic(design, np.append(hits, 0.5), weight=weights, penalty=penalty)
    return float(scipy.special.expit(coefficients[0] + coefficients[1:] @ ((now - mean) / spread)))


METHODS: Mapping[str, Method] = {
    "climatology": share_of_windows,
    "constant_rate": constant_rate,
    "last_window": share_after_alike,
    "gamma_poisson": discounted_rate,
    "decayed_logistic": logistic_on_decayed_counts,
    "pooled_line": pooled_line,
}
BASELINES = tuple(METHODS)
"""Names of the baselines, in the order they are shown."""
REFERENCE = "climatology"
"""The baseline that skill is measured against."""


def baselines_by_origin(
    events: EventTable, target: TargetRule, origins: Days, start: date, horizon_days: Sequence[int] | Horizons
) -> dict[str, Floats]:
    """Forecast the target by each baseline at origins, which ascend; of each name shape (origin, horizon).

    ``events`` are cut to what was public before an origin and happened on or after ``start``, the first day
    that counts as observed. The origin is the first day of every window and is not known; horizons are of a
    day or more.
    """
    horizons = np.asarray(horizon_days, dtype=np.int64)
    pasts = pasts_by_origin(events, target, origins, start)
    methods: dict[str, Method] = {**METHODS, "pooled_line": partial(pooled_line, pair=pair_of(events))}
    return {
        name: np.concatenate([method(past, horizons) for past in pasts]) for name, method in methods.items()
    }
