"""``forecast priors`` and ``panel``: what a forecast rests on beside its events: priors, and coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from forecast.blocks import Block, Prose, plain_table, right
from forecast.cli.options import (
    Answer,
    ConfigOptions,
    argument,
    option,
    takes_options,
)
from forecast.errors import InputError, PriorError, did_you_mean
from forecast.wording import count

if TYPE_CHECKING:
    from typer._click import Context

    from forecast.pooled_hazard.coefficients import PooledHazard
    from forecast.records.analysis import ParameterSummary


class _ShowsByDefault(TyperGroup):
    """Commands of which ``show`` may go unnamed: ``forecast priors CONFIG``."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="priors",
    cls=_ShowsByDefault,
    no_args_is_help=True,
    help="Show the priors of a config: forecast priors CONFIG.",
)
panel = typer.Typer(
    name="panel",
    no_args_is_help=True,
    help="The pooled hazard, learned on other dyads: what model families panel and combined use.",
)


@app.command("show")
@takes_options
def show_priors(
    case: ConfigOptions,
    explain: str | None = option(
        None, "--explain", "One prior in full: meaning, unit, words, reason.", "NAME"
    ),
    run: Path | None = option(
        None, "--run", "With --explain: a saved run, to show what the data made of it.", "RUN_DIR"
    ),
    *,
    answer: Answer,
) -> None:
    """List every prior: name, meaning, unit, words, value, 90% interval, and where it came from."""
    from forecast.runs.inputs import read_data

    if run and not explain:
        raise InputError("--run: shows what the data made of one prior; name it with --explain NAME")
    inputs = read_data(case.load())
    known = inputs.priors.priors
    chosen = list(known.values())
    if explain:
        names = (*known, *(prior.group.name for prior in chosen))
        chosen = [prior for prior in chosen if explain in (prior.name, prior.group.name)]
        if not chosen:
            raise PriorError(
                f"{explain}: unknown prior.{did_you_mean(explain, names)} 'forecast priors' lists them all."
            )
    after: dict[str, ParameterSummary] = {}
    if run:
        from forecast.records.analysis import Analysis
        from forecast.runs.files import read_record, refuse_changed_files

        refuse_changed_files(run, advice="")
        after = {learned.name: learned for learned in read_record(run / "analysis.json", Analysis).parameters}
    from forecast.report.case_check import explain_prior, list_priors, prior_facts

    known_after = [(prior, inputs, after.get(prior.name)) for prior in chosen]
    facts = {"priors": [prior_facts(*given) for given in known_after] if answer.json else []}
    explained = (explain_prior(*given) for given in known_after)
    answer.print(facts, explained if explain else list_priors(chosen, inputs))


@panel.command("show")
@takes_options
def show_hazard(
    file: Path | None = argument(
        "[FILE]", "A file that tools/learn/pooled_hazard.py wrote; the shipped one if absent.", None
    ),
    *,
    output: Answer,
) -> None:
    """Show coefficients with their errors, and what they were learned from."""
    from forecast.pooled_hazard.coefficients import read_hazard, shipped_hazard

    known = read_hazard(file) if file else shipped_hazard()
    output.print({"panel": known.model_dump(mode="json", by_alias=True)}, _of_hazard(known))


def _of_hazard(learned: PooledHazard) -> Iterator[Block]:
    from forecast.pooled_hazard.coefficients import LEAST_DYADS

    provenance = learned.provenance
    yield Prose(
        f"Learned from {provenance.in_words()}. {provenance.rows:,} rows of "
        f"{count(len(provenance.targets), 'kind')} of target."
    )
    for coder in learned.coders:
        n = sum(dyad.coder == coder.coder for dyad in provenance.dyads)
        if n < LEAST_DYADS:
            yield Prose(
                f"Caution: {count(n, 'dyad')} of {coder.coder} cannot tell how dyads differ. Forecasts rest "
                "on the past of these alone, and intervals are too narrow for others."
            )
    yield Prose(f"Source: {provenance.source}. Command: {provenance.command}.")
    for line in provenance.listed():
        yield Prose(line)
    for coder in learned.coders:
        n = len(learned.features) + 1
        rows = [
            (
                name,
                f"{coder.mean[place]:+.3f}",
                f"{coder.covariance[place][place] ** 0.5:.3f}",
                f"{coder.mean[n + place]:+.3f}",
            )
            for place, name in enumerate(("intercept", *learned.features))
        ]
        heads = "Feature", right("effect"), right("error"), right("military")
        yield plain_table(heads, rows, f"Coefficients learned from {coder.coder}")
    yield Prose(
        "Effect: change of the log hazard, against the dyad's own gamma-Poisson rate, for one standard "
        "deviation of the feature; its error takes dyads as units. Military: what is added for a target of "
        "military acts alone, beside one without any."
    )
