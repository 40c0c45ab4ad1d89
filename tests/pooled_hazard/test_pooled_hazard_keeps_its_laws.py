"""Laws of the pooled hazard: no look ahead, monotone, nested, the same at one origin and at many."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.optimize import brentq

from forecast.errors import ConfigError, InputError
from forecast.events.table import Event, EventTable
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard import hazard as module
from forecast.pooled_hazard.coefficients import LearnedDyad, read_hazard, shipped_hazard
from forecast.pooled_hazard.hazard import FURTHEST_DAYS, forecast_by_day, forecast_origins

START = date(2010, 1, 1)
WIDE = TargetRule("wide", ("sanction", "military_incident", "military_posture", "dispute"), 3)
NARROW = TargetRule("narrow", ("military_incident",), 5)
MIDDLE = TargetRule("middle", ("military_incident", "military_posture"), 4)
HORIZONS = np.array([1, 14, 15, 30, 90, 180, 365, 700, 1000])


@pytest.fixture(scope="module")
def record():
    """Ten years of acts at random; one in ten became known up to half a year late."""
    rng = np.random.default_rng(3)
    kinds = ("visit", "sanction", "military_incident", "military_posture", "dispute")
    events = []
    for place, day in enumerate(np.sort(rng.integers(0, 3650, 400)).tolist()):
        late = int(rng.integers(1, 180)) if rng.random() < 0.1 else 0
        happened = START + timedelta(days=day)
        events.append(
            Event(
                id=f"e{place:04}",
                date=happened,
                known_date=happened + timedelta(days=late),
                initiator="AAA" if rng.random() < 0.5 else "BBB",
                recipient="BBB",
                category=kinds[rng.integers(len(kinds))],
                severity=int(rng.integers(1, 6)),
            )
        )
    return EventTable.from_events(events, "made for a test")


def test_what_becomes_known_after_the_origin_changes_nothing(record):
    origin = np.array([date(2015, 6, 1)], "datetime64[D]")
    known = record.known_by(date(2015, 5, 31))
    assert len(known) < len(record)
    for rule in (WIDE, NARROW):
        of_past = forecast_origins(shipped_hazard(), known, [rule], origin, START, HORIZONS)
        of_all = forecast_origins(shipped_hazard(), record, [rule], origin, START, HORIZONS)
        assert np.array_equal(of_past[rule.name], of_all[rule.name])


def test_many_origins_say_what_each_says_alone(record):
    origins = np.array(["2013-01-01", "2015-06-01", "2019-12-01"], "datetime64[D]")
    together = forecast_origins(shipped_hazard(), record, [WIDE, NARROW], origins, START, HORIZONS)
    for place, origin in enumerate(origins.tolist()):
        alone = forecast_by_day(shipped_hazard(), record, [WIDE, NARROW], origin, START, 1000)
        for rule in (WIDE, NARROW):
            at = alone[rule.name].mean[HORIZONS]
            assert np.allclose(at, together[rule.name][place], rtol=0, atol=1e-12)


def test_the_curve_rises_from_zero_and_wider_targets_are_more_likely(record):
    found = forecast_by_day(shipped_hazard(), record, [NARROW, WIDE, MIDDLE], date(2018, 1, 1), START, 900)
    for moments in found.values():
        assert moments.mean[0] == 0.0
        assert np.all(np.diff(moments.mean) > 0)
        assert np.all(moments.mean < 1)
        assert np.all(moments.variance[1:] > 0)
    assert np.all(found["narrow"].mean <= found["middle"].mean)


def test_a_narrower_target_is_never_likelier_even_where_the_regression_says_so(record):
    # The target that never happened is asked with the severity that the coefficients like best.
    loud = shipped_hazard().model_copy(update={"mean": _with_effect(shipped_hazard(), "severity", 5.0)})
    rules = [
        TargetRule("all", ("military_incident",), 3),
        TargetRule("some", ("military_incident",), 4),
        TargetRule("few", ("military_incident",), 5),
    ]
    found = forecast_by_day(loud, record, rules, date(2018, 1, 1), START, 400)
    alone = forecast_by_day(loud, record, rules[:1], date(2018, 1, 1), START, 400)
    assert np.any(alone["all"].mean < found["few"].mean), "else this test shows nothing"
    assert np.all(found["few"].mean <= found["some"].mean)
    assert np.all(found["some"].mean <= found["all"].mean)


def _with_effect(hazard, name, value):
    mean = list(hazard.mean)
    mean[1 + hazard.features.index(name)] = value
    return tuple(mean)


def test_a_kind_that_was_never_learned_has_a_wider_interval(record, monkeypatch):
    visits = TargetRule("visits", ("visit",), 3)
    assert not shipped_hazard().knows_kind(visits)
    wide = forecast_by_day(shipped_hazard(), record, [visits], date(2018, 1, 1), START, 200)["visits"]
    monkeypatch.setattr(module.PooledHazard, "knows_kind", lambda self, target: True)
    known = forecast_by_day(shipped_hazard(), record, [visits], date(2018, 1, 1), START, 200)["visits"]
    assert wide.variance[200] > known.variance[200]


def test_a_dyad_of_the_panel_is_forecast_without_it(record):
    hazard = shipped_hazard()
    learned = hazard.provenance.dyads[0].model_copy(
        update={"actors": ("AAA", "BBB"), "first": date(2012, 1, 1), "last": date(2014, 1, 1)}
    )
    other = _with_effect(hazard, "target_365", 0.9)
    told = hazard.model_copy(
        update={
            "provenance": hazard.provenance.model_copy(update={"dyads": (learned,)}),
            "without": {learned.name: other},
        }
    )
    found = forecast_by_day(told, record, [WIDE], date(2018, 1, 1), START, 200)["wide"]
    as_if = hazard.model_copy(update={"mean": other})
    assert np.array_equal(
        found.mean, forecast_by_day(as_if, record, [WIDE], date(2018, 1, 1), START, 200)["wide"].mean
    )
    assert told.learned_on(record) is learned
    earlier = learned.model_copy(update={"first": date(1990, 1, 1), "last": date(2000, 1, 1)})
    assert not earlier.shares(LearnedDyad.of("record", record))


def test_the_own_deviation_solves_its_equation():
    rng = np.random.default_rng(0)
    earlier = module.earlier_origins(3000)
    expected = np.full((len(earlier), len(module.INTERVAL_DAYS)), 0.002)
    targets = np.sort(rng.integers(0, 3000, 40))
    first = module.first_day_after(targets, earlier)
    mode, spread = module._own_deviation(expected, earlier, np.array([2500]), first, 0.3)
    n = int((earlier < 2500).sum())
    seen = 2500 - earlier[:n]
    hit, at_risk = module.follow_up(first[:n], seen)
    weight = module.INTERVAL_WEIGHT * 2.0 ** (-seen[:, None] / module.FORGET_DAYS)
    hits, foreseen = (weight * hit).sum(), (weight * expected[:n] * at_risk).sum()
    solved = brentq(lambda u: u / 0.09 - hits + foreseen * np.exp(u), -5, 5)
    assert mode[0] == pytest.approx(solved, abs=1e-9)
    assert spread[0] == pytest.approx((1 / 0.09 + foreseen * np.exp(solved)) ** -0.5)
    assert mode[0] > 0, "a dyad with more targets than foreseen is lifted"


def test_a_horizon_beyond_twice_what_was_learned_is_refused(record):
    with pytest.raises(InputError, match="learned up to 730 days and answers up to 1460"):
        forecast_by_day(shipped_hazard(), record, [WIDE], date(2018, 1, 1), START, FURTHEST_DAYS + 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no JSON"),
        ("[1]", "holds no coefficients"),
        ('{"schema": 7}', "got 7; this version reads 1"),
        ("edges", "those of another version"),
        ("mean", "differ in length"),
        ("nan", "mean.3"),
    ],
)
def test_a_file_of_another_kind_or_version_is_refused(tmp_path, content, said):
    path = tmp_path / "hazard.json"
    known = json.loads(shipped_hazard().model_dump_json(by_alias=True))
    if content == "edges":
        content = json.dumps(known | {"edges": [0, 30, 90]})
    elif content == "mean":
        content = json.dumps(known | {"mean": known["mean"][:-1]})
    elif content == "nan":
        content = json.dumps(known | {"mean": [*known["mean"][:3], float("nan"), *known["mean"][4:]]})
    path.write_text(content)
    with pytest.raises(ConfigError, match=said) as caught:
        read_hazard(path)
    assert str(path) in str(caught.value)
    assert "forecast panel learn" in str(caught.value)


def test_a_target_that_never_came_is_answered_where_the_panel_was_quiet_as_long(record):
    hazard = shipped_hazard()
    unseen = TargetRule("closure", ("channel_closure",), 3)
    assert hazard.answers_unseen(unseen, 3650)
    assert not hazard.answers_unseen(unseen, 36500)
    assert not hazard.answers_unseen(TargetRule("force", ("military_incident",), 5), 3650)
    early, late = date(2012, 1, 1), date(2019, 1, 1)
    force = TargetRule("force", ("military_incident",), 5)
    peaceful = record.select(~force.mask(record))
    assert "force" in forecast_by_day(hazard, peaceful, [force, WIDE], early, START, 100)
    assert set(forecast_by_day(hazard, peaceful, [force, WIDE], late, START, 100)) == {"wide"}
    origins = np.array([early, late], "datetime64[D]")
    found = forecast_origins(hazard, peaceful, [force], origins, START, HORIZONS)["force"]
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()
