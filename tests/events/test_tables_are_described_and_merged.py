"""What a file holds, rows that may be one event, whose acts they are, and the files of several coders."""

import csv
import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from forecast.cli.events import app
from forecast.errors import EventError
from forecast.events import duplicates
from forecast.events.codebook import CATEGORIES
from forecast.events.duplicates import (
    find_duplicates,
    krippendorff_alpha,
    likely_repeats,
    match_events,
    measure_agreement,
    merge_units,
)
from forecast.events.dyads import (
    Direction,
    DyadRule,
    PairRows,
    main_pairs,
    pair_rows,
    pairs_in_words,
)
from forecast.events.reading import read_events
from forecast.events.summary import coding_jump, summarise
from forecast.events.table import COLUMNS, Event, EventTable
from forecast.phrases.data import left_out_in_words, repeats_in_words, selection_notes
from tests.conftest import an_act

HEADER = "id,date,initiator,target,category,severity,summary"


def read(event_file, *rows: str, header: str = HEADER):
    return read_events(event_file("\n".join((header, *rows)) + "\n"))


def test_counts_add_up_to_the_rows_by_severity_and_by_year(us_china):
    described = summarise(us_china)
    assert sum(sum(row.values()) for row in described.by_category_severity.values()) == 849
    assert sum(sum(row.values()) for row in described.by_year_category.values()) == 849
    assert tuple(described.by_category_severity) == CATEGORIES
    assert described.by_category_severity["military_posture"] == {1: 95, 2: 45, 3: 15, 4: 2, 5: 0}
    assert described.by_year_category[2020]["sanction"] == 72
    assert (described.verified_share, described.rows_sourced) == (pytest.approx(607 / 849), 849)
    assert described.late_known_share == pytest.approx(71 / 849)
    assert (described.first_date, described.last_date) == (date(2017, 1, 5), date(2023, 7, 10))
    assert list(described.actors.items())[:3] == [("CHN", 848), ("USA", 821), ("TWN", 24)]


def test_a_year_cut_short_is_divided_by_its_own_months(event_file):
    table = read(
        event_file,
        "a,2020-12-01,USA,CHN,visit,2,x",
        "b,2020-12-31,USA,CHN,visit,2,y",
        "c,2021-01-31,USA,CHN,visit,2,z",
        "d,2021-02-14,USA,CHN,visit,2,z",
    )
    per_month = summarise(table).per_month_by_year
    assert per_month == pytest.approx({2020: 2 / 1, 2021: 2 / 1.5})


def test_gaps_are_the_days_between_acts_from_thirty_days_up(event_file):
    table = read(
        event_file,
        "a,2020-01-01,USA,CHN,visit,2,x",
        "b,2020-01-31,USA,CHN,visit,2,x",
        "c,2020-03-02,USA,CHN,visit,2,x",
        "d,2021-03-02,USA,CHN,visit,2,x",
    )
    # 29 empty days in January are no gap; 30 in February are.
    assert summarise(table).gaps == (
        {"first": date(2020, 3, 3), "last": date(2021, 3, 1), "days": 364},
        {"first": date(2020, 2, 1), "last": date(2020, 3, 1), "days": 30},
    )


def test_like_summaries_a_day_apart_are_suspicious_and_others_are_not(event_file):
    table = read(
        event_file,
        "a,2020-01-01,USA,CHN,sanction,2,Commerce adds eleven Chinese firms to the Entity List",
        "b,2020-01-02,USA,CHN,sanction,3,Commerce adds eleven Chinese companies to the Entity List",
        "c,2020-01-02,USA,CHN,sanction,2,Treasury names four Hong Kong officials",
        "d,2020-01-02,USA,CHN,dispute,2,Commerce adds eleven Chinese firms to the Entity List",
        "e,2020-01-02,USA,RUS,sanction,2,Commerce adds eleven Chinese firms to the Entity List",
        "f,2020-01-04,USA,CHN,sanction,2,Commerce adds eleven Chinese firms to the Entity List",
    )
    (group,) = find_duplicates(table)[0]
    assert group.ids == ("a", "b")
    # Words of three letters and more: seven shared of nine in all.
    assert group.likeness == pytest.approx(7 / 9)
    assert group.reason == "1 day apart, same category, summaries 78% alike, severities differ"
    assert find_duplicates(table, window_days=0)[0] == ()
    assert len(find_duplicates(table, window_days=2)[0][0].ids) == 3


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (
            (
                "a,2020-01-01,USA,CHN,visit,2,They meet in Rome",
                "b,2020-01-01,CHN,USA,visit,2,they  meet in ROME",
            ),
            "same day, same category, same summary, actors the other way round",
        ),
        (
            (
                "a,2020-01-01,USA,CHN,sanction,2,",
                "b,2020-01-01,USA,CHN,sanction,2,",
                "c,2020-01-02,USA,CHN,sanction,2,",
                "d,2020-01-01,USA,CHN,sanction,3,",
            ),
            "same day, same category, no summary to tell them apart",
        ),
    ],
    ids=("from both sides", "without summaries"),
)
def test_acts_coded_twice_are_suspicious(event_file, rows, reason):
    (group,) = find_duplicates(read(event_file, *rows))[0]
    assert (group.ids, group.reason) == (("a", "b"), reason)


