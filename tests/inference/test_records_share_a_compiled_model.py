"""Records of about the same length are fitted with one compiled model, and none leaves a trace in another."""

from datetime import date

import numpy as np
import pytest

from forecast.families import FAMILIES
from forecast.inference import record_fit, sampling
from forecast.inference.posterior import SamplerOptions
from forecast.inference.record_fit import fit_record
from forecast.panel.panel import TimeGrid, count_events, drift_knots_for
from forecast.panel.streams import TargetRule
from forecast.priors import default_priors

SHORT = SamplerOptions(seed=3, draws=30, tune=30, chains=2)
CLASHES = TargetRule("clashes", ("military_incident",), 3)
DRILLS = TargetRule("drills", ("military_posture",), 2)
LONG, SHORTER, MUCH_SHORTER = date(2023, 7, 11), date(2023, 4, 1), date(2020, 1, 1)


@pytest.fixture
def models_made(monkeypatch):
    """Start with nothing compiled, and count what is."""
    made = []

    def compile_and_count(model):
        made.append(model)
        return compile_model(model)

    compile_model = record_fit.compile_model
    monkeypatch.setattr(sampling, "RERUNS", ())
    monkeypatch.setattr(record_fit, "_kept", {})
    monkeypatch.setattr(record_fit, "compile_model", compile_and_count)
    return made


def fitted(events, rule, origin, statements=None, family="target"):
    (model,) = FAMILIES[family].models([rule])
    panel = count_events(events, TimeGrid(date(2017, 1, 20), origin), model.layout)
    priors = default_priors(model.layout).changed(statements or {}, "config")
    return panel, fit_record(model, panel, priors, SHORT)


def assert_same_draws(one, other):
    assert one.variables.keys() == other.variables.keys()
    for name, values in one.variables.items():
        np.testing.assert_array_equal(values, other.variables[name], err_msg=name)


def test_other_lengths_targets_and_priors_are_data_of_the_same_model(us_china, models_made):
    fitted(us_china, CLASHES, LONG)
    fitted(us_china, CLASHES, SHORTER)
    fitted(us_china, DRILLS, LONG, {"tension.scale": "LogNormal(-1, 0.3)"})
    assert len(models_made) == 1


def test_another_family_of_distributions_or_a_record_years_shorter_is_another_model(us_china, models_made):
    fitted(us_china, CLASHES, LONG)
    fitted(us_china, CLASHES, LONG, {"tension.scale": "HalfNormal(0.5)"})
    fitted(us_china, CLASHES, MUCH_SHORTER)
    assert len(models_made) == 3


def test_draws_do_not_depend_on_what_was_compiled_first(us_china, models_made):
    asked = (us_china, CLASHES, SHORTER, {"baseline.weekly_rate": "LogNormal(-6, 0.2)"})
    _, alone = fitted(*asked)
    record_fit._kept.clear()
    fitted(us_china, DRILLS, LONG)
    _, after_another = fitted(*asked)
    assert len(models_made) == 2
    assert_same_draws(alone, after_another)


def test_spare_knots_are_left_out_of_the_posterior(us_china, models_made):
    panel, posterior = fitted(us_china, CLASHES, SHORTER, family="focused")
    assert panel.grid.n_knots % record_fit.KNOTS_STEP
    assert posterior.variables["tension_innovations"].shape[-1] == panel.grid.n_knots
    assert posterior.variables["drift_innovations"].shape[-1] == drift_knots_for(panel.grid.n_knots)
    assert posterior.tree["posterior"].sizes["knot"] == panel.grid.n_knots


def test_no_more_models_are_kept_than_said(us_china, models_made, monkeypatch):
    monkeypatch.setattr(record_fit, "MODELS_KEPT", 1)
    fitted(us_china, CLASHES, LONG)
    fitted(us_china, CLASHES, MUCH_SHORTER)
    assert len(record_fit._kept) == 1
