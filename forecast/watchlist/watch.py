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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast import __version__
from forecast.config import config_hash
from forecast.config.describe import reported_by
from forecast.config.settings_file import Fault
from forecast.config.watchlist import WatchedDyad, Watchlist
from forecast.errors import InputError, RunFolderError
from forecast.evaluation.study import Workers, decisive_versions, do_all
from forecast.events.dyads import DyadRule, actors_of, near_actors
from forecast.events.stores import faults_of
from forecast.events.table import csv_text
from forecast.families import family_named
from forecast.ledger.recording import RunOrigin, forecast_entries, others_of, questions_of
from forecast.ledger.store import open_ledger, refuse_unusable, write_ledger
from forecast.progress import Listener, StageProgress
from forecast.records.base import Interval, Record
from forecast.records.forecast import Diagnostics, DyadRecord, Forecast, Headline, MilestoneForecast
from forecast.records.notices import FeedFault
from forecast.records.watch import Change, DyadEntry, TriggerRecord, Watch, WatchNote, answer_to
from forecast.runs import files
from forecast.runs.files import changed_run_folder, claimed, kind_of, write_json, write_record
from forecast.runs.inputs import config_scale, dyad_rule, load_hazard, load_population, target_rules
from forecast.runs.run import run_id
from forecast.storage import read_json, remove_stale, write_file
from forecast.watchlist.dyads import (
    DyadEvents,
    DyadRow,
    EventFile,
    Job,
    earlier_events,
    events_of,
    failed,
    forecast_dyad,
    keep_row,
    kept_row,
    last_fit,
    nothing_known,
    read_files,
    read_kept,
)
from forecast.watchlist.page import make_page_and_pdf, table_rows
from forecast.wording import count

WATCH, TABLE, PDF, PAGE, TOLD = "watch.json", "watch.csv", "watch.pdf", "watch.html", "told.json"
TOP = 5
N_RANKINGS = 4000
ERRORS = 2.0
"""A change counts that is more than so many standard errors."""
LEAST_CHANGE = 0.01
"""An arrow stands for a change that counts and is as large."""
TIMEOUT_SECONDS = 10
_HALVINGS = 60

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """How a watch is run; nothing here changes a number.

    Parameters
    ----------
    out : Path
        Folder of the lists.
    strict : bool
        Write nothing where some dyads of the list cannot be run at all; else the others are run.
    processes : int
        Worker processes of this machine.
    cluster : str, optional
        ``"local"``, or the address of a Dask scheduler.
    report : bool
        Make the page and the PDF.
    ledger : Path, optional
        Where the forecasts go on record; nowhere when absent.
    """

    out: Path = Path("reports")
    strict: bool = False
    processes: int = 1
    cluster: str | None = None
    report: bool = True
    ledger: Path | None = None


@dataclass
class _Dyad:
    """A dyad of the list on its way: what was read of it, and its row once it is there."""

    watched: WatchedDyad
    job: Job | None = None
    faults: tuple[FeedFault, ...] = ()
    row: DyadRow | None = None


