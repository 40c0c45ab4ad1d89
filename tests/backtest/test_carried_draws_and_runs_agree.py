"""Draws that were carried on give the forecasts of fresh fits, and a run those of a backtest."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.config import load_config
from forecast.evaluation import past_forecasts as units
from forecast.evaluation.past_forecasts import MODELS, BacktestOptions, collect, plan_backtest, run_unit
from forecast.inference import particles
from forecast.inference.particles import OriginDraws
from forecast.inference.posterior import SamplerOptions
from forecast.models.draws import prior_draws, stream_draws
from forecast.runs.inputs import read_inputs
from forecast.runs.run import chances_of, mixture_of
from forecast.runs.summaries import target_forecasts
from forecast.workflows.forecast import fit_and_judge

ORIGINS = (date(2020, 1, 1), date(2020, 11, 1), date(2021, 11, 1), date(2022, 6, 1))
EXACT_SEEDS = (11, 12, 13)
SEEDS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def forecasts_of(make_plan, us_china):
    def make(*, exact, seed):
        sampler = SamplerOptions(seed=seed, draws=400, tune=200, chains=2)
        plan = make_plan(origins=ORIGINS, data_end=date(2022, 12, 31), sampler=sampler, exact=exact)
        (unit,) = plan.units
        return units.run_unit(plan, us_china, unit)

    return make


@pytest.fixture(scope="module")
def exact(forecasts_of):
    runs = [forecasts_of(exact=True, seed=seed) for seed in EXACT_SEEDS]
    assert all(run.refitted.all() for run in runs)
    return runs


def bridged(forecasts_of):
    return [forecasts_of(exact=False, seed=seed) for seed in SEEDS]


def gaps(bridged, exact):
    """Mean of bridged less mean of exact forecasts in standard errors, shape (origin, horizon)."""
    means, errors = [], []
    for runs in (bridged, exact):
        found = np.array([run.probability[:, 0] for run in runs])
        means.append(found.mean(axis=0))
        # Few seeds tell little of the error of one cell, so that cells share theirs.
        errors.append(np.sqrt(found.var(axis=0, ddof=1).mean() / len(runs)))
    return (means[0] - means[1]) / np.hypot(*errors)


def root_mean_square(values):
    return np.sqrt(np.mean(values**2))


@pytest.mark.slow
def test_bridged_forecasts_equal_refitted_ones(forecasts_of, exact):
    runs = bridged(forecasts_of)
    assert runs[0].refitted.sum() <= 2
    found = gaps(runs, exact)
    assert np.abs(found).max() < 4
    assert root_mean_square(found) < 2


@pytest.mark.slow
def test_draws_that_are_left_as_they_were_fail_the_comparison(forecasts_of, exact, monkeypatch):
    monkeypatch.setattr(particles, "carry_on", lambda particles, *rest: particles)
    runs = bridged(forecasts_of)
    assert runs[0].refitted.sum() == 1
    assert root_mean_square(gaps(runs, exact)) > 4


N_DRAWS = 800
SMALL = """\
name: small
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN]}
as_of: 2022-06-30
events: {source: "bundled:us-china", start: 2019-06-01}
targets:
  severe:
    any_of: [sanction, channel_closure, military_incident, military_posture, dispute]
    min_severity: 4
  military: {any_of: [military_incident, military_posture], min_severity: 4}
milestones:
  - {name: soon, date: 2022-08-01}
  - {name: later, date: 2023-01-01}
