import numpy as np
import pytensor
import pytest

from forecast.models.draws import prior_draws, stream_draws
from forecast.models.likelihood import log_likelihood
from forecast.models.streams import build_model
from forecast.priors import default_priors


@pytest.mark.parametrize("n_dyads", [1, 3])
@pytest.mark.parametrize("family", ["joint", "focused", "target"])
def test_the_models_likelihood_is_the_kernel_at_the_arranged_draws(counted, panels, family, n_dyads):
    # The model arranges its variables for the kernel in PyTensor, ``stream_draws`` in NumPy: the simulator
    # goes on from the posterior only if both put each parameter in the same place.
    data = counted(family, "cut") if n_dyads == 1 else panels(family)
    priors = default_priors(data.layout)
    variables = prior_draws(priors, 4, data.grid.n_knots, np.random.default_rng(9), n_dyads)
    model = build_model(data, priors)
    names = list(variables)
    # By name: some are made from others that serve the sampler alone, and those are left out.
    given_by = [model[name] for name in names]
    potential = pytensor.function(given_by, model["log_likelihood"], mode="FAST_COMPILE")
    # A model of one dyad has variables without that axis.
    given = [variables[name][:, 0] if n_dyads == 1 else variables[name] for name in names]
    expected = [float(potential(*(values[draw] for values in given))) for draw in range(4)]
    ours = log_likelihood(data, stream_draws(data.layout, variables))
    np.testing.assert_allclose(ours, expected, rtol=1e-10)
    assert np.ptp(ours) > 1
