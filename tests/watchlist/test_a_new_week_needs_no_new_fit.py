"""Draws of an earlier fit carried on by weights: the numbers of a new fit within their error."""

from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config.watchlist import load_watchlist
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, with_longer_future
from forecast.panel.panel import drift_knots_for, knots_for
from forecast.records.forecast import Diagnostics
from forecast.runs.inputs import inputs_of
from forecast.runs.run import read_run
from forecast.watchlist.carrying import Fitted, carry
from forecast.watchlist.folder import last_fit
from forecast.watchlist.watch import WatchOptions, run_watch

from .conftest import AS_OF, simulated, write_dyads, write_list

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
    fitted = Fitted(config(), (), {}, nothing)
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
    watch, _ = run_watch(load_watchlist(path, SAMPLED), WatchOptions(out=folder / "out", report=False))
    assert (watch.dyads[0].work, watch.dyads[0].state) == ("fitted", "fine")
    return path, folder


@pytest.mark.slow
def test_weights_give_the_numbers_of_a_new_fit_within_their_error(weeks):
    path, folder = weeks
    carried, place = run_watch(
        load_watchlist(path, SAMPLED, as_of=WEEK), WatchOptions(out=folder / "out", report=False)
    )
    (one,) = carried.dyads
    assert one.work == "reweighted"
    assert one.weights.fitted_as_of == AS_OF
    assert one.weights.effective_draws > 400
    fresh, _ = run_watch(
        load_watchlist(path, SAMPLED, as_of=WEEK), WatchOptions(out=folder / "fresh", report=False)
    )
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
    later, _ = run_watch(
        load_watchlist(path, SAMPLED, as_of=WEEK + timedelta(days=7)),
        WatchOptions(out=folder / "out", report=False),
    )
    assert later.dyads[0].weights.fitted_as_of == AS_OF


@pytest.mark.slow
def test_draws_that_foresaw_nothing_like_the_news_are_not_carried_on(weeks):
    path, folder = weeks
    fitted = last_fit(folder / "out/trial" / AS_OF.isoformat(), "aaa-bbb")
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
