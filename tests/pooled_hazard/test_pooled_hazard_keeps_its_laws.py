"""Laws of the pooled hazard: no look ahead, monotone, nested, the same at one origin and at many."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import polygamma
from scipy.stats import gamma

import forecast.pooled_hazard as module
from forecast.baselines import discounted_rate, past_events, pasts_by_origin
from forecast.errors import ConfigError, InputError
from forecast.events.table import Event, EventTable
from forecast.pooled_hazard import (
    EDGES,
    FURTHEST_DAYS,
    NAMES,
    LearnedDyad,
    origin_features,
    read_hazard,
    shipped_hazard,
)
from forecast.targets import TargetRule

START = date(2010, 1, 1)
WIDE = TargetRule("wide", ("sanction", "military_incident", "military_posture", "dispute"), 3)
NARROW = TargetRule("narrow", ("military_incident",), 5)
MIDDLE = TargetRule("middle", ("military_incident", "military_posture"), 4)
HORIZONS = np.array([1, 14, 15, 30, 90, 180, 365, 700, 1000])


def act(name, day, category, severity, *, late=0, by="AAA"):
    return Event(
        id=name,
        date=day,
        known_date=day + timedelta(days=late),
        initiator=by,
        recipient="BBB",
        category=category,
        severity=severity,
    )


@pytest.fixture(scope="module")
def record():
    """Ten years of acts at random; one in ten became known up to half a year late."""
    rng = np.random.default_rng(3)
    kinds = ("visit", "sanction", "military_incident", "military_posture", "dispute")
    events = []
    for place, day in enumerate(np.sort(rng.integers(0, 3650, 400)).tolist()):
        late = int(rng.integers(1, 180)) if rng.random() < 0.1 else 0
        happened = START + timedelta(days=day)
        by = "AAA" if rng.random() < 0.5 else "BBB"
        kind, grade = kinds[rng.integers(len(kinds))], int(rng.integers(1, 6))
        events.append(act(f"e{place:04}", happened, kind, grade, late=late, by=by))
    return EventTable.from_events(events, "made for a test")


def test_a_narrower_target_is_never_likelier_even_where_the_regression_says_so(record):
    # Military acts alone are raised, so that they would pass the target that includes them.
    loud = with_effect(shipped_hazard(), len(NAMES) + 1, 5.0)
    narrow, wide = TargetRule("narrow", ("military_incident",), 3), TargetRule("wide", WIDE.any_of, 3)
    alone = loud.by_day(record, [wide], date(2018, 1, 1), START, 400)
    found = loud.by_day(record, [wide, narrow], date(2018, 1, 1), START, 400)
    means = {name: draws.mean(axis=0) for name, draws in found.items()}
    assert np.any(alone["wide"].mean(axis=0) < means["narrow"]), "else this test shows nothing"
    assert np.all(found["narrow"] <= found["wide"])
    assert_means_are_kept(loud, record, [wide, narrow], date(2018, 1, 1), found, 1e-4)


def assert_means_are_kept(hazard, events, targets, origin, found, near=1e-9):
    """Check that draws have the means that are scored, at every day."""
    (last,) = {draws.shape[1] - 1 for draws in found.values()}
    origins, days = np.array([origin], "datetime64[D]"), np.arange(1, last + 1)
    scored = hazard.at_origins(events, targets, origins, START, days)
    for name, draws in found.items():
        np.testing.assert_allclose(draws.mean(axis=0)[1:], scored[name][0], rtol=near, atol=0)


def with_effect(hazard, place, value):
    """Return a hazard in which one coefficient of each coder has another value."""
    coders = tuple(
        one.model_copy(update={"mean": (*one.mean[:place], value, *one.mean[place + 1 :])})
        for one in hazard.coders
    )
    return hazard.model_copy(update={"coders": coders})


def silent(hazard):
    """Return a hazard that has learned nothing: coefficients, their errors and the deviation are 0."""
    n = 2 * (len(NAMES) + 1)
    nothing = {"mean": (0.0,) * n, "covariance": ((0.0,) * n,) * n, "without": {}}
    # A copy would keep the root of the covariance that it was made from.
    coders = tuple(type(one)(**(one.model_dump() | nothing)) for one in hazard.coders)
    return hazard.model_copy(update={"coders": coders, "deviation": 1e-9, "first_times": None})


def on_their_days(record):
    """Return the record with every act known on its day, as one past serves all origins of the baseline."""
    return EventTable.from_events(
        [
            act(f"e{k}", day, str(kind), int(grade))
            for k, (day, kind, grade) in enumerate(
                zip(record.date.tolist(), record.category, record.severity, strict=True)
            )
        ],
        "made for a test",
    )


def test_without_coefficients_it_is_the_gamma_poisson_rate(record):
    events = on_their_days(record)
    origins = np.array(["2013-01-01", "2016-06-01", "2019-12-01"], "datetime64[D]")
    for rule in (WIDE, NARROW, MIDDLE):
        got = silent(shipped_hazard()).at_origins(events, [rule], origins, START, EDGES[1:])[rule.name]
        (past,) = pasts_by_origin(events, rule, origins, START)
        # The rate weighs its half-lives anew at every horizon and may stand still there; a hazard may not.
        assert np.allclose(got, discounted_rate(past, EDGES[1:]), atol=0.01)
        assert np.allclose(got[:, 0], discounted_rate(past, EDGES[1:])[:, 0], atol=1e-6)


def test_what_lies_outside_the_learned_range_falls_back_to_the_gamma_poisson_rate(record):
    coder = shipped_hazard().coders[0]
    centre = np.array(coder.centre)
    departures = []
    for beyond in (0.0, 1.0, 3.0, 30.0):
        far = centre.copy()
        place = NAMES.index("silence")
        far[place] = coder.highest[place] + beyond * coder.scale[place]
        design = coder.design(far[None, None], 0.5, np.array([[8.0]]))
        departures.append(float((design @ np.array(coder.mean))[0, 0]))
    assert np.allclose(np.array(departures[1:]) / departures[0], np.exp([-1.0, -3.0, -30.0]))
    pace = np.log([1e-6, 30.0, 1e9])
    weights = shipped_hazard().coder_weights(pace).sum(axis=0)
    assert weights[1] == 1.0
    assert np.all(weights[[0, 2]] < 1e-4)


def test_features_mean_the_same_when_a_coder_notes_half_the_acts():
    rng = np.random.default_rng(2)
    days = np.flatnonzero(rng.random(7300) < 0.2).tolist()
    kinds = rng.choice(["military_incident", "sanction", "visit"], len(days))
    rule = TargetRule("force", ("military_incident",), 5)
    found = {}
    for share in (1.0, 0.5):
        kept = rng.random(len(days)) < share
        events = EventTable.from_events(
            [
                act(f"e{k}", START + timedelta(days=d), str(kind), 5)
                for k, (d, kind) in enumerate(zip(days, kinds, strict=True))
                if kept[k]
            ],
            "made for a test",
        )
        past = past_events(events, rule, START + timedelta(days=7300), START)
        found[share] = origin_features(past, np.arange(2000, 7300, 60), rule)
    for name in ("target_30", "target_365", "conflict_30", "conflict_365", "cooperation_30", "all_acts_30"):
        place = NAMES.index(name)
        means = [found[share].values[:, 0, place].mean() for share in (1.0, 0.5)]
        assert np.allclose(means, 0, atol=0.1), name
    since = [found[share].values[:, 0, NAMES.index("since_last")].mean() for share in (1.0, 0.5)]
    assert since[0] == pytest.approx(since[1], abs=0.25)
    pace = [found[share].log_pace.mean() for share in (1.0, 0.5)]
    assert pace[0] - pace[1] == pytest.approx(np.log(2), abs=0.1)


def test_a_kind_that_was_never_learned_has_a_wider_interval(record, monkeypatch):
    visits = TargetRule("visits", ("visit",), 3)
    assert not shipped_hazard().knows_kind(visits)
    wide = shipped_hazard().by_day(record, [visits], date(2018, 1, 1), START, 200)["visits"]
    monkeypatch.setattr(module.PooledHazard, "knows_kind", lambda self, target: True)
    known = shipped_hazard().by_day(record, [visits], date(2018, 1, 1), START, 200)["visits"]
    assert wide[:, 200].var() > known[:, 200].var()


def test_a_dyad_of_the_panel_is_forecast_without_it(record):
    hazard = shipped_hazard()
    learned = hazard.provenance.dyads[0].model_copy(
        update={"actors": ("AAA", "BBB"), "first": date(2012, 1, 1), "until": date(2014, 1, 1)}
    )
    as_if = with_effect(hazard, 1 + NAMES.index("target_365"), 0.9)
    first, second = hazard.coders
    told = hazard.model_copy(
        update={
            "provenance": hazard.provenance.model_copy(update={"dyads": (learned,)}),
            "coders": (first.model_copy(update={"without": {learned.name: as_if.coders[0].mean}}), second),
        }
    )
    as_if = as_if.model_copy(update={"coders": (as_if.coders[0], second)})
    found = told.by_day(record, [WIDE], date(2018, 1, 1), START, 200)["wide"]
    expected = as_if.by_day(record, [WIDE], date(2018, 1, 1), START, 200)["wide"]
    assert np.array_equal(found, expected)
    assert told.left_out(record) == (learned,)
    earlier = learned.model_copy(update={"first": date(1990, 1, 1), "until": date(2000, 1, 1)})
    assert not earlier.shares(LearnedDyad.of("record", record))


def cases_evenly(n, days=2190):
    """Return a record of six years with so many cases of ``NARROW``, evenly apart."""
    middles = (np.arange(n) + 0.5) / n * days if n else []
    acts = [
        act(f"e{k:03}", START + timedelta(days=int(d)), "military_incident", 5) for k, d in enumerate(middles)
    ]
    # A visit on the first day keeps the record of no case from being empty.
    return EventTable.from_events([act("first", START, "visit", 1), *acts], "made for a test")


def drawn(hazard, events, horizon_days, targets=(NARROW,), days=2190):
    return hazard.by_day(events, targets, START + timedelta(days=days), START, horizon_days)


@pytest.fixture
def one_rate(monkeypatch):
    """A gamma–Poisson rate that forgets nothing."""
    monkeypatch.setattr("forecast.baselines.RATE_HALF_LIVES_DAYS", (np.inf,))


@pytest.mark.parametrize("n", [0, 1, 2, 5, 20, 100])
def test_the_interval_of_a_constant_rate_is_that_of_its_gamma_posterior(one_rate, n):
    draws = drawn(silent(shipped_hazard()), cases_evenly(n), 730)["narrow"]
    # The anchor bends only where two intervals meet.
    ends = EDGES[1:5]
    rates = np.sort(-np.log1p(-draws[:, ends]), axis=0) / ends
    rank = (np.arange(module.N_DRAWS) + 0.5) / module.N_DRAWS
    exact = gamma(n + 0.5, scale=1 / 2190).ppf(rank)
    np.testing.assert_allclose(rates, np.broadcast_to(exact[:, None], rates.shape), rtol=0.01, atol=0)


def test_what_is_not_known_of_the_rate_is_counted_once(one_rate, monkeypatch):
    # A deviation that is as wide as two cases leave the rate takes the place of the gamma factor.
    told = polygamma(1, 2.5)
    for share in (0.0, 0.3, 0.7, 1.0, 1.5):
        spread = max(np.sqrt(share * told), 1e-9)
        monkeypatch.setattr(module, "_own_deviation", lambda *_, s=spread: (np.zeros(1), np.full(1, s)))
        draws = drawn(silent(shipped_hazard()), cases_evenly(2), 30)["narrow"]
        found = np.log(-np.log1p(-draws[:, 14])).var()
        assert found == pytest.approx(max(share, 1.0) * told, rel=0.15)


def test_draws_rise_from_zero_in_the_order_of_nested_targets_and_have_the_means_that_are_scored(record):
    targets = [WIDE, TargetRule("sharp", WIDE.any_of, 4), NARROW, MIDDLE]
    origins = np.array(["2010-03-01", "2013-01-01", "2019-12-01"], "datetime64[D]")
    together = shipped_hazard().at_origins(record, targets, origins, START, HORIZONS)
    for place, origin in enumerate(origins.tolist()):
        found = shipped_hazard().by_day(record, targets, origin, START, 1000)
        assert list(found) == [target.name for target in targets]
        assert_means_are_kept(shipped_hazard(), record, targets, origin, found)
        for wide in targets:
            draws = found[wide.name]
            for narrow in targets:
                if wide.includes(narrow):
                    assert np.all(found[narrow.name] <= draws)
            assert draws.shape == (module.N_DRAWS, 1001)
            assert np.all(draws[:, 0] == 0.0)
            assert np.all(np.diff(draws, axis=1) >= 0)
            assert draws.max() <= 1
            assert np.all(draws[:, 1:].var(axis=0) > 0)
            # Many origins say what each says alone.
            alone = draws.mean(axis=0)[HORIZONS]
            assert np.allclose(alone, together[wide.name][place], rtol=0, atol=1e-12)


def test_order_and_means_are_kept_where_a_target_hardly_exceeds_several_that_it_includes():
    events = EventTable.from_events(
        [
            act("old", START + timedelta(days=263), "military_posture", 5),
            act("new", START + timedelta(days=1070), "military_incident", 4),
        ],
        "made for a test",
    )
    both = TargetRule("both", MIDDLE.any_of, 3)
    targets = [both, MIDDLE, TargetRule("incidents", ("military_incident",), 3)]
    origin = START + timedelta(days=1100)
    found = shipped_hazard().by_day(events, targets, origin, START, FURTHEST_DAYS)
    # Without the average variance the mean moves by .0018.
    assert_means_are_kept(shipped_hazard(), events, targets, origin, found, 1e-4)
    far, origins = np.arange(1, FURTHEST_DAYS + 1), np.array([origin], "datetime64[D]")
    scored = shipped_hazard().at_origins(events, targets, origins, START, far)
    for other in targets[1:]:
        assert np.all(found[other.name] <= found["both"])
        assert np.all(scored[other.name] <= scored["both"] * (1 + 1e-12))


def test_a_horizon_further_than_was_learned_is_refused(record):
    with pytest.raises(InputError, match=f"{FURTHEST_DAYS + 1} days ahead .* answers up to {FURTHEST_DAYS}"):
        shipped_hazard().by_day(record, [WIDE], date(2018, 1, 1), START, FURTHEST_DAYS + 1)


@pytest.mark.parametrize("deviation", [0.3, 20.0])
def test_the_own_deviation_solves_its_equation(deviation):
    rng = np.random.default_rng(0)
    earlier = np.arange(module.SPACING_DAYS, 3000, module.SPACING_DAYS)
    expected = np.full((len(earlier), len(module.INTERVAL_DAYS)), 0.002)
    targets = np.sort(rng.integers(0, 3000, 40))
    first = module.first_day_after(targets, earlier)
    mode, spread = module._own_deviation(expected, earlier, np.array([2500]), first, deviation)
    n = int((earlier < 2500).sum())
    seen = 2500 - earlier[:n]
    hit, at_risk = module.follow_up(first[:n], seen)
    weight = module.INTERVAL_WEIGHT * 2.0 ** (-seen[:, None] / module.FORGET_DAYS)
    hits, foreseen = (weight * hit).sum(), (weight * expected[:n] * at_risk).sum()
    solved = brentq(lambda u: u / deviation**2 - hits + foreseen * np.exp(u), -5, 5)
    assert mode[0] == pytest.approx(solved, abs=1e-9)
    assert spread[0] == pytest.approx((1 / deviation**2 + foreseen * np.exp(solved)) ** -0.5)
    assert mode[0] > 0, "a dyad with more targets than foreseen is lifted"


def test_a_target_that_never_came_is_left_at_the_gamma_poisson_rate_by_what_rates_teach(record):
    force = TargetRule("force", ("military_incident",), 5)
    peaceful = record.select(~force.mask(record))
    origins = np.array(["2012-01-01", "2019-01-01"], "datetime64[D]")
    plain = shipped_hazard().model_copy(update={"first_times": None})
    found = plain.at_origins(peaceful, [force], origins, START, HORIZONS)["force"]
    for origin, own in zip(origins.tolist(), found, strict=True):
        past = past_events(peaceful, force, origin, START)
        at = replace(past, origin_days=np.array([(origin - START).days]), day=past.known_day)
        anchor = discounted_rate(at, EDGES[1:])[0]
        assert own[3] <= 1.02 * np.interp(30, EDGES[1:], anchor)
        # Silence lowers its own deviation a little.
        assert own[3] >= 0.8 * np.interp(30, EDGES[1:], anchor)


def set_at(*path):
    """Change of a file: another value at a place."""

    def change(content, value):
        part = content
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value

    return change


FIRST = ("coders", 0)
FAULTS = (
    (set_at("schema"), 1, "schema: Input should be 2"),
    (set_at("edges"), [0, 30, 90], "those of another version"),
    (set_at(*FIRST, "mean"), [0.0], "differ in length"),
    (set_at(*FIRST, "mean", 3), float("nan"), r"coders\.0\.mean\.3"),
    (set_at(*FIRST, "mean", 0), 1e308, "larger than 50"),
    (set_at(*FIRST, "scale", 0), 0.0, "a scale of a feature is not above 0"),
    (set_at(*FIRST, "lowest", 0), 1e9, "its lowest value lies above its highest"),
    (set_at(*FIRST, "covariance", 3, 3), -1.0, "a variance is negative"),
    (set_at(*FIRST, "coder"), "another", "its coders are not those of its provenance"),
    (set_at("deviation"), float("inf"), "finite number"),
    (set_at("provenance", "dyads"), (), "at least 1 item"),
    (lambda _, value: value, " ", "Invalid JSON"),
    (lambda _, value: value, "[1]", "Input should be an object"),
)


@pytest.mark.parametrize(("change", "value", "says"), FAULTS)
def test_a_file_that_makes_no_hazard_is_refused(tmp_path, change, value, says):
    path, content = tmp_path / "hazard.json", json.loads(shipped_hazard().model_dump_json(by_alias=True))
    content = change(content, value) or content
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ConfigError, match=says) as caught:
        read_hazard(path)
    assert str(caught.value).startswith(str(path))
    assert "tools/learn/pooled_hazard.py" in str(caught.value)


def test_a_country_is_the_same_under_the_code_that_the_documents_ask_for(coded):
    events = coded(("1985-01-01", "dispute", 1), ("1990-01-01", "dispute", 1))
    events = replace(events, initiator=np.array(["IRN"] * 2, object), recipient=np.array(["KWT"] * 2, object))
    left = shipped_hazard().left_out(events)
    assert [(one.coder, one.name) for one in left] == [("KEDS", "irn-kuw"), ("MID", "irn-kuw")]
    assert left[0].actors == ("IRN", "KUW")


def rising_crisis():
    """Four years of mild acts, then ever graver ones ten days apart; force never comes."""
    mild = [act(f"m{k}", START + timedelta(days=20 * k), "dispute", 1 + k % 2) for k in range(73)]
    last = START + timedelta(days=1500)
    grave = [
        act(f"g{k}", last + timedelta(days=10 * k), kind, severity)
        for k, (kind, severity) in enumerate(
            (("dispute", 2), ("military_posture", 3), ("military_incident", 4))
        )
    ]
    return EventTable.from_events([*mild, *grave], "made for a test"), [one.date for one in grave]


@pytest.mark.parametrize("days", [7, 30, 90])
def test_a_first_time_is_no_less_likely_right_after_a_grave_act(days):
    events, grave = rising_crisis()
    origins = np.array([day + timedelta(days=k) for day in grave for k in (0, 1)], "datetime64[D]")
    found = shipped_hazard().at_origins(events, [NARROW], origins, START, np.array([days]))["narrow"][:, 0]
    before, after = found[0::2], found[1::2]
    assert np.all(after > before)
    assert after[-1] > 1.5 * before[0]


def test_what_a_grave_act_says_of_a_first_time_fades():
    events, grave = rising_crisis()
    later = np.array([grave[-1] + timedelta(days=k) for k in (1, 15, 60, 700)], "datetime64[D]")
    found = shipped_hazard().at_origins(events, [NARROW], later, START, np.array([30]))["narrow"][:, 0]
    assert np.all(np.diff(found) < 0)
    # After two years of silence the anchor alone is left.
    plain = shipped_hazard().model_copy(update={"first_times": None})
    alone = plain.at_origins(events, [NARROW], later, START, np.array([30]))["narrow"][:, 0]
    assert found[-1] == pytest.approx(alone[-1], rel=1e-6)


def test_a_target_that_came_is_not_forecast_as_a_first_time(record):
    plain = shipped_hazard().model_copy(update={"first_times": None})
    origin = np.array(["2018-01-01"], "datetime64[D]")
    for hazard in (plain, shipped_hazard()):
        assert hazard.at_origins(record, [WIDE], origin, START, HORIZONS)["wide"][0, 3] == pytest.approx(
            plain.at_origins(record, [WIDE], origin, START, HORIZONS)["wide"][0, 3], rel=0
        )


def test_the_longer_a_target_is_known_to_have_been_silent_the_less_likely_it_is():
    quiet = EventTable.from_events(
        [act(f"e{n}", START + timedelta(days=60 * n), "dispute", 2) for n in range(20)], "made for a test"
    )
    stated = [
        TargetRule("never", ("military_incident",), 5, silent_since=since)
        for since in (None, date(2000, 1, 1), date(1975, 10, 20))
    ]
    origins = np.array([date(2013, 6, 1)], "datetime64[D]")
    short, longer, longest = (
        shipped_hazard().at_origins(quiet, [rule], origins, START, HORIZONS)["never"][0] for rule in stated
    )
    assert np.all(short > longer)
    assert np.all(longer > longest)
