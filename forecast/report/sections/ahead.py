"""What lies ahead: signs to watch, with what the headline becomes, and the scheduled events built in."""

from __future__ import annotations

from collections.abc import Iterator

from forecast import wording
from forecast.blocks import Block, Cell, Column, Heading, Prose, Table, one_group, right
from forecast.records.explained import Sign
from forecast.records.forecast import Forecast
from forecast.report.judgement import headline_pair
from forecast.report.palette import category_colour, name_category
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import shorten

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
