"""What a stated probability takes: the least relative entropy, and settings that repeat what is named."""

import json

import numpy as np
import pytest
import yaml
from scipy import optimize

from forecast.errors import InputError
from forecast.scenarios import answer
from forecast.scenarios.answer import milestone_day, parameter_draws
from forecast.sensitivity.reconcile import reconcile, tilted
from forecast.sensitivity.shifts import measure_sensitivity
from tests.conftest import answers_of

RATE = "baseline.weekly_rate.escalation"


def asked(run):
    headline = run.forecast.headline
    target = run.forecast.target(headline.target)
    return headline.target, headline.milestone, target.milestone(headline.milestone).probability


def entropy(new, old):
    kept = new > 0
    return float(new[kept] @ np.log(new[kept] / old[kept]))


@pytest.mark.parametrize("goal", [0.21, 0.3, 0.5, 0.79])
def test_two_draws_have_the_weights_that_algebra_has(goal):
    """Of chances .2 and .8 the mean alone fixes the weights, and with them the distance."""
    weights = np.array([0.3, 0.7])
    found, nats = tilted(np.array([0.2, 0.8]), weights, goal)
    high = (goal - 0.2) / 0.6
    np.testing.assert_allclose(found, [1 - high, high], atol=1e-12)
    assert nats == pytest.approx(entropy(np.array([1 - high, high]), weights), abs=1e-12)


def test_no_other_weights_of_that_mean_lie_nearer():
    """Against an optimiser that knows nothing of exponential weights."""
    rng = np.random.default_rng(3)
    values, weights = rng.beta(2, 3, 12), rng.dirichlet(np.full(12, 2.0))
    for goal in (0.25, 0.6):
        found, nats = tilted(values, weights, goal)
        best = optimize.minimize(
            lambda new: np.sum(new * np.log(np.maximum(new, 1e-300) / weights)),
            weights,
            jac=lambda new: np.log(np.maximum(new, 1e-300) / weights) + 1,
            method="SLSQP",
            bounds=[(1e-12, 1.0)] * 12,
            constraints=[
                {"type": "eq", "fun": lambda new: new.sum() - 1},
                {"type": "eq", "fun": lambda new, goal=goal: new @ values - goal},
            ],
            options={"ftol": 1e-12, "maxiter": 500},
        )
        assert best.success
        assert nats == pytest.approx(best.fun, abs=1e-7)
        np.testing.assert_allclose(found, best.x, atol=1e-4)


def test_what_is_asked_is_met_everywhere_between_the_least_and_the_largest_draw():
    rng = np.random.default_rng(5)
    values, weights = rng.beta(2, 3, 1000), np.full(1000, 1e-3)
    distances = []
    for part in (1e-4, 0.01, 0.3, 0.6, 0.99, 1 - 1e-4):
        goal = values.min() + part * np.ptp(values)
        found, nats = tilted(values, weights, goal)
        assert found @ values == pytest.approx(goal, abs=1e-6)
        distances.append(nats)
    lowest = int(np.argmin(distances))
    assert np.all(np.diff(distances[: lowest + 1]) < 0)
    assert np.all(np.diff(distances[lowest:]) > 0)
    assert tilted(values, weights, float(values.mean()))[1] == pytest.approx(0.0, abs=1e-9)
    # Half of even draws kept, all alike, lie log 2 away: the share is exp(−distance).
    assert np.exp(-distances[0]) < 0.01


@pytest.mark.parametrize("of", ["base", "mixed"])
@pytest.mark.parametrize("step", [-0.06, 0.04])
def test_the_one_belief_gives_what_was_asked(of, step, request):
    run = request.getfixturevalue(of)
    target, milestone, now = asked(run)
    found = reconcile(run, now + step)
    assert (found.target, found.milestone, found.probability) == (target, milestone, now)
    assert (found.belief.ratio > 1) is (step > 0)
    curve = answer(run, found.belief.setting).curves[target].mean
    assert curve[milestone_day(run, milestone)] == pytest.approx(now + step, abs=1e-5)


