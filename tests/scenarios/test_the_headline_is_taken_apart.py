"""The waterfall: steps that add up, are what they say, and vanish where their source does."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.models.draws import record_of
from forecast.sensitivity.drivers import evened, measure_waterfall

STEPS = ["base_rate", "own_rates", "recent_acts", "tension", "drift", "other_pairs", "scheduled_events"]


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


def test_a_target_never_seen_begins_at_the_share_of_past_windows(base):
    headline = base.inputs.config.headline.model_copy(update={"target": "lethal"})
    config = base.inputs.config.model_copy(update={"headline": headline})
    run = replace(base, inputs=replace(base.inputs, config=config))
    known = run.forecast.target("lethal").milestones[-1]
    assert known.constant_rate is None
    assert measure_waterfall(run)[0].probability == pytest.approx(known.baseline.probability, abs=1e-12)


def test_other_pairs_are_the_step_from_the_model_to_the_mean(mixed):
    steps = by_step(mixed)
    (model, other) = mixed.mixture.member_forecasts("escalation", 184)
    assert steps["drift"].probability == pytest.approx(model.probability, abs=0.005)
    mean = (steps["drift"].probability + other.probability) / 2
    assert steps["other_pairs"].probability == pytest.approx(mean, abs=1e-9)


def test_what_is_no_member_has_no_step_and_what_is_silent_changes_nothing(run_of, run_from, inputs, base):
    assert list(by_step(run_of("alone"))) == ["base_rate", "other_pairs", "scheduled_events"]
    step = by_step(base)["other_pairs"]
    assert (step.change, step.error) == (0.0, 0.0)

    def still(variables):
        variables["tension_scale"][:] = variables["drift_scale"][:] = 1e-12

    def forgets(variables):
        variables["excitation_branching"][:] = variables["excitation_cross"][:] = 1e-12
        variables["ballast"][:] = 0.0

    steps = by_step(run_from(replace(inputs, calendar=()), edit=still))
    assert all(abs(steps[name].change) < 1e-9 for name in ("tension", "drift", "scheduled_events"))
    assert abs(by_step(run_from(inputs, edit=forgets))["recent_acts"].change) < 1e-9


def test_a_level_of_conflict_above_that_of_the_record_raises_the_step_of_drift(run_from, inputs):
    def rising(variables):
        variables["drift_scale"][:] = 1.0
        innovations = variables["drift_innovations"]
        innovations[:] = np.linspace(-2, 2, innovations.shape[-1])

    step = by_step(run_from(inputs, edit=rising))["drift"]
    assert step.change > 3 * step.error > 0


def test_an_evened_record_has_as_many_acts_in_every_week(inputs):
    record = record_of(inputs.data)
    even = evened(record)
    weeks = inputs.data.exposure.sum()
    np.testing.assert_allclose(
        even.felt, np.broadcast_to(record.felt.sum(axis=1, keepdims=True) / weeks, even.felt.shape)
    )
    np.testing.assert_allclose(even.graded[0] * weeks, record.graded.sum(axis=0))
    assert even.counts is record.counts
