"""Priors learned from many dyads: how each parameter is distributed over relationships.

A population says, for each group of parameters, where its value lies in a dyad taken at random: a normal
distribution of the value, its logarithm or its logit, whose centre may move with how many acts a month a
record holds (a thin record shows less of every cluster). The prior of a pair joins it with the documented
default as a second, wide component (as a robust meta-analytic prior does: Schmidli, Gsteiger, Roychoudhury,
O'Hagan, Spiegelhalter and Neuenschwander 2014, doi:10.1111/biom.12242), so that a pair unlike all others is
not ruled out. The two are joined by their first two moments, since two components can split chains.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from forecast.config.faults import Fault, SourceMap, field_faults, refusal, shown
from forecast.config.yaml_source import MAX_BYTES, parse_yaml, read_yaml
from forecast.errors import ConfigError, did_you_mean
from forecast.panel.panel import DAYS_A_MONTH, STEP_DAYS
from forecast.panel.streams import StreamLayout
from forecast.priors.distributions import Distribution
from forecast.priors.resolve import PriorSet, default_priors

SCHEMA = 1
WIDE_SHARE = 0.2
"""Weight of the documented default beside the population."""
LEAST_SPREAD = 0.5
_MAKE = "Make one with 'forecast priors learn DIR --out FILE'"
SHIPPED = "population.yaml"
LEARNED = (
    "baseline.weekly_rate",
    "tension.scale",
    "tension.persistence",
    "excitation.branching",
    "excitation.cross",
    "excitation.cross_half_life_days",
    "overdispersion.shape",
    "drift.scale",
)
"""Groups that a population tells of: how often acts come, and how they cluster. How severe acts are, and
whether cooperation follows tension, is as much the coder's as the dyad's."""
NORMAL_SCALES = {"real": "Normal", "positive": "LogNormal", "unit": "LogitNormal"}
"""Family of each support in which a parameter has a mean and a standard deviation."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
CLASSES = ("all", "conflict", "cooperative")
"""Classes of streams whose parameters are taken to be alike; ``all`` for a parameter that has no streams."""


def _known(allowed: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in allowed:
            raise refusal(f"unknown name.{did_you_mean(name, allowed)} Allowed: {', '.join(allowed)}")
        return name

    return AfterValidator(check)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Part):
    """Distribution over dyads of one class of parameters, on the scale on which it is normal.

    The centre moves with the density of the record: it is that of a record of ``Population.acts_a_month``
    acts a month. Baseline rates are shares of all acts, which are used without their slope.
    """

    centre: Finite = Field(description="mean over dyads")
    slope: Finite = Field(description="change of the centre for each unit of the logarithm of acts a month")
    spread: Finite = Field(gt=0, description="standard deviation between dyads, with the error of the centre")
    values: int = Field(description="count of the estimates behind it")


class Provenance(_Part):
    """What a population was learned from, and how."""

    dyads: tuple[str, ...]
    events: int
    first: str
    last: str
    thinnings: tuple[float, ...]
    seed: int
    source: str = Field(description="origin and terms of the events, in words")
    command: str
    version: str