headline: {target: military, milestone: later}
sampler: {seed: 5, draws: 400, tune: 300, chains: 2}
"""


def prior_fit(inputs) -> SimpleNamespace:
    """Draws of the prior in the place of a fit."""
    drawn = prior_draws(inputs.priors, N_DRAWS, inputs.data.grid.n_knots, np.random.default_rng(1))
    return SimpleNamespace(variables=drawn, n_chains=4, n_draws=N_DRAWS)


def compare(path, settings, as_of: date, fitted=lambda inputs: fit_and_judge(inputs).samples):
    """Probabilities by family, target and horizon: of a run, its errors, and of the backtest."""
    whole = read_inputs(load_config(path, settings))
    days = [(one.date - whole.data.grid.origin).days for one in whole.config.milestones]
    earlier = [f"as_of={as_of}"] + [
        f"milestones.{place}.date={as_of + timedelta(days=1 + ahead)}" for place, ahead in enumerate(days)
    ]
    fit, runs = None, {}
    for family in MODELS:
        inputs = read_inputs(load_config(path, [*settings, *earlier, f"model.family={family}"]))
        fit = fit or fitted(inputs)
        runs[family] = target_forecasts(mixture_of(inputs, chances_of(inputs, fit)), fit.n_chains)
    origin = as_of + timedelta(days=1)
    plan = plan_backtest(whole, BacktestOptions(origins=(origin,), horizons=tuple(days)))
    # The bundled record itself: what is used at an origin is what was known before it.
    (unit,) = plan.units
    table = collect(plan, whole.events, [run_unit(plan, whole.events, unit)])
    for family, targets in runs.items():
        for target in targets:
            for ahead, one in zip(days, target.milestones, strict=True):
                rows = table.select(target=target.name, horizon_days=ahead, who=family)
                yield family, target.name, ahead, one, float(rows.chance[0])


def agree(path, settings, as_of: date, **fitted) -> int:
    """Compare, and return the number of probabilities; of the same draws, futures alone differ."""
    found = list(compare(path, settings, as_of, **fitted))
    for family, target, ahead, one, tested in found:
        where = family, target, ahead, one.probability, tested
        assert one.date == as_of + timedelta(days=1 + ahead)
        if family == "pooled_hazard" and one.members[0].name == "pooled_hazard":
            assert tested == pytest.approx(one.probability, abs=1e-9), where
            continue
        if np.isnan(tested):  # no member answers in a backtest; a run falls back on the model
            assert family == "pooled_hazard", where
            continue
        share = next((member.weight for member in one.members or () if member.name == "model"), 1.0)
        # A fit of the backtest's own is worth some hundred draws, whose spread is at most this.
        spread = np.sqrt(one.probability * (1 - one.probability))
        error = 0.001 if fitted else np.hypot(one.mcse, share * spread / 10)
        assert abs(tested - one.probability) < 4 * error, where
    return len(found)


def test_a_small_record_gives_the_same_numbers_either_way_on_the_same_draws(tmp_path, monkeypatch):
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    fits = []

    class SameDraws:
        """In the place of a posterior of the backtest's own: the draws of the run."""

        refit_seconds = bridge_seconds = 0.0

        def __init__(self, *_, **__) -> None:
            pass

        def at(self, data) -> OriginDraws:
            ((inputs, fit),) = fits
            assert np.array_equal(data.counts, inputs.data.counts)
            draws = stream_draws(data.layout, fit.variables, inputs.priors)
            even = np.full(N_DRAWS, 1 / N_DRAWS)
            return OriginDraws(draws, even, inputs.priors, True, float(N_DRAWS), converged=True)

    def fitted(inputs) -> SimpleNamespace:
        fits.append((inputs, prior_fit(inputs)))
        return fits[-1][1]

    monkeypatch.setattr(units, "RollingPosterior", SameDraws)
    assert agree(tmp_path / "small.yaml", [], date(2021, 9, 30), fitted=fitted) == 12


@pytest.mark.slow
@pytest.mark.parametrize("as_of", [date(2021, 6, 30), date(2022, 3, 1)])
def test_the_worked_case_gives_the_same_numbers_either_way(request, as_of):
    path = request.config.rootpath / "configs/us-china-2023.yaml"
    assert agree(path, ["calendar=[]", "scenarios=[]", "sampler.draws=500"], as_of) == 48
