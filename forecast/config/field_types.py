"""The kinds of value a config holds: names, text, days, categories, priors; each with its own message.

YAML is read without guessing, so types are strict here: ``010`` is text, not the number ten. Quantiles are
read as people state them (``{median: 0.8, q05: 0.5, q95: 1.1}``, also as percent or an interval), alike for
configs, scenarios and options, so that one mistake has one message.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from forecast.config.faults import refusal, shown
from forecast.errors import PriorError
from forecast.events.cells import MAX_ACTOR_CHARS
from forecast.events.codebook import CATEGORIES, category_fault
from forecast.events.countries import actor_named, shared_name

LEAST_CONTRAST = 4.5
"""Contrast of text on white that WCAG 2.2 asks for (level AA)."""

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SLUG = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
_KEY = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_PRIOR_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_+-]+)*")
_QUANTILE = re.compile(r"q(\d{2,3})")
_INTERVAL = re.compile(r"interval(\d{2})")
_PERCENT = re.compile(r"([+\-−]?\d+(?:\.\d+)?)\s*%")

# Far above any parameter; beyond it the arithmetic of a fit would overflow.
_LARGEST = 1e100

Quantiles = dict[str, float]
"""Name of a quantile (``median``, ``q05``) → value."""

# Names that Windows keeps for devices: a run folder of that name could not be copied there.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))})


def _day(value: object) -> date:
    if type(value) is date:
        return value
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise refusal(f"got {shown(value)}; expected a date as YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise refusal(f"{value} is not a day of the calendar; give a date as YYYY-MM-DD") from error


def _plain(value: str) -> str:
    text = value.strip()
    if not text:
        raise refusal("empty text; write something or leave the key out")
    for place, sign in enumerate(text, start=1):
        if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} or sign in _DIRECTION_SIGNS:
            name = f"U+{ord(sign):04X}"
            raise refusal(f"control or direction character {name} at place {place} is not allowed; remove it")
    return text


# Left/right marks, embeddings, overrides and isolates: text could read other than it is stored.
_DIRECTION_SIGNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def _named(pattern: re.Pattern[str], longest: int, message: str) -> AfterValidator:
    """Let in names of a pattern; ``message`` follows what was given."""

    def checked(value: str) -> str:
        is_device = pattern is _SLUG and value.split(".")[0] in _DEVICES
        if len(value) > longest or is_device or not pattern.fullmatch(value):
            raise refusal(f"{shown(value)} {message}")
        return value

    return AfterValidator(checked)


def folder_name(text: str) -> str | None:
    """Return a text as the name of a folder, e.g. ``us-china`` for ``US_China``; ``None`` if none is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = "-".join(re.findall(r"[a-z0-9]+", plain))[:64].strip("-")
    return None if name in _DEVICES else name or None


def _actors(value: object) -> tuple[str, ...]:
    named = value if isinstance(value, (list, tuple)) else (value,)
    if not named:
        raise refusal("empty list; name at least one actor, as the event file does")
    return distinct(tuple(map(_actor, named)))


def _actor(value: object) -> str:
    if not isinstance(value, str):
        quotes = f" Put it in quotes: '{value}'" if type(value) in (int, float) else ""
        raise refusal(f"got {shown(value)}; expected an actor as the event file names it, or a list.{quotes}")
    if len(value) > MAX_ACTOR_CHARS:
        raise refusal(
            f"got {len(value)} characters; expected an actor of at most {MAX_ACTOR_CHARS} characters"
        )
    name = _plain(value)
    if meant := shared_name(name):
        raise refusal(f"'{name}' may be {meant}; write the code")
    return actor_named(name)


def _side(value: object) -> str | tuple[str, ...]:
    named = _actors(value)
    return named if len(named) > 1 else named[0]


