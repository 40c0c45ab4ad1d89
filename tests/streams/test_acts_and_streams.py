"""Acts by day, stream and severity; what the record says of rates; how streams tell acts apart."""

from datetime import date, timedelta
from itertools import product

import numpy as np
import pytest

from forecast.errors import InputError
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE, SEVERITIES, ways
from forecast.events.dyads import DyadRule
from forecast.events.table import Event, EventTable
from forecast.grid import TimeGrid
from forecast.streams import NO_SIDE, acts_of, stream_layout
from forecast.targets import ActClass, FutureAct, Reaction, TargetRule

LAYOUT = stream_layout([TargetRule("quarrel", ("dispute",), 4)], DyadRule(("USA",), ("CHN",), ("TWN",)))
START = date(2020, 1, 1)
K = {name: k for k, name in enumerate(LAYOUT.streams)}


@pytest.fixture(scope="module")
def table(coded):
    return coded(
        ("2019-12-31", "visit", 2),  # the day before the grid
        ("2020-01-01", "visit", 2),  # its first day
        ("2020-01-07", "dispute", 4),  # last day of week 0
        ("2020-01-08", "dispute", 1),  # first day of week 1
        ("2020-01-09", "dispute", 5),
        ("2020-01-09", "dispute", 4),  # a stream that meets a target counts the gravest of a day
        ("2020-01-16", "military_posture", 3),  # week 2, the last day before the origin
        ("2020-01-16", "military_posture", 3),  # others count every act
        ("2020-01-17", "military_posture", 3),  # the origin
    )


@pytest.fixture(scope="module")
def acts(table):
    return acts_of(table, TimeGrid(START, date(2020, 1, 17)), LAYOUT)


def test_acts_are_those_made_by_hand(acts):
    posture = K["military_posture.USA"]
    found = list(zip(acts.day.tolist(), acts.stream.tolist(), acts.severity.tolist(), strict=True))
    assert found == [
        (0, K["visit"], 2),
        (6, K["dispute.quarrel.USA"], 4),
        (7, K["dispute.USA"], 1),
        (8, K["dispute.quarrel.USA"], 5),
        (15, posture, 3),
        (15, posture, 3),
    ]
    assert (acts.weeks, len(acts.completeness)) == (pytest.approx(16 / 7), 16)
    np.testing.assert_allclose(acts.exposure, [1, 1, 2 / 7])
    assert acts.counts.sum(axis=1).tolist() == [2, 2, 2]
    assert acts.by_stream.tolist() == acts.counts.sum(axis=0).tolist()


def test_the_mix_is_the_share_of_each_severity_with_half_an_act_spread_evenly(acts):
    np.testing.assert_allclose(acts.mix[K["dispute.quarrel.USA"]], [0, 0, 0, 0.5, 0.5])
    np.testing.assert_allclose(acts.mix[K["dispute.USA"]], [(1 + 0.5 / 3) / 1.5, 0.5 / 4.5, 0.5 / 4.5, 0, 0])
    np.testing.assert_allclose(acts.mix[K["sanction.CHN"]], np.full(5, 0.2))


def test_half_an_act_is_added_to_a_cell_once_and_shared_by_its_sides_and_kinds(coded):
    layout = stream_layout([TargetRule("grave", ("dispute", "sanction"), 4)], LAYOUT.dyad)
    rows = [("2020-01-02", "dispute", 4), ("2020-01-03", "dispute", 5), ("2020-01-04", "sanction", 4)]
    data = acts_of(coded(*rows), TimeGrid(START, date(2020, 1, 15)), layout)
    rate = layout.rates.index("grave")
    own = layout.rate_of == rate
    assert own.sum() == 4
    weight = {"dispute.grave.USA": 2.125, "sanction.grave.USA": 1.125}
    expected = [weight.get(layout.streams[k], 0.125) / 3.5 for k in np.flatnonzero(own)]
    np.testing.assert_allclose(data.rate_shares[own], expected)
    assert (data.rate_sources[rate].acts, data.rate_sources[rate].steps) == (3, 0)
    for one in range(len(layout.rates)):
        assert data.rate_shares[layout.rate_of == one].sum() == pytest.approx(1)


def test_a_cell_never_seen_is_read_from_the_next_milder_acts(coded):
    targets = [TargetRule("grave", ("dispute",), 3), TargetRule("war", ("dispute",), 5)]
    layout = stream_layout(targets, LAYOUT.dyad)
    data = acts_of(coded(*[("2020-01-02", "dispute", 2)] * 3), TimeGrid(START, date(2020, 1, 15)), layout)
    for name, steps in (("grave", 1), ("war", 2)):
        source = data.rate_sources[layout.rates.index(name)]
        assert (source.acts, source.steps) == (3, steps)
        assert {layout.streams[k] for k in source.read} == {"dispute.USA", "dispute.CHN"}


