"""The page's server: only a page of this machine that knows the token is answered, in one sentence."""

import asyncio
import gc
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import weakref

import h5py
import pytest
from starlette.testclient import TestClient

from forecast.app import guard
from forecast.app.engine import Engine, open_engine
from forecast.app.guard import MOST_BYTES, listening_on
from forecast.app.refits import Refits
from forecast.app.server import PAGE_FILES, RunList, list_app, run_app
from forecast.app.state import StateError
from forecast.sensitivity.reconcile import reconcile

TOKEN = "the-token-of-the-test"
HOST = "127.0.0.1:8765"
CLASH = {"date": "2022-08-15", "category": "sanction", "severity": 4, "probability": 0.6}


@pytest.fixture(scope="module")
def app(base):
    return run_app(Engine(base, every=4), Refits(), TOKEN, (HOST, "localhost:8765"))


@pytest.fixture(scope="module")
def client(app):
    return browser(app)


def browser(app):
    return TestClient(app, base_url=f"http://{HOST}", headers={"X-Forecast-Token": TOKEN})


def test_the_page_and_its_files_are_served(client, app):
    stranger = TestClient(app, base_url=f"http://{HOST}")
    assert stranger.get("/", params={"token": TOKEN}).headers["content-type"].startswith("text/html")
    for name in PAGE_FILES:
        if not name.endswith(".html"):
            assert stranger.get(f"/{name}").status_code == 200, name
    assert {"index.html", "runs.html", "page.js", "page.css"} <= set(PAGE_FILES)


def test_every_response_forbids_what_the_page_does_not_need(client):
    for response in (
        client.get("/model"),
        client.get("/page.js"),
        client.get("/none"),
        client.put("/answer"),
    ):
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
    response = client.post("/answer", content="{}", headers={"content-type": "application/json", **headers})
    assert response.status_code == status
    assert set(response.json()) == {"error", "key"}


def test_the_token_of_the_address_opens_the_page_alone(app):
    stranger = TestClient(app, base_url=f"http://{HOST}")
    assert stranger.get("/", params={"token": "guess"}).status_code == 403
    assert stranger.get("/").status_code == 403
    assert stranger.get("/model", params={"token": TOKEN}).status_code == 403
    answer = stranger.post("/answer", params={"token": TOKEN}, json={})
    assert answer.status_code == 403


def test_the_page_itself_is_let_in(client):
    own = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    assert client.post("/answer", json={}, headers=own).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/%2e%2e/engine.py",
        "/page.js/../../engine.py",
        "/..%2fengine.py",
        "//etc/passwd",
    ],
)
def test_no_path_reaches_the_file_system(client, path):
    response = client.get(path)
    assert response.status_code in (403, 404)
    assert b"import" not in response.content


def test_a_body_is_small(client):
    large = b'{"run": "' + b"x" * MOST_BYTES + b'"}'
    assert (
        client.post("/answer", content=large, headers={"content-type": "application/json"}).status_code == 413
    )

    def parts():
        for _ in range(MOST_BYTES // 1000 + 2):
            yield b" " * 1000

    streamed = client.post("/answer", content=parts(), headers={"content-type": "application/json"})
    assert streamed.status_code == 413


def test_answers_come_as_the_engine_gives_them(client, base):
    state = {"events": [CLASH], "run": base.forecast.run_id}
    answer = client.post("/answer", json=state).json()
    engine = Engine(base, every=4)
    expected = json.loads(engine.answer(engine.read(state)).model_dump_json())
    for changing in (answer, expected):
        changing.pop("milliseconds")
    assert answer == expected
    assert client.get("/model").json()["run_id"] == base.forecast.run_id
    yaml = client.post("/yaml", json=state)
    assert yaml.headers["content-type"].startswith("text/yaml")
    assert "category: sanction" in yaml.text


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
        ("/refit/7/cancel", "{}", 400, None),
        ("/reconcile", "{}", 400, "probability"),
        ("/reconcile", "[]", 400, None),
        ("/reconcile", '{"probability": 1}', 400, "probability"),
        ("/reconcile", '{"probability": true}', 400, "probability"),
        ("/reconcile", '{"probability": "likely"}', 400, "probability"),
        ("/reconcile", '{"probability": NaN}', 400, None),
        ("/reconcile", '{"probability": 0.4, "target": "war"}', 400, "target"),
        ("/reconcile", '{"probability": 0.4, "without": ["e4"]}', 400, None),
        ("/reconcile", '{"probability": 0.4, "run": "other"}', 409, "run"),
        ("/nothing", "{}", 404, None),
    ],
)
def test_a_fault_is_one_sentence_with_its_place(client, path, body, status, key):
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    said = response.json()
    assert (response.status_code, set(said)) == (status, {"error", "key"})
    if key:
        assert said["key"] == key
    assert "\n" not in said["error"]
    assert "Traceback" not in said["error"]


