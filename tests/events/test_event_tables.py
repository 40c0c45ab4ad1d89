import dataclasses
from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.errors import EventError
from forecast.events.cells import clean_text
from forecast.events.reading import read_events, write_events
from forecast.events.table import FIELDS, EventTable
from tests.conftest import an_act

FAST = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DAYS = st.lists(st.dates(date(1800, 1, 1), date(2026, 1, 1)), min_size=3, max_size=3)


def test_rows_are_sorted_by_day_and_then_by_id():
    events = [an_act("b", "2020-01-02"), an_act("a", "2020-01-02"), an_act("z", "2019-12-31")]
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
    poisoned.append(an_act("x", "2022-06-30", known_date=date(2022, 7, 1), summary="POISON"))
    table = EventTable.from_events(poisoned, us_china.source)
    assert table.sha256 != us_china.sha256
    assert table.known_by(as_of).sha256 == us_china.known_by(as_of).sha256
    assert "POISON" not in table.known_by(as_of).canonical_csv()


def test_the_columns_of_a_table_cannot_be_written_to(us_china):
    with pytest.raises(ValueError, match="read-only"):
        us_china.severity[0] = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        us_china.source = "elsewhere"


def test_the_hash_sees_every_column(us_china):
    first = next(us_china.rows())
    changes: dict[str, object] = dict.fromkeys(FIELDS, "other")
    changes |= dict.fromkeys(("end_date", "known_date", "source_date"), date(2017, 2, 1))
    changes |= {"date": date(2016, 1, 1), "category": "dispute", "severity": 5, "verified": False}
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
        EventTable.from_events([an_act("e", "2020-01-01", **changes)] * 2, "made")


def test_columns_that_do_not_fit_together_are_a_programming_error(us_china):
    with pytest.raises(ValueError, match="column severity has shape"):
        dataclasses.replace(us_china, severity=us_china.severity[1:])
    with pytest.raises(ValueError, match="not sorted by date"):
        dataclasses.replace(us_china, date=us_china.date[::-1])
    with pytest.raises(ValueError, match="a mask is bool"):
        us_china.select(np.arange(3))


@FAST
@given(summary=st.text(), title=st.text(), days=DAYS)
def test_any_text_and_any_day_survive_the_round_trip(tmp_path, summary, title, days):
    first, known, last = sorted(days)
    texts = {"summary": summary, "source_title": title}
    row = an_act("e", str(first), known_date=known, end_date=last, **texts)
    table = EventTable.from_events([row], "made", has_verified=False)
    write_events(table, tmp_path / "events.csv")
    again = read_events(tmp_path / "events.csv")
    assert (list(again.rows()), again.sha256) == (list(table.rows()), table.sha256)
    assert again.summary[0] == clean_text(summary) == clean_text(clean_text(summary))
