"""Runs of the scenarios' tests behind a server, in this process and as a user starts it."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from forecast.app.engine import Engine
from forecast.app.server import run_app
from forecast.config import load_config
from forecast.records.forecast import Diagnostics, Driver
from forecast.runs.inputs import read_inputs
from forecast.runs.run import write_run
from tests.conftest import answers_of, seal

from ..scenarios.conftest import CONFIG, EVENTS, base, folder, inputs, run_folder, run_from  # noqa: F401

START_SECONDS = 400
HOST, TOKEN = "127.0.0.1:8765", "the-token-of-the-test"


@pytest.fixture(scope="session")
def app(base):  # noqa: F811
    return run_app(Engine(base), TOKEN, (HOST, "localhost:8765"))


@pytest.fixture(scope="session")
def asking():
    """A browser that knows the token, or one that does not."""

    def open_(app, *, knows_token: bool = True) -> TestClient:
        headers = {"X-Forecast-Token": TOKEN} if knows_token else {}
        return TestClient(app, base_url=f"http://{HOST}", headers=headers)

    return open_


@pytest.fixture(scope="session")
def client(asking, app) -> TestClient:
    return asking(app)


@pytest.fixture(scope="session")
def runs_folder(run_from, tmp_path_factory) -> Path:  # noqa: F811
    """A folder of two runs: a sound one, whose new fit takes long, and one that failed."""
    place = tmp_path_factory.mktemp("slow")
    (place / "config.yaml").write_text(CONFIG.replace("tune: 100,", "tune: 20000,"), encoding="utf-8")
    (place / "events.csv").write_text(EVENTS, encoding="utf-8")
    run = run_from(read_inputs(load_config(place / "config.yaml")))
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
    bad = Diagnostics(rhat_max=1.5, ess_bulk_min=9, ess_tail_min=9, divergences=0, bfmi_min=1.0, failures=())
    root = tmp_path_factory.mktemp("runs")
    for name, changed in (
        ("sound", {"drivers": (driver,)}),
        ("failed", {"run_id": "made-failed", "converged": False, "fits": (bad,)}),
    ):
        kept = root / name / "2022-06-30"
        kept.mkdir(parents=True)
        write_run(replace(run, forecast=run.forecast.model_copy(update=changed)), kept, kept)
        seal(kept)
    return root


@pytest.fixture(scope="session")
def said_by_run(runs_folder) -> dict:
    """The headline of the sound run, as ``forecast.json`` has it."""
    text = (runs_folder / "sound/2022-06-30/forecast.json").read_text(encoding="utf-8")
    return headline_of(json.loads(text)["targets"])


def headline_of(targets: list[dict]) -> dict:
    target = next(one for one in targets if one["name"] == "escalation")
    return answers_of(target)["new-year"]


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Start ``forecast app`` over a folder and return its address; ended with the session."""
    started = []

    def start(place: Path) -> str:
        command = [sys.executable, "-m", "forecast", "app", str(place), "--no-browser", "--port", "0"]
        log = tmp_path_factory.mktemp("server") / "log"
        with log.open("w") as errors:
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        started.append(server)
        line = server.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address, f"no address but {line!r}: {log.read_text()}"
        return address[0]

    yield start
    for server in started:
        server.terminate()
        server.wait(START_SECONDS)
        server.stdout.close()


@pytest.fixture(scope="session")
def address(serve, runs_folder) -> str:
    return serve(runs_folder / "sound/2022-06-30")


@pytest.fixture(scope="session")
def scenario(runs_folder, command):
    """Headline of ``forecast scenario RUN …``, as the command line computes it."""

    def compute(*arguments: object) -> dict:
        done = command("scenario", runs_folder / "sound/2022-06-30", *arguments, "--json")
        assert done.code == 0, done.err
        return headline_of(json.loads(done.out)["scenarios"][0]["targets"])

    return compute
