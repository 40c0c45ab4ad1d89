"""The data of a model without PyMC: arrays of counts and priors; the log likelihood under any draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.models.draws import StreamDraws
from forecast.models.kernel import DYNAMICS, STREAM_ROWS, value_and_gradient
from forecast.panel.panel import Panel, recent_severe_term
from forecast.priors import Distribution, PriorSet

Floats = NDArray[np.float64]
PRIOR = "prior_"
"""What the names of the data containers of priors begin with."""


@dataclass(frozen=True)
class LikelihoodData:
    """Data arguments of ``kernel.value_and_gradient``, where their shapes stand; the same names serve refits.

    ``exceed[i, j, k]`` is the number of steps before the last with more than ``j`` events. ``marks`` are of
    the cells with events, dyad after dyad; none when unmarked.
    """

    roles: Floats
    counts: Floats
    exceed: Floats
    marks: Floats
    recent: Floats
    extent: Floats
    felt: Floats
    completeness: Floats


def likelihood_data(panel: Panel) -> LikelihoodData:
    """Arrange counts for the likelihood."""
    full = panel.counts[:, :-1]
    top = max(int(full.max(initial=0)), 1)
    exceed = (full[:, None] > np.arange(top)[:, None, None]).sum(axis=2).astype(np.float64)
    cells = np.argwhere(panel.reach[..., 0] > 0)
    marks = np.column_stack([cells[:, 1:], panel.reach[tuple(cells.T)]]).astype(np.float64)
    bounds = np.searchsorted(cells[:, 0], np.arange(len(panel) + 1))
    grid = panel.grid
    extent = [
        (grid.n_steps, grid.last_exposure, first, begin, end)
        for first, begin, end in zip(panel.first_step, bounds[:-1], bounds[1:], strict=True)
    ]
    return LikelihoodData(
        roles=np.array([panel.layout.conflictual, panel.layout.calming]),
        counts=panel.counts.astype(np.float64),
        exceed=exceed,
        marks=marks.reshape(-1, 7),
        recent=recent_severe_term(panel.severe_recent),
        extent=np.array(extent, dtype=np.float64),
        felt=panel.felt_counts,
        completeness=panel.completeness,
    )


def prior_data(priors: PriorSet) -> dict[str, Floats]:
    """Parameters of all priors, shape (parameter, element), by the name of their data container.

    A group whose elements have several families of distributions has one container a family.
    """
    found = {}
    for group in priors.groups:
        own = [prior.distribution for prior in priors.of_group(group)]
        families = families_of(own)
        for family in families:
            name = part_name(group.variable, family) if len(families) > 1 else group.variable
            found[f"{PRIOR}{name}"] = prior_values([one for one in own if one.family == family])
    return found


def families_of(distributions: Sequence[Distribution]) -> list[str]:
    """Names of the families, each once, in order."""
    return list(dict.fromkeys(distribution.family for distribution in distributions))


def part_name(variable: str, family: str) -> str:
    """Name of the variable that holds a group's elements of one family."""
    return f"{variable}_{family.lower()}__"


def prior_values(distributions: Sequence[Distribution]) -> Floats:
    """Parameters of distributions of one family, shape (parameter, element)."""
    return np.array([distribution.values for distribution in distributions], dtype=np.float64).T.copy()


def log_likelihood(panel: Panel, draws: StreamDraws) -> Floats:
    """Log likelihood of counts and marks under each draw, up to a constant; shape (draw,).

    The constant depends on neither draws nor counts of a given total, so that differences between draws
    are exact. The draws must have the knots that the grid needs.
    """
    arrays = tuple(vars(likelihood_data(panel)).values())
    streams = np.stack([getattr(draws, row) for row in STREAM_ROWS], axis=2)
    dynamics = np.stack([getattr(draws, name) for name in DYNAMICS], axis=2)
    parameters = (streams, dynamics, draws.innovations, draws.level, draws.drift_at_knots)
    return np.array(
        [value_and_gradient(*(one[i] for one in parameters), *arrays)[0][0] for i in range(len(draws))]
    )
