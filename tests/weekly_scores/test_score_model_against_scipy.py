"""The density of the model against SciPy's, and its recursion against the reference form."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from scipy import stats

from forecast.models import terms
from forecast.models.recursion import decayed_sum
from forecast.models.weekly_scores import build_score_model, log_scores, score_arrays
from forecast.weekly_scores.parameters import PARAMETERS, parameters_of, score_priors

# Evaluated without compiling: these graphs are small and used once.
FAST = pytensor.compile.mode.Mode(linker="py", optimizer=None)


def value(expression) -> np.ndarray:
    return np.asarray(pytensor.function([], expression, mode=FAST)())


def test_the_recursion_is_that_of_the_reference_form_with_its_gradient():
    rng = np.random.default_rng(1)
    values, decay = rng.normal(size=(9, 1)), 0.7
    d = pt.scalar("d")
    ours = decayed_sum(pt.as_tensor(values), d[None])[:-1, 0]
    reference = terms.decayed_past(values[:, 0], d, 9)[1:]
    weights = rng.normal(size=8)
    for form in (lambda y: (weights * y).sum(), lambda y: pt.grad((weights * y).sum(), d)):
        pair = [pytensor.function([d], form(y), mode=FAST)(decay) for y in (ours, reference)]
        assert pair[0] == pytest.approx(pair[1])


def test_the_gradient_in_the_values_is_the_transpose():
    rng = np.random.default_rng(2)
    v, decay = pt.matrix("v"), pt.as_tensor(np.array([0.5, 0.9]))
    weights, at = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
    gradient = pytensor.function([v], pt.grad((weights * decayed_sum(v, decay)).sum(), v), mode=FAST)(at)
    lags = np.arange(6)
    for k, d in enumerate((0.5, 0.9)):
        matrix = np.where(lags[:, None] >= lags, d ** np.maximum(lags[:, None] - lags, 0), 0.0)
        assert gradient[:, k] == pytest.approx(matrix.T @ weights[:, k])


def test_the_density_of_a_week_is_the_bivariate_t_of_scipy():
    rng = np.random.default_rng(3)
    acts = np.array([[2.0, 5.0], [0.0, 3.0], [4.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    score = np.where(acts > 0, rng.normal(size=(5, 2)) * 4, 0.0)
    tone, activity = rng.normal(size=5), rng.normal(size=5)
    mean, swing, scale = np.array([0.4, -0.3]), np.array([0.5, 0.2]), np.array([1.3, 0.8])
    lean, growth, tail, together = 0.2, 0.6, 4.0, 0.7
    given = {
        "tone.mean": mean,
        "tone.swing": swing,
        "tone.with_activity": lean,
        "noise.scale": scale,
        "noise.growth": growth,
        "noise.tail": tail,
        "noise.together": together,
    }
    data = {"score": pt.as_tensor(score), "acts": pt.as_tensor(acts)}
    parameter = {name: pt.as_tensor(np.asarray(one, dtype=float)) for name, one in given.items()}
    ours = value(log_scores(parameter, pt.as_tensor(tone), pt.as_tensor(activity), data))
    nu, rho = 2 + tail, 2 * together - 1
    for week in range(5):
        centre = acts[week] * (mean + swing * tone[week] + lean * activity[week])
        sd = scale * np.maximum(acts[week], 1) ** (0.5 + 0.5 * growth)
        active = np.flatnonzero(acts[week])
        expected = 0.0
        if len(active) == 2:
            shape = np.outer(sd, sd) * np.array([[1, rho], [rho, 1]])
            expected = stats.multivariate_t(centre, shape, df=nu).logpdf(score[week])
        elif len(active) == 1:
            (k,) = active
            expected = stats.t.logpdf(score[week, k], nu, centre[k], sd[k])
        assert ours[week] == pytest.approx(expected)


def test_padding_changes_nothing(series_of):
    """Room for weeks to come, and whatever stands there, leave the log density as it is."""
    rng = np.random.default_rng(4)
    acts = rng.poisson(2.0, size=(60, 2))
    series = series_of(np.where(acts > 0, rng.normal(size=(60, 2)), 0.0), acts)
    arrays = score_arrays(series, 80)
    assert arrays["weight"].sum() == 60
    assert not arrays["score"][60:].any()
    priors = score_priors({}, n_directions=2, acts_known=True)
    model = build_score_model(series, priors, 80)
    with model:
        point = model.initial_point()
        density = model.compile_fn(model.potentiallogp, mode=FAST)
        before = density(point)
        poisoned = {name: values.copy() for name, values in arrays.items()}
        poisoned["score"][60:], poisoned["acts"][60:] = 77.0, 5.0
        for name, values in poisoned.items():
            model[name].set_value(values)
        assert density(point) == pytest.approx(before)


@pytest.mark.parametrize("acts_known", [True, False])
@pytest.mark.parametrize("n_directions", [1, 2])
def test_the_model_has_the_parameters_of_the_catalogue_and_no_other(series_of, acts_known, n_directions):
    score = np.random.default_rng(5).normal(size=(60, n_directions))
    series = series_of(score, np.ones((60, n_directions), dtype=int) if acts_known else None)
    priors = score_priors({}, n_directions=n_directions, acts_known=acts_known)
    model = build_score_model(series, priors)
    known = parameters_of(n_directions=n_directions, acts_known=acts_known)
    assert {one.name for one in model.free_RVs} == {p.variable for p in known} | {"latent_innovations"}
    assert len(PARAMETERS) == 14
