"""``forecast check``, ``priors``, ``run``, ``watch``, ``backtest``, ``report``: from a config to folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from forecast import wording
from forecast.blocks import Prose, paired
from forecast.cli.options import (
    AS_OF,
    CLUSTER,
    CONFIG,
    JOBS,
    JSON,
    LEDGER,
    QUIET,
    RUN_DIR,
    RUNS,
    SETTINGS,
    argument,
    day_option,
    days_ahead,
    ledger_unless,
    option,
    parts_of,
    print_answer,
    print_notes,
    read_origins,
)
from forecast.cli.terminal import listening, reading, show
from forecast.errors import InputError, PriorError, StoppedError, UnfinishedError, did_you_mean
from forecast.progress import Clock

if TYPE_CHECKING:
    from forecast.blocks import Block
    from forecast.watchlist.backtest import ListBacktest

MODELS = "model,pooled_hazard,combined"
SINCE = option(None, "--since", "Earlier run, to say what is new since then.", "RUN_DIR")
NO_LEDGER = option(False, "--no-ledger", "Leave this run off the record, e.g. a trial.")


def check(
    config: Path = CONFIG,
    settings: list[str] | None = SETTINGS,
    as_of: date | None = AS_OF,
    as_json: bool = JSON,
) -> None:
    """Validate a config and its events, read it back in plain English; nothing is fitted."""
    from forecast.config import load_config
    from forecast.report.case_check import check_case
    from forecast.runs.inputs import read_inputs

    loaded = load_config(config, settings or (), as_of=as_of)
    with reading(shown=not as_json):
        checked = check_case(read_inputs(loaded))
    print_answer(as_json, checked.facts() if as_json else {}, checked.blocks())


def run(
    config: Path = CONFIG,
    settings: list[str] | None = SETTINGS,
    as_of: date | None = AS_OF,
    out: Path = option(RUNS, "--out", "Folder of the runs; this one goes to DIR/<name>/<as_of>.", "DIR"),
    force: bool = option(False, "--force", "Replace a run that is there already."),
    allow_unconverged: bool = option(
        False,
        "--allow-unconverged",
        "End with code 0 even if the fit did not converge; the report stays stamped.",
    ),
    since: Path | None = SINCE,
    ledger: Path | None = LEDGER,
    no_ledger: bool = NO_LEDGER,
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Fit the model, compute the chances, write the run folder with its PDF report, put it on record."""
    from forecast.config import load_config
    from forecast.events.duplicates import likely_repeats
    from forecast.phrases.data import repeats_in_words, selection_notes
    from forecast.runs.files import FORECAST, PREVIOUS_RUN, read_manifest, refuse_existing, run_place
    from forecast.runs.inputs import read_inputs

    place, loaded = ledger_unless(no_ledger, ledger, out), load_config(config, settings or (), as_of=as_of)
    # The run checks it again; here it answers before the seconds that reading takes.
    refuse_existing(run_place(loaded, out), force=force)
    clock = Clock()
    with clock.time("read"), reading(shown=not (as_json or quiet)):
        inputs = read_inputs(loaded)
    print_notes(selection_notes(inputs.dyad, inputs.events, inputs.left_out))
    repeats = repeats_in_words(likely_repeats(inputs.events), inputs.events.source)
    print_notes(f"{note}." for note in (*inputs.events.notes, *repeats))
    with listening(shown=not (as_json or quiet)) as listen:
        from forecast.report.page_1 import bottom_line
        from forecast.report.run_records import read_run_records
        from forecast.runs.cautions import require_converged, without_warnings
        from forecast.workflows.forecast import run_forecast

        with without_warnings():  # they stand in the summary
            finished, folder = run_forecast(
                inputs,
                out=out,
                force=force,
                allow_unconverged=True,
                ledger=place,
                on_record=place is not None,
                since=since,
                listen=listen,
                clock=clock,
            )
    if as_json:
        record = json.loads((folder / FORECAST).read_bytes())
        record["timings_s"] = read_manifest(folder)["timings_s"]
        if (folder / PREVIOUS_RUN).is_file():
            record["previous_run"] = json.loads((folder / PREVIOUS_RUN).read_bytes())
        typer.echo(json.dumps(record, indent=1, ensure_ascii=False))
    if not allow_unconverged:
        require_converged(finished.forecast, folder, place)
    if not as_json:
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
        if reruns := finished.samples.reruns:
            again = f"Sampled {wording.times(reruns + 1)}, each time longer, since the draws failed a check"
            show([Prose(f"{again}; more of them from the start (sampler.draws) are faster.", tone="fine")])


