"""Small inputs that could cost much: each must end with a message, soon, and in little memory.

Every bomb is a file, or what looks like one, given to a command in a process of its own. Measured are its
processor seconds beyond those that the same command takes for a sound input of that kind, and the most memory
that it held. Above two seconds or 500 MB a bomb has gone off; so it has where the command ends with anything
but a message, or where it takes what it should refuse.

Run by ``make bombs``. The tests try the small ones.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import lzma
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
MOST_CPU_S, MOST_MB = 2.0, 500
HANGS_S = 60
FENCE_BYTES = 12_000_000_000
"""Address space of a command, so that a bomb ends itself and not the machine."""
_MB = 1_000_000


@dataclass(frozen=True)
class Bomb:
    """An input, how it is made, and the command that reads it; ``kind`` names the sound command beside it."""

    name: str
    kind: str
    make: Callable[[Path], Path]
    taken: bool = False
    """Whether the command may end well: what is read of it is little."""


@dataclass(frozen=True)
class Cost:
    """What a command cost: processor seconds, most memory in MB, its exit code and last words."""

    cpu_s: float
    mb: float
    code: int
    said: str


_RUNNER = """\
import json, os, resource, signal, sys
place, hangs, fence, *command = sys.argv[1:]
child = os.fork()
if child == 0:
    os.chdir(place)
    resource.setrlimit(resource.RLIMIT_AS, (int(fence), int(fence)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(command[0], command)
signal.signal(signal.SIGALRM, lambda *given: os.kill(child, signal.SIGKILL))
signal.alarm(int(hangs))
_, status, used = os.wait4(child, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss, code]), file=sys.stderr)
"""
"""A small process that starts the command: what is forked inherits the memory mark of who forks it."""


def measured(arguments: list[str], folder: Path) -> Cost:
    """Run a command and measure it; one that hangs is ended after ``HANGS_S`` seconds."""
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    limits = [str(folder), str(HANGS_S), str(FENCE_BYTES)]
    command = [sys.executable, "-m", "forecast", *arguments]
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _RUNNER, *limits, *command],
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        check=True,
    )
    told = ended.stderr.decode(errors="replace").rstrip().split("\n")
    cpu_s, most, code = json.loads(told.pop())
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(cpu_s, most * unit / _MB, code, "\n".join([ended.stdout.decode(errors="replace"), *told]))


def _written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _bytes(name: str, content: Callable[[], bytes]) -> Callable[[Path], Path]:
    return lambda folder: _written(folder / name, content())


def _device(name: str, kind: str) -> Callable[[Path], Path]:
    """Return what makes a name that leads to a device without end, or a pipe that nobody writes into."""

    def make(folder: Path) -> Path:
        path = folder / name
        if kind == "fifo":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")
        return path

    return make


EVENTS = "id,date,initiator,target,category,severity\n"
ROWS = "".join(
    f"e{day},2020-{day // 28 + 1:02d}-{day % 28 + 1:02d},USA,CHN,dispute,2\n" for day in range(200)
)
CONFIG = """\
name: trial
as_of: 2021-01-01
dyad: {a: USA, b: CHN}
events: {source: events.csv}
targets: {grave: {any_of: [military_incident, dispute], min_severity: 2}}
milestones: [{name: spring, date: 2021-04-01}]
headline: {target: grave, milestone: spring}
model: {family: pooled_hazard}
"""
LIST = """\
name: trial
as_of: 2021-01-01
events: [events.csv]
targets: {grave: {any_of: [military_incident, dispute], min_severity: 2}}
horizons: [30]
model: {family: pooled_hazard}
dyads: [{a: USA, b: CHN}]
"""
SCENARIO = "name: trial\nlabel: Trial\nrationale: A trial.\nevents: []\n"
POLECAT = "Event ID,Event Date,Event Type,Actor Country,Recipient Country\n"
FEED_ROW = "a,2020-01-01,ACCUSE,USA,CHN\n"
FEED = POLECAT + FEED_ROW * 5
ANSWERS = "question,forecaster,probability\n"
_FEED = "events import"


def command_of(kind: str, path: Path, folder: Path) -> list[str]:
    """Return the command that reads an input of a kind at ``path``."""
    one, config = str(path), str(folder / "config.yaml")
    to = ["--dyad", "USA,CHN", "-o", str(folder / "out.csv")]
    if kind.startswith(_FEED):
        return ["events", "import", one, "--format", kind.removeprefix(_FEED).strip(), *to]
    no_fit = ["--no-report", "--no-ledger"]
    return {
        "events validate": ["events", "validate", one],
        "check": ["check", one],
        "check, events": ["check", config, "--set", f"events.source={one}"],
        "check, population": ["check", config, "--set", f"model={{family: model, population: {one}}}"],
        "check, hazard": ["check", config, "--set", f"model={{family: pooled_hazard, hazard: {one}}}"],
        "check, scenario": ["check", config, "--set", f"scenarios=[{one}]", "--set", "model.family=model"],
        "check, logo": ["check", config, "--set", f"report.logo={one}"],
        "check, font": ["check", config, "--set", f"report.fonts=[{one}]"],
        "watch": ["watch", one, "--out", str(folder / "watched"), *no_fit],
        "ledger verify": ["ledger", "verify", "--ledger", one],
        "ledger score": ["ledger", "score", "--ledger", one],
        "ledger import": ["ledger", "import", one, "--ledger", str(folder / "ledger.sqlite")],
        "ledger import prices": [
            *("ledger", "import", one, "--format", "prices", "--ledger", str(folder / "ledger.sqlite")),
        ],
        "ledger resolve": ["ledger", "resolve", "--events", one, "--ledger", str(folder / "ledger.sqlite")],
        "scenario": ["scenario", one, str(folder / "scenario.yaml")],
        "report": ["report", one],
    }[kind]


def sound(kind: str, folder: Path) -> Path:
    """Return a small sound input of a kind, whose cost is that of the start of the program."""
    if kind.startswith(_FEED):
        return _written(folder / "sound.txt", FEED)
    if kind in ("scenario", "report"):
        # A copy: the report of a run is built into its folder.
        return Path(shutil.copytree(ROOT / "reports/sample", folder / "sample"))
    if kind.startswith("ledger") and kind in ("ledger verify", "ledger score"):
        return folder / "ledger.sqlite"
    texts = {
        "check": CONFIG,
        "check, scenario": SCENARIO,
        "watch": LIST,
        "ledger import": ANSWERS,
        "ledger import prices": "date,question,probability,source\n",
    }
    files = {
        "check, population": ROOT / "forecast/priors/population.yaml",
        "check, hazard": ROOT / "forecast/pooled_hazard.json",
    }
    if kind in files:
        return files[kind]
    if kind == "check, logo":
        return _written(folder / "sound.png", _png(8, 8, b"\x00" * 8 * 9))
    if kind == "check, font":
        return next((ROOT / "forecast/report/fonts").glob("*.[to]tf"))
    return _written(folder / "sound.csv", texts.get(kind, EVENTS + ROWS))


def lay_out(folder: Path) -> None:
    """Write what the commands need beside the bomb: events, a config, a list, a ledger and a scenario."""
    from datetime import UTC, datetime

    from forecast.events.dyads import DyadRule
    from forecast.ledger.recording import RunOrigin, record_forecast
    from forecast.records.forecast import Forecast
    from forecast.runs.files import read_record
    from forecast.targets import TargetRule

    for name, text in (
        *(("events.csv", EVENTS + ROWS), ("config.yaml", CONFIG), ("feed.txt", FEED)),
        ("scenario.yaml", SCENARIO),
    ):
        _written(folder / name, text)
    made = read_record(ROOT / "reports/sample/forecast.json", Forecast)
    origin = RunOrigin(
        run_id=made.run_id,
        name=made.name,
        label=made.dyad.label,
        as_of=made.as_of,
        model=made.model,
        scale=made.scale,
        reporter=made.reporter,
        dyad=DyadRule(("USA",), ("CHN",)),
        config_sha256="a" * 64,
        data_sha256="b" * 64,
        code_version="0",
        made_on=datetime(2023, 7, 11, tzinfo=UTC),
        run_folder=None,
    )
    rules = [TargetRule(target.name, ("military_incident",), 4) for target in made.targets]
    record_forecast(folder / "ledger.sqlite", made.targets, rules, origin)


def _packed(format_: str, content: Callable[[], Iterator[bytes]]) -> bytes:
    """Pack blocks of bytes, one after the other, by gzip, xz, bzip2, or into a zip file."""
    buffer = io.BytesIO()
    if format_ == "zip":
        with (
            zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("rows.csv", "w", force_zip64=True) as stream,
        ):
            for block in content():
                stream.write(block)
    else:
        opened = {"gz": gzip.GzipFile, "xz": lzma.LZMAFile}[format_]
        options = {"fileobj": buffer} if format_ == "gz" else {"filename": buffer}
        with opened(mode="wb", **options) as stream:
            for block in content():
                stream.write(block)
    return buffer.getvalue()


def _zeros(megabytes: int, line: bytes = b"") -> Callable[[], Iterator[bytes]]:
    block = line * (_MB // len(line)) if line else b"0" * _MB
    return lambda: (block for _ in range(megabytes))


def _workbook(megabytes: int, part: str, row: str = "<row><c><v>1</v></c></row>") -> bytes:
    """A spreadsheet of which one part, of one row or text repeated, unpacks to so many megabytes."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.sheet.main+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        'officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        'relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    spread = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rows = (
        f'<worksheet xmlns="{spread}"><sheetData>',
        row,
        "</sheetData></worksheet>",
    )
    strings = f'<sst xmlns="{spread}">', "<si><t>a</t></si>", "</sst>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, (head, one, tail) in (("worksheets/sheet1", rows), ("sharedStrings", strings)):
            most = megabytes * _MB // len(one) if part == name else 1
            with archive.open(f"xl/{name}.xml", "w") as stream:
                stream.write(head.encode())
                for begin in range(0, max(1, most), 10_000):
                    stream.write(one.encode() * min(10_000, max(1, most) - begin))
                stream.write(tail.encode())
    return buffer.getvalue()


