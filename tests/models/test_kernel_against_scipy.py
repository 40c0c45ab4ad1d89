from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from forecast.models.kernel import STREAM_ROWS, ornstein_uhlenbeck, value_and_gradient
from forecast.models.likelihood import likelihood_data
from forecast.panel.panel import HALF_SATURATION, KNOT_STEPS, LEAST_COMPLETENESS

SEEDS = (1, 2, 3)


def parameters(layout, n_knots: int, *seeds: int):
    """Random arguments, a dyad a seed, in the kernel's order; zero where a term is absent."""
    return [
        np.stack(arguments)
        for arguments in zip(*(_of_dyad(layout, n_knots, one) for one in seeds), strict=True)
    ]


def _of_dyad(layout, n_knots: int, seed: int):
    rng = np.random.default_rng(seed)
    n = len(layout.streams)
    rows = {
        "log_rate": rng.normal(-1.5, 0.7, n),
        "loading": rng.normal(0.6, 0.5, n),
        "own": rng.uniform(0.05, 0.6, n),
        "cross": rng.uniform(0.01, 0.1, n) * layout.conflictual,
        "shape": rng.lognormal(0.5, 0.6, n),
        "ballast": rng.normal(0.2, 0.4, n) * layout.calming,
        "stage_2": rng.normal(0.5, 0.6, n) * layout.marked,
        "stage_3": rng.normal(0.0, 0.6, n) * layout.marked,
        "stage_4": rng.normal(0.0, 0.6, n) * layout.marked,
    }
    dynamics = np.array([*rng.uniform(0.3, 0.9, 4), *rng.normal(0.3, 0.3, 3)])
    level = np.array([0.5, -0.8, -1.5, -2.5]) + rng.normal(0, 0.2, 4)
    innovations, drift = rng.standard_normal(n_knots), 0.4 * rng.standard_normal(n_knots)
    return np.stack([rows[name] for name in STREAM_ROWS]), dynamics, innovations, level, drift


def reference(panel, *arguments) -> float:
    """The likelihood with SciPy's distributions, step by step and without any trick."""
    return sum(_reference_of_dyad(panel, i, *(one[i] for one in arguments)) for i in range(len(panel)))


def _reference_of_dyad(panel, i, streams, dynamics, innovations, level, drift) -> float:
    log_rate, loading, own, cross, shape, ballast, stage_2, stage_3, stage_4 = streams
    own_decay, cross_decay, ballast_decay, knot_decay, on_tension, on_recent, on_drift = dynamics
    steps = np.arange(panel.first_step[i], panel.grid.n_steps) / KNOT_STEPS
    average = np.interp(steps, np.arange(len(drift)), drift).mean()
    conflict, calming = np.array(panel.layout.conflictual), np.array(panel.layout.calming)
    knots = ornstein_uhlenbeck(innovations, knot_decay)
    s, recent_calm, c = np.zeros(len(log_rate)), np.zeros(len(log_rate)), 0.0
    recent = np.log((panel.severe_recent[i] + 0.1) / 0.2)
    total = 0.0
    for t in range(panel.first_step[i], panel.grid.n_steps):
        y, known = panel.counts[i, t], panel.completeness[i, t]
        tension = np.interp(t / KNOT_STEPS, np.arange(len(knots)), knots)
        drifted = np.interp(t / KNOT_STEPS, np.arange(len(drift)), drift) - average
        calm = np.exp(-(ballast * recent_calm / (recent_calm + HALF_SATURATION))[calming].sum())
        base = np.exp(log_rate + loading * tension + conflict * drifted)
        rate = (base + own * s + cross * c) * np.where(conflict, calm, 1.0)
        rate = rate * known
        e = panel.grid.last_exposure if t == panel.grid.n_steps - 1 else 1.0
        # The kernel leaves the factorials out.
        total += (stats.nbinom.logpmf(y, shape * e, shape / (shape + rate)) + special.gammaln(y + 1)).sum()
        kinds = np.stack([stage_2, stage_3, stage_3 + stage_4, stage_3 + stage_4], axis=1)
        log_odds = level[None] + kinds + on_tension * tension + on_recent * recent[t] + on_drift * drifted
        at_risk, passed = panel.reach[i, t, :, :4], panel.reach[i, t, :, 1:]
        total += (passed * log_odds - at_risk * np.log1p(np.exp(log_odds))).sum()
        felt = y / max(known, LEAST_COMPLETENESS)
        s = own_decay * s + (1 - own_decay) * felt
        c = cross_decay * c + (1 - cross_decay) * felt[conflict].sum()
        recent_calm = ballast_decay * (recent_calm + felt)
    return total


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("last_step", ["whole", "cut", "late"])
@pytest.mark.parametrize("family", ["joint", "focused", "target"])
def test_the_kernel_is_the_sum_of_scipys_log_probabilities(counted, family, last_step, seed):
    data = counted(family, last_step)
    arguments = parameters(data.layout, data.grid.n_knots, seed)
    arrays = vars(likelihood_data(data)).values()
    value = value_and_gradient(*arguments, *arrays)[0][0]
    assert value == pytest.approx(reference(data, *arguments), rel=1e-11)


