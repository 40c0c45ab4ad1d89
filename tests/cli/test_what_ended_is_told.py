"""Whoever names what ended with 0.4 gets one line that says what to use."""

import pytest
from typer.main import get_command

from forecast import ended
from forecast.cli.app import app
from forecast.config import load_config, load_scenario
from forecast.config.writing import schema_of
from forecast.errors import ConfigError

SCENARIO = """\
name: colder
rationale: Asked.
priors: {tension.scale: low}
calendar:
  extend:
    - {date: 2024-01-01, category: visit, severity: 4, gone: 1}
"""


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["bench", "speed", "--json"], "bench speed"),
        (["stress", "RUN"], "stress"),
        (["report", "RUN", "--docx"], "report --docx"),
        (["app", "--static=page.html", "RUN"], "app --static"),
        (["events", "update", "--source", "ucdp"], "events update --source ucdp"),
        (["ledger", "export", "--format=hubverse"], "ledger export --format hubverse"),
    ],
)
def test_a_command_or_option_that_ended_is_told_in_one_line(command, arguments, name):
    told = command(*arguments)
    line = (ended.COMMANDS | ended.OPTIONS)[name]
    assert (told.code, told.out, told.err) == (2, "", f"forecast: '{name}' {line}\n")


def test_a_key_that_ended_is_told_where_it_stands(case, tmp_path, monkeypatch):
    path = case(config=("seed: 7}", "seed: 7, engine: pymc}\nexposures: {crisis: 1}"))
    with pytest.raises(ConfigError) as refused:
        load_config(path, ["sampler.engine=core"])
    assert [line.removeprefix(str(path)) for line in str(refused.value).splitlines()] == [
        f":12:1: exposures: {ended.KEYS['exposures']}",
        f"`overrides` sampler.engine: {ended.KEYS['sampler.engine']}",
    ]
    monkeypatch.setitem(ended.KEYS, "calendar.extend.gone", "ended with 0.4: use label")
    (tmp_path / "colder.yaml").write_text(SCENARIO)
    with pytest.raises(ConfigError, match=r"colder\.yaml:6:5\d: .*gone: ended with 0\.4: use label$"):
        load_scenario(tmp_path / "colder.yaml")


def test_nothing_that_ended_is_still_there():
    for name in (*ended.COMMANDS, *ended.OPTIONS):
        command, rest = get_command(app), name.split()
        while rest and rest[0] in getattr(command, "commands", {}):
            command = command.commands[rest.pop(0)]
        assert rest, name
        if rest[0].startswith("--") and len(rest) == 1:
            assert not any(rest[0] in parameter.opts for parameter in command.params), name
    texts = [str(schema_of(kind)) for kind in ("config", "watchlist")]
    assert not [key for key in ended.KEYS for text in texts if f"'{key.split('.')[-1]}':" in text]
