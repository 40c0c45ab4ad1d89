"""A list from its files to its folder: check all, forecast each dyad, rank, write, put on record, tell.

``<out>/<list>/<as-of>/`` holds the files of a watch and a folder a dyad. A dyad that fails stops nothing.
What is finished is kept at once, so that a watch that was interrupted goes on, and one with nothing changed
fits nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from glob import glob
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from forecast import __version__
from forecast.baselines import REFERENCE
from forecast.config import Config, config_hash
from forecast.config.describe import reported_by
from forecast.config.settings_file import Fault
from forecast.config.watchlist import WatchedDyad, Watchlist
from forecast.config.writing import resolved_yaml
from forecast.errors import EventError, ForecastError, InputError, NotConvergedError, RunFolderError
from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.evaluation.study import Workers, decisive_versions, do_all
from forecast.events.codebook import packaged_scale
from forecast.events.dyads import DyadRule, actors_of, near_actors
from forecast.events.reading import (
    PREFIX,
    is_store,
    load_events,
    read_events,
    read_store,
    refuse_barred,
    write_events,
)
from forecast.events.summary import Feed, faults_of
from forecast.events.table import FIELDS, EventTable, csv_text
from forecast.feeds.store import StoreUpdate, update_store
from forecast.ledger.recording import RunOrigin, forecast_entries, others_of, questions_of
from forecast.ledger.store import open_ledger, refuse_unusable, write_ledger
from forecast.phrases.notices import gate_texts, notice_text
from forecast.progress import Listener, StageProgress
from forecast.records.analysis import FEWEST_EPISODES
from forecast.records.base import Record
from forecast.records.forecast import DyadRecord, Forecast, Headline, MilestoneForecast, TargetForecast
from forecast.records.notices import FeedFault
from forecast.records.watch import (
    Change,
    DyadEntry,
    DyadNumbers,
    Failure,
    FailureCode,
    HorizonSkill,
    NoChange,
    State,
    TriggerRecord,
    Watch,
    Work,
    answer_to,
)
from forecast.runs import files
from forecast.runs.cautions import cautions_of, far_from_baseline, too_little
from forecast.runs.files import (
    changed_run_folder,
    claimed,
    kind_of,
    new_run_folder,
    output_hashes,
    read_manifest,
    write_json,
    write_record,
)
from forecast.runs.inputs import (
    Inputs,
    family_of,
    inputs_of,
    load_hazard,
    load_population,
    target_rules,
)
from forecast.runs.mixture import Mixture, direct_answers
from forecast.runs.run import Run, horizon_days, run_id, write_run
from forecast.runs.summaries import target_forecasts
from forecast.storage import read_json, remove_stale, write_file
from forecast.watchlist.page import make_page_and_pdf, table_rows
from forecast.wording import count, long_day
from forecast.workflows.forecast import run_of_inputs

SUFFIXES = (".csv", ".parquet", ".xlsx")
DYAD = "dyad.json"
_CONTENT = ("date", "initiator", "recipient", "category", "severity", "subcategory", "summary")
WATCH, TABLE, PDF, PAGE, TOLD = "watch.json", "watch.csv", "watch.pdf", "watch.html", "told.json"
ERRORS = 2.0
"""A change counts that is more than so many standard errors."""
LEAST_CHANGE = 0.01
"""An arrow stands for a change that counts and is as large."""
SMALL = frozenset({"few_events", "few_target_events", "one_episode"})
"""Cautions that make a dyad small."""
TIMEOUT_SECONDS = 10
_MANIFEST: dict[str, object] = {"kind": "watch", "code_version": __version__}


# The files of a list, and the acts of a dyad in them


@dataclass(frozen=True, eq=False)
class EventFile(Feed):
    """One file of the list."""

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str], list[int]]:
        rows = defaultdict(list)
        pairs = zip(self.table.initiator.tolist(), self.table.recipient.tolist(), strict=True)
        for row, (initiator, recipient) in enumerate(pairs):
            rows[min(initiator, recipient), max(initiator, recipient)].append(row)
        return rows

    def acts_of(self, rule: DyadRule) -> EventTable | None:
        """Return the acts of a dyad; ``None`` where there are none."""
        rows = [row for pair in rule.pairs for row in self._by_pair.get(pair, ())]
        mask = np.zeros(len(self.table), dtype=np.bool_)
        mask[rows] = True
        return self.table.select(mask) if rows else None


class DyadEvents(NamedTuple):
    """The acts of one dyad, the files that hold any, and how many rows stood in more than one of them."""

    table: EventTable
    files: tuple[EventFile, ...]
    repeated: int


def pairs_of(watchlist: Watchlist) -> frozenset[tuple[str, str]]:
    """Return the pairs of actors whose acts count for any dyad, each in order of name."""
    return frozenset(pair for dyad in watchlist.dyads for pair in dyad.rule.pairs)


def update_stores(watchlist: Watchlist, listen: Listener) -> list[StoreUpdate]:
    """Bring the stores of a list up to date, for its pairs (``ConfigError``: its events are no store)."""
    places = [watchlist.base_folder / Path(name).expanduser() for name in watchlist.events]
    stores = [place for place in places if is_store(place)]
    if not stores:
        raise watchlist.error(("events",), "none of these is a store, so there is nothing to update")
    return [update_store(place, listen, pairs=pairs_of(watchlist)) for place in stores]


def read_files(watchlist: Watchlist) -> tuple[EventFile, ...]:
    """Read every event file that a list names.

    Raises ``ConfigError``: patterns that no file fits, or a barred use; ``EventError``: every bad file.
    """
    events, failures = [], []
    for source, path in _paths(watchlist).items():
        try:
            events.append(_read(source, path, watchlist))
        except EventError as error:
            failures.append(str(error))
    if failures:
        raise EventError("\n".join(failures))
    try:
        for file in events:
            if watchlist.use is not None:
                refuse_barred(file.table, watchlist.use, watchlist.licensed)
    except InputError as error:
        raise watchlist.error(("use",), str(error)) from error
    return tuple(events)


def _paths(watchlist: Watchlist) -> dict[str, Path | None]:
    """Return the files by how they are named; a pattern may match many, and a file is read once."""
    base, faults = watchlist.base_folder, []
    paths: dict[str, Path | None] = {}
    for place, pattern in enumerate(watchlist.events):
        if pattern.startswith(PREFIX):
            paths[pattern] = None
            continue
        whole = base / Path(pattern).expanduser()
        matched = [Path(name) for name in sorted(glob(str(whole), recursive=True)) if name.endswith(SUFFIXES)]
        if whole.is_file() or is_store(whole):
            matched = [whole]
        if not matched:
            message = f"no event file fits '{whole}'; give event files, patterns or stores"
            faults.append(Fault(("events", place), message))
        for path in matched:
            paths[path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)] = path
    if faults:
        raise watchlist.errors(faults)
    return paths


def _read(source: str, path: Path | None, watchlist: Watchlist) -> EventFile:
    if path is None:
        return EventFile.of_table(load_events(source, Path()), source)
    if is_store(path):
        return EventFile.of_table(read_store(path, name=source, pairs=pairs_of(watchlist)), source, path)
    return EventFile.of_table(read_events(path, source=source, dates=watchlist.dates), source)


def events_of(rule: DyadRule, event_files: Sequence[EventFile]) -> DyadEvents | None:
    """Return the acts of a dyad, each row once; ids that mean several acts get the name of their file."""
    acts = [(file, table) for file in event_files if (table := file.acts_of(rule)) is not None]
    if not acts:
        return None
    holding, tables = zip(*acts, strict=True)
    if len(acts) == 1:
        return DyadEvents(tables[0], holding, 0)
    columns = {name: np.concatenate([getattr(table, name) for table in tables]) for name in FIELDS}
    place = np.repeat(np.arange(len(tables)), [len(table) for table in tables]).tolist()
    content = list(zip(*(columns[name].tolist() for name in _CONTENT), strict=True))
    keep = np.ones(len(place), dtype=np.bool_)
    seen: dict[str, int] = {}
    for row, name in enumerate(columns["id"].tolist()):
        first = seen.setdefault(name, row)
        if place[first] != place[row]:
            keep[row] = content[first] != content[row]
            columns["id"][row] = f"{Path(holding[place[row]].source).stem}/{name}"
    table = EventTable.sort_rows(
        {name: column[keep] for name, column in columns.items()},
        max(zip(tables, holding, strict=True), key=lambda pair: len(pair[0]))[1].source,
        has_verified=all(table.has_verified for table in tables),
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        line=np.concatenate([table.line for table in tables])[keep],
    )
    return DyadEvents(table, holding, int((~keep).sum()))


# The forecast of a dyad


@dataclass(frozen=True, eq=False)
class Job:
    """What to forecast of one dyad; ``earlier``: what the watch before knew, ``None`` if the same."""

    config: Config
    events: EventTable
    earlier: EventTable | None = None

    @property
    def key(self) -> str:
        """Hash of all that the numbers depend on: settings, events, priors, coefficients, code."""
        population, hazard = load_population(self.config), load_hazard(self.config)
        priors = population.sha256 if population else "none"
        settings = config_hash(self.config), self.events.sha256
        earlier = "none" if self.earlier is None else self.earlier.sha256
        parts = (*settings, priors, hazard.sha256, earlier, decisive_versions())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class DyadRow(DyadNumbers):
    """The numbers of one dyad, or why it has none; kept as ``dyad.json``.

    ``counterfactual``: today's model on the events of the watch before; ``None`` where those are today's.
    """

    counterfactual: tuple[TargetForecast, ...] | None = None
    key: str = ""


def failed(code: FailureCode, text: str) -> DyadRow:
    """Return a dyad without numbers."""
    return DyadRow(failure=Failure(code=code, text=text))


def forecast_dyad(job: Job) -> tuple[DyadRow, Run | None]:
    """Forecast one dyad; return what goes wrong, and the run where the model was fitted, though it failed."""
    try:
        row, run = _forecast(job.config, job.events)
        if job.earlier is not None and not row.failure:
            then = _forecast(job.config, job.earlier)[0]
            row = row.model_copy(update={"counterfactual": then.targets or None})
        return row, run
    except NotConvergedError as error:
        return failed("not_converged", str(error)), None
    except ForecastError as error:
        return failed("bad_input", str(error)), None
    except (ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        return failed("numerical", f"{type(error).__name__}: {error}"), None


def _forecast(config: Config, events: EventTable) -> tuple[DyadRow, Run | None]:
    inputs = inputs_of(config, events)
    for thin in too_little(inputs):
        return failed("too_little_record", notice_text(thin)), None
    targets, run = direct_forecasts(inputs), None
    if targets is None:
        run = run_of_inputs(inputs, drivers=False)
        if not run.forecast.converged:
            faults = " ".join(gate_texts(run.forecast.diagnostics.failures))
            return failed("not_converged", f"the fit did not converge. {faults}"), run
        targets = run.forecast.targets
    work: Work = "fitted" if run else "direct"
    cautions = (*far_from_baseline(targets), *cautions_of(inputs))
    return DyadRow(targets=targets, cautions=cautions, work=work), run


def direct_forecasts(inputs: Inputs) -> tuple[TargetForecast, ...] | None:
    """Forecast all targets by members that need no fit; ``None`` where acts ahead or silence ask for one."""
    if inputs.family.fitted or inputs.calendar:
        return None
    direct = direct_answers(inputs, inputs.events, horizon_days(inputs.config))
    if not all(direct.of(rule.name) for rule in inputs.rules):
        return None
    return target_forecasts(Mixture(inputs, direct, None))


# The folder of a dyad


def read_kept[R: Record](path: Path, kind: type[R]) -> R | None:
    """Read a file of a watch; ``None`` where it is not there or not whole."""
    try:
        return kind.model_validate_json(read_json(path))
    except (OSError, ValidationError):
        return None


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
        made: dict[str, object] = {"kind": "run" if run else "watched dyad", "code_version": __version__}
        made |= {"data_sha256": job.events.sha256, "outputs_sha256": output_hashes(filling)}
        write_json(made, filling / files.MANIFEST)


def earlier_events(folder: Path, known: EventTable) -> EventTable | None:
    """Return the events that an earlier watch knew of a dyad; ``None`` where it kept none, or the same."""
    try:
        if read_manifest(folder).get("data_sha256") == known.sha256:
            return None
        return read_events(folder / files.EVENTS)
    except (EventError, RunFolderError):
        return None


# The whole list


@dataclass
class _Dyad:
    """A dyad of the list on its way: what was read of it, and its row once it is there."""

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
    if before and before[0].versions.get("numbers") != decisive_versions():
        day = long_day(before[0].as_of)
        unused += (f"The watch of {day} was made by another version: 'Time' includes what that changed.",)
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
            made[PAGE], made[PDF] = make_page_and_pdf(watch, made_on=files.day_made(), paper=watchlist.paper)
        with changed_run_folder(folder) as filling:
            write_record(watch, filling / WATCH)
            for name, content in made.items():
                write_file(filling / name, content)
            written = {name: (filling / name).read_bytes() for name in sorted((WATCH, *made))}
            hashes = {name: hashlib.sha256(content).hexdigest() for name, content in written.items()}
            write_json(_MANIFEST | {"outputs_sha256": hashes}, filling / files.MANIFEST)
        if ledger is not None:
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
) -> tuple[list[_Dyad], list[str]]:
    """Find the acts of every dyad, and what the watch before knew of it; return what to know of them, too."""
    as_of, faults, dyads, notes = watchlist.as_of, [], list[_Dyad](), list[str]()
    done = {entry.name for entry in before[0].dyads if not entry.failure} if before else frozenset[str]()
    for position, watched in enumerate(watchlist.dyads):
        dyads.append(dyad := _Dyad(watched))
        acts = events_of(watched.rule, event_files)
        events = acts.table.known_by(as_of) if acts else ()
        if not acts or not events:
            known = frozenset[str]().union(*(actors_of(file.table) for file in event_files))
            hint = near_actors(watched.rule.actors, known)
            day = long_day(as_of)
            problem = f"the event files hold no {watched.rule.in_words()} known by {day}.{hint}"
            faults.append(Fault(("dyads", position), f"{watched.key}: {problem}"))
            dyad.row = failed("no_events", problem)
            continue
        dyad.job = Job(watchlist.config_of(position, events.source), events)
        if before and watched.key in done:
            dyad.job = replace(dyad.job, earlier=earlier_events(before[1] / watched.key, events))
        dyad.faults = faults_of(acts.files, as_of)
        if acts.repeated:
            rows = count(acts.repeated, "row")
            notes.append(f"{watched.title}: {rows} in more than one file, each counted once.")
        third, sides = ", ".join(watched.theatre), DyadRule(watched.side_a, watched.side_b)
        if third and not sides.mask(acts.table).any():
            text = "no act between the two sides; its number rests on acts with"
            notes.append(f"{watched.title}: {text} {third}.")
    if len(faults) == len(dyads):
        raise InputError(f"{watchlist.errors(faults)}\nNo dyad can be run. Mend the list or its files")
    return dyads, notes


def _forecast_all(dyads: Sequence[_Dyad], folder: Path, workers: Workers, tell: Listener) -> None:
    """Forecast the dyads that are not kept from before; each is kept when it is finished."""
    waiting: dict[str, _Dyad] = {}
    jobs = []
    for dyad in dyads:
        if dyad.job is not None and dyad.row is None:
            kept = read_kept(folder / dyad.watched.key / DYAD, DyadRow)
            if kept and not kept.failure and kept.key == dyad.job.key:
                dyad.row = kept.model_copy(update={"work": "unchanged"})
            else:  # also what failed is tried again
                waiting[dyad.watched.key] = dyad
                jobs.append((dyad.job,))
    died = failed("worker_died", "its worker processes died; the cause may be a lack of memory")
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


# What is made of the rows: ranks, changes, triggers


def _watch_of(
    watchlist: Watchlist,
    dyads: Sequence[_Dyad],
    before: Watch | None,
    notes: tuple[str, ...],
    scored: Mapping[str, Any],
) -> Watch:
    earlier = {entry.name: entry for entry in before.dyads} if before else {}
    entries = [_entry_of(watchlist, dyad, earlier.get(dyad.watched.key), before) for dyad in dyads]
    answered = [(entry, answer) for entry in entries if (answer := entry.milestone)]
    answered.sort(key=lambda one: -one[1].probability)  # of equals the first of the list comes first
    ranked = [entry.model_copy(update={"rank": rank}) for rank, (entry, _) in enumerate(answered, start=1)]
    return Watch(
        name=watchlist.name,
        as_of=watchlist.as_of,
        since=before.as_of if before else None,
        headline=Headline.model_validate(watchlist.asked.model_dump()),
        model=watchlist.model.family,
        dyads=(*ranked, *(entry for entry in entries if not entry.targets)),
        triggers=trigger_records(watchlist, scored),
        hysteresis=watchlist.hysteresis,
        backtest=tuple(skill_records(watchlist, scored)),
        headline_days=watchlist.days_ahead[watchlist.asked.milestone],
        notes=notes,
        versions={"numbers": decisive_versions()},
    )


def _entry_of(
    watchlist: Watchlist, dyad: _Dyad, earlier: DyadEntry | None, before: Watch | None
) -> DyadEntry:
    watched, row, events = dyad.watched, dyad.row or DyadRow(), dyad.job.events if dyad.job else ()
    question = Headline.model_validate(watchlist.headline_of(watched).model_dump())
    answer, change, model = answer_to(question, row.targets), None, None
    no_change: NoChange | None = None
    trigger = held = earlier.trigger if earlier else None
    state: State = "failed"
    if answer:
        model = watchlist.model.family
        trigger = trigger_state(answer.probability, watchlist.triggers, watchlist.hysteresis, held)
        stale = any(fault.stale for fault in dyad.faults)
        small = any(caution.code in SMALL for caution in row.cautions)
        state = "stale" if stale else "small" if small else "fine"
        if before and not (earlier and earlier.milestone):
            no_change = "new"
        elif before and earlier and earlier.milestone:
            asked = [{one.name: one.definition for one in numbers.targets} for numbers in (earlier, row)]
            then = answer_to(question, row.counterfactual or row.targets) or answer
            if earlier.question != question or asked[0][question.target] != asked[1][question.target]:
                no_change = "other question"
            elif earlier.model != model:
                no_change = "other model"
            else:
                change = split_change(earlier.milestone, then, answer, before.as_of)
    return DyadEntry(
        **{name: getattr(row, name) for name in DyadNumbers.model_fields},
        name=watched.key,
        label=watched.title,
        a=watched.names[0],
        b=watched.names[1],
        state=state,
        trigger=trigger,
        trigger_before=held,
        question=question,
        change=change,
        no_change=no_change,
        model=model,
        last_event=dyad.job.events.date.max().item() if dyad.job else None,
        events=len(events),
        feed_faults=dyad.faults,
    )


def split_change(
    since: MilestoneForecast, then: MilestoneForecast, now: MilestoneForecast, day: date
) -> Change:
    """Split the change of a probability since a watch (``since``) into time passing and news.

    ``then`` is by today's model on the events of that watch.
    """
    change = now.probability - since.probability
    error = float(np.hypot(now.mcse, since.mcse))
    clear = abs(change) > ERRORS * error and abs(change) >= LEAST_CHANGE
    return Change(
        since=day,
        before=since.probability,
        change=change,
        time_passing=then.probability - since.probability,
        news=now.probability - then.probability,
        error=error,
        arrow=None if not clear else "up" if change > 0 else "down",
    )


def trigger_state(
    probability: float, triggers: Mapping[str, float], hysteresis: float, before: str | None
) -> str | None:
    """Return the highest of the triggers (name → threshold, rising) that holds, ``None`` for none.

    A trigger begins at its threshold, and ends only below threshold × (1 − hysteresis), so that a probability
    near one does not switch it every day. ``before`` is the state of the watch before; a name that is no
    trigger any more counts as none.
    """
    names = list(triggers)
    held = names.index(before) if before in names else -1
    state = None
    for place, (name, threshold) in enumerate(triggers.items()):
        if probability >= (threshold * (1 - hysteresis) if place <= held else threshold):
            state = name
    return state


def trigger_records(watchlist: Watchlist, scored: Mapping[str, Any]) -> tuple[TriggerRecord, ...]:
    """Return the triggers, with false-alarm and miss rates where a backtest is of the same question."""
    question = {
        "target": watchlist.asked.target,
        "horizon_days": watchlist.days_ahead[watchlist.asked.milestone],
    }
    same = (scored.get("question"), scored.get("hysteresis")) == (question, watchlist.hysteresis)
    found = {(one["name"], one["threshold"]): one for one in scored["triggers"]} if same else {}
    return tuple(
        TriggerRecord(name=name, threshold=threshold, **told_rates(found.get((name, threshold), {})))
        for name, threshold in watchlist.triggers.items()
    )


def told_rates(scored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rates of a trigger, ``None`` where fewer than ``FEWEST_EPISODES`` of a kind stand behind."""
    known = [scored.get(name) or 0 for name in ("windows", "hits", "alarms")]
    told = min(known[0] - known[1], *known[1:]) >= FEWEST_EPISODES
    rates = {name: scored.get(name) if told else None for name in ("false_alarm_rate", "miss_rate")}
    return rates | {"windows": scored.get("windows")}