@pytest.mark.parametrize("family", ["joint", "focused", "target"])
def test_a_panel_is_the_sum_of_its_dyads_and_each_feels_its_own_gradient_alone(panels, family):
    panel = panels(family)
    assert [bool(first) for first in panel.first_step] == [False, False, True]
    arguments = parameters(panel.layout, panel.grid.n_knots + 1, *SEEDS)
    value, *gradients = value_and_gradient(*arguments, *vars(likelihood_data(panel)).values())
    assert value[0] == pytest.approx(reference(panel, *arguments), rel=1e-11)
    total = 0.0
    for i in range(len(panel)):
        dyad = slice(i, i + 1)
        alone = vars(likelihood_data(panel.select(dyad))).values()
        one, *own = value_and_gradient(*(argument[dyad] for argument in arguments), *alone)
        total += one[0]
        for gradient, expected in zip(gradients, own, strict=True):
            np.testing.assert_allclose(gradient[dyad], expected, rtol=1e-12, atol=1e-12)
    assert value[0] == pytest.approx(total, rel=1e-13)


@pytest.mark.parametrize("family", ["joint", "focused"])
def test_steps_before_the_record_contribute_nothing_and_leave_no_trace(panels, family):
    # Were the quiet steps before it counted as observed, rates would be judged far lower.
    young = panels(family, 1)
    arguments = parameters(young.layout, young.grid.n_knots, 1)
    value, *_ = value_and_gradient(*arguments, *vars(likelihood_data(young)).values())
    assert value[0] == pytest.approx(reference(young, *arguments), rel=1e-11)
    observed = replace(young, first_step=np.zeros(1, dtype=np.int64))
    whole, *_ = value_and_gradient(*arguments, *vars(likelihood_data(observed)).values())
    assert whole[0] == pytest.approx(reference(observed, *arguments), rel=1e-11)
    assert whole[0] < value[0] - 5


@pytest.mark.parametrize(("record", "seed"), [("late", 1), ("late", 2), ("late", 3), ("young", 1)])
@pytest.mark.parametrize("family", ["joint", "focused", "target"])
def test_the_gradient_is_that_of_central_differences(counted, panels, family, record, seed):
    data = panels(family, 1) if record == "young" else counted(family, record)
    layout = data.layout
    arguments = parameters(layout, data.grid.n_knots + 2, seed)
    arrays = tuple(vars(likelihood_data(data)).values())
    gradients = value_and_gradient(*arguments, *arrays)[1:]
    applies = np.ones(arguments[0].shape, dtype=bool)
    applies[:, STREAM_ROWS.index("cross")] = layout.conflictual
    applies[:, STREAM_ROWS.index("ballast")] = layout.calming
    width = 1e-5
    for position, name in enumerate(("streams", "dynamics", "innovations", "level", "drift")):
        for index in np.ndindex(arguments[position].shape):
            if name == "streams" and not applies[index]:
                continue
            sides = []
            for sign in (1, -1):
                moved = [argument.copy() for argument in arguments]
                moved[position][index] += sign * width
                sides.append(value_and_gradient(*moved, *arrays)[0][0])
            difference = (sides[0] - sides[1]) / (2 * width)
            assert gradients[position][index] == pytest.approx(difference, rel=1e-5, abs=1e-5), (name, index)


def test_knots_beyond_the_data_change_nothing(counted):
    data = counted("joint", "cut")
    arrays = vars(likelihood_data(data)).values()
    streams, dynamics, innovations, level, drift = parameters(data.layout, data.grid.n_knots + 3, 1)
    long = value_and_gradient(streams, dynamics, innovations, level, drift, *arrays)
    short = value_and_gradient(streams, dynamics, innovations[:, :-3], level, drift[:, :-3], *arrays)
    assert long[0] == short[0]
    for of_long, of_short in ((long[3], short[3]), (long[5], short[5])):
        np.testing.assert_array_equal(of_long[:, :-3], of_short)
        np.testing.assert_array_equal(of_long[:, -3:], 0.0)


@pytest.mark.parametrize("family", ["joint", "focused", "target"])
def test_the_level_of_drift_does_not_count(counted, family):
    data = counted(family, "cut")
    arrays = vars(likelihood_data(data)).values()
    *arguments, drift = parameters(data.layout, data.grid.n_knots, 1)
    value, *gradients = value_and_gradient(*arguments, drift, *arrays)
    assert value_and_gradient(*arguments, drift + 3.0, *arrays)[0] == pytest.approx(value[0], rel=1e-12)
    assert gradients[-1].sum() == pytest.approx(0.0, abs=1e-9)
    assert abs(gradients[-1]).max() > 0.1


def test_the_likelihood_arrays_tell_the_counts_again(counted, panels):
    panel = panels("joint")
    arrays = likelihood_data(panel)
    full = panel.counts[:, :-1]
    for j in range(arrays.exceed.shape[1]):
        np.testing.assert_array_equal(arrays.exceed[:, j], (full > j).sum(axis=1))
    np.testing.assert_array_equal(arrays.exceed.sum(axis=1), full.sum(axis=1))
    reach = np.zeros_like(panel.reach)
    for dyad, (n_steps, exposure, first, begin, end) in enumerate(arrays.extent):
        assert (n_steps, exposure) == (panel.grid.n_steps, panel.grid.last_exposure)
        assert first == panel.first_step[dyad]
        for cell in arrays.marks[int(begin) : int(end)].astype(int):
            reach[dyad, cell[0], cell[1]] = cell[2:]
    np.testing.assert_array_equal(reach, panel.reach)
    assert likelihood_data(counted("target", "cut")).marks.shape == (0, 7)
