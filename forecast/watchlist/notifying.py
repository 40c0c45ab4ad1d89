"""Telling others of a change of trigger: a webhook, a command, or nobody.

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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from forecast.config.watchlist import Watchlist
from forecast.records.watch import DyadEntry, Watch, WatchNote
from forecast.watchlist.atom import changed
from forecast.watchlist.folder import last_told, write_told

Channel = Literal["webhook", "command"]

TIMEOUT_SECONDS = 10


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

    Parameters
    ----------
    watchlist : Watchlist
    watch : Watch
        With the triggers of today.
    folder : Path
        Of the watch; ``told.json`` in it says what each receiver was told last.
    same_day : Watch, optional
        What an earlier watch of the same day found.

    Returns
    -------
    tuple of WatchNote
        One for each message that could not be delivered.

    Raises
    ------
    RunFolderError
        What was told cannot be kept.
    """
    asked: dict[Channel, object] = {
        "webhook": watchlist.on_change.webhook,
        "command": watchlist.on_change.command,
    }
    channels = [channel for channel, receiver in asked.items() if receiver]
    if not channels:
        return ()
    told, notes = last_told(folder), []
    for channel in channels:
        told = told.model_copy(update={channel: _known(watch, same_day, getattr(told, channel))})
    # Before anything is sent: a watch that dies now knows what was told before it.
    write_told(folder, told)
    for channel in channels:
        known: Mapping[str, str | None] = getattr(told, channel)
        for entry in changed(watch.dyads, known):
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
    if channel == "webhook":
        return _post(asked.webhook or "", content)
    return _call(asked.command, content)


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
