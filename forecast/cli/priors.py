"""``forecast priors``: every prior of a config by name, with its meaning and where it came from."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import ConfigFile, Json, Overrides

if TYPE_CHECKING:
    from forecast.priors import NamedPrior

WIDTH = 80


def priors(
    config: ConfigFile,
    overrides: Overrides = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="NAME", help="One prior in full: meaning, unit, words, reason."),
    ] = None,
    json: Json = False,
) -> None:
    """List every prior: name, meaning, unit, words, value, 90% range, and where it came from."""
    from forecast.config import load_config
    from forecast.errors import PriorError
    from forecast.events.codebook import did_you_mean
    from forecast.inputs import resolve_priors

    resolved = resolve_priors(load_config(config, overrides or ()))
    chosen = list(resolved.priors.values())
    if explain:
        names = (*resolved.priors, *(group.name for group in resolved.groups))
        chosen = [prior for prior in chosen if explain in (prior.name, prior.group.name)]
        if not chosen:
            raise PriorError(
                f"{explain}: unknown prior.{did_you_mean(explain, names)} 'forecast priors' lists them all."
            )
    if json:
        import json as json_text

        typer.echo(json_text.dumps({"priors": [_as_dict(prior) for prior in chosen]}))
    elif explain:
        for prior in chosen:
            _explain(prior)
    else:
        _print_list(chosen)


def _as_dict(prior: NamedPrior) -> dict[str, object]:
    lower, median, upper = prior.distribution.quantile([0.05, 0.5, 0.95])
    return {
        "name": prior.name,
        "meaning": prior.group.meaning,
        "unit": prior.group.unit,
        "distribution": str(prior.distribution),
        "word": prior.words,
        "words": {word: str(known) for word, known in prior.group.words.items()},
        "q05": float(lower),
        "median": float(median),
        "q95": float(upper),
        "origin": prior.origin,
        "reason": prior.group.reason,
    }


def _explain(prior: NamedPrior) -> None:
    facts = _as_dict(prior)
    typer.echo(f"{prior.name}  [{prior.origin}]")
    _echo_wrapped(f"{prior.group.meaning} ({prior.group.unit}).")
    _echo_wrapped(f"Prior: {facts['distribution']}; 90% between {facts['q05']:.3g} and {facts['q95']:.3g}.")
    _echo_wrapped(f"Why the default: {prior.group.reason}")
    for word, known in prior.group.words.items():
        typer.echo(f"  {word!r} = {known}")


def _print_list(priors: list[NamedPrior]) -> None:
    """One block a group: its name, meaning, unit and words, then a line for each prior in it."""
    for name, members in groupby(priors, key=lambda prior: prior.group.name):
        own = list(members)
        group = own[0].group
        typer.echo(f"{name}{'.KIND' if own[0].element else ''}  [{group.unit}]")
        _echo_wrapped(f"{group.meaning}.")
        if group.words:
            _echo_wrapped(f"Words: {', '.join(group.words)}.")
        same = len({(prior.distribution, prior.origin) for prior in own}) == 1
        if same and own[0].element:
            _echo_wrapped(f"Kinds: {', '.join(prior.element or '' for prior in own)}.")
        for prior in own[:1] if same else own:
            element = f"all {len(own)} kinds" if same and prior.element else prior.element or ""
            lower, upper = prior.distribution.quantile([0.05, 0.95])
            typer.echo(
                f"  {element:<17}  {prior.distribution!s:<31}  {lower:>6.3g} to {upper:<6.3g}  {prior.origin}"
            )
        typer.echo()
    _echo_wrapped(
        "After each distribution: its 90% range, and where the prior came from. Set one in the config under "
        "model.priors, or for one run, e.g. --set model.priors.tension.persistence=slow. A name without "
        ".KIND sets all of its kinds. More on one: --explain NAME.",
        indent="",
    )


def _echo_wrapped(text: str, indent: str = "  ") -> None:
    typer.echo(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent))
