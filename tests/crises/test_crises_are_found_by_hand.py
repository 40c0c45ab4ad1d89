"""Crises, onsets and episodes of hand-made records, whose answers can be read off a calendar."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.crises import (
    CrisisRule,
    crisis_days,
    crisis_origins,
    days_since,
    gravest_below,
)
from forecast.events.table import Event, EventTable
from forecast.targets import TargetRule
from tools.bench import before_first

START = date(2000, 1, 1)
FORCE = TargetRule("force", ("military_incident",), 5)


def days(*numbers: int) -> np.ndarray:
    return np.datetime64(START, "D") + np.array(numbers, "timedelta64[D]")


def numbers(found: np.ndarray) -> list[int]:
    return list(((found - np.datetime64(START, "D")) // np.timedelta64(1, "D")).tolist())


def record(*acts: tuple[int, str, int], known_after: int = 0) -> EventTable:
    rows = [
        Event(
            id=str(place),
            date=START + timedelta(days=day),
            known_date=START + timedelta(days=day + known_after),
            initiator="AAA",
            recipient="BBB",
            category=category,
            severity=severity,
        )
        for place, (day, category, severity) in enumerate(acts)
    ]
    return EventTable.from_events(rows, "made up")


@pytest.mark.parametrize(
    ("grave", "target", "found"),
    [
        ([0, 30, 31, 61, 62], [], [0, 31, 62]),
        ([300], [120], [300]),  # the last of the quiet days is the 121st
        ([300], [121], []),
        ([300], [300], []),
        ([300], [301], [300]),
        ([300, 310], [305], [300]),
        ([], [5], []),
    ],
)
def test_a_crisis_needs_quiet_and_distance(grave: list[int], target: list[int], found: list[int]) -> None:
    assert numbers(crisis_days(days(*grave), days(*target), 180, 30)) == found


def test_what_comes_later_changes_no_earlier_crisis() -> None:
    random = np.random.default_rng(0)
    grave, target = (np.sort(random.integers(3000, size=60)) for _ in range(2))
    whole = numbers(crisis_days(days(*grave), days(*target), 60, 30))
    for end in (500, 1500, 2500):
        cut = crisis_days(days(*grave[grave < end]), days(*target[target < end]), 60, 30)
        assert numbers(cut) == [day for day in whole if day < end]


def test_the_gravest_severity_below_the_targets_makes_a_crisis() -> None:
    events = record(
        (0, "dispute", 2),
        (100, "sanction", 3),
        (200, "visit", 4),  # no conflict
        (300, "military_incident", 5),
        (700, "dispute", 5),  # grave, and not of the target
        (800, "dispute", 2),
    )
    assert gravest_below(events, FORCE) == 3
    assert numbers(crisis_origins(events, FORCE)) == [101, 701]
    assert numbers(crisis_origins(events, FORCE, CrisisRule(min_severity=2))) == [1, 101, 701, 801]
    assert gravest_below(record((0, "visit", 2)), FORCE) is None
    assert not len(crisis_origins(record((0, "visit", 2), (9, "military_incident", 5)), FORCE))


def test_an_origin_follows_the_day_on_which_the_act_became_public() -> None:
    assert numbers(crisis_origins(record((10, "dispute", 3), known_after=5), FORCE)) == [16]


def test_nothing_came_before_first_times() -> None:
    assert numbers(before_first(days(0, 5, 400), days(5, 300))) == [0, 5]
    assert days_since(days(5), days(5, 6, 15)).tolist() == [np.inf, 1.0, 10.0]
