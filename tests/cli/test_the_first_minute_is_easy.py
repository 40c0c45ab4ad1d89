"""What a newcomer tries: the bare command, the version, colours switched off, completion with the Tab key."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.cli.terminal import WIDTH

ROOT = Path(__file__).resolve().parents[2]


def started(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment = {**kept, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "forecast", *arguments]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


def test_the_bare_command_shows_three_things_that_exist_and_where_to_go_on(command):
    ended = command()
    assert (ended.code, ended.err) == (0, "")
    heads = re.findall(r"^[A-Z][a-z ]+$", ended.out, re.M)
    assert heads == ["Run a forecast", "Make a report again", "Try a scenario"]
    assert "forecast --help" in ended.out
    assert max(map(len, ended.out.splitlines())) <= WIDTH
    shown = re.findall(r"^  forecast (\w+).*?(?= {2,}|$)", ended.out, re.M)
    assert len(shown) >= 7
    for name in sorted(set(shown)):
        ended = command(name, "--help")
        assert (ended.code, ended.err) == (0, "")
        assert max(map(len, ended.out.splitlines())) <= WIDTH
    assert re.fullmatch(r"forecast \d+\.\d+\.\d+\n", command("--version").out)


@pytest.mark.parametrize("arguments", [("run", "--help"), ("no-such",)], ids=" ".join)
def test_no_color_is_honoured_and_colours_are_there_without_it(arguments):
    forced = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    coloured, plain = started(*arguments, **forced), started(*arguments, **forced, NO_COLOR="1")
    assert "\x1b[" in coloured.stdout + coloured.stderr
    # Colours are codes 30 to 37, 90 to 97 and 38; bold and dim are none.
    colour = re.compile(r"\x1b\[[\d;]*\b(?:3[0-8]|9[0-7])\b[\d;]*m")
    assert colour.findall(plain.stdout + plain.stderr) == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("forecast sen", {"sensitivity"}),
        ("forecast ledger ver", {"verify"}),
        ("forecast run --allow", {"--allow-unconverged"}),
        ("forecast schema an", {"analysis"}),
    ],
)
def test_the_tab_key_completes_commands_options_and_values(command, monkeypatch, typed, offered):
    monkeypatch.setenv("_FORECAST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    ended = command()
    assert (ended.code, set(ended.out.split())) == (0, offered)
