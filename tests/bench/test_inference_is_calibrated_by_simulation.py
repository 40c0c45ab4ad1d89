"""Ranks of true values among posterior draws are uniform, and are not when the data are spoilt."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from forecast.bench.simulation_based_calibration import (
    N_RANKED,
    STUDY_PRIORS,
    RankStudy,
    default_study,
    doubled,
    draw_truth,
    rank_study,
)
from forecast.inference.posterior import SamplerOptions
from forecast.panel.panel import TimeGrid
from forecast.panel.streams import TargetRule, stream_layout
from forecast.priors import default_priors

RULE = TargetRule("force", ("military_incident",), 4)
SAMPLER = SamplerOptions(seed=0, draws=300, tune=300, target_accept=0.9)


def target_priors():
    return default_priors(stream_layout("target", RULE)).changed(STUDY_PRIORS, "config")


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


def test_truths_follow_the_prior_where_the_constraint_does_not_bind():
    priors = target_priors()
    start = date(2000, 1, 1)
    grid = TimeGrid(start, start + timedelta(days=140))
    rng = np.random.default_rng(5)
    scale = [draw_truth(priors, grid, rng)[0]["tension_scale"][0, 0] for _ in range(300)]
    # Kolmogorov–Smirnov against the stated prior, an independent oracle.
    assert stats.kstest(scale, stats.lognorm(0.3, scale=np.exp(-0.5)).cdf).pvalue > 0.001


def test_a_quick_study_sees_doubled_data_and_not_the_right_ones():
    study = {}
    for name, change in {"right": None, "wrong": doubled}.items():
        study[name] = rank_study(
            target_priors(), (RULE,), 24, n_weeks=60, seed=3, sampler=SAMPLER, change=change
        )
    # With 24 simulations five bins hold about five ranks each.
    fair = min(study["right"].p_values(5).values()) * len(study["right"].ranks)
    assert fair > 0.01, study["right"].p_values(5)
    name = min(study["wrong"].p_values(5), key=study["wrong"].p_values(5).get)
    spoilt = study["wrong"].p_values(5)[name] * len(study["wrong"].ranks)
    assert spoilt < 0.001, study["wrong"].p_values(5)


@pytest.mark.slow
def test_joint_inference_is_calibrated_for_parameters_and_probabilities():
    study = default_study("joint", 200, seed=11)
    assert all(len(ranks) == 200 for ranks in study.ranks.values())
    name, p_value = study.smallest()
    assert p_value > 0.01, f"{name}: {p_value:.2g} after Bonferroni"


@pytest.mark.slow
def test_the_study_fails_on_doubled_data():
    study = default_study("joint", 60, seed=12, wrong=True)
    # Past and future are counted alike, so only the parameters give it away.
    assert study.smallest()[1] < 1e-6


@pytest.mark.slow
def test_joint_inference_is_calibrated_on_thirty_events_in_ten_years():
    study = default_study("joint", 60, n_weeks=520, n_events=30, seed=13)
    assert 20 < np.median(study.events) < 50
    name, p_value = study.smallest()
    assert p_value > 0.01, f"{name}: {p_value:.2g} after Bonferroni"
