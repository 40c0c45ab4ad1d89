"""``forecast events merge``: matching, alpha against published values, resolved disagreements."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask

from forecast.events.duplicates import krippendorff_alpha, match_events, measure_agreement, merge_units
from forecast.events.reading import read_events
from forecast.events.table import COLUMNS, Event, EventTable
from tests.conftest import an_act

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", the example of four observers with
# gaps; he gives nominal 0.743, ordinal 0.815.
PUBLISHED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def units_of(coders):
    return [
        {coder: value for coder, value in enumerate(column) if value is not None}
        for column in zip(*coders, strict=True)
    ]


def event(day="2023-02-04", **changes) -> Event:
    return an_act(day=day, **{"summary": "Formal protest over the balloon"} | changes)


def table(*events: Event) -> EventTable:
    return EventTable.from_events(events, "a coder")


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_alpha_is_that_of_the_published_example(level, alpha):
    assert krippendorff_alpha(units_of(PUBLISHED), level) == pytest.approx(alpha, abs=5e-4)


def test_alpha_is_not_defined_where_nothing_varies_or_nothing_is_shared():
    assert krippendorff_alpha([{0: "visit", 1: "visit"}] * 3) is None
    assert krippendorff_alpha([{0: "visit"}, {1: "sanction"}]) is None
    assert krippendorff_alpha([]) is None


def test_alpha_is_that_of_nltk():
    rng = np.random.default_rng(2)
    ratings = [{0: int(one), 1: int(other)} for one, other in rng.integers(1, 6, (60, 2))]
    triples = [
        (str(coder), unit, value) for unit, rated in enumerate(ratings) for coder, value in rated.items()
    ]
    expected = AnnotationTask(triples, lambda one, other: float(one != other)).alpha()
    assert krippendorff_alpha(ratings) == pytest.approx(expected, abs=1e-12)


def test_rows_far_apart_in_time_or_of_other_actors_are_not_one_event():
    first = table(event())
    for other in (event("2023-02-06"), event(initiator="JPN")):
        assert [len(unit) for unit in match_events([first, table(other)])] == [1, 1]


def test_rows_of_one_day_are_told_apart_by_their_content():
    protest, listing = event(), event(id="e2", category="sanction", summary="Firms added to the entity list")
    seen = [
        event(id="b1", category="dispute", summary="Twelve firms added to the entity list"),
        event(id="b2", category="sanction", summary="Protest over the balloon"),
    ]
    units = match_events([table(protest, listing), table(*seen)])
    assert [(unit[0].id, unit[1].id) for unit in units] == [("e1", "b2"), ("e2", "b1")]


def test_the_greatest_sum_is_taken_and_not_the_first_fit():
    # b fits both a1 and a2; c fits only a1: giving b to a1 would leave c alone.
    a1, a2 = event(id="a1", summary=""), event("2023-02-05", id="a2", summary="")
    b, c = event(id="b", summary=""), event("2023-02-03", id="c", summary="")
    units = match_events([table(a1, a2), table(c, b)])
    pairs = sorted((unit[0].id, unit[1].id) for unit in units)
    assert pairs == [("a1", "c"), ("a2", "b")]


def test_a_file_matched_with_itself_is_all_agreement(us_china):
    units = match_events([us_china, us_china])
    assert len(units) == len(us_china)
    assert all(unit[0] == unit[1] for unit in units)
    assert {one.equal for one in measure_agreement(units[:60])} == {1.0}


@pytest.mark.parametrize(
    ("rule", "severity", "category"), [("first", 2, "dispute"), ("majority", 3, "sanction")]
)
def test_disagreements_are_resolved_by_the_rule(rule, severity, category):
    tables = [
        table(event()),
        table(event(severity=3, category="sanction", subcategory="listing")),
        table(event("2023-02-05", severity=3, category="sanction")),
    ]
    merged = merge_units(match_events(tables), ["anna", "ben", "cem"], rule=rule)
    (row,) = merged.table.rows()
    assert (row.severity, row.category, row.date) == (severity, category, date(2023, 2, 4))
    assert row.subcategory == ("" if rule == "first" else "listing"), "it belongs to the category"
    found = {one.property: one for one in merged.disagreements}
    assert set(found) == {"date", "category", "severity"}
    assert found["severity"].values == {"anna": "2", "ben": "3", "cem": "3"}
    assert found["severity"].taken == str(severity)


def test_no_property_of_a_merged_row_is_invented():
    rng = np.random.default_rng(3)
    start = date(2023, 1, 1)
    coders = []
    for _ in range(3):
        rows = []
        for number in range(40):
            day = start + timedelta(days=int(3 * number + rng.integers(0, 2)))
            known = day + timedelta(days=int(rng.integers(0, 9)))
            judged = {"category": str(rng.choice(["dispute", "visit", "sanction"]))}
            judged["severity"] = int(rng.integers(1, 6))
            told = {"id": f"e{number}", "summary": f"act number{number}"}
            rows.append(event(date=day, known_date=known, **judged, **told))
        coders.append(table(*rows))
    units = match_events(coders)
    merged = {row.id: row for row in merge_units(units, ["a", "b", "c"], rule="majority").table.rows()}
    assert len(merged) == 40
    for unit in units:
        row = merged[unit[0].id]
        given = list(unit.values())
        assert (row.date, row.known_date) in {(one.date, one.known_date) for one in given}
        assert row.severity in {one.severity for one in given}
        assert row.category in {one.category for one in given}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two coders' files: three shared events, one of each alone."""
    monkeypatch.chdir(tmp_path)
    head = "id,date,initiator,target,category,severity,summary\n"
    anna = (
        "a1,2023-02-04,USA,CHN,military_incident,4,Balloon shot down\n"
        "a2,2023-02-10,USA,CHN,sanction,2,Six firms listed\n"
        "a3,2023-03-01,CHN,USA,dispute,2,Protest\n"
        "a4,2023-04-01,USA,CHN,visit,2,Minister travels\n"
    )
    ben = (
        "b1,2023-02-05,USA,CHN,military_incident,5,Balloon is shot down\n"
        "b2,2023-02-10,USA,CHN,dispute,2,Firms listed\n"
        "b3,2023-03-01,CHN,USA,dispute,2,Protest\n"
        "b4,2023-06-01,USA,CHN,visit,1,Meeting\n"
    )
    (tmp_path / "anna.csv").write_text(head + anna)
    (tmp_path / "ben.csv").write_text(head + ben)
    return tmp_path


