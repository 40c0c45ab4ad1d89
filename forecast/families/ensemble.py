"""The equal-weight linear pool of the three stream families, and how answers of several models are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.families.family import Ability, EventModel, ModelFamily
from forecast.families.stream_families import COUNTS, EXCITATION, FOCUSED, JOINT, SEVERITY, TARGET
from forecast.panel.streams import TargetRule
from forecast.simulation.paths import FirstPassages

Days = NDArray[np.int32]


@dataclass(frozen=True)
class Ensemble:
    """A linear pool with equal weights: paths of all members, side by side; see ``ModelFamily``."""

    name: str
    label: str
    colour: str
    method: tuple[str, ...]
    members: tuple[ModelFamily, ...]

    @property
    def shared(self) -> bool:
        """Its members fit models of their own."""
        return False

    @property
    def cost(self) -> int:
        """All members' together."""
        return sum(member.cost for member in self.members)

    @property
    def abilities(self) -> frozenset[Ability]:
        """None: members see an assumption through different parameters, so there is no one answer."""
        return frozenset()

    def models(self, targets: Sequence[TargetRule]) -> tuple[EventModel, ...]:
        """Return the models of all members."""
        return tuple(model for member in self.members for model in member.models(targets))


ENSEMBLE = Ensemble(
    "ensemble",
    "ensemble",
    "#0B3C6F",
    (
        "The forecast is the equal-weight average of three families: one fitted on all kinds of acts "
        "together, one on four streams made for each target, and one on the target's own days.",
        COUNTS,
        EXCITATION,
        SEVERITY,
    ),
    (JOINT, FOCUSED, TARGET),
)


def join_first_passages(answers: Sequence[FirstPassages], rules: Sequence[TargetRule]) -> FirstPassages:
    """Put the first days of several models together, as if one had answered every target.

    Where several models answer a target, their draws stand one after the other: a share of all paths is
    then the mean of the models' shares. Models were fitted apart, so nested targets are put in order.

    Parameters
    ----------
    answers : sequence of FirstPassages
        Of every model; each target is answered by equally many, with equally many draws and paths.
    rules : sequence of TargetRule
        The targets, in the order of the result.
    """
    if len(answers) == 1:
        return answers[0]
    days = {
        rule.name: [hits.of(rule.name) for hits in answers if rule.name in hits.targets] for rule in rules
    }
    members = {len(found) for found in days.values()}
    if len(members) != 1:
        raise ValueError(f"targets are answered by different numbers of models: {days.keys()}")
    joined = ordered_days({name: np.concatenate(found) for name, found in days.items()}, rules)
    return replace(
        answers[0],
        targets=tuple(joined),
        day=np.stack(list(joined.values()))[None],
        acts=None,
        capped_share=float(np.mean([hits.capped_share for hits in answers])),
        members=members.pop(),
    )


def ordered_days(days: Mapping[str, Days], rules: Sequence[TargetRule]) -> dict[str, Days]:
    """Keep a wider target at least as likely as a narrower one, by every date.

    The sorted first days of the wider target are lowered to those of the narrower where they are later, rank
    by rank: its probability becomes the larger of the two, and nothing changes where the order holds.
    """
    result = dict(days)
    narrow_first = sorted(rules, key=lambda rule: (len(rule.any_of), -rule.min_severity))
    for position, narrow in enumerate(narrow_first):
        for wide in narrow_first[position + 1 :]:
            if set(narrow.any_of) <= set(wide.any_of) and narrow.min_severity >= wide.min_severity:
                before = result[wide.name].ravel()
                order = np.argsort(before, kind="stable")
                lowered = before.copy()
                lowered[order] = np.minimum(before[order], np.sort(result[narrow.name], axis=None))
                result[wide.name] = lowered.reshape(days[wide.name].shape)
    return result
