"""The text of one cell → its value, or a message that says what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from forecast.events.codebook import CATEGORIES, SEVERITIES, cameo_fault, category_fault, countries
from forecast.events.countries import country_code, shared_name

DateOrder = Literal["iso", "dmy", "mdy"]
"""How a file writes days: ``2020-02-13``, ``13/02/2020`` or ``02/13/2020``."""
MAX_CELL_CHARS = 10_000
MAX_ACTOR_CHARS = 100
FIRST_YEAR, LAST_YEAR = 1800, 2100
CONFIDENCES = ("high", "medium", "low")

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2}", re.ASCII)
_DIGITS_ONLY = re.compile(r"\d{8}", re.ASCII)
_ACTOR = re.compile(r"[A-Z]{3}", re.ASCII)
# Line ends and tabs separate words; every other control character, the bidirectional overrides and the
# invisible characters that can hide text are dropped. The zero-width joiners stay: some scripts need them.
_SEPARATORS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


class CellFault(ValueError):
    """A cell cannot be read; the message says what came and what is allowed."""


def clean_text(text: str) -> str:
    """Return the text without control and bidirectional-override characters, and without outer blanks."""
    if text.isprintable():
        return text.strip()
    return _UNSEEN.sub("", _SEPARATORS.sub(" ", text)).strip()


def shorten(text: str, width: int = 60) -> str:
    """Return the text as shown in a message: cut to ``width`` characters."""
    return text if len(text) <= width else f"{text[:width]}…"


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


def latest_day() -> date:
    """Return the last day that an act can have: today, where on Earth it is latest (UTC + 14 hours)."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


def parse_optional_day(text: str) -> date | None:
    """Read an ISO day, or nothing."""
    return parse_day(text) if text else None


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


@lru_cache(maxsize=1_024)
def parse_category(text: str) -> str:
    """Read a category of the codebook."""
    if text not in CATEGORIES:
        raise CellFault(category_fault(shorten(text)) if text else f"empty. Allowed: {', '.join(CATEGORIES)}")
    return text


@lru_cache(maxsize=1_024)
def parse_severity(text: str) -> int:
    """Read a severity, 1 to 5."""
    if len(text) == 1 and text in "12345":
        return int(text)
    given = f"'{shorten(text)}' is not on the scale" if text else "empty"
    raise CellFault(
        f"{given}. Allowed: a whole number from {SEVERITIES[0]} (routine) to {SEVERITIES[-1]} (extreme)"
    )


@lru_cache(maxsize=4_096)
def parse_cameo(text: str) -> str:
    """Read a CAMEO code, or nothing."""
    fault = cameo_fault(shorten(text)) if text else None
    if fault is not None:
        raise CellFault(fault)
    return text


def parse_verified(text: str) -> bool | None:
    """Read yes or no; ``None`` for an empty cell."""
    if text not in ("yes", "no", ""):
        raise CellFault(f"'{shorten(text)}' is not an answer. Allowed: yes, no")
    return text == "yes" if text else None


def parse_confidence(text: str) -> str:
    """Read high, medium or low, or nothing."""
    if text and text not in CONFIDENCES:
        raise CellFault(f"'{shorten(text)}' is not a confidence. Allowed: {', '.join(CONFIDENCES)}, or empty")
    return text


def parse_url(text: str) -> str:
    """Read a web address, or nothing. Reports link to it, so no other scheme is let in."""
    if text and not text.lower().startswith(("http://", "https://")):
        raise CellFault(f"'{shorten(text)}' is not a web address. Allowed: http://… or https://…, or empty")
    return text


def parse_text(text: str) -> str:
    """Read free text."""
    if len(text) > MAX_CELL_CHARS:
        raise CellFault(f"{len(text):,} characters. Allowed: at most {MAX_CELL_CHARS:,}")
    return text


PARSERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        **dict.fromkeys(("id", "subcategory", "summary", "source_outlet", "source_title"), parse_text),
        **dict.fromkeys(("end_date", "known_date", "source_date"), parse_optional_day),
        **dict.fromkeys(("initiator", "target"), parse_actor),
        "date": parse_day,
        "category": parse_category,
        "cameo": parse_cameo,
        "severity": parse_severity,
        "source_url": parse_url,
        "verified": parse_verified,
        "confidence": parse_confidence,
    }
)
"""Reader of each column; takes a cleaned text, raises ``CellFault``."""
