"""Version, changelog and citation agree, and the files for contributors are those that a code host reads."""

import importlib.metadata
import re
import tomllib
from datetime import date
from pathlib import Path

import yaml

import forecast
from forecast.errors import DISTRIBUTION

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")


def releases(changelog: str) -> dict[str, date | None]:
    """Return version → day of every heading, the latest first; no day for what is unreleased."""
    heads = re.findall(r"^## \[([^\]]+)\](?: – (\d{4}-\d\d-\d\d))?$", changelog, re.MULTILINE)
    return {version: date.fromisoformat(day) if day else None for version, day in heads}


def order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.partition("-")[0].split(".")))


def test_the_version_is_one_and_semantic():
    assert SEMVER.fullmatch(PROJECT["version"])
    installed = importlib.metadata.version(DISTRIBUTION)
    assert forecast.__version__ == installed == PROJECT["version"] == str(CITATION["version"])


def test_the_changelog_has_the_release_and_the_citation_its_day():
    found = releases(CHANGELOG)
    dated = [version for version in found if version != "Unreleased"]
    assert len(re.findall(r"^## ", CHANGELOG, re.MULTILINE)) == len(found)
    assert dated[0] == PROJECT["version"]
    assert found[dated[0]] == CITATION["date-released"]
    assert list(found) in (dated, ["Unreleased", *dated])


def test_releases_go_down_in_version_and_in_time():
    found = {version: day for version, day in releases(CHANGELOG).items() if version != "Unreleased"}
    assert list(found) == sorted(found, key=order, reverse=True)
    days = [day for day in found.values() if day is not None]
    assert days == sorted(days, reverse=True)


def test_each_release_has_every_kind_of_entry_once_at_most():
    for release in re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]:
        heads = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert len(heads) == len(set(heads)), release.split("\n", 1)[0]
        assert set(heads) <= set(KINDS)


def test_the_citation_keeps_the_rules_of_its_format():
    # Of the schema of the Citation File Format 1.2.0: required keys, allowed keys, kinds of values.
    assert CITATION["cff-version"] == "1.2.0"
    required = {"cff-version", "message", "title", "authors"}
    allowed = {"type", "abstract", "version", "date-released", "license", "keywords", "url"}
    assert required <= set(CITATION) <= required | allowed
    assert CITATION["type"] == "software"
    assert CITATION["authors"] == PROJECT["authors"]
    assert CITATION["license"] in PROJECT["license"].split(" AND ")
    assert len(CITATION["keywords"]) == len(set(CITATION["keywords"]))
    assert all(isinstance(one, str) and one for one in (CITATION["message"], CITATION["title"]))


def test_contributing_names_a_form_that_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = {yaml.safe_load(path.read_text(encoding="utf-8"))["name"] for path in FORMS}
    assert any(f"*{name}*" in text for name in names)
