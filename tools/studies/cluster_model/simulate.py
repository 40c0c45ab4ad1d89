"""A plain simulator of clusters: the oracle of exact chances, and for predictive checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cluster_model import density
from cluster_model.density import (
    ANSWER_LIFE,
    ANSWERS,
    FOLLOW_LIFE,
    FOLLOW_ON,
    IN_KIND,
    OTHER,
    RATE,
    REACTION,
    REACTION_LIFE,
    REACTION_SEVERITY,
    SAME,
    SEVERITIES,
    Priors,
)
from cluster_model.streams import Acts
from cluster_model.survival import ActAhead, left_of_past, moved_ahead
from forecast.panel import STEP_DAYS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def simulate(
    own: Floats,
    priors: Priors,
    acts: Acts,
    n_days: int,
    rng: np.random.Generator,
    *,
    paths: int = 1,
    ahead: Sequence[ActAhead] = (),
) -> list[tuple[Integers, Integers, Integers]]:
    """Play the days after the origin under one draw.

    Returns
    -------
    list of tuple of ndarray
        By path: day (from 1 on), stream and severity of every act, in no order.
    """
    record, o = acts.record, priors.offset
    moved, starts = moved_ahead(own[None], priors, acts, n_days, paths, rng)
    week = np.searchsorted(starts, np.arange(1, n_days + 1)) - 1
    n_streams = len(record.side)
    rate = own[o[RATE] : o[RATE] + n_streams] / STEP_DAYS
    in_side, in_kind, factor, grave = density.answer_weights(own, priors, record)
    left, left_reaction = left_of_past(own, priors, record)
    then = record.then * own[o[RATE] : o[RATE] + n_streams]
    then = then / then.sum(axis=1, keepdims=True) if len(then) else then

    def masses(stream: int, severity: int) -> Floats:
        answer = np.zeros(n_streams)
        for k in np.flatnonzero(record.side >= 0):
            e = SAME if record.side[k] == record.side[stream] else OTHER
            close = in_kind[k] if record.category[k] == record.category[stream] else 0.0
            share = own[o[IN_KIND] + e]
            answer[k] = (
                own[o[ANSWERS] + e] * factor[severity - 1, k] * ((1 - share) * in_side[k] + share * close)
            )
        return answer

    def reaction(i: int, severity: int) -> Floats:
        strength = own[o[REACTION] + i] * np.exp(own[o[REACTION_SEVERITY] + i] * (severity - 2))
        return np.asarray(strength * then[i] * grave[severity - 1])

    def answers(day: int, mass: Floats, half_life: float) -> list[tuple[int, int, int]]:
        decay = 2.0 ** (-1.0 / half_life)
        born = []
        for k in np.flatnonzero(mass > 0):
            for lag in rng.geometric(1 - decay, rng.poisson(mass[k])):
                if day + lag <= n_days:
                    born.append((day + int(lag), int(k), 1 + int(rng.choice(SEVERITIES, p=record.mix[k]))))
        return born

    played = []
    for path in range(paths):
        found: list[tuple[int, int, int]] = []
        for k in range(n_streams):
            number = rng.poisson(rate[k] * moved[0, path, record.category[k], week])
            for day in np.repeat(np.arange(1, n_days + 1), number):
                found.append((int(day), k, 1 + int(rng.choice(SEVERITIES, p=record.mix[k]))))
        for k in range(n_streams):
            for s in range(SEVERITIES):
                if left[k, s] > 0:
                    found += answers(0, left[k, s] * masses(k, s + 1), own[o[ANSWER_LIFE]])
        for i in range(len(record.then)):
            for s in range(SEVERITIES):
                if left_reaction[i, s] > 0:
                    found += answers(0, left_reaction[i, s] * reaction(i, s + 1), own[o[REACTION_LIFE] + i])
        for act in ahead:
            if rng.random() < act.probability:
                found.append((act.day + int(rng.integers(act.days)), act.stream, act.severity))
        open_ = list(found)
        while open_:
            day, k, severity = open_.pop()
            if record.side[k] < 0:
                mass = np.zeros(n_streams)
                mass[k] = own[o[FOLLOW_ON]]
                born = answers(day, mass, own[o[FOLLOW_LIFE]])
            else:
                born = answers(day, masses(k, severity), own[o[ANSWER_LIFE]])
                for i in acts.streams.streams[k].classes:
                    if severity in acts.streams.reactions[i].severities:
                        born += answers(day, reaction(i, severity), own[o[REACTION_LIFE] + i])
            found += born
            open_ += born
        day, stream, severity = (
            (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
            if found
            else (np.zeros(0, np.int64),) * 3
        )
        kept = day <= n_days
        played.append((day[kept], stream[kept], severity[kept]))
    return played
