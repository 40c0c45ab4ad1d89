"""Who may ask: a page of this machine that knows the token; and nothing large, odd or slow.

The checks of every request, in order: ``Host`` is this server by a name of this machine (a foreign name that
was made to point here is refused: DNS rebinding), ``Origin`` and ``Sec-Fetch-Site`` are not those of another
site, the token is known, a body is JSON and small. Every response forbids the browser to load anything else.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from forecast.errors import InputError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ADDRESS = "127.0.0.1"
_BACKLOG = 128
_SECONDS_TO_END = 2
MOST_BYTES = 256 * 1024
"""Largest body."""
BODY_SECONDS = 10.0
"""In which it must have come."""
TOKEN_HEADER = "x-forecast-token"
_MOST_QUERY = 2_000
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


class Guard:
    """Lets requests through to ``app`` that pass every check; answers the others itself, in one sentence.

    ``hosts`` are the values of ``Host`` that are this server; ``open_paths`` says which paths hold nothing
    secret, ``page_paths`` which may have the token in their query.
    """

    def __init__(
        self,
        app: App,
        token: str,
        hosts: Iterable[str],
        *,
        open_path: Callable[[str], bool],
        page_path: Callable[[str], bool],
    ) -> None:
        self._app, self._token = app, token.encode()
        self._hosts = frozenset(hosts)
        self._open_path, self._page_path = open_path, page_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check and pass on one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        headers = _single(scope["headers"])
        refused = self._refusal(scope, headers)
        if refused is None and scope["method"] == "POST":
            try:
                body = await asyncio.wait_for(_body(receive), BODY_SECONDS)
            except TimeoutError:
                refused = 408, f"the request did not come within {BODY_SECONDS:g} seconds"
            else:
                if body is None:
                    refused = 413, f"the request is larger than {MOST_BYTES // 1024} KB"
                else:
                    receive = _again(body, receive)
        if refused is not None:
            await _refuse(guarded, *refused)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: MutableMapping[str, str | None]) -> tuple[int, str] | None:
        host = headers.get("host")
        if host is None or host.lower() not in self._hosts:
            return 400, "this server answers to 127.0.0.1 only; open the address that 'forecast app' printed"
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if "origin" in headers and origin not in {f"http://{one}" for one in self._hosts}:
            return 403, "requests from other pages are refused"
        if site not in (None, "same-origin", "none"):
            return 403, "requests from other pages are refused"
        method, path = scope["method"], scope["path"]
        if method not in ("GET", "HEAD", "POST"):
            return 405, "only GET and POST are answered"
        if not self._open_path(path) and not self._knows_token(scope, headers, path):
            return (
                403,
                "the token is missing or not this server's; open the address that 'forecast app' printed",
            )
        if method == "POST":
            kind = (headers.get("content-type") or "").partition(";")[0].strip().lower()
            if kind != "application/json":
                return 415, "a request must be application/json"
            length = headers.get("content-length")
            if length is not None and (not length.isascii() or not length.isdigit()):
                return 400, "Content-Length is no number"
            if length is not None and (len(length) > 12 or int(length) > MOST_BYTES):
                return 413, f"the request is larger than {MOST_BYTES // 1024} KB"
        return None

    def _knows_token(self, scope: Scope, headers: MutableMapping[str, str | None], path: str) -> bool:
        given = headers.get(TOKEN_HEADER)
        if given is None and self._page_path(path) and len(scope["query_string"]) <= _MOST_QUERY:
            tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
            given = tokens[0] if len(tokens) == 1 else None
        return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), self._token)


def _single(headers: Iterable[tuple[bytes, bytes]]) -> MutableMapping[str, str | None]:
    """Headers by name in small letters; ``None`` for one that comes twice, which no browser sends."""
    found: dict[str, str | None] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        found[key] = None if key in found else value.decode("latin-1")
    return found


async def _body(receive: Receive) -> bytes | None:
    """Whole body of a request; ``None`` as soon as it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read as one message, then what comes after it."""
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


async def _refuse(send: Send, status: int, sentence: str) -> None:
    content = json.dumps({"error": sentence, "key": None}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def server_of(app: App) -> uvicorn.Server:
    """Return a server of an application that says nothing and ends soon after it is told to."""
    return uvicorn.Server(
        uvicorn.Config(
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
    )


def listening_on(port: int) -> socket.socket:
    """Take the port, so that it answers from the moment its address is told."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        reason = error.strerror or error
        raise InputError(
            f"--port {port}: cannot be used ({reason}). Give another one, or 0 for any that is free"
        ) from error
    return listening
