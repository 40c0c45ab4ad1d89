"""The section on scenarios: numbers of the records in chart and table, however many there are."""

import numpy as np
import pytest

from forecast import wording
from forecast.blocks import Chart, Table
from forecast.records.forecast import GateFailure
from forecast.report.drawing import figure_bytes
from forecast.report.sections.scenarios import MOST_DRAWN, draw_scenarios, drawn_scenarios, scenarios_section


@pytest.fixture(scope="module")
def plain(factory):
    return factory.forecast(factory.events)


@pytest.fixture(scope="module")
def section_of(factory):
    def make(forecast):
        return scenarios_section(factory.records(forecast))

    return make


def asked_of(forecast, one):
    found = one.target(forecast.headline.target).milestones
    return next(each for each in found if each.name == forecast.headline.milestone)


def test_a_run_without_scenarios_has_no_such_section(plain, section_of):
    assert section_of(plain) is None


def test_the_table_shows_every_scenario_with_chance_change_and_method(scenario, plain, section_of):
    gate = GateFailure(code="bfmi", value=0.2, limit=0.3)
    scenarios = (
        scenario(plain, "grave", 0.12),
        scenario(plain, "beliefs", -0.05, method="reweight", pareto_k=0.314, effective_draws=1234.5),
        scenario(plain, "kept-back", 0.3, method="refit", withheld="no_refit"),
        scenario(plain, "failed", 0.02, method="refit", failures=(gate,)),
    )
    section = section_of(plain.model_copy(update={"scenarios": scenarios}))
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    first, *rows = table.groups[0].rows
    assert first[0].text == "This forecast"
    grave, beliefs, kept_back, failed = rows
    assert grave[2].value == asked_of(plain, scenarios[0]).probability
    assert grave[2].text == wording.percent(grave[2].value)
    assert grave[4].text == "+12.0 ±0.2"
    assert beliefs[4].text.startswith("−5.0")
    assert grave[5].note == "+12.0 ±0.2"
    assert beliefs[0].note == "weights; Pareto k 0.31, 1,235 effective draws"
    assert {cell.text for cell in kept_back[2:]} == {"withheld"}
    assert "did not converge" in failed[0].note


def test_the_chart_draws_the_records_and_leaves_out_what_is_withheld(scenario, plain, section_of):
    scenarios = (
        scenario(plain, "kept-back", 0.3, withheld="no_refit"),
        scenario(plain, "small", 0.01),
        scenario(plain, "calming", -0.05),
        scenario(plain, "grave", 0.12),
    )
    forecast = plain.model_copy(update={"scenarios": scenarios})
    figure = draw_scenarios(forecast, scenarios)
    (dots,) = (line for line in figure.axes[0].lines if line.get_gid() == "chances")
    expected = sorted(100 * asked_of(forecast, one).probability for one in scenarios[1:])
    np.testing.assert_allclose(dots.get_xdata(), expected)
    (chart,) = (block for block in section_of(forecast).blocks if isinstance(block, Chart))
    assert "Label of kept-back" not in chart.alt
    for one in scenarios[1:]:
        assert f"{one.label}: {wording.percent(asked_of(forecast, one).probability)}" in chart.alt


def test_of_many_scenarios_the_strongest_are_drawn_and_all_are_in_the_table(scenario, plain, section_of):
    many = tuple(scenario(plain, f"s{k}", 0.002 * (k - 20)) for k in range(41))
    forecast = plain.model_copy(update={"scenarios": many})
    drawn = drawn_scenarios(forecast, many)
    assert len(drawn) == MOST_DRAWN
    assert {one.name for one in drawn} >= {"s0", "s40"}
    section = section_of(forecast)
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert len(table.groups[0].rows) == 42
    (chart,) = (block for block in section.blocks if isinstance(block, Chart))
    assert "Left out: 29 scenarios" in chart.caption
    assert chart.draw().get_size_inches()[1] < 8


def test_files_of_the_chart_are_the_same_bytes_each_time(scenario, plain):
    scenarios = (scenario(plain, "a", 0.1, label="<script>$x$"), scenario(plain, "b", -0.1, label="名" * 60))
    forecast = plain.model_copy(update={"scenarios": scenarios})
    for kind, begins in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        first, again = (figure_bytes(draw_scenarios(forecast, scenarios), kind) for _ in range(2))
        assert first.startswith(begins)
        assert first == again
