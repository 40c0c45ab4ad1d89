"""What moved: rank, state of the data, change and trigger of each dyad, and the command that gets them."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forecast.config import Config, lasting_hash
from forecast.config.watchlist import WatchedDyad, Watchlist
from forecast.evaluation.study import decisive_versions
from forecast.events.table import EventTable
from forecast.records.forecast import Headline, MilestoneForecast
from forecast.records.notices import FeedFault
from forecast.records.watch import (
    DyadEntry,
    DyadNumbers,
    DyadRow,
    NoChange,
    Notified,
    State,
    Watch,
    answer_to,
)
from forecast.runs.files import claimed, read_kept, write_record
from forecast.sensitivity.news import moved_since

NOTIFIED = "notified.json"
TIMEOUT_SECONDS = 10
ERRORS = 2.0
"""A change counts that is more than so many standard errors."""
SMALL = frozenset({"few_events", "few_target_events", "one_episode"})
"""Cautions that make a dyad small."""


def ranked(entries: Sequence[DyadEntry]) -> tuple[DyadEntry, ...]:
    """Return the dyads by their headline probability, those without one last."""
    answered = [(entry, answer) for entry in entries if (answer := entry.milestone)]
    answered.sort(key=lambda pair: -pair[1].probability)  # of equals the first of the list comes first
    numbered = (entry.model_copy(update={"rank": rank}) for rank, (entry, _) in enumerate(answered, start=1))
    return (*numbered, *(entry for entry in entries if not entry.targets))


def entry_of(
    watchlist: Watchlist,
    watched: WatchedDyad,
    row: DyadRow,
    read: tuple[Config, EventTable] | None,
    faults: tuple[FeedFault, ...],
    before: Watch | None,
) -> DyadEntry:
    """Return a dyad as the watch tells it: its numbers, its data, and what moved since the watch before."""
    earlier = next((entry for entry in before.dyads if entry.name == watched.key), None) if before else None
    question = Headline.model_validate(watchlist.headline_of(watched).model_dump())
    answer, change, model = answer_to(question, row.targets), None, None
    settings, events = (lasting_hash(read[0]), read[1]) if read else ("", None)
    no_change: NoChange | None = None
    trigger = held = earlier.trigger if earlier else None
    state: State = "failed"
    if answer:
        model = watchlist.model.family
        trigger = trigger_state(answer.probability, watchlist.triggers, watchlist.hysteresis, held)
        small = any(caution.code in SMALL for caution in row.cautions)
        state = "stale" if any(fault.stale for fault in faults) else "small" if small else "fine"
        if before and not (earlier and earlier.milestone):
            no_change = "new"
        elif before and earlier and earlier.milestone:
            no_change = _not_comparable(earlier, row, question, model)
            if no_change is None:
                change = moved_since(
                    answer,
                    earlier.milestone,
                    before.as_of,
                    row.news,
                    days=before.as_of < watchlist.as_of,
                    settings=earlier.settings_sha256 != settings,
                    program=before.versions.get("numbers") != decisive_versions(),
                )
    return DyadEntry(
        **{name: getattr(row, name) for name in DyadNumbers.model_fields},
        name=watched.key,
        label=watched.title,
        a=watched.names[0],
        b=watched.names[1],
        theatre=watched.theatre,
        state=state,
        trigger=trigger,
        trigger_before=held,
        question=question,
        change=change,
        no_change=no_change,
        model=model,
        settings_sha256=settings,
        last_event=None if events is None else events.date.max().item(),
        events=0 if events is None else len(events),
        feed_faults=faults,
    )


def _not_comparable(earlier: DyadEntry, row: DyadRow, question: Headline, model: str) -> NoChange | None:
    rules = [{target.name: target.rule for target in numbers.targets} for numbers in (earlier, row)]
    if earlier.question != question or rules[0][question.target] != rules[1][question.target]:
        return "other question"
    return "other model" if earlier.model != model else None


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


# The command of a list


def notify(watchlist: Watchlist, watch: Watch, folder: Path) -> str | None:
    """Give the command of a list the changes that it does not know yet; return what went wrong.

    A change is another trigger, or a move of the headline by the step, beyond twice its Monte Carlo error.
    What the command knows is kept once it has ended well: other changes go into the next watch, and a watch
    that dies in between gives the same again, with the same ``id``. A watch of an earlier day than the last
    gives nothing.
    """
    command, path = watchlist.on_change.command, folder.parent / NOTIFIED
    if not command:
        return None
    with claimed(folder.parent):
        last = read_kept(path, Notified, hashed=False) or Notified(as_of=watch.as_of, dyads={})
        if watch.as_of < last.as_of:
            return None
        known, changes = dict(last.dyads), list[dict[str, Any]]()
        for entry in watch.dyads:
            answer, earlier = entry.milestone, known.get(entry.name)
            if answer is None:
                continue
            before = earlier.trigger if earlier else None
            since = earlier.milestone if earlier and earlier.question == entry.question else None
            if entry.trigger != before or _moved(since, answer, watchlist.on_change.step):
                change: dict[str, Any] = {"dyad": entry.name, "label": entry.label, "state": entry.state}
                change |= entry.question.model_dump() | {"before": before, "trigger": entry.trigger}
                change["probability_before"] = since.probability if since else None
                now = {"probability": answer.probability, "interval90": answer.interval90}
                changes.append(change | now)
            elif since:
                continue  # the next step is counted from the number that the command knows
            known[entry.name] = entry
        if changes:
            message: dict[str, object] = {"list": watch.name, "as_of": watch.as_of.isoformat()}
            message["changes"] = changes
            digest = hashlib.sha256(json.dumps(message).encode()).hexdigest()[:32]
            if problem := _call(command, json.dumps({"id": digest} | message).encode()):
                return f"{command[0]}: failed ({problem}). The next watch tells it the same changes"
        write_record(Notified(as_of=watch.as_of, dyads=known), path)
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
