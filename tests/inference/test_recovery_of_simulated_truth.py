"""Counts simulated from known parameters, with NumPy and nothing of the product, are fitted again."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.families import FAMILIES
from forecast.inference.gates import check_gates
from forecast.inference.posterior import SamplerOptions
from forecast.inference.record_fit import fit_record
from forecast.models.draws import stream_draws, tension_at_steps
from forecast.panel.panel import Panel, TimeGrid
from forecast.panel.streams import TargetRule
from forecast.priors import default_priors

N_STEPS = 420
TRUTH = {
    "baseline_weekly_rate": np.array([0.45, 0.5, 0.6, 0.25]),
    "tension_scale": 0.8,
    "tension_persistence": 150.0,
    "tension_loading": np.array([-0.2, 1.0, 1.2, 0.9]),
    "excitation_branching": np.array([0.25, 0.3, 0.2, 0.15]),
    "excitation_half_life_days": 10.0,
    "excitation_cross": np.array([0.04, 0.06, 0.05]),
    "excitation_cross_half_life_days": 25.0,
    "overdispersion_shape": np.array([1.5, 2.5, 3.0, 2.0]),
}


def simulate(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts, shape (step, stream), and tension, shape (step,), written out from the equations."""
    rng = np.random.default_rng(seed)
    phi = np.exp(-28 / TRUTH["tension_persistence"])
    knots = [rng.standard_normal()]
    while len(knots) < N_STEPS // 4 + 2:
        knots.append(phi * knots[-1] + np.sqrt(1 - phi**2) * rng.standard_normal())
    tension = np.interp(np.arange(N_STEPS) / 4, np.arange(len(knots)), knots)
    d_own = 0.5 ** (7 / TRUTH["excitation_half_life_days"])
    d_cross = 0.5 ** (7 / TRUTH["excitation_cross_half_life_days"])
    cross = np.array([0.0, *TRUTH["excitation_cross"]])
    counts = np.zeros((N_STEPS, 4), dtype=np.int64)
    for t in range(N_STEPS):
        lags = np.arange(1, t + 1)
        past = counts[t - lags]
        own_past = ((1 - d_own) * d_own ** (lags - 1)) @ past
        cross_past = ((1 - d_cross) * d_cross ** (lags - 1)) @ past[:, 1:].sum(axis=1)
        baseline = TRUTH["baseline_weekly_rate"] * np.exp(
            TRUTH["tension_loading"] * TRUTH["tension_scale"] * tension[t]
        )
        rate = baseline + TRUTH["excitation_branching"] * own_past + cross * cross_past
        shape = TRUTH["overdispersion_shape"]
        counts[t] = rng.poisson(rng.gamma(shape, rate / shape))
    return counts, tension


@pytest.fixture(scope="module")
def recovered():
    counts, tension = simulate(seed=20230710)
    rule = TargetRule("major", ("military_incident",), 4)
    start = date(2015, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=7 * N_STEPS))
    (model,) = FAMILIES["focused"].models([rule])
    layout = model.layout
    panel = Panel(
        ("simulated",),
        grid,
        layout,
        counts[None],
        np.zeros((1, *counts.shape, 5), np.int64),
        np.zeros((1, N_STEPS)),
        np.ones((1, N_STEPS)),
        np.zeros(1, np.int64),
    )
    posterior = fit_record(model, panel, default_priors(layout), SamplerOptions(seed=1, draws=800))
    return posterior, tension, layout


@pytest.mark.slow
def test_the_fit_to_simulated_truth_passes_its_gates(recovered):
    report = check_gates(recovered[0])
    assert report.converged, report


@pytest.mark.slow
def test_true_parameters_lie_inside_the_posterior(recovered):
    posterior = recovered[0]
    z, outside = {}, []
    for name, true in TRUTH.items():
        draws = posterior.variables[name].reshape(posterior.n_draws, -1)
        low, high = np.quantile(draws, [0.005, 0.995], axis=0)
        for k, value in enumerate(np.atleast_1d(true)):
            label = f"{name}[{k}]"
            # On the log scale, where the posteriors of rates and times are near normal.
            logs = np.log(draws[:, k]) if np.all(draws[:, k] > 0) and value > 0 else draws[:, k]
            centre = np.log(value) if np.all(draws[:, k] > 0) and value > 0 else value
            z[label] = float((centre - logs.mean()) / logs.std())
            if not low[k] <= value <= high[k]:
                outside.append(label)
    assert len(z) == 23
    # 23 correlated 99% intervals: more than one miss has a chance of about two in a hundred.
    assert len(outside) <= 1, f"outside their 99% intervals: {outside}"
    assert max(map(abs, z.values())) < 4, z
    # Were the posteriors far too wide or too narrow, the root mean square would show it.
    rms = float(np.sqrt(np.mean(np.square(list(z.values())))))
    assert 0.3 < rms < 1.6, f"root mean square z {rms:.2f}"


@pytest.mark.slow
def test_the_true_tension_is_tracked_within_its_band(recovered):
    posterior, tension, layout = recovered
    draws = stream_draws(layout, posterior.variables)
    fitted = tension_at_steps(draws.knots[:, 0], N_STEPS)
    correlation = np.corrcoef(fitted.mean(axis=0), tension)[0, 1]
    assert correlation > 0.6, f"correlation {correlation:.2f}"
    low, high = np.quantile(fitted, [0.05, 0.95], axis=0)
    share = np.mean((low <= tension) & (tension <= high))
    assert share > 0.75, f"{share:.0%} of the steps inside their 90% bands"
