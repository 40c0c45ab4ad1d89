"""Faults put into feeds of events: how many are seen, refused, or leave the forecast as it was.

Run by ``make faults``.

A case is a record, a day, and a fault within the year before that day. It is **refused** where the file is
not read, **seen** where the checks say something of the damaged record that they do not say of the sound one,
**harmless** where no probability of the pooled model moves by more than ``BOUND``, else **missed**. What the
checks say of sound records at the same days are the false alarms.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from forecast.config import Config
    from forecast.events.table import EventTable, Mask

ROOT = Path(__file__).resolve().parents[2]
BOUND = 0.02
"""Largest change of a probability that counts as harmless: two points of a hundred."""
YEARS_BEFORE = 4
"""Years of record that a day of a case has before it."""

Alarm = tuple[str, str]
Floats = NDArray[np.float64]
Columns = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Record:
    """A record of one dyad, and all rows of the file that it stands in."""

    name: str
    table: EventTable
    sides: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Damage:
    """A damaged file: its rows, or why it was refused."""

    table: EventTable | None
    variant: str
    refused: str = ""


@dataclass
class Tally:
    """What became of the cases of a kind; ``moved`` are the changes of probability of those not seen."""

    tried: int = 0
    refused: int = 0
    seen: int = 0
    harmless: int = 0
    missed: list[str] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)


def records(panel: Path | None) -> list[Record]:
    """Return the bundled events, simulated dyads, and a panel, singly and as archives."""
    from forecast.events.reading import load_events, read_events

    found = [Record("us-china", load_events("bundled:us-china", Path()), ("USA", "CHN"))]
    found.append(Record("simulated", simulated(), ("SIM-B1", "SIM-B2")))
    if panel is None:
        return found
    tables = {}
    for path in sorted(panel.glob("*.csv")):
        table = read_events(path)
        tables[path.stem] = table
        found.append(Record(path.stem, table, (str(table.initiator[0]), str(table.recipient[0]))))
    # The same dyads as two archives of many, as they came: one ends in 1999, one in 2004.
    for name, late in (("gulf", False), ("levant", True)):
        inside = [one for one in found[2:] if (one.table.date[-1] >= np.datetime64("2000-01-01")) == late]
        whole = _joined([one.table for one in inside], name)
        found += [Record(f"{name}: {one.name}", whole, one.sides) for one in inside]
    return found


def simulated() -> EventTable:
    """Return ten years of three dyads with acts at constant rates; that of the third rises in 2023."""
    from forecast.events.table import Event, EventTable

    kinds = (("military_incident", 4, 1.0, 0.0), ("dispute", 2, 2.0, 0.5), ("visit", 2, 0.0, 1.0))
    events = []
    for number, (name, rate) in enumerate((("A", 0.05), ("B", 0.5), ("C", 0.05))):
        source, pair = random.Random(number), (f"SIM-{name}1", f"SIM-{name}2")
        for ahead in range((date(2023, 7, 9) - date(2013, 1, 1)).days + 1):
            day = date(2013, 1, 1) + timedelta(days=ahead)
            monthly = 2.0 if name == "C" and day >= date(2023, 1, 1) else rate
            for category, severity, by_target, besides in kinds:
                if source.random() < (by_target * monthly + besides) / (365.25 / 12):
                    initiator, recipient = pair if source.random() < 0.5 else pair[::-1]
                    events.append(
                        Event(
                            id=f"{pair[0].lower()}-{day}-{category}",
                            date=day,
                            known_date=day,
                            initiator=initiator,
                            recipient=recipient,
                            category=category,
                            severity=severity,
                        )
                    )
    return EventTable.from_events(events, "simulated")


def _joined(tables: Sequence[EventTable], source: str) -> EventTable:
    from forecast.events.table import FIELDS, EventTable

    columns = {name: np.concatenate([getattr(one, name) for one in tables]) for name in FIELDS}
    return EventTable.sort_rows(columns, source, has_verified=False)


def _remade(table: EventTable, columns: Columns) -> EventTable:
    from forecast.events.table import EventTable

    return EventTable.sort_rows(columns, table.source, has_verified=table.has_verified)


def _columns(table: EventTable, rows: slice | Mask = slice(None)) -> Columns:
    from forecast.events.table import FIELDS

    return {name: getattr(table, name)[rows].copy() for name in FIELDS}


def _recent(table: EventTable, as_of: date) -> NDArray[np.int64]:
    """Rows of the year before a day."""
    return np.flatnonzero(table.date >= np.datetime64(as_of - timedelta(days=365), "D"))


def missing_month(one: Record, as_of: date, chance: random.Random) -> Damage | None:
    """Take a whole calendar month out of the year before."""
    months = one.table.date.astype("datetime64[M]")
    now = np.datetime64(as_of, "M")
    recent = months[_recent(one.table, as_of)]
    there = np.unique(recent[recent < now])
    if not len(there):
        return None
    month = there[chance.randrange(len(there))]
    return Damage(one.table.select(months != month), str(month))


def _repeated(table: EventTable, mask: Mask) -> EventTable:
    whole, again = _columns(table), _columns(table, mask)
    again["id"] = np.array([f"{name}-again" for name in again["id"].tolist()], dtype=np.object_)
    return _remade(table, {name: np.concatenate([whole[name], again[name]]) for name in whole})


def truncated_file(one: Record, as_of: date, chance: random.Random) -> Damage | None:
    """Cut the text of the file within its last year."""
    from forecast.errors import EventError
    from forecast.events.reading import read_events

    rows = _recent(one.table, as_of)
    lines = _as_text(one.table).split("\n")[:-1]
    whole = "\n".join(lines[: int(rows[0]) + 2]) + "\n"
    rest = "\n".join(lines[int(rows[0]) + 2 :]) + "\n"
    variant = chance.choice(("within a line", "between lines"))
    if variant == "within a line":
        text = whole + rest[: chance.randrange(len(rest))]
    else:
        text = "\n".join(lines[: chance.randrange(int(rows[0]) + 1, len(lines))]) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cut.csv"
        path.write_text(text, encoding="utf-8")
        try:
            return Damage(read_events(path, source=one.table.source), variant)
        except EventError as error:
            return Damage(None, variant, str(error))


def _as_text(table: EventTable) -> str:
    """Return the rows as most feeds write them: eight columns, a free text last."""
    from forecast.storage import csv_text

    names = ("id", "date", "initiator", "recipient", "category", "subcategory", "severity", "summary")
    head = ("id", "date", "initiator", "target", "category", "subcategory", "severity", "summary")
    columns = [[str(value) for value in getattr(table, name).tolist()] for name in names]
    return csv_text([head, *zip(*columns, strict=True)])


def duplicated_archive(one: Record, as_of: date, chance: random.Random) -> Damage | None:
    """Repeat a month, three months or all of the file: with its ids, without any, or under others."""
    from forecast.errors import EventError
    from forecast.events.reading import read_events

    days = one.table.date
    span = chance.choice((30, 91, None))
    if span is None:
        mask = np.ones(len(days), dtype=np.bool_)
    else:
        begin = np.datetime64(as_of - timedelta(days=chance.randrange(span, 365)), "D")
        mask = (days >= begin) & (days < begin + np.timedelta64(span, "D"))
    if not mask.any():
        return None
    ids = chance.choice(("same ids", "no ids", "other ids"))
    variant = f"{'all' if span is None else f'{span} days'}, {ids}"
    if ids != "same ids":
        # Rows without ids are told apart by their count, which is as good as another id.
        return Damage(_repeated(one.table, mask), variant)
    lines = one.table.canonical_csv().encode().decode().split("\n")
    again = one.table.select(mask).canonical_csv().split("\n")[1:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "twice.csv"
        path.write_text("\n".join([*lines[:-1], *again]), encoding="utf-8")
        try:
            return Damage(read_events(path, source=one.table.source), variant)
        except EventError as error:
            return Damage(None, variant, str(error))


KINDS: dict[str, Callable[[Record, date, random.Random], Damage | None]] = {
    one.__name__.replace("_", " "): one
    for one in (
        missing_month,
        truncated_file,
        duplicated_archive,
    )
}


def alarms(one: Record, table: EventTable, as_of: date) -> frozenset[Alarm]:
    """What ``events validate``, ``check`` and ``watch`` all say of a file and of the dyad's acts in it."""
    from forecast.events.dyads import DyadRule
    from forecast.events.summary import Feed, feed_faults
    from forecast.phrases.notices import feed_fault_text
    from forecast.runs.cautions import stale_events

    found: set[Alarm] = {
        (fault.code, feed_fault_text(fault)) for fault in feed_faults((Feed.of_table(table),), as_of)
    }
    rule = DyadRule((one.sides[0],), (one.sides[1],))
    own = table.select(rule.mask(table)).known_by(as_of)
    if not len(own):
        return frozenset({*found, ("no_events", "")})
    if gap := stale_events(own.date, np.datetime64(as_of, "D")):
        found.add((gap.code, gap["last_date"]))
    return frozenset(found)


