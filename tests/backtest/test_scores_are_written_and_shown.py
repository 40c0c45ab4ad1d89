"""The folder of a backtest and its table: what was asked, every score, in 80 signs."""

import json
from datetime import date

import numpy as np

from forecast.baselines import BASELINES
from forecast.cli.terminal import lines_of
from forecast.config import load_config
from forecast.config.schema import DEFAULT_FAMILY
from forecast.evaluation.past_forecasts import MODELS, BacktestOptions, plan_backtest
from forecast.evaluation.score_table import read_forecasts
from forecast.report.palette import name_model
from forecast.report.tables import score_table
from forecast.runs.files import file_hashes
from forecast.runs.inputs import read_inputs

ALL = (*MODELS, *BASELINES)


def test_milestones_alone_may_be_the_horizons(config_file):
    inputs = read_inputs(load_config(config_file))
    plan = plan_backtest(inputs, BacktestOptions(first=date(2019, 1, 1), horizons=(), milestones=True))
    assert plan.horizons == (89,)


def test_scores_hold_every_target_horizon_and_model_with_what_was_asked(whole_backtest):
    _, folder = whole_backtest
    content = json.loads((folder / "scores.json").read_text())
    asked = {
        (target, days, model) for target in ("severe", "military") for days in (30, 89, 90) for model in ALL
    }
    assert {(cell["target"], cell["horizon_days"], cell["model"]) for cell in content["cells"]} == asked
    assert len(content["cells"]) == len(asked)
    cell = content["cells"][0]
    # 24 months, and the windows of the last do not end before the data.
    assert cell["n"] == 24
    assert set(cell) >= {"base_rate", "brier", "log", "auc", "skill", "warnings"}
    assert content["origins"] == {"number": 24, "first": "2019-01-01", "last": "2020-12-01"}
    assert content["targets"]["military"] == {
        "any_of": ["military_incident", "military_posture"],
        "min_severity": 3,
    }
    assert (content["default"], content["data_end"], content["name"]) == (
        DEFAULT_FAMILY,
        "2021-01-01",
        "small",
    )
    assert content["dyad"] == {"a": "USA", "b": "CHN", "label": "United States – China"}


def test_forecasts_are_those_of_the_units_and_the_combination_is_the_mean_of_its_members(whole_backtest):
    backtest, folder = whole_backtest
    table = read_forecasts(folder / "forecasts.csv")
    (result,) = backtest.results
    for position, target in enumerate(("severe", "military")):
        made = [one.probability[position, 0] for one in result.forecasts]
        assert table.select(target=target, horizon_days=30, who="model").chance.tolist() == made
        panel = table.select(target=target, horizon_days=30, who="panel").chance
        mean = np.mean([made, panel], axis=0)
        combined = table.select(target=target, horizon_days=30, who="combined").chance
        np.testing.assert_allclose(combined, mean, rtol=1e-14)


def test_the_manifest_knows_every_file(whole_backtest):
    _, folder = whole_backtest
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["outputs_sha256"] == {
        name: value for name, value in file_hashes(folder).items() if name != "manifest.json"
    }
    assert manifest["fits"] == {"made": 1, "failed": 0}
    assert [path.name for path in (folder / "figures").iterdir()] == ["reliability.svg"]


def test_the_terminal_shows_the_scores_of_the_file_within_80_signs(whole_backtest):
    backtest, _ = whole_backtest
    lines = lines_of(backtest.blocks({"severe": "Severe escalation", "military": "Military"}))
    assert [line for line in lines if len(line) > 80] == []
    row = next(line for line in lines if line.split()[:2] == ["30", "Brier"])
    cells = [backtest.scores.cells["severe", 30, model] for model in ALL]
    assert row.replace("*", " ").split()[2:] == [f"{cell.brier.value:.3f}" for cell in cells]
    text = " ".join(" ".join(lines).split())
    ours = name_model(DEFAULT_FAMILY)
    lost = []
    for target in ("severe", "military"):
        for days in (30, 90):
            score = {name: backtest.scores.cells[target, days, name].brier.value for name in ALL}
            best = min(BASELINES, key=lambda name: score[name])
            lost.append(score[best] < score[DEFAULT_FAMILY])
            says = f"is behind {name_model(best)}" if lost[-1] else "beats every baseline"
            assert f"{days} days: the {ours} {says} (Brier {score[DEFAULT_FAMILY]:.3f}" in text
    # Made-up forecasts lose somewhere.
    assert any(lost)
    assert "worse than that of the best baseline" in text


def test_the_lowest_value_of_a_row_is_marked_and_equals_are_marked_alike():
    rows = [
        (("one",), {"model": 0.2, "panel": 0.1}),
        (("two",), {"model": 0.3001, "panel": 0.3002}),
        (("three",), {"model": 0.5}),
    ]
    lines = lines_of([score_table(("model", "panel"), rows, ("",))])
    assert [line.split() for line in lines] == [
        ["model", "panel"],
        ["one", "0.200", "0.100*"],
        ["two", "0.300*", "0.300*"],
        ["three", "0.500*", "–"],
    ]