def skill_records(watchlist: Watchlist, scored: Mapping[str, Any]) -> Iterator[HorizonSkill]:
    """Yield how the model of a list did in a backtest on the target that ranks, by horizon."""
    cells = {
        (cell["horizon_days"], cell["model"]): cell
        for cell in scored.get("pooled", ())
        if cell["target"] == watchlist.asked.target
    }
    for (days, model), ours in cells.items():
        theirs = cells.get((days, REFERENCE))
        if model != watchlist.model.family or not theirs or not ours["log_minus_climatology"]:
            continue
        gain, n = ours["log_minus_climatology"], ours["n"]
        hits = round(n * ours["base_rate"])
        fewest = min(hits, n - hits)
        enough = fewest >= FEWEST_OUTCOMES and None not in gain["interval90"]
        ours_right, theirs_right = (
            one["auc_within_origin"] if fewest >= FEWEST_EPISODES else None for one in (ours, theirs)
        )
        yield HorizonSkill(
            horizon_days=days,
            n=n,
            hits=hits,
            log=ours["log"]["value"],
            climatology_log=theirs["log"]["value"],
            difference=gain["value"],
            interval90=gain["interval90"] if enough else None,
            calibration_slope=ours["calibration_slope"]["value"],
            ranked_right=ours_right,
            climatology_ranked_right=theirs_right,
        )


