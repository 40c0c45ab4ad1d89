"""Rules that hold for the tree as a whole: names, writing, links, public names, imports that cost."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import forecast

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "forecast"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports/README.md"])
TEXT_SUFFIXES = {
    *(".py", ".md", ".yaml", ".json", ".toml", ".typ", ".sh", ".txt", ".lock", ".js", ".html", ".css"),
    *(".csv", ".CSV", ".tab", ".ambr", ""),
}
# On PyPI the name of the import and the command belongs to another project.
STRANGER = re.compile(
    r"(?:\b(?:install|add|download|pipx run)|\buvx)\s+(?:-[\w-]+\s+)*[`'\"]?forecast(?![\w./-]|\s+\w)"
)
# Written in two parts, so that this file does not name one itself.
OUTSIDE = re.compile("shared" + "/data|\\.\\./" + "shared|ROOT\\s*/\\s*['\"]" + r"\.\.")
MACHINE = re.compile("/(?:" + "|".join(["ro" + "ot", "wo" + "rk", "ho" + "me", "Us" + "ers"]) + r")/\w")
HEAVY = {
    "arviz",
    "duckdb",
    "matplotlib",
    "numba",
    "numpy",
    "nutpie",
    "pandas",
    "pymc",
    "scipy",
    "typst",
    "xarray",
}
WRITING = {
    "write_text",
    "write_bytes",
    "replace",
    "rename",
    "mkdtemp",
    "mkstemp",
    "copyfile",
    "copy",
    "copytree",
}
MAY_WRITE = {
    "report/build.py": "draws into a folder of its own inside a folder that storage will move into place",
    "report/typesetting.py": "fills a scratch folder",
    "feeds/importing.py": "fills a scratch folder",
    "ledger/store.py": "tries whether a folder can be written",
    "runs/files.py": "tries whether a folder can be written",
    "evaluation/study.py": "appends finished rows",
    "cli/terminal.py": "opens the null device",
}


def text_files() -> list[Path]:
    folders = ("forecast", "configs", "docs", "tests", "tools", ".ci", "reports/sample")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += ROOT.glob("*")
    # A worktree of Git has a file in the place of its folder.
    return sorted(p for p in files if p.is_file() and p.suffix in TEXT_SUFFIXES and p.name != ".git")


def lines_that_write(path: Path) -> list[int]:
    """Lines that write: by a method of paths, by os, shutil or tempfile, or by a file opened for writing."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            by_path = called.attr in ("write_text", "write_bytes") and owner != "exporting"
            by_module = owner in {"os", "shutil", "tempfile"} and (
                called.attr in WRITING or "emporary" in called.attr
            )
            if by_path or by_module:
                found.append(node.lineno)
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        texts = [
            arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
        if name == "open" and any(mode[:1] in "wax" and len(mode) <= 3 for mode in texts if mode):
            found.append(node.lineno)
    return found


def test_files_are_written_by_storage_alone(tmp_path):
    writing = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in MODULES
        if "storage" not in path.as_posix().removeprefix(PACKAGE.as_posix())
        and (lines := lines_that_write(path))
    }
    assert {name: lines for name, lines in writing.items() if name not in MAY_WRITE} == {}
    careless = tmp_path / "careless.py"
    careless.write_text("import os\nPath('a').write_text('x')\nos.replace('a', 'b')\nopen('a', 'w')\n")
    assert lines_that_write(careless) == [2, 3, 4]


def test_a_module_is_named_after_what_it_makes():
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "process", "core"}
    assert [path for path in MODULES if path.stem in vague or path.parent.name in vague] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize(
    ("pattern", "planted"),
    [
        (STRANGER, "pip install 'forecast'"),
        (STRANGER, "uvx forecast"),
        (MACHINE, "/" + "home/me"),
        (OUTSIDE, 'ROOT / "..' + '/data"'),
    ],
    ids=["a stranger's package", "the same by uvx", "a place of one machine", "a folder beside the tree"],
)
def test_no_text_names_what_it_must_not(pattern, planted):
    assert pattern.search(planted)
    assert not STRANGER.search("pip install dyad-forecast")
    naming = [path for path in text_files() if pattern.search(path.read_text(errors="replace"))]
    assert [str(path.relative_to(ROOT)) for path in naming if path != Path(__file__)] == []


def climbs_out(path: Path, text: str) -> bool:
    """Say whether a file climbs from its own place to above the root."""
    own, above = "__file__", "parents"
    steps = re.findall(rf"{own}\)(?:\.resolve\(\))?\.{above}\[(\d+)\]", text)
    return any(int(step) >= len(path.relative_to(ROOT).parts) for step in steps)


def test_no_file_climbs_out_of_the_tree():
    planted = f"Path({'__file__'}).resolve().{'parents'}[3]"
    assert climbs_out(Path(__file__), planted)
    assert not climbs_out(Path(__file__), planted.replace("3", "2"))
    assert [str(path) for path in text_files() if climbs_out(path, path.read_text(errors="replace"))] == []


@pytest.mark.parametrize(
    ("build_machine", "code", "last"),
    [
        (None, 0, "Skipped tests: 1\n  1: Node.js is not installed (apt-get install nodejs)\n"),
        ("true", 1, ""),
    ],
)
def test_a_tool_that_is_missing_is_named_last_and_fails_the_tests_of_the_build_machine(
    tmp_path, build_machine, code, last
):
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text("def test_it(node): pass\n")
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), **({"CI": build_machine} if build_machine else {})}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(tmp_path)]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == code, ended.stdout
    assert ended.stdout.endswith(last)


def test_every_public_name_can_be_had_and_is_documented():
    public = {name: getattr(forecast, name) for name in forecast.__all__ if not name.startswith("__")}
    stub = (ROOT / "forecast/__init__.pyi").read_text(encoding="utf-8")
    assert sorted(re.findall(r" as (\w+)$", stub, re.M)) == forecast.__all__
    assert [name for name, thing in public.items() if callable(thing) and not thing.__doc__] == []


def test_an_older_python_is_told_what_is_needed():
    code = "import sys; sys.version_info = (3, 11, 7, 'final', 0); import forecast"
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert ended.returncode == 1
    assert "ImportError: forecast needs Python 3.12, 3.13 or 3.14; this is Python 3.11 (" in ended.stderr


def test_names_configs_codebook_and_help_load_nothing_heavy():
    code = (
        "import sys, forecast.errors, forecast.records.forecast, forecast.config, forecast.events.codebook\n"
        "from forecast.cli import main\n"
        "import forecast.cli.events\n"
        "sys.argv = ['forecast', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\nloaded', *{name.partition('.')[0] for name in sys.modules})"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    loaded = set(shown.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert loaded & HEAVY == set()
