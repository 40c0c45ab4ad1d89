"""Kills and power cuts at every file operation: folders whole or as before, the next command works.

A child process runs a command and counts what the interpreter announces to its audit hooks: files opened,
names changed, made and removed. Before operation number n it is killed with SIGKILL. A power cut is the same,
after every file that was written and not synced has lost its content, as on a disk that writes names first.
SQLite's own writes are not seen there: between the operations of Python the ledger is as SQLite leaves it.

Run by ``make torture``. The tests run a short form of it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
COUNTED = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "os.chmod")
HANGS_S = 60
TEMPORARY = ".forecast-"
CONFIG = """\
name: small
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN]}
as_of: 2022-01-01
events: {source: "bundled:us-china", start: 2017-01-01}
model: {family: pooled_hazard}
targets:
  grave: {any_of: [military_incident, military_posture], min_severity: 4}
milestones:
  - {name: spring, date: 2022-04-01}
  - {name: new-year, date: 2023-01-01}
headline: {target: grave, milestone: new-year}
sampler: {seed: 5, draws: 40, tune: 40, chains: 2}
"""
LIST = """\
name: trial
as_of: {as_of}
events: [acts.csv]
targets: {{force: {{any_of: [military_incident], min_severity: 3}}}}
horizons: [30, 180]
model: {{family: pooled_hazard}}
dyads:
  - {{a: AAA, b: BBB}}
  - {{a: AAA, b: CCC}}
