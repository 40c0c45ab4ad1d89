"""A run without a sampler: draws of the prior stand for a posterior, so that other priors have known answers.

With no data in the likelihood, the posterior under other priors is those priors themselves.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.config import Scenario, load_config
from forecast.config.settings_file import SourceMap
from forecast.events.codebook import standard_scale
from forecast.families import FAMILIES, Family
from forecast.inference.posterior import Posterior
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, prior_draws
from forecast.priors import elements
from forecast.records.forecast import Diagnostics, DyadRecord, Forecast, Headline, Reporter
from forecast.runs.inputs import Inputs, read_inputs
from forecast.runs.mixture import Mixture
from forecast.runs.run import Run, chances_of, mixture_of, write_run
from forecast.runs.summaries import target_forecasts
from tests.conftest import seal

CHAINS = 4
CONFIG = """\
name: made
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN], label: United States – China}
as_of: 2022-06-30
events: {source: events.csv, start: 2021-01-01}
targets:
  escalation:
    any_of: [sanction, channel_closure, military_incident, military_posture, dispute]
    min_severity: 4
  lethal: {any_of: [military_incident], min_severity: 5}
milestones:
  - {name: autumn, date: 2022-10-01}
  - {name: new-year, date: 2023-01-01}
headline: {target: escalation, milestone: new-year}
calendar:
  - {date: 2022-09-01, category: visit, severity: 2, probability: 0.5, label: A minister visits}
model:
  family: model
  population: none
  priors:
    baseline.weekly_rate: LogNormal(mu=-2.5, sigma=0.4)
    baseline.weekly_rate.escalation: LogNormal(mu=-4, sigma=0.4)
    baseline.weekly_rate.lethal: LogNormal(mu=-5.5, sigma=0.4)
    drift.scale: small
sampler: {seed: 5, draws: 250, tune: 100, chains: 4}
"""
EVENTS = """\
id,date,known_date,initiator,target,category,severity,summary
e1,2021-01-05,,USA,CHN,sanction,2,A listing
e2,2021-03-01,,CHN,USA,dispute,3,A protest
e3,2021-08-09,,USA,CHN,visit,1,A meeting
e4,2022-02-01,,USA,CHN,sanction,4,Sweeping controls
e5,2022-03-01,,CHN,USA,military_incident,3,A close pass
e6,2022-06-20,,CHN,USA,military_posture,3,A drill
"""


CLASH = {"date": "2022-08-15", "category": "military_incident", "severity": 5}


def assumed(*acts, name="assumed", **changes) -> Scenario:
    """A scenario of these acts and changes."""
    settings = {"name": name, "rationale": "A reason", "events": list(acts), **changes}
    return Scenario.checked(settings, SourceMap("test"))


def milestones(forecast) -> dict:
    """Milestones of a run or scenario by target and name."""
    return {(target.name, one.name): one for target in forecast.targets for one in target.milestones}


@dataclass(frozen=True)
class Fixed:
    """A direct member whose probability grows evenly to the same chance for every target that it answers."""

    chance: float
    variance: float = 0.0
    name: str = "fixed"
    label: str = "fixed chance"
    colour: str = "#000000"
    method: str = "A member for tests."
    furthest_days: int = 10_000
    silent: tuple[str, ...] = ()

    def by_day(self, events, targets, origin, start, horizon_days):
        mean = self.chance * np.arange(horizon_days + 1) / horizon_days
        # Two draws that lie apart by this variance at the end.
        spread = np.sqrt(self.variance) / self.chance if self.variance else 0.0
        told = mean * (1 + np.array([[-1.0], [1.0]]) * spread)
        return {target.name: told for target in targets if target.name not in self.silent}


@dataclass(frozen=True)
class Counting(Fixed):
    """One whose chance is a hundredth for every event of the record."""

    def by_day(self, events, targets, origin, start, horizon_days):
        chance = 0.01 * len(events)
        return Fixed(chance).by_day(events, targets, origin, start, horizon_days)


def family_of(name: str, fitted: bool, *direct: Fixed) -> Family:
    return Family(name, name, fitted, direct)


MADE = {
    "mixed": family_of("mixed", True, Fixed(0.3, variance=0.01)),
    "partly": family_of("partly", True, Fixed(0.02, silent=("lethal",))),
    "mute": family_of("mute", True, Fixed(0.6, silent=("escalation", "lethal"))),
    "alone": family_of("alone", False, Fixed(0.3, variance=0.01)),
    "pair": family_of("pair", False, Fixed(0.3), Fixed(0.5, name="other")),
    "near": family_of("near", False, Fixed(0.3), Fixed(0.5, name="other", furthest_days=100)),
    "counting": family_of("counting", True, Counting(0.0)),
}


@pytest.fixture(scope="module")
def families():
    """Families of the model and members that say what is known, as long as a module of tests runs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, family in MADE.items():
            patch.setitem(FAMILIES, name, family)
        yield


