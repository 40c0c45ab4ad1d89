"""Scores of a ledger on the terminal, in lines of at most 80 signs."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.cli.ledger_lines import wrapped
from forecast.cli.score_lines import Line
from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.ledger.scored import GroupScore
from forecast.ledger.scoring import LedgerScores
from forecast.records.history import ErrorBound
from forecast.wording import count, number, percent, share

_LABEL = 24
_HEADS = {
    "horizon": "By horizon",
    "target": "By target",
    "dyad": "By pair",
    "model": "By model",
    "made": "By time",
}


def score_lines(scores: LedgerScores, path: str) -> Iterator[Line]:
    """Yield counts, the score of every group, calibration, misses and others' answers."""
    counts = scores.counts
    parts = [f"{counts.scored:,} scored", f"{counts.open:,} open", f"{counts.void:,} void"]
    parts += [f"{counts.unconverged:,} not converged"] if counts.unconverged else []
    parts += [f"{counts.repeated:,} repeated"] if counts.repeated else []
    yield from wrapped(
        f"{path}: {count(counts.forecasts, 'forecast')} on record, {', '.join(parts)}.", "bold"
    )
    if counts.void and scores.void_share is not None:
        yield from wrapped(f"Void share: {percent(scores.void_share)} of void and scored.")
    for warning in scores.warnings:
        yield from wrapped(f"- {warning}", "yellow", hang="  ")
    yield "", ""
    yield (
        f"{'':<{_LABEL}}{'n':>4} {'yes':>4}  {'Brier':>5} {'±':>5}  {'base':>5}  {'log':>5}  Skill (90%)",
        "bold",
    )
    everything, *others = scores.groups
    yield _row("All", everything), "bold"
    if scores.without_early:
        yield _row("without early answers", scores.without_early), ""
    for by, head in _HEADS.items():
        groups = [group for group in others if group.by == by]
        if len(groups) > 1 or by == "target":
            yield head, "dim"
            for group in groups:
                yield _row(f" {group.group}", group), ""
    yield "", ""
    yield from _notes(scores)
    yield from _calibration(scores)
    yield from _misses(scores)
    yield from _beside(scores)


def _row(label: str, group: GroupScore) -> str:
    shown = label if len(label) < _LABEL else label[: _LABEL - 2] + "…"
    return (
        f"{shown:<{_LABEL}}{group.n:>4,} {group.n_yes:>4,}  {_score(group.brier.value)} "
        f"{_error(group.brier):>5}  {_score(group.baseline_brier)}  {_score(group.log.value)}  "
        f"{_skill(group)}"
    )


def _score(value: float) -> str:
    return f"{value:.3f}"


def _error(bound: ErrorBound) -> str:
    return "–" if bound.se is None else _score(bound.se)


def _skill(group: GroupScore) -> str:
    # Against a baseline that is all but perfect a skill is a huge number without a meaning.
    if group.skill is None or abs(group.skill.value) >= 10:
        return "–"
    text = f"{number(100 * group.skill.value, 0)}%"
    if group.skill.interval90:
        low, high = (number(100 * end, 0) for end in group.skill.interval90)
        text += f" ({low} to {high})"
    return text + ("" if group.claim == "none" else " *")


def _notes(scores: LedgerScores) -> Iterator[Line]:
    claims = {"better": "better than the baseline", "worse": "worse than the baseline"}
    claim = claims.get(scores.groups[0].claim)
    if claim:
        yield from wrapped(
            f"Over all, the forecasts are {claim} (the interval of the skill excludes 0).", "bold"
        )
    yield from wrapped(
        "Brier and log score: lower is better. ± is the standard error, by blocks of neighbouring as-of "
        "dates. base is the Brier score of the baseline that was recorded with each forecast. An asterisk: "
        f"the interval excludes 0, and there are {FEWEST_OUTCOMES} outcomes of either kind. Without it no "
        "skill is claimed.",
        "dim",
    )
    early = count(scores.counts.early, "question")
    yield from wrapped(
        f"Early: {early} with a yes in the first half of the window. Left out, only slower answers remain.",
        "dim",
    )


def _calibration(scores: LedgerScores) -> Iterator[Line]:
    curve = scores.calibration[0]
    yield "", ""
    yield f"{'Calibration':<15}{'forecast':>9} {'happened':>9} {'n':>6}  90% of calibrated ones", "bold"
    for one in curve.bins:
        yield (
            f"{'':<15}{percent(one.forecast_mean):>9} {share(one.observed_share):>9} {one.number:>6,}  "
            f"{share(one.lower90)} to {share(one.upper90)}",
            "",
        )
    slope = scores.calibration_slope
    if slope and slope.interval90:
        low, high = (number(end, 2) for end in slope.interval90)
        yield from wrapped(
            f"Slope {number(slope.value, 2)} (90% interval {low} to {high}); 1 is calibrated, below 1 too "
            "extreme.",
            "dim",
        )


def _misses(scores: LedgerScores) -> Iterator[Line]:
    yield "", ""
    if not scores.largest_misses:
        yield "No forecast was on the wrong side of an even chance.", ""
        return
    yield "Largest misses, of each episode the worst", "bold"
    yield f"  {'Id':<10}  {'As of':<10}  {'Before':<10}  {'Target':<22} {'Said':>5}  It", "dim"
    for miss in scores.largest_misses:
        happened = "happened" if miss.outcome else "did not happen"
        yield (
            f"  {miss.id[:10]}  {miss.as_of}  {miss.milestone}  {miss.target[:22]:<22} "
            f"{percent(miss.probability):>5}  {happened}",
            "",
        )


def _beside(scores: LedgerScores) -> Iterator[Line]:
    if not scores.beside:
        return
    yield "", ""
    yield (
        f"{'Others, same questions':<27}{'n':>4} {'yes':>4}  {'Brier':>5}  {'ours':>5}  ours − theirs",
        "bold",
    )
    for one in scores.beside:
        bound = one.difference
        error = "" if bound.se is None else f" ± {number(bound.se, 3)}"
        yield (
            f"  {one.forecaster[:24]:<25}{one.n:>4,} {one.n_yes:>4,}  {_score(one.brier)}  "
            f"{_score(one.our_brier)}  {number(bound.value, 3)}{error}",
            "",
        )
        if one.n_late:
            yield from wrapped(
                f"  Of theirs, made more than a week after the as-of date: {one.n_late:,}.",
                "yellow",
                hang="  ",
            )
