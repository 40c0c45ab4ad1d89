"""Learn the coefficients of the pooled hazard from the records of many dyads, coder by coder.

    python -m tools.learn.pooled_hazard panel mid --coder KEDS MID --ends ends.csv --out coefficients.json

A minute or two for a hundred dyads. Rows are dyad × kind of target × origin × interval of the future: the
days at risk there, and whether the first target after the origin fell into it. The likelihood is that of a
piecewise exponential survival model (a Poisson regression with days at risk as exposure: Holford 1980,
doi:10.2307/2529982) whose offset is the log hazard of the dyad's gamma–Poisson rate. A ridge penalty on
standardised features draws the coefficients to 0, where that rate is left as it is, and a stronger one draws
the effects of the kind of target to those that all kinds share. Windows of successive origins overlap and
dyads differ, so that rows are no independent evidence: the posterior has the sandwich covariance with dyads
as clusters (Huber 1967; Liang and Zeger 1986, doi:10.1093/biomet/73.1.13), to which the penalty adds its own
precision.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast import __version__
from forecast.baselines import DAY, as_day, fit_logistic, line_design, past_events
from forecast.crises import crisis_origins
from forecast.errors import ForecastError, InputError, did_you_mean
from forecast.events.codebook import CONFLICTUAL
from forecast.events.reading import write_whole
from forecast.events.table import EventTable
from forecast.pooled_hazard import (
    EDGES,
    INTERVAL_WEIGHT,
    ISO_OF_CODERS,
    NAMES,
    SPACING_DAYS,
    CoderEffects,
    FirstTimes,
    LearnedDyad,
    LearningData,
    PooledHazard,
    first_day_after,
    first_time_terms,
    follow_up,
    origin_features,
)
from forecast.records.analysis import LearnedKind
from forecast.storage import SheetRow, check_rows, read_rows
from forecast.targets import TargetRule
from forecast.wording import count
from tools.bench import find_record_start, read_dyads

Floats = NDArray[np.float64]

TARGETS = (
    TargetRule("force", ("military_incident",), 4),
    TargetRule("military", ("military_incident", "military_posture"), 3),
    TargetRule("war", ("military_incident",), 5),
    TargetRule("conflict", CONFLICTUAL, 3),
    TargetRule("sanctions", ("sanction",), 3),
    TargetRule("closures", ("channel_closure",), 3),
    TargetRule("quarrels", ("dispute", "sanction", "channel_closure"), 2),
)
"""Kinds of target that coefficients are learned on, together. One that marks the same acts of a record as one
before it is not counted twice."""
LEAST_DYADS = 3
"""Dyads of a coder from which differences between them can be told."""
FIRST_ORIGIN_DAYS = 360
"""Days of a record before its first origin."""
RIDGE, KIND_RIDGE = 100.0, 400.0
"""Precision of the normal prior of each standardised coefficient, in weighted hits: of an effect that all
kinds of target share, and of what a kind adds to it."""
INTERCEPT_RIDGE, KIND_INTERCEPT_RIDGE = 1.0, 10.0
"""The same of the intercepts."""
DEVIATION = 0.15
"""Standard deviation between dyads of the log hazard beyond what features tell; ``docs/validation.md``."""
LINE_HORIZONS = np.array([7, 14, 30, 90, 180, 365, 540])
"""Horizons of the pooled line, in days."""
LINE_RIDGE = 1.0
"""Precision of the normal prior of its coefficients, against rows that overlap."""
LEAST_ACTS = 30
"""A kind of target is learned from a coder whose records hold so many acts of it."""
LEAST_DAYS = 180
"""Days of a record before its first origin of first times."""
_LEVEL, _ROUNDS_OF_SPREAD = -7.0, 8
TAIL = 0.002
"""Share of rows beyond each bound of a feature: what lies there counts as not learned."""
_MORE = "more"
COLUMNS = ("file", "observed_until")
_MOST_ROUNDS = 60
_SETTLED, _NEAR = 1e-7, 1e-6


@dataclass(frozen=True)
class Records:
    """Records of one coder by dyad, each with the last day on which it was observed.

    A dyad that ``until`` does not name was observed to its last act.
    """

    coder: str
    dyads: Mapping[str, EventTable]
    until: Mapping[str, date]

    def end(self, name: str) -> date:
        """Last day on which a dyad was observed."""
        last: date = self.dyads[name].date.max().item()
        return self.until.get(name, last)


@dataclass(frozen=True)
class Rows:
    """Rows of one dyad.

    ``features`` (row, feature), in learning (row, coefficient); ``anchor``, ``hit``, ``at_risk``, ``weight``,
    ``military``, ``seen`` and ``target`` (row,); ``log_pace`` (origin, of all targets): acts a year.
    """

    features: Floats
    anchor: Floats
    hit: Floats
    at_risk: Floats
    weight: Floats
    military: Floats
    seen: Floats
    target: NDArray[np.int64]
    log_pace: Floats


def dyad_rows(events: EventTable, until: date, targets: Mapping[int, TargetRule]) -> Rows | None:
    """Rows of one record, of targets by their place; ``None`` where it is too short for an origin.

    Origins are 30 days apart; what comes after ``until`` is not known.
    """
    end = until + timedelta(days=1)
    start = find_record_start(events, end)
    parts, paces, known = [], [], set()
    for place, target in targets.items():
        marked = target.mask(events).tobytes()
        past = past_events(events, target, end, start)
        origins = np.arange(FIRST_ORIGIN_DAYS, past.n_days - 1, SPACING_DAYS)
        if not len(origins):
            return None
        if marked in known and past.is_target.any():
            continue
        known.add(marked)
        features = origin_features(past, origins, target)
        hit, at_risk = follow_up(first_day_after(past.day[past.is_target], origins), past.n_days - origins)
        used = at_risk > 0
        n = int(used.sum())
        weight = np.broadcast_to(INTERVAL_WEIGHT, used.shape)[used]
        seen = np.broadcast_to(features.seen[:, None], used.shape)[used]
        columns = hit[used].astype(np.float64), at_risk[used], weight, np.full(n, features.military), seen
        parts.append((features.values[used], features.anchor[used], *columns, np.full(n, place)))
        paces.append(features.log_pace)
    return Rows(*(np.concatenate(column) for column in (*zip(*parts, strict=True), paces)))


def first_time_rows(
    events: EventTable, until: date, targets: Sequence[TargetRule], groups: Sequence[int], n_groups: int
) -> Rows | None:
    """Rows of one record from before the first time of each target; a column for each coder and kind.

    Origins are 30 days apart, and those of crises. ``groups`` is the column of each target; below 0 it is not
    learned from. ``None`` where no row is.
    """
    end = until + timedelta(days=1)
    start = find_record_start(events, end)
    parts = []
    for target, group in zip(targets, groups, strict=True):
        past = past_events(events, target, end, start)
        first = int(past.day[past.is_target].min(initial=past.n_days))
        crises = ((crisis_origins(events, target) - as_day(start)) // DAY).astype(np.int64)
        days = np.union1d(np.arange(LEAST_DAYS, past.n_days, SPACING_DAYS), crises)
        days = days[(days >= LEAST_DAYS) & (days <= first) & (days < past.n_days)]
        if group < 0 or not len(days):
            continue
        terms = first_time_terms(events, target, days, start)
        hit, at_risk = follow_up(first_day_after(past.day[past.is_target], days), past.n_days - days)
        used = (at_risk > 0) & ~np.isnan(terms[..., 2])
        n = int(used.sum())
        weight = np.broadcast_to(INTERVAL_WEIGHT, used.shape)[used]
        design = np.concatenate([terms[used], np.tile(np.eye(n_groups)[group], (n, 1))], axis=1)
        none = np.zeros(n)
        parts.append(
            (design, np.full(n, _LEVEL), hit[used].astype(float), at_risk[used], weight, none, none, none)
        )
    if not parts:
        return None
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)), np.zeros(0))


def learn_first_times(
    records: Sequence[Records],
    more: Sequence[Records] = (),
    targets: Sequence[TargetRule] = TARGETS,
    least_acts: int = LEAST_ACTS,
) -> FirstTimes | None:
    """Learn the hazard of first times over all pairs, a level for each coder and kind around the common one.

    The spread of levels is that of highest likelihood, by expectation and maximisation. Each dyad of
    ``records`` is left out once, none of ``more``. ``None`` where no record is long enough.
    """
    noted: dict[tuple[str, int], int] = {}
    every = (*records, *more)
    for coder in dict.fromkeys(record.coder for record in every):
        tables = [events for record in every if record.coder == coder for events in record.dyads.values()]
        acts = [sum(int(target.mask(events).sum()) for events in tables) for target in targets]
        noted |= {(coder, place): len(noted) for place, n in enumerate(acts) if n >= least_acts}
    rows: dict[str, Rows] = {}
    names: dict[str, str] = {}
    for place, record in enumerate(every):
        groups = [noted.get((record.coder, place), -1) for place in range(len(targets))]
        for name, events in record.dyads.items():
            found = first_time_rows(events, record.end(name), targets, groups, len(noted))
            if found is not None:
                rows[key := f"{place} {name}"] = found
                names |= {key: name} if place < len(records) else {}
    if not rows:
        return None
    spread = 1.0
    for _ in range(_ROUNDS_OF_SPREAD):
        penalty = np.concatenate([[1e-2], np.ones(2), np.full(len(noted), spread**-2)])
        fit = fit_poisson(tuple(rows.values()), penalty)
        variance = np.diag(np.linalg.inv(fit.hessian))
        spread = float(np.sqrt(np.mean(fit.coefficients[3:] ** 2 + variance[3:])))
    level = np.array([_LEVEL, 0.0, 0.0])
    without = {}
    for key, name in names.items() if len(rows) >= LEAST_DYADS else ():
        # One step of Newton's method: a dyad among hundreds moves three coefficients little.
        own, expected = rows[key], _expected(rows[key], fit.coefficients)
        score = own.features.T @ (own.weight * (own.hit - expected))
        step = np.linalg.solve(fit.hessian - _hessian(own, expected), score)
        without[name] = _kept((fit.coefficients - step)[:3] + level)
    return FirstTimes(
        mean=_kept(fit.coefficients[:3] + level),
        covariance=tuple(_kept(row[:3]) for row in _sandwich(tuple(rows.values()), fit, penalty)[:3]),
        spread=float(f"{spread:.4g}"),
        without=without,
    )


def learn_hazard(
    records: Sequence[Records],
    *,
    more: Sequence[Records] = (),
    targets: Sequence[TargetRule] = TARGETS,
    least_acts: int = LEAST_ACTS,
    source: str = "not stated",
    command: str = "tools/learn/pooled_hazard.py",
) -> PooledHazard:
    """Learn coefficients of every coder from all its dyads, and once without each.

    With fewer than three dyads of a coder nothing is learned without one of them, and the covariance is that
    of the rows: it knows no difference between dyads. First times are learned from ``more`` records too.
    ``InputError``: a coder whose dyads all have records of
    a year or less, or without ``least_acts`` of any target.
    """
    rows = {record.coder: _coder_rows(record, targets, least_acts) for record in records}
    effects: list[CoderEffects] = []
    described: list[LearnedDyad] = []
    for record in records:
        told = {
            name: LearnedDyad.of(name, record.dyads[name], coder=record.coder, until=record.end(name))
            for name in rows[record.coder]
        }
        effects.append(_learn_coder(record.coder, rows[record.coder], told))
        described += told.values()
    every = [(coder, row) for coder, own in rows.items() for row in own.values()]
    learned = []
    for place, target in enumerate(targets):
        coders = tuple(dict.fromkeys(coder for coder, row in every if (row.target == place).any()))
        if coders:
            learned.append(LearnedKind(any_of=target.any_of, min_severity=target.min_severity, coders=coders))
    return PooledHazard(
        schema=2,
        provenance=LearningData(
            dyads=tuple(described),
            targets=tuple(learned),
            rows=sum(len(row.hit) for _, row in every),
            source=source,
            command=command,
            version=__version__,
        ),
        edges=tuple(EDGES.tolist()),
        features=NAMES,
        coders=tuple(effects),
        deviation=DEVIATION,
        kind_spread=_kind_spread([row for _, row in every], len(targets)),
        first_times=learn_first_times(records, more, targets, least_acts),
    )


def learn_line(
    records: Sequence[Records], *, targets: Sequence[TargetRule] = TARGETS, least_acts: int = LEAST_ACTS
) -> dict[str, object]:
    """Learn ``pooled_line`` by horizon from all dyads, and once without each, by its pair of actors.

    Rows are dyad × kind of target × origin, of complete windows. A pair is named by the codes of its coder
    and by those of countries.
    """
    designs, outcomes, told = [], [], []
    for record in records:
        noted = noted_targets(record, targets, least_acts)
        for name, events in record.dyads.items():
            if rows := line_rows(events, record.end(name), tuple(noted.values())):
                designs.append(rows[0])
                outcomes.append(rows[1])
                told.append(LearnedDyad.of(name, events, coder=record.coder, until=record.end(name)))

    def fit(used: Sequence[int]) -> list[tuple[float, ...]]:
        lines = []
        for place in range(len(LINE_HORIZONS)):
            y = np.concatenate([outcomes[dyad][:, place] for dyad in used])
            known = ~np.isnan(y)
            design = np.concatenate([designs[dyad][:, place] for dyad in used])[known]
            weight = np.ones(len(design))
            lines.append(_kept(fit_logistic(design, y[known], weight=weight, penalty=np.full(3, LINE_RIDGE))))
        return lines

    without = {}
    for own in told:
        others = [place for place, other in enumerate(told) if not own.shares(other)]
        if not others:
            continue
        line = fit(others)
        for codes in (own.actors, [ISO_OF_CODERS.get(code, code) for code in own.actors]):
            without[" ".join(sorted(codes))] = line
    every = fit(range(len(told)))
    return {"horizons_days": LINE_HORIZONS.tolist(), "line": every, "without": without}


def line_rows(events: EventTable, until: date, targets: Sequence[TargetRule]) -> tuple[Floats, Floats] | None:
    """Terms and outcomes of one record, shapes (row, horizon, 3) and (row, horizon), NaN where not complete.

    ``None`` where it is too short for an origin.
    """
    end = until + timedelta(days=1)
    start = find_record_start(events, end)
    designs, outcomes = [], []
    for target in targets:
        past = past_events(events, target, end, start)
        origins = np.arange(FIRST_ORIGIN_DAYS, past.n_days - 1, SPACING_DAYS)
        if len(origins):
            as_known = replace(past, origin_days=origins, day=past.known_day)
            designs.append(line_design(as_known, LINE_HORIZONS))
            ahead = first_day_after(past.day[past.is_target], origins)[:, None]
            hit = (ahead < LINE_HORIZONS).astype(np.float64)
            outcomes.append(np.where(origins[:, None] + LINE_HORIZONS <= past.n_days, hit, np.nan))
    return (np.concatenate(designs), np.concatenate(outcomes)) if designs else None


def noted_targets(records: Records, targets: Sequence[TargetRule], least_acts: int) -> dict[int, TargetRule]:
    """Targets of which the records hold so many acts, by place (``InputError``: none)."""
    acts = [sum(int(target.mask(events).sum()) for events in records.dyads.values()) for target in targets]
    noted = {place: targets[place] for place, number in enumerate(acts) if number >= max(least_acts, 1)}
    if not noted:
        raise InputError(
            f"{records.coder}: no kind of target has {count(max(least_acts, 1), 'act')} in these records, "
            f"the most is {max(acts)}: nothing can be learned. Targets are acts of conflict of severity 2 "
            "or more; give more dyads, or a lower --least-acts"
        )
    return noted


def _coder_rows(records: Records, targets: Sequence[TargetRule], least_acts: int) -> dict[str, Rows]:
    noted = noted_targets(records, targets, least_acts)
    by_dyad = {name: dyad_rows(record, records.end(name), noted) for name, record in records.dyads.items()}
    rows = {name: row for name, row in by_dyad.items() if row is not None}
    if not rows:
        raise InputError(
            f"{records.coder}: a pooled hazard needs dyads with more than {FIRST_ORIGIN_DAYS} days of "
            f"record; none of the {len(records.dyads)} in the folder has that"
        )
    return rows


def _learn_coder(coder: str, rows: Mapping[str, Rows], told: Mapping[str, LearnedDyad]) -> CoderEffects:
    features = np.concatenate([row.features for row in rows.values()])
    weight = np.concatenate([row.weight for row in rows.values()])
    centre = np.average(features, axis=0, weights=weight)
    scale = np.sqrt(np.average((features - centre) ** 2, axis=0, weights=weight))
    scale[scale < 1e-9] = 1.0
    lowest, highest = np.quantile(features, [TAIL, 1 - TAIL], axis=0)
    pace = np.concatenate([row.log_pace for row in rows.values()])
    military = np.average(np.concatenate([row.military for row in rows.values()]), weights=weight)
    n = 2 * (len(NAMES) + 1)
    effects = CoderEffects(
        coder=coder,
        centre=_kept(centre),
        scale=_kept(scale),
        lowest=_kept(lowest),
        highest=_kept(highest),
        log_pace=(_kept(pace.min(keepdims=True))[0], _kept(pace.max(keepdims=True))[0]),
        military=float(f"{military:.7g}"),
        mean=(0.0,) * n,
        covariance=tuple(_kept(row) for row in np.eye(n)),
        without={},
    )
    designs = {name: with_design(row, effects) for name, row in rows.items()}
    fit = fit_poisson(tuple(designs.values()), _penalty())
    without = {}
    for name in rows if len(rows) >= LEAST_DYADS else ():
        # A second file of the same two actors and days would tell what the first one holds.
        left = {other for other, record in told.items() if record.shares(told[name])}
        if len(left) < len(rows):
            without[name] = _kept(fit_without(designs, left, fit, _penalty()))
    learned = {
        "mean": _kept(fit.coefficients),
        "covariance": tuple(_kept(row) for row in _sandwich(tuple(designs.values()), fit, _penalty())),
        "without": without,
    }
    return CoderEffects(**(effects.model_dump() | learned))


def with_design(rows: Rows, effects: CoderEffects) -> Rows:
    """Return rows whose features are the terms that the coefficients multiply."""
    return replace(rows, features=effects.design(rows.features, rows.military, rows.seen))


def _penalty() -> Floats:
    n = len(NAMES)
    shared = np.append(INTERCEPT_RIDGE, np.full(n, RIDGE))
    return np.concatenate([shared, [KIND_INTERCEPT_RIDGE], np.full(n, KIND_RIDGE)])


class Fit(NamedTuple):
    """Coefficients at the maximum of the penalised likelihood, and the negative Hessian there."""

    coefficients: Floats
    hessian: Floats


def fit_poisson(rows: Sequence[Rows], penalty: Floats, start: Fit | None = None) -> Fit:
    """Maximise the penalised likelihood; the features of the rows are the terms of the coefficients.

    ``penalty``, shape (coefficient,), is the precision of the normal prior around 0. The Hessian at a
    ``start`` serves all steps from there, so that each needs the gradient alone.
    """
    coefficients = np.zeros(len(penalty)) if start is None else start.coefficients
    for _ in range(_MOST_ROUNDS):
        gradient, hessian = -penalty * coefficients, np.diag(penalty) if start is None else start.hessian
        for dyad in rows:
            expected = _expected(dyad, coefficients)
            gradient += dyad.features.T @ (dyad.weight * (dyad.hit - expected))
            if start is None:
                hessian += _hessian(dyad, expected)
        step = np.linalg.solve(hessian, gradient)
        # A long step of the first rounds could overflow the exponential.
        coefficients = coefficients + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < (_SETTLED if start is None else _NEAR):
            return Fit(coefficients, hessian)
    if start is not None:
        return fit_poisson(rows, penalty)
    raise InputError(
        f"the coefficients did not settle in {_MOST_ROUNDS} rounds: the records hold too few targets. Give "
        "more dyads"
    )


def fit_without(rows: Mapping[str, Rows], left: set[str], fit: Fit, penalty: Floats) -> Floats:
    """Coefficients of all rows but those of some dyads, from the fit of all."""
    known = fit.coefficients
    hessian = fit.hessian - sum(_hessian(rows[name], _expected(rows[name], known)) for name in left)
    others = [dyad for name, dyad in rows.items() if name not in left]
    return fit_poisson(others, penalty, Fit(known, hessian)).coefficients


def _hessian(rows: Rows, expected: Floats) -> Floats:
    rooted = rows.features * np.sqrt(rows.weight * expected)[:, None]
    return np.asarray(rooted.T @ rooted)


def _expected(rows: Rows, coefficients: Floats) -> Floats:
    log_hazard = rows.anchor + rows.features @ coefficients
    return np.asarray(np.exp(np.clip(log_hazard, -15.0, 3.0)) * rows.at_risk)


def _sandwich(rows: Sequence[Rows], fit: Fit, penalty: Floats) -> Floats:
    inverse = np.linalg.inv(fit.hessian)
    if len(rows) < LEAST_DYADS:
        return np.asarray(inverse)
    residuals = (row.weight * (row.hit - _expected(row, fit.coefficients)) for row in rows)
    scores = np.array([row.features.T @ residual for row, residual in zip(rows, residuals, strict=True)])
    between = scores.T @ scores * len(rows) / (len(rows) - 1)
    return np.asarray(inverse @ (between + np.diag(penalty)) @ inverse)


def _kind_spread(rows: Sequence[Rows], n_targets: int) -> float:
    """Standard deviation over kinds of target of the log ratio of hits to those that the anchor expects."""
    hits, expected = np.zeros(n_targets), np.zeros(n_targets)
    for row in rows:
        hits += np.bincount(row.target, row.weight * row.hit, n_targets)
        expected += np.bincount(row.target, row.weight * np.exp(row.anchor) * row.at_risk, n_targets)
    ratio = np.log((hits + 0.5) / (expected + 0.5))[expected > 0]
    return float(f"{np.std(ratio, ddof=min(1, len(ratio) - 1)):.4g}")


def _kept(values: Floats) -> tuple[float, ...]:
    """Seven digits: the file stays small, and probabilities change by less than their rounding."""
    return tuple(float(f"{value:.7g}") for value in values.tolist())


def records_of(
    folders: Mapping[str, tuple[Path, Mapping[str, EventTable]]], ends: Path | None = None
) -> list[Records]:
    """Put the events of folders, by coder and dyad, together with their ends.

    ``ends`` is a CSV file with the columns ``file`` (folder and name) and ``observed_until``. ``InputError``:
    it cannot be read, has a bad row, lacks a dyad or ends a record before its last act.
    """
    known = read_ends(ends) if ends else {}
    records = []
    for coder, (folder, dyads) in folders.items():
        until = {}
        for name, events in dyads.items() if ends else ():
            file, last = f"{folder.resolve().name}/{name}.csv", events.date.max().item()
            if file not in known:
                raise InputError(f"{ends}: has no row for {file}.{did_you_mean(file, known)} Add one")
            if known[file] < last:
                said = f"{file} was observed until {known[file]}, but has an act on {last}"
                raise InputError(f"{ends}: {said}. Correct the day")
            until[name] = known[file]
        records.append(Records(coder, dyads, until))
    return records


def read_ends(path: Path) -> dict[str, date]:
    """Read the last observed day of every file (``InputError`` with the line of a bad row)."""
    ends: dict[str, date] = {}

    def read(row: SheetRow) -> None:
        try:
            last = date.fromisoformat(row["observed_until"])
        except ValueError as error:
            raise row.fault("observed_until", "a day as 1999-03-31") from error
        if ends.setdefault(row["file"], last) != last:
            raise row.fault("file", "one row a file. Keep one")

    check_rows(read_rows(path, COLUMNS, help="Give a CSV file of ends"), read)
    return ends


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folders", type=Path, nargs="+", help="coded event files: a coder each, one dyad a file"
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write, for model.hazard in a config")
    parser.add_argument("--line", type=Path, help="file to write the pooled line to, as well")
    parser.add_argument(
        "--ends", type=Path, help="CSV: file, observed_until; else a record ends with its last act"
    )
    parser.add_argument("--coder", nargs="+", help="names of the folders' coders; else the folders' own")
    parser.add_argument(
        "--more", type=Path, nargs="+", default=(), help="folders of one more coder, for first times alone"
    )
    parser.add_argument("--least-acts", type=int, default=LEAST_ACTS, help="of a kind of target, by coder")
    parser.add_argument("--source", default="not stated", help="origin and terms of the events, for the file")
    asked = parser.parse_args(arguments)
    coders = asked.coder or [folder.resolve().name for folder in asked.folders]
    command = ["tools/learn/pooled_hazard.py", *(folder.name for folder in asked.folders)]
    command += ["--out", asked.out.name, *(["--ends", asked.ends.name] if asked.ends else [])]
    command += [*(["--coder", *asked.coder] if asked.coder else []), "--least-acts", str(asked.least_acts)]
    command += ["--more", *(folder.name for folder in asked.more)] if asked.more else []
    try:
        if len({*coders}) != len(asked.folders) or len(coders) != len(asked.folders):
            raise InputError(f"--coder: got {', '.join(coders)}. Give each folder a name of its own")
        read = {coder: (place, read_dyads(place)) for coder, place in zip(coders, asked.folders, strict=True)}
        records, said = records_of(read, asked.ends), shlex.join(command)
        # A key of its own each: folders of one coder may name a dyad twice.
        more = [
            record
            for place in asked.more
            for record in records_of({_MORE: (place, read_dyads(place))}, asked.ends)
        ]
        learned = learn_hazard(
            records, more=more, least_acts=asked.least_acts, source=asked.source, command=said
        )
    except ForecastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if asked.line:
        line = json.dumps(learn_line(records, least_acts=asked.least_acts))
        write_whole(asked.line, (line + "\n").encode())
    write_whole(asked.out, (learned.model_dump_json(by_alias=True) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
