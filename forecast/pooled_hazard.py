"""Probabilities of the pooled hazard: a dyad's gamma–Poisson rate, moved by what other dyads teach.

The future is cut into intervals (``EDGES``). The daily hazard of a target in an interval is g·exp(Σ w_c
x·β_c + u). The anchor g is that of the dyad's own gamma–Poisson rate. x are features, each a ratio, a share
or a time of the dyad's own record, so that it means the same whoever coded it and however many acts that
coder notes; all are computed at every day at once, from what was known before it. β_c are coefficients
learned from the records of coder c, with a normal posterior. Weights w_c fall where a record
is unlike those that were learned, so that the anchor is left. u is the dyad's own deviation, Normal(0,
``deviation``²) over dyads, and is updated at every origin on how often targets came after earlier origins
beside what was foreseen. Overlapping windows do not count twice there, and old ones are forgotten.

A target that never came has no rate of its own, and its silence says little on the day after a grave act.
There the hazard is raised to that of first times of other pairs (``FirstTimes``), the more the less time
has passed since the act.

The probability of a target within h days is 1 − exp(−Λ(h)), Λ the sum of the hazards up to h, so it never
falls in h. A target that includes another has at least its Λ, draw by draw. Its draws by day also
carry how little a few cases tell of the dyad's own rate, by a gamma factor of mean 1 on the hazard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from forecast import baselines
from forecast.errors import ConfigError, InputError
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.events.table import EventTable
from forecast.records.analysis import LearnedKind
from forecast.records.base import LearnedRecord, Record
from forecast.storage import read_json
from forecast.targets import TargetRule, raised_to_included

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

EDGES: Integers = np.array([0, 14, 30, 60, 90, 180, 365, 540, 730])
"""Days ahead between which the hazard is constant."""
FURTHEST_DAYS = 2 * int(EDGES[-1])
"""Longest horizon that may be asked: twice the longest that was learned."""
NAMES = (
    *("climatology", "long_run", "last_window"),
    *("target_30", "target_365", "conflict_30", "conflict_365", "cooperation_30", "all_acts_30"),
    *("since_last", "silence", "years_with", "ever", "sanctions", "log_time", "log_time_squared"),
    *("target_30_by_time", "conflict_30_by_time", "since_last_by_time", "years_with_by_time"),
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


class LearnedDyad(Record):
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
        actors = tuple(baselines.pair_of(events).split(" "))
        seen = {"first": first, "last": last, "until": until or last, "events": len(events)}
        return cls(name=name, coder=coder, actors=actors, **seen)

    def shares(self, other: LearnedDyad) -> bool:
        """Whether another record is of the same two actors and of some of the same time."""
        ours, theirs = ({ISO_OF_CODERS.get(code, code) for code in dyad.actors} for dyad in (self, other))
        return ours == theirs and other.first <= self.until and other.until >= self.first


class LearningData(Record):
    """What the coefficients were learned from, and how."""

    dyads: tuple[LearnedDyad, ...] = Field(min_length=1)
    targets: tuple[LearnedKind, ...] = Field(min_length=1)
    rows: int = Field(description="intervals after origins that were fitted")
    source: str = Field(description="origin and terms of the events, in words")
    command: str
    version: str

    @property
    def coders(self) -> tuple[str, ...]:
        """Names of the coders, in the order of their coefficients."""
        return tuple(dict.fromkeys(dyad.coder for dyad in self.dyads))


_SHIPPED = "pooled_hazard.json"
TRUSTED_CASES = 2.0
"""Past cases of a target from which on the departure from its own rate counts by more than half."""
_MOST_EFFECT, _MOST_VARIANCE = 50.0, 1e4
"""Bounds on coefficients of standardised features; beyond, a hazard is no number."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Vector = tuple[Finite, ...]


class CoderEffects(Record):
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
        if {*map(len, by_feature)} != {n} or {*map(len, by_effect)} != {2 * (n + 1)}:
            raise ValueError("its arrays differ in length from its features")
        if min(self.scale) <= 0 or any(np.greater(self.lowest, self.highest)):
            raise ValueError(
                "a scale of a feature is not above 0, or its lowest value lies above its highest"
            )
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


