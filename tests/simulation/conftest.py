from datetime import date, timedelta

import numpy as np
import pytest

from forecast.panel.panel import TimeGrid, count_events
from forecast.panel.streams import TargetRule, stream_layout

START = date(2022, 1, 1)


@pytest.fixture(scope="session")
def target():
    return TargetRule("military", ("military_incident", "military_posture"), 4)


@pytest.fixture(scope="session")
def layouts(target):
    return {
        "joint": stream_layout("joint"),
        "focused": stream_layout("focused", target),
        "target": stream_layout("target", target),
    }


@pytest.fixture(scope="session")
def quiet_past(coded):
    """A past of so many days in which nothing happened."""

    def make(layout, days: int = 70):
        return count_events(coded(), TimeGrid(START, START + timedelta(days=days)), layout)

    return make


@pytest.fixture(scope="session")
def assert_shares():
    """Shares of independent paths lie within 4.5 standard errors of their probabilities."""

    def check(shares, probabilities, n_paths: int) -> None:
        shares, probabilities = np.asarray(shares), np.asarray(probabilities)
        error = np.sqrt(probabilities * (1 - probabilities) / n_paths) + 1e-12
        z = (shares - probabilities) / error
        assert np.abs(z).max() < 4.5, f"shares {shares}, probabilities {probabilities}, z {z.round(1)}"

    return check
