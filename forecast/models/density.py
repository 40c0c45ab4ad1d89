"""Log posterior density of the cluster model, with its gradient: priors, transforms and likelihood at once.

Acts of conflict answer acts of conflict within days, by the other side or by one's own; the rest comes about
at a rate that tension and drift move. The equations are those of ``docs/model.md`` and, in plain PyMC, of
``tools.studies.definition``, to which tests hold value and gradient. Everything is generic in its sizes, so
that one compiled function serves every record; Numba keeps it on disk. A pass costs in proportion to acts and
to weeks × categories:

* answers decay geometrically, so what past acts still bring is a handful of states (by side, category and
  severity of the act answered) that one factor a day carries forward, with their derivative;
* how tension and drift move a category is common to its streams, so a week costs one factor a category;
* both are linear between knots, so their exponential is geometric there.

Bare axes: t week, d day, k stream, c category, a side, s severity less 1, m knot of tension, j act,
i reaction, p coordinate of a point.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.core import types
from numpy.typing import NDArray

from forecast.events.codebook import CATEGORIES
from forecast.grid import DRIFT_DECAY, DRIFT_KNOT_STEPS, DRIFT_NOISE, HALF_SATURATION, KNOT_STEPS, STEP_DAYS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

GROUPS = (
    "baseline.weekly_rate",
    "tension.scale",
    "tension.persistence",
    "tension.loading",
    "drift.scale",
    "answers.number",
    "answers.in_kind",
    "answers.half_life_days",
    "answers.severity",
    "answers.gravity",
    "answers.most",
    "follow_on.number",
    "follow_on.half_life_days",
    "reaction.number",
    "reaction.half_life_days",
    "reaction.severity",
    "reaction.gravity",
    "ballast",
    "ballast.half_life_days",
)
"""Groups of parameters, in the order in which ``Priors.offset`` tells where each begins in a point."""
(
    RATE,
    SCALE,
    PERSISTENCE,
    LOADING,
    DRIFT,
    ANSWERS,
    IN_KIND,
    ANSWER_LIFE,
    SEVERITY,
    GRAVITY,
    MOST,
    FOLLOW_ON,
    FOLLOW_LIFE,
    REACTION,
    REACTION_LIFE,
    REACTION_SEVERITY,
    REACTION_GRAVITY,
    BALLAST,
    CALM_LIFE,
) = range(19)
SAME, OTHER = 0, 1
"""Elements of ``answers.number`` and ``answers.in_kind``: by the side that acted, by the other."""

SEVERITIES = 5
LANES = len(CATEGORIES)
"""Categories of a week, those that a record lacks included, so that a compiler takes them at once."""
PAIRS = 2 * SEVERITIES
"""Sides and severities of the act answered, the severities of a side together."""
WIDTH = 2 * PAIRS
"""A row of states: of each pair, and of its derivative."""
POWERS = 64
"""Days of which the powers of a decay are at hand, more than most gaps between acts."""
REFERENCE = 3
"""Severity, less 1, of the trigger that ``reaction.number`` is stated for."""
NORMAL, LOG_NORMAL, LOGIT_NORMAL, HALF_NORMAL, EXPONENTIAL, GAMMA, BETA = range(7)
FAMILY_CODES = {
    "Normal": NORMAL,
    "LogNormal": LOG_NORMAL,
    "LogitNormal": LOGIT_NORMAL,
    "HalfNormal": HALF_NORMAL,
    "Exponential": EXPONENTIAL,
    "Gamma": GAMMA,
    "Beta": BETA,
}

_LOG_2, _LOG_2_PI = math.log(2.0), math.log(2.0 * math.pi)
_COMPILED: dict[str, Any] = {
    "error_model": "numpy",
    # Leave to reorder sums would make results depend on what the cache holds.
    "fastmath": False,
    "cache": True,
    "nogil": True,
}
compiled = numba.njit(**_COMPILED)
# What unpacks arguments of Python takes a tenth of the time to compile.
inner = numba.njit(**_COMPILED, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""For functions that only compiled ones call."""


class Arrays(NamedTuple):
    """Data of one dyad: acts in order of days, streams, and the grid.

    ``trigger[i, j]`` is 1 where act j sets off reaction i, ``then[i, k]`` where stream k may answer it. A day
    on which nobody acts, but which sets off a reaction, is an act of stream −1 and severity ``REFERENCE``.
    """

    day: Integers  # (j)
    stream: Integers  # (j)
    grade: Integers  # (j): severity less 1
    trigger: Floats  # (i, j)
    then: Floats  # (i, k)
    category: Integers  # (k): position among the categories with a loading
    side: Integers  # (k): 0 or 1; −1 for cooperation
    severity: Floats  # (k): mean severity, see ``Acts.gravity``
    mix: Floats  # (k, s): share of each severity
    completeness: Floats  # (d): share of the day's acts that is in the data
    jumps: Integers  # days after which that share changes; the last day
    days: Floats  # (t): days of the week whose acts are in the data
    weight: Floats  # (t): share of the week that lies before the origin
    calming: Floats  # (kind, t): acts of cooperation that each week feels, by category that calms
    rate_of: Integers  # (k): position among the rates
    rate_share: Floats  # (k): share of that rate
    silent: Floats  # (k): weeks before the record in which none is known to have come
    n_categories: int


class Priors(NamedTuple):
    """Priors of a point: family and its two values by coordinate; where each of ``GROUPS`` begins."""

    family: Integers  # (p)
    value: Floats  # (p, 2)
    offset: Integers  # (19)
    n_knots: int
    n_drift_knots: int


@inner
def constrained(theta: Floats, priors: Priors) -> Floats:
    """Return the parameters at a point of the sampler's scale; innovations stay as they are."""
    values = theta.copy()
    for p in range(len(priors.family)):
        family = priors.family[p]
        if family in (LOGIT_NORMAL, BETA):
            values[p] = 1.0 / (1.0 + math.exp(-theta[p]))
        elif family != NORMAL:
            values[p] = math.exp(theta[p])
    return values


