"""Futures of weekly scores: the model of ``forecast.models.weekly_scores``, run forward in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.series import KNOT_STEPS, STEP_DAYS, decay_per_step, knots_for
from forecast.weekly_scores.series import ScoreSeries

Floats = NDArray[np.float64]

LARGEST_RATE = 10_000.0
"""Acts a week above which a simulated rate is cut: no chain of acts runs away."""


@dataclass(frozen=True)
class ScorePaths:
    """Simulated weeks after a series.

    Parameters
    ----------
    score : ndarray of float64, shape (draw, path, week, direction)
        In the unit of the file; week 0 is the first that the series does not cover.
    capped : float
        Share of the rates of acts that were cut.
    """

    score: Floats
    capped: float


def simulate_scores(
    series: ScoreSeries, variables: Mapping[str, Floats], n_weeks: int, paths: int, seed: int
) -> ScorePaths:
    """Simulate the weeks that follow a series.

    Parameters
    ----------
    series : ScoreSeries
        What the draws were fitted to.
    variables : mapping of str to ndarray, each of shape (draw, …)
        Draws of a posterior. Knots beyond the series, if the model had room for more, are not used.
    n_weeks : int
        Weeks ahead.
    paths : int
        Futures a draw.
    seed : int
    """
    rng = np.random.default_rng(seed)
    n_draws = len(variables["noise_tail"])
    shape = (n_draws, paths, n_weeks, len(series.directions))

    tone, activity = (
        _latent_ahead(
            variables["latent_innovations"][..., place],
            variables[f"{name}_persistence"],
            len(series),
            n_weeks,
            paths,
            rng,
        )
        for place, name in enumerate(("tone", "activity"))
    )

    def of(name: str) -> Floats:
        """Return a parameter by direction, to go with (draw, path, direction)."""
        return variables[name][:, None, :]

    rate_of_level = of("activity_swing")[:, :, None] * activity[..., None]
    mean = of("tone_mean")[:, :, None] + of("tone_swing")[:, :, None] * tone[..., None]
    mean = mean + variables["tone_with_activity"][:, None, None, None] * activity[..., None]
    if series.acts is None:
        acts, capped = np.ones(shape), 0.0
        log_size = rate_of_level
    else:
        acts, capped = _acts(series, variables, np.exp(rate_of_level), rng)
        growth = 0.5 + 0.5 * variables["noise_growth"][:, None, None, None]
        log_size = growth * np.log(np.maximum(acts, 1.0))
    scale = of("noise_scale")[:, :, None] * np.exp(log_size)
    noise = _noise(variables, shape, rng)
    score = np.where(acts > 0, acts * mean + scale * noise, 0.0) * series.unit
    return ScorePaths(score, capped)


def _latent_ahead(
    innovations: Floats, persistence: Floats, n_known: int, n_ahead: int, paths: int, rng: np.random.Generator
) -> Floats:
    """Continue a latent process, shape (draw, path, week)."""
    n_draws = len(innovations)
    decay = np.exp(-STEP_DAYS * KNOT_STEPS / persistence)
    scale = np.sqrt(1 - decay**2)
    known, needed = knots_for(n_known), knots_for(n_known + n_ahead)
    knots = np.empty((n_draws, paths, needed))
    value = np.repeat(innovations[:, :1], paths, axis=1)
    knots[:, :, 0] = value
    for m in range(1, needed):
        drawn = (
            np.repeat(innovations[:, m : m + 1], paths, axis=1)
            if m < known
            else rng.standard_normal((n_draws, paths))
        )
        value = decay[:, None] * value + scale[:, None] * drawn
        knots[:, :, m] = value
    step = np.arange(n_known, n_known + n_ahead)
    left, part = step // KNOT_STEPS, step % KNOT_STEPS / KNOT_STEPS
    return np.asarray((1 - part) * knots[:, :, left] + part * knots[:, :, left + 1])


def _acts(
    series: ScoreSeries, variables: Mapping[str, Floats], factor: Floats, rng: np.random.Generator
) -> tuple[Floats, float]:
    """Acts of each week ahead, shape (draw, path, week, direction), and the share of rates that were cut."""
    assert series.acts is not None
    level = variables["activity_weekly_acts"][:, None, :]
    echo = variables["activity_echo"][:, None, :]
    alpha = variables["activity_shape"][:, None, :]
    decay = decay_per_step(variables["activity_echo_half_life_days"])
    past = np.zeros(len(decay))
    for total in series.acts.sum(axis=1):
        past = decay * past + (1 - decay) * total
    recent = np.repeat(past[:, None], factor.shape[1], axis=1)
    acts = np.empty(factor.shape)
    cut = 0
    for week in range(factor.shape[2]):
        rate = level * factor[:, :, week] + echo * recent[..., None]
        cut += int((rate > LARGEST_RATE).sum())
        rate = np.minimum(rate, LARGEST_RATE)
        acts[:, :, week] = rng.poisson(rng.gamma(np.broadcast_to(alpha, rate.shape)) * rate / alpha)
        recent = decay[:, None] * recent + (1 - decay[:, None]) * acts[:, :, week].sum(axis=-1)
    return acts, cut / acts.size


def _noise(variables: Mapping[str, Floats], shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Student t of unit scale, correlated between directions, shape (draw, path, week, direction)."""
    normal = rng.standard_normal(shape)
    if "noise_together" in variables:
        rho = (2 * variables["noise_together"] - 1)[:, None, None]
        normal[..., 1] = rho * normal[..., 0] + np.sqrt(1 - rho**2) * normal[..., 1]
    nu = np.broadcast_to((2 + variables["noise_tail"])[:, None, None], shape[:3])
    return np.asarray(normal / np.sqrt(rng.chisquare(nu) / nu)[..., None])
