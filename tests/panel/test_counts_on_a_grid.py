from datetime import date

import numpy as np
import pytest

from forecast.errors import InputError
from forecast.panel import TargetRule, TimeGrid, count_events, knots_for, stream_layout

LAYOUT = stream_layout([TargetRule("quarrel", ("dispute",), 4)])
START = date(2020, 1, 1)
VISIT, DISPUTE, POSTURE, QUARREL = (
    LAYOUT.streams.index(name) for name in ("visit", "dispute", "military_posture", "quarrel")
)


@pytest.fixture(scope="module")
def table(coded):
    return coded(
        ("2019-12-31", "visit", 2),  # the day before the grid
        ("2020-01-01", "visit", 2),  # its first day
        ("2020-01-07", "dispute", 4),  # last day of step 0
        ("2020-01-08", "dispute", 1),  # first day of step 1
        ("2020-01-09", "dispute", 5),
        ("2020-01-16", "military_posture", 3),  # step 2, the last day before the origin
        ("2020-01-17", "military_posture", 3),  # the origin
        ("2020-02-20", "visit", 1),
    )


@pytest.fixture(scope="module")
def counted(table):
    return count_events(table, TimeGrid(START, date(2020, 1, 17)), LAYOUT)


def test_counts_are_those_made_by_hand(counted):
    expected = np.zeros((3, len(LAYOUT.streams)), dtype=np.int64)
    expected[0, [VISIT, QUARREL]] = 1
    expected[1, [DISPUTE, QUARREL]] = 1
    expected[2, POSTURE] = 1
    np.testing.assert_array_equal(counted.counts, expected)
    assert counted.graded.tolist() == [[0, 0, 0, 1, 0], [1, 0, 0, 0, 1], [0, 0, 1, 0, 0]]
    np.testing.assert_allclose(counted.exposure, [1, 1, 2 / 7])


def test_the_mix_is_the_share_of_each_severity_with_half_an_act_spread_evenly(counted):
    mix = counted.mix
    np.testing.assert_allclose(mix[QUARREL], [0, 0, 0, 1.25 / 2.5, 1.25 / 2.5])
    np.testing.assert_allclose(mix[DISPUTE], [(1 + 0.5 / 3) / 1.5, 0.5 / 4.5, 0.5 / 4.5, 0, 0])
    # Never seen: each that the stream can hold.
    np.testing.assert_allclose(mix[LAYOUT.streams.index("sanction")], np.full(5, 0.2))
    np.testing.assert_array_equal(mix[VISIT], np.zeros(5))


def test_cooperation_in_a_cell_with_conflict_is_in_its_mix_and_not_in_conflict_by_severity(coded):
    layout = stream_layout([TargetRule("news", ("visit", "dispute"), 4)])
    table = coded(("2020-01-01", "visit", 5), ("2020-01-02", "dispute", 4), ("2020-01-03", "visit", 4))
    panel = count_events(table, TimeGrid(START, date(2020, 1, 8)), layout)
    news = layout.streams.index("news")
    assert panel.counts[0, news] == 3
    assert panel.graded.tolist() == [[0, 0, 0, 1, 0]]
    # Four kinds of act are in the cell, and conflict of either severity is one of them.
    np.testing.assert_allclose(panel.mix[news], [0, 0, 0, (1 + 0.125) / 3.5, 0.125 / 3.5])


@pytest.mark.parametrize(
    ("origin", "n_steps", "exposure"),
    [
        (date(2020, 1, 2), 1, 1 / 7),
        (date(2020, 1, 8), 1, 1.0),
        (date(2020, 1, 9), 2, 1 / 7),
        (date(2020, 1, 14), 2, 6 / 7),
        (date(2020, 1, 15), 2, 1.0),
    ],
)
def test_steps_and_exposure_add_up_to_the_days_observed(origin, n_steps, exposure):
    grid = TimeGrid(START, origin)
    assert (grid.n_steps, grid.last_exposure) == (n_steps, pytest.approx(exposure))
    assert (grid.n_steps - 1 + grid.last_exposure) * 7 == pytest.approx((origin - START).days)


def test_knots_reach_from_the_first_step_beyond_the_last():
    assert [knots_for(n) for n in (1, 4, 5, 8, 9)] == [2, 2, 3, 3, 4]


@pytest.mark.parametrize("origin", [START, date(2019, 12, 1)])
def test_an_empty_window_is_refused(origin):
    with pytest.raises(InputError, match=f"window is empty: it starts {START} and ends before {origin}"):
        TimeGrid(START, origin)


def test_moving_the_origin_leaves_the_steps_before_alone(us_china):
    whole = count_events(us_china, TimeGrid(date(2017, 1, 20), date(2023, 7, 11)), LAYOUT)
    cut = count_events(us_china, TimeGrid(date(2017, 1, 20), date(2021, 5, 6)), LAYOUT)
    full = cut.grid.n_steps - 1
    np.testing.assert_array_equal(cut.counts[:full], whole.counts[:full])
    np.testing.assert_array_equal(cut.graded[:full], whole.graded[:full])


def test_later_steps_feel_what_is_not_yet_known_too(table):
    grid = TimeGrid(START, date(2020, 1, 17))
    panel = count_events(table, grid, LAYOUT, np.array([1.0, 0.5, 0.1]))
    np.testing.assert_allclose(panel.felt_counts[:, [DISPUTE, QUARREL]].T, [[0, 2, 0], [1, 2, 0]])
    # A completeness below a quarter is taken for a quarter.
    assert panel.felt_counts[2, POSTURE] == 4
    assert panel.felt_graded.tolist() == [[0, 0, 0, 1, 0], [2, 0, 0, 0, 2], [0, 0, 4, 0, 0]]
