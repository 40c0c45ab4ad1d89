"""Log likelihood of counts and marks with its gradient, in one pass over the steps of each stream.

The equations are those of ``forecast.models.terms`` (the plain PyMC form, which tests this one). What
makes a pass cheap:

* ln Γ(y+α) − ln Γ(α) = Σ_{j<y} ln(α+j): for all full steps of a stream the sum needs only the table
  ``exceed[j]`` = #{t : y[t] > j}, so no gamma function is evaluated;
* sums of logarithms, Σ_t ln(1+λ/α) and the like, are logarithms of products, taken where a product gets
  too large or too small;
* tension is linear between knots, so its exponential is geometric there: one exponential a knot;
* one-step recursions carry excitation, ballast and their derivatives in the decay forward, and the
  adjoint of the Ornstein–Uhlenbeck recursion runs once over the knots;
* streams meet only in what is past, which is known beforehand, so that each stream is one loop over the
  steps with all its sums in registers.

Longer than other modules, since Numba's cache takes notice of edits in one file only.
Bare axes: i dyad, t step, k stream, m knot, j level. All arrays are float64.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from forecast.panel.panel import HALF_SATURATION, KNOT_STEPS

Floats = NDArray[np.float64]

N_PARAMETERS = 5
"""Leading arguments of ``value_and_gradient`` that are parameters, in the order of its gradients."""

STREAM_ROWS = ("log_rate", "loading", "own", "cross", "shape", "ballast", "stage_2", "stage_3", "stage_4")
"""Rows of ``streams``: log baseline a step; loading of tension times its scale; branching ratios; gamma
shape; ballast of the stream's own acts; intercepts by kind of the ladder of severities (a continuation
ratio): of 2, of all above it, and further of 4 and 5."""

_DECAYS = ("own_decay", "cross_decay", "ballast_decay", "knot_decay")
DYNAMICS = (*_DECAYS, "mark_tension", "mark_recent", "mark_drift")
"""Entries of ``dynamics``: decays are factors per step (per knot for tension)."""

_BATCH = 8
"""Knots between which the exponential of tension is carried on by multiplication."""

_LARGE, _SMALL = 2.0**500, 2.0**-500
"""Bounds on products whose logarithm is still to be taken; powers of two, so that rescaling is exact."""

_LOG_LARGE = 500.0 * math.log(2.0)

_COMPILED = {
    "error_model": "numpy",
    # Said, because Numba's functions else take it from whatever calls them first: leave to reorder sums
    # would make results depend on what the cache holds.
    "fastmath": False,
    "cache": True,
    "nogil": True,
}


@numba.njit(**_COMPILED)
def ornstein_uhlenbeck(innovations: Floats, knot_decay: float) -> Floats:
    """Return x at the knots: x[0] = ε[0], x[m] = φ·x[m−1] + √(1−φ²)·ε[m]."""
    x = np.empty_like(innovations)
    x[0] = innovations[0]
    scale = math.sqrt(1.0 - knot_decay * knot_decay)
    for m in range(1, len(x)):
        x[m] = knot_decay * x[m - 1] + scale * innovations[m]
    return x


@numba.njit(**_COMPILED)
def value_and_gradient(
    streams: Floats,  # (i, row, k), see STREAM_ROWS; cross and ballast are zero where they do not apply
    dynamics: Floats,  # (i, 7), see DYNAMICS
    innovations: Floats,  # (i, m)
    level: Floats,  # (i, 4)
    drift: Floats,  # (i, m): at the knots; only its differences count
    roles: Floats,  # (2, k): 1 where the stream is conflictual; 1 where it calms
    counts: Floats,  # (i, t, k)
    exceed: Floats,  # (i, j, k): full steps with more than j events
    marks: Floats,  # (cell, 7): step, stream, events reaching severity 1 … 5
    recent: Floats,  # (i, t): log of recent severe events, centred
    extent: Floats,  # (i, 5): steps; exposure of the last; first step; first cell of marks; end of cells
    felt: Floats,  # (i, t, k): counts as later steps feel them
    completeness: Floats,  # (i, t): share of the step's events that is in the counts
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Return the log likelihood, shape (1,), without factorials, and its gradient in the first five."""
    value = 0.0
    d_streams = np.zeros_like(streams)
    d_dynamics = np.zeros_like(dynamics)
    d_innovations = np.zeros_like(innovations)
    d_level = np.zeros_like(level)
    d_drift = np.zeros_like(drift)
    for i in range(len(streams)):
        n, first = int(extent[i, 0]), int(extent[i, 2])
        x = ornstein_uhlenbeck(innovations[i], dynamics[i, 3])
        tension, drifted = _between_knots(x, n), _between_knots(drift[i], n)
        # Drift counts from its mean over the record: baselines are the rates of the record, and do not trade
        # off against the level of drift.
        mean_drift = drifted[first:].mean()
        drifted -= mean_drift
        relative = drift[i] - mean_drift
        d_tension, d_drifted = np.zeros(n), np.zeros(n)
        observed = (counts[i], exceed[i], extent[i, 1], first, felt[i], completeness[i])
        added_to = (d_streams[i], d_dynamics[i], d_tension, d_drifted)
        value += _counts(streams[i], dynamics[i], x, relative, tension, roles, *observed, *added_to)
        cells = marks[int(extent[i, 3]) : int(extent[i, 4])]
        value += _marks(
            streams[i], dynamics[i], level[i], cells, recent[i], tension, drifted, d_level[i], *added_to
        )
        d_drifted[first:] -= d_drifted.sum() / (n - first)
        _to_knots(d_drifted, d_drift[i])
        d_x = np.zeros(len(x))
        _to_knots(d_tension, d_x)
        d_innovations[i] = _through_tension(dynamics[i, 3], innovations[i], x, d_x, d_dynamics[i])
    return np.array([value]), d_streams, d_dynamics, d_innovations, d_level, d_drift


