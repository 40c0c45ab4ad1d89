"""What the forecast says: every question, its sources, what it rests on, scenarios, and when to act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

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
    Weight,
    plain_table,
    right,
)
from forecast.events.codebook import weak_kind
from forecast.events.table import Event, EventTable
from forecast.records.analysis import (
    DriftNow,
    LearnedFrom,
    PastForecast,
    ShiftEnd,
    Sign,
    TensionSeries,
)
from forecast.records.forecast import (
    Driver,
    Forecast,
    MemberForecast,
    MilestoneForecast,
    RestsOn,
    ScenarioForecast,
    ScenarioMilestone,
    Step,
    TargetForecast,
)
from forecast.report.charts import chances_of, draw_course, draw_tension, draw_tornado, shown_bars
from forecast.report.evidence_sections import ledger_gap
from forecast.report.palette import category_colour, name_category, target_colour
from forecast.report.run_records import RunRecords, change_sentences
from forecast.report.tables import PULLS, labels_table, milestone_table
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
    by_effect,
    capitalised,
    cases_marked,
    chance,
    chosen_milestones,
    headline_pair,
    members_sentence,
    named,
    plural,
    scenario_answer,
    shown_change,
    shown_days,
    shown_error,
    split_cells,
    stands_out,
    titles_of,
    what_counts,
    what_it_assumes,
)
from forecast.wording import (
    count,
    interval_percent,
    listing,
    long_day,
    month_name,
    number,
    percent,
    points,
    short_day,
    shown_difference,
    signed_points,
    small_number,
    title_in_sentence,
)

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
_READING = (
    "Words are those of ICD 203 for the chance itself. Past periods: the share of past periods of the same "
    "length in which it happened, smoothed. Constant rate: one rate on every day. Error: Monte Carlo, in "
    "points."
)
_STEPS = (
    "Each step adds one source to those above it. Own rates: this pair's rates over the whole record, with "
    "recent events, tension and the level of conflict held at their averages. Other pairs: the mean with "
    "what was learned on other pairs of countries. In another order the steps would share the change out "
    "differently."
)
_READING_SCENARIOS = (
    "Acts marked ● are themselves what is forecast: the points that they bring are met by assumption, and "
    "are no finding. “Model adds” is the rest, with its Monte Carlo error. ≈ is a change of less than a "
    "point; – is none that can be measured."
)
_OF_THE_MODEL = (
    "Pulls, odds and bars are of the forecast. Priors and data move the model in it; the pooled hazard is "
    "held, and its own assumptions were not tested."
)
_LABEL_VERBS: dict[RestsOn, str] = {
    "data-driven": "rest on data",
    "prior-driven": "rest on assumptions",
    "conflict": "are a compromise of the two",
    "unclear": "cannot be told",
}
_MOST_CASES, _LONGEST_CASE = 3, 70
_MOST_DRIVERS, _LONGEST_SUMMARY = 6, 150
_MOST_SCHEDULED = 8
_MOST_PRINTED = 8
_MOST_TARGETS, _MOST_ACTS = 6, 4


def missing(run: RunRecords, part: str, otherwise: str) -> str:
    """Why the run has no word on a part of ``analysis.json``."""
    return next((one.sentence for one in run.analysis.missing if one.part == part), otherwise)


# Every event and milestone


def questions_section(run: RunRecords) -> Section:
    """Chance, range, words, base rates and error of every question; its history; what counts."""
    forecast, reading = run.forecast, _READING
    if run.previous:
        reading += (
            f" Change: in points since {long_day(run.previous.as_of)}; ≈ is less than one, or within twice "
            "its error."
        )
    table = milestone_table(forecast.targets, asked=forecast.headline, previous=run.previous)
    changes = map(Prose, change_sentences(forecast, run.previous))
    blocks = (*changes, table, Prose(reading, tone="fine"), course_chart(run), _what_counts_table(run))
    return Section("milestones", "Every event and milestone", blocks)


def members_section(run: RunRecords) -> Section | None:
    """For the page alone: what each member of the forecast says of every question."""
    forecast = run.forecast
    if len(forecast.members) < 2:
        return None

    def cell(answer: MilestoneForecast | MemberForecast | None, weight: Weight = "regular") -> Cell:
        if answer is None:
            return Cell("–")
        note, value = interval_percent(answer.interval90), answer.probability
        return Cell(percent(value), note=note, value=value, weight=weight)

    groups = []
    for place, target in enumerate(forecast.targets):
        rows = []
        for milestone in chosen_milestones(target.milestones, forecast.headline.milestone, MOST_IN_CHART):
            answers = {member.name: member for member in milestone.members or ()}
            of_members = (cell(answers.get(member.name)) for member in forecast.members)
            rows.append((Cell(short_day(milestone.date)), cell(milestone, "semibold"), *of_members))
        groups.append(Group(label=shorten(target.label, 80), colour=target_colour(place), rows=tuple(rows)))
    labels = (right(capitalised(member.label)) for member in forecast.members)
    title = "What each member of the forecast says"
    columns = (right("Before", 24), right("Forecast", 26), *labels)
    table = Table(name="members", title=title, columns=columns, groups=tuple(groups))
    unknown = "Members do not know the scheduled events; the forecast does."
    note = Prose(f"{members_sentence(forecast.members)} {unknown}", tone="fine")
    return Section("members", title, (table, note), printed=False)


def _what_counts_table(run: RunRecords) -> Table:
    """What meets each target, its past cases, and how grave it would be."""
    summaries = {event.id: event.summary for event in run.events.rows()}
    rows = []
    for place, target in enumerate(run.forecast.targets):
        impact = run.options.impact.get(target.name)
        grave = f" Impact {impact.level}: {impact.rationale}" if impact else ""
        not_counted = f"Does not count: {target.does_not_count.rstrip('.')}."
        event = Cell(shorten(target.label, 120), weight="semibold", colour=target_colour(place))
        counts = Cell(shorten(what_counts(target), 300), note=f"{not_counted}{grave}".strip())
        rows.append((event, counts, _cases(target, summaries)))
    return plain_table(
        (Column("Event", 38), "What counts", Column("Past cases", 58)),
        rows,
        "What counts as each event, its past cases, and its impact as the author judges it",
        "targets",
    )


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
    target, milestone = headline_pair(forecast)
    now = percent(milestone.probability)
    if not past:
        first = min(target.milestones, key=lambda one: one.date)
        if first.name == milestone.name:
            return f"The chance grows to {now} before {long_day(milestone.date)}"
        return (
            f"The chance grows from {percent(first.probability)} before {short_day(first.date)} to {now} "
            f"before {short_day(milestone.date)}"
        )
    moved = shown_difference(milestone.probability, past[0].probability)
    month = f"{month_name(past[0].as_of)} {past[0].as_of.year}"
    if not moved:
        return f"The number is the same as in {month}: {now}"
    verb = "risen" if moved > 0 else "fallen"
    return f"The number has {verb} from {percent(past[0].probability)} in {month} to {now} now"


def _course_caption(run: RunRecords, past: tuple[PastForecast, ...]) -> str:
    target, milestone = headline_pair(run.forecast)
    outlook = "hance that each event has happened by a day; dots: milestones; band: plausible range."
    if not past:
        none = f"C{outlook} No earlier forecast of this question is on record."
        return " ".join((none, *ledger_gap(run)))
    late = " (made later, from what was known then)" if all(one.hindcast for one in past) else ""
    return (
        f"Left: earlier forecasts{late} for {short_day(milestone.date)}; triangles: "
        f"{cases_marked(target, past[0].as_of)}. Right: c{outlook}"
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
    """Steps, drivers with their sources, signs and scheduled events."""
    forecast = run.forecast
    steps = [_STEPS, *_mean_sentence(forecast)] if forecast.waterfall else []
    blocks = (*([Prose(" ".join(steps))] if steps else ()), *_drivers(run), *_signs(run), *_scheduled(run))
    return Section("sources", "Where the number comes from", blocks)


def caveats(forecast: Forecast, learned: Sequence[LearnedFrom]) -> dict[Step, tuple[str, ...]]:
    """What weakens each step of the waterfall, in short, to stand beside it."""
    target, _ = headline_pair(forecast)
    seen = target.observed_before
    texts: dict[Step, list[str]] = {"drift": ["denser coding of conflict would look the same"]}
    if not seen:
        texts["base_rate"] = ["never seen in the data"]
    elif seen < FEW_CASES:
        texts["base_rate"] = [f"from {small_number(seen)} past {plural(seen, 'case', 'cases')}"]
    if pooled := [one.clause for one in learned if one.part == "pooled hazard"]:
        texts["other_pairs"] = [f"learned from {pooled[0]}"]
    for caution in forecast.cautions:
        if caution.code in BESIDE and (
            caution.code != "kind_not_learned" or caution["target"] == target.name
        ):
            step, text = BESIDE[caution.code]
            texts.setdefault(step, []).append(text)
    return {step: tuple(dict.fromkeys(said)) for step, said in texts.items()}


def _mean_sentence(forecast: Forecast) -> Iterator[str]:
    """From what each member says to the headline, so that a reader who takes the mean gets the same."""
    _, milestone = headline_pair(forecast)
    members = [member for member in milestone.members or () if member.weight > 0]
    if len(members) < 2:
        return
    each = listing(f"the {member.label} says {percent(member.probability)}" for member in members)
    weights = sum(member.weight for member in members)
    mean = sum(member.weight * member.probability for member in members) / weights
    moved = signed_points(milestone.probability - mean)
    then = f"Scheduled events change it by {moved} points, to {percent(milestone.probability)}"
    if moved == "0.0":
        then = "Scheduled events do not change it"
    yield f"Scheduled events apart, {each}; their mean is {percent(mean)}. {then}."


def clear_drivers(forecast: Forecast) -> tuple[Driver, ...]:
    """Events that move the headline by more than twice their error, the largest rise first."""
    clear = [driver for driver in forecast.drivers if stands_out(driver.change, driver.mcse)]
    return tuple(sorted(clear, key=lambda driver: (-driver.change, driver.date, driver.event_id)))


def _drivers(run: RunRecords) -> Iterator[Block]:
    """The past events whose effect is clear, with bars and sources, and how they were found."""
    forecast = run.forecast
    yield Heading("Past events that move it most")
    if not forecast.drivers:
        yield Prose("Which past events move the number was not measured.")
        return
    clear = sorted(clear_drivers(forecast), key=lambda driver: -abs(driver.change))
    shown, tried = clear[:_MOST_DRIVERS], forecast.drivers_tried
    how = f"The {tried} events most likely to matter" if tried else "Events"
    found = f"{small_number(len(clear)).capitalize()} {plural(len(clear), 'moves', 'move')}"
    yield Prose(
        f"{how} were left out one at a time and the chance worked out again. "
        f"{found if clear else 'No event moves'} it by more than twice the Monte Carlo error (±). The "
        "changes do not add up, because events act together."
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
    """What each event does to the headline, with its size, day, kind and source."""
    most = max(abs(driver.change) for driver in shown)
    rows = []
    for driver in shown:
        event = events.get(driver.event_id)
        change, colour = signed_points(driver.change), category_colour(driver.category)
        kind = f"{name_category(driver.category)}, severity {driver.severity}"
        address = web_address(event.source_url) if event is not None else None
        rows.append(
            (
                Cell(change, note=shown_error(driver.mcse), weight="semibold", value=driver.change),
                Cell(mark=Bar(value=abs(driver.change) / most, colour=colour)),
                short_day(driver.date),
                Cell(first_clauses(driver.summary, _LONGEST_SUMMARY), note=kind),
                Cell(shorten(driver.source, 70) or "–", note=_doubt(event), url=address),
            )
        )
    now = percent(headline_pair(forecast)[1].probability)
    return plain_table(
        (right("Points", 20), Column("Size", 14), Column("Day", 20), "What happened", Column("Source", 40)),
        rows,
        f"How much of the {now} is due to each event, in percentage points",
        "drivers",
    )


def _doubt(event: Event | None) -> str:
    """Say what is weak about the source of an event; empty for none that is known."""
    if event is None or web_address(event.source_url) is None:
        return "no address"
    kind = weak_kind(event.source_url)
    return ", ".join((["page not read"] if not event.verified else []) + ([f"weak: {kind}"] if kind else []))


def signs_table(forecast: Forecast, signs: tuple[Sign, ...], name: str, *, full: bool = False) -> Table:
    """What to watch for, how likely it is, what the headline becomes, and how often the sign misled.

    In ``full`` with the likelihood ratio, which says how well the sign tells.
    """
    now = percent(headline_pair(forecast)[1].probability)
    days, until = signs[0].within_days, long_day(signs[0].until)
    ratio = (right("Likelihood ratio", 26),) if full else ()
    columns = ("Sign", right("Chance of it", 19), right("If seen", 16), right("If not", 16))
    return plain_table(
        (*columns, *ratio, right("Misled in backtest", 27)),
        (sign_cells(sign, full=full) for sign in signs),
        f"What to watch in the next {days} days (to {until}), and what {now} becomes",
        name,
        whole=True,
    )


def sign_cells(sign: Sign, *, full: bool) -> tuple[Cell | str, ...]:
    """One sign: what it looks like, its chance, what the headline becomes, and how often it misled."""
    by = f" by {' or '.join(sign.by)}" if sign.by else ""
    least = f"{sign.severity} or more" if sign.most_severity > sign.severity else str(sign.severity)
    span = "–".join(number(end, 1) for end in sign.likelihood_ratio90)
    ratio = Cell(number(sign.likelihood_ratio, 1), note=span, value=sign.likelihood_ratio)
    past = sign.history
    return (
        Cell(f"{sign.label}{by}, severity {least}", note=shorten(sign.anchor, 110), weight="semibold"),
        Cell(percent(sign.chance), value=sign.chance),
        Cell(percent(sign.if_seen), weight="semibold", value=sign.if_seen),
        Cell(percent(sign.if_not_seen), value=sign.if_not_seen),
        *((ratio,) if full else ()),
        "not tested" if past is None else f"{past.misled} of {past.present}",
    )


def _signs(run: RunRecords) -> Iterator[Block]:
    """Every sign with its likelihood ratio, and how the table is read."""
    signs = run.analysis.signs
    if not signs:
        return
    yield Heading("Signs to watch")
    yield signs_table(run.forecast, signs, "all-signs", full=True)
    untested = "" if any(sign.history for sign in signs) else missing(run, "sign_history", "")
    yield Prose(
        "If seen and if not seen average back to the forecast, by the chance of the sign. Likelihood ratio: "
        "how many times as often the sign comes where the event follows, with its error. Misled: the sign "
        f"was there at an origin of the backtest and the event did not follow. {untested}".rstrip(),
        tone="fine",
    )


def _scheduled(run: RunRecords) -> Iterator[Block]:
    """Acts of the config's calendar with their probability."""
    yield Heading("Scheduled events built into the forecast")
    if not run.analysis.calendar:
        yield Prose("No event is scheduled.")
        return
    hidden = len(run.analysis.calendar) - _MOST_SCHEDULED
    more = f" ({count(hidden, 'later one')} in analysis.json)" if hidden > 0 else ""
    title = f"Judgements of the author, written in the config{more}"
    rows = (
        (
            short_day(act.date),
            shorten(act.label, 110),
            Cell(f"{name_category(act.category)}, {act.severity}", swatch=category_colour(act.category)),
            percent(act.probability) if act.probability < 1 else "certain",
        )
        for act in sorted(run.analysis.calendar, key=lambda act: (act.date, act.label))[:_MOST_SCHEDULED]
    )
    columns = (Column("Day", 22), "Event", Column("Kind and severity", 44), right("Chance", 18))
    yield plain_table(columns, rows, title, "calendar", lines=False, whole=True)


