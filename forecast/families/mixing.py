"""How the members of a family make one probability.

The model knows acts ahead (scheduled events, those of a scenario); the other members do not. What these say
is moved by what the acts do on the model's paths, so that every member answers the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.simulation.probabilities import HitMoments, weighted_by_draw

Floats = NDArray[np.float64]


def mean_of_members(answers: Sequence[Floats]) -> Floats:
    """Mean of what the members say; those that are silent, with NaN, do not count. NaN where all are."""
    given = ~np.isnan(answers)
    number, total = given.sum(axis=0), np.where(given, answers, 0.0).sum(axis=0)
    return np.asarray(np.where(number, total / np.maximum(number, 1), np.nan))


def mixture(parts: Sequence[HitMoments], weights: Sequence[float]) -> HitMoments:
    """Moments of a draw from one of the parts, with these weights, which sum to one."""
    mean = sum(weight * part.mean for weight, part in zip(weights, parts, strict=True))
    # A variance that is found from pairs of paths may be negative by chance.
    square = sum(
        weight * (np.maximum(part.variance, 0.0) + part.mean**2)
        for weight, part in zip(weights, parts, strict=True)
    )
    return HitMoments(np.asarray(mean), np.asarray(square - mean**2))


@dataclass(frozen=True)
class ActsAhead:
    """What acts ahead do to a target on the model's paths, elementwise (over days, or questions).

    Parameters
    ----------
    plain : array_like
        Share of the paths on which the target is met without the acts, and no act ahead has met it by itself.
    ahead : array_like
        Probability with the acts, on the same random numbers.
    met : array_like
        Share of the paths on which an act ahead has met the target by itself.
    quiet : array_like
        Chance that none has: ``1 − met`` but for the luck of the paths.
    least : float
        Half a path: what a share that is zero may be.

    Notes
    -----
    An act that meets the target itself adds by arithmetic: 1 − p′ = quiet · (1 − p̃). What else the acts do
    moves p̃: by the change of log odds on the paths where none has met the target itself. A certain act that
    meets the target therefore gives 1, and no act that raises risk gives less than its own chance. Both odds
    are of the same paths, so that the luck of which paths these are says nothing.
    """

    plain: Floats
    ahead: Floats
    met: Floats
    quiet: Floats
    least: float

    @cached_property
    def open(self) -> Floats:
        """Probability on the paths where no act ahead has met the target by itself."""
        return self._of_open(self.ahead - self.met)

    @cached_property
    def before(self) -> Floats:
        """Probability without the acts on the same paths."""
        return self._of_open(self.plain)

    def _of_open(self, share: Floats) -> Floats:
        return np.asarray(np.clip(share / np.maximum(1.0 - self.met, self.least), 0.0, 1.0))

    @cached_property
    def gap(self) -> Floats:
        """Change of log odds by the acts, where none has met the target by itself."""
        inside = (
            np.clip(probability, self.least, 1 - self.least) for probability in (self.open, self.before)
        )
        now, before = (special.logit(probability) for probability in inside)
        return np.asarray(np.where(self.met < 1.0 - self.least, now - before, 0.0))

    def moved(self, direct: Floats) -> Floats:
        """Move what a member says that does not know the acts."""
        moved = special.expit(special.logit(direct) + self.gap)
        return np.asarray((1.0 - self.quiet) + self.quiet * moved)

    def slopes(self, direct: Floats) -> tuple[Floats, Floats, Floats]:
        """Derivatives of ``moved`` in ``plain``, ``ahead`` and ``met``."""
        moved = special.expit(special.logit(direct) + self.gap)
        turn = self.quiet * moved * (1 - moved)
        turn = turn / np.maximum(1.0 - self.met, self.least)
        now, before = (turn / self._room(probability) for probability in (self.open, self.before))
        return -before, now, -now * (1.0 - self.open) - before * self.before

    def _room(self, probability: Floats) -> Floats:
        inside = np.clip(probability, self.least, 1 - self.least)
        return np.asarray(inside * (1 - inside))


@dataclass(frozen=True)
class DrawShares:
    """What each draw of the model says, each of shape (draw,) or (draw, question).

    Plain means over the draws are the shares. ``plain`` and ``met`` are as in ``ActsAhead``; both ``None``
    where there are no acts ahead, or no member to tell.
    """

    ahead: Floats
    plain: Floats | None = None
    met: Floats | None = None

    def acts(self, quiet: Floats, least: float) -> ActsAhead | None:
        """What acts ahead do, from means over the draws; ``None`` where there are none."""
        if self.plain is None or self.met is None:
            return None
        return ActsAhead(self.plain, self.ahead, self.met, quiet, least)

    def with_each(self, change: Callable[..., Floats], *others: DrawShares) -> DrawShares:
        """Return what a function makes of each kind of share here and in others that have the same kinds."""
        ahead, plain, met = zip(*((one.ahead, one.plain, one.met) for one in (self, *others)), strict=True)
        if plain[0] is None:
            return DrawShares(change(*ahead))
        return DrawShares(change(*ahead), change(*plain), change(*met))

    def weighted(self, weights: Floats | None) -> DrawShares:
        """Return the same under weights of the draws, linearised so that plain means are the weighted."""
        return self.with_each(lambda values: weighted_by_draw(values, weights))

    def mean(self, weights: Floats | None = None) -> DrawShares:
        """Return the shares themselves, shape () or (question,), under weights of the draws."""

        def of(one: Floats) -> Floats:
            return np.asarray(one.mean(axis=0) if weights is None else np.tensordot(weights, one, axes=1))

        return self.with_each(of)


@dataclass(frozen=True)
class Mixing:
    """The mean of the model and the other members for one or several questions.

    ``share`` is the weight of the model, ``direct`` what the other members say without acts ahead (anything
    where ``share`` is 1), ``quiet`` the chance that no act ahead has met the target by itself, ``least``
    half a path.
    """

    share: Floats
    direct: Floats
    quiet: Floats
    least: float

    def acts(self, mean: DrawShares) -> ActsAhead | None:
        """What acts ahead do, from the model's shares; ``None`` where there are none."""
        return mean.acts(self.quiet, self.least)

    def value(self, mean: DrawShares) -> Floats:
        """The forecast where the model says this."""
        acts = self.acts(mean)
        others = self.direct if acts is None else acts.moved(self.direct)
        return np.asarray(self.share * mean.ahead + (1 - self.share) * others)

    def by_draw(self, shares: DrawShares) -> Floats:
        """The forecast, linearised in what each draw of the model adds: its plain mean is the value."""
        mean = shares.mean()
        value = self.value(mean) + self.share * (shares.ahead - mean.ahead)
        acts = self.acts(mean)
        if acts is None or shares.plain is None or shares.met is None:
            return value
        parts = ((shares.plain, acts.plain), (shares.ahead, acts.ahead), (shares.met, acts.met))
        for slope, (each, average) in zip(acts.slopes(self.direct), parts, strict=True):
            value = value + (1 - self.share) * slope * (each - average)
        return value
