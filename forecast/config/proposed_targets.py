"""Targets that a record of events can carry, proposed by how often it holds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from forecast.config.describe import just_below, target_definition, what_counts
from forecast.config.schema import TargetConfig
from forecast.errors import EventError
from forecast.events.codebook import CONFLICTUAL, SEVERITIES, category_label, severity_word, standard_scale
from forecast.events.summary import saturated
from forecast.events.table import EventTable
from forecast.records.scale import ARMED, STANDARD, Scale
from forecast.wording import count, with_article

ENOUGH = 3
"""Fewer acts than these make a target whose forecast rests on priors; others are proposed first."""
CROWDED_SHARE = 0.9
RECENT_MONTHS = 36
LEAST_MONTHS = 6
"""A target met in this share of the last months is nearly certain by any milestone; rarer ones come first.
Of a shorter record nothing is said."""


class _Kind(NamedTuple):
    """Categories of a target, what it is called, and which severities to ask for, the best first."""

    any_of: tuple[str, ...]
    key: str
    noun: str
    severities: tuple[int, ...]


# The gravest incident that a record holds often enough; of wider sets an act that is major, or near it.
_KINDS = (
    _Kind(("military_incident",), "military_incident", "military incident", (5, 4, 3, 2, 1)),
    _Kind(CONFLICTUAL, "conflict", "act of conflict", (4, 3, 5, 2, 1)),
    _Kind(("sanction", "channel_closure"), "coercion", "sanction or closed channel", (4, 3, 5, 2, 1)),
)
_FORCE = _Kind(("military_posture",), "military_posture", "show of force", (4, 3, 5, 2))
_WAR = _Kind(("military_incident", "military_posture"), "war", "war", (5,))
_MOBILISATION = _Kind(("military_posture",), "mobilisation", "mobilisation for war", (5,))
_RUPTURE = _Kind(
    tuple(category for category in CONFLICTUAL if category != "military_incident"), "rupture", "rupture", (5,)
)
_GRAVEST = {
    ("military_incident", STANDARD): ("lethal_clash", "A lethal clash or a blockade"),
    ("military_incident", ARMED): ("war", "War, or a clash with fifty dead or more"),
    ("war", STANDARD): ("lethal_clash", "A lethal clash, a blockade or mobilisation for war"),
    ("war", ARMED): ("war", "War, mobilisation for it, or a clash with fifty dead or more"),
    ("war", ""): ("gravest_clash", "The gravest clash or show of force"),
    ("mobilisation", ""): ("mobilisation", "Mobilisation for war, or a blockade"),
    ("rupture", ""): ("rupture", "Relations broken, an embargo, or mobilisation for war"),
}
"""Key and title of targets of the highest severity, by kind and scale; without a scale those of any."""


@dataclass(frozen=True, kw_only=True)
class ProposedTarget:
    """A target, and how often a record holds it: which acts, in how many calendar months.

    ``crowded`` is one that was met in nearly every recent month.
    """

    name: str
    label: str
    any_of: tuple[str, ...]
    min_severity: int
    counts: str = ""
    does_not_count: str = ""
    ids: frozenset[str] = frozenset()
    months: int = 0
    last: date | None = None
    crowded: bool = False

    @property
    def events(self) -> int:
        """Acts that met it."""
        return len(self.ids)

    @property
    def definition(self) -> str:
        """When it is met, e.g. ``sanction of severity 4 or 5``."""
        return target_definition(TargetConfig(any_of=self.any_of, min_severity=self.min_severity))

    @property
    def caution(self) -> str:
        """Why it is a poor one, or nothing."""
        if not self.events:
            return "never seen, so the forecast will rest on priors"
        if self.events < ENOUGH:
            return "so few that the forecast will rest on priors"
        return "met nearly every month, so that its forecast will be near certain" if self.crowded else ""


class Proposal(NamedTuple):
    """The targets to forecast, and those left out as ``crowded``: the rarest of each kind with no other."""

    targets: tuple[ProposedTarget, ...]
    crowded: tuple[ProposedTarget, ...] = ()


def propose_targets(acts: EventTable, as_of: date, scale: Scale | None = None) -> Proposal:
    """Propose a grave incident, a major act of any kind and an act of coercion, as far as they were seen.

    Where severity hardly tells incidents apart a show of force comes first. The gravest target that the
    ``scale`` knows (the standard one when absent) comes last, even if it never happened.

    Of the others each holds only categories that were seen, and is met by other acts than those before it.
    Taken are those with ``ENOUGH`` acts or more that did not come in nearly every recent month. Where there
    are none, one is proposed all the same: the rarest of those that come all the time, or the one seen most.

    Raises
    ------
    EventError
        No act is one of conflict.
    """
    seen = frozenset(acts.category.tolist())
    if not seen & {*CONFLICTUAL}:
        raise EventError(
            f"{acts.source}: no target can be proposed: none of the {count(len(acts), 'act')} known on "
            f"{as_of} is one of conflict ({', '.join(CONFLICTUAL)}). An escalation is forecast from such "
            "acts: code them, or write targets of your own into a config"
        )
    scale = scale or standard_scale()
    alike = saturated(acts, scale) is not None
    kinds = (_FORCE, *_KINDS) if alike else _KINDS
    proposed: list[ProposedTarget] = []
    crowded: list[ProposedTarget] = []
    scarce: list[ProposedTarget] = []
    for kind in kinds:
        any_of = tuple(category for category in kind.any_of if category in seen)
        each = [_target(acts, as_of, kind, any_of, severity, scale) for severity in kind.severities if any_of]
        often = [target for target in each if target.events >= ENOUGH]
        fit = [target for target in often if not target.crowded]
        proposed += [target for target in fit if all(target.ids != other.ids for other in proposed)][:1]
        if often and not fit:
            rarest = min(often, key=lambda target: target.events)
            crowded += [rarest] if all(rarest.ids != other.ids for other in crowded) else []
        scarce += each
    if not proposed and crowded:
        crowded.sort(key=lambda target: target.events)
        proposed, crowded = crowded[:1], crowded[1:]
    if not proposed:
        proposed = [max(scarce, key=lambda target: (target.events, target.min_severity))]
    return Proposal((*proposed, *_gravest(acts, as_of, scale, proposed, alike=alike)), tuple(crowded))


def _gravest(
    acts: EventTable, as_of: date, scale: Scale, proposed: Sequence[ProposedTarget], *, alike: bool
) -> Iterator[ProposedTarget]:
    """Yield the gravest target, unless it is proposed already: a clash or war, or a break where none fits.

    Where incidents are ``alike`` in severity the gravest says little: then it is mobilisation for war.
    """
    if not alike and any(
        target.min_severity == SEVERITIES[-1] and set(target.any_of) <= set(_WAR.any_of)
        for target in proposed
    ):
        return
    for kind in (_MOBILISATION, _RUPTURE) if alike else (_WAR, _MOBILISATION, _RUPTURE):
        grave = [category for category in kind.any_of if scale.anchor(category, SEVERITIES[-1])]
        seen = any(category in acts.category for category in grave)
        found = _target(acts, as_of, kind, tuple(grave), SEVERITIES[-1], scale) if seen else None
        if (
            found
            and not found.crowded
            and all(found.ids != target.ids or not target.ids for target in proposed)
        ):
            yield found
            return


def _target(
    acts: EventTable, as_of: date, kind: _Kind, any_of: tuple[str, ...], severity: int, scale: Scale
) -> ProposedTarget:
    met = acts.select(np.isin(acts.category, any_of) & (acts.severity >= severity))
    months = np.unique(met.date.astype("datetime64[M]"))
    recent = min(RECENT_MONTHS, months_until(acts, as_of))
    met_recently = int((months > np.datetime64(as_of, "M") - np.timedelta64(recent, "M")).sum())
    key, noun = kind.key, kind.noun
    if len(any_of) == 1 and kind.any_of not in (_MOBILISATION.any_of, _FORCE.any_of):
        key, noun = any_of[0], category_label(any_of[0]).lower()
    word = "" if severity == 1 else severity_word(severity)
    rule = TargetConfig(any_of=any_of, min_severity=severity)
    told = _GRAVEST.get((key, scale.name)) or _GRAVEST.get((key, ""))
    if severity < SEVERITIES[-1] or told is None:
        told = f"{word}_{key}".lstrip("_"), with_article(f"{word} {noun}".lstrip())
    return ProposedTarget(
        name=told[0],
        label=told[1],
        counts=what_counts(rule, scale),
        does_not_count=just_below(rule, scale),
        any_of=any_of,
        min_severity=severity,
        ids=frozenset(met.id.tolist()),
        months=len(months),
        last=met.date[-1].astype(object) if len(met) else None,
        crowded=recent >= LEAST_MONTHS and met_recently >= CROWDED_SHARE * recent,
    )


def months_until(acts: EventTable, as_of: date) -> int:
    """Return the calendar months from the first act to a day, both included."""
    first: date = acts.date[0].astype(object)
    return 12 * (as_of.year - first.year) + as_of.month - first.month + 1
