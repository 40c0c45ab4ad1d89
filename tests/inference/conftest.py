from datetime import date

import numpy as np
import pytest
import xarray as xr

from forecast.events.dyads import DyadRule
from forecast.grid import TimeGrid
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import PosteriorDensity, sample
from forecast.priors import default_priors
from forecast.streams import acts_of, stream_layout
from forecast.targets import TargetRule

US_CHINA = DyadRule(("USA",), ("CHN",), ("TWN", "HKG", "CAN"))
SHORT = SamplerOptions(seed=11, draws=200, tune=200, chains=2)


@pytest.fixture(scope="session")
def short_options():
    return SHORT


@pytest.fixture(scope="session")
def acts(us_china):
    rule = TargetRule("major", ("military_incident", "military_posture"), 4)
    grid = TimeGrid(date(2021, 1, 20), date(2023, 7, 11))
    return acts_of(us_china, grid, stream_layout((rule,), US_CHINA))


@pytest.fixture(scope="session")
def density(acts):
    """The posterior that most tests here sample."""
    return PosteriorDensity.of(acts, default_priors(acts.layout))


@pytest.fixture(scope="session")
def little(us_china, acts):
    """The posterior of half a year, for tests of what surrounds the sampling."""
    grid = TimeGrid(date(2023, 1, 10), date(2023, 7, 11))
    return PosteriorDensity.of(acts_of(us_china, grid, acts.layout), default_priors(acts.layout))


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
