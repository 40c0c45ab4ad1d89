"""How the triggers of a list did in its backtest, where there is one that asked the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from forecast.config.watchlist import Watchlist
from forecast.records.watch import TriggerRecord
from forecast.runs.files import BACKTEST, SCORES


def headline_days(watchlist: Watchlist) -> int:
    """Days ahead of the milestone that triggers are about."""
    asked = watchlist.asked.milestone
    day = next(one.date for one in watchlist.shared_milestones if one.name == asked)
    return (day - watchlist.as_of).days


def trigger_records(watchlist: Watchlist, place: Path) -> tuple[TriggerRecord, ...]:
    """Return the triggers, with false-alarm and miss rates where a backtest of the same question has them.

    Parameters
    ----------
    watchlist : Watchlist
    place : Path
        Folder of the list.
    """
    known = _rates(watchlist, place)
    found = []
    for name, threshold in watchlist.triggers.items():
        one = known.get(name, {})
        same = one.get("threshold") == threshold
        found.append(
            TriggerRecord(
                name=name,
                threshold=threshold,
                false_alarm_rate=one.get("false_alarm_rate") if same else None,
                miss_rate=one.get("miss_rate") if same else None,
                windows=one.get("windows") if same else None,
            )
        )
    return tuple(found)


def _rates(watchlist: Watchlist, place: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads((place / BACKTEST / SCORES).read_text(encoding="utf-8"))
        asked = {"target": watchlist.asked.target, "horizon_days": headline_days(watchlist)}
        settings = content["model"], content["question"], content["hysteresis"]
        if settings != (watchlist.model.family, asked, watchlist.hysteresis):
            return {}
        return {str(one["name"]): dict(one) for one in content["triggers"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
