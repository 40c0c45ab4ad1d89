"""Cells of a study of many dyads: one dyad, thinned, with so many years of record before one origin.

Thinning is of the whole file, so that what is forecast is what the thinner record would have held.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np

from forecast.baselines import find_record_start
from forecast.config import Config, config_hash
from forecast.config.reading import parse_config
from forecast.errors import InputError
from forecast.evaluation.study import row_key
from forecast.evaluation.units import model_columns
from forecast.events.dyads import main_pairs
from forecast.events.table import EventTable
from forecast.families import family_named
from forecast.records.horizons import USUAL_HORIZONS

HORIZONS = USUAL_HORIZONS
"""Days ahead of the milestones."""
FEWEST_EVENTS = 5
"""A cell with fewer events is left out."""
STEP_DAYS = 182
"""A record shorter than asked for is cut to whole half years: few lengths, few models to compile."""
LEAST_SHARE = 0.75
"""A file that covers less of the years asked for has no cell of that length."""
DAYS_A_YEAR = 364
"""52 weeks, so that records of equal length have equally many steps."""
TARGET = "target"
OVERRIDDEN = ("model.", "sampler.")
"""Parts of the config of a cell that may be changed."""


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """Which cells are forecast, and how.

    ``shares`` are the shares of events kept, ``years`` the lengths of record before an origin. ``sample``
    takes so many of the cells at random, spread evenly over the shares. ``overrides`` (as after ``--set``, of
    ``model`` and ``sampler``) change the config of each cell.
    """

    any_of: tuple[str, ...]
    min_severity: int
    shares: tuple[float, ...]
    years: tuple[int, ...]
    origins: int
    family: str = "model"
    seed: int = 1
    sample: int | None = None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One forecast of the study: the record begins on ``start``, nothing is known on the day ``origin``."""

    dyad: str
    share: float
    years: int
    origin: date
    start: date

    @property
    def in_words(self) -> str:
        """The cell, as messages name it."""
        return f"{self.dyad}, {self.share:.0%} of events, {self.years} years before {self.origin}"


@dataclass(frozen=True)
class Skipped:
    """A cell without a forecast, and why: ``short_record``, ``few_events`` or ``no_target_category``."""

    dyad: str
    share: float
    years: int
    origin: date | None
    reason: str


@dataclass(frozen=True)
class Job:
    """A cell with the events of its dyad, already thinned, and the config of its forecast."""

    cell: Cell
    config: Config
    events: EventTable

    @property
    def key(self) -> str:
        """Hash of everything that the row depends on."""
        return row_key(config_hash(self.config), self.events.sha256, repr(self.cell))


def thin(events: EventTable, share: float, seed: int, dyad: str) -> EventTable:
    """Keep each event with this probability; a smaller share keeps a part of what a larger one keeps."""
    digest = int.from_bytes(sha256(f"{seed}/{dyad}".encode()).digest()[:8], "big")
    drawn = np.random.default_rng(digest).random(len(events))
    return events.select(drawn < share)


