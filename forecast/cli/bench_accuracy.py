"""``forecast bench accuracy``: models and baselines on a folder of event files, in one table."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.backtest import EVERY_MODEL, Jobs, Models
from forecast.cli.lists import days_ahead, days_listed, parts_of, spacing_of
from forecast.cli.options import Json, Quiet
from forecast.errors import InputError

if TYPE_CHECKING:
    from forecast.cli.score_lines import Line
    from forecast.evaluation.benchmark import Benchmark


def accuracy(
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="DIR", help="Folder of coded event files, one dyad a file.", show_default=False
        ),
    ],
    any_of: Annotated[
        str,
        typer.Option(
            "--any-of", metavar="LIST", help="Categories that count as the target.", show_default=False
        ),
    ],
    first: Annotated[
        datetime,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], metavar="DATE", help="First origin.", show_default=False
        ),
    ],
    until: Annotated[
        datetime,
        typer.Option(
            "--until",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Last day that the files cover; windows that end later are left out.",
            show_default=False,
        ),
    ],
    min_severity: Annotated[
        int, typer.Option("--min-severity", min=1, max=5, help="Least severity that counts.")
    ] = 1,
    horizons: Annotated[str, typer.Option("--horizons", metavar="DAYS", help="Days ahead.")] = "30,90,180",
    origins: Annotated[
        str,
        typer.Option("--origins", metavar="WHEN", help="monthly, weekly, or days: 2001-01-01,2001-07-01."),
    ] = "monthly",
    models: Models = EVERY_MODEL,
    jobs: Jobs = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Every third origin only.")] = False,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            "--prior",
            metavar="NAME=PRIOR",
            help="Change a prior of the one family in --models: a word or a distribution. May be repeated.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of all fits.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score every model and baseline on a folder of dyads, and average."""
    from dataclasses import replace

    from forecast.cli.interruption import remembered_interrupt
    from forecast.cli.progress import show_progress
    from forecast.events.codebook import CATEGORIES, category_fault

    categories = parts_of(any_of)
    unknown = [name for name in categories if name not in CATEGORIES]
    if unknown or not categories:
        raise InputError(f"--any-of: {category_fault(unknown[0]) if unknown else 'the list is empty'}")
    spacing = spacing_of(origins)
    with remembered_interrupt() as stop_if_pressed, show_progress(hidden=quiet or json) as draw:
        from forecast.evaluation.benchmark import SAMPLER, BenchmarkOptions, read_dyads, run_benchmark
        from forecast.panel.streams import TargetRule
        from forecast.workflows.forecast import StageProgress

        def listen(finished: int, planned: int) -> None:
            stop_if_pressed()
            draw(StageProgress("backtest", finished, planned))

        options = BenchmarkOptions(
            target=TargetRule("target", categories, min_severity),
            first=first.date(),
            data_end=until.date(),
            horizons=days_ahead(horizons, "--horizons"),
            origins=spacing or days_listed(origins, "--origins"),
            models=parts_of(models),
            sampler=SAMPLER if seed is None else replace(SAMPLER, seed=seed),
            priors=_priors(prior or ()),
            quick=quick,
        )
        found = run_benchmark(read_dyads(data), options, processes=jobs, listen=listen)
    if json:
        typer.echo(json_text.dumps(found.to_dict()))
    elif not quiet:
        from forecast.cli.score_lines import print_lines

        print_lines(_lines(found))


def _priors(stated: Sequence[str]) -> dict[str, str]:
    priors = {}
    for text in stated:
        name, sign, statement = text.partition("=")
        if not sign or not name.strip() or not statement.strip():
            raise InputError(f"--prior: got '{text}'; write NAME=PRIOR, such as tension.scale=small")
        priors[name.strip()] = statement.strip()
    return priors


def _lines(found: Benchmark) -> Iterator[Line]:
    from forecast.cli.score_lines import legend, table_lines

    models = tuple(found.means())
    yield "Brier and log score: lower is better, * marks the best.", ""
    for dyad in found.calibration:
        yield "", ""
        yield dyad, "bold"
        rows = []
        own = [cell for cell in found.cells if cell.dyad == dyad]
        for days in dict.fromkeys(cell.horizon_days for cell in own):
            here = [cell for cell in own if cell.horizon_days == days]
            rows.append((f"{days:>4} d  Brier", {cell.model: cell.brier for cell in here}))
            rows.append((f"{'n ' + str(here[0].n):>9} log", {cell.model: cell.log for cell in here}))
        yield from table_lines(models, rows)
    yield "", ""
    yield "Mean over dyads and horizons", "bold"
    means = found.means()
    rows = [
        (f"{'':>4}    {label}", {model: means[model][score] for model in models})
        for label, score in (("Brier", "brier"), ("  log", "log"))
    ]
    yield from table_lines(models, rows)
    yield "", ""
    yield from _choice_lines(found)
    yield f"Time: {found.seconds_per_origin:.2f} s an origin, all models together.", ""
    yield from legend(models)


def _choice_lines(found: Benchmark) -> Iterator[Line]:
    from forecast.report.model_families import name_model

    choice = found.choice
    if choice is None or len(choice.gaps) < 2:
        return
    yield "Log score behind the best model, with its block-bootstrap error", "bold"
    for model, gap in choice.gaps.items():
        shown = "best" if model == choice.best else f"{gap.value:+.4f} ± {gap.se:.4f}"
        yield f"  {name_model(model):<24}{shown}", ""
    yield f"Simplest within two errors of the best: {name_model(choice.chosen)}.", ""
    yield "", ""
