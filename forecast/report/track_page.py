"""The track-record page: how forecasts of this kind did in the past, worst misses first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from forecast import wording
from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.records.forecast import Forecast
from forecast.records.history import ErrorBound, LedgerSummary, Miss, TrackRecord, TrackRow
from forecast.report.alt_text import describe_reliability
from forecast.report.front_page import headline_pair
from forecast.report.model_names import name_model
from forecast.report.palette import target_colour
from forecast.report.printable import shorten
from forecast.report.track_sentence import beaten, ledger_sentence, rarer_outcomes, show_score

HOW_TO_MAKE = (
    "No backtest of this config was found, so how good such forecasts were in the past is not known. "
    "Run “forecast backtest CONFIG”, then “forecast report RUN_DIR”."
)


def track_content(
    forecast: Forecast, record: TrackRecord | None, ledger: LedgerSummary | None = None
) -> dict[str, Any]:
    """Everything on the track-record page; without a record only the sentence that says how to make one."""
    on_record = [ledger_sentence(ledger)] if ledger else []
    if record is None:
        return {"sentences": [HOW_TO_MAKE, *on_record], "record": None}
    return {
        "sentences": [_how_tested(record), _overall(record), _reach(forecast, record), *on_record],
        "record": {
            "misses": [_miss_row(forecast, miss) for miss in record.largest_misses],
            "misses_intro": _misses_intro(record),
            "path": "figures/track-record.svg",
            "alt": describe_reliability(record.reliability),
            "caption": "What was forecast and how often it happened, over all targets and horizons. A dot is "
            "a tenth of the scale, with its number of forecasts; grey bars hold 90% of what calibrated "
            "forecasts would give.",
            "reading": _calibration_sentence(record.calibration_slope),
            "groups": [
                {
                    "label": _label(forecast, target),
                    "colour": _colour(forecast, target),
                    "rows": [_score_row(row) for row in record.rows if row.target == target],
                }
                for target in dict.fromkeys(row.target for row in record.rows)
            ],
            "warnings": _warnings(record),
            "identity": f"Backtest of {record.forecasts_sha256[:12]} (SHA-256 of its forecasts.csv).",
        },
    }


def _how_tested(record: TrackRecord) -> str:
    baselines = wording.count(len(record.rows[0].baselines), "simple baseline")
    return (
        f"The {name_model(record.model)} was fitted or updated at "
        f"{wording.count(record.n_origins, 'origin')} from {wording.long_day(record.first_origin)} to "
        f"{wording.long_day(record.last_origin)}, each time on what was known by then only. Its forecasts "
        f"are set beside what had happened by {wording.long_day(record.data_end)}, and beside {baselines} "
        "made from the same past."
    )


def _overall(record: TrackRecord) -> str:
    lost = sum(beaten(row) for row in record.rows)
    total = wording.count(len(record.rows), "pair of target and horizon", "pairs of target and horizon")
    first = (
        f"In none of {total} was a baseline more accurate."
        if not lost
        else f"In {lost} of {total} a baseline was more accurate, shown in bold below."
    )
    claims = [row.claim for row in record.rows]
    better, worse = claims.count("better"), claims.count("worse")
    if not better and not worse:
        return f"{first} Against climatology neither skill nor its opposite can be claimed."
    return (
        f"{first} Against climatology skill can be claimed in {better or 'none'} of "
        f"{len(claims)}, its opposite in {worse or 'none'}."
    )


def _reach(forecast: Forecast, record: TrackRecord) -> str:
    _, milestone = headline_pair(forecast)
    ahead = (milestone.date - forecast.as_of).days
    longest = max(row.horizon_days for row in record.rows)
    if ahead <= longest:
        return f"The bottom line looks {ahead:,} days ahead; horizons up to {longest:,} days were tested."
    return (
        f"The bottom line looks {ahead:,} days ahead, beyond the longest horizon tested, {longest:,} days: "
        "how good such a long look is has not been shown."
    )


def _misses_intro(record: TrackRecord) -> str:
    if not record.largest_misses:
        return "No forecast was on the wrong side of an even chance."
    return (
        "The forecasts furthest from what happened, worst first. Windows that overlap miss the same thing "
        "again and again; only the worst of each episode is shown."
    )


def _miss_row(forecast: Forecast, miss: Miss) -> dict[str, Any]:
    end = miss.origin + timedelta(days=miss.horizon_days - 1)
    return {
        "window": f"{wording.short_day(miss.origin)} to {wording.short_day(end)}",
        "horizon": f"{miss.horizon_days:,} days",
        "label": _label(forecast, miss.target),
        "colour": _colour(forecast, miss.target),
        "percent": wording.percent(miss.probability),
        "outcome": "happened" if miss.outcome else "did not happen",
    }


def _score_row(row: TrackRow) -> dict[str, Any]:
    best = row.best_baseline
    climatology = {scores.name: scores for scores in row.baselines}.get("climatology")
    return {
        "horizon": f"{row.horizon_days:,} days",
        "n": f"{row.n:,}",
        "hits": f"{row.n_hits:,}",
        "brier": show_score(row.brier.value),
        "error": "" if row.brier.se is None else f"±{show_score(row.brier.se)}",
        "climatology": "–" if climatology is None else show_score(climatology.brier),
        "best": show_score(best.brier),
        "best_name": name_model(best.name),
        "beaten": beaten(row),
        "log": wording.number(row.log.value, 3),
        "best_log": wording.number(best.log, 3),
        "skill": "–" if row.skill is None else _with_interval(row.skill),
        "claimed": row.claim != "none",
    }


def _calibration_sentence(slope: ErrorBound | None) -> str:
    if slope is None:
        return "No calibration line can be fitted: the outcomes do not allow one."
    start = f"The calibration slope is {_with_interval(slope)}; 1 is calibrated"
    if slope.interval90 is None:
        return f"{start}. Its error cannot be worked out from so few windows, so that this shows little."
    if slope.interval90[0] <= 1 <= slope.interval90[1]:
        return f"{start}, and the forecasts cannot be told apart from that."
    if slope.value < 1:
        return f"{start}, below it forecasts were too extreme."
    return f"{start}, above it forecasts were too timid."


def _warnings(record: TrackRecord) -> list[str]:
    few = sum(rarer_outcomes(row) < FEWEST_OUTCOMES for row in record.rows)
    if not few:
        return []
    pairs = wording.count(len(record.rows), "pair")
    return [
        f"{few} of {pairs} hold fewer than {FEWEST_OUTCOMES} windows with, or without, the target; "
        "no skill is claimed there."
    ]


def _label(forecast: Forecast, name: str) -> str:
    labels = {target.name: target.label for target in forecast.targets}
    return shorten(labels.get(name, name.replace("_", " ")), 80)


def _colour(forecast: Forecast, name: str) -> str:
    names = [target.name for target in forecast.targets]
    return target_colour(names.index(name)) if name in names else target_colour(len(names))


def _with_interval(bound: ErrorBound) -> str:
    value = wording.number(bound.value, 2)
    if bound.interval90 is None:
        return value
    lower, upper = (wording.number(end, 2) for end in bound.interval90)
    return f"{value} ({lower} to {upper})"
