"""The mean of the members under any future: what is shown, kept and explained is one number."""

import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from forecast.config import load_config
from forecast.errors import ConfigError
from forecast.inference.importance import monte_carlo_error
from forecast.runs.inputs import read_inputs
from forecast.runs.mixture import quantiles
from forecast.runs.run import mixture_of, read_run, write_run
from forecast.runs.summaries import number_of_events, target_forecasts
from forecast.scenarios import compare_scenarios, plan_change
from forecast.scenarios.answer import answered, milestone_day, way_of
from forecast.sensitivity.shifts import measure_sensitivity
from forecast.watchlist.watch import direct_forecasts
from tests.conftest import seal

from .conftest import CLASH, assumed, milestones

QUESTIONS = [
    (target, milestone) for target in ("escalation", "lethal") for milestone in ("autumn", "new-year")
]
LONGER = {"answers.half_life_days": "LogNormal(1.2, 0.5)"}


def without_calendar(run):
    return mixture_of(replace(run.inputs, calendar=()), run.process)


# -- a run


@pytest.mark.parametrize("family", ["mixed", "partly", "mute", "pair", "alone"])
def test_every_milestone_is_the_plain_mean_of_the_members_with_its_calendar(run_of, family):
    run = run_of(family)
    plain = without_calendar(run)
    for (target, milestone), mixture in product(QUESTIONS, (plain, run.mixture)):
        day = milestone_day(run, milestone)
        members = mixture.member_forecasts(target, day)
        assert sum(one.weight for one in members) == pytest.approx(1.0)
        mean = sum(one.weight * one.with_acts for one in members)
        without = sum(one.weight * one.probability for one in members)
        assert without == pytest.approx(
            sum(one.weight * one.with_acts for one in plain.member_forecasts(target, day))
        )
        # A target is no less likely than one that it includes, though a member answers for it alone.
        nested = max(mean, mixture.probability("lethal", day))
        assert mixture.probability(target, day) == pytest.approx(
            nested if target == "escalation" else mean, abs=1e-12
        )
    assert sum(one.weight for one in run.forecast.members) == pytest.approx(1.0)
    for one in milestones(run.forecast).values():
        assert sum(member.weight for member in one.members) == pytest.approx(1.0)


def test_members_without_reactions_are_moved_by_those_to_past_acts(folder, families, run_from, mixed):
    """By as much as the model, whose chance of nothing is compared with that without such reactions."""
    when, then = "{category: military_posture, by: CHN}", "{category: sanction}"
    stated = f"reactions.answered={{when: {when}, then: {then}, days: 14, chance: 60%}}"
    run = run_from(read_inputs(load_config(folder / "config.yaml", [stated, "model.family=mixed"])))
    day = milestone_day(run, "new-year")
    ahead, without = (
        survival.of("escalation")[:, day].mean()
        for survival in (run.mixture.survival, run.process.survival(occasions=False, to_past=False))
    )
    fixed = run.mixture.member_forecasts("escalation", day)[1]
    assert ahead < 0.995 * without
    assert 1 - fixed.with_acts == pytest.approx((1 - fixed.probability) * ahead / without, rel=1e-9)
    by_draw = run.mixture.by_draw("escalation", day)
    assert by_draw.mean() == pytest.approx(run.mixture.probability("escalation", day), rel=1e-9)
    assert mixed.mixture.known is None


def test_a_member_that_says_nothing_leaves_the_model_exactly(run_of, base):
    mute = run_of("mute")
    for target, milestone in QUESTIONS:
        day = milestone_day(base, milestone)
        assert mute.mixture.probability(target, day) == base.mixture.probability(target, day)
        assert [one.name for one in mute.mixture.member_forecasts(target, day)] == ["model"]
        np.testing.assert_array_equal(mute.mixture.by_draw(target, day), base.mixture.by_draw(target, day))


