"""``tools/learn``: fits against an optimiser and simulated truth, and files that the package reads."""

import math
from datetime import date

import numpy as np
import pytest
from scipy.optimize import minimize

from forecast.errors import StoppedError
from forecast.evaluation.study import KeptRows
from forecast.events.reading import write_events
from forecast.pooled_hazard import read_hazard
from forecast.priors.population import read_population

FIRST, LAST = date(1990, 1, 1), date(1999, 12, 31)
PRIOR = (-0.9, 1.6)


@pytest.fixture
def dyads(made_up_dyad, tmp_path):
    """A folder of four made-up dyads, and beside it the file of their ends."""
    names = ("d0", "d1", "d2", "d3")
    (tmp_path / "made").mkdir()
    for seed, name in enumerate(names):
        write_events(made_up_dyad(FIRST, LAST, seed=seed), tmp_path / "made" / f"{name}.csv")
    rows = ("file,observed_until", *(f"made/{name}.csv,{LAST}" for name in names))
    (tmp_path / "ends.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "made"


def test_the_pooled_hazard_is_the_maximum_that_an_optimiser_finds(tool):
    learning = tool("learn/pooled_hazard")
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(300), rng.standard_normal((300, 3))])
    at_risk, anchor = rng.uniform(5, 100, 300), rng.normal(-5, 0.5, 300)
    hit, weight = (rng.random(300) < 0.3).astype(float), rng.uniform(0.1, 1, 300)
    penalty = np.array([1.0, 100, 100, 400])
    none = np.zeros(300)
    rows = learning.Rows(
        features, anchor, hit, at_risk, weight, none, none.astype(int), none, np.zeros((0, 2), int)
    )
    found = learning.fit_poisson([rows], penalty)

    def loss(b):
        log_hazard = anchor + features @ b
        fitted = (weight * (np.exp(log_hazard) * at_risk - hit * log_hazard)).sum()
        return fitted + (penalty * b**2).sum() / 2

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    assert np.allclose(found.coefficients, best, atol=1e-5)
    step, around = 1e-4 * np.eye(4), found.coefficients
    curvature = (loss(around + step[1]) - 2 * loss(around) + loss(around - step[1])) / 1e-8
    assert found.hessian[1, 1] == pytest.approx(curvature, rel=1e-3)


def test_a_learned_hazard_is_a_file_that_the_package_reads(tool, dyads):
    out, ends = dyads.parent / "own.json", dyads.parent / "ends.csv"
    options = ["--coder", "KEDS", "--ends", str(ends), "--least-acts", "1", "--source", "made"]
    assert tool("learn/pooled_hazard").main([str(dyads), "--out", str(out), *options]) == 0
    origin = read_hazard(out).provenance
    assert [(dyad.name, dyad.coder, dyad.until) for dyad in origin.dyads] == [
        (f"d{number}", "KEDS", LAST) for number in range(4)
    ]
    assert origin.source == "made"
    assert origin.command == (
        "tools/learn/pooled_hazard.py made --out own.json --ends ends.csv --coder KEDS --least-acts 1"
    )


@pytest.mark.parametrize("spread", [0.3, 0.8])
def test_pooling_recovers_centre_and_spread_within_their_error(tool, spread):
    learning = tool("learn/population")
    n, centre = 150, -1.4
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        variance = rng.uniform(0.02, 0.5, n)
        seen = rng.normal(centre + spread * rng.standard_normal(n), np.sqrt(variance))
        # The posterior of each normal likelihood under PRIOR.
        precision = 1 / variance + 1 / PRIOR[1] ** 2
        middle = (seen / variance + PRIOR[0] / PRIOR[1] ** 2) / precision
        draws = rng.normal(middle[:, None], precision[:, None] ** -0.5, (n, 400))
        found.append(learning.pool([learning.Estimate("tension.scale", "all", PRIOR, row) for row in draws]))
    # The mean precision of one value gives the error of each figure.
    error = 1 / math.sqrt(n * np.mean(1 / (spread**2 + np.random.default_rng(0).uniform(0.02, 0.5, 10_000))))
    centres, spreads = np.array([(pooled.centre, pooled.spread) for pooled in found]).T
    assert centres.mean() == pytest.approx(centre, abs=4 * error / math.sqrt(20))
    assert centres.std() < 1.6 * error
    # The spread is that of a new dyad: it holds the error of the centre.
    assert np.sqrt(np.mean(spreads**2)) == pytest.approx(math.hypot(spread, error), rel=0.1)


def test_learning_that_was_stopped_goes_on_and_writes_what_the_package_reads(
    tool, dyads, monkeypatch, capsys
):
    learning = tool("learn/population")
    kept, out = dyads.parent / "kept", dyads.parent / "own.yaml"
    tried = []

    def fit(name, record, sampler):
        tried.append(name)
        if len(tried) == 3:
            raise KeyboardInterrupt
        draws = np.random.default_rng(len(name)).normal(0.01 * len(record.events) % 1, 0.2, 200)
        return {"fits": [[("tension.scale", "all", PRIOR, draws.tolist())]]}

    monkeypatch.setattr(learning, "_learn_from", fit)
    arguments = [str(dyads), "--out", str(out), "--source", "made for a test", "--keep", str(kept)]
    assert learning.main(arguments) == StoppedError.exit_code
    assert "2 of 4 parts are finished and kept" in capsys.readouterr().err
    assert (len(KeptRows(kept).by_key), out.exists()) == (2, False)
    assert learning.main(arguments) == 0
    # Two are kept; the third, which was stopped, is tried again.
    assert (len(tried), len(set(tried))) == (5, 4)
    learned = read_population(out)
    assert learned.groups.keys() == {"tension.scale"}
    assert learned.provenance.dyads == tuple(f"made/d{number}" for number in range(4))
    assert learned.provenance.source == "made for a test"
