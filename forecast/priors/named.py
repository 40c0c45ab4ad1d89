"""Priors of the model by name: each parameter with its human scale, its default, and what may change it.

``catalogue.yaml`` lists the parameters. A parameter belongs to a group (``excitation.branching``); groups
with a dimension have one parameter an element (``ballast.visit``). Each group has a scale that means
something to a reader: percents, factors, chances and weeks in place of logs and odds. A prior may be stated
on it (``{effect: {median: -50%, q95: 0%}}``), and every prior and posterior is read back on it.

A config or scenario changes a default by a word, a distribution or quantiles. Two quantiles fix a
two-parameter family exactly; with more, the parameters minimise the squared distance between stated and
implied quantiles, relative to the stated spread. A statement that no family fits is refused and not silently
bent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy

from forecast.config.field_types import level_of, read_quantiles, read_statement
from forecast.config.schema import LEARNED
from forecast.config.settings_file import parse_yaml
from forecast.errors import PriorError, did_you_mean
from forecast.events.codebook import CATEGORIES, COOPERATIVE
from forecast.priors.distributions import Distribution, Floats, Support, parse_distribution
from forecast.streams import StreamLayout
from forecast.targets import Chance
from forecast.wording import BANDS, on_scale, plain_number

if TYPE_CHECKING:
    from forecast.wording import DisplayScale

_WEEK = 7.0
_WEEKS_A_YEAR = 365.25 / _WEEK

Dimension = Literal["rate", "category", "calming", "answerer", "reaction"]
ANSWERERS = ("same_side", "other_side")
"""Who answers an act: the side that acted, or the other."""

TOLERATED_MISS = 0.25
"""Largest accepted difference of a quantile, as a share of the stated range."""

NORMAL_FAMILY: dict[Support, str] = {"real": "Normal", "positive": "LogNormal", "unit": "LogitNormal"}
"""Family of each support that is normal on a scale of its own."""

_RATE = "baseline.weekly_rate"
TARGET_RATE = "rate."
"""Begins the name of the rate of a whole target, which stands for those of all its cells."""
RATE_SPREAD = 0.3
"""Standard deviation of the logarithm of a rate that is stated as a number: 90% lie within a factor 1.6."""
_A_TIME = re.compile(r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?) *(?:a|per|/) *(year|week)")

Origin = Literal["default", "config", "scenario"]
PriorStatement = str | Mapping[str, object]
DEFAULT = "default"
"""The word that every prior knows: what it is where nothing is stated."""
_EXAMPLE_LEVELS = (("q05", 0.05), ("median", 0.5), ("q95", 0.95))


@dataclass(frozen=True)
class HumanScale:
    """A monotone reading of a parameter.

    ``name`` is the key under which quantiles are stated, ``meaning`` what the values are, for a list. ``of``
    goes from the parameter to the scale, ``to_parameter`` back, one number each; ``phrase`` makes a value the
    words of a sentence. ``lowest`` and ``highest`` are open bounds; ``falls``: while the parameter rises.
    """

    name: DisplayScale
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
        first, last = map(self.short, sorted((self.of(low), self.of(high))))
        return f"{self.phrase(self.of(middle))} (median; 90% between {first} and {last})"


def effect_words(effect: float, thing: str) -> str:
    """Words for a relative change, e.g. ``halve the rate``, ``lower the rate by 26%``."""
    if abs(effect) < 0.005:
        return f"leave {thing} as it is"
    for factor, verb in ((0.5, "halve"), (2.0, "double"), (3.0, "treble")):
        if abs(effect + 1 - factor) < 0.02 * factor:
            return f"{verb} {thing}"
    if effect > 2:
        return f"multiply {thing} by {plain_number(effect + 1)}"
    return f"{'lower' if effect < 0 else 'raise'} {thing} by {plain_number(abs(effect) * 100)}%"


def _times(phrase: str, factor: float) -> str:
    return phrase.format(plain_number(factor))


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
    "a_year": HumanScale(
        "a_year",
        "acts a year",
        lambda x: x * _WEEKS_A_YEAR,
        lambda v: v / _WEEKS_A_YEAR,
        lambda v: f"{plain_number(v)} act{'' if plain_number(v) == '1' else 's'} a year on average",
    ),
    "weeks": HumanScale(
        "weeks", "weeks", lambda x: x / _WEEK, lambda v: v * _WEEK, lambda v: f"{plain_number(v)} weeks"
    ),
    "per_hundred": HumanScale(
        "per_hundred",
        "further acts provoked by a hundred acts",
        lambda x: 100 * x,
        lambda v: v / 100,
        lambda v: f"a hundred acts provoke {plain_number(v)} more",
        highest=100.0,
    ),
    "most": HumanScale(
        "per_hundred",
        "most further acts provoked by a hundred acts, however grave",
        lambda x: 100 * x,
        lambda v: v / 100,
        lambda v: f"a hundred of the gravest acts provoke at most {plain_number(v)} more",
    ),
    "follows": HumanScale(
        "share",
        "share of a swing in tension that this kind of act follows",
        float,
        float,
        lambda v: f"acts of this kind follow {on_scale(v, 'share')} of a swing in tension",
        lowest=-math.inf,
    ),
    "in_kind": HumanScale(
        "share",
        "share of the answers that are of the category of the act answered",
        float,
        float,
        lambda v: f"{on_scale(v, 'share')} of the answers are in kind",
        highest=1.0,
    ),
    "days": HumanScale(
        "days", "days", float, float, lambda v: f"half of the answers come within {plain_number(v)} days"
    ),
    "follow_days": HumanScale(
        "days", "days", float, float, lambda v: f"half of what follows comes within {plain_number(v)} days"
    ),
    "answered": HumanScale(
        "chance",
        "chance that at least one answer follows a trigger of severity 4",
        lambda x: -math.expm1(-x),
        lambda v: -math.log1p(-v),
        lambda v: f"a trigger of severity 4 is answered with a chance of {on_scale(v, 'share')}",
        highest=1.0,
    ),
    **{
        name: HumanScale(
            "times", meaning, lambda x: math.exp(min(x, 700.0)), math.log, partial(_times, phrase), lowest=1.0
        )
        for name, meaning, phrase in (
            (
                "swing",
                "factor on the rate of conflictual acts for a swing of one standard deviation",
                "a swing of one standard deviation multiplies the rate by {}",
            ),
            (
                "brought",
                "factor on what an act provokes for one severity more",
                "an act one severity graver provokes {} times as many answers",
            ),
            (
                "gravity",
                "factor on an answer of one severity more, for one severity more of the act answered",
                "for each severity of the act, an answer one severity graver is {} times as likely",
            ),
            (
                "gravity_named",
                "factor on an answer of one severity more, beside the record's shares",
                "an answer one severity graver is {} times as likely as among all acts of its kind",
            ),
        )
    },
}
"""By the names that ``catalogue.yaml`` uses."""


def _scale_of(name: str) -> HumanScale:
    return SCALES[name]


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


@cache
def parameter_groups() -> tuple[ParameterGroup, ...]:
    """Return the parameter groups of the model, in the order they are printed."""
    text = (files("forecast.priors") / "catalogue.yaml").read_text(encoding="utf-8")
    content: Any = parse_yaml(text, "catalogue.yaml")[0]
    return tuple(_group(name, entry) for name, entry in content["model"].items())


def elements(group: ParameterGroup, layout: StreamLayout) -> tuple[str, ...]:
    """Names of the elements of a group under a layout; empty for a single parameter."""
    by_dimension: Mapping[Dimension | None, tuple[str, ...]] = {
        None: (),
        "rate": layout.rates,
        "category": layout.categories,
        "calming": layout.calming,
        "answerer": ANSWERERS,
        "reaction": tuple(reaction.name for reaction in layout.reactions),
    }
    return by_dimension[group.dimension]


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
    return Distribution(
        NORMAL_FAMILY[support], (math.log(centre) if support == "positive" else centre, spread)
    )


def elicit(statement: Mapping[str, object], support: Support, scale: HumanScale) -> Distribution:
    """Fit a distribution to quantiles in the parameter's own unit, or on its human scale.

    These are ``{median: 0.8, q95: 1.1}``, or ``{effect: {median: -50%, q95: 0%}}``. Raises ``PriorError``.
    """
    read = read_statement(statement)
    name, inner = next(iter(read.items()))
    if not isinstance(inner, Mapping):
        return fit_quantiles(read, support)
    if name != scale.name:
        raise PriorError(f"unknown scale '{name}'; this parameter is stated as such or on '{scale.name}'")
    low, high = min(inner.values()), max(inner.values())
    if low <= scale.lowest or high >= scale.highest:
        raise PriorError(
            f"{name}: quantiles must lie {scale.between} ({scale.meaning}), got "
            f"{scale.short(low)} … {scale.short(high)}"
        )
    own_unit = {_mirrored(key) if scale.falls else key: scale.to_parameter(v) for key, v in inner.items()}
    return fit_quantiles(own_unit, support)


def fit_quantiles(statement: Mapping[str, object], support: Support) -> Distribution:
    """Fit the family of a support to quantiles (``PriorError``: outside it, or over ``TOLERATED_MISS``)."""
    stated = read_quantiles(statement)
    quantiles = dict(sorted((level_of(name) or 0.0, value) for name, value in stated.items()))
    probability, value = np.array(list(quantiles)), np.array(list(quantiles.values()))
    if support != "real" and (value.min() <= 0 or (support == "unit" and value.max() >= 1)):
        allowed = "between 0 and 1" if support == "unit" else "above 0"
        raise PriorError(
            f"quantiles must lie {allowed} for this parameter, got {value.min():g} … {value.max():g}"
        )
    link = {"real": np.asarray, "positive": np.log, "unit": scipy.special.logit}[support]
    # On the link scale all three families are normal: least squares is a line through (z, link(value)).
    sigma, mu = (float(number) for number in np.polyfit(scipy.special.ndtri(probability), link(value), 1))
    family = NORMAL_FAMILY[support]
    if len(value) > 2 and support != "real":
        mu, sigma = _closest(family, probability, value, mu, sigma)
    fitted = Distribution(family, (mu, sigma))
    miss = np.abs(fitted.quantile(probability) - value).max() / (value.max() - value.min())
    if miss > TOLERATED_MISS:
        raise PriorError(
            f"no {family} comes near these quantiles; they are too lopsided: widen them or state a "
            "distribution yourself"
        )
    return fitted


def _closest(family: str, probability: Floats, value: Floats, mu: float, sigma: float) -> tuple[float, float]:
    """Parameters that meet the quantiles themselves best, and not those on the link scale."""
    # Imported where it is needed: it would double the time in which a config is read.
    from scipy import optimize

    # Log-normal quantiles are taken as multiples of their middle, so that their unit does not matter.
    unit = np.exp(mu) if family == "LogNormal" else 1.0
    offset = mu if family == "LogNormal" else 0.0
    wanted = value / unit
    spread = wanted.max() - wanted.min()

    def miss(parameters: Floats) -> Floats:
        member = Distribution(family, (float(parameters[0]), float(np.exp(parameters[1]))))
        return np.asarray((member.quantile(probability) - wanted) / spread)

    found = optimize.least_squares(miss, np.array([mu - offset, np.log(sigma)])).x
    return float(found[0]) + offset, float(np.exp(found[1]))


def _mirrored(name: str) -> str:
    """Name of the quantile as far from the other end: q05 → q95, q025 → q975."""
    if name == "median":
        return name
    digits = len(name) - 1
    return f"q{10**digits - int(name[1:]):0{digits}d}"


@dataclass(frozen=True)
class NamedPrior:
    """The prior of one parameter and where it came from; ``default`` is what that word stands for."""

    name: str
    group: ParameterGroup
    element: str | None
    distribution: Distribution
    default: Distribution
    origin: Origin = "default"

    @property
    def words(self) -> str | None:
        """The word that stands for the prior, if one does."""
        words = {**self.group.words, DEFAULT: self.default}
        return next((word for word, known in words.items() if known == self.distribution), None)

    @property
    def reading(self) -> str:
        """The prior on the human scale: its median in words with the 90% range."""
        low, middle, high = self.distribution.quantile([0.05, 0.5, 0.95]).tolist()
        return self.group.scale.read(low, middle, high)


@dataclass(frozen=True)
class PriorSet:
    """All priors of a model, by parameter name, in the order of the catalogue."""

    layout: StreamLayout
    groups: tuple[ParameterGroup, ...]
    priors: Mapping[str, NamedPrior]

    def of_group(self, group: ParameterGroup) -> tuple[NamedPrior, ...]:
        """Priors of a group's elements, in the order of its dimension."""
        return tuple(self.priors[name] for name in _names(group, self.layout))

    def changed(self, statements: Mapping[str, PriorStatement], origin: Origin) -> PriorSet:
        """Return a copy in which the stated priors, by parameter or group, replace the present ones.

        A group sets all its elements, ``rate.TARGET`` all cells of a target; of two statements about one
        parameter that about fewer wins, and its own name over both. Raises ``PriorError``: an unknown name or
        unreadable statement; the message starts with the name.
        """
        said = {name: self._read_stated(name, statement) for name, statement in statements.items()}
        priors = dict(self.priors)
        for name in sorted(said, key=lambda name: (name in self.priors, -len(said[name]))):
            for own, distribution in said[name].items():
                priors[own] = replace(priors[own], distribution=distribution, origin=origin)
        return replace(self, priors=priors)

    def _read_stated(self, name: str, statement: PriorStatement) -> dict[str, Distribution]:
        """What a statement says of each parameter that it is about."""
        if name.startswith(TARGET_RATE):
            return self._rates_of(name, statement)
        about = [prior for prior in self.priors.values() if name in (prior.name, prior.group.name)]
        if not about:
            raise PriorError(f"{name}: {self._unknown(name)} 'forecast priors CONFIG' lists them all.")
        return {prior.name: _read(name, statement, prior.group, prior.default) for prior in about}

    def refused(self, statements: Mapping[str, PriorStatement], origin: Origin) -> dict[str, str]:
        """Return the statements that ``changed`` would refuse, by name, with the reason."""
        found = {}
        for name, statement in statements.items():
            try:
                self.changed({name: statement}, origin)
            except PriorError as error:
                found[name] = str(error).removeprefix(f"{name}: ")
        return found

    def cells_of(self, name: str) -> tuple[str, ...]:
        """Names of the rates that ``rate.TARGET`` is the sum of (``PriorError``: no such target)."""
        layout, asked = self.layout, name.removeprefix(TARGET_RATE)
        names = [target.name for target in layout.targets]
        if asked not in names:
            hint = did_you_mean(asked, names)
            raise PriorError(f"{name}: there is no target {asked!r}.{hint} Targets: {', '.join(names)}.")
        held = {*layout.rate_of[layout.meets[names.index(asked)]].tolist()}
        return tuple(f"{_RATE}.{rate}" for at, rate in enumerate(layout.rates) if at in held)

    def whole_rate(self, name: str) -> str | None:
        """``rate.TARGET`` for the rate of a cell that bears a target's name but is only one of its cells."""
        asked = name.removeprefix(f"{_RATE}.")
        if name not in self.priors or asked not in (target.name for target in self.layout.targets):
            return None
        whole = f"{TARGET_RATE}{asked}"
        return whole if len(self.cells_of(whole)) > 1 else None

    def _rates_of(self, name: str, statement: PriorStatement) -> dict[str, Distribution]:
        """Priors of the cells of a target whose rate is stated: each its share of it by the defaults."""
        cells = self.cells_of(name)
        group = next(group for group in self.groups if group.name == _RATE)
        if isinstance(statement, str) and "(" not in statement and not _A_TIME.fullmatch(statement.strip()):
            raise PriorError(
                f"{name}: got {statement!r}; expected a rate such as '0.4 a year' or '0.01 a week', a "
                "distribution of acts a week, or quantiles"
            )
        whole = _read(name, statement, group, None)
        usual = {cell: float(self.priors[cell].default.quantile(0.5)) for cell in cells}
        total = sum(usual.values())
        try:
            return {cell: whole.times(each / total) for cell, each in usual.items()}
        except PriorError as error:
            raise PriorError(f"{name}: {error}") from error

    def _unknown(self, name: str) -> str:
        """Say of an unknown name what comes near it."""
        if any(name == group.name for group in self.groups):
            return "would have no effect, since no reaction is stated."
        group = next((group for group in self.groups if name.startswith(f"{group.name}.")), None)
        if group is None or group.dimension is None:
            rates = (f"{TARGET_RATE}{target.name}" for target in self.layout.targets)
            known = (*(group.name for group in self.groups), *self.priors, *rates)
            return f"unknown prior.{did_you_mean(name, known, cutoff=0.5)}"
        element, held = name.removeprefix(f"{group.name}."), elements(group, self.layout)
        hint = instead = ""
        if element not in (*CATEGORIES, *self.layout.streams):
            hint = did_you_mean(element, held, cutoff=0.5)
        elif alike := [sibling for sibling in held if sibling.startswith(f"{element}.")]:
            instead = f" State those of {element}: {', '.join(alike)}."
        return f"unknown prior. {group.name} has no {element!r}.{hint} It has: {', '.join(held)}.{instead}"


