"""Random and crafted requests to the scenario page: no fault of the server, no traceback, no hang.

``make fuzz-page`` sends ten thousand to the page of the worked case; the tests send a few with a fixed seed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

ROOT = Path(__file__).resolve().parents[2]
SLOWEST_S = 20.0
"""An answer that simulates takes a tenth of a second on an idle machine; a shared one is much slower."""
_TEXTS = (
    *("", " ", "\x00", "\x1b[31m", "\u202e", "\ufeff", "'", '"', "<script>", "../../etc/passwd", "null"),
    *("é" * 3_000, "𝕏", "x" * 100_000, "=1+1", "1e999", "2023-02-30", "0001-01-01", "9999-12-31"),
    *("2022-08-15", "2022-12-01", "sanction", "visit", "war", "calms", "likely", "escalation", "autumn"),
    *("Normal(0, 0)", "Normal(0, 1)", "LogNormal(mu=5, sigma=0.5)", "Normal(1e308, 1e308)", "Beta(1e-9, 1)"),
    *("Gamma(1, 1e-300)", "HalfNormal(1e-320)", "__import__('os')", "Normal(" * 500, "tension.persistence"),
)
_NUMBERS = (0, 1, -1, 3, 5, 9, 0.5, 1.0, 1e308, -1e308, 1e-320, 10**30, 2**63, True)
_KEYS = ("run", "target", "milestone", "priors", "events", "calendar", "without", "goal", "odd", "schema")
_PRIORS = ("tension.persistence", "ballast.visit", "excitation.severity", "baseline.weekly_rate", "ballast")
_PATHS = (
    *("/answer", "/answer", "/answer", "/answer", "/yaml", "/yaml", "/break-even"),
    *("/refit/1", "/refit/9/cancel", "/model", "/"),
)
_READ = ("/model", "/", "/refit/1")
_ODD_PATHS = (
    *("/%00", "/a" * 2_000, "/refit/" + "9" * 400, "/refit/-1", "/runs/1/", "//", "/page.js/../../engine.py"),
    *("/?token=" + "x" * 5_000, "/..%2f..%2fpyproject.toml", "/%2e%2e/%2e%2e/etc/passwd"),
)
_DAMAGE = (b"[", b"{", b"\xff", b"\x00", b'"', b"NaN", b"1e999", b"[" * 2_000)
_HEADERS = (
    {"host": "evil.example"},
    {"origin": "null"},
    {"content-type": "text/plain"},
    {"content-length": "-5"},
    {"x-forecast-token": "ü".encode()},
    {"sec-fetch-site": "cross-site"},
    {"content-type": "application/json; charset=\x80".encode("latin-1")},
)


class PageRequest(NamedTuple):
    """A request that no page would send, or that one just might."""

    method: str
    path: str
    body: bytes
    headers: dict[str, Any]


def damaged_requests(
    chance: random.Random, number: int, year: int = 2022, act: str = "A minister visits"
) -> Iterator[PageRequest]:
    """Yield requests: states that are nearly right, states that are not, and requests that are none.

    ``year`` has days ahead of the run, whose calendar has ``act``.
    """
    for _ in range(number):
        kind = chance.random()
        path = chance.choice(_PATHS)
        method = "GET" if path in _READ else "POST"
        headers: dict[str, Any] = {"content-type": "application/json"}
        if kind < 0.6:
            body = json.dumps(_state(chance, year, act)).encode("utf-8", "surrogatepass")
        elif kind < 0.8:
            body = json.dumps(_value(chance, 0)).encode("utf-8", "surrogatepass")
        else:
            body = _damaged(chance, json.dumps(_state(chance, year, act)).encode())
        if chance.random() < 0.1:
            method = chance.choice(("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"))
        if chance.random() < 0.1:
            path = chance.choice(_ODD_PATHS)
        if chance.random() < 0.15:
            headers |= chance.choice(_HEADERS)
        yield PageRequest(method, path, body, headers)


def _state(chance: random.Random, year: int, act: str) -> dict[str, Any]:
    state: dict[str, Any] = {}
    if chance.random() < 0.5:
        state["priors"] = {_name(chance): _prior(chance) for _ in range(chance.randint(0, 3))}
    if chance.random() < 0.5:
        state["events"] = [_act(chance, year) for _ in range(chance.choice((0, 1, 1, 2, 5, 60)))]
    if chance.random() < 0.3:
        state["calendar"] = {chance.choice((act, "x")): chance.choice((0, 0.3, 1, 2, "a"))}
    if chance.random() < 0.1:
        state["without"] = [chance.choice(("e4", "e9", {"category": "sanction"}, {}, 5))]
    if chance.random() < 0.3:
        state["goal"] = chance.choice((0.1, 0.5, 0.9, "likely", "x", -1))
    if chance.random() < 0.3:
        state[chance.choice(_KEYS)] = _value(chance, 0)
    return state


def _name(chance: random.Random) -> str:
    return chance.choice(_PRIORS) if chance.random() < 0.8 else chance.choice(_TEXTS)


def _prior(chance: random.Random) -> object:
    middle = chance.choice((0.01, 0.5, 3.0, 30.0, 1e300, -2.0))
    return chance.choice(
        (
            f"LogNormal({chance.uniform(-3, 9):.3f}, {chance.choice((0.001, 0.3, 2.0, 50.0))})",
            f"Normal({middle}, {chance.choice((0.01, 1.0))})",
            {"q05": middle / 2, "q95": middle * 2},
            {"weeks": {"median": middle, "q95": middle * 3}},
            "default",
            _value(chance, 0),
        )
    )


def _act(chance: random.Random, year: int) -> object:
    act: dict[str, Any] = {
        "date": f"{year}-{chance.randint(5, 13):02d}-{chance.randint(1, 31):02d}",
        "category": chance.choice(("sanction", "visit", "military_incident", "dispute", "war")),
        "severity": chance.choice((1, 2, 3, 4, 5, 5, 0, 9)),
        "probability": chance.choice((0, 0.2, 0.5, 1, 1.0, 1.5)),
    }
    if chance.random() < 0.2:
        act["window"] = [f"{year}-08-01", chance.choice((f"{year}-09-01", f"{year}-07-01"))]
    if chance.random() < 0.2:
        act[chance.choice((*act, "label", "odd"))] = _value(chance, 1)
    return act


def _value(chance: random.Random, depth: int) -> object:
    kind = chance.random()
    if kind < 0.4:
        return chance.choice(_TEXTS)
    if kind < 0.7:
        return chance.choice(_NUMBERS)
    if kind < 0.8 or depth > 3:
        return None
    if kind < 0.9:
        return [_value(chance, depth + 1) for _ in range(chance.randint(0, 4))]
    return {chance.choice((*_KEYS, *_TEXTS)): _value(chance, depth + 1) for _ in range(chance.randint(0, 4))}


def _damaged(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(changed) + 1)
        changed[place:place] = chance.choice(_DAMAGE)
        if changed and chance.random() < 0.5:
            del changed[chance.randrange(len(changed))]
    return bytes(changed)


class Client(Protocol):
    """What sends a request: ``httpx.Client``, or starlette's for tests."""

    def request(self, method: str, url: str, **rest: Any) -> Any:  # noqa: ANN401 - httpx's own types
        """Send one request."""


