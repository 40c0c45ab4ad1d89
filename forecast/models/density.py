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
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from forecast.panel import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
)

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
PAIRS = 2 * SEVERITIES
"""Sides and severities of the act answered, the severities of a side together."""
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
    ``felt`` is how many acts one known act stands for, above 1 where reports come late.
    """

    day: Integers  # (j)
    stream: Integers  # (j)
    grade: Integers  # (j): severity less 1
    felt: Floats  # (j)
    trigger: Floats  # (i, j)
    then: Floats  # (i, k)
    category: Integers  # (k): position among the categories with a loading
    side: Integers  # (k): 0 or 1; −1 for cooperation
    severity: Floats  # (k): mean severity, see ``Acts.gravity``
    mix: Floats  # (k, s): share of each severity
    known: Floats  # (d): share of the day's acts that is in the data
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
    total = _likelihood(values, rates, priors, record, gradient, d_rate)
    total += _chains(values, rates, priors, record, gradient, d_rate)
    for k in range(len(rates)):
        gradient[priors.offset[RATE] + record.rate_of[k]] += record.rate_share[k] * d_rate[k]
    return float(total + _priors(theta, values, priors, gradient))


@numba.njit(**_COMPILED)
def moved_log_density(
    place: Floats, center: Floats, spread: Floats, priors: Priors, record: Record, gradient: Floats
) -> float:
    """Return the log density at the point ``center + spread @ place``; the gradient is that in ``place``."""
    own = np.empty(len(place))
    value = log_density(center + np.dot(spread, place), priors, record, own)
    gradient[:] = np.dot(spread.T, own)
    return float(value)


@numba.njit(**_COMPILED)
def log_likelihood(values: Floats, priors: Priors, record: Record) -> float:
    """Log likelihood of the acts, without the soft bound on chains, at parameters of shape (p,)."""
    rates = stream_rates(values, priors, record)
    return float(_likelihood(values, rates, priors, record, np.zeros(len(values)), np.zeros(len(rates))))


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
def days_of_weeks(known: Floats) -> Floats:
    """Days of each week whose acts are in the data, (t,), from their share by day."""
    days = np.zeros((len(known) + STEP_DAYS - 1) // STEP_DAYS)
    for d in range(len(known)):
        days[d // STEP_DAYS] += known[d]
    return days


@numba.njit(**_COMPILED)
def weights_of_weeks(n_days: int) -> Floats:
    """Share of each week that lies before the origin, (t,): ones, but for the last."""
    weights = np.ones((n_days + STEP_DAYS - 1) // STEP_DAYS)
    weights[-1] = (n_days - STEP_DAYS * (len(weights) - 1)) / STEP_DAYS
    return weights


@numba.njit(**_COMPILED)
def log_mean_level(drift: Floats, weights: Floats) -> float:
    """Log of the mean of exp(drift) over the record, of drift in each week, (t,)."""
    highest = drift.max()
    return float(highest + math.log((np.exp(drift - highest) * weights).sum() / weights.sum()))


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
    n_streams = len(record.side)
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
            gravity = values[o[GRAVITY]] * (record.severity[k] - 1.0)
            for s in range(SEVERITIES):
                grave[s, k] = math.exp(gravity * (s - 1))
                factor[s, k] = grave[s, k] * math.exp(values[o[SEVERITY]] * (s - 1))
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
    values: Floats, rates: Floats, priors: Priors, record: Record, gradient: Floats, d_rate: Floats
) -> float:
    """Soft bound that keeps chains of acts finite: acts that an act of the record's mean brings about.

    An act of stream k brings about R·Σ_i share_i·v(s, i); its mean over the streams, in proportion to their
    rates, and over their severities is taken as common to both sides.
    """
    o = priors.offset
    n_streams = len(record.side)
    total = 0.0
    for k in range(n_streams):
        if record.side[k] >= 0:
            total += rates[k]
    same, other = values[o[ANSWERS] + SAME], values[o[ANSWERS] + OTHER]
    # Shares of each severity among all acts of conflict, and mean v by severity: by rates over both sides.
    mean, d_severity, d_gravity = 0.0, 0.0, 0.0
    shares = np.zeros(SEVERITIES)
    for k in range(n_streams):
        if record.side[k] >= 0:
            for s in range(SEVERITIES):
                shares[s] += rates[k] / total * record.mix[k, s]
    by_stream = np.zeros(n_streams)
    for k in range(n_streams):
        if record.side[k] >= 0:
            part = rates[k] / total
            exponent = values[o[SEVERITY]] + values[o[GRAVITY]] * (record.severity[k] - 1.0)
            for s in range(SEVERITIES):
                brought = shares[s] * math.exp(exponent * (s - 1))
                by_stream[k] += brought
                mean += part * brought
                d_severity += part * brought * (s - 1)
                d_gravity += part * brought * (s - 1) * (record.severity[k] - 1.0)
    strength = (same + other) * mean
    room = CHAIN_STEEPNESS * (strength - 1.0)
    soft = max(room, 0.0) + math.log1p(math.exp(-abs(room)))
    slope = -CHAIN_SLOPE * CHAIN_STEEPNESS / (1.0 + math.exp(-room))
    gradient[o[ANSWERS] + SAME] += slope * mean
    gradient[o[ANSWERS] + OTHER] += slope * mean
    gradient[o[SEVERITY]] += slope * (same + other) * d_severity
    gradient[o[GRAVITY]] += slope * (same + other) * d_gravity
    # mean = Σ_k p_k B_k with B_k = Σ_s (Σ_i p_i mix_is) v_sk, p = r / Σ r.
    by_mix = np.zeros(SEVERITIES)
    for k in range(n_streams):
        if record.side[k] >= 0:
            exponent = values[o[SEVERITY]] + values[o[GRAVITY]] * (record.severity[k] - 1.0)
            for s in range(SEVERITIES):
                by_mix[s] += rates[k] / total * math.exp(exponent * (s - 1))
    for k in range(n_streams):
        if record.side[k] >= 0:
            own = by_stream[k] - 2.0 * mean
            for s in range(SEVERITIES):
                own += record.mix[k, s] * by_mix[s]
            d_rate[k] += slope * (same + other) * own / total
    return float(-CHAIN_SLOPE * soft)


@numba.njit(**_COMPILED)
def _still_to_come(known: Floats, decay: float) -> tuple[Floats, Floats]:
    """Σ_{n≥1} g(n)·known[d + n] of each day d, (d,), and its derivative in the decay."""
    n = len(known)
    share, slope = np.zeros(n), np.zeros(n)
    for d in range(n - 2, -1, -1):
        share[d] = (1.0 - decay) * known[d + 1] + decay * share[d + 1]
        slope[d] = -known[d + 1] + share[d + 1] + decay * slope[d + 1]
    return share, slope


@numba.njit(**_COMPILED)
def _powers(base: float, n: int) -> Floats:
    """base^0 … base^n."""
    found = np.empty(n + 1)
    found[0] = 1.0
    for i in range(n):
        # Smaller ones would be denormal, which are slow.
        found[i + 1] = found[i] * base if found[i] > 1e-290 else 0.0
    return found


@numba.njit(**_COMPILED)
def _likelihood(
    values: Floats, rates: Floats, priors: Priors, record: Record, gradient: Floats, d_rate: Floats
) -> float:
    """Log likelihood; adds to the gradients in the values and in the rates of streams."""
    o = priors.offset
    n_streams, n_acts, n_days = len(record.side), len(record.day), len(record.known)
    n_reactions, n_categories = len(record.then), record.n_categories
    days, weights = days_of_weeks(record.known), weights_of_weeks(n_days)
    n = len(days)
    n_parameters = len(priors.family)
    innovations = values[n_parameters : n_parameters + priors.n_knots]
    drift_innovations = values[n_parameters + priors.n_knots :]
    knot_decay = math.exp(-STEP_DAYS * KNOT_STEPS / values[o[PERSISTENCE]])
    knot_noise = math.sqrt(1.0 - knot_decay * knot_decay)
    scale, drift_scale = values[o[SCALE]], values[o[DRIFT]]
    unit_drift = ornstein_uhlenbeck(drift_innovations, DRIFT_DECAY, DRIFT_NOISE)
    knots = ornstein_uhlenbeck(innovations, knot_decay, knot_noise)
    tension = between_knots(knots, KNOT_STEPS, n)
    drift = between_knots(drift_scale * unit_drift, DRIFT_KNOT_STEPS, n)
    level = drift - log_mean_level(drift, weights)

    # Log of what calm leaves of conflict, by stream that calms.
    exponent = np.zeros(n)
    calm_decay = math.exp(-STEP_DAYS * _LOG_2 / values[o[CALM_LIFE]])
    n_calming = len(record.calming)
    saturation, d_saturation = np.zeros((n_calming, n)), np.zeros((n_calming, n))
    for b in range(n_calming):
        amount = d_amount = 0.0
        for t in range(n):
            inverse = 1.0 / (amount + HALF_SATURATION)
            saturation[b, t] = amount * inverse
            d_saturation[b, t] = HALF_SATURATION * inverse * inverse * d_amount
            exponent[t] -= values[o[BALLAST] + b] * saturation[b, t]
            total_amount = amount + record.calming[b, t]
            d_amount = total_amount + calm_decay * d_amount
            amount = calm_decay * total_amount

    calm = np.exp(exponent)

    # How the rate of each category is moved, by week; conflict alone drifts and is calmed.
    in_conflict = np.zeros(n_categories)
    rate_of_category = np.zeros(n_categories)
    for k in range(n_streams):
        rate_of_category[record.category[k]] += rates[k] / STEP_DAYS
        if record.side[k] >= 0:
            in_conflict[record.category[k]] = 1.0
    moved, d_moved = np.empty((n_categories, n)), np.zeros((n_categories, n))
    total = 0.0
    whole = np.zeros(n_categories)
    for c in range(n_categories):
        loading = values[o[LOADING] + c] * scale
        turned = in_conflict[c]
        for t in range(0, n, KNOT_STEPS):
            end = min(t + KNOT_STEPS, n)
            following = math.exp(loading * tension[t] - 0.5 * loading * loading + turned * level[t])
            moved[c, t] = following
            if end > t + 1:
                rise = loading * (tension[t + 1] - tension[t]) + turned * (level[t + 1] - level[t])
                ratio = math.exp(rise)
                for step in range(t + 1, end):
                    following *= ratio
                    moved[c, step] = following
        if turned > 0.0 and n_calming > 0:
            for t in range(n):
                moved[c, t] *= calm[t]
        for t in range(n):
            whole[c] += days[t] * moved[c, t]
            d_moved[c, t] -= rate_of_category[c] * days[t]
        total -= rate_of_category[c] * whole[c]

    in_side, in_kind, factor, grave = answer_weights(values, rates, priors, record)
    decay = math.exp(-_LOG_2 / values[o[ANSWER_LIFE]])
    follow_decay = math.exp(-_LOG_2 / values[o[FOLLOW_LIFE]])
    to_come, d_to_come = _still_to_come(record.known, decay)
    follow_to_come, d_follow_to_come = _still_to_come(record.known, follow_decay)
    number, kind_share = values[o[ANSWERS] : o[ANSWERS] + 2], values[o[IN_KIND] : o[IN_KIND] + 2]

    in_reaction = reaction_shares(values, rates, grave, priors, record)
    reaction_decay = np.empty(n_reactions)
    reaction_factor = np.empty((n_reactions, SEVERITIES))
    reaction_to_come, d_reaction_to_come = np.zeros((n_reactions, n_days)), np.zeros((n_reactions, n_days))
    for i in range(n_reactions):
        reaction_decay[i] = math.exp(-_LOG_2 / values[o[REACTION_LIFE] + i])
        for s in range(SEVERITIES):
            reaction_factor[i, s] = math.exp(values[o[REACTION_SEVERITY] + i] * (s - REFERENCE))
        reaction_to_come[i], d_reaction_to_come[i] = _still_to_come(record.known, reaction_decay[i])

    # Acts of the past by age, weighted: q = Σ decay^(age), and its derivative; an act answers those of
    # earlier days alone, with weight (1 − decay)/decay·q.
    past, d_past = np.zeros((n_categories, PAIRS)), np.zeros((n_categories, PAIRS))
    past_side, d_past_side = np.zeros(PAIRS), np.zeros(PAIRS)
    past_follow, d_past_follow = np.zeros(n_streams), np.zeros(n_streams)
    past_reaction, d_past_reaction = np.zeros((n_reactions, SEVERITIES)), np.zeros((n_reactions, SEVERITIES))
    d_side, d_kind = np.zeros((n_streams, PAIRS)), np.zeros((n_streams, PAIRS))
    d_reaction = np.zeros((n_reactions, n_streams, SEVERITIES))
    # Answers of each stream to one act, by side and severity of the act: of any kind, and in kind.
    wide, close = np.zeros((n_streams, PAIRS)), np.zeros((n_streams, PAIRS))
    reacted = np.zeros((n_reactions, n_streams, SEVERITIES))
    for k in range(n_streams):
        for s in range(SEVERITIES):
            for a in range(2):
                if record.side[k] >= 0:
                    e = SAME if a == record.side[k] else OTHER
                    mass = number[e] * factor[s, k]
                    wide[k, a * SEVERITIES + s] = mass * (1.0 - kind_share[e]) * in_side[k]
                    close[k, a * SEVERITIES + s] = mass * kind_share[e] * in_kind[k]
            for i in range(n_reactions):
                q = values[o[REACTION] + i] * in_reaction[i, k]
                reacted[i, k, s] = q * reaction_factor[i, s] * grave[s, k]
    d_decay = d_follow_decay = d_follow = 0.0
    d_reaction_decay = np.zeros(n_reactions)
    # States are brought forward where they are read: a category's on its own days.
    last = np.zeros(n_categories, dtype=np.int64)
    last_follow = np.zeros(n_streams, dtype=np.int64)
    powers, follow_powers = _powers(decay, n_days), _powers(follow_decay, n_days)
    reaction_powers = np.empty((n_reactions, n_days + 1))
    for i in range(n_reactions):
        reaction_powers[i] = _powers(reaction_decay[i], n_days)
    begin = 0
    today = -1
    while begin < n_acts:
        now = record.day[begin]
        if today >= 0:
            gap = now - today
            left, d_left = powers[gap], gap * powers[gap - 1]
            for x in range(PAIRS):
                d_past_side[x] = left * d_past_side[x] + d_left * past_side[x]
                past_side[x] *= left
            for i in range(n_reactions):
                left, d_left = reaction_powers[i, gap], gap * reaction_powers[i, gap - 1]
                for s in range(SEVERITIES):
                    d_past_reaction[i, s] = left * d_past_reaction[i, s] + d_left * past_reaction[i, s]
                    past_reaction[i, s] *= left
        today = now
        end = begin
        while end < n_acts and record.day[end] == now:
            end += 1
        per, d_per = (1.0 - decay) / decay, -1.0 / (decay * decay)
        t = now // STEP_DAYS
        for j in range(begin, end):
            k = record.stream[j]
            if k < 0:
                continue
            c = record.category[k]
            if record.side[k] >= 0 and last[c] < now:
                gap = now - last[c]
                left, d_left = powers[gap], gap * powers[gap - 1]
                for x in range(PAIRS):
                    d_past[c, x] = left * d_past[c, x] + d_left * past[c, x]
                    past[c, x] *= left
                last[c] = now
            elif record.side[k] < 0 and last_follow[k] < now:
                gap = now - last_follow[k]
                left, d_left = follow_powers[gap], gap * follow_powers[gap - 1]
                d_past_follow[k] = left * d_past_follow[k] + d_left * past_follow[k]
                past_follow[k] *= left
                last_follow[k] = now
            rate = rates[k] / STEP_DAYS
            intensity = rate * moved[c, t]
            near = slope = 0.0
            if record.side[k] >= 0:
                in_kind_too = d_in_kind_too = 0.0
                for x in range(PAIRS):
                    near += wide[k, x] * past_side[x]
                    slope += wide[k, x] * d_past_side[x]
                    in_kind_too += close[k, x] * past[c, x]
                    d_in_kind_too += close[k, x] * d_past[c, x]
                near += in_kind_too
                slope = per * (slope + d_in_kind_too) + d_per * near
                intensity += per * near
                for i in range(n_reactions):
                    if record.then[i, k] > 0.0:
                        of = (1.0 - reaction_decay[i]) / reaction_decay[i]
                        for s in range(SEVERITIES):
                            intensity += of * reacted[i, k, s] * past_reaction[i, s]
            else:
                of = (1.0 - follow_decay) / follow_decay
                intensity += values[o[FOLLOW_ON]] * of * past_follow[k]
            total += math.log(intensity * record.known[now])
            inverse = 1.0 / intensity
            d_rate[k] += moved[c, t] / STEP_DAYS * inverse
            d_moved[c, t] += rate * inverse
            if record.side[k] >= 0:
                d_decay += slope * inverse
                for x in range(PAIRS):
                    d_side[k, x] += per * inverse * past_side[x]
                for x in range(PAIRS):
                    d_kind[k, x] += per * inverse * past[c, x]
                for i in range(n_reactions):
                    if record.then[i, k] > 0.0:
                        of = (1.0 - reaction_decay[i]) / reaction_decay[i] * inverse
                        d_of = -inverse / (reaction_decay[i] * reaction_decay[i])
                        for s in range(SEVERITIES):
                            d_reaction_decay[i] += reacted[i, k, s] * (
                                of * d_past_reaction[i, s] + d_of * past_reaction[i, s]
                            )
                            d_reaction[i, k, s] += of * past_reaction[i, s]
            else:
                of = (1.0 - follow_decay) / follow_decay
                d_of = -1.0 / (follow_decay * follow_decay)
                d_follow += of * past_follow[k] * inverse
                d_follow_decay += (
                    values[o[FOLLOW_ON]] * (of * d_past_follow[k] + d_of * past_follow[k]) * inverse
                )
        for j in range(begin, end):
            k = record.stream[j]
            s = record.grade[j]
            for i in range(n_reactions):
                if record.trigger[i, j] > 0.0:
                    past_reaction[i, s] += record.felt[j]
            if k < 0:
                continue
            if record.side[k] >= 0:
                past[record.category[k], record.side[k] * SEVERITIES + s] += record.felt[j]
                past_side[record.side[k] * SEVERITIES + s] += record.felt[j]
            else:
                past_follow[k] += record.felt[j]
                total -= values[o[FOLLOW_ON]] * record.felt[j] * follow_to_come[now]
                d_follow -= record.felt[j] * follow_to_come[now]
                d_follow_decay -= values[o[FOLLOW_ON]] * record.felt[j] * d_follow_to_come[now]
        begin = end

    # What all acts bring about within the record, −Σ_j Σ_k mass_k(j)·to_come: by side and severity of the
    # act, in kind by category, too.
    sent, d_sent = np.zeros(PAIRS), np.zeros(PAIRS)
    sent_kind, d_sent_kind = np.zeros((n_categories, PAIRS)), np.zeros((n_categories, PAIRS))
    sent_reaction, d_sent_reaction = np.zeros((n_reactions, SEVERITIES)), np.zeros((n_reactions, SEVERITIES))
    for j in range(n_acts):
        k, s, now = record.stream[j], record.grade[j], record.day[j]
        if k >= 0 and record.side[k] >= 0:
            x, c = record.side[k] * SEVERITIES + s, record.category[k]
            sent[x] += record.felt[j] * to_come[now]
            d_sent[x] += record.felt[j] * d_to_come[now]
            sent_kind[c, x] += record.felt[j] * to_come[now]
            d_sent_kind[c, x] += record.felt[j] * d_to_come[now]
        for i in range(n_reactions):
            if record.trigger[i, j] > 0.0:
                sent_reaction[i, s] += record.felt[j] * reaction_to_come[i, now]
                d_sent_reaction[i, s] += record.felt[j] * d_reaction_to_come[i, now]
    for k in range(n_streams):
        if record.side[k] < 0:
            continue
        c = record.category[k]
        for x in range(PAIRS):
            total -= wide[k, x] * sent[x] + close[k, x] * sent_kind[c, x]
            d_decay -= wide[k, x] * d_sent[x] + close[k, x] * d_sent_kind[c, x]
            d_side[k, x] -= sent[x]
            d_kind[k, x] -= sent_kind[c, x]
        for i in range(n_reactions):
            if record.then[i, k] > 0.0:
                for s in range(SEVERITIES):
                    total -= reacted[i, k, s] * sent_reaction[i, s]
                    d_reaction_decay[i] -= reacted[i, k, s] * d_sent_reaction[i, s]
                    d_reaction[i, k, s] -= sent_reaction[i, s]

    # From the masses back to numbers, shares, severities and rates.
    d_in_side, d_in_kind = np.zeros(n_streams), np.zeros(n_streams)
    for k in range(n_streams):
        if record.side[k] < 0:
            continue
        for a in range(2):
            e = SAME if a == record.side[k] else OTHER
            for s in range(SEVERITIES):
                x = a * SEVERITIES + s
                of_side, of_kind = factor[s, k] * d_side[k, x], factor[s, k] * d_kind[k, x]
                split = (1.0 - kind_share[e]) * in_side[k] * of_side + kind_share[e] * in_kind[k] * of_kind
                gradient[o[ANSWERS] + e] += split
                gradient[o[IN_KIND] + e] += number[e] * (in_kind[k] * of_kind - in_side[k] * of_side)
                d_in_side[k] += number[e] * (1.0 - kind_share[e]) * of_side
                d_in_kind[k] += number[e] * kind_share[e] * of_kind
                graver = (s - 1) * number[e] * split
                gradient[o[SEVERITY]] += graver
                gradient[o[GRAVITY]] += graver * (record.severity[k] - 1.0)
    side_mean = np.zeros(2)
    kind_mean = np.zeros((2, n_categories))
    for k in range(n_streams):
        if record.side[k] >= 0:
            side_mean[record.side[k]] += in_side[k] * d_in_side[k]
            kind_mean[record.side[k], record.category[k]] += in_kind[k] * d_in_kind[k]
    for k in range(n_streams):
        rate = rates[k]
        if record.side[k] >= 0:
            d_rate[k] += in_side[k] / rate * (d_in_side[k] - side_mean[record.side[k]])
            d_rate[k] += in_kind[k] / rate * (d_in_kind[k] - kind_mean[record.side[k], record.category[k]])
        d_rate[k] -= whole[record.category[k]] / STEP_DAYS
    for i in range(n_reactions):
        q = values[o[REACTION] + i]
        mean = 0.0
        d_in = np.zeros(n_streams)
        for k in range(n_streams):
            for s in range(SEVERITIES):
                part = reaction_factor[i, s] * grave[s, k] * d_reaction[i, k, s]
                own = q * in_reaction[i, k] * part
                gradient[o[REACTION] + i] += in_reaction[i, k] * part
                gradient[o[REACTION_SEVERITY] + i] += (s - REFERENCE) * own
                gradient[o[GRAVITY]] += (s - 1) * (record.severity[k] - 1.0) * own
                d_in[k] += q * part
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
        gradient[o[REACTION_LIFE] + i] += d_reaction_decay[i] * reaction_decay[i] * _LOG_2 / (life * life)
    life = values[o[ANSWER_LIFE]]
    gradient[o[ANSWER_LIFE]] += d_decay * decay * _LOG_2 / (life * life)
    life = values[o[FOLLOW_LIFE]]
    gradient[o[FOLLOW_LIFE]] += d_follow_decay * follow_decay * _LOG_2 / (life * life)
    gradient[o[FOLLOW_ON]] += d_follow

    # From the moved rates back to tension, drift and calm.
    d_tension, d_level, d_scale = np.zeros(n), np.zeros(n), 0.0
    for c in range(n_categories):
        loading = values[o[LOADING] + c] * scale
        d_loading = 0.0
        for t in range(n):
            part = d_moved[c, t] * moved[c, t]
            d_tension[t] += loading * part
            d_loading += part * (tension[t] - loading)
            d_level[t] += in_conflict[c] * part
        gradient[o[LOADING] + c] += d_loading * scale
        d_scale += d_loading * values[o[LOADING] + c]
    gradient[o[SCALE]] += d_scale
    d_calm_decay = 0.0
    for b in range(n_calming):
        gradient[o[BALLAST] + b] -= (d_level * saturation[b]).sum()
        d_calm_decay -= values[o[BALLAST] + b] * (d_level * d_saturation[b]).sum()
    life = values[o[CALM_LIFE]]
    gradient[o[CALM_LIFE]] += d_calm_decay * calm_decay * STEP_DAYS * _LOG_2 / (life * life)

    d_drift = d_level.copy()
    parts = np.exp(drift - drift.max()) * weights
    d_drift -= d_level.sum() / parts.sum() * parts
    d_knots = np.zeros(priors.n_drift_knots)
    _to_knots(d_drift, DRIFT_KNOT_STEPS, d_knots)
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