@numba.njit(**_COMPILED)
def _between_knots(knots: Floats, n: int) -> Floats:
    """Values in each step, linear between knots."""
    values = np.empty(n)
    for t in range(n):
        m = t // KNOT_STEPS
        values[t] = knots[m] + (t - m * KNOT_STEPS) / KNOT_STEPS * (knots[m + 1] - knots[m])
    return values


@numba.njit(**_COMPILED)
def _to_knots(d_values: Floats, d_knots: Floats) -> None:
    """Add to ``d_knots`` the gradient in the knots, given that in the values between them."""
    for t in range(len(d_values)):
        m = t // KNOT_STEPS
        part = (t - m * KNOT_STEPS) / KNOT_STEPS
        d_knots[m] += (1.0 - part) * d_values[t]
        d_knots[m + 1] += part * d_values[t]


@numba.njit(**_COMPILED)
def _counts(
    streams: Floats,
    dynamics: Floats,
    x: Floats,  # (m,)
    drift: Floats,  # (m,)
    tension: Floats,  # (t,)
    roles: Floats,
    counts: Floats,
    exceed: Floats,
    last_exposure: float,
    first: int,
    felt: Floats,
    completeness: Floats,
    d_streams: Floats,  # this and what follows: added to
    d_dynamics: Floats,
    d_tension: Floats,
    d_drifted: Floats,
) -> float:
    """Log likelihood of the counts; completeness is one more factor on the rate.

    A share of a step's events is in the data: a thinned negative binomial has the same shape.
    """
    own_decay, cross_decay, ballast_decay = dynamics[0], dynamics[1], dynamics[2]
    conflict, calming = roles[0], roles[1]
    n, n_streams = len(tension), streams.shape[1]
    # The past of all conflict, and its derivative in the decay.
    past, d_past = np.empty(n), np.empty(n)
    c = dc = 0.0
    for t in range(n):
        past[t] = c
        d_past[t] = dc
        now = 0.0
        for k in range(n_streams):
            now += conflict[k] * felt[t, k]
        dc = cross_decay * dc + (c - now)
        c = cross_decay * c + (1.0 - cross_decay) * now

    # Log of what calm leaves of conflict, by stream that calms, and its derivative in the decay.
    exponent = np.zeros(n)
    saturation, d_saturation = np.zeros((n_streams, n)), np.zeros((n_streams, n))
    has_ballast = False
    for k in range(n_streams):
        if calming[k] == 0.0:
            continue
        has_ballast = True
        amount = d_amount = 0.0
        for t in range(n):
            inverse = 1.0 / (amount + HALF_SATURATION)
            saturation[k, t] = amount * inverse
            d_saturation[k, t] = HALF_SATURATION * inverse * inverse * d_amount
            exponent[t] -= streams[5, k] * saturation[k, t]
            total = amount + felt[t, k]
            d_amount = total + ballast_decay * d_amount
            amount = ballast_decay * total
    calm = np.exp(exponent) * completeness[:n] if has_ballast else completeness

    value = 0.0
    d_exponent = np.zeros(n)
    discarded = np.empty(n)
    latent, observed = (x, drift, tension, past, d_past), (counts, felt, exceed, last_exposure, first)
    added_to = (d_streams, d_dynamics, d_tension, d_drifted)
    for k in range(n_streams):
        in_conflict = conflict[k] > 0.0
        factor, d_factor = (calm, d_exponent) if in_conflict else (completeness, discarded)
        value += _stream(k, streams, own_decay, *latent, factor, *observed, in_conflict, *added_to, d_factor)

    for k in range(n_streams):
        if calming[k] > 0.0:
            d_ballast = d_decay = 0.0
            for t in range(n):
                d_ballast -= d_exponent[t] * saturation[k, t]
                d_decay -= d_exponent[t] * d_saturation[k, t]
            d_streams[5, k] += d_ballast
            d_dynamics[2] += streams[5, k] * d_decay
    return value


