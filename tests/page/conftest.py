"""A run without a sampler, the server over it as a user starts it, and one headless Chromium for all."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.records.forecast import Diagnostics, Driver
from forecast.runs.run import Run, write_run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 120


def or_skip(reason: str) -> None:
    """Fail on the build machine, where nothing of this may be missing; skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def made_run(place: Path) -> Run:
    """Make the run of the scenarios' tests: draws of the prior stand for a posterior."""
    source = Path(__file__).parents[1] / "scenarios" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_run_of_scenarios", source)
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    (place / "config.yaml").write_text(made.CONFIG, encoding="utf-8")
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


@pytest.fixture(scope="session")
def address(serve, run_folder) -> str:
    return serve(run_folder)


@pytest.fixture(scope="session")
def chromium():
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        or_skip("playwright is not installed (make setup brings it)")
    path = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if path is None:
        or_skip("there is no Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        except Error as error:
            or_skip(f"Chromium does not start: {error}")
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open an address in a fresh profile; in the end no fault and no request to elsewhere may be left."""
    contexts, faults = [], []

    def start(url: str, *, width: int = 1440, height: int = 900, scheme: str = "light", **options):
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"] if url.startswith("http") else [],
            **options,
        )
        context.set_default_timeout(1000 * START_SECONDS)
        contexts.append(context)
        own = re.match(r"https?://[^/]+|file://", url)[0]
        page = context.new_page()
        page.on("console", lambda said: said.type == "error" and faults.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on(
            "request",
            lambda asked: (
                asked.url.startswith((own, "blob:", "data:")) or faults.append(f"asked {asked.url}")
            ),
        )
        page.goto(url)
        return page

    start.faults = faults
    yield start
    for context in contexts:
        context.close()
    assert not faults, faults


@pytest.fixture(scope="session")
def axe():
    """Return what axe-core finds on a page, one line a finding."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        or_skip("axe-playwright-python is not installed (make setup brings it)")
    checker = Axe()

    def check(page) -> list[str]:
        found = checker.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{one['id']}: {one['help']} at {node['target']}: {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]

    return check


@pytest.fixture(scope="session")
def scenario(run_folder):
    """Headline of ``forecast scenario RUN …``, as the command line computes it."""

    def compute(*arguments: object) -> dict:
        command = [sys.executable, "-m", "forecast", "scenario", str(run_folder), *map(str, arguments), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        content = json.loads(done.stdout)
        target = next(one for one in content["scenarios"][0]["targets"] if one["name"] == "escalation")
        return next(one for one in target["milestones"] if one["name"] == "new-year")

    return compute
