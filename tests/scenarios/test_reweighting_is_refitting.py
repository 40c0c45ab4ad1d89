"""Scenarios that change priors: weights where they can be trusted, a new fit where they cannot."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from forecast.config import load_config
from forecast.inference.importance import PARETO_K_MAX, importance_weights
from forecast.records.forecast import MethodReason
from forecast.runs.inputs import read_inputs
from forecast.scenarios import compare_scenarios, plan_change
from forecast.scenarios.answer import (
    LEAST_SHARE,
    answered,
    log_prior_ratio,
    milestone_day,
    parameter_draws,
    way_of,
)
from forecast.workflows.forecast import fit

from .conftest import assumed, milestones


def test_unchanged_priors_give_weights_of_exactly_one(base):
    weights = importance_weights(log_prior_ratio(base, base.inputs.priors)).weights
    assert np.all(weights * base.n_draws == 1.0)
    (found,) = compare_scenarios(base, [assumed(priors={"ballast": "little", "tension.scale": "medium"})])
    changes = {(one.difference.value, one.difference.mcse) for one in milestones(found).values()}
    assert changes == {(0.0, 0.0)}


def test_the_log_ratio_is_that_of_the_changed_densities_alone(base):
    changes = {
        "tension.persistence": "slow",
        "follow_on.number": "Beta(2, 5)",
        "ballast": "Normal(0.05, 0.1)",
    }
    priors = base.inputs.priors.changed(changes, "scenario")
    expected = np.zeros(base.n_draws)
    kinds = ("visit", "channel_opening", "cooperation")
    for name in (*list(changes)[:2], *(f"ballast.{kind}" for kind in kinds)):
        values = parameter_draws(base, name)
        new, old = (known.priors[name].distribution for known in (priors, base.inputs.priors))
        expected += new.log_density(values) - old.log_density(values)
    np.testing.assert_allclose(log_prior_ratio(base, priors), expected, rtol=1e-12, atol=1e-12)
    assert np.ptp(expected) > 1


@pytest.mark.parametrize(
    "priors",
    [
        {"baseline.weekly_rate.sanction.USA": "LogNormal(mu=-2.2, sigma=0.4)"},
        {"tension.scale": "LogNormal(mu=0.1, sigma=0.5)", "drift.scale": "LogNormal(-1, 0.5)"},
        {"answers.severity": "LogNormal(-1.4, 0.7)", "answers.half_life_days": "LogNormal(0.8, 0.5)"},
    ],
    ids=["a rate", "tension", "severity"],
)
def test_reweighted_draws_of_a_prior_are_draws_of_the_other_prior(base, inputs, run_from, priors):
    # Without a likelihood the posterior under other priors is those priors: the answer of any refit.
    scenario = assumed(priors=priors)
    (found,) = compare_scenarios(base, [scenario], refit=False)
    assert found.method == "reweight"
    assert found.pareto_k < 0.7
    fitted = run_from(replace(inputs, priors=plan_change(inputs, scenario).inputs.priors), seed=2)
    for (target, name), one in milestones(found).items():
        by_draw = fitted.mixture.by_draw(target, milestone_day(fitted, name))
        error = np.hypot(one.mcse, by_draw.std(ddof=1) / np.sqrt(len(by_draw)))
        assert abs(one.probability - by_draw.mean()) < 4.5 * error, (target, name)


def test_a_probability_moves_the_way_the_prior_is_moved(base):
    for mean, sign in ((-3.8, 1), (-4.2, -1)):
        scenario = assumed(priors={"baseline.weekly_rate.escalation": f"LogNormal({mean}, 0.4)"})
        (found,) = compare_scenarios(base, [scenario], refit=False)
        change = found.target("escalation").milestones[-1].difference
        assert sign * change.value > 4 * change.mcse > 0


@pytest.fixture
def other_fit(base, monkeypatch):
    """Let a fit return other draws at once, and say what it was given."""
    given = []

    def refit(inputs, tell):
        given.append(inputs.data)
        return replace(base.process, draws=base.draws.rows(np.arange(base.n_draws)[::-1])), ()

    monkeypatch.setattr(sys.modules["forecast.scenarios.answer"], "fitted_anew", refit)
    return given


@pytest.mark.parametrize(
    ("priors", "reason"),
    [
        ({"baseline.weekly_rate": "LogNormal(0, 0.1)"}, "weights_not_trusted"),
        # A narrow prior inside a wide one: a bounded ratio, harmless by its tail.
        ({"tension.scale": "LogNormal(mu=-0.1054, sigma=0.02)"}, "too_few_effective_draws"),
    ],
    ids=["Pareto k", "effective draws"],
)
def test_weights_that_cannot_be_trusted_lead_to_a_new_fit(base, other_fit, priors, reason):
    (found,) = compare_scenarios(base, [assumed(priors=priors)])
    assert (found.method, found.reason.code) == ("refit", reason)
    limits = {
        "weights_not_trusted": (found.pareto_k, PARETO_K_MAX),
        "too_few_effective_draws": (found.effective_draws, LEAST_SHARE * base.n_draws),
    }
    assert (found.reason.value, found.reason.limit) == limits[reason]
    assert [len(data) for data in other_fit] == [len(base.inputs.data)]
    (withheld,) = compare_scenarios(base, [assumed(priors=priors)], refit=False)
    assert (withheld.targets, withheld.withheld, len(other_fit)) == ((), "no_refit", 1)


def test_past_events_taken_out_lead_to_a_new_fit_of_what_is_left(base, other_fit):
    (found,) = compare_scenarios(base, [assumed(without=["e4", {"category": "dispute"}])])
    assert (found.method, found.pareto_k) == ("refit", None)
    gone = base.inputs.data.by_stream - other_fit[0].by_stream
    streams = base.inputs.data.layout.streams
    assert {streams[k]: gone[k] for k in np.flatnonzero(gone)} == {
        "sanction.escalation.USA": 1,
        "dispute.CHN": 1,
    }
    # Two fits share no draws: the error of the difference is that of two separate numbers.
    one, before = (known.target("escalation").milestones[-1] for known in (found, base.forecast))
    assert one.difference.mcse == pytest.approx(np.hypot(one.mcse, before.mcse))


def test_priors_that_are_centred_on_the_record_move_with_it(folder):
    """A cell that held one act holds none then: its rate is that of the next milder acts, less often."""
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    head, rest = text.split("  priors:\n")
    (folder / "plain.yaml").write_text(head + rest[rest.index("sampler:") :], encoding="utf-8")
    inputs = read_inputs(load_config(folder / "plain.yaml"))
    plan = plan_change(inputs, assumed(without=["e4"]))
    assert not plan.changes_priors
    name = "baseline.weekly_rate.{}".format
    after_all = plan.inputs.priors
    before, after = (known.priors[name("escalation")].distribution for known in (inputs.priors, after_all))
    assert after.values[0] < before.values[0]
    assert after.values[1] > before.values[1]
    assert after_all.priors[name("sanction.CHN")] == inputs.priors.priors[name("sanction.CHN")]


def test_priors_and_futures_change_together(base, other_fit):
    act = {"date": "2022-07-20", "category": "military_posture", "severity": 3}
    priors = {"tension.scale": "LogNormal(mu=0.1, sigma=0.5)"}
    scenarios = (
        assumed(act, name="both", priors=priors),
        assumed(name="priors", priors=priors),
        assumed(act, name="act"),
    )
    both, beliefs, ahead = compare_scenarios(base, scenarios)
    assert [one.method for one in (both, beliefs, ahead)] == ["reweight", "reweight", "exact"]
    assert other_fit == []
    assert both.pareto_k == beliefs.pareto_k
    whole, *parts = (
        one.target("escalation").milestones[-1].difference.value for one in (both, beliefs, ahead)
    )
    # Nearly additive for small changes; each is there.
    assert whole == pytest.approx(sum(parts), abs=0.02)
    assert min(map(abs, parts)) > 0


REAL = """\
name: real
dyad: {a: USA, b: CHN}
as_of: 2023-07-10
events: {source: bundled:us-china, start: 2022-07-01}
targets:
  escalation: {any_of: [sanction, channel_closure, military_incident, military_posture], min_severity: 3}
