"""The headline taken apart step by step, and the laws of what acts and assumptions do to it."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from forecast.config import load_config
from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.models.draws import record_of
from forecast.runs.inputs import read_inputs
from forecast.sensitivity.shifts import (
    PriorShifts,
    Questions,
    act_effects,
    key_assumptions,
    measure_sensitivity,
)
from forecast.sensitivity.waterfall import measure_waterfall, without_past
from forecast.targets import FutureAct

STEPS = ["base_rate", "own_rates", "drift", "tension", "recent_acts", "other_pairs", "scheduled_events"]


def by_step(run):
    return {one.step: one for one in measure_waterfall(run)}


def test_steps_add_up_to_the_headline_from_the_rate_that_the_reader_sees(base, mixed):
    for run in (base, mixed):
        steps, headline = measure_waterfall(run), run.forecast.target("escalation").milestones[-1]
        assert [one.step for one in steps] == STEPS
        assert steps[0].probability == pytest.approx(headline.constant_rate, abs=1e-12)
        assert steps[-1].probability == pytest.approx(headline.probability, abs=1e-12)
        whole = steps[0].probability + sum(one.change for one in steps)
        assert whole == pytest.approx(headline.probability, abs=1e-12)
        # And so do the points that are printed, to the digit.
        assert round(sum(one.points for one in steps), 1) == round(100 * headline.probability, 1)
        for one in steps[1:]:
            assert abs(one.points - 100 * one.change) < 0.1 + 1e-9


def test_a_target_never_seen_begins_at_the_share_of_past_windows(base):
    headline = base.inputs.config.headline.model_copy(update={"target": "lethal"})
    config = base.inputs.config.model_copy(update={"headline": headline})
    run = replace(base, inputs=replace(base.inputs, config=config))
    known = run.forecast.target("lethal").milestones[-1]
    assert known.constant_rate is None
    assert measure_waterfall(run)[0].probability == pytest.approx(known.baseline.probability, abs=1e-12)


def test_other_pairs_come_in_after_the_whole_model_at_their_weight(base, mixed):
    alone, steps = by_step(base), by_step(mixed)
    for step in ("drift", "tension", "recent_acts"):
        assert steps[step].change == pytest.approx(alone[step].change, abs=1e-9)
    (_, other) = mixed.mixture.member_forecasts("escalation", 184)
    own = alone["recent_acts"].probability
    assert steps["other_pairs"].probability == pytest.approx((own + other.probability) / 2, abs=0.005)


@pytest.mark.parametrize("swing", [1e-12, 1.0])
def test_own_rates_are_those_of_the_record_however_its_tension_and_drift_ran(run_from, inputs, swing):
    """Closed form without answers: 1 − exp(−Σ r·M·days/7), with M the mean of exp(ℓσx − ½(ℓσ)² + z)."""

    def edit(variables):
        for name in ("answers.number", "follow_on.number"):
            variables[name][:] = 1e-12
        variables["ballast"][:] = 0.0
        variables["tension.scale"][:] = variables["drift.scale"][:] = swing

    run = run_from(replace(inputs, calendar=()), edit=edit)
    steps, layout, weights = by_step(run), inputs.data.layout, inputs.data.exposure
    held, weeks = run.draws.variables, np.arange(inputs.data.grid.n_steps)
    met, exact, means = np.flatnonzero(layout.meets[0]), [], []
    for d, (knots, drift) in enumerate(zip(run.draws.knots, run.draws.drift, strict=True)):
        x, level = (np.interp(weeks, every * np.arange(len(y)), y) for y, every in ((knots, 4), (drift, 24)))
        level = np.exp(level) * weights.sum() / (np.exp(level) @ weights)
        expected = 0.0
        for k in met:
            loading = swing * held["tension.loading"][d, layout.categories.index(layout.kinds[k].category)]
            means.append(weights @ (np.exp(loading * x - loading**2 / 2) * level) / weights.sum())
            rate = held["baseline.weekly_rate"][d, layout.rate_of[k]] * inputs.data.rate_shares[k]
            expected += rate * means[-1] * 184 / 7
        exact.append(-np.expm1(-expected))
    assert steps["own_rates"].probability == pytest.approx(np.mean(exact), abs=1e-6)
    if swing < 1:
        for step in STEPS[2:]:
            assert steps[step].change == pytest.approx(0.0, abs=1e-9), step
    else:
        # What the rate of a week of average tension, without this factor, would miss.
        assert np.mean(means) < 0.95


def test_what_is_no_member_has_no_step_and_what_is_silent_changes_nothing(run_of, base):
    assert list(by_step(run_of("alone"))) == ["base_rate", "other_pairs", "scheduled_events"]
    assert by_step(base)["other_pairs"].change == pytest.approx(0.0, abs=1e-12)


def test_a_level_of_conflict_above_that_of_the_record_raises_the_step_of_drift(run_from, inputs):
    def rising(variables):
        variables["drift.scale"][:] = 1.0
        innovations = variables["drift.innovations"]
        innovations[:] = np.linspace(-2, 2, innovations.shape[-1])

    step = by_step(run_from(inputs, edit=rising))["drift"]
    assert step.change > 3 * step.error > 0


def test_a_reaction_to_come_raises_the_chance_and_last_acts_are_still_answered(folder, run_from):
    stated = "{when: {category: dispute}, then: {category: sanction}, days: 14, chance: 60%}"
    run = run_from(read_inputs(load_config(folder / "config.yaml", [f"reactions.answered={stated}"])))
    steps = by_step(run)
    assert list(steps) == [*STEPS[:4], "reactions", *STEPS[4:]]
    assert steps["reactions"].change > 0
    # The drill ten days ago is conflict, which lowers nothing.
    assert steps["recent_acts"].change >= 0


def test_a_record_without_past_acts_brings_about_nothing_and_keeps_its_cooperation(inputs):
    record, exposure = record_of(inputs.data), inputs.data.exposure
    still = without_past(record, exposure)
    assert not len(still.day)
    np.testing.assert_allclose(still.calming.sum(axis=1), record.calming.sum(axis=1))
    assert np.ptp(still.calming / exposure, axis=1) == pytest.approx(0.0, abs=1e-12)
    assert (still.completeness == 1).all()


QUESTIONS = [("escalation", "new-year"), ("lethal", "autumn"), ("lethal", "new-year")]


@pytest.mark.parametrize("of", ["base", "mixed"])
def test_no_act_of_conflict_lowers_a_chance_and_a_graver_one_does_no_less(of, request):
    run = request.getfixturevalue(of)
    acts = [
        FutureAct(date(2022, 8, 1), category, severity, 0.0, by="CHN")
        for category in CONFLICTUAL
        for severity in SEVERITIES
    ]
    effects = [[*act_effects(run, *question, acts)] for question in QUESTIONS]
    slopes = np.array([[one.slope for one in each] for each in effects]).T
    slopes = slopes.reshape(len(CONFLICTUAL), len(SEVERITIES), 3)
    assert slopes.min() >= -1e-12
    assert np.diff(slopes, axis=1).min() >= -1e-9
    room = 1 - np.array([each[0].ends[0] for each in effects])
    assert np.all(slopes <= room + 1e-9)


def test_more_of_a_rate_never_lowers_the_chance(base):
    questions = Questions.of(base, QUESTIONS)
    shifts = PriorShifts(base, "baseline.weekly_rate.escalation", questions)
    found = [shifts.at(steps) for steps in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    told = [one.probability[0] for one in found if one.weights.trusted]
    assert len(told) >= 3
    assert np.all(np.diff(told) > 0)


def test_assumptions_moved_are_every_rate_of_the_target_seen_or_not_and_stated_or_not(base):
    rates = {"baseline.weekly_rate.escalation", "baseline.weekly_rate.lethal"}
    assert rates | {"calendar.0"} <= {one.name for one in measure_sensitivity(base, ()).assumptions}
    priors = base.inputs.priors.changed(dict.fromkeys(rates, "default"), "default")
    assert rates <= {*key_assumptions(replace(base.inputs, priors=priors), "escalation")}
