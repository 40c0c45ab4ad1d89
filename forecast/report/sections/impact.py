"""Likelihood × impact: how grave each target would be, as the author judges, beside how likely it is."""

from __future__ import annotations

from forecast import wording
from forecast.records.forecast import MilestoneForecast, TargetForecast
from forecast.report.blocks import Beside, Cell, Chart, Column, Prose, Section, Table, one_group
from forecast.report.front_page import headline_pair
from forecast.report.impact_figure import WIDTH_MM, draw_impact
from forecast.report.options import IMPACT_LEVELS
from forecast.report.palette import target_colour
from forecast.report.printable import shorten
from forecast.report.run_records import RunRecords

_TEXT_WIDTH_MM = 170.0
_GUTTER_MM = 9.0


def impact_section(run: RunRecords) -> Section | None:
    """Matrix of the targets with an impact in the config, at the headline milestone; else nothing."""
    forecast, impact = run.forecast, run.options.impact
    judged = [(index, target) for index, target in enumerate(forecast.targets) if target.name in impact]
    if not judged:
        return None
    _, headline = headline_pair(forecast)
    chances = {
        target.name: next(one for one in target.milestones if one.name == headline.name)
        for _, target in judged
    }
    judged.sort(key=lambda one: -IMPACT_LEVELS.index(impact[one[1].name].level))
    table = Table(
        name="impact",
        title="Impact of each target and its rationale",
        columns=(Column(head="Target and impact", width=26), Column(head="Why")),
        groups=one_group(
            tuple(
                (
                    Cell(
                        text=shorten(target.label, 120),
                        note=impact[target.name].level.capitalize(),
                        weight="semibold",
                        colour=target_colour(index),
                    ),
                    Cell(text=impact[target.name].rationale),
                )
                for index, target in judged
            )
        ),
    )
    chart = Chart(
        name="impact",
        alt=_describe(run, [target for _, target in judged], chances),
        caption="Chance with its 90% interval, by how grave the target would be.",
        draw=lambda: draw_impact(forecast, run.options, headline.name),
    )
    unjudged = len(forecast.targets) - len(judged)
    intro = (
        f"Chance of each target before {wording.long_day(headline.date)}, against its impact. The impact is "
        "a judgement of the author, not of the model."
    )
    if unjudged:
        verb = "has" if unjudged == 1 else "have"
        intro += f" {wording.count(unjudged, 'target').capitalize()} {verb} no impact in the config."
    return Section(
        name="impact",
        title="Likelihood and impact",
        blocks=(
            Prose(text=intro),
            Beside(left=(chart,), right=(table,), right_width=_TEXT_WIDTH_MM - WIDTH_MM - _GUTTER_MM),
        ),
    )


def _describe(run: RunRecords, targets: list[TargetForecast], chances: dict[str, MilestoneForecast]) -> str:
    parts = "; ".join(
        f"{shorten(target.label, 80)}: impact {run.options.impact[target.name].level}, chance "
        f"{wording.percent(chances[target.name].probability)} "
        f"(90% interval {wording.interval_percent(chances[target.name].interval90)})"
        for target in targets
    )
    return f"Matrix of likelihood by impact. {parts}."