def run_watch(
    watchlist: Watchlist, options: WatchOptions | None = None, listen: Listener | None = None
) -> tuple[Watch, Path]:
    """Watch a list and write its folder; return what it found, and the folder.

    Raises
    ------
    InputError
        The list, its files or its folder cannot be used, or dyads cannot be run and ``strict`` is set, or
        none can: all of them are named at once, and nothing is written.
    """
    options, tell = options or WatchOptions(), listen or (lambda progress: None)
    tell(StageProgress("read"))
    event_files = read_files(watchlist)
    _refuse_settings(watchlist, event_files)
    dyads, notes = _read_dyads(watchlist, event_files, strict=options.strict)
    if options.ledger is not None:
        refuse_unusable(options.ledger)
    folder = watch_place(watchlist, options.out)
    with claimed(folder.parent):
        _open(folder)
        before = _earlier_watch(folder)
        if before is not None:
            _add_earlier(dyads, *before)
        _forecast_all(dyads, folder, options, tell)
        watch = _watch_of(watchlist, dyads, before[0] if before else None, notes, folder.parent)
        jobs = {dyad.watched.key: dyad.job for dyad in dyads if dyad.job is not None}
        if options.ledger is not None and options.ledger.exists():
            watch = _with_others(watch, options.ledger, jobs)
        tell(StageProgress("report"))
        made = {
            WATCH: (watch.model_dump_json(by_alias=True, indent=1) + "\n").encode(),
            TABLE: csv_text(table_rows(watch), end="\r\n").encode(),
        }
        if options.report:
            made[PAGE], made[PDF] = make_page_and_pdf(watch, paper=watchlist.paper)
        with changed_run_folder(folder) as filling:
            for name, content in made.items():
                write_file(filling / name, content)
            hashes = {name: hashlib.sha256(made[name]).hexdigest() for name in sorted(made)}
            write_json(_MANIFEST | {"outputs_sha256": hashes}, filling / files.MANIFEST)
        if options.ledger is not None:
            _put_on_record(options.ledger, watch.dyads, jobs, folder)
    return watch, folder


_MANIFEST: dict[str, object] = {"kind": "watch", "code_version": __version__}


def watch_place(watchlist: Watchlist, out: Path) -> Path:
    """Where a watch of this list is kept: ``<out>/<name>/<as_of>``."""
    return out / watchlist.name / watchlist.as_of.isoformat()


