"""Codes of the feeds → our category, severity and scale value; their actors → ISO 3166-1 codes and groups.

All of it is data: the CAMEO table is the codebook's (``forecast/events/data/cameo.csv``); the other schemes,
country names and groups of actors stand in ``data/``. A scale value is Goldstein-type; each names the code
whose published figure it is (see ``docs/import.md``).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from forecast.errors import EventError, InputError, did_you_mean
from forecast.events.cells import CellFault, Fault, faults_message, parse_category, parse_severity
from forecast.events.codebook import cameo_codes
from forecast.events.countries import country_names
from forecast.events.rows import Sheet, read_bytes, read_text
from forecast.events.table import csv_text
from forecast.feeds.formats import Layout, System, pairs

T = TypeVar("T")
Key = tuple[str, str]
COLUMNS = ("code", "mode", "label", "category", "severity", "score", "score_of")
"""Columns of a mapping file, in the order of the fields of ``Coding``."""
LOWEST, HIGHEST = -10.0, 10.0


@dataclass(frozen=True)
class Coding:
    """What a code of a feed means here.

    ``mode`` is that of the code, where the scheme has modes (empty: any). ``category`` and ``severity`` are
    ours by default; ``None`` for acts that the codebook does not count (statements, appeals, protest).
    ``scale_value`` is Goldstein-type, −10 (conflict) to 10 (cooperation), ``scale_of`` the code whose
    published value this is, or ``mapping`` where the user gave it.
    """

    code: str
    mode: str
    label: str
    category: str | None
    severity: int | None
    scale_value: float
    scale_of: str

    def row(self) -> dict[str, object]:
        """Return the cells of a mapping file."""
        return dict(zip(COLUMNS, vars(self).values(), strict=True))


Crosswalk = Mapping[Key, Coding]


@dataclass(frozen=True)
class Mirror:
    """What a code counts as that tells an act from its other side, or (``mutual``) without direction."""

    counts_as: str
    mutual: bool


@cache
def shipped_crosswalk(system: System) -> Crosswalk:
    """Return the coding of every code of a scheme; of ``own`` none, whose rows say it themselves."""
    if system == "own":
        return {}
    if system == "cameo":
        every = [
            Coding(code, "", cameo.label, cameo.category, cameo.severity, cameo.goldstein, cameo.goldstein_of)
            for code, cameo in cameo_codes().items()
        ]
    else:
        every = []
        for row in _data(f"{system}.csv"):
            severity = int(row["severity"]) if row["severity"] else None
            meaning = (row["label"], row["category"] or None, severity, float(row["score"]), row["score_of"])
            every.append(Coding(row["code"], row["mode"], *meaning))
    return {(coding.code, coding.mode): coding for coding in every}


@cache
def mirrors(system: System) -> Mapping[Key, Mirror]:
    """Return the codes of a scheme that tell an act from its other side, or that have no direction."""
    return {
        (row["code"], row["mode"]): Mirror(row["counts_as"], row["mutual"] == "yes")
        for row in _data("mirrors.csv")
        if row["system"] == system
    }


JOINED = pairs(
    "given: VARCHAR, mode: VARCHAR, code: VARCHAR, label: VARCHAR, category: VARCHAR, severity: INTEGER, "
    "scale: DOUBLE, counts_as: VARCHAR, mutual: BOOLEAN, swapped: BOOLEAN, restored: BOOLEAN"
)
"""Columns of the engine's table of codes: the code as the file gives it, then as it is, and its meaning."""


def joined_rows(crosswalk: Crosswalk, layout: Layout, *, mirrored: bool) -> list[list[object]]:
    """Return a crosswalk as rows of ``JOINED``; with ``mirrored`` both sides of one act are one code."""
    sides = mirrors(layout.system) if mirrored else {}
    rows: list[list[object]] = []
    for (code, mode), coding in crosswalk.items():
        mirror = sides.get((code, mode))
        counts_as = mirror.counts_as if mirror else code
        # A row that tells an act from its other side is written as the act itself.
        swapped = bool(mirror and not mirror.mutual)
        told = crosswalk.get((counts_as, mode), coding) if swapped else coding
        row = [told.code, told.label, told.category, told.severity, told.scale_value]
        row += [f"{counts_as} {mode}".strip(), bool(mirror and mirror.mutual), swapped]
        rows.append([code, mode, *row, False])
        short = code[1:]
        if layout.system == "cameo" and code.startswith("0") and (short, "") not in crosswalk:
            rows.append([short, mode, *row, True])
    return rows


def crosswalk_csv(crosswalk: Crosswalk) -> str:
    """Return a crosswalk as CSV; ``with_mapping`` reads it back to the same coding."""
    rows = (
        [str("" if cell is None else cell) for cell in coding.row().values()] for coding in crosswalk.values()
    )
    return csv_text([COLUMNS, *rows])


