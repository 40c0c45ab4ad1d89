"""Ranks of true values among posterior draws are uniform, and are not when the data are spoilt."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from forecast.bench import simulation_based_calibration as calibration
from forecast.bench.simulation_based_calibration import (
    N_RANKED,
    SIZES,
    STUDY_PRIORS,
    RankStudy,
    default_study,
    doubled,
    draw_truth,
    rank_study,
    study_priors,
)
from forecast.events.codebook import CATEGORIES
from forecast.inference.posterior import SamplerOptions
from forecast.models.draws import prior_draws
from forecast.panel import TargetRule, TimeGrid, stream_layout
from forecast.priors import default_priors

SAMPLER = SamplerOptions(seed=0, draws=300, tune=300, chains=2)


def priors_of_one_stream():
    """Priors of the smallest model: every act meets the target."""
    layout = stream_layout([TargetRule("anything", CATEGORIES, 1)])
    stated = {"baseline.weekly_rate": "LogNormal(mu=-0.7, sigma=0.5)"}
    return default_priors(layout).changed({**STUDY_PRIORS, **stated}, "config")


def grid_of(n_weeks):
    start = date(2000, 1, 1)
    return TimeGrid(start, start + timedelta(days=7 * n_weeks - 2))


def test_uniform_ranks_pass_and_skewed_ranks_fail():
    rng = np.random.default_rng(1)
    fair = RankStudy({f"q{i}": rng.integers(N_RANKED + 1, size=200) for i in range(20)})
    assert fair.smallest()[1] > 0.01
    skewed = RankStudy({**fair.ranks, "bad": rng.integers(60, size=200)})
    assert skewed.smallest()[0] == "bad"
    assert skewed.smallest()[1] < 1e-6


def test_coverage_is_the_share_of_central_ranks():
    every_rank_once = RankStudy({"a": np.arange(N_RANKED + 1)})
    assert every_rank_once.coverage(0.9) == pytest.approx(0.9)
    assert every_rank_once.coverage(0.5) == pytest.approx(0.5)
    assert RankStudy({"a": np.array([0, N_RANKED])}).coverage(0.9) == 0


def test_truths_follow_the_prior_where_nothing_knows_the_data():
    priors, grid, rng = priors_of_one_stream(), grid_of(20), np.random.default_rng(5)
    scale = [draw_truth(priors, grid, rng)[0]["tension_scale"][0] for _ in range(300)]
    # Kolmogorov–Smirnov against the stated prior, an independent oracle.
    assert stats.kstest(scale, stats.lognorm(0.3, scale=np.exp(-0.5)).cdf).pvalue > 0.001


@pytest.mark.parametrize("size", SIZES)
def test_data_of_a_study_have_its_size_and_are_counts_like_any_others(size):
    priors, rng = study_priors(size), np.random.default_rng(6)
    n_weeks, n_events = SIZES[size]
    found = [draw_truth(priors, grid_of(n_weeks), rng)[1] for _ in range(8)]
    # Most data sets have between half and twice as many events: an error of a quarter of their median.
    assert np.median([data.counts.sum() for data in found]) == pytest.approx(n_events, rel=0.6)
    for data in found:
        assert data.counts.shape == (n_weeks, len(priors.layout.streams))
        conflict = np.array(priors.layout.conflictual)
        np.testing.assert_array_equal(data.graded.sum(axis=1), data.counts[:, conflict].sum(axis=1))
        np.testing.assert_allclose(data.mix[conflict].sum(axis=1), 1.0)
        assert np.all(data.mix[priors.layout.severities == 0] == 0)


def test_ranks_among_draws_of_the_prior_are_uniform_and_among_wider_ones_are_not(monkeypatch):
    """A posterior that learned nothing is the prior: the law of ranks is known without a sampler."""
    smallest = {}
    for name, factor in {"right": 1.0, "wrong": 5.0}.items():

        def of_the_prior(known, options, factor=factor):
            data, priors = known
            drawn = prior_draws(priors, 400, data.grid.n_knots, np.random.default_rng(options.seed))
            return drawn | {"tension_scale": factor * drawn["tension_scale"]}

        monkeypatch.setattr(calibration, "PosteriorDensity", SimpleNamespace(of=lambda *known: known))
        monkeypatch.setattr(calibration, "sample", of_the_prior)
        monkeypatch.setattr(calibration, "Posterior", lambda drawn, *_: SimpleNamespace(variables=drawn))
        study = rank_study(priors_of_one_stream(), 40, n_weeks=20, seed=3, sampler=SAMPLER)
        # What is computed from the data too knows of the truth by them.
        p_values = {
            one: p for one, p in study.p_values(5).items() if not one.endswith(" now") and one[:2] != "P("
        }
        smallest[name] = min(p_values.items(), key=lambda found: found[1])
        assert len(p_values) > 5
    assert smallest["right"][1] * len(p_values) > 0.01
    assert smallest["wrong"][0].startswith("tension_scale")
    assert smallest["wrong"][1] < 1e-6


@pytest.mark.slow
def test_a_quick_study_sees_doubled_data_and_not_the_right_ones():
    study = {}
    for name, change in {"right": None, "wrong": doubled}.items():
        study[name] = rank_study(
            priors_of_one_stream(), 24, n_weeks=60, seed=3, sampler=SAMPLER, change=change
        )
    # With 24 simulations five bins hold about five ranks each.
    fair = min(study["right"].p_values(5).values()) * len(study["right"].ranks)
    assert fair > 0.01, study["right"].p_values(5)
    name = min(study["wrong"].p_values(5), key=study["wrong"].p_values(5).get)
    spoilt = study["wrong"].p_values(5)[name] * len(study["wrong"].ranks)
    assert spoilt < 0.001, study["wrong"].p_values(5)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "n"), [("sparse", 60), ("dense", 60)])
def test_inference_is_calibrated_for_parameters_latent_levels_and_probabilities(size, n):
    study = default_study(size, n, seed=11)
    assert all(len(ranks) == n for ranks in study.ranks.values())
    assert {"tension now", "drift now", "P(major)", "P(military)", "P(lethal)"} <= set(study.ranks)
    name, p_value = study.smallest()
    assert p_value > 0.01, f"{name}: {p_value:.2g} after Bonferroni"


@pytest.mark.slow
def test_the_study_fails_on_doubled_data():
    study = default_study("dense", 60, seed=12, wrong=True)
    # Past and future are counted alike, so only the parameters give it away.
    assert study.smallest()[1] < 1e-6
