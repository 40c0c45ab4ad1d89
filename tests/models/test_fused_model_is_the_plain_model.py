"""The same model twice: fused kernel and PyMC's own distributions, up to a constant in the log density."""

from functools import cache

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pymc import pytensorf
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorConstant

from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS
from forecast.models.likelihood import likelihood_data
from forecast.models.streams import DRIFT_BASIS, build_model
from forecast.panel.panel import drift_knots_for
from forecast.priors import default_priors

SPARE_KNOTS = 3
FAMILIES = ("joint", "focused", "target")


def compile_density(model: pm.Model):
    """Log density and gradient by variable, as a function of a point."""
    # Without the Numba linker, whose compilation takes longer than all evaluations here.
    # Terms are added up outside, since that mode adds no more than 32 at once.
    terms = model.logp(sum=False)
    slope = pytensorf.gradient(pt.sum([term.sum() for term in terms]), model.value_vars)
    function = model.compile_fn([*terms, slope], mode="FAST_COMPILE")
    start = model.initial_point()
    shapes = {variable.name: start[variable.name].shape for variable in model.value_vars}
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])

    def density(point: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        *values, gradient = function(point)
        parts = np.split(gradient, ends[:-1])
        return float(sum(np.sum(value) for value in values)), dict(zip(shapes, parts, strict=True))

    return density


def random_points(model: pm.Model, seed: int, size: int) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    start = model.initial_point()
    return [
        {name: value + 0.4 * rng.standard_normal(np.shape(value)) for name, value in start.items()}
        for _ in range(size)
    ]


@pytest.fixture(scope="module")
def fused(counted):
    """Make a fused model of the whole steps with spare knots, compiled once a family."""

    @cache
    def compiled(family: str):
        data = counted(family, "whole")
        knots = data.grid.n_knots + SPARE_KNOTS
        model = build_model(data, default_priors(data.layout), n_knots=knots)
        return model, compile_density(model)

    return compiled


def test_a_century_leaves_no_constant_that_numba_would_not_keep_on_disk(counted):
    # Numba caches no function with a global array of more than 1,000,000 bytes.
    data = counted("focused", "whole")
    model = build_model(data, default_priors(data.layout), n_knots=1500)
    constants = [one.data for one in ancestors([model.logp()]) if isinstance(one, TensorConstant)]
    assert model[DRIFT_BASIS].get_value().nbytes > 1_000_000
    assert max(np.asarray(one).nbytes for one in constants) < 100_000


@pytest.mark.parametrize("last_step", ["whole", "cut", "late"])
@pytest.mark.parametrize("family", FAMILIES)
def test_value_differs_by_a_constant_and_gradient_not_at_all(family, counted, fused, last_step):
    data = counted(family, last_step)
    plain_model = build_model(data, default_priors(data.layout), form="plain")
    plain = compile_density(plain_model)
    fused_model, density = fused(family)
    # New counts enter the compiled model through its data containers alone.
    pm.set_data(vars(likelihood_data(data)), model=fused_model)
    spare = fused_model.initial_point()[INNOVATIONS].size - data.grid.n_knots
    assert spare in (SPARE_KNOTS, SPARE_KNOTS - 1)  # the cut step may need one more
    constants = []
    for point in random_points(fused_model, seed=7, size=4):
        value, gradient = density(point)
        knots = {INNOVATIONS: data.grid.n_knots, DRIFT_INNOVATIONS: drift_knots_for(data.grid.n_knots)}
        split = {name: np.split(point[name], [n]) for name, n in knots.items() if name in point}
        plain_value, plain_gradient = plain(point | {name: used for name, (used, _) in split.items()})
        constants.append(value - plain_value + sum(0.5 * (extra**2).sum() for _, extra in split.values()))
        # Knots beyond the data feel their prior alone.
        beyond = {name: np.append(plain_gradient[name], -extra) for name, (_, extra) in split.items()}
        expected = plain_gradient | beyond
        assert gradient.keys() == expected.keys()
        for name in expected:
            np.testing.assert_allclose(gradient[name], expected[name], rtol=1e-8, atol=1e-8, err_msg=name)
    assert np.ptp(constants) < 1e-8 * abs(value), f"constants {constants}"


def test_new_data_in_a_compiled_model_equal_a_fresh_model(counted, fused):
    before, after = counted("joint", "whole"), counted("joint", "cut")
    reused, density = fused("joint")
    knots = before.grid.n_knots + SPARE_KNOTS
    fresh = build_model(after, default_priors(after.layout), n_knots=knots)
    expected = compile_density(fresh)
    (point,) = random_points(fresh, seed=11, size=1)
    pm.set_data(vars(likelihood_data(before)), model=reused)
    assert density(point)[0] != expected(point)[0]
    pm.set_data(vars(likelihood_data(after)), model=reused)
    value, gradient = density(point)
    assert value == expected(point)[0]
    for name, values in expected(point)[1].items():
        np.testing.assert_array_equal(gradient[name], values, err_msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_panel_of_two_is_the_plain_panel_and_the_sum_of_its_dyads(panels, family):
    panel = panels(family, 2)
    priors = default_priors(panel.layout)
    fused = build_model(panel, priors)
    density, plain = compile_density(fused), compile_density(build_model(panel, priors, form="plain"))
    alone = [panel.select(slice(i, i + 1)) for i in range(2)]
    single_model = build_model(alone[0], priors)
    single = compile_density(single_model)

    def density_alone(dyad: int, point: dict[str, np.ndarray]):
        pm.set_data(vars(likelihood_data(alone[dyad])), model=single_model)
        return single({name: values[dyad] for name, values in point.items()})

    constants = []
    for point in random_points(fused, seed=7, size=3):
        value, gradient = density(point)
        plain_value, plain_gradient = plain(point)
        constants.append(value - plain_value)
        apart = [density_alone(dyad, point) for dyad in range(2)]
        assert value == pytest.approx(sum(one for one, _ in apart), rel=1e-12)
        for name in gradient:
            np.testing.assert_allclose(
                gradient[name], plain_gradient[name], rtol=1e-8, atol=1e-8, err_msg=name
            )
            both = np.concatenate([own[name] for _, own in apart])
            np.testing.assert_allclose(gradient[name], both, rtol=1e-10, atol=1e-10, err_msg=name)
    assert np.ptp(constants) < 1e-8 * abs(value), f"constants {constants}"
