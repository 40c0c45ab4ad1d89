"""Faults put into feeds with a fixed seed: all are seen, refused, or harmless, and by every command alike."""

import json
import random
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.events.reading import write_events
from forecast.events.table import EventTable

AS_OF = date(2023, 7, 9)
CONFIG = """schema: 1
name: trial
as_of: 2023-07-09
dyad: {a: USA, b: CHN}
events: {source: events.csv}
targets: {arms: {label: Arms, any_of: [military_incident, military_posture], min_severity: 3}}
milestones: [{name: soon, label: Soon, date: 2023-12-31}]
headline: {target: arms, milestone: soon}
model: {family: panel}
"""
LIST = """schema: 1
name: trial
as_of: 2023-07-09
horizons: [30, 90, 180]
events: [events.csv]
targets: {arms: {any_of: [military_incident, military_posture], min_severity: 3}}
model: {family: panel}
dyads:
  - {a: USA, b: CHN}
"""


@pytest.fixture(scope="module")
def faults(tool):
    return tool("attack/faults")


def test_of_forty_eight_faults_one_at_most_is_missed_and_none_that_moves_a_forecast_by_five_points(faults):
    tallies, _ = faults.attack(faults.records(None), 48, seed=5)
    missed = [case for tally in tallies.values() for case in tally.missed]
    assert len(missed) <= 1
    assert max(move for tally in tallies.values() for move in tally.moved) < 0.05
    assert all(tally.tried == 8 for tally in tallies.values())
    assert tallies["duplicated archive"].seen + tallies["duplicated archive"].refused >= 7


def test_an_exchange_of_the_sides_changes_no_probability(faults, tmp_path):
    one = faults.records(None)[0]
    changed = faults._columns(one.table)
    changed["initiator"], changed["recipient"] = changed["recipient"], changed["initiator"]
    config = faults.base_config(tmp_path)
    before, after = (
        faults.probabilities(one, table, config, AS_OF)
        for table in (one.table, faults._remade(one.table, changed))
    )
    assert (before == after).all()


def said(*arguments: object) -> dict:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def of_commands(folder: Path, table: EventTable) -> list[set[str]]:
    """What summary, check and watch say of the feed, by text."""
    write_events(table, folder / "events.csv")
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "list.yaml").write_text(LIST)
    summary = said("events", "summary", folder / "events.csv", "--as-of", AS_OF)["feed_faults"]
    check = [
        one["fault"]
        for one in said("check", folder / "config.yaml")["cautions"]
        if one["code"] == "feed_fault"
    ]
    watch = said("watch", folder / "list.yaml", "--out", folder / "out", "--no-ledger", "--no-report")
    faults = (summary, check, watch["dyads"][0]["feed_faults"])
    return [{one["text"].split(": ", 1)[1] for one in some} for some in faults]


@pytest.mark.parametrize("kind", ["doubled day", "changed coding"])
def test_summary_check_and_watch_say_the_same_of_a_damaged_feed(faults, kind, tmp_path):
    one = faults.records(None)[0]
    known = faults.replace(one, table=one.table.known_by(AS_OF))
    chance = random.Random(1)
    damages = (faults.KINDS[kind](known, AS_OF, chance) for _ in range(40))
    damaged = next(
        found
        for found in damages
        if found and found.table is not None and faults.alarms(known, found.table, AS_OF)
    )
    summary, check, watch = of_commands(tmp_path, damaged.table)
    assert summary
    assert summary == check == watch


def test_a_watch_names_the_rows_that_the_watch_before_knew_and_this_one_lacks(faults, tmp_path):
    one = faults.records(None)[0]
    known = one.table.known_by(AS_OF)
    of_commands(tmp_path, known)
    (tmp_path / "list.yaml").write_text(LIST.replace("2023-07-09", "2023-07-10"))
    write_events(known.select(known.date < faults.np.datetime64("2023-05-01")), tmp_path / "events.csv")
    again = said("watch", tmp_path / "list.yaml", "--out", tmp_path / "out", "--no-ledger", "--no-report")
    assert "changed_rows" in {fault["code"] for fault in again["dyads"][0]["feed_faults"]}
