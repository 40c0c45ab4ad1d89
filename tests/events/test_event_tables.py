import dataclasses
from datetime import date

import numpy as np
import pytest

from forecast.errors import EventError
from forecast.events.table import FIELDS, Event, EventTable


def event(name: str, day: str, **changes: object) -> Event:
    plain = {
        "id": name,
        "date": date.fromisoformat(day),
        "known_date": date.fromisoformat(day),
        "initiator": "USA",
        "recipient": "CHN",
        "category": "sanction",
        "severity": 2,
    }
    return Event(**(plain | changes))


def test_rows_are_sorted_by_day_and_then_by_id():
    events = [event("b", "2020-01-02"), event("a", "2020-01-02"), event("z", "2019-12-31")]
    table = EventTable.from_events(events, "made")
    assert table.id.tolist() == ["z", "a", "b"]
    assert table.date.tolist() == [date(2019, 12, 31), date(2020, 1, 2), date(2020, 1, 2)]


def test_poisoned_rows_known_later_leave_no_trace(us_china):
    as_of = date(2022, 6, 30)
    poisoned = [
        row
        if row.known_date <= as_of
        else dataclasses.replace(row, severity=5, category="military_incident", summary="POISON")
        for row in us_china.rows()
    ]
    poisoned.append(event("x", "2022-06-30", known_date=date(2022, 7, 1), summary="POISON"))
    table = EventTable.from_events(poisoned, us_china.source)
    assert table.sha256 != us_china.sha256
    assert table.known_by(as_of).sha256 == us_china.known_by(as_of).sha256
    assert "POISON" not in table.known_by(as_of).canonical_csv()


def test_known_by_keeps_exactly_the_rows_of_a_plain_loop(us_china):
    for as_of in (date(2018, 3, 22), date(2021, 12, 31), date(2023, 7, 10)):
        expected = [row for row in us_china.rows() if row.known_date <= as_of]
        assert list(us_china.known_by(as_of).rows()) == expected


def test_a_span_holds_both_its_ends(us_china):
    for first, last in ((date(2020, 1, 15), date(2020, 1, 15)), (date(2020, 1, 15), date(2020, 3, 1))):
        expected = [row for row in us_china.rows() if first <= row.date <= last]
        assert list(us_china.between(first, last).rows()) == expected
        assert expected


def test_the_columns_of_a_table_cannot_be_written_to(us_china):
    with pytest.raises(ValueError, match="read-only"):
        us_china.severity[0] = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        us_china.source = "elsewhere"


def test_an_empty_selection_has_columns_and_a_hash(us_china):
    none = us_china.select(np.zeros(len(us_china), dtype=bool))
    assert len(none) == 0
    assert list(none.rows()) == []
    assert none.sha256 != us_china.sha256


def test_the_hash_sees_every_column(us_china):
    first = next(us_china.rows())
    changes = {
        "id": "other",
        "date": date(2016, 1, 1),
        "end_date": date(2017, 2, 1),
        "known_date": date(2017, 2, 1),
        "initiator": "JPN",
        "recipient": "JPN",
        "category": "dispute",
        "subcategory": "other",
        "cameo": "112",
        "severity": 5,
        "summary": "other",
        "source_outlet": "other",
        "source_title": "other",
        "source_url": "https://example.org/other",
        "source_date": date(2017, 2, 1),
        "verified": False,
        "confidence": "low",
    }
    assert set(changes) == set(FIELDS)
    hashes = {
        EventTable.from_events([dataclasses.replace(first, **{name: value})], "made").sha256
        for name, value in changes.items()
    }
    assert len(hashes) == len(FIELDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"category": "sanctions"}, "made: event 'e': unknown category 'sanctions'. Did you mean 'sanction'"),
        ({"severity": 0}, "severity 0 is not on the scale"),
        ({"known_date": date(2019, 1, 1)}, "known_date 2019-01-01 is before date 2020-01-01"),
        ({"end_date": date(2019, 1, 1)}, "end_date 2019-01-01 is before date 2020-01-01"),
        ({}, "event 'e': the id appears twice"),
    ],
)
def test_an_event_off_the_codebook_makes_no_table(changes: dict[str, object], message: str):
    with pytest.raises(EventError, match=message):
        EventTable.from_events([event("e", "2020-01-01", **changes)] * 2, "made")


def test_columns_that_do_not_fit_together_are_a_programming_error(us_china):
    with pytest.raises(ValueError, match="column severity has shape"):
        dataclasses.replace(us_china, severity=us_china.severity[1:])
    with pytest.raises(ValueError, match="not sorted by date"):
        dataclasses.replace(us_china, date=us_china.date[::-1])
    with pytest.raises(ValueError, match="a mask is bool"):
        us_china.select(np.arange(3))
