"""``run.plot``: the charts of the report as Matplotlib axes, for a notebook or a script of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.errors import InputError
from forecast.report.curves import CURVE_HEIGHT, draw_curves
from forecast.report.drawing import WIDTH_INCHES, report_style
from forecast.report.sections.drivers import clear_drivers, draw_drivers, drivers_height
from forecast.report.sections.scenarios import draw_scenarios, drawn_scenarios, scenarios_height
from forecast.report.sections.tension import TENSION_HEIGHT, draw_tension

if TYPE_CHECKING:
    from forecast.runs.run import Run


class RunPlots:
    """Charts of a run. Each draws into a new figure of ``matplotlib.pyplot`` and returns its axes."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __repr__(self) -> str:
        return "charts of a run: curve(), tension(), drivers(), scenarios()"

    def curve(self) -> Axes:
        """Draw the probability of every target by day, with its 90% interval."""
        (axes,) = _shown(draw_curves(self._run.forecast, _new_figure(CURVE_HEIGHT)))
        return axes

    def tension(self) -> tuple[Axes, Axes, Axes]:
        """Draw tension with its 90% interval, the chance of each state, and the events.

        Raises
        ------
        InputError
            The run has no analysis.
        """
        run = self._run
        if run.analysis is None:
            raise InputError("no tension to draw: the run is still being made, without its analysis")
        figure = _new_figure(TENSION_HEIGHT)
        upper, middle, lower = _shown(draw_tension(run.analysis.tension, run.events, run.forecast, figure))
        return upper, middle, lower

    def drivers(self) -> Axes:
        """Draw what each past event changes of the headline probability, with twice its error.

        Raises
        ------
        InputError
            No event stands out, or drivers were not measured.
        """
        shown = clear_drivers(self._run.forecast)
        if not shown:
            raise InputError(
                "no drivers to draw: no event moves the headline by more than twice its error, or drivers "
                "were not measured (make_forecast with drivers=False)"
            )
        (axes,) = _shown(draw_drivers(shown, _new_figure(drivers_height(shown))))
        return axes

    def scenarios(self) -> Axes:
        """Draw the headline probability under each scenario, with its 90% interval.

        Raises
        ------
        InputError
            The run has no scenario with numbers.
        """
        forecast = self._run.forecast
        shown = drawn_scenarios(forecast, forecast.scenarios)
        if not shown:
            raise InputError("no scenarios to draw: name scenario files in the config (scenarios: …)")
        (axes,) = _shown(draw_scenarios(forecast, shown, _new_figure(scenarios_height(len(shown)))))
        return axes


def _new_figure(height: float) -> Figure:
    # Through pyplot, unlike the figures of a report: notebooks show what pyplot holds. White, as the report's
    # ink is dark whatever the page.
    with report_style():
        return plt.figure(figsize=(WIDTH_INCHES, height), layout="constrained", facecolor="white")


def _shown(figure: Figure) -> list[Axes]:
    # Fonts are looked up at the first drawing, which tells of a missing weight outside the report's style.
    with report_style():
        figure.draw_without_rendering()
    return figure.axes
