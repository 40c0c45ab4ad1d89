"""How the chance grows with time, what counts as each target, and the future acts that are assumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import wording
from forecast.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
    Weight,
    one_group,
)
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.report.drawing import (
    blank_figure,
    day_numbers,
    mark_months,
    note,
    percent_axis,
    report_style,
    spread_labels,
    wrap_label,
)
from forecast.report.palette import MUTED, RULE, category_colour, name_category, target_colour
from forecast.report.questions import (
    MOST_IN_CHART,
    chance,
    chosen_milestones,
    headline_pair,
    seen_before,
    what_counts,
)
from forecast.report.run_records import RunRecords
from forecast.report.sections.basis import MOST_EXPECTED
from forecast.report.sections.course import course_headline
from forecast.report.typeface import MISSING, shorten
from forecast.wording.members import members_sentence

CURVE_HEIGHT = 3.05
"""Inches."""
_ROWS_OF_NAMES = 2
_WIDEST_NAME = 22
_MOST_DESCRIBED = 12


def outlook_section(run: RunRecords) -> Section:
    """Curve of every target, a reading of it, and the definitions behind it."""
    forecast = run.forecast
    chart = Chart(
        name="probability",
        headline=course_headline(forecast, ()),
        alt=describe_curves(forecast),
        caption="Chance that each event has happened by a day, with its plausible range; dots: milestones.",
        draw=lambda: draw_curves(forecast),
    )
    questions = Table(
        name="targets",
        title="What counts as each event, how often it was seen, and how soon it may come",
        columns=(
            Column("Event", 36),
            Column("What counts"),
            Column("In the data", 33),
            Column("Time to the first one", 46),
        ),
        groups=one_group(
            (
                Cell(shorten(target.label, 120), weight="semibold", colour=target_colour(index)),
                Cell(shorten(what_counts(target), 300)),
                Cell(seen_before(target).capitalize()),
                Cell(waiting_time(target, (target.curve.date[-1] - forecast.as_of).days)),
            )
            for index, target in enumerate(forecast.targets)
        ),
    )
    blocks = (
        chart,
        Prose(curve_reading(forecast)),
        *members_blocks(forecast),
        questions,
    )
    return Section("outlook", "How the chance grows with time", blocks)


def members_blocks(forecast: Forecast) -> tuple[Block, ...]:
    """What each member says, beside the forecast; nothing where there is one."""
    if len(forecast.members) < 2:
        return ()
    asked = forecast.headline.milestone
    table = Table(
        name="members",
        title="What each member of the forecast says",
        columns=(
            Column("Before", 24),
            Column("Forecast", 26),
            *(Column(_capital(one.label)) for one in forecast.members),
        ),
        groups=tuple(
            Group(
                label=shorten(target.label, 80),
                colour=target_colour(index),
                rows=tuple(
                    (
                        Cell(wording.short_day(one.date)),
                        _chance_cell(one.probability, one.interval90, "semibold"),
                        *_member_cells(one, [member.name for member in forecast.members]),
                    )
                    for one in chosen_milestones(target.milestones, asked, MOST_IN_CHART)
                ),
            )
            for index, target in enumerate(forecast.targets)
        ),
    )
    reading = (
        f"{members_sentence(forecast.members)} Members do not know the scheduled events; the forecast does."
    )
    return Heading("What each member says"), Prose(reading), table


def _member_cells(milestone: MilestoneForecast, names: Sequence[str]) -> Iterator[Cell]:
    said = {one.name: one for one in milestone.members or ()}
    for name in names:
        one = said.get(name)
        yield _chance_cell(one.probability, one.interval90) if one else Cell("–")


def _chance_cell(probability: float, interval: tuple[float, float], weight: Weight = "regular") -> Cell:
    note = wording.interval_percent(interval)
    return Cell(wording.percent(probability), note=note, value=probability, weight=weight)


def _capital(label: str) -> str:
    return f"{label[:1].upper()}{label[1:]}"


def calendar_section(run: RunRecords) -> Section | None:
    """Acts of the config's calendar with their probability; nothing when page 2 of the brief has them all."""
    acts = sorted(run.analysis.calendar, key=lambda act: (act.date, act.label))
    if not acts or (len(acts) <= MOST_EXPECTED and run.options.shows("brief")):
        return None
    table = Table(
        name="calendar",
        title="Scheduled events that enter the simulation",
        columns=(
            Column("Day", 19),
            Column("Act"),
            Column("Kind", 38),
            Column("Severity", 16, "right"),
            Column("Probability", 19, "right"),
        ),
        groups=one_group(
            (
                Cell(wording.short_day(act.date)),
                Cell(shorten(act.label, 200)),
                Cell(name_category(act.category), swatch=category_colour(act.category)),
                Cell(str(act.severity)),
                Cell(wording.percent(act.probability) if act.probability < 1 else "certain"),
            )
            for act in acts
        ),
    )
    return Section("calendar", "Scheduled events built into the forecast", (table,))