@inner
def _priors(theta: Floats, values: Floats, priors: Priors, gradient: Floats) -> float:
    """Log prior with the Jacobian of the transforms; the gradient in the values becomes that in the point."""
    total = 0.0
    n = len(priors.family)
    for p in range(n):
        u, x = theta[p], values[p]
        a, b = priors.value[p, 0], priors.value[p, 1]
        family = priors.family[p]
        if family <= LOGIT_NORMAL:  # normal on the sampler's own scale
            z = (u - a) / b
            total -= 0.5 * z * z + math.log(b) + 0.5 * _LOG_2_PI
            slope = -z / b
        elif family == HALF_NORMAL:
            total += _LOG_2 - 0.5 * (x / a) ** 2 - math.log(a) - 0.5 * _LOG_2_PI + u
            slope = 1.0 - (x / a) ** 2
        elif family == EXPONENTIAL:
            total += math.log(a) - a * x + u
            slope = 1.0 - a * x
        elif family == GAMMA:
            total += a * math.log(b) - math.lgamma(a) + a * u - b * x
            slope = a - b * x
        else:
            # ln x and ln(1 − x) of a logistic x, with all digits at both ends.
            log_x = -math.log1p(math.exp(-u)) if u > 0 else u - math.log1p(math.exp(u))
            total += math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * log_x + b * (log_x - u)
            slope = a - (a + b) * x
        if family == NORMAL:
            gradient[p] += slope
        elif family in (LOGIT_NORMAL, BETA):
            gradient[p] = gradient[p] * x * (1.0 - x) + slope
        else:
            gradient[p] = gradient[p] * x + slope
    for p in range(n, len(theta)):
        total -= 0.5 * theta[p] * theta[p] + 0.5 * _LOG_2_PI
        gradient[p] -= theta[p]
    return float(total)


@inner
def log_density(theta: Floats, priors: Priors, record: Arrays, gradient: Floats) -> float:
    """Return the normalised log density at a point and write its gradient; both of shape (p,)."""
    values = constrained(theta, priors)
    gradient[:] = 0.0
    rates, d_rate = stream_rates(values, priors, record), np.zeros(len(record.side))
    weights = answer_weights(values, rates, priors, record)
    d_factor = np.zeros((SEVERITIES, len(rates)))
    total = _likelihood(values, rates, weights, priors, record, gradient, d_rate, d_factor)
    _of_factors(d_factor, values, rates, weights, priors, record, gradient, d_rate)
    for k in range(len(rates)):
        gradient[priors.offset[RATE] + record.rate_of[k]] += record.rate_share[k] * d_rate[k]
    return float(total + _priors(theta, values, priors, gradient))


@compiled
def log_likelihood(values: Floats, priors: Priors, record: Arrays) -> Floats:
    """Log likelihood of the acts, (draw,), at parameters (draw, p)."""
    found = np.empty(len(values))
    spare = np.zeros(values.shape[1])
    for d in range(len(values)):
        rates = stream_rates(values[d], priors, record)
        weights = answer_weights(values[d], rates, priors, record)
        found[d] = _likelihood(
            values[d], rates, weights, priors, record, spare, np.zeros(len(rates)), np.zeros(weights[2].shape)
        )
    return found


@compiled
def stream_rates(values: Floats, priors: Priors, record: Arrays) -> Floats:
    """Immigrants of each stream in a week of the record's mean level, (k,)."""
    rates = np.empty(len(record.side))
    for k in range(len(rates)):
        rates[k] = values[priors.offset[RATE] + record.rate_of[k]] * record.rate_share[k]
    return rates


@compiled
def ornstein_uhlenbeck(innovations: Floats, decay: float, noise: float) -> Floats:
    """Return x at the knots: x[0] = ε[0], x[m] = φ·x[m−1] + noise·ε[m]."""
    x = np.empty(len(innovations))
    x[0] = innovations[0]
    for m in range(1, len(x)):
        x[m] = decay * x[m - 1] + noise * innovations[m]
    return x


@compiled
def between_knots(knots: Floats, every: int, n: int) -> Floats:
    """Values in each of n steps, linear between knots that stand ``every`` so many steps."""
    values = np.empty(n)
    for t in range(n):
        m = t // every
        values[t] = knots[m] + (t - m * every) / every * (knots[m + 1] - knots[m])
    return values


@inner
def _to_knots(d_values: Floats, every: int, d_knots: Floats) -> None:
    for t in range(len(d_values)):
        m = t // every
        part = (t - m * every) / every
        d_knots[m] += (1.0 - part) * d_values[t]
        d_knots[m + 1] += part * d_values[t]


@compiled
def answer_weights(
    values: Floats, rates: Floats, priors: Priors, record: Arrays
) -> tuple[Floats, Floats, Floats, Floats]:
    """How acts are shared among streams, and how much more an act brings about by its severity.

    Returns
    -------
    tuple of ndarray
        Share of a stream in its side, (k,), and in its side's acts of the category, (k,), each zero for
        cooperation; factors (s, k): v/(1 + R·V·v(s)/v(5)/C) with v = exp((κ + η(s̄_k − 1))(s − 2)), R the
        sum of both numbers and V the mean of v(5) over the streams of the side and category; and the part
        exp(η(s̄_k − 1)(s − 2)) of v.
    """
    o = priors.offset
    n_streams, severer = len(record.side), math.exp(values[o[SEVERITY]])
    side_total = np.zeros(2)
    kind_total = np.zeros((2, record.n_categories))
    for k in range(n_streams):
        if record.side[k] >= 0:
            side_total[record.side[k]] += rates[k]
            kind_total[record.side[k], record.category[k]] += rates[k]
    in_side, in_kind = np.zeros(n_streams), np.zeros(n_streams)
    factor, grave = np.ones((SEVERITIES, n_streams)), np.ones((SEVERITIES, n_streams))
    for k in range(n_streams):
        if record.side[k] >= 0:
            in_side[k] = rates[k] / side_total[record.side[k]]
            in_kind[k] = rates[k] / kind_total[record.side[k], record.category[k]]
            graver = math.exp(values[o[GRAVITY]] * (record.severity[k] - 1.0))
            more = graver * severer
            grave[0, k], factor[0, k] = 1.0 / graver, 1.0 / more
            for s in range(2, SEVERITIES):
                grave[s, k], factor[s, k] = grave[s - 1, k] * graver, factor[s - 1, k] * more
    gravest = _gravest(in_kind, factor[-1], record)
    number = values[o[ANSWERS] + SAME] + values[o[ANSWERS] + OTHER]
    for k in range(n_streams):
        if record.side[k] >= 0:
            full = number / values[o[MOST]] * gravest[record.side[k], record.category[k]] / factor[-1, k]
            for s in range(SEVERITIES):
                factor[s, k] /= 1.0 + full * factor[s, k]
    return in_side, in_kind, factor, grave


@inner
def _gravest(in_kind: Floats, values: Floats, record: Arrays) -> Floats:
    """Mean of values by stream, (k,), in proportion to rates, by side and category, (side, c)."""
    mean = np.zeros((2, record.n_categories))
    for k in range(len(in_kind)):
        if record.side[k] >= 0:
            mean[record.side[k], record.category[k]] += in_kind[k] * values[k]
    return mean


