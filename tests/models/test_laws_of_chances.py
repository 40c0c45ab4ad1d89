"""What holds of every act, side, severity and target, draw by draw."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from forecast.events.codebook import CONFLICTUAL, COOPERATIVE, SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.events.table import EventTable
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import PosteriorDensity, sample
from forecast.models.density import BALLAST
from forecast.models.draws import stream_draws
from forecast.models.survival import Chances, on_all_cores
from forecast.priors.population import record_priors
from forecast.targets import FutureAct, TargetRule

from .conftest import (
    DYAD,
    DYING_OUT,
    GRID,
    ORIGIN,
    TARGETS,
    acts_with_priors,
    draws_of,
    event,
    factor_of,
    late,
    random_record,
)

N_DAYS, ROUNDING = 120, 1e-12
SIDES = ("AAA", "BBB", "CCC", "")
CONFLICT_ALONE = [q for q, target in enumerate(TARGETS) if not set(target.any_of) & set(COOPERATIVE)]


def act(category, severity, by="", subcategory="", probability=1.0, day=3):
    return FutureAct(
        ORIGIN + timedelta(days=day), category, severity, probability, by=by, subcategory=subcategory
    )


@pytest.fixture(scope="module")
def chances(everything):
    """Draws of wide priors: some of chains that hardly end, some of ballast that provokes."""
    data, _ = everything
    priors = record_priors(data, None)
    return Chances(data, priors, draws_of(data, priors, 12), N_DAYS, seed=2, keeps=True)


def test_s_begins_at_one_never_rises_and_is_a_chance(chances):
    for acts in (
        (),
        (act("dispute", 3, "AAA", "contact_x"), act("visit", 2), act("sanction", 4, probability=0.3)),
    ):
        values = chances.survival(acts).values
        assert (values[..., 0] == 1).all()
        assert (np.diff(values, axis=2) <= 0).all()
        assert ((values >= 0) & (values <= 1)).all()
        assert np.isfinite(values).all()


def test_a_wider_target_is_never_less_likely_draw_by_draw(chances):
    for acts in (
        (),
        (act("dispute", 3, "AAA", "contact_x"), act("military_incident", 5, "", probability=0.5)),
    ):
        values = chances.survival(acts).values
        for wide, one in enumerate(TARGETS):
            for narrow, other in enumerate(TARGETS):
                if one.includes(other):
                    assert (values[:, wide] <= values[:, narrow] + ROUNDING).all(), (one.name, other.name)


@pytest.mark.parametrize("subcategory", ["", "contact_x"])
@pytest.mark.parametrize("by", SIDES)
@pytest.mark.parametrize("category", CONFLICTUAL)
def test_no_act_of_conflict_lowers_a_chance_and_a_graver_one_does_no_less(chances, category, by, subcategory):
    """Of conflict: an act's factor lies in [0, 1], and so its effect between 0 and 1 − S, relative to S."""
    milder = np.ones((len(chances.draws), len(TARGETS), N_DAYS + 1))
    for severity in SEVERITIES:
        factor = factor_of(chances, act(category, severity, by, subcategory))
        assert (factor >= 0).all()
        assert (factor <= milder + ROUNDING).all(), severity
        assert (factor[..., :4] == 1).all(), "nothing before the day after the act"
        half = factor_of(chances, act(category, severity, by, subcategory, probability=0.5))
        np.testing.assert_allclose(half, (1 + factor) / 2, rtol=1e-12)
        milder = factor


@pytest.mark.parametrize("by", ["AAA", "BBB"])
@pytest.mark.parametrize("category", COOPERATIVE)
def test_cooperation_never_raises_a_chance_of_conflict_by_being_grave(chances, category, by):
    found = [chances.survival([act(category, severity, by)]).values for severity in SEVERITIES]
    for graver in found[1:]:
        np.testing.assert_allclose(graver[:, CONFLICT_ALONE], found[0][:, CONFLICT_ALONE], rtol=1e-12)
    base = chances.survival().values
    provokes = (
        chances.draws.values[:, chances.arrays.offset[BALLAST] + chances.data.layout.calming.index(category)]
        < 0
    )
    change = found[0][:, CONFLICT_ALONE, -1] - base[:, CONFLICT_ALONE, -1]
    assert (change[~provokes] >= -ROUNDING).all()
    assert (change[provokes] <= ROUNDING).all()