def probabilities(one: Record, table: EventTable, config: Config, as_of: date) -> Floats | None:
    """Probabilities of the pooled hazard by target and horizon; nothing where the dyad has no act.

    Zero for a target that never happened, where the hazard is silent.
    """
    from forecast.events.dyads import DyadRule
    from forecast.pooled_hazard import shipped_hazard
    from forecast.runs.inputs import target_rules
    from forecast.wording import USUAL_HORIZONS

    rule = DyadRule((one.sides[0],), (one.sides[1],))
    known = table.select(rule.mask(table)).known_by(as_of)
    if not len(known):
        return None
    origin, start, rules = as_of + timedelta(days=1), one.table.date[0].item(), target_rules(config)
    found = shipped_hazard().by_day(known, rules, origin, start, max(USUAL_HORIZONS))
    silent = np.zeros(len(USUAL_HORIZONS))
    return np.array(
        [found[one.name].mean(axis=0)[list(USUAL_HORIZONS)] if one.name in found else silent for one in rules]
    )


def change(one: Record, sound: EventTable, damaged: EventTable, config: Config, as_of: date) -> float:
    """Return the largest change of a probability; one where the damage leaves the dyad no act."""
    before, after = (probabilities(one, table, config, as_of) for table in (sound, damaged))
    if before is None or after is None:
        return float((before is None) != (after is None))
    return float(np.abs(after - before).max())