def faults_of(
    client: Client, requests: Iterable[PageRequest], slowest_seconds: float = SLOWEST_S
) -> list[str]:
    """Send requests; return what is wrong with the answers (nothing, one hopes)."""
    faults = []
    for request in requests:
        begun = time.perf_counter()
        try:
            answer = client.request(
                request.method, request.path, content=request.body, headers=request.headers
            )
        except Exception as error:  # the server's own, which the client passes on
            faults.append(f"{request}: {type(error).__name__}: {error}"[:600])
            continue
        seconds = time.perf_counter() - begun
        wrong = []
        if answer.status_code >= 500:
            wrong.append(f"status {answer.status_code}")
        if b"Traceback" in answer.content:
            wrong.append("a traceback")
        if seconds > slowest_seconds:
            wrong.append(f"{seconds:.1f} s")
        if answer.status_code >= 400 and request.method != "HEAD" and set(answer.json()) != {"error", "key"}:
            wrong.append("no sentence")
        if wrong:
            faults.append(f"{request}: {', '.join(wrong)}"[:600])
    return faults


def main() -> int:
    """Fuzz the page of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a saved run")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    warnings.simplefilter("ignore")

    from starlette.testclient import TestClient

    from forecast.app.opening import open_engine
    from forecast.app.refits import Refits
    from forecast.app.server import run_app

    engine = open_engine(options.run)
    token, host = "token", "127.0.0.1:8000"
    app = run_app(engine, Refits(), token, (host,))
    client = TestClient(app, base_url=f"http://{host}", headers={"X-Forecast-Token": token})
    begun = time.perf_counter()
    statuses: Counter[int] = Counter()
    client.event_hooks["response"].append(lambda answer: statuses.update([answer.status_code]))
    year = engine.run.forecast.as_of.year
    acts = [act.label for act in engine.run.inputs.calendar] or ["none"]
    requests = damaged_requests(random.Random(options.seed), options.requests, year, acts[-1])
    faults = faults_of(client, requests)
    said = ", ".join(f"{number:,} × {status}" for status, number in sorted(statuses.items()))
    seconds = time.perf_counter() - begun
    print(f"{options.requests:,} requests in {seconds:.0f} s: {said}; {len(faults)} faults")
    print("\n".join(faults[:20]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
