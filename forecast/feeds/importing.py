"""An import: files of a feed → the fate of every row, candidates → rows kept → an event file and an account.

``data/formats.toml`` has the layouts. A thread unpacks files into texts, in batches; one DuckDB statement
(``data/judge.sql``) reads the texts of a batch and judges their rows, under a memory limit. A file that
cannot be read to its end is named, and none of its rows counts. Rows come in the order in which they became
known, so that what was kept up to a day does not depend on what came after it.
"""

from __future__ import annotations

import csv
import gzip
import lzma
import re
import shutil
import struct
import sys
import time
import tomllib
import zipfile
import zlib
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from importlib.resources import files
from itertools import chain, groupby
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast
from urllib.parse import urlsplit

import duckdb
import numpy as np
from numpy.typing import NDArray

from forecast.blocks import Block, Bullets, Entry, Prose, paired, plain_table, right
from forecast.errors import EventError, InputError, clean_text, did_you_mean
from forecast.events.cells import MAX_CELL_CHARS, CellFault, latest_day, parse_actor
from forecast.events.codebook import Coding, cameo_codes, countries, country_names
from forecast.events.dyads import near_actors
from forecast.events.reading import FREE_BYTES, MAX_EXPANSION, OTHER_KINDS, literal_path, quoted
from forecast.events.table import COLUMNS, REQUIRED
from forecast.storage import copy_file, csv_text, locked, open_plain, scratch_folder
from forecast.wording import count

System = Literal["cameo", "plover", "acled", "ucdp"]
"""Which crosswalk gives a code its meaning."""
MAX_COLUMNS = 5_000
FIRST_LINES = 1_000
"""Lines at the beginning of a text by which its format is judged."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A published format: its columns, how a text is cut into them, and how each field is read from them.

    ``origin`` says where the columns are defined, and whether we tested on real rows. ``fields`` maps a field
    of ``FIELDS`` to an SQL expression on the ``columns``. The other values are explained in
    ``data/formats.toml``.
    """

    name: str
    origin: str
    system: System
    syntax: Literal["rows", "table"]
    columns: tuple[str, ...]
    fields: Mapping[str, str]
    required: tuple[str, ...] = ()
    optional: int = 0
    named_countries: bool = False
    known_date: str = ""
    lists: tuple[str, ...] = ()


def folded(name: str) -> str:
    """Return a column's name as compared: files differ in capitals and underscores."""
    return name.strip('" ').lower().replace("_", " ")


def data_text(name: str) -> str:
    """Return a file of the package's data."""
    return (files("forecast.feeds") / "data" / name).read_text(encoding="utf-8")


def data_rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table of the package's data."""
    yield from csv.DictReader(data_text(name).splitlines())


def _layouts(tables: dict[str, dict[str, Any]]) -> dict[str, Layout]:
    layouts = {}
    for name, table in tables.items():
        values = tables.get(table.get("like", ""), {}) | table | {"name": name}
        values.pop("like", None)
        names = {key: values[key].split(",") for key in ("columns", "required", "lists") if key in values}
        values |= {key: tuple(column.strip() for column in columns) for key, columns in names.items()}
        layouts[name] = Layout(**values)
    return layouts


_TABLES = tomllib.loads(data_text("formats.toml"))
FIELDS, JOINED, MACROS = (cast("dict[str, str]", _TABLES.pop(name)) for name in ("fields", "codes", "macros"))
"""Fields of a row and columns of the table of codes, with their types; SQL functions, with their bodies."""
LAYOUTS = _layouts(_TABLES)
"""Formats whose columns are published, by name."""


# Which format a text is of


class UnusableFileError(Exception):
    """A file that cannot be read to its end, or is of another format; the message says what it is instead.

    A damaged one is set aside; one of ``another_format`` ends an import that has read none.
    """

    def __init__(self, message: str, *, another_format: bool = False) -> None:
        super().__init__(message)
        self.another_format = another_format


class Shape(NamedTuple):
    """How a text is cut into cells: its columns, those of the layout under their names, and its separator."""

    columns: tuple[str, ...]
    separator: str = "\t"
    header: bool = False

    @property
    def quote(self) -> str | None:
        """The mark round cells; between tabs a stray one must not swallow lines."""
        return '"' if self.separator in ",;|" else None

    def rows(self, lines: Sequence[str]) -> Iterator[list[str]]:
        """Yield the cells of the rows of some lines, up to one that cannot be read."""
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE
        with suppress(csv.Error):
            yield from (
                row for row in csv.reader(lines, delimiter=self.separator, quoting=quoting) if any(row)
            )


def shape_of(layout: Layout, lines: Sequence[str]) -> Shape:
    """Return how a text is read, by its first lines (``UnusableFileError``: they are not of the format)."""
    shape = _shape_or_reason(layout, lines)
    if isinstance(shape, Shape):
        return shape
    first = [line for line in lines[:20] if line.strip()]
    alike = [
        name for name, other in LAYOUTS.items() if first and isinstance(_shape_or_reason(other, first), Shape)
    ]
    width = lines[0].count("\t") + 1
    form = f"{width} tab-separated columns" if width > 1 else f"lines such as '{clean_text(lines[0][:60])}'"
    what = f"The file has {form} and looks like none of {', '.join(LAYOUTS)}"
    if first and all(name in first[0].lower() for name in REQUIRED):
        what = "The file is coded already: name it as events.source"
    elif alike:
        what = f"The file looks like {alike[-1]}: --format {alike[-1]}"
    raise UnusableFileError(f"not {layout.name} rows ({shape}). {what}", another_format=True)


