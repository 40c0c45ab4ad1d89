"""Page 1: all that a principal needs to act on. The terminal shows the same blocks after a run.

Question and answer, all events before all milestones, where the number comes from, when, what to watch, what
others say, how good we have been, and what the forecast does not know; of what is missing, that it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from forecast import wording
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
    one_group,
    right,
)
from forecast.records.analysis import MonthlyRisk, OtherForecast, own_record
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
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
    return Section("brief", None, page_1(run), page=True)


def bottom_line(run: RunRecords) -> Iterator[Block]:
    """Yield what ``forecast run`` answers: page 1, when to act, and what scenarios change."""
    yield from page_1(run, charts=False)
    yield from decision_blocks(run.forecast)
    if run.forecast.scenarios:
        yield from headline_scenarios(run.forecast)


def page_1(run: RunRecords, *, charts: bool = True) -> tuple[Block, ...]:
    """The blocks of page 1, in their order."""
    forecast = run.forecast
    grave = (one.text for one in run.analysis.warnings if one.code == "unused_backtest")
    more = [shorten(one, _LONGEST_CAUTION) for one in (*run.notes, *grave)]
    placed = {*BESIDE, "few_target_events"} if forecast.waterfall else {"few_target_events"}
    months = months_chart(run) if charts else None
    return (
        *alarm(forecast),
        judgement(forecast, run.track_record, change_line(forecast, run.previous)),
        *cautions(forecast, more, _MOST_CAUTIONS, placed),
        questions_table(run),
        *(
            (Beside(left=(waterfall(run, wide=False),), right=(months,), right_width=_MONTHS_MM),)
            if months
            else (waterfall(run, wide=True),)
        ),
        Prose(when_sentence(run), lead="When:"),
        *act_sentence(forecast),
        *signs(run),
        Beside(
            left=(Heading("What others say"), *others(run)),
            right=(Heading("How good we have been"), Prose(" ".join(record(run)))),
            right_width=84.0,
        ),
        Heading("What it does not know"),
        Bullets(unknowns(run)),
    )


def questions_table(run: RunRecords) -> Table:
    """Every target in a row, its chance by day as a small multiple, and its chance before each milestone."""
    forecast = run.forecast
    placed = sorted(
        sorted(enumerate(forecast.targets), key=lambda pair: pair[1].name != forecast.headline.target)[
            :_MOST_TARGETS
        ],
        key=lambda pair: pair[0],
    )
    shown = [
        chosen_milestones(target.milestones, forecast.headline.milestone, _MOST_MILESTONES)
        for _, target in placed
    ]
    hidden = [
        wording.count(number, noun)
        for number, noun in (
            (len(forecast.targets) - len(placed), "further event"),
            (len(forecast.targets[0].milestones) - len(shown[0]), "further milestone"),
        )
        if number
    ]
    more = f" ({wording.listing(tuple(hidden))} on the next page)" if hidden else ""
    wide = 23.0 if len(shown[0]) <= 4 else 18.0
    return Table(
        name="questions",
        title=f"How likely each event is before each milestone, with its plausible range{more}",
        columns=(
            Column("Event"),
            Column("Chance by day", 24),
            *(
                Column(
                    wording.short_day(one.date),
                    wide,
                    "right",
                    # What a label says after a comma is its place or its detail: the next page has it.
                    shorten(one.label.split(",")[0], 36 if len(shown[0]) <= 4 else 20),
                )
                for one in shown[0]
            ),
        ),
        groups=one_group(
            _question_row(run, target, place, milestones)
            for (place, target), milestones in zip(placed, shown, strict=True)
        ),
        whole=True,
    )


def _question_row(
    run: RunRecords, target: TargetForecast, place: int, milestones: tuple[MilestoneForecast, ...]
) -> tuple[Cell, ...]:
    asked, colour = run.forecast.headline, target_colour(place)
    seen = wording.count(target.observed_before, "past case")
    impact = run.options.impact.get(target.name)
    about = f"{seen}; impact {impact.level}" if impact else seen
    return (
        Cell(shorten(target.label, 70), note=about, weight="semibold", colour=colour),
        Cell(mark=_spark(target, milestones, colour)),
        *(
            _chance_cell(
                target,
                one,
                colour if (target.name, one.name) == (asked.target, asked.milestone) else None,
            )
            for one in milestones
        ),
    )


def _chance_cell(target: TargetForecast, one: MilestoneForecast, colour: str | None) -> Cell:
    weight: Weight = "bold" if colour else "regular"
    value = one.probability
    if target.grave and one.words.startswith(("about 1 in", "less than 1 in")):
        about, _, most = one.words.partition(", ")
        return Cell(about.removeprefix("about "), note=most, weight=weight, colour=colour, value=value)
    shown = wording.percent(value)
    return Cell(
        shown, note=wording.interval_percent(one.interval90), weight=weight, colour=colour, value=value
    )


def _spark(target: TargetForecast, milestones: tuple[MilestoneForecast, ...], colour: str) -> Spark:
    curve = target.curve
    last = max(len(curve.date) - 1, 1)
    places = sorted({round(k * (len(curve.date) - 1) / _SPARK_POINTS) for k in range(_SPARK_POINTS + 1)})
    first, span = curve.date[0], max((curve.date[-1] - curve.date[0]).days, 1)
    points = ((k / last, curve.lower90[k], curve.probability[k], curve.upper90[k]) for k in places)
    return Spark(
        points=tuple(tuple(round(value, 4) for value in one) for one in points),  # type: ignore[misc]
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
    top = min(math.ceil(max(one.probability for one in forecast.waterfall) * 10 + 0.5) / 10, 1.0)
    rows, before = [], 0.0
    for place, one in enumerate(forecast.waterfall):
        shown = shown_change(one.change, one.error) if place else wording.percent(one.probability)
        colour = ACCENT if place else INK
        mark = Rise(start=before / top, end=one.probability / top, error=one.error / top, colour=colour)
        rows.append(
            (
                Cell(step_name(forecast, one), note="; ".join(beside.get(one.step, ()))),
                Cell(mark=mark),
                Cell(shown, weight="semibold", value=one.change if place else one.probability),
            )
        )
        before = one.probability
    end = Rise(start=0.0, end=milestone.probability / top, error=0.0, colour=INK)
    total = Cell(wording.percent(milestone.probability), weight="bold", value=milestone.probability)
    rows.append((Cell("This forecast", weight="bold"), Cell(mark=end), total))
    first = wording.percent(forecast.waterfall[0].probability)
    return Table(
        name="waterfall",
        title=f"Why {wording.percent(milestone.probability)}, when the base rate is {first}",
        columns=(Column("Source"), Column(f"0 to {100 * top:.0f}%", 62 if wide else 30), right("Points", 19)),
        groups=one_group(rows),
        lines=False,
        whole=True,
    )


def months_chart(run: RunRecords) -> Chart | None:
    """Risk of the headline target by month, with the base rate and the dated milestones."""
    monthly = _monthly(run)
    if monthly is None:
        return None
    return Chart(
        name="months",
        headline="Risk by month, and at the base rate",
        alt=describe_months(monthly),
        caption="Bars: chance in the month if not before, ± twice its error. Line: base rate. Dashed: "
        "milestones.",
        draw=lambda: draw_months(monthly, width_mm=_MONTHS_MM),
    )


def _monthly(run: RunRecords) -> MonthlyRisk | None:
    asked = run.forecast.headline.target
    return next((one for one in run.analysis.monthly_risk if one.target == asked), None)


def when_sentence(run: RunRecords) -> str:
    """Whether any date matters, in one sentence."""
    monthly = _monthly(run)
    return (
        monthly.sentence if monthly else missing(run, "monthly_risk", "The risk by month was not measured.")
    )


def signs(run: RunRecords) -> Iterator[Block]:
    """Three things to watch in the next weeks, and what the headline becomes; else what is known instead."""
    forecast, found = run.forecast, run.analysis.signs
    if found:
        yield signs_table(forecast, found[:_MOST_SIGNS], "signs")
        return
    yield Heading("What to watch")
    said = [missing(run, "signs", "Signs to watch in the next weeks were not measured in this run.")]
    yield Prose(" ".join([*said, *_if_it_stays_quiet(forecast)]))


def _if_it_stays_quiet(forecast: Forecast) -> Iterator[str]:
    """The headline's chance once its target has stayed away until an earlier milestone."""
    target, last = headline_pair(forecast)
    earlier = [one for one in target.milestones if one.date < last.date and one.probability < 1]
    for first in earlier[:1]:
        chance = max(last.probability - first.probability, 0.0) / (1 - first.probability)
        yield (
            f"If nothing of the kind happens before {wording.long_day(first.date)}, the chance is "
            f"{wording.percent(chance)}."
        )


