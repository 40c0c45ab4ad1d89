"""A run measures how far its call rests on assumptions; ``forecast sensitivity`` shows and extends it."""

from pathlib import Path

import pytest

from forecast.config import load_config
from forecast.records.analysis import Analysis, Robustness
from forecast.records.forecast import Forecast
from forecast.sensitivity.labels import SENSITIVE
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


def test_the_tornado_is_of_the_headline(forecast_record, robustness):
    assert (robustness.target, robustness.milestone) == ("military_confrontation", "party-congress")
    chance = {one.name: one for one in forecast_record.target(robustness.target).milestones}["party-congress"]
    for bar in robustness.tornado:
        for end in (bar.lower, bar.upper):
            if end.probability is not None and 0 < end.probability < 1:
                assert end.probability - end.change == pytest.approx(chance.probability, abs=1e-9)
    assert any(bar.name == "calendar.0" for bar in robustness.tornado)
    widths = [max(abs(bar.lower.change or 0), abs(bar.upper.change or 0)) for bar in robustness.tornado]
    assert widths == sorted(widths, reverse=True)


def test_the_command_prints_labels_and_assumptions(command, run_folder):
    ended = command("sensitivity", run_folder)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    for text in ("What each probability rests on", "Rests on assumptions", "one step down"):
        assert text in ended.out
    assert "  Persistence of tension" in ended.out


def test_another_question_is_measured_from_the_saved_draws(command, run_folder, robustness):
    ended = command(
        "sensitivity",
        run_folder,
        *("--target", "major_escalation", "--milestone", "spring", "--json"),
    )
    found = Robustness.model_validate_json(ended.out)
    assert (found.target, found.milestone) == ("major_escalation", "spring")
    assert found.sensitivities == robustness.sensitivities


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--threshold", "60%"], "'sensitivity --threshold' ended with 0.4: use reconcile"),
        (
            ["--target", "lethal_crash"],
            "--target: the run has no 'lethal_crash'. Did you mean 'lethal_clash'?",
        ),
        (["--milestone", "autumn"], "--milestone: the run has no 'autumn'."),
    ],
)
def test_what_cannot_be_asked_is_refused(command, run_folder, arguments, says):
    ended = command("sensitivity", run_folder, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
