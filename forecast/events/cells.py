"""The text of a cell → its value, or a fault that says what is allowed; and how people write cells.

Columns are read by their distinct texts. What people write for what the codebook writes (days, severities,
words, names of countries) is put right where it can mean one thing, and noted once for the whole file; what
can mean two (3/4/2020) is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from forecast.errors import MOST_LINES, EventError, clean_text
from forecast.events.codebook import (
    CATEGORIES,
    SEVERITY_WORDS,
    actor_code,
    cameo_fault,
    category_fault,
    category_named,
    near_country,
    packaged_rows,
    severity_named,
    shared_name,
)
from forecast.wording import count, listing

DateOrder = Literal["iso", "dmy", "mdy"]
"""How a file writes days: ``2020-02-13``, ``13/02/2020`` or ``02/13/2020``."""
Use = Literal["client", "internal"]
"""What a forecast is made for: to be passed on to a client, or to stay inside the organisation."""
BUNDLED_PREFIX = "bundled:"
"""Begins the name of a data set of the package, where a file could be named."""
IN_WORDS: Mapping[DateOrder, str] = {"dmy": "day/month/year", "mdy": "month/day/year"}
DATES: tuple[str, ...] = ("date", "end_date", "known_date", "source_date")
MAX_CELL_CHARS = 10_000
MAX_ACTOR_CHARS = 100
FIRST_YEAR, LAST_YEAR = 1800, 2100
CONFIDENCES = ("high", "medium", "low")
WORDS: Mapping[str, Mapping[str, str]] = {
    "category": dict(zip(CATEGORIES, CATEGORIES, strict=True)),
    "verified": {"yes": "yes", "no": "no", "true": "yes", "false": "no"},
    "confidence": dict(zip(CONFIDENCES, CONFIDENCES, strict=True)),
}
"""Columns that hold one of some words: how the words may be written, and as what they are read."""
SHOWN = 10

SYNONYMS, MAY_MEAN = (
    {row["other"]: row["column"] for row in packaged_rows("column_names.csv") if row["sure"] == sure}
    for sure in ("yes", "no")
)
"""Other names of columns, in small letters and without ``_``: those read where the codebook's is absent, and
those that are asked about."""
ENOUGH = 3  # different days that one order cannot read, from which on the other is taken
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_SERIAL_ZERO = date(1899, 12, 30)
"""Day 0 of Excel, as it counts from March 1900 on."""

_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEAR_FIRST = re.compile(rf"(\d{{4}})([./-])(\d{{1,2}})\2(\d{{1,2}}){_MIDNIGHT}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}){_MIDNIGHT}", re.ASCII)
_MONTH, _DAY_OF_MONTH = r"([a-zA-Z]{3,9})\.?", r"(\d{1,2})(?:st|[nr]d|th)?"
_MONTH_FIRST = re.compile(rf"{_MONTH}[ -]{_DAY_OF_MONTH},?[ -](\d{{4}}){_MIDNIGHT}", re.ASCII)
_DAY_FIRST = re.compile(rf"{_DAY_OF_MONTH}[ -]{_MONTH},?[ -](\d{{4}}){_MIDNIGHT}", re.ASCII)
_SERIAL = re.compile(r"([1-9]\d{4})(?:\.\d+)?", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2}", re.ASCII)
_DIGITS_ONLY = re.compile(r"\d{8}", re.ASCII)
_GRADED = re.compile(r"([1-5])(?:[.,]0+|[ (:-]+([a-z]+)\)?)", re.IGNORECASE | re.ASCII)
_ACTOR = re.compile(r"[A-Z]{3}", re.ASCII)

Columns = dict[str, list[str]]
"""Cleaned cells by column of the codebook, all of one length."""


class CellFault(ValueError):
    """A cell cannot be read; the message says what came and what is allowed."""


@dataclass(frozen=True)
class RowFault:
    """One thing wrong with a table: ``line`` on which the row begins, or none; ``column``, or empty."""

    line: int | None
    column: str
    message: str

    def located(self, source: str) -> str:
        """Return ``source:line: column: message``, without the parts that do not apply."""
        place = source if self.line is None else f"{source}:{self.line}"
        return ": ".join(part for part in (place, self.column, self.message) if part)


MOST_TEXTS = 1_000
"""Different texts of a column that are refused, and actors whose name is looked up; the rest is not read."""


class FaultyEventsError(EventError):
    """A table of events that cannot be read: ``faults`` are all that is wrong, the message lists the first.

    ``more`` says where to see the others.
    """

    def __init__(self, source: str, faults: Sequence[RowFault], more: str | None = None) -> None:
        self.faults = tuple(faults)
        lines = [fault.located(source) for fault in faults[:MOST_LINES]]
        if left := len(faults) - len(lines):
            command = f". All of them: forecast events validate {source} --json" if more is None else more
            lines.append(f"{source}: and {left:,} more {'fault' if left == 1 else 'faults'}{command}")
        super().__init__("\n".join(lines))


def shorten(text: str, width: int = 60) -> str:
    """Return the text as shown in a message: cut to ``width`` characters."""
    return text if len(text) <= width else f"{text[:width]}…"


def column_named(cell: str) -> str:
    """Return a name in the header as the codebook spells it: ``Known Date`` → ``known_date``."""
    return "_".join(clean_text(cell).casefold().replace("-", " ").split())


def latest_day() -> date:
    """Return the last day that an act can have: today, where on Earth it is latest (UTC + 14 hours)."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


