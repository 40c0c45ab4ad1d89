"""What the forecast says: every question, its sources, what it rests on, scenarios, and when to act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from forecast import wording
from forecast.blocks import (
    Bar,
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Heading,
    Prose,
    Section,
    Table,
    one_group,
    plain_table,
    right,
)
from forecast.events.codebook import weak_kind
from forecast.events.table import Event, EventTable
from forecast.records.analysis import (
    DriftNow,
    LearnedFrom,
    PastForecast,
    Robustness,
    ShiftEnd,
    Sign,
    TensionSeries,
)
from forecast.records.forecast import (
    Decision,
    DecisionValue,
    Driver,
    Forecast,
    MilestoneForecast,
    RestsOn,
    ScenarioForecast,
    ScenarioMilestone,
    Step,
    TargetForecast,
)
from forecast.report.charts import (
    chances_of,
    draw_course,
    draw_tension,
    draw_tornado,
    shown_bars,
)
from forecast.report.evidence_sections import ledger_gap
from forecast.report.palette import (
    category_colour,
    name_category,
    target_colour,
)
from forecast.report.run_records import RunRecords, change_sentences
from forecast.report.tables import PULLS, MilestoneColumn, labels_table, members_table, milestone_table
from forecast.report.typesetting import first_clauses, shorten, web_address
from forecast.report.words import (
    FEW_CASES,
    LABEL_WORDS,
    LEAST_SHOWN,
    MOST_IN_CHART,
    REASON_WORDS,
    assumed_text,
    assumption_label,
    bar_title,
    break_even_sentence,
    by_effect,
    cases_marked,
    chance,
    chosen_milestones,
    crossing_first,
    headline_pair,
    named,
    rest_sentence,
    scenario_answer,
    shown_change,
    shown_days,
    shown_error,
    split_cells,
    stands_out,
    titles_of,
    what_counts,
    what_does_not,
    what_it_assumes,
)
from forecast.wording import count, in_sentence, number, percent

if TYPE_CHECKING:
    pass

MOST_SCHEDULED = 8


def missing(run: RunRecords, part: str, otherwise: str) -> str:
    """Why the run has no word on a part of ``analysis.json``."""
    return next((one.sentence for one in run.analysis.missing if one.part == part), otherwise)


def signs_table(forecast: Forecast, found: tuple[Sign, ...], name: str, *, full: bool = False) -> Table:
    """What to watch for, how likely it is, what the headline becomes, and how often the sign misled."""
    now = wording.percent(headline_pair(forecast)[1].probability)
    days, until = found[0].within_days, wording.long_day(found[0].until)
    return Table(
        name=name,
        title=f"What to watch in the next {days} days (to {until}), and what {now} becomes",
        columns=sign_columns(full=full),
        groups=one_group(sign_cells(one, full=full) for one in found),
        whole=True,
    )


def sign_columns(*, full: bool) -> tuple[Column, ...]:
    """Columns of a table of signs; in ``full`` with how well the sign tells."""
    more = (right("Likelihood ratio", 26),) if full else ()
    return (
        Column("Sign"),
        right("Chance of it", 19),
        right("If seen", 16),
        right("If not", 16),
        *more,
        right("Misled in backtest", 27),
    )


def sign_cells(one: Sign, *, full: bool) -> tuple[Cell, ...]:
    """One sign: what it looks like, its chance, what the headline becomes, and how often it misled."""
    by = f" by {' or '.join(one.by)}" if one.by else ""
    least = f"{one.severity} or more" if one.most_severity > one.severity else str(one.severity)
    low, high = one.likelihood_ratio90
    span = f"{wording.number(low, 1)}–{wording.number(high, 1)}"
    ratio = (Cell(wording.number(one.likelihood_ratio, 1), note=span, value=one.likelihood_ratio),)
    past = one.history
    misled = "not tested" if past is None else f"{past.misled} of {past.present}"
    return (
        Cell(f"{one.label}{by}, severity {least}", note=shorten(one.anchor, 110), weight="semibold"),
        Cell(wording.percent(one.chance), value=one.chance),
        Cell(wording.percent(one.if_seen), weight="semibold", value=one.if_seen),
        Cell(wording.percent(one.if_not_seen), value=one.if_not_seen),
        *(ratio if full else ()),
        Cell(misled),
    )


def signs_blocks(run: RunRecords) -> Iterator[Block]:
    """Every sign with its likelihood ratio, and how the table is read."""
    found = run.analysis.signs
    if not found:
        return
    yield Heading("Signs to watch")
    yield signs_table(run.forecast, found, "all-signs", full=True)
    tested = "" if any(one.history for one in found) else missing(run, "sign_history", "")
    yield Prose(
        "If seen and if not seen average back to the forecast, by the chance of the sign. "
        "Likelihood ratio: how many times as often the sign comes where the event follows, with "
        "its error. Misled: the sign was there at an origin of the backtest and the event did not "
        f"follow. {tested}".rstrip(),
        tone="fine",
    )


def scheduled_blocks(run: RunRecords) -> Iterator[Block]:
    """Acts of the config's calendar with their probability."""
    acts = sorted(run.analysis.calendar, key=lambda act: (act.date, act.label))
    yield Heading("Scheduled events built into the forecast")
    if not acts:
        yield Prose("No event is scheduled.")
        return
    hidden = len(acts) - MOST_SCHEDULED
    more = f" ({wording.count(hidden, 'later one')} in report.html)" if hidden > 0 else ""
    yield calendar_table(
        run, f"Judgements of the author, written in the config{more}", "calendar", MOST_SCHEDULED
    )


