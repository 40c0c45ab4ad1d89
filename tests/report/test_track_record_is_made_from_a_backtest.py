"""A backtest → the record of one model: same numbers as the score table, worst misses, nothing undefined."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.baselines import BASELINES
from forecast.errors import InputError
from forecast.evaluation.score_table import score_forecasts
from forecast.evaluation.track_record import count_episodes
from forecast.records.analysis import TrackRecord
from tests.report.conftest import record_of


def test_the_record_holds_the_numbers_of_the_score_table(backtest):
    assert len(backtest.record.rows) == 6
    for row in backtest.record.rows:
        cell = backtest.table.cells[row.target, row.horizon_days, "model"]
        skill = backtest.table.skill(cell)
        claim = skill.claim if row.episodes >= 3 else "none"
        assert (row.n, row.base_rate, row.claim) == (cell.n, cell.base_rate, claim)
        assert row.n_hits == round(cell.n * cell.base_rate)
        for shown, estimate in ((row.brier, cell.brier), (row.log, cell.log), (row.skill, skill.brier)):
            if shown is None:
                assert row.n_hits == 0
            elif np.isfinite(estimate.value):
                assert (shown.value, shown.se) == (estimate.value, estimate.se)
        assert tuple(scores.name for scores in row.baselines) == BASELINES
        for scores in row.baselines:
            theirs = backtest.table.cells[row.target, row.horizon_days, scores.name]
            assert scores.brier == pytest.approx(theirs.brier.value, abs=1e-15)
            assert scores.log == pytest.approx(theirs.log.value, abs=1e-15)


@pytest.mark.parametrize(
    ("horizon", "cases", "episodes"),
    [
        (30, [], 0),
        # Four windows of 100 days meet the drills of day 90 first, whatever follows.
        (100, [90], 1),
        (100, [90, 95], 1),
        (20, [25, 35], 1),
        (20, [25, 65], 2),
        (20, [19, 39, 71], 2),
        # No window reaches it.
        (10, [15], 0),
    ],
)
def test_an_episode_is_a_case_that_windows_met_first_however_many_they_are(horizon, cases, episodes):
    day = date(2020, 1, 1)
    origins = [day + timedelta(days=days) for days in (0, 20, 40, 60)]
    assert count_episodes(origins, horizon, [day + timedelta(days=one) for one in cases]) == episodes


def test_the_gap_is_measured_against_the_baseline_of_lowest_brier_score(backtest):
    for row in backtest.record.rows:
        assert row.best_baseline.brier == min(scores.brier for scores in row.baselines)
        assert row.gap.value == pytest.approx(row.brier.value - row.best_baseline.brier, abs=1e-12)
        assert row.gap.interval90[0] < row.gap.value < row.gap.interval90[1]


def test_reliability_bins_hold_every_forecast_of_ours_and_of_climatology(backtest):
    ours, climatology = backtest.record.reliability
    assert (ours.model, climatology.model) == ("model", "climatology")
    for curve in (ours, climatology):
        rows = backtest.forecasts.select(who=curve.model)
        assert sum(one.number for one in curve.bins) == len(rows)
        hits = sum(one.number * one.observed_share for one in curve.bins)
        assert hits == pytest.approx(rows.outcome.sum())


def test_the_record_survives_json_also_where_errors_are_not_defined(backtest):
    few = backtest.forecasts.select(target="lethal_clash")
    few = few.take(np.flatnonzero(few.origin < np.datetime64("2019-02-01")))
    record = record_of(few, score_forecasts(few, seed=1), "model", backtest.cases)
    assert record.rows[0].brier.se is None
    assert record.calibration_slope is None
    for one in (record, backtest.record):
        assert TrackRecord.model_validate_json(one.model_dump_json(by_alias=True)) == one


def test_a_model_that_was_not_tested_is_refused_and_the_tested_are_named(backtest):
    with pytest.raises(InputError, match=r"no forecast of 'panel' \(it holds model, combined, climatology"):
        record_of(backtest.forecasts, backtest.table, "panel", backtest.cases)
