"""Coefficients: against an optimiser, from simulated truth, and those that are shipped."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.optimize import minimize

from forecast.baselines import discounted_rate, pasts_by_origin
from forecast.bench.beds import read_dyads
from forecast.errors import ConfigError, InputError
from forecast.events.table import Event, EventTable
from forecast.panel import TargetRule
from forecast.pooled_hazard import learning
from forecast.pooled_hazard.coefficients import NAMES, read_hazard, shipped_hazard
from forecast.pooled_hazard.hazard import forecast_origins
from forecast.pooled_hazard.learning import Records, Rows, dyad_rows, fit_poisson, learn_hazard, with_design
from forecast.pooled_hazard.records import read_ends, records_of

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


def learn(dyads, **options):
    return learn_hazard([Records("made", dyads, {})], **{"least_acts": 1} | options)


def test_the_fit_is_the_maximum_that_an_optimiser_finds():
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(300), rng.standard_normal((300, 3))])
    at_risk, anchor = rng.uniform(5, 100, 300), rng.normal(-5, 0.5, 300)
    hit, weight = (rng.random(300) < 0.3).astype(float), rng.uniform(0.1, 1, 300)
    none = np.zeros(300)
    rows = Rows(features, anchor, hit, at_risk, weight, none, none.astype(int), none, np.zeros((0, 2), int))
    penalty = np.array([1.0, 100, 100, 400])
    found = fit_poisson([rows], penalty)

    def loss(b):
        log_hazard = anchor + features @ b
        fitted = (weight * (np.exp(log_hazard) * at_risk - hit * log_hazard)).sum()
        return fitted + (penalty * b**2).sum() / 2

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    assert np.allclose(found.coefficients, best, atol=1e-5)
    step = 1e-4 * np.eye(4)
    around = found.coefficients
    curvature = (loss(around + step[1]) - 2 * loss(around) + loss(around - step[1])) / 1e-8
    assert found.hessian[1, 1] == pytest.approx(curvature, rel=1e-3)


def test_learned_effects_are_those_that_made_the_records():
    rng = np.random.default_rng(5)
    true = np.array([0.3, -0.5, 0.4, 0.0])
    parts = []
    for _ in range(8):
        features = np.column_stack([np.ones(4000), rng.standard_normal((4000, 3))])
        anchor = rng.normal(-4, 0.5, 4000)
        wait = rng.exponential(np.exp(-(anchor + features @ true)))
        hit, at_risk = (wait < 20).astype(float), np.minimum(wait, 20.0)
        none = np.zeros(4000)
        parts.append(
            Rows(
                features, anchor, hit, at_risk, none + 1, none, none.astype(int), none, np.zeros((0, 2), int)
            )
        )
    found = fit_poisson(parts, np.full(4, 1.0))
    error = np.sqrt(np.diag(np.linalg.inv(found.hessian)))
    assert np.all(np.abs(found.coefficients - true) < 4 * error)


def test_constant_rates_are_forecast_no_worse_than_by_the_gamma_poisson_rate():
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


def rows_of(learned, events: EventTable) -> Rows:
    noted = {k: one for k, one in enumerate(learning.TARGETS) if one.mask(events).any()}
    rows = dyad_rows(events, events.date.max().item(), noted)
    return with_design(rows, learned.coders[0])


def test_the_panel_is_told_and_each_dyad_can_be_left_out():
    panel = {f"d{k}": record(2.0 * (k + 1), 6, seed=k, pair=f"AA{k}BBB") for k in range(4)}
    learned = learn(panel, source="simulated", command="made for a test")
    (coder,) = learned.coders
    assert [one.name for one in learned.provenance.dyads] == list(panel)
    assert learned.provenance.dyads[2].actors == ("AA2", "BBB")
    assert [one.name for one in learned.left_out(panel["d2"])] == ["d2"]
    others = [rows_of(learned, panel[name]) for name in ("d0", "d1", "d2")]
    again = fit_poisson(others, learning._penalty()).coefficients
    assert np.allclose(again, coder.without["d3"], atol=1e-4)
    assert not np.allclose(coder.mean, coder.without["d3"], atol=1e-3)


def test_what_was_learned_from_is_told_in_words():
    hazard = shipped_hazard()
    words = hazard.provenance.in_words()
    assert words == "94 pairs: 30 coded by KEDS, 1979–2004 and 64 coded by MID, 1946–1992"
    lines = list(hazard.provenance.listed())
    assert lines[0].startswith("KEDS: egy-pal (1979–2004), ")
    assert sum(line.count("–") for line in lines[:2]) == 94
    assert "sanction, severity 3 or more: KEDS" in lines


def test_one_dyad_speaks_for_itself_later_on_but_not_of_what_it_has_seen():
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


def test_records_that_are_too_short_are_refused():
    with pytest.raises(InputError, match="more than 360 days of record; none of the 1"):
        learn({"one": record(20.0, 1, seed=1).between(START, START + timedelta(days=200))})


@pytest.mark.slow
def test_the_shipped_coefficients_are_those_of_the_panel(shared_data):
    read = [(shared_data / name, read_dyads(shared_data / name)) for name in ("panel", "mid")]
    records = records_of(read, coders=("KEDS", "MID"), ends=shared_data / "ends.csv")
    learned, shipped = learn_hazard(records), shipped_hazard()
    for ours, theirs in zip(learned.coders, shipped.coders, strict=True):
        assert np.allclose(ours.mean, theirs.mean, atol=1e-4)
        assert np.allclose(ours.covariance, theirs.covariance, atol=1e-5)
    assert learned.provenance.dyads == shipped.provenance.dyads


def test_a_second_file_of_the_same_two_actors_is_left_out_with_the_first():
    dyads = {f"d{seed}": record(2.0, 8, seed, pair=f"AA{seed}BB{seed}") for seed in range(4)}
    twice = learn({**dyads, "copy": record(4.0, 8, 7, pair="AA0BB0")})
    (coder,) = twice.coders
    others = [rows_of(twice, dyads[name]) for name in ("d1", "d2", "d3")]
    assert np.allclose(fit_poisson(others, learning._penalty()).coefficients, coder.without["d0"], atol=1e-4)
    assert coder.without["d0"] == coder.without["copy"]
    assert coder.without["d1"] != coder.without["d0"]


def test_a_pair_that_two_coders_noted_is_left_out_of_both():
    panel = {f"d{k}": record(3.0, 6, seed=k, pair=f"AA{k}BBB") for k in range(4)}
    both = learn_hazard([Records("one", panel, {}), Records("two", panel, {})], least_acts=1)
    assert [(one.coder, one.name) for one in both.left_out(panel["d1"])] == [("one", "d1"), ("two", "d1")]
    found = both.mean_for(panel["d1"], date(1994, 1, 1))
    for coder, mean in zip(both.coders, found, strict=True):
        assert np.array_equal(mean, coder.without["d1"])


def test_a_country_is_the_same_under_the_code_that_the_documents_ask_for():
    events = record(2.0, 8, 1, pair="IRNKWT")
    left = shipped_hazard().left_out(events)
    assert [(one.coder, one.name) for one in left] == [("KEDS", "irn-kuw"), ("MID", "irn-kuw")]
    assert left[0].actors == ("IRN", "KUW")


def test_nothing_is_learned_from_records_without_a_target():
    quiet = {f"d{seed}": record(0.0, 8, seed, pair=f"AA{seed}BB{seed}") for seed in range(3)}
    with pytest.raises(InputError, match="made: no kind of target has 1 act in these records"):
        learn(quiet)


def test_a_kind_that_a_coder_does_not_note_is_not_learned_from_it():
    panel = {f"d{k}": record(3.0, 6, seed=k, pair=f"AA{k}BBB") for k in range(3)}
    kinds = {one.any_of for one in learn(panel).provenance.targets}
    assert ("military_incident",) in kinds
    assert ("sanction",) not in kinds
    with pytest.raises(InputError, match=r"no kind of target has 1,000 acts .* or a lower --least-acts"):
        learn(panel, least_acts=1000)


def test_peace_after_the_last_act_counts_where_the_pair_was_observed():
    events = record(3.0, 6, seed=1)
    kinds = dict(enumerate(learning.TARGETS))
    to_last_act = dyad_rows(events, events.date.max().item(), kinds)
    for_years = dyad_rows(events, date(2005, 1, 1), kinds)
    assert for_years.at_risk.sum() > 1.5 * to_last_act.at_risk.sum()
    assert for_years.hit.sum() == pytest.approx(to_last_act.hit.sum(), rel=0.02)


ENDS = "file,observed_until\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name,day\n", "got columns name, day; expected file, observed_until"),
        (ENDS + "made/d0.csv,soon\n", r"ends.csv:2: observed_until: got 'soon'; expected a day"),
        (ENDS + "a/b.csv,2000-01-01\n" * 2, r"ends.csv:3: a/b.csv appears twice"),
    ],
)
def test_a_file_of_ends_that_says_nothing_clear_is_refused(tmp_path, content, says):
    path = tmp_path / "ends.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        read_ends(path)


def test_every_dyad_has_an_end_that_its_acts_allow(tmp_path):
    events, folder, path = record(3.0, 6, seed=1), tmp_path / "made", tmp_path / "ends.csv"
    path.write_text(ENDS + "made/d0.csv,1991-01-01\n")
    with pytest.raises(InputError, match=r"has no row for made/d1.csv. Did you mean 'made/d0.csv'"):
        records_of([(folder, {"d1": events})], ends=path)
    with pytest.raises(InputError, match="observed until 1991-01-01, but has an act on"):
        records_of([(folder, {"d0": events})], ends=path)
    path.write_text(ENDS + "made/d0.csv,2001-01-01\n")
    (one,) = records_of([(folder, {"d0": events})], ends=path)
    assert (one.coder, one.end("d0")) == ("made", date(2001, 1, 1))


@pytest.mark.parametrize(
    ("coders", "says"),
    [
        (("KEDS",), "got 1 for 2 folders"),
        (("KEDS", "KEDS"), "two folders have the coder"),
        ((" ", "x"), "empty"),
    ],
)
def test_each_folder_has_a_coder_of_its_own_name(tmp_path, coders, says):
    events = record(3.0, 6, seed=1)
    with pytest.raises(InputError, match=says):
        records_of([(tmp_path / "a", {"d": events}), (tmp_path / "b", {"d": events})], coders=coders)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("deviation", float("inf"), "finite number"),
        ("scale", 0.0, "a scale of a feature is not above 0"),
        ("lowest", 1e9, "its lowest value lies above its highest"),
        ("mean", 1e308, "larger than 50"),
        ("covariance", -1.0, "a variance is negative"),
        ("log_pace", 1e9, "the lowest pace of its records lies above"),
        ("coder", "another", "its coders are not those of its provenance"),
        ("dyads", (), "at least 1 item"),
    ],
)
def test_coefficients_that_make_no_hazard_are_refused(tmp_path, key, value, says):
    content = shipped_hazard().model_dump(mode="json", by_alias=True)
    coder = content["coders"][0]
    if key == "dyads":
        content["provenance"]["dyads"] = value
    elif key == "covariance":
        coder[key][3][3] = value
    elif key == "deviation":
        content[key] = value
    elif key == "coder":
        coder[key] = value
    else:
        coder[key] = [value, *coder[key][1:]]
    path = tmp_path / "coefficients.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=says):
        read_hazard(path)


def test_features_of_the_file_are_named_in_order():
    assert shipped_hazard().features == NAMES
