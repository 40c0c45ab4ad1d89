"""One thing has one number, one order and one name, wherever it stands in report and terminal."""

import re
from datetime import timedelta

import pytest

from forecast.blocks import Table, walk
from forecast.cli.terminal import lines_of
from forecast.records.analysis import ErrorBound, LedgerSummary, PastForecast
from forecast.records.forecast import Member, MemberForecast
from forecast.report.build import make_content
from forecast.report.evidence_sections import scores_section, track_record_section
from forecast.report.forecast_sections import course_chart, scenarios_section, sources_section
from forecast.report.page_1 import bottom_line, brief_section
from forecast.report.tables import headline_scenarios, milestone_table, scenario_comparison
from forecast.report.words import headline_pair, members_apart
from tests.report.conftest import (
    altered,
    make_records,
    make_scenario,
    make_told,
    said_in,
    table_in,
    with_headline,
    with_waterfall,
)


def test_a_question_that_was_not_asked_before_is_said_to_be_the_first_and_no_other(forecast):
    def ledger(*history, n_same=0):
        counts = dict.fromkeys(("n_scored", "n_yes", "n_hindcasts"), 0)
        known = {"brier": None, "baseline_brier": None, "claim": "none", "history": history} | counts
        return LedgerSummary(schema=1, head="0" * 64, n_forecasts=12, n_same=n_same, **known)

    first = "This is the first forecast of this question on record."
    run = make_records(forecast, ledger_record=ledger())
    assert course_chart(run).caption.endswith(first)
    assert first in said_in(brief_section(run))
    own = PastForecast(
        target=forecast.headline.target,
        milestone=forecast.headline.milestone,
        as_of=forecast.as_of - timedelta(days=90),
        probability=0.4,
        interval90=(0.3, 0.5),
        hindcast=False,
    )
    for known in (ledger(own, n_same=1), ledger(n_same=3)):
        assert first not in said_in(brief_section(make_records(forecast, ledger_record=known)))


@pytest.fixture(scope="module")
def combined(forecast):
    """A run whose members say 79% and 76%, and that scheduled events take to 76%."""
    members = tuple(
        MemberForecast(name=name, label=label, weight=0.5, probability=p, interval90=(p - 0.1, p + 0.1))
        for name, label, p in (("model", "model", 0.79), ("panel", "pooled hazard", 0.76))
    )
    forecast = with_headline(forecast, probability=0.758, members=members)
    named = tuple(Member(name=one.name, label=one.label, weight=0.5) for one in members)
    return altered(forecast, model="combined", members=named)


def test_the_mean_of_the_members_is_printed_before_what_scheduled_events_do(combined):
    run = make_records(with_waterfall(combined))
    said = said_in(sources_section(run))
    apart = "Scheduled events apart, the model says 79% and the pooled hazard says 76%; their mean is 77.5%."
    assert f"{apart} Scheduled events change it by −1.7 points, to 75.8%." in said


def test_the_window_has_as_many_days_in_the_report_as_in_the_json(forecast, backtest):
    # Between the as-of date and a milestone 484 days later lie 483 days.
    row = next(row for row in backtest.record.rows if row.target == forecast.headline.target)
    own = altered(backtest.record, rows=(altered(row, horizon_days=483),))
    run = make_records(with_waterfall(forecast), make_told(forecast), track_record=own)
    texts = [*lines_of(bottom_line(run)), str(make_content(run).as_json()["sections"])]
    assert "483" in texts[-1]
    for text in texts:
        assert not re.search(r"\b484\b", text), text


def test_skill_has_one_measure_in_sentence_and_table_and_none_below_three_episodes(forecast, backtest):
    row = next(row for row in backtest.record.rows if row.target == forecast.headline.target)
    worse = ErrorBound(value=-0.11, se=0.04, interval90=(-0.2, -0.02))
    for episodes, said, shown in (
        (3, "Against simple counting: 2 to 20% worse.", "−20 to −2%"),
        (2, "", "–"),
    ):
        changes = {"horizon_days": 483, "skill": worse, "episodes": episodes, "n_hits": 5}
        rows = (altered(row, **changes),)
        run = make_records(forecast, track_record=altered(backtest.record, rows=rows))
        front = said_in(brief_section(run))
        assert said in front
        assert ("Too few cases to say whether we beat simple counting." in front) is (episodes < 3)
        for section, name in ((track_record_section(run), "scores"), (scores_section(run), "all-scores")):
            assert table_in(section, name).groups[0].rows[0][5].text == shown


def test_members_that_differ_by_a_factor_of_three_stand_beside_the_number(combined):
    target, milestone = headline_pair(combined)
    low, high = (altered(one, probability=p) for one, p in zip(milestone.members, (0.06, 0.21), strict=True))
    assert members_apart(milestone) == ""
    apart = altered(milestone, members=(low, high))
    assert members_apart(apart) == "models say 6%, 21%"
    row = milestone_table((altered(target, milestones=(apart,)),)).groups[0].rows[0]
    assert "models say 6%, 21%" in [cell.note for cell in row]


def test_a_change_under_a_point_never_turns_a_printed_chance(forecast):
    # 76.4% and +0.2 points are 76.6%: beside "76%" a reader would read "77%" as a point.
    small = make_scenario(forecast, "small", 0.002)
    run = make_records(altered(forecast, scenarios=(small,)))
    _, row = table_in(scenarios_section(run), "scenarios").groups[0].rows
    assert [cell.text for cell in row[1:]] == ["≈", "–", "≈", "≈"]


def test_scenarios_stand_in_one_order_everywhere(forecast):
    changes = {"none": 0.0, "down": -0.3, "up": 0.1, "little": 0.02}
    scenarios = tuple(make_scenario(forecast, name, change) for name, change in changes.items())
    withheld = make_scenario(forecast, "withheld", 0.5, withheld="no_refit")
    run = make_records(altered(forecast, scenarios=(withheld, *scenarios)))
    order = [f"Label of {name}" for name in ("down", "up", "little", "none", "withheld")]
    table = table_in(scenarios_section(run), "scenarios")
    assert [row[0].text for row in table.groups[0].rows[1:]] == order
    for blocks in (headline_scenarios(run.forecast), scenario_comparison(forecast, run.forecast.scenarios)):
        (first, *_) = [one for one in walk(tuple(blocks)) if isinstance(one, Table)]
        shown = [row[0].text for row in first.groups[0].rows]
        assert [one for one in shown if one != "The run"] == order
