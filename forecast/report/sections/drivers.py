"""Which past events move the headline chance, and what can be seen ahead that would change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure

from forecast import wording
from forecast.blocks import Bar, Block, Cell, Column, Heading, Prose, Section, Table, one_group
from forecast.events.codebook import weak_kind
from forecast.events.table import Event
from forecast.records.explained import Driver, Indicator, WaterfallStep
from forecast.records.forecast import Forecast
from forecast.report.drawing import blank_figure, list_rows, one_line, points_axis, report_style
from forecast.report.judgement import headline_pair, shown_error, stands_out, step_name
from forecast.report.palette import ACCENT, INK, MUTED, category_colour, name_category
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import shorten, web_address
from forecast.wording import in_sentence

TITLE = "Where the number comes from, and which past events move it"
_SOURCES = (
    "Each line adds one source to those above it. Own rates: this pair's rates over the whole record, with "
    "recent events, tension and the level of conflict held at their averages. Other pairs: the mean with the "
    "members that were learned on other pairs of countries."
)
_MOST_ON_PAGE_1 = 4
_INDICATORS = (
    "“Nothing of the kind” and “nothing of the kind, but …” are read off the run's own futures: the share "
    "that still "
    "meet "
    "the headline event by its milestone, among those in which the condition holds. “One more act” puts "
    "one act "
    "of that kind and severity into every future, on any day before the one named. A change within twice its "
    "Monte Carlo error is shown as a dash."
)


def drivers_section(run: RunRecords) -> Section:
    """One table of the events whose effect is clear, with bars and sources; how they were found."""
    forecast = run.forecast
    steps = _waterfall(forecast)
    if not forecast.drivers:
        unknown = Prose("Which past events move the number was not measured.")
        return Section("drivers", TITLE, (*steps, unknown))
    shown = clear_drivers(forecast)
    intro = Prose(_intro(forecast, len(shown), run.analysis.data.rows))
    if not shown:
        return Section("drivers", TITLE, (*steps, intro))
    events = {event.id: event for event in run.events.rows()}
    most = max(abs(one.change) for one in shown)
    now = wording.percent(headline_pair(forecast)[1].probability)
    table = Table(
        name="drivers",
        title=f"Change of the {now} due to each event, in percentage points",
        columns=(
            Column("Change", 14, "right"),
            Column("Error", 12, "right"),
            Column("Size", 16),
            Column("Day", 18),
            Column("Kind, severity", 30),
            Column("What happened"),
            Column("Source", 32),
        ),
        groups=one_group(_row(one, events.get(one.event_id), most) for one in shown),
    )
    return Section("drivers", TITLE, (*steps, intro, table, *_shared_sources(shown, events)))


def _waterfall(forecast: Forecast) -> tuple[Block, ...]:
    """From a base rate to the headline, source by source; nothing where it was not measured."""
    if not forecast.waterfall:
        return ()
    first, *steps = forecast.waterfall
    most = max(abs(one.change) for one in steps) or 1.0
    rows = [(Cell(step_name(forecast, first)), Cell(""), Cell(""), Cell(""), _so_far(first))]
    for one in steps:
        bar = Bar(value=abs(one.change) / most, colour=ACCENT if one.change > 0 else MUTED)
        change = Cell(wording.signed_points(one.change), weight="semibold", value=one.change)
        error = Cell(shown_error(one.error), tone="fine", value=one.error)
        rows.append((Cell(step_name(forecast, one)), change, error, Cell(mark=bar), _so_far(one)))
    table = Table(
        name="waterfall",
        title="From a base rate to the number, in percentage points",
        columns=(
            Column("Source"),
            Column("Change", 16, "right"),
            Column("Error", 14, "right"),
            Column("Size", 22),
            Column("Chance so far", 24, "right"),
        ),
        groups=one_group(rows),
    )
    return Heading("Where the number comes from"), Prose(_SOURCES), table


def _so_far(step: WaterfallStep) -> Cell:
    return Cell(wording.percent(step.probability), value=step.probability)


def clear_drivers(forecast: Forecast) -> tuple[Driver, ...]:
    """Events that move the headline by more than twice their error, the largest rise first."""
    clear = [one for one in forecast.drivers if stands_out(one.change, one.mcse)]
    return tuple(sorted(clear, key=lambda one: (-one.change, one.date, one.event_id)))


def drivers_height(drivers: Sequence[Driver]) -> float:
    """Inches that the chart of these events needs."""
    return 0.8 + 0.3 * len(drivers)


def draw_drivers(drivers: Sequence[Driver], figure: Figure | None = None) -> Figure:
    """Draw the change that each event makes, in points, with twice its error; in the order given."""
    with report_style():
        figure = figure or blank_figure(drivers_height(drivers))
        axes = figure.add_subplot()
        names = [one_line(f"{wording.short_day(one.date)}: {one.summary}", 64) for one in drivers]
        places = list_rows(axes, names)
        changes = [100 * one.change for one in drivers]
        errors = [200 * one.mcse for one in drivers]
        colours = [category_colour(one.category) for one in drivers]
        axes.barh(places, changes, height=0.55, color=colours)
        axes.errorbar(changes, places, xerr=errors, fmt="none", ecolor=INK, elinewidth=0.9, gid="errors")
        axes.axvline(0, color=MUTED, linewidth=0.8)
        points_axis(axes, "Change of the headline chance due to the event, points, ± twice its error")
    return figure


def _row(driver: Driver, event: Event | None, most: float) -> tuple[Cell, ...]:
    url = web_address(event.source_url) if event is not None else None
    return (
        Cell(wording.signed_points(driver.change), weight="semibold", value=driver.change),
        Cell(shown_error(driver.mcse), tone="fine", value=driver.mcse),
        Cell(mark=Bar(value=abs(driver.change) / most, colour=category_colour(driver.category))),
        Cell(wording.short_day(driver.date)),
        Cell(f"{name_category(driver.category)}, {driver.severity}", swatch=category_colour(driver.category)),
        Cell(shorten(driver.summary, 320)),
        Cell(shorten(driver.source, 120) or "–", note=_doubt(event), url=url),
    )


def _doubt(event: Event | None) -> str:
    """Say what is weak about the source of an event; empty for none that is known."""
    if event is None or web_address(event.source_url) is None:
        return "no address"
    doubts = (
        "page not read" if not event.verified else "",
        f"weak: {kind}" if (kind := weak_kind(event.source_url)) else "",
    )
    return ", ".join(filter(None, doubts))


def _intro(forecast: Forecast, shown: int, rows: int) -> str:
    target, milestone = headline_pair(forecast)
    subject = f"{in_sentence(shorten(target.label, 60))} before {wording.long_day(milestone.date)}"
    tried = forecast.drivers_tried
    how = f"The {tried} of {rows:,} events" if tried else "The events"
    found = "No event moves it" if not shown else f"{wording.small_number(shown).capitalize()} of them "
    found += " by" if not shown else f"{'moves' if shown == 1 else 'move'} it by"
    return (
        f"{how} that could matter most (the latest past cases, and those that weigh most on the present) "
        "were "
        f"left out one at a time and the chance of {subject} worked out again. {found} more than twice its "
        "Monte Carlo error. A positive change means that the "
        "event raised the chance. The changes do not add up: events act together."
    )


def _shared_sources(drivers: tuple[Driver, ...], events: dict[str, Event]) -> tuple[Prose, ...]:
    """Name the article that several of the events rest on."""
    titles = Counter(
        (one.source_outlet, one.source_title)
        for driver in drivers
        if (one := events.get(driver.event_id)) is not None and one.source_title
    )
    return tuple(
        Prose(
            f"{wording.small_number(number).capitalize()} of these rest on one article: {outlet}, “{title}”."
        )
        for (outlet, title), number in titles.items()
        if number > 1
    )


def indicators_section(run: RunRecords) -> Section | None:
    """Every indicator with its day, the chance then, and its change; nothing where none was measured."""
    forecast = run.forecast
    if not forecast.indicators:
        return None
    target, milestone = headline_pair(forecast)
    table = Table(
        name="indicators",
        title=f"{target.label} before {wording.long_day(milestone.date)}: the chance once this is seen",
        columns=(
            Column("What is seen"),
            Column("Before", 24),
            Column("Chance then", 22, "right"),
            Column("Change", 18, "right"),
            Column("Error", 14, "right"),
        ),
        groups=one_group(
            (
                Cell(what_is_seen(forecast, one)),
                Cell(wording.short_day(one.by)),
                Cell(wording.percent(one.probability), weight="semibold", value=one.probability),
                Cell(wording.signed_points(one.change) if is_clear(one) else "–", value=one.change),
                Cell(shown_error(one.mcse), tone="fine", value=one.mcse),
            )
            for one in forecast.indicators
        ),
    )
    return Section("indicators", "What would change the number", (table, Prose(_INDICATORS, tone="fine")))


def is_clear(one: Indicator) -> bool:
    """Whether the change is more than twice its error."""
    return stands_out(one.change, one.mcse)


def what_is_seen(forecast: Forecast, one: Indicator) -> str:
    """What the indicator watches, without its day."""
    if one.code == "quiet":
        return "Nothing of the kind so far"
    if one.code == "other_target":
        return f"Nothing of the kind, but {in_sentence(forecast.target(one.target or '').label)}"
    return f"One more {name_category(one.category or '').lower()} of severity {one.severity}"


def chosen_indicators(forecast: Forecast) -> tuple[Indicator, ...]:
    """Those of page 1: quiet until the next milestones, another event met, the act that moves most."""
    quiet = [one for one in forecast.indicators if one.code == "quiet"][:2]
    others = [one for one in forecast.indicators if one.code == "other_target"][:1]
    acts = sorted((one for one in forecast.indicators if one.code == "act"), key=lambda one: -abs(one.change))
    return tuple([*quiet, *others, *acts][:_MOST_ON_PAGE_1])


def indicator_sentence(forecast: Forecast, one: Indicator) -> str:
    """What is seen by when, and the chance then."""
    day, then = wording.long_day(one.by), wording.percent(one.probability)
    if one.code == "quiet":
        return f"No such event before {day}: {then}."
    if one.code == "other_target":
        return f"{forecast.target(one.target or '').label} but no such event before {day}: {then}."
    said = f"One more {name_category(one.category or '').lower()} of severity {one.severity} before {day}"
    if not is_clear(one):
        return f"{said}: no measurable change."
    return f"{said}: {wording.signed_points(one.change)} points, to {then}."
