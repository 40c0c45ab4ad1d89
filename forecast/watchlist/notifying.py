"""The command of a list that is told of changes, each once."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forecast.config.watchlist import Watchlist
from forecast.records.forecast import MilestoneForecast
from forecast.records.watch import Notified, Watch
from forecast.runs.files import claimed, read_kept, write_record
from forecast.watchlist.ranking import ERRORS

NOTIFIED = "notified.json"
TIMEOUT_SECONDS = 10


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
        last = read_kept(path, Notified) or Notified(as_of=watch.as_of, dyads={})
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
