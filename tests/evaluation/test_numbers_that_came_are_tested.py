"""Verdicts on the number of acts and on what is gained, by laws and by simulated truth."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from forecast.evaluation.number_tests import (
    CountedWindow,
    mean_number,
    number_test,
    number_tests,
    poisson_number,
    without_tail,
)
from forecast.evaluation.score_table import join_forecasts

FIRST = date(2000, 1, 1)


def windows(chances, observed, *, spacing=30, who="model"):
    return [
        CountedWindow("pair", "force", who, FIRST + timedelta(days=spacing * place), 30, chances, int(came))
        for place, came in enumerate(observed)
    ]


def poisson(mean):
    return poisson_number(float(-np.expm1(-mean)))


def test_windows_of_poisson_numbers_are_together_poisson():
    for observed in (0, 11, 12, 30):
        test = number_test(windows(poisson(0.4), [observed, *[0] * 29]))
        assert test.expected == pytest.approx(12.0, abs=1e-8)
        assert test.at_least == pytest.approx(stats.poisson.sf(observed - 1, 12), abs=1e-9)
        assert test.at_most == pytest.approx(stats.poisson.cdf(observed, 12), abs=1e-9)
        assert test.interval90 == (stats.poisson.ppf(0.05, 12), stats.poisson.ppf(0.95, 12))


def rejected(rng, truth, chances, *, n=600, size=40):
    """Share of made-up records that the test rejects, and its standard error at the nominal rate."""
    verdicts = [number_test(windows(chances, truth(rng, size))).verdict for _ in range(n)]
    return verdicts.count("reject") / n, np.sqrt(0.05 * 0.95 / n)


def test_a_truth_that_is_foreseen_is_rejected_no_oftener_than_stated_and_a_doubled_rate_is():
    rng = np.random.default_rng(5)
    share, error = rejected(rng, lambda rng, size: rng.poisson(0.5, size), poisson(0.5))
    # Numbers are whole: what is rejected is at most the level. Exactly that of the sum, Poisson of 20.
    level = stats.poisson.cdf(stats.poisson.ppf(0.025, 20) - 1, 20)
    level += stats.poisson.sf(stats.poisson.isf(0.025, 20), 20)
    assert level <= 0.05
    assert share == pytest.approx(level, abs=4 * error)
    doubled, _ = rejected(rng, lambda rng, size: rng.poisson(1.0, size), poisson(0.5), n=100)
    halved, _ = rejected(rng, lambda rng, size: rng.poisson(0.25, size), poisson(0.5), n=100)
    assert doubled > 0.9
    assert halved > 0.4


def test_acts_that_come_in_clusters_are_no_fault_of_who_foresaw_clusters():
    """Negative binomial with mean .5 and variance 1.75 in each window."""
    rng = np.random.default_rng(6)
    clustered = stats.nbinom(0.2, 0.2 / 0.7)
    foreseen = without_tail(clustered.pmf(np.arange(80)))
    share, error = rejected(rng, lambda rng, size: rng.negative_binomial(0.2, 0.2 / 0.7, size), foreseen)
    assert share < 0.05 + 4 * error
    blamed, _ = rejected(rng, lambda rng, size: rng.negative_binomial(0.2, 0.2 / 0.7, size), poisson(0.5))
    assert blamed > 0.2


def test_too_few_are_foreseen_to_reject_none_but_many_are_still_too_many():
    assert [number_test(windows(poisson(0.1), [came] + [0] * 9)).verdict for came in (0, 1, 8)] == [
        "too few",
        "too few",
        "reject",
    ]
    assert number_test(windows(poisson(1.0), [0] * 10)).verdict == "reject"
    assert number_test(windows(poisson(1.0), [1] * 10)).verdict == "pass"


def test_the_number_of_a_mean_of_members_has_the_chance_of_any_that_was_forecast():
    mean = mean_number([np.array([0.5, 0.2, 0.3]), poisson(1.0)], 0.4)
    assert mean.sum() == pytest.approx(1.0)
    assert mean[0] == pytest.approx(0.6)
    ratio = (0.3 + stats.poisson.pmf(2, 1)) / (0.2 + stats.poisson.pmf(1, 1))
    assert mean[2] / mean[1] == pytest.approx(ratio)
    assert mean_number([np.array([1.0])], 0.0).tolist() == [1.0]


def tables(make_table, chances, rate, outcome):
    each = {"model": chances, "gamma_poisson": rate}
    return join_forecasts([make_table(chance, outcome, who=who) for who, chance in each.items()])


def test_the_gain_of_an_event_is_the_difference_of_log_scores_over_events(make_table):
    rng = np.random.default_rng(7)
    chances = rng.choice([0.05, 0.45], 600)
    outcome = (rng.random(600) < chances).astype(int)
    base = np.full(600, 0.25)
    counted = windows(poisson(0.3), outcome)
    (better,) = number_tests(counted, tables(make_table, chances, base, outcome), seed=1).gains[:1]
    hit = outcome.astype(bool)
    by_hand = np.log(chances[hit] / 0.25).sum() + np.log((1 - chances[~hit]) / 0.75).sum()
    assert better.gain == pytest.approx(by_hand / hit.sum())
    assert better.interval90[0] < better.gain < better.interval90[1]
    assert (better.events, better.verdict) == (hit.sum(), "pass")
    (worse,) = number_tests(counted, tables(make_table, base, chances, outcome), seed=1).gains[:1]
    assert worse.gain == pytest.approx(-better.gain)
    assert worse.verdict == "reject"
    # On its own forecast of the origin before: of all windows but the first.
    last = next(
        one
        for one in number_tests(counted, tables(make_table, chances, base, outcome), seed=1).gains
        if one.reference == "last_forecast" and one.target is None
    )
    ours, before = (np.where(outcome[1:], own, 1 - own) for own in (chances[1:], chances[:-1]))
    assert last.windows == 599
    assert last.gain == pytest.approx(np.log(ours / before).sum() / outcome[1:].sum())
    assert last.verdict == "pass"
    few = number_tests(counted, tables(make_table, chances, base, 0 * outcome), seed=1).gains[0]
    assert (few.gain, few.verdict) == (None, "too few")


def test_windows_that_overlap_are_counted_once_and_failures_come_first(make_table):
    table = tables(make_table, np.full(9, 0.3), np.full(9, 0.3), np.array([0, 1, 0] * 3))
    passed = windows(poisson(1.0), [1] * 10, spacing=10)
    failed = [one._replace(target="other") for one in windows(poisson(1.0), [4] * 10)]
    tests = number_tests([*passed, *failed], table, seed=1)
    assert [(test.target, test.windows, test.observed) for test in tests.numbers] == [
        ("other", 10, 40),
        ("force", 4, 4),
    ]
    assert [test.verdict for test in tests.numbers] == ["reject", "pass"]
    assert tests.overall("model") == "reject"
    assert number_tests(passed, table, seed=1).overall("model") == "pass"
    assert number_tests(passed[:7], table, seed=1).overall("model") == "too few"
