"""Forecasts at past as-of dates: what was known then, marked as hindcasts, never made twice."""

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecast.config import load_config
from forecast.errors import InputError
from forecast.ledger.recording import questions_of
from forecast.ledger.scoring import history_of, summarise_ledger
from forecast.ledger.store import open_ledger
from forecast.progress import StageProgress
from forecast.records.notices import thin_record
from forecast.runs.inputs import read_inputs
from forecast.workflows.forecast import put_on_record
from forecast.workflows.hindcast import hindcast

CONFIG = load_config(Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml")
DAYS = [date(2021, 1, 1), date(2021, 4, 1)]


@pytest.fixture
def fitted(monkeypatch, made_forecast):
    """As-of dates that were forecast, in order; nothing is sampled."""
    days = []

    def forecast(events, config, listen, *, drivers):
        days.append(config.as_of)
        listen(StageProgress("sample", 1, 2))
        lengths = [(milestone.date - config.as_of).days - 1 for milestone in config.milestones]
        probabilities = {name: dict.fromkeys(lengths, 0.2) for name in config.targets}
        made = made_forecast(config.as_of, probabilities, name=config.name, converged=config.as_of != DAYS[1])
        return SimpleNamespace(inputs=read_inputs(config), forecast=made)

    monkeypatch.setattr("forecast.workflows.hindcast.fit", forecast)
    return days


def asked_as_of(day):
    return questions_of(CONFIG.model_copy(update={"as_of": day}))


def test_every_target_and_window_is_on_record_as_a_hindcast_and_no_day_is_fitted_twice(
    case, fitted, us_china
):
    done = hindcast(CONFIG, DAYS[:1], [90, 180], case.path)
    assert (done.added, done.skipped, done.unconverged) == (8, 0, ())
    done = hindcast(CONFIG, DAYS, [90, 180], case.path)
    assert (done.added, done.skipped, done.unconverged) == (8, 1, (DAYS[1],))
    assert fitted == DAYS
    entries = list(open_ledger(case.path).forecasts)
    assert {one.question.horizon_days for one in entries} == {90, 180}
    assert all(one.hindcast and one.run_folder is None for one in entries)
    known = {day: us_china.known_by(day).sha256 for day in DAYS}
    assert {one.question.as_of: one.data_sha256 for one in entries} == known


def test_the_bundled_data_resolve_them(case, fitted, us_china):
    summer = date(2022, 7, 1)
    hindcast(CONFIG, [DAYS[0], summer], [90, 180], case.path)
    done = case.resolve(us_china)
    assert len(done.found["new"]) == 16
    asked = {one.question.id: one for one in open_ledger(case.path).forecasts}
    hits = [(asked[one.question_id], one.decided_on) for one in done.found["new"] if one.outcome]
    # The first half of 2021 held none; in August 2022 the Speaker's visit was answered by drills.
    assert {one.question.as_of for one, _ in hits} == {summer}
    assert sorted((one.target, one.question.horizon_days, day) for one, day in hits) == [
        ("major_escalation", 90, date(2022, 8, 2)),
        ("major_escalation", 180, date(2022, 8, 2)),
        ("taiwan_drills", 90, date(2022, 8, 4)),
        ("taiwan_drills", 180, date(2022, 8, 4)),
    ]


def test_hindcasts_of_the_own_milestones_are_the_history_of_the_numbers(case, fitted):
    hindcast(CONFIG, DAYS[:1], None, case.path)
    (entry, *_) = open_ledger(case.path).forecasts
    assert {one.question.milestone for one in open_ledger(case.path).forecasts} == {
        one.date for one in CONFIG.milestones
    }
    assert entry.hindcast
    asked = asked_as_of(CONFIG.as_of)
    history = summarise_ledger(open_ledger(case.path), CONFIG.dyad.rule.sides, asked).history
    assert {(one.target, one.milestone) for one in history} == {
        (target, one.name) for target in CONFIG.targets for one in CONFIG.milestones
    }
    assert {one.as_of for one in history} == {DAYS[0]}
    assert all(one.hindcast for one in history)


def test_other_questions_later_days_and_failed_runs_are_no_history(case, fitted):
    hindcast(CONFIG, DAYS[:1], [90], case.path)
    assert history_of(open_ledger(case.path), asked_as_of(CONFIG.as_of)) == ()
    hindcast(CONFIG, DAYS[1:], None, case.path)  # did not converge
    assert history_of(open_ledger(case.path), asked_as_of(CONFIG.as_of)) == ()
    hindcast(CONFIG, DAYS[:1], None, case.path)
    assert history_of(open_ledger(case.path), asked_as_of(DAYS[0])) == ()
    assert history_of(open_ledger(case.path), asked_as_of(CONFIG.as_of))


def test_days_of_too_little_record_are_told_and_neither_fitted_nor_recorded(case, fitted):
    first = date.fromisoformat(str(read_inputs(CONFIG).data.grid.start))
    done = hindcast(CONFIG, [first + timedelta(days=200), DAYS[0]], [90], case.path)
    assert (done.skipped, done.too_little) == (0, (first + timedelta(days=200),))
    assert fitted == DAYS[:1]
    assert {one.question.as_of for one in open_ledger(case.path).forecasts} == {DAYS[0]}


def test_a_run_on_too_little_record_is_not_put_on_record(case, made_forecast):
    made = made_forecast(DAYS[0], {"crisis": {30: 0.99}})
    made = made.model_copy(update={"cautions": tuple(thin_record(3, 23))})
    assert put_on_record(SimpleNamespace(forecast=made), case.path, None) == 0
    assert not case.path.exists()


@pytest.mark.parametrize("day", [4, 5])
def test_a_day_that_leaves_none_before_a_milestone_asks_nothing(case, day):
    with pytest.raises(
        InputError, match=f"no day lies between 2024-11-0{day} and the last milestone, 2024-11-05"
    ):
        hindcast(CONFIG, [date(2024, 11, day)], None, case.path)
