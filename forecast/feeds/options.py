"""What a user says of an import → checked options; the command and a notebook both come through here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from forecast.errors import InputError, did_you_mean
from forecast.events.cells import CellFault, parse_actor
from forecast.feeds.formats import (
    LAYOUTS,
    OWN,
    SYSTEMS,
    Crosswalk,
    Layout,
    System,
    shipped_crosswalk,
    with_mapping,
)

NAMES: tuple[str, ...] = (*LAYOUTS, "csv")
LEAST_MEMORY = 200
"""Megabytes below which the engine cannot work."""


@dataclass(frozen=True, kw_only=True)
class Switches:
    """How noise is handled.

    ``root_only`` keeps root events alone (GDELT: those of the lead of a text). ``exclude`` are groups of
    actors left out on either side. ``max_delay_days`` is the longest time from act to publication, ``None``
    for any. An act (actors, code, place) reported again within ``repeat_days`` counts once, each counts with
    ``None``; with ``ignore_place`` re-reports may name another place. ``merge_mirrored``: both sides of one
    act (visit and hosting; consultation either way) count once. ``cap_per_day`` is the most acts of one
    direction and category on one day. ``normalise`` takes the growth of the archive's volume out by thinning,
    by ``seed``. ``known_date``: an act is known from the day the file gives (``published``), or from its own
    day (``act``), for back-files. ``vintage`` leaves out what became known later.
    """

    root_only: bool = False
    min_mentions: int = 0
    min_sources: int = 0
    exclude: tuple[str, ...] = ()
    max_delay_days: int | None = None
    repeat_days: int | None = 1
    ignore_place: bool = False
    merge_mirrored: bool = True
    cap_per_day: int | None = None
    normalise: bool = False
    known_date: Literal["published", "act"] = "published"
    vintage: date | None = None
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the switches as JSON-ready values."""
        vintage = self.vintage.isoformat() if self.vintage else None
        return asdict(self) | {"exclude": list(self.exclude), "vintage": vintage}


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What to import, and how."""

    layout: Layout
    crosswalk: Crosswalk
    dyads: tuple[tuple[str, str], ...]
    switches: Switches
    memory_mb: int = 600


def feed_options(
    source_format: str,
    dyads: Sequence[str],
    switches: Switches | None = None,
    *,
    mapping: Path | None = None,
    codes: str | None = None,
    columns: Mapping[str, str] | None = None,
    memory_mb: int = 600,
) -> ImportOptions:
    """Return the options of an import, checked.

    Parameters
    ----------
    source_format : str
        A name of ``LAYOUTS``, or ``csv``.
    dyads : sequence of str
        Pairs of actors such as ``"USA,CHN"``.
    switches : Switches, optional
        How noise is handled; the defaults take out repeats alone.
    mapping, codes, columns : optional
        CSV of codes whose category or severity differs from ours; which codes a ``keds`` or ``csv`` file has;
        our name → header, for the columns of a ``csv`` file.

    Raises
    ------
    InputError
        An option that is wrong, or that would have no effect; the mapping cannot be read.
    """
    layout = layout_of(source_format, codes=codes, columns=columns)
    chosen = switches or Switches()
    check_switches(chosen, layout)
    if mapping is not None and layout.system == "own":
        raise InputError("--mapping: the table names categories itself. Say which codes it has with --codes")
    if memory_mb < LEAST_MEMORY:
        raise InputError(f"--memory {memory_mb}: expected {LEAST_MEMORY} or more (megabytes)")
    crosswalk = shipped_crosswalk(layout.system)
    return ImportOptions(
        layout=layout,
        crosswalk=with_mapping(crosswalk, mapping) if mapping else crosswalk,
        dyads=_dyads(dyads),
        switches=chosen,
        memory_mb=memory_mb,
    )


def layout_of(name: str, *, codes: str | None = None, columns: Mapping[str, str] | None = None) -> Layout:
    """Return the layout of a format; arguments and errors as in ``feed_options``."""
    if name not in NAMES:
        hint = did_you_mean(name, NAMES, cutoff=0.5)
        raise InputError(f"--format {name}: no such format.{hint} Allowed: {', '.join(NAMES)}")
    system = next((system for system in SYSTEMS if system == codes), None)
    if codes is not None and system is None:
        raise InputError(f"--codes {codes}: no such coding scheme. Allowed: {', '.join(SYSTEMS)}")
    if columns and name != "csv":
        raise InputError(f"--column: the columns of {name} files are known. It is for --format csv")
    if name == "csv":
        return _own_layout(columns or {}, system or "own")
    layout = LAYOUTS[name]
    if system is None:
        return layout
    if name != "keds":
        raise InputError(f"--codes: {name} files hold {layout.system} codes. It is for keds and csv")
    if system not in ("weis", "cameo"):
        raise InputError(f"--codes {codes}: KEDS text holds weis or cameo codes")
    return replace(layout, system=system)


def _own_layout(columns: Mapping[str, str], system: System) -> Layout:
    """Return the layout of a table with a header; a column not named is looked for under its own name."""
    for name in columns:
        if name not in OWN.columns:
            hint = did_you_mean(name, OWN.columns)
            raise InputError(f"--column {name}: no such column.{hint} Allowed: {', '.join(OWN.columns)}")
    headers = {name: columns.get(name, name) for name in OWN.columns}
    cells = {name: '"' + header.replace('"', '""') + '"' for name, header in headers.items()}
    coding = ("category", "severity") if system == "own" else ("code",)
    return replace(
        OWN,
        system=system,
        columns=tuple(headers.values()),
        required=tuple(headers[name] for name in (*OWN.required, *coding)),
        known_date=headers["known_date"],
        fields={field: expression.format(**cells) for field, expression in OWN.fields.items()},
    )


def check_switches(switches: Switches, layout: Layout) -> None:
    """Refuse a switch that the format would ignore, or a number that makes no sense (``InputError``)."""
    needs = (
        ("--root-only", switches.root_only, "root", "which events are root events"),
        ("--min-mentions", switches.min_mentions > 0, "mentions", "how often an event was mentioned"),
        ("--min-sources", switches.min_sources > 0, "sources", "how many sources report an event"),
        ("--max-delay", switches.max_delay_days is not None, "added", "when an event was published"),
        ("--known-date act", switches.known_date == "act", "added", "when an event was published"),
    )
    for option, used, name, what in needs:
        if used and not layout.has(name):
            raise InputError(f"{option}: {layout.name} files do not say {what}. Leave the option out")
    if switches.known_date == "act" and switches.max_delay_days is not None:
        raise InputError("--max-delay needs the day of publication, which --known-date act sets aside")
    for option, number, least in (
        ("--min-mentions", switches.min_mentions, 0),
        ("--min-sources", switches.min_sources, 0),
        ("--max-delay", switches.max_delay_days, 0),
        ("--repeat-days", switches.repeat_days, 0),
        ("--cap-per-day", switches.cap_per_day, 1),
    ):
        if number is not None and number < least:
            raise InputError(f"{option} {number}: expected {least} or more")
    if switches.ignore_place and switches.repeat_days is None:
        raise InputError("--ignore-place has no effect with --keep-repeats. Leave one of them out")


def _dyads(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    dyads: list[tuple[str, str]] = []
    for text in texts:
        parts = text.split(",")
        if len(parts) != 2:
            raise InputError(f"--dyad {text}: expected two actors with a comma between, such as USA,CHN")
        try:
            one, other = (parse_actor(part.strip()) for part in parts)
        except CellFault as fault:
            raise InputError(f"--dyad {text}: {fault}") from fault
        if one == other:
            raise InputError(f"--dyad {text}: a dyad is between two different actors")
        if (one, other) in dyads or (other, one) in dyads:
            raise InputError(f"--dyad {text}: given twice (either way round is the same dyad)")
        dyads.append((one, other))
    if not dyads:
        raise InputError("--dyad is missing: name the two actors, such as --dyad USA,CHN (repeatable)")
    return tuple(dyads)
