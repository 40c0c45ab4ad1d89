"""Values as a notebook shows them: blocks of a few kilobytes, without scripts or styles; charts as axes.

Charts are small SVG in the colour of the page's own text, so that they read on dark pages too. All text of
the data is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import wording
from forecast.blocks import Bar, Block, Cell, Group, Heading, Prose, Table, cells, plain_table, right
from forecast.errors import InputError
from forecast.events.codebook import CATEGORIES
from forecast.events.table import EventTable
from forecast.records.forecast import Forecast, Headline, ScenarioForecast, TargetForecast
from forecast.report.answers import headline_scenarios
from forecast.report.curves import COURSE_HEIGHT, draw_course
from forecast.report.drawing import WIDTH_INCHES, report_style
from forecast.report.headline import MilestoneColumn, alarm, cautions, milestone_table
from forecast.report.html_page import render_blocks
from forecast.report.judgement import judgement_sentence, shown_change
from forecast.report.palette import ACCENT, category_colour, name_category, target_colour
from forecast.report.sections.scenarios import draw_scenarios, drawn_scenarios, scenarios_height
from forecast.report.sections.sources import clear_drivers, draw_drivers, drivers_height
from forecast.report.sections.tension import TENSION_HEIGHT, draw_tension
from forecast.report.typesetting import shorten
from forecast.runs.run import Run

_MOST_MILESTONES, _MOST_TARGETS, _MOST_SCENARIOS, _MOST_EVENTS = 8, 6, 12, 8
_MOST_POINTS = 120
"""Corners of a curve that is drawn; days between them are left out."""
_WIDTH, _HEIGHT = 460, 110
_COLUMNS: dict[MilestoneColumn, float | None] = dict.fromkeys(
    ("day", "chance", "range", "track", "windows", "words")
)


@singledispatch
def html_of(value: object) -> str:
    """Return a run, a forecast, a target, a scenario or events as HTML."""
    raise TypeError(f"{type(value).__name__} has no view in notebooks")


@html_of.register
def _of_run(run: Run) -> str:
    where = f" · {run.folder}" if run.folder else ""
    draws = Prose(f"{run.n_draws:,} posterior draws{where}", tone="fine")
    return _of_forecast(run.forecast) + render_blocks([draws])


@html_of.register
def _of_forecast(forecast: Forecast) -> str:
    above = (
        Heading(shorten(f"{forecast.dyad.label}, as of {wording.long_day(forecast.as_of)}", 120)),
        *alarm(forecast),
        Prose(judgement_sentence(forecast)),
        *cautions(forecast),
    )
    targets = forecast.targets[:_MOST_TARGETS]
    below: list[Block] = [_milestones(targets, forecast.headline)]
    below += _left_out(len(forecast.targets) - len(targets), "target")
    if forecast.scenarios:
        below += headline_scenarios(forecast, _MOST_SCENARIOS)
        below += _left_out(len(forecast.scenarios) - _MOST_SCENARIOS, "scenario")
    return _whole(above, _curves(targets), below)


@html_of.register
def _of_target(target: TargetForecast) -> str:
    more = _left_out(len(target.milestones) - _MOST_MILESTONES, "milestone")
    return _whole([], _curves((target,)), [_milestones((target,)), *more])


@html_of.register
def _of_scenario(scenario: ScenarioForecast) -> str:
    heading = Heading(shorten(scenario.label, 120))
    if scenario.withheld:
        said = Prose("No numbers: a new fit is needed and was not wanted.", tone="fine")
        return _whole([heading, said], "", [])
    groups = [
        Group(
            label=shorten(target.label, 90),
            rows=tuple(
                cells(
                    wording.short_day(milestone.date),
                    wording.percent(milestone.probability),
                    shown_change(milestone.difference.value, milestone.difference.mcse),
                )
                for milestone in target.milestones[:_MOST_MILESTONES]
            ),
        )
        for target in scenario.targets[:_MOST_TARGETS]
    ]
    table = Table(columns=(right("Before"), right("Chance"), right("Change, points")), groups=tuple(groups))
    why = [Prose(shorten(scenario.rationale, 300), tone="fine")] if scenario.rationale else []
    return _whole([heading, *why], "", [table])


@html_of.register
def _of_events(events: EventTable) -> str:
    if not len(events):
        return _whole([Heading("No events")], "", [])
    first, last = (wording.long_day(events.date[place].item()) for place in (0, -1))
    title = f"{wording.count(len(events), 'event')}, {first} to {last}, {shorten(events.source, 80)}"
    counts = Counter(events.category.tolist())
    most = max(counts.values())
    kinds = (
        (
            name_category(name),
            f"{counts[name]:,}",
            Cell(mark=Bar(value=counts[name] / most, colour=category_colour(name))),
        )
        for name in (*CATEGORIES, *sorted(counts.keys() - set(CATEGORIES)))
        if counts[name]
    )
    rows = (
        (
            wording.short_day(event.date),
            f"{shorten(event.initiator, 20)} → {shorten(event.recipient, 20)}",
            f"{name_category(event.category)}, {event.severity}",
            shorten(event.summary, 90),
        )
        for event in list(events.select(np.arange(len(events)) >= len(events) - _MOST_EVENTS).rows())[::-1]
    )
    tables = (
        plain_table(("Kind", right("Events"), ""), kinds),
        plain_table((right("Latest"), "Who", "Kind, severity", "What"), rows),
    )
    return _whole([Heading(title)], _years(events), tables)


def _milestones(targets: Sequence[TargetForecast], asked: Headline | None = None) -> Table:
    return milestone_table(
        enumerate(targets),
        _COLUMNS,
        asked=asked,
        shown=lambda target: target.milestones[:_MOST_MILESTONES],
        colour=target_colour,
        detail=lambda target: shorten(target.definition, 300),
    )


def _left_out(number: int, noun: str) -> Iterator[Block]:
    if number > 0:
        yield Prose(f"{wording.count(number, noun)} more", tone="fine")


def _whole(above: Iterable[Block], chart: str, below: Iterable[Block]) -> str:
    return f"<div>{render_blocks(above)}{chart}{render_blocks(below)}</div>"


def _curves(targets: Sequence[TargetForecast]) -> str:
    """Chance of each target by day, from 0 to 100%; nothing of a single day."""
    if not targets or len(targets[0].curve.date) < 2:
        return ""
    lines = []
    for place, target in enumerate(targets):
        chances = np.asarray(target.curve.probability)
        days = np.unique(
            np.linspace(0, len(chances) - 1, min(len(chances), _MOST_POINTS)).round().astype(int)
        )
        x = days / (len(chances) - 1) * _WIDTH
        corners = " ".join(
            f"{a:.0f},{(1 - chances[day]) * _HEIGHT:.1f}" for a, day in zip(x, days, strict=True)
        )
        lines.append(
            f'<polyline points="{corners}" fill="none" stroke="{target_colour(place)}" stroke-width="2"/>'
        )
    first, last = targets[0].curve.date[0], targets[0].curve.date[-1]
    grid = "".join(
        f'<line x1="0" x2="{_WIDTH}" y1="{_HEIGHT * part}" y2="{_HEIGHT * part}" stroke="currentColor" '
        'stroke-opacity=".2"/>'
        for part in (0, 0.5, 1)
    )
    return _chart(
        "Chance that each target has happened by a day",
        grid + "".join(lines),
        (
            wording.short_day(first),
            "chance that it has happened, 0 to 100%",
            wording.short_day(last),
        ),
    )


def _years(events: EventTable) -> str:
    """Events a year."""
    years, counts = np.unique(events.date.astype("datetime64[Y]").astype(int) + 1970, return_counts=True)
    first, last = int(years[0]), int(years[-1])
    step = _WIDTH / (last - first + 1)
    bars = "".join(
        f'<rect x="{(year - first) * step:.1f}" y="{_HEIGHT * (1 - number / counts.max()):.1f}" '
        f'width="{max(step - 2, 0.5):.1f}" height="{_HEIGHT * number / counts.max():.1f}" fill="{ACCENT}">'
        f"<title>{year}: {number:,}</title></rect>"
        for year, number in zip(years.tolist(), counts.tolist(), strict=True)
    )
    return _chart("Events a year", bars, (str(first), f"events a year, at most {counts.max():,}", str(last)))


def _chart(label: str, marks: str, below: tuple[str, str, str]) -> str:
    places = (("0", "start"), (f"{_WIDTH / 2}", "middle"), (f"{_WIDTH}", "end"))
    texts = "".join(
        f'<text x="{x}" y="{_HEIGHT + 15}" text-anchor="{anchor}" fill="currentColor" font-size="11">'
        f"{escape(text)}</text>"
        for (x, anchor), text in zip(places, below, strict=True)
    )
    return (
        f'<svg width="{_WIDTH + 8}" height="{_HEIGHT + 26}" viewBox="-4 -4 {_WIDTH + 8} {_HEIGHT + 26}" '
        f'role="img" aria-label="{escape(label)}">{marks}{texts}</svg>'
    )


class RunPlots:
    """Charts of a run. Each draws into a new figure of ``matplotlib.pyplot`` and returns its axes."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __repr__(self) -> str:
        return "charts of a run: curve(), tension(), drivers(), scenarios()"

    def curve(self) -> Axes:
        """Draw the probability of every target by day, the headline with its 90% interval."""
        (axes,) = _shown(draw_course(self._run.forecast, (), _new_figure(COURSE_HEIGHT)))
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
    import matplotlib.pyplot as plt

    with report_style():
        return plt.figure(figsize=(WIDTH_INCHES, height), layout="constrained", facecolor="white")


def _shown(figure: Figure) -> list[Axes]:
    # Fonts are looked up at the first drawing, which tells of a missing weight outside the report's style.
    with report_style():
        figure.draw_without_rendering()
    return figure.axes
