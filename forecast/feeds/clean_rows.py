"""Blocks of lines → tab-separated rows of even width in UTF-8, and what could not be used.

Formats of plain tabs pass through as bytes, since they come by the hundred million rows; only blocks with a
fault are looked at line by line. Quoted tables, JSON lines and KEDS text are read cell by cell.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

from forecast.errors import shown
from forecast.events.cells import clean_text
from forecast.feeds.formats import KEDS_LINE, Layout, folded, wrong_format

SHOWN = 3
"""Examples kept of each fault."""
MAX_SPREAD, MAX_COLUMNS = 5_000, 5_000
"""Rows that one record becomes at most; columns of a table at most."""
_SLICE_BYTES = 4_000
_TELLING_LINES = 20_000
"""Lines at the beginning of a file of which none can be read: the rest is not looked at."""
_SAMPLED, _SAMPLE_STEP = 64, 20_000
"""Lines of a block whose width is looked at, and the least distance between them in bytes."""
_CENTURY_TURN = 30
"""Two-digit years below this are of the twenty-first century: the data begin in 1979 at the earliest."""
_NOTHING = {"", "none", "na", "null", "nan"}
_SEPARATORS = (",", ";", "\t", "|")
_CELL_BREAKS = str.maketrans({"\t": " ", "\n": " ", "\r": " ", "\x00": " "})


@dataclass(frozen=True)
class Block:
    """Whole lines of a file."""

    text: str
    """Name of the member of an archive that holds several; otherwise empty."""
    first_line: int
    """Line of that text, counted from 1, with which the block begins."""
    content: bytes
    """Lines, each ended by a line feed; carriage returns and NUL bytes are gone."""


class WrongFormatError(Exception):
    """A file does not hold rows of the format; the message says what it holds instead of what."""


@dataclass
class Faults:
    """Lines that could not be used, by reason: how many, and the first examples."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    mended: int = 0
    """Lines that were not UTF-8 and were read as Windows-1252."""

    def add(self, place: str, what: str, reason: str = "width") -> None:
        """Count a line."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < SHOWN:
            examples.append(clean_text(f"{place}: {what}"))


@dataclass(frozen=True)
class Rows:
    """Rows ready for the engine."""

    columns: tuple[str, ...]
    content: bytes
    """UTF-8, cells separated by tabs, each row ended by a line feed and as wide as ``columns``."""
    count: int
    lines: int
    """Lines of the file that they come from, without blank ones; one that names several pairs counts once."""


Record = tuple[int, Mapping[str, str] | str]
"""Line of a record, and its cells by column or what is wrong with it."""


class RowCleaner:
    """Cleans the blocks of one file, in their order; ``name`` is the file as shown in messages."""

    def __init__(self, layout: Layout, name: str) -> None:
        self.layout, self.name, self.faults = layout, name, Faults()
        self._text: str | None = None
        self._header: tuple[str, ...] = ()
        self._separator = "\t"
        self._open_rows = b""
        self._read = self._failed = 0

    def clean(self, block: Block, *, last: bool) -> Rows:
        """Return the rows of a block; ``WrongFormatError``: the first lines are not of the format."""
        if block.text != self._text:
            self._text, self._header = block.text, ()
        try:
            if self.layout.syntax == "tabs":
                return self._plain(block)
            csv_table = self.layout.syntax == "csv"
            return self._written(self._csv_records(block, last=last) if csv_table else self._records(block))
        except WrongFormatError as error:
            lines = block.content[:200_000].decode("utf-8", errors="replace").split("\n")[:20]
            raise WrongFormatError(wrong_format(self.layout.name, lines, str(error))) from error

    def _place(self, line: int) -> str:
        inside = f"({self._text})" if self._text else ""
        return f"{self.name}{inside}:{line}"

    def _as_utf8(self, block: Block) -> bytes:
        if _is_utf8(block.content):
            return block.content
        lines = block.content.splitlines(keepends=True)
        for place, line in enumerate(lines):
            if not _is_utf8(line):
                self.faults.mended += 1
                lines[place] = line.decode("cp1252", errors="replace").encode()
        return b"".join(lines)

    def _read_header(self, names: list[str]) -> tuple[str, ...]:
        if len(names) > MAX_COLUMNS:
            raise WrongFormatError(f"the header has {len(names):,} columns, more than {MAX_COLUMNS:,}")
        present = {folded(name) for name in names}
        known = {folded(name): name for name in self.layout.columns}
        absent = [name for name in self.layout.required if folded(name) not in present]
        if absent:
            raise WrongFormatError(f"the header has no column {', '.join(map(repr, absent))}")
        header = [known.get(folded(name), f"_{name}") for name in names]
        return tuple(
            name if header.index(name) == place and name != "_" else f"_{place}"
            for place, name in enumerate(header)
        )

    # Plain tabs

    def _plain(self, block: Block) -> Rows:
        content, first = self._as_utf8(block), block.first_line
        if self.layout.header and not self._header:
            head, _, content = content.partition(b"\n")
            self._header = self._read_header([cell.strip('" ') for cell in head.decode().split("\t")])
            first += 1
        columns = self._header or self.layout.columns
        widths = self.layout.widths or (len(columns),)
        lines, tabs = content.count(b"\n"), content.count(b"\t")
        for width in widths:
            # The sum of tabs shows an uneven block, but for a surplus that makes good a lack elsewhere: the
            # sample finds most of those, and the engine the rest (a row too long, or days out of place).
            if tabs == lines * (width - 1) and all(sampled == width for sampled in _sampled_widths(content)):
                if width < widths[0]:
                    content = content.replace(b"\n", b"\t" * (widths[0] - width) + b"\n")
                return Rows(columns, content, lines, lines)
        return self._uneven(content, first, columns, widths)

    def _uneven(self, content: bytes, first: int, columns: tuple[str, ...], widths: tuple[int, ...]) -> Rows:
        even, blank = [], 0
        for number, line in enumerate(content.splitlines(), start=first):
            if not line.strip():
                blank += 1
                continue
            width = line.count(b"\t") + 1
            if width in widths:
                even.append(line + b"\t" * (widths[0] - width))
            elif width > widths[0] and not line.split(b"\t", widths[0])[-1].strip():
                # Surplus tabs at the end of a line hold nothing.
                even.append(b"\t".join(line.split(b"\t")[: widths[0]]))
            else:
                allowed = " or ".join(str(allowed) for allowed in sorted(widths))
                self.faults.add(self._place(number), f"{width} columns, not {allowed}")
            if first <= 2 and not even and number > _TELLING_LINES:
                raise WrongFormatError(f"the first {number:,} lines have other widths")
        lines = content.count(b"\n") - blank
        if first <= 2 and len(even) < lines / 2:
            raise WrongFormatError(f"{lines - len(even):,} of the first {lines:,} lines have other widths")
        return Rows(columns, b"".join(line + b"\n" for line in even), len(even), lines)

    # Records, one by one

    def _written(self, records: Iterator[Record]) -> Rows:
        """Write records as rows, which take a tenth of what their cells take in memory."""
        columns, lists = self.layout.columns, self.layout.lists
        content, rows, taken, begun = bytearray(), 0, 0, self._read + self._failed
        for line, record in records:
            taken += 1
            wrong = record if isinstance(record, str) else _too_many(record, lists)
            if isinstance(record, str) or wrong:
                self.faults.add(self._place(line), wrong)
                self._failed += 1
                if not self._read and self._failed > _TELLING_LINES:
                    raise WrongFormatError(f"the first {self._failed:,} rows cannot be read so")
                continue
            self._read += 1
            for row in _spread(record, *lists) if lists else (record,):
                cells = [row.get(name, "").translate(_CELL_BREAKS) for name in columns]
                content += ("\t".join(cells) + "\n").encode("utf-8", errors="replace")
                rows += 1
        if not begun and self.layout.syntax != "csv" and self._failed > self._read:
            raise WrongFormatError(f"{self._failed:,} of the first {taken:,} lines cannot be read so")
        return Rows(columns, bytes(content), rows, taken)

    def _csv_records(self, block: Block, *, last: bool) -> Iterator[Record]:
        content = self._open_rows + self._as_utf8(block)
        first = block.first_line - self._open_rows.count(b"\n")
        self._open_rows = b""
        lines = content.decode().splitlines(keepends=True)
        if not self._header:
            self._separator = max(_SEPARATORS, key=lines[0].count) if lines else ","
            try:
                head = next(csv.reader(lines[:1], delimiter=self._separator), [])
            except csv.Error as error:
                raise WrongFormatError(f"the first line is not readable as CSV: {error}") from error
            self._header = self._read_header([cell.strip() for cell in head])
            lines, first = lines[1:], first + 1
        # Tables with tabs are not quoted: a stray mark at the start of a cell must not swallow lines.
        quoted = self._separator != "\t"
        begin = 0
        while begin < len(lines):
            reader = csv.reader(
                lines[begin:],
                delimiter=self._separator,
                quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            )
            done = start = begin
            try:
                for cells in reader:
                    begin, done = done, start + reader.line_num
                    text = "".join(lines[begin:done]) if done == len(lines) and not last else ""
                    if quoted and text.count('"') % 2:
                        # A quoted cell goes on in the next block.
                        self._open_rows = text.encode()
                    elif any(cells):
                        yield first + begin, self._cells_by_column(cells)
                return
            except csv.Error as error:
                yield first + done, f"not readable as CSV: {error}"
                begin = done + 1

    def _cells_by_column(self, cells: list[str]) -> Mapping[str, str] | str:
        if any(cells[len(self._header) :]) or len(cells) < len(self._header) - 1:
            return f"{len(cells)} cells"
        return dict(zip(self._header, [*cells, ""], strict=False))

    def _records(self, block: Block) -> Iterator[Record]:
        read = _keds_cells if self.layout.syntax == "keds" else _plover_cells
        for number, raw in enumerate(io.BytesIO(self._as_utf8(block)), start=block.first_line):
            line = raw.decode().removesuffix("\n")
            if not line.strip():
                continue
            try:
                record: Mapping[str, str] | str = read(line)
            except RecursionError:
                record = "nested too deeply"
            except ValueError as error:
                reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                record = f"'{shown(line.strip())}' {reason}"
            yield number, record


def _too_many(cells: Mapping[str, str], lists: Sequence[str]) -> str:
    """What is wrong with a record that would become too many rows, if it is so."""
    if not lists:
        return ""
    sources, recipients, events = (cells.get(name, "").count(";") + 1 for name in lists)
    rows = max(sources * recipients, sources**2 // 2) * events
    return f"names {rows:,} pairs and events, more than {MAX_SPREAD:,}" if rows > MAX_SPREAD else ""


def _spread(
    row: Mapping[str, str], initiator: str, recipient: str, event: str
) -> Iterator[Mapping[str, str]]:
    """Yield a row for each pair of countries and each event, from columns that hold lists."""
    sources, recipients, events = (
        [part.strip() for part in row.get(name, "").split(";") if part.strip().lower() not in _NOTHING]
        for name in (initiator, recipient, event)
    )
    # Without a recipient all who met are named as sources: each pair of them consulted.
    pairs = list(product(sources, recipients)) if recipients else list(combinations(sources, 2))
    for source, other in pairs or [(";".join(sources), ";".join(recipients))]:
        for name in events or [""]:
            yield {**row, initiator: source, recipient: other, event: name}


def _keds_cells(line: str) -> dict[str, str]:
    match = KEDS_LINE.match(line)
    if match is None:
        raise ValueError("not 'date actor target code'")
    day, actor, recipient, code, label = match.groups()
    if len(day) == 6:
        day = ("20" if int(day[:2]) < _CENTURY_TURN else "19") + day
    return {
        "date": f"{day[:4]}-{day[4:6]}-{day[6:]}",
        "actor": actor,
        "target": recipient,
        "code": code,
        "label": (label or "").strip("() "),
    }


def _plover_cells(line: str) -> dict[str, str]:
    """Return a JSON record as cells: lists joined by semicolons, actors by code and sector."""
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    if not content.keys() & {"date", "event", "source"}:
        raise ValueError("has no date, event or source")
    names = ("id", "date", "event", "mode", "context", "text", "coded_date")
    cells = {name: _joined(content.get(name)) for name in names}
    for side in ("source", "recipient"):
        # Drafts before 2020 call the recipient target.
        actors = content.get(side, content.get("target") if side == "recipient" else None) or []
        actors = actors if isinstance(actors, list) else [actors]
        named = [actor if isinstance(actor, dict) else {"code": actor} for actor in actors]
        cells[side] = ";".join(str(actor.get("code") or "") for actor in named)
        cells[f"{side}_sector"] = ";".join(str(actor.get("sector") or "") for actor in named)
    return cells


def _joined(value: object) -> str:
    if isinstance(value, list):
        return ";".join(str(part) for part in value)
    return "" if value is None else str(value)


def _is_utf8(content: bytes) -> bool:
    """Return whether bytes are UTF-8; most slices are ASCII, which is told without decoding them."""
    begin = 0
    try:
        while begin < len(content):
            end = content.find(b"\n", begin + _SLICE_BYTES) + 1 or len(content)
            piece = content[begin:end]
            begin = end
            if not piece.isascii():
                piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def _sampled_widths(content: bytes) -> Iterator[int]:
    """Yield the width of the first line and of lines spread over the block."""
    step = max(len(content) // _SAMPLED, _SAMPLE_STEP)
    for start in range(0, len(content), step):
        begin = content.find(b"\n", start) + 1 if start else 0
        end = content.find(b"\n", begin)
        if begin <= end:
            yield content.count(b"\t", begin, end) + 1
