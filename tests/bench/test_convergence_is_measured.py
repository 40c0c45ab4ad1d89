"""The study of convergence: its cells, its rows, what is kept, its summary; samplers are made up."""

import json
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from forecast.baselines import baseline_probabilities
from forecast.bench import convergence
from forecast.bench.convergence import (
    _ROW,
    HORIZONS,
    ConvergenceStudy,
    Row,
    failure_reasons,
    forecast_cell,
    row_json,
    run_convergence,
    summarise,
)
from forecast.bench.study_cells import StudyOptions, cells_of, plan_study, thin
from forecast.cli.app import app
from forecast.config import load_config
from forecast.errors import ConfigError, InputError, NotConvergedError, StoppedError
from forecast.evaluation import study as kept_rows
from forecast.evaluation.study import FILE, KeptRows
from forecast.events.reading import write_events
from forecast.panel import TargetRule
from forecast.records.forecast import Diagnostics, GateFailure
from forecast.simulation import NEVER, FirstPassages
from forecast.workflows.forecast import make_forecast

RULE = TargetRule("target", ("military_incident",), 4)
FIRST = date(2000, 1, 3)


@pytest.fixture(scope="session")
def weekly(coded):
    """Twelve years with an act a week: disputes, and every tenth week a grave incident."""
    days = [(FIRST + timedelta(days=7 * week)).isoformat() for week in range(626)]
    kinds = [("military_incident", 4) if week % 10 == 9 else ("dispute", 2) for week in range(626)]
    return coded(*((day, *kind) for day, kind in zip(days, kinds, strict=True)))


def options_with(**changes) -> StudyOptions:
    parts = {
        "any_of": ("military_incident",),
        "min_severity": 4,
        "shares": (1.0, 0.3),
        "years": (3, 8),
        "origins": 2,
    }
    return StudyOptions(**{**parts, **changes})


def judged(first_day, failures=(), reruns=0):
    gates = Diagnostics(
        rhat_max=1.0, ess_bulk_min=900, ess_tail_min=900, divergences=0, bfmi_min=0.9, failures=failures
    )
    day = np.asarray(first_day, dtype=np.int32)[None]
    hits = FirstPassages((convergence.TARGET,), None, day, None, max(HORIZONS), 0.0)
    paths = SimpleNamespace(paths=hits)
    return SimpleNamespace(mixture=paths, gates=gates, fit=SimpleNamespace(reruns=reruns))


@pytest.fixture
def fits(monkeypatch):
    """A model whose paths are hit on day 29, 30, 100 or never, a quarter each; it lists its inputs."""
    asked = []

    def fit(inputs, listen=None, timed=None):
        asked.append(inputs)
        with timed("fit"):
            return judged([[29, 30, 100, NEVER]])

    monkeypatch.setattr(convergence, "fit_and_judge", fit)
    return asked


def row_with(**changes) -> Row:
    """A row whose forecast is .5 everywhere, with outcome 1 and baselines at .3, .35 and .4."""
    parts = {
        "dyad": "a",
        "share": 1.0,
        "years": 3,
        "origin": date(2005, 1, 1),
        "start": date(2002, 1, 1),
        "events": 50,
        "target_events": 5,
        "converged": True,
        "failures": [],
        "error": None,
        "diagnostics": {},
        "reruns": 0,
        "fit_seconds": 2.0,
        "seconds": 3.0,
        "probability": dict.fromkeys(HORIZONS, 0.5),
        "outcome": dict.fromkeys(HORIZONS, 1),
        "baselines": {
            "climatology": dict.fromkeys(HORIZONS, 0.3),
            "constant_rate": dict.fromkeys(HORIZONS, 0.35),
            "gamma_poisson": dict.fromkeys(HORIZONS, 0.4),
        },
    }
    return Row(**{**parts, **changes})


# -- cells


def test_a_thinner_record_is_part_of_a_denser_one_and_of_the_size_asked_for(weekly):
    kept = {share: set(thin(weekly, share, 1, "a").id) for share in (1.0, 0.3, 0.1)}
    assert kept[1.0] == set(weekly.id)
    assert kept[0.1] < kept[0.3]
    for share in (0.3, 0.1):
        error = (len(weekly) * share * (1 - share)) ** 0.5
        assert abs(len(kept[share]) - share * len(weekly)) < 4 * error
    assert set(thin(weekly, 0.3, 2, "a").id) != kept[0.3] != set(thin(weekly, 0.3, 1, "b").id)


