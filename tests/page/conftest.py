"""A run without a sampler, and the server over it as a user starts it."""

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.records.explained import Driver
from forecast.records.forecast import Diagnostics
from forecast.runs.run import Run, write_run

START_SECONDS = 400


def made_run(place: Path) -> Run:
    """Make the run of the scenarios' tests: draws of the prior stand for a posterior."""
    source = Path(__file__).parents[1] / "scenarios" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_run_of_scenarios", source)
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    # A new fit takes long enough to be met at work.
    config = made.CONFIG.replace("tune: 100,", "tune: 20000,")
    (place / "config.yaml").write_text(config, encoding="utf-8")
    (place / "events.csv").write_text(made.EVENTS, encoding="utf-8")
    return made.run_from._get_wrapped_function()()(made.read_inputs(made.load_config(place / "config.yaml")))


@pytest.fixture(scope="session")
def runs_folder(tmp_path_factory) -> Path:
    """A folder of two runs: one sound, one that did not converge."""
    run = made_run(tmp_path_factory.mktemp("made"))
    driver = Driver(
        event_id="e4",
        date=date(2022, 2, 1),
        category="sanction",
        severity=4,
        summary="Sweeping controls <b>&amp;</b>",
        source="",
        change=0.03,
        mcse=0.004,
    )
    sound = run.forecast.model_copy(update={"drivers": (driver,)})
    failed = run.forecast.model_copy(
        update={
            "run_id": "made-failed",
            "converged": False,
            "diagnostics": Diagnostics(
                rhat_max=1.5, ess_bulk_min=9, ess_tail_min=9, divergences=0, bfmi_min=1.0, failures=()
            ),
        }
    )
    root = tmp_path_factory.mktemp("runs")
    for name, forecast in (("sound", sound), ("failed", failed)):
        folder = root / name / "2022-06-30"
        folder.mkdir(parents=True)
        write_run(replace(run, forecast=forecast), folder, folder)
    return root


@pytest.fixture(scope="session")
def run_folder(runs_folder) -> Path:
    return runs_folder / "sound" / "2022-06-30"


@pytest.fixture(scope="session")
def said_by_run(run_folder) -> dict:
    """The headline of the run, as ``forecast.json`` has it."""
    forecast = json.loads((run_folder / "forecast.json").read_text(encoding="utf-8"))
    asked = forecast["headline"]
    target = next(one for one in forecast["targets"] if one["name"] == asked["target"])
    return next(one for one in target["milestones"] if one["name"] == asked["milestone"])


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Start ``forecast app`` over a folder and return its address; ended with the session."""
    started = []

    def start(folder: Path) -> str:
        command = [sys.executable, "-m", "forecast", "app", str(folder), "--no-browser", "--port", "0"]
        log = tmp_path_factory.mktemp("server") / "log"
        with log.open("w") as errors:
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        started.append(server)
        line = server.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"no address but {line!r}: {log.read_text()}"
        return found[0]

    yield start
    for server in started:
        server.terminate()
        server.wait(START_SECONDS)
        server.stdout.close()


@pytest.fixture(scope="session")
def address(serve, run_folder) -> str:
    return serve(run_folder)


@pytest.fixture(scope="session")
def scenario(run_folder, command):
    """Headline of ``forecast scenario RUN …``, as the command line computes it."""

    def compute(*arguments: object) -> dict:
        done = command("scenario", run_folder, *arguments, "--json")
        assert done.code == 0, done.err
        content = json.loads(done.out)
        target = next(one for one in content["scenarios"][0]["targets"] if one["name"] == "escalation")
        return next(one for one in target["milestones"] if one["name"] == "new-year")

    return compute