FADING_DAYS = 30.0
"""Days after a grave act in which what it says of a first time falls to 37%."""


class FirstTimes(Record):
    """Log daily hazard of a target that never came, over pairs: its coefficients with their posterior.

    They multiply 1, the log of the years of record and exp(−d / ``FADING_DAYS``), d days after a grave act.
    ``spread`` is the standard deviation of the first between coders and kinds of target. ``without`` holds
    the mean learned without each dyad, by name.
    """

    mean: Vector
    covariance: tuple[Vector, ...]
    spread: Annotated[float, Field(ge=0, le=_MOST_EFFECT, allow_inf_nan=False)]
    without: Mapping[str, Vector]

    def draws(self, pair: str, n_draws: int, random: np.random.Generator) -> Floats:
        """Draws for an unknown coder and kind, in antithetic pairs, shape (draw, coefficient)."""
        covariance = np.array(self.covariance)
        covariance[0, 0] += self.spread**2
        half = random.standard_normal((n_draws // 2, len(self.mean))) @ np.linalg.cholesky(covariance).T
        return np.asarray(self.without.get(pair, self.mean) + np.concatenate([half, -half]))


class PooledHazard(LearnedRecord):
    """Coefficients of the hazard, a set for each coder; by them it is a member of a forecast.

    ``deviation`` is the standard deviation over dyads of the log hazard beyond what features tell;
    ``kind_spread`` that between kinds of target, added for a kind that was never seen.
    """

    name: ClassVar[str] = "pooled_hazard"
    label: ClassVar[str] = "pooled hazard"
    furthest_days: ClassVar[int] = FURTHEST_DAYS

    schema_: Literal[2] = Field(alias="schema")
    provenance: LearningData
    edges: tuple[int, ...]
    features: tuple[str, ...]
    coders: tuple[CoderEffects, ...] = Field(min_length=1)
    deviation: Annotated[float, Field(gt=0, le=_MOST_EFFECT, allow_inf_nan=False)]
    kind_spread: Annotated[float, Field(ge=0, le=_MOST_EFFECT, allow_inf_nan=False)]
    first_times: FirstTimes | None = Field(default=None, description="None: the anchor alone tells of them")

    @model_validator(mode="after")
    def _of_this_version(self) -> PooledHazard:
        if self.edges != tuple(EDGES.tolist()) or self.features != NAMES:
            raise ValueError("its intervals or features are those of another version")
        if self.provenance.coders != tuple(coder.coder for coder in self.coders):
            raise ValueError("its coders are not those of its provenance")
        return self

    def by_day(
        self, events: EventTable, targets: Sequence[TargetRule], origin: date, start: date, horizon_days: int
    ) -> dict[str, Floats]:
        """Draws of P(target before day t), t = 0 … ``horizon_days``.

        Returns, by target, ``N_DRAWS`` draws of equal weight, shape (draw, day). None falls over days; a
        target that includes another is at least as likely in every draw. Their mean is that of
        ``at_origins``. Raises ``InputError``: a horizon beyond ``FURTHEST_DAYS``.

        Notes
        -----
        Each draw has a rate of its own: its hazard is G·c, G ~ Gamma(a, a) of mean 1, c = a·(exp(Λ/a) − 1),
        so that E exp(−G·c) = exp(−Λ). For the anchor alone, Λ(h) = a·log(1 + h/b), this is the rate's
        posterior. The dyad's deviation u is a part of what is not known of its rate and must not count twice:
        trigamma(a) = ``log_rate_variance`` − spread², the former averaged over horizons; no G where nothing
        is left.

        G takes the middles of equally likely strata, in antithetic pairs for each draw of the coefficients,
        the same for all targets; a factor near 1 by day then keeps the mean exactly. A target that includes
        others is raised to them draw by draw, before its mean is kept. Where it hardly exceeds several others
        of unlike uncertainty, all targets take the average variance, and means are kept to 1e-4.
        """
        refuse_far(horizon_days)
        drawn, spread = _cumulative_draws(self, events, targets, np.array([origin], "datetime64[D]"), start)
        days = np.arange(1, horizon_days + 1)
        expected = {name: _at_days(ends[:, 0], days) for name, ends in drawn.items()}
        variance = {}
        for target in targets:
            past = baselines.past_events(events, target, origin, start)
            known = baselines.log_rate_variance(replace(past, day=past.known_day), EDGES[1:]).mean()
            variance[target.name] = float(known - spread[target.name][0] ** 2)
        stratum = np.random.default_rng((0, 1)).permutation(_N_EFFECTS) + 0.5
        rank = np.concatenate([stratum, N_DRAWS - stratum])[:, None] / N_DRAWS
        rated = _with_own_rates(expected, targets, variance, rank)
        gaps = (hit_chance(rated[name]) - hit_chance(expected[name]) for name in rated)
        if any(np.any(np.abs(gap) > _MEAN_KEPT) for gap in gaps):
            average = float(np.mean(list(variance.values())))
            rated = _with_own_rates(expected, targets, dict.fromkeys(variance, average), rank)
        return {target.name: np.pad(-np.expm1(-rated[target.name]), ((0, 0), (1, 0))) for target in targets}

    def at_origins(
        self,
        events: EventTable,
        targets: Sequence[TargetRule],
        origins: baselines.Days,
        start: date,
        horizons: baselines.Horizons,
    ) -> dict[str, Floats]:
        """Forecast targets at several origins, each from what was known before it.

        Returns, by target, P(target within the horizon), shape (origin, horizon), mean over draws; of a
        target that never happened it is the gamma–Poisson rate's, raised after a grave act. A dyad that the
        coefficients were learned on is forecast by those learned without it. Raises ``InputError``: a horizon
        beyond ``FURTHEST_DAYS``, or coefficients that know what came after an origin.
        """
        refuse_far(int(np.max(horizons)))
        drawn, _ = _cumulative_draws(self, events, targets, origins, start)
        return {name: hit_chance(_at_days(ends, horizons)) for name, ends in drawn.items()}

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
    return PooledHazard.model_validate_json((files("forecast") / _SHIPPED).read_bytes())


def read_hazard(path: Path) -> PooledHazard:
    """Read coefficients from a file that ``tools/learn/pooled_hazard.py`` wrote.

    Raises ``ConfigError``: no such file, no JSON, or no coefficients of this version; with the file.
    """
    try:
        return PooledHazard.model_validate_json(read_json(path))
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    except ValidationError as error:
        first = error.errors()[0]
        fault = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
    raise ConfigError(f"{path}: {fault}. Make one with tools/learn/pooled_hazard.py")


# Features

Flags = NDArray[np.bool_]

INTERVAL_DAYS: Floats = np.diff(EDGES).astype(np.float64)
_LOG_TIME: Floats = np.log(np.sqrt(np.maximum(EDGES[:-1], 5) * EDGES[1:]) / 90)
_MONTH, _YEAR = 30.0, 365.0
"""Half-lives of decayed counts, and days of a year."""
_USUAL_DAYS = 1500.0
"""Half-life of the usual rate of all acts, which drifts with the coding."""
_PRIOR_ACTS = 1.0
"""Acts at the dyad's long-run rate that every recent rate starts from."""
_HALF = 0.5
"""Added to a count of the whole record, so that a silent one has a rate."""
_LEAST_SHARE = 0.02
"""Least hazard of an interval, as a share of the hazard up to its end: the gamma–Poisson rate weighs its
half-lives anew at every horizon, and its probability may stand still from one to the next."""
_MILITARY = frozenset({"military_incident", "military_posture"})


@dataclass(frozen=True)
class OriginFeatures:
    """What is known of a target at origins.

    ``anchor`` is the log daily hazard of the gamma–Poisson rate, shape (origin, interval); ``values`` has
    shape (origin, interval, feature), in the order of ``NAMES``. ``log_pace`` is the log of all acts a year
    (at least one year), ``seen`` the days with the target, shape (origin,); ``military`` is the share of
    military categories among those of the target.
    """

    anchor: Floats
    values: Floats
    log_pace: Floats
    seen: Floats
    military: float


def origin_features(past: baselines.PastEvents, days: Integers, target: TargetRule) -> OriginFeatures:
    """Compute anchor and features at origins; each sees what was known before it.

    ``days`` are the origins, from 1 to ``past.n_days``, ascending; ``target`` is that of ``past``.
    """
    # Acts count from the day on which they became known, so that one record serves all origins.
    as_known = replace(past, origin_days=days, day=past.known_day)
    anchor = _log_hazard(baselines.discounted_rate(as_known, EDGES[1:]))
    climatology = _log_hazard(baselines.share_of_windows(as_known, EDGES[1:]))
    known = np.bincount(past.known_day[past.is_target], minlength=past.n_days) > 0
    so_far = np.concatenate([[0], np.cumsum(known)])
    long_run = (so_far[days] + _HALF) / (days + past.days_before)
    begins = np.maximum(days[:, None] - EDGES[1:], 0)
    columns = {
        "climatology": climatology - anchor,
        "long_run": np.log(long_run)[:, None] - anchor,
        "last_window": (so_far[days][:, None] > so_far[begins]).astype(np.float64),
        "log_time": np.broadcast_to(_LOG_TIME, anchor.shape),
        "log_time_squared": np.broadcast_to(_LOG_TIME**2, anchor.shape),
        "sanctions": np.full(anchor.shape, float("sanction" in target.any_of)),
    }
    acts = np.searchsorted(np.sort(past.known_day), days)
    at_origin = _recent(past, days) | _silence(
        known, so_far, days, long_run, past.days_before, target.seen_then
    )
    columns |= {name: np.broadcast_to(values[:, None], anchor.shape) for name, values in at_origin.items()}
    for name in ("target_30", "conflict_30", "since_last", "years_with"):
        columns[f"{name}_by_time"] = at_origin[name][:, None] * _LOG_TIME
    return OriginFeatures(
        anchor,
        np.stack([columns[name] for name in NAMES], axis=-1),
        np.log((acts + _HALF) / np.maximum(days / _YEAR, 1.0)),
        so_far[days].astype(np.float64),
        len(_MILITARY.intersection(target.any_of)) / len(target.any_of),
    )


def _log_hazard(probability: Floats) -> Floats:
    cumulative = np.maximum.accumulate(-np.log1p(-np.clip(probability, 1e-7, 1 - 1e-6)), axis=1)
    least = _LEAST_SHARE * cumulative * INTERVAL_DAYS / EDGES[1:]
    increments = np.diff(cumulative, axis=1, prepend=0.0)
    return np.asarray(np.log(np.maximum(increments, least) / INTERVAL_DAYS))


def _recent(past: baselines.PastEvents, days: Integers) -> dict[str, Floats]:
    """Log ratios of recent rates to the dyad's own long-run rates, shape (origin,) each."""
    conflict = np.isin(past.category, CONFLICTUAL) & ~past.is_target
    cooperation = np.isin(past.category, COOPERATIVE)
    every = np.ones(len(past.day), dtype=np.bool_)
    target = past.first_of_day()

    def ratio(chosen: Flags, half_life: float, usual: float = np.inf) -> Floats:
        recent = past.decayed_count(chosen, half_life)[days]
        rate = (past.decayed_count(chosen, usual)[days] + _HALF) / _observed(days, usual)
        expected = rate * _observed(days, half_life)
        return np.asarray(np.log((recent + _PRIOR_ACTS) / (expected + _PRIOR_ACTS)))

    return {
        "target_30": ratio(target, _MONTH),
        "target_365": ratio(target, _YEAR),
        "conflict_30": ratio(conflict, _MONTH),
        "conflict_365": ratio(conflict, _YEAR),
        "cooperation_30": ratio(cooperation, _MONTH),
        "all_acts_30": ratio(every, _MONTH, _USUAL_DAYS),
    }


def _observed(days: Integers, half_life: float) -> Floats:
    """Days before each origin, discounted by age."""
    if np.isinf(half_life):
        return days.astype(np.float64)
    return np.asarray((1 - 2.0 ** (-days / half_life)) / (1 - 2.0 ** (-1 / half_life)))


def first_time_terms(events: EventTable, target: TargetRule, days: Integers, start: date) -> Floats:
    """Terms of ``FirstTimes`` at origins, by interval, shape (origin, interval, term), each from its past.

    ``days`` are the origins, in days from ``start``. Grave acts are those of conflict that are not the
    target, of the gravest severity below its own that is known by then or graver; NaN without one.
    """
    conflict = np.isin(events.category, CONFLICTUAL) & ~target.mask(events)
    known = ((events.known_date - baselines.as_day(start)) // baselines.DAY).astype(np.int64)
    last = np.full(len(days), np.nan)
    for severity in range(1, target.min_severity):
        seen = days > known[conflict & (events.severity == severity)].min(initial=np.iinfo(np.int64).max)
        grave = np.unique(known[conflict & (events.severity >= severity)])
        last[seen] = grave[np.searchsorted(grave, days[seen]) - 1]
    middle = (EDGES[:-1] + EDGES[1:]) / 2
    near = np.exp(-((days - 1 - last)[:, None] + middle) / FADING_DAYS)
    years = np.broadcast_to(np.log((days + target.days_before(start)) / _YEAR)[:, None], near.shape)
    return np.stack([np.ones_like(near), years, near], axis=-1)


def _raised(log_hazard: Floats, terms: Floats, effects: Floats) -> Floats:
    """Raise the log hazard of first times, (draw, origin, interval), the nearer the grave act the more."""
    above = np.maximum(np.moveaxis(terms @ effects.T, -1, 0) - log_hazard, 0.0)
    nearness = terms[..., :1, 2] / np.exp(-(EDGES[0] + EDGES[1]) / 2 / FADING_DAYS)
    return np.asarray(log_hazard + np.nan_to_num(nearness * above))


def _silence(
    known: Flags, so_far: Integers, days: Integers, long_run: Floats, before: int, seen_then: bool
) -> dict[str, Floats]:
    last = np.concatenate([[-1], np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))])[days]
    since = np.where(last >= 0, days - last, days + before + (not seen_then))
    return {
        # In mean gaps between targets; a tenth of one keeps the log finite.
        "since_last": np.log(since * long_run + 0.1),
        "silence": np.log1p(since / _YEAR),
        "years_with": _share_of_years(so_far, days, before),
        "ever": ((last >= 0) | seen_then).astype(np.float64),
    }


def _share_of_years(so_far: Integers, days: Integers, before: int) -> Floats:
    """Share of the years before each origin, counted back from it, that held a target."""
    years = np.arange(1, int(days.max(initial=0)) // int(_YEAR) + 1)
    ends = days[:, None] - (years - 1) * int(_YEAR)
    begins = ends - int(_YEAR)
    hit = (so_far[np.maximum(ends, 0)] > so_far[np.maximum(begins, 0)]) & (begins >= 0)
    return np.asarray((hit.sum(axis=1) + _HALF) / ((days + before) // int(_YEAR) + 1))


# Forecasts


N_DRAWS = 400
"""Draws by day."""
_N_EFFECTS = N_DRAWS // 2
"""Draws of the coefficients and deviations behind a forecast; each meets two rates of the dyad's own."""
SPACING_DAYS = 30
"""Days between the earlier origins that a dyad's deviation, and the coefficients, are learned from."""
FORGET_DAYS = 1500.0
"""Half-life of what earlier origins say of a dyad's deviation."""
INTERVAL_WEIGHT: Floats = np.minimum(SPACING_DAYS / INTERVAL_DAYS, 1.0)
"""Weight of an interval: origins are closer to one another than the longer intervals are long."""
_ENDS: Floats = np.append(EDGES, FURTHEST_DAYS)
"""Edges of all that is answered: the hazard of the last interval goes on after it."""
_LEAST_LOG, _MOST_LOG = -15.0, 3.0
"""Bounds of the log of a daily hazard."""
_LEAST_VARIANCE = 1e-6
"""Variance of a log rate below which there is none to show."""
_MOST_EXPONENT = 30.0
"""Bound of an exponent: beyond it a target is certain."""
_MEAN_KEPT = 1e-4
"""Most that raising a target to what it includes may move its mean chance."""
_SOLVED, _MOST_STEPS, _LEAST_SLOPE = 1e-13, 60, 1e-6
"""Share of a cumulative hazard to which the mean is kept, steps of Newton's method, and its least slope."""


def _with_own_rates(
    expected: Mapping[str, Floats], targets: Sequence[TargetRule], variance: Mapping[str, float], rank: Floats
) -> dict[str, Floats]:
    """Cumulative hazards, shape (draw, day), by target, each with a factor G whose log has this variance."""
    rated: dict[str, Floats] = {}
    # What is included comes before what includes it.
    for target in sorted(targets, key=lambda rule: sum(rule.includes(other) for other in targets)):
        plain = expected[target.name]
        own = _with_own_rate(np.tile(plain, (2, 1)), variance[target.name], rank)
        floor = np.zeros_like(own)
        for other in targets:
            if target.includes(other) and other.name in rated:
                floor = np.maximum(floor, rated[other.name])
        kept = _with_mean(own, floor, _log_mean(plain))
        # Rounding, and a target that must be raised much, may let a draw fall.
        rated[target.name] = np.maximum.accumulate(kept, axis=1)
    return rated


def _with_own_rate(cumulative: Floats, variance: float, rank: Floats) -> Floats:
    """G·a·(exp(Λ/a) − 1) for Λ, shape (draw, day): log G has this variance, G the rank, shape (draw, 1)."""
    if variance <= _LEAST_VARIANCE:
        return cumulative
    shape = _shape_of(variance)
    factor = scipy.special.gammaincinv(shape, rank) / shape
    return np.asarray(factor * shape * np.expm1(np.minimum(cumulative / shape, _MOST_EXPONENT)))


def _shape_of(variance: float) -> float:
    """Shape of the gamma distribution whose log has this variance, by Newton's method on its reciprocal."""
    shape = 0.5 + 1 / variance
    for _ in range(20):
        found = float(scipy.special.polygamma(1, shape))
        shape += found * (1 - found / variance) / float(scipy.special.polygamma(2, shape))
    return shape


def _with_mean(cumulative: Floats, floor: Floats, wanted: Floats) -> Floats:
    """Hazards, shape (draw, day), times a factor by day, raised to a floor, of which the mean is wanted."""
    # Newton's method on logs, kept between the bounds that were found.
    factor, low, high = (np.full_like(wanted, bound) for bound in (1.0, 1e-100, 1e100))
    for _ in range(_MOST_STEPS):
        raised = np.maximum(floor, factor * cumulative)
        mean = _log_mean(raised)
        missing = np.log(wanted / mean)
        solved = np.abs(missing) <= _SOLVED
        if np.all(solved):
            break
        low, high = np.where(missing > 0, factor, low), np.where(missing < 0, factor, high)
        weight = np.exp(raised.min(axis=0) - raised)
        moved = np.where(raised > floor, raised, 0.0)
        slope = (weight * moved).sum(axis=0) / weight.sum(axis=0) / mean
        step = factor * np.exp(np.clip(missing / np.maximum(slope, _LEAST_SLOPE), -1.0, 1.0))
        inside = np.where((step > low) & (step < high), step, np.sqrt(low * high))
        factor = np.where(solved, factor, inside)
    return np.maximum(floor, factor * cumulative)


def _log_mean(cumulative: Floats) -> Floats:
    """Cumulative hazard of the mean chance over draws, −log of the mean of exp(−Λ), over the first axis."""
    hit = -np.expm1(-cumulative).mean(axis=0)
    least = cumulative.min(axis=0)
    near_one = least - np.log(np.exp(least - cumulative).mean(axis=0))
    return np.asarray(np.where(hit < 0.5, -np.log1p(-np.minimum(hit, 0.5)), near_one))


def hit_chance(cumulative_hazard: Floats) -> Floats:
    """Mean over the first axis of 1 − exp(−Λ), near 0 and near 1 with all digits; Λ is not negative."""
    hit = -np.expm1(-cumulative_hazard).mean(axis=0)
    return np.asarray(np.where(hit < 0.5, hit, 1 - np.exp(-cumulative_hazard).mean(axis=0)))


def refuse_far(horizon_days: int) -> None:
    """Raise ``InputError`` for a horizon further ahead than twice what was learned."""
    if horizon_days > FURTHEST_DAYS:
        raise InputError(
            f"{horizon_days} days ahead is more than the pooled hazard can tell: it was learned up to "
            f"{EDGES[-1]} days and answers up to {FURTHEST_DAYS}. Take nearer dates, or model.family: model"
        )


def _cumulative_draws(
    hazard: PooledHazard,
    events: EventTable,
    targets: Sequence[TargetRule],
    origins: baselines.Days,
    start: date,
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """By target: hazards up to each of ``_ENDS``, (draw, origin, end); error of the deviation, (origin,)."""
    means = hazard.mean_for(events, origins[0].item())
    random = np.random.default_rng(0)
    draws = [coder.draws(mean, _N_EFFECTS, random) for coder, mean in zip(hazard.coders, means, strict=True)]
    noise = random.standard_normal((2, _N_EFFECTS // 2))
    noise = np.concatenate([noise, -noise], axis=1)
    days = ((origins - baselines.as_day(start)) // baselines.DAY).astype(np.int64)
    last = start + timedelta(days=int(days.max()))
    first, own_names = None, [dyad.name for dyad in hazard.left_out(events)]
    if hazard.first_times is not None:
        random = np.random.default_rng((0, 2))
        first = hazard.first_times.draws(next(iter(own_names), ""), _N_EFFECTS, random)
    drawn: dict[str, Floats] = {}
    spreads: dict[str, Floats] = {}
    for target in targets:
        past = baselines.past_events(events, target, last, start)
        earlier = np.arange(SPACING_DAYS, past.n_days, SPACING_DAYS)
        before = origin_features(past, earlier, target)
        now = origin_features(past, days, target)
        expected = np.exp(np.clip(before.anchor + _departure(hazard, before, means), _LEAST_LOG, _MOST_LOG))
        came = first_day_after(past.known_day[past.is_target], earlier)
        own, spread = _own_deviation(expected, earlier, days, came, hazard.deviation)
        log_hazard = now.anchor + _departure(hazard, now, draws)
        log_hazard += own[:, None] + spread[:, None] * noise[0][:, None, None]
        if not hazard.knows_kind(target):
            log_hazard += hazard.kind_spread * noise[1][:, None, None]
        elif first is not None and (never := now.seen == 0).any():
            terms = first_time_terms(events, target, days[never], start)
            log_hazard[:, never] = _raised(log_hazard[:, never], terms, first)
        daily = np.exp(np.clip(log_hazard, _LEAST_LOG, _MOST_LOG))
        further = np.concatenate([daily, daily[..., -1:]], axis=-1)
        drawn[target.name] = np.cumsum(further * np.diff(_ENDS), axis=-1)
        spreads[target.name] = spread
    return raised_to_included(drawn, targets), spreads


def _departure(hazard: PooledHazard, features: OriginFeatures, effects: Sequence[Floats]) -> Floats:
    """What coefficients, shape ([draw,] coefficient), add to the anchor, shape ([draw,] origin, interval)."""
    weights = hazard.coder_weights(features.log_pace)
    parts = []
    for coder, weight, effect in zip(hazard.coders, weights, effects, strict=True):
        design = coder.design(features.values, features.military, features.seen[:, None])
        found = design * weight[:, None, None] @ effect.T
        parts.append(np.moveaxis(found, -1, 0) if effect.ndim == 2 else found)
    return np.asarray(sum(parts))


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
    """Posterior mode and standard deviation of a dyad's deviation at each origin, shape (origin,)."""
    # Of hits y where E were expected the mode solves u/deviation² = y − E·exp(u), by Wright's omega function.
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
            solved = scipy.special.wrightomega(np.log(variance * foreseen) + variance * hits)
            mode[place] = variance * hits - solved
            spread[place] = (1 / variance + foreseen * np.exp(mode[place])) ** -0.5
    return mode, spread


def _at_days(cumulative: Floats, days: Integers) -> Floats:
    """Cumulative hazard by day, from that at ``_ENDS`` after the first (last axis)."""
    ends = np.concatenate([np.zeros((*cumulative.shape[:-1], 1)), cumulative], axis=-1)
    interval = np.clip(np.searchsorted(_ENDS, days, side="left") - 1, 0, len(_ENDS) - 2)
    rate = np.diff(ends, axis=-1) / np.diff(_ENDS)
    return np.asarray(ends[..., interval] + rate[..., interval] * (days - _ENDS[interval]))
