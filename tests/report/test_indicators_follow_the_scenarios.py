"""What would change our mind is read off the scenarios of the run, and only where it stands out."""

import pytest

from forecast.records.base import WrittenText
from forecast.report.sections.indicators import (
    indicator_sentence,
    indicators,
    indicators_section,
    next_milestone,
)


@pytest.fixture(scope="module")
def plain(factory):
    return factory.forecast(factory.events)


@pytest.fixture(scope="module")
def forecast(plain, scenario):
    return plain.model_copy(
        update={
            "scenarios": (
                scenario(plain, "small", 0.01),
                scenario(plain, "noise", 0.003),
                scenario(plain, "calming", -0.05),
                scenario(plain, "grave", 0.12),
                scenario(plain, "failed", 0.3, failures=(WrittenText(text="R-hat"),)),
                scenario(plain, "kept-back", 0.3, withheld="no_refit"),
            )
        }
    )


def test_strongest_first_without_noise_failed_fits_and_withheld_numbers(forecast):
    assert [one.scenario.name for one in indicators(forecast)] == ["grave", "calming", "small"]


def test_the_sentence_names_the_strongest_each_way_with_its_interval(forecast):
    text = indicator_sentence(forecast, indicators(forecast))
    assert "“Label of grave” would raise it most, by 12.0 points to" in text
    assert "“Label of calming” would lower it most, by 5.0 points to" in text
    assert text.count("90% interval") == 3


def test_the_table_gives_each_effect_at_the_next_and_at_the_headline_milestone(factory, forecast):
    section = indicators_section(factory.records(forecast))
    table = section.blocks[1]
    assert next_milestone(forecast).name == "apec-2023"
    assert [column.head for column in table.columns] == [
        "Watch for",
        "Because",
        "By 17 Nov 2023",
        "By 5 Nov 2024",
        "Chance then",
    ]
    first = table.groups[0].rows[0]
    assert [cell.text for cell in first[2:4]] == ["+12.0 ±0.2", "+12.0 ±0.2"]
    assert first[3].value == 0.12


def test_scenarios_without_effect_are_said_to_have_none(factory, plain, scenario):
    forecast = plain.model_copy(update={"scenarios": (scenario(plain, "noise", 0.003),)})
    (sentence,) = indicators_section(factory.records(forecast)).blocks
    assert sentence.text == (
        "The scenario of this run does not move the headline by more than its Monte Carlo error."
    )
    two = forecast.model_copy(update={"scenarios": forecast.scenarios * 2})
    assert indicator_sentence(two, ()).startswith("None of the 2 scenarios of this run moves the headline")


def test_a_run_without_scenarios_has_no_such_section(factory, plain):
    assert indicators_section(factory.records(plain)) is None