triggers: {{ready: 20%, set: 80%}}
on_change: {{command: [sh, -c, 'cat >> "{told}"; echo >> "{told}"']}}
"""
WEEKS = ("2021-12-25", "2022-01-01")


@dataclass
class Outcome:
    """Points tried, and what was not as promised, by its place."""

    points: int = 0
    whole: int = 0
    absent: int = 0
    repeats: int = 0
    """Messages that a command of the user got twice."""
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    """What is tortured: a command in a folder that ``prepare`` fills, and what must hold afterwards."""

    name: str
    prepare: Callable[[Path], None]
    work: Callable[[Path], None]
    check: Callable[[Path], str]
    """Say what is wrong after the kill and before anything else was done; empty where nothing is."""
    repeats: Callable[[Path], int] = lambda place: 0
    after: Callable[[Path], str] | None = None
    """The same after the next command, where more must hold then."""
    needs_run: bool = True


class Tripwire:
    """Ends the process before an operation, or counts them all."""

    def __init__(self, place: Path, at: int, *, power_cut: bool) -> None:
        self.place, self.at, self.power_cut = place, at, power_cut
        self.seen, self.armed = 0, False
        self.synced: dict[int, tuple[int, int]] = {}
        self.began_ns = 0

    def arm(self) -> None:
        """Begin to count."""
        real = os.fsync

        def remember(descriptor: int) -> None:
            real(descriptor)
            status = os.fstat(descriptor)
            self.synced[status.st_ino] = status.st_mtime_ns, status.st_size

        os.fsync = remember
        for path in self.place.rglob("*"):
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                self.synced[status.st_ino] = status.st_mtime_ns, status.st_size
        sys.addaudithook(self.notice)
        self.armed = True

    def notice(self, event: str, arguments: tuple[object, ...]) -> None:
        """Count an operation on the place; end the process before the one in question."""
        if not self.armed or event not in COUNTED or not self._is_write(event, arguments):
            return
        self.seen += 1
        if self.seen == self.at:
            self.armed = False
            if self.power_cut:
                self.lose_unsynced()
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_write(self, event: str, arguments: tuple[object, ...]) -> bool:
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
        if not path.startswith(str(self.place)):
            return False
        if event != "open":
            return True
        flags = arguments[2] if len(arguments) > 2 else 0
        return bool(isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR))

    def lose_unsynced(self) -> None:
        """Empty every file whose content was not brought onto the disk."""
        for path in self.place.rglob("*"):
            if path.is_symlink() or not path.is_file() or ".sqlite" in path.name:
                continue
            status = path.stat()
            if self.synced.get(status.st_ino) != (status.st_mtime_ns, status.st_size):
                os.truncate(path, 0)


def torture(
    scene: Scene, *, power_cut: bool, most: int | None = None, first: float = 0.0, finish: bool = True
) -> Outcome:
    """Kill the work of a scene before each of its operations.

    Of ``most`` of them, evenly spread, the first lies at this part, below 1, of the way to the next.
    """
    with tempfile.TemporaryDirectory() as name:
        total = _operations(scene, Path(name) / "count")
        step = max(1, total // most) if most else 1
        outcome = Outcome()
        for at in range(1 + int(first * step), total + 1, step):
            place = Path(name) / str(at)
            place.mkdir()
            scene.prepare(place)
            before = _contents(place)
            _in_child(partial(scene.work, place), place, Tripwire(place, at, power_cut=power_cut))
            outcome.points += 1
            fault = scene.check(place)
            if fault:
                outcome.faults.append(f"{scene.name} at {at} of {total}: {fault}")
            elif _contents(place) == before:
                outcome.absent += 1
            else:
                outcome.whole += 1
            if finish:
                fault = _finish(scene, place)
                if fault:
                    outcome.faults.append(f"{scene.name} after {at} of {total}: {fault}")
                outcome.repeats += scene.repeats(place)
            shutil.rmtree(place)
        return outcome


class Ended(NamedTuple):
    """How the work of a child ended: its code, its last words, and the operations that were counted."""

    code: int
    said: str
    seen: int


def _in_child(work: Callable[[], object], place: Path, wire: Tripwire | None = None) -> Ended:
    """Do work in a child that prints nothing; the code is 98 where it was killed or hangs."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(HANGS_S)
        code, last = 0, ""
        said = io.StringIO()
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(said):
                tempfile.tempdir = str(place / "scratch")
                if wire is not None:
                    wire.arm()
                work()
        except SystemExit as end:
            code, last = int(end.code or 0), said.getvalue()[-300:]
        except BaseException as error:  # the child only reports
            code, last = 99, f"{type(error).__name__}: {error}"
        seen = wire.seen if wire is not None else 0
        if wire is not None:
            wire.armed = False
        os.write(writer, json.dumps([code, last, seen]).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        content = told.read()
    os.waitpid(child, 0)
    return Ended(*json.loads(content)) if content else Ended(98, "killed", 0)


def _operations(scene: Scene, place: Path) -> int:
    place.mkdir()
    scene.prepare(place)
    ended = _in_child(partial(scene.work, place), place, Tripwire(place, -1, power_cut=False))
    if ended.code:
        raise RuntimeError(f"{scene.name} fails without a kill: code {ended.code}, {ended.said}")
    shutil.rmtree(place)
    return ended.seen


def _finish(scene: Scene, place: Path) -> str:
    """Run the command once more: it must work, and leave nothing that is temporary."""
    ended = _in_child(partial(scene.work, place), place)
    if ended.code:
        return f"the next command ends with {ended.code}: {ended.said}"
    left = [str(path.relative_to(place)) for path in place.rglob("*") if TEMPORARY in path.name]
    left += [str(path.relative_to(place)) for path in (place / "scratch").iterdir()]
    return f"left: {', '.join(left[:3])}" if left else (scene.after or scene.check)(place)


def _contents(place: Path) -> dict[str, str]:
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and TEMPORARY not in str(path) and "scratch" not in path.parts
    }


def _command(*arguments: object) -> None:
    from forecast.cli import main

    sys.argv = ["forecast", *map(str, arguments)]
    main()


def _ledger_fault(path: Path) -> str:
    from forecast.errors import ForecastError
    from forecast.ledger.store import integrity_faults, open_ledger

    if not path.exists():
        return ""
    try:
        open_ledger(path)
        return "; ".join(integrity_faults(path))
    except ForecastError as error:
        return str(error)


