"""What a user of the package meets first: version, public names, and a command line that starts fast."""

import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import forecast
from forecast.errors import DISTRIBUTION, install_command

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {
    "arviz",
    "duckdb",
    "llvmlite",
    "matplotlib",
    "numba",
    "numpy",
    "nutpie",
    "pandas",
    "pymc",
    "pytensor",
    "scipy",
    "typst",
    "xarray",
}


def heavy_modules_after(code: str) -> set[str]:
    """Return the heavy packages that a fresh interpreter has loaded after ``code``."""
    ending = "\nimport sys; print('\\nloaded', *{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", code + ending]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return set(result.stdout.splitlines()[-1].split()) & HEAVY


def test_the_distribution_has_its_own_name_and_says_whose_it_is():
    assert PROJECT["name"] == DISTRIBUTION
    assert DISTRIBUTION in (ROOT / "README.md").read_text()
    assert PROJECT["authors"] == [{"name": "The forecast project"}]
    assert PROJECT["scripts"] == {"forecast": "forecast.cli:main"}
    minors = {one.rpartition("3.")[2] for one in PROJECT["classifiers"] if "Python :: 3." in one}
    assert minors == {"12", "13", "14"}


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_the_command_for_an_extra_is_one_that_pip_understands(extra):
    program, *arguments = shlex.split(install_command(extra))
    assert program == sys.executable
    assert arguments == ["-m", "pip", "install", f"{DISTRIBUTION}[{extra}]"]


def test_an_older_python_is_told_what_is_needed():
    code = "import sys; sys.version_info = (3, 11, 7, 'final', 0); import forecast"
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert ended.returncode == 1
    assert "ImportError: forecast needs Python 3.12, 3.13 or 3.14; this is Python 3.11 (" in ended.stderr


def test_every_public_name_can_be_had():
    assert forecast.__all__
    assert [name for name in forecast.__all__ if not hasattr(forecast, name)] == []


def test_every_public_name_is_documented():
    public = [getattr(forecast, name) for name in forecast.__all__ if not name.startswith("__")]
    assert [thing for thing in public if callable(thing) and not thing.__doc__] == []


def test_names_configs_codebook_and_help_load_nothing_heavy():
    code = (
        "import sys, forecast.errors, forecast.records.forecast, forecast.config, forecast.events.codebook\n"
        "from forecast.cli import main\n"
        "import forecast.cli.events\n"
        "sys.argv = ['forecast', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
    )
    assert heavy_modules_after(code) == set()


def test_the_measure_sees_a_heavy_module_when_there_is_one():
    assert heavy_modules_after("import numpy") == {"numpy"}
