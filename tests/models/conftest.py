from datetime import date

import pytest

from forecast.series import TargetRule, TimeGrid, count_events, stream_layout

TARGET = TargetRule("military", ("military_incident", "military_posture"), 4)
# 50 whole steps; 50 steps and three days. Both hold events of every category.
ORIGINS = {"whole": date(2022, 12, 31), "cut": date(2023, 1, 3)}
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
    """Counts of the bundled events by layout and last step (``whole`` or ``cut``)."""

    def count(family: str, last_step: str):
        return count_events(us_china, TimeGrid(START, ORIGINS[last_step]), layouts[family])

    return count