def waiting_time(target: TargetForecast, horizon_days: int) -> str:
    """Days to the first event: median, and the span that holds it with 80 of 100."""
    times = target.time_to_event_days
    beyond = f"beyond {horizon_days:,} days"
    if times.q10 is None:
        return f"In 9 of 10 futures {beyond}"
    middle = f"median {times.q50:,.0f} days" if times.q50 is not None else f"median {beyond}"
    first = f"1 in 10 within {times.q10:,.0f}"
    last = f", 1 in 10 after {times.q90:,.0f} days" if times.q90 is not None else " days"
    return f"{middle.capitalize()}; {first}{last}"


def curve_reading(forecast: Forecast) -> str:
    """Two sentences on the curve of the headline target."""
    target, milestone = headline_pair(forecast)
    curve = target.curve
    crossing = next((day for day, p in zip(curve.date, curve.probability, strict=True) if p >= 0.5), None)
    last = wording.long_day(curve.date[-1])
    half = f"It stays below an even chance to the end of the simulation, {last}."
    if crossing is not None:
        half = f"It passes an even chance on {wording.long_day(crossing)}."
    return (
        f"{shorten(target.label, 80)}: {chance(milestone)} before {wording.long_day(milestone.date)}. {half}"
    )


def describe_curves(forecast: Forecast) -> str:
    """Alt text of the probability figure: every target at its milestones."""
    parts = []
    for target in forecast.targets:
        shown = target.milestones[:_MOST_DESCRIBED]
        values = "; ".join(f"{chance(one)} before {wording.short_day(one.date)}" for one in shown)
        more = "; the rest is in the table on page 1" if len(target.milestones) > len(shown) else ""
        parts.append(f"{shorten(target.label, 80)}: {values}{more}.")
    last = forecast.targets[0].curve.date[-1]
    return (
        "Line chart of the chance that each target has happened by a day, from "
        f"{wording.long_day(forecast.as_of)} to {wording.long_day(last)}. {' '.join(parts)}"
    )


