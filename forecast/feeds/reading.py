"""Files of a feed → the fate of every row, and a table of candidates: sound rows of the dyads asked for.

A thread unpacks files into texts, in batches; one DuckDB statement reads the texts of a batch and judges
their rows, under a memory limit. Rows that do not fit the columns come from its reject tables and are read
again one by one. The statement is made of a layout's expressions and the user's switches, every value of
which is quoted. A file that cannot be read to its end is named and none of its rows counts.
"""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import shutil
import struct
import sys
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

import duckdb

from forecast.errors import EventError, shown
from forecast.events.cells import clean_text, latest_day
from forecast.events.codebook import CATEGORIES
from forecast.events.rows import literal_path
from forecast.feeds.crosswalk import JOINED, excluded_actors, joined_rows, renamed_actors
from forecast.feeds.formats import FIELDS, FIRST_LINES, Shape, WrongFormatError, folded, shape_of
from forecast.feeds.options import ImportOptions
from forecast.storage import open_plain, scratch_folder

BATCH_BYTES, BATCH_FILES = 256_000_000, 400
BLOCK_BYTES = 1_000_000
MAX_LINE_BYTES = 1_000_000
"""A longer row cannot be read; a line of several times as much means that the file is no text of rows."""
MAX_EXPANSION, FREE_BYTES = 200, 10_000_000
"""How many times its size a packed file may unpack to, from its beginning on, beyond so many bytes; feeds
unpack to 10 to 50 times theirs."""
ROW_BYTES = 20
"""Of the shortest row of a feed, about."""
MOST_REJECTED = 200_000
"""Cells of a text that are absent or too many; with more of them the file is set aside."""
MAX_SPREAD = 5_000
"""Rows that one record becomes at most."""
SHOWN = 3
"""Examples kept of each fault."""
KEPT = "kept"
FIRST_DAY = "1800-01-01"
CLOCK_DAYS = 1
"""An act may be dated this much after its publication: the two are told by clocks of different zones."""
_PIECE_BYTES = 16_384
"""Read at once of a packed file, so that little of it counts as read before it is unpacked."""
_GZIP, _ZIP, _EMPTY_ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", b"PAR1"
_OTHERS = {
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as CSV",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"BZh": "a bzip2 file: unpack it first",
    b"\xfd7zXZ": "an xz file: unpack it first",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    b"Rar!": "a RAR archive: unpack it first",
}


class CorruptFileError(Exception):
    """A file that cannot be read to its end; the message says why. It is set aside, not the import's end."""


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
    fates: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    volumes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def drop(self, fate: str, example: str) -> None:
        """Count a line that is not judged."""
        self.lines += 1
        self.rows += 1
        self.fates[fate] += 1
        self.show(fate, [example])

    def show(self, fate: str, examples: Sequence[str]) -> None:
        """Keep examples of a fate, up to ``SHOWN``."""
        self.examples[fate] += [clean_text(text) for text in examples][: SHOWN - len(self.examples[fate])]

    def add(self, other: Tally) -> None:
        """Add the rows of another file."""
        for name in ("lines", "rows", "mended", "restored"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, theirs in ((self.fates, other.fates), (self.volumes, other.volumes)):
            for key, number in theirs.items():
                mine[key] += number
        for fate, examples in other.examples.items():
            self.show(fate, examples)


# Files → texts


def read_blocks(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[str, bytes]]:
    """Yield blocks of whole lines of a file, unpacked, with the name of the text where it holds several.

    Raises
    ------
    CorruptFileError
        The file cannot be opened, is cut short, fails its checksum, is no text, or unpacks to too much.
    """
    try:
        with open_plain(path, sys.maxsize) as stream, ExitStack() as ends:
            head = stream.read(8)
            stream.seek(0)
            if not head:
                raise CorruptFileError("the file is empty")
            for mark, kind in _OTHERS.items():
                if head.startswith(mark):
                    raise CorruptFileError(f"not event rows but {kind}")
            packed = _Packed(stream, _PIECE_BYTES if head.startswith(_GZIP) else sys.maxsize)
            texts: Iterable[tuple[str, IO[bytes]]] = [("", cast("IO[bytes]", packed))]
            if head.startswith(_GZIP):
                texts = [("", cast("IO[bytes]", ends.enter_context(gzip.GzipFile(fileobj=packed))))]
            elif head.startswith((_ZIP, _EMPTY_ZIP)):
                texts = _members(ends.enter_context(zipfile.ZipFile(cast("IO[bytes]", packed))))
            total = 0
            for name, text in texts:
                for block in _line_blocks(text, block_bytes):
                    total += len(block)
                    if total > (most := _most_unpacked(packed.taken)):
                        raise CorruptFileError(
                            f"it unpacks to more than {most:,} bytes from its first {packed.taken:,}, which "
                            "no packed feed does. If its rows are sound, unpack it first"
                        )
                    yield name, block
    except EOFError as error:
        raise CorruptFileError("the packed file is cut short") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile, NotImplementedError) as error:
        raise CorruptFileError(f"the packed file is damaged ({error})") from error
    except (RuntimeError, ValueError, struct.error) as error:
        raise CorruptFileError(f"the archive cannot be opened ({error})") from error
    except OSError as error:
        raise CorruptFileError(f"cannot be read ({error.strerror or error})") from error


