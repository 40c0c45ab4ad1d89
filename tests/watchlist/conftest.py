"""Lists of simulated dyads whose truth is known: rates of target events, constant or with a change."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.config.watchlist import load_watchlist
from forecast.events.reading import write_events
from forecast.events.table import Event, EventTable
from forecast.watchlist.watch import run_watch

AS_OF = date(2010, 1, 4)
FIRST = date(2002, 1, 1)
TARGET = "{force: {any_of: [military_incident], min_severity: 5}}"


def simulated(pair, monthly, seed, *, first=FIRST, last=date(2010, 12, 31), prefix="") -> list[Event]:
    """Acts of a pair: targets at a constant rate a month, disputes at three times that and visits at one."""
    random = np.random.default_rng(seed)
    days = (last - first).days + 1
    events = []
    kinds = (("military_incident", 5, 1.0), ("dispute", 2, 3.0), ("visit", 1, 1.0))
    for category, severity, factor in kinds:
        for day in np.flatnonzero(random.random(days) < factor * monthly / 30.4):
            when = first + timedelta(days=int(day))
            events.append(
                Event(
                    id=f"{prefix}{'-'.join(pair)}-{category}-{day}",
                    date=when,
                    known_date=when,
                    initiator=pair[int(day) % 2],
                    recipient=pair[1 - int(day) % 2],
                    category=category,
                    severity=severity,
                )
            )
    return events


PAIRS = {("AAA", "BBB"): 1.0, ("AAA", "CCC"): 0.2, ("DDD", "EEE"): 0.5}


def write_list(folder: Path, *, dyads=None, extra="", events='["dyads/*.csv"]', as_of=AS_OF) -> Path:
    named = dyads or [f"{{a: {a}, b: {b}}}" for a, b in PAIRS]
    path = folder / "list.yaml"
    path.write_text(
        f"schema: 1\nname: trial\nas_of: {as_of}\nevents: {events}\ntargets: {TARGET}\n"
        "horizons: [30, 90, 180]\nmodel: {family: pooled_hazard}\n"
        + "dyads:\n"
        + "".join(f"  - {one}\n" for one in named)
        + extra,
        encoding="utf-8",
    )
    return path


def write_dyads(folder: Path, pairs=PAIRS, **options) -> None:
    (folder / "dyads").mkdir(exist_ok=True)
    for seed, (pair, rate) in enumerate(pairs.items()):
        table = EventTable.from_events(simulated(pair, rate, seed, **options), "made for a test")
        write_events(table, folder / "dyads" / f"{'-'.join(pair).lower()}.csv")


@pytest.fixture
def trial(tmp_path) -> Path:
    """A list of three simulated dyads, a file each."""
    write_dyads(tmp_path)
    return write_list(tmp_path, extra="triggers: {ready: 20%, set: 35%, go: 50%}\n")


def watched(path: Path, out: Path, settings=(), as_of=None, **options):
    """Watch a list without a report; return what was found, and the folder."""
    watchlist = load_watchlist(path, settings, as_of=as_of)
    return run_watch(watchlist, out=out, report=False, **options)
