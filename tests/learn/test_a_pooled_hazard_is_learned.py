"""``tools/learn/pooled_hazard.py``: against an optimiser, from simulated truth, and what it writes."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.optimize import minimize

from forecast.baselines import discounted_rate, pasts_by_origin
from forecast.errors import InputError
from forecast.events.reading import write_events
from forecast.events.table import Event, EventTable
from forecast.pooled_hazard import forecast_origins, read_hazard, shipped_hazard
from forecast.targets import TargetRule
from forecast.workflows.bench import read_dyads

START = date(1990, 1, 1)
FORCE = TargetRule("force", ("military_incident",), 5)


@pytest.fixture(scope="module")
def learning(tool):
    return tool("learn/pooled_hazard")


@pytest.fixture(scope="module")
def learn(learning):
    def from_dyads(dyads, **options):
        return learning.learn_hazard([learning.Records("made", dyads, {})], **{"least_acts": 1} | options)

    return from_dyads


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


def panel_of(rates, years=6):
    return {f"d{k}": record(rate, years, seed=k, pair=f"AA{k}BBB") for k, rate in enumerate(rates)}


def rows_with(learning, features, anchor, hit, at_risk, weight):
    none = np.zeros(len(anchor))
    target = none.astype(int)
    return learning.Rows(features, anchor, hit, at_risk, weight, none, target, none, np.zeros((0, 2), int))


def test_the_fit_is_the_maximum_that_an_optimiser_finds(learning):
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(300), rng.standard_normal((300, 3))])
    at_risk, anchor = rng.uniform(5, 100, 300), rng.normal(-5, 0.5, 300)
    hit, weight = (rng.random(300) < 0.3).astype(float), rng.uniform(0.1, 1, 300)
    penalty = np.array([1.0, 100, 100, 400])
    found = learning.fit_poisson([rows_with(learning, features, anchor, hit, at_risk, weight)], penalty)

    def loss(b):
        log_hazard = anchor + features @ b
        fitted = (weight * (np.exp(log_hazard) * at_risk - hit * log_hazard)).sum()
        return fitted + (penalty * b**2).sum() / 2

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    assert np.allclose(found.coefficients, best, atol=1e-5)
    step, around = 1e-4 * np.eye(4), found.coefficients
    curvature = (loss(around + step[1]) - 2 * loss(around) + loss(around - step[1])) / 1e-8
    assert found.hessian[1, 1] == pytest.approx(curvature, rel=1e-3)


def test_constant_rates_are_forecast_no_worse_than_by_the_gamma_poisson_rate(learn):
    rates = np.geomspace(0.3, 12, 12)
    panel = {f"d{k}": record(rate, 15, seed=k, pair=f"AAAB{k:02}") for k, rate in enumerate(rates)}
    learned = learn(panel, targets=(FORCE,))
    origins = np.array([f"{year}-01-01" for year in range(1996, 2002)], "datetime64[D]")
    horizons = np.array([30, 90, 365])
    for rate in (0.5, 2.0, 8.0):
        ours, theirs = [], []
        truth = -np.expm1(-rate * horizons / 365.25)
        for seed in range(6):
            events = record(rate, 12, seed=100 + seed, pair="CCCDDD")
            got = forecast_origins(learned, events, [FORCE], origins, START, horizons)["force"]
            (past,) = pasts_by_origin(events, FORCE, origins, START)
            ours.append(np.abs(got - truth).mean())
            theirs.append(np.abs(discounted_rate(past, horizons) - truth).mean())
        assert np.mean(ours) < np.mean(theirs) + 0.01


def test_a_dyad_is_left_out_with_every_record_of_its_two_actors(learning, learn):
    dyads = panel_of((2.0, 4.0, 6.0, 8.0))
    learned = learn({**dyads, "copy": record(4.0, 6, 7, pair="AA0BBB")})
    (coder,) = learned.coders
    noted = {k: one for k, one in enumerate(learning.TARGETS) if one.mask(dyads["d0"]).any()}
    others = [
        learning.with_design(learning.dyad_rows(dyads[name], dyads[name].date.max().item(), noted), coder)
        for name in ("d1", "d2", "d3")
    ]
    again = learning.fit_poisson(others, learning._penalty()).coefficients
    assert np.allclose(again, coder.without["d0"], atol=1e-4)
    assert coder.without["d0"] == coder.without["copy"]
    assert not np.allclose(coder.mean, coder.without["d0"], atol=1e-3)


def test_one_dyad_speaks_for_itself_later_on_but_not_of_what_it_has_seen(learn):
    events = record(2.0, 8, seed=1)
    learned = learn({"one": events})
    assert learned.coders[0].without == {}
    horizons = np.array([365])
    later = np.array(["1998-02-01"], "datetime64[D]")
    got = forecast_origins(learned, events, [FORCE], later, START, horizons)["force"]
    assert got[0, 0] == pytest.approx(-np.expm1(-2.0), abs=0.15)
    within = np.array(["1995-01-01"], "datetime64[D]")
    with pytest.raises(InputError, match="it knows what came after 1995-01-01"):
        forecast_origins(learned, events, [FORCE], within, START, horizons)


def test_peace_after_the_last_act_counts_where_the_pair_was_observed(learning):
    events = record(3.0, 6, seed=1)
    kinds = dict(enumerate(learning.TARGETS))
    to_last_act = learning.dyad_rows(events, events.date.max().item(), kinds)
    for_years = learning.dyad_rows(events, date(2005, 1, 1), kinds)
    assert for_years.at_risk.sum() > 1.5 * to_last_act.at_risk.sum()
    assert for_years.hit.sum() == pytest.approx(to_last_act.hit.sum(), rel=0.02)


def test_records_that_nothing_can_be_learned_from_are_refused(learn):
    with pytest.raises(InputError, match="more than 360 days of record; none of the 1"):
        learn({"one": record(20.0, 1, seed=1).between(START, START + timedelta(days=200))})
    with pytest.raises(InputError, match=r"no kind of target has 1,000 acts .* or a lower --least-acts"):
        learn(panel_of((3.0,) * 3), least_acts=1000)


@pytest.fixture
def bed(tmp_path):
    """A folder of three dyads, and the file of their ends."""
    (tmp_path / "made").mkdir()
    dyads = panel_of((2.0, 4.0, 6.0))
    for name, events in dyads.items():
        write_events(events, tmp_path / "made" / f"{name}.csv")
    rows = [f"made/{name}.csv,1999-12-31" for name in dyads]
    (tmp_path / "ends.csv").write_text("\n".join(["file,observed_until", *rows]) + "\n")
    return tmp_path


def test_the_script_writes_a_file_that_the_package_reads(learning, bed, command):
    out = bed / "own.json"
    options = ["--coder", "KEDS", "--ends", str(bed / "ends.csv"), "--least-acts", "1", "--source", "made"]
    assert learning.main([str(bed / "made"), "--out", str(out), *options]) == 0
    learned = read_hazard(out)
    told = learned.provenance
    assert [(dyad.name, dyad.coder, dyad.until) for dyad in told.dyads] == [
        (name, "KEDS", date(1999, 12, 31)) for name in ("d0", "d1", "d2")
    ]
    assert (told.source, {kind.any_of for kind in told.targets} >= {FORCE.any_of}) == ("made", True)
    assert told.command == (
        "tools/learn/pooled_hazard.py made --out own.json --ends ends.csv --coder KEDS --least-acts 1"
    )
    assert told.in_words() == "3 pairs: 3 coded by KEDS (1990–1999)"


@pytest.mark.slow
def test_the_shipped_coefficients_are_those_of_the_panel(learning, shared_data):
    folders = {
        coder: (shared_data / name, read_dyads(shared_data / name))
        for coder, name in (("KEDS", "panel"), ("MID", "mid"))
    }
    learned = learning.learn_hazard(learning.records_of(folders, shared_data / "ends.csv"))
    shipped = shipped_hazard()
    for ours, theirs in zip(learned.coders, shipped.coders, strict=True):
        assert np.allclose(ours.mean, theirs.mean, atol=1e-4)
        assert np.allclose(ours.covariance, theirs.covariance, atol=1e-5)
    assert learned.provenance.dyads == shipped.provenance.dyads