milestones: [{name: soon, date: 2023-08-10}]
model: {family: model, population: none}
sampler: {seed: 3, draws: 500, tune: 300, chains: 2}
"""
PRIORS = (
    ("tension.scale", -0.1054, 0.5, "LogNormal"),
    ("tension.persistence", 4.787, 0.5, "LogNormal"),
    ("ballast.visit", 0.0, 0.1, "Normal"),
    ("drift.scale", 0.0, 0.5, "LogNormal"),
)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    path = tmp_path_factory.mktemp("real") / "config.yaml"
    path.write_text(REAL, encoding="utf-8")
    return fit(None, load_config(path), drivers=False)


@pytest.mark.parametrize(
    "priors", [PRIORS[0], *(pytest.param(one, marks=pytest.mark.slow) for one in PRIORS[1:])]
)
def test_changes_reweighted_are_changes_refitted(fitted, priors):
    name, mu, sigma, family = priors
    scenario = assumed(priors={name: f"{family}({mu + 0.7 * sigma:.4f}, {sigma:.4f})"})
    plan, day = plan_change(fitted.inputs, scenario), milestone_day(fitted, "soon")
    way = way_of(fitted, plan)
    assert way.method == "reweight"
    again = way._replace(method="refit", reason=MethodReason(code="past_taken_out"))
    one, two = answered(fitted, plan, way), answered(fitted, plan, again)
    error = np.hypot(*(each.errors("escalation", day, 0.0)[0] for each in (one, two)))
    error = np.hypot(error, fitted.mixture.error("escalation", day, fitted.n_chains))
    new, old = (each.curves["escalation"].mean[day] for each in (one, two))
    assert abs(new - old) < 4 * error
