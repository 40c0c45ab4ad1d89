"""Paths played as machine code, with what stays kept, are those of NumPy."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from forecast.models.draws import prior_draws, stream_draws
from forecast.panel.panel import TimeGrid, count_events
from forecast.panel.streams import FutureAct, TargetRule
from forecast.priors import default_priors
from forecast.simulation import SimulationOptions, compiled_paths, random_numbers, simulate_first_passages
from forecast.simulation.options import empty_memory

OPTIONS = SimulationOptions(seed=3, horizon_days=400, paths_per_draw=8, first_paths=3, every=2)
RULES = (
    TargetRule("any", ("dispute", "sanction"), 1),
    TargetRule("military", ("military_incident", "military_posture"), 4),
    TargetRule("lethal", ("military_incident",), 5),
)
CALENDAR = (
    FutureAct(date(2023, 8, 1), "military_posture", 4, 0.5),
    FutureAct(date(2023, 9, 1), "visit", 4, 0.7, date(2023, 11, 3), "a summit"),
    FutureAct(date(2024, 3, 1), "military_incident", 5, 0.2),
)
FAMILIES = ("joint", "focused", "target")


@pytest.fixture(scope="module")
def made(us_china, layouts):
    """Panel, draws and targets of a family; the record ends within a week."""

    def make(family, rate="occasional"):
        panel = count_events(us_china, TimeGrid(date(2022, 1, 1), date(2023, 7, 11)), layouts[family])
        priors = default_priors(layouts[family]).changed({"baseline.weekly_rate": rate}, "config")
        variables = prior_draws(priors, 120, panel.grid.n_knots, np.random.default_rng(4))
        rules = RULES if family == "joint" else (layouts[family].target,)
        return panel, stream_draws(layouts[family], variables), rules

    return make


def same(one, other):
    np.testing.assert_array_equal(one.day, other.day)
    np.testing.assert_array_equal(one.acts, other.acts)
    assert one.capped_share == pytest.approx(other.capped_share, rel=1e-12)


def test_they_are_the_paths_of_numpy_whichever_model_asks_the_same_memory(made):
    memory = empty_memory()
    for family in (*FAMILIES, *FAMILIES):
        panel, draws, rules = made(family)
        cold = simulate_first_passages(panel, draws, rules, OPTIONS, CALENDAR)
        warm = replace(OPTIONS, remembered=memory)
        same(simulate_first_passages(panel, draws, rules, warm, CALENDAR), cold)
        without = simulate_first_passages(panel, draws, rules, warm)
        same(without, simulate_first_passages(panel, draws, rules, OPTIONS))
        assert not np.array_equal(without.acts, cold.acts)


def test_only_the_paths_asked_for_are_played(made):
    panel, draws, rules = made("joint")
    only = np.random.default_rng(1).random((60, 3)) < 0.3
    whole = simulate_first_passages(panel, draws, rules, OPTIONS, CALENDAR)
    some = replace(OPTIONS, only=only, remembered=empty_memory())
    found = simulate_first_passages(panel, draws, rules, some, CALENDAR)
    np.testing.assert_array_equal(found.day[..., only], whole.day[..., only])
    np.testing.assert_array_equal(found.acts[0][only], whole.acts[0][only])
    assert not found.acts[0][~only].any()


def test_intensities_are_cut_where_numpy_cuts_them(made):
    panel, draws, rules = made("joint")
    wild = replace(draws, log_rate=draws.log_rate + 6.0)
    cold = simulate_first_passages(panel, wild, rules, OPTIONS)
    assert 0.01 < cold.capped_share < 0.9
    again = replace(OPTIONS, remembered=empty_memory())
    same(simulate_first_passages(panel, wild, rules, again), cold)


@pytest.mark.parametrize("scale", [0.01, 0.4, 3.0, 150.0])
def test_counts_are_those_of_numpy(scale):
    rng = np.random.default_rng(7)
    uniform, mean = rng.random(4800), rng.gamma(1, scale, 4800)
    shape = rng.gamma(1, 1, 4800) + 0.01
    counts = random_numbers.negative_binomial(uniform, mean, shape)
    each = zip(uniform, mean, shape, strict=True)
    assert [compiled_paths.negative_binomial(*one) for one in each] == counts.tolist()
    chance = rng.random(counts.size)
    chance[::40], chance[1::40] = 0.0, 1.0
    marks = random_numbers.binomial(uniform, counts, chance)
    each = zip(uniform, counts, chance, strict=True)
    assert [compiled_paths.binomial(*one) for one in each] == marks.tolist()
