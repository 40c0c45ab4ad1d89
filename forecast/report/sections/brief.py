"""Page 1 of the brief: judgement, confidence, every target, history, reasons, indicators, track record.

It stands alone when torn off: whoever reads nothing else knows what is likely, how sure we are, why, what
would change it, and how good such forecasts have been.
"""

from __future__ import annotations

from forecast import wording
from forecast.blocks import (
    Alert,
    Beside,
    Block,
    BottomLine,
    Bullets,
    Cell,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
    Track,
)
from forecast.records.analysis import RunWarning
from forecast.records.forecast import Driver, Forecast, MilestoneForecast, TargetForecast
from forecast.records.history import own_record
from forecast.report.palette import target_colour
from forecast.report.previous_run import change_line, change_mark, change_sentences
from forecast.report.questions import chosen_milestones, headline_pair, stands_out, what_counts
from forecast.report.run_records import RunRecords
from forecast.report.sections.course import course_chart
from forecast.report.sections.indicators import chosen_indicators, indicator_sentence
from forecast.report.sections.milestones import base_rate_cells
from forecast.report.typeface import first_clauses, shorten
from forecast.wording.cautions import HEAD, caution_lines
from forecast.wording.explained import learned_sentence, record_sentences, waterfall_sentence
from forecast.wording.judgement import (
    base_rate_sentence,
    confidence,
    judgement_sentence,
)
from forecast.wording.sensitivity import assumption_label, titles_of
from forecast.wording.warnings import failure_sentence, warning_sentence

PAGE_1 = "brief"
_MOST_TARGETS = 4
_MOST_ROWS = 14
_MOST_REASONS = 2
_LONGEST_REASON = 84
_MOST_CAUTIONS = 3
_RIGHT_MM = 80.0


def brief_section(run: RunRecords) -> Section:
    """Page 1: all that a principal needs to act on."""
    blocks: list[Block] = [*_alarm(run.forecast), judgement(run), *_cautions(run), questions_table(run)]
    blocks.append(course_chart(run))
    blocks.append(
        Beside(
            left=(Heading("Why"), Bullets(why(run))),
            right=(Heading("What would change it"), Bullets(what_would_change_it(run.forecast))),
            right_width=_RIGHT_MM,
        )
    )
    blocks += [
        Heading("How good have we been"),
        Prose(" ".join(record_sentences(run.forecast, own_record(run.forecast, run.track_record)))),
        Prose(learned_sentence(run.analysis.learned), tone="fine"),
    ]
    return Section(PAGE_1, None, tuple(blocks), page=True)


def _alarm(forecast: Forecast) -> tuple[Block, ...]:
    if forecast.converged:
        return ()
    failures = tuple(map(failure_sentence, forecast.diagnostics.failures))
    alert = "This run did not converge: its numbers must not be used."
    return (Alert(text=alert, items=failures or ("The run is recorded as not converged.",)),)


def judgement(run: RunRecords) -> BottomLine:
    """The number, the judgement in one sentence, confidence with its reasons, what counts, base rates."""
    target, milestone = headline_pair(run.forecast)
    return BottomLine(
        percent=wording.percent(milestone.probability),
        interval=f"plausible range {wording.interval_percent(milestone.interval90)}",
        change=change_line(run.forecast, run.previous),
        sentence=judgement_sentence(run.forecast),
        details=(
            confidence(run.forecast, run.track_record).sentence,
            f"What counts: {what_counts(target)}",
            base_rate_sentence(run.forecast),
        ),
    )


def _cautions(run: RunRecords) -> tuple[Block, ...]:
    # The alarm says that the fit failed, and why; the confidence counts the past cases of the headline.
    told = [one for one in run.forecast.cautions if one.code != "not_converged"]
    lines = [*caution_lines(told), *run.notes, *map(warning_sentence, _grave_warnings(run))]
    if not lines:
        return ()
    more = len(lines) - _MOST_CAUTIONS
    shown = lines if more <= 0 else [*lines[:_MOST_CAUTIONS], f"{more} more in the appendix."]
    return (Alert(text=HEAD, items=tuple(shown), tone="caution"),)


def _grave_warnings(run: RunRecords) -> list[RunWarning]:
    return [one for one in run.analysis.warnings if one.code == "unused_backtest"]


