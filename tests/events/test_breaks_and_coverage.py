"""Breaks are found where they are and not where there are none; volumes stand beside the counts."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from forecast.cli.events import app
from forecast.errors import EventError
from forecast.events.reading import write_events
from forecast.events.summary import ALPHA, find_breaks, measure_coverage, pettitt, volumes_beside


def test_pettitt_is_the_double_sum_of_signs():
    numbers = np.random.default_rng(3)
    series = numbers.poisson(5, 30).astype(float)
    sums = [
        np.sign(series[place:][:, None] - series[:place][None, :]).sum() for place in range(1, len(series))
    ]
    place, _ = pettitt(series)
    assert place == int(np.argmax(np.abs(sums))) + 1
    steps = np.arange(30.0)
    # Of a rising line the statistic is (T/2)² and the rest has the memory of two lines.
    assert pettitt(steps)[0] == 15


def test_a_break_is_found_in_its_month_with_the_levels_on_either_side():
    numbers = np.random.default_rng(8)
    series = np.concatenate(
        [numbers.poisson(20, 36), numbers.poisson(50, 40), numbers.poisson(12, 30)]
    ).astype(float)
    breaks = find_breaks(series)
    assert [abs(found.position - true) <= 1 for found, true in zip(breaks, (36, 76), strict=True)] == [
        True,
        True,
    ]
    assert breaks[0].before == pytest.approx(20, abs=3)
    assert breaks[0].after == pytest.approx(50, abs=4)
    assert breaks[1].after / breaks[1].before == pytest.approx(12 / 50, rel=0.15)
    assert all(found.p_value < ALPHA for found in breaks)


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_a_series_of_one_level_rarely_breaks_even_with_memory(memory):
    numbers = np.random.default_rng(11)
    false_alarms = 0
    for _ in range(300):
        noise = numbers.normal(size=120)
        level = np.empty(120)
        level[0] = noise[0]
        for month in range(1, 120):
            level[month] = memory * level[month - 1] + np.sqrt(1 - memory**2) * noise[month]
        false_alarms += bool(find_breaks(numbers.poisson(20 * np.exp(0.3 * level)).astype(float)))
    # At most one in a thousand is meant; four of 300 would come with probability 0.0003.
    assert false_alarms <= 3


def test_small_changes_and_short_series_are_no_breaks():
    assert find_breaks(np.concatenate([np.full(40, 100.0), np.full(40, 130.0)])) == []
    assert find_breaks(np.concatenate([np.full(5, 1.0), np.full(5, 100.0)])) == []
    assert find_breaks(np.zeros(60)) == []


def yearly(coded, rate_of):
    first = date(2015, 1, 1)
    rows = []
    for day in range(365 * 5 + 1):
        when = first + timedelta(days=day)
        rows += [(when.isoformat(), "dispute", 2)] * rate_of(when)
    return coded(*rows)


def test_a_step_of_the_archive_is_told_from_a_step_of_the_dyad(coded):
    step = date(2017, 6, 1)
    table = yearly(coded, lambda day: 1 if day < step else 3)
    days = [date(2015, 1, 1) + timedelta(days=day) for day in range(365 * 5 + 1)]
    grown = {day: 1000 if day < step else 3000 for day in days}
    level = dict.fromkeys(days, 1000)
    found = measure_coverage(table, grown)
    assert [(one.series, one.month) for one in found.breaks] == [("events", "2017-06"), ("world", "2017-06")]
    found = measure_coverage(table, level)
    assert [(one.series, one.month) for one in found.breaks] == [("events", "2017-06"), ("share", "2017-06")]
    assert found.months[0] == "2015-01"
    assert len(found.months) == 60
    assert found.events[0] == 31


def test_files_of_one_dyad_are_no_archive_of_the_world(coded):
    table = yearly(coded, lambda day: 1)
    days = table.date.tolist()
    assert measure_coverage(table, dict.fromkeys(days, 2)).world is None
    assert measure_coverage(table, dict.fromkeys(days, 200)).world is not None


def test_summary_shows_the_volume_that_an_import_left(coded, tmp_path):
    path = tmp_path / "events.csv"
    table = yearly(coded, lambda day: 1 + (day.year >= 2018))
    write_events(table, path)
    folder = tmp_path / "events.csv.import"
    folder.mkdir()
    days = sorted(set(table.date.tolist()))
    (folder / "volumes.csv").write_text("day,world,kept\n" + "".join(f"{day},2000,1\n" for day in days))
    got = CliRunner().invoke(app, ["summary", str(path)])
    assert got.exit_code == 0
    assert "Events for every 100,000 rows of the whole archive" in got.output
    assert "2016 50.0" in got.output
    assert "Break: the dyad's share of the archive changed by a factor of 2 in 2018-01" in got.output
    content = json.loads(CliRunner().invoke(app, ["summary", str(path), "--json"]).output)
    assert content["coverage"]["world"][0] == 31 * 2000
    assert {found["series"] for found in content["coverage"]["breaks"]} == {"events", "share"}
    (folder / "volumes.csv").write_text("day\nnever\n")
    with pytest.raises(EventError, match="not the volumes of an import"):
        volumes_beside(path)
