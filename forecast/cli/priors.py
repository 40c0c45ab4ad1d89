"""``forecast priors``: every prior of a config by name, with its meaning and where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import ConfigFile, Json, Overrides
from forecast.cli.prior_lines import explain_lines, wrapped

if TYPE_CHECKING:
    from forecast.priors import Distribution, NamedPrior
    from forecast.records.analysis import ParameterSummary


def priors(
    config: ConfigFile,
    overrides: Overrides = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="NAME", help="One prior in full: meaning, unit, words, reason."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", metavar="RUN_DIR", help="With --explain: a saved run, to show what the data made of it."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List every prior: name, meaning, unit, words, value, 90% range, and where it came from."""
    from forecast.config import load_config
    from forecast.errors import InputError, PriorError, did_you_mean
    from forecast.runs.inputs import resolve_priors

    if run and not explain:
        raise InputError("--run: shows what the data made of one prior; name it with --explain NAME")
    _, models = resolve_priors(load_config(config, overrides or ()))
    # Models of one family share their parameters.
    known = {name: one for _, priors in models for name, one in priors.priors.items()}
    chosen = list(known.values())
    if explain:
        names = (*known, *(prior.group.name for prior in chosen))
        chosen = [prior for prior in chosen if explain in (prior.name, prior.group.name)]
        if not chosen:
            raise PriorError(
                f"{explain}: unknown prior.{did_you_mean(explain, names)} 'forecast priors' lists them all."
            )
    after = _posteriors(run) if run else {}
    if json:
        import json as json_text

        rows = [_as_dict(prior, after.get(prior.name)) for prior in chosen]
        typer.echo(json_text.dumps({"priors": rows}))
    elif explain:
        for prior in chosen:
            _echo(explain_lines(prior, after.get(prior.name)))
    else:
        _print_list(chosen)


def _posteriors(run: Path) -> dict[str, ParameterSummary]:
    """Posterior summaries of a saved run, by parameter name."""
    from forecast.records.analysis import Analysis
    from forecast.runs.folder import read_record

    return {one.name: one for one in read_record(run / "analysis.json", Analysis).parameters}


def _as_dict(prior: NamedPrior, posterior: ParameterSummary | None) -> dict[str, object]:
    from forecast.priors.resolve import statement_examples

    facts: dict[str, object] = {
        "name": prior.name,
        "meaning": prior.group.meaning,
        "unit": prior.group.unit,
        "distribution": str(prior.distribution),
        "word": prior.words,
        "words": {word: str(known) for word, known in prior.group.words.items()},
        **_quantiles(prior.distribution),
        "plain": prior.reading,
        "scale": prior.group.scale.name,
        "scale_meaning": prior.group.scale.meaning,
        "default": {"distribution": str(prior.default), **_quantiles(prior.default)},
        "word_quantiles": {word: _quantiles(known) for word, known in prior.group.words.items()},
        "examples": statement_examples(prior),
        "origin": prior.origin,
        "reason": prior.group.reason,
    }
    if prior.elicited:
        facts["elicited"] = [vars(one) for one in prior.elicited.quantiles]
    if posterior is not None:
        facts["posterior"] = posterior.model_dump(mode="json")
    return facts


def _quantiles(distribution: Distribution) -> dict[str, float]:
    lower, median, upper = distribution.quantile([0.05, 0.5, 0.95]).tolist()
    return {"q05": lower, "median": median, "q95": upper}


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
    _echo(wrapped(text, indent))


def _echo(lines: Iterator[str]) -> None:
    for line in lines:
        typer.echo(line)
