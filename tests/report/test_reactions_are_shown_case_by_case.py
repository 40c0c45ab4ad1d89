"""Each declared reaction: how often it came, what chance alone gives, its chance, what one trigger does."""

from datetime import date

import pytest

from forecast.records.analysis import ReactionCase, ReactionEffect, ReactionMeasured
from forecast.report.evidence_sections import reaction_sentences
from forecast.report.forecast_sections import changes_section
from forecast.report.page_1 import brief_section
from tests.report.conftest import altered, make_records, said_in, table_in


def case(day, answered=None, *, over=True):
    return ReactionCase(
        date=day, event_id="a", severity=3, what="A <b>visit</b>.", answered_on=answered, over=over
    )


@pytest.fixture
def visits():
    return ReactionMeasured(
        name="visits",
        label="Visits to the island",
        sentence="Visits to the island (visits): visit is answered by sanction in 14 days, chance learned.",
        days=14,
        cases=11,
        answered=4,
        by_chance=0.1,
        shown=(
            case(date(2023, 7, 1), over=False),
            case(date(2022, 8, 2), date(2022, 8, 4)),
            *(case(date(2021, 1, day)) for day in range(1, 10)),
        ),
        prior=0.3,
        prior90=(0.03, 0.83),
        stated=False,
        uses_record=True,
        chance=0.45,
        chance90=(0.2, 0.7),
        target="military_confrontation",
        effects=(
            ReactionEffect(days=7, date=date(2023, 7, 18), probability=0.24, base=0.014, mcse=0.009),
            ReactionEffect(days=None, date=date(2024, 11, 5), probability=0.66, base=0.55, mcse=0.005),
        ),
    )


def test_a_run_without_reactions_has_no_such_section(forecast):
    assert changes_section(make_records(forecast)) is None


def test_a_reaction_is_told_with_its_cases_chance_and_effect(forecast, visits, analysis):
    analysis = altered(analysis, reactions=(visits,))
    section = changes_section(make_records(forecast, analysis))
    said = said_in(section)
    assert "Visit is answered by sanction in 14 days, chance learned." in said
    assert "4 of 11 cases answered within 14 days (by chance 10%); class chosen knowing the cases" in said
    assert "brings about an answer: 45% (90% interval 20–70%); before the record it was 30% (3–83%)." in said
    effect = [[cell.text for cell in row] for row in table_in(section, "effect-visits").groups[0].rows]
    assert effect == [
        ["7 days after", "1.4%", "24%", "+22.6 ±0.9"],
        ["before 5 Nov 2024", "55%", "66%", "+11.0 ±0.5"],
    ]
    (row,) = table_in(brief_section(make_records(forecast, analysis)), "changes").groups[0].rows
    shown = [row[0].text, row[1].text, row[1].note, row[2].text]
    assert shown == ["Visit, severity 4", "24%", "1.4% without", "66%"]
    assert "4 of 11 cases" in row[0].note
    rows = table_in(section, "cases-visits").groups[0].rows
    assert [row[3].text for row in rows[:3]] == ["days not over", "4 Aug 2022", "not in 14 days"]
    assert len(rows) == 8


def test_a_chance_that_the_record_does_not_change_is_said_to_be_stated(visits):
    fixed = altered(visits, stated=True, uses_record=False)
    assert [*reaction_sentences(fixed)][-1] == (
        "Chance that a trigger of severity 4 brings about an answer, as the config states it whatever the "
        "record says: 30% (3–83%)."
    )


def test_an_occasion_without_a_past_has_neither_a_count_nor_an_effect(forecast, visits):
    never = {"cases": 0, "answered": 0, "by_chance": None, "shown": (), "effects": ()}
    told = [*reaction_sentences(altered(visits, **never))]
    assert "The record holds no case whose days are over." in told
    assert "Chance that the occasion brings about an answer" in told[-1]
