"""Types of acts that were never seen: the prior is the whole of their effect."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.panel import TargetRule, stream_layout
from forecast.priors import parse_distribution
from forecast.scenarios import compare_scenarios, plan_scenario
from forecast.scenarios.evaluate import Effort, simulate_plan
from forecast.scenarios.plan import NewTypePriors, draw_effects, stream_shares
from forecast.simulation import simulate_first_passages

from .conftest import assumed


def with_type(effect, severity=3, day="2022-07-05"):
    novelty = {"half_life_days": "LogNormal(2.0, 0.01)", "rationale": "A guess", **effect}
    act = {"date": day, "category": "novelty", "severity": severity}
    return assumed(act, types={"novelty": novelty})


def exciting(category, text) -> dict[str, NewTypePriors]:
    excites = {category: parse_distribution(text)}
    return {"a": NewTypePriors(excites, None, parse_distribution("LogNormal(3, 0.1)"), None)}


def played(base, scenario, options=None):
    plan, options = plan_scenario(base.inputs, scenario), options or base.simulation
    effects = draw_effects(plan.types, plan.events, base.inputs.data.layout, base.n_draws, options.seed)
    return simulate_first_passages(base.inputs.data, base.draws, options, plan.acts, effects), effects


def test_one_act_brings_about_as_many_acts_as_its_prior_says(still):
    hits, effects = played(still, with_type({"excites": {"sanction": "LogNormal(0.5, 0.5)"}}))
    streams = still.inputs.data.layout.streams
    own = [streams.index("sanction"), streams.index("escalation")]
    acts = hits.acts[..., own].sum(axis=-1).mean(axis=1)
    expected = np.exp(0.5 + 0.5**2 / 2)
    assert abs(acts.mean() - expected) < 4.5 * acts.std() / np.sqrt(len(acts))
    assert np.delete(hits.acts, own, axis=-1).max() == 0
    # Its uncertainty enters: draws with a strong effect have many acts, in proportion.
    strength = effects["novelty"].excites.sum(axis=1)
    assert np.polyfit(strength, acts, 1)[0] == pytest.approx(1.0, abs=0.1)


def test_further_acts_are_as_grave_as_those_of_the_record(base):
    """One sanction of severity 2 and one of 4; a military incident of 3, and of half an act each severity."""
    layout, events = base.inputs.data.layout, base.inputs.events
    found = {name: stream_shares(events, layout, name) for name in ("sanction", "military_incident", "visit")}
    at = layout.streams.index
    assert found["sanction"][[at("sanction"), at("escalation")]] == pytest.approx([1.3 / 2.5, 1.2 / 2.5])
    shares = found["military_incident"][[at("military_incident"), at("escalation"), at("lethal")]]
    assert shares == pytest.approx([1.3 / 1.5, 0.1 / 1.5, 0.1 / 1.5])
    assert found["visit"][at("visit")] == 1.0
    assert [one.sum() for one in found.values()] == pytest.approx([1.0] * 3)
    # A category all of whose acts meet a target can be excited.
    layout = stream_layout([TargetRule("any", ("sanction", "dispute"), 1)])
    excites = draw_effects(exciting("sanction", "LogNormal(0, 0.5)"), events, layout, 50, 7)["a"].excites
    assert np.all(excites[:, layout.streams.index("any")] > 0)
    assert np.count_nonzero(excites.sum(axis=0)) == 1


def test_an_act_that_calms_never_brings_conflict_nearer_and_one_without_effect_changes_no_path(base):
    effort = Effort(paths=base.simulation.paths_per_draw)
    for effect, moves in (
        ({"calms": "HalfNormal(0.8)", "half_life_days": "long"}, True),
        ({"calms": "Normal(0, 1e-300)"}, False),
    ):
        days = simulate_plan(base, plan_scenario(base.inputs, with_type(effect)), effort)
        for name, later in days.items():
            assert np.all(later >= base.first_day[name])
            assert np.any(later > base.first_day[name]) == moves


def test_calming_halves_the_rate_in_the_step_after_the_act_and_fades_with_its_half_life(run_from, inputs):
    def flat(variables):
        variables["baseline_weekly_rate"][:] = 0.4
        variables["tension_scale"][:] = variables["drift_scale"][:] = 1e-12
        variables["excitation_branching"][:] = variables["excitation_cross"][:] = 1e-12
        variables["overdispersion_shape"][:] = 1e8
        variables["ballast"][:] = 0.0

    base = run_from(inputs, edit=flat)
    effect = {"calms": f"Normal({np.log(2)}, 1e-9)", "half_life_days": f"LogNormal({np.log(7)}, 1e-9)"}
    # The act falls on day 0, in the step that is under way.
    scenario, grid = with_type(effect, day="2022-07-01"), base.inputs.data.grid
    step_ends = grid.n_steps * 7 - (grid.origin - grid.start).days
    step_ends += 7 if step_ends <= 0 else 0
    conflict = base.inputs.data.layout.conflict_index
    counts = []
    for weeks in (0, 1, 2):
        hits, _ = played(base, scenario, replace(base.simulation, horizon_days=step_ends + 7 * weeks))
        counts.append(hits.acts[..., conflict].sum(axis=-1).mean())
    first, second = np.diff(counts)
    rate = 0.4 * len(conflict)
    # Halved in the step after, and by half of the logarithm one half-life later.
    for seen, expected in ((first, rate / 2), (second, rate / np.sqrt(2))):
        n_paths = base.n_draws * base.simulation.paths_per_draw
        assert abs(seen - expected) < 4.5 * np.sqrt(expected / n_paths)


def test_an_act_meets_the_targets_of_what_it_counts_as_and_no_others(still):
    def chances(severity, counts_as):
        effect = {"excites": {"visit": "weak"}, "counts_as": counts_as}
        (found,) = compare_scenarios(still, [with_type(effect, severity=severity)])
        return [found.target(name).milestones[-1].probability for name in ("escalation", "lethal")]

    assert chances(5, "military_incident") == pytest.approx([1.0, 1.0])
    assert chances(4, "military_incident") == pytest.approx([1.0, 0.0])
    assert chances(5, None) == [0.0, 0.0]


def test_a_prior_moved_up_moves_every_draw_up(base):
    def effect(text):
        types = exciting("dispute", text)
        return draw_effects(types, base.inputs.events, base.inputs.data.layout, 500, 7)["a"].excites.sum(
            axis=1
        )

    weak, strong = effect("LogNormal(0, 0.5)"), effect("LogNormal(0.3, 0.5)")
    np.testing.assert_allclose(strong / weak, np.exp(0.3))
    assert abs(np.log(weak).mean()) < 4.5 * 0.5 / np.sqrt(500)


def test_uncertainty_of_the_effect_widens_the_interval(base):
    def width(sigma):
        scenario = with_type({"calms": f"Normal(0, {sigma})", "half_life_days": "long"})
        (found,) = compare_scenarios(base, [scenario])
        low, high = found.target("escalation").milestones[-1].interval90
        return high - low

    assert width(1.5) > width(0.01) + 0.05
