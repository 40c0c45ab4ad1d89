"""Week by week: the sum is the log likelihood of the kernel, each part the law that the model states."""

import numpy as np
import pytest
from scipy import stats

from forecast.models.draws import prior_draws, stream_draws
from forecast.models.likelihood import log_likelihood
from forecast.models.pointwise import record_under_draws
from forecast.panel.panel import knots_for
from forecast.priors import default_priors

N_DRAWS = 30


@pytest.fixture(scope="module", params=["joint", "focused", "target"])
def case(request, counted):
    panel = counted(request.param, "late")
    priors = default_priors(panel.layout)
    variables = prior_draws(priors, N_DRAWS, knots_for(panel.grid.n_steps), np.random.default_rng(4))
    return panel, variables, record_under_draws(panel, priors, variables)


def test_the_sum_is_the_log_likelihood_of_the_kernel_up_to_a_constant(case):
    panel, variables, record = case
    whole = log_likelihood(panel, stream_draws(panel.layout, variables))
    constant = record.log_likelihood.sum(axis=(1, 2)) - whole
    assert np.std(whole) > 1
    np.testing.assert_allclose(constant, constant[0], atol=1e-8)


def test_counts_without_severities_have_the_negative_binomial_of_scipy(case):
    panel, _, record = case
    counts = np.broadcast_to(panel.counts[0], record.mean.shape)
    law = stats.nbinom.logpmf(counts, record.shape, record.shape / (record.shape + record.mean))
    alone = counts == 0 if panel.layout.marked else np.ones(counts.shape, dtype=bool)
    np.testing.assert_allclose(record.log_likelihood[alone], law[alone], rtol=1e-9)
    if panel.layout.marked:  # the severities of what happened are less likely than certain
        assert (record.log_likelihood[~alone] < law[~alone]).all()


def test_counts_that_are_drawn_have_the_mean_and_variance_of_the_law(case):
    _, _, record = case
    few = type(record)(*(part[:1] for part in (record.mean, record.shape, record.log_likelihood)))
    rng = np.random.default_rng(8)
    drawn = np.concatenate([few.draw_counts(rng) for _ in range(4000)])
    mean, shape = few.mean[0], few.shape[0]
    variance = mean + mean**2 / shape
    error = np.sqrt(variance / len(drawn))
    assert (np.abs(drawn.mean(axis=0) - mean) / error).max() < 5
    assert drawn.var(axis=0).sum() == pytest.approx(variance.sum(), rel=0.1)
