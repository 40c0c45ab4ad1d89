"""One step ahead, the simulator draws from the model that PyMC states: rates, counts and severities."""

from datetime import date

import numpy as np
import pymc as pm
import pytensor
import pytest
import xarray as xr
from scipy import stats

from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, prior_draws, stream_draws
from forecast.models.streams import build_model, terms
from forecast.panel.panel import TimeGrid, count_events, recent_severe_term
from forecast.panel.streams import TargetRule
from forecast.priors import default_priors
from forecast.simulation import SimulationOptions, simulate_first_passages
from forecast.simulation.paths import RATE_CAP

N_DRAWS, N_PATHS = 5, 20_000
CASES = [(family, last_step) for family in ("joint", "focused") for last_step in ("whole", "cut")]
START = date(2022, 1, 1)
# A whole last step is followed by the next one; a cut one is completed: its last four days are simulated.
PAST = {
    "whole": (TimeGrid(START, date(2022, 9, 17)), 1.0, 7),
    "cut": (TimeGrid(START, date(2022, 9, 13)), 4 / 7, 4),
}


class Ahead:
    """The past, parameters from the prior, and the plain model whose last step is the one simulated."""

    def __init__(self, us_china, layout, last_step: str) -> None:
        grid, self.share, self.days = PAST[last_step]
        known = us_china.between(START, date.fromordinal(grid.origin.toordinal() - 1))
        self.data = count_events(known, grid, layout)
        through = TimeGrid(START, date.fromordinal(grid.origin.toordinal() + self.days))
        assert through.n_steps == grid.n_steps + (last_step == "whole")
        assert through.n_knots == grid.n_knots
        self.longer = count_events(known, through, layout)
        stated = {"baseline.weekly_rate": "LogNormal(-1, 0.5)"}
        stated |= {"ballast": "Normal(0.4, 0.3)"} if layout.marked else {}
        priors = default_priors(layout).changed(stated, "config")
        variables = prior_draws(priors, N_DRAWS, grid.n_knots, np.random.default_rng(8))
        self.draws = stream_draws(layout, variables)
        self.shape = self.draws.shape[:, 0]
        # A model of one dyad has variables without that axis.
        self.variables = {name: values[:, 0] for name, values in variables.items()}
        self.model = build_model(self.longer, priors, form="plain")
        names = list(self.variables)
        rate = pytensor.function(
            [self.model[name] for name in names],
            self.model["rate"],
            mode="FAST_COMPILE",
            on_unused_input="ignore",
        )
        self.rates = np.array(
            [rate(*(self.variables[name][d] for name in names))[0, -1] for d in range(N_DRAWS)]
        )

    def simulate(self, rules):
        options = SimulationOptions(seed=6, horizon_days=self.days, paths_per_draw=N_PATHS)
        return simulate_first_passages(self.data, self.draws, rules, options)


@pytest.fixture(scope="module")
def one_step(us_china, layouts):
    return {(family, last_step): Ahead(us_china, layouts[family], last_step) for family, last_step in CASES}


RULES = tuple(
    TargetRule(f"s{level}", ("military_incident", "dispute", "sanction"), level) for level in (1, 3, 5)
)


def rules_of(ahead):
    return RULES if ahead.data.layout.marked else (ahead.data.layout.target,)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_counts_one_step_ahead_have_the_distribution_of_the_models_rate(one_step, case):
    ahead = one_step[case]
    acts = ahead.simulate(rules_of(ahead)).acts[0]
    for d in range(N_DRAWS):
        for k, name in enumerate(ahead.data.layout.streams):
            # One drawn rate lies above what the simulator allows, and is cut.
            rate, shape = min(ahead.rates[d, k], RATE_CAP), ahead.shape[d, k]
            known = stats.nbinom(shape * ahead.share, shape / (shape + rate))
            z = (acts[d, :, k].mean() - rate * ahead.share) / (known.std() / np.sqrt(N_PATHS))
            assert abs(z) < 4.5, f"draw {d}, {name}: mean z {z:.1f}"
            # Cells with at least five expected paths; the rest is pooled into the last.
            top = int(np.max(np.flatnonzero(known.pmf(np.arange(200)) * N_PATHS >= 5), initial=0))
            expected = np.append(known.pmf(np.arange(top + 1)), known.sf(top)) * N_PATHS
            seen = np.bincount(np.minimum(acts[d, :, k], top + 1), minlength=top + 2)
            keep = expected > 0.5
            chi2 = ((seen - expected)[keep] ** 2 / expected[keep]).sum()
            p = stats.chi2.sf(chi2, max(keep.sum() - 1, 1))
            assert p > 1e-5, f"draw {d}, {name}: chi-square {chi2:.1f}, p {p:.1g}"


