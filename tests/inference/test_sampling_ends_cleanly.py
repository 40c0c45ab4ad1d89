import importlib
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.errors import NotConvergedError
from forecast.inference import sampling
from forecast.inference.sampling import fit_compiled, sample
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    DRIFT_KNOT_STEPS,
    INNOVATIONS,
    linear_between,
    stream_draws,
    tension_at_steps,
)
from forecast.priors import default_priors
from forecast.records.forecast import Diagnostics, GateFailure

fit_module = importlib.import_module(
    "forecast.inference.sampling"
)  # the package's name ``fit`` is the function


def test_the_posterior_holds_every_parameter_and_nothing_else(short_fit, counted):
    groups = {group.variable for group in default_priors(counted.layout).groups}
    assert set(short_fit.variables) == groups | {INNOVATIONS, DRIFT_INNOVATIONS}
    assert (short_fit.n_chains, short_fit.n_draws) == (2, 400)
    assert short_fit.variables["overdispersion_shape"].shape == (400, 1, 1)
    assert short_fit.variables[INNOVATIONS].shape == (400, 1, counted.grid.n_knots)
    assert list(short_fit.tree["posterior"]["baseline_weekly_rate"].coords["stream"].values) == ["target"]
    assert all(np.isfinite(values).all() for values in short_fit.variables.values())


def test_the_fitted_rates_agree_with_the_events_seen(short_fit, counted):
    every = stream_draws(counted.layout, short_fit.variables)
    draws = every.of_dyad(0)
    counts = counted.counts[0, :, 0]
    tension = tension_at_steps(draws.knots, len(counts))
    drift = linear_between(every.drift_of_record(counted)[:, 0], np.arange(len(counts)), DRIFT_KNOT_STEPS)
    rates = np.exp(draws.log_rate + draws.loading * tension + drift)
    own, cross = np.zeros(len(draws)), np.zeros(len(draws))
    for t, y in enumerate(counts):
        rates[:, t] += draws.own[:, 0] * own + draws.cross[:, 0] * cross
        own = draws.own_decay * own + (1 - draws.own_decay) * y
        cross = draws.cross_decay * cross + (1 - draws.cross_decay) * y
    ratio = (rates @ counted.exposure[0] / counts.sum()).mean()
    # The posterior of a mean rate has a relative deviation of about 1/sqrt(events), more when bursty.
    assert abs(ratio - 1) < 3 / np.sqrt(counts.sum()), f"fitted over observed events: {ratio:.3f}"


def test_the_same_seed_gives_the_same_draws_and_another_seed_does_not(compiled, short_fit, short_options):
    again = sample(compiled, short_options)["posterior"]
    other = sample(compiled, replace(short_options, seed=12))["posterior"]
    for name, values in short_fit.tree["posterior"].data_vars.items():
        assert again[name].values.tobytes() == values.values.tobytes(), name
        assert not np.array_equal(other[name].values, values.values), name


def test_progress_counts_up_to_the_plan(compiled, short_options):
    seen = []
    sample(compiled, replace(short_options, draws=1500), seen.append)
    assert seen
    finished = [progress.finished for progress in seen]
    assert finished == sorted(finished)
    assert 0 <= finished[-1] <= seen[-1].planned == 2 * (1500 + 200)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupt_ends_the_chains_and_leaves_nothing_running(compiled, short_options, stop):
    def interrupt(progress):
        raise stop

    long = replace(short_options, draws=200_000)  # minutes, were it not stopped
    started = time.monotonic()
    with pytest.raises(stop):
        sample(compiled, long, interrupt)
    assert time.monotonic() - started < 10
    assert sample(compiled, replace(short_options, draws=20))["posterior"].sizes["draw"] == 20


class FakeRun:
    """What nutpie returns while it samples, with a result made beforehand."""

    is_finished = True

    def __init__(self, tree):
        self.tree = tree

    def wait(self):
        return self.tree

    def cancel(self):
        pass


