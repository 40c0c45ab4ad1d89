"""Records with known answers, fitted: a class that is answered, and acts that are not."""

from datetime import timedelta

import numpy as np
import pytest

from forecast.events.table import EventTable
from forecast.grid import TimeGrid
from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import sample
from forecast.models.draws import stream_draws
from forecast.models.survival import Chances
from forecast.targets import ActClass, FutureAct, Reaction, TargetRule

from .conftest import CONFLICT, START, acts_with_priors, event

YEARS = TimeGrid(START, START + timedelta(days=5 * 365))
CLASH = TargetRule("clash", ("military_incident",), 4)
PROBE = Reaction(
    "probe",
    "Probes are answered",
    ActClass("military_posture", ("probe",), by=("AAA",)),
    then=("military_incident",),
    by=("BBB",),
)


def probed(severity, seed=1):
    """Thirty probes of AAA's, half of them answered by BBB within three days; beside them nothing is."""
    rng = np.random.default_rng(seed)
    days = 5 * 365
    rows = [
        (day, *(("AAA", "BBB")[:: rng.choice((1, -1))]), rng.choice(CONFLICT), 1 + rng.integers(3))
        for day in rng.integers(days, size=300)
    ]
    rows += [(day, "AAA", "BBB", "visit", 2) for day in rng.integers(days, size=40)]
    for number, day in enumerate(np.sort(rng.integers(days - 20, size=30))):
        rows.append((day, "AAA", "BBB", "military_posture", severity, "probe"))
        if number % 2:
            rows.append((day + rng.integers(1, 4), "BBB", "AAA", "military_incident", 4))
    return EventTable.from_events([event(n, *row) for n, row in enumerate(rows)], "a test")


def fitted(data, priors, n_days=14):
    options = SamplerOptions(seed=1, draws=150, tune=250, chains=2)
    tree = sample(PosteriorDensity.of(data, priors), options)
    draws = stream_draws(data.layout, Posterior(tree, 0.9, 250).variables, priors)
    return Chances(data, priors, draws, n_days, seed=2)


@pytest.mark.parametrize("severity", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_a_class_of_which_half_was_answered_is_told_from_other_acts(severity):
    data, priors = acts_with_priors(probed(severity), reactions=(PROBE,), targets=(CLASH,), grid=YEARS)
    chances = fitted(data, priors)

    def within_14_days(*acts):
        return 1 - chances.survival(acts).of("clash").mean(axis=0)[14]

    day, base = YEARS.origin, within_14_days()
    probe = FutureAct(day, "military_posture", severity, 1.0, by="AAA", subcategory="probe")
    assert 0.35 < within_14_days(probe) < 0.70
    for category in CONFLICT:
        other = FutureAct(day, category, min(severity, 3), 1.0, by="AAA")
        assert abs(within_14_days(other) - base) < 0.05, category


@pytest.mark.slow
def test_records_of_the_worked_cases_size_tell_what_was_answered(tool):
    """Two records a truth; ``tools/studies/recovery.py`` counts how often intervals hold it."""
    study = tool("studies/recovery")
    data, options = study.worked_case(), SamplerOptions(seed=1, draws=120, tune=250, chains=2)
    found = {}
    for truth in ("none", "other_side", "class"):
        rows = [row for seed in (3, 4) for row in study.recovered(data, truth, seed, options)]
        names = dict.fromkeys(row.name for row in rows)
        found[truth] = {name: np.mean([row.middle for row in rows if row.name == name]) for name in names}
    same, other, reaction = "answers.number[0]", "answers.number[1]", "reaction.number"
    # Hardly three of a hundred acts are answered where none is.
    assert max(found["none"][same], found["none"][other]) < 0.06
    assert found["none"][reaction] < 0.25
    assert found["other_side"][other] > 0.15 > 2 * found["other_side"][same]
    # Six triggers of .7 answers each have 4 ± 2: of two records no more can be asked.
    assert found["class"][reaction] > found["none"][reaction]
