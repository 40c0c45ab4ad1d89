"""The studies in ``tools/studies``, and the page that is written from what a bench printed."""

import json
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.baselines import DAY
from forecast.evaluation.score_table import join_forecasts, table_of
from forecast.events.codebook import CATEGORIES
from forecast.events.reading import write_events
from forecast.grid import TimeGrid
from forecast.inference.posterior import SamplerOptions
from forecast.models import density
from forecast.models.draws import prior_arrays, prior_draws, record_of, stream_draws
from forecast.priors import default_priors
from forecast.streams import stream_layout
from forecast.targets import TargetRule

FIRST = date(2000, 1, 3)


@pytest.fixture(scope="module")
def weekly(coded):
    """Twelve years with an act a week: disputes, and every tenth week a grave incident."""
    days = [(FIRST + timedelta(days=7 * week)).isoformat() for week in range(626)]
    kinds = [("military_incident", 4) if week % 10 == 9 else ("dispute", 2) for week in range(626)]
    return coded(*((day, *kind) for day, kind in zip(days, kinds, strict=True)))


@pytest.fixture(scope="module")
def convergence(tool):
    return tool("studies/convergence")


@pytest.fixture(scope="module")
def calibration(tool):
    return tool("studies/calibration")


def arguments(*more):
    return ["--data", "D", "--any-of", "military_incident", "--min-severity", "4", *more]


# -- convergence


def test_a_thinner_record_is_part_of_a_denser_one_and_of_the_size_asked_for(convergence, weekly):
    kept = {share: set(convergence.thin(weekly, share, 1, "a").id) for share in (1.0, 0.3, 0.1)}
    assert kept[1.0] == set(weekly.id)
    assert kept[0.1] < kept[0.3]
    for share in (0.3, 0.1):
        error = (len(weekly) * share * (1 - share)) ** 0.5
        assert abs(len(kept[share]) - share * len(weekly)) < 4 * error


def test_a_study_scores_what_a_model_says_beside_baselines_and_outcomes(
    convergence, weekly, tmp_path, monkeypatch, capsys
):
    write_events(weekly, tmp_path / "a.csv")
    write_events(weekly.select(weekly.category == "dispute"), tmp_path / "calm.csv")
    mixture = SimpleNamespace(probability=lambda target, days: {30: 0.25, 90: 0.5, 180: 0.75}[days])
    gates = SimpleNamespace(converged=True, failures=())
    judged = SimpleNamespace(mixture=mixture, gates=gates, fit=SimpleNamespace(reruns=0))
    monkeypatch.setattr(convergence, "fit_and_judge", lambda inputs: judged)
    options = arguments("--years", "3", "--thinnings", "1", "0.5", "--keep", str(tmp_path / "kept"))
    assert convergence.main(["--data", str(tmp_path), *options[2:]]) == 0
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
    assert convergence.main(["--data", str(tmp_path), *options[2:]]) == 0
    assert convergence.main(arguments("--set", "sampler.drows=3")) == 2


# -- calibration


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


def grid_of(n_weeks):
    start = date(2000, 1, 1)
    return TimeGrid(start, start + timedelta(days=7 * n_weeks - 2))


def test_uniform_ranks_pass_and_skewed_ranks_fail(calibration):
    rng, top = np.random.default_rng(1), calibration.N_RANKED + 1
    ranks = {f"q{i}": rng.integers(top, size=200) for i in range(20)} | {"bad": rng.integers(60, size=200)}
    p_values = calibration.p_values(ranks)
    assert p_values.pop("bad") < 1e-6
    assert min(p_values.values()) * 20 > 0.01
    every_rank_once = {"a": np.arange(top)}
    assert calibration.coverage(every_rank_once, 0.9) == pytest.approx(0.9)


def test_truths_are_kept_as_the_density_bounds_chains(calibration):
    priors, grid = calibration.study_priors("sparse"), grid_of(20)
    nothing = np.empty(0, dtype=np.int64)
    data = calibration.study_acts(priors.layout, grid, nothing, nothing, nothing)
    variables = prior_draws(priors, 20, grid.n_knots, np.random.default_rng(3))
    draws = stream_draws(priors.layout, variables, priors)
    arrays, record = prior_arrays(priors, draws.points), record_of(data)
    for d in range(20):
        rates = density.stream_rates(draws.values[d], arrays, record)
        of_nothing = np.zeros(draws.points.n_coordinates), np.zeros(len(rates))
        factor = density.answer_weights(draws.values[d], rates, arrays, record)[2]
        bound = density._chains(draws.values[d], rates, factor, arrays, record, *of_nothing)
        assert calibration._bound_on_chains(draws.rows(slice(d, d + 1))) == pytest.approx(np.exp(bound))


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


@pytest.fixture
def weight(tool):
    return tool("studies/weight")


def bed(seed, share):
    """Outcomes of a chance that is so far from the model's towards the pooled hazard's."""
    random = np.random.default_rng(seed)
    origin = np.datetime64("1990-01-01") + 30 * np.arange(1500) * DAY
    asked = {"what": "pair", "target": "force", "origin": origin, "day": origin + 30 * DAY}
    model, hazard = random.random((2, 1500))
    asked["outcome"] = random.random(1500) < (1 - share) * model + share * hazard
    return join_forecasts(
        table_of({**asked, "who": who, "chance": chance})
        for who, chance in (("model", model), ("panel", hazard))
    )


def test_the_weight_that_made_the_outcomes_is_found_and_tried_on_beds_it_was_not_learned_on(weight):
    for share in (0.0, 0.7):
        best, error = weight.BedWeights(bed(1, share)).best
        assert best == pytest.approx(share, abs=max(3 * error, 0.1))
    found = weight.BedWeights(bed(2, 1.0))
    better, worse = (found.beside_half(one) for one in (1.0, 0.0))
    assert better[0] < -3 * better[1] < 0 < 3 * worse[1] < worse[0]
    rows = list(weight.lines({"one": bed(3, 1.0), "two": bed(4, 0.9)}))
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
    tool("bench").main(["--bed", str(tmp_path / "small.yaml"), "--models", "panel", "--json"])
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
        for name in ("panel", "climatology")
    )
    first = " ".join(page.read_text().split("\n\n")[1].split())
    lost = [days for days in ours if best[days] < ours[days]]
    assert first.startswith("**A baseline beats `panel`**") or not lost
    assert all(f"at {days} days" in first for days in lost)
    row = next(line for line in lines if line.startswith("| `panel` |"))
    assert f"{ours[30]:.3f}".removeprefix("0") in row
    assert validation.main([str(tmp_path / "small.json"), "--page", str(tmp_path / "small.yaml")]) == 2
