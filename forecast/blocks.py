"""What is shown to readers: headings, prose, lists, tables and charts, without any layout.

Commands and the report are made of the same blocks. The terminal (``cli/terminal.py``), HTML
(``report/template/blocks.html``) and the PDF (``report/template/blocks.typ``) each set them in a way of their
own. A block holds finished texts; nothing is worked out from them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Align = Literal["left", "right", "center"]
Weight = Literal["regular", "semibold", "bold"]


class Block:
    """Base of all blocks."""


@dataclass(frozen=True)
class Heading(Block):
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Prose(Block):
    """One paragraph; ``lead`` is set bold before it, ``tone`` says how it looks."""

    text: str
    lead: str = ""
    tone: Literal["plain", "fine", "warning"] = "plain"


@dataclass(frozen=True)
class Bullets(Block):
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Verbatim(Block):
    """Lines that stay as they are, as a command to type: neither wrapped nor cut."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Entry(Block):
    """A head, and what stands under it, set in; smaller than a heading."""

    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Alert(Block):
    """A box that no reader may miss; ``tone`` tells a fit that failed from what to bear in mind."""

    text: str
    items: tuple[str, ...] = ()
    tone: Literal["alarm", "caution"] = "alarm"


class Tick(NamedTuple):
    """A chance beside the forecast on the scale, as it is printed and what it is."""

    value: float
    percent: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Answer(Block):
    """The answer in one sentence, then one scale from 0 to 100% with range, number and ticks.

    ``low`` and ``high`` are the ends of the range, ``ends`` as they are printed; ``alt`` says what the scale
    draws. Without ``chance`` there is no scale, as where the record is too little.
    """

    sentence: str
    detail: str = ""
    chance: float | None = None
    percent: str = ""
    low: float = 0.0
    high: float = 1.0
    ends: tuple[str, str] = ("", "")
    ticks: tuple[Tick, ...] = ()
    """From the lowest to the highest."""
    alt: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart(Block):
    """A figure: file name without ending, headline, caption, what is drawn in words (``alt``), and how."""

    name: str
    headline: str
    alt: str
    caption: str
    draw: Callable[[], Figure] = field(repr=False)


class Mark:
    """Base of what is drawn within a cell."""


@dataclass(frozen=True, kw_only=True)
class Track(Mark):
    """An interval and a value on a scale from 0 to 100%."""

    lower: float
    value: float
    upper: float
    colour: str


@dataclass(frozen=True, kw_only=True)
class Bar(Mark):
    """A share of the widest bar, in [0, 1]."""

    value: float
    colour: str


@dataclass(frozen=True, kw_only=True)
class Rise(Mark):
    """A step of a waterfall from 0 to 100%; ``assumed``: no case stands behind it, so it is an outline."""

    start: float
    end: float
    now: float
    assumed: bool = False


@dataclass(frozen=True, kw_only=True)
class Move(Mark):
    """A chance before something and after it on a scale from 0 to 100%, as printed, and the forecast.

    ``said`` is empty for the forecast itself, whose number stands above; ``now`` where there is no such line.
    ``span`` is the range of the chance after it.
    """

    before: float
    after: float
    span: tuple[float, float] | None = None
    now: float | None = None
    said: tuple[str, str]


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its text, a smaller second line (``note``), and a mark beside or in place of it.

    ``swatch`` and ``colour`` are ``#RRGGBB``; ``value`` is the number behind the text, or the two ends of a
    range, for the CSV file.
    """

    text: str = ""
    note: str = ""
    weight: Weight = "regular"
    tone: Literal["plain", "fine"] = "plain"
    colour: str | None = None
    swatch: str | None = None
    url: str | None = None
    mark: Mark | None = None
    value: float | int | tuple[float, float] | None = None


@dataclass(frozen=True)
class Column:
    """A column: its head with a second line, its width in millimetres (``None``: what is left), its side.

    The cells of a ``scale`` draw on one from 0 to 100%, and on paper its quarters stand in place of the head.
    """

    head: str
    width: float | None = None
    align: Align = "left"
    note: str = ""
    scale: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows under a ``label`` with a few words beside it (``note``) and lines under it, or without any."""

    rows: tuple[tuple[Cell, ...], ...]
    label: str = ""
    note: str = ""
    detail: str = ""
    colour: str | None = None
    marked: tuple[int, ...] = ()
    """Places of rows that are set off, from 0."""


@dataclass(frozen=True, kw_only=True)
class Table(Block):
    """A table; ``name`` also names its CSV file, ``title`` is its caption and says what it holds."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    name: str = ""
    title: str = ""
    lines: bool = True
    whole: bool = False
    """Never broken across pages: for short tables only."""


@dataclass(frozen=True, kw_only=True)
class Beside(Block):
    """Two stacks of blocks side by side; on a narrow screen one under the other."""

    left: tuple[Block, ...]
    right: tuple[Block, ...]
    right_width: float
    """Width of the right stack in millimetres."""


@dataclass(frozen=True)
class Section:
    """A part of the report; ``title`` stands in the bookmarks, and is ``None`` for the front page.

    A section that is a ``page`` fills exactly one sheet of the PDF, set smaller where it would not fit. One
    that is not ``printed`` stands in ``report.html`` alone; the PDF carries its tables as CSV.
    """

    name: str
    title: str | None
    blocks: tuple[Block, ...]
    page: bool = False
    printed: bool = True


def right(head: str = "", width: float | None = None) -> Column:
    """Return a column of numbers."""
    return Column(head, width, "right")


def paired(items: Iterable[tuple[str, str]]) -> Verbatim:
    """Return names with what they stand for, as a file that was written: neither wrapped nor cut."""
    lines = [*items]
    width = max((len(name) for name, _ in lines), default=0)
    return Verbatim(tuple(f"{name:<{width}}  {value}" for name, value in lines))


def cells(*texts: Cell | str) -> tuple[Cell, ...]:
    """Return one row of a table."""
    return tuple(text if isinstance(text, Cell) else Cell(text) for text in texts)


def plain_table(
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[Cell | str]],
    title: str = "",
    name: str = "",
    *,
    lines: bool = True,
    whole: bool = False,
) -> Table:
    """Return a table of texts without groups; a column of which only the head is given holds words."""
    stated = tuple(Column(column) if isinstance(column, str) else column for column in columns)
    group = Group(rows=tuple(cells(*row) for row in rows))
    return Table(name=name, columns=stated, groups=(group,), title=title, lines=lines, whole=whole)


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Yield every block, also those that stand side by side or under a head."""
    for block in blocks:
        yield block
        if isinstance(block, Beside):
            yield from walk((*block.left, *block.right))
        elif isinstance(block, Entry):
            yield from walk(block.blocks)


def as_content(part: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return sections and blocks as JSON values; a chart keeps the path of its file alone.

    Blocks and marks have a ``kind``, by which templates set each: the name of the class in ``snake_case``.
    """
    if isinstance(part, list | tuple):
        return [as_content(item) for item in part]
    if not dataclasses.is_dataclass(part) or isinstance(part, type):
        return part
    names = [field.name for field in dataclasses.fields(part) if field.name != "draw"]
    values = {name: as_content(getattr(part, name)) for name in names}
    if isinstance(part, Block | Mark):
        values["kind"] = re.sub(r"(?<!^)(?=[A-Z])", "_", type(part).__name__).lower()
    if isinstance(part, Chart):
        values["path"] = f"figures/{part.name}.svg"
    return values
