"""``forecast check``: validate a config, read it back in English, show what its priors imply."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.figure_option import checked_figure
from forecast.cli.options import AsOf, ConfigFile, Json, Overrides, Quiet, Seed, day
from forecast.cli.prior_lines import set_prior_lines
from forecast.wording import count, long_day, percent, points, times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from forecast.panel.reporting_delay import DelayCurve
    from forecast.priors import NamedPrior
    from forecast.runs.inputs import Inputs
    from forecast.sensitivity.prior_predictive import PriorPredictive


def check(
    config: ConfigFile,
    overrides: Overrides = None,
    as_of: AsOf = None,
    seed: Seed = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            help="Draw the priors that the config sets, and what all imply (.svg, .png, .pdf).",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Validate a config and its events, read it back in plain English; nothing is fitted."""
    from forecast.config import config_hash, describe_config, load_config
    from forecast.events.dyads import selection_notes
    from forecast.runs.inputs import read_inputs
    from forecast.scenarios import plan_scenarios
    from forecast.sensitivity.prior_predictive import prior_predictive

    checked_figure(plot, "--plot")
    loaded = load_config(config, overrides or (), as_of=day(as_of), seed=seed)
    inputs = read_inputs(loaded)
    plans = plan_scenarios(inputs, inputs.scenarios)
    implied = prior_predictive(inputs, loaded.sampler.seed)
    changed = [prior for prior in inputs.priors.priors.values() if prior.origin != "default"]
    if plot:
        _draw(changed, inputs, implied, plot)
    if json:
        import json as json_text

        facts = {
            "valid": True,
            "name": loaded.name,
            "config_sha256": config_hash(loaded),
            "events": len(inputs.events),
            "dyad": inputs.dyad.to_dict(),
            "rows_left_out": inputs.rows_left_out,
            "left_out": [one._asdict() for one in inputs.left_out],
            "notes": [*selection_notes(inputs.dyad, inputs.events, inputs.left_out)],
            "events_fitted": int(inputs.data.counts.sum()),
            "prior_predictive": vars(implied),
            "known_share_of_last_weeks": inputs.data.completeness[0, -1:-5:-1].tolist(),
            "priors_set": [_set_prior(prior) for prior in changed],
            "plot": str(plot) if plot else None,
            "scenarios": [plan.scenario.name for plan in plans],
        }
        typer.echo(json_text.dumps(facts))
    elif not quiet:
        typer.echo(describe_config(loaded))
        if changed:
            typer.echo("\nPriors as understood")
            for line in set_prior_lines(changed):
                typer.echo(line)
        if plans:
            typer.echo("\nScenarios")
        for plan in plans:
            line = f"{plan.scenario.title} ({plan.scenario.name}): {plan.in_words}."
            typer.echo(textwrap.fill(line, 80, initial_indent="  ", subsequent_indent="    "))
        _print_data(inputs)
        _print_implied(inputs, implied)
        if plot:
            typer.echo(f"\nFigure   {plot}")


def _draw(changed: list[NamedPrior], inputs: Inputs, implied: PriorPredictive, path: Path) -> None:
    from forecast.report.exports import write_figure
    from forecast.report.prior_figure import draw_priors

    titles = {rule.name: inputs.config.target_title(rule.name) for rule in inputs.rules}
    write_figure(draw_priors(changed, implied, titles), path)


def _set_prior(prior: NamedPrior) -> dict[str, object]:
    facts: dict[str, object] = {
        "name": prior.name,
        "distribution": str(prior.distribution),
        "plain": prior.reading,
    }
    if prior.elicited:
        facts["elicited"] = [vars(one) for one in prior.elicited.quantiles]
    return facts


def _print_data(inputs: Inputs) -> None:
    events, grid, day = inputs.events, inputs.data.grid, inputs.config.as_of
    typer.echo("\nData")
    known, fitted = count(len(events), "event"), int(inputs.data.counts.sum())
    typer.echo(f"  {known} known by {long_day(day)}, {fitted:,} of them from {long_day(grid.start)} on.")
    for line in _selection_lines(inputs):
        typer.echo(
            textwrap.fill(line, 80, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
        )
    if inputs.delay is not None:
        for line in _delay_lines(inputs.delay, inputs.data.completeness[0]):
            typer.echo(f"  {line}")
    for rule in inputs.rules:
        seen = int(rule.mask(events.between(grid.start, day)).sum())
        remark = f"seen {times(seen)}" if seen else "never seen: the prior speaks"
        typer.echo(f"  {inputs.config.target_title(rule.name)}: {remark}.")


def _selection_lines(inputs: Inputs) -> Iterator[str]:
    import numpy as np

    from forecast.events.dyads import Direction, left_out_in_words, selection_notes

    dyad = inputs.dyad
    a, b = inputs.config.dyad.names
    _, forth, back, theatre = np.bincount(dyad.directions(inputs.events), minlength=len(Direction)).tolist()
    third = f", {theatre:,} with third parties ({', '.join(dyad.theatre)})" if dyad.theatre else ""
    yield f"{forth:,} by {a} towards {b}, {back:,} by {b} towards {a}{third}."
    if inputs.left_out:
        yield f"Left out as acts of others: {left_out_in_words(inputs.left_out, inputs.rows_left_out)}."
    for note in selection_notes(dyad, inputs.events, inputs.left_out):
        yield f"Note: {note}"


def _delay_lines(delay: DelayCurve, known: NDArray[np.float64]) -> tuple[str, str]:
    recent = ", ".join(percent(float(share)) for share in known[-1:-5:-1])
    source = f"estimated from {delay.acts:,} acts" if delay.acts else "as stated"
    return (
        f"Reporting delay, {source}: mean {delay.mean_days:.1f} days.",
        f"Taken to be known of the last weeks, the latest first: {recent}.",
    )


def _print_implied(inputs: Inputs, implied: PriorPredictive) -> None:
    typer.echo("\nWhat the priors imply, before any event (simulated years)")
    typer.echo(f"  {'Acts a month':<20}  {'median':>8}  {'90% range':>12}  {'in the data':>11}")
    for name, (low, middle, high) in implied.acts_a_month.items():
        span = f"{low:.1f} to {high:.0f}"
        seen = implied.observed_a_month[name]
        typer.echo(f"  {name.replace('_', ' '):<20}  {middle:>8.1f}  {span:>12}  {seen:>11.1f}")
    for name, probability in implied.target_within_year.items():
        typer.echo(
            f"  {inputs.config.target_title(name)} within a year: {percent(probability)} (Monte Carlo error "
            f"{points(implied.mcse[name], 0)})."
        )
