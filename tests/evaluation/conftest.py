from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.evaluation.forecast_table import ForecastTable
from forecast.events.reading import read_events
from forecast.events.table import Event, EventTable
from forecast.panel.streams import TargetRule

FIRST = date(2000, 1, 1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    return Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.fixture(scope="session")
def nat_ser(shared_data) -> EventTable:
    return read_events(shared_data / "balkans/nat-ser.csv")


@pytest.fixture(scope="session")
def usa_ser(shared_data) -> EventTable:
    return read_events(shared_data / "balkans/usa-ser.csv")


@pytest.fixture(scope="session")
def us_china(shared_data) -> EventTable:
    return read_events(shared_data / "us-china-2017-2023.csv")


@pytest.fixture(scope="session")
def force() -> TargetRule:
    return TargetRule("force", ("military_incident",), 5)


@pytest.fixture(scope="session")
def make_events():
    """Make a table of target events (military incidents of severity 5) from days after 2000-01-01."""

    def make(days, *, known=None, category="military_incident", severity=5) -> EventTable:
        known = {} if known is None else known
        events = [
            Event(
                id=f"e{place:05}",
                date=FIRST + timedelta(days=int(day)),
                known_date=FIRST + timedelta(days=int(known.get(place, day))),
                initiator="USA",
                recipient="CHN",
                category=category,
                severity=severity,
            )
            for place, day in enumerate(days)
        ]
        return EventTable.from_events(events, "made for a test")

    return make


@pytest.fixture(scope="session")
def make_table():
    """Make a ForecastTable of monthly origins from probabilities and outcomes."""

    def make(
        probability, outcome, *, model="climatology", target="force", horizon=30, skip=0
    ) -> ForecastTable:
        n = len(outcome)
        months = np.datetime64("2000-01") + np.arange(skip, skip + n) * np.timedelta64(1, "M")
        return ForecastTable(
            origin=months.astype("datetime64[D]"),
            horizon_days=np.full(n, horizon, dtype=np.int64),
            target=np.full(n, target, dtype=np.object_),
            model=np.full(n, model, dtype=np.object_),
            probability=np.broadcast_to(np.asarray(probability, dtype=np.float64), n).copy(),
            outcome=np.asarray(outcome, dtype=np.int8),
        )

    return make
