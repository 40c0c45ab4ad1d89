"""Priors as stated, classes that are answered and classes that are not, and records of any kind."""

from datetime import timedelta

import numpy as np
import pymc as pm
import pytest

from forecast.events.codebook import CATEGORIES
from forecast.events.table import EventTable
from forecast.grid import TimeGrid
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import PosteriorDensity, sample
from forecast.models import density
from forecast.models.density import GROUPS
from forecast.models.draws import prior_arrays, prior_draws, record_of, stream_draws
from forecast.models.intensity import masses
from forecast.models.survival import Chances
from forecast.targets import ActClass, FutureAct, Reaction, TargetRule
from tools.studies.definition import build_model

from .conftest import CONFLICT, START, acts_with_priors, draws_of, event, random_record

DRAWS = 2000
PROBABILITIES = np.array([0.1, 0.5, 0.9])


@pytest.fixture(scope="module")
def stated(records):
    return records["stated priors"][1]


@pytest.fixture(scope="module")
def model(records):
    return build_model(*records["stated priors"])


@pytest.fixture(scope="module")
def drawn_by_pymc(model, stated):
    names = [group.name for group in stated.groups]
    draws = pm.draw([model[name] for name in names], DRAWS, random_seed=5, mode="FAST_COMPILE")
    return dict(zip(names, draws, strict=True))


@pytest.fixture(scope="module")
def drawn_by_numpy(stated):
    return prior_draws(stated, DRAWS, 5, np.random.default_rng(5))


@pytest.mark.parametrize("source", ["drawn_by_pymc", "drawn_by_numpy"])
def test_every_parameter_is_drawn_from_the_prior_of_its_name(source, stated, request):
    draws = request.getfixturevalue(source)
    for group in stated.groups:
        columns = draws[group.name].reshape(DRAWS, -1)
        for column, prior in zip(columns.T, stated.of_group(group), strict=True):
            below = (column[:, None] < prior.distribution.quantile(PROBABILITIES)).sum(axis=0)
            error = np.sqrt(DRAWS * PROBABILITIES * (1 - PROBABILITIES))
            z = (below - DRAWS * PROBABILITIES) / error
            assert np.abs(z).max() < 4.5, f"{prior.name} {prior.distribution}: z {z.round(1)}"


YEARS = TimeGrid(START, START + timedelta(days=5 * 365))
CLASH = TargetRule("clash", ("military_incident",), 4)
PROBE = Reaction(
    "probe",
    "Probes are answered",
    ActClass("military_posture", ("probe",), by=("AAA",)),
    then=("military_incident",),
    by=("BBB",),
)


def probed(severity, seed=1):
    """Thirty probes of AAA's, half of them answered by BBB within three days; beside them nothing is."""
    rng = np.random.default_rng(seed)
    days = 5 * 365
    rows = [
        (day, *(("AAA", "BBB")[:: rng.choice((1, -1))]), rng.choice(CONFLICT), 1 + rng.integers(3))
        for day in rng.integers(days, size=300)
    ]
    rows += [(day, "AAA", "BBB", "visit", 2) for day in rng.integers(days, size=40)]
    for number, day in enumerate(np.sort(rng.integers(days - 20, size=30))):
        rows.append((day, "AAA", "BBB", "military_posture", severity, "probe"))
        if number % 2:
            rows.append((day + rng.integers(1, 4), "BBB", "AAA", "military_incident", 4))
    return EventTable.from_events([event(n, *row) for n, row in enumerate(rows)], "a test")


def fitted(data, priors, n_days=14):
    options = SamplerOptions(seed=1, draws=150, tune=250, chains=2)
    tree = sample(PosteriorDensity.of(data, priors), options)
    draws = stream_draws(data.layout, Posterior(tree, 0.9, 250).variables, priors)
    return Chances(data, priors, draws, n_days, seed=2)


