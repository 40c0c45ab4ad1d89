"""What cannot be backtested is refused before any work, with what is allowed."""

import json

import pytest

REFUSED = (
    "--horizons 0",
    "--horizons 30,30",
    "--horizons thirty",
    "--horizons ,",
    "--horizons 30,3000000",
    "--from 2020-06-01 --horizons 30,400",
    "--from 2020-12-20 --to 2021-01-01",
    "--from 2020-06-02 --to 2020-06-20",
    "--from 2016-06-01",
    "--origins daily",
    "--origins monthy",
    "--origins 2020-01-01,2020-01-01",
    "--origins ,",
    "--origins 2020-01-01 --from 2019-01-01",
    "--models model,combind",
    "--models climatology",
    "--models ,",
    "--resume",
    "--cluster tcp://127.0.0.1:1 --jobs 2",
)


def test_bad_options_are_refused_before_any_work(
    config_file, forecast, tmp_path, drawn_units, refusals, snapshot
):
    assert refusals(("backtest", config_file, "--out", tmp_path / "runs"), REFUSED) == snapshot
    assert not drawn_units
    assert not (tmp_path / "runs").exists()


def test_a_backtest_that_is_there_is_replaced_only_when_told(config_file, forecast, tmp_path, drawn_units):
    command = ("backtest", config_file, "--out", tmp_path, "--origins", "2020-01-01,2020-02-01")
    assert forecast(*command).code == 0
    again = forecast(*command)
    assert again.code == 2
    assert "there is a backtest already. Use --force to replace it" in again.err
    assert forecast(*command, "--force").code == 0


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("backtest", "is no folder that 'forecast' wrote, so no backtest takes its place"),
        ("backtest.partial", "is in the way, and holds no rows.jsonl"),
    ],
)
def test_a_folder_that_is_no_backtest_is_left_alone(
    config_file, forecast, tmp_path, drawn_units, place, says
):
    thesis = tmp_path / "small" / place / "thesis.txt"
    thesis.parent.mkdir(parents=True)
    thesis.write_text("years of work")
    ended = forecast("backtest", config_file, "--out", tmp_path, "--force")
    assert ended.code == 2
    assert says in ended.err
    assert thesis.is_file()


def test_few_outcomes_are_scored_with_a_warning_and_no_claim(config_file, forecast, tmp_path, drawn_units):
    command = ("backtest", config_file, "--out", tmp_path, "--from", "2020-01-01", "--horizons", "30")
    shown = forecast(*command)
    assert "Fewer than 20 windows with, or without, the target" in " ".join(shown.out.split())
    content = json.loads((tmp_path / "small/backtest/scores.json").read_text())
    assert {cell["skill"]["claim"] for cell in content["cells"] if cell["skill"]} == {"none"}
    assert all(cell["brier_se"] > 0 for cell in content["cells"])
    assert any("no skill is claimed" in warning for warning in content["warnings"])


def test_data_that_end_long_before_the_as_of_date_are_remarked(config_file, forecast, tmp_path, drawn_units):
    later = ("--as-of", "2024-07-10", "--set", "milestones.spring.date=2024-10-01")
    ended = forecast("backtest", config_file, "--out", tmp_path, *later, "--json")
    (note,) = [text for text in json.loads(ended.out)["warnings"] if "count as quiet" in text]
    assert note.startswith("The last event is 366 days before the end of the data, 10 July 2024")
