"""A family is one module and one line: a Poisson rate with a Gamma prior, from a config to a report.

Its posterior is known in closed form, so that this proves the whole way from the config to the forecast.
"""

import json
from dataclasses import dataclass, replace

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from forecast.config import load_config
from forecast.families import FAMILIES
from forecast.inference.importance import monte_carlo_error
from forecast.panel.panel import STEP_DAYS
from forecast.panel.streams import stream_layout
from forecast.priors import PriorSet, default_priors
from forecast.runs.run import read_run
from forecast.simulation.paths import NEVER, FirstPassages
from forecast.workflows.forecast import run_forecast

RATE = "baseline.weekly_rate"
VARIABLE = "baseline_weekly_rate"
CONFIG = """\
name: toy
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN]}
as_of: 2022-01-01
events: {source: "bundled:us-china", start: 2019-01-01}
targets:
  severe: {any_of: [sanction, military_incident, military_posture, dispute], min_severity: 4}
milestones:
  - {name: spring, date: 2022-02-01}
  - {name: new-year, date: 2023-01-01}
headline: {target: severe, milestone: spring}
model: {family: toy, priors: {baseline.weekly_rate: "Gamma(2, 4)"}}
sampler: {seed: 5, draws: 1000, tune: 300, chains: 2, paths_per_draw: 4}
"""


@dataclass(frozen=True)
class ToyModel:
    """Days of the target come at a constant rate a week."""

    targets: tuple

    @property
    def name(self):
        return f"toy-{self.targets[0].name}"

    @property
    def layout(self):
        return stream_layout("target", self.targets[0])

    def asked(self, targets):
        return replace(self, targets=targets)

    def default_priors(self, panel, population):
        known = default_priors(self.layout)
        priors = {name: prior for name, prior in known.priors.items() if prior.group.name == RATE}
        groups = tuple(group for group in known.groups if group.name == RATE)
        return PriorSet(self.layout, groups, priors)

    def arrays(self, panel, priors):
        return {"days": panel.counts[0].astype(float), "weeks": panel.exposure[0, :, None]}

    def build(self, panel, priors, n_knots=None):
        (prior,) = priors.priors.values()
        assert prior.distribution.family == "Gamma"
        shape, rate = prior.distribution.values
        with pm.Model(coords={"stream": list(self.layout.streams)}) as model:
            weekly = pm.Gamma(VARIABLE, shape, rate, dims="stream")
            data = {name: pm.Data(name, values) for name, values in self.arrays(panel, priors).items()}
            pm.Potential(
                "log_likelihood",
                (data["days"] * pm.math.log(weekly) - weekly * data["weeks"]).sum(),
            )
        return model

    def draws(self, variables):
        return variables[VARIABLE][:, 0, 0]

    def log_likelihood(self, panel, draws):
        return panel.counts.sum() * np.log(draws) - draws * panel.exposure.sum()

    def simulate(self, panel, draws, options, calendar=(), new_types=None):
        rng = np.random.default_rng(options.seed)
        days = rng.exponential(STEP_DAYS / draws[:, None], (len(draws), options.paths_per_draw))
        first = np.where(days < options.horizon_days, np.floor(days), NEVER).astype(np.int32)
        names = tuple(target.name for target in self.targets)
        return FirstPassages(names, panel.grid.origin, first[None, None], None, options.horizon_days, 0.0)

    def tension(self, draws, n_steps):
        return None


@dataclass(frozen=True)
class ToyFamily:
    name: str = "toy"
    label: str = "toy model"
    colour: str = "#884488"
    method: tuple[str, ...] = (
        "Days of each target come at a constant rate, learnt from how many there were.",
    )
    cost: int = 1
    abilities: frozenset = frozenset()

    @property
    def members(self):
        return (self,)

    def models(self, targets):
        return tuple(ToyModel((target,)) for target in targets)


def test_one_line_adds_a_family_that_runs_from_config_to_report(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "toy", ToyFamily())
    (tmp_path / "toy.yaml").write_text(CONFIG, encoding="utf-8")
    run, folder = run_forecast(
        load_config(tmp_path / "toy.yaml"), out=tmp_path / "runs", allow_unconverged=True
    )
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    panel = run.inputs.data
    exact = stats.gamma(2 + panel.counts.sum(), scale=1 / (4 + panel.exposure.sum()))
    assert panel.counts.sum() > 5
    draws = run.draws
    for power in (1, 2):
        error = monte_carlo_error(draws**power, run.n_chains)
        z = ((draws**power).mean() - exact.moment(power)) / error
        assert abs(z) < 4, f"moment {power}: z {z:.1f}"
    # The chance of none before a milestone is the Laplace transform of the posterior: a Lomax law.
    record = json.loads((folder / "forecast.json").read_text())
    assert record["model"] == "toy"
    shape, weeks = 2 + panel.counts.sum(), 4 + panel.exposure.sum()
    for milestone in record["targets"][0]["milestones"]:
        ahead = (np.datetime64(milestone["date"]) - np.datetime64(panel.grid.origin)).astype(int) / STEP_DAYS
        expected = 1 - (weeks / (weeks + ahead)) ** shape
        assert milestone["probability"] == pytest.approx(expected, abs=4 * milestone["mcse"] + 1e-3)
    back = read_run(folder)
    np.testing.assert_array_equal(back.draws, draws)
    np.testing.assert_array_equal(back.first_day["severe"], run.first_day["severe"])
