from datetime import date

import pytest

from forecast.events import duplicates
from forecast.events.codebook import CATEGORIES
from forecast.events.duplicates import find_duplicates, likely_repeats, repeats_in_words
from forecast.events.reading import read_events
from forecast.events.summary import summarise

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
    assert described.verified_share == pytest.approx(607 / 849)
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


def test_repeats_beyond_the_first_are_counted(event_file):
    rows = [f"{n},2020-01-{n // 3 + 1:02d},USA,CHN,sanction,2,one and the same act" for n in range(9)]
    first, rest = repeats_in_words(likely_repeats(read(event_file, *rows)), "my.csv", shown=1)
    assert first.startswith(
        "my.csv: lines 2, 3 and 4 are likely one event (same day, same category, same summ"
    )
    assert rest == (
        "my.csv: 4 more rows likely repeat another; each counts. "
        "All of them: forecast events validate my.csv --json"
    )


def test_answers_and_short_summaries_are_not_called_one_event(event_file):
    rows = [
        "a,2020-01-01,USA,CHN,dispute,2,Accuses the other of theft",
        "b,2020-01-01,CHN,USA,dispute,2,Accuses the other of theft",
        "c,2020-01-02,USA,CHN,dispute,2,accuse",
        "d,2020-01-02,USA,CHN,dispute,2,accuse",
        "e,2020-01-03,USA,CHN,dispute,2,",
        "f,2020-01-03,USA,CHN,dispute,2,",
    ]
    groups = likely_repeats(read(event_file, *rows))
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
