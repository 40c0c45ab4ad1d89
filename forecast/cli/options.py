"""Options that several commands share, how the texts in them are read, and what every command prints."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from forecast.blocks import Block
from forecast.cli.terminal import show
from forecast.errors import InputError, did_you_mean, shown
from forecast.wording import days_meant

if TYPE_CHECKING:
    from forecast.baselines import Spacing

_LEDGER_VARIABLE = "FORECAST_LEDGER"
_LEDGER_NAME = "ledger.sqlite"
RUNS = Path("reports")
DateOrder = Literal["iso", "dmy", "mdy"]
ScaleName = Literal["standard", "armed"]
"""As ``forecast.events.cells.DateOrder``, which costs imports."""


def option(
    default: object,
    names: str,
    help: str,
    metavar: str | None = None,
    *,
    min: int | None = None,
    max: int | None = None,
) -> Any:  # noqa: ANN401 - as typer's own
    """Return an option, e.g. ``"--out -o"``; its default is ``...`` where it is required."""
    value = " " if isinstance(default, bool) else metavar  # a flag takes no value
    return typer.Option(default, *names.split(), help=help, metavar=value, min=min, max=max)


def argument(metavar: str, help: str, default: object = ...) -> Any:  # noqa: ANN401
    """Return an argument."""
    return typer.Argument(default, metavar=metavar, help=help, show_default=False)


def day_option(default: object, name: str, help: str) -> Any:  # noqa: ANN401
    """Return an option that takes a day."""
    return typer.Option(default, name, help=help, metavar="DATE", parser=_read_day)


def _read_day(text: str | date) -> date:
    """Read a day, or say what to type for one that is written otherwise."""
    if isinstance(text, date):
        return text
    with suppress(ValueError):
        return date.fromisoformat(text.strip())
    raise typer.BadParameter(
        f"got '{shown(text)}'; write {days_meant(text) or 'YYYY-MM-DD, e.g. 2023-07-10'}"
    )


JSON = option(False, "--json", "Print one JSON object on standard output, nothing else.")
QUIET = option(False, "--quiet -q", "Draw no progress.")
CONFIG = argument("CONFIG", "Config file (YAML).")
SETTINGS = option(
    None, "--set", "Change a setting for this run, e.g. sampler.draws=2000. Repeatable.", "KEY=VALUE"
)
AS_OF = day_option(None, "--as-of", "Day of the forecast, in place of as_of.")
RUN_DIR = argument("RUN_DIR", "Folder of a saved run.")
DATES = option("iso", "--dates", "How the file writes days: 2020-02-13, 13/02/2020 or 02/13/2020.")
NEW_SUBCATEGORY = option(
    None, "--new-subcategory", "A subcategory of an act that the record does not have. Repeatable.", "NAME"
)
JOBS = option(1, "--jobs", "Processes to use.", "N", min=1, max=256)
CLUSTER = option(None, "--cluster", "Run on Dask: local, or a scheduler as tcp://host:port.", "WHERE")
LEDGER = option(
    None, "--ledger", f"The ledger; {_LEDGER_VARIABLE} or else {RUNS / _LEDGER_NAME} when absent.", "FILE"
)


def print_answer(as_json: bool, facts: Mapping[str, object] | str, parts: Iterable[Block]) -> None:
    """Print facts (or their JSON) for a program, or blocks for a person."""
    if as_json:
        # Anew: an encoding may lack signs that JSON can write, and lacks infinity.
        text = facts if isinstance(facts, str) else json.dumps(facts)
        typer.echo(json.dumps(json.loads(text, parse_constant=str), allow_nan=False))
    else:
        show(parts)


def print_notes(texts: Iterable[str]) -> None:
    """Print notes beside an answer, on standard error."""
    for text in texts:
        typer.echo(f"Note: {text}", err=True)


def read_actors(text: str, option: str) -> tuple[str, ...]:
    """Return the actors that an option names, with commas between (``InputError``: one is none)."""
    from forecast.errors import clean_text
    from forecast.events.cells import CellFault, parse_actor

    try:
        return tuple(parse_actor(clean_text(part)) for part in parts_of(text))
    except CellFault as fault:
        raise InputError(f"{option}: {fault}") from fault


def parts_of(text: str) -> tuple[str, ...]:
    """Cut at commas; spaces around a part do not count, and empty parts are left out."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def days_ahead(text: str, option: str) -> tuple[int, ...]:
    """Read whole numbers of days, up to ten years; raises ``InputError`` for anything else."""
    from forecast.config.schema import LONGEST_HORIZON

    for part in parts_of(text):
        if not (part.isascii() and part.isdigit()):
            raise InputError(f"{option}: '{part}' is not a whole number of days. Expected e.g. 30,90,180")
        if len(part) > len(str(LONGEST_HORIZON.days)) or int(part) > LONGEST_HORIZON.days:
            raise InputError(
                f"{option}: got {shown(part)} days; allowed: up to {LONGEST_HORIZON.days}, ten years"
            )
    return tuple(map(int, parts_of(text)))


def read_origins(text: str) -> Spacing | tuple[date, ...]:
    """Read how origins are spaced, or the days of them (``InputError``: neither)."""
    from forecast.baselines import SPACINGS

    asked = text.strip()
    for spacing in SPACINGS:
        if asked == spacing:
            return spacing
    found = []
    for part in parts_of(asked) or (asked,):
        try:
            found.append(date.fromisoformat(part))
        except ValueError:
            hint = did_you_mean(part, SPACINGS)
            allowed = f"{', '.join(SPACINGS)}, or days such as 2021-01-01"
            raise InputError(
                f"--origins: got '{shown(part)}'; expected {allowed}{hint and f'.{hint}'}"
            ) from None
    return tuple(found)


def ledger_place(option: Path | None, out: Path = RUNS) -> Path:
    """Return the file of the ledger: the option, else that of the environment, else beside the runs."""
    stated = os.environ.get(_LEDGER_VARIABLE)
    return option or (Path(stated) if stated else out / _LEDGER_NAME)


def ledger_unless(no_ledger: bool, ledger: Path | None, out: Path) -> Path | None:
    """Return the file of the ledger, ``None`` where a run stays off the record."""
    if ledger and no_ledger:
        raise InputError("--ledger names a ledger and --no-ledger uses none: give one of them")
    return None if no_ledger else ledger_place(ledger, out)