def test_every_cell_has_the_record_asked_for_and_an_observed_half_year_ahead(weekly):
    cells, skipped = cells_of("a", weekly, options_with(years=(3, 8)))
    assert not skipped
    assert len(cells) == 2 * 2 * 2
    end = weekly.date.max().item()
    for cell in cells:
        assert (cell.origin - cell.start).days == 364 * cell.years
        assert cell.start >= FIRST
        assert cell.origin + timedelta(days=179) <= end
    origins = sorted({cell.origin for cell in cells if cell.years == 3})
    room = (end - timedelta(days=179) - (FIRST + timedelta(days=3 * 364))).days
    assert [(one - FIRST).days - 3 * 364 for one in origins] == [room // 4, room * 3 // 4]


def test_a_file_a_little_too_short_has_one_origin_and_a_far_too_short_one_none(weekly):
    cells, skipped = cells_of("a", weekly, options_with(years=(14, 20), shares=(1.0,)))
    assert [(cell.years, (cell.origin - cell.start).days % 182) for cell in cells] == [(14, 0)]
    assert (cells[0].origin - cells[0].start).days >= 0.75 * 364 * 14
    assert [(one.years, one.reason) for one in skipped] == [(20, "short_record")]


def test_cells_that_hold_too_little_are_left_out_with_the_reason(weekly):
    calm = weekly.select(weekly.category == "dispute")
    jobs, skipped = plan_study({"calm": calm, "a": weekly}, options_with(shares=(1.0, 0.01), years=(3,)))
    reasons = {(one.dyad, one.share): one.reason for one in skipped}
    assert reasons["calm", 1.0] == "no_target_category"
    assert reasons["a", 0.01] == "few_events"
    assert {(job.cell.dyad, job.cell.share) for job in jobs} == {("a", 1.0)}


def test_a_sample_is_spread_over_the_shares_and_part_of_a_larger_one(weekly):
    dyads = dict.fromkeys("abcde", weekly)
    chosen = {n: plan_study(dyads, options_with(sample=n))[0] for n in (6, 12)}
    small, large = ([job.cell for job in chosen[n]] for n in (6, 12))
    assert len(small) == 6
    assert set(small) < set(large)
    assert sorted(cell.share for cell in small) == [0.3] * 3 + [1.0] * 3
    assert set(small) != {job.cell for job in plan_study(dyads, options_with(sample=6, seed=2))[0]}


def test_only_model_and_sampler_can_be_set(weekly):
    jobs, _ = plan_study({"a": weekly}, options_with(overrides=("model.priors.tension.scale=small",)))
    assert jobs[0].config.model.priors == {"tension.scale": "small"}
    with pytest.raises(InputError, match="--set as_of=2001-01-01: only settings of model"):
        plan_study({"a": weekly}, options_with(overrides=("as_of=2001-01-01",)))
    with pytest.raises(ConfigError, match=r"--set sampler\.drows"):
        plan_study({"a": weekly}, options_with(overrides=("sampler.drows=3",)))


# -- rows


def test_a_row_holds_forecast_baselines_and_outcome_of_one_cell(weekly, fits):
    jobs, _ = plan_study({"a": weekly}, options_with(shares=(1.0,)))
    rows = [forecast_cell(job) for job in jobs]
    assert {row.outcome[30] for row in rows} == {0, 1}
    row = rows[0]
    assert row.probability == {30: 0.25, 90: 0.5, 180: 0.75}
    inputs = fits[0]
    assert inputs.config.as_of == row.origin - timedelta(days=1)
    assert inputs.data.counts.sum() == row.events == 156
    simple = baseline_probabilities(weekly, RULE, row.origin, row.start, HORIZONS)
    for name in ("climatology", "gamma_poisson"):
        assert list(row.baselines[name].values()) == pytest.approx(simple[name])
    days = weekly.date[RULE.mask(weekly)].tolist()
    for row in rows:
        first = min((day - row.origin).days for day in days if day >= row.origin)
        assert row.outcome == {ahead: int(first < ahead) for ahead in HORIZONS}


def test_what_happens_after_the_origin_changes_the_outcome_alone(weekly, fits):
    jobs, _ = plan_study({"a": weekly}, options_with(shares=(1.0,)))
    job = jobs[0]
    origin = np.datetime64(job.cell.origin)
    cut = replace(
        job, events=job.events.select((job.events.date < origin) | (job.events.category == "dispute"))
    )
    before, after = vars(forecast_cell(job)), vars(forecast_cell(cut))
    changed = {name for name in before if before[name] != after[name]} - {"seconds", "fit_seconds"}
    assert changed == {"outcome"}


def test_a_gate_that_fails_and_a_sampler_that_cannot_start_are_told(weekly, monkeypatch):
    job = plan_study({"a": weekly}, options_with())[0][0]
    failure = GateFailure(code="rhat", quantity="P(target before days_30)", value=1.0251, limit=1.01)
    judged_failed = judged([[1, NEVER]], (failure,), reruns=1)

    def fails(inputs, listen=None, timed=None):
        with timed("fit"):
            return judged_failed

    monkeypatch.setattr(convergence, "fit_and_judge", fails)
    row = forecast_cell(job)
    assert (row.converged, row.reruns) == (False, 1)
    assert failure_reasons(row) == ["rhat 1.025 P(target before days_30)"]

    def cannot(inputs, listen=None, timed=None):
        raise NotConvergedError("no finite starting point")

    monkeypatch.setattr(convergence, "fit_and_judge", cannot)
    row = forecast_cell(job)
    assert (row.converged, row.probability) == (False, {})
    assert failure_reasons(row) == ["NotConvergedError: no finite starting point"]


def test_a_row_is_read_back_as_it_was_written():
    row = row_with(failures=[{"code": "rhat", "quantity": "x", "value": 1.02, "limit": 1.01, "model": None}])
    assert _ROW.validate_python(json.loads(json.dumps(row_json(row)))) == row


# -- what is kept


def test_a_study_that_was_stopped_goes_on_and_computes_nothing_twice(weekly, fits, tmp_path):
    def stop(done, planned):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(StoppedError, match="3 of 8 parts are finished and kept"):
        run_convergence({"a": weekly}, options_with(), keep=tmp_path, listen=stop)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"key": "torn')
    study = run_convergence({"a": weekly}, options_with(), keep=tmp_path)
    assert (len(study.rows), study.reused, study.unused) == (8, 3, 0)
    assert len(fits) == 8
    again = run_convergence({"a": weekly}, options_with(sample=5), keep=tmp_path)
    assert (len(again.rows), again.reused, again.unused) == (5, 5, 3)
    assert len(fits) == 8
    assert {row.origin for row in again.rows} <= {row.origin for row in study.rows}


@pytest.mark.parametrize("change", ["code", "settings", "data"])
def test_a_kept_row_of_other_code_settings_or_data_is_not_used(weekly, fits, tmp_path, monkeypatch, change):
    options = options_with(shares=(1.0,))
    run_convergence({"a": weekly}, options, keep=tmp_path)
    if change == "code":
        monkeypatch.setattr(kept_rows, "decisive_versions", lambda: "code of tomorrow")
    elif change == "settings":
        options = replace(options, overrides=("sampler.draws=500",))
    else:
        severity = weekly.severity.copy()
        severity[:] = 4
        weekly = replace(weekly, severity=severity)
    study = run_convergence({"a": weekly}, options, keep=tmp_path)
    assert (study.reused, study.unused) == (0, 4)
    assert len(fits) == 8


def test_a_damaged_line_is_named(weekly, fits, tmp_path):
    (tmp_path / FILE).write_text('{"key": "x", "row": {}}\nnot a row\n')
    with pytest.raises(InputError, match=rf"{FILE}:2: is no row of a study"):
        run_convergence({"a": weekly}, options_with(), keep=tmp_path)
    with pytest.raises(InputError, match=r": cannot keep rows \("):
        run_convergence({"a": weekly}, options_with(), keep=tmp_path / FILE)


@pytest.mark.parametrize(
    ("torn", "kept"), [('{"ke', 1), ('{"key": "y", "ro', 1), ('{"other": 1}', None), ("x", None)]
)
def test_an_unfinished_last_line_is_cut_only_where_a_study_wrote_it(tmp_path, torn, kept):
    content = '{"key": "x", "row": {}}\n' + torn
    (tmp_path / FILE).write_text(content)
    if kept is None:
        with pytest.raises(InputError, match=rf"{FILE}:2: is no row of a study"):
            KeptRows(tmp_path)
        assert (tmp_path / FILE).read_text() == content
    else:
        assert len(KeptRows(tmp_path)) == kept
        assert (tmp_path / FILE).read_text() == '{"key": "x", "row": {}}\n'


# -- summary


def test_the_summary_of_known_rows_is_known():
    failed = row_with(dyad="b", converged=False, reruns=1, fit_seconds=9.0)
    near = row_with(dyad="b", share=0.3, probability=dict.fromkeys(HORIZONS, 0.45))
    whole, thinned, every = summarise(ConvergenceStudy((row_with(), failed, near), (), 1), seed=1)
    assert (whole.share, whole.rows, whole.converged, whole.reruns) == (1.0, 2, 0.5, 1)
    assert (whole.fit_seconds_median, whole.fit_seconds_max, whole.forecasts) == (5.5, 9.0, 6)
    assert whole.log["model"] == pytest.approx(-np.log(0.5))
    assert whole.log_behind == pytest.approx(np.log(0.3) - np.log(0.5))
    # .5 is more than .1 above .4, the highest baseline to within rounding; .45 is not.
    assert (thinned.share, thinned.outside) == (0.3, 0.0)
    assert (every.share, every.rows) == (None, 3)


def test_the_error_over_dyads_is_that_of_their_means_and_absent_for_one():
    """Rows of one dyad that say the same are one piece of evidence, however many there are."""
    chances = dict(zip("abcdefgh", np.linspace(0.3, 0.6, 8), strict=True))
    few = [row_with(dyad=name, probability=dict.fromkeys(HORIZONS, p)) for name, p in chances.items()]
    (once,) = summarise(ConvergenceStudy(tuple(few), (), 1), seed=1)
    (often,) = summarise(ConvergenceStudy(tuple(few * 10), (), 1), seed=1)
    exact = np.std(np.log(list(chances.values())), ddof=1) / 8**0.5
    assert once.log_behind_se == pytest.approx(often.log_behind_se) == pytest.approx(exact, rel=0.1)
    (alone,) = summarise(ConvergenceStudy((row_with(),), (), 1), seed=1)
    assert np.isnan(alone.log_behind_se)


# -- the command


@pytest.fixture
def command(weekly, fits, tmp_path):
    folder = tmp_path / "dyads"
    folder.mkdir()
    write_events(weekly, folder / "usa-chn.csv")

    def run(*arguments: str):
        begin = ["bench", "convergence", "--data", str(folder), "--any-of", "military_incident"]
        return CliRunner().invoke(app, [*begin, *arguments])

    return run


def test_the_contract_of_the_command_is_kept(command):
    result = command("--min-severity", "4", "--thinnings", "1,.3", "--years", "3,30", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert set(content) == {"summary", "workers", "reused", "unused", "skipped", "rows"}
    assert [one["share"] for one in content["summary"]] == [1.0, 0.3, None]
    assert [one["reason"] for one in content["skipped"]] == ["short_record"] * 2
    assert len(content["rows"]) == 4
    assert all(row["reasons"] == [] and row["converged"] for row in content["rows"])
    assert content["summary"][0]["log_behind_se"] is None


def test_the_tables_fit_and_name_what_failed(command, monkeypatch):
    failure = GateFailure(code="ess_tail", quantity="tension_persistence", value=112.3, limit=400)

    def fails(inputs, listen=None, timed=None):
        with timed("fit"):
            return judged([[1, NEVER]], (failure,))

    monkeypatch.setattr(convergence, "fit_and_judge", fails)
    result = command("--min-severity", "4", "--thinnings", "1", "--years", "3")
    assert result.exit_code == 0, result.output
    assert "Not converged: 2" in result.stdout
    assert result.stdout.count("ess_tail 112.3 tension_persistence") == 2
    assert [line for line in result.stdout.splitlines() if len(line) > 80] == []


REFUSED = (
    "--thinnings 1,0",
    "--thinnings half",
    "--thinnings 1,1.0",
    "--years 2.5",
    "--years ,",
    "--pairs usa-chm",
    "--family joint",
    "--set model.priors.tension.scal=small",
    "--years 90",
)


def test_what_cannot_be_studied_is_refused_before_any_fit(command, fits, tmp_path, snapshot):
    results = {options: command(*options.split()) for options in REFUSED}
    assert all(result.exit_code for result in results.values())
    said = {options: str(result.exception) for options, result in results.items()}
    assert {options: line.replace(str(tmp_path), "DIR") for options, line in said.items()} == snapshot
    assert not fits


@pytest.mark.slow
def test_a_cell_is_forecast_as_a_run_would(weekly, tmp_path):
    overrides = ("sampler.draws=50", "sampler.tune=100")
    options = options_with(family="model", years=(3,), shares=(1.0,), origins=1, overrides=overrides)
    (job,), _ = plan_study({"a": weekly}, options)
    row = forecast_cell(job)
    write_events(weekly, tmp_path / "a.csv")
    (tmp_path / "a.yaml").write_text(json.dumps(job.config.model_dump(mode="json", by_alias=True)))
    run = make_forecast(load_config(tmp_path / "a.yaml"), drivers=False)
    milestones = run.forecast.target("target").milestones
    assert [one.probability for one in milestones] == pytest.approx(list(row.probability.values()), abs=1e-12)
    assert run.forecast.diagnostics.model_dump() == {
        **row.diagnostics,
        "failures": run.forecast.diagnostics.model_dump()["failures"],
    }
