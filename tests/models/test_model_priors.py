import numpy as np
import pymc as pm
import pytest

from forecast.models.definition import build_model
from forecast.models.draws import prior_draws

DRAWS = 2000
PROBABILITIES = np.array([0.1, 0.5, 0.9])


@pytest.fixture(scope="module")
def stated(records):
    return records["stated priors"][1]


@pytest.fixture(scope="module")
def model(records):
    return build_model(*records["stated priors"])


@pytest.fixture(scope="module")
def drawn_by_pymc(model, stated):
    names = [group.name for group in stated.groups]
    draws = pm.draw([model[name] for name in names], DRAWS, random_seed=5, mode="FAST_COMPILE")
    return dict(zip(names, draws, strict=True))


@pytest.fixture(scope="module")
def drawn_by_numpy(stated):
    return prior_draws(stated, DRAWS, 5, np.random.default_rng(5))


@pytest.mark.parametrize("source", ["drawn_by_pymc", "drawn_by_numpy"])
def test_every_parameter_is_drawn_from_the_prior_of_its_name(source, stated, request):
    draws = request.getfixturevalue(source)
    for group in stated.groups:
        columns = draws[group.name].reshape(DRAWS, -1)
        for column, prior in zip(columns.T, stated.of_group(group), strict=True):
            below = (column[:, None] < prior.distribution.quantile(PROBABILITIES)).sum(axis=0)
            error = np.sqrt(DRAWS * PROBABILITIES * (1 - PROBABILITIES))
            z = (below - DRAWS * PROBABILITIES) / error
            assert np.abs(z).max() < 4.5, f"{prior.name} {prior.distribution}: z {z.round(1)}"
