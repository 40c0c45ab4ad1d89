"""Commands that read an event file take what a spreadsheet wrote, and say what they put right."""

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


def test_check_takes_the_order_of_days_and_says_what_was_put_right_and_is_likely_twice(command, sheet):
    dyad = load_config(sheet).dyad
    assert (dyad.side_a, dyad.side_b, dyad.title) == (("IND",), ("PAK",), "India – Pakistan")
    asked = command("check", sheet)
    assert (asked.code, asked.out) == (2, "")
    assert "--dates dmy (in a config events.dates: dmy)" in asked.err
    assert command("check", sheet, "--dates", "dmy", "--quiet").code == 0
    sheet.write_text(sheet.read_text().replace("source: events.csv", "source: events.csv, dates: dmy"))
    assert command("check", sheet, "--dates", "iso", "--quiet").code == 2
    shown = " ".join(command("check", sheet).out.split())
    assert "(days written as dmy)" in shown
    assert "Reading: columns are separated by semicolons." in shown
    assert "Duplicates: events.csv: lines 2 and 3 are likely one event (same day," in shown
    facts = command("check", sheet, "--json").facts
    assert (len(facts["reading"]), facts["events"]) == (5, 4)
    assert [one["lines"] for one in facts["likely_repeats"]] == [[2, 3]]
