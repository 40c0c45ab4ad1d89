"""The waterfall: steps that add up, are what they say, and vanish where their source does."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.config import load_config
from forecast.models.draws import record_of
from forecast.runs.inputs import read_inputs
from forecast.sensitivity.waterfall import measure_waterfall, without_past

STEPS = ["base_rate", "own_rates", "other_pairs", "drift", "tension", "recent_acts", "scheduled_events"]


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


def test_the_model_has_the_weight_of_the_forecast_from_other_pairs_on(base, mixed):
    alone, steps = by_step(base), by_step(mixed)
    for step in ("drift", "tension", "recent_acts"):
        assert steps[step].change == pytest.approx(alone[step].change / 2, abs=1e-9)
    (_, other) = mixed.mixture.member_forecasts("escalation", 184)
    own = alone["own_rates"].probability
    assert steps["other_pairs"].probability == pytest.approx((own + other.probability) / 2, abs=0.005)


def test_where_nothing_is_answered_or_swings_the_own_rates_are_the_model(run_from, inputs):
    def plain(variables):
        for name in ("answers.number", "follow_on.number", "tension.scale", "drift.scale"):
            variables[name][:] = 1e-12
        variables["ballast"][:] = 0.0

    run = run_from(replace(inputs, calendar=()), edit=plain)
    steps, layout = by_step(run), inputs.data.layout
    met = layout.meets[0]
    rate = run.draws.variables["baseline.weekly_rate"][:, layout.rate_of] * inputs.data.rate_shares
    exact = -np.expm1(-rate[:, met].sum(axis=1) * 184 / 7)
    assert steps["own_rates"].probability == pytest.approx(exact.mean(), abs=1e-6)
    for step in STEPS[2:]:
        assert steps[step].change == pytest.approx(0.0, abs=1e-9), step


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
    assert list(steps) == [*STEPS[:5], "reactions", *STEPS[5:]]
    assert steps["reactions"].change > 0
    # The drill ten days ago is conflict, which lowers nothing.
    assert steps["recent_acts"].change >= 0


def test_a_record_without_past_acts_brings_about_nothing_and_keeps_its_cooperation(inputs):
    record, exposure = record_of(inputs.data), inputs.data.exposure
    still = without_past(record, exposure)
    assert not still.inflation.any()
    np.testing.assert_allclose(still.calming.sum(axis=1), record.calming.sum(axis=1))
    assert np.ptp(still.calming / exposure, axis=1) == pytest.approx(0.0, abs=1e-12)
    assert still.completeness is record.completeness
