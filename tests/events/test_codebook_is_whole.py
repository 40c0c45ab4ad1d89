"""The codebook, names of countries and the bundled events are whole, and pages say the same."""

import csv
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from forecast.cli.events import app
from forecast.errors import EventError
from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    COOPERATIVE,
    SEVERITIES,
    armed_scale,
    cameo_codes,
    cameo_fault,
    category_kind,
    category_meaning,
    code_in_words,
    countries,
    country_names,
    near_actor,
    near_country,
    own_categories,
    pair_title,
    severity_word,
    standard_scale,
    weak_kind,
    whose_acts,
)
from forecast.events.duplicates import krippendorff_alpha
from forecast.events.reading import BUNDLED, load_events, read_events
from forecast.events.summary import saturated, summarise
from forecast.events.table import COLUMNS, REQUIRED

DATA = Path(__file__).resolve().parents[2] / "forecast/events/data"
DOC = Path(__file__).resolve().parents[2] / "docs/codebook.md"


def test_categories_keep_the_order_of_arrays_that_were_saved():
    assert COOPERATIVE == ("visit", "channel_opening", "cooperation")
    assert CONFLICTUAL == ("channel_closure", "sanction", "military_incident", "military_posture", "dispute")
    assert [category_kind(name) for name in CATEGORIES] == ["cooperative"] * 3 + ["conflictual"] * 5
    with (DATA / "categories.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(row["name"] for row in csv.DictReader(file)) == CATEGORIES


def test_every_category_and_severity_has_an_anchor_of_its_own():
    anchors = [
        standard_scale().anchor(name, severity) for name in ("any", *CATEGORIES) for severity in SEVERITIES
    ]
    assert all(anchors)
    assert len(set(anchors)) >= 44
    assert [severity_word(level) for level in SEVERITIES] == [
        "routine",
        "notable",
        "serious",
        "major",
        "extreme",
    ]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("42", "Did you mean '042' .* Keep the column as text"),
        ("841", r"Did you mean '0841' \(Releases people\)"),
        ("abc", "Allowed: 2 to 4 digits such as '042'"),
    ],
)
def test_what_is_no_cameo_code_is_told_with_what_may_be_meant(code, message):
    assert re.search(message, cameo_fault(code))


def test_the_page_states_every_column_and_category_and_leads_to_the_anchors():
    text = DOC.read_text(encoding="utf-8")
    for name in COLUMNS:
        assert re.search(rf"^\| .*`{name}`.* \|", text, re.MULTILINE), name
    assert all(f"| `{name}` | yes |" in text for name in REQUIRED)
    for name in CATEGORIES:
        assert category_meaning(name) in text
    assert all(standard_scale().anchor("any", severity) in text for severity in SEVERITIES)
    assert all(f"(../forecast/events/data/{path.name})" in text for path in DATA.glob("severity*.csv"))


def test_the_standard_anchors_are_those_that_old_files_were_coded_by():
    # A change of an anchor changes what old codings mean: it needs a scale of its own, as 'armed' is.
    digest = hashlib.sha256((DATA / "severity.csv").read_bytes()).hexdigest()
    assert digest == "449d8470c5a5342f81d117ad47b759de49fac8ad35be6d02ea5c6a7e0798f08d"


def test_the_armed_scale_has_every_severity_of_its_categories_and_no_other():
    assert own_categories(armed_scale()) == ("cooperation", "military_incident", "military_posture")
    for name in CATEGORIES:
        for severity in SEVERITIES:
            anchor, standard = armed_scale().anchor(name, severity), standard_scale().anchor(name, severity)
            assert (anchor != standard) == (name in own_categories(armed_scale())) or anchor == standard == ""


# Fewer people killed than the next severity of the scale begins with.
LEAST_DEATHS = {2: 1, 3: 5, 4: 10, 5: 50, 6: 10**9}


