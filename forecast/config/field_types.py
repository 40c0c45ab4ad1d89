"""The kinds of value a config holds: names, text, days, categories, priors; each with its own message.

YAML is read without guessing, so types are strict here: ``010`` is text, not the number ten.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from forecast.config.faults import shown, suggestion
from forecast.config.quantiles import QuantileFault, read_statement
from forecast.events.codebook import CATEGORIES

LEAST_CONTRAST = 4.5
"""Contrast of text on white that WCAG 2.2 asks for (level AA)."""
MOST_ACTOR_SIGNS = 100
FAULT = "config_fault"  # type of the errors whose message is already ours

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SLUG = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
_KEY = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_PRIOR_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*")
# Names that Windows keeps for devices: a run folder of that name could not be copied there.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))})


def fault(message: str) -> PydanticCustomError:
    """Return a validation error that carries our own message (braces in it are kept)."""
    return PydanticCustomError(FAULT, "{message}", {"message": message})


def _day(value: object) -> date:
    if type(value) is date:
        return value
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise fault(f"a date as YYYY-MM-DD is needed, came {shown(value)}")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise fault(f"{value} is not a day of the calendar; give a date as YYYY-MM-DD") from error


def _plain(value: str) -> str:
    text = value.strip()
    if not text:
        raise fault("empty text; write something or leave the key out")
    for place, sign in enumerate(text, start=1):
        if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} or sign in _DIRECTION_SIGNS:
            name = f"U+{ord(sign):04X}"
            raise fault(f"control or direction sign {name} at place {place} is not allowed; remove it")
    return text


# Left/right marks, embeddings, overrides and isolates: text could read other than it is stored.
_DIRECTION_SIGNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def _folder_name(value: str) -> str:
    if len(value) > 64 or not _SLUG.fullmatch(value) or value.split(".")[0] in _DEVICES:
        message = f"{shown(value)} cannot name a folder; use 1 to 64 of a-z, 0-9, '-', '_', '.'"
        raise fault(f"{message}, e.g. 'us-china-2023'")
    return value


def _key_name(value: str) -> str:
    if len(value) > 64 or not _KEY.fullmatch(value):
        message = f"{shown(value)} cannot be a name; start with a letter, then use a-z, 0-9, '-' or '_'"
        raise fault(f"{message}, at most 64 signs")
    return value


def _prior_name(value: str) -> str:
    if len(value) > 100 or not _PRIOR_NAME.fullmatch(value):
        message = f"{shown(value)} cannot name a prior; names look like 'tension.persistence'"
        raise fault(f"{message}, 'forecast priors' lists them")
    return value


def _actors(value: object) -> tuple[str, ...]:
    named = value if isinstance(value, (list, tuple)) else (value,)
    if not named:
        raise fault("empty list; name at least one actor, as the event file does")
    return _distinct(tuple(map(_actor, named)))


def _actor(value: object) -> str:
    if not isinstance(value, str):
        quotes = f" Put it in quotes: '{value}'" if type(value) in (int, float) else ""
        raise fault(f"came {shown(value)}; allowed: an actor as the event file names it, or a list.{quotes}")
    if len(value) > MOST_ACTOR_SIGNS:
        raise fault(f"came {len(value)} signs; allowed: an actor of at most {MOST_ACTOR_SIGNS} signs")
    return _plain(value)


def _third_parties(value: object) -> tuple[str, ...]:
    return () if value in (None, (), []) else _actors(value)


def _side(value: object) -> str | tuple[str, ...]:
    named = _actors(value)
    return named if len(named) > 1 else named[0]


def _category(value: str) -> str:
    if value not in CATEGORIES:
        hint = suggestion(value, CATEGORIES)
        raise fault(f"unknown category '{value}'.{hint} Allowed: {', '.join(CATEGORIES)}")
    return value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise fault(f"named twice: {', '.join(repeated)}; keep one of each")
    return values


def _prior(value: object) -> str | Mapping[str, float] | Mapping[str, Mapping[str, float]]:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, Mapping):
        try:
            return read_statement(value)
        except QuantileFault as error:
            raise fault(str(error)) from error
    allowed = "a word, a distribution such as 'Beta(4, 8)', or {q05: .., median: .., q95: ..}"
    raise fault(f"came {shown(value)}; allowed: {allowed}")


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise fault(f"{shown(value)} is not a colour; give six hex digits in quotes, e.g. '#0B3C6F'")
    contrast = 1.05 / (relative_luminance(value) + 0.05)
    if contrast < LEAST_CONTRAST:
        raise fault(
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


_ACTOR_SCHEMA = {"type": "string", "minLength": 1, "maxLength": MOST_ACTOR_SIGNS}
_ACTORS_SCHEMA = {"type": "array", "uniqueItems": True, "items": _ACTOR_SCHEMA}
_CATEGORY_SCHEMA = {"type": "string", "enum": [*CATEGORIES]}
_DAY_SCHEMA = {"type": "string", "format": "date"}
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
    str, AfterValidator(_folder_name), Field(json_schema_extra={"pattern": f"^{_SLUG.pattern}$"})
]
KeyName = Annotated[str, AfterValidator(_key_name)]
Side = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_side),
    WithJsonSchema({"anyOf": [_ACTOR_SCHEMA, _ACTORS_SCHEMA | {"minItems": 1}]}),
]
Actors = Annotated[tuple[str, ...], BeforeValidator(_third_parties), WithJsonSchema(_ACTORS_SCHEMA)]
Category = Annotated[str, AfterValidator(_category), WithJsonSchema(_CATEGORY_SCHEMA)]
Colour = Annotated[str, AfterValidator(_colour), Field(json_schema_extra={"pattern": "^#[0-9A-Fa-f]{6}$"})]
Categories = Annotated[tuple[Category, ...], Field(min_length=1), AfterValidator(_distinct)]
PriorName = Annotated[str, AfterValidator(_prior_name)]
PriorValue = Annotated[
    str | Mapping[str, float] | Mapping[str, Mapping[str, float]],
    BeforeValidator(_prior),
    WithJsonSchema(_PRIOR_SCHEMA),
]
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Severity = Annotated[int, Field(strict=True, ge=1, le=5)]
Probability = Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, gt=0.0, lt=1.0, allow_inf_nan=False)]
EMPTY_LIST = _nothing_is(())
EMPTY_MAPPING = _nothing_is({})