LIKELY = (
    "b,2020-01-02,USA,CHN,sanction,2,Treasury names four Hong Kong officials",
    "a,2020-01-01,USA,CHN,sanction,2,Commerce adds eleven Chinese firms to its Entity List",
    "c,2020-01-01,USA,CHN,sanction,2,Commerce adds eleven Chinese firms to its Entity List today",
    "d,2020-01-02,USA,CHN,sanction,2,Commerce adds eleven Chinese firms to its Entity List",
    "e,2020-01-02,USA,CHN,sanction,2,Treasury names four officials of a bank in Macau",
)


def test_likely_repeats_are_named_by_file_and_line(event_file):
    # Lines 3 and 4 share eight of nine words; line 5 is of another day, line 6 shares too little with 2.
    groups = likely_repeats(read(event_file, *LIKELY))
    assert [group.lines for group in groups] == [(3, 4)]
    (said,) = repeats_in_words(groups, "my.csv")
    reason = "same day, same category, summaries 89% alike"
    assert said == f"my.csv: lines 3 and 4 are likely one event ({reason}); each counts"


def test_answers_and_short_summaries_are_not_called_one_event(event_file):
    rows = [
        "a,2020-01-01,USA,CHN,dispute,2,Accuses the other of theft",
        "b,2020-01-01,CHN,USA,dispute,2,Accuses the other of theft",
        "c,2020-01-02,USA,CHN,dispute,2,accuse",
        "d,2020-01-02,USA,CHN,dispute,2,accuse",
        "e,2020-01-03,USA,CHN,dispute,2,",
        "f,2020-01-03,USA,CHN,dispute,2,",
    ]
    rows += [row.replace("2020-01-01", "2020-01-05").replace("other", "CHN") + "!" for row in rows[:2]]
    rows[-2:] = [f"x{row}" for row in rows[-2:]]
    *groups, swapped = likely_repeats(read(event_file, *rows))
    assert (swapped.lines, swapped.reason.rpartition(", ")[2]) == ((8, 9), "actors the other way round")
    assert [(group.ids, group.telling) for group in groups] == [(("c", "d"), False), (("e", "f"), False)]
    (said,) = repeats_in_words(groups, "my.csv")
    assert said.startswith("my.csv: 2 rows are coded as others are on the same day, without a summary")


