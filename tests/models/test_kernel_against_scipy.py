import numpy as np
import pytest
from scipy import special, stats

from forecast.models.kernel import STREAM_ROWS, ornstein_uhlenbeck, value_and_gradient
from forecast.models.likelihood import likelihood_data
from forecast.panel.panel import HALF_SATURATION, KNOT_STEPS, LEAST_COMPLETENESS

SEEDS = (1, 2, 3)


def parameters(layout, n_knots: int, seed: int):
    """Random arguments: streams, dynamics, innovations, level; zero where a term does not apply."""
    rng = np.random.default_rng(seed)
    n = len(layout.streams)
    rows = {
        "log_rate": rng.normal(-1.5, 0.7, n),
        "loading": rng.normal(0.6, 0.5, n),
        "own": rng.uniform(0.05, 0.6, n),
        "cross": rng.uniform(0.01, 0.1, n) * layout.conflictual,
        "shape": rng.lognormal(0.5, 0.6, n),
        "ballast": rng.normal(0.2, 0.4, n) * layout.calming,
        "notable": rng.normal(0.5, 0.6, n) * layout.marked,
        "category": rng.normal(0.0, 0.6, n) * layout.marked,
        "grave": rng.normal(0.0, 0.6, n) * layout.marked,
    }
    dynamics = np.array([*rng.uniform(0.3, 0.9, 4), *rng.normal(0.3, 0.3, 2)])
    level = np.array([0.5, -0.8, -1.5, -2.5]) + rng.normal(0, 0.2, 4)
    return np.stack([rows[name] for name in STREAM_ROWS]), dynamics, rng.standard_normal(n_knots), level


def reference(data, streams, dynamics, innovations, level) -> float:
    """The likelihood with SciPy's distributions, step by step and without any trick."""
    log_rate, load, own, cross, shape, ballast, notable, category, grave = streams
    own_decay, cross_decay, ballast_decay, knot_decay, on_tension, on_recent = dynamics
    conflict, calming = np.array(data.layout.conflictual), np.array(data.layout.calming)
    knots = ornstein_uhlenbeck(innovations, knot_decay)
    s, recent_calm, c = np.zeros(len(log_rate)), np.zeros(len(log_rate)), 0.0
    recent = np.log((data.severe_recent + 0.1) / 0.2)
    total = 0.0
    for t, y in enumerate(data.counts):
        tension = np.interp(t / KNOT_STEPS, np.arange(len(knots)), knots)
        calm = np.exp(-(ballast * recent_calm / (recent_calm + HALF_SATURATION))[calming].sum())
        rate = (np.exp(log_rate + load * tension) + own * s + cross * c) * np.where(conflict, calm, 1.0)
        rate = rate * data.known_share[t]
        e = data.exposure[t]
        # The kernel leaves the factorials out.
        total += (stats.nbinom.logpmf(y, shape * e, shape / (shape + rate)) + special.gammaln(y + 1)).sum()
        kinds = np.stack([notable, category, category + grave, category + grave], axis=1)
        log_odds = level[None] + kinds + on_tension * tension + on_recent * recent[t]
        at_risk, passed = data.reach[t, :, :4], data.reach[t, :, 1:]
        total += (passed * log_odds - at_risk * np.log1p(np.exp(log_odds))).sum()
        felt = y / max(data.known_share[t], LEAST_COMPLETENESS)
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


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", ["joint", "focused", "target"])
def test_the_gradient_is_that_of_central_differences(counted, family, seed):
    data = counted(family, "late")
    layout = data.layout
    arguments = parameters(layout, data.grid.n_knots + 2, seed)
    arrays = tuple(vars(likelihood_data(data)).values())
    gradients = value_and_gradient(*arguments, *arrays)[1:]
    applies = np.ones(arguments[0].shape, dtype=bool)
    applies[STREAM_ROWS.index("cross")] = layout.conflictual
    applies[STREAM_ROWS.index("ballast")] = layout.calming
    width = 1e-5
    for position, name in enumerate(("streams", "dynamics", "innovations", "level")):
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
    streams, dynamics, innovations, level = parameters(data.layout, data.grid.n_knots + 3, 1)
    long = value_and_gradient(streams, dynamics, innovations, level, *arrays)
    short = value_and_gradient(streams, dynamics, innovations[:-3], level, *arrays)
    assert long[0] == short[0]
    np.testing.assert_array_equal(long[3][:-3], short[3])
    np.testing.assert_array_equal(long[3][-3:], 0.0)


def test_the_likelihood_arrays_tell_the_counts_again(counted):
    data = counted("joint", "cut")
    arrays = likelihood_data(data)
    full = data.counts[:-1]
    for j, row in enumerate(arrays.exceed):
        np.testing.assert_array_equal(row, (full > j).sum(axis=0))
    np.testing.assert_array_equal(arrays.exceed.sum(axis=0), full.sum(axis=0))
    reach = np.zeros_like(data.reach)
    for cell in arrays.marks.astype(int):
        reach[cell[0], cell[1]] = cell[2:]
    np.testing.assert_array_equal(reach, data.reach)
    assert likelihood_data(counted("target", "cut")).marks.shape == (0, 7)
