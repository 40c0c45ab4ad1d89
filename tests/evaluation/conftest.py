import numpy as np
import pytest

from forecast.evaluation.forecast_table import ForecastTable


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