def _run_fault(place: Path) -> str:
    """What is wrong with the run folder and the ledger beside it: a run that is there is whole, on record."""
    from forecast.errors import ForecastError
    from forecast.ledger.store import verify_ledger
    from forecast.runs.files import changed_files, read_manifest

    folder, ledger = place / "runs/small/2022-01-01", place / "runs/ledger.sqlite"
    if fault := _ledger_fault(ledger):
        return fault
    if not folder.exists():
        return ""
    if not ledger.exists() or verify_ledger(ledger).error or not verify_ledger(ledger).facts["runs"]:
        return "the run is there, but not as it is on record"
    try:
        hashes = read_manifest(folder)["outputs_sha256"]
        changed = changed_files(folder, hashes)
        return f"not whole: {[*changed][:3]}" if changed else ""
    except (ForecastError, KeyError) as error:
        return str(error)


def _rows_kept(store: Path) -> tuple[int, int]:
    from forecast.events.reading import ACTS, connect

    files = [str(path) for path in sorted((store / ACTS).glob("*.parquet"))]
    with connect() as connection:
        rows = "SELECT count(*), count(DISTINCT id) FROM read_parquet(?)"
        (counts,) = connection.execute(rows, [files]).fetchall() if files else [(0, 0)]
    return counts


def _store_fault(place: Path) -> str:
    """What is wrong with a store of acts: every month is readable, and holds no act twice."""
    acts, ids = _rows_kept(place / "store")
    return "" if acts == ids else f"{acts} acts, but {ids} ids"


@contextmanager
def feed_served(folder: Path) -> Iterator[str]:
    """Serve three archives of GDELT 2 and the lists that name them; gives their address."""
    lines = []
    for number in range(3):
        name = f"2020{number + 1:02d}28000000.export.CSV"
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.writestr(name, _gdelt_rows(number))
        content = (folder / f"{name}.zip").read_bytes()
        lines.append(f"{len(content)} {hashlib.md5(content).hexdigest()} http://feed/{name}.zip\n")
    for name in ("masterfilelist.txt", "lastupdate.txt"):
        (folder / name).write_text("".join(lines))
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    handler.func.log_message = lambda *given: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def scenes(made: Path, mirror: str = "") -> list[Scene]:
    """Return the scenes; ``made`` is a folder in which a run was made once, ``mirror`` serves a feed."""

    def empty(place: Path) -> None:
        (place / "scratch").mkdir()
        (place / "config.yaml").write_text(CONFIG)

    def with_run(place: Path) -> None:
        empty(place)
        shutil.copytree(made / "runs", place / "runs")

    def with_two(place: Path) -> None:
        with_run(place)
        shutil.copytree(made / "earlier", place / "earlier")

    def run(place: Path) -> None:
        # The interpreter keeps the fit of the run that was made, so that only what is written is repeated.
        force = ["--force"] if (place / "runs/small/2022-01-01").exists() else []
        _command("run", place / "config.yaml", "--out", place / "runs", "--allow-unconverged", *force)

    def report(place: Path) -> None:
        _command("report", place / "runs/small/2022-01-01")

    def report_since(place: Path) -> None:
        earlier = place / "earlier/small/2021-01-01"
        _command("report", place / "runs/small/2022-01-01", "--since", earlier)

    def with_feed(place: Path) -> None:
        (place / "scratch").mkdir()
        for number in range(3):
            rows = _gdelt_rows(number)
            (place / f"day-{number}.export.CSV").write_text(rows)

    def import_(place: Path) -> None:
        files = sorted(place.glob("*.CSV"))
        options = "--format", "gdelt2", "--dyad", "USA,CHN", "-o", place / "events.csv"
        if not (place / "events.csv").exists():
            _command("events", "import", *files, *options)

    def events_fault(place: Path) -> str:
        from forecast.errors import ForecastError
        from forecast.events.reading import read_events

        if not (place / "events.csv").exists():
            return ""
        try:
            found = len(read_events(place / "events.csv"))
        except ForecastError as error:
            return str(error)
        return "" if found == 36 else f"{found} events of 36"

    def backtest(place: Path) -> None:
        done = (place / "runs/small/backtest").exists()
        _command(
            *("backtest", place / "config.yaml", "--out", place / "runs", "--models", "pooled_hazard"),
            *("--from", "2021-01-01", "--to", "2021-12-01", *(["--force"] if done else [])),
        )

    def backtest_fault(place: Path) -> str:
        from forecast.runs.files import changed_files, read_manifest

        folder = place / "runs/small/backtest"
        if not folder.exists():
            return ""
        changed = changed_files(folder, read_manifest(folder)["outputs_sha256"])
        return f"not whole: {[*changed][:3]}" if changed else ""

    def resolve(place: Path) -> None:
        _command(
            "ledger", "resolve", "--events", "bundled:us-china", "--ledger", place / "runs/ledger.sqlite"
        )

    def export(place: Path) -> None:
        ledger = "--ledger", place / "runs/ledger.sqlite"
        _command("ledger", "export", "--format", "questions", "--out", place / "q.csv", *ledger)

    def sheet_fault(place: Path) -> str:
        path = place / "q.csv"
        return "" if not path.exists() or path.read_text().endswith("\n") else "the sheet is cut short"

    def judge(place: Path) -> None:
        asked = "--target", "grave", "--before", "spring", "--probability", "10%", "--made-on", "2022-01-02"
        ledger = "--ledger", place / "runs/ledger.sqlite"
        _command("judge", place / "runs/small/2022-01-01", "--by", "anna", *asked, *ledger)

    def with_server(place: Path) -> None:
        (place / "scratch").mkdir()

    def update(place: Path) -> None:
        asked = "--pair", "USA,CHN", "--since", "2020-01-01", "--until", "2020-03-31", "--address", mirror
        _command("events", "update", "--store", place / "store", *asked, "--json")

    def all_kept(place: Path) -> str:
        kept = _rows_kept(place / "store")
        return "" if kept == (36, 36) else f"{kept} acts and ids of 36"

    return [
        Scene("run", empty, run, _run_fault),
        Scene("run --force", with_run, run, _run_fault),
        Scene("report", with_run, report, _run_fault),
        Scene("report --since", with_two, report_since, _run_fault),
        Scene("events import", with_feed, import_, events_fault, needs_run=False),
        Scene("backtest", empty, backtest, backtest_fault),
        Scene("ledger resolve", with_run, resolve, lambda place: _ledger_fault(place / "runs/ledger.sqlite")),
        Scene("ledger export", with_run, export, sheet_fault),
        Scene("judge", with_run, judge, lambda place: _ledger_fault(place / "runs/ledger.sqlite")),
        Scene("events update", with_server, update, _store_fault, after=all_kept, needs_run=False),
        *(
            Scene(name, prepare, work, _watch_fault, _told_twice, _not_told, needs_run=False)
            for name, prepare, work in (
                ("watch", listed, watch),
                ("watch, next week", watched, watch_next),
                ("watch, same day", corrected, watch),
            )
        ),
    ]