def test_what_is_named_shifts_as_the_weighted_draws_do_and_can_be_stated(base, written, command, run_folder):
    target, milestone, now = asked(base)
    for step in (-0.15, 0.15):
        found = reconcile(base, now + step)
        chances = 1 - base.mixture.survival.of(target)[:, milestone_day(base, milestone)]
        weights, nats = tilted(chances, np.full(base.n_draws, 1 / base.n_draws), now + step)
        assert found.nats == pytest.approx(nats, rel=1e-6)
        assert found.reach == pytest.approx((chances.min(), chances.max()), abs=1e-6)
        distances = [abs(one.distance) for one in found.priors]
        assert distances == sorted(distances, reverse=True)
        (rate,) = (one for one in found.priors if one.name == RATE)
        values = parameter_draws(base, rate.name)
        a_year = 365.25 / 7
        assert rate.from_ == pytest.approx(a_year * np.exp(np.log(values).mean()))
        assert rate.to == pytest.approx(a_year * np.exp(weights @ np.log(values)))
        path = written(yaml.safe_dump(rate.setting), file=f"{step}.yaml")
        (scenario,) = command("scenario", run_folder, path, "--json").facts["scenarios"]
        (moved,) = (one for one in scenario["targets"] if one["name"] == target)
        assert answers_of(moved)[milestone]["probability"] == pytest.approx(rate.probability, abs=1e-5)
        # Stated alone it goes the same way, and not as far as all that shift together.
        assert 0 < (rate.probability - now) / step < 1


def test_the_prior_that_is_named_takes_the_estimate_where_it_says(base):
    """With no data the posterior is the prior, so the mean of the stated one is the shifted estimate."""
    (rate,) = (one for one in reconcile(base, asked(base)[2] + 0.15).priors if one.name == RATE)
    values = np.log(parameter_draws(base, rate.name))
    width = base.inputs.priors.priors[rate.name].distribution.values[1]
    mean = float(rate.setting["priors"][rate.name].partition("mu=")[2].partition(",")[0])
    exact = base.inputs.priors.priors[rate.name].distribution.values[0]
    exact += rate.distance * values.std() * width**2 / values.var()
    assert mean == pytest.approx(exact, abs=1e-3)


def test_the_command_answers_in_json_and_in_words_and_says_how_far_draws_reach(command, run_folder, base):
    target, milestone, now = asked(base)
    options = ("reconcile", run_folder, "--target", target, "--before", milestone)
    told = command(*options, "--probability", f"{now + 0.15:.3f}", "--json").facts
    assert told == json.loads(reconcile(base, round(now + 0.15, 3)).model_dump_json(by_alias=True))
    said = command(*options, "--probability", f"{100 * (now + 0.15):.1f}%")
    assert said.code == 0
    assert f"--prior '{told['priors'][0]['name']}=" in said.out
    assert f"--belief {target}:" in " ".join(said.out.split())
    for wrong in ("likely", "0", "120%"):
        ended = command(*options, "--probability", wrong)
        assert (ended.code, ended.out) == (2, "")
        assert f"--probability: got '{wrong}'" in ended.err
    beyond = command(*options, "--probability", str(told["reach"][0] / 2))
    assert beyond.code == 2
    assert "reach from" in beyond.err
    with pytest.raises(InputError, match="no milestone"):
        reconcile(base, 0.5, milestone="never")
    with pytest.raises(InputError, match=r"got 200%; the draws of this run reach from"):
        reconcile(base, 2.0)
    with pytest.raises(InputError, match="--target: the run has no 'never'"):
        measure_sensitivity(base, (), target="never")


def test_members_that_know_no_priors_count_and_are_named(mixed, base):
    now = asked(mixed)[2]
    found = reconcile(mixed, now - 0.05)
    assert found.model[0] == pytest.approx(0.5)
    assert found.model[1] != pytest.approx(0.5, abs=0.01)
    assert reconcile(base, asked(base)[2] - 0.05).model == pytest.approx((1.0, 1.0))
