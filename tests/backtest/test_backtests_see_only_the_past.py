"""Whatever becomes known on or after an origin changes no forecast made at it, by any model."""

from datetime import date

import numpy as np
import pytest

from forecast.evaluation.past_forecasts import MODELS, collect, run_unit
from forecast.events.table import FIELDS, EventTable

POISONED_FROM = date(2020, 2, 1)


def poisoned(events: EventTable) -> EventTable:
    """Change category and severity of every row known on or after the day, and drop every third of them."""
    late = np.flatnonzero(events.known_date >= np.datetime64(POISONED_FROM))
    columns = {name: np.array(getattr(events, name)) for name in FIELDS}
    columns["category"][late] = "military_incident"
    columns["severity"][late] = 5
    columns["summary"][late] = "poison"
    kept = np.ones(len(events), dtype=bool)
    kept[late[::3]] = False
    return EventTable.sort_rows(
        {name: column[kept] for name, column in columns.items()}, "poisoned", has_verified=events.has_verified
    )


@pytest.fixture(scope="module")
def pair(us_china, make_plan):
    """Forecasts of all models and baselines, from the events as they are and from poisoned ones."""
    plan = make_plan(models=MODELS, origins=(POISONED_FROM, date(2020, 3, 1)), start=date(2019, 1, 1))

    def forecasts(events):
        return collect(plan, events, [run_unit(plan, events, unit) for unit in plan.units])

    return forecasts(us_china), forecasts(poisoned(us_china))


def by_model(table, model, late: bool):
    rows = table.select(who=model)
    return rows.chance[(rows.origin > np.datetime64(POISONED_FROM)) == late]


def test_no_forecast_up_to_the_poisoned_day_changes_by_a_bit(pair):
    clean, poison = pair
    assert clean.models == (
        *MODELS,
        "climatology",
        "constant_rate",
        "last_window",
        "gamma_poisson",
        "decayed_logistic",
    )
    for model in clean.models:
        before = by_model(clean, model, late=False)
        assert len(before) == 2
        assert before.tobytes() == by_model(poison, model, late=False).tobytes(), model


def test_the_poison_reaches_the_forecasts_after_it(pair):
    clean, poison = pair
    for model in clean.models:
        assert np.all(by_model(clean, model, late=True) != by_model(poison, model, late=True)), model
