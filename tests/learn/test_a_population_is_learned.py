"""``tools/learn/population.py``: pooling recovers simulated truth; a stopped script goes on, and writes."""

import json
import math
from datetime import date

import numpy as np
import pytest

from forecast.errors import StoppedError
from forecast.evaluation.study import KeptRows
from forecast.events.dyads import DyadRule
from forecast.events.reading import load_events, write_events
from forecast.inference.posterior import SamplerOptions
from forecast.priors import parameter_groups
from forecast.priors.population import read_population, shipped_population

PROVENANCE = shipped_population().provenance


@pytest.fixture(scope="module")
def learning(tool):
    return tool("learn/population")


PRIOR = (-0.9, 1.6)


def estimate(learning, mean, variance, rng, group="tension.scale"):
    """Draws of the posterior of a normal likelihood under ``PRIOR``."""
    precision = 1 / variance + 1 / PRIOR[1] ** 2
    centre = (mean / variance + PRIOR[0] / PRIOR[1] ** 2) / precision
    return learning.Estimate(group, "all", PRIOR, rng.normal(centre, precision**-0.5, 400))


def simulated_estimates(learning, n, centre, spread, seed):
    rng = np.random.default_rng(seed)
    variance = rng.uniform(0.02, 0.5, n)
    true = centre + spread * rng.standard_normal(n)
    values = zip(rng.normal(true, np.sqrt(variance)), variance, strict=True)
    return [estimate(learning, *one, rng) for one in values]


@pytest.mark.parametrize("spread", [0.3, 0.8])
def test_pooling_recovers_centre_and_spread_within_their_error(learning, spread):
    n, centre = 150, -1.4
    found = [learning.pool(simulated_estimates(learning, n, centre, spread, seed)) for seed in range(20)]
    # The mean precision of one value gives the error of each figure.
    precision = np.mean(1 / (spread**2 + np.random.default_rng(0).uniform(0.02, 0.5, 10_000)))
    error = 1 / math.sqrt(n * precision)
    centres, spreads = np.array([(one.centre, one.spread) for one in found]).T
    assert centres.mean() == pytest.approx(centre, abs=4 * error / math.sqrt(20))
    assert centres.std() < 1.6 * error
    # The spread is that of a new dyad: it holds the error of the centre.
    assert np.sqrt(np.mean(spreads**2)) == pytest.approx(math.hypot(spread, error), rel=0.1)
    assert all(one.values == n for one in found)


def test_errors_of_estimates_are_no_spread_between_dyads(learning):
    estimates = simulated_estimates(learning, 400, 0.0, 0.0, 3)
    assert np.std([one.draws.mean() for one in estimates]) > 0.4
    assert learning.pool(estimates).spread < 0.15


def test_dyads_that_tell_nothing_have_no_narrow_spread(learning):
    rng = np.random.default_rng(1)
    silent = [learning.Estimate("tension.scale", "all", PRIOR, rng.normal(*PRIOR, 400)) for _ in range(30)]
    assert learning.pool(silent).spread > 1.0
    some = learning.pool([*silent, *simulated_estimates(learning, 60, -1.4, 0.3, 2)])
    assert (some.centre, some.spread) == (pytest.approx(-1.4, abs=0.2), pytest.approx(0.3, abs=0.15))


def test_pooling_of_steps_recovers_their_beta_distribution(learning):
    rng = np.random.default_rng(5)
    reached = rng.integers(5, 200, 800)
    further = rng.binomial(reached, rng.beta(2.0, 8.0, 800))
    found = learning.pool_steps(
        [learning.Step(*one) for one in zip(reached.tolist(), further.tolist(), strict=True)]
    )
    assert found.alpha / (found.alpha + found.beta) == pytest.approx(0.2, abs=0.02)
    assert found.alpha + found.beta == pytest.approx(10.0, rel=0.25)


