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
from forecast.evaluation.metrics import (
    Estimate,
    block_length,
    brier_score,
    log_score,
    mean_estimate,
    reliability_curve,
    skill_estimate,
)
from forecast.evaluation.score_table import SCHEMA, ScoreCell, ScoreTable, score_forecasts
from forecast.events.table import EventTable
from forecast.panel import TargetRule
from forecast.records.analysis import (
    BaselineScores,
    ErrorBound,
    Miss,
    TrackRecord,
    TrackRow,
)
from forecast.records.forecast import Decision, DecisionValue
from forecast.records.notices import Notice, notice
from forecast.runs.files import FORECASTS, SCORES
from forecast.runs.mixture import Mixture
from forecast.storage import read_json

Floats = NDArray[np.float64]

MOST_MISSES = 8


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
        forecasts.select(target=target, horizon_days=horizon_days, model=name) for name in (model, REFERENCE)
    )
    if not len(ours) or not np.array_equal(ours.origin, base.origin):
        return None
    outcome = ours.outcome.astype(np.float64)
    said, known = (costs.expense(rows.probability, outcome) for rows in (ours, base))
    always, never, perfect = (
        costs.expense(each, outcome) for each in (np.ones(len(ours)), 0.0 * outcome, outcome)
    )
    block = block_length(np.unique(ours.origin), horizon_days)
    # The skill of expenses above those of perfect knowledge.
    value = skill_estimate(said - perfect, known - perfect, block, seed)
    defined = math.isfinite(value.value)
    return DecisionValue(
        target=target,
        horizon_days=horizon_days,
        windows=len(ours),
        held=int(outcome.sum()),
        acted=int((ours.probability >= costs.threshold).sum()),
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
    ours = forecasts.select(model=model)
    if not len(ours):
        raise InputError(
            f"the backtest holds no forecast of '{model}' (it holds {', '.join(forecasts.models)}). "
            f"Run it again with --models {model}"
        )
    cells = [cell for cell in table.cells if cell.model == model]
    slopes = [line.slope for line in table.calibration if line.model == model]
    drawn = [name for name in (model, REFERENCE) if name in forecasts.models]
    return TrackRecord(
        schema=4,
        model=model,
        forecasts_sha256=forecasts_sha256,
        n_origins=len(np.unique(ours.origin)),
        first_origin=ours.origin.min().item(),
        last_origin=ours.origin.max().item(),
        data_end=data_end,
        rows=tuple(_track_row(forecasts, cell, seed) for cell in cells),
        reliability=tuple(reliability_curve(forecasts, name, seed=seed) for name in drawn),
        calibration_slope=error_bound_if_defined(slopes[0]) if slopes else None,
        largest_misses=largest_misses(ours),
        warnings=tuple(dict.fromkeys(warning for cell in cells for warning in cell.warnings)),
        decisions=tuple(
            value
            for cell in (cells if costs else ())
            if costs
            and (value := decision_value(forecasts, model, cell.target, cell.horizon_days, costs, seed=seed))
        ),
    )


def largest_misses(rows: ForecastTable, most: int = MOST_MISSES) -> tuple[Miss, ...]:
    """Forecasts on the wrong side of even, worst first, one an episode.

    Windows that overlap miss the same thing again and again: of the misses of one target, in one direction,
    with origins less than a horizon apart, only the worst is kept. ``rows`` are of one model.
    """

    def same_episode(miss: Miss, other: Miss) -> bool:
        apart = abs((miss.origin - other.origin).days)
        near = apart < max(miss.horizon_days, other.horizon_days)
        return near and (miss.target, miss.outcome) == (other.target, other.outcome)

    error = np.abs(rows.probability - rows.outcome)
    misses: list[Miss] = []
    for row in np.lexsort((rows.horizon_days, rows.origin, -error)):
        if error[row] <= 0.5 or len(misses) == most:
            break
        miss = Miss(
            origin=rows.origin[row].item(),
            horizon_days=int(rows.horizon_days[row]),
            target=str(rows.target[row]),
            probability=float(rows.probability[row]),
            outcome=1 if rows.outcome[row] else 0,
        )
        if not any(same_episode(miss, other) for other in misses):
            misses.append(miss)
    return tuple(misses)


def _track_row(forecasts: ForecastTable, cell: ScoreCell, seed: int) -> TrackRow:
    window = forecasts.select(target=cell.target, horizon_days=cell.horizon_days)
    ours = window.select(model=cell.model)
    baselines = {}
    for name in BASELINES:
        theirs = window.select(model=name)
        theirs = theirs.take(np.flatnonzero(np.isin(theirs.origin, ours.origin)))
        if len(theirs) == len(ours):
            baselines[name] = theirs
    if not baselines:
        raise InputError(
            f"no baseline of the backtest forecast the windows of '{cell.model}' on {cell.target}, "
            f"{cell.horizon_days} days. Run the backtest again"
        )
    scores = {name: brier_score(rows.probability, rows.outcome) for name, rows in baselines.items()}
    best = min(scores.values(), key=lambda values: float(values.mean()))
    block = block_length(ours.origin, cell.horizon_days)
    gap = mean_estimate(brier_score(ours.probability, ours.outcome) - best, block, seed)
    skill, highest = cell.skill, int(np.argmax(ours.probability))
    rate = baselines.get("constant_rate")
    against_rate = None
    if rate is not None and rate.probability.size and np.any(scores["constant_rate"] > 0):
        own = brier_score(ours.probability, ours.outcome)
        against_rate = error_bound_if_defined(skill_estimate(own, scores["constant_rate"], block, seed))
    return TrackRow(
        target=cell.target,
        horizon_days=cell.horizon_days,
        n=cell.n,
        n_hits=int(ours.outcome.sum()),
        base_rate=cell.base_rate,
        brier=error_bound(cell.brier),
        log=error_bound(cell.log),
        baselines=tuple(
            BaselineScores(
                name=name,
                brier=float(scores[name].mean()),
                log=float(log_score(rows.probability, rows.outcome).mean()),
            )
            for name, rows in baselines.items()
        ),
        gap=error_bound(gap),
        skill=None if skill is None else error_bound_if_defined(skill.brier),
        claim="none" if skill is None else skill.claim,
        skill_constant_rate=against_rate,
        mean_said=float(ours.probability.mean()),
        highest_said=float(ours.probability[highest]),
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
        kept = forecasts.take(np.flatnonzero(np.isin(forecasts.model, (model, *BASELINES))))
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
    ends = forecasts.origin + forecasts.horizon_days.astype("timedelta64[D]")
    last: date = ends.max().item() - timedelta(days=1)
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
    if not len(forecasts):
        return notice("no_forecast")
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
