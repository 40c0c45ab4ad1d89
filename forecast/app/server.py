"""The page's server: who may ask, and its addresses.

The checks of every request, in order: ``Host`` is this server by a name of this machine (a foreign name that
was made to point here is refused: DNS rebinding), ``Origin`` and ``Sec-Fetch-Site`` are not those of another
site, the token is known, a body is JSON and small. Every response forbids the browser to load anything else.
Every answer is JSON but for the pages themselves, every fault one sentence.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import socket
import threading
import webbrowser
from collections.abc import Iterable
from contextlib import suppress
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forecast.app.engine import Engine, StateError, page_model
from forecast.config import scenario_yaml
from forecast.errors import ForecastError, InputError, RunFolderError
from forecast.records.base import Record
from forecast.runs.run import read_run

ADDRESS = "127.0.0.1"
MOST_BYTES = 256 * 1024
"""Largest body."""
_MOST_QUERY = 2_000
_BACKLOG = 128
_SECONDS_TO_END = 2
_LOOK_SECONDS = 0.5
"""Between two looks at whether the page that waits for a new fit is still there."""
_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # The token stands in the address of the page.
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_PAGE = package_files("forecast.app") / "page"
PAGE_FILES = {
    entry.name: entry.read_bytes()
    for entry in (_PAGE.iterdir() if _PAGE.is_dir() else ())
    if entry.name.rpartition(".")[2] in _KINDS
}
"""The files of the page, read when the server starts; no others are ever read."""
_OPEN_PATHS = tuple(f"/{name}" for name in PAGE_FILES if not name.endswith(".html"))
"""What holds nothing secret."""


def guarded(app: ASGIApp, token: str, hosts: Iterable[str]) -> ASGIApp:
    """Let requests through to ``app`` that pass every check; answer the others in one sentence.

    ``hosts`` are the values of ``Host`` that are this server.
    """
    known = frozenset(hosts)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        if scope["type"] == "http":
            refusal = _refusal(scope, token.encode(), known)
            await (_error(*refusal) if refusal else app)(scope, receive, with_headers)
        elif scope["type"] == "lifespan":
            await app(scope, receive, send)

    return guard


def _refusal(scope: Scope, token: bytes, hosts: frozenset[str]) -> tuple[int, str] | None:
    headers = Headers(scope=scope)
    if headers.get("host", "").lower() not in hosts:
        return 400, "this server answers to 127.0.0.1 only; open the address that 'forecast app' printed"
    foreign = "origin" in headers and headers["origin"] not in {f"http://{name}" for name in hosts}
    if foreign or headers.get("sec-fetch-site") not in (None, "same-origin", "none"):
        return 403, "requests from other pages are refused"
    if scope["method"] not in ("GET", "HEAD", "POST"):
        return 405, "only GET and POST are answered"
    given = headers.get("x-forecast-token")
    # Pages alone may have it in their address.
    if given is None and scope["path"].endswith("/") and len(scope["query_string"]) <= _MOST_QUERY:
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        given = tokens[0] if len(tokens) == 1 else None
    known = given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), token)
    if not known and not scope["path"].endswith(_OPEN_PATHS):
        return 403, "the token is missing or not this server's; open the address that 'forecast app' printed"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if scope["method"] == "POST" and kind != "application/json":
        return 415, "a request must be application/json"
    return None


def run_app(engine: Engine, token: str, hosts: Iterable[str]) -> ASGIApp:
    """Return the application that serves the page of one run."""
    described, describing = list[bytes](), threading.Lock()

    def model() -> bytes:
        with describing:
            if not described:
                described.append(page_model(engine.run).model_dump_json().encode())
            return described[0]

    def prepare() -> None:
        # A server that ends before it is warm takes the threads of the computation away.
        with suppress(RuntimeError):
            model()
            engine.warm_up()

    async def send_model(request: Request) -> Response:
        return Response(await run_in_threadpool(model), media_type="application/json")

    async def answer(request: Request) -> Response:
        state = engine.read(await _json(request))
        return _record(await run_in_threadpool(engine.answer, state))

    async def reconcile(request: Request) -> Response:
        return _record(await run_in_threadpool(engine.reconcile, await _json(request)))

    async def yaml(request: Request) -> Response:
        plan = engine.plan(engine.read(await _json(request)))
        return Response(scenario_yaml(plan.scenario), media_type="text/yaml; charset=utf-8")

    async def bulletin(request: Request) -> Response:
        state = engine.read(await _json(request))
        return Response(await run_in_threadpool(engine.bulletin, state), media_type="application/pdf")

    async def refit(request: Request) -> Response:
        state, gone = engine.read(await _json(request)), threading.Event()
        work = asyncio.ensure_future(run_in_threadpool(engine.refit, state, gone.is_set))
        try:
            while not (await asyncio.wait({work}, timeout=_LOOK_SECONDS))[0]:
                if await request.is_disconnected():
                    break
        finally:
            gone.set()
        return _record(await work)

    # While the browser starts: the first answer is then as fast as the others.
    threading.Thread(target=prepare, daemon=True).start()
    asks = (answer, yaml, bulletin, refit, reconcile)
    routes = [
        *(_file(name, content) for name, content in PAGE_FILES.items()),
        Route("/model", send_model),
        *(Route(f"/{ask.__name__}", ask, methods=["POST"]) for ask in asks),
    ]
    handlers: Any = {ForecastError: _failed, HTTPException: _http_fault}
    return guarded(Starlette(routes=routes, exception_handlers=handlers), token, hosts)


def serve(folder: Path, port: int, *, browser: bool) -> None:
    """Serve the page of a run until Ctrl-C; prints its address once it can be asked.

    Raises ``RunFolderError``: no run that the page can be made of; ``InputError``: the port is taken.
    """
    engine, token = Engine(read_run(folder)), secrets.token_urlsafe(24)
    # Taken first, so that it answers from the moment its address is told.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, port))
            listening.listen(_BACKLOG)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(
                f"--port {port}: cannot be used ({reason}). Give another one, or 0 for any that is free"
            ) from error
        port = listening.getsockname()[1]
        hosts = (f"{ADDRESS}:{port}", f"localhost:{port}")
        app = run_app(engine, token, hosts)
        address = f"http://{ADDRESS}:{port}/?token={token}"
        print(address, flush=True)  # whoever started the command waits for this line
        if browser:
            webbrowser.open(address)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
        uvicorn.Server(config).run([listening])


def _file(name: str, content: bytes) -> BaseRoute:
    """Address of a file of the page, with ``index.html`` at the root."""
    headers = {"content-type": _KINDS[name.rpartition(".")[2]]}

    async def file(request: Request) -> Response:
        return Response(content, headers=headers)

    return Route("/" if name == "index.html" else f"/{name}", file)


async def _json(request: Request) -> object:
    def no_number(text: str) -> float:
        raise ValueError(f"{text} is no number of JSON")

    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                raise HTTPException(413, f"the request is larger than {MOST_BYTES // 1024} KB")
        return json.loads(body, parse_constant=no_number)
    except (ValueError, RecursionError, ClientDisconnect) as error:
        raise StateError(f"the request is no JSON ({type(error).__name__})") from error


def _record(record: Record) -> Response:
    return Response(record.model_dump_json(), media_type="application/json")


def _error(status: int, sentence: str, key: str | None = None) -> Response:
    return JSONResponse({"error": sentence, "key": key}, status)


async def _failed(request: Request, error: ForecastError) -> Response:
    key = error.key if isinstance(error, StateError) else None
    return _error(409 if key == "run" or isinstance(error, RunFolderError) else 400, str(error), key)


async def _http_fault(request: Request, error: HTTPException) -> Response:
    reasons = {404: "there is nothing at this address", 405: "this address is not asked in this way"}
    return _error(error.status_code, reasons.get(error.status_code, error.detail))
