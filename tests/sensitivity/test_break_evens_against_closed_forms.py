"""Crossings where algebra knows them: the posterior is the prior, the chance a normal probability."""

import numpy as np
import pytest
from scipy import special

from forecast import wording
from forecast.inference.importance import EFFECTIVE_DRAWS_MIN
from forecast.priors import Distribution
from forecast.priors.distributions import shifted
from forecast.report.words import assumed_text
from forecast.runs.mixture import DrawShares, Mixing
from forecast.scenarios.evaluate import parameter_draws
from forecast.sensitivity.robustness import FURTHEST, find_break_evens, prior_bar, strongest_first
from forecast.sensitivity.shifts import PriorShifts, Shares

NAMES = ["tension.persistence", "excitation.branching.conflict", "ballast.visit"]  # all three supports
START = -0.3


def shares_of(model) -> Shares:
    """Shares of the model alone, shape (draw, question)."""
    certain = np.ones(model.shape[1])
    return Shares(DrawShares(model), Mixing(certain, certain, certain, 1e-6), model.mean(axis=0))


@pytest.fixture(scope="module")
def shifts(prior_run):
    """Shares Φ(START + z), z the prior's own standard normal: a shift by s gives Φ((START + s)/√2)."""

    def make(name: str, start: float = START, sign: float = 1.0) -> PriorShifts:
        prior = prior_run.inputs.priors.priors[name].distribution
        link = {"Normal": np.asarray, "LogNormal": np.log, "LogitNormal": special.logit}[prior.family]
        z = (link(parameter_draws(prior_run, name)) - prior.values[0]) / prior.values[1]
        return PriorShifts(prior_run, name, shares_of(special.ndtr(start + sign * z)[:, None]))

    return make


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("steps", [-0.9, -0.4, 0.3, 0.8])
def test_shifted_chances_are_those_of_the_shifted_normal(shifts, name, steps):
    one = shifts(name)
    exact = special.ndtr((START + steps) / np.sqrt(2))
    assert abs(one.at(steps).probability[0] - exact) < 4 * one.error_at(steps, 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bound", [0.25, 0.35, 0.5, 0.6])
def test_a_crossing_is_where_algebra_has_it(shifts, name, bound):
    (crossing,) = find_break_evens(shifts(name), 0, [bound]).crossings
    exact = np.sqrt(2) * special.ndtri(bound) - START
    assert abs(crossing.steps - exact) < 4 * crossing.mcse
    assert 0 < crossing.mcse < 0.2


def test_no_shift_changes_nothing_at_all(shifts):
    one = shifts("tension.persistence")
    assert one.at(0.0).probability[0] == one.shares.shown[0]
    assert np.all(one.at(0.0).weights.weights == one.at(0.0).weights.weights[0])
    assert one.change_error_at(0.0, 0) == 0.0


def test_a_bound_further_away_needs_a_larger_shift(shifts):
    one = shifts("tension.persistence")
    needed = [find_break_evens(one, 0, [bound]).crossings[0].steps for bound in (0.45, 0.5, 0.55, 0.6)]
    assert np.all(np.diff(needed) > 0)
    lower = [find_break_evens(one, 0, [bound]).crossings[0].steps for bound in (0.4, 0.35, 0.3)]
    assert np.all(np.diff(lower) < 0)


def test_the_nearest_of_several_bounds_comes_first(shifts):
    found = find_break_evens(shifts("tension.persistence"), 0, [0.2, 0.45, 0.6]).crossings
    assert found[0].bound == 0.45
    assert np.all(np.diff([abs(crossing.steps) for crossing in found]) > 0)


def test_where_the_draws_cannot_tell_nothing_is_claimed(shifts):
    # Two steps of a prior that the data left as it was keep exp(−4) of the draws: far below the gate.
    found = find_break_evens(shifts("ballast.visit"), 0, [0.999])
    assert found.crossings == ()
    assert not found.whole
    assert shifts("ballast.visit").at(found.told_to).weights.effective_draws >= EFFECTIVE_DRAWS_MIN
    assert not shifts("ballast.visit").at(FURTHEST).weights.trusted


def test_a_tornado_bar_shows_both_ends_with_paired_errors(shifts):
    one = shifts("tension.persistence")
    bar = prior_bar(one, 0)
    for end, steps in ((bar.lower, -1.0), (bar.upper, 1.0)):
        exact = special.ndtr((START + steps) / np.sqrt(2)) - special.ndtr(START / np.sqrt(2))
        assert end.change is not None
        assert end.mcse is not None
        assert abs(end.change - exact) < 4 * end.mcse
    said = [assumed_text(one) for one in (bar.now, bar.lower.assumed, bar.upper.assumed)]
    assert said == ["17 weeks", "10 weeks", "28 weeks"]
    weak = prior_bar(shifts("ballast.visit", sign=0.1), 0)
    assert strongest_first([weak, bar]) == (bar, weak)


@pytest.mark.parametrize(
    "text",
    [
        ("Normal", (0.3, 0.2)),
        ("LogNormal", (1.0, 0.5)),
        ("LogitNormal", (-1.0, 0.7)),
        ("Gamma", (2.0, 0.5)),
        ("Beta", (4.0, 8.0)),
        ("Exponential", (0.3,)),
        ("HalfNormal", (0.5,)),
    ],
)
def test_one_step_takes_the_middle_to_the_upper_sixth(text):
    prior = Distribution(*text)
    assert shifted(prior, 0.0) == prior
    up, down = shifted(prior, 1.0), shifted(prior, -1.0)
    assert up.family == prior.family
    assert float(up.quantile(0.5)) == pytest.approx(float(prior.quantile(special.ndtr(1.0))), rel=0.06)
    assert float(down.quantile(0.5)) < float(prior.quantile(0.5)) < float(up.quantile(0.5))


def test_words_change_exactly_at_the_bounds_named():
    for p in np.linspace(0, 1, 401):
        here = wording.words(p)
        for bound in wording.neighbouring_words(p):
            inside, outside = (
                bound.probability + side * 1e-9 for side in ((-1, 1) if bound.above else (1, -1))
            )
            assert (bound.probability > p) == bound.above or bound.probability == pytest.approx(p)
            assert wording.words(outside) == bound.words != here
            assert wording.words(inside) == here
