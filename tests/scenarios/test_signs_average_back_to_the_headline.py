"""Signs: the parts average back, known futures are found again, and what tells nothing is not told."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from forecast.models.intensity import Simulator
from forecast.records.analysis import Sign, SignHistory, TrackRow
from forecast.scenarios import signs
from forecast.scenarios.signs import Kind, information, measure_quiet, measure_signs, with_history


def headline_of(run):
    return run.mixture.probability("escalation", 184)


@pytest.fixture(scope="module")
def tense(inputs, run_from):
    """A run whose tension moves everything, so that acts tell of what is to come."""

    def stir(variables):
        variables["tension.scale"][:] = 1.2
        variables["tension.persistence"][:] = 200.0
        variables["baseline.weekly_rate"][:] *= 2

    return run_from(replace(inputs, calendar=()), edit=stir)


@pytest.mark.parametrize("name", ["tense", "mixed"])
def test_the_parts_average_back_to_the_headline(name, request, monkeypatch):
    run = request.getfixturevalue(name)
    monkeypatch.setattr(signs, "TELLS", 1.0)
    found = measure_signs(run)
    assert 0 < len(found) <= 6
    assert len({one.category for one in found}) == len(found)
    bits = [one.information_bits for one in found]
    assert bits == sorted(bits, reverse=True)
    for one in found:
        back = one.chance * one.if_seen + (1 - one.chance) * one.if_not_seen
        assert back == pytest.approx(headline_of(run), abs=1e-9), one.category
        odds = [p / (1 - p) for p in (one.if_seen, headline_of(run))]
        assert odds[0] / odds[1] == pytest.approx(one.likelihood_ratio, rel=1e-6)
        lower, upper = one.likelihood_ratio90
        assert lower < one.likelihood_ratio < upper


def test_tension_makes_hostile_acts_raise_the_headline_and_each_sign_tells_enough(tense):
    found = {one.category: one for one in measure_signs(tense)}
    hostile = {"sanction", "dispute", "military_posture", "military_incident"} & set(found)
    assert hostile
    for name in hostile:
        assert found[name].if_seen > headline_of(tense) > found[name].if_not_seen, name
    ratios = [one.likelihood_ratio for one in found.values()]
    assert all(ratio >= signs.TELLS or ratio <= 1 / signs.TELLS for ratio in ratios)


def test_signs_and_targets_come_together_as_often_as_in_played_clusters(tense):
    """Of one draw: neither a dispute of severity 3 or more in 30 days, nor the target in 90."""
    rule, layout, draw, n = tense.inputs.rules[0], tense.inputs.data.layout, 11, 3000
    marked = Kind("dispute", 3, rule).marked(layout)
    chances = replace(tense.chances, draws=tense.draws.rows(np.array([draw])), n_days=90)
    neither = float(chances.with_sign(marked, 30, rule.name)[0])
    silent = float(chances.without_sign(marked, [30])[0, 0])
    simulator, rng = Simulator(chances, 0), np.random.default_rng(2)
    met, counted = layout.meets[0], [0, 0]
    for _ in range(n):
        days, streams, severities = simulator.play(rng)
        sign = np.any(marked[streams, severities - 1] & (days < 30))
        counted[0] += not sign and not np.any(met[streams])
        counted[1] += not sign
    for exact, times in zip((neither, silent), counted, strict=True):
        assert abs(times / n - exact) < 4 * np.sqrt(exact * (1 - exact) / n)


def test_acts_of_the_target_itself_are_no_sign(tense):
    rule, layout = tense.inputs.rules[0], tense.inputs.data.layout
    assert not any(rule.meets(one.category, one.most_severity) for one in measure_signs(tense))
    kinds = [("sanction", 4), ("sanction", 2), ("visit", 4)]
    assert [Kind(*kind, rule).severities(layout) for kind in kinds] == [(), (2, 3), (4, 5)]


def test_a_sign_is_told_by_the_severity_that_the_record_has_most_often(tense):
    (one, *_), data = measure_signs(tense), tense.inputs.data
    kind = Kind(one.category, one.severity, tense.inputs.rules[0])
    held, rows = kind.severities(data.layout), kind.marked(data.layout)[data.stream, data.severity - 1]
    for usual in held:
        severity = np.where(rows, usual, data.severity)
        alike = replace(tense, inputs=replace(tense.inputs, data=replace(data, severity=severity)))
        anchor = tense.inputs.scale.anchor(one.category, usual)
        assert signs.usual_anchor(alike, kind) == anchor
    assert len(held) > 1


def test_where_nothing_happens_there_is_no_sign(still):
    assert measure_signs(still) == ()


def test_a_target_that_stays_away_leaves_what_is_left_of_its_days(tense):
    quiet = 1 - tense.mixture.curves["escalation"].probability
    told = measure_quiet(tense)
    assert [(one.date - tense.inputs.data.grid.origin).days for one in told] == [46, 92, 138]
    for one in told:
        passed = (one.date - tense.inputs.data.grid.origin).days
        assert one.probability == pytest.approx(1 - quiet[184] / quiet[passed])
    assert headline_of(tense) > told[0].probability > told[1].probability > told[2].probability > 0


def test_a_sign_misled_where_it_was_seen_and_the_target_stayed_away(tense, coded):
    events = coded(
        ("2021-01-20", "sanction", 3),  # seen from 1 February; the target came
        ("2021-05-10", "sanction", 2),  # seen from 1 June; it misled
        ("2021-05-31", "sanction", 1),  # not severe enough
        ("2021-07-01", "sanction", 3),  # on the origin's own day: not known
        ("2021-07-20", "sanction", 4),  # the target itself
    )
    row = TrackRow.model_construct(
        horizon_days=90,
        origins=tuple(date(2021, month, 1) for month in (2, 6, 7, 8)),
        happened=(True, False, True, False),
    )
    sign = Sign.model_construct(category="sanction", severity=2, within_days=30, history=None)
    (told,) = with_history([sign], events, tense.inputs.rules[0], row)
    # August counts the act of 1 July only from 2 July on: it is 31 days back.
    assert told.history == SignHistory(horizon_days=90, origins=4, present=2, misled=1, came_without=1)
    assert with_history([sign], events, tense.inputs.rules[0], None) == (sign,)


def test_information_is_that_of_known_tables():
    assert information(0.5, 1.0, 0.0) == pytest.approx(1.0)
    assert information(0.3, 0.2, 0.2) == pytest.approx(0.0, abs=1e-12)
    # A binary symmetric channel with error 0.1 on even odds: 1 − H(0.1).
    known = 1 + 0.1 * np.log2(0.1) + 0.9 * np.log2(0.9)
    assert information(0.5, 0.9, 0.1) == pytest.approx(known)
