"""Rules that hold for the tree as a whole."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "forecast").rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports/README.md"])
# pip, pipx, uv and poetry, with options between.
STRANGER = re.compile(
    r"(?:\b(?:install|add|download|pipx run)|\buvx)\s+(?:-[\w-]+\s+)*[`'\"]?forecast(?![\w./-]|\s+\w)"
)
TEXT_SUFFIXES = {".py", ".md", ".yaml", ".json", ".toml", ".typ", ".sh", ".txt", ".lock", ""}


def text_files() -> list[Path]:
    folders = ("forecast", "configs", "docs", "tests", "tools", ".ci", "reports/sample")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += ROOT.glob("*")
    # A worktree of Git has a file in the place of its folder.
    return sorted(p for p in files if p.is_file() and p.suffix in TEXT_SUFFIXES and p.name != ".git")


def test_a_module_is_named_after_what_it_makes():
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "process", "core"}
    assert [path for path in MODULES if path.stem in vague or path.parent.name in vague] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_no_text_tells_to_install_the_package_of_a_stranger():
    """On PyPI the name of the import and the command belongs to another project."""
    naming = [path for path in text_files() if STRANGER.search(path.read_text(errors="replace"))]
    assert [str(path.relative_to(ROOT)) for path in naming] == []


@pytest.mark.parametrize("program", ["pip install", "python -m pip install -U", "uv add", "pipx run", "uvx"])
def test_such_a_text_is_found(program):
    for written in ("{}", "'{}'", '"{}[app]"', "`{}`", "{}==0.1.0", "{}\n"):
        assert STRANGER.search(f"{program} {written.format('forecast')}")
        assert not STRANGER.search(f"{program} {written.format('dyad-forecast')}")
        assert not STRANGER.search(f"{program} {written.format('forecasting')}")


def test_no_file_names_a_place_of_one_machine():
    # Written in two parts, so that this file does not name one itself.
    place = re.compile("/(?:" + "|".join(["ro" + "ot", "wo" + "rk", "ho" + "me", "Us" + "ers"]) + r")/\w")
    naming = [path for path in text_files() if place.search(path.read_text(errors="replace"))]
    assert [str(path.relative_to(ROOT)) for path in naming] == []
