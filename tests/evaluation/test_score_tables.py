import json
from dataclasses import replace

import numpy as np
import pytest

from forecast.errors import InputError
from forecast.evaluation.forecast_table import join_forecasts
from forecast.evaluation.metrics import brier_score, log_score
from forecast.evaluation.score_table import FailedFits, compare_models, score_forecasts
from forecast.records.notices import notice


@pytest.fixture(scope="module")
def outcome():
    return (np.random.default_rng(1).random(120) < 0.4).astype(np.int8)


@pytest.fixture(scope="module")
def table(make_table, outcome):
    sharp = np.where(outcome == 1, 0.7, 0.25)
    return join_forecasts(
        [
            make_table(0.4, outcome),
            make_table(sharp, outcome, model="sharp"),
            make_table(1 - sharp, outcome, model="wrong"),
        ]
    )


def test_a_cell_holds_the_scores_of_its_forecasts(table, outcome):
    cell = score_forecasts(table, seed=1).cell("force", 30, "sharp")
    assert cell.n == 120
    assert cell.base_rate == outcome.mean()
    assert cell.brier.value == pytest.approx(np.where(outcome == 1, 0.09, 0.0625).mean())
    assert cell.log.value == pytest.approx(-np.where(outcome == 1, np.log(0.7), np.log(0.75)).mean())
    assert cell.auc == 1


def skill_of(make_table, probability, outcome, base):
    tables = [make_table(base, outcome), make_table(probability, outcome, model="ours")]
    scores = score_forecasts(join_forecasts(tables), seed=1)
    return scores.cell("force", 30, "ours").skill, scores.warnings


def test_skill_is_claimed_when_its_interval_leaves_zero(make_table, outcome):
    sharp = np.where(outcome == 1, 0.7, 0.25)
    for said, claim in (
        (sharp, "better"),
        (1 - sharp, "worse"),
        (0.4 + np.resize([0.02, -0.02], 120), "none"),
    ):
        skill, warnings = skill_of(make_table, said, outcome, 0.4)
        low, high = skill.brier.interval90
        assert (skill.claim, warnings) == (claim, ())
        assert (low > 0, high < 0) == (claim == "better", claim == "worse")


@pytest.mark.parametrize("hits", [19, 20, 100, 101])
def test_fewer_than_twenty_outcomes_of_one_kind_are_scored_with_a_warning_and_no_claim(make_table, hits):
    outcome = (np.arange(120) * 7 % 120 < hits).astype(np.int8)
    skill, warnings = skill_of(make_table, np.where(outcome == 1, 0.9, 0.1), outcome, 0.5)
    assert skill.brier.interval90[0] > 0
    few = {"hits": hits, "misses": 120 - hits, "needed": 20}
    said = (notice("few_outcomes", target="force", horizon_days=30, **few),)
    assert (skill.claim, warnings) == (("none", said) if hits in (19, 101) else ("better", ()))


def test_a_model_without_some_origins_is_compared_on_those_it_has_and_named(make_table, outcome):
    part = make_table(0.5, outcome[20:], model="late", skip=20)
    scores = score_forecasts(join_forecasts([make_table(0.4, outcome), part]), seed=1)
    cell = scores.cell("force", 30, "late")
    reference = brier_score(0.4, outcome[20:]).mean()
    assert cell.skill.n == 100
    assert cell.skill.brier.value == pytest.approx(1 - 0.25 / reference)
    absent = notice("absent_forecasts", target="force", horizon_days=30, model="late", absent=20, origins=120)
    assert absent in scores.warnings
    assert "force, 30 days: late has no forecast for 20 of 120 origins." in scores.to_dict()["warnings"]


def test_no_complete_window_and_no_reference_are_refused(table):
    with pytest.raises(InputError, match="no complete window to score"):
        score_forecasts(table.select(target="other"), seed=1)
    with pytest.raises(InputError, match=r"against 'climatology', which made no forecast.*there are: sharp"):
        score_forecasts(table.select(model="sharp"), seed=1)


def test_the_dictionary_is_plain_json_with_null_for_what_is_not_defined(make_table, table):
    content = score_forecasts(table, seed=1).to_dict()
    text = json.dumps(content, allow_nan=False)
    cell = json.loads(text)["cells"][1]
    assert (cell["target"], cell["horizon_days"], cell["model"], cell["n"]) == ("force", 30, "sharp", 120)
    parts = cell["brier_decomposition"]
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within_bin"]
    assert total == pytest.approx(cell["brier"])
    assert cell["skill"]["brier"]["interval90"][0] < cell["skill"]["brier"]["value"]
    quiet = score_forecasts(make_table(0.1, np.zeros(30)), seed=1).to_dict()
    assert quiet["cells"][0]["auc"] is None
    assert quiet["cells"][0]["calibration"] == {"intercept": None, "slope": None}


def test_comparing_averages_the_cells_with_equal_weight(make_table, outcome):
    lengths, models = {30: 120, 90: 60}, {"a": 0.5, "b": 0.3}
    tables = [
        make_table(probability, outcome[:n], model=model, horizon=horizon)
        for horizon, n in lengths.items()
        for model, probability in models.items()
    ]
    found = compare_models(join_forecasts(tables), "a", "b", seed=1)
    cells = [(log_score(0.5, outcome[:n]) - log_score(0.3, outcome[:n])).mean() for n in lengths.values()]
    assert found.value == pytest.approx(np.mean(cells))
    assert found.interval90[0] < found.value < found.interval90[1]


def test_windows_from_failed_fits_are_scored_apart_and_stay_in_the_whole(make_table):
    probability, outcome = np.array([0.1, 0.2, 0.3, 0.4]), [0, 1, 0, 1]
    reference = make_table(0.5, outcome)
    ours = replace(
        make_table(probability, outcome, model="joint"), failed_fit=np.array([0, 1, 0, 1], np.int8)
    )
    scores = score_forecasts(join_forecasts([reference, ours]), seed=1)
    cell = scores.cell("force", 30, "joint")
    assert cell.n == 4
    assert cell.brier.value == pytest.approx(np.mean([0.01, 0.64, 0.09, 0.36]))
    assert cell.failed_fits == FailedFits(2, pytest.approx(0.5), pytest.approx(-np.log([0.2, 0.4]).mean()))
    assert scores.cell("force", 30, "climatology").failed_fits is None
    written = [one["failed_fits"] for one in scores.to_dict()["cells"]]
    assert written == [None, {"n": 2, "brier": cell.failed_fits.brier, "log": cell.failed_fits.log}]
