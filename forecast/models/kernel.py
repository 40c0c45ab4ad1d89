"""Log likelihood of counts and marks with its gradient, fused into one pass over the steps.

The equations are those of ``forecast.models.terms`` (the plain PyMC form, which tests this one). What
makes a pass cheap:

* ln Γ(y+α) − ln Γ(α) = Σ_{j<y} ln(α+j): for all full steps of a stream the sum needs only the table
  ``exceed[j]`` = #{t : y[t] > j}, so no gamma function is evaluated;
* Σ_t ln(1+λ/α) is the log of a product, taken once a knot interval;
* tension is linear between knots, so its exponential is geometric there: two exponentials a knot;
* one-step recursions carry excitation, ballast and their derivatives in the decay forward, and the
  adjoint of the Ornstein–Uhlenbeck recursion runs once over the knots.

Bare axes: t step, k stream, m knot, j level. All arrays are float64.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from forecast.series import HALF_SATURATION, KNOT_STEPS

Floats = NDArray[np.float64]

N_PARAMETERS = 4
"""Leading arguments of ``value_and_gradient`` that are parameters, in the order of its gradients."""

STREAM_ROWS = ("log_rate", "load", "own", "cross", "shape", "ballast", "notable", "category")
"""Rows of ``streams``; ``load`` is loading times scale, ``own`` and ``cross`` are branching ratios;
``notable`` and ``category`` shift the log odds of severity 2 and of the severities above."""

DYNAMICS = ("own_decay", "cross_decay", "ballast_decay", "knot_decay", "mark_tension", "mark_recent")
"""Entries of ``dynamics``: decays are factors per step (per knot for tension)."""


@numba.njit(error_model="numpy", cache=True, nogil=True)
def ornstein_uhlenbeck(innovations: Floats, knot_decay: float) -> Floats:
    """Return x at the knots: x[0] = ε[0], x[m] = φ·x[m−1] + √(1−φ²)·ε[m]."""
    x = np.empty_like(innovations)
    x[0] = innovations[0]
    scale = math.sqrt(1.0 - knot_decay * knot_decay)
    for m in range(1, len(x)):
        x[m] = knot_decay * x[m - 1] + scale * innovations[m]
    return x


@numba.njit(error_model="numpy", cache=True, nogil=True)
def value_and_gradient(
    streams: Floats,  # (row, k), see STREAM_ROWS; cross and ballast are zero where they do not apply
    dynamics: Floats,  # (6,), see DYNAMICS
    innovations: Floats,  # (m,)
    level: Floats,  # (4,)
    roles: Floats,  # (2, k): 1 where the stream is conflictual; 1 where it calms
    counts: Floats,  # (t, k)
    exceed: Floats,  # (j, k): full steps with more than j events
    marks: Floats,  # (cell, 7): step, stream, events reaching severity 1 … 5
    recent: Floats,  # (t,): log of recent severe events, centred
    extent: Floats,  # (2,): number of steps; exposure of the last
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return the log likelihood, shape (1,), and its gradient in the first four arguments.

    The log likelihood leaves out what is constant in the parameters (factorials).
    """
    log_rate, load, own, cross = streams[0], streams[1], streams[2], streams[3]
    shape, ballast, notable, category = streams[4], streams[5], streams[6], streams[7]
    own_decay, cross_decay, ballast_decay = dynamics[0], dynamics[1], dynamics[2]
    knot_decay, mark_tension, mark_recent = dynamics[3], dynamics[4], dynamics[5]
    conflict, calming = roles[0], roles[1]
    n = int(extent[0])
    last_exposure = extent[1]
    n_streams = len(log_rate)
    x = ornstein_uhlenbeck(innovations, knot_decay)

    d_streams = np.zeros_like(streams)
    d_log_rate, d_load, d_own, d_cross = d_streams[0], d_streams[1], d_streams[2], d_streams[3]
    d_shape, d_ballast, d_notable, d_category = d_streams[4], d_streams[5], d_streams[6], d_streams[7]
    d_own_decay = 0.0
    d_cross_decay = 0.0
    d_ballast_decay = 0.0
    d_x = np.zeros(len(x))

    base = np.empty(n_streams)
    ratio = np.empty(n_streams)
    following = np.empty(n_streams)
    product = np.ones(n_streams)
    log_product = np.zeros(n_streams)
    s = np.zeros(n_streams)
    ds = np.zeros(n_streams)
    recent_calm = np.zeros(n_streams)
    d_recent_calm = np.zeros(n_streams)
    saturation = np.zeros(n_streams)
    c = 0.0
    dc = 0.0
    has_ballast = False
    for k in range(n_streams):
        following[k] = math.exp(log_rate[k] + load[k] * x[0])
        has_ballast = has_ballast or calming[k] > 0.0
    value = 0.0
    tension = np.empty(n)

    for t in range(n):
        m = t // KNOT_STEPS
        part = (t - m * KNOT_STEPS) / KNOT_STEPS
        if t == m * KNOT_STEPS:
            step = (x[m + 1] - x[m]) / KNOT_STEPS
            for k in range(n_streams):
                log_product[k] += math.log(product[k])
                product[k] = 1.0
                base[k] = following[k]
                following[k] = math.exp(log_rate[k] + load[k] * x[m + 1])
                ratio[k] = math.exp(load[k] * step)
        x_t = x[m] + part * (x[m + 1] - x[m])
        tension[t] = x_t
        calm = 1.0
        if has_ballast:
            exponent = 0.0
            for k in range(n_streams):
                if calming[k] > 0.0:
                    saturation[k] = recent_calm[k] / (recent_calm[k] + HALF_SATURATION)
                    exponent -= ballast[k] * saturation[k]
            calm = math.exp(exponent)
        last = t == n - 1
        d_x_t = 0.0
        d_exponent = 0.0
        conflict_now = 0.0
        for k in range(n_streams):
            y = counts[t, k]
            factor = calm if conflict[k] > 0.0 else 1.0
            rate = (base[k] + own[k] * s[k] + cross[k] * c) * factor
            a = shape[k]
            if last:
                e = last_exposure
                log_odds = math.log1p(rate / a)
                value -= a * e * log_odds
                d_shape[k] += -e * log_odds + (e * rate - y) / (a + rate)
                for j in range(int(y)):
                    value += math.log(a * e + j)
                    d_shape[k] += e / (a * e + j)
                g = -(a * e + y) / (a + rate)
            else:
                product[k] *= 1.0 + rate / a
                d_shape[k] += (rate - y) / (a + rate)
                g = -(a + y) / (a + rate)
            if y > 0.0:
                value += y * math.log(rate / (a + rate))
                g += y / rate
            gf = g * factor
            gb = gf * base[k]
            d_log_rate[k] += gb
            d_load[k] += gb * x_t
            d_x_t += gb * load[k]
            d_own[k] += gf * s[k]
            d_own_decay += gf * own[k] * ds[k]
            if conflict[k] > 0.0:
                d_cross[k] += gf * c
                d_cross_decay += gf * cross[k] * dc
                d_exponent += g * rate
                conflict_now += y
            base[k] *= ratio[k]
            ds[k] = s[k] + own_decay * ds[k] - y
            s[k] = own_decay * s[k] + (1.0 - own_decay) * y
        if has_ballast:
            for k in range(n_streams):
                if calming[k] > 0.0:
                    d_ballast[k] -= d_exponent * saturation[k]
                    below = recent_calm[k] + HALF_SATURATION
                    slope = HALF_SATURATION / (below * below)
                    d_ballast_decay -= d_exponent * ballast[k] * slope * d_recent_calm[k]
                    total = recent_calm[k] + counts[t, k]
                    d_recent_calm[k] = total + ballast_decay * d_recent_calm[k]
                    recent_calm[k] = ballast_decay * total
        dc = c + cross_decay * dc - conflict_now
        c = cross_decay * c + (1.0 - cross_decay) * conflict_now
        d_x[m] += (1.0 - part) * d_x_t
        d_x[m + 1] += part * d_x_t

    for k in range(n_streams):
        log_product[k] += math.log(product[k])
        value -= shape[k] * log_product[k]
        d_shape[k] -= log_product[k]
        for j in range(exceed.shape[0]):
            if exceed[j, k] > 0.0:
                value += exceed[j, k] * math.log(shape[k] + j)
                d_shape[k] += exceed[j, k] / (shape[k] + j)

    d_level = np.zeros(len(level))
    d_mark_tension = 0.0
    d_mark_recent = 0.0
    mark_product = 1.0
    for cell in range(marks.shape[0]):
        t = int(marks[cell, 0])
        k = int(marks[cell, 1])
        shift = mark_tension * tension[t] + mark_recent * recent[t]
        d_shift = 0.0
        for j in range(4):
            at_risk = marks[cell, 2 + j]
            if at_risk == 0.0:
                break
            passed = marks[cell, 3 + j]
            log_odds = level[j] + shift + (notable[k] if j == 0 else category[k])
            odds = math.exp(log_odds)
            value += passed * log_odds
            for _ in range(int(at_risk)):
                mark_product *= 1.0 + odds
            if mark_product > 1e200:
                value -= math.log(mark_product)
                mark_product = 1.0
            slope = passed - at_risk * odds / (1.0 + odds)
            d_level[j] += slope
            d_shift += slope
            if j == 0:
                d_notable[k] += slope
            else:
                d_category[k] += slope
        d_mark_tension += d_shift * tension[t]
        d_mark_recent += d_shift * recent[t]
        m = t // KNOT_STEPS
        part = (t - m * KNOT_STEPS) / KNOT_STEPS
        d_x[m] += (1.0 - part) * d_shift * mark_tension
        d_x[m + 1] += part * d_shift * mark_tension
    value -= math.log(mark_product)

    scale = math.sqrt(1.0 - knot_decay * knot_decay)
    d_innovations = np.empty(len(x))
    d_knot_decay = 0.0
    adjoint = 0.0
    for m in range(len(x) - 1, 0, -1):
        adjoint = d_x[m] + knot_decay * adjoint
        d_innovations[m] = scale * adjoint
        d_knot_decay += adjoint * (x[m - 1] - knot_decay / scale * innovations[m])
    d_innovations[0] = d_x[0] + knot_decay * adjoint

    d_dynamics = np.array(
        [d_own_decay, d_cross_decay, d_ballast_decay, d_knot_decay, d_mark_tension, d_mark_recent]
    )
    return np.array([value]), d_streams, d_dynamics, d_innovations, d_level
