"""A run measures how far its call rests on assumptions; ``forecast sensitivity`` shows and extends it."""

from pathlib import Path

import pytest

from forecast.config import load_config
from forecast.records.analysis import Analysis, Robustness
from forecast.records.forecast import Forecast
from forecast.report.words import break_even_sentence
from forecast.runs.run import read_run
from forecast.sensitivity.labels import SENSITIVE
from forecast.sensitivity.robustness import RobustnessOptions, measure_robustness
from forecast.workflows.forecast import make_forecast

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def robustness(run_folder) -> Robustness:
    found = Analysis.model_validate_json((run_folder / "analysis.json").read_bytes()).robustness
    assert found is not None
    return found


@pytest.mark.slow
def test_the_base_rate_moves_what_was_never_observed_the_most():
    config = load_config(ROOT / "configs/us-china-2023.yaml", ["sampler.draws=600", "scenarios=[]"])
    found = make_forecast(config).analysis.robustness
    never = [one for one in found.sensitivities if one.target == "lethal_clash"]
    assert {one.groups[0].name for one in never} == {"baseline.weekly_rate"}
    assert all(one.groups[0].sensitivity > SENSITIVE for one in never)
    seen = [one for one in found.sensitivities if one.target == "major_escalation"]
    assert min(one.priors.sensitivity for one in never) > max(one.priors.sensitivity for one in seen)


@pytest.fixture(scope="module")
def forecast_record(run_folder) -> Forecast:
    return Forecast.model_validate_json((run_folder / "forecast.json").read_bytes())


def test_every_probability_has_a_label_in_the_contract(forecast_record, robustness):
    labels = {(one.target, one.milestone): one.rests_on for one in robustness.sensitivities}
    for target in forecast_record.targets:
        for milestone in target.milestones:
            assert milestone.rests_on == labels[target.name, milestone.name]
    assert len(labels) == sum(len(target.milestones) for target in forecast_record.targets)


def test_what_was_never_observed_rests_on_the_priors(forecast_record):
    target = forecast_record.target("lethal_clash")
    assert target.observed_before == 0
    assert {milestone.rests_on for milestone in target.milestones} == {"prior-driven"}


def test_tornado_and_break_evens_are_of_the_headline(forecast_record, robustness):
    assert (robustness.target, robustness.milestone) == ("military_confrontation", "party-congress")
    chance = {one.name: one for one in forecast_record.target(robustness.target).milestones}["party-congress"]
    for bar in robustness.tornado:
        for end in (bar.lower, bar.upper):
            if end.probability is not None and 0 < end.probability < 1:
                assert end.probability - end.change == pytest.approx(chance.probability, abs=1e-9)
    assert {one.milestone for one in robustness.break_evens} == {"spring", "party-congress", "new-year"}
    assert any(bar.name == "calendar.0" for bar in robustness.tornado)
    widths = [max(abs(bar.lower.change or 0), abs(bar.upper.change or 0)) for bar in robustness.tornado]
    assert widths == sorted(widths, reverse=True)


def test_a_crossing_is_told_with_its_error_and_a_missing_one_with_its_reason(robustness):
    for one in robustness.break_evens:
        low, high = one.reached
        assert 0 <= low <= high <= 1
        if one.outcome == "crosses":
            assert None not in (one.bound, one.steps, one.mcse, one.assumed, one.assumed_mcse, one.becomes)
            assert one.becomes in break_even_sentence(one)
        else:
            assert (one.bound, one.steps, one.mcse, one.assumed, one.becomes) == (None,) * 5


def test_the_command_prints_labels_assumptions_and_break_evens(command, run_folder):
    ended = command("sensitivity", run_folder)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    for text in (
        "What each probability rests on",
        "prior-driven",
        "one step down",
        "What would change the words",
    ):
        assert text in ended.out
    assert "  Persistence of tension" in ended.out


def test_another_question_and_a_threshold_are_measured_from_the_saved_draws(command, run_folder, robustness):
    ended = command(
        "sensitivity",
        run_folder,
        *("--target", "major_escalation", "--milestone", "spring", "--threshold", "45%", "--json"),
    )
    found = Robustness.model_validate_json(ended.out)
    assert (found.target, found.milestone, found.threshold) == ("major_escalation", "spring", 0.45)
    assert {one.kind for one in found.break_evens} <= {"word", "threshold"}
    assert found.sensitivities == robustness.sensitivities
    everything = measure_robustness(read_run(run_folder), RobustnessOptions(all_targets=True))
    assert {one.target for one in everything.break_evens} == {
        "major_escalation",
        "military_confrontation",
        "lethal_clash",
    }


def test_the_chart_is_drawn(command, run_folder, tmp_path):
    ended = command("sensitivity", run_folder, "--plot", tmp_path / "t.svg", "--quiet")
    assert (ended.code, ended.out) == (0, "")
    drawn = (tmp_path / "t.svg").read_text()
    assert 'id="bar:' in drawn


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--threshold", "1.2"], "--threshold: got '1.2'; expected a probability such as 40%"),
        (["--threshold", "much"], "--threshold: got 'much'"),
        (
            ["--target", "lethal_crash"],
            "--target: the run has no 'lethal_crash'. Did you mean 'lethal_clash'?",
        ),
        (["--milestone", "autumn"], "--milestone: the run has no 'autumn'."),
        (["--plot", "chart.txt"], "--plot: chart.txt ends in '.txt'"),
    ],
)
def test_what_cannot_be_asked_is_refused(command, run_folder, arguments, says):
    ended = command("sensitivity", run_folder, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
