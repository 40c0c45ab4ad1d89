"""The summary of a backtest of weekly scores as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forecast.wording import number


def score_backtest_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield two tables: scores of the weeks ahead, and of the targets."""
    yield (
        f"{summary['n_origins']} origins, {summary['first_origin']} to {summary['last_origin']}; outcomes to "
        f"{summary['scores_until']}."
    )
    failed = summary["origins_not_converged"]
    if failed:
        yield f"At {len(failed)} of them the fit did not converge: {', '.join(failed)}."
    yield "\nScore of the week so far ahead (CRPS: lower is better, gap above 0: the model was better)"
    yield f"  {'':<8} {'weeks':>5}  {'':<14} {'CRPS':>7} {'gap':>7} {'± se':>6}  in the 90% range"
    for row in summary["weeks"]:
        gap, error = _gap(row["crps_gap"])
        yield (
            f"  {row['direction']:<8} {row['weeks_ahead']:>5}  {row['model']:<14} "
            f"{number(row['crps']['value']):>7} {gap:>7} {error:>6}  {row['coverage90']['value']:.0%}"
        )
    yield "\nTargets met within so many weeks (Brier score: lower is better)"
    yield f"  {'':<20} {'weeks':>5}  {'':<14} {'Brier':>7} {'gap':>7} {'± se':>6}  met"
    for row in summary["targets"]:
        gap, error = _gap(row["brier_gap"], 3)
        yield (
            f"  {row['target']:<20} {row['weeks_ahead']:>5}  {row['model']:<14} "
            f"{number(row['brier']['value'], 3):>7} {gap:>7} {error:>6}  {row['n_hits']} of {row['n']}"
        )


def _gap(gap: Mapping[str, Any] | None, digits: int = 2) -> tuple[str, str]:
    if gap is None:
        return "", ""
    return number(gap["value"], digits), "" if gap["se"] is None else number(gap["se"], digits)