def test_an_act_of_a_third_party_is_of_the_side_opposite_the_one_it_is_aimed_at():
    days = (("TWN", "CHN"), ("TWN", "USA"), ("CHN", "TWN"), ("USA", "TWN"))
    rows = [
        Event(
            id=f"e{n}", date=START, known_date=START, initiator=a, recipient=b, category="dispute", severity=2
        )
        for n, (a, b) in enumerate(days)
    ]
    assert LAYOUT.sides(EventTable.from_events(rows, "a test")).tolist() == [0, 1, 1, 0]


def test_an_act_ahead_is_of_its_side_and_of_either_by_the_record_where_it_has_none(acts):
    def streams(by, severity=2):
        found = acts.streams_of(FutureAct(date(2020, 2, 1), "dispute", severity, 1.0, by=by))
        return {LAYOUT.streams[k]: weight for k, weight in found}

    assert streams("CHN") == {"dispute.CHN": 1.0}
    assert streams("USA", 4) == {"dispute.quarrel.USA": 1.0}
    # Three acts of the United States against none of China, and half an act each.
    assert streams("") == streams("TWN") == {"dispute.USA": 3.5 / 4, "dispute.CHN": 0.5 / 4}
    visit = acts.streams_of(FutureAct(date(2020, 2, 1), "visit", 2, 1.0, by="CHN"))
    assert visit == ((K["visit"], 1.0),)


@pytest.mark.parametrize(
    ("origin", "n_steps", "exposure"),
    [
        (date(2020, 1, 2), 1, 1 / 7),
        (date(2020, 1, 8), 1, 1.0),
        (date(2020, 1, 9), 2, 1 / 7),
        (date(2020, 1, 14), 2, 6 / 7),
        (date(2020, 1, 15), 2, 1.0),
    ],
)
def test_steps_and_exposure_add_up_to_the_days_observed(origin, n_steps, exposure):
    grid = TimeGrid(START, origin)
    assert (grid.n_steps, grid.last_exposure) == (n_steps, pytest.approx(exposure))
    assert (grid.n_steps - 1 + grid.last_exposure) * 7 == pytest.approx((origin - START).days)


@pytest.mark.parametrize("origin", [START, date(2019, 12, 1)])
def test_an_empty_window_is_refused(origin):
    with pytest.raises(InputError, match=f"window is empty: it starts {START} and ends before {origin}"):
        TimeGrid(START, origin)


def test_moving_the_origin_leaves_the_days_before_alone(us_china):
    cut, whole = (
        acts_of(us_china, TimeGrid(date(2017, 1, 20), date(2023, 7, 11) - timedelta(days=days)), LAYOUT)
        for days in (800, 0)
    )
    before = whole.day < len(cut.completeness)
    for name in ("day", "stream", "severity"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name)[before])


DYAD = DyadRule(("USA",), ("CHN",), ("TWN",))
ARMED = ("military_incident", "military_posture")
MILITARY = TargetRule("military", ARMED, 4)
CONTACT = Reaction("contact", "", ActClass("dispute", ("contact*",)), then=("military_posture",), by=("CHN",))
SUMMIT = Reaction("summit", "", ActClass("visit", (), (4, 5), ("USA",)), target="military")
CASES = {
    "none": ((), ()),
    "one": ((MILITARY,), (CONTACT,)),
    "nested": (
        (TargetRule("wide", CONFLICTUAL, 3), MILITARY, TargetRule("lethal", ARMED[:1], 5)),
        (CONTACT, SUMMIT),
    ),
    "overlap": ((TargetRule("left", ARMED, 3), TargetRule("right", ("sanction", "military_posture"), 2)), ()),
    "cooperation": ((TargetRule("talks", ("visit", "dispute"), 3), TargetRule("summit", ("visit",), 5)), ()),
    "every act": ((TargetRule("anything", CATEGORIES, 1), MILITARY), (CONTACT,)),
    "directed": (
        (
            TargetRule("wide", CONFLICTUAL, 4),
            TargetRule("drills", ("military_posture",), 4, ("CHN",)),
            TargetRule("raids", ("military_incident",), 3, ("USA", "TWN")),
        ),
        (),
    ),
    "towards": (
        (
            TargetRule("wide", CONFLICTUAL, 4),
            TargetRule("clash", ("military_incident",), 3, ways((), (), (("USA",), ("CHN",)))),
            TargetRule("squeeze", ("military_posture", "visit"), 2, ways((), ("TWN",))),
        ),
        (Reaction("call", "", ActClass("dispute", ("contact*",), by=("USA>TWN",)), target="squeeze"),),
    ),
    "answers towards": (
        (TargetRule("wide", CONFLICTUAL, 4),),
        (
            Reaction("reply", "", ActClass("dispute", ("contact*",)), ("sanction",), towards=("USA",)),
            Reaction("spill", "", ActClass("visit"), by=("USA",), towards=("TWN", "CHN")),
        ),
    ),
    "named like a category": ((TargetRule("dispute", ("dispute",), 4),), ()),
}
SIDES = {"USA>CHN": 0, "CHN>USA": 1, "USA>TWN": 0, "CHN>TWN": 1, "TWN>USA": 1, "TWN>CHN": 0}
KINDS = tuple(product(CATEGORIES, SEVERITIES, SIDES, ("", "contact_visit")))