def test_an_act_of_a_class_does_no_less_than_one_of_none(chances):
    for severity in SEVERITIES:
        named = factor_of(chances, act("dispute", severity, "AAA", "contact_x"))
        assert (named <= factor_of(chances, act("dispute", severity, "AAA")) + ROUNDING).all()
        # The class is of side AAA alone.
        other = factor_of(chances, act("dispute", severity, "BBB", "contact_x"))
        np.testing.assert_array_equal(other, factor_of(chances, act("dispute", severity, "BBB")))


def test_acts_ahead_multiply_in_any_order(chances):
    acts = (
        act("dispute", 3, "AAA", "contact_x"),
        act("sanction", 2, "BBB", day=40),
        act("military_posture", 2),
    )
    whole = chances.survival(acts).values
    np.testing.assert_allclose(chances.survival(acts[::-1]).values, whole, rtol=1e-12)
    product = chances.survival().values * np.prod([factor_of(chances, one) for one in acts], axis=0)
    np.testing.assert_allclose(whole, product, rtol=1e-12)


def test_chances_do_not_depend_on_what_else_is_asked(everything, chances):
    data, _ = everything
    again = Chances(data, chances.priors, chances.draws, N_DAYS, seed=2)
    one = act("dispute", 3, "AAA", "contact_x")
    np.testing.assert_array_equal(again.survival([one]).values, chances.survival([one]).values)
    few = Chances(data, chances.priors, chances.draws, 40, seed=2)
    np.testing.assert_allclose(factor_of(few, one), factor_of(chances, one)[..., :41], rtol=1e-3)


def swapped(draws, layout, other, priors):
    """The same draws by the names of another layout."""
    names = {rate: k for k, rate in enumerate(layout.rates)}
    order = [names[rate] for rate in other.rates]
    values = draws.values.copy()
    values[:, : len(order)] = values[:, order]
    return replace(draws, streams=other, values=values)


def test_swapping_the_sides_changes_nothing_but_their_order():
    """Sides exchange places; streams are named by who acts, so that every name keeps its numbers."""
    events = random_record(1)
    data, priors = acts_with_priors(events, known=late())
    turned, own = acts_with_priors(events, known=late(), dyad=DyadRule(DYAD.b, DYAD.a, DYAD.theatre))
    place = [turned.layout.streams.index(name) for name in data.layout.streams]
    assert sorted(place) == list(range(len(place)))
    np.testing.assert_array_equal(turned.by_stream[place], data.by_stream)
    np.testing.assert_array_equal(turned.mix[place], data.mix)
    np.testing.assert_allclose(turned.rate_shares[place], data.rate_shares, rtol=1e-12)
    assert {name: str(one.distribution) for name, one in own.priors.items()} == {
        name: str(one.distribution) for name, one in priors.priors.items()
    }
    draws = draws_of(data, priors, 3)
    others = swapped(draws, data.layout, turned.layout, own)
    one, other = Chances(data, priors, draws, 60, seed=2), Chances(turned, own, others, 60, seed=2)
    for acts in ((), (act("sanction", 3, "AAA"), act("dispute", 2, "CCC"), act("visit", 3, "BBB"))):
        np.testing.assert_allclose(one.survival(acts).values, other.survival(acts).values, rtol=1e-9)
    value, _ = PosteriorDensity.of(data, priors)(PosteriorDensity.of(data, priors).points(draws.variables))
    turned_value, _ = PosteriorDensity.of(turned, own)(
        PosteriorDensity.of(turned, own).points(others.variables)
    )
    np.testing.assert_allclose(value, turned_value, rtol=1e-10)


