"""Every parameter of the models by its plain name, as ``catalogue.yaml`` lists them, and its human scale.

A parameter belongs to a group (``excitation.branching``); groups with a dimension have one parameter an
element (``ballast.visit``). Each group has a scale that means something to a reader: percents, factors,
chances and weeks in place of logs and odds. A prior may be stated on it (``{effect: {median: -50%, q95:
0%}}``), and every prior and posterior is read back on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from forecast.config.yaml_source import parse_yaml
from forecast.panel.streams import StreamLayout
from forecast.priors.distributions import Distribution, Support, parse_distribution
from forecast.wording import on_scale, plain_number

if TYPE_CHECKING:
    from forecast.wording import Scale

_WEEK = 7.0
_WEEKS_A_YEAR = 365.25 / _WEEK


@dataclass(frozen=True)
class HumanScale:
    """A monotone reading of a parameter.

    ``name`` is the key under which quantiles are stated, ``meaning`` what the values are, for a list. ``of``
    goes from the parameter to the scale, ``to_parameter`` back, one number each; ``phrase`` makes a value the
    words of a sentence. ``lowest`` and ``highest`` are open bounds; ``falls``: while the parameter rises.
    """

    name: Scale
    meaning: str
    of: Callable[[float], float]
    to_parameter: Callable[[float], float]
    phrase: Callable[[float], str]
    lowest: float = 0.0
    highest: float = math.inf
    falls: bool = False

    def __reduce__(self) -> tuple[Callable[[str], HumanScale], tuple[str]]:
        """Pickle by name, since functions without one cannot be: priors go to other processes."""
        return _scale_of, (next(name for name, scale in SCALES.items() if scale is self),)

    @property
    def between(self) -> str:
        """Its bounds in words."""
        if math.isinf(self.highest):
            return f"above {self.lowest * 100:g}%" if self.name == "effect" else f"above {self.lowest:g}"
        return f"between {self.lowest:g} and {self.highest:g}"

    def short(self, value: float) -> str:
        """Shortest text of a value on the scale, e.g. ``−50%``."""
        return on_scale(value, self.name)

    def read(self, low: float, middle: float, high: float) -> str:
        """Middle in words with the span around it: three values of the parameter, in rising order."""
        ends = sorted((self.of(low), self.of(high)))
        return f"{self.phrase(self.of(middle))} (90% between {self.short(ends[0])} and {self.short(ends[1])})"


def effect_words(effect: float, thing: str) -> str:
    """Words for a relative change, e.g. ``halve the rate``, ``lower the rate by 26%``."""
    shown = plain_number(abs(effect) * 100)
    if abs(effect) < 0.005:
        return f"leave {thing} as it is"
    for factor, verb in ((0.5, "halve"), (2.0, "double"), (3.0, "treble")):
        if abs(effect + 1 - factor) < 0.02 * factor:
            return f"{verb} {thing}"
    if effect > 2:
        return f"multiply {thing} by {plain_number(effect + 1)}"
    return f"{'lower' if effect < 0 else 'raise'} {thing} by {shown}%"


SCALES = {
    "effect": HumanScale(
        "effect",
        "relative change of the rate of conflictual acts at full effect",
        lambda x: math.expm1(min(-x, 700.0)),
        lambda v: -math.log1p(v),
        lambda v: f"recent acts of this kind {effect_words(v, 'the rate of conflictual acts')}",
        lowest=-1.0,
        falls=True,
    ),
    "swing": HumanScale(
        "times",
        "factor on the rate of conflictual acts for a swing of one standard deviation",
        lambda x: math.exp(min(x, 700.0)),
        math.log,
        lambda v: f"a swing of one standard deviation multiplies the rate by {plain_number(v)}",
        lowest=1.0,
    ),
    "a_year": HumanScale(
        "a_year",
        "acts a year",
        lambda x: x * _WEEKS_A_YEAR,
        lambda v: v / _WEEKS_A_YEAR,
        lambda v: f"{plain_number(v)} acts a year on average",
    ),
    "weeks": HumanScale(
        "weeks",
        "weeks",
        lambda x: x / _WEEK,
        lambda v: v * _WEEK,
        lambda v: f"{plain_number(v)} weeks",
    ),
    "per_hundred": HumanScale(
        "per_hundred",
        "further acts brought about by a hundred acts",
        lambda x: 100 * x,
        lambda v: v / 100,
        lambda v: f"a hundred acts bring about {plain_number(v)} more",
        highest=100.0,
    ),
    "follows": HumanScale(
        "share",
        "share of a swing in tension that this kind of act follows",
        float,
        float,
        lambda v: f"acts of this kind follow {on_scale(v, 'share')} of a swing in tension",
        lowest=-math.inf,
    ),
    "spread": HumanScale(
        "spread",
        "variance of weekly counts over that of pure chance, at one act a week",
        lambda x: 1 + 1 / max(x, 1e-300),
        lambda v: 1 / (v - 1),
        lambda v: f"weekly counts vary {plain_number(v)} times as much as by pure chance, at one act a week",
        lowest=1.0,
        falls=True,
    ),
    "brought": HumanScale(
        "share",
        "share of the acts of this kind that other recent conflict brings about",
        float,
        float,
        lambda v: f"{on_scale(v, 'share')} of acts of this kind follow other conflict",
        highest=1.0,
    ),
    "severity": HumanScale(
        "times",
        "factor on what an act brings about for one severity more",
        lambda x: math.exp(min(x, 700.0)),
        math.log,
        lambda v: f"an act one severity graver brings about {plain_number(v)} times as much conflict",
        lowest=1.0,
    ),
    "cross_per_hundred": HumanScale(
        "per_hundred",
        "acts of this kind brought about by a hundred conflictual acts of any kind",
        lambda x: 100 * x,
        lambda v: v / 100,
        lambda v: f"a hundred conflictual acts bring about {plain_number(v)} of this kind",
    ),
}
"""By the names that ``catalogue.yaml`` uses."""


def _scale_of(name: str) -> HumanScale:
    return SCALES[name]


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
