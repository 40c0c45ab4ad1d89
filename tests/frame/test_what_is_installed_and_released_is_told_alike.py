"""Locks, licences, wheel, container, versions and make targets agree with ``pyproject.toml``."""

import importlib.metadata
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from datetime import date
from email import message_from_bytes
from pathlib import Path

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import forecast
from forecast.cli.app import app
from forecast.errors import DISTRIBUTION, install_command

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
EXTRAS = PROJECT["optional-dependencies"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
RUN, LOWEST = "requirements.lock", "requirements-lowest.lock"


def entries(lock: str) -> dict[str, str]:
    """Name → text of its entry (pin, marker, hashes); of the oldest Python where there are two."""
    lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    lines = [line for line in lines if line.strip() and ">= '3.14'" not in line]
    return {canonicalize_name(line.split("==")[0]): line for line in lines}


def pins(lock: str) -> dict[str, str]:
    return {name: re.split(r"==|\s", line, maxsplit=2)[1] for name, line in entries(lock).items()}


def asked_for() -> list[tuple[str, str]]:
    wanted = {
        RUN: [*PROJECT["dependencies"], *GROUPS["build"]],
        "requirements-app.lock": [*EXTRAS["app"], *EXTRAS["excel"]],
        "requirements-dev.lock": [
            text for text in (*GROUPS["test"], *GROUPS["dev"]) if isinstance(text, str)
        ],
        "requirements-docs.lock": GROUPS["docs"],
    }
    return [(lock, text) for lock, texts in wanted.items() for text in texts]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_with_hashes_names_no_place_and_agrees_with_that_of_a_run(lock):
    pattern = re.compile(r"[a-z0-9._-]+==[^\s;]+( ; [^-]*)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [line for line in entries(lock).values() if not pattern.fullmatch(line)] == []
    if lock != LOWEST:
        shared = pins(RUN).keys() & pins(lock).keys()
        assert shared
        assert {name for name in shared if pins(lock)[name] != pins(RUN)[name]} == set()


@pytest.mark.parametrize(("lock", "text"), asked_for())
def test_what_pyproject_asks_for_is_pinned_at_a_version_it_allows(lock, text):
    wanted = Requirement(text)
    assert wanted.specifier.contains({**pins(RUN), **pins(lock)}[canonicalize_name(wanted.name)])


@pytest.mark.parametrize(
    "wanted",
    [
        Requirement(text)
        for texts in (
            PROJECT["dependencies"],
            *EXTRAS.values(),
            GROUPS["test"],
        )
        for text in texts
    ],
    ids=lambda wanted: wanted.name,
)
def test_a_lower_bound_is_a_version_that_can_be_had_together_with_the_others(wanted):
    """Where another package asks for more, the bound is raised: what cannot be installed is not tested."""
    (least,) = [bound.version for bound in wanted.specifier if bound.operator in {">=", "=="}]
    asked, locked = Version(least).release, Version(pins(LOWEST)[canonicalize_name(wanted.name)]).release
    assert locked[: len(asked)] == asked


@pytest.fixture(scope="module")
def supply(tool):
    return tool("supply")


def test_every_installed_package_has_an_allowed_licence_and_no_known_advisory(supply):
    packages = supply.installed()
    assert len(packages) > 50
    assert supply.licence_faults(packages) == []
    assert supply.advisory_faults(packages) == []
    bill = json.loads(supply.bill_of_materials(packages))
    assert bill["metadata"]["component"]["name"] == DISTRIBUTION
    assert len(bill["components"]) == len(packages) - 1


@pytest.mark.parametrize("licence", ["", "GPL-3.0-only", "MIT AND AGPL-3.0"])
def test_another_licence_and_an_old_version_are_named(supply, licence):
    (fault,) = supply.licence_faults([supply.Package("thing", "1.0", licence, ())])
    assert fault.startswith("thing 1.0: licence")
    (fault,) = supply.advisory_faults([supply.Package("jinja2", "3.1.5", "BSD", ())])
    assert fault == "jinja2 3.1.5: CVE-2025-27516 (a template can leave its sandbox); fixed in 3.1.6"


def test_a_data_base_that_does_not_know_a_known_advisory_is_not_believed(supply):
    """Without its answers pip-audit says that nothing was found, and ends with 0."""
    audit = supply.ask_advisories(
        lambda arguments: {"dependencies": [{"name": "jinja2", "skip_reason": "?"}]}
    )
    assert "NOT asked" in audit.said


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Build a wheel from a copy of the tree, with setuptools alone and without a network."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in ("forecast", "configs"):
        shutil.copytree(
            ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-DATA"):
        shutil.copy(ROOT / name, source)
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(built)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    (found,) = built.glob("*.whl")
    return found


def test_the_wheel_says_what_it_is_and_holds_the_examples_of_the_repository(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        stated = message_from_bytes(archive.read(name))
        prefix = "forecast/examples/"
        packed = {
            name.removeprefix(prefix): archive.read(name)
            for name in archive.namelist()
            if name.startswith(prefix)
        }
        archive.extractall(tmp_path / "site")
    assert (stated["Name"], stated["Requires-Python"]) == (DISTRIBUTION, ">=3.12")
    assert set(EXTRAS) == set(stated.get_all("Provides-Extra"))
    configs = ROOT / "configs"
    files = [path for path in configs.rglob("*") if path.is_file()]
    assert packed == {path.relative_to(configs).as_posix(): path.read_bytes() for path in files}
    # Only the unpacked wheel is on the path before the dependencies, and nothing of the checkout.
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import forecast; print(forecast.__file__)\n"
        "sys.argv = ['forecast', 'new', '--example', 'us-china']\n"
        "from forecast.cli import main; main()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.startswith(str(tmp_path / "site"))
    assert (tmp_path / "configs/us-china-2023.yaml").is_file()


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_command_for_an_extra_is_one_that_pip_understands(extra):
    program, *arguments = shlex.split(install_command(extra))
    assert program == sys.executable
    assert arguments == ["-m", "pip", "install", f"{DISTRIBUTION}[{extra}]"]


def test_version_changelog_and_citation_agree():
    installed = importlib.metadata.version(DISTRIBUTION)
    assert forecast.__version__ == installed == PROJECT["version"] == str(CITATION["version"])
    heads = re.findall(r"^## \[([^\]]+)\](?: – (\d{4}-\d\d-\d\d))?$", CHANGELOG, re.MULTILINE)
    assert len(heads) == len(re.findall(r"^## ", CHANGELOG, re.MULTILINE))
    dated = [(Version(version), date.fromisoformat(day)) for version, day in heads if version != "Unreleased"]
    assert dated == sorted(dated, reverse=True)
    assert dated[0] == (Version(PROJECT["version"]), CITATION["date-released"])


def test_the_container_installs_by_hash_runs_as_nobody_and_writes_to_its_volume():
    lines = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text()).splitlines()
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

    def arguments(instruction: str) -> list[str]:
        return [line.partition(" ")[2] for line in lines if line.startswith(f"{instruction} ")]

    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [name for text in arguments("COPY") if "--from" not in text for name in text.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists() or f"!{name}" not in ignored] == []
    assert any("--require-hashes" in text for text in arguments("RUN"))
    (volume,) = arguments("VOLUME")
    settings = dict(word.split("=", 1) for word in shlex.split(arguments("ENV")[0]))
    assert all(settings[name].startswith(volume) for name in ("HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"))
    assert "USER 10001:10001" in lines
    for service in services.values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        told = service.get("command", ["forecast --help;"])
        words = told if len(told) > 1 else re.search(r"forecast ([^;]+);", told[0])[1].split()
        command = typer.main.get_command(app).commands.get(words[0], typer.main.get_command(app))
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words[1:] if word.startswith("--")} <= known


def test_make_alone_lists_every_target_with_what_it_does():
    # MAKEFLAGS of a surrounding `make test` would change what this one prints.
    command = ["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)[1].split()
    assert {name for name, _ in re.findall(r"^  make (\S+) +(\S.*)$", shown, re.MULTILINE)} == set(phony)


def run_find_python(folder: Path, *places: str, python: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(folder), "PYTHON": python}
    command = ["/bin/sh", str(ROOT / "tools/find-python"), *places]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


def stub(path: Path, minor: int) -> str:
    """Write an interpreter that says that it is Python 3.``minor``."""
    prelude = f"import sys; sys.version_info = (3, {minor}, 7, 'final', 0)"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{prelude}; exec(sys.argv[1])" "$2"\n')
    path.chmod(0o755)
    return str(path)


def test_a_supported_python_is_found_behind_shims_that_fail_and_another_is_refused(tmp_path):
    for name in ("python3.13", "python3.12", "python3.14"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 127\n")
        (tmp_path / name).chmod(0o755)
    for minor, code in ((12, 0), (14, 0), (11, 1), (15, 1)):
        stub(tmp_path / "python3", minor)
        assert run_find_python(tmp_path).returncode == code, minor
    elsewhere, mine = stub(tmp_path / "elsewhere", 13), stub(tmp_path / "mine", 11)
    assert run_find_python(tmp_path, str(tmp_path / "missing"), elsewhere).stdout == f"{elsewhere}\n"
    refused = run_find_python(tmp_path, python=mine)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert f"PYTHON={mine}" in refused.stderr


def installing(folder: Path) -> subprocess.Popen[str]:
    """Start to install the lock no-such.lock into ``folder``/.venv."""
    for name in ("tools", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    command = [sys.executable, "tools/install_lock.py", "no-such.lock", ".venv/.run"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("pip_says", "told", "stays_whole"),
    [
        ("WARNING: Retrying (Retry(total=4)) …\nERROR: No matching distribution", "cannot be reached", True),
        ("ERROR: [Errno 28] No space left on device", "no space left", False),
        ("ERROR: hashes differ", "ERROR: hashes differ", False),
    ],
)
def test_a_setup_that_fails_says_why_in_one_line_and_keeps_what_was_whole(
    tmp_path, pip_says, told, stays_whole
):
    python, mark = tmp_path / ".venv/bin/python", tmp_path / ".venv/.unfinished"
    python.parent.mkdir(parents=True)
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exec "{sys.executable}" "$@"\necho "{pip_says}"\nexit 1\n'
    )
    python.chmod(0o755)
    setup = installing(tmp_path)
    _, why = setup.communicate()[1].splitlines()
    assert told in why
    assert (setup.returncode, mark.exists()) == (1, not stays_whole)
