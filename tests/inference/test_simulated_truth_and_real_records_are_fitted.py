"""Known parameters are found again, wars are forgotten, and every quarter of the bundled events converges."""

from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from forecast.baselines import baselines_by_origin
from forecast.config import load_config
from forecast.events.codebook import CONFLICTUAL
from forecast.events.dyads import DyadRule
from forecast.grid import DRIFT_KNOT_STEPS, TimeGrid, drift_knots_for, knots_for
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import PosteriorDensity, check_gates, fit
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    StreamDraws,
    linear_between,
    stream_draws,
    tension_at_steps,
)
from forecast.models.survival import Chances
from forecast.priors import default_priors
from forecast.priors.population import record_priors, shipped_population
from forecast.runs.inputs import read_data
from forecast.runs.run import sampler_options
from forecast.streams import Acts, acts_of, stream_layout
from forecast.targets import TargetRule
from tools.studies.simulator import Simulator

LAYOUT = stream_layout((), DyadRule(("AAA",), ("BBB",)))
PRIORS = default_priors(LAYOUT)
START = date(2013, 1, 1)
WEEKS_BEFORE = 12
SEVERITIES = np.repeat([1, 2, 3, 4], [8, 6, 4, 2])
"""Of an act of any stream, each as likely."""
CONFLICT = np.array([name in CONFLICTUAL for name in LAYOUT.categories])


class Recovered(NamedTuple):
    """What was played, and what a fit made of it; what moves categories, (week, c), with mean one before."""

    acts: Acts
    truth: StreamDraws
    moved: np.ndarray
    posterior: Posterior
    draws: StreamDraws


def truth_of(n_weeks: int, seed: int, changed=None) -> StreamDraws:
    """One draw: other sides answer more, in kind and gravely for grave acts; tension and drift both move."""
    rng = np.random.default_rng(seed)
    knots = knots_for(n_weeks)
    names = [group.name for group in PRIORS.groups if PRIORS.of_group(group)]
    values = {
        "baseline.weekly_rate": rng.uniform(0.1, 0.4, len(LAYOUT.rates)),
        "tension.scale": 0.8,
        "tension.persistence": 120.0,
        "tension.loading": np.where(CONFLICT, 1.0, -0.1),
        "drift.scale": 0.6,
        "answers.number": np.array([0.1, 0.3]),
        "answers.in_kind": np.array([0.4, 0.6]),
        "answers.half_life_days": 3.0,
        "answers.severity": 0.3,
        "answers.gravity": 0.1,
        "answers.most": 1.0,
        "follow_on.number": 0.15,
        "follow_on.half_life_days": 10.0,
        # The future that is played takes cooperation at its expected course.
        "ballast": np.zeros(len(LAYOUT.calming)),
        "ballast.half_life_days": 56.0,
        INNOVATIONS: rng.standard_normal(knots),
        DRIFT_INNOVATIONS: rng.standard_normal(drift_knots_for(knots)),
        **(changed or {}),
    }
    assert set(names) < set(values)
    return stream_draws(LAYOUT, {name: np.asarray(value)[None] for name, value in values.items()}, PRIORS)


def played(truth: StreamDraws, n_weeks: int, seed: int) -> Acts:
    """A record of so many weeks, which follows on some acts long ago."""
    k = len(LAYOUT.kinds)
    before = TimeGrid(START - timedelta(weeks=WEEKS_BEFORE), START)
    long_ago = Acts(
        before,
        LAYOUT,
        np.zeros(k * len(SEVERITIES), dtype=np.int64),
        np.repeat(np.arange(k), len(SEVERITIES)),
        np.tile(SEVERITIES, k),
        np.ones(7 * WEEKS_BEFORE),
    )
    chances = Chances(long_ago, PRIORS, truth, 7 * n_weeks, 1)
    day, stream, severity = Simulator(chances, 0).play(np.random.default_rng(seed))
    order = np.lexsort((severity, stream, day))
    grid = TimeGrid(START, START + timedelta(weeks=n_weeks))
    return Acts(grid, LAYOUT, day[order], stream[order], severity[order], np.ones(7 * n_weeks))


def recover(n_weeks: int, seed: int, options: SamplerOptions, reruns=None, changed=None) -> Recovered:
    whole = WEEKS_BEFORE + n_weeks
    truth = truth_of(whole, seed, changed)
    acts = played(truth, n_weeks, seed)
    priors = record_priors(acts, None)
    posterior = fit(PosteriorDensity.of(acts, priors), options, reruns=reruns)
    tension, drift = courses(truth, whole)
    loading = truth.variables["tension.loading"][0] * truth.variables["tension.scale"][0]
    moved = np.exp(loading * tension[0][:, None] + CONFLICT * drift[0][:, None])
    moved /= moved[:WEEKS_BEFORE].mean(axis=0)
    draws = stream_draws(LAYOUT, posterior.variables, priors)
    return Recovered(acts, truth, moved[WEEKS_BEFORE:], posterior, draws)


