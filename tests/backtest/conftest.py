"""Small backtests: few origins, few draws, and where the sampler does not matter, none at all."""

from collections import Counter
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from forecast.config import load_config
from forecast.evaluation import past_forecasts as units
from forecast.evaluation.number_tests import poisson_number
from forecast.evaluation.past_forecasts import BacktestOptions, BacktestPlan, UnitResult
from forecast.events.dyads import DyadRule
from forecast.inference.posterior import SamplerOptions
from forecast.targets import TargetRule
from forecast.workflows import backtest_folder as backtest_run

MILITARY = TargetRule("military", ("military_incident", "military_posture"), 3)
TINY = SamplerOptions(seed=7, draws=20, tune=20, chains=2)

CONFIG = """\
name: small
dyad: {a: USA, b: CHN}
as_of: 2021-01-01
events: {source: "bundled:us-china", start: 2017-01-01}
targets:
  severe:
    label: Severe escalation
    any_of: [sanction, channel_closure, military_incident, military_posture, dispute]
    min_severity: 4
  military: {any_of: [military_incident, military_posture], min_severity: 3}
milestones:
  - {name: spring, date: 2021-04-01}
model: {family: model}
sampler: {seed: 5, draws: 20, tune: 20, chains: 2}
"""


@pytest.fixture
def forecast(command):
    return command


@pytest.fixture
def refusals(command):
    """What a command says to options that it refuses, by the options, in one message each."""

    def said(begin, refused) -> dict[str, str]:
        answers = {}
        for options in refused:
            ended = command(*begin, *options.split())
            assert (ended.code, ended.out) == (2, ""), options
            assert ended.err.startswith("forecast: ")
            assert "Traceback" not in ended.err
            answers[options] = ended.err.rstrip()
        return answers

    return said


@pytest.fixture
def config_file(tmp_path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(CONFIG)
    return path


def plan_with(**changes) -> BacktestPlan:
    """A plan of three origins of one target; keyword arguments replace its parts."""
    parts = {
        "dyad": "small",
        "sides": DyadRule(("USA",), ("CHN",), ("TWN", "HKG", "CAN")),
        "targets": (MILITARY,),
        "origins": (date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1)),
        "horizons": (30, 90),
        "start": date(2017, 1, 1),
        "data_end": date(2020, 12, 31),
        "models": ("model",),
        "sampler": TINY,
    }
    return BacktestPlan(**{**parts, **changes})


@pytest.fixture(scope="session")
def make_plan():
    return plan_with


def replace_sampler(patch: pytest.MonkeyPatch) -> Counter:
    """Replace the sampler by a made-up unit that depends on its name alone; counts the units run."""
    run: Counter = Counter()

    def unit_by_name(plan, events, unit, listen=None):
        run[unit.name] += 1
        rng = np.random.default_rng(list(sha256(unit.name.encode()).digest()))
        for number in range(unit.n_origins):
            if listen:
                listen(unit, number + 1)
        probability = rng.random((unit.n_origins, len(plan.targets), len(plan.horizons)))
        refitted = np.arange(unit.n_origins) == 0
        numbers = tuple(tuple(map(poisson_number, row[:, 0].tolist())) for row in probability)
        observed = np.zeros(probability.shape[:2], np.int64)
        reacted, converged = np.ones_like(probability), np.ones(unit.n_origins, bool)
        return UnitResult(unit, probability, reacted, refitted, converged, 1.0, numbers, observed)

    patch.setattr(units, "run_unit", unit_by_name)
    return run


@pytest.fixture
def drawn_units(monkeypatch) -> Counter:
    """Units that need no sampler, counted."""
    return replace_sampler(monkeypatch)


@pytest.fixture(scope="session")
def whole_backtest(tmp_path_factory):
    """A backtest of made-up units and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "small.yaml").write_text(CONFIG)
    options = BacktestOptions(first=date(2019, 1, 1), horizons=(30, 89, 90))
    with pytest.MonkeyPatch.context() as patch:
        replace_sampler(patch)
        done = backtest_run.run_backtest(
            load_config(folder / "small.yaml"), options, folder=folder / "backtest"
        )
    return done, folder / "backtest"
