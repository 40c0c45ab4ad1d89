"""Who is told of a change of trigger: readers of the Atom feed (RFC 4287), a webhook, a command, or nobody.

What is sent is the change itself as JSON, nothing else; a message that cannot be delivered is noted in the
watch, stops nothing, and is tried again by the next watch. What each receiver was told last is kept as soon
as it was told, so that a watch that dies repeats one message at most: the one whose note was not yet kept.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from forecast import wording
from forecast.config.watchlist import Watchlist
from forecast.events.cells import clean_text
from forecast.records.watch import DyadEntry, Watch, WatchNote
from forecast.watchlist.folder import WATCH, last_told, write_told

Channel = Literal["webhook", "command"]

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


def message_of(watchlist: Watchlist, entry: DyadEntry, before: str | None) -> dict[str, Any]:
    """Return what is told of one change."""
    answer = entry.milestone
    change = [watchlist.name, watchlist.as_of.isoformat(), entry.name, before, entry.trigger]
    return {
        "id": hashlib.sha256(json.dumps(change).encode()).hexdigest()[:32],
        "list": watchlist.name,
        "as_of": watchlist.as_of.isoformat(),
        "dyad": entry.name,
        "label": entry.label,
        "target": entry.question.target,
        "milestone": entry.question.milestone,
        "before": before,
        "trigger": entry.trigger,
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
    every: tuple[Channel, ...] = ("webhook", "command")
    channels = [channel for channel in every if getattr(watchlist.on_change, channel)]
    if not channels:
        return ()
    told, notes = last_told(folder), []
    for channel in channels:
        told = told.model_copy(update={channel: _known(watch, same_day, getattr(told, channel))})
    # Before anything is sent: a watch that dies now knows what was told before it.
    write_told(folder, told)
    for channel in channels:
        known: Mapping[str, str | None] = getattr(told, channel)
        for entry in watch.dyads:
            if entry.failure is not None or entry.trigger == known.get(entry.name):
                continue
            problem = _deliver(watchlist, channel, message_of(watchlist, entry, known.get(entry.name)))
            if problem:
                notes.append(_undelivered(watchlist, channel, entry, problem))
                continue
            told = told.model_copy(update={channel: {**getattr(told, channel), entry.name: entry.trigger}})
            write_told(folder, told)
    return tuple(notes)


def _known(
    watch: Watch, same_day: Watch | None, told: Mapping[str, str | None] | None
) -> dict[str, str | None]:
    """What a receiver knows of each dyad: what it was told last, else what held before."""
    known = {one.name: one.trigger_before for one in watch.dyads}
    if told is None and same_day is not None:
        known |= {one.name: one.trigger for one in same_day.dyads}
    return known | dict(told or {})


def _deliver(watchlist: Watchlist, channel: Channel, message: Mapping[str, Any]) -> str | None:
    """Send a message; return what went wrong."""
    content, asked = json.dumps(message).encode(), watchlist.on_change
    return _post(asked.webhook or "", content) if channel == "webhook" else _call(asked.command, content)


def _undelivered(watchlist: Watchlist, channel: Channel, entry: DyadEntry, problem: str) -> WatchNote:
    asked = watchlist.on_change
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