def test_two_pages_ask_at_once_and_get_their_own(app, base):
    from concurrent.futures import ThreadPoolExecutor

    chances = [0.1 * part for part in range(1, 9)]

    def ask(chance):
        return browser(app).post("/answer", json={"events": [{**CLASH, "probability": chance}]}).json()

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ask, chances))
    alone = [ask(chance) for chance in chances]
    assert [one["probability"] for one in together] == [one["probability"] for one in alone]
    assert sorted({one["assumed"] for one in alone}) == [one["assumed"] for one in alone]


def test_a_list_serves_each_run_below_its_own_address(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path / "reports" / "made" / "2022-06-30")
    light = tmp_path / "reports" / "light"
    shutil.copytree(run_folder, light)
    (light / "posterior.nc").unlink()
    (tmp_path / "reports" / "notes").mkdir()
    runs = RunList(tmp_path / "reports")
    client = browser(list_app(runs, Refits(), TOKEN, (HOST,)))
    listed = client.get("/runs").json()["runs"]
    assert len(listed) == 2
    assert {one["headline"]["words"] for one in listed} == {listed[0]["headline"]["words"]}
    with_page = next(one for one in listed if one["page"])
    without = next(one for one in listed if not one["page"])
    assert "without its draws" in without["reason"]
    number = with_page["n"]
    assert with_page["page"] == f"runs/{number}/?token={TOKEN}"
    assert client.get(f"/{with_page['page']}").status_code == 200
    assert client.get(f"/runs/{number}/page.js").status_code == 200
    assert client.get(f"/runs/{number}/model").json()["run_id"] == with_page["run_id"]
    assert client.post(f"/runs/{number}/answer", json={"events": [CLASH]}).json()["status"] == "ready"
    refused = client.get(f"/runs/{without['n']}/model")
    assert refused.status_code == 409
    assert "forecast run" in refused.json()["error"]
    assert client.get("/runs/99/model").status_code == 400


def test_one_new_fit_at_a_time_which_can_be_cancelled(run_folder):
    engine, refits = open_engine(run_folder), Refits()
    content = {"without": ["e4"]}
    state = engine.read(content)
    job = refits.start(engine, content, state)
    assert refits.status(engine, job).status == "running"
    with pytest.raises(StateError, match="another new fit"):
        refits.start(engine, content, state)
    assert refits.cancel(engine, job).status == "cancelled"
    assert refits.cancel(engine, job).status == "cancelled"
    second = refits.start(engine, content, state)
    assert second != job
    refits.close()
    assert refits.status(engine, second).status == "cancelled"
    with pytest.raises(StateError, match="no new fit or search of number 99"):
        refits.status(engine, 99)


