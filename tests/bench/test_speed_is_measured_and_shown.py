"""The speed bench: its arithmetic, its tables, its command. The samplers run in a slow test alone."""

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.bench import speed
from forecast.bench.speed import NUMPYRO, OURS, PYMC, SamplerRun, SpeedReport, gradient_microseconds, race
from forecast.bench.stages import StageTimes, measure_stages
from forecast.cli.app import app
from forecast.cli.terminal import lines_of
from forecast.config import load_config
from forecast.errors import ForecastError
from forecast.inference.posterior import SamplerOptions
from forecast.runs.inputs import read_inputs

STAGES = ("import", "read", "sample", "simulate", "drivers", "report")


def run(sampler: str, *, total: float, sampling: float, ess: float) -> SamplerRun:
    return SamplerRun(sampler, 1000, 400, total, sampling, ess, 1.004, 1)


@pytest.fixture
def report():
    """Ours has 200 and 100 effective draws a second of sampling, PyMC's 10 and 20: 20 and 5 times."""
    return SpeedReport(
        config="a.yaml",
        machine={"processors": "2"},
        gradient_microseconds={"core": 50.0, "definition": 400.0},
        rounds=[
            [
                run(OURS, total=10.0, sampling=5.0, ess=1000.0),
                run(PYMC, total=100.0, sampling=50.0, ess=500.0),
            ],
            [
                run(OURS, total=5.0, sampling=4.0, ess=400.0),
                run(PYMC, total=80.0, sampling=40.0, ess=800.0),
            ],
        ],
        stages={
            state: StageTimes(dict.fromkeys(STAGES, seconds), 8 * seconds, 900.0)
            for state, seconds in (("cold", 3.0), ("warm", 2.0))
        },
    )


@pytest.fixture
def command(monkeypatch, report):
    """The command with a measurement that is already made; it returns what it was asked to measure."""
    asked = []

    def measure(config, options, tell):
        asked.append((config, options))
        return report

    monkeypatch.setattr(speed, "measure_speed", measure)

    def call(*arguments: str):
        return CliRunner().invoke(app, ["bench", *arguments]), asked

    return call


def test_times_faster_is_the_mean_over_rounds_of_the_ratio_within_each(report):
    assert report.times_faster(PYMC) == pytest.approx((20 + 5) / 2)
    assert report.times_faster(PYMC, total=True) == pytest.approx((100 / 5 + 80 / 10) / 2)


def test_tables_fit_80_columns_and_hold_every_number(report):
    text = "\n".join(lines_of(report.blocks()))
    assert max(map(len, lines_of(report.blocks()))) <= 80
    assert "core 50 µs, definition 400 µs: 8.0 times faster" in text
    assert f"12.5 times the ESS/s of {PYMC} (14.0 with compiling)" in text
    assert "NumPyro left out: not installed" in text
    for stage in (*STAGES, "all", "peak memory"):
        assert f"\n  {stage}" in text


def test_the_slower_of_two_gradients_takes_longer_by_the_time_it_sleeps():
    calls = {"short": lambda: time.sleep(0.001), "long": lambda: time.sleep(0.005)}
    found = gradient_microseconds(calls, batches=3)
    # Sleeping never ends early; on a busy machine it may end late.
    assert 1000 <= found["short"] < found["long"]
    assert found["long"] >= 5000


def test_bench_alone_measures_speed_on_the_worked_case(command, report):
    result, asked = command("--quick")
    assert result.exit_code == 0
    ((config, options),) = asked
    assert config == Path("configs/us-china-2023.yaml")
    assert options.quick
    assert result.stdout.splitlines() == lines_of(report.blocks())


def test_json_is_one_object_with_both_ratios(command):
    result, _ = command("speed", "--json")
    facts = json.loads(result.stdout)
    assert facts["times_faster"][PYMC] == {"sampling": pytest.approx(12.5), "total": pytest.approx(14.0)}
    assert facts["rounds"][0][0]["ess_per_second"] == 200.0
    assert facts["stages"]["warm"]["seconds"]["sample"] == 2.0


def test_options_before_the_name_are_refused_not_ignored(command):
    result, asked = command("--quick", "speed")
    assert result.exit_code == 2
    assert "options go after the name: forecast bench speed" in result.stderr
    assert not asked


def test_a_run_that_fails_is_told_with_its_message(tmp_path):
    with pytest.raises(ForecastError, match=r"the cold run of .*none\.yaml failed: .*none\.yaml"):
        measure_stages(tmp_path / "none.yaml", [])


@pytest.mark.slow
def test_numpyro_samples_the_definition_of_the_worked_case():
    pytest.importorskip("numpyro")
    inputs = read_inputs(load_config(Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml"))
    few = SamplerOptions(seed=1, draws=10, tune=10, chains=2)
    ((_, _, plain),) = race(inputs, few, few, 1, lambda what: None)
    assert (plain.sampler, plain.draws) == (NUMPYRO, 10)
    assert plain.ess_bulk_min > 0