def courses(draws: StreamDraws, n_weeks: int) -> tuple[np.ndarray, np.ndarray]:
    """Tension and drift by week, each of shape (draw, week)."""
    drift = linear_between(draws.drift, np.arange(n_weeks), DRIFT_KNOT_STEPS)
    return tension_at_steps(draws.knots, n_weeks), drift


def in_terms_of_the_record(found: Recovered) -> dict[str, np.ndarray]:
    """The truth, with rates as they were on average in the record."""
    values = {name: np.array(value[0], ndmin=1) for name, value in found.truth.variables.items()}
    of_rate = [LAYOUT.categories.index(one.category) for one in LAYOUT.kinds]
    assert LAYOUT.rate_of.tolist() == list(range(len(of_rate)))
    values["baseline.weekly_rate"] = values["baseline.weekly_rate"] * found.moved.mean(axis=0)[of_rate]
    return {name: value for name, value in values.items() if name not in (INNOVATIONS, DRIFT_INNOVATIONS)}


def test_a_short_record_shows_who_answers():
    options = SamplerOptions(seed=1, draws=300, tune=200, chains=2)
    found = {
        number: recover(150, 3, options, (), {"answers.number": np.array([0.05, number])}).posterior
        for number in (0.02, 0.5)
    }
    few, many = (one.variables["answers.number"][:, 1] for one in found.values())
    assert np.quantile(few, 0.95) < np.quantile(many, 0.05)
    assert np.quantile(many, 0.005) < 0.5 < np.quantile(many, 0.995)


@pytest.fixture(scope="module")
def recovered():
    return recover(208, 2, SamplerOptions(seed=1, draws=600, tune=300, chains=2))


@pytest.mark.slow
def test_true_parameters_lie_inside_the_posterior(recovered):
    report = check_gates(recovered.posterior)
    assert report.converged, report
    z, outside = {}, []
    for name, true in in_terms_of_the_record(recovered).items():
        draws = recovered.posterior.variables[name].reshape(recovered.posterior.n_draws, -1)
        low, high = np.quantile(draws, [0.005, 0.995], axis=0)
        for k, value in enumerate(true):
            label = f"{name}[{k}]"
            # On the log scale, where the posteriors of rates and times are near normal.
            positive = np.all(draws[:, k] > 0) and value > 0
            logs, centre = (np.log(draws[:, k]), np.log(value)) if positive else (draws[:, k], value)
            z[label] = float((centre - logs.mean()) / logs.std())
            if not low[k] <= value <= high[k]:
                outside.append(label)
    # Some 40 correlated 99% intervals: more than two misses have a chance of about one in a hundred.
    assert len(z) > 35
    assert len(outside) <= 2, f"outside their 99% intervals: {outside}"
    assert max(map(abs, z.values())) < 4, z
    # Were the posteriors far too wide or too narrow, the root mean square would show it.
    rms = float(np.sqrt(np.mean(np.square(list(z.values())))))
    assert 0.3 < rms < 1.6, f"root mean square z {rms:.2f}"


@pytest.mark.slow
def test_the_true_tension_and_drift_are_tracked_within_their_bands(recovered):
    n_weeks = recovered.acts.grid.n_steps
    true = [one[0, WEEKS_BEFORE:] for one in courses(recovered.truth, WEEKS_BEFORE + n_weeks)]
    fitted = courses(recovered.draws, n_weeks)
    scales = [one.variables["tension.scale"][:, None] for one in (recovered.truth, recovered.draws)]
    conflict = scales[0][0] * true[0] + true[1], scales[1] * fitted[0] + fitted[1]
    # In four years drift moves too little for its own course to be told. Rates are the record's own, so that
    # nothing has a level.
    for found, course, least in zip(
        (*fitted, conflict[1]), (*true, conflict[0]), (0.5, -1.0, 0.7), strict=True
    ):
        apart, wanted = found - found.mean(axis=1, keepdims=True), course - course.mean()
        correlation = np.corrcoef(apart.mean(axis=0), wanted)[0, 1]
        assert correlation > least, f"correlation {correlation:.2f}"
        low, high = np.quantile(apart, [0.05, 0.95], axis=0)
        share = np.mean((low <= wanted) & (wanted <= high))
        assert share > 0.75, f"{share:.0%} of the weeks inside their 90% bands"


FORCE = TargetRule("force", ("military_incident",), 5)
START, WAR_DAYS = date(1990, 1, 1), 6 * 365


