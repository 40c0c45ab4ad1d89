"""A folder of one kind is never replaced by another, nor is one that holds something else."""

import json
from pathlib import Path

import pytest

from forecast.errors import RunFolderError
from forecast.runs.files import kind_of, new_run_folder, refuse_existing

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
