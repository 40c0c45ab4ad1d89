"""A backtest → ``TrackRecord``: what a report says of one model's past, and when to act on what it says.

``find_track_record`` reads the backtest that lies beside a run, if it answers the same questions. What acting
is worth follows the cost–loss model (Murphy 1977, doi:10.1175/1520-0493(1977)105<0803:TVOCCA>2.0.CO;2;
Richardson 2000, doi:10.1002/qj.49712656313): acting costs C whatever comes, being surprised costs L; acting
pays when the probability is above C / L.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.baselines import BASELINES, REFERENCE, horizon_lengths, observe_outcomes
from forecast.config import Config
from forecast.errors import InputError
from forecast.evaluation.forecast_table import ForecastTable, read_forecasts
from forecast.evaluation.metrics import Estimate, OriginBlocks, brier_score, log_score, reliability_curve
from forecast.evaluation.score_table import SCHEMA, Score, ScoreTable, largest_misses, score_forecasts
from forecast.events.table import EventTable
from forecast.panel import TargetRule
from forecast.records.analysis import BaselineScores, ErrorBound, Miss, TrackRecord, TrackRow
from forecast.records.forecast import Decision, DecisionValue
from forecast.records.notices import Notice, notice
from forecast.runs.files import FORECASTS, SCORES
from forecast.runs.mixture import Mixture
from forecast.storage import read_json

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CostLoss:
    """What acting costs and what being surprised costs, both as (least, most) in one unit."""

    act: tuple[float, float]
    surprised: tuple[float, float]

    @property
    def threshold_range(self) -> tuple[float, float]:
        """Least and greatest probability from which acting pays."""
        return self.act[0] / self.surprised[1], min(self.act[1] / self.surprised[0], 1.0)

    @property
    def threshold(self) -> float:
        """The probability from which acting pays at the geometric middle of both ranges."""
        cost, loss = self._middle
        return min(cost / loss, 1.0)

    @property
    def _middle(self) -> tuple[float, float]:
        return math.sqrt(self.act[0] * self.act[1]), math.sqrt(self.surprised[0] * self.surprised[1])

    def expense(self, probability: ArrayLike, outcome: ArrayLike) -> Floats:
        """What each window costs who acts from the threshold on, at the middle of both ranges."""
        cost, loss = self._middle
        return np.where(np.asarray(probability) >= self.threshold, cost, loss * np.asarray(outcome))


def costs_of(config: Config) -> CostLoss | None:
    """The costs that a config states; ``None`` where it states none."""
    stated = config.decision
    return None if stated is None else CostLoss(stated.act, stated.surprised)


def decision_of(mixture: Mixture) -> Decision | None:
    """Say whether the headline of a forecast is a reason to act; ``None`` where no costs are stated."""
    inputs = mixture.inputs
    costs = costs_of(inputs.config)
    if costs is None:
        return None
    target = inputs.config.headline.target
    day = (inputs.config.headline_milestone.date - inputs.data.grid.origin).days
    probability = mixture.probability(target, day)
    low, high = costs.threshold_range
    return Decision(
        act=costs.act,
        surprised=costs.surprised,
        threshold=costs.threshold,
        threshold_range=(low, high),
        advice="act" if probability >= high else "wait" if probability < low else "depends",
        chance_above=mixture.chance_above(target, day, costs.threshold),
    )


def decision_value(
    forecasts: ForecastTable, model: str, target: str, horizon_days: int, costs: CostLoss, *, seed: int
) -> DecisionValue | None:
    """Say what acting on a model's forecasts would have cost, beside four ways to do without it.

    ``base_rate`` acts on the share of past windows that was known at each origin. ``value`` is
    (E_base − E_forecast) / (E_base − E_perfect): 1 for a perfect forecast, 0 for one worth no more than the
    base rate; ``None`` where perfect knowledge would have saved nothing. ``None`` when the two did not
    forecast the same windows.
    """
    ours, base = (
        forecasts.select(target=target, horizon_days=horizon_days, who=name) for name in (model, REFERENCE)
    )
    if not len(ours) or not np.array_equal(ours.origin, base.origin):
        return None
    outcome = ours.outcome.astype(np.float64)
    said, known = (costs.expense(rows.chance, outcome) for rows in (ours, base))
    always, never, perfect = (
        costs.expense(each, outcome) for each in (np.ones(len(ours)), 0.0 * outcome, outcome)
    )
    # The skill of expenses above those of perfect knowledge.
    value = OriginBlocks(ours.origin, horizon_days, seed).skill(said - perfect, known - perfect)
    defined = math.isfinite(value.value)
    return DecisionValue(
        target=target,
        horizon_days=horizon_days,
        windows=len(ours),
        held=int(outcome.sum()),
        acted=int((ours.chance >= costs.threshold).sum()),
        forecast=float(said.mean()),
        base_rate=float(known.mean()),
        always=float(always.mean()),
        never=float(never.mean()),
        perfect=float(perfect.mean()),
        value=value.value if defined else None,
        value_se=value.se if defined and math.isfinite(value.se) else None,
    )


def make_track_record(
    forecasts: ForecastTable,
    table: ScoreTable,
    model: str,
    *,
    data_end: date,
    forecasts_sha256: str,
    seed: int,
    costs: CostLoss | None = None,
) -> TrackRecord:
    """Put together what a report shows of one model's backtest.

    ``forecasts`` are all of the backtest, baselines included, and ``table`` their scores; the outcomes cover
    days up to ``data_end``. ``seed`` is of the consistency bands and of the error of the gap to the best
    baseline. ``InputError`` when the backtest holds no forecast of this model, or no baseline that forecast
    the same windows.
    """
    ours = forecasts.select(who=model)
    if not len(ours):
        raise InputError(
            f"the backtest holds no forecast of '{model}' (it holds {', '.join(forecasts.models)}). "
            f"Run it again with --models {model}"
        )
    cells = [cell for cell in table.cells if cell.group["who"] == model]
    decisions = [
        decision_value(forecasts, model, cell.group["target"], cell.group["horizon_days"], costs, seed=seed)
        for cell in (cells if costs else ())
        if costs
    ]
    drawn = [name for name in (model, REFERENCE) if name in forecasts.models]
    return TrackRecord(
        schema=4,
        model=model,
        forecasts_sha256=forecasts_sha256,
        n_origins=len(np.unique(ours.origin)),
        first_origin=ours.origin.min().item(),
        last_origin=ours.origin.max().item(),
        data_end=data_end,
        rows=tuple(_track_row(forecasts, table, cell, seed) for cell in cells),
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
        decisions=tuple(value for value in decisions if value),
    )


def _track_row(forecasts: ForecastTable, table: ScoreTable, cell: Score, seed: int) -> TrackRow:
    target, days, model = cell.group.values()
    ours, window = cell.rows, forecasts.select(target=target, horizon_days=days)
    baselines = {}
    for name in BASELINES:
        theirs = window.select(who=name)
        theirs = theirs.take(np.flatnonzero(np.isin(theirs.origin, ours.origin)))
        if len(theirs) == len(ours):
            baselines[name] = theirs
    if not baselines:
        raise InputError(
            f"no baseline of the backtest forecast the windows of '{model}' on {target}, {days} days. "
            "Run the backtest again"
        )
    scores = {name: brier_score(rows.chance, rows.outcome) for name, rows in baselines.items()}
    own = brier_score(ours.chance, ours.outcome)
    gap = cell.blocks.mean(own - min(scores.values(), key=lambda values: float(values.mean())))
    skill, highest = table.skill(cell), int(np.argmax(ours.chance))
    rate = scores.get("constant_rate")
    return TrackRow(
        target=target,
        horizon_days=days,
        n=cell.n,
        n_hits=cell.n_hits,
        base_rate=cell.base_rate,
        brier=error_bound(cell.brier),
        log=error_bound(cell.log),
        baselines=tuple(
            BaselineScores(
                name=name,
                brier=float(scores[name].mean()),
                log=float(log_score(rows.chance, rows.outcome).mean()),
            )
            for name, rows in baselines.items()
        ),
        gap=error_bound(gap),
        skill=None if skill is None else error_bound_if_defined(skill.brier),
        claim="none" if skill is None else skill.claim,
        skill_constant_rate=None if rate is None else error_bound_if_defined(cell.blocks.skill(own, rate)),
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
    if math.isfinite(estimate.se):
        return ErrorBound(value=estimate.value, se=estimate.se, interval90=estimate.interval90)
    return ErrorBound(value=estimate.value, se=None, interval90=None)


@dataclass(frozen=True)
class FoundBacktest:
    """What was found: the record, or the reason why the backtest cannot speak for this run."""

    record: TrackRecord | None
    refusal: Notice | None = None


def find_track_record(
    folder: Path,
    events: EventTable,
    rules: Sequence[TargetRule],
    as_of: date,
    model: str,
    priors: Mapping[str, Any],
    *,
    seed: int,
    costs: CostLoss | None = None,
) -> FoundBacktest | None:
    """Read the backtest in a folder and check that it is about this run's questions, model and past.

    Targets and priors must be those of the run, every window must have ended by the as-of date, and the
    outcomes in the file must be those that this run's events, known at that date, give. ``priors`` are those
    that the config states (name → JSON value), ``costs`` what acting and being surprised cost. With the seed
    of the backtest the errors are those of its ``scores.json``. ``None`` when that or ``forecasts.csv`` is
    not there.
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
            return FoundBacktest(None, refusal)
        # The other families have no place in the record, and their scores take time.
        kept = forecasts.take(np.flatnonzero(np.isin(forecasts.who.astype(str), (model, *BASELINES))))
        record = make_track_record(
            kept,
            score_forecasts(kept, seed=seed),
            model,
            data_end=_last_day(forecasts),
            forecasts_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            seed=seed,
            costs=costs,
        )
    except InputError as error:
        fault = str(error).replace(str(path), FORECASTS).rstrip(".")
        return FoundBacktest(None, notice("unreadable", fault=fault))
    return FoundBacktest(record)


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
    targets = {rule.name: rule.to_dict() for rule in rules}
    if content["targets"] != targets:
        return notice("other_definitions")
    if content["priors"] != priors:
        return notice("other_priors")
    return None


def _mismatch(
    forecasts: ForecastTable, events: EventTable, rules: Sequence[TargetRule], as_of: date
) -> Notice | None:
    """Why the forecasts are not about this run's questions; ``None`` when they are."""
    names = {rule.name for rule in rules}
    if set(forecasts.targets) != names:
        return notice("other_targets", tested=forecasts.targets, asked=tuple(sorted(names)))
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
