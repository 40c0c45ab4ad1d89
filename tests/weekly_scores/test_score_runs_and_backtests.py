"""From file to folder: small fits of simulated scores, through the command."""

import csv
import json
import sys
from datetime import date, timedelta
from importlib import import_module

import numpy as np
import pytest

from forecast.config import load_score_config
from forecast.inference.posterior import read_posterior
from forecast.record import Forecast
from forecast.simulation.weekly_scores import simulate_scores
from forecast.weekly_scores.record import ScoreAnalysis
from forecast.weekly_scores.series import ScoreSeries

START = date(2018, 1, 1)
N_WEEKS = 120
CONFIG = """\
name: simulated
dyad: {a: USA, b: CHN}
as_of: 2020-04-19
scores: {source: scores.csv}
targets:
  cold: {label: Cold, score_below: -8}
milestones:
  - {name: spring, date: 2020-05-18}
  - {name: summer, date: 2020-07-13}
sampler: {seed: 3, draws: 150, tune: 250, chains: 2, paths_per_draw: 4}
"""
AS_OF = date(2020, 4, 19)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, quiet_draws):
    """A config and 130 weeks of scores from the model itself; 120 of them known on the day."""
    place = tmp_path_factory.mktemp("scores")
    (place / "case.yaml").write_text(CONFIG, encoding="utf-8")
    seedling = ScoreSeries(START, ("a_to_b", "b_to_a"), np.ones((4, 2)), np.ones((4, 2), dtype=int))
    draws = quiet_draws(1, 60, 2, activity_weekly_acts=2.0, tone_mean=-0.3, tone_swing=0.5, noise_scale=1.0)
    score = simulate_scores(seedling, draws, N_WEEKS + 10, 1, seed=5).score[0, 0]
    with (place / "scores.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["week", "initiator", "target", "score", "acts"])
        for week, (forth, back) in enumerate(score):
            day = START + timedelta(weeks=week)
            writer.writerow([day, "USA", "CHN", f"{forth:.4f}", 2])
            writer.writerow([day, "CHN", "USA", f"{back:.4f}", 2])
    return place


def command(monkeypatch, capsys, *arguments):
    from forecast.cli import main

    monkeypatch.setattr(sys, "argv", ["forecast", "scores", *map(str, arguments)])
    try:
        main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    return code, *capsys.readouterr()


def test_a_run_leaves_a_whole_folder_that_keeps_the_contract(folder, monkeypatch, capsys):
    out = folder / "reports"
    # So few draws fail a gate, and the second try is as long as the first here.
    monkeypatch.setattr(import_module("forecast.inference.fit"), "RERUN_TUNE", 100)
    arguments = ("run", folder / "case.yaml", "--out", out, "--allow-unconverged", "--json")
    code, printed, _ = command(monkeypatch, capsys, *arguments)
    assert code == 0
    run = out / "simulated/2020-04-19"
    forecast = Forecast.model_validate_json((run / "forecast.json").read_bytes())
    assert json.loads(printed) == json.loads((run / "forecast.json").read_bytes())
    assert forecast.model == "weekly-scores"
    spring, summer = forecast.target("cold").milestones
    assert 0 <= spring.probability <= summer.probability <= 1
    assert spring.interval90[0] <= spring.probability <= spring.interval90[1]
    assert summer.mcse > 0
    analysis = ScoreAnalysis.model_validate_json((run / "scores.json").read_bytes())
    assert (analysis.weeks, analysis.last_week) == (N_WEEKS, AS_OF - timedelta(days=6))
    assert {one.direction for one in analysis.ahead} == {"a_to_b", "b_to_a", "both"}
    assert analysis.ahead[0].weeks[0].week == AS_OF + timedelta(days=1)
    assert all(week.q05 <= week.q50 <= week.q95 for way in analysis.ahead for week in way.weeks)
    assert read_posterior(run / "posterior.nc").n_draws == 300
    assert load_score_config(run / "config.resolved.yaml").scores_path.resolve() == folder / "scores.csv"
    manifest = json.loads((run / "manifest.json").read_bytes())
    assert set(manifest["outputs_sha256"]) == {
        "forecast.json",
        "scores.json",
        "scores.csv",
        "config.resolved.yaml",
        "posterior.nc",
    }
    # The same run again is refused, and nothing known later was read.
    code, _, err = command(monkeypatch, capsys, *arguments)
    assert code == 2
    assert "--force" in err
    assert (run / "scores.csv").read_text().count("\n") == 2 * N_WEEKS + 1


def forecasts_from(path, origin: str) -> list[dict[str, str]]:
    rows = csv.DictReader(path.read_text().splitlines())
    return [row for row in rows if row["origin"] == origin]


@pytest.mark.slow
def test_a_backtest_sees_only_the_past_and_scores_beside_baselines(folder, monkeypatch, capsys):
    arguments = (
        "--every", 8, "--from", "2020-02-01", "--horizons", "1,4", "--json", "--set", "sampler.draws=50",
        "--set", "sampler.tune=150",
    )  # fmt: skip
    out = ("--out", folder / "backtests")
    code, printed, _ = command(monkeypatch, capsys, "backtest", folder / "case.yaml", *arguments, *out)
    assert code == 0
    summary = json.loads(printed)
    assert (summary["n_origins"], summary["first_origin"]) == (2, "2020-02-03")
    names = {row["model"] for row in summary["weeks"]}
    assert names == {"model", "climatology", "last year", "random walk", "autoregression"}
    place = folder / "backtests/simulated/score-backtest"
    first = forecasts_from(place / "weeks.csv", "2020-02-03")
    # Everything from the first origin on is poisoned: its forecasts stay the same, only outcomes change.
    poisoned = folder / "poisoned"
    poisoned.mkdir()
    (poisoned / "case.yaml").write_text(CONFIG, encoding="utf-8")
    rows = list(csv.reader((folder / "scores.csv").read_text().splitlines()))
    late = [[*row[:3], "77", "9"] if row[0] >= "2020-02-03" else row for row in rows[1:]]
    with (poisoned / "scores.csv").open("w", newline="") as file:
        csv.writer(file).writerows([rows[0], *late])
    code, _, _ = command(
        monkeypatch, capsys, "backtest", poisoned / "case.yaml", *arguments, "--out", poisoned
    )
    assert code == 0
    same = forecasts_from(poisoned / "simulated/score-backtest/weeks.csv", "2020-02-03")
    for name in ("model", "lower90", "median", "upper90"):
        assert [row[name] for row in first] == [row[name] for row in same]
    assert [row["outcome"] for row in first] != [row["outcome"] for row in same]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("backtest", "case.yaml", "--horizons", "1,x"), "give whole numbers of weeks"),
        (("backtest", "case.yaml", "--from", "2030-01-01"), "no origin lies between"),
        (("check", "cse.yaml"), "case.yaml"),
        (("run", "case.yaml", "--as-of", "2018-06-01"), "21 weeks are known"),
        (("make", "bundled:us-china", "--dyad", "USA", "-o", "x.csv"), "give two actors"),
        (
            ("make", "bundled:us-china", "--dyad", "USA,CHN", "-o", "x.csv", "--scale", "wies"),
            "Allowed: cameo, weis, or a CSV file",
        ),
        (("make", "bundled:us-china", "--dyad", "USA,JPN", "-o", "x.csv"), "no act between USA and JPN"),
    ],
)
def test_bad_input_is_one_clear_error(folder, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    code, out, err = command(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert sorted(folder.rglob("*")) == before


def test_scores_made_of_the_bundled_events_are_checked(folder, monkeypatch, capsys):
    made = folder / "made.csv"
    code, out, _ = command(
        monkeypatch, capsys, "make", "bundled:us-china", "--dyad", "USA,CHN", "-o", made, "--json"
    )
    assert code == 0
    assert json.loads(out)["events"] > 700
    code, out, _ = command(
        monkeypatch, capsys, "check", folder / "case.yaml", "--set", f"scores.source={made}", "--json"
    )
    assert code == 0
    found = json.loads(out)
    assert found["valid"]
    assert found["acts_known"]
    assert found["weeks"] == 172