def with_mapping(crosswalk: Crosswalk, path: Path) -> Crosswalk:
    """Return the crosswalk with a user's rows in place of, or added to, the shipped ones.

    The file is CSV with the columns code, category, severity and, if wished, mode, label and score. An empty
    category means that acts of this code are not counted.

    Raises
    ------
    EventError
        The file cannot be read, or has faults; every one is listed with its line.
    """
    raw = read_bytes(path)
    sheet = Sheet(faults=[raw]) if isinstance(raw, Fault) else read_text(raw)
    if not sheet.rows:
        raise EventError(faults_message(str(path), sheet.faults))
    header, *rows = sheet.rows
    names = [cell.strip() for cell in header.cells]
    faults = sheet.faults + [
        Fault(1, name, "the required column is missing. Required: code, category, severity")
        for name in ("code", "category", "severity")
        if name not in names
    ]
    unknown = (name for name in names if name not in COLUMNS)
    faults += [Fault(1, name, f"unknown column. Allowed: {', '.join(COLUMNS)}") for name in unknown]
    changed = dict(crosswalk)
    seen: dict[Key, int] = {}
    for row in rows if not faults else []:
        if fault := row.width_fault(len(names)):
            faults.append(fault)
            continue
        cells = dict(zip(names, (cell.strip() for cell in row.cells), strict=True))
        coding = _coding(cells, crosswalk, row.line, faults)
        key = (coding.code, coding.mode)
        if coding.code and seen.setdefault(key, row.line) != row.line:
            faults.append(Fault(row.line, "code", f"'{coding.code}' is already mapped in line {seen[key]}"))
        changed[key] = coding
    if not faults and not seen:
        faults.append(Fault(None, "", "no mapping: the file has a header and nothing below it"))
    if faults:
        raise EventError(faults_message(str(path), faults))
    return changed


def _coding(cells: Mapping[str, str], old: Crosswalk, line: int, faults: list[Fault]) -> Coding:
    """Return the coding of a row; what is wrong with it goes to the faults."""

    def value(column: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(cells[column])
        except ValueError as wrong:  # of ours, with the message
            faults.append(Fault(line, column, str(wrong)))
            return None

    code, mode = cells["code"], cells.get("mode", "").lower()
    if not code:
        faults.append(Fault(line, "code", "empty. Give the code of the feed, as text"))
    category = value("category", parse_category) if cells["category"] else None
    severity = value("severity", parse_severity) if category else None
    if cells["severity"] and not cells["category"]:
        faults.append(Fault(line, "severity", "given without a category. Leave it empty, or name one"))
    before = old.get((code, mode)) or old.get((code, ""))
    label = cells.get("label") or (before.label if before else code)
    score, score_of = (before.scale_value, before.scale_of) if before else (0.0, "none")
    if cells.get("score"):
        score, score_of = value("score", _parse_score) or 0.0, cells.get("score_of") or "mapping"
    return Coding(code, mode, label, category, severity, score, score_of)


def _parse_score(text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        raise CellFault(f"'{text}' is not a number") from None
    if not LOWEST <= score <= HIGHEST:
        raise CellFault(f"{score} is off the scale. Allowed: {LOWEST:g} to {HIGHEST:g}")
    return score


# Actors


@cache
def cameo_countries() -> Mapping[str, str]:
    """Return the country codes of CAMEO actor lists that differ from ISO 3166-1 → the ISO code."""
    return {row["code"]: row["alpha3"] for row in _data("cameo_countries.csv")}


def renamed_actors(layout: Layout) -> Mapping[str, str]:
    """Return how a format writes countries → our code. Codes that are not listed stay as they are."""
    if layout.name == "csv":
        return {**country_names(), **cameo_countries()}
    return country_names() if layout.named_countries else cameo_countries()


def actor_groups() -> tuple[str, ...]:
    """Return the names of the groups that can be excluded."""
    return tuple(dict.fromkeys(row["group"] for row in _data("actor_groups.csv")))


def excluded_actors(groups: Sequence[str], layout: Layout) -> tuple[list[str], list[str]]:
    """Return what marks the actors of some groups: sectors as the format writes them, beginnings of names.

    Sector codes differ: ``MED`` is the media in CAMEO and the health sector in PLOVER.

    Raises
    ------
    InputError
        No such group, or the format does not tell it.
    """
    known = actor_groups()
    sectors: list[str] = []
    names: list[str] = []
    scheme = "icews" if layout.name == "icews" else layout.system
    for group in groups:
        if group not in known:
            hint = did_you_mean(group, known)
            raise InputError(f"--exclude {group}: no such group.{hint} Allowed: {', '.join(known)}")
        rows = [row for row in _data("actor_groups.csv") if row["group"] == group]
        of_sector = [row["pattern"] for row in rows if row["system"] == scheme and row["field"] == "sector"]
        of_name = [row["pattern"] for row in rows if row["field"] == "name"]
        if not ((of_sector and layout.has("sectors_a")) or (of_name and layout.has("name_a"))):
            raise InputError(f"--exclude {group}: {layout.name} files do not say which actors are {group}")
        sectors += of_sector
        names += of_name
    return sectors, names


def _data(name: str) -> Iterator[dict[str, str]]:
    text = (files("forecast.feeds") / "data" / name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
