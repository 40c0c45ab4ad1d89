"""A dyad selects acts by who acts upon whom, and counts by pair what it leaves out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.events.dyads import (
    Direction,
    DyadRule,
    PairRows,
    left_out_in_words,
    main_pairs,
    pair_rows,
    pairs_in_words,
    selection_notes,
)
from forecast.events.table import EventTable
from tests.conftest import an_act

ACTORS = ("USA", "NAT", "SER", "CHN", "TWN", "Kurdish rebels")


def acts(*pairs: tuple[str, str]) -> EventTable:
    """One act a pair of initiator and recipient, each on the same day, in the order given."""
    events = [an_act(f"e{place:04d}", initiator=a, recipient=b) for place, (a, b) in enumerate(pairs)]
    return EventTable.from_events(events, "a test")


pairs = st.lists(st.tuples(st.sampled_from(ACTORS), st.sampled_from(ACTORS)), max_size=12)
rules = st.permutations(ACTORS).flatmap(
    lambda names: st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(0, 2)).map(
        lambda sizes: DyadRule(
            tuple(names[: sizes[0]]),
            tuple(names[sizes[0] : sizes[0] + sizes[1]]),
            tuple(names[sizes[0] + sizes[1] : sum(sizes)]),
        )
    )
)


@pytest.mark.parametrize(
    ("rule", "initiator", "recipient", "direction"),
    [
        (DyadRule(("USA",), ("CHN",)), "USA", "CHN", Direction.A_TO_B),
        (DyadRule(("USA",), ("CHN",)), "CHN", "USA", Direction.B_TO_A),
        (DyadRule(("USA",), ("CHN",)), "CHN", "TWN", Direction.OUTSIDE),
        # several actors: an act within a side is no act of the dyad
        (DyadRule(("USA", "NAT"), ("SER",)), "NAT", "SER", Direction.A_TO_B),
        (DyadRule(("USA", "NAT"), ("SER",)), "SER", "USA", Direction.B_TO_A),
        (DyadRule(("USA", "NAT"), ("SER",)), "USA", "NAT", Direction.OUTSIDE),
        # the theatre: with a side, either way; not among third parties
        (DyadRule(("USA",), ("CHN",), ("TWN", "SER")), "CHN", "TWN", Direction.THEATRE),
        (DyadRule(("USA",), ("CHN",), ("TWN", "SER")), "TWN", "USA", Direction.THEATRE),
        (DyadRule(("USA",), ("CHN",), ("TWN", "SER")), "TWN", "SER", Direction.OUTSIDE),
        # names are compared whole, as they are written
        (DyadRule(("Kurdish rebels",), ("SER",)), "Kurdish rebels", "SER", Direction.A_TO_B),
        (DyadRule(("usa",), ("CHN",)), "USA", "CHN", Direction.OUTSIDE),
    ],
)
def test_an_act_belongs_by_who_acts_upon_whom(rule, initiator, recipient, direction):
    assert rule.directions(acts((initiator, recipient))).tolist() == [direction]


@given(rule=rules, rows=pairs)
def test_selecting_is_idempotent_and_loses_no_row(rule, rows):
    table = acts(*rows)
    kept = table.select(rule.mask(table))
    assert rule.mask(kept).all()
    assert len(kept) + sum(one.rows for one in rule.left_out(table)) == len(table)
    assert not {*zip(kept.initiator, kept.recipient, strict=True)} & {one[:2] for one in rule.left_out(table)}


@given(rule=rules, rows=pairs, chance=st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_that_of_sides_and_actors_matters(rule, rows, chance):
    turned = DyadRule(rule.b[::-1], rule.a[::-1], rule.theatre[::-1])
    shuffled = chance.sample(rows, len(rows))
    one, other = acts(*rows), acts(*shuffled)
    assert pair_rows(one.select(rule.mask(one))) == pair_rows(other.select(turned.mask(other)))
    assert rule.left_out(one) == turned.left_out(other)
    assert rule.sides == turned.sides


@given(rule=rules)
def test_a_rule_is_stored_as_plain_values(rule):
    assert DyadRule.from_dict(rule.to_dict()) == rule


def test_a_rule_needs_two_sides_that_share_no_actor():
    with pytest.raises(ValueError, match="needs an actor"):
        DyadRule((), ("CHN",))
    with pytest.raises(ValueError, match="named twice: USA, CHN, USA"):
        DyadRule(("USA",), ("CHN",), ("USA",))


def test_the_bundled_file_holds_three_third_parties(us_china):
    rule = DyadRule(("USA",), ("CHN",))
    assert [*rule.left_out(us_china)] == [
        PairRows("CHN", "TWN", 23),
        PairRows("CHN", "HKG", 3),
        PairRows("CHN", "CAN", 2),
        PairRows("TWN", "USA", 1),
    ]
    assert DyadRule(("USA",), ("CHN",), ("TWN", "HKG", "CAN")).mask(us_china).all()


def test_pairs_are_listed_with_the_largest_first_and_the_rest_summed():
    table = acts(("A", "B"), ("B", "A"), ("A", "B"), ("A", "C"), ("D", "C"), ("A", "A"))
    assert pairs_in_words(main_pairs(table), 2) == "A–B (3 rows), A–C (1) and other pairs (1)"
    assert pairs_in_words({}) == "no acts between two actors"
    left_out = DyadRule(("A",), ("C",)).left_out(table)
    assert left_out_in_words(left_out, 5, 2) == "A to B (2 rows), A to A (1) and other pairs (2)"


def test_few_rows_and_actors_that_never_appear_are_noted():
    table = acts(("USA", "CHN"), *[("IND", "PAK")] * 12)
    rule = DyadRule(("USA",), ("CHN", "IDN"))
    few, unseen = selection_notes(rule, table.select(rule.mask(table)), rule.left_out(table))
    assert few == (
        "only 1 of 13 rows are acts between USA and CHN or IDN. The file also holds IND–PAK (12 rows)."
    )
    assert unseen == "no row names IDN. Did you mean 'IND' for 'IDN'?"
    table = acts(("USA", "CHN"), *[("IND", "PAK")] * 9)
    rule = DyadRule(("USA",), ("CHN",))
    assert [*selection_notes(rule, table.select(rule.mask(table)), rule.left_out(table))] == []