def base_config(folder: Path) -> Config:
    """Return the questions that the cases are asked: force, and arms of any kind."""
    from forecast.config.watchlist import load_watchlist

    path = folder / "list.yaml"
    path.write_text(_LIST)
    return load_watchlist(path).config_of(0, "bundled:us-china")


_LIST = """schema: 1
name: faults
as_of: 2010-01-04
events: ["bundled:us-china"]
targets:
  arms: {any_of: [military_incident, military_posture], min_severity: 3}
  force: {any_of: [military_incident], min_severity: 5}
model: {family: pooled_hazard}
dyads:
  - {a: USA, b: CHN}
"""


def cases(every: Sequence[Record], number: int, seed: int) -> Iterator[tuple[str, Record, date, Damage]]:
    """Yield so many cases, the kinds in turn."""
    chance = random.Random(seed)
    names = list(KINDS)
    done = 0
    while done < number:
        one = chance.choice(every)
        first, last = one.table.date[0].item(), one.table.date[-1].item()
        earliest = first + timedelta(days=365 * YEARS_BEFORE)
        as_of = earliest + timedelta(days=chance.randrange(max(1, (last - earliest).days)))
        known = replace(one, table=one.table.known_by(as_of))
        if len(_recent(known.table, as_of)) == 0:
            continue
        kind = names[done % len(names)]
        damage = KINDS[kind](known, as_of, chance)
        if damage is not None:
            done += 1
            yield kind, known, as_of, damage


def attack(every: Sequence[Record], number: int, seed: int) -> tuple[dict[str, Tally], Counter[str]]:
    """Try so many faults; return what became of them by kind, and what was said of sound records."""
    tallies = {kind: Tally() for kind in KINDS}
    false: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        config = base_config(Path(folder))
        for kind, one, as_of, damage in cases(every, number, seed):
            tally = tallies[kind]
            tally.tried += 1
            sound = alarms(one, one.table, as_of)
            false.update({code for code, _ in sound})
            if damage.table is None:
                tally.refused += 1
            elif alarms(one, damage.table, as_of) - sound:
                tally.seen += 1
            else:
                moved = change(one, one.table, damage.table, config, as_of)
                tally.moved.append(moved)
                if moved <= BOUND:
                    tally.harmless += 1
                else:
                    tally.missed.append(f"{one.name} {as_of} {damage.variant}: {moved:.3f}")
    return tallies, false


def main() -> None:
    """Inject faults and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--panel", type=Path, default=None, help="folder with further records, one dyad a file"
    )
    parser.add_argument("--show", action="store_true", help="print every missed case")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    began = time.perf_counter()
    every = records(given.panel)
    tallies, false = attack(every, given.cases, given.seed)
    heads = {"tried": 7, "refused": 9, "seen": 7, "harmless": 10}
    named = "".join(f"{name:>{width}}" for name, width in heads.items())
    print(f"{'fault':<20}{named}{'missed':>8}   largest change unseen")
    for kind, tally in tallies.items():
        worst = max((move for move in tally.moved), default=0.0)
        print(
            f"{kind:<20}{tally.tried:>7}{tally.refused:>9}{tally.seen:>7}"
            f"{tally.harmless:>10}{len(tally.missed):>8}   {worst:.3f}"
        )
        if given.show:
            for line in tally.missed:
                print(f"    {line}")
    said = ", ".join(f"{code} {times}" for code, times in sorted(false.items())) or "none"
    print(f"{given.cases:,} sound records looked at; said of them: {said}")
    print(f"{len(every)} records, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
