"""On what terms acts may be used: by the source that their ids name, and which uses the terms bar.

The terms are data (``data/terms.csv``), each with the day on which it was known to hold. An id that begins
with the name of a source, as imports and stores write them (``gdelt2-984…``), is of that source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

from forecast.errors import InputError, did_you_mean
from forecast.events.codebook import packaged_rows
from forecast.events.table import EventTable
from forecast.records.analysis import SourceTerms
from forecast.wording import count, listing, long_day

Use = Literal["client", "internal"]
"""What a forecast is made for: to be passed on to a client, or to stay inside the organisation."""
BUNDLED, OWN = "bundled", "file"
SHOWN = 5
"""Acts named in a refusal."""


@cache
def known_terms() -> Mapping[str, SourceTerms]:
    """Return the terms of every source that we know, each for no acts."""
    rows = packaged_rows("terms.csv")
    return {
        row["source"]: SourceTerms.model_validate(
            {**row, "acts": 0, "bars": tuple(filter(None, row["bars"].split(";")))}
        )
        for row in rows
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
    unknown = SourceTerms(source=OWN, acts=0, licence="", terms="", bars=())
    known = {name: known_terms().get(name, unknown) for name in acts}
    return tuple(known[name].model_copy(update={"acts": number}) for name, number in acts.most_common())


def refuse_barred(events: EventTable, use: Use, licensed: Sequence[str]) -> None:
    """Refuse acts whose terms bar a use, but for sources that are ``licensed`` (``InputError``)."""
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
