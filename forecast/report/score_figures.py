"""Figures of a backtest: the score over time, and the ROC; one panel a target and horizon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy.typing import NDArray

from forecast import wording
from forecast.evaluation.baselines import BASELINES, REFERENCE
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.score_table import ScoreTable
from forecast.evaluation.scores import brier_score
from forecast.report.drawing import align_tick_labels, blank_figure, mark_months, report_style, wrap_label
from forecast.report.model_names import name_model
from forecast.report.palette import MUTED, RULE, model_line

Floats = NDArray[np.float64]

_PANELS_A_ROW = 3
_PANEL_INCHES = {"score": 1.75, "roc": 2.35}


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
        axes.plot(_days(origin), gained, **_line_style(model), gid=_gid("score", window, model))

    def finish(axes: Axes, window: ForecastTable) -> None:
        axes.axhline(0, color=MUTED, linewidth=0.8, zorder=0.6)
        first, last = window.origin.min().item(), window.origin.max().item()
        mark_months(axes.xaxis, first, last, most=5)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(lambda value, _: f"{round(value, 9):g}".replace("-", "−"))
        axes.grid(axis="y", color=RULE, linewidth=0.4)

    models = [model for model in forecasts.models if model != REFERENCE]
    return _draw_panels(
        forecasts, models, draw, finish, "score", "Summed Brier score less climatology’s; falling is better"
    )


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
        axes.plot(false_alarms, found, **_line_style(model), gid=_gid("roc", window, model))

    def finish(axes: Axes, window: ForecastTable) -> None:
        axes.plot([0, 1], [0, 1], color=RULE, linewidth=0.6, zorder=0.5)
        text = "all outcomes are of one kind"
        if len(set(window.outcome.tolist())) == 2:
            ours = [model for model in window.models if model not in BASELINES] or list(window.models)
            text = "area: " + ", ".join(
                f"{name_model(model)} {_area(table, window, model)}" for model in ours
            )
        axes.set_xlabel(wrap_label(text, 44), fontsize=6.5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator([0, 0.5, 1]))
            axis.set_major_formatter(FixedFormatter(["0%", "50%", "100%"]))
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)

    return _draw_panels(forecasts, list(forecasts.models), draw, finish, "roc", "Hits found, by false alarms")


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
    kind: str,
    meaning: str,
) -> Figure:
    windows = [
        forecasts.select(target=target, horizon_days=days)
        for target in forecasts.targets
        for days in forecasts.horizons
    ]
    windows = [window for window in windows if len(window)]
    with report_style():
        columns = min(len(windows), _PANELS_A_ROW)
        rows = -(-len(windows) // columns)
        figure = blank_figure(0.55 + rows * _PANEL_INCHES[kind])
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, window in zip(panels, windows, strict=False):
            # Ours last, so that they lie above the baselines.
            for model in sorted(models, key=lambda name: name not in BASELINES):
                draw(axes, window, model)
            finish(axes, window)
            title = f"{window.targets[0].replace('_', ' ').capitalize()}, {window.horizons[0]} days"
            axes.set_title(wrap_label(title, 34), fontsize=7.5, loc="left", weight=600)
            align_tick_labels(axes)
        for axes in panels[len(windows) :]:
            axes.set_visible(False)
        figure.supylabel(wrap_label(meaning, 32 if rows == 1 else 64), fontsize=7.5)
        handles = [Line2D([], [], label=name_model(model), **_line_style(model)) for model in models]
        figure.legend(handles=handles, loc="outside upper left", ncols=4, frameon=False, fontsize=7)
    return figure


def _line_style(model: str) -> dict[str, Any]:
    colour, dashes = model_line(model)
    ours = model not in BASELINES
    return {
        "color": colour,
        "linewidth": 1.3 if ours else 0.9,
        "linestyle": (0, dashes) if dashes else "-",
    }


def _gid(kind: str, window: ForecastTable, model: str) -> str:
    return f"{kind}:{window.targets[0]}:{window.horizons[0]}:{model}"


def _area(table: ScoreTable, window: ForecastTable, model: str) -> str:
    return wording.number(table.cell(window.targets[0], window.horizons[0], model).auc, 2)


def _days(origin: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return (origin - np.datetime64("1970-01-01")).astype(np.int64)
