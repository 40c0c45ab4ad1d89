"""Fixtures that several parts share: the command, data, small coded tables, draws with known parameters."""

import contextlib
import csv
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

from forecast.cli import main
from forecast.errors import ForecastError
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.events.reading import load_events
from forecast.events.table import Event, EventTable
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, StreamDraws, prior_draws, stream_draws
from forecast.priors import default_priors
from forecast.runs.files import output_hashes
from forecast.targets import TargetRule

ROOT = Path(__file__).resolve().parents[1]
FIRST = date(2000, 1, 1)
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
WARM = """
from forecast import load_config, read_inputs
from forecast.inference.sampling import PosteriorDensity
from forecast.models.density import functions_of_c
from forecast.runs.compiling import compiled_beside

with compiled_beside():
    inputs = read_inputs(load_config("configs/us-china-2023.yaml"))
    density = PosteriorDensity.of(inputs.data, inputs.priors)
    density(density.starting_point(1)[None])
    functions_of_c()
"""
PATIENCE_MS = 120_000
"""How long the browser may take for a step on a machine under load."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs so, and their children inherit it: tests of Ctrl-C would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Where compiled modules are not kept, every command that a test starts compiles the whole package anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples every time, and no clock: a machine under load must not fail a test.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_configure(config) -> None:
    # Where tests are collected alone no snapshot is compared, which makes none of them unused.
    if config.option.collectonly:
        config.option.warn_unused_snapshots = True
    kept = (ROOT / "forecast/models").glob("__pycache__/*.nbi")
    if getattr(config.option, "numprocesses", None) and "NUMBA_CACHE_DIR" not in os.environ and not any(kept):
        # Density and simulator are compiled once, before workers start that would each do it.
        subprocess.run([sys.executable, "-c", WARM], cwd=ROOT, check=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """On the build machine nothing may be missing: there a test that would be skipped fails."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which no test may be where CI is set: {reason_of(report)}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    """Say last of all how many tests were skipped, and what they need."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and not hasattr(session.config, "workerinput"):
        reporter.write_line(f"Skipped tests: {len(skipped)}")
        for reason, number in Counter(map(reason_of, skipped)).most_common():
            reporter.write_line(f"  {number}: {reason}")


def reason_of(report) -> str:
    """Return why a test was skipped."""
    return report.longrepr[2].removeprefix("Skipped: ")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> dict:
        """What it answered in JSON."""
        assert self.out, self.err
        return json.loads(self.out)


def run_command(*arguments: object) -> Ended:
    out, err, before, code = io.StringIO(), io.StringIO(), (sys.argv, sys.unraisablehook), 0
    sys.argv = ["forecast", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv, sys.unraisablehook = before
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def command():
    """Run the command in this process, through its entry point."""
    return run_command


def seal(folder: Path) -> Path:
    """Give a run folder the manifest of what lies in it, whole or not."""
    run_id = None
    with contextlib.suppress(OSError, ValueError):
        run_id = json.loads((folder / "forecast.json").read_text(encoding="utf-8"))["run_id"]
    manifest = {"kind": "run", "run_id": run_id, "outputs_sha256": output_hashes(folder)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Fill a folder once for all workers that run the tests, and return it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def filled(name: str, fill) -> Path:
        place, whole = root / name, root / f"{name}.whole"
        with FileLock(root / f"{name}.lock"):
            if not whole.exists():
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                fill(place)
                whole.touch()
        return place

    return filled


@pytest.fixture(scope="session")
def tool():
    """Load a program of ``tools/`` as a module."""

    def load(name: str):
        place = ROOT / "tools" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"tool_{place.stem}", place)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def refused(tmp_path):
    """What a call says to each of the cases that it refuses; places are masked."""

    def said(call, *cases) -> dict[str, str]:
        answers = {}
        for case in cases:
            with pytest.raises(ForecastError) as caught:
                call(*case)
            answers[str(case)[1:-1][:120]] = str(caught.value).replace(f"{tmp_path}/", "")
        return answers

    return said


@pytest.fixture(scope="session")
def samples() -> Path:
    """Where excerpts of feeds are; its README tells their origin and terms."""
    return ROOT / "tests/data"


@pytest.fixture(scope="session")
def us_china() -> EventTable:
    return load_events("bundled:us-china", Path())


@pytest.fixture(scope="session")
def us_china_rows() -> list[dict[str, str]]:
    """Return the bundled events as their file writes them."""
    path = ROOT / "forecast/events/data/us-china-2017-2023.csv"
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="session")
def force() -> TargetRule:
    return TargetRule("force", ("military_incident",), 5)


def an_act(name: str = "e1", day: date | str = "2022-01-01", **changes: object) -> Event:
    """Make an act of USA towards CHN, a dispute of severity 2 known on its day, with some values changed."""
    when = date.fromisoformat(str(day))
    plain = {"date": when, "known_date": when, "initiator": "USA", "recipient": "CHN", "category": "dispute"}
    return Event(**({"id": name, "severity": 2} | plain | changes))


