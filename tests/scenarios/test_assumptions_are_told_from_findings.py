"""What a change owes to the acts assumed, and what the paths say once something is seen: known answers."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.config import Scenario, load_config, load_scenarios
from forecast.config.settings_file import SourceMap
from forecast.inference.importance import monte_carlo_error, ratio_by_draw
from forecast.panel import FutureAct, TargetRule
from forecast.runs.inputs import target_rules
from forecast.scenarios import compare_scenarios
from forecast.scenarios.compare import by_effect
from forecast.simulation.paths import chance_before, quiet_chance

ROOT = Path(__file__).resolve().parents[2]
CLASH = {"date": "2022-08-15", "category": "military_incident", "severity": 5}
LETHAL = TargetRule("lethal", ("military_incident",), 5)


def assumed(*acts, **changes):
    settings = {"name": "assumed", "rationale": "A reason", "events": list(acts), **changes}
    return Scenario.checked(settings, SourceMap("test"))


def test_in_a_world_where_nothing_else_happens_the_whole_change_is_assumed(still):
    (found,) = compare_scenarios(still, [assumed({**CLASH, "probability": 0.6})], paths=6)
    for one in found.target("lethal").milestones:
        assert one.by_assumption == pytest.approx(0.6)
        assert abs(one.difference.value - one.by_assumption) <= 4.5 * one.difference.mcse


def test_an_act_too_mild_for_the_target_meets_nothing_by_assumption(base):
    (found,) = compare_scenarios(base, [assumed({**CLASH, "severity": 3})])
    assert {one.by_assumption for target in found.targets for one in target.milestones} == {0.0}
    (act,) = found.acts
    assert act.meets == ()
    assert act.severity == 3


def test_the_part_assumed_is_the_chance_of_the_act_where_the_run_had_no_hit(base):
    (found,) = compare_scenarios(base, [assumed({**CLASH, "probability": 0.4})])
    (act,) = found.acts
    assert act.meets == ("escalation", "lethal")
    for target in found.targets:
        for one in target.milestones:
            before = one.probability - one.difference.value
            assert one.by_assumption == pytest.approx(0.4 * (1 - before))


def test_scenarios_stand_in_the_order_of_what_the_model_adds(base):
    headline = base.forecast.headline

    def told(name, change, assumed_part, **known):
        (found,) = compare_scenarios(base, [assumed(CLASH, name=name)])

        def altered(one):
            moved = one.difference.model_copy(update={"value": change})
            return one.model_copy(update={"difference": moved, "by_assumption": assumed_part})

        targets = tuple(
            target.model_copy(update={"milestones": tuple(map(altered, target.milestones))})
            for target in found.targets
        )
        return found.model_copy(update={"targets": targets} | known)

    given = [
        told("assumed", 0.40, 0.39),
        told("withheld", 0.9, 0.0, targets=(), withheld="no_refit"),
        told("falls", -0.05, 0.0),
        told("rises", 0.02, None),
    ]
    assert [one.name for one in by_effect(given, headline)] == ["falls", "rises", "assumed", "withheld"]


def test_acts_stand_in_the_order_of_their_days(base):
    late, early = {**CLASH, "label": "late"}, {**CLASH, "date": "2022-07-15", "severity": 2, "label": "early"}
    (found,) = compare_scenarios(base, [assumed(late, early)])
    assert [one.label for one in found.acts] == ["early", "late"]


def test_scenarios_of_the_worked_case_assume_no_act_that_meets_its_headline():
    config = load_config(ROOT / "configs/us-china-2023.yaml")
    (rule,) = [one for one in target_rules(config) if one.name == config.headline.target]
    scenarios = load_scenarios(config)
    assert len(scenarios) > 4
    for scenario in scenarios:
        for act in scenario.events:
            assert not rule.meets(act.category, act.severity, act.by or rule.by[0]), scenario.name


def test_an_act_within_a_window_counts_with_the_share_of_its_days():
    act = FutureAct(date(2022, 9, 1), "military_incident", 5, 0.5, date(2022, 9, 10))
    origin, days = date(2022, 9, 1), np.array([0.0, 1.0, 5.0, 10.0, 19.0])
    np.testing.assert_allclose(chance_before(act, origin, days), 0.5 * np.array([0.0, 0.1, 0.5, 1.0, 1.0]))
    none = quiet_chance([act, act], LETHAL, origin, days, {})
    assert none[2] == pytest.approx((1 - 0.25) ** 2)
    assert (quiet_chance([replace(act, severity=4)], LETHAL, origin, days, {}) == 1.0).all()


def test_what_is_made_less_likely_and_believed_otherwise_is_recorded(base):
    scenario = assumed(
        CLASH,
        calendar={"probability": {"A minister visits": 0.1}},
        priors={"ballast.visit": "Normal(0, 0.05)"},
    )
    (found,) = compare_scenarios(base, [scenario], refit=False)
    assert [(one.label, one.before, one.after) for one in found.expectations] == [
        ("A minister visits", 0.5, 0.1)
    ]
    assert found.priors == ("ballast.visit",)
    assert [one.category for one in found.acts] == ["military_incident"]


def test_the_error_of_a_ratio_covers_its_scatter():
    rng, off = np.random.default_rng(7), []
    for _ in range(200):
        condition = rng.random((400, 4)) < 0.6
        hit = rng.random((400, 4)) < np.where(condition, 0.3, 0.8)
        both, whole = (hit & condition).mean(axis=1), condition.mean(axis=1)
        found = ratio_by_draw(both, whole)
        off.append((found.mean() - 0.3) / monte_carlo_error(found, 4))
    assert abs(np.mean(off)) < 0.25
    assert 0.85 < np.std(off) < 1.2
