"""What the forecast says: every question, its sources, what it rests on, scenarios, and when to act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from forecast.blocks import (
    Bar,
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
    cells,
    plain_table,
    right,
)
from forecast.events.codebook import category_label, weak_kind
from forecast.events.table import Event
from forecast.phrases import chances
from forecast.phrases.assumptions import (
    VISITS_ELSEWHERE,
    assumption_moves,
    event_moves,
    measured_sentences,
    rests_on_sentence,
    titles_of,
)
from forecast.phrases.notices import notice_text
from forecast.phrases.reactions import cases_alt, cases_caption, chain, reaction_sentence
from forecast.phrases.record import course_alt, course_caption, course_headline
from forecast.phrases.scenarios import (
    WITHHELD,
    assumed_part,
    basis_sentence,
    by_effect,
    if_words,
    is_assumed,
    no_effect_sentence,
    table_reading,
    trust_sentence,
    what_it_assumes,
)
from forecast.phrases.sources import drivers_paragraph, mean_of
from forecast.records.analysis import PastForecast, ReactionFacts, Sensitivity
from forecast.records.forecast import (
    Driver,
    Forecast,
    ScenarioForecast,
    ScenarioMilestone,
    TargetForecast,
)
from forecast.report.charts import draw_cases, draw_course, draw_moves
from forecast.report.palette import category_colour, target_colour
from forecast.report.run_records import RunRecords
from forecast.report.tables import assumption_blocks, milestone_table, news_blocks
from forecast.report.typesetting import web_address
from forecast.targets import TargetRule
from forecast.wording import (
    count,
    dated,
    first_clauses,
    listing,
    long_day,
    percent,
    short_day,
    shorten,
    signed_points,
    small_number,
)

_READING = (
    "Words: ICD 203; none for a grave event below 5%. Past periods: share of those of the same length with "
    "one; – where fewer than three. Constant rate: past cases spread evenly."
)
_MOST_CASES, _LONGEST_CASE = 2, 110
_MOST_DRIVERS, _LONGEST_SUMMARY = 6, 150
_MOST_BESIDE, _MOST_ACTS = 4, 4


# Every event and milestone


def questions_section(run: RunRecords) -> Section:
    """Chance, range, words, base rates and error of every question; its history; what counts."""
    reading = _READING
    if run.track_record is not None:
        reading += " Tested: said on average so far ahead → share that came."
    if run.previous:
        reading += (
            f" Change: in points since {long_day(run.previous.as_of)}; ≈ is less than one, or within twice "
            "its error."
        )
    table = milestone_table(run)
    blocks = (
        *news_blocks(run.previous),
        Prose(reading, tone="fine"),
        table,
        _what_counts_table(run),
        course_chart(run),
    )
    return Section("milestones", "Every event and milestone", blocks)


def _what_counts_table(run: RunRecords) -> Table:
    """What meets each target, its edge cases, its past cases, and how grave it is."""
    summaries = {event.id: event.summary for event in run.events.rows()}
    rows = []
    for place, target in enumerate(run.forecast.targets):
        impact = run.options.impact.get(target.name)
        below = chances.what_does_not(target, run.forecast.scale)
        edges = " ".join(f"{edge.rstrip('.')}." for edge in target.edge_cases)
        notes = (
            f"Does not count: {below.rstrip('.')}." if below else "",
            f"Edge cases: {edges}" if edges else "",
            f"Impact {impact.level}: {impact.rationale}" if impact else "",
        )
        event = Cell(shorten(target.label, 120), weight="semibold", colour=target_colour(place))
        counts = Cell(chances.rule_and_actors(target, run.forecast.scale), note=" ".join(filter(None, notes)))
        outside = chances.outside_view_sentence(target.outside) if target.outside else ""
        rows.append((event, counts, Cell(_cases(target, summaries), note=outside)))
    return plain_table(
        (
            Column("Event", 30),
            "What counts, with its edge cases",
            Column("Past cases", 58),
        ),
        rows,
        "What counts as each event, and its past cases"
        + (", with its impact as the author judges it" if run.options.impact else ""),
        "targets",
    )


def _cases(target: TargetForecast, summaries: dict[str, str]) -> str:
    if not target.observed_before:
        return "Never seen."
    shown = [
        dated(case.date, first_clauses(summaries[case.event_id].rstrip("."), _LONGEST_CASE))
        for case in target.cases[-_MOST_CASES:][::-1]
        if case.event_id in summaries
    ]
    if not shown:
        return f"{count(target.observed_before, 'case')} on record."
    earlier = max(target.observed_before - len(shown), 0)
    return "; ".join(shown) + (f"; and {earlier:,} before." if earlier else ".")


def course_chart(run: RunRecords) -> Chart:
    """Chart of history and outlook, with a headline that says what it shows."""
    forecast, past = run.forecast, _headline_history(run)
    return Chart(
        name="course",
        headline=course_headline(forecast, past),
        alt=course_alt(forecast, past),
        caption=course_caption(forecast, run.ledger_record, past),
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


# Where the number comes from


def sources_section(run: RunRecords) -> Section:
    """Of what the number is the mean, drivers with their sources, and scheduled events."""
    mean = mean_of(run.forecast.headline_milestone)
    blocks = (*([Prose(mean)] if mean else []), *_drivers(run), *_scheduled(run))
    return Section("sources", "Where the number comes from", blocks)


def _drivers(run: RunRecords) -> Iterator[Block]:
    """The past events whose effect is clear, with bars and sources, and how they were found."""
    forecast = run.forecast
    yield Heading("Past events that move it most")
    if not forecast.drivers and not forecast.drivers_tried:
        yield Prose("Which past events move the number was not measured.")
        return
    clear = forecast.clear_drivers
    shown = clear[:_MOST_DRIVERS]
    influential = (one for one in run.analysis.warnings if one.code == "influential_events")
    yield Prose(
        " ".join((drivers_paragraph(forecast, len(clear), len(shown)), *map(notice_text, influential)))
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
    most, now = max(abs(driver.change) for driver in shown), forecast.headline_milestone.probability
    pages = (web_address(event.source_url) for one in shown if (event := events.get(one.event_id)))
    sourced = any(pages) or any(driver.source for driver in shown)
    rows: list[tuple[Cell, ...]] = []
    for driver in shown:
        event = events.get(driver.event_id)
        left, change = now - driver.change, signed_points(-driver.change)
        colour = category_colour(driver.category)
        kind = f"{category_label(driver.category)}, severity {driver.severity}"
        address = web_address(event.source_url) if event is not None else None
        rows.append(
            (
                Cell(percent(left), note=change, weight="semibold", value=left),
                Cell(mark=Bar(value=abs(driver.change) / most, colour=colour)),
                Cell(short_day(driver.date), note=kind if driver.summary else ""),
                Cell(
                    first_clauses(driver.summary, _LONGEST_SUMMARY) or kind,
                    note=chances.rows_beside(len(driver.also)),
                ),
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
    """What would change the number: of each declared reaction its cases, and the chain from them to it."""
    blocks: list[Block] = []
    titles = chances.target_titles(run.forecast)
    for one in run.analysis.reactions:
        blocks += [Heading(one.title), Prose(reaction_sentence(one.stated, titles))]
        blocks += [Bullets(tuple(chain(one, titles)))]
        if one.shown:
            blocks.append(_cases_chart(run, one))
    return Section("changes", "What would change it", tuple(blocks)) if blocks else None


def _cases_chart(run: RunRecords, one: ReactionFacts) -> Chart:
    """All cases of a reaction on a timeline by severity, with what followed each."""
    titles, target = chances.target_titles(run.forecast), run.forecast.target(one.target)
    events = run.events.between(run.analysis.data.start, run.forecast.as_of)
    rule = TargetRule(target.name, target.any_of, target.min_severity, target.by)
    met = {*events.date[rule.mask(events)].tolist()}
    ahead = [timedelta(days=days) for days in range(1, one.stated.days + 1)]
    followed = {case.date for case in one.shown if any(case.date + days in met for days in ahead)}
    return Chart(
        name=f"cases-{one.name}",
        headline="What followed each case",
        alt=cases_alt(one, followed, titles),
        caption=cases_caption(one, titles),
        draw=lambda: draw_cases(one.shown, followed, run.analysis.data.start, run.forecast.as_of),
    )


def _scheduled(run: RunRecords) -> Iterator[Block]:
    """Acts of the config's calendar before the headline's day with their chance, and how many come later."""
    if not run.analysis.calendar:
        return
    yield Heading("Scheduled events built into the forecast")
    milestone = run.forecast.headline_milestone
    acts = sorted(run.analysis.calendar, key=lambda act: (act.date, act.label))
    shown = [act for act in acts if act.date < milestone.date] or acts
    later = count(len(acts) - len(shown), "more event")
    more = f". After {short_day(milestone.date)}: {later}" if len(acts) > len(shown) else ""
    title = f"Judgements of the author; how often such judgements came true is not on record{more}"
    rows = (
        (
            short_day(act.date),
            shorten(act.label, 110),
            Cell(f"{category_label(act.category)}, {act.severity}", swatch=category_colour(act.category)),
            percent(act.probability) if act.probability < 1 else "certain",
        )
        for act in shown
    )
    columns = (Column("Day", 20), "Event", Column("Kind and severity", 36), right("Chance", 14))
    yield plain_table(columns, rows, title, "calendar", lines=False)


# What the number rests on


def assumptions_section(run: RunRecords) -> Section:
    """What the headline rests on, and the assumptions that move it most."""
    forecast, sensitivity = run.forecast, run.analysis.sensitivity
    title = "What the number rests on"
    if sensitivity is None or not sensitivity.labels:
        unknown = Prose("What the number rests on was not measured in this run: see “forecast sensitivity”.")
        return Section("assumptions", title, (unknown,))
    known = {(label.target, label.milestone): label for label in sensitivity.labels}
    blocks: list[Block] = []
    if one := known.get((forecast.headline.target, forecast.headline.milestone)):
        measured = measured_sentences(forecast, sensitivity, few=one.reason == "too few cases")
        blocks.append(Prose(" ".join((rests_on_sentence(forecast, one), *measured))))
    if run.analysis.data.counts_by_category["visit"]:
        blocks.append(Prose(VISITS_ELSEWHERE))
    chart = _moves_chart(run, sensitivity)
    return Section("assumptions", title, (*blocks, *chart))


def _moves_chart(run: RunRecords, sensitivity: Sensitivity) -> Iterator[Chart]:
    """Chart of the number without each weighty event and with each assumption moved, on one scale."""
    titles = titles_of(run.forecast, run.analysis.reaction_labels)
    moves = [*event_moves(run.forecast), *assumption_moves(sensitivity, titles)]
    if not moves:
        return
    milestone = run.forecast.headline_milestone
    each = (f"{one.label}: {listing(percent(chance) for chance in one.chances)}" for one in moves)
    yield Chart(
        name="assumptions",
        headline=f"What the {percent(milestone.probability)} would be without one event, or with one "
        "assumption moved",
        alt=f"Dot chart of the headline chance. {'; '.join(each)}.",
        caption="Line: this forecast; band: its plausible range. An assumption is moved to its 16% and 84% "
        "quantile, a scheduled event to 0% and 100%. The others: report.html.",
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


# What if


def scenarios_section(run: RunRecords) -> Section | None:
    """Table of all targets under each scenario, by kind, the largest effect on the headline first."""
    if not run.forecast.scenarios:
        return None
    beside = _beside(run.forecast)
    table, left_out = _scenario_table(run, beside), len(run.forecast.targets) - 1 - len(beside)
    shown = "".join(
        f"{cell.text} {cell.note}" for one in table.groups for row in one.rows for cell in row[1:]
    )
    reading = table_reading(shown, left_out)
    return Section("scenarios", "What if", (Prose(reading), table))


def rationales_section(run: RunRecords) -> Section | None:
    """For the page alone: all that each scenario assumes, how it was computed, and why it is worth asking."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    blocks: list[Block] = []
    for scenario in by_effect(forecast, forecast.scenarios):
        titles = chances.target_titles(forecast)
        assumed = what_it_assumes(scenario, forecast.headline.target, len(scenario.acts), titles)
        if assumed != basis_sentence(scenario, titles):
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
        answers = (one.answer(target.name, asked.milestone) for one in told)
        return max((abs(one.difference.value) for one in answers if not is_assumed(one)), default=0.0)

    others = [
        one for one in forecast.targets if one.name != asked.target and moved(one) >= chances.LEAST_SHOWN
    ]
    kept = sorted(others, key=moved, reverse=True)[:_MOST_BESIDE]
    return [one for one in others if one in kept]


