"""What is said of a backtest beside its tables of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from forecast.records.analysis import FEWEST_EPISODES, TrackRow
from forecast.wording import count, listing, number, share, small_number


def backtest_span(origins: Sequence[date], data_end: date) -> str:
    """State what was forecast from when, and how the tables are read."""
    return (
        f"Backtest: {count(len(origins), 'origin')} from {origins[0]} to {origins[-1]}, data to {data_end}. "
        "Brier and log score: lower is better, * marks the best."
    )


def list_backtest_span(name: str, dyads: int, origins: Mapping[str, Any]) -> str:
    """State what of a list was forecast from when, and how the tables are read."""
    return (
        f"Backtest of the list {name}: {count(dyads, 'dyad')}, {count(origins['number'], 'origin')} from "
        f"{origins['first']} to {origins['last']}. Brier and log score: lower is better; AUC and precision "
        "at 5: higher."
    )


def target_came(by_days: Mapping[int, tuple[float, int]]) -> str:
    """State in what share of how many windows a target happened, by days ahead."""
    came = (f"{share(rate)} of {count(n, 'window')} of {days} days" for days, (rate, n) in by_days.items())
    return f"It happened in {listing(came)}."


def accuracy_verdict(row: TrackRow, model: str, baseline: str, skill: str | None) -> str:
    """State whether a model or a baseline is more accurate; by their names, ``skill`` as a comparison."""
    says = f"is behind the {baseline}" if row.more_accurate == "baseline" else "beats every baseline"
    scores = f"(Brier {row.brier.value:.3f}, {baseline} {row.best_baseline.brier:.3f})"
    return f"{row.horizon_days} days: the {model} {says} {scores}.{(skill and f' {skill}.') or ''}"


def log_score_gap(model: str, baseline: str, value: float, se: float, *, distinguishable: bool) -> str:
    """State by how much the log score of a model differs from that of the best baseline."""
    return (
        f"The log score of the {model} is {number(abs(value), 3)} {'better' if value < 0 else 'worse'} "
        f"than that of the best baseline, {baseline} (standard error {number(se, 3)}"
        f"{'' if distinguishable else ': not distinguishable'})."
    )


def no_skill_claimed(days_by_title: Mapping[str, Sequence[int]], fewest_outcomes: int) -> str:
    """State of which targets and days ahead too little came, or did not come, to claim skill."""
    listed = "; ".join(f"{title} at {listing(map(str, days))} days" for title, days in days_by_title.items())
    return (
        f"Fewer than {fewest_outcomes} windows with, or without, the target, or fewer than "
        f"{small_number(FEWEST_EPISODES)} episodes, so that no skill is claimed: {listed}."
    )


def forecasts_absent(title: str, days: int, model: str, n: int, asked: int) -> str:
    """State how many forecasts of a model there are where some are missing."""
    return f"{title}, {days} days: {model} has {n} of {asked} forecasts."
