"""``forecast ledger resolve`` and ``score``: what happened, and how good the forecasts were."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.cli.options import (
    DATES,
    LEDGER,
    DateOrder,
    Output,
    day,
    day_option,
    ledger_place,
    option,
    takes_options,
)
from forecast.cli.terminal import BLANK, Part, Table, left, line, right, text
from forecast.wording import count, number, percent, share

if TYPE_CHECKING:
    from forecast.ledger.resolving import Resolved
    from forecast.ledger.scored import GroupScore
    from forecast.ledger.scoring import LedgerScores

_HEADS = {
    "horizon": "By horizon",
    "target": "By target",
    "dyad": "By pair",
    "model": "By model",
    "made": "By time",
}


@takes_options
def resolve(
    events: str = option(..., "--events", "A coded file, or bundled:us-china.", "FILE"),
    dates: DateOrder = DATES,
    ledger: Path | None = LEDGER,
    through: datetime | None = day_option(
        None, "--through", "Last day that the events cover; the last known_date of the file when absent."
    ),
    dyad: str | None = option(
        None, "--dyad", "Whose acts these are; the most frequent pair when absent.", "A-B"
    ),
    scale: str | None = option(
        None,
        "--scale",
        "Scale the file is coded by: standard, armed, or a file; that of the questions when absent.",
        "SCALE",
    ),
    *,
    output: Output,
) -> None:
    """Look up what happened, by the rule that made the forecast, where the events cover the whole window."""
    from forecast.config.scale_file import load_scale
    from forecast.events.reading import load_events
    from forecast.ledger.resolving import resolve_ledger

    path = ledger_place(ledger)
    key = load_scale(scale, Path()).key if scale else None
    table = load_events(events, Path(), dates=dates)
    if output.for_people:
        for note in table.notes:
            typer.echo(f"Note: {note}.", err=True)
    today = datetime.now(UTC).date()
    done = resolve_ledger(path, table, today=today, through=day(through), dyad=dyad, scale=key)
    output.print(done.to_dict() | {"ledger": str(path)}, _resolved(done, events))


@takes_options
def score(
    ledger: Path | None = LEDGER,
    failed: bool = option(
        False, "--failed --unconverged", "Score forecasts of runs that did not converge, too."
    ),
    figure: Path | None = option(
        None, "--figure", "Draw the calibration diagram: .svg, .png or .pdf.", "FILE"
    ),
    csv: Path | None = option(None, "--csv", "Write the score of every group.", "FILE"),
    seed: int = option(0, "--seed", "Of the error estimates.", min=0),
    *,
    output: Output,
) -> None:
    """Score what is resolved: overall and by group, calibration, largest misses first."""
    from forecast.ledger.store import open_ledger

    path = ledger_place(ledger)
    book = open_ledger(path)
    if figure:
        from forecast.report.drawing import figure_kind

        figure_kind(figure)  # before anything is scored

    from forecast.ledger.scoring import score_ledger

    scores = score_ledger(book, seed=seed, failed=failed)
    if figure:
        from forecast.report.backtest_figures import draw_reliability
        from forecast.report.drawing import write_figure

        write_figure(draw_reliability(scores.calibration), figure)
    if csv:
        from forecast.ledger.exporting import write_text
        from forecast.ledger.scoring import groups_csv

        write_text(groups_csv(scores), csv)
    written = (line(f"Written  {place}") for place in (figure, csv) if place)
    output.print(scores.model_dump_json(by_alias=True), (*_scores(scores, str(path)), *written))


def _resolved(done: Resolved, source: str) -> Iterator[Part]:
    """What a file of events settled, and what stays open until when."""
    coverage = done.coverage
    why = "as stated" if coverage.stated else "the last day on which anything became known"
    yield text(
        f"{source}: acts of {'-'.join(coverage.dyad)}, taken to cover the days through {coverage.through} "
        f"({why}). Severities on the scale '{coverage.scale}'."
    )
    if coverage.unseen:
        yield text(f"No row names {' or '.join(coverage.unseen)}. Does the file cover their acts?", "yellow")
    yes = sum(one.outcome for one in done.new)
    settled = f": {yes} yes, {len(done.new) - yes} no" if done.new else " that was not before"
    before = f" {count(len(done.unchanged), 'question')} unchanged." if done.unchanged else ""
    yield text(f"Resolved: {count(len(done.new), 'question')}{settled}.{before}")
    if done.corrected:
        corrected = count(len(done.corrected), "outcome")
        yield text(f"{corrected} corrected; the earlier ones stay on record.", "yellow")
    if done.open:
        soonest = min(question.milestone for question in done.open)
        yield text(
            f"{count(len(done.open), 'question')} open: the events do not reach the milestone. The next is "
            f"over when they cover the day before {soonest}."
        )
    if done.open_met:
        yield text(
            f"{count(len(done.open_met), 'open question')} met already. They wait for their milestone like "
            "the others, so that a yes does not count sooner than a no."
        )
    if done.void:
        yield text(f"{count(len(done.void), 'void question')} left alone.")
    if done.other_scales:
        yield text(f"{count(len(done.other_scales), 'question')} on other scales left alone.")
    if done.other_dyads:
        yield text(f"{count(len(done.other_dyads), 'question')} on other pairs left alone.")


def _scores(scores: LedgerScores, path: str) -> Iterator[Part]:
    """Counts, the score of every group, calibration, misses and others' answers."""
    counts = scores.counts
    parts = [f"{counts.scored:,} scored", f"{counts.open:,} open", f"{counts.void:,} void"]
    parts += [f"{counts.unconverged:,} not converged"] if counts.unconverged else []
    parts += [f"{counts.repeated:,} repeated"] if counts.repeated else []
    yield text(f"{path}: {count(counts.forecasts, 'forecast')} on record, {', '.join(parts)}.", "bold")
    if counts.void and scores.void_share is not None:
        yield text(f"Void share: {percent(scores.void_share)} of void and scored.")
    for warning in scores.warnings:
        yield text(f"- {warning}", "yellow", hang=2)
    yield BLANK
    columns = (
        *(left(width=23), right("n", 4), right("yes", 4)),
        *(right(head, 5) for head in ("Brier", "±", "base", "log")),
        left("Skill (90%)"),
    )
    everything, *others = scores.groups
    rows, styles = [_row("All", everything)], ["bold"]
    if scores.without_early:
        rows.append(_row("without early answers", scores.without_early))
    for by, head in _HEADS.items():
        groups = [group for group in others if group.by == by]
        if len(groups) > 1 or by == "target":
            styles += [""] * (len(rows) - len(styles)) + ["dim"]
            rows += [(head,), *(_row(f" {group.group}", group) for group in groups)]
    yield Table(columns, rows, styles, indent=0, gap=1)
    yield BLANK
    yield from _notes(scores)
    yield from _calibration(scores)
    yield from _misses(scores)
    yield from _beside(scores)


