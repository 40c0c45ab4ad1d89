from datetime import date

import numpy as np
import pytest

from forecast.errors import InputError
from forecast.events.codebook import CATEGORIES
from forecast.panel.panel import (
    SEVERE_HALF_LIFE_DAYS,
    TimeGrid,
    count_events,
    count_panel,
    decay_per_step,
    decayed_before,
    knots_for,
    recent_severe_term,
)
from forecast.panel.streams import stream_layout

JOINT = stream_layout("joint")
START = date(2020, 1, 1)
VISIT, DISPUTE, POSTURE = (CATEGORIES.index(name) for name in ("visit", "dispute", "military_posture"))


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
    return count_events(table, TimeGrid(START, date(2020, 1, 17)), JOINT)


def test_counts_are_those_made_by_hand(counted):
    expected = np.zeros((3, 8), dtype=np.int64)
    expected[0, VISIT] = 1
    expected[0, DISPUTE] = 1
    expected[1, DISPUTE] = 2
    expected[2, POSTURE] = 1
    np.testing.assert_array_equal(counted.counts[0], expected)


def test_reach_counts_the_events_of_each_severity_or_above(counted):
    np.testing.assert_array_equal(counted.reach[..., 0], counted.counts)
    np.testing.assert_array_equal(counted.reach[0, 1, DISPUTE], [2, 1, 1, 1, 1])  # severities 1 and 5
    np.testing.assert_array_equal(counted.reach[0, 0, DISPUTE], [1, 1, 1, 1, 0])  # severity 4
    np.testing.assert_array_equal(counted.reach[0, 2, POSTURE], [1, 1, 1, 0, 0])
    assert counted.reach.sum() == 5 + 4 + 2 + 3 + 1


def test_severe_events_count_from_the_step_after_their_own(counted):
    d = 2 ** (-7 / SEVERE_HALF_LIFE_DAYS)
    np.testing.assert_allclose(counted.severe_recent[0], [0, d, d * d + d])


def test_a_last_step_cut_by_the_origin_has_the_exposure_of_its_days(counted):
    assert (counted.grid.n_steps, counted.grid.last_exposure) == (3, pytest.approx(2 / 7))
    np.testing.assert_allclose(counted.exposure[0], [1, 1, 2 / 7])


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


def test_a_step_begins_on_its_first_day():
    grid = TimeGrid(START, date(2020, 1, 17))
    assert [grid.first_day(step) for step in (0, 2)] == [START, date(2020, 1, 15)]


def test_knots_reach_from_the_first_step_beyond_the_last():
    assert [knots_for(n) for n in (1, 4, 5, 8, 9)] == [2, 2, 3, 3, 4]
    assert TimeGrid(START, date(2020, 2, 1)).n_knots == knots_for(5)


@pytest.mark.parametrize("origin", [START, date(2019, 12, 1)])
def test_an_empty_window_is_refused(origin):
    with pytest.raises(InputError, match=f"window is empty: it starts {START} and ends before {origin}"):
        TimeGrid(START, origin)


def test_a_table_without_events_gives_zeros(coded):
    counted = count_events(coded(), TimeGrid(START, date(2020, 3, 1)), JOINT)
    assert (counted.counts.sum(), counted.reach.sum(), counted.severe_recent.sum()) == (0, 0, 0.0)
    assert counted.counts.shape == (1, 9, 8)


def test_moving_the_origin_leaves_the_steps_before_alone(us_china):
    whole = count_events(us_china, TimeGrid(date(2017, 1, 20), date(2023, 7, 11)), JOINT)
    cut = count_events(us_china, TimeGrid(date(2017, 1, 20), date(2021, 5, 6)), JOINT)
    full = cut.grid.n_steps - 1
    np.testing.assert_array_equal(cut.counts[:, :full], whole.counts[:, :full])
    np.testing.assert_array_equal(cut.reach[:, :full], whole.reach[:, :full])
    np.testing.assert_array_equal(cut.severe_recent, whole.severe_recent[:, : full + 1])


