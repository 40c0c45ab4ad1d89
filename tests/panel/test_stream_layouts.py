from datetime import date
from itertools import product

import numpy as np
import pytest

from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE, SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.events.table import Event, EventTable
from forecast.panel import ActClass, FutureAct, Reaction, TargetRule, TimeGrid
from forecast.streams import NO_SIDE, acts_of, stream_layout

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
    "named like a category": ((TargetRule("dispute", ("dispute",), 4),), ()),
}
KINDS = tuple(product(CATEGORIES, SEVERITIES, ("CHN", "USA", "TWN"), ("", "contact_visit")))


def table_of(kinds):
    day = date(2020, 1, 1)
    rows = [
        Event(
            id=f"e{n:05}",
            date=day,
            known_date=day,
            initiator=by,
            recipient="USA" if by == "CHN" else "CHN",
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
        assert kind.side == (NO_SIDE if category in COOPERATIVE else (0, 1)[by == "CHN"])
        assert kind.cell == layout.targets_met(category, severity, by)
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
        if by != "TWN":
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
            assert (other.category, other.side, other.classes) == (own.category, own.side, own.classes)
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


def test_a_rule_includes_another_only_where_it_counts_all_its_actors():
    anybody, both, one = (TargetRule("t", ARMED, 3, by) for by in ((), ("CHN", "USA"), ("CHN",)))
    pairs = (anybody, both), (both, one), (both, anybody), (one, both)
    assert [wide.includes(narrow) for wide, narrow in pairs] == [True, True, False, False]
