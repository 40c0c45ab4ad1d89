"""Every tenth act of a dense record: priors are relative to the record, so that they say the same."""

from datetime import date, timedelta

import numpy as np
import pytest
from forecast.simulation import SimulationOptions, simulate_first_passages

from forecast.events.codebook import CATEGORIES, CONFLICTUAL
from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import sample
from forecast.models.draws import prior_draws, stream_draws
from forecast.panel import TargetRule, TimeGrid, count_events, stream_layout
from forecast.priors.population import record_priors

GRID = TimeGrid(date(2000, 1, 1), date(2009, 12, 30))
LAYOUT = stream_layout([TargetRule("major", CONFLICTUAL, 4), TargetRule("grave", CONFLICTUAL, 5)])
A_DAY = (0.6, 0.4, 0.3, 0.12, 0.06)
"""Acts by severity, all categories together."""


@pytest.fixture(scope="module")
def panels(coded):
    """Some thousands of acts in ten years, every tenth of each stream, and those with all acts of targets."""
    rng = np.random.default_rng(3)
    rows = []
    for day in range((GRID.origin - GRID.start).days):
        for severity, rate in enumerate(A_DAY, start=1):
            # A cell counts one act a day, so that there is no more than one.
            for category in rng.choice(CATEGORIES, int(rng.random() < rate)):
                rows.append((str(GRID.start + timedelta(days=day)), str(category), severity))
    whole = coded(*rows)
    stream = LAYOUT.assign(whole)
    place = np.zeros(len(whole), dtype=int)
    for k in range(len(LAYOUT.streams)):
        place[stream == k] = np.arange((stream == k).sum())
    tenth = place % 10 == 5
    thinned = whole.select(tenth), whole.select(tenth | (stream >= len(LAYOUT.ordinary)))
    return [count_events(table, GRID, LAYOUT) for table in (whole, *thinned)]


def test_the_prior_expects_as_many_target_acts_of_what_the_record_has(panels):
    """Median over draws of the acts in two years, as a multiple of the record's own rate."""
    options = SimulationOptions(seed=5, horizon_days=730, paths_per_draw=4)
    cells = slice(len(LAYOUT.ordinary), None)
    found = []
    for panel in panels[:2]:
        priors = record_priors(panel, None)
        variables = prior_draws(priors, 800, GRID.n_knots, np.random.default_rng(4))
        hits = simulate_first_passages(panel, stream_draws(LAYOUT, variables, priors), options)
        expected = hits.acts[..., cells].sum(axis=-1).mean(axis=1)
        rate = panel.counts[:, cells].sum() / panel.weeks
        found.append(float(np.median(expected) / (rate * 730 / 7)))
    assert 0.2 < found[0] < 2
    # The last weeks before the origin are not alike, and a median of whole numbers is coarse.
    assert found[1] == pytest.approx(found[0], rel=0.15)


@pytest.mark.slow
def test_a_forecast_hardly_changes_where_all_but_the_target_is_thinned(panels):
    """The record of the target is whole, and so is nearly all that a steady record knows of it."""
    options = SimulationOptions(seed=5, horizon_days=120, paths_per_draw=20)
    sampler = SamplerOptions(seed=3, draws=150, tune=250)
    found = []
    for panel in (panels[0], panels[2]):
        priors = record_priors(panel, None)
        assert panel.counts[:, -1].sum() > 50
        tree = sample(PosteriorDensity.of(panel, priors), sampler)
        draws = stream_draws(LAYOUT, Posterior(tree, 0.9, 250).variables, priors)
        hits = simulate_first_passages(panel, draws, options)
        found.append([hits.probability("grave", days) for days in (30, 60, 120)])
    for whole, thinned in zip(*found, strict=True):
        assert 0.05 < whole < 0.999
        assert thinned == pytest.approx(whole, abs=0.08)
