"""Page 1: all that a principal needs to act on. The terminal shows the same blocks after a run.

Question and answer, all events before all milestones, where the number comes from, when, what to watch, what
others say, how good we have been, and what the forecast does not know; of what is missing, that it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from forecast.blocks import (
    Beside,
    Block,
    Bullets,
    Cell,
    Chart,
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
from forecast.records.analysis import MonthlyRisk, OtherForecast, own_record
from forecast.records.forecast import MilestoneForecast, TargetForecast
from forecast.report.charts import describe_months, draw_months
from forecast.report.evidence_sections import ledger_gap
from forecast.report.forecast_sections import (
    BESIDE,
    act_sentence,
    caveats,
    decision_blocks,
    missing,
    signs_table,
)
from forecast.report.palette import ACCENT, INK, target_colour
from forecast.report.run_records import RunRecords, change_line
from forecast.report.tables import alarm, cautions, headline_scenarios, judgement
from forecast.report.typesetting import first_clauses, shorten
from forecast.report.words import chosen_milestones, headline_pair, record_sentences, shown_change, step_name
from forecast.wording import count, interval_percent, listing, long_day, percent, short_day

_MOST_TARGETS, _MOST_MILESTONES = 6, 6
_MOST_CAUTIONS, _LONGEST_CAUTION = 2, 210
_MOST_SIGNS, _MOST_OTHERS = 3, 3
_LONGEST_LIMIT = 170
_MONTHS_MM = 66.0
_SPARK_POINTS = 40
_OUTSIDE = (
    "Intentions, secret talks and plans. It sees what was made public and coded; an act without precedent, "
    "or a turn of policy after the last event, is outside it."
)


def brief_section(run: RunRecords) -> Section:
    """Page 1, which stands alone when torn off."""
    return Section("brief", None, _page_1(run), page=True)


def bottom_line(run: RunRecords) -> Iterator[Block]:
    """Yield what ``forecast run`` answers: page 1, when to act, and what scenarios change."""
    yield from _page_1(run, charts=False)
    yield from decision_blocks(run.forecast)
    if run.forecast.scenarios:
        yield from headline_scenarios(run.forecast)


def _page_1(run: RunRecords, *, charts: bool = True) -> tuple[Block, ...]:
    forecast, analysis = run.forecast, run.analysis
    unused = (warning.text for warning in analysis.warnings if warning.code == "unused_backtest")
    more = [shorten(text, _LONGEST_CAUTION) for text in (*run.notes, *unused)]
    placed = {*BESIDE, "few_target_events"} if forecast.waterfall else {"few_target_events"}
    monthly = next((one for one in analysis.monthly_risk if one.target == forecast.headline.target), None)
    months = _months_chart(monthly) if charts and monthly else None
    when = monthly.sentence if monthly else None
    steps = waterfall(run, wide=months is None)
    own = own_record(forecast, run.track_record)
    record = " ".join((*record_sentences(forecast, own), *ledger_gap(run)))
    limits = (first_clauses(limit.rstrip("."), _LONGEST_LIMIT) + "." for limit in analysis.data.limits[:1])
    return (
        *alarm(forecast),
        judgement(forecast, run.track_record, change_line(forecast, run.previous)),
        *cautions(forecast, more, _MOST_CAUTIONS, placed),
        questions_table(run),
        Beside(left=(steps,), right=(months,), right_width=_MONTHS_MM) if months else steps,
        Prose(when or missing(run, "monthly_risk", "The risk by month was not measured."), lead="When:"),
        *act_sentence(forecast),
        *_signs(run),
        Beside(
            left=(Heading("What others say"), *_others(run)),
            right=(Heading("How good we have been"), Prose(record)),
            right_width=84.0,
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
        seen = count(target.observed_before, "past case")
        about = f"{seen}; impact {impact.level}" if impact else seen
        rows.append(
            (
                Cell(shorten(target.label, 70), note=about, weight="semibold", colour=colour),
                Cell(mark=_spark(target, shown, colour)),
                *(
                    _chance_cell(target, one, colour if (target.name, one.name) == question else None)
                    for one in shown
                ),
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
    width, room = (23.0, 36) if len(shown) <= 4 else (18.0, 20)
    # What a label says after a comma is its place or its detail: the next page has it.
    heads = (
        Column(short_day(one.date), width, "right", shorten(one.label.split(",")[0], room)) for one in shown
    )
    title = f"How likely each event is before each milestone, with its plausible range{more}"
    return plain_table(("Event", Column("Chance by day", 24), *heads), rows, title, "questions", whole=True)


def _chance_cell(target: TargetForecast, milestone: MilestoneForecast, colour: str | None) -> Cell:
    weight: Weight = "bold" if colour else "regular"
    value = milestone.probability
    shown, note = percent(value), interval_percent(milestone.interval90)
    if target.grave and milestone.words.startswith(("about 1 in", "less than 1 in")):
        about, _, note = milestone.words.partition(", ")
        shown = about.removeprefix("about ")
    return Cell(shown, note=note, weight=weight, colour=colour, value=value)


def _spark(target: TargetForecast, milestones: tuple[MilestoneForecast, ...], colour: str) -> Spark:
    curve = target.curve
    last = len(curve.date) - 1
    places = sorted({round(k * last / _SPARK_POINTS) for k in range(_SPARK_POINTS + 1)})
    first, span = curve.date[0], max((curve.date[-1] - curve.date[0]).days, 1)
    points = ((k / max(last, 1), curve.lower90[k], curve.probability[k], curve.upper90[k]) for k in places)
    return Spark(
        points=tuple(tuple(round(value, 4) for value in point) for point in points),  # type: ignore[misc]
        dots=tuple((round((one.date - first).days / span, 4), one.probability) for one in milestones),
        colour=colour,
    )


def waterfall(run: RunRecords, *, wide: bool) -> Block:
    """From a base rate to the headline, source by source, with what weakens a step beside it."""
    forecast = run.forecast
    if not forecast.waterfall:
        return Prose(missing(run, "waterfall", "Where the number comes from was not measured in this run."))
    _, milestone = headline_pair(forecast)
    beside = caveats(forecast, run.analysis.learned)
    # In tens of percent, so that the steps are as long as the room allows.
    top = min(math.ceil(max(step.probability for step in forecast.waterfall) * 10 + 0.5) / 10, 1.0)
    rows: list[Sequence[Cell]] = []
    before = 0.0
    for step in forecast.waterfall:
        change, value, colour = shown_change(step.change, step.error), step.change, ACCENT
        if not rows:
            change, value, colour = percent(step.probability), step.probability, INK
        ends = {"start": before / top, "end": step.probability / top}
        rows.append(
            (
                Cell(step_name(forecast, step), note="; ".join(beside.get(step.step, ()))),
                Cell(mark=Rise(**ends, error=step.error / top, colour=colour)),
                Cell(change, weight="semibold", value=value),
            )
        )
        before = step.probability
    now, end = percent(milestone.probability), milestone.probability / top
    whole = Cell(mark=Rise(start=0.0, end=end, error=0.0, colour=INK))
    total = Cell(now, weight="bold", value=milestone.probability)
    rows.append((Cell("This forecast", weight="bold"), whole, total))
    return plain_table(
        ("Source", Column(f"0 to {100 * top:.0f}%", 62 if wide else 30), right("Points", 19)),
        rows,
        f"Why {now}, when the base rate is {percent(forecast.waterfall[0].probability)}",
        "waterfall",
        lines=False,
        whole=True,
    )


def _months_chart(monthly: MonthlyRisk) -> Chart:
    """Risk of the headline target by month, with the base rate and the dated milestones."""
    return Chart(
        name="months",
        headline="Risk by month, and at the base rate",
        alt=describe_months(monthly),
        caption="Bars: chance in the month if not before, ± twice its error. Line: base rate. Dashed: "
        "milestones.",
        draw=lambda: draw_months(monthly, width_mm=_MONTHS_MM),
    )


def _signs(run: RunRecords) -> Iterator[Block]:
    """Three things to watch in the next weeks, and what the headline becomes; else what is known instead."""
    if signs := run.analysis.signs:
        yield signs_table(run.forecast, signs[:_MOST_SIGNS], "signs")
        return
    yield Heading("What to watch")
    told = [missing(run, "signs", "Signs to watch in the next weeks were not measured in this run.")]
    target, last = headline_pair(run.forecast)
    earlier = [one for one in target.milestones if one.date < last.date and one.probability < 1]
    for first in earlier[:1]:
        chance = max(last.probability - first.probability, 0.0) / (1 - first.probability)
        told.append(
            f"If nothing of the kind happens before {long_day(first.date)}, the chance is {percent(chance)}."
        )
    yield Prose(" ".join(told))


def _others(run: RunRecords) -> Iterator[Block]:
    """What markets, platforms and analysts said of the headline; that there is nothing where there is not."""
    asked = run.forecast.headline
    about = [other for other in run.analysis.others if other.target == asked.target]
    about.sort(key=lambda other: other.milestone != asked.milestone)
    if not about:
        yield Prose(missing(run, "others", "No market, platform or analyst is on record for this question."))
        return
    told = [other_sentence(other) for other in about[:_MOST_OTHERS]]
    if len(about) > len(told):
        told[-1] += f" {count(len(about) - len(told), 'more')} in the report."
    yield Bullets(tuple(told))


def other_sentence(other: OtherForecast) -> str:
    """Who said what on which day, and how the question differs."""
    late = "; made after the as-of date" if other.after_as_of else ""
    differs = f". Differs: {'; '.join(other.differs)}" if other.differs else ""
    chance, day = percent(other.probability), long_day(other.made_on)
    return f"{shorten(other.forecaster, 60)}: {chance} on {day}{late}{differs}."
