"""``forecast scenario``: what other beliefs, another future or another past would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import Json, Quiet

if TYPE_CHECKING:
    from forecast.config import Scenario
    from forecast.progress import StageProgress
    from forecast.records.forecast import ScenarioForecast
    from forecast.scenarios import Run

_FORMATS = (".svg", ".png", ".pdf", ".json")


def scenario(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder of a saved run.", show_default=False)
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]...", help="Scenario files; without any, what the run kept."),
    ] = None,
    priors: Annotated[
        list[str] | None,
        typer.Option("--prior", metavar="NAME=PRIOR", help="Another prior, e.g. ballast.visit=calms."),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            metavar="DATE:CATEGORY:SEVERITY[:PROBABILITY]",
            help="A future act; FIRST..LAST in place of DATE for a window.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="ID", help="Take a past event out (needs a new fit)."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="One table across all scenarios, at the headline's milestone.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write chart (.svg, .png, .pdf) or numbers (.json)."),
    ] = None,
    no_refit: Annotated[
        bool, typer.Option("--no-refit", help="Withhold the numbers of a scenario that needs a new fit.")
    ] = False,
    paths: Annotated[
        int | None,
        typer.Option("--paths", min=2, help="Futures a draw played again (2): more for less error, slower."),
    ] = None,
    yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the options as a scenario file, and end.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare scenarios with a saved run: probabilities, paired differences, and how far to trust them.

    Options given together make one scenario of their own.
    """
    from forecast.scenarios.options import scenario_from_options

    stated = scenario_from_options(priors or (), events or (), without or ())
    if out:
        _refuse_format(out)
    from forecast.scenarios import SCENARIO_PATHS, compare_scenarios, plan_scenarios, read_run

    base = read_run(run_dir)
    if not files and stated is None and base.forecast.scenarios and paths is None and not yaml:
        _print(base, base.forecast.scenarios, out, compare=compare, json=json, quiet=quiet)
        return
    chosen = _scenarios(base, files or [], stated)
    plan_scenarios(base.inputs, chosen)
    if yaml:
        _print_yaml(stated)
        return

    from forecast.cli.interruption import remembered_interrupt
    from forecast.cli.progress import show_progress

    with remembered_interrupt() as stop_if_pressed, show_progress(hidden=quiet or json) as draw:

        def listen(progress: StageProgress) -> None:
            stop_if_pressed()
            # A bar only where there is something to wait for.
            if ":" in progress.note or progress.finished:
                draw(progress)

        found = compare_scenarios(
            base, chosen, refit=not no_refit, paths=paths or SCENARIO_PATHS, listen=listen
        )
    _print(base, found, out, compare=compare, json=json, quiet=quiet)


def _print(
    base: Run,
    found: tuple[ScenarioForecast, ...],
    out: Path | None,
    *,
    compare: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Print and write what was found; ends with code 1 where numbers are withheld or not to be trusted."""
    if out:
        _write(base, found, out)
    if json:
        typer.echo(_as_json(base, found))
    elif not quiet:
        from forecast.cli.scenario_lines import comparison_lines, scenario_lines

        lines = comparison_lines if compare else scenario_lines
        for text, style in lines(base.forecast, found):
            typer.secho(text, bold="bold" in style, dim="dim" in style or None)
        if out:
            typer.echo(f"\nWritten  {out}")
    if any(one.withheld or one.failures for one in found):
        raise typer.Exit(1)


def _scenarios(base: Run, files: list[Path], stated: Scenario | None) -> list[Scenario]:
    from forecast.config import load_scenario, load_scenarios
    from forecast.config.scenario import refuse_same_names
    from forecast.errors import InputError

    chosen = [load_scenario(file) for file in files] + ([stated] if stated else [])
    if not chosen:
        chosen = [*load_scenarios(base.inputs.config)]
    if not chosen:
        raise InputError(
            "no scenario is given, and the run has none: name scenario files, or state one with --prior, "
            "--event or --without"
        )
    refuse_same_names(chosen)
    return chosen


def _print_yaml(stated: Scenario | None) -> None:
    from forecast.config import scenario_yaml
    from forecast.errors import InputError

    if stated is None:
        raise InputError("--yaml prints options as a scenario file; give --prior, --event or --without")
    typer.echo(scenario_yaml(stated), nl=False)


def _as_json(base: Run, found: tuple[ScenarioForecast, ...]) -> str:
    import json as json_text

    content = {
        "run_id": base.forecast.run_id,
        "as_of": base.forecast.as_of.isoformat(),
        "converged": base.forecast.converged,
        "scenarios": [one.model_dump(mode="json", by_alias=True) for one in found],
    }
    return json_text.dumps(content)


def _refuse_format(out: Path) -> None:
    from forecast.errors import InputError

    if out.suffix.lower() not in _FORMATS:
        raise InputError(f"--out {out}: ends in '{out.suffix}'. Allowed: {', '.join(_FORMATS)}")
    if not out.absolute().parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.absolute().parent}. Make it first")


def _write(base: Run, found: tuple[ScenarioForecast, ...], out: Path) -> None:
    from forecast.errors import InputError

    if out.suffix.lower() == ".json":
        content = (_as_json(base, found) + "\n").encode()
    else:
        from forecast.report.drawing import figure_bytes
        from forecast.report.exports import figure_kind
        from forecast.report.sections.scenarios import draw_scenarios

        content = figure_bytes(draw_scenarios(base.forecast, found), figure_kind(out))
    try:
        out.write_bytes(content)
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written ({error.strerror or error})") from error