def others(run: RunRecords) -> Iterator[Block]:
    """What markets, platforms and analysts said of the headline; that there is nothing where there is not."""
    asked = run.forecast.headline
    found = [one for one in run.analysis.others if one.target == asked.target]
    found.sort(key=lambda one: one.milestone != asked.milestone)
    if not found:
        yield Prose(missing(run, "others", "No market, platform or analyst is on record for this question."))
        return
    said = [other_sentence(one) for one in found[:_MOST_OTHERS]]
    if len(found) > len(said):
        said[-1] += f" {wording.count(len(found) - len(said), 'more')} in the report."
    yield Bullets(tuple(said))


def other_sentence(one: OtherForecast) -> str:
    """Who said what on which day, and how the question differs."""
    late = "; made after the as-of date" if one.after_as_of else ""
    differs = f". Differs: {'; '.join(one.differs)}" if one.differs else ""
    day = wording.long_day(one.made_on)
    said = wording.percent(one.probability)
    return f"{shorten(one.forecaster, 60)}: {said} on {day}{late}{differs}."


def record(run: RunRecords) -> Iterator[str]:
    """How good forecasts of this event were, and what the ledger holds of this question."""
    yield from record_sentences(run.forecast, own_record(run.forecast, run.track_record))
    yield from ledger_gap(run)


def unknowns(run: RunRecords) -> tuple[str, ...]:
    """What is outside the forecast: what no model of public acts sees, and the first limit of the data."""
    limits = [first_clauses(one.rstrip("."), _LONGEST_LIMIT) + "." for one in run.analysis.data.limits[:1]]
    return (_OUTSIDE, *limits)
