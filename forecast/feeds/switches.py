"""What the user chose: format, dyads, how machine-coded noise is handled; refused where it does nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from forecast.errors import InputError
from forecast.feeds.crosswalk import Crosswalk
from forecast.feeds.layout import Layout

KnownDate = Literal["published", "act"]


@dataclass(frozen=True, kw_only=True)
class Switches:
    """How noise is handled.

    Parameters
    ----------
    root_only : bool
        Keep root events alone (GDELT: those of the lead of a text).
    min_mentions, min_sources : int
        Least number of mentions and of sources; 0 for any.
    exclude : tuple of str
        Groups of actors left out on either side.
    max_delay_days : int or None
        Longest time from act to publication; ``None`` for any.
    repeat_days : int or None
        Days within which an act (actors, code, place) reported again counts once; ``None``: each counts.
    ignore_place : bool
        Whether re-reports may name another place.
    merge_mirrored : bool
        Whether both sides of one act (visit and hosting; consultation either way) count once.
    cap_per_day : int or None
        Most acts of one direction and category on one day; ``None`` for any.
    normalise : bool
        Whether the growth of the archive's volume is taken out by thinning.
    known_date : str
        ``published``: an act is known from the day the file gives; ``act``: from its own day, for back-files.
    vintage : date or None
        Leave out what became known later.
    seed : int
        Seed of the thinning.
    """

    root_only: bool = False
    min_mentions: int = 0
    min_sources: int = 0
    exclude: tuple[str, ...] = ()
    max_delay_days: int | None = None
    repeat_days: int | None = 1
    ignore_place: bool = False
    merge_mirrored: bool = True
    cap_per_day: int | None = None
    normalise: bool = False
    known_date: KnownDate = "published"
    vintage: date | None = None
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the switches as JSON-ready values."""
        content = asdict(self)
        content["exclude"] = list(self.exclude)
        content["vintage"] = self.vintage.isoformat() if self.vintage else None
        return content


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What to import, and how."""

    layout: Layout
    crosswalk: Crosswalk
    dyads: tuple[tuple[str, str], ...]
    switches: Switches
    memory_mb: int = 600
    threads: int = 2


def check_switches(switches: Switches, layout: Layout) -> None:
    """Refuse a switch that the format would ignore, or a number that makes no sense.

    Raises
    ------
    InputError
        Says which switch, why, and what to do.
    """
    needs = (
        ("--root-only", switches.root_only, "root", "which events are root events"),
        ("--min-mentions", switches.min_mentions > 0, "mentions", "how often an event was mentioned"),
        ("--min-sources", switches.min_sources > 0, "sources", "how many sources report an event"),
        ("--max-delay", switches.max_delay_days is not None, "added", "when an event was published"),
        ("--known-date act", switches.known_date == "act", "added", "when an event was published"),
    )
    for option, used, name, what in needs:
        if used and not layout.has(name):
            raise InputError(f"{option}: {layout.name} files do not say {what}. Leave the option out")
    if switches.known_date == "act" and switches.max_delay_days is not None:
        raise InputError("--max-delay needs the day of publication, which --known-date act sets aside")
    for option, number, least in (
        ("--min-mentions", switches.min_mentions, 0),
        ("--min-sources", switches.min_sources, 0),
        ("--max-delay", switches.max_delay_days, 0),
        ("--repeat-days", switches.repeat_days, 0),
        ("--cap-per-day", switches.cap_per_day, 1),
    ):
        if number is not None and number < least:
            raise InputError(f"{option} {number}: expected {least} or more")
    if switches.ignore_place and switches.repeat_days is None:
        raise InputError("--ignore-place has no effect with --keep-repeats. Leave one of them out")
