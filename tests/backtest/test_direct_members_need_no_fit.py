"""Members that read their forecast off the record: computed with the baselines, averaged like any other."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pytest

from forecast.config import load_config
from forecast.evaluation import past_forecasts as units
from forecast.evaluation.past_forecasts import BacktestOptions, collect
from forecast.families import FAMILIES, Family
from forecast.workflows.backtest_folder import run_backtest

ORIGINS = (date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1))


@dataclass(frozen=True)
class Steady:
    """A share of the days since the origin, another one in every month."""

    name: str = "steady"
    label: str = "steady"
    colour: str = "#000000"
    method: str = "A member for tests."
    furthest_days: int = 10_000

    def by_day(self, *asked):
        raise AssertionError("one origin after the other")

    def at_origins(self, events, targets, origins, start, horizons):
        made = np.array([horizons / (100 * origin.month) for origin in origins.tolist()])
        return {target.name: made for target in targets}


@pytest.fixture
def families(monkeypatch):
    """A family that is a direct member alone, and one that averages it with the model."""
    alone = Family("steady", "steady", "#000000", (), fitted=False, direct=(Steady(),))
    mix = Family("mix", "mix", "#000000", (), fitted=True, direct=(Steady(),))
    monkeypatch.setitem(FAMILIES, "steady", alone)
    monkeypatch.setitem(FAMILIES, "mix", mix)
    monkeypatch.setattr("forecast.evaluation.past_forecasts.MODELS", tuple(FAMILIES))


def probabilities(table, model):
    return np.stack([table.select(who=model, horizon_days=days).chance for days in table.horizons], axis=1)


def test_a_model_of_direct_members_has_no_unit_and_the_numbers_of_its_members(families, make_plan, us_china):
    plan = make_plan(origins=ORIGINS, models=("steady",))
    assert plan.units == []
    found = probabilities(collect(plan, us_china, []), "steady")
    np.testing.assert_allclose(found, [[0.3, 0.9], [0.15, 0.45], [0.1, 0.3]])


def test_a_mixed_family_is_the_mean_of_the_model_and_its_others(families, make_plan, us_china, drawn_units):
    plan = make_plan(origins=ORIGINS, models=("model", "mix"))
    (unit,) = plan.units
    table = collect(plan, us_china, [units.run_unit(plan, us_china, unit)])
    steady = [[0.3, 0.9], [0.15, 0.45], [0.1, 0.3]]
    np.testing.assert_allclose(
        probabilities(table, "mix"), (probabilities(table, "model") + steady) / 2, rtol=1e-14
    )


def test_a_backtest_without_any_fit_is_whole(families, config_file, tmp_path, drawn_units):
    options = BacktestOptions(origins=ORIGINS, horizons=(30,), models=("steady",))
    done = run_backtest(load_config(config_file), options, folder=tmp_path / "backtest")
    assert (done.failures, len(done.plan.units), sum(drawn_units.values())) == ((), 0, 0)
    assert {who for _, _, who in done.scores.cells} > {"steady"}
    assert (tmp_path / "backtest/scores.json").is_file()


def test_a_forecast_is_marked_where_any_fit_behind_it_failed(families, make_plan, us_china, drawn_units):
    plan = make_plan(origins=ORIGINS, models=("model", "steady", "mix"))
    (unit,) = plan.units
    made = units.run_unit(plan, us_china, unit)
    failed = tuple(replace(one, converged=one.origin != ORIGINS[1]) for one in made.forecasts)
    table = collect(plan, us_china, [replace(made, forecasts=failed)])
    for model, marks in {
        "model": [0, 1, 0],
        "mix": [0, 1, 0],
        "steady": [0] * 3,
        "climatology": [0] * 3,
    }.items():
        assert table.select(who=model, horizon_days=30).failed_fit.tolist() == marks, model