def _category(value: str) -> str:
    if value not in CATEGORIES:
        raise refusal(category_fault(value))
    return value


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a value that is named twice."""
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise refusal(f"named twice: {', '.join(repeated)}; keep one of each")
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
    raise refusal(f"got {shown(value)}; expected {allowed}")


def read_statement(value: Mapping[Any, object]) -> Quantiles | dict[str, Quantiles]:
    """Read quantiles, or quantiles on a scale: ``{effect: {median: -50%, q05: -70%, q95: 0%}}``.

    The answer has them by name, in the order stated, one level deeper where a scale was named. Percents
    become shares, and ``interval90: [0.5, 1.1]`` becomes ``q05`` and ``q95``.

    Raises ``PriorError``: a name that is no quantile, a value that is no number, fewer than two, or values
    out of order.
    """
    if len(value) == 1:
        (name, inner), *_ = value.items()
        if isinstance(inner, Mapping):
            try:
                return {str(name): read_quantiles(inner)}
            except PriorError as fault:
                raise PriorError(f"{name}: {fault}") from fault
    return read_quantiles(value)


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
            pair = sorted({name, levels[level][0]})
            same = " and ".join(pair)
            raise PriorError(
                f"{same} are the same quantile; keep one" if len(pair) > 1 else f"{same} is given twice"
            )
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
            continue
        if int(matched[1]) < 2:
            raise PriorError(f"'{key}' is no interval; write e.g. interval90: [-0.1, 0.4]")
        if not isinstance(number, list | tuple) or len(number) != 2:
            raise PriorError(f"{key}: got {shown(number)}; expected two bounds, e.g. {key}: [-0.1, 0.4]")
        outside = 1000 - 10 * int(matched[1])  # in thousandths: 90 leaves 100, half of it on each side
        quantiles += [
            (_quantile_name(outside // 2), number[0]),
            (_quantile_name(1000 - outside // 2), number[1]),
        ]
    return quantiles


def _quantile_name(thousandths: int) -> str:
    return f"q{thousandths // 10:02d}" if thousandths % 10 == 0 else f"q{thousandths:03d}"


def _quantile_value(name: str, value: object) -> float:
    percent = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if percent:
        number = float(percent[1].replace("−", "-")) / 100
    elif isinstance(value, int | float) and not isinstance(value, bool):
        # A whole number may be too large to be a float, which math refuses to look at.
        number = float(value) if abs(value) <= sys.float_info.max else math.inf
    else:
        number = math.nan
    if abs(number) <= _LARGEST:
        return number
    raise PriorError(f"quantile '{name}': got {shown(value)}; expected a number, or a percent such as -50%")


def as_share(value: object) -> object:
    """Return a percent as a share: 0.8 for ``80%``; anything else as it is."""
    percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip()) if isinstance(value, str) else None
    return float(percent[1]) / 100 if percent else value


def _cost(value: object) -> object:
    """Return a cost as (least, most): of a number both are that number."""
    ends = value if isinstance(value, list | tuple) else (value, value)
    sound = len(ends) == 2 and all(
        isinstance(end, int | float) and not isinstance(end, bool) and 0 < end < _LARGEST for end in ends
    )
    if not sound or ends[0] > ends[1]:
        raise refusal(f"got {shown(value)}; expected a cost above 0, or [least, most], e.g. 12 or [8, 20]")
    return tuple(map(float, ends))


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise refusal(f"{shown(value)} is not a colour; give six hex digits in quotes, e.g. '#0B3C6F'")
    contrast = 1.05 / (relative_luminance(value) + 0.05)
    if contrast < LEAST_CONTRAST:
        raise refusal(
            f"{value} is too light to be read on white (contrast {contrast:.1f}, at least "
            f"{LEAST_CONTRAST} is needed); give a darker colour"
        )
    return value.upper()


def relative_luminance(colour: str) -> float:
    """Relative luminance of ``#RRGGBB``, 0 (black) to 1 (white), as WCAG 2.2 defines it."""
    shares = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _nothing_is(empty: Any) -> BeforeValidator:  # noqa: ANN401 - the empty list or mapping of the field
    """Read a key whose entries are all commented out as empty rather than as a fault."""
    return BeforeValidator(lambda value: empty if value is None else value)


_ACTOR_SCHEMA = {"type": "string", "minLength": 1, "maxLength": MAX_ACTOR_CHARS}
_ACTORS_SCHEMA = {"type": "array", "uniqueItems": True, "items": _ACTOR_SCHEMA}
_CATEGORY_SCHEMA = {"type": "string", "enum": [*CATEGORIES]}
_DAY_SCHEMA = {"type": "string", "format": "date"}
PERCENT_SCHEMA = {"type": "string", "pattern": "%$"}
_QUANTILE_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "anyOf": [
            {"type": "number"},
            {"type": "string", "pattern": "%$"},
            {"type": "array", "minItems": 2, "maxItems": 2},
        ]
    },
}
_PRIOR_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        _QUANTILE_SCHEMA,
        {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": _QUANTILE_SCHEMA},
    ]
}

Day = Annotated[date, BeforeValidator(_day), WithJsonSchema(_DAY_SCHEMA)]
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
Side = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_side),
    WithJsonSchema({"anyOf": [_ACTOR_SCHEMA, _ACTORS_SCHEMA | {"minItems": 1}]}),
]
Actors = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: () if value in (None, (), []) else _actors(value)),
    WithJsonSchema(_ACTORS_SCHEMA),
]
Actor = Annotated[str, BeforeValidator(_actor), WithJsonSchema(_ACTOR_SCHEMA)]
Category = Annotated[str, AfterValidator(_category), WithJsonSchema(_CATEGORY_SCHEMA)]
Colour = Annotated[str, AfterValidator(_colour), Field(json_schema_extra={"pattern": "^#[0-9A-Fa-f]{6}$"})]
Categories = Annotated[tuple[Category, ...], Field(min_length=1), AfterValidator(distinct)]
PriorName = Annotated[
    str,
    _named(
        _PRIOR_NAME,
        600,  # a cell of acts is named by its targets
        "cannot name a prior; names look like 'tension.persistence', 'forecast priors' lists them",
    ),
]
PriorValue = Annotated[
    str | Mapping[str, float] | Mapping[str, Mapping[str, float]],
    BeforeValidator(_prior),
    WithJsonSchema(_PRIOR_SCHEMA),
]
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Severity = Annotated[int, Field(strict=True, ge=1, le=5)]
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
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {
                    "type": "array",
                    "items": {"type": "number", "exclusiveMinimum": 0},
                    "minItems": 2,
                    "maxItems": 2,
                },
            ]
        }
    ),
]
EMPTY_LIST = _nothing_is(())
EMPTY_MAPPING = _nothing_is({})
ONE_OR_MORE = BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
