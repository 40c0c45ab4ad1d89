"""Figures of a backtest: calibration by model, the score over time, and the ROC."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from forecast import wording
from forecast.baselines import BASELINES, REFERENCE
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.metrics import brier_score, reliability_curve
from forecast.evaluation.score_table import ScoreTable
from forecast.report.charts import (
    align_tick_labels,
    blank_figure,
    draw_reliability,
    fix_ticks,
    mark_months,
    panels,
    report_style,
    wrap_label,
    write_figure,
)
from forecast.report.palette import MUTED, RULE, model_line, name_model

Floats = NDArray[np.float64]
_PANELS_A_ROW = 3


def write_backtest_figures(
    forecasts: ForecastTable, table: ScoreTable, folder: Path, *, seed: int = 0
) -> list[Path]:
    """Draw the reliability diagrams, the score over time and the ROC of a backtest.

    They become ``reliability.svg``, ``score-over-time.svg`` and ``roc.svg`` in an existing folder; the same
    forecasts give the same bytes. ``seed`` is that of the consistency bands of the reliability diagrams.

    Raises
    ------
    InputError
        A file cannot be written.
    """
    curves = [reliability_curve(forecasts, model, seed=seed) for model in forecasts.models]
    drawn = {
        "reliability.svg": draw_reliability(curves),
        "score-over-time.svg": draw_score_over_time(forecasts),
        "roc.svg": draw_roc(forecasts, table),
    }
    return [write_figure(figure, folder / name, ground="none") for name, figure in drawn.items()]


def draw_score_over_time(forecasts: ForecastTable) -> Figure:
    """Draw the cumulative Brier score of each model minus that of climatology, over the origins of both.

    A line that falls gains on climatology. Its last value / number of origins is the difference of the
    mean scores in the table. Lines carry ``score:<target>:<horizon>:<model>`` as ``gid``.
    """

    def draw(axes: Axes, window: ForecastTable, model: str) -> None:
        rows, reference = window.select(model=model), window.select(model=REFERENCE)
        origin, ours, theirs = np.intersect1d(rows.origin, reference.origin, return_indices=True)
        if not len(origin):
            return
        scores = brier_score(rows.probability, rows.outcome)[ours]
        gained = np.cumsum(scores - brier_score(reference.probability, reference.outcome)[theirs])
        days = origin.astype("datetime64[D]").astype(np.int64)
        axes.plot(days, gained, **_line_style(model), gid=f"score:{_name(window)}:{model}")

    def finish(axes: Axes, window: ForecastTable) -> None:
        axes.axhline(0, color=MUTED, linewidth=0.8, zorder=0.6)
        first, last = window.origin.min().item(), window.origin.max().item()
        mark_months(axes.xaxis, first, last, most=5)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(lambda value, _: f"{round(value, 9):g}".replace("-", "−"))
        axes.grid(axis="y", color=RULE, linewidth=0.4)

    models = [model for model in forecasts.models if model != REFERENCE]
    meaning = "Summed Brier score less climatology’s; falling is better"
    return _draw_panels(forecasts, models, draw, finish, meaning, panel_inches=1.75)


def draw_roc(forecasts: ForecastTable, table: ScoreTable) -> Figure:
    """Draw share of hits found against share of false alarms, and print the area from the table.

    Lines carry ``roc:<target>:<horizon>:<model>`` as ``gid``. Where all outcomes are of one kind there is
    no curve and the panel says so.
    """

    def draw(axes: Axes, window: ForecastTable, model: str) -> None:
        rows = window.select(model=model)
        if len(set(rows.outcome.tolist())) < 2:
            return
        false_alarms, found = roc_points(rows.probability, rows.outcome)
        axes.plot(false_alarms, found, **_line_style(model), gid=f"roc:{_name(window)}:{model}")

    def finish(axes: Axes, window: ForecastTable) -> None:
        axes.plot([0, 1], [0, 1], color=RULE, linewidth=0.6, zorder=0.5)
        text = "all outcomes are of one kind"
        if len(set(window.outcome.tolist())) == 2:
            ours = [model for model in window.models if model not in BASELINES] or list(window.models)
            cells = [table.cell(window.targets[0], window.horizons[0], model) for model in ours]
            areas = [f"{name_model(one.model)} {wording.number(one.auc, 2)}" for one in cells]
            text = f"area: {', '.join(areas)}"
        axes.set_xlabel(wrap_label(text, 44), fontsize=8)
        for axis in (axes.xaxis, axes.yaxis):
            fix_ticks(axis, [0, 0.5, 1], ["0%", "50%", "100%"])
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)

    meaning = "Hits found, by false alarms"
    return _draw_panels(forecasts, list(forecasts.models), draw, finish, meaning, panel_inches=2.35)


def roc_points(probability: Floats, outcome: NDArray[np.int8]) -> tuple[Floats, Floats]:
    """Share of misses and of hits forecast with at least each probability, from (0, 0) to (1, 1).

    Parameters
    ----------
    probability, outcome : ndarray, shape (row,)
        With at least one outcome of either kind.

    Returns
    -------
    false_alarms, found : ndarray of float64, shape (distinct probabilities + 1,)
    """
    _, place = np.unique(-probability, return_inverse=True)
    hits = np.bincount(place, outcome == 1)
    misses = np.bincount(place, outcome == 0)
    return (
        np.concatenate([[0.0], np.cumsum(misses) / misses.sum()]),
        np.concatenate([[0.0], np.cumsum(hits) / hits.sum()]),
    )


def _draw_panels(
    forecasts: ForecastTable,
    models: list[str],
    draw: Callable[[Axes, ForecastTable, str], None],
    finish: Callable[[Axes, ForecastTable], None],
    meaning: str,
    *,
    panel_inches: float,
) -> Figure:
    windows = [
        window
        for target in forecasts.targets
        for days in forecasts.horizons
        if len(window := forecasts.select(target=target, horizon_days=days))
    ]
    with report_style():
        columns = min(len(windows), _PANELS_A_ROW)
        rows = -(-len(windows) // columns)
        figure = blank_figure(0.55 + rows * panel_inches)
        for axes, window in zip(panels(figure, len(windows), columns), windows, strict=True):
            # Ours last, so that they lie above the baselines.
            for model in sorted(models, key=lambda name: name not in BASELINES):
                draw(axes, window, model)
            finish(axes, window)
            title = f"{window.targets[0].replace('_', ' ').capitalize()}, {window.horizons[0]} days"
            axes.set_title(wrap_label(title, 34), fontsize=8.5, loc="left", weight=600)
            align_tick_labels(axes)
        figure.supylabel(wrap_label(meaning, 32 if rows == 1 else 64), fontsize=8.5)
        handles = [Line2D([], [], label=name_model(model), **_line_style(model)) for model in models]
        figure.legend(handles=handles, loc="outside upper left", ncols=4, frameon=False, fontsize=8)
    return figure


def _line_style(model: str) -> dict[str, Any]:
    colour, dashes = model_line(model)
    ours = model not in BASELINES
    return {"color": colour, "linewidth": 1.3 if ours else 0.9, "linestyle": (0, dashes) if dashes else "-"}


def _name(window: ForecastTable) -> str:
    return f"{window.targets[0]}:{window.horizons[0]}"