@pytest.fixture(scope="module")
def run_of(folder, families, run_from):
    """A run of a family on the draws of ``base``."""
    known: dict[str, Run] = {}

    def make(name: str) -> Run:
        if name not in known:
            known[name] = run_from(read_inputs(load_config(folder / "config.yaml", [f"model.family={name}"])))
        return known[name]

    return make


@pytest.fixture(scope="module")
def mixed(run_of) -> Run:
    """The mean of the model and a member that says 30%."""
    return run_of("mixed")


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("made")
    (place / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (place / "events.csv").write_text(EVENTS, encoding="utf-8")
    return place


@pytest.fixture(scope="session")
def inputs(folder) -> Inputs:
    return read_inputs(load_config(folder / "config.yaml"))


@pytest.fixture(scope="session")
def run_from():
    """Make a run whose posterior is these draws of the prior, changed by ``edit`` where given."""

    def make(inputs: Inputs, seed: int = 1, edit=None) -> Run:
        config = inputs.config
        n_draws = CHAINS * config.sampler.draws
        rng = np.random.default_rng(seed)
        variables = prior_draws(inputs.priors, n_draws, inputs.data.grid.n_knots, rng)
        if edit:
            edit(variables)
        fit = posterior_of(inputs, variables)
        chances = chances_of(inputs, fit)
        mixture = mixture_of(inputs, chances)
        run = Run(inputs, fit, mixture, forecast_of(mixture))
        return run

    return make


def forecast_of(mixture: Mixture) -> Forecast:
    config = mixture.inputs.config
    return Forecast(
        run_id="made-20220630",
        name=config.name,
        dyad=DyadRecord(a="USA", b="CHN", label=config.dyad.title),
        as_of=config.as_of,
        model=config.model.family,
        converged=True,
        fits=(
            Diagnostics(
                rhat_max=1.0, ess_bulk_min=2000, ess_tail_min=2000, divergences=0, bfmi_min=1.0, failures=()
            ),
        ),
        scale=standard_scale(),
        reporter=Reporter(events="events.csv", sourced=True),
        targets=target_forecasts(mixture, CHAINS),
        headline=Headline(target=config.headline.target, milestone=config.headline.milestone),
        members=mixture.members(),
        drivers=(),
        versions={},
    )


@pytest.fixture(scope="session")
def base(inputs, run_from) -> Run:
    return run_from(inputs)


@pytest.fixture(scope="session")
def still(inputs, run_from) -> Run:
    """A run in whose futures nothing happens by itself and nothing brings about anything."""

    def silence(variables):
        for name in ("baseline.weekly_rate", "answers.number", "follow_on.number"):
            variables[name][:] = 1e-12
        variables["tension.scale"][:] = variables["drift.scale"][:] = 1e-12
        variables["ballast"][:] = 0.0

    return run_from(replace(inputs, calendar=()), edit=silence)


@pytest.fixture(scope="session")
def run_folder(base, folder, tmp_path_factory) -> Path:
    """The run as ``forecast run`` would have kept it."""
    place = tmp_path_factory.mktemp("runs") / "made" / "2022-06-30"
    place.mkdir(parents=True)
    write_run(base, place, place)
    seal(place)
    return place


def posterior_of(inputs: Inputs, variables) -> Posterior:
    coords, posterior = {}, {}
    knots = {INNOVATIONS: "knot", DRIFT_INNOVATIONS: "drift_knot"}
    groups = {group.name: group for group in inputs.priors.groups}
    for name, values in variables.items():
        dims = ["chain", "draw"]
        if name in knots:
            dims.append(knots[name])
        elif values.ndim > 1:
            dims.append(groups[name].dimension)
            coords[dims[-1]] = list(elements(groups[name], inputs.data.layout))
        posterior[name] = (dims, values.reshape(CHAINS, -1, *values.shape[1:]))
    n_draws = len(next(iter(variables.values()))) // CHAINS
    coords |= {"chain": np.arange(CHAINS), "draw": np.arange(n_draws)}
    statistics = {"diverging": (["chain", "draw"], np.zeros((CHAINS, n_draws)))}
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset(posterior, coords=coords), "sample_stats": xr.Dataset(statistics)}
    )
    return Posterior(tree, 0.9, 100)


@pytest.fixture
def written(tmp_path):
    """Write the lines of a scenario below a name and a rationale; return its path."""

    def write(*lines: str, name: str = "tried", file: str = "tried.yaml") -> Path:
        text = "\n".join([f"name: {name}", "rationale: A reason", *lines]) + "\n"
        (tmp_path / file).write_text(text, encoding="utf-8")
        return tmp_path / file

    return write
