"""``forecast priors``: every prior of a config by name, with its meaning and where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import ConfigFile, Json, Overrides

if TYPE_CHECKING:
    from forecast.priors import NamedPrior


def priors(
    config: ConfigFile,
    overrides: Overrides = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="NAME", help="One prior in full: meaning, unit, words, reason."),
    ] = None,
    json: Json = False,
) -> None:
    """List every prior: name, value, 90% range, unit, and whether it is a default."""
    from forecast.config import load_config
    from forecast.errors import PriorError
    from forecast.inputs import resolve_priors
    from forecast.events.codebook import did_you_mean

    resolved = resolve_priors(load_config(config, overrides or ()))
    chosen = list(resolved.priors.values())
    if explain:
        names = (*resolved.priors, *(group.name for group in resolved.groups))
        chosen = [prior for prior in chosen if explain in (prior.name, prior.group.name)]
        if not chosen:
            raise PriorError(f"{explain}: unknown prior.{did_you_mean(explain, names)} 'forecast priors' lists them all.")
    if json:
        import json as json_text

        typer.echo(json_text.dumps({"priors": [_as_dict(prior) for prior in chosen]}))
    elif explain:
        for prior in chosen:
            _explain(prior)
    else:
        _print_table(chosen)


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
    typer.echo(f"  {prior.group.meaning} ({prior.group.unit}).")
    typer.echo(f"  Prior: {facts['distribution']}; 90% between {facts['q05']:.3g} and {facts['q95']:.3g}.")
    typer.echo(f"  Why the default: {prior.group.reason}")
    for word, known in prior.group.words.items():
        typer.echo(f"  '{word}' = {known}")


def _print_table(priors: list[NamedPrior]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Prior", "Distribution", "Median", "90% range", "Unit", "From"):
        table.add_column(heading, justify="right" if heading == "Median" else "left", overflow="fold")
    for prior in priors:
        lower, median, upper = prior.distribution.quantile([0.05, 0.5, 0.95])
        table.add_row(
            prior.name,
            str(prior.distribution),
            f"{median:.3g}",
            f"{lower:.3g} … {upper:.3g}",
            prior.group.unit,
            prior.origin,
        )
    Console(highlight=False).print(table)
