"""Every parameter of the models by its plain name, as ``catalogue.yaml`` lists them with the reasons.

A parameter belongs to a group (``excitation.branching``); groups with a dimension have one parameter an
element (``ballast.visit``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from forecast.config.yaml_source import parse_yaml
from forecast.panel.streams import StreamLayout
from forecast.priors.distributions import Distribution, Support, parse_distribution
from forecast.priors.human_scale import SCALES, HumanScale

Dimension = Literal["stream", "conflict_stream", "calming_stream", "side"]
SIDES = ("conflict", "cooperation")
"""Elements of what is common to all streams of conflict, and to all of cooperation."""


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Parameters that share a meaning, a unit, a support and a dimension (``None`` for a single parameter).

    ``reason`` says why the ``default`` is what it is; ``words`` may stand for a distribution (``default`` for
    the default of each). On ``scale`` values are read by people, and may be stated. ``cooperative`` is the
    group as it is for cooperative streams, where its support differs.
    """

    name: str
    meaning: str
    unit: str
    support: Support
    default: Distribution
    reason: str
    scale: HumanScale
    words: Mapping[str, Distribution] = field(default_factory=dict)
    dimension: Dimension | None = None
    cooperative: ParameterGroup | None = None

    @property
    def variable(self) -> str:
        """Name in the model and in the posterior file."""
        return self.name.replace(".", "_")


@cache
def parameter_groups() -> tuple[ParameterGroup, ...]:
    """Return the parameter groups of the model, in the order they are printed."""
    return tuple(_groups("model"))


@cache
def new_type_parameters() -> Mapping[str, ParameterGroup]:
    """Return what must be stated of a type never seen, by its key in a scenario: only its prior can tell."""
    return {group.name: group for group in _groups("new_type")}


def elements(group: ParameterGroup, layout: StreamLayout) -> tuple[str, ...]:
    """Names of the elements of a group under a layout; empty for a single parameter."""
    match group.dimension:
        case None:
            return ()
        case "stream":
            return layout.streams
        case "conflict_stream":
            return tuple(layout.streams[i] for i in layout.conflict_index)
        case "calming_stream":
            return tuple(layout.streams[i] for i in layout.calming_index)
        case "side":
            return SIDES


@cache
def _catalogue() -> dict[str, dict[str, dict[str, Any]]]:
    text = (files("forecast.priors") / "catalogue.yaml").read_text(encoding="utf-8")
    content: Any = parse_yaml(text, "catalogue.yaml")[0]
    catalogue: dict[str, dict[str, dict[str, Any]]] = content
    return catalogue


def _groups(part: str) -> list[ParameterGroup]:
    return [_group(name, entry) for name, entry in _catalogue()[part].items()]


def _group(name: str, entry: Mapping[str, Any]) -> ParameterGroup:
    support = entry["support"]
    cooperative = entry.get("cooperative")
    return ParameterGroup(
        name=name,
        meaning=entry["meaning"],
        unit=entry["unit"],
        support=support,
        default=_prior(entry["default"], support),
        reason=entry["reason"],
        scale=SCALES[entry["scale"]],
        words={word: _prior(prior, support) for word, prior in entry["words"].items()},
        dimension=entry.get("dimension"),
        cooperative=None
        if cooperative is None
        else _group(name, {**entry, **cooperative, "cooperative": None}),
    )


def _prior(stated: str | list[float], support: Support) -> Distribution:
    if isinstance(stated, str):
        return parse_distribution(stated)
    centre, spread = stated
    match support:
        case "real":
            return Distribution("Normal", (centre, spread))
        case "positive":
            return Distribution("LogNormal", (math.log(centre), spread))
        case "unit":
            return Distribution("LogitNormal", (centre, spread))