def test_the_examples_of_the_armed_scale_are_events_and_keep_to_it():
    path = DOC.with_name("armed-examples.csv")
    table = read_events(path)
    assert table.notes == ()
    assert len(table) >= 15
    assert {"PAK", "Jaish-e-Mohammed", "Hezbollah", "LBN"} <= set(table.recipient) | set(table.initiator)
    assert set(table.category) <= set(own_categories(armed_scale()))
    assert set(table.severity[table.category == "military_incident"]) >= {2, 4, 5}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert int(row["x_killed"] or 0) < LEAST_DEATHS[int(row["severity"]) + 1]


def test_incidents_that_are_mostly_of_the_highest_severity_are_named(coded, us_china):
    extreme = [(f"2020-01-{day:02d}", "military_incident", 5) for day in range(1, 17)]
    milder = [(f"2020-02-{day:02d}", "military_incident", 3) for day in range(1, 11)]
    scale = standard_scale()
    assert saturated(us_china, scale) is None
    assert saturated(coded(*extreme[:4]), scale) is None
    assert saturated(coded(*extreme[:3], *milder), scale) is None
    found = saturated(coded(*extreme, *milder), scale)
    assert (found.code, found.values) == (
        "saturated_scale",
        {"scale": "standard", "severity": 5, "events": 16, "of": 26},
    )
    assert saturated(coded(*extreme, *milder), armed_scale())["scale"] == "armed"
    assert saturated(coded(*milder), scale)["severity"] == 3
    # Two rows of one clash, one by either side, are one incident.
    assert saturated(coded(*extreme[:2], *extreme[:2], *milder[:2]), scale) is None


def test_the_command_prints_the_scale_that_is_asked_for(snapshot):
    asked = (
        ["--scale", "armed"],
        ["military_incident", "--scale", "armed"],
        ["sanction", "--scale", "armed"],
        ["visit"],
    )
    assert {
        " ".join(words): CliRunner().invoke(app, ["codebook", *words]).stdout for words in asked
    } == snapshot


def test_the_python_name_on_the_page_is_one():
    assert 'forecast.events.codebook.cameo_codes()["163"]' in DOC.read_text(encoding="utf-8")
    assert (cameo_codes()["163"].category, cameo_codes()["163"].severity) == ("sanction", 2)


HEADER = "date,initiator,target,category,severity"


def read(event_file, *pairs: tuple[str, str]):
    rows = (f'2020-01-{day:02d},"{a}","{b}",visit,2' for day, (a, b) in enumerate(pairs, start=1))
    return read_events(event_file("\n".join([HEADER, *rows])))


def test_every_name_leads_to_a_code_of_iso_3166():
    # Kosovo has no code there; XKX is in common use.
    assert set(country_names().values()) - set(countries()) <= {"XKX"}


CODES = {
    **{"India": "IND", "INDIA": "IND", "the netherlands": "NLD", "Turkey": "TUR", "Turkiye": "TUR"},
    **{"Türkiye": "TUR", "St Lucia": "LCA", "Bosnia & Herzegovina": "BIH", "Korea, Republic of": "KOR"},
    **{"North Korea": "PRK", "Democratic Republic of the Congo": "COD", "US": "USA", "U.S.": "USA"},
    **{"usa": "USA", "us": "USA", "Irn": "IRN", "UK": "GBR", "Cote d'Ivoire": "CIV"},
}
NEAR = {
    **{"Pakistn": "PAK (Pakistan)", "Isreal": "ISR (Israel)", "Indian": "IND (India)"},
    **{"UAE": "ARE (United Arab Emirates)", "ROK": "KOR (South Korea)"},
}
OTHERS = ("Hezbollah", "NAT", "Serbs", "Kurdish rebels", "Somaliland", "USSR")


