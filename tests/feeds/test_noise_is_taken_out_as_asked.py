"""Each switch drops what it says, and nothing that became known later changes what was kept before."""

from datetime import date, timedelta
from random import Random

import numpy as np
import pytest

from forecast.feeds.importing import MIRRORED, REPEATED, SOUND, mark_repeats


@pytest.mark.parametrize(
    ("switch", "rows", "kept", "fate"),
    [
        ({"root_only": True}, ({"IsRootEvent": 0}, {}), [2], "not_root"),
        ({"min_sources": 2}, ({"NumSources": 1}, {"NumSources": 2}), [2], "sources"),
        ({"repeat_days": 0}, ({"ActionGeo_FullName": "A"}, {"ActionGeo_FullName": "A"}), [1], "repeated"),
    ],
)
def test_a_switch_drops_what_it_says(imported, gdelt_file, switch, rows, kept, fate):
    got = imported([gdelt_file(*rows)], "gdelt2", **switch)
    assert list(got.events.id) == [f"gdelt2-{number}" for number in kept]
    assert got.report.fates == {fate: len(rows) - len(kept)}
    (shown,) = got.report.examples[fate]
    (dropped,) = {1, 2} - set(kept)
    assert shown.startswith(f"row {dropped}: ")


def test_re_reports_within_the_window_count_once_and_later_ones_again(imported, gdelt_file):
    place = {"ActionGeo_FullName": "Beijing"}
    days = [{**place, "SQLDATE": f"202001{day:02d}"} for day in (1, 2, 3, 5)]
    got = imported([gdelt_file(*days)], "gdelt2", repeat_days=1)
    # The third is two days from the first, which was kept; the second was not, and hides nothing.
    assert list(got.events.id) == ["gdelt2-1", "gdelt2-3", "gdelt2-4"]
    elsewhere = [{**days[0]}, {**days[0], "ActionGeo_FullName": "Shanghai"}]
    got = imported([gdelt_file(*elsewhere)], "gdelt2")
    assert len(got.events) == 2


def test_repeats_are_marked_as_a_plain_double_loop_marks_them():
    numbers = np.random.default_rng(5)
    day = numbers.integers(0, 40, 400)
    group = numbers.integers(0, 6, 400)
    forward = numbers.random(400) < 0.6
    for window in (0, 1, 3):
        expected = []
        for row in range(400):
            fate = SOUND
            before = [
                other for other in range(row) if expected[other] == SOUND and group[other] == group[row]
            ]
            gaps = {
                side: [
                    abs(day[other] - day[row]) for other in before if (forward[other] == forward[row]) == side
                ]
                for side in (True, False)
            }
            if any(gap <= window for gap in gaps[True]):
                fate = REPEATED
            elif any(gap <= max(1, window) for gap in gaps[False]):
                fate = MIRRORED
            expected.append(fate)
        got = mark_repeats(day, group, forward, repeat_days=window)
        assert got.tolist() == expected


def random_rows(seed: int, count: int) -> list[dict]:
    chance = Random(seed)
    rows = []
    for _ in range(count):
        day = date(2020, 1, 1) + timedelta(days=chance.randrange(120))
        added = day + timedelta(days=chance.choice([0, 0, 0, 1, 3, 30]))
        code = chance.choice(["042", "043", "040", "173", "112"])
        actors = chance.sample(["USA", "CHN"], 2)
        rows.append(
            {
                "SQLDATE": f"{day:%Y%m%d}",
                "DATEADDED": f"{added:%Y%m%d}000000",
                "EventCode": code,
                "EventRootCode": code[:2],
                "Actor1CountryCode": actors[0],
                "Actor2CountryCode": actors[1],
                "ActionGeo_FullName": chance.choice(["Beijing", "Washington"]),
                "NumMentions": chance.randrange(1, 9),
            }
        )
    return rows


def test_what_is_kept_up_to_a_day_does_not_depend_on_what_came_later(imported, gdelt_file):
    rows = random_rows(1, 600)
    whole = imported([gdelt_file(*rows)], "gdelt2").events
    for day in (date(2020, 1, 20), date(2020, 3, 1), date(2020, 4, 15)):
        # Rows of days to come keep their numbers, and are of other actors.
        others = {"DATEADDED": "20991231000000"}
        early = [row if row["DATEADDED"] <= f"{day:%Y%m%d}000000" else row | others for row in rows]
        cut = imported([gdelt_file(*early)], "gdelt2").events
        assert whole.known_by(day).sha256 == cut.sha256
        assert len(cut) > 10


def test_known_date_act_sets_the_day_of_loading_aside(imported, gdelt_file):
    rows = [
        {"SQLDATE": f"20100{month}0{day}", "DATEADDED": "20130203000000"}
        for month in range(1, 9)
        for day in range(1, 6)
    ]
    path = gdelt_file(*rows)
    published = imported([path], "gdelt2")
    assert set(published.events.known_date.astype(str)) == {"2013-02-03"}
    assert any("back-file" in note for note in published.report.warnings)
    act = imported([path], "gdelt2", known_date="act")
    assert (act.events.known_date == act.events.date).all()
    assert not any("back-file" in note for note in act.report.warnings)


def test_a_clock_a_day_ahead_is_no_fault_and_two_days_are(imported, gdelt_file):
    rows = [
        {"SQLDATE": "20200102", "DATEADDED": "20200101230000"},
        {"SQLDATE": "20200103", "DATEADDED": "20200101230000"},
    ]
    got = imported([gdelt_file(*rows)], "gdelt2")
    assert got.report.fates == {"future": 1}
    assert str(got.events.known_date[0]) == "2020-01-02"
