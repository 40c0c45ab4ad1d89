"""Latent processes beyond the record: tension and drift go on from their last knots."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from forecast.models.draws import Floats


class KnotPath:
    """A process that goes on from the knots of the past, linear in between; values of shape (draw, path)."""

    def __init__(
        self,
        knots: Floats,  # (draw, knot)
        last_step: int,
        every: int,
        decay: Floats | float,
        noise: Floats,
        paths: tuple[int, int],
    ) -> None:
        # The draws may have more knots than the past: the data say nothing on those beyond its last step.
        self._every, self._decay, self._noise = every, decay, noise
        self._left = last_step // every
        sides = knots[:, self._left : self._left + 2].T
        self._sides = [np.broadcast_to(knot[:, None], paths) for knot in sides]

    def at(self, step: int, normal: Callable[[int], Floats]) -> Floats:
        """Value in a step, not before that of the last call; ``normal`` gives the noise of a knot."""
        knot, within = divmod(step, self._every)
        while self._left < knot:
            self._left += 1
            right = self._decay * self._sides[1] + self._noise * normal(self._left + 1)
            self._sides = [self._sides[1], right]
        part = within / self._every
        return np.asarray((1 - part) * self._sides[0] + part * self._sides[1])