class _Packed:
    """A file that counts what was read of it, at most ``piece_bytes`` at once."""

    def __init__(self, stream: BinaryIO, piece_bytes: int) -> None:
        self._stream, self._piece_bytes, self.taken = stream, piece_bytes, 0
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(min(size, self._piece_bytes))
        self.taken += len(content)
        return content


def _most_unpacked(packed_bytes: int) -> int:
    return max(FREE_BYTES, MAX_EXPANSION * packed_bytes)


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, IO[bytes]]]:
    files = (member for member in archive.infolist() if not member.is_dir())
    members = [member for member in files if not member.filename.startswith("__MACOSX/")]
    if not members:
        raise CorruptFileError("the archive holds no file")
    for member in members:
        with archive.open(member) as text:
            yield (member.filename if len(members) > 1 else ""), text


def _line_blocks(stream: IO[bytes], block_bytes: int) -> Iterator[bytes]:
    rest, begun = b"", False
    while chunk := _chunk(stream, block_bytes):
        if not begun:
            if chunk.startswith((_GZIP, _ZIP, _PARQUET)):
                raise CorruptFileError("a packed file inside a packed file: unpack it once")
            chunk, begun = chunk.removeprefix(b"\xef\xbb\xbf"), True
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield _plain(rest + chunk[:cut])
            rest = b""
        rest += chunk[cut:]
        if len(rest) > 4 * MAX_LINE_BYTES:
            raise CorruptFileError(f"a line of more than {len(rest):,} bytes: this is no text of rows")
    if rest:
        yield _plain(rest + b"\n")


def _chunk(stream: IO[bytes], size: int) -> bytes:
    """Read so many bytes, in pieces: a member of an archive takes as many packed bytes as it is asked for."""
    buffer = io.BytesIO()
    while (left := size - buffer.tell()) and (piece := stream.read(min(left, _PIECE_BYTES))):
        buffer.write(piece)
    return buffer.getvalue()


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


