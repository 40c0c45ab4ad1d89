"""A combination on the paths of the model: same weights path by path, under whatever future."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from forecast.config import load_config, scenario_of
from forecast.config.faults import SourceMap
from forecast.errors import ConfigError
from forecast.families import FAMILIES, Family
from forecast.inference.importance import monte_carlo_error
from forecast.panel.streams import FutureAct
from forecast.priors.distributions import shifted
from forecast.runs.cautions import not_combined
from forecast.runs.combining import too_few_effective
from forecast.runs.inputs import read_inputs
from forecast.runs.run import read_run, simulate, write_run
from forecast.scenarios import compare_scenarios, plan_scenario
from forecast.scenarios.evaluate import TwoFits, milestone_day, weights_for
from forecast.scenarios.futures import simulate_plan
from forecast.sensitivity.drivers import leave_one_out
from forecast.sensitivity.robustness import RobustnessOptions, measure_robustness
from forecast.sensitivity.shifts import PriorShifts, calendar_effects, stacked_shares
from forecast.simulation import NEVER, FirstPassages, simulate_first_passages
from forecast.simulation.probabilities import HitMoments, beta_interval
from forecast.simulation.tilting import Tilt

SURE = {"date": "2022-08-15", "category": "military_incident", "severity": 5}


@dataclass(frozen=True)
class Fixed:
    """A direct member whose odds grow evenly, to the same chance for every target that it answers."""

    chance: float
    variance: float = 0.0
    name: str = "fixed"
    label: str = "fixed chance"
    colour: str = "#000000"
    method: tuple[str, ...] = ()
    furthest_days: int | None = None
    silent: tuple[str, ...] = ()

    def by_day(self, events, targets, origin, start, horizon_days):
        mean = self.chance * np.arange(horizon_days + 1) / horizon_days
        told = HitMoments(mean, np.full(len(mean), self.variance))
        return {target.name: told for target in targets if target.name not in self.silent}


def family_of(name, fitted, *direct):
    return Family(name, name, "#000000", ("A family for tests.",), fitted, direct)


MADE = {
    "mixed": family_of("mixed", True, Fixed(0.6, variance=0.01)),
    "partly": family_of("partly", False, Fixed(0.6, silent=("lethal",))),
    "mute": family_of("mute", True, Fixed(0.6, silent=("escalation", "lethal"))),
    "pair": family_of("pair", False, Fixed(0.3), Fixed(0.5, name="other")),
    "far": family_of("far", False, Fixed(0.999)),
    "near": family_of("near", False, Fixed(0.3), Fixed(0.5, name="other", furthest_days=100)),
}


@pytest.fixture(scope="module", autouse=True)
def families():
    with pytest.MonkeyPatch.context() as patch:
        for name, family in MADE.items():
            patch.setitem(FAMILIES, name, family)
        yield


@pytest.fixture(scope="module")
def inputs_with(folder, families):
    known = {}

    def make(name):
        if name not in known:
            config = load_config(folder / "config.yaml", [f"model.family={name}"])
            known[name] = read_inputs(config)
        return known[name]

    return make


@pytest.fixture(scope="module")
def mixed(inputs_with, run_from):
    return run_from(inputs_with("mixed"))


@pytest.fixture(scope="module")
def without(mixed):
    """The futures of all members without the calendar."""
    return simulate(replace(mixed.inputs, calendar=()), mixed.fit)


def played(run, calendar, combined):
    """The weighted futures of the model under another calendar."""
    return combined.weighted(simulate_first_passages(run.inputs.data, run.draws, run.simulation, calendar))


def assumed(*acts, **changes):
    settings = {"name": "assumed", "rationale": "A reason", "events": list(acts), **changes}
    return scenario_of(settings, SourceMap("test"))


def test_without_a_calendar_every_milestone_is_the_mean_of_the_members(mixed, without):
    found, combined = without, without.combined
    assert (combined.too_few, combined.tilt.dropped) == (None, ())
    for rule in mixed.inputs.rules:
        curve = found.hits.curve(rule.name)
        for milestone in ("autumn", "new-year"):
            day = milestone_day(mixed, milestone)
            members = combined.member_forecasts(rule.name, day)
            assert [(one.name, one.weight) for one in members] == [("model", 0.5), ("fixed", 0.5)]
            mean = np.mean([one.probability for one in members])
            assert curve.probability[day] == pytest.approx(mean, abs=1e-6)
            assert found.hits.probability(rule.name, day) == pytest.approx(mean, abs=1e-6)


def test_the_model_answers_where_no_other_member_does_and_only_there(mixed, inputs_with):
    inputs = replace(inputs_with("partly"), calendar=())
    combined = simulate(inputs, mixed.fit).combined
    day = milestone_day(mixed, "autumn")
    named = {
        rule.name: [one.name for one in combined.member_forecasts(rule.name, day)] for rule in inputs.rules
    }
    assert named == {"escalation": ["fixed"], "lethal": ["model"]}


def test_a_calendar_moves_the_paths_and_leaves_their_weights(mixed, without):
    np.testing.assert_array_equal(mixed.hits.weights, without.hits.weights)
    sure = FutureAct(mixed.inputs.calendar[0].date, "military_incident", 5, 1.0)
    certain = played(mixed, (sure,), without.combined)
    np.testing.assert_array_equal(certain.weights, without.hits.weights)
    day = (sure.date - certain.origin).days
    for name in certain.targets:
        curve = certain.curve(name)
        assert np.all(curve.probability[day + 1 :] == 1.0)
        assert np.all(curve.lower90[day + 1 :] == 1.0)
        assert curve.probability[day] < 1.0


def test_the_model_is_not_changed_by_members_that_say_nothing(mixed, inputs_with):
    found = simulate(inputs_with("mute"), mixed.fit)
    plain = replace(found.hits, weights=None, dispersion=None)
    assert np.all(found.hits.weights == 1 / found.hits.weights.size)
    for name in plain.targets:
        curve, own = found.hits.curve(name), plain.curve(name)
        np.testing.assert_allclose(curve.probability, own.probability, atol=1e-12)
        for day in (90, 180):
            np.testing.assert_allclose(found.hits.by_draw(name, day), plain.by_draw(name, day), atol=1e-12)


def test_the_interval_is_that_of_the_members_mixture(mixed, inputs_with):
    inputs = replace(inputs_with("pair"), calendar=())
    found = simulate(inputs, mixed.fit)
    assert found.combined.too_few is None
    last = milestone_day(mixed, "new-year")
    # Two members that are sure of .3 and .5: the mean is .4, and the variance is .1 squared.
    curve = found.hits.curve("escalation")
    assert curve.probability[last] == pytest.approx(0.4, abs=1e-6)
    low, high = beta_interval(np.array([0.4]), np.array([0.01]))
    assert (curve.lower90[last], curve.upper90[last]) == pytest.approx((low[0], high[0]), abs=1e-3)


def test_a_target_whose_weights_would_be_worth_too_little_is_given_up_alone(mixed, inputs_with):
    inputs = inputs_with("far")  # sure of both targets, of which the model holds one for rare
    found = simulate(replace(inputs, calendar=()), mixed.fit)
    combined = found.combined
    record = combined.record(inputs)
    assert (record.tilted, record.reason) == (True, None)
    assert {(one.target, one.reason) for one in record.dropped} == {("lethal", "too_few_effective")}
    assert {one.milestone for one in record.dropped} == {"autumn", "new-year"}
    assert record.effective_paths >= 0.1 * record.paths
    day = milestone_day(mixed, "new-year")
    assert found.hits.probability("escalation", day) == pytest.approx(0.999, abs=1e-6)
    assert combined.probability("escalation", day) == pytest.approx(0.999, abs=1e-6)
    own = replace(found.hits, weights=None, dispersion=None)
    assert own.probability("lethal", day) < found.hits.probability("lethal", day) < 0.9
    (caution,) = not_combined(inputs, record)
    assert (caution.code, caution.target, len(caution.dates)) == ("beyond_paths", "lethal", 2)


def test_as_many_draws_as_are_needed_are_enough():
    assert too_few_effective(Tilt(np.full((400, 16), 1 / 6400))) is None
    assert too_few_effective(Tilt(np.full((399, 16), 1 / 6384))).code == "too_few_effective_draws"


def test_too_few_draws_carry_no_mean_and_the_run_says_so(folder, families, run_from):
    config = load_config(folder / "config.yaml", ["model.family=mixed", "sampler.draws=90"])
    inputs = read_inputs(config)
    run = run_from(inputs)
    found = simulate(inputs, run.fit)
    assert found.hits.weights is None
    assert run.hits.weights is None
    record = found.combined.record(inputs)
    assert (record.tilted, record.dropped) == (False, ())
    assert record.reason.code == "too_few_effective_draws"
    assert record.reason.value == record.effective_draws < record.reason.limit == 400
    (caution,) = not_combined(inputs, record)
    assert (caution.code, caution.of) == ("not_combined", "draws")
    assert found.combined.probability("escalation", 184) is None


def test_a_milestone_further_ahead_than_a_member_answers_is_refused_with_its_line(inputs_with):
    with pytest.raises(ConfigError, match=r"12:22: milestones.1.date: .* 184 days ahead; .* up to 100 days"):
        inputs_with("near")


def test_the_record_names_members_and_what_the_weights_are_worth(mixed, without):
    record = without.combined.record(mixed.inputs)
    assert [one.label for one in record.members] == ["model", "fixed chance"]
    weights = mixed.hits.weights
    assert record.paths == weights.size
    assert record.effective_paths == pytest.approx(1 / np.sum(weights**2))
    assert record.effective_draws == pytest.approx(1 / np.sum(weights.sum(axis=1) ** 2))
    assert (record.tilted, record.reason, record.dropped) == (True, None, ())
    assert not_combined(mixed.inputs, record) == ()


def test_the_error_of_a_milestone_joins_those_of_the_members(mixed, without):
    found = without
    day = milestone_day(mixed, "new-year")
    model, direct = (one.error("escalation", day, mixed.n_chains) for one in found.combined.members)
    assert direct == 0.0
    error = found.combined.error(found.hits, "escalation", day, mixed.n_chains)
    assert error == pytest.approx(model / 2)
    with_calendar = found.combined.error(mixed.hits, "escalation", day, mixed.n_chains)
    assert with_calendar >= error


def test_weights_and_dispersion_are_kept_in_the_run_folder(mixed, tmp_path):
    write_run(mixed, tmp_path, tmp_path)
    back = read_run(tmp_path)
    np.testing.assert_array_equal(back.hits.weights, mixed.hits.weights)
    for name in mixed.hits.targets:
        kept, own = back.hits.curve(name), mixed.hits.curve(name)
        np.testing.assert_array_equal(kept.probability, own.probability)
        np.testing.assert_array_equal(kept.upper90, own.upper90)


# -- scenarios


def test_an_impossible_event_changes_nothing_at_all(mixed):
    (found,) = compare_scenarios(mixed, [assumed({**SURE, "probability": 0.0})])
    for target in found.targets:
        assert target.curve == mixed.forecast.target(target.name).curve
        for milestone in target.milestones:
            assert (milestone.difference.value, milestone.difference.mcse) == (0.0, 0.0)


def test_an_act_that_is_certain_gives_certainty(mixed):
    (found,) = compare_scenarios(mixed, [assumed(SURE)])
    for target in found.targets:
        for milestone in target.milestones:
            assert milestone.probability == 1.0
            assert milestone.interval90 == (1.0, 1.0)


def test_a_difference_is_taken_path_by_path_with_the_weights_of_the_run(mixed):
    scenario = assumed({"date": "2022-07-20", "category": "sanction", "severity": 3})
    plan = plan_scenario(mixed.inputs, scenario)
    days = simulate_plan(mixed, plan, mixed.variables)["escalation"]
    day = milestone_day(mixed, "new-year")
    expected = float((mixed.hits.weights * (days < day)).sum())
    paths = mixed.simulation.paths_per_draw
    (whole,) = compare_scenarios(mixed, [scenario], paths=paths)
    one = whole.target("escalation").milestones[-1]
    assert one.probability == pytest.approx(expected, abs=1e-5)  # recorded to five digits
    (few,) = compare_scenarios(mixed, [scenario], paths=2)
    two = few.target("escalation").milestones[-1]
    assert abs(two.probability - expected) < 4.5 * two.difference.mcse
    # Paired: its error is far below that of two probabilities.
    by_draw = mixed.hits.by_draw("escalation", day)
    assert 0 < two.difference.mcse < np.sqrt(2) * monte_carlo_error(by_draw, mixed.n_chains) / 3


def test_other_priors_weigh_draws_on_top_of_the_weights_of_the_paths(mixed):
    scenario = assumed(priors={"excitation.half_life_days": "LogNormal(2.4, 0.6)"})
    plan = plan_scenario(mixed.inputs, scenario)
    weights = weights_for(mixed, plan.priors)
    both = weights.weights[:, None] * mixed.hits.weights
    both /= both.sum()
    assert weights.effective_draws == pytest.approx(1 / np.sum(both.sum(axis=1) ** 2))
    (found,) = compare_scenarios(mixed, [scenario], refit=False)
    assert found.method == "reweight"
    day = milestone_day(mixed, "new-year")
    expected = float((both * (mixed.hits.of("escalation") < day)).sum())
    one = found.target("escalation").milestones[-1]
    assert one.probability == pytest.approx(expected, abs=1e-5)
    assert one.difference.mcse > 0


def hits_of(share_hit, weights=None, shape=(100, 10)):
    n = int(np.prod(shape))
    days = np.where(np.arange(n) < share_hit * n, 3, NEVER).astype(np.int32).reshape(shape)
    spread = None if weights is None else {"x": np.full(11, 0.1)}
    return FirstPassages(("x",), None, days[None, None], None, 10, 0.0, weights, spread), days


def test_a_new_fit_moves_the_log_odds_of_the_combination_as_those_of_the_model():
    hits, days = hits_of(0.2)
    weights = np.where(days < 5, 0.5 / 200, 0.5 / 800)  # the combination says one half
    hits, _ = hits_of(0.2, weights)
    assert hits.probability("x", 5) == pytest.approx(0.5)
    _, new = hits_of(0.5)  # odds of the model go from 1:4 to 1:1
    fits = TwoFits(hits, "x", new, 4)
    change = fits.change(5)
    assert change.probability == pytest.approx(0.8)
    assert change.difference == pytest.approx(0.3)
    assert change.mcse > 0
    assert fits.curve.probability[5] == pytest.approx(0.8)
    assert TwoFits(hits, "x", days, 4).change(5).probability == pytest.approx(0.5)
    for share, sure in ((1.0, 1.0), (0.0, 0.0)):
        assert TwoFits(hits, "x", hits_of(share)[1], 4).change(5).probability == sure


def test_a_new_fit_of_an_unweighted_run_is_its_own_probability():
    hits, _ = hits_of(0.2)
    fits = TwoFits(hits, "x", hits_of(0.5)[1], 4)
    assert fits.change(5).probability == pytest.approx(0.5)
    assert fits.curve.probability[5] == pytest.approx(0.5)


# -- sensitivity


def test_shifted_priors_start_from_the_weighted_probability(mixed):
    asked = [("escalation", "new-year"), ("lethal", "new-year")]
    shares = stacked_shares(mixed, asked)
    shifts = PriorShifts(mixed, "excitation.half_life_days", shares)
    day = milestone_day(mixed, "new-year")
    for column, (target, _) in enumerate(asked):
        plain = mixed.hits.probability(target, day)
        assert shifts.at(0.0).probability[column] == pytest.approx(plain, abs=1e-12)
        assert shifts.error_at(0.0, column) == pytest.approx(
            monte_carlo_error(mixed.hits.by_draw(target, day), mixed.n_chains)
        )
    prior = mixed.inputs.priors.priors["excitation.half_life_days"].distribution
    moved = shifted(prior, 0.5)
    values = mixed.variables["excitation_half_life_days"][:, 0]
    ratio = np.exp(moved.log_density(values) - prior.log_density(values))
    both = ratio[:, None] * mixed.hits.weights
    expected = (both * (mixed.hits.of("escalation") < day)).sum() / both.sum()
    assert shifts.at(0.5).probability[0] == pytest.approx(expected, abs=0.01)  # the tail is smoothed


def test_an_act_ahead_has_the_effect_that_playing_it_has(mixed, without):
    # Not one that meets the target: what it brings about.
    act = replace(mixed.inputs.calendar[0], category="military_posture", severity=3, probability=0.5)
    run = replace(mixed, inputs=replace(mixed.inputs, calendar=(act,)))
    run = replace(run, hits=played(mixed, (act,), without.combined))
    sure, never = (
        played(mixed, (replace(act, probability=p),), without.combined).probability("escalation", 184)
        for p in (1.0, 0.0)
    )
    day = milestone_day(mixed, "new-year")
    assert day == 184
    (effect,) = calendar_effects(run, [("escalation", "new-year")])
    assert effect.slope[0] == pytest.approx(sure - never, abs=4 * effect.mcse[0])


def test_robustness_is_measured_on_the_weighted_paths(mixed):
    found = measure_robustness(mixed, RobustnessOptions(threshold=0.5))
    day = milestone_day(mixed, "new-year")
    shown = mixed.hits.probability("escalation", day)
    assert {one.target for one in found.sensitivities} == {"escalation", "lethal"}
    (asked,) = {one.probability for one in found.break_evens if one.milestone == "new-year"}
    assert asked == pytest.approx(shown)
    for bar in found.tornado:
        if bar.lower.change is not None and not bar.name.startswith("calendar"):
            assert bar.lower.probability - bar.lower.change == pytest.approx(shown, abs=1e-9)


def test_drivers_are_of_the_combined_probability(mixed):
    inputs, rule = mixed.inputs, mixed.inputs.rules[0]
    day = inputs.config.milestone("new-year").date
    asked = {"seed": 3, "candidates": 4}
    plain = leave_one_out(inputs, mixed.fit, rule, day, **asked)
    weighted = leave_one_out(inputs, mixed.fit, rule, day, probability=0.02, **asked)
    assert [one.row for one in plain] == [one.row for one in weighted]
    # Of a chance of 2% no event can have moved more than a little.
    for one in weighted:
        if one.change is not None:
            assert one.change < 0.02 + 4 * one.mcse
