"""Log posterior density of the cluster model, with its gradient: priors, transforms and likelihood at once.

Acts of conflict answer acts of conflict within days, by the other side or by one's own; the rest comes about
at a rate that tension and drift move. The equations are those of ``docs/model.md`` and, in plain PyMC, of
``forecast.models.definition``, to which tests hold value and gradient. Everything is generic in its sizes, so
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
from numba.core.cgutils import ir
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from forecast.events.codebook import CATEGORIES
from forecast.grid import DRIFT_DECAY, DRIFT_KNOT_STEPS, DRIFT_NOISE, HALF_SATURATION, KNOT_STEPS, STEP_DAYS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

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
    FOLLOW_ON,
    FOLLOW_LIFE,
    REACTION,
    REACTION_LIFE,
    REACTION_SEVERITY,
    REACTION_GRAVITY,
    BALLAST,
    CALM_LIFE,
) = range(18)
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

CHAIN_SLOPE, CHAIN_STEEPNESS = 4.0, 10.0
"""The soft bound on chains of acts: −4·softplus(10·(ρ − 1)), −0.5 at ρ = 0.8, −3 at 1, −9 at 1.2."""

_LOG_2, _LOG_2_PI = math.log(2.0), math.log(2.0 * math.pi)
_COMPILED = {
    "error_model": "numpy",
    # Leave to reorder sums would make results depend on what the cache holds.
    "fastmath": False,
    "cache": True,
    "nogil": True,
}


class Record(NamedTuple):
    """Data of one dyad: acts in order of days, streams, and the grid.

    ``trigger[i, j]`` is 1 where act j sets off reaction i, ``then[i, k]`` where stream k may answer it. A day
    on which nobody acts, but which sets off a reaction, is an act of stream −1 and severity ``REFERENCE``.
    ``inflation`` is how many acts one known act stands for, above 1 where reports come late.
    """

    day: Integers  # (j)
    stream: Integers  # (j)
    grade: Integers  # (j): severity less 1
    inflation: Floats  # (j)
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
    n_categories: int


class Priors(NamedTuple):
    """Priors of a point: family and its two values by coordinate; where each of ``GROUPS`` begins."""

    family: Integers  # (p)
    value: Floats  # (p, 2)
    offset: Integers  # (18)
    n_knots: int
    n_drift_knots: int


@numba.njit(**_COMPILED)
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


@numba.njit(**_COMPILED)
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


@numba.njit(**_COMPILED)
def log_density(theta: Floats, priors: Priors, record: Record, gradient: Floats) -> float:
    """Return the log density at a point up to no constant, and write its gradient; both of shape (p,)."""
    values = constrained(theta, priors)
    gradient[:] = 0.0
    rates, d_rate = stream_rates(values, priors, record), np.zeros(len(record.side))
    weights = answer_weights(values, rates, priors, record)
    total = _likelihood(values, rates, weights, priors, record, gradient, d_rate)
    total += _chains(values, rates, weights[2], priors, record, gradient, d_rate)
    for k in range(len(rates)):
        gradient[priors.offset[RATE] + record.rate_of[k]] += record.rate_share[k] * d_rate[k]
    return float(total + _priors(theta, values, priors, gradient))


@numba.njit(**_COMPILED)
def log_likelihood(values: Floats, priors: Priors, record: Record) -> Floats:
    """Log likelihood of the acts without the soft bound on chains, (draw,), at parameters (draw, p)."""
    told = np.empty(len(values))
    spare = np.zeros(values.shape[1])
    for d in range(len(values)):
        rates = stream_rates(values[d], priors, record)
        weights = answer_weights(values[d], rates, priors, record)
        told[d] = _likelihood(values[d], rates, weights, priors, record, spare, np.zeros(len(rates)))
    return told


@numba.njit(**_COMPILED)
def stream_rates(values: Floats, priors: Priors, record: Record) -> Floats:
    """Immigrants of each stream in a week of the record's mean level, (k,)."""
    rates = np.empty(len(record.side))
    for k in range(len(rates)):
        rates[k] = values[priors.offset[RATE] + record.rate_of[k]] * record.rate_share[k]
    return rates


@numba.njit(**_COMPILED)
def ornstein_uhlenbeck(innovations: Floats, decay: float, noise: float) -> Floats:
    """Return x at the knots: x[0] = ε[0], x[m] = φ·x[m−1] + noise·ε[m]."""
    x = np.empty(len(innovations))
    x[0] = innovations[0]
    for m in range(1, len(x)):
        x[m] = decay * x[m - 1] + noise * innovations[m]
    return x


