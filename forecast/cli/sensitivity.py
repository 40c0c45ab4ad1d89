"""``forecast sensitivity``: how far a call rests on assumptions, and what would change it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.figure_option import checked_figure
from forecast.cli.options import Json, Quiet

if TYPE_CHECKING:
    from forecast.records.analysis import Analysis, Robustness


def sensitivity(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder of a saved run.", show_default=False)
    ],
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Target; the headline's when absent.")
    ] = None,
    milestone: Annotated[
        str | None, typer.Option("--milestone", metavar="NAME", help="Milestone; the headline's when absent.")
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            "--threshold", metavar="P", help="Also tell what takes the chance across P, e.g. 0.6 or 60%."
        ),
    ] = None,
    all_targets: Annotated[
        bool, typer.Option("--all", help="Break-evens of every target, not of one.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the tornado chart (.svg, .png, .pdf)."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what each probability rests on, what each assumption does to one, and what would change the words.

    Nothing is fitted: the draws of the run are reweighted, and where they cannot tell, it says so.
    """
    checked_figure(plot, "--plot")
    bound = _share(threshold)

    from forecast.records.analysis import Analysis
    from forecast.records.forecast import Forecast
    from forecast.runs.folder import read_record

    forecast = read_record(run_dir / "forecast.json", Forecast)
    analysis = read_record(run_dir / "analysis.json", Analysis)
    asked_target = _known(target, [one.name for one in forecast.targets], "--target")
    names = [one.name for one in forecast.targets[0].milestones]
    asked_milestone = _known(milestone, names, "--milestone")
    found = _kept(
        analysis,
        asked_target or forecast.headline.target,
        asked_milestone or forecast.headline.milestone,
        bound,
        all_targets,
    ) or _measured(run_dir, analysis, asked_target, asked_milestone, bound, all_targets)
    if plot:
        from forecast.report.exports import write_figure
        from forecast.report.sections.assumptions import draw_tornado

        write_figure(draw_tornado(forecast, found), plot)
    if json:
        typer.echo(found.model_dump_json())
    elif not quiet:
        from forecast.cli.sensitivity_lines import sensitivity_lines

        for text, style in sensitivity_lines(forecast, found):
            typer.secho(text, bold="bold" in style, dim="dim" in style or None)
        if plot:
            typer.echo(f"\nFigure   {plot}")


def _kept(
    analysis: Analysis, target: str, milestone: str, threshold: float | None, all_targets: bool
) -> Robustness | None:
    """What the run measured itself, if that is what is asked."""
    kept = analysis.robustness
    if kept is None or all_targets:
        return None
    same = (kept.target, kept.milestone) == (target, milestone)
    return kept if same and (threshold is None or threshold == kept.threshold) else None


def _measured(
    run_dir: Path,
    analysis: Analysis,
    target: str | None,
    milestone: str | None,
    threshold: float | None,
    all_targets: bool,
) -> Robustness:
    from forecast.scenarios import read_run
    from forecast.sensitivity.labels import measure_sensitivities
    from forecast.sensitivity.robustness import RobustnessOptions, measure_shifts

    base = read_run(run_dir)
    kept = analysis.robustness
    options = RobustnessOptions(
        target=target,
        milestone=milestone,
        threshold=base.inputs.config.headline.threshold if threshold is None else threshold,
        all_targets=all_targets,
    )
    return measure_shifts(base, options, kept.sensitivities if kept else measure_sensitivities(base))


def _share(text: str | None) -> float | None:
    from forecast.errors import InputError

    if text is None:
        return None
    percent = text.strip().endswith("%")
    try:
        value = float(text.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = float("nan")
    if not 0.0 < value < 1.0:
        raise InputError(f"--threshold: came '{text}'; allowed: a probability between 0 and 1, as 0.6 or 60%")
    return value


def _known(name: str | None, names: list[str], option: str) -> str | None:
    from forecast.errors import InputError, did_you_mean

    if name is None or name in names:
        return name
    raise InputError(
        f"{option}: the run has no '{name}'.{did_you_mean(name, tuple(names))} It has: {', '.join(names)}"
    )
