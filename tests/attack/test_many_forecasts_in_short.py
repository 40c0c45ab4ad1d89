"""Thirty forecasts in one process hold no more at the end than after ten; a leak that is put in is found."""

import os
import sys
from dataclasses import replace

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture(scope="module")
def endurance(tool):
    return tool("attack/endurance")


def test_thirty_forecasts_leave_no_file_and_no_memory_behind(endurance):
    found = list(endurance.rows(30, 10, 0))
    assert [one.forecasts for one in found] == [10, 20, 30]
    assert endurance.growth(found, 10) == []
    assert found[-1].mebibytes - found[0].mebibytes < 10
    # The rows themselves are objects.
    assert found[-1].objects - found[0].objects < 100


def test_a_file_left_open_by_each_forecast_is_found(endurance, monkeypatch):
    left, honest = [], endurance.direct_forecast

    def leaky(day):
        left.append(os.open(endurance.CONFIG, os.O_RDONLY))
        return honest(day)

    monkeypatch.setattr(endurance, "direct_forecast", leaky)
    try:
        found = list(endurance.rows(4, 2, 0))
    finally:
        for handle in left:
            os.close(handle)
    assert endurance.growth(found, 2) == ["open files grew by 2 (at most 0)"]


def test_memory_that_grows_is_found(endurance):
    first = endurance.Held(100, 2, 1.0, 500.0, 5, 1000, 0, 1)
    assert endurance.growth([first, replace(first, forecasts=500, mebibytes=519.0)], 100) == []
    (fault,) = endurance.growth([first, replace(first, forecasts=500, mebibytes=521.0)], 100)
    assert fault == "memory grew by 21 MiB (at most 20)"
    # The machine code of a fit stays with the process; more than that is a fault all the same.
    assert endurance.growth([first, replace(first, forecasts=500, fits=3, mebibytes=639.0)], 100) == []
    (fault,) = endurance.growth([first, replace(first, forecasts=500, fits=3, mebibytes=641.0)], 100)
    assert fault == "memory grew by 141 MiB (at most 140)"
