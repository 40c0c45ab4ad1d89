"""The section on costs, and the sentence of page 1: worked out again from the records of the run."""

from dataclasses import replace

import pytest

from forecast.blocks import Prose, Table, walk
from forecast.records.forecast import Decision, DecisionValue
from forecast.report.build import make_brief, make_content
from forecast.report.forecast_sections import costs_section
from forecast.report.page_1 import bottom_line
from forecast.wording import percent

VALUE = DecisionValue(
    target="military_confrontation",
    horizon_days=484,
    windows=20,
    held=5,
    acted=9,
    forecast=1.25,
    base_rate=2.0,
    always=2.5,
    never=3.0,
    perfect=0.5,
    value=0.5,
    value_se=0.25,
)
DECISION = Decision(
    act=(1.0, 1.0),
    surprised=(8.0, 20.0),
    threshold=0.079,
    threshold_range=(0.05, 0.125),
    advice="act",
    chance_above=0.97,
    value=VALUE,
)


@pytest.fixture(scope="module")
def base_records(factory):
    """The realistic run, whose config states no costs."""
    forecast = factory.with_waterfall(factory.forecast(factory.events))
    return factory.records(forecast, factory.told(forecast), events=factory.events)


@pytest.fixture(scope="module")
def costly(base_records):
    """The realistic run, as if its config stated what acting costs."""
    forecast = base_records.forecast.model_copy(update={"decision": DECISION})
    return replace(base_records, forecast=forecast)


def tables_of(section):
    return {one.name: one.groups[0].rows for one in section.blocks if isinstance(one, Table)}


def acting(blocks):
    return [one for one in walk(tuple(blocks)) if isinstance(one, Prose) and "acting pays from" in one.text]


def test_a_run_without_costs_has_neither_section_nor_sentence(base_records):
    assert costs_section(base_records) is None
    content = make_content(base_records)
    assert "costs" not in [one.name for one in content.sections]
    assert not acting(block for one in content.sections for block in one.blocks)


def test_each_way_of_acting_stands_with_what_it_cost(costly):
    rows = tables_of(costs_section(costly))["decision"]
    found = {row[0].text.split(",")[0]: row[1].value for row in rows}
    assert found == {
        "By the forecast": VALUE.forecast,
        "By the base rate known then": VALUE.base_rate,
        "Always act": VALUE.always,
        "Never act": VALUE.never,
        "With perfect knowledge": VALUE.perfect,
    }
    # By the definition of the value: what was saved, of what perfect knowledge would have saved.
    assert VALUE.value == (VALUE.base_rate - VALUE.forecast) / (VALUE.base_rate - VALUE.perfect)
    said = " ".join(one.text for one in costs_section(costly).blocks if isinstance(one, Prose))
    assert "0.50 ± 0.25" in said
    assert "being surprised 8–20" in said


def test_page_1_says_once_whether_to_act_and_the_terminal_what_it_was_worth(costly):
    headline = costly.forecast.headline
    chance = next(
        one.probability
        for one in costly.forecast.target(headline.target).milestones
        if one.name == headline.milestone
    )
    brief = make_brief(costly)
    (sentence,) = acting(brief.sections[0].blocks)
    assert f"5–13% (middle 8%): {percent(chance)} is above it, so act" in sentence.text
    assert percent(DECISION.chance_above) in sentence.text
    assert "decision" not in [one.name for one in brief.tables()]
    assert "decision" in [one.name for one in bottom_line(costly) if isinstance(one, Table)]


@pytest.mark.parametrize(
    ("advice", "said"), [("wait", "is below it, so wait"), ("depends", "lies within it, so it depends")]
)
def test_the_advice_is_said_in_words(advice, said):
    assert said in DECISION.model_copy(update={"advice": advice}).sentence(0.1)
