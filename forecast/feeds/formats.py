"""All formats by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from forecast.errors import InputError
from forecast.feeds.acled import ACLED
from forecast.feeds.gdelt import GDELT1, GDELT2
from forecast.feeds.icews import ICEWS
from forecast.feeds.keds import KEDS_CAMEO, KEDS_WEIS
from forecast.feeds.layout import Layout, System
from forecast.feeds.own_csv import own_layout
from forecast.feeds.plover import PLOVER, POLECAT

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {layout.name: layout for layout in (GDELT1, GDELT2, ICEWS, PLOVER, POLECAT, ACLED, KEDS_WEIS)}
)
"""Formats whose columns are published; ``csv`` is made from what the user says of it."""
NAMES: tuple[str, ...] = (*LAYOUTS, "csv")
SYSTEMS: tuple[System, ...] = ("cameo", "weis", "plover", "acled")


def layout_of(name: str, *, codes: str | None = None, columns: Mapping[str, str] | None = None) -> Layout:
    """Return the layout of a format.

    Parameters
    ----------
    name : str
        One of ``NAMES``.
    codes : str, optional
        Meaning of the codes in ``keds`` (weis, the default, or cameo) and ``csv`` files.
    columns : mapping of str to str, optional
        Columns of a ``csv`` file (see ``own_layout``).

    Raises
    ------
    InputError
        No such format, or an option that the format would ignore.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name.lower(), NAMES, n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise InputError(f"--format {name}: no such format.{hint} Allowed: {', '.join(NAMES)}")
    if codes is not None and codes not in SYSTEMS:
        raise InputError(f"--codes {codes}: no such coding scheme. Allowed: {', '.join(SYSTEMS)}")
    if columns and name != "csv":
        raise InputError(f"--column: the columns of {name} files are known. It is for --format csv")
    if name == "csv":
        return own_layout(columns or {}, _system(codes))
    if name == "keds":
        if codes not in (None, "weis", "cameo"):
            raise InputError(f"--codes {codes}: KEDS text holds weis or cameo codes")
        return KEDS_CAMEO if codes == "cameo" else KEDS_WEIS
    if codes is not None:
        raise InputError(f"--codes: {name} files hold {LAYOUTS[name].system} codes. It is for keds and csv")
    return LAYOUTS[name]


def _system(codes: str | None) -> System:
    return next((system for system in SYSTEMS if system == codes), "own")
