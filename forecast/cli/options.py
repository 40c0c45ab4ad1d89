"""Options that several commands share, under one name and with one help text."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Config file (YAML).", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting for this run, e.g. sampler.draws=500. Repeatable.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print no progress and no tables.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed, in place of sampler.seed.")]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", formats=["%Y-%m-%d"], metavar="DATE", help="Day of the forecast, in place of as_of."
    ),
]


def day(value: datetime | None) -> date | None:
    """Return the day of an option, if given."""
    return value.date() if value else None
