"""Fields of an options object are options of the command, in its order."""

import json
from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from forecast.cli.options import Answer, takes_options


@dataclass(frozen=True, kw_only=True)
class Tea:
    leaves: Annotated[str, typer.Argument(help="Which leaves.")]
    cups: Annotated[int, typer.Option("--cups", min=1, help="How many cups.")] = 2


def test_fields_of_an_options_object_are_options_of_the_command():
    small = typer.Typer()

    @small.command()
    @takes_options
    def brew(tea: Tea, output: Answer, hot: Annotated[bool, typer.Option("--hot")] = False) -> None:
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
