"""Changes of the level of monthly counts are found where they are, and rarely where there are none."""

import numpy as np
import pytest

from forecast.runs.cautions import _breaks


def test_changes_are_found_in_their_months():
    numbers = np.random.default_rng(8)
    parts = [numbers.poisson(20, 36), numbers.poisson(50, 40), numbers.poisson(12, 30)]
    found = _breaks(np.concatenate(parts).astype(float))
    assert found == pytest.approx([36, 76], abs=1)


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_a_series_of_one_level_rarely_breaks_even_with_memory(memory):
    numbers = np.random.default_rng(11)
    false_alarms = 0
    for _ in range(300):
        noise = numbers.normal(size=120)
        level = noise.copy()
        for month in range(1, 120):
            level[month] = memory * level[month - 1] + np.sqrt(1 - memory**2) * noise[month]
        series = numbers.poisson(20 * np.exp(0.3 * level)).astype(float)
        false_alarms += bool(_breaks(series))
    # At most one in a thousand is meant; four of 300 would come with probability 0.0003.
    assert false_alarms <= 3


def test_short_and_silent_series_have_none():
    assert _breaks(np.repeat([1.0, 100.0], 5)) == []
    assert _breaks(np.zeros(60)) == []
