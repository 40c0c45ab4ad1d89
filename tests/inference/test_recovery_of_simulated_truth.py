"""Counts simulated from known parameters, with NumPy and nothing of the product, are fitted again."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import check_gates, fit
from forecast.models.draws import stream_draws, tension_at_steps
from forecast.panel import DRIFT_DECAY, DRIFT_KNOT_STEPS, EventCounts, TargetRule, TimeGrid, stream_layout
from forecast.priors import default_priors

N_STEPS = 520
LAYOUT = stream_layout((TargetRule("military", ("military_incident", "military_posture"), 3),))
CONFLICT = np.array(LAYOUT.conflictual)
GRAVITY = np.array([0.4, 0.3, 0.2, 0.1])
"""Chances of severities 1 to 4 of an act of conflict, whatever its stream."""
TRUTH = {
    "baseline_weekly_rate": np.array([0.5, 0.3, 0.7, 0.25, 0.6, 0.4, 0.5, 0.9, 0.35]),
    "tension_scale": 0.8,
    "tension_persistence": 150.0,
    "tension_loading": np.where(CONFLICT, 1.0, -0.1),
    "drift_scale": 0.6,
    "excitation_branching": np.array([0.2, 0.1]),
    "excitation_half_life_days": 10.0,
    "excitation_cross": np.array([0.3, 0.2, 0.3, 0.35, 0.25, 0.3]),
    "excitation_cross_half_life_days": 25.0,
    "excitation_severity": 0.4,
    "overdispersion_shape": np.full(9, 2.5),
    "ballast": np.array([0.1, 0.0, -0.05]),
    "ballast_half_life_days": 60.0,
}


def process(rng: np.random.Generator, decay: float, every: int) -> np.ndarray:
    """An Ornstein–Uhlenbeck process of unit variance in every step, linear between its knots."""
    knots = [rng.standard_normal()]
    while len(knots) < N_STEPS // every + 2:
        knots.append(decay * knots[-1] + np.sqrt(1 - decay**2) * rng.standard_normal())
    return np.interp(np.arange(N_STEPS) / every, np.arange(len(knots)), knots)


def simulate(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts, (step, stream), conflict by severity, (step, 5), and tension, from the equations."""
    rng, truth = np.random.default_rng(seed), TRUTH
    tension = process(rng, np.exp(-28 / truth["tension_persistence"]), 4)
    drift = truth["drift_scale"] * process(rng, DRIFT_DECAY, DRIFT_KNOT_STEPS)
    drift -= np.log(np.exp(drift).mean())
    own_left, cross_left, calm_left = (
        0.5 ** (7 / truth[name])
        for name in ("excitation_half_life_days", "excitation_cross_half_life_days", "ballast_half_life_days")
    )
    weight = np.exp(truth["excitation_severity"] * np.array([-1, 0, 1, 2, 3]))
    # What conflict weighs a week on average, by the ordinary rates.
    usual = truth["baseline_weekly_rate"][CONFLICT].sum() * (GRAVITY @ weight[:4])
    share = np.zeros(len(CONFLICT))
    share[CONFLICT] = truth["excitation_cross"]
    branching = np.where(CONFLICT, *truth["excitation_branching"])
    loading = truth["tension_loading"] * truth["tension_scale"]
    counts, graded = np.zeros((N_STEPS, len(CONFLICT)), np.int64), np.zeros((N_STEPS, 5), np.int64)
    for t in range(N_STEPS):
        lags = np.arange(1, t + 1)
        own = ((1 - own_left) * own_left ** (lags - 1)) @ counts[t - lags]
        pull = ((1 - cross_left) * cross_left ** (lags - 1)) @ (graded[t - lags] @ weight)
        recent = (calm_left**lags) @ counts[t - lags][:, ~CONFLICT]
        calm = np.exp(-(recent / (recent + 5)) @ truth["ballast"])
        moved = np.exp(loading * tension[t] - loading**2 / 2 + CONFLICT * drift[t])
        rate = truth["baseline_weekly_rate"] * ((1 - share) * moved + share * pull / usual) + branching * own
        rate *= np.where(CONFLICT, calm, 1.0)
        counts[t] = rng.poisson(
            rng.gamma(truth["overdispersion_shape"], rate / truth["overdispersion_shape"])
        )
        graded[t, :4] = rng.multinomial(counts[t, CONFLICT].sum(), GRAVITY)
    return counts, graded, tension


