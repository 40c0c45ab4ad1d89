"""Scores on the terminal: models and baselines side by side, the best marked, in lines of 80 signs."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from forecast.wording import count, listing, number, share

if TYPE_CHECKING:
    from forecast.workflows.backtest import Backtest

WIDTH = 80
_LABEL = 15
_COLUMN = 8
_HEADS = {
    "ensemble": "ensemb.",
    "climatology": "climat.",
    "last_window": "like w.",
    "gamma_poisson": "gam-Poi",
    "decayed_logistic": "logist.",
}

Line = tuple[str, str]
"""A line of text and the style it is printed in."""


def table_lines(models: Sequence[str], rows: Iterable[tuple[str, Mapping[str, float]]]) -> Iterator[Line]:
    """Yield a header and one line a row; the lowest value of a row has an asterisk.

    Parameters
    ----------
    models : sequence of str
        Columns.
    rows : iterable of (label, model → value)
        A model without a value has a dash.
    """
    heads = "".join(f"{_HEADS.get(model, model)[: _COLUMN - 1]:>{_COLUMN - 1}} " for model in models)
    yield f"{'':<{_LABEL}}{heads}".rstrip(), "bold"
    for label, values in rows:
        known = [value for value in values.values() if math.isfinite(value)]
        # Equal as printed is equal: no asterisk for a difference that cannot be seen.
        lowest = f"{min(known):.3f}" if known else ""
        cells = ""
        for model in models:
            value = values.get(model, math.nan)
            shown = f"{value:.3f}" if math.isfinite(value) else "–"
            cells += f"{shown:>{_COLUMN - 1}}{'*' if shown == lowest else ' '}"
        yield f"{label:<{_LABEL}}{cells}".rstrip(), ""


def backtest_lines(backtest: Backtest, titles: Mapping[str, str]) -> Iterator[Line]:
    """Yield the scores of a backtest, what they say in words, and what a reader must know.

    Parameters
    ----------
    backtest : Backtest
    titles : mapping of str to str
        Label of each target.
    """
    plan, scores = backtest.plan, backtest.scores
    first, last = plan.origins[0], plan.origins[-1]
    yield from _wrapped(
        f"Backtest: {count(len(plan.origins), 'origin')} from {first} to {last}, data to {plan.data_end}. "
        "Brier and log score: lower is better, * marks the best.",
        "",
    )
    models = backtest.forecasts.models
    for target in backtest.forecasts.targets:
        cells = [cell for cell in scores.cells if cell.target == target]
        horizons = sorted({cell.horizon_days for cell in cells})
        yield "", ""
        yield from _wrapped(titles.get(target, target), "bold")
        shown = {cell.horizon_days: cell for cell in reversed(cells)}
        windows = (f"of {days} days {shown[days].n}, {share(shown[days].base_rate)}" for days in horizons)
        yield from _wrapped(f"Windows, and share in which it happened: {'; '.join(windows)}.", "dim")
        rows = []
        for days in horizons:
            here = [cell for cell in cells if cell.horizon_days == days]
            rows.append((f"{days:>4} d  Brier", {cell.model: cell.brier.value for cell in here}))
            rows.append((f"{'':>4}    log", {cell.model: cell.log.value for cell in here}))
        yield from table_lines(models, rows)
        yield from _verdicts(backtest, target, horizons)
    yield "", ""
    yield from _overall(backtest)
    yield from legend(models)
    for note in (*backtest.notes, *_cautions(backtest, titles)):
        yield from _wrapped(f"- {note}", "yellow", hang="  ")


def _cautions(backtest: Backtest, titles: Mapping[str, str]) -> Iterator[str]:
    """Say of which questions little is known, all in one sentence, and which forecasts are missing."""
    from forecast.evaluation.score_table import FEWEST_OUTCOMES
    from forecast.workflows.backtest import best_models

    few: dict[str, list[str]] = {}
    absent = []
    for target, days in best_models(backtest.scores):
        cells = [cell for cell in backtest.scores.cells if (cell.target, cell.horizon_days) == (target, days)]
        most = max(cell.n for cell in cells)
        hits = round(cells[-1].base_rate * cells[-1].n)
        if min(hits, cells[-1].n - hits) < FEWEST_OUTCOMES:
            few.setdefault(titles.get(target, target), []).append(str(days))
        absent += [
            f"{titles.get(target, target)}, {days} days: {cell.model} has {cell.n} of {most} forecasts."
            for cell in cells
            if cell.n < most
        ]
    if few:
        listed = "; ".join(f"{title} at {listing(tuple(days))} days" for title, days in few.items())
        yield (
            f"Fewer than {FEWEST_OUTCOMES} windows with, or without, the target, so that no skill is "
            f"claimed: {listed}."
        )
    yield from absent


def _verdicts(backtest: Backtest, target: str, horizons: Sequence[int]) -> Iterator[Line]:
    """Say where a baseline is more accurate than our model, and what may be claimed of its skill."""
    from forecast.evaluation.baselines import BASELINES
    from forecast.report.model_families import name_model

    model, scores = backtest.model, backtest.scores
    cells = {(cell.horizon_days, cell.model): cell for cell in scores.cells if cell.target == target}
    for days in horizons:
        ours = cells.get((days, model))
        theirs = [cells[days, name] for name in BASELINES if (days, name) in cells]
        if ours is None or not theirs:
            continue
        best = min(theirs, key=lambda cell: cell.brier.value)
        says = "beats every baseline"
        if best.brier.value < ours.brier.value:
            says = f"is behind {name_model(best.model)}"
        text = (
            f"{days} days: the {name_model(model)} {says} (Brier {ours.brier.value:.3f}, "
            f"{name_model(best.model)} {best.brier.value:.3f})."
        )
        # Against a reference that is all but perfect a skill is a huge number without a meaning.
        if ours.skill and abs(ours.skill.brier.value) < 10:
            low, high = (_signed_percent(value) for value in ours.skill.brier.interval90)
            against = f"against {name_model(ours.skill.reference)}"
            text += (
                f" Skill {against} {_signed_percent(ours.skill.brier.value)}, 90% interval {low} to {high}."
            )
        yield from _wrapped(text, "yellow" if best.brier.value < ours.brier.value else "", hang="  ")


def _overall(backtest: Backtest) -> Iterator[Line]:
    from forecast.evaluation.baselines import BASELINES
    from forecast.evaluation.comparison import compare_models
    from forecast.report.model_families import name_model

    forecasts, model = backtest.forecasts, backtest.model
    if model not in forecasts.models:
        return
    seed = backtest.plan.sampler.seed
    compared = {name: compare_models(forecasts, model, name, seed=seed) for name in BASELINES}
    best = max(compared, key=lambda name: compared[name].value)
    difference = compared[best]
    word = "better" if difference.value < 0 else "worse"
    sure = difference.interval90[0] > 0 or difference.interval90[1] < 0
    yield from _wrapped(
        f"Over all targets and horizons the log score of the {name_model(model)} is "
        f"{number(abs(difference.value), 3)} {word} than that of the best baseline, {name_model(best)} "
        f"(standard error {number(difference.se, 3)}"
        f"{'' if sure else ': not distinguishable'}).",
        "bold",
    )


def legend(models: Sequence[str]) -> Iterator[Line]:
    """Yield what the short heads of the table stand for."""
    from forecast.report.model_families import name_model

    parts = [f"{_HEADS[model]} = {name_model(model)}" for model in models if model in _HEADS]
    yield from _wrapped(f"{'; '.join(parts)}.", "dim")


def _signed_percent(value: float) -> str:
    return f"{number(100 * value, 0)}%"


def _wrapped(text: str, style: str, hang: str = "") -> Iterator[Line]:
    for line in textwrap.wrap(text, WIDTH, subsequent_indent=hang, break_on_hyphens=False):
        yield line, style


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines on standard output, with their styles on a terminal."""
    from rich.console import Console

    # Labels come from a config: they are printed as they are, without markup.
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for text, style in lines:
        console.print(text, style=style)
