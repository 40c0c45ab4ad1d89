"""Addresses → files: over HTTP, with time limits, retries and checksums; what fails says why.

A server may be slow, down, or answer with a page in place of data. No message holds what a server said or
what was sent to it, so that no key can reach a log.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from forecast import __version__
from forecast.errors import InputError
from forecast.storage import write_file

MAX_LIST_BYTES, MAX_FILE_BYTES = 400_000_000, 400_000_000
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be another a moment later."""
_GONE = frozenset({404, 410})
_LONGEST_WAIT_S = 60.0
CLOCKS_APART = timedelta(days=1)
_HTML = (b"<!doctype html", b"<html")


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """How to ask a server.

    ``parallel`` requests at once; ``attempts`` for each, with a pause of ``pause_s`` that doubles;
    ``timeout_s`` without a byte, and ``file_s`` in all, end an attempt. ``list_bytes`` is the most that an
    answer kept in memory may have.
    """

    parallel: int = 4
    attempts: int = 3
    pause_s: float = 1.0
    timeout_s: float = 30.0
    file_s: float = 300.0
    list_bytes: int = MAX_LIST_BYTES


class FetchError(Exception):
    """A file that could not be had, and why; ``wrong``: what came is not what the source announced."""

    def __init__(self, reason: str, *, wrong: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.wrong = reason, wrong


@dataclass(frozen=True)
class Validators:
    """What a server said of the version that it sent, to ask for a newer one only."""

    etag: str = ""
    last_modified: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a conditional request."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}


@dataclass
class Fetcher:
    """Requests to one source; a context manager. ``headers`` go with each and never leave its host."""

    options: FetchOptions
    headers: dict[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to end all waiting, when the user stops the update."""

    def __enter__(self) -> Self:
        wait = httpx.Timeout(self.options.timeout_s)
        limits = httpx.Limits(max_connections=self.options.parallel)
        agent = {"User-Agent": f"dyad-forecast/{__version__}"}
        self._client = httpx.Client(timeout=wait, limits=limits, headers=agent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def text(self, url: str, *, params: Mapping[str, str] | None = None) -> bytes:
        """Return the content of an address (``FetchError``)."""
        found = self.changed(url, Validators(), params=params)
        assert found is not None
        return found[0]

    def changed(
        self, url: str, held: Validators, *, params: Mapping[str, str] | None = None
    ) -> tuple[bytes, Validators] | None:
        """Return the content of an address and its validators; ``None`` if it is as ``held``."""

        def read(answer: httpx.Response) -> tuple[bytes, Validators] | None:
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return None
            content = b"".join(self._pieces(answer, self.options.list_bytes))
            named = (answer.headers.get(name, "") for name in ("etag", "last-modified"))
            return content, Validators(*named)

        request = self._client.build_request("GET", url, params=params, headers=self.headers | held.headers)
        return self._attempts(request, read)

    def post(self, url: str, form: Mapping[str, str]) -> bytes:
        """Return the answer to a form (``FetchError``)."""
        request = self._client.build_request("POST", url, data=dict(form))
        return self._attempts(request, lambda answer: b"".join(self._pieces(answer, self.options.list_bytes)))

    def save(self, url: str, path: Path, *, md5: str = "", size: int | None = None) -> None:
        """Write the content of an address into a scratch file.

        Raises
        ------
        FetchError
            It cannot be had; ``wrong`` where size, checksum or kind are not as announced, tried twice.
        """

        def read(answer: httpx.Response) -> None:
            limit = MAX_FILE_BYTES if size is None else min(size + 1, MAX_FILE_BYTES)
            content = b"".join(self._pieces(answer, limit))
            refuse_html(content)
            digest = hashlib.md5(content, usedforsecurity=False)
            if size is not None and len(content) != size:
                raise FetchError(f"{len(content):,} bytes, not {size:,} as listed", wrong=True)
            if md5 and digest.hexdigest() != md5.lower():
                raise FetchError(f"MD5 {digest.hexdigest()}, not {md5.lower()} as listed", wrong=True)
            write_file(path, content)

        self._attempts(self._client.build_request("GET", url, headers=self.headers), read)

    def _pieces(self, answer: httpx.Response, limit: int) -> list[bytes]:
        """Return the body in pieces, refused beyond ``limit`` bytes or seconds."""
        until, total, pieces = time.monotonic() + self.options.file_s, 0, []
        for piece in answer.iter_bytes():
            total += len(piece)
            if total > limit:
                raise FetchError(f"more than {limit:,} bytes", wrong=True)
            if time.monotonic() > until:
                raise FetchError(f"not whole after {self.options.file_s:g} seconds")
            if self.stop.is_set():
                raise FetchError("stopped")
            pieces.append(piece)
        return pieces

    def _attempts[T](self, request: httpx.Request, read: Callable[[httpx.Response], T]) -> T:
        """Send a request until it is answered well, or the attempts are used up."""
        failure, wait = FetchError("not asked"), self.options.pause_s
        for attempt in range(self.options.attempts):
            if attempt and self.stop.wait(wait * random.uniform(0.5, 1.0)):
                raise FetchError("stopped")
            wait = min(2 * wait, _LONGEST_WAIT_S) if attempt else wait
            try:
                answer = self._client.send(request, stream=True)
                try:
                    refused = _refused(answer)
                    if refused is None:
                        self._check_clock(answer)
                        return read(answer)
                    if answer.status_code not in _AGAIN:
                        raise refused
                    failure, wait = refused, max(wait, _retry_after(answer))
                finally:
                    answer.close()
            except httpx.InvalidURL as error:
                raise FetchError("the address is not valid", wrong=True) from error
            except httpx.TimeoutException:
                failure = FetchError(f"no answer for {self.options.timeout_s:g} seconds")
            except httpx.HTTPError as error:
                failure = FetchError(f"the connection failed ({type(error).__name__})")
            except FetchError as error:
                # A wrong file is asked for once more, since it may have been cut short on the way.
                if not error.wrong or attempt:
                    raise
                failure = error
        raise failure

    def _check_clock(self, answer: httpx.Response) -> None:
        """Refuse to work by a clock that a server contradicts: first days would be wrong for good."""
        try:
            told = parsedate_to_datetime(answer.headers["date"])
        except (KeyError, ValueError, TypeError):
            return
        here = datetime.now(UTC)
        if abs(here - told.astimezone(UTC)) > CLOCKS_APART:
            raise InputError(
                f"the clock of this machine says {here:%Y-%m-%d}, that of {answer.url.host} "
                f"{told:%Y-%m-%d}. Set the clock: acts and prices are kept with the day of the fetch"
            )


def _refused(answer: httpx.Response) -> FetchError | None:
    code = answer.status_code
    if code == httpx.codes.OK or code == httpx.codes.NOT_MODIFIED:
        return None
    if code in _GONE:
        return FetchError(f"not on the server ({code})")
    if answer.is_redirect:
        return FetchError(f"sent elsewhere ({code}): give the address that it is sent to")
    if code in (401, 403):
        return FetchError(f"not allowed ({code}): check the key and what it may read")
    return FetchError(f"the server answered {code}")


def _retry_after(answer: httpx.Response) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told), _LONGEST_WAIT_S) if told.isdigit() else 0.0


def refuse_html(content: bytes) -> None:
    """Raise ``FetchError`` where a server sent a web page in place of a list or of rows."""
    if content[:64].lstrip().lower().startswith(_HTML):
        raise FetchError("a web page in place of data", wrong=True)
