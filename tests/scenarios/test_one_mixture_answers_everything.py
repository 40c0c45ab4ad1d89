"""The mean of the members under any future: what is shown, kept and explained is one number."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.config import Scenario, load_config
from forecast.config.scenario import scenario_from_options
from forecast.config.settings_file import SourceMap
from forecast.errors import ConfigError
from forecast.inference.importance import monte_carlo_error
from forecast.pooled_hazard.hazard import N_DRAWS
from forecast.runs.inputs import read_inputs
from forecast.runs.run import mixture_of, read_run, simulate, write_run
from forecast.runs.summaries import target_forecasts
from forecast.scenarios import compare_scenarios, plan_scenario
from forecast.scenarios.evaluate import milestone_day, refitted
from forecast.sensitivity.robustness import RobustnessOptions, measure_robustness
from forecast.sensitivity.shifts import PriorShifts, stacked_shares
from forecast.simulation import simulate_first_passages
from forecast.simulation.probabilities import beta_interval
from forecast.watchlist.dyads import direct_forecasts

SURE = {"date": "2022-08-15", "category": "military_incident", "severity": 5}
QUESTIONS = [
    (target, milestone) for target in ("escalation", "lethal") for milestone in ("autumn", "new-year")
]


def assumed(*acts, **changes):
    settings = {"name": "assumed", "rationale": "A reason", "events": list(acts), **changes}
    return Scenario.checked(settings, SourceMap("test"))


def milestones(forecast):
    """Milestones of a run or scenario by target and name."""
    return {(target.name, one.name): one for target in forecast.targets for one in target.milestones}


def without_calendar(run):
    return simulate(replace(run.inputs, calendar=()), run.fit)


# -- a run


@pytest.mark.parametrize("family", ["mixed", "partly", "mute", "pair", "alone"])
def test_without_a_calendar_every_milestone_is_the_plain_mean_of_the_members(run_of, family):
    run = run_of(family)
    mixture = without_calendar(run)
    for target, milestone in QUESTIONS:
        day = milestone_day(run, milestone)
        members = mixture.member_forecasts(target, day)
        assert sum(one.weight for one in members) == pytest.approx(1.0)
        mean = sum(one.weight * one.probability for one in members)
        nested = max(mean, mixture.probability("lethal", day))
        assert mixture.probability(target, day) == pytest.approx(
            nested if target == "escalation" else mean, abs=1e-12
        )


def test_a_member_that_says_nothing_leaves_the_model_exactly(run_of, base):
    mute = run_of("mute")
    for target, milestone in QUESTIONS:
        day = milestone_day(base, milestone)
        assert mute.mixture.probability(target, day) == base.mixture.probability(target, day)
        assert [one.name for one in mute.mixture.member_forecasts(target, day)] == ["model"]
        np.testing.assert_array_equal(mute.mixture.by_draw(target, day), base.mixture.by_draw(target, day))


@pytest.mark.parametrize("family", ["mixed", "partly", "pair", "alone"])
def test_curves_never_fall_and_targets_that_are_nested_stay_in_order(run_of, family):
    run = run_of(family)
    scenarios = [assumed({**SURE, "probability": 0.3, "severity": 4}), assumed(SURE)]
    found = [run.forecast, *compare_scenarios(run, scenarios)]
    for forecast in found:
        curves = {one.name: one.curve for one in forecast.targets}
        for curve in curves.values():
            for part in (curve.probability, curve.lower90, curve.upper90):
                assert np.all(np.diff(part) >= 0)
            assert np.all(np.array(curve.lower90) <= curve.probability)
            assert np.all(np.array(curve.upper90) >= curve.probability)
        wide, narrow = (np.array(curves[name].probability) for name in ("escalation", "lethal"))
        assert np.all(wide >= narrow)


def test_a_target_is_no_less_likely_than_one_that_it_includes_where_a_member_answers_for_it_alone(run_of):
    partly = run_of("partly")  # the member holds escalation for rare, and says nothing of its lethal part
    mixture = partly.mixture
    day = milestone_day(partly, "new-year")
    members = {one.name: one for one in mixture.member_forecasts("escalation", day)}
    assert members["fixed"].probability == pytest.approx(0.02)
    assert [one.name for one in mixture.member_forecasts("lethal", day)] == ["model"]
    assert mixture.probability("escalation", day) >= mixture.probability("lethal", day)


@pytest.mark.parametrize("family", ["mixed", "partly", "mute", "pair", "alone"])
def test_shares_of_the_members_sum_to_one(run_of, family):
    run = run_of(family)
    assert sum(one.weight for one in run.forecast.members) == pytest.approx(1.0)
    for one in milestones(run.forecast).values():
        assert sum(member.weight for member in one.members) == pytest.approx(1.0)


def test_the_interval_is_that_of_the_members_mixture(run_of):
    run = run_of("pair")
    # Two members that are sure of .3 and .5: the mean is .4, and the variance is .1 squared.
    curve = without_calendar(run).curves["escalation"]
    last = run.simulation.horizon_days
    low, high = beta_interval(np.array([0.4]), np.array([0.01]))
    found = curve.probability[last], curve.lower90[last], curve.upper90[last]
    assert found == pytest.approx((0.4, low[0], high[0]), abs=1e-9)


def test_the_error_of_a_milestone_is_that_of_the_models_share(mixed, base):
    day = milestone_day(mixed, "new-year")
    found = without_calendar(mixed)
    model = monte_carlo_error(without_calendar(base).by_draw("escalation", day), mixed.n_chains)
    direct = 0.5 * np.sqrt(0.01 / N_DRAWS)
    assert found.direct_error("escalation", day) == pytest.approx(direct)
    error = found.error("escalation", day, mixed.n_chains)
    assert error == pytest.approx(np.hypot(model / 2, direct))


def test_a_milestone_further_ahead_than_a_member_answers_is_refused_with_its_line(folder, families):
    config = load_config(folder / "config.yaml", ["model.family=near"])
    with pytest.raises(ConfigError, match=r"12:22: milestones.1.date: .* 185 days ahead; .* up to 101 days"):
        read_inputs(config)


@pytest.mark.parametrize("family", ["mixed", "alone"])
def test_a_saved_run_has_the_same_mixture_bit_for_bit(run_of, family, tmp_path):
    run = run_of(family)
    write_run(run, tmp_path, tmp_path)
    back = read_run(tmp_path).mixture
    assert back.plain is not None
    for name in run.hits.targets:
        np.testing.assert_array_equal(back.paths.of(name), run.mixture.paths.of(name))
        np.testing.assert_array_equal(back.plain.of(name), run.mixture.plain.of(name))
        np.testing.assert_array_equal(back.met[name], run.mixture.met[name])
        kept, own = back.curves[name], run.mixture.curves[name]
        for part in ("probability", "lower90", "upper90"):
            np.testing.assert_array_equal(getattr(kept, part), getattr(own, part))
        np.testing.assert_array_equal(back.by_draw(name, 90), run.mixture.by_draw(name, 90))


def test_the_model_alone_keeps_no_second_set_of_paths(base, tmp_path):
    write_run(base, tmp_path, tmp_path)
    assert read_run(tmp_path).mixture.plain is None


def test_what_an_act_meets_by_itself_is_where_it_is_played(run_of):
    """In the model's own futures nothing meets a target before an act that does."""
    mixture = run_of("mixed").mixture
    scenario = assumed({**SURE, "date": None, "window": ["2022-07-11", "2022-08-19"], "probability": 0.4})
    plan = plan_scenario(mixture.inputs, scenario)
    inputs = replace(mixture.inputs, calendar=plan.acts)
    found = simulate(inputs, run_of("mixed").fit)
    for name in ("escalation", "lethal"):
        futures = found.futures(name)
        assert np.all(futures.first <= futures.met)
        assert (futures.met < 2**30).mean() == pytest.approx(0.4, abs=0.03)
        quiet = found.quiet(name, np.arange(60.0))
        share = np.array([(futures.met >= day).mean() for day in range(60)])
        np.testing.assert_allclose(share, quiet, atol=0.03)


