from datetime import date

import numpy as np
import pytest

from forecast.baselines import horizon_lengths, observe_outcomes, origins_of
from forecast.errors import InputError


def days(*texts: str) -> list[np.datetime64]:
    return [np.datetime64(text) for text in texts]


def test_origins_are_the_days_within_the_span():
    assert list(origins_of("monthly", date(2020, 1, 2), date(2020, 4, 1))) == days(
        "2020-02-01", "2020-03-01", "2020-04-01"
    )
    assert list(origins_of("monthly", date(2020, 1, 1), date(2020, 1, 31))) == days("2020-01-01")
    weeks = days("2020-02-24", "2020-03-02", "2020-03-09")
    assert list(origins_of("weekly", date(2020, 2, 24), date(2020, 3, 9))) == weeks
    assert list(origins_of("weekly", date(2020, 2, 24), date(2020, 3, 8))) == weeks[:2]
    quarters = days("2020-10-01", "2021-01-01", "2021-04-01")
    assert list(origins_of("quarterly", date(2020, 10, 1), date(2021, 4, 1))) == quarters
    assert list(origins_of([date(2021, 5, 1), date(2020, 5, 1)])) == days("2020-05-01", "2021-05-01")


def test_the_window_holds_the_origin_s_day_and_not_the_day_after_its_end(make_events, force):
    events = make_events([10, 40])
    origins = origins_of([date(2000, 1, day) for day in (10, 11, 12)])
    outcomes = observe_outcomes(events, force, origins, horizon_lengths([29, 30]), date(2000, 12, 31))
    # Events fall on 11 January and on 10 February; the window of 30 days from 12 January ends that day.
    np.testing.assert_array_equal(outcomes.outcome, [[1, 1], [1, 1], [0, 1]])


@pytest.mark.parametrize(("severity", "outcome"), [(5, 1), (4, 0)])
def test_an_outcome_counts_from_its_severity_on_whenever_it_became_public(
    make_events, force, severity, outcome
):
    events = make_events([10], known={0: 900}, severity=severity)
    origins = origins_of([date(2000, 1, 5)])
    found = observe_outcomes(events, force, origins, horizon_lengths([30]), date(2000, 12, 31))
    assert found.outcome.item() == outcome


def test_a_window_that_ends_after_the_data_is_left_out_and_not_guessed(make_events, force):
    events = make_events([10])
    origins = origins_of([date(2000, 1, 2), date(2000, 1, 3)])
    outcomes = observe_outcomes(events, force, origins, horizon_lengths([9, 30]), date(2000, 1, 31))
    np.testing.assert_array_equal(outcomes.complete, [[True, True], [True, False]])
    np.testing.assert_array_equal(outcomes.outcome, [[0, 1], [1, np.nan]])


def test_a_horizon_without_any_complete_window_is_refused_with_the_longest_allowed(make_events, force):
    origins = origins_of([date(2000, 1, 2)])
    with pytest.raises(InputError, match=r"no window of 31 days is complete.*Allowed: up to 30 days"):
        observe_outcomes(make_events([10]), force, origins, horizon_lengths([31]), date(2000, 1, 31))
    with pytest.raises(InputError, match="Begin earlier"):
        observe_outcomes(make_events([10]), force, origins, horizon_lengths([30]), date(1999, 1, 31))
