"""The shipped model is the simplest within two standard errors of the best."""

import numpy as np
import pytest

from forecast.evaluation.forecast_table import join_forecasts
from forecast.evaluation.score_table import choose_model, compare_models


def dyad(make_table, seed, **sharpness):
    """Forecasts that lean to the outcome by so much, and a noise that differs between models."""
    rng = np.random.default_rng(seed)
    outcome = (rng.random(120) < 0.4).astype(np.int8)
    tables = [make_table(0.4, outcome)]
    for model, lean in sharpness.items():
        probability = 0.4 + lean * (outcome - 0.4) + rng.normal(0, 0.05, 120)
        tables.append(make_table(np.clip(probability, 0.01, 0.99), outcome, model=model))
    return join_forecasts(tables)


def test_a_simple_model_as_good_as_the_best_is_chosen(make_table):
    table = dyad(make_table, 1, model=0.3, panel=0.1, combined=0.303)
    found = choose_model([table], seed=1)
    assert found.chosen == "model"
    assert found.gaps[found.best].value == 0


def test_a_simple_model_that_is_clearly_worse_is_not(make_table):
    found = choose_model([dyad(make_table, 1, model=0.1, panel=0.5, combined=0.4)], seed=1)
    assert (found.best, found.chosen) == ("panel", "panel")
    assert found.gaps["model"].value > 2 * found.gaps["model"].se > 0


def test_dyads_have_the_same_weight_and_their_errors_add_in_squares(make_table):
    tables = [dyad(make_table, seed, model=0.1, combined=0.3) for seed in (1, 2)]
    found = choose_model(tables, seed=1).gaps["model"]
    each = [compare_models(table, "model", "combined", seed=1) for table in tables]
    assert found.value == pytest.approx(np.mean([one.value for one in each]))
    assert found.se == pytest.approx(np.hypot(each[0].se, each[1].se) / 2)


def test_baselines_alone_leave_nothing_to_choose(make_table):
    assert choose_model([dyad(make_table, 1)], seed=1) is None
