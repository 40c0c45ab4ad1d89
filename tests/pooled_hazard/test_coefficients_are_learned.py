"""Coefficients: against an optimiser, from simulated truth, and those that are shipped."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.optimize import minimize

from forecast.bench.accuracy import read_dyads
from forecast.errors import ConfigError, InputError
from forecast.events.table import Event, EventTable
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.coefficients import read_hazard, shipped_hazard
from forecast.pooled_hazard.hazard import forecast_origins
from forecast.pooled_hazard.learning import RIDGE, Rows, dyad_rows, fit_poisson, learn_hazard

START = date(1990, 1, 1)
FORCE = TargetRule("force", ("military_incident",), 5)


def record(rate_a_year: float, years: int, seed: int, pair: str = "AAABBB") -> EventTable:
    """Quiet disputes, and uses of force at a constant rate."""
    rng = np.random.default_rng(seed)
    n_days = int(365.25 * years)
    days = np.flatnonzero(rng.random(n_days) < rate_a_year / 365.25)
    talk = np.flatnonzero(rng.random(n_days) < 12 / 365.25)
    acts = sorted([(day, "military_incident", 5) for day in days] + [(day, "dispute", 1) for day in talk])
    return EventTable.from_events(
        [
            Event(
                id=f"e{place:05}",
                date=START + timedelta(days=int(day)),
                known_date=START + timedelta(days=int(day)),
                initiator=pair[:3],
                recipient=pair[3:],
                category=category,
                severity=severity,
            )
            for place, (day, category, severity) in enumerate(acts)
        ],
        "made for a test",
    )


def test_the_fit_is_the_maximum_that_an_optimiser_finds():
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(300), rng.standard_normal((300, 3))])
    at_risk = rng.uniform(5, 100, 300)
    hit = (rng.random(300) < 0.3).astype(float)
    weight = rng.uniform(0.1, 1, 300)
    found, hessian = fit_poisson([Rows(features, hit, at_risk, weight, np.zeros(300, int))])

    def loss(b):
        rate = np.exp(features @ b) * at_risk
        penalty = 1e-6 * b[0] ** 2 + RIDGE * (b[1:] ** 2).sum()
        return (weight * (rate - hit * (features @ b))).sum() + penalty / 2

    best = minimize(loss, np.array([-4.0, 0, 0, 0]), method="BFGS", options={"gtol": 1e-9}).x
    assert np.allclose(found, best, atol=1e-5)
    step = 1e-4 * np.eye(4)
    curvature = (loss(found + step[1]) - 2 * loss(found) + loss(found - step[1])) / 1e-8
    assert hessian[1, 1] == pytest.approx(curvature, rel=1e-3)


def test_constant_rates_are_forecast_as_they_are():
    rates = np.geomspace(0.2, 12, 30)
    panel = {f"d{k}": record(rate, 20, seed=k, pair=f"AAAB{k:02}") for k, rate in enumerate(rates)}
    learned = learn_hazard(panel, targets=(FORCE,))
    origins = np.array([f"{year}-01-01" for year in range(1996, 2002)], "datetime64[D]")
    horizons = np.array([30, 90, 365])
    for rate in (0.5, 2.0, 8.0):
        misses = []
        for seed in range(6):
            events = record(rate, 12, seed=100 + seed, pair="CCCDDD")
            got = forecast_origins(learned, events, [FORCE], origins, START, horizons)["force"]
            misses.append((got - -np.expm1(-rate * horizons / 365.25)).mean(axis=0))
        assert np.all(np.abs(np.mean(misses, axis=0)) < 0.08)


def rows_on_the_scale_of(learned, events: EventTable) -> Rows:
    rows = dyad_rows(events)
    scaled = (rows.features - learned.centre) / np.array(learned.scale)
    return replace(rows, features=np.column_stack([np.ones(len(scaled)), scaled]))


def test_the_panel_is_told_and_each_dyad_can_be_left_out():
    panel = {f"d{k}": record(2.0 * (k + 1), 6, seed=k, pair=f"AA{k}BBB") for k in range(4)}
    learned = learn_hazard(panel, source="simulated", command="made for a test")
    assert [one.name for one in learned.provenance.dyads] == list(panel)
    assert learned.provenance.dyads[2].actors == ("AA2", "BBB")
    assert learned.learned_on(panel["d2"]).name == "d2"
    others = [rows_on_the_scale_of(learned, panel[name]) for name in ("d0", "d1", "d2")]
    assert np.allclose(fit_poisson(others)[0], learned.without["d3"], atol=1e-4)
    assert not np.allclose(learned.mean, learned.without["d3"], atol=1e-2)


def test_one_dyad_speaks_for_itself_later_on_but_not_of_what_it_has_seen():
    events = record(2.0, 8, seed=1)
    learned = learn_hazard({"one": events})
    assert learned.without == {}
    horizons = np.array([365])
    later = np.array(["1998-02-01"], "datetime64[D]")
    got = forecast_origins(learned, events, [FORCE], later, START, horizons)["force"]
    assert got[0, 0] == pytest.approx(-np.expm1(-2.0), abs=0.15)
    within = np.array(["1995-01-01"], "datetime64[D]")
    with pytest.raises(InputError, match="it knows what came after 1995-01-01"):
        forecast_origins(learned, events, [FORCE], within, START, horizons)


def test_records_that_are_too_short_are_refused():
    with pytest.raises(InputError, match="more than 360 days of record; none of the 1"):
        learn_hazard({"one": record(20.0, 1, seed=1).between(START, START + timedelta(days=200))})


@pytest.mark.slow
def test_the_shipped_coefficients_are_those_of_the_panel(shared_data):
    learned = learn_hazard(read_dyads(shared_data / "panel"))
    shipped = shipped_hazard()
    assert np.allclose(learned.mean, shipped.mean, atol=1e-5)
    assert np.allclose(learned.covariance, shipped.covariance, atol=1e-6)
    assert [one.name for one in learned.provenance.dyads] == [one.name for one in shipped.provenance.dyads]


def test_a_second_file_of_the_same_two_actors_is_left_out_with_the_first():
    dyads = {f"d{seed}": record(2.0, 8, seed, pair=f"AA{seed}BB{seed}") for seed in range(4)}
    twice = learn_hazard({**dyads, "copy": record(4.0, 8, 7, pair="AA0BB0")})
    others = [rows_on_the_scale_of(twice, dyads[name]) for name in ("d1", "d2", "d3")]
    assert np.allclose(fit_poisson(others)[0], twice.without["d0"], atol=1e-4)
    assert twice.without["d0"] == twice.without["copy"]
    assert twice.without["d1"] != twice.without["d0"]


def test_a_country_is_the_same_under_the_code_that_the_documents_ask_for():
    learned = shipped_hazard()
    (kuwait,) = (one for one in learned.provenance.dyads if one.name == "irn-kuw")
    events = record(2.0, 8, 1, pair="IRNKWT")
    assert kuwait.actors == ("IRN", "KUW")
    assert learned.learned_on(events) == kuwait


def test_nothing_is_learned_from_records_without_a_target():
    quiet = {f"d{seed}": record(0.0, 8, seed, pair=f"AA{seed}BB{seed}") for seed in range(3)}
    with pytest.raises(InputError, match="no target of any kind happened in these records"):
        learn_hazard(quiet)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("deviation", float("inf"), "finite number"),
        ("scale", 0.0, "a scale of a feature is not above 0"),
        ("lowest", 1e9, "its lowest value lies above its highest"),
        ("mean", 1e308, "larger than 50"),
        ("covariance", -1.0, "a variance is negative"),
        ("dyads", (), "at least 1 item"),
    ],
)
def test_coefficients_that_make_no_hazard_are_refused(tmp_path, key, value, says):
    content = shipped_hazard().model_dump(mode="json", by_alias=True)
    if key == "dyads":
        content["provenance"]["dyads"] = value
    elif key == "covariance":
        content[key] = [
            [value if i == j == 3 else one for j, one in enumerate(row)] for i, row in enumerate(content[key])
        ]
    elif key == "deviation":
        content[key] = value
    else:
        content[key] = [value, *content[key][1:]]
    path = tmp_path / "coefficients.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=says):
        read_hazard(path)
