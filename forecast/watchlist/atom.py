"""The Atom feed of a list (RFC 4287): an entry for each change of a trigger, from the watches kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from forecast import wording
from forecast.events.cells import clean_text
from forecast.records.watch import DyadEntry, Watch
from forecast.watchlist.folder import WATCH

NAMESPACE = "http://www.w3.org/2005/Atom"
WATCHES = 12
"""Watches before this one whose changes the feed still holds."""


def feed_of(watch: Watch, place: Path) -> bytes:
    """Return the feed of a list: the changes of this watch, then those of the watches before it.

    Parameters
    ----------
    watch : Watch
    place : Path
        Folder of the list.
    """
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(_tag("feed"))
    _child(root, "title", f"Watchlist {watch.name}")
    _child(root, "id", f"urn:forecast:watchlist:{watch.name}")
    _child(root, "updated", _moment(watch.as_of))
    _child(_child(root, "author"), "name", "forecast")
    now = [(watch.as_of, one.model_dump(mode="json", exclude={"targets"})) for one in watch.dyads]
    for day, entry in (*now, *_earlier(watch, place)):
        if entry.get("trigger") != entry.get("trigger_before"):
            _entry(root, watch.name, day, entry)
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


def _entry(root: ElementTree.Element, name: str, day: date, entry: dict[str, Any]) -> None:
    made = _child(root, "entry")
    state, before = entry.get("trigger") or "none", entry.get("trigger_before") or "none"
    _child(made, "title", clean_text(f"{entry.get('label')}: {state} (before: {before})"))
    digest = hashlib.sha256(f"{name}/{day}/{entry.get('name')}".encode()).hexdigest()[:32]
    _child(made, "id", f"urn:forecast:watchlist:{name}:{day}:{digest}")
    _child(made, "updated", _moment(day))
    question = entry.get("question") or {}
    _child(
        made,
        "summary",
        clean_text(
            f"As of {wording.long_day(day)} the trigger of {entry.get('label')} is {state}, after {before}; "
            f"question: {question.get('target')} before {question.get('milestone')}."
        ),
    )


def changed(entries: Iterable[DyadEntry], known: Mapping[str, str | None]) -> list[DyadEntry]:
    """Return the dyads whose trigger is another than the one that was told last."""
    return [one for one in entries if one.failure is None and one.trigger != known.get(one.name)]


def _child(above: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    made = ElementTree.SubElement(above, _tag(name))
    made.text = text
    return made


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _moment(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"
