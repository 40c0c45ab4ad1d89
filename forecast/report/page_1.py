"""Page 1: all that a principal needs to act on. The terminal shows the same blocks after a run.

Question and answer, all events before all milestones, where the number comes from, when, what would move it,
what others say, how good we have been, and what the forecast does not know; of what is missing, that it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from forecast.blocks import (
    Beside,
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    Prose,
    Rise,
    Section,
    Spark,
    Table,
    Weight,
    plain_table,
    right,
)
from forecast.phrases.chances import (
    DATES_ALIKE,
    chosen_milestones,
    counted_as,
    decision_text,
    members_say,
    rule_and_actors,
    said_in_odds,
    shown_error,
    step_name,
    target_titles,
)
from forecast.phrases.data import NOT_MEASURED, nobody_else, other_text
from forecast.phrases.notices import notice_text
from forecast.phrases.reactions import FLATTERS, followed_clause, may_flatter, trigger_phrase
from forecast.phrases.record import change_line, ledger_gap, record_sentences, said_came
from forecast.phrases.scenarios import AT_MOST, if_words
from forecast.phrases.sources import BESIDE, caveats, confidence
from forecast.records.analysis import windows_like
from forecast.records.forecast import MilestoneForecast, TargetForecast
from forecast.report.forecast_sections import moving_scenarios
from forecast.report.palette import ACCENT, INK, target_colour
from forecast.report.run_records import RunRecords
from forecast.report.tables import alarm, cautions, headline_scenarios, judgement
from forecast.wording import (
    capitalised,
    count,
    first_clauses,
    interval_percent,
    listing,
    long_day,
    odds,
    percent,
    rounded,
    short_day,
    shorten,
)

_MOST_TARGETS, _MOST_MILESTONES = 6, 6
_MOST_CAUTIONS, _LONGEST_CAUTION = 2, 210
_MOST_TRIGGERS, _MOST_OTHERS = 3, 3
_LONGEST_LIMIT = 170
_SPARK_POINTS = 40
_OUTSIDE = (
    "Intentions, secret talks and plans. It sees what was made public and coded; an act without precedent, "
    "or a turn of policy after the last event, is outside it."
)


def brief_section(run: RunRecords) -> Section:
    """Page 1, which stands alone when torn off."""
    return Section("brief", None, _page_1(run), page=True)


def bottom_line(run: RunRecords) -> Iterator[Block]:
    """Yield what ``forecast run`` answers: page 1, and what scenarios change."""
    if run.forecast.converged and run.forecast.hindsight and (made := run.forecast.made_on):
        yield Prose(
            f"As of {long_day(run.forecast.as_of)}. Made {long_day(made)}, in hindsight.", tone="fine"
        )
    yield from _page_1(run)
    if run.forecast.scenarios:
        yield from headline_scenarios(run.forecast)


def _page_1(run: RunRecords) -> tuple[Block, ...]:
    forecast, analysis = run.forecast, run.analysis
    unused = (notice_text(warning) for warning in analysis.warnings if warning.code == "unused_backtest")
    more = [shorten(text, _LONGEST_CAUTION) for text in (*run.notes, *unused)]
    placed = {*BESIDE, "few_target_events"} if forecast.waterfall else {"few_target_events"}
    record = " ".join(
        (*record_sentences(forecast, run.track_record), *ledger_gap(run.forecast, run.ledger_record))
    )
    decided = forecast.decision and decision_text(forecast.decision, forecast.headline_milestone.probability)
    act = [Prose(decided, lead="When to act:")] if decided else []
    answer: tuple[Block, ...] = (judgement(forecast, run.track_record, change_line(forecast, run.previous)),)
    reasons: tuple[Block, ...] = (
        waterfall(run),
        Prose(DATES_ALIKE, lead="When:"),
        *act,
        *_what_would_change_it(run),
    )
    if forecast.too_little:
        answer = (Prose(f"What counts: {rule_and_actors(forecast.headline_target, forecast.scale, 300)}"),)
        reasons = ()
    limits = (first_clauses(limit.rstrip("."), _LONGEST_LIMIT) + "." for limit in analysis.data.limits[:1])
    return (
        *alarm(forecast),
        *answer,
        *cautions(forecast, more, _MOST_CAUTIONS, placed),
        questions_table(run),
        *reasons,
        Beside(
            left=(Heading("What others say"), *_others(run)),
            right=(Heading("How good we have been"), Prose(record)),
            right_width=104.0,
        ),
        Heading("What it does not know"),
        Bullets((_OUTSIDE, *limits)),
    )


def questions_table(run: RunRecords) -> Table:
    """Every target in a row, its chance by day as a small multiple, and its chance before each milestone."""
    forecast, asked = run.forecast, run.forecast.headline
    first = sorted(enumerate(forecast.targets), key=lambda pair: pair[1].name != asked.target)
    placed = sorted(first[:_MOST_TARGETS], key=lambda pair: pair[0])
    question, rows = (asked.target, asked.milestone), []
    shown: tuple[MilestoneForecast, ...] = ()
    for place, target in placed:
        shown = chosen_milestones(target.milestones, asked.milestone, _MOST_MILESTONES)
        colour, impact = target_colour(place), run.options.impact.get(target.name)
        sure = f"{confidence(forecast, run.track_record, target).level} confidence"
        seen = [count(target.observed_before, "past case"), sure]
        seen += [f"impact {impact.level}"] if impact else []
        # One milestone tells how the members are apart: that of the headline, or the last one.
        apart = [one for one in shown if members_say(target, one)]
        for one in [one for one in apart if one.name == asked.milestone] or apart[-1:]:
            seen.append(f"{members_say(target, one)} before {short_day(one.date)}")
        about = "; ".join(seen)
        rows.append(
            (
                Cell(shorten(target.label, 70), note=about, weight="semibold", colour=colour),
                Cell(mark=_spark(target, shown, colour)),
                *(
                    _chance_cell(target, one, colour if (target.name, one.name) == question else None)
                    for one in shown
                ),
                *([_tested_cell(run, target)] if run.track_record else ()),
            )
        )
    hidden = [
        count(number, noun)
        for number, noun in (
            (len(forecast.targets) - len(placed), "further event"),
            (len(forecast.targets[0].milestones) - len(shown), "further milestone"),
        )
        if number
    ]
    more = f" ({listing(hidden)} on the next page)" if hidden else ""
    room = 118.0 if run.track_record else 138.0
    width = min((room - 42.0) / len(shown), 23.0)
    # What a label says after a comma is its place or its detail: the next page has it.
    heads = (
        Column(
            short_day(one.date), width, "right", shorten(one.label.split(",")[0], 36 if width > 16 else 20)
        )
        for one in shown
    )
    tested = [Column("Tested", 20, "right", "said → came")] if run.track_record else []
    title = f"How likely each event is before each milestone, with its plausible range{more}"
    if forecast.too_little:
        title = f"What the assumptions alone say of each event before each milestone{more}"
    sure = f"confidence for {short_day(forecast.headline_milestone.date)}" if len(shown) > 1 else ""
    columns = (Column("Event", note=sure), Column("Chance by day", 22), *heads, *tested)
    return plain_table(columns, rows, title, "questions", whole=True)


def _tested_cell(run: RunRecords, target: TargetForecast) -> Cell:
    """What forecasts of a target so far ahead as the headline said on average, and what they came to."""
    row = windows_like(run.forecast, run.track_record, target.name, run.forecast.headline_milestone.date)
    return Cell(said_came(row), note=count(row.episodes, "episode") if row else "")


def _chance_cell(target: TargetForecast, milestone: MilestoneForecast, colour: str | None) -> Cell:
    weight: Weight = "bold" if colour else "regular"
    value = milestone.probability
    shown, note = percent(value), interval_percent(milestone.interval90)
    if said_in_odds(target, milestone):
        shown, most = odds(value), odds(milestone.interval90[1])
        note = f"could be {most}" if most != shown else ""
    return Cell(shown, note=note, weight=weight, colour=colour, value=value)


def _spark(target: TargetForecast, milestones: tuple[MilestoneForecast, ...], colour: str) -> Spark:
    curve = target.chances
    last = len(curve.day) - 1
    places = sorted({round(k * last / _SPARK_POINTS) for k in range(_SPARK_POINTS + 1)})
    first, span = curve.day[0], max((curve.day[-1] - curve.day[0]).days, 1)
    points = ((k / max(last, 1), curve.low[k], curve.mean[k], curve.high[k]) for k in places)
    return Spark(
        points=tuple(tuple(round(value, 4) for value in point) for point in points),  # type: ignore[misc]
        dots=tuple((round((one.date - first).days / span, 4), one.probability) for one in milestones),
        colour=colour,
    )


def waterfall(run: RunRecords) -> Block:
    """From a base rate to the headline, source by source, with what weakens a step beside it."""
    forecast = run.forecast
    if not forecast.waterfall:
        return Prose(NOT_MEASURED, lead="Where it comes from:")
    milestone = forecast.headline_milestone
    beside = caveats(forecast, run.analysis)
    # In tens of percent, so that the steps are as long as the room allows.
    top = min(math.ceil(max(step.probability for step in forecast.waterfall) * 10 + 0.5) / 10, 1.0)
    rows: list[Sequence[Cell]] = []
    before, shown = 0.0, Decimal(0)
    for step in forecast.waterfall:
        # Exactly nothing comes from a source that is not there, as where no event is scheduled.
        if rows and not step.change:
            continue
        # Steps are differences of what is printed, so that a reader who adds them up gets the total.
        now, value, colour = rounded(100 * step.probability, 1), step.change, ACCENT
        error = shown_error(step.error)
        text = f"{now - shown:+} {error}" if error.startswith("±") else f"{now - shown:+}"
        text = text.replace("-", "−") if now != shown else "0.0"
        if not rows:
            text, value, colour = f"{now}", step.probability, INK
        ends = {"start": before / top, "end": step.probability / top}
        rows.append(
            (
                Cell(
                    step_name(forecast, step, run.analysis.drift), note="; ".join(beside.get(step.step, ()))
                ),
                Cell(mark=Rise(**ends, error=step.error / top, colour=colour)),
                Cell(text, weight="semibold", value=value),
            )
        )
        before, shown = step.probability, now
    now, end = rounded(100 * milestone.probability, 1), milestone.probability / top
    whole = Cell(mark=Rise(start=0.0, end=end, error=0.0, colour=INK))
    total = Cell(f"{now}", weight="bold", value=milestone.probability)
    rows.append((Cell("This forecast", weight="bold"), whole, total))
    title = f"Where the {percent(milestone.probability)} comes from"
    if counted_as(milestone):
        base = percent(forecast.waterfall[0].probability)
        title = f"Why {percent(milestone.probability)}, when the base rate is {base}"
    return plain_table(
        ("Source", Column(f"0 to {100 * top:.0f}%", 62), right("Points", 19)),
        rows,
        title,
        "waterfall",
        lines=False,
        whole=True,
    )


def _what_would_change_it(run: RunRecords) -> Iterator[Block]:
    """Triggers of reactions and scenarios of acts or facts, before → after, those that move most first."""
    forecast = run.forecast
    target, milestone = forecast.headline_target, forecast.headline_milestone
    rows: list[Sequence[Cell | str]] = []
    moving = [
        one
        for one in run.analysis.reactions
        if any(percent(effect.probability) != percent(effect.base) for effect in one.effects[-2:])
    ][:_MOST_TRIGGERS]
    # A milestone within a week leaves no days to tell before it.
    days = moving[0].effects[-2].days if moving and len(moving[0].effects) > 1 else None
    for reaction in moving:
        soon, last = reaction.effects[-2:][0], reaction.effects[-1]
        counted = reaction.followed_by(target.name)
        grave = f", severity {reaction.severity}" if reaction.severity else ""
        flatters = f"; {FLATTERS}" if may_flatter(reaction, counted) else ""
        done = Cell(
            f"If this is done: {trigger_phrase(reaction.stated)}{grave}",
            note=f"{capitalised(followed_clause(reaction, counted, target_titles(forecast)))}{flatters}",
        )
        rows.append(
            (done, _before_after(soon.base, soon.probability), _before_after(last.base, last.probability))
        )
    for scenario in moving_scenarios(forecast)[:_MOST_TRIGGERS]:
        answer = scenario.answer(target.name, milestone.name)
        after = [one for one in scenario.target(target.name).after if one.days == days]
        near = _before_after(after[0].base, after[0].probability) if after else ""
        label = f"{if_words(scenario.kinds)[0]}: {scenario.label}"
        rows.append((label, near, _before_after(milestone.probability, answer.probability)))
    if rows:
        columns = [Column("What comes next", note=AT_MOST), right(f"by {short_day(milestone.date)}", 26)]
        if days is not None:
            columns.insert(1, right(f"{days} days on", 26))
        else:
            rows = [(first, last) for first, _, last in rows]
        title = f"What would change the {percent(milestone.probability)} ({shorten(target.label, 60)})"
        yield plain_table(columns, rows, title, "changes", whole=True)


def _before_after(before: float, after: float) -> Cell:
    """Return a chance without something and with it, e.g. ``"49 → 62%"``."""
    return Cell(f"{percent(before).rstrip('%')} → {percent(after)}", weight="semibold", value=after)


def _others(run: RunRecords) -> Iterator[Block]:
    """What markets, platforms and analysts said of the headline; that there is nothing where there is not."""
    asked = run.forecast.headline
    known = run.ledger_record.others if run.ledger_record else ()
    about = [other for other in known if other.target == asked.target]
    about.sort(key=lambda other: other.milestone != asked.milestone)
    if not about:
        yield Prose(nobody_else(compared=run.ledger_record is not None))
        return
    told = [other_text(other, run.forecast.as_of) for other in about[:_MOST_OTHERS]]
    if len(about) > len(told):
        told[-1] += f" {count(len(about) - len(told), 'more')} in ledger_record.json."
    yield Bullets(tuple(told))
