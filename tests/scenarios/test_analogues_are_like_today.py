"""Analogues: whole windows after them, apart from one another, and as alike as their parts."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from forecast.runs import analogues
from forecast.runs.analogues import find_analogues


@pytest.fixture(scope="module")
def quick(base):
    """The run with a headline of 93 days, so that its year and a half of record holds several windows."""
    headline = base.inputs.config.headline.model_copy(update={"milestone": "autumn"})
    config = base.inputs.config.model_copy(update={"headline": headline})
    return replace(base, inputs=replace(base.inputs, config=config))


def test_windows_are_whole_and_apart_and_the_most_alike_come_first(quick):
    found = find_analogues(quick)
    assert len(found) > 1
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    days = sorted(one.day for one in found)
    assert all(one + timedelta(days=92) <= date(2022, 7, 1) and one.day == 1 for one in days)
    assert all((b - a).days >= 92 for a, b in pairwise(days))


def test_a_distance_is_made_of_its_parts(quick):
    for one in find_analogues(quick):
        apart = [(part.then - part.now) / part.spread for part in one.state]
        assert one.distance == pytest.approx(np.sqrt(np.mean(np.square(apart))), rel=1e-9)
        assert {part.name: part.smoothed for part in one.state} == {
            "tension": True,
            "drift": True,
            "conflict": False,
            "past_cases": False,
        }


def test_what_followed_is_in_the_record(quick):
    for one in find_analogues(quick):
        controls = date(2022, 2, 1)  # the only act of the record that meets the target
        came = one.day <= controls < one.day + timedelta(days=one.horizon_days)
        assert one.happened == came
        assert one.first_case == ("e4" if came else None)
        assert one.after_days == ((controls - one.day).days if came else None)


def test_past_cases_are_those_known_then(quick):
    found = {one.day: one for one in find_analogues(quick)}
    for day, one in found.items():
        cases = next(part for part in one.state if part.name == "past_cases")
        assert cases.then == (day > date(2022, 2, 1)) / ((day - date(2021, 1, 1)).days / 365.25)
        assert cases.now == pytest.approx(1 / ((date(2022, 7, 1) - date(2021, 1, 1)).days / 365.25))


def test_a_target_never_seen_is_compared_by_the_other_parts(quick):
    headline = quick.inputs.config.headline.model_copy(update={"target": "lethal"})
    config = quick.inputs.config.model_copy(update={"headline": headline})
    found = find_analogues(replace(quick, inputs=replace(quick.inputs, config=config)))
    assert found
    assert all(not one.happened and len(one.state) == 3 for one in found)


def test_a_record_too_short_has_none(quick, monkeypatch):
    monkeypatch.setattr(analogues, "FIRST_DAYS", 500)
    assert find_analogues(quick) == ()