def cells_of(dyad: str, events: EventTable, options: StudyOptions) -> tuple[list[Cell], list[Skipped]]:
    """Spread the origins of a dyad over its record; ``events`` are those of the whole file.

    The file covers the days from where its record is dense (``find_record_start``) to its last event. Origins
    of one length lie in the middle of equal parts of the span in which the record before them is long enough
    and the longest horizon after them is observed. Where no such day is left, the last possible origin has
    what record there is.
    """
    end: date = events.date.max().item()
    first = find_record_start(events, end)
    latest = end - timedelta(days=max(HORIZONS) - 1)
    cells, skipped = [], []
    for years in options.years:
        earliest = first + timedelta(days=DAYS_A_YEAR * years)
        room = (latest - earliest).days
        length = timedelta(days=DAYS_A_YEAR * years)
        if room >= 0:
            places = [int(room * (k + 0.5) / options.origins) for k in range(options.origins)]
            origins = [earliest + timedelta(days=place) for place in dict.fromkeys(places)]
        else:
            length = timedelta(days=(latest - first).days // STEP_DAYS * STEP_DAYS)
            long_enough = length.days >= LEAST_SHARE * DAYS_A_YEAR * years
            origins = [latest] if long_enough else []
        for share in options.shares:
            cells += [Cell(dyad, share, years, origin, origin - length) for origin in origins]
            if not origins:
                skipped.append(Skipped(dyad, share, years, None, "short_record"))
    return cells, skipped


def plan_study(dyads: Mapping[str, EventTable], options: StudyOptions) -> tuple[list[Job], list[Skipped]]:
    """Return the cells to be forecast, the sample drawn, and those that cannot be."""
    fit, skipped = [], []
    thinned: dict[tuple[str, float], EventTable] = {}
    for dyad, events in dyads.items():
        cells, short = cells_of(dyad, events, options)
        skipped += short
        columns = model_columns(events)
        thinned |= {(dyad, share): thin(columns, share, options.seed, dyad) for share in options.shares}
        for cell in cells:
            used = thinned[dyad, cell.share].between(cell.start, cell.origin - timedelta(days=1))
            reason = _unfit(used, options)
            if reason:
                skipped.append(Skipped(dyad, cell.share, cell.years, cell.origin, reason))
            else:
                fit.append(cell)
    jobs = []
    for cell in _sampled(fit, options):
        last = cell.origin + timedelta(days=max(HORIZONS))
        config = cell_config(cell, dyads[cell.dyad], options)
        jobs.append(Job(cell, config, thinned[cell.dyad, cell.share].between(cell.start, last)))
    return jobs, skipped


def _unfit(used: EventTable, options: StudyOptions) -> str | None:
    if len(used) < FEWEST_EVENTS:
        return "few_events"
    return None if np.isin(used.category, options.any_of).any() else "no_target_category"


def _sampled(cells: list[Cell], options: StudyOptions) -> list[Cell]:
    if options.sample is None or options.sample >= len(cells):
        return cells
    order = np.random.default_rng(options.seed).permutation(len(cells)).tolist()
    # The first of each share, then the second of each …: a larger sample holds the smaller one.
    turn: dict[float, int] = {}
    turns = []
    for place in order:
        share = cells[place].share
        turns.append(turn.get(share, 0))
        turn[share] = turns[-1] + 1
    chosen = [place for _, place in sorted(zip(turns, order, strict=True), key=lambda turn: turn[0])]
    return [cells[place] for place in chosen[: options.sample]]


def cell_config(cell: Cell, events: EventTable, options: StudyOptions) -> Config:
    """Return the config of a forecast: defaults, but for what the cell and the options say.

    ``ConfigError`` for an override that is not valid; ``InputError`` for one of what a cell is made of, and
    for a family that is none.
    """
    try:
        family_named(options.family)
    except InputError as error:
        raise InputError(f"--family: {error}") from error
    for text in options.overrides:
        if not text.strip().startswith(OVERRIDDEN):
            raise InputError(
                f"--set {text}: only settings of {' and '.join(OVERRIDDEN)} can be changed here; the others "
                "make up the study"
            )
    sides = next(iter(main_pairs(events)), ("A", "B"))
    digest = sha256(f"{options.seed}/{cell.dyad}/{cell.share}/{cell.years}/{cell.origin}".encode()).digest()
    settings = {
        "name": "convergence",
        "dyad": dict(zip(("a", "b"), sides, strict=True)),
        "as_of": (cell.origin - timedelta(days=1)).isoformat(),
        "events": {"source": f"{cell.dyad}.csv", "start": cell.start.isoformat()},
        "targets": {TARGET: {"any_of": list(options.any_of), "min_severity": options.min_severity}},
        "milestones": [
            {"name": f"days_{days}", "date": (cell.origin + timedelta(days=days)).isoformat()}
            for days in HORIZONS
        ],
        "model": {"family": options.family},
        "sampler": {"seed": int.from_bytes(digest[:4], "big")},
    }
    return parse_config(json.dumps(settings), Path(f"{cell.dyad}.yaml"), options.overrides)
