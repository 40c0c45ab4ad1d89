"""``forecast backtest``: forecasts at past origins, scored beside the baselines."""

from __future__ import annotations

import json as json_text
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.lists import days_ahead, days_listed, parts_of, spacing_of
from forecast.cli.options import AsOf, ConfigFile, Json, Overrides, Quiet, Seed, day
from forecast.errors import InputError, StoppedError, UnfinishedError

if TYPE_CHECKING:
    from forecast.config import Config
    from forecast.evaluation.backtest import BacktestOptions
    from forecast.workflows.forecast import StageProgress

_MILESTONES = "milestones"

EVERY_MODEL = "joint,focused,target,ensemble"
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=256, metavar="N", help="Processes to use.")]
Models = Annotated[
    str,
    typer.Option(
        "--models", metavar="LIST", help="Some of joint,focused,target,ensemble. Baselines are always shown."
    ),
]


def backtest(
    config: ConfigFile,
    origins: Annotated[
        str,
        typer.Option("--origins", metavar="WHEN", help="monthly, weekly, or days: 2021-01-01,2021-07-01."),
    ] = "monthly",
    horizons: Annotated[
        str,
        typer.Option(
            "--horizons",
            metavar="DAYS",
            help="Days ahead, with commas; the word milestones adds the distances of the config's own.",
        ),
    ] = "30,90,180",
    first: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="First origin; two years after the start of the data when absent.",
        ),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last origin; the end of the data when absent."
        ),
    ] = None,
    models: Models = EVERY_MODEL,
    jobs: Jobs = 1,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster", metavar="WHERE", help="Run on Dask: local, or a scheduler as tcp://host:port."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a backtest that was stopped.")] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Refit at every origin instead of reweighting where that is safe.")
    ] = False,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="Folder of the runs; this one goes to DIR/<name>/backtest."
        ),
    ] = Path("reports"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace a backtest that is there, finished or stopped.")
    ] = False,
    overrides: Overrides = None,
    as_of: AsOf = None,
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Forecast at past dates from what was known then, and score it beside four simple baselines."""
    from forecast.config import load_config

    loaded = load_config(config, overrides or (), as_of=day(as_of), seed=seed)
    if force and resume:
        raise InputError("--force begins anew and --resume goes on: give one of them")
    if cluster and cluster != "local" and jobs > 1:
        raise InputError("--jobs: a scheduler has its own workers. Leave it out with --cluster tcp://…")

    from forecast.cli.interruption import remembered_interrupt
    from forecast.cli.progress import show_progress

    with remembered_interrupt() as stop_if_pressed, show_progress(hidden=quiet or json) as draw:
        from forecast.workflows.backtest import backtest_place, partial_place, run_backtest

        def listen(progress: StageProgress) -> None:
            stop_if_pressed()
            draw(progress)

        options = _options(origins, horizons, day(first), day(last), models, exact)
        folder = backtest_place(loaded, out)
        try:
            done = run_backtest(
                loaded,
                options,
                folder=folder,
                resume=resume,
                force=force,
                processes=jobs,
                cluster=cluster,
                listen=listen,
            )
        except KeyboardInterrupt:
            raise StoppedError(_stopped(partial_place(folder))) from None
    if json:
        typer.echo(json_text.dumps(done.content | {"folder": None if done.failures else str(folder)}))
    elif not quiet:
        from forecast.cli.score_lines import backtest_lines, print_lines

        print_lines(backtest_lines(done, _titles(loaded)))
    if done.failures:
        failed = "\n".join(f"  {failure}" for failure in done.failures)
        raise UnfinishedError(
            f"{len(done.failures)} of {done.n_units} parts failed; the scores are those of the others.\n"
            f"{failed}\nFinished parts are kept in {partial_place(folder)}. Try the others again: --resume."
        )
    if not json and not quiet:
        typer.echo(f"Scores   {folder / 'scores.json'}\nFigures  {folder / 'figures'}")


def _options(
    origins: str, horizons: str, first: object, last: object, models: str, exact: bool
) -> BacktestOptions:
    from datetime import date

    from forecast.evaluation.backtest import BacktestOptions

    chosen = spacing_of(origins)
    if chosen is None and (first or last):
        raise InputError(
            "--from and --to bound monthly or weekly origins. Leave them out when days are listed"
        )
    lengths = tuple(part for part in parts_of(horizons) if part != _MILESTONES)
    return BacktestOptions(
        origins=chosen or days_listed(origins, "--origins"),
        first=first if isinstance(first, date) else None,
        last=last if isinstance(last, date) else None,
        horizons=days_ahead(",".join(lengths), "--horizons"),
        milestones=_MILESTONES in parts_of(horizons),
        models=parts_of(models),
        exact=exact,
    )


def _stopped(partial: Path) -> str:
    kept = len(list(partial.glob("units/*.json")))
    if not kept:
        return f"interrupted; no part was finished yet. Begin again with --resume (or delete {partial})."
    parts = "1 finished part is" if kept == 1 else f"{kept} finished parts are"
    return f"interrupted; {parts} kept in {partial}. Go on with the same command and --resume."


def _titles(config: Config) -> dict[str, str]:
    return {name: config.target_title(name) for name in config.targets}
