"""``forecast bench``: speed, reading of feeds, calibration of inference."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Literal

import typer

from forecast.cli.options import RUN_DIR, Output, option, takes_options
from forecast.cli.scenario_page import refuse_without_app
from forecast.cli.terminal import BLANK, Part, Table, left, listening, right, text
from forecast.progress import StageProgress

if TYPE_CHECKING:
    from forecast.app.timing import PageTiming
    from forecast.bench.ingest import IngestReport
    from forecast.bench.simulation_based_calibration import RankStudy
    from forecast.bench.speed import SpeedReport

_LEVELS = (0.5, 0.9)
_WORST = 5

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

    found = measure_page(run_dir, changes, _teller(output))
    output.print(found.model_dump_json(), _page_tables(found))


def _page_tables(found: PageTiming) -> Iterator[Part]:
    yield text(f"Answers, milliseconds ({found.played:,} of {found.draws:,} draws played anew)")
    heads = right("median", 7), right("95%", 7), right("processor", 9), right("withheld", 8)
    rows = [
        (one.kind, f"{one.median_ms:.0f}", f"{one.p95_ms:.0f}", f"{one.processor_ms:.0f}", str(one.withheld))
        for one in found.kinds
    ]
    yield Table((left(width=26), *heads), rows)
    yield text(f"All that the page knows at first: {found.model_ms:.0f} ms, once", indent=2)
    before, after = found.peak_before_mebibytes, found.peak_after_mebibytes
    grown = f"{before:.0f} MiB, {after:.0f} MiB after {found.changes:,} further changes"
    yield text(f"Peak memory {grown}", indent=2)


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
    core, plain = (report.gradient_microseconds[form] for form in ("core", "definition"))
    yield text("One gradient")
    yield text(f"core {core:.0f} µs, definition {plain:.0f} µs: {plain / core:.1f} times faster", indent=2)
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
    from forecast.bench.speed import NUMPYRO, OURS
    from forecast.errors import install_command

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
        yield text(f"NumPyro left out: not installed. Install it: {install_command('bench')}", indent=2)


def _facts(report: SpeedReport) -> dict[str, object]:
    from forecast.bench.speed import OURS

    return {
        "config": report.config,
        "machine": report.machine,
        "gradient_microseconds": report.gradient_microseconds,
        "rounds": [
            [vars(run) | {"ess_per_second": run.ess_per_second} for run in runs] for runs in report.rounds
        ],
        "times_faster": {
            one: {"sampling": report.times_faster(one), "total": report.times_faster(one, total=True)}
            for one in report.samplers
            if one != OURS
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
    output.print(_rank_facts(study, simulations), _ranks(study, simulations))


def _rank_facts(study: RankStudy, simulations: int) -> dict[str, object]:
    return {
        "simulations": simulations,
        "events": study.events.tolist(),
        "p_values": study.p_values(),
        "smallest_p_value_corrected": study.smallest()[1],
        "coverage": {str(level): study.coverage(level) for level in _LEVELS},
        "ranks": {name: ranks.tolist() for name, ranks in study.ranks.items()},
    }


def _ranks(study: RankStudy, simulations: int) -> Iterator[Part]:
    name, corrected = study.smallest()
    p_values = study.p_values()
    yield text(f"{simulations} simulated data sets, {len(p_values)} quantities ranked among posterior draws")
    import numpy as np

    low, median, high = np.quantile(study.events, (0.05, 0.5, 0.95))
    yield text(f"Events of a data set: median {median:,.0f}, nine in ten from {low:,.0f} to {high:,.0f}")
    yield text("Truths inside their central interval:")
    for level in _LEVELS:
        # Quantities of one data set are not independent: the error is that of the data sets alone.
        error = (level * (1 - level) / simulations) ** 0.5
        yield text(
            f"{level:.0%} interval: {study.coverage(level):.1%} (at most {error:.1%} standard error)",
            indent=2,
        )
    yield text("Uniformity of ranks (chi-square, ten bins), the least uniform first:")
    worst = sorted(p_values, key=lambda key: p_values[key])[:_WORST]
    probabilities = [quantity for quantity in p_values if quantity.startswith("P(")]
    rows = ((quantity, f"p {p_values[quantity]:.2g}") for quantity in (*worst, *probabilities))
    yield Table((left(), left()), rows, heads=False)
    yield text(f"Smallest p times {len(p_values)} quantities: {corrected:.2g} ({name})")
    yield text("Ranks are not uniform: inference is wrong." if corrected < 0.01 else "No fault was found.")
