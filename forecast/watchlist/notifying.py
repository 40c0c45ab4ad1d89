"""Telling others of a change of trigger: a webhook, a command, or nobody.

What is sent is the change itself as JSON, nothing else; a message that cannot be delivered is noted in the
watch, and stops nothing.
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from forecast.config.watchlist import Watchlist
from forecast.records.watch import DyadEntry, WatchNote

TIMEOUT_SECONDS = 10


def message_of(watchlist: Watchlist, entry: DyadEntry, before: str | None) -> dict[str, Any]:
    """Return what is told of one change."""
    answer = entry.milestone
    return {
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


def notify(watchlist: Watchlist, messages: Sequence[dict[str, Any]]) -> tuple[WatchNote, ...]:
    """Send each message as the list asks; return a note for each that could not be delivered."""
    asked, notes = watchlist.on_change, []
    for message in messages:
        content = json.dumps(message).encode()
        if asked.webhook:
            problem = _post(asked.webhook, content)
            if problem:
                text = f"{asked.webhook}: the change of {message['dyad']} was not delivered ({problem})."
                notes.append(WatchNote(code="webhook_failed", text=text))
        if asked.command:
            problem = _call(asked.command, content)
            if problem:
                text = f"{asked.command[0]}: failed for the change of {message['dyad']} ({problem})."
                notes.append(WatchNote(code="command_failed", text=text))
    return tuple(notes)


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