@pytest.mark.parametrize("severity", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_a_class_of_which_half_was_answered_is_told_from_other_acts(severity):
    data, priors = acts_with_priors(probed(severity), reactions=(PROBE,), targets=(CLASH,), grid=YEARS)
    chances = fitted(data, priors)

    def within_14_days(*acts):
        return 1 - chances.survival(acts).of("clash").mean(axis=0)[14]

    day, base = YEARS.origin, within_14_days()
    probe = FutureAct(day, "military_posture", severity, 1.0, by="AAA", subcategory="probe")
    assert 0.35 < within_14_days(probe) < 0.70
    for category in CONFLICT:
        other = FutureAct(day, category, min(severity, 3), 1.0, by="AAA")
        assert abs(within_14_days(other) - base) < 0.05, category


@pytest.mark.slow
def test_records_of_the_worked_cases_size_tell_what_was_answered(tool):
    """Two records a truth; ``tools/studies/recovery.py`` counts how often intervals hold it."""
    study = tool("studies/recovery")
    data, options = study.worked_case(), SamplerOptions(seed=1, draws=120, tune=250, chains=2)
    found = {}
    for truth in ("none", "other_side", "class"):
        rows = [row for seed in (3, 4) for row in study.recovered(data, truth, seed, options)]
        names = dict.fromkeys(row.name for row in rows)
        found[truth] = {name: np.mean([row.middle for row in rows if row.name == name]) for name in names}
    same, other, reaction = "answers.number[0]", "answers.number[1]", "reaction.number"
    # Hardly three of a hundred acts are answered where none is.
    assert max(found["none"][same], found["none"][other]) < 0.06
    assert found["none"][reaction] < 0.25
    assert found["other_side"][other] > 0.15 > 2 * found["other_side"][same]
    # Six triggers of .7 answers each have 4 ± 2: of two records no more can be asked.
    assert found["class"][reaction] > found["none"][reaction]


@pytest.mark.parametrize("name", ["everything", "stated priors", "one side", "worked case"])
def test_no_act_has_more_answers_than_the_most_and_a_graver_one_has_no_fewer(records, name):
    """Stream by stream; with hardly a bound, they are in proportion to exp((κ + η(s̄ − 1))(s − 2))."""
    data, priors = records[name]
    draws = draws_of(data, priors.changed({"answers.number": "LogNormal(0, 2)"}, "config"), 20)
    arrays, record, at = (
        prior_arrays(priors, draws.points),
        record_of(data),
        dict(zip(GROUPS, draws.points.offset, strict=True)),
    )
    grades = np.arange(-1.0, 4.0)
    for own in draws.values:
        answers, _, _ = masses(own, density.stream_rates(own, arrays, record), arrays, record)
        assert (answers >= 0).all()
        assert answers.sum(axis=2).max() <= own[at["answers.most"]] * (1 + 1e-12)
        assert (np.diff(answers, axis=1) >= 0).all()
        free = own.copy()
        free[at["answers.most"]] = 1e12
        answers, _, _ = masses(free, density.stream_rates(free, arrays, record), arrays, record)
        growth = own[at["answers.severity"]] + own[at["answers.gravity"]] * (record.severity - 1)
        expected = answers[:, 1, None, :] * np.exp(grades[:, None] * growth)
        np.testing.assert_allclose(answers, expected, rtol=1e-6)


ODD = (
    "no subcategory",
    "no target",
    "one side",
    "one day",
    "a crowded month",
    "one week",
    "no act",
    "everything",
)


@pytest.mark.parametrize("name", ODD)
def test_density_and_chances_of_an_odd_record_are_numbers(records, name):
    data, priors = records[name]
    posterior = PosteriorDensity.of(data, priors)
    points = np.array([posterior.starting_point(seed) for seed in range(3)])
    values, gradients = posterior(points)
    assert np.isfinite(values).all()
    assert (np.abs(gradients).max(axis=1) > 0).all()
    rng = np.random.default_rng(1)
    for point, gradient in zip(points, gradients, strict=True):
        line = rng.standard_normal(len(point))
        (ahead, behind), _ = posterior(np.array([point + 1e-5 * line, point - 1e-5 * line]))
        slack = 1e-6 * np.abs(gradient * line).sum()
        assert gradient @ line == pytest.approx((ahead - behind) / 2e-5, abs=slack)
    found = Chances(data, priors, draws_of(data, priors, 20), 540, seed=1).survival().values
    assert ((found >= 0) & (found <= 1)).all()
    assert (found[..., 0] == 1).all()
    assert (np.diff(found, axis=2) <= 0).all()


def test_a_target_of_every_act_is_met_by_cooperation_too():
    targets = (TargetRule("anything", CATEGORIES, 1), TargetRule("visit", ("visit",), 1))
    data, priors = acts_with_priors(random_record(1), targets=targets, reactions=())
    found = Chances(data, priors, draws_of(data, priors, 20), 30, seed=1).survival().values
    assert data.layout.meets[0].all()
    assert (found[:, 0] <= found[:, 1] + 1e-12).all()
    assert np.median(found[:, 0, 30]) < 0.01 < np.median(found[:, 1, 30])


def test_a_point_at_which_the_density_is_no_number_is_told_as_such(everything):
    posterior = PosteriorDensity.of(*everything)
    points = np.array([posterior.starting_point(1)] * 2)
    points[0, 0] = 800.0
    values, gradients = posterior(points)
    assert values[0] == -np.inf
    assert np.isfinite(values[1])
    assert not gradients[0].any()
