"""Figure: the headline chance under each scenario, beside that of the run."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from forecast import wording
from forecast.records.forecast import Forecast, ScenarioForecast, ScenarioMilestone
from forecast.report.drawing import (
    align_tick_labels,
    blank_figure,
    one_line,
    report_style,
    svg_bytes,
    wrap_label,
)
from forecast.report.palette import ACCENT, INK, MUTED, RULE

_LABEL_SIGNS = 34
_DPI = 200
MOST_DRAWN = 12
"""Scenarios that a chart in a report shows; more would not fit a page."""


def drawn_scenarios(
    forecast: Forecast, scenarios: Sequence[ScenarioForecast], most: int = MOST_DRAWN
) -> tuple[ScenarioForecast, ...]:
    """Scenarios that have numbers; where they are many, those that move the headline most."""
    target, milestone = forecast.headline.target, forecast.headline.milestone
    known = [one for one in scenarios if not one.withheld]
    known.sort(key=lambda one: -abs(_asked(one, target, milestone).difference.value))
    return tuple(known[:most])


def draw_scenarios(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Figure:
    """Draw one line a scenario: 90% interval, chance, and change in percentage points.

    Scenarios whose numbers are withheld are left out; the others come in the order of their chance, the
    highest on top.
    """
    target, milestone = forecast.headline.target, forecast.headline.milestone
    base = next(one for one in forecast.target(target).milestones if one.name == milestone)
    found = [(one, _asked(one, target, milestone)) for one in scenarios if not one.withheld]
    found.sort(key=lambda pair: pair[1].probability)
    with report_style():
        figure = blank_figure(0.7 + 0.3 * (len(found) + 1))
        axes = figure.add_subplot()
        chances = [100 * one.probability for _, one in found]
        lows = [100 * one.interval90[0] for _, one in found]
        highs = [100 * one.interval90[1] for _, one in found]
        places = np.arange(len(found), dtype=float)
        top = float(len(found))
        axes.axvline(100 * base.probability, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.hlines(
            [*places, top],
            [*lows, 100 * base.interval90[0]],
            [*highs, 100 * base.interval90[1]],
            color=RULE,
            linewidth=3,
            gid="intervals",
        )
        axes.plot(chances, places, "o", color=ACCENT, markersize=5, linestyle="none", gid="chances")
        axes.plot([100 * base.probability], [top], "D", color=INK, markersize=5, gid="run")
        edge = max([*highs, 100 * base.interval90[1]])
        for place, (_, one) in zip(places, found, strict=True):
            axes.annotate(
                f"{wording.percent(one.probability)}  ({wording.signed_points(one.difference.value)})",
                (edge, place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
            )
        axes.annotate(
            wording.percent(base.probability),
            (edge, top),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
        axes.set_ylim(-0.6, top + 0.6)
        axes.yaxis.set_major_locator(FixedLocator([*places.tolist(), top]))
        axes.yaxis.set_major_formatter(
            FixedFormatter([*(wrap_label(one.label, _LABEL_SIGNS) for one, _ in found), "This forecast"])
        )
        align_tick_labels(axes)
        low = min([*lows, 100 * base.interval90[0]])
        axes.set_xlim(max(0.0, low - 2), edge + 0.28 * (edge - low))
        ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, edge)
        axes.set_xticks([tick for tick in ticks if 0 <= tick <= 100])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}%")
        label, day = forecast.target(target).label, wording.long_day(base.date)
        axes.set_xlabel(f"{one_line(label, 60)} before {day}: chance with its 90% interval")
        axes.spines["left"].set_visible(False)
    return figure


def scenarios_image(forecast: Forecast, scenarios: Sequence[ScenarioForecast], kind: str) -> bytes:
    """Return the figure as a file of a kind: ``svg``, ``png`` or ``pdf``."""
    figure = draw_scenarios(forecast, scenarios)
    if kind == "svg":
        return svg_bytes(figure)
    buffer = io.BytesIO()
    with report_style():
        metadata = {"Creator": None, "CreationDate": None} if kind == "pdf" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=_DPI, facecolor="white", metadata=metadata)
    return buffer.getvalue()


def _asked(scenario: ScenarioForecast, target: str, milestone: str) -> ScenarioMilestone:
    return next(one for one in scenario.target(target).milestones if one.name == milestone)