# -- scenarios


@pytest.mark.parametrize("family", ["model", "mixed", "partly", "alone"])
def test_an_impossible_event_changes_nothing_at_all(run_of, family):
    run = run_of(family)
    (found,) = compare_scenarios(run, [assumed({**SURE, "probability": 0.0})])
    for target in found.targets:
        assert target.curve == run.forecast.target(target.name).curve
        for one in target.milestones:
            assert (one.difference.value, one.difference.mcse) == (0.0, 0.0)
            before = milestones(run.forecast)[target.name, one.name]
            assert one.mcse == pytest.approx(before.mcse)


@pytest.mark.parametrize("family", ["mixed", "partly", "pair", "alone"])
def test_a_certain_event_that_meets_a_target_is_certain(run_of, family):
    (found,) = compare_scenarios(
        run_of(family), [scenario_from_options([], ["2022-08-15:military_incident:5"], [])]
    )
    for one in milestones(found).values():
        assert one.probability >= 0.999
        assert one.interval90[0] >= 0.999


@pytest.mark.parametrize("family", ["mixed", "partly", "alone"])
def test_the_difference_shown_is_that_of_the_numbers_shown(run_of, family):
    run = run_of(family)
    scenarios = [
        assumed({**SURE, "severity": 3}),
        assumed({**SURE, "probability": 0.2}),
        assumed(priors={"excitation.half_life_days": "LogNormal(2.4, 0.6)"}),
        assumed({**SURE, "severity": 4}, priors={"excitation.half_life_days": "LogNormal(2.4, 0.6)"}),
    ]
    before = milestones(run.forecast)
    for found in compare_scenarios(run, scenarios, refit=False):
        for question, one in milestones(found).items():
            assert one.difference.value == pytest.approx(
                one.probability - before[question].probability, abs=1e-12
            )


