"""One prior in full on the terminal: meaning, unit, default, words, what is set, how to write it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecast.priors import Distribution, NamedPrior
    from forecast.priors.elicitation import Elicited
    from forecast.records.analysis import ParameterSummary

WIDTH = 80


def explain_lines(prior: NamedPrior, posterior: ParameterSummary | None) -> Iterator[str]:
    """Yield the explanation of a prior, and of what the data made of it where a run is given."""
    from forecast.priors.resolve import statement_examples, statement_text

    scale = prior.group.scale
    yield f"{prior.name}  [{prior.origin}]"
    yield from wrapped(f"{prior.group.meaning}.")
    yield from wrapped(f"Unit: {prior.group.unit}. Read as: {scale.meaning}.")
    yield from wrapped(f"Prior: {spread(prior.distribution)}")
    yield from wrapped(f"In plain terms: {prior.reading}.")
    if prior.elicited:
        yield from wrapped(f"Fitted to quantiles: {achieved(prior.elicited)}.")
    if prior.origin != "default":
        yield from wrapped(f"Default: {spread(prior.default)}")
    yield from wrapped(f"Why the default: {prior.group.reason}")
    if posterior is not None:
        yield from posterior_lines(prior, posterior)
    yield "  Words"
    for word, known in (*prior.group.words.items(), ("default", prior.default)):
        yield from wrapped(f"{word!r} = {spread(known)}", indent="    ")
        yield from wrapped(f"{_reading(prior, known)}.", indent="      ")
    yield "  To set it, under model.priors in the config"
    for form, statement in statement_examples(prior).items():
        yield from wrapped(f"{prior.name}: {statement_text(statement)}", indent="    ")
        yield from wrapped(f"a {form}" if not form.startswith("quantiles") else form, indent="      ")


def posterior_lines(prior: NamedPrior, posterior: ParameterSummary) -> Iterator[str]:
    """Yield what the data made of a prior, on the human scale."""
    low, high = posterior.posterior_interval90
    reading = prior.group.scale.read(low, posterior.posterior_mean, high)
    yield from wrapped(
        f"After the data: mean {posterior.posterior_mean:.3g}, 90% between {low:.3g} and {high:.3g}: "
        f"{reading}."
    )
    before = posterior.prior_interval90[1] - posterior.prior_interval90[0]
    left = (high - low) / before
    yield from wrapped(
        f"The data left {min(left, 9.99):.0%} of the width of the prior that the run used "
        f"({posterior.prior})."
    )


def set_prior_lines(priors: list[NamedPrior]) -> Iterator[str]:
    """Yield the priors that a config sets, as they were understood."""
    for prior in priors:
        yield from wrapped(f"{prior.name}: {spread(prior.distribution)}")
        yield from wrapped(f"{_reading(prior, prior.distribution)}.", indent="    ")
        if prior.elicited:
            yield from wrapped(f"Fitted to quantiles: {achieved(prior.elicited)}.", indent="    ")


def achieved(elicited: Elicited) -> str:
    """Stated quantiles beside those of the fitted distribution."""
    if elicited.exact:
        stated = ", ".join(f"{one.name} {_shown(elicited, one.stated)}" for one in elicited.quantiles)
        return f"{stated}; all met"
    return "; ".join(
        f"{one.name} {_shown(elicited, one.stated)} was asked, {_shown(elicited, one.achieved)} is met"
        for one in elicited.quantiles
    )


def spread(distribution: Distribution) -> str:
    """A distribution with its median and 90% range."""
    low, middle, high = distribution.quantile([0.05, 0.5, 0.95]).tolist()
    return f"{distribution}; median {middle:.3g}, 90% between {low:.3g} and {high:.3g}."


def wrapped(text: str, indent: str = "  ") -> Iterator[str]:
    """Yield the lines of a text that fit the terminal."""
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _reading(prior: NamedPrior, distribution: Distribution) -> str:
    low, middle, high = distribution.quantile([0.05, 0.5, 0.95]).tolist()
    text = prior.group.scale.read(low, middle, high)
    return text[:1].upper() + text[1:]


def _shown(elicited: Elicited, value: float) -> str:
    return elicited.scale.short(value) if elicited.scale else f"{value:.3g}"
