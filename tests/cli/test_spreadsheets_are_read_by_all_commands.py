"""Commands that read an event file take what a spreadsheet wrote, and say what they put right."""

from pathlib import Path

import pytest

from forecast.config import load_config

SHEET = """\
Date;Initiator;Target;Category;Severity;Summary
15/01/2022;India;Pakistan;sanction;2,0;A listing of eleven firms of the other
15/01/2022;India;Pakistan;sanction;2,0;A listing of eleven firms of the other
13/03/2022;PAK;IND;dispute;3;A protest
01/02/2023;India;Pakistan;sanction;4;Sweeping controls
"""


@pytest.fixture
def sheet(case, tmp_path):
    """Write a config on events of a spreadsheet, and return its path."""
    config = case()
    (tmp_path / "events.csv").write_text(SHEET)
    config.write_text(config.read_text().replace("{a: USA, b: CHN}", "{a: India, b: Pakistan}"))
    return config


def with_dates(config: Path, order: str) -> Path:
    config.write_text(config.read_text().replace("source: events.csv", f"source: events.csv, dates: {order}"))
    return config


def test_check_asks_for_the_order_of_days_and_takes_it_from_config_or_option(command, sheet):
    asked = command("check", sheet)
    assert (asked.code, asked.out) == (2, "")
    assert "As dmy (day, month, year) all are days" in asked.err
    assert "--dates dmy (in a config events.dates: dmy)" in asked.err
    assert command("check", sheet, "--dates", "dmy", "--quiet").code == 0
    assert command("check", with_dates(sheet, "dmy"), "--quiet").code == 0
    assert command("check", sheet, "--dates", "iso", "--quiet").code == 2


def test_check_says_a_line_each_what_was_put_right_and_what_is_likely_twice(command, sheet):
    said = " ".join(command("check", with_dates(sheet, "dmy")).out.split())
    assert "(days written as dmy)" in said
    assert "Reading: columns are separated by semicolons." in said
    assert "Reading: names of countries are read as codes: 'India' as IND and 'Pakistan' as PAK." in said
    assert "Duplicates: events.csv: lines 2 and 3 are likely one event (same day," in said
    facts = command("check", sheet, "--json").facts
    assert len(facts["reading"]) == 5
    assert [one["lines"] for one in facts["likely_repeats"]] == [[2, 3]]
    assert facts["events"] == 4


def test_sides_named_as_countries_are_codes_and_label_the_pair(sheet):
    dyad = load_config(sheet).dyad
    assert (dyad.side_a, dyad.side_b, dyad.title) == (("IND",), ("PAK",), "India – Pakistan")
    sheet.write_text(sheet.read_text().replace("b: Pakistan", "b: Pakistan, label: Rivals"))
    assert load_config(sheet).dyad.title == "Rivals"
    sheet.write_text(sheet.read_text().replace("a: India, b: Pakistan, label: Rivals", "a: Serbs, b: KLA"))
    assert load_config(sheet).dyad.label is None
