"""Origins, outcomes, what is known before an origin, and the baselines against known answers."""

import json
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from forecast.baselines import (
    BASELINES,
    LogisticFitError,
    baselines_by_origin,
    constant_rate,
    fit_logistic,
    horizon_lengths,
    observe_outcomes,
    origins_of,
    past_events,
    pasts_by_origin,
    pooled_line,
    share_of_windows,
)
from forecast.errors import InputError
from forecast.evaluation.score_table import forecast_baselines
from forecast.targets import TargetRule


def days(*texts: str) -> list[np.datetime64]:
    return [np.datetime64(text) for text in texts]


def test_origins_are_the_days_within_the_span():
    assert list(origins_of("monthly", date(2020, 1, 2), date(2020, 4, 1))) == days(
        "2020-02-01", "2020-03-01", "2020-04-01"
    )
    assert list(origins_of("monthly", date(2020, 1, 1), date(2020, 1, 31))) == days("2020-01-01")
    weeks = days("2020-02-24", "2020-03-02", "2020-03-09")
    assert list(origins_of("weekly", date(2020, 2, 24), date(2020, 3, 9))) == weeks
    assert list(origins_of("weekly", date(2020, 2, 24), date(2020, 3, 8))) == weeks[:2]
    quarters = days("2020-10-01", "2021-01-01", "2021-04-01")
    assert list(origins_of("quarterly", date(2020, 10, 1), date(2021, 4, 1))) == quarters
    assert list(origins_of([date(2021, 5, 1), date(2020, 5, 1)])) == days("2020-05-01", "2021-05-01")
    with pytest.raises(InputError, match="got 'yearly'; expected one of quarterly, monthly, weekly, or days"):
        origins_of("yearly", date(2020, 1, 1), date(2022, 1, 1))


def test_the_window_holds_the_origin_s_day_and_not_the_day_after_its_end(make_events, force):
    events = make_events([10, 40])
    origins = origins_of([date(2000, 1, day) for day in (10, 11, 12)])
    outcomes = observe_outcomes(events, force, origins, horizon_lengths([29, 30]), date(2000, 12, 31))
    # Events fall on 11 January and on 10 February; the window of 30 days from 12 January ends that day.
    np.testing.assert_array_equal(outcomes.outcome, [[1, 1], [1, 1], [0, 1]])


@pytest.mark.parametrize(("severity", "outcome"), [(5, 1), (4, 0)])
def test_an_outcome_counts_from_its_severity_on_whenever_it_became_public(
    make_events, force, severity, outcome
):
    events = make_events([10], known={0: 900}, severity=severity)
    origins = origins_of([date(2000, 1, 5)])
    found = observe_outcomes(events, force, origins, horizon_lengths([30]), date(2000, 12, 31))
    assert found.outcome.item() == outcome


def test_a_window_that_ends_after_the_data_is_left_out_and_not_guessed(make_events, force):
    events = make_events([10])
    origins = origins_of([date(2000, 1, 2), date(2000, 1, 3)])
    outcomes = observe_outcomes(events, force, origins, horizon_lengths([9, 30]), date(2000, 1, 31))
    np.testing.assert_array_equal(outcomes.complete, [[True, True], [True, False]])
    np.testing.assert_array_equal(outcomes.outcome, [[0, 1], [1, np.nan]])


def test_a_horizon_without_any_complete_window_is_refused_with_the_longest_allowed(make_events, force):
    origins = origins_of([date(2000, 1, 2)])
    with pytest.raises(InputError, match=r"no window of 31 days is complete.*Allowed: up to 30 days"):
        observe_outcomes(make_events([10]), force, origins, horizon_lengths([31]), date(2000, 1, 31))
    with pytest.raises(InputError, match="Begin earlier"):
        observe_outcomes(make_events([10]), force, origins, horizon_lengths([30]), date(1999, 1, 31))


START = date(2000, 1, 1)


def test_window_hits_say_which_past_windows_held_a_target(make_events, force):
    past = past_events(make_events([2, 5]), force, np.datetime64("2000-01-09"), START)
    # Eight days, 0 to 7; windows of three days begin on days 0 to 5.
    np.testing.assert_array_equal(past.window_hits(3), [True, True, True, True, True, True])
    np.testing.assert_array_equal(past.window_hits(2), [False, True, True, False, True, True, False])
    assert past.window_hits(9).shape == (0,)


