"""The assumptions a call may hang on: which priors they are, and how a change of them is said."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.events.codebook import CATEGORIES
from forecast.priors import Distribution, NamedPrior
from forecast.priors.human_scale import plain_number
from forecast.runs.inputs import Inputs

_SINGLE = (
    "tension.scale",
    "tension.persistence",
    "excitation.half_life_days",
    "excitation.cross_half_life_days",
    "ballast.half_life_days",
    "severity.tension",
    "severity.recent",
)
_OF_THE_TARGET = (
    "baseline.weekly_rate",
    "tension.loading",
    "excitation.branching",
    "excitation.cross",
    "severity.category",
    "severity.grave",
)
_WHOLE = ("ballast", "severity.level")


@dataclass(frozen=True)
class _Words:
    """Label of a group's assumption, and a clause with ``{times}``, or ``{then}`` and ``{now}``, in it."""

    label: str
    clause: str


_WORDS = {
    "baseline.weekly_rate": _Words(
        "Base rate: {kind}", "{kind} acts come {times} as often in ordinary times"
    ),
    "tension.scale": _Words("Size of swings in tension", "swings in tension count {times} as much"),
    "tension.persistence": _Words("Persistence of tension", "tension lasts {times} as long"),
    "tension.loading": _Words(
        "Tie to tension: {kind}", "{kind} acts follow {then} of a swing in tension instead of {now}"
    ),
    "excitation.branching": _Words(
        "Own pull: {kind}", "{kind} acts bring about {times} as many of their own kind"
    ),
    "excitation.half_life_days": _Words(
        "Half-life of own pull", "the pull of acts on their own kind lasts {times} as long"
    ),
    "excitation.cross": _Words(
        "Pull of conflict: {kind}", "conflict brings about {times} as many {kind} acts"
    ),
    "excitation.cross_half_life_days": _Words(
        "Half-life of the pull of conflict", "the pull of conflict on other kinds lasts {times} as long"
    ),
    "overdispersion.shape": _Words("Evenness: {kind}", "{kind} acts come {times} as evenly"),
    "ballast": _Words(
        "Calming: {kind}", "{kind} acts change the rate of conflict by {then} instead of {now}"
    ),
    "ballast.half_life_days": _Words("Half-life of calming", "calming lasts {times} as long"),
    "severity.level": _Words(
        "Reaching severity {element}",
        "{then} of acts reach severity {element} from the one below instead of {now}",
    ),
    "severity.notable": _Words(
        "More than routine: {kind}", "{then} of {kind} acts are more than routine instead of {now}"
    ),
    "severity.category": _Words(
        "Gravity: {kind}", "{kind} acts have {then} the odds of the average to be graver instead of {now}"
    ),
    "severity.grave": _Words(
        "From serious to grave: {kind}",
        "serious {kind} acts have {then} the odds of the average to be grave instead of {now}",
    ),
    "severity.tension": _Words(
        "Severity rises with tension",
        "a swing in tension gives {then} the odds of graver acts instead of {now}",
    ),
    "severity.recent": _Words(
        "Severe acts cluster", "recent severe acts give {then} the odds of graver acts instead of {now}"
    ),
}


def key_assumptions(inputs: Inputs, target: str) -> tuple[str, ...]:
    """Names of the priors that a target may hang on, in the order of the catalogue.

    All that hold for the whole model, ballast and the severity ladder element by element, and of the groups
    by kind of act those of the kinds that meet the target.
    """
    rule = next(rule for rule in inputs.rules if rule.name == target)
    wanted = {*_SINGLE}
    names = []
    for name, prior in inputs.priors.priors.items():
        group = prior.group.name
        own_kind = group in _OF_THE_TARGET and prior.element in rule.any_of
        if name in wanted or group in _WHOLE or own_kind:
            names.append(name)
    return tuple(names)


def assumption_label(prior: NamedPrior) -> str:
    """Short name of an assumption for tables and charts, e.g. ``Calming: visit``."""
    words = _WORDS.get(prior.group.name)
    return words.label.format(kind=_kind(prior), element=prior.element) if words else prior.name


def change_clause(prior: NamedPrior, moved: Distribution) -> str:
    """Say a moved prior as the clause after *when*, e.g. ``tension lasts 1.8 times as long``."""
    words = _WORDS.get(prior.group.name)
    now, then = plain_median(prior, prior.distribution), plain_median(prior, moved)
    if words is None:
        return f"{prior.name} has its middle at {then} instead of {now}"
    before, after = (float(one.quantile(0.5)) for one in (prior.distribution, moved))
    if prior.group.name == "ballast" and before > 0.05 and after > 0:
        return f"{_kind(prior)} acts calm {times(after / before)} as much"
    ratio = times(after / before) if before else ""
    return words.clause.format(kind=_kind(prior), element=prior.element, times=ratio, then=then, now=now)


def says_both(prior: NamedPrior) -> bool:
    """Whether the clause of a change already holds the values before and after."""
    words = _WORDS.get(prior.group.name)
    return words is None or "{now}" in words.clause


def plain_median(prior: NamedPrior, distribution: Distribution) -> str:
    """Median of a distribution of this parameter on its human scale."""
    scale = prior.group.scale
    return scale.short(scale.of(float(distribution.quantile(0.5))))


def times(ratio: float) -> str:
    """Factor in words, e.g. ``half``, ``twice``, ``1.8 times``."""
    for factor, word in ((0.5, "half"), (2.0, "twice")):
        if abs(ratio / factor - 1) < 0.02:
            return word
    return f"{plain_number(ratio)} times"


def _kind(prior: NamedPrior) -> str:
    element = prior.element or ""
    return element.replace("_", " ") if element in CATEGORIES else element
