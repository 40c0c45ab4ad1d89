from datetime import date

import pytest

from forecast.errors import EventError
from forecast.events.codebook import cameo_entry
from forecast.events.reading import read_events
from forecast.events.table import Event, EventTable
from forecast.weekly_scores.making import cameo_scale, parse_scale, shipped_scale, weekly_scores
from forecast.weekly_scores.reading import scores_known_by


def act(number: int, day: str, cameo: str, known: str | None = None, **changes) -> Event:
    plain = {
        "id": f"e{number}",
        "date": date.fromisoformat(day),
        "known_date": date.fromisoformat(known or day),
        "initiator": "USA",
        "target": "CHN",
        "category": "dispute",
        "severity": 2,
        "cameo": cameo,
    }
    return Event(**(plain | changes))


def made(*acts: Event, scale=None):
    return weekly_scores(EventTable.from_events(acts, "a test"), "USA", "CHN", scale or cameo_scale())


def test_a_week_is_the_sum_of_its_acts_by_direction():
    rows = made(
        act(1, "2023-02-06", "042"),
        act(2, "2023-02-12", "163"),
        act(3, "2023-02-12", "163", initiator="CHN", target="USA"),
        act(4, "2023-02-13", "042"),
    ).rows
    visit, sanction = cameo_entry("042").goldstein, cameo_entry("163").goldstein
    found = {(str(row.week), row.initiator): (row.score, row.acts) for row in rows}
    assert found == {
        ("2023-02-06", "USA"): (pytest.approx(visit + sanction), 2),
        ("2023-02-06", "CHN"): (sanction, 1),
        ("2023-02-13", "USA"): (visit, 1),
    }


def test_an_act_known_later_makes_a_later_version():
    rows = made(act(1, "2023-02-06", "042"), act(2, "2023-02-07", "163", known="2023-03-01")).rows
    assert [(str(row.known_date), row.acts) for row in rows] == [("2023-02-12", 1), ("2023-03-01", 2)]


def test_acts_without_a_code_of_the_scale_are_counted():
    found = made(act(1, "2023-02-06", "042"), act(2, "2023-02-06", ""))
    assert (found.events, found.without_score) == (2, 1)
    with pytest.raises(EventError, match="none of 1 acts between USA and CHN has a code"):
        made(act(1, "2023-02-06", ""))


def test_the_code_may_stand_in_the_sub_category():
    found = made(act(1, "2023-02-06", "", subcategory="weis_223"), scale={"223": -10.0})
    assert found.rows[0].score == -10.0


def test_codes_of_one_scheme_are_not_read_by_the_scale_of_another():
    # 131: complains informally in WEIS, threatens without force in CAMEO.
    table = EventTable.from_events([act(1, "2023-02-06", "", subcategory="weis_131")], "a test")
    assert weekly_scores(table, "USA", "CHN", shipped_scale("weis"), "weis").rows[0].score == -1.9
    with pytest.raises(EventError, match="none of 1 acts"):
        weekly_scores(table, "USA", "CHN", shipped_scale("cameo"), "cameo")


def test_real_machine_coded_events_make_a_usable_series(shared_data):
    text = (shared_data / "samples/weis.goldstein.scale.csv").read_text()
    events = read_events(shared_data / "balkans/usa-ser.csv")
    found = weekly_scores(events, "USA", "SER", parse_scale(text, "scale"))
    assert found.events == 894
    assert found.without_score < 10
    series = scores_known_by(found.rows, "USA", "SER", date(2003, 7, 31), source="made")
    assert int(series.acts.sum()) == 894 - found.without_score
    # The air war: the lowest year of the series by far.
    year = [series.first_week(week).year for week in range(len(series))]
    total = {one: series.total("both")[[y == one for y in year]].sum() for one in set(year)}
    assert min(total, key=total.get) == 1999


def test_the_shipped_scale_of_weis_is_the_published_one(shared_data):
    published = parse_scale((shared_data / "samples/weis.goldstein.scale.csv").read_text(), "scale")
    shipped = shipped_scale("weis")
    assert {code: shipped[code] for code in published if code in shipped} == {
        code: score for code, score in published.items() if code in shipped
    }
    assert len(set(published) & set(shipped)) > 50


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,score\n223\n", ":2: '223' is not"),
        ("code,score\n1,2\n1,3\n", ":3: the code 1"),
        ("x\n", "no code"),
    ],
)
def test_a_scale_with_faults_is_refused(text, message):
    with pytest.raises(EventError, match=message):
        parse_scale(text, "scale.csv")
