"""Posteriors with closed forms: a conjugate normal, and a run whose draws are those of its priors."""

from types import SimpleNamespace

import numpy as np
import pytest

from forecast.events.dyads import DyadRule
from forecast.models.draws import prior_draws, stream_draws
from forecast.priors import default_priors
from forecast.streams import stream_layout
from forecast.targets import TargetRule

N_DRAWS = 4000


@pytest.fixture(scope="session")
def conjugate():
    """Draws of a normal mean under a normal prior, with the log densities of prior and likelihood."""

    def make(prior_mean: float, prior_sd: float, data_mean: float, data_sd: float):
        precision = 1 / prior_sd**2 + 1 / data_sd**2
        mean = (prior_mean / prior_sd**2 + data_mean / data_sd**2) / precision
        draws = np.random.default_rng(1).normal(mean, precision**-0.5, N_DRAWS)
        return SimpleNamespace(
            draws=draws,
            prior=-0.5 * ((draws - prior_mean) / prior_sd) ** 2,
            likelihood=-0.5 * ((draws - data_mean) / data_sd) ** 2,
        )

    return make


@pytest.fixture(scope="session")
def prior_run():
    """What shifts need of a run: its posterior is its prior, as no data were seen."""
    layout = stream_layout([TargetRule("crisis", ("dispute",), 4)], DyadRule(("USA",), ("CHN",)))
    priors = default_priors(layout)
    draws = stream_draws(layout, prior_draws(priors, N_DRAWS, 2, np.random.default_rng(2)), priors)
    inputs = SimpleNamespace(priors=priors, data=SimpleNamespace(layout=layout))
    return SimpleNamespace(inputs=inputs, draws=draws, n_chains=4, n_draws=N_DRAWS)
