"""What assumed acts, signs seen and beliefs do: exact laws, and chances that played clusters have."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from forecast.errors import NotConvergedError
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE, SEVERITIES
from forecast.scenarios import answer, compare_scenarios, plan_change
from forecast.scenarios.answer import milestone_day, way_of
from forecast.targets import FutureAct
from tools.studies.simulator import Simulator

from .conftest import CLASH, assumed, milestones

DAY = "2022-07-20"
SANCTION = {"date": DAY, "category": "sanction", "severity": 3, "by": "USA"}
BELIEF = {"target": "lethal", "window": ["2022-08-01", "2022-08-30"], "ratio": 2.0}


@pytest.fixture(scope="module")
def tense(inputs, run_from):
    """A run whose tension moves everything, so that acts tell of what is to come."""

    def stir(variables):
        variables["tension.scale"][:] *= 2
        variables["tension.persistence"][:] = 200.0

    return run_from(replace(inputs, calendar=()), edit=stir)


@pytest.fixture(scope="module")
def changes(base):
    """Change of every target before every milestone by category, severity and who acts."""
    kinds = [(name, grade, by) for name in CATEGORIES for grade in SEVERITIES for by in ("USA", "CHN")]
    scenarios = [
        assumed(
            {"date": DAY, "category": name, "severity": grade, "by": by}, name=f"{name}-{grade}-{by.lower()}"
        )
        for name, grade, by in kinds
    ]
    found = compare_scenarios(base, scenarios)
    return {
        kind: np.array([one.difference.value for one in milestones(scenario).values()])
        for kind, scenario in zip(kinds, found, strict=True)
    }


# -- assumed acts


def test_no_act_of_conflict_lowers_a_chance_and_a_graver_one_does_no_less(changes, base):
    quiet = np.array([1 - one.probability for one in milestones(base.forecast).values()])
    for category in CONFLICTUAL:
        for by in ("USA", "CHN"):
            ladder = [np.zeros(len(quiet)), *(changes[category, grade, by] for grade in SEVERITIES)]
            for milder, graver in pairwise(ladder):
                assert np.all(graver >= milder - 1e-12), (category, by)
            assert np.all(ladder[-1] <= quiet + 1e-12)
            assert np.all(ladder[-1] > 0)


def test_cooperation_never_raises_a_chance_by_being_grave(changes):
    for category in COOPERATIVE:
        for milder, graver in pairwise(changes[category, grade, "USA"] for grade in SEVERITIES):
            assert np.all(graver <= milder + 1e-12), category


def test_the_order_of_acts_and_their_labels_do_not_matter(base):
    other = {"date": "2022-08-01", "category": "dispute", "severity": 4, "by": "CHN", "probability": 0.3}
    one, two = compare_scenarios(
        base, [assumed(SANCTION, other), assumed({**other, "label": "A"}, SANCTION, name="two")]
    )
    for question, known in milestones(one).items():
        assert milestones(two)[question].probability == pytest.approx(known.probability, abs=1e-12)


def by_day(target):
    """Chance with its interval by day."""
    return dict(zip(target.chances.day, zip(*[*dict(target.chances).values()][1:], strict=True), strict=True))


@pytest.mark.parametrize("family", ["model", "mixed", "partly", "alone"])
def test_what_changes_nothing_is_exactly_the_run_and_a_certain_event_is_certain(run_of, family):
    run = run_of(family)
    none, sure, belief = compare_scenarios(
        run,
        [
            assumed({**CLASH, "probability": 0.0}),
            assumed(CLASH, name="sure"),
            assumed(name="belief", beliefs=[{**BELIEF, "ratio": 1.0}]),
        ],
    )
    for found in (none, belief):
        for target in found.targets:
            assert by_day(target).items() <= by_day(run.forecast.target(target.name)).items()
            for one in target.milestones:
                assert (one.difference.value, one.difference.mcse) == (0.0, 0.0)
    assert all(one.probability >= one.interval90[0] >= 0.999 for one in milestones(sure).values())
    assert {one.mcse for one in milestones(sure).values()} == {0.0}
    assert all(one.probability == 1.0 for target in sure.targets for one in target.after)


def test_until_the_act_nothing_changes_at_all(base):
    (found,) = compare_scenarios(base, [assumed({**SANCTION, "probability": 0.7})])
    for target in found.targets:
        known = by_day(base.forecast.target(target.name))
        new = by_day(target)
        assert all(new[day] == known[day] for day in new if day <= date.fromisoformat(DAY))
        assert new[max(new)][0] > known[max(new)][0]


def test_probability_plus_difference_is_the_whole_story(run_of):
    run = run_of("mixed")
    before = milestones(run.forecast)
    (found,) = compare_scenarios(run, [assumed(CLASH)])
    for question, one in milestones(found).items():
        assert one.probability == pytest.approx(
            before[question].probability + one.difference.value, abs=1e-12
        )
        assert one.interval90[0] <= one.probability <= one.interval90[1]
        assert one.difference.mcse < before[question].mcse * 1.01


def test_chances_are_those_of_played_clusters(base):
    act = FutureAct(base.inputs.data.grid.origin, "military_posture", 3, 0.7, by="CHN")
    day, draw, n = milestone_day(base, "autumn"), 7, 3000
    scenario = assumed({"date": str(act.date), "category": act.category, "severity": 3, "by": "CHN",
                        "probability": 0.7}, calendar={"replace": []})  # fmt: skip
    exact = 1 - answer(base, scenario).survival.of("escalation")[draw, day]
    simulator, rng = Simulator(base.thinned_process, draw), np.random.default_rng(3)
    met = base.inputs.data.layout.meets[0]
    played = []
    for _ in range(n):
        days, streams, _ = simulator.play(rng, [act])
        played.append(bool(np.any(met[streams] & (days < day))))
    assert abs(np.mean(played) - exact) < 4 * np.sqrt(exact * (1 - exact) / n)


def test_days_after_the_act_are_read_off_the_curve(base):
    (found,) = compare_scenarios(base, [assumed(SANCTION)])
    target = found.target("escalation")
    curve, known = (np.array(one.chances.mean) for one in (target, base.forecast.target("escalation")))
    first = (date.fromisoformat(DAY) - base.inputs.data.grid.origin).days
    assert [one.days for one in target.after] == [7, 14, 30]
    for one in target.after:
        for told, of in ((one.probability, curve), (one.base, known)):
            until = first + one.days + 1
            assert told == pytest.approx((of[until] - of[first]) / (1 - of[first]), abs=1e-3)
        assert one.date == date.fromisoformat(DAY) + timedelta(days=one.days)
        assert one.probability > one.base
    (late,) = compare_scenarios(base, [assumed({**SANCTION, "date": "2022-12-20"})])
    assert [one.days for one in late.targets[0].after] == [7]


def test_an_act_of_the_target_itself_is_told_apart_from_what_the_model_adds(still, base):
    (found,) = compare_scenarios(still, [assumed({**CLASH, "probability": 0.6})])
    for one in milestones(found).values():
        # In a world where nothing else happens the whole change is assumed.
        assert one.by_assumption == pytest.approx(0.6)
        assert one.difference.value == pytest.approx(0.6, abs=1e-6)
    (found,) = compare_scenarios(base, [assumed({**CLASH, "probability": 0.4})])
    assert [act.meets for act in found.acts] == [("escalation", "lethal")]
    (mild,) = compare_scenarios(base, [assumed({**CLASH, "severity": 3})])
    assert {one.by_assumption for one in milestones(mild).values()} == {0.0}


def test_the_calendar_can_be_changed_extended_and_replaced_which_is_recorded(base):
    def acts(**calendar):
        return plan_change(base.inputs, assumed(calendar=calendar)).inputs.calendar

    (known,) = base.inputs.calendar
    assert acts(probability={"A minister visits": 0.9}) == (replace(known, probability=0.9),)
    assert [act.category for act in acts(extend=[CLASH])] == ["visit", "military_incident"]
    assert acts(replace=[]) == ()
    (gone,) = compare_scenarios(base, [assumed(calendar={"replace": []})])
    assert [(one.before, one.after) for one in gone.expectations] == [(0.5, 0.0)]


# -- acts that are seen


@pytest.mark.parametrize(
    "act", [SANCTION, {"window": [DAY, "2022-08-20"], "category": "dispute", "severity": 3}]
)
def test_seeing_an_act_of_conflict_tells_at_least_what_doing_it_does(tense, act):
    seen, done = compare_scenarios(tense, [assumed({**act, "seen": True})])
    assert (seen.method, seen.reason.code, done.method) == ("reweight", "acts_seen", "exact")
    assert (seen.name, done.name) == ("assumed", "assumed-done")
    (alone,) = compare_scenarios(tense, [assumed(act)])
    for question, one in milestones(seen).items():
        assert one.difference.value > milestones(done)[question].difference.value
        assert milestones(alone)[question] == milestones(done)[question]
    assert [one.seen for one in (*seen.acts, *done.acts)] == [True, False]


def test_an_act_seen_weights_each_future_of_each_draw_by_the_chance_of_one_in_its_window(inputs, run_from):
    """Where acts come at known rates in a future and bring about nothing, chances are 1 − exp(−expected)."""

    def rates(variables):
        for name in ("answers.number", "answers.severity", "answers.gravity", "follow_on.number"):
            variables[name][:] = 1e-12
        variables["ballast"][:] = 0.0

    run = run_from(replace(inputs, calendar=()), edit=rates)
    act = {"window": ["2022-11-01", "2022-11-28"], "category": "sanction", "severity": 2, "by": "USA"}
    found = answer(run, assumed({**act, "seen": True}))
    chances, layout, data = run.process, run.inputs.data.layout, run.inputs.data
    rates = chances.draws.variables["baseline.weekly_rate"][:, layout.rate_of] * data.rate_shares / 7
    starts = chances._starts

    def expected(k, first, end):
        days = np.clip(starts[1:], first, end) - np.clip(starts[:-1], first, end)
        moved = chances.expected_course[:, :, layout.categories.index(layout.kinds[k].category)]
        return rates[:, [k]] * np.tensordot(moved, days, axes=(1, 0))

    k = layout.streams.index("sanction.USA")
    weights = -np.expm1(-expected(k, 123, 151) * data.mix[k, 1])
    assert np.median(weights.max(axis=1) / weights.mean(axis=1)) > 1.5  # futures differ
    np.testing.assert_allclose(found.draw_weights, weights.sum(axis=1) / weights.sum(), rtol=1e-6, atol=1e-12)
    met = np.flatnonzero(layout.meets[layout.targets.index(run.inputs.rules[1])])
    for day in (30, 142, 184):
        quiet = np.exp(-sum(expected(one, 0, day) for one in met))
        known = (weights * quiet).sum() / weights.sum()
        assert found.draw_weights @ found.survival.of("lethal")[:, day] == pytest.approx(known, rel=1e-5)


RARE = [{**CLASH, "by": by, "date": day, "seen": True} for by, day in (("USA", DAY), ("CHN", "2022-09-01"))]


def test_what_too_few_draws_can_tell_is_refused_unless_it_is_asked_for_all_the_same(base):
    with pytest.raises(NotConvergedError, match="what is seen fits too few draws of the run"):
        answer(base, {"events": RARE})
    found = answer(base, {"events": RARE}, allow_unconverged=True)
    (gate,) = found.failures
    assert gate.value == pytest.approx(1 / (found.draw_weights**2).sum())
    assert gate.value < gate.limit == 100
    kept, done = compare_scenarios(base, [assumed(*RARE)])
    assert (kept.withheld, kept.targets, kept.failures) == ("too_few_draws", (), (gate,))
    assert (done.withheld, done.failures) == (None, ())
    shown, _ = compare_scenarios(base, [assumed(*RARE)], allow_unconverged=True)
    assert (shown.withheld, shown.failures, len(shown.targets)) == (None, (gate,), 2)


# -- beliefs


@pytest.mark.parametrize("family", ["model", "mixed", "partly", "alone"])
@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.5, 4.0])
def test_a_belief_multiplies_the_hazard_of_the_forecast_in_its_window_exactly(run_of, family, ratio):
    run, first, end = run_of(family), 31, 61
    (found,) = compare_scenarios(run, [assumed(beliefs=[{**BELIEF, "ratio": ratio}])])
    curves = answer(run, assumed(beliefs=[{**BELIEF, "ratio": ratio}])).curves

    def hazards(name):
        old, new = (-np.log1p(-one[name].mean) for one in (run.curves, curves))
        return np.diff(old), np.diff(new)

    old, new = hazards("lethal")
    np.testing.assert_allclose(new[first:end], ratio * old[first:end], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(new[:first], old[:first], atol=1e-12)
    np.testing.assert_allclose(new[end:], old[end:], atol=1e-12)
    # What includes the target has as much more hazard, or less, as far as it has any.
    wide, more = hazards("escalation")
    np.testing.assert_allclose(
        more, np.maximum(wide + new - old, 0.0), atol=1e-9 if family != "partly" else 1
    )
    other = answer(run, assumed(beliefs=[{**BELIEF, "target": "escalation", "ratio": ratio}])).curves
    narrow, known = other["lethal"].mean, run.curves["lethal"].mean
    if ratio > 1:
        np.testing.assert_array_equal(narrow, known)
    else:
        # Of what it includes as much less happens, and nothing where it does not happen itself.
        np.testing.assert_allclose(np.diff(-np.log1p(-narrow))[first:end], ratio * old[first:end], atol=1e-9)
    for target in found.targets:
        curve = target.chances
        assert np.all(np.diff(curve.mean) >= 0)
        assert np.all(np.less_equal(curve.low, curve.mean))
        assert np.all(np.less_equal(curve.mean, curve.high))


@pytest.mark.parametrize("first", [0, 30])
def test_what_cannot_happen_in_a_window_stands_still_there_and_nothing_before_it_changes(base, first):
    """From the first day ahead on it is the exact conditional of S; later, that from the window's end on."""
    end, origin = milestone_day(base, "autumn"), base.inputs.data.grid.origin
    window = [str(origin + timedelta(days=day)) for day in (first, end - 1)]
    none = {"target": "escalation", "window": window, "ratio": 0.0}
    curve = answer(base, {"beliefs": [none]}).curves["escalation"]
    old, new = (1 - one.mean for one in (base.curves["escalation"], curve))
    np.testing.assert_array_equal(new[: first + 1], old[: first + 1])
    np.testing.assert_allclose(new[first : end + 1], old[first], atol=1e-12)
    np.testing.assert_allclose(new[end:] / new[end], old[end:] / old[end], atol=1e-12)
    assert (float(curve.high[end]) < 1e-12) is (first == 0)
    (found,) = compare_scenarios(base, [assumed(beliefs=[none])])
    assert found.kinds == ("belief",) if first else ("given",)


