"""Priors learned from many dyads, and the priors of a record.

A population says, for each group of parameters, where its value lies in a dyad taken at random: a normal
distribution of the value, its logarithm or its logit. Parameters are relative to the record, so that one
distribution serves rare and frequent acts, sparse and dense records. The prior of a pair joins it with the
documented default as a second, wide component (as a robust meta-analytic prior does: Schmidli, Gsteiger,
Roychoudhury, O'Hagan, Spiegelhalter and Neuenschwander 2014, doi:10.1111/biom.12242), so that a pair unlike
all others is not ruled out. The two are joined by their first two moments, since two components can split
chains.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field, ValidationError

from forecast.config.settings_file import (
    MAX_BYTES,
    Fault,
    SourceMap,
    field_faults,
    parse_yaml,
    read_yaml,
    refusal,
    shown_value,
)
from forecast.errors import ConfigError, did_you_mean
from forecast.events.codebook import COOPERATIVE
from forecast.priors.distributions import Distribution
from forecast.priors.named import (
    ANSWERERS,
    NORMAL_FAMILY,
    PriorSet,
    chance_prior,
    default_priors,
    parameter_groups,
)
from forecast.records.base import LearnedRecord, Record
from forecast.streams import LEAST_ACTS, Acts, StreamLayout
from forecast.targets import Reaction

SCHEMA = 3
WIDE_SHARE = 0.2
"""Weight of the documented default beside the population."""
_MAKE = "Make one with tools/learn/population.py"
SHIPPED = "population.yaml"
BASELINE = "baseline.weekly_rate"
LEARNED = (
    "tension.scale",
    "tension.persistence",
    "tension.loading",
    "answers.number",
    "answers.in_kind",
    "answers.half_life_days",
    "answers.severity",
    "answers.gravity",
    "answers.most",
    "follow_on.number",
    "follow_on.half_life_days",
)
"""Groups that a population tells of: not baselines, which are centred on the record, nor drift, of which a
stretch of some years says little, nor ballast, nor named reactions."""
FURTHER = (0.5, 2.0)
"""Documented Beta of the share of acts of a kind that go one severity further."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
CLASSES = ("all", "conflict", "cooperative", *ANSWERERS)
"""Classes of elements whose parameters are taken to be alike; ``all`` for a parameter that has none."""


