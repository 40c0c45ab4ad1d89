"""The compiled density and the definition in PyMC: the same value and the same gradient, to rounding."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from forecast.inference.density import PosteriorDensity
from forecast.models import definition
from forecast.models.definition import build_model
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS

SLOW = pytest.mark.slow
RECORDS = (
    pytest.param("worked case", marks=SLOW),
    pytest.param("young and cut", marks=SLOW),  # their gradients are compared below
    pytest.param("stated priors", marks=SLOW),
    "overlapping",
    pytest.param("any conflict", marks=SLOW),
    "any act",
    pytest.param("no act", marks=SLOW),
)
TOLERANCE = 1e-9


def places(density: PosteriorDensity, model: pm.Model) -> np.ndarray:
    """Coordinates of a point in the order of the model's own variables."""
    layout, found = density.layout, {}
    for group, name, begin, size in zip(
        density.priors.groups, layout.variables, layout.offset, layout.sizes, strict=True
    ):
        found[name] = begin + np.arange(size)
        families = np.array([one.distribution.family for one in density.priors.of_group(group)])
        for family in set(families):
            found[f"{name}_{family}"] = found[name][families == family]
    ends = layout.n_parameters + layout.n_knots
    found[INNOVATIONS] = np.arange(layout.n_parameters, ends)
    found[DRIFT_INNOVATIONS] = np.arange(ends, layout.n_coordinates)
    return np.concatenate([found[model.values_to_rvs[value].name] for value in model.value_vars])


def compiled(model: pm.Model, *more):
    """Log density, and more, of a point; in Python, since machine code takes longer to make than this."""
    # Terms are added up outside, since Python's linker adds no more than 32 at once.
    outputs = [*model.logp(sum=False), *more]
    options = {"mode": "FAST_COMPILE", "point_fn": False, "on_unused_input": "ignore"}
    function = model.compile_fn(outputs, inputs=model.value_vars, **options)
    shapes = [value.shape for value in map(model.initial_point().get, (v.name for v in model.value_vars))]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def at(point: np.ndarray):
        parts = np.split(point, ends[:-1])
        found = function(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))
        terms = found[: len(found) - len(more)]
        return sum(float(np.sum(term)) for term in terms), *found[len(terms) :]

    return at


def points_of(density: PosteriorDensity, n: int) -> np.ndarray:
    """Points between the middle of the priors and their tails."""
    rng = np.random.default_rng(20230710)
    middle = np.array([density.starting_point(seed) for seed in range(n)])
    return middle + 0.7 * rng.standard_normal(middle.shape)


@pytest.mark.parametrize("name", RECORDS)
def test_the_value_is_that_of_the_definition_and_the_gradient_is_its_slope(records, name):
    """The slope along random lines, by central differences of the definition."""
    panel, priors = records[name]
    density = PosteriorDensity.of(panel, priors, panel.grid.n_knots)
    model = build_model(panel, priors, density.n_knots)
    order = places(density, model)
    defined, rng, step = compiled(model), np.random.default_rng(7), 1e-5
    points = points_of(density, 4)
    for point, value, gradient in zip(points, *density(points), strict=True):
        assert value == pytest.approx(defined(point[order])[0], rel=TOLERANCE)
        assert np.count_nonzero(gradient) == len(gradient)
        for line in rng.standard_normal((4, len(point))):
            ahead, behind = (defined((point + sign * step * line)[order])[0] for sign in (1, -1))
            # Terms of either sign add up: the error is one of their size.
            slack = 1e-6 * np.abs(gradient * line).sum()
            assert gradient @ line == pytest.approx((ahead - behind) / (2 * step), abs=slack)


@pytest.mark.parametrize(
    ("name", "spare_knots"), [pytest.param("stated priors", 0, marks=SLOW), ("young and cut", 9)]
)
def test_value_and_gradient_are_those_of_the_definition(records, name, spare_knots):
    panel, priors = records[name]
    density = PosteriorDensity.of(panel, priors, panel.grid.n_knots + spare_knots)
    model = build_model(panel, priors, density.n_knots)
    order = places(density, model)
    assert sorted(order) == list(range(density.n_coordinates))
    defined = compiled(model, model.dlogp())
    points = points_of(density, 4)
    for point, value, gradient in zip(points, *density(points), strict=True):
        expected, slope = defined(point[order])
        assert value == pytest.approx(expected, rel=TOLERANCE)
        np.testing.assert_allclose(
            gradient[order], slope, rtol=TOLERANCE, atol=TOLERANCE * np.abs(slope).max()
        )
        assert np.count_nonzero(gradient) == len(gradient)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("CHAIN_SLOPE", -definition.CHAIN_SLOPE),
        ("HALF_SATURATION", 1.00001 * definition.HALF_SATURATION),
        ("DRIFT_NOISE", -definition.DRIFT_NOISE),
        ("past", lambda values, decay: definition.decayed_sum(pt.as_tensor(values), decay)),
        ("left_after_a_step", lambda days: np.exp2(-1) ** (7.0 / (days + 1e-5))),
    ],
)
def test_a_model_that_is_a_little_wrong_is_told_apart(records, monkeypatch, name, wrong):
    panel, priors = records["overlapping"]
    density = PosteriorDensity.of(panel, priors)
    points = points_of(density, 1)
    monkeypatch.setattr(definition, name, wrong)
    model = build_model(panel, priors)
    (expected,) = compiled(model)(points[0][places(density, model)])
    (value,), _ = density(points)
    assert abs(value / expected - 1) > TOLERANCE
