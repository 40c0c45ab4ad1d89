"""Past cases of a target, and the constant rate that a reader can check by hand."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.events.table import Event, EventTable
from forecast.panel import TargetRule
from forecast.runs.summaries import MOST_CASES, constant_rate, past_cases

RULE = TargetRule("clash", ("military_incident",), 4)
START, ORIGIN = date(2020, 1, 1), date(2022, 1, 1)


def table(days, severity=4):
    rows = [
        Event(
            id=f"e{place}",
            date=day,
            known_date=day,
            initiator="USA",
            recipient="CHN",
            category="military_incident",
            severity=severity,
        )
        for place, day in enumerate(days)
    ]
    return EventTable.from_events(rows, "made")


def test_the_rate_is_that_of_the_days_with_an_event_in_the_days_of_record():
    days = [date(2020, 5, 1), date(2020, 5, 1), date(2021, 3, 1), date(2021, 9, 9)]
    found = constant_rate(table(days), RULE, ORIGIN, START, 100)
    assert found == pytest.approx(1 - np.exp(-3 * 100 / 731))


def test_nothing_seen_gives_no_rate():
    assert constant_rate(table([date(2020, 5, 1)], severity=3), RULE, ORIGIN, START, 100) is None
    assert past_cases(table([date(2020, 5, 1)], severity=3), RULE, ORIGIN, START) == ()


def test_cases_are_the_last_before_the_origin_in_their_order():
    days = [START + timedelta(days=40 * k) for k in range(25)]
    found = past_cases(table(days), RULE, ORIGIN, START)
    known = [day for day in days if day < ORIGIN]
    assert [one.date for one in found] == known[-MOST_CASES:]
    assert past_cases(table([START - timedelta(days=1)]), RULE, ORIGIN, START) == ()


def test_two_rows_of_one_day_are_one_case_in_the_list_as_in_the_rate():
    day = START + timedelta(days=40)
    twice = table([day, day])
    assert [one.date for one in past_cases(twice, RULE, ORIGIN, START)] == [day]
    once = constant_rate(table([day]), RULE, ORIGIN, START, 100)
    assert constant_rate(twice, RULE, ORIGIN, START, 100) == once
