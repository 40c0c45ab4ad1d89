"""Figures of a backtest against its table: same scores, same areas, same bytes."""

import matplotlib as mpl
import numpy as np
import pytest

from forecast.report.charts import (
    draw_reliability,
    draw_roc,
    draw_score_over_time,
    roc_points,
    write_backtest_figures,
)


def by_gid(figure):
    return {artist.get_gid(): artist for artist in figure.findobj() if artist.get_gid()}


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def test_the_last_value_of_the_score_over_time_is_the_difference_in_the_table(backtest):
    drawn = by_gid(draw_score_over_time(backtest.forecasts))
    assert len(drawn) == 6 * 6
    for name, line in drawn.items():
        _, target, horizon, model = name.split(":")
        ours = backtest.table.cell(target, int(horizon), model)
        theirs = backtest.table.cell(target, int(horizon), "climatology")
        assert line.get_ydata()[-1] / ours.n == pytest.approx(ours.brier.value - theirs.brier.value)
        assert len(line.get_xdata()) == ours.n


def test_the_area_under_each_roc_line_is_the_auc_of_the_table(backtest):
    drawn = by_gid(draw_roc(backtest.forecasts, backtest.table))
    # No outcome of a lethal clash: nothing to draw there.
    assert len(drawn) == 4 * 7
    for name, line in drawn.items():
        _, target, horizon, model = name.split(":")
        area = np.trapezoid(line.get_ydata(), line.get_xdata())
        assert area == pytest.approx(backtest.table.cell(target, int(horizon), model).auc)


def test_the_roc_prints_the_areas_of_our_models_and_says_where_there_is_none(backtest):
    texts = [text.replace("\n", " ") for text in texts_of(draw_roc(backtest.forecasts, backtest.table))]
    for target in ("major_escalation", "military_confrontation"):
        for days in (30, 90):
            own, other = (backtest.table.cell(target, days, model).auc for model in ("model", "combined"))
            assert f"area: model {own:.2f}, combination {other:.2f}" in texts
    assert texts.count("all outcomes are of one kind") == 2


def test_a_perfect_forecast_rises_before_it_runs_and_ties_are_one_step():
    outcome = np.array([1, 1, 0, 0], dtype=np.int8)
    false_alarms, found = roc_points(np.array([0.9, 0.8, 0.2, 0.1]), outcome)
    assert found.tolist() == [0, 0.5, 1, 1, 1]
    assert false_alarms.tolist() == [0, 0, 0, 0.5, 1]
    assert [points.tolist() for points in roc_points(np.full(4, 0.3), outcome)] == [[0, 1], [0, 1]]


def test_reliability_dots_and_bands_are_those_of_the_record(backtest):
    drawn = by_gid(draw_reliability(backtest.record.reliability))
    for curve in backtest.record.reliability:
        dots = drawn[f"reliability:{curve.model}"].get_offsets()
        assert dots.tolist() == [[one.forecast_mean, one.observed_share] for one in curve.bins]
        bands = [segment[:, 1].tolist() for segment in drawn[f"band:{curve.model}"].get_segments()]
        assert bands == [[one.lower90, one.upper90] for one in curve.bins]


def test_three_files_are_written_with_the_same_bytes_each_time(backtest, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    some = backtest.forecasts.select(target="major_escalation", horizon_days=30)
    first = write_backtest_figures(some, backtest.table, tmp_path / "a")
    second = write_backtest_figures(some, backtest.table, tmp_path / "b")
    assert [path.name for path in first] == ["reliability.svg", "score-over-time.svg", "roc.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert all(b"<svg" in path.read_bytes() for path in first)
