from datetime import date

import numpy as np
import pytest

from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE, SEVERITIES
from forecast.panel.panel import TimeGrid, count_events
from forecast.panel.streams import TargetRule, stream_layout

MILITARY = TargetRule("military", ("military_incident", "military_posture"), 4)
MIXED = TargetRule("mixed", ("visit", "dispute", "sanction"), 3)
GRID = TimeGrid(date(2017, 1, 20), date(2023, 7, 11))


def test_the_joint_layout_has_a_stream_for_each_category():
    layout = stream_layout("joint")
    assert layout.streams == CATEGORIES
    assert layout.marked
    assert [layout.streams[i] for i in layout.conflict_index] == list(CONFLICTUAL)
    assert [layout.streams[i] for i in layout.calming_index] == list(COOPERATIVE)
    for severity in SEVERITIES:
        assert [layout.stream_of(name, severity) for name in CATEGORIES] == list(range(8))
    assert layout.stream_of("war", 5) is None


@pytest.mark.parametrize(
    ("category", "severity", "stream"),
    [
        ("military_incident", 4, "target"),
        ("military_posture", 5, "target"),
        ("military_posture", 3, "other_conflict"),
        ("sanction", 5, "other_conflict"),
        ("channel_closure", 1, "other_conflict"),
        ("dispute", 5, "dispute"),
        ("visit", 5, "cooperative"),
        ("cooperation", 1, "cooperative"),
    ],
)
def test_the_focused_layout_puts_the_target_first(category, severity, stream):
    layout = stream_layout("focused", MILITARY)
    assert layout.streams[layout.stream_of(category, severity)] == stream
    assert not layout.marked
    assert not any(layout.calming)


def test_a_target_takes_its_events_out_of_any_other_stream():
    layout = stream_layout("focused", MIXED)
    names = [layout.streams[layout.stream_of(name, 3)] for name in ("visit", "dispute", "sanction")]
    assert names == ["target"] * 3
    names = [layout.streams[layout.stream_of(name, 2)] for name in ("visit", "dispute", "sanction")]
    assert names == ["cooperative", "dispute", "other_conflict"]


@pytest.mark.parametrize("rule", [MILITARY, MIXED], ids=lambda rule: rule.name)
def test_focused_streams_share_out_every_event_and_leave_none(us_china, rule):
    layout = stream_layout("focused", rule)
    stream = layout.assign(us_china)
    assert stream.min() >= 0
    target, hit = layout.streams.index("target"), rule.mask(us_china)
    np.testing.assert_array_equal(stream == target, hit)
    assert 0 < hit.sum() < len(us_china)
    counted = count_events(us_china, GRID, layout)
    window = us_china.between(date(2017, 1, 20), date(2023, 7, 10))
    hits = rule.mask(window)
    days = len(np.unique(window.date[hits]))
    assert counted.counts[0, :, target].sum() == days <= hits.sum()
    assert counted.counts.sum() == len(window) - hits.sum() + days


def test_a_target_counts_once_a_day_and_other_streams_every_act(coded):
    acts = [("2020-01-02", "military_incident", 4)] * 3 + [("2020-01-02", "visit", 1)] * 2
    counted = count_events(
        coded(*acts, ("2020-01-03", "military_incident", 4)),
        TimeGrid(date(2020, 1, 1), date(2020, 1, 8)),
        stream_layout("focused", MILITARY),
    )
    assert dict(zip(counted.layout.streams, counted.counts[0, 0].tolist(), strict=True)) == {
        "cooperative": 2,
        "dispute": 0,
        "other_conflict": 0,
        "target": 2,
    }


def test_the_target_layout_counts_the_target_alone(us_china):
    layout = stream_layout("target", MILITARY)
    stream = layout.assign(us_china)
    np.testing.assert_array_equal(stream == 0, MILITARY.mask(us_china))
    np.testing.assert_array_equal(stream == -1, ~MILITARY.mask(us_china))
    focused = count_events(us_china, GRID, stream_layout("focused", MILITARY))
    alone = count_events(us_china, GRID, layout)
    np.testing.assert_array_equal(
        alone.counts[..., 0], focused.counts[..., focused.layout.streams.index("target")]
    )
    assert alone.reach.sum() == 0


def test_a_rule_masks_by_category_and_severity(coded):
    table = coded(
        ("2020-01-01", "military_incident", 4),
        ("2020-01-02", "military_incident", 3),
        ("2020-01-03", "sanction", 5),
        ("2020-01-04", "military_posture", 5),
    )
    np.testing.assert_array_equal(MILITARY.mask(table), [True, False, False, True])


@pytest.mark.parametrize("family", ["focused", "target"])
def test_a_family_built_around_a_target_needs_one(family):
    with pytest.raises(ValueError, match=f"the {family} family needs a target"):
        stream_layout(family)
