"""Probabilities, changes, counts and days in words, and the usual horizons: one set of rules for all output.

The words are the seven bands of ICD 203 (US Office of the Director of National Intelligence,
*Analytic Standards*, Intelligence Community Directive 203, 2015), read off the probability itself. How far
the probability may be off is said in numbers, never in words. A value exactly on a bound between two bands
takes the one nearer to an even chance, so that P and 1 − P get mirrored words.

All probabilities are in [0, 1]; anything else is a ``ValueError``. Nothing here imports anything heavy:
``forecast check`` and the terminal use it.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

DisplayScale = Literal[
    "a_year",
    "chance",
    "days",
    "effect",
    "odds",
    "per_hundred",
    "probability",
    "share",
    "spread",
    "times",
    "weeks",
]
"""How a parameter is read: the scales of the priors, and ``probability`` for future acts."""

HORIZONS = (30, 90, 180, 365, 540)
"""Days ahead tested by backtests: from the next month to as far as the milestones of a run lie."""
LISTED = ",".join(map(str, HORIZONS))
"""The same as an option of the command line takes it."""
USUAL_HORIZONS = HORIZONS[:3]
"""Days to the milestones of a config or watchlist that names none."""
USUAL_IN_WORDS = f"{', '.join(map(str, USUAL_HORIZONS[:-1]))} and {USUAL_HORIZONS[-1]}"
"""The same in a sentence."""

BANDS: tuple[tuple[str, int, int], ...] = (
    ("almost no chance", 1, 5),
    ("very unlikely", 5, 20),
    ("unlikely", 20, 45),
    ("roughly even chance", 45, 55),
    ("likely", 55, 80),
    ("very likely", 80, 95),
    ("almost certain", 95, 99),
)
"""ICD 203: the words and the bounds of their band in percent, from the lowest to the highest."""

_SPOKEN_IN_DAYS, _SPOKEN_IN_MONTHS = 60, 60
"""Days up to which a span is told in days, and months up to which it is told in months."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def words(probability: float) -> str:
    """ICD-203 words for a probability, e.g. ``"likely"``."""
    return BANDS[_band(probability)][0]


NO_FORECAST = "too little record for a forecast"
"""What stands in place of words for a probability that rests on assumptions alone."""
LEAST_WORDED = 0.05
"""Chance below which an event of high impact gets no word: it would play the event down."""


def chance_words(probability: float, *, grave: bool) -> str:
    """Words for a chance; ``–`` for a grave event below 5%."""
    return "–" if grave and probability < LEAST_WORDED else words(probability)


def percent(probability: float) -> str:
    """Whole percent, e.g. ``"63%"``; one decimal where it tells, below 5% and above 99%; never 0 or 100%."""
    return f"{_bounded(probability)}%"


def whole_percent(probability: float) -> str:
    """Whole percent, ``"<1%"`` to ``">99%"``: the one rounding of a table."""
    shown = rounded(100 * probability, 0)
    return "<1%" if shown < 1 else ">99%" if shown > 99 else f"{shown}%"


def span_in_words(days: int) -> str:
    """Length of a time: days, whole months, or from two years on half years, e.g. ``"6½ years"``."""
    if days <= _SPOKEN_IN_DAYS:
        return count(days, "day")
    if days < 2 * 365:
        return f"{round(days / 30.44)} months"
    halves = round(days / 182.625)
    return f"{halves // 2}{'½' * (halves % 2)} years"


def share(part: float) -> str:
    """Share of things counted: ``"none"``, ``"all"``, else a percentage; unlike a chance it can be both."""
    return {0.0: "none", 1.0: "all"}.get(part) or percent(part)


def interval_percent(interval: tuple[float, float]) -> str:
    """Interval in percent, e.g. ``"48–76%"``; one value when both bounds show the same.

    A bound beyond what is shown is left out: ``"up to 10%"``, ``"79% or more"``.
    """
    lower, upper = (_bounded(bound) for bound in interval)
    if lower == upper:
        return f"{lower}%"
    if lower.startswith("<"):
        return "any" if upper.startswith(">") else f"up to {upper}%"
    return f"{lower}% or more" if upper.startswith(">") else f"{lower}–{upper}%"


def signed_points(change: float, digits: int = 1) -> str:
    """Return a change of a probability in percentage points with its sign, e.g. ``"+3.2"``, ``"−0.4"``.

    What rounds to zero has no sign. The unit is left to the caller (a column head or ``points``).
    """
    shown = rounded(100.0 * change, digits)
    if shown == 0:
        return str(abs(shown))
    return f"{'+' if shown > 0 else '−'}{abs(shown)}"


def points(change: float, digits: int = 1) -> str:
    """Size of a change of a probability with its unit, e.g. ``"3.2 points"``, ``"1 point"``; no sign."""
    size = str(abs(rounded(100.0 * change, digits)))
    return f"{size} point" if size == "1" else f"{size} points"


