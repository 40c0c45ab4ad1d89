"""The tornado chart draws the numbers of the record, and leaves out what is not known."""

import pytest

from forecast.records.analysis import AssumptionEffect, Robustness, ShiftEnd
from forecast.report.sections.assumptions import MOST_BARS, draw_tornado, shown_bars


def end(assumed: str, change: float | None) -> ShiftEnd:
    probability = None if change is None else 0.5 + change
    return ShiftEnd(
        assumed=assumed, probability=probability, change=change, mcse=None if change is None else 0.004
    )


def bar(name: str, low: float | None, high: float | None) -> AssumptionEffect:
    return AssumptionEffect(
        name=name, label=name.title(), now="4 weeks", lower=end("2 weeks", low), upper=end("7 weeks", high)
    )


@pytest.fixture
def forecast(factory):
    return factory.forecast()


@pytest.fixture
def robustness(forecast):
    bars = (
        bar("wide", -0.05, 0.07),
        bar("one-sided", 0.01, 0.03),
        bar("half", None, -0.02),
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
    assert widths == {"bar:wide": [-5.0, 7.0], "bar:one-sided": [1.0, 3.0], "bar:half": [-2.0]}
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["2 weeks", "7 weeks", "2 weeks", "7 weeks", "7 weeks"]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Wide (4 weeks)",
        "One-Sided (4 weeks)",
        "Half (4 weeks)",
    ]


def test_no_more_bars_than_fit(forecast, robustness):
    many = robustness.model_copy(update={"tornado": tuple(bar(f"a{i}", -0.01, 0.01) for i in range(30))})
    assert len(shown_bars(many)) == MOST_BARS
    assert len({patch.get_gid() for patch in draw_tornado(forecast, many).axes[0].patches}) == MOST_BARS


def test_a_chart_without_any_known_bar_is_drawn_empty(forecast, robustness):
    empty = robustness.model_copy(update={"tornado": ()})
    assert not draw_tornado(forecast, empty).axes[0].patches
