"""Series with known parameters."""

from datetime import date

import numpy as np
import pytest

from forecast.weekly_scores.series import ScoreSeries

START = date(2015, 1, 5)


@pytest.fixture(scope="session")
def series_of():
    """Make a series from scores and acts, one column a direction."""

    def make(score, acts=None) -> ScoreSeries:
        score = np.asarray(score, float)
        directions = ("a_to_b", "b_to_a")[: score.shape[1]]
        return ScoreSeries(START, directions, score, None if acts is None else np.asarray(acts))

    return make


@pytest.fixture(scope="session")
def quiet_draws():
    """Make draws without latent swings and echoes, but for what is given (name → value or array)."""

    def make(n_draws: int, n_knots: int, n_directions: int, *, acts: bool = True, **values):
        wide = (n_draws, n_directions)
        shapes = dict.fromkeys(("tone_mean", "tone_swing", "activity_swing", "noise_scale"), wide)
        shapes |= dict.fromkeys(
            ("tone_persistence", "tone_with_activity", "activity_persistence", "noise_tail"), (n_draws,)
        )
        shapes["latent_innovations"] = (n_draws, n_knots, 2)
        if acts:
            shapes |= dict.fromkeys(("activity_weekly_acts", "activity_shape", "activity_echo"), wide)
            shapes |= dict.fromkeys(("activity_echo_half_life_days", "noise_growth"), (n_draws,))
        if n_directions > 1:
            shapes["noise_together"] = (n_draws,)
        defaults = {
            "tone_persistence": 100.0,
            "activity_persistence": 100.0,
            "activity_echo_half_life_days": 7.0,
            "activity_weekly_acts": 3.0,
            "activity_shape": 1e6,
            "noise_scale": 1.0,
            "noise_tail": 1e6,
            "noise_together": 0.5,
        }
        assert set(values) <= set(shapes)
        return {
            name: np.broadcast_to(np.asarray(values.get(name, defaults.get(name, 0.0)), float), shape).copy()
            for name, shape in shapes.items()
        }

    return make