def _open(folder: Path) -> None:
    """Make the folder of a watch, or go on with the one that is there."""
    remove_stale(folder)
    if folder.exists() and any(folder.iterdir()) and kind_of(folder) != "watch":
        raise RunFolderError(f"{folder}: holds no watch. Move it away, or use another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / files.MANIFEST).exists():
            write_json(_MANIFEST, folder / files.MANIFEST)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written ({error.strerror or error})") from error


def _earlier_watch(folder: Path) -> tuple[Watch, Path] | None:
    """Return the last watch before a day, and its folder; one that cannot be read is passed over."""
    earlier = sorted(
        (day for day in folder.parent.glob("????-??-??") if day.name < folder.name), reverse=True
    )
    return next(((watch, day) for day in earlier if (watch := read_kept(day / WATCH, Watch))), None)


# What each dyad is forecast from


def _refuse_settings(watchlist: Watchlist, event_files: Sequence[EventFile]) -> None:
    """Refuse what would fail in every dyad: a family, coefficients or priors that are not there."""
    config = watchlist.config_of(0, event_files[0].source)
    try:
        furthest = family_named(config.model.family).furthest_days
    except InputError as error:
        raise watchlist.error(("model", "family"), str(error)) from error
    origin = watchlist.as_of + timedelta(days=1)
    key = "milestones" if watchlist.milestones else "horizons"
    far = [
        Fault(
            (key, place),
            f"{milestone.date} is {(milestone.date - watchlist.as_of).days} days ahead; a member of "
            f"model.family {config.model.family!r} answers up to {furthest + 1} days. Take a nearer day, or "
            "another family",
        )
        for place, milestone in enumerate(watchlist.shared_milestones)
        if furthest is not None and (milestone.date - origin).days > furthest
    ]
    if far:
        raise watchlist.errors(far)
    load_hazard(config)
    load_population(config)


def _read_dyads(
    watchlist: Watchlist, event_files: Sequence[EventFile], *, strict: bool
) -> tuple[list[_Dyad], list[WatchNote]]:
    """Find the acts of every dyad; those that cannot be run are named at once, or fail."""
    dyads, faults, notes = [], [], list[WatchNote]()
    for position, watched in enumerate(watchlist.dyads):
        acts = events_of(watched.rule, event_files)
        config = watchlist.config_of(position, (acts.table if acts else event_files[0]).source)
        problem = nothing_known(acts.table, config) if acts else _no_acts(watched.rule, event_files)
        if problem or acts is None:
            problem = f"{watched.key}: {problem}"
            faults.append(Fault(("dyads", position), problem))
            dyads.append(_Dyad(watched, row=failed("no_events", problem)))
            continue
        feed = faults_of(acts.files, watchlist.as_of)
        dyads.append(dyad := _Dyad(watched, Job(config, acts.table.known_by(config.as_of)), feed))
        notes += _notes(watched, acts)
        stale = next((fault for fault in feed if fault.code == "stale_feed"), None)
        if stale and watchlist.stale == "refuse":
            dyad.row = failed("stale_refused", f"not forecast (stale: refuse). {stale.text}")
    if faults and (strict or len(faults) == len(dyads)):
        others = ", or run the others without --strict" if len(faults) < len(dyads) else ""
        raise InputError(
            f"{watchlist.errors(faults)}\n{len(faults)} of {count(len(dyads), 'dyad')} cannot be run. Mend "
            f"the list or its files{others}"
        )
    return dyads, notes


def _no_acts(rule: DyadRule, event_files: Sequence[EventFile]) -> str:
    known = frozenset[str]().union(*(actors_of(file.table) for file in event_files))
    return f"the event files hold no {rule.in_words()}.{near_actors(rule.actors, known)}"


def _notes(watched: WatchedDyad, acts: DyadEvents) -> Iterable[WatchNote]:
    """Yield what must be known of the acts of a dyad."""
    if acts.repeated:
        text = f"{watched.key}: {count(acts.repeated, 'row')} in more than one file, each counted once."
        yield WatchNote(code="rows_repeated", text=text)
    rule = watched.rule
    if rule.theatre and not DyadRule(rule.a, rule.b).mask(acts.table).any():
        third = ", ".join(rule.theatre)
        text = f"{watched.key}: no act between the two sides; its number rests on acts with {third}."
        yield WatchNote(code="theatre_only", text=text)


def _add_earlier(dyads: Sequence[_Dyad], watch: Watch, folder: Path) -> None:
    """Give each job the events that the watch before knew, where they were others, and its last fit."""
    done = {entry.name for entry in watch.dyads if entry.failure is None}
    for dyad in dyads:
        if dyad.job is None or dyad.watched.key not in done:
            continue
        job, place = dyad.job, folder / dyad.watched.key
        dyad.job = Job(job.config, job.events, earlier_events(place, job.events), last_fit(place))


def _forecast_all(dyads: Sequence[_Dyad], folder: Path, options: WatchOptions, tell: Listener) -> None:
    """Forecast the dyads that are not kept from before; each is kept when it is finished."""
    waiting = {}
    for dyad in dyads:
        if dyad.job is not None and dyad.row is None:
            dyad.row = kept_row(folder / dyad.watched.key, dyad.job)
            if dyad.row is None:
                waiting[dyad.watched.key] = dyad
    tell(StageProgress("watch", 0, len(waiting)))
    # The longest first: one left for last would keep a single worker busy.
    jobs = [(dyad.job,) for dyad in waiting.values() if dyad.job is not None]
    jobs.sort(key=lambda job: -len(job[0].events))
    workers = Workers(options.processes, options.cluster)
    for done, ((job,), (row, run)) in enumerate(do_all(forecast_dyad, jobs, _died, workers), start=1):
        name = job.config.name
        keep_row(folder / name, job, row, run)
        waiting[name].row = row
        tell(StageProgress("watch", done, len(waiting), name))


def _died(job: tuple[Job]) -> tuple[DyadRow, None]:
    return failed("worker_died", "its worker processes died; the cause may be a lack of memory"), None


# What is made of the rows: ranks, changes, triggers


def _watch_of(
    watchlist: Watchlist,
    dyads: Sequence[_Dyad],
    before: Watch | None,
    notes: Sequence[WatchNote],
    place: Path,
) -> Watch:
    earlier = {entry.name: entry for entry in before.dyads} if before else {}
    entries = [_entry_of(watchlist, dyad, earlier.get(dyad.watched.key), before) for dyad in dyads]
    answers = [(entry, answer) for entry in entries if (answer := entry.milestone)]
    ranks, top = rank_dyads(
        [(answer.probability, answer.interval90) for _, answer in answers], watchlist.sampler.seed
    )
    ranked = [
        # Of five dyads or fewer each is surely among the first five.
        entry.model_copy(update={"rank": rank, "top5": share if len(ranks) > TOP else None})
        for (entry, _), rank, share in zip(answers, ranks, top, strict=True)
    ]
    ranked.sort(key=lambda entry: entry.rank or 0)
    return Watch(
        name=watchlist.name,
        as_of=watchlist.as_of,
        since=before.as_of if before else None,
        headline=Headline(target=watchlist.asked.target, milestone=watchlist.asked.milestone),
        model=watchlist.model.family,
        dyads=(*ranked, *(entry for entry in entries if not entry.targets)),
        triggers=trigger_records(watchlist, place),
        hysteresis=watchlist.hysteresis,
        notes=tuple(notes),
        versions={"numbers": decisive_versions()},
    )


def _entry_of(
    watchlist: Watchlist, dyad: _Dyad, earlier: DyadEntry | None, before: Watch | None
) -> DyadEntry:
    watched, row = dyad.watched, dyad.row
    assert row is not None
    question = watchlist.headline_of(watched)
    held = earlier.trigger if earlier else None
    entry = DyadEntry(
        name=watched.key,
        label=watched.title,
        a=watched.names[0],
        b=watched.names[1],
        state="failed",
        trigger=held,
        trigger_before=held,
        question=Headline(target=question.target, milestone=question.milestone),
        last_event=dyad.job.events.date.max().item() if dyad.job else None,
        events=len(dyad.job.events) if dyad.job else 0,
        feed_faults=dyad.faults,
        failure=row.failure,
    )
    answer = answer_to(entry.question, row.targets)
    if answer is None:
        return entry
    change = None
    if before and earlier and earlier.question == entry.question and earlier.milestone:
        then = answer_to(entry.question, row.counterfactual or row.targets) or answer
        change = split_change(earlier.milestone, then, answer, before.as_of)
    stale = any(fault.code == "stale_feed" for fault in dyad.faults)
    return entry.model_copy(
        update={
            "state": "stale" if stale else "small" if row.small else "fine",
            "model": watchlist.model.family,
            "work": row.work,
            "weights": row.weights,
            "cautions": row.cautions,
            "targets": row.targets,
            "trigger": trigger_state(answer.probability, watchlist.triggers, watchlist.hysteresis, held),
            "change": change,
        }
    )


def rank_dyads(headlines: Sequence[tuple[float, Interval]], seed: int) -> tuple[list[int], list[float]]:
    """Return rank, from 1, and P(rank ≤ 5) of each probability with its 90% interval.

    Equal probabilities take the order in which they come. Dyads are drawn apart: uncertainty that they share
    would leave ranks alone, so that P(rank ≤ 5) errs towards the middle.
    """
    if not headlines:
        return [], []
    mean = np.array([probability for probability, _ in headlines])
    order = np.argsort(-mean, kind="stable")
    rank = np.empty(len(mean), dtype=np.int64)
    rank[order] = np.arange(1, len(mean) + 1)
    drawn = draw_probabilities(mean, np.array([interval for _, interval in headlines]), N_RANKINGS, seed)
    # Ties between draws are broken by chance alone, so that equal dyads are equally often ahead.
    jitter = np.random.default_rng([seed, 1]).random(drawn.shape)
    places = np.argsort(np.lexsort((jitter, -drawn), axis=1), axis=1)
    return rank.tolist(), np.mean(places < TOP, axis=0).tolist()


def draw_probabilities(mean: Floats, intervals: Floats, n_draws: int, seed: int) -> Floats:
    """Draw probabilities, shape (draw, dyad), from beta distributions of these means and 90% intervals."""
    total = _concentration(mean, intervals[:, 1] - intervals[:, 0])
    inside = (mean > 0) & (mean < 1) & np.isfinite(total)
    drawn = np.broadcast_to(mean, (n_draws, len(mean))).copy()
    a, b = mean[inside] * total[inside], (1 - mean[inside]) * total[inside]
    drawn[:, inside] = np.random.default_rng(seed).beta(a, b, size=(n_draws, int(inside.sum())))
    return drawn


def _concentration(mean: Floats, width: Floats) -> Floats:
    """Sum of the parameters of the beta distribution whose central 90% is so wide; infinite for no width."""
    low, high = np.full(len(mean), np.log(0.1)), np.full(len(mean), np.log(1e7))
    centre = np.clip(mean, 1e-6, 1 - 1e-6)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        a, b = centre * np.exp(middle), (1 - centre) * np.exp(middle)
        wide = special.betaincinv(a, b, 0.95) - special.betaincinv(a, b, 0.05) > width
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return np.asarray(np.where(width < 1e-6, np.inf, np.exp(low)))


def split_change(
    since: MilestoneForecast, then: MilestoneForecast, now: MilestoneForecast, day: date
) -> Change:
    """Split what moved a probability since the watch of a day into time passing and news.

    ``since`` is the number of that watch, ``now`` that of today, ``then`` that of today's model on the events
    of that watch.
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


def headline_days(watchlist: Watchlist) -> int:
    """Days ahead of the milestone that triggers are about."""
    days = {milestone.name: milestone.date for milestone in watchlist.shared_milestones}
    return (days[watchlist.asked.milestone] - watchlist.as_of).days


def trigger_records(watchlist: Watchlist, place: Path) -> tuple[TriggerRecord, ...]:
    """Return the triggers, with false-alarm and miss rates where a backtest of the same question has them.

    ``place`` is the folder of the list.
    """
    question = {"target": watchlist.asked.target, "horizon_days": headline_days(watchlist)}
    rates = {}
    try:
        content = json.loads(read_json(place / files.BACKTEST / files.SCORES))
        settings = content["model"], content["question"], content["hysteresis"]
        if settings == (watchlist.model.family, question, watchlist.hysteresis):
            rates = {(scored["name"], scored["threshold"]): scored for scored in content["triggers"]}
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no backtest of this list
    return tuple(
        TriggerRecord(
            name=name,
            threshold=threshold,
            **{key: rates[name, threshold].get(key) for key in ("false_alarm_rate", "miss_rate", "windows")}
            if (name, threshold) in rates
            else {},
        )
        for name, threshold in watchlist.triggers.items()
    )


# The ledger


def _with_others(watch: Watch, ledger: Path, jobs: Mapping[str, Job]) -> Watch:
    """Add what others said of the questions, by a ledger."""
    opened = open_ledger(ledger)
    dyads = [
        entry.model_copy(
            update={"others": others_of(opened, questions_of(jobs[entry.name].config), watch.as_of)}
        )
        if entry.targets
        else entry
        for entry in watch.dyads
    ]
    return watch.model_copy(update={"dyads": tuple(dyads)})


NOT_SAMPLED = Diagnostics(
    rhat_max=math.nan,
    ess_bulk_min=math.nan,
    ess_tail_min=math.nan,
    divergences=0,
    bfmi_min=math.nan,
    failures=(),
)
"""Diagnostics where the record of a dyad was all that was at hand: nothing failed."""


def _put_on_record(ledger: Path, entries: Sequence[DyadEntry], jobs: Mapping[str, Job], folder: Path) -> None:
    """Put the forecasts of a watch into a ledger, one a dyad, target and milestone; what is there stays."""
    recorded = []
    for entry in entries:
        if not entry.targets:
            continue
        config, events = jobs[entry.name].config, jobs[entry.name].events
        forecast = Forecast(
            schema=5,
            run_id=run_id(config, events),
            name=config.name,
            dyad=DyadRecord(a=entry.a, b=entry.b, label=entry.label),
            as_of=config.as_of,
            model=entry.model or config.model.family,
            converged=True,
            fits=(NOT_SAMPLED,),
            targets=entry.targets,
            headline=entry.question,
            scale=config_scale(config),
            reported_by=reported_by(config),
            drivers=(),
            timings_s={},
            versions={},
        )
        origin = RunOrigin(
            dyad=dyad_rule(config),
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
                changes.append(change | answer.model_dump(include={"probability", "interval90"}))
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
