"""Intensities in plain NumPy: what brought each act about.

The same equations as in ``forecast.models.density``, day by day, for reports and checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.grid import DRIFT_KNOT_STEPS, HALF_SATURATION, KNOT_STEPS, STEP_DAYS
from forecast.models import density
from forecast.models.draws import StreamDraws, prior_arrays, record_of
from forecast.models.survival import Chances
from forecast.priors import PriorSet
from forecast.streams import Acts

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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
    rates = density.stream_rates(own, arrays, record)
    shape = len(record.completeness), len(record.side)

    def lagged(brought: Floats, half_life: float) -> Floats:
        """Σ_{n≥1} g(n)·v[d − n] of the acts that each day brings about in all."""
        from scipy.signal import lfilter  # takes a second to load

        decay, by_day = 2.0 ** (-1.0 / half_life), np.zeros(shape)
        np.add.at(by_day, record.day, brought)
        kept = lfilter([1 - decay], [1, -decay], by_day, axis=0)
        return np.concatenate([np.zeros((1, shape[1])), kept[:-1]])

    answers, follow, *reactions = (lagged(*acts) for acts in _brought(own, rates, arrays, record))
    level, tension, calm = _factors(data, draws, draw, record, np.arange(shape[0]))
    own_rate = np.ones(shape) * rates / STEP_DAYS
    by_reaction = np.array(reactions).reshape(len(reactions), *shape)
    return Intensity(own_rate, level, tension, calm, answers + follow, by_reaction)


def masses(
    own: Floats, rates: Floats, arrays: density.Priors, record: density.Arrays
) -> tuple[Floats, Floats, Floats]:
    """Acts of each stream l that an act of stream k and severity s brings about in all.

    Returns
    -------
    tuple of ndarray
        Answers of conflict, (k, s, l); follow-on of cooperation, (k, l); by each reaction, (i, s, l).
    """
    o, conflict = arrays.offset, record.side >= 0
    in_side, in_kind, factor, grave = density.answer_weights(own, rates, arrays, record)
    between = np.where(record.side[:, None] == record.side, density.SAME, density.OTHER)
    number, share = own[o[density.ANSWERS] + between], own[o[density.IN_KIND] + between]
    alike = in_kind * (record.category[:, None] == record.category)
    answers = number * ((1 - share) * in_side + share * alike) * conflict[:, None]
    then = density.reaction_shares(own, rates, grave, arrays, record)
    reaction, grades = np.arange(len(then))[:, None], np.arange(density.SEVERITIES) - density.REFERENCE
    strength = own[o[density.REACTION] + reaction] * np.exp(
        own[o[density.REACTION_SEVERITY] + reaction] * grades
    )
    reactions = strength[:, :, None] * then[:, None, :] * grave
    return answers[:, None, :] * factor, own[o[density.FOLLOW_ON]] * np.diag(~conflict), reactions


def _brought(
    own: Floats, rates: Floats, arrays: density.Priors, record: density.Arrays
) -> Iterator[tuple[Floats, float]]:
    """Acts of each stream that every act brings about in all, (j, k), and their half-life in days.

    By answers of conflict, by follow-on, then by each reaction.
    """
    o, stream = arrays.offset, record.stream
    answers, follow, reactions = masses(own, rates, arrays, record)
    act = (stream >= 0)[:, None]
    yield answers[stream, record.grade] * act, own[o[density.ANSWER_LIFE]]
    yield follow[stream] * act, own[o[density.FOLLOW_LIFE]]
    for i, mass in enumerate(reactions):
        yield record.trigger[i][:, None] * mass[record.grade], own[o[density.REACTION_LIFE] + i]


def _factors(
    data: Acts, draws: StreamDraws, draw: int, record: density.Arrays, days: Integers
) -> tuple[Floats, Floats, Floats]:
    """Factors of level, tension and calm on the rates, each of shape (day, k)."""
    from scipy.signal import lfilter  # takes a second to load

    own, o, conflict = draws.values[draw], draws.points.offset, record.side >= 0
    weeks = np.arange(data.grid.n_steps)
    tension = density.between_knots(draws.knots[draw], KNOT_STEPS, len(weeks))
    drift = density.between_knots(draws.drift[draw], DRIFT_KNOT_STEPS, len(weeks))
    drift = drift - np.log(np.average(np.exp(drift), weights=record.weight))
    left = 2.0 ** (-STEP_DAYS / own[o[density.CALM_LIFE]])
    calm = np.zeros(len(weeks))
    for b, recent in enumerate(record.calming):
        amount = np.concatenate([[0.0], lfilter([left], [1, -left], recent)[:-1]])
        calm -= own[o[density.BALLAST] + b] * amount / (amount + HALF_SATURATION)
    week = days // STEP_DAYS
    loading = own[o[density.LOADING] + record.category] * own[o[density.SCALE]]
    return (
        np.where(conflict, np.exp(drift[week])[:, None], 1.0),
        np.exp(loading * tension[week][:, None] - loading**2 / 2),
        np.where(conflict, np.exp(calm[week])[:, None], 1.0),
    )


class IntensityShares(NamedTuple):
    """What brought acts about: shares of their intensity that sum to one over all fields, each (case, …).

    ``acts`` are those of earlier acts, (case, j), in the order of ``record_of``. ``tension`` and ``level``
    are what these add to the stream's own rate where they raise it; what is left is ``nothing_known``.
    """

    acts: Floats
    tension: Floats
    level: Floats
    nothing_known: Floats


def set_off(
    data: Acts, priors: PriorSet, draws: StreamDraws, day: Integers, stream: Integers
) -> IntensityShares:
    """Share out the intensity of acts of the record, each of a day and a stream: means over the draws."""
    arrays, record = prior_arrays(priors, draws.points), record_of(data)
    case, lag = np.arange(len(day)), np.maximum(day[:, None] - record.day, 0)
    found = IntensityShares(np.zeros(lag.shape), *np.zeros((3, len(day))))
    for d, own in enumerate(draws.values):
        rates = density.stream_rates(own, arrays, record)
        acts = np.zeros(lag.shape)
        for brought, half_life in _brought(own, rates, arrays, record):
            decay = 2.0 ** (-1.0 / half_life)
            by_lag = (1 - decay) * decay ** (np.arange(len(record.completeness)) - 1.0)
            by_lag[0] = 0.0
            acts += by_lag[lag] * brought[:, stream].T
        level, tension, calm = (
            np.log(factor[case, stream]) for factor in _factors(data, draws, d, record, day)
        )
        raised = np.maximum(tension, 0), np.maximum(level, 0)
        plain = rates[stream] / STEP_DAYS * np.exp(np.minimum(tension, 0) + np.minimum(level, 0) + calm)
        added = plain * np.expm1(sum(raised)) / np.maximum(sum(raised), 1e-12)
        total = plain + added * sum(raised) + acts.sum(axis=1)
        for sums, part in zip(found, (acts, *(added * source for source in raised), plain), strict=True):
            sums += (part.T / total / len(draws)).T
    return found


def replay(data: Acts, priors: PriorSet, draws: StreamDraws, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Go through the record again under each draw, every week given what was seen before its days.

    Returns
    -------
    tuple of ndarray, shape (draw, week, k)
        Log likelihood of each week's acts, and counts drawn anew.
    """
    rng = np.random.default_rng(seed)
    week = np.arange(len(data.completeness)) // STEP_DAYS
    starts = np.flatnonzero(np.diff(week, prepend=-1))
    shape = len(draws), data.grid.n_steps, len(data.layout.kinds)
    likelihood, drawn = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for d in range(len(draws)):
        expected = intensity(data, priors, draws, d).total * data.completeness[:, None]
        mean = np.add.reduceat(expected, starts, axis=0)
        likelihood[d] = -mean
        np.add.at(
            likelihood[d], (data.day // STEP_DAYS, data.stream), np.log(expected[data.day, data.stream])
        )
        drawn[d] = rng.poisson(mean)
    return likelihood, drawn


def chains_end(chances: Chances) -> NDArray[np.bool_]:
    """Whether chains of answers end under each draw, shape (draw,): an act brings about less than one."""
    record, sets_off = chances.record, chances.data.layout.sets_off
    ends = []
    for own in chances.draws.values:
        rates = density.stream_rates(own, chances.arrays, record)
        answers, follow, reactions = masses(own, rates, chances.arrays, record)
        mass = answers + follow[:, None, :]
        for own_mass, streams in zip(reactions, sets_off, strict=True):
            mass[streams] += own_mass
        ends.append(np.abs(np.linalg.eigvals(np.einsum("ks,ksl->kl", record.mix, mass))).max() < 1)
    return np.array(ends)
