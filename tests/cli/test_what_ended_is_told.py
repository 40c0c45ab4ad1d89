"""Whoever names what ended with 0.4 gets one line that says what to use."""

import pytest

from forecast import ended
from forecast.config import load_config, load_scenario
from forecast.errors import ConfigError

KEYS = {"gone": "ended with 0.4: use come", "calendar.extend.gone": "ended with 0.4: use label"}
COMMANDS = {"bench gone": "ended with 0.4: use bench accuracy", "gone": "ended with 0.4: use run"}
OPTIONS = {
    "check --gone": "ended with 0.4: use --out",
    "schema gone": "",
    "schema --as gone": "ended with 0.4",
}
SCENARIO = """\
name: colder
rationale: Asked.
priors: {tension.scale: low}
calendar:
  extend:
    - {date: 2024-01-01, category: visit, severity: 4, gone: 1}
"""


@pytest.fixture(autouse=True)
def _tables(monkeypatch):
    monkeypatch.setattr(ended, "KEYS", KEYS)
    monkeypatch.setattr(ended, "COMMANDS", COMMANDS)
    monkeypatch.setattr(ended, "OPTIONS", OPTIONS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bench", "gone", "--json"], "`bench gone` ended with 0.4: use bench accuracy"),
        (["gone", "RUN"], "`gone` ended with 0.4: use run"),
        (["check", "case.yaml", "--gone", "x"], "`check --gone` ended with 0.4: use --out"),
        (["check", "case.yaml", "--gone=x"], "`check --gone` ended with 0.4: use --out"),
    ],
)
def test_a_command_or_option_that_ended_is_told_in_one_line(command, arguments, says):
    ended_so = command(*arguments)
    assert (ended_so.code, ended_so.out, ended_so.err) == (2, "", f"forecast: {says}\n")


def test_a_key_that_ended_is_told_where_it_stands(case, command, tmp_path):
    path = case(config=("seed: 7}", "seed: 7}\ngone: {a: 1}"))
    with pytest.raises(ConfigError, match=r"case\.yaml:12:1: gone: ended with 0\.4: use come$"):
        load_config(path)
    with pytest.raises(ConfigError, match=r"--set gone\.a: ended with 0\.4: use come$"):
        load_config(case(), ["gone.a=1"])
    (tmp_path / "colder.yaml").write_text(SCENARIO)
    with pytest.raises(ConfigError, match=r"colder\.yaml:6:5\d: .*gone: ended with 0\.4: use label$"):
        load_scenario(tmp_path / "colder.yaml")