def number(value: float, digits: int = 2) -> str:
    """Return a plain number with a true minus sign and no negative zero, e.g. ``"−0.35"``, ``"1,204"``.

    From 10 upwards one decimal is kept, from 100 none: about three significant figures.
    """
    size = abs(value)
    kept = 0 if size >= 100 else min(digits, 1) if size >= 10 else digits
    shown = rounded(size, kept)
    return f"{'−' if value < 0 and shown else ''}{shown:,}"


def plain_number(value: float) -> str:
    """Two significant figures, whole from 10 on, no exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(1 - math.floor(math.log10(abs(value))), 0)
    return f"{round(value, digits):,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"


def _signed_percent(part: float) -> str:
    """Relative change as text: ``"−50%"``, ``"+20%"``, ``"none"``."""
    if abs(part) < 0.005:
        return "none"
    size = abs(part) * 100
    return f"{'−' if part < 0 else '+'}{plain_number(size if size >= 1 else round(size, 1))}%"


_UNITS = {"a_year": " a year", "days": " days", "weeks": " weeks", "per_hundred": " per 100"}


def on_scale(value: float, scale: DisplayScale, *, unit: bool = True) -> str:
    """Value on the human scale of a parameter, e.g. ``"−50%"``, ``"7.3 weeks"``, ``"1.8×"``."""
    if scale in _UNITS:
        return plain_number(value) + (_UNITS[scale] if unit else "")
    match scale:
        case "effect":
            return _signed_percent(value)
        case "share":
            return _signed_percent(value).lstrip("+")
        case "chance":
            # Two figures of what is nearly certain would be 100%.
            return percent(value) if 0.99 < value < 1 else f"{plain_number(value * 100)}%"
        case "probability":
            # Unlike that of a target, the chance of an act can be 0 or 1.
            return f"{value:.0%}" if value in (0.0, 1.0) else percent(value)
    return f"{plain_number(value)}×"


def count(quantity: int, singular: str, plural: str | None = None) -> str:
    """Count with its noun, e.g. ``"no events"``, ``"1 event"``, ``"1,204 events"``."""
    noun = singular if quantity == 1 else plural or f"{singular}s"
    return f"no {noun}" if quantity == 0 else f"{quantity:,} {noun}"


def small_number(quantity: int) -> str:
    """Return a count as it stands in running text: in words to ten, in figures beyond."""
    names = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return names[quantity] if 0 <= quantity < len(names) else f"{quantity:,}"


def times(quantity: int) -> str:
    """How often something was seen: ``"never"``, ``"once"``, ``"twice"``, ``"20 times"``."""
    return {0: "never", 1: "once", 2: "twice"}.get(quantity, f"{quantity:,} times")


def listing(items: Iterable[str]) -> str:
    """Join items as a sentence does: ``"a"``, ``"a and b"``, ``"a, b and c"``."""
    items = tuple(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def either(items: Iterable[str]) -> str:
    """Join items as alternatives: ``"a"``, ``"a or b"``, ``"a, b or c"``."""
    *first, last = [*items] or [""]
    return f"{', '.join(first)} or {last}" if first else last


def long_day(day: date) -> str:
    """Day in full, e.g. ``"5 November 2024"``, whatever the locale."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def month_name(day: date) -> str:
    """Name of the month, e.g. ``"August"``, whatever the locale."""
    return _MONTHS[day.month - 1]


def month_span(first: date, last: date) -> str:
    """Return the month of two days, or both, e.g. ``"May 2024"``, ``"December 2024–January 2025"``."""
    return "–".join(dict.fromkeys(f"{month_name(day)} {day.year}" for day in (first, last)))


def short_day(day: date) -> str:
    """Day with a short month, e.g. ``"5 Nov 2024"``, whatever the locale."""
    return f"{day.day} {_MONTHS[day.month - 1][:3]} {day.year}"


def dated(day: date, text: str) -> str:
    """What came on a day, e.g. ``"8 Apr 2023: Joint Sword"``; the day alone where nothing is told."""
    return f"{short_day(day)}: {text}" if text else short_day(day)


_WRITTEN_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.ASCII)


def days_meant(text: str) -> str:
    """Return what to type for a day such as 01/02/2023, which is one of two; empty for any other text."""
    meant = dict[date, None]()
    if found := _WRITTEN_DAY.fullmatch(text.strip()):
        first, second, year = map(int, found.groups())
        for of_month, month in ((first, second), (second, first)):
            with suppress(ValueError):
                meant[date(year, month, of_month)] = None
    return " or ".join(f"{one} for {long_day(one)}" for one in meant)