def calendar_table(run: RunRecords, title: str, name: str, most: int | None = None) -> Table:
    """Return the acts ahead with day, kind and chance, in the order of their days."""
    acts = sorted(run.analysis.calendar, key=lambda act: (act.date, act.label))
    return Table(
        name=name,
        title=title,
        columns=(Column("Day", 22), Column("Event"), Column("Kind and severity", 44), right("Chance", 18)),
        groups=one_group(
            (
                wording.short_day(act.date),
                shorten(act.label, 110),
                Cell(f"{name_category(act.category)}, {act.severity}", swatch=category_colour(act.category)),
                wording.percent(act.probability) if act.probability < 1 else "certain",
            )
            for act in acts[:most]
        ),
        lines=False,
        whole=most is not None,
    )


_READING = (
    "Words are those of ICD 203 for the chance itself. Past periods: the share of past periods of the same "
    "length in which it happened, smoothed. Constant rate: one rate on every day. Error: Monte Carlo, in "
    "points."
)
_WIDTHS: dict[MilestoneColumn, float | None] = {
    "milestone": None,
    "chance": 12,
    "range": 18,
    "words": 30,
    "windows": 14,
    "rate": 15,
    "error": 10,
}
_MOST_CASES, _LONGEST_CASE = 3, 70


def questions_section(run: RunRecords) -> Section:
    """Chance, range, words, base rates and error of every question; its history; what counts."""
    forecast, widths = run.forecast, _WIDTHS
    reading = _READING
    if run.previous:
        widths = _WIDTHS | {"change": 13}
        reading += (
            f" Change: in points since {wording.long_day(run.previous.as_of)}; ≈ is less than one, or within "
            "twice its error."
        )
    table = milestone_table(
        enumerate(forecast.targets),
        widths,
        asked=forecast.headline,
        colour=target_colour,
        previous=run.previous,
    )
    changes = (Prose(one) for one in change_sentences(forecast, run.previous))
    blocks = (*changes, table, Prose(reading, tone="fine"), course_chart(run), what_counts_table(run))
    return Section("milestones", "Every event and milestone", blocks)


def members_section(run: RunRecords) -> Section | None:
    """For the page alone: what each member of the forecast says of every question."""
    blocks = members_table(run.forecast, intervals=True, colour=target_colour)
    return (
        Section("members", "What each member of the forecast says", blocks, printed=False) if blocks else None
    )


def what_counts_table(run: RunRecords) -> Table:
    """What meets each target, its past cases, and how grave it would be."""
    summaries = {event.id: event.summary for event in run.events.rows()}
    return Table(
        name="targets",
        title="What counts as each event, its past cases, and its impact as the author judges it",
        columns=(Column("Event", 38), Column("What counts"), Column("Past cases", 58)),
        groups=one_group(_what_counts(run, place, summaries) for place in range(len(run.forecast.targets))),
    )


