"""What a user says of an import → checked options; the command and a notebook both come through here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from forecast.errors import InputError
from forecast.feeds.actors import parse_dyads
from forecast.feeds.crosswalk import shipped_crosswalk, with_mapping
from forecast.feeds.formats import layout_of
from forecast.feeds.switches import ImportOptions, Switches, check_switches

LEAST_MEMORY = 200
"""Megabytes below which the engine cannot work."""


def feed_options(
    source_format: str,
    dyads: Sequence[str],
    switches: Switches | None = None,
    *,
    mapping: Path | None = None,
    codes: str | None = None,
    columns: Mapping[str, str] | None = None,
    memory_mb: int = 600,
    threads: int = 2,
) -> ImportOptions:
    """Return the options of an import, checked.

    Parameters
    ----------
    source_format : str
        ``gdelt1``, ``gdelt2``, ``icews``, ``plover``, ``polecat``, ``acled``, ``keds`` or ``csv``.
    dyads : sequence of str
        Pairs of actors such as ``"USA,CHN"``.
    switches : Switches, optional
        How noise is handled; the defaults take out repeats alone.
    mapping : Path, optional
        CSV of codes whose category or severity differs from ours.
    codes : str, optional
        Codes of a ``keds`` or ``csv`` file.
    columns : mapping of str to str, optional
        Columns of a ``csv`` file: our name → header.
    memory_mb, threads : int
        Bounds of the engine.

    Raises
    ------
    InputError
        An option that is wrong, or that would have no effect.
    EventError
        The mapping cannot be read.
    """
    layout = layout_of(source_format, codes=codes, columns=columns)
    chosen = switches or Switches()
    check_switches(chosen, layout)
    if mapping is not None and layout.system == "own":
        raise InputError("--mapping: the table names categories itself. Say which codes it has with --codes")
    if memory_mb < LEAST_MEMORY:
        raise InputError(f"--memory {memory_mb}: expected {LEAST_MEMORY} or more (megabytes)")
    if threads < 1:
        raise InputError(f"--threads {threads}: expected 1 or more")
    crosswalk = shipped_crosswalk(layout.system)
    return ImportOptions(
        layout=layout,
        crosswalk=with_mapping(crosswalk, mapping) if mapping else crosswalk,
        dyads=parse_dyads(dyads),
        switches=chosen,
        memory_mb=memory_mb,
        threads=threads,
    )
