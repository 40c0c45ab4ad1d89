r"""Recovery of known answers: records of the worked case's size are played, fitted, and held to the truth.

    python tools/studies/recovery.py --records 40 [--truth other_side]

Truths: ``none`` (nobody answers), ``other_side`` (only the other side does), ``class`` (only six meetings of
a class are answered), ``grave`` (both sides answer, and graver acts gravely). Streams, rates and severities
are those of the worked case. Printed is, by truth and parameter, the true value, the middle of the posterior
medians, and in how many records the 90% interval holds the truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config import load_config
from forecast.grid import TimeGrid
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import PosteriorDensity, sample
from forecast.models.draws import StreamDraws, prior_draws, stream_draws
from forecast.models.survival import Chances
from forecast.priors.population import record_priors
from forecast.runs.inputs import read_data
from forecast.streams import Acts
from forecast.targets import FutureAct
from tools.studies.simulator import Simulator

Floats = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[2]
WORKED_CASE = ROOT / "configs/us-china-2023.yaml"
NOTHING = 1e-6
BASE: Mapping[str, float] = {
    "tension.scale": 0.6,
    "tension.persistence": 120.0,
    "tension.loading": 1.0,
    "drift.scale": 0.5,
    "answers.number": NOTHING,
    "answers.in_kind": 0.5,
    "answers.half_life_days": 3.0,
    "answers.severity": 0.4,
    "answers.gravity": 0.2,
    "answers.most": 1.0,
    "follow_on.number": 0.12,
    "follow_on.half_life_days": 10.0,
    "reaction.number": NOTHING,
    "reaction.half_life_days": 3.0,
    "reaction.severity": 0.8,
    "reaction.gravity": 0.3,
    "ballast": 0.0,
    "ballast.half_life_days": 56.0,
}
TRUTHS: Mapping[str, Mapping[str, float | tuple[float, float]]] = {
    "none": {},
    "other_side": {"answers.number": (NOTHING, 0.3)},
    "class": {"reaction.number": 0.7},
    "grave": {"answers.number": (0.06, 0.09), "answers.severity": 0.4, "answers.gravity": 0.25},
}
SHOWN = ("answers.number", "answers.severity", "answers.gravity", "reaction.number")
CASES = (300, 700, 1000, 1400, 1800, 2200)
"""Days of the six meetings, all of severity 4."""


class Recovered(NamedTuple):
    """A parameter of one record: its true value, and quantiles 5, 50 and 95% of its posterior."""

    truth: str
    name: str
    true: float
    low: float
    middle: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the 90% interval holds the truth."""
        return self.low <= self.true <= self.high


def worked_case() -> Acts:
    """Return the record whose size and streams those that are played have."""
    return read_data(load_config(WORKED_CASE)).data


def true_draw(data: Acts, truth: str) -> StreamDraws:
    """Return one draw with the truth, under which about as many acts come as in the record."""
    priors = record_priors(data, None)
    variables = prior_draws(priors, 1, data.grid.n_knots, np.random.default_rng(1))
    stated: dict[str, float | tuple[float, float]] = {**BASE, **TRUTHS[truth]}
    for name, value in variables.items():
        variables[name] = np.broadcast_to(stated.get(name, 0.0), value.shape).astype(np.float64)
    acts = np.array([source.acts for source in data.rate_sources])
    # Acts that answer come on top of the others: of all, some share.
    answered = min(float(np.sum(np.asarray(stated["answers.number"]))) * 1.2, 0.5)
    variables["baseline.weekly_rate"] = ((acts + 0.5) / data.weeks * (1 - answered))[None]
    variables["tension.loading"][0, [name in data.layout.calming for name in data.layout.categories]] = 0.0
    if truth == "class":
        of_class = data.layout.sets_off.any(axis=0)
        rates = {int(rate) for rate in data.layout.rate_of[of_class]}
        whole = {rate for rate in rates if of_class[data.layout.rate_of == rate].all()}
        variables["baseline.weekly_rate"][0, sorted(whole)] = NOTHING
    return stream_draws(data.layout, variables, priors)


def played(data: Acts, truth: str, seed: int) -> Acts:
    """Play a record as long as another one, on its streams."""
    n_days = len(data.completeness)
    origin = data.grid.origin
    chances = Chances(data, record_priors(data, None), true_draw(data, truth), n_days, seed, futures=1)
    cases = [
        FutureAct(origin + timedelta(days=day), "dispute", 4, 1.0, by="USA", subcategory="taiwan_contact")
        for day in CASES
    ]
    acts = cases if truth == "class" else ()
    day, stream, severity = Simulator(chances, 0).play(np.random.default_rng(seed), acts, occasions=False)
    order = np.lexsort((severity, stream, day))
    grid = TimeGrid(origin, origin + timedelta(days=n_days))
    return Acts(grid, data.layout, day[order], stream[order], severity[order], np.ones(n_days))


def recovered(data: Acts, truth: str, seed: int, options: SamplerOptions) -> Iterator[Recovered]:
    """Play a record, fit it, and yield what is found of every parameter that is shown."""
    record = played(data, truth, seed)
    priors = record_priors(record, None)
    found = Posterior(sample(PosteriorDensity.of(record, priors), options), 0.9, options.tune).variables
    true = true_draw(data, truth).variables
    for name in SHOWN:
        values, own = found[name].reshape(len(found[name]), -1), np.ravel(true[name])
        for element, column in enumerate(values.T):
            label = f"{name}[{element}]" if len(own) > 1 else name
            quantiles = np.quantile(column, [0.05, 0.5, 0.95]).tolist()
            yield Recovered(truth, label, float(own[element]), *quantiles)


def main() -> None:
    """Read the arguments, play and fit, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=40, help="records a truth")
    parser.add_argument("--truth", action="append", choices=TRUTHS, help="all when absent")
    parser.add_argument("--draws", type=int, default=250)
    given = parser.parse_args()
    data = worked_case()
    print("truth, parameter, true, middle of medians, 90% interval holds the truth", flush=True)
    for truth in given.truth or TRUTHS:
        rows = [
            row
            for seed in range(given.records)
            for row in recovered(
                data, truth, seed, SamplerOptions(seed=seed, draws=given.draws, tune=given.draws, chains=2)
            )
        ]
        for name in dict.fromkeys(row.name for row in rows):
            own = [row for row in rows if row.name == name]
            middle = float(np.median([row.middle for row in own]))
            # Nothing is at the end of what a positive parameter can be: no interval holds it.
            held = f"{sum(row.holds for row in own)} of {len(own)}" if own[0].true > NOTHING else "-"
            print(f"{truth}, {name}, {own[0].true:g}, {middle:.3f}, {held}", flush=True)


if __name__ == "__main__":
    main()