@pytest.mark.parametrize("family", ["mixed", "partly", "alone"])
def test_curves_never_fall_and_targets_that_are_nested_stay_in_order(run_of, family):
    run = run_of(family)
    scenarios = [assumed({**CLASH, "probability": 0.3, "severity": 4}), assumed(CLASH)]
    for forecast in (run.forecast, *compare_scenarios(run, scenarios)):
        curves = {one.name: one.chances for one in forecast.targets}
        for curve in curves.values():
            assert np.all(np.diff(curve.mean) >= 0)
            assert np.all(np.array(curve.low) <= curve.high)
        wide, narrow = (
            dict(zip(curves[name].day, curves[name].mean, strict=True)) for name in ("escalation", "lethal")
        )
        assert all(wide[day] >= narrow[day] for day in wide.keys() & narrow.keys())


def test_interval_and_error_are_those_of_the_members_mixture(run_of, mixed, base):
    run = run_of("pair")
    # Two members, whose draws are .2 and .4, and .5: half of the weight each.
    curve = without_calendar(run).curves["escalation"]
    last = run.mixture.horizon_days
    low, high = quantiles(np.array([0.3, 0.5]), np.array([0.5, 0.5]))
    shown = curve.mean[last], curve.low[last], curve.high[last]
    assert shown == pytest.approx((0.4, low, high), abs=1e-9)
    day, quiet = milestone_day(mixed, "new-year"), without_calendar(mixed)
    model = monte_carlo_error(without_calendar(base).by_draw("escalation", day), mixed.n_chains)
    direct = 0.5 * np.sqrt(0.01 / 2)
    assert quiet.direct_error("escalation", day) == pytest.approx(direct)
    assert quiet.error("escalation", day, mixed.n_chains) == pytest.approx(np.hypot(model / 2, direct))


def test_a_milestone_further_ahead_than_a_member_answers_is_refused_with_its_line(folder, families):
    config = load_config(folder / "config.yaml", ["model.family=near"])
    with pytest.raises(ConfigError, match=r"12:22: milestones\[1\].date: .* Give a day up to 2022-10-09"):
        read_inputs(config)


@pytest.mark.parametrize("family", ["model", "mixed", "alone"])
def test_a_saved_run_has_the_same_mixture_bit_for_bit(run_of, family, tmp_path):
    run = run_of(family)
    write_run(run, tmp_path, tmp_path)
    seal(tmp_path)
    back = read_run(tmp_path).mixture
    np.testing.assert_array_equal(back.survival.values, run.mixture.survival.values)
    for name in run.mixture.survival.targets:
        kept, known = back.curves[name], run.mixture.curves[name]
        for part in ("mean", "low", "high"):
            np.testing.assert_array_equal(getattr(kept, part), getattr(known, part))
        np.testing.assert_array_equal(back.by_draw(name, 90), run.mixture.by_draw(name, 90))


# -- scenarios


@pytest.mark.parametrize("family", ["mixed", "partly", "alone"])
def test_the_difference_shown_is_that_of_the_numbers_shown_and_risk_never_lowers(run_of, family):
    run = run_of(family)
    before = milestones(run.forecast)
    acts = [
        {**CLASH, "severity": severity, "probability": probability}
        for severity in (3, 4, 5)
        for probability in (1e-4, 0.003, 0.05, 0.5, 1.0)
    ]
    beliefs = [assumed(priors=LONGER), assumed({**CLASH, "severity": 4}, priors=LONGER)]
    for found in compare_scenarios(run, [*map(assumed, acts), *beliefs], refit=False):
        for question, one in milestones(found).items():
            change = one.probability - before[question].probability
            assert one.difference.value == pytest.approx(change, abs=1e-12)
            # Records of scenarios are rounded to five digits.
            assert found.priors or change >= -1e-5
            if found.acts and found.acts[0].severity == 5:
                assert one.probability >= found.acts[0].probability - 1e-5


