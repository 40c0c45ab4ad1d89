"""Effects of acts ahead, read off the paths: they equal what is known, and the paths are those simulated."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.panel import FutureAct, TargetRule, TimeGrid, count_events, stream_layout
from forecast.runs.mixture import DirectAnswers, Mixture
from forecast.sensitivity.shifts import calendar_effects
from forecast.simulation import SimulationOptions, simulate_first_passages
from forecast.simulation.paths import acts_on_paths

RULE = TargetRule("crisis", ("dispute",), 4)
LAYOUT = stream_layout([RULE])
OPTIONS = SimulationOptions(seed=3, horizon_days=70, paths_per_draw=8)
CALENDAR = (
    FutureAct(date(2022, 1, 20), "dispute", 4, 0.3, label="a crisis of its own"),
    FutureAct(date(2022, 2, 10), "visit", 2, 0.6, label="a visit"),
    FutureAct(date(2022, 3, 1), "dispute", 4, 1.0, label="certain"),
)
N_DRAWS = 1200


@pytest.fixture(scope="module")
def quiet(coded, draws_with):
    """A world in which nothing happens but the acts ahead."""
    grid = TimeGrid(date(2021, 1, 1), date(2022, 1, 3))
    data = count_events(coded(("2021-06-01", "visit", 1)), grid, LAYOUT)
    draws = draws_with(LAYOUT, N_DRAWS, grid.n_knots)
    return data, draws


def run_on(quiet, calendar):
    data, draws = quiet
    hits = simulate_first_passages(data, draws, OPTIONS, calendar)
    days = {"early": date(2022, 1, 15), "late": date(2022, 2, 20)}
    config = SimpleNamespace(milestone=lambda name: SimpleNamespace(date=days[name]))
    inputs = SimpleNamespace(data=data, calendar=calendar, config=config, rules=[RULE])
    return SimpleNamespace(
        inputs=inputs,
        simulation=OPTIONS,
        mixture=Mixture(inputs, DirectAnswers({}), hits, acts=calendar),
        n_draws=N_DRAWS,
        n_chains=4,
    )


def test_acts_happen_on_the_paths_on_which_they_were_simulated(quiet):
    data, draws = quiet
    happens = acts_on_paths(N_DRAWS, OPTIONS, CALENDAR)
    hits = simulate_first_passages(data, draws, OPTIONS, CALENDAR[:1]).of("crisis")
    np.testing.assert_array_equal(happens[0], hits < 70)
    assert happens[1].mean() == pytest.approx(0.6, abs=0.02)
    assert happens[2].all()


def test_an_act_that_is_the_target_has_effect_one_and_others_none(quiet):
    base = run_on(quiet, CALENDAR[:2])
    crisis, visit = calendar_effects(base, [("crisis", "early"), ("crisis", "late")])
    assert (crisis.slope[0], crisis.mcse[0]) == (0.0, 0.0)  # the milestone comes before the act
    assert crisis.slope[1] == pytest.approx(1.0, abs=4 * crisis.mcse[1])
    assert crisis.mcse[1] < 0.02
    assert abs(visit.slope[1]) < 4 * visit.mcse[1]


def test_an_act_taken_as_certain_is_left_out(quiet):
    effects = calendar_effects(run_on(quiet, CALENDAR), [("crisis", "late")])
    assert [effect.position for effect in effects] == [0, 1]


def test_no_calendar_no_effects(quiet):
    assert calendar_effects(run_on(quiet, ()), [("crisis", "late")]) == ()
