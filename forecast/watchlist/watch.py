"""A list from its files to its folder: check all, forecast each dyad, rank, write, put on record, tell.

``<out>/<list>/<as-of>/`` holds the files of a watch and a folder a dyad. A dyad that fails stops nothing.
What is finished is kept at once, so that a watch that was interrupted goes on, and one with nothing changed
fits nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast import __version__
from forecast.config import Config, config_hash
from forecast.config.settings_file import Fault
from forecast.config.watchlist import WatchedDyad, Watchlist
from forecast.config.writing import resolved_yaml
from forecast.errors import EventError, ForecastError, InputError, NotConvergedError, RunFolderError
from forecast.evaluation.study import Workers, decisive_versions, do_all
from forecast.events.codebook import near_actor
from forecast.events.dyads import DyadRule, actors_of
from forecast.events.reading import read_events, write_events
from forecast.events.summary import feed_faults
from forecast.events.table import EventTable
from forecast.ledger.recording import RunOrigin, forecast_entries, said_of
from forecast.ledger.store import open_ledger, refuse_unusable, write_ledger
from forecast.phrases.watch import BULLETIN, no_events_text
from forecast.progress import Listener, StageProgress
from forecast.records.analysis import RowsMoved
from forecast.records.bulletin import Bulletin
from forecast.records.forecast import Headline, TargetForecast
from forecast.records.notices import FeedFault, Notice, notice
from forecast.records.watch import DyadEntry, DyadRow, Failure, FailureCode, Watch, Work
from forecast.report.bulletin import bulletin_pdf
from forecast.runs import files
from forecast.runs.cautions import cautions_of, far_from_baseline, too_little
from forecast.runs.files import (
    changed_run_folder,
    check_folder,
    claimed,
    kind_of,
    new_run_folder,
    output_hashes,
    read_kept,
    write_json,
    write_record,
)
from forecast.runs.inputs import Inputs, family_of, inputs_of, load_hazard, load_population, target_rules
from forecast.runs.mixture import Mixture, direct_answers
from forecast.runs.run import Run, horizon_days, read_run, write_run
from forecast.runs.summaries import target_forecasts
from forecast.scenarios.bulletin import bulletin
from forecast.sensitivity.news import measure_news
from forecast.storage import csv_text, day_made, remove_stale, write_file
from forecast.watchlist.backtest import read_backtest, skill_records, trigger_records
from forecast.watchlist.changes import entry_of, ranked
from forecast.watchlist.events import EventFile, events_of, read_files
from forecast.watchlist.page import make_page_and_pdf, table_rows
from forecast.workflows.forecast import run_of_inputs

DYAD = "dyad.json"
WATCH, TABLE, PDF, PAGE = "watch.json", "watch.csv", "watch.pdf", "watch.html"
_MANIFEST: dict[str, object] = {"kind": "watch", "code_version": __version__}


# The forecast of a dyad


@dataclass(frozen=True, eq=False)
class Job:
    """What to forecast of one dyad; ``earlier``: what the watch ``before`` knew, ``None`` if the same."""

    config: Config
    events: EventTable
    earlier: EventTable | None = None
    before: Path | None = None

    @property
    def key(self) -> str:
        """Hash of all that the numbers depend on: settings, events, priors, coefficients, code."""
        population, hazard = load_population(self.config), load_hazard(self.config)
        priors = population.sha256 if population else "none"
        settings = config_hash(self.config), self.events.sha256
        earlier = "none" if self.earlier is None else self.earlier.sha256
        parts = (*settings, priors, hazard.sha256, earlier, decisive_versions())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def failed(code: FailureCode, **facts: Any) -> DyadRow:  # noqa: ANN401 - fields of ``Failure``
    """Return a dyad without numbers."""
    return DyadRow(failure=Failure(code=code, **facts))


def forecast_dyad(job: Job) -> tuple[DyadRow, Run | None]:
    """Forecast one dyad; return what goes wrong, and the run where the model was fitted, though it failed."""
    try:
        inputs = inputs_of(job.config, job.events)
        for thin in too_little(inputs):
            return failed("too_little_record", record=thin), None
        targets, run = direct_forecasts(inputs), None
        if targets is None:
            run = run_of_inputs(inputs, drivers=False)
            if not run.forecast.converged:
                return failed("not_converged", gates=run.forecast.diagnostics.failures), run
            targets = run.forecast.targets
        cautions = (*far_from_baseline(targets), *cautions_of(inputs))
        news = RowsMoved() if job.earlier is None else measure_news(inputs, job.earlier, run)
        work: Work = "fitted" if run else "direct"
        told = news_bulletin(job) if run else None
        return DyadRow(targets=targets, cautions=cautions, work=work, news=news, bulletin=told), run
    except NotConvergedError as error:
        return failed("not_converged", error=str(error)), None
    except ForecastError as error:
        return failed("bad_input", error=str(error)), None
    except (ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        return failed("numerical", error=f"{type(error).__name__}: {error}"), None


def news_bulletin(job: Job) -> Bulletin | None:
    """Tell what new rows change of the run of the watch before; ``None`` where none can be taken in."""
    if job.earlier is None or job.before is None:
        return None
    with suppress(InputError, NotConvergedError, RunFolderError):
        told = bulletin(read_run(job.before), job.events)
        return None if told.withheld else told
    return None


def direct_forecasts(inputs: Inputs) -> tuple[TargetForecast, ...] | None:
    """Forecast all targets by members that need no fit; ``None`` where acts ahead or silence ask for one."""
    if inputs.family.fitted or inputs.calendar:
        return None
    direct = direct_answers(inputs, inputs.events, horizon_days(inputs.config))
    if not all(direct.of(rule.name) for rule in inputs.rules):
        return None
    return target_forecasts(Mixture(inputs, direct, None))


# The folder of a dyad


def keep_row(folder: Path, job: Job, row: DyadRow, run: Run | None) -> None:
    """Write the folder of a finished dyad, whole, with its run where one was fitted."""
    row = row.model_copy(update={"key": job.key})
    held = kind_of(folder) if folder.exists() else "watched dyad"
    if held not in ("run", "watched dyad"):
        raise RunFolderError(f"{folder}: is in the way of a dyad. Move it away, or use another `out`")
    with new_run_folder(folder, force=True, kind="run" if held == "run" else "watched dyad") as filling:
        if run is not None:
            write_run(run, filling, folder)
        else:
            write_events(job.events, filling / files.EVENTS)
            write_file(filling / files.CONFIG, resolved_yaml(job.config, folder))
        write_record(row, filling / DYAD)
        if row.bulletin:
            write_file(filling / BULLETIN, bulletin_pdf(row.bulletin, paper=job.config.report.paper))
        made: dict[str, object] = {"kind": "run" if run else "watched dyad", "code_version": __version__}
        made |= {"run_id": run.forecast.run_id} if run else {}
        made |= {"data_sha256": job.events.sha256, "outputs_sha256": output_hashes(filling)}
        write_json(made, filling / files.MANIFEST)


def _kept_row(folder: Path) -> DyadRow | None:
    """Return the row of a dyad forecast before; ``None`` where there is none, or its folder was altered."""
    with suppress(RunFolderError):
        check_folder(folder)
        return read_kept(folder / DYAD, DyadRow)
    return None


def earlier_events(folder: Path, known: EventTable) -> EventTable | None:
    """Return the events that an earlier watch knew of a dyad; ``None`` where it kept none, or the same."""
    try:
        if check_folder(folder)[0].get("data_sha256") == known.sha256:
            return None
        return read_events(folder / files.EVENTS)
    except (EventError, RunFolderError):
        return None


# The whole list


@dataclass
class _Dyad:
    """Working state of one dyad: what was read of it, and its row once it is there."""

    watched: WatchedDyad
    job: Job | None = None
    faults: tuple[FeedFault, ...] = ()
    row: DyadRow | None = None


def run_watch(
    watchlist: Watchlist,
    *,
    out: Path = Path("reports"),
    processes: int = 1,
    cluster: str | None = None,
    report: bool = True,
    ledger: Path | None = None,
    listen: Listener | None = None,
) -> tuple[Watch, Path]:
    """Watch a list and write its folder below ``out``; return what it found, and the folder.

    ``processes`` are workers of this machine, ``cluster`` is ``"local"`` or the address of a Dask scheduler.
    Page and PDF are made with ``report``; the forecasts go on record in the ``ledger``, if one is given.

    Raises ``InputError``: the list, its files or its folder cannot be used, or no dyad can be run. Nothing is
    written then.
    """
    tell = listen or (lambda progress: None)
    tell(StageProgress("read"))
    event_files = read_files(watchlist)
    # What would fail in every dyad is refused at once.
    first = watchlist.config_of(0, event_files[0].source)
    family_of(first)
    load_population(first)
    folder = watch_place(watchlist, out)
    scored, unused = read_backtest(watchlist, folder.parent)
    before = _watch_before(folder)
    dyads, notes = _read_dyads(watchlist, event_files, before)
    if ledger is not None:
        refuse_unusable(ledger)
    with claimed(folder.parent):
        _begin(folder)
        _forecast_all(dyads, folder, Workers(processes, cluster), tell)
        watch = _watch_of(watchlist, dyads, before[0] if before else None, (*unused, *notes), scored)
        jobs = {dyad.watched.key: dyad.job for dyad in dyads if dyad.job is not None}
        if ledger is not None and ledger.exists():
            watch = _with_others(watch, ledger, jobs)
        tell(StageProgress("report"))
        made: dict[str, str | bytes] = {TABLE: csv_text(table_rows(watch), end="\r\n")}
        if report:
            made[PAGE], made[PDF] = make_page_and_pdf(watch, made_on=day_made(), paper=watchlist.paper)
        with changed_run_folder(folder) as filling:
            write_record(watch, filling / WATCH)
            for name, content in made.items():
                write_file(filling / name, content)
            written = {name: (filling / name).read_bytes() for name in sorted((WATCH, *made))}
            hashes = {name: hashlib.sha256(content).hexdigest() for name, content in written.items()}
            write_json(_MANIFEST | {"outputs_sha256": hashes}, filling / files.MANIFEST)
            if ledger is not None:  # before the watch is there to be read
                _put_on_record(ledger, watch.dyads, jobs, folder)
    return watch, folder


def watch_place(watchlist: Watchlist, out: Path) -> Path:
    """Where a watch of this list is kept: ``<out>/<name>/<as_of>``."""
    return out / watchlist.name / watchlist.as_of.isoformat()


def _watch_before(folder: Path) -> tuple[Watch, Path] | None:
    """Return the last watch of a list before that of a folder; one that cannot be read is passed over."""
    for day in sorted(folder.parent.glob("????-??-??"), reverse=True):
        if day.name < folder.name and (watch := read_kept(day / WATCH, Watch)):
            return watch, day
    return None


def _begin(folder: Path) -> None:
    """Make the folder of a watch, or go on with the one that is there."""
    remove_stale(folder)
    if folder.exists() and any(folder.iterdir()) and kind_of(folder) != "watch":
        raise RunFolderError(f"{folder}: holds no watch. Move it away, or use another `out`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / files.MANIFEST).exists():
            write_json(_MANIFEST, folder / files.MANIFEST)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written ({error.strerror or error})") from error


# What each dyad is forecast from, and its row


def _read_dyads(
    watchlist: Watchlist, event_files: Sequence[EventFile], before: tuple[Watch, Path] | None
) -> tuple[list[_Dyad], list[Notice]]:
    """Find the acts of every dyad, and what the watch before knew of it; return what to know of them, too."""
    as_of, faults, dyads, notes = watchlist.as_of, [], list[_Dyad](), list[Notice]()
    done = {entry.name for entry in before[0].dyads if not entry.failure} if before else frozenset[str]()
    for position, watched in enumerate(watchlist.dyads):
        dyads.append(dyad := _Dyad(watched))
        acts = events_of(watched.rule, event_files)
        events = acts.table.known_by(as_of) if acts else ()
        if not acts or not events:
            known = sorted(frozenset[str]().union(*(actors_of(file.table) for file in event_files)))
            meant = {actor: near_actor(actor, known) for actor in watched.rule.actors if actor not in known}
            near = {actor: found for actor, found in meant.items() if found}
            problem = no_events_text(watched.rule, as_of, near)
            faults.append(Fault(("dyads", position), f"{watched.key}: {problem}"))
            dyad.row = failed("no_events", near=near)
            continue
        dyad.job = Job(watchlist.config_of(position, events.source), events)
        if before and watched.key in done:
            then = earlier_events(before[1] / watched.key, events)
            then = then and then.select(watched.rule.mask(then))
            dyad.job = replace(dyad.job, earlier=then, before=before[1] / watched.key)
        dyad.faults = feed_faults(acts.files, as_of)
        if acts.repeated:
            notes.append(notice("repeated_rows", dyad=watched.title, rows=acts.repeated))
        if watched.theatre and not DyadRule(watched.side_a, watched.side_b).mask(acts.table).any():
            notes.append(notice("third_parties_alone", dyad=watched.title, theatre=watched.theatre))
    if len(faults) == len(dyads):
        raise InputError(f"{watchlist.errors(faults)}\nNo dyad can be run. Mend the list or its files")
    return dyads, notes


def _forecast_all(dyads: Sequence[_Dyad], folder: Path, workers: Workers, tell: Listener) -> None:
    """Forecast the dyads that are not kept from before; each is kept when it is finished."""
    waiting: dict[str, _Dyad] = {}
    jobs = []
    for dyad in dyads:
        if dyad.job is not None and dyad.row is None:
            kept = _kept_row(folder / dyad.watched.key)
            if kept and not kept.failure and kept.key == dyad.job.key:
                dyad.row = kept.model_copy(update={"work": "unchanged"})
            else:  # also what failed is tried again
                waiting[dyad.watched.key] = dyad
                jobs.append((dyad.job,))
    died = failed("worker_died")
    tell(StageProgress("watch", 0, len(waiting)))
    # The longest first: one left for last would keep a single worker busy.
    jobs.sort(key=lambda job: -len(job[0].events))
    for done, ((job,), (row, run)) in enumerate(
        do_all(forecast_dyad, jobs, lambda _: (died, None), workers), start=1
    ):
        name = job.config.name
        keep_row(folder / name, job, row, run)
        waiting[name].row = row
        tell(StageProgress("watch", done, len(waiting), name))


def _watch_of(
    watchlist: Watchlist,
    dyads: Sequence[_Dyad],
    before: Watch | None,
    notes: tuple[Notice, ...],
    scored: Mapping[str, Any],
) -> Watch:
    entries = [
        entry_of(
            watchlist,
            dyad.watched,
            dyad.row or DyadRow(),
            (dyad.job.config, dyad.job.events) if dyad.job else None,
            dyad.faults,
            before,
        )
        for dyad in dyads
    ]
    return Watch(
        name=watchlist.name,
        as_of=watchlist.as_of,
        since=before.as_of if before else None,
        headline=Headline.model_validate(watchlist.asked.model_dump()),
        model=watchlist.model.family,
        dyads=ranked(entries),
        triggers=trigger_records(watchlist, scored),
        hysteresis=watchlist.hysteresis,
        backtest=tuple(skill_records(watchlist, scored)),
        headline_days=watchlist.days_ahead[watchlist.asked.milestone],
        notes=notes,
        versions={"numbers": decisive_versions()},
    )


# The ledger


def _with_others(watch: Watch, ledger: Path, jobs: Mapping[str, Job]) -> Watch:
    """Add what others said of the questions, by a ledger."""
    opened, dyads = open_ledger(ledger), list[DyadEntry]()
    for entry in watch.dyads:
        job = jobs.get(entry.name)
        said = said_of(opened, job.config, job.events, entry.targets) if job and entry.targets else ()
        dyads.append(entry.model_copy(update={"others": said}))
    return watch.model_copy(update={"dyads": tuple(dyads)})


def _put_on_record(ledger: Path, entries: Sequence[DyadEntry], jobs: Mapping[str, Job], folder: Path) -> None:
    """Put the forecasts of a watch into a ledger, one a dyad, target and milestone; what is there stays."""
    recorded = []
    for entry in entries:
        if not entry.targets:
            continue
        config, events = jobs[entry.name].config, jobs[entry.name].events
        origin = RunOrigin.of(config, events, run_folder=folder / entry.name)
        recorded += forecast_entries(entry.targets, target_rules(config), origin)
    with write_ledger(ledger) as book:
        for made in recorded:
            book.append(made)
