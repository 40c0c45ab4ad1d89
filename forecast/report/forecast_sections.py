"""What the forecast says: every question, its sources, what it rests on, scenarios, and when to act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np

from forecast.blocks import (
    Bar,
    Block,
    Cell,
    Chart,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
    cells,
    plain_table,
    right,
)
from forecast.events.codebook import actor_title, weak_kind
from forecast.events.dyads import Direction, DyadRule
from forecast.events.table import Event
from forecast.phrases.data import learned_clause
from forecast.phrases.notices import notice_text
from forecast.phrases.targets import what_does_not
from forecast.records.analysis import Analysis, PastForecast, Sensitivity
from forecast.records.forecast import (
    Driver,
    Forecast,
    ScenarioForecast,
    ScenarioMilestone,
    Step,
    TargetForecast,
    least_change,
)
from forecast.report.charts import chances_of, draw_course, draw_moves, draw_tension
from forecast.report.evidence_sections import ledger_gap, reaction_sentences, reaction_tables
from forecast.report.palette import category_colour, name_category, target_colour
from forecast.report.run_records import RunRecords, change_sentences
from forecast.report.tables import assumption_blocks, milestone_table
from forecast.report.typesetting import web_address
from forecast.report.words import (
    FEW_CASES,
    LEAST_SHOWN,
    MOST_IN_CHART,
    OTHER_PAIRS,
    assumed_part,
    assumption_moves,
    by_effect,
    capitalised,
    cases_in_words,
    cases_marked,
    chance,
    chosen_milestones,
    event_moves,
    headline_pair,
    if_words,
    is_assumed,
    level_of_conflict,
    measured_sentences,
    members_say,
    named,
    plural,
    rests_on_sentence,
    rests_on_words,
    rows_beside,
    scenario_answer,
    shown_change,
    stands_out,
    titles_of,
    trust_sentence,
    what_counts,
    what_it_assumes,
    with_share,
)
from forecast.targets import TargetRule
from forecast.wording import (
    count,
    first_clauses,
    listing,
    long_day,
    month_name,
    number,
    parts_of_100,
    percent,
    points,
    rounded,
    short_day,
    shorten,
    shown_difference,
    small_number,
    title_in_sentence,
)

BESIDE: dict[str, tuple[Step, str]] = {
    "few_events": ("own_rates", "few events in the data"),
    "one_episode": ("own_rates", "one episode holds {} of the events"),
    "late_start": ("own_rates", "earlier rows of the file are not used"),
    "prior_far_from_data": ("own_rates", "assumed rates are far from the data"),
    "stale_events": ("recent_acts", "no recent events: nothing coded, or nothing happened"),
    "kind_not_learned": ("other_pairs", "they held no target of such acts"),
    "longer_than_learned": ("other_pairs", "their records are far shorter than this one"),
    "learned_later": ("other_pairs", "learned in part from events after the as-of date"),
}
"""Cautions that weaken one step of the waterfall, and what is said beside it."""
_READING = (
    "Words: ICD 203. Past periods: the share of past periods of the same length in which it happened, "
    "smoothed; – where the record holds fewer than three. Constant rate: one rate on every day. Error: Monte "
    "Carlo, in points."
)
_STEPS = (
    "Each step from the base rate to the forecast adds one source to those before it; in another order the "
    "steps would share the change differently. The model comes in with this pair's mean rates and with acts "
    "that answer acts; “What other pairs teach” takes the mean with the pooled hazard, learned from them."
)
_READING_SCENARIOS = {
    "●": "● The scenario itself says that this event happens, or does not: no result.",
    "±": "Changes are in points, with their Monte Carlo error.",
    "≈": "≈ is a change of less than a point.",
    "–": "– is none that can be measured.",
}
"""How to read each sign of the table of scenarios."""
_MOST_CASES, _LONGEST_CASE = 3, 110
_MOST_DRIVERS, _LONGEST_SUMMARY = 6, 150
_MOST_BESIDE, _MOST_ACTS = 4, 4
_AT_AVERAGE = 0.05
"""Distance from average tension that one decimal does not show."""
"""Events beside the headline for which a sheet has room under scenarios, and acts that are named."""


# Every event and milestone


def questions_section(run: RunRecords) -> Section:
    """Chance, range, words, base rates and error of every question; its history; what counts."""
    forecast, reading = run.forecast, _READING
    if run.track_record is not None:
        reading += " Tested: said on average in the backtest so far ahead → share that came."
    if run.previous:
        reading += (
            f" Change: in points since {long_day(run.previous.as_of)}; ≈ is less than one, or within twice "
            "its error."
        )
    table = milestone_table(
        forecast.targets, asked=forecast.headline, previous=run.previous, tested=(forecast, run.track_record)
    )
    changes = map(Prose, change_sentences(forecast, run.previous))
    blocks = (*changes, Prose(reading, tone="fine"), table, _what_counts_table(run), course_chart(run))
    return Section("milestones", "Every event and milestone", blocks)


def _what_counts_table(run: RunRecords) -> Table:
    """What meets each target, its edge cases, the rows that met it, its past cases, and how grave it is."""
    summaries = {event.id: event.summary for event in run.events.rows()}
    rows = []
    for place, target in enumerate(run.forecast.targets):
        impact = run.options.impact.get(target.name)
        below = what_does_not(target, run.forecast.scale)
        edges = " ".join(f"{edge.rstrip('.')}." for edge in target.edge_cases)
        notes = (
            f"Does not count: {below.rstrip('.')}." if below else "",
            f"Edge cases: {edges}" if edges else "",
            f"Impact {impact.level}: {impact.rationale}" if impact else "",
        )
        event = Cell(shorten(target.label, 120), weight="semibold", colour=target_colour(place))
        counts = Cell(what_counts(target, run.forecast.scale), note=" ".join(filter(None, notes)))
        met = shorten(" ".join(clause_sentences(run, target)), 600)
        rows.append((event, counts, Cell(_cases(target, summaries), note=met)))
    return plain_table(
        (
            Column("Event", 30),
            "What counts, with its edge cases",
            Column("Past cases, and rows that meet it", 66),
        ),
        rows,
        "What counts as each event, and its past cases"
        + (", with its impact as the author judges it" if run.options.impact else ""),
        "targets",
    )


def clause_sentences(run: RunRecords, target: TargetForecast) -> Iterator[str]:
    """Which rows of the record meet a target, by kind and by whom; and which kinds no row is of."""
    data = run.analysis.data
    events = run.events.between(data.start, run.forecast.as_of)
    dyad = DyadRule(tuple(data.dyad.a), tuple(data.dyad.b), tuple(data.dyad.theatre))
    met = TargetRule(target.name, target.any_of, target.min_severity, target.by).mask(events)
    third = dyad.directions(events) == Direction.THEATRE
    places = {"between the sides": ~third}
    if dyad.theatre:
        several = len(dyad.theatre) > 1
        places["with third parties" if several else f"with {actor_title(dyad.theatre[0])}"] = third
    some, none, never = dict[str, list[str]](), dict[str, list[str]](), dict[str, list[str]]()
    for category in target.any_of:
        for place, here in places.items():
            rows, kind = here & (events.category == category), name_category(category).lower()
            if times := int(np.sum(rows & met)):
                days = len(np.unique(events.date[rows & met]))
                on = f" (on {count(days, 'day')})" if days < times else ""
                some.setdefault(place, []).append(f"{kind} {times}{on}")
            elif rows.any():
                none.setdefault(place, []).append(f"{kind} 0 of {int(rows.sum())}")
            else:
                never.setdefault(place, []).append(kind)
    for kinds, said in (
        (some, "Rows that meet it"),
        (none, "Coded, but none meets it"),
        (never, "Never coded, so no row could meet it"),
    ):
        if kinds:
            yield f"{said}: {'; '.join(f'{place}, {listing(told)}' for place, told in kinds.items())}."


def _cases(target: TargetForecast, summaries: dict[str, str]) -> str:
    if not target.observed_before:
        return "Never seen in the data."
    shown = [
        f"{short_day(case.date)}: {first_clauses(summaries[case.event_id].rstrip('.'), _LONGEST_CASE)}"
        for case in target.cases[-_MOST_CASES:][::-1]
        if case.event_id in summaries
    ]
    if not shown:
        return f"{count(target.observed_before, 'case')} in the data."
    earlier = max(target.observed_before - len(shown), 0)
    return "; ".join(shown) + (f"; and {earlier:,} before." if earlier else ".")


def course_chart(run: RunRecords) -> Chart:
    """Chart of history and outlook, with a headline that says what it shows."""
    forecast, past = run.forecast, _headline_history(run)
    return Chart(
        name="course",
        headline=_course_headline(forecast, past),
        alt=_describe_course(forecast, past),
        caption=_course_caption(run, past),
        draw=lambda: draw_course(forecast, past),
    )


def _headline_history(run: RunRecords) -> tuple[PastForecast, ...]:
    """Earlier forecasts of the headline question: of the ledger, and of the run before; oldest first."""
    asked, previous = run.forecast.headline, run.previous
    known = run.ledger_record.history if run.ledger_record else ()
    question = (asked.target, asked.milestone)
    past = {one.as_of: one for one in known if (one.target, one.milestone) == question}
    before = previous.change(*question) if previous else None
    if previous and before and previous.as_of < run.forecast.as_of:
        of_run = PastForecast(
            target=asked.target,
            milestone=asked.milestone,
            as_of=previous.as_of,
            probability=before.probability,
            interval90=before.interval90,
            hindcast=False,
        )
        past.setdefault(previous.as_of, of_run)
    return tuple(past[day] for day in sorted(past))


def _course_headline(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    _, milestone = headline_pair(forecast)
    now = percent(milestone.probability)
    if not past:
        return "Chance that each event has happened, by day"
    moved = shown_difference(milestone.probability, past[0].probability)
    month = f"{month_name(past[0].as_of)} {past[0].as_of.year}"
    if not moved:
        return f"The number is the same as in {month}: {now}"
    verb = "risen" if moved > 0 else "fallen"
    return f"The number has {verb} from {percent(past[0].probability)} in {month} to {now} now"


def _course_caption(run: RunRecords, past: tuple[PastForecast, ...]) -> str:
    target, milestone = headline_pair(run.forecast)
    outlook = "Dots: milestones; band: plausible range."
    if not past:
        return " ".join((outlook, *ledger_gap(run)))
    late = " (made later, from what was known then)" if all(one.hindcast for one in past) else ""
    return (
        f"Left: earlier forecasts{late} for {short_day(milestone.date)}; triangles: "
        f"{cases_marked(target, past[0].as_of)}. Right: chance that each event has happened. {outlook}"
    )


def _describe_course(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    target, milestone = headline_pair(forecast)
    history = "; ".join(f"{percent(one.probability)} as of {long_day(one.as_of)}" for one in past)
    before = (
        f"Earlier forecasts of {title_in_sentence(shorten(target.label, 80))}: {history}. " if past else ""
    )
    parts = []
    for target in forecast.targets:
        shown = chosen_milestones(target.milestones, milestone.name, MOST_IN_CHART)
        each = "; ".join(f"{chance(one)} before {short_day(one.date)}" for one in shown)
        parts.append(f"{shorten(target.label, 80)}: {each}")
    return f"Line chart on one time axis. {before}Chance by day from now on. {'. '.join(parts)}."


# Where the number comes from


def sources_section(run: RunRecords) -> Section:
    """Steps, drivers with their sources, and scheduled events."""
    blocks = (*_drivers(run), *_scheduled(run))
    if run.forecast.waterfall:
        # With the decimal that the points of the steps have, so that the mean adds.
        _, milestone = headline_pair(run.forecast)
        said = members_say(milestone, 0.0, lambda chance: f"{rounded(100 * chance, 1)}%")
        mean = f" With all steps in, the forecast is the mean of two: {said}." if said else ""
        blocks = (Prose(_STEPS + mean), *blocks)
    return Section("sources", "Where the number comes from", blocks)


def caveats(forecast: Forecast, analysis: Analysis) -> dict[Step, tuple[str, ...]]:
    """What weakens each step of the waterfall, in short, to stand beside it."""
    target, milestone = headline_pair(forecast)
    texts: dict[Step, list[str]] = {}
    for before, step in pairwise(forecast.waterfall):
        # A step that shows no points needs no remark.
        ends = {rounded(100 * one.probability, 1) for one in (before, step)}
        if step.step == "drift" and len(ends) == 2:
            without = min(max(milestone.probability - step.change, 0.0), 1.0)
            coverage = "fuller" if step.change > 0 else "thinner"
            texts["drift"] = [f"may only reflect {coverage} reporting; {percent(without)} without it"]
    changes = {one.step: round(one.change, 3) for one in forecast.waterfall}
    now = analysis.tension.mean[-1]
    texts["tension"] = [f"now {number(now, 1)}; 0 is its average"]
    if now > -_AT_AVERAGE and changes.get("tension", 0.0) < 0:
        texts["tension"].append("crises lift the mean rate above that of average tension")
    if not target.observed_before:
        texts["base_rate"] = ["never seen in the data"]
    elif target.observed_before < FEW_CASES:
        texts["base_rate"] = [f"from {cases_in_words(target)}"]
        texts["own_rates"] = [f"on the same {cases_in_words(target).removeprefix('one ')}"]
    if pooled := [learned_clause(one) for one in analysis.learned if one.part == "pooled hazard"]:
        texts["other_pairs"] = [f"learned from {pooled[0]}"]
    told = [one.said if one.name in OTHER_PAIRS else -one.said for one in milestone.members or ()]
    if "own_rates" in changes and sum(told) * changes.get("other_pairs", 0.0) < 0:
        texts.setdefault("other_pairs", []).append("beside the model before the steps below")
    for caution in forecast.cautions:
        if caution.code in BESIDE and (
            caution.code != "kind_not_learned" or caution["target"] == target.name
        ):
            name, text = BESIDE[caution.code]
            texts.setdefault(name, []).append(with_share(text, caution))
    return {step: tuple(dict.fromkeys(said)) for step, said in texts.items()}


def clear_drivers(forecast: Forecast) -> tuple[Driver, ...]:
    """Events that clearly move the headline, the largest rise first."""
    least = least_change(headline_pair(forecast)[1].probability)
    clear = [one for one in forecast.drivers if one.clear and abs(one.change) >= least]
    return tuple(sorted(clear, key=lambda driver: (-driver.change, driver.date, driver.event_id)))


def _drivers(run: RunRecords) -> Iterator[Block]:
    """The past events whose effect is clear, with bars and sources, and how they were found."""
    forecast = run.forecast
    yield Heading("Past events that move it most")
    if not forecast.drivers and not forecast.drivers_tried:
        yield Prose("Which past events move the number was not measured.")
        return
    clear = sorted(clear_drivers(forecast), key=lambda driver: -abs(driver.change))
    shown, tried = clear[:_MOST_DRIVERS], forecast.drivers_tried
    how = f"The {tried} events most likely to matter" if tried else "Events"
    found = f"{small_number(len(clear)).capitalize()} {plural(len(clear), 'moves', 'move')}"
    least = least_change(headline_pair(forecast)[1].probability)
    size = "a point" if least == 0.01 else points(least)
    untold = "".join(
        f" {notice_text(one)}" for one in run.analysis.warnings if one.code == "influential_events"
    )
    yield Prose(
        f"{how} were left out one at a time. {found if clear else 'No event moves'} it by {size} or more, "
        "and by more than three times the Monte Carlo error (±). Effects do not add up. They are "
        "evidence, not cause: an event on record also tells how often such acts come; the same act ahead, "
        "in a scenario, has its own effect alone, and the two may differ."
        + (f" Shown are the {small_number(len(shown))} largest." if len(clear) > len(shown) else "")
        + untold
    )
    if not shown:
        return
    events = {event.id: event for event in run.events.rows()}
    yield _drivers_table(forecast, shown, events)
    articles = Counter(
        (event.source_outlet, event.source_title)
        for driver in shown
        if (event := events.get(driver.event_id)) is not None and event.source_title
    )
    for (outlet, title), times in articles.items():
        if times > 1:
            many = small_number(times).capitalize()
            yield Prose(f"{many} of these rest on one article: {outlet}, “{title}”.")


def _drivers_table(forecast: Forecast, shown: Sequence[Driver], events: dict[str, Event]) -> Table:
    """What the headline would be without each event, with the change, day, kind and source."""
    most, now = max(abs(driver.change) for driver in shown), headline_pair(forecast)[1].probability
    pages = (web_address(event.source_url) for one in shown if (event := events.get(one.event_id)))
    sourced = any(pages) or any(driver.source for driver in shown)
    rows: list[tuple[Cell, ...]] = []
    for driver in shown:
        event = events.get(driver.event_id)
        left, change = now - driver.change, shown_change(-driver.change, driver.mcse)
        colour = category_colour(driver.category)
        kind = f"{name_category(driver.category)}, severity {driver.severity}"
        address = web_address(event.source_url) if event is not None else None
        rows.append(
            (
                Cell(percent(left), note=change, weight="semibold", value=left),
                Cell(mark=Bar(value=abs(driver.change) / most, colour=colour)),
                Cell(short_day(driver.date), note=kind),
                Cell(first_clauses(driver.summary, _LONGEST_SUMMARY), note=rows_beside(len(driver.also))),
                Cell(shorten(driver.source, 70) or "–", note=_doubt(event), url=address),
            )
        )
    columns = [right("Without it", 22), Column("Size", 12), Column("Day", 38), Column("What happened")]
    columns += [Column("Source", 30)]
    told = slice(None) if sourced else slice(-1)
    return plain_table(
        columns[told],
        [row[told] for row in rows],
        f"What the {percent(now)} would be without each event on record, and the change in points",
        "drivers",
    )


def _doubt(event: Event | None) -> str:
    """Say what is weak about the source of an event; empty for none that is known."""
    if event is None or web_address(event.source_url) is None:
        return "no address"
    kind = weak_kind(event.source_url)
    return ", ".join((["page not read"] if not event.verified else []) + ([f"weak: {kind}"] if kind else []))


def changes_section(run: RunRecords) -> Section | None:
    """What would change the number: declared reactions, case by case."""
    blocks: list[Block] = []
    for one in run.analysis.reactions:
        blocks += [Heading(one.label), *map(Prose, reaction_sentences(one)), *reaction_tables(run, one)]
    return Section("changes", "What would change it", tuple(blocks)) if blocks else None


def _scheduled(run: RunRecords) -> Iterator[Block]:
    """Acts of the config's calendar before the headline's day with their chance, and how many come later."""
    yield Heading("Scheduled events built into the forecast")
    if not run.analysis.calendar:
        yield Prose("No event is scheduled.")
        return
    _, milestone = headline_pair(run.forecast)
    acts = sorted(run.analysis.calendar, key=lambda act: (act.date, act.label))
    shown = [act for act in acts if act.date < milestone.date] or acts
    later = count(len(acts) - len(shown), "more event")
    more = f". After {short_day(milestone.date)}: {later}" if len(acts) > len(shown) else ""
    title = f"Judgements of the author; how often such judgements came true is not on record{more}"
    rows = (
        (
            short_day(act.date),
            shorten(act.label, 110),
            Cell(f"{name_category(act.category)}, {act.severity}", swatch=category_colour(act.category)),
            percent(act.probability) if act.probability < 1 else "certain",
        )
        for act in shown
    )
    columns = (Column("Day", 20), "Event", Column("Kind and severity", 36), right("Chance", 14))
    yield plain_table(columns, rows, title, "calendar", lines=False)


# How tense the relationship is


def tension_section(run: RunRecords) -> Section:
    """For the page alone: inferred tension with the chance of each state by week."""
    tension = run.analysis.tension
    calm, strained, crisis = parts_of_100([float(one[-1]) for one in chances_of(tension)])
    mean, lower, upper = (number(one[-1], 1) for one in (tension.mean, tension.lower90, tension.upper90))
    (high, top), (low, bottom) = (
        (number(tension.mean[place], 1), long_day(tension.date[place]))
        for place in (int(np.argmax(tension.mean)), int(np.argmin(tension.mean)))
    )
    now = f"now {mean} (90% interval {lower} to {upper})"
    chart = Chart(
        name="tension",
        headline=f"Now {calm} calm, {strained} strained and {crisis} in crisis",
        alt=f"Line chart of tension from {long_day(tension.date[0])} to {long_day(run.forecast.as_of)}, in "
        f"standard deviations. Highest {high} on {top}, lowest {low} on {bottom}, {now}. The last week is "
        f"calm with {calm}, strained with {strained} and a crisis with {crisis}.",
        caption="Top: inferred tension with its 90% interval; triangles mark "
        f"{cases_marked(headline_pair(run.forecast)[0], tension.date[0])} of the headline event. Bottom: "
        "chance of each state by week.",
        draw=lambda: draw_tension(tension, run.forecast),
    )
    text = (
        "Tension is inferred from all coded acts, not observed; 0 is its long-run mean and the unit its "
        f"standard deviation. A week is strained from {number(tension.strained_from, 1)} and a crisis from "
        f"{number(tension.crisis_from, 1)}. Tension apart, the level of conflict is now "
        f"{level_of_conflict(run.analysis.drift)}. It may reflect reporting alone."
    )
    return Section("tension", "How tense the relationship is", (chart, Prose(text)), printed=False)


# What the number rests on


def assumptions_section(run: RunRecords) -> Section:
    """What the headline rests on, and the assumptions that move it most."""
    forecast, sensitivity = run.forecast, run.analysis.sensitivity
    title = "What the number rests on"
    if sensitivity is None or not sensitivity.labels:
        unknown = Prose("What the number rests on was not measured in this run: see “forecast sensitivity”.")
        return Section("assumptions", title, (unknown,))
    target, milestone = headline_pair(forecast)
    labels = Counter(map(rests_on_words, sensitivity.labels))
    number_of = count(len(sensitivity.labels), "chance")
    rest = plural(next(iter(labels.values())), " rests on ", " rest on ")
    each = listing(f"{small_number(many)} on {words}" for words, many in labels.items())
    each = each.replace(" on ", rest, 1)
    every = f"Of {number_of} in this report, {each}."
    if len(labels) == 1:
        every = f"All {number_of} in this report rest on {next(iter(labels))}."
    known = {(one.target, one.milestone): one for one in sensitivity.labels}
    blocks: list[Block] = []
    if one := known.get((target.name, milestone.name)):
        measured = measured_sentences(forecast, sensitivity, few=one.reason == "too few cases")
        blocks.append(Prose(" ".join((rests_on_sentence(forecast, one), *measured, every))))
    chart = _moves_chart(run, sensitivity)
    return Section("assumptions", title, (*blocks, *chart))


def _moves_chart(run: RunRecords, sensitivity: Sensitivity) -> Iterator[Chart]:
    """Chart of the number without each weighty event and with each assumption moved, on one scale."""
    titles = titles_of(run.forecast, run.analysis.reaction_labels)
    moves = [*event_moves(run.forecast), *assumption_moves(sensitivity, titles)]
    if not moves:
        return
    _, milestone = headline_pair(run.forecast)
    each = (
        f"{one.label}: {', '.join(f'{end.said}: {percent(end.chance)}' for end in one.ends)}" for one in moves
    )
    yield Chart(
        name="assumptions",
        headline=f"What the {percent(milestone.probability)} would be without one event, or with one "
        "assumption moved",
        alt=f"Dot chart of the headline chance. {'; '.join(each)}.",
        caption="Dots: the chance. Line: this forecast; band: its plausible range. An assumption is moved "
        "one step down and one up, to its 16% and 84% quantile; a scheduled event to 0% and 100%. In "
        "brackets: as assumed now, of a prior its median. All assumptions are in report.html.",
        draw=lambda: draw_moves(milestone, moves),
    )


def moves_section(run: RunRecords) -> Section | None:
    """For the page alone: the headline with every assumption moved one step each way."""
    sensitivity = run.analysis.sensitivity
    if sensitivity is None or not sensitivity.assumptions:
        return None
    titles = titles_of(run.forecast, run.analysis.reaction_labels)
    blocks = tuple(assumption_blocks(run.forecast, sensitivity, titles))
    return Section("moves", "Every assumption, moved", blocks, printed=False)


def moving_scenarios(forecast: Forecast) -> list[ScenarioForecast]:
    """Scenarios of acts or facts that move the headline by more than their error, the most first."""
    target, milestone = headline_pair(forecast)
    sizes = {}
    for scenario in forecast.scenarios:
        if scenario.withheld or scenario.failures or "belief" in scenario.kinds:
            continue
        answer = scenario_answer(scenario, target.name, milestone.name)
        change = answer.difference
        if not is_assumed(answer) and abs(change.value) >= max(LEAST_SHOWN, 2 * change.mcse):
            sizes[scenario.name] = abs(change.value)
    shown = [one for one in forecast.scenarios if one.name in sizes]
    return sorted(shown, key=lambda one: -sizes[one.name])


# What if


def scenarios_section(run: RunRecords) -> Section:
    """Table of all targets under each scenario, by kind, the largest effect on the headline first."""
    if not run.forecast.scenarios:
        return Section("scenarios", "What if", (Prose("This run compares no scenarios."),))
    beside = _beside(run.forecast)
    table, left_out = _scenario_table(run, beside), len(run.forecast.targets) - 1 - len(beside)
    shown = "".join(
        f"{cell.text} {cell.note}" for one in table.groups for row in one.rows for cell in row[1:]
    )
    reading = [said for sign, said in _READING_SCENARIOS.items() if sign in shown]
    if left_out:
        left, them = plural(left_out, "event is", "events are"), plural(left_out, "it", "them")
        reading.append(
            f"{capitalised(small_number(left_out))} {left} left out: scenarios move {them} less, or assume "
            f"{them}. The table in report.html has all."
        )
    return Section("scenarios", "What if", (Prose(" ".join(reading)), table))


def rationales_section(run: RunRecords) -> Section | None:
    """For the page alone: all that each scenario assumes, how it was computed, and why it is worth asking."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    blocks: list[Block] = []
    for scenario in by_effect(forecast, forecast.scenarios):
        assumed = what_it_assumes(scenario, forecast.headline.target, len(scenario.acts))
        if assumed != scenario.rests_on:
            assumed = f"It assumes: {assumed.rstrip('.')}."
        said = f"{scenario.rationale} {assumed} {trust_sentence(scenario)}"
        blocks.append(Prose(said, lead=f"{scenario.label}."))
    others = [one for one in forecast.targets if one.name != forecast.headline.target]
    if len(others) > len(_beside(forecast)):
        blocks.append(_scenario_table(run, others, "all-scenarios"))
    return Section("rationales", "Why each scenario is worth asking", tuple(blocks), printed=False)


