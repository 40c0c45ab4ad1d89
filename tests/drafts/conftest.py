"""A server that answers as an OpenAI-compatible endpoint, rightly or not, and the command beside it."""

import io
import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from forecast.events.codebook import standard_scale

SENTENCE = "A US fighter jet shot down the balloon off South Carolina on Saturday."
OTHER = "China's foreign ministry lodged a formal protest “against the use of force” on Sunday."
ARTICLE = f"""\
title: Balloon shot down
outlet: Example Wire
url: https://example.org/balloon
date: 2023-02-06

WASHINGTON - Weeks of tension came to a head.
{SENTENCE} Debris fell into the sea.

{OTHER}
"""


def act(**changes: object) -> dict[str, object]:
    """Return an act as a model should give it, with some values changed."""
    given = {"date": "2023-02-04", "initiator": "USA", "target": "CHN", "category": "military_incident"}
    given |= {
        "severity": 4,
        "sentence": SENTENCE,
        "summary": "US jet shoots down a Chinese balloon",
    } | changes
    return {"anchor": standard_scale().anchor(given["category"], given["severity"])} | given


@dataclass
class Stub:
    """What the server got, and what it says: the text of a completion, or ``raw`` bytes and a status."""

    address: str = ""
    content: str = '{"acts": []}'
    raw: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], dict]] = field(default_factory=list)

    def acts(self, *acts: object) -> None:
        self.content = json.dumps({"acts": list(acts)})

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return json.dumps({"choices": [{"message": {"role": "assistant", "content": self.content}}]}).encode()


@pytest.fixture
def stub():
    held = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            held.asked.append((self.path, dict(self.headers), asked))
            body = held.body()
            self.send_response(held.status)
            for name, value in ({"Content-Length": str(len(body))} | held.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    held.address = f"http://127.0.0.1:{server.server_port}/v1"
    yield held
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def article(tmp_path):
    path = tmp_path / "balloon.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


@pytest.fixture
def command(command, monkeypatch, tmp_path):
    """Run ``forecast events`` in an empty folder with keys on standard input."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, keys: str = ""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(keys))
        return command("events", *arguments)

    return run


CONFIG = """\
dyad: {a: USA, b: %s}
as_of: 2023-07-10
scale: %s
events: {source: events.csv}
targets: {crisis: {any_of: [sanction], min_severity: 3}}
"""


@pytest.fixture
def draft(command, stub, article, tmp_path):
    """Draft from the article for USA and China, or another pair by another scale."""

    def run(*more: object, other: str = "CHN", scale: str = "standard"):
        (tmp_path / "case.yaml").write_text(CONFIG % (other, scale))
        model = ("--model", "m", "--endpoint", stub.address, "--config", "case.yaml")
        return command("draft", article, *model, "--json", *more)

    return run
