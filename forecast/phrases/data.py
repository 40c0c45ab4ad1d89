"""The data of a forecast: rows of its event file, what was learned from others, and what was not measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from forecast.config.schema import Config
from forecast.events import dyads
from forecast.events.codebook import parties
from forecast.events.duplicates import TELLING_WORDS, DuplicateGroup
from forecast.events.summary import coding_jump
from forecast.events.table import EventTable
from forecast.phrases.chances import Titles, severity_from
from forecast.records.analysis import Analysis, LearnedFrom, LearnedPair, OtherForecast
from forecast.records.forecast import Forecast
from forecast.targets import TargetRule
from forecast.wording import count, listing, long_day, percent, shorten, sourced_in_words

NOT_MEASURED = "Not measured in this run."


_OURS = {
    "model": "another model family",
    "events": "other events",
    "settings": "other settings",
    "program": "another version of the program",
}


def other_text(other: OtherForecast, as_of: date) -> str:
    """State who said what on which day, and how the question differs from that of a run as of a day."""
    late = "; made after the as-of date" if other.after_as_of else ""
    if other.recorded_on:
        late += f"; recorded on {long_day(other.recorded_on)}"
    differs = [other.differs] if other.differs else [_OURS[reason] for reason in other.ours]
    if other.nearest:
        differs.append(f"ends on {other.ends}, not on {other.nearest}")
    if other.asked_as_of != as_of:
        differs.append(f"counts events after {other.asked_as_of}, not after {as_of}")
    chance, day = percent(other.probability), long_day(other.made_on)
    beside = f". Differs: {'; '.join(differs)}" if differs else ""
    own = "This program in " if other.ours else ""
    return f"{own}{shorten(other.forecaster, 60)}: {chance} on {day}{late}{beside}."


def learned_clause(learned: LearnedFrom) -> str:
    """Pairs, coders and years in one clause: ``94 pairs: 30 coded by KEDS (1979–2004) and 64 …``."""
    pairs = count(len(learned.pairs), "pair")
    coded = _by_coder(learned)
    if "" in coded:
        return f"{pairs}, {_years(learned.pairs)}"
    parts = (f"{len(own)} coded by {coder} ({_years(own)})" for coder, own in coded.items())
    return f"{pairs}: {listing(parts)}"


def learned_lines(learned: LearnedFrom) -> Iterator[str]:
    """Yield every pair with its years, a line for each coder; then the kinds of target, a line for each."""
    for coder, own in _by_coder(learned).items():
        if coder:
            yield f"{coder}: {', '.join(f'{pair.name} ({_years([pair])})' for pair in own)}"
        else:
            yield ", ".join(pair.name for pair in own)
    for kind in learned.kinds:
        yield f"{', '.join(kind.any_of)}, {severity_from(kind.min_severity)}: {listing(kind.coders)}"


def learned_paragraph(learned: LearnedFrom) -> str:
    """State what a part learned from other pairs: every pair, the source, and what was left out."""
    part = learned.part.capitalize()
    stated = (
        f"{part}: {learned_clause(learned)}. {'; '.join(learned_lines(learned))}. Source: {learned.source}."
    )
    if learned.own_left_out:
        stated += f" Left out, as records of this pair: {', '.join(learned.own_left_out)}."
    return stated


def _by_coder(learned: LearnedFrom) -> dict[str, list[LearnedPair]]:
    coders = dict.fromkeys(pair.coder for pair in learned.pairs)
    return {coder: [pair for pair in learned.pairs if pair.coder == coder] for coder in coders}


def _years(pairs: Sequence[LearnedPair]) -> str:
    first, last = min(pair.first for pair in pairs).year, max(pair.until for pair in pairs).year
    return f"{first}–{last}" if first < last else str(first)


# Rows of an event file


def left_out_in_words(left_out: Sequence[dyads.PairRows], rows: int, shown: int = dyads.SHOWN_PAIRS) -> str:
    """Return pairs, e.g. ``IND to PAK (812 rows) and other pairs (17)``; ``rows`` are those of all pairs."""
    named = [(f"{pair.initiator} to {pair.recipient}", pair.rows) for pair in left_out[:shown]]
    return dyads.rows_in_words(named, rows)


def selection_notes(
    rule: dyads.DyadRule, events: EventTable, left_out: Sequence[dyads.PairRows]
) -> Iterator[str]:
    """Yield what to look at: few rows of a file are acts of the dyad, or an actor named never appears."""
    rows = len(events) + sum(pair.rows for pair in left_out)
    if len(events) < dyads.FEW_SHARE * rows:
        yield (
            f"only {len(events):,} of {rows:,} rows are {rule.in_words()}. The file also holds "
            f"{dyads.pairs_in_words(dyads.either_way(left_out))}."
        )
    known = dyads.actors_of(events).union(*((pair.initiator, pair.recipient) for pair in left_out))
    unseen = tuple(actor for actor in rule.actors if actor not in known)
    if unseen:
        yield f"no row names {listing(unseen)}.{dyads.near_actors(unseen, known)}"


def record_notes(
    config: Config, rules: Sequence[TargetRule], titles: Titles, events: EventTable
) -> Iterator[str]:
    """Yield the rows of targets that leave open towards whom, and a year in which coding may have leapt."""
    for rule in rules:
        caught = dyads.pair_rows(events.select(rule.mask(events)))
        if not any(parties(acting)[1] for acting in rule.by) and len(dyads.either_way(caught)) > 1:
            rows = left_out_in_words(caught, sum(pair.rows for pair in caught))
            yield f"'{titles[rule.name]}' counts acts towards anybody: {rows}. between or towards narrows it."
    jump = coding_jump(events)
    if jump and not config.coding_complete(date(jump[0], 12, 31)):
        year, (conflict, talks), (more_conflict, more_talks) = jump
        yield (
            f"from {year - 1} to {year} rows of conflict go from {conflict:,} to {more_conflict:,}, of "
            f"cooperation from {talks:,} to {more_talks:,}. Was it coded otherwise, or did it happen? "
            "events.coding_complete answers."
        )


def repeats_in_words(groups: Sequence[DuplicateGroup], source: str, shown: int = 5) -> Iterator[str]:
    """Yield a sentence for each telling group, with the file and the lines, and what is left as counts."""
    telling = [group for group in groups if group.telling]
    for group in telling[:shown]:
        what, named = ("lines", group.lines) if all(group.lines) else ("ids", group.ids)
        rows = f"{what} {listing(tuple(map(str, named)))}"
        yield f"{source}: {rows} are likely one event ({group.reason}); each counts"
    everything = f"each counts. All of them: forecast events validate {source} --json"
    if left := _repeated_rows(telling[shown:]):
        verb = "repeats" if left == 1 else "repeat"
        yield f"{source}: {count(left, 'more row')} likely {verb} another; {everything}"
    if alike := _repeated_rows([group for group in groups if not group.telling]):
        verb = "is coded as another is" if alike == 1 else "are coded as others are"
        yield (
            f"{source}: {count(alike, 'row')} {verb} on the same day, without a summary of {TELLING_WORDS} "
            f"words to tell them apart; {everything}"
        )


def _repeated_rows(groups: Sequence[DuplicateGroup]) -> int:
    return sum(len(group.ids) - 1 for group in groups)


def coverage_sentences(forecast: Forecast, analysis: Analysis) -> Iterator[str]:
    """How many events, from when to when, whose, and how many were checked against their source."""
    data, as_of = analysis.data, long_day(forecast.as_of)
    # The first day that is used: that of the first event, or a later start of the config.
    yield (
        f"{count(data.rows, 'event').capitalize()} known by {as_of} ({data.source}), "
        + ("all used" if data.rows == data.rows_fitted else f"{data.rows_fitted:,} of them used")
        + f", from {long_day(max(data.first_date, data.start))} on."
    )
    quiet = (forecast.as_of - data.last_date).days
    before = f"{count(quiet, 'day')} before the as-of day" if quiet else "the as-of day"
    yield f"The last event known is of {long_day(data.last_date)}, {before}."
    dyad = dyads.DyadRule(data.dyad.a, data.dyad.b, data.dyad.theatre)
    a, b = "+".join(dyad.a), "+".join(dyad.b)
    third = f", with third parties {data.dyad.rows_theatre:,}" if dyad.theatre else ""
    yield (
        f"These are {dyad.in_words()}: by {a} towards {b} {data.dyad.rows_a_to_b:,}, by {b} towards {a} "
        f"{data.dyad.rows_b_to_a:,}{third}."
    )
    if data.rows_left_out:
        pairs = [dyads.PairRows(one.initiator, one.recipient, one.rows) for one in data.left_out]
        yield f"Left out as acts of others: {left_out_in_words(pairs, data.rows_left_out, 5)}."
    read = None if data.verified_share is None else round(data.verified_share * data.rows)
    if read is not None or data.rows_sourced is not None:
        yield sourced_in_words(data.rows_sourced or 0, data.rows, read)