@pytest.mark.parametrize("ratio", [0.1, 0.5])
def test_a_belief_below_one_multiplies_the_hazard_of_every_draw(run_of, ratio):
    run, first, end = run_of("mixed"), 31, 61
    mixture = answer(run, assumed(beliefs=[{**BELIEF, "ratio": ratio}])).mixture
    both = zip(run.thinned.direct.of("lethal"), mixture.direct.of("lethal"), strict=True)
    for old, new in (
        (run.thinned.survival.of("lethal"), mixture.survival.of("lethal")),
        *((1 - a, 1 - b) for a, b in both),
    ):
        np.testing.assert_array_equal(new[:, :first], old[:, :first])
        ratios = np.log(new[:, end] / new[:, first]) / np.log(old[:, end] / old[:, first])
        np.testing.assert_allclose(ratios, ratio, rtol=1e-6)
        np.testing.assert_allclose(new[:, -1] / new[:, end], old[:, -1] / old[:, end], rtol=1e-9)


# -- reactions


NEW = {"when": {"category": "dispute", "subcategory": "blockade"}, "then": {"target": "lethal"}, "days": 14}
TRIGGER = {"date": DAY, "category": "dispute", "subcategory": "blockade", "severity": 4, "by": "CHN"}
NAMED = {"new_subcategories": ["blockade"]}


