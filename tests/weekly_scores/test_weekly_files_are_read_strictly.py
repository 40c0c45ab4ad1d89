import re
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.errors import EventError
from forecast.weekly_scores.reading import (
    LEAST_WEEKS,
    read_weekly_scores,
    rows_csv,
    scores_csv,
    scores_known_by,
)

HEAD = "week,initiator,target,score,acts\n"
START = date(2020, 1, 6)


def lines(n_weeks: int, *, acts: bool = True, start: date = START, step: int = 7) -> str:
    made = []
    for week in range(n_weeks):
        day = start + timedelta(days=step * week)
        for place, pair in enumerate(("USA,CHN", "CHN,USA")):
            count = f",{1 + week % 3}" if acts else ""
            made.append(f"{day},{pair},{week % 5 - 2.5 + place}{count}")
    return "\n".join(made) + "\n"


@pytest.fixture
def write(tmp_path):
    def make(text: str):
        path = tmp_path / "scores.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def known(path, as_of=date(2030, 1, 1), **more):
    return scores_known_by(read_weekly_scores(path), "USA", "CHN", as_of, source="scores.csv", **more)


def test_scores_and_acts_land_in_their_week_and_direction(write):
    series = known(write(HEAD + lines(60)))
    assert (series.start, len(series), series.end) == (START, 60, START + timedelta(weeks=60))
    assert series.directions == ("a_to_b", "b_to_a")
    assert series.score[:3].tolist() == [[-2.5, -1.5], [-1.5, -0.5], [-0.5, 0.5]]
    assert series.acts[:3].tolist() == [[1, 1], [2, 2], [3, 3]]
    assert series.total("both").tolist() == series.score.sum(axis=1).tolist()


def test_a_series_written_reads_back_as_the_same(write):
    series = known(write(HEAD + lines(60)))
    again = known(write(scores_csv(series, "USA", "CHN")))
    assert np.array_equal(again.score, series.score)
    assert np.array_equal(again.acts, series.acts)


def test_rows_written_read_back_as_the_same(write):
    rows = read_weekly_scores(write(HEAD + lines(60)))
    assert read_weekly_scores(write(rows_csv(rows))) == rows


def test_a_week_is_not_known_before_it_has_ended(write):
    path = write(HEAD + lines(60))
    last = START + timedelta(weeks=55)
    assert known(path, last + timedelta(days=5)).end == last
    assert known(path, last + timedelta(days=6)).end == last + timedelta(weeks=1)


def test_of_a_revised_week_the_version_known_on_the_day_is_used(write):
    head = "week,initiator,target,score,known_date\n"
    body = "".join(f"{line},\n" for line in lines(60, acts=False).splitlines())
    late = START + timedelta(weeks=70)
    path = write(head + body + f"{START},USA,CHN,99,{late}\n")
    assert known(path, late - timedelta(days=1)).score[0, 0] == -2.5
    assert known(path, late).score[0, 0] == 99


def test_weeks_without_a_row_are_weeks_without_acts_where_acts_are_counted(write):
    rows = lines(60).splitlines()
    gone = rows[:20] + rows[24:]
    series = known(write(HEAD + "\n".join(gone) + "\n"))
    assert len(series) == 60
    assert series.acts[10:12].tolist() == [[0, 0], [0, 0]]


def test_quiet_weeks_at_the_end_count_while_the_file_goes_on(write):
    other = f"{START + timedelta(weeks=63)},JPN,KOR,1,1\n"
    series = known(write(HEAD + lines(60) + other))
    assert len(series) == 64
    assert series.acts[60:].sum() == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (HEAD, "no scores"),
        ("week,initator,target,score\n", "unknown column 'initator'. Did you mean 'initiator'?"),
        (HEAD + "2020-01-32,USA,CHN,1,1\n", "scores.csv:2: week: 2020-01-32 is not in the calendar"),
        (HEAD + "2020-01-06,USA,CHN,much,1\n", "score: 'much' is not a number"),
        (HEAD + "2020-01-06,USA,CHN,nan,1\n", "score: nan is out of range"),
        (HEAD + "2020-01-06,USA,CHN,1,-1\n", "acts: '-1' is not a number of acts"),
        (HEAD + "2020-01-06,USA,CHN,1,0\n", "1 of no act"),
        (HEAD + "2020-01-06,USA,USA,1,1\n", "initiator and target are both 'USA'"),
        (HEAD + "2020-01-06,USA,CHN,1\n", "4 cells, but the header has 5 columns"),
        (HEAD + "2020-01-06,USA,CHN,1,1\n2020-01-06,USA,CHN,2,1\n", "scores.csv:3: week: the same week"),
        (
            "week,initiator,target,score,known_date\n2020-01-06,USA,CHN,1,2020-01-11\n",
            "2020-01-11 is before the week ends. Allowed: 2020-01-12 or later",
        ),
    ],
)
def test_faults_are_named_with_their_line(write, text, message):
    with pytest.raises(EventError, match=re.escape(message)):
        read_weekly_scores(write(text), "scores.csv")


def test_all_faults_are_told_at_once(write):
    with pytest.raises(EventError) as caught:
        read_weekly_scores(write(HEAD + "x,USA,CHN,1,1\n2020-01-06,us,CHN,y,1\n"), "scores.csv")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + lines(60).replace("CHN", "JPN"), "no row of USA → CHN or CHN → USA. The file has: JPN → USA"),
        (HEAD + lines(LEAST_WEEKS - 1), f"Needed: at least {LEAST_WEEKS}"),
        (HEAD + lines(60) + "2021-06-01,USA,CHN,1,1\n", "weeks begin on different weekdays"),
        (
            "week,initiator,target,score\n" + "\n".join(lines(60, acts=False).splitlines()[:-1]),
            "no row for the week of 2021-02-22 (b_to_a)",
        ),
        (
            "week,initiator,target,score\n" + re.sub(r",-?[01]\.5", ",0", lines(60, acts=False)),
            "are exactly zero",
        ),
    ],
)
def test_a_series_that_cannot_be_used_is_refused(write, text, message):
    with pytest.raises(EventError, match=re.escape(message)):
        known(write(text))


def test_the_unit_is_the_typical_size_of_an_act(series_of):
    score = np.array([[4.0], [-6.0], [0.0], [2.0]])
    assert series_of(score, [[2], [3], [0], [1]]).unit == 2.0
    assert series_of(score).unit == 4.0
