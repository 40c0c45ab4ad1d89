"""Draws carried on by weights stand for posteriors that are known in closed form; no sampler is needed."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import gamma

from forecast.inference import particles, rolling
from forecast.inference.particles import ANCESTORS_MIN
from forecast.inference.posterior import SamplerOptions
from forecast.inference.rolling import RollingPosterior
from forecast.models.draws import INNOVATIONS, with_new_future
from forecast.panel.panel import KNOT_STEPS, knots_for

N_DRAWS, N_KNOTS = 1000, 40
NOISE = 1.5


class SteadyRate:
    """Events at a constant rate under a Gamma(2, 1) prior; data are a number of events and of months."""

    def build(self, *asked):
        return None

    def arrays(self, data, priors):
        return {"data": data}

    def draws(self, variables):
        return variables

    def log_likelihood(self, data, draws):
        rate = draws["rate"]
        return data.events * np.log(rate) - data.months * rate

    def posterior(self, data):
        return gamma(2 + data.events, scale=1 / (1 + data.months))

    def exact_draws(self, data, rng):
        return {"rate": self.posterior(data).rvs(N_DRAWS, random_state=rng)}


class NoisyKnots(SteadyRate):
    """Independent innovations, one a knot, each seen with noise; data are what was seen so far."""

    def log_likelihood(self, data, draws):
        seen = draws[INNOVATIONS][:, 0, : len(data.seen)]
        return -0.5 * ((data.seen - seen) ** 2).sum(axis=1) / NOISE**2

    def exact_draws(self, data, rng):
        innovations = rng.standard_normal((N_DRAWS, 1, N_KNOTS))
        n = len(data.seen)
        innovations[:, 0, :n] *= np.sqrt(NOISE**2 / (1 + NOISE**2))
        innovations[:, 0, :n] += data.seen / (1 + NOISE**2)
        return {INNOVATIONS: innovations}


@pytest.fixture
def make_rolling(monkeypatch):
    """Make a RollingPosterior whose fits are exact draws, and count them."""
    fits = []

    def make(model, **options):
        compiled = SimpleNamespace(with_data=lambda data: data)
        monkeypatch.setattr(rolling, "compile_model", lambda model: compiled)

        def fit_compiled(data, options, reruns):
            fits.append(options.seed)
            found = model.exact_draws(data, np.random.default_rng(options.seed))
            return SimpleNamespace(variables=found, n_draws=N_DRAWS)

        monkeypatch.setattr(rolling, "fit_compiled", fit_compiled)
        monkeypatch.setattr(rolling, "check_gates", lambda fit: SimpleNamespace(converged=True))
        return RollingPosterior(model, None, N_KNOTS, lambda data: None, SamplerOptions(seed=4), **options)

    return make, fits


def months(events):
    """Data after each month: events so far."""
    grid = SimpleNamespace(n_steps=1)
    return [SimpleNamespace(events=sum(events[: n + 1]), months=n + 1, grid=grid) for n in range(len(events))]


def test_a_constant_rate_has_its_posterior_at_every_origin(make_rolling):
    make, fits = make_rolling
    model = SteadyRate()
    rolled = make(model)
    random = np.random.default_rng(2)
    gaps = []
    for data in months([3] * 20 + random.poisson(3, 30).tolist())[19:]:
        found = rolled.at(data)
        exact = model.posterior(data)
        assert found.effective_draws >= ANCESTORS_MIN
        gaps.append(
            (found.draws["rate"].mean() - exact.mean()) / exact.std() * np.sqrt(found.effective_draws)
        )
    assert np.abs(gaps).max() < 4
    # Weights from the first fit would not last as long: the posterior moves by more than its width.
    assert len(fits) <= 3


def seen_after(n, seen):
    return SimpleNamespace(seen=seen[:n], grid=SimpleNamespace(n_steps=(n - 2) * KNOT_STEPS + 1))


def test_what_lies_beyond_the_data_is_fresh_at_every_origin(make_rolling):
    make, fits = make_rolling
    rolled, model = make(NoisyKnots()), NoisyKnots()
    seen = np.random.default_rng(3).normal(0, np.sqrt(1 + NOISE**2), N_KNOTS).clip(-2, 2)
    for n in range(5, 25):
        data = seen_after(n, seen)
        assert knots_for(data.grid.n_steps) == n
        found = rolled.at(data)
        newest = found.draws[INNOVATIONS][:, 0, n - 1]
        exact = model.exact_draws(data, np.random.default_rng(n))[INNOVATIONS][:, 0, n - 1]
        # Copies of a draw differ here, so that its error is that of all particles.
        assert newest.mean() == pytest.approx(seen[n - 1] / (1 + NOISE**2), abs=4 / np.sqrt(N_DRAWS))
        assert newest.std() == pytest.approx(exact.std(), rel=0.1)
        ahead = found.draws[INNOVATIONS][:, 0, n:]
        assert len(np.unique(ahead[:, 0])) == N_DRAWS
    assert len(fits) < 4


def sharply_seen(n, seen):
    """As ``seen_after``, with a tenth of the noise: few particles come near what is seen."""
    return SimpleNamespace(
        seen=seen[:n], noise=NOISE / 10, grid=SimpleNamespace(n_steps=(n - 2) * KNOT_STEPS + 1)
    )


def test_newest_innovations_move_to_what_is_seen_of_them(make_rolling, monkeypatch):
    class Sharp(NoisyKnots):
        def log_likelihood(self, data, draws):
            seen = draws[INNOVATIONS][:, 0, : len(data.seen)]
            return -0.5 * ((data.seen - seen) ** 2).sum(axis=1) / data.noise**2

        def exact_draws(self, data, rng):
            innovations = rng.standard_normal((N_DRAWS, 1, N_KNOTS))
            n = len(data.seen)
            innovations[:, 0, :n] *= np.sqrt(data.noise**2 / (1 + data.noise**2))
            innovations[:, 0, :n] += data.seen / (1 + data.noise**2)
            return {INNOVATIONS: innovations}

    seen = np.random.default_rng(5).normal(0, 1, N_KNOTS).clip(-1.5, 1.5)

    def newest_after(moves):
        monkeypatch.setattr(particles, "MOVES", moves)
        make, _ = make_rolling
        rolled = make(Sharp())
        rolled.at(sharply_seen(8, seen))
        found = rolled.at(sharply_seen(9, seen))
        assert not found.refitted
        return found.draws[INNOVATIONS][:, 0, 8]

    spread = np.sqrt((NOISE / 10) ** 2 / (1 + (NOISE / 10) ** 2))
    moved, still = newest_after(particles.MOVES), newest_after(())
    assert moved.mean() == pytest.approx(seen[8] / (1 + (NOISE / 10) ** 2), abs=4 * spread / np.sqrt(300))
    assert moved.std() == pytest.approx(spread, rel=0.1)
    assert len(np.unique(moved)) > 0.9 * N_DRAWS
    assert len(np.unique(still)) < 0.3 * N_DRAWS


def test_only_innovations_that_the_record_does_not_reach_are_drawn_anew():
    before = {INNOVATIONS: np.zeros((6, 1, 9)), "rate": np.ones(6)}
    changed = with_new_future(before, 3 * KNOT_STEPS + 1, np.random.default_rng(1))
    # Steps 0 … 12 end on knot 3, and the line from it leads to knot 4.
    assert np.all(changed[INNOVATIONS][..., :5] == 0)
    assert np.all(changed[INNOVATIONS][..., 5:] != 0)
    assert changed["rate"] is before["rate"]
    assert np.all(before[INNOVATIONS] == 0)


def test_a_surprise_makes_a_new_fit_and_so_does_exact(make_rolling):
    make, fits = make_rolling
    calm = months([1] * 30)
    for options, made in (({}, [True, False, True]), ({"exact": True}, [True, True, True])):
        rolled = make(SteadyRate(), **options)
        outbreak = SimpleNamespace(events=300, months=31, grid=calm[0].grid)
        assert [rolled.at(data).refitted for data in (calm[28], calm[29], outbreak)] == made
        assert rolled.spent.fits == sum(made)
    assert len(set(fits[:2])) == 2


def test_a_new_start_from_the_same_seed_gives_the_same_draws(make_rolling):
    make, _ = make_rolling
    rolled = make(SteadyRate())
    found = []
    for _ in range(2):
        rolled.start_anew(11)
        found.append([rolled.at(data).draws["rate"] for data in months([2] * 12)[6:]])
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_fewer_draws_are_spaced_evenly_over_all(make_rolling):
    make, _ = make_rolling
    rolled = make(SteadyRate())
    (data,) = months([5])
    every = rolled.at(data).draws["rate"]
    rolled.start_anew(4)
    some = rolled.at(data, 200).draws["rate"]
    assert len(some) == 200
    assert (some[0], some[-1]) == (every[0], every[-1])
    assert set(some) <= set(every)
