"""Chances from 1e-12 to 1e-3, and what is left of 1 by as much, keep a relative precision of 1e-4.

Each is compared with a closed form in exact fractions or in 50 decimal digits. Of a chance near 1 it is its
distance from 1 that must hold: at 1e-12 a float can state that to 1e-4 only when nothing else is lost.
"""

from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from forecast.simulation.probabilities import (
    HitMoments,
    beta_interval,
)
from scipy import special

from forecast.evaluation.metrics import LOG_FLOOR, log_score
from forecast.panel import TargetRule
from forecast.pooled_hazard import hazard as pooled
from forecast.pooled_hazard.coefficients import shipped_hazard
from forecast.pooled_hazard.hazard import hit_chance
from forecast.runs.mixture import ActsAhead, mixture

TINY = [1e-12, 3.7e-11, 1e-9, 2.2e-7, 1e-5, 1e-3]
SAME = 1e-4


def off(found, truth):
    """Distance from the truth, an exact number, as a share of what is less likely: it or its contrary."""
    truth = Fraction(truth)
    return float(abs(Fraction(float(found)) - truth) / min(truth, 1 - truth))


def exact(hazards):
    """Mean of 1 − exp(−Λ), to 50 digits."""
    with localcontext(prec=50):
        return Fraction(sum(1 - (-Decimal(one)).exp() for one in hazards) / len(hazards))


@pytest.mark.parametrize("tiny", TINY)
def test_the_mean_chance_of_hazards_is_exact_near_0_and_near_1(tiny):
    rare = np.array([0.5, 1.0, 1.7]) * tiny
    sure = -np.log(tiny) + np.array([0.0, 0.4, 1.1])
    # Many draws, since the rounding of a sum grows with it.
    for hazards, near in ((np.tile(rare, 100), 1e-13), (np.tile(sure, 100), SAME)):
        assert off(hit_chance(hazards), exact(hazards.tolist())) < near


@pytest.mark.parametrize("tiny", TINY)
def test_the_pooled_hazard_says_what_its_hazards_do(monkeypatch, us_china, tiny):
    target = TargetRule("force", ("military_incident",), 5)
    ends = len(pooled.INTERVAL_DAYS) + 1
    day, start = date(2020, 1, 1), date(2017, 1, 1)
    last = pooled.FURTHEST_DAYS
    for top in (tiny, -np.log(tiny)):
        total = np.array([1.0, 1.3]) * top
        hazards = total[:, None, None] * np.linspace(1 / ends, 1.0, ends)
        monkeypatch.setattr(
            pooled, "_cumulative_draws", lambda *_, found=hazards: ({"force": found}, {"force": np.zeros(1)})
        )
        origins = np.array([day], "datetime64[D]")
        known = shipped_hazard(), us_china, [target]
        (at,) = pooled.forecast_origins(*known, origins, start, np.array([last]))["force"]
        assert off(at[0], exact(total.tolist())) < SAME


@pytest.mark.parametrize("tiny", TINY)
def test_acts_that_move_nothing_and_the_mean_of_two_chances_keep_all_their_digits(tiny):
    acts = ActsAhead(*map(np.asarray, (0.3, 0.3, 0.0, 1.0)), 1e-5)
    assert off(float(acts.moved(np.asarray(tiny))), tiny) < SAME
    # Near 1 no number is nearer than the next.
    assert acts.moved(np.asarray(1 - tiny)) == pytest.approx(1 - tiny, abs=2e-16)
    for first, second in ((tiny, 3 * tiny), (1 - tiny, 1 - 3 * tiny)):
        parts = [HitMoments(np.array([one]), np.array([0.0])) for one in (first, second)]
        mean = (Fraction(first) + Fraction(second)) / 2
        assert off(float(mixture(parts, [0.5, 0.5]).mean[0]), mean) < SAME


@pytest.mark.parametrize("tiny", TINY)
def test_the_interval_of_a_small_chance_is_that_of_its_beta_distribution(tiny):
    # Beta(2, b) of mean m; for small m it is a gamma distribution of shape 2 over b.
    lower, upper = beta_interval(np.array([tiny]), np.array([tiny**2 / 2]))
    for found, quantile in ((lower, 0.05), (upper, 0.95)):
        truth = special.gammaincinv(2, quantile) / 2 * tiny
        assert found[0] == pytest.approx(truth, rel=SAME + 3 * tiny, abs=0)


@pytest.mark.parametrize("probability", [LOG_FLOOR, 1.1e-3, 1.7e-3, 2.3e-3, 0.5, 1 - 2e-3, 1 - LOG_FLOOR])
def test_the_log_score_is_exact_down_to_its_floor(probability):
    for outcome, given in ((1, Fraction(probability)), (0, 1 - Fraction(probability))):
        with localcontext(prec=50):
            truth = -(Decimal(given.numerator) / Decimal(given.denominator)).ln()
        assert float(log_score(probability, outcome)) == pytest.approx(float(truth), rel=1e-14, abs=0)
