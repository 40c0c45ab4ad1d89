"""What the list as a whole may bring, from the dyads that have numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from forecast.config.watchlist import Watchlist
from forecast.events.dyads import DyadRule
from forecast.records.watch import DyadEntry, ListMilestone, Pair, SharedShockRecord
from forecast.watchlist.joint_paths import NO_SHOCK, ListOutcome, SharedShock, actor_loadings, list_outcomes
from forecast.watchlist.shared_shock import SourcedShock

PAIRS = 5
LEAST_GAIN = 0.001
"""Gain of a joint chance over independence below which a pair is not named."""


def list_outlook(
    watchlist: Watchlist,
    entries: Sequence[DyadEntry],
    rules: Mapping[str, DyadRule],
    learned: SourcedShock | None,
) -> tuple[dict[str, tuple[ListMilestone, ...]], SharedShockRecord | None]:
    """Return the outlook by target and milestone, and the shared shock that it was played with.

    Without one learned, dyads are independent.
    """
    shock = learned.pooled.shock if learned else NO_SHOCK
    names = list(dict.fromkeys(target.name for one in entries for target in one.targets))
    found = {name: _of_target(watchlist, name, entries, rules, shock) for name in names}
    if learned is None:
        return found, None
    pooled = learned.pooled
    return found, SharedShockRecord(
        everyone=pooled.everyone,
        everyone_se=pooled.apart.se,
        actors=pooled.actors,
        actors_se=2 * pooled.sharing.se,
        source=learned.source,
    )


def _of_target(
    watchlist: Watchlist,
    name: str,
    entries: Sequence[DyadEntry],
    rules: Mapping[str, DyadRule],
    shock: SharedShock,
) -> tuple[ListMilestone, ...]:
    answering = [(one.name, target) for one in entries for target in one.targets if target.name == name]
    table = np.array([[m.probability for m in target.milestones] for _, target in answering])
    loadings = actor_loadings([rules[dyad] for dyad, _ in answering])
    seed = watchlist.sampler.seed
    together = list_outcomes(table, loadings, shock, seed)
    apart = list_outcomes(table, loadings, NO_SHOCK, seed)
    origin = watchlist.as_of + timedelta(days=1)
    dyads = [dyad for dyad, _ in answering]
    found = []
    for place, milestone in enumerate(answering[0][1].milestones):
        one = together[place]
        found.append(
            ListMilestone(
                milestone=milestone.name,
                days=(milestone.date - origin).days + 1,
                date=milestone.date,
                any=float(one.at_least[0]),
                at_least_two=float(one.at_least[1]) if len(one.at_least) > 1 else 0.0,
                at_least=tuple(one.at_least.tolist()),
                expected=one.expected,
                any_if_independent=float(apart[place].at_least[0]),
                mcse=one.mcse,
                together=_pairs(dyads, one),
            )
        )
    return tuple(found)


def _pairs(dyads: Sequence[str], outcome: ListOutcome) -> tuple[Pair, ...]:
    own = np.diag(outcome.both)
    gain = np.triu(outcome.both - np.outer(own, own), 1)
    best = np.argsort(-gain, axis=None)[:PAIRS]
    found = []
    for one, other in zip(*np.unravel_index(best, gain.shape), strict=True):
        if gain[one, other] > LEAST_GAIN:
            found.append(
                Pair(
                    one=dyads[one],
                    other=dyads[other],
                    both=float(outcome.both[one, other]),
                    independent=float(own[one] * own[other]),
                )
            )
    return tuple(found)
