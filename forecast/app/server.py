"""The addresses of the page: its files, and what it asks of a run; every answer is JSON, every fault too."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from forecast.app.engine import Engine
from forecast.app.goals import reach_goal, read_goal
from forecast.app.guard import App, Guard
from forecast.app.page_model import page_model
from forecast.app.refits import Refits
from forecast.app.run_list import RunList
from forecast.app.state import OtherRunError, StateError
from forecast.errors import ForecastError, RunFolderError
from forecast.records.base import Record

_KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_PAGE = files("forecast.app") / "page"
PAGE_FILES = tuple(
    sorted(one.name for one in _PAGE.iterdir() if one.is_file() and one.name.rpartition(".")[2] in _KINDS)
    if _PAGE.is_dir()
    else ()
)
"""The files of the page, listed when the server starts; no others are ever read."""
Handler = Callable[[Request], Awaitable[Response]]


class RunPage:
    """What the page of one run asks for."""

    def __init__(self, engine: Engine, refits: Refits) -> None:
        self.engine, self.refits = engine, refits
        self._model: bytes | None = None
        self._describing = threading.Lock()

    def routes(self) -> list[BaseRoute]:
        """Addresses below that of the page."""
        return [
            *page_files("index.html"),
            Route("/model", _answering(self.model)),
            Route("/answer", _answering(self.answer), methods=["POST"]),
            Route("/break-even", _answering(self.break_even), methods=["POST"]),
            Route("/yaml", _answering(self.yaml), methods=["POST"]),
            Route("/refit", _answering(self.refit), methods=["POST"]),
            Route("/refit/{job:int}", _answering(self.job)),
            Route("/refit/{job:int}/cancel", _answering(self.cancel), methods=["POST"]),
        ]

    async def model(self, request: Request) -> Response:
        """Answer ``GET /model``."""
        return Response(await run_in_threadpool(self.described), media_type="application/json")

    def described(self) -> bytes:
        """What ``GET /model`` answers, worked out once."""
        with self._describing:
            if self._model is None:
                self._model = page_model(self.engine).model_dump_json(by_alias=True).encode()
            return self._model

    async def answer(self, request: Request) -> Response:
        """Answer ``POST /answer``."""
        state = self.engine.read(await _json(request))
        return _record(await run_in_threadpool(self.engine.answer, state))

    async def break_even(self, request: Request) -> Response:
        """Answer ``POST /break-even``."""
        content = await _json(request)
        goal, rest = read_goal(content)
        state = self.engine.read(rest)
        found = await run_in_threadpool(reach_goal, self.engine, state, goal)
        return _record(found)

    async def yaml(self, request: Request) -> Response:
        """Answer ``POST /yaml``."""
        state = self.engine.read(await _json(request))
        if state.scenario is not None:
            self.engine.plan(state)
        return Response(state.yaml, media_type="text/yaml; charset=utf-8")

    async def refit(self, request: Request) -> Response:
        """Answer ``POST /refit``."""
        content = await _json(request)
        state = self.engine.read(content)
        if state.scenario is not None:
            self.engine.plan(state)
        job = await run_in_threadpool(self.refits.start, self.engine, content, state)
        return _plain({"job": job}, 202)

    async def job(self, request: Request) -> Response:
        """Answer ``GET /refit/JOB``."""
        return _record(self.refits.status(self.engine, request.path_params["job"]))

    async def cancel(self, request: Request) -> Response:
        """Answer ``POST /refit/JOB/cancel``."""
        return _record(self.refits.cancel(self.engine, request.path_params["job"]))


def run_app(engine: Engine, refits: Refits, token: str, hosts: tuple[str, ...]) -> App:
    """Return the application that serves the page of one run."""
    page = RunPage(engine, refits)

    def prepare() -> None:
        page.described()
        engine.warm_up()

    # While the browser starts: the first answer is then as fast as the others.
    threading.Thread(target=prepare, daemon=True).start()
    return _guarded(page.routes(), token, hosts)


def list_app(runs: RunList, refits: Refits, token: str, hosts: tuple[str, ...]) -> App:
    """Return the application that lists runs and serves the page of each, read when it is first asked for."""
    pages: dict[int, tuple[Engine, Starlette]] = {}

    async def listed(request: Request) -> Response:
        found = await run_in_threadpool(runs.listing, token)
        return _record(found)

    async def page(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - the protocol's own types
        try:
            number = int(scope["path_params"]["run"])
            engine = await run_in_threadpool(runs.engine, number)
            if number not in pages or pages[number][0] is not engine:
                served = Starlette(routes=RunPage(engine, refits).routes(), exception_handlers=_HANDLERS)
                pages[number] = engine, served
            asked = pages[number][1]
            # A run that is no longer kept goes with its page.
            for other in pages.keys() - runs.open:
                del pages[other]
        except ForecastError as error:
            await _failed(Request(scope), error)(scope, receive, send)
            return
        await asked(scope, receive, send)

    routes: list[BaseRoute] = [*page_files("runs.html"), Route("/runs", _answering(listed))]
    return _guarded([*routes, Mount("/runs/{run:int}", app=page)], token, hosts)


def page_files(index: str) -> list[BaseRoute]:
    """Addresses of the files of the page, with ``index`` at the root."""
    return [
        Route("/", partial(_file, name=index)),
        *(Route(f"/{name}", partial(_file, name=name)) for name in PAGE_FILES if not name.endswith(".html")),
    ]


async def _file(request: Request, name: str) -> Response:
    place = _PAGE / name
    if not place.is_file():
        return _error(404, f"the page has no {name}")
    return Response(place.read_bytes(), headers={"content-type": _KINDS[name.rpartition(".")[2]]})


def _guarded(routes: list[BaseRoute], token: str, hosts: tuple[str, ...]) -> App:
    open_files = tuple(f"/{name}" for name in PAGE_FILES if not name.endswith(".html"))
    return Guard(
        Starlette(routes=routes, exception_handlers=_HANDLERS),
        token,
        hosts,
        open_path=lambda path: path.endswith(open_files),
        page_path=lambda path: path.endswith("/"),
    )


def _answering(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ForecastError as error:
            return _failed(request, error)

    return answer


def _failed(request: Request, error: ForecastError) -> Response:
    status = 409 if isinstance(error, OtherRunError | RunFolderError) else 400
    return _error(status, str(error), error.key if isinstance(error, StateError) else None)


async def _json(request: Request) -> object:
    body = await request.body()
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise StateError(f"the request is no JSON ({type(error).__name__})") from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _record(record: Record, status: int = 200) -> Response:
    return Response(record.model_dump_json(by_alias=True), status, media_type="application/json")


def _plain(content: dict[str, object], status: int) -> Response:
    return Response(json.dumps(content), status, media_type="application/json")


def _error(status: int, sentence: str, key: str | None = None) -> Response:
    return _plain({"error": sentence, "key": key}, status)


async def _http_fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {404: "there is nothing at this address", 405: "this address is not asked in this way"}
    return _error(error.status_code, said.get(error.status_code, error.detail))


_HANDLERS: Any = {HTTPException: _http_fault}