def _shape_or_reason(layout: Layout, lines: Sequence[str]) -> Shape | str:
    """Return how the first lines of a text are read, or why they are not of a format."""
    shape = Shape(layout.columns)
    if layout.syntax == "table":
        separator = max(",;\t|", key=lines[0].count)
        names = next(Shape((), separator).rows(lines[:1]), [])
        if len(names) > MAX_COLUMNS:
            return f"the header has {len(names):,} columns, more than {MAX_COLUMNS:,}"
        places = {folded(name): place for place, name in reversed([*enumerate(names)])}
        if absent := [repr(name) for name in layout.required if folded(name) not in places]:
            return f"the header has no column {', '.join(absent)}"
        # Columns of the layout stand under its names, each once, others under a number.
        named = {places[folded(name)]: name for name in layout.columns if folded(name) in places}
        columns = tuple(named.get(place, f"_{place}") for place in range(len(names)))
        shape = Shape(columns, separator, header=True)
    most = len(shape.columns)
    fits = [
        len(cells) >= most - layout.optional and not any(map(str.strip, cells[most:]))
        for cells in shape.rows(lines[shape.header :])
    ]
    unfit = f"{len(fits) - sum(fits):,} of the first {len(fits):,} rows are not of its form"
    return unfit if sum(fits) < len(fits) / 2 else shape


# What a code means


Crosswalk = Mapping[tuple[str, str], Coding]
"""Codings by code and mode."""


@cache
def shipped_crosswalk(system: System) -> Crosswalk:
    """Return the coding of every code of a scheme."""
    rows = map(Coding.of_row, data_rows(f"{system}.csv"))
    codings = cameo_codes().values() if system == "cameo" else rows
    return {(coding.code, coding.mode): coding for coding in codings}


@cache
def mirrors(system: System) -> Mapping[tuple[str, str], tuple[str, bool]]:
    """Return what a code counts as that tells an act from its other side, or (true) without direction."""
    return {
        (row["code"], row["mode"]): (row["counts_as"], row["mutual"] == "yes")
        for row in data_rows("mirrors.csv")
        if row["system"] == system
    }


def joined_rows(system: System) -> list[list[object]]:
    """Return the codings of a scheme as rows of ``JOINED``; both sides of one act are one code."""
    crosswalk, sides = shipped_crosswalk(system), mirrors(system)
    rows: list[list[object]] = []
    for (code, mode), coding in crosswalk.items():
        counts_as, mutual = sides.get((code, mode), (code, False))
        # A row that tells an act from its other side is written as the act itself.
        swapped = (code, mode) in sides and not mutual
        act = crosswalk.get((counts_as, mode), coding) if swapped else coding
        row = [act.code, act.label, act.category, act.severity, f"{counts_as} {mode}".strip()]
        rows.append([len(rows), code, mode, *row, mutual, swapped, False])
        short = code[1:]
        if system == "cameo" and code.startswith("0") and (short, "") not in crosswalk:
            rows.append([len(rows), short, mode, *row, mutual, swapped, True])
    return rows


# What is asked for


