"""``forecast bench``: what this machine and these models reach; here speed and the reading of feeds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import typer

from forecast.cli.bench_accuracy import accuracy, calibration
from forecast.cli.options import Output, option, takes_options
from forecast.cli.terminal import BLANK, Part, Table, left, right, text

if TYPE_CHECKING:
    from forecast.bench.ingest import IngestReport
    from forecast.bench.speed import SpeedReport

app = typer.Typer(
    name="bench",
    help="Measure speed, accuracy on a folder of dyads, calibration of inference, reading of feeds.",
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
    """Measure: speed (the default); accuracy on dyads; calibration of inference; reading of feeds."""
    if context.invoked_subcommand is None:
        _measure_speed(choice, output)
    elif any(_was_typed(context, name) for name in context.params):
        raise typer.BadParameter(f"options go after the name: forecast bench {context.invoked_subcommand} …")


def _was_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@app.command("speed")
@takes_options
def speed(choice: SpeedChoice, output: Output) -> None:
    """Measure our sampler beside PyMC's and NumPyro's on the naive form of the same model."""
    _measure_speed(choice, output)


def _measure_speed(choice: SpeedChoice, output: Output) -> None:
    from forecast.bench.speed import SpeedOptions, measure_speed

    options = SpeedOptions(rounds=choice.rounds, quick=choice.quick)
    report = measure_speed(choice.config, options, _teller(output))
    output.print(_facts(report), speed_tables(report))


def _teller(output: Output) -> Callable[[str], None]:
    shown = output.for_people and sys.stderr.isatty()

    def tell(what: str) -> None:
        if shown:
            typer.echo(f"forecast bench: {what}", err=True)

    return tell


def speed_tables(report: SpeedReport) -> Iterator[Part]:
    """Yield gradients, samplers and the stages of a run."""
    fused, naive = (report.gradient_microseconds[form] for form in ("fused", "naive"))
    yield text("One gradient")
    yield text(f"fused {fused:.0f} µs, naive {naive:.0f} µs: {naive / fused:.1f} times faster", indent=2)
    yield BLANK
    yield from _samplers(report)
    yield BLANK
    cold, warm = report.stages["cold"], report.stages["warm"]
    yield text("A whole run, seconds")
    rows = [(stage, cold.seconds.get(stage, 0.0), seconds) for stage, seconds in warm.seconds.items()]
    rows += [("all", cold.total_seconds, warm.total_seconds)]
    shown = [(stage, f"{first:.1f}", f"{second:.1f}") for stage, first, second in rows]
    shown += [("peak memory, MiB", f"{cold.peak_mebibytes:.0f}", f"{warm.peak_mebibytes:.0f}")]
    yield Table((left(width=26), right("first", 6), right("second", 7)), shown)


def _samplers(report: SpeedReport) -> Iterator[Part]:
    from forecast.bench.samplers import NUMPYRO, OURS

    heads = ("total s", "sampling s", "ESS", "ESS/s", "R-hat", "div.")
    rows = []
    for sampler in report.samplers:
        runs = report.runs_of(sampler)
        rows.append(
            (
                sampler,
                f"{mean(run.total_seconds for run in runs):.1f}",
                f"{mean(run.sampling_seconds for run in runs):.1f}",
                f"{mean(run.ess_bulk_min for run in runs):.0f}",
                f"{mean(run.ess_per_second for run in runs):.1f}",
                f"{max(run.rhat_max for run in runs):.3f}",
                f"{sum(run.divergences for run in runs)}",
            )
        )
    yield text("Samplers (means of the rounds; ESS is the least bulk ESS)")
    yield Table((left(), *map(right, heads)), rows)
    for sampler in report.samplers:
        if sampler != OURS:
            yield text(
                f"{report.times_faster(sampler):.1f} times the ESS/s of {sampler} "
                f"({report.times_faster(sampler, total=True):.1f} with compiling)",
                indent=2,
            )
    if NUMPYRO not in report.samplers:
        yield text("NumPyro left out: not installed (make bench does so).", indent=2)


def _facts(report: SpeedReport) -> dict[str, object]:
    from forecast.bench.samplers import OURS

    return {
        "config": report.config,
        "machine": report.machine,
        "gradient_microseconds": report.gradient_microseconds,
        "rounds": [
            [vars(run) | {"ess_per_second": run.ess_per_second} for run in runs] for runs in report.rounds
        ],
        "times_faster": {
            sampler: {
                "sampling": report.times_faster(sampler),
                "total": report.times_faster(sampler, total=True),
            }
            for sampler in report.samplers
            if sampler != OURS
        },
        "stages": {state: vars(times) for state, times in report.stages.items()},
    }


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
    output.print(vars(report) | {"runs": runs}, ingest_table(report))


def ingest_table(report: IngestReport) -> Iterator[Part]:
    """Yield what was read, how fast, and on what machine."""
    size = report.text_bytes / 1e6
    heads = ("rows/s", "seconds", "processor s", "peak MiB", "of dyad")
    rows = (
        (
            f"{run.reader}, {run.source}",
            f"{run.rows_per_second:,.0f}",
            f"{run.seconds:.1f}",
            f"{run.processor_seconds:.1f}",
            f"{run.peak_mebibytes:,.0f}",
            f"{run.dyad_rows:,}",
        )
        for run in report.runs
    )
    yield text(f"{report.rows:,} GDELT 2.0 rows of {report.files:,} days ({size:,.0f} MB as text), one dyad")
    yield Table((left(), *map(right, heads)), rows)
    yield text(f"{report.processors} processors; load {report.load:.1f} when it began.", indent=2)
    if not any(run.reader == "pandas" for run in report.runs):
        yield text("pandas left out: not installed.", indent=2)


app.command("accuracy")(accuracy)
app.command("calibration")(calibration)