# The potential keeps parameters in bounds; those given here are fixed, so that it has nothing to say.
@pytest.mark.filterwarnings("ignore:The effect of Potentials:UserWarning")
@pytest.mark.parametrize("family", ["joint", "focused"])
def test_counts_one_step_ahead_are_pymcs_posterior_predictive(one_step, family):
    ahead = one_step[family, "whole"]
    repeats = 300
    posterior = {
        name: (
            ("chain", "draw", *(f"{name}_{i}" for i in range(values.ndim - 1))),
            np.repeat(values[:, None], repeats, 1),
        )
        for name, values in ahead.variables.items()
    }
    with ahead.model:
        predictive = pm.sample_posterior_predictive(
            xr.DataTree.from_dict({"posterior": xr.Dataset(posterior)}),
            var_names=["counts"],
            freeze_vars=list(posterior),
            random_seed=9,
            progressbar=False,
            compile_kwargs={"mode": "FAST_COMPILE"},
        )["posterior_predictive"]["counts"].values
    predictive = predictive.reshape(N_DRAWS, repeats, -1, len(ahead.data.layout.streams))[:, :, -1]
    acts = ahead.simulate(rules_of(ahead)).acts[0]
    variance = ahead.rates * ahead.share * (1 + ahead.rates / ahead.shape)
    z = (acts.mean(axis=1) - predictive.mean(axis=1)) / np.sqrt(variance * (1 / repeats + 1 / N_PATHS))
    assert np.abs(z).max() < 4.5, f"largest z of the means {np.abs(z).max():.1f}"
    quiet, other = (acts == 0).mean(axis=1), (predictive == 0).mean(axis=1)
    error = np.sqrt(np.maximum(quiet * (1 - quiet), 1e-4) * (1 / repeats + 1 / N_PATHS))
    assert np.abs((quiet - other) / error).max() < 4.5


def test_severities_one_step_ahead_follow_the_models_mark_odds(one_step):
    for last_step in PAST:
        ahead = one_step["joint", last_step]
        hits = ahead.simulate(RULES)
        step = ahead.longer.grid.n_steps - 1
        recent = recent_severe_term(ahead.longer.severe_recent[0, -1:])
        for d in range(N_DRAWS):
            value = {name: values[d] for name, values in ahead.variables.items()}
            decay = np.exp(-28 / value["tension_persistence"])
            knots = terms.ornstein_uhlenbeck(value[INNOVATIONS], decay, ahead.longer.grid.n_knots)
            tension = terms.tension_at_steps(knots, step + 1)[step].eval(mode="FAST_COMPILE")
            category = value["severity_category"] - value["severity_category"].mean()
            grave = value["severity_grave"] - value["severity_grave"].mean()
            weights = value["severity_tension"], value["severity_recent"]
            basis = terms.drift_basis(ahead.longer.grid.n_knots)
            knots = terms.drift_at_knots(value[DRIFT_INNOVATIONS], value["drift_scale"], basis)
            drift = terms.drift_at_steps(knots, step + 1, 0)[step].eval(mode="FAST_COMPILE")
            raised = value["severity_drift"] * drift
            level = np.concatenate([[0.0], value["severity_level"]])
            kinds = value["severity_notable"], category, grave
            log_odds = terms.mark_log_odds(level, kinds, np.full(8, tension), recent, weights, raised)
            log_odds = log_odds.eval(mode="FAST_COMPILE")
            reach = np.cumprod(np.hstack([np.ones((8, 1)), 1 / (1 + np.exp(-log_odds))]), axis=1)
            for rule in RULES:
                k = [ahead.data.layout.streams.index(name) for name in rule.any_of]
                rate, shape = ahead.rates[d, k], ahead.shape[d, k]
                # A negative binomial thinned with probability q stays at zero with (1+mq/α)^(−α).
                thinned = np.log1p(rate * reach[k, rule.min_severity - 1] / shape)
                expected = 1 - np.exp(-(shape * ahead.share * thinned).sum())
                seen = int((hits.of(rule.name)[d] < ahead.days).sum())
                p = stats.binomtest(seen, N_PATHS, expected).pvalue
                assert p > 1e-5, (
                    f"{last_step}, draw {d}, {rule.name}: {seen}, expected {expected * N_PATHS:.1f}"
                )