def acts(rng, a_year, first, last, category, severities):
    days = rng.uniform(first, last, rng.poisson(a_year * (last - first) / 365.25))
    return [(int(day), category, int(rng.choice(severities))) for day in days]


def war(seed=3):
    """Six years of war, and peace with visits only."""
    rng = np.random.default_rng(seed)
    return [
        *acts(rng, 9, 0, WAR_DAYS, "military_incident", [5]),
        *acts(rng, 20, 0, WAR_DAYS, "military_incident", [3, 4]),
        *acts(rng, 15, 0, WAR_DAYS, "dispute", [1, 2, 3]),
        *acts(rng, 4, 0, WAR_DAYS, "sanction", [2, 3]),
        *acts(rng, 4, 0, WAR_DAYS + 3900, "visit", [2, 3]),
    ]


@pytest.fixture
def forecasts(coded):
    """P(force within 30, 365 days) by the model and by the discounted gamma–Poisson rate."""

    def make(rows, day):
        before = ((START + timedelta(days=when), *act) for when, *act in rows if when < day)
        return both_forecasts(coded(*before), START + timedelta(days=day))

    return make


def both_forecasts(table, origin):
    layout = stream_layout((FORCE,), DyadRule(("USA",), ("CHN",)))
    data = acts_of(table, TimeGrid(START, origin), layout)
    priors = record_priors(data, shipped_population())
    posterior = fit(
        PosteriorDensity.of(data, priors), SamplerOptions(seed=1, draws=800, tune=200, chains=2), reruns=()
    )
    assert check_gates(posterior).rhat_max < 1.05
    draws = stream_draws(layout, posterior.variables, priors)
    quiet = Chances(data, priors, draws, 365, 1).survival().of("force").mean(axis=0)
    origins = np.array([origin], "datetime64[D]")
    rate = baselines_by_origin(table, FORCE, origins, START, [30, 365])["gamma_poisson"][0]
    return 1 - quiet[[30, 365]], rate


@pytest.mark.parametrize("years", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_years_after_a_war_the_chance_has_come_down_as_that_of_a_rate_which_forgets(forecasts, years):
    model, rate = forecasts(war(), WAR_DAYS + 365 * years)
    # Monte Carlo error of a chance near .2 from some hundred effective draws.
    assert (model < rate + 0.04).all()
    assert model[1] > 0.01


def new_war(forecasts, days):
    """P(force within 30 days) by the model and by the rate, so many days into a war after ten quiet years."""
    begins = WAR_DAYS + 3650
    rows = [*war(), *((begins + 3 * n, "military_incident", 5) for n in range(10))]
    model, rate = forecasts(rows, begins + days)
    return model[0], rate[0]


@pytest.mark.slow
def test_a_war_that_begins_is_seen_within_days(forecasts):
    (quiet, _), (after_two, _) = new_war(forecasts, 0), new_war(forecasts, 4)
    assert quiet < 0.03
    assert after_two > 5 * quiet


@pytest.mark.slow
@pytest.mark.xfail(
    strict=True, reason="a war denser than any of the record is believed more slowly than a rate"
)
def test_a_war_that_begins_is_believed_as_soon_as_by_a_rate(forecasts):
    model, rate = new_war(forecasts, 13)
    assert model > min(0.4, rate)


CONFIG = Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml"
DAYS = [
    day
    for year in range(2019, 2024)
    for month in (1, 4, 7, 10)
    if (day := date(year, month, 1)) <= date(2023, 7, 1)
]
LATEST_STEPS = 17
"""Weeks before an as-of date whose tension the next quarter's acts may still move."""


@pytest.mark.slow
def test_each_converges_and_past_tension_does_not_jump_between_neighbours():
    config = load_config(CONFIG)
    # The model alone: the pooled hazard does not answer milestones so far ahead.
    alone = config.model.model_copy(update={"family": "model"})
    config = config.model_copy(update={"calendar": (), "model": alone})
    failed, before, jumps = [], None, []
    for day in DAYS:
        dated = config.model_copy(update={"as_of": day})
        inputs = read_data(dated)
        posterior = fit(PosteriorDensity.of(inputs.data, inputs.priors), sampler_options(dated))
        if check_gates(posterior).failures:
            failed.append(day)
        draws = stream_draws(inputs.data.layout, posterior.variables, inputs.priors)
        path = tension_at_steps(draws.knots, inputs.data.grid.n_steps)
        now = path.mean(axis=0), path.std(axis=0)
        if before is not None:
            n = len(before[0]) - LATEST_STEPS
            jumps.append(float(np.max(np.abs(now[0][:n] - before[0][:n]) / before[1][:n])))
        before = now
    assert not failed
    assert max(jumps) < 1.0, "by less than the posterior standard deviation"
