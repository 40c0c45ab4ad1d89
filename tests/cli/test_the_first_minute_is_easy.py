"""What a newcomer tries: the bare command, the version, completion with the Tab key."""

import re

import pytest

from forecast.cli.terminal import WIDTH


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
