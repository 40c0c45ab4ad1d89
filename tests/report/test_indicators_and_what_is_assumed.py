"""What would change the number: observable things with their day, on page 1 and in a table."""

from datetime import date

import pytest

from forecast.blocks import Table
from forecast.records.explained import Indicator
from forecast.records.forecast import ActAssumed, ExpectationChanged
from forecast.report.answers import scenario_comparison, scenario_tables
from forecast.report.scenario_words import model_adds, split_cells, what_it_assumes
from forecast.report.sections.drivers import chosen_indicators, indicator_sentence, indicators_section

DAY = date(2023, 11, 17)


def indicator(code, probability, change, **fields):
    known = {"by": DAY, "milestone": "apec-2023", "mcse": 0.002}
    return Indicator(code=code, probability=probability, change=change, **(known | fields))


FOUND = (
    indicator("quiet", 0.38, -0.11),
    indicator("other_target", 0.41, -0.08, target="major_escalation"),
    indicator("quiet", 0.33, -0.16, by=date(2024, 1, 13), milestone="taiwan-election-2024"),
    indicator("quiet", 0.2, -0.29, by=date(2024, 5, 20), milestone="taiwan-inauguration-2024"),
    indicator("act", 0.49, 0.001, category="channel_opening", severity=3),
    indicator("act", 0.5, 0.012, category="military_incident", severity=3),
)


@pytest.fixture(scope="module")
def forecast(factory):
    return factory.forecast(factory.events).model_copy(update={"indicators": FOUND})


def test_page_1_has_two_quiet_days_another_event_and_the_act_that_moves_most(forecast):
    assert [indicator_sentence(forecast, one) for one in chosen_indicators(forecast)] == [
        "No such event before 17 November 2023: 38%.",
        "No such event before 13 January 2024: 33%.",
        "Major escalation but no such event before 17 November 2023: 41%.",
        "One more military incident of severity 3 before 17 November 2023: +1.2 points, to 50%.",
    ]


def test_a_change_within_its_error_is_said_to_be_none(factory, forecast):
    assert indicator_sentence(forecast, FOUND[4]).endswith("no measurable change.")
    table = factory.table(indicators_section(factory.records(forecast)), "indicators")
    rows = table.groups[0].rows
    assert [row[2].value for row in rows] == [one.probability for one in FOUND]
    assert rows[4][3].text == "–"
    assert rows[5][3].text == "+1.2"


def test_a_run_without_indicators_has_no_such_section(factory):
    assert indicators_section(factory.records(factory.forecast(factory.events))) is None


@pytest.fixture(scope="module")
def assumed(factory, scenario):
    """A scenario that moves every chance by 12 points, 10 of them met by assumption."""
    plain = factory.forecast(factory.events)
    made = scenario(plain, "balloon", 0.12)
    targets = tuple(
        one.model_copy(
            update={"milestones": tuple(m.model_copy(update={"by_assumption": 0.1}) for m in one.milestones)}
        )
        for one in made.targets
    )
    act = {"first_day": DAY, "last_day": DAY, "severity": 4}
    return made.model_copy(
        update={
            "targets": targets,
            "acts": (
                ActAssumed(label="A craft is seen", category="dispute", probability=1.0, meets=(), **act),
                ActAssumed(
                    label="It is shot down",
                    category="military_incident",
                    probability=0.5,
                    meets=("military_confrontation",),
                    **act,
                ),
            ),
            "expectations": (ExpectationChanged(label="Leaders meet", before=0.6, after=0.4),),
            "priors": ("ballast.visit",),
        }
    )


def test_a_change_is_split_into_what_is_assumed_and_what_the_model_adds(assumed):
    target = assumed.target("military_confrontation")
    one = target.milestones[-1]
    assert model_adds(assumed, target.name, one.name) == pytest.approx(0.02)
    chance, by_assumption, added = split_cells(one)
    assert chance.value == one.probability
    assert by_assumption.text == "+10.0"
    assert added.text == "+2.0 ±0.2"


def test_what_is_assumed_is_printed_with_the_acts_that_are_the_event_itself_first(assumed):
    assert what_it_assumes(assumed, "military_confrontation", 5) == (
        "● It is shot down (50%); A craft is seen (certain); Leaders meet (40%, from 60%); another belief on "
        "calming: visit"
    )
    assert what_it_assumes(assumed, "lethal_clash", 1).startswith("A craft is seen (certain); one more;")


def test_a_forecast_asked_for_a_target_that_it_lacks_says_which_there_are(factory):
    forecast = factory.forecast(factory.events)
    names = ", ".join(one.name for one in forecast.targets)
    with pytest.raises(KeyError, match=f"no target is named 'war'. There are: {names}"):
        forecast.target("war")
    with pytest.raises(KeyError, match="Did you mean 'lethal_clash'"):
        forecast.target("letal_clash")


def test_each_table_of_a_scenario_has_the_column_that_its_note_explains(factory, scenario):
    forecast = factory.forecast(factory.events)
    one = scenario(forecast, "visit", 0.1)
    for parts in (scenario_tables(forecast, [one]), scenario_comparison(forecast, [one, one])):
        tables = [block for block in parts if isinstance(block, Table)]
        assert tables
        assert all("Assumed" in [column.head for column in table.columns] for table in tables)