# One reader for each kind of cell


@lru_cache(maxsize=65_536)
def parse_day(text: str) -> date:
    """Read an ISO day."""
    if not text:
        raise CellFault("empty. Allowed: a day as YYYY-MM-DD")
    if not _ISO_DAY.fullmatch(text):
        hint = ""
        if _DIGITS_ONLY.fullmatch(text):
            hint = f" Did you mean '{text[:4]}-{text[4:6]}-{text[6:]}'?"
        elif _SHORT_YEAR.fullmatch(text):
            hint = " Write the year with four digits."
        elif "/" in text or "." in text:
            hint = " A spreadsheet may have changed it: keep the column as text."
        raise CellFault(f"'{shorten(text)}' is not a day. Allowed: YYYY-MM-DD.{hint}")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CellFault(f"{text} is not in the calendar. Allowed: a real day as YYYY-MM-DD") from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellFault(f"year {day.year} is out of range. Allowed: {FIRST_YEAR} to {LAST_YEAR}")
    return day


@lru_cache(maxsize=4_096)
def parse_actor(text: str) -> str:
    """Read an actor: an ISO 3166-1 alpha-3 code, a country's name, or one of one's own (Kurdish rebels)."""
    allowed = "Allowed: a country code (ISO 3166-1 alpha-3) such as USA, or a name of your own such as NAT"
    if _ACTOR.fullmatch(text):
        return text
    if not text:
        raise CellFault(f"empty. {allowed}")
    if code := actor_code(text):
        return code
    if meant := shared_name(text):
        raise CellFault(f"'{text}' may be {meant}. Write the code")
    if len(text) > MAX_ACTOR_CHARS:
        raise CellFault(f"{len(text):,} characters. Allowed: an actor of at most {MAX_ACTOR_CHARS}")
    return text


def parse_category(text: str) -> str:
    """Read a category of the codebook, however it is spelled: ``Channel Closure``."""
    if (name := category_named(text)) not in CATEGORIES:
        raise CellFault(category_fault(shorten(text)) if text else f"empty. Allowed: {', '.join(CATEGORIES)}")
    return name


def parse_severity(text: str) -> int:
    """Read a severity, 1 to 5, or its word: ``notable``."""
    if (digit := _severity_digit(text)) in set("12345"):
        return int(digit)
    given = f"'{shorten(text)}' is not on the scale" if text else "empty"
    words = ", ".join(f"{number} ({word})" for word, number in SEVERITY_WORDS.items())
    raise CellFault(f"{given}. Allowed: {words}")


def _severity_digit(text: str) -> str:
    """Return the digit that ``notable``, ``2.0`` or ``2 (notable)`` stands for; another text as it is."""
    if match := _GRADED.fullmatch(text):
        word = match[2]
        return match[1] if word is None or str(severity_named(word)) == match[1] else text
    return str(severity_named(text))


def _parse_cameo(text: str) -> str:
    if text and (fault := cameo_fault(shorten(text))):
        raise CellFault(fault)
    return text


