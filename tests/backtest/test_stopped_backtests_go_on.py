"""A backtest that was stopped keeps its finished units, and ends as if it had not been."""

import json
import signal
from datetime import date

import pytest

from forecast.cli.terminal import EndedBySignalError
from forecast.config import load_config
from forecast.errors import InputError, UnfinishedError
from forecast.evaluation import past_forecasts as units
from forecast.evaluation.past_forecasts import BacktestOptions
from forecast.evaluation.study import FILE, KeptRows, content_hash, partial_place
from forecast.workflows.backtest_folder import run_backtest

SAME_BYTES = ("forecasts.csv", "origins.csv", "plan.json", "scores.json")
OPTIONS = BacktestOptions(first=date(2020, 1, 1), origins="weekly", horizons=(30, 90), exact=True)
"""49 origins in three units: of 20, 20 and 9."""
COMMAND = ("--origins", "weekly", "--from", "2020-01-01", "--horizons", "30,90", "--exact")


@pytest.fixture
def config(config_file):
    return load_config(config_file)


class Stopped(Exception):
    """Stands for a crash of the whole program."""


def stop_after(number):
    """Make a listener that ends the program after so many origins."""
    told = []

    def listen(progress):
        told.append(progress)
        if len(told) > number:
            raise Stopped

    return listen


def kept_rows(place):
    return [json.loads(line)["row"] for line in (partial_place(place) / FILE).read_text().splitlines()]


def content(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_stopped_backtest_goes_on_to_the_same_bytes_and_repeats_no_finished_unit(
    config, config_file, tmp_path, drawn_units
):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_backtest(config, OPTIONS, folder=whole)
    assert set(SAME_BYTES) < set(content(whole))
    drawn_units.clear()
    with pytest.raises(Stopped):
        run_backtest(config, OPTIONS, folder=broken, listen=stop_after(40))
    assert 0 < len(KeptRows(partial_place(broken))) < 3
    finished = [row["unit"] for row in kept_rows(broken)]
    assert not broken.exists()
    # Rows of other settings lie beside them, and are not read.
    other = load_config(config_file, ["sampler.draws=30"])
    with pytest.raises(Stopped):
        run_backtest(other, OPTIONS, folder=broken, listen=stop_after(40))
    done = run_backtest(config, OPTIONS, folder=broken)
    assert len(done.results) == 3
    # Once for these settings, once for the others.
    assert all(drawn_units[name] == 2 for name in finished)
    assert content(broken) == content(whole)
    assert not partial_place(broken).exists()


def no_number(line):
    kept = json.loads(line)
    kept["row"]["forecasts"][0]["probability"][0][0] = 7.5
    return json.dumps(kept)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (no_number, r"the row of small-0000-0019 is damaged \(a probability is missing, or not between"),
        (lambda line: line[:100], "is no row .* Delete the line, and try again"),
    ],
)
def test_a_damaged_row_is_named(config, tmp_path, drawn_units, damage, says):
    place = tmp_path / "broken"
    with pytest.raises(Stopped):
        run_backtest(config, OPTIONS, folder=place, listen=stop_after(40))
    file = partial_place(place) / FILE
    first, *others = file.read_text().splitlines()
    file.write_text("\n".join([damage(first), *others]) + "\n")
    with pytest.raises(InputError, match=rf"{FILE}:1: {says}"):
        run_backtest(config, OPTIONS, folder=place)


def test_a_failed_unit_leaves_the_scores_of_the_others_and_can_be_tried_again(
    config, config_file, forecast, tmp_path, drawn_units, monkeypatch
):
    good = units.run_unit

    def fail_once(plan, events, unit, listen=None):
        if unit.first == 20:
            raise FloatingPointError("a made-up failure")
        return good(plan, events, unit, listen)

    monkeypatch.setattr(units, "run_unit", fail_once)
    command = ("backtest", config_file, *COMMAND, "--out", tmp_path)
    ended = forecast(*command)
    assert ended.code == 1
    assert "1 of 3 parts failed" in ended.err
    assert "small-0020-0039: FloatingPointError: a made-up failure" in ended.err
    assert "Try again: the same command" in ended.err
    assert "Military" in ended.out
    assert not (tmp_path / "small/backtest").exists()
    monkeypatch.setattr(units, "run_unit", good)
    again = forecast(*command, "--json")
    assert again.code == 0
    assert json.loads(again.out)["failures"] == []
    assert (tmp_path / "small/backtest/scores.json").is_file()


def test_when_every_unit_fails_there_is_nothing_to_score(config, tmp_path, monkeypatch):
    def fail(plan, events, unit, listen=None):
        raise UnfinishedError("no memory")

    monkeypatch.setattr(units, "run_unit", fail)
    with pytest.raises(UnfinishedError, match=r"(?s)every unit failed.*0019: no memory.*Try again"):
        run_backtest(config, OPTIONS, folder=tmp_path / "broken")


@pytest.mark.parametrize(
    ("stop", "code"), [(KeyboardInterrupt(), 130), (EndedBySignalError(signal.SIGTERM), 143)]
)
def test_ctrl_c_says_what_is_kept_and_how_to_go_on(
    config_file, forecast, tmp_path, drawn_units, monkeypatch, stop, code
):
    good, seen = units.run_unit, []

    def interrupted(plan, events, unit, listen=None):
        seen.append(unit)
        if len(seen) == 3:
            raise stop
        return good(plan, events, unit, listen)

    monkeypatch.setattr(units, "run_unit", interrupted)
    ended = forecast("backtest", config_file, *COMMAND, "--out", tmp_path)
    partial = tmp_path / "small/backtest.partial"
    assert ended.code == code
    assert ended.err == (
        f"forecast: interrupted; 2 of 3 parts are finished and kept in {partial}. Go on with the same "
        "command.\n"
    )
    assert len(KeptRows(partial)) == 2


def test_numbers_depend_on_code_and_data_of_the_package_not_on_its_commands(tmp_path):
    for place in ("priors/catalogue.yaml", "models/density.py", "cli/run.py", "priors/__pycache__/a.pyc"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("then")
    before = content_hash(tmp_path)
    for place, changes in (
        ("priors/catalogue.yaml", True),
        ("models/density.py", True),
        ("cli/run.py", False),
        ("priors/__pycache__/a.pyc", False),
    ):
        (tmp_path / place).write_text("now")
        assert (content_hash(tmp_path) != before) is changes
        (tmp_path / place).write_text("then")
