"""Numbers of the worked case as they stood when the model was last changed on purpose.

A move of code must not move them. ``golden.json`` holds what follows from given draws: their likelihood, and
the first days of their paths. The draws come from the documented defaults, not from a population, so that one
learned anew changes nothing here. Whoever changes the model on purpose makes the file again, by running this
one, and reads the difference:

    python tests/workflows/test_numbers_stay_the_same.py && git diff tests/workflows/golden.json
"""

import json
from pathlib import Path

import numpy as np
import pytest
from forecast.simulation.paths import SimulationOptions, simulate_first_passages
from forecast.simulation.probabilities import probability_curve

from forecast.config import load_config
from forecast.models.draws import log_likelihood, prior_draws, stream_draws
from forecast.runs.inputs import read_inputs

KEPT = Path(__file__).with_name("golden.json")
WORKED_CASE = Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml"
HORIZON_DAYS = 180


def numbers_of_the_worked_case() -> dict:
    """Likelihood of 24 prior draws, paths that meet each target within so many days, and its last chances."""
    inputs = read_inputs(load_config(WORKED_CASE, overrides=["model.population=none"]))
    panel, priors = inputs.data, inputs.priors
    variables = prior_draws(priors, 24, panel.grid.n_knots, np.random.default_rng(20230710))
    draws = stream_draws(panel.layout, variables, priors)
    options = SimulationOptions(seed=5, horizon_days=HORIZON_DAYS, paths_per_draw=8)
    days = simulate_first_passages(panel, draws, options, inputs.calendar)
    hits, chances = {}, {}
    for target in days.targets:
        first = days.of(target)
        hits[target] = [int((first < within).sum()) for within in (30, 90, HORIZON_DAYS)]
        curve = probability_curve(first, HORIZON_DAYS)
        chances[target] = [float(curve.probability[-1]), float(curve.lower90[-1]), float(curve.upper90[-1])]
    likelihood = log_likelihood(panel, draws, priors)
    return {"log_likelihood": likelihood.tolist(), "hit_within_days": hits, "curve_180": chances}


@pytest.fixture(scope="module")
def found():
    return numbers_of_the_worked_case()


@pytest.fixture(scope="module")
def golden():
    return json.loads(KEPT.read_text(encoding="utf-8"))


def test_the_likelihood_of_given_draws_has_not_moved(found, golden):
    assert found["log_likelihood"] == pytest.approx(golden["log_likelihood"], rel=1e-12)


def test_the_paths_of_given_draws_have_not_moved(found, golden):
    assert found["hit_within_days"] == golden["hit_within_days"]
    assert found["curve_180"].keys() == golden["curve_180"].keys()
    for target, kept in golden["curve_180"].items():
        assert found["curve_180"][target] == pytest.approx(kept, abs=1e-12)


if __name__ == "__main__":
    KEPT.write_text(json.dumps(numbers_of_the_worked_case(), indent=1) + "\n", encoding="utf-8")
