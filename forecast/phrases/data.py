"""What a forecast was made from beside its own record, and what was not measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from forecast.records.analysis import LearnedFrom, LearnedPair, OtherForecast
from forecast.wording import count, listing, long_day, percent, shorten

NOT_MEASURED = "Not measured in this run."


def nobody_else(*, compared: bool) -> str:
    """State that nobody else's forecast of a question is known; ``compared``: with a ledger."""
    if compared:
        return "No market, platform or analyst is on record for this question."
    return "What others say is unknown: the run was not compared with a ledger of forecasts."


def other_text(other: OtherForecast, as_of: date) -> str:
    """State who said what on which day, and how the question differs from that of a run as of a day."""
    late = "; made after the as-of date" if other.after_as_of else ""
    differs = [other.differs] if other.differs else []
    if other.nearest:
        differs.append(f"ends on {other.ends}, not on {other.nearest}")
    if other.asked_as_of != as_of:
        differs.append(f"counts events after {other.asked_as_of}, not after {as_of}")
    chance, day = percent(other.probability), long_day(other.made_on)
    beside = f". Differs: {'; '.join(differs)}" if differs else ""
    return f"{shorten(other.forecaster, 60)}: {chance} on {day}{late}{beside}."


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
        yield f"{', '.join(kind.any_of)}, severity {kind.min_severity} or more: {listing(kind.coders)}"


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
