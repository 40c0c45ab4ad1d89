"""docs/import.md: formats, switches and figures are those of the code."""

import re
import shlex
import zipfile
from glob import glob
from pathlib import Path

from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.events.codebook import cameo_codes
from forecast.feeds.reading import LAYOUTS, Switches

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/import.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_formats_of_the_table_are_those_there_are():
    table = re.findall(r"^\| `(\w+)` \| (.*)$", PAGE, flags=re.MULTILINE)
    assert sorted(name for name, _ in table) == sorted(LAYOUTS)
    for name, row in table:
        layout = LAYOUTS[name]
        assert ("published definitions" in row) == ("published definitions" in layout.origin)
        assert (f"`{layout.known_date}`" in row) if layout.known_date else ("| none" in row)


def test_figures_of_the_page_are_those_of_the_code():
    defaults = Switches()
    assert f"| `--repeat-days DAYS` | {defaults.repeat_days} |" in PAGE
    assert f"{len(cameo_codes())} codes" in PAGE


def test_the_examples_of_readme_and_page_run_where_there_are_such_files(tmp_path, samples, monkeypatch):
    with zipfile.ZipFile(tmp_path / "20201113.export.CSV.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(samples / "gdelt2-20201113.export.CSV", "20201113.export.CSV")
    monkeypatch.chdir(tmp_path)
    examples = [
        line
        for text in (PAGE, README)
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
        if line.startswith("forecast events import")
    ]
    assert examples
    for line in examples:
        words = shlex.split(line, comments=True)[1:]
        files = [name for word in words for name in (sorted(glob(word)) if "*" in word else [word])]
        assert CliRunner().invoke(app, files).exit_code == 0, line