@inner
def _of_factors(
    d_factor: Floats,
    values: Floats,
    rates: Floats,
    weights: tuple[Floats, Floats, Floats, Floats],
    priors: Priors,
    record: Arrays,
    gradient: Floats,
    d_rate: Floats,
) -> None:
    """From the factors of ``answer_weights``, (s, k), back to numbers, severities and rates.

    With f = v/(1 + b·v), d ln f = (f/v)·(d ln v − b·v·d ln b), where b = R·V/(C·v(5)).
    """
    o, factor, in_kind = priors.offset, weights[2], weights[1]
    number = values[o[ANSWERS] + SAME] + values[o[ANSWERS] + OTHER]
    slope = np.array([values[o[SEVERITY]] + values[o[GRAVITY]] * (one - 1.0) for one in record.severity])
    plain = np.exp((SEVERITIES - 2) * slope)
    gravest = _gravest(in_kind, plain, record)
    d_gravest, d_slope = np.zeros((2, record.n_categories)), np.zeros(len(rates))
    for k in range(len(rates)):
        if record.side[k] >= 0:
            a, c = record.side[k], record.category[k]
            d_full = 0.0
            for s in range(SEVERITIES):
                kept = factor[s, k] * math.exp(-(s - 1) * slope[k])  # f/v
                own = d_factor[s, k] * factor[s, k]
                d_slope[k] += own * kept * (s - 1)
                d_full -= own * (1.0 - kept)
            d_slope[k] -= d_full * (SEVERITIES - 2)
            d_gravest[a, c] += d_full / gravest[a, c]
            gradient[o[MOST]] -= d_full / values[o[MOST]]
            gradient[o[ANSWERS] + SAME] += d_full / number
            gradient[o[ANSWERS] + OTHER] += d_full / number
    for k in range(len(rates)):
        if record.side[k] >= 0:
            own = d_gravest[record.side[k], record.category[k]]
            mean = gravest[record.side[k], record.category[k]]
            d_slope[k] += own * in_kind[k] * plain[k] * (SEVERITIES - 2)
            d_rate[k] += own * in_kind[k] / rates[k] * (plain[k] - mean)
            gradient[o[SEVERITY]] += d_slope[k]
            gradient[o[GRAVITY]] += d_slope[k] * (record.severity[k] - 1.0)


@compiled
def reaction_shares(values: Floats, rates: Floats, grave: Floats, priors: Priors, record: Arrays) -> Floats:
    """How many acts of each stream are one answer of a reaction, (i, k), but for the factor ``grave`` (s, k).

    In proportion to rates and to exp(θ(s̄_k − 1)); with it, answers to a trigger of severity 4 add up to one.
    """
    o, n_streams = priors.offset, len(rates)
    shares = np.zeros((len(record.then), n_streams))
    for i in range(len(record.then)):
        total = 0.0
        for k in range(n_streams):
            if record.then[i, k] > 0.0:
                graver = values[o[REACTION_GRAVITY] + i] * (record.severity[k] - 1.0)
                shares[i, k] = record.then[i, k] * rates[k] * math.exp(graver)
                total += shares[i, k] * grave[REFERENCE, k]
        for k in range(n_streams):
            shares[i, k] /= total
    return shares


class Course(NamedTuple):
    """How tension, drift and ballast ran over the record, and what their gradients need."""

    knot_decay: float  # autocorrelation of tension from knot to knot
    knots: Floats  # (m): tension, of unit variance
    tension: Floats  # (t)
    unit_drift: Floats  # (knot of drift): drift, of unit variance
    drift: Floats  # (t): exp(drift) times the weight of the week, up to a factor
    drift_sum: float
    level: Floats  # (t): what drift and ballast multiply immigrants of conflict by; drift has mean one
    saturation: Floats  # (kind, t): N/(N + 5) of the recent acts of cooperation N
    d_saturation: Floats  # (kind, t): its derivative in the weekly decay of N


