"""The attacks of ``make bombs`` and ``make torture`` in short: the same cases in every run."""

from pathlib import Path

import pytest

from forecast import storage

FILES = ("a", "b", "deep/c")


def folder_fault(place: Path) -> str:
    """A folder is whole when its three files say the same."""
    folder = place / "run"
    if not folder.exists():
        return ""
    found = [(folder / name).read_text() for name in FILES]
    return "" if len(set(found)) == 1 and found[0] else f"mixed: {found}"


def fill(folder: Path, text: str) -> None:
    (folder / "deep").mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_text(text)


def old(place: Path) -> None:
    (place / "scratch").mkdir()
    with storage.new_folder(place / "run") as filling:
        fill(filling, "old")


def none(place: Path) -> None:
    (place / "scratch").mkdir()


def make_new(place: Path) -> None:
    with storage.new_folder(place / "run") as filling:
        fill(filling, "new")


def amend(place: Path) -> None:
    with storage.amended_folder(place / "run") as filling:
        for name in FILES:
            storage.write_file(filling / name, "new")


def in_place(place: Path) -> None:
    fill(place / "run", "new")


def unsynced(place: Path) -> None:
    filling = place / "filling"
    fill(filling, "new")
    filling.rename(place / "run")
    (place / "scratch/done").touch()


@pytest.mark.parametrize(
    ("prepare", "work", "power_cut"), [(none, make_new, True), (old, make_new, False), (old, amend, True)]
)
@pytest.mark.filterwarnings("ignore:.*use of fork")
def test_a_kill_at_any_operation_leaves_a_folder_whole_and_the_next_start_cleans_up(
    tool, prepare, work, power_cut
):
    torture = tool("attack/torture")
    found = torture.torture(torture.Scene("folder", prepare, work, folder_fault), power_cut=power_cut)
    assert found.faults == []
    assert found.points > 8
    assert found.absent
    assert found.whole


@pytest.mark.filterwarnings("ignore:.*use of fork")
def test_the_torture_finds_what_is_written_in_place_or_not_synced(tool):
    torture = tool("attack/torture")
    scene = torture.Scene("in place", old, in_place, folder_fault)
    assert torture.torture(scene, power_cut=False, finish=False).faults
    scene = torture.Scene("not synced", none, unsynced, folder_fault)
    assert not torture.torture(scene, power_cut=False, finish=False).faults
    assert torture.torture(scene, power_cut=True, finish=False).faults


@pytest.mark.parametrize("only", ["1,500 x 1,500 actors"])
def test_a_small_input_that_could_cost_much_ends_with_a_message_soon(tool, only):
    said = []
    assert tool("attack/bombs").run(only, said.append) == []
    assert len(said) == 2


@pytest.mark.parametrize(
    ("cost", "wrong"),
    [
        ((2.9, 499, 2, "too many"), ""),
        ((3.2, 499, 2, "too many"), "2.2 s"),
        ((1.0, 501, 2, "too many"), "501 MB"),
        ((1.0, 100, 0, "done"), "exit code 0"),
        ((0.5, 100, 2, "Traceback (most"), "a traceback"),
        ((0.5, 100, 2, " "), "no message"),
    ],
)
def test_a_bomb_that_goes_off_is_told(tool, monkeypatch, tmp_path, cost, wrong):
    bombs = tool("attack/bombs")
    monkeypatch.setattr(bombs, "measured", lambda arguments, folder: bombs.Cost(*cost))
    bomb = bombs.Bomb("a bomb", "check", lambda folder: folder / "config.yaml")
    assert bombs.explode(bomb, tmp_path, bombs.Cost(1.0, 100, 0, ""))[1] == wrong
