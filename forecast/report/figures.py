"""All figures of the report as SVG files."""

from __future__ import annotations

from pathlib import Path

from forecast.events.table import EventTable
from forecast.record import Analysis, Forecast, TrackRecord
from forecast.report.curve_figure import draw_curves
from forecast.report.drawing import svg_bytes
from forecast.report.drivers_figure import draw_drivers
from forecast.report.reliability_figure import draw_reliability
from forecast.report.tension_figure import draw_tension


def write_figures(
    forecast: Forecast,
    analysis: Analysis,
    events: EventTable,
    folder: Path,
    track_record: TrackRecord | None = None,
) -> tuple[Path, ...]:
    """Draw every figure that the run has data for and return the files.

    Parameters
    ----------
    forecast, analysis : Forecast, Analysis
        Records of the run. Without a tension series or drivers there is no such figure.
    events : EventTable
        Events up to the as-of date, for the lanes below the tension.
    folder : Path
        Existing folder for ``probability.svg``, ``tension.svg``, ``drivers.svg`` and
        ``track-record.svg``.
    track_record : TrackRecord or None
        Without one there is no figure of it.
    """
    drawn = {"probability.svg": draw_curves(forecast)}
    if analysis.tension is not None:
        drawn["tension.svg"] = draw_tension(analysis.tension, events, forecast.as_of)
    if forecast.drivers:
        drawn["drivers.svg"] = draw_drivers(forecast.drivers)
    if track_record is not None:
        drawn["track-record.svg"] = draw_reliability(track_record.reliability)
    paths = []
    for name, figure in drawn.items():
        path = folder / name
        path.write_bytes(svg_bytes(figure))
        paths.append(path)
    return tuple(paths)
