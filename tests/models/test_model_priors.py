import numpy as np
import pymc as pm
import pytest

from forecast.models.draws import prior_draws
from forecast.models.streams import build_model
from forecast.priors import default_priors, elements

# Every family of distributions, some mixed within a group.
STATED = {
    "baseline.weekly_rate.dispute": "Gamma(2, 4)",
    "baseline.weekly_rate.sanction": "HalfNormal(0.5)",
    "tension.scale": "Exponential(1.5)",
    "excitation.branching": "Beta(2, 6)",
    "excitation.branching.visit": "LogitNormal(1, 0.3)",
    "excitation.branching.sanction": "LogitNormal(-3, 0.3)",
    "overdispersion.shape.cooperation": "Exponential(0.2)",
    "ballast.channel_opening": "HalfNormal(0.4)",
}
DRAWS = 2000
PROBABILITIES = np.array([0.1, 0.5, 0.9])


@pytest.fixture(scope="module")
def stated(layouts):
    return default_priors(layouts["joint"]).changed(STATED, "config")


@pytest.fixture(scope="module")
def drawn_by_pymc(counted, stated):
    model = build_model(counted("joint", "whole"), stated)
    names = [group.variable for group in stated.groups]
    draws = pm.draw([model[name] for name in names], DRAWS, random_seed=5, mode="FAST_COMPILE")
    return dict(zip(names, draws, strict=True))


@pytest.fixture(scope="module")
def drawn_by_numpy(stated):
    return prior_draws(stated, DRAWS, 5, np.random.default_rng(5))


@pytest.mark.parametrize("source", ["drawn_by_pymc", "drawn_by_numpy"])
def test_every_parameter_is_drawn_from_the_prior_of_its_name(source, stated, request):
    draws = request.getfixturevalue(source)
    for group in stated.groups:
        columns = draws[group.variable].reshape(DRAWS, -1)
        for column, prior in zip(columns.T, stated.of_group(group), strict=True):
            below = (column[:, None] < prior.distribution.quantile(PROBABILITIES)).sum(axis=0)
            error = np.sqrt(DRAWS * PROBABILITIES * (1 - PROBABILITIES))
            z = (below - DRAWS * PROBABILITIES) / error
            assert np.abs(z).max() < 4.5, f"{prior.name} {prior.distribution}: z {z.round(1)}"


def test_mixed_families_keep_the_order_of_the_dimension(counted, stated):
    model = build_model(counted("joint", "whole"), stated)
    group = next(group for group in stated.groups if group.name == "excitation.branching")
    assert model.named_vars_to_dims[group.variable] == ("stream",)
    assert list(model.coords["stream"]) == list(elements(group, stated.layout))
    parts = {variable.name for variable in model.free_RVs if variable.name.startswith("excitation_branching")}
    assert parts == {"excitation_branching_beta__", "excitation_branching_logitnormal__"}


def test_the_model_of_mixed_families_has_the_density_of_its_priors(counted, stated):
    model = build_model(counted("joint", "whole"), stated)
    beta, logit = model["excitation_branching_beta__"], model["excitation_branching_logitnormal__"]
    density = model.compile_fn(
        [variable.sum() for variable in model.logp([beta, logit], jacobian=False, sum=False)],
        mode="FAST_COMPILE",
        inputs=model.value_vars,
        on_unused_input="ignore",
    )
    point = model.initial_point()
    rng = np.random.default_rng(3)
    names = {variable: model.rvs_to_values[variable].name for variable in (beta, logit)}
    for name in names.values():
        point[name] = rng.normal(-1, 0.5, point[name].shape)
    values = {variable: 1 / (1 + np.exp(-point[name])) for variable, name in names.items()}
    priors = [prior for prior in stated.priors.values() if prior.name.startswith("excitation.branching")]
    for variable, family, total in zip((beta, logit), ("Beta", "LogitNormal"), density(point), strict=True):
        of_family = [prior.distribution for prior in priors if prior.distribution.family == family]
        pairs = zip(of_family, values[variable], strict=True)
        assert total == pytest.approx(sum(float(d.log_density(x)) for d, x in pairs), rel=1e-10)


def test_what_only_differences_reach_is_turned_and_keeps_its_prior(counted, layouts):
    # Unequal scales: adding a number to all kinds moves the standardised ones by its multiple of 1/scale.
    stated = {"severity.category.visit": "Normal(1, 0.5)", "severity.category.sanction": "Normal(-1, 3)"}
    priors = default_priors(layouts["joint"]).changed(stated, "config")
    model = build_model(counted("joint", "whole"), priors)
    turned, category = model["severity_category_turned__"], model["severity_category"]
    rows = np.vstack([np.zeros(8), np.eye(8)])
    at = model.compile_fn([category], inputs=[turned], mode="FAST_COMPILE", on_unused_input="ignore")
    values = np.array([at({turned.name: row})[0] for row in rows])
    means, scales = np.array(
        [one.distribution.values for one in priors.priors.values() if one.group.name == "severity.category"]
    ).T
    np.testing.assert_allclose(values[0], means)
    effects = values[1:] - values[0]
    np.testing.assert_allclose(effects.T @ effects, np.diag(scales**2), atol=1e-12)
    # The first of them moves all kinds alike, and so nothing that the likelihood sees.
    np.testing.assert_allclose(effects[0], effects[0, 0], rtol=1e-12)


def test_chains_of_acts_that_never_end_are_ruled_out_softly(counted, layouts):
    model = build_model(counted("target", "whole"), default_priors(layouts["target"]))
    (density,) = model.replace_rvs_by_values([model["finite_chains"]])
    potential = model.compile_fn(
        density, mode="FAST_COMPILE", inputs=model.value_vars, on_unused_input="ignore"
    )
    own, cross = "excitation_branching_logodds__", "excitation_cross_log__"

    def at(strength: float) -> float:
        point = model.initial_point() | {own: np.zeros(1), cross: np.log([strength / 2])}  # a = 1/2: c/(1-a)
        return float(potential(point))

    expected = {0.5: -10 * np.log1p(np.exp(-10)), 1.0: -10 * np.log(2), 1.2: -10 * np.log1p(np.exp(4))}
    for strength, value in expected.items():
        assert at(strength) == pytest.approx(value, rel=1e-9)
