"""The Makefile tells what it can do."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str) -> str:
    # MAKEFLAGS of a surrounding `make test` would change what this one prints.
    command = ["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def phony_targets() -> set[str]:
    match = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert match is not None
    return set(match[1].split())


def test_help_lists_every_target_with_what_it_does():
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", make("help"), flags=re.MULTILINE))
    assert set(listed) == phony_targets()


def test_make_alone_prints_the_help():
    assert make() == make("help")


def test_a_second_report_may_replace_the_first():
    assert "forecast run configs/us-china-2023.yaml --force" in make("--dry-run", "report")
