import csv
import re
from pathlib import Path

import numpy as np
import pytest

from forecast.errors import EventError
from forecast.events.codebook import weak_kind
from forecast.events.duplicates import krippendorff_alpha
from forecast.events.reading import BUNDLED, load_events
from forecast.events.summary import summarise

SHIPPED = Path(__file__).resolve().parents[2] / "forecast/events/data/us-china-2017-2023.csv"


SECOND_CODING = Path(__file__).resolve().parents[2] / "docs/us-china-second-coding.csv"
SOURCE = {"source_outlet", "source_title", "source_url", "source_date", "verified"}


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_the_shipped_file_is_the_one_that_was_coded_but_for_the_changes_that_are_listed(shared_data: Path):
    listed = {row["id"]: row for row in rows_of(SECOND_CODING)}
    for new, old in zip(rows_of(SHIPPED), rows_of(shared_data / "us-china-2017-2023.csv"), strict=True):
        changed = {key for key in old if new[key] != old[key]}
        change = listed.get(new["id"], {"first": "", "settled": "", "source_before": ""})
        assert ("severity" in changed) == (change["first"] != change["settled"])
        if "severity" in changed:
            assert (old["severity"], new["severity"]) == (change["first"], change["settled"])
        assert bool(changed & SOURCE) == bool(change["source_before"])
        drills_of_april = {"summary"} if new["id"] == "usa-chn-20230408-01" else set()
        assert changed - SOURCE - {"severity"} == drills_of_april


def test_acts_of_severity_3_or_more_rest_on_a_page_that_was_read_and_on_no_weak_outlet():
    for row in rows_of(SHIPPED):
        if int(row["severity"]) >= 3:
            assert row["verified"] == "yes"
            assert row["source_url"]
            assert weak_kind(row["source_url"]) is None, row["id"]


@pytest.mark.parametrize(("least", "n", "equal", "alpha"), [(3, 182, 0.66, 0.47), (1, 282, 0.72, 0.78)])
def test_the_stated_agreement_is_that_of_the_two_codings(least: int, n: int, equal: float, alpha: float):
    both = [
        (int(row["first"]), int(row["second"]))
        for row in rows_of(SECOND_CODING)
        if row["second"] and int(row["first"]) >= least
    ]
    assert len(both) == n
    assert np.mean([one[0] == one[1] for one in both]) == pytest.approx(equal, abs=0.005)
    assert krippendorff_alpha(both, ordinal=True)[1] == pytest.approx(alpha, abs=0.005)


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


def test_the_stated_limits_are_those_of_the_rows(us_china):
    text = " ".join(BUNDLED["us-china"])
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
