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


def test_only_what_was_public_before_the_origin_is_kept_from_the_start_on(make_events, force):
    events = make_events([2, 5, 6], known={1: 30})
    assert past_events(events, force, date(2000, 1, 7), START).day.tolist() == [2]
    assert past_events(events, force, date(2000, 2, 1), START).day.tolist() == [2, 5, 6]
    cut = past_events(make_events([2, 5]), force, date(2000, 1, 20), date(2000, 1, 5))
    assert (cut.day.tolist(), cut.n_days) == ([1], 15)


@pytest.mark.parametrize(("known", "counts"), [({}, [0, 1, 0.5]), ({0: 13}, [0, 0, 0.5])])
def test_an_act_counts_by_half_after_a_half_life_and_enters_aged_if_late(make_events, force, known, counts):
    past = past_events(make_events([3], known=known), force, date(2000, 1, 31), START)
    assert past.decayed_count(past.is_target, 10.0)[[3, 4, 14]] == pytest.approx(counts)
    assert past.decayed_count(past.is_target, np.inf)[-1] == 1


def test_an_origin_at_the_start_is_refused(make_events, force):
    with pytest.raises(InputError, match="origin 2000-01-01: nothing is known before it"):
        past_events(make_events([3]), force, START, START)


def test_a_record_starts_where_it_becomes_dense(make_events):
    stray, dense = [0, 200, 380], [700, 710, 720, 730, 740, 750]
    assert find_record_start(make_events([*stray, *dense]), date(2005, 1, 1)) == date(2001, 12, 1)
    for n_events in range(1, 8):
        few = make_events([7 + 100 * place for place in range(n_events)])
        assert find_record_start(few, date(2005, 1, 1)) == date(2000, 1, 8)


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
