"""A run as ArviZ has it: every group, and the library's own summaries, diagnostics and plots on it."""

from datetime import date

import arviz as az
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from forecast.models.draws import log_likelihood
from forecast.runs.run import read_run

PARAMETERS = ["tension_persistence", "answers_number"]
GROUPS = {
    *("posterior", "sample_stats", "prior", "observed_data", "constant_data"),
    *("posterior_predictive", "prior_predictive", "log_likelihood", "log_prior"),
}


@pytest.fixture(scope="module")
def run(run_folder):
    return read_run(run_folder)


@pytest.fixture(scope="module")
def tree(run):
    return run.posterior


@pytest.fixture
def drawn():
    with mpl.rc_context({"backend": "Agg"}):
        yield
    plt.close("all")


def test_the_tree_has_every_group_with_weeks_and_kinds(run, tree):
    assert set(tree.children) == GROUPS
    acts = tree["observed_data"]["acts"]
    assert acts.dims == ("week", "kind")
    np.testing.assert_array_equal(acts.values, run.inputs.data.counts)
    events = run.events.between(date(2017, 1, 1), run.inputs.config.as_of)
    assert int(acts.sel(kind="visit").sum()) == int((events.category == "visit").sum())
    lethal = events.date[(events.category == "military_incident") & (events.severity == 5)]
    deadly = [kind for kind in acts.kind.values.tolist() if "lethal_clash" in kind]
    assert int(acts.sel(kind=deadly).sum()) == len(np.unique(lethal))
    assert acts.week.values[0] == np.datetime64("2017-01-01")
    for name in ("log_likelihood", "posterior_predictive", "prior_predictive"):
        assert tree[name]["acts"].dims == ("chain", "draw", "week", "kind")


def test_posterior_and_file_are_as_they_were(run, tree):
    kept = run.fit.tree["posterior"].to_dataset()
    assert tree["posterior"].to_dataset().identical(kept.assign_attrs(tree["posterior"].attrs))


def test_the_log_likelihood_is_that_of_the_fit(run, tree):
    pointwise = tree["log_likelihood"]["acts"].sum(("week", "kind")).values.ravel()
    whole = log_likelihood(run.inputs.data, run.draws, run.inputs.priors)
    np.testing.assert_allclose(pointwise, whole, rtol=1e-9)


def test_the_prior_group_follows_the_priors(run, tree):
    stated = run.inputs.priors.priors["tension.persistence"].distribution
    drawn = tree["prior"]["tension_persistence"].values.ravel()
    share = (drawn < stated.quantile(0.5)).mean()
    assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(len(drawn))
    values = tree["posterior"]["tension_persistence"]
    expected = stated.log_density(values.values)
    np.testing.assert_allclose(tree["log_prior"]["tension_persistence"].values, expected)
    priors = run.inputs.priors
    known = {group.variable for group in priors.groups if priors.of_group(group)}
    assert set(tree["log_prior"].data_vars) == known


def test_the_posterior_predicts_as_many_acts_as_were_seen(tree):
    seen = int(tree["observed_data"]["acts"].sum())
    predicted = tree["posterior_predictive"]["acts"].sum(("week", "kind")).values
    assert abs(predicted.mean() - seen) < 4 * predicted.std()
    assert predicted.mean() == pytest.approx(seen, rel=0.2)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
def test_loo_is_pointwise_by_week_and_kind(tree):
    found = az.loo(tree, pointwise=True)
    assert found.elpd_i.dims == ("week", "kind")
    assert float(found.elpd_i.sum()) == pytest.approx(found.elpd, rel=1e-6)
    assert found.n_data_points == tree["observed_data"]["acts"].size


def test_sensitivity_by_power_scaling_reads_it(tree, capsys):
    table = az.psense_summary(tree, var_names=["tension_persistence"])
    assert {"prior", "likelihood"} <= set(table.columns)
    assert (table[["prior", "likelihood"]] > 0).all(axis=None)


@pytest.mark.usefixtures("drawn")
@pytest.mark.filterwarnings("ignore:Variables acts in:UserWarning")
def test_its_plots_draw(tree):
    for collection in (
        az.plot_trace(tree, var_names=["tension_persistence"], backend="matplotlib"),
        az.plot_prior_posterior(tree, var_names=["tension_persistence"], backend="matplotlib"),
        az.plot_ppc_dist(tree, backend="matplotlib"),
    ):
        figure = collection.viz["figure"].item()
        assert any(axes.lines or axes.collections for axes in figure.axes)
