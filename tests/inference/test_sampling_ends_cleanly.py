import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from forecast.errors import NotConvergedError
from forecast.inference import sampling
from forecast.inference.sampling import Rerun, fit, sample
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, stream_draws
from forecast.models.intensity import replay
from forecast.records.forecast import Diagnostics, GateFailure


@pytest.fixture
def brief(short_options):
    """Enough to be sampled at all."""
    return replace(short_options, draws=30, tune=30)


def test_the_posterior_holds_every_parameter_and_nothing_else(short_fit, density, acts):
    priors = density.priors
    groups = {group.name for group in priors.groups if priors.of_group(group)}
    assert set(short_fit.variables) == groups | {INNOVATIONS, DRIFT_INNOVATIONS}
    assert (short_fit.n_chains, short_fit.n_draws) == (2, 400)
    rates = acts.layout.rates
    assert short_fit.variables["baseline.weekly_rate"].shape == (400, len(rates))
    assert short_fit.variables[INNOVATIONS].shape == (400, acts.grid.n_knots)
    assert list(short_fit.tree["posterior"]["baseline.weekly_rate"].coords["rate"].values) == list(rates)
    assert all(np.isfinite(values).all() for values in short_fit.variables.values())


def test_the_fitted_rates_agree_with_the_events_seen(short_fit, density):
    data = density.data
    draws = stream_draws(data.layout, short_fit.variables, density.priors)
    _, counts = replay(data, density.priors, draws, seed=1)
    seen = data.counts.sum(axis=0)
    often = seen >= 10
    ratio = counts.sum(axis=1).mean(axis=0)[often] / seen[often]
    # The posterior of a mean rate has a relative deviation of about 1/sqrt(events), more when bursty.
    assert often.sum() >= 6
    assert (np.abs(ratio - 1) < 4 / np.sqrt(seen[often])).all(), f"fitted over observed events: {ratio}"


def test_the_same_seed_gives_the_same_draws_and_another_seed_does_not(little, brief):
    first, again, other = (sample(little, replace(brief, seed=seed))["posterior"] for seed in (11, 11, 12))
    for name, values in first.data_vars.items():
        assert again[name].values.tobytes() == values.values.tobytes(), name
        assert not np.array_equal(other[name].values, values.values), name


@pytest.fixture(scope="module")
def watched(density, short_options):
    """What a listener was told, and the chains at work meanwhile."""
    told = []
    sample(density, short_options, lambda progress: told.append((progress, sampling._workers())))
    return tuple(zip(*told, strict=True))


def test_progress_counts_up_to_the_plan_and_the_chains_at_work_are_counted(watched):
    seen, at_work = watched
    finished = [progress.finished for progress in seen]
    assert finished == sorted(finished)
    assert 0 <= finished[-1] <= seen[-1].planned == 2 * (200 + 200)
    if sys.platform == "linux":  # no other tells the threads of a process
        assert max(at_work) > 0
        sampling._await_workers(0)
        assert sampling._workers() == 0


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupt_ends_the_chains_and_leaves_nothing_running(little, brief, stop):
    def interrupt(progress):
        raise stop

    long = replace(brief, draws=200_000)  # minutes, were it not stopped
    started = time.monotonic()
    with pytest.raises(stop):
        sample(little, long, interrupt)
    assert time.monotonic() - started < 10
    assert sample(little, brief)["posterior"].sizes["draw"] == 30


class FakeRun:
    """What nutpie returns while it samples, with a failure made beforehand."""

    def __init__(self, failure):
        self.failure = failure

    def is_finished(self):
        return True

    def wait(self, _):
        raise self.failure

    def abort(self):
        pass


def test_a_sampler_that_fails_is_one_message_when_its_chains_have_ended_and_not_those_of_others(
    density, short_options, monkeypatch
):
    failure = RuntimeError("All initialization points failed\nand a long trace")
    left = [1, 3, 2, 1]
    monkeypatch.setattr(sampling, "_started", lambda *_: FakeRun(failure))
    monkeypatch.setattr(sampling, "_workers", lambda: left.pop(0))
    expected = r"could not run: All initialization points failed\. Check the priors with 'forecast check'"
    with pytest.raises(NotConvergedError, match=expected) as raised:
        sample(density, short_options)
    assert "\n" not in str(raised.value)
    assert left == []


@pytest.fixture
def fit_counts(little, monkeypatch):
    """Run ``fit`` with gates that answer as told."""

    def run(options, *, passes: bool, listen=None):
        failure = GateFailure(code="ess_bulk", quantity="x", value=10.0, limit=400.0)
        report = Diagnostics(
            rhat_max=1.2,
            ess_bulk_min=10.0,
            ess_tail_min=10.0,
            divergences=0,
            bfmi_min=1.0,
            failures=() if passes else (failure,),
        )
        monkeypatch.setattr(sampling, "check_gates", lambda posterior, **limits: report)
        return fit(little, options, listen)

    return run


def test_a_fit_that_fails_is_sampled_again_and_longer_and_one_that_passes_is_kept(
    fit_counts, brief, monkeypatch
):
    first = fit_counts(brief, passes=True)
    assert (first.reruns, first.tune, first.target_accept) == (0, 30, 0.9)
    monkeypatch.setattr(sampling, "RERUNS", (Rerun(2, 30, 0.91), Rerun(3, 40, 0.92)))
    # Where later draws left a part of what the first saw, these stand.
    monkeypatch.setattr(sampling, "_visited", lambda *draws: False)
    posterior = fit_counts(brief, passes=False)
    assert (posterior.reruns, posterior.tune) == (2, 30)
    assert np.all(posterior.variables["tension.scale"] == first.variables["tension.scale"])
    monkeypatch.setattr(sampling, "_visited", lambda *draws: True)
    told = []
    posterior = fit_counts(replace(brief, tune=20), passes=False, listen=told.append)
    assert {one.rerun: one.failed for one in told if one.rerun} == {1: ("ess_bulk",), 2: ("ess_bulk",)}
    assert (posterior.reruns, posterior.tune, posterior.target_accept) == (2, 40, 0.92)
    # As many draws as were asked for, of three times as many that were made.
    assert posterior.n_draws == 60
    assert posterior.tree["sample_stats"]["energy"].size == 3 * 60
    assert np.all(posterior.variables["tension.scale"] != first.variables["tension.scale"])
    # A rerun is never shorter than what was asked for.
    monkeypatch.setattr(sampling, "RERUNS", (Rerun(1, 20, 0.91),))
    posterior = fit_counts(replace(brief, tune=50, draws=20, target_accept=0.95), passes=False)
    assert (posterior.reruns, posterior.tune, posterior.target_accept) == (1, 50, 0.95)


def test_a_sampling_that_does_not_end_is_stopped_at_its_limit(density, short_options):
    began = time.monotonic()
    endless = replace(short_options, draws=100_000, max_minutes=0.01)
    with pytest.raises(NotConvergedError, match=r"had not ended after 0\.01 minutes .*sampler\.max_minutes"):
        sample(density, endless)
    assert time.monotonic() - began < 30
