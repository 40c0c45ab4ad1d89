from datetime import date
from itertools import pairwise, product

import numpy as np
import pytest

from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE, SEVERITIES
from forecast.panel import TargetRule, TimeGrid, count_events, stream_layout

ARMED = ("military_incident", "military_posture")
MILITARY = TargetRule("military", ARMED, 4)
GRID = TimeGrid(date(2017, 1, 20), date(2023, 7, 11))
CASES = {
    "none": (),
    "one": (MILITARY,),
    "nested": (TargetRule("wide", CONFLICTUAL, 3), MILITARY, TargetRule("lethal", ARMED[:1], 5)),
    "overlap": (TargetRule("left", ARMED, 3), TargetRule("right", ("sanction", "military_posture"), 2)),
    "cooperation": (TargetRule("talks", ("visit", "dispute"), 3), TargetRule("summit", ("visit",), 5)),
    "every act": (TargetRule("anything", CATEGORIES, 1), MILITARY),
    "directed": (
        TargetRule("wide", CONFLICTUAL, 4),
        TargetRule("drills", ("military_posture",), 4, ("CHN",)),
        TargetRule("raids", ("military_incident",), 3, ("USA", "CHN")),
    ),
    "named like a category": (TargetRule("dispute", ("dispute",), 4),),
    # Each pair overlaps, and none includes another.
    "eight": tuple(
        TargetRule(f"t{q}", tuple(c for i, c in enumerate(CATEGORIES) if (i + q) % 8 < 5), 1 + q % 4)
        for q in range(8)
    ),
}
ACTS = tuple(product(CATEGORIES, SEVERITIES, ("", "CHN", "USA", "TWN")))


@pytest.fixture(params=CASES.values(), ids=CASES)
def layout(request):
    return stream_layout(request.param)


def test_every_act_is_in_exactly_one_stream_and_every_stream_holds_one(layout):
    held = [layout.stream_of(*act) for act in ACTS]
    assert set(held) == set(range(len(layout.streams)))


def test_acts_share_a_cell_where_they_meet_the_same_targets(layout):
    for one, other in product(ACTS, ACTS):
        met = [tuple(target.meets(*act) for target in layout.targets) for act in (one, other)]
        together = layout.stream_of(*one) == layout.stream_of(*other)
        if any(met[0]) or any(met[1]):
            assert together == (met[0] == met[1])
        else:
            assert together == (one[0] == other[0])


def test_a_target_is_the_union_of_its_cells(layout):
    assert layout.meets.shape == (len(layout.targets), len(layout.streams))
    for target, meets in zip(layout.targets, layout.meets, strict=True):
        for act in ACTS:
            assert meets[layout.stream_of(*act)] == target.meets(*act)


def test_names_are_unique_and_cells_come_from_the_fewest_targets_on(layout):
    assert len(set(layout.streams)) == len(layout.streams)
    assert len(layout.streams) == len(layout.ordinary) + len(layout.cells)
    assert all(len(one) <= len(other) for one, other in pairwise(layout.cells))
    assert layout.streams[: len(layout.ordinary)] == layout.ordinary


def test_streams_are_of_conflict_where_they_hold_any_and_calm_where_they_hold_none(layout):
    for k in range(len(layout.streams)):
        categories = {act[0] for act in ACTS if layout.stream_of(*act) == k}
        assert layout.conflictual[k] == bool(categories & set(CONFLICTUAL))
        assert layout.calming[k] == (categories <= set(COOPERATIVE))
    assert sorted([*layout.conflict_index, *layout.calming_index]) == list(range(len(layout.streams)))


def test_wider_streams_hold_the_same_categories_one_severity_lower(layout):
    for k, wider in enumerate(layout.wider):
        held = [act for act in ACTS if layout.stream_of(*act) == k]
        below = set()
        for category, by in {(category, by) for category, _, by in held}:
            least = min(severity for one, severity, who in held if (one, who) == (category, by))
            if least > 1:
                below.add(layout.stream_of(category, least - 1, by))
        assert set(wider) == below - {k}


