"""What cannot be backtested is refused before any work, with what is allowed."""

import json

import pytest

CASES = [
    (["--horizons", "0"], "horizons: 0 days is too short. Allowed: 1 day or more"),
    (["--horizons", "30,30"], "horizons: 30 days appears twice"),
    (["--horizons", "thirty"], "--horizons: 'thirty' is not a whole number of days. Expected e.g. 30,90,180"),
    (["--horizons", ""], "horizons: the list is empty"),
    (["--horizons", "30,3000000"], "--horizons: got 3000000 days; allowed: up to 3653, ten years"),
    (
        ["--from", "2020-06-01", "--horizons", "30,400"],
        "no window of 400 days is complete: the first origin is 2020-06-01 and the data end on 2021-01-01. "
        "Allowed: up to 215 days",
    ),
    (
        ["--from", "2020-12-20", "--to", "2021-01-01"],
        "no window is complete: the first origin is 2021-01-01, the shortest horizon 30 days and the data "
        "end on 2021-01-01. Allowed: an origin up to 2020-12-03",
    ),
    (["--from", "2020-06-02", "--to", "2020-06-20"], "no month begins between 2020-06-02 and 2020-06-20"),
    (["--from", "2016-06-01"], "the first is 2016-06-01, but the data begin on 2017-01-01"),
    (["--origins", "daily"], "--origins: 'daily' is not a day."),
    (["--origins", "monthy"], "--origins: 'monthy' is not a day. Did you mean 'monthly'?"),
    (["--origins", "2020-01-01,2020-01-01"], "origins: 2020-01-01 appears twice"),
    (["--origins", ""], "origins: the list is empty"),
    (["--origins", "2020-01-01", "--from", "2019-01-01"], "Leave them out when days are listed"),
    (
        ["--models", "model,combind"],
        "models: got 'combind'; allowed: model, panel, combined. Did you mean 'combined'?",
    ),
    (["--models", "climatology"], "models: 'climatology' is a baseline, and those are always shown"),
    (
        ["--models", ","],
        "models: the list is empty. Allowed: model, panel, combined",
    ),
    (["--resume", "--force"], "--force begins anew and --resume goes on: give one of them"),
    (["--cluster", "tcp://127.0.0.1:1", "--jobs", "2"], "--jobs: a scheduler has its own workers"),
]


@pytest.mark.parametrize(("options", "message"), CASES, ids=[" ".join(options) for options, _ in CASES])
def test_bad_options_are_refused_before_any_work(
    config_file, forecast, tmp_path, drawn_units, options, message
):
    ended = forecast("backtest", config_file, "--out", tmp_path / "runs", *options)
    assert ended.code == 2
    assert ended.err.startswith("forecast: ")
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert not drawn_units
    assert not (tmp_path / "runs").exists()


def test_a_backtest_that_is_there_is_replaced_only_when_told(config_file, forecast, tmp_path, drawn_units):
    command = ("backtest", config_file, "--out", tmp_path, "--origins", "2020-01-01,2020-02-01", "--quiet")
    assert forecast(*command).code == 0
    again = forecast(*command)
    assert again.code == 2
    assert "there is a backtest already. Use --force to replace it" in again.err
    assert forecast(*command, "--force").code == 0


def test_a_folder_that_is_no_backtest_is_never_replaced(config_file, forecast, tmp_path, drawn_units):
    (tmp_path / "small/backtest").mkdir(parents=True)
    (tmp_path / "small/backtest/thesis.txt").write_text("years of work")
    ended = forecast("backtest", config_file, "--out", tmp_path, "--force")
    assert ended.code == 2
    assert "is no folder that 'forecast' wrote, so no backtest takes its place" in ended.err
    assert (tmp_path / "small/backtest/thesis.txt").is_file()


def test_a_folder_in_the_place_of_the_units_is_left_alone(config_file, forecast, tmp_path, drawn_units):
    (tmp_path / "small/backtest.partial").mkdir(parents=True)
    (tmp_path / "small/backtest.partial/thesis.txt").write_text("years of work")
    ended = forecast("backtest", config_file, "--out", tmp_path, "--force")
    assert ended.code == 2
    assert "is in the way, and is no backtest" in ended.err
    assert (tmp_path / "small/backtest.partial/thesis.txt").is_file()


def test_few_outcomes_are_scored_with_a_warning_and_no_claim(config_file, forecast, tmp_path, drawn_units):
    command = ("backtest", config_file, "--out", tmp_path, "--from", "2020-01-01", "--horizons", "30")
    shown = forecast(*command)
    assert "Fewer than 20 windows with, or without, the target" in " ".join(shown.out.split())
    content = json.loads((tmp_path / "small/backtest/scores.json").read_text())
    assert {cell["skill"]["claim"] for cell in content["cells"] if cell["skill"]} == {"none"}
    assert all(cell["brier_se"] > 0 for cell in content["cells"])
    assert any("no skill is claimed" in warning for warning in content["warnings"])


def test_data_that_end_long_before_the_as_of_date_are_remarked(config_file, forecast, tmp_path, drawn_units):
    ended = forecast(
        "backtest",
        config_file,
        "--out",
        tmp_path,
        "--as-of",
        "2024-07-10",
        "--json",
        "--set",
        "milestones.spring.date=2024-10-01",
    )
    (note,) = [text for text in json.loads(ended.out)["warnings"] if "count as quiet" in text]
    assert note.startswith("The last event is 366 days before the end of the data, 10 July 2024")
