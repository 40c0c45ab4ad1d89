from datetime import date

import numpy as np
import pytest

from forecast.panel.panel import TimeGrid, count_events, count_panel
from forecast.panel.streams import TargetRule, stream_layout

TARGET = TargetRule("military", ("military_incident", "military_posture"), 4)
# 50 whole steps; 50 steps and three days. Both hold events of every category.
ORIGINS = {"whole": date(2022, 12, 31), "cut": date(2023, 1, 3), "late": date(2023, 1, 3)}
KNOWN_OF_THE_LAST = (0.95, 0.9, 0.8, 0.6, 0.4, 0.15)
"""Of the steps of ``late``, in which events are not all known yet."""
START = date(2022, 1, 15)


@pytest.fixture(scope="session")
def layouts():
    return {
        "joint": stream_layout("joint"),
        "focused": stream_layout("focused", TARGET),
        "target": stream_layout("target", TARGET),
    }


@pytest.fixture(scope="session")
def counted(us_china, layouts):
    """Counts of the bundled events by layout and last step (``whole``, ``cut``, or ``late`` reports)."""

    def count(family: str, last_step: str):
        grid = TimeGrid(START, ORIGINS[last_step])
        known = None
        if last_step == "late":
            known = np.ones(grid.n_steps)
            known[-len(KNOWN_OF_THE_LAST) :] = KNOWN_OF_THE_LAST
        return count_events(us_china, grid, layouts[family], known)

    return count


@pytest.fixture(scope="session")
def panels(us_china, layouts):
    """Panels of dyads by layout: all bundled events, every second one, and a record that starts late."""

    def count(family: str, n_dyads: int = 3):
        grid = TimeGrid(START, ORIGINS["cut"])
        tables = {
            "all": us_china,
            "half": us_china.select(np.arange(len(us_china)) % 2 == 0),
            "young": us_china,
        }
        known = np.ones((3, grid.n_steps))
        known[1, -len(KNOWN_OF_THE_LAST) :] = KNOWN_OF_THE_LAST
        starts = {"young": date(2022, 5, 4)}
        panel = count_panel(tables, grid, layouts[family], completeness=known, starts=starts)
        return panel.select(slice(3 - n_dyads, 3))

    return count
