"""Nothing outside ``forecast/storage`` writes or renames a file but for what is listed with its reason."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "forecast"
CALLS = {
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
OWNERS = {"os", "shutil", "tempfile"}
ALLOWED = {
    "report/build.py": "draws into a folder of its own inside a folder that storage will move into place",
    "report/typesetting.py": "fills a scratch folder",
    "feeds/output.py": "appends to the journal, and fills a scratch folder",
    "feeds/importing.py": "fills a scratch folder",
    "bench/ingest.py": "fills a temporary folder with made-up feeds",
    "bench/stages.py": "measures in a temporary folder",
    "ledger/store.py": "tries whether a folder can be written",
    "runs/folder.py": "tries whether a folder can be written",
    "cli/terminal.py": "opens the null device",
    "evaluation/study.py": "appends finished rows",
}


def writes(path: Path) -> list[int]:
    """Lines that write: by a method of paths, by os, shutil or tempfile, or by a file opened for writing."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            by_path = called.attr in ("write_text", "write_bytes") and owner != "exporting"
            by_module = owner in OWNERS and (called.attr in CALLS or "emporary" in called.attr)
            if by_path or by_module:
                found.append(node.lineno)
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        modes = [
            one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
        if name == "open" and any(mode[:1] in "wax" and len(mode) <= 3 for mode in modes if mode):
            found.append(node.lineno)
    return found


def test_files_are_written_by_storage_alone():
    found = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if "storage" not in path.parts and (lines := writes(path))
    }
    assert {name: lines for name, lines in found.items() if name not in ALLOWED} == {}
    assert set(ALLOWED) <= set(found), "an exception that is no longer needed"


def test_a_module_that_writes_by_itself_is_found(tmp_path):
    path = tmp_path / "careless.py"
    lines = ("import os", "from pathlib import Path", "Path('a').write_text('x')")
    path.write_text("\n".join((*lines, "os.replace('a', 'b')", "open('a', 'w')", "")))
    assert writes(path) == [3, 4, 5]
