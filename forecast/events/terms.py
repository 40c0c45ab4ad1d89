"""On what terms acts may be used: by the source that their ids name, and which uses the terms bar.

The terms are data (``data/terms.csv``), each with the day on which it was known to hold. An id that begins
with the name of a source, as imports and stores write them (``gdelt2-984…``), is of that source.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from forecast.errors import InputError, did_you_mean
from forecast.events.table import EventTable
from forecast.records.analysis import SourceTerms
from forecast.wording import count, listing, long_day

Use = Literal["client", "internal"]
"""What a forecast is made for: to be passed on to a client, or to stay inside the organisation."""
BUNDLED, OWN = "bundled", "file"
SHOWN = 5
"""Acts named in a refusal."""


@dataclass(frozen=True)
class Terms:
    """What a source allows: ``bars`` are the uses that need a licence of their own."""

    source: str
    licence: str
    terms: str
    bars: tuple[str, ...]
    known_on: date
    page: str


@cache
def known_terms() -> Mapping[str, Terms]:
    """Return the terms of every source that we know."""
    text = (files("forecast.events") / "data" / "terms.csv").read_text(encoding="utf-8")
    return {
        row["source"]: Terms(
            row["source"],
            row["licence"],
            row["terms"],
            tuple(filter(None, row["bars"].split(";"))),
            date.fromisoformat(row["known_on"]),
            row["page"],
        )
        for row in csv.DictReader(text.splitlines())
    }


def source_of(event_id: str, table_source: str) -> str:
    """Return the source of an act: that of its id, the bundled set, or a file of the user's own."""
    if table_source.startswith(f"{BUNDLED}:"):
        return BUNDLED
    name = event_id.partition("-")[0]
    return name if name in known_terms() else OWN


def terms_of(events: EventTable) -> tuple[SourceTerms, ...]:
    """Return the sources of some acts with their terms, most acts first."""
    acts = Counter(source_of(name, events.source) for name in events.id)
    found = []
    for name, number in acts.most_common():
        terms = known_terms().get(name)
        if terms is None:
            found.append(SourceTerms(source=name, acts=number, licence="", terms="", bars=()))
        else:
            found.append(SourceTerms(acts=number, **vars(terms)))
    return tuple(found)


def refuse_barred(events: EventTable, use: Use, licensed: Sequence[str]) -> None:
    """Refuse acts whose terms bar a use, but for sources of which a licence is ``licensed``.

    Raises
    ------
    InputError
        Names the acts, the terms, since when they are known, and what to do.
    """
    known = known_terms()
    for name in licensed:
        if name not in known:
            hint = did_you_mean(name, known)
            raise InputError(f"'{name}' is no source that has terms.{hint} Allowed: {', '.join(known)}")
    faults = []
    for one in terms_of(events):
        if use not in one.bars or one.source in licensed:
            continue
        ids = [name for name in events.id if source_of(name, events.source) == one.source]
        more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
        assert one.known_on is not None
        faults.append(
            f"{count(one.acts, 'act')} of {one.source} ({listing(tuple(ids[:SHOWN]))}{more}): {one.terms} "
            f"({one.licence}, as known on {long_day(one.known_on)}, {one.page})"
        )
    if faults:
        raise InputError(
            f"the terms bar use '{use}' of "
            + "; of ".join(faults)
            + ". Leave these acts out, or name the sources of which you hold a licence: 'licensed'"
        )
