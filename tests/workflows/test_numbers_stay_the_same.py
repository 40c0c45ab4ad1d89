"""Numbers of the worked case as they stood when the model was last changed on purpose.

A move of code must not move them. ``golden.json`` holds what follows from given draws: their likelihood, and
the exact chances of their targets. The draws come from the documented defaults, not from a population, so
that one learned anew changes nothing here. Whoever changes the model on purpose makes the file again, by
running this one, and reads the difference:

    python tests/workflows/test_numbers_stay_the_same.py && git diff tests/workflows/golden.json
"""

import json
from pathlib import Path

import numpy as np
import pytest

from forecast.config import load_config
from forecast.models.draws import log_likelihood, prior_draws, stream_draws
from forecast.models.survival import Chances
from forecast.runs.inputs import read_inputs
from forecast.runs.mixture import DirectAnswers, Mixture

KEPT = Path(__file__).with_name("golden.json")
WORKED_CASE = Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml"
HORIZON_DAYS = 180


def numbers_of_the_worked_case() -> dict:
    """Likelihood of 24 prior draws, and the chances of each target by day with the last interval."""
    inputs = read_inputs(load_config(WORKED_CASE, overrides=["model.population=none"]))
    acts, priors = inputs.data, inputs.priors
    variables = prior_draws(priors, 24, acts.grid.n_knots, np.random.default_rng(20230710))
    draws = stream_draws(acts.layout, variables, priors)
    chances = Chances(acts, priors, draws, HORIZON_DAYS, seed=5)
    curves = Mixture(inputs, DirectAnswers({}), chances.survival(inputs.calendar)).curves
    return {
        "log_likelihood": log_likelihood(acts, draws, priors).tolist(),
        "chance_within_days": {
            target: [float(curve.mean[days]) for days in (30, 90, HORIZON_DAYS)]
            for target, curve in curves.items()
        },
        "interval_180": {
            target: [float(curve.low[-1]), float(curve.high[-1])] for target, curve in curves.items()
        },
    }


@pytest.fixture(scope="module")
def found():
    return numbers_of_the_worked_case()


@pytest.fixture(scope="module")
def golden():
    return json.loads(KEPT.read_text(encoding="utf-8"))


def test_the_likelihood_of_given_draws_has_not_moved(found, golden):
    assert found["log_likelihood"] == pytest.approx(golden["log_likelihood"], rel=1e-10)


@pytest.mark.parametrize("numbers", ["chance_within_days", "interval_180"])
def test_the_chances_of_given_draws_have_not_moved(found, golden, numbers):
    assert found[numbers].keys() == golden[numbers].keys()
    for target, kept in golden[numbers].items():
        assert found[numbers][target] == pytest.approx(kept, abs=1e-10)


if __name__ == "__main__":
    KEPT.write_text(json.dumps(numbers_of_the_worked_case(), indent=1) + "\n", encoding="utf-8")