@numba.njit(**_COMPILED)
def _stream(
    k: int,
    streams: Floats,
    own_decay: float,
    x: Floats,
    drift: Floats,
    tension: Floats,
    past: Floats,  # (t,): decayed count of all conflict
    d_past: Floats,  # (t,): its derivative in the decay
    calm: Floats,  # (t,): factor on the rate: calm, and completeness
    counts: Floats,
    felt: Floats,
    exceed: Floats,
    last_exposure: float,
    first: int,  # steps before it were not observed
    in_conflict: bool,
    d_streams: Floats,  # this and what follows: added to
    d_dynamics: Floats,
    d_tension: Floats,
    d_drifted: Floats,
    d_exponent: Floats,  # (t,): in the log of ``calm``
) -> float:
    """Log likelihood of the counts of one stream."""
    log_rate, loading = streams[0, k], streams[1, k]
    drifts = 1.0 if in_conflict else 0.0
    own, cross, shape = streams[2, k], streams[3, k], streams[4, k]
    n = len(tension)
    base = np.empty(n)
    for t in range(0, n, KNOT_STEPS):
        m = t // KNOT_STEPS
        if m % _BATCH == 0:
            following = math.exp(log_rate + loading * x[m] + drifts * drift[m])
        slope = loading * (x[m + 1] - x[m]) + drifts * (drift[m + 1] - drift[m])
        ratio = math.exp(slope / KNOT_STEPS)
        for step in range(t, min(t + KNOT_STEPS, n)):
            base[step] = following
            following *= ratio

    inverse_shape = 1.0 / shape
    d_log_rate = d_loading = d_shape = 0.0
    d_own = d_own_decay = d_cross = d_cross_decay = 0.0
    s = ds = 0.0
    growth = share = 1.0
    rescaled_growth = rescaled_share = 0
    # No function is called in this loop: all sums would leave the registers.
    for t in range(first, n):
        y = counts[t, k]
        e = last_exposure if t == n - 1 else 1.0
        rate = (base[t] + own * s + cross * past[t]) * calm[t]
        inverse = 1.0 / (shape + rate)
        g = -(shape * e + y) * inverse
        d_shape += (e * rate - y) * inverse
        if t < n - 1:
            growth *= 1.0 + rate * inverse_shape
            if growth > _LARGE:
                growth *= _SMALL
                rescaled_growth += 1
        if y > 0.0:
            g += y / rate
            odds = rate * inverse
            for _ in range(int(y)):
                share *= odds
                if share < _SMALL:
                    share *= _LARGE
                    rescaled_share += 1
        gf = g * calm[t]
        gb = gf * base[t]
        d_log_rate += gb
        d_loading += gb * tension[t]
        d_tension[t] += gb * loading
        d_drifted[t] += gb * drifts
        d_own += gf * s
        d_own_decay += gf * ds
        d_cross += gf * past[t]
        d_cross_decay += gf * d_past[t]
        d_exponent[t] += g * rate
        lasting = felt[t, k]
        ds = own_decay * ds + (s - lasting)
        s = own_decay * s + (1.0 - own_decay) * lasting

    log_growth = math.log(growth) + rescaled_growth * _LOG_LARGE
    value = math.log(share) - rescaled_share * _LOG_LARGE - shape * log_growth
    d_shape -= log_growth
    y, e = counts[n - 1, k], last_exposure
    log_odds = math.log1p(rate * inverse_shape)
    value -= shape * e * log_odds
    d_shape -= e * log_odds
    for j in range(int(y)):
        value += math.log(shape * e + j)
        d_shape += e / (shape * e + j)
    for j in range(exceed.shape[0]):
        if exceed[j, k] > 0.0:
            value += exceed[j, k] * math.log(shape + j)
            d_shape += exceed[j, k] / (shape + j)
    d_streams[0, k] += d_log_rate
    d_streams[1, k] += d_loading
    d_streams[2, k] += d_own
    d_streams[4, k] += d_shape
    d_dynamics[0] += own * d_own_decay
    if in_conflict:
        d_streams[3, k] += d_cross
        d_dynamics[1] += cross * d_cross_decay
    return float(value)


