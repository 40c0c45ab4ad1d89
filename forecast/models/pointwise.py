"""The record step by step under every draw: what the model expects there, and how likely what was seen is.

Compiled from the reference form of the equations, for checks of a fit; the sampler has the fused form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.replace import vectorize_graph
from scipy.special import gammaln, log_expit, xlogy

from forecast.models import terms
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS
from forecast.models.likelihood import likelihood_data
from forecast.models.streams import ladder_log_odds, rate_of_dyad
from forecast.panel.panel import Panel
from forecast.priors import PriorSet

Floats = NDArray[np.float64]
_BATCH = 250
"""Draws evaluated at once; more need more memory and save no time."""


@dataclass(frozen=True)
class RecordUnderDraws:
    """The record of one dyad under draws, given what was seen before each step.

    Parameters
    ----------
    mean : ndarray, shape (draw, step, stream)
        Expected events in the data.
    shape : ndarray, shape (draw, step, stream)
        Of the negative binomial; zero where nothing was observed.
    log_likelihood : ndarray, shape (draw, step, stream)
        Log probability of the events of a step and stream: of their number, and of their severities where a
        layout has them. Zero where nothing was observed.
    """

    mean: Floats
    shape: Floats
    log_likelihood: Floats

    def draw_counts(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the number of events of each step and stream anew, shape (draw, step, stream)."""
        seen = self.shape > 0
        rate = np.zeros(self.mean.shape)
        # A gamma mixture of Poissons is the negative binomial.
        rate[seen] = self.mean[seen] * rng.gamma(self.shape[seen]) / self.shape[seen]
        return rng.poisson(rate)


def record_under_draws(panel: Panel, priors: PriorSet, variables: Mapping[str, Floats]) -> RecordUnderDraws:
    """Return the record of a panel of one dyad under draws, each variable of shape (draw, 1, …)."""
    own = {name: values[:, 0] for name, values in variables.items()}
    evaluate = _compiled(panel, priors, own)
    names = [group.variable for group in priors.groups] + [INNOVATIONS, DRIFT_INNOVATIONS]
    exposure, completeness = panel.exposure[0, :, None], panel.completeness[0, :, None]
    step, stream = np.argwhere(panel.reach[0, ..., 0] > 0).T
    means, shapes, found = [], [], []
    for first in range(0, len(own[INNOVATIONS]), _BATCH):
        some = {name: values[first : first + _BATCH] for name, values in own.items()}
        rate, ladder = evaluate(*(some[name] for name in names))
        means.append(rate * exposure * completeness)
        shapes.append(some["overdispersion_shape"][:, None, :] * exposure)
        found.append(_count_log_probability(panel.counts[0], means[-1], shapes[-1]))
        if panel.layout.marked:
            found[-1][:, step, stream] += _ladder_log_probability(panel.reach[0, step, stream], ladder)
    return RecordUnderDraws(*(np.concatenate(parts) for parts in (means, shapes, found)))


def _compiled(panel: Panel, priors: PriorSet, variables: Mapping[str, Floats]) -> Any:  # noqa: ANN401 - PyTensor's
    arrays, layout, grid = likelihood_data(panel), panel.layout, panel.grid
    inputs = {
        group.name: pt.tensor(dtype="float64", shape=variables[group.variable].shape[1:])
        for group in priors.groups
    }
    n_knots = variables[INNOVATIONS].shape[-1]
    every = [*inputs.values(), innovations := pt.vector(shape=(n_knots,), dtype="float64")]
    every.append(own := pt.vector(shape=variables[DRIFT_INNOVATIONS].shape[1:], dtype="float64"))
    drift = terms.drift_at_knots(own, inputs["drift.scale"], terms.drift_basis(n_knots))
    drifted = terms.drift_at_steps(drift, grid.n_steps, int(panel.first_step[0]))
    rate, tension = rate_of_dyad(layout, arrays.felt[0], inputs, innovations, drifted)
    ladder = pt.zeros((0, 4))
    if layout.marked:
        by_dyad = {name: value[None] for name, value in inputs.items()}
        ladder = ladder_log_odds(arrays, panel, by_dyad, tension[None], drifted[None])
    # All draws of a batch at once: to compile it to machine code would take longer than the evaluation.
    batched = [pt.tensor(dtype="float64", shape=(None, *one.type.shape)) for one in every]
    outputs = vectorize_graph([rate, ladder], replace=dict(zip(every, batched, strict=True)))
    return pytensor.function(batched, outputs, mode="FAST_COMPILE", on_unused_input="ignore")


def _count_log_probability(counts: NDArray[np.int64], mean: Floats, shape: Floats) -> Floats:
    """Negative binomial of mean and shape; zero where the shape is, for nothing was observed there."""
    seen = shape > 0
    alpha, mu = np.where(seen, shape, 1.0), np.where(seen, mean, 1.0)
    y = counts[None]
    total = gammaln(y + alpha) - gammaln(alpha) - gammaln(y + 1) - alpha * np.log1p(mu / alpha)
    return np.where(seen, total + xlogy(y, mu / (alpha + mu)), 0.0)


def _ladder_log_probability(reach: NDArray[np.int64], log_odds: Floats) -> Floats:
    """Log probability of the severities of each cell, shape (draw, cell): of ``reach``, shape (cell, 5)."""
    at_risk, passed = reach[:, :-1], reach[:, 1:]
    stayed = at_risk - passed
    ways = gammaln(at_risk + 1) - gammaln(passed + 1) - gammaln(stayed + 1)
    chances = passed * log_expit(log_odds) + stayed * log_expit(-log_odds)
    return np.asarray((ways + chances).sum(axis=-1))
