"""Coefficients of the pooled hazard by coder, with posterior and origin; read from a file and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from forecast.errors import ConfigError, InputError, shown
from forecast.events.codebook import CONFLICTUAL
from forecast.events.table import EventTable
from forecast.panel import TargetRule
from forecast.storage import read_json
from forecast.wording import count, listing

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

EDGES: Integers = np.array([0, 14, 30, 60, 90, 180, 365, 540, 730])
"""Days ahead between which the hazard is constant."""
FURTHEST_DAYS = 2 * int(EDGES[-1])
"""Longest horizon that may be asked: twice the longest that was learned."""
NAMES = (
    "climatology",
    "long_run",
    "last_window",
    "target_30",
    "target_365",
    "conflict_30",
    "conflict_365",
    "cooperation_30",
    "all_acts_30",
    "since_last",
    "silence",
    "years_with",
    "ever",
    "sanctions",
    "log_time",
    "log_time_squared",
    "target_30_by_time",
    "conflict_30_by_time",
    "since_last_by_time",
    "years_with_by_time",
)
"""Features in their order; ``docs/model.md`` says what each is."""
ISO_OF_CODERS = {
    **{"ALG": "DZA", "BNG": "BGD", "CAM": "KHM", "COS": "CRI", "DRC": "COD", "DRV": "VNM", "FRN": "FRA"},
    **{"GFR": "DEU", "HON": "HND", "KUW": "KWT", "LEB": "LBN", "LIB": "LBY", "MOR": "MAR", "PAL": "PSE"},
    **{"ROK": "KOR", "SAF": "ZAF", "SER": "SRB", "SPN": "ESP", "SUD": "SDN", "SWD": "SWE", "TAW": "TWN"},
    **{"UKG": "GBR", "UNK": "GBR", "ZAM": "ZMB", "ZIM": "ZWE"},
}
"""ISO 3166-1 codes of countries that KEDS or the Correlates of War, the coders of the shipped coefficients,
code otherwise."""


class Part(BaseModel):
    """A part of the file of coefficients: fixed, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LearnedDyad(Part):
    """One record that the coefficients were learned from."""

    name: str
    coder: str = ""
    actors: tuple[str, ...] = Field(description="the two codes that most of its acts name, in order")
    first: date
    last: date
    until: date = Field(description="last day on which the pair was observed")
    events: int

    @classmethod
    def of(cls, name: str, events: EventTable, *, coder: str = "", until: date | None = None) -> LearnedDyad:
        """Describe a record."""
        first, last = events.date.min().item(), events.date.max().item()
        codes, counts = np.unique(np.concatenate([events.initiator, events.recipient]), return_counts=True)
        actors = tuple(sorted(str(code) for code in codes[np.argsort(-counts, kind="stable")[:2]]))
        seen = {"first": first, "last": last, "until": until or last, "events": len(events)}
        return cls(name=name, coder=coder, actors=actors, **seen)

    def shares(self, other: LearnedDyad) -> bool:
        """Whether another record is of the same two actors and of some of the same time."""
        ours, theirs = ({ISO_OF_CODERS.get(code, code) for code in one.actors} for one in (self, other))
        return ours == theirs and other.first <= self.until and other.until >= self.first


class LearnedTarget(Part):
    """One kind of target that was forecast on every dyad of the coders that note it."""

    any_of: tuple[str, ...]
    min_severity: int
    coders: tuple[str, ...]


class Provenance(Part):
    """What the coefficients were learned from, and how."""

    dyads: tuple[LearnedDyad, ...] = Field(min_length=1)
    targets: tuple[LearnedTarget, ...] = Field(min_length=1)
    rows: int = Field(description="intervals after origins that were fitted")
    source: str = Field(description="origin and terms of the events, in words")
    command: str
    version: str

    @property
    def coders(self) -> tuple[str, ...]:
        """Names of the coders, in the order of their coefficients."""
        return tuple(dict.fromkeys(dyad.coder for dyad in self.dyads))

    def in_words(self) -> str:
        """Pairs, coders and years in one clause: ``94 pairs: 30 coded by KEDS, 1979–2004, and 64 …``."""
        own = {coder: [dyad for dyad in self.dyads if dyad.coder == coder] for coder in self.coders}
        parts = [f"{len(dyads)} coded by {coder}, {_years(dyads)}" for coder, dyads in own.items()]
        return f"{count(len(self.dyads), 'pair')}: {listing(tuple(parts))}"

    def listed(self) -> Iterator[str]:
        """Every pair with its years, a line for each coder; then the kinds of target, a line for each."""
        for coder in self.coders:
            own = [dyad for dyad in self.dyads if dyad.coder == coder]
            yield f"{coder}: {', '.join(f'{dyad.name} ({_years([dyad])})' for dyad in own)}"
        for target in self.targets:
            kinds = ", ".join(target.any_of)
            yield f"{kinds}, severity {target.min_severity} or more: {listing(target.coders)}"


