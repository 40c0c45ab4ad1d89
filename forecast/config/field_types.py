"""The kinds of value a config holds: names, text, days, categories, priors; each with its own message.

YAML is read without guessing, so types are strict here: ``010`` is text, not the number ten. Quantiles are
read as people state them (``{median: 0.8, q05: 0.5, q95: 1.1}``, also as percent or an interval), alike for
configs, scenarios and options, so that one mistake has one message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from forecast.config.settings_file import DEVICES, quotes_missing, refusal, shown_value
from forecast.errors import PriorError, clean_text, did_you_mean
from forecast.events.cells import MAX_ACTOR_CHARS
from forecast.events.codebook import (
    CATEGORIES,
    SEVERITY_WORDS,
    actor_named,
    category_fault,
    category_named,
    severity_named,
    shared_name,
)
from forecast.storage import chance_of
from forecast.wording import days_meant

LEAST_CONTRAST = 4.5
"""Contrast of text on white that WCAG 2.2 asks for (level AA)."""
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SLUG = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
_KEY = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_PRIOR_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[A-Za-z0-9_+-]+)*")
_QUANTILE = re.compile(r"q(\d{2,3})")
_INTERVAL = re.compile(r"interval(\d{2})")
_PERCENT = re.compile(r"([+\-−]?\d+(?:\.\d+)?)\s*%")
_LARGEST = 1e100
"""Far above any parameter; beyond it the arithmetic of a fit would overflow."""
# Left/right marks, embeddings, overrides and isolates: text could read other than it is stored.
_DIRECTION_SIGNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

Quantiles = dict[str, float]
"""Name of a quantile (``median``, ``q05``) → value."""


def _day(value: object) -> date:
    if type(value) is date:
        return value
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        meant = days_meant(value) if isinstance(value, str) else ""
        advice = f"write {meant}" if meant else "expected a date as YYYY-MM-DD"
        raise refusal(f"got {shown_value(value)}; {advice}")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise refusal(f"{value} is not a day of the calendar; give a date as YYYY-MM-DD") from error


def _day_or_year(value: object) -> date:
    year = str(value) if type(value) is int or isinstance(value, str) else ""
    return date(int(year), 1, 1) if re.fullmatch(r"[12]\d{3}", year) else _day(value)


def _plain(value: str) -> str:
    text = value.strip()
    if not text:
        raise refusal("empty text; write something or leave the key out")
    for place, sign in enumerate(text, start=1):
        if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} or sign in _DIRECTION_SIGNS:
            name = f"U+{ord(sign):04X}"
            raise refusal(f"control or direction character {name} at place {place} is not allowed; remove it")
    if not clean_text(text):
        raise refusal("no letter or sign that shows; write something or leave the key out")
    return text


def _named(pattern: re.Pattern[str], longest: int, message: str) -> AfterValidator:
    """Let in names of a pattern; ``message`` follows what was given."""

    def checked(value: str) -> str:
        is_device = pattern is _SLUG and value.split(".")[0] in DEVICES
        if len(value) > longest or is_device or not pattern.fullmatch(value):
            raise refusal(f"{shown_value(value)} {message}")
        return value

    return AfterValidator(checked)


def _actors(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, (list, tuple)) else (value,)
    if not names:
        raise refusal("empty list; name at least one actor, as the event file does")
    return distinct(tuple(map(_actor, names)))


def _actor(value: object) -> str:
    if not isinstance(value, str):
        expected = f"an actor as the event file names it, or a list.{quotes_missing(value)}"
        raise refusal(f"got {shown_value(value)}; expected {expected}")
    if len(value) > MAX_ACTOR_CHARS:
        expected = f"an actor of at most {MAX_ACTOR_CHARS} characters"
        raise refusal(f"got {len(value)} characters; expected {expected}")
    name = _plain(value)
    if meant := shared_name(name):
        raise refusal(f"'{name}' may be {meant}; write the code")
    return actor_named(name)


def unknown_actor(actor: str, actors: Sequence[str]) -> str:
    """Return the message for an act by somebody whom the dyad does not name."""
    return f"'{actor}' is no actor of the dyad.{did_you_mean(actor, actors)} Allowed: {', '.join(actors)}"


def _subcategory(value: str) -> str:
    if "*" in value:
        raise refusal(f"{shown_value(value)} stands for several; an act is of one subcategory")
    return value


def _category(value: str) -> str:
    if (name := category_named(value)) not in CATEGORIES:
        raise refusal(category_fault(value))
    return name


def distinct[T: (str, int)](values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse a value that is named twice."""
    if repeated := sorted({value for value in values if values.count(value) > 1}):
        raise refusal(f"named twice: {', '.join(map(str, repeated))}; keep one of each")
    return values


