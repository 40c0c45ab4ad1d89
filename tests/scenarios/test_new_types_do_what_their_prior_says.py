"""Types of acts that were never seen: the prior is the whole of their effect."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.config import Scenario
from forecast.config.settings_file import SourceMap
from forecast.panel import TargetRule, stream_layout
from forecast.priors import parse_distribution
from forecast.scenarios import compare_scenarios, plan_scenario
from forecast.scenarios.evaluate import Effort, simulate_plan
from forecast.scenarios.plan import NewTypePriors, draw_effects, stream_shares
from forecast.simulation import simulate_first_passages


def with_type(effect, severity=3, probability=1.0, day="2022-07-05"):
    settings = {
        "name": "new",
        "rationale": "A reason",
        "types": {"novelty": {"half_life_days": "LogNormal(2.0, 0.01)", "rationale": "A guess", **effect}},
        "events": [{"date": day, "category": "novelty", "severity": severity, "probability": probability}],
    }
    return Scenario.checked(settings, SourceMap("test"))


def test_one_act_brings_about_as_many_acts_as_its_prior_says(still):
    base = still
    plan = plan_scenario(base.inputs, with_type({"excites": {"sanction": "LogNormal(0.5, 0.5)"}}))
    effects = draw_effects(
        plan.types, plan.events, base.inputs.data.layout, base.n_draws, base.simulation.seed
    )
    hits = simulate_first_passages(base.inputs.data, base.draws, base.simulation, plan.acts, effects)
    streams = base.inputs.data.layout.streams
    own = [streams.index("sanction"), streams.index("escalation")]
    acts = hits.acts[..., own].sum(axis=-1).mean(axis=1)
    expected = np.exp(0.5 + 0.5**2 / 2)
    assert abs(acts.mean() - expected) < 4.5 * acts.std() / np.sqrt(len(acts))
    assert np.delete(hits.acts, own, axis=-1).max() == 0
    # Its uncertainty enters: draws with a strong effect have many acts, in proportion.
    strength = effects["novelty"].excites.sum(axis=1)
    assert np.polyfit(strength, acts, 1)[0] == pytest.approx(1.0, abs=0.1)


def test_further_acts_are_as_grave_as_those_of_the_record(base, coded):
    """One sanction of severity 2 and one of 4; a military incident of 3, and of half an act each severity."""
    layout, events = base.inputs.data.layout, base.inputs.events
    found = {name: stream_shares(events, layout, name) for name in ("sanction", "military_incident", "visit")}
    at = layout.streams.index
    assert found["sanction"][[at("sanction"), at("escalation")]] == pytest.approx([1.3 / 2.5, 1.2 / 2.5])
    shares = found["military_incident"][[at("military_incident"), at("escalation"), at("lethal")]]
    assert shares == pytest.approx([1.3 / 1.5, 0.1 / 1.5, 0.1 / 1.5])
    assert found["visit"][at("visit")] == 1.0
    assert [one.sum() for one in found.values()] == pytest.approx([1.0] * 3)


def test_a_category_all_of_whose_acts_meet_a_target_can_be_excited(inputs):
    layout = stream_layout([TargetRule("any", ("sanction", "dispute"), 1)])
    prior = NewTypePriors(
        {"sanction": parse_distribution("LogNormal(0, 0.5)")},
        None,
        parse_distribution("LogNormal(3, 0.1)"),
        None,
    )
    excites = draw_effects({"a": prior}, inputs.events, layout, 50, 7)["a"].excites
    assert np.all(excites[:, layout.streams.index("any")] > 0)
    assert np.count_nonzero(excites.sum(axis=0)) == 1


def test_an_act_that_calms_never_brings_conflict_nearer_on_any_path(base):
    plan = plan_scenario(base.inputs, with_type({"calms": "HalfNormal(0.8)", "half_life_days": "long"}))
    days = simulate_plan(base, plan, Effort(paths=base.simulation.paths_per_draw))
    for name, later in days.items():
        assert np.all(later >= base.first_day[name])
        assert np.any(later > base.first_day[name])


def test_calming_halves_the_rate_in_the_step_after_the_act_and_fades_with_its_half_life(run_from, inputs):
    def flat(variables):
        variables["baseline_weekly_rate"][:] = 0.4
        variables["tension_scale"][:] = variables["drift_scale"][:] = 1e-12
        variables["excitation_branching"][:] = variables["excitation_cross"][:] = 1e-12
        variables["overdispersion_shape"][:] = 1e8
        variables["ballast"][:] = 0.0

    base = run_from(inputs, edit=flat)
    # The act falls on day 0, in the step that is under way.
    scenario = with_type(
        {"calms": f"Normal({np.log(2)}, 1e-9)", "half_life_days": f"LogNormal({np.log(7)}, 1e-9)"},
        day="2022-07-01",
    )
    plan = plan_scenario(base.inputs, scenario)
    effects = draw_effects(
        plan.types, plan.events, base.inputs.data.layout, base.n_draws, base.simulation.seed
    )
    step_ends = (base.inputs.data.grid.n_steps * 7) - (
        base.inputs.data.grid.origin - base.inputs.data.grid.start
    ).days
    step_ends += 7 if step_ends <= 0 else 0
    conflict = base.inputs.data.layout.conflict_index
    counts = []
    for weeks in (0, 1, 2):
        options = replace(base.simulation, horizon_days=step_ends + 7 * weeks)
        hits = simulate_first_passages(base.inputs.data, base.draws, options, plan.acts, effects)
        counts.append(hits.acts[..., conflict].sum(axis=-1).mean())
    first, second = np.diff(counts)
    n_paths = base.n_draws * base.simulation.paths_per_draw
    rate = 0.4 * len(conflict)
    # Halved in the step after, and by half of the logarithm one half-life later.
    for seen, expected in ((first, rate / 2), (second, rate / np.sqrt(2))):
        assert abs(seen - expected) < 4.5 * np.sqrt(expected / n_paths)


def test_an_act_meets_the_targets_of_what_it_counts_as_and_no_others(still):
    effect = {"excites": {"visit": "weak"}, "counts_as": "military_incident"}
    grave, mild, uncounted = (
        compare_scenarios(still, [with_type({**effect, **more}, severity=severity)])[0]
        for severity, more in ((5, {}), (4, {}), (5, {"counts_as": None}))
    )

    def chances(found):
        return [found.target(name).milestones[-1].probability for name in ("escalation", "lethal")]

    assert chances(grave) == pytest.approx([1.0, 1.0])
    assert chances(mild) == pytest.approx([1.0, 0.0])
    assert chances(uncounted) == [0.0, 0.0]


def test_a_prior_moved_up_moves_every_draw_up(base):
    layout = base.inputs.data.layout

    def effect(text):
        priors = NewTypePriors(
            {"dispute": parse_distribution(text)}, None, parse_distribution("LogNormal(3, 0.1)"), None
        )
        effects = draw_effects({"a": priors}, base.inputs.events, layout, 500, 7)
        return effects["a"].excites.sum(axis=1)

    weak, strong = effect("LogNormal(0, 0.5)"), effect("LogNormal(0.3, 0.5)")
    np.testing.assert_allclose(strong / weak, np.exp(0.3))
    assert abs(np.log(weak).mean()) < 4.5 * 0.5 / np.sqrt(500)


def test_uncertainty_of_the_effect_widens_the_interval(base):
    def width(sigma):
        (found,) = compare_scenarios(
            base, [with_type({"calms": f"Normal(0, {sigma})", "half_life_days": "long"})]
        )
        low, high = found.target("escalation").milestones[-1].interval90
        return high - low

    assert width(1.5) > width(0.01) + 0.05


def test_a_new_type_leaves_the_random_numbers_of_the_known_ones_alone(base):
    # An effect of nothing changes no path, though the type is there.
    plan = plan_scenario(base.inputs, with_type({"calms": "Normal(0, 1e-300)"}))
    days = simulate_plan(base, plan, Effort(paths=base.simulation.paths_per_draw))
    for name, first in days.items():
        np.testing.assert_array_equal(first, base.first_day[name])