@numba.njit(**_COMPILED)
def _marks(
    streams: Floats,
    dynamics: Floats,
    level: Floats,
    marks: Floats,
    recent: Floats,
    tension: Floats,
    drifted: Floats,  # (t,): drift in each step
    d_level: Floats,  # this and what follows: added to
    d_streams: Floats,
    d_dynamics: Floats,
    d_tension: Floats,
    d_drifted: Floats,
) -> float:
    """Log likelihood of the severities: a continuation ratio, see ``terms.mark_log_odds``."""
    on_tension, on_recent, on_drift = dynamics[4], dynamics[5], dynamics[6]
    n_levels, n_streams = len(level), streams.shape[1]
    own = np.empty((n_levels, n_streams))
    for j in range(n_levels):
        own[j] = level[j] + streams[6 if j == 0 else 7]
        if j > 1:
            own[j] += streams[8]
    own_odds = np.exp(own)
    value = d_on_tension = d_on_recent = d_on_drift = 0.0
    product = 1.0
    for cell in range(marks.shape[0]):
        t, k = int(marks[cell, 0]), int(marks[cell, 1])
        shift = on_tension * tension[t] + on_recent * recent[t] + on_drift * drifted[t]
        shift_odds = math.exp(shift)
        d_shift = 0.0
        for j in range(n_levels):
            at_risk = marks[cell, 2 + j]
            if at_risk == 0.0:
                break
            passed = marks[cell, 3 + j]
            odds = own_odds[j, k] * shift_odds
            value += passed * (own[j, k] + shift)
            for _ in range(int(at_risk)):
                product *= 1.0 + odds
            if product > _LARGE:
                value -= math.log(product)
                product = 1.0
            slope = passed - at_risk * odds / (1.0 + odds)
            d_level[j] += slope
            d_streams[6 if j == 0 else 7, k] += slope
            if j > 1:
                d_streams[8, k] += slope
            d_shift += slope
        d_on_tension += d_shift * tension[t]
        d_on_recent += d_shift * recent[t]
        d_on_drift += d_shift * drifted[t]
        d_tension[t] += d_shift * on_tension
        d_drifted[t] += d_shift * on_drift
    d_dynamics[4] += d_on_tension
    d_dynamics[5] += d_on_recent
    d_dynamics[6] += d_on_drift
    return float(value - math.log(product))


@numba.njit(**_COMPILED)
def _through_tension(
    knot_decay: float, innovations: Floats, x: Floats, d_x: Floats, d_dynamics: Floats
) -> Floats:
    """Gradient in the innovations; adds to that in the decay of tension."""
    scale = math.sqrt(1.0 - knot_decay * knot_decay)
    d_innovations = np.empty(len(x))
    adjoint = 0.0
    for m in range(len(x) - 1, 0, -1):
        adjoint = d_x[m] + knot_decay * adjoint
        d_innovations[m] = scale * adjoint
        d_dynamics[3] += adjoint * (x[m - 1] - knot_decay / scale * innovations[m])
    d_innovations[0] = d_x[0] + knot_decay * adjoint
    return d_innovations