def _one_of(what: str, allowed: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text and text not in allowed:
            raise CellFault(f"'{shorten(text)}' is not {what}. Allowed: {', '.join(allowed)}, or empty")
        return text

    return parse


_parse_answer, _parse_confidence = _one_of("an answer", ("yes", "no")), _one_of("a confidence", CONFIDENCES)


def _parse_url(text: str) -> str:
    # Reports link to it, so no other scheme is let in.
    if text and not text.lower().startswith(("http://", "https://")):
        raise CellFault(f"'{shorten(text)}' is not a web address. Allowed: http://… or https://…, or empty")
    return text


def parse_text(text: str) -> str:
    """Read a text of one's own, of at most ``MAX_CELL_CHARS`` characters."""
    if len(text) > MAX_CELL_CHARS:
        raise CellFault(f"{len(text):,} characters. Allowed: at most {MAX_CELL_CHARS:,}")
    return text


PARSERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        **dict.fromkeys(("id", "subcategory", "summary", "source_outlet", "source_title"), parse_text),
        **dict.fromkeys(
            ("end_date", "known_date", "source_date"), lambda text: parse_day(text) if text else None
        ),
        **dict.fromkeys(("initiator", "target"), parse_actor),
        "date": parse_day,
        "category": parse_category,
        "cameo": _parse_cameo,
        "severity": parse_severity,
        "source_url": _parse_url,
        "verified": lambda text: _parse_answer(text) == "yes" if text else None,
        "confidence": _parse_confidence,
    }
)
"""Reader of each column; takes a cleaned text, raises ``CellFault``."""


def parse_texts(column: str, texts: Iterable[str]) -> tuple[dict[str, object], dict[str, str]]:
    """Return the value of each distinct text of a column, and the message of those that have none."""
    values: dict[str, object] = {}
    refused: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        if len(refused) == MOST_TEXTS:
            break
        try:
            values[text] = PARSERS[column](text)
        except CellFault as fault:
            refused[text] = str(fault)
    return values, refused


# Cells as people write them


def respell(
    columns: Columns, lines: Sequence[int], order: DateOrder, notes: list[str], faults: list[RowFault]
) -> tuple[set[str], DateOrder]:
    """Rewrite cells in place as the codebook writes them; ``lines`` are those of the rows.

    ``notes`` get what was put right, in sentences, ``faults`` what must be asked. Returned are the texts that
    are left without a day by that, and the order in which days are read.
    """
    dated = {name: columns[name] for name in columns if name in DATES}
    days_read = _respell_days(dated, lines, order, notes, faults)
    for name, cells in columns.items():
        texts = {}
        for text in set(cells) if name in WORDS or name == "severity" else ():
            meant = _severity_digit(text) if name == "severity" else WORDS[name].get(column_named(text), text)
            if meant != text:
                texts[text] = meant
        if texts:
            notes.append(f"{name}: {_replace({name: cells}, texts, SHOWN)}")
    actors = _distinct({name: cells for name, cells in columns.items() if name in ("initiator", "target")})
    if codes := {text: code for text in actors if (code := actor_code(text)) and code != text}:
        named = [f"'{shorten(text)}' as {code}" for text, code in codes.items()]
        notes.append(f"names of countries are read as codes: {_first(named)}")
    beside = {actor_code(text) or "" for text in actors[:MOST_TEXTS]}
    if near := {text: code for text in actors[:MOST_TEXTS] if (code := near_country(text, beside))}:
        held = [columns[name] for name in ("initiator", "target") if name in columns]
        line = {text: min(lines[cells.index(text)] for cells in held if text in cells) for text in near}
        meant = _first([f"{code} by '{shorten(text)}' (line {line[text]})" for text, code in near.items()])
        which, own = (
            ("They are", "actors of their own") if len(near) > 1 else ("It is", "an actor of its own")
        )
        kept = f"{which} kept as {own}"
        notes.append(f"did you mean {meant}? {kept}")
    return days_read


def _first(named: Sequence[str]) -> str:
    """Some things in words, of many the first and how many more."""
    more = len(named) - SHOWN
    return listing((*named[:SHOWN], *((f"{more:,} more",) if more > 0 else ())))


