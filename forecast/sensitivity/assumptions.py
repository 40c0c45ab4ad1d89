"""The assumptions a call may hang on: which priors they are, and where their middles lie."""

from __future__ import annotations

from forecast.priors import Distribution, NamedPrior
from forecast.records.analysis import Assumed
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


def assumed(prior: NamedPrior, distribution: Distribution) -> Assumed:
    """Middle of a distribution of this parameter, in its own unit and on its human scale."""
    middle, scale = float(distribution.quantile(0.5)), prior.group.scale
    return Assumed(parameter=middle, value=scale.of(middle), scale=scale.name)


def assumed_chance(probability: float) -> Assumed:
    """Probability of an act ahead as an assumption."""
    return Assumed(parameter=probability, value=probability, scale="probability")