def _beside(forecast: Forecast) -> list[TargetForecast]:
    """Return the targets beside the headline that some scenario moves before its day, the most moved ones."""
    asked, told = forecast.headline, [one for one in forecast.scenarios if not one.withheld]

    def moved(target: TargetForecast) -> float:
        answers = (scenario_answer(one, target.name, asked.milestone) for one in told)
        return max((abs(one.difference.value) for one in answers if not is_assumed(one)), default=0.0)

    others = [one for one in forecast.targets if one.name != asked.target and moved(one) >= LEAST_SHOWN]
    kept = sorted(others, key=moved, reverse=True)[:_MOST_BESIDE]
    return [one for one in others if one in kept]


def _scenario_table(run: RunRecords, others: Sequence[TargetForecast], name: str = "scenarios") -> Table:
    """Under each kind of scenario the headline and its change; then the other targets with theirs."""
    forecast = run.forecast
    target, milestone = headline_pair(forecast)
    known = [named(one.milestones, milestone.name).probability for one in (target, *others)]
    first, *rest = (Cell(percent(one), value=one, weight="semibold") for one in known)
    groups = [Group(rows=(cells(Cell("This forecast", weight="semibold"), first, "", *rest),))]

    def row_of(scenario: ScenarioForecast) -> tuple[Cell, ...]:
        assumes = what_it_assumes(scenario, target.name, _MOST_ACTS)
        said = (f"{assumes.rstrip('.')}.", scenario.rests_on, scenario.no_effect)
        assumes = " ".join(dict.fromkeys(filter(None, said)))
        label = Cell(scenario.label, note=shorten(assumes, 500), weight="semibold")
        if scenario.withheld:
            return label, *[Cell("needs a new fit", tone="fine")] * (2 + len(others))
        answer = scenario_answer(scenario, target.name, milestone.name)
        change, mcse = answer.difference.value, answer.difference.mcse
        then, shown = _moved(answer), ""
        if not is_assumed(answer):
            shown = shown_change(change, mcse) if stands_out(change, mcse) else "–"
            if then.text not in "≈–":
                then = Cell(percent(answer.probability), weight="semibold", value=answer.probability)
        moved = (_moved(scenario_answer(scenario, one.name, milestone.name)) for one in others)
        return label, then, Cell(shown, note=assumed_part(answer), value=change), *moved

    for kinds, scenarios in groupby(by_effect(forecast, forecast.scenarios), key=lambda one: one.kinds):
        head, read = if_words(kinds)
        groups.append(Group(label=head, detail=read, rows=tuple(map(row_of, scenarios))))
    return Table(
        name=name,
        title=f"Before {long_day(milestone.date)} under each scenario",
        columns=(
            Column("Scenario, and what it assumes"),
            right(shorten(target.label, 60), 19),
            right("Change, points", 18),
            *(right(shorten(one.label, 60), 19) for one in others),
        ),
        groups=tuple(groups),
    )


def _moved(answer: ScenarioMilestone) -> Cell:
    """Chance of another target with its change; no finding where that is assumed, or under a point."""
    change, value = answer.difference.value, answer.probability
    if is_assumed(answer):
        return Cell("●", note="assumed", value=value)
    if not answer.carried:
        return Cell("–", note="not carried over", value=value)
    if abs(change) < LEAST_SHOWN:
        return Cell("≈", tone="fine", value=value)
    notes = shown_change(change, answer.difference.mcse), assumed_part(answer)
    return Cell(percent(value), note=", ".join(filter(None, notes)), value=value)