def test_a_country_is_known_by_its_names_and_asked_about_where_a_name_nearly_is_one(event_file):
    said = {
        name: (code, (f"names of countries are read as codes: '{name}' as {code}",))
        for name, code in CODES.items()
    }
    said |= {
        name: (name, (f"did you mean {meant} by '{name}' (line 2)? It is kept as an actor of its own",))
        for name, meant in NEAR.items()
    }
    for name, (actor, notes) in (said | {name: (name, ()) for name in OTHERS}).items():
        table = read(event_file, (name, "AAA"))
        assert (table.initiator[0], table.recipient[0], table.notes) == (actor, "AAA", notes)
    (told,) = read(event_file, ("IRX", "IRN")).notes
    assert told.startswith("did you mean IRN (Iran) by 'IRX' (line 2)? It is kept")
    for name in ("IND", "USA", "IRX", "Iran", "Iraq", "Niger", "Nigeria", "Korea", "Mali", "Male"):
        assert near_country(name) is None


@pytest.mark.parametrize(
    ("actor", "meant"),
    [
        ("Rusia", "'Russia' (RUS)"),  # and not USA, of which each letter stands in it
        ("Ukrane", "'Ukraine' (UKR)"),
        ("Ukriane", "'Ukraine' (UKR)"),
        ("UKN", "'UKR'"),
        ("RSU", "'RUS'"),
        ("usa", "'USA'"),
        ("UAE", "'United Arab Emirates' (ARE)"),
        ("Kurdish rebls", "'Kurdish rebels'"),
        ("Iran", None),
        ("Atlantis", None),
    ],
)
def test_a_mistyped_actor_is_told_from_all_that_are_known(actor, meant):
    assert near_actor(actor, ["ARE", "Kurdish rebels", "RUS", "UKR", "USA"]) == meant


@pytest.mark.parametrize(
    ("a", "b", "title"),
    [
        (("RUS",), ("UKR",), "Russia – Ukraine"),
        (("russia",), ("UKRAINE",), "Russia – Ukraine"),
        (("USA", "NAT"), ("SER",), "United States + NAT – SER"),
        (("Türkiye",), ("PRK",), "Türkiye – North Korea"),
        (("Kurdish rebels",), ("GBR",), "Kurdish rebels – United Kingdom"),
    ],
)
def test_a_title_names_countries_however_they_were_written(a, b, title):
    assert pair_title(a, b) == title


def test_codes_become_words_that_keep_the_capitals_of_countries():
    assert code_in_words("taiwan_visit, missile_test") == "Taiwan visit, missile test"
    assert whose_acts(["CHN"]) == "Only China's acts count."
    assert whose_acts(["USA", "XYZ"]) == "Only the United States' or XYZ's acts count."
    assert whose_acts([]) == ""


SECOND_CODING = Path(__file__).resolve().parents[2] / "docs/us-china-second-coding.csv"


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_the_shipped_file_holds_what_was_settled_between_the_two_codings(us_china_rows):
    shipped = {row["id"]: row for row in us_china_rows}
    listed = rows_of(SECOND_CODING)
    assert sum(row["first"] != row["settled"] for row in listed) > 20
    for row in listed:
        assert shipped[row["id"]]["severity"] == row["settled"], row["id"]


def test_acts_of_severity_3_or_more_rest_on_a_page_that_was_read_and_on_no_weak_outlet(us_china_rows):
    for row in us_china_rows:
        if int(row["severity"]) >= 3:
            assert row["verified"] == "yes"
            assert row["source_url"]
            assert weak_kind(row["source_url"]) is None, row["id"]


@pytest.mark.parametrize(
    ("least", "n", "equal", "alpha", "interval"),
    [(3, 182, 0.66, 0.47, (0.35, 0.58)), (1, 282, 0.72, 0.78, (0.73, 0.82))],
)
def test_the_stated_agreement_is_that_of_the_two_codings(least, n, equal, alpha, interval):
    both = [
        (int(row["first"]), int(row["second"]))
        for row in rows_of(SECOND_CODING)
        if row["second"] and int(row["first"]) >= least
    ]
    assert len(both) == n
    assert np.mean([one[0] == one[1] for one in both]) == pytest.approx(equal, abs=0.005)
    found = krippendorff_alpha(both, ordinal=True)
    assert found[1] == pytest.approx(alpha, abs=0.005)
    assert found[2] == pytest.approx(interval, abs=0.015)


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