def test_a_reaction_to_acts_never_seen_is_carried_by_such_acts_alone(base):
    reactions = {"line": {**NEW, "chance": 0.6}}
    idle, moved, plain = compare_scenarios(
        base,
        [
            assumed(name="idle", reactions=reactions, **NAMED),
            assumed(TRIGGER, name="moved", reactions=reactions, **NAMED),
            assumed(TRIGGER, name="plain"),
        ],
    )
    assert [one.method for one in (idle, moved, plain)] == ["exact"] * 3
    assert moved.reactions == ("Line",)
    for question, one in milestones(idle).items():
        assert (one.difference.value, one.difference.mcse) == (0.0, 0.0)
        assert milestones(moved)[question].probability >= milestones(plain)[question].probability
    assert all(
        one.probability > milestones(plain)["lethal", name].probability + 0.2
        for (target, name), one in milestones(moved).items()
        if target == "lethal"
    )
    (again,) = compare_scenarios(base, [assumed(TRIGGER, name="moved", reactions=reactions, **NAMED)])
    assert again == moved


@pytest.mark.parametrize(("chance", "severity"), [(0.3, 4), (0.6, 4), (0.6, 5)])
def test_a_stated_chance_is_that_of_an_answer_within_its_days(still, chance, severity):
    trigger = {**TRIGGER, "severity": severity}
    scenario = assumed(trigger, reactions={"line": {**NEW, "chance": chance}}, **NAMED)
    (found,) = compare_scenarios(still, [scenario])
    (told,) = (one for one in found.target("lethal").after if one.days == 14)
    if severity == 4:
        assert told.probability == pytest.approx(chance, abs=0.05)
    else:
        assert told.probability > chance