def test_the_merged_file_reads_and_says_where_each_row_comes_from(files, command):
    code, out, _ = command("merge", "anna.csv", "ben.csv", "-o", "all.csv", "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["events"], found["shared"]) == (5, 3)
    assert [row["alone"] for row in found["coders"]] == [1, 1]
    severity = next(one for one in found["agreement"] if one["name"] == "severity")
    assert (severity["units"], severity["equal"]) == (3, pytest.approx(2 / 3))
    merged = read_events("all.csv")
    assert merged.id.tolist() == ["a1", "a2", "a3", "a4", "b4"]
    lines = (files / "all.csv").read_text().splitlines()
    assert lines[0].endswith("x_coders,x_rows,x_resolved")
    assert "anna; ben,a1; b1,date = 2023-02-04 2023-02-04" in lines[1]
    assert "severity = 4 (anna: 4 | ben: 5)" in lines[1]
    assert lines[4].endswith(",anna,a4,")
    assert len(lines[0].split(",")) == len(COLUMNS) + 3


def test_the_table_names_coders_rule_and_disagreements(files, command, snapshot):
    assert command("merge", "anna.csv", "ben.csv") == snapshot
    assert len(list(files.iterdir())) == 2, "nothing is written"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("anna.csv",), "one file alone has nothing to be merged with"),
        (("anna.csv", "./anna.csv"), "given twice"),
        (("anna.csv", "bem.csv"), "Did you mean 'ben.csv'?"),
        (("anna.csv", "ben.csv", "-o", "ben.csv"), "exists. Give the name of a new file"),
        (("anna.csv", "ben.csv", "-o", "no/all.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_merged_is_one_clear_error(files, command, arguments, message):
    code, out, err = command("merge", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