@pytest.mark.parametrize("family", ["mixed", "partly", "alone"])
@pytest.mark.parametrize("probability", [1e-4, 0.003, 0.05, 0.5, 1.0])
def test_an_act_that_only_adds_risk_never_lowers(run_of, family, probability):
    run = run_of(family)
    before = milestones(run.forecast)
    acts = [{**SURE, "severity": severity, "probability": probability} for severity in (3, 4, 5)]
    for found in compare_scenarios(run, [assumed(act) for act in acts]):
        for question, one in milestones(found).items():
            # Records of scenarios are rounded to five digits.
            assert one.probability >= before[question].probability - 1e-5
    # And a target that the act meets is at least as likely as the act.
    assert one.probability >= probability - 1e-5


@pytest.mark.parametrize("family", ["mixed", "alone"])
@pytest.mark.parametrize("severity", [3, 4, 5])
def test_a_scenario_on_some_paths_agrees_with_all_played_anew(run_of, family, severity):
    run = run_of(family)
    scenario = assumed({**SURE, "severity": severity, "probability": 0.6})
    plan = plan_scenario(run.inputs, scenario)
    hits = simulate_first_passages(run.inputs.data, run.draws, run.simulation, plan.acts)
    plain = run.mixture.plain
    anew = mixture_of(replace(run.inputs, calendar=plan.acts), hits, plain)
    for paths in (2, run.simulation.paths_per_draw):
        (found,) = compare_scenarios(run, [scenario], paths=paths)
        for (target, milestone), one in milestones(found).items():
            day = milestone_day(run, milestone)
            apart = abs(one.probability - anew.probability(target, day))
            few = paths < run.simulation.paths_per_draw
            assert apart <= (4 * one.difference.mcse if few else 0.0) + 1e-5, (target, milestone, paths)


def test_a_refit_in_which_nothing_changed_changes_nothing(mixed):
    plan = plan_scenario(mixed.inputs, assumed({**SURE, "probability": 0.0}))
    again = refitted(mixed, plan, mixed.variables)
    other = refitted(mixed, plan, {name: values[::-1].copy() for name, values in mixed.variables.items()})
    for target, milestone in QUESTIONS:
        day = milestone_day(mixed, milestone)
        now = mixed.mixture.probability(target, day)
        assert again.probability(target, day) == pytest.approx(now, abs=1e-12)
        error = np.hypot(*(one.error(target, day, mixed.n_chains) for one in (other, mixed.mixture)))
        assert abs(other.probability(target, day) - now) < 4 * error


def test_a_rare_act_that_no_path_shows_moves_members_by_its_chance(run_of):
    """Of members that need no fit, what an act that meets a target adds is known without any path."""
    run = run_of("alone")
    before = milestones(run.forecast)
    (found,) = compare_scenarios(run, [assumed({**SURE, "date": "2022-07-05", "probability": 4e-4})])
    for question, one in milestones(found).items():
        added = 4e-4 * (1 - before[question].probability)
        assert one.difference.value == pytest.approx(added, abs=1e-5)
        assert one.difference.at_most is None


# -- what it rests on


