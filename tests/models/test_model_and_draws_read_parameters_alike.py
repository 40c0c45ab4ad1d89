import numpy as np
import pytensor
import pytest

from forecast.models.draws import prior_draws, stream_draws
from forecast.models.likelihood import log_likelihood
from forecast.models.streams import build_model
from forecast.priors import default_priors


@pytest.mark.parametrize("family", ["joint", "focused", "target"])
def test_the_models_likelihood_is_the_kernel_at_the_arranged_draws(counted, family):
    # The model arranges its variables for the kernel in PyTensor, ``stream_draws`` in NumPy: the simulator
    # goes on from the posterior only if both put each parameter in the same place.
    data = counted(family, "cut")
    priors = default_priors(data.layout)
    variables = prior_draws(priors, 4, data.grid.n_knots, np.random.default_rng(9))
    model = build_model(data, priors)
    potential = pytensor.function(model.free_RVs, model["log_likelihood"], mode="FAST_COMPILE")
    names = [variable.name for variable in model.free_RVs]
    expected = [float(potential(*(variables[name][draw] for name in names))) for draw in range(4)]
    ours = log_likelihood(data, stream_draws(data.layout, variables))
    np.testing.assert_allclose(ours, expected, rtol=1e-10)
    assert np.ptp(ours) > 1