def _row(label: str, group: GroupScore) -> tuple[str, ...]:
    return (
        label,
        f"{group.n:,}",
        f"{group.n_yes:,}",
        f"{group.brier.value:.3f}",
        "–" if group.brier.se is None else f"{group.brier.se:.3f}",
        f"{group.baseline_brier:.3f}",
        f"{group.log.value:.3f}",
        _skill(group),
    )


def _skill(group: GroupScore) -> str:
    # Against a baseline that is all but perfect a skill is a huge number without a meaning.
    if group.skill is None or abs(group.skill.value) >= 10:
        return "–"
    said = f"{number(100 * group.skill.value, 0)}%"
    if group.skill.interval90:
        low, high = (number(100 * end, 0) for end in group.skill.interval90)
        said += f" ({low} to {high})"
    return said + ("" if group.claim == "none" else " *")


def _notes(scores: LedgerScores) -> Iterator[Part]:
    from forecast.evaluation.score_table import FEWEST_OUTCOMES

    claim = scores.groups[0].claim
    if claim in ("better", "worse"):
        said = f"{claim} than the baseline (the interval of the skill excludes 0)"
        yield text(f"Over all, the forecasts are {said}.", "bold")
    yield text(
        "Brier and log score: lower is better. ± is the standard error, by blocks of neighbouring as-of "
        "dates. base is the Brier score of the baseline that was recorded with each forecast. An asterisk: "
        f"the interval excludes 0, and there are {FEWEST_OUTCOMES} outcomes of either kind. Without it no "
        "skill is claimed.",
        "dim",
    )
    early = f"{count(scores.counts.early, 'question')} with a yes in the first half of the window"
    yield text(f"Early: {early}. Left out, only slower answers remain.", "dim")


def _calibration(scores: LedgerScores) -> Iterator[Part]:
    curve = scores.calibration[0]
    yield BLANK
    numbers = right("forecast"), right("happened"), right("n", 5)
    columns = left("Calibration", 13), *numbers, left("90% of calibrated ones")
    rows = (
        (
            "",
            percent(one.forecast_mean),
            share(one.observed_share),
            f"{one.number:,}",
            f"{share(one.lower90)} to {share(one.upper90)}",
        )
        for one in curve.bins
    )
    yield Table(columns, rows, indent=0)
    slope = scores.calibration_slope
    if slope and slope.interval90:
        low, high = (number(end, 2) for end in slope.interval90)
        said = f"Slope {number(slope.value, 2)} (90% interval {low} to {high})"
        yield text(f"{said}; 1 is calibrated, below 1 too extreme.", "dim")


def _misses(scores: LedgerScores) -> Iterator[Part]:
    yield BLANK
    if not scores.largest_misses:
        yield text("No forecast was on the wrong side of an even chance.")
        return
    yield text("Largest misses, of each episode the worst", "bold")
    columns = *map(left, ("Id", "As of", "Before")), left("Target", 22), right("Said"), left("It")
    rows = (
        (
            miss.id[:10],
            str(miss.as_of),
            str(miss.milestone),
            miss.target,
            percent(miss.probability),
            "happened" if miss.outcome else "did not happen",
        )
        for miss in scores.largest_misses
    )
    yield Table(columns, rows, indent=0)


def _beside(scores: LedgerScores) -> Iterator[Part]:
    if not scores.beside:
        return
    numbers = right("n", 4), right("yes", 4), right("Brier"), right("ours")
    columns = left("Others, same questions", 26), *numbers, left("ours − theirs")
    rows = []
    for one in scores.beside:
        bound = one.difference
        difference = number(bound.value, 3) + ("" if bound.se is None else f" ± {number(bound.se, 3)}")
        briers = f"{one.brier:.3f}", f"{one.our_brier:.3f}"
        rows.append((f"  {one.forecaster}", f"{one.n:,}", f"{one.n_yes:,}", *briers, difference))
    yield BLANK
    yield Table(columns, rows, indent=0)
    for one in scores.beside:
        if one.n_late:
            made = f"{one.forecaster} made {one.n_late:,} of theirs"
            yield text(f"{made} more than a week after the as-of date.", "yellow", hang=2)
