from datetime import date, timedelta

import numpy as np
import pytest

from forecast.baselines import (
    BASELINES,
    baselines_by_origin,
    constant_rate,
    horizon_lengths,
    observe_outcomes,
    origins_of,
    past_events,
)
from forecast.evaluation.score_table import forecast_baselines
from forecast.panel import TargetRule

START = date(2000, 1, 1)
MAJOR = TargetRule(
    "major", ("sanction", "channel_closure", "military_incident", "military_posture", "dispute"), 4
)
MILITARY = TargetRule("military", ("military_incident", "military_posture"), 3)


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


def test_the_last_window_without_two_horizons_of_record_is_climatology(make_events, force):
    events, origin = make_events([50]), START + timedelta(days=59)
    assert one("last_window", events, force, origin, 30) == one("climatology", events, force, origin, 30)


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


# The Balkan record is known day by day, so that one past serves all origins; ours has acts disclosed late.
@pytest.mark.parametrize(
    ("record", "start", "origins"),
    [
        ("usa_ser", date(1991, 4, 1), origins_of("monthly", date(1991, 5, 1), date(1994, 2, 1))),
        ("us_china", date(2017, 1, 5), origins_of("monthly", date(2017, 2, 1), date(2018, 6, 1))),
    ],
)
def test_many_origins_at_once_give_what_each_gives_alone(request, record, start, origins):
    events = request.getfixturevalue(record)
    together = baselines_by_origin(events, MILITARY, origins, start, [0, 30, 90, 400])
    for row, origin in enumerate(origins):
        alone = at(events, MILITARY, origin, start, [0, 30, 90, 400])
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


US_CHINA = (date(2019, 1, 1), date(2023, 7, 10))


def test_us_china_baselines_score_near_their_reference_figures(us_china):
    major = briers(us_china, MAJOR, *US_CHINA, date(2017, 1, 5))
    military = briers(us_china, MILITARY, *US_CHINA, date(2017, 1, 5))
    # By plain loops over the file of events, without this package.
    np.testing.assert_allclose(major["climatology"], [0.1431, 0.2701, 0.3066], atol=0.0001)
    np.testing.assert_allclose(military["climatology"], [0.2318, 0.2407, 0.0906], atol=0.0001)
    np.testing.assert_allclose(major["gamma_poisson"], [0.1492, 0.2647, 0.2798], atol=0.0001)
    np.testing.assert_allclose(military["decayed_logistic"], [0.2350, 0.2458, 0.0914], atol=0.0001)
