import csv
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.errors import EventError
from forecast.events.bundled import BUNDLED, load_events, source_limits
from forecast.events.outlets import weak_kind
from forecast.events.summary import summarise

SHIPPED = Path(__file__).resolve().parents[2] / "forecast/events/data/us-china-2017-2023.csv"


MENDED_SOURCES = {"usa-chn-20220804-01", "usa-chn-20230620-02"}
"""Rows whose address led to a report of another act."""


def test_the_shipped_file_is_the_one_that_was_coded_but_for_two_sources(shared_data: Path):
    shipped, coded = (
        list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for path in (SHIPPED, shared_data / "us-china-2017-2023.csv")
    )
    changed = {
        (new["id"], key)
        for new, old in zip(shipped, coded, strict=True)
        for key in old
        if new[key] != old[key]
    }
    assert {row for row, _ in changed} == MENDED_SOURCES
    assert {key for _, key in changed} <= {"source_outlet", "source_title", "source_url", "source_date"}


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://gigazine.net/gsc_news/en/1", "blog"),
        ("http://WWW.CGTN.com/a", "state media"),
        ("https://nicholaswturner.medium.com/x", "blog"),
        ("https://www.reuters.com/world", None),
        ("https://notgigazine.net/", None),
        ("https://[broken/", None),
        ("", None),
    ],
)
def test_an_outlet_is_weak_by_its_domain_or_one_above_it(url: str, kind: str | None):
    assert weak_kind(url) == kind


def test_the_bundled_set_has_849_events_to_10_july_2023_of_which_592_are_verified(us_china):
    assert len(us_china) == 849
    assert us_china.date[-1] == np.datetime64("2023-07-10")
    assert us_china.has_verified
    assert us_china.verified.sum() == 592
    assert us_china.source == "bundled:us-china"


def test_the_bundled_file_is_in_canonical_form(us_china):
    assert us_china.canonical_csv().encode() == SHIPPED.read_bytes()


def test_the_stated_limits_are_those_of_the_rows(us_china):
    text = " ".join(BUNDLED["us-china"].limits)
    assert f"{np.sum(~us_china.verified)} of {len(us_china)} rows" in text
    without_page = summarise(us_china).verified_without_page
    assert f"{without_page} of the {us_china.verified.sum()} verified rows" in text
    monthly = summarise(us_china).per_month_by_year
    stated = re.search(r"about (\d+) events a month in 2017–19, (\d+) in 2020–22, (\d+) in 2023", text)
    assert stated is not None
    measured = (
        np.mean([monthly[year] for year in (2017, 2018, 2019)]),
        np.mean([monthly[year] for year in (2020, 2021, 2022)]),
        monthly[2023],
    )
    assert [int(number) for number in stated.groups()] == pytest.approx(measured, abs=0.6)


def test_limits_are_known_of_bundled_sets_only():
    assert source_limits("bundled:us-china") == BUNDLED["us-china"].limits
    assert source_limits("mine.csv") == ()


def test_a_path_is_read_from_the_base_folder_and_keeps_its_name(event_file):
    path = event_file("date,initiator,target,category,severity\n2023-02-04,USA,CHN,visit,2\n")
    assert load_events("events.csv", path.parent).source == "events.csv"
    assert load_events(str(path), Path("/nowhere")).source == str(path)
    with pytest.raises(EventError, match=r"^missing\.csv: no such file"):
        load_events("missing.csv", path.parent)


def test_an_unknown_bundled_name_is_refused_with_a_suggestion():
    with pytest.raises(EventError, match="Did you mean 'bundled:us-china'"):
        load_events("bundled:us-chian", Path())
    with pytest.raises(EventError, match="Allowed: bundled:us-china, or a CSV or Parquet file"):
        load_events("bundled:", Path())


@pytest.mark.parametrize(("name", "rows", "extreme"), [("usa-ser", 894, 37), ("nat-ser", 2633, 309)])
def test_files_with_few_columns_and_actors_of_their_own_are_read(shared_data, name, rows, extreme):
    table = load_events(f"balkans/{name}.csv", shared_data)
    assert len(table) == rows
    assert (table.severity == 5).sum() == extreme
    assert not table.has_verified
    assert table.known_by(date(2003, 7, 31)).sha256 == table.sha256
