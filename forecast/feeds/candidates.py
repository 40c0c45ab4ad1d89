"""Files of a feed → the fate of every row, and a table of candidates: sound rows of the dyads asked for.

The published formats are data: ``data/formats.toml`` has the layouts, the CAMEO codes are the codebook's, the
other schemes stand in ``data/``.

A thread unpacks files into texts, in batches. One DuckDB statement (``data/judge.sql``, with the expressions
of the layout) reads the texts of a batch and judges their rows, under a memory limit; lines that it cannot
cut into cells come from its reject tables and are counted. A file that cannot be read to its end is named,
and none of its rows counts.
"""

from __future__ import annotations

import csv
import gzip
import lzma
import shutil
import struct
import sys
import tomllib
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import KW_ONLY, dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

import duckdb

from forecast.errors import EventError, InputError, clean_text, did_you_mean
from forecast.events.cells import CellFault, latest_day, parse_actor
from forecast.events.codebook import Coding, cameo_codes, country_names
from forecast.events.reading import literal_path, quoted
from forecast.events.table import REQUIRED
from forecast.storage import open_plain, scratch_folder

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


# Who an actor is


def renamed_actors(layout: Layout) -> Mapping[str, str]:
    """Return how a format writes countries → our code. Codes that are not listed stay as they are."""
    if layout.named_countries:
        return country_names()
    return {row["code"]: row["alpha3"] for row in data_rows("cameo_countries.csv")}


# What is asked for


@dataclass(frozen=True)
class ImportOptions:
    """What to import: files of a format, acts of some ``dyads`` (``"USA,CHN"``); how noise is handled.

    ``root_only`` keeps root events alone (GDELT: those of the lead of a text), ``min_sources`` those that so
    many sources report. An act (actors, code, place) reported again within ``repeat_days`` counts once, and
    so do both sides of one act (visit and hosting; consultation either way). ``known_date``: an act is known
    from the day the file gives (``published``), or from its own day (``act``), for back-files.

    Raises ``InputError``: one is wrong, or would have no effect.
    """

    source_format: str
    dyads: Sequence[str]
    _: KW_ONLY
    root_only: bool = False
    min_sources: int = 0
    repeat_days: int = 1
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
MAX_EXPANSION, FREE_BYTES = 200, 10_000_000
"""How many times its size a packed file may unpack to, from its beginning on, beyond so many bytes; feeds
unpack to 10 to 50 times theirs."""
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
_OTHERS = {
    _PARQUET: "a Parquet file: give the files as published",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as CSV",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"BZh": "a bzip2 file: unpack it first",
    b"\xfd7zXZ": "an xz file: unpack it first",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    b"Rar!": "a RAR archive: unpack it first",
}


@dataclass
class Tally:
    """What happened to the rows of a file: rows by fate (``kept``: candidates), the first of each.

    ``lines`` have content, ``rows`` are made of them; ``mended`` lines were not UTF-8, ``restored`` codes had
    lost their leading zero; ``volumes`` are rows of the world by day of publication, after the switches that
    concern a single row.
    """

    lines: int = 0
    rows: int = 0
    mended: int = 0
    restored: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    volumes: Counter[str] = field(default_factory=Counter)
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
        self.volumes.update(other.volumes)
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
            for mark, kind in _OTHERS.items():
                if head.startswith(mark):
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
            **{name: getattr(options, name) for name in ("root_only", "min_sources")},
        }
        for name, value in variables.items():
            self.execute(f"SET VARIABLE {name} = ?", [value])
        self._load("dyads", {"low": "VARCHAR", "high": "VARCHAR"}, [sorted(dyad) for dyad in options.pairs])
        self._load("renamed", {"name": "VARCHAR", "alpha3": "VARCHAR"}, [*renamed_actors(layout).items()])
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
                    tally.volumes[day] += rows
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
                    widths = {most - self.options.layout.optional, most}
                    width = len(next(text.shape.rows([content]), []))
                    wrong = f"{width} columns, not {' or '.join(map(str, sorted(widths)))}"
                    if is_cut:
                        wrong = "not readable: a cell or row is too long"
                    elif is_stray:
                        wrong = "a quoted cell does not end"
                    tally.show("width", f"{text.name}:{text.line_at(position)}: {wrong}")

    def actors(self, files: Mapping[str, Path]) -> tuple[int, list[str]]:
        """Return the rows of the first batch, and the countries that occur in them, most frequent first."""
        folder = self.folder / "again"
        folder.mkdir()
        batches = _batches(files, self.options, folder)
        texts = next(
            texts for batch in batches if (texts := [t for t in batch.texts if t.key in self.tallies])
        )
        rows = self.execute(
            "SELECT actor, count(*) AS number FROM (SELECT unnest([from_actor, to_actor]) AS actor "
            f"FROM ({self._judging(texts)})) GROUP BY ALL ORDER BY number DESC, actor"
        )
        return sum(number for _, number in rows) // 2, [str(actor) for actor, _ in rows if actor is not None]

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
