"""Twenty forecasts in one process hold no more at the end than after ten; a file left open is found."""

import os
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_forecasts_leave_nothing_behind_and_what_is_left_is_found(tool, monkeypatch):
    endurance = tool("attack/endurance")
    found = list(endurance.rows(20, 10, 0))
    assert endurance.growth(found, 10) == []
    left, honest = [], endurance.direct_forecast

    def leaky(day):
        left.append(os.open(endurance.CONFIG, os.O_RDONLY))
        return honest(day)

    monkeypatch.setattr(endurance, "direct_forecast", leaky)
    try:
        assert endurance.growth(list(endurance.rows(4, 2, 0)), 2) == ["open files grew by 2 (at most 0)"]
    finally:
        for handle in left:
            os.close(handle)