def _is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes; one of more rows than its size can hold is refused."""
    try:
        with open_plain(path, sys.maxsize) as stream:
            if stream.read(4) != _PARQUET:
                return False
    except OSError as error:
        raise CorruptFileError(f"cannot be read ({error.strerror or error})") from error
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            query = "SELECT sum(num_rows) FROM parquet_file_metadata(?)"
            (rows,) = connection.execute(query, [literal_path(path)]).fetchone() or (0,)
    except duckdb.Error as error:
        raise CorruptFileError(f"the Parquet file cannot be read ({_first_line(error)})") from error
    if ROW_BYTES * (rows or 0) > (most := _most_unpacked(path.stat().st_size)):
        raise CorruptFileError(
            f"it holds {rows:,} rows, more than {most:,} bytes, which no feed of its size does"
        )
    return True


class Text(NamedTuple):
    """Rows of a file on disk (``name``: as shown in messages), in a shape, or without one as Parquet."""

    path: Path
    key: str
    name: str
    shape: Shape | None


@dataclass
class _Batch:
    """Files to judge at once: their texts in a folder, lines mended by key, and those that cannot be used."""

    folder: Path
    texts: list[Text] = field(default_factory=list)
    mended: dict[str, int] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    size: int = 0

    def unpack(self, key: str, path: Path, options: ImportOptions) -> None:
        """Add a file."""
        layout = options.layout
        try:
            if _is_parquet(path):
                if layout.lists or layout.syntax == "lines":
                    raise CorruptFileError(f"{layout.name} files are read as published text, not as Parquet")
                texts, self.mended[key] = [Text(path, key, str(path), None)], 0
                self.size += path.stat().st_size * 4  # about that of its rows as text
            else:
                texts, self.mended[key] = [], 0
                for name, blocks in groupby(read_blocks(path), key=lambda block: block[0]):
                    place = self.folder / f"{len(self.texts) + len(texts)}"
                    shape = None
                    with place.open("wb") as stream:
                        for _, block in blocks:
                            content, mended = _as_utf8(block)
                            if shape is None:
                                shape = shape_of(layout, content.decode().split("\n", FIRST_LINES)[:-1])
                            self.size += stream.write(content)
                            self.mended[key] += mended
                    texts.append(Text(place, key, f"{path}({name})" if name else str(path), shape))
            self.texts += texts
        except (CorruptFileError, WrongFormatError) as error:
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


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _first_line(error: duckdb.Error) -> str:
    return shown(str(error).splitlines()[0], 120)


def load_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, Sequence[object]],
    kinds: Mapping[str, str] | None = None,
) -> None:
    """Put columns of equal length into a table, as texts or of the kinds given."""
    kinds = kinds or {}
    made = (f'CAST(unnest(?) AS {kinds.get(column, "VARCHAR")}) AS "{column}"' for column in columns)
    values = [list(column) for column in columns.values()]
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {', '.join(made)}", values)


def _candidate(*, own: bool) -> dict[str, str]:
    """Return the columns of a candidate row."""
    return {
        "event_id": "event_id",
        "day": "day",
        "known": "greatest(published_raw, day)",
        "a": "CASE WHEN x_swapped THEN to_actor ELSE from_actor END",
        "b": "CASE WHEN x_swapped THEN from_actor ELSE to_actor END",
        "code": "coalesce(x_code, code)",
        "mode": "mode",
        "label": "x_label",
        "category": "given_category" if own else "x_category",
        "severity": "TRY_CAST(given_severity AS TINYINT)" if own else "CAST(x_severity AS TINYINT)",
        "scale": "coalesce(given_scale, x_scale)",
        "counts_as": "coalesce(x_counts_as, code, given_category)",
        "mutual": "coalesce(x_mutual, false)",
        "swapped": "coalesce(x_swapped, false)",
        **{name: name for name in ("mentions", "sources", "place", "url", "outlet", "title", "note")},
        "name_a": "CASE WHEN x_swapped THEN name_b ELSE name_a END",
        "name_b": "CASE WHEN x_swapped THEN name_a ELSE name_b END",
    }


CANDIDATE = tuple(_candidate(own=False))


def _text_of(text: Text, rows: Sequence[Sequence[str]]) -> Text:
    """Return a text of some rows, in the shape of another."""
    assert text.shape
    path = text.path.with_name(f"{text.path.name}-again")
    with path.open("w", encoding="utf-8", newline="") as stream:
        if text.shape.quoted:
            csv.writer(stream, delimiter=text.shape.separator, lineterminator="\n").writerows(rows)
        else:
            stream.writelines("\t".join(row) + "\n" for row in rows)
    return text._replace(path=path, shape=text.shape._replace(header=False))


def _place(text: Text, position: int) -> int:
    """Return the line in which a byte of a text lies."""
    with text.path.open("rb") as stream:
        return stream.read(position).count(b"\n") + 1


class Engine:
    """Reads files with one set of options; a context manager, since it owns a folder on disk.

    ``tallies`` tell of the files that were read, ``failures`` of those that cannot be used, both by key. The
    table ``candidates`` of the ``connection`` has the columns ``CANDIDATE``, and the ``key`` of the file.
    """

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self.tallies: dict[str, Tally] = {}
        self.failures: dict[str, Exception] = {}
        self._excluded = excluded_actors(options.switches.exclude, options.layout)
        self._ends = ExitStack()
        self.folder = self._ends.enter_context(scratch_folder("import"))
        # It keeps to its memory and fetches nothing from the network.
        self.connection = self._ends.enter_context(
            duckdb.connect(
                config={
                    "memory_limit": f"{options.memory_mb}MB",
                    "threads": options.threads,
                    "temp_directory": str(self.folder / "spill"),
                    "preserve_insertion_order": "false",
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                }
            )
        )
        lows, highs = zip(*(sorted(dyad) for dyad in options.dyads), strict=True)
        load_table(self.connection, "dyads", {"low": lows, "high": highs})
        renamed = renamed_actors(options.layout)
        load_table(self.connection, "renamed", {"name": tuple(renamed), "alpha3": tuple(renamed.values())})
        rows = joined_rows(options.crosswalk, options.layout, mirrored=options.switches.merge_mirrored)
        columns = {name: [row[place] for row in rows] for place, name in enumerate(JOINED)}
        load_table(self.connection, "crosswalk", columns, JOINED)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def read(self, files: Mapping[str, Path]) -> Iterator[int]:
        """Read files (by key) in batches; after each, yield how many are done.

        Raises ``EventError``: the engine needs more memory than it may take.
        """
        batches, done = _batches(files, self.options, self.folder), 0
        with ThreadPoolExecutor(1, "unpack") as pool:
            waiting = pool.submit(next, batches, None)
            while (batch := waiting.result()) is not None:
                waiting = pool.submit(next, batches, None)
                self._read(batch)
                shutil.rmtree(batch.folder)
                done += len(batch.mended.keys() | batch.failures.keys())
                yield done

    def _read(self, batch: _Batch) -> None:
        self.failures |= batch.failures
        for key in batch.mended.keys() - self.failures.keys():
            self.tallies[key] = Tally(mended=batch.mended[key])
        rows = sorted((text for text in batch.texts if text.shape), key=lambda text: str(text.shape))
        try:
            if rows:
                self._judge(rows)
            for text in batch.texts:
                if text.shape is None:
                    self._judge_parquet(text)
        except duckdb.OutOfMemoryException as error:
            raise EventError(
                f"the engine needs more than {self.options.memory_mb:,} MB: allow it more with --memory"
            ) from error

    def _judge_parquet(self, text: Text) -> None:
        try:
            self._judge([text])
        except WrongFormatError as error:
            self._set_aside(text.key, error)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            self._set_aside(
                text.key, CorruptFileError(f"the Parquet file cannot be read ({_first_line(error)})")
            )

    def _set_aside(self, key: str, error: Exception) -> None:
        self.failures[key] = error
        self.tallies.pop(key, None)

    def _judge(self, texts: Sequence[Text], *, mend: bool = True) -> None:
        """Judge every row of some texts; tally them and add the candidates to the table."""
        self._execute(f"CREATE OR REPLACE TEMP TABLE judged AS {self._grouped(texts)}")
        again = self._read_rejected(texts, mend=mend)
        counted = "_text, fate, world, CAST(published AS VARCHAR), number, lines, restored"
        for number, fate, world, day, rows, lines, restored in self._execute(f"SELECT {counted} FROM judged"):
            if tally := self.tallies.get(texts[number].key):
                tally.rows += rows
                tally.lines += lines
                tally.restored += restored
                tally.fates[fate] += rows
                if world:
                    tally.volumes[day] += rows
        # In order of text, so that the first rows of each reason are the same in every run.
        for number, fate, row in self._execute(
            "SELECT _text, fate, unnest(examples) AS row FROM judged ORDER BY fate, row"
        ):
            if tally := self.tallies.get(texts[number].key):
                tally.show(fate, [f"{texts[number].name}: {row}" if fate == "width" else row])
        sound = [(str(number), text.key) for number, text in enumerate(texts) if text.key in self.tallies]
        if sound:
            numbers, keys = zip(*sound, strict=True)
            load_table(self.connection, "sound", {"_text": numbers, "key": keys}, {"_text": "INTEGER"})
            chosen = (
                "SELECT key, unnest(held, recursive := true) FROM judged JOIN sound USING (_text) "
                f"WHERE fate = '{KEPT}'"
            )
            self._execute(f"CREATE TABLE IF NOT EXISTS candidates AS {chosen} LIMIT 0")
            self._execute(f"INSERT INTO candidates {chosen}")
        if again:
            self._judge(again, mend=False)

    def _read_rejected(self, texts: Sequence[Text], *, mend: bool) -> list[Text]:
        """Count the rows that do not fit their columns; return texts of those that do without empty cells."""
        layout = self.options.layout
        if not any(text.shape for text in texts):
            return []
        rows = self._execute(
            "SELECT s.file_path, e.line_byte_position, max(e.error_type), any_value(e.csv_line), count(*) "
            "FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"
        )
        self._execute("DROP TABLE reject_errors")
        self._execute("DROP TABLE reject_scans")
        places = {text.path.name: text for text in texts}
        again: dict[Text, list[list[str]]] = defaultdict(list)
        for text, group in groupby(rows, key=lambda row: places[Path(row[0]).name]):
            rejected = list(group)
            shape, tally = text.shape, self.tallies.get(text.key)
            if shape is None or tally is None:
                continue
            if sum(row[-1] for row in rejected) >= MOST_REJECTED:
                wrong = f"{len(rejected):,} rows or more do not have its {len(shape.columns)} columns"
                self._set_aside(text.key, CorruptFileError(wrong))
                continue
            for _, position, error, content, _ in rejected:
                if len(content) >= MAX_LINE_BYTES and error == "UNQUOTED VALUE":
                    place = _place(text, position)
                    wrong = (
                        f"the quoted cell that begins in line {place} does not end. Mend or remove that line"
                    )
                    self._set_aside(text.key, CorruptFileError(wrong))
                    break
                for line in content.split("\n"):
                    if not line.strip():
                        continue
                    cells = next(shape.rows([line]), [])
                    fitted = shape.fitted(cells, layout.optional) if mend else None
                    if fitted:
                        again[text].append(fitted)
                        continue
                    widths = sorted({len(shape.columns) - layout.optional, len(shape.columns)})
                    wrong = f"{len(cells)} columns, not {' or '.join(map(str, widths))}"
                    if len(line) >= MAX_LINE_BYTES or not cells:
                        wrong = "not readable: a cell or row is too long"
                    known = len(tally.examples["width"]) >= SHOWN
                    tally.drop("width", "" if known else f"{text.name}:{_place(text, position)}: {wrong}")
        return [_text_of(text, rows) for text, rows in again.items() if text.key in self.tallies]

    def actors(self, files: Mapping[str, Path]) -> tuple[int, list[str]]:
        """Return the rows of the first batch, and the countries that occur in them, most frequent first."""
        folder = self.folder / "again"
        folder.mkdir()
        batch = next(_batches(files, self.options, folder))
        rows = self._execute(
            "SELECT actor, count(*) AS number FROM (SELECT unnest([from_actor, to_actor]) AS actor "
            f"FROM ({self._judged(batch.texts)})) GROUP BY ALL ORDER BY number DESC, actor"
        )
        return sum(number for _, number in rows) // 2, [str(actor) for actor, _ in rows if actor is not None]

    def _execute(self, query: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return rows

    # The statement

    def _grouped(self, texts: Sequence[Text]) -> str:
        """Return the statement that judges and groups in one pass: a table of all rows costs half more."""
        return f"""SELECT _text, fate, world, published, count(*) AS number,
  count(*) FILTER (WHERE leads) AS lines, count(*) FILTER (WHERE restored) AS restored,
  min(shown, {SHOWN}) AS examples, list(held) FILTER (WHERE fate = '{KEPT}') AS held
