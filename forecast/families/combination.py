"""Families that average others, member by member with equal weights, and what is needed for it.

The forecast of a combination is read off the paths of the joint model: their weights are changed as little as
possible until each target has the mean of the members' probabilities (``forecast.runs.combining``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.families.direct_members import CLIMATOLOGY_OF_UNSEEN, PANEL, PanelMember
from forecast.families.family import Ability, DirectMember, EventModel, ModelFamily
from forecast.families.stream_families import COUNTS, EXCITATION, FOCUSED, JOINT, SEVERITY, TARGET, TENSION
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.coefficients import PooledHazard
from forecast.simulation.first_passages import FirstPassages

Days = NDArray[np.int32]


CARRIER = JOINT
"""The family whose paths carry the forecast of every combination: one model of all kinds of acts."""


@dataclass(frozen=True)
class Combination:
    """The mean of some members, put onto the paths of the joint model; see ``ModelFamily``.

    ``sampled`` members are families that are fitted, ``direct`` ones need no fit, and ``stand_ins`` answer
    only for targets that never happened. The joint model is fitted in any case, member or not.
    """

    name: str
    label: str
    colour: str
    about: tuple[str, ...]
    sampled: tuple[ModelFamily, ...]
    direct: tuple[DirectMember, ...] = ()
    stand_ins: tuple[ModelFamily, ...] = ()

    @property
    def method(self) -> tuple[str, ...]:
        """What it is, and what each direct member is, which no model below describes."""
        direct = (paragraph for member in self.direct for paragraph in member.method)
        return (*self.about, *direct, COUNTS, EXCITATION, TENSION, SEVERITY)

    @property
    def fitted(self) -> tuple[ModelFamily, ...]:
        """Families to fit: the joint model first, then the other sampled members."""
        members = (*self.sampled, *self.stand_ins)
        return (CARRIER, *(member for member in members if member != CARRIER))

    @property
    def furthest_days(self) -> int | None:
        """The longest horizon that every member answers; ``None``: any."""
        return min((one.furthest_days for one in self.direct if one.furthest_days is not None), default=None)

    @property
    def uses_panel(self) -> bool:
        """Whether the pooled hazard is among its members."""
        return any(isinstance(one, PanelMember) for one in self.direct)

    def with_hazard(self, hazard: PooledHazard) -> Combination:
        """Return the same with these coefficients of the pooled hazard."""
        direct = (replace(one, hazard=hazard) if isinstance(one, PanelMember) else one for one in self.direct)
        return replace(self, direct=tuple(direct))

    @property
    def needs_target(self) -> bool:
        """The joint model answers any target."""
        return False

    @property
    def shared(self) -> bool:
        """Some members fit models of their own for each target."""
        return False

    @property
    def cost(self) -> int:
        """All fitted families' together."""
        return sum(family.cost for family in self.fitted)

    @property
    def abilities(self) -> frozenset[Ability]:
        """Those of the joint model, whose paths answer."""
        return CARRIER.abilities

    def models(self, targets: Sequence[TargetRule]) -> tuple[EventModel, ...]:
        """Return the joint model, then those of the other sampled members."""
        return tuple(model for family in self.fitted for model in family.models(targets))


_PUT_ONTO = (
    "The mean is put onto the simulated futures of the joint model: each future gets a weight, changed as "
    "little as possible, so that every target has the mean probability by every milestone. Curves, drivers, "
    "scenarios and checks of assumptions read these weighted futures. The 90% interval covers what each "
    "member leaves open and how far the members are apart."
)

COMBINED = Combination(
    "combined",
    "combination",
    "#0B3C6F",
    (
        "The forecast is the equal-weight mean of a model of four streams made for each target and a hazard "
        "learned on other pairs of countries. For a target that never happened to this pair, the former has "
        "only its prior; the joint model of all kinds of acts and their severities, and climatology, replace "
        "it. The hazard answers only where records that were quiet for as long were among "
        "those it learned from.",
        _PUT_ONTO,
    ),
    (FOCUSED,),
    (PANEL, CLIMATOLOGY_OF_UNSEEN),
    (JOINT,),
)
PANEL_ALONE = Combination(
    "panel",
    "pooled hazard",
    "#7B5E00",
    (
        "The forecast is that of a hazard learned on other pairs of countries; of a target that never "
        "happened to this pair, its mean with climatology.",
        _PUT_ONTO,
    ),
    (),
    (PANEL, CLIMATOLOGY_OF_UNSEEN),
)
ENSEMBLE = Combination(
    "ensemble",
    "ensemble",
    "#0B3C6F",
    (
        "The forecast is the equal-weight mean of three families: one fitted on all kinds of acts together, "
        "one on four streams made for each target, and one on the target's own days.",
        _PUT_ONTO,
    ),
    (JOINT, FOCUSED, TARGET),
)


def join_first_passages(answers: Sequence[FirstPassages], rules: Sequence[TargetRule]) -> FirstPassages:
    """Put the first days of several models together, as if one had answered every target.

    Models were fitted apart, so nested targets are put in order.

    Parameters
    ----------
    answers : sequence of FirstPassages
        Of every model; each target is answered by one of them, with equally many draws and paths.
    rules : sequence of TargetRule
        The targets, in the order of the result.
    """
    if len(answers) == 1:
        return answers[0]
    days = {}
    for rule in rules:
        found = [hits.of(rule.name) for hits in answers if rule.name in hits.targets]
        if len(found) != 1:
            raise ValueError(f"target {rule.name!r} is answered by {len(found)} models")
        (days[rule.name],) = found
    joined = ordered_days(days, rules)
    return replace(
        answers[0],
        targets=tuple(joined),
        day=np.stack(list(joined.values()))[None],
        acts=None,
        capped_share=float(np.mean([hits.capped_share for hits in answers])),
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
