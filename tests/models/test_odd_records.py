"""Records of any kind have a finite density with its slope, and chances that are chances."""

import numpy as np
import pytest

from forecast.events.codebook import CATEGORIES
from forecast.inference.density import PosteriorDensity
from forecast.models.survival import Chances
from forecast.targets import TargetRule

from .conftest import acts_with_priors, draws_of, random_record

ODD = (
    "no subcategory",
    "no target",
    "one side",
    "one day",
    "a crowded month",
    "one week",
    "no act",
    "everything",
)


@pytest.mark.parametrize("name", ODD)
def test_density_and_chances_of_an_odd_record_are_numbers(records, name):
    data, priors = records[name]
    density = PosteriorDensity.of(data, priors)
    points = np.array([density.starting_point(seed) for seed in range(3)])
    values, gradients = density(points)
    assert np.isfinite(values).all()
    assert (np.abs(gradients).max(axis=1) > 0).all()
    rng = np.random.default_rng(1)
    for point, gradient in zip(points, gradients, strict=True):
        line = rng.standard_normal(len(point))
        (ahead, behind), _ = density(np.array([point + 1e-5 * line, point - 1e-5 * line]))
        slack = 1e-6 * np.abs(gradient * line).sum()
        assert gradient @ line == pytest.approx((ahead - behind) / 2e-5, abs=slack)
    found = Chances(data, priors, draws_of(data, priors, 20), 540, seed=1).survival().values
    assert ((found >= 0) & (found <= 1)).all()
    assert (found[..., 0] == 1).all()
    assert (np.diff(found, axis=2) <= 0).all()


def test_a_target_of_every_act_is_met_by_cooperation_too():
    targets = (TargetRule("anything", CATEGORIES, 1), TargetRule("visit", ("visit",), 1))
    data, priors = acts_with_priors(random_record(1), targets=targets, reactions=())
    found = Chances(data, priors, draws_of(data, priors, 20), 30, seed=1).survival().values
    assert data.layout.meets[0].all()
    assert (found[:, 0] <= found[:, 1] + 1e-12).all()
    assert found[:, 0, 30].mean() < 0.01 < found[:, 1, 30].mean()


def test_a_point_at_which_the_density_is_no_number_is_told_as_such(everything):
    density = PosteriorDensity.of(*everything)
    points = np.array([density.starting_point(1)] * 2)
    points[0, 0] = 800.0
    values, gradients = density(points)
    assert values[0] == -np.inf
    assert np.isfinite(values[1])
    assert not gradients[0].any()
