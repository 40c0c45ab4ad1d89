"""The container: what it copies is there, nobody is root, nothing is written outside the volume."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from forecast.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
LINES = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text()).splitlines()
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def arguments(instruction: str) -> list[str]:
    return [line.partition(" ")[2] for line in LINES if line.startswith(f"{instruction} ")]


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    copied = [name for one in arguments("COPY") if "--from" not in one for name in one.split()[:-1]]
    assert {"requirements.lock", "forecast", "configs"} <= set(copied)
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored


def test_packages_come_from_the_lock_by_hash():
    installs = [one for one in arguments("RUN") if "pip install" in one]
    assert "--require-hashes -r requirements.lock" in installs[0]
    assert all("--no-deps" in one for one in installs[1:])


def test_the_user_is_not_root_and_all_is_written_to_the_volume():
    assert LINES.index("USER 10001:10001") > max(
        LINES.index(line) for line in LINES if line.startswith("RUN")
    )
    (volume,) = arguments("VOLUME")
    settings = dict(word.split("=", 1) for word in shlex.split(arguments("ENV")[0]))
    for name in ("HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        assert settings[name].startswith(volume)
    for service in SERVICES.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert "ports" not in service
        assert all(place.endswith(f":{volume}") for place in service["volumes"])


@pytest.mark.parametrize("name", ["page", "watch"])
def test_services_call_commands_that_are_there(name):
    told = SERVICES[name]["command"]
    words = told if len(told) > 1 else re.search(r"forecast ([^;]+);", told[0])[1].split()
    command = typer.main.get_command(app).commands[words[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words[1:] if word.startswith("--")} <= known
