"""Records in which tension and drift both move, written out with NumPy, are fitted again."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import check_gates, fit
from forecast.models.draws import DRIFT_KNOT_STEPS, linear_between, stream_draws, tension_at_steps
from forecast.panel import EventCounts, TimeGrid, stream_layout
from forecast.priors import default_priors

pytestmark = pytest.mark.slow

N_STEPS = 364
ACTS_A_MONTH = {"hand-coded": 12.0, "machine-coded": 70.0}
LAYOUT = stream_layout(())
CONFLICT = np.array(LAYOUT.conflictual)


def simulated(acts_a_month: float, seed: int) -> tuple[EventCounts, np.ndarray, np.ndarray]:
    """A record with tension, shape (step,), and drift: conflict grows ninefold over seven years."""
    rng = np.random.default_rng(seed)
    phi = np.exp(-28 / 110)
    knots = [rng.standard_normal()]
    while len(knots) < N_STEPS // 4 + 2:
        knots.append(phi * knots[-1] + np.sqrt(1 - phi**2) * rng.standard_normal())
    tension = np.interp(np.arange(N_STEPS) / 4, np.arange(len(knots)), knots)
    drift = np.linspace(-1.1, 1.1, N_STEPS)
    share = np.array([0.16, 0.06, 0.14, 0.04, 0.16, 0.1, 0.12, 0.22])
    rate = acts_a_month / 4.35 * share / 1.25
    rate = rate * np.exp(np.where(CONFLICT, 0.75 * tension[:, None] + drift[:, None], 0.0))
    counts = rng.poisson(rng.gamma(2.5, rate / 2.5))
    graded = np.zeros((N_STEPS, 5), dtype=np.int64)
    graded[:, :4] = rng.multinomial(counts[:, CONFLICT].sum(axis=1), [0.5, 0.3, 0.15, 0.05])
    start = date(2015, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=7 * N_STEPS))
    mix = np.tile([0.5, 0.3, 0.15, 0.05, 0.0], (len(CONFLICT), 1))
    panel = EventCounts(grid, LAYOUT, counts, graded, mix, np.ones(N_STEPS))
    return panel, tension, drift


def _weights(found: np.ndarray, *truths: np.ndarray) -> np.ndarray:
    """Least-squares weights of the truths in what each draw says, shape (truth, draw)."""
    columns = np.column_stack([*truths, np.ones(found.shape[1])])
    return np.linalg.lstsq(columns, found.T, rcond=None)[0][:-1]


@pytest.fixture(scope="module")
def fits():
    """Posterior, tension and drift as found, shape (draw, step), and as they were, of four records."""
    found = {}
    for name, acts in ACTS_A_MONTH.items():
        for seed in (7, 8):
            panel, tension, drift = simulated(acts, seed)
            posterior = fit(PosteriorDensity.of(panel, default_priors(LAYOUT)), SamplerOptions(seed=1))
            draws = stream_draws(LAYOUT, posterior.variables, default_priors(LAYOUT))
            found_drift = linear_between(draws.drift, np.arange(N_STEPS), DRIFT_KNOT_STEPS)
            found_drift = found_drift - found_drift.mean(axis=1, keepdims=True)
            found_tension = tension_at_steps(draws.knots, N_STEPS)
            found[name, seed] = posterior, (found_tension, tension), (found_drift, drift)
    return found


def test_both_are_recovered_and_neither_stands_for_the_other(fits):
    for name, (posterior, (found_tension, tension), (found_drift, drift)) in fits.items():
        report = check_gates(posterior)
        assert report.converged, report.failures
        assert np.corrcoef(found_tension.mean(axis=0), tension)[0, 1] > 0.75, name
        assert np.corrcoef(found_drift.mean(axis=0), drift)[0, 1] > 0.9, name
        # How much of one is in the other is open, but not by much, and none is among what is plausible.
        for mixed in (_weights(found_tension, drift, tension)[0], _weights(found_drift, tension, drift)[0]):
            low, high = np.quantile(mixed, [0.005, 0.995])
            assert low < 0.0 < high, (name, low, high)
            assert mixed.std() < 0.5, name
        # The rise of drift over the record, of which the truth is 2.2.
        rise = found_drift[:, -26:].mean(axis=1) - found_drift[:, :26].mean(axis=1)
        low, high = np.quantile(rise, [0.005, 0.995])
        assert low < 2.2 * (N_STEPS - 26) / N_STEPS < high, (name, low, high)


def test_the_truth_lies_in_the_bands_as_often_as_they_say(fits):
    shares = []
    for _, *both in fits.values():
        for found, truth in both:
            low, high = np.quantile(found, [0.05, 0.95], axis=0)
            shares.append(np.mean((low <= truth) & (truth <= high)))
    # Steps of a record go together: eight shares are worth some forty steps.
    assert np.mean(shares) > 0.75, shares