def _known(allowed: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in allowed:
            raise refusal(f"unknown name.{did_you_mean(name, allowed)} Allowed: {', '.join(allowed)}")
        return name

    return AfterValidator(check)


class Spread(Record):
    """Distribution over dyads of one class of parameters, on the scale on which it is normal."""

    centre: Finite = Field(description="mean over dyads")
    spread: Finite = Field(gt=0, description="standard deviation between dyads, with the error of the centre")
    values: int = Field(description="count of the estimates behind it")


class Further(Record):
    """Beta distribution over dyads of the share of acts that go one severity further."""

    alpha: Finite = Field(gt=0)
    beta: Finite = Field(gt=0)
    values: int = Field(description="count of the dyads and severities behind it")


class Provenance(Record):
    """What a population was learned from, and how."""

    dyads: tuple[str, ...]
    events: int
    first: str
    last: str
    seed: int
    source: str = Field(description="origin and terms of the events, in words")
    command: str
    version: str


class Population(LearnedRecord):
    """How parameters are distributed over dyads, by group and class of stream."""

    schema_: Literal[3] = Field(alias="schema")
    provenance: Provenance
    further: Further
    groups: Mapping[Annotated[str, _known(LEARNED)], Mapping[Annotated[str, _known(CLASSES)], Spread]]

    def priors(self, layout: StreamLayout) -> PriorSet:
        """Return the priors of a pair with this layout, baselines as multiples of a record's own rates."""
        documented = default_priors(layout)
        changed = {}
        for name, prior in documented.priors.items():
            own = self.groups.get(prior.group.name, {}).get(element_class(prior.element))
            if own is not None:
                learned = Distribution(NORMAL_FAMILY[prior.group.support], (own.centre, own.spread))
                joined = _joined(learned, prior.distribution)
                changed[name] = replace(prior, distribution=joined, default=joined)
        return replace(documented, priors={**documented.priors, **changed})


class OwnRate(NamedTuple):
    """Rate in the record, acts a week, that a baseline is a multiple of.

    ``acts`` were counted, or, where none was, in the streams ``milder`` by so many ``steps``, and
    come at the rate ``weekly``. The share of these that go all these steps further is taken as log-normal, of
    mean ``log_share`` and standard deviation ``spread``.
    """

    weekly: float
    acts: int
    milder: tuple[str, ...] = ()
    steps: int = 0
    log_share: float = 0.0
    spread: float = 0.0


def own_rates(data: Acts, population: Population | None) -> tuple[OwnRate, ...]:
    """Return the rates of the record, half an act added; of what was never seen those of the next milder."""
    share = further_share(population)
    # By mean and variance of the share itself; those of its logarithm hang on how often it is near nothing.
    variance = math.log1p((1 - share.mean) / (share.mean * (sum(share.values) + 1)))
    return tuple(
        OwnRate(
            (source.acts + LEAST_ACTS) / data.weeks,
            source.acts,
            tuple(data.layout.streams[k] for k in source.read) if source.steps else (),
            source.steps,
            source.steps * (math.log(share.mean) - variance / 2),
            math.sqrt(source.steps * variance),
        )
        for source in data.rate_sources
    )


def further_share(population: Population | None) -> Distribution:
    """Return the distribution of the share of acts of a kind that go one severity further."""
    return Distribution(
        "Beta", (population.further.alpha, population.further.beta) if population else FURTHER
    )


def record_priors(data: Acts, population: Population | None) -> PriorSet:
    """Return the priors of a record: the population's, or the documented ones without one."""
    layout = data.layout
    relative = default_priors(layout) if population is None else population.priors(layout)
    changed = dict(relative.priors)
    for name, own in zip(layout.rates, own_rates(data, population), strict=True):
        prior = relative.priors[f"{BASELINE}.{name}"]
        centre, spread = prior.distribution.values
        centre += math.log(own.weekly) + own.log_share
        rate = Distribution(
            prior.distribution.family, (_rounded(centre), _rounded(math.hypot(spread, own.spread)))
        )
        changed[prior.name] = replace(prior, distribution=rate, default=rate)
    for reaction in layout.reactions:
        for name, stated in _reaction_priors(reaction).items():
            prior = relative.priors[name]
            changed[name] = replace(prior, distribution=stated, default=stated)
    return replace(relative, priors=changed)


_WITHIN = 0.95
"""Share of the answers of a reaction that come within its days."""


def _reaction_priors(reaction: Reaction) -> dict[str, Distribution]:
    """Return the priors that a reaction states: of its answers, by their chance, and of their half-life.

    A chance p of an answer within the days is that of −ln(1 − p)/0.95 answers in all; quantiles carry over.
    """
    name = reaction.name
    spread = next(
        group for group in parameter_groups() if group.name == "reaction.half_life_days"
    ).default.values[1]
    half_life = max(reaction.days * math.log(2.0) / -math.log(1 - _WITHIN), _LEAST_HALF_LIFE)
    stated = {
        f"reaction.half_life_days.{name}": Distribution("LogNormal", (_rounded(math.log(half_life)), spread))
    }
    chance = chance_prior(reaction.chance)
    if chance is not None:
        low, middle, high = (-np.log1p(-chance.quantile([0.05, 0.5, 0.95])) / _WITHIN).tolist()
        width = math.log(high / low) / (2 * 1.6449)
        stated[f"reaction.number.{name}"] = Distribution(
            "LogNormal", (_rounded(math.log(middle)), _rounded(width))
        )
    return stated


_LEAST_HALF_LIFE = 0.3
"""Half-life, in days, of answers that all come on the next day or two."""


def element_class(element: str | None) -> str:
    """Return the class, one of ``CLASSES``, of the parameter of an element."""
    if element is None:
        return "all"
    if element in ANSWERERS:
        return element
    return "cooperative" if element.split(".")[0] in COOPERATIVE else "conflict"


def _joined(learned: Distribution, wide: Distribution) -> Distribution:
    (mean, spread), (far, width) = learned.values, wide.values
    centre = (1 - WIDE_SHARE) * mean + WIDE_SHARE * far
    variance = (1 - WIDE_SHARE) * spread**2 + WIDE_SHARE * width**2
    variance += WIDE_SHARE * (1 - WIDE_SHARE) * (mean - far) ** 2
    return Distribution(learned.family, (_rounded(centre), _rounded(math.sqrt(variance))))


def _rounded(value: float) -> float:
    # So that what is printed and kept is what was used.
    return float(f"{value:.4g}")


@cache
def shipped_population() -> Population:
    """Return the population that comes with the package."""
    text = (files("forecast.priors") / SHIPPED).read_text(encoding="utf-8")
    return _checked(*parse_yaml(text, SHIPPED))


def read_population(path: Path) -> Population:
    """Read a population that ``tools/learn/population.py`` wrote (``ConfigError``: it is none)."""
    with suppress(OSError):  # told below
        if path.is_file() and path.stat().st_size <= MAX_BYTES and not path.read_bytes().strip():
            raise ConfigError(f"{path}: the file is empty. {_MAKE}")
    return _checked(*read_yaml(path))


def _checked(content: object, source: SourceMap) -> Population:
    if not isinstance(content, Mapping) or "schema" not in content:
        raise ConfigError(f"{source.file}: holds no population. {_MAKE}")
    if content["schema"] != SCHEMA:
        message = f"got {shown_value(content['schema'])}; this version reads {SCHEMA}. {_MAKE}"
        raise source.error([Fault(("schema",), message)])
    try:
        return Population.model_validate(content)
    except ValidationError as error:
        # One is enough: a file that a command wrote is broken in one way.
        raise source.error([next(field_faults(error, Population))]) from error