def _parquet(folder: Path, rows: int, cell: str) -> Path:
    """Events in Parquet whose columns are one value each, so that many rows take few bytes."""
    import duckdb

    columns = ["id", "date", "initiator", "target", "category", "severity"]
    cells = (cell, "2020-01-01", "USA", "CHN", "dispute", "2")
    asked = ", ".join(f"'{value}' AS {name}" for name, value in zip(columns, cells, strict=True))
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {asked} FROM range({rows})) TO '{folder / 'bomb.parquet'}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    return folder / "bomb.parquet"


def _laughs(text: str) -> Callable[[], bytes]:
    """A YAML text with an alias of an alias, nine deep: a billion items, written out."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return lambda: (text + "\n".join(lines) + "\n").encode()


def _png(width: int, height: int, content: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(content, 9)) + chunk(b"IEND", b"")


def _svg(body: str, head: str = "", size: str = 'width="10" height="10"') -> bytes:
    return f'{head}<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>'.encode()


_XML_LAUGHS = (
    '<!DOCTYPE svg [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


def _ledger(folder: Path, damage: str) -> Path:
    """A ledger that is larger than it looks: pages counted that are not there, holes, a vast record."""
    path = folder / "bomb.sqlite"
    shutil.copy(folder / "ledger.sqlite", path)
    if damage == "pages":
        content = bytearray(path.read_bytes())
        content[28:32] = struct.pack(">I", 2**32 - 2)
        return _written(path, bytes(content))
    if damage == "holes":
        os.truncate(path, 200_000_000_000)
        return path
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TRIGGER records_only_follow; DROP TRIGGER records_never_change")
        if damage == "records":
            connection.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) "
                "INSERT INTO records SELECT i, 'a', 'b' || i, '{}' FROM n"
            )
        else:
            text = "'" + "[" * 100_000 + "'" if damage == "deep" else "CAST(zeroblob(900000000) AS TEXT)"
            connection.execute(f"UPDATE records SET payload = {text} WHERE sequence = 1")
        connection.commit()
    return path


def _run(folder: Path, **contents: bytes) -> Path:
    """The sample run with files exchanged or added, and a manifest that agrees."""
    place = folder / "run"
    shutil.copytree(ROOT / "reports/sample", place)
    manifest = json.loads((place / "manifest.json").read_text())
    for stem, content in contents.items():
        name = f"{stem}.json" if stem == "forecast" else f"{stem}.nc"
        (place / name).write_bytes(content)
        manifest["outputs_sha256"][name] = hashlib.sha256(content).hexdigest()
    (place / "manifest.json").write_text(json.dumps(manifest))
    return place


def _draws(fill: Callable[[h5py.Group], object] | None = None) -> bytes:
    """A posterior that the sample run could have, of four draws in all; ``fill`` adds to it."""
    from forecast.config import load_config
    from forecast.events.reading import read_events
    from forecast.runs.inputs import inputs_of

    sample = ROOT / "reports/sample"
    inputs = inputs_of(load_config(sample / "config.resolved.yaml"), read_events(sample / "events.csv"))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update({"target_accept": 0.9, "tune": 10, "reruns": 0})
        group = file.create_group("posterior")
        for name, size in (("chain", 2), ("draw", 2)):
            group[name] = list(range(size))
        for name in {group.name for group in inputs.priors.groups}:
            group[name] = np.zeros((2, 2, 3))
        if fill is not None:
            fill(group)
    return buffer.getvalue()


def _array(*shape: int, part: int = 1, **options: object) -> Callable[[h5py.Group], object]:
    """An array of such a shape, of which no value is written: the file is small, what is read is not."""
    chunks = None if options else tuple(min(size, part) for size in shape)
    return lambda group: group.create_dataset("bomb", shape, "f8", chunks=chunks, **options)


def _groups(group: h5py.Group) -> None:
    for number in range(100_000):
        group.create_group(f"g{number}")


def _linked(group: h5py.Group) -> None:
    group["bomb"] = h5py.ExternalLink("/dev/zero", "/")


def bombs() -> Iterator[Bomb]:
    """Yield every bomb."""
    for kind, file, contents in _CONTENTS:
        for name, content in contents.items():
            yield Bomb(name, kind, _bytes(file, content), taken=name in _TAKEN)
    for feed in ("icews", "polecat", "acled", "gdelt2"):
        sign = b"," if feed == "acled" else b"\t"
        header = sign.join(b"c%d" % number for number in range(400_000))
        row = sign.join([b"1"] * 400_000)
        file = _bytes("b.txt", partial(b"%s\n%s\n".__mod__, (header, row)))
        yield Bomb("header of 400,000 columns", f"events import {feed}", file)
    for kind in _DEVICES:
        suffix = {"check, logo": ".png", "check, font": ".ttf"}.get(
            kind, ".csv" if "vents" in kind else ".yaml"
        )
        for device in ("fifo", "/dev/zero"):
            name = "a pipe without a writer" if device == "fifo" else device
            yield Bomb(name, kind, _device(f"bomb{suffix}", device))
    for format_ in ("gz", "zip", "xz"):
        one_line = partial(_packed, format_, _zeros(1_000))
        many = partial(_packed, format_, _zeros(1_000, b"x\n"))
        yield Bomb(
            f"1 GB of one line in a .{format_}", "events import gdelt2", _bytes(f"b.{format_}", one_line)
        )
        yield Bomb(
            f"1 GB of one line in a .{format_}", "events validate", _bytes(f"b.csv.{format_}", one_line)
        )
        yield Bomb(
            f"1 GB of short lines in a .{format_}", "events import gdelt2", _bytes(f"b.{format_}", many)
        )
    for name, (megabytes, part, *row) in _WORKBOOKS.items():
        made = partial(_workbook, megabytes, part, *row)
        yield Bomb(f"spreadsheet {name}", "events validate", _bytes("b.xlsx", made))
    for name, kind, rows, cell in _PARQUETS:
        yield Bomb(f"Parquet of {name}", kind, partial(_parquet, rows=rows, cell=cell))
    for kind, text in _YAML.items():
        start = text.encode()
        for name, content in {
            "a billion laughs": _laughs(text),
            "100,000 open brackets": partial(bytes.__add__, start, b"x: " + b"[" * 100_000),
            "1 MB of keys": partial(bytes.__add__, start, b"".join(b"k%d: a\n" % n for n in range(90_000))),
        }.items():
            yield Bomb(name, kind, _bytes("b.yaml", content))
    for name, content in _FORECASTS.items():
        yield Bomb(
            f"forecast.json of {name}", "report", lambda folder, made=content: _run(folder, forecast=made())
        )
    for name, fill in _DRAWS.items():
        yield Bomb(name, "scenario", lambda folder, fill=fill: _run(folder, posterior=_draws(fill)))
    huge = 10**12
    yield Bomb(
        "draws of 2 x 2 x 10^12",
        "report",
        lambda folder: _run(folder, posterior=_draws(_array(2, 2, huge, part=1000))),
        taken=True,
    )
    for damage, name in _LEDGERS.items():
        # Its records are whole, and what lies behind the holes is not read.
        yield Bomb(name, "ledger verify", partial(_ledger, damage=damage), taken=damage == "holes")


_ACTORS = "; ".join(f"A{number}" for number in range(1_500))
_WIDE = f"{POLECAT}a,2020-01-01,ACCUSE,{_ACTORS},{_ACTORS}\n"
_DEEP = b"[" * 200_000
_TAKEN = ("SVG of 10^9 by 10^9",)
"""Bombs that a command may take: what is read of them is little."""
_CONTENTS: tuple[tuple[str, str, dict[str, Callable[[], bytes]]], ...] = (
    (
        "events import polecat",
        "b.csv",
        {
            "1,500 x 1,500 actors in a line": lambda: _WIDE.encode(),
            "header, then 40 MB of letters": lambda: POLECAT.encode() + b"a\n" * 20 * _MB,
        },
    ),
    (
        "events import polecat",
        "b.gz",
        {
            "1 GB of short lines": lambda: _packed("gz", _zeros(1_000, b"{}\n")),
            "1 GB of one sound row": lambda: _packed(
                "gz", lambda: chain([POLECAT.encode()], _zeros(1_000, FEED_ROW.encode())())
            ),
        },
    ),
    (
        "events validate",
        "b.csv",
        {
            "40 MB of single letters": lambda: b"a," * 20 * _MB,
            "header, then 40 MB of letters": lambda: EVENTS.encode() + b"a\n" * 20 * _MB,
            "40 MB of rows with one fault each": lambda: EVENTS.encode() + b"a,b,c,d,e,f\n" * 3_300_000,
            "header of 400,000 columns": lambda: (
                EVENTS.encode().strip() + b",a" * 400_000 + b"\n" + ROWS.encode()
            ),
        },
    ),
    ("check, hazard", "b.json", {"200,000 open brackets": lambda: _DEEP}),
    (
        "ledger import",
        "b.csv",
        {
            "18 MB of lines of one letter": lambda: b"a\n" * 9 * _MB,
            "18 MB of blanks": lambda: b" " * 18 * _MB,
            "header of 9 MB of columns": lambda: ANSWERS.strip().encode() + b",a" * 4_500_000 + b"\n1",
        },
    ),
    (
        "check, logo",
        "b.svg",
        {
            "SVG of entities in entities": lambda: _svg("<text>&a9;</text>", _XML_LAUGHS),
            "SVG of 10^9 by 10^9": lambda: _svg("", size='width="1e9" height="1e9"'),
        },
    ),
)
_DEVICES = (
    *("events validate", "check", "check, events", "check, population", "check, hazard"),
    *("check, scenario", "check, logo", "check, font", "watch", "ledger verify"),
    *("ledger import", "ledger import prices", "ledger resolve"),
    "events import gdelt2",
    "events import polecat",
)
_WORKBOOKS: dict[str, tuple[int, str] | tuple[int, str, str]] = {
    "of 400 MB of rows": (400, "worksheets/sheet1"),
    "of 400 MB of texts": (400, "sharedStrings"),
    "with a cell in row 2,000,000,000": (
        *(0, "worksheets/sheet1"),
        '<row r="2000000000"><c r="A2000000000"><v>1</v></c></row>',
    ),
    "with cells in column XFD": (9, "worksheets/sheet1", '<row><c r="XFD1"><v>1</v></c></row>'),
}
_PARQUETS = (
    ("4,000,000 rows", "events validate", 4_000_000, "a"),
    ("100,000,000 rows", "events validate", 100_000_000, "a"),
    ("cells of 1 MB", "events validate", 2_000, "a" * _MB),
)
_YAML = {"check": CONFIG, "check, scenario": SCENARIO, "watch": LIST, "check, population": ""}
_FORECASTS: dict[str, Callable[[], bytes]] = {
    "200,000 brackets": lambda: _DEEP,
    "150 MB of brackets": lambda: b"[" + b"[]," * 50 * _MB + b"[]]",
    "40 MB of brackets": lambda: b"[" + b"[]," * 13 * _MB + b"[]]",
}
_DRAWS = {
    "draws of 2 x 2 x 10^12": _array(2, 2, 10**12, part=1000),
    "draws of 2 x 2 x 10^7, one by one": _array(2, 2, 10**7),
    "draws of 2 x 2 x 10^9, in one piece": _array(2, 2, 10**9, fillvalue=0),
    "draws in /dev/zero": _array(2, 2, 10**9, external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)]),
    "draws behind a link": _linked,
    "draws in 100,000 groups": _groups,
}
_LEDGERS = {
    "pages": "2^32 pages counted",
    "holes": "200 GB of holes",
    "vast": "a record of 900 MB",
    "deep": "a record of 100,000 brackets",
    "records": "400,000 records out of line",
}


def explode(bomb: Bomb, folder: Path, start: Cost) -> tuple[Cost, str]:
    """Try a bomb; return what it cost beyond the start, and what is wrong, if anything."""
    found = measured(command_of(bomb.kind, bomb.make(folder), folder), folder)
    cost = Cost(max(0.0, found.cpu_s - start.cpu_s), found.mb, found.code, found.said)
    wrong = []
    if cost.cpu_s > MOST_CPU_S:
        wrong.append(f"{cost.cpu_s:.1f} s")
    if cost.mb > MOST_MB:
        wrong.append(f"{cost.mb:.0f} MB")
    if cost.code != 2 and not (bomb.taken and cost.code == 0):
        wrong.append(f"exit code {cost.code}")
    if "Traceback" in cost.said:
        wrong.append("a traceback")
    if not cost.said.strip() and not bomb.taken:
        wrong.append("no message")
    return cost, ", ".join(wrong)


def run(only: str = "", shown: Callable[[str], object] = print) -> list[str]:
    """Try all bombs whose name or command holds ``only``; return those that went off."""
    starts: dict[str, Cost] = {}
    off = []
    for bomb in bombs():
        if only not in f"{bomb.kind}: {bomb.name}":
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            lay_out(folder)
            if bomb.kind not in starts:
                starts[bomb.kind] = measured(command_of(bomb.kind, sound(bomb.kind, folder), folder), folder)
                start = starts[bomb.kind]
                shown(f"{bomb.kind:<22}{'(a sound input)':<38}{start.cpu_s:>6.1f} s {start.mb:>6.0f} MB")
                for left in ("out.csv", "watched", "new.sqlite"):
                    shutil.rmtree(folder / left, ignore_errors=True)
                    (folder / left).unlink(missing_ok=True) if not (folder / left).is_dir() else None
            cost, wrong = explode(bomb, folder, starts[bomb.kind])
            words = " ".join(cost.said.split())[:90]
            shown(f"{bomb.kind:<22}{bomb.name:<38}{cost.cpu_s:>6.1f} s {cost.mb:>6.0f} MB  {wrong or words}")
            if wrong:
                off.append(f"{bomb.kind}: {bomb.name}: {wrong}")
    return off


def main() -> None:
    """Try all bombs and print what each cost; exit code 1 where one went off."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help="bombs whose command or name holds this")
    given = parser.parse_args()
    off = run(given.only, lambda line: print(line, flush=True))
    print(f"{len(off)} went off (above {MOST_CPU_S:g} s beyond a sound input, {MOST_MB} MB, or no message)")
    sys.exit(bool(off))


if __name__ == "__main__":
    main()
