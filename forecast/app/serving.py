"""A port of this machine that serves the page until it is interrupted."""

from __future__ import annotations

import secrets
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from forecast.app.guard import App
from forecast.app.opening import open_engine
from forecast.app.refits import Refits
from forecast.app.run_list import RunList
from forecast.app.server import list_app, run_app
from forecast.errors import InputError
from forecast.runs import files

ADDRESS = "127.0.0.1"
_BACKLOG = 128
_SECONDS_TO_END = 2


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