def test_only_what_was_public_before_the_origin_is_kept_from_the_start_on(make_events, force):
    events = make_events([2, 5, 6], known={1: 30})
    assert past_events(events, force, date(2000, 1, 7), START).day.tolist() == [2]
    assert past_events(events, force, date(2000, 2, 1), START).day.tolist() == [2, 5, 6]
    cut = past_events(make_events([2, 5]), force, date(2000, 1, 20), date(2000, 1, 5))
    assert (cut.day.tolist(), cut.n_days) == ([1], 15)


@pytest.mark.parametrize(("known", "counts"), [({}, [0, 1, 0.5]), ({0: 13}, [0, 0, 0.5])])
def test_an_act_counts_by_half_after_a_half_life_and_enters_aged_if_late(make_events, force, known, counts):
    past = past_events(make_events([3], known=known), force, date(2000, 1, 31), START)
    assert past.decayed_count(past.is_target, 10.0)[[3, 4, 14]] == pytest.approx(counts)
    assert past.decayed_count(past.is_target, np.inf)[-1] == 1


def test_a_record_starts_where_it_becomes_dense(make_events, tool):
    find_record_start = tool("bench").find_record_start
    stray, dense = [0, 200, 380], [700, 710, 720, 730, 740, 750]
    assert find_record_start(make_events([*stray, *dense]), date(2005, 1, 1)) == date(2001, 12, 1)
    for n_events in range(1, 8):
        few = make_events([7 + 100 * place for place in range(n_events)])
        assert find_record_start(few, date(2005, 1, 1)) == date(2000, 1, 8)


def test_the_start_of_a_record_is_found_without_the_future(make_events, tool):
    find_record_start = tool("bench").find_record_start
    events = make_events([0, 200, 700, 710, 720, 730, 740, 750])
    assert find_record_start(events, date(2000, 1, 1 + 5)) == START
    with pytest.raises(InputError, match="no event is known before 1999-01-01"):
        find_record_start(events, date(1999, 1, 1))


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(20230710)
    design = np.column_stack([np.ones(200), random.standard_normal((200, 3))])
    outcome = (random.random(200) < expit(design @ [0.3, 1.0, -0.5, 0.0])).astype(float)
    return design, outcome, random.uniform(0.2, 2.0, 200)


def test_newton_finds_the_maximum_that_a_general_optimiser_finds(data):
    design, outcome, weight = data
    penalty = np.array([0.0, 2.0, 5.0, 1.0])

    def loss(beta):
        linear = design @ beta
        return -weight @ (outcome * linear - np.logaddexp(0, linear)) + 0.5 * penalty @ beta**2

    oracle = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8}).x
    fitted = fit_logistic(design, outcome, weight=weight, penalty=penalty)
    np.testing.assert_allclose(fitted, oracle, atol=1e-6)


def test_separated_outcomes_without_a_penalty_have_no_fit():
    x = np.linspace(-1, 1, 20)
    design = np.column_stack([np.ones(20), x])
    outcome = (x > 0).astype(float)
    with pytest.raises(LogisticFitError, match="separated"):
        fit_logistic(design, outcome, weight=np.ones(20), penalty=np.zeros(2))
    assert np.isfinite(fit_logistic(design, outcome, weight=np.ones(20), penalty=np.array([0, 1.0]))).all()


MAJOR = TargetRule(
    "major", ("sanction", "channel_closure", "military_incident", "military_posture", "dispute"), 4
)
MILITARY = TargetRule("military", ("military_incident", "military_posture"), 3)


@pytest.fixture(scope="module")
def known_at_once(made_up_dyad):
    return made_up_dyad(date(1989, 7, 1), date(1995, 12, 31), seed=1)


def at(events, target, origin, start, horizons):
    """Forecasts of every baseline at one origin."""
    made = baselines_by_origin(events, target, np.array([origin], "datetime64[D]"), start, horizons)
    return {name: chances[0] for name, chances in made.items()}


def one(name, events, target, origin, horizon, start=START) -> float:
    return float(at(events, target, origin, start, [horizon])[name][0])