@pytest.mark.parametrize("family", ["mixed", "alone"])
def test_a_shift_that_crosses_a_bound_reproduces_it_as_a_scenario(run_of, family):
    run = run_of("mixed")
    found = measure_robustness(run, RobustnessOptions(threshold=0.42), ())
    crossings = [one for one in found.break_evens if one.outcome == "crosses"]
    assert crossings
    shares = stacked_shares(run, [("escalation", "new-year")])
    asked = 0
    for one in crossings:
        if one.milestone != "new-year" or one.name.startswith("calendar"):
            continue
        prior = PriorShifts(run, one.name, shares).moved(one.steps)
        (scenario,) = compare_scenarios(run, [assumed(priors={one.name: str(prior)})], refit=False)
        if scenario.withheld:
            continue
        shown = milestones(scenario)["escalation", "new-year"]
        assert shown.probability == pytest.approx(one.bound, abs=0.002), one.name
        asked += 1
    assert asked


@pytest.mark.parametrize(
    ("family", "category", "severity"),
    [
        ("model", "military_posture", 3),
        ("mixed", "military_incident", 4),
        ("mixed", "visit", 3),
        ("alone", "military_incident", 4),
    ],
)
def test_bars_and_break_evens_of_a_scheduled_act_agree_with_its_scenario(
    folder, families, run_from, family, category, severity
):
    settings = [
        f"model.family={family}",
        f"calendar.0.category={category}",
        f"calendar.0.severity={severity}",
        "sampler.paths_per_draw=16",
    ]
    run = run_from(read_inputs(load_config(folder / "config.yaml", settings)))
    found = measure_robustness(run, RobustnessOptions(threshold=0.45), ())
    (bar,) = [one for one in found.tornado if one.name == "calendar.0"]
    for end, chance in ((bar.lower, 0.0), (bar.upper, 1.0)):
        scenario = assumed(calendar={"probability": {"A minister visits": chance}})
        (anew,) = compare_scenarios(run, [scenario], paths=run.simulation.paths_per_draw)
        shown = milestones(anew)["escalation", "new-year"]
        assert end.probability == pytest.approx(shown.probability, abs=0.005 + 3 * end.mcse)
        assert end.change == pytest.approx(
            end.probability - milestones(run.forecast)["escalation", "new-year"].probability
        )
    for one in found.break_evens:
        if one.name == "calendar.0" and one.outcome == "crosses":
            scenario = assumed(calendar={"probability": {"A minister visits": one.assumed.value}})
            (anew,) = compare_scenarios(run, [scenario], paths=run.simulation.paths_per_draw)
            shown = milestones(anew)["escalation", one.milestone]
            assert shown.probability == pytest.approx(one.bound, abs=0.005 + 3 * shown.difference.mcse)


def test_labels_are_of_the_forecast_and_none_where_the_model_is_no_member(run_of, base, mixed):
    alone = measure_robustness(run_of("alone"))
    assert alone.sensitivities == ()
    assert not [one for one in alone.break_evens if one.outcome == "crosses" and "calendar" not in one.name]
    pulls = {
        family: {(one.target, one.milestone): one for one in measure_robustness(run).sensitivities}
        for family, run in (("model", base), ("mixed", mixed))
    }
    assert set(pulls["model"]) == set(pulls["mixed"]) == set(QUESTIONS)
    for question, one in pulls["mixed"].items():
        assert one.priors.sensitivity < pulls["model"][question].priors.sensitivity


def test_a_forecast_without_the_model_is_moved_by_no_prior(run_of):
    run = run_of("alone")
    inputs = replace(run.inputs, calendar=())
    quiet = replace(run, inputs=inputs, mixture=simulate(inputs, run.fit))
    quiet = replace(
        quiet, forecast=run.forecast.model_copy(update={"targets": target_forecasts(quiet.mixture)})
    )
    (found,) = compare_scenarios(
        quiet, [assumed(priors={"excitation.half_life_days": "LogNormal(2.4, 0.6)"})]
    )
    for one in milestones(found).values():
        assert one.difference.value == pytest.approx(0.0, abs=1e-5)


# -- a watch


def test_a_watched_dyad_of_members_that_need_no_fit_has_the_numbers_of_a_run(run_of):
    run = run_of("alone")
    assert direct_forecasts(run.inputs) is None  # acts ahead need the model's paths
    inputs = replace(run.inputs, calendar=())
    with_paths = target_forecasts(simulate(inputs, run.fit), run.n_chains)
    assert direct_forecasts(inputs) == with_paths


def test_a_target_on_which_those_members_are_silent_takes_a_fit(run_of):
    partly = run_of("partly").inputs
    family = replace(partly.family, fitted=False)
    assert direct_forecasts(replace(partly, calendar=(), family=family)) is None
