"""Coefficients of the pooled hazard with their posterior and provenance; read from a file and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.features import EDGES, NAMES
from forecast.storage import read_json

Floats = NDArray[np.float64]

SCHEMA = 1
_SHIPPED = "coefficients.json"
ISO_OF_KEDS = {"FRN": "FRA", "KUW": "KWT", "LEB": "LBN", "PAL": "PSE", "SER": "SRB", "UNK": "GBR"}
"""ISO 3166-1 codes of countries that KEDS, the source of the shipped coefficients, codes otherwise."""
_MOST_EFFECT, _MOST_VARIANCE = 50.0, 1e4
"""Bounds on coefficients of standardised features; beyond, a hazard is no number."""
_MAKE = "Make one with 'forecast panel learn DIR --out FILE'"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Vector = tuple[Finite, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LearnedDyad(_Part):
    """One record that the coefficients were learned from."""

    name: str
    actors: tuple[str, ...] = Field(description="the two codes that most of its acts name, in order")
    first: date
    last: date
    events: int

    @classmethod
    def of(cls, name: str, events: EventTable) -> LearnedDyad:
        """Describe a record."""
        first, last = events.date.min().item(), events.date.max().item()
        return cls(name=name, actors=main_actors(events), first=first, last=last, events=len(events))

    def shares(self, other: LearnedDyad) -> bool:
        """Whether another record is of the same two actors and of some of the same time."""
        same = _countries(self.actors) == _countries(other.actors)
        return same and other.first <= self.last and other.last >= self.first


class LearnedTarget(_Part):
    """One kind of target that was forecast on every dyad."""

    any_of: tuple[str, ...]
    min_severity: int
    quiet_days: int = Field(description="length of the longest records, ten origins or more, without it")

    def resembles(self, target: TargetRule) -> bool:
        """Whether this one counts the categories of a target, from at most one severity more or less."""
        near = abs(self.min_severity - target.min_severity) <= 1
        return near and set(target.any_of) <= set(self.any_of)


class Provenance(_Part):
    """What the coefficients were learned from, and how."""

    dyads: tuple[LearnedDyad, ...] = Field(min_length=1)
    targets: tuple[LearnedTarget, ...] = Field(min_length=1)
    rows: int = Field(description="intervals after origins that were fitted")
    source: str = Field(description="origin and terms of the events, in words")
    command: str
    version: str


class PooledHazard(_Part):
    """Coefficients of the hazard with their posterior; arrays follow ``features``, an intercept first.

    ``lowest`` and ``highest`` bound the features: outside what was seen the nearest counts. ``without`` holds
    the coefficients learned without each dyad, by name. ``kind_spread`` is the standard deviation of the log
    hazard between kinds of target, added for a kind that was never seen.
    """

    schema_: Literal[1] = Field(alias="schema")
    provenance: Provenance
    edges: tuple[int, ...]
    features: tuple[str, ...]
    centre: Vector
    scale: Vector
    lowest: Vector
    highest: Vector
    mean: Vector
    covariance: tuple[Vector, ...]
    without: Mapping[str, Vector]
    deviation: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    kind_spread: Annotated[float, Field(ge=0, allow_inf_nan=False)]

    @model_validator(mode="after")
    def _of_this_version(self) -> PooledHazard:
        if self.edges != tuple(EDGES.tolist()) or self.features != NAMES:
            raise ValueError("its intervals or features are those of another version")
        n = len(NAMES)
        by_feature = (self.centre, self.scale, self.lowest, self.highest)
        with_intercept = (self.mean, *self.covariance, *self.without.values(), self.covariance)
        if any(len(one) != n for one in by_feature) or any(len(one) != n + 1 for one in with_intercept):
            raise ValueError("its arrays differ in length from its features")
        if min(self.scale) <= 0 or any(np.greater(self.lowest, self.highest)):
            raise ValueError(
                "a scale of a feature is not above 0, or its lowest value lies above its highest"
            )
        effects = np.abs([self.mean, *self.without.values()])
        if effects.max() > _MOST_EFFECT or self.kind_spread > _MOST_EFFECT or self.deviation > _MOST_EFFECT:
            raise ValueError(f"an effect or a spread is larger than {_MOST_EFFECT:g}")
        covariance = np.array(self.covariance)
        largest = np.abs(covariance).max()
        lowest = np.linalg.eigvalsh(covariance).min()
        if largest > _MOST_VARIANCE or not np.allclose(covariance, covariance.T, atol=1e-6 * largest):
            raise ValueError("its covariance is not symmetric, or too large")
        if lowest < -1e-5 * largest:
            raise ValueError("its covariance is none: a variance is negative")
        return self

    def __hash__(self) -> int:
        return hash(self.sha256)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content."""
        return sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    def learned_on(self, events: EventTable) -> LearnedDyad | None:
        """Return the dyad of the panel that these events are of, if it is one of those learned from."""
        record = LearnedDyad.of("", events)
        return next((one for one in self.provenance.dyads if one.shares(record)), None)

    def mean_for(self, events: EventTable, origin: date) -> Floats:
        """Return the coefficients for a record: learned without it where it was learned from.

        Raises ``InputError``: learned from so few dyads that none was left out, up to a day after the origin.
        """
        learned = self.learned_on(events)
        if learned is None:
            return np.array(self.mean)
        if learned.name not in self.without and learned.last >= origin:
            raise InputError(
                f"the pooled hazard was learned from these events up to {learned.last}, so it knows what "
                f"came after {origin}. Learn it from other dyads, or forecast from {learned.last} on"
            )
        return np.array(self.without.get(learned.name, self.mean))

    def answers_unseen(self, target: TargetRule, record_days: int) -> bool:
        """Whether records that were as long without such a target were among those learned."""
        alike = [one.quiet_days for one in self.provenance.targets if one.resembles(target)]
        return record_days <= max(alike, default=0)

    def knows_kind(self, target: TargetRule) -> bool:
        """Whether targets of this kind were among those learned: conflictual acts only."""
        return set(target.any_of) <= set(CONFLICTUAL)

    def design(self, features: Floats) -> Floats:
        """Standardised features with an intercept first, shape (origin, interval, coefficient)."""
        inside = np.clip(features, self.lowest, self.highest)
        scaled = (inside - np.array(self.centre)) / np.array(self.scale)
        return np.concatenate([np.ones((*scaled.shape[:-1], 1)), scaled], axis=-1)

    @cached_property
    def _root(self) -> Floats:
        values, vectors = np.linalg.eigh(np.array(self.covariance))
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))

    def coefficient_draws(self, mean: Floats, n_draws: int, seed: int) -> Floats:
        """Draws around a mean, in antithetic pairs, shape (draw, coefficient)."""
        half = np.random.default_rng(seed).standard_normal((n_draws // 2, len(mean)))
        return mean + np.concatenate([half, -half]) @ self._root.T


def _countries(actors: tuple[str, ...]) -> frozenset[str]:
    return frozenset(ISO_OF_KEDS.get(code, code) for code in actors)


def main_actors(events: EventTable) -> tuple[str, ...]:
    """Return the two codes that most acts name, in alphabetical order."""
    codes, counts = np.unique(np.concatenate([events.initiator, events.recipient]), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:2]
    return tuple(sorted(str(code) for code in codes[order]))


@cache
def shipped_hazard() -> PooledHazard:
    """Return the coefficients that come with the package."""
    return _checked((files("forecast.pooled_hazard") / _SHIPPED).read_text(encoding="utf-8"), _SHIPPED)


def read_hazard(path: Path) -> PooledHazard:
    """Read coefficients from a file that ``forecast panel learn`` wrote.

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
            f"{name}: schema: got {shown(content['schema'])}; this version reads {SCHEMA}. {_MAKE}"
        )
    try:
        return PooledHazard.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{name}: {where + ': ' if where else ''}{first['msg']}. {_MAKE}") from error