def test_nothing_is_left_out_in_silence_when_there_are_too_many_pairs(event_file, monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_COMPARISONS", 4)
    rows = [f"{n},2020-01-01,USA,CHN,sanction,2,text number {n}{n}{n}" for n in range(5)]
    assert find_duplicates(read(event_file, *rows))[1] == 10 - 4


def test_a_row_added_twice_to_the_bundled_set_is_found(us_china, event_file):
    assert find_duplicates(us_china)[0] == ()
    lines = us_china.canonical_csv().splitlines()
    copy = "copy" + lines[400][lines[400].index(",") :]
    (group,) = find_duplicates(read_events(event_file("\n".join([*lines, copy]))))[0]
    assert group.ids[0] == "copy"
    assert group.likeness == 1


def test_a_leap_of_conflict_and_of_talks_in_one_year_is_told_with_the_rows(event_file):
    def told(kinds):
        years = [(year, kind) for year, kinds in zip(range(2015, 2020), kinds, strict=True) for kind in kinds]
        rows = (f"r{n},{year}-03-{1 + n % 28:02},USA,CHN,{kind},2," for n, (year, kind) in enumerate(years))
        return coding_jump(read(event_file, *rows))

    few, many = ["visit"] * 8 + ["dispute"] * 10, ["visit"] * 18 + ["dispute"] * 30
    assert told([few, few, few, many, few]) == (2018, (10, 8), (30, 18))
    crisis = ["visit"] * 8 + ["dispute"] * 60
    assert told([few, few, few, crisis, few]) is told([few] * 5) is None


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
    assert krippendorff_alpha([["visit", "visit"]] * 3) == (1.0, None, None)
    assert krippendorff_alpha([["visit"], ["sanction"]]) == krippendorff_alpha([]) == (None, None, None)


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
        (("anna.csv", "ben.csv", "-o", "all.xlsx"), "Give a name that ends in .csv"),
    ],
)
def test_what_cannot_be_merged_is_one_clear_error(files, command, arguments, message):
    code, out, err = command("merge", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


ACTORS = ("USA", "NAT", "SER", "CHN", "TWN", "Kurdish rebels")


def acts(*pairs: tuple[str, str]) -> EventTable:
    """One act a pair of initiator and recipient, each on the same day, in the order given."""
    events = [an_act(f"e{place:04d}", initiator=a, recipient=b) for place, (a, b) in enumerate(pairs)]
    return EventTable.from_events(events, "a test")


pairs = st.lists(st.tuples(st.sampled_from(ACTORS), st.sampled_from(ACTORS)), max_size=12)
rules = st.permutations(ACTORS).flatmap(
    lambda names: st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(0, 2)).map(
        lambda sizes: DyadRule(
            tuple(names[: sizes[0]]),
            tuple(names[sizes[0] : sizes[0] + sizes[1]]),
            tuple(names[sizes[0] + sizes[1] : sum(sizes)]),
        )
    )
)


@pytest.mark.parametrize(
    ("rule", "initiator", "recipient", "direction"),
    [
        (DyadRule(("USA",), ("CHN",)), "USA", "CHN", Direction.A_TO_B),
        (DyadRule(("USA",), ("CHN",)), "CHN", "USA", Direction.B_TO_A),
        (DyadRule(("USA",), ("CHN",)), "CHN", "TWN", Direction.OUTSIDE),
        # several actors: an act within a side is no act of the dyad
        (DyadRule(("USA", "NAT"), ("SER",)), "NAT", "SER", Direction.A_TO_B),
        (DyadRule(("USA", "NAT"), ("SER",)), "SER", "USA", Direction.B_TO_A),
        (DyadRule(("USA", "NAT"), ("SER",)), "USA", "NAT", Direction.OUTSIDE),
        # the theatre: with a side, either way; not among third parties
        (DyadRule(("USA",), ("CHN",), ("TWN", "SER")), "CHN", "TWN", Direction.THEATRE),
        (DyadRule(("USA",), ("CHN",), ("TWN", "SER")), "TWN", "USA", Direction.THEATRE),
        (DyadRule(("USA",), ("CHN",), ("TWN", "SER")), "TWN", "SER", Direction.OUTSIDE),
        # names are compared whole, as they are written
        (DyadRule(("Kurdish rebels",), ("SER",)), "Kurdish rebels", "SER", Direction.A_TO_B),
        (DyadRule(("usa",), ("CHN",)), "USA", "CHN", Direction.OUTSIDE),
    ],
)
def test_an_act_belongs_by_who_acts_upon_whom(rule, initiator, recipient, direction):
    assert rule.directions(acts((initiator, recipient))).tolist() == [direction]