FROM ({self._judged(texts)}) GROUP BY ALL"""

    def _judged(self, texts: Sequence[Text]) -> str:
        """Return the statement that gives each row its fate, and a candidate its columns."""
        layout, switches = self.options.layout, self.options.switches
        fields = ",\n    ".join(
            f"CAST({layout.fields.get(name, 'NULL')} AS {kind}) AS {name}"
            for name, kind in FIELDS.items()
            if name != "broken"
        )
        actor = "r{0}.alpha3" if layout.named_countries else "coalesce(r{0}.alpha3, p.actor_{0})"
        own = layout.system == "own"
        moded = layout.has("mode") and not own
        join = "LEFT JOIN crosswalk x ON p.code = x.given AND x.mode = ''"
        if moded:
            join += "\n  LEFT JOIN crosswalk m ON p.code = m.given AND p.mode = m.mode AND p.mode <> ''"
        coded = ", ".join(
            f"CASE WHEN m.code IS NOT NULL THEN m.{name} ELSE x.{name} END AS x_{name}"
            if moded
            else f"x.{name} AS x_{name}"
            for name in JOINED
            if name not in ("given", "mode")
        )
        rules = self._rules()
        noise = f"CASE {rules['noise']} END" if rules["noise"] else "CAST(NULL AS VARCHAR)"
        published = "coalesce(added, day)" if layout.has("added") and switches.known_date != "act" else "day"
        candidate = ", ".join(f"{name} := {value}" for name, value in _candidate(own=own).items())
        return f"""
