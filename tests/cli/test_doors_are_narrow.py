"""Commands and public functions take few parameters; what is long on the terminal is an options object."""

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer
from typer.main import get_command
from typer.testing import CliRunner

import forecast
from forecast.cli.app import app
from forecast.cli.options import Output, takes_options

MOST = 12


def commands(group=None, path="forecast") -> Iterator[tuple[str, object]]:
    """Every command by its whole name, with its function as it was written."""
    for name, command in (group or get_command(app)).commands.items():
        if command.callback:
            yield f"{path} {name}", inspect.unwrap(command.callback)
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")


def too_many(functions) -> list[str]:
    # The code itself is asked: a signature may be what the command line shows.
    codes = ((name, function.__code__) for name, function in functions)
    return [name for name, code in codes if code.co_argcount + code.co_kwonlyargcount > MOST]


def test_no_command_and_no_public_function_has_more_than_twelve_parameters():
    public = ((name, getattr(forecast, name)) for name in forecast.__all__)
    written = {name: inspect.unwrap(thing) for name, thing in public if inspect.isroutine(thing)}
    every = dict(commands())
    assert len(every) > 25
    assert len(written) > 10
    assert too_many([*every.items(), *written.items()]) == []


@dataclass(frozen=True, kw_only=True)
class Tea:
    leaves: Annotated[str, typer.Argument(help="Which leaves.")]
    cups: Annotated[int, typer.Option("--cups", min=1, help="How many cups.")] = 2


def test_fields_of_an_options_object_are_options_of_the_command():
    small = typer.Typer()

    @small.command()
    @takes_options
    def brew(tea: Tea, output: Output, hot: Annotated[bool, typer.Option("--hot")] = False) -> None:
        """Make tea."""
        typer.echo(json.dumps([tea.leaves, tea.cups, output.json, output.for_people, hot]))

    def run(*arguments: str):
        return CliRunner().invoke(small, arguments)

    assert json.loads(run("assam").output) == ["assam", 2, False, True, False]
    loud = run("assam", "--json", "--cups", "5", "--hot")
    assert json.loads(loud.output) == ["assam", 5, True, False, True]
    assert run().exit_code == run("assam", "--cups", "0").exit_code == 2
    words = ("Make tea.", "Which leaves.", "How many cups.", "--json", "--hot")
    places = [run("--help").output.index(word) for word in words]
    assert places == sorted(places)
