"""``forecast scenario``: what other beliefs, another future or another past would change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast import wording
from forecast.cli.options import FIGURE_FORMATS, RUN_DIR, Output, argument, option, takes_options
from forecast.cli.terminal import BLANK, Part, Table, left, line, listening, right, text
from forecast.errors import InputError

if TYPE_CHECKING:
    from forecast.config import Scenario
    from forecast.progress import StageProgress
    from forecast.records.forecast import Forecast, ScenarioForecast, ScenarioMilestone
    from forecast.scenarios import Run

_FORMATS = (*FIGURE_FORMATS, ".json")


@takes_options
def scenario(
    run_dir: Path = RUN_DIR,
    files: list[Path] | None = argument(
        "[FILES]...", "Scenario files; without any, what the run kept.", default=None
    ),
    priors: list[str] | None = option(
        None, "--prior", "Another prior, e.g. ballast.visit=calms.", "NAME=PRIOR"
    ),
    events: list[str] | None = option(
        None,
        "--event",
        "A future act; FIRST..LAST in place of DATE for a window.",
        "DATE:CATEGORY:SEVERITY[:PROBABILITY][:BY]",
    ),
    without: list[str] | None = option(None, "--without", "Take a past event out (needs a new fit).", "ID"),
    compare: bool = option(
        False, "--compare", "One table across all scenarios, at the headline's milestone."
    ),
    out: Path | None = option(None, "--out", "Write chart (.svg, .png, .pdf) or numbers (.json).", "FILE"),
    no_refit: bool = option(False, "--no-refit", "Withhold the numbers of a scenario that needs a new fit."),
    paths: int | None = option(
        None, "--paths", "Futures a draw played again (2): more for less error, slower.", min=2
    ),
    yaml: bool = option(False, "--yaml", "Print the options as a scenario file, and end."),
    *,
    output: Output,
) -> None:
    """Compare scenarios with a saved run: probabilities, paired differences, and how far to trust them.

    Options given together make one scenario of their own.
    """
    from forecast.scenarios.options import scenario_from_options

    stated = scenario_from_options(priors or (), events or (), without or ())
    if out and out.suffix.lower() not in _FORMATS:
        raise InputError(f"--out {out}: ends in '{out.suffix}'. Allowed: {', '.join(_FORMATS)}")
    if out and not out.absolute().parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.absolute().parent}. Make it first")

    from forecast.scenarios import SCENARIO_PATHS, compare_scenarios, plan_scenarios, read_run

    base = read_run(run_dir)
    if not files and stated is None and base.forecast.scenarios and paths is None and not yaml:
        _print(base, base.forecast.scenarios, out, output, compare=compare)
        return
    chosen = _scenarios(base, files or [], stated)
    plan_scenarios(base.inputs, chosen)
    if yaml:
        from forecast.config import scenario_yaml

        if stated is None:
            raise InputError("--yaml prints options as a scenario file; give --prior, --event or --without")
        typer.echo(scenario_yaml(stated), nl=False)
        return

    with listening(shown=output.for_people) as follow:

        def listen(progress: StageProgress) -> None:
            # A bar only where there is something to wait for.
            if ":" in progress.note or progress.finished:
                follow(progress)

        found = compare_scenarios(
            base, chosen, refit=not no_refit, paths=paths or SCENARIO_PATHS, listen=listen
        )
    _print(base, found, out, output, compare=compare)


def _print(
    base: Run, found: tuple[ScenarioForecast, ...], out: Path | None, output: Output, *, compare: bool
) -> None:
    """Print and write what was found; ends with code 1 where numbers are withheld or not to be trusted."""
    if out:
        _write(base, found, out)
    tables = (_comparison if compare else _one_by_one)(base.forecast, found)
    written = (BLANK, line(f"Written  {out}")) if out else ()
    output.print(_as_json(base, found), chain(tables, written))
    if any(one.withheld or one.failures for one in found):
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
            "--event or --without"
        )
    refuse_same_names(chosen)
    return chosen


def _as_json(base: Run, found: tuple[ScenarioForecast, ...]) -> str:
    facts = {
        "run_id": base.forecast.run_id,
        "as_of": base.forecast.as_of.isoformat(),
        "converged": base.forecast.converged,
        "scenarios": [one.model_dump(mode="json", by_alias=True) for one in found],
    }
    return json.dumps(facts)


def _write(base: Run, found: tuple[ScenarioForecast, ...], out: Path) -> None:
    from forecast.storage import write_file

    if out.suffix.lower() == ".json":
        content = (_as_json(base, found) + "\n").encode()
    else:
        from forecast.report.drawing import figure_bytes, figure_kind
        from forecast.report.sections.scenarios import draw_scenarios

        content = figure_bytes(draw_scenarios(base.forecast, found), figure_kind(out))
    try:
        write_file(out, content)
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written ({error.strerror or error})") from error


_ROWS = (
    *(right("Before", 11), right("Run", 6), right("Then", 6), right("Change", 13), right("Assumed", 7)),
    left("In words"),
)


def _one_by_one(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Iterator[Part]:
    """Yield a table for each scenario: target × milestone, run, scenario, change, words."""
    from forecast.wording.scenarios import method_sentence, withheld_sentence
    from forecast.wording.warnings import failure_sentence

    yield from _stamp(forecast)
    for scenario in scenarios:
        yield text(scenario.label, "bold")
        yield text(scenario.rationale, "dim", indent=2)
        yield text(f"Method: {method_sentence(scenario)}", indent=2)
        if scenario.withheld:
            yield text(f"Withheld: {withheld_sentence(scenario)}", "bold", indent=2)
        for failure in scenario.failures:
            yield text(f"The new fit did not converge: {failure_sentence(failure)}", "bold", indent=2)
        yield BLANK
        if not scenario.withheld:
            yield Table(_ROWS, ())
            for target in scenario.targets:
                yield text(target.label, "bold")
                known = {one.name: one for one in forecast.target(target.name).milestones}
                chances = ((known[one.name].probability, one.probability) for one in target.milestones)
                rows = (
                    (
                        *(wording.short_day(one.date), *map(wording.percent, pair)),
                        *(_change(one), _assumed(one), one.words),
                    )
                    for one, pair in zip(target.milestones, chances, strict=True)
                )
                yield Table(_ROWS, rows, heads=False)
            yield BLANK
    yield _note(scenarios, _changes(scenarios))


def _comparison(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Iterator[Part]:
    """Yield one table across scenarios for each target, at the milestone of the headline."""
    from forecast.wording.scenarios import method_sentence

    yield from _stamp(forecast)
    asked = forecast.headline.milestone
    first = next(one for one in forecast.targets[0].milestones if one.name == asked)
    yield text(f"Before {wording.long_day(first.date)} ({first.label})")
    for target in sorted(forecast.targets, key=lambda target: target.name != forecast.headline.target):
        yield BLANK
        base = next(one for one in target.milestones if one.name == asked)
        yield _compared(
            target.label,
            scenarios,
            target.name,
            asked,
            ("The run", wording.percent(base.probability), "", ""),
        )
    yield BLANK
    by_how: dict[str, list[str]] = {}
    for scenario in scenarios:
        by_how.setdefault(method_sentence(scenario), []).append(scenario.label)
    for how, labels in by_how.items():
        yield text(f"{'; '.join(labels)}: {how}", "dim", hang=2)
    yield _note(scenarios, _changes(scenarios, milestone=asked))


def headline_scenarios(forecast: Forecast) -> Iterator[Part]:
    """Yield the short table at the end of a run: what the scenarios do to the headline."""
    if forecast.scenarios:
        yield BLANK
        asked = forecast.headline
        yield _compared("Scenarios (of the headline)", forecast.scenarios, asked.target, asked.milestone)
        yield _note(forecast.scenarios, _changes(forecast.scenarios, asked.target, asked.milestone))


def _compared(
    head: str, scenarios: Sequence[ScenarioForecast], target: str, milestone: str, *rows: Sequence[str]
) -> Part:
    """One row a scenario, under the rows given."""

    def row(scenario: ScenarioForecast) -> Sequence[str]:
        if scenario.withheld:
            return scenario.label, "–", "withheld", "new fit"
        found = next(one for one in scenario.target(target).milestones if one.name == milestone)
        return scenario.label, wording.percent(found.probability), _change(found), _assumed(found)

    changes = right("Change", 13), right("Assumed", 7)
    columns = left(head, 46), right("Chance", 6), *changes
    return Table(columns, [*rows, *map(row, scenarios)], indent=0)


def _change(milestone: ScenarioMilestone) -> str:
    from forecast.wording.sensitivity import change_with_error

    found = milestone.difference
    return change_with_error(found.value, found.mcse, found.at_most)


def _assumed(milestone: ScenarioMilestone) -> str:
    part = milestone.by_assumption
    return "" if part is None else wording.signed_points(part) if part else "–"


def _stamp(forecast: Forecast) -> Iterator[Part]:
    if not forecast.converged:
        yield text("THE RUN DID NOT CONVERGE – do not use these numbers.", "bold")
        yield BLANK


def _changes(
    scenarios: Sequence[ScenarioForecast], target: str | None = None, milestone: str | None = None
) -> list[ScenarioMilestone]:
    """Return the changes of one target, or of all, before one milestone, or before all."""
    return [
        one
        for scenario in scenarios
        for found in scenario.targets
        if target in (None, found.name)
        for one in found.milestones
        if milestone in (None, one.name)
    ]


def _note(scenarios: Sequence[ScenarioForecast], shown: Sequence[ScenarioMilestone]) -> Part:
    said = (
        "Change: percentage points against the run, ± its Monte Carlo standard error. Assumed: the part that "
        "assumed acts make by being what is forecast."
    )
    if any(one.difference.at_most is not None for one in shown):
        said += " In brackets: no path that was played shows a change, so it is below this (95% confidence)."
    if any(one.method != "refit" for one in scenarios):
        said += " The change is taken draw by draw, so its error is far below that of the chances"
        refitted = any(one.method == "refit" for one in scenarios)
        said += ", but for a new fit." if refitted else "."
    return text(said, "dim")
