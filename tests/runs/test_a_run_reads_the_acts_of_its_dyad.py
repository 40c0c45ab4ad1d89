"""Rows of other pairs change nothing, and are counted; past cases of a target give a rate."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
import yaml

from forecast.baselines import past_events
from forecast.config import config_hash, load_config
from forecast.errors import ConfigError, EventError
from forecast.events.dyads import PairRows
from forecast.events.reading import read_events
from forecast.events.table import Event, EventTable
from forecast.records.analysis import DataSummary, Outcome
from forecast.runs.inputs import inputs_from, read_inputs
from forecast.runs.summaries import MOST_CASES, constant_rate, data_summary, past_cases
from forecast.targets import TargetRule

CONFIG = """\
name: small
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN]}
as_of: 2022-01-01
events: {source: events.csv}
targets:
  crisis: {any_of: [sanction, military_incident], min_severity: 4}
milestones:
  - {name: new-year, date: 2023-01-01}
model: {family: model}
sampler: {seed: 5}
"""
HEADER = "date,known_date,initiator,target,category,severity\n"
OWN = """\
2021-01-05,,USA,CHN,sanction,4
2021-03-01,,CHN,USA,military_incident,3
2021-04-01,,CHN,TWN,military_posture,4
"""
OTHERS = """\
2021-01-06,,IND,PAK,military_incident,5
2021-03-02,,IND,PAK,sanction,4
2021-03-03,,PAK,IND,sanction,4
2021-03-04,,CHN,IND,military_incident,5
2022-06-01,,IND,PAK,sanction,4
"""
"""The last of them became known after the as-of date, 1 January 2022."""


@pytest.fixture
def read(tmp_path):
    def make(rows: str, *overrides: str):
        (tmp_path / "case.yaml").write_text(CONFIG, encoding="utf-8")
        (tmp_path / "events.csv").write_text(HEADER + rows, encoding="utf-8")
        return read_inputs(load_config(tmp_path / "case.yaml", overrides))

    return make


def test_what_came_after_the_as_of_date_is_known_to_the_report_alone(read):
    later = "2022-02-01,,USA,CHN,sanction,4\n2022-03-01,,USA,CHN,sanction,3\n"
    hidden, shown = read(OWN + later), read(OWN + later, "outcome=show")
    came = Outcome(target="crisis", came_on=date(2022, 2, 1), through=date(2022, 3, 1))
    assert (hidden.outcomes, shown.outcomes) == ((), (came,))
    assert shown.events.sha256 == hidden.events.sha256 == read(OWN).events.sha256
    assert config_hash(shown.config) == config_hash(hidden.config)


def test_rows_of_another_pair_change_nothing(read):
    alone, beside = read(OWN), read(OTHERS + OWN)
    assert beside.events.sha256 == alone.events.sha256
    assert len(beside.events) == 3
    assert np.array_equal(beside.data.counts, alone.data.counts)
    assert (alone.left_out, alone.rows_left_out) == ((), 0)
    # what became known later is not counted either
    assert beside.left_out == (
        PairRows("IND", "PAK", 2),
        PairRows("CHN", "IND", 1),
        PairRows("PAK", "IND", 1),
    )


def test_the_theatre_and_further_actors_of_a_side_are_the_configs_to_name(read):
    assert len(read(OWN, "dyad.theatre=[]").events) == 2
    assert len(read(OWN, "dyad.theatre=[]", "dyad.a=[USA, TWN]").events) == 3


def test_what_is_left_out_stands_in_the_record_and_in_the_report(read):
    inputs = read(OTHERS + OWN)
    summary = data_summary(inputs.events, inputs.data.grid, inputs.dyad, inputs.left_out)
    assert (summary.rows, summary.rows_left_out) == (3, 4)
    assert summary.dyad.model_dump() == {
        "a": ("USA",),
        "b": ("CHN",),
        "theatre": ("TWN", "HKG", "CAN"),
        "rows_a_to_b": 1,
        "rows_b_to_a": 1,
        "rows_theatre": 1,
    }
    assert summary.left_out[0].model_dump() == {"initiator": "IND", "recipient": "PAK", "rows": 2}
    assert DataSummary.model_validate_json(summary.model_dump_json()) == summary


def test_the_record_names_the_first_fifty_pairs_and_counts_all(read):
    inputs = read(OWN)
    many = tuple(PairRows(f"A{place:02d}", "BBB", 1) for place in range(60))
    summary = data_summary(inputs.events, inputs.data.grid, inputs.dyad, many)
    assert (len(summary.left_out), summary.rows_left_out) == (50, 60)


@pytest.fixture
def check(tmp_path, command):
    """Run ``forecast check`` on the case that was read; give what it prints, in one line."""

    def run(*options: str) -> str:
        shown = command("check", tmp_path / "case.yaml", *options)
        assert (shown.code, shown.err) == (0, "")
        return " ".join(shown.out.split())

    return run


def test_check_counts_the_rows_left_out_by_pair(read, check):
    read(OTHERS + OWN)
    text = check()
    assert "3 events: 1 by USA towards CHN, 1 by CHN towards USA, 1 with third parties (TWN, HKG" in text
    assert "Left out as acts of others: IND to PAK (2 rows), CHN to IND (1) and PAK to IND (1)." in text
    assert "Note: no row names HKG and CAN." in text
    facts = json.loads(check("--json"))
    assert facts["rows_left_out"] == 4
    assert facts["left_out"][0] == {"initiator": "IND", "recipient": "PAK", "rows": 2}
    assert facts["dyad"] == {"a": ["USA"], "b": ["CHN"], "theatre": ["TWN", "HKG", "CAN"]}


def test_an_actor_may_have_any_name(read):
    rows = "2021-01-05,,TUR,Kurdish rebels,military_incident,3\n2021-02-05,,Kurdish rebels,TUR,sanction,4\n"
    inputs = read(rows + OWN, "dyad={a: TUR, b: Kurdish rebels}")
    assert (len(inputs.events), inputs.config.dyad.title) == (2, "Turkey – Kurdish rebels")


RULE = TargetRule("clash", ("military_incident",), 4)
START, ORIGIN = date(2020, 1, 1), date(2022, 1, 1)


def table(days, severity=4):
    rows = [
        Event(
            id=f"e{place}",
            date=day,
            known_date=day,
            initiator="USA",
            recipient="CHN",
            category="military_incident",
            severity=severity,
        )
        for place, day in enumerate(days)
    ]
    return EventTable.from_events(rows, "made")


def test_the_rate_is_that_of_the_days_with_an_event_in_the_days_of_record():
    days = [date(2020, 5, 1), date(2020, 5, 1), date(2021, 3, 1), date(2021, 9, 9)]
    found = constant_rate(past_events(table(days), RULE, ORIGIN, START), 100)
    assert found == pytest.approx(1 - np.exp(-3 * 100 / 731))


def test_nothing_seen_gives_no_rate():
    assert constant_rate(past_events(table([date(2020, 5, 1)], severity=3), RULE, ORIGIN, START), 100) is None
    assert past_cases(table([date(2020, 5, 1)], severity=3), RULE, ORIGIN, START) == ()


def test_cases_are_the_last_before_the_origin_in_their_order():
    days = [START + timedelta(days=40 * k) for k in range(25)]
    found = past_cases(table(days), RULE, ORIGIN, START)
    known = [day for day in days if day < ORIGIN]
    assert [one.date for one in found] == known[-MOST_CASES:]
    assert past_cases(table([START - timedelta(days=1)]), RULE, ORIGIN, START) == ()


def test_two_rows_of_one_day_are_one_case_in_the_list_as_in_the_rate():
    day = START + timedelta(days=40)
    twice = table([day, day])
    assert [one.date for one in past_cases(twice, RULE, ORIGIN, START)] == [day]
    once = constant_rate(past_events(table([day]), RULE, ORIGIN, START), 100)
    assert constant_rate(past_events(twice, RULE, ORIGIN, START), 100) == once


def test_a_fit_reads_the_same_from_a_file_a_table_or_a_frame_and_a_config_or_its_keys(read, tmp_path):
    known, path = read(OTHERS + OWN), tmp_path / "events.csv"
    table = read_events(path)
    settings = yaml.safe_load(CONFIG)
    del settings["events"]
    for events in (str(path), path, table, table.to_frame("pandas"), table.to_frame("polars")):
        for config in (tmp_path / "case.yaml", settings, load_config(tmp_path / "case.yaml")):
            found = inputs_from(events, config)
            assert found.events.sha256 == known.events.sha256
            assert found.left_out == known.left_out
    assert inputs_from(None, tmp_path / "case.yaml").events.sha256 == known.events.sha256
    assert inputs_from("bundled:us-china", tmp_path / "case.yaml").events.source == "bundled:us-china"
    read_already = inputs_from(None, tmp_path / "case.yaml")
    assert inputs_from(None, read_already) is read_already
    assert inputs_from("bundled:us-china", read_already).events.source == "bundled:us-china"


def test_a_frame_with_wrong_columns_is_refused_as_a_file_is_and_a_config_names_its_key(read, tmp_path):
    read(OWN)
    path = tmp_path / "events.csv"
    for change in ({"severity": "x_gone"}, {"severity": "sevrity"}):
        frame = read_events(path).to_frame().rename(columns=change)
        frame.to_csv(tmp_path / "wrong.csv", index=False)
        said = []
        for events in (frame, tmp_path / "wrong.csv"):
            with pytest.raises(EventError) as refused:
                inputs_from(events, tmp_path / "case.yaml")
            said.append(str(refused.value).replace(f"{tmp_path / 'wrong.csv'}:1:", "frame:"))
        assert said[0] == said[1]
        assert "sev" in said[0]
    with pytest.raises(ConfigError, match="config: dyad: required key is missing"):
        inputs_from(path, {"as_of": "2022-01-01"})


BEFORE = "2015-06-01,,USA,CHN,sanction,4\n"
SILENT = "targets.crisis.never_since="


def test_what_is_known_of_a_target_before_the_record_reaches_its_rates_and_every_narrower_target(read):
    narrow = "targets.collision={any_of: [military_incident], min_severity: 4, last_seen: 2020-01-01}"
    inputs = read("2020-11-05,,USA,CHN,visit,2\n" + OWN, narrow, f"{SILENT}1980")
    wide, narrower = inputs.rules
    assert [(one.silent_since, one.seen_then) for one in (wide, narrower)] == [(date(1980, 1, 1), False)] * 2
    layout, days = inputs.data.layout, (date(2020, 11, 5) - date(1980, 1, 1)).days
    silent = {
        stream.cell: weeks for stream, weeks in zip(layout.kinds, inputs.data.silent_weeks, strict=True)
    }
    assert silent == {(): 0.0, (0,): days / 7, (0, 1): days / 7}
    rate = constant_rate(past_events(inputs.events, wide, date(2022, 1, 2), date(2020, 11, 5)), 100)
    assert rate == pytest.approx(1 - np.exp(-100 / (days + 423)))


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        (f"{SILENT}2021-03-05", "does not lie before the record, which begins on 2021-01-05"),
        ("targets.crisis.last_seen=2031-01-01", "does not lie before the record"),
        (f"{SILENT}2015", "the file holds one on 2015-06-01, before the record begins on 2021-01-05"),
        ("targets.crisis.last_seen=2015-05-31", "the file holds one on 2015-06-01"),
        (f"{SILENT}long ago", "expected a date as YYYY-MM-DD"),
    ],
)
def test_a_silence_that_the_record_denies_is_refused(read, stated, says):
    with pytest.raises(ConfigError, match=says) as told:
        read(BEFORE + OWN, "events.start=2021-01-05", stated)
    assert "\n" not in str(told.value)
    read(BEFORE + OWN, "events.start=2021-01-05", "targets.crisis.last_seen=2015-06-01")
