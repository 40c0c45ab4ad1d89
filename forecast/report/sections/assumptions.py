"""How far the call rests on assumptions: labels, tornado chart, break-evens."""

from __future__ import annotations

from matplotlib.figure import Figure

from forecast import wording
from forecast.records.analysis import AssumptionEffect, Robustness, ShiftEnd
from forecast.records.forecast import Forecast
from forecast.report.blocks import Block, Bullets, Cell, Chart, Column, Group, Heading, Prose, Section, Table
from forecast.report.drawing import (
    blank_figure,
    list_rows,
    note,
    one_line,
    points_axis,
    report_style,
    whiskers,
)
from forecast.report.palette import ACCENT, MUTED, target_colour
from forecast.report.questions import named
from forecast.report.run_records import RunRecords
from forecast.report.typeface import shorten
from forecast.wording.sensitivity import (
    assumed_text,
    bar_title,
    break_even_sentence,
    change_with_error,
    crossing_first,
    label_sentence,
    note_sentence,
    rest_sentence,
)

MOST_BARS = 12
_DOWN = "#8FB3D4"
"""Lighter than the accent, so that both ends differ without colour too."""
_MOST_CROSSINGS = 4
_MOST_MILESTONES = 6
_READING = (
    "Priors ×2 and data ×2: change in percentage points, with its Monte Carlo error, if priors "
    "or data had twice the weight, at the present rate."
)


def assumptions_section(run: RunRecords) -> Section | None:
    """What each number rests on, what assumptions do to the headline, what would change its words."""
    found = run.analysis.robustness
    if found is None or not found.sensitivities:
        return None
    forecast = run.forecast
    asked = (forecast.headline.target, forecast.headline.milestone)
    blocks: list[Block] = [
        Prose(label_sentence(one), lead="The headline.")
        for one in found.sensitivities
        if (one.target, one.milestone) == asked
    ]
    blocks += [_labels(forecast, found), Prose(_READING, tone="fine")]
    if shown_bars(found):
        chart = Chart(
            name="assumptions",
            alt=_describe(found),
            caption="Change of the headline chance for one step down and one step up of each assumption. A "
            "step moves the middle of a prior to its 16% or 84% quantile; an act ahead surely fails to "
            "happen, or surely happens. Whiskers show the Monte Carlo error.",
            draw=lambda: draw_tornado(forecast, found),
        )
        blocks += [Heading("What each assumption does to the headline"), chart]
    if found.break_evens:
        blocks += [Heading("What would change the words"), *_break_evens(forecast, found)]
    return Section("assumptions", "How far the call rests on assumptions", tuple(blocks))


def _labels(forecast: Forecast, found: Robustness) -> Table:
    known = {(one.target, one.milestone): one for one in found.sensitivities}
    groups = []
    for index, target in enumerate(forecast.targets):
        rows = tuple(
            (
                Cell(wording.short_day(milestone.date)),
                Cell(wording.percent(milestone.probability), value=milestone.probability),
                Cell(one.rests_on, weight="semibold"),
                *(
                    Cell(change_with_error(pull.change, pull.mcse), value=pull.change)
                    for pull in (one.priors, one.data)
                ),
                Cell(one.groups[0].name, tone="fine"),
            )
            for milestone in target.milestones
            if (one := known.get((target.name, milestone.name))) is not None
        )
        groups.append(Group(rows=rows, label=shorten(target.label, 80), colour=target_colour(index)))
    return Table(
        name="assumptions",
        title="What each probability rests on",
        columns=(
            Column("Before", 24),
            Column("Chance", 15, "right"),
            Column("Rests on", 26),
            Column("Priors ×2", 26, "right"),
            Column("Data ×2", 26, "right"),
            Column("Most influential priors"),
        ),
        groups=tuple(groups),
    )


def _describe(found: Robustness) -> str:
    def end(one: ShiftEnd) -> str:
        change = "needs a refit" if one.change is None else wording.signed_points(one.change)
        return f"{assumed_text(one.assumed)}: {change}"

    bars = "; ".join(f"{bar_title(bar)}: {end(bar.lower)}, {end(bar.upper)}" for bar in shown_bars(found))
    return f"Bar chart of the change of the headline chance, in percentage points, by assumption. {bars}."


def _break_evens(forecast: Forecast, found: Robustness) -> list[Block]:
    target = forecast.target(found.target)
    blocks: list[Block] = []
    for milestone in target.milestones[-_MOST_MILESTONES:]:
        here = [
            one for one in found.break_evens if (one.target, one.milestone) == (target.name, milestone.name)
        ]
        if not here:
            continue
        crossing = crossing_first(here, target.name, milestone.name)[:_MOST_CROSSINGS]
        lead = f"Before {wording.long_day(milestone.date)} ({wording.percent(milestone.probability)})."
        rest = rest_sentence(here, len(crossing))
        if not crossing:
            blocks.append(Prose(rest, lead=lead))
            continue
        blocks.append(Prose("Each of these alone would:", lead=lead))
        blocks.append(Bullets(tuple(break_even_sentence(one) for one in crossing)))
        blocks += [Prose(rest, tone="fine")] if rest else []
    blocks += [Prose(note_sentence(note, forecast), tone="fine") for note in found.notes]
    return blocks


def shown_bars(robustness: Robustness) -> tuple[AssumptionEffect, ...]:
    """Bars that have something to show, the widest first."""
    known = [bar for bar in robustness.tornado if (bar.lower.change, bar.upper.change) != (None, None)]
    return tuple(known[:MOST_BARS])


def draw_tornado(forecast: Forecast, robustness: Robustness) -> Figure:
    """Draw one bar an assumption: the change of the probability for a step down and a step up, in points.

    Whiskers show ± one Monte Carlo standard error; each end is labelled with what is assumed there.
    """
    bars = shown_bars(robustness)
    target = forecast.target(robustness.target)
    milestone = named(target.milestones, robustness.milestone)
    with report_style():
        figure = blank_figure(0.75 + 0.27 * max(len(bars), 1))
        axes = figure.add_subplot()
        places = list_rows(axes, [one_line(bar_title(bar), 52) for bar in bars])
        for place, bar in zip(places, bars, strict=True):
            for end, colour, other in ((bar.lower, _DOWN, bar.upper), (bar.upper, ACCENT, bar.lower)):
                if end.change is None:
                    continue
                change = 100 * end.change
                axes.barh(place, change, height=0.55, color=colour, gid=f"bar:{bar.name}")
                error = 100 * (end.mcse or 0.0)
                whiskers(axes, change, place, error)
                same_side = other.change is not None and other.change * end.change > 0
                smaller = same_side and abs(other.change or 0.0) > abs(end.change)
                outward = (-1 if end.change < 0 else 1) * (-1 if smaller else 1)
                origin = 0.0 if smaller else change + outward * error
                text, ha = assumed_text(end.assumed), "left" if outward > 0 else "right"
                note(axes, text, (origin, place), (4 * outward, 0), ha=ha, size=6.8, colour=MUTED)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        ends = [end for bar in bars for end in (bar.lower, bar.upper) if end.change]
        reach = max((100 * (abs(end.change or 0) + (end.mcse or 0)) for end in ends), default=1.0)
        axes.set_xlim(-1.45 * reach, 1.45 * reach)
        points_axis(
            axes,
            f"Change of {wording.percent(milestone.probability)} in percentage points "
            "(light: one step down, dark: one step up)",
        )
    return figure
