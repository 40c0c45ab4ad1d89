"""The sentence of page 1 on how forecasts of this kind did in the past."""

from __future__ import annotations

from forecast import wording
from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.records.forecast import Forecast
from forecast.records.history import ErrorBound, LedgerSummary, TrackRecord, TrackRow
from forecast.report.model_names import name_model

NO_RECORD = "This forecast has no track record yet: no backtest of this config was found."


def beaten(row: TrackRow) -> bool:
    """Whether a baseline had the lower Brier score, by the digits that are shown."""
    return round(row.best_baseline.brier, 3) < round(row.brier.value, 3)


def track_sentence(forecast: Forecast, record: TrackRecord | None) -> str:
    """What page 1 says of the past: a baseline that was better comes before anything else."""
    if record is None:
        return NO_RECORD
    rows = [row for row in record.rows if row.target == forecast.headline.target]
    if not rows:
        return "The backtest did not cover this target, so these forecasts of it have no track record."
    losses, others = [row for row in rows if beaten(row)], _losses_elsewhere(forecast, record)
    if losses:
        return _losing_sentence(losses) + _few_outcomes(rows)
    sentence = (
        f"In a backtest of {wording.count(record.n_origins, 'origin')} no simple baseline was more accurate "
        f"for this target at {_horizons(rows)}."
    )
    return sentence + others + _few_outcomes(rows)


def ledger_sentence(ledger: LedgerSummary) -> str:
    """What the ledger held about the pair before this run: how many forecasts, and how they did."""
    if not ledger.n_forecasts:
        return "The ledger held no forecast on this pair before this run."
    start = f"Before this run the ledger held {wording.count(ledger.n_forecasts, 'forecast')} on this pair"
    if ledger.brier is None or ledger.baseline_brier is None:
        return f"{start}, none of which can be scored yet."
    late = ""
    if ledger.n_hindcasts:
        whole = ledger.n_hindcasts == ledger.n_scored
        late = f" ({'all' if whole else f'{ledger.n_hindcasts:,} of them'} made after the fact)"
    error = "" if ledger.brier.se is None else f" (standard error {show_score(ledger.brier.se)})"
    skill = {"better": "they beat the baselines", "worse": "the baselines beat them"}
    return (
        f"{start}. {ledger.n_scored:,} can be scored{late}, and {ledger.n_yes:,} came true. Their Brier "
        f"score is {show_score(ledger.brier.value)}{error}, that of the baselines recorded with them "
        f"{show_score(ledger.baseline_brier)}: {skill.get(ledger.claim, 'no skill can be claimed')}."
    )


def _losing_sentence(rows: list[TrackRow]) -> str:
    chance = all(_holds_zero(row.gap) for row in rows)
    doubt = "; chance could explain the difference." if chance else "."
    if len(rows) == 1:
        (row,) = rows
        return (
            f"A simple baseline ({name_model(row.best_baseline.name)}) has been more accurate for this "
            f"target at {row.horizon_days:,} days: Brier {_against(row)}{doubt}"
        )
    parts = tuple(
        f"at {row.horizon_days:,} days {name_model(row.best_baseline.name)} (Brier {_against(row)})"
        for row in rows
    )
    return f"Simple baselines have been more accurate for this target: {wording.listing(parts)}{doubt}"


def _against(row: TrackRow) -> str:
    return f"{show_score(row.best_baseline.brier)} against {show_score(row.brier.value)}"


def _losses_elsewhere(forecast: Forecast, record: TrackRecord) -> str:
    elsewhere = [row for row in record.rows if row.target != forecast.headline.target]
    lost = sum(beaten(row) for row in elsewhere)
    if not lost:
        return ""
    pairs = wording.count(len(elsewhere), "comparison")
    return f" For other targets one was more accurate in {lost} of {pairs}."


def _few_outcomes(rows: list[TrackRow]) -> str:
    best_known = max(rows, key=rarer_outcomes)
    if rarer_outcomes(best_known) >= FEWEST_OUTCOMES:
        return ""
    return (
        f" That shows little: the target happened in {best_known.n_hits} of "
        f"{wording.count(best_known.n, 'window')} of {best_known.horizon_days:,} days."
    )


def rarer_outcomes(row: TrackRow) -> int:
    """Windows with the target or without it, whichever are fewer."""
    return min(row.n_hits, row.n - row.n_hits)


def _horizons(rows: list[TrackRow]) -> str:
    return f"{wording.listing(tuple(f'{row.horizon_days:,}' for row in rows))} days"


def show_score(value: float) -> str:
    """Score as shown everywhere: three decimals."""
    return wording.number(value, 3)


def _holds_zero(bound: ErrorBound) -> bool:
    return bound.interval90 is None or bound.interval90[0] <= 0 <= bound.interval90[1]