def default_priors(layout: StreamLayout) -> PriorSet:
    """Return the documented defaults of a layout; baselines are multiples of a record's own rates."""
    priors: dict[str, NamedPrior] = {}
    groups = parameter_groups()
    for group in groups:
        for name, element in zip(_names(group, layout), elements(group, layout) or (None,), strict=False):
            own = group.cooperative if group.cooperative and element in COOPERATIVE else group
            priors[name] = NamedPrior(name, own, element, own.default, own.default)
    return PriorSet(layout, groups, priors)


def log_prior(priors: PriorSet, variables: Mapping[str, Floats]) -> Floats:
    """Log prior density of draws, each variable of shape (draw, 1, …), shape (draw,)."""
    total: Floats | float = 0.0
    for group in priors.groups:
        own = priors.of_group(group)
        if own:
            values = variables[group.name].reshape(-1, len(own))
            total = total + sum(prior.distribution.log_density(values[:, k]) for k, prior in enumerate(own))
    return np.asarray(total)


def _names(group: ParameterGroup, layout: StreamLayout) -> tuple[str, ...]:
    if group.dimension is None:
        return (group.name,)
    return tuple(f"{group.name}.{element}" for element in elements(group, layout))


def _read(
    name: str, statement: PriorStatement, group: ParameterGroup, default: Distribution | None
) -> Distribution:
    try:
        if isinstance(statement, Mapping):
            return elicit(statement, group.support, group.scale)
        if not isinstance(statement, str):
            raise PriorError(f"got {statement!r}; state a word, a distribution or quantiles")
        if statement == DEFAULT and default:
            return default
        if statement in group.words:
            return group.words[statement]
        rated = group.scale.name == "a_year"
        if rated and (written := _A_TIME.fullmatch(statement.strip())):
            weekly = float(written[1]) / (1.0 if written[2] == "week" else _WEEKS_A_YEAR)
            if not 0.0 < weekly <= _WEEK:
                raise PriorError(f"got {statement!r}; a rate is above 0 and at most one a day")
            return Distribution("LogNormal", (math.log(weekly), RATE_SPREAD))
        if "(" not in statement:
            known = (*group.words, *((DEFAULT,) if default else ()))
            words = ", ".join(repr(word) for word in known)
            rate = ", a rate such as '0.4 a year'" if rated else ""
            raise PriorError(
                f"got {statement!r}; expected a distribution{rate}, or a word: {words}."
                f"{did_you_mean(statement, known)}"
            )
        distribution = parse_distribution(statement)
    except PriorError as error:
        raise PriorError(f"{name}: {error}") from error
    inside = {"real": ("real", "positive", "unit"), "positive": ("positive", "unit"), "unit": ("unit",)}
    if distribution.support not in inside[group.support]:
        allowed = {"positive": "above 0", "unit": "between 0 and 1", "real": "any number"}[group.support]
        raise PriorError(
            f"{name}: {distribution} puts mass where the parameter cannot be (it must be {allowed})"
        )
    return distribution


