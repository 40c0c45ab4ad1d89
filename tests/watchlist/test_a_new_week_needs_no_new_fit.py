"""Draws of an earlier fit carried on by weights: the numbers of a new fit within their error."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config.watchlist import load_watchlist
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.inference.importance import importance_weights
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    log_likelihood,
    stream_draws,
    with_longer_future,
)
from forecast.panel import drift_knots_for, knots_for
from forecast.records.forecast import Diagnostics
from forecast.runs.inputs import inputs_of
from forecast.runs.run import read_run
from forecast.watchlist import dyads
from forecast.watchlist.dyads import Fitted, carry, last_fit

from .conftest import AS_OF, simulated, watched, write_dyads, write_list

WEEK = AS_OF + timedelta(days=7)
SAMPLED = ["model.family=model", "sampler.draws=800", "sampler.tune=300", "sampler.chains=2"]


def test_only_missing_knots_are_added_and_they_are_standard_normal():
    random = np.random.default_rng(1)
    knots = knots_for(100)
    held = {
        INNOVATIONS: random.standard_normal((4000, 1, knots)),
        DRIFT_INNOVATIONS: random.standard_normal((4000, 1, drift_knots_for(knots))),
        "level": random.standard_normal((4000, 1, 4)),
    }
    longer = with_longer_future(held, 200, np.random.default_rng(2))
    assert longer[INNOVATIONS].shape[-1] == knots_for(200) > knots
    for name, values in held.items():
        np.testing.assert_array_equal(longer[name][..., : values.shape[-1]], values)
    added = longer[INNOVATIONS][..., knots:]
    assert abs(added.mean()) < 4 / np.sqrt(added.size)
    assert added.std() == pytest.approx(1, abs=0.02)
    assert with_longer_future(held, 100, random)[INNOVATIONS] is held[INNOVATIONS]


def test_a_fit_suits_another_day_and_other_horizons_but_no_other_model(trial):
    def config(*changes, day=AS_OF):
        return load_watchlist(trial, changes, as_of=day).config_of(0, "dyads/aaa-bbb.csv")

    nothing = Diagnostics(rhat_max=1, ess_bulk_min=1, ess_tail_min=1, divergences=0, bfmi_min=1, failures=())
    fitted = Fitted(config(), None, None, None, nothing)
    assert fitted.suits(config(day=WEEK))
    assert fitted.suits(config("horizons=[20, 60]"))
    assert not fitted.suits(config("model.family=model"))
    assert not fitted.suits(config("sampler.draws=77"))
    assert not fitted.suits(config("targets.force.min_severity=4"))


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """A list whose one dyad was fitted on one day."""
    folder = tmp_path_factory.mktemp("weeks")
    write_dyads(folder, {("AAA", "BBB"): 1.0}, first=date(2008, 1, 1))
    path = write_list(folder, dyads=["{a: AAA, b: BBB}"])
    watch, _ = watched(path, folder / "out", SAMPLED)
    assert (watch.dyads[0].work, watch.dyads[0].state) == ("fitted", "fine")
    return path, folder


def test_weights_are_the_ratio_of_likelihoods_and_of_priors_that_follow_the_record(weeks, monkeypatch):
    path, folder = weeks
    fitted = last_fit(folder / "out/trial" / AS_OF.isoformat() / "aaa-bbb")
    config = load_watchlist(path, SAMPLED, as_of=WEEK).config_of(0, "dyads/aaa-bbb.csv")
    inputs = inputs_of(config, read_events(folder / "dyads/aaa-bbb.csv"))
    asked = []

    def weights(ratio):
        asked.append(ratio)
        return importance_weights(ratio)

    monkeypatch.setattr(dyads, "importance_weights", weights)
    _, worth = carry(fitted, inputs, seed=1)
    assert worth.pareto_k < 0.7
    assert worth.effective_draws > 400
    # Weeks later the record's own rates are others, and the priors of baselines with them.
    name = "baseline.weekly_rate.dispute.AAA"
    assert inputs.priors.priors[name].distribution != fitted.priors.priors[name].distribution
    random = np.random.default_rng([1, WEEK.toordinal()])
    variables = with_longer_future(fitted.fit.variables, inputs.data.grid.n_steps, random)
    draws = stream_draws(inputs.data.layout, variables, inputs.priors)

    def log_posterior(data, priors):
        total = log_likelihood(data, draws, priors)
        for group in filter(priors.of_group, priors.groups):
            values = variables[group.variable].reshape(len(total), -1)
            total = total + sum(
                one.distribution.log_density(values[:, k]) for k, one in enumerate(priors.of_group(group))
            )
        return total

    ratio = log_posterior(inputs.data, inputs.priors) - log_posterior(fitted.data, fitted.priors)
    # The soft bound on chains, which follows the record too, says nothing where chains are short.
    assert np.median(np.abs(asked[0] - ratio)) < 1e-3
    assert np.std(ratio) > 0.05


@pytest.mark.slow
def test_weights_give_the_numbers_of_a_new_fit_within_their_error(weeks):
    path, folder = weeks
    carried, place = watched(path, folder / "out", SAMPLED, as_of=WEEK)
    (one,) = carried.dyads
    assert one.work == "reweighted"
    assert one.weights.fitted_as_of == AS_OF
    assert one.weights.effective_draws > 400
    fresh, _ = watched(path, folder / "fresh", SAMPLED, as_of=WEEK)
    assert fresh.dyads[0].work == "fitted"
    pairs = zip(one.targets[0].milestones, fresh.dyads[0].targets[0].milestones, strict=True)
    for by_weights, by_fit in pairs:
        away = abs(by_weights.probability - by_fit.probability)
        error = np.hypot(by_weights.mcse, by_fit.mcse)
        assert away < 4 * error + 0.002, (by_weights.name, by_weights.probability, by_fit.probability)
    # The folder of the week is a whole run, which scenarios and reports take.
    run = read_run(place / "aaa-bbb")
    assert run.forecast.targets == one.targets
    # The week after starts from the fit again, not from the weights of this week.
    later, _ = watched(path, folder / "out", SAMPLED, as_of=WEEK + timedelta(days=7))
    assert later.dyads[0].weights.fitted_as_of == AS_OF


@pytest.mark.slow
def test_draws_that_foresaw_nothing_like_the_news_are_not_carried_on(weeks):
    path, folder = weeks
    fitted = last_fit(folder / "out/trial" / AS_OF.isoformat() / "aaa-bbb")
    known = read_events(folder / "dyads/aaa-bbb.csv").known_by(AS_OF)
    config = load_watchlist(path, SAMPLED, as_of=WEEK).config_of(0, "dyads/aaa-bbb.csv")
    assert carry(fitted, inputs_of(config, known), seed=1) is not None
    first = AS_OF + timedelta(days=1)
    storm = [
        one
        for seed in range(40)
        for one in simulated(("AAA", "BBB"), 30.0, seed, first=first, last=WEEK, prefix=f"storm-{seed}-")
    ]
    events = EventTable.from_events([*known.rows(), *storm], "made for a test", has_verified=False)
    assert carry(fitted, inputs_of(config, events), seed=1) is None