def table_of(kinds):
    day = date(2020, 1, 1)
    rows = [
        Event(
            id=f"e{n:05}",
            date=day,
            known_date=day,
            initiator=by.partition(">")[0],
            recipient=by.partition(">")[2] or "CHN",
            category=category,
            severity=severity,
            subcategory=subcategory,
        )
        for n, (category, severity, by, subcategory) in enumerate(kinds)
    ]
    return EventTable.from_events(rows, "a test")


@pytest.fixture(scope="module")
def every():
    return table_of(KINDS)


@pytest.fixture(params=CASES.values(), ids=CASES)
def layout(request):
    targets, reactions = request.param
    return stream_layout(targets, DYAD, reactions)


def test_streams_tell_acts_apart_by_side_targets_and_classes_alone(layout, every):
    place = dict(zip(KINDS, layout.assign(every)[np.argsort(every.id.argsort())], strict=True))
    for (category, severity, by, subcategory), k in place.items():
        kind = layout.kinds[k]
        assert kind.category == category
        assert severity in layout.held[kind]
        assert kind.side == (NO_SIDE if category in COOPERATIVE else SIDES[by])
        assert kind.cell == layout.targets_met(category, severity, by)
        assert kind.aimed == layout.aimed_at(category, by)
        assert kind.classes == layout.classes_of(category, subcategory, severity, by)
    for q, target in enumerate(layout.targets):
        for (category, severity, by, _), k in place.items():
            assert layout.meets[q, k] == target.meets(category, severity, by)
    for i, one in enumerate(layout.reactions):
        for kind, k in place.items():
            assert layout.sets_off[i, k] == one.when.holds(kind[0], kind[3], kind[1], kind[2])


def test_an_act_ahead_belongs_to_streams_that_its_like_in_the_record_have(layout, every):
    data = acts_of(every, TimeGrid(date(2020, 1, 1), date(2020, 1, 8)), layout)
    place = dict(zip(KINDS, layout.assign(every)[np.argsort(every.id.argsort())], strict=True))
    for kind, k in place.items():
        category, severity, by, subcategory = kind
        act = FutureAct(date(2020, 2, 1), category, severity, 1.0, by=by, subcategory=subcategory)
        found = dict(data.streams_of(act))
        assert k in found
        assert sum(found.values()) == pytest.approx(1)
        assert found == {k: 1.0}
        unnamed = FutureAct(date(2020, 2, 1), category, severity, 1.0)
        assert sum(weight for _, weight in data.streams_of(unnamed)) == pytest.approx(1)


def test_names_are_unique_and_rates_are_one_a_cell(layout):
    assert len(set(layout.streams)) == len(layout.streams)
    assert len(set(layout.rates)) == len(layout.rates) == layout.rate_of.max() + 1
    cells = {(one.cell, one.side == NO_SIDE) for one in layout.kinds if one.cell}
    assert len(layout.rates) == len(cells) + sum(not one.cell for one in layout.kinds)
    for one, rate in zip(layout.kinds, layout.rate_of, strict=True):
        alike = [k for k, other in enumerate(layout.rate_of) if other == rate]
        assert all(layout.kinds[k].cell == one.cell for k in alike)
    assert set(layout.calming) == set(COOPERATIVE)


def test_milder_streams_hold_the_same_acts_one_severity_lower(layout):
    for k, milder in enumerate(layout.milder):
        own = layout.kinds[k]
        least = layout.held[own][0]
        for i in milder:
            other = layout.kinds[i]
            assert other._replace(cell=()) == own._replace(cell=())
            assert least - 1 in layout.held[other]
        assert bool(milder) == (least > 1 and any(
            i != k and layout.kinds[i]._replace(cell=()) == own._replace(cell=())
            and least - 1 in layout.held[layout.kinds[i]]
            for i in range(len(layout.kinds))
        ))  # fmt: skip