def test_a_new_fit_that_fails_says_why(run_folder, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    engine, refits = open_engine(copy), Refits()
    (copy / "events.csv").write_text("id,date\n", encoding="utf-8")
    job = refits.start(engine, {"without": ["e4"]}, engine.read({"without": ["e4"]}))
    found = ended(refits, engine, job)
    assert found.status == "failed"
    assert "events.csv" in found.error


@pytest.mark.slow
def test_a_new_fit_answers_as_the_command_does(run_folder, command):
    engine, refits = open_engine(run_folder), Refits()
    content = {"without": ["e4"]}
    state = engine.read(content)
    found = ended(refits, engine, refits.start(engine, content, state))
    assert found.status == "done", found
    printed = command("scenario", run_folder, "--without", "e4", "--json")
    scenario = json.loads(printed.out)["scenarios"][0]
    target = next(one for one in scenario["targets"] if one["name"] == state.target)
    asked = next(one for one in target["milestones"] if one["name"] == state.milestone)
    assert found.answer.probability == pytest.approx(asked["probability"], abs=1e-9)
    assert found.answer.method == "refit"


def test_a_search_gives_what_the_command_gives_and_each_change_applied_gives_the_probability(run_folder):
    engine, refits = open_engine(run_folder), Refits()
    asked = engine.run.forecast.headline
    now = next(
        one.probability
        for one in engine.run.forecast.target(asked.target).milestones
        if one.name == asked.milestone
    )
    goal = {"probability": round(now + 0.03, 2)}
    found = ended(refits, engine, refits.search(engine, goal))
    assert (found.status, found.error, found.answer) == ("done", None, None)
    known = reconcile(engine.run, asked.target, asked.milestone, goal["probability"])
    assert known.changes
    told = found.reconciled
    assert [(one.kind, one.plausibility, one.probability) for one in told.changes] == [
        (one.kind, pytest.approx(one.plausibility), pytest.approx(one.probability)) for one in known.changes
    ]
    answered = 0
    for change in told.changes:
        answer = engine.answer(engine.read(change.setting))
        if answer.status == "ready":
            assert answer.probability == pytest.approx(change.probability, abs=0.005)
            answered += 1
    assert answered
    with pytest.raises(StateError, match="nothing is changed"):
        refits.start(engine, {}, engine.read({}))


def ended(refits, engine, job, seconds=400):
    for _ in range(seconds * 5):
        found = refits.status(engine, job)
        if found.status != "running":
            return found
        time.sleep(0.2)
    raise AssertionError(found)


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "forecast", "app", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BROWSER": "false"},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_one_line_serves_and_ends_cleanly(run_folder, number):
    server = started(run_folder, "--no-browser", "--port", "0")
    try:
        address = server.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{20,}", address), server.stderr.read()
        with urllib.request.urlopen(address) as response:
            assert response.status == 200
        server.send_signal(number)
        out, err = server.communicate(timeout=60)
    finally:
        server.kill()
    assert out == ""
    assert server.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_named(command, run_folder):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        ended = command("app", run_folder, "--no-browser", "--port", port)
    assert (ended.code, ended.out) == (2, "")
    assert f"--port {port}: cannot be used" in ended.err


def test_without_the_extra_the_command_names_it(command, run_folder, monkeypatch):
    from forecast.cli import programs

    monkeypatch.setattr(programs, "find_spec", lambda name: None)
    ended = command("app", run_folder)
    assert ended.code == 2
    assert "-m pip install" in ended.err
    assert "dyad-forecast[app]" in ended.err


def test_a_run_that_this_version_cannot_answer_names_the_command_that_makes_it_again(
    command, run_folder, tmp_path
):
    place = shutil.copytree(run_folder, tmp_path / "a run" / "2022-06-30")
    with h5py.File(place / "posterior.nc", "a") as file:
        del file["posterior/drift_scale"], file["posterior/excitation_severity"]
    kept = json.loads((place / "forecast.json").read_text(encoding="utf-8"))

    def refused(saying):
        ended = command("app", place, "--no-browser")
        assert (ended.code, ended.out) == (2, "")
        assert saying in " ".join(ended.err.split())

    refused("has no draws of drift.scale, excitation.severity")
    refused(f"Make it again: forecast run '{place / 'config.resolved.yaml'}' --out PLACE")
    (place / "forecast.json").write_text(json.dumps(kept | {"schema": 3}), encoding="utf-8")
    refused("this one reads 5. Make it anew: forecast run CONFIG --force")


def test_a_body_that_never_comes_is_given_up(app, monkeypatch):
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.1)
    headers = {"host": HOST, "x-forecast-token": TOKEN, "content-type": "application/json"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/answer",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent = []

    async def nothing():
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, nothing, send))
    assert sent[0]["status"] == 408


def test_only_the_runs_asked_for_last_stay_in_memory(run_folder, tmp_path):
    for number in range(6):
        shutil.copytree(run_folder, tmp_path / "reports/made" / f"2022-06-{number + 10}")
    runs = RunList(tmp_path / "reports")
    client = browser(list_app(runs, Refits(), TOKEN, (HOST,)))
    engines = []
    for number in (0, 1, 2, 0, 3, 4):
        assert client.get(f"/runs/{number}/model").status_code == 200
        engines.append(weakref.ref(runs.engine(number)))
    gc.collect()
    assert [number for number, one in zip((0, 1, 2, 0, 3, 4), engines, strict=True) if one()] == [
        0,
        2,
        0,
        3,
        4,
    ]
    assert client.get("/runs/1/model").status_code == 200


def test_an_answer_leaves_without_waiting_for_an_acknowledgement():
    """The rest of an answer would wait 40 ms for that of its head."""

    async def no_delay():
        told = asyncio.get_running_loop().create_future()

        async def answer(reader, writer):
            connection = writer.get_extra_info("socket")
            told.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listening_on(0) as listening:
            server = await asyncio.start_server(answer, sock=listening)
            async with server:
                _, writer = await asyncio.open_connection(*listening.getsockname())
                found = await told
                writer.close()
        return found

    assert asyncio.run(no_delay())
