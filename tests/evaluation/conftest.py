import numpy as np
import pytest

from forecast.baselines import DAY
from forecast.evaluation.score_table import ForecastTable, table_of


@pytest.fixture(scope="session")
def make_table():
    """Make a ForecastTable of monthly origins from chances and outcomes."""

    def make(
        chance, outcome, *, who="climatology", target="force", what="pair", horizon=30, skip=0, failed=0
    ) -> ForecastTable:
        months = np.datetime64("2000-01") + np.arange(skip, skip + len(outcome)) * np.timedelta64(1, "M")
        origin = months.astype("datetime64[D]")
        asked = {"what": what, "target": target, "origin": origin, "day": origin + horizon * DAY}
        return table_of({**asked, "who": who, "chance": chance, "outcome": outcome, "failed_fit": failed})

    return make