def listed(place: Path) -> None:
    """Lay out a list of two dyads and its event file: quiet until a burst in the second week."""
    (place / "scratch").mkdir()
    days = [f"{2015 + month // 12}-{month % 12 + 1:02d}" for month in range(84)]
    rows = [f"b{day},{day}-03,AAA,BBB,military_incident,4" for day in days[::4]]
    rows += [f"c{day},{day}-07,AAA,CCC,military_incident,4" for day in days[::3]]
    rows += [f"d{day},{day}-11,CCC,AAA,dispute,2" for day in days]
    rows += [f"n{day},2021-12-{day},AAA,BBB,military_incident,4" for day in range(26, 32)]
    acts = "id,date,initiator,target,category,severity\n" + "\n".join(rows) + "\n"
    (place / "acts.csv").write_text(acts)
    for day in range(26, 32):
        acts = acts.replace(f"2021-12-{day},AAA", f"2021-12-{day - 10},AAA")
    (place / "corrected.csv").write_text(acts)
    (place / "list.yaml").write_text(LIST.format(as_of=WEEKS[0], told=_receiver(place)))


def watched(place: Path) -> None:
    """Lay out the list with its first week watched."""
    listed(place)
    if (ended := _in_child(partial(watch, place), place)).code:
        raise RuntimeError(f"the first week cannot be watched: code {ended.code}, {ended.said}")


