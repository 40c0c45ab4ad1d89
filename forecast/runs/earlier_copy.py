"""The events as an earlier run knew them: a copy by which faults of a feed are seen that no file shows alone.

A sparse record that lacks some acts looks like a quiet one. Every run keeps the acts that it knew, so that
the next one of the same name can tell which of them are gone, coded otherwise or repeated.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.config import Config
from forecast.errors import EventError, InputError, RunFolderError
from forecast.events.dyads import DyadRule
from forecast.events.feed_faults import changed_rows
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.records.event_cautions import FeedFault
from forecast.runs import files
from forecast.runs.folder import changed_files, kind_of, read_manifest, run_place

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class EarlierCopy:
    """Events as they once were, and the day up to which they were known."""

    table: EventTable
    known: date

    def faults(self, source: str, rule: DyadRule, now: EventTable) -> tuple[FeedFault, ...]:
        """Return the fault that acts of a dyad, known then, are gone, coded otherwise or repeated, if so.

        ``source`` names the event file in the message; ``now`` are the acts of the dyad that are known
        today.
        """
        then = self.table.select(rule.mask(self.table))
        return tuple(changed_rows(source, then, now, self.known))


def earlier_copy(config: Config, out: Path, file: Path | None = None) -> EarlierCopy | None:
    """Return the copy to compare the events of a config with; ``None`` where there is none.

    The events are those of the last earlier run of the same name below ``out`` that can be used, or of a
    ``file`` that is given (``InputError`` when it is none of events).
    """
    if file is not None:
        try:
            table = read_events(file, dates=config.events.dates)
        except EventError as error:
            raise InputError(f"--earlier: {error}") from error
        days = table.known_by(config.as_of).known_date
        return EarlierCopy(table, days.max().item()) if len(days) else None
    runs = sorted(run_place(config, out).parent.glob("????-??-??"), reverse=True)
    for folder in runs:
        if folder.name < config.as_of.isoformat() and kind_of(folder) == "run":
            copy = _copy_in(folder)
            if copy is not None:
                return copy
    return None


def _copy_in(folder: Path) -> EarlierCopy | None:
    """Return the events that a run kept; ``None``, and a warning, where they are not as the run left them."""
    try:
        hashes = read_manifest(folder).get("outputs_sha256")
        recorded = hashes.get(files.EVENTS) if isinstance(hashes, dict) else None
        if recorded is None or changed_files(folder, {files.EVENTS: str(recorded)}):
            raise RunFolderError(f"{folder}: {files.EVENTS} is not as the run left it")
        return EarlierCopy(read_events(folder / files.EVENTS), date.fromisoformat(folder.name))
    except (EventError, RunFolderError, ValueError) as error:
        _LOGGER.warning("the events are not compared with those of an earlier run: %s", error)
        return None