def _prior(value: object) -> str | Mapping[str, float] | Mapping[str, Mapping[str, float]]:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, Mapping):
        try:
            return read_statement(value)
        except PriorError as error:
            raise refusal(str(error)) from error
    allowed = "a word, a distribution such as 'Beta(4, 8)', or {q05: .., median: .., q95: ..}"
    raise refusal(f"got {shown_value(value)}; expected {allowed}")


def read_statement(value: Mapping[Any, object]) -> Quantiles | dict[str, Quantiles]:
    """Read quantiles, or quantiles on a scale: ``{effect: {median: -50%, q05: -70%, q95: 0%}}``.

    They stand by name, one level deeper where a scale was named; percents become shares, and ``interval90:
    [0.5, 1.1]`` becomes ``q05`` and ``q95``. Raises ``PriorError``: a name, number or order that cannot be.
    """
    (name, inner), *others = [*value.items()] or [("", None)]
    if others or not isinstance(inner, Mapping):
        return read_quantiles(value)
    try:
        return {str(name): read_quantiles(inner)}
    except PriorError as fault:
        raise PriorError(f"{name}: {fault}") from fault


def read_quantiles(value: Mapping[Any, object]) -> Quantiles:
    """Read quantiles by name; see ``read_statement``."""
    levels: dict[float, tuple[str, float]] = {}
    for name, number in _single_quantiles(value):
        level = level_of(name)
        if level is None:
            raise PriorError(
                f"unknown quantile '{name}'; allowed: median and q01 to q99 (e.g. q05, q95), or interval90 "
                "(a prior's own name is written with dots, e.g. tension.persistence)"
            )
        if level in levels:
            names = " and ".join(sorted({name, levels[level][0]}))
            raise PriorError(f"{names}: the same quantile is given twice; keep one")
        levels[level] = (name, _quantile_value(name, number))
    if len(levels) < 2:
        raise PriorError("at least two quantiles are needed, e.g. {q05: -0.1, median: 0.1, q95: 0.4}")
    for (low, smaller), (high, larger) in pairwise(levels[level] for level in sorted(levels)):
        if smaller >= larger:
            raise PriorError(f"quantiles must rise: {low} = {smaller:g} is not below {high} = {larger:g}")
    return dict(levels.values())


def level_of(name: str) -> float | None:
    """Return the probability that a quantile's name stands for, ``None`` where it is no such name."""
    matched = _QUANTILE.fullmatch(name)
    level = 0.5 if name == "median" else int(matched[1]) / 10 ** len(matched[1]) if matched else 0.0
    return level if 0.0 < level < 1.0 else None


def _single_quantiles(value: Mapping[Any, object]) -> list[tuple[str, object]]:
    """Each interval as the two quantiles that bound it."""
    quantiles: list[tuple[str, object]] = []
    for key, number in value.items():
        matched = _INTERVAL.fullmatch(str(key))
        if not matched:
            quantiles.append((str(key), number))
        elif not isinstance(number, list | tuple) or len(number) != 2:
            expected = f"two bounds, e.g. {key}: [-0.1, 0.4]"
            raise PriorError(f"{key}: got {shown_value(number)}; expected {expected}")
        else:
            below = 500 - 5 * int(matched[1])  # in thousandths: 90 leaves 50 on each side
            names = (f"q{level:03d}".removesuffix("0") for level in (below, 1000 - below))
            quantiles += zip(names, number, strict=True)
    return quantiles


def _quantile_value(name: str, value: object) -> float:
    number = float("nan")
    if isinstance(value, str) and (percent := _PERCENT.fullmatch(value.strip())):
        number = float(percent[1].replace("−", "-")) / 100
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        number = float(value)
    if abs(number) <= _LARGEST:
        return number
    expected = "a number, or a percent such as -50%"
    raise PriorError(f"quantile '{name}': got {shown_value(value)}; expected {expected}")


def as_share(value: object) -> object:
    """Return a percent as a share: 0.8 for ``80%``; anything else as it is."""
    share = chance_of(value) if isinstance(value, str) and "%" in value else None
    return value if share is None else share


