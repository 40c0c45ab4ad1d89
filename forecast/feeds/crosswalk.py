"""Codes of the feeds → our category, severity and scale value; their actors → ISO 3166-1 codes and groups.

All of it is data: the CAMEO table is the codebook's (``forecast/events/data/cameo.csv``); the other schemes,
country names and groups of actors stand in ``data/``. A scale value is Goldstein-type; each names the code
whose published figure it is (see ``docs/import.md``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from forecast.errors import EventError, InputError, did_you_mean
from forecast.events.cells import CellFault, Fault, faults_message, parse_category, parse_severity
from forecast.events.codebook import cameo_codes
from forecast.events.countries import country_names
from forecast.events.rows import decode, read_bytes, split_rows
from forecast.feeds.layout import Layout, System

Key = tuple[str, str]
COLUMNS = ("code", "mode", "label", "category", "severity", "score", "score_of")
"""Columns of a mapping file, in the order of the fields of ``Coding``."""
LOWEST, HIGHEST = -10.0, 10.0


@dataclass(frozen=True)
class Coding:
    """What a code of a feed means here.

    Parameters
    ----------
    code, mode, label : str
        The code, its mode where the scheme has modes (empty: any), and its meaning in a few words.
    category, severity
        Our category and its default severity, 1 to 5; ``None`` for acts that the codebook does not count
        (statements, appeals, protest).
    scale_value, scale_of
        On a Goldstein-type scale, −10 (conflict) to 10 (cooperation); the code whose published value this
        is, or ``mapping`` where the user gave it.
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
            Coding(code, "", one.label, one.category, one.severity, one.goldstein, one.goldstein_of)
            for code, one in cameo_codes().items()
        ]
    else:
        every = []
        for row in _data(f"{system}.csv"):
            severity = int(row["severity"]) if row["severity"] else None
            meaning = (row["label"], row["category"] or None, severity, float(row["score"]), row["score_of"])
            every.append(Coding(row["code"], row["mode"], *meaning))
    return {(one.code, one.mode): one for one in every}


@cache
def mirrors(system: System) -> Mapping[Key, Mirror]:
    """Return the codes of a scheme that tell an act from its other side, or that have no direction."""
    return {
        (row["code"], row["mode"]): Mirror(row["counts_as"], row["mutual"] == "yes")
        for row in _data("mirrors.csv")
        if row["system"] == system
    }


def crosswalk_csv(crosswalk: Crosswalk) -> str:
    """Return a crosswalk as CSV; ``with_mapping`` reads it back to the same coding."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(coding.row() for coding in crosswalk.values())
    return buffer.getvalue()


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
    text = decode(raw) if isinstance(raw, bytes) else raw
    if isinstance(text, Fault):
        raise EventError(text.located(str(path)))
    rows, faults = split_rows(text)
    header = [cell.strip() for cell in rows[0].cells] if rows else []
    faults += [
        Fault(1, name, "the required column is missing. Required: code, category, severity")
        for name in ("code", "category", "severity")
        if name not in header
    ]
    unknown = (name for name in header if name not in COLUMNS)
    faults += [Fault(1, name, f"unknown column. Allowed: {', '.join(COLUMNS)}") for name in unknown]
    changed = dict(crosswalk)
    seen: dict[Key, int] = {}
    for row in rows[1:] if not faults else []:
        if len(row.cells) != len(header):
            widths = f"{len(row.cells)} cells, but the header has {len(header)} columns"
            faults.append(Fault(row.line, "", widths))
            continue
        cells = dict(zip(header, (cell.strip() for cell in row.cells), strict=True))
        found = _coding(cells, crosswalk, row.line)
        if isinstance(found, list):
            faults += found
            continue
        key = (found.code, found.mode)
        if key in seen:
            faults.append(Fault(row.line, "code", f"'{found.code}' is already mapped in line {seen[key]}"))
        seen.setdefault(key, row.line)
        changed[key] = found
    if not faults and not seen:
        faults.append(Fault(None, "", "no mapping: the file has a header and nothing below it"))
    if faults:
        raise EventError(faults_message(str(path), faults))
    return changed


def _coding(cells: Mapping[str, str], old: Crosswalk, line: int) -> Coding | list[Fault]:
    code, mode = cells["code"], cells.get("mode", "").lower()
    if not code:
        return [Fault(line, "code", "empty. Give the code of the feed, as text")]
    faults = []
    before = old.get((code, mode)) or old.get((code, ""))
    category: str | None = None
    severity: int | None = None
    try:
        category = parse_category(cells["category"]) if cells["category"] else None
    except CellFault as fault:
        faults.append(Fault(line, "category", str(fault)))
    try:
        severity = parse_severity(cells["severity"]) if category is not None else None
        if cells["severity"] and not cells["category"]:
            faults.append(Fault(line, "severity", "given without a category. Leave it empty, or name one"))
    except CellFault as fault:
        faults.append(Fault(line, "severity", str(fault)))
    value, value_of = (before.scale_value, before.scale_of) if before else (0.0, "none")
    if cells.get("score"):
        try:
            value, value_of = float(cells["score"]), cells.get("score_of") or "mapping"
        except ValueError:
            faults.append(Fault(line, "score", f"'{cells['score']}' is not a number"))
        if not LOWEST <= value <= HIGHEST:
            allowed = f"Allowed: {LOWEST:g} to {HIGHEST:g}"
            faults.append(Fault(line, "score", f"{value} is off the scale. {allowed}"))
    label = cells.get("label") or (before.label if before else code)
    return faults or Coding(code, mode, label, category, severity, value, value_of)


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
