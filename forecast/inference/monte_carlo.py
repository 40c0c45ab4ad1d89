"""The error of a mean over correlated posterior draws.

Effective sample size as in Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), doi:10.1214/20-BA1221:
split chains, autocovariances by Fourier transform, cut by Geyer's initial positive and monotone sequences.
On NumPy alone, because a scenario is to answer faster than ArviZ can be imported; tests hold it to ArviZ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def monte_carlo_error(per_draw: Floats, n_chains: int) -> float:
    """Standard error of the mean, from the effective sample size.

    Parameters
    ----------
    per_draw : ndarray, shape (draw,)
        Values with the chains one after the other, at least four a chain.
    n_chains : int
    """
    chains = np.asarray(per_draw, dtype=np.float64).reshape(n_chains, -1)
    if np.ptp(chains) == 0.0:
        return 0.0
    return float(chains.std(ddof=1) / np.sqrt(effective_sample_size(chains)))


def effective_sample_size(chains: Floats) -> float:
    """Independent draws that would give the mean as precisely.

    Parameters
    ----------
    chains : ndarray, shape (chain, draw)
        Not all the same.
    """
    half = chains.shape[1] // 2
    split = np.vstack([chains[:, :half], chains[:, -half:]])
    total = split.size
    covariance = _autocovariance(split).mean(axis=0)
    within = covariance[0] * half / (half - 1)
    variance = covariance[0] + split.mean(axis=1).var(ddof=1)
    correlation = 1 - (within - covariance) / variance
    correlation[0] = 1.0
    pairs = correlation[: half - half % 2].reshape(-1, 2).sum(axis=1)
    # Sums of neighbouring autocorrelations are positive and fall in theory; noise beyond that is cut.
    negative = np.flatnonzero(pairs < 0)
    used = max(int(negative[0]) if len(negative) else len(pairs) - 1, 1)
    time = -1 + 2 * np.minimum.accumulate(pairs[:used]).sum()
    if used < len(pairs):
        time += max(correlation[2 * used], 0.0)
    return float(total / max(time, 1 / np.log10(total)))


def _autocovariance(series: Floats) -> Floats:
    """Autocovariance of each row at every lag, shape of ``series``."""
    n = series.shape[1]
    centred = series - series.mean(axis=1, keepdims=True)
    # Padded with zeros to a power of two, so that the transform neither wraps around nor is slow.
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, n=size, axis=1)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, n=size, axis=1)[:, :n] / n)
