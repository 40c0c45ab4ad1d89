"""The figures of a backtest, as SVG files."""

from __future__ import annotations

from pathlib import Path

from forecast.errors import InputError
from forecast.evaluation.calibration import reliability_curve
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.score_table import ScoreTable
from forecast.report.drawing import svg_bytes
from forecast.report.reliability_figure import draw_reliability
from forecast.report.score_figures import draw_roc, draw_score_over_time


def write_backtest_figures(
    forecasts: ForecastTable, table: ScoreTable, folder: Path, *, seed: int = 0
) -> list[Path]:
    """Draw the reliability diagrams, the score over time and the ROC of a backtest.

    Parameters
    ----------
    forecasts : ForecastTable
        Every model and baseline.
    table : ScoreTable
        Their scores; the areas under the ROC are printed from it.
    folder : Path
        Existing folder for ``reliability.svg``, ``score-over-time.svg`` and ``roc.svg``.
    seed : int
        Of the consistency bands of the reliability diagrams.

    Returns
    -------
    list of Path
        The three files; the same forecasts give the same bytes.

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
    paths = []
    for name, figure in drawn.items():
        path = folder / name
        try:
            path.write_bytes(svg_bytes(figure))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
        paths.append(path)
    return paths
