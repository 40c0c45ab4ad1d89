"""When to act: closed forms of the cost–loss model."""

from types import SimpleNamespace

import pytest
import yaml

from forecast.config import load_config
from forecast.errors import ConfigError
from forecast.evaluation.track_record import decision_of

CASE = {
    "name": "case",
    "dyad": {"a": "USA", "b": "CHN"},
    "as_of": "2023-07-10",
    "events": {"source": "bundled:us-china"},
    "targets": {"clash": {"any_of": ["military_incident"], "min_severity": 4}},
}


def decided(tmp_path, stated, probability):
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(CASE | ({"decision": stated} if stated else {})))
    config = load_config(path)
    inputs = SimpleNamespace(config=config, data=SimpleNamespace(grid=SimpleNamespace(origin=config.as_of)))
    return decision_of(
        SimpleNamespace(
            inputs=inputs,
            probability=lambda target, day: probability,
            chance_above=lambda target, day, threshold: float(probability > threshold),
        )
    )


@pytest.mark.parametrize(
    ("stated", "low", "threshold", "high"),
    [
        ({"act": 1, "surprised": 12}, 1 / 12, 1 / 12, 1 / 12),
        ({"act": [1, 4], "surprised": [10, 40]}, 1 / 40, 2 / 20, 4 / 10),
    ],
)
def test_acting_pays_from_the_ratio_of_cost_and_loss(tmp_path, stated, low, threshold, high):
    for probability, advice in ((low - 0.001, "wait"), (high, "act"), ((low + high) / 2, None)):
        found = decided(tmp_path, stated, probability)
        assert (*found.threshold_range, found.threshold) == pytest.approx((low, high, threshold))
        assert found.advice == (advice or ("depends" if low < high else "act"))
    assert decided(tmp_path, None, 0.5) is None


@pytest.mark.parametrize(
    ("act", "surprised", "said"),
    [
        (0, 12, r"decision\.act: got 0; expected a cost above 0"),
        (1, -2, r"decision\.surprised: got -2; expected a cost above 0"),
        ([3, 1], 12, "expected a cost above 0, or"),
        ("cheap", 12, r"decision\.act: got 'cheap'"),
        (12, 12, "acting never pays"),
        (1, None, "surprised"),
    ],
)
def test_costs_that_cannot_be_are_refused_with_their_key(tmp_path, act, surprised, said):
    with pytest.raises(ConfigError, match=rf"case\.yaml:.*{said}"):
        decided(tmp_path, {"act": act, "surprised": surprised}, 0.5)
