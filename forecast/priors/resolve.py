"""Named priors of a model: the defaults, changed by what a config or scenario states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from forecast.errors import PriorError, did_you_mean
from forecast.panel.streams import StreamLayout
from forecast.priors.catalogue import ParameterGroup, elements, parameter_groups
from forecast.priors.distributions import Distribution, as_words, parse_distribution
from forecast.priors.elicitation import Elicited, elicit

Origin = Literal["default", "config", "scenario"]
PriorStatement = str | Mapping[str, object]
GONE = ("severity", "density")
"""First parts of the names of priors of earlier versions."""
DEFAULT = "default"
"""The word that every prior knows: what it is where nothing is stated."""
_EXAMPLE_LEVELS = (("q05", 0.05), ("median", 0.5), ("q95", 0.95))


@dataclass(frozen=True)
class NamedPrior:
    """The prior of one parameter and where it came from.

    ``default`` is what the word ``default`` stands for; ``elicited`` holds stated and achieved quantiles
    where the prior was given as quantiles.
    """

    name: str
    group: ParameterGroup
    element: str | None
    distribution: Distribution
    default: Distribution
    origin: Origin = "default"
    elicited: Elicited | None = None

    @property
    def documented(self) -> Distribution:
        """The documented default, which ``default`` differs from where it was learned from other dyads."""
        return self.group.default_of.get(self.element or "", self.group.default)

    @property
    def words(self) -> str | None:
        """The word that stands for the prior, if one does."""
        known = as_words(self.distribution, self.group.words)
        return known or (DEFAULT if self.distribution == self.default else None)

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

    def has(self, name: str) -> bool:
        """Whether a parameter or a group of this name is among them."""
        return name in self.priors or any(group.name == name for group in self.groups)

    def of_group(self, group: ParameterGroup) -> tuple[NamedPrior, ...]:
        """Priors of a group's elements, in the order of its dimension."""
        return tuple(self.priors[name] for name in _names(group, self.layout))

    def changed(self, statements: Mapping[str, PriorStatement], origin: Origin) -> PriorSet:
        """Return a copy in which the stated priors, by parameter or group, replace the present ones.

        A group name sets all its elements; a parameter's own name wins over its group's.

        Raises ``PriorError``: unknown name (with a suggestion), unreadable statement, or support that does
        not fit. The message starts with the name.
        """
        groups = {group.name: group for group in self.groups}
        # A group without dimension has its own name as parameter; sort so that single elements come last.
        result = dict(self.priors)
        for name in sorted(statements, key=lambda name: name in self.priors):
            if name in self.priors:
                changed = [self.priors[name]]
            elif name in groups:
                changed = list(self.of_group(groups[name]))
            elif name.split(".")[0] in GONE:
                raise PriorError(
                    f"{name}: no longer a prior. Severities cut the acts into cells with rates of their own: "
                    "state baseline.weekly_rate of a cell for how often it comes, and excitation.severity for "
                    "how much more conflict a graver act brings about. 'forecast priors CONFIG' lists them all."
                )
            else:
                hint = did_you_mean(name, (*groups, *self.priors), cutoff=0.5)
                raise PriorError(f"{name}: unknown prior.{hint} 'forecast priors CONFIG' lists them all.")
            for prior in changed:
                distribution, elicited = _read(name, statements[name], prior.group, prior.default)
                result[prior.name] = replace(
                    prior, distribution=distribution, origin=origin, elicited=elicited
                )
        return replace(self, priors=result)


def default_priors(layout: StreamLayout) -> PriorSet:
    """Return the documented defaults of a layout; baselines are multiples of a record's own rates."""
    priors: dict[str, NamedPrior] = {}
    groups = parameter_groups()
    for group in groups:
        for name, element in zip(_names(group, layout), elements(group, layout) or (None,), strict=False):
            own = group
            if group.cooperative and element in layout.cooperative:
                own = group.cooperative
            distribution = own.default_of.get(element or "", own.default)
            priors[name] = NamedPrior(name, own, element, distribution, distribution)
    return PriorSet(layout, groups, priors)


def _names(group: ParameterGroup, layout: StreamLayout) -> tuple[str, ...]:
    if group.dimension is None:
        return (group.name,)
    return tuple(f"{group.name}.{element}" for element in elements(group, layout))


def read_prior(name: str, statement: PriorStatement, group: ParameterGroup) -> Distribution:
    """Read a word, a distribution or quantiles as the prior of a parameter of a group.

    Raises ``PriorError``: the statement cannot be read, or its support does not fit; the message starts with
    ``name``.
    """
    return _read(name, statement, group, None)[0]


def _read(
    name: str, statement: PriorStatement, group: ParameterGroup, default: Distribution | None
) -> tuple[Distribution, Elicited | None]:
    try:
        if isinstance(statement, Mapping):
            elicited = elicit(statement, group.support, group.scale)
            return elicited.distribution, elicited
        if not isinstance(statement, str):
            raise PriorError(f"got {statement!r}; state a word, a distribution or quantiles")
        if statement == DEFAULT and default:
            return default, None
        if statement in group.words:
            return group.words[statement], None
        if "(" not in statement:
            known = (*group.words, *((DEFAULT,) if default else ()))
            words = ", ".join(repr(word) for word in known)
            raise PriorError(
                f"got {statement!r}; expected a distribution, or a word: {words}."
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
    return distribution, None


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
