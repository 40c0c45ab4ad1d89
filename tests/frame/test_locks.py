"""The locks pin what pyproject.toml asks for, agree with one another and name no place to fetch from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOWEST = "requirements-lowest.lock"
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-docs.lock", "requirements-bench.lock")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def entries(lock: str) -> dict[str, str]:
    """Return name → text of its entry (pin, marker, hashes)."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return {canonicalize_name(line.split("==")[0]): line for line in text.splitlines() if line.strip()}


def pins(lock: str) -> dict[str, str]:
    """Return name → pinned version."""
    return {name: re.split(r"==|\s", line, maxsplit=2)[1] for name, line in entries(lock).items()}


def asked_for() -> list[tuple[str, str]]:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    wanted = {
        "requirements.lock": [
            *project["dependencies"],
            *project["optional-dependencies"]["excel"],
            *groups["build"],
            *PYPROJECT["build-system"]["requires"],
        ],
        "requirements-dev.lock": [*groups["test"], *(one for one in groups["dev"] if isinstance(one, str))],
        "requirements-docs.lock": groups["docs"],
        "requirements-bench.lock": project["optional-dependencies"]["bench"],
    }
    return [(lock, text) for lock, texts in wanted.items() for text in texts]


@pytest.mark.parametrize("lock", [*LOCKS, LOWEST])
def test_a_lock_names_no_place_to_fetch_from(lock):
    assert not re.search(r"://|@ |^\s*--(?!hash=)", (ROOT / lock).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("lock", [*LOCKS, LOWEST])
def test_every_entry_is_one_version_with_hashes(lock):
    pattern = re.compile(r"[a-z0-9._-]+==[^\s;]+( ; [^-]*)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [line for line in entries(lock).values() if not pattern.fullmatch(line)] == []


@pytest.mark.parametrize(("lock", "text"), asked_for())
def test_what_pyproject_asks_for_is_pinned_at_a_version_it_allows(lock, text):
    wanted = Requirement(text)
    assert wanted.specifier.contains(pins(lock)[canonicalize_name(wanted.name)])


@pytest.mark.parametrize(
    ("lock", "first"),
    [*((lock, LOCKS[0]) for lock in LOCKS[1:]), ("requirements-docs.lock", "requirements-dev.lock")],
)
def test_the_locks_agree_on_what_they_share(lock, first):
    one, other = pins(first), pins(lock)
    shared = one.keys() & other.keys()
    assert shared
    assert {name: other[name] for name in shared} == {name: one[name] for name in shared}


def bounds() -> list[Requirement]:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    extras = (texts for name, texts in project["optional-dependencies"].items() if name != "bench")
    groups = (groups["build"], groups["test"], project["dependencies"], *extras)
    return [Requirement(text) for texts in groups for text in texts]


@pytest.mark.parametrize("wanted", bounds(), ids=lambda one: one.name)
def test_a_lower_bound_is_a_version_that_can_be_had_together_with_the_others(wanted):
    """Where another package asks for more, the bound is raised: what cannot be installed is not tested."""
    (least,) = [one.version for one in wanted.specifier if one.operator in {">=", "=="}]
    asked, locked = Version(least).release, Version(lowest_pins()[canonicalize_name(wanted.name)]).release
    assert locked[: len(asked)] == asked


def lowest_pins() -> dict[str, str]:
    """Return the pins of the oldest Python that is supported."""
    text = (ROOT / LOWEST).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if ">= '3.14'" not in line]
    return {canonicalize_name(line.split("==")[0]): re.split(r"==|\s", line, maxsplit=2)[1] for line in lines}
