"""The page on assumptions shows the record as it is, and page 1 says what carries the number."""

import math

import pytest

from forecast import wording
from forecast.blocks import Table
from forecast.cli.terminal import lines_of
from forecast.records.analysis import (
    Assumed,
    AssumptionEffect,
    NumberSensitivity,
    Robustness,
    ShiftEnd,
    WeightPull,
)
from forecast.report.charts import draw_tornado
from forecast.report.forecast_sections import assumptions_section
from forecast.report.page_1 import bottom_line
from forecast.report.tables import robustness_blocks
from forecast.report.words import confidence, odds_factor, rests_on_sentence
from forecast.sensitivity.labels import with_labels
from tests.report.conftest import altered, make_records, said_in


def pull(name, change):
    return WeightPull(name=name, sensitivity=0.1, noise=0.02, change=change, mcse=0.004, pareto_k=0.1)


def weeks(value):
    return Assumed(parameter=7 * value, value=value, scale="weeks")


@pytest.fixture(scope="module")
def robustness(forecast):
    target, milestone = forecast.headline.target, forecast.headline.milestone
    labels = ("data-driven", "conflict", "prior-driven")
    end = ShiftEnd(assumed=weeks(7.3), probability=0.53, change=0.03, mcse=0.004)
    return Robustness(
        target=target,
        milestone=milestone,
        sensitivities=tuple(
            NumberSensitivity(
                target=one.name,
                milestone=each.name,
                rests_on=labels[place],
                reason="priors move it more",
                priors=pull("all priors", -0.021),
                data=pull("data", 0.034),
                groups=(pull("tension.persistence", 0.01),),
            )
            for place, one in enumerate(forecast.targets)
            for each in one.milestones
        ),
        tornado=(AssumptionEffect(name="tension.persistence", now=weeks(4), lower=end, upper=end),),
    )


@pytest.fixture(scope="module")
def run(forecast, robustness, analysis):
    analysis = altered(analysis, robustness=robustness)
    return make_records(forecast, analysis)


def test_the_terminal_has_every_label_and_change(run, forecast, robustness):
    table = next(block for block in robustness_blocks(forecast, robustness) if isinstance(block, Table))
    said = ("data", "rests on both, which pull apart", "assumptions")
    for group, target, label in zip(table.groups, forecast.targets, said, strict=True):
        assert group.label == target.label
        assert [tuple(cell.text for cell in row[:4]) for row in group.rows] == [
            (
                wording.short_day(one.date),
                wording.percent(one.probability),
                label.removeprefix("rests on "),
                "0.10",
            )
            for one in target.milestones
        ]
        for row, one in zip(group.rows, target.milestones, strict=True):
            room = one.probability * (1 - one.probability)
            assert math.log(row[4].value) == pytest.approx(-0.021 / room)
            assert math.log(row[6].value) == pytest.approx(0.034 / room)


def test_twice_the_weight_never_takes_a_chance_out_of_its_range():
    for change in (-0.5, -0.05, 0.05, 0.5):
        for probability in (0.001, 0.02, 0.5, 0.98):
            odds = odds_factor(pull("data", change), probability) * probability / (1 - probability)
            assert 0 < odds / (1 + odds) < 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"rests_on": "prior-driven", "reason": "too few cases"},
            "Three past cases fix this number poorly, so it rests mostly on our assumptions.",
        ),
        (
            {"rests_on": "conflict", "reason": "priors lower it against the data"},
            "trusting the data more would raise the number, trusting our assumptions more would lower it.",
        ),
        ({"rests_on": "data-driven", "reason": "nothing moves it"}, "The headline rests on data: neither"),
    ],
)
def test_what_the_headline_rests_on_is_said_once_in_a_sentence(forecast, robustness, changes, said):
    label = next(one for one in robustness.sensitivities if one.target == forecast.headline.target)
    assert said in rests_on_sentence(forecast, altered(label, **changes))


def test_the_labels_are_counted_and_a_run_that_was_not_measured_says_so(run, forecast):
    each = "4 rest on data, 4 rest on assumptions and 4 rest on both, which pull apart"
    assert f"Of 12 chances in this report, {each}." in said_in(assumptions_section(run))
    assert "was not measured" in said_in(assumptions_section(make_records(forecast)))


def test_what_carries_the_headline_is_a_reason_for_confidence_on_page_1_and_terminal(forecast, robustness):
    labelled = with_labels(forecast, robustness)
    reasons = [one.text for one in confidence(labelled, None).reasons]
    assert "assumptions and data pull apart" in reasons
    assert "assumptions and data pull apart" not in [one.text for one in confidence(forecast, None).reasons]
    said = confidence(labelled, None).sentence
    assert said in " ".join(lines_of(bottom_line(make_records(labelled))))


def bar(name, *changes):
    """A bar by its change one step down, to 2 weeks, and up, to 7; ``None`` where it needs a refit."""
    lower, upper = (
        ShiftEnd(
            assumed=weeks(assumed),
            probability=None if change is None else 0.5 + change,
            change=change,
            mcse=None if change is None else 0.004,
        )
        for assumed, change in zip((2, 7), changes, strict=True)
    )
    return AssumptionEffect(name=name, now=weeks(4), lower=lower, upper=upper)


def test_each_known_end_is_a_bar_as_long_as_its_change(forecast, robustness):
    bars = (
        bar("wide", -0.05, 0.07),
        bar("tension.persistence", 0.01, 0.03),
        bar("ballast.military_force", None, -0.02),
        bar("none", None, None),
    )
    (axes,) = draw_tornado(forecast, altered(robustness, tornado=bars)).axes
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
