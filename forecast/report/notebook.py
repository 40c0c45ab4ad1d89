"""Values as a notebook shows them: blocks of a few kilobytes as HTML, without scripts or styles."""

from __future__ import annotations

from collections import Counter
from functools import singledispatch

import numpy as np

from forecast import wording
from forecast.blocks import Block, Heading, Prose, plain_table, right
from forecast.events.table import EventTable
from forecast.records.forecast import Forecast, ScenarioForecast, TargetForecast
from forecast.report.palette import name_category
from forecast.report.tables import alarm, cautions, headline_scenarios, milestone_table
from forecast.report.typesetting import render_blocks, shorten
from forecast.report.words import judgement_sentence, shown_change
from forecast.runs.run import Run

_MOST_MILESTONES, _MOST_TARGETS, _MOST_SCENARIOS, _MOST_EVENTS = 8, 6, 12, 8


@singledispatch
def html_of(value: object) -> str:
    """Return a run, a forecast, a target, a scenario or events as HTML."""
    raise TypeError(f"{type(value).__name__} has no view in notebooks")


@html_of.register
def _(run: Run) -> str:
    where = f" · {run.folder}" if run.folder else ""
    return html_of(run.forecast) + render_blocks(
        [Prose(f"{run.n_draws:,} posterior draws{where}", tone="fine")]
    )


@html_of.register
def _(forecast: Forecast) -> str:
    targets = forecast.targets[:_MOST_TARGETS]
    blocks: list[Block] = [
        Heading(shorten(f"{forecast.dyad.label}, as of {wording.long_day(forecast.as_of)}", 120)),
        *alarm(forecast),
        Prose(judgement_sentence(forecast)),
        *cautions(forecast),
        milestone_table(targets, asked=forecast.headline, most=_MOST_MILESTONES, details=True),
        *_left_out(len(forecast.targets) - len(targets), "target"),
    ]
    if forecast.scenarios:
        blocks += headline_scenarios(forecast, _MOST_SCENARIOS)
        blocks += _left_out(len(forecast.scenarios) - _MOST_SCENARIOS, "scenario")
    return render_blocks(blocks)


@html_of.register
def _(target: TargetForecast) -> str:
    more = _left_out(len(target.milestones) - _MOST_MILESTONES, "milestone")
    return render_blocks([milestone_table((target,), most=_MOST_MILESTONES, details=True), *more])


@html_of.register
def _(scenario: ScenarioForecast) -> str:
    heading = Heading(shorten(scenario.label, 120))
    if scenario.withheld:
        return render_blocks([heading, Prose("No numbers: a new fit is needed and was not wanted.")])
    rows = (
        (
            shorten(target.label, 90),
            wording.short_day(milestone.date),
            wording.percent(milestone.probability),
            shown_change(milestone.difference.value, milestone.difference.mcse),
        )
        for target in scenario.targets[:_MOST_TARGETS]
        for milestone in target.milestones[:_MOST_MILESTONES]
    )
    columns = ("Event", right("Before"), right("Chance"), right("Change, points"))
    return render_blocks([heading, Prose(shorten(scenario.rationale, 300)), plain_table(columns, rows)])


@html_of.register
def _(events: EventTable) -> str:
    if not len(events):
        return render_blocks([Heading("No events")])
    first, last = (wording.long_day(events.date[place].item()) for place in (0, -1))
    title = f"{wording.count(len(events), 'event')}, {first} to {last}, {shorten(events.source, 80)}"
    counts = Counter(map(name_category, events.category.tolist()))
    latest = list(events.select(np.arange(len(events)) >= len(events) - _MOST_EVENTS).rows())[::-1]
    rows = (
        (
            wording.short_day(event.date),
            f"{shorten(event.initiator, 20)} → {shorten(event.recipient, 20)}",
            f"{name_category(event.category)}, {event.severity}",
            shorten(event.summary, 90),
        )
        for event in latest
    )
    kinds = ((name, f"{number:,}") for name, number in counts.most_common())
    return render_blocks(
        [
            Heading(title),
            plain_table(("Kind", right("Events")), kinds),
            plain_table((right("Latest"), "Who", "Kind, severity", "What"), rows),
        ]
    )


def _left_out(number: int, noun: str) -> list[Block]:
    return [Prose(f"{wording.count(number, noun)} more", tone="fine")] if number > 0 else []
