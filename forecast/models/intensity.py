"""Intensities within the record: what brought each act about, and how likely each week's acts were.

The same equations as in ``forecast.models.density``, day by day and in plain NumPy, for reports and checks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from forecast.models import density
from forecast.models.density import (
    ANSWER_LIFE,
    ANSWERS,
    BALLAST,
    CALM_LIFE,
    DRIFT,
    FOLLOW_LIFE,
    FOLLOW_ON,
    IN_KIND,
    LOADING,
    PERSISTENCE,
    REACTION,
    REACTION_LIFE,
    REACTION_SEVERITY,
    REFERENCE,
    SCALE,
    SEVERITIES,
)
from forecast.models.draws import StreamDraws, prior_arrays, record_of
from forecast.panel import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
)
from forecast.priors import PriorSet
from forecast.streams import Acts

Floats = NDArray[np.float64]


class Intensity(NamedTuple):
    """Acts a day of each stream under one draw, each of shape (day, k).

    ``rate`` is the stream's own over the record; ``level``, ``tension`` and ``calm`` are factors on it, and
    immigrants are the product; ``answers`` and ``reactions``, (i, day, k), come from earlier acts.
    """

    rate: Floats
    level: Floats
    tension: Floats
    calm: Floats
    answers: Floats
    reactions: Floats

    @property
    def immigrants(self) -> Floats:
        """Acts that no earlier act brought about."""
        return self.rate * self.level * self.tension * self.calm

    @property
    def total(self) -> Floats:
        """Acts of any origin."""
        return self.immigrants + self.answers + self.reactions.sum(axis=0)


def intensity(data: Acts, priors: PriorSet, draws: StreamDraws, draw: int) -> Intensity:
    """Return the intensities of every day of the record under a draw."""
    arrays, record, own = prior_arrays(priors, draws.points), record_of(data), draws.values[draw]
    o, n_days, n_streams = arrays.offset, len(record.known), len(record.side)
    rates = density.stream_rates(own, arrays, record)
    in_side, in_kind, factor, grave = density.answer_weights(own, rates, arrays, record)
    conflict = record.side >= 0
    acts = record.stream >= 0
    day, stream = record.day[acts], record.stream[acts]
    grade, felt = record.grade[acts], record.felt[acts]

    def lagged(values: Floats, half_life: float) -> Floats:
        """Σ_{n≥1} g(n)·v[d − n] along the first axis."""
        decay = 2.0 ** (-1.0 / half_life)
        kept = lfilter([1 - decay], [1, -decay], values, axis=0)
        return np.concatenate([np.zeros((1, *values.shape[1:])), kept[:-1]])

    by_side = np.zeros((n_days, 2, SEVERITIES))
    by_kind = np.zeros((n_days, 2, record.n_categories, SEVERITIES))
    hostile = conflict[stream]
    side, category = record.side[stream[hostile]], record.category[stream[hostile]]
    np.add.at(by_side, (day[hostile], side, grade[hostile]), felt[hostile])
    np.add.at(by_kind, (day[hostile], side, category, grade[hostile]), felt[hostile])
    by_side = lagged(by_side, own[o[ANSWER_LIFE]])
    by_kind = lagged(by_kind, own[o[ANSWER_LIFE]])
    answers = np.zeros((n_days, n_streams))
    number, share = own[o[ANSWERS] : o[ANSWERS] + 2], own[o[IN_KIND] : o[IN_KIND] + 2]
    for k in np.flatnonzero(conflict):
        for a in range(2):
            e = 0 if a == record.side[k] else 1
            wide = number[e] * (1 - share[e]) * in_side[k]
            close = number[e] * share[e] * in_kind[k]
            brought = wide * by_side[:, a] + close * by_kind[:, a, record.category[k]]
            answers[:, k] += brought @ factor[:, k]
    kind = np.zeros((n_days, n_streams))
    np.add.at(kind, (day[~hostile], stream[~hostile]), felt[~hostile])
    answers += own[o[FOLLOW_ON]] * lagged(kind, own[o[FOLLOW_LIFE]])

    reactions = np.zeros((len(record.then), n_days, n_streams))
    shares = density.reaction_shares(own, rates, grave, arrays, record)
    for i, share in enumerate(shares):
        triggers = np.zeros((n_days, SEVERITIES))
        np.add.at(triggers, (record.day, record.grade), record.trigger[i] * record.felt)
        graver = np.exp(own[o[REACTION_SEVERITY] + i] * (np.arange(SEVERITIES) - REFERENCE))
        mass = own[o[REACTION] + i] * graver[:, None] * share * grave
        reactions[i] = lagged(triggers, own[o[REACTION_LIFE] + i]) @ mass

    weeks = np.arange(data.grid.n_steps)
    begin = draws.points.n_parameters
    knots = own[begin : begin + draws.points.n_knots]
    kept = np.exp(-STEP_DAYS * KNOT_STEPS / own[o[PERSISTENCE]])
    tension = density.between_knots(
        density.ornstein_uhlenbeck(knots, kept, np.sqrt(1 - kept**2)), KNOT_STEPS, len(weeks)
    )
    unit = density.ornstein_uhlenbeck(own[begin + len(knots) :], DRIFT_DECAY, DRIFT_NOISE)
    drift = density.between_knots(own[o[DRIFT]] * unit, DRIFT_KNOT_STEPS, len(weeks))
    drift = drift - density.log_mean_level(drift, density.weights_of_weeks(n_days))
    left = 2.0 ** (-STEP_DAYS / own[o[CALM_LIFE]])
    calm = np.zeros(len(weeks))
    for b, recent in enumerate(record.calming):
        amount = np.concatenate([[0.0], lfilter([left], [1, -left], recent)[:-1]])
        calm -= own[o[BALLAST] + b] * amount / (amount + HALF_SATURATION)
    week = np.arange(n_days) // STEP_DAYS
    loading = own[o[LOADING] + record.category] * own[o[SCALE]]
    one = np.ones((n_days, n_streams))
    return Intensity(
        one * rates / STEP_DAYS,
        np.where(conflict, np.exp(drift[week])[:, None], one),
        np.exp(loading * tension[week][:, None] - loading**2 / 2),
        np.where(conflict, np.exp(calm[week])[:, None], one),
        answers,
        reactions,
    )


def replay(data: Acts, priors: PriorSet, draws: StreamDraws, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Go through the record again under each draw, every week given what was seen before its days.

    Returns
    -------
    tuple of ndarray, shape (draw, week, k)
        Log likelihood of each week's acts, and counts drawn anew.
    """
    rng = np.random.default_rng(seed)
    week = np.arange(len(data.known)) // STEP_DAYS
    starts = np.flatnonzero(np.diff(week, prepend=-1))
    shape = len(draws), data.grid.n_steps, len(data.layout.kinds)
    likelihood, drawn = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for d in range(len(draws)):
        expected = intensity(data, priors, draws, d).total * data.known[:, None]
        mean = np.add.reduceat(expected, starts, axis=0)
        likelihood[d] = -mean
        np.add.at(
            likelihood[d], (data.day // STEP_DAYS, data.stream), np.log(expected[data.day, data.stream])
        )
        drawn[d] = rng.poisson(mean)
    return likelihood, drawn
