"""Random numbers of the paths: by step and purpose, and counts by inverse distribution function.

Each number has its place in a counter-based generator (Philox; Salmon et al. 2011,
doi:10.1145/2063384.2063405), whatever happened before and however many paths there are, so that two scenarios
meet the same luck path by path. A count takes one uniform number and rises with its rate, which rejection
samplers cannot give: paths stay comparable between scenarios and monotone in the assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Places = NDArray[np.int64]
_Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]


class RandomStreams:
    """Random numbers of some draws; every ``width`` neighbouring draws share a key, of two uint64.

    With ``every`` only those of every so many draws, counted from draw ``first`` on, which is the first draw
    of the first key.
    """

    def __init__(
        self,
        keys: Sequence[NDArray[np.uint64]],
        width: int,
        n_draws: int,
        *,
        first: int = 0,
        every: int = 1,
    ) -> None:
        self._parts = []
        at = 0
        for begin, key in zip(range(0, n_draws, width), keys, strict=True):
            drawn = min(width, n_draws - begin)
            kept = slice(-(first + begin) % every, drawn, every)
            number = len(range(drawn)[kept])
            self._parts.append((slice(at, at + number), key, drawn, kept))
            at += number
        self._n_draws = at

    def uniform(self, step: int, purpose: int, shape: tuple[int, ...]) -> Floats:
        """Uniform numbers in [0, 1), shape (draw, path, …); ``shape`` is that of one draw, path first."""
        return self._drawn(step, purpose, shape, lambda generator, size: generator.random(size))

    def normal(self, step: int, purpose: int, n_paths: int) -> Floats:
        """Standard normal numbers, shape (draw, path)."""
        draw: _Draw = lambda generator, size: generator.standard_normal(size)  # noqa: E731
        return self._drawn(step, purpose, (n_paths,), draw)

    def on(self, draw: Places, path: Places, n_paths: int) -> RandomStreams:
        """Return the numbers of some paths, each as a draw of one path, where all have ``n_paths``."""
        return _SomePaths(self, draw, path, n_paths)

    def _drawn(self, step: int, purpose: int, shape: tuple[int, ...], draw: _Draw) -> Floats:
        n_paths, *width = shape
        numbers = np.empty((self._n_draws, *shape))
        counter = np.array([0, 0, step, purpose], dtype=np.uint64)
        for rows, key, drawn, kept in self._parts:
            generator = np.random.Generator(np.random.Philox(counter=counter, key=key))
            # Paths come first, so that the first of them have the same numbers however many follow.
            size = (n_paths, drawn, *width)
            numbers[rows] = np.swapaxes(draw(generator, size)[:, kept], 0, 1)
        return numbers


class _SomePaths(RandomStreams):
    def __init__(self, whole: RandomStreams, draw: Places, path: Places, n_paths: int) -> None:
        self._whole, self._chosen, self._n_paths = whole, (draw, path), n_paths

    def uniform(self, step: int, purpose: int, shape: tuple[int, ...]) -> Floats:
        numbers = self._whole.uniform(step, purpose, (self._n_paths, *shape[1:]))
        return np.asarray(numbers[self._chosen][:, None])

    def normal(self, step: int, purpose: int, n_paths: int) -> Floats:
        numbers = self._whole.normal(step, purpose, self._n_paths)
        return np.asarray(numbers[self._chosen][:, None])


def negative_binomial(uniform: Floats, mean: Floats, shape: Floats) -> Counts:
    """Quantile of a negative binomial, elementwise: the smallest n with P(N ≤ n) > ``uniform``, in [0, 1).

    ``shape`` is α of the gamma mixture: variance = mean + mean²/α.
    """
    counts = np.zeros(uniform.shape, dtype=np.int64)
    # P(0) = (1 + mean/shape)^−shape ≥ exp(−mean) ≥ 1 − mean: below that no logarithm is needed.
    cells = np.flatnonzero(uniform >= 1 - mean)
    u, m = uniform.ravel()[cells], mean.ravel()[cells]
    a = np.broadcast_to(shape, uniform.shape).ravel()[cells]
    zero = np.exp(-a * np.log1p(m / a))
    later = np.flatnonzero(u >= zero)
    open_cells, u, m, a, mass = cells[later], u[later], m[later], a[later], zero[later]
    odds = m / (a + m)
    flat = counts.ravel()
    total = mass.copy()
    n = 0
    while len(open_cells):
        n += 1
        mass = mass * odds * (a + (n - 1)) / n
        total = total + mass
        # A tail too thin to move the sum ends the search: the remaining mass is below rounding.
        stay = (u >= total) & (mass > 1e-17 * total)
        flat[open_cells[~stay]] = n
        open_cells, u, mass = open_cells[stay], u[stay], mass[stay]
        total, a, odds = total[stay], a[stay], odds[stay]
    return counts


def binomial(uniform: Floats, trials: Counts, probability: Floats) -> Counts:
    """Quantile of a binomial at ``uniform``, elementwise for 1-d arrays; rises in both parameters."""
    failure = 1.0 - probability
    # One trial, by far the most common case, needs one comparison.
    result = ((trials > 0) & (uniform >= failure)).astype(np.int64)
    several = np.flatnonzero(trials > 1)
    if not len(several):
        return result
    u, t, p, q = uniform[several], trials[several], probability[several], failure[several]
    mass = q**t
    total = mass.copy()
    found = np.where(u >= total, t, 0)  # stays at t where the walk ends without a decision (p = 1, rounding)
    undecided = np.flatnonzero(found > 0)
    for n in range(1, int(t.max())):
        i = undecided
        with np.errstate(divide="ignore", invalid="ignore"):
            mass[i] *= (t[i] - n + 1) / n * (p[i] / q[i])
        total[i] += mass[i]
        decided = (u[i] < total[i]) & (n < t[i])
        found[i[decided]] = n
        undecided = i[~decided & (n < t[i])]
        if not len(undecided):
            break
    result[several] = found
    return result
