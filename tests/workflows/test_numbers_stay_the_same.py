"""Numbers of the worked case as version 0.1 gave them: a move of code must not move them.

``golden.json`` was written by version 0.1. What follows from given draws is held to rounding; what a short
fit gives, to its Monte Carlo error, since another processor may sum in another order.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from forecast.config import load_config
from forecast.models.draws import prior_draws
from forecast.runs.inputs import read_inputs
from forecast.simulation.paths import SimulationOptions
from forecast.simulation.probabilities import probability_curve
from forecast.workflows.forecast import make_forecast

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())
WORKED_CASE = Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml"


@pytest.fixture(scope="module")
def given():
    """Inputs, model and 24 prior draws of the worked case."""
    inputs = read_inputs(load_config(WORKED_CASE))
    fit = inputs.main
    variables = prior_draws(fit.priors, 24, fit.panel.grid.n_knots, np.random.default_rng(20230710))
    return inputs, fit, fit.model.draws(variables)


def test_the_likelihood_of_given_draws_is_that_of_version_0_1(given):
    _, fit, draws = given
    found = fit.model.log_likelihood(fit.panel, draws)
    assert found == pytest.approx(GOLDEN["log_likelihood"], rel=1e-12)


def test_the_paths_of_given_draws_are_those_of_version_0_1(given):
    inputs, fit, draws = given
    options = SimulationOptions(seed=5, horizon_days=180, paths_per_draw=8)
    days = fit.model.simulate(fit.panel, draws, options, inputs.calendar)
    for target, counts in GOLDEN["hit_within_days"].items():
        assert [int((days.of(target) < within).sum()) for within in (30, 90, 180)] == counts
        curve = probability_curve(days.of(target), 180)
        last = (curve.probability[180], curve.lower90[180], curve.upper90[180])
        assert last == pytest.approx(GOLDEN["curve_180"][target], abs=1e-12)


@pytest.mark.slow
def test_a_short_fit_gives_the_probabilities_of_version_0_1():
    short = ["sampler.draws=100", "sampler.tune=200", "scenarios=[]"]
    forecast = make_forecast(load_config(WORKED_CASE, overrides=short), drivers=False).forecast
    for target in forecast.targets:
        found = np.array([milestone.probability for milestone in target.milestones])
        gap = np.abs(found - GOLDEN["fit"][target.name])
        assert (gap <= 5 * np.hypot(*[GOLDEN["fit_mcse"][target.name]] * 2) + 1e-12).all(), target.name