class Population(_Part):
    """How parameters are distributed over dyads, by group and class of stream."""

    schema_: Literal[1] = Field(alias="schema")
    provenance: Provenance
    acts_a_month: Annotated[float, Field(gt=0)]
    least_acts_a_month: Annotated[float, Field(gt=0)]
    most_acts_a_month: Annotated[float, Field(gt=0)]
    groups: Mapping[Annotated[str, _known(LEARNED)], Mapping[Annotated[str, _known(CLASSES)], Spread]]

    @model_validator(mode="after")
    def _densities_ascend(self) -> Population:
        if not self.least_acts_a_month <= self.acts_a_month <= self.most_acts_a_month:
            raise refusal("least_acts_a_month, acts_a_month and most_acts_a_month must ascend")
        return self

    def __hash__(self) -> int:
        return hash(self.sha256)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content."""
        return sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    def priors(self, layout: StreamLayout, acts_a_month: float) -> PriorSet:
        """Return the priors of a pair whose record holds so many acts a month of the layout.

        Outside the densities that the population was learned from, the nearest counts. Baseline rates keep
        to the record's own density. All others are moved by at most one standard deviation of the documented
        default, and to no less than ``LEAST_SPREAD`` of it: what was learned rests on normal approximations
        of likelihoods around that default.
        """
        documented = default_priors(layout)
        inside = min(max(acts_a_month, self.least_acts_a_month), self.most_acts_a_month)
        steps = math.log(inside / self.acts_a_month)
        weekly = math.log(acts_a_month / WEEKS_A_MONTH)
        changed = {}
        for name, prior in documented.priors.items():
            own = self.groups.get(prior.group.name, {}).get(stream_class(layout, prior.element))
            if own is None:
                continue
            centre, wide = own.centre + own.slope * steps, prior.distribution
            middle, width = wide.values
            if prior.group.name == BASELINE:
                # Shares of all acts, without their slope, so that rates scale with the record one for one.
                # All acts of a layout that counts one kind of act are of this kind.
                centre = weekly + (own.centre if len(layout.streams) > 1 else 0.0)
                wide = Distribution(wide.family, (centre, width))
            else:
                centre = min(max(centre, middle - width), middle + width)
            spread = max(own.spread, LEAST_SPREAD * width)
            joined = _joined(Distribution(NORMAL_SCALES[prior.group.support], (centre, spread)), wide)
            changed[name] = replace(prior, distribution=joined, default=joined)
        return replace(documented, priors={**documented.priors, **changed})


BASELINE = "baseline.weekly_rate"
WEEKS_A_MONTH = DAYS_A_MONTH / STEP_DAYS


def stream_class(layout: StreamLayout, element: str | None) -> str:
    """Return the class, one of ``CLASSES``, of the parameter of an element."""
    if element is None:
        return "all"
    return "cooperative" if element in layout.cooperative else "conflict"


def _joined(learned: Distribution, wide: Distribution) -> Distribution:
    (mean, spread), (far, width) = learned.values, wide.values
    centre = (1 - WIDE_SHARE) * mean + WIDE_SHARE * far
    variance = (1 - WIDE_SHARE) * spread**2 + WIDE_SHARE * width**2
    variance += WIDE_SHARE * (1 - WIDE_SHARE) * (mean - far) ** 2
    # Rounded, so that what is printed and kept is what was used.
    return Distribution(learned.family, (float(f"{centre:.4g}"), float(f"{math.sqrt(variance):.4g}")))


@cache
def shipped_population() -> Population:
    """Return the population that comes with the package."""
    text = (files("forecast.priors") / SHIPPED).read_text(encoding="utf-8")
    return _checked(*parse_yaml(text, SHIPPED))


def read_population(path: Path) -> Population:
    """Read a population from a file that ``forecast priors learn`` wrote.

    Raises ``ConfigError``: no such file, no YAML, or no population of this version; with the file, the line
    and the key.
    """
    with suppress(OSError):  # told below
        if path.is_file() and path.stat().st_size <= MAX_BYTES and not path.read_bytes().strip():
            raise ConfigError(f"{path}: the file is empty. {_MAKE}")
    return _checked(*read_yaml(path))


def _checked(content: object, source: SourceMap) -> Population:
    if not isinstance(content, Mapping) or "schema" not in content:
        raise ConfigError(f"{source.file}: holds no population. {_MAKE}")
    if content["schema"] != SCHEMA:
        message = f"got {shown(content['schema'])}; this version reads {SCHEMA}. {_MAKE}"
        raise source.error([Fault(("schema",), message)])
    try:
        return Population.model_validate(content)
    except ValidationError as error:
        # One is enough: a file that a command wrote is broken in one way.
        raise source.error([next(field_faults(error, Population))]) from error