def test_climatology_is_the_share_of_past_windows_with_half_a_window_either_way(make_events, force):
    # 100 days, one event on day 50: 10 of the 91 windows of ten days hold it, 9.1 windows being distinct.
    found = one("climatology", make_events([50]), force, START + timedelta(days=100), 10)
    assert found == pytest.approx((1.0 + 0.5) / (9.1 + 1.0))
    # A record shorter than the horizon says nothing.
    assert one("climatology", make_events([50]), force, START + timedelta(days=60), 90) == 0.5


def test_the_last_window_tells_a_burst_from_a_calm(make_events, force):
    # Targets come in bursts of 100 days, one every ten, with 200 days of calm between.
    burst = [300 * cycle + day for cycle in range(12) for day in range(0, 100, 10)]
    events = make_events(burst)
    in_burst = one("last_window", events, force, START + timedelta(days=300 * 11 + 60), 20)
    in_calm = one("last_window", events, force, START + timedelta(days=300 * 11 + 200), 20)
    plain = one("climatology", events, force, START + timedelta(days=300 * 11 + 200), 20)
    # After a window with a target 90 of 110 days lead into another; after a calm one about 20 in 190 do.
    assert in_burst == pytest.approx(90 / 110, abs=0.06)
    assert in_calm == pytest.approx(20 / 190, abs=0.03)
    assert in_calm < plain < in_burst


def test_gamma_poisson_gives_one_minus_exp_of_a_steady_rate(make_events, force):
    found = []
    for seed in range(12):
        days = np.flatnonzero(np.random.default_rng(seed).random(4000) < 0.02)
        found.append(one("gamma_poisson", make_events(days), force, START + timedelta(days=4000), 30))
    # One event every 50 days. Each record of 80 events or so gives the probability to about 0.06.
    assert np.mean(found) == pytest.approx(1 - np.exp(-0.6), abs=3 * 0.06 / np.sqrt(12))
    assert np.std(found) < 0.1


def test_gamma_poisson_forgets_an_old_war_and_counts_a_day_once(make_events, force):
    events, origin = make_events(range(0, 1000, 3)), START + timedelta(days=3000)
    # Climatology still gives a third after five and a half years without an event.
    assert one("climatology", events, force, origin, 30) > 0.3
    assert 0.01 < one("gamma_poisson", events, force, origin, 30) < 0.1
    once, thrice = (
        one("gamma_poisson", make_events(days), force, START + timedelta(days=400), 30)
        for days in ([50, 350], [50, 50, 50, 350, 350, 350])
    )
    assert once == thrice


def test_a_constant_rate_is_that_of_the_target_days_of_the_whole_record(make_events, force):
    past = past_events(make_events([10, 10, 50, 250]), force, START + timedelta(days=300), START)
    # Three days with a target in 300 days, and half a day from the Jeffreys prior.
    expected = [1 - (300 / (300 + horizon)) ** 3.5 for horizon in (30, 180)]
    assert constant_rate(past, np.array([30, 180]))[0] == pytest.approx(expected)


@pytest.mark.parametrize("method", [constant_rate, share_of_windows])
def test_a_silence_that_is_stated_counts_as_one_that_is_in_the_record(make_events, force, method):
    start, horizons = date(2000, 1, 1), horizon_lengths([7, 90])
    origins = origins_of([date(2001, 3, 1), date(2003, 1, 1)])
    events, since = make_events([450, 700, 705]), date(1990, 5, 5)
    stated = pasts_by_origin(events, replace(force, silent_since=since), origins, start)
    (longer,) = pasts_by_origin(events, force, origins, since)
    np.testing.assert_allclose(method(stated[0], horizons), method(longer, horizons), rtol=1e-12)
    assert np.all(
        method(stated[0], horizons) < method(pasts_by_origin(events, force, origins, start)[0], horizons)
    )


def test_logistic_learns_that_disputes_announce_force(coded, force):
    random = np.random.default_rng(8)
    rows = []
    for cycle in range(40):
        begin = 100 * cycle + int(random.integers(60))
        rows += [(begin + day, "dispute", 2) for day in range(0, 10, 2)] + [
            (begin + 14, "military_incident", 5)
        ]

    def table(extra):
        return coded(*((START + timedelta(days=day), *act) for day, *act in rows + extra))

    origin = START + timedelta(days=4100)
    alarmed = one(
        "decayed_logistic", table([(4090 + day, "dispute", 2) for day in range(0, 10, 2)]), force, origin, 15
    )
    calm = one("decayed_logistic", table([]), force, origin, 15)
    assert alarmed > calm + 0.2


