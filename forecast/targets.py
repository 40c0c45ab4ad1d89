"""What a forecast is of: targets, acts ahead, and reactions, by which acts are answered."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from datetime import date as Date

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import LEARNED
from forecast.events.codebook import SEVERITIES, is_way, parties
from forecast.events.table import EventTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TargetRule:
    """Which events count as the target: any of these categories at this severity or above.

    With ``by`` only acts of these actors count, or of one towards another (``ISR>IRN``); empty: anybody's.
    ``silent_since`` is a day before the record from which on none came until the record begins; on that day
    itself one did where ``seen_then``.
    """

    name: str
    any_of: tuple[str, ...]
    min_severity: int
    by: tuple[str, ...] = ()
    silent_since: Date | None = None
    seen_then: bool = False

    def days_before(self, start: Date | np.datetime64) -> int:
        """Days without the target, known beside a record that begins on ``start``."""
        if self.silent_since is None:
            return 0
        return max(int((np.datetime64(start, "D") - np.datetime64(self.silent_since)).astype(int)), 0)

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event of the table meets the rule."""
        return self.mask_kind(events) & (events.severity >= self.min_severity)

    def mask_kind(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event of the table would meet the rule, were it severe enough."""
        kind = np.isin(events.category, self.any_of)
        return kind & _acted(events, self.by)

    def meets(self, category: str, severity: int, by: str = "") -> bool:
        """Whether an act counts as the target; ``by`` is who acts, empty for nobody that a target names."""
        return category in self.any_of and severity >= self.min_severity and is_way(by, self.by)

    def includes(self, other: TargetRule) -> bool:
        """Whether every act that meets the other rule meets this one."""
        wider = not self.by or bool(other.by and all(is_way(one, self.by) for one in other.by))
        return wider and set(other.any_of) <= set(self.any_of) and other.min_severity >= self.min_severity

    def to_dict(self) -> dict[str, object]:
        """Return the rule as plain values, without its name."""
        plain: dict[str, object] = {"any_of": [*self.any_of], "min_severity": self.min_severity}
        plain |= {"by": [*self.by]} if self.by else {}
        if self.silent_since:
            plain |= {"silent_since": self.silent_since.isoformat(), "seen_then": self.seen_then}
        return plain


def _acted(events: EventTable, acting: Sequence[str]) -> NDArray[np.bool_]:
    """Where an event is of the ways of acting that are stated, shape (event,)."""
    chosen = np.full(len(events), not acting)
    for by, towards in map(parties, acting):
        chosen |= ((events.initiator == by) | (not by)) & ((events.recipient == towards) | (not towards))
    return chosen


def raised_to_included(values: Mapping[str, Floats], rules: Sequence[TargetRule]) -> dict[str, Floats]:
    """Raise what is said of each target to what is said of every target that it includes; NaN stays."""
    raised = dict(values)
    for wide in rules:
        for narrow in rules:
            if wide.includes(narrow):
                known = np.where(np.isnan(values[narrow.name]), -np.inf, values[narrow.name])
                raised[wide.name] = np.maximum(raised[wide.name], known)
    return raised


@dataclass(frozen=True)
class ActClass:
    """Acts that a reaction names: of a category and, where stated, of subcategories, severities and actors.

    A ``subcategory`` may have ``*`` for any text; empty: any, and none. ``by`` are actors who act, or one
    towards another (``ISR>IRN``); empty: anybody.
    """

    category: str
    subcategory: tuple[str, ...] = ()
    severities: tuple[int, ...] = SEVERITIES
    by: tuple[str, ...] = ()

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return which rows belong to the class, shape (event,)."""
        chosen = (events.category == self.category) & np.isin(events.severity, self.severities)
        chosen &= _acted(events, self.by)
        if self.subcategory:
            named = [name for name in {*events.subcategory.tolist()} if self._named(name)]
            chosen &= np.isin(events.subcategory.astype(np.str_), named)
        return np.asarray(chosen, dtype=np.bool_)

    def holds(self, category: str, subcategory: str, severity: int, by: str) -> bool:
        """Whether an act belongs to the class; ``by`` is who acts."""
        return (
            category == self.category
            and severity in self.severities
            and is_way(by, self.by)
            and (not self.subcategory or self._named(subcategory))
        )

    def _named(self, subcategory: str) -> bool:
        return any(is_named(subcategory, name) for name in self.subcategory)


def is_named(subcategory: str, name: str) -> bool:
    """Whether a subcategory has a name, in which ``*`` stands for any text."""
    # Of the signs that fnmatch knows the star alone has a meaning here.
    return fnmatch.fnmatchcase(subcategory, name.replace("[", "[[]").replace("?", "[?]"))


Chance = str | float | Mapping[str, float]
"""A chance as stated: ``"learned"``, a word, a share, a distribution (``"Beta(3, 2)"``), or quantiles."""


@dataclass(frozen=True)
class Reaction:
    """Acts of a class, or an occasion, are followed by an answer within ``days``, 1 to 365, with a chance.

    ``when`` is the class; ``None``: an occasion, with days in the ``past`` and ``ahead``, on which it takes
    place with ``ahead_probability``. The answer is of the categories ``then`` (empty: any of conflict), by
    the sides of the actors ``by`` (empty: either), ``towards`` some (empty: anybody); or it meets a
    ``target``. ``chance`` is that of at least one answer to an act of severity 4, or an occasion; the record
    updates a stated one where ``use_record``.
    """

    name: str
    label: str
    when: ActClass | None
    then: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    target: str | None = None
    days: int = 14
    chance: Chance = LEARNED
    use_record: bool = True
    past: tuple[Date, ...] = ()
    ahead: Date | None = None
    ahead_probability: float = 1.0
    rationale: str = ""
    towards: tuple[str, ...] = ()


@dataclass(frozen=True)
class FutureAct:
    """An act ahead that happens with a probability.

    Its day is ``date``, or any of those to ``until``, all as likely. A ``label`` tells acts apart that are
    alike otherwise. ``by`` is who acts, or who towards whom (``ISR>IRN``), and ``subcategory`` what kind
    of act of its category it is, where they are stated.
    """

    date: date
    category: str
    severity: int
    probability: float
    until: Date | None = None
    label: str = ""
    by: str = ""
    subcategory: str = ""
