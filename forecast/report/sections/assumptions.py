"""How far the call rests on assumptions: labels, tornado chart, break-evens."""

from __future__ import annotations

from forecast import wording
from forecast.records.analysis import Robustness, ShiftEnd
from forecast.records.forecast import Forecast
from forecast.report.blocks import (
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
)
from forecast.report.palette import target_colour
from forecast.report.printable import shorten
from forecast.report.run_records import RunRecords
from forecast.report.tornado_figure import draw_tornado, shown_bars
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

_MOST_CROSSINGS = 4
_MOST_MILESTONES = 6


def assumptions_section(run: RunRecords) -> Section | None:
    """What each number rests on, what assumptions do to the headline, what would change its words."""
    found = run.analysis.robustness
    if found is None or not found.sensitivities:
        return None
    forecast = run.forecast
    blocks: list[Block] = [*_summary(forecast, found), _labels(forecast, found)]
    blocks.append(
        Prose(
            text="Priors ×2 and data ×2: change in percentage points, with its Monte Carlo error, if priors "
            "or data had twice the weight, at the present rate.",
            tone="fine",
        )
    )
    if shown_bars(found):
        blocks += [Heading(text="What each assumption does to the headline"), _chart(forecast, found)]
    if found.break_evens:
        blocks += [Heading(text="What would change the words"), *_break_evens(forecast, found)]
    return Section(name="assumptions", title="How far the call rests on assumptions", blocks=tuple(blocks))


def _summary(forecast: Forecast, found: Robustness) -> list[Block]:
    asked = (forecast.headline.target, forecast.headline.milestone)
    one = next((one for one in found.sensitivities if (one.target, one.milestone) == asked), None)
    return [] if one is None else [Prose(lead="The headline.", text=label_sentence(one))]


def _labels(forecast: Forecast, found: Robustness) -> Table:
    known = {(one.target, one.milestone): one for one in found.sensitivities}
    groups = []
    for index, target in enumerate(forecast.targets):
        rows = []
        for milestone in target.milestones:
            one = known.get((target.name, milestone.name))
            if one is None:
                continue
            rows.append(
                (
                    Cell(text=wording.short_day(milestone.date)),
                    Cell(text=wording.percent(milestone.probability), value=milestone.probability),
                    Cell(text=one.rests_on, weight="semibold"),
                    Cell(text=change_with_error(one.priors.change, one.priors.mcse), value=one.priors.change),
                    Cell(text=change_with_error(one.data.change, one.data.mcse), value=one.data.change),
                    Cell(text=one.groups[0].name, tone="fine"),
                )
            )
        groups.append(Group(rows=tuple(rows), label=shorten(target.label, 80), colour=target_colour(index)))
    return Table(
        name="assumptions",
        title="What each probability rests on",
        columns=(
            Column(head="Before", width=24),
            Column(head="Chance", width=15, align="right"),
            Column(head="Rests on", width=26),
            Column(head="Priors ×2", width=26, align="right"),
            Column(head="Data ×2", width=26, align="right"),
            Column(head="Most influential priors"),
        ),
        groups=tuple(groups),
    )


def _chart(forecast: Forecast, found: Robustness) -> Chart:
    return Chart(
        name="assumptions",
        alt=_describe(found),
        caption="Change of the headline chance for one step down and one step up of each assumption. A step "
        "moves the middle of a prior to its 16% or 84% quantile; an act ahead surely fails to happen, or "
        "surely happens. Whiskers show the Monte Carlo error.",
        draw=lambda: draw_tornado(forecast, found),
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
            blocks.append(Prose(lead=lead, text=rest))
            continue
        blocks.append(Prose(lead=lead, text="Each of these alone would:"))
        blocks.append(Bullets(items=tuple(break_even_sentence(one) for one in crossing)))
        blocks += [Prose(text=rest, tone="fine")] if rest else []
    blocks += [Prose(text=note_sentence(note, forecast), tone="fine") for note in found.notes]
    return blocks
