"""What one more act ahead does, over all kinds, severities and targets, on the same random numbers."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from forecast.simulation import NEVER, SimulationOptions, simulate_first_passages

from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE, SEVERITIES
from forecast.panel import FutureAct, TargetRule

OPTIONS = SimulationOptions(seed=3, horizon_days=120, paths_per_draw=8)
OVERLAPPING = (
    TargetRule("conflict", ("military_incident", "military_posture", "sanction", "dispute"), 3),
    TargetRule("military", ("military_incident", "military_posture"), 3),
    TargetRule("major", ("military_incident", "military_posture"), 4),
    TargetRule("lethal", ("military_incident",), 5),
    TargetRule("pressure", ("sanction", "military_posture"), 2),
    TargetRule("rift", ("dispute", "channel_closure"), 5),
    TargetRule("talks", ("visit", "channel_opening"), 3),
)


@pytest.fixture(scope="module")
def panel(past):
    return past(OVERLAPPING)


@pytest.fixture(scope="module")
def draws(panel, from_prior):
    return from_prior(panel, 200, ballast="calms")


@pytest.fixture(scope="module")
def days(panel, draws):
    """First days of the targets, shape (target, draw, path), with and without each act on the tenth day."""
    on = panel.grid.origin + timedelta(days=9)
    acts = [(category, severity) for category in CATEGORIES for severity in SEVERITIES]
    ahead = {None: []} | {act: [FutureAct(on, *act, 1.0)] for act in acts}
    return {act: simulate_first_passages(panel, draws, OPTIONS, some).day for act, some in ahead.items()}


def chance(first):
    return (first < NEVER).mean(axis=(1, 2))


@pytest.mark.parametrize("category", CONFLICTUAL)
def test_no_act_of_conflict_delays_a_target_of_conflict_on_any_path(days, category):
    conflict = slice(0, 6)
    for severity in SEVERITIES:
        assert np.all(days[category, severity][conflict] <= days[None][conflict])
    assert chance(days[category, 5])[0] > chance(days[None])[0]


@pytest.mark.parametrize("category", CONFLICTUAL)
def test_the_effect_of_an_act_of_conflict_does_not_fall_with_its_severity(panel, days, category):
    n_paths = days[None][0].size
    for milder, graver in pairwise(SEVERITIES):
        before, after = days[category, milder], days[category, graver]
        streams = [panel.layout.stream_of(category, severity) for severity in (milder, graver)]
        if streams[0] == streams[1]:
            assert np.all(after <= before)
            continue
        # In another stream it brings about acts of that kind, whose luck is another: paths differ both ways.
        more, less = ((a < NEVER) & (b == NEVER) for a, b in ((after, before), (before, after)))
        lost = less.sum(axis=(1, 2)) - more.sum(axis=(1, 2))
        error = np.sqrt((less | more).sum(axis=(1, 2)) + 1)
        assert np.all(lost < 4.5 * error), f"{category} {graver}: {lost / n_paths}"
        met = panel.layout.targets_met(category, graver)
        assert np.all(after[list(met)] <= 9)


@pytest.mark.parametrize("category", COOPERATIVE)
def test_an_act_of_cooperation_does_the_same_whatever_its_severity_unless_it_meets_a_target(
    panel, days, category
):
    unmet = [severity for severity in SEVERITIES if not panel.layout.targets_met(category, severity)]
    assert len(unmet) == (5 if category == "cooperation" else 2)
    for severity in unmet:
        np.testing.assert_array_equal(days[category, severity], days[category, unmet[0]])


def test_cooperation_whose_ballast_calms_never_brings_conflict_sooner(panel, draws, from_prior, days):
    calming = from_prior(panel, 200, ballast="LogNormal(-1, 0.3)")
    without = simulate_first_passages(panel, calming, OPTIONS).day
    on = panel.grid.origin + timedelta(days=9)
    for category in COOPERATIVE:
        for severity in (1, 5):
            act = FutureAct(on, category, severity, 1.0)
            found = simulate_first_passages(panel, calming, OPTIONS, [act]).day
            assert np.all(found[:6] >= without[:6])
            assert np.any(found[:6] > without[:6])


def test_cooperation_in_a_cell_that_conflict_meets_too_excites_no_more_by_being_severe(past, from_prior):
    """A cell of visits and disputes: a treaty of severity 5 is no grave act of conflict."""
    mixed = past(
        [TargetRule("news", ("visit", "dispute"), 3), TargetRule("clash", ("military_incident",), 3)]
    )
    draws, on = from_prior(mixed, 100), mixed.grid.origin + timedelta(days=9)
    acts = (FutureAct(on, "visit", severity, 1.0) for severity in (3, 5))
    mild, grave = (simulate_first_passages(mixed, draws, OPTIONS, [act]).day for act in acts)
    np.testing.assert_array_equal(mild, grave)