def watch(place: Path, *more: object) -> None:
    """Watch the list on its day."""
    _command("watch", place / "list.yaml", "--out", place / "runs", *more)


def watch_next(place: Path) -> None:
    """Watch the list a week later, when one trigger changes."""
    watch(place, "--as-of", WEEKS[1])


def corrected(place: Path) -> None:
    """Lay out the list with its first week watched and its events corrected since: a trigger changes."""
    watched(place)
    os.replace(place / "corrected.csv", place / "acts.csv")


def _receiver(place: Path) -> Path:
    """Where the command of the list keeps what it is told: elsewhere, so that no power cut is there."""
    return place.with_name(f"{place.name}-told.jsonl")


def _told(place: Path) -> list[dict[str, Any]]:
    """Return what the command of the list was told, message by message."""
    path = _receiver(place)
    return [json.loads(line) for line in path.read_text().splitlines() if line] if path.exists() else []


def _told_twice(place: Path) -> int:
    told = [message["id"] for message in _told(place)]
    return len(told) - len(set(told))


def _watch_fault(place: Path) -> str:
    """What is wrong with the watches of a list, the ledger beside them, and what others were told."""
    from forecast.errors import ForecastError
    from forecast.ledger.store import open_ledger
    from forecast.records.watch import Watch
    from forecast.runs.files import changed_files, read_manifest
    from forecast.storage import remove_stale

    ledger = place / "runs/ledger.sqlite"
    if fault := _ledger_fault(ledger):
        return fault
    known = open_ledger(ledger).forecasts if ledger.exists() else ()
    on_record = {str(one.question.as_of) for one in known}
    if (twice := _told_twice(place)) > 1:
        return f"{twice} messages told more than once"
    for folder in sorted((place / "runs/trial").glob("????-??-??")):
        for manifest in (one for one in folder.rglob("manifest.json") if TEMPORARY not in str(one)):
            try:
                recorded = read_manifest(manifest.parent).get("outputs_sha256", {})
                if changed := changed_files(manifest.parent, recorded):
                    return f"not whole: {manifest.parent.name}: {[*changed][:3]}"
            except ForecastError as error:
                return str(error)
        if not (folder / "watch.json").exists():
            continue
        watch = Watch.model_validate_json((folder / "watch.json").read_bytes())
        remove_stale(folder)  # as the next command does first: a folder may lie aside between two renames
        missing = [one.name for one in watch.dyads if not (folder / one.name / "dyad.json").exists()]
        if missing:
            return f"{folder.name}: no folder of {missing}"
        if folder.name not in on_record:
            return f"{folder.name}: is there, but not on record"
        files = [folder / name for name in ("watch.csv", "watch.html", "watch.pdf")]
        if absent := [one.name for one in files if not one.exists() or not one.stat().st_size]:
            return f"{folder.name}: no {absent}"
    return ""


def _not_told(place: Path) -> str:
    """What is wrong once the next command has ended: all the above, or a change that nobody was told of."""
    from forecast.records.watch import Watch

    told = {
        (message["as_of"], change["dyad"], str(change["trigger"]))
        for message in _told(place)
        for change in message["changes"]
    }
    for path in sorted((place / "runs/trial").glob("????-??-??/watch.json")):
        watch = Watch.model_validate_json(path.read_bytes())
        changes = [one for one in watch.dyads if one.trigger != one.trigger_before]
        asked = [(path.parent.name, one.name, str(one.trigger)) for one in changes]
        if lost := [name for day, name, trigger in asked if (day, name, trigger) not in told]:
            return f"{path.parent.name}: nobody was told of {lost}"
    return _watch_fault(place)


def _gdelt_rows(day: int) -> str:
    rows = []
    for number in range(12):
        cells = [""] * 61
        cells[0], cells[1] = str(100 * day + number), f"2020{day + 1:02d}{2 * number + 1:02d}"
        cells[5] = cells[7] = "USA"
        cells[15] = cells[17] = "CHN"
        cells[25:29] = ["1", "173", "173", "17"]
        cells[29:34] = ["4", "-5.0", "10", "1", "10"]
        cells[59] = f"2020{day + 1:02d}{2 * number + 1:02d}000000"
        rows.append("\t".join(cells))
    return "\n".join(rows) + "\n"


