"""``forecast bench speed``: effective draws a second beside other samplers, and where a run's seconds go."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import Json, Quiet

if TYPE_CHECKING:
    from forecast.bench.speed import SpeedReport

WORKED_CASE = Path("configs/us-china-2023.yaml")
Case = Annotated[Path, typer.Option("--config", metavar="CONFIG", help="Config whose model is measured.")]
Quick = Annotated[
    bool, typer.Option("--quick", help="Few draws and one round: minutes less, and less exact.")
]
Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Rounds in which the samplers take turns.")]


def speed(
    config: Case = WORKED_CASE,
    quick: Quick = False,
    rounds: Rounds = 2,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure our sampler beside PyMC's and NumPyro's on the naive form of the same model."""
    from forecast.bench.speed import SpeedOptions, measure_speed

    show = sys.stderr.isatty() and not (json or quiet)

    def tell(what: str) -> None:
        if show:
            typer.echo(f"forecast bench: {what}", err=True)

    report = measure_speed(config, SpeedOptions(rounds=rounds, quick=quick), tell)
    if json:
        typer.echo(json_text.dumps(_facts(report)))
    elif not quiet:
        for line in lines(report):
            typer.echo(line)


def lines(report: SpeedReport) -> list[str]:
    """Return the tables of a report as lines of at most 80 columns."""
    return [*_gradient_lines(report), "", *_sampler_lines(report), "", *_stage_lines(report)]


def _gradient_lines(report: SpeedReport) -> list[str]:
    fused, naive = (report.gradient_microseconds[form] for form in ("fused", "naive"))
    return [
        "One gradient",
        f"  fused {fused:.0f} µs, naive {naive:.0f} µs: {naive / fused:.1f} times faster",
    ]


def _sampler_lines(report: SpeedReport) -> list[str]:
    from forecast.bench.samplers import NUMPYRO, OURS

    rows = ["Samplers (means of the rounds; ESS is the least bulk ESS)"]
    rows.append(f"  {'':<26}{'total s':>8}{'sampling s':>11}{'ESS':>7}{'ESS/s':>8}{'R-hat':>7}{'div.':>6}")
    for sampler in report.samplers:
        runs = report.runs_of(sampler)
        rows.append(
            f"  {sampler:<26}{mean(run.total_seconds for run in runs):>8.1f}"
            f"{mean(run.sampling_seconds for run in runs):>11.1f}"
            f"{mean(run.ess_bulk_min for run in runs):>7.0f}"
            f"{mean(run.ess_per_second for run in runs):>8.1f}{max(run.rhat_max for run in runs):>7.3f}"
            f"{sum(run.divergences for run in runs):>6d}"
        )
    rows += [
        f"  {report.times_faster(sampler):.1f} times the ESS/s of {sampler} "
        f"({report.times_faster(sampler, total=True):.1f} with compiling)"
        for sampler in report.samplers
        if sampler != OURS
    ]
    if NUMPYRO not in report.samplers:
        rows.append("  NumPyro left out: not installed (make bench does so).")
    return rows


def _stage_lines(report: SpeedReport) -> list[str]:
    cold, warm = report.stages["cold"], report.stages["warm"]
    rows = ["A whole run, seconds", f"  {'':<26}{'first':>8}{'second':>9}"]
    rows += [
        f"  {stage:<26}{cold.seconds.get(stage, 0.0):>8.1f}{seconds:>9.1f}"
        for stage, seconds in warm.seconds.items()
    ]
    rows.append(f"  {'all':<26}{cold.total_seconds:>8.1f}{warm.total_seconds:>9.1f}")
    rows.append(f"  {'peak memory, MiB':<26}{cold.peak_mebibytes:>8.0f}{warm.peak_mebibytes:>9.0f}")
    return rows


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
