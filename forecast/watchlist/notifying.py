"""Who is told of a change: readers of the Atom feed (RFC 4287), a webhook, a command, e-mail, or nobody.

A webhook and a command get the change itself as JSON, nothing else; a message that cannot be delivered is
noted in the watch, stops nothing, and is tried again by the next watch. What each receiver was told last is
kept as soon as it was told, so that a watch that dies repeats one message at most: the one whose note was not
yet kept.
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from forecast import wording
from forecast.config.alerts import OnChange
from forecast.config.watchlist import Watchlist
from forecast.events.cells import clean_text
from forecast.records.watch import DyadEntry, Watch, WatchNote
from forecast.watchlist.folder import WATCH, Known, last_told, write_told
from forecast.watchlist.mail import queue, send_waiting
from forecast.watchlist.ranking import ERRORS

Channel = Literal["webhook", "command", "mail"]

CHANNELS: tuple[Channel, ...] = ("webhook", "command", "mail")
TIMEOUT_SECONDS = 10
NAMESPACE = "http://www.w3.org/2005/Atom"
WATCHES = 12
"""Watches before this one whose changes the feed still holds."""


def feed_of(watch: Watch, place: Path) -> bytes:
    """Return the feed of a list: the changes of this watch, then those of the watches before it.

    ``place`` is the folder of the list.
    """
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(f"{{{NAMESPACE}}}feed")
    _add(
        root,
        title=f"Watchlist {watch.name}",
        id=f"urn:forecast:watchlist:{watch.name}",
        updated=_moment(watch.as_of),
    )
    _add(_child(root, "author"), name="forecast")
    now = [(watch.as_of, one.model_dump(mode="json", exclude={"targets"})) for one in watch.dyads]
    for day, entry in (*now, *_earlier(watch, place)):
        if entry.get("trigger") != entry.get("trigger_before"):
            _add_change(root, watch.name, day, entry)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _earlier(watch: Watch, place: Path) -> Iterator[tuple[date, dict[str, Any]]]:
    names = sorted((one.name for one in place.glob("????-??-??")), reverse=True)
    for name in [one for one in names if one < watch.as_of.isoformat()][:WATCHES]:
        try:
            content = json.loads((place / name / WATCH).read_text(encoding="utf-8"))
            entries = [(date.fromisoformat(name), dict(one)) for one in content["dyads"]]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a watch that was stopped has no file yet
        yield from entries


def _add_change(root: ElementTree.Element, name: str, day: date, entry: dict[str, Any]) -> None:
    state, before = entry.get("trigger") or "none", entry.get("trigger_before") or "none"
    digest = hashlib.sha256(f"{name}/{day}/{entry.get('name')}".encode()).hexdigest()[:32]
    question = entry.get("question") or {}
    _add(
        _child(root, "entry"),
        title=clean_text(f"{entry.get('label')}: {state} (before: {before})"),
        id=f"urn:forecast:watchlist:{name}:{day}:{digest}",
        updated=_moment(day),
        summary=clean_text(
            f"As of {wording.long_day(day)} the trigger of {entry.get('label')} is {state}, after {before}; "
            f"question: {question.get('target')} before {question.get('milestone')}."
        ),
    )


def _add(above: ElementTree.Element, **texts: str) -> None:
    for name, text in texts.items():
        _child(above, name).text = text


def _child(above: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(above, f"{{{NAMESPACE}}}{name}")


def _moment(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def message_of(watchlist: Watchlist, entry: DyadEntry, before: Known) -> dict[str, Any]:
    """Return what is told of one change."""
    answer = entry.milestone
    change: list[object] = [watchlist.name, watchlist.as_of.isoformat(), entry.name]
    change += [before.trigger, entry.trigger]
    if entry.trigger == before.trigger:
        change += [before.probability, answer.probability if answer else None]
    return {
        "id": hashlib.sha256(json.dumps(change).encode()).hexdigest()[:32],
        "list": watchlist.name,
        "as_of": watchlist.as_of.isoformat(),
        "dyad": entry.name,
        "label": entry.label,
        "target": entry.question.target,
        "milestone": entry.question.milestone,
        "before": before.trigger,
        "trigger": entry.trigger,
        "probability_before": before.probability,
        "probability": answer.probability if answer else None,
        "interval90": list(answer.interval90) if answer else None,
        "state": entry.state,
    }


def notify(watchlist: Watchlist, watch: Watch, folder: Path, same_day: Watch | None) -> tuple[WatchNote, ...]:
    """Tell each receiver that the list names of every change that it was not told of yet.

    ``told.json`` in the folder of the watch says what each receiver was told last; ``same_day`` is what an
    earlier watch of the same day found. Returns a note for each message that could not be delivered. Raises
    ``RunFolderError`` where it cannot be kept what was told.
    """
    asked, place = watchlist.on_change, folder.parent
    channels = [channel for channel in CHANNELS if getattr(asked, channel)]
    if not channels:
        return ()
    told, notes = last_told(folder), list[WatchNote]()
    for channel in channels:
        told = told.model_copy(update={channel: _known(watch, same_day, getattr(told, channel))})
    # Before anything is sent: a watch that dies now knows what was told before it.
    write_told(folder, told)
    for channel in channels:
        known: dict[str, Known] = getattr(told, channel)
        due = [one for one in watch.dyads if one.failure is None and _due(one, known[one.name], asked.step)]
        messages = [message_of(watchlist, one, known[one.name]) for one in due]
        now = {one.name: _shown(one, one.trigger, watch.as_of) for one in due}
        if channel == "mail":
            changes = [
                (str(message["id"]), entry, known[entry.name])
                for message, entry in zip(messages, due, strict=True)
            ]
            queue(watchlist, watch, changes, place)
            told = told.model_copy(update={channel: known | now})
            write_told(folder, told)
            continue
        for entry, message in zip(due, messages, strict=True):
            if problem := _deliver(asked, channel, message):
                notes.append(_undelivered(asked, channel, entry, problem))
                continue
            known = known | {entry.name: now[entry.name]}
            told = told.model_copy(update={channel: known})
            write_told(folder, told)
    return (*notes, *(send_waiting(watchlist, place) if asked.mail else ()))


def _known(watch: Watch, same_day: Watch | None, told: Mapping[str, Known] | None) -> dict[str, Known]:
    """What a receiver knows of each dyad: what it was told last, else what held before."""
    known = {one.name: _before(one) for one in watch.dyads}
    if told is None and same_day is not None:
        known |= {one.name: _shown(one, one.trigger, same_day.as_of) for one in same_day.dyads}
    known |= dict(told or {})
    for one in watch.dyads:
        if one.failure is None and known[one.name].question != one.question:
            # Of another question, or never seen: the next step is counted from today.
            known[one.name] = _shown(one, known[one.name].trigger, watch.as_of)
    return known


def _before(entry: DyadEntry) -> Known:
    change = entry.change
    if change is None:
        return Known(trigger=entry.trigger_before)
    return Known(
        trigger=entry.trigger_before,
        question=entry.question,
        probability=change.before,
        mcse=change.error,
        as_of=change.since,
    )


def _shown(entry: DyadEntry, trigger: str | None, day: date) -> Known:
    """What a receiver knows that saw the entry of a day, and was told of a trigger."""
    answer = entry.milestone
    if answer is None:
        return Known(trigger=trigger)
    return Known(
        trigger=trigger,
        question=entry.question,
        probability=answer.probability,
        mcse=answer.mcse,
        as_of=day,
    )


def _due(entry: DyadEntry, known: Known, step: float | None) -> bool:
    """Whether the trigger is another, or the headline moved by the step and beyond twice its error."""
    if entry.trigger != known.trigger:
        return True
    answer = entry.milestone
    if step is None or answer is None or known.probability is None:
        return False
    change = round(abs(answer.probability - known.probability), 12)
    return change >= step and change > ERRORS * math.hypot(answer.mcse, known.mcse)


def _deliver(asked: OnChange, channel: Channel, message: Mapping[str, Any]) -> str | None:
    """Send a message; return what went wrong."""
    content = json.dumps(message).encode()
    return _post(asked.webhook or "", content) if channel == "webhook" else _call(asked.command, content)


def _undelivered(asked: OnChange, channel: Channel, entry: DyadEntry, problem: str) -> WatchNote:
    if channel == "webhook":
        text = f"{asked.webhook}: the change of {entry.name} was not delivered ({problem})."
        return WatchNote(code="webhook_failed", text=text)
    text = f"{asked.command[0]}: failed for the change of {entry.name} ({problem})."
    return WatchNote(code="command_failed", text=text)


def _post(address: str, content: bytes) -> str | None:
    request = urllib.request.Request(  # the address is checked to be http(s) when the list is read
        address, data=content, headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            return None
    except (urllib.error.URLError, OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def _call(command: Sequence[str], content: bytes) -> str | None:
    try:
        ended = subprocess.run(
            list(command), input=content, timeout=TIMEOUT_SECONDS, capture_output=True, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return f"exit code {ended.returncode}" if ended.returncode else None
