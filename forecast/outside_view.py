"""The outside view: how often a target followed crises of other pairs like the one of the as-of date.

A *crisis* begins on the day after a grave act in quiet (``forecast.crises``); outside crises, months of
quiet stand for a pair. What was counted is shipped by pair, so that a pair is never told by itself: cases,
and those after which the target came within each of ``HORIZONS``; first times apart from later ones.

Shares are pooled over coders. The logit of a coder's share is normal around that of all with variance
1/(n + ½) + 1/(m + ½) + ``coder_spread``² (n followed, m did not; windows that overlap count once), so that
the 90% interval covers a coder that nothing was learned from. The way to a day k + h after a crisis began, of
those that were still without the target on day k, is 1 − S(k + h)/S(k), with −log S linear between horizons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit, logit

from forecast.crises import DAY, crisis_origins, days_since
from forecast.events.table import EventTable
from forecast.pooled_hazard import LearnedDyad
from forecast.records.base import Record
from forecast.records.forecast import OutsideShare, OutsideView
from forecast.targets import TargetRule

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HORIZONS: Integers = np.array([7, 14, 30, 90, 180, 365])
"""Days after an origin within which the target followed."""
QUIET_DAYS = 180
"""Days without the target before a crisis, or a quiet month."""
CRISIS_DAYS = 90
"""Days after which a crisis is over: what follows is told by quiet months."""
APART_DAYS = 30
"""Least days between crises, and days between quiet months: longer windows overlap."""
_Z90 = 1.6449

Count = Annotated[int, Field(ge=0)]


class CountedCases(Record):
    """Cases of a pair by horizon, and after how many of them the target followed within it."""

    kind: int = Field(ge=0, description="place among the kinds of target")
    crisis: bool
    first: bool = Field(description="whether the target had never come before")
    cases: tuple[Count, ...]
    followed: tuple[Count, ...]


class CountedPair(Record):
    """A pair that cases were counted of."""

    dyad: LearnedDyad
    counted: tuple[CountedCases, ...]


class CountedKind(Record):
    """A kind of target: the categories, in each way to name the same acts, and the least severity."""

    any_of: tuple[tuple[str, ...], ...]
    min_severity: int


class CasesOfPairs(Record):
    """What was counted over pairs: the content of ``outside_view.json``."""

    schema_: Literal[1] = Field(alias="schema")
    kinds: tuple[CountedKind, ...]
    coder_spread: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    pairs: tuple[CountedPair, ...]
    source: str = Field(description="origin and terms of the events, in words")
    command: str
    version: str

    def of_kind(self, target: TargetRule) -> int | None:
        """Return the place of a target's kind; ``None`` where nothing was learned of such acts."""
        asked = {*target.any_of}
        found = (
            place
            for place, kind in enumerate(self.kinds)
            if kind.min_severity == target.min_severity and asked in map(set, kind.any_of)
        )
        return next(found, None)


@cache
def shipped_cases() -> CasesOfPairs:
    """Return the cases that come with the package."""
    return CasesOfPairs.model_validate_json((files("forecast") / "outside_view.json").read_bytes())


@dataclass(frozen=True)
class Situation:
    """Where a record stands at an origin: in a crisis since so many days (``None``: quiet); first or not."""

    crisis_days: int | None
    first: bool


def situation(events: EventTable, target: TargetRule, origin: date | np.datetime64) -> Situation | None:
    """Return the situation at an origin, from what happened before it; ``None`` without quiet before."""
    day = np.datetime64(origin, "D")
    known = events.select(np.asarray(events.known_date < day))
    came = known.date[target.mask(known)]
    since = days_since(came, np.array([day]))[0]
    begun = crisis_origins(known, target)
    age = int((day - begun[-1]) / DAY) if len(begun) else CRISIS_DAYS
    in_crisis = age < CRISIS_DAYS
    # The quiet is that before the crisis; a target within it ends what is asked.
    if since <= (age if in_crisis else QUIET_DAYS):
        return None
    return Situation(age if in_crisis else None, bool(np.isinf(since)))


def pooled_share(cases: Sequence[int], followed: Sequence[int], weight: float, spread: float) -> Floats:
    """Share, low and high (5% and 95%) for a new coder, from counts by coder; ``weight`` of a case."""
    n, all_ = np.multiply(weight, followed), np.multiply(weight, cases)
    own = logit((n + 0.5) / (all_ + 1.0))
    trust = 1 / (1 / (n + 0.5) + 1 / (all_ - n + 0.5) + spread**2)
    middle, error = (trust * own).sum() / trust.sum(), np.hypot(trust.sum() ** -0.5, spread)
    return np.asarray(expit(middle + _Z90 * error * np.array([0.0, -1.0, 1.0])))


def outside_view(learned: CasesOfPairs, events: EventTable, target: TargetRule, origin: date) -> OutsideView:
    """Tell how often such a target followed, over other pairs, in the situation at an origin."""
    kind = learned.of_kind(target)
    if kind is None or target.by:
        return OutsideView(missing="one_side" if target.by else "no_such_kind")
    now = situation(events, target, origin)
    if now is None:
        return OutsideView(missing="no_quiet")
    own = LearnedDyad.of("", events)
    counted = [
        (pair.dyad, case)
        for pair in learned.pairs
        if not own.shares(pair.dyad)
        for case in pair.counted
        if (case.kind, case.crisis, case.first) == (kind, now.crisis_days is not None, now.first)
    ]
    if not counted:
        return OutsideView(missing="no_such_case")
    shares = _shares(counted, learned.coder_spread, now.crisis_days or 0)
    pairs = {dyad.actors for dyad, _ in counted}
    return OutsideView(crisis_days=now.crisis_days, first=now.first, pairs=len(pairs), shares=shares)


def _shares(
    counted: Sequence[tuple[LearnedDyad, CountedCases]], spread: float, passed: int
) -> tuple[OutsideShare, ...]:
    """Shares within each horizon from the as-of date on, ``passed`` days after the crisis began."""
    coders = sorted({dyad.coder for dyad, _ in counted})
    both = np.zeros((len(coders), 2, len(HORIZONS)), np.int64)
    for dyad, case in counted:
        both[coders.index(dyad.coder)] += np.array([case.cases, case.followed])
    quiet = np.zeros((3, len(HORIZONS) + 1))
    for place, days in enumerate(HORIZONS.tolist()):
        some = both[both[:, 0, place] > 0][:, :, place]
        if len(some):
            found = pooled_share(
                some[:, 0].tolist(), some[:, 1].tolist(), min(1.0, APART_DAYS / days), spread
            )
            quiet[:, place + 1] = -np.log1p(-found)
    # A share of fewer cases may lie below that of a shorter horizon.
    quiet = np.maximum.accumulate(quiet, axis=1)
    shares = []
    for place, days in enumerate(HORIZONS.tolist()):
        cases, followed = both[:, :, place].sum(axis=0).tolist()
        if passed + days > HORIZONS[-1] or not cases:
            break
        ahead = [
            -np.expm1(-(at[1] - at[0]))
            for at in (np.interp([passed, passed + days], [0, *HORIZONS], row) for row in quiet)
        ]
        share, low, high = map(float, (ahead[0], min(ahead), max(ahead)))
        shares.append(
            OutsideShare(days=days, cases=cases, followed=followed, share=share, interval90=(low, high))
        )
    return tuple(shares)