def test_draws_that_are_no_numbers_are_refused_by_name(short_fit, short_options, monkeypatch):
    posterior = short_fit.tree["posterior"].to_dataset().copy(deep=True)
    posterior["tension_scale"][1, 7] = np.nan
    statistics = short_fit.tree["sample_stats"].to_dataset()
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
    monkeypatch.setattr(sampling.nutpie, "sample", lambda *args, **options: FakeRun(tree))
    with pytest.raises(NotConvergedError, match=r"returned values that are no numbers for tension_scale$"):
        sample(None, short_options)


def test_a_sampler_that_cannot_start_is_one_message(short_options, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("All initialization points failed\nand a long trace")

    monkeypatch.setattr(sampling.nutpie, "sample", fail)
    expected = r"could not run: All initialization points failed\. Check the priors with 'forecast check'"
    with pytest.raises(NotConvergedError, match=expected) as raised:
        sample(None, short_options)
    assert "\n" not in str(raised.value)


def test_a_sampler_that_fails_ends_when_its_chains_have_and_not_those_of_others(short_options, monkeypatch):
    class Failed(FakeRun):
        def wait(self):
            raise RuntimeError("All initialization points failed")

    left = [1, 3, 2, 1]
    monkeypatch.setattr(sampling.nutpie, "sample", lambda *args, **options: Failed(None))
    monkeypatch.setattr(sampling, "_workers", lambda: left.pop(0))
    with pytest.raises(NotConvergedError, match="could not run"):
        sample(None, short_options)
    assert left == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the threads of a process")
def test_the_chains_at_work_are_counted(compiled, short_options):
    seen = []
    sample(compiled, short_options, lambda progress: seen.append(sampling._workers()))
    assert max(seen) > 0
    sampling._await_workers(0)
    assert sampling._workers() == 0


@pytest.fixture
def fit_counts(compiled, monkeypatch):
    """Run ``fit_compiled`` with gates that answer as told."""

    def run(options, *, passes: bool):
        failure = GateFailure(code="ess_bulk", quantity="x", value=10.0, limit=400.0)
        report = Diagnostics(
            rhat_max=1.2,
            ess_bulk_min=10.0,
            ess_tail_min=10.0,
            divergences=0,
            bfmi_min=1.0,
            failures=() if passes else (failure,),
        )
        monkeypatch.setattr(fit_module, "check_gates", lambda posterior, **limits: report)
        return fit_compiled(compiled, options)

    return run


def test_a_fit_that_passes_is_kept(fit_counts, short_fit, short_options):
    posterior = fit_counts(short_options, passes=True)
    assert (posterior.reruns, posterior.tune, posterior.target_accept) == (0, 200, 0.9)
    np.testing.assert_array_equal(posterior.variables["tension_scale"], short_fit.variables["tension_scale"])


def test_a_fit_that_fails_is_sampled_again_and_longer(fit_counts, short_fit, short_options, monkeypatch):
    reruns = (fit_module.Rerun(2, 30, 0.91), fit_module.Rerun(3, 60, 0.92))
    monkeypatch.setattr(fit_module, "RERUNS", reruns)
    posterior = fit_counts(replace(short_options, tune=20), passes=False)
    assert (posterior.reruns, posterior.tune, posterior.target_accept) == (2, 60, 0.92)
    # As many draws as were asked for, of three times as many that were made.
    assert posterior.n_draws == short_fit.n_draws
    assert posterior.tree["sample_stats"]["energy"].size == 3 * short_fit.n_draws
    assert np.all(posterior.variables["tension_scale"] != short_fit.variables["tension_scale"])


def test_a_rerun_is_never_shorter_than_what_was_asked_for(fit_counts, short_options, monkeypatch):
    monkeypatch.setattr(fit_module, "RERUNS", (fit_module.Rerun(1, 20, 0.91),))
    asked = replace(short_options, tune=1200, target_accept=0.99)
    posterior = fit_counts(asked, passes=False)
    assert (posterior.reruns, posterior.tune, posterior.target_accept) == (1, 1200, 0.99)


def test_a_sampling_that_does_not_end_is_stopped_at_its_limit(compiled, short_options):
    began = time.monotonic()
    endless = replace(short_options, draws=100_000, max_minutes=0.01)
    with pytest.raises(NotConvergedError, match=r"had not ended after 0\.01 minutes .*sampler\.max_minutes"):
        sample(compiled, endless)
    assert time.monotonic() - began < 30
