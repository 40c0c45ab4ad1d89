"""``forecast bench accuracy``: models and baselines beside one another on many dyads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.cli.backtest import model_legend, score_table
from forecast.cli.options import (
    OriginOptions,
    Output,
    day_option,
    days_ahead,
    option,
    parts_of,
    read_origins,
    takes_options,
)
from forecast.cli.progress import listening
from forecast.cli.terminal import BLANK, Part, Table, left, text
from forecast.errors import InputError, StoppedError
from forecast.progress import StageProgress
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.bench.accuracy import Benchmark


@takes_options
def accuracy(
    data: Path = option(..., "--data", "Folder of coded event files, one dyad a file.", "DIR"),
    any_of: str = option(..., "--any-of", "Categories that count as the target.", "LIST"),
    first: datetime = day_option(..., "--from", "First origin."),
    until: datetime = day_option(
        ..., "--until", "Last day that the files cover; windows that end later are left out."
    ),
    *,
    plan: OriginOptions,
    min_severity: int = option(1, "--min-severity", "Least severity that counts.", min=1, max=5),
    quick: bool = option(False, "--quick", "Every third origin only."),
    prior: list[str] | None = option(
        None,
        "--prior",
        "Change a prior of the model: a word or a distribution. May be repeated.",
        "NAME=PRIOR",
    ),
    seed: int | None = option(None, "--seed", "Seed of all fits.", min=0),
    keep: Path | None = option(
        None, "--keep", "Keep finished parts in this folder, and go on from those there.", "FOLDER"
    ),
    cluster: str | None = option(
        None, "--cluster", "Run on Dask: local, or a scheduler as tcp://host:port.", "WHERE"
    ),
    output: Output,
) -> None:
    """Score every model and baseline on a folder of dyads, and average."""
    categories = read_categories(any_of)
    with listening(shown=output.for_people) as listen:
        from forecast.bench.accuracy import SAMPLER, BenchmarkOptions, read_dyads, run_benchmark
        from forecast.panel.streams import TargetRule

        options = BenchmarkOptions(
            target=TargetRule("target", categories, min_severity),
            first=first.date(),
            data_end=until.date(),
            horizons=days_ahead(plan.horizons, "--horizons"),
            origins=read_origins(plan.origins),
            models=parts_of(plan.models),
            sampler=SAMPLER if seed is None else replace(SAMPLER, seed=seed),
            priors=_priors(prior or ()),
            quick=quick,
        )
        try:
            found = run_benchmark(
                read_dyads(data),
                options,
                processes=plan.jobs,
                cluster=cluster,
                keep=keep,
                listen=lambda finished, planned: listen(StageProgress("backtest", finished, planned)),
            )
        except KeyboardInterrupt:
            if keep is None:
                raise
            raise StoppedError(
                f"interrupted; finished parts are kept in {keep}. Go on with the same command."
            ) from None
    output.print(found.to_dict(), _scores(found))


def read_categories(any_of: str) -> tuple[str, ...]:
    """Read ``--any-of``; raises ``InputError`` for what is no category."""
    from forecast.events.codebook import CATEGORIES, category_fault

    categories = parts_of(any_of)
    unknown = [name for name in categories if name not in CATEGORIES]
    if unknown or not categories:
        allowed = f"the list is empty. Allowed: {', '.join(CATEGORIES)}"
        raise InputError(f"--any-of: {category_fault(unknown[0]) if unknown else allowed}")
    twice = [name for place, name in enumerate(categories) if name in categories[:place]]
    if twice:
        raise InputError(f"--any-of: {twice[0]} appears twice. Give each category once")
    return categories


def _priors(stated: Sequence[str]) -> dict[str, str]:
    priors = {}
    for one in stated:
        name, sign, statement = one.partition("=")
        if not sign or not name.strip() or not statement.strip():
            raise InputError(f"--prior: got '{one}'; write NAME=PRIOR, such as tension.scale=small")
        priors[name.strip()] = statement.strip()
    return priors


def _scores(found: Benchmark) -> Iterator[Part]:
    models = tuple(found.means())
    yield text("Brier and log score: lower is better, * marks the best.")
    for dyad in found.calibration:
        yield BLANK
        yield text(dyad, "bold")
        rows = []
        own = [cell for cell in found.cells if cell.dyad == dyad]
        for days in dict.fromkeys(cell.horizon_days for cell in own):
            here = [cell for cell in own if cell.horizon_days == days]
            rows.append((f"{days:>4} d  Brier", {cell.model: cell.brier for cell in here}))
            rows.append((f"{f'n {here[0].n}':>9} log", {cell.model: cell.log for cell in here}))
        yield score_table(models, rows)
    yield BLANK
    yield text("Mean over dyads and horizons", "bold")
    means = found.means()
    rows = [
        (f"{'':>8}{label}", {model: means[model][score] for model in models})
        for label, score in (("Brier", "brier"), ("  log", "log"))
    ]
    yield score_table(models, rows)
    yield BLANK
    yield from _choice(found)
    yield from _against_baselines(found)
    yield from _calibration(found)
    spent = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in found.seconds.items())
    yield text(
        f"Time: {found.seconds_per_origin:.2f} s an origin, all models together. Processor s: {spent}."
    )
    if found.fits:
        yield text(f"{found.failed} of {count(found.fits, 'fit')} failed a gate.")
    for model, apart in found.failed_fits().items():
        windows = count(apart.n, "window")
        yield text(
            f"{windows} of {model} from failed fits: Brier {apart.brier:.3f}, log {apart.log:.3f}.", indent=2
        )
    yield model_legend(models)


def _choice(found: Benchmark) -> Iterator[Part]:
    from forecast.report.palette import name_model

    choice = found.choice
    if choice is None or len(choice.gaps) < 2:
        return
    yield text("Log score behind the best model, with its block-bootstrap error", "bold")
    rows = (
        (name_model(model), "best" if model == choice.best else f"{gap.value:+.4f} ± {gap.se:.4f}")
        for model, gap in choice.gaps.items()
    )
    yield Table((left(), left()), rows, heads=False)
    yield text(f"Simplest within two errors of the best: {name_model(choice.chosen)}.")
    yield BLANK


def _against_baselines(found: Benchmark) -> Iterator[Part]:
    from forecast.report.palette import name_model

    if not found.against_baselines:
        return
    yield text("Log score less that of a baseline (below 0: better), with its block-bootstrap error", "bold")
    rows = (
        (name_model(model), name_model(baseline), f"{gap.value:+.4f} ± {gap.se:.4f}")
        for model, gaps in found.against_baselines.items()
        for baseline, gap in gaps.items()
    )
    yield Table((left(), left(), left()), rows, heads=False)
    yield BLANK


def _calibration(found: Benchmark) -> Iterator[Part]:
    from forecast.report.palette import name_model

    lines = [line for line in found.pooled_calibration if math.isfinite(line.slope.se)]
    if not lines:
        return
    yield text(
        "Calibration over all dyads (intercept 0 and slope 1: calibrated), whole dyads resampled", "bold"
    )
    rows = (
        (
            name_model(line.model),
            *(f"{one.value:+.2f} ± {one.se:.2f}" for one in (line.intercept, line.slope)),
        )
        for line in lines
    )
    yield Table((left(), left(), left()), rows, heads=False)
    yield BLANK