def test_a_refit_in_which_nothing_changed_changes_nothing(mixed, monkeypatch):
    plan = plan_change(mixed.inputs, assumed({**CLASH, "probability": 0.0}))
    way = way_of(mixed, plan)._replace(method="refit")
    module = sys.modules["forecast.scenarios.answer"]
    monkeypatch.setattr(module, "fitted_anew", lambda plan, tell: (mixed.process, ()))
    curves = answered(mixed, plan, way).curves
    for target, milestone in QUESTIONS:
        day = milestone_day(mixed, milestone)
        assert curves[target].mean[day] == mixed.mixture.probability(target, day)


def test_a_rare_act_moves_members_by_its_chance(run_of):
    """Of members that need no fit, what an act that meets a target adds is its own chance."""
    run = run_of("alone")
    before = milestones(run.forecast)
    (found,) = compare_scenarios(run, [assumed({**CLASH, "date": "2022-07-05", "probability": 4e-4})])
    for question, one in milestones(found).items():
        assert one.difference.value == pytest.approx(4e-4 * (1 - before[question].probability), abs=1e-5)


def test_a_forecast_without_the_model_is_moved_by_no_prior(run_of):
    run = run_of("alone")
    inputs = replace(run.inputs, calendar=())
    quiet = replace(run, inputs=inputs, made=mixture_of(inputs, run.process))
    targets = target_forecasts(quiet.mixture, run.n_chains)
    quiet = replace(quiet, forecast=run.forecast.model_copy(update={"targets": targets}))
    (found,) = compare_scenarios(quiet, [assumed(priors=LONGER)])
    for one in milestones(found).values():
        assert one.difference.value == pytest.approx(0.0, abs=1e-5)


# -- how often


@pytest.mark.parametrize("family", ["alone", "partly"])
def test_a_number_is_none_as_often_as_the_event_does_not_come(run_of, family):
    run = run_of(family)
    asked = [one for target in run.forecast.targets for one in target.milestones]
    for one, row in zip(asked, run.to_frame("counts").to_dict("records"), strict=True):
        assert row["at_least_1"] == pytest.approx(one.probability, abs=1e-9)
        assert row["none"] == pytest.approx(1 - one.probability, abs=1e-9)
        assert row["low"] <= row["high"]
        assert row["expected"] >= row["at_least_1"] + row["at_least_2"] - 1e-9


def test_a_number_is_read_off_its_chances():
    number = number_of_events(stats.poisson.pmf(np.arange(40), 2.5))
    assert number.expected == pytest.approx(2.5)
    assert number.interval90 == tuple(stats.poisson.ppf([0.05, 0.95], 2.5))
    assert number.most_in(0.9) == stats.poisson.ppf(0.9, 2.5)
    assert number.at_least[:3] == pytest.approx(stats.poisson.sf([0, 1, 2], 2.5))


# -- what it rests on


def test_labels_are_of_the_forecast_and_none_where_the_model_is_no_member(run_of, base, mixed):
    alone = measure_sensitivity(run_of("alone"))
    assert alone.labels == ()
    of_model, of_mean = (
        {(one.target, one.milestone): one for one in measure_sensitivity(run).labels} for run in (base, mixed)
    )
    assert set(of_model) == set(of_mean) == set(QUESTIONS)
    for question, one in of_mean.items():
        assert 0 < abs(one.priors.change) < abs(of_model[question].priors.change)


def test_a_watched_dyad_of_members_that_need_no_fit_has_the_numbers_of_a_run(run_of):
    run = run_of("alone")
    assert direct_forecasts(run.inputs) is None  # acts ahead need the model's paths
    inputs = replace(run.inputs, calendar=())
    assert direct_forecasts(inputs) == target_forecasts(mixture_of(inputs, run.process), run.n_chains)
    # A target on which those members are silent takes a fit.
    partly = run_of("partly").inputs
    family = replace(partly.family, fitted=False)
    assert direct_forecasts(replace(partly, calendar=(), family=family)) is None