def test_the_order_of_rows_is_irrelevant():
    data, priors = acts_with_priors(random_record(1))
    mixed, own = acts_with_priors(random_record(1, order=np.random.default_rng(1).permutation(120)))
    draws = draws_of(data, priors, 2)
    one, other = Chances(data, priors, draws, 60, seed=2), Chances(mixed, own, draws, 60, seed=2)
    np.testing.assert_array_equal(one.survival().values, other.survival().values)
    points = PosteriorDensity.of(data, priors).points(draws.variables)
    for a, b in zip(
        PosteriorDensity.of(data, priors)(points), PosteriorDensity.of(mixed, own)(points), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def dense(times):
    """Acts of conflict that meet no target stand ``times`` on their day; cooperation and the target once."""
    rng = np.random.default_rng(4)
    rows = []
    for day in range(GRID.origin.toordinal() - GRID.start.toordinal()):
        for category in rng.choice(CONFLICTUAL, rng.poisson(1.5)):
            sides, severity = ("AAA", "BBB")[:: rng.choice((1, -1))], 1 + rng.integers(3)
            rows += [(day, *sides, category, severity)] * times
    rows += [(day, "AAA", "BBB", "dispute", 4) for day in (60, 150, 290, 380)]
    rows += [(day, "BBB", "AAA", "military_incident", 5) for day in (90, 200)]
    rows += [(day, "AAA", "BBB", "visit", 2) for day in range(0, 400, 40)]
    return EventTable.from_events([event(n, *row) for n, row in enumerate(rows)], "a test")


def test_a_record_thinned_by_ten_expects_as_much_of_a_target_that_is_whole():
    """Ten times fewer acts, each with as many answers, of which the target has ten times the share.

    Draws are multiples of the record's own rates. What differs is of the size of the target's share of the
    acts of a side and category that remain.
    """
    targets, found = (TargetRule("grave", CONFLICTUAL, 4),), []
    for times in (10, 1):
        data, priors = acts_with_priors(dense(times), targets=targets, reactions=(), stated=DYING_OUT)
        draws = draws_of(data, priors, 20)
        found.append(-np.log(Chances(data, priors, draws, 200, seed=2).survival().of("grave")[:, 1:]))
    whole, thinned = found
    rates = draws.values[:, : len(data.layout.rates)][:, data.layout.rate_of] * data.rate_shares
    kinds = {(one.category, one.side) for one in data.layout.kinds if one.side >= 0}
    share = np.zeros(len(draws))
    for kind in kinds:
        own = np.array([(one.category, one.side) == kind for one in data.layout.kinds])
        share = np.maximum(
            share, rates[:, own & data.layout.meets[0]].sum(axis=1) / rates[:, own].sum(axis=1)
        )
    assert np.median(share) < 0.1
    assert (whole[:, -1] > 0.1).all()
    assert (np.abs(thinned / whole - 1).max(axis=1) < 0.01 + share).all()


@pytest.mark.slow
def test_a_fit_to_a_record_thinned_by_ten_hardly_changes_a_forecast():
    targets, found = (TargetRule("grave", CONFLICTUAL, 4),), []
    options = SamplerOptions(seed=1, draws=150, tune=250, chains=2)
    for times in (10, 1):
        data, priors = acts_with_priors(dense(times), targets=targets, reactions=())
        tree = sample(PosteriorDensity.of(data, priors), options)
        draws = stream_draws(data.layout, Posterior(tree, 0.9, 250).variables, priors)
        found.append(1 - Chances(data, priors, draws, 200, seed=2).survival().of("grave").mean(axis=0))
    whole, thinned = found
    assert 0.3 < whole[200] < 0.99
    # Some half of a posterior standard deviation, .15 and .18 at 60 days.
    np.testing.assert_allclose(thinned[[14, 60, 200]], whole[[14, 60, 200]], atol=0.1)


def test_questions_of_several_threads_have_the_answers_of_one(chances):
    """What one question lets go of another may need, as on a page that is asked before all is ready."""
    asked = [(act("visit", 1 + n % 5, day=n), act("sanction", 1 + n % 5, "AAA", day=n)) for n in range(24)]
    alone = [chances.survival(acts).values for acts in asked]
    shared, switching = replace(chances, keeps=False), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            together = [found.values for found in pool.map(shared.survival, asked)]
    finally:
        sys.setswitchinterval(switching)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


def test_an_interrupt_does_not_wait_for_other_threads():
    ended, go_on = [], threading.Event()

    def run(item):
        go_on.wait(20)
        ended.append(item)

    def items():
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(on_all_cores(run, items()))
    assert ended == []
    go_on.set()
    assert list(on_all_cores(lambda item: item + 1, [3, 1, 2])) == [4, 2, 3]