def _respell_days(
    columns: Columns, lines: Sequence[int], order: DateOrder, notes: list[str], faults: list[RowFault]
) -> tuple[set[str], DateOrder]:
    texts = [text for text in _distinct(columns) if text and not _ISO_DAY.fullmatch(text)]
    for read, what in ((_year_first, ""), (_in_words, ""), (_serial, "Excel's serial number ")):
        if sure := {text: day for text in texts if (day := read(text))}:
            notes.append(f"days: {what}{_replace(columns, sure)}")
    numbered = {text for text in texts if _YEAR_LAST.fullmatch(text)}
    cells = sorted(
        (line, place, text)
        for place, column in enumerate(columns.values() if numbered else ())
        for line, text in zip(lines, column, strict=True)
        if text in numbered
    )
    if not cells:
        if order != "iso":
            notes.append(f"dates: {order} has no effect, since no day is written so")
        return set(), order
    days = {
        way: {text: day for *_, text in cells if (day := _day(_YEAR_LAST.fullmatch(text), way))}
        for way in IN_WORDS
    }
    every, why, orders = {text for *_, text in cells}, "as asked", tuple(IN_WORDS)
    for one, other in (orders, orders[::-1]):
        if order == "iso" and {*days[one]} == every and len(every - {*days[other]}) >= ENOUGH:
            order, why = one, "as only that fits all"
    wrong = cells if order == "iso" else [cell for cell in cells if cell[2] not in days[order]]
    if wrong:
        line, place, text = wrong[0]
        what = "is not YYYY-MM-DD" if order == "iso" else f"is no day as {IN_WORDS[order]}, as asked"
        more = len(wrong) - 1
        others = f", nor {'is' if more == 1 else 'are'} {count(more, 'other cell')}" if more else ""
        fits = "; ".join(_fitting(cells, days[way], way) for way in IN_WORDS)
        which = "Say which: `dates` dmy or `dates` mdy (in a config events: {source: …, dates: dmy})"
        if all(len(read) < len(every) for read in days.values()):
            which = f"{which}, and write the others as YYYY-MM-DD"
        message = f"'{text}' {what}{others}. {fits[:1].upper()}{fits[1:]}. {which}"
        faults.append(RowFault(line, list(columns)[place], message))
    if order != "iso" and days[order]:
        read_as = _replace(columns, days[order])
        notes.append(f"days are read as {order} ({IN_WORDS[order]}), {why}: {read_as}")
    return {text for *_, text in wrong}, order


def _fitting(cells: Sequence[tuple[int, int, str]], days: Mapping[str, str], order: DateOrder) -> str:
    """Return ``as dmy (day/month/year) 94 of 95 are days, not line 96 ('31/02/2022')``."""
    misfits = [f"{line} ('{shorten(text)}')" for line, _, text in cells if text not in days]
    read = f"as {order} ({IN_WORDS[order]})"
    if not misfits:
        return f"{read} all are days"
    more = [f"{len(misfits) - 3:,} more"] * (len(misfits) > 3)
    lines = f"line{'s' * (len(misfits) > 1)} {listing((*misfits[:3], *more))}"
    return f"{read} {len(cells) - len(misfits):,} of {len(cells):,} are days, not {lines}"


def day_written(text: str, order: DateOrder = "iso") -> str | None:
    """Return the ISO text of a day as people write it, or ``None``; ``order`` is that of days in numbers."""
    numbered = None if order == "iso" else _day(_YEAR_LAST.fullmatch(text), order)
    return _year_first(text) or _in_words(text) or numbered


def _year_first(text: str) -> str | None:
    return _day(_YEAR_FIRST.fullmatch(text), "iso")


def _in_words(text: str) -> str | None:
    """Return the ISO text of ``Jan 5 2020`` or ``5 January 2020``; ``None`` of another text."""
    if match := _MONTH_FIRST.fullmatch(text):
        word, day, year = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, word, year = match.groups()
    else:
        return None
    months = [place for place, name in enumerate(MONTHS, 1) if name.startswith(word.casefold())]
    return _iso(int(year), months[0], int(day)) if months else None


def _serial(text: str) -> str | None:
    match = _SERIAL.fullmatch(text)
    day = _SERIAL_ZERO + timedelta(int(match[1])) if match else None
    return day.isoformat() if day and day.year <= LAST_YEAR else None


def _day(match: re.Match[str] | None, order: DateOrder) -> str | None:
    """ISO text of a day whose parts stand in groups 1, 3 and 4; ``None`` where there is no such day."""
    if match is None:
        return None
    year, month, day = {"iso": (1, 3, 4), "dmy": (4, 3, 1), "mdy": (4, 1, 3)}[order]
    return _iso(int(match[year]), int(match[month]), int(match[day]))


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _distinct(columns: Columns) -> list[str]:
    """Distinct texts of some columns, in order of appearance."""
    return list(dict.fromkeys(text for cells in columns.values() for text in dict.fromkeys(cells)))


def _replace(columns: Columns, texts: Mapping[str, str], shown: int = 1) -> str:
    """Put other texts for some; the first of them in words: ``'3.0' is read as 3 (12 such cells)``."""
    old = [text for cells in columns.values() for text in cells if text in texts]
    for cells in columns.values():
        cells[:] = [texts.get(text, text) for text in cells]
    first, *others = dict.fromkeys(old)
    also = [f"'{shorten(text)}' as {texts[text]}" for text in others[: shown - 1]]
    more = f" ({count(len(old), 'such cell')})" if len(old) > 1 else ""
    return f"{listing((f"'{shorten(first)}' is read as {texts[first]}", *also))}{more}"
