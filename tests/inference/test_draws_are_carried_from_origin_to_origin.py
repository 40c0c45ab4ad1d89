"""Draws carried on stand for posteriors that are known in closed form; no sampler is needed."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import gamma, truncnorm

from forecast.grid import drift_knots_for
from forecast.inference import particles, sampling
from forecast.inference.importance import importance_weights
from forecast.inference.particles import (
    INDEPENDENT_MIN,
    MOST_PARTICLES,
    Particles,
    RollingPosterior,
    carry_on,
)
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import PosteriorDensity

N_DRAWS = 1000
N_KNOTS = 40
NOISE = 1.5


class Known:
    """A density that needs no priors, whose draws are its values."""

    priors = None

    @classmethod
    def of(cls, data, priors, n_knots):
        known = cls(data)
        known.data = data
        return known


class SteadyRate(Known):
    """Events at a constant rate under a Gamma(2, 1) prior, by its logarithm; data: events and months."""

    def __init__(self, data):
        self.shape, self.speed = 2 + data.events, 1 + data.months

    def __call__(self, points):
        rate = np.exp(points[:, 0])
        return self.shape * points[:, 0] - self.speed * rate, self.shape - self.speed * np.exp(points)

    def values(self, points):
        return {"rate": np.exp(points[:, 0])}

    @property
    def exact(self):
        return gamma(self.shape, scale=1 / self.speed)

    def draws(self, random):
        return np.log(self.exact.rvs((N_DRAWS, 1), random_state=random))


class NoisyKnots(Known):
    """Independent standard normals, the first of them seen with noise; data: what was seen, and the noise."""

    def __init__(self, data):
        self.n, self.weight = len(data.seen), 1 / data.noise**2
        self.mean, self.spread = np.zeros(N_KNOTS), np.ones(N_KNOTS)
        self.mean[: self.n] = data.seen * self.weight / (1 + self.weight)
        self.spread[: self.n] = np.sqrt(1 / (1 + self.weight))

    def __call__(self, points):
        apart = (points - self.mean) / self.spread
        return -0.5 * (apart**2).sum(axis=1), -apart / self.spread

    def values(self, points):
        return {"knots": points}

    def draws(self, random):
        return self.mean + self.spread * random.standard_normal((N_DRAWS, N_KNOTS))


@pytest.fixture
def make_rolling(monkeypatch):
    """Make a RollingPosterior whose fits are exact draws, and count them."""
    fits = []

    def make(density, **options):
        def fit(known, options, **asked):
            fits.append(options.seed)
            points = known.draws(np.random.default_rng(options.seed))
            return SimpleNamespace(points=points, n_chains=4)

        monkeypatch.setattr(particles, "PosteriorDensity", density)
        monkeypatch.setattr(particles, "fit", fit)
        monkeypatch.setattr(particles, "check_gates", lambda fit: SimpleNamespace(converged=True))
        monkeypatch.setattr(particles, "_of_record", lambda known, points: known.values(points))
        monkeypatch.setattr(particles, "stream_draws", lambda layout, variables, priors: variables)
        return RollingPosterior(N_KNOTS, lambda data: None, SamplerOptions(seed=4), **options)

    return make, fits


def weighted(found, name):
    """Mean and standard deviation of what was drawn."""
    values = found.draws[name]
    mean = found.weights @ values
    return mean, np.sqrt(found.weights @ (values - mean) ** 2)


def standard_normal(points):
    return -0.5 * (points**2).sum(axis=1), -points


def months(events):
    """Data after each month: events so far."""
    return [
        SimpleNamespace(events=sum(events[: n + 1]), months=n + 1, layout=None) for n in range(len(events))
    ]


def seen_after(n, noise=NOISE):
    seen = np.random.default_rng(3).normal(0, np.sqrt(1 + NOISE**2), N_KNOTS).clip(-2, 2)
    return SimpleNamespace(seen=seen[:n], noise=noise, layout=None)


def test_a_constant_rate_has_its_posterior_at_every_origin(make_rolling):
    make, fits = make_rolling
    rolled = make(SteadyRate)
    random = np.random.default_rng(2)
    gaps, spreads = [], []
    for data in months([3] * 20 + random.poisson(3, 60).tolist())[19:]:
        found, exact = rolled.at(data), SteadyRate(data).exact
        assert found.effective_draws >= INDEPENDENT_MIN
        mean, spread = weighted(found, "rate")
        gaps.append((mean - exact.mean()) / exact.std() * np.sqrt(found.effective_draws))
        spreads.append(spread / exact.std())
    assert np.abs(gaps).max() < 4
    assert np.mean(spreads) == pytest.approx(1, abs=0.1)
    # The posterior moves by more than its width: weights on the first fit's draws would not last.
    assert len(fits) == 1


def test_what_is_seen_and_what_lies_beyond_have_their_posteriors(make_rolling):
    make, fits = make_rolling
    rolled = make(NoisyKnots)
    for n in range(5, 35):
        found, exact = rolled.at(seen_after(n)), NoisyKnots(seen_after(n))
        (mean, spread), error = weighted(found, "knots"), 1 / np.sqrt(found.effective_draws)
        assert np.abs((mean - exact.mean) / exact.spread).max() < 4.5 * error
        assert (spread / exact.spread).mean() == pytest.approx(1, abs=0.1)
        assert spread[n:] == pytest.approx(1, abs=5 * error)
    assert len(fits) == 1


def test_particles_that_cannot_move_make_a_new_fit(make_rolling, monkeypatch):
    make, fits = make_rolling
    monkeypatch.setattr(particles, "_hamiltonian_move", lambda found, *rest: (found, 1.0))
    rolled = make(SteadyRate)
    for data in months([3] * 10 + [9] * 30)[9:]:
        assert rolled.at(data).effective_draws >= INDEPENDENT_MIN
    assert 2 <= len(fits) < 31


@pytest.mark.parametrize(("leapfrogs", "most_too_many"), [(5, 1.2), (1, 1.6)])
def test_they_are_worth_as_many_independent_draws_as_is_said(monkeypatch, leapfrogs, most_too_many):
    """Over repetitions, the variance of the mean is that of so many draws; short moves part copies little."""
    monkeypatch.setattr(particles, "LEAPFROGS", leapfrogs)
    monkeypatch.setattr(particles, "INDEPENDENT_MIN", 0.0)
    record = [NoisyKnots(seen_after(n, 0.8)) for n in (5, 6, 7, 8)]
    means, worth = [], []
    for seed in range(60):
        random = np.random.default_rng(seed)
        found = Particles.of_fit(record[0].draws(random), 4, record[0])
        for before, now in pairwise(record):
            found = carry_on(found, before, now, random)
        means.append((found.weights @ found.points - record[-1].mean) / record[-1].spread)
        worth.append(1 / np.sum(found.weights**2) / (1 + found.copied))
    real = 1 / np.mean(np.square(means), axis=0)
    assert 0.8 < np.mean(np.mean(worth, axis=0) / real) < most_too_many
    assert (np.mean(worth) < MOST_PARTICLES / 3) == (leapfrogs == 1)


@pytest.mark.parametrize(
    ("learned", "kept"), [(particles.LEARNED, True), pytest.param(1.0, False, marks=pytest.mark.slow)]
)
def test_fewer_particles_than_coordinates_keep_their_spread(monkeypatch, learned, kept):
    """Moves by the particles' own correlation alone would stay among them, and the posterior would shrink."""
    n_particles, n_coordinates = 150, 300
    monkeypatch.setattr(particles, "LEARNED", learned)
    monkeypatch.setattr(particles, "INDEPENDENT_MIN", 0.0)

    def first_at(mean):
        shift = np.eye(1, n_coordinates) * mean
        return lambda points: standard_normal(points - shift)

    random = np.random.default_rng(1)
    record = [first_at(mean) for mean in [0.0, *[1.5, -1.5] * 10]]
    found = Particles.of_fit(random.standard_normal((N_DRAWS, n_coordinates)), 4, record[0], n_particles)
    for before, now in pairwise(record):
        found = carry_on(found, before, now, random)
    apart = found.points - found.weights @ found.points
    spread = np.sqrt(found.weights @ apart**2).mean()
    assert (0.84 < spread < 1.16) == kept


