"""Likelihood × impact: how grave each target would be, as the author judges, beside how likely it is."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import wording
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.report.blocks import Beside, Cell, Chart, Column, Prose, Section, Table, one_group
from forecast.report.drawing import (
    align_tick_labels,
    blank_figure,
    fix_ticks,
    report_style,
    spread_labels,
    wrap_label,
)
from forecast.report.palette import MUTED, RULE, target_colour
from forecast.report.questions import chance, headline_pair, named
from forecast.report.run_records import IMPACT_LEVELS, ReportOptions, RunRecords
from forecast.report.typeface import shorten

WIDTH_MM = 96.0
_MM_AN_INCH = 25.4
_TEXT_WIDTH_MM = 170.0
_GUTTER_MM = 9.0


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
        alt=_describe(run, [target for _, target in judged], chances),
        caption="Chance with its 90% interval, by how grave the target would be.",
        draw=lambda: draw_impact(forecast, run.options, headline.name),
    )
    intro = (
        f"Chance of each target before {wording.long_day(headline.date)}, against its impact. The impact is "
        "a judgement of the author, not of the model."
    )
    if unjudged := len(forecast.targets) - len(judged):
        verb = "has" if unjudged == 1 else "have"
        intro += f" {wording.count(unjudged, 'target').capitalize()} {verb} no impact in the config."
    matrix = Beside(left=(chart,), right=(table,), right_width=_TEXT_WIDTH_MM - WIDTH_MM - _GUTTER_MM)
    return Section("impact", "Likelihood and impact", (Prose(intro), matrix))


def _describe(run: RunRecords, targets: list[TargetForecast], chances: dict[str, MilestoneForecast]) -> str:
    parts = "; ".join(
        f"{shorten(target.label, 80)}: impact {run.options.impact[target.name].level}, "
        f"chance {chance(chances[target.name])}"
        for target in targets
    )
    return f"Matrix of likelihood by impact. {parts}."


def draw_impact(forecast: Forecast, options: ReportOptions, milestone: str) -> Figure:
    """Draw each target with an impact at its chance (``gid`` is ``impact:<target>``) over ICD-203 bands."""
    with report_style():
        figure = blank_figure(2.1, width_inches=WIDTH_MM / _MM_AN_INCH)
        axes = figure.add_subplot()
        left, right = -0.5, len(IMPACT_LEVELS) - 0.5
        axes.set_xlim(left, right)
        axes.set_ylim(0, 1)
        bounds = sorted({bound / 100 for _, *band in wording.BANDS for bound in band} - {0.01, 0.99})
        axes.hlines(bounds, left, right, color=RULE, linewidth=0.5, zorder=0.4)
        between = [k + 0.5 for k in range(len(IMPACT_LEVELS) - 1)]
        axes.vlines(between, 0, 1, color=RULE, linewidth=0.5, zorder=0.4)
        middles = [0.025, 0.125, 0.325, 0.5, 0.675, 0.875, 0.975]
        fix_ticks(axes.yaxis, middles, [name.capitalize() for name, _, _ in wording.BANDS])
        fix_ticks(axes.xaxis, range(len(IMPACT_LEVELS)), [level.capitalize() for level in IMPACT_LEVELS])
        axes.tick_params(axis="both", length=0, labelsize=7)
        align_tick_labels(axes)
        axes.set_xlabel("Impact")
        axes.spines[["left", "bottom"]].set_color(RULE)
        for level, name in enumerate(IMPACT_LEVELS):
            shown = [
                (index, target, named(target.milestones, milestone))
                for index, target in enumerate(forecast.targets)
                if target.name in options.impact and options.impact[target.name].level == name
            ]
            _draw_level(axes, level, shown)
    return figure


def _draw_level(axes: Axes, level: int, shown: list[tuple[int, TargetForecast, MilestoneForecast]]) -> None:
    last = level == len(IMPACT_LEVELS) - 1
    width = 0.8 / max(len(shown), 1)
    heights = spread_labels([one.probability for *_, one in shown], 0.13, 0.06, 0.94)
    for place, ((index, target, one), height) in enumerate(zip(shown, heights, strict=True)):
        colour = target_colour(index)
        x = level + (place - (len(shown) - 1) / 2) * min(width, 0.18)
        axes.plot([x, x], list(one.interval90), color=colour, linewidth=3, alpha=0.3, solid_capstyle="butt")
        gid = f"impact:{target.name}"
        axes.plot([x], [one.probability], "o", color=colour, markersize=5, gid=gid, clip_on=False)
        axes.annotate(
            f"{wrap_label(target.label, 15)}\n{wording.percent(one.probability)}",
            (x, one.probability),
            xytext=(x + (-0.15 if last else 0.15), height),
            textcoords="data",
            ha="right" if last else "left",
            va="center",
            fontsize=7,
            linespacing=0.95,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3}
            if abs(height - one.probability) > 0.02
            else None,
        )