# How tense the relationship is


def tension_section(run: RunRecords) -> Section:
    """For the page alone: inferred tension with the chance of each regime by week."""
    tension, forecast = run.analysis.tension, run.forecast
    calm, strained, crisis = (percent(float(one[-1])) for one in chances_of(tension))
    marked = cases_marked(headline_pair(forecast)[0], tension.date[0])
    chart = Chart(
        name="tension",
        headline=f"Now {calm} calm, {strained} strained and {crisis} in crisis",
        alt=_describe_tension(tension, run.events, forecast),
        caption=f"Top: inferred tension with its 90% interval; triangles mark {marked} of the headline "
        "event. Middle: chance of each state by week. Bottom: the coded events by kind; taller marks are "
        "more severe.",
        draw=lambda: draw_tension(tension, run.events, forecast),
    )
    sentences = tension_sentences(tension, run.analysis.drift, forecast)
    blocks = (chart, *map(Prose, sentences))
    return Section("tension", "How tense the relationship is", blocks, printed=False)


def tension_sentences(tension: TensionSeries, drift: DriftNow, forecast: Forecast) -> list[str]:
    """What the states mean, where the relationship stands, and how that goes with the forecast."""
    low, high = number(tension.strained_from, 1), number(tension.crisis_from, 1)
    mean, lower, upper = (number(one[-1], 1) for one in (tension.mean, tension.lower90, tension.upper90))
    level, least, most = (number(one, 1) for one in (drift.mean, *drift.interval90))
    sentences = [
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
    places = [int(np.searchsorted(days, np.datetime64(case.date), "right")) - 2 for case in target.cases]
    before = [float(calm[place]) for place in places if place >= 0]
    if not before:
        return sentences
    quiet = sum(chance_of_calm > 0.5 for chance_of_calm in before)
    cases = f"{small_number(len(before))} past {plural(len(before), 'case', 'cases')}"
    now, ahead, day = percent(float(calm[-1])), percent(milestone.probability), long_day(milestone.date)
    # The past weeks are inferred with what came after them; the present week is not.
    if quiet:
        sentences.append(
            f"Calm does not mean safe: {small_number(quiet)} of {cases} followed a week that, with "
            "hindsight, was more likely calm than not, and tension can change within months. That is why "
            f"{now} calm now and {ahead} before {day} do not contradict each other."
        )
    else:
        sentences.append(
            f"With hindsight, none of {cases} followed a week that was more likely calm than not. The "
            f"{ahead} before {day} is the chance that tension rises in time, from {now} calm now."
        )
    return sentences


def _describe_tension(tension: TensionSeries, events: EventTable, forecast: Forecast) -> str:
    """Alt text of the tension figure: range, present value, regimes, events by kind."""
    mean, first, last = np.asarray(tension.mean), tension.date[0], forecast.as_of
    (high, top), (low, bottom) = (
        (number(mean[place], 1), long_day(tension.date[place])) for place in (mean.argmax(), mean.argmin())
    )
    now, lower, upper = (number(one[-1], 1) for one in (tension.mean, tension.lower90, tension.upper90))
    calm, strained, crisis = (percent(float(one[-1])) for one in chances_of(tension))
    counts = Counter(map(name_category, events.between(first, last).category.tolist()))
    kinds = listing(f"{times:,} of {name.lower()}" for name, times in counts.most_common())
    return (
        f"Line chart of tension from {long_day(first)} to {long_day(last)}, in standard deviations. Highest "
        f"{high} on {top}, lowest {low} on {bottom}, now {now} (90% interval {lower} to {upper}). The last "
        f"of {len(mean)} steps is calm with {calm}, strained with {strained} and a crisis with {crisis}. "
        f"Below, marks for {count(sum(counts.values()), 'event')}: {kinds or 'none'}."
    )


# What the number rests on


def assumptions_section(run: RunRecords) -> Section:
    """What the headline rests on, and the assumptions that move it most."""
    forecast, robustness = run.forecast, run.analysis.robustness
    title = "What the number rests on"
    if robustness is None or not robustness.sensitivities:
        unknown = Prose("What the number rests on was not measured in this run: see “forecast sensitivity”.")
        return Section("assumptions", title, (unknown,))
    target, milestone = headline_pair(forecast)
    labels = Counter(one.rests_on for one in robustness.sensitivities)
    each = listing(f"{labels[label]} {verb}" for label, verb in _LABEL_VERBS.items() if labels[label])
    every = f"Of {count(len(robustness.sensitivities), 'chance')} in this report, {each}."
    blocks: list[Block] = [
        Prose(f"{LABEL_WORDS[one.rests_on]}: {REASON_WORDS[one.reason]}. {every}")
        for one in robustness.sensitivities
        if (one.target, one.milestone) == (target.name, milestone.name)
    ]
    if bars := shown_bars(robustness):
        first, titles = bars[0], titles_of(forecast)
        most = max(abs(end.change) for end in (first.lower, first.upper) if end.change is not None)
        label = assumption_label(first.name, first.act, titles)

        def end_text(end: ShiftEnd) -> str:
            change = "needs a refit" if end.change is None else signed_points(end.change)
            return f"{assumed_text(end.assumed)}: {change}"

        told = "; ".join(
            f"{bar_title(bar, titles)}: {end_text(bar.lower)}, {end_text(bar.upper)}"
            for bar in bars[:_MOST_PRINTED]
        )
        chart = Chart(
            name="assumptions",
            headline=f"The assumption that moves it most is “{label}”: by up to {points(most, 0)} a step",
            alt="Bar chart of the change of the headline chance, in percentage points, by assumption. "
            f"{told}.",
            caption="Change of the chance, in points, when the middle of an assumption moves one step down "
            "(light) or up (dark), to its 16% or 84% quantile; a scheduled event surely fails to happen, or "
            "surely happens. Whiskers: Monte Carlo error. In brackets: as assumed now.",
            draw=lambda: draw_tornado(forecast, robustness, _MOST_PRINTED),
        )
        blocks.append(chart)
    return Section("assumptions", title, tuple(blocks))


def labels_section(run: RunRecords) -> Section | None:
    """For the page alone: what every number rests on."""
    forecast, robustness = run.forecast, run.analysis.robustness
    if robustness is None or not robustness.sensitivities:
        return None
    blocks = (
        labels_table(forecast, robustness.sensitivities, colour=target_colour),
        Prose(PULLS, tone="fine"),
        *([Prose(_OF_THE_MODEL, tone="fine")] if len(forecast.members) > 1 else []),
    )
    return Section("labels", "What every number rests on", blocks, printed=False)


# What if


def scenarios_section(run: RunRecords) -> Section:
    """Table of all targets under each scenario, the largest effect on the headline first."""
    if not run.forecast.scenarios:
        return Section("scenarios", "What if", (Prose("This run compares no scenarios."),))
    return Section("scenarios", "What if", (Prose(_READING_SCENARIOS), _scenario_table(run.forecast)))


def rationales_section(run: RunRecords) -> Section | None:
    """For the page alone: all that each scenario assumes, how it was computed, and why it is worth asking."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    blocks = []
    for scenario in by_effect(forecast, forecast.scenarios):
        assumed = what_it_assumes(scenario, forecast.headline.target, len(scenario.acts))
        said = f"{scenario.rationale} It assumes: {assumed}. Computed by {_how(scenario)}."
        blocks.append(Prose(said, lead=f"{scenario.label}."))
    return Section("rationales", "Why each scenario is worth asking", tuple(blocks), printed=False)


def _scenario_table(forecast: Forecast) -> Table:
    """Headline split into assumption and model; then the other targets with their change."""
    target, milestone = headline_pair(forecast)
    others = [one for one in forecast.targets if one.name != target.name][: _MOST_TARGETS - 1]
    known = [named(one.milestones, milestone.name).probability for one in (target, *others)]
    first, *rest = (Cell(percent(one), value=one, weight="semibold") for one in known)
    rows: list[Sequence[Cell | str]] = [(Cell("This forecast", weight="semibold"), first, "", "", *rest)]
    for scenario in by_effect(forecast, forecast.scenarios):
        assumes = what_it_assumes(scenario, target.name, _MOST_ACTS)
        label = Cell(scenario.label, note=assumes, weight="semibold")
        if scenario.withheld:
            rows.append((label, *[Cell("needs a new fit", tone="fine")] * (3 + len(others))))
            continue
        split = split_cells(scenario_answer(scenario, target.name, milestone.name))
        moved = (_moved(scenario_answer(scenario, one.name, milestone.name)) for one in others)
        rows.append((label, *split, *moved))
    headline = right(shorten(target.label, 40), 19), right("Met by assumption", 20), right("Model adds", 17)
    return plain_table(
        ("Scenario, and what it assumes", *headline, *(right(shorten(one.label, 40), 19) for one in others)),
        rows,
        f"Before {long_day(milestone.date)} under each scenario, the largest effect first",
        "scenarios",
    )


def _moved(answer: ScenarioMilestone) -> Cell:
    """Chance of another target with its change; no finding where that is assumed, or under a point."""
    change, value = answer.difference.value, answer.probability
    if abs(change) < LEAST_SHOWN:
        return Cell("≈", tone="fine", value=value)
    if abs(change - (answer.by_assumption or 0.0)) < LEAST_SHOWN:
        return Cell("●", note="assumed", value=value)
    return Cell(percent(value), note=shown_change(change, answer.difference.mcse), value=value)


def _how(scenario: ScenarioForecast) -> str:
    if scenario.withheld:
        return "needs a new fit"
    if scenario.method == "refit":
        return "new fit, which did not converge" if scenario.failures else "new fit"
    if scenario.pareto_k is None:
        return "exact chances of the run's draws"
    draws = number(scenario.effective_draws or 0.0, 0)
    return f"weights; Pareto k {number(scenario.pareto_k)}, {draws} effective draws"


# When to act


def costs_section(run: RunRecords) -> Section | None:
    """Whether to act on the headline; nothing where the config states no costs."""
    blocks = tuple(decision_blocks(run.forecast))
    return Section("costs", "When to act", blocks) if blocks else None


def act_sentence(forecast: Forecast) -> Iterator[Prose]:
    """Yield whether the headline is a reason to act, in one sentence; nothing where no costs are stated."""
    if forecast.decision:
        probability = headline_pair(forecast)[1].probability
        yield Prose(forecast.decision.sentence(probability), lead="When to act:")


def decision_blocks(forecast: Forecast) -> Iterator[Block]:
    """Yield the threshold, on which side of it the headline lies, and what acting on forecasts was worth."""
    decision = forecast.decision
    if decision is None:
        return

    def span(ends: tuple[float, float]) -> str:
        low, high = ends
        return f"{low:g}" if low == high else f"{low:g}–{high:g}"

    stated = f"Acting costs {span(decision.act)} and being surprised {span(decision.surprised)} (one unit). "
    probability = headline_pair(forecast)[1].probability
    yield Prose(stated + decision.sentence(probability), lead="When to act:")
    value = decision.value
    if value is None:
        yield Prose("No backtest at such a distance says what acting on these forecasts is worth.")
        return
    ways = {
        f"By the forecast, from {percent(decision.threshold)} on": value.forecast,
        "By the base rate known then": value.base_rate,
        "Always act": value.always,
        "Never act": value.never,
        "With perfect knowledge": value.perfect,
    }
    days = f"{shown_days(forecast, value.horizon_days):,} days ahead"
    yield plain_table(
        ("Way of acting", right("Cost")),
        [(way, Cell(number(cost), value=cost)) for way, cost in ways.items()],
        f"Mean cost of a past window, {days} ({count(value.windows, 'window')}, the event in {value.held:,}; "
        f"the forecast said to act in {value.acted:,})",
        "decision",
    )
    if value.value is None:
        yield Prose("Perfect knowledge would have saved nothing, so no forecast could.", tone="fine")
        return
    error = "" if value.value_se is None else f" ± {number(value.value_se)}"
    yield Prose(
        f"Value of the forecast: {number(value.value)}{error} (0: the base rate; 1: perfect knowledge).",
        tone="fine",
    )