def test_streams_of_the_worked_kind_have_plain_names():
    targets, reactions = CASES["nested"]
    layout = stream_layout(targets, DYAD, reactions)
    assert {"visit", "visit.summit", "sanction.USA", "dispute.contact.CHN"} <= set(layout.streams)
    assert {"military_incident.lethal.USA", "military_posture.military.CHN"} <= set(layout.streams)
    assert {"wide", "military", "lethal"} <= set(layout.rates)
    assert layout.narrowest((0, 1, 2)) == (2,)


def test_answers_of_a_reaction_are_of_its_categories_and_side_or_of_its_target():
    targets, reactions = CASES["nested"]
    layout = stream_layout(targets, DYAD, reactions)
    for k, kind in enumerate(layout.kinds):
        assert layout.answers[0, k] == (kind.category == "military_posture" and kind.side == 1)
        assert layout.answers[1, k] == (1 in kind.cell)


def test_an_answer_towards_some_is_of_them_alone(every):
    targets, reactions = CASES["answers towards"]
    layout = stream_layout(targets, DYAD, reactions)
    assert {"sanction.towards_reply.CHN", "dispute.towards_spill.USA", "dispute.CHN"} <= {*layout.streams}
    place = dict(zip(KINDS, layout.assign(every)[np.argsort(every.id.argsort())], strict=True))
    for (category, severity, by, subcategory), k in place.items():
        whom = by.partition(">")[2]
        assert layout.answers[0, k] == (category == "sanction" and whom == "USA"), (by, severity, subcategory)
        # By the side: what a third party does to China counts for the United States.
        assert layout.answers[1, k] == (category in CONFLICTUAL and SIDES[by] == 0 and whom != "USA")


def test_classes_overlap_where_the_record_or_an_act_ahead_shows_it():
    wide = Reaction("wide", "", ActClass("dispute", ("contact*", "talk")), target="military")
    apart = stream_layout((MILITARY,), DYAD, (CONTACT, wide))
    assert not apart.joint
    both = stream_layout((MILITARY,), DYAD, (CONTACT, wide), table_of([("dispute", 2, "USA", "contact_a")]))
    assert both.joint == ((0, 1),)
    act = FutureAct(date(2020, 2, 1), "dispute", 2, 1.0, by="USA", subcategory="contact_a")
    assert stream_layout((MILITARY,), DYAD, (CONTACT, wide), acts=[act]).joint == ((0, 1),)
    # An act that nobody foresaw belongs to the first of its classes.
    data = acts_of(table_of([]), TimeGrid(date(2020, 1, 1), date(2020, 1, 8)), apart)
    ((k, _),) = data.streams_of(act)
    assert apart.kinds[k].classes == (0,)
    assert apart.assign(table_of([("dispute", 2, "USA", "contact_a")])).tolist() == [k]


def test_an_act_counts_for_a_directed_target_by_who_acts():
    layout = stream_layout(CASES["directed"][0], DYAD)
    assert layout.targets_met("military_posture", 4, "CHN") == (0, 1)
    assert (
        layout.targets_met("military_posture", 4, "TWN") == layout.targets_met("military_posture", 4) == (0,)
    )
    assert [one.name for one in layout.directed("military_posture", 5)] == ["drills"]
    assert layout.directed("military_posture", 3) == layout.directed("sanction", 5) == ()


def test_what_a_target_does_not_ask_may_be_left_open_of_an_act(every):
    clash, squeeze = CASES["towards"][0][1:]
    layout = stream_layout(CASES["towards"][0], DYAD)
    for by, asked in (("", True), ("USA", True), ("TWN", False), ("USA>TWN", False), ("USA>CHN", False)):
        assert layout.directed("military_incident", 4, by) == ((clash,) if asked else ())
    assert layout.directed("visit", 3, "USA>CHN") == ()
    assert layout.directed("visit", 3, "CHN") == (squeeze,)
    for rule in (clash, squeeze):
        met = [rule.meets(kind[0], kind[1], kind[2]) for kind in KINDS]
        assert rule.mask(every)[np.argsort(every.id.argsort())].tolist() == met


def test_a_rule_includes_another_only_where_it_counts_all_its_actors():
    anybody, both, one = (TargetRule("t", ARMED, 3, by) for by in ((), ("CHN", "USA"), ("CHN",)))
    clash = TargetRule("t", ARMED, 3, ways((), (), (("USA",), ("CHN",))))
    pairs = (
        (anybody, both),
        (both, one),
        (both, clash),
        (both, anybody),
        (one, both),
        (one, clash),
        (clash, one),
    )
    assert [wide.includes(narrow) for wide, narrow in pairs] == [True] * 3 + [False] * 4
