"""The attacks of ``make fuzz``, ``bombs``, ``torture``, ``endurance`` and ``faults`` in short."""

import json
import os
import random
import sys
from datetime import date
from pathlib import Path

import pytest

from forecast import storage
from forecast.events.reading import load_events, write_events
from forecast.events.summary import Feed, feed_faults

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


def test_every_reader_takes_what_is_damaged_before_it_is_damaged(tool, tmp_path):
    for number, reader in enumerate(tool("attack/damage").readers(tmp_path).values()):
        for other, (name, sound) in enumerate(reader.samples):
            place = tmp_path / f"{number}-{other}"
            place.mkdir()
            (place / name).write_bytes(sound)
            reader.read(place / name)


def test_damage_to_any_input_is_taken_or_refused_with_one_message(tool):
    damage = tool("attack/damage")
    tried, refused = damage.run(6)
    # Damage that nothing refuses would test nothing.
    assert refused > tried / 4

    def careless(path):
        raise KeyError("name")

    with pytest.raises(KeyError, match="name"):
        damage.attack(damage.Reader(careless, [("x", b"a: 1")]), 3)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_forecasts_leave_nothing_behind_and_what_is_left_is_found(tool, monkeypatch):
    endurance = tool("attack/endurance")
    found = list(endurance.rows(20, 10, 0))
    assert endurance.growth(found, 10) == []
    left, honest = [], endurance.direct_forecast

    def leaky(day):
        left.append(os.open(endurance.CONFIG, os.O_RDONLY))
        return honest(day)

    monkeypatch.setattr(endurance, "direct_forecast", leaky)
    try:
        assert endurance.growth(list(endurance.rows(4, 2, 0)), 2) == ["open files grew by 2 (at most 0)"]
    finally:
        for handle in left:
            os.close(handle)


AS_OF = date(2023, 7, 9)
HEAD = """schema: 1
name: trial
as_of: 2023-07-09
targets: {arms: {any_of: [military_incident, military_posture], min_severity: 3}}
model: {family: pooled_hazard}
"""
CONFIG = """dyad: {a: USA, b: CHN}
events: {source: events.csv}
milestones: [{name: soon, date: 2023-12-31}]
"""
LIST = """horizons: [30, 90, 180]
events: [events.csv]
dyads: [{a: USA, b: CHN}]
"""


@pytest.mark.parametrize("kind", ["missing month"])
def test_validate_check_and_watch_say_the_same_of_a_damaged_feed(tool, kind, tmp_path, command, monkeypatch):
    faults = tool("attack/faults")
    whole = faults.Record(
        "us-china", load_events("bundled:us-china", tmp_path).known_by(AS_OF), ("USA", "CHN")
    )
    chance = random.Random(1)
    damaged = next(
        damage.table
        for damage in (faults.KINDS[kind](whole, AS_OF, chance) for _ in range(40))
        if feed_faults((Feed.of_table(damage.table),), AS_OF)
    )
    monkeypatch.chdir(tmp_path)
    write_events(damaged, tmp_path / "events.csv")
    (tmp_path / "config.yaml").write_text(HEAD + CONFIG)
    (tmp_path / "list.yaml").write_text(HEAD + LIST)

    def facts(*arguments):
        return json.loads(command(*arguments, "--json").out)

    summary = facts("events", "validate", "events.csv")["feed_faults"]
    cautions = facts("check", "config.yaml")["cautions"]
    check = [caution["fault"] for caution in cautions if caution["code"] == "feed_fault"]
    (dyad,) = facts("watch", "list.yaml", "--out", "out", "--no-ledger", "--no-report")["dyads"]
    summary, check, watch = (
        [fault | {"feed": ""} for fault in some] for some in (summary, check, dyad["feed_faults"])
    )
    assert summary
    assert summary == check == watch
