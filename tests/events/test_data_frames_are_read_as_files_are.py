"""Events to data frames and back: the same rows whatever the library, the same faults as in a file."""

import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from forecast.errors import EventError, InputError
from forecast.events.reading import load_events
from forecast.events.table import COLUMNS, REQUIRED, EventTable

GOOD = {
    "date": ["2023-02-04", "2023-02-06"],
    "initiator": ["USA", "CHN"],
    "target": ["CHN", "USA"],
    "category": ["military_incident", "channel_closure"],
    "severity": [4, 2],
}
MAKERS = pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])


@pytest.fixture(scope="module")
def bundled():
    return load_events("bundled:us-china", Path())


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_to_a_frame_and_back_gives_the_same_rows(bundled, backend):
    frame = bundled.to_frame(backend)
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 849
    assert EventTable.from_frame(frame).sha256 == bundled.sha256


def test_the_columns_have_the_types_of_their_library(bundled):
    frame = bundled.to_frame()
    assert frame["date"].dtype.kind == "M"
    assert frame["date"].max() == pd.Timestamp("2023-07-10")
    assert (frame["severity"].min(), frame["severity"].max()) == (1, 4)
    assert bundled.to_frame("polars").schema["date"] == pl.Date


@MAKERS
def test_the_five_columns_are_enough(make):
    events = EventTable.from_frame(make(GOOD), source="mine")
    assert (len(events), events.source, events.has_verified) == (2, "mine", False)
    assert events.known_date.tolist() == events.date.tolist()
    assert "verified" not in events.to_frame().columns


@MAKERS
def test_numbers_times_and_what_is_missing_are_read(make):
    days = pd.to_datetime(GOOD["date"]).to_list()
    events = EventTable.from_frame(
        make(GOOD | {"date": days, "severity": [4.0, 2.0], "cameo": [None, "160"]})
    )
    assert events.sha256 == EventTable.from_frame(make(GOOD | {"cameo": ["", "160"]})).sha256


@MAKERS
def test_every_fault_is_told_with_its_row(make):
    frame = make(GOOD | {"severity": [4, 9], "category": ["visits", "sanction"]})
    with pytest.raises(EventError) as caught:
        EventTable.from_frame(frame, source="mine")
    first, second = str(caught.value).splitlines()
    assert first.startswith("mine:1: category: unknown category 'visits'")
    assert second.startswith("mine:2: severity: ")


def test_many_faults_are_cut_and_counted():
    frame = pd.DataFrame({name: values[:1] * 50 for name, values in (GOOD | {"severity": [7]}).items()})
    with pytest.raises(EventError, match=r"\nframe: and 30 more faults$") as caught:
        EventTable.from_frame(frame)
    assert len(str(caught.value).splitlines()) == 21


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ([1, 2], "frame: got list; expected a data frame of pandas, polars, pyarrow"),
        (pl.LazyFrame(GOOD), "frame: got LazyFrame; expected a data frame"),
        (pd.DataFrame(GOOD).drop(columns="severity"), "severity: the required column is missing"),
        (pd.DataFrame(GOOD | {"colour": ["a", "b"]}), "unknown column 'colour'"),
        (pd.DataFrame({name: [] for name in REQUIRED}), "no events"),
        (pd.DataFrame(), "frame: no header"),
        (pd.DataFrame([[1, 2]], columns=["date", "date"]), "frame: the data frame cannot be read"),
    ],
)
def test_what_is_no_table_of_events_is_refused_in_one_message(frame, says):
    with pytest.raises(EventError) as caught:
        EventTable.from_frame(frame)
    assert says in str(caught.value)


def test_another_library_is_refused_and_an_absent_one_is_told_how_to_install(bundled, monkeypatch):
    with pytest.raises(InputError, match="backend: got 'excel'; expected one of pandas, polars, pyarrow"):
        bundled.to_frame("excel")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"not installed\. Install it: python -m pip install pyarrow"):
        bundled.to_frame("pyarrow")