_LEVELS = (np.arange(1000) + 0.5) / 1000
CHANCE_SPREAD = 0.5
"""Standard deviation, on the logit, of a chance that is stated as a share."""
_WORD_CASES = 10.0
"""Cases that a word weighs as much as."""


def answer_chance(number: Distribution) -> tuple[float, tuple[float, float]]:
    """Mean and 90% interval of the chance that a trigger of severity 4 is answered, by that of answers."""
    low, high = (float(-np.expm1(-number.quantile(level))) for level in (0.05, 0.95))
    return float(-np.expm1(-number.quantile(_LEVELS)).mean()), (low, high)


def chance_prior(chance: Chance) -> Distribution | None:
    """Return the prior of a chance that is stated; ``None`` where the record alone is to tell.

    A word is a ``Beta`` with its mean in the middle of the word's band, worth ten cases, or so many that its
    density falls to either end. A share is the median of a ``LogitNormal`` with ``CHANCE_SPREAD``; quantiles
    are fitted by one. Raises ``PriorError``: no such word, or mass outside (0, 1).
    """
    if isinstance(chance, Mapping):
        return fit_quantiles(chance, "unit")
    if isinstance(chance, int | float):
        if not 0.0 < chance < 1.0:
            raise PriorError(f"got {chance:g}; a chance lies above 0 and below 1")
        return Distribution("LogitNormal", (float(scipy.special.logit(chance)), CHANCE_SPREAD))
    if chance == LEARNED:
        return None
    for word, least, most in BANDS:
        if chance == word:
            mean = (least + most) / 200
            cases = max(_WORD_CASES, 1 / mean, 1 / (1 - mean))
            return Distribution("Beta", (mean * cases, (1 - mean) * cases))
    if "(" not in chance:
        words = [LEARNED, *(word for word, _, _ in BANDS)]
        raise PriorError(f"got {chance!r};{did_you_mean(chance, words)} allowed: {', '.join(words)}")
    distribution = parse_distribution(chance)
    if distribution.support != "unit":
        raise PriorError(
            f"{distribution} puts mass outside 0 to 1, where no chance is. Use Beta or LogitNormal"
        )
    return distribution


def statement_examples(prior: NamedPrior) -> dict[str, PriorStatement]:
    """Return a statement of each form, by what the form is called, made from the prior's own default."""
    default = prior.default
    word = next(iter(prior.group.words), DEFAULT)
    own = {name: _rounded(float(default.quantile(level))) for name, level in _EXAMPLE_LEVELS}
    scale = prior.group.scale
    on_scale = {
        name: _rounded(scale.of(float(default.quantile(1 - level if scale.falls else level))))
        for name, level in _EXAMPLE_LEVELS
    }
    return {
        "word": word,
        "distribution": str(default),
        "quantiles": own,
        f"quantiles on the scale '{scale.name}' ({scale.meaning})": {scale.name: on_scale},
    }


def statement_text(statement: PriorStatement) -> str:
    """Return a statement as it is written in a config."""
    if isinstance(statement, Mapping):
        inner = ", ".join(f"{key}: {statement_text(value)}" for key, value in statement.items())  # type: ignore[arg-type]
        return f"{{{inner}}}"
    return statement if isinstance(statement, str) else f"{statement:g}"


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") + 0.0  # adding zero turns −0 into 0
