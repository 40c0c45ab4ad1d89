"""The section on scenarios: what is assumed, what the model adds, and the figure of the command."""

from datetime import date

import pytest

from forecast import wording
from forecast.blocks import Table
from forecast.records.forecast import ActAssumed, ExpectationChanged, GateFailure
from forecast.report.forecast_sections import rationales_section, scenarios_section
from forecast.report.words import split_cells, what_it_assumes
from tests.report.conftest import altered, each_milestone, make_records, make_scenario, said_in, table_in

DAY = date(2023, 11, 17)


def section_of(forecast):
    return scenarios_section(make_records(forecast))


def asked_of(forecast, one):
    found = one.target(forecast.headline.target).milestones
    return next(each for each in found if each.name == forecast.headline.milestone)


@pytest.fixture(scope="module")
def assumed(forecast):
    """A scenario that moves every chance by 12 points, 10 of them met by assumption."""
    made = each_milestone(make_scenario(forecast, "balloon", 0.12), by_assumption=0.1)
    act = {"first_day": DAY, "last_day": DAY, "severity": 4}
    shot = {"category": "military_incident", "meets": ("military_confrontation",)} | act
    return altered(
        made,
        acts=(
            ActAssumed(label="A craft is seen", category="dispute", probability=1.0, meets=(), **act),
            ActAssumed(label="It is shot down", probability=0.5, **shot),
        ),
        expectations=(ExpectationChanged(label="Leaders meet", before=0.6, after=0.4),),
        priors=("ballast.visit",),
    )


def test_a_run_without_scenarios_says_so(forecast):
    assert said_in(section_of(forecast)).strip() == "This run compares no scenarios."
    assert rationales_section(make_records(forecast)) is None


def test_the_table_shows_every_scenario_with_all_targets(forecast):
    gate = GateFailure(code="bfmi", value=0.2, limit=0.3)
    scenarios = (
        make_scenario(forecast, "grave", 0.12),
        make_scenario(forecast, "beliefs", -0.05, method="reweight", pareto_k=0.314, effective_draws=1234.5),
        make_scenario(forecast, "kept-back", 0.3, method="refit", withheld="no_refit"),
        make_scenario(forecast, "failed", 0.02, method="refit", failures=(gate,)),
    )
    forecast = altered(forecast, scenarios=scenarios)
    (table,) = (block for block in section_of(forecast).blocks if isinstance(block, Table))
    first, grave, beliefs, _, kept_back = table.groups[0].rows
    assert first[0].text == "This forecast"
    assert grave[1].value == asked_of(forecast, scenarios[0]).probability
    assert grave[1].text == wording.percent(grave[1].value)
    assert (grave[2].text, grave[3].note) == ("+12.0 ±0.2", "+12.0 ±0.2")
    assert beliefs[2].text.startswith("−5.0")
    assert {cell.text for cell in kept_back[1:]} == {"needs a new fit"}
    assert len(grave) == len(table.columns) == 2 + len(forecast.targets)
    said = said_in(rationales_section(make_records(forecast)))
    assert "Computed by weights; Pareto k 0.31, 1,235 effective draws." in said
    assert "new fit, which did not converge" in said


def test_a_target_that_is_met_by_assumption_is_no_finding(forecast):
    made = each_milestone(make_scenario(forecast, "clash", 0.3), by_assumption=0.3)
    forecast = altered(forecast, scenarios=(made,))
    _, row = table_in(section_of(forecast), "scenarios").groups[0].rows
    assert [cell.text for cell in row[2:]] == ["+30.0", "–", "●", "●"]


def test_a_change_is_split_into_what_is_assumed_and_what_the_model_adds(assumed):
    one = assumed.target("military_confrontation").milestones[-1]
    chance, by_assumption, added = split_cells(one)
    assert chance.value == one.probability
    assert by_assumption.text == "+10.0"
    assert added.text == "+2.0 ±0.2"


def test_what_is_assumed_is_printed_with_the_acts_that_are_the_event_itself_first(assumed):
    assert what_it_assumes(assumed, "military_confrontation", 5) == (
        "● It is shot down (50%); A craft is seen (certain); Leaders meet (40%, from 60%); another belief on "
        "calming: visit"
    )
    assert what_it_assumes(assumed, "lethal_clash", 1).startswith("A craft is seen (certain) and 1 more act;")
