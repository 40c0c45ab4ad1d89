"""The text of a cell → its value, or a fault that says what is allowed; and how people write cells.

Columns are read by their distinct texts. What people write for what the codebook writes (days, severities,
words, names of countries) is put right where it can mean one thing, and noted once for the whole file; what
can mean two (3/4/2020) is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from forecast.events.codebook import CATEGORIES, SEVERITIES, cameo_fault, category_fault, countries
from forecast.events.countries import country_code, near_country, shared_name
from forecast.wording import count, listing

DateOrder = Literal["iso", "dmy", "mdy"]
"""How a file writes days: ``2020-02-13``, ``13/02/2020`` or ``02/13/2020``."""
IN_WORDS: Mapping[DateOrder, str] = {"dmy": "day, month, year", "mdy": "month, day, year"}
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
"""Names that a note gives; of the others it gives the number."""

_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEAR_FIRST = re.compile(rf"(\d{{4}})([./-])(\d{{1,2}})\2(\d{{1,2}}){_MIDNIGHT}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}){_MIDNIGHT}", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2}", re.ASCII)
_DIGITS_ONLY = re.compile(r"\d{8}", re.ASCII)
_WHOLE_NUMBER = re.compile(r"([1-5])[.,]0+", re.ASCII)
_ACTOR = re.compile(r"[A-Z]{3}", re.ASCII)
# Line ends and tabs separate words; every other control character, the bidirectional overrides and the
# invisible characters that can hide text are dropped. The zero-width joiners stay: some scripts need them.
_SEPARATORS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

Columns = dict[str, list[str]]
"""Cleaned cells by column of the codebook, all of one length."""


class CellFault(ValueError):
    """A cell cannot be read; the message says what came and what is allowed."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a table; without ``line`` with the file as a whole.

    ``line`` is the one on which the row begins; ``column`` is empty for the whole row or file.
    """

    line: int | None
    column: str
    message: str

    def located(self, source: str) -> str:
        """Return ``source:line: column: message``, without the parts that do not apply."""
        place = source if self.line is None else f"{source}:{self.line}"
        return ": ".join(part for part in (place, self.column, self.message) if part)


def faults_message(source: str, faults: Sequence[Fault], shown: int = 20, more: str | None = None) -> str:
    """Return one line a fault, the first ``shown`` of them, how many are left, and where to see ``more``."""
    lines = [fault.located(source) for fault in faults[:shown]]
    left = len(faults) - len(lines)
    if left:
        command = f". All of them: forecast events validate {source}" if more is None else more
        lines.append(f"{source}: and {left:,} more {'fault' if left == 1 else 'faults'}{command}")
    return "\n".join(lines)


def clean_text(text: str) -> str:
    """Return the text without control and bidirectional-override characters, and without outer blanks."""
    if text.isprintable():
        return text.strip()
    return _UNSEEN.sub("", _SEPARATORS.sub(" ", text)).strip()


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
    if code := country_code(text):
        return code
    if meant := shared_name(text):
        raise CellFault(f"'{text}' may be {meant}. Write the code")
    upper = text.upper()
    # A name of one's own must not be a country's code written otherwise: its acts would be another actor's.
    near = [three for three, two in countries().items() if upper in (three, two)]
    if near:
        raise CellFault(f"'{text}' is not an actor code. Did you mean '{near[0]}'? {allowed}")
    if len(text) > MAX_ACTOR_CHARS:
        raise CellFault(f"{len(text):,} characters. Allowed: an actor of at most {MAX_ACTOR_CHARS}")
    return text


def parse_category(text: str) -> str:
    """Read a category of the codebook."""
    if text not in CATEGORIES:
        raise CellFault(category_fault(shorten(text)) if text else f"empty. Allowed: {', '.join(CATEGORIES)}")
    return text


def parse_severity(text: str) -> int:
    """Read a severity, 1 to 5."""
    if len(text) == 1 and text in "12345":
        return int(text)
    given = f"'{shorten(text)}' is not on the scale" if text else "empty"
    raise CellFault(
        f"{given}. Allowed: a whole number from {SEVERITIES[0]} (routine) to {SEVERITIES[-1]} (extreme)"
    )


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


def _parse_text(text: str) -> str:
    if len(text) > MAX_CELL_CHARS:
        raise CellFault(f"{len(text):,} characters. Allowed: at most {MAX_CELL_CHARS:,}")
    return text


PARSERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        **dict.fromkeys(("id", "subcategory", "summary", "source_outlet", "source_title"), _parse_text),
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
        try:
            values[text] = PARSERS[column](text)
        except CellFault as fault:
            refused[text] = str(fault)
    return values, refused


# Cells as people write them


@dataclass
class Spelling:
    """What was put right in a table, in sentences; what must be asked; and cells that are faults already.

    ``refused`` has the message of a text in a column of days, empty where ``faults`` speaks for all of them.
    """

    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def respell(columns: Columns, lines: Sequence[int], order: DateOrder) -> Spelling:
    """Rewrite cells in place as the codebook writes them; ``lines`` are those of the rows."""
    spelling = Spelling()
    _respell_days({name: columns[name] for name in columns if name in DATES}, lines, order, spelling)
    for name, cells in columns.items():
        words = WORDS.get(name, {})
        distinct = set(cells) if words or name == "severity" else ()
        texts = {text: word for text in distinct if (word := words.get(column_named(text), text)) != text}
        if name == "severity":
            texts = {text: match[1] for text in distinct if (match := _WHOLE_NUMBER.fullmatch(text))}
        if texts:
            spelling.notes.append(f"{name}: {_replace({name: cells}, texts)}")
    actors = _distinct({name: cells for name, cells in columns.items() if name in ("initiator", "target")})
    if codes := {text: code for text in actors if (code := country_code(text)) and code != text}:
        named = [f"'{shorten(text)}' as {code}" for text, code in codes.items()]
        spelling.notes.append(f"names of countries are read as codes: {_first(named)}")
    if near := {text: code for text in actors if (code := near_country(text))}:
        meant = _first([f"{code} by '{shorten(text)}'" for text, code in near.items()])
        kept = (
            "They are kept as actors of their own" if len(near) > 1 else "It is kept as an actor of its own"
        )
        spelling.notes.append(f"did you mean {meant}? {kept}")
    return spelling


def _first(named: Sequence[str]) -> str:
    """Some things in words, of many the first and how many more."""
    more = len(named) - SHOWN
    return listing((*named[:SHOWN], *((f"{more:,} more",) if more > 0 else ())))


def _respell_days(columns: Columns, lines: Sequence[int], order: DateOrder, spelling: Spelling) -> None:
    texts = [text for text in _distinct(columns) if text and not _ISO_DAY.fullmatch(text)]
    if year_first := {text: day for text in texts if (day := _day(_YEAR_FIRST.fullmatch(text), "iso"))}:
        spelling.notes.append(f"days: {_replace(columns, year_first)}")
    unordered = [text for text in texts if _YEAR_LAST.fullmatch(text)]
    days = {
        way: {text: day for text in unordered if (day := _day(_YEAR_LAST.fullmatch(text), way))}
        for way in IN_WORDS
    }
    misfits = {way: [text for text in unordered if text not in days[way]] for way in IN_WORDS}
    fits = [way for way in IN_WORDS if not misfits[way]]
    if order == "iso":
        if unordered:
            _ask(columns, lines, unordered, "is not YYYY-MM-DD", _how_to_read(misfits, fits), spelling)
        return
    words = f"{order} ({IN_WORDS[order]})"
    if misfits[order] and fits:
        (other,) = fits
        hint = f"As {other} all days of the file are: --dates {other} (in a config events.dates: {other})"
        _ask(columns, lines, misfits[order], f"is not a day when read as {words}, as asked", hint, spelling)
        spelling.refused |= dict.fromkeys(unordered, "")
        return
    for text in misfits[order]:
        spelling.refused[text] = f"'{shorten(text)}' is not a day when read as {words}, as asked"
    if days[order]:
        spelling.notes.append(f"days are read as {words}, as asked: {_replace(columns, days[order])}")
    elif not unordered:
        spelling.notes.append(f"dates: {order} has no effect, since no day is written so")


def _ask(
    columns: Columns,
    lines: Sequence[int],
    texts: Sequence[str],
    wrong: str,
    question: str,
    spelling: Spelling,
) -> None:
    """Make one fault of all cells with some texts, at the first of them; none of the texts is read."""
    wanted = frozenset(texts)
    cells = sorted(
        (line, place, text)
        for place, column in enumerate(columns.values())
        for line, text in zip(lines, column, strict=True)
        if text in wanted
    )
    (line, place, text), others = cells[0], len(cells) - 1
    nor = f", nor {'is' if others == 1 else 'are'} {count(others, 'other cell')}" if others else ""
    spelling.faults.append(Fault(line, list(columns)[place], f"'{text}' {wrong}{nor}. {question}"))
    spelling.refused |= dict.fromkeys(texts, "")


def _how_to_read(misfits: Mapping[DateOrder, Sequence[str]], fits: Sequence[DateOrder]) -> str:
    """Ask for the order of day and month, with the one that fits all where it is one."""
    if len(fits) == 2:
        which = "--dates dmy or --dates mdy (in a config events.dates: dmy or mdy)"
        return f"Day first or month first? Say which: {which}"
    if not fits:
        (a, first), (b, second) = ((way, texts[0]) for way, texts in misfits.items())
        none = f"'{first}' is no day as {a}, '{second}' is none as {b}"
        return f"No order fits all: {none}. Write days as YYYY-MM-DD"
    (fit,), (misfit,) = fits, misfits.keys() - fits
    return (
        f"As {fit} ({IN_WORDS[fit]}) all are days; as {misfit} '{misfits[misfit][0]}' is none. "
        f"If {fit} is right, say so: --dates {fit} (in a config events.dates: {fit})"
    )


def _day(match: re.Match[str] | None, order: DateOrder) -> str | None:
    """ISO text of a day whose parts stand in groups 1, 3 and 4; ``None`` where there is no such day."""
    if match is None:
        return None
    places = {"iso": (1, 3, 4), "dmy": (4, 3, 1), "mdy": (4, 1, 3)}[order]
    try:
        return date(*(int(match[place]) for place in places)).isoformat()
    except ValueError:
        return None


def _distinct(columns: Columns) -> list[str]:
    """Distinct texts of some columns, in order of appearance."""
    return list(dict.fromkeys(text for cells in columns.values() for text in dict.fromkeys(cells)))


def _replace(columns: Columns, texts: Mapping[str, str]) -> str:
    """Put other texts for some; what was done in words: ``'3.0' is read as 3 (12 such cells)``."""
    old = [text for cells in columns.values() for text in cells if text in texts]
    for cells in columns.values():
        cells[:] = [texts.get(text, text) for text in cells]
    more = f" ({count(len(old), 'such cell')})" if len(old) > 1 else ""
    return f"'{shorten(old[0])}' is read as {texts[old[0]]}{more}"
