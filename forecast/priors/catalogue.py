"""Every parameter of the models by its plain name: meaning, unit, default prior and the reason for it.

A parameter belongs to a group (``excitation.branching``); groups with a dimension have one parameter an
element (``excitation.branching.visit``). Defaults come from rolling-origin trials on seven dyads; words
stand for documented distributions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from forecast.panel.streams import StreamLayout
from forecast.priors import human_scale as scales
from forecast.priors.distributions import Distribution, Support
from forecast.priors.human_scale import HumanScale

Dimension = Literal["stream", "conflict_stream", "calming_stream", "next_severity"]
SEVERITY_LEVELS = ("3", "4", "5")
"""Names of the continuation thresholds: reaching this severity, given the one below."""


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share a meaning, a unit and a dimension.

    Parameters
    ----------
    name : str
        Dotted name used in configs; ``variable`` is its name in the model and the posterior file.
    meaning, unit, reason : str
        One sentence on what it is, its unit, and why the default is what it is.
    support : {"real", "positive", "unit"}
        Where a prior may put mass.
    default : Distribution
        Default prior; ``default_of`` overrides it for single elements.
    scale : HumanScale
        How its values are read by people, and may be stated.
    words : mapping of str to Distribution
        Words that may stand for a distribution; ``default`` stands for the default of each.
    dimension : str or None
        Dimension of the group, ``None`` for a single parameter.
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
    default_of: Mapping[str, Distribution] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        """Name in the model and in the posterior file."""
        return self.name.replace(".", "_")


def _log_normal(median: float, sigma: float) -> Distribution:
    return Distribution("LogNormal", (math.log(median), sigma))


def _normal(mu: float, sigma: float) -> Distribution:
    return Distribution("Normal", (mu, sigma))


def parameter_groups(layout: StreamLayout) -> tuple[ParameterGroup, ...]:
    """Return the parameter groups of a layout, in the order they are printed."""
    groups = [*_intensity_groups(layout)]
    if any(layout.calming):
        groups += _BALLAST
    if layout.marked:
        groups += _SEVERITY
    return tuple(groups)


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
        case "next_severity":
            return SEVERITY_LEVELS


def _intensity_groups(layout: StreamLayout) -> list[ParameterGroup]:
    cooperative = [
        name for name, conflict in zip(layout.streams, layout.conflictual, strict=True) if not conflict
    ]
    return [
        ParameterGroup(
            "baseline.weekly_rate",
            "Acts of this kind a week when tension is at its mean and nothing recent excites or calms",
            "acts a week",
            "positive",
            _log_normal(math.exp(-1.5), 1.5),
            "Wide: 90% between one act in 53 weeks and 2.6 acts a week.",
            scales.A_YEAR,
            {
                "rare": _log_normal(0.02, 1.0),
                "occasional": _log_normal(0.2, 1.0),
                "frequent": _log_normal(1, 1),
            },
            "stream",
        ),
        ParameterGroup(
            "tension.scale",
            "How far a swing of one standard deviation in tension moves the log rate of conflictual acts",
            "log rate",
            "positive",
            _log_normal(0.9, 0.5),
            "Trials on seven dyads gave 0.4 to 1.8.",
            scales.SWING,
            {"small": _log_normal(0.4, 0.4), "medium": _log_normal(0.9, 0.5), "large": _log_normal(1.6, 0.4)},
        ),
        ParameterGroup(
            "tension.persistence",
            "Days after which a swing in tension has faded to 37%",
            "days",
            "positive",
            _log_normal(147, 0.8),
            "Trials gave 50 to 400 days; the data say little on it within one dyad.",
            scales.WEEKS,
            {"fast": _log_normal(49, 0.5), "medium": _log_normal(147, 0.8), "slow": _log_normal(365, 0.5)},
        ),
        ParameterGroup(
            "tension.loading",
            "How strongly this kind of act follows the common tension",
            "share of tension.scale",
            "real",
            _normal(1, 0.4),
            "Around 1 for conflictual and 0 for cooperative acts: this fixes the sign of tension.",
            scales.FOLLOWS,
            {
                "none": _normal(0, 0.1),
                "unknown": _normal(0, 0.4),
                "follows": _normal(1, 0.4),
                "against": _normal(-0.5, 0.4),
            },
            "stream",
            {name: _normal(0, 0.4) for name in cooperative},
        ),
        ParameterGroup(
            "excitation.branching",
            "Further acts of the same kind that one act brings about, on average",
            "acts an act",
            "unit",
            Distribution("LogitNormal", (-1.5, 1.0)),
            "Trials gave 0.05 to 0.5; below one, so that no act sets off an endless chain.",
            scales.PER_HUNDRED,
            {
                "weak": Distribution("LogitNormal", (-3.0, 0.7)),
                "medium": Distribution("LogitNormal", (-1.5, 1.0)),
                "strong": Distribution("LogitNormal", (0.0, 0.7)),
            },
            "stream",
        ),
        ParameterGroup(
            "excitation.half_life_days",
            "Days after which half of an act's pull on its own kind has passed",
            "days",
            "positive",
            _log_normal(10.5, 0.6),
            "Action and reaction within weeks; the trials did not depend on the centre.",
            scales.WEEKS,
            {"short": _log_normal(5, 0.4), "medium": _log_normal(10.5, 0.6), "long": _log_normal(42, 0.4)},
        ),
        ParameterGroup(
            "excitation.cross",
            "Acts of this kind that one conflictual act of any kind brings about, on average",
            "acts an act",
            "positive",
            _log_normal(math.exp(-3.5), 1.0),
            "Small for each pair of kinds; the sum over kinds is kept below an endless chain.",
            scales.CROSS_PER_HUNDRED,
            {
                "weak": _log_normal(0.01, 0.7),
                "medium": _log_normal(math.exp(-3.5), 1.0),
                "strong": _log_normal(0.1, 0.7),
            },
            "conflict_stream",
        ),
        ParameterGroup(
            "excitation.cross_half_life_days",
            "Days after which half of an act's pull on other kinds has passed",
            "days",
            "positive",
            _log_normal(28, 0.6),
            "Answers in another field take longer than answers in kind.",
            scales.WEEKS,
            {"short": _log_normal(14, 0.4), "medium": _log_normal(28, 0.6), "long": _log_normal(84, 0.4)},
        ),
        ParameterGroup(
            "overdispersion.shape",
            "How evenly acts of this kind spread over weeks: small is bursty, large is Poisson",
            "shape of a gamma",
            "positive",
            Distribution("LogNormal", (0.7, 1.0)),
            "Needed beside excitation in all trials.",
            scales.SPREAD,
            {
                "bursty": _log_normal(0.7, 0.5),
                "medium": Distribution("LogNormal", (0.7, 1.0)),
                "even": _log_normal(10, 0.7),
            },
            "stream",
        ),
    ]


_BALLAST = [
    ParameterGroup(
        "ballast",
        "How much many recent acts of this kind lower the log rate of conflictual acts (negative: raise it)",
        "log rate at full effect",
        "real",
        _normal(0, 0.1),
        "The data neither need nor refute it: near none by default, to be moved in scenarios.",
        scales.EFFECT,
        {
            "none": _normal(0, 0.02),
            "little": _normal(0, 0.1),
            "calms": _normal(0.4, 0.2),
            "calms strongly": _normal(0.8, 0.2),
            "provokes": _normal(-0.4, 0.2),
        },
        "calming_stream",
    ),
    ParameterGroup(
        "ballast.half_life_days",
        "Days after which half of the ballast of a cooperative act is gone",
        "days",
        "positive",
        _log_normal(56, 0.5),
        "A visit is remembered for a season.",
        scales.WEEKS,
        {"short": _log_normal(28, 0.4), "medium": _log_normal(56, 0.5), "long": _log_normal(168, 0.4)},
    ),
]

_SEVERITY = [
    ParameterGroup(
        "severity.level",
        "Log odds that an act of the average kind reaches this severity from the one below, at mean tension",
        "log odds",
        "real",
        _normal(-1, 1.5),
        "Grave acts are the exception; the last, lethal or extreme acts, is the prior's where none was ever "
        "seen. What differs between kinds lies in severity.category and severity.grave.",
        scales.CHANCE,
        {"rarely": _normal(-3.5, 0.7), "sometimes": _normal(-1.5, 0.7), "often": _normal(0, 0.7)},
        "next_severity",
        {"4": _normal(-2, 0.7), "5": _normal(-2, 0.7)},
    ),
    ParameterGroup(
        "severity.notable",
        "Log odds that an act of this kind is more than routine (severity 2 or above), at mean tension",
        "log odds",
        "real",
        _normal(0.5, 1.5),
        "Wide and by kind: what is coded as routine differs between kinds, and says little on what is grave.",
        scales.CHANCE,
        {"seldom": _normal(-1, 0.7), "unknown": _normal(0.5, 1.5), "mostly": _normal(1.5, 0.7)},
        "stream",
    ),
    ParameterGroup(
        "severity.category",
        "How much graver acts of this kind are than the average, from severity 3 up (only differences count)",
        "log odds",
        "real",
        _normal(0, 2),
        "Kinds differ: a code may allow some of them no grave form at all.",
        scales.ODDS,
        {
            "milder": _normal(-1, 0.7),
            "average": _normal(0, 0.3),
            "unknown": _normal(0, 2),
            "graver": _normal(1, 0.7),
        },
        "stream",
    ),
    ParameterGroup(
        "severity.grave",
        "How much more readily than others acts of this kind go on from severity 3 to 4 and 5 (only "
        "differences count)",
        "log odds",
        "real",
        _normal(0, 2),
        "What is often serious need not ever be grave: sanctions seldom are, incidents at sea may be.",
        scales.ODDS,
        {
            "seldom": _normal(-1, 0.7),
            "average": _normal(0, 0.3),
            "unknown": _normal(0, 2),
            "readily": _normal(1, 0.7),
        },
        "stream",
    ),
    ParameterGroup(
        "severity.tension",
        "How much one standard deviation of tension raises the log odds of the next severity",
        "log odds",
        "real",
        _normal(0.3, 0.4),
        "Acts in tense times tend to be graver; may be nothing.",
        scales.ODDS,
        {"none": _normal(0, 0.05), "medium": _normal(0.3, 0.4), "strong": _normal(0.8, 0.3)},
    ),
    ParameterGroup(
        "severity.recent",
        "How much recent severe acts raise the log odds of the next severity",
        "log odds per log count",
        "real",
        _normal(0.3, 0.4),
        "Severe acts cluster; may be nothing.",
        scales.ODDS,
        {"none": _normal(0, 0.05), "medium": _normal(0.3, 0.4), "strong": _normal(0.8, 0.3)},
    ),
]

# A type of act that was never seen: nothing but its prior can tell what it does.
_NO_DEFAULT = "There is no default: a type that was never seen needs a statement of its own."
_EXCITES = ParameterGroup(
    "excites",
    "Further acts of a category that one act of the new type brings about, on average",
    "acts an act",
    "positive",
    _log_normal(1, 0.7),
    _NO_DEFAULT,
    scales.CROSS_PER_HUNDRED,
    {"weak": _log_normal(0.3, 0.7), "medium": _log_normal(1, 0.7), "strong": _log_normal(3, 0.7)},
)
_CALMS = ParameterGroup(
    "calms",
    "How much one act of the new type lowers the log rate of conflictual acts at first (negative: raises it)",
    "log rate",
    "real",
    _normal(0.4, 0.2),
    _NO_DEFAULT,
    scales.EFFECT,
    {
        "slightly": _normal(0.1, 0.05),
        "calms": _normal(0.4, 0.2),
        "calms strongly": _normal(0.8, 0.2),
        "provokes": _normal(-0.4, 0.2),
    },
)
_HALF_LIFE = ParameterGroup(
    "half_life_days",
    "Days after which half of the effect of an act of the new type is gone",
    "days",
    "positive",
    _log_normal(56, 0.5),
    _NO_DEFAULT,
    scales.WEEKS,
    {"short": _log_normal(14, 0.4), "medium": _log_normal(56, 0.5), "long": _log_normal(365, 0.5)},
)

NEW_TYPE_PARAMETERS = {group.name: group for group in (_EXCITES, _CALMS, _HALF_LIFE)}
"""By the key that states them in a scenario."""
