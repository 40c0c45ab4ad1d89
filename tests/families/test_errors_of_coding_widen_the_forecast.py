"""Records as they may truly be, put together: Rubin's rules, and nothing at all where they do not differ."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.families.mixing import DrawShares, Mixing, Recoded
from forecast.simulation.probabilities import HitMoments

DAYS = 40
LEAST = 1e-4


def record(rate: float, spread: float = 0.2) -> HitMoments:
    mean = 1 - np.exp(-rate * np.arange(DAYS))
    return HitMoments(mean, spread * mean * (1 - mean))


def test_the_forecast_is_the_mean_of_the_records_with_the_spread_within_and_between():
    records = [record(rate, spread) for rate, spread in ((0.01, 0.1), (0.02, 0.2), (0.03, 0.1))]
    moved = Recoded.of(record(0.05), records, LEAST).moved(record(0.05))
    means = np.array([one.mean for one in records])
    assert moved.mean == pytest.approx(means.mean(axis=0), abs=1e-12)
    within = np.mean([one.variance for one in records], axis=0)
    rubin = within + (1 + 1 / 3) * means.var(axis=0, ddof=1)
    assert moved.variance == pytest.approx(rubin, abs=1e-12)


def test_records_that_do_not_differ_change_nothing():
    coded = record(0.02)
    recoded = Recoded.of(coded, [coded] * 5, LEAST)
    assert recoded.gap == pytest.approx(0.0, abs=1e-12)
    assert recoded.spread == pytest.approx(1.0, abs=1e-9)
    assert recoded.error == pytest.approx(0.0, abs=1e-12)


def test_records_that_differ_make_the_interval_wider():
    coded = record(0.02)
    recoded = Recoded.of(coded, [record(rate) for rate in (0.015, 0.02, 0.025)], LEAST)
    assert (recoded.spread[1:] > 1.0).all()
    assert recoded.error[1:].min() > 0.0


def test_a_scenario_is_moved_by_the_same_change_of_log_odds():
    coded, other = record(0.02), record(0.08)
    recoded = Recoded.of(coded, [record(0.03)] * 2, LEAST)
    day = 20
    odds = [one.mean[day] / (1 - one.mean[day]) for one in (coded, record(0.03), other, recoded.moved(other))]
    assert odds[3] / odds[2] == pytest.approx(odds[1] / odds[0])


def shares(seed: int = 1) -> DrawShares:
    rng = np.random.default_rng(seed)
    plain, ahead = (rng.random((200, 4)) < chance for chance in (0.2, 0.3))
    return DrawShares(*(one.mean(axis=1) for one in (ahead | plain, plain, ahead & ~plain)))


MIXING = Mixing(*map(np.asarray, (0.5, 0.2, 0.9)), 1e-3)


def test_without_a_gap_every_number_is_the_same_to_the_last_bit():
    zero = replace(MIXING, gap=np.asarray(0.0))
    assert zero.value(shares().mean()).tobytes() == MIXING.value(shares().mean()).tobytes()
    assert zero.by_draw(shares()).tobytes() == MIXING.by_draw(shares()).tobytes()


@pytest.mark.parametrize("gap", [-2.0, -0.3, 0.7, 3.0])
def test_what_each_draw_says_has_the_moved_forecast_as_its_mean(gap):
    moved = replace(MIXING, gap=np.asarray(gap))
    value = float(moved.value(shares().mean()))
    before = float(MIXING.value(shares().mean()))
    assert np.log(value / (1 - value)) - np.log(before / (1 - before)) == pytest.approx(gap)
    assert moved.by_draw(shares()).mean() == pytest.approx(value, abs=1e-12)
    # The scatter of draws is that of the forecast made again with slightly other shares.
    slope = (value * (1 - value)) / (before * (1 - before))
    assert moved.by_draw(shares()).std() == pytest.approx(slope * MIXING.by_draw(shares()).std())
