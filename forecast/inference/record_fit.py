"""Fit the model to one record."""

from __future__ import annotations

from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import ProgressListener, fit
from forecast.panel.panel import Panel
from forecast.priors import PriorSet


def fit_record(
    panel: Panel,
    priors: PriorSet,
    options: SamplerOptions,
    listen: ProgressListener | None = None,
) -> Posterior:
    """Sample the posterior given a panel; ``listen``, reruns and errors as ``fit``."""
    return fit(PosteriorDensity.of(panel, priors), options, listen)
