"""The addresses of the page: its files, and what it asks of a run, or of the runs below a folder.

Every answer is JSON, every fault too. ``serve`` answers on a port of this machine until it is interrupted.
"""

from __future__ import annotations

import json
import secrets
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from forecast.app.engine import Engine, open_engine
from forecast.app.guard import ADDRESS, App, Guard, listening_on, server_of
from forecast.app.page_model import page_model
from forecast.app.refits import Refits
from forecast.app.state import OtherRunError, StateError
from forecast.errors import ForecastError, RunFolderError
from forecast.records.base import Record
from forecast.records.forecast import Forecast
from forecast.report.judgement import headline_pair, question_sentence
from forecast.runs import files
from forecast.runs.folder import read_record, run_folders

_KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_PAGE = package_files("forecast.app") / "page"
PAGE_FILES = tuple(
    sorted(one.name for one in _PAGE.iterdir() if one.is_file() and one.name.rpartition(".")[2] in _KINDS)
    if _PAGE.is_dir()
    else ()
)
"""The files of the page, listed when the server starts; no others are ever read."""
Handler = Callable[[Request], Awaitable[Response]]
_MOST_OPEN = 4
"""Runs kept in memory; each takes some hundred megabytes."""


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
            Route("/yaml", _answering(self.yaml), methods=["POST"]),
            Route("/refit", _answering(self.refit), methods=["POST"]),
            Route("/reconcile", _answering(self.reconcile), methods=["POST"]),
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

    async def reconcile(self, request: Request) -> Response:
        """Answer ``POST /reconcile``."""
        content = await _json(request)
        return _plain({"job": await run_in_threadpool(self.refits.search, self.engine, content)}, 202)

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


class ListedHeadline(Record):
    """The bottom line of a run."""

    target: str
    milestone: str
    label: str
    date: date
    probability: float
    low: float
    high: float
    words: str
    sentence: str


class ListedRun(Record):
    """A run of the list; ``page`` is the address of its page, ``reason`` why it has none.

    Runs of one ``name`` ask about the same relation as of different days: they are its history.
    """

    n: int
    name: str
    title: str
    run_id: str
    as_of: date
    converged: bool
    headline: ListedHeadline | None
    page: str | None
    reason: str | None


class Listing(Record):
    """All runs, by name, the newest first."""

    folder: str
    runs: tuple[ListedRun, ...]


class RunList:
    """The runs below a folder; numbers are given when the server starts and stay."""

    def __init__(self, folder: Path) -> None:
        self._name = folder.resolve().name
        self.folders = tuple(run_folders(folder))
        if not self.folders:
            raise RunFolderError(
                f"{folder}: holds no run. Give a run folder, or one with runs below it, e.g. reports; "
                "'forecast run' makes them"
            )
        self._open: dict[int, Engine] = {}
        self._lock = threading.Lock()

    def engine(self, number: int) -> Engine:
        """Return the engine of a run, read when it is first asked for; those asked for last are kept."""
        if not 0 <= number < len(self.folders):
            raise StateError(f"there is no run of number {number}")
        with self._lock:
            found = self._open.pop(number, None)
            while len(self._open) >= _MOST_OPEN:
                del self._open[next(iter(self._open))]
            self._open[number] = found or open_engine(self.folders[number])
            return self._open[number]

    @property
    def open(self) -> frozenset[int]:
        """Numbers of the runs that are kept."""
        return frozenset(self._open)

    def listing(self, token: str) -> Listing:
        """Read the bottom line of every run; one that cannot be read says why."""
        runs = [self._listed(number, folder, token) for number, folder in enumerate(self.folders)]
        runs.sort(key=lambda one: one.as_of, reverse=True)
        runs.sort(key=lambda one: one.name)
        return Listing(folder=self._name, runs=tuple(runs))

    def _listed(self, number: int, folder: Path, token: str) -> ListedRun:
        try:
            forecast = read_record(folder / files.FORECAST, Forecast)
        except ForecastError as error:
            return ListedRun(
                n=number,
                name=folder.parent.name,
                title=folder.name,
                run_id="",
                as_of=date.min,
                converged=False,
                headline=None,
                page=None,
                reason=str(error),
            )
        target, milestone = headline_pair(forecast)
        whole = (folder / files.POSTERIOR).is_file()
        return ListedRun(
            n=number,
            name=forecast.name,
            title=forecast.dyad.label,
            run_id=forecast.run_id,
            as_of=forecast.as_of,
            converged=forecast.converged,
            headline=ListedHeadline(
                target=target.name,
                milestone=milestone.name,
                label=target.label,
                date=milestone.date,
                probability=milestone.probability,
                low=milestone.interval90[0],
                high=milestone.interval90[1],
                words=milestone.words,
                sentence=question_sentence(target, milestone),
            ),
            page=f"runs/{number}/?token={token}" if whole else None,
            reason=None if whole else f"kept without its draws ({files.POSTERIOR})",
        )


def list_app(runs: RunList, refits: Refits, token: str, hosts: tuple[str, ...]) -> App:
    """Return the application that lists runs and serves the page of each, read when it is first asked for."""
    pages: dict[int, tuple[Engine, Starlette]] = {}

    async def listed(request: Request) -> Response:
        return _record(await run_in_threadpool(runs.listing, token))

    async def page(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - the protocol's own types
        try:
            number = int(scope["path_params"]["run"])
            engine = await run_in_threadpool(runs.engine, number)
            if number not in pages or pages[number][0] is not engine:
                routes = RunPage(engine, refits).routes()
                pages[number] = engine, Starlette(routes=routes, exception_handlers=_HANDLERS)
            served = pages[number][1]
            # A run that is no longer kept goes with its page.
            for other in pages.keys() - runs.open:
                del pages[other]
        except ForecastError as error:
            await _failed(Request(scope), error)(scope, receive, send)
            return
        await served(scope, receive, send)

    addresses: list[BaseRoute] = [*page_files("runs.html"), Route("/runs", _answering(listed))]
    return _guarded([*addresses, Mount("/runs/{run:int}", app=page)], token, hosts)


def serve(folder: Path, port: int, tell: Callable[[str], None], *, browser: bool) -> None:
    """Serve the page of a run, or of the runs below a folder, until Ctrl-C.

    ``tell`` is given the address once it can be asked.

    Raises
    ------
    RunFolderError
        There is no run that the page can be made of.
    InputError
        The port is taken.
    """
    single = (folder / files.FORECAST).is_file() or not folder.is_dir()
    engine = open_engine(folder) if single else None
    runs = None if single else RunList(folder)
    refits, token = Refits(), secrets.token_urlsafe(24)
    with listening_on(port) as listening:
        port = listening.getsockname()[1]
        hosts = (f"{ADDRESS}:{port}", f"localhost:{port}")
        if engine is not None:
            app: App = run_app(engine, refits, token, hosts)
        else:
            assert runs is not None
            app = list_app(runs, refits, token, hosts)
        address = f"http://{ADDRESS}:{port}/?token={token}"
        tell(address)
        if browser:
            webbrowser.open(address)
        try:
            server_of(app).run([listening])
        finally:
            refits.close()


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
