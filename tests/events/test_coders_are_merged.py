"""``forecast events merge``: matching, alpha against published values, resolved disagreements."""

import csv
import json

import pytest

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


def event(day="2023-02-04", **changes) -> Event:
    return an_act(day=day, **{"summary": "Formal protest over the balloon"} | changes)


def table(*events: Event) -> EventTable:
    return EventTable.from_events(events, "a coder")


def test_alpha_is_that_of_the_published_example():
    units = [[value for value in column if value is not None] for column in zip(*PUBLISHED, strict=True)]
    for ordinal, alpha in ((False, 0.743), (True, 0.815)):
        assert krippendorff_alpha(units, ordinal=ordinal)[1] == pytest.approx(alpha, abs=5e-4)


def test_alpha_is_not_defined_where_nothing_varies_or_nothing_is_shared():
    assert krippendorff_alpha([["visit", "visit"]] * 3) == (1.0, None)
    assert krippendorff_alpha([["visit"], ["sanction"]]) == krippendorff_alpha([]) == (None, None)


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
    assert {one["equal"] for one in measure_agreement(units[:60])} == {1.0}


def test_the_first_file_that_holds_an_event_leads_and_others_fill_what_it_leaves_empty():
    tables = [
        table(event(summary="")),
        table(event(severity=3, category="sanction", subcategory="listing", summary="Two firms")),
        table(event("2023-02-05", severity=3, subcategory="protest")),
    ]
    disagreements, text = merge_units(match_events(tables), ["anna", "ben", "cem"])
    (row,) = csv.DictReader(text.splitlines())
    assert (row["severity"], row["category"], row["date"]) == ("2", "dispute", "2023-02-04")
    assert (row["subcategory"], row["summary"]) == ("protest", "Two firms"), "it belongs to the category"
    found = {one["property"]: one for one in disagreements}
    assert set(found) == {"date", "category", "severity"}
    assert found["severity"]["values"] == {"anna": "2", "ben": "3", "cem": "3"}
    assert found["severity"]["taken"] == "2"


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
