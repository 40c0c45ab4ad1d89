"""What is new since an earlier forecast: the rows that came, changed or went, and what each of them moved.

A record is compared with the record of then by what the model reads, so that rows that were merely numbered
anew count as known. Every step is one answer on another record: draws of the run weighted by the ratio of
posteriors, a new fit where they cannot tell, and what members that need no fit say, exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config import Config, lasting_hash
from forecast.errors import RunFolderError
from forecast.events.table import FIELDS, EventTable
from forecast.models.survival import on_all_cores
from forecast.phrases.notices import notice_text
from forecast.records.analysis import MilestoneChange, Moved, PreviousRun, RestReason, RowMoved, RowsMoved
from forecast.records.forecast import MilestoneForecast, TargetForecast
from forecast.runs.files import SavedRun
from forecast.runs.inputs import Inputs, target_rules
from forecast.runs.mixture import Mixture, direct_answers
from forecast.runs.run import Run, horizon_days
from forecast.scenarios.answer import milestone_day
from forecast.sensitivity.drivers import (
    CANDIDATES,
    MOST_REFITS,
    SMALL_RECORD,
    Moves,
    OtherRecord,
    felt_weight,
    fit_to,
    on_other_records,
)
from forecast.targets import TargetRule

MOST_ROWS = 10
"""New rows that are told one by one."""
LEAST_MOVED = 0.0005
"""A twentieth of a point: a row that moves less is told with the others."""
_READ = ("date", "initiator", "recipient", "category", "subcategory", "severity")


class NewRow(NamedTuple):
    """Place of a row in the record of now, and of then; ``None`` where it is not."""

    now: int | None
    then: int | None


def new_rows(now: EventTable, then: EventTable) -> tuple[NewRow, ...]:
    """Return the rows that differ; one that kept its id, and nothing else, was changed."""
    read = [list(zip(*(getattr(one, name).tolist() for name in _READ), strict=True)) for one in (now, then)]
    kept, left = Counter(read[0]) & Counter(read[1]), []
    for rows in read:
        same, places = kept.copy(), []
        for place, row in enumerate(rows):
            if same[row]:
                same[row] -= 1
            else:
                places.append(place)
        left.append(places)
    were = {then.id[place]: place for place in left[1]}
    found = [NewRow(place, were.pop(now.id[place], None)) for place in left[0]]
    return (*found, *(NewRow(None, place) for place in were.values()))


def without(now: EventTable, then: EventTable, rows: Sequence[NewRow]) -> tuple[EventTable, EventTable]:
    """Return the record as it would be had these rows not come, changed or gone; and the rows themselves."""
    gone, back = np.zeros(len(now), dtype=bool), np.zeros(len(then), dtype=bool)
    gone[[row.now for row in rows if row.now is not None]] = True
    back[[row.then for row in rows if row.then is not None]] = True

    def joined(mask: NDArray[np.bool_]) -> EventTable:
        columns = {
            name: np.concatenate([getattr(now, name)[mask], getattr(then, name)[back]]) for name in FIELDS
        }
        # Ids of then may be those of other rows now.
        columns["id"][mask.sum() :] = [f"{name} then" for name in then.id[back]]
        return EventTable.sort_rows(columns, now.source, has_verified=now.has_verified)

    return joined(~gone), joined(gone)


def measure_news(inputs: Inputs, then: EventTable, run: Run | None = None) -> RowsMoved:
    """Measure what the rows that are new since the record of ``then`` moved the headline.

    Of a ``run`` by its draws, without one by the members that need no fit.
    """
    now, asked = inputs.events, inputs.config.headline
    rows = new_rows(now, then)
    if not rows:
        return RowsMoved()
    (rule,) = (one for one in inputs.rules if one.name == asked.target)
    measure = on_other_records(run, rule.name, asked.milestone) if run else _directly(inputs, rule.name)
    refits = MOST_REFITS if run and run.forecast.converged and len(now) <= SMALL_RECORD else 0

    def anew(record: EventTable) -> Moves:
        return fit_to(run, record, rule.name, milestone_day(run, asked.milestone)) if run else Moves(None, 0)

    record, differing = without(now, then, rows)
    whole = measure(record, differing)
    if whole.change is None:
        whole = anew(record)
    moved, cases = [], _cases(inputs, then, rows, rule)
    alone = on_all_cores(lambda case: measure(*without(now, then, case)), cases)
    each = [whole] if len(cases) == 1 else list(alone)
    for case, one in zip(cases, each, strict=True):
        if one.change is None and refits:
            one, refits = anew(without(now, then, case)[0]), refits - 1
        if one.change is not None and abs(one.change) >= LEAST_MOVED:
            moved.append(_told(now, then, case, one.change, one.mcse))
    moved.sort(key=lambda row: -abs(row.change))
    return RowsMoved(
        added=sum(row.then is None for row in rows),
        removed=sum(row.now is None for row in rows),
        changed=sum(None not in row for row in rows),
        rows=tuple(moved[:MOST_ROWS]),
        change=whole.change,
    )


def _directly(inputs: Inputs, target: str) -> OtherRecord:
    """Tell a chance by the members that need no fit from that on other records."""
    day = (inputs.config.milestone(inputs.config.headline.milestone).date - inputs.data.grid.origin).days

    def chance(record: EventTable) -> float | None:
        direct = direct_answers(inputs, record, horizon_days(inputs.config))
        return Mixture(inputs, direct, None).probability(target, day) if direct.of(target) else None

    known = chance(inputs.events)

    def measure(record: EventTable, rows: EventTable) -> Moves:
        other = chance(record)
        return Moves(None if known is None or other is None else known - other, 0.0)

    return measure


def _cases(
    inputs: Inputs, then: EventTable, rows: Sequence[NewRow], rule: TargetRule
) -> list[tuple[NewRow, ...]]:
    """New rows worth measuring; those added on one day that meet the target are one case, gravest first."""
    now, origin = inputs.events, inputs.data.grid.origin
    met, felt, felt_then = rule.mask(now), felt_weight(now, origin), felt_weight(then, origin)
    days: dict[object, list[NewRow]] = {}
    for row in rows:
        one_case = row.now is not None and row.then is None and met[row.now]
        days.setdefault(now.date[row.now] if one_case else row, []).append(row)

    def weight(row: NewRow) -> float:
        if row.now is None:
            return float(felt_then[row.then])
        return float(felt[row.now]) + 10.0 * bool(met[row.now])

    cases = [
        tuple(sorted(case, key=lambda row: -int(now.severity[row.now]) if row.now is not None else 0))
        for case in days.values()
    ]
    return sorted(cases, key=lambda case: -max(map(weight, case)))[:CANDIDATES]


def _told(now: EventTable, then: EventTable, case: Sequence[NewRow], change: float, error: float) -> RowMoved:
    first = case[0]
    table, place = (now, first.now) if first.now is not None else (then, first.then)
    (event,) = table.select(np.arange(len(table)) == place).rows()
    kept = {"date", "category", "severity", "initiator", "recipient", "summary"}
    return RowMoved(
        kind="removed" if first.now is None else "added" if first.then is None else "changed",
        event_id=event.id,
        also=len(case) - 1,
        change=change,
        mcse=error,
        **{name: getattr(event, name) for name in kept},
    )


# The earlier run


def earlier_answers(earlier: SavedRun, config: Config) -> tuple[MilestoneChange, ...]:
    """Return what an earlier run said of the questions that a config asks.

    ``RunFolderError``: it is about another pair, is not earlier, did not converge, had too little record, or
    has no question in common.
    """
    known, names = earlier.forecast, config.dyad.names
    if (known.dyad.a, known.dyad.b) != names:
        pairs = (f"{known.dyad.a} and {known.dyad.b}", f"{names[0]} and {names[1]}")
        fault = f"is about {pairs[0]}, this run about {pairs[1]}. Give a run of the same pair"
    elif known.as_of > config.as_of:
        fault = f"is as of {known.as_of}, which is after {config.as_of}. Give an earlier run"
    elif not known.converged:
        fault = "did not converge, so its numbers must not be used. Give another run"
    elif known.too_little:
        fault = f"is no forecast. {notice_text(known.too_little)} Give another run"
    else:
        rules = {_rule(rule) for rule in target_rules(config)}
        asked = {(milestone.name, milestone.date) for milestone in config.milestones}
        found = tuple(
            MilestoneChange(
                target=target.name,
                milestone=one.name,
                **{name: getattr(one, name) for name in ("date", "probability", "mcse", "interval90")},
            )
            for target in known.targets
            for one in target.milestones
            if _rule(target) in rules and (one.name, one.date) in asked
        )
        if found:
            return found
        fault = (
            "asks none of this run's questions (same target, same definition, same milestone and day). Give "
            "another run"
        )
    raise RunFolderError(f"{earlier.folder}: {fault}.")


def _rule(target: TargetForecast | TargetRule) -> tuple[object, ...]:
    """What makes a target the same in two runs."""
    return target.name, tuple(target.any_of), target.min_severity, tuple(target.by)


def news_since(run: Run, earlier: SavedRun) -> PreviousRun:
    """Return what an earlier run said of the questions of a run, and why the headline is another now.

    ``RunFolderError``: see ``earlier_answers``.
    """
    made, config, then = run.forecast, run.inputs.config, earlier.forecast
    if then.run_id == made.run_id:
        raise RunFolderError(f"{earlier.folder}: holds this same run. Give an earlier run.")
    answers, moved = earlier_answers(earlier, config), None
    asked = (config.headline.target, config.headline.milestone)
    before = {(one.target, one.milestone): one for one in answers}.get(asked)
    if before and made.converged and not made.too_little:
        record, now = earlier.events, made.headline_milestone
        moved = moved_since(
            now,
            before,
            then.as_of,
            measure_news(run.inputs, record.select(run.inputs.dyad.mask(record)), run),
            days=then.as_of < made.as_of,
            settings=lasting_hash(earlier.config) != lasting_hash(config),
            program=then.versions.get("forecast") != made.versions.get("forecast"),
        )
    return PreviousRun(
        schema=2,
        run_id=then.run_id,
        as_of=then.as_of,
        code_version=then.versions.get("forecast", ""),
        changes=answers,
        moved=moved,
    )


def moved_since(
    now: MilestoneForecast,
    before: MilestoneForecast | MilestoneChange,
    since: date,
    news: RowsMoved,
    *,
    days: bool,
    settings: bool,
    program: bool,
) -> Moved:
    """Split the change of a probability since an earlier forecast; ``reasons``: what the rest is due to."""
    reasons: tuple[tuple[RestReason, bool], ...]
    reasons = (("days", days), ("settings", settings), ("program", program))
    return Moved(
        since=since,
        before=before.probability,
        change=now.probability - before.probability,
        error=float(np.hypot(now.mcse, before.mcse)),
        news=news,
        reasons=tuple(reason for reason, holds in reasons if holds),
    )
