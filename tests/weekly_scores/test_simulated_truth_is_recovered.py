"""Parameters and latent tone of simulated series lie where the posterior says; takes minutes."""

from datetime import date

import numpy as np
import pytest

from forecast.inference import SamplerOptions
from forecast.inference.posterior import Posterior
from forecast.inference.sampling import compile_model, sample
from forecast.models.weekly_scores import build_score_model
from forecast.series import decay_per_step
from forecast.weekly_scores.parameters import score_priors
from forecast.weekly_scores.series import ScoreSeries

TRUTH = {
    "tone_mean": (-0.6, 0.3),
    "tone_swing": (0.8, 0.5),
    "activity_weekly_acts": (3.0, 1.5),
    "activity_swing": (0.6, 0.5),
    "activity_echo": (0.2, 0.1),
    "activity_shape": (3.0, 3.0),
    "noise_scale": (1.0, 0.7),
    "noise_growth": 0.4,
    "noise_tail": 6.0,
    "noise_together": 0.75,
    "tone_persistence": 150.0,
    "activity_persistence": 120.0,
    "tone_with_activity": -0.2,
    "activity_echo_half_life_days": 10.0,
}
N_WEEKS = 600


def simulated(seed: int) -> ScoreSeries:
    """The model in plain loops, apart from the package's own simulator."""
    rng = np.random.default_rng(seed)
    value = {name: np.asarray(one) for name, one in TRUTH.items()}

    def latent(persistence: float):
        knots = [rng.standard_normal()]
        decay = np.exp(-28 / persistence)
        for _ in range(N_WEEKS // 4 + 2):
            knots.append(decay * knots[-1] + np.sqrt(1 - decay**2) * rng.standard_normal())
        return np.interp(np.arange(N_WEEKS) / 4, np.arange(len(knots)), knots)

    tone, activity = latent(150.0), latent(120.0)
    decay = float(decay_per_step(10.0))
    past = 0.0
    acts, score = np.zeros((N_WEEKS, 2), dtype=np.int64), np.zeros((N_WEEKS, 2))
    nu = 2 + value["noise_tail"]
    rho = 2 * value["noise_together"] - 1
    for week in range(N_WEEKS):
        rate = value["activity_weekly_acts"] * np.exp(value["activity_swing"] * activity[week])
        rate = rate + value["activity_echo"] * past
        acts[week] = rng.poisson(rng.gamma(value["activity_shape"], rate / value["activity_shape"]))
        past = decay * past + (1 - decay) * acts[week].sum()
        mean = value["tone_mean"] + value["tone_swing"] * tone[week] - 0.2 * activity[week]
        scale = value["noise_scale"] * np.maximum(acts[week], 1) ** (0.5 + 0.5 * value["noise_growth"])
        normal = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
        noise = normal / np.sqrt(rng.chisquare(nu) / nu)
        score[week] = np.where(acts[week] > 0, acts[week] * mean + scale * noise, 0.0)
    return ScoreSeries(date(2010, 1, 4), ("a_to_b", "b_to_a"), score, acts)


@pytest.mark.slow
def test_the_truth_lies_within_the_posterior():
    """Of some 20 parameters at most a few are beyond the 90% interval, and none far beyond."""
    series = simulated(7)
    priors = score_priors({}, n_directions=2, acts_known=True)
    options = SamplerOptions(seed=3, draws=500, tune=500, chains=2)
    found = Posterior(sample(compile_model(build_score_model(series, priors)), options), 0.9, 500)
    in_units = {"tone_mean", "tone_swing", "noise_scale", "tone_with_activity"}
    outside = []
    for name, truth in TRUTH.items():
        draws = found.variables[name].reshape(found.n_draws, -1)
        true = np.atleast_1d(np.asarray(truth, float)) / (series.unit if name in in_units else 1.0)
        away = np.abs(draws.mean(axis=0) - true) / draws.std(axis=0)
        assert (away < 4.0).all(), (name, away, true, draws.mean(axis=0))
        outside += [name] * int((away > 1.645).sum())
    # Binomial(21, 0.1): six or more with chance below 2%.
    assert len(outside) < 6, outside
