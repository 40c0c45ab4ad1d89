"""Random numbers of paths by step and purpose, whatever happened before, and however many paths there are.

Each has its place in a counter-based generator (Philox; Salmon et al. 2011, doi:10.1145/2063384.2063405), so
that two scenarios meet the same luck path by path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class RandomStreams:
    """Random numbers of some draws; a run of neighbouring draws shares a key.

    Parameters
    ----------
    keys : sequence of ndarray of uint64, shape (2,)
        One for every ``width`` draws.
    width, n_draws : int
        Draws of a key (the last may have fewer), and of all.
    """

    def __init__(self, keys: Sequence[NDArray[np.uint64]], width: int, n_draws: int) -> None:
        self._parts = [
            (slice(first, min(first + width, n_draws)), key)
            for first, key in zip(range(0, n_draws, width), keys, strict=True)
        ]
        self._n_draws = n_draws

    def uniform(self, step: int, purpose: int, shape: tuple[int, ...]) -> Floats:
        """Uniform numbers in [0, 1), shape (draw, path, …); ``shape`` is that of one draw, path first."""
        return self._filled(step, purpose, shape, lambda generator, size: generator.random(size))

    def normal(self, step: int, purpose: int, n_paths: int) -> Floats:
        """Standard normal numbers, shape (draw, path)."""
        return self._filled(
            step, purpose, (n_paths,), lambda generator, size: generator.standard_normal(size)
        )

    def _filled(
        self,
        step: int,
        purpose: int,
        shape: tuple[int, ...],
        draw: Callable[[np.random.Generator, tuple[int, ...]], Floats],
    ) -> Floats:
        n_paths, *width = shape
        numbers = np.empty((self._n_draws, *shape))
        counter = np.array([0, 0, step, purpose], dtype=np.uint64)
        for rows, key in self._parts:
            generator = np.random.Generator(np.random.Philox(counter=counter, key=key))
            # Paths come first, so that the first of them have the same numbers however many follow.
            size = (n_paths, rows.stop - rows.start, *width)
            numbers[rows] = np.swapaxes(draw(generator, size), 0, 1)
        return numbers
