"""Requests over HTTP with a limit of time and size: a chat completion, or the page of an article.

The standard library alone: it follows no redirect and no proxy by itself, so that nothing goes anywhere but
to the address given.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from forecast.errors import InputError, shown

KEY_VARIABLE = "FORECAST_DRAFT_KEY"
MAX_ANSWER_BYTES, MAX_PAGE_BYTES = 1_000_000, 5_000_000
MAX_REDIRECTS = 5
_PATH = "/chat/completions"


class RefusedError(Exception):
    """An answer cannot be used: ``kind`` is counted, the message says what came."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, repr=False)
class Endpoint:
    """Where a model answers, how long it may take in seconds, and the key, which no text shows."""

    address: str
    model: str
    seconds: float
    key: str = ""

    def __repr__(self) -> str:
        return f"Endpoint({self.address}, {self.model})"

    def ask(self, messages: list[dict[str, str]]) -> str:
        """Return what the model says to the messages.

        Raises ``RefusedError``: no answer, one that is late, too large, an error, or no chat completion.
        """
        asked = {
            "model": self.model,
            "messages": messages,
            "temperature": 0,
            "response_format": {"type": "json_object"},
        }
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        body = json.dumps(asked).encode()
        answer = _exchange("POST", self.address, body, headers, MAX_ANSWER_BYTES, self.seconds)
        if answer.status != HTTPStatus.OK:
            raise RefusedError("HTTP error", f"the endpoint answered {_status(answer.status)}")
        said = _said(answer.content)
        if self.key and self.key in said:
            raise RefusedError("not JSON", "the answer repeats the key")
        return said


def endpoint_at(address: str, model: str, seconds: float, key: str) -> Endpoint:
    """Return an endpoint; an address such as ``http://127.0.0.1:8080/v1`` gets the path of chat completions.

    Raises ``InputError``: the address is no plain one, or the key would travel in the clear.
    """
    parts = _plain_address(address, "--endpoint")
    path = parts.path.rstrip("/") or "/v1"
    if not path.endswith(_PATH):
        path += _PATH
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(f"{KEY_VARIABLE}: holds blanks or signs that no key has. Set it again")
    if key and parts.scheme == "http" and not _is_inside(parts.hostname or ""):
        raise InputError(
            f"--endpoint {address}: the key in {KEY_VARIABLE} would go unencrypted. Use https, or unset it"
        )
    return Endpoint(parts._replace(path=path).geturl(), model, seconds, key)


def _plain_address(address: str, option: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        port_fits = parts.port != 0
    except ValueError:
        parts, port_fits = SplitResult("", "", "", "", ""), False
    plain = address.isascii() and address.isprintable() and " " not in address
    if not (plain and port_fits and parts.scheme in ("http", "https") and parts.hostname):
        raise InputError(
            f"{option} {shown(address)}: not a web address. Expected e.g. http://127.0.0.1:8080/v1"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise InputError(
            f"{option}: an address has no user, password, '?' or '#' here. The key goes into {KEY_VARIABLE}"
        )
    return parts


def _is_inside(host: str) -> bool:
    """Whether a host is named as one of this machine or of a private network."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _said(content: bytes) -> str:
    try:
        said = json.loads(content)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise RefusedError("not JSON", "the endpoint did not answer with a chat completion") from error
    if not isinstance(said, str):
        raise RefusedError("not JSON", "the chat completion holds no text")
    return said


def fetch_page(address: str, seconds: float) -> tuple[str, str]:
    """Return the text of a page and its type, ``text/html`` or ``text/plain``.

    Raises ``RefusedError``: the page cannot be had, is too large or of another type, or leads on to a machine
    of this network.
    """
    here = address
    for _ in range(MAX_REDIRECTS + 1):
        answer = _exchange("GET", here, None, {"Accept": "text/html, text/plain"}, MAX_PAGE_BYTES, seconds)
        if answer.status not in (301, 302, 303, 307, 308):
            break
        before, here = here, urljoin(here, answer.headers.get("location", ""))
        after = urlsplit(here)
        moved_inside = _is_inside(after.hostname or "") and after.netloc != urlsplit(before).netloc
        if after.scheme not in ("http", "https") or not after.hostname or moved_inside:
            raise RefusedError("not reached", "the page leads to an address that is not followed")
    if answer.status != HTTPStatus.OK:
        raise RefusedError("HTTP error", f"the page answered {_status(answer.status)}")
    kind = answer.headers.get_content_type()
    if kind not in ("text/html", "text/plain", "application/xhtml+xml"):
        raise RefusedError("not a text", f"the page is {shown(kind)}, not text")
    try:
        return answer.content.decode(answer.headers.get_content_charset() or "utf-8"), kind
    except (LookupError, UnicodeDecodeError) as error:
        raise RefusedError("not a text", "the page is not in the encoding that it states") from error


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Any
    content: bytes


def _status(status: int) -> str:
    # Never the words of the server, which may repeat what was sent to it.
    known = next((one.phrase for one in HTTPStatus if one == status), "")
    return f"HTTP {status} {known}".rstrip()


def _exchange(
    method: str, address: str, body: bytes | None, headers: dict[str, str], limit: int, seconds: float
) -> _Answer:
    parts = urlsplit(address)
    target = parts._replace(scheme="", netloc="").geturl() or "/"
    late = threading.Event()
    connection: http.client.HTTPConnection
    try:
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=seconds)
        connection.connect()
        # Held here: a response takes the socket over, and a server that drips would never run into a timeout.
        held = connection.sock

        def stop() -> None:
            late.set()
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            connection.request(method, target, body, headers | {"User-Agent": "forecast"})
            response = connection.getresponse()
            content = response.read(limit + 1)
            if response.length and len(content) <= limit:
                raise http.client.IncompleteRead(content, response.length)
        finally:
            timer.cancel()
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise RefusedError("too slow", f"no whole answer within {seconds:g} seconds") from error
        raise RefusedError("not reached", f"no answer ({type(error).__name__})") from error
    if late.is_set():
        raise RefusedError("too slow", f"no whole answer within {seconds:g} seconds")
    if len(content) > limit:
        raise RefusedError("too large", f"the answer is larger than {limit:,} bytes")
    return _Answer(response.status, response.headers, content)