# The made-up record is known day by day, so that one past serves all origins; the bundled one has acts
# disclosed late.
@pytest.mark.parametrize(
    ("record", "start", "origins"),
    [
        ("known_at_once", date(1991, 4, 1), origins_of("monthly", date(1991, 5, 1), date(1994, 2, 1))),
        ("us_china", date(2017, 1, 5), origins_of("monthly", date(2017, 2, 1), date(2018, 6, 1))),
    ],
)
def test_many_origins_at_once_give_what_each_gives_alone(request, record, start, origins):
    events = request.getfixturevalue(record)
    together = baselines_by_origin(events, MILITARY, origins, start, [1, 30, 90, 400])
    for row, origin in enumerate(origins):
        alone = at(events, MILITARY, origin, start, [1, 30, 90, 400])
        for name in BASELINES:
            np.testing.assert_allclose(
                together[name][row], alone[name], rtol=1e-10, err_msg=f"{name} {origin}"
            )


@pytest.mark.parametrize("name", BASELINES)
def test_a_record_without_a_target_is_forecast_low_but_never_zero(name, make_events, force):
    events = make_events(range(0, 2000, 20), category="dispute", severity=2)
    found = at(events, force, START + timedelta(days=2000), START, [30, 90, 180])[name]
    assert np.all(found > 0)
    assert np.all(found < [0.05, 0.08, 0.12])
    assert np.all(np.diff(found) > 0)


def briers(events, target, first, data_end, start) -> dict[str, list[float]]:
    outcomes = observe_outcomes(
        events, target, origins_of("monthly", first, data_end), horizon_lengths([30, 90, 180]), data_end
    )
    table = forecast_baselines(events, target, outcomes, start)
    found = {}
    for name in BASELINES:
        cells = [table.select(who=name, horizon_days=days) for days in (30, 90, 180)]
        found[name] = [float(np.mean((cell.chance - cell.outcome) ** 2)) for cell in cells]
    return found


def test_the_pooled_line_is_its_formula_at_the_horizons_learned_and_never_falls(known_at_once):
    origin, start = date(1994, 1, 1), date(1991, 4, 1)
    line = json.loads((files("forecast") / "pooled_line.json").read_text())
    learned = line["horizons_days"]
    found = at(known_at_once, MILITARY, origin, start, [*learned, 1095])
    odds = [np.log(found[name] / (1 - found[name])) for name in ("gamma_poisson", "constant_rate")]
    for pair, own in (("none", line["line"]), ("IRN UNK", line["without"]["IRN UNK"])):
        past = past_events(known_at_once, MILITARY, origin, start)
        said = pooled_line(past, np.array([*learned, 1095]), pair)[0]
        for place, (alpha, first, second) in enumerate(own):
            odd = alpha + first * odds[0][place] + second * odds[1][place]
            assert said[place] == pytest.approx(1 / (1 + np.exp(-odd)))
        # Beyond the last horizon the hazard goes on as it was on average.
        assert np.log1p(-said[-1]) == pytest.approx(np.log1p(-said[-2]) * 1095 / 540)
        curve = pooled_line(past, np.arange(1, 1200), pair)[0]
        assert np.all(np.diff(curve) > 0)
    assert line["without"]["IRN UNK"] != line["line"]
    assert line["without"]["GBR IRN"] == line["without"]["IRN UNK"]


US_CHINA = (date(2019, 1, 1), date(2023, 7, 10))


def test_us_china_baselines_score_near_their_reference_figures(us_china):
    major = briers(us_china, MAJOR, *US_CHINA, date(2017, 1, 5))
    military = briers(us_china, MILITARY, *US_CHINA, date(2017, 1, 5))
    # By plain loops over the file of events, without this package.
    np.testing.assert_allclose(major["climatology"], [0.1431, 0.2701, 0.3066], atol=0.0001)
    np.testing.assert_allclose(military["climatology"], [0.2318, 0.2407, 0.0906], atol=0.0001)
    np.testing.assert_allclose(major["gamma_poisson"], [0.1492, 0.2647, 0.2798], atol=0.0001)
    np.testing.assert_allclose(military["decayed_logistic"], [0.2350, 0.2458, 0.0914], atol=0.0001)