WITH source AS NOT MATERIALIZED ({self._source(texts)}),
parsed AS NOT MATERIALIZED (SELECT _text, leads,
    coalesce(short, {layout.fields.get("broken", "NULL")}) AS broken,
    {fields}
  FROM source),
coded AS NOT MATERIALIZED (SELECT p.*,
    {actor.format("a")} AS from_actor, {actor.format("b")} AS to_actor, {coded}
  FROM parsed p
  LEFT JOIN renamed ra ON p.actor_a = ra.name
  LEFT JOIN renamed rb ON p.actor_b = rb.name
  {join}),
placed AS NOT MATERIALIZED (SELECT c.*, d.low IS NOT NULL AS asked, {published} AS published_raw,
    CASE {rules["faults"]} END AS fault, {noise} AS noise
  FROM coded c
  LEFT JOIN dyads d ON d.low = least(from_actor, to_actor) AND d.high = greatest(from_actor, to_actor)),
judged AS NOT MATERIALIZED (SELECT *,
  CASE WHEN fault IS NOT NULL THEN fault
    WHEN from_actor IS NULL OR to_actor IS NULL THEN 'actorless'
    WHEN from_actor = to_actor THEN 'domestic'
    WHEN NOT asked THEN 'others'
    {rules["outside"]}
    WHEN noise IS NOT NULL THEN noise
    {rules["of_dyad"]}
    ELSE '{KEPT}' END AS fate
  FROM placed)
