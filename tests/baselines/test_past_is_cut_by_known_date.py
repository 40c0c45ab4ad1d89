from datetime import date

import numpy as np
import pytest

from forecast.baselines import find_record_start, past_events
from forecast.errors import InputError

START = date(2000, 1, 1)


def test_window_hits_say_which_past_windows_held_a_target(make_events, force):
    past = past_events(make_events([2, 5]), force, np.datetime64("2000-01-09"), START)
    # Eight days, 0 to 7; windows of three days begin on days 0 to 5.
    np.testing.assert_array_equal(past.window_hits(3), [True, True, True, True, True, True])
    np.testing.assert_array_equal(past.window_hits(2), [False, True, True, False, True, True, False])
    assert past.window_hits(9).shape == (0,)


def test_only_what_was_public_before_the_origin_is_kept(make_events, force):
    events = make_events([2, 5, 6], known={1: 30})
    past = past_events(events, force, date(2000, 1, 7), START)
    assert past.day.tolist() == [2]
    late = past_events(events, force, date(2000, 2, 1), START)
    assert late.day.tolist() == [2, 5, 6]


def test_events_before_the_start_are_left_out(make_events, force):
    past = past_events(make_events([2, 5]), force, date(2000, 1, 20), date(2000, 1, 5))
    assert past.day.tolist() == [1]
    assert past.n_days == 15


def test_an_event_counts_by_half_after_one_half_life(make_events, force):
    past = past_events(make_events([3]), force, date(2000, 1, 31), START)
    count = past.decayed_count(past.is_target, 10.0)
    assert count.shape == (31,)
    assert count[:4].tolist() == [0, 0, 0, 0]
    assert count[4] == 1
    assert count[14] == pytest.approx(0.5)
    assert past.decayed_count(past.is_target, np.inf)[-1] == 1


def test_an_act_disclosed_late_enters_late_and_already_aged(make_events, force):
    past = past_events(make_events([3], known={0: 13}), force, date(2000, 1, 31), START)
    count = past.decayed_count(past.is_target, 10.0)
    assert count[13] == 0
    assert count[14] == pytest.approx(0.5)


def test_one_event_a_day_is_kept_of_several(make_events, force):
    past = past_events(make_events([3, 3, 8]), force, date(2000, 1, 31), START)
    assert past.day[past.first_of_day()].tolist() == [3, 8]


def test_an_origin_at_the_start_is_refused(make_events, force):
    with pytest.raises(InputError, match="origin 2000-01-01: nothing is known before it"):
        past_events(make_events([3]), force, START, START)


def test_a_record_starts_where_it_becomes_dense(make_events):
    stray, dense = [0, 200, 380], [700, 710, 720, 730, 740, 750]
    assert find_record_start(make_events([*stray, *dense]), date(2005, 1, 1)) == date(2001, 12, 1)
    assert find_record_start(make_events(stray), date(2005, 1, 1)) == START


@pytest.mark.parametrize("n_events", range(1, 8))
def test_a_record_of_a_few_events_starts_with_the_first(make_events, n_events):
    events = make_events([7 + 100 * place for place in range(n_events)])
    assert find_record_start(events, date(2005, 1, 1)) == date(2000, 1, 8)


def test_the_start_of_a_record_is_found_without_the_future(make_events):
    events = make_events([0, 200, 700, 710, 720, 730, 740, 750])
    assert find_record_start(events, date(2000, 1, 1 + 5)) == START
    with pytest.raises(InputError, match="no event is known before 1999-01-01"):
        find_record_start(events, date(1999, 1, 1))


def test_the_balkan_record_starts_with_the_war_and_the_us_china_one_with_its_first_event(
    nat_ser, usa_ser, us_china
):
    assert find_record_start(nat_ser, date(1993, 1, 1)) == date(1991, 5, 3)
    assert find_record_start(usa_ser, date(1993, 1, 1)) == date(1991, 5, 3)
    assert find_record_start(us_china, date(2019, 1, 1)) == date(2017, 1, 5)
