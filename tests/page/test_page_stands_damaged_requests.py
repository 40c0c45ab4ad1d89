"""Random and crafted requests to the scenario page: no fault of the server, no traceback, no hang.

``FUZZ_CASES`` is the number of requests: few in the tests, 10,000 for ``make fuzz-page``.
"""

import json
import os
import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("FUZZ_CASES", "150"))
SLOWEST_S = 20.0
"""An answer takes a tenth of a second on an idle machine; a shared one is much slower."""
TEXTS = st.sampled_from(
    (
        *("", " ", "\x00", "\x1b[31m", "\u202e", "\ufeff", "'", '"', "<script>", "../../etc/passwd", "null"),
        *(
            "é" * 3_000,
            "𝕏",
            "x" * 100_000,
            "=1+1",
            "1e999",
            "2023-02-30",
            "0001-01-01",
            "9999-12-31",
            "autumn",
        ),
        *("2022-08-15", "2022-12-01", "sanction", "visit", "war", "calms", "likely", "autumn"),
        *("Normal(0, 0)", "Normal(0, 1)", "LogNormal(mu=5, sigma=0.5)", "Normal(1e308, 1e308)"),
        *("Beta(1e-9, 1)", "Gamma(1, 1e-300)", "HalfNormal(1e-320)", "__import__('os')", "Normal(" * 500),
    )
)
NUMBERS = st.sampled_from((0, 1, -1, 3, 5, 9, 0.5, 1.0, 1e308, -1e308, 1e-320, 10**30, 2**63, True))
KEYS = st.sampled_from(
    ("run", "target", "milestone", "priors", "events", "calendar", "without", "beliefs", "odd", "schema")
)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TEXTS, inner, max_size=4),
    max_leaves=20,
)
MIDDLES = st.sampled_from((0.01, 0.5, 3.0, 30.0, 1e300, -2.0))
PRIORS = st.one_of(
    st.builds("LogNormal({:.3f}, {})".format, st.floats(-3, 9), st.sampled_from((0.001, 0.3, 2.0, 50.0))),
    st.builds("Normal({}, {})".format, MIDDLES, st.sampled_from((0.01, 1.0))),
    MIDDLES.map(lambda middle: {"q05": middle / 2, "q95": middle * 2}),
    MIDDLES.map(lambda middle: {"weeks": {"median": middle, "q95": middle * 3}}),
    st.just("default"),
    VALUES,
)
NAMES = st.sampled_from(
    ("tension.persistence", "ballast.visit", "answers.severity", "baseline.weekly_rate", "ballast")
)
ACTS = st.fixed_dictionaries(
    {
        "date": st.builds("2022-{:02d}-{:02d}".format, st.integers(5, 13), st.integers(1, 31)),
        "category": st.sampled_from(("sanction", "visit", "military_incident", "dispute", "war")) | VALUES,
        "severity": st.sampled_from((1, 2, 3, 4, 5, 5, 0, 9)),
        "probability": st.sampled_from((0, 0.2, 0.5, 1, 1.0, 1.5)),
    },
    optional={
        "window": st.sampled_from((["2022-08-01", "2022-09-01"], ["2022-08-01", "2022-07-01"])),
        "label": VALUES,
        "by": st.sampled_from(("USA", "CHN", "DEU", "")) | VALUES,
        "subcategory": TEXTS,
        "seen": st.sampled_from((True, False, 1, "x")),
        "odd": VALUES,
    },
)
BELIEFS = st.fixed_dictionaries(
    {
        "target": st.sampled_from(("escalation", "lethal", "x")),
        "window": st.sampled_from(
            (["2022-08-01", "2022-09-01"], ["2022-08-01"], ["2022-08-01", "2030-01-01"])
        ),
        "ratio": NUMBERS,
    }
)
STATES = st.fixed_dictionaries(
    {},
    optional={
        "priors": st.dictionaries(NAMES | TEXTS, PRIORS, max_size=3),
        "events": st.lists(ACTS, max_size=5) | ACTS.map(lambda act: [act] * 60),
        "calendar": st.dictionaries(
            st.sampled_from(("A minister visits", "x")), st.sampled_from((0, 0.3, 1, 2, "a")), max_size=1
        ),
        "beliefs": st.lists(BELIEFS, max_size=3) | VALUES,
        "reactions": st.dictionaries(TEXTS, VALUES, max_size=1),
        "without": st.lists(st.sampled_from(("e4", "e9", {"category": "sanction"}, {}, 5)), max_size=1),
        "odd": VALUES,
    },
)
DAMAGE = st.sampled_from((b"[", b"{", b"\xff", b"\x00", b'"', b"NaN", b"1e999", b"[" * 2_000))
HEADERS = st.sampled_from(
    (
        *({"host": "evil.example"}, {"origin": "null"}, {"content-type": "text/plain"}),
        *({"content-length": "-5"}, {"x-forecast-token": "ü".encode()}, {"sec-fetch-site": "cross-site"}),
        {"content-type": "application/json; charset=\x80".encode("latin-1")},
    )
)
ASKED = (
    *("/answer", "/answer", "/answer", "/answer", "/yaml", "/yaml"),
    *("/model", "/"),
)
ODD = (
    *("/%00", "/a" * 2_000, "/refit/-1", "/runs/1/", "//", "/page.js/../../engine.py"),
    *("/?token=" + "x" * 5_000, "/..%2f..%2fpyproject.toml", "/%2e%2e/%2e%2e/etc/passwd"),
)


@st.composite
def requests(draw):
    """A state that is nearly right, one that is not, or a request that is none."""
    tenths = st.integers(0, 9)
    path = draw(st.sampled_from(ASKED))
    method = "GET" if path in ("/model", "/") else "POST"
    if draw(tenths) == 0:
        method = draw(st.sampled_from(("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")))
    if draw(tenths) == 0:
        path = draw(st.sampled_from(ODD))
    headers = {"content-type": "application/json"} | (draw(HEADERS) if draw(tenths) == 0 else {})
    body = bytearray(json.dumps(draw(STATES | STATES | STATES | VALUES)).encode("utf-8", "surrogatepass"))
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
    attack(client, CASES)


def test_the_attack_sees_a_server_that_fails(asking):
    async def broken(scope, receive, send):
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        attack(asking(broken), 5)
