"""Paths played as machine code, with what stays kept, are those of NumPy."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier

import numpy as np
import pytest

from forecast.models.draws import prior_draws, stream_draws
from forecast.panel.panel import TimeGrid, count_events
from forecast.panel.streams import FutureAct, TargetRule
from forecast.priors import default_priors
from forecast.simulation import (
    NEVER,
    SimulationOptions,
    compiled_paths,
    random_numbers,
    simulate_first_passages,
)
from forecast.simulation.options import OtherFutures, empty_memory, futures_differ_since

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


def test_they_are_the_paths_of_numpy_whichever_model_asks_the_same_memory(made):
    memory = empty_memory()
    for family in (*FAMILIES, *FAMILIES):
        panel, draws, rules = made(family)
        cold = simulate_first_passages(panel, draws, rules, OPTIONS, CALENDAR)
        warm = replace(OPTIONS, remembered=memory)
        found = simulate_first_passages(panel, draws, rules, warm, CALENDAR)
        np.testing.assert_array_equal(found.day, cold.day)
        without = simulate_first_passages(panel, draws, rules, warm)
        np.testing.assert_array_equal(without.day, simulate_first_passages(panel, draws, rules, OPTIONS).day)
        assert not np.array_equal(without.day, cold.day)


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("asked", [None, *(rule.name for rule in RULES)])
def test_no_more_is_played_than_what_other_acts_change(made, asked, remembers):
    """From the first act that differs on, until the target is met: all that is told is the same."""
    panel, draws, rules = made("joint")
    options = replace(OPTIONS, remembered=empty_memory() if remembers else None)
    before = simulate_first_passages(panel, draws, rules, OPTIONS, CALENDAR)
    likelier = (*CALENDAR[:1], replace(CALENDAR[1], probability=0.9), *CALENDAR[2:])
    late = FutureAct(date(2024, 8, 1), "sanction", 5, 0.5)  # the last day but a few
    for acts in (
        CALENDAR[1:],
        (*CALENDAR[::-1], replace(CALENDAR[0], severity=5)),
        likelier,
        (late,),
        CALENDAR,
    ):
        since = futures_differ_since(panel, len(draws), OPTIONS, CALENDAR, acts)
        some = replace(options, other=OtherFutures(CALENDAR, since, asked))
        found = simulate_first_passages(panel, draws, rules, some, acts)
        whole = simulate_first_passages(panel, draws, rules, OPTIONS, acts)
        assert found.targets == ((asked,) if asked else whole.targets)
        for name in found.targets:
            told = since <= before.of(name)
            np.testing.assert_array_equal(found.of(name)[told], whole.of(name)[told])
            np.testing.assert_array_equal(before.of(name)[~told], whole.of(name)[~told])
        assert acts is CALENDAR or 0.01 < (since < NEVER).mean() < 0.99


def test_intensities_are_cut_where_numpy_cuts_them(made):
    panel, draws, rules = made("joint")
    wild = replace(draws, log_rate=draws.log_rate + 6.0)
    cold = simulate_first_passages(panel, wild, rules, OPTIONS)
    assert 0.01 < cold.capped_share < 0.9
    again = replace(OPTIONS, remembered=empty_memory())
    np.testing.assert_array_equal(simulate_first_passages(panel, wild, rules, again).day, cold.day)


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


def test_what_is_kept_is_made_once_by_answers_that_come_together():
    memory, made, together = empty_memory(), [], Barrier(4)

    def make():
        made.append(1)
        time.sleep(0.05)
        return object()

    def ask(_):
        together.wait()
        return memory.get(("place",), make)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert len(made) == 1
    assert len(set(map(id, found))) == 1
