"""A wheel holds the examples of ``configs/``, byte for byte: there is one copy of them in a checkout."""

import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Build a wheel from a copy of the tree, with setuptools alone and without a network."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    leave = shutil.ignore_patterns("__pycache__")
    for name in ("forecast", "configs"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=leave)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-DATA"):
        shutil.copy(ROOT / name, source)
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(built)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    (found,) = built.glob("*.whl")
    return found


def test_the_wheel_says_what_it_is(wheel):
    assert wheel.name.startswith("dyad_forecast-")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        stated = message_from_bytes(archive.read(name))
    assert stated["Name"] == "dyad-forecast"
    assert stated["Author"] == "The forecast project"
    assert stated["Requires-Python"] == ">=3.12"
    assert {"excel", "app", "bench"} <= set(stated.get_all("Provides-Extra"))
    assert "Development Status" in " ".join(stated.get_all("Classifier"))
    assert "forecasting" in stated["Keywords"]


def test_on_python_3_11_pip_says_which_python_is_needed(wheel, tmp_path):
    command = ["download", "--no-index", "--no-deps", "--only-binary=:all:", "--python-version", "3.11"]
    ended = subprocess.run(
        [sys.executable, "-m", "pip", *command, "--dest", str(tmp_path), str(wheel)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "'dyad-forecast' requires a different Python: 3.11" in ended.stderr
    assert "not in '>=3.12'" in ended.stderr


def test_the_examples_in_a_wheel_are_those_of_the_repository(wheel):
    with zipfile.ZipFile(wheel) as archive:
        prefix = "forecast/examples/"
        packed = {
            name.removeprefix(prefix): archive.read(name)
            for name in archive.namelist()
            if name.startswith(prefix)
        }
    configs = ROOT / "configs"
    shipped = {
        path.relative_to(configs).as_posix(): path.read_bytes()
        for path in configs.rglob("*")
        if path.is_file()
    }
    assert packed == shipped
    assert len(packed) > 10


def test_from_a_wheel_alone_an_example_is_laid_out(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    # Only the unpacked wheel is on the path before the dependencies, and nothing of the checkout.
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import forecast; print(forecast.__file__)\n"
        "sys.argv = ['forecast', 'new', '--example', 'us-china']\n"
        "from forecast.cli import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert ended.stdout.startswith(str(tmp_path / "site"))
    assert (tmp_path / "configs/us-china-2023.yaml").is_file()
    assert len([*(tmp_path / "configs/scenarios").glob("*.yaml")]) == 12
