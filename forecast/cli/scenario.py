"""``forecast scenario``, ``sensitivity``, ``reconcile``: what other assumptions change in a saved run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.cli.options import JSON, NEW_SUBCATEGORY, QUIET, RUN_DIR, argument, option, print_answer
from forecast.cli.terminal import listening
from forecast.errors import InputError

if TYPE_CHECKING:
    from forecast.config import Scenario
    from forecast.progress import StageProgress
    from forecast.records.forecast import ScenarioForecast
    from forecast.runs.run import Run

_ACT = "DATE:CATEGORY[/SUBCATEGORY]:SEVERITY[:PROBABILITY][:BY[:TOWARDS]]"


def scenario(
    run_dir: Path = RUN_DIR,
    files: list[Path] | None = argument(
        "[FILES]...", "Scenario files; without any, what the run kept.", default=None
    ),
    priors: list[str] | None = option(
        None, "--prior", "Another prior, e.g. ballast.visit=calms.", "NAME=PRIOR"
    ),
    events: list[str] | None = option(
        None, "--do --event", "A future act that is done; FIRST..LAST in place of DATE for a window.", _ACT
    ),
    see: list[str] | None = option(
        None,
        "--see",
        "A future act that is seen, which also tells of tension; then what doing it does.",
        _ACT,
    ),
    beliefs: list[str] | None = option(
        None, "--belief", "So many times as likely in a window.", "TARGET:FIRST..LAST:RATIO"
    ),
    new: list[str] | None = NEW_SUBCATEGORY,
    without: list[str] | None = option(None, "--without", "Take a past event out (needs a new fit).", "ID"),
    compare: bool = option(
        False, "--compare", "One table across all scenarios, at the headline's milestone."
    ),
    no_refit: bool = option(False, "--no-refit", "Withhold the numbers of a scenario that needs a new fit."),
    allow_unconverged: bool = option(
        False,
        "--allow-unconverged",
        "Show numbers that rest on too few draws or a fit that failed, stamped, and end with code 0.",
    ),
    yaml: bool = option(False, "--yaml", "Print the options as a scenario file, and end."),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Compare scenarios with a saved run: probabilities, differences draw by draw, how far to trust them.

    Options given together make one scenario of their own.
    """
    from forecast.config.scenario import scenario_from_options
    from forecast.runs.run import read_run
    from forecast.scenarios import compare_scenarios, plan_scenarios

    base = read_run(run_dir)
    acts, more = (priors or (), events or (), without or ()), (see or (), beliefs or (), new or ())
    stated = scenario_from_options(*acts, *more, base.inputs.config.events.dates)
    if not files and stated is None and base.forecast.scenarios and not yaml:
        _print(base, base.forecast.scenarios, as_json, compare, allow_unconverged)
        return
    chosen = _scenarios(base, files or [], stated)
    plan_scenarios(base.inputs, chosen)
    if yaml:
        from forecast.config import scenario_yaml

        if stated is None:
            raise InputError(
                "--yaml prints options as a scenario file; give --prior, --event, --see, --belief "
                "or --without"
            )
        typer.echo(scenario_yaml(stated), nl=False)
        return

    with listening(shown=not (as_json or quiet)) as follow:

        def listen(progress: StageProgress) -> None:
            # A bar only where there is something to wait for.
            if ":" in progress.note or progress.finished:
                follow(progress)

        scenarios = compare_scenarios(
            base, chosen, refit=not no_refit, allow_unconverged=allow_unconverged, listen=listen
        )
    _print(base, scenarios, as_json, compare, allow_unconverged)


def _print(
    base: Run, scenarios: tuple[ScenarioForecast, ...], as_json: bool, compare: bool, allow_unconverged: bool
) -> None:
    """Print what was found; ends with code 1 where numbers are withheld or not to be trusted."""
    from forecast.report.tables import scenario_comparison, scenario_tables

    facts = {
        "run_id": base.forecast.run_id,
        "as_of": base.forecast.as_of.isoformat(),
        "converged": base.forecast.converged,
        "scenarios": [scenario.model_dump(mode="json", by_alias=True) for scenario in scenarios],
    }
    tables = scenario_comparison if compare else scenario_tables
    print_answer(as_json, facts, tables(base.forecast, scenarios))
    if any(one.withheld or (one.failures and not allow_unconverged) for one in scenarios):
        raise typer.Exit(1)


def _scenarios(base: Run, files: list[Path], stated: Scenario | None) -> list[Scenario]:
    from forecast.config import load_scenario, load_scenarios
    from forecast.config.scenario import refuse_same_names

    chosen = [load_scenario(file) for file in files] + ([stated] if stated else [])
    if not chosen:
        chosen = [*load_scenarios(base.inputs.config)]
    if not chosen:
        raise InputError(
            "no scenario is given, and the run has none: name scenario files, or state one with --prior, "
            "--do, --see, --belief or --without"
        )
    refuse_same_names(chosen)
    return chosen


def sensitivity(
    run_dir: Path = RUN_DIR,
    target: str | None = option(None, "--target", "Target; the headline's when absent.", "NAME"),
    milestone: str | None = option(
        None, "--milestone", "Milestone, by name or day; the headline's when absent.", "NAME"
    ),
    as_json: bool = JSON,
) -> None:
    """Say what each probability rests on, and what each assumption does to one.

    Nothing is fitted: the draws of the run are reweighted, and where they cannot tell, it says so.
    """
    from forecast.records.analysis import Analysis
    from forecast.records.forecast import named_milestone
    from forecast.report.tables import sensitivity_blocks
    from forecast.runs.files import ANALYSIS, open_run, read_record

    forecast = open_run(run_dir).forecast
    analysis = read_record(run_dir / ANALYSIS, Analysis)
    target = target or forecast.headline.target
    asked = milestone or forecast.headline.milestone
    milestone = named_milestone(forecast, target, asked, "--milestone").name
    kept = sensitivity = analysis.sensitivity
    if sensitivity is None or (sensitivity.target, sensitivity.milestone) != (target, milestone):
        from forecast.runs.run import read_run
        from forecast.sensitivity.shifts import measure_sensitivity

        known = kept.labels if kept else None
        sensitivity = measure_sensitivity(read_run(run_dir), known, target=target, milestone=milestone)
    parts = sensitivity_blocks(forecast, sensitivity, analysis.reaction_labels)
    print_answer(as_json, sensitivity.model_dump_json(), parts)


def reconcile(
    run_dir: Path = RUN_DIR,
    target: str | None = option(None, "--target", "Target of the run; the headline's when absent.", "NAME"),
    before: str | None = option(
        None, "--before", "Milestone of the run, by name or day; the headline's when absent.", "DAY"
    ),
    probability: str = option(..., "--probability", "What you hold, e.g. 40% or 0.4.", "P"),
    as_json: bool = JSON,
) -> None:
    """Say what would have to be believed for the forecast to be a probability.

    How much of what is plausible that leaves, which quantities shift, each as a prior to state, and the
    one belief that gives the same number. Nothing is fitted again.
    """
    from forecast.report.tables import reconciled
    from forecast.runs.run import read_run
    from forecast.sensitivity.reconcile import reconcile as search
    from forecast.storage import read_chance

    goal = read_chance(probability, "--probability")
    base = read_run(run_dir)
    found = search(base, goal, target=target, milestone=before)
    reactions = {reaction.name: reaction.label for reaction in base.inputs.data.layout.reactions}
    print_answer(as_json, found.model_dump_json(by_alias=True), reconciled(base.forecast, found, reactions))
