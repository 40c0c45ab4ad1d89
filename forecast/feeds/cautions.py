"""What a user should know before building on imported events."""

from __future__ import annotations

from forecast.feeds.engine import Tally
from forecast.feeds.fates import FAULTS
from forecast.feeds.keeping import Kept
from forecast.feeds.switches import ImportOptions
from forecast.feeds.writing import Written

BULK_SHARE = 0.2
"""Share of the kept rows that one day of publication must hold to look like a back-file."""
BULK_DAYS = 30
"""Days of acts that such a day must hold at least."""
MANY_FAULTS = 0.01


def warn_of(
    options: ImportOptions, total: Tally, kept: Kept, written: Written, *, renewed: bool
) -> tuple[str, ...]:
    """Return one sentence for each thing that would otherwise be found out late."""
    layout, switches = options.layout, options.switches
    notes = []
    if renewed:
        notes.append("dyads, mapping or switches have changed, so every file was read again.")
    if not layout.known_date:
        notes.append(
            f"{layout.name} files have no date of publication; an act counts as known on its own day."
        )
    elif switches.known_date == "published" and kept.daily and written.first and written.last:
        day, rows = max(kept.daily.items(), key=lambda item: item[1])
        span = (written.last - written.first).days
        if rows > BULK_SHARE * written.rows and span > BULK_DAYS and rows > BULK_DAYS:
            notes.append(
                f"{rows:,} of {written.rows:,} events were published on {day}: a back-file loaded at once. "
                "Before that day a forecast knows none of them; --known-date act takes their own days."
            )
    for dyad in options.dyads:
        if not written.by_dyad[min(dyad), max(dyad)]:
            notes.append(f"no event of {','.join(dyad)} is left.")
    wrong = sum(total.fates.get(name, 0) for name in FAULTS)
    if wrong > MANY_FAULTS * total.rows:
        notes.append(f"{wrong / total.rows:.1%} of the rows are wrong in themselves; see the reasons above.")
    if layout.system != "own" and total.restored and layout.name not in ("gdelt1", "gdelt2", "icews"):
        notes.append(
            "two-digit codes 10 to 20 may be 010 to 020 without their zero; they were read as 10 to 20."
        )
    if not switches.normalise and len(total.volumes) > 2 * 365:
        notes.append("the archive's volume grows over the years; --normalise takes that out of the counts.")
    return tuple(notes)