def watch(
    list_file: Path = argument("LIST", "Watchlist (YAML)."),
    settings: list[str] | None = option(
        None,
        "--set",
        "Change a setting for this watch, e.g. model.family=pooled_hazard. Repeatable.",
        "KEY=VALUE",
    ),
    as_of: date | None = day_option(None, "--as-of", "Day of the watch, in place of as_of."),
    update: bool = option(
        False, "--update", "First bring the stores among its events up to date, for the pairs of the list."
    ),
    out: Path = option(RUNS, "--out", "Folder of the lists; this one goes to DIR/<name>/<as_of>.", "DIR"),
    jobs: int = JOBS,
    cluster: str | None = CLUSTER,
    no_report: bool = option(False, "--no-report", "Make no page and no PDF."),
    ledger: Path | None = LEDGER,
    no_ledger: bool = NO_LEDGER,
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Forecast every dyad of a list, rank them, and tell what moved; unchanged ones are not fitted again."""
    from forecast.config.watchlist import load_watchlist
    from forecast.phrases.watch import failure_text

    place = ledger_unless(no_ledger, ledger, out)
    loaded, late = load_watchlist(list_file, settings or (), as_of=as_of), []
    with listening(shown=not (as_json or quiet)) as listen:
        from forecast.watchlist.changes import notify
        from forecast.watchlist.events import update_stores
        from forecast.watchlist.watch import DYAD, WATCH, run_watch, watch_place

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
        problem = notify(loaded, made, folder)
    if as_json:
        typer.echo((folder / WATCH).read_text(encoding="utf-8"), nl=False)
    else:
        from forecast.watchlist.page import watch_answer

        show(watch_answer(made, folder))
    reasons = [f"  {dyad.name}: {failure_text(dyad, made.as_of)}" for dyad in made.dyads if dyad.failure]
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


def priors(
    config: Path = CONFIG,
    settings: list[str] | None = SETTINGS,
    explain: str | None = option(
        None, "--explain", "One prior in full: meaning, unit, words, reason.", "NAME"
    ),
    as_json: bool = JSON,
) -> None:
    """List every prior: name, meaning, unit, words, value, 90% interval, and where it came from."""
    from forecast.config import load_config
    from forecast.priors.named import TARGET_RATE
    from forecast.report.case_check import explain_prior, list_priors, prior_facts, whole_rate
    from forecast.runs.inputs import read_data

    inputs = read_data(load_config(config, settings or ()))
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
    facts = {"priors": [prior_facts(prior, inputs) for prior in chosen] if as_json else []}
    explained = (*whole, *(explain_prior(prior, inputs) for prior in chosen))
    print_answer(as_json, facts, explained if explain else list_priors(chosen, inputs))


def report(
    run_dir: Path = RUN_DIR,
    since: Path | None = SINCE,
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
    as_json: bool = JSON,
) -> None:
    """Build the report of a saved run again (brief.pdf, report.pdf, report.html); nothing is fitted."""
    from forecast.runs import files
    from forecast.workflows.report import rebuild_report, refuse_use

    if use:
        refuse_use(run_dir, use, force=force)
    if force and xlsx:
        raise InputError("--force: not with --xlsx, which could not say what was altered")
    built = rebuild_report(
        run_dir, since=since, paper=paper, figures=figures, brief_only=brief, xlsx=xlsx, force=force
    )
    kinds = {"report": files.PDF, "page": files.PAGE, "xlsx": files.WORKBOOK}
    written = {"brief": built.brief} | {name: built.other(file) for name, file in kinds.items()}
    facts: dict[str, object] = {name: str(path) for name, path in written.items() if path}
    heads = {"brief": "Brief", "report": "Report", "page": "Page", "xlsx": "Numbers"}
    said = [(heads[name], str(path)) for name, path in facts.items()]
    if made := built.exported_figures:
        said.append(("Charts", f"{len(made)} files in {made[0].parent}"))
    facts["figures"] = [str(path) for path in made]
    print_answer(as_json, facts, [paired(said)])


def backtest(
    config: Path = CONFIG,
    settings: list[str] | None = SETTINGS,
    as_of: date | None = AS_OF,
    origins: str = option(
        "monthly", "--origins", "quarterly, monthly, weekly, or days: 2021-01-01,2021-07-01.", "WHEN"
    ),
    horizons: str | None = option(
        None,
        "--horizons",
        f"Days ahead, with commas; when absent {wording.LISTED}, where a window fits.",
        "DAYS",
    ),
    models: str = option(MODELS, "--models", f"Some of {MODELS}. Baselines are always shown.", "LIST"),
    jobs: int = JOBS,
    cluster: str | None = CLUSTER,
    first: date | None = day_option(
        None, "--from", "First origin; two years after the start of the data when absent."
    ),
    last: date | None = day_option(None, "--to", "Last origin; the end of the data when absent."),
    exact: bool = option(False, "--exact", "Refit at every origin instead of carrying draws on."),
    out: Path = option(RUNS, "--out", "Folder of the runs; this one goes to DIR/<name>/backtest.", "DIR"),
    force: bool = option(False, "--force", "Replace a backtest that is there."),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Forecast at past dates from what was known then, and score it beside six simple baselines.

    Of a watchlist: by dyad, pooled, as a ranking, and its triggers. The same command goes on with one that
    was stopped.
    """
    if cluster and cluster != "local" and jobs > 1:
        raise InputError("--jobs: a scheduler has its own workers. Leave it out with --cluster tcp://…")

    from forecast.config import load_config
    from forecast.config.watchlist import Watchlist, is_watchlist, load_watchlist

    listed = is_watchlist(config)
    if listed and horizons is not None:
        raise InputError("--horizons: a list has its own; use --set horizons=[30,90] or the file")
    loaded = (load_watchlist if listed else load_config)(config, settings or (), as_of=as_of)
    with listening(shown=not (as_json or quiet)) as listen:
        from forecast.evaluation.past_forecasts import BacktestOptions
        from forecast.evaluation.study import partial_place
        from forecast.watchlist.backtest import run_list_backtest
        from forecast.workflows.backtest_folder import Backtest, backtest_place, run_backtest

        options = BacktestOptions(
            origins=read_origins(origins),
            first=first,
            last=last,
            horizons=None if horizons is None else days_ahead(horizons, "--horizons"),
            models=parts_of(models),
            exact=exact,
        )
        folder = backtest_place(loaded.name, out)
        run: Callable[..., Backtest | ListBacktest] = run_backtest
        if isinstance(loaded, Watchlist):
            run = run_list_backtest
            # The model costs a fit at every dyad: a list has its own family.
            options = replace(options, models=() if models == MODELS else options.models)
        done = run(
            loaded, options, folder=folder, force=force, processes=jobs, cluster=cluster, listen=listen
        )
    failures = done.failures if isinstance(done, Backtest) else ()
    written = paired(() if failures else (("Scores", str(folder / "scores.json")),))
    facts = done.content | {"folder": None if failures else str(folder)}
    print_answer(as_json, facts, (*done.blocks(loaded.target_titles), written))
    if isinstance(done, Backtest) and failures:
        failed = "\n".join(f"  {failure}" for failure in failures)
        raise UnfinishedError(
            f"{len(failures)} of {len(done.plan.units)} parts failed; the scores are those of the others.\n"
            f"{failed}\nFinished parts are kept in {partial_place(folder)}. Try again: the same command."
        )
