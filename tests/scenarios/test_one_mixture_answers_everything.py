"""The mean of the members under any future: what is shown, kept and explained is one number."""

from dataclasses import replace

import numpy as np
import pytest
from forecast.simulation import simulate_first_passages
from forecast.simulation.probabilities import beta_interval

from forecast.config import load_config
from forecast.errors import ConfigError
from forecast.inference.importance import monte_carlo_error
from forecast.pooled_hazard.hazard import N_DRAWS
from forecast.runs.inputs import read_inputs
from forecast.runs.run import mixture_of, read_run, simulate, write_run
from forecast.runs.summaries import target_forecasts
from forecast.scenarios import compare_scenarios, plan_scenario
from forecast.scenarios.evaluate import milestone_day, refitted
from forecast.sensitivity.robustness import PriorShifts, RobustnessOptions, measure_robustness, stacked_shares
from forecast.watchlist.dyads import direct_forecasts

from .conftest import CLASH, assumed, milestones

QUESTIONS = [
    (target, milestone) for target in ("escalation", "lethal") for milestone in ("autumn", "new-year")
]
LONGER = {"excitation.half_life_days": "LogNormal(2.4, 0.6)"}


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
        # A target is no less likely than one that it includes, though a member answers for it alone.
        nested = max(mean, mixture.probability("lethal", day))
        assert mixture.probability(target, day) == pytest.approx(
            nested if target == "escalation" else mean, abs=1e-12
        )
    assert sum(one.weight for one in run.forecast.members) == pytest.approx(1.0)
    for one in milestones(run.forecast).values():
        assert sum(member.weight for member in one.members) == pytest.approx(1.0)


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
        curves = {one.name: one.curve for one in forecast.targets}
        for curve in curves.values():
            for part in (curve.probability, curve.lower90, curve.upper90):
                assert np.all(np.diff(part) >= 0)
            assert np.all(np.array(curve.lower90) <= curve.probability)
            assert np.all(np.array(curve.upper90) >= curve.probability)
        wide, narrow = (np.array(curves[name].probability) for name in ("escalation", "lethal"))
        assert np.all(wide >= narrow)


def test_interval_and_error_are_those_of_the_members_mixture(run_of, mixed, base):
    run = run_of("pair")
    # Two members that are sure of .3 and .5: the mean is .4, and the variance is .1 squared.
    curve = without_calendar(run).curves["escalation"]
    last = run.simulation.horizon_days
    low, high = beta_interval(np.array([0.4]), np.array([0.01]))
    shown = curve.probability[last], curve.lower90[last], curve.upper90[last]
    assert shown == pytest.approx((0.4, low[0], high[0]), abs=1e-9)
    day, quiet = milestone_day(mixed, "new-year"), without_calendar(mixed)
    model = monte_carlo_error(without_calendar(base).by_draw("escalation", day), mixed.n_chains)
    direct = 0.5 * np.sqrt(0.01 / N_DRAWS)
    assert quiet.direct_error("escalation", day) == pytest.approx(direct)
    assert quiet.error("escalation", day, mixed.n_chains) == pytest.approx(np.hypot(model / 2, direct))


def test_a_milestone_further_ahead_than_a_member_answers_is_refused_with_its_line(folder, families):
    config = load_config(folder / "config.yaml", ["model.family=near"])
    with pytest.raises(ConfigError, match=r"12:22: milestones.1.date: .* 185 days ahead; .* up to 101 days"):
        read_inputs(config)


@pytest.mark.parametrize("family", ["model", "mixed", "alone"])
def test_a_saved_run_has_the_same_mixture_bit_for_bit(run_of, family, tmp_path):
    run = run_of(family)
    write_run(run, tmp_path, tmp_path)
    back = read_run(tmp_path).mixture
    # The model alone keeps no second set of paths.
    assert (back.plain is None) == (family == "model")
    for name in run.hits.targets:
        for kept, known in zip(back.futures(name), run.mixture.futures(name), strict=True):
            np.testing.assert_array_equal(kept, known)
        kept, known = back.curves[name], run.mixture.curves[name]
        for part in ("probability", "lower90", "upper90"):
            np.testing.assert_array_equal(getattr(kept, part), getattr(known, part))
        np.testing.assert_array_equal(back.by_draw(name, 90), run.mixture.by_draw(name, 90))


def test_what_an_act_meets_by_itself_is_where_it_is_played(mixed):
    """In the model's own futures nothing meets a target before an act that does."""
    act = {**CLASH, "date": None, "window": ["2022-07-11", "2022-08-19"], "probability": 0.4}
    plan = plan_scenario(mixed.inputs, assumed(act))
    found = simulate(replace(mixed.inputs, calendar=plan.acts), mixed.fit)
    for name in ("escalation", "lethal"):
        futures = found.futures(name)
        assert np.all(futures.first <= futures.met)
        assert (futures.met < 2**30).mean() == pytest.approx(0.4, abs=0.03)
        share = np.array([(futures.met >= day).mean() for day in range(60)])
        np.testing.assert_allclose(share, found.quiet(name, np.arange(60.0)), atol=0.03)


# -- scenarios