@dataclass(frozen=True)
class ImportOptions:
    """What to import: files of a format, acts of some ``dyads`` (``"USA,CHN"``); how noise is handled.

    ``root_only`` keeps root events alone (GDELT: those of the lead of a text). An act (actors, code, place)
    reported again within ``repeat_days`` counts once, and so do both sides of one act. ``known_date``: an act
    is known from the day the file gives (``published``), or from its own day (``act``), for back-files.

    Raises ``InputError``: one is wrong, or would have no effect.
    """

    source_format: str
    dyads: Sequence[str]
    _: KW_ONLY
    root_only: bool = False
    min_sources: int = 0
    typed_actors: bool = False
    repeat_days: int = 2
    known_date: Literal["published", "act"] = "published"

    def __post_init__(self) -> None:
        if self.source_format not in LAYOUTS:
            hint = did_you_mean(self.source_format, LAYOUTS, cutoff=0.5)
            allowed = ", ".join(LAYOUTS)
            raise InputError(
                f"`source_format` {self.source_format}: no such format.{hint} Allowed: {allowed}"
            )
        for option, used, name, what in (
            ("`root_only`", self.root_only, "root", "which events are root events"),
            ("`typed_actors`", self.typed_actors, "typed", "what type an actor is of"),
            ("`min_sources`", self.min_sources > 0, "sources", "how many sources report an event"),
            ("`known_date` act", self.known_date == "act", "added", "when an event was published"),
        ):
            if used and name not in self.layout.fields:
                raise InputError(
                    f"{option}: {self.layout.name} files do not say {what}. Leave the option out"
                )
        for name in ("min_sources", "repeat_days"):
            if (number := getattr(self, name)) < 0:
                raise InputError(f"`{name}` {number}: expected 0 or more")
        if self.known_date not in ("published", "act"):
            raise InputError(f"`known_date` {self.known_date}: expected published or act")
        _ = self.pairs

    @property
    def layout(self) -> Layout:
        """The format."""
        return LAYOUTS[self.source_format]

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The dyads as codes of actors."""
        pairs: list[tuple[str, str]] = []
        for text in self.dyads:
            parts = text.split(",")
            if len(parts) != 2:
                raise InputError(f"`dyads` {text}: expected two actors with a comma between, such as USA,CHN")
            try:
                pair = tuple(parse_actor(part.strip()) for part in parts)
            except CellFault as fault:
                raise InputError(f"`dyads` {text}: {fault}") from fault
            if pair[0] == pair[1]:
                raise InputError(f"`dyads` {text}: a dyad is between two different actors")
            if pair in pairs or pair[::-1] in pairs:
                raise InputError(f"`dyads` {text}: given twice (either way round is the same dyad)")
            pairs.append((pair[0], pair[1]))
        if not pairs:
            raise InputError("`dyads` is missing: name two actors, such as USA,CHN")
        return tuple(pairs)


MEMORY_MB = 600
BATCH_BYTES, BATCH_FILES = 256_000_000, 400
BLOCK_BYTES = 262_144
"""Unpacked at once: a member of an archive takes as many packed bytes as it is asked for."""
MAX_LINE_BYTES = 1_000_000
"""A longer row cannot be read; a line of several times as much means that the file is no text of rows."""
MOST_REJECTED = 200_000
"""Cells of a text that are absent or too many; with more of them the file is set aside."""
SURPLUS = tuple(f"_surplus_{number}" for number in range(8))
"""Cells that a row between tabs may have too many: some published files carry empty ones at the end."""
MAX_SPREAD = 5_000
"""Rows that one record becomes at most."""
SHOWN = 3
"""Examples kept of each fate."""
KEPT = "kept"
_GZIP, _ZIP, _EMPTY_ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", b"PAR1"


_WIDE = dict.fromkeys((b"\xff\xfe", b"\xfe\xff"), "UTF-16 text: save it as UTF-8")


@dataclass
class Tally:
    """What happened to the rows of a file: rows by fate (``kept``: candidates), the first of each.

    ``lines`` have content, ``rows`` are made of them; ``mended`` lines were not UTF-8, ``restored`` codes had
    lost their leading zero; ``days`` are those of publication of rows of the world, after the switches that
    concern a single row.
    """

    lines: int = 0
    rows: int = 0
    mended: int = 0
    restored: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    days: set[str] = field(default_factory=set)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def show(self, fate: str, example: str) -> None:
        """Keep an example of a fate, up to ``SHOWN``."""
        if len(self.examples[fate]) < SHOWN:
            self.examples[fate].append(clean_text(example))

    def add(self, other: Tally) -> None:
        """Add the rows of another file."""
        for name in ("lines", "rows", "mended", "restored"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.fates.update(other.fates)
        self.days |= other.days
        for fate, examples in other.examples.items():
            for example in examples:
                self.show(fate, example)


# Files → texts


def read_blocks(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[str, bytes]]:
    """Yield blocks of whole lines of a file, unpacked, with the name of the text where it holds several.

    Raises ``UnusableFileError``: it cannot be read to its end, is no text, or unpacks to too much.
    """
    try:
        with open_plain(path, sys.maxsize) as stream, ExitStack() as ends:
            head = stream.read(8)
            stream.seek(0)
            if not head:
                raise UnusableFileError("the file is empty")
            others = {**OTHER_KINDS, _PARQUET: "a Parquet file: give the files as published", **_WIDE}
            for mark, kind in others.items():
                if head.startswith(mark) and mark not in (_GZIP, _ZIP):
                    raise UnusableFileError(f"not event rows but {kind}")
            texts: Iterable[tuple[str, Any]] = [("", stream)]
            if head.startswith(_GZIP):
                texts = [("", ends.enter_context(gzip.GzipFile(fileobj=stream)))]
            elif head.startswith((_ZIP, _EMPTY_ZIP)):
                texts = _members(ends.enter_context(zipfile.ZipFile(stream)))
            total = 0
            for name, text in texts:
                for block in _line_blocks(text, block_bytes):
                    total += len(block)
                    if total > (most := max(FREE_BYTES, MAX_EXPANSION * stream.tell())):
                        raise UnusableFileError(
                            f"it unpacks to more than {most:,} bytes from its first {stream.tell():,}, which "
                            "no packed feed does. If its rows are sound, unpack it first"
                        )
                    yield name, block
    except EOFError as error:
        raise UnusableFileError("the packed file is cut short") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile, NotImplementedError) as error:
        raise UnusableFileError(f"the packed file is damaged ({error})") from error
    except (RuntimeError, ValueError, struct.error) as error:
        raise UnusableFileError(f"the archive cannot be opened ({error})") from error
    except OSError as error:
        raise UnusableFileError(f"cannot be read ({error.strerror or error})") from error


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, IO[bytes]]]:
    files = (member for member in archive.infolist() if not member.is_dir())
    members = [member for member in files if not member.filename.startswith("__MACOSX/")]
    if not members:
        raise UnusableFileError("the archive holds no file")
    for member in members:
        with archive.open(member) as text:
            yield (member.filename if len(members) > 1 else ""), text


def _line_blocks(stream: IO[bytes], block_bytes: int) -> Iterator[bytes]:
    rest, begun = b"", False
    while chunk := stream.read(block_bytes):
        if not begun:
            if chunk.startswith((_GZIP, _ZIP, _PARQUET)):
                raise UnusableFileError("a packed file inside a packed file: unpack it once")
            chunk, begun = chunk.removeprefix(b"\xef\xbb\xbf"), True
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield _plain(rest + chunk[:cut])
            rest = b""
        rest += chunk[cut:]
        if len(rest) > 4 * MAX_LINE_BYTES:
            raise UnusableFileError(f"a line of more than {len(rest):,} bytes: this is no text of rows")
    if rest:
        yield _plain(rest + b"\n")


def _plain(content: bytes) -> bytes:
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return content.replace(b"\x00", b" ") if b"\x00" in content else content


def _as_utf8(content: bytes) -> tuple[bytes, int]:
    """Return lines in UTF-8, and how many of them were not: they are read as Windows-1252."""
    try:
        content.decode()
    except UnicodeDecodeError:
        lines, mended = content.splitlines(keepends=True), 0
        for place, line in enumerate(lines):
            try:
                line.decode()
            except UnicodeDecodeError:
                lines[place] = line.decode("cp1252", errors="replace").encode()
                mended += 1
        return b"".join(lines), mended
    return content, 0


class Text(NamedTuple):
    """Rows of a file on disk (``name``: as shown in messages), in a shape."""

    path: Path
    key: str
    name: str
    shape: Shape

    def line_at(self, position: int) -> int:
        """Return the line in which a byte lies."""
        with self.path.open("rb") as stream:
            return stream.read(position).count(b"\n") + 1


@dataclass
class _Batch:
    """Files to judge at once: their texts in a folder, lines mended by key, and those that cannot be used."""

    folder: Path
    texts: list[Text] = field(default_factory=list)
    mended: dict[str, int] = field(default_factory=dict)
    failures: dict[str, UnusableFileError] = field(default_factory=dict)
    size: int = 0

    def unpack(self, key: str, path: Path, options: ImportOptions) -> None:
        """Add a file."""
        layout, texts, total = options.layout, list[Text](), 0
        try:
            for name, blocks in groupby(read_blocks(path), key=lambda block: block[0]):
                place = self.folder / f"{len(self.texts) + len(texts)}"
                shape = None
                with place.open("wb") as stream:
                    for _, block in blocks:
                        content, mended = _as_utf8(block)
                        if shape is None:
                            shape = shape_of(layout, content.decode().split("\n", FIRST_LINES)[:-1])
                        self.size += stream.write(content)
                        total += mended
                assert shape is not None
                texts.append(Text(place, key, f"{path}({name})" if name else str(path), shape))
            self.texts += texts
            self.mended[key] = total
        except UnusableFileError as error:
            self.failures[key] = error


def _batches(files: Mapping[str, Path], options: ImportOptions, folder: Path) -> Iterator[_Batch]:
    """Yield the files (by key) in batches; whoever takes one removes its folder."""
    batch: _Batch | None = None
    for number, (key, path) in enumerate(files.items()):
        if batch is None:
            batch = _Batch(folder / f"batch-{number}")
            batch.folder.mkdir()
        batch.unpack(key, path, options)
        if batch.size >= BATCH_BYTES or len(batch.mended) >= BATCH_FILES:
            yield batch
            batch = None
    if batch is not None:
        yield batch


# Texts → fates


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


class FeedReader:
    """Reads files with one set of options; a context manager, since it owns a folder on disk.

    ``tallies`` tell of the files that were read, ``failures`` of those that cannot be used, both by key. The
    table ``candidates`` of the ``connection`` has what was kept of rows, and the ``key`` of their file.
    """

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self.tallies: dict[str, Tally] = {}
        self.failures: dict[str, UnusableFileError] = {}
        self._ends = ExitStack()
        self.folder = self._ends.enter_context(scratch_folder("import"))
        # It keeps to its memory and fetches nothing from the network.
        config: dict[str, Any] = {
            "memory_limit": f"{MEMORY_MB}MB",
            "threads": 2,
            "temp_directory": str(self.folder / "spill"),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self.connection = self._ends.enter_context(duckdb.connect(config=config))
        for head, body in MACROS.items():
            self.execute(f"CREATE MACRO {head} AS {body}")
        layout = options.layout
        crosswalk = shipped_crosswalk(layout.system)
        variables = {
            "named_countries": layout.named_countries,
            "dated": "added" in layout.fields,
            "moded": "mode" in layout.fields,
            "modes": [f"{code} {mode}" for code, mode in crosswalk if mode],
            "published": options.known_date == "published",
            "last_day": latest_day(),
            **{name: getattr(options, name) for name in ("root_only", "min_sources", "typed_actors")},
        }
        for name, value in variables.items():
            self.execute(f"SET VARIABLE {name} = ?", [value])
        self._load("dyads", {"low": "VARCHAR", "high": "VARCHAR"}, [sorted(dyad) for dyad in options.pairs])
        codes = {row["code"]: row["alpha3"] for row in data_rows("cameo_countries.csv")}
        renamed = [*(country_names() if layout.named_countries else codes).items()]
        self._load("renamed", {"name": "VARCHAR", "alpha3": "VARCHAR"}, renamed)
        self._load("crosswalk", JOINED, joined_rows(layout.system))

    def __enter__(self) -> FeedReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def execute(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        rows: list[tuple[Any, ...]] = self.connection.execute(query, values).fetchall()
        return rows

    def _load(self, table: str, kinds: Mapping[str, str], rows: Sequence[Sequence[object]]) -> None:
        """Put rows into a table, given its columns with their types."""
        made = ", ".join(f'CAST(unnest(?) AS {kind}) AS "{column}"' for column, kind in kinds.items())
        values = [[row[place] for row in rows] for place in range(len(kinds))]
        self.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {made}", values)

    def read(self, files: Mapping[str, Path]) -> Iterator[int]:
        """Read files (by key) in batches; yield how many are done (``EventError``: not enough memory)."""
        batches, done = _batches(files, self.options, self.folder), 0
        with ThreadPoolExecutor(1, "unpack") as pool:
            waiting = pool.submit(next, batches, None)
            while (batch := waiting.result()) is not None:
                waiting = pool.submit(next, batches, None)
                self._judge_batch(batch)
                shutil.rmtree(batch.folder)
                done += len(batch.mended) + len(batch.failures)
                yield done

    def _judge_batch(self, batch: _Batch) -> None:
        self.failures |= batch.failures
        self.tallies |= {key: Tally(mended=mended) for key, mended in batch.mended.items()}
        texts = sorted(batch.texts, key=lambda text: str(text.shape))
        try:
            if texts:
                self._judge(texts)
        except duckdb.OutOfMemoryException as error:
            raise EventError(
                f"the engine needs more than {MEMORY_MB} MB: import fewer files at once"
            ) from error

    def _set_aside(self, key: str, error: UnusableFileError) -> None:
        self.failures[key] = error
        self.tallies.pop(key, None)

    def _judge(self, texts: Sequence[Text]) -> None:
        """Judge every row of some texts; tally them and add the candidates to the table."""
        # Judged and grouped in one pass: a table of all rows costs half more.
        self.execute(
            "CREATE OR REPLACE TEMP TABLE judged AS SELECT _text, fate, world, known, count(*) AS rows, "
            "count(*) FILTER (WHERE leads) AS lines, count(*) FILTER (WHERE restored) AS restored, "
            f"min(example, {SHOWN}) AS examples, list(held) FILTER (WHERE fate = '{KEPT}') AS held "
            f"FROM ({self._judging(texts)}) GROUP BY ALL"
        )
        self._count_rejected(texts)
        counted = "SELECT _text, fate, world, CAST(known AS VARCHAR), rows, lines, restored FROM judged"
        for number, fate, world, day, rows, lines, restored in self.execute(counted):
            if tally := self.tallies.get(texts[number].key):
                tally.rows += rows
                tally.lines += lines
                tally.restored += restored
                tally.fates[fate] += rows
                if world:
                    tally.days.add(day)
        # In order of text, so that the first rows of each reason are the same in every run.
        examples = "SELECT _text, fate, unnest(examples) AS example FROM judged ORDER BY fate, example"
        for number, fate, example in self.execute(examples):
            if tally := self.tallies.get(texts[number].key):
                tally.show(fate, f"{texts[number].name}: {example}" if fate == "width" else example)
        sound = [(number, text.key) for number, text in enumerate(texts) if text.key in self.tallies]
        if sound:
            self._load("sound", {"_text": "INTEGER", "key": "VARCHAR"}, sound)
            candidates = data_text("candidates.sql")
            self.execute(f"CREATE TABLE IF NOT EXISTS candidates AS {candidates} LIMIT 0")
            self.execute(f"INSERT INTO candidates {candidates}")

    def _count_rejected(self, texts: Sequence[Text]) -> None:
        """Count the lines that could not be cut into cells; set files aside that hold too many of them."""
        # A text that a reject has is cut to the longest row; one of several lines begins with a stray quote.
        rows = self.execute(
            "SELECT s.file_path, e.line_byte_position, any_value(e.csv_line), count(*), "
            "bool_or(e.error_type = 'UNQUOTED VALUE') "
            "FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"
        )
        self.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
        places = {text.path.name: text for text in texts}
        errors: dict[str, int] = defaultdict(int)
        for file, position, content, number, is_stray in rows:
            text = places[Path(file).name]
            tally, most = self.tallies.get(text.key), len(text.shape.columns)
            is_cut = len(content.encode()) >= MAX_LINE_BYTES - 4
            errors[file] += number
            if errors[file] >= MOST_REJECTED:
                wrong = f"{MOST_REJECTED:,} rows or more do not have its {most} columns"
                self._set_aside(text.key, UnusableFileError(wrong))
            elif is_cut and is_stray:
                wrong = f"the quoted cell that begins in line {text.line_at(position)} does not end"
                self._set_aside(text.key, UnusableFileError(wrong))
            elif tally:
                lines = 1 if is_cut else sum(bool(line.strip()) for line in content.split("\n"))
                tally.rows += lines
                tally.lines += lines
                tally.fates["width"] += lines
                if len(tally.examples["width"]) < SHOWN:
                    widths = " or ".join(map(str, sorted({most - self.options.layout.optional, most})))
                    wrong = f"{len(next(text.shape.rows([content]), []))} columns, not {widths}"
                    if is_cut:
                        wrong = f"longer than {MAX_LINE_BYTES:,} bytes"
                    elif is_stray:
                        wrong = "a quotation mark inside a cell, or a quoted cell that does not end"
                    tally.show("width", f"{text.name}:{text.line_at(position)}: {wrong}")

    # The statement

    def _judging(self, texts: Sequence[Text]) -> str:
        """Return the statement that gives each row of some texts its fate, and a candidate its columns."""
        layout = self.options.layout
        source, first = [], 0
        for shape, group in groupby(texts, key=lambda text: text.shape):
            paths = [literal_path(text.path) for text in group]
            source.append(self._scan(shape, paths, first))
            first += len(paths)
        fields = ["short AS broken"] + [
            f"CAST({layout.fields.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in FIELDS.items()
        ]
        rows = "\nUNION ALL ".join(source)
        if layout.lists:
            columns = dict(zip(("initiator", "recipient", "event"), map(_named, layout.lists), strict=True))
            rows = data_text("spread.sql").format(rows=rows, most=MAX_SPREAD, **columns)
        else:
            rows = f"SELECT *, true AS leads FROM ({rows})"
        return data_text("judge.sql").format(source=rows, fields=", ".join(fields))

    def _scan(self, shape: Shape, paths: Sequence[str], first: int) -> str:
        """Return the statement that reads texts of a shape, the first of which has this place among all."""
        layout = self.options.layout
        lead, second = _named(shape.columns[0]), _named(shape.columns[:2][-1])
        surplus = () if shape.quote else SURPLUS
        kinds = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in (*shape.columns, *surplus))
        mark, separator = quoted(shape.quote or ""), quoted(shape.separator)
        scan = (
            f"read_csv([{', '.join(map(quoted, paths))}], columns={{{kinds}}}, auto_detect=false, "
            f"header=false, skip={int(shape.header)}, delim={separator}, quote={mark}, escape={mark}, "
            f"nullstr='\\0', new_line='\\n', null_padding={not shape.quote}, hive_partitioning=false, "
            f"max_line_size={MAX_LINE_BYTES}, store_rejects=true, rejects_limit={MOST_REJECTED}, "
            f"rejects_line_size_limit={MAX_LINE_BYTES})"
        )
        # Between tabs, cells that are absent are null and cells without content are not.
        least = len(shape.columns) - layout.optional
        most, row = len(shape.columns), f"'row ' || left({lead}, 30) || ': "
        short = (
            f"CASE WHEN {_named(shape.columns[least - 1])} IS NULL THEN {row}fewer than {least} columns' "
            f"WHEN trim(concat({', '.join(SURPLUS)})) <> '' THEN {row}more than {most} columns' END"
        )
        chosen = ", ".join(
            f"CAST({_named(name) if name in shape.columns else 'NULL'} AS VARCHAR) AS {_named(name)}"
            for name in layout.columns
        )
        return (
            f"SELECT CAST(file_index AS INTEGER) + {first} AS _text, "
            f"{'NULL' if shape.quote else short} AS short, {chosen} "
            f"FROM {scan} WHERE trim({lead}) <> '' OR {second} IS NOT NULL"
        )


# Candidates → rows kept

MAX_TITLE = 300
ROWS_AT_ONCE = 20_000
MIRROR_DAYS = 1
"""Days within which the two sides of an act may be dated."""
LISTED = 20
"""Corrupt files named on the terminal; the JSON report names all."""
BULK_SHARE, BULK_DAYS = 0.2, 30
"""Share of the kept rows that one day of publication must hold to look like a back-file, and days of acts."""
MANY_FAULTS = 0.01
_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_ORDER = (
    "known, severity DESC, mentions DESC NULLS LAST, day, event_id, a, b, code, mode, category, place, url, "
    "title, note, swapped, name_a, name_b, outlet, sources"
)
"""Order in which rows count: as they became known; of those of one day the gravest first. It names all
columns that tell rows apart, so that the same files give the same account in every run."""
SWITCHES = ("root_only", "min_sources", "typed_actors", "repeat_days", "known_date")
"""Options that say how noise is handled."""
Whole = NDArray[np.int64]
Fates = NDArray[np.int8]
SOUND, REPEATED, MIRRORED, SAME_ID = range(4)
_BY_CODE = dict(enumerate(("repeated", "mirrored", "same_id"), start=REPEATED))


_REASONS = [*data_rows("fates.csv")]
FATES: Mapping[str, str] = {row["fate"]: row["words"] for row in _REASONS}
"""Why rows are dropped, in words that follow a number of rows, in the order in which it is asked."""
FAULTS: tuple[str, ...] = tuple(row["fate"] for row in _REASONS if row["kind"] == "fault")
"""Those of rows that are wrong in themselves; others are not asked for, noise by a switch, or repeats."""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did; ``fates`` are rows dropped, by reason."""

    format: str
    output: str
    files: int
    set_aside: dict[str, str]
    lines: int
    rows: int
    kept: int
    fates: dict[str, int]
    examples: dict[str, list[str]]
    codes_with_zero_restored: int
    lines_not_utf8: int
    by_dyad: dict[str, int]
    by_category: dict[str, int]
    first: date
    last: date
    last_known: date
    switches: dict[str, Any]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        facts = dict(vars(self))
        kinds = {row["fate"]: row["kind"] for row in _REASONS}
        facts["dropped"] = {
            name: {"rows": rows, "reason": FATES[name], "kind": kinds[name]}
            for name, rows in facts.pop("fates").items()
        }
        facts |= {name: facts[name].isoformat() for name in ("first", "last", "last_known")}
        return facts | {"warnings": list(self.warnings), "seconds": round(self.seconds, 3)}

    def blocks(self) -> Iterator[Block]:
        """Yield what was read, what became of every row, what is written, and what to bear in mind."""
        read = f"{count(self.files, 'file')} read: {count(self.rows, 'row')}."
        if self.rows > self.lines:
            read += f" They come from {count(self.lines, 'line')}: some name several actors or events."
        yield Prose(read)
        if self.set_aside:
            hidden = len(self.set_aside) - LISTED
            aside = [f"{name}: {reason}" for name, reason in self.set_aside.items()][:LISTED]
            more = [f"and {hidden:,} more. All of them: --json"] if hidden > 0 else []
            head = f"{count(len(self.set_aside), 'file')} set aside, no row of which is used"
            yield Entry(head, (Bullets((*aside, *more)),))
        fates = []
        for name, number in self.fates.items():
            fates.append((f"{number:,}", FATES[name]))
            fates += [("", example) for example in self.examples.get(name, [])]
        yield plain_table((right(""), ""), [*fates, (f"{self.kept:,}", "are written")])
        if codes := self.codes_with_zero_restored:
            yield Prose(f"{count(codes, 'code')} had lost the leading zero, which was restored.")
        if self.lines_not_utf8:
            yield Prose(f"{count(self.lines_not_utf8, 'line')} not in UTF-8 were read as Windows-1252.")
        dyads = ", ".join(f"{name} {number:,}" for name, number in self.by_dyad.items())
        yield Prose(f"Dyads: {dyads}. Acts from {self.first} to {self.last}, known by {self.last_known}.")
        acts = ", ".join(f"{name} {number:,}" for name, number in self.by_category.items())
        yield Prose(f"Categories: {acts}.")
        for warning in self.warnings:
            yield Prose(warning, lead="Note:", tone="warning")
        yield paired((("Written", f"{self.output}, {count(self.kept, 'event')}"),))


