"""The page's server: only a page of this machine that knows the token is answered, whatever is asked.

``FUZZ_CASES`` is the number of random requests: few in the tests, 10,000 for ``make fuzz-page``.
"""

import copy
import functools
import json
import operator
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import h5py
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from forecast.app.engine import Engine, StateError
from forecast.app.server import MOST_BYTES, PAGE_FILES
from forecast.runs.run import read_run
from tests.conftest import seal

from .conftest import HOST, TOKEN, headline_of

CLASH = {"date": "2022-08-15", "category": "sanction", "severity": 4, "probability": 0.6}
JSON = {"content-type": "application/json"}


def test_the_page_and_its_files_are_served_and_forbid_what_they_do_not_need(client, asking, app):
    stranger = asking(app, knows_token=False)
    assert stranger.get("/", params={"token": TOKEN}).headers["content-type"].startswith("text/html")
    assert {"index.html", "page.js", "page.css"} <= set(PAGE_FILES)
    for name in PAGE_FILES:
        if not name.endswith(".html"):
            assert stranger.get(f"/{name}").status_code == 200, name
    answers = [client.get(f"/{path}") for path in ("model", "page.js", "none")]
    for response in (*answers, client.put("/answer")):
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "server" not in response.headers


REFUSED = {
    "a foreign name that points here": (400, {"host": "rebound.example:8765"}),
    "another port": (400, {"host": "127.0.0.1:80"}),
    "another site": (403, {"origin": "https://evil.example"}),
    "a file": (403, {"origin": "null"}),
    "another site by fetch": (403, {"sec-fetch-site": "cross-site"}),
    "the same machine, another port": (403, {"sec-fetch-site": "same-site"}),
    "a wrong token": (403, {"x-forecast-token": "guess"}),
    "no token": (403, {"x-forecast-token": ""}),
    "a form": (415, {"content-type": "application/x-www-form-urlencoded"}),
    "plain text": (415, {"content-type": "text/plain"}),
}


@pytest.mark.parametrize(("status", "headers"), REFUSED.values(), ids=REFUSED)
def test_whoever_is_not_the_page_is_refused(client, status, headers):
    response = client.post("/answer", content="{}", headers=JSON | headers)
    assert response.status_code == status
    assert set(response.json()) == {"error", "key"}


def test_the_token_of_the_address_opens_the_page_alone(client, asking, app):
    stranger = asking(app, knows_token=False)
    assert stranger.get("/", params={"token": "guess"}).status_code == 403
    assert stranger.get("/").status_code == 403
    assert stranger.get("/model", params={"token": TOKEN}).status_code == 403
    assert stranger.post("/answer", params={"token": TOKEN}, json={}).status_code == 403
    own = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    assert client.post("/answer", json={}, headers=own).status_code == 200


def test_a_body_is_small(client):
    large = b'{"run": "' + b"x" * MOST_BYTES + b'"}'
    assert client.post("/answer", content=large, headers=JSON).status_code == 413
    streamed = (b" " * 1000 for _ in range(MOST_BYTES // 1000 + 2))
    assert client.post("/answer", content=streamed, headers=JSON).status_code == 413


@pytest.mark.parametrize(
    ("path", "body", "status", "key"),
    [
        ("/answer", '{"run": "other"}', 409, "run"),
        ("/answer", "{", 400, None),
        ("/answer", '{"milestone": NaN}', 400, None),
        ("/answer", "[" * 100_000, 400, None),
        ("/answer", '{"events": [{"date": 5}]}', 400, "events[0].date"),
        ("/yaml", "{}", 400, None),
        ("/refit", "{}", 400, None),
        ("/bulletin", "{}", 400, None),
        ("/bulletin", json.dumps({"events": [CLASH]}), 400, "events[0]"),
        ("/answer", '{"target": "war"}', 400, "target"),
        ("/answer", "[]", 400, None),
        ("/nothing", "{}", 404, None),
    ],
)
def test_a_fault_is_one_sentence_with_its_place(client, path, body, status, key):
    response = client.post(path, content=body, headers=JSON)
    fault = response.json()
    assert (response.status_code, set(fault)) == (status, {"error", "key"})
    if key:
        assert fault["key"] == key
    assert "\n" not in fault["error"]
    assert "Traceback" not in fault["error"]


def test_answers_come_as_the_engine_gives_them(client, base):
    state = {"events": [CLASH], "run": base.forecast.run_id}
    engine = Engine(base)
    expected = json.loads(engine.answer(engine.read(state)).model_dump_json())
    assert client.post("/answer", json=state).json() == expected
    assert client.get("/model").json()["run_id"] == base.forecast.run_id
    yaml = client.post("/yaml", json=state)
    assert yaml.headers["content-type"].startswith("text/yaml")
    assert "category: sanction" in yaml.text
    happened = {"date": "2022-07-02", "category": "sanction", "severity": 4, "by": "USA"}
    page = client.post("/bulletin", json={"events": [happened], "run": base.forecast.run_id})
    assert (page.headers["content-type"], page.content[:5]) == ("application/pdf", b"%PDF-")


def test_pages_ask_at_once_and_get_their_own(app, asking):
    chances = [0.1 * part for part in range(1, 9)]

    def ask(chance):
        return asking(app).post("/answer", json={"events": [{**CLASH, "probability": chance}]}).json()

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ask, chances))
    assert together == [ask(chance) for chance in chances]
    assumed = [answer["milestones"][-1]["assumed"] for answer in together]
    assert sorted(set(assumed)) == assumed


