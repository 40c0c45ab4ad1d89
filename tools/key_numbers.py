"""Key numbers of the worked case under the installed versions of NumPy, SciPy, Numba and the rest.

Run by ``make test-lowest``, once in each of two environments: the first writes the numbers, the second
compares its own with them and fails where one differs by more than is allowed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from forecast import NotConvergedWarning, fit, load_config, read_inputs
from forecast.models.draws import log_likelihood, prior_draws, stream_draws
from forecast.models.survival import Chances
from forecast.runs.mixture import direct_answers

WORKED_CASE = Path(__file__).resolve().parents[1] / "configs/us-china-2023.yaml"
SHOWN = ("numpy", "scipy", "numba", "pymc", "pytensor", "arviz", "duckdb", "xarray")
ROUNDING = 1e-9
"""How far numbers without sampling may be from one another, as a share of them."""
MOST_ERRORS = 4.0
"""How far probabilities of two fits may be apart, in Monte Carlo errors of their difference."""
FIT = (
    "model.family=model",
    "model.population=none",
    "scenarios=[]",
    "sampler.draws=300",
    "sampler.tune=400",
    "sampler.seed=7",
)

Numbers = dict[str, dict[str, Any]]


def key_numbers() -> Numbers:
    """Compute the numbers: by part the values by name, and of the fit their Monte Carlo errors."""
    return {
        "versions": {name: version(name) for name in SHOWN},
        "pooled hazard": _pooled_hazard(),
        "given draws": _given_draws(),
        **_small_fit(),
    }


def _pooled_hazard() -> dict[str, float]:
    inputs = read_inputs(load_config(WORKED_CASE, overrides=["model.family=pooled_hazard"]))
    direct = direct_answers(inputs, inputs.events, 540)
    found = {}
    for rule in inputs.rules:
        for draws in direct.of(rule.name):
            for day in (30, 180, 540):
                found[f"{rule.name} within {day}, mean"] = float(draws[:, day].mean())
                found[f"{rule.name} within {day}, variance"] = float(draws[:, day].var())
    return found


def _given_draws() -> dict[str, float]:
    inputs = read_inputs(load_config(WORKED_CASE, overrides=["model.population=none"]))
    acts, rng = inputs.data, np.random.default_rng(20230710)
    variables = prior_draws(inputs.priors, 24, acts.grid.n_knots, rng)
    draws = stream_draws(acts.layout, variables, inputs.priors)
    likelihood = log_likelihood(acts, draws, inputs.priors)
    survival = Chances(acts, inputs.priors, draws, 180, seed=5).survival(inputs.calendar)
    found = {f"log likelihood of draw {place}": float(value) for place, value in enumerate(likelihood)}
    for target in survival.targets:
        chances = 1 - survival.of(target).mean(axis=0)
        found |= {f"{target} within {day}": float(chances[day]) for day in (30, 90, 180)}
    return found


def _small_fit() -> Numbers:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", NotConvergedWarning
        )  # few draws: the errors below say what they are worth
        run = fit(None, load_config(WORKED_CASE, overrides=FIT), drivers=False)
    asked = {
        f"{target.name} before {one.name}": one
        for target in run.forecast.targets
        for one in target.milestones
    }
    return {
        "fit": {name: one.probability for name, one in asked.items()},
        "error of fit": {name: one.mcse for name, one in asked.items()},
    }


@dataclass(frozen=True)
class Difference:
    """The largest difference of a part, and what is allowed; in shares, or in Monte Carlo errors."""

    part: str
    compared: int
    largest: float
    at: str
    allowed: float


def differences(own: Numbers, other: Numbers) -> Iterator[Difference]:
    """Compare the parts; a name that stands in one alone is infinitely far."""
    for part in ("pooled hazard", "given draws"):
        apart = {name: _share(one, two) for name, one, two in _pairs(own[part], other[part])}
        yield _largest(part, apart, ROUNDING)
    errors = [one["error of fit"] for one in (own, other)]
    apart = {
        name: abs(one - two) / max(math.hypot(*(error.get(name, 0.0) for error in errors)), 1e-300)
        for name, one, two in _pairs(own["fit"], other["fit"])
    }
    yield _largest("fit", apart, MOST_ERRORS)


def _pairs(one: Mapping[str, float], two: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    for name in sorted(one.keys() | two.keys()):
        yield name, one.get(name, math.inf), two.get(name, -math.inf)


def _share(one: float, two: float) -> float:
    return 0.0 if one == two else abs(one - two) / min(abs(one), abs(two))


def _largest(part: str, apart: Mapping[str, float], allowed: float) -> Difference:
    # A value that is no number is the furthest.
    at = max(apart, key=lambda name: math.inf if math.isnan(apart[name]) else apart[name])
    return Difference(part, len(apart), apart[at], at, allowed)


def main() -> None:
    """Write the numbers, or compare them; exit code 1 where one differs by more than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--write", type=Path, help="file to write the numbers to")
    parser.add_argument("--compare", type=Path, help="file of numbers from other versions")
    given = parser.parse_args()
    own = key_numbers()
    if given.write:
        given.write.parent.mkdir(parents=True, exist_ok=True)
        given.write.write_text(json.dumps(own, indent=1) + "\n", encoding="utf-8")
    if not given.compare:
        print(f"{sum(map(len, own.values()))} numbers")
        return
    other = json.loads(given.compare.read_text(encoding="utf-8"))
    print("here:  " + ", ".join(f"{name} {number}" for name, number in own["versions"].items()))
    print("there: " + ", ".join(f"{name} {number}" for name, number in other["versions"].items()))
    failed = False
    for found in differences(own, other):
        fine = found.largest <= found.allowed
        failed |= not fine
        unit = "Monte Carlo errors" if found.part == "fit" else "of the value"
        print(
            f"{'as allowed' if fine else 'TOO FAR   '}  {found.part}: {found.compared} numbers, at most "
            f"{found.largest:.2g} {unit} apart (allowed {found.allowed:g}), at {found.at}"
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
