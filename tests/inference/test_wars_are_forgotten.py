"""A war that ended: the chance comes down as that of a rate which forgets; a new war is believed at once."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.baselines import baselines_by_origin
from forecast.events.dyads import DyadRule
from forecast.grid import TimeGrid
from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import check_gates, fit
from forecast.models.draws import stream_draws
from forecast.models.survival import Chances
from forecast.priors.population import record_priors, shipped_population
from forecast.streams import acts_of, stream_layout
from forecast.targets import TargetRule

FORCE = TargetRule("force", ("military_incident",), 5)
START, WAR_DAYS = date(1990, 1, 1), 6 * 365


def acts(rng, a_year, first, last, category, severities):
    days = rng.uniform(first, last, rng.poisson(a_year * (last - first) / 365.25))
    return [(int(day), category, int(rng.choice(severities))) for day in days]


def war(seed=3):
    """Six years of war, and peace with visits only."""
    rng = np.random.default_rng(seed)
    return [
        *acts(rng, 9, 0, WAR_DAYS, "military_incident", [5]),
        *acts(rng, 20, 0, WAR_DAYS, "military_incident", [3, 4]),
        *acts(rng, 15, 0, WAR_DAYS, "dispute", [1, 2, 3]),
        *acts(rng, 4, 0, WAR_DAYS, "sanction", [2, 3]),
        *acts(rng, 4, 0, WAR_DAYS + 3900, "visit", [2, 3]),
    ]


@pytest.fixture
def forecasts(coded):
    """P(force within 30, 365 days) by the model and by the discounted gamma–Poisson rate."""

    def make(rows, day):
        before = ((START + timedelta(days=when), *act) for when, *act in rows if when < day)
        return both_forecasts(coded(*before), START + timedelta(days=day))

    return make


def both_forecasts(table, origin):
    layout = stream_layout((FORCE,), DyadRule(("USA",), ("CHN",)))
    data = acts_of(table, TimeGrid(START, origin), layout)
    priors = record_priors(data, shipped_population())
    posterior = fit(
        PosteriorDensity.of(data, priors), SamplerOptions(seed=1, draws=800, tune=200, chains=2), reruns=()
    )
    assert check_gates(posterior).rhat_max < 1.05
    draws = stream_draws(layout, posterior.variables, priors)
    quiet = Chances(data, priors, draws, 365, 1).survival().of("force").mean(axis=0)
    origins = np.array([origin], "datetime64[D]")
    rate = baselines_by_origin(table, FORCE, origins, START, [30, 365])["gamma_poisson"][0]
    return 1 - quiet[[30, 365]], rate


@pytest.mark.parametrize("years", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_years_after_a_war_the_chance_has_come_down_as_that_of_a_rate_which_forgets(forecasts, years):
    model, rate = forecasts(war(), WAR_DAYS + 365 * years)
    # Monte Carlo error of a chance near .2 from some hundred effective draws.
    assert (model < rate + 0.04).all()
    assert model[1] > 0.01


def new_war(forecasts, days):
    """P(force within 30 days) by the model and by the rate, so many days into a war after ten quiet years."""
    begins = WAR_DAYS + 3650
    rows = [*war(), *((begins + 3 * n, "military_incident", 5) for n in range(10))]
    model, rate = forecasts(rows, begins + days)
    return model[0], rate[0]


@pytest.mark.slow
def test_a_war_that_begins_is_seen_within_days(forecasts):
    (quiet, _), (after_two, _) = new_war(forecasts, 0), new_war(forecasts, 4)
    assert quiet < 0.03
    assert after_two > 5 * quiet


@pytest.mark.slow
@pytest.mark.xfail(
    strict=True, reason="a war denser than any of the record is believed more slowly than a rate"
)
def test_a_war_that_begins_is_believed_as_soon_as_by_a_rate(forecasts):
    model, rate = new_war(forecasts, 13)
    assert model > min(0.4, rate)