def test_every_bundled_event_in_the_window_is_counted_once(us_china):
    window = us_china.between(date(2017, 1, 20), date(2023, 7, 10))
    counted = count_events(us_china, TimeGrid(date(2017, 1, 20), date(2023, 7, 11)), JOINT)
    assert counted.counts.sum() == len(window)
    assert counted.reach.sum() == window.severity.sum()


def test_a_single_pulse_decays_by_half_each_half_life():
    pulse = np.array([0, 3, 0, 0, 0, 0])
    np.testing.assert_allclose(decayed_before(pulse, 14.0), [0, 0, *(3 * 2 ** (-np.arange(1, 5) / 2))])


def test_constant_counts_tend_to_the_geometric_sum():
    d = float(decay_per_step(10.0))
    total = decayed_before(np.full(200, 2), 10.0)
    steps = np.arange(200)
    np.testing.assert_allclose(total, 2 * d * (1 - d**steps) / (1 - d), rtol=1e-12)


def test_decay_halves_in_a_half_life():
    np.testing.assert_allclose(decay_per_step(np.array([7.0, 14.0, 3.5])), [0.5, 2**-0.5, 0.25])


def test_the_recent_severe_term_is_zero_at_one_tenth():
    np.testing.assert_allclose(recent_severe_term(np.array([0.1, 0.0, 1.9])), [0, -np.log(2), np.log(10)])


def test_a_panel_counts_each_dyad_as_if_it_were_alone(table, us_china):
    grid = TimeGrid(START, date(2020, 6, 3))
    known = np.linspace(1.0, 0.3, 2 * grid.n_steps).reshape(2, -1)
    panel = count_panel({"made": table, "real": us_china}, grid, JOINT, completeness=known)
    assert (panel.dyads, len(panel)) == (("made", "real"), 2)
    for i, events in enumerate((table, us_china)):
        alone = count_events(events, grid, JOINT, known[i])
        for name in ("counts", "reach", "severe_recent", "completeness", "exposure", "felt_counts"):
            expected = getattr(alone, name)
            assert expected.shape[0] == 1
            np.testing.assert_array_equal(getattr(panel, name)[i], expected[0], err_msg=name)
            chosen = getattr(panel.select(slice(i, i + 1)), name)
            np.testing.assert_array_equal(chosen, expected, err_msg=name)
    assert panel.counts[1].sum() > panel.counts[0].sum() > 0


@pytest.mark.parametrize(
    ("start", "first"),
    [
        (START, 0),
        (date(2020, 1, 2), 1),  # within step 0, so the first whole step is the next
        (date(2020, 1, 8), 1),
        (date(2020, 1, 9), 2),
        (date(2019, 1, 1), 0),  # a record older than the grid
    ],
)
def test_a_dyad_counts_from_the_first_whole_step_of_its_record(table, counted, start, first):
    grid = TimeGrid(START, date(2020, 1, 17))
    panel = count_panel({"old": table, "young": table}, grid, JOINT, starts={"young": start})
    assert panel.first_step.tolist() == [0, first]
    np.testing.assert_allclose(panel.exposure, [[1, 1, 2 / 7], [0] * first + [1, 1, 2 / 7][first:]])
    np.testing.assert_array_equal(panel.counts[0], counted.counts[0])
    np.testing.assert_array_equal(panel.counts[1, first:], counted.counts[0, first:])
    np.testing.assert_array_equal(panel.reach[1, first:], counted.reach[0, first:])
    for array in (panel.counts, panel.reach, panel.felt_counts):
        assert array[1, :first].sum() == 0
    # Severe acts before the record are unknown to it: only the dispute of step 1 and later ones are felt.
    d = 2 ** (-7 / SEVERE_HALF_LIFE_DAYS)
    severe = [0, d, d * d + d] if first == 0 else [0, 0, d if first == 1 else 0]
    np.testing.assert_allclose(panel.severe_recent[1], severe)
