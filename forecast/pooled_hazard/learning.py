"""Learn the coefficients of the pooled hazard from the records of many dyads.

Rows are dyad × kind of target × origin × interval of the future: the days at risk there, and whether the
first target after the origin fell into it. The likelihood is that of a piecewise exponential survival model
(a Poisson regression with days at risk as exposure: Holford 1980, doi:10.2307/2529982), with a ridge penalty
on standardised features. Windows of successive origins overlap and dyads differ, so that rows are no
independent evidence: the posterior has the sandwich covariance with dyads as clusters (Huber 1967; Liang and
Zeger 1986, doi:10.1093/biomet/73.1.13), to which the penalty adds its own precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.baselines.windows import find_record_start, past_events
from forecast.errors import InputError
from forecast.events.codebook import CONFLICTUAL
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.coefficients import (
    LearnedDyad,
    LearnedTarget,
    PooledHazard,
    Provenance,
)
from forecast.pooled_hazard.features import EDGES, NAMES, origin_features
from forecast.pooled_hazard.hazard import INTERVAL_WEIGHT, SPACING_DAYS, first_day_after, follow_up

Floats = NDArray[np.float64]

TARGETS = (
    TargetRule("force", ("military_incident",), 5),
    TargetRule("military", ("military_incident", "military_posture"), 3),
    TargetRule("conflict", CONFLICTUAL, 3),
    TargetRule("sanctions", ("sanction",), 3),
    TargetRule("closures", ("channel_closure",), 3),
    TargetRule("quarrels", ("dispute", "sanction", "channel_closure"), 2),
)
"""Kinds of target that coefficients are learned on, together."""
FIRST_ORIGIN_DAYS = 360
"""Days of a record before its first origin."""
RIDGE = 100.0
"""Precision of the normal prior of each standardised coefficient, in weighted hits."""
DEVIATION = 0.1
"""Standard deviation between dyads of the log hazard beyond what features tell; ``docs/validation.md``."""
QUIET_ORIGINS = 10
"""Origins of records without a target from which its chance there is told."""
LEAST_DYADS = 3
"""Dyads from which differences between them can be told."""
_MOST_ROUNDS = 60
_SETTLED = 1e-8


@dataclass(frozen=True)
class Rows:
    """Rows of one dyad: features (row, feature), hits, days at risk, weights and target, each (row,)."""

    features: Floats
    hit: Floats
    at_risk: Floats
    weight: Floats
    target: NDArray[np.int64]


def dyad_rows(events: EventTable, targets: Sequence[TargetRule] = TARGETS) -> Rows | None:
    """Rows of one record, of all targets; ``None`` where it is too short for an origin.

    Origins are 30 days apart; what comes after the last event is not known.
    """
    end = events.date.max().item() + timedelta(days=1)
    start = find_record_start(events, end)
    parts = []
    for place, target in enumerate(targets):
        past = past_events(events, target, end, start)
        origins = np.arange(FIRST_ORIGIN_DAYS, past.n_days - 1, SPACING_DAYS)
        if not len(origins):
            return None
        features = origin_features(past, origins, target)
        hit, at_risk = follow_up(first_day_after(past.day[past.is_target], origins), past.n_days - origins)
        used = at_risk > 0
        weight = np.broadcast_to(INTERVAL_WEIGHT, used.shape)[used]
        columns = hit[used].astype(np.float64), at_risk[used], weight
        parts.append((features[used], *columns, np.full(len(weight), place)))
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def learn_hazard(
    dyads: Mapping[str, EventTable],
    *,
    targets: Sequence[TargetRule] = TARGETS,
    source: str = "not stated",
    command: str = "forecast panel learn",
    listen: Callable[[int, int], None] | None = None,
) -> PooledHazard:
    """Learn coefficients from all dyads, and once without each.

    With fewer than three dyads nothing is learned without one of them, and the covariance is that of the
    rows: it knows no difference between dyads. ``listen`` is told how many fits are done and planned.

    Raises
    ------
    InputError
        No dyad has a record of more than a year.
    """
    from forecast import __version__

    found = {name: dyad_rows(events, targets) for name, events in dyads.items()}
    rows = {name: one for name, one in found.items() if one is not None}
    if not rows:
        raise InputError(
            f"a pooled hazard needs dyads with more than {FIRST_ORIGIN_DAYS} days of record; none of the "
            f"{len(dyads)} in the folder has that"
        )
    if not any(one.hit.any() for one in rows.values()):
        raise InputError(
            "no target of any kind happened in these records: nothing can be learned. Targets are "
            "acts of conflict of severity 2 or more"
        )
    everything = np.concatenate([one.features for one in rows.values()])
    weight = np.concatenate([one.weight for one in rows.values()])
    centre = np.average(everything, axis=0, weights=weight)
    scale = np.sqrt(np.average((everything - centre) ** 2, axis=0, weights=weight))
    scale[scale < 1e-9] = 1.0
    scaled = {name: _scaled(one, centre, scale) for name, one in rows.items()}
    mean, hessian = fit_poisson(tuple(scaled.values()))
    records = {name: LearnedDyad.of(name, dyads[name]) for name in rows}
    without = {}
    for done, name in enumerate(rows if len(rows) >= LEAST_DYADS else (), start=1):
        # A second file of the same two actors and days would tell what the first one holds.
        others = [scaled[other] for other, record in records.items() if not record.shares(records[name])]
        if others:
            without[name], _ = fit_poisson(others, mean)
        if listen:
            listen(done, len(rows))
    return PooledHazard(
        schema=1,
        provenance=Provenance(
            dyads=tuple(records.values()),
            targets=tuple(
                LearnedTarget(
                    any_of=one.any_of,
                    min_severity=one.min_severity,
                    quiet_days=_quiet_days(tuple(rows.values()), place),
                )
                for place, one in enumerate(targets)
            ),
            rows=len(everything),
            source=source,
            command=command,
            version=__version__,
        ),
        edges=tuple(EDGES.tolist()),
        features=NAMES,
        centre=_kept(centre),
        scale=_kept(scale),
        lowest=_kept(everything.min(axis=0)),
        highest=_kept(everything.max(axis=0)),
        mean=_kept(mean),
        covariance=tuple(_kept(row) for row in _sandwich(tuple(scaled.values()), mean, hessian)),
        without={name: _kept(one) for name, one in without.items()},
        deviation=DEVIATION,
        kind_spread=_kind_spread(tuple(scaled.values()), mean, len(targets)),
    )


def fit_poisson(rows: Sequence[Rows], begin: Floats | None = None) -> tuple[Floats, Floats]:
    """Maximise the penalised likelihood; the features of the rows hold an intercept first.

    Returns
    -------
    coefficients : ndarray, shape (coefficient,)
    hessian : ndarray, shape (coefficient, coefficient)
        Of the negative penalised log likelihood, there.
    """
    n = rows[0].features.shape[1]
    penalty = np.append(1e-6, np.full(n - 1, RIDGE))
    hits = sum(float(one.weight @ one.hit) for one in rows)
    exposure = sum(float(one.weight @ one.at_risk) for one in rows)
    found = np.zeros(n) if begin is None else begin.copy()
    if begin is None:
        found[0] = np.log(max(hits, 0.5) / exposure)
    for _ in range(_MOST_ROUNDS):
        gradient, hessian = -penalty * found, np.diag(penalty)
        for one in rows:
            expected = _expected(one, found)
            gradient += one.features.T @ (one.weight * (one.hit - expected))
            rooted = one.features * np.sqrt(one.weight * expected)[:, None]
            hessian += rooted.T @ rooted
        step = np.linalg.solve(hessian, gradient)
        # A long step of the first rounds could overflow the exponential.
        found = found + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < _SETTLED:
            return found, hessian
    raise InputError(
        f"the coefficients did not settle in {_MOST_ROUNDS} rounds: the records hold too few targets. Give "
        "more dyads"
    )


def _expected(rows: Rows, coefficients: Floats) -> Floats:
    return np.asarray(np.exp(np.clip(rows.features @ coefficients, -15.0, 3.0)) * rows.at_risk)


def _scaled(rows: Rows, centre: Floats, scale: Floats) -> Rows:
    features = np.column_stack([np.ones(len(rows.hit)), (rows.features - centre) / scale])
    return Rows(features, rows.hit, rows.at_risk, rows.weight, rows.target)


def _sandwich(rows: Sequence[Rows], coefficients: Floats, hessian: Floats) -> Floats:
    inverse = np.linalg.inv(hessian)
    if len(rows) < LEAST_DYADS:
        return np.asarray(inverse)
    residuals = (one.weight * (one.hit - _expected(one, coefficients)) for one in rows)
    scores = np.array([one.features.T @ residual for one, residual in zip(rows, residuals, strict=True)])
    between = scores.T @ scores * len(rows) / (len(rows) - 1)
    between += np.diag(np.append(0.0, np.full(len(coefficients) - 1, RIDGE)))
    return np.asarray(inverse @ between @ inverse)


def _kind_spread(rows: Sequence[Rows], coefficients: Floats, n_targets: int) -> float:
    """Standard deviation over kinds of target of the log ratio of hits to expected hits."""
    hits, expected = np.zeros(n_targets), np.zeros(n_targets)
    for one in rows:
        hits += np.bincount(one.target, one.weight * one.hit, n_targets)
        expected += np.bincount(one.target, one.weight * _expected(one, coefficients), n_targets)
    return float(f"{np.std(np.log((hits + 0.5) / (expected + 0.5)), ddof=min(1, n_targets - 1)):.4g}")


def _quiet_days(rows: Sequence[Rows], target: int) -> int:
    """Length of the records without a target that ten origins or more of the panel had; 0 for fewer."""
    ever, age, time = (NAMES.index(name) for name in ("ever", "log_age", "log_time"))
    ages = []
    for one in rows:
        first = one.features[:, time] == one.features[:, time].min()
        ages.append(one.features[(one.target == target) & (one.features[:, ever] == 0) & first, age])
    quiet = np.sort(np.concatenate(ages))
    return round(365 * float(np.exp(quiet[-QUIET_ORIGINS]))) if len(quiet) >= QUIET_ORIGINS else 0


def _kept(values: Floats) -> tuple[float, ...]:
    """Seven digits: the file stays small, and probabilities change by less than their rounding."""
    return tuple(float(f"{value:.7g}") for value in values.tolist())
