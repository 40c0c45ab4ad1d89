"""A run without calendar and a backtest at its as-of date are one forecast, made by two ways."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.config import load_config
from forecast.evaluation import past_forecasts as units
from forecast.evaluation.past_forecasts import MODELS, BacktestOptions, collect, plan_backtest, run_unit
from forecast.inference.particles import OriginDraws
from forecast.models.draws import prior_draws, stream_draws
from forecast.runs.inputs import read_inputs
from forecast.runs.run import chances_of, mixture_of
from forecast.runs.summaries import target_forecasts
from forecast.workflows.forecast import fit_and_judge

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


def compare(path, settings, as_of: date, fitted=lambda inputs: fit_and_judge(inputs).fit):
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
        if family == "panel" and one.members[0].name == "panel":
            assert tested == pytest.approx(one.probability, abs=1e-9), where
            continue
        if np.isnan(tested):  # no member answers in a backtest; a run falls back on the model
            assert family == "panel", where
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

        spent = SimpleNamespace(refit=0.0, bridge=0.0)

        def __init__(self, *_, **__) -> None:
            pass

        def at(self, data) -> OriginDraws:
            ((inputs, fit),) = fits
            assert np.array_equal(data.counts, inputs.data.counts)
            draws = stream_draws(data.layout, fit.variables, inputs.priors)
            even = np.full(N_DRAWS, 1 / N_DRAWS)
            return OriginDraws(draws, even, inputs.priors, True, -np.inf, float(N_DRAWS), True)

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
