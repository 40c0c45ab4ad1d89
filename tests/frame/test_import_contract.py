"""The import contract holds, and is seen to fail when an import breaks it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()


def broken_contracts(settings: Path) -> list[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", str(settings)]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    result = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert "Contracts: " in result.stdout, result.stdout + result.stderr
    return [line.removesuffix(" BROKEN") for line in result.stdout.splitlines() if line.endswith(" BROKEN")]


def altered(folder: Path, old: str, new: str) -> Path:
    assert old in PYPROJECT
    settings = folder / "pyproject.toml"
    settings.write_text(PYPROJECT.replace(old, new))
    return settings


def test_the_import_contract_holds():
    assert broken_contracts(ROOT / "pyproject.toml") == []


def test_an_import_of_a_package_above_breaks_the_contract(tmp_path):
    settings = altered(
        tmp_path, '    "feeds | config",\n    "events",', '    "events",\n    "feeds | config",'
    )
    assert broken_contracts(settings) == ["Each package knows only those below it"]


def test_a_package_without_a_layer_breaks_the_contract(tmp_path):
    settings = altered(tmp_path, '    "events",\n', "")
    assert broken_contracts(settings) == ["Each package knows only those below it"]


def test_yaml_outside_the_config_breaks_the_contract(tmp_path):
    settings = altered(tmp_path, '"forecast.config.** -> *"', "")
    assert broken_contracts(settings) == ["Only the config knows YAML"]