def import_feed(
    files: Sequence[Path],
    options: ImportOptions,
    output: Path,
    *,
    listen: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Turn files of a feed, as published, into an event file; ``listen`` is told files read, and of how many.

    Raises ``EventError``: no usable file, a file of another format, or no row left; nothing is written then.
    """
    began = time.perf_counter()
    paths = _checked(files, output)
    with ExitStack() as ends:
        try:
            ends.enter_context(locked(output.resolve()))
        except OSError as error:
            raise EventError(f"-o {output}: cannot be written: {error.strerror or error}") from error
        reader = ends.enter_context(FeedReader(options))
        ends.enter_context(_named_ends(reader))
        total = _read(reader, paths, listen or (lambda done, files: None))
        dropped, examples = _choose_rows(reader)
        every = total.fates + dropped
        fates = {name: every[name] for name in FATES if every[name]}
        daily = dict(reader.execute("SELECT known, count(*) FROM kept GROUP BY ALL"))
        if not daily:
            raise EventError(_nothing_kept(reader, total.rows, fates))
        ((rows, first, last),) = reader.execute("SELECT count(*), min(day), max(day) FROM kept")
        dyads = reader.execute("SELECT least(a, b), greatest(a, b), count(*) FROM kept GROUP BY ALL")
        by_dyad = {(low, high): number for low, high, number in dyads}
        kinds = "SELECT category, count(*) AS n FROM kept GROUP BY ALL ORDER BY n DESC, category"
        report = ImportReport(
            format=options.layout.name,
            output=str(output),
            files=len(reader.tallies),
            set_aside={str(paths[key]): str(error) for key, error in reader.failures.items()},
            lines=total.lines,
            rows=total.rows,
            kept=rows,
            fates=fates,
            examples=dict(total.examples) | examples,
            codes_with_zero_restored=total.restored,
            lines_not_utf8=total.mended,
            by_dyad={",".join(dyad): by_dyad.get((min(dyad), max(dyad)), 0) for dyad in options.pairs},
            by_category=dict(reader.execute(kinds)),
            first=first,
            last=last,
            last_known=max(daily),
            switches={name: getattr(options, name) for name in SWITCHES},
        )
        warnings = tuple(_warn_of(options, report, daily, len(total.days)))
        report = replace(report, warnings=warnings, seconds=time.perf_counter() - began)
        try:
            copy_file(_written_events(reader), output)
        except OSError as error:
            raise EventError(f"{output}: cannot be written: {error.strerror or error}") from error
    return report


def _checked(files: Sequence[Path], output: Path) -> dict[str, Path]:
    """Return the files by key, each once, where they and the output can be used."""
    if output.suffix != ".csv":
        raise EventError(f"-o {output}: unknown kind of file. Allowed: a name that ends in .csv")
    if not output.parent.is_dir():
        raise EventError(f"-o {output}: there is no folder {output.parent}")
    if output.exists():
        raise EventError(f"-o {output}: exists. Give the name of a new file, or remove it first")
    if not files:
        raise EventError("no files: name those to import")
    for path in files:
        if not path.exists():
            raise EventError(f"{path}: no such file. Check the path")
        if not path.is_file():
            raise EventError(f"{path}: not a file. Name the files inside it, such as {path}/*.zip")
    return {str(path.resolve()): path for path in files}


@contextmanager
def _named_ends(reader: FeedReader) -> Iterator[None]:
    """Name a full disk, and Ctrl-C, which the engine reports during a statement as an error of its own."""
    try:
        yield
    except RuntimeError as stop:
        if "interrupted" not in str(stop).lower():
            raise
        raise KeyboardInterrupt from stop
    except OSError as error:
        raise EventError(
            f"{error.filename or reader.folder}: {error.strerror or error}. Rows being read are held there: "
            "set TMPDIR to a folder with room"
        ) from error


def _read(reader: FeedReader, paths: Mapping[str, Path], listen: Callable[[int, int], None]) -> Tally:
    """Return what happened to the rows of all files."""
    listen(0, len(paths))
    for done in reader.read(paths):
        for key, error in reader.failures.items():
            if error.another_format and not reader.tallies:
                raise EventError(f"{paths[key]}: {error}")
        listen(done, len(paths))
    if not reader.tallies:
        failures = [f"\n  {paths[key]}: {error}" for key, error in reader.failures.items()]
        raise EventError(f"none of {len(paths):,} files could be read:{''.join(failures[:LISTED])}")
    total = Tally()
    for tally in (reader.tallies[key] for key in paths if key in reader.tallies):
        total.add(tally)
    if not total.rows:
        named = ", ".join(map(str, [*paths.values()][:LISTED]))
        raise EventError(f"{named}: no row of events. Give files that hold some")
    return total


def _choose_rows(reader: FeedReader) -> tuple[Counter[str], dict[str, list[str]]]:
    """Leave what is kept in the view ``kept``; return how many rows are dropped by fate, and the first."""
    reader.execute(
        f"""CREATE TABLE rows AS
SELECT *, event_id IS NOT NULL
    AND row_number() OVER (PARTITION BY event_id, a, b, code ORDER BY turn) > 1 AS again
FROM (SELECT *, row_number() OVER (ORDER BY {_ORDER}) - 1 AS turn FROM candidates)"""
    )
    narrow = reader.connection.execute(data_text("repeats.sql")).fetchnumpy()
    columns: dict[str, Any] = {name: np.asarray(values) for name, values in narrow.items()}
    fates = np.where(columns["again"], np.int8(SAME_ID), np.int8(SOUND))
    alive = np.flatnonzero(fates == SOUND)
    acts = (columns[name][alive] for name in ("day", "grp", "page", "forward"))
    fates[alive] = mark_repeats(*acts, repeat_days=reader.options.repeat_days)
    reader.connection.register("verdicts", {"turn": np.arange(len(fates)), "fate": fates})
    reader.execute("CREATE TABLE decided AS SELECT rows.*, fate FROM rows JOIN verdicts USING (turn)")
    reader.execute(f"CREATE VIEW kept AS SELECT * FROM decided WHERE fate = {SOUND}")
    examples: dict[str, list[str]] = defaultdict(list)
    for fate, *act in reader.execute(
        f"SELECT fate, coalesce(event_id, ''), day, a, b, code FROM decided WHERE fate <> {SOUND} "
        f"QUALIFY row_number() OVER (PARTITION BY fate ORDER BY turn) <= {SHOWN} ORDER BY turn"
    ):
        examples[_BY_CODE[fate]].append(clean_text("row {}: {} {} to {}, code {}".format(*act)))
    dropped = Counter(_BY_CODE[fate] for fate in fates[fates != SOUND].tolist())
    return dropped, examples


def mark_repeats(day: Whole, group: Whole, page: Whole, forward: Whole, *, repeat_days: int) -> Fates:
    """Mark the rows, shape (row,), in the order in which they became known, that report an act again.

    Rows of one ``group``, or one ``page``, could be one act. Those of one direction (``forward``) are when
    their days differ by at most ``repeat_days``, others by at most ``MIRROR_DAYS`` or it.
    """
    fates = np.zeros(len(day), dtype=np.int8)
    kept: defaultdict[tuple[int, int, bool], list[int]] = defaultdict(list)
    other_days = max(MIRROR_DAYS, repeat_days)
    rows = zip(day.tolist(), group.tolist(), page.tolist(), forward.tolist(), strict=True)
    for row, (when, *which, side) in enumerate(rows):
        if any(_near(kept[kind, one, side], when, repeat_days) for kind, one in enumerate(which)):
            fates[row] = REPEATED
        elif any(_near(kept[kind, one, not side], when, other_days) for kind, one in enumerate(which)):
            fates[row] = MIRRORED
        else:
            for kind, one in enumerate(which):
                insort(kept[kind, one, side], when)
    return fates


def _near(days: list[int], when: int, window: int) -> bool:
    at = bisect_left(days, when - window)
    return at < len(days) and days[at] <= when + window


# Rows kept → an event file


def _written_events(reader: FeedReader) -> Path:
    """Write the rows kept in order of day and id into the folder of the reader."""
    # Rows without an id of their own are named by day and category, and numbered.
    cursor = reader.connection.execute(
        """WITH named AS (SELECT *, coalesce(event_id, day || '-' || category) AS base FROM kept),
numbered AS (SELECT *, row_number() OVER (PARTITION BY base ORDER BY turn) AS copy FROM named)
SELECT *, base || CASE WHEN copy = 1 THEN '' ELSE '-' || copy END AS id FROM numbered ORDER BY day, id"""
    )
    names = [column[0] for column in cursor.description]
    path = reader.folder / "events.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(csv_text([COLUMNS]))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            cells = (dict(zip(names, row, strict=True)) for row in rows)
            stream.write(csv_text(event_cells(row, reader.options.layout) for row in cells))
    return path


def event_cells(row: Mapping[str, Any], layout: Layout) -> list[str]:
    """Return the cells of an event, in the order of ``COLUMNS``, from a candidate and its ``id``."""
    url = clean_text(row["url"] or "")
    linked = url.lower().startswith(("http://", "https://")) and len(url) <= MAX_CELL_CHARS
    known = row["known"].isoformat()
    summary = row["note"]
    if not summary:
        actors = " to ".join(clean_text(row[f"name_{side}"] or row[side]) for side in ("a", "b"))
        place = clean_text(row["place"] or "")
        where = f" ({place})" if place else ""
        summary = f"{actors}: {row['label'] or row['category']}{where}"
    cells = {
        "id": f"{layout.name}-{clean_text(row['id'])}",
        "date": row["day"].isoformat(),
        "known_date": known,
        "initiator": row["a"],
        "target": row["b"],
        "category": row["category"],
        "subcategory": _PUNCTUATION.sub(
            "_", f"{layout.system} {row['code']} {row['mode'] or ''}".lower()
        ).strip("_"),
        "cameo": row["code"] if layout.system == "cameo" and row["code"] in cameo_codes() else "",
        "severity": str(row["severity"]),
        "summary": clean_text(summary)[:MAX_CELL_CHARS],
        "source_outlet": clean_text(row["outlet"] or (_host(url) if linked else ""))[:MAX_TITLE],
        "source_title": clean_text(row["title"] or ("" if linked else url))[:MAX_TITLE],
        "source_url": url if linked else "",
        "source_date": known if layout.known_date else "",
    }
    return [cells.get(name, "") for name in COLUMNS]


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


# What to know of the result


def _warn_of(
    options: ImportOptions, report: ImportReport, daily: Mapping[date, int], days: int
) -> Iterator[str]:
    """Yield what to know; ``daily`` are events by day of publication, ``days`` how many the archive has."""
    layout = options.layout
    if not layout.known_date:
        yield f"{layout.name} files have no date of publication; an act counts as known on its own day."
    elif options.known_date == "published":
        day = max(sorted(daily), key=daily.__getitem__)
        span = (report.last - report.first).days
        if daily[day] > max(BULK_SHARE * report.kept, BULK_DAYS) and span > BULK_DAYS:
            yield (
                f"{daily[day]:,} of {report.kept:,} events were published on {day}: a back-file loaded at "
                "once. Before that day a forecast knows none of them; --known-date act takes their own days."
            )
    yield from (f"no event of {dyad} is left." for dyad, number in report.by_dyad.items() if not number)
    wrong = sum(report.fates.get(name, 0) for name in FAULTS)
    if wrong > MANY_FAULTS * report.rows:
        yield f"{wrong / report.rows:.1%} of the rows are wrong in themselves; see the reasons above."
    if days > 2 * 365:
        yield "the archive's volume may grow over the years: part of a rise is reporting."


def _nothing_kept(reader: FeedReader, rows: int, fates: Mapping[str, int]) -> str:
    """Return the message for rows of which none is kept, with the reasons."""
    between = {name for name in fates if name not in {*FAULTS, "actorless", "domestic", "others"}}
    named = " or ".join("–".join(dyad) for dyad in reader.options.pairs)
    if not between:
        hint = near_actors({*chain(*reader.options.pairs)}, countries()) or " Check the codes"
        return f"no event is left: none of {count(rows, 'row')} is between {named}.{hint}"
    reasons = "; ".join(f"{number:,} {FATES[name]}" for name, number in fates.items() if name in between)
    return f"no event is left: of the rows between {named}, {reasons}"
