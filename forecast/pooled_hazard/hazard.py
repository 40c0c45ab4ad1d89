"""Probabilities of the pooled hazard: coefficients learned on many dyads, adjusted to one dyad's own past.

With the features x of an interval of the future, the daily hazard of a target there is exp(x·β + u). The
coefficients β have a normal posterior (``learning`` tells how it is found); u is the dyad's own deviation,
Normal(0, ``deviation``²) over dyads, and is updated at every origin on how often targets came after earlier
origins beside what β foresaw. Overlapping windows do not count twice there, and old ones are forgotten.

The probability of a target within h days is 1 − exp(−Λ(h)), Λ the sum of the hazards up to h, so it never
falls in h. A target that includes another has at least its Λ, draw by draw.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.special import lambertw

from forecast.baselines.windows import DAY, Days, Horizons, as_day, past_events, seen_before
from forecast.errors import ConfigError, InputError
from forecast.events.codebook import CONFLICTUAL
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.features import EDGES, INTERVAL_DAYS, NAMES, origin_features
from forecast.simulation.probabilities import HitMoments

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SCHEMA = 1
N_DRAWS = 200
"""Draws of the coefficients behind a forecast."""
SPACING_DAYS = 30
"""Days between the earlier origins that a dyad's deviation, and the coefficients, are learned from."""
FORGET_DAYS = 1500.0
"""Half-life of what earlier origins say of a dyad's deviation."""
FURTHEST_DAYS = 2 * int(EDGES[-1])
"""Longest horizon that may be asked: twice the longest that was learned."""
INTERVAL_WEIGHT: Floats = np.minimum(SPACING_DAYS / INTERVAL_DAYS, 1.0)
"""Weight of an interval: origins are closer to one another than the longer intervals are long."""
_LEAST_LOG, _MOST_LOG = -15.0, 3.0
"""Bounds of the log of a daily hazard."""
_SHIPPED = "coefficients.json"
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

    def shares(self, events: EventTable) -> bool:
        """Whether a record is of the same two actors and of some of the same time."""
        first, last = events.date.min().item(), events.date.max().item()
        return self.actors == main_actors(events) and first <= self.last and last >= self.first


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

    dyads: tuple[LearnedDyad, ...]
    targets: tuple[LearnedTarget, ...]
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
    deviation: Annotated[float, Field(gt=0)]
    kind_spread: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _of_this_version(self) -> PooledHazard:
        if self.edges != tuple(EDGES.tolist()) or self.features != NAMES:
            raise ValueError("its intervals or features are those of another version")
        n = len(NAMES)
        by_feature = (self.centre, self.scale, self.lowest, self.highest)
        with_intercept = (self.mean, *self.covariance, *self.without.values(), self.covariance)
        if any(len(one) != n for one in by_feature) or any(len(one) != n + 1 for one in with_intercept):
            raise ValueError("its arrays differ in length from its features")
        return self

    def __hash__(self) -> int:
        return hash(self.sha256)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content."""
        return sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    def learned_on(self, events: EventTable) -> LearnedDyad | None:
        """Return the dyad of the panel that these events are of, if it is one of those learned from."""
        return next((one for one in self.provenance.dyads if one.shares(events)), None)

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


def main_actors(events: EventTable) -> tuple[str, ...]:
    """Return the two codes that most acts name, in alphabetical order."""
    codes, counts = np.unique(np.concatenate([events.initiator, events.recipient]), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:2]
    return tuple(sorted(str(code) for code in codes[order]))


def forecast_origins(
    hazard: PooledHazard,
    events: EventTable,
    targets: Sequence[TargetRule],
    origins: Days,
    start: date,
    horizons: Horizons,
    *,
    seed: int = 0,
) -> dict[str, Floats]:
    """Forecast targets at several origins, each from what was known before it.

    A dyad that the coefficients were learned on is forecast by those learned without it.

    Returns
    -------
    dict
        Target → P(target within the horizon), shape (origin, horizon), mean over draws; NaN at an origin
        before which the target never happened, in a record longer than those that were learned from.

    Raises
    ------
    InputError
        A horizon beyond ``FURTHEST_DAYS``, or coefficients that know what came after an origin.
    """
    drawn = _cumulative_draws(hazard, events, targets, origins, start, seed)
    refuse_far(int(np.max(horizons)))
    found = {}
    for target in targets:
        probability = -np.expm1(-_at_days(drawn[target.name], horizons)).mean(axis=0)
        for place, origin in enumerate(origins):
            if not _answers(hazard, events, target, origin, start):
                probability[place] = np.nan
        found[target.name] = np.asarray(probability)
    return found


def forecast_by_day(
    hazard: PooledHazard,
    events: EventTable,
    targets: Sequence[TargetRule],
    origin: date,
    start: date,
    horizon_days: int,
    *,
    seed: int = 0,
) -> dict[str, HitMoments]:
    """Mean and variance over draws of P(target before day t), t = 0 … ``horizon_days``, at one origin.

    A target that never happened, in a record longer than those that were learned from, is left out.

    Raises ``InputError``: a horizon beyond ``FURTHEST_DAYS``.
    """
    refuse_far(horizon_days)
    days = np.arange(horizon_days + 1)
    drawn = _cumulative_draws(hazard, events, targets, np.array([origin], "datetime64[D]"), start, seed)
    found = {}
    for target in targets:
        if not _answers(hazard, events, target, as_day(origin), start):
            continue
        probability = -np.expm1(-_at_days(drawn[target.name][:, 0], days))
        found[target.name] = HitMoments(probability.mean(axis=0), probability.var(axis=0))
    return found


def _answers(
    hazard: PooledHazard, events: EventTable, target: TargetRule, origin: np.datetime64, start: date
) -> bool:
    record_days = int((origin - as_day(start)) // DAY)
    return seen_before(events, target, origin, start) or hazard.answers_unseen(target, record_days)


def refuse_far(horizon_days: int) -> None:
    """Raise ``InputError`` for a horizon further ahead than twice what was learned."""
    if horizon_days > FURTHEST_DAYS:
        raise InputError(
            f"{horizon_days} days ahead is more than the pooled hazard can tell: it was learned up to "
            f"{EDGES[-1]} days and answers up to {FURTHEST_DAYS}. Take nearer dates, or model.family: joint"
        )


def _cumulative_draws(
    hazard: PooledHazard,
    events: EventTable,
    targets: Sequence[TargetRule],
    origins: Days,
    start: date,
    seed: int,
) -> dict[str, Floats]:
    """Cumulative hazards at the ends of the intervals, shape (draw, origin, interval), by target."""
    mean = hazard.mean_for(events, origins[0].item())
    draws = hazard.coefficient_draws(mean, N_DRAWS, seed)
    noise = np.random.default_rng([seed, 1]).standard_normal((2, N_DRAWS // 2))
    noise = np.concatenate([noise, -noise], axis=1)
    days = ((origins - as_day(start)) // DAY).astype(np.int64)
    last = start + timedelta(days=int(days.max()))
    found: dict[str, Floats] = {}
    for target in targets:
        past = past_events(events, target, last, start)
        earlier = earlier_origins(past.n_days)
        design = hazard.design(origin_features(past, np.concatenate([earlier, days]), target))
        expected = np.exp(np.clip(design[: len(earlier)] @ mean, _LEAST_LOG, _MOST_LOG))
        own, spread = _own_deviation(
            expected,
            earlier,
            days,
            first_day_after(past.known_day[past.is_target], earlier),
            hazard.deviation,
        )
        log_hazard = np.moveaxis(design[len(earlier) :] @ draws.T, -1, 0)
        log_hazard += own[:, None] + spread[:, None] * noise[0][:, None, None]
        if not hazard.knows_kind(target):
            log_hazard += hazard.kind_spread * noise[1][:, None, None]
        daily = np.exp(np.clip(log_hazard, _LEAST_LOG, _MOST_LOG))
        found[target.name] = np.cumsum(daily * INTERVAL_DAYS, axis=-1)
    return _nested(found, targets)


def earlier_origins(n_days: int) -> Integers:
    """Origins in a record of so many days that something can be learned from, in days from its start."""
    return np.arange(SPACING_DAYS, n_days, SPACING_DAYS)


def first_day_after(target_days: Integers, origins: Integers) -> Integers:
    """Days from each origin to the first target day on or after it; a very large number where none is."""
    days = np.append(np.sort(target_days), np.iinfo(np.int32).max)
    return np.asarray(days[np.searchsorted(days, origins)] - origins)


def follow_up(first: Integers, seen: Integers) -> tuple[NDArray[np.bool_], Floats]:
    """Whether the first target fell into each interval, and days at risk there, shape (origin, interval).

    ``first`` are the days to it, ``seen`` the days after the origin that are known.
    """
    begins, ends = EDGES[:-1], EDGES[1:]
    first, seen = first[:, None], seen[:, None]
    hit = (first >= begins) & (first < ends) & (first < seen)
    stop = np.where(hit, first + 1, np.minimum(np.minimum(first, seen), ends))
    return hit, np.maximum(stop - begins, 0).astype(np.float64)


def _own_deviation(
    expected: Floats, earlier: Integers, days: Integers, first: Integers, deviation: float
) -> tuple[Floats, Floats]:
    """Posterior mode and standard deviation of a dyad's deviation at each origin, shape (origin,).

    The counts of hits y and expected hits E of the weighted past windows give a Poisson likelihood
    y·u − E·exp(u); the mode solves u/deviation² = y − E·exp(u), by Lambert's W.
    """
    mode, spread = np.zeros(len(days)), np.full(len(days), deviation)
    variance = deviation**2
    for place, day in enumerate(days.tolist()):
        n = int(np.searchsorted(earlier, day))
        seen = day - earlier[:n]
        hit, at_risk = follow_up(first[:n], seen)
        weight = INTERVAL_WEIGHT * 2.0 ** (-seen[:, None] / FORGET_DAYS)
        hits = float((weight * hit).sum())
        foreseen = float((weight * expected[:n] * at_risk).sum())
        if n:
            solved = lambertw(variance * foreseen * np.exp(variance * hits)).real
            mode[place] = variance * hits - solved
            spread[place] = (1 / variance + foreseen * np.exp(mode[place])) ** -0.5
    return mode, spread


def _at_days(cumulative: Floats, days: Integers) -> Floats:
    """Cumulative hazard by day, from that at the ends of the intervals (last axis)."""
    ends = np.concatenate([np.zeros((*cumulative.shape[:-1], 1)), cumulative], axis=-1)
    interval = np.clip(np.searchsorted(EDGES, days, side="left") - 1, 0, len(INTERVAL_DAYS) - 1)
    rate = np.diff(ends, axis=-1) / INTERVAL_DAYS
    return np.asarray(ends[..., interval] + rate[..., interval] * (days - EDGES[interval]))


def _nested(found: Mapping[str, Floats], targets: Sequence[TargetRule]) -> dict[str, Floats]:
    """Raise the cumulative hazard of a target to that of every target that it includes."""
    result = dict(found)
    for wide in targets:
        for narrow in targets:
            if set(narrow.any_of) <= set(wide.any_of) and narrow.min_severity >= wide.min_severity:
                result[wide.name] = np.maximum(result[wide.name], found[narrow.name])
    return result


@cache
def shipped_hazard() -> PooledHazard:
    """Return the coefficients that come with the package."""
    return _checked((files("forecast.pooled_hazard") / _SHIPPED).read_text(encoding="utf-8"), _SHIPPED)


def read_hazard(path: Path) -> PooledHazard:
    """Read coefficients from a file that ``forecast panel learn`` wrote.

    Raises ``ConfigError``: no such file, no JSON, or no coefficients of this version; with the file.
    """
    try:
        return _checked(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}). {_MAKE}") from error


def _checked(text: str, name: str) -> PooledHazard:
    try:
        content: Any = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{name}: no JSON ({error}). {_MAKE}") from error
    if not isinstance(content, dict) or "schema" not in content:
        raise ConfigError(f"{name}: holds no coefficients of a pooled hazard. {_MAKE}")
    if content["schema"] != SCHEMA:
        raise ConfigError(f"{name}: schema: got {content['schema']!r}; this version reads {SCHEMA}. {_MAKE}")
    try:
        return PooledHazard.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{name}: {where + ': ' if where else ''}{first['msg']}. {_MAKE}") from error
