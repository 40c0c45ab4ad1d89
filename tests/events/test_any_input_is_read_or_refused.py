from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.events.cells import clean_text
from forecast.events.reading import inspect_events, read_events, write_events
from forecast.events.table import Event, EventTable

FAST = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DAYS = st.dates(date(1800, 1, 1), date(2026, 1, 1))
NAMES = [
    "date",
    "initiator",
    "target",
    "category",
    "severity",
    "id",
    "x_",
    "date,initiator,target,category,severity",
]
VALUES = ["2023-02-04", "USA", "CHN", "visit", "2", "9", "no", "2023-02-04,USA,CHN,visit,2"]
CELLS = st.sampled_from([*NAMES, *VALUES, *',,,";\n\n\r\ufeff\x1f '])


@FAST
@given(summary=st.text(), title=st.text(), days=st.lists(DAYS, min_size=2, max_size=4))
def test_any_text_and_any_day_survive_the_round_trip(tmp_path, summary, title, days):
    days.sort()
    event = Event(
        id="e",
        date=days[0],
        known_date=days[1],
        end_date=days[-1],
        initiator="USA",
        recipient="CHN",
        category="dispute",
        severity=3,
        summary=summary,
        source_title=title,
    )
    table = EventTable.from_events([event], "made", has_verified=False)
    write_events(table, tmp_path / "events.csv")
    again = read_events(tmp_path / "events.csv")
    assert list(again.rows()) == list(table.rows())
    assert again.sha256 == table.sha256
    assert again.summary[0] == clean_text(summary)


@FAST
@given(raw=st.binary(max_size=200) | st.lists(CELLS, max_size=60).map(lambda parts: "".join(parts).encode()))
def test_any_bytes_give_a_table_or_faults_that_say_where(tmp_path, raw):
    path = tmp_path / "events.csv"
    path.write_bytes(raw)
    table, faults = inspect_events(path)
    assert (table is None) == bool(faults)
    lines = raw.count(b"\n") + raw.count(b"\r") + 1
    assert all(fault.message and (fault.line is None or 1 <= fault.line <= lines) for fault in faults)


@FAST
@given(text=st.text())
def test_cleaning_text_twice_changes_nothing_more(text):
    assert clean_text(clean_text(text)) == clean_text(text)
