"""``forecast scores``: dyads known by a number a week instead of coded acts."""

from __future__ import annotations

import json as json_text
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import AsOf, ConfigFile, Json, Overrides, Quiet, Seed, day

if TYPE_CHECKING:
    from forecast.progress import StageProgress
    from forecast.weekly_scores.checking import ScoreInputs

app = typer.Typer(
    name="scores",
    help="Weekly scores (Goldstein-type sums): make, check, run, backtest.",
    no_args_is_help=True,
)
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the runs.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]


@app.command()
def make(
    source: Annotated[str, typer.Argument(metavar="EVENTS", help="Coded events, or bundled:us-china.")],
    dyad: Annotated[
        str, typer.Option("--dyad", metavar="A,B", help="The two actors, e.g. USA,CHN.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", show_default=False)],
    scale: Annotated[
        str, typer.Option("--scale", metavar="NAME", help="cameo, weis, or a CSV file of code,score.")
    ] = "cameo",
    force: Force = False,
    json: Json = False,
) -> None:
    """Sum the scores of coded events by week and direction, with every version of each week.

    The code of an act is its CAMEO code, or the digits of a sub-category such as weis_223.
    """
    from forecast.errors import EventError
    from forecast.events.bundled import load_events
    from forecast.events.cells import CellFault, parse_actor
    from forecast.events.whole_file import write_whole
    from forecast.weekly_scores.making import SHIPPED, parse_scale, shipped_scale, weekly_scores
    from forecast.weekly_scores.reading import rows_csv

    try:
        a, b = (parse_actor(part.strip()) for part in dyad.split(","))
    except (ValueError, CellFault) as error:
        raise EventError(f"--dyad {dyad}: give two actors, e.g. --dyad USA,CHN") from error
    if out.exists() and not force:
        raise EventError(f"{out}: exists. Use --force to replace it, or give another place")
    shipped = next((name for name in SHIPPED if name == scale), None)
    if shipped is None and not Path(scale).is_file():
        raise EventError(
            f"--scale {scale}: no such scale or file. Allowed: {', '.join(SHIPPED)}, or a CSV file"
        )
    figures = (
        shipped_scale(shipped) if shipped else parse_scale(Path(scale).read_text(encoding="utf-8"), scale)
    )
    made = weekly_scores(load_events(source, Path()), a, b, figures, shipped)
    write_whole(out, rows_csv(made.rows).encode())
    if json:
        content = {
            "out": str(out),
            "rows": len(made.rows),
            "events": made.events,
            "events_without_score": made.without_score,
        }
        typer.echo(json_text.dumps(content))
    else:
        left = f"; {made.without_score:,} have no code of the scale and were left out"
        typer.echo(
            f"{out}: {len(made.rows):,} rows from {made.events:,} acts{left if made.without_score else ''}."
        )