def test_copies_in_the_tail_of_the_weights_make_no_new_fit():
    def tilted(points):
        return -0.5 * (points**2).sum(axis=1) + 0.2 * points[:, 0], 0.2 - points

    draws = np.sort(np.random.default_rng(1).standard_normal((MOST_PARTICLES, 1)), axis=0)
    draws[-MOST_PARTICLES // 5 :][:12] = draws[-MOST_PARTICLES // 5]
    start = Particles.of_fit(draws, 4, standard_normal)
    start = replace(start, copied=np.zeros(1))
    assert not np.isfinite(importance_weights(tilted(draws)[0] - start.value).pareto_k)
    found = carry_on(start, standard_normal, tilted, np.random.default_rng(2))
    assert found.weights @ found.points == pytest.approx([draws.mean() + 0.2], abs=0.05)


def test_a_surprise_makes_a_new_fit_and_so_does_exact(make_rolling):
    make, fits = make_rolling
    calm = months([1] * 30)
    outbreak = SimpleNamespace(events=3000, months=31, layout=None)
    for options, made in (({}, [True, False, True]), ({"exact": True}, [True, True, True])):
        rolled = make(SteadyRate, **options)
        assert [rolled.at(data).refitted for data in (calm[28], calm[29], outbreak)] == made
        assert rolled.n_fits == sum(made)
    assert len(set(fits[:2])) == 2


@pytest.mark.parametrize(
    ("passed", "made", "sound"),
    [
        ([False, True], [True, True, False, False], [False, True, True, True]),
        ([False, False], [True, True, False, False], [False, False, False, False]),
    ],
)
def test_an_unlucky_fit_is_made_anew_at_the_next_origin_and_a_hopeless_one_is_carried_on(
    make_rolling, monkeypatch, passed, made, sound
):
    make, _ = make_rolling
    rolled, gates = make(SteadyRate), iter(passed)
    monkeypatch.setattr(particles, "check_gates", lambda fit: SimpleNamespace(converged=next(gates)))
    found = [rolled.at(data) for data in months([1] * 30)[-4:]]
    assert [one.refitted for one in found] == made
    assert [one.converged for one in found] == sound


def test_acts_told_apart_in_another_way_make_a_new_fit(make_rolling):
    make, _ = make_rolling
    rolled, record = make(SteadyRate), months([1] * 30)
    record[-1].layout = "another"
    assert [rolled.at(data).refitted for data in record[-3:]] == [True, False, True]


def test_a_forecast_has_at_most_so_many_draws_and_their_weights(make_rolling):
    make, _ = make_rolling
    for exact in (False, True):
        for data in months([3] * 22)[19:]:
            found = make(SteadyRate, exact=exact).at(data)
            assert len(found.weights) == len(found.draws["rate"]) <= particles.FORECAST_DRAWS
            assert found.weights.sum() == pytest.approx(1)


def test_the_same_seed_gives_the_same_draws(make_rolling):
    make, _ = make_rolling
    some, others = (
        [rolled.at(data).draws["rate"] for data in months([2] * 12)[6:]]
        for rolled in (make(SteadyRate), make(SteadyRate))
    )
    assert all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def test_particles_are_spaced_evenly_over_all_draws():
    draws = np.random.default_rng(1).standard_normal((N_DRAWS, 2))
    some, every = (Particles.of_fit(draws, 4, standard_normal, most) for most in (MOST_PARTICLES, None))
    assert (len(some), len(every)) == (MOST_PARTICLES, N_DRAWS)
    assert (*some.points[0], *some.points[-1]) == (*draws[0], *draws[-1])
    assert some.independent == pytest.approx(MOST_PARTICLES)
    # A fit that hardly moved is worth few draws.
    stuck = np.repeat(draws[:8], N_DRAWS // 8, axis=0)
    assert Particles.of_fit(stuck, 4, standard_normal).independent < 20


def nowhere_above(most):
    def density(points):
        value = np.where(points[:, 0] < most, -0.5 * points[:, 0] ** 2, -np.inf)
        return value, np.where(points < most, -points, 0.0)

    return density


@pytest.mark.parametrize("most", [-1, -9])
def test_draws_that_a_record_rules_out_make_a_new_fit_without_a_warning(most):
    start = Particles.of_fit(np.random.default_rng(1).standard_normal((N_DRAWS, 1)), 4, nowhere_above(9))
    assert carry_on(start, nowhere_above(9), nowhere_above(most), np.random.default_rng(2)) is None


def test_the_draws_that_are_left_are_carried_on_without_those_that_a_record_rules_out():
    random = np.random.default_rng(1)
    found = Particles.of_fit(random.standard_normal((N_DRAWS, 1)), 4, nowhere_above(9))
    for before, now in pairwise([nowhere_above(9), nowhere_above(0.5), nowhere_above(0.5)]):
        found = carry_on(found, before, now, random)
        assert np.isfinite(found.value).all()
        assert found.points.max() < 0.5
    exact = truncnorm(-np.inf, 0.5)
    assert found.weights @ found.points == pytest.approx([exact.mean()], abs=4 * exact.std() / np.sqrt(100))


def test_points_have_the_density_and_the_variables_of_the_sampler(density, short_options):
    options = replace(short_options, draws=30, tune=30)
    fit = sampling.fit(density, options, reruns=(), keep_points=True)
    values, gradients = density(fit.points)
    np.testing.assert_allclose(values, fit.tree["sample_stats"]["logp"].values.ravel(), rtol=1e-12)
    nowhere, flat = density(np.full_like(fit.points[:1], np.nan))
    assert (nowhere[0], np.abs(flat).max()) == (-np.inf, 0)
    step = 1e-6 * np.eye(fit.points.shape[1])[0]
    slope = (density(fit.points + step)[0] - density(fit.points - step)[0]) / 2e-6
    np.testing.assert_allclose(gradients[:, 0], slope, rtol=1e-4, atol=1e-4)
    found = density.variables(fit.points)
    assert found.keys() == fit.variables.keys()
    for name, values in fit.variables.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    back = density.points(fit.variables)
    np.testing.assert_allclose(back, fit.points, rtol=1e-9, atol=1e-12)


def test_a_density_has_knots_for_its_record_and_spare_ones_are_left_out_of_its_posterior(
    density, short_options
):
    data = density.data
    enough, asked, roomy = (
        PosteriorDensity.of(data, density.priors, n) for n in (None, 1, data.grid.n_knots + 30)
    )
    assert enough.n_coordinates == asked.n_coordinates < roomy.n_coordinates
    sizes = sampling.sample(roomy, replace(short_options, draws=10, tune=10))["posterior"].sizes
    assert (sizes["knot"], sizes["drift_knot"]) == (data.grid.n_knots, drift_knots_for(data.grid.n_knots))