@given(rule=rules, rows=pairs, chance=st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_that_of_sides_and_actors_matters(rule, rows, chance):
    turned = DyadRule(rule.b[::-1], rule.a[::-1], rule.theatre[::-1])
    shuffled = chance.sample(rows, len(rows))
    one, other = acts(*rows), acts(*shuffled)
    assert pair_rows(one.select(rule.mask(one))) == pair_rows(other.select(turned.mask(other)))
    assert rule.left_out(one) == turned.left_out(other)
    assert rule.sides == turned.sides


def test_a_rule_needs_two_sides_that_share_no_actor():
    with pytest.raises(ValueError, match="needs an actor"):
        DyadRule((), ("CHN",))
    with pytest.raises(ValueError, match="named twice: USA, CHN, USA"):
        DyadRule(("USA",), ("CHN",), ("USA",))


def test_the_bundled_file_holds_three_third_parties(us_china):
    rule = DyadRule(("USA",), ("CHN",))
    assert [*rule.left_out(us_china)] == [
        PairRows("CHN", "TWN", 23),
        PairRows("CHN", "HKG", 3),
        PairRows("CHN", "CAN", 2),
        PairRows("TWN", "USA", 1),
    ]
    assert DyadRule(("USA",), ("CHN",), ("TWN", "HKG", "CAN")).mask(us_china).all()


def test_pairs_are_listed_with_the_largest_first_and_the_rest_summed():
    table = acts(("A", "B"), ("B", "A"), ("A", "B"), ("A", "C"), ("D", "C"), ("A", "A"))
    assert pairs_in_words(main_pairs(table), 2) == "A–B (3 rows), A–C (1) and other pairs (1)"
    assert pairs_in_words({}) == "no acts between two actors"
    left_out = DyadRule(("A",), ("C",)).left_out(table)
    assert left_out_in_words(left_out, 5, 2) == "A to B (2 rows), A to A (1) and other pairs (2)"


def test_few_rows_and_actors_that_never_appear_are_noted():
    table = acts(("USA", "CHN"), *[("IND", "PAK")] * 12)
    rule = DyadRule(("USA",), ("CHN", "IDN"))
    few, unseen = selection_notes(rule, table.select(rule.mask(table)), rule.left_out(table))
    assert few == (
        "only 1 of 13 rows are acts between USA and CHN or IDN. The file also holds IND–PAK (12 rows)."
    )
    assert unseen == "no row names IDN. Did you mean 'IND' for 'IDN'?"
    table = acts(("USA", "CHN"), *[("IND", "PAK")] * 9)
    rule = DyadRule(("USA",), ("CHN",))
    assert [*selection_notes(rule, table.select(rule.mask(table)), rule.left_out(table))] == []


DOC = Path(__file__).resolve().parents[2] / "docs/codebook.md"
GOOD = "date,initiator,target,category,severity\n2023-02-04,USA,NAT,visit,2\n"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run ``forecast events`` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return lambda *arguments: CliRunner().invoke(app, list(arguments), catch_exceptions=False)


SHEET = "Date;Initiator;Target;Category;Severity\n" + "13/02/2020;India;PAK;visit;3,0\n" * 2


def test_files_are_checked_and_described(run, event_file, snapshot):
    said = [run("validate", str(event_file(GOOD).name)).stdout]
    event_file(SHEET)
    said.append(run("validate", "events.csv", "--dates", "dmy").stdout)
    said.append(run("validate", "bundled:us-china").stdout)
    assert all(len(line) <= 100 for line in "".join(said).splitlines())
    assert said == snapshot


def test_the_error_example_of_the_codebook_page_is_what_the_command_prints(run, command, event_file):
    printed = re.search(
        r"```text\n(forecast: events\.csv:.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL
    )
    assert printed is not None
    event_file(
        "date,initator,target,category,severity,summary,known_date\n"
        "2023-02-30,USA,CHN,military_incident,3,Balloon enters the air space,\n"
        "2023-02-04,USA,CHN,military_incident,4,Balloon shot down,2023-02-04\n"
        "2023-02-04,USA,CHN,dispute,7,Protest,2023-02-03\n"
        "2023-02-06,USA,CHN,visit\n"
    )
    assert command("validate", "events.csv") == (2, "", printed[1])


def test_all_faults_are_listed_and_exit_with_two(run, command, event_file):
    event_file(GOOD + "2023-02-04,USA,NAT,visit,9\n" * 40)
    result = command("validate", "events.csv")
    assert result.code == 2
    assert len(re.findall(r"events\.csv:\d+: severity: '9'", result.err)) == 40
    assert json.loads(run("validate", "events.csv", "--json").stdout)["faults"][39]["line"] == 42


def test_a_sheet_is_put_right_as_told_and_written_by_the_codebook(run, command, event_file):
    event_file(SHEET)
    asked = command("validate", "events.csv")
    assert (asked.code, len(asked.err.splitlines())) == (2, 1)
    assert "--dates dmy" in asked.err
    facts = json.loads(run("validate", "events.csv", "--dates", "dmy", "--json").stdout)
    assert (len(facts["notes"]), facts["duplicates"][0]["lines"]) == (5, [2, 3])
    assert (
        "Written  clean.csv" in run("validate", "events.csv", "--dates", "dmy", "--out", "clean.csv").stdout
    )
    clean = json.loads(run("validate", "clean.csv", "--json").stdout)
    assert (clean["rows"], clean["notes"]) == (2, [])
    with pytest.raises(EventError, match=r"clean\.csv: exists. Give the name of a new file"):
        run("validate", "events.csv", "--dates", "dmy", "--out", "clean.csv")
