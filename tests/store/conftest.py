"""A server that replays a day of GDELT in archives of a quarter of an hour, with faults where asked."""

import contextlib
import hashlib
import io
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from forecast.events.reading import act_files, connect, reader_of
from forecast.feeds.store import update_store

ELSEWHERE = "http://data.gdeltproject.org/gdeltv2"
"""The host that real lists name."""


Answer = tuple[int, dict[str, str], bytes]
Page = bytes | Callable[[], Answer]


@dataclass
class Server:
    """Pages by path; a page is its content, or a function that answers. ``asked`` are the paths asked for."""

    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, path: str) -> Answer:
        self.asked.append(path)
        page = self.pages.get(path)
        if page is None:
            return 404, {}, b"gone"
        return page() if callable(page) else (200, {}, page)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Serve pages on a port of their own."""
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            code, headers, content = served.answer(self.path)
            self.send_response_only(code)
            usual = {"Content-Length": str(len(content)), "Date": self.date_time_string()}
            for name, value in (usual | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    served.address = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield served
    finally:
        http.shutdown()
        http.server_close()


@pytest.fixture(autouse=True)
def own_scratch(tmp_path, monkeypatch) -> None:
    """Scratch folders of a test of its own: commands of other tests clear the system's of what is stale."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as served:
        yield served


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@dataclass
class Gdelt:
    """Archives by name and the lists that name them, put on a server."""

    server: Server
    archives: dict[str, bytes] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{self.server.address}/gdeltv2"

    @property
    def names(self) -> list[str]:
        return sorted(self.archives)

    def add(self, stamp: str, rows: str) -> str:
        name = f"{stamp}.export.CSV.zip"
        self.archives[name] = zipped(f"{stamp}.export.CSV", rows.encode())
        return name

    def line(self, name: str) -> str:
        content = self.archives[name]
        return f"{len(content)} {hashlib.md5(content).hexdigest()} {ELSEWHERE}/{name}"

    def publish(self) -> None:
        """Put archives and lists on the server; the lists name other data as well, as real ones do."""
        self.server.pages |= {f"/gdeltv2/{name}": content for name, content in self.archives.items()}
        lines = []
        for name in self.names:
            other = name.replace("export.CSV", "mentions.CSV")
            gkg = name.replace("export.CSV", "gkg.csv")
            lines += [self.line(name), *(f"9 {'0' * 32} {ELSEWHERE}/{one}" for one in (other, gkg))]
        self.server.pages["/gdeltv2/masterfilelist.txt"] = ("\n".join(lines) + "\n").encode()
        self.server.pages["/gdeltv2/lastupdate.txt"] = ("\n".join(lines[-3:]) + "\n").encode()

    def spoil(self, name: str, page: Page) -> None:
        """Put something else in the place of an archive; the lists stay as they are."""
        self.server.pages[f"/gdeltv2/{name}"] = page


@pytest.fixture(scope="session")
def quarters(samples) -> dict[str, str]:
    """Rows of the sample of 13 November 2020 by the quarter of an hour in which they were published."""
    found: defaultdict[str, str] = defaultdict(str)
    path: Path = samples / "gdelt2-20201113.export.CSV"
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        found[line.split("\t")[59]] += line
    return dict(found)


def published(server: Server, quarters: dict[str, str]) -> Gdelt:
    made = Gdelt(server)
    for stamp, rows in quarters.items():
        made.add(stamp, rows)
    made.publish()
    return made


@pytest.fixture
def gdelt(server, quarters) -> Gdelt:
    """The day of the sample, published."""
    return published(server, quarters)


@pytest.fixture(scope="session")
def whole(quarters, tmp_path_factory) -> Path:
    """A store of the day, from one update without a fault. Do not change it."""
    place, day = tmp_path_factory.mktemp("whole") / "S", date(2020, 11, 13)
    with serving() as server:
        address = published(server, quarters).address
        pairs = {("CHN", "USA")}
        report = update_store(place, lambda _: None, pairs=pairs, since=day, until=day, address=address)
    assert report.whole
    return place


@pytest.fixture
def update(command, gdelt, tmp_path) -> Callable:
    """Update a store from the day of the sample, without pauses between attempts."""

    def run(*more: object, store: str = "S", day: str = "2020-11-13"):
        place, span = tmp_path / store, ("--since", day, "--until", day)
        asked = ("--store", place, "--pair", "USA,CHN", *span)
        return command("events", "update", *asked, "--address", gdelt.address, "--json", *more)

    return run


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr("forecast.feeds.store.PAUSE_S", 0.0)


def reports_of(store: Path) -> list[dict[str, Any]]:
    """Every report that a store holds, but for the day on which it was first seen."""
    with connect() as connection:
        query = f"SELECT * EXCLUDE (first_seen) FROM {reader_of(act_files(store))} ORDER BY id"
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def files_of(store: Path) -> list[str]:
    """Names of all files of a store."""
    return sorted(path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file())
