"""Chances where there is a closed form, and what is meant by a day."""

from datetime import timedelta

import numpy as np
import pytest

from forecast.events.table import EventTable
from forecast.models.survival import Chances
from forecast.targets import ActClass, FutureAct, Reaction

from .conftest import CONFLICT, GRID, ORIGIN, acts_with_priors, event, factor_of, random_record

HORIZON = 30
"""As far as every day is computed; beyond, chances are interpolated."""


def ahead(day, category, severity, probability=1.0, *, days=1, by="", subcategory=""):
    first = ORIGIN + timedelta(days=day)
    last = first + timedelta(days=days - 1)
    return FutureAct(first, category, severity, probability, last, by=by, subcategory=subcategory)


@pytest.fixture(scope="module")
def still():
    """A record of long ago: nothing is left of it, so that an act ahead tells its own effect."""
    events = [event(n, 0, "AAA", "BBB", category, 2) for n, category in enumerate(CONFLICT)]
    return acts_with_priors(EventTable.from_events(events, "a test"))


@pytest.fixture
def chances(still, draws_with):
    def made(values=None, n_days=HORIZON):
        data, priors = still
        draws = draws_with(data.layout, 2, data.grid.n_knots, values)
        return Chances(data, priors, draws, n_days, seed=1)

    return made


def test_without_answers_and_swings_acts_are_poisson(chances, still):
    data, _ = still
    rates = np.linspace(0.01, 0.1, len(data.layout.rates))
    found = chances({"baseline.weekly_rate": rates}, 200).survival(occasions=False).values
    of_stream = rates[data.layout.rate_of] * data.rate_shares
    for q, meets in enumerate(data.layout.meets):
        expected = np.exp(-np.arange(201) / 7 * of_stream[meets].sum())
        np.testing.assert_allclose(found[:, q], np.tile(expected, (2, 1)), rtol=1e-9)


@pytest.mark.parametrize("expected", [1e-12, 1e-9, 1e-4, 1.0, 20.0, 27.0])
def test_chances_near_0_and_1_keep_their_digits(chances, still, expected):
    """A chance near 0 has a relative precision of 1e-4 down to 1e-12, and so has one less it near 1."""
    data, _ = still
    share = data.rate_shares[data.layout.meets[1]].sum()
    rate = data.layout.rate_of[data.layout.meets[1]]
    assert len(set(rate)) == 1
    rates = np.full(len(data.layout.rates), 1e-30)
    rates[rate[0]] = expected * 7 / HORIZON / share
    found = chances({"baseline.weekly_rate": rates}).survival(occasions=False).of("incident")[:, -1]
    assert 1 - found == pytest.approx(-np.expm1(-expected), rel=1e-4)
    assert found == pytest.approx(np.exp(-expected), rel=1e-4)


@pytest.mark.parametrize("days", [1, 10, 40])
@pytest.mark.parametrize("first", [0, 3, 25])
def test_an_act_that_meets_a_target_counts_from_the_day_after_it(chances, first, days):
    """S(h) is the chance of nothing on days 0 … h − 1, where day 0 is the origin itself."""
    act = ahead(first, "dispute", 5, 0.4, days=days)
    found = chances().survival([act], occasions=False).of("grave")
    passed = np.clip(np.arange(HORIZON + 1) - first, 0, days) / days
    np.testing.assert_allclose(found, np.tile(1 - 0.4 * passed, (2, 1)), rtol=1e-9)


@pytest.mark.parametrize("first", [0, 3, 25])
def test_the_first_answer_comes_on_the_day_after_the_act(chances, first):
    """The answers of a reaction are a Poisson number, and come after geometric numbers of days."""
    number, life = 0.8, 4.0
    own = chances({"reaction.number": [number, 1e-12, 1e-12], "reaction.half_life_days": life})
    act = ahead(first, "dispute", 4, 0.7, by="AAA", subcategory="contact_visit")
    drills = own.survival([act], occasions=False).of("drills")
    layout = own.data.layout
    rates = own.draws.variables["baseline.weekly_rate"][0][layout.rate_of] * own.data.rate_shares
    may, met = layout.answers[0], layout.meets[2]
    share = rates[may & met].sum() / rates[may].sum()
    left = np.clip(np.arange(HORIZON + 1) - 1 - first, 0, None)
    quiet = np.exp(-number * share * (1 - 2 ** (-left / life)))
    np.testing.assert_allclose(drills, np.tile(1 - 0.7 + 0.7 * quiet, (2, 1)), rtol=1e-9)


