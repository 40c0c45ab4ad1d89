"""Values as a notebook shows them: a table and a chart of a few kilobytes, without scripts or styles.

Charts are small SVG in the colour of the page's own text, so that they read on dark pages too. All text of
the data is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from functools import singledispatch
from html import escape
from typing import Any

import numpy as np

from forecast import wording
from forecast.events.codebook import CATEGORIES
from forecast.events.table import EventTable
from forecast.records.forecast import (
    Forecast,
    MilestoneForecast,
    ScenarioForecast,
    ScenarioMilestone,
    TargetForecast,
)
from forecast.report.palette import ACCENT, STAMP, category_colour, name_category, target_colour
from forecast.report.questions import headline_pair, named, shown_error
from forecast.report.sections.scenarios import drawn_scenarios
from forecast.report.typeface import shorten
from forecast.runs.run import Run
from forecast.wording.cautions import HEAD, caution_lines
from forecast.wording.judgement import judgement_sentence, range_sentence

_MOST_MILESTONES, _MOST_TARGETS, _MOST_SCENARIOS, _MOST_EVENTS = 8, 6, 12, 8
_MOST_POINTS = 120
"""Corners of a curve that is drawn; days between them are left out."""
_WIDTH, _HEIGHT = 460, 110
_LEFT = "text-align:left"


@singledispatch
def html_of(value: object) -> str:
    """Return a run, a forecast, a target, a scenario or events as HTML."""
    raise TypeError(f"{type(value).__name__} has no view in notebooks")


@html_of.register
def _of_run(run: Run) -> str:
    where = f" · {escape(str(run.folder))}" if run.folder else ""
    return _of_forecast(run.forecast) + _small(f"{run.n_draws:,} posterior draws{where}")


@html_of.register
def _of_forecast(forecast: Forecast) -> str:
    title = f"{forecast.dyad.label}, as of {wording.long_day(forecast.as_of)}"
    _, milestone = headline_pair(forecast)
    parts = [f"<p><b>{_cut(title, 120)}</b></p>"]
    if not forecast.converged:
        parts.append(f'<p style="color:{STAMP}"><b>DID NOT CONVERGE – do not use these numbers.</b></p>')
    parts.append(f"<p>{escape(judgement_sentence(forecast))} {escape(range_sentence(milestone))}.</p>")
    cautions = caution_lines([one for one in forecast.cautions if one.code != "not_converged"])
    if cautions:
        items = "".join(f"<li>{escape(one)}</li>" for one in cautions)
        parts.append(f"<p>{HEAD}</p><ul>{items}</ul>")
    targets = forecast.targets[:_MOST_TARGETS]
    parts.append(_curves(targets))
    rows = [row for place, target in enumerate(targets) for row in _target_rows(target, place)]
    parts.append(_table(("Target", "Before", "Chance", "Plausible", "", "Past windows", "In words"), rows))
    parts.append(_left_out(len(forecast.targets) - len(targets), "target"))
    shown = drawn_scenarios(forecast, forecast.scenarios, _MOST_SCENARIOS)
    if shown:
        name = forecast.headline.target
        changed = [
            (_cut(one.label, 80), *_change_cells(named(one.target(name).milestones, milestone.name)))
            for one in shown
        ]
        parts.append(_table(("Scenario (of the headline)", "Chance", "Change, points", ""), changed))
    parts.append(_left_out(len(forecast.scenarios) - len(shown), "scenario"))
    return _whole(parts)


@html_of.register
def _of_target(target: TargetForecast) -> str:
    head = f"<b>{_cut(target.label, 120)}</b> (seen {wording.times(target.observed_before)})"
    heads = ("", "Before", "Chance", "Plausible", "", "Past windows", "In words")
    rows = [("", *row[1:]) for row in _target_rows(target, 0)]
    more = _left_out(len(target.milestones) - len(rows), "milestone")
    what = _small(_cut(target.definition, 300))
    return _whole([f"<p>{head}</p>", what, _curves((target,)), _table(heads, rows), more])


@html_of.register
def _of_scenario(scenario: ScenarioForecast) -> str:
    head = f"<p><b>{_cut(scenario.label, 120)}</b></p>"
    if scenario.withheld:
        return _whole([head, _small("No numbers: a new fit is needed and was not wanted.")])
    rows = [
        (_cut(target.label, 60), _day(one.date), *_change_cells(one))
        for target in scenario.targets[:_MOST_TARGETS]
        for one in target.milestones[:_MOST_MILESTONES]
    ]
    why = _small(_cut(scenario.rationale, 300)) if scenario.rationale else ""
    return _whole([head, why, _table(("Target", "Before", "Chance", "Change, points", ""), rows)])


@html_of.register
def _of_events(events: EventTable) -> str:
    if not len(events):
        return _whole(["<p><b>No events</b></p>"])
    first, last = (wording.long_day(events.date[place].item()) for place in (0, -1))
    head = f"<b>{wording.count(len(events), 'event')}</b>, {first} to {last}, {_cut(events.source, 80)}"
    counts = Counter(events.category.tolist())
    most = max(counts.values())
    kinds = [
        (escape(name_category(name)), f"{counts[name]:,}", _bar(counts[name] / most, category_colour(name)))
        for name in (*CATEGORIES, *sorted(counts.keys() - set(CATEGORIES)))
        if counts[name]
    ]
    rows = [
        (
            _day(event.date),
            f"{_cut(event.initiator, 20)} → {_cut(event.recipient, 20)}",
            f"{escape(name_category(event.category))}, {event.severity}",
            _cut(event.summary, 90),
        )
        for event in list(events.select(np.arange(len(events)) >= len(events) - _MOST_EVENTS).rows())[::-1]
    ]
    latest = _table(("Latest", "Who", "Kind, severity", "What"), rows)
    return _whole([f"<p>{head}</p>", _years(events), _table(("Kind", "Events", ""), kinds), latest])


def _target_rows(target: TargetForecast, place: int) -> list[tuple[str, ...]]:
    colour = target_colour(place)
    return [
        (
            f'<span style="color:{colour}">■</span> {_cut(target.label, 60)}' if number == 0 else "",
            _day(one.date),
            f"<b>{escape(wording.percent(one.probability))}</b>",
            _unbroken(wording.interval_percent(one.interval90)),
            _span(one, colour),
            escape(wording.percent(one.baseline.probability)) if target.observed_before else "none",
            escape(one.words),
        )
        for number, one in enumerate(target.milestones[:_MOST_MILESTONES])
    ]


def _change_cells(one: ScenarioMilestone) -> tuple[str, ...]:
    change = f"{wording.signed_points(one.difference.value)} {shown_error(one.difference.mcse)}"
    return f"<b>{escape(wording.percent(one.probability))}</b>", _unbroken(change), _span(one, ACCENT)


def _span(one: MilestoneForecast, colour: str) -> str:
    """90% interval and chance on a line from 0 to 100%."""
    low, high = (round(100 * bound, 1) for bound in one.interval90)
    return (
        '<svg width="104" height="12" viewBox="-2 0 104 12" role="img" '
        f'aria-label="{escape(wording.interval_percent(one.interval90))}">'
        '<line x1="0" y1="6" x2="100" y2="6" stroke="currentColor" stroke-opacity=".25"/>'
        f'<line x1="{low}" y1="6" x2="{high}" y2="6" stroke="{colour}" stroke-width="5" '
        f'stroke-opacity=".45"/><circle cx="{100 * one.probability:.1f}" cy="6" r="4" fill="{colour}"/></svg>'
    )


def _bar(part: float, colour: str) -> str:
    return (
        f'<svg width="104" height="10" role="img" aria-label="{part:.0%} of the most frequent">'
        f'<rect width="{100 * part:.1f}" height="10" fill="{colour}"/></svg>'
    )


def _curves(targets: Sequence[TargetForecast]) -> str:
    """Chance of each target by day, from 0 to 100%."""
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


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th style="{_LEFT}">{escape(head)}</th>' for head in heads)
    cells = ("".join(f'<td style="{_LEFT}">{cell}</td>' for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _day(day: date) -> str:
    return _unbroken(wording.short_day(day))


def _unbroken(text: str) -> str:
    return escape(text).replace(" ", "&nbsp;")


def _left_out(number: int, noun: str) -> str:
    return _small(f"{wording.count(number, noun)} more") if number > 0 else ""


def _small(text: str) -> str:
    return f'<p style="opacity:.75"><small>{text}</small></p>'


def _cut(text: Any, length: int) -> str:  # noqa: ANN401 - whatever an event file holds
    return escape(shorten(str(text), length))


def _whole(parts: Iterable[str]) -> str:
    return f"<div>{''.join(parts)}</div>"