def undrawn() -> None:
    """Draw and set nothing: it is the same each time, and only where it is written matters here."""
    build = importlib.import_module("forecast.report.build")
    build.figure_bytes = lambda figure, kind, ground="white": b"<svg/>"
    build.set_pdf = lambda *given, **named: b"%PDF-"
    build.render_page = lambda *given, **named: "<html></html>"
    watching = importlib.import_module("forecast.watchlist.watch")
    watching.make_page_and_pdf = lambda *given, **named: (b"<html></html>", b"%PDF-")


def prepared(folder: Path) -> None:
    """Make the run that the scenes copy, and one a year before; later runs take its fit from memory."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        (folder / "config.yaml").write_text(CONFIG)
        from forecast.config import load_config
        from forecast.runs.inputs import read_inputs

        workflow = importlib.import_module("forecast.workflows.forecast")
        judge, known = workflow.fit_and_judge, {}

        def once(inputs: object, listen: object = None, timed: object = None, *more: object) -> object:
            key = inputs.config.as_of
            if key not in known:
                judged = judge(inputs, listen, timed)
                # A run that did not converge is no earlier answer; a short one does not.
                known[key] = judged._replace(gates=judged.gates.model_copy(update={"failures": ()}))
            with timed("fit"), timed("chances"):
                return known[key]

        workflow.fit_and_judge = once
        # Only the fits are made here: threads of libraries do not survive the forks that follow.
        for day in ("2022-01-01", "2021-01-01"):
            config = load_config(folder / "config.yaml", [f"as_of={day}"])
            once(read_inputs(config), None, lambda stage: nullcontext())

    def make() -> None:
        for out, day in (("runs", "2022-01-01"), ("earlier", "2021-01-01")):
            place, day_set = folder / out, ["--set", f"as_of={day}"]
            with suppress(SystemExit):
                _command("run", folder / "config.yaml", "--out", place, "--allow-unconverged", *day_set)

    (folder / "scratch").mkdir()
    if (ended := _in_child(make, folder)).code:
        raise RuntimeError(f"the run to copy cannot be made: code {ended.code}, {ended.said}")


def main() -> None:
    """Torture every scene by kills and by power cuts; exit code 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--most", type=int, default=None, help="points a scene; all when absent")
    parser.add_argument("--only", default="", help="scenes whose name holds one of these, with commas")
    parser.add_argument("--seed", type=int, default=1, help="where the points of --most lie")
    parser.add_argument("--draw", action="store_true", help="draw charts and set pages, too (slow)")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*use of fork.*")
    broken: list[str] = []
    drawn = random.Random(given.seed)
    points = whole = absent = repeats = 0
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory() as feed,
        feed_served(Path(feed)) as mirror,
    ):
        if not given.draw:
            undrawn()
        parts = given.only.split(",")
        asked = [one for one in scenes(Path(name), mirror) if any(part in one.name for part in parts)]
        if any(scene.needs_run for scene in asked):
            prepared(Path(name))
        for scene in asked:
            for power_cut in (False, True):
                began = time.perf_counter()
                found = torture(scene, power_cut=power_cut, most=given.most, first=drawn.random())
                points, whole, absent = points + found.points, whole + found.whole, absent + found.absent
                repeats += found.repeats
                broken += found.faults
                kind = "power cuts" if power_cut else "kills"
                figures = f"{found.whole:>5} whole {found.absent:>5} as before {len(found.faults):>4} broken"
                took = time.perf_counter() - began
                print(f"{scene.name:<18}{found.points:>5} {kind:<11}{figures} {took:>6.0f} s", flush=True)
                print("".join(f"  {fault}\n" for fault in found.faults[:10]), end="", flush=True)
    print(f"{points} points, {whole} whole, {absent} as before, {len(broken)} promises broken")
    print(f"messages that were sent twice: {repeats}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
