"""A folder of one kind is never replaced by another; a file of another format is refused with what to do."""

import json
import re
from pathlib import Path

import pytest

from forecast.errors import RunFolderError
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.runs.files import changed_run_folder, kind_of, new_run_folder, read_record, refuse_existing

MARKS = {"run": "forecast.json", "backtest": "scores.json"}


def make(folder: Path, kind: str, *, stated: bool = True) -> Path:
    """A folder with the files by which its kind is known; one of schema 1 does not state it."""
    folder.mkdir()
    (folder / MARKS[kind]).write_text("{}")
    manifest = {"kind": kind} if stated else {"schema": 1}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("stated", [True, False], ids=["kind stated", "schema 1"])
@pytest.mark.parametrize(("there", "new"), [("run", "backtest"), ("backtest", "run")])
@pytest.mark.parametrize("force", [True, False])
def test_another_kind_is_never_replaced(tmp_path, there, new, force, stated):
    folder = make(tmp_path / "place", there, stated=stated)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert kind_of(folder) == there
    message = rf"place: holds a {there}, so no {new} takes its place, not even with `force`"
    for refuse in (refuse_existing, lambda *a, **k: new_run_folder(*a, **k).__enter__()):
        with pytest.raises(RunFolderError, match=message):
            refuse(folder, force=force, kind=new)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("stated", [True, False], ids=["kind stated", "schema 1"])
@pytest.mark.parametrize("kind", MARKS)
def test_force_replaces_its_own_kind(tmp_path, kind, stated):
    folder = make(tmp_path / "place", kind, stated=stated)
    with pytest.raises(RunFolderError, match=f"there is a {kind} already. Use `force` to replace it"):
        refuse_existing(folder, force=False, kind=kind)
    with new_run_folder(folder, force=True, kind=kind) as filling:
        (filling / "new.txt").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["new.txt"]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("kind", MARKS)
@pytest.mark.parametrize("manifest", [None, "not JSON", "[1]", '{"kind": 3}', '{"name": "other tool"}'])
def test_a_folder_that_is_not_ours_is_left_alone(tmp_path, kind, manifest):
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("years of work")
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)
    assert kind_of(folder) is None
    with pytest.raises(RunFolderError, match=r"thesis: is no folder that 'forecast' wrote, so no"):
        refuse_existing(folder, force=True, kind=kind)
    assert (folder / "chapter.txt").read_text() == "years of work"


def test_the_manifest_tells_the_kind_before_any_other_file(tmp_path):
    folder = make(tmp_path / "place", "backtest")
    (folder / "forecast.json").write_text("{}")
    assert kind_of(folder) == "backtest"


SAMPLE = Path(__file__).resolve().parents[2] / "reports/sample"


@pytest.mark.parametrize(("kind", "reads"), [(Forecast, 8), (Analysis, 8)])
@pytest.mark.parametrize(
    ("newer", "said"),
    [
        (-1, "written by an earlier version of forecast; this one reads {}. Make it anew"),
        (1, "written by a newer version of forecast; this one reads {}. Install that one"),
    ],
)
def test_a_file_of_another_format_names_both_and_what_to_do(kind, reads, newer, said, tmp_path):
    path = tmp_path / f"{kind.__name__.lower()}.json"
    content = json.loads((SAMPLE / path.name).read_text(encoding="utf-8"))
    path.write_text(json.dumps(content), encoding="utf-8")
    assert isinstance(read_record(path, kind), kind)
    path.write_text(json.dumps(content | {"schema": reads + newer, "new": 1}), encoding="utf-8")
    expected = f"has format {reads + newer}, {said.format(reads)}"
    with pytest.raises(RunFolderError, match=re.escape(expected)) as refused:
        read_record(path, kind)
    assert len(str(refused.value).splitlines()) == 1


def test_a_record_of_more_values_than_any_run_writes_is_not_parsed(tmp_path, monkeypatch):
    path = tmp_path / "forecast.json"
    # No JSON: that would be told if it were parsed.
    path.write_bytes(b"[" + b"[]," * 2_000 + b"[")
    with pytest.raises(RunFolderError, match="Invalid JSON"):
        read_record(path, Forecast)
    monkeypatch.setattr("forecast.storage.MAX_JSON_VALUES", 1_000)
    with pytest.raises(RunFolderError, match=r"cannot be read \(4,002 values, more than the 1,000 allowed\)"):
        read_record(path, Forecast)
    monkeypatch.setattr("forecast.storage.MAX_JSON_BYTES", 1_000)
    with pytest.raises(RunFolderError, match=r"cannot be read \(6,002 bytes, more than the 1,000 allowed\)"):
        read_record(path, Forecast)


def test_a_record_that_cannot_be_read_while_a_folder_is_changed_is_no_failed_write(tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.storage.MAX_JSON_BYTES", 1_000)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "forecast.json").write_bytes(b" " * 2_000)

    def change():
        with changed_run_folder(folder) as filling:
            read_record(filling / "forecast.json", Forecast)

    with pytest.raises(RunFolderError, match=rf"^{folder}/forecast\.json: cannot be read \(2,000 bytes"):
        change()