def test_a_stated_chance_is_that_of_an_answer_within_the_days(draws_with):
    """Of 14 days and 60%: the prior's middle gives an act of severity 4 that chance, to the tail beyond."""
    reaction = Reaction(
        "contact", "", ActClass("dispute", ("contact*",), by=("AAA",)), target="drills", days=14, chance=0.6
    )
    data, priors = acts_with_priors(random_record(1), reactions=(reaction,))
    middle = {
        name: np.exp(priors.priors[f"reaction.{name}.contact"].distribution.values[0])
        for name in ("number", "half_life_days")
    }
    draws = draws_with(
        data.layout,
        1,
        data.grid.n_knots,
        {f"reaction.{name}": value for name, value in middle.items()},
    )
    chances = Chances(data, priors, draws, 30, seed=1)
    act = ahead(0, "dispute", 4, by="AAA", subcategory="contact_visit")
    alone = factor_of(chances, act)[0, 2]
    assert 1 - alone[15] == pytest.approx(0.6, abs=0.002)
    assert alone[1] == 1.0


def test_an_occasion_is_answered_as_an_act_of_severity_4(chances):
    """That of day 12, with probability 0.6, has 0.5 answers in all, half of them within two days."""
    own = chances({"reaction.number": [1e-12, 0.5, 1e-12], "reaction.half_life_days": 2.0})
    found = own.survival().of("grave") / own.survival(occasions=False).of("grave")
    left = np.clip(np.arange(HORIZON + 1) - 1 - 12, 0, None)
    expected = 0.4 + 0.6 * np.exp(-0.5 * (1 - 2 ** (-left / 2.0)))
    np.testing.assert_allclose(found, np.tile(expected, (2, 1)), rtol=1e-9)


def test_what_past_acts_still_bring_about_fades_from_their_day(draws_with):
    """Three acts, 1, 3 and 10 days old at the origin, each with 0.2 answers by its own side."""
    ages, life, number = (1, 3, 10), 3.0, 0.2
    days = (GRID.origin - GRID.start).days
    events = [event(n, days - age, "AAA", "BBB", "dispute", 2) for n, age in enumerate(ages)]
    data, priors = acts_with_priors(EventTable.from_events(events, "a test"), reactions=())
    draws = draws_with(
        data.layout,
        1,
        data.grid.n_knots,
        {"answers.number": [number, 1e-12], "answers.half_life_days": life, "answers.in_kind": 1e-12},
    )
    chances = Chances(data, priors, draws, HORIZON, seed=1)
    rates = draws.variables["baseline.weekly_rate"][0][data.layout.rate_of] * data.rate_shares
    own = np.array([one.side == 0 for one in data.layout.kinds])
    share = rates[data.layout.meets[0] & own].sum() / rates[own].sum()
    passed = np.arange(HORIZON + 1)
    left = sum(2.0 ** (-(age - 1) / life) for age in ages)
    expected = number * share * left * (1 - 2.0 ** (-passed / life))
    # Answers of answers come as well, and are few.
    found = -np.log(chances.survival().of("grave")[0])
    assert (found >= expected - 1e-12).all()
    np.testing.assert_allclose(found, expected, rtol=number * 1.01)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)


def test_what_reactions_to_past_acts_still_bring_can_be_left_out(draws_with):
    """A trigger of 5 days ago: of its answers so many are to come; without them S is that of a quiet past."""
    age, life, number = 5, 3.0, 0.8
    days = (GRID.origin - GRID.start).days
    events = [event(1, days - age, "AAA", "BBB", "dispute", 4, "contact_visit")]
    data, priors = acts_with_priors(EventTable.from_events(events, "a test"))
    stated = {"reaction.number": [number, 1e-12, 1e-12], "reaction.half_life_days": life}
    draws = draws_with(data.layout, 1, data.grid.n_knots, {"answers.number": 1e-12, **stated})
    chances = Chances(data, priors, draws, HORIZON, seed=1)
    with_all, without = (
        chances.survival(occasions=False, to_past=to_past).of("drills")[0] for to_past in (True, False)
    )
    rates = draws.variables["baseline.weekly_rate"][0][data.layout.rate_of] * data.rate_shares
    may, met = data.layout.answers[0], data.layout.meets[2]
    share = rates[may & met].sum() / rates[may].sum()
    left = 2.0 ** (-(age - 1) / life) * (1 - 2.0 ** (-np.arange(HORIZON + 1) / life))
    np.testing.assert_allclose(with_all / without, np.exp(-number * share * left), rtol=1e-6)
    np.testing.assert_allclose(chances.quiet("drills")[:, 0], [with_all[-1], without[-1]], rtol=1e-9)
