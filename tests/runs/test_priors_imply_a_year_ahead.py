"""Acts that parameters lead one to expect are the mean of those that are played, act by act."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.events.dyads import DyadRule
from forecast.models.draws import prior_draws, stream_draws
from forecast.models.simulate import Simulator
from forecast.models.survival import Chances
from forecast.panel import TargetRule, TimeGrid
from forecast.priors.population import record_priors
from forecast.streams import acts_of, stream_layout

START, WEEKS, DAYS = date(2010, 1, 4), 60, 364


@pytest.fixture
def chances(coded):
    rows = [
        (START + timedelta(days=day), category, severity)
        for category, severity, every in (("visit", 2, 20), ("sanction", 2, 12), ("dispute", 4, 90))
        for day in range(0, 7 * WEEKS, every)
    ]
    layout = stream_layout((TargetRule("major", ("sanction", "dispute"), 4),), DyadRule(("A",), ("B",)))
    data = acts_of(coded(*rows), TimeGrid(START, START + timedelta(days=7 * WEEKS)), layout)
    # Tension and drift hardly move the rates, so that one future is like another; graver acts do no more.
    small = ("tension.scale", "drift.scale", "answers.severity", "answers.gravity", "follow_on.number")
    calm = dict.fromkeys(small[:4], "LogNormal(mu=-4, sigma=0.1)") | {small[4]: "few"}

    def of(**changes: str) -> Chances:
        stated = calm | {name.replace("__", "."): one for name, one in changes.items()}
        priors = record_priors(data, None).changed(stated, "config")
        variables = prior_draws(priors, 4, data.grid.n_knots, np.random.default_rng(3))
        return Chances(data, priors, stream_draws(layout, variables, priors), DAYS, 1)

    return of


def test_expected_acts_are_the_mean_of_played_ones(chances):
    made, rng = chances(answers__number="LogNormal(mu=-2, sigma=0.1)"), np.random.default_rng(7)
    player = Simulator(made, 0)
    expected = player.expected(rng)
    streams = len(made.data.layout.kinds)
    played = np.array([np.bincount(player.play(rng)[1], minlength=streams) for _ in range(100)])
    error = played.std(axis=0, ddof=1) / 10
    # Answers that come past the horizon count as expected, which is a little too many.
    assert np.all(np.abs(played.mean(axis=0) - expected) <= 4 * error + 0.03 * expected + 0.02)


def test_nothing_is_expected_where_chains_do_not_end(chances):
    made = chances(answers__number="LogNormal(mu=2, sigma=0.1)")
    assert Simulator(made, 0).expected(np.random.default_rng(7)) is None
