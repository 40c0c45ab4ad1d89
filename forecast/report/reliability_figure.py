"""Figure: does what is forecast with p% happen p% of the time? One panel a model."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from forecast.records.history import ReliabilityBin, ReliabilityCurve
from forecast.report.drawing import align_tick_labels, blank_figure, report_style
from forecast.report.model_names import name_model
from forecast.report.palette import INK, MUTED, RULE, model_line

_PANELS_A_ROW = 4
_QUARTERS = [0.0, 0.25, 0.5, 0.75, 1.0]
_PERCENT = ["0%", "25%", "50%", "75%", "100%"]


def draw_reliability(curves: Sequence[ReliabilityCurve]) -> Figure:
    """Draw the bins of each model as they are in the record, with their consistency bands.

    Dots carry ``reliability:<model>`` as ``gid``, bands ``band:<model>``.
    """
    with report_style():
        columns = min(max(len(curves), 2), _PANELS_A_ROW)
        rows = -(-len(curves) // columns)
        figure = blank_figure(rows * (2.25 if columns == 2 else 2.1))
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for place, (axes, curve) in enumerate(zip(panels, curves, strict=False)):
            _draw_panel(axes, curve, wide=columns == 2)
            if place % columns == 0:
                axes.set_ylabel("It happened")
            if place + columns >= len(curves):
                axes.set_xlabel("Forecast")
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
    return figure


def _draw_panel(axes: Axes, curve: ReliabilityCurve, *, wide: bool) -> None:
    colour, _ = model_line(curve.model)
    axes.set_title(_capital(name_model(curve.model)), fontsize=8, loc="left", weight=600)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, zorder=0.6)
    said = [one.forecast_mean for one in curve.bins]
    axes.vlines(
        said,
        [one.lower90 for one in curve.bins],
        [one.upper90 for one in curve.bins],
        color=RULE,
        linewidth=7 if wide else 4.5,
        zorder=0.5,
        gid=f"band:{curve.model}",
    )
    axes.scatter(
        said,
        [one.observed_share for one in curve.bins],
        s=[_dot_area(one, curve) for one in curve.bins],
        color=colour,
        linewidth=0,
        clip_on=False,
        zorder=2,
        gid=f"reliability:{curve.model}",
    )
    for one in curve.bins if wide else ():
        high = one.observed_share > 0.5
        axes.annotate(
            f"{one.number:,}",
            (one.forecast_mean, one.observed_share),
            xytext=(6, -2 if high else 2),
            textcoords="offset points",
            fontsize=6.5,
            color=INK,
            va="top" if high else "bottom",
        )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    labels = _PERCENT if wide else ["0", "", "50", "", "100%"]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(_QUARTERS))
        axis.set_major_formatter(FixedFormatter(labels))
    axes.hlines(_QUARTERS[1:], 0, 1, color=RULE, linewidth=0.4, zorder=0.3)
    align_tick_labels(axes)


def _dot_area(one: ReliabilityBin, curve: ReliabilityCurve) -> float:
    most = max(other.number for other in curve.bins)
    return 8.0 + 34.0 * one.number / most


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