@pytest.mark.parametrize("family", ["model", "mixed", "partly", "alone"])
def test_an_impossible_event_changes_nothing_and_a_certain_one_is_certain(run_of, family):
    run = run_of(family)
    none, sure = compare_scenarios(run, [assumed({**CLASH, "probability": 0.0}), assumed(CLASH, name="sure")])
    for target in none.targets:
        assert target.curve == run.forecast.target(target.name).curve
        for one in target.milestones:
            assert (one.difference.value, one.difference.mcse) == (0.0, 0.0)
            assert one.mcse == pytest.approx(milestones(run.forecast)[target.name, one.name].mcse)
    assert all(one.probability >= one.interval90[0] >= 0.999 for one in milestones(sure).values())


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


@pytest.mark.parametrize("family", ["mixed", "alone"])
@pytest.mark.parametrize("severity", [3, 4, 5])
def test_a_scenario_on_some_paths_agrees_with_all_played_anew(run_of, family, severity):
    run = run_of(family)
    scenario = assumed({**CLASH, "severity": severity, "probability": 0.6})
    acts = plan_scenario(run.inputs, scenario).acts
    hits = simulate_first_passages(run.inputs.data, run.draws, run.simulation, acts)
    anew = mixture_of(replace(run.inputs, calendar=acts), hits, run.mixture.plain)
    for paths in (2, run.simulation.paths_per_draw):
        (found,) = compare_scenarios(run, [scenario], paths=paths)
        for (target, milestone), one in milestones(found).items():
            apart = abs(one.probability - anew.probability(target, milestone_day(run, milestone)))
            few = paths < run.simulation.paths_per_draw
            assert apart <= (4 * one.difference.mcse if few else 0.0) + 1e-5, (target, milestone, paths)


def test_a_refit_in_which_nothing_changed_changes_nothing(mixed):
    plan = plan_scenario(mixed.inputs, assumed({**CLASH, "probability": 0.0}))
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
    (found,) = compare_scenarios(run, [assumed({**CLASH, "date": "2022-07-05", "probability": 4e-4})])
    for question, one in milestones(found).items():
        assert one.difference.value == pytest.approx(4e-4 * (1 - before[question].probability), abs=1e-5)
        assert one.difference.at_most is None


def test_a_forecast_without_the_model_is_moved_by_no_prior(run_of):
    run = run_of("alone")
    inputs = replace(run.inputs, calendar=())
    quiet = replace(run, inputs=inputs, mixture=simulate(inputs, run.fit))
    targets = target_forecasts(quiet.mixture)
    quiet = replace(quiet, forecast=run.forecast.model_copy(update={"targets": targets}))
    (found,) = compare_scenarios(quiet, [assumed(priors=LONGER)])
    for one in milestones(found).values():
        assert one.difference.value == pytest.approx(0.0, abs=1e-5)


# -- what it rests on


def test_a_shift_that_crosses_a_bound_reproduces_it_as_a_scenario(mixed):
    found = measure_robustness(mixed, RobustnessOptions(threshold=0.42), ())
    shares = stacked_shares(mixed, [("escalation", "new-year")])
    asked = 0
    for one in found.break_evens:
        if one.outcome != "crosses" or one.milestone != "new-year" or one.act:
            continue
        prior = PriorShifts(mixed, one.name, shares).moved(one.steps)
        (scenario,) = compare_scenarios(mixed, [assumed(priors={one.name: str(prior)})], refit=False)
        if not scenario.withheld:
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

    def under(chance: float, milestone: str = "new-year"):
        scenario = assumed(calendar={"probability": {"A minister visits": chance}})
        (anew,) = compare_scenarios(run, [scenario], paths=run.simulation.paths_per_draw)
        return milestones(anew)["escalation", milestone]

    (bar,) = [one for one in found.tornado if one.name == "calendar.0"]
    before = milestones(run.forecast)["escalation", "new-year"].probability
    for end, chance in ((bar.lower, 0.0), (bar.upper, 1.0)):
        assert end.probability == pytest.approx(under(chance).probability, abs=0.005 + 3 * end.mcse)
        assert end.change == pytest.approx(end.probability - before)
    for one in found.break_evens:
        if one.name == "calendar.0" and one.outcome == "crosses":
            shown = under(one.assumed.value, one.milestone)
            assert shown.probability == pytest.approx(one.bound, abs=0.005 + 3 * shown.difference.mcse)


def test_labels_are_of_the_forecast_and_none_where_the_model_is_no_member(run_of, base, mixed):
    alone = measure_robustness(run_of("alone"))
    assert alone.sensitivities == ()
    assert not [one for one in alone.break_evens if one.outcome == "crosses" and not one.act]
    of_model, of_mean = (
        {(one.target, one.milestone): one for one in measure_robustness(run).sensitivities}
        for run in (base, mixed)
    )
    assert set(of_model) == set(of_mean) == set(QUESTIONS)
    for question, one in of_mean.items():
        assert one.priors.sensitivity < of_model[question].priors.sensitivity


def test_a_watched_dyad_of_members_that_need_no_fit_has_the_numbers_of_a_run(run_of):
    run = run_of("alone")
    assert direct_forecasts(run.inputs) is None  # acts ahead need the model's paths
    inputs = replace(run.inputs, calendar=())
    assert direct_forecasts(inputs) == target_forecasts(simulate(inputs, run.fit), run.n_chains)
    # A target on which those members are silent takes a fit.
    partly = run_of("partly").inputs
    family = replace(partly.family, fitted=False)
    assert direct_forecasts(replace(partly, calendar=(), family=family)) is None
