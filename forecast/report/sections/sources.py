"""Where the number comes from: its steps, and the past events that move it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from forecast import wording
from forecast.blocks import Bar, Block, Cell, Column, Heading, Prose, Section, Table, one_group, right
from forecast.events.codebook import weak_kind
from forecast.events.table import Event
from forecast.records.analysis import LearnedFrom
from forecast.records.explained import Driver, Step
from forecast.records.forecast import Forecast
from forecast.report.judgement import FEW_CASES, headline_pair, shown_error, stands_out
from forecast.report.palette import category_colour, name_category
from forecast.report.run_records import RunRecords
from forecast.report.sections.ahead import (
    MOST_SCHEDULED,
    calendar_table,
    scheduled_blocks,
    signs_blocks,
)
from forecast.report.typesetting import first_clauses, shorten, web_address

_STEPS = (
    "Each step adds one source to those above it. Own rates: this pair's rates over the whole record, with "
    "recent events, tension and the level of conflict held at their averages. Other pairs: the mean with "
    "what was learned on other pairs of countries. In another order the steps would share the change out "
    "differently."
)
_MOST_DRIVERS = 6
_LONGEST_SUMMARY = 150


def sources_section(run: RunRecords) -> Section:
    """Steps, scheduled events, drivers with their sources, and all signs."""
    forecast = run.forecast
    blocks: list[Block] = []
    if forecast.waterfall:
        blocks.append(Prose(" ".join(filter(None, (_STEPS, mean_sentence(forecast))))))
    blocks += [*_drivers(run), *signs_blocks(run), *scheduled_blocks(run)]
    return Section("sources", "Where the number comes from", tuple(blocks))


def caveats(forecast: Forecast, learned: Sequence[LearnedFrom]) -> dict[Step, tuple[str, ...]]:
    """What weakens each step of the waterfall, in short, to stand beside it."""
    target, _ = headline_pair(forecast)
    said: dict[Step, list[str]] = {"drift": ["denser coding of conflict would look the same"]}
    if target.observed_before < FEW_CASES:
        cases = wording.small_number(target.observed_before)
        noun = "case" if target.observed_before == 1 else "cases"
        said["base_rate"] = [
            f"from {cases} past {noun}" if target.observed_before else "never seen in the data"
        ]
    if pooled := [one.clause for one in learned if one.part == "pooled hazard"]:
        said["other_pairs"] = [f"learned from {pooled[0]}"]
    for one in forecast.cautions:
        if one.code in BESIDE and (one.code != "kind_not_learned" or one.target == target.name):
            step, text = BESIDE[one.code]
            said.setdefault(step, []).append(text)
    return {step: tuple(dict.fromkeys(texts)) for step, texts in said.items()}


BESIDE: dict[str, tuple[Step, str]] = {
    "few_events": ("own_rates", "few events in the data"),
    "one_episode": ("own_rates", "one episode holds half of the events"),
    "late_start": ("own_rates", "earlier rows of the file are not used"),
    "prior_far_from_data": ("own_rates", "assumed rates are far from the data"),
    "stale_events": ("recent_acts", "no recent events: nothing coded, or nothing happened"),
    "density_changes": ("drift", "and the number of coded acts a month did change"),
    "kind_not_learned": ("other_pairs", "they held no target of such acts"),
    "longer_than_learned": ("other_pairs", "their records are far shorter than this one"),
    "learned_later": ("other_pairs", "learned in part from events after the as-of date"),
}
"""Cautions that weaken one step of the waterfall, and what is said beside it."""


def mean_sentence(forecast: Forecast) -> str:
    """From what each member says to the headline, so that a reader who takes the mean gets the same."""
    _, milestone = headline_pair(forecast)
    members = [one for one in milestone.members or () if one.weight > 0]
    if len(members) < 2:
        return ""
    said = wording.listing(
        tuple(f"the {one.label} says {wording.percent(one.probability)}" for one in members)
    )
    mean = sum(one.weight * one.probability for one in members) / sum(one.weight for one in members)
    moved = f"Scheduled events change it by {wording.signed_points(milestone.probability - mean)} points"
    if stands := wording.signed_points(milestone.probability - mean) == "0.0":
        moved = "Scheduled events do not change it"
    to = "" if stands else f", to {wording.percent(milestone.probability)}"
    return f"Scheduled events apart, {said}; their mean is {wording.percent(mean)}. {moved}{to}."


def _drivers(run: RunRecords) -> Iterator[Block]:
    """The past events whose effect is clear, with bars and sources, and how they were found."""
    forecast = run.forecast
    yield Heading("Past events that move it most")
    if not forecast.drivers:
        yield Prose("Which past events move the number was not measured.")
        return
    shown = sorted(clear_drivers(forecast), key=lambda one: -abs(one.change))
    yield Prose(_intro(forecast, len(shown)))
    if shown:
        events = {event.id: event for event in run.events.rows()}
        yield drivers_table(forecast, shown[:_MOST_DRIVERS], events, "drivers")
        yield from _shared_sources(tuple(shown[:_MOST_DRIVERS]), events)


def drivers_table(forecast: Forecast, shown: Sequence[Driver], events: dict[str, Event], name: str) -> Table:
    """What each event does to the headline, with its size, day, kind and source."""
    most = max(abs(one.change) for one in shown)
    now = wording.percent(headline_pair(forecast)[1].probability)
    return Table(
        name=name,
        title=f"How much of the {now} is due to each event, in percentage points",
        columns=(
            right("Points", 20),
            Column("Size", 14),
            Column("Day", 20),
            Column("What happened"),
            Column("Source", 40),
        ),
        groups=one_group(
            (
                Cell(
                    wording.signed_points(one.change),
                    note=shown_error(one.mcse),
                    weight="semibold",
                    value=one.change,
                ),
                Cell(mark=Bar(value=abs(one.change) / most, colour=category_colour(one.category))),
                Cell(wording.short_day(one.date)),
                Cell(
                    first_clauses(one.summary, _LONGEST_SUMMARY),
                    note=f"{name_category(one.category)}, severity {one.severity}",
                ),
                Cell(
                    shorten(one.source, 70) or "–",
                    note=_doubt(event := events.get(one.event_id)),
                    url=web_address(event.source_url) if event is not None else None,
                ),
            )
            for one in shown
        ),
    )


def clear_drivers(forecast: Forecast) -> tuple[Driver, ...]:
    """Events that move the headline by more than twice their error, the largest rise first."""
    clear = [one for one in forecast.drivers if stands_out(one.change, one.mcse)]
    return tuple(sorted(clear, key=lambda one: (-one.change, one.date, one.event_id)))


def _doubt(event: Event | None) -> str:
    """Say what is weak about the source of an event; empty for none that is known."""
    if event is None or web_address(event.source_url) is None:
        return "no address"
    doubts = (
        "page not read" if not event.verified else "",
        f"weak: {kind}" if (kind := weak_kind(event.source_url)) else "",
    )
    return ", ".join(filter(None, doubts))


def _intro(forecast: Forecast, shown: int) -> str:
    tried = forecast.drivers_tried
    how = f"The {tried} events most likely to matter" if tried else "Events"
    found = "No event moves"
    if shown:
        found = f"{wording.small_number(shown).capitalize()} {'moves' if shown == 1 else 'move'}"
    return (
        f"{how} were left out one at a time and the chance worked out again. {found} it by more than twice "
        "the Monte Carlo error (±). The changes do not add up, because events act together."
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


def explained_section(run: RunRecords) -> Section | None:
    """For the page alone: every event and scheduled event that the printed tables leave out."""
    forecast = run.forecast
    blocks: list[Block] = []
    shown = clear_drivers(forecast)
    if len(shown) > _MOST_DRIVERS:
        events = {event.id: event for event in run.events.rows()}
        blocks.append(drivers_table(forecast, shown, events, "all-drivers"))
    if len(run.analysis.calendar) > MOST_SCHEDULED:
        blocks.append(calendar_table(run, "Every scheduled event built into the forecast", "all-scheduled"))
    return (
        Section("explained", "More on where the number comes from", tuple(blocks), printed=False)
        if blocks
        else None
    )
