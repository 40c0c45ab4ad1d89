"""Code → our category, default severity and Goldstein-type score: as data, and replaceable by the user's.

The CAMEO table is the codebook's (``forecast/events/data/cameo.csv``); WEIS, PLOVER and ACLED stand in
``data/``. Each score names the code whose published figure it is (see ``docs/import.md``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from forecast.errors import EventError
from forecast.events.cells import CellFault, parse_category, parse_severity
from forecast.events.codebook import cameo_codes
from forecast.events.rows import Fault, decode, faults_message, read_bytes, split_rows
from forecast.feeds.layout import System

Key = tuple[str, str]
COLUMNS = ("code", "mode", "label", "category", "severity", "score", "score_of")
LOWEST, HIGHEST = -10.0, 10.0


@dataclass(frozen=True)
class Coding:
    """What a code of a feed means here.

    Parameters
    ----------
    code, mode : str
        The code, and its mode where the scheme has modes (empty: any).
    label : str
        Meaning in a few words.
    category : str or None
        Our category; ``None`` for acts that the codebook does not count (statements, appeals, protest).
    severity : int or None
        Default severity, 1 to 5; ``None`` without a category.
    score : float
        Goldstein-type score, −10 (conflict) to 10 (cooperation).
    score_of : str
        Code whose published score this is, or ``mapping`` where the user gave it.
    """

    code: str
    mode: str
    label: str
    category: str | None
    severity: int | None
    score: float
    score_of: str


@dataclass(frozen=True)
class Mirror:
    """A code that describes the other side of an act, or an act without direction."""

    code: str
    mode: str
    counts_as: str
    mutual: bool


Crosswalk = Mapping[Key, Coding]


@cache
def shipped_crosswalk(system: System) -> Crosswalk:
    """Return the coding of every code of a scheme; of ``own`` none, whose rows say it themselves."""
    if system == "own":
        return {}
    if system == "cameo":
        return {
            (code, ""): Coding(
                code, "", one.label, one.category, one.severity, one.goldstein, one.goldstein_of
            )
            for code, one in cameo_codes().items()
        }
    return {(row["code"], row["mode"]): _coding(row) for row in _data(f"{system}.csv")}


@cache
def mirrors(system: System) -> Mapping[Key, Mirror]:
    """Return the codes of a scheme that tell an act from its other side, or that have no direction."""
    return {
        (row["code"], row["mode"]): Mirror(row["code"], row["mode"], row["counts_as"], row["mutual"] == "yes")
        for row in _data("mirrors.csv")
        if row["system"] == system
    }


def with_mapping(crosswalk: Crosswalk, path: Path) -> Crosswalk:
    """Return the crosswalk with a user's rows in place of, or added to, the shipped ones.

    Parameters
    ----------
    crosswalk : mapping
        What the rows change.
    path : Path
        CSV with the columns code, category, severity and, if wished, mode, label and score. An empty
        category means that acts of this code are not counted.

    Raises
    ------
    EventError
        The file cannot be read, or has faults; every one is listed with its line.
    """
    raw = read_bytes(path)
    text = decode(raw) if isinstance(raw, bytes) else raw
    if isinstance(text, Fault):
        raise EventError(text.located(str(path)))
    rows, faults = split_rows(text)
    header = [cell.strip() for cell in rows[0].cells] if rows else []
    for name in ("code", "category", "severity"):
        if name not in header:
            faults.append(
                Fault(1, name, "the required column is missing. Required: code, category, severity")
            )
    for name in header:
        if name not in COLUMNS:
            faults.append(Fault(1, name, f"unknown column. Allowed: {', '.join(COLUMNS)}"))
    changed = dict(crosswalk)
    seen: dict[Key, int] = {}
    for row in rows[1:] if not faults else []:
        cells = dict(zip(header, (cell.strip() for cell in row.cells), strict=False))
        if len(row.cells) != len(header):
            faults.append(
                Fault(row.line, "", f"{len(row.cells)} cells, but the header has {len(header)} columns")
            )
            continue
        coding, found = _checked(cells, crosswalk, row.line)
        faults += found
        if coding is None:
            continue
        key = (coding.code, coding.mode)
        if key in seen:
            faults.append(Fault(row.line, "code", f"'{coding.code}' is already mapped in line {seen[key]}"))
        seen.setdefault(key, row.line)
        changed[key] = coding
    if not faults and not seen:
        faults.append(Fault(None, "", "no mapping: the file has a header and nothing below it"))
    if faults:
        raise EventError(faults_message(str(path), faults))
    return changed


def crosswalk_csv(crosswalk: Crosswalk) -> str:
    """Return a crosswalk as CSV; ``with_mapping`` reads it back to the same coding."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for coding in crosswalk.values():
        severity = "" if coding.severity is None else coding.severity
        writer.writerow(
            (
                coding.code,
                coding.mode,
                coding.label,
                coding.category or "",
                severity,
                coding.score,
                coding.score_of,
            )
        )
    return buffer.getvalue()


def _checked(cells: Mapping[str, str], old: Crosswalk, line: int) -> tuple[Coding | None, list[Fault]]:
    faults = []
    code, mode = cells["code"], cells.get("mode", "").lower()
    if not code:
        return None, [Fault(line, "code", "empty. Give the code of the feed, as text")]
    before = old.get((code, mode)) or old.get((code, ""))
    category: str | None = None
    severity: int | None = None
    try:
        category = parse_category(cells["category"]) if cells["category"] else None
    except CellFault as fault:
        faults.append(Fault(line, "category", str(fault)))
    try:
        severity = parse_severity(cells["severity"]) if category is not None else None
        if category is None and cells["severity"] and not cells["category"]:
            faults.append(Fault(line, "severity", "given without a category. Leave it empty, or name one"))
    except CellFault as fault:
        faults.append(Fault(line, "severity", str(fault)))
    score, score_of = (before.score, before.score_of) if before else (0.0, "none")
    if cells.get("score"):
        try:
            score, score_of = float(cells["score"]), cells.get("score_of") or "mapping"
        except ValueError:
            faults.append(Fault(line, "score", f"'{cells['score']}' is not a number"))
        if not LOWEST <= score <= HIGHEST:
            faults.append(
                Fault(line, "score", f"{score} is off the scale. Allowed: {LOWEST:g} to {HIGHEST:g}")
            )
    label = cells.get("label") or (before.label if before else code)
    if faults:
        return None, faults
    return Coding(code, mode, label, category, severity, score, score_of), []


def _coding(row: Mapping[str, str]) -> Coding:
    return Coding(
        row["code"],
        row["mode"],
        row["label"],
        row["category"] or None,
        int(row["severity"]) if row["severity"] else None,
        float(row["score"]),
        row["score_of"],
    )


def _data(name: str) -> Iterator[dict[str, str]]:
    text = (files("forecast.feeds") / "data" / name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