SELECT _text, leads, fate,
  fault IS NULL AND noise IS NULL AS world,
  CASE WHEN fault IS NULL AND noise IS NULL THEN greatest(published_raw, day) END AS published,
  CASE WHEN fault IS NULL THEN from_actor END AS from_actor,
  CASE WHEN fault IS NULL THEN to_actor END AS to_actor,
  fault IS NULL AND coalesce(x_restored, false) AS restored,
  CASE WHEN fault IS NOT NULL OR (asked AND fate <> '{KEPT}') THEN {self._shown()} END AS shown,
  CASE WHEN fate = '{KEPT}' THEN struct_pack({candidate}) END AS held
FROM judged"""

    def _rules(self) -> dict[str, str]:
        """Return the branches of CASE, by kind; volumes are counted after faults and noise."""
        layout, switches = self.options.layout, self.options.switches
        added, own, delay = layout.has("added"), layout.system == "own", switches.max_delay_days
        known, last = ", ".join(quoted(name) for name in CATEGORIES), f"DATE '{latest_day()}'"
        contexts = "'(^|;) *(future|hypothetical|historical|negation|negated) *($|;)'"
        faults = (
            ("width", True, "broken IS NOT NULL"),
            ("day", True, f"day IS NULL OR day NOT BETWEEN DATE '{FIRST_DAY}' AND {last}"),
            ("added", added, f"added > {last}"),
            ("added", added, "added IS NULL AND nullif(trim(shown_added), '') IS NOT NULL"),
            ("future", added, f"added IS NOT NULL AND day > added + {CLOCK_DAYS}"),
            ("code", own, f"given_category IS NULL OR given_category NOT IN ({known})"),
            ("severity", own, "given_severity IS NULL OR given_severity NOT IN ('1', '2', '3', '4', '5')"),
            ("code", not own, "x_code IS NULL"),
        )
        outside = (
            ("vintage", switches.vintage, f"greatest(published_raw, day) > DATE '{switches.vintage}'"),
            ("no_act", layout.has("contexts"), f"regexp_matches(lower(coalesce(contexts, '')), {contexts})"),
            ("uncounted", not own, "x_category IS NULL"),
        )
        noise = (
            ("not_root", switches.root_only, "root IS DISTINCT FROM true"),
            ("mentions", switches.min_mentions, f"coalesce(mentions, 0) < {switches.min_mentions}"),
            ("sources", switches.min_sources, f"coalesce(sources, 0) < {switches.min_sources}"),
        )
        of_dyad = (
            ("excluded", switches.exclude, self._is_excluded()),
            ("late", delay is not None, f"added > day + {delay}"),
        )
        kinds = {"faults": faults, "outside": outside, "noise": noise, "of_dyad": of_dyad}
        return {
            kind: "\n    ".join(f"WHEN {test} THEN '{fate}'" for fate, applies, test in rules if applies)
            for kind, rules in kinds.items()
        }

    def _is_excluded(self) -> str:
        layout, tests = self.options.layout, []
        sectors, names = self._excluded
        for side in ("a", "b"):
            if sectors and layout.has(f"sectors_{side}"):
                wanted = ", ".join(map(quoted, sectors))
                parts = f"string_split(coalesce(sectors_{side}, ''), '{layout.delimiter}')"
                tests.append(f"list_has_any([trim(part) FOR part IN {parts}], [{wanted}])")
            for name in names if layout.has(f"name_{side}") else ():
                tests.append(f"starts_with(upper(coalesce(name_{side}, '')), {quoted(name)})")
        return f"({' OR '.join(tests)})"

    def _shown(self) -> str:
        days = "coalesce(shown_day, '')"
        if self.options.layout.has("added"):
            days += " || ', published ' || coalesce(shown_added, '')"
        coding = "coalesce(code, given_category, '') || coalesce(' ' || given_severity, '')"
        row = (
            "'row ' || coalesce(event_id, '') || ': ' || left(coalesce(actor_a, '?'), 30) || ' to ' "
            f"|| left(coalesce(actor_b, '?'), 30) || ', code ' || left({coding}, 60) || ', day ' "
            f"|| left({days}, 60)"
        )
        return f"CASE WHEN broken IS NULL THEN {row} ELSE broken END"

    def _source(self, texts: Sequence[Text]) -> str:
        """Return the statement that reads texts, cell by cell: ``_text`` is a row's place among them."""
        layout, selects, first = self.options.layout, list[str](), 0
        needed = [*dict.fromkeys((*layout.columns, *layout.made))]
        for shape, group in groupby(texts, key=lambda text: text.shape):
            paths = [literal_path(text.path) for text in group]
            if shape is None:
                scan = f"read_parquet({quoted(paths[0])}, hive_partitioning=false)"
                held = {folded(name): name for name, *_ in self._execute(f"DESCRIBE FROM {scan}")}
                if absent := [repr(name) for name in layout.required if folded(name) not in held]:
                    wrong = f"the Parquet file has no column {', '.join(absent)}. It has: "
                    raise WrongFormatError(
                        f"not {layout.name} rows: {wrong}{', '.join([*held.values()][:20])}"
                    )
                cells: Mapping[str, str] = {
                    name: f"coalesce(CAST({_named(held[folded(name)])} AS VARCHAR), '')"
                    for name in needed
                    if folded(name) in held
                }
                number, short, filled = f"{first}", "NULL", "true"
            else:
                kinds = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in shape.columns)
                quote = "'\"'" if shape.quoted else "''"
                scan = (
                    f"read_csv([{', '.join(map(quoted, paths))}], columns={{{kinds}}}, auto_detect=false, "
                    f"delim={quoted(shape.separator)}, quote={quote}, escape={quote}, nullstr='\\0', "
                    f"header=false, skip={int(shape.header)}, new_line='\\n', hive_partitioning=false, "
                    f"null_padding={not shape.quoted}, "
                    f"max_line_size={MAX_LINE_BYTES}, store_rejects=true, rejects_limit={MOST_REJECTED}, "
                    f"rejects_line_size_limit={MAX_LINE_BYTES})"
                )
                short, filled = "NULL", "true"
                if not shape.quoted:
                    # Cells that are absent are null, cells without content are not.
                    least = len(shape.columns) - layout.optional
                    lead, last = _named(shape.columns[0]), _named(shape.columns[least - 1])
                    wrong = f"'row ' || left({lead}, 30) || ': fewer than {least} columns'"
                    short = f"CASE WHEN {last} IS NULL THEN {wrong} END"
                    filled = " OR ".join(
                        [f"trim({lead}) <> ''", *(f"{_named(n)} IS NOT NULL" for n in shape.columns[1:2])]
                    )
                cells = layout.made or {name: _named(name) for name in needed if name in shape.columns}
                number = f"CAST(file_index AS INTEGER) + {first}"
            chosen = ", ".join(f"{cells.get(name, 'NULL')} AS {_named(name)}" for name in needed)
            selects.append(
                f"SELECT {number} AS _text, CAST({short} AS VARCHAR) AS short, {chosen} "
                f"FROM {scan} WHERE {filled}"
            )
            first += len(paths)
        source = "\nUNION ALL ".join(selects)
        plain = f"SELECT true AS leads, * FROM ({source})"
        return self._spread(source) if layout.lists else plain

    def _spread(self, source: str) -> str:
        """Return the statement that makes a row of each pair of actors and each event of a row.

        Without a recipient all who met are named as sources: each pair of them consulted.
        """
        initiator, recipient, event = (_named(name) for name in self.options.layout.lists)
        parts = (
            "[trim(p) FOR p IN string_split(coalesce({}, ''), ';') "
            "IF lower(trim(p)) NOT IN ('', 'none', 'na', 'null', 'nan')]"
        )
        return f"""
WITH lists AS (SELECT *, {parts.format(initiator)} AS sources, {parts.format(recipient)} AS recipients,
    {parts.format(event)} AS named, CASE WHEN len(named) > 0 THEN named ELSE [''] END AS events,
    greatest(len(sources) * len(recipients), len(sources) * len(sources) // 2) * len(events) AS rows,
    CASE WHEN rows > {MAX_SPREAD} THEN
      format('names {{:,}} pairs and events, more than {MAX_SPREAD:,}', rows) ELSE short END AS whole
  FROM ({source})),
paired AS (SELECT * REPLACE (CASE WHEN whole IS NOT NULL THEN [''] ELSE events END AS events),
    CASE WHEN whole IS NOT NULL THEN [['', '']]
      WHEN len(sources) > 0 AND len(recipients) > 0
        THEN flatten([[[x, y] FOR y IN recipients] FOR x IN sources])
      WHEN len(sources) > 1 AND len(recipients) = 0
        THEN flatten([[[x, y] FOR y IN sources[i + 1:]] FOR x, i IN sources])
      ELSE [[array_to_string(sources, ';'), array_to_string(recipients, ';')]] END AS pairs
  FROM lists),
acts AS (SELECT *, unnest(pairs) AS pair, generate_subscripts(pairs, 1) AS place FROM paired)
SELECT * EXCLUDE (sources, recipients, named, events, rows, whole, pairs, pair, place)
    REPLACE (whole AS short, pair[1] AS {initiator}, pair[2] AS {recipient}, unnest(events) AS {event}),
  place = 1 AND generate_subscripts(events, 1) = 1 AS leads
FROM acts"""
