"""A backtest that lies beside a run → the run's ``TrackRecord``, if it answers the same questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from forecast.errors import InputError
from forecast.evaluation.baselines import BASELINES
from forecast.evaluation.forecast_table import ForecastTable, read_forecasts
from forecast.evaluation.score_table import score_forecasts
from forecast.evaluation.track_record import make_track_record
from forecast.evaluation.windows import horizon_lengths, observe_outcomes
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule
from forecast.records.forecast import TrackRecord

FORECASTS = "forecasts.csv"
SCORES = "scores.json"


@dataclass(frozen=True)
class FoundBacktest:
    """What was found: the record, or the reason why the backtest cannot speak for this run."""

    record: TrackRecord | None
    refusal: str


def find_track_record(
    folder: Path,
    events: EventTable,
    rules: Sequence[TargetRule],
    as_of: date,
    model: str,
    priors: Mapping[str, Any],
    *,
    seed: int,
) -> FoundBacktest | None:
    """Read the backtest in a folder and check that it is about this run's questions, model and past.

    Targets and priors must be those of the run, every window must have ended by the as-of date, and the
    outcomes in the file must be those that this run's events give.

    Parameters
    ----------
    folder : Path
        With ``scores.json`` and ``forecasts.csv``.
    events : EventTable
        Known at the as-of date.
    rules : sequence of TargetRule
        Targets of the run.
    as_of : date
    model : str
        Model of the run.
    priors : mapping
        Priors that the config states (name → JSON value).
    seed : int
        Of the bootstrap; with the seed of the backtest the errors are those of its ``scores.json``.

    Returns
    -------
    FoundBacktest or None
        ``None`` when there is no whole backtest in the folder.
    """
    if not ((folder / SCORES).is_file() and (folder / FORECASTS).is_file()):
        return None
    path = folder / FORECASTS
    try:
        forecasts = read_forecasts(path)
        refusal = _other_settings(folder / SCORES, rules, priors) or _mismatch(
            forecasts, events, rules, as_of
        )
        if refusal:
            return FoundBacktest(None, refusal)
        # The other families have no place in the record, and their scores take time.
        kept = forecasts.take(np.flatnonzero(np.isin(forecasts.model, (model, *BASELINES))))
        record = make_track_record(
            kept if model in kept.models else forecasts,
            score_forecasts(kept, seed=seed),
            model,
            data_end=_last_day(forecasts),
            forecasts_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            seed=seed,
        )
    except InputError as error:
        return FoundBacktest(None, str(error).replace(str(path), FORECASTS))
    return FoundBacktest(record, "")


def _last_day(forecasts: ForecastTable) -> date:
    ends = forecasts.origin + forecasts.horizon_days.astype("timedelta64[D]")
    last: date = ends.max().item() - timedelta(days=1)
    return last


def _other_settings(path: Path, rules: Sequence[TargetRule], priors: Mapping[str, Any]) -> str:
    """Why the settings of the backtest are not this run's; empty when they are."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{SCORES} cannot be read: {error}") from error
    if not isinstance(content, dict) or not {"targets", "priors"} <= set(content):
        return f"{SCORES} does not say which targets and priors were tested"
    targets = {rule.name: {"any_of": list(rule.any_of), "min_severity": rule.min_severity} for rule in rules}
    if content["targets"] != targets:
        return "its targets are defined otherwise than this run's"
    if content["priors"] != priors:
        return "its priors are not this run's"
    return ""


def _mismatch(forecasts: ForecastTable, events: EventTable, rules: Sequence[TargetRule], as_of: date) -> str:
    """Why the forecasts are not about this run's questions; empty when they are."""
    if not len(forecasts):
        return "it holds no forecast"
    names = {rule.name for rule in rules}
    if set(forecasts.targets) != names:
        return f"its targets are {', '.join(forecasts.targets)}; this run's are {', '.join(sorted(names))}"
    if _last_day(forecasts) > as_of:
        return f"its windows run to {_last_day(forecasts)}, past the as-of date {as_of}"
    for rule in rules:
        rows = forecasts.select(target=rule.name)
        origins, row = np.unique(rows.origin, return_inverse=True)
        horizons = horizon_lengths(rows.horizons)
        outcomes = observe_outcomes(events, rule, origins, horizons, as_of)
        expected = outcomes.outcome[row, np.searchsorted(horizons, rows.horizon_days)]
        if not np.array_equal(expected, rows.outcome):
            return f"its outcomes of {rule.name} are not those that this run's events give"
    return ""
