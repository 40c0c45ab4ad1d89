"""Where the ledger lies: an option, else the environment, else the folder of the runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from forecast.errors import InputError

VARIABLE = "FORECAST_LEDGER"
FILE = "ledger.sqlite"

LedgerFile = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="FILE",
        help=f"The ledger; {VARIABLE} or else reports/{FILE} when absent.",
        show_default=False,
    ),
]


Id = Annotated[
    str, typer.Argument(metavar="ID", help="An id, or the first digits of it.", show_default=False)
]


def ledger_place(option: Path | None, out: Path = Path("reports")) -> Path:
    """Return the file of the ledger."""
    stated = os.environ.get(VARIABLE)
    return option or (Path(stated) if stated else out / FILE)


def ledger_of_run(option: Path | None, out: Path, *, without: bool) -> Path | None:
    """Return the ledger that a run goes into, or ``None`` when it is not to be put on record.

    Raises
    ------
    InputError
        A ledger is named and refused at once.
    """
    if option and without:
        raise InputError("--ledger names a ledger and --no-ledger uses none: give one of them")
    return None if without else ledger_place(option, out)
