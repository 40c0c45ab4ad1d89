"""Log posterior density of the model of cells, with its gradient: priors, transforms and likelihood at once.

The equations are those of ``docs/model.md`` and, in plain PyMC, of ``forecast.models.definition``, to which
tests hold value and gradient. Everything is generic in its sizes, so that one compiled function serves every
record; Numba keeps it on disk. What makes a pass cheap:

* ln Γ(y+α) − ln Γ(α) = Σ_{j<y} ln(α+j): for all full steps of a stream the sum needs only the table
  ``exceed[j]`` = #{t : y[t] > j}, so no gamma function is evaluated;
* sums of logarithms, Σ_t ln(1+λ/α) and the like, are logarithms of products, taken where a product gets
  too large or too small;
* tension and drift are linear between knots, so their exponential is geometric there;
* one-step recursions carry excitation, ballast and their derivatives forward, and the adjoint of the
  Ornstein–Uhlenbeck recursion runs once over the knots.

Longer than other modules, since Numba's cache takes notice of edits in one file only.

Bare axes: t step, k stream, m knot of tension, j knot of drift, s severity less 1, p coordinate of a point.
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
    "excitation.branching",
    "excitation.half_life_days",
    "excitation.cross",
    "excitation.cross_half_life_days",
    "excitation.severity",
    "overdispersion.shape",
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
    OWN,
    OWN_LIFE,
    CROSS,
    CROSS_LIFE,
    SEVERITY,
    SHAPE,
    BALLAST,
    CALM_LIFE,
) = range(13)

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

CHAIN_SLOPE, CHAIN_STEEPNESS = 10.0, 20.0
"""The soft bound on chains of acts: −10·softplus(20·(ρ − 1)), −0.2 at ρ = 0.8, −7 at 1, −40 at 1.2."""

_LARGE, _SMALL = 2.0**500, 2.0**-500
_LOG_LARGE = 500.0 * math.log(2.0)
_LOG_2, _LOG_2_PI = math.log(2.0), math.log(2.0 * math.pi)

_COMPILED = {
    "error_model": "numpy",
    # Leave to reorder sums would make results depend on what the cache holds.
    "fastmath": False,
    "cache": True,
    "nogil": True,
}


class Record(NamedTuple):
    """Data of one dyad.

    ``exceed[j, k]`` is the number of full steps with more than ``j`` acts; ``graded`` are conflictual acts by
    severity as later steps feel them; ``mix`` the share of conflict of each severity among a stream's acts.
    """

    counts: Floats  # (k, t)
    felt: Floats  # (k, t): counts as later steps feel them
    graded: Floats  # (t, s)
    completeness: Floats  # (t): share of the step's acts that is in the counts
    exceed: Floats  # (j, k)
    mix: Floats  # (k, s)
    conflict: Floats  # (k): 1 where the stream is conflictual
    calming: Floats  # (k): 1 where its acts are ballast
    last_exposure: float
    log_factorials: float  # −Σ ln y!


class Priors(NamedTuple):
    """Priors of a point: family and its two values by coordinate; where each of ``GROUPS`` begins."""

    family: Integers  # (p)
    value: Floats  # (p, 2)
    offset: Integers  # (13)
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
    total = _likelihood(values, priors, record, gradient)
    return float(total + _priors(theta, values, priors, gradient))


@numba.njit(**_COMPILED)
def log_likelihood(values: Floats, priors: Priors, record: Record) -> float:
    """Log likelihood of the counts, without the soft bound on chains, at parameters of shape (p,)."""
    gradient = np.zeros(len(values))
    ignored = np.zeros(len(values))
    total = _likelihood(values, priors, record, gradient)
    weight = severity_weights(values[priors.offset[SEVERITY]])
    return float(total - _chains(values, priors, record, weight, ignored))


@numba.njit(**_COMPILED)
def severity_weights(kappa: float) -> Floats:
    """Return w(s) = exp(κ(s − 2)) for s = 1 … 5."""
    weight = np.empty(5)
    for s in range(5):
        weight[s] = math.exp(kappa * (s - 1))
    return weight


@numba.njit(**_COMPILED)
def mean_pull(record: Record, weight: Floats) -> tuple[float, float]:
    """Weight of conflict in a step, averaged over the record, and its derivative in κ.

    Half an act of severity 2 is added, so that a record without conflict has one, too.
    """
    total, slope = 0.5, 0.0
    n = record.counts.shape[1]
    for t in range(n):
        for s in range(5):
            total += weight[s] * record.graded[t, s]
            slope += (s - 1) * weight[s] * record.graded[t, s]
    observed = n - 1 + record.last_exposure
    return total / observed, slope / observed


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
def log_mean_level(drift: Floats, last_exposure: float) -> float:
    """Log of the mean of exp(drift) over the record, of drift in each step, (t,)."""
    n = len(drift)
    highest = drift.max()
    total = 0.0
    for t in range(n):
        total += math.exp(drift[t] - highest) * (last_exposure if t == n - 1 else 1.0)
    return float(highest + math.log(total / (n - 1 + last_exposure)))


@numba.njit(**_COMPILED)
def relative_drift(drift: Floats, last_exposure: float) -> Floats:
    """Log level of conflict in each step, (t,), less the log of its mean over the record: of mean exp one."""
    return np.asarray(drift - log_mean_level(drift, last_exposure))


@numba.njit(**_COMPILED)
def _chains(values: Floats, priors: Priors, record: Record, weight: Floats, gradient: Floats) -> float:
    """Soft bound that keeps chains of conflictual acts finite.

    An act of stream k brings about own[k] of its kind, and of each stream i rate[i]·cross[i]·w̄[k]/Ē: by
    weight Σ_i w̄[i]·rate[i]·cross[i]/Ē/(1 − own) in all, and chains die out exactly when this is below one.
    """
    o = priors.offset
    level, d_level = mean_pull(record, weight)
    own = values[o[OWN]]
    total = d_kappa = 0.0
    c = 0
    for k in range(len(record.counts)):
        if record.conflict[k] > 0.0:
            mean = slope = 0.0
            for s in range(5):
                mean += record.mix[k, s] * weight[s]
                slope += (s - 1) * record.mix[k, s] * weight[s]
            total += mean * values[o[RATE] + k] * values[o[CROSS] + c]
            d_kappa += slope * values[o[RATE] + k] * values[o[CROSS] + c]
            c += 1
    scale = 1.0 / (level * (1.0 - own))
    strength = total * scale
    room = CHAIN_STEEPNESS * (strength - 1.0)
    soft = max(room, 0.0) + math.log1p(math.exp(-abs(room)))
    slope_ = -CHAIN_SLOPE * CHAIN_STEEPNESS / (1.0 + math.exp(-room))
    c = 0
    for k in range(len(record.counts)):
        if record.conflict[k] > 0.0:
            mean = 0.0
            for s in range(5):
                mean += record.mix[k, s] * weight[s]
            gradient[o[RATE] + k] += slope_ * scale * mean * values[o[CROSS] + c]
            gradient[o[CROSS] + c] += slope_ * scale * mean * values[o[RATE] + k]
            c += 1
    gradient[o[OWN]] += slope_ * strength / (1.0 - own)
    gradient[o[SEVERITY]] += slope_ * scale * (d_kappa - total * d_level / level)
    return float(-CHAIN_SLOPE * soft)


@numba.njit(**_COMPILED)
def _likelihood(values: Floats, priors: Priors, record: Record, gradient: Floats) -> float:
    """Log likelihood with the soft bound on chains; adds to the gradient in the values."""
    o = priors.offset
    n_streams, n = record.counts.shape
    n_parameters = len(priors.family)
    innovations = values[n_parameters : n_parameters + priors.n_knots]
    drift_innovations = values[n_parameters + priors.n_knots :]
    half_life_step = -STEP_DAYS * _LOG_2
    own_decay = math.exp(half_life_step / values[o[OWN_LIFE]])
    cross_decay = math.exp(half_life_step / values[o[CROSS_LIFE]])
    calm_decay = math.exp(half_life_step / values[o[CALM_LIFE]])
    knot_decay = math.exp(-STEP_DAYS * KNOT_STEPS / values[o[PERSISTENCE]])
    scale, drift_scale = values[o[SCALE]], values[o[DRIFT]]
    weight = severity_weights(values[o[SEVERITY]])
    knot_noise = math.sqrt(1.0 - knot_decay * knot_decay)
    x = ornstein_uhlenbeck(innovations, knot_decay, knot_noise)
    unit_drift = ornstein_uhlenbeck(drift_innovations, DRIFT_DECAY, DRIFT_NOISE)
    tension = between_knots(x, KNOT_STEPS, n)
    drift = between_knots(drift_scale * unit_drift, DRIFT_KNOT_STEPS, n)
    level = relative_drift(drift, record.last_exposure)

    # What earlier conflict pulls, relative to its mean, with derivatives in its decay and in κ.
    mean, d_mean = mean_pull(record, weight)
    pull, d_pull_decay, d_pull_kappa = np.empty(n), np.empty(n), np.empty(n)
    e = de = ek = 0.0
    for t in range(n):
        pull[t] = e / mean
        d_pull_decay[t] = de / mean
        d_pull_kappa[t] = (ek - e * d_mean / mean) / mean
        now = now_kappa = 0.0
        for s in range(5):
            now += weight[s] * record.graded[t, s]
            now_kappa += (s - 1) * weight[s] * record.graded[t, s]
        de = cross_decay * de + (e - now)
        e = cross_decay * e + (1.0 - cross_decay) * now
        ek = cross_decay * ek + (1.0 - cross_decay) * now_kappa

    # Log of what calm leaves of conflict, by stream that calms.
    exponent = np.zeros(n)
    saturation, d_saturation = np.zeros((n_streams, n)), np.zeros((n_streams, n))
    b = 0
    for k in range(n_streams):
        if record.calming[k] > 0.0:
            amount = d_amount = 0.0
            for t in range(n):
                inverse = 1.0 / (amount + HALF_SATURATION)
                saturation[k, t] = amount * inverse
                d_saturation[k, t] = HALF_SATURATION * inverse * inverse * d_amount
                exponent[t] -= values[o[BALLAST] + b] * saturation[k, t]
                total_amount = amount + record.felt[k, t]
                d_amount = total_amount + calm_decay * d_amount
                amount = calm_decay * total_amount
            b += 1
    calm = np.exp(exponent) * record.completeness

    total = record.log_factorials
    d_tension, d_level, d_pull, d_exponent = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    d_own_decay = d_scale = 0.0
    base, past, d_past = np.empty(n), np.empty(n), np.empty(n)
    intensity, scaled, slope = np.empty(n), np.empty(n), np.empty(n)
    exposure = np.ones(n)
    exposure[n - 1] = record.last_exposure
    c = 0
    for k in range(n_streams):
        in_conflict = record.conflict[k] > 0.0
        rate, share = values[o[RATE] + k], 0.0
        if in_conflict:
            share = values[o[CROSS] + c]
        loading = values[o[LOADING] + k] * scale
        drifts = 1.0 if in_conflict else 0.0
        side = o[OWN] if in_conflict else o[OWN] + 1
        own, shape = values[side], values[o[SHAPE] + k]
        ordinary = rate * (1.0 - share)
        log_ordinary = math.log(ordinary) - 0.5 * loading * loading
        for t in range(0, n, KNOT_STEPS):
            end = min(t + KNOT_STEPS, n)
            following = math.exp(log_ordinary + loading * tension[t] + drifts * level[t])
            base[t] = following
            if end > t + 1:
                rise = loading * (tension[t + 1] - tension[t]) + drifts * (level[t + 1] - level[t])
                ratio = math.exp(rise)
                for step in range(t + 1, end):
                    following *= ratio
                    base[step] = following

        pulled = rate * share
        inverse_shape = 1.0 / shape
        counts, felt = record.counts[k], record.felt[k]
        factor = calm if in_conflict else record.completeness
        s_past = ds_past = 0.0
        for t in range(n):
            past[t], d_past[t] = s_past, ds_past
            ds_past = own_decay * ds_past + (s_past - felt[t])
            s_past = own_decay * s_past + (1.0 - own_decay) * felt[t]
        for t in range(n):
            intensity[t] = (base[t] + pulled * pull[t] + own * past[t]) * factor[t]
            scaled[t] = 1.0 / (shape + intensity[t])
            slope[t] = -(shape * exposure[t] + counts[t]) * scaled[t]
        kept, rescaled_kept = 1.0, 0
        for t in range(n):
            if counts[t] > 0.0:
                slope[t] += counts[t] / intensity[t]
                odds = intensity[t] * scaled[t]
                for _ in range(int(counts[t])):
                    kept *= odds
                    if kept < _SMALL:
                        kept *= _LARGE
                        rescaled_kept += 1
        growth, rescaled_growth = 1.0, 0
        for t in range(n - 1):
            growth *= 1.0 + intensity[t] * inverse_shape
            if growth > _LARGE:
                growth *= _SMALL
                rescaled_growth += 1
        d_base_sum = d_loading = d_pulled = d_own = d_shape = 0.0
        for t in range(n):
            gf = slope[t] * factor[t]
            gb = gf * base[t]
            d_shape += (exposure[t] * intensity[t] - counts[t]) * scaled[t]
            d_base_sum += gb
            d_loading += gb * (tension[t] - loading)
            d_pulled += gf * pull[t]
            d_own += gf * past[t]
            d_own_decay += gf * own * d_past[t]
        for t in range(n):
            gf = slope[t] * factor[t]
            gb = gf * base[t]
            d_tension[t] += gb * loading
            d_level[t] += gb * drifts
            d_pull[t] += gf * pulled
            d_exponent[t] += slope[t] * intensity[t] * drifts

        log_growth = math.log(growth) + rescaled_growth * _LOG_LARGE
        total += math.log(kept) - rescaled_kept * _LOG_LARGE - shape * log_growth
        d_shape -= log_growth
        y, e_t = counts[n - 1], record.last_exposure
        log_odds = math.log1p(intensity[n - 1] * inverse_shape)
        total -= shape * e_t * log_odds
        d_shape -= e_t * log_odds
        for j in range(int(y)):
            total += math.log(shape * e_t + j)
            d_shape += e_t / (shape * e_t + j)
        for j in range(record.exceed.shape[0]):
            if record.exceed[j, k] > 0.0:
                total += record.exceed[j, k] * math.log(shape + j)
                d_shape += record.exceed[j, k] / (shape + j)

        gradient[o[RATE] + k] += d_base_sum / rate + share * d_pulled
        gradient[o[LOADING] + k] += d_loading * scale
        d_scale += d_loading * values[o[LOADING] + k]
        gradient[side] += d_own
        gradient[o[SHAPE] + k] += d_shape
        if in_conflict:
            gradient[o[CROSS] + c] += rate * d_pulled - d_base_sum / (1.0 - share)
            c += 1

    gradient[o[SCALE]] += d_scale
    gradient[o[OWN_LIFE]] += d_own_decay * _d_half_life(own_decay, values[o[OWN_LIFE]])
    d_cross_decay = d_kappa = 0.0
    for t in range(n):
        d_cross_decay += d_pull[t] * d_pull_decay[t]
        d_kappa += d_pull[t] * d_pull_kappa[t]
    gradient[o[CROSS_LIFE]] += d_cross_decay * _d_half_life(cross_decay, values[o[CROSS_LIFE]])
    gradient[o[SEVERITY]] += d_kappa
    b = 0
    d_calm_decay = 0.0
    for k in range(n_streams):
        if record.calming[k] > 0.0:
            strength = values[o[BALLAST] + b]
            for t in range(n):
                gradient[o[BALLAST] + b] -= d_exponent[t] * saturation[k, t]
                d_calm_decay -= d_exponent[t] * strength * d_saturation[k, t]
            b += 1
    gradient[o[CALM_LIFE]] += d_calm_decay * _d_half_life(calm_decay, values[o[CALM_LIFE]])

    # The level is relative to its mean over the record, by a softmax of the drift.
    d_total = d_level.sum()
    observed = n - 1 + record.last_exposure
    for t in range(n):
        e_t = record.last_exposure if t == n - 1 else 1.0
        d_level[t] -= d_total * math.exp(level[t]) * e_t / observed
    d_drift_knots = np.zeros(priors.n_drift_knots)
    _to_knots(d_level, DRIFT_KNOT_STEPS, d_drift_knots)
    adjoint = d_drift_scale = 0.0
    for j in range(priors.n_drift_knots - 1, -1, -1):
        d_drift_scale += d_drift_knots[j] * unit_drift[j]
        adjoint = d_drift_knots[j] * drift_scale + DRIFT_DECAY * adjoint
        noise = DRIFT_NOISE if j > 0 else 1.0
        gradient[n_parameters + priors.n_knots + j] += noise * adjoint
    gradient[o[DRIFT]] += d_drift_scale

    d_x = np.zeros(priors.n_knots)
    _to_knots(d_tension, KNOT_STEPS, d_x)
    adjoint = d_knot_decay = 0.0
    for m in range(priors.n_knots - 1, 0, -1):
        adjoint = d_x[m] + knot_decay * adjoint
        gradient[n_parameters + m] += knot_noise * adjoint
        d_knot_decay += adjoint * (x[m - 1] - knot_decay / knot_noise * innovations[m])
    gradient[n_parameters] += d_x[0] + knot_decay * adjoint
    persistence = values[o[PERSISTENCE]]
    gradient[o[PERSISTENCE]] += d_knot_decay * knot_decay * STEP_DAYS * KNOT_STEPS / persistence**2
    return float(total + _chains(values, priors, record, weight, gradient))


@numba.njit(**_COMPILED)
def _d_half_life(decay: float, half_life: float) -> float:
    """Derivative of 2^(−step/half-life) in the half-life."""
    return decay * STEP_DAYS * _LOG_2 / (half_life * half_life)


@numba.njit(**_COMPILED)
def densities(points: Floats, priors: Priors, record: Record) -> tuple[Floats, Floats]:
    """Log densities, (point,), and gradients, (point, p); −inf and 0 where the density is no number."""
    value, gradient = np.empty(len(points)), np.empty_like(points)
    for i in range(len(points)):
        value[i] = log_density(points[i], priors, record, gradient[i])
        if not (math.isfinite(value[i]) and np.isfinite(gradient[i]).all()):
            value[i], gradient[i] = -np.inf, 0.0
    return value, gradient
