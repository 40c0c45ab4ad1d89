"""``tools/bench.py``, ``studies`` and ``learn`` find what made the records that they are given."""

import json
import math
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import binom

from forecast.baselines import BASELINES, DAY
from forecast.errors import StoppedError
from forecast.evaluation.score_table import join_forecasts, read_forecasts, table_of
from forecast.evaluation.study import KeptRows
from forecast.events.codebook import CATEGORIES
from forecast.events.reading import write_events
from forecast.inference.posterior import SamplerOptions
from forecast.models.draws import prior_draws
from forecast.pooled_hazard import read_hazard
from forecast.priors import default_priors
from forecast.priors.population import read_population
from forecast.streams import stream_layout
from forecast.targets import TargetRule
from forecast.wording import HORIZONS

BED = """\
schema: 1
name: small
sources:
  - {data: data, until: 2007-12-31, dyads: [a-b]}
  - {data: data, until: 2005-12-31, dyads: [c-d]}
targets:
  force: {any_of: [military_incident], min_severity: 4}
  grave: {any_of: [military_incident], min_severity: 5}
from: 2003-01-01
origins: quarterly
"""


@pytest.fixture(scope="module")
def bench(tool):
    return tool("bench")


def test_every_bed_that_has_a_name_is_read_and_its_dyads_are_names_of_files(bench):
    for name in bench.named_beds():
        listed = [source.dyads for source in bench.find_bed(name).sources if isinstance(source.dyads, tuple)]
        dyads = [dyad for some in listed for dyad in some]
        assert [dyad for dyad in dyads if not dyad.replace("-", "").isalnum()] == []


@pytest.fixture
def bed(tmp_path):
    """The bed, and of each dyad an act every three weeks or so, every third a use of force."""
    for seed, dyad in enumerate(("a-b", "c-d")):
        rng, rows, day = np.random.default_rng(seed), [], date(2000, 1, 1)
        while day < date(2007, 12, 25):
            kind = "military_incident,4" if len(rows) % 3 == 0 and day.year % 3 else "dispute,2"
            rows.append(f"{len(rows)},{day},A,B,{kind}")
            day += timedelta(days=int(rng.integers(10, 40)))
        (tmp_path / "data").mkdir(exist_ok=True)
        text = "\n".join(["id,date,initiator,target,category,severity", *rows])
        (tmp_path / f"data/{dyad}.csv").write_text(text)
    (tmp_path / "small.yaml").write_text(BED)
    return tmp_path / "small.yaml"


