"""The compiled density and the definition in PyMC: the same value and the same gradient, to rounding."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pymc.pytensorf import compile as compile_graph
from pytensor.compile.mode import get_mode

from forecast.inference.sampling import PosteriorDensity
from forecast.models.density import GROUPS
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, log_likelihood
from forecast.models.intensity import intensity, replay
from tools.studies import definition
from tools.studies.definition import build_model

from .conftest import draws_of

SLOW = pytest.mark.slow
RECORDS = (
    "everything",
    "stated priors",
    "one day",
    "silent before",
    pytest.param("no subcategory", marks=SLOW),
    pytest.param("no reactions", marks=SLOW),
    pytest.param("no target", marks=SLOW),
    pytest.param("one side", marks=SLOW),
    pytest.param("one week", marks=SLOW),
    pytest.param("no act", marks=SLOW),
    pytest.param("a crowded month", marks=SLOW),
    pytest.param("worked case", marks=SLOW),
)


def places(density: PosteriorDensity, model: pm.Model) -> np.ndarray:
    """Coordinates of a point in the order of the model's own variables."""
    layout, found = density.layout, {}
    for group, name, begin, size in zip(
        density.priors.groups, GROUPS, layout.offset, layout.sizes, strict=True
    ):
        found[name] = begin + np.arange(size)
        families = np.array([one.distribution.family for one in density.priors.of_group(group)])
        for family in set(families):
            found[f"{name}.{family}"] = found[name][families == family]
    ends = layout.n_parameters + layout.n_knots
    found[INNOVATIONS] = np.arange(layout.n_parameters, ends)
    found[DRIFT_INNOVATIONS] = np.arange(ends, layout.n_coordinates)
    return np.concatenate([found[model.values_to_rvs[value].name] for value in model.value_vars])


def compiled(model: pm.Model, slopes: bool = True):
    """Log density of a point, and its gradient; in Python, since machine code takes longer to make."""
    total = pt.stack([term.sum() for term in model.logp(sum=False)]).sum()
    outputs = [total]
    if slopes:
        outputs.append(pt.concatenate([pt.atleast_1d(one) for one in pt.grad(total, model.value_vars)]))
    # Sums of more than 32 terms, which flattening makes, need a compiler.
    plain = get_mode("FAST_COMPILE").excluding("canonicalize", "add_mul_fusion", "fusion")
    function = compile_graph(model.value_vars, outputs, mode=plain)
    shapes = [model.initial_point()[value.name].shape for value in model.value_vars]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def at(point: np.ndarray):
        parts = np.split(point, ends[:-1])
        return function(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))

    return at


def points_of(density: PosteriorDensity, n: int) -> np.ndarray:
    """Points between the middle of the priors and their tails; in the first, acts have many answers."""
    rng = np.random.default_rng(20230710)
    middle = np.array([density.starting_point(seed) for seed in range(n)])
    points = middle + 0.7 * rng.standard_normal(middle.shape)
    numbers = density.layout.offset[GROUPS.index("answers.number")]
    points[0, numbers : numbers + 2] = np.log(0.5)
    return points


@pytest.mark.parametrize("name", RECORDS)
def test_value_and_gradient_are_those_of_the_definition(records, name):
    data, priors = records[name]
    spare = 9 if name == "stated priors" else 0
    density = PosteriorDensity.of(data, priors, data.grid.n_knots + spare)
    model = build_model(data, priors, density.n_knots)
    order = places(density, model)
    assert sorted(order) == list(range(density.n_coordinates))
    defined = compiled(model)
    points = points_of(density, 3)
    values, gradients = density(points)
    assert np.isfinite(values).sum() >= 2
    for point, value, gradient in zip(points, values, gradients, strict=True):
        expected, slope = defined(point[order])
        if np.isinf(expected):  # so far out in the tails of the priors an act has no chance at all
            assert (value, *gradient) == (expected, *np.zeros(len(gradient)))
            continue
        assert value == pytest.approx(float(expected), rel=1e-9)
        np.testing.assert_allclose(gradient[order], slope, rtol=1e-8, atol=1e-8 * np.abs(slope).max())


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("HALF_SATURATION", 1.00001 * definition.HALF_SATURATION),
        ("DRIFT_NOISE", -definition.DRIFT_NOISE),
        ("REFERENCE", 2),
    ],
)
def test_a_definition_that_is_a_little_wrong_is_told_apart(everything, monkeypatch, name, wrong):
    density = PosteriorDensity.of(*everything)
    points = points_of(density, 1)
    monkeypatch.setattr(definition, name, wrong)
    model = build_model(*everything)
    (expected,) = compiled(model, slopes=False)(points[0][places(density, model)])
    (value,), _ = density(points)
    assert abs(value / float(expected) - 1) > 1e-9


@pytest.mark.parametrize("name", ["everything", "stated priors", "a crowded month", "one week", "no act"])
def test_the_likelihood_is_that_of_the_intensities(records, name):
    """Σ log λ(d_j) − ∫λ, written out by day."""
    data, priors = records[name]
    draws = draws_of(data, priors, 3)
    ours = log_likelihood(data, draws, priors)
    for d in range(3):
        expected = intensity(data, priors, draws, d).total * data.completeness[:, None]
        value = np.log(expected[data.day, data.stream]).sum() - expected.sum()
        assert ours[d] == pytest.approx(value, rel=1e-10)
    by_week, _ = replay(data, priors, draws, seed=1)
    np.testing.assert_allclose(by_week.sum(axis=(1, 2)), ours, rtol=1e-10)


def test_counts_drawn_anew_have_the_mean_of_the_intensities(everything):
    data, priors = everything
    repeats = 400
    draws = draws_of(data, priors, 1).rows(np.zeros(repeats, dtype=np.int64))
    _, counts = replay(data, priors, draws, seed=3)
    by_day = intensity(data, priors, draws, 0).total * data.completeness[:, None]
    week = np.arange(len(data.completeness)) // 7
    mean = np.array([by_day[week == t].sum(axis=0) for t in range(data.grid.n_steps)])
    z = (counts.mean(axis=0) - mean) / np.sqrt(mean / repeats)
    assert np.abs(z[mean * repeats > 30]).max() < 5
    _, again = replay(data, priors, draws.rows(np.arange(5)), seed=3)
    np.testing.assert_array_equal(again, counts[:5])
