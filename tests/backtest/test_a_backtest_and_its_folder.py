"""A backtest and its folder: what is refused, how it goes on when stopped, what it writes and shows."""

import json
import re
import signal
from datetime import date

import numpy as np
import pytest

from forecast.baselines import BASELINES
from forecast.cli.terminal import EndedBySignalError, lines_of
from forecast.config import load_config
from forecast.config.schema import DEFAULT_FAMILY
from forecast.errors import InputError, UnfinishedError
from forecast.evaluation import past_forecasts as units
from forecast.evaluation.past_forecasts import MODELS, BacktestOptions
from forecast.evaluation.score_table import read_forecasts
from forecast.evaluation.study import FILE, KeptRows, content_hash, partial_place
from forecast.report.palette import name_model
from forecast.report.tables import score_table
from forecast.workflows.backtest_folder import run_backtest

SAME_BYTES = ("forecasts.csv", "plan.json", "scores.json")
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
    assert set(SAME_BYTES) == set(content(whole))
    drawn_units.clear()
    with pytest.raises(Stopped):
        run_backtest(config, OPTIONS, folder=broken, listen=stop_after(40))
    assert 0 < len(KeptRows(partial_place(broken)).by_key) < 3
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
    kept["row"]["probability"][0][0][0] = 7.5
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
    assert len(KeptRows(partial).by_key) == 2


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


ALL = (*MODELS, *BASELINES)


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
        made = result.probability[:, position, 0].tolist()
        assert table.select(target=target, horizon_days=30, who="model").chance.tolist() == made
        panel = table.select(target=target, horizon_days=30, who="pooled_hazard").chance
        mean = np.mean([made, panel], axis=0)
        combined = table.select(target=target, horizon_days=30, who="combined").chance
        np.testing.assert_allclose(combined, mean, rtol=1e-14)


def test_the_terminal_shows_the_scores_of_the_file_within_80_signs(whole_backtest):
    backtest, _ = whole_backtest
    lines = lines_of(backtest.blocks({"severe": "Severe escalation", "military": "Military"}))
    assert [line for line in lines if len(line) > 80] == []
    assert re.search(r"It happened in (none|all|[\d.]+%) of \d+ windows of 30 days", " ".join(lines))
    row = next(line for line in lines if line.split()[:2] == ["30", "Brier"])
    cells = [backtest.scores.cells["severe", 30, model] for model in ALL]
    assert row.replace("*", " ").split()[2:] == [
        f"{cell.brier.value:.3f}".removeprefix("0") for cell in cells
    ]
    text = " ".join(" ".join(lines).split())
    ours = name_model(DEFAULT_FAMILY)
    for row in backtest.rows:
        scores = f"(Brier {row.brier.value:.3f}, {name_model(row.best_baseline.name)} "
        says = {"baseline": f"is behind the {name_model(row.best_baseline.name)}", "model": "beats every"}
        said = f"{row.horizon_days} days: the {ours} {says.get(row.more_accurate, '')}"
        assert (said in text and scores in text) is (row.more_accurate is not None)
    # Made-up forecasts lose somewhere.
    assert "baseline" in {row.more_accurate for row in backtest.rows}
    assert "worse than that of the best baseline" in text


def test_the_lowest_value_of_a_row_is_marked_and_equals_are_marked_alike():
    rows = [
        (("30", "one"), {"model": 0.2, "pooled_hazard": 0.1}),
        (("30", "two"), {"model": 0.3001, "pooled_hazard": 0.3002}),
        (("30", "three"), {"model": 0.5}),
    ]
    lines = lines_of([score_table(("model", "pooled_hazard"), rows)])
    assert [line.split() for line in lines] == [
        ["Days", "Score", "model", "haz."],
        ["30", "one", ".200", ".100*"],
        ["30", "two", ".300*", ".300*"],
        ["30", "three", ".500*", "–"],
    ]


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
    "--cluster tcp://127.0.0.1:1 --jobs 2",
)


def test_bad_options_are_refused_before_any_work(
    config_file, forecast, tmp_path, drawn_units, refusals, snapshot
):
    assert refusals(("backtest", config_file, "--out", tmp_path / "runs"), REFUSED) == snapshot
    assert not drawn_units
    assert not (tmp_path / "runs").exists()


def test_bounds_beside_days_that_are_listed_are_refused_in_python_too():
    with pytest.raises(InputError, match="`first` and `last` bound quarterly, monthly or weekly origins"):
        BacktestOptions(origins=(date(2020, 1, 1),), first=date(2019, 1, 1))


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
    assert "Too few cases to claim skill (under 20 windows with or without the target" in " ".join(
        shown.out.split()
    )
    content = json.loads((tmp_path / "small/backtest/scores.json").read_text())
    assert {cell["skill"]["claim"] for cell in content["cells"] if cell["skill"]} == {"none"}
    assert all(cell["brier_se"] > 0 for cell in content["cells"])
    assert "few_outcomes" in {warning["code"] for warning in content["warnings"]}


def test_data_that_end_long_before_the_as_of_date_are_remarked(config_file, forecast, tmp_path, drawn_units):
    later = ("--as-of", "2024-07-10", "--set", "milestones.spring.date=2024-10-01")
    ended = forecast("backtest", config_file, "--out", tmp_path, *later, "--json")
    silent = {"code": "silent_end", "days": 366, "data_end": "2024-07-10"}
    assert silent in json.loads(ended.out)["warnings"]
