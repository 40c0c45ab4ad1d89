"""``forecast priors``: every prior of a config by name, with its meaning and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from forecast.cli.options import (
    Answer,
    ConfigOptions,
    Output,
    argument,
    option,
    refuse_unwritable,
    takes_options,
)
from forecast.cli.terminal import listening
from forecast.errors import InputError, PriorError, did_you_mean
from forecast.progress import StageProgress

if TYPE_CHECKING:
    from typer._click import Context

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
    help="Show the priors of a config: forecast priors CONFIG; or learn default priors from many dyads.",
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
        from forecast.runs.folder import read_record, refuse_changed_files

        refuse_changed_files(run, advice="")
        after = {learned.name: learned for learned in read_record(run / "analysis.json", Analysis).parameters}
    from forecast.report.case_check import explain_prior, list_priors, prior_facts

    known_after = [(prior, inputs, after.get(prior.name)) for prior in chosen]
    facts = {"priors": [prior_facts(*given) for given in known_after] if answer.json else []}
    explained = (explain_prior(*given) for given in known_after)
    answer.print(facts, explained if explain else list_priors(chosen, inputs))


@app.command("learn")
@takes_options
def learn(
    folder: Path = argument("DIR", "Folder of coded event files, one dyad a file."),
    *,
    out: Path = option(..., "--out", "File to write, for model.population in a config.", "FILE"),
    source: str = option("not stated", "--source", "Origin and terms of the events, for the file.", "TEXT"),
    seed: int = option(1, "--seed", "Seed of thinning and fits.", min=0),
    keep: Path | None = option(
        None, "--keep", "Keep finished fits in this folder, and go on from those there.", "FOLDER"
    ),
    force: bool = option(False, "--force", "Replace the file."),
    output: Output,
) -> None:
    """Learn default priors from many dyads: about forty minutes for thirty of them."""
    refuse_unwritable(out, force=force)
    with listening(shown=output.for_people) as listen:
        from forecast.bench.beds import read_dyads
        from forecast.events.reading import write_whole
        from forecast.inference.posterior import SamplerOptions
        from forecast.report.case_check import describe_population
        from forecast.workflows.population import LearningOptions, learn_population, population_yaml

        options = LearningOptions(
            sampler=SamplerOptions(seed=seed, draws=300, tune=300),
            source=source,
            command=f"forecast priors learn {folder.name} --out {out.name} --seed {seed}",
        )

        def told(done: int, planned: int) -> None:
            listen(StageProgress("learn", done, planned))

        learned = learn_population(read_dyads(folder), options, told, keep=keep)
        write_whole(out, population_yaml(learned).encode())
    facts = {"written": str(out), "population": learned.model_dump(mode="json", by_alias=True)}
    output.print(facts, describe_population(learned, out))
