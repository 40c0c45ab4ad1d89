"""Probabilities, changes, counts and days in words: one set of rules for report, terminal and record.

The words are the seven bands of ICD 203 (US Office of the Director of National Intelligence,
*Analytic Standards*, Intelligence Community Directive 203, 2015). They are read off the whole percent
that is shown, so that number and word always agree, and a value on a bound between two bands takes the
one nearer to an even chance, so that P and 1 − P get mirrored words.

All probabilities are in [0, 1]; anything else is a ``ValueError``. Nothing here imports anything heavy:
``forecast check`` and the terminal use it.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from forecast.records.analysis import Scale

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

_NOUN_PHRASES = {"almost no chance": "almost no chance", "roughly even chance": "a roughly even chance"}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def words(probability: float, interval: tuple[float, float]) -> str:
    """ICD-203 words for a probability and its 90% interval.

    One band (``"likely"``), or the lowest and the highest band that the interval reaches (``"unlikely to
    roughly even chance"``).
    """
    lowest, highest = _reached_bands(probability, interval)
    return BANDS[lowest][0] if lowest == highest else f"{BANDS[lowest][0]} to {BANDS[highest][0]}"


class WordBound(NamedTuple):
    """The probability from which another of the seven words holds, and that word."""

    probability: float
    words: str
    above: bool


def neighbouring_words(probability: float) -> tuple[WordBound, ...]:
    """Where the word for a probability changes, downwards and upwards; at the ends one way only.

    The bounds are those of the whole percent shown, so that number and word change together.
    """
    here, shown = _band(probability), shown_percent(probability)
    bounds = []
    for above, percents in ((False, range(shown - 1, 0, -1)), (True, range(shown + 1, 100))):
        for percent_shown in percents:
            there = _band(percent_shown / 100)
            if there != here:
                # Halves round up: 79.5% shows as 80%, and just below it as 79%.
                half = 0.5 if not above else -0.5
                bounds.append(WordBound((percent_shown + half) / 100, BANDS[there][0], above))
                break
    return tuple(bounds)


def predicate(probability: float, interval: tuple[float, float]) -> str:
    """Words as the predicate of a sentence about the event, e.g. ``"has a roughly even chance"``."""
    lowest, highest = _reached_bands(probability, interval)
    if lowest != highest:
        first, last = (_NOUN_PHRASES.get(BANDS[k][0], BANDS[k][0]) for k in (lowest, highest))
        return f"ranges from {first} to {last}"
    word = BANDS[lowest][0]
    return f"has {_NOUN_PHRASES[word]}" if word in _NOUN_PHRASES else f"is {word}"


def percent(probability: float) -> str:
    """Whole percent, e.g. ``"63%"``; ``"<1%"`` and ``">99%"`` at the ends, never 0% or 100%."""
    return f"{_bounded_whole(probability)}%"


def share(part: float) -> str:
    """Share of things counted: ``"none"``, ``"all"``, else whole percent; unlike a chance it can be both."""
    return {0.0: "none", 1.0: "all"}.get(part) or percent(part)


def interval_percent(interval: tuple[float, float]) -> str:
    """Interval in whole percent, e.g. ``"48–76%"``; one value when both bounds show the same.

    Where nothing but the end lies beside a bound it is ``"≤1%"`` or ``"≥99%"``.
    """
    lower, upper = (_bounded_whole(bound) for bound in interval)
    if (lower, upper) == ("<1", "1"):
        return "≤1%"
    if (lower, upper) == ("99", ">99"):
        return "≥99%"
    return f"{lower}%" if lower == upper else f"{lower}–{upper}%"


def frequency(probability: float) -> str:
    """Natural frequency, e.g. ``"63 of 100"``, ``"<1 of 100"``, ``">99 of 100"``."""
    return f"{_bounded_whole(probability)} of 100"


def signed_points(change: float, digits: int = 1) -> str:
    """Return a change of a probability in percentage points with its sign, e.g. ``"+3.2"``, ``"−0.4"``.

    What rounds to zero has no sign. The unit is left to the caller (a column head or ``points``).
    """
    rounded = _rounded(100.0 * change, digits)
    if rounded == 0:
        return str(abs(rounded))
    return f"{'+' if rounded > 0 else '−'}{abs(rounded)}"


def points(change: float, digits: int = 1) -> str:
    """Size of a change of a probability with its unit, e.g. ``"3.2 points"``, ``"1 point"``; no sign."""
    size = str(abs(_rounded(100.0 * change, digits)))
    return f"{size} point" if size == "1" else f"{size} points"


def number(value: float, digits: int = 2) -> str:
    """Return a plain number with a true minus sign and no negative zero, e.g. ``"−0.35"``, ``"1,204"``.

    From 10 upwards one decimal is kept, from 100 none: about three significant figures.
    """
    size = abs(value)
    kept = 0 if size >= 100 else min(digits, 1) if size >= 10 else digits
    rounded = _rounded(size, kept)
    return f"{'−' if value < 0 and rounded else ''}{rounded:,}"


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
    return f"{'−' if part < 0 else '+'}{plain_number(abs(part) * 100)}%"


def on_scale(value: float, scale: Scale) -> str:
    """Value on the human scale of a parameter, e.g. ``"−50%"``, ``"7.3 weeks"``, ``"1.8×"``."""
    match scale:
        case "effect":
            return _signed_percent(value)
        case "share":
            return _signed_percent(value).lstrip("+")
        case "chance":
            return f"{plain_number(value * 100)}%"
        case "probability":
            return percent(value)
        case "a_year":
            return f"{plain_number(value)} a year"
        case "weeks":
            return f"{plain_number(value)} weeks"
        case "per_hundred":
            return f"{plain_number(value)} per 100"
        case "times" | "odds" | "spread":
            return f"{plain_number(value)}×"


def count(quantity: int, singular: str, plural: str | None = None) -> str:
    """Count with its noun, e.g. ``"no events"``, ``"1 event"``, ``"1,204 events"``."""
    noun = singular if quantity == 1 else plural or f"{singular}s"
    return f"no {noun}" if quantity == 0 else f"{quantity:,} {noun}"


def times(quantity: int) -> str:
    """How often something was seen: ``"never"``, ``"once"``, ``"twice"``, ``"20 times"``."""
    return {0: "never", 1: "once", 2: "twice"}.get(quantity, f"{quantity:,} times")


def listing(items: tuple[str, ...]) -> str:
    """Join items as a sentence does: ``"a"``, ``"a and b"``, ``"a, b and c"``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def long_day(day: date) -> str:
    """Day in full, e.g. ``"5 November 2024"``, whatever the locale."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def short_day(day: date) -> str:
    """Day with a short month, e.g. ``"5 Nov 2024"``, whatever the locale."""
    return f"{day.day} {_MONTHS[day.month - 1][:3]} {day.year}"


def shown_difference(now: float, before: float) -> float:
    """Difference of two probabilities as shown in whole percent: a reader who subtracts gets the same."""
    return (shown_percent(now) - shown_percent(before)) / 100


def _reached_bands(probability: float, interval: tuple[float, float]) -> tuple[int, int]:
    # The mean of a skewed posterior can lie outside its own 90% interval, so it counts as reached too.
    reached = [_band(value) for value in (probability, *interval)]
    return min(reached), max(reached)


def _band(probability: float) -> int:
    shown = shown_percent(probability)
    distance_low = min(shown, 100 - shown)
    below = max(index for index, (_, lower, _) in enumerate(BANDS[:4]) if index == 0 or distance_low >= lower)
    return below if shown <= 50 else len(BANDS) - 1 - below


def _bounded_whole(probability: float) -> str:
    shown = shown_percent(probability)
    return "<1" if shown < 1 else ">99" if shown > 99 else str(shown)


def shown_percent(probability: float) -> int:
    """Whole percent as shown, with 0 standing for ``"<1%"`` and 100 for ``">99%"``."""
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"a probability must be in [0, 1], got {probability!r}")
    if probability < 0.01:
        return 0
    if probability > 0.99:
        return 100
    return int(_rounded(100.0 * probability, 0))


def _rounded(value: float, digits: int) -> Decimal:
    # Decimal rounds halves away from zero, as readers do; float rounding would make 0.5 and 2.5 disagree.
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
