"""Every target before every milestone; and how grave each would be, as the author judges."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import wording
from forecast.blocks import Beside, Cell, Chart, Column, Prose, Section, Table, one_group
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.report.drawing import (
    align_tick_labels,
    blank_figure,
    fix_ticks,
    note,
    one_line,
    report_style,
)
from forecast.report.headline import MilestoneColumn, milestone_table
from forecast.report.judgement import chance, headline_pair, named
from forecast.report.palette import RULE, target_colour
from forecast.report.previous_run import change_sentences
from forecast.report.run_records import IMPACT_LEVELS, ReportOptions, RunRecords
from forecast.report.typesetting import shorten

_READING = (
    "Words are those of ICD 203 for the chance itself. Past windows: the share of past windows of the same "
    "length that held the event, with half a window added on either side. Constant rate: one rate on every "
    "day, "
    "from the days with the event. Neither is given where the event was never seen. Error: Monte Carlo "
    "standard "
    "error, in percentage points."
)
_WIDTHS: dict[MilestoneColumn, float | None] = {
    "milestone": None,
    "track": 18,
    "chance": 12,
    "range": 17,
    "words": 29,
    "windows": 14,
    "rate": 14,
    "error": 10,
}
WIDTH_MM = 96.0
_LABEL_LEFT_FROM = 50.0
"""Percent from which the name of a target ends at the right edge."""
_TARGETS_A_ROW = 1.5
"""Targets of one level that fit a row of the chart's usual height without their names touching."""
_MM_AN_INCH = 25.4
_TEXT_WIDTH_MM = 170.0
_GUTTER_MM = 9.0


def milestones_section(run: RunRecords) -> Section:
    """Chance, range, words, base rates, error, what it rests on, and change of every question."""
    widths, reading = _WIDTHS, _READING
    if run.previous:
        widths = _WIDTHS | {"track": 15, "change": 12}
        reading += (
            f" Change: in percentage points since {wording.long_day(run.previous.as_of)}; ≈ is less than "
            "one, or within twice its Monte Carlo error."
        )
    forecast = run.forecast
    table = milestone_table(
        enumerate(forecast.targets),
        widths,
        asked=forecast.headline,
        colour=target_colour,
        previous=run.previous,
    )
    changes = tuple(Prose(one) for one in change_sentences(run.forecast, run.previous))
    return Section("milestones", "Every event and milestone", (*changes, table, Prose(reading, tone="fine")))


def impact_section(run: RunRecords) -> Section | None:
    """Matrix of the targets with an impact in the config, at the headline milestone; else nothing."""
    forecast, impact = run.forecast, run.options.impact
    judged = [(index, target) for index, target in enumerate(forecast.targets) if target.name in impact]
    if not judged:
        return None
    _, headline = headline_pair(forecast)
    chances = {target.name: named(target.milestones, headline.name) for _, target in judged}
    judged.sort(key=lambda one: -IMPACT_LEVELS.index(impact[one[1].name].level))
    table = Table(
        name="impact",
        title="Impact of each target and its rationale",
        columns=(Column("Target and impact", 26), Column("Why")),
        groups=one_group(
            (
                Cell(
                    shorten(target.label, 120),
                    note=impact[target.name].level.capitalize(),
                    weight="semibold",
                    colour=target_colour(index),
                ),
                Cell(impact[target.name].rationale),
            )
            for index, target in judged
        ),
    )
    chart = Chart(
        name="impact",
        headline=_headline(run, chances),
        alt=_describe(run, [target for _, target in judged], chances),
        caption="Chance with its plausible range, by how grave the event would be.",
        draw=lambda: draw_impact(forecast, run.options, headline.name),
    )
    intro = (
        f"Chance of each event before {wording.long_day(headline.date)}, against its impact. The impact is "
        "a judgement of the author, not of the model."
    )
    if unjudged := len(forecast.targets) - len(judged):
        verb = "has" if unjudged == 1 else "have"
        intro += f" {wording.count(unjudged, 'event').capitalize()} {verb} no impact in the config."
    matrix = Beside(left=(chart,), right=(table,), right_width=_TEXT_WIDTH_MM - WIDTH_MM - _GUTTER_MM)
    return Section("impact", "Likelihood and impact", (Prose(intro), matrix))


