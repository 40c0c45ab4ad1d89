"""What a newcomer tries: the bare command, the version, colours switched off, completion with the Tab key."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.cli.terminal import WIDTH

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.argv = ['forecast', {arguments}]; from forecast.cli import main; main()"


def started(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as an installed ``forecast`` would."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    code = START.format(arguments=", ".join(map(repr, arguments)))
    environment = {**kept, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True
    )


def test_the_bare_command_shows_three_things_and_where_to_go_on(command):
    ended = command()
    assert (ended.code, ended.err) == (0, "")
    heads = re.findall(r"^[A-Z][a-z ]+$", ended.out, re.M)
    assert heads == ["Run a forecast", "Make a report again", "Try a scenario"]
    assert "forecast --help" in ended.out
    assert max(map(len, ended.out.splitlines())) <= WIDTH


def test_every_command_that_the_bare_command_shows_exists(command):
    shown = re.findall(r"^  forecast (\w+).*?(?= {2,}|$)", command().out, re.M)
    assert len(shown) >= 7
    for name in sorted(set(shown)):
        assert command(name, "--help").code == 0


def test_an_unknown_command_is_bad_usage(command):
    ended = command("forcast")
    assert (ended.code, ended.out) == (2, "")


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


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_script_of_each_shell_calls_the_command(command, monkeypatch, shell):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    ended = command("--show-completion", shell)
    assert ended.code == 0
    assert "_FORECAST_COMPLETE" in ended.out


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_completion_is_installed_for_the_shell_that_asks_and_nowhere_else(tmp_path):
    ended = started(
        "--install-completion",
        "bash",
        _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1",
        HOME=str(tmp_path),
    )
    assert ended.returncode == 0
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert written == [".bash_completions/forecast.sh", ".bashrc"]
    checked = subprocess.run(
        ["bash", "-n", str(tmp_path / ".bash_completions/forecast.sh")], check=False, capture_output=True
    )
    assert checked.returncode == 0
