"""A watch from list to folder: read, check all, forecast each dyad, rank, put together, write.

A dyad that fails stops nothing. What is finished is kept at once, so that a watch that was interrupted goes
on, and one with nothing changed fits nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from forecast.config.faults import Fault
from forecast.config.watchlist import WatchedDyad, Watchlist
from forecast.errors import InputError
from forecast.evaluation.study import Workers, decisive_versions, do_all
from forecast.events.dyads import DyadRule, actors_of, near_actors
from forecast.events.stores import faults_of
from forecast.events.table import csv_text
from forecast.families import family_named
from forecast.ledger.store import refuse_unusable
from forecast.progress import Listener, StageProgress
from forecast.records.event_cautions import FeedFault
from forecast.records.forecast import Headline
from forecast.records.watch import (
    Change,
    DyadEntry,
    Watch,
    WatchNote,
    answer_to,
)
from forecast.runs.files import BACKTEST
from forecast.runs.inputs import load_hazard, load_population
from forecast.watchlist import folder as places
from forecast.watchlist.dyad_runs import Job, Result, compacted, failed, run_dyad
from forecast.watchlist.event_files import DyadEvents, EventFile, events_of, read_files
from forecast.watchlist.joint_paths import NO_SHOCK, list_outlook
from forecast.watchlist.mail import password_of
from forecast.watchlist.notifying import feed_of, notify
from forecast.watchlist.page import make_page_and_pdf, table_rows
from forecast.watchlist.ranking import TOP, rank_dyads, split_change, trigger_records, trigger_state
from forecast.watchlist.shared_shock import SHIPPED as SHOCK
from forecast.watchlist.shared_shock import SourcedShock, read_shock, shipped_shock
from forecast.wording import count


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
class _Entry:
    """A dyad of the list on its way: what was read of it, and what became of it."""

    dyad: WatchedDyad
    job: Job | None
    faults: tuple[FeedFault, ...] = ()
    result: Result | None = None
    notes: list[WatchNote] = field(default_factory=list)


def run_watch(
    watchlist: Watchlist, options: WatchOptions | None = None, listen: Listener | None = None
) -> tuple[Watch, Path]:
    """Watch a list and write its folder; return what was found, and the folder.

    Raises
    ------
    InputError
        The list, its files or its folder cannot be used, or dyads cannot be run and ``strict`` is set, or
        none can: all of them are named at once, and nothing is written.
    """
    asked, tell = options or WatchOptions(), listen or (lambda progress: None)
    tell(StageProgress("read"))
    files = read_files(watchlist)
    place = asked.out / watchlist.name
    _refuse_settings(watchlist, files, place)
    entries = _read_dyads(watchlist, files, strict=asked.strict)
    if asked.ledger is not None:
        refuse_unusable(asked.ledger)
    with places.alone(place):
        folder = places.watch_place(watchlist, asked.out)
        places.open_watch(folder)
        before = places.earlier_watch(place, watchlist.as_of)
        if before is not None:
            _add_earlier(entries, before)
        _run(entries, folder, asked, tell)
        watch = _watch_of(watchlist, entries, before[0] if before else None, place)
        watch = places.with_others(watch, asked.ledger, _jobs(entries))
        if notes := notify(watchlist, watch, folder, places.read_watch(folder)):
            watch = watch.model_copy(update={"notes": (*watch.notes, *notes)})
        made = {places.FEED: feed_of(watch, place)}
        tell(StageProgress("report"))
        made[places.TABLE] = csv_text(table_rows(watch), end="\r\n").encode()
        if asked.report:
            made[places.PAGE], made[places.PDF] = make_page_and_pdf(watch, paper=watchlist.paper)
        places.write_watch(watch, folder, made)
        places.write_feed(place, made[places.FEED])
        if asked.ledger is not None:
            places.put_watch_on_record(asked.ledger, watch.dyads, _jobs(entries), folder)
    return watch, folder


def _jobs(entries: Sequence[_Entry]) -> dict[str, Job]:
    return {entry.dyad.key: entry.job for entry in entries if entry.job is not None}


def rule_of(dyad: WatchedDyad) -> DyadRule:
    """Which acts count for a dyad."""
    return DyadRule(dyad.side_a, dyad.side_b, dyad.theatre)


def _read_dyads(watchlist: Watchlist, files: Sequence[EventFile], *, strict: bool) -> list[_Entry]:
    """Find the acts of every dyad; those that cannot be run are named at once, or fail."""
    entries, faults = [], []
    for position, dyad in enumerate(watchlist.dyads):
        found = events_of(rule_of(dyad), files)
        problem = _problem(watchlist, dyad, found, files)
        if problem or found is None:
            faults.append((("dyads", position), problem))
            entries.append(_Entry(dyad, None, result=failed("no_events", problem)))
            continue
        job = compacted(Job(watchlist.config_of(position, found.table.source), found.table))
        entry = _Entry(dyad, job, faults_of(found.files, watchlist.as_of))
        entry.notes.extend(_notes(dyad, found))
        stale = next((one for one in entry.faults if one.code == "stale_feed"), None)
        if stale and watchlist.stale == "refuse":
            entry.result = failed("stale_refused", f"not forecast (stale: refuse). {stale.text}")
        entries.append(entry)
    if faults and (strict or len(faults) == len(entries)):
        others = ", or run the others without --strict" if len(faults) < len(entries) else ""
        every = watchlist.errors(Fault(*one) for one in faults)
        raise InputError(
            f"{every}\n{len(faults)} of {count(len(entries), 'dyad')} cannot be run. Mend "
            f"the list or its files{others}"
        )
    return entries


def _refuse_settings(watchlist: Watchlist, files: Sequence[EventFile], place: Path) -> None:
    """Refuse what would fail in every dyad: a family, coefficients or priors that are not there."""
    config = watchlist.config_of(0, files[0].source)
    try:
        family = family_named(config.model.family)
    except InputError as error:
        raise watchlist.error(("model", "family"), str(error)) from error
    furthest = family.furthest_days
    origin = watchlist.as_of + timedelta(days=1)
    key = "milestones" if watchlist.milestones else "horizons"
    far = [
        (
            (key, place),
            f"{one.date} is {(one.date - watchlist.as_of).days} days ahead; a member of model.family "
            f"{config.model.family!r} answers up to {furthest + 1} days. Take a nearer day, or another "
            "family",
        )
        for place, one in enumerate(watchlist.shared_milestones)
        if furthest is not None and (one.date - origin).days > furthest
    ]
    if far:
        raise watchlist.errors(Fault(*one) for one in far)
    if watchlist.on_change.mail is not None:
        password_of(watchlist)
        places.read_outbox(place)
    load_hazard(config)
    load_population(config)
    if watchlist.shock == "own":
        _shock(watchlist, place)


def _problem(
    watchlist: Watchlist, dyad: WatchedDyad, found: DyadEvents | None, files: Sequence[EventFile]
) -> str:
    rule, as_of = rule_of(dyad), watchlist.as_of
    if found is None:
        known = frozenset[str]().union(*(actors_of(one.table) for one in files))
        return f"{dyad.key}: the event files hold no {rule.in_words()}.{near_actors(rule.actors, known)}"
    if not len(found.table.known_by(as_of)):
        first = found.table.known_date.min()
        return f"{dyad.key}: nothing was known by {as_of}; the first act became known on {first}"
    return ""


def _notes(dyad: WatchedDyad, found: DyadEvents) -> Iterator[WatchNote]:
    """Yield what must be known of the acts of a dyad."""
    if found.repeated:
        text = f"{dyad.key}: {count(found.repeated, 'row')} in more than one file, each counted once."
        yield WatchNote(code="rows_repeated", text=text)
    rule = rule_of(dyad)
    if rule.theatre and not DyadRule(rule.a, rule.b).mask(found.table).any():
        third = ", ".join(rule.theatre)
        text = f"{dyad.key}: no act between the two sides; its number rests on acts with {third}."
        yield WatchNote(code="theatre_only", text=text)


def _add_earlier(entries: Sequence[_Entry], before: tuple[Watch, Path]) -> None:
    """Give each job the events that the watch before knew, where they were others."""
    watch, folder = before
    done = {one.name for one in watch.dyads if one.failure is None}
    for entry in entries:
        if entry.job is None or entry.dyad.key not in done:
            continue
        earlier = places.earlier_events(folder, entry.dyad.key, entry.job.events)
        fitted = places.last_fit(folder, entry.dyad.key)
        entry.job = Job(entry.job.config, entry.job.events, earlier, fitted)


def _run(entries: Sequence[_Entry], folder: Path, asked: WatchOptions, tell: Listener) -> None:
    """Forecast the dyads that are not kept from before; each is kept when it is finished."""
    waiting = []
    for entry in entries:
        if entry.job is None or entry.result is not None:
            continue
        entry.result = places.kept_dyad(folder / entry.dyad.key, entry.job)
        if entry.result is None:
            waiting.append(entry)
    tell(StageProgress("watch", 0, len(waiting)))
    by_name = {entry.dyad.key: entry for entry in waiting}
    # The longest first: one left for last would keep a single worker busy.
    jobs = [(entry.job,) for entry in waiting if entry.job is not None]
    jobs.sort(key=lambda job: -len(job[0].events))
    workers = Workers(asked.processes, asked.cluster)
    for done, ((job,), result) in enumerate(do_all(run_dyad, jobs, _died, workers), start=1):
        entry = by_name[job.config.name]
        places.keep_dyad(folder / entry.dyad.key, job, result)
        entry.result = result._replace(run=None)
        tell(StageProgress("watch", done, len(waiting), entry.dyad.key))


def _died(job: tuple[Job]) -> Result:
    return failed("worker_died", "its worker processes died; the cause may be a lack of memory")


def _watch_of(watchlist: Watchlist, entries: Sequence[_Entry], before: Watch | None, place: Path) -> Watch:
    earlier = {one.name: one for one in before.dyads} if before else {}
    made = [_entry_of(watchlist, entry, earlier.get(entry.dyad.key), before) for entry in entries]
    with_numbers = [one for one in made if one.targets]
    headlines = [(m.probability, m.interval90) for one in with_numbers if (m := one.milestone)]
    ranks, top = rank_dyads(headlines, watchlist.sampler.seed)
    ranked = [
        # Of five dyads or fewer each is surely among the first five.
        one.model_copy(update={"rank": rank, "top5": share if len(ranks) > TOP else None})
        for one, rank, share in zip(with_numbers, ranks, top, strict=True)
    ]
    ranked.sort(key=lambda one: one.rank or 0)
    failed = [one for one in made if not one.targets]
    rules = {entry.dyad.key: rule_of(entry.dyad) for entry in entries}
    shock = _shock(watchlist, place)
    notes = [note for entry in entries for note in entry.notes]
    return Watch(
        name=watchlist.name,
        as_of=watchlist.as_of,
        since=before.as_of if before else None,
        headline=Headline(target=watchlist.asked.target, milestone=watchlist.asked.milestone),
        model=watchlist.model.family,
        dyads=(*ranked, *failed),
        list=list_outlook(watchlist, ranked, rules, shock.pooled.shock if shock else NO_SHOCK),
        shared_shock=shock.record if shock else None,
        triggers=trigger_records(watchlist, place),
        hysteresis=watchlist.hysteresis,
        notes=tuple(notes),
        versions={"numbers": decisive_versions()},
    )


def _shock(watchlist: Watchlist, place: Path) -> SourcedShock | None:
    if watchlist.shock == "none":
        return None
    return read_shock(place / BACKTEST / SHOCK) if watchlist.shock == "own" else shipped_shock()


def _entry_of(
    watchlist: Watchlist, entry: _Entry, earlier: DyadEntry | None, before: Watch | None
) -> DyadEntry:
    dyad, result = entry.dyad, entry.result
    question = watchlist.headline_of(dyad)
    events = entry.job.events if entry.job else None
    held = earlier.trigger if earlier else None
    made = DyadEntry(
        name=dyad.key,
        label=dyad.title,
        a=dyad.names[0],
        b=dyad.names[1],
        state="failed",
        trigger=held,
        trigger_before=held,
        question=Headline(target=question.target, milestone=question.milestone),
        last_event=events.date.max().item() if events is not None and len(events) else None,
        events=len(events) if events is not None else 0,
        feed_faults=entry.faults,
        failure=result.failure if result else None,
    )
    if result is None or result.failure is not None:
        return made
    stale = any(one.code == "stale_feed" for one in entry.faults)
    made = made.model_copy(
        update={
            "state": "stale" if stale else "small" if result.small else "fine",
            "model": watchlist.model.family,
            "work": result.work,
            "weights": result.weights,
            "cautions": result.cautions,
            "targets": result.targets,
        }
    )
    if answer := made.milestone:
        held = trigger_state(answer.probability, watchlist.triggers, watchlist.hysteresis, held)
    return made.model_copy(update={"trigger": held, "change": _change(made, result, earlier, before)})


def _change(
    now: DyadEntry, numbers: Result, earlier: DyadEntry | None, before: Watch | None
) -> Change | None:
    """What moved the headline since the watch before; ``None`` where that asked another question."""
    if earlier is None or before is None or earlier.failure is not None:
        return None
    since = answer_to(now.question, earlier.targets)
    today = answer_to(now.question, numbers.targets)
    if since is None or today is None or earlier.question != now.question:
        return None
    then = answer_to(now.question, numbers.counterfactual or numbers.targets) or today
    return split_change(since, then, today, before.as_of)
