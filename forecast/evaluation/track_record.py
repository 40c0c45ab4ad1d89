"""A backtest → ``TrackRecord``: what a report says of one model's past, and when to act on what it says.

``find_track_record`` reads the backtest that lies beside a run, if it answers the same questions. When acting
pays follows the cost–loss model (Murphy 1977, doi:10.1175/1520-0493(1977)105<0803:TVOCCA>2.0.CO;2;
Richardson 2000, doi:10.1002/qj.49712656313): acting costs C whatever comes, being surprised costs L; acting
pays when the probability is above C / L.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from forecast.baselines import BASELINES, REFERENCE, horizon_lengths, observe_outcomes
from forecast.errors import InputError
from forecast.evaluation.metrics import Estimate, brier_score, log_score
from forecast.evaluation.score_table import (
    SCHEMA,
    ForecastTable,
    Score,
    ScoreTable,
    largest_misses,
    read_forecasts,
    reliability_curve,
    score_forecasts,
)
from forecast.events.table import EventTable
from forecast.records.analysis import FEWEST_EPISODES, BaselineScores, ErrorBound, Miss, TrackRecord, TrackRow
from forecast.records.forecast import Decision
from forecast.records.notices import Notice, notice
from forecast.runs.files import FORECASTS, SCORES
from forecast.runs.mixture import Mixture
from forecast.storage import read_json
from forecast.targets import TargetRule

EPISODE_DAYS = 31


def decision_of(mixture: Mixture) -> Decision | None:
    """Say whether the headline of a forecast is a reason to act; ``None`` where no costs are stated."""
    config, origin = mixture.inputs.config, mixture.inputs.data.grid.origin
    if config.decision is None:
        return None
    act, surprised = config.decision.act, config.decision.surprised
    low, high = act[0] / surprised[1], min(act[1] / surprised[0], 1.0)
    threshold = min(math.sqrt(math.prod(act) / math.prod(surprised)), 1.0)
    target, day = config.headline.target, (config.headline_milestone.date - origin).days
    probability = mixture.probability(target, day)
    return Decision(
        act=act,
        surprised=surprised,
        threshold=threshold,
        threshold_range=(low, high),
        advice="act" if probability >= high else "wait" if probability < low else "depends",
        chance_above=mixture.chance_above(target, day, threshold),
    )


def make_track_record(
    forecasts: ForecastTable,
    table: ScoreTable,
    model: str,
    *,
    cases: Mapping[str, Sequence[date]],
    data_end: date,
    forecasts_sha256: str,
    seed: int,
) -> TrackRecord:
    """Put together what a report shows of one model's backtest (``InputError``: without its forecasts).

    ``forecasts`` are all, baselines included, ``table`` their scores, ``cases`` the days of each target.
    """
    ours = forecasts.select(who=model)
    if not len(ours):
        raise InputError(
            f"the backtest holds no forecast of '{model}' (it holds {', '.join(forecasts.models)}). "
            f"Run it again with `models` {model}"
        )
    cells = [cell for cell in table.cells.values() if cell.group["who"] == model]
    drawn = [name for name in (model, REFERENCE) if name in forecasts.models]
    return TrackRecord(
        schema=5,
        model=model,
        forecasts_sha256=forecasts_sha256,
        n_origins=len(np.unique(ours.origin)),
        first_origin=ours.origin.min().item(),
        last_origin=ours.origin.max().item(),
        data_end=data_end,
        rows=track_rows(table, model, cases),
        reliability=tuple(reliability_curve(forecasts, name, seed=seed) for name in drawn),
        calibration_slope=error_bound_if_defined(table.overall[model,].line[1]),
        largest_misses=tuple(
            Miss(
                origin=ours.origin[row].item(),
                horizon_days=int(ours.horizon_days[row]),
                target=ours.target[row],
                probability=float(ours.chance[row]),
                outcome=1 if ours.outcome[row] else 0,
            )
            for row in largest_misses(ours)
        ),
        warnings=tuple(dict.fromkeys(warning for cell in cells for warning in cell.warnings)),
    )


def count_episodes(origins: Sequence[date], horizon_days: int, cases: Sequence[date]) -> int:
    """Count the cases that windows met first, those within ``EPISODE_DAYS`` of another as one."""
    return count_apart(
        first
        for origin in origins
        for first in [next((day for day in cases if day >= origin), None)]
        if first and (first - origin).days < horizon_days
    )


def count_apart(cases: Iterable[date]) -> int:
    """Count cases, those within ``EPISODE_DAYS`` of another as one."""
    days = sorted(set(cases))
    return sum(not k or (day - days[k - 1]).days > EPISODE_DAYS for k, day in enumerate(days))


def track_rows(table: ScoreTable, model: str, cases: Mapping[str, Sequence[date]]) -> tuple[TrackRow, ...]:
    """Return how a model did on each target and horizon; ``cases`` as in ``make_track_record``."""
    cells = (cell for cell in table.cells.values() if cell.group["who"] == model)
    return tuple(_track_row(table, cell, cases[cell.group["target"]]) for cell in cells)


def cases_of(events: EventTable, rules: Sequence[TargetRule]) -> dict[str, list[date]]:
    """Return the days on which each target happened, in their order."""
    return {rule.name: sorted(set(events.date[rule.mask(events)].tolist())) for rule in rules}


def _track_row(table: ScoreTable, cell: Score, cases: Sequence[date]) -> TrackRow:
    target, days, model = cell.group.values()
    ours, baselines = cell.rows, {}
    for name in BASELINES:
        other = table.cells.get((target, days, name))
        if other and (pair := cell.beside(other)) and len(pair[1]) == len(ours):
            baselines[name] = pair[1]
    if not baselines:
        raise InputError(
            f"no baseline of the backtest forecast the windows of '{model}' on {target}, {days} days. "
            "Run the backtest again"
        )
    scores = {name: brier_score(rows.chance, rows.outcome) for name, rows in baselines.items()}
    own = brier_score(ours.chance, ours.outcome)
    gap = cell.blocks.mean(own - min(scores.values(), key=lambda values: float(values.mean())))
    skill, highest = table.skill(cell), int(np.argmax(ours.chance))
    episodes = count_episodes(ours.origin.tolist(), days, cases)
    logs = {name: log_score(rows.chance, rows.outcome) for name, rows in baselines.items()}
    return TrackRow(
        target=target,
        horizon_days=days,
        n=cell.n,
        n_hits=cell.n_hits,
        episodes=episodes,
        base_rate=cell.base_rate,
        brier=error_bound(cell.brier),
        log=error_bound(cell.log),
        baselines=tuple(
            BaselineScores(name=name, brier=float(scores[name].mean()), log=float(logs[name].mean()))
            for name in baselines
        ),
        gap=error_bound(gap),
        skill=error_bound_if_defined(skill.brier) if skill and cell.n_hits else None,
        claim="none" if skill is None or episodes < FEWEST_EPISODES else skill.claim,
        mean_said=float(ours.chance.mean()),
        highest_said=float(ours.chance[highest]),
        highest_came=bool(ours.outcome[highest]),
        origins=tuple(ours.origin.tolist()),
        happened=tuple((ours.outcome > 0).tolist()),
    )


def error_bound_if_defined(estimate: Estimate) -> ErrorBound | None:
    """Return an estimate as a record, or ``None`` when its value is not defined."""
    return error_bound(estimate) if math.isfinite(estimate.value) else None


def error_bound(estimate: Estimate) -> ErrorBound:
    """Return an estimate as a record; an error that is not defined is ``None``."""
    se, interval = (estimate.se, estimate.interval90) if math.isfinite(estimate.se) else (None, None)
    return ErrorBound(value=estimate.value, se=se, interval90=interval)


def find_track_record(
    folder: Path,
    events: EventTable,
    rules: Sequence[TargetRule],
    as_of: date,
    model: str,
    priors: Mapping[str, Any],
    *,
    seed: int,
) -> TrackRecord | Notice | None:
    """Read the backtest in a folder and check that it is about this run's questions, model and past.

    Targets and stated ``priors`` must be the same, every window must have ended by the as-of date, and
    outcomes must be those of this run's events. ``None`` where there is none; a ``Notice`` says why it cannot
    speak.
    """
    if not ((folder / SCORES).is_file() and (folder / FORECASTS).is_file()):
        return None
    path = folder / FORECASTS
    try:
        forecasts = read_forecasts(path)
        refusal = _other_settings(folder / SCORES, rules, priors) or _mismatch(
            forecasts, events, rules, as_of
        )
        if refusal is None and model not in forecasts.models:
            refusal = notice("untested_model", model=model, tested=forecasts.models)
        if refusal:
            return refusal
        # The other families have no place in the record, and their scores take time.
        kept = forecasts.take(np.flatnonzero(np.isin(forecasts.who.astype(str), (model, *BASELINES))))
        return make_track_record(
            kept,
            score_forecasts(kept, seed=seed),
            model,
            cases=cases_of(events, rules),
            data_end=_last_day(forecasts),
            forecasts_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            seed=seed,
        )
    except InputError as error:
        return notice("unreadable", fault=str(error).replace(str(path), FORECASTS).rstrip("."))


def _last_day(forecasts: ForecastTable) -> date:
    last: date = forecasts.day.max().item() - timedelta(days=1)
    return last


def _other_settings(path: Path, rules: Sequence[TargetRule], priors: Mapping[str, Any]) -> Notice | None:
    """Why the settings of the backtest are not this run's; ``None`` when they are."""
    try:
        content = json.loads(read_json(path))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{SCORES} cannot be read: {error}") from error
    if not isinstance(content, dict) or not {"targets", "priors"} <= set(content):
        return notice("settings_unknown")
    if content.get("schema") != SCHEMA:
        raise InputError(f"{SCORES} is of an earlier version, with other models. Make it anew")
    if content["targets"] != {rule.name: rule.to_dict() for rule in rules}:
        return notice("other_definitions")
    return notice("other_priors") if content["priors"] != priors else None


def _mismatch(
    forecasts: ForecastTable, events: EventTable, rules: Sequence[TargetRule], as_of: date
) -> Notice | None:
    """Why the forecasts are not about this run's questions; ``None`` when they are."""
    names = sorted(rule.name for rule in rules)
    if sorted(forecasts.targets) != names:
        return notice("other_targets", tested=forecasts.targets, asked=tuple(names))
    if _last_day(forecasts) > as_of:
        return notice("later_windows", last_day=_last_day(forecasts), as_of=as_of)
    for rule in rules:
        rows = forecasts.select(target=rule.name)
        origins, row = np.unique(rows.origin, return_inverse=True)
        horizons = horizon_lengths(rows.horizons)
        outcomes = observe_outcomes(events, rule, origins, horizons, as_of)
        expected = outcomes.outcome[row, np.searchsorted(horizons, rows.horizon_days)]
        if not np.array_equal(expected, rows.outcome):
            return notice("other_outcomes", target=rule.name)
    return None
