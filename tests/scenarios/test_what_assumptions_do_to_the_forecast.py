"""Laws: no act of conflict lowers a chance, more of a rate never does, the rate of the record is kept."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.sensitivity.shifts import (
    PriorShifts,
    Questions,
    act_effects,
    key_assumptions,
    measure_sensitivity,
)
from forecast.targets import FutureAct

QUESTIONS = [("escalation", "new-year"), ("lethal", "autumn"), ("lethal", "new-year")]


@pytest.mark.parametrize("of", ["base", "mixed"])
def test_no_act_of_conflict_lowers_a_chance_and_a_graver_one_does_no_less(of, request):
    run = request.getfixturevalue(of)
    acts = [
        FutureAct(date(2022, 8, 1), category, severity, 0.0, by="CHN")
        for category in CONFLICTUAL
        for severity in SEVERITIES
    ]
    effects = list(act_effects(run, QUESTIONS, acts))
    slopes = np.array([[one.slope(question) for question in range(3)] for one in effects])
    slopes = slopes.reshape(len(CONFLICTUAL), len(SEVERITIES), 3)
    assert slopes.min() >= -1e-12
    assert np.diff(slopes, axis=1).min() >= -1e-9
    room = 1 - np.array([effects[0].ends[0, question] for question in range(3)])
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