def time_between(first: date, last: date) -> str:
    """Return the time between two days in words: days, whole months, or whole years."""
    days = (last - first).days
    if days <= _SPOKEN_IN_DAYS:
        return count(days, "day")
    months = 12 * (last.year - first.year) + last.month - first.month - (last.day < first.day)
    return count(months, "month") if months <= _SPOKEN_IN_MONTHS else count(months // 12, "year")


def day_span(first: date, last: date) -> str:
    """Return two days as a place in time: ``"on …"`` where they are one, ``"between … and …"``."""
    return f"on {long_day(first)}" if first == last else f"between {long_day(first)} and {long_day(last)}"


_COMMON = frozenset({"a", "an", "any", "another", "further", "large", "major", "mobilisation", "the", "war"})
"""First words of a title that is a noun by itself; any other may be a name, or begin a sentence."""


def in_sentence(label: str) -> str:
    """Label of ours within a sentence: a small first letter, but for a name in capitals."""
    if label.startswith(("A ", "An ")):
        return f"a{label[1:]}"
    return label if label[1:2].isupper() or not label[1:2].isalpha() else f"{label[:1].lower()}{label[1:]}"


def title_in_sentence(title: str) -> str:
    """Title of a target within a sentence: small where it is plainly a noun, else in its own words, quoted.

    ``"A lethal clash"`` becomes ``"a lethal clash"``, ``"Turkey harms Greek forces"`` is quoted: a small
    letter would spoil a name, and no question can be made of a sentence.
    """
    first = title.split(maxsplit=1)[0].rstrip(",").lower() if title.strip() else ""
    return in_sentence(title) if first in _COMMON else f"“{title}”"


def capitalised(text: str) -> str:
    """Return a text with its first letter large, and the others as they are."""
    return f"{text[:1].upper()}{text[1:]}"


def with_article(noun: str) -> str:
    """A noun as a title: ``"A major act"``, ``"An act"``."""
    return f"{'An' if noun[:1] in 'aeiou' else 'A'} {noun}"


def sourced_in_words(sourced: int, rows: int, read: int | None = None) -> str:
    """How many rows name a source, or of how many the page was read, where the file says that."""
    if read is not None:
        return (
            f"For {read:,} of the {rows:,} rows ({share(read / rows)}) a page that reports the act was read; "
            f"{rows - read:,} rest on general knowledge or on a page that was not read."
        )
    if rows == 1:
        return f"The one row names {'a' if sourced else 'no'} source."
    if sourced in (0, rows):
        return (
            f"{'All' if sourced else 'None'} of the {rows:,} rows {'name' if sourced else 'names'} a source."
        )
    name = "names" if sourced == 1 else "name"
    return f"Of the {rows:,} rows {sourced:,} {name} a source; {rows - sourced:,} do not."


def shown_difference(now: float, before: float) -> float:
    """Difference of two probabilities as they are shown: a reader who subtracts gets the same."""
    return float(shown_percent(now) - shown_percent(before)) / 100


def _band(probability: float) -> int:
    """Place in ``BANDS``; on a bound the band nearer to an even chance."""
    exact = _exact_percent(probability)
    from_end = min(exact, 100 - exact)
    below = max(place for place, (_, lower, _) in enumerate(BANDS[:4]) if place == 0 or from_end >= lower)
    return below if exact <= 50 else len(BANDS) - 1 - below


def _bounded(probability: float) -> str:
    shown = shown_percent(probability)
    if shown == 0:
        return "<0.1"
    return ">99.9" if shown == 100 else f"{shown}"


def shown_percent(probability: float) -> Decimal:
    """Percent as shown, with 0 standing for ``"<0.1%"`` and 100 for ``">99.9%"``."""
    exact = _exact_percent(probability)
    if exact < Decimal("0.1") or exact > Decimal("99.9"):
        return Decimal(0) if exact < 50 else Decimal(100)
    whole = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    if 5 <= exact <= 99:
        return whole
    fine = exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    return whole if fine == whole else fine


def _exact_percent(probability: float) -> Decimal:
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"a probability must be in [0, 1], got {probability!r}")
    return 100 * Decimal(repr(float(probability)))


def rounded(value: float, digits: int) -> Decimal:
    """Return a number as it is shown, to so many decimals."""
    # Decimal rounds halves away from zero, as readers do; float rounding would make 0.5 and 2.5 disagree.
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def shorten(text: str, length: int) -> str:
    """Return the text cut at a word and ended with ``…`` when it is longer than ``length`` signs."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    head = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return head.rstrip(" ,;:.–-(") + "…"


def in_lines(text: str, width: int, first: str = "", others: str | None = None) -> list[str]:
    """Return a text in lines of a width, with indents of the first and the others; no word is cut."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=first if others is None else others,
        break_on_hyphens=False,
        break_long_words=False,
    )


def apart(texts: Sequence[str], length: int) -> list[str]:
    """Return texts cut to a length; where two would look alike, their middle is cut, or nothing."""
    ends = (text[-length // 2 :].partition(" ")[2] for text in texts)
    middles = [f"{shorten(text, length // 2)} {end}" for text, end in zip(texts, ends, strict=True)]
    ways = [shorten(text, length) for text in texts], middles, [*texts]
    return next((cut for cut in ways if len({*cut}) == len({*texts})), ways[-1])


def first_clauses(text: str, length: int) -> str:
    """Return whole clauses of a text up to a length; a longer first clause is cut at a word."""
    if len(text) <= length:
        return text
    ends = [place for place in range(1, length) if text[place] in ",;:." and text[place + 1] == " "]
    return text[: ends[-1]] if ends and ends[-1] > length // 3 else shorten(text, length)