def test_one_new_fit_at_a_time_which_ends_when_the_page_goes(runs_folder):
    engine = Engine(read_run(runs_folder / "sound/2022-06-30"))
    state, gone = engine.read({"without": ["e4"]}), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(engine.refit, state, gone.is_set)
        while not engine.fitting.locked():
            time.sleep(0.05)
        with pytest.raises(StateError, match="another new fit"):
            engine.refit(state, gone.is_set)
        gone.set()
        with pytest.raises(StateError, match="cancelled"):
            first.result()
    assert not engine.fitting.locked()
    with pytest.raises(StateError, match="nothing is changed"):
        engine.refit(engine.read({}), gone.is_set)


@pytest.mark.slow
def test_a_new_fit_answers_as_the_command_does(client, run_folder, command):
    answer = client.post("/refit", json={"without": ["e4"]}).json()
    (printed,) = command("scenario", run_folder, "--without", "e4", "--json").facts["scenarios"]
    assert (answer["method"], answer["status"] == "ready") == ("refit", not printed["failures"])
    # The page withholds a fit that failed a gate, and says by how much.
    assert all(f"{one['value']:.0f}" in answer["sentence"] for one in printed["failures"])
    if not printed["failures"]:
        asked = headline_of(printed["targets"])
        assert answer["milestones"][-1]["probability"] == pytest.approx(asked["probability"], abs=1e-9)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_one_line_serves_and_ends_cleanly(run_folder, number):
    command = [sys.executable, "-m", "forecast", "app", run_folder, "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{20,}", address), process.stderr.read()
        with urllib.request.urlopen(address) as response:
            assert response.status == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out == ""
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


def test_what_the_command_cannot_serve_is_refused_in_one_line(command, run_folder, tmp_path, monkeypatch):
    from forecast.cli import app

    def refusal(place, *options):
        ended = command("app", place, "--no-browser", *options)
        assert (ended.code, ended.out) == (2, "")
        return " ".join(ended.err.split())

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        assert f"--port {port}: cannot be used" in refusal(run_folder, "--port", port)
    place = shutil.copytree(run_folder, tmp_path / "a run" / "2022-06-30")
    with h5py.File(place / "posterior.nc", "a") as file:
        del file["posterior/drift.scale"], file["posterior/answers.severity"]
    seal(place)
    said = refusal(place)
    assert "has no draws of drift.scale, answers.severity" in said
    assert f"Make it again: forecast run '{place / 'config.resolved.yaml'}' --out PLACE" in said
    kept = json.loads((place / "forecast.json").read_text(encoding="utf-8"))
    (place / "forecast.json").write_text(json.dumps(kept | {"schema": 3}), encoding="utf-8")
    assert "Make it anew: forecast run CONFIG --force" in refusal(seal(place))
    monkeypatch.setattr(app, "find_spec", lambda name: None)
    assert "dyad-forecast[app]" in refusal(run_folder)


