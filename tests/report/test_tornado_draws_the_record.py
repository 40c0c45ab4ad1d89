"""The tornado chart draws the numbers of the record, and leaves out what is not known."""

import pytest

from forecast.records.analysis import Assumed, AssumptionEffect, Robustness, ShiftEnd
from forecast.report.sections.assumptions import MOST_BARS, draw_tornado, shown_bars


def weeks(value: float) -> Assumed:
    return Assumed(parameter=7 * value, value=value, scale="weeks")


def end(assumed: float, change: float | None) -> ShiftEnd:
    probability = None if change is None else 0.5 + change
    return ShiftEnd(
        assumed=weeks(assumed), probability=probability, change=change, mcse=None if change is None else 0.004
    )


def bar(name: str, low: float | None, high: float | None) -> AssumptionEffect:
    return AssumptionEffect(name=name, now=weeks(4), lower=end(2, low), upper=end(7, high))


@pytest.fixture
def forecast(factory):
    return factory.forecast()


@pytest.fixture
def robustness(forecast):
    bars = (
        bar("wide", -0.05, 0.07),
        bar("tension.persistence", 0.01, 0.03),
        bar("ballast.military_force", None, -0.02),
        bar("none", None, None),
    )
    return Robustness(
        target=forecast.headline.target,
        milestone=forecast.headline.milestone,
        threshold=None,
        sensitivities=(),
        tornado=bars,
        break_evens=(),
    )


def test_each_known_end_is_a_bar_as_long_as_its_change(forecast, robustness):
    figure = draw_tornado(forecast, robustness)
    (axes,) = figure.axes
    widths: dict[str, list[float]] = {}
    for patch in axes.patches:
        widths.setdefault(patch.get_gid(), []).append(round(patch.get_width(), 9))
    assert widths == {
        "bar:wide": [-5.0, 7.0],
        "bar:tension.persistence": [1.0, 3.0],
        "bar:ballast.military_force": [-2.0],
    }
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["2 weeks", "7 weeks", "2 weeks", "7 weeks", "7 weeks"]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "wide (4 weeks)",
        "Persistence of tension (4 weeks)",
        "Calming: military force (4 weeks)",
    ]


def test_no_more_bars_than_fit(forecast, robustness):
    many = robustness.model_copy(update={"tornado": tuple(bar(f"a{i}", -0.01, 0.01) for i in range(30))})
    assert len(shown_bars(many)) == MOST_BARS
    assert len({patch.get_gid() for patch in draw_tornado(forecast, many).axes[0].patches}) == MOST_BARS


def test_a_chart_without_any_known_bar_is_drawn_empty(forecast, robustness):
    empty = robustness.model_copy(update={"tornado": ()})
    assert not draw_tornado(forecast, empty).axes[0].patches
