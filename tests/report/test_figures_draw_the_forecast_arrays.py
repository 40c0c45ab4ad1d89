"""Figures against the records: same arrays, same order, readable at any size of run."""

from datetime import date, timedelta

import matplotlib as mpl
import numpy as np
import pytest

from forecast.phrases.chances import cases_marked
from forecast.records.analysis import PastForecast
from forecast.report.charts import (
    day_numbers,
    draw_course,
    draw_reliability,
    draw_tension,
    figure_bytes,
    spread_labels,
)
from tests.report.conftest import AS_OF, SIX, altered, make_forecast, summer


def by_gid(axes):
    return {artist.get_gid(): artist for artist in axes.findobj() if artist.get_gid()}


def test_history_and_outlook_meet_on_one_time_axis(forecast):
    target, milestone = forecast.headline_target, forecast.headline_milestone
    asked = {"target": target.name, "milestone": milestone.name, "hindcast": True}
    past = tuple(
        PastForecast(as_of=AS_OF - timedelta(days=days), probability=p, interval90=(p / 2, 2 * p), **asked)
        for days, p in ((400, 0.3), (90, 0.4))
    )
    (axes,) = draw_course(forecast, past).axes
    drawn = by_gid(axes)
    history = drawn["history"]
    np.testing.assert_allclose(history.get_ydata(), [0.3, 0.4, milestone.probability])
    now = (forecast.as_of - date(1970, 1, 1)).days
    np.testing.assert_array_equal(history.get_xdata(), [now - 400, now - 90, now])
    np.testing.assert_array_equal(drawn[f"curve:{target.name}"].get_ydata(), target.chances.mean)
    cases = [one.date for one in target.cases if one.date >= past[0].as_of]
    assert len(drawn["cases"].get_xdata()) == len(cases) == 3
    assert "history" not in by_gid(draw_course(forecast, ()).axes[0])


def test_the_headline_has_its_curve_its_range_and_a_dot_at_each_milestone(forecast):
    (axes,) = draw_course(forecast, ()).axes
    drawn, chief = by_gid(axes), forecast.headline_target
    line = drawn[f"curve:{chief.name}"]
    np.testing.assert_array_equal(line.get_xdata(), day_numbers(chief.chances.day))
    np.testing.assert_array_equal(line.get_ydata(), chief.chances.mean)
    edges = drawn[f"band:{chief.name}"].get_paths()[0].vertices[:, 1]
    assert set(chief.chances.low) | set(chief.chances.high) <= set(edges.tolist())
    dots = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() == "o"
    }
    assert dots == {(day_numbers((one.date,))[0], one.probability) for one in chief.milestones}


@pytest.mark.parametrize("number", [3, 6, 12])
def test_no_number_of_the_course_stands_on_its_curve_or_on_another(number):
    figure = draw_course(make_forecast(targets=SIX, milestones=summer(number)), ())
    figure.draw_without_rendering()
    (axes,) = figure.axes
    numbers = [one for one in axes.texts if one.get_text().endswith("%")]
    assert len(numbers) == min(number, 5)
    (curve,) = (line for line in axes.lines if (line.get_gid() or "").startswith("curve:"))
    path = curve.get_transform().transform_path(curve.get_path())
    for one in numbers:
        box = one.get_window_extent().padded(0, -1.5)
        assert not path.intersects_bbox(box, filled=False), one.get_text()
        assert (
            box.count_overlaps([other.get_window_extent() for other in axes.texts if other is not one]) == 0
        )


def test_tension_is_drawn_from_its_arrays_and_a_record_of_one_day_without_a_warning(forecast, analysis):
    tension = analysis.tension
    (upper,) = draw_tension(tension, forecast).axes
    drawn = by_gid(upper)
    np.testing.assert_array_equal(drawn["curve:tension"].get_ydata(), tension.mean)
    assert len(drawn["cases"].get_xdata()) == len(forecast.headline_target.cases)
    last = {name: getattr(tension, name)[-1:] for name in ("mean", "lower90", "upper90")}
    (upper,) = draw_tension(altered(tension, **last, date=(AS_OF,)), forecast).axes
    left, right = upper.get_xlim()
    assert right - left >= 7


def test_the_same_figure_gives_the_same_svg_and_leaves_matplotlib_as_it_was(forecast):
    before = dict(mpl.rcParams)
    assert figure_bytes(draw_course(forecast, ()), "svg") == figure_bytes(draw_course(forecast, ()), "svg")
    assert dict(mpl.rcParams) == before


def test_labels_are_spread_in_order_and_stay_inside():
    moved = spread_labels([0.5, 0.51, 0.0, 0.99, 0.52], 0.1, 0.05, 0.95)
    assert sorted(range(5), key=lambda k: moved[k]) == [2, 0, 1, 4, 3]
    ordered = sorted(moved)
    assert min(np.diff(ordered)) >= 0.1 - 1e-12
    assert ordered[0] >= 0.05
    assert ordered[-1] <= 0.95
    assert spread_labels([], 0.1, 0, 1) == []
    assert max(spread_labels([0.5] * 50, 0.1, 0, 1)) <= 1 + 1e-9


def test_a_chart_says_how_many_past_cases_it_marks_where_it_lacks_some(forecast):
    target = forecast.headline_target
    start = date(2017, 1, 1)
    assert cases_marked(target, start) == "past cases"
    many = altered(target, observed_before=18)
    assert cases_marked(many, start) == f"the last {len(target.cases)} of 18 past cases"
    # A chart that begins after the first case that is kept lacks none.
    assert cases_marked(many, target.cases[0].date + timedelta(days=1)) == "past cases"


def test_reliability_dots_and_bands_are_those_of_the_record(backtest):
    drawn = by_gid(draw_reliability(backtest.record.reliability))
    for curve in backtest.record.reliability:
        dots = drawn[f"reliability:{curve.model}"].get_offsets()
        assert dots.tolist() == [[one.forecast_mean, one.observed_share] for one in curve.bins]
        bands = [segment[:, 1].tolist() for segment in drawn[f"band:{curve.model}"].get_segments()]
        assert bands == [[one.lower90, one.upper90] for one in curve.bins]
