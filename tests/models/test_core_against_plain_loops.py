"""The equations written out week by week with NumPy and SciPy, and the law of every part."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from forecast.inference.density import PosteriorDensity
from forecast.models import definition, density
from forecast.models.definition import replay
from forecast.models.draws import linear_between, log_likelihood, prior_draws, stream_draws, tension_at_steps
from forecast.models.draws import ornstein_uhlenbeck as process_of_draws
from forecast.panel import DRIFT_DECAY, DRIFT_KNOT_STEPS, HALF_SATURATION, LEAST_COMPLETENESS

N_DRAWS = 8


def value(tensor) -> np.ndarray:
    return np.asarray(tensor.eval(mode="FAST_COMPILE"))


def drawn(panel, priors, n_draws=N_DRAWS, seed=9):
    variables = prior_draws(priors, n_draws, panel.grid.n_knots, np.random.default_rng(seed))
    return stream_draws(panel.layout, variables, priors)


def rates(panel, draw: dict[str, np.ndarray]) -> np.ndarray:
    """λ of every week and stream, by loops over weeks and their past."""
    n, streams = panel.grid.n_steps, panel.layout.streams
    exposure = panel.exposure
    felt = panel.counts / np.maximum(panel.completeness, LEAST_COMPLETENESS)[:, None]
    graded = panel.graded / np.maximum(panel.completeness, LEAST_COMPLETENESS)[:, None]
    phi = np.exp(-28 / draw["tension_persistence"])
    x, z = [draw["tension_innovations"][0]], [draw["drift_innovations"][0]]
    for noise in draw["tension_innovations"][1:]:
        x.append(phi * x[-1] + np.sqrt(1 - phi**2) * noise)
    for noise in draw["drift_innovations"][1:]:
        z.append(DRIFT_DECAY * z[-1] + np.sqrt(1 - DRIFT_DECAY**2) * noise)
    weeks = np.arange(n)
    x = np.interp(weeks / 4, np.arange(len(x)), x)
    z = draw["drift_scale"] * np.interp(weeks / DRIFT_KNOT_STEPS, np.arange(len(z)), z)
    z = z - np.log((np.exp(z) * exposure).sum() / exposure.sum())
    weight = np.exp(draw["excitation_severity"] * np.array([-1, 0, 1, 2, 3]))
    usual = (0.5 + (graded @ weight).sum()) / exposure.sum()
    own_left, cross_left, calm_left = (
        0.5 ** (7 / draw[name])
        for name in ("excitation_half_life_days", "excitation_cross_half_life_days", "ballast_half_life_days")
    )
    found = np.empty((n, len(streams)))
    for t in weeks:
        lags = np.arange(1, t + 1)
        pull = (1 - cross_left) * (cross_left ** (lags - 1)) @ (graded[t - lags] @ weight)
        recent = (calm_left**lags) @ felt[t - lags]
        calm, c = 1.0, 0
        for b, k in enumerate(panel.layout.calming_index):
            calm *= np.exp(-draw["ballast"][b] * recent[k] / (recent[k] + HALF_SATURATION))
        for k in range(len(streams)):
            own = (1 - own_left) * (own_left ** (lags - 1)) @ felt[t - lags, k]
            loading = draw["tension_loading"][k] * draw["tension_scale"]
            moved = np.exp(loading * x[t] - loading**2 / 2)
            if panel.layout.conflictual[k]:
                share = draw["excitation_cross"][c]
                ordinary = (1 - share) * moved * np.exp(z[t]) + share * pull / usual
                rate = draw["baseline_weekly_rate"][k] * ordinary + draw["excitation_branching"][0] * own
                found[t, k] = rate * calm
                c += 1
            else:
                found[t, k] = draw["baseline_weekly_rate"][k] * moved + draw["excitation_branching"][1] * own
    return found


@pytest.fixture(scope="module", params=["young and cut", "overlapping", "any act"])
def case(request, records):
    """A record, draws of its priors, and mean and shape of its counts under each."""
    panel, priors = records[request.param]
    draws = drawn(panel, priors)
    exposure = panel.exposure[:, None]
    laws = []
    for d in range(N_DRAWS):
        draw = {name: values[d] for name, values in draws.variables.items()}
        mean = rates(panel, draw) * exposure * panel.completeness[:, None]
        laws.append((mean, draw["overdispersion_shape"] * exposure))
    mean, shape = map(np.array, zip(*laws, strict=True))
    return panel, priors, draws, mean, shape


def test_the_likelihood_is_the_negative_binomial_of_the_rates(case):
    panel, priors, draws, mean, shape = case
    pointwise = nbinom.logpmf(panel.counts, shape, shape / (shape + mean))
    ours = log_likelihood(panel, draws, priors)
    np.testing.assert_allclose(ours, pointwise.sum(axis=(1, 2)), rtol=1e-9)
    assert np.ptp(ours) > 1
    played, _ = replay(panel, priors, draws, seed=1)
    np.testing.assert_allclose(played, pointwise, rtol=1e-7, atol=1e-12)


def test_counts_that_are_drawn_anew_have_the_mean_and_variance_of_the_law(case):
    panel, priors, draws, mean, shape = case
    repeats = 400
    _, counts = replay(panel, priors, draws.rows(np.zeros(repeats, dtype=np.int64)), seed=3)
    mean, variance = mean[0], mean[0] + mean[0] ** 2 / shape[0]
    z = (counts.mean(axis=0) - mean) / np.sqrt(variance / repeats)
    # Some hundred sums of rare counts, which are skewed.
    assert np.abs(z[mean * repeats > 30]).max() < 5
    total = counts.sum(axis=(1, 2))
    assert abs(total.mean() - mean.sum()) < 4.5 * np.sqrt(variance.sum() / repeats)
    assert total.var() == pytest.approx(variance.sum(), rel=0.25)
    _, again = replay(panel, priors, draws.rows(np.zeros(5, dtype=np.int64)), seed=3)
    np.testing.assert_array_equal(again, counts[:5])


def test_tension_has_unit_variance_and_decaying_correlation_exactly():
    # x = W·ε, so that W·Wᵀ is its covariance.
    decay, noise = 0.7, np.sqrt(1 - 0.7**2)
    lag = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    for process in (
        lambda unit: density.ornstein_uhlenbeck.py_func(unit, decay, noise),
        lambda unit: process_of_draws(unit, np.array(decay), np.array(noise)),
        lambda unit: value(definition.ornstein_uhlenbeck(definition.pt.constant(unit), decay, noise)),
    ):
        weights = np.column_stack([process(unit) for unit in np.eye(5)])
        np.testing.assert_allclose(weights @ weights.T, decay**lag, rtol=1e-12)


def test_latent_processes_are_linear_between_knots():
    knots, steps = np.array([0.0, 4.0, -4.0, 0.0]), [0, 1, 2, 3, 4, 2, 0, -2, -4, -3, -2]
    np.testing.assert_allclose(density.between_knots.py_func(knots, 4, 11), steps)
    np.testing.assert_allclose(tension_at_steps(knots[None], 11)[0], steps)
    np.testing.assert_allclose(linear_between(knots[None], np.array([8, 0, 3]), 4), [[-4, 0, 3]])
    np.testing.assert_allclose(value(definition.between_knots(definition.pt.constant(knots), 4, 11)), steps)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 6.0))
def test_chains_die_out_exactly_where_the_bound_says(young_record, seed, scale):
    record, arrays, priors, panel = young_record
    values = drawn(panel, priors, 1, seed).values[0]
    o = arrays.offset
    values[o[density.RATE] : o[density.RATE] + len(record.counts)] *= scale
    weight = density.severity_weights.py_func(values[o[density.SEVERITY]])
    usual, _ = density.mean_pull(record, weight)
    conflict = panel.layout.conflict_index
    brought = values[o[density.RATE] + conflict] * values[o[density.CROSS] + np.arange(len(conflict))] / usual
    # Column k: what an act of kind k brings about, by kind.
    branching = np.outer(brought, record.mix[conflict] @ weight) + values[o[density.OWN]] * np.eye(
        len(conflict)
    )
    radius = np.abs(np.linalg.eigvals(branching)).max()
    bound = density._chains(values, arrays, record, weight, np.zeros(len(values)))
    # −10·softplus(20·(ρ − 1)) is −10·ln 2 at one.
    assert (bound < -density.CHAIN_SLOPE * np.log(2)) == (radius > 1), (bound, radius)


@pytest.fixture(scope="module")
def young_record(young):
    panel, priors = young
    whole = PosteriorDensity.of(panel, priors)
    return whole.record, whole.arrays, priors, panel