def test_a_bed_is_scored_by_dyad_to_its_own_end_and_over_dyads(bench, bed, capsys):
    assert bench.main(["--bed", str(bed), "--models", "pooled_hazard", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [one["until"] for one in content["coverage"]] == ["2007-12-31", "2005-12-31"]
    assert content["fits"] == {"made": 0, "failed": 0}
    assert list(content["targets"]) == ["force", "grave"]
    scores = content["targets"]["force"]
    assert {one["model"] for one in scores["by_horizon"]} == {"pooled_hazard", *BASELINES}
    assert {one["horizon_days"] for one in scores["by_horizon"]} == set(HORIZONS)
    for one in scores["by_horizon"]:
        own = [c for c in scores["cells"] if all(c[key] == one[key] for key in ("horizon_days", "model"))]
        assert one["log"] == pytest.approx(np.mean([cell["log"] for cell in own]), abs=1e-12)
        assert one["n"] == sum(cell["n"] for cell in own)
        # Quarters that begin early enough for the window to end with the dyad's observation.
        assert {cell["dyad"]: cell["n"] for cell in own} == {
            dyad: sum(
                date(2003 + k // 4, k % 4 * 3 + 1, 1) + timedelta(one["horizon_days"] - 1) <= end
                for k in range(20)
            )
            for dyad, end in (("a-b", date(2007, 12, 31)), ("c-d", date(2005, 12, 31)))
        }
        states = [
            state["n"]
            for state in scores["onset"]
            if all(state[key] == one[key] for key in ("horizon_days", "model"))
        ]
        assert sum(states) == one["n"]
    assert bench.main(["--bed", str(bed), "--models", "baselines"]) == 0
    assert "It never happened in these windows." in capsys.readouterr().out


CRISES = """\
date,initiator,target,category,severity
2000-01-10,A,B,dispute,2
2001-06-01,A,B,sanction,3
2001-06-20,A,B,sanction,3
2001-07-10,A,B,dispute,3
2001-08-01,A,B,military_incident,5
2001-12-31,A,B,sanction,3
2003-03-01,A,B,dispute,4
2003-03-02,A,B,military_incident,5
"""


@pytest.mark.parametrize(
    ("origins", "found"),
    [
        # 20 June lies 19 days after a crisis, 31 December 2001 five months after the target.
        ("crises", {"2001-06-02": (0, 1), "2001-07-11": (1, 1), "2003-03-02": (1, 1)}),
        ("first", {"2001-06-02": (0, 1), "2001-07-11": (1, 1)}),
        ("onsets", {"2001-08-02": (0, 0), "2003-03-03": (0, 0)}),
    ],
)
def test_crises_are_found_and_counted_by_episode(bench, bed, capsys, origins, found):
    (bed.parent / "data/a-b.csv").write_text(CRISES)
    bed.write_text(BED.replace("  - {data: data, until: 2005-12-31, dyads: [c-d]}\n", ""))
    asked = ["--bed", str(bed), "--models", "baselines", "--origins", origins, "--from", "2001-01-01"]
    table = bed.parent / "said.csv"
    assert bench.main([*asked, "--horizons", "30,90", "--json", "--csv", str(table)]) == 0
    scores = json.loads(capsys.readouterr().out)["targets"]["grave"]
    rows = read_forecasts(table).select(target="grave", who="climatology")
    outcomes = {}
    for origin, outcome in zip(rows.origin, rows.outcome, strict=True):
        outcomes.setdefault(str(origin), []).append(int(outcome))
    assert {day: tuple(values) for day, values in outcomes.items()} == found
    for place, days in enumerate((30, 90)):
        (row,) = [
            one
            for one in scores["by_horizon"]
            if (one["horizon_days"], one["model"]) == (days, "climatology")
        ]
        came = [values[place] for values in found.values()]
        assert row["mean_came"] == pytest.approx(np.mean(came))
        # The two origins of summer 2001 are one episode.
        by_episode = came if origins == "onsets" else [np.mean(came[:2]), *came[2:]]
        assert row["episodes"]["n"] == len(by_episode)
        assert row["episodes"]["mean_came"] == pytest.approx(np.mean(by_episode))
    assert bench.main([*asked, "--horizons", "30,90"]) == 0
    assert "Said and came" in capsys.readouterr().out


@pytest.mark.parametrize("hits", [0, 1, 7, 20])
def test_the_exact_interval_is_where_the_binomial_leaves_5_percent_on_either_side(bench, hits):
    lower, upper = bench.exact_interval90(hits, 20)
    assert hits == 0 or binom.sf(hits - 1, 20, lower) == pytest.approx(0.05)
    assert hits == 20 or binom.cdf(hits, 20, upper) == pytest.approx(0.05)
    assert (lower == 0) == (hits == 0)
    assert (upper == 1) == (hits == 20)


def test_onsets_follow_a_quiet_year(bench):
    target = np.datetime64("2000-01-01") + np.array([0, 10, 375, 741]) * DAY
    # Day 375 follows day 10 by 365 days, of which 364 are quiet.
    assert ((bench.onset_origins(target) - target[0]) // DAY).tolist() == [1, 742]


def test_a_rule_chooses_dyads_by_their_past_alone(bench, bed):
    rule = BED.replace("dyads: [a-b]", "dyads: {least_acts: 3, before: 2003-01-01}").splitlines()
    bed.write_text("\n".join(line for line in rule if "[c-d]" not in line))
    rows = (bed.parent / "data/c-d.csv").read_text().splitlines()
    later = [row for row in rows[1:] if row.split(",")[1] >= "2003"]
    (bed.parent / "data/c-d.csv").write_text("\n".join([*rows[:3], *later]))
    _, events, _ = bench.open_bed(str(bed), None)
    assert list(events) == ["a-b"]


@pytest.mark.parametrize(
    ("old", "new", "options", "says"),
    [
        (
            "[a-b]",
            "{least_acts: 999, before: 2003-01-01}",
            [],
            "of 2 files none has 999 acts known before 2003",
        ),
        (
            "[a-b]",
            "{least_acts: 2, before: 2004-01-01}",
            [],
            "2004-01-01 is after the first origin, 2003-01-01",
        ),
        ("quarterly", "crises\ncrises: {min_severity: 5}", [], "it has no origin with a complete window"),
        ("", "", ["--from", "soon"], "--from: got 'soon'; expected a day"),
        ("from:", "form:", [], ":9:1: form: unknown key. Did you mean 'from'?"),
        ("dyads: [c-d]", "dyads: [c-e]", [], "holds no c-e.csv. Did you mean 'c-d'?"),
        ("dyads: [c-d]", "dyads: [a-b]", [], "a-b is in another source, too"),
        ("military_incident", "visit", [], "no target ever happened"),
        ("data: data", "data: dta", [], "no such folder or file"),
        ("", "", ["--models", "best"], "models: got 'best'"),
        ("", "", ["--horizons", "30,4000"], "got 4000 days; allowed: up to 3653, ten years"),
        ("", "", ["--bed", "panle"], "no bed 'panle'. Did you mean 'panel'?"),
    ],
)
def test_what_cannot_be_scored_is_one_message(bench, bed, capsys, old, new, options, says):
    bed.write_text(BED.replace(old, new) if old else BED)
    assert bench.main(["--bed", str(bed), *options]) == 2
    assert says in capsys.readouterr().err


INCIDENT = ("military_incident", 4)


@pytest.fixture(scope="module")
def calibration(tool):
    return tool("studies/calibration")


def test_a_study_scores_what_a_model_says_beside_baselines_and_outcomes(
    tool, coded, tmp_path, monkeypatch, capsys
):
    convergence = tool("studies/convergence")
    # Twelve years with an act a week: disputes, and every tenth week a grave incident.
    weekly = coded(
        *(
            (date(2000, 1, 3) + timedelta(7 * week), *(INCIDENT if week % 10 == 9 else ("dispute", 2)))
            for week in range(626)
        )
    )
    write_events(weekly, tmp_path / "a.csv")
    write_events(weekly.select(weekly.category == "dispute"), tmp_path / "calm.csv")
    mixture = SimpleNamespace(probability=lambda target, days: {30: 0.25, 90: 0.5, 180: 0.75}[days])
    gates = SimpleNamespace(converged=True, failures=())
    judged = SimpleNamespace(mixture=mixture, gates=gates, samples=SimpleNamespace(reruns=0))
    monkeypatch.setattr(convergence, "fit_and_judge", lambda inputs: judged)
    options = ["--data", str(tmp_path), "--any-of", "military_incident", "--min-severity", "4"]
    options += ["--years", "3", "--thinnings", "1", "0.5", "--keep", str(tmp_path / "kept")]
    assert convergence.main(options) == 0
    study = json.loads(capsys.readouterr().out)
    assert [row["probability"] for row in study["rows"]] == [[0.25, 0.5, 0.75]] * 4
    assert {cell[0] for cell in study["skipped"]} == {"calm"}
    assert [one["share"] for one in study["summary"]] == [1.0, 0.5, None]
    whole = [row for row in study["rows"] if row["share"] == 1.0]
    said = np.array(
        [np.where(row["outcome"], row["probability"], 1 - np.array(row["probability"])) for row in whole]
    )
    assert study["summary"][0]["log"]["model"] == pytest.approx(-np.log(said).mean())
    assert study["summary"][0]["log_behind"]["se"] is None
    # A row that is kept is not made again, and bad input is told.
    monkeypatch.setattr(convergence, "fit_and_judge", None)
    assert convergence.main(options) == 0
    assert convergence.main([*options, "--set", "sampler.drows=3"]) == 2


def priors_of_one_stream(calibration):
    """Priors of the smallest model: every act meets the target."""
    layout = stream_layout([TargetRule("anything", CATEGORIES, 1)], calibration.DYAD)
    stated = {
        "baseline.weekly_rate": "LogNormal(mu=-0.7, sigma=0.5)",
        # Far from where chains are bound, so that truths follow the prior.
        "answers.number": "LogNormal(mu=-4, sigma=0.4)",
        "answers.severity": "LogNormal(mu=-2, sigma=0.4)",
        "answers.gravity": "LogNormal(mu=-2, sigma=0.4)",
    }
    return default_priors(layout).changed({**calibration.STUDY_PRIORS, **stated}, "config")


def test_ranks_among_draws_of_the_prior_are_uniform_and_among_wider_ones_are_not(calibration, monkeypatch):
    """A posterior that learned nothing is the prior: the law of ranks is known without a sampler."""
    smallest = {}
    for name, factor in {"right": 1.0, "wrong": 5.0}.items():

        def of_the_prior(known, options, factor=factor):
            data, priors = known
            drawn = prior_draws(priors, 400, data.grid.n_knots, np.random.default_rng(options.seed))
            return drawn | {"tension.scale": factor * drawn["tension.scale"]}

        monkeypatch.setattr(calibration, "PosteriorDensity", SimpleNamespace(of=lambda *known: known))
        monkeypatch.setattr(calibration, "sample", of_the_prior)
        monkeypatch.setattr(calibration, "Posterior", lambda drawn, *_: SimpleNamespace(variables=drawn))
        sampler = SamplerOptions(seed=0)
        study = calibration.rank_study(
            priors_of_one_stream(calibration),
            40,
            n_weeks=20,
            most_acts=10_000,
            seed=3,
            sampler=sampler,
            wrong=False,
        )
        # What is computed from the data too knows of the truth by them.
        known = {one: ranks for one, ranks in study.items() if not one.endswith(" now") and one[:2] != "P("}
        smallest[name] = min(calibration.p_values(known, 5).items(), key=lambda pair: pair[1])
    assert smallest["right"][1] * len(known) > 0.01
    assert smallest["wrong"][0].startswith("tension.scale")
    assert smallest["wrong"][1] < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "simulations", "wrong"),
    [("sparse", 40, []), ("dense", 40, []), ("sparse", 20, ["--wrong"])],
    ids=["sparse", "dense", "doubled"],
)
def test_inference_is_calibrated_and_the_study_fails_on_doubled_data(calibration, size, simulations, wrong):
    options = ["--size", size, "--simulations", str(simulations), *wrong]
    assert calibration.main(options) == len(wrong)


def outcomes(seed, share):
    """Outcomes of a chance that is so far from the model's towards the pooled hazard's."""
    random = np.random.default_rng(seed)
    origin = np.datetime64("1990-01-01") + 30 * np.arange(600) * DAY
    asked = {"what": "pair", "target": "force", "origin": origin, "day": origin + 30 * DAY}
    model, hazard = random.random((2, 600))
    asked["outcome"] = random.random(600) < (1 - share) * model + share * hazard
    return join_forecasts(
        table_of({**asked, "who": who, "chance": chance})
        for who, chance in (("model", model), ("pooled_hazard", hazard))
    )


def test_the_weight_that_made_the_outcomes_is_found_and_tried_on_beds_it_was_not_learned_on(tool):
    weight = tool("studies/weight")
    for share in (0.0, 0.7):
        best, error = weight.BedWeights(outcomes(1, share)).best
        assert best == pytest.approx(share, abs=max(3 * error, 0.1))
    found = weight.BedWeights(outcomes(2, 1.0))
    better, worse = (found.beside_half(one) for one in (1.0, 0.0))
    assert better[0] < -3 * better[1] < 0 < 3 * worse[1] < worse[0]
    rows = list(weight.lines({"one": outcomes(3, 1.0), "two": outcomes(4, 0.9)}))
    cells = [row.split(" | ") for row in rows if row.startswith("| all")]
    assert [cell[1] for cell in cells] == ["one", "two"]
    # Each is told by the other, and gains on one half.
    assert all(float(cell[-2]) > 0.8 and cell[-1].startswith("-0.") for cell in cells)


def test_the_page_takes_the_tables_of_a_bed_and_says_first_where_a_baseline_wins(tool, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    rows = [f"{n},{2000 + n // 12}-{n % 12 + 1:02}-15,A,B,military_incident,{4 + n % 2}" for n in range(96)]
    text = "\n".join(["id,date,initiator,target,category,severity", *rows])
    (tmp_path / "data/a-b.csv").write_text(text + "\n")
    (tmp_path / "small.yaml").write_text(
        "schema: 1\nname: small\nsources: [{data: data, until: 2007-12-31}]\nfrom: 2004-01-01\n"
        "targets: {force: {any_of: [military_incident], min_severity: 5}}\n"
    )
    tool("bench").main(["--bed", str(tmp_path / "small.yaml"), "--models", "pooled_hazard", "--json"])
    made = capsys.readouterr().out
    (tmp_path / "small.json").write_text(made)
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- measured: small -->\nold\n<!-- end -->\nAfter\n")
    validation = tool("docs/validation")
    assert validation.main([str(tmp_path / "small.json"), "--page", str(page)]) == 0
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("Before", "After")
    assert "old" not in lines
    scores = json.loads(made)["targets"]["force"]
    ours, best = (
        {one["horizon_days"]: one["log"] for one in scores["by_horizon"] if one["model"] == name}
        for name in ("pooled_hazard", "climatology")
    )
    head = next(place for place, line in enumerate(lines) if line.startswith("| a baseline is better |"))
    days, beaten = (
        line.strip("| ").split(" | ")[1:]
        for line in (
            lines[head],
            next(line for line in lines[head:] if line.startswith("| `pooled_hazard` |")),
        )
    )
    lost = [f"{one} d" for one in ours if best[one] < ours[one]]
    assert set(lost) <= {day for day, cell in zip(days, beaten, strict=True) if cell != "–"}
    head = next(place for place, line in enumerate(lines) if line.startswith("| log score |"))
    row = next(line for line in lines[head:] if line.startswith("| `pooled_hazard` |"))
    assert f"{ours[30]:.3f}".removeprefix("0") in row
    assert validation.main([str(tmp_path / "small.json"), "--page", str(tmp_path / "small.yaml")]) == 2


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


def test_the_pooled_line_without_a_dyad_is_that_of_the_others_and_the_best_fit_to_them(tool, dyads):
    learning, first = tool("learn/pooled_hazard"), dyads / "d0.csv"
    first.write_text(first.read_text().replace("BBB", "UNK"))

    def learn(*without):
        kept = {name: table for name, table in tool("bench").read_dyads(dyads).items() if name not in without}
        records = learning.Records("KEDS", kept, dict.fromkeys(kept, LAST))
        return learning.learn_line([records], least_acts=1), records

    every, records = learn()
    left_out, others = every["without"], learn("d0")[0]["line"]
    np.testing.assert_allclose(left_out["AAA UNK"], others, rtol=1e-5)
    assert left_out["AAA UNK"] == left_out["AAA GBR"] != every["line"]
    targets = tuple(learning.noted_targets(records, learning.TARGETS, 1).values())
    rows = [learning.line_rows(events, LAST, targets) for events in records.dyads.values()]
    design, hits = (np.concatenate(part)[:, 2] for part in zip(*rows, strict=True))
    known = ~np.isnan(hits)

    def loss(b):
        odds = design[known] @ b
        return np.logaddexp(0, odds).sum() - hits[known] @ odds + 0.5 * learning.LINE_RIDGE * b @ b

    assert every["line"][2] == pytest.approx(minimize(loss, np.zeros(3)).x, abs=1e-3)


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


@pytest.mark.parametrize("calming", [1.0, 0.4])
def test_what_follows_visits_is_told_from_the_trouble_that_brings_them(tool, calming):
    """Acts bring acts and visits; after a visit the rate is ``calming`` times what it was, for 30 days."""
    visits = tool("studies/visits")
    rng, records = np.random.default_rng(1), []
    for pair in range(12):
        heat, calm, serious, came = 0.0, 0, np.zeros(3000), np.zeros(3000)
        for day in range(3000):
            serious[day] = rng.poisson((0.01 + heat) * (calming if calm > 0 else 1.0))
            came[day] = rng.random() < 0.01 + 0.1 * heat
            heat, calm = 0.9 * (heat + 0.05 * serious[day]), 30 if came[day] else calm - 1
        none = np.zeros(3000)
        cooperation = {"visit": came, "channel_opening": none, "cooperation": none}
        records.append(visits.Days(f"pair {pair}", serious, none, cooperation))
    after = visits.compare(records, (1, 7))["visit"]
    assert after["pairs"] == 12
    if calming == 1.0:
        assert after["low"] < 1 < after["high"]
    else:
        assert after["high"] < 0.75
