"""Options that several commands share, and commands that take them as objects."""

from __future__ import annotations

import functools
import inspect
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_type_hints

import typer

from forecast.blocks import Block
from forecast.cli.terminal import show
from forecast.errors import InputError, did_you_mean, shown
from forecast.wording import days_meant

if TYPE_CHECKING:
    from forecast.baselines import Spacing
    from forecast.config import Config

_LEDGER_VARIABLE = "FORECAST_LEDGER"
_LEDGER_NAME = "ledger.sqlite"
RUNS = Path("reports")
DateOrder = Literal["iso", "dmy", "mdy"]
ScaleName = Literal["standard", "armed"]
"""As ``forecast.events.cells.DateOrder``, which costs imports."""
MODELS = "model,panel,combined"


def option(
    default: object,
    names: str,
    said: str,
    metavar: str | None = None,
    *,
    min: int | None = None,
    max: int | None = None,
) -> Any:  # noqa: ANN401 - as typer's own
    """Return an option, e.g. ``"--out -o"``; its default is ``...`` where it is required."""
    shown = " " if isinstance(default, bool) else metavar  # a flag takes no value
    return typer.Option(default, *names.split(), help=said, metavar=shown, min=min, max=max)


def argument(metavar: str, said: str, default: object = ...) -> Any:  # noqa: ANN401
    """Return an argument."""
    return typer.Argument(default, metavar=metavar, help=said, show_default=False)


def day_option(default: object, name: str, said: str) -> Any:  # noqa: ANN401
    """Return an option that takes a day."""
    return typer.Option(default, name, help=said, metavar="DATE", parser=_read_day)


def _read_day(text: str | date) -> date:
    """Read a day, or say what to type for one that is written otherwise."""
    if isinstance(text, date):
        return text
    with suppress(ValueError):
        return date.fromisoformat(text.strip())
    raise typer.BadParameter(
        f"got '{shown(text)}'; write {days_meant(text) or 'YYYY-MM-DD, e.g. 2023-07-10'}"
    )


RUN_DIR = argument("RUN_DIR", "Folder of a saved run.")
DATES = option("iso", "--dates", "How the file writes days: 2020-02-13, 13/02/2020 or 02/13/2020.")
_WHERE = f"The ledger; {_LEDGER_VARIABLE} or else {RUNS / _LEDGER_NAME} when absent."
LEDGER = option(None, "--ledger", _WHERE, "FILE")


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take dataclasses of options: on the command line each of their fields is an option."""
    groups: dict[str, tuple[Callable[..., object], list[str]]] = {}
    shown: list[inspect.Parameter] = []
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if not is_dataclass(kind):
            shown.append(parameter.replace(kind=parameter.KEYWORD_ONLY, annotation=kind))
            continue
        stated = get_type_hints(kind, include_extras=True)
        groups[name] = cast("Callable[..., object]", kind), [field.name for field in fields(kind)]
        for field in fields(kind):
            default = parameter.empty if field.default is MISSING else field.default
            annotation = stated[field.name]
            shown.append(
                inspect.Parameter(field.name, parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            )

    @functools.wraps(command)
    def called_with_fields(**values: object) -> None:
        made = {
            name: kind(**{own: values.pop(own) for own in names}) for name, (kind, names) in groups.items()
        }
        command(**values, **made)

    # As paragraphs, which the help breaks into lines by the width of the terminal.
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    called_with_fields.__doc__ = "\n\n".join(" ".join(text.split()) for text in paragraphs)
    called_with_fields.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    called_with_fields.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return called_with_fields


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Who reads what a command prints: a person, or a program."""

    json: bool = option(False, "--json", "Print one JSON object on standard output, nothing else.")

    @property
    def for_people(self) -> bool:
        """Whether texts, tables and progress are shown."""
        return not self.json

    def print(self, facts: Mapping[str, object] | str, parts: Iterable[Block]) -> None:
        """Print facts (or their JSON) for a program, or blocks for a person."""
        if self.json:
            # Anew, since what an encoding lacks has to be written as JSON writes it.
            typer.echo(json.dumps(json.loads(facts) if isinstance(facts, str) else facts))
        elif self.for_people:
            show(parts)


@dataclass(frozen=True, kw_only=True)
class ConfigOptions:
    """A config and the settings that are changed for this time."""

    config: Path = argument("CONFIG", "Config file (YAML).")
    overrides: list[str] | None = option(
        None, "--set", "Change a setting for this run, e.g. sampler.draws=2000. Repeatable.", "KEY=VALUE"
    )

    def load(self, as_of: date | None = None) -> Config:
        """Read the config."""
        from forecast.config import load_config

        return load_config(self.config, tuple(self.overrides or ()), as_of=as_of)


@dataclass(frozen=True, kw_only=True)
class DatedOptions(ConfigOptions):
    """The same with an as-of date of its own."""

    as_of: date | None = day_option(None, "--as-of", "Day of the forecast, in place of as_of.")

    def load(self, as_of: date | None = None) -> Config:
        """Read the config."""
        return super().load(as_of or self.as_of)


def read_actors(text: str, option: str) -> tuple[str, ...]:
    """Return the actors that an option names, with commas between (``InputError``: one is none)."""
    from forecast.events.cells import CellFault, clean_text, parse_actor

    try:
        return tuple(parse_actor(clean_text(part)) for part in parts_of(text))
    except CellFault as fault:
        raise InputError(f"{option}: {fault}") from fault


def read_pair(text: str) -> tuple[str, str]:
    """Return the two actors of an option ``--pair`` (``InputError``: they are no two)."""
    sides = read_actors(text, "--pair")
    if len(sides) != 2 or sides[0] == sides[1]:
        raise InputError(f"--pair: got '{text}'; expected two actors with a comma between, e.g. USA,CHN")
    return sides[0], sides[1]


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
