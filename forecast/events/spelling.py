"""How people write days, severities, words and actors → as the codebook writes them.

Only what can mean one thing is put right, and each change is noted once for the whole file. What can mean two
(3/4/2020) is asked for. Cells are compared by their distinct texts, so that a file that is written by the
codebook costs next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from forecast.events.cells import CONFIDENCES, DateOrder, clean_text, shorten
from forecast.events.codebook import CATEGORIES
from forecast.events.countries import country_code, near_country
from forecast.events.rows import Fault, Row, column_named
from forecast.events.table import DATES
from forecast.wording import count, listing

ACTORS = ("initiator", "target")
WORDS: Mapping[str, Mapping[str, str]] = {
    "category": dict(zip(CATEGORIES, CATEGORIES, strict=True)),
    "verified": {"yes": "yes", "no": "no", "true": "yes", "false": "no"},
    "confidence": dict(zip(CONFIDENCES, CONFIDENCES, strict=True)),
}
"""Columns that hold one of some words: how the words may be written, and as what they are read."""
SHOWN = 10
"""Names that a note gives; of the others it gives the number."""
IN_WORDS: Mapping[DateOrder, str] = {"dmy": "day, month, year", "mdy": "month, day, year"}

_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEAR_FIRST = re.compile(rf"(\d{{4}})([./-])(\d{{1,2}})\2(\d{{1,2}}){_MIDNIGHT}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}){_MIDNIGHT}", re.ASCII)
_WHOLE_NUMBER = re.compile(r"([1-5])[.,]0+", re.ASCII)


@dataclass
class Spelling:
    """What was put right in a sheet, in sentences; what must be asked; and cells that are faults already.

    ``refused`` has the message of a text in a column of days, empty where ``faults`` speaks for all of them.
    """

    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def respell(rows: Sequence[Row], columns: Mapping[int, str], order: DateOrder) -> Spelling:
    """Rewrite the cells of rows (all as wide as the header) in place; ``columns`` are position → name."""
    spelling = Spelling()
    _respell_days(rows, {place: name for place, name in columns.items() if name in DATES}, order, spelling)
    for place, name in columns.items():
        texts = _texts(rows, [place]) if name in WORDS or name == "severity" else ()
        if name == "severity":
            found = {text: match[1] for text in texts if (match := _WHOLE_NUMBER.fullmatch(text))}
        else:
            words = WORDS.get(name, {})
            found = {text: word for text in texts if (word := words.get(column_named(text), text)) != text}
        if found:
            spelling.notes.append(f"{name}: {_replace(rows, [place], found)}")
    _note_actors(rows, {place: name for place, name in columns.items() if name in ACTORS}, spelling)
    return spelling


def _note_actors(rows: Sequence[Row], places: Mapping[int, str], spelling: Spelling) -> None:
    """Note names of countries, which the reader takes for their codes, and names that nearly are one."""
    texts = _texts(rows, places)
    codes = {text: code for text in texts if (code := country_code(text)) and code != text}
    if codes:
        named = [f"'{shorten(text)}' as {code}" for text, code in codes.items()]
        spelling.notes.append(f"names of countries are read as codes: {_first(named)}")
    near = {text: code for text in texts if (code := near_country(text))}
    if near:
        asked = [f"{code} by '{shorten(text)}'" for text, code in near.items()]
        kept = (
            "It is kept as an actor of its own" if len(asked) == 1 else "They are kept as actors of their own"
        )
        spelling.notes.append(f"did you mean {_first(asked)}? {kept}")


def _first(named: Sequence[str]) -> str:
    """Some things in words, of many the first and how many more."""
    more = len(named) - SHOWN
    return listing((*named[:SHOWN], *((f"{more:,} more",) if more > 0 else ())))


def _respell_days(
    rows: Sequence[Row], places: Mapping[int, str], order: DateOrder, spelling: Spelling
) -> None:
    texts = [text for text in _texts(rows, places) if text and not _ISO.fullmatch(text)]
    year_first = {text: day for text in texts if (day := _day(_YEAR_FIRST.fullmatch(text), "iso"))}
    if year_first:
        spelling.notes.append(f"days: {_replace(rows, places, year_first)}")
    unordered = [text for text in texts if _YEAR_LAST.fullmatch(text)]
    if order == "iso":
        if unordered:
            _ask_for_order(rows, places, unordered, spelling)
        return
    read = {text: day for text in unordered if (day := _day(_YEAR_LAST.fullmatch(text), order))}
    words = f"{order} ({IN_WORDS[order]})"
    misfits = [text for text in unordered if text not in read]
    (other,) = IN_WORDS.keys() - {order}
    if misfits and all(_day(_YEAR_LAST.fullmatch(text), other) for text in unordered):
        cells = _cells(rows, places, misfits)
        line, column, shown = cells[0]
        message = (
            f"'{shown}' is not a day when read as {words}, as asked{_nor_others(cells)}. As {other} all "
            f"days of the file are: --dates {other} (in a config events.dates: {other})"
        )
        spelling.faults.append(Fault(line, column, message))
        spelling.refused |= dict.fromkeys(unordered, "")
        return
    spelling.refused |= {
        text: f"'{shorten(text)}' is not a day when read as {words}, as asked" for text in misfits
    }
    if read:
        spelling.notes.append(f"days are read as {words}, as asked: {_replace(rows, places, read)}")
    elif not unordered:
        spelling.notes.append(f"dates: {order} has no effect, since no day is written so")


def _ask_for_order(
    rows: Sequence[Row], places: Mapping[int, str], texts: Sequence[str], spelling: Spelling
) -> None:
    """Make one fault of all days whose order is not stated, which says what fits; none is read."""
    cells = _cells(rows, places, texts)
    line, column, shown = cells[0]
    misfits = {
        order: [text for _, _, text in cells if not _day(_YEAR_LAST.fullmatch(text), order)]
        for order in IN_WORDS
    }
    fits = [order for order, found in misfits.items() if not found]
    start = f"'{shown}' is not YYYY-MM-DD{_nor_others(cells)}."
    if len(fits) == 2:
        message = (
            f"{start} Day first or month first? Say which: --dates dmy or --dates mdy "
            "(in a config events.dates: dmy or mdy)"
        )
    elif fits:
        (fit,), (misfit,) = fits, [order for order in IN_WORDS if order not in fits]
        message = (
            f"{start} As {fit} ({IN_WORDS[fit]}) all are days; as {misfit} '{misfits[misfit][0]}' is none. "
            f"If {fit} is right, say so: --dates {fit} (in a config events.dates: {fit})"
        )
    else:
        message = (
            f"{start} No order fits all: '{misfits['dmy'][0]}' is no day as dmy, '{misfits['mdy'][0]}' is "
            "none as mdy. Write days as YYYY-MM-DD"
        )
    spelling.faults.append(Fault(line, column, message))
    spelling.refused |= dict.fromkeys(texts, "")


def _cells(
    rows: Sequence[Row], places: Mapping[int, str], texts: Iterable[str]
) -> list[tuple[int, str, str]]:
    """Line, column and text of the cells that hold one of some texts."""
    wanted = frozenset(texts)
    return [
        (row.line, name, text)
        for row in rows
        for place, name in places.items()
        if (text := clean_text(row.cells[place])) in wanted
    ]


def _nor_others(cells: Sequence[object]) -> str:
    others = len(cells) - 1
    return f", nor {'is' if others == 1 else 'are'} {count(others, 'other cell')}" if others else ""


def _day(match: re.Match[str] | None, order: DateOrder) -> str | None:
    """ISO text of a day whose parts stand in groups 1, 3 and 4; ``None`` where there is no such day."""
    if match is None:
        return None
    parts = int(match[1]), int(match[3]), int(match[4])
    places = {"iso": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}[order]
    try:
        return date(*(parts[place] for place in places)).isoformat()
    except ValueError:
        return None


def _texts(rows: Sequence[Row], places: Iterable[int]) -> list[str]:
    """Distinct texts of some columns, in order of appearance."""
    raw: dict[str, None] = {}
    for place in places:
        raw |= dict.fromkeys([row.cells[place] for row in rows])
    return list(dict.fromkeys(map(clean_text, raw)))


def _replace(rows: Sequence[Row], places: Iterable[int], texts: Mapping[str, str]) -> str:
    """Put other texts for some; what was done in words: ``'3.0' is read as 3 (12 such cells)``."""
    changed = 0
    for place in places:
        for row in rows:
            new = texts.get(clean_text(row.cells[place]))
            if new is not None:
                row.cells[place] = new
                changed += 1
    old = next(iter(texts))
    more = f" ({count(changed, 'such cell')})" if changed > 1 else ""
    return f"'{shorten(old)}' is read as {texts[old]}{more}"