def _what_counts(run: RunRecords, place: int, summaries: dict[str, str]) -> tuple[Cell, ...]:
    target = run.forecast.targets[place]
    impact = run.options.impact.get(target.name)
    grave = f"Impact {impact.level}: {in_sentence(impact.rationale)}" if impact else ""
    return (
        Cell(shorten(target.label, 120), weight="semibold", colour=target_colour(place)),
        Cell(shorten(what_counts(target), 300), note=f"{what_does_not(target)} {grave}".strip()),
        Cell(_cases(target, summaries)),
    )


def _cases(target: TargetForecast, summaries: dict[str, str]) -> str:
    if not target.observed_before:
        return "Never seen in the data."
    shown = [
        f"{wording.short_day(one.date)}: {first_clauses(said.rstrip('.'), _LONGEST_CASE)}"
        for one in target.cases[-_MOST_CASES:][::-1]
        if (said := summaries.get(one.event_id)) is not None
    ]
    earlier = max(target.observed_before - len(shown), 0)
    if not shown:
        return f"{wording.count(target.observed_before, 'case')} in the data."
    return "; ".join(shown) + (f"; and {earlier:,} before." if earlier else ".")


def course_chart(run: RunRecords) -> Chart:
    """Chart of history and outlook, with a headline that says what it shows."""
    forecast, past = run.forecast, headline_history(run)
    return Chart(
        name="course",
        headline=course_headline(forecast, past),
        alt=_describe(forecast, past),
        caption=" ".join(_caption(run, past)),
        draw=lambda: draw_course(forecast, past),
    )


def headline_history(run: RunRecords) -> tuple[PastForecast, ...]:
    """Earlier forecasts of the headline question: of the ledger, and of the run before; oldest first."""
    asked = run.forecast.headline
    known = run.ledger_record.history if run.ledger_record else ()
    found = {
        one.as_of: one for one in known if (one.target, one.milestone) == (asked.target, asked.milestone)
    }
    before = run.previous.change(asked.target, asked.milestone) if run.previous else None
    if run.previous and before and run.previous.as_of < run.forecast.as_of:
        found.setdefault(
            run.previous.as_of,
            PastForecast(
                target=asked.target,
                milestone=asked.milestone,
                as_of=run.previous.as_of,
                probability=before.probability,
                interval90=before.interval90,
                hindcast=False,
            ),
        )
    return tuple(found[day] for day in sorted(found))