def test_a_further_reaction_is_one_that_the_config_might_have_stated(still, folder, run_from):
    from forecast.config import load_config
    from forecast.runs.inputs import read_inputs

    text = (folder / "config.yaml").read_text(encoding="utf-8")
    stated = "reactions:\n  line: {when: {category: dispute, subcategory: blockade}, then: {target: lethal},"
    named = text.replace("events: {", "events: {new_subcategories: [blockade], ", 1)
    (folder / "stated.yaml").write_text(f"{named}{stated} chance: 60%}}\n", encoding="utf-8")

    def silence(variables):
        for name in ("baseline.weekly_rate", "answers.number", "follow_on.number"):
            variables[name][:] = 1e-12
        variables["tension.scale"][:] = variables["drift.scale"][:] = 1e-12
        variables["ballast"][:] = 0.0

    inputs = replace(read_inputs(load_config(folder / "stated.yaml")), calendar=())
    run = run_from(inputs, edit=silence)
    (own,) = compare_scenarios(run, [assumed(TRIGGER)])
    line = {"line": {**NEW, "chance": 0.6}}
    (further,) = compare_scenarios(still, [assumed(TRIGGER, reactions=line, **NAMED)])
    for question, one in milestones(own).items():
        two = milestones(further)[question]
        apart = np.hypot(one.difference.mcse, two.difference.mcse)
        assert abs(one.probability - two.probability) < 4 * apart + 1e-6, question
    # Another chance for it is another prior, and weights tell.
    changed = {"line": {**NEW, "chance": 0.7}}
    assert way_of(run, plan_change(run.inputs, assumed(TRIGGER, reactions=changed))).method == "reweight"


def test_an_occasion_without_past_days_needs_no_fit(base):
    reactions = {"day": {"when": {"milestone": "autumn"}, "then": {"target": "lethal"}, "chance": 0.5}}
    (found,) = compare_scenarios(base, [assumed(reactions=reactions)])
    before, after = (milestones(found)["lethal", name] for name in ("autumn", "new-year"))
    assert (found.method, before.difference.value) == ("exact", 0.0)
    assert after.difference.value > 0.3


def test_a_reaction_to_acts_of_the_record_needs_a_fit(base):
    reactions = {"line": {"when": {"category": "sanction"}, "then": {"by": "CHN", "category": "dispute"}}}
    way = way_of(base, plan_change(base.inputs, assumed(SANCTION, reactions=reactions)))
    assert (way.method, way.reason.code) == ("refit", "reactions_of_record")