def _cost(value: object) -> object:
    """Return a cost as (least, most): of a number both are that number."""
    ends = value if isinstance(value, list | tuple) else (value, value)
    sound = len(ends) == 2 and all(
        isinstance(end, int | float) and not isinstance(end, bool) and 0 < end < _LARGEST for end in ends
    )
    if not sound or ends[0] > ends[1]:
        expected = "a cost above 0, or [least, most], e.g. 12 or [8, 20]"
        raise refusal(f"got {shown_value(value)}; expected {expected}")
    return tuple(map(float, ends))


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise refusal(f"{shown_value(value)} is not a colour; give six hex digits in quotes, e.g. '#0B3C6F'")
    # Relative luminance as WCAG 2.2 defines it.
    shares = (int(value[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    contrast = 1.05 / (luminance + 0.05)
    if contrast < LEAST_CONTRAST:
        raise refusal(
            f"{value} is too light to be read on white (contrast {contrast:.1f}, at least "
            f"{LEAST_CONTRAST} is needed); give a darker colour"
        )
    return value.upper()


SEVERITY_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"enum": [*SEVERITY_WORDS]}]}
PERCENT_SCHEMA = {"type": "string", "pattern": "%$"}
_COST_SCHEMA = {"type": "number", "exclusiveMinimum": 0}

Day = Annotated[date, BeforeValidator(_day)]
DayOrYear = Annotated[date, BeforeValidator(_day_or_year)]
"""A day, or the first day of a year."""
Text = Annotated[str, Field(max_length=300), AfterValidator(_plain)]
LongText = Annotated[str, Field(max_length=3000), AfterValidator(_plain)]
FolderName = Annotated[
    str,
    _named(_SLUG, 64, "cannot name a folder; use 1 to 64 of a-z, 0-9, '-', '_', '.', e.g. 'us-china-2023'"),
    Field(json_schema_extra={"pattern": f"^{_SLUG.pattern}$"}),
]
KeyName = Annotated[
    str,
    _named(
        _KEY,
        64,
        "cannot be a name; start with a letter, then use a-z, 0-9, '-' or '_', at most 64 characters",
    ),
]
Actor = Annotated[str, BeforeValidator(_actor)]
Side = Annotated[
    str | tuple[str, ...],
    BeforeValidator(lambda value: names if len(names := _actors(value)) > 1 else names[0]),
]
Actors = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: () if value in (None, (), []) else _actors(value))
]
Groups = Annotated[
    tuple[Actors, ...],
    BeforeValidator(lambda value: () if value is None else value),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        }
    ),
]
"""Two groups of actors."""
Category = Annotated[str, AfterValidator(_category), Field(json_schema_extra={"enum": [*CATEGORIES]})]
Subcategory = Annotated[Text, AfterValidator(_subcategory)]
Categories = Annotated[tuple[Category, ...], Field(min_length=1), AfterValidator(distinct)]
Colour = Annotated[str, AfterValidator(_colour), Field(json_schema_extra={"pattern": "^#[0-9A-Fa-f]{6}$"})]
PriorName = Annotated[
    str,
    BeforeValidator(
        lambda name: ".".join(map(category_named, name.split("."))) if isinstance(name, str) else name
    ),
    _named(
        _PRIOR_NAME,
        600,  # a cell of acts is named by its targets
        "cannot name a prior; names look like 'tension.persistence', 'forecast priors' lists them",
    ),
]
PriorValue = Annotated[
    str | Mapping[str, float] | Mapping[str, Mapping[str, float]],
    BeforeValidator(_prior),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1}]}),
]


def _window(value: tuple[date, date]) -> tuple[date, date]:
    if value[0] > value[1]:
        raise refusal(f"{value[0]} is after {value[1]}; write [first day, last day]")
    return value


Window = Annotated[tuple[Day, Day], AfterValidator(_window)]
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Severity = Annotated[
    int, Field(strict=True, ge=1, le=5), BeforeValidator(severity_named), WithJsonSchema(SEVERITY_SCHEMA)
]
Probability = Annotated[
    float,
    Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False),
    BeforeValidator(as_share),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, PERCENT_SCHEMA]}),
]
Share = Annotated[
    float,
    Field(strict=True, gt=0.0, lt=1.0, allow_inf_nan=False),
    BeforeValidator(as_share),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, PERCENT_SCHEMA]}
    ),
]
Cost = Annotated[
    tuple[float, float],
    BeforeValidator(_cost),
    WithJsonSchema(
        {"anyOf": [_COST_SCHEMA, {"type": "array", "items": _COST_SCHEMA, "minItems": 2, "maxItems": 2}]}
    ),
]
# A key whose entries are all commented out is empty rather than a fault.
EMPTY_LIST = BeforeValidator(lambda value: () if value is None else value)
EMPTY_MAPPING = BeforeValidator(lambda value: {} if value is None else value)
Texts = Annotated[tuple[Text, ...], EMPTY_LIST]
ONE_OR_MORE = BeforeValidator(
    lambda value: () if value is None else value if isinstance(value, list | tuple) else (value,)
)
