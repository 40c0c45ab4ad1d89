"""The search for an interpreter, with stubs in the place of real ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("python3.13", "python3.12", "python3.14", "python3")


def stub(path: Path, prelude: str) -> Path:
    """Write a command that runs the code after ``-c`` on this interpreter, after ``prelude``."""
    path.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c "import sys; {prelude}; exec(sys.argv[1])" "$2"\n'
    )
    path.chmod(0o755)
    return path


def version_stub(path: Path, minor: int) -> Path:
    return stub(path, f"sys.version_info = (3, {minor}, 7, 'final', 0)")


@pytest.fixture
def bin_folder(tmp_path):
    """A folder of stubs that alone is on PATH; every name that is looked for is a shim that fails."""
    for name in NAMES:
        (tmp_path / name).write_text("#!/bin/sh\necho 'command not found in this version' >&2\nexit 127\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def find_python(bin_folder: Path, *places: str, python: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(bin_folder), "PYTHON": python}
    command = ["/bin/sh", str(ROOT / "tools/find-python"), *places]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


def assert_refused_in_one_line(result: subprocess.CompletedProcess[str], says: str) -> None:
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert says in result.stderr


@pytest.mark.parametrize("minor", [12, 13, 14])
def test_a_supported_python_is_found_behind_shims_that_fail(bin_folder, minor):
    version_stub(bin_folder / "python3", minor)
    result = find_python(bin_folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "python3\n", "")


@pytest.mark.parametrize("minor", [11, 15])
def test_any_other_python_is_refused_with_one_line_that_says_what_to_install(bin_folder, minor):
    version_stub(bin_folder / "python3", minor)
    assert_refused_in_one_line(find_python(bin_folder), "install one")


def test_a_python_without_ensurepip_is_passed_over(bin_folder):
    stub(bin_folder / "python3.13", "sys.modules['ensurepip'] = None; sys.version_info = (3, 13)")
    version_stub(bin_folder / "python3.12", 12)
    assert find_python(bin_folder).stdout == "python3.12\n"


def test_further_places_are_tried_last(bin_folder):
    elsewhere = str(version_stub(bin_folder / "elsewhere", 13))
    assert find_python(bin_folder, str(bin_folder / "missing"), elsewhere).stdout == f"{elsewhere}\n"
    version_stub(bin_folder / "python3", 12)
    assert find_python(bin_folder, elsewhere).stdout == "python3\n"


def test_a_python_that_was_named_is_taken_or_refused_but_not_replaced(bin_folder):
    version_stub(bin_folder / "python3", 13)
    named = str(version_stub(bin_folder / "mine", 11))
    assert_refused_in_one_line(find_python(bin_folder, python=named), f"PYTHON={named}")
    version_stub(Path(named), 14)
    assert find_python(bin_folder, python=named).stdout == f"{named}\n"


def test_a_setup_cut_short_stays_marked_and_is_thrown_away_by_the_next(tmp_path):
    (tmp_path / "tools").symlink_to(ROOT / "tools")
    leftover = tmp_path / ".venv/lib/half-installed"
    leftover.mkdir(parents=True)
    mark = tmp_path / ".venv/.unfinished"
    mark.touch()

    environment = {**os.environ, "PYTHON": sys.executable}
    command = ["tools/install-lock", "no-such.lock"]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )

    assert result.returncode != 0
    assert "no-such.lock" in result.stderr
    assert mark.exists()
    assert not leftover.exists()