def course_headline(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    """What the chart shows: where the number came from and where it goes."""
    target, milestone = headline_pair(forecast)
    now = wording.percent(milestone.probability)
    if not past:
        first = min(target.milestones, key=lambda one: one.date)
        if first.name == milestone.name:
            return f"The chance grows to {now} before {wording.long_day(milestone.date)}"
        return (
            f"The chance grows from {wording.percent(first.probability)} before "
            f"{wording.short_day(first.date)} to {now} before {wording.short_day(milestone.date)}"
        )
    then = past[0]
    moved = wording.shown_difference(milestone.probability, then.probability)
    month = f"{wording.month_name(then.as_of)} {then.as_of.year}"
    if not moved:
        return f"The number is the same as in {month}: {now}"
    verb = "risen" if moved > 0 else "fallen"
    return f"The number has {verb} from {wording.percent(then.probability)} in {month} to {now} now"


def _caption(run: RunRecords, past: tuple[PastForecast, ...]) -> Iterator[str]:
    target, milestone = headline_pair(run.forecast)
    right = "chance that each event has happened by a day; dots: milestones; band: plausible range."
    if not past:
        yield f"{right[:1].upper()}{right[1:]} No earlier forecast of this question is on record."
        yield from ledger_gap(run)
        return
    late = " (made later, from what was known then)" if all(one.hindcast for one in past) else ""
    yield (
        f"Left: earlier forecasts{late} for {wording.short_day(milestone.date)}; triangles: "
        f"{cases_marked(target, past[0].as_of)}. Right: {right}"
    )


def _describe(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    target, milestone = headline_pair(forecast)
    history = "; ".join(
        f"{wording.percent(one.probability)} as of {wording.long_day(one.as_of)}" for one in past
    )
    parts = [
        f"{shorten(one.label, 80)}: "
        + "; ".join(
            f"{chance(each)} before {wording.short_day(each.date)}"
            for each in chosen_milestones(one.milestones, milestone.name, MOST_IN_CHART)
        )
        for one in forecast.targets
    ]
    before = f"Earlier forecasts of {in_sentence(shorten(target.label, 80))}: {history}. " if past else ""
    return f"Line chart on one time axis. {before}Chance by day from now on. {'. '.join(parts)}."


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
        if one.code in BESIDE and (one.code != "kind_not_learned" or one["target"] == target.name):
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


def tension_section(run: RunRecords) -> Section:
    """For the page alone: inferred tension with the chance of each regime by week."""
    tension = run.analysis.tension
    chart = Chart(
        name="tension",
        headline=tension_headline(tension),
        alt=describe_tension(tension, run.events, run.forecast),
        caption="Top: inferred tension with its 90% interval; triangles mark "
        f"{cases_marked(headline_pair(run.forecast)[0], tension.date[0])} of the headline event. "
        "Middle: chance of each state by week. Bottom: the coded events by kind; taller marks are more "
        "severe.",
        draw=lambda: draw_tension(tension, run.events, run.forecast),
    )
    return Section(
        "tension",
        "How tense the relationship is",
        (
            chart,
            *(Prose(sentence) for sentence in tension_sentences(tension, run.analysis.drift, run.forecast)),
        ),
        printed=False,
    )


def tension_headline(tension: TensionSeries) -> str:
    """Chance of each state in the last step."""
    calm, strained, crisis = (float(one[-1]) for one in chances_of(tension))
    return (
        f"Now {wording.percent(calm)} calm, {wording.percent(strained)} strained and "
        f"{wording.percent(crisis)} in crisis"
    )


def tension_sentences(tension: TensionSeries, drift: DriftNow, forecast: Forecast) -> list[str]:
    """What the states mean, where the relationship stands, and how that goes with the forecast."""
    low, high = (wording.number(one, 1) for one in (tension.strained_from, tension.crisis_from))
    mean, lower, upper = (
        wording.number(one[-1], 1) for one in (tension.mean, tension.lower90, tension.upper90)
    )
    level, least, most = (wording.number(one, 1) for one in (drift.mean, *drift.interval90))
    said = [
        "Tension is inferred from all coded acts, not observed; 0 is its long-run mean and the unit its "
        f"standard deviation. A week is called strained from {low} and a crisis from {high}. It ends at "
        f"{mean} (90% interval {lower} to {upper}).",
        "Tension swings around a level of conflict that drifts over years. Tension apart, conflictual acts "
        f"now come {level} times as often as on average over the record (90% interval {least} to {most}). "
        "Denser coding of conflict would look the same.",
    ]
    calm, _, _ = chances_of(tension)
    target, milestone = headline_pair(forecast)
    days = np.array(tension.date, dtype="datetime64[D]")
    places = [int(np.searchsorted(days, np.datetime64(one.date), "right")) - 2 for one in target.cases]
    before = [float(calm[place]) for place in places if place >= 0]
    if not before:
        return said
    quiet = sum(one > 0.5 for one in before)
    cases = f"{wording.small_number(len(before))} past {'case' if len(before) == 1 else 'cases'}"
    now, ahead = wording.percent(float(calm[-1])), wording.percent(milestone.probability)
    day = wording.long_day(milestone.date)
    # The past weeks are inferred with what came after them; the present week is not.
    if quiet:
        said.append(
            f"Calm does not mean safe: {wording.small_number(quiet)} of {cases} followed a week that, with "
            "hindsight, was more likely calm than not, and tension can change within months. That is why "
            f"{now} calm now and {ahead} before {day} do not contradict each other."
        )
    else:
        said.append(
            f"With hindsight, none of {cases} followed a week that was more likely calm than not. The "
            f"{ahead} before {day} is the chance that tension rises in time, from {now} calm now."
        )
    return said


def describe_tension(tension: TensionSeries, events: EventTable, forecast: Forecast) -> str:
    """Alt text of the tension figure: range, present value, regimes, events by kind."""
    mean = np.asarray(tension.mean)
    top, bottom = int(mean.argmax()), int(mean.argmin())
    calm, strained, crisis = (float(one[-1]) for one in chances_of(tension))
    counts = Counter(events.between(tension.date[0], forecast.as_of).category.tolist())
    kinds = wording.listing(
        tuple(f"{count:,} of {name_category(name).lower()}" for name, count in counts.most_common())
    )
    return (
        f"Line chart of tension from {wording.long_day(tension.date[0])} to "
        f"{wording.long_day(forecast.as_of)}, in standard deviations. "
        f"Highest {wording.number(mean[top], 1)} on {wording.long_day(tension.date[top])}, "
        f"lowest {wording.number(mean[bottom], 1)} on {wording.long_day(tension.date[bottom])}, now "
        f"{wording.number(mean[-1], 1)} (90% interval {wording.number(tension.lower90[-1], 1)} to "
        f"{wording.number(tension.upper90[-1], 1)}). The last of {len(mean)} steps is calm with "
        f"{wording.percent(calm)}, strained with {wording.percent(strained)} and a crisis with "
        f"{wording.percent(crisis)}. Below, "
        f"marks for {wording.count(sum(counts.values()), 'event')}: {kinds or 'none'}."
    )


MOST_PRINTED = 8
_MOST_CROSSINGS = 3
TITLE = "What the number rests on"
LABEL_VERBS: dict[RestsOn, str] = {
    "data-driven": "rest on data",
    "prior-driven": "rest on assumptions",
    "conflict": "are a compromise of the two",
    "unclear": "cannot be told",
}
_OF_THE_MODEL = (
    "Pulls, odds and bars are of the forecast. Priors and data move the model in it; the pooled hazard is "
    "held, and its own assumptions were not tested."
)


def assumptions_section(run: RunRecords) -> Section:
    """What the headline rests on, the assumptions that move it most, and what would change its word."""
    forecast, found = run.forecast, run.analysis.robustness
    if found is None or not found.sensitivities:
        unknown = Prose("What the number rests on was not measured in this run: see “forecast sensitivity”.")
        return Section("assumptions", TITLE, (unknown,))
    target, milestone = headline_pair(forecast)
    blocks: list[Block] = [
        Prose(f"{LABEL_WORDS[one.rests_on]}: {REASON_WORDS[one.reason]}. {_all_questions(found)}")
        for one in found.sensitivities
        if (one.target, one.milestone) == (target.name, milestone.name)
    ]
    if shown_bars(found):
        chart = Chart(
            name="assumptions",
            headline=_headline(forecast, found),
            alt=_describe_tornado(forecast, found),
            caption="Change of the chance, in points, when the middle of an assumption moves one step down "
            "(light) or up (dark), to its 16% or 84% quantile; a scheduled event surely fails to happen, or "
            "surely happens. Whiskers: Monte Carlo error. In brackets: as assumed now.",
            draw=lambda: draw_tornado(forecast, found, MOST_PRINTED),
        )
        blocks.append(chart)
    blocks += _break_evens(forecast, found, (milestone,)) if found.break_evens else []
    return Section("assumptions", TITLE, tuple(blocks))


def labels_section(run: RunRecords) -> Section | None:
    """For the page alone: what every number rests on, and what would change the word of each milestone."""
    forecast, found = run.forecast, run.analysis.robustness
    if found is None or not found.sensitivities:
        return None
    blocks: list[Block] = [
        labels_table(forecast, found.sensitivities, colour=target_colour),
        Prose(PULLS, tone="fine"),
        *([Prose(_OF_THE_MODEL, tone="fine")] if len(forecast.members) > 1 else []),
    ]
    others = forecast.target(found.target).milestones
    blocks += _break_evens(forecast, found, others) if found.break_evens else []
    blocks += [Prose(note.text, tone="fine") for note in found.notes]
    return Section("labels", "What every number rests on", tuple(blocks), printed=False)


def _all_questions(found: Robustness) -> str:
    """How many of all numbers rest on what."""
    counts = Counter(one.rests_on for one in found.sensitivities)
    said = [f"{counts[label]} {words}" for label, words in LABEL_VERBS.items() if counts[label]]
    numbers = wording.count(len(found.sensitivities), "chance")
    return f"Of {numbers} in this report, {wording.listing(tuple(said))}."


def _headline(forecast: Forecast, found: Robustness) -> str:
    """Name the assumption that moves the headline most."""
    first = shown_bars(found)[0]
    ends = [abs(end.change) for end in (first.lower, first.upper) if end.change is not None]
    label = assumption_label(first.name, first.act, titles_of(forecast))
    most = wording.points(max(ends), 0)
    return f"The assumption that moves it most is “{label}”: by up to {most} a step"


def _describe_tornado(forecast: Forecast, found: Robustness) -> str:
    def end(one: ShiftEnd) -> str:
        change = "needs a refit" if one.change is None else wording.signed_points(one.change)
        return f"{assumed_text(one.assumed)}: {change}"

    titles = titles_of(forecast)
    bars = "; ".join(
        f"{bar_title(bar, titles)}: {end(bar.lower)}, {end(bar.upper)}"
        for bar in shown_bars(found)[:MOST_PRINTED]
    )
    return f"Bar chart of the change of the headline chance, in percentage points, by assumption. {bars}."


def _break_evens(
    forecast: Forecast, found: Robustness, milestones: Sequence[MilestoneForecast]
) -> Iterator[Block]:
    """What alone would change the word for the chance before each of these milestones."""
    target = forecast.target(found.target)
    for milestone in milestones:
        here = [
            one for one in found.break_evens if (one.target, one.milestone) == (target.name, milestone.name)
        ]
        if not here:
            continue
        crossing = crossing_first(here, target.name, milestone.name)[:_MOST_CROSSINGS]
        now = wording.percent(milestone.probability)
        rest = rest_sentence(here, len(crossing))
        lead = f"What would change the word for {now} before {wording.long_day(milestone.date)}."
        if not crossing:
            yield Prose(rest, lead=lead)
            continue
        yield Prose("Each of these alone would:", lead=lead)
        said = [break_even_sentence(one, titles_of(forecast)) for one in crossing]
        yield Bullets((*said, *([rest] if rest else [])))


_MOST_TARGETS = 6
_MOST_ACTS = 4
_READING_SCENARIOS = (
    "Acts marked ● are themselves what is forecast: the points that they bring are met by assumption, and "
    "are no finding. “Model adds” is the rest, with its Monte Carlo error. ≈ is a change of less than a "
    "point; – is none that can be measured."
)


def scenarios_section(run: RunRecords) -> Section:
    """Table of all targets under each scenario, the largest effect on the headline first."""
    forecast = run.forecast
    if not forecast.scenarios:
        return Section("scenarios", "What if", (Prose("This run compares no scenarios."),))
    blocks = (Prose(_READING_SCENARIOS), scenario_table(run, "scenarios", _MOST_ACTS))
    return Section("scenarios", "What if", blocks)


def rationales_section(run: RunRecords) -> Section | None:
    """For the page alone: all that each scenario assumes, how it was computed, and why it is worth asking."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    blocks = [
        Prose(
            f"{one.rationale} It assumes: {what_it_assumes(one, forecast.headline.target, len(one.acts))}. "
            f"Computed by {_how(one)}.",
            lead=f"{one.label}.",
        )
        for one in by_effect(forecast, forecast.scenarios)
    ]
    return Section("rationales", "Why each scenario is worth asking", tuple(blocks), printed=False)


def scenario_table(run: RunRecords, name: str, most_acts: int) -> Table:
    """Headline split into assumption and model; then the other targets with their change."""
    forecast = run.forecast
    target, milestone = headline_pair(forecast)
    others = [one for one in forecast.targets if one.name != target.name][: _MOST_TARGETS - 1]
    known = [named(one.milestones, milestone.name).probability for one in (target, *others)]
    first, *rest = (Cell(wording.percent(one), value=one, weight="semibold") for one in known)
    rows = [(Cell("This forecast", weight="semibold"), first, Cell(), Cell(), *rest)]
    rows += [
        _scenario_row(one, target, others, milestone.name, most_acts)
        for one in by_effect(forecast, forecast.scenarios)
    ]
    return Table(
        name=name,
        title=f"Before {wording.long_day(milestone.date)} under each scenario, the largest effect first",
        columns=(
            Column("Scenario, and what it assumes"),
            Column(shorten(target.label, 40), 19, "right"),
            Column("Met by assumption", 20, "right"),
            Column("Model adds", 17, "right"),
            *(Column(shorten(one.label, 40), 19, "right") for one in others),
        ),
        groups=one_group(rows),
    )


def _scenario_row(
    scenario: ScenarioForecast,
    target: TargetForecast,
    others: Sequence[TargetForecast],
    asked: str,
    most_acts: int,
) -> tuple[Cell, ...]:
    name = Cell(scenario.label, note=what_it_assumes(scenario, target.name, most_acts), weight="semibold")
    if scenario.withheld:
        return name, *(Cell("needs a new fit", tone="fine") for _ in range(3 + len(others)))
    cells = (_moved(scenario_answer(scenario, one.name, asked)) for one in others)
    return name, *split_cells(scenario_answer(scenario, target.name, asked)), *cells


def _moved(found: ScenarioMilestone) -> Cell:
    """Chance of another target with its change; no finding where that is assumed, or under a point."""
    change, value = found.difference.value, found.probability
    if abs(change) < LEAST_SHOWN:
        return Cell("≈", tone="fine", value=value)
    if abs(change - (found.by_assumption or 0.0)) < LEAST_SHOWN:
        return Cell("●", note="assumed", value=value)
    return Cell(wording.percent(value), note=shown_change(change, found.difference.mcse), value=value)


def _how(scenario: ScenarioForecast) -> str:
    if scenario.withheld:
        return "needs a new fit"
    if scenario.method == "refit":
        return "new fit, which did not converge" if scenario.failures else "new fit"
    if scenario.pareto_k is None:
        return "other futures"
    futures = " and other futures" if "simulate" in scenario.method else ""
    return (
        f"weights{futures}; Pareto k {wording.number(scenario.pareto_k)}, "
        f"{wording.number(scenario.effective_draws or 0.0, 0)} effective draws"
    )


def costs_section(run: RunRecords) -> Section | None:
    """Whether to act on the headline; nothing where the config states no costs."""
    blocks = tuple(decision_blocks(run.forecast))
    return Section("costs", "When to act", blocks) if blocks else None


def decision_blocks(forecast: Forecast) -> Iterator[Block]:
    """Yield the threshold, on which side of it the headline lies, and what acting on forecasts was worth."""
    decision = forecast.decision
    if decision is None:
        return
    stated = (
        f"Acting costs {_span(decision.act)} and being surprised {_span(decision.surprised)} (one unit). "
    )
    probability = headline_pair(forecast)[1].probability
    yield Prose(stated + decision.sentence(probability), lead="When to act:")
    if decision.value is None:
        yield Prose("No backtest at such a distance says what acting on these forecasts is worth.")
        return
    yield from _worth(forecast, decision, decision.value)


def act_sentence(forecast: Forecast) -> Iterator[Prose]:
    """Yield whether the headline is a reason to act, in one sentence; nothing where no costs are stated."""
    if forecast.decision:
        probability = headline_pair(forecast)[1].probability
        yield Prose(forecast.decision.sentence(probability), lead="When to act:")


def _worth(forecast: Forecast, decision: Decision, value: DecisionValue) -> Iterator[Block]:
    days = f"{shown_days(forecast, value.horizon_days):,} days ahead"
    ways = {
        f"By the forecast, from {percent(decision.threshold)} on": value.forecast,
        "By the base rate known then": value.base_rate,
        "Always act": value.always,
        "Never act": value.never,
        "With perfect knowledge": value.perfect,
    }
    yield plain_table(
        ("Way of acting", right("Cost")),
        [(way, Cell(number(cost), value=cost)) for way, cost in ways.items()],
        f"Mean cost of a past window, {days} ({count(value.windows, 'window')}, the event in {value.held:,}; "
        f"the forecast said to act in {value.acted:,})",
        "decision",
    )
    if value.value is None:
        said = "Perfect knowledge would have saved nothing, so no forecast could"
    else:
        error = "" if value.value_se is None else f" ± {number(value.value_se)}"
        said = f"Value of the forecast: {number(value.value)}{error} (0: the base rate; 1: perfect knowledge)"
    yield Prose(f"{said}.", tone="fine")


def _span(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
