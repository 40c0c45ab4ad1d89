"""Acts that the plain simulator plays from known parameters are fitted again."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pytest

from forecast.events.codebook import CONFLICTUAL
from forecast.events.dyads import DyadRule
from forecast.grid import DRIFT_KNOT_STEPS, TimeGrid, drift_knots_for, knots_for
from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import check_gates, fit
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    StreamDraws,
    linear_between,
    stream_draws,
    tension_at_steps,
)
from forecast.models.intensity import Simulator
from forecast.models.survival import Chances
from forecast.priors import default_priors
from forecast.priors.population import record_priors
from forecast.streams import Acts, stream_layout

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
