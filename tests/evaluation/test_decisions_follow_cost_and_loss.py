"""When to act, and what acting on forecasts is worth: closed forms of the cost–loss model."""

import numpy as np
import pytest
import yaml

from forecast.config import load_config
from forecast.errors import ConfigError
from forecast.evaluation.forecast_table import join_forecasts
from forecast.evaluation.track_record import CostLoss, costs_of, decision_value

CASE = {
    "name": "case",
    "dyad": {"a": "USA", "b": "CHN"},
    "as_of": "2023-07-10",
    "events": {"source": "bundled:us-china"},
    "targets": {"clash": {"any_of": ["military_incident"], "min_severity": 4}},
}


def value(make_table, costs, said, outcome, base=0.3):
    tables = [make_table(said, outcome, who="combined"), make_table(base, outcome)]
    return decision_value(join_forecasts(tables), "combined", "force", 30, costs, seed=1)


def test_acting_pays_from_the_ratio_of_cost_and_loss():
    costs = CostLoss((1.0, 1.0), (12.0, 12.0))
    assert costs.threshold == pytest.approx(1 / 12)
    assert costs.threshold_range == pytest.approx((1 / 12, 1 / 12))
    ranged = CostLoss((1.0, 4.0), (10.0, 40.0))
    assert ranged.threshold_range == pytest.approx((1 / 40, 4 / 10))
    assert ranged.threshold == pytest.approx(2 / 20)


def test_expected_expense_is_least_at_the_threshold():
    # Of outcomes with chance p, acting costs C and waiting p L: they are equal where p = C / L.
    costs = CostLoss((2.0, 2.0), (8.0, 8.0))
    for p in (0.1, 0.24, 0.26, 0.9):
        act, wait = costs.expense(1.0, 0), p * costs.expense(0.0, 1)
        assert (act < wait) == (p > costs.threshold)
        assert p * costs.expense(p, 1) + (1 - p) * costs.expense(p, 0) == pytest.approx(min(act, wait))


def test_a_perfect_forecast_is_worth_all_and_the_base_rate_nothing(make_table):
    rng = np.random.default_rng(3)
    outcome = (rng.random(80) < 0.3).astype(int)
    costs = CostLoss((1.0, 1.0), (5.0, 5.0))
    perfect = value(make_table, costs, np.where(outcome == 1, 0.99, 0.01), outcome)
    assert perfect.value == pytest.approx(1.0)
    assert perfect.forecast == perfect.perfect == pytest.approx(outcome.mean())
    assert (perfect.always, perfect.never) == (1.0, pytest.approx(5 * outcome.mean()))
    same = value(make_table, costs, np.full(80, 0.3), outcome)
    assert same.value == pytest.approx(0.0)
    wrong = value(make_table, costs, np.where(outcome == 1, 0.01, 0.99), outcome)
    assert wrong.value < -0.5
    assert wrong.acted == (outcome == 0).sum()


def test_where_knowing_saves_nothing_there_is_no_value(make_table):
    costs = CostLoss((1.0, 1.0), (5.0, 5.0))
    found = value(make_table, costs, np.full(40, 0.1), np.zeros(40, int), base=0.01)
    assert found.value is None
    assert found.perfect == found.base_rate == 0.0


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"act": 0, "surprised": 12}, "decision.act: got 0; expected a cost above 0"),
        ({"act": 1, "surprised": -2}, "decision.surprised: got -2; expected a cost above 0"),
        ({"act": [3, 1], "surprised": 12}, "expected a cost above 0, or"),
        ({"act": "cheap", "surprised": 12}, "decision.act: got 'cheap'"),
        ({"act": 12, "surprised": 12}, "acting never pays"),
        ({"act": 1}, "surprised"),
    ],
)
def test_costs_that_cannot_be_are_refused_with_their_key(tmp_path, stated, said):
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(CASE | {"decision": stated}))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert said in str(caught.value)
    assert "case.yaml:" in str(caught.value)


def test_a_cost_is_a_number_or_a_range(tmp_path):
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(CASE | {"decision": {"act": 1, "surprised": [8, 20]}}))
    assert costs_of(load_config(path)) == CostLoss((1.0, 1.0), (8.0, 20.0))
    path.write_text(yaml.safe_dump(CASE))
    assert costs_of(load_config(path)) is None
