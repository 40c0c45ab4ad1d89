"""A damaged feed is told by every command alike."""

import json
import random
from datetime import date

import pytest

from forecast.events.reading import load_events, write_events
from forecast.events.summary import Feed, feed_faults

AS_OF = date(2023, 7, 9)
HEAD = """schema: 1
name: trial
as_of: 2023-07-09
targets: {arms: {any_of: [military_incident, military_posture], min_severity: 3}}
model: {family: panel}
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
        {fault["text"].split(": ", 1)[1] for fault in some} for some in (summary, check, dyad["feed_faults"])
    )
    assert summary
    assert summary == check == watch