CASES = int(os.environ.get("FUZZ_CASES", "150"))
SLOWEST_S = 20.0
"""An answer takes a tenth of a second on an idle machine; a shared one is much slower."""
WINDOW = ["2022-08-01", "2022-08-20"]
WHOLE = {
    "target": "escalation",
    "milestone": "autumn",
    "priors": {"tension.persistence": "LogNormal(mu=4.7, sigma=0.5)", "ballast.visit": "calms"},
    "events": [
        CLASH,
        {"window": WINDOW, "category": "dispute", "subcategory": "x", "severity": 3, "by": "CHN"},
        {"date": "2022-12-01", "category": "visit", "severity": 2, "seen": True, "label": "y"},
    ],
    "beliefs": [{"target": "lethal", "window": WINDOW, "ratio": 3}],
    "calendar": {"A minister visits": 1.0},
    "reactions": {},
    "without": ["e4"],
}
PIECES = st.sampled_from(
    (
        *("", " ", "\x00", "\x1b[31m", "\u202e", "\ufeff", "\ud800"),
        *("'", '"', "<script>", "../../etc/passwd"),
        *("é" * 3_000, "𝕏", "x" * 100_000, "=1+1", "1e999", "2023-02-30", "0001-01-01", "9999-12-31"),
        *("2022-08-15", "autumn", "sanction", "visit", "war", "calms", "likely", "default", "e9", "USA"),
        *("Normal(0, 0)", "Normal(0, 1)", "LogNormal(mu=5, sigma=0.5)", "Normal(1e308, 1e308)"),
        *("Beta(1e-9, 1)", "Gamma(1, 1e-300)", "HalfNormal(1e-320)", "__import__('os')", "Normal(" * 500),
        *(0, 1, -1, 3, 5, 9, 0.5, 1.0, 1e308, -1e308, 1e-320, 10**30, 2**63, True, None, [CLASH] * 60),
        *({"q05": 15.0, "q95": 60.0}, {"q05": 1e300, "q95": 2}, {"weeks": {"median": 3.0, "q95": 9.0}}),
    )
)
ANYTHING = st.recursive(
    PIECES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*WHOLE, "odd"]), inner),
    max_leaves=20,
)
DAMAGE = st.sampled_from((b"[", b"{", b"\xff", b"\x00", b'"', b"NaN", b"1e999", b"[" * 2_000))
HEADERS = st.sampled_from(
    (
        *({"host": "evil.example"}, {"origin": "null"}, {"content-type": "text/plain"}),
        *({"content-length": "-5"}, {"x-forecast-token": "ü".encode()}, {"sec-fetch-site": "cross-site"}),
        {"content-type": "application/json; charset=\x80".encode("latin-1")},
    )
)
ODD_PATHS = (
    *("/%00", "/a" * 2_000, "/refit/-1", "/runs/1/", "//", "/page.js/../../engine.py"),
    *("/?token=" + "x" * 5_000, "/..%2f..%2fpyproject.toml", "/%2e%2e/%2e%2e/etc/passwd"),
)


def places(value, at=()):
    """Yield the way to every part of a nested value."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*at, key)
        yield from places(value[key], (*at, key))


@st.composite
def states(draw):
    """Parts of a sound state, of which up to three are replaced by anything."""
    state = copy.deepcopy({key: WHOLE[key] for key in draw(st.sets(st.sampled_from([*WHOLE])))})
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from([*places(state), ("odd",)]))
        functools.reduce(operator.getitem, way, state)[last] = copy.deepcopy(draw(ANYTHING))
    return state


@st.composite
def requests(draw):
    """A state that is nearly right, one that is not, or a request that is none."""
    tenths = st.integers(0, 9)
    path = draw(st.sampled_from(("/answer",) * 4 + ("/yaml",) * 2 + ("/model", "/")))
    method = "GET" if path in ("/model", "/") else "POST"
    if draw(tenths) == 0:
        method = draw(st.sampled_from(("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")))
    if draw(tenths) == 0:
        path = draw(st.sampled_from(ODD_PATHS))
    headers = {"content-type": "application/json"} | (draw(HEADERS) if draw(tenths) == 0 else {})
    body = bytearray(json.dumps(draw(states() | states() | ANYTHING)).encode("utf-8", "surrogatepass"))
    if draw(tenths) < 2:
        for piece in draw(st.lists(DAMAGE, min_size=1, max_size=6)):
            place = draw(st.integers(0, len(body)))
            body[place : place + draw(st.integers(0, 1))] = piece
    return method, path, bytes(body), headers


def attack(client, cases: int) -> None:
    """Send so many requests; fail at the first answer that is a fault of the server."""

    @settings(
        max_examples=cases,
        deadline=None,
        derandomize="FUZZ_CASES" not in os.environ,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(requests())
    def send(request):
        method, path, body, headers = request
        begun = time.perf_counter()
        answer = client.request(method, path, content=body, headers=headers)
        assert time.perf_counter() - begun < SLOWEST_S
        assert answer.status_code < 500
        assert b"Traceback" not in answer.content
        if answer.status_code >= 400 and method != "HEAD":
            assert set(answer.json()) == {"error", "key"}

    send()


def test_random_requests_find_no_fault_and_no_delay(client):
    client.post("/answer", json={"priors": WHOLE["priors"]})  # compiles what weighs draws, before the clock
    attack(client, CASES)


def test_the_attack_sees_a_server_that_fails(asking):
    async def broken(scope, receive, send):
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        attack(asking(broken), 5)