def tested_settings(watchlist: Watchlist) -> str:
    """Hash of what a backtest of a list rests on, but for events, day, horizons and triggers."""
    rests_on = {"dyads", "targets", "scale", "start", "model"}
    # Without defaults, so that a new key changes no hash.
    asked = watchlist.model_dump_json(
        include=rests_on, exclude={"dyads": {"__all__": {"label"}}}, exclude_defaults=True
    )
    return hashlib.sha256(asked.encode()).hexdigest()


def read_backtest(watchlist: Watchlist, place: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the scores of the backtest in the folder of a list, or in its ``track_record``.

    They are empty without one; a sentence says that one is there which cannot speak for this list and day.
    """
    folders = [place / files.BACKTEST]
    if watchlist.track_record:
        folders.append(watchlist.base_folder / Path(watchlist.track_record).expanduser())
        if not (folders[-1] / files.SCORES).is_file():
            problem = f"{folders[-1]} holds no {files.SCORES}. Give a folder that 'forecast backtest' made"
            raise watchlist.error(("track_record",), problem)
    unused: tuple[str, ...] = ()
    for path in (folder / files.SCORES for folder in folders):
        try:
            content = json.loads(read_json(path))
            same = content["settings"] == tested_settings(watchlist)
            if same and content["as_of"] <= watchlist.as_of.isoformat():
                return content, ()
            unused = (
                "A backtest is not shown: its dyads, targets or model are others, or its day is later.",
            )
        except OSError:
            continue
        except (ValueError, LookupError, TypeError):
            unused = ("A backtest is not shown: it is damaged or of an earlier version; make it again.",)
    return {}, unused


# The ledger


def _with_others(watch: Watch, ledger: Path, jobs: Mapping[str, Job]) -> Watch:
    """Add what others said of the questions, by a ledger."""
    opened, dyads = open_ledger(ledger), list[DyadEntry]()
    for entry in watch.dyads:
        questions = questions_of(jobs[entry.name].config) if entry.targets else ()
        dyads.append(entry.model_copy(update={"others": others_of(opened, questions, watch.as_of)}))
    return watch.model_copy(update={"dyads": tuple(dyads)})


def _put_on_record(ledger: Path, entries: Sequence[DyadEntry], jobs: Mapping[str, Job], folder: Path) -> None:
    """Put the forecasts of a watch into a ledger, one a dyad, target and milestone; what is there stays."""
    recorded = []
    for entry in entries:
        if not entry.targets:
            continue
        config, events = jobs[entry.name].config, jobs[entry.name].events
        # What an entry is made of: without a fit, a forecast has no diagnostics.
        forecast = Forecast.model_construct(
            run_id=run_id(config, events),
            name=config.name,
            dyad=DyadRecord(a=entry.a, b=entry.b, label=entry.label),
            as_of=config.as_of,
            model=entry.model or config.model.family,
            converged=True,
            targets=entry.targets,
            scale=packaged_scale(config.scale),
            reported_by=reported_by(config, events),
        )
        origin = RunOrigin(
            dyad=config.dyad.rule,
            config_sha256=config_hash(config),
            data_sha256=events.sha256,
            code_version=__version__,
            made_on=datetime.now(UTC),
            run_folder=folder / entry.name,
        )
        recorded += forecast_entries(forecast, target_rules(config), origin)
    with write_ledger(ledger) as book:
        for made in recorded:
            book.append(made)


# Telling of changes


class Told(Record):
    """``told.json`` in the folder of a list: each dyad as its command was told of it last."""

    as_of: date
    dyads: dict[str, DyadEntry]


def tell_changes(watchlist: Watchlist, watch: Watch, folder: Path) -> str | None:
    """Give the command of a list the changes that it was not told of yet; return what went wrong.

    A change is another trigger, or a move of the headline by the step, beyond twice its Monte Carlo error.
    What was told is kept once the command has ended well: what was not is told by the next watch, and a
    watch that dies in between tells the same again, with the same ``id``. A watch of an earlier day than the
    last that was told tells nothing.
    """
    command, path = watchlist.on_change.command, folder.parent / TOLD
    if not command:
        return None
    with claimed(folder.parent):
        told = read_kept(path, Told) or Told(as_of=watch.as_of, dyads={})
        if watch.as_of < told.as_of:
            return None
        known, changes = dict(told.dyads), list[dict[str, Any]]()
        for entry in watch.dyads:
            answer, last = entry.milestone, known.get(entry.name)
            if answer is None:
                continue
            before = last.trigger if last else None
            since = last.milestone if last and last.question == entry.question else None
            if entry.trigger != before or _moved(since, answer, watchlist.on_change.step):
                change: dict[str, Any] = {"dyad": entry.name, "label": entry.label, "state": entry.state}
                change |= entry.question.model_dump() | {"before": before, "trigger": entry.trigger}
                change["probability_before"] = since.probability if since else None
                now = {"probability": answer.probability, "interval90": answer.interval90}
                changes.append(change | now)
            elif since:
                continue  # the next step is counted from what was told last
            known[entry.name] = entry
        if changes:
            message: dict[str, object] = {"list": watch.name, "as_of": watch.as_of.isoformat()}
            message["changes"] = changes
            digest = hashlib.sha256(json.dumps(message).encode()).hexdigest()[:32]
            if problem := _call(command, json.dumps({"id": digest} | message).encode()):
                return f"{command[0]}: failed ({problem}). The next watch tells it the same changes"
        write_record(Told(as_of=watch.as_of, dyads=known), path)
    return None


def _moved(since: MilestoneForecast | None, now: MilestoneForecast, step: float | None) -> bool:
    if since is None or step is None:
        return False
    change = round(abs(now.probability - since.probability), 12)
    return change >= step and change > ERRORS * math.hypot(now.mcse, since.mcse)


def _call(command: Sequence[str], content: bytes) -> str | None:
    try:
        ended = subprocess.run(
            list(command), input=content, timeout=TIMEOUT_SECONDS, capture_output=True, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return f"exit code {ended.returncode}" if ended.returncode else None
