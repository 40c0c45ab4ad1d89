"""Page 1: the answer on one scale, why, what would move it, how tense it is, how far to trust it.

The terminal shows the same blocks after a run. Definitions, scores and noise are on the pages behind.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from forecast.blocks import (
    Alert,
    Answer,
    Beside,
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Heading,
    Move,
    Prose,
    Rise,
    Section,
    Table,
    Tick,
    plain_table,
    right,
)
from forecast.events.codebook import COOPERATIVE, category_label
from forecast.phrases import chances as phrases
from forecast.phrases.data import NOT_MEASURED, other_text
from forecast.phrases.notices import notice_text
from forecast.phrases.reactions import followed_sentence, trigger_line
from forecast.phrases.record import change_line, outcome_lines, record_sentences
from forecast.phrases.scenarios import (
    AT_MOST,
    NOTHING_MOVES_IT,
    UNDER_A_POINT,
    is_assumed,
    named_first,
    quiet_until,
)
from forecast.phrases.sources import confidence, tension_alt, tension_sentences
from forecast.records.analysis import ALIKE, ReactionEffect, own_record, windows_like
from forecast.records.forecast import (
    AfterAct,
    Forecast,
    MilestoneForecast,
    OccasionNamed,
    ReactionBasis,
    ScenarioForecast,
    TargetForecast,
    WaterfallStep,
)
from forecast.report.charts import draw_tension
from forecast.report.palette import ACCENT
from forecast.report.run_records import RunRecords
from forecast.report.tables import alarm, cautions, news_blocks
from forecast.targets import TargetRule
from forecast.wording import (
    apart,
    count,
    dated,
    listing,
    long_day,
    percent,
    rounded,
    short_day,
    shorten,
    whole_percent,
)

_MOST_TARGETS, _MOST_MILESTONES, _MOST_TICKS = 6, 4, 6
_MOST_CAUTIONS, _LONGEST_CAUTION = 2, 210
_MOST_MOVES, _MOST_OTHERS, _MOST_RECENT = 3, 2, 8
_LONGEST_LABEL, _LONGEST_EVENT, _LONGEST_MILESTONE = 60, 52, 32
"""Signs of a label beside the scale, and in rows and columns of the table."""
_LEAST_POINT = 0.01
"""Change of a chance below which it is no measurable change, and a step is merged with others."""
_SOON = 14
"""Days after an act for which a change is shown beside that by the milestone."""
_SURE = 0.05
"""Chance of a quiet record below which a rate is ruled out."""
_UNSEEN = "It sees public acts, not plans or secret talks."


def brief_section(run: RunRecords) -> Section:
    """Page 1, which stands alone when torn off."""
    return Section("brief", None, tuple(_page_1(run)), page=True)


def bottom_line(run: RunRecords) -> Iterator[Block]:
    """Yield what ``forecast run`` answers: page 1, with what counts."""
    forecast = run.forecast
    if forecast.converged and forecast.hindsight and (made := forecast.made_on):
        yield Prose(f"As of {long_day(forecast.as_of)}. Made {long_day(made)}, in hindsight.", tone="fine")
    for block in _page_1(run):
        yield block
        if isinstance(block, Answer) and not forecast.too_little:
            yield Prose(confidence(forecast, run.track_record).sentence)
            yield Prose(
                f"What counts: {phrases.rule_and_actors(forecast.headline_target, forecast.scale, 300)}"
            )
            yield from news_blocks(run.previous)


def _page_1(run: RunRecords) -> Iterator[Block]:
    forecast = run.forecast
    yield from alarm(forecast)
    yield _answer(run)
    unused = (notice_text(warning) for warning in run.analysis.warnings if warning.code == "unused_backtest")
    more = [shorten(text, _LONGEST_CAUTION) for text in (*run.notes, *unused)]
    yield from cautions(forecast, more, _MOST_CAUTIONS, {"few_target_events"})
    if outcomes := run.analysis.outcomes:
        yield Alert(text="What happened", items=tuple(outcome_lines(forecast, outcomes)), tone="caution")
    if forecast.too_little:
        yield from _recent_acts(run)
        return
    yield why(run)
    yield from _what_would_move_it(run)
    yield Beside(
        left=(Heading("How tense it is now"), *_tension(run)),
        right=(Heading("How far to trust it"), *_trust(run)),
        right_width=76.0,
    )
    yield questions_table(run)


# The answer on its scale


def _answer(run: RunRecords) -> Answer:
    forecast, target, milestone = run.forecast, run.forecast.headline_target, run.forecast.headline_milestone
    if forecast.too_little:
        return Answer(sentence=phrases.question_sentence(target, milestone, thin=True))
    detail = [
        phrases.fits_sentence(milestone),
        phrases.seen_sentence(target, _days_of_record(run)),
        _mostly(run, target),
        change_line(forecast, run.previous),
    ]
    ticks = tuple(sorted(_ticks(run), key=lambda tick: tick.value)[:_MOST_TICKS])
    low, high = milestone.interval90
    return Answer(
        sentence=phrases.question_sentence(target, milestone),
        detail=" ".join(f"{one[:1].upper()}{one[1:].rstrip('.')}." for one in detail if one),
        chance=milestone.probability,
        percent=percent(milestone.probability),
        low=low,
        high=high,
        ends=(percent(low), percent(high)),
        ticks=ticks,
        alt=phrases.scale_in_words(milestone, ticks),
    )


def _days_of_record(run: RunRecords) -> int:
    return (run.forecast.as_of - run.analysis.data.start).days + 1


def _ticks(run: RunRecords) -> Iterator[Tick]:
    """Chances beside the forecast: counts, members of a target never seen, and what was tested."""
    forecast, target, milestone = run.forecast, run.forecast.headline_target, run.forecast.headline_milestone

    def tick(chance: float, text: str) -> Tick:
        return Tick(chance, percent(chance), text)

    days = _days_of_record(run) + target.days_before(run.analysis.data.start)
    if target.observed_before:
        if milestone.baseline.counted is not None:
            yield tick(milestone.baseline.counted, phrases.periods_with_one(forecast.days_ahead))
        if milestone.constant_rate is not None:
            yield tick(milestone.constant_rate, phrases.cases_evenly(target, days))
    else:
        yield tick(1 - _SURE ** (forecast.days_ahead / days), phrases.quiet_record_allows(days))
        members = [one for one in milestone.members or () if one.weight > 0]
        if len(members) > 1:
            yield from (tick(one.with_acts, phrases.member_alone(one)) for one in members)
    if target.outside and target.outside.shares:
        share = min(target.outside.shares, key=lambda one: abs(one.days - forecast.days_ahead))
        if max(share.days, forecast.days_ahead) <= ALIKE * min(share.days, forecast.days_ahead):
            yield tick(share.share, phrases.outside_tick(target.outside, share))
    if clear := [one for one in forecast.drivers if one.clear]:
        most = max(clear, key=lambda one: abs(one.change))
        without = min(max(milestone.probability - most.change, 0.0), 1.0)
        if abs(most.change) >= _LEAST_POINT:
            yield tick(without, phrases.without_event(most.date))
    tested = own_record(forecast, run.track_record)
    if tested.highest_said is not None:
        yield tick(tested.highest_said, phrases.highest_tested(came=bool(tested.highest_came)))


def _mostly(run: RunRecords, target: TargetForecast) -> str:
    """Of a target that counts acts of every kind, what its cases mostly were."""
    kinds, military = {*target.any_of}, {"military_incident", "military_posture"}
    if kinds & {*COOPERATIVE} or not kinds - military or not kinds & military:
        return ""
    events = run.events.between(run.analysis.data.start, run.forecast.as_of)
    met = TargetRule(target.name, target.any_of, target.min_severity, target.by).mask(events)
    grave = met & np.isin(events.category.astype(str), [*military])
    days, armed = (len(np.unique(events.date[some])) for some in (met, grave))
    # Two counts of one thing on a page would contradict each other.
    if days != target.observed_before:
        return ""
    return phrases.mostly_other({"trade and diplomacy": days - armed, "military": armed})


def _recent_acts(run: RunRecords) -> Iterator[Block]:
    """What a record that is too little for a forecast holds: what counts, and its last acts."""
    forecast = run.forecast
    yield Prose(f"What counts: {phrases.rule_and_actors(forecast.headline_target, forecast.scale, 300)}")
    last = [*run.events.between(run.analysis.data.start, forecast.as_of).rows()][-_MOST_RECENT:]
    if last:
        yield Heading("The last acts on record")
        acts = [(one, f"{category_label(one.category)}, severity {one.severity}") for one in last[::-1]]
        yield Bullets(tuple(dated(one.date, shorten(one.summary, 110) or kind) for one, kind in acts))


# Why


def why(run: RunRecords) -> Block:
    """From the count of past cases to the forecast, a line a step; steps under a point are one line."""
    forecast, milestone = run.forecast, run.forecast.headline_milestone
    title = f"Why {percent(milestone.probability)}"
    if not forecast.waterfall:
        return Prose(NOT_MEASURED, lead=f"{title}:")
    target, days = forecast.headline_target, _days_of_record(run)
    learned = next((one for one in run.analysis.learned if one.part == "pooled hazard"), None)
    second = f"{len(learned.pairs):,} other pairs" if learned else ""
    first, *steps = forecast.waterfall
    if not target.observed_before and steps:
        # Nothing can be counted: the start is the model's own assumption, not a share smoothed out of ½.
        first, *steps = steps
    digits = 0 if milestone.probability >= 0.05 else 1
    least = _LEAST_POINT / 10**digits
    large = [one for one in steps if abs(one.change) >= least]
    small = [one for one in steps if 0 < abs(one.change) < least]

    def line(one: WaterfallStep) -> str:
        return phrases.step_line(one.step, target, days, run.analysis, second=second)

    parts = [(line(first), first.probability, "")]
    for one in large:
        unsure = one.step == "drift" and one.change > 0 and not run.analysis.data.coding_complete
        note = phrases.only_reporting(max(milestone.probability - one.change, 0.0)) if unsure else ""
        parts.append((line(one), one.change, note))
    if small:
        name = line(small[0]) if len(small) == 1 else f"{len(small)} smaller steps"
        parts.append((name, milestone.probability - sum(value for _, value, _ in parts), ""))
    rows, so_far = list[tuple[Cell, ...]](), 0.0
    printed = parts_of([value for _, value, _ in parts], milestone.probability, digits)
    for (name, value, note), points in zip(parts, printed, strict=True):
        then = milestone.probability if len(rows) == len(parts) - 1 else so_far + value
        mark = Rise(
            start=so_far,
            end=min(max(then, 0.0), 1.0),
            now=milestone.probability,
            assumed=not rows and not target.observed_before,
        )
        points_cell = Cell(points, note=note, weight="semibold", mark=mark)
        rows.append((Cell(shorten(name, _LONGEST_LABEL)), points_cell))
        so_far = then
    rows = [row for row in rows if row[1].text.lstrip("+−") not in ("0", "0.0")]
    whole = Rise(start=0.0, end=milestone.probability, now=milestone.probability)
    now = Cell(percent(milestone.probability), weight="semibold", mark=whole)
    rows.append((Cell("This forecast", weight="semibold"), now))
    return plain_table(
        (Column("Step"), Column("Points", scale=True)), rows, title, "why", lines=False, whole=True
    )


def parts_of(values: Sequence[float], total: float, digits: int) -> list[str]:
    """Points as they are printed: they add up to the printed total, whatever each step would round to.

    The first keeps its own rounding, as it stands on the scale too.
    """
    scale = 10**digits
    exact = [100 * scale * one for one in values]
    shown = [int(rounded(one, 0)) for one in exact]
    off = int(rounded(100 * scale * total, 0)) - sum(shown)
    step = 1 if off > 0 else -1
    least_moved = sorted(
        range(min(1, len(exact) - 1), len(exact)), key=lambda at: (shown[at] - exact[at]) * step
    )
    for place in least_moved[: abs(off)]:
        shown[place] += step
    texts = [f"{one / scale:+.{digits}f}".replace("-", "−") for one in shown]
    return [texts[0].lstrip("+"), *texts[1:]]


# What would move it


def _what_would_move_it(run: RunRecords) -> Iterator[Block]:
    """Acts that can be done first, the one to avoid on top; then quiet, and facts; before → after."""
    forecast, milestone = run.forecast, run.forecast.headline_milestone
    rows: list[tuple[Cell, Cell]] = []

    def add(label: str, before: float, after: float, *, bold: bool = False) -> None:
        same = before == milestone.probability
        said = ("" if same else percent(before), percent(after))
        mark = Move(before=before, after=after, now=milestone.probability, said=said)
        text = f"{percent(before).rstrip('%')} → {percent(after)}"
        label = shorten(label, _LONGEST_LABEL)
        rows.append(
            (Cell(label, weight="semibold" if bold else "regular"), Cell(text, mark=mark, value=after))
        )

    acts, now = [*_acts(run)], milestone.probability
    moving = [one for one in acts if abs(one.after - now) >= _LEAST_POINT]
    done = sorted(moving, key=lambda one: -one.after)
    idle = [one.label for one in acts if abs(one.after - now) < _LEAST_POINT]
    for place, act in enumerate(done[:_MOST_MOVES]):
        avoid = not place and act.after > now
        add(f"Watch for: {act.label}" if avoid else act.label, now, act.after, bold=avoid)
        if act.soon and not place:
            add(f"{_SOON} days after it", *act.soon)
    if look := _next_look(forecast):
        add(quiet_until(look[0], forecast.headline_target.observed_before), now, look[1])
    for label, after in _facts(forecast)[: _MOST_MOVES - 1]:
        add(label, milestone.probability, after)
    if idle:
        rows.append((Cell(named_first(idle, _LONGEST_LABEL)), Cell(UNDER_A_POINT, tone="fine")))
    title = "What would move it"
    if not rows:
        yield Heading(title)
        yield Prose(NOTHING_MOVES_IT)
        return
    yield plain_table(
        (Column("What comes next"), Column("Before → after", scale=True)),
        rows,
        title,
        "moves-it",
        lines=False,
        whole=True,
    )
    said = [f"{AT_MOST}."] if any(one.after > now for one in done) else []
    first = done[0].reaction if done else None
    for reaction in run.analysis.reactions:
        if reaction.cases and reaction.name == first:
            counted = reaction.followed_by(forecast.headline.target)
            titles = {one.name: shorten(one.label, _LONGEST_EVENT) for one in forecast.targets}
            said.insert(0, followed_sentence(reaction, counted, titles))
    if said:
        yield Prose(" ".join(said), tone="fine")


class _Act(NamedTuple):
    """An act that can be done: the chance after it, before → after some days on, the reaction it sets off."""

    label: str
    after: float
    soon: tuple[float, float] | None
    reaction: str | None


def _acts(run: RunRecords) -> Iterator[_Act]:
    """Yield what scenarios do, and the trigger of each reaction that none of them sets off."""
    forecast, target, milestone = run.forecast, run.forecast.headline_target, run.forecast.headline_milestone
    covered = set[str]()

    def soon(effects: Sequence[AfterAct | ReactionEffect]) -> tuple[float, float] | None:
        return next(((one.base, one.probability) for one in effects if one.days == _SOON), None)

    for scenario in forecast.scenarios:
        if scenario.withheld or scenario.failures or "done" not in scenario.kinds:
            continue
        answer = scenario.answer(target.name, milestone.name)
        if answer.by_assumption or is_assumed(answer):
            continue
        named = [one.reaction.name for one in scenario.basis if isinstance(one, ReactionBasis) and one.of_act]
        covered |= {*named}
        after = soon(scenario.target(target.name).after)
        yield _Act(scenario.label, answer.probability, after, next(iter(named), None))
    for one in run.analysis.reactions:
        if one.effects and one.name not in covered:
            yield _Act(trigger_line(one), one.effects[-1].probability, soon(one.effects), one.name)


def _facts(forecast: Forecast) -> list[tuple[str, float]]:
    """Facts that scenarios state, which are neither acts nor a quiet time, the largest change first."""
    target, milestone = forecast.headline_target, forecast.headline_milestone

    def told(scenario: ScenarioForecast) -> bool:
        quiet = any(one.target == target.name and not one.ratio for one in scenario.beliefs)
        return not (scenario.withheld or scenario.failures or quiet) and scenario.kinds == ("given",)

    answers = [
        (one.label, one.answer(target.name, milestone.name)) for one in forecast.scenarios if told(one)
    ]
    moved = [(label, one) for label, one in answers if abs(one.difference.value) >= _LEAST_POINT]
    moved.sort(key=lambda one: -abs(one[1].difference.value))
    return [(label, one.probability) for label, one in moved]


def _next_look(forecast: Forecast) -> tuple[date, float] | None:
    """Day about half-way, a milestone where one is near, and P(by the headline's | not by that day)."""
    target, milestone = forecast.headline_target, forecast.headline_milestone
    days, chances = target.chances.day, target.chances.mean
    half = forecast.as_of + timedelta(days=(milestone.date - forecast.as_of).days // 2)
    earlier = [one.date for one in target.milestones if forecast.as_of < one.date < milestone.date]
    day = min(earlier, key=lambda one: abs((one - half).days), default=half)
    place = bisect_left(days, day)
    if not earlier or abs((day - half).days) > (half - forecast.as_of).days // 2:
        day, place = half, bisect_left(days, half)
    if place >= len(days) or days[place] >= milestone.date or chances[place] >= 1:
        return None
    return day, max(0.0, (milestone.probability - chances[place]) / (1 - chances[place]))


# How tense it is, and how far to trust it


def _tension(run: RunRecords) -> Iterator[Block]:
    forecast, tension = run.forecast, run.analysis.tension
    target = forecast.headline_target
    cases = [case.date for case in target.cases] if len(target.cases) == target.observed_before else []
    yield Prose(" ".join(tension_sentences(tension, cases)))
    yield Chart(
        name="tension",
        headline="",
        alt=tension_alt(tension, forecast.as_of),
        caption="",
        draw=lambda: draw_tension(tension, forecast),
    )


def _trust(run: RunRecords) -> Iterator[Block]:
    forecast = run.forecast
    sure = confidence(forecast, run.track_record)
    yield Prose(f"{sure.reasons[0].text}.", lead=f"{sure.level.capitalize()} confidence:")
    yield Prose(" ".join(record_sentences(forecast, run.track_record)))
    if forecast.decision:
        yield Prose(
            phrases.decision_text(forecast.decision, forecast.headline_milestone.probability),
            lead="When to act:",
        )
    yield from _others(run)
    yield Prose(_UNSEEN)


def _others(run: RunRecords) -> Iterator[Block]:
    """What markets, platforms and analysts said of the headline; nothing where there is nothing."""
    asked = run.forecast.headline
    known = run.ledger_record.others if run.ledger_record else ()
    about = [other for other in known if other.target == asked.target]
    about = [other for other in about if other.milestone in (asked.milestone, None)]
    about.sort(key=lambda other: other.milestone is None)
    if about:
        told = (other_text(other, run.forecast.as_of) for other in about[:_MOST_OTHERS])
        yield Prose(" ".join(told), lead="Others say:")


# All events


def questions_table(run: RunRecords) -> Table:
    """Every target in a row with its chance before each milestone; those that count acts of any kind last."""
    forecast, asked = run.forecast, run.forecast.headline
    first = sorted(forecast.targets, key=lambda target: target.name != asked.target)[:_MOST_TARGETS]
    mostly = {target.name: _mostly(run, target) for target in first}
    placed = sorted(first, key=lambda target: bool(mostly[target.name]))
    notes = {one.name: ", ".join(filter(None, (mostly[one.name], _tests(run, one)))) for one in placed}
    shown = phrases.chosen_milestones(forecast.headline_target.milestones, asked.milestone, _MOST_MILESTONES)
    answers = {one.name: [one.milestone(each.name) for each in shown] for one in placed}
    most = max((each.probability for every in answers.values() for each in every), default=0.0)
    # One rounding a table: whole percents, unless all would be few.
    say = whole_percent if most >= 0.05 else percent
    labels = apart([target.label for target in placed], _LONGEST_EVENT)
    rows = [
        _question_row(target, label, answers[target.name], notes[target.name], run.forecast, say)
        for target, label in zip(placed, labels, strict=True)
    ]
    hidden = [
        count(number, noun)
        for number, noun in (
            (len(forecast.targets) - len(placed), "further event"),
            (len(forecast.headline_target.milestones) - len(shown), "further milestone"),
        )
        if number
    ]
    more = f" {listing(hidden).capitalize()} on the next page." if hidden else ""
    # What a label says after a comma is its place or its detail: the next page has it.
    names = apart([one.label.split(",")[0] for one in shown], _LONGEST_MILESTONE)
    width = 24.0 if len(shown) < 4 else 23.0
    heads = (
        Column(short_day(one.date), width, "right", name) for one, name in zip(shown, names, strict=True)
    )
    last = f"before {short_day(forecast.headline_milestone.date)}"
    columns = (Column("Event"), *heads, Column("Range", 17, "right", last), right("Cases", 12))
    occasions = [
        one.stated.trigger.label
        for one in run.analysis.reactions
        if isinstance(one.stated.trigger, OccasionNamed)
    ]
    title = f"All events. {phrases.dates_alike(occasions)}{more}"
    return plain_table(columns, rows, title, "questions", whole=True)


def _tests(run: RunRecords, target: TargetForecast) -> str:
    """How tests of a question beside the headline did; the scale has those of the headline."""
    asked = run.forecast.headline_milestone
    if run.track_record is None or target.name == run.forecast.headline.target:
        return ""
    row = windows_like(run.forecast, run.track_record, target.name, asked.date)
    return phrases.tests_of_row(target.milestone(asked.name).probability, row)


def _question_row(
    target: TargetForecast,
    label: str,
    answers: Sequence[MilestoneForecast],
    note: str,
    forecast: Forecast,
    say: Callable[[float], str],
) -> tuple[Cell, ...]:
    asked = target.name == forecast.headline.target
    last = target.milestone(forecast.headline.milestone)
    chances = (
        Cell(
            say(one.probability),
            weight="semibold" if one.name == forecast.headline.milestone else "regular",
            colour=ACCENT if asked and one.name == forecast.headline.milestone else None,
            value=one.probability,
        )
        for one in answers
    )
    low, high = (say(end) for end in last.interval90)
    span = f"{low}+" if high.startswith(">") else f"{low.rstrip('%')}–{high}"
    name = Cell(label, note=note, weight="semibold" if asked else "regular")
    cases = f"{target.observed_before:,}" if target.observed_before else "none"
    return (name, *chances, Cell(span, tone="fine", value=last.interval90), Cell(cases, tone="fine"))