@pytest.fixture(scope="session")
def coded():
    """Make a table from rows: day (date or ISO text), category, severity, and when it was known, if later."""

    def make(*rows: tuple, actors: tuple[str, str] = ("USA", "CHN")) -> EventTable:
        sides = dict(zip(("initiator", "recipient"), actors, strict=True))
        events = []
        for number, (day, category, severity, *known) in enumerate(rows):
            known_date = date.fromisoformat(str(*(known or [day])))
            how = {"category": category, "severity": severity, "known_date": known_date}
            events.append(an_act(f"e{number:04d}", day, **sides, **how))
        return EventTable.from_events(events, "a test")

    return make


@pytest.fixture(scope="session")
def make_events(coded):
    """Make a table of target events (military incidents of severity 5) from days after 2000-01-01."""

    def make(days, *, known=None, category="military_incident", severity=5) -> EventTable:
        later = {} if known is None else known
        dates = (
            (FIRST + timedelta(days=int(n)) for n in (day, later.get(place, day)))
            for place, day in enumerate(days)
        )
        return coded(*((day, category, severity, seen) for day, seen in dates))

    return make


@pytest.fixture(scope="session")
def made_up_dyad():
    """Make a record of a dyad that goes through spells of quarrel and of calm of about two months each."""

    def make(first: date, last: date, *, seed: int, acts_a_week: float = 1.0) -> EventTable:
        rng = np.random.default_rng(seed)
        n_days = (last - first).days + 1
        tense = np.repeat(rng.random(n_days // 60 + 1) < 0.4, 60)[:n_days]
        acts = rng.poisson(acts_a_week / 7 * np.where(tense, 1.6, 0.6))
        events = []
        for number, day in enumerate(np.repeat(np.arange(n_days), acts)):
            hostile = rng.random() < (0.8 if tense[day] else 0.4)
            initiator, recipient = map(str, rng.permutation(["AAA", "BBB"]))
            events.append(
                an_act(
                    f"e{number:05}",
                    first + timedelta(days=int(day)),
                    initiator=initiator,
                    recipient=recipient,
                    category=str(rng.choice(CONFLICTUAL if hostile else COOPERATIVE)),
                    severity=min(5, int(rng.geometric(0.5))) if hostile else int(rng.integers(1, 4)),
                )
            )
        return EventTable.from_events(events, "made up for a test")

    return make


@pytest.fixture(scope="session")
def draws_with():
    """Make draws in which nothing happens, nothing moves and nothing is answered, but for what is given.

    A value belongs to a variable of the model: a number, or an array that broadcasts to (draw, element).
    """
    silent = {
        "tension.persistence": 120.0,
        "answers.half_life_days": 3.0,
        "answers.in_kind": 0.5,
        "answers.most": 1e12,
        "follow_on.half_life_days": 7.0,
        "reaction.half_life_days": 3.0,
        "ballast.half_life_days": 7.0,
        "ballast": 0.0,
        INNOVATIONS: 0.0,
        DRIFT_INNOVATIONS: 0.0,
    }

    def make(layout, n_draws: int, n_knots: int, values=None) -> StreamDraws:
        values = values or {}
        priors = default_priors(layout)
        shapes = prior_draws(priors, n_draws, n_knots, np.random.default_rng(1))
        assert set(values) <= set(shapes), set(values) - set(shapes)
        variables = {
            name: np.broadcast_to(values.get(name, silent.get(name, 1e-12)), drawn.shape).copy()
            for name, drawn in shapes.items()
        }
        return stream_draws(layout, variables, priors)

    return make


def answers_of(target: dict) -> dict[str, dict]:
    """Milestones of a target of ``forecast.json`` by name, each with its chance from the table by day."""
    table = target["chances"]
    found = {}
    for milestone in target["milestones"]:
        at = table["day"].index(milestone["date"])
        chance = {"probability": table["mean"][at], "interval90": [table["low"][at], table["high"][at]]}
        found[milestone["name"]] = milestone | chance
    return found


@contextlib.contextmanager
def http_server(answer):
    """Serve ``answer(path, headers, body)``, a status, headers and content; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = answer(self.path, dict(self.headers), body)
            self.send_response_only(status)
            usual = {"Content-Length": str(len(content)), "Date": self.date_time_string()}
            for name, value in (usual | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def node() -> str:
    """Where Node.js is."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("Node.js is not installed (apt-get install nodejs)")
    return path


@pytest.fixture(scope="session")
def chromium():
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        pytest.skip("playwright is not installed (make setup brings it)")
    path = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if path is None:
        pytest.skip("there is no Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        except Error as error:
            pytest.skip(f"Chromium does not start: {error}")
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
        context.set_default_timeout(PATIENCE_MS)
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
        pytest.skip("axe-playwright-python is not installed (make setup brings it)")
    checker = Axe()

    def check(page) -> list[str]:
        found = checker.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{one['id']}: {one['help']} at {node['target']}: {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]

    return check