def questions_table(run: RunRecords) -> Table:
    """Every target before every milestone, or a selection that fits the page, with both base rates."""
    forecast, asked = run.forecast, run.forecast.headline
    targets = _shown_targets(forecast)
    most = max(_MOST_ROWS // len(targets), 3)
    columns = [
        Column("Before"),
        Column("0 to 100%", 20 if run.previous else 22),
        Column("Chance", 12, "right"),
        Column("Plausible range", 18, "right"),
        Column("In words", 28.5),
        Column("Past windows", 14.5, "right"),
        Column("Constant rate", 14.5, "right"),
    ]
    if run.previous:
        columns.append(Column("Change", 12, "right"))
    groups = []
    for index, target in targets:
        shown = chosen_milestones(target.milestones, asked.milestone, most)
        groups.append(
            Group(
                label=shorten(target.label, 70),
                note=_about(run, target),
                colour=target_colour(index),
                rows=tuple(_row(run, target, one, target_colour(index)) for one in shown),
                marked=tuple(
                    place
                    for place, one in enumerate(shown)
                    if (target.name, one.name) == (asked.target, asked.milestone)
                ),
            )
        )
    left_out = len(forecast.targets) - len(targets)
    more = f" ({wording.count(left_out, 'further target')} in the appendix)" if left_out else ""
    return Table(
        name="brief",
        title=f"How likely each event is, and what counting the past alone would say{more}",
        columns=tuple(columns),
        groups=tuple(groups),
        size="small",
        lines=False,
        whole=True,
    )


def _shown_targets(forecast: Forecast) -> list[tuple[int, TargetForecast]]:
    """The headline target and the first of the others, in their order, with their places."""
    placed = list(enumerate(forecast.targets))
    placed.sort(key=lambda one: one[1].name != forecast.headline.target)
    return sorted(placed[:_MOST_TARGETS], key=lambda one: one[0])


def _about(run: RunRecords, target: TargetForecast) -> str:
    seen = (
        f"{wording.count(target.observed_before, 'past case')}" if target.observed_before else "no past case"
    )
    impact = run.options.impact.get(target.name)
    return f"{seen} · impact: {impact.level}" if impact else seen


def _row(
    run: RunRecords, target: TargetForecast, milestone: MilestoneForecast, colour: str
) -> tuple[Cell, ...]:
    lower, upper = milestone.interval90
    cells = [
        # What a label says after a comma is its place or its detail: the appendix has it in full.
        Cell(f"{wording.short_day(milestone.date)} · {shorten(milestone.label.split(',')[0], 44)}"),
        Cell(mark=Track(lower=lower, value=milestone.probability, upper=upper, colour=colour)),
        Cell(wording.percent(milestone.probability), weight="semibold", value=milestone.probability),
        Cell(wording.interval_percent(milestone.interval90)),
        Cell(milestone.words),
        *base_rate_cells(target, milestone),
    ]
    if run.previous:
        before = run.previous.change(target.name, milestone.name)
        moved = None if before is None else milestone.probability - before.probability
        cells.append(Cell(change_mark(milestone, before), weight="semibold", value=moved))
    return tuple(cells)


def why(run: RunRecords) -> tuple[str, ...]:
    """Where the number comes from, what moves it most, and what changed since the last run."""
    clear = [one for one in run.forecast.drivers if stands_out(one.change, one.mcse)]
    clear.sort(key=lambda one: -abs(one.change))
    said = [driver_sentence(one) for one in clear[:_MOST_REASONS]]
    if not run.forecast.drivers:
        said.append("Which past events move the number was not measured.")
    elif not clear:
        said.append("No single past event moves the number by more than its error.")
    explained = (waterfall_sentence(run.forecast), assumption_sentence(run))
    return (*filter(None, explained), *said, *change_sentences(run.forecast, run.previous)[:1])


def assumption_sentence(run: RunRecords) -> str:
    """Name the prior that moves the number most, and by how much; empty where it was not measured."""
    found = run.analysis.robustness
    bars = [one for one in found.tornado if one.act is None] if found else []
    ends = [
        (abs(end.change), bar) for bar in bars for end in (bar.lower, bar.upper) if end.change is not None
    ]
    if not ends:
        return ""
    most, bar = max(ends, key=lambda one: one[0])
    label = assumption_label(bar.name, bar.act, titles_of(run.forecast))
    return (
        f"Strongest assumption: “{label}”; one step of it moves the number by up to {wording.points(most)}."
    )


def driver_sentence(driver: Driver) -> str:
    """What an event did to the number: ``"+8.0 points: … (4 February 2023)"``."""
    text = first_clauses(driver.summary.rstrip("."), _LONGEST_REASON)
    return f"{wording.signed_points(driver.change)} points from {wording.long_day(driver.date)}: {text}."


def what_would_change_it(forecast: Forecast) -> tuple[str, ...]:
    """Observable things with a day and the chance that they would leave, the largest change first."""
    shown = chosen_indicators(forecast)
    if not shown:
        return ("No indicator was measured for this run.",)
    return tuple(indicator_sentence(forecast, one) for one in shown)