def draw_curves(forecast: Forecast, figure: Figure | None = None) -> Figure:
    """Draw the curve arrays of every target as they are in ``forecast.json``, into a figure if one is given.

    Each line carries its target's name as ``gid`` (``curve:<name>``), each band ``band:<name>``.
    """
    with report_style():
        figure = figure or blank_figure(CURVE_HEIGHT)
        axes = figure.add_subplot()
        first, last = forecast.as_of, max(target.curve.date[-1] for target in forecast.targets)
        start, end = day_numbers((first, last))
        axes.set_xlim(start, end + 0.27 * (end - start))
        percent_axis(axes, start, end)
        mark_months(axes.xaxis, first, last)
        axes.spines["bottom"].set_bounds(start, end)
        headline = forecast.headline.milestone
        _mark_milestones(axes, forecast, start, end)
        taken: list[tuple[float, float]] = []
        for index, target in enumerate(forecast.targets):
            days, colour = day_numbers(target.curve.date), target_colour(index)
            is_headline = target.name == forecast.headline.target
            axes.fill_between(
                days,
                target.curve.lower90,
                target.curve.upper90,
                step="post",
                color=colour,
                alpha=0.18 if is_headline else 0.09,
                linewidth=0,
                gid=f"band:{target.name}",
            )
            axes.plot(
                days,
                target.curve.probability,
                drawstyle="steps-post",
                color=colour,
                linewidth=1.8 if is_headline else 1.1,
                gid=f"curve:{target.name}",
            )
            marked = chosen_milestones(target.milestones, headline, MOST_IN_CHART)
            _mark_values(axes, marked, colour, taken, span=end - start, is_headline=is_headline)
        _name_targets(axes, forecast, end, end - start)
        axes.set_ylabel("Chance that it has happened")
    return figure


def _mark_milestones(axes: Axes, forecast: Forecast, start: float, end: float) -> None:
    headline = forecast.headline.milestone
    by_day = {
        one.date: one
        for target in forecast.targets
        for one in chosen_milestones(target.milestones, headline, MOST_IN_CHART)
    }
    # The headline's name is placed first, so that it is there whatever has to give way.
    order = sorted(by_day.values(), key=lambda one: (one.name != headline, one.date))
    rows: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS_OF_NAMES)]
    unit = (end - start) * 1.27 / 150
    for one in order:
        (day,) = day_numbers((one.date,))
        axes.axvline(day, color=RULE, linewidth=0.8, zorder=0.5)
        name = wrap_label(one.label, _WIDEST_NAME)
        half = 0.5 * unit * (max(_width(line) for line in name.split("\n")) + 2)
        for row, spans in enumerate(rows):
            if all(day + half < left or day - half > right for left, right in spans):
                spans.append((day - half, day + half))
                at, up, weight = (day, 1.0), (0, 4 + 18 * row), 600 if one.name == headline else 400
                note(axes, name, at, up, ha="center", va="bottom", size=8, weight=weight, spacing=0.95)
                break


def _width(line: str) -> float:
    """Length of a line in ordinary letters; capitals and boxes are wider."""
    return sum(1.5 if sign.isupper() or sign == MISSING else 1.0 for sign in line)


def _mark_values(
    axes: Axes,
    milestones: tuple[MilestoneForecast, ...],
    colour: str,
    taken: list[tuple[float, float]],
    *,
    span: float,
    is_headline: bool,
) -> None:
    for one in milestones:
        (x,), y = day_numbers((one.date,)), one.probability
        axes.plot([x], [y], "o", color=colour, markersize=4.2 if is_headline else 3.2, clip_on=False)
        if any(abs(x - other) < 0.05 * span and abs(y - height) < 0.075 for other, height in taken):
            continue
        taken.append((x, y))
        down, va = (-5, "top") if y > 0.9 else (4, "bottom")
        text, weight = wording.percent(y), 600 if is_headline else 400
        note(axes, text, (x, y), (-3, down), ha="right", va=va, size=8, colour=colour, weight=weight)


def _name_targets(axes: Axes, forecast: Forecast, end: float, span: float) -> None:
    ends = [target.curve.probability[-1] for target in forecast.targets]
    places = spread_labels(ends, 0.115, 0.05, 0.95)
    for index, (target, place) in enumerate(zip(forecast.targets, places, strict=True)):
        colour = target_colour(index)
        leader = [end + 0.004 * span, end + 0.018 * span]
        axes.plot(leader, [ends[index], place], color=MUTED, linewidth=0.5, clip_on=False)
        name = wrap_label(target.label, 24)
        axes.text(
            end + 0.024 * span,
            place,
            name,
            color=colour,
            fontsize=8.5,
            va="center_baseline" if "\n" not in name else "center",
            linespacing=0.95,
            weight=600 if target.name == forecast.headline.target else 400,
        )
