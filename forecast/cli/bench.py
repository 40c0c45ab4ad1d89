"""``forecast bench``: speed, reading of feeds, calibration of inference."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from forecast.cli.options import RUN_DIR, Output, option, takes_options
from forecast.cli.programs import refuse_without_app
from forecast.cli.terminal import listening
from forecast.progress import StageProgress

if TYPE_CHECKING:
    pass

app = typer.Typer(
    name="bench",
    help="Measure speed, accuracy and convergence on many dyads, calibration of inference, reading of feeds.",
)


@dataclass(frozen=True, kw_only=True)
class SpeedChoice:
    """Whose speed is measured, and how long."""

    config: Path = option(
        Path("configs/us-china-2023.yaml"), "--config", "Config whose model is measured.", "CONFIG"
    )
    quick: bool = option(False, "--quick", "Few draws and one round: minutes less, and less exact.")
    rounds: int = option(2, "--rounds", "Rounds in which the samplers take turns.", min=1)


@app.callback(invoke_without_command=True)
@takes_options
def bench(context: typer.Context, choice: SpeedChoice, output: Output) -> None:
    """Measure: speed (the default); accuracy and convergence on dyads; calibration; reading of feeds."""
    if context.invoked_subcommand is None:
        _measure_speed(choice, output)
        return
    sources = filter(None, map(context.get_parameter_source, context.params))
    if any(source.name == "COMMANDLINE" for source in sources):
        raise typer.BadParameter(f"options go after the name: forecast bench {context.invoked_subcommand} …")


@app.command("speed")
@takes_options
def speed(choice: SpeedChoice, output: Output) -> None:
    """Measure our core beside PyMC's and NumPyro's samplers on the same model in plain PyMC."""
    _measure_speed(choice, output)


@app.command("page")
@takes_options
def page(
    run_dir: Path = RUN_DIR,
    changes: int = option(200, "--changes", "Changes of each kind.", min=20),
    *,
    output: Output,
) -> None:
    """Measure how long the scenario page waits for an answer."""
    refuse_without_app()

    from forecast.app.timing import measure_page

    timing = measure_page(run_dir, changes, _teller(output))
    output.print(timing.model_dump_json(), timing.blocks())


def _measure_speed(choice: SpeedChoice, output: Output) -> None:
    from forecast.bench.speed import SpeedOptions, measure_speed

    options = SpeedOptions(rounds=choice.rounds, quick=choice.quick)
    report = measure_speed(choice.config, options, _teller(output))
    output.print(report.facts(), report.blocks())


def _teller(output: Output) -> Callable[[str], None]:
    shown = output.for_people and sys.stderr.isatty()

    def tell(what: str) -> None:
        if shown:
            typer.echo(f"forecast bench: {what}", err=True)

    return tell


@app.command("ingest")
@takes_options
def ingest(
    rows: int = option(1_000_000, "--rows", "GDELT 2.0 rows to make and read.", min=1_000),
    sample: Path | None = option(
        None, "--sample", "Repeat these GDELT 2.0 rows instead of made-up ones.", "FILE"
    ),
    threads: int = option(2, "--threads", "Threads of the engine.", min=1),
    seed: int = option(0, "--seed", "Seed of the made-up rows."),
    *,
    output: Output,
) -> None:
    """Measure a whole import from zipped text and from Parquet, beside pandas reading the same rows."""
    from forecast.bench.ingest import measure_ingest

    report = measure_ingest(rows, _teller(output), threads=threads, seed=seed, sample=sample)
    runs = [vars(run) | {"rows_per_second": run.rows_per_second} for run in report.runs]
    output.print(vars(report) | {"runs": runs}, report.blocks())


@app.command("calibration")
@takes_options
def calibration(
    simulations: int = option(200, "--simulations", "Data sets simulated.", min=20),
    size: Literal["sparse", "dense"] = option(
        "dense", "--size", "Records of about 30 events in ten years, or as large as the worked case."
    ),
    wrong: bool = option(False, "--wrong", "Count every act twice, to see that the study fails."),
    seed: int = option(11, "--seed", "Seed of the study.", min=0),
    *,
    output: Output,
) -> None:
    """Draw truths from the prior and data from the truths; rank the truths among posterior draws."""
    with listening(shown=output.for_people) as listen:
        from forecast.bench.simulation_based_calibration import default_study

        study = default_study(
            size,
            simulations,
            seed=seed,
            wrong=wrong,
            listen=lambda finished, planned: listen(StageProgress("simulate", finished, planned)),
        )
    output.print(study.facts(), study.blocks())