def in_terms_of_the_record(graded: np.ndarray) -> dict[str, np.ndarray | float]:
    """The truth, with rates and shares of what conflict weighed in this record, and not of ordinary rates."""
    weight = np.exp(TRUTH["excitation_severity"] * np.array([-1, 0, 1, 2, 3]))
    more = (graded @ weight).mean() / (TRUTH["baseline_weekly_rate"][CONFLICT].sum() * (GRAVITY @ weight[:4]))
    rate, share = TRUTH["baseline_weekly_rate"].copy(), TRUTH["excitation_cross"]
    brought = rate[CONFLICT] * share * more
    rate[CONFLICT] = rate[CONFLICT] * (1 - share) + brought
    return TRUTH | {"baseline_weekly_rate": rate, "excitation_cross": brought / rate[CONFLICT]}


@pytest.fixture(scope="module")
def recovered():
    counts, graded, tension = simulate(seed=20230710)
    start = date(2013, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=7 * N_STEPS))
    mix = np.tile(np.r_[GRAVITY, 0.0], (len(CONFLICT), 1))
    panel = EventCounts(grid, LAYOUT, counts, graded, mix, np.ones(N_STEPS))
    posterior = fit(PosteriorDensity.of(panel, default_priors(LAYOUT)), SamplerOptions(seed=1, draws=800))
    return posterior, tension, in_terms_of_the_record(graded)


@pytest.mark.slow
def test_true_parameters_lie_inside_the_posterior(recovered):
    posterior, _, truth = recovered
    report = check_gates(posterior)
    assert report.converged, report
    z, outside = {}, []
    for name, true in truth.items():
        draws = posterior.variables[name].reshape(posterior.n_draws, -1)
        low, high = np.quantile(draws, [0.005, 0.995], axis=0)
        for k, value in enumerate(np.atleast_1d(true)):
            label = f"{name}[{k}]"
            # On the log scale, where the posteriors of rates and times are near normal.
            positive = np.all(draws[:, k] > 0) and value > 0
            logs, centre = (np.log(draws[:, k]), np.log(value)) if positive else (draws[:, k], value)
            z[label] = float((centre - logs.mean()) / logs.std())
            if not low[k] <= value <= high[k]:
                outside.append(label)
    assert len(z) == 45
    # 45 correlated 99% intervals: more than two misses have a chance of about one in a hundred.
    assert len(outside) <= 2, f"outside their 99% intervals: {outside}"
    assert max(map(abs, z.values())) < 4, z
    # Were the posteriors far too wide or too narrow, the root mean square would show it.
    rms = float(np.sqrt(np.mean(np.square(list(z.values())))))
    assert 0.3 < rms < 1.6, f"root mean square z {rms:.2f}"


@pytest.mark.slow
def test_the_true_tension_is_tracked_within_its_band(recovered):
    posterior, tension, _ = recovered
    draws = stream_draws(LAYOUT, posterior.variables, default_priors(LAYOUT))
    fitted = tension_at_steps(draws.knots, N_STEPS)
    correlation = np.corrcoef(fitted.mean(axis=0), tension)[0, 1]
    assert correlation > 0.6, f"correlation {correlation:.2f}"
    low, high = np.quantile(fitted, [0.05, 0.95], axis=0)
    share = np.mean((low <= tension) & (tension <= high))
    assert share > 0.75, f"{share:.0%} of the steps inside their 90% bands"