def test_shares_of_severities_are_those_of_the_kinds_of_conflict(layout):
    for k, shares in enumerate(layout.severities):
        kinds = product(CATEGORIES, SEVERITIES, layout.sources)
        held = [kind for kind in kinds if layout.stream_of(*kind) == k]
        expected = [sum(a[0] in CONFLICTUAL and a[1] == s for a in held) / len(held) for s in SEVERITIES]
        assert shares == pytest.approx(expected)


def test_streams_share_out_every_event_and_a_cell_counts_once_a_day(us_china, layout):
    window = us_china.between(date(2017, 1, 20), date(2023, 7, 10))
    stream = layout.assign(window)
    counted = count_events(us_china, GRID, layout)
    for k in range(len(layout.streams)):
        days = window.date[stream == k]
        expected = len(np.unique(days)) if k >= len(layout.ordinary) else len(days)
        assert counted.counts[:, k].sum() == expected


def test_of_a_day_a_cell_counts_the_gravest_act_and_other_streams_every_one(coded):
    acts = [("2020-01-02", "military_incident", severity) for severity in (4, 5, 4)]
    counted = count_events(
        coded(*acts, *[("2020-01-02", "visit", 1)] * 2, ("2020-01-03", "military_posture", 4)),
        TimeGrid(date(2020, 1, 1), date(2020, 1, 8)),
        stream_layout([MILITARY]),
    )
    found = dict(zip(counted.layout.streams, counted.counts[0].tolist(), strict=True))
    assert {name: n for name, n in found.items() if n} == {"visit": 2, "military": 2}
    assert counted.graded[0].tolist() == [0, 0, 0, 1, 1]


def test_cells_of_the_worked_case():
    layout = stream_layout(CASES["nested"])
    assert layout.streams == (*CATEGORIES, "wide", "military", "lethal")
    assert layout.cells == ((0,), (0, 1), (0, 1, 2))
    assert [layout.streams[k] for k in layout.wider[layout.streams.index("lethal")]] == ["military"]
    wider = layout.wider[layout.streams.index("wide")]
    assert {layout.streams[k] for k in wider} == set(CONFLICTUAL)
    overlap = stream_layout(CASES["overlap"])
    shared = overlap.stream_of("military_posture", 4)
    assert overlap.streams[shared] == "left+right"
    assert overlap.meets[:, shared].all()
    # A target that every act meets leaves no stream beside its cells.
    whole = stream_layout(CASES["every act"])
    assert (whole.ordinary, whole.streams, whole.wider) == ((), ("anything", "military"), ((), (0,)))


def test_an_act_counts_for_a_directed_target_by_who_acts():
    layout = stream_layout(CASES["directed"])
    drills = layout.stream_of("military_posture", 4, "CHN")
    assert layout.acts_in_words(drills) == ("military posture of severity 4 or 5 by CHN",)
    others = {layout.stream_of("military_posture", 4, by) for by in ("", "USA", "TWN")}
    assert others == {layout.stream_of("sanction", 5)}
    assert [one.name for one in layout.directed("military_posture", 5)] == ["drills"]
    assert layout.directed("military_posture", 3) == layout.directed("sanction", 5) == ()


def test_a_rule_includes_another_only_where_it_counts_all_its_actors():
    anybody, both, one = (TargetRule("t", ARMED, 3, by) for by in ((), ("CHN", "USA"), ("CHN",)))
    pairs = (anybody, both), (both, one), (both, anybody), (one, both)
    assert [wide.includes(narrow) for wide, narrow in pairs] == [True, True, False, False]


def test_counts_of_a_directed_target_are_its_actors_acts(coded):
    rows = [("2020-01-01", "military_posture", 4), ("2020-02-01", "military_posture", 4)]
    table = coded(*rows)
    for by, seen in ((("USA",), 2), (("CHN",), 0)):
        rule = TargetRule("drills", ("military_posture",), 4, by)
        layout = stream_layout((rule,))
        counted = count_events(table, TimeGrid(date(2020, 1, 1), date(2020, 3, 1)), layout).counts.sum(axis=0)
        assert int(counted[layout.meets[0]].sum()) == int(rule.mask(table).sum()) == seen