def test_steps_are_counted_by_dyad_and_kind_where_some_acts_stayed(learning, coded):
    graded = [("dispute", 3, 5), ("dispute", 4, 2), ("military_incident", 5, 3), ("visit", 4, 7)]
    acts = [("2010-01-04", name, severity) for name, severity, number in graded for _ in range(number)]
    # Disputes: 7 reached 3, 2 of them 4; 2 reached 4, none of them 5. Incidents never stayed below 5.
    assert learning.steps_of([coded(*acts)]) == [(7, 2), (2, 0)]


def test_a_class_that_dyads_say_little_of_or_that_is_to_be_left_out_keeps_its_documented_prior(learning):
    def fit(seed: int):
        rng = np.random.default_rng(seed)
        spreads = {"tension.scale": 0.2, "answers.severity": 0.1, "answers.number": 4.0}  # documented: 0.8
        return [estimate(learning, rng.normal(0.2, sd), 0.01, rng, name) for name, sd in spreads.items()]

    asked = [fit(seed) for seed in range(60)], [learning.Step(9, 2), learning.Step(5, 1)], PROVENANCE
    assert learning.pool_fits(*asked).groups.keys() == {"tension.scale", "answers.severity"}
    assert learning.pool_fits(*asked, ("answers.severity",)).groups.keys() == {"tension.scale"}


def test_learning_that_was_stopped_goes_on_and_writes_what_the_package_reads(
    learning, tmp_path, monkeypatch, shared_data, capsys
):
    folder, kept, out = tmp_path / "dyads", tmp_path / "kept", tmp_path / "own.yaml"
    folder.mkdir()
    for path in sorted((shared_data / "panel").glob("usa-*.csv"))[:4]:
        write_events(load_events(str(path), path.parent), folder / path.name)
    tried = []

    def fit(name, record, sampler):
        tried.append(name)
        if len(tried) == 3:
            raise KeyboardInterrupt
        draws = np.random.default_rng(len(name)).normal(0.01 * len(record.events) % 1, 0.2, 200)
        return {"fits": [[("tension.scale", "all", PRIOR, draws.tolist())]]}

    monkeypatch.setattr(learning, "_learn_from", fit)
    arguments = [str(folder), "--out", str(out), "--source", "made for a test"]
    assert learning.main([*arguments, "--keep", str(kept)]) == StoppedError.exit_code
    assert "2 of 4 parts are finished and kept" in capsys.readouterr().err
    assert (len(KeptRows(kept).by_key), out.exists()) == (2, False)
    assert learning.main([*arguments, "--keep", str(kept)]) == 0
    assert (len(tried), len(set(tried))) == (
        5,
        4,
    )  # two are kept; the third, which was stopped, is tried again
    learned = read_population(out)
    assert learned.groups.keys() == {"tension.scale"}
    assert learned.provenance.dyads == tuple(f"dyads/{path.stem}" for path in sorted(folder.iterdir()))
    assert learned.provenance.source == "made for a test"
    assert learned.provenance.command == "tools/learn/population.py dyads --out own.yaml --seed 1"
    lines = (kept / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == 4


def test_a_fit_tells_what_it_learned_and_under_which_prior(learning, shared_data, monkeypatch):
    monkeypatch.setattr(learning, "TOLERATED_RHAT", math.inf)
    path = shared_data / "balkans" / "nat-ser.csv"
    start, origin = date(1991, 4, 1), date(1992, 4, 1)
    events = load_events(str(path), path.parent).between(start, origin)
    record = learning.Record(events, DyadRule(("NAT",), ("SER",)), start, origin, 3)
    row = learning._learn_from("nat-ser", record, SamplerOptions(seed=1, draws=60, tune=60, chains=2))
    (fit,) = row["fits"]
    assert {group for group, *_ in fit} == set(learning.LEARNED)
    assert {kind for group, kind, *_ in fit if group == "answers.number"} == {"same_side", "other_side"}
    assert ("tension.loading", "cooperative") not in {(group, kind) for group, kind, *_ in fit}
    documented = {group.name: group.default.values[1] for group in parameter_groups()}
    assert all(prior[1] == pytest.approx(2 * documented[group]) for group, _, prior, _ in fit)
