"""Every reason for which a row is not kept, in words. The order is the order in which they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["fault", "outside", "noise", "repeat"]
"""``fault``: the row itself is wrong; ``outside``: not asked for; ``noise``: a switch; ``repeat``: again."""


@dataclass(frozen=True)
class Fate:
    """Why rows are dropped.

    Parameters
    ----------
    name : str
        Short name, as in the JSON report.
    kind : str
        What sort of reason it is.
    words : str
        The reason, to follow a number of rows.
    """

    name: str
    kind: Kind
    words: str


_FATES = (
    Fate("width", "fault", "cannot be read: wrong number of columns, or not a record"),
    Fate("unreadable", "fault", "cannot be read by the engine"),
    Fate("day", "fault", "have an impossible date"),
    Fate("added", "fault", "have an impossible date of publication"),
    Fate("future", "fault", "are dated after the day on which they were published"),
    Fate("code", "fault", "have a code that the coding scheme does not know"),
    Fate("severity", "fault", "have a severity that is not 1 to 5"),
    Fate("actorless", "outside", "lack the country of an actor"),
    Fate("domestic", "outside", "are within one country"),
    Fate("others", "outside", "are between other actors"),
    Fate("vintage", "outside", "became known after the vintage"),
    Fate("no_act", "outside", "are future, hypothetical, historical or negated by their context"),
    Fate(
        "uncounted",
        "outside",
        "are of a kind that the codebook does not count (statements, appeals, protest)",
    ),
    Fate("not_root", "noise", "are not the root event of their text (--root-only)"),
    Fate("mentions", "noise", "have too few mentions (--min-mentions)"),
    Fate("sources", "noise", "have too few sources (--min-sources)"),
    Fate("excluded", "noise", "are of an excluded group of actors (--exclude)"),
    Fate("late", "noise", "were reported too long after the act (--max-delay)"),
    Fate("same_id", "repeat", "were in another file already (same id)"),
    Fate("mirrored", "repeat", "are the other side of an act that is kept (--keep-mirrored keeps them)"),
    Fate("repeated", "repeat", "report again an act that is kept (--repeat-days)"),
    Fate("over_cap", "repeat", "are beyond the number allowed a day (--cap-per-day)"),
    Fate("thinned", "noise", "fall to the growth of the archive's volume (--normalise)"),
)
FATES: Mapping[str, Fate] = MappingProxyType({fate.name: fate for fate in _FATES})
FAULTS: tuple[str, ...] = tuple(fate.name for fate in _FATES if fate.kind == "fault")
KEPT = "kept"
