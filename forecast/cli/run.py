"""``forecast check``, ``priors``, ``run``, ``watch``, ``report``: from a config to folders with reports."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from forecast import wording
from forecast.blocks import Prose, paired
from forecast.cli.options import (
    LEDGER,
    RUN_DIR,
    RUNS,
    Answer,
    ConfigOptions,
    DatedOptions,
    argument,
    day_option,
    ledger_place,
    option,
    takes_options,
)
from forecast.cli.terminal import listening, show
from forecast.errors import InputError, PriorError, StoppedError, UnfinishedError, did_you_mean

if TYPE_CHECKING:
    from forecast.blocks import Block


@takes_options
def check(case: DatedOptions, *, output: Answer) -> None:
    """Validate a config and its events, read it back in plain English; nothing is fitted."""
    loaded = case.load()

    from forecast.report.case_check import check_case
    from forecast.runs.inputs import read_inputs

    checked = check_case(read_inputs(loaded))
    output.print(checked.facts(), checked.blocks())


@takes_options
def run(
    case: DatedOptions,
    out: Path = option(RUNS, "--out", "Folder of the runs; this one goes to DIR/<name>/<as_of>.", "DIR"),
    force: bool = option(False, "--force", "Replace a run that is there already."),
    allow_unconverged: bool = option(
        False,
        "--allow-unconverged",
        "End with code 0 even if the fit did not converge; the report stays stamped.",
    ),
    ledger: Path | None = LEDGER,
    no_ledger: bool = option(False, "--no-ledger", "Leave this run off the record, e.g. a trial."),
    *,
    output: Answer,
) -> None:
    """Fit the model, compute the chances, write the run folder with its PDF report, put it on record."""
    if ledger and no_ledger:
        raise InputError("--ledger names a ledger and --no-ledger uses none: give one of them")
    place = None if no_ledger else ledger_place(ledger, out)
    loaded = case.load()

    from forecast.events.duplicates import likely_repeats, repeats_in_words
    from forecast.events.dyads import selection_notes
    from forecast.runs.files import refuse_existing, run_place
    from forecast.runs.inputs import read_inputs
    from forecast.scenarios import plan_scenarios

    # The run checks both again; here they answer before the seconds that loading the sampler takes.
    refuse_existing(run_place(loaded, out), force=force)
    inputs = read_inputs(loaded)
    plan_scenarios(inputs, inputs.scenarios)
    for note in selection_notes(inputs.dyad, inputs.events, inputs.left_out):
        typer.echo(f"Note: {note}", err=True)
    repeats = repeats_in_words(likely_repeats(inputs.events), inputs.events.source)
    for note in (*inputs.events.notes, *repeats):
        typer.echo(f"Note: {note}.", err=True)
    if place:
        from forecast.ledger.store import refuse_unusable

        refuse_unusable(place)

    with listening(shown=output.for_people) as listen:
        from forecast.report.page_1 import bottom_line
        from forecast.report.run_records import read_run_records
        from forecast.runs.cautions import require_converged, without_warnings
        from forecast.workflows.forecast import run_forecast
        from forecast.workflows.report import timed_forecast

        with without_warnings():  # they stand in the summary
            finished, folder = run_forecast(
                loaded,
                out=out,
                force=force,
                allow_unconverged=True,
                ledger=place,
                on_record=place is not None,
                listen=listen,
            )
    if output.json:
        typer.echo(timed_forecast(folder).model_dump_json(by_alias=True, indent=1))
    if not allow_unconverged:
        require_converged(finished.forecast, folder, place)
    if output.for_people:
        thin = finished.forecast.too_little
        files = {
            "Brief": folder / "brief.pdf",
            "Report": folder / "report.pdf",
            "Numbers": folder / "forecast.json",
            "Ledger": None if thin else place,
        }
        written = paired(tuple((name, str(path)) for name, path in files.items() if path))
        show((*bottom_line(read_run_records(folder)), written))
        if place:
            failed = "" if finished.forecast.converged else " as failed: neither listed nor scored"
            said = f"On record{failed}; --no-ledger leaves a run off the record."
            show([Prose("Not on record: no forecast." if thin else said, tone="fine")])
        if reruns := finished.fit.reruns:
            again = f"Sampled {wording.times(reruns + 1)}, each time longer, since the draws failed a check"
            show([Prose(f"{again}; more of them from the start (sampler.draws) are faster.", tone="fine")])


@takes_options
def watch(
    list_file: Path = argument("LIST", "Watchlist (YAML)."),
    overrides: list[str] | None = option(
        None, "--set", "Change a setting for this watch, e.g. model.family=panel. Repeatable.", "KEY=VALUE"
    ),
    as_of: date | None = day_option(None, "--as-of", "Day of the watch, in place of as_of."),
    update: bool = option(
        False, "--update", "First bring the stores among its events up to date, for the pairs of the list."
    ),
    out: Path = option(RUNS, "--out", "Folder of the lists; this one goes to DIR/<name>/<as_of>.", "DIR"),
    jobs: int = option(1, "--jobs", "Processes to use.", "N", min=1, max=256),
    cluster: str | None = option(
        None, "--cluster", "Run on Dask: local, or a scheduler as tcp://host:port.", "WHERE"
    ),
    no_report: bool = option(False, "--no-report", "Make no page and no PDF."),
    ledger: Path | None = LEDGER,
    no_ledger: bool = option(False, "--no-ledger", "Leave this watch off the record, e.g. a trial."),
    *,
    output: Answer,
) -> None:
    """Forecast every dyad of a list, rank them, and tell what moved; unchanged ones are not fitted again."""
    from forecast.config.watchlist import load_watchlist

    if ledger and no_ledger:
        raise InputError("--ledger names a ledger and --no-ledger uses none: give one of them")
    loaded, late = load_watchlist(list_file, tuple(overrides or ()), as_of=as_of), []
    place = None if no_ledger else ledger_place(ledger, out)
    with listening(shown=output.for_people) as listen:
        from forecast.watchlist.watch import DYAD, WATCH, run_watch, tell_changes, update_stores, watch_place

        if update:
            # What could not be had makes the forecast older, and not impossible.
            late = [report for report in update_stores(loaded, listen) if not report.whole]
        try:
            made, folder = run_watch(
                loaded,
                out=out,
                processes=jobs,
                cluster=cluster,
                report=not no_report,
                ledger=place,
                listen=listen,
            )
        except KeyboardInterrupt:
            kept = len(list(watch_place(loaded, out).glob(f"*/{DYAD}")))
            raise StoppedError(
                f"interrupted; {wording.count(kept, 'dyad')} finished. The same command goes on from there."
            ) from None
        problem = tell_changes(loaded, made, folder)
    if output.json:
        typer.echo((folder / WATCH).read_text(encoding="utf-8"), nl=False)
    elif output.for_people:
        from forecast.watchlist.page import watch_answer

        output.print({}, watch_answer(made, folder))
    reasons = [f"  {dyad.name}: {dyad.failure.text}" for dyad in made.dyads if dyad.failure]
    if not any(dyad.targets for dyad in made.dyads):
        raise UnfinishedError("\n".join(("no dyad of the list has a number.", *reasons)))
    undone = []
    if reasons:
        number = f"{wording.count(len(reasons), 'dyad')} of {len(made.dyads):,}"
        undone.append("\n".join((f"{number} without a number; the others are done:", *reasons)))
    if late:
        why = "\n".join(f"  {one.failure or 'files missing or wrong'}" for one in late)
        undone.append(f"the watch is done, but its stores are not up to date:\n{why}")
    if problem:
        undone.append(f"the watch is done, but on_change.command was not: {problem}")
    if undone:
        raise UnfinishedError("\n".join(undone))


@takes_options
def priors(
    case: ConfigOptions,
    explain: str | None = option(
        None, "--explain", "One prior in full: meaning, unit, words, reason.", "NAME"
    ),
    *,
    answer: Answer,
) -> None:
    """List every prior: name, meaning, unit, words, value, 90% interval, and where it came from."""
    from forecast.priors.named import TARGET_RATE
    from forecast.report.case_check import explain_prior, list_priors, prior_facts, whole_rate
    from forecast.runs.inputs import read_data

    inputs = read_data(case.load())
    known = inputs.priors.priors
    chosen = list(known.values())
    whole: list[Block] = []
    if explain and explain.startswith(TARGET_RATE):
        names = inputs.priors.cells_of(explain)
        chosen, whole = [known[name] for name in names], [whole_rate(explain, names, inputs)]
    elif explain:
        names = (*known, *(prior.group.name for prior in chosen))
        chosen = [prior for prior in chosen if explain in (prior.name, prior.group.name)]
        if not chosen:
            raise PriorError(
                f"{explain}: unknown prior.{did_you_mean(explain, names)} 'forecast priors' lists them all."
            )
    facts = {"priors": [prior_facts(prior, inputs) for prior in chosen] if answer.json else []}
    explained = (*whole, *(explain_prior(prior, inputs) for prior in chosen))
    answer.print(facts, explained if explain else list_priors(chosen, inputs))


@takes_options
def report(
    run_dir: Path = RUN_DIR,
    previous: Path | None = option(
        None, "--previous", "Earlier run, to show the change since then.", "RUN_DIR"
    ),
    figures: Path | None = option(None, "--figures", "Write every chart there too, as SVG and PNG.", "DIR"),
    paper: Literal["a4", "us-letter"] | None = option(
        None, "--paper", "Paper of the PDF, in place of report.paper."
    ),
    brief: bool = option(False, "--brief", "Only page 1: brief.pdf."),
    xlsx: bool = option(False, "--xlsx", "Write numbers.xlsx too: every number, one sheet a table."),
    use: Literal["client", "internal"] | None = option(
        None, "--use", "What the report is for: events whose terms bar it are refused."
    ),
    force: bool = option(
        False, "--force", "Build from files that were altered after the run; the report says so."
    ),
    *,
    output: Answer,
) -> None:
    """Build the report of a saved run again (brief.pdf, report.pdf, report.html); nothing is fitted."""
    from forecast.runs import files
    from forecast.workflows.report import rebuild_report, refuse_use

    if use:
        refuse_use(run_dir, use)
    if force and xlsx:
        raise InputError("--force: not with --xlsx, which could not say what was altered")
    built = rebuild_report(
        run_dir, previous=previous, paper=paper, figures=figures, brief_only=brief, xlsx=xlsx, force=force
    )
    kinds = {"report": files.PDF, "page": files.PAGE, "xlsx": files.WORKBOOK}
    written = {"brief": built.brief} | {name: built.other(file) for name, file in kinds.items()}
    facts: dict[str, object] = {name: str(path) for name, path in written.items() if path}
    heads = {"brief": "Brief", "report": "Report", "page": "Page", "xlsx": "Numbers"}
    said = [(heads[name], str(path)) for name, path in facts.items()]
    if made := built.exported_figures:
        said.append(("Charts", f"{len(made)} files in {made[0].parent}"))
    facts["figures"] = [str(path) for path in made]
    output.print(facts, [paired(said)])