@app.command()
def check(
    config: ConfigFile,
    overrides: Overrides = None,
    as_of: AsOf = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Validate a config and its scores, say what they hold; nothing is fitted."""
    from forecast.config import config_hash, load_score_config
    from forecast.weekly_scores.checking import read_score_inputs

    loaded = load_score_config(config, overrides or (), as_of=day(as_of), seed=seed)
    inputs = read_score_inputs(loaded)
    if json:
        series = inputs.series
        content = {
            "valid": True,
            "name": loaded.name,
            "config_sha256": config_hash(loaded),
            "first_week": series.start.isoformat(),
            "weeks": len(series),
            "directions": list(series.directions),
            "acts_known": series.acts is not None,
            "unit": series.unit,
            "priors": {name: str(one) for name, one in inputs.priors.distributions.items()},
        }
        typer.echo(json_text.dumps(content))
    else:
        for line in _check_lines(inputs):
            typer.echo(line)


@app.command()
def run(
    config: ConfigFile,
    out: Out = Path("reports"),
    overrides: Overrides = None,
    as_of: AsOf = None,
    seed: Seed = None,
    force: Force = False,
    allow_unconverged: Annotated[
        bool, typer.Option("--allow-unconverged", help="End with code 0 even if the fit did not converge.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the model, simulate the weeks ahead, write the run folder (forecast.json and scores.json)."""
    from forecast.cli.interruption import remembered_interrupt
    from forecast.cli.progress import show_progress
    from forecast.config import load_score_config
    from forecast.weekly_scores.checking import read_score_inputs

    loaded = load_score_config(config, overrides or (), as_of=day(as_of), seed=seed)
    # The run checks it again; here it answers before the seconds that loading the sampler takes.
    read_score_inputs(loaded)
    with remembered_interrupt() as stop_if_pressed, show_progress(hidden=quiet or json) as draw:
        from forecast.pipeline import require_converged
        from forecast.score_run import run_score_forecast

        def listen(progress: StageProgress) -> None:
            stop_if_pressed()
            draw(progress)

        finished, folder = run_score_forecast(
            loaded, out=out, force=force, allow_unconverged=True, listen=listen
        )
    if json:
        typer.echo((folder / "forecast.json").read_text(encoding="utf-8"), nl=False)
    if not allow_unconverged:
        require_converged(finished.forecast, folder)
    if not json and not quiet:
        from forecast.cli.bottom_line import print_lines

        print_lines(finished.forecast)
        for warning in finished.analysis.warnings:
            typer.echo(warning)
        typer.echo(f"Numbers  {folder / 'forecast.json'}")
        typer.echo(f"Weeks    {folder / 'scores.json'}")


@app.command()
def backtest(
    config: ConfigFile,
    every: Annotated[int, typer.Option("--every", min=1, help="Weeks between origins.")] = 13,
    horizons: Annotated[
        str, typer.Option("--horizons", metavar="WEEKS", help="Weeks ahead, with commas.")
    ] = "1,4,13,26",
    first: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], metavar="DATE", help="First origin.", show_default=False
        ),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last origin.", show_default=False),
    ] = None,
    out: Out = Path("reports"),
    overrides: Overrides = None,
    as_of: AsOf = None,
    seed: Seed = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Forecast at past origins, each from what was known then; score it beside simple baselines."""
    from forecast.cli.interruption import remembered_interrupt
    from forecast.cli.progress import show_progress
    from forecast.cli.score_backtest_lines import score_backtest_lines
    from forecast.config import load_score_config
    from forecast.weekly_scores.checking import read_score_inputs

    ahead = _weeks(horizons)
    loaded = load_score_config(config, overrides or (), as_of=day(as_of), seed=seed)
    read_score_inputs(loaded)
    folder = out / loaded.name / "score-backtest"
    with remembered_interrupt() as stop_if_pressed, show_progress(hidden=quiet or json) as draw:
        from forecast.score_backtest import (
            ScoreBacktestOptions,
            refuse_backtest_place,
            run_score_backtest,
            save_score_backtest,
        )

        refuse_backtest_place(folder, force=force)

        def listen(progress: StageProgress) -> None:
            stop_if_pressed()
            draw(progress)

        options = ScoreBacktestOptions(every_weeks=every, weeks_ahead=ahead, first=day(first), last=day(last))
        found = run_score_backtest(loaded, options, listen)
    save_score_backtest(found, folder, force=force)
    if json:
        typer.echo(json_text.dumps(found.summary, allow_nan=False))
    elif not quiet:
        for line in score_backtest_lines(found.summary):
            typer.echo(line)
        typer.echo(f"\nNumbers  {folder / 'score-backtest.json'}")


def _weeks(text: str) -> tuple[int, ...]:
    from forecast.cli.lists import parts_of
    from forecast.errors import InputError

    parts = parts_of(text)
    wrong = next(
        (part for part in parts if not (part.isascii() and part.isdigit() and 0 < int(part) < 521)), None
    )
    if wrong is not None or not parts:
        raise InputError(f"--horizons {text}: give whole numbers of weeks from 1 to 520, e.g. 1,4,13,26")
    return tuple(sorted({int(part) for part in parts}))


def _check_lines(inputs: ScoreInputs) -> list[str]:
    from forecast.weekly_scores.checking import score_definition
    from forecast.wording import long_day, number, times

    config, series = inputs.config, inputs.series
    acts = "" if series.acts is None else f", {int(series.acts.sum()):,} acts"
    lines = [
        f"'{config.name}': weekly scores between {config.dyad.title}, as of {long_day(config.as_of)}.",
        f"{len(series)} weeks from {long_day(series.start)}{acts}.",
        f"Directions: {', '.join(series.directions)}.",
        f"Typical size of a score: {number(series.unit)}"
        + (" an act." if series.acts is not None else " a week, the number of acts is not known."),
        "Targets",
    ]
    for rule in inputs.rules:
        seen = int((series.total(rule.direction) < rule.score_below).sum())
        lines.append(
            f"  {config.target_title(rule.name)}: {score_definition(config, config.targets[rule.name])}; "
            f"seen {times(seen)}."
        )
    lines.append("Milestones")
    lines += [f"  {long_day(one.date)}: {one.title}" for one in config.milestones]
    lines.append("Priors (scores in units of the typical size)")
    lines += [
        f"  {name}: {prior}{' (config)' if name in inputs.priors.stated else ''}"
        for name, prior in inputs.priors.distributions.items()
    ]
    return lines