def _scenario_table(run: RunRecords, others: Sequence[TargetForecast], name: str = "scenarios") -> Table:
    """Under each kind of scenario the headline and its change; then the other targets with theirs."""
    forecast = run.forecast
    target, milestone = forecast.headline_target, forecast.headline_milestone
    known = [one.milestone(milestone.name).probability for one in (target, *others)]
    first, *rest = (Cell(percent(one), value=one, weight="semibold") for one in known)
    groups = [Group(rows=(cells(Cell("This forecast", weight="semibold"), first, "", *rest),))]

    def row_of(scenario: ScenarioForecast) -> tuple[Cell, ...]:
        titles = chances.target_titles(forecast)
        assumes = what_it_assumes(scenario, target.name, _MOST_ACTS, titles)
        basis, still = basis_sentence(scenario, titles), no_effect_sentence(scenario)
        said = (f"{assumes.rstrip('.')}.", basis, still)
        assumes = " ".join(dict.fromkeys(filter(None, said)))
        label = Cell(scenario.label, note=shorten(assumes, 500), weight="semibold")
        if scenario.withheld:
            return label, *[Cell(WITHHELD[scenario.withheld], tone="fine")] * (2 + len(others))
        answer = scenario.answer(target.name, milestone.name)
        change, mcse = answer.difference.value, answer.difference.mcse
        then, shown = _moved(answer), ""
        if not is_assumed(answer):
            shown = signed_points(change) if chances.stands_out(change, mcse) else "–"
            if then.text not in "≈–":
                then = Cell(percent(answer.probability), weight="semibold", value=answer.probability)
        moved = (_moved(scenario.answer(one.name, milestone.name)) for one in others)
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
        return Cell("=", tone="fine", value=value)
    if abs(change) < chances.LEAST_SHOWN:
        return Cell("≈", tone="fine", value=value)
    notes = signed_points(change), assumed_part(answer)
    return Cell(percent(value), note=", ".join(filter(None, notes)), value=value)