def _headline(run: RunRecords, chances: dict[str, MilestoneForecast]) -> str:
    """Name the gravest of the targets, and the likeliest where it is another."""
    targets = {target.name: target.label for target in run.forecast.targets}
    gravest = max(chances, key=lambda name: IMPACT_LEVELS.index(run.options.impact[name].level))
    likeliest = max(chances, key=lambda name: chances[name].probability)
    said = f"The gravest event has a chance of {wording.percent(chances[gravest].probability)}"
    if gravest == likeliest:
        return f"{said}, and is the likeliest: {targets[gravest]}"
    return f"{said}, the likeliest {wording.percent(chances[likeliest].probability)}"


def _describe(run: RunRecords, targets: list[TargetForecast], chances: dict[str, MilestoneForecast]) -> str:
    parts = "; ".join(
        f"{shorten(target.label, 80)}: impact {run.options.impact[target.name].level}, "
        f"chance {chance(chances[target.name])}"
        for target in targets
    )
    return f"Matrix of likelihood by impact. {parts}."


def draw_impact(forecast: Forecast, options: ReportOptions, milestone: str) -> Figure:
    """Draw each target with an impact at its chance, one row a level (``gid`` is ``impact:<target>``)."""
    judged = [
        (index, target, named(target.milestones, milestone))
        for index, target in enumerate(forecast.targets)
        if target.name in options.impact
    ]
    with report_style():
        levels = [options.impact[target.name].level for _, target, _ in judged]
        most = max(map(levels.count, levels), default=1)
        figure = blank_figure(2.3 * max(1.0, most / _TARGETS_A_ROW), width_inches=WIDTH_MM / _MM_AN_INCH)
        axes = figure.add_subplot()
        axes.set_xlim(-2, 102)
        axes.set_ylim(-0.5, len(IMPACT_LEVELS) - 0.5)
        axes.hlines([k + 0.5 for k in range(len(IMPACT_LEVELS) - 1)], -2, 102, color=RULE, linewidth=0.5)
        fix_ticks(axes.yaxis, range(len(IMPACT_LEVELS)), [level.capitalize() for level in IMPACT_LEVELS])
        fix_ticks(axes.xaxis, [0, 25, 50, 75, 100], ["0%", "25%", "50%", "75%", "100%"])
        axes.tick_params(axis="y", length=0)
        align_tick_labels(axes)
        axes.set_xlabel("Chance")
        axes.set_ylabel("Impact")
        for level, name in enumerate(IMPACT_LEVELS):
            here = [one for one in judged if options.impact[one[1].name].level == name]
            for place, (index, target, one) in enumerate(here):
                _draw_target(axes, target, one, target_colour(index), level, (place, len(here)))
    return figure


def _draw_target(
    axes: Axes,
    target: TargetForecast,
    one: MilestoneForecast,
    colour: str,
    level: int,
    among: tuple[int, int],
) -> None:
    place, number = among
    height = level + (0.5 - (place + 0.5) / number) * 0.9 - 0.16 / number
    low, high = (100 * end for end in one.interval90)
    middle = 100 * one.probability
    axes.plot([low, high], [height] * 2, color=colour, linewidth=4, alpha=0.3, solid_capstyle="butt")
    axes.plot([middle], [height], "o", color=colour, markersize=5, gid=f"impact:{target.name}", clip_on=False)
    text = f"{one_line(target.label, 42)}: {wording.percent(one.probability)}"
    right = middle > _LABEL_LEFT_FROM
    at = (102.0 if right else max(low, 0.0), height)
    note(axes, text, at, (0, 8), ha="right" if right else "left", colour=colour, weight=600)
