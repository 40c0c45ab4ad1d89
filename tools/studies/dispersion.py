r"""Whether acts are Poisson by day, and whether one number of answers does for both sides.

    python tools/studies/dispersion.py configs/us-china-2023.yaml [--draws 100]

fits the record of a config, plays every week anew under each draw, given what was seen before, and prints the
variance of weekly acts in the record beside that of the replays (5, 50, 95%), and by how much the answers of
each side exceed what the common numbers say (maximum likelihood and its error, mean over draws).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from forecast.config import load_config
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import PosteriorDensity, sample
from forecast.models.draws import StreamDraws, stream_draws
from forecast.models.intensity import intensity, replay
from forecast.priors import PriorSet
from forecast.runs.inputs import read_data
from forecast.streams import Acts

Floats = NDArray[np.float64]
LOOKED_AT = 10
"""Draws of which intensities are compared with acts."""


def answers_of_side(data: Acts, priors: PriorSet, draws: StreamDraws, side: int) -> tuple[float, float]:
    """Return the factor on the answers of a side that fits its acts best, and its error."""
    streams = np.array([kind.side == side for kind in data.layout.kinds])
    own = streams[data.stream]
    day, stream = data.day[own], data.stream[own]
    found = []
    for d in range(0, len(draws), max(len(draws) // LOOKED_AT, 1)):
        of_draw = intensity(data, priors, draws, d)
        expected = float((of_draw.answers * data.completeness[:, None])[:, streams].sum())
        answers, total = of_draw.answers[day, stream], of_draw.total[day, stream]

        def slope(factor: float, share: Floats = answers / total, mean: float = expected) -> float:
            return float((share / (1 + (factor - 1) * share)).sum() - mean)

        best = float(brentq(slope, 0.01, 50.0)) if slope(0.01) > 0 else 0.01
        curvature = ((answers / (total + (best - 1) * answers)) ** 2).sum()
        found.append((best, 1 / np.sqrt(curvature)))
    factor, error = np.mean(found, axis=0)
    return float(factor), float(error)


def main() -> None:
    """Read the arguments, fit, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--draws", type=int, default=100, help="of each of two chains")
    given = parser.parse_args()
    inputs = read_data(load_config(given.config))
    data, priors = inputs.data, inputs.priors
    options = SamplerOptions(seed=1, draws=given.draws, tune=250, chains=2)
    variables = Posterior(sample(PosteriorDensity.of(data, priors), options), 0.9, options.tune).variables
    draws = stream_draws(data.layout, variables, priors)
    _, again = replay(data, priors, draws, seed=1)
    print("weekly acts, variance in the record, in replays (5, 50, 95%)")
    side = np.array([kind.side for kind in data.layout.kinds])
    kinds = {"conflict": side >= 0, "by side a": side == 0, "by side b": side == 1, "cooperation": side < 0}
    for name, streams in kinds.items():
        # The last week may be cut short.
        seen = data.counts[:-1, streams].sum(axis=1).var()
        replayed = np.quantile(again[:, :-1, streams].sum(axis=2).var(axis=1), [0.05, 0.5, 0.95])
        print(f"{name}, {seen:.2f}, {', '.join(f'{one:.2f}' for one in replayed)}")
    print("answers of a side, as a multiple of what numbers common to both say, and error")
    for place, name in enumerate("ab"):
        factor, error = answers_of_side(data, priors, draws, place)
        print(f"side {name}, {factor:.2f}, {error:.2f}")


if __name__ == "__main__":
    main()