def _years(dyads: Sequence[LearnedDyad]) -> str:
    first, last = min(dyad.first for dyad in dyads).year, max(dyad.until for dyad in dyads).year
    return f"{first}–{last}" if first < last else str(first)


SCHEMA = 2
_SHIPPED = "coefficients.json"
LEAST_DYADS = 3
"""Dyads of a coder from which differences between them can be told."""
TRUSTED_CASES = 2.0
"""Past cases of a target from which on the departure from its own rate counts by more than half."""
_MOST_EFFECT, _MOST_VARIANCE = 50.0, 1e4
"""Bounds on coefficients of standardised features; beyond, a hazard is no number."""
_MAKE = "Make one with tools/learn/pooled_hazard.py"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Vector = tuple[Finite, ...]


class CoderEffects(Part):
    """Coefficients that were learned from the records of one coder, with their posterior.

    Arrays by feature follow ``NAMES``. Coefficients are those of an intercept and the features, then the same
    again times the share of military categories less its mean, ``military``. ``lowest``, ``highest`` and
    ``log_pace`` (acts a year) bound what was learned. ``without`` holds the coefficients learned without each
    dyad, by name.
    """

    coder: str
    centre: Vector
    scale: Vector
    lowest: Vector
    highest: Vector
    log_pace: tuple[Finite, Finite]
    military: Finite
    mean: Vector
    covariance: tuple[Vector, ...]
    without: Mapping[str, Vector]

    @model_validator(mode="after")
    def _of_this_version(self) -> CoderEffects:
        n = len(NAMES)
        by_feature = (self.centre, self.scale, self.lowest, self.highest)
        by_effect = (self.mean, *self.covariance, *self.without.values(), self.covariance)
        if any(len(one) != n for one in by_feature) or any(len(one) != 2 * (n + 1) for one in by_effect):
            raise ValueError("its arrays differ in length from its features")
        if min(self.scale) <= 0 or any(np.greater(self.lowest, self.highest)):
            raise ValueError(
                "a scale of a feature is not above 0, or its lowest value lies above its highest"
            )
        if self.log_pace[0] > self.log_pace[1]:
            raise ValueError("the lowest pace of its records lies above the highest")
        if np.abs([self.mean, *self.without.values()]).max() > _MOST_EFFECT:
            raise ValueError(f"an effect is larger than {_MOST_EFFECT:g}")
        covariance = np.array(self.covariance)
        largest = np.abs(covariance).max()
        if largest > _MOST_VARIANCE or not np.allclose(covariance, covariance.T, atol=1e-6 * largest):
            raise ValueError("its covariance is not symmetric, or too large")
        if np.linalg.eigvalsh(covariance).min() < -1e-5 * largest:
            raise ValueError("its covariance is none: a variance is negative")
        return self

    def design(self, features: Floats, military: float | Floats, seen: Floats) -> Floats:
        """Terms that the coefficients multiply, shape (…, coefficient), of features of shape (…, feature).

        Features are standardised and bounded; all terms fade by exp(−excess), the sum of standard deviations
        by which features lie outside what was learned, and by n/(n + ``TRUSTED_CASES``) where the target came
        on n = ``seen`` days so far: what dyads with many cases teach says little of a target that is rare.
        """
        inside = np.clip(features, self.lowest, self.highest)
        excess = np.abs((features - inside) / np.array(self.scale)).sum(axis=-1, keepdims=True)
        scaled = (inside - np.array(self.centre)) / np.array(self.scale)
        shared = np.concatenate([np.ones_like(excess), scaled], axis=-1)
        kind = (np.asarray(military) - self.military)[..., None]
        trust = (seen / (seen + TRUSTED_CASES))[..., None] * np.exp(-excess)
        return np.asarray(np.concatenate([shared, kind * shared], axis=-1) * trust)

    @cached_property
    def _root(self) -> Floats:
        values, vectors = np.linalg.eigh(np.array(self.covariance))
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))

    def draws(self, mean: Floats, n_draws: int, random: np.random.Generator) -> Floats:
        """Draws of the coefficients around a mean, in antithetic pairs, shape (draw, coefficient)."""
        half = random.standard_normal((n_draws // 2, len(mean)))
        return np.asarray(mean + np.concatenate([half, -half]) @ self._root.T)


class PooledHazard(Part):
    """Coefficients of the hazard, a set for each coder.

    ``deviation`` is the standard deviation over dyads of the log hazard beyond what features tell;
    ``kind_spread`` that between kinds of target, added for a kind that was never seen.
    """

    schema_: Literal[2] = Field(alias="schema")
    provenance: Provenance
    edges: tuple[int, ...]
    features: tuple[str, ...]
    coders: tuple[CoderEffects, ...] = Field(min_length=1)
    deviation: Annotated[float, Field(gt=0, le=_MOST_EFFECT, allow_inf_nan=False)]
    kind_spread: Annotated[float, Field(ge=0, le=_MOST_EFFECT, allow_inf_nan=False)]

    @model_validator(mode="after")
    def _of_this_version(self) -> PooledHazard:
        if self.edges != tuple(EDGES.tolist()) or self.features != NAMES:
            raise ValueError("its intervals or features are those of another version")
        if self.provenance.coders != tuple(coder.coder for coder in self.coders):
            raise ValueError("its coders are not those of its provenance")
        return self

    def __hash__(self) -> int:
        return hash(self.sha256)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content."""
        return sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    def left_out(self, events: EventTable) -> tuple[LearnedDyad, ...]:
        """Return the dyads learned from that are of the same two actors and of some of the same time."""
        record = LearnedDyad.of("", events)
        return tuple(dyad for dyad in self.provenance.dyads if dyad.shares(record))

    def mean_for(self, events: EventTable, origin: date) -> tuple[Floats, ...]:
        """Return the coefficients for a record, by coder: learned without it where it was learned from.

        Raises ``InputError``: learned from so few dyads that none was left out, up to a day after the origin.
        """
        learned = {dyad.coder: dyad for dyad in reversed(self.left_out(events))}
        means = []
        for effects in self.coders:
            own = learned.get(effects.coder)
            if own and own.name not in effects.without and own.until >= origin:
                raise InputError(
                    f"the pooled hazard was learned from these events up to {own.until}, so it knows what "
                    f"came after {origin}. Learn it from other dyads, or forecast from {own.until} on"
                )
            means.append(np.array(effects.without.get(own.name, effects.mean) if own else effects.mean))
        return tuple(means)

    def coder_weights(self, log_pace: Floats) -> Floats:
        """Weights of the coders at origins, shape (coder, origin); the rest to 1 is the anchor's alone.

        Outside the pace that was learned a weight falls by a factor of e for every factor of e in pace.
        """
        inside = [np.clip(log_pace, *coder.log_pace) for coder in self.coders]
        weights = np.exp(-np.abs(log_pace - np.stack(inside)))
        return np.asarray(weights / np.maximum(weights.sum(axis=0), 1.0))

    def knows_kind(self, target: TargetRule) -> bool:
        """Whether targets of this kind were among those learned: conflictual acts only."""
        return set(target.any_of) <= set(CONFLICTUAL)


@cache
def shipped_hazard() -> PooledHazard:
    """Return the coefficients that come with the package."""
    return _checked((files("forecast.pooled_hazard") / _SHIPPED).read_text(encoding="utf-8"), _SHIPPED)


def read_hazard(path: Path) -> PooledHazard:
    """Read coefficients from a file that ``tools/learn/pooled_hazard.py`` wrote.

    Raises ``ConfigError``: no such file, no JSON, or no coefficients of this version; with the file.
    """
    try:
        return _checked(read_json(path).decode(), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). {_MAKE}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: no UTF-8 text. {_MAKE}") from error


def _checked(text: str, name: str) -> PooledHazard:
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: no JSON ({error}). {_MAKE}") from error
    if not isinstance(content, dict) or "schema" not in content:
        raise ConfigError(f"{name}: holds no coefficients of a pooled hazard. {_MAKE}")
    if content["schema"] != SCHEMA:
        raise ConfigError(
            f"{name}: schema: got {shown(content['schema'])}; this version of forecast reads {SCHEMA}. "
            f"{_MAKE}"
        )
    try:
        return PooledHazard.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{name}: {where + ': ' if where else ''}{first['msg']}. {_MAKE}") from error