@numba.njit(**_COMPILED)
def between_knots(knots: Floats, every: int, n: int) -> Floats:
    """Values in each of n steps, linear between knots that stand ``every`` so many steps."""
    values = np.empty(n)
    for t in range(n):
        m = t // every
        values[t] = knots[m] + (t - m * every) / every * (knots[m + 1] - knots[m])
    return values


@numba.njit(**_COMPILED)
def _to_knots(d_values: Floats, every: int, d_knots: Floats) -> None:
    for t in range(len(d_values)):
        m = t // every
        part = (t - m * every) / every
        d_knots[m] += (1.0 - part) * d_values[t]
        d_knots[m + 1] += part * d_values[t]


@numba.njit(**_COMPILED)
def weights_of_weeks(n_days: int) -> Floats:
    """Share of each week that lies before the origin, (t,): ones, but for the last."""
    weights = np.ones((n_days + STEP_DAYS - 1) // STEP_DAYS)
    weights[-1] = (n_days - STEP_DAYS * (len(weights) - 1)) / STEP_DAYS
    return weights


@numba.njit(**_COMPILED)
def answer_weights(
    values: Floats, rates: Floats, priors: Priors, record: Record
) -> tuple[Floats, Floats, Floats, Floats]:
    """How acts are shared among streams, and how much more an act brings about by its severity.

    Returns
    -------
    tuple of ndarray
        Share of a stream in its side, (k,), and in its side's acts of the category, (k,), each zero for
        cooperation; factors (s, k): v = exp((κ + η(s̄_k − 1))(s − 2)), and its part exp(η(s̄_k − 1)(s − 2)).
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
    return in_side, in_kind, factor, grave


@numba.njit(**_COMPILED)
def reaction_shares(values: Floats, rates: Floats, grave: Floats, priors: Priors, record: Record) -> Floats:
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


@numba.njit(**_COMPILED)
def _chains(
    values: Floats,
    rates: Floats,
    factor: Floats,
    priors: Priors,
    record: Record,
    gradient: Floats,
    d_rate: Floats,
) -> float:
    """Soft bound that keeps chains of acts finite: acts that an act of the record's mean brings about.

    An act of stream k brings about R·Σ_i share_i·v(s, i); its mean over the streams, in proportion to their
    rates, and over their severities is taken as common to both sides.
    """
    o, n_streams = priors.offset, len(record.side)
    total = 0.0
    for k in range(n_streams):
        if record.side[k] >= 0:
            total += rates[k]
    number = values[o[ANSWERS] + SAME] + values[o[ANSWERS] + OTHER]
    # mean = Σ_k p_k B_k with B_k = Σ_s (Σ_i p_i mix_is) v_sk, p = r / Σ r: by rates over both sides.
    mean, d_severity, d_gravity = 0.0, 0.0, 0.0
    shares, by_mix, by_stream = np.zeros(SEVERITIES), np.zeros(SEVERITIES), np.zeros(n_streams)
    for k in range(n_streams):
        if record.side[k] >= 0:
            for s in range(SEVERITIES):
                shares[s] += rates[k] / total * record.mix[k, s]
                by_mix[s] += rates[k] / total * factor[s, k]
    for k in range(n_streams):
        if record.side[k] >= 0:
            part = rates[k] / total
            for s in range(SEVERITIES):
                brought = shares[s] * factor[s, k]
                by_stream[k] += brought
                mean += part * brought
                d_severity += part * brought * (s - 1)
                d_gravity += part * brought * (s - 1) * (record.severity[k] - 1.0)
    room = CHAIN_STEEPNESS * (number * mean - 1.0)
    soft = max(room, 0.0) + math.log1p(math.exp(-abs(room)))
    slope = -CHAIN_SLOPE * CHAIN_STEEPNESS / (1.0 + math.exp(-room))
    gradient[o[ANSWERS] + SAME] += slope * mean
    gradient[o[ANSWERS] + OTHER] += slope * mean
    gradient[o[SEVERITY]] += slope * number * d_severity
    gradient[o[GRAVITY]] += slope * number * d_gravity
    for k in range(n_streams):
        if record.side[k] >= 0:
            own = by_stream[k] - 2.0 * mean
            for s in range(SEVERITIES):
                own += record.mix[k, s] * by_mix[s]
            d_rate[k] += slope * number * own / total
    return float(-CHAIN_SLOPE * soft)


def _row(context: Any, builder: Any, signature: Any, given: Any, at: int, n: int, begin: int = 0) -> Any:  # noqa: ANN401
    """Address of n numbers of a row as one vector, which compilers do not make of loops so short.

    The array is argument ``at``, its row the next.
    """
    array, width = make_array(signature.args[at])(context, builder, given[at]), WIDTH if n != LANES else LANES
    place = builder.add(builder.mul(given[at + 1], ir.IntType(64)(width)), ir.IntType(64)(begin))
    return builder.bitcast(builder.gep(array.data, [place]), ir.VectorType(ir.DoubleType(), n).as_pointer())


def _spread(builder: Any, number: Any, n: int) -> Any:  # noqa: ANN401 - of llvmlite
    """Vector of n times a number."""
    one = builder.insert_element(ir.VectorType(number.type, n)(ir.Undefined), number, ir.IntType(32)(0))
    return builder.shuffle_vector(one, one, ir.VectorType(ir.IntType(32), n)([0] * n))


@intrinsic(prefer_literal=True)
def _add(typing: Any, sums: Any, row: Any, factor: Any, states: Any, of: Any, n: Any) -> Any:  # noqa: ANN401
    """sums[row] += factor·states[of]."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401
        to, of = (_row(context, builder, signature, given, at, n.literal_value) for at in (0, 3))
        more = builder.fmul(_spread(builder, given[2], n.literal_value), builder.load(of, align=8))
        builder.store(builder.fadd(builder.load(to, align=8), more), to, align=8)

    return types.void(sums, types.intp, types.float64, states, types.intp, n), code


@intrinsic(prefer_literal=True)
def _product(typing: Any, masses: Any, row: Any, states: Any, of: Any, n: Any) -> Any:  # noqa: ANN401
    """Σ masses[row]·states[of], in a fixed order."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401
        one, other = (_row(context, builder, signature, given, at, n.literal_value) for at in (0, 2))
        found = builder.fmul(builder.load(one, align=8), builder.load(other, align=8))
        parts = [builder.extract_element(found, ir.IntType(32)(x)) for x in range(n.literal_value)]
        while len(parts) > 1:
            parts = [*parts[2:], builder.fadd(*parts[:2])]
        return parts[0]

    return types.float64(masses, types.intp, states, types.intp, n), code


@intrinsic
def _decay(typing: Any, states: Any, row: Any, left: Any, gap: Any) -> Any:  # noqa: ANN401
    """Bring the states of a row, and their derivatives times the decay, some days on."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401
        to, of = (_row(context, builder, signature, given, 0, PAIRS, begin) for begin in (0, PAIRS))
        left, gap = (_spread(builder, number, PAIRS) for number in given[2:])
        state = builder.load(to, align=8)
        slope = builder.fadd(builder.load(of, align=8), builder.fmul(gap, state))
        builder.store(builder.fmul(left, state), to, align=8)
        builder.store(builder.fmul(left, slope), of, align=8)

    return types.void(states, types.intp, types.float64, types.float64), code


@numba.njit(**_COMPILED)
def _left(powers: Floats, e: int, gap: int) -> float:
    """Power of a decay, of those at hand."""
    left = powers[e, gap % POWERS]
    for _ in range(gap // POWERS):
        left *= powers[e, POWERS]
    return float(left)


@numba.njit(**_COMPILED)
def _likelihood(
    values: Floats,
    rates: Floats,
    weights: tuple[Floats, Floats, Floats, Floats],
    priors: Priors,
    record: Record,
    gradient: Floats,
    d_rate: Floats,
) -> float:
    """Log likelihood, given ``answer_weights``; adds to the gradients in values and in rates of streams."""
    o = priors.offset
    n_streams, n_acts, n_days, n = (
        len(record.side),
        len(record.day),
        len(record.completeness),
        len(record.days),
    )
    n_reactions, n_categories, n_calming = len(record.then), record.n_categories, len(record.calming)
    n_parameters = len(priors.family)
    innovations = values[n_parameters : n_parameters + priors.n_knots]
    drift_innovations = values[n_parameters + priors.n_knots :]
    knot_decay = math.exp(-STEP_DAYS * KNOT_STEPS / values[o[PERSISTENCE]])
    knot_noise = math.sqrt(1.0 - knot_decay * knot_decay)
    scale, drift_scale = values[o[SCALE]], values[o[DRIFT]]
    unit_drift = ornstein_uhlenbeck(drift_innovations, DRIFT_DECAY, DRIFT_NOISE)
    knots = ornstein_uhlenbeck(innovations, knot_decay, knot_noise)
    tension = between_knots(knots, KNOT_STEPS, n)

    # What drift and calm leave of conflict; drift has mean one over the record.
    highest = drift_scale * (unit_drift.max() if drift_scale > 0.0 else unit_drift.min())
    drift = np.empty(n)
    drift_sum = weight_sum = 0.0
    for m in range((n - 1) // DRIFT_KNOT_STEPS + 1):
        following = math.exp(drift_scale * unit_drift[m] - highest)
        ratio = math.exp(drift_scale * (unit_drift[m + 1] - unit_drift[m]) / DRIFT_KNOT_STEPS)
        for t in range(m * DRIFT_KNOT_STEPS, min(n, (m + 1) * DRIFT_KNOT_STEPS)):
            drift[t] = following * record.weight[t]
            following *= ratio
            drift_sum += drift[t]
            weight_sum += record.weight[t]
    calm_decay = math.exp(-STEP_DAYS * _LOG_2 / values[o[CALM_LIFE]])
    calm, lift = np.zeros(n), np.empty(n)
    saturation, d_saturation = np.empty((n_calming, n)), np.empty((n_calming, n))
    for b in range(n_calming):
        amount = d_amount = 0.0
        for t in range(n):
            inverse = 1.0 / (amount + HALF_SATURATION)
            saturation[b, t] = amount * inverse
            d_saturation[b, t] = HALF_SATURATION * inverse * inverse * d_amount
            calm[t] -= values[o[BALLAST] + b] * saturation[b, t]
            total_amount = amount + record.calming[b, t]
            d_amount = total_amount + calm_decay * d_amount
            amount = calm_decay * total_amount
    for t in range(n):
        lift[t] = drift[t] / record.weight[t] * (weight_sum / drift_sum)
        if n_calming > 0:
            lift[t] *= math.exp(calm[t])

    # Immigrants of a day that each category expects, by week; conflict alone drifts and is calmed.
    # ``immigrant`` becomes the gradient in their log: for each act the chance to be one, less all expected.
    loading, conflict, rate_of = np.zeros((1, LANES)), np.zeros((1, LANES)), np.zeros(LANES)
    for k in range(n_streams):
        rate_of[record.category[k]] += rates[k] / STEP_DAYS
        if record.side[k] >= 0:
            conflict[0, record.category[k]] = 1.0
    for c in range(n_categories):
        loading[0, c] = values[o[LOADING] + c] * scale
    expected, immigrant = np.zeros((n, LANES)), np.zeros((n, LANES))
    whole, steeper = np.zeros((1, LANES)), np.ones(LANES)
    moving = np.zeros((2, LANES))  # of cooperation, of conflict
    for m in range((n - 1) // KNOT_STEPS + 1):
        for c in range(n_categories):
            if m % 8 == 0:  # before rounding adds up
                level = math.exp(loading[0, c] * knots[m] - 0.5 * loading[0, c] * loading[0, c])
                moving[int(conflict[0, c]), c] = level * rate_of[c]
            steeper[c] = math.exp(loading[0, c] * (knots[m + 1] - knots[m]) / KNOT_STEPS)
        for t in range(m * KNOT_STEPS, min(n, (m + 1) * KNOT_STEPS)):
            _add(expected, t, 1.0, moving, 0, LANES)
            _add(expected, t, lift[t], moving, 1, LANES)
            _add(immigrant, t, -record.days[t], expected, t, LANES)
            _add(whole, 0, 1.0, immigrant, t, LANES)
            for c in range(LANES):
                moving[0, c] *= steeper[c]
                moving[1, c] *= steeper[c]
    total = whole.sum()

    in_side, in_kind, factor, grave = weights
    decay = math.exp(-_LOG_2 / values[o[ANSWER_LIFE]])
    follow_decay = math.exp(-_LOG_2 / values[o[FOLLOW_LIFE]])
    per, of_follow = (1.0 - decay) / decay, (1.0 - follow_decay) / follow_decay
    number, kind_share = values[o[ANSWERS] : o[ANSWERS] + 2], values[o[IN_KIND] : o[IN_KIND] + 2]
    in_reaction = reaction_shares(values, rates, grave, priors, record)
    reaction_decay, of_reaction = np.empty(n_reactions), np.empty(n_reactions)
    reaction_factor = np.empty((n_reactions, SEVERITIES))
    # Rows of states: answers by category, of all categories; of each reaction; follow-on by stream.
    every, reactions, follows = n_categories, n_categories + 1, n_categories + 1 + n_reactions
    n_rows = follows + n_streams
    # Answers of each stream to one act, by side and severity of the act: of any kind, in kind, in reaction.
    wide, close = np.zeros((n_streams, WIDTH)), np.zeros((n_streams, WIDTH))
    reacted = np.zeros((n_reactions * n_streams, WIDTH))
    for i in range(n_reactions):
        reaction_decay[i] = math.exp(-_LOG_2 / values[o[REACTION_LIFE] + i])
        of_reaction[i] = (1.0 - reaction_decay[i]) / reaction_decay[i]
        for s in range(SEVERITIES):
            reaction_factor[i, s] = math.exp(values[o[REACTION_SEVERITY] + i] * (s - REFERENCE))
        for k in range(n_streams):
            if record.then[i, k] > 0.0:
                for s in range(SEVERITIES):
                    q = values[o[REACTION] + i] * in_reaction[i, k]
                    reacted[i * n_streams + k, s] = q * reaction_factor[i, s] * grave[s, k]
    for k in range(n_streams):
        if record.side[k] >= 0:
            for a in range(2):
                e = SAME if a == record.side[k] else OTHER
                of_side = number[e] * (1.0 - kind_share[e]) * in_side[k]
                of_kind = number[e] * kind_share[e] * in_kind[k]
                for s in range(SEVERITIES):
                    wide[k, a * SEVERITIES + s] = of_side * factor[s, k]
                    close[k, a * SEVERITIES + s] = of_kind * factor[s, k]
    powers = np.ones((2 + n_reactions, POWERS + 1))
    for d in range(POWERS):
        powers[0, d + 1] = powers[0, d] * decay
        powers[1, d + 1] = powers[1, d] * follow_decay
        for i in range(n_reactions):
            powers[2 + i, d + 1] = powers[2 + i, d] * reaction_decay[i]

    # Acts of the past by age, weighted: Σ decay^age in the first half of a row, Σ age·decay^age in the other.
    # An act answers those of earlier days alone, each with weight (1 − decay)/decay·decay^age. Rows are
    # brought forward where they are read. ``of_…`` sum a row over the acts that read it, each over its
    # intensity; ``sent`` sums what acts bring about within the record: Σ g(n)·known[d + n] is known[d] and,
    # for every day on which ``known`` jumps, decay^age times the jump.
    past, last = np.zeros((n_rows, WIDTH)), np.full(n_rows, -1)
    sent = np.zeros((n_rows, WIDTH))
    of_past, of_kinds = np.zeros((n_streams, WIDTH)), np.zeros((n_streams, WIDTH))
    of_reacted = np.zeros((n_reactions * n_streams, WIDTH))
    shares, part = np.zeros(n_streams), np.empty(n_streams)
    for k in range(n_streams):
        part[k] = rates[k] / STEP_DAYS / rate_of[record.category[k]]
    followed = d_followed = 0.0
    product = 1.0
    begin = 0
    for stop in record.jumps:
        while begin < n_acts and record.day[begin] <= stop:
            now = record.day[begin]
            t, known = now // STEP_DAYS, record.completeness[now]
            gap = now - last[every]
            _decay(past, every, _left(powers, 0, gap), gap)
            last[every] = now
            for i in range(n_reactions):
                gap = now - last[reactions + i]
                _decay(past, reactions + i, _left(powers, 2 + i, gap), gap)
                last[reactions + i] = now
            end = begin
            while end < n_acts and record.day[end] == now:
                k, many = record.stream[end], 0
                while end < n_acts and record.day[end] == now and record.stream[end] == k:
                    end += 1
                    many += 1
                if k < 0:
                    continue
                c = record.category[k]
                own = part[k] * expected[t, c]
                if record.side[k] >= 0:
                    gap = now - last[c]
                    if gap > 0:
                        _decay(past, c, _left(powers, 0, gap), gap)
                        last[c] = now
                    near = per * (_product(wide, k, past, every, PAIRS) + _product(close, k, past, c, PAIRS))
                    for i in range(n_reactions):
                        if record.then[i, k] > 0.0:
                            near += of_reaction[i] * _product(
                                reacted, i * n_streams + k, past, reactions + i, PAIRS
                            )
                    intensity = own + near
                    inverse = many / intensity
                    _add(of_past, k, inverse, past, every, WIDTH)
                    _add(of_kinds, k, inverse, past, c, WIDTH)
                    for i in range(n_reactions):
                        if record.then[i, k] > 0.0:
                            _add(of_reacted, i * n_streams + k, inverse, past, reactions + i, WIDTH)
                else:
                    row = follows + k
                    gap = now - last[row]
                    _decay(past, row, _left(powers, 1, gap), gap)
                    last[row] = now
                    intensity = own + values[o[FOLLOW_ON]] * of_follow * past[row, 0]
                    inverse = many / intensity
                    followed += inverse * past[row, 0]
                    d_followed += inverse * past[row, PAIRS]
                immigrant[t, c] += own * inverse
                shares[k] += own * inverse
                # One logarithm for the product of many.
                for _ in range(many):
                    product *= intensity * known
                    if not 1e-100 < product < 1e100:
                        total += math.log(product)
                        product = 1.0
            for j in range(begin, end):
                k, s, acts = record.stream[j], record.grade[j], record.inflation[j]
                for i in range(n_reactions):
                    if record.trigger[i, j] > 0.0:
                        past[reactions + i, s] += acts
                        sent[reactions + i, s] += acts * known
                if k >= 0 and record.side[k] >= 0:
                    c, x = record.category[k], record.side[k] * SEVERITIES + s
                    past[every, x] += acts
                    past[c, x] += acts
                    sent[c, x] += acts * known
                elif k >= 0:
                    past[follows + k, 0] += acts
                    sent[follows + k, 0] += acts * known
            begin = end
        jump = (record.completeness[stop + 1] if stop + 1 < n_days else 0.0) - record.completeness[stop]
        for row in range(n_rows):
            gap = stop - last[row]
            if last[row] >= 0 and row != every:
                e = 0 if row < every else 1 if row >= follows else 2 + row - reactions
                _decay(past, row, _left(powers, e, gap), gap)
                last[row] = stop
                _add(sent, row, jump, past, row, WIDTH)
    sent_follow = d_sent_follow = 0.0
    for row in range(follows, n_rows):
        sent_follow += sent[row, 0]
        d_sent_follow += sent[row, PAIRS]
    total += math.log(product) - values[o[FOLLOW_ON]] * sent_follow

    # From what was read back to numbers, shares, severities and rates.
    d_decay = 0.0
    d_in_side, d_in_kind = np.zeros(n_streams), np.zeros(n_streams)
    side_mean, kind_mean = np.zeros(2), np.zeros((2, n_categories))
    for c in range(n_categories):
        _add(sent, every, 1.0, sent, c, WIDTH)
    for k in range(n_streams):
        if record.side[k] < 0:
            continue
        c, graver = record.category[k], record.severity[k] - 1.0
        for a in range(2):
            e = SAME if a == record.side[k] else OTHER
            of_side = of_kind = d_severity = 0.0
            for s in range(SEVERITIES):
                x = a * SEVERITIES + s
                total -= wide[k, x] * sent[every, x] + close[k, x] * sent[c, x]
                answered = wide[k, x] * of_past[k, x] + close[k, x] * of_kinds[k, x]
                d_decay += wide[k, x] * (per * of_past[k, PAIRS + x] - sent[every, PAIRS + x])
                d_decay += (
                    close[k, x] * (per * of_kinds[k, PAIRS + x] - sent[c, PAIRS + x]) - answered / decay
                )
                to_side = factor[s, k] * (per * of_past[k, x] - sent[every, x])
                to_kind = factor[s, k] * (per * of_kinds[k, x] - sent[c, x])
                of_side += to_side
                of_kind += to_kind
                d_severity += (s - 1) * (
                    (1.0 - kind_share[e]) * in_side[k] * to_side + kind_share[e] * in_kind[k] * to_kind
                )
            split = (1.0 - kind_share[e]) * in_side[k] * of_side + kind_share[e] * in_kind[k] * of_kind
            gradient[o[ANSWERS] + e] += split
            gradient[o[IN_KIND] + e] += number[e] * (in_kind[k] * of_kind - in_side[k] * of_side)
            d_in_side[k] += number[e] * (1.0 - kind_share[e]) * of_side
            d_in_kind[k] += number[e] * kind_share[e] * of_kind
            gradient[o[SEVERITY]] += number[e] * d_severity
            gradient[o[GRAVITY]] += number[e] * d_severity * graver
        side_mean[record.side[k]] += in_side[k] * d_in_side[k]
        kind_mean[record.side[k], c] += in_kind[k] * d_in_kind[k]
    for k in range(n_streams):
        if record.side[k] >= 0:
            d_rate[k] += in_side[k] / rates[k] * (d_in_side[k] - side_mean[record.side[k]])
            d_rate[k] += (
                in_kind[k] / rates[k] * (d_in_kind[k] - kind_mean[record.side[k], record.category[k]])
            )
        c = record.category[k]
        d_rate[k] += shares[k] / rates[k] + whole[0, c] / rate_of[c] / STEP_DAYS
    for i in range(n_reactions):
        mean = d_reaction_decay = 0.0
        d_in, row = np.zeros(n_streams), reactions + i
        for k in range(n_streams):
            if record.then[i, k] > 0.0:
                at = i * n_streams + k
                for s in range(SEVERITIES):
                    total -= reacted[at, s] * sent[row, s]
                    slope = of_reaction[i] * of_reacted[at, PAIRS + s] - sent[row, PAIRS + s]
                    d_reaction_decay += reacted[at, s] * (slope - of_reacted[at, s] / reaction_decay[i])
                    part = of_reaction[i] * of_reacted[at, s] - sent[row, s]
                    part *= reaction_factor[i, s] * grave[s, k]
                    own = values[o[REACTION] + i] * in_reaction[i, k] * part
                    gradient[o[REACTION] + i] += in_reaction[i, k] * part
                    gradient[o[REACTION_SEVERITY] + i] += (s - REFERENCE) * own
                    gradient[o[GRAVITY]] += (s - 1) * (record.severity[k] - 1.0) * own
                    d_in[k] += values[o[REACTION] + i] * part
                mean += in_reaction[i, k] * d_in[k]
        for k in range(n_streams):
            if record.then[i, k] > 0.0:
                of_total = grave[REFERENCE, k] * mean
                own = in_reaction[i, k] * (d_in[k] - of_total)
                d_rate[k] += own / rates[k]
                gradient[o[REACTION_GRAVITY] + i] += own * (record.severity[k] - 1.0)
                gravity = (REFERENCE - 1) * (record.severity[k] - 1.0)
                gradient[o[GRAVITY]] -= in_reaction[i, k] * of_total * gravity
        life = values[o[REACTION_LIFE] + i]
        gradient[o[REACTION_LIFE] + i] += d_reaction_decay * _LOG_2 / (life * life)
    life = values[o[ANSWER_LIFE]]
    gradient[o[ANSWER_LIFE]] += d_decay * _LOG_2 / (life * life)
    life, follow_on = values[o[FOLLOW_LIFE]], values[o[FOLLOW_ON]]
    d_follow_decay = follow_on * (of_follow * d_followed - followed / follow_decay - d_sent_follow)
    gradient[o[FOLLOW_LIFE]] += d_follow_decay * _LOG_2 / (life * life)
    gradient[o[FOLLOW_ON]] += of_follow * followed - sent_follow

    # From the moved rates back to tension, drift and calm.
    d_tension, d_level = np.empty(n), np.empty(n)
    by_category, by_tension = np.zeros((1, LANES)), np.zeros((1, LANES))
    for t in range(n):
        _add(by_category, 0, 1.0, immigrant, t, LANES)
        _add(by_tension, 0, tension[t], immigrant, t, LANES)
        d_tension[t] = _product(loading, 0, immigrant, t, LANES)
        d_level[t] = _product(conflict, 0, immigrant, t, LANES)
    for c in range(n_categories):
        d_loading = by_tension[0, c] - loading[0, c] * by_category[0, c]
        gradient[o[LOADING] + c] += d_loading * scale
        gradient[o[SCALE]] += d_loading * values[o[LOADING] + c]
    d_calm_decay = 0.0
    for b in range(n_calming):
        d_ballast = d_own = 0.0
        for t in range(n):
            d_ballast += d_level[t] * saturation[b, t]
            d_own += d_level[t] * d_saturation[b, t]
        gradient[o[BALLAST] + b] -= d_ballast
        d_calm_decay -= values[o[BALLAST] + b] * d_own
    life = values[o[CALM_LIFE]]
    gradient[o[CALM_LIFE]] += d_calm_decay * calm_decay * STEP_DAYS * _LOG_2 / (life * life)

    d_knots = np.zeros(priors.n_drift_knots)
    level_sum = d_level.sum() / drift_sum
    for t in range(n):
        d_level[t] -= level_sum * drift[t]
    _to_knots(d_level, DRIFT_KNOT_STEPS, d_knots)
    first = n_parameters + priors.n_knots
    adjoint = 0.0
    for m in range(priors.n_drift_knots - 1, 0, -1):
        gradient[o[DRIFT]] += d_knots[m] * unit_drift[m]
        adjoint = drift_scale * d_knots[m] + DRIFT_DECAY * adjoint
        gradient[first + m] += DRIFT_NOISE * adjoint
    gradient[o[DRIFT]] += d_knots[0] * unit_drift[0]
    gradient[first] += drift_scale * d_knots[0] + DRIFT_DECAY * adjoint
    d_x = np.zeros(priors.n_knots)
    _to_knots(d_tension, KNOT_STEPS, d_x)
    adjoint = d_knot_decay = 0.0
    for m in range(priors.n_knots - 1, 0, -1):
        adjoint = d_x[m] + knot_decay * adjoint
        gradient[n_parameters + m] += knot_noise * adjoint
        d_knot_decay += adjoint * (knots[m - 1] - knot_decay / knot_noise * innovations[m])
    gradient[n_parameters] += d_x[0] + knot_decay * adjoint
    persistence = values[o[PERSISTENCE]]
    gradient[o[PERSISTENCE]] += d_knot_decay * knot_decay * STEP_DAYS * KNOT_STEPS / persistence**2
    return float(total)


@numba.njit(**_COMPILED)
def densities(points: Floats, priors: Priors, record: Record) -> tuple[Floats, Floats]:
    """Log densities, (point,), and gradients, (point, p); −inf and 0 where the density is no number."""
    value, gradient = np.empty(len(points)), np.empty_like(points)
    for i in range(len(points)):
        value[i] = log_density(points[i], priors, record, gradient[i])
        if not (math.isfinite(value[i]) and np.isfinite(gradient[i]).all()):
            value[i], gradient[i] = -np.inf, 0.0
    return value, gradient


@intrinsic
def _pointer(typing: Any, address: Any) -> Any:  # noqa: ANN401
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401
        return builder.inttoptr(given[0], ir.IntType(8).as_pointer())

    return types.voidptr(address), code


@numba.njit(**_COMPILED)
def _integers(table: Integers, at: int) -> Any:  # noqa: ANN401
    return numba.carray(_pointer(table[at, 0]), table[at, 1], np.int64)


@numba.njit(**_COMPILED)
def _floats(table: Integers, at: int) -> Any:  # noqa: ANN401
    return numba.carray(_pointer(table[at, 0]), table[at, 1], np.float64)


@numba.njit(**_COMPILED)
def _matrix(table: Integers, at: int) -> Any:  # noqa: ANN401
    return numba.carray(_pointer(table[at, 0]), (table[at, 1], table[at, 2]), np.float64)


def table_of(*fields: Floats | Integers | int) -> Integers:
    """Addresses and shapes of arrays, and numbers, for ``functions_of_c``; the arrays must outlive it."""
    return np.array(
        [(one, 0, 0) if isinstance(one, int) else (one.ctypes.data, *one.shape, 1)[:3] for one in fields]
    )


N_FIELDS = len(Priors._fields) + len(Record._fields) + 3


@numba.njit(**_COMPILED)
def _moved(place: Floats, table: Integers, point: Floats) -> None:
    """Write the point that a place of the scale stands for; the spread is upper triangular, here turned."""
    point[:] = _floats(table, N_FIELDS - 3)
    turned = _matrix(table, N_FIELDS - 1)
    for q in range(len(place)):
        for p in range(q + 1):
            point[p] += turned[q, p] * place[q]


def _sampled(n: int, place_: Any, gradient_: Any, value_: Any, table_: Any) -> int:  # noqa: ANN401
    """Write log density and gradient at a place of a scale; return 0, or 1 where they are no numbers."""
    table = numba.carray(table_, (N_FIELDS, 3), np.int64)
    place, gradient = numba.carray(place_, n), numba.carray(gradient_, n)
    priors = Priors(_integers(table, 0), _matrix(table, 1), _integers(table, 2), table[3, 0], table[4, 0])
    record = Record(
        _integers(table, 5),
        _integers(table, 6),
        _integers(table, 7),
        _floats(table, 8),
        _matrix(table, 9),
        _matrix(table, 10),
        _integers(table, 11),
        _integers(table, 12),
        _floats(table, 13),
        _matrix(table, 14),
        _floats(table, 15),
        _integers(table, 16),
        _floats(table, 17),
        _floats(table, 18),
        _matrix(table, 19),
        _integers(table, 20),
        _floats(table, 21),
        table[22, 0],
    )
    point, own = np.empty(n), np.empty(n)
    _moved(place, table, point)
    value = log_density(point, priors, record, own)
    numba.carray(value_, 1)[0] = value
    spread, finite = _matrix(table, N_FIELDS - 2), math.isfinite(value)
    gradient[:] = 0.0
    for p in range(len(own)):
        finite = finite and math.isfinite(own[p])
        for q in range(p, len(own)):
            gradient[q] += spread[p, q] * own[p]
    return 0 if finite else 1


def _expanded(n: int, size: int, place_: Any, point_: Any, table_: Any) -> int:  # noqa: ANN401
    """Write the point that a place stands for."""
    _moved(numba.carray(place_, n), numba.carray(table_, (N_FIELDS, 3), np.int64), numba.carray(point_, size))
    return 0


@cache
def functions_of_c() -> tuple[Any, Any]:
    """Return log density with gradient, and point of a place, as the sampler's threads call them.

    Both are the same for records of every size. The address that they are given is that of
    ``table_of(*priors, *record, center, spread, spread.T)``.
    """
    one, size, table = types.CPointer(types.float64), types.uint64, types.voidptr  # type: ignore[attr-defined]
    return (
        numba.cfunc(types.int64(size, one, one, one, table), cache=True)(_sampled),
        numba.cfunc(types.int64(size, size, one, one, table), cache=True)(_expanded),
    )
