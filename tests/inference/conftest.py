from datetime import date

import numpy as np
import pytest
import xarray as xr

from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import sample
from forecast.panel import TargetRule, TimeGrid, count_events, stream_layout
from forecast.priors import default_priors

SHORT = SamplerOptions(seed=11, draws=200, tune=200, chains=2)


@pytest.fixture(scope="session")
def short_options():
    return SHORT


@pytest.fixture(scope="session")
def counted(us_china):
    rule = TargetRule("major", ("military_incident", "military_posture"), 4)
    grid = TimeGrid(date(2021, 1, 20), date(2023, 7, 11))
    return count_events(us_china, grid, stream_layout((rule,)))


@pytest.fixture(scope="session")
def density(counted):
    """The posterior that most tests here sample."""
    return PosteriorDensity.of(counted, default_priors(counted.layout))


@pytest.fixture(scope="session")
def little(us_china, counted):
    """The posterior of half a year, for tests of what surrounds the sampling."""
    grid = TimeGrid(date(2023, 1, 10), date(2023, 7, 11))
    return PosteriorDensity.of(count_events(us_china, grid, counted.layout), default_priors(counted.layout))


@pytest.fixture(scope="session")
def short_fit(density):
    return Posterior(sample(density, SHORT), SHORT.target_accept, SHORT.tune)


@pytest.fixture
def made_posterior():
    """A posterior from given values of shape (chain, draw, …), with a sampler that behaved unless told."""

    def make(variables: dict, *, divergences: int = 0, energy=None) -> Posterior:
        shape = next(iter(variables.values())).shape[:2]
        diverging = np.zeros(shape, dtype=bool)
        diverging.ravel()[:divergences] = True
        rng = np.random.default_rng(99)
        statistics = {
            "diverging": (("chain", "draw"), diverging),
            "energy": (("chain", "draw"), rng.standard_normal(shape) if energy is None else energy),
        }
        posterior = {
            name: (("chain", "draw", *(f"{name}_{i}" for i in range(values.ndim - 2))), values)
            for name, values in variables.items()
        }
        groups = {"posterior": xr.Dataset(posterior), "sample_stats": xr.Dataset(statistics)}
        return Posterior(xr.DataTree.from_dict(groups), 0.9, 400)

    return make
