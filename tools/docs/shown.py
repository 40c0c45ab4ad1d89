"""Run the commands that a page shows, in order, in one empty folder, and compare what they print.

A block ``sh`` holds commands. A block ``text`` right after it holds what they print; a line ``…`` stands for
any lines. Chances and changes are compared within three points, for the fit of another processor differs by
its Monte Carlo error. A block ``yaml`` replaces those keys of ``mine.yaml``. A command that fails stops the
page. ``--write`` puts the output of this machine into blocks without ``…``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/tutorial.md", "docs/howto.md")
CONFIG = "mine.yaml"
ANY = "…"
POINTS = 3.0
# 12%, the 5 and the 37 of 5–37%, +0.5, −8.0 and the error after ±.
_CHANCE = re.compile(r"(?<=[+−±])\s?\d+(?:\.\d+)?|\d+(?:\.\d+)?(?=%| points|–\d+(?:\.\d+)?%)")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str, int]]:
    """Return the blocks of a page as language, content and place of the content."""
    return [(one[1], one[2], one.start(2)) for one in _BLOCK.finditer(page)]


def matches(shown: str, printed: str) -> bool:
    """Whether a block shows what was printed; a line of three dots stands for any lines, or none."""
    lines = [r"(?:.*\n)*?" if line == ANY else _pattern(line) for line in shown.splitlines()]
    found = re.fullmatch("".join(lines), printed)
    asked = [float(one) for line in shown.splitlines() for one in _CHANCE.findall(line)]
    return found is not None and all(
        abs(float(got) - due) <= POINTS for got, due in zip(found.groups(), asked, strict=True)
    )


def _pattern(line: str) -> str:
    """A line with any number where it shows a chance, and any spaces where it shows some."""
    parts = [" +".join(map(re.escape, re.split(r" +", part))) for part in _CHANCE.split(line)]
    return r" *(\d+(?:\.\d+)?)".join(parts) + r"\n"


def run_page(
    text: str, folder: Path, *, settings: tuple[str, ...] = (), tell: bool = False
) -> list[tuple[int, str, str]]:
    """Run the commands of a page in ``folder``; return place, content and real output of blocks that differ.

    ``settings`` are given to ``forecast run`` beside its own. Raises ``SystemExit`` where a command fails.
    """
    differing, printed = [], ""
    for language, content, place in blocks(text):
        if language == "sh":
            printed = "".join(_output(line, folder, settings, tell=tell) for line in content.splitlines())
        elif language == "yaml":
            path = folder / CONFIG
            kept = yaml.safe_load(path.read_text(encoding="utf-8")) | yaml.safe_load(content)
            path.write_text(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True), encoding="utf-8")
        elif language == "text" and not matches(content, printed):
            differing.append((place, content, printed))
    return differing


def _output(line: str, folder: Path, settings: tuple[str, ...], *, tell: bool) -> str:
    command = line.partition("  #")[0].strip()
    if command.startswith("forecast run "):
        command = " ".join((command, *settings))
    if tell:
        print(f"$ {command}", flush=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    # The same interpreter as this one, whatever the path of the shell finds first.
    script = f'forecast() {{ "{sys.executable}" -m forecast "$@"; }}\n{command}'
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if ended.returncode:
        raise SystemExit(f"{command}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def main() -> None:
    """Run the pages one after another; exit code 1 where one shows what its commands do not print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--write", action="store_true", help="put the output of this machine into the pages")
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in PAGES:
            text = (ROOT / name).read_text(encoding="utf-8")
            for place, shown, printed in reversed(run_page(text, Path(folder), tell=True)):
                wrong += 1
                line = text.count("\n", 0, place)
                print(f"{name}:{line}: the page shows\n{shown}\nbut the command printed\n{printed}")
                if given.write and ANY not in shown.splitlines():
                    text = text[:place] + printed + text[place + len(shown) :]
            if given.write:
                (ROOT / name).write_text(text, encoding="utf-8")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