@inner
def _course(values: Floats, priors: Priors, record: Arrays) -> Course:
    """Tension, drift and ballast at a point (``docs/model.md``, tension and ballast)."""
    o, n, n_parameters = priors.offset, len(record.days), len(priors.family)
    innovations = values[n_parameters : n_parameters + priors.n_knots]
    knot_decay = math.exp(-STEP_DAYS * KNOT_STEPS / values[o[PERSISTENCE]])
    knots = ornstein_uhlenbeck(innovations, knot_decay, math.sqrt(1.0 - knot_decay * knot_decay))
    unit_drift = ornstein_uhlenbeck(values[n_parameters + priors.n_knots :], DRIFT_DECAY, DRIFT_NOISE)
    scale = values[o[DRIFT]]
    highest = scale * (unit_drift.max() if scale > 0.0 else unit_drift.min())
    drift = np.empty(n)
    drift_sum = weight_sum = 0.0
    for m in range((n - 1) // DRIFT_KNOT_STEPS + 1):
        following = math.exp(scale * unit_drift[m] - highest)
        ratio = math.exp(scale * (unit_drift[m + 1] - unit_drift[m]) / DRIFT_KNOT_STEPS)
        for t in range(m * DRIFT_KNOT_STEPS, min(n, (m + 1) * DRIFT_KNOT_STEPS)):
            drift[t] = following * record.weight[t]
            following *= ratio
            drift_sum += drift[t]
            weight_sum += record.weight[t]
    decay = math.exp(-STEP_DAYS * _LOG_2 / values[o[CALM_LIFE]])
    n_calming = len(record.calming)
    calm, level = np.zeros(n), np.empty(n)
    saturation, d_saturation = np.empty((n_calming, n)), np.empty((n_calming, n))
    for b in range(n_calming):
        amount = d_amount = 0.0
        for t in range(n):
            inverse = 1.0 / (amount + HALF_SATURATION)
            saturation[b, t] = amount * inverse
            d_saturation[b, t] = HALF_SATURATION * inverse * inverse * d_amount
            calm[t] -= values[o[BALLAST] + b] * saturation[b, t]
            total_amount = amount + record.calming[b, t]
            d_amount = total_amount + decay * d_amount
            amount = decay * total_amount
    for t in range(n):
        level[t] = drift[t] / record.weight[t] * (weight_sum / drift_sum)
        if n_calming > 0:
            level[t] *= math.exp(calm[t])
    tension = between_knots(knots, KNOT_STEPS, n)
    return Course(knot_decay, knots, tension, unit_drift, drift, drift_sum, level, saturation, d_saturation)


class Immigrants(NamedTuple):
    """Immigrants by week and category; conflict alone drifts and is calmed."""

    loading: Floats  # (c): log factor of a unit of tension
    conflict: Floats  # (c): 1 where the category is conflict
    rate: Floats  # (c): a day, of the record's mean level
    expected: Floats  # (t, c): a day, in each week
    slope: Floats  # (t, c): gradient in the log of ``expected``: share of acts that are immigrants, less all
    whole: Floats  # (c): −Σ expected·days


@inner
def _immigrants(values: Floats, rates: Floats, course: Course, priors: Priors, record: Arrays) -> Immigrants:
    """Immigrants that each category expects: r·exp(ℓσx − (ℓσ)²/2)·level; ``slope`` without any act yet."""
    o, n, n_categories = priors.offset, len(record.days), record.n_categories
    loading, conflict, rate = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
    for k in range(len(record.side)):
        rate[record.category[k]] += rates[k] / STEP_DAYS
        if record.side[k] >= 0:
            conflict[record.category[k]] = 1.0
    for c in range(n_categories):
        loading[c] = values[o[LOADING] + c] * values[o[SCALE]]
    expected, slope, whole = np.zeros((n, LANES)), np.zeros((n, LANES)), np.zeros(LANES)
    moved, steeper, level, days = np.zeros(LANES), np.ones(LANES), course.level, record.days
    for m in range((n - 1) // KNOT_STEPS + 1):
        for c in range(n_categories):
            if m % 8 == 0:  # before rounding adds up
                mean = math.exp(loading[c] * course.knots[m] - 0.5 * loading[c] * loading[c])
                moved[c] = mean * rate[c]
            # Linear between knots, so that the exponential is geometric there.
            steeper[c] = math.exp(loading[c] * (course.knots[m + 1] - course.knots[m]) / KNOT_STEPS)
        for t in range(m * KNOT_STEPS, min(n, (m + 1) * KNOT_STEPS)):
            for c in range(LANES):
                expected[t, c] = moved[c] * (level[t] if conflict[c] > 0.0 else 1.0)
                slope[t, c] = -days[t] * expected[t, c]
                whole[c] += slope[t, c]
                moved[c] *= steeper[c]
    return Immigrants(loading, conflict, rate, expected, slope, whole)


class Kernels(NamedTuple):
    """Geometric kernels, g(n) = (1 − ρ)ρ^(n−1): of answers, of follow-on, then of each reaction e."""

    decay: Floats  # (e): ρ
    per: Floats  # (e): (1 − ρ)/ρ
    powers: Floats  # (e, days): ρ^days


@inner
def _kernels(values: Floats, priors: Priors, record: Arrays) -> Kernels:
    o, n = priors.offset, 2 + len(record.then)
    decay, per, powers = np.empty(n), np.empty(n), np.ones((n, POWERS + 1))
    for e in range(n):
        at = o[ANSWER_LIFE] if e == 0 else o[FOLLOW_LIFE] if e == 1 else o[REACTION_LIFE] + e - 2
        decay[e] = math.exp(-_LOG_2 / values[at])
        per[e] = (1.0 - decay[e]) / decay[e]
        for d in range(POWERS):
            powers[e, d + 1] = powers[e, d] * decay[e]
    return Kernels(decay, per, powers)


class Offspring(NamedTuple):
    """Acts of a stream that one act brings about in all, by side and severity x of that act."""

    any_kind: Floats  # (k, x): answers of any category
    in_kind: Floats  # (k, x): answers of the category of the act
    reaction: Floats  # (i·k, x): answers of each reaction, by severity of its trigger
    reaction_share: Floats  # (i, k): see ``reaction_shares``
    reaction_factor: Floats  # (i, s): of the severity of the trigger


@inner
def _offspring(
    values: Floats,
    rates: Floats,
    weights: tuple[Floats, Floats, Floats, Floats],
    priors: Priors,
    record: Arrays,
) -> Offspring:
    """mass_k(j) of every kind of act j (``docs/model.md``, answers)."""
    o, n_streams, n_reactions = priors.offset, len(record.side), len(record.then)
    in_side, in_kind, factor, grave = weights
    number, kind_share = values[o[ANSWERS] : o[ANSWERS] + 2], values[o[IN_KIND] : o[IN_KIND] + 2]
    any_kind, same_kind = np.zeros((n_streams, WIDTH)), np.zeros((n_streams, WIDTH))
    reaction, reaction_factor = (
        np.zeros((n_reactions * n_streams, WIDTH)),
        np.empty((n_reactions, SEVERITIES)),
    )
    share = reaction_shares(values, rates, grave, priors, record)
    for i in range(n_reactions):
        for s in range(SEVERITIES):
            reaction_factor[i, s] = math.exp(values[o[REACTION_SEVERITY] + i] * (s - REFERENCE))
        for k in range(n_streams):
            if record.then[i, k] > 0.0:
                for s in range(SEVERITIES):
                    own = values[o[REACTION] + i] * share[i, k]
                    reaction[i * n_streams + k, s] = own * reaction_factor[i, s] * grave[s, k]
    for k in range(n_streams):
        if record.side[k] >= 0:
            for a in range(2):
                e = SAME if a == record.side[k] else OTHER
                of_side = number[e] * (1.0 - kind_share[e]) * in_side[k]
                of_kind = number[e] * kind_share[e] * in_kind[k]
                for s in range(SEVERITIES):
                    any_kind[k, a * SEVERITIES + s] = of_side * factor[s, k]
                    same_kind[k, a * SEVERITIES + s] = of_kind * factor[s, k]
    return Offspring(any_kind, same_kind, reaction, share, reaction_factor)


class Sums(NamedTuple):
    """What gradients need of the acts; the second half of a row, 2x, is the derivative in ρ, times ρ.

    The first three sum the states that acts read, each over the intensity of the act.
    """

    any_kind: Floats  # (k, 2x): states of all categories
    in_kind: Floats  # (k, 2x): states of the stream's own category
    reaction: Floats  # (i·k, 2x): states of each reaction
    follow_on: Floats  # (2): states of the stream itself, all streams of cooperation together
    brought: Floats  # (row, 2x): Σ of g·completeness within the record over acts, see ``_past_acts``
    immigrant: Floats  # (k): acts that were immigrants, one may expect


@inner
def _no_sums(record: Arrays) -> tuple[Floats, Sums]:
    """States of the past and sums, before any act."""
    n_streams, n_reactions = len(record.side), len(record.then)
    n_rows = record.n_categories + 1 + n_reactions + n_streams
    return np.zeros((n_rows, WIDTH)), Sums(
        np.zeros((n_streams, WIDTH)),
        np.zeros((n_streams, WIDTH)),
        np.zeros((n_reactions * n_streams, WIDTH)),
        np.zeros(2),
        np.zeros((n_rows, WIDTH)),
        np.zeros(n_streams),
    )


@inner
def _decayed(states: Floats, row: int, powers: Floats, e: int, gap: int) -> None:
    """Bring the states of a row, and their derivatives times the decay, some days on."""
    left = powers[e, gap % POWERS]
    for _ in range(gap // POWERS):
        left *= powers[e, POWERS]
    half = states.shape[1] // 2
    for x in range(half):
        state = states[row, x]
        states[row, half + x] = left * (states[row, half + x] + gap * state)
        states[row, x] = left * state


@inner
def _product(masses: Floats, row: int, states: Floats, of: int) -> float:
    """Σ masses[row]·states[of] over sides and severities; written out, so that it needs no loop."""
    p0 = masses[row, 0] * states[of, 0] + masses[row, 1] * states[of, 1]
    p1 = masses[row, 2] * states[of, 2] + masses[row, 3] * states[of, 3]
    p2 = masses[row, 4] * states[of, 4] + masses[row, 5] * states[of, 5]
    p3 = masses[row, 6] * states[of, 6] + masses[row, 7] * states[of, 7]
    p4 = masses[row, 8] * states[of, 8] + masses[row, 9] * states[of, 9]
    return float((p2 + p3) + (p4 + (p0 + p1)))


@inner
def _add(sums: Floats, row: int, factor: float, states: Floats, of: int) -> None:
    """sums[row] += factor·states[of]."""
    for x in range(states.shape[1]):
        sums[row, x] += factor * states[of, x]


@inner
def _past_acts(
    total: float,
    values: Floats,
    rates: Floats,
    kernels: Kernels,
    offspring: Offspring,
    immigrants: Immigrants,
    past: Floats,
    sums: Sums,
    priors: Priors,
    record: Arrays,
) -> tuple[float, float]:
    """Add the log intensities of the acts to ``total``, but for the last, and write ``immigrants.slope``.

    Rows of states hold acts of the past by age, weighted: Σ ρ^age in the first half, Σ age·ρ^age in the
    second; answers by category, then of all categories, of each reaction, and follow-on by stream. An act
    answers those of earlier days alone, each with weight (1 − ρ)/ρ·ρ^age. Rows are brought forward where
    they are read. What an act brings about within the record, Σ g(n)·completeness[d + n], is completeness[d]
    and, for every day on which completeness jumps, ρ^age times the jump.
    """
    n_streams, n_acts, n_days = len(record.side), len(record.day), len(record.completeness)
    n_reactions, every = len(record.then), record.n_categories
    reactions, follows = every + 1, every + 1 + n_reactions
    n_rows = follows + n_streams
    follow_on = values[priors.offset[FOLLOW_ON]]
    last = np.full(n_rows, -1)
    # Names of their own, since a loop counts references for each field that it reads.
    of_any_kind, of_in_kind, of_reaction, followed, brought, immigrant = sums
    any_kind, in_kind, reaction, _, _ = offspring
    per, powers, expected, slope = kernels.per, kernels.powers, immigrants.expected, immigrants.slope
    day, stream, grade, trigger = record.day, record.stream, record.grade, record.trigger
    then, category, side, completeness = record.then, record.category, record.side, record.completeness
    part = np.empty(n_streams)
    for k in range(n_streams):
        part[k] = rates[k] / STEP_DAYS / immigrants.rate[category[k]]
    product = 1.0
    begin = 0
    for stop in record.jumps:
        while begin < n_acts and day[begin] <= stop:
            now = day[begin]
            t, share = now // STEP_DAYS, completeness[now]
            _decayed(past, every, powers, 0, now - last[every])
            last[every] = now
            for i in range(n_reactions):
                _decayed(past, reactions + i, powers, 2 + i, now - last[reactions + i])
                last[reactions + i] = now
            end = begin
            while end < n_acts and day[end] == now:
                k, many = stream[end], 0
                while end < n_acts and day[end] == now and stream[end] == k:
                    end += 1
                    many += 1
                if k < 0:
                    continue
                c = category[k]
                own = part[k] * expected[t, c]
                if side[k] >= 0:
                    if now > last[c]:
                        _decayed(past, c, powers, 0, now - last[c])
                        last[c] = now
                    answers = per[0] * (_product(any_kind, k, past, every) + _product(in_kind, k, past, c))
                    for i in range(n_reactions):
                        if then[i, k] > 0.0:
                            at = i * n_streams + k
                            answers += per[2 + i] * _product(reaction, at, past, reactions + i)
                    intensity = own + answers
                    inverse = many / intensity
                    _add(of_any_kind, k, inverse, past, every)
                    _add(of_in_kind, k, inverse, past, c)
                    for i in range(n_reactions):
                        if then[i, k] > 0.0:
                            _add(of_reaction, i * n_streams + k, inverse, past, reactions + i)
                else:
                    row = follows + k
                    _decayed(past, row, powers, 1, now - last[row])
                    last[row] = now
                    intensity = own + follow_on * per[1] * past[row, 0]
                    inverse = many / intensity
                    followed[0] += inverse * past[row, 0]
                    followed[1] += inverse * past[row, PAIRS]
                slope[t, c] += own * inverse
                immigrant[k] += own * inverse
                # One logarithm for the product of many.
                for _ in range(many):
                    product *= intensity * share
                    if not 1e-100 < product < 1e100:
                        total += math.log(product)
                        product = 1.0
            for j in range(begin, end):
                k, s = stream[j], grade[j]
                for i in range(n_reactions):
                    if trigger[i, j] > 0.0:
                        past[reactions + i, s] += 1.0
                        brought[reactions + i, s] += share
                if k >= 0 and side[k] >= 0:
                    c, x = category[k], side[k] * SEVERITIES + s
                    past[every, x] += 1.0
                    past[c, x] += 1.0
                    brought[c, x] += share
                elif k >= 0:
                    past[follows + k, 0] += 1.0
                    brought[follows + k, 0] += share
            begin = end
        jump = (completeness[stop + 1] if stop + 1 < n_days else 0.0) - completeness[stop]
        for row in range(n_rows):
            if last[row] >= 0 and row != every:
                e = 0 if row < every else 1 if row >= follows else 2 + row - reactions
                _decayed(past, row, powers, e, stop - last[row])
                last[row] = stop
                _add(brought, row, jump, past, row)
    return total, math.log(product)


@inner
def unreported(values: Floats, priors: Priors, record: Arrays, sets_off: Flags) -> Floats:
    """Acts of each stream that happened on each day and are not yet reported, one may expect, (d, k).

    Reports thin the acts, so that those still to come are λ·(1 − known) whatever was reported; they are
    answered, too, and set off the reactions i of which ``sets_off``, (i, k), is true.
    """
    rates, share = stream_rates(values, priors, record), record.completeness
    weights, n_streams = answer_weights(values, rates, priors, record), len(record.side)
    immigrants = _immigrants(values, rates, _course(values, priors, record), priors, record)
    offspring, kernels = _offspring(values, rates, weights, priors, record), _kernels(values, priors, record)
    found, begin, quiet = np.zeros((len(share), n_streams)), 0, 0
    coming, brought = np.zeros((len(kernels.decay), n_streams)), np.zeros((len(kernels.decay), n_streams))
    follow_on = values[priors.offset[FOLLOW_ON]]
    of_one, triggers = np.zeros((n_streams, *coming.shape)), np.zeros(len(sets_off), dtype=np.bool_)
    for k in range(n_streams):
        for s in range(SEVERITIES):
            if record.mix[k, s] > 0.0:
                _bring(of_one[k], k, s, record.mix[k, s], sets_off[:, k], offspring, follow_on, record)
    for d in range(np.flatnonzero(share < 1.0)[-1] + 1):
        if share[d] == 1.0 and (begin == len(record.day) or record.day[begin] > d):
            quiet += 1
            continue
        if quiet:
            for e in range(len(coming)):
                kept = kernels.decay[e] ** quiet
                for k in range(n_streams):
                    coming[e, k] *= kept
        quiet, brought[:] = 0, 0.0
        while begin < len(record.day) and record.day[begin] == d:
            k = record.stream[begin]
            for i in range(len(triggers)):
                triggers[i] = record.trigger[i, begin] > 0.0 or (k >= 0 and sets_off[i, k])
            _bring(brought, k, record.grade[begin], 1.0, triggers, offspring, follow_on, record)
            begin += 1
        for k in range(n_streams if share[d] < 1.0 else 0):
            c = record.category[k]
            own = rates[k] / STEP_DAYS / immigrants.rate[c] * immigrants.expected[d // STEP_DAYS, c]
            found[d, k] = (own + coming[:, k].sum()) * (1.0 - share[d])
            for e in range(len(brought)):
                for n in range(n_streams):
                    brought[e, n] += found[d, k] * of_one[k, e, n]
        for e in range(len(coming)):
            for k in range(n_streams):
                coming[e, k] = kernels.decay[e] * coming[e, k] + (1.0 - kernels.decay[e]) * brought[e, k]
    return found


@inner
def _bring(
    brought: Floats,
    k: int,
    s: int,
    acts: float,
    triggers: Flags,
    offspring: Offspring,
    follow_on: float,
    record: Arrays,
) -> None:
    """Add what acts of a stream and severity bring about in all, by kernel and stream, to ``brought``."""
    n_streams = len(record.side)
    if k >= 0 and record.side[k] < 0:
        brought[1, k] += acts * follow_on
    for n in range(n_streams):
        if k >= 0 and record.side[k] >= 0:
            x = record.side[k] * SEVERITIES + s
            alike = record.category[n] == record.category[k]
            brought[0, n] += acts * (offspring.any_kind[n, x] + alike * offspring.in_kind[n, x])
        for i in range(len(triggers)):
            if triggers[i]:
                brought[2 + i, n] += acts * offspring.reaction[i * n_streams + n, s]


@inner
def _of_answers(
    total: float,
    values: Floats,
    rates: Floats,
    weights: tuple[Floats, Floats, Floats, Floats],
    kernels: Kernels,
    offspring: Offspring,
    sums: Sums,
    priors: Priors,
    record: Arrays,
    gradient: Floats,
    d_rate: Floats,
    d_factor: Floats,
) -> float:
    """Take the answers expected off ``total``; add to the gradients in numbers, shares and factors."""
    o, n_streams = priors.offset, len(record.side)
    every, decay, per = record.n_categories, kernels.decay[0], kernels.per[0]
    in_side, in_kind, factor, _ = weights
    number, kind_share = values[o[ANSWERS] : o[ANSWERS] + 2], values[o[IN_KIND] : o[IN_KIND] + 2]
    any_kind, same_kind = offspring.any_kind, offspring.in_kind
    of_any_kind, of_in_kind, brought = sums.any_kind, sums.in_kind, sums.brought
    d_decay = 0.0
    d_in_side, d_in_kind = np.zeros(n_streams), np.zeros(n_streams)
    side_mean, kind_mean = np.zeros(2), np.zeros((2, record.n_categories))
    for c in range(record.n_categories):
        _add(brought, every, 1.0, brought, c)
    for k in range(n_streams):
        if record.side[k] < 0:
            continue
        c = record.category[k]
        for a in range(2):
            e = SAME if a == record.side[k] else OTHER
            of_side = of_kind = 0.0
            for s in range(SEVERITIES):
                x = a * SEVERITIES + s
                total -= any_kind[k, x] * brought[every, x] + same_kind[k, x] * brought[c, x]
                answered = any_kind[k, x] * of_any_kind[k, x] + same_kind[k, x] * of_in_kind[k, x]
                d_decay += any_kind[k, x] * (per * of_any_kind[k, PAIRS + x] - brought[every, PAIRS + x])
                d_decay += (
                    same_kind[k, x] * (per * of_in_kind[k, PAIRS + x] - brought[c, PAIRS + x])
                    - answered / decay
                )
                to_side = per * of_any_kind[k, x] - brought[every, x]
                to_kind = per * of_in_kind[k, x] - brought[c, x]
                of_side += factor[s, k] * to_side
                of_kind += factor[s, k] * to_kind
                d_factor[s, k] += number[e] * (
                    (1.0 - kind_share[e]) * in_side[k] * to_side + kind_share[e] * in_kind[k] * to_kind
                )
            split = (1.0 - kind_share[e]) * in_side[k] * of_side + kind_share[e] * in_kind[k] * of_kind
            gradient[o[ANSWERS] + e] += split
            gradient[o[IN_KIND] + e] += number[e] * (in_kind[k] * of_kind - in_side[k] * of_side)
            d_in_side[k] += number[e] * (1.0 - kind_share[e]) * of_side
            d_in_kind[k] += number[e] * kind_share[e] * of_kind
        side_mean[record.side[k]] += in_side[k] * d_in_side[k]
        kind_mean[record.side[k], c] += in_kind[k] * d_in_kind[k]
    for k in range(n_streams):
        if record.side[k] >= 0:
            d_rate[k] += in_side[k] / rates[k] * (d_in_side[k] - side_mean[record.side[k]])
            of_kind = kind_mean[record.side[k], record.category[k]]
            d_rate[k] += in_kind[k] / rates[k] * (d_in_kind[k] - of_kind)
    life = values[o[ANSWER_LIFE]]
    gradient[o[ANSWER_LIFE]] += d_decay * _LOG_2 / (life * life)
    return total


@inner
def _of_follow_on(
    values: Floats, kernels: Kernels, sums: Sums, priors: Priors, record: Arrays, gradient: Floats
) -> float:
    """Cooperation expected to follow cooperation; adds to its gradients."""
    o, brought, d_brought = priors.offset, 0.0, 0.0
    for row in range(record.n_categories + 1 + len(record.then), len(sums.brought)):
        brought += sums.brought[row, 0]
        d_brought += sums.brought[row, PAIRS]
    life, number = values[o[FOLLOW_LIFE]], values[o[FOLLOW_ON]]
    followed, d_followed = sums.follow_on[0], sums.follow_on[1]
    d_decay = number * (kernels.per[1] * d_followed - followed / kernels.decay[1] - d_brought)
    gradient[o[FOLLOW_LIFE]] += d_decay * _LOG_2 / (life * life)
    gradient[o[FOLLOW_ON]] += kernels.per[1] * followed - brought
    return float(number * brought)


@inner
def _of_reactions(
    total: float,
    values: Floats,
    rates: Floats,
    grave: Floats,
    kernels: Kernels,
    offspring: Offspring,
    sums: Sums,
    priors: Priors,
    record: Arrays,
    gradient: Floats,
    d_rate: Floats,
) -> float:
    """Take the answers of reactions off ``total``; add to the gradients in numbers, severities and rates."""
    o, n_streams, then = priors.offset, len(record.side), record.then
    masses, reacted, brought = offspring.reaction, sums.reaction, sums.brought
    for i in range(len(then)):
        mean = d_decay = 0.0
        d_share, row = np.zeros(n_streams), record.n_categories + 1 + i
        decay, per, share = kernels.decay[2 + i], kernels.per[2 + i], offspring.reaction_share[i]
        for k in range(n_streams):
            if then[i, k] > 0.0:
                at = i * n_streams + k
                for s in range(SEVERITIES):
                    mass = masses[at, s]
                    total -= mass * brought[row, s]
                    slope = per * reacted[at, PAIRS + s] - brought[row, PAIRS + s]
                    d_decay += mass * (slope - reacted[at, s] / decay)
                    part = per * reacted[at, s] - brought[row, s]
                    part *= offspring.reaction_factor[i, s] * grave[s, k]
                    own = values[o[REACTION] + i] * share[k] * part
                    gradient[o[REACTION] + i] += share[k] * part
                    gradient[o[REACTION_SEVERITY] + i] += (s - REFERENCE) * own
                    gradient[o[GRAVITY]] += (s - 1) * (record.severity[k] - 1.0) * own
                    d_share[k] += values[o[REACTION] + i] * part
                mean += share[k] * d_share[k]
        for k in range(n_streams):
            if then[i, k] > 0.0:
                of_total = grave[REFERENCE, k] * mean
                own = share[k] * (d_share[k] - of_total)
                d_rate[k] += own / rates[k]
                gradient[o[REACTION_GRAVITY] + i] += own * (record.severity[k] - 1.0)
                gravity = (REFERENCE - 1) * (record.severity[k] - 1.0)
                gradient[o[GRAVITY]] -= share[k] * of_total * gravity
        life = values[o[REACTION_LIFE] + i]
        gradient[o[REACTION_LIFE] + i] += d_decay * _LOG_2 / (life * life)
    return total


@inner
def _of_course(
    values: Floats, course: Course, immigrants: Immigrants, priors: Priors, record: Arrays, gradient: Floats
) -> None:
    """From the moved rates, ``immigrants.slope``, back to loadings, ballast, and knots."""
    o, n, n_parameters = priors.offset, len(record.days), len(priors.family)
    loading, conflict, slope = immigrants.loading, immigrants.conflict, immigrants.slope
    tension, saturation, d_saturation = course.tension, course.saturation, course.d_saturation
    d_tension, d_level = np.empty(n), np.empty(n)
    by_category, by_tension = np.zeros(LANES), np.zeros(LANES)
    for t in range(n):
        for c in range(LANES):
            by_category[c] += slope[t, c]
            by_tension[c] += tension[t] * slope[t, c]
        d_tension[t] = _product_of_lanes(loading, slope[t])
        d_level[t] = _product_of_lanes(conflict, slope[t])
    for c in range(record.n_categories):
        d_loading = by_tension[c] - loading[c] * by_category[c]
        gradient[o[LOADING] + c] += d_loading * values[o[SCALE]]
        gradient[o[SCALE]] += d_loading * values[o[LOADING] + c]
    d_calm_decay = 0.0
    for b in range(len(record.calming)):
        d_ballast = d_own = 0.0
        for t in range(n):
            d_ballast += d_level[t] * saturation[b, t]
            d_own += d_level[t] * d_saturation[b, t]
        gradient[o[BALLAST] + b] -= d_ballast
        d_calm_decay -= values[o[BALLAST] + b] * d_own
    life = values[o[CALM_LIFE]]
    decay = math.exp(-STEP_DAYS * _LOG_2 / life)
    gradient[o[CALM_LIFE]] += d_calm_decay * decay * STEP_DAYS * _LOG_2 / (life * life)

    d_drift_knots, drift_scale = np.zeros(priors.n_drift_knots), values[o[DRIFT]]
    level_sum = d_level.sum() / course.drift_sum
    for t in range(n):
        d_level[t] -= level_sum * course.drift[t]
    _to_knots(d_level, DRIFT_KNOT_STEPS, d_drift_knots)
    first = n_parameters + priors.n_knots
    adjoint = 0.0
    for m in range(priors.n_drift_knots - 1, 0, -1):
        gradient[o[DRIFT]] += d_drift_knots[m] * course.unit_drift[m]
        adjoint = drift_scale * d_drift_knots[m] + DRIFT_DECAY * adjoint
        gradient[first + m] += DRIFT_NOISE * adjoint
    gradient[o[DRIFT]] += d_drift_knots[0] * course.unit_drift[0]
    gradient[first] += drift_scale * d_drift_knots[0] + DRIFT_DECAY * adjoint
    d_knots, innovations = np.zeros(priors.n_knots), values[n_parameters:]
    _to_knots(d_tension, KNOT_STEPS, d_knots)
    knot_decay = course.knot_decay
    knot_noise = math.sqrt(1.0 - knot_decay * knot_decay)
    adjoint = d_knot_decay = 0.0
    for m in range(priors.n_knots - 1, 0, -1):
        adjoint = d_knots[m] + knot_decay * adjoint
        gradient[n_parameters + m] += knot_noise * adjoint
        d_knot_decay += adjoint * (course.knots[m - 1] - knot_decay / knot_noise * innovations[m])
    gradient[n_parameters] += d_knots[0] + knot_decay * adjoint
    persistence = values[o[PERSISTENCE]]
    gradient[o[PERSISTENCE]] += d_knot_decay * knot_decay * STEP_DAYS * KNOT_STEPS / persistence**2


@inner
def _product_of_lanes(one: Floats, other: Floats) -> float:
    """Σ one·other over categories."""
    p0 = one[0] * other[0] + one[1] * other[1]
    p1 = one[2] * other[2] + one[3] * other[3]
    p2 = one[4] * other[4] + one[5] * other[5]
    p3 = one[6] * other[6] + one[7] * other[7]
    return float((p0 + p1) + (p2 + p3))


@inner
def _likelihood(
    values: Floats,
    rates: Floats,
    weights: tuple[Floats, Floats, Floats, Floats],
    priors: Priors,
    record: Arrays,
    gradient: Floats,
    d_rate: Floats,
    d_factor: Floats,
) -> float:
    """Log likelihood Σ log λ_j − ∫λ, given ``answer_weights``; adds to the gradients in values and these.

    Silence before the record counts at the record's mean level, without answers. The terms are added up in
    one order, so that the last digit stays.
    """
    course = _course(values, priors, record)
    immigrants = _immigrants(values, rates, course, priors, record)
    kernels = _kernels(values, priors, record)
    offspring = _offspring(values, rates, weights, priors, record)
    whole = immigrants.whole.sum()
    past, sums = _no_sums(record)
    total, last = _past_acts(whole, values, rates, kernels, offspring, immigrants, past, sums, priors, record)
    total += last - _of_follow_on(values, kernels, sums, priors, record, gradient)
    total = _of_answers(
        total, values, rates, weights, kernels, offspring, sums, priors, record, gradient, d_rate, d_factor
    )
    for k in range(len(rates)):
        c = record.category[k]
        d_rate[k] += sums.immigrant[k] / rates[k] + immigrants.whole[c] / immigrants.rate[c] / STEP_DAYS
        d_rate[k] -= record.silent[k]
        total -= rates[k] * record.silent[k]
    total = _of_reactions(
        total, values, rates, weights[3], kernels, offspring, sums, priors, record, gradient, d_rate
    )
    _of_course(values, course, immigrants, priors, record, gradient)
    return float(total)


@compiled
def densities(points: Floats, priors: Priors, record: Arrays) -> tuple[Floats, Floats]:
    """Log densities, (point,), and gradients, (point, p); −inf and 0 where the density is no number."""
    value, gradient = np.empty(len(points)), np.empty_like(points)
    for i in range(len(points)):
        value[i] = log_density(points[i], priors, record, gradient[i])
        if not (math.isfinite(value[i]) and np.isfinite(gradient[i]).all()):
            value[i], gradient[i] = -np.inf, 0.0
    return value, gradient


N_FIELDS = len(Priors._fields) + len(Arrays._fields) + 3


def packed(*fields: Floats | Integers | int) -> Integers:
    """Return numbers and arrays as words for ``functions_of_c``: where each lies, then all values."""
    header, values, begin = np.zeros((N_FIELDS, 3), dtype=np.int64), [], 3 * N_FIELDS
    for row, field in zip(header, fields, strict=True):
        if isinstance(field, int):
            row[0] = field
        else:
            row[:] = (begin, *field.shape, 1)[:3]
            begin += field.size
            values.append(np.ascontiguousarray(field).reshape(-1).view(np.int64))
    return np.concatenate([header.reshape(-1), *values])


@inner
def _integers(words: Integers, at: int) -> Integers:
    begin, n = words[3 * at], words[3 * at + 1]
    return words[begin : begin + n]


@inner
def _floats(words: Integers, at: int) -> Any:  # noqa: ANN401 - an array
    return _integers(words, at).view(np.float64)


@inner
def _matrix(words: Integers, at: int) -> Any:  # noqa: ANN401 - an array
    begin, n, m = words[3 * at], words[3 * at + 1], words[3 * at + 2]
    return words[begin : begin + n * m].view(np.float64).reshape(n, m)


@inner
def _words(address: Any) -> Any:  # noqa: ANN401 - a pointer to an array
    header = numba.carray(address, (N_FIELDS, 3), np.int64)
    return numba.carray(address, header[-1, 0] + header[-1, 1] * header[-1, 2], np.int64)


@inner
def _moved(place: Floats, words: Integers, point: Floats) -> None:
    """Write the point that a place of the scale stands for; the spread is upper triangular, here turned."""
    center, turned = _floats(words, N_FIELDS - 3), _matrix(words, N_FIELDS - 1)
    for p in range(len(center)):
        point[p] = center[p]
    for q in range(len(place)):
        for p in range(q + 1):
            point[p] += turned[q, p] * place[q]


def _sampled(n: int, place_: Any, gradient_: Any, value_: Any, words_: Any) -> int:  # noqa: ANN401
    """Write log density and gradient at a place of a scale; return 0, or 1 where they are no numbers."""
    words = _words(words_)
    place, gradient = numba.carray(place_, n), numba.carray(gradient_, n)
    priors = Priors(_integers(words, 0), _matrix(words, 1), _integers(words, 2), words[9], words[12])
    record = Arrays(
        _integers(words, 5),
        _integers(words, 6),
        _integers(words, 7),
        _matrix(words, 8),
        _matrix(words, 9),
        _integers(words, 10),
        _integers(words, 11),
        _floats(words, 12),
        _matrix(words, 13),
        _floats(words, 14),
        _integers(words, 15),
        _floats(words, 16),
        _floats(words, 17),
        _matrix(words, 18),
        _integers(words, 19),
        _floats(words, 20),
        _floats(words, 21),
        words[66],
    )
    point, own = np.empty(n), np.empty(n)
    _moved(place, words, point)
    value = log_density(point, priors, record, own)
    numba.carray(value_, 1)[0] = value
    spread, finite = _matrix(words, N_FIELDS - 2), math.isfinite(value)
    gradient[:] = 0.0
    for p in range(len(own)):
        finite = finite and math.isfinite(own[p])
        for q in range(p, len(own)):
            gradient[q] += spread[p, q] * own[p]
    return 0 if finite else 1


def _expanded(n: int, size: int, place_: Any, point_: Any, words_: Any) -> int:  # noqa: ANN401
    """Write the point that a place stands for."""
    _moved(numba.carray(place_, n), _words(words_), numba.carray(point_, size))
    return 0


@cache
def functions_of_c() -> tuple[Any, Any]:
    """Return log density with gradient, and point of a place, as the sampler's threads call them.

    Both are the same for records of every size. The address that they are given is that of
    ``packed(*priors, *record, center, spread, spread.T)``.
    """
    one, size, table = types.CPointer(types.float64), types.uint64, types.voidptr  # type: ignore[attr-defined]
    return (
        numba.cfunc(types.int64(size, one, one, one, table), cache=True)(_sampled),
        numba.cfunc(types.int64(size, size, one, one, table), cache=True)(_expanded),
    )
